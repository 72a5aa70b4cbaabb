//! `stayput adopt`: links a machine to its VM by hand. Contacts only one Prism Central: other systems may be down.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::json;
use stayput_engine::prism_of_site;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_ledger::By;
use stayput_ledger::LeaseScope;
use stayput_ledger::Ledger;
use stayput_world::Facts;
use stayput_world::MachineFacts;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use crate::cli::AdoptArgs;
use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;
use crate::ui;

pub async fn run(global: &Global, args: &AdoptArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let vm = session::vm(&args.vm)?;
    let ledger = session::open_ledger(&estate)?;
    let who = session::who();
    let _lease = ledger
        .acquire(&LeaseScope::Estate, &who.as_str().into(), Timestamp::now())
        .await?;
    let facts = ledger.facts().await?;
    let id = session::machine(&facts, &args.machine)?;
    let machine = &facts.machines[&id];
    let site = match &args.site {
        Some(name) => session::site(&estate, name)?,
        None => primary_of(&estate, &id, machine)?,
    };
    is_not_linked_to_another(&facts, &id, &site, &vm)?;
    let config = &estate.sites[&site];
    let client = prism_of_site(&estate, config, &|name| std::env::var(name).ok())?;
    let found = client
        .vm(&vm)
        .await
        .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    let found = found.ok_or_else(|| {
        CommandError::new(Kind::Failed, format!("there is no VM {vm} at {site}"))
            .hint(format!("look for it in Prism Central of {site}"))
    })?;
    ledger
        .put_vm(&id, &site, &vm, Timestamp::now(), &By::person(who))
        .await?;
    let left = left(&estate, &facts, &id, &site, &vm, &found);
    let mut text = format!(
        "{} is now linked to VM {} ({vm}) at {site}\n",
        ui::clean(&machine.label(&id)),
        ui::clean(&found.name)
    );
    text.push_str("What is left to do:\n");
    for line in &left {
        let _ = writeln!(text, "  - {line}");
    }
    Ok(Output::new(
        text,
        json!({
            "ok": true,
            "machine": id,
            "site": site,
            "vm": vm,
            "power": found.power,
            "addresses": addresses(&found),
            "captured": machine.addresses().collect::<BTreeSet<_>>(),
            "left": left,
        }),
    ))
}

fn primary_of(
    estate: &Estate,
    id: &InstanceId,
    machine: &MachineFacts,
) -> Result<SiteName, CommandError> {
    let first = machine.nics.first();
    let network = first.and_then(|nic| estate.networks.get(&nic.network));
    network
        .map(|network| network.primary.clone())
        .ok_or_else(|| {
            CommandError::new(Kind::Usage, format!("{id} has no network of the estate"))
                .hint("name its --site")
        })
}

/// Checks that the ledger does not link this VM to another machine.
fn is_not_linked_to_another(
    facts: &Facts,
    id: &InstanceId,
    site: &SiteName,
    vm: &VmExtId,
) -> Result<(), CommandError> {
    let other = facts
        .vms
        .iter()
        .find(|(other, vms)| *other != id && vms.get(site) == Some(vm));
    match other {
        None => Ok(()),
        Some((other, _)) => Err(CommandError::new(
            Kind::Failed,
            format!("VM {vm} at {site} is linked to {other} already"),
        )
        .hint(format!(
            "link {other} to its own VM first, or remove it from the ledger: stayput retire {other}"
        ))),
    }
}

fn addresses(vm: &Vm) -> BTreeSet<Ipv4Addr> {
    let nics = vm.nics.iter();
    nics.flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
        .collect()
}

/// What the operator still has to do, one line each.
fn left(
    estate: &Estate,
    facts: &Facts,
    id: &InstanceId,
    site: &SiteName,
    vm: &VmExtId,
    found: &Vm,
) -> Vec<String> {
    let machine = &facts.machines[id];
    let networks: BTreeSet<_> = machine
        .nics
        .iter()
        .map(|nic| nic.network.as_str())
        .collect();
    let names = networks.into_iter().collect::<Vec<_>>().join(" ");
    let mut left = Vec::new();
    let state = match &found.power {
        PowerState::On => None,
        PowerState::Off => Some("off".to_owned()),
        PowerState::Other(other) => Some(ui::clean(other)),
    };
    if let (Some(state), true) = (state, machine.was_running) {
        left.push(format!(
            "the VM is {state}: power it on in Prism Central of {site}, or set that it may be off: stayput expect {id} off"
        ));
    }
    let wanted: BTreeSet<_> = machine.addresses().collect();
    let has = addresses(found);
    let list = |addresses: &BTreeSet<Ipv4Addr>| {
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        if texts.is_empty() {
            "no address".to_owned()
        } else {
            texts.join(", ")
        }
    };
    let is_primary = primary_of(estate, id, machine).ok().as_ref() == Some(site);
    let lead = if is_primary {
        format!("stayput apply move {names}")
    } else {
        format!("stayput apply failover {names} --to {site}")
    };
    if has == wanted {
        left.push(format!(
            "route its networks there, unless they are already: {lead}"
        ));
    } else {
        left.push(format!(
            "the VM has {} instead of {}; this restores them and routes the networks there: {lead}",
            list(&has),
            list(&wanted)
        ));
    }
    let former = facts.vms.get(id).into_iter().flatten();
    for (at, other) in former.filter(|(at, other)| (*at, *other) != (site, vm)) {
        left.push(format!(
            "VM {other} at {at}, its former VM, must not run; its state was not read. When Prism Central of {at} answers: stayput apply clean-up {names} --site {at}"
        ));
    }
    left.push(format!(
        "its EC2 instance {id} must stay stopped; its state was not read. Check with: stayput status {names}"
    ));
    left
}
