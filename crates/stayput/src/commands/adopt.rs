//! `stayput adopt`: links a machine to its VM by hand. Contacts only one Prism Central: other systems may be down.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::json;
use stayput_engine::prism_at;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_ledger::By;
use stayput_ledger::LeaseScope;
use stayput_messages::Message;
use stayput_messages::list::text;
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

pub async fn run(global: &Global, args: &AdoptArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let vm = session::vm(&args.vm)?;
    let ledger = session::open_ledger(&estate).await?;
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
    let of_env = |name: &str| std::env::var(name).ok();
    let client = prism_at(&site, &config.prism, &estate.engine, &of_env)?;
    let found = client
        .vm(&vm)
        .await
        .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    let found = found.ok_or_else(|| {
        let missing = Message::new("adopt-no-vm")
            .with("vm", &vm)
            .with("site", &site);
        CommandError::new(Kind::Failed, missing)
            .hint(Message::new("hint-look-in-prism-central").with("site", &site))
    })?;
    ledger
        .put_vm(&id, &site, &vm, Timestamp::now(), &By::person(who))
        .await?;
    let left = left(&estate, &facts, &id, &site, &vm, &found);
    let linked = Message::new("adopt-linked")
        .with("label", machine.label(&id))
        .with("name", &found.name)
        .with("vm", &vm)
        .with("site", &site);
    let mut text = format!("{linked}\n{}\n", Message::new("adopt-left"));
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
            CommandError::new(
                Kind::Usage,
                Message::new("machine-without-network").with("id", id),
            )
            .hint(Message::new("hint-name-site"))
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
            Message::new("adopt-linked-to-other")
                .with("vm", vm)
                .with("site", site)
                .with("other", other),
        )
        .hint(Message::new("hint-link-other").with("other", other))),
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
    let networks = stayput_plan::linked_networks(facts, machine);
    let names: Vec<_> = networks.iter().map(NetworkName::as_str).collect();
    let names = names.join(" ");
    let mut left = Vec::new();
    let state = match &found.power {
        PowerState::On => None,
        PowerState::Off => Some(Message::new("power-off")),
        PowerState::Other(other) => Some(text(other)),
    };
    if let (Some(state), true) = (state, machine.was_running) {
        left.push(
            Message::new("adopt-power-on")
                .part("state", state)
                .with("site", site)
                .with("id", id)
                .into(),
        );
    }
    let wanted: BTreeSet<_> = machine.addresses().collect();
    let has = addresses(found);
    let list = |addresses: &BTreeSet<Ipv4Addr>| {
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        if texts.is_empty() {
            Message::new("no-address").into()
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
        left.push(Message::new("adopt-route").with("lead", lead).into());
    } else {
        left.push(
            Message::new("adopt-restore")
                .with("has", list(&has))
                .with("wants", list(&wanted))
                .with("lead", lead)
                .into(),
        );
    }
    let former = facts.vms.get(id).into_iter().flatten();
    for (at, other) in former.filter(|(at, other)| (*at, *other) != (site, vm)) {
        left.push(
            Message::new("adopt-former")
                .with("other", other)
                .with("at", at)
                .with("names", &names)
                .into(),
        );
    }
    left.push(
        Message::new("adopt-instance")
            .with("id", id)
            .with("names", names)
            .into(),
    );
    left
}
