//! `stayput adopt`: a person says which VM a machine is, where no system can.

use serde_json::json;
use stayput_engine::Events;
use stayput_estate::InstanceId;
use stayput_estate::VmExtId;
use stayput_ledger::By;

use crate::cli::AdoptArgs;
use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

pub async fn run(global: &Global, args: &AdoptArgs) -> Result<Output, CommandError> {
    let id: InstanceId = args
        .instance
        .parse()
        .map_err(|error| CommandError::from_error(Kind::Usage, &error))?;
    let estate = session::load_estate(&global.file)?;
    let _lock = session::lock(&estate).await?;
    let engine = session::engine(estate.clone(), Events::none()).await?;
    let facts = engine.ledger.facts().await?;
    let machine = facts.machines.get(&id).ok_or_else(|| {
        CommandError::new(Kind::Usage, format!("{id} is not in the ledger"))
            .hint("run `stayput capture` first")
    })?;
    let site = match &args.site {
        Some(name) => session::site(&estate, name)?,
        None => machine
            .nics
            .first()
            .and_then(|nic| estate.networks.get(&nic.network))
            .map(|network| network.primary.clone())
            .ok_or_else(|| {
                CommandError::new(Kind::Usage, format!("{id} has no network of the estate"))
                    .hint("name its --site")
            })?,
    };
    let vm = VmExtId::new(args.vm.to_lowercase());
    let client =
        engine.clients.prism.get(&site).ok_or_else(|| {
            CommandError::new(Kind::Usage, format!("{site} has no Prism Central"))
        })?;
    let found = client
        .vm(&vm)
        .await
        .map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
    let found = found
        .ok_or_else(|| CommandError::new(Kind::Failed, format!("there is no VM {vm} at {site}")))?;
    let other = facts
        .vms
        .iter()
        .find(|(other, vms)| **other != id && vms.get(&site) == Some(&vm));
    if let Some((other, _)) = other {
        return Err(CommandError::new(
            Kind::Failed,
            format!("VM {vm} is {other} already"),
        ));
    }
    engine
        .ledger
        .put_vm(
            &id,
            &site,
            &vm,
            jiff::Timestamp::now(),
            &By::person(session::who()),
        )
        .await?;
    let text = format!(
        "{} is VM {} ({vm}) at {site} from now on\n",
        machine.label(&id),
        found.name
    );
    Ok(Output::new(
        text,
        json!({ "ok": true, "machine": id, "site": site, "vm": vm }),
    ))
}
