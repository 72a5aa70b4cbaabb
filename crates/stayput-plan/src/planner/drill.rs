//! Earlier tests of a recovery plan: stayput touches neither copies nor job of another client, and says what is left of its own.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::NetworkName;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_messages::list::first_of;
use stayput_world::Prism;
use stayput_world::prism::JobStatus;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;

use super::Draft;
use crate::Obstacle;
use crate::Warning;
use crate::object;
use crate::step::OverlayKind;
use crate::survey::overlay_subnet;

/// How the names of stayput's own test jobs begin (`stayput-nutanix`, `v4/failover.rs`).
const OWN_TEST: &str = "stayput-test-failover-";

/// Copies that are named before the rest is counted.
const NAMED: usize = 5;

impl Draft<'_> {
    /// Refuses a test of a recovery plan while another client tests it, or has left copies of machines in its test network.
    pub(super) fn no_other_client_tests(
        &mut self,
        to: &SiteName,
        network: &NetworkName,
        plan: &str,
    ) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(to) else {
            return;
        };
        let plans = prism.recovery_plans.iter();
        let ids: BTreeSet<_> = plans
            .filter(|(_, of)| of.name == plan)
            .map(|(id, _)| id)
            .collect();
        let jobs = prism.jobs.values().filter(|job| ids.contains(&job.plan));
        let tests: Vec<_> = jobs
            .filter(|job| job.action == RecoveryAction::TestFailover)
            .collect();
        // A machine with NICs in two networks is in the recovery plan of one; its copy has a NIC in the test network of the other.
        let all = prism.jobs.values();
        let own: Vec<_> = all
            .filter(|job| job.action == RecoveryAction::TestFailover && is_own(job))
            .collect();
        let mut of_tests: BTreeSet<&VmExtId> = BTreeSet::new();
        of_tests.extend(own.iter().flat_map(|job| job.recovered.values()));
        for job in &tests {
            of_tests.extend(job.recovered.values());
            let copies = there(prism, job.recovered.values());
            if is_own(job) {
                // Whether its run was given up is for the journal to say, when the step is run.
                let left = (!copies.is_empty()).then(|| {
                    Message::new("warning-own-copies")
                        .with("site", to)
                        .with("plan", plan)
                        .part("copies", named(&copies))
                });
                self.warnings.extend(left.map(Warning::general));
                continue;
            }
            let name = job.name.as_deref().map_or_else(
                || Message::new("test-job-without-name").to_string(),
                str::to_owned,
            );
            let found = match (runs(&job.status), copies.is_empty()) {
                (true, _) => Message::new("test-job-runs").with("job", name),
                (false, false) => Message::new("test-job-has-left")
                    .with("job", name)
                    .part("copies", named(&copies)),
                (false, true) => continue,
            };
            self.obstacle(Obstacle::ForeignTest {
                site: to.clone(),
                what: object::recovery_plan(plan).into(),
                found: found.into(),
            });
        }
        // Copies of a test that has not ended well are named by no job; those of the newest one are in the test network.
        let newest = tests.iter().max_by_key(|job| &job.started);
        if newest.is_some_and(|job| is_own(job)) || newest_of_each_plan(prism).any(has_left_unnamed)
        {
            return;
        }
        let subnet = overlay_subnet(survey.estate, prism, to, OverlayKind::Test, network);
        let Ok(Some((subnet, _))) = subnet else {
            return;
        };
        let strangers = prism.vms.iter().filter(|(id, vm)| {
            let mut nics = vm.nics.iter();
            !of_tests.contains(id) && nics.any(|nic| nic.subnet.as_ref() == Some(subnet))
        });
        let strangers = there(prism, strangers.map(|(id, _)| id));
        if !strangers.is_empty() {
            self.obstacle(Obstacle::ForeignTest {
                site: to.clone(),
                what: object::overlay_subnet(OverlayKind::Test, network).into(),
                found: Message::new("test-subnet-has")
                    .part("vms", named(&strangers))
                    .into(),
            });
        }
    }
}

fn is_own(job: &RecoveryJob) -> bool {
    let name = job.name.as_deref();
    name.is_some_and(|name| name.starts_with(OWN_TEST))
}

fn runs(status: &JobStatus) -> bool {
    match status {
        JobStatus::Queued | JobStatus::Running | JobStatus::Unknown(_) => true,
        JobStatus::Succeeded
        | JobStatus::SucceededWithWarnings
        | JobStatus::Failed
        | JobStatus::Aborted => false,
    }
}

/// The newest test of each recovery plan.
fn newest_of_each_plan(prism: &Prism) -> impl Iterator<Item = &RecoveryJob> {
    let mut newest: BTreeMap<&RecoveryPlanExtId, &RecoveryJob> = BTreeMap::new();
    let tests = prism.jobs.values();
    for job in tests.filter(|job| job.action == RecoveryAction::TestFailover) {
        let known = newest.entry(&job.plan).or_insert(job);
        if known.started < job.started {
            *known = job;
        }
    }
    newest.into_values()
}

/// Whether it is stayput's own and may have left copies that it does not name.
fn has_left_unnamed(job: &RecoveryJob) -> bool {
    let has_not_ended_well = match &job.status {
        JobStatus::Succeeded | JobStatus::SucceededWithWarnings => false,
        JobStatus::Queued
        | JobStatus::Running
        | JobStatus::Failed
        | JobStatus::Aborted
        | JobStatus::Unknown(_) => true,
    };
    has_not_ended_well && is_own(job)
}

/// Those of these VMs that exist, by id, with their names.
fn there<'v>(prism: &Prism, vms: impl Iterator<Item = &'v VmExtId>) -> Vec<String> {
    vms.filter_map(|id| Some(format!("{} ({id})", prism.vms.get(id)?.name)))
        .collect()
}

fn named(vms: &[String]) -> Message {
    Message::new("counted-vms")
        .count("vms", vms.len())
        .part("names", first_of(NAMED, vms))
}
