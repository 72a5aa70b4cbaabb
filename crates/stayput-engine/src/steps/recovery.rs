//! Running a recovery plan: validated so that no address is lost, followed to its end, and who became whom written down.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::DomainManagerId;
use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_nutanix::Direction;
use stayput_nutanix::FindingGroup;
use stayput_nutanix::FindingSeverity;
use stayput_nutanix::JobReport;
use stayput_nutanix::OnWarnings;
use stayput_plan::RecoveryRun;
use stayput_world::prism::JobStatus;
use stayput_world::prism::RecoveryAction;

use crate::StepError;
use crate::run::StepContext;
use crate::run::now;

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
    // Asked of the Prism Central that receives: the other one may be the one that is lost (Prism reference §6.4).
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
    let job = match run {
        RecoveryRun::Validate => prism.validate(&id, &directions, request).await?,
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
                // Somebody was killed between the test and the end of its run: what is left is to clean up.
                return Ok(false);
            }
            if context.concluded() > 0 {
                // What failed may have left copies, and those block the next test.
                prism
                    .clean_up(&id, context.request("clean-up/before"))
                    .await?;
            }
            prism
                .test_failover(&id, &directions, OnWarnings::Stop, request)
                .await?
        }
        RecoveryRun::CleanUp => {
            prism.clean_up(&id, request).await?;
            return Ok(true);
        }
    };
    context.record(&serde_json::json!({"job": job})).await?;
    let report = follow(context, to, &job, plan).await?;
    no_address_is_lost(context, to, &job, plan, &report).await?;
    match run {
        RecoveryRun::Validate => Ok(false),
        RecoveryRun::Planned | RecoveryRun::Unplanned => {
            let became = &report.job.recovered;
            for machine in machines {
                let before = context.catalog.vm(machine, from)?;
                let after = became.get(&before).ok_or_else(|| StepError::Failed {
                    what: format!("recovery plan {plan}"),
                    reason: format!("it is over, but says nothing of {machine} (VM {before})"),
                })?;
                context
                    .ledger
                    .put_vm(machine, to, after, now(), &context.by())
                    .await?;
                context.catalog.put_vm(machine, to, after.clone());
            }
            context
                .record(&serde_json::json!({"recovered": became}))
                .await?;
            Ok(true)
        }
        RecoveryRun::Test => {
            let checked = copies_have_their_addresses(context, to, machines, from, &report).await;
            if checked.is_err() {
                // A test that failed must not leave copies that block the next one.
                prism.clean_up(&id, context.request("clean-up")).await?;
            }
            checked.map(|()| true)
        }
        RecoveryRun::CleanUp => Ok(true),
    }
}

/// The Prism Central of the site machines come from. One that is lost is known to the other one, its only partner.
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
            what: format!("recovery of {from}"),
            reason: match first {
                None => format!("Prism Central of {to} has no partner"),
                Some(_) => format!(
                    "Prism Central of {to} has several partners, and that of {from} does not say which it is"
                ),
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
    context
        .until(&format!("recovery plan {plan}"), RUNS_WITHIN, async || {
            let report = prism.job(job).await?;
            match &report.job.status {
                JobStatus::Queued | JobStatus::Running => {
                    context.progress(report.percent, format!("recovery plan {plan} runs"));
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
                        format!("its job is {status:?}")
                    } else {
                        said.join("; ")
                    };
                    Err(StepError::Failed {
                        what: format!("recovery plan {plan}"),
                        reason,
                    })
                }
            }
        })
        .await
}

/// "IP cannot be preserved" is only a warning to Prism Central; to us it is the one thing that must not happen (Prism
/// reference §6.6).
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
        Err(StepError::Refused(format!(
            "recovery plan {plan}: {}",
            refused.join("; ")
        )))
    }
}

/// A test that comes up with other addresses has failed.
async fn copies_have_their_addresses(
    context: &StepContext,
    to: &SiteName,
    machines: &BTreeSet<InstanceId>,
    from: &SiteName,
    report: &JobReport,
) -> Result<(), StepError> {
    let prism = context.prism(to)?;
    for machine in machines {
        let facts = context.machine(machine).await?;
        let source = context.catalog.vm(machine, from)?;
        let copy = report.job.recovered.get(&source);
        let vm = match copy {
            Some(id) => prism.vm(id).await?,
            None => None,
        };
        let have: BTreeSet<_> = vm
            .iter()
            .flat_map(|vm| &vm.nics)
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
                what: format!("test copy of {}", facts.label(machine)),
                reason: format!("it has [{}] instead of [{}]", text(&have), text(&want)),
            });
        }
    }
    Ok(())
}
