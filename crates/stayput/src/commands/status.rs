//! `stayput status`: the observed location of each network and machine, and whether on-prem reaches it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

use comfy_table::Table;
use comfy_table::presets;
use serde::Serialize;
use serde_json::json;
use stayput_estate::InstanceId;
use stayput_estate::MacAddr;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_fabric::Fabric;
use stayput_fabric::Home;
use stayput_fabric::Source;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_messages::list::or;
use stayput_plan::Obstacle;
use stayput_plan::Place;
use stayput_plan::Power;
use stayput_plan::Survey;
use stayput_plan::wrong_addresses;
use stayput_world::World;

use crate::cli::Global;
use crate::cli::StatusArgs;
use crate::error::CommandError;
use crate::observed;
use crate::observed::Observed;
use crate::output::Output;
use crate::reach::Reach;
use crate::reach::edges_of;
use crate::session;
use crate::ui;

/// Machines listed before `--all` is needed.
const LISTED: usize = 50;

/// One machine as it is now.
#[derive(Debug, Clone, Serialize)]
struct Machine {
    instance_id: InstanceId,
    name: Option<String>,
    site: SiteName,
    vm: Option<VmExtId>,
    running: bool,
    /// Whether it was observed that it runs, or that it is off: `false` where a system that would know could not be read.
    known: bool,
    /// The state of its EC2 instance, if that runs although the machine is a VM.
    served_twice: Option<String>,
    addresses: Vec<Ipv4Addr>,
    macs: Vec<MacAddr>,
    captured: Vec<Ipv4Addr>,
    delivered: usize,
    verdicts: Vec<String>,
    /// What is wrong with the addresses of its VM.
    wrong: Vec<String>,
}

/// One network as it is now.
#[derive(Debug, Clone, Serialize)]
struct Network {
    name: NetworkName,
    cidr: String,
    home: String,
    machines: usize,
    /// Whether `traces_delivered` is known: `false` where a system that decides it could not be read.
    traces_known: bool,
    traces_delivered: usize,
    traces_total: usize,
}

pub async fn run(global: &Global, args: &StatusArgs) -> Result<Output, CommandError> {
    // A wrong name is reported before any system is contacted.
    let estate = session::load_estate(&global.file)?;
    let names = session::networks(&estate, &args.networks)?;
    let seen = observed::observe(global, estate, args.world.world.as_deref()).await?;
    Ok(report(&seen, &names, args.all))
}

fn report(seen: &Observed, names: &BTreeSet<NetworkName>, all: bool) -> Output {
    let Observed {
        estate,
        world,
        facts,
    } = seen;
    let survey = Survey::new(estate, world, facts, names);
    let fabric = Fabric::new(estate, world);
    let twice = served_twice(&survey);
    let reach = Reach::new(&survey);
    // What is not reached by what was read may be reached by the rest.
    let is_partial = !world.unobserved.is_empty();
    let is_known = |is_reached: bool| is_reached || !is_partial;
    let machines: Vec<_> = survey
        .machines
        .keys()
        .map(|id| machine(&survey, &fabric, &reach, world, id))
        .collect();
    let networks: Vec<_> = names
        .iter()
        .filter_map(|name| estate.networks.get(name))
        .map(|network| {
            let here: Vec<_> = survey
                .machines_in(&network.name)
                .map(|(id, _)| id)
                .collect();
            let addresses = survey.addresses_in(&network.name);
            let running: Vec<_> = machines
                .iter()
                .filter(|machine| machine.running)
                .flat_map(|machine| {
                    machine
                        .captured
                        .iter()
                        .filter(|address| addresses.contains(address))
                })
                .collect();
            let delivered = running
                .iter()
                .filter(|address| {
                    let verdict = fabric.trace(&Source::OnPrem, ***address).verdict;
                    reach.is_reached(&verdict)
                })
                .count();
            Network {
                name: network.name.clone(),
                cidr: network.cidr.to_string(),
                home: match fabric.observed_home(network) {
                    // Packets that leave the observed part may arrive.
                    Home::Nowhere if !world.unobserved.is_empty() => {
                        Message::new("value-unknown").into()
                    }
                    Home::Nowhere => Message::new("status-nowhere").into(),
                    Home::Site(site) => site.to_string(),
                    Home::Split(sites) => and(sites.keys()).into(),
                },
                machines: here.len(),
                traces_known: is_known(delivered == running.len()),
                traces_delivered: delivered,
                traces_total: running.len(),
            }
        })
        .collect();

    let mut text = String::new();
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        Message::new("column-network").to_string(),
        Message::new("column-cidr").to_string(),
        Message::new("column-home").to_string(),
        Message::new("column-machines").to_string(),
        Message::new("column-reached").to_string(),
    ]);
    for network in &networks {
        table.add_row([
            network.name.to_string(),
            network.cidr.clone(),
            network.home.clone(),
            network.machines.to_string(),
            match network.traces_known {
                true => Message::new("status-reached-of")
                    .with("reached", network.traces_delivered)
                    .with("of", network.traces_total)
                    .into(),
                false => Message::new("value-unknown").into(),
            },
        ]);
    }
    let _ = writeln!(text, "{table}\n");
    let listed = if all { machines.len() } else { LISTED };
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        Message::new("column-machine").to_string(),
        Message::new("column-instance").to_string(),
        Message::new("column-site").to_string(),
        Message::new("column-addresses").to_string(),
        Message::new("column-state").to_string(),
    ]);
    for machine in machines.iter().take(listed) {
        let is_reached = machine.delivered == machine.captured.len();
        let also = twice.get(&machine.instance_id);
        let state = match (also, machine.known, machine.running) {
            (Some(also), _, _) => Message::new("status-served-twice")
                .with("what", also.join("; "))
                .into(),
            (None, false, _) => Message::new("value-unknown").into(),
            (None, true, false) => Message::new("status-off").into(),
            (None, true, true) if !is_known(is_reached) => Message::new("value-unknown").into(),
            (None, true, true) if is_reached => Message::new("status-reached").into(),
            (None, true, true) => machine.verdicts.join("; "),
        };
        table.add_row([
            machine
                .name
                .as_deref()
                .map_or_else(|| "–".to_owned(), ui::clean),
            machine.instance_id.to_string(),
            machine.site.to_string(),
            machine
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" "),
            state,
        ]);
    }
    for (id, facts) in &survey.unplaced {
        let captured: Vec<_> = facts
            .addresses()
            .map(|address| address.to_string())
            .collect();
        table.add_row([
            facts
                .name
                .as_deref()
                .map_or_else(|| "–".to_owned(), ui::clean),
            id.to_string(),
            Message::new("value-unknown").into(),
            captured.join(" "),
            Message::new("status-see-below").into(),
        ]);
    }
    let _ = writeln!(text, "{table}");
    if machines.len() > listed {
        let more = Message::new("status-more").count("more", machines.len() - listed);
        let _ = writeln!(text, "{more}");
    }
    for wrong in machines.iter().flat_map(|machine| &machine.wrong) {
        let _ = writeln!(text, "! {}", ui::clean(wrong));
    }
    for obstacle in &survey.obstacles {
        let _ = writeln!(text, "! {}", ui::clean(&obstacle.to_string()));
    }
    for unobserved in &world.unobserved {
        let edges = edges_of(estate, &unobserved.system);
        let line = match edges.as_slice() {
            [] => Message::new("status-unobserved").with("what", unobserved),
            edges => Message::new("status-unobserved-with-edges")
                .with("what", unobserved)
                .part("edges", or(edges)),
        };
        let _ = writeln!(text, "! {line}");
    }
    let (delivered, total) = networks.iter().fold((0, 0), |(d, t), network| {
        (d + network.traces_delivered, t + network.traces_total)
    });
    let unplaced: Vec<_> = survey
        .unplaced
        .iter()
        .map(|(id, facts)| {
            json!({
                "instance_id": id,
                "name": facts.name,
                "captured": facts.addresses().collect::<Vec<_>>(),
            })
        })
        .collect();
    let json = json!({
        "ok": true,
        "networks": networks,
        "machines": machines,
        "unplaced": unplaced,
        "traces_delivered": delivered,
        "traces_total": total,
        "unobserved": world.unobserved,
        "obstacles": survey.obstacles.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    Output::new(text, json)
}

/// What else answers for each machine's addresses, with what to do about it.
fn served_twice(survey: &Survey<'_>) -> BTreeMap<InstanceId, Vec<String>> {
    let mut twice: BTreeMap<InstanceId, Vec<String>> = BTreeMap::new();
    for obstacle in survey.served_twice() {
        let (machine, what) = match obstacle {
            Obstacle::RunsTwice {
                machine, at, vm, ..
            } => (
                machine,
                Message::new("status-former-vm")
                    .with("vm", vm)
                    .with("at", at)
                    .into(),
            ),
            Obstacle::SourceRuns { machine, state, .. } => (
                machine,
                Message::new("status-source-runs")
                    .with("state", state)
                    .with("remedy", obstacle.remedy())
                    .into(),
            ),
            _ => continue,
        };
        twice.entry(machine.clone()).or_default().push(what);
    }
    twice
}

fn machine(
    survey: &Survey<'_>,
    fabric: &Fabric,
    reach: &Reach,
    world: &World,
    id: &InstanceId,
) -> Machine {
    let facts = &survey.machines[id];
    let estate = survey.estate;
    let (site, vm, addresses, macs) = match survey.places.get(id) {
        Some(Place::At(site, vm)) => {
            let nics = survey
                .vm_at(id, site)
                .map(|(_, vm)| vm.nics.as_slice())
                .unwrap_or_default();
            let addresses = nics
                .iter()
                .flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
                .collect();
            (
                site.clone(),
                Some(vm.clone()),
                addresses,
                nics.iter().filter_map(|nic| nic.mac).collect(),
            )
        }
        Some(Place::Ec2) | None => {
            let region = world.aws.get(&estate.source.region);
            let enis: Vec<_> = facts
                .nics
                .iter()
                .filter_map(|nic| region?.enis.get(&nic.eni))
                .collect();
            let addresses = enis.iter().flat_map(|eni| eni.addresses()).collect();
            (
                estate.source.name.clone(),
                None,
                addresses,
                enis.iter().map(|eni| eni.mac).collect(),
            )
        }
    };
    let mut delivered = 0;
    let mut verdicts = Vec::new();
    for address in facts.addresses() {
        let verdict = fabric.trace(&Source::OnPrem, address).verdict;
        if reach.is_reached(&verdict) {
            delivered += 1;
        } else {
            let line = match reach.former(&verdict) {
                Some(_) => Message::new("status-verdict-of-former")
                    .with("address", address)
                    .with("verdict", verdict),
                None => Message::new("status-verdict")
                    .with("address", address)
                    .with("verdict", verdict),
            };
            verdicts.push(line.into());
        }
    }
    Machine {
        known: survey.power(id) != Power::Unknown,
        served_twice: survey.runs_in_ec2_again(id),
        instance_id: id.clone(),
        name: facts.name.clone(),
        site,
        vm,
        running: survey.runs(id),
        addresses,
        macs,
        captured: facts.addresses().collect(),
        delivered,
        verdicts,
        wrong: wrong_addresses(survey, id)
            .iter()
            .map(ToString::to_string)
            .collect(),
    }
}
