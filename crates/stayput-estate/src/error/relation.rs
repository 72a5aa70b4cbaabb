//! Errors between values that are each valid.

use miette::Diagnostic;

use crate::Cidr;
use crate::EdgeName;
use crate::InstanceId;
use crate::NetworkName;
use crate::Region;
use crate::SiteName;
use crate::TgwId;
use crate::WaveName;
use crate::error::Choices;

/// Values that conflict with each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum RelationFault {
    /// A table of named tables is present but empty.
    #[error("there is no [{table}.NAME] table")]
    #[diagnostic(
        code(config::none_declared),
        help("an estate has at least one: add a [{table}.NAME] table")
    )]
    NoneDeclared {
        /// The outer table.
        table: &'static str,
    },
    /// More than one EC2 source.
    #[error("there are {count} EC2 sources: {names}")]
    #[diagnostic(
        code(config::several_sources),
        help(
            "an estate has exactly one [source.NAME]; put machines of another VPC into a separate estate"
        )
    )]
    SeveralSources {
        /// How many.
        count: usize,
        /// Their names, with commas between.
        names: String,
    },
    /// The source and an NC2 site with one name.
    #[error("the EC2 source and an NC2 site are both named `{site}`")]
    #[diagnostic(
        code(config::site_named_twice),
        help("sites are told apart by name: rename one of the two")
    )]
    SiteNamedTwice {
        /// The name.
        site: SiteName,
    },
    /// No prefix behind the edges.
    #[error("there is no on-prem prefix")]
    #[diagnostic(
        code(config::no_on_prem),
        help(
            "list the prefixes that must keep reaching the machines, for example `prefixes = [\"10.0.0.0/16\"]`"
        )
    )]
    NoOnPrem,
    /// On-prem uses the addresses of the no-NAT subnet.
    #[error("the on-prem prefix {prefix} overlaps {no_nat}, the no-NAT external subnet")]
    #[diagnostic(
        code(config::on_prem_overlaps_no_nat),
        help(
            "Flow uses {no_nat} between its gateways, so it must not be routed anywhere else: list on-prem prefixes that leave it out"
        )
    )]
    OnPremOverlapsNoNat {
        /// The on-prem prefix.
        prefix: Cidr,
        /// The subnet's prefix.
        no_nat: Cidr,
    },
    /// A network larger or smaller than an externally routable prefix can be.
    #[error("network `{network}` is a /{}, but must be from /16 to /28", .cidr.len())]
    #[diagnostic(
        code(config::network_size),
        help("these are the limits of an externally routable prefix in Flow: {remedy}")
    )]
    NetworkSize {
        /// The network.
        network: NetworkName,
        /// Its prefix.
        cidr: Cidr,
        /// What to do about it.
        remedy: &'static str,
    },
    /// Two networks share addresses.
    #[error("networks `{network}` ({cidr}) and `{other}` ({other_cidr}) overlap")]
    #[diagnostic(
        code(config::networks_overlap),
        help(
            "an address belongs to one network: give each network a separate CIDR, or make them one network"
        )
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
    #[error("network `{network}` ({cidr}) overlaps the on-prem prefix {prefix}")]
    #[diagnostic(
        code(config::network_overlaps_on_prem),
        help(
            "an address cannot be on both sides of an edge: correct the CIDR, or list on-prem prefixes that leave it out"
        )
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
    #[error("network `{network}` ({cidr}) overlaps {no_nat}, the no-NAT external subnet")]
    #[diagnostic(
        code(config::network_overlaps_no_nat),
        help(
            "Flow uses {no_nat} between its gateways: a network with these addresses cannot move"
        )
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
    #[error("networks `{network}` and `{other}` have the same EC2 subnet")]
    #[diagnostic(
        code(config::subnet_used_twice),
        help("a subnet moves as one network: give each network the subnet that has its CIDR")
    )]
    SubnetUsedTwice {
        /// The later network.
        network: NetworkName,
        /// The earlier network.
        other: NetworkName,
    },
    /// A network names an unknown site.
    #[error("there is no NC2 site `{site}`")]
    #[diagnostic(code(config::unknown_site), help("{known}"))]
    UnknownSite {
        /// What was given.
        site: SiteName,
        /// The known sites.
        known: Choices,
    },
    /// A network names the EC2 source as its NC2 site.
    #[error("`{site}` is the EC2 source, not an NC2 site")]
    #[diagnostic(code(config::source_as_target), help("{known}"))]
    SourceAsTarget {
        /// What was given.
        site: SiteName,
        /// The known sites.
        known: Choices,
    },
    /// A network fails over to the site that it is at.
    #[error("network `{network}` has `{site}` as both primary and recovery site")]
    #[diagnostic(
        code(config::recovery_is_primary),
        help(
            "name another site as `recovery`, or remove the key if the network is not to be protected"
        )
    )]
    RecoveryIsPrimary {
        /// The network.
        network: NetworkName,
        /// The site.
        site: SiteName,
    },
    /// A network fails over to a site behind the same Transit Gateway.
    #[error("the sites of network `{network}`, `{primary}` and `{recovery}`, share {tgw}")]
    #[diagnostic(
        code(config::recovery_on_same_tgw),
        help(
            "a failover moves the network between two Transit Gateways: choose a recovery site that has another `tgw`"
        )
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
    #[error("sites `{site}` and `{other}` have the same VPC")]
    #[diagnostic(
        code(config::vpc_used_twice),
        help("each site needs a separate VPC: correct the `vpc` of one of them")
    )]
    VpcUsedTwice {
        /// The later site.
        site: SiteName,
        /// The earlier site.
        other: SiteName,
    },
    /// One Transit Gateway in two regions.
    #[error("{tgw} is in {region} here, but in {other_region} at site `{other}`")]
    #[diagnostic(
        code(config::tgw_in_two_regions),
        help("a Transit Gateway is in one region: correct `tgw` or `region`")
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
    #[error("site `{site}` has `{vpc}` as both `{key}` and `{other_key}`")]
    #[diagnostic(
        code(config::flow_vpc_used_twice),
        help(
            "these are three VPCs: machines run in `flow-vpc`, `transit-vpc` is NC2's own, and `test-vpc` must stay isolated from both"
        )
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
    #[error("wave `{wave}` selects nothing")]
    #[diagnostic(
        code(config::empty_wave),
        help(
            "add `tags`, `names` or `ids`, for example `names = [\"web-*\"]`; any of them selects"
        )
    )]
    EmptyWave {
        /// The wave.
        wave: WaveName,
    },
    /// One instance in two waves.
    #[error("instance {instance} is in waves `{other}` and `{wave}`")]
    #[diagnostic(
        code(config::instance_in_two_waves),
        help("a machine is cut over once: list it in one wave only")
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
    #[error("edge `{edge}` is on {tgw}, which no site is attached to")]
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
    #[error("edges `{edge}` and `{other}` have the same attachment")]
    #[diagnostic(
        code(config::attachment_used_twice),
        help("each edge needs a separate attachment: correct the `attachment` of one of them")
    )]
    AttachmentUsedTwice {
        /// The later edge.
        edge: EdgeName,
        /// The earlier edge.
        other: EdgeName,
    },
    /// A key that belongs to edges of another kind.
    #[error("edge `{edge}` is a `{kind}`, which has no `{key}`")]
    #[diagnostic(
        code(config::key_of_other_kind),
        help("`{key}` belongs to edges of kind `{owner}`: remove it, or correct `kind`")
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
    /// A required key of edges of this kind is missing.
    #[error("edge `{edge}` is a `{kind}` and has no `{key}`")]
    #[diagnostic(code(config::missing_key_of_kind), help("add `{example}`"))]
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
