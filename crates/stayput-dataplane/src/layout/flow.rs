//! A cluster: its transit VPC, its user VPCs and its VMs.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::Cidr;
use stayput_lab::aws::routing::is_up;
use stayput_lab::nc2;
use stayput_lab::prism::model::FlowVpc;
use stayput_lab::prism::model::PcState;
use stayput_lab::prism::model::Vm;
use stayput_lab::state::LabState;
use stayput_lab::walk::nc2::is_untranslated;

use super::Hop;
use super::Layout;
use super::LinkId;
use super::Match;
use super::NodeId;
use super::Routes;
use super::TableId;

pub(super) fn build(lab: &LabState, layout: &mut Layout) {
    for (pc, site) in lab.pcs.iter().enumerate() {
        let transit = NodeId::Transit(pc);
        let aws = NodeId::Vpc(site.aws.1.clone());
        layout.link(LinkId::Gateway(pc), transit.clone(), aws.clone());
        for id in user_vpcs(site).map(|(id, _)| id) {
            let user = NodeId::Flow(pc, id.clone());
            layout.link(LinkId::Flow(pc, id.clone()), user, transit.clone());
        }
        for (id, vm) in &site.vms {
            machine(site, pc, id, vm, layout);
        }
        if site.down || lab.aws.down_regions.contains(&site.aws.0) {
            continue;
        }
        let out = exit(lab, pc, site, layout);
        transit_vpc(pc, site, &out, layout);
        for (id, vpc) in user_vpcs(site) {
            user_vpc(pc, site, id, vpc, layout);
        }
    }
}

fn user_vpcs(site: &PcState) -> impl Iterator<Item = (&String, &FlowVpc)> {
    site.vpcs.iter().filter(|(_, vpc)| !vpc.transit)
}

/// A VM with its connected NICs. A NIC in a subnet without a VPC is not connected in this layout.
fn machine(site: &PcState, pc: usize, id: &str, vm: &Vm, layout: &mut Layout) {
    let host = NodeId::Vm(pc, id.to_owned());
    layout.node(host.clone());
    let mut first = true;
    for nic in vm.nics.iter().filter(|nic| nic.connected) {
        let subnet = site.subnets.get(&nic.subnet);
        let vpc = subnet.and_then(|subnet| subnet.vpc.as_ref());
        let link = vpc
            .filter(|vpc| site.vpcs.get(*vpc).is_some_and(|vpc| !vpc.transit))
            .map(|vpc| {
                let link = LinkId::Nic(pc, id.to_owned(), vpc.clone());
                layout.link(link.clone(), host.clone(), NodeId::Flow(pc, vpc.clone()));
                link
            });
        let node = layout.node(host.clone());
        if vm.on {
            node.addresses.extend(nic.address);
            node.addresses.extend(&nic.secondary);
        }
        let hop = link.map_or(Hop::Drop, Hop::Over);
        if let Some(cidr) = subnet.and_then(|subnet| subnet.cidr) {
            // Of two NICs in one subnet, the first sends.
            let main = node.tables.entry(TableId::Main).or_default();
            main.entry(cidr).or_insert_with(|| hop.clone());
        }
        // The default gateway is that of the first NIC.
        if first {
            node.route(TableId::Main, Cidr::ALL, hop);
            first = false;
        }
    }
}

/// Where packets leave the cluster, and where they enter the AWS VPC.
fn exit(lab: &LabState, pc: usize, site: &PcState, layout: &mut Layout) -> Hop {
    let region = lab.aws.regions.get(&site.aws.0);
    let gateway = region.and_then(|region| {
        let eni = region.enis.get(nc2::gateway(region, site)?)?;
        (is_up(region, eni) && !eni.source_dest_check).then_some(eni)
    });
    let Some(eni) = gateway else {
        return Hop::Drop;
    };
    let link = LinkId::Gateway(pc);
    layout.node(NodeId::Vpc(eni.vpc.clone())).rule(
        Match::In(link.clone()),
        TableId::Through(eni.subnet.clone()),
    );
    Hop::Over(link)
}

/// Each externally routable prefix that is in both the user VPC and the transit VPC leads to the user VPC. The other prefixes of
/// the transit VPC stay in the cluster and are lost (inferred). All other packets leave the cluster.
fn transit_vpc(pc: usize, site: &PcState, out: &Hop, layout: &mut Layout) {
    let transit = site.vpcs.values().find(|vpc| vpc.transit);
    let own: BTreeSet<Cidr> = transit.map(|vpc| vpc.erps.clone()).unwrap_or_default();
    let users: Vec<(Cidr, &String)> = user_vpcs(site)
        .filter(|(_, vpc)| is_untranslated(site, vpc))
        .flat_map(|(id, vpc)| vpc.erps.iter().map(move |erp| (*erp, id)))
        .collect();
    let mut inward = Routes::new();
    for own in &own {
        for (erp, _) in users.iter().filter(|(erp, _)| erp.overlaps(*own)) {
            let part = if own.covers(*erp) { *erp } else { *own };
            let winner = users
                .iter()
                .filter(|(erp, _)| erp.covers(part))
                .max_by_key(|(erp, id)| (erp.len(), *id));
            if let Some((_, id)) = winner {
                let link = LinkId::Flow(pc, (*id).clone());
                inward.insert(part, Hop::Over(link));
            }
        }
    }
    let mut outward: Routes = own.iter().map(|erp| (*erp, Hop::Drop)).collect();
    outward.extend(inward.clone());
    outward.entry(Cidr::ALL).or_insert_with(|| out.clone());
    let node = layout.node(NodeId::Transit(pc));
    node.tables.insert(TableId::Inside, inward);
    node.tables.insert(TableId::Main, outward);
    node.rule(Match::In(LinkId::Gateway(pc)), TableId::Inside);
}

/// In a user VPC its subnets are local. Other packets from inside go to the transit VPC, if they may leave without NAT.
fn user_vpc(pc: usize, site: &PcState, id: &str, vpc: &FlowVpc, layout: &mut Layout) {
    let mut inside = Routes::new();
    let subnets = || {
        let all = site.subnets.iter();
        all.filter(|(_, subnet)| subnet.vpc.as_deref() == Some(id))
            .filter_map(|(id, subnet)| Some((id, subnet.cidr?)))
    };
    for (_, cidr) in subnets() {
        inside.insert(cidr, Hop::Drop);
    }
    // The subnet an address belongs to, in case that two contain it.
    let home = |address: Ipv4Addr| subnets().find(|(_, cidr)| cidr.contains(address));
    for (machine, vm) in site.vms.iter().filter(|(_, vm)| vm.on) {
        for nic in vm.nics.iter().filter(|nic| nic.connected) {
            for address in nic.address.iter().chain(&nic.secondary) {
                if home(*address).is_some_and(|(home, _)| *home == nic.subnet) {
                    let link = LinkId::Nic(pc, machine.clone(), id.to_owned());
                    inside.insert(Cidr::host(*address), Hop::Over(link));
                }
            }
        }
    }
    let mut outward = inside.clone();
    let leaves = is_untranslated(site, vpc);
    outward.entry(Cidr::ALL).or_insert_with(|| {
        if leaves {
            Hop::Over(LinkId::Flow(pc, id.to_owned()))
        } else {
            Hop::Drop
        }
    });
    let node = layout.node(NodeId::Flow(pc, id.to_owned()));
    node.tables.insert(TableId::Inside, inside);
    node.tables.insert(TableId::Main, outward);
    node.rule(Match::In(LinkId::Flow(pc, id.to_owned())), TableId::Inside);
}
