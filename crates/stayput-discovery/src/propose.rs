//! The proposed file.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::AwsRegion;
use stayput_world::Prism;
use stayput_world::mv::MoveProvider;
use stayput_world::mv::MoveProviderKind;
use toml::Table;
use toml::Value;

use crate::edges;
use crate::edges::Edge;
use crate::edges::Kind;
use crate::names;
use crate::networks;
use crate::networks::Network;
use crate::places::Nc2Vpc;
use crate::places::SourceVpc;
use crate::places::nc2_vpcs;
use crate::places::sources;
use crate::waves;
use crate::waves::Select;
use crate::writer::Writer;
use crate::writer::list;

/// Where in the first CIDR of a VPC its DNS server is (AWS reference §4).
const DNS_OFFSET: u32 = 2;
/// The Flow VPC for test failovers, which is no home of networks.
const TEST_VPC: &str = "stayput-test";
/// VPCs that are listed as candidates for the source.
const CANDIDATES: usize = 10;
/// The name of the transit VPC that needs no mention.
const TRANSIT_VPC: &str = "transit-vpc";

/// What was read.
#[derive(Debug, Default)]
pub struct Seen {
    /// AWS by region.
    pub aws: BTreeMap<Region, AwsRegion>,
    /// Prism Central by site.
    pub prism: BTreeMap<SiteName, Prism>,
    /// The providers of Move by site.
    pub providers: BTreeMap<SiteName, Vec<MoveProvider>>,
}

/// The appliances of a site, which AWS does not show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appliances {
    /// URL of its Prism Central.
    pub prism: Option<String>,
    /// URL of its Move.
    pub mv: Option<String>,
}

/// What a person has to say.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// The estate's name; from the sites if absent.
    pub name: Option<String>,
    /// The VPC that the machines leave; the only candidate if absent.
    pub source: Option<VpcId>,
    /// The tag that tells the waves.
    pub wave_tag: String,
    /// Appliances by site.
    pub appliances: BTreeMap<SiteName, Appliances>,
    /// The Flow VPC of a site, where there are several.
    pub flow_vpcs: BTreeMap<SiteName, String>,
    /// Certificate of the appliances' private CA, relative to the file.
    pub ca_file: Option<String>,
    /// Keys of `[aws]`.
    pub aws: Vec<(&'static str, String)>,
}

/// Something that could not be seen: the key is not in the file, or a table is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The key, with dots.
    pub key: String,
    /// What is not known, and how to say it.
    pub what: Message,
}

/// A proposed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its text.
    pub text: String,
    /// What it lacks; it is valid if there is nothing.
    pub gaps: Vec<Gap>,
}

struct Draft<'a> {
    seen: &'a Seen,
    answers: &'a Answers,
    sites: Vec<Nc2Vpc>,
    out: Writer,
    gaps: Vec<Gap>,
}

/// Proposes a file for what was seen.
pub fn propose(seen: &Seen, answers: &Answers) -> Proposal {
    let mut draft = Draft {
        seen,
        answers,
        sites: nc2_vpcs(&seen.aws, answers.source.as_ref()),
        out: Writer::default(),
        gaps: Vec::new(),
    };
    draft.write();
    Proposal {
        text: draft.out.finish(),
        gaps: draft.gaps,
    }
}

impl Draft<'_> {
    fn write(&mut self) {
        let source = self.source();
        let networks = source.as_ref().and_then(|source| {
            let region = self.seen.aws.get(&source.region)?;
            Some((region, networks::networks(region, &source.vpc)))
        });
        let tgws = source.iter().filter_map(|source| source.tgw.as_ref());
        let of_sites = self.sites.iter().filter_map(|site| site.tgw.as_ref());
        let edges = edges::edges(&self.seen.aws, &tgws.chain(of_sites).collect());
        self.out.comment(&Message::new("init-head"));
        self.out.table("estate");
        let cities: Vec<_> = self.sites.iter().map(|site| site.name.as_str()).collect();
        let name = self.answers.name.clone();
        let name = name.or_else(|| names::name(&cities.join("-")));
        self.out
            .text("name", name.unwrap_or_else(|| "estate".to_owned()));
        let moving = networks.as_ref().map(|(_, networks)| networks.as_slice());
        self.on_prem(&edges, moving.unwrap_or_default());
        self.source_table(source.as_ref());
        self.sites(source.as_ref());
        match &networks {
            Some((region, networks)) => {
                self.networks(networks, source.as_ref());
                self.waves(region, networks);
            }
            None => {
                self.out.remark(&Message::new("init-networks-unknown"));
                self.gap("networks", Message::new("init-gap-source"));
            }
        }
        self.edges(&edges);
        self.rest();
    }

    /// Notes what is missing, in the file and in the list.
    fn gap(&mut self, key: &str, what: Message) {
        self.out.comment(
            &Message::new("init-gap")
                .with("key", key)
                .part("what", what.clone()),
        );
        self.gaps.push(Gap {
            key: key.to_owned(),
            what,
        });
    }

    /// The VPC that the machines leave: the one that was named, or the only one.
    fn source(&self) -> Option<SourceVpc> {
        let candidates = sources(&self.seen.aws, self.answers.source.as_ref());
        match &self.answers.source {
            Some(named) => candidates.into_iter().find(|one| one.vpc == *named),
            None => match <[SourceVpc; 1]>::try_from(candidates) {
                Ok([one]) => Some(one),
                Err(_) => None,
            },
        }
    }

    fn on_prem(&mut self, edges: &[Edge], networks: &[Network]) {
        self.out.table("on-prem");
        let seen = edges::on_prem(&self.seen.aws, edges);
        let overlaps = |cidr: &Cidr| {
            let mut networks = networks.iter();
            *cidr == Cidr::ALL
                || networks.any(|network| network.cidr.covers(*cidr) || cidr.covers(network.cidr))
        };
        let (left, used): (Vec<_>, Vec<_>) = seen.into_iter().partition(|(cidr, _)| overlaps(cidr));
        for (cidr, how) in &used {
            self.out.comment(
                &Message::new("init-prefix-proposed")
                    .with("prefix", cidr)
                    .with("how", how),
            );
        }
        for (cidr, how) in &left {
            self.out.comment(
                &Message::new("init-prefix-overlaps")
                    .with("prefix", cidr)
                    .with("how", how),
            );
        }
        match used.as_slice() {
            [] => self.gap("on-prem.prefixes", Message::new("init-gap-prefixes")),
            used => self
                .out
                .value("prefixes", &list(used.iter().map(|(cidr, _)| cidr))),
        }
    }

    fn source_table(&mut self, source: Option<&SourceVpc>) {
        self.out.table("source.ec2");
        let Some(source) = source else {
            for one in sources(&self.seen.aws, None).into_iter().take(CANDIDATES) {
                let name = one.name.as_deref().unwrap_or("–");
                self.out.comment(
                    &Message::new("init-source-candidate")
                        .with("vpc", &one.vpc)
                        .with("name", name)
                        .with("region", &one.region)
                        .count("machines", one.machines),
                );
            }
            self.gap("source.ec2.vpc", Message::new("init-gap-source"));
            return;
        };
        self.out.comment(
            &Message::new("init-source")
                .with("name", source.name.as_deref().unwrap_or("–"))
                .count("machines", source.machines),
        );
        self.out.text("region", &source.region);
        self.out.text("vpc", &source.vpc);
        match &source.tgw {
            Some(tgw) => self.out.text("tgw", tgw),
            None => self.gap("source.ec2.tgw", Message::new("init-gap-tgw")),
        }
    }

    fn sites(&mut self, source: Option<&SourceVpc>) {
        if self.sites.is_empty() {
            self.out.remark(&Message::new("init-no-sites"));
            self.gap("sites", Message::new("init-gap-sites"));
        }
        let primary = self.homes(source).0.cloned();
        for site in self.sites.clone() {
            self.site(&site, primary.as_ref() == Some(&site.name));
        }
    }

    fn site(&mut self, site: &Nc2Vpc, is_primary: bool) {
        let name = &site.name;
        let key = |last: &str| format!("sites.{name}.{last}");
        self.out.table(&format!("sites.{name}"));
        self.out.comment(&Message::new("init-site"));
        self.out.text("region", &site.region);
        self.out.text("vpc", &site.vpc);
        match &site.tgw {
            Some(tgw) => self.out.text("tgw", tgw),
            None => self.gap(&key("tgw"), Message::new("init-gap-tgw")),
        }
        self.flow_vpcs(name);
        let seen = self.seen.aws.get(&site.region);
        let cidr = seen.and_then(|seen| seen.vpcs.get(&site.vpc)?.cidrs.first());
        if let Some(cidr) = cidr {
            let server = u32::from(cidr.network()).wrapping_add(DNS_OFFSET);
            self.out.comment(&Message::new("init-dns"));
            let server = std::net::Ipv4Addr::from(server);
            self.out.value("dns-servers", &list([server]));
        }
        let appliances = self.answers.appliances.get(name).cloned();
        let appliances = appliances.unwrap_or_default();
        match &appliances.prism {
            Some(url) => {
                let value = Value::Table(self.appliance(url));
                self.out.value("prism", &value);
            }
            None => {
                let what = Message::new("init-gap-prism").with("site", name);
                self.gap(&key("prism"), what);
            }
        }
        match &appliances.mv {
            Some(url) => self.mv(name, url),
            None if is_primary => {
                let what = Message::new("init-gap-move").with("site", name);
                self.gap(&key("move"), what);
            }
            None => {}
        }
    }

    /// The names of the Flow VPCs, from Prism Central.
    fn flow_vpcs(&mut self, site: &SiteName) {
        let key = format!("sites.{site}.flow-vpc");
        let Some(prism) = self.seen.prism.get(site) else {
            self.gap(&key, Message::new("init-gap-flow-vpc-unseen"));
            return;
        };
        let named = |transit: bool| -> BTreeSet<&str> {
            let vpcs = prism.vpcs.values();
            vpcs.filter(|vpc| vpc.transit == transit && vpc.name != TEST_VPC)
                .map(|vpc| vpc.name.as_str())
                .collect()
        };
        let users = named(false);
        let chosen = self.answers.flow_vpcs.get(site).map(String::as_str);
        let only = (users.len() == 1).then(|| users.first().copied()).flatten();
        let names = users.iter().copied().collect::<Vec<_>>().join(", ");
        match chosen.or(only) {
            Some(name) if users.contains(name) => self.out.text("flow-vpc", name),
            Some(name) => {
                let what = Message::new("init-gap-flow-vpc-named")
                    .with("site", site)
                    .with("name", name)
                    .with("names", names);
                self.gap(&key, what);
            }
            None => {
                let what = Message::new("init-gap-flow-vpc").with("names", names);
                self.gap(&key, what);
            }
        }
        let transit = named(true);
        match (transit.len(), transit.first()) {
            (_, Some(_)) if transit.contains(TRANSIT_VPC) => {}
            (1, Some(name)) => self.out.text("transit-vpc", name),
            _ => {
                let names = transit.into_iter().collect::<Vec<_>>().join(", ");
                let what = Message::new("init-gap-transit-vpc").with("names", names);
                self.gap(&format!("sites.{site}.transit-vpc"), what);
            }
        }
    }

    fn appliance(&self, url: &str) -> Table {
        let mut table = Table::new();
        table.insert("url".to_owned(), Value::String(url.to_owned()));
        if let Some(ca) = &self.answers.ca_file {
            table.insert("ca-file".to_owned(), Value::String(ca.clone()));
        }
        table
    }

    fn mv(&mut self, site: &SiteName, url: &str) {
        let mut table = self.appliance(url);
        let providers = self.seen.providers.get(site).map(Vec::as_slice);
        let only = |kind: &MoveProviderKind| {
            let providers = providers.unwrap_or_default().iter();
            let mut of_kind = providers.filter(|provider| provider.kind == *kind);
            match (of_kind.next(), of_kind.next()) {
                (Some(provider), None) => Some(provider.name.clone()),
                _ => None,
            }
        };
        for (key, kind) in [
            ("source-provider", MoveProviderKind::Aws),
            ("target-provider", MoveProviderKind::Aos),
        ] {
            match only(&kind) {
                Some(name) => {
                    table.insert(key.to_owned(), Value::String(name));
                }
                None => {
                    let what = Message::new("init-gap-provider").with("site", site);
                    self.gap(&format!("sites.{site}.move.{key}"), what);
                }
            }
        }
        self.out.value("move", &Value::Table(table));
    }

    /// The site in the source's region, or the only one; and the only other one.
    fn homes(&self, source: Option<&SourceVpc>) -> (Option<&SiteName>, Option<&SiteName>) {
        let mut near = self
            .sites
            .iter()
            .filter(|site| source.is_some_and(|source| source.region == site.region));
        let primary = match (near.next(), near.next(), self.sites.as_slice()) {
            (Some(one), None, _) | (None, _, [one]) => Some(&one.name),
            _ => None,
        };
        let mut others = self.sites.iter().filter(|site| Some(&site.name) != primary);
        let recovery = match (primary, others.next(), others.next()) {
            (Some(_), Some(one), None) => Some(&one.name),
            _ => None,
        };
        (primary, recovery)
    }

    fn networks(&mut self, networks: &[Network], source: Option<&SourceVpc>) {
        let (primary, recovery) = self.homes(source);
        let (primary, recovery) = (primary.cloned(), recovery.cloned());
        for network in networks {
            let name = &network.name;
            if !network.services.is_empty() {
                self.out.remark(
                    &Message::new("init-network-not-proposed")
                        .with("name", name)
                        .with("cidr", network.cidr)
                        .with("subnet", &network.subnet)
                        .with("services", network.services.join(", ")),
                );
                continue;
            }
            self.out.table(&format!("networks.{name}"));
            let machines = Message::new("init-network").count("machines", network.machines.len());
            self.out.comment(&machines);
            self.out.text("cidr", network.cidr);
            self.out.text("ec2-subnet", &network.subnet);
            match &primary {
                Some(site) => self.out.text("primary", site),
                None => {
                    let key = format!("networks.{name}.primary");
                    self.gap(&key, Message::new("init-gap-primary"));
                }
            }
            if let Some(site) = &recovery {
                self.out.text("recovery", site);
            }
        }
        if networks.iter().all(|network| !network.services.is_empty()) {
            self.gap("networks", Message::new("init-gap-networks"));
        }
    }

    fn waves(&mut self, region: &AwsRegion, networks: &[Network]) {
        let moving = networks
            .iter()
            .filter(|network| network.services.is_empty());
        let machines = moving.flat_map(|network| &network.machines).collect();
        for wave in waves::waves(region, &machines, &self.answers.wave_tag) {
            self.out.table(&format!("waves.{}", wave.name));
            match wave.select {
                Select::Tag { key, value } => {
                    let tags = Table::from_iter([(key, Value::String(value))]);
                    self.out.value("tags", &Value::Table(tags));
                }
                Select::Ids(ids) => {
                    let tag = &self.answers.wave_tag;
                    self.out
                        .comment(&Message::new("init-untagged").with("tag", tag));
                    self.out.value("ids", &list(&ids));
                }
            }
        }
    }

    fn edges(&mut self, edges: &[Edge]) {
        for edge in edges {
            self.out.table(&format!("edges.{}", edge.name));
            match &edge.kind {
                Kind::BgpVpn => self.out.text("kind", "bgp-vpn"),
                Kind::StaticVpn => self.out.text("kind", "static-vpn"),
                Kind::DirectConnect(_) => self.out.text("kind", "direct-connect"),
                Kind::UnseenVpn => {
                    let key = format!("edges.{}.kind", edge.name);
                    self.gap(&key, Message::new("init-gap-edge-kind"));
                }
            }
            self.out.text("region", &edge.region);
            self.out.text("tgw", &edge.tgw);
            self.out.text("attachment", &edge.attachment);
            match &edge.kind {
                Kind::DirectConnect(gateway) => self.out.text("gateway", gateway),
                Kind::StaticVpn => {
                    let key = format!("edges.{}.on-prem-routes", edge.name);
                    self.gap(&key, Message::new("init-gap-on-prem-routes"));
                }
                Kind::BgpVpn | Kind::UnseenVpn => {}
            }
            self.out.comment(&Message::new("init-preference"));
        }
    }

    fn rest(&mut self) {
        self.out.table("protection");
        self.out.comment(&Message::new("init-protection"));
        self.out.text("rpo", "1h");
        self.out.value("retention", &Value::Integer(2));
        self.out.table("ledger");
        self.out.comment(&Message::new("init-ledger"));
        self.out.text("kind", "sqlite");
        self.out.text("path", "stayput.db");
        if !self.answers.aws.is_empty() {
            self.out.table("aws");
            for (key, value) in &self.answers.aws {
                self.out.text(key, value);
            }
        }
    }
}
