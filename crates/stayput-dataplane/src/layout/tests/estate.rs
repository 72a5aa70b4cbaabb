//! The small estate of `estate.toml`, and what people and systems do to it during a move and a failover.

use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::Cidr;
use stayput_lab::Scenario;
use stayput_lab::aws::model::AttachmentKind;
use stayput_lab::aws::model::InstanceState;
use stayput_lab::aws::model::RegionState;
use stayput_lab::aws::model::TgwRouteTable;
use stayput_lab::aws::model::TgwStatic;
use stayput_lab::aws::set_nc2_route;
use stayput_lab::clock::Clock;
use stayput_lab::clock::VTime;
use stayput_lab::nc2;
use stayput_lab::prism::model::PcState;
use stayput_lab::state::LabState;

/// The address of the machine that moves.
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 1, 10);
/// The address of the machine that does not.
pub(super) const DMZ_ADDRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 2, 10);

/// An NC2 site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    Tokyo,
    Osaka,
}

impl Site {
    /// The name of its Prism Central.
    fn name(self) -> &'static str {
        match self {
            Self::Tokyo => "tokyo",
            Self::Osaka => "osaka",
        }
    }

    /// Its region.
    pub(super) fn region(self) -> &'static str {
        match self {
            Self::Tokyo => "ap-northeast-1",
            Self::Osaka => "ap-northeast-3",
        }
    }
}

/// Where a static route leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// To the VPC of the NC2 site in this region.
    Nc2,
    /// To the other region.
    Peering,
    /// Nowhere.
    Blackhole,
}

/// The estate, with time stopped.
#[derive(Debug)]
pub(super) struct Estate {
    /// The lab.
    pub(super) lab: LabState,
}

impl Estate {
    /// The machine runs in EC2.
    pub(super) fn new() -> Self {
        let scenario = Scenario::from_text("estate", include_str!("estate.toml")).unwrap();
        let clock = Clock::new(VTime(1_780_000_000_000), 0.0);
        let lab = scenario.build(clock, None).unwrap().lab;
        Self { lab }
    }

    /// The machine is in NC2 Tokyo, after every step of AWS reference §8.2.
    pub(super) fn moved(mut self) -> Self {
        self.stop_source();
        self.power(Site::Tokyo, true);
        self.announce(Site::Tokyo, true);
        self.route(Site::Tokyo, To::Nc2);
        self
    }

    /// The machine is in NC2 Osaka, after every step of AWS reference §8.4.
    pub(super) fn failed_over(self) -> Self {
        let mut estate = self.moved();
        estate.power(Site::Tokyo, false);
        estate.power(Site::Osaka, true);
        estate.announce(Site::Osaka, true);
        estate.route(Site::Osaka, To::Nc2);
        estate.route(Site::Tokyo, To::Peering);
        estate.announce(Site::Tokyo, false);
        estate
    }

    /// Stops the source machine at once.
    pub(super) fn stop_source(&mut self) {
        let id = self.instance(ADDRESS);
        let instances = &mut self.region(Site::Tokyo).instances;
        instances.get_mut(&id).unwrap().state = InstanceState::Stopped;
    }

    /// Powers the VM at a site on or off.
    pub(super) fn power(&mut self, site: Site, on: bool) {
        let (pc, id) = self.vm(site);
        self.lab.pcs[pc].vms.get_mut(&id).unwrap().on = on;
    }

    /// Adds or removes the network as externally routable prefix of a site's transit VPC, and lets NC2 write its route.
    pub(super) fn announce(&mut self, site: Site, on: bool) {
        let pc = self.pc(site);
        let vpcs = &mut self.lab.pcs[pc].vpcs;
        let transit = vpcs.values_mut().find(|vpc| vpc.transit).unwrap();
        if on {
            transit.erps.insert(network());
        } else {
            transit.erps.remove(&network());
        }
        let (region, vpc) = self.lab.pcs[pc].aws.clone();
        let gateway = nc2::gateway(&self.lab.aws.regions[&region], &self.lab.pcs[pc]);
        let gateway = gateway.map(str::to_owned).filter(|_| on);
        set_nc2_route(&mut self.lab, &region, &vpc, network(), gateway.as_deref());
    }

    /// Adds or replaces the network's static route, active at once, in the Transit Gateway of a site's region.
    pub(super) fn route(&mut self, site: Site, to: To) {
        let attachment = self.attachment(site, to);
        let route = TgwStatic {
            attachment,
            active_from: VTime(0),
            before: None,
        };
        self.tgw_table(site).statics.insert(network(), route);
    }

    /// The same, but it becomes active only in a second.
    pub(super) fn route_later(&mut self, site: Site, to: To) {
        let attachment = self.attachment(site, to);
        let active_from = self.lab.now().after(Duration::from_secs(1));
        let statics = &mut self.tgw_table(site).statics;
        let route = statics.get_mut(&network()).unwrap();
        route.before = Some(std::mem::replace(&mut route.attachment, attachment));
        route.active_from = active_from;
    }

    /// Lets a second pass.
    pub(super) fn one_second(&mut self) {
        let later = self.lab.now().after(Duration::from_secs(1));
        self.lab.clock = Clock::new(later, 0.0);
        self.lab.catch_up();
    }

    /// Returns the instance that has this address.
    pub(super) fn instance(&self, address: Ipv4Addr) -> String {
        let mut enis = self.lab.aws.regions[Site::Tokyo.region()].enis.values();
        let eni = enis.find(|eni| eni.primary == address).unwrap();
        eni.instance.clone().unwrap().0
    }

    /// Returns the VM at a site, with the index of its Prism Central.
    pub(super) fn vm(&self, site: Site) -> (usize, String) {
        let pc = self.pc(site);
        let id = self.lab.pcs[pc].vms.keys().next().unwrap();
        (pc, id.clone())
    }

    fn pc(&self, site: Site) -> usize {
        let named = |pc: &PcState| pc.name == site.name();
        self.lab.pcs.iter().position(named).unwrap()
    }

    fn region(&mut self, site: Site) -> &mut RegionState {
        self.lab.aws.regions.get_mut(site.region()).unwrap()
    }

    fn tgw_table(&mut self, site: Site) -> &mut TgwRouteTable {
        let tables = &mut self.region(site).tgw_route_tables;
        tables.values_mut().next().unwrap()
    }

    fn attachment(&self, site: Site, to: To) -> Option<String> {
        let (_, nc2) = &self.lab.pcs[self.pc(site)].aws;
        let leads_there = |kind: &AttachmentKind| match kind {
            AttachmentKind::Vpc { vpc, .. } => to == To::Nc2 && vpc == nc2,
            AttachmentKind::Peering { .. } => to == To::Peering,
            AttachmentKind::Vpn(_) | AttachmentKind::DirectConnect(_) => false,
        };
        let attachments = &self.lab.aws.regions[site.region()].attachments;
        let found = attachments.iter().find(|(_, a)| leads_there(&a.kind));
        assert_eq!(found.is_none(), to == To::Blackhole);
        found.map(|(id, _)| id.clone())
    }
}

/// The network of the machine that moves.
fn network() -> Cidr {
    "172.30.1.0/24".parse().unwrap()
}
