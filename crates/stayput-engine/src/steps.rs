//! What each kind of step does. `Ok(true)`: something was changed; `Ok(false)`: it was already in place.

mod clean_up;
mod machine;
mod migrate;
mod overlay;
mod protect;
mod recovery;
mod returns;
mod route;
mod source;
mod verify;
mod vm;

use stayput_plan::Action;

use crate::StepError;
use crate::context::StepContext;

/// Performs an action.
pub async fn perform(context: &StepContext, action: &Action) -> Result<bool, StepError> {
    match action {
        Action::Capture { machines } => {
            context
                .ledger
                .put_machines(machines, context.now(), &context.by())
                .await?;
            Ok(true)
        }
        Action::EnsureFlowVpc { site, name } => overlay::flow_vpc(context, site, name).await,
        Action::EnsureSubnet { .. } => overlay::subnet(context, action).await,
        Action::Erp {
            site,
            scope,
            cidr,
            present,
        } => overlay::erp(context, site, *scope, *cidr, *present).await,
        Action::Replicate {
            site,
            move_plan,
            source_vpc,
            network,
            machines,
        } => migrate::replicate(context, site, move_plan, source_vpc, network, machines).await,
        Action::Cutover {
            site,
            move_plan,
            machine,
        } => migrate::cutover(context, site, move_plan, machine).await,
        Action::RestoreNics {
            site,
            machine,
            nics,
            power,
        } => machine::restore(context, site, machine, nics, *power).await,
        Action::TgwRoute {
            region,
            table,
            cidr,
            from,
            to,
        } => route::tgw_route(context, region, table, *cidr, from.as_ref(), to.as_ref()).await,
        Action::Categorize {
            site,
            key,
            value,
            machines,
        } => protect::categorize(context, site, key, value, machines).await,
        Action::ProtectionPolicy { .. } => protect::policy(context, action).await,
        Action::RecoveryPlan { .. } => protect::recovery_plan(context, action).await,
        Action::AwaitRecoveryPoints {
            site,
            recovery,
            machines,
        } => protect::await_recovery_points(context, site, recovery, machines).await,
        Action::RunRecovery {
            plan,
            run,
            from,
            to,
            machines,
        } => recovery::run(context, plan, *run, from, to, machines).await,
        Action::PowerOff { former } => clean_up::power_off(context, former).await,
        Action::DeleteVm { former } => clean_up::delete(context, former).await,
        Action::ShutDown {
            site, machine, vm, ..
        } => returns::shut_down(context, site, machine, vm).await,
        Action::StartSource {
            region,
            machine,
            was,
            start,
        } => returns::start_source(context, region, machine, was, *start).await,
        Action::CancelMovePlan { site, move_plan } => {
            returns::cancel_move_plan(context, site, move_plan).await
        }
        Action::ReleaseNics {
            site, machine, vm, ..
        } => returns::release_nics(context, site, machine, vm).await,
        Action::RemoveCopies { plan, site, jobs } => {
            returns::remove_copies(context, plan, site, jobs).await
        }
        Action::Verify {
            site,
            networks,
            machines,
            lost,
            routes,
        } => verify::verify(context, site, networks, machines, lost, routes).await,
    }
}
