//! VMs, read again right before or after something is done to them.

use std::time::Duration;

use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_nutanix::Looks;
use stayput_world::prism::PowerState;
use stayput_world::prism::Vm;

use crate::StepError;
use crate::context::StepContext;

/// A VM; `None` only if several looks say that it does not exist: what follows from its absence may be that another one starts.
pub async fn seen(
    context: &StepContext,
    site: &SiteName,
    vm: &VmExtId,
) -> Result<Option<Vm>, StepError> {
    Ok(context.prism(site)?.find_vm(vm, Looks::Several).await?)
}

/// Waits until a VM is off, or does not exist.
pub async fn is_off(
    context: &StepContext,
    site: &SiteName,
    vm: &VmExtId,
    limit: Duration,
) -> Result<(), StepError> {
    let what = Message::new("wait-vm-off")
        .with("vm", vm)
        .with("site", site)
        .to_string();
    context
        .until(&what, limit, async || {
            let now = seen(context, site, vm).await?;
            let is_off = now.is_none_or(|vm| vm.power == PowerState::Off);
            Ok(is_off.then_some(()))
        })
        .await
}
