//! Powers off and deletes former VMs of machines. Each is read right before its call, and only while the machine is observed at its site.

use std::time::Duration;

use stayput_messages::Message;
use stayput_plan::FormerVm;
use stayput_world::prism::PowerState;

use super::vm;
use crate::StepError;
use crate::context::StepContext;

/// How long a VM may take until it is reported as off.
const OFF_WITHIN: Duration = Duration::from_secs(300);

/// Powers a former VM off without a guest shutdown: the machine runs elsewhere and does not need its unwritten data.
pub async fn power_off(context: &StepContext, former: &FormerVm) -> Result<bool, StepError> {
    let prism = context.prism(&former.site)?;
    let Some(before) = prism.vm(&former.vm).await? else {
        return Ok(false);
    };
    if before.power == PowerState::Off {
        return Ok(false);
    }
    machine_is_at_home(context, former).await?;
    context
        .record(&serde_json::json!({"vm": former.vm, "site": former.site, "before": before}))
        .await?;
    context.holds_the_lease().await?;
    prism
        .power_off(&former.vm, context.request("power-off"))
        .await?;
    vm::is_off(context, &former.site, &former.vm, OFF_WITHIN).await?;
    Ok(true)
}

/// Deletes a former VM that is off.
pub async fn delete(context: &StepContext, former: &FormerVm) -> Result<bool, StepError> {
    let prism = context.prism(&former.site)?;
    let Some(before) = prism.vm(&former.vm).await? else {
        return Ok(false);
    };
    if before.power != PowerState::Off {
        return Err(StepError::Refused(
            Message::new("refused-vm-not-off")
                .with("vm", &former.vm)
                .with("site", &former.site)
                .into(),
        ));
    }
    machine_is_at_home(context, former).await?;
    context
        .record(&serde_json::json!({"vm": former.vm, "site": former.site, "before": before}))
        .await?;
    context.holds_the_lease().await?;
    prism
        .delete_vm(&former.vm, context.request("delete"))
        .await?;
    Ok(true)
}

/// Checks that the machine is another VM according to the ledger, and that this VM exists and runs if it must.
async fn machine_is_at_home(context: &StepContext, former: &FormerVm) -> Result<(), StepError> {
    let FormerVm {
        machine,
        home,
        home_vm,
        ..
    } = former;
    let facts = context.ledger.facts().await?;
    let known = facts.vms.get(machine);
    let newest = facts
        .newest
        .get(machine)
        .and_then(|site| Some((site, known?.get(site)?)));
    if newest != Some((home, home_vm)) || *home_vm == former.vm {
        return Err(StepError::Refused(
            Message::new("refused-not-current-vm")
                .with("machine", machine)
                .with("home_vm", home_vm)
                .with("home", home)
                .into(),
        ));
    }
    let found = context.prism(home)?.vm(home_vm).await?;
    let refused = match found.map(|vm| vm.power) {
        None => Message::new("home-vm-does-not-exist"),
        Some(PowerState::On) => return Ok(()),
        Some(PowerState::Off | PowerState::Other(_)) if !former.must_be_on => return Ok(()),
        Some(PowerState::Off | PowerState::Other(_)) => Message::new("home-vm-not-on"),
    };
    Err(StepError::Refused(
        Message::new("refused-only-copy")
            .with("home_vm", home_vm)
            .with("home", home)
            .with("machine", machine)
            .part("refused", refused)
            .with("former", &former.vm)
            .into(),
    ))
}
