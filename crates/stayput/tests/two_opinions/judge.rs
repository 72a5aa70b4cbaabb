//! Comparing: the same packet in both, and what counts as the same end.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::*;
use stayput_fabric::Reason;
use stayput_fabric::*;
use stayput_lab::aws::routing;
use stayput_lab::state::LabState;
use stayput_lab::walk;
use stayput_lab::walk::End;
use stayput_lab::walk::Origin;
use stayput_lab::walk::SiteKind;

use crate::changes::Both;
use crate::changes::pc_of;
use crate::places::*;
use crate::tally::Tally;
use crate::tape::Tape;

/// The kinds of end that are compared.
pub const ENDS: [&str; 11] = [
    "at a VM",
    "at an EC2 machine",
    "at on-prem",
    "no route",
    "blackhole",
    "dead interface",
    "lost by NAT",
    "no machine",
    "wrong site",
    "loop",
    "region down",
];

/// What has to have been on the way of some packet, so that agreeing means something.
pub const SITUATIONS: [&str; 12] = [
    "prefix list in a Transit Gateway",
    "prefix list in a VPC",
    "prefix list under a static route",
    "propagated under a prefix list",
    "several ways",
    "VPC attached later with the same CIDR",
    "attachment gone",
    "route pending",
    "over Direct Connect",
    "over a BGP VPN",
    "over a static VPN",
    "VPC peering",
];

/// The situations a packet came by.
fn situations(both: &Both, trace: &Trace, ways: usize, see: &mut impl FnMut(&'static str)) {
    let mut lists = |list: &Option<PrefixListId>, place: &'static str| {
        if list.is_some() {
            see(place);
        }
    };
    for hop in &trace.hops {
        match &hop.reason {
            Reason::TgwRoute { list, .. } | Reason::TgwBlackhole { list, .. } => {
                lists(list, "prefix list in a Transit Gateway");
            }
            Reason::VpcRoute { list, .. } => lists(list, "prefix list in a VPC"),
            _ => {}
        }
    }
    if ways > 1 {
        see("several ways");
    }
    if both.is_pending() {
        see("route pending");
    }
    for hop in &trace.hops {
        match &hop.reason {
            Reason::TgwRoute {
                list: None, over, ..
            } if over_a_list(both, over) => see("prefix list under a static route"),
            Reason::TgwBlackhole { gone: Some(_), .. } => see("attachment gone"),
            Reason::VpcRoute {
                toward: NextHop::VpcPeering(_),
                ..
            } => see("VPC peering"),
            Reason::Announced { by, .. } => see(match by {
                Announcement::AllowedPrefix => "over Direct Connect",
                Announcement::TableRoute(_) => "over a BGP VPN",
                Announcement::Configured => "over a static VPN",
            }),
            _ => {}
        }
        for beaten in over(&hop.reason) {
            match beaten.because {
                LossReason::UnderPrefixList => see("propagated under a prefix list"),
                LossReason::AttachedLater => see("VPC attached later with the same CIDR"),
                LossReason::Shorter
                | LossReason::UnderStatic
                | LossReason::LowerRank
                | LossReason::LessPreferred => {}
            }
        }
    }
}

/// Whether a static route won over two of its own prefix: at most one of these was propagated, so the other is a list's.
fn over_a_list(both: &Both, over: &[LosingRoute]) -> bool {
    let mut lists = both
        .built
        .world
        .aws
        .values()
        .flat_map(|aws| aws.prefix_lists.values());
    over.iter().any(|beaten| {
        beaten.because == LossReason::UnderStatic
            && lists.any(|list| list.entries.contains(&beaten.prefix))
    })
}

fn over(reason: &Reason) -> &[LosingRoute] {
    match reason {
        Reason::TgwRoute { over, .. }
        | Reason::TgwBlackhole { over, .. }
        | Reason::VpcRoute { over, .. } => over,
        _ => &[],
    }
}

/// Compares one packet and, where it arrives, the reply to it.
pub fn compare(both: &Both, tape: &mut Tape, tally: &Tally) -> Result<(), String> {
    let senders = senders(&both.lab);
    let (source, origin) = tape.pick(&senders);
    let to = destination(both, tape);
    compare_pair(both, &source, origin, to, tally)
}

fn compare_pair(
    both: &Both,
    source: &Source,
    origin: Origin,
    to: Ipv4Addr,
    tally: &Tally,
) -> Result<(), String> {
    let there = both.fabric.round_trip(source, to);
    if is_ambiguous(&there.forward.verdict) {
        return Ok(());
    }
    agree(both, &there.forward, &origin, tally)?;
    let Some(back) = there.back.filter(|back| !is_ambiguous(&back.verdict)) else {
        return Ok(());
    };
    let Some(origin) = whose(&both.lab, &there.forward.verdict, to) else {
        return Err(format!("who answered is not in the lab\n{}", there.forward));
    };
    agree(both, &back, &origin, tally)?;
    Ok(())
}

/// Compares packets from all senders to every known address and to these, and the replies.
pub fn compare_all(both: &Both, more: &[Ipv4Addr]) -> Result<(), String> {
    let tally = Tally::wanting(0);
    let known = known(&both.lab);
    for (source, origin) in senders(&both.lab) {
        for to in known.iter().chain(more) {
            compare_pair(both, &source, origin.clone(), *to, &tally)?;
        }
    }
    Ok(())
}

/// Compares a trace with every way the lab knows: the fabric reports the worst, so it must be one of them and none may be worse.
fn agree(both: &Both, trace: &Trace, origin: &Origin, tally: &Tally) -> Result<(), String> {
    let ways = walk::ways(&both.lab, origin, trace.destination);
    let kind = ways.iter().find_map(|way| same(both, trace, &way.end));
    let worst = ways.iter().max_by_key(|way| badness(&way.end));
    let found = badness_of(&trace.verdict);
    match (kind, worst) {
        (Some(kind), Some(worst)) if badness(&worst.end) <= found => {
            tally.count(kind);
            situations(both, trace, ways.len(), &mut |what| tally.see(what));
            Ok(())
        }
        (Some(_), Some(worst)) => Err(differ(trace, std::slice::from_ref(worst))),
        (None, _) | (_, None) => Err(differ(trace, &ways)),
    }
}

/// From best to worst, in the order in which the fabric ranks the ends of equal ways.
fn badness(end: &End) -> u8 {
    match end {
        End::Delivered { .. } => 0,
        // At a wrong site it would be worse, but the lab does not know sites.
        End::NoMachine => 1,
        End::RegionDown => 2,
        End::DeadEni => 3,
        End::Blackhole => 4,
        End::NoRoute => 5,
        End::NatLost => 6,
        End::TtlExceeded => 10,
    }
}

fn badness_of(verdict: &Verdict) -> u8 {
    match verdict {
        // The lab knows no sender but machines: see `same`.
        Verdict::Delivered {
            holder: Holder::Sender,
            ..
        }
        | Verdict::NoMachine { .. } => 1,
        Verdict::Delivered { .. } => 0,
        Verdict::RegionDown { .. } => 2,
        Verdict::DeadEni { .. } => 3,
        Verdict::Blackhole { .. } => 4,
        Verdict::NoRoute { .. } => 5,
        Verdict::LeavesByNat { .. } => 6,
        Verdict::Unmodelled { .. } => 7,
        Verdict::WrongSite { .. } => 9,
        Verdict::Loop { .. } => 10,
    }
}

/// Over a VPC peering to an address that several VPCs own: snapshots do not show which of them is peered, and the fabric reports this.
fn is_ambiguous(verdict: &Verdict) -> bool {
    let Verdict::Unmodelled {
        what: Unmodelled::Hop(reason),
        ..
    } = verdict
    else {
        return false;
    };
    matches!(
        &**reason,
        Reason::VpcRoute {
            toward: NextHop::VpcPeering(_),
            ..
        }
    )
}

fn differ(trace: &Trace, ways: &[walk::Walk]) -> String {
    format!("fabric: {trace}\n{:?}\nlab: {:#?}\n", trace.verdict, ways)
}

/// All senders: on-prem, any VPC subnet, machines that are on.
fn senders(lab: &LabState) -> Vec<(Source, Origin)> {
    let mut senders = vec![(Source::OnPrem, Origin::OnPrem)];
    for (region, state) in &lab.aws.regions {
        for (id, subnet) in &state.subnets {
            let source = Source::Ec2Subnet {
                vpc: subnet.vpc.as_str().into(),
                subnet: id.as_str().into(),
            };
            let origin = Origin::Subnet {
                region: region.clone(),
                subnet: id.clone(),
            };
            senders.push((source, origin));
        }
    }
    for (pc, state) in lab.pcs.iter().enumerate() {
        for (id, vm) in state.vms.iter().filter(|(_, vm)| vm.on) {
            let nic = &vm.nics[0];
            let vpc = state.subnets[&nic.subnet].vpc.as_deref().unwrap();
            // Copies of test failovers are not the machine with that address.
            if vpc.starts_with("fv-test") || !nic.connected {
                continue;
            }
            let source = Source::Machine {
                place: Place::Site(state.name.as_str().into()),
                address: nic.address.unwrap(),
            };
            let origin = Origin::Vm { pc, vm: id.clone() };
            senders.push((source, origin));
        }
    }
    senders
}

/// An address that is used or unused; often one that the last change affected.
fn destination(both: &Both, tape: &mut Tape) -> Ipv4Addr {
    let all = known(&both.lab);
    let Some(touched) = both.touched().filter(|_| tape.rarely(2)) else {
        return tape.pick(&all);
    };
    let mut inside = all;
    inside.retain(|address| touched.contains(*address));
    inside.extend(touched.nth(10));
    if inside.is_empty() {
        return touched.network();
    }
    tape.pick(&inside)
}

/// Who answered, as a sender of the lab.
fn whose(lab: &LabState, verdict: &Verdict, address: Ipv4Addr) -> Option<Origin> {
    let Verdict::Delivered { place, holder } = verdict else {
        return None;
    };
    match holder {
        Holder::OnPrem => Some(Origin::OnPrem),
        Holder::Vm { id, .. } => Some(Origin::Vm {
            pc: pc_of(lab, place.site()?.as_str()),
            vm: id.to_string(),
        }),
        Holder::Planned => Some(Origin::Vm {
            pc: pc_of(lab, place.site()?.as_str()),
            vm: format!("planned-{address}"),
        }),
        Holder::Instance { id, .. } => {
            let id = InstanceId::as_str(id);
            lab.aws.regions.iter().find_map(|(region, state)| {
                let eni = state.instances.get(id)?.enis.values().next()?;
                Some(Origin::Subnet {
                    region: region.clone(),
                    subnet: state.enis[eni].subnet.clone(),
                })
            })
        }
        Holder::Interface { id, .. } => lab.aws.regions.iter().find_map(|(region, state)| {
            Some(Origin::Subnet {
                region: region.clone(),
                subnet: state.enis.get(id.as_str())?.subnet.clone(),
            })
        }),
        Holder::Sender => None,
    }
}

/// The kind of end when both say the same, `None` when they differ.
fn same(both: &Both, trace: &Trace, end: &End) -> Option<&'static str> {
    let last = trace.hops.last().map(|hop| &hop.reason);
    match (&trace.verdict, end) {
        (
            Verdict::Delivered { place, holder },
            End::Delivered {
                site,
                holder: who,
                region,
            },
        ) => {
            let same_region = match place {
                Place::OnPrem => region.is_none(),
                Place::Site(name) => region.as_deref() == region_of(both, name),
                Place::Vpc(vpc) => region.as_ref().is_some_and(|region| {
                    both.lab.aws.regions[region].vpcs.contains_key(vpc.as_str())
                }),
            };
            let kind = match (holder, site) {
                (Holder::OnPrem, SiteKind::OnPrem) => Some("at on-prem"),
                (Holder::Instance { id, .. }, SiteKind::Ec2) if id.as_str() == who => {
                    Some("at an EC2 machine")
                }
                (Holder::Interface { id, .. }, SiteKind::Ec2) if id.as_str() == who => {
                    Some("at an EC2 machine")
                }
                (Holder::Vm { id, .. }, SiteKind::Nc2) if id.as_str() == who => Some("at a VM"),
                (Holder::Planned, SiteKind::Nc2) if who.starts_with("planned-") => Some("at a VM"),
                _ => None,
            };
            kind.filter(|_| same_region)
        }
        // A reply counts as arrived in the fabric where any machine may be its sender; the lab only knows machines.
        (
            Verdict::Delivered {
                holder: Holder::Sender,
                ..
            },
            End::NoMachine,
        ) => Some("no machine"),
        // The lab reports no machine there; whether there is one elsewhere follows from its state.
        (Verdict::NoMachine { place }, End::NoMachine) => {
            let elsewhere = answering(&both.lab, trace.destination);
            let nowhere = elsewhere.iter().all(|site| place.site() == Some(site));
            nowhere.then_some("no machine")
        }
        (
            Verdict::WrongSite {
                sent_to,
                machine_at,
                ..
            },
            End::NoMachine,
        ) => {
            let elsewhere = answering(&both.lab, trace.destination).contains(machine_at);
            (elsewhere && sent_to.site() != Some(machine_at)).then_some("wrong site")
        }
        // No gateway was known when the snapshot was taken. The lab goes by a route written since; the fabric does not, and either
        // way nothing leaves the cluster: an interface that forwards would have been known.
        (Verdict::NoRoute { .. }, End::DeadEni) if last == Some(&Reason::NoGateway) => {
            Some("dead interface")
        }
        (Verdict::NoRoute { .. }, End::NoRoute) => Some("no route"),
        (Verdict::Blackhole { .. }, End::Blackhole) => Some("blackhole"),
        (Verdict::DeadEni { .. }, End::DeadEni) => Some("dead interface"),
        (Verdict::LeavesByNat { .. }, End::NatLost) => Some("lost by NAT"),
        (Verdict::Loop { .. }, End::TtlExceeded) => Some("loop"),
        (Verdict::RegionDown { .. }, End::RegionDown) => Some("region down"),
        (
            Verdict::Delivered { .. }
            | Verdict::NoRoute { .. }
            | Verdict::Blackhole { .. }
            | Verdict::DeadEni { .. }
            | Verdict::LeavesByNat { .. }
            | Verdict::WrongSite { .. }
            | Verdict::NoMachine { .. }
            | Verdict::Loop { .. }
            | Verdict::RegionDown { .. }
            | Verdict::Unmodelled { .. },
            _,
        ) => None,
    }
}

/// The sites where a machine answers for an address: one that runs in the site's VPC, or is on in a Flow VPC that packets are routed to or
/// that networks are moved to. Copies of test failovers do not answer.
fn answering(lab: &LabState, address: Ipv4Addr) -> BTreeSet<SiteName> {
    let in_vpc = |region: &str, vpc: &str| {
        let region = &lab.aws.regions[region];
        region.enis.values().any(|eni| {
            eni.vpc == vpc
                && (eni.primary == address || eni.secondary.contains(&address))
                && routing::is_up(region, eni)
        })
    };
    let mut sites = BTreeSet::new();
    if in_vpc(TOKYO.region, "vpc-ec2") {
        sites.insert(EC2.into());
    }
    for pc in &lab.pcs {
        let vms = pc.vms.values().filter(|vm| vm.on);
        let mut nics = vms.flat_map(|vm| &vm.nics).filter(|nic| {
            nic.connected && (nic.address == Some(address) || nic.secondary.contains(&address))
        });
        let on_overlay = nics.any(|nic| {
            let vpc = pc.subnets[&nic.subnet].vpc.as_ref();
            vpc.is_some_and(|id| {
                let mut erps = pc.vpcs[id].erps.iter();
                id.starts_with("fv-user")
                    || (!id.starts_with("fv-test") && erps.any(|erp| erp.contains(address)))
            })
        });
        if on_overlay || in_vpc(&pc.aws.0, &pc.aws.1) {
            sites.insert(pc.name.as_str().into());
        }
    }
    sites
}

fn region_of<'a>(both: &'a Both, site: &SiteName) -> Option<&'a str> {
    if *site == both.built.estate.source.name {
        return Some(both.built.estate.source.region.as_str());
    }
    let site = both.built.estate.sites.get(site)?;
    Some(site.region.as_str())
}
