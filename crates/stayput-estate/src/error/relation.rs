//! Errors between values that are each valid.

use miette::Diagnostic;
use stayput_messages::Message;

use crate::Cidr;
use crate::EdgeName;
use crate::InstanceId;
use crate::NetworkName;
use crate::Region;
use crate::Rule;
use crate::SiteName;
use crate::TgwId;
use crate::WaveName;
use crate::error::Choices;

/// Values that conflict with each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum RelationFault {
    /// A rule of `stayput check` whose findings cannot be accepted.
    #[error("{}", Message::new("estate-not-acceptable").with("rule", .rule))]
    #[diagnostic(
        code(config::not_acceptable),
        help("{}", Message::new("estate-not-acceptable-remedy"))
    )]
    NotAcceptable {
        /// The rule.
        rule: Rule,
    },
    /// A table of named tables is present but empty.
    #[error("{}", Message::new("estate-none-declared").with("table", .table))]
    #[diagnostic(
        code(config::none_declared),
        help("{}", Message::new("estate-none-declared-remedy").with("table", .table))
    )]
    NoneDeclared {
        /// The outer table.
        table: &'static str,
    },
    /// More than one EC2 source.
    #[error(
        "{}",
        Message::new("estate-several-sources")
            .count("count", *.count)
            .with("names", .names)
    )]
    #[diagnostic(
        code(config::several_sources),
        help("{}", Message::new("estate-several-sources-remedy"))
    )]
    SeveralSources {
        /// How many.
        count: usize,
        /// Their names, with commas between.
        names: String,
    },
    /// The source and an NC2 site with one name.
    #[error("{}", Message::new("estate-site-named-twice").with("site", .site))]
    #[diagnostic(
        code(config::site_named_twice),
        help("{}", Message::new("estate-site-named-twice-remedy"))
    )]
    SiteNamedTwice {
        /// The name.
        site: SiteName,
    },
    /// No prefix behind the edges.
    #[error("{}", Message::new("estate-no-on-prem"))]
    #[diagnostic(
        code(config::no_on_prem),
        help("{}", Message::new("estate-no-on-prem-remedy"))
    )]
    NoOnPrem,
    /// On-prem uses the addresses of the no-NAT subnet.
    #[error(
        "{}",
        Message::new("estate-on-prem-overlaps-no-nat")
            .with("prefix", .prefix)
            .with("no_nat", .no_nat)
    )]
    #[diagnostic(
        code(config::on_prem_overlaps_no_nat),
        help("{}", Message::new("estate-on-prem-overlaps-no-nat-remedy").with("no_nat", .no_nat))
    )]
    OnPremOverlapsNoNat {
        /// The on-prem prefix.
        prefix: Cidr,
        /// The subnet's prefix.
        no_nat: Cidr,
    },
    /// A network larger or smaller than an externally routable prefix can be.
    #[error(
        "{}",
        Message::new("estate-network-size")
            .with("network", .network)
            .with("length", .cidr.len())
    )]
    #[diagnostic(code(config::network_size), help("{remedy}"))]
    NetworkSize {
        /// The network.
        network: NetworkName,
        /// Its prefix.
        cidr: Cidr,
        /// What to do about it.
        remedy: Message,
    },
    /// Two networks share addresses.
    #[error(
        "{}",
        Message::new("estate-networks-overlap")
            .with("network", .network)
            .with("cidr", .cidr)
            .with("other", .other)
            .with("other_cidr", .other_cidr)
    )]
    #[diagnostic(
        code(config::networks_overlap),
        help("{}", Message::new("estate-networks-overlap-remedy"))
    )]
    NetworksOverlap {
        /// The later network.
        network: NetworkName,
        /// Its prefix.
        cidr: Cidr,
        /// The earlier network.
        other: NetworkName,
        /// Its prefix.
        other_cidr: Cidr,
    },
    /// A network shares addresses with on-prem.
    #[error(
        "{}",
        Message::new("estate-network-overlaps-on-prem")
            .with("network", .network)
            .with("cidr", .cidr)
            .with("prefix", .prefix)
    )]
    #[diagnostic(
        code(config::network_overlaps_on_prem),
        help("{}", Message::new("estate-network-overlaps-on-prem-remedy"))
    )]
    NetworkOverlapsOnPrem {
        /// The network.
        network: NetworkName,
        /// Its prefix.
        cidr: Cidr,
        /// The on-prem prefix.
        prefix: Cidr,
    },
    /// A network shares addresses with the no-NAT subnet.
    #[error(
        "{}",
        Message::new("estate-network-overlaps-no-nat")
            .with("network", .network)
            .with("cidr", .cidr)
            .with("no_nat", .no_nat)
    )]
    #[diagnostic(
        code(config::network_overlaps_no_nat),
        help("{}", Message::new("estate-network-overlaps-no-nat-remedy").with("no_nat", .no_nat))
    )]
    NetworkOverlapsNoNat {
        /// The network.
        network: NetworkName,
        /// Its prefix.
        cidr: Cidr,
        /// The subnet's prefix.
        no_nat: Cidr,
    },
    /// Two networks with one EC2 subnet.
    #[error(
        "{}",
        Message::new("estate-subnet-used-twice")
            .with("network", .network)
            .with("other", .other)
    )]
    #[diagnostic(
        code(config::subnet_used_twice),
        help("{}", Message::new("estate-subnet-used-twice-remedy"))
    )]
    SubnetUsedTwice {
        /// The later network.
        network: NetworkName,
        /// The earlier network.
        other: NetworkName,
    },
    /// A network names an unknown site.
    #[error("{}", Message::new("estate-unknown-site").with("site", .site))]
    #[diagnostic(code(config::unknown_site), help("{known}"))]
    UnknownSite {
        /// What was given.
        site: SiteName,
        /// The known sites.
        known: Choices,
    },
    /// A network names the EC2 source as its NC2 site.
    #[error("{}", Message::new("estate-source-as-target").with("site", .site))]
    #[diagnostic(code(config::source_as_target), help("{known}"))]
    SourceAsTarget {
        /// What was given.
        site: SiteName,
        /// The known sites.
        known: Choices,
    },
    /// A network fails over to the site that it is at.
    #[error(
        "{}",
        Message::new("estate-recovery-is-primary")
            .with("network", .network)
            .with("site", .site)
    )]
    #[diagnostic(
        code(config::recovery_is_primary),
        help("{}", Message::new("estate-recovery-is-primary-remedy"))
    )]
    RecoveryIsPrimary {
        /// The network.
        network: NetworkName,
        /// The site.
        site: SiteName,
    },
    /// A network fails over to a site behind the same Transit Gateway.
    #[error(
        "{}",
        Message::new("estate-recovery-on-same-tgw")
            .with("network", .network)
            .with("primary", .primary)
            .with("recovery", .recovery)
            .with("tgw", .tgw)
    )]
    #[diagnostic(
        code(config::recovery_on_same_tgw),
        help("{}", Message::new("estate-recovery-on-same-tgw-remedy"))
    )]
    RecoveryOnSameTgw {
        /// The network.
        network: NetworkName,
        /// Its primary site.
        primary: SiteName,
        /// Its recovery site.
        recovery: SiteName,
        /// The Transit Gateway.
        tgw: TgwId,
    },
    /// Two sites in one VPC.
    #[error("{}", Message::new("estate-vpc-used-twice").with("site", .site).with("other", .other))]
    #[diagnostic(
        code(config::vpc_used_twice),
        help("{}", Message::new("estate-vpc-used-twice-remedy"))
    )]
    VpcUsedTwice {
        /// The later site.
        site: SiteName,
        /// The earlier site.
        other: SiteName,
    },
    /// One Transit Gateway in two regions.
    #[error(
        "{}",
        Message::new("estate-tgw-in-two-regions")
            .with("tgw", .tgw)
            .with("region", .region)
            .with("other_region", .other_region)
            .with("other", .other)
    )]
    #[diagnostic(
        code(config::tgw_in_two_regions),
        help("{}", Message::new("estate-tgw-in-two-regions-remedy"))
    )]
    TgwInTwoRegions {
        /// The Transit Gateway.
        tgw: TgwId,
        /// The region here.
        region: Region,
        /// A site with the same Transit Gateway.
        other: SiteName,
        /// The region there.
        other_region: Region,
    },
    /// Two Flow VPCs of one site are the same.
    #[error(
        "{}",
        Message::new("estate-flow-vpc-used-twice")
            .with("site", .site)
            .with("vpc", .vpc)
            .with("key", .key)
            .with("other_key", .other_key)
    )]
    #[diagnostic(
        code(config::flow_vpc_used_twice),
        help("{}", Message::new("estate-flow-vpc-used-twice-remedy"))
    )]
    FlowVpcUsedTwice {
        /// The site.
        site: SiteName,
        /// The Flow VPC's name.
        vpc: String,
        /// The later key.
        key: &'static str,
        /// The earlier key.
        other_key: &'static str,
    },
    /// A wave that selects nothing.
    #[error("{}", Message::new("estate-empty-wave").with("wave", .wave))]
    #[diagnostic(
        code(config::empty_wave),
        help("{}", Message::new("estate-empty-wave-remedy"))
    )]
    EmptyWave {
        /// The wave.
        wave: WaveName,
    },
    /// One instance in two waves.
    #[error(
        "{}",
        Message::new("estate-instance-in-two-waves")
            .with("instance", .instance)
            .with("other", .other)
            .with("wave", .wave)
    )]
    #[diagnostic(
        code(config::instance_in_two_waves),
        help("{}", Message::new("estate-instance-in-two-waves-remedy"))
    )]
    InstanceInTwoWaves {
        /// The instance.
        instance: InstanceId,
        /// The later wave.
        wave: WaveName,
        /// The earlier wave.
        other: WaveName,
    },
    /// An edge on a Transit Gateway to which no site is attached.
    #[error("{}", Message::new("estate-edge-on-unknown-tgw").with("edge", .edge).with("tgw", .tgw))]
    #[diagnostic(code(config::edge_on_unknown_tgw), help("{known}"))]
    EdgeOnUnknownTgw {
        /// The edge.
        edge: EdgeName,
        /// Its Transit Gateway.
        tgw: TgwId,
        /// The Transit Gateways of the sites.
        known: Choices,
    },
    /// Two edges with one attachment.
    #[error(
        "{}",
        Message::new("estate-attachment-used-twice")
            .with("edge", .edge)
            .with("other", .other)
    )]
    #[diagnostic(
        code(config::attachment_used_twice),
        help("{}", Message::new("estate-attachment-used-twice-remedy"))
    )]
    AttachmentUsedTwice {
        /// The later edge.
        edge: EdgeName,
        /// The earlier edge.
        other: EdgeName,
    },
    /// A key that belongs to edges of another kind.
    #[error(
        "{}",
        Message::new("estate-key-of-other-kind")
            .with("edge", .edge)
            .with("kind", .kind)
            .with("key", .key)
    )]
    #[diagnostic(
        code(config::key_of_other_kind),
        help(
            "{}",
            Message::new("estate-key-of-other-kind-remedy")
                .with("key", .key)
                .with("owner", .owner)
        )
    )]
    KeyOfOtherKind {
        /// The edge.
        edge: EdgeName,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
        /// The kind the key belongs to.
        owner: &'static str,
    },
    /// A key of `[ledger]` that belongs to ledgers of another kind.
    #[error("{}", Message::new("estate-ledger-key-of-other-kind").with("key", .key))]
    #[diagnostic(
        code(config::ledger_key_of_other_kind),
        help(
            "{}",
            Message::new("estate-ledger-key-of-other-kind-remedy")
                .with("key", .key)
                .with("owner", .owner)
        )
    )]
    LedgerKeyOfOtherKind {
        /// The key.
        key: &'static str,
        /// The kind the key belongs to.
        owner: &'static str,
    },
    /// A required key of ledgers of this kind is missing.
    #[error("{}", Message::new("estate-missing-ledger-key").with("key", .key))]
    #[diagnostic(
        code(config::missing_ledger_key),
        help("{}", Message::new("estate-missing-key-of-kind-remedy").with("example", .example))
    )]
    MissingLedgerKey {
        /// The key.
        key: &'static str,
        /// What to write.
        example: &'static str,
    },
    /// A required key of edges of this kind is missing.
    #[error(
        "{}",
        Message::new("estate-missing-key-of-kind")
            .with("edge", .edge)
            .with("kind", .kind)
            .with("key", .key)
    )]
    #[diagnostic(
        code(config::missing_key_of_kind),
        help("{}", Message::new("estate-missing-key-of-kind-remedy").with("example", .example))
    )]
    MissingKeyOfKind {
        /// The edge.
        edge: EdgeName,
        /// Its kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
        /// What to write.
        example: &'static str,
    },
}
