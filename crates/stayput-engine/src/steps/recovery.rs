//! Runs a recovery plan: validates it so that no address is lost, follows it to its end, and records the VM that each machine became.

mod copies;
mod protected;

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::DomainManagerId;
use stayput_estate::InstanceId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SiteName;
use stayput_estate::mutants::Mutant;
use stayput_messages::Message;
use stayput_nutanix::Direction;
use stayput_nutanix::FindingGroup;
use stayput_nutanix::FindingSeverity;
use stayput_nutanix::JobReport;
use stayput_nutanix::Looks;
use stayput_nutanix::OnWarnings;
use stayput_nutanix::PrismError;
use stayput_plan::OverlayKind;
use stayput_plan::RecoveryRun;
use stayput_world::prism::JobStatus;
use stayput_world::prism::Nic;
use stayput_world::prism::PowerState;
use stayput_world::prism::RecoveryAction;

use self::copies::any_made_copies;
pub use self::copies::are_copies_gone;
use self::copies::is_any_copy_left;
use self::copies::tests_of_runs_given_up;
use self::copies::tests_of_this_run;
use self::protected::all_are_protected;
pub use self::protected::machines_that_are_off;
use crate::Event;
use crate::StepError;
use crate::context::StepContext;
use crate::error::chain;

/// How long a recovery plan may run.
const RUNS_WITHIN: Duration = Duration::from_secs(12 * 3600);

pub async fn run(
    context: &StepContext,
    plan: &str,
    run: RecoveryRun,
    from: &SiteName,
    to: &SiteName,
    machines: &BTreeSet<InstanceId>,
) -> Result<bool, StepError> {
    // Sent to the Prism Central of the target site: that of the other site may be lost (Prism reference §6.4).
    let prism = context.prism(to)?;
    let id = context
        .catalog
        .plan(to, plan)
        .or_else(|_| context.catalog.plan(from, plan))?;
    let directions = [Direction {
        source: domain_manager(context, from, to)?,
        target: context.prism_world(to)?.domain_manager.clone(),
    }];
    let request = context.request("run");
    let ran = ready_to_run(context, &id, run, from, to, machines).await?;
    context.holds_the_lease().await?;
    let job = match run {
        RecoveryRun::Validate => {
            let validation = prism.validate(&id, &directions, request).await;
            validation.map_err(|error| validation_failed(plan, error))?
        }
        RecoveryRun::Planned => {
            prism
                .planned_failover(&id, &directions, OnWarnings::Stop, request)
                .await?
        }
        RecoveryRun::Unplanned => {
            prism
                .unplanned_failover(&id, &directions, OnWarnings::Proceed, request)
                .await?
        }
        RecoveryRun::Test => {
            if context.was_done().await? {
                // The process was killed between the test and the end of its run: only the clean-up is left.
                return Ok(false);
            }
            // A failed test of this run may have left copies, which block the next test, and so may a run of this ledger that was given up. Copies
            // of other clients' tests are not removed: the plan is refused while there are any.
            let earlier = tests_of_this_run(context, plan).await?;
            let given_up = tests_of_runs_given_up(context, prism, plan, &id).await?;
            if context.concluded() > 0 && any_made_copies(prism, &earlier).await?
                || is_any_copy_left(prism, &given_up).await?
            {
                context.progress(None, Message::new("note-removes-copies"));
                context.holds_the_lease().await?;
                prism
                    .clean_up(&id, context.request("clean-up/before"))
                    .await?;
            }
            prism
                .test_failover(&id, &directions, OnWarnings::Stop, request)
                .await?
        }
        RecoveryRun::CleanUp if Mutant::TestCopiesLeft.is_chosen() => return Ok(true),
        RecoveryRun::CleanUp => {
            let tests = tests_of_this_run(context, plan).await?;
            if tests.is_empty() {
                context.progress(None, Message::new("note-no-test"));
                return Ok(false);
            }
            // An earlier attempt may have removed them without learning of it; Prism Central refuses to remove nothing.
            if context.concluded() > 0 && are_copies_gone(prism, &tests).await? {
                context.progress(None, Message::new("note-copies-removed"));
                return Ok(false);
            }
            prism.clean_up(&id, request).await?;
            return Ok(true);
        }
    };
    context.answered();
    context.record(&serde_json::json!({"job": job})).await?;
    let report = follow(context, to, &job, plan).await?;
    no_address_is_lost(context, to, &job, plan, &report).await?;
    match run {
        RecoveryRun::Validate => Ok(false),
        RecoveryRun::Planned | RecoveryRun::Unplanned => {
            let became = &report.job.recovered;
            context
                .record(&serde_json::json!({"recovered": became}))
                .await?;
            // Known results are recorded before unknown ones are reported.
            let mut unknown: Vec<String> = Vec::new();
            for machine in machines {
                let before = context.catalog.vm(machine, from)?;
                match became.get(&before) {
                    Some(after) => context.became(machine, to, after).await?,
                    None => unknown.push(
                        Message::new("machine-was-vm")
                            .with("machine", machine)
                            .with("before", before)
                            .into(),
                    ),
                }
            }
            let off = machines_that_are_off(context, to, &ran).await?;
            if !off.is_empty() {
                context.record(&serde_json::json!({"off": off})).await?;
                context.events.send(Event::Changed { what: off });
            }
            if unknown.is_empty() {
                return Ok(true);
            }
            Err(StepError::Failed {
                what: Message::new("object-recovery-plan")
                    .with("name", plan)
                    .into(),
                reason: Message::new("failed-became-unknown-after-recovery")
                    .with("machines", unknown.join(", "))
                    .with("to", to)
                    .into(),
            })
        }
        RecoveryRun::Test => {
            let checked = copies_have_their_addresses(context, to, machines, from, &report).await;
            let Err(error) = checked else { return Ok(true) };
            // A test that failed must not leave copies that block the next one.
            let cleaned = prism.clean_up(&id, context.request("clean-up")).await;
            Err(error.and_then(cleaned.map_err(StepError::from)))
        }
        RecoveryRun::CleanUp => Ok(true),
    }
}

/// A validation changes nothing: when its outcome is not known it has failed, and the next attempt asks for another one.
fn validation_failed(plan: &str, error: PrismError) -> StepError {
    match error {
        PrismError::InDoubt(doubt) => StepError::Failed {
            what: Message::new("object-recovery-plan")
                .with("name", plan)
                .into(),
            reason: chain(&doubt),
        },
        error => error.into(),
    }
}

/// Checks right before the call whether the plan may be run. Returns the machines that were running before.
///
/// A job of an earlier attempt whose outcome is not known continues in any case, so it is followed.
async fn ready_to_run(
    context: &StepContext,
    plan: &RecoveryPlanExtId,
    run: RecoveryRun,
    from: &SiteName,
    to: &SiteName,
    machines: &BTreeSet<InstanceId>,
) -> Result<BTreeSet<InstanceId>, StepError> {
    let action = match run {
        RecoveryRun::CleanUp => return Ok(BTreeSet::new()),
        RecoveryRun::Validate => RecoveryAction::Validate,
        RecoveryRun::Planned => RecoveryAction::PlannedFailover,
        RecoveryRun::Unplanned => RecoveryAction::UnplannedFailover,
        RecoveryRun::Test => RecoveryAction::TestFailover,
    };
    let request = context.request("run");
    let prism = context.prism(to)?;
    let started = prism.find_job(plan, &action, request, Looks::Once).await?;
    if started.is_none() && run != RecoveryRun::Unplanned {
        return all_are_protected(context, from, to, machines).await;
    }
    // The old site is lost, or its machines have stopped by now.
    let mut ran = BTreeSet::new();
    for machine in machines {
        if context.machine(machine).await?.was_running {
            ran.insert(machine.clone());
        }
    }
    Ok(ran)
}

/// The Prism Central of the site that machines come from. If it is lost, the other one still knows it as its only partner.
fn domain_manager(
    context: &StepContext,
    from: &SiteName,
    to: &SiteName,
) -> Result<DomainManagerId, StepError> {
    if let Ok(prism) = context.prism_world(from) {
        return Ok(prism.domain_manager.clone());
    }
    let mut partners = context.prism_world(to)?.registrations.keys();
    match (partners.next(), partners.next()) {
        (Some(only), None) => Ok(only.clone()),
        (first, _) => Err(StepError::Failed {
            what: Message::new("object-recovery-from")
                .with("from", from)
                .into(),
            reason: match first {
                None => Message::new("failed-no-partner").with("to", to).into(),
                Some(_) => Message::new("failed-several-partners")
                    .with("to", to)
                    .with("from", from)
                    .into(),
            },
        }),
    }
}

async fn follow(
    context: &StepContext,
    to: &SiteName,
    job: &stayput_estate::RecoveryJobExtId,
    plan: &str,
) -> Result<JobReport, StepError> {
    let prism = context.prism(to)?;
    let what = String::from(Message::new("object-recovery-plan").with("name", plan));
    context
        .until(&what, RUNS_WITHIN, async || {
            let report = prism.job(job).await?;
            match &report.job.status {
                JobStatus::Queued | JobStatus::Running => {
                    context.progress(
                        report.percent,
                        Message::new("note-recovery-runs").with("plan", plan),
                    );
                    Ok(None)
                }
                JobStatus::Succeeded | JobStatus::SucceededWithWarnings => Ok(Some(report)),
                status @ (JobStatus::Failed | JobStatus::Aborted | JobStatus::Unknown(_)) => {
                    let findings = prism.validation_errors(job).await?;
                    let said: Vec<_> = findings
                        .into_iter()
                        .map(|finding| finding.message)
                        .collect();
                    let reason = if said.is_empty() {
                        Message::new("failed-job")
                            .with("status", format_args!("{:?}", status))
                            .into()
                    } else {
                        said.join("; ")
                    };
                    Err(StepError::Failed {
                        what: Message::new("object-recovery-plan")
                            .with("name", plan)
                            .into(),
                        reason,
                    })
                }
            }
        })
        .await
}

/// "IP cannot be preserved" is only a warning in Prism Central; for stayput it is an error (Prism reference §6.6).
async fn no_address_is_lost(
    context: &StepContext,
    to: &SiteName,
    job: &stayput_estate::RecoveryJobExtId,
    plan: &str,
    report: &JobReport,
) -> Result<(), StepError> {
    if report.job.action != RecoveryAction::Validate && report.job.status == JobStatus::Succeeded {
        return Ok(());
    }
    let findings = context.prism(to)?.validation_errors(job).await?;
    let refused: Vec<_> = findings
        .into_iter()
        .filter(|finding| {
            finding.group == FindingGroup::Network || finding.severity == FindingSeverity::Error
        })
        .map(|finding| finding.message)
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(StepError::Refused(
            Message::new("refused-recovery-plan")
                .with("plan", plan)
                .with("findings", refused.join("; "))
                .into(),
        ))
    }
}

/// A test whose copies have other addresses has failed.
async fn copies_have_their_addresses(
    context: &StepContext,
    to: &SiteName,
    machines: &BTreeSet<InstanceId>,
    from: &SiteName,
    report: &JobReport,
) -> Result<(), StepError> {
    let prism = context.prism(to)?;
    let kinds = [OverlayKind::Production, OverlayKind::Test];
    let overlays: BTreeSet<_> = context
        .estate
        .networks
        .keys()
        .flat_map(|network| kinds.map(|kind| context.catalog.find_subnet(to, kind, network)))
        .flatten()
        .collect();
    for machine in machines {
        let facts = context.machine(machine).await?;
        let source = context.catalog.vm(machine, from)?;
        let copy = report.job.recovered.get(&source);
        let vm = match copy {
            Some(id) => prism.vm(id).await?,
            None => None,
        };
        let is_on = vm.as_ref().is_some_and(|vm| vm.power == PowerState::On);
        if facts.was_running && !is_on {
            return Err(StepError::Failed {
                what: Message::new("object-test-copy")
                    .with("label", facts.label(machine))
                    .into(),
                reason: match vm {
                    Some(vm) => Message::new("failed-power")
                        .with("power", format_args!("{:?}", vm.power))
                        .into(),
                    None => Message::new("failed-not-there").into(),
                },
            });
        }
        // Other NICs are not stayput's to judge, as when NICs are restored.
        let is_ours = |nic: &&Nic| {
            let subnet = nic.subnet.as_ref();
            subnet.is_none_or(|subnet| overlays.contains(subnet))
        };
        let have: BTreeSet<_> = vm
            .iter()
            .flat_map(|vm| &vm.nics)
            .filter(is_ours)
            .flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
            .collect();
        let want: BTreeSet<_> = facts.addresses().collect();
        if have != want {
            let text = |set: &BTreeSet<std::net::Ipv4Addr>| {
                set.iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            return Err(StepError::Failed {
                what: Message::new("object-test-copy")
                    .with("label", facts.label(machine))
                    .into(),
                reason: Message::new("failed-addresses")
                    .with("has", text(&have))
                    .with("wants", text(&want))
                    .into(),
            });
        }
    }
    Ok(())
}
