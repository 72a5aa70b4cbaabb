//! Random changes, made on both sides: to the fabric as a [`Change`], to the lab in its state.
//!
//! What the lab does by itself is left to it: it writes the routes of externally routable prefixes by its own function.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::*;
use stayput_fabric::*;
use stayput_lab::aws::model;
use stayput_lab::prism::model as nutanix;
use stayput_lab::state::LabEvent;
use stayput_lab::state::LabState;
use stayput_world::aws::RouteDestination;
use stayput_world::aws::TgwTarget;
use stayput_world::aws::VpcRouteTarget;

use crate::places::*;
use crate::tape::Tape;
use crate::transit;
use crate::world;
use crate::world::Built;

/// Both opinions of one state.
pub struct Both {
    pub fabric: Fabric,
    pub lab: LabState,
    pub built: Built,
    /// Transit prefixes switched already. Switching one back is not compared: the fabric restores what each table had, so that changes
    /// can be undone; NC2 writes its own choice.
    switched: BTreeSet<(String, Cidr)>,
    /// A route that the lab has accepted and does not use yet; it is added to the fabric when the lab uses it.
    pending: Option<Change>,
    /// The prefix the last change was about.
    touched: Option<Cidr>,
}

/// How long a pending route stays so.
const PENDING: Duration = Duration::from_millis(1);

impl Both {
    pub fn new(built: Built) -> Self {
        let clock = stayput_lab::clock::Clock::new(
            stayput_lab::clock::VTime(1_800_000_000_000),
            // Virtual time is stopped: instances that start or stop remain in that state.
            0.0,
        );
        Self {
            fabric: Fabric::new(&built.estate, &built.world),
            lab: stayput_lab::from_world(&built.world, &built.estate, clock),
            built,
            switched: BTreeSet::new(),
            pending: None,
            touched: None,
        }
    }

    /// Makes one random change on both sides and describes it.
    pub fn change(&mut self, tape: &mut Tape) -> String {
        self.settle();
        let side = tape.pick(&SIDES);
        let changes = match tape.below(11) {
            0..=2 => self.tgw_route(side, tape),
            3 => self.erp(side, tape),
            4 => self.serve(side, tape),
            5 => self.overlay_subnet(side, tape),
            6 => self.vpc_route(side, tape),
            7 => self.edge(tape),
            8 => self.attachment(side, tape),
            9 => self.propagation(side, tape),
            _ => Self::region_switch(side, tape),
        };
        self.touched = changes.first().and_then(prefix_of);
        if let [change @ Change::TgwRoute { .. }] = changes.as_slice()
            && tape.rarely(3)
            && self.begin(change)
        {
            return format!("pending: {change}");
        }
        self.touched = changes.first().and_then(prefix_of);
        let mut said = Vec::new();
        for change in changes {
            if let Err(refused) = self.make(&change) {
                said.push(format!("refused: {refused}"));
            }
            said.push(change.to_string());
        }
        said.join("; ")
    }

    /// Makes a change on both sides, unless the fabric says that it would be refused.
    pub fn make(&mut self, change: &Change) -> Result<(), Refused> {
        self.fabric.try_apply(change)?;
        self.in_lab(change);
        Ok(())
    }

    /// The prefix the last change was about.
    pub fn touched(&self) -> Option<Cidr> {
        self.touched
    }

    /// Whether the lab has taken a route that it does not use yet.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Lets time pass, so that what is pending is in use.
    pub fn settle(&mut self) {
        if let Some(change) = self.pending.take() {
            let later = self.lab.now().after(PENDING);
            self.lab.clock = stayput_lab::clock::Clock::new(later, 0.0);
            self.lab.catch_up();
            self.fabric.apply(&change);
        }
    }

    /// Writes a route in the lab that is not in use yet; `false` where nothing is written that way.
    pub fn begin(&mut self, change: &Change) -> bool {
        let Change::TgwRoute {
            region,
            table,
            cidr,
            target: Some(target),
        } = change
        else {
            return false;
        };
        if self.fabric.clone().try_apply(change).is_err() {
            return false;
        }
        let now = self.lab.now();
        let tables = &mut self.region(region).tgw_route_tables;
        let statics = &mut tables.get_mut(table.as_str()).unwrap().statics;
        let before = statics.get(cidr).map(|old| old.attachment.clone());
        let entry = model::TgwStatic {
            active_from: now.after(PENDING),
            before,
            ..written(target)
        };
        statics.insert(*cidr, entry);
        self.pending = Some(change.clone());
        true
    }

    fn region_switch(side: Side, tape: &mut Tape) -> Vec<Change> {
        vec![Change::Region {
            region: side.region.into(),
            up: tape.rarely(2),
        }]
    }

    fn tgw_route(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let region = Region::from(side.region);
        let aws = &self.built.world.aws[&region];
        let tables: Vec<_> = aws.tgw_route_tables.keys().cloned().collect();
        let targets = transit::tgw_targets(aws);
        let table = tape.pick(&tables);
        let found = &aws.tgw_route_tables[&table];
        let lists = found.prefix_list_references.keys();
        let listed = lists.flat_map(|list| &aws.prefix_lists[list].entries);
        let known: Vec<Cidr> = found.static_routes.keys().chain(listed).copied().collect();
        let (cidr, target) = written_or_not(&known, &targets, tape);
        vec![Change::TgwRoute {
            region,
            table,
            cidr,
            target,
        }]
    }

    fn erp(&mut self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let cidr = cidr(tape.pick(&ERPS));
        let scope = tape.pick(&[ErpScope::TransitVpc, ErpScope::UserVpc]);
        let fresh = || (side.site.to_owned(), cidr);
        if scope == ErpScope::TransitVpc && !self.switched.insert(fresh()) {
            return Vec::new();
        }
        vec![Change::Erp {
            site: side.site.into(),
            scope,
            cidr,
            present: tape.mostly(3),
        }]
    }

    /// A whole machine at once: all its addresses answer or none.
    fn serve(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let serving = tape.below(2) == 0;
        let (_, _, addresses) = tape.pick(&MACHINES);
        let address = ip(addresses[0]);
        let (site, addresses) = if tape.rarely(3) {
            let region = &self.lab.aws.regions[TOKYO.region];
            let eni = region.enis.values().find(|eni| {
                eni.vpc == "vpc-ec2" && eni.instance.is_some() && eni.primary == address
            });
            let all = eni.map(|eni| {
                let secondary = eni.secondary.iter().copied();
                std::iter::once(eni.primary).chain(secondary).collect()
            });
            (EC2, all)
        } else {
            (side.site, self.overlay_machine(side, address, serving))
        };
        let addresses: Vec<Ipv4Addr> = addresses.unwrap_or_default();
        let changes = addresses.into_iter().map(|address| Change::Serve {
            site: site.into(),
            address,
            serving,
        });
        changes.collect()
    }

    /// All addresses of the machine that has this one in the user VPC, or of the new one it takes.
    fn overlay_machine(
        &self,
        side: Side,
        address: Ipv4Addr,
        serving: bool,
    ) -> Option<Vec<Ipv4Addr>> {
        let pc = &self.lab.pcs[pc_of(&self.lab, side.site)];
        let nic = user_nics(pc, side.letter)
            .find(|nic| nic.address == Some(address) || nic.secondary.contains(&address));
        match nic {
            // A NIC that is not connected cannot be made to answer by power.
            Some(nic) if !nic.connected => None,
            Some(nic) => Some(nic.address.iter().chain(&nic.secondary).copied().collect()),
            None => {
                (serving && user_subnet(pc, side.letter, address).is_some()).then(|| vec![address])
            }
        }
    }

    fn overlay_subnet(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let (name, prefix) = tape.pick(&NETWORKS);
        let pc = &self.lab.pcs[pc_of(&self.lab, side.site)];
        let id = format!("fs-{name}-{}", side.letter);
        let in_use = pc
            .vms
            .values()
            .flat_map(|vm| &vm.nics)
            .any(|nic| nic.subnet == id);
        // Prism does not delete a subnet with NICs in it.
        if in_use {
            return Vec::new();
        }
        vec![Change::Subnet {
            site: side.site.into(),
            cidr: cidr(prefix),
            name: name.to_owned(),
            present: tape.mostly(3),
        }]
    }

    fn vpc_route(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let region = Region::from(side.region);
        let aws = &self.built.world.aws[&region];
        let tables: Vec<_> = aws.route_tables.keys().cloned().collect();
        let table = tape.pick(&tables);
        let vpc = &aws.route_tables[&table].vpc;
        let mut targets = world::vpc_targets(vpc.as_str(), side);
        targets.retain(|target| *target != VpcRouteTarget::Eni("eni-gone".into()));
        let routes = aws.route_tables[&table].routes.iter();
        let known: Vec<Cidr> = routes
            .flat_map(|route| match &route.destination {
                RouteDestination::Cidr(cidr) => vec![*cidr],
                RouteDestination::PrefixList(list) => {
                    aws.prefix_lists[list].entries.iter().copied().collect()
                }
                RouteDestination::Ipv6(_) => Vec::new(),
            })
            .collect();
        let (cidr, target) = written_or_not(&known, &targets, tape);
        vec![Change::VpcRoute {
            region,
            table,
            cidr,
            target,
        }]
    }

    fn edge(&self, tape: &mut Tape) -> Vec<Change> {
        let edges: Vec<_> = self.built.estate.edges.values().cloned().collect();
        let edge = tape.pick(&edges);
        if tape.below(2) == 0 {
            let up = tape.rarely(2);
            return vec![Change::Edge {
                edge: edge.name,
                up,
            }];
        }
        vec![Change::Announce {
            edge: edge.name,
            cidr: cidr(tape.pick(&PREFIXES)),
            present: tape.mostly(3),
        }]
    }

    fn attachment(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let region = Region::from(side.region);
        let all: Vec<_> = self.built.world.aws[&region]
            .attachments
            .keys()
            .cloned()
            .collect();
        vec![Change::Attachment {
            region,
            attachment: tape.pick(&all),
            attached: tape.rarely(2),
        }]
    }

    fn propagation(&self, side: Side, tape: &mut Tape) -> Vec<Change> {
        let region = Region::from(side.region);
        let aws = &self.built.world.aws[&region];
        let tables: Vec<_> = aws.tgw_route_tables.keys().cloned().collect();
        let mut all: Vec<_> = aws.attachments.keys().cloned().collect();
        all.retain(|id| id.as_str() != "tgw-attach-peer");
        vec![Change::Propagation {
            region,
            table: tape.pick(&tables),
            attachment: tape.pick(&all),
            enabled: tape.rarely(2),
        }]
    }

    fn region(&mut self, region: &Region) -> &mut model::RegionState {
        self.lab.aws.regions.get_mut(region.as_str()).unwrap()
    }

    /// The same change in the lab's state.
    fn in_lab(&mut self, change: &Change) {
        match change {
            Change::TgwRoute {
                region,
                table,
                cidr,
                target,
            } => {
                let tables = &mut self.region(region).tgw_route_tables;
                let statics = &mut tables.get_mut(table.as_str()).unwrap().statics;
                match target {
                    None => statics.remove(cidr),
                    Some(target) => statics.insert(*cidr, written(target)),
                };
            }
            Change::Erp {
                site,
                scope,
                cidr,
                present,
            } => self.erp_in_lab(site, *scope, *cidr, *present),
            Change::Serve {
                site,
                address,
                serving,
            } if site.as_str() == EC2 => self.ec2_in_lab(*address, *serving),
            Change::Serve {
                site,
                address,
                serving,
            } => self.vm_in_lab(site, *address, *serving),
            Change::Subnet {
                site,
                cidr,
                name,
                present,
            } => {
                let pc = pc_of(&self.lab, site.as_str());
                let letter = letter_of(site.as_str());
                let id = format!("fs-{name}-{letter}");
                let subnets = &mut self.lab.pcs[pc].subnets;
                if *present {
                    subnets.entry(id).or_insert_with(|| nutanix::FlowSubnet {
                        name: name.clone(),
                        vpc: Some(format!("fv-user-{letter}")),
                        cidr: Some(*cidr),
                        ..nutanix::FlowSubnet::default()
                    });
                } else {
                    subnets.remove(&id);
                }
            }
            Change::VpcRoute {
                region,
                table,
                cidr,
                target,
            } => {
                let tables = &mut self.region(region).route_tables;
                let routes = &mut tables.get_mut(table.as_str()).unwrap().routes;
                match target {
                    None => routes.remove(cidr),
                    Some(target) => routes.insert(*cidr, vpc_target(target)),
                };
            }
            Change::Announce {
                edge,
                cidr,
                present,
            } => {
                let prefixes = match self.built.estate.edges[edge].kind {
                    EdgeKind::StaticVpn { .. } => {
                        &mut vpn(&mut self.lab, &self.built.estate.edges[edge]).on_prem_statics
                    }
                    EdgeKind::BgpVpn | EdgeKind::DirectConnect { .. } => {
                        let id = edge.as_str().replace("edge", "assoc-");
                        &mut self.lab.aws.dx_associations.get_mut(&id).unwrap().allowed
                    }
                };
                if *present {
                    prefixes.insert(*cidr);
                } else {
                    prefixes.remove(cidr);
                }
            }
            Change::Edge { edge, up } => match self.built.estate.edges[edge].kind {
                EdgeKind::BgpVpn | EdgeKind::StaticVpn { .. } => {
                    let vpn = vpn(&mut self.lab, &self.built.estate.edges[edge]);
                    vpn.tunnels_up = if *up { 2 } else { 0 };
                }
                EdgeKind::DirectConnect { .. } => {
                    let id = edge.as_str().replace("edge", "assoc-");
                    let association = self.lab.aws.dx_associations.get_mut(&id).unwrap();
                    let state = if *up { "associated" } else { "disassociated" };
                    association.state = state.to_owned();
                }
            },
            Change::Attachment {
                region,
                attachment,
                attached,
            } => {
                let attachments = &mut self.region(region).attachments;
                let found = attachments.get_mut(attachment.as_str()).unwrap();
                let state = if *attached { "available" } else { "deleted" };
                found.state = state.to_owned();
            }
            Change::Propagation {
                region,
                table,
                attachment,
                enabled,
            } => {
                let tables = &mut self.region(region).tgw_route_tables;
                let propagations = &mut tables.get_mut(table.as_str()).unwrap().propagations;
                if *enabled {
                    propagations.insert(attachment.to_string());
                } else {
                    propagations.remove(attachment.as_str());
                }
            }
            Change::Region { region, up } => {
                let down = &mut self.lab.aws.down_regions;
                if *up {
                    down.remove(region.as_str());
                } else {
                    down.insert(region.to_string());
                }
            }
        }
    }

    fn erp_in_lab(&mut self, site: &SiteName, scope: ErpScope, cidr: Cidr, present: bool) {
        let pc = pc_of(&self.lab, site.as_str());
        let letter = letter_of(site.as_str());
        let vpc = match scope {
            ErpScope::UserVpc => format!("fv-user-{letter}"),
            ErpScope::TransitVpc => format!("fv-transit-{letter}"),
        };
        let erps = &mut self.lab.pcs[pc].vpcs.get_mut(&vpc).unwrap().erps;
        let changed = if present {
            erps.insert(cidr)
        } else {
            erps.remove(&cidr)
        };
        if changed && scope == ErpScope::TransitVpc {
            let event = stayput_lab::prism::PrismEvent::Nc2Route(cidr);
            self.lab.after(Duration::ZERO, LabEvent::Prism(pc, event));
            self.lab.catch_up();
        }
    }

    fn ec2_in_lab(&mut self, address: Ipv4Addr, serving: bool) {
        let region = self.lab.aws.regions.get_mut(TOKYO.region).unwrap();
        let eni = region.enis.values().find(|eni| {
            eni.vpc == "vpc-ec2" && (eni.primary == address || eni.secondary.contains(&address))
        });
        let (id, _) = eni.unwrap().instance.as_ref().unwrap();
        region.instances.get_mut(id).unwrap().state = if serving {
            model::InstanceState::Running
        } else {
            model::InstanceState::Stopped
        };
    }

    fn vm_in_lab(&mut self, site: &SiteName, address: Ipv4Addr, serving: bool) {
        let letter = letter_of(site.as_str());
        let now = self.lab.now();
        let index = pc_of(&self.lab, site.as_str());
        let pc = &mut self.lab.pcs[index];
        let subnet = user_subnet(pc, letter, address);
        let found = pc.vms.values_mut().find(|vm| {
            vm.nics.iter().any(|nic| {
                Some(&nic.subnet) == subnet.as_ref()
                    && (nic.address == Some(address) || nic.secondary.contains(&address))
            })
        });
        match (found, subnet) {
            (Some(vm), _) => vm.on = serving,
            (None, Some(subnet)) => {
                let nic = nutanix::Nic {
                    id: format!("nic-planned-{address}"),
                    mac: MacAddr::new([2, 0, 0, 0, 0, 0]),
                    subnet,
                    address: Some(address),
                    secondary: Vec::new(),
                    connected: true,
                    version: 0,
                };
                let vm = nutanix::Vm {
                    name: "planned".to_owned(),
                    description: String::new(),
                    on: serving,
                    categories: BTreeSet::new(),
                    nics: vec![nic],
                    shape: (1, 1 << 30),
                    created: now,
                    test_of: None,
                    version: 0,
                };
                pc.vms.insert(format!("planned-{address}"), vm);
            }
            (None, None) => {}
        }
    }
}

fn prefix_of(change: &Change) -> Option<Cidr> {
    match change {
        Change::TgwRoute { cidr, .. }
        | Change::Erp { cidr, .. }
        | Change::Subnet { cidr, .. }
        | Change::VpcRoute { cidr, .. }
        | Change::Announce { cidr, .. } => Some(*cidr),
        Change::Serve { .. }
        | Change::Edge { .. }
        | Change::Attachment { .. }
        | Change::Propagation { .. }
        | Change::Region { .. } => None,
    }
}

/// A prefix to write, and where to: often one the table has by some route already, so that things are covered and uncovered.
fn written_or_not<T: Clone>(known: &[Cidr], targets: &[T], tape: &mut Tape) -> (Cidr, Option<T>) {
    if !known.is_empty() && tape.rarely(2) {
        let cidr = tape.pick(known);
        (cidr, tape.rarely(2).then(|| tape.pick(targets)))
    } else {
        let cidr = cidr(tape.pick(&PREFIXES));
        (cidr, tape.mostly(4).then(|| tape.pick(targets)))
    }
}

/// Index of a site's Prism Central.
pub fn pc_of(lab: &LabState, site: &str) -> usize {
    lab.pcs.iter().position(|pc| pc.name == site).unwrap()
}

/// The letter of a site's ids.
pub fn letter_of(site: &str) -> &'static str {
    let side = SIDES.iter().find(|side| side.site == site);
    side.unwrap().letter
}

fn user_subnet(pc: &nutanix::PcState, letter: &str, address: Ipv4Addr) -> Option<String> {
    let vpc = format!("fv-user-{letter}");
    pc.subnets
        .iter()
        .find(|(_, subnet)| {
            subnet.vpc.as_ref() == Some(&vpc)
                && subnet.cidr.is_some_and(|cidr| cidr.contains(address))
        })
        .map(|(id, _)| id.clone())
}

fn user_nics<'a>(pc: &'a nutanix::PcState, letter: &str) -> impl Iterator<Item = &'a nutanix::Nic> {
    let vpc = format!("fv-user-{letter}");
    pc.vms.values().flat_map(|vm| &vm.nics).filter(move |nic| {
        let subnet = pc.subnets.get(&nic.subnet);
        subnet.is_some_and(|subnet| subnet.vpc.as_ref() == Some(&vpc))
    })
}

fn vpn<'a>(lab: &'a mut LabState, edge: &Edge) -> &'a mut model::Vpn {
    let id = edge.name.as_str().replace("edge", "vpn-");
    let region = lab.aws.regions.get_mut(edge.region.as_str()).unwrap();
    region.vpns.get_mut(&id).unwrap()
}

fn written(target: &TgwTarget) -> model::TgwStatic {
    model::TgwStatic {
        attachment: match target {
            TgwTarget::Attachment(id) => Some(id.to_string()),
            TgwTarget::Blackhole => None,
        },
        active_from: stayput_lab::clock::VTime(0),
        before: None,
    }
}

fn vpc_target(target: &VpcRouteTarget) -> model::RouteTarget {
    match target {
        VpcRouteTarget::Tgw(id) => model::RouteTarget::Tgw(id.to_string()),
        VpcRouteTarget::Eni(id) => model::RouteTarget::Eni(id.to_string()),
        VpcRouteTarget::Gateway(id) if id.starts_with("nat-") => {
            model::RouteTarget::Nat(id.clone())
        }
        VpcRouteTarget::Gateway(id) => model::RouteTarget::Igw(id.clone()),
        VpcRouteTarget::Peering(id) => model::RouteTarget::Pcx(id.clone()),
        VpcRouteTarget::Local | VpcRouteTarget::Unknown(_) => {
            unreachable!("not among the targets of changes")
        }
    }
}
