//! What a run did, by its journal: what a rollback takes back. It is part of the rollback's goal, so that planning stays pure and a saved plan
//! says what it takes back.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_world::aws::TgwTarget;

use crate::Action;
use crate::Names;
use crate::step::ErpScope;
use crate::step::RecoveryRun;

/// What a run did, and runs before it that were not finished.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// Machines whose cutover was begun, or whose VM got its addresses, with when the first of it was begun (RFC 3339).
    pub machines: BTreeMap<InstanceId, String>,
    /// Machines whose cutover Move was asked for, unless it is known that it was refused.
    #[serde(default)]
    pub asked: BTreeSet<InstanceId>,
    /// Static routes that were written, in the order of their first write.
    pub routes: Vec<RouteRecord>,
    /// Prefixes that were set on transit VPCs.
    pub prefixes: BTreeSet<(SiteName, Cidr)>,
    /// Move plans that replicate machines.
    pub move_plans: BTreeSet<(SiteName, String)>,
    /// Recovery plans that were run to move machines.
    pub recoveries: BTreeSet<String>,
    /// Jobs of test failovers, by the recovery plan's name.
    pub tests: BTreeMap<String, BTreeSet<RecoveryJobExtId>>,
    /// What else was made, one line each: it stands beforehand and leads no packet anywhere.
    pub made: BTreeSet<String>,
    /// Former VMs that were powered off or deleted, one line each.
    pub put_away: BTreeSet<String>,
}

/// A static route that a run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRecord {
    /// Region of the table.
    pub region: Region,
    /// The table.
    pub table: TgwRouteTableId,
    /// The prefix.
    pub cidr: Cidr,
    /// What was there before the first write; `None`: no static route.
    pub before: Option<TgwTarget>,
    /// What the run wrote there, each value.
    pub written: BTreeSet<Option<TgwTarget>>,
    /// Whether a write is done or may have been: not every attempt failed.
    pub is_written: bool,
}

/// One attempt at a step, as the journal has it.
#[derive(Debug, Clone, Copy)]
pub struct Attempted<'a> {
    /// What was to be done.
    pub action: &'a Action,
    /// What undoes it, if that was recorded.
    pub inverse: Option<&'a Action>,
    /// When it was begun (RFC 3339).
    pub at: &'a str,
    /// How it ended.
    pub end: AttemptEnd,
    /// The recovery job that it started, if it has recorded one.
    pub job: Option<&'a RecoveryJobExtId>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptEnd {
    /// All was so already.
    Unchanged,
    /// It failed; no later effect of it is possible.
    Failed,
    /// It is done, or that is not known.
    MayBeDone,
}

impl RunRecord {
    /// Whether the run has moved no machine and led no packet elsewhere, as far as it is known.
    pub fn is_harmless(&self) -> bool {
        let Self {
            machines,
            routes,
            prefixes,
            recoveries,
            asked: _,
            move_plans: _,
            tests: _,
            made: _,
            put_away: _,
        } = self;
        machines.is_empty() && routes.is_empty() && prefixes.is_empty() && recoveries.is_empty()
    }

    /// Adds an attempt. Attempts are added in the order in which they were begun, of older runs first: the state before the first attempt at a
    /// thing is the state to return to.
    pub fn add(&mut self, attempt: Attempted<'_>) {
        let is_unchanged = attempt.end == AttemptEnd::Unchanged;
        match attempt.action {
            Action::Cutover { machine, .. } | Action::RestoreNics { machine, .. } => {
                let began = self.machines.entry(machine.clone());
                began.or_insert_with(|| attempt.at.to_owned());
                let is_cutover = matches!(attempt.action, Action::Cutover { .. });
                if is_cutover && attempt.end == AttemptEnd::MayBeDone {
                    self.asked.insert(machine.clone());
                }
            }
            Action::Replicate {
                site, move_plan, ..
            } => {
                self.move_plans.insert((site.clone(), move_plan.clone()));
            }
            Action::TgwRoute {
                region,
                table,
                cidr,
                to,
                ..
            } => {
                let mut known = self.routes.iter_mut();
                let known = known.find(|route| {
                    (&route.region, &route.table, &route.cidr) == (region, table, cidr)
                });
                let may_be_done = attempt.end == AttemptEnd::MayBeDone;
                if let Some(route) = known {
                    route.written.insert(to.clone());
                    route.is_written |= may_be_done;
                } else if let (false, Some(Action::TgwRoute { to: before, .. })) =
                    (is_unchanged, attempt.inverse)
                {
                    self.routes.push(RouteRecord {
                        region: region.clone(),
                        table: table.clone(),
                        cidr: *cidr,
                        before: before.clone(),
                        written: [to.clone()].into(),
                        is_written: may_be_done,
                    });
                }
            }
            Action::Erp {
                site,
                scope: ErpScope::Transit,
                cidr,
                present: true,
            } if !is_unchanged => {
                self.prefixes.insert((site.clone(), *cidr));
            }
            Action::RunRecovery {
                plan,
                run: RecoveryRun::Test,
                ..
            } => {
                let jobs = self.tests.entry(plan.clone()).or_default();
                jobs.extend(attempt.job.cloned());
            }
            Action::RunRecovery {
                plan,
                run: RecoveryRun::Planned | RecoveryRun::Unplanned,
                ..
            } => {
                self.recoveries.insert(plan.clone());
            }
            Action::PowerOff { .. } | Action::DeleteVm { .. } if !is_unchanged => {
                self.put_away
                    .insert(attempt.action.describe(&Names::default()).to_string());
            }
            Action::EnsureFlowVpc { .. }
            | Action::EnsureSubnet { .. }
            | Action::Erp {
                scope: ErpScope::User,
                present: true,
                ..
            }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
                if attempt.end == AttemptEnd::MayBeDone =>
            {
                self.made.insert(attempt.action.describe(&Names::default()).to_string());
            }
            Action::EnsureFlowVpc { .. }
            | Action::EnsureSubnet { .. }
            | Action::Erp { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::PowerOff { .. }
            | Action::DeleteVm { .. }
            | Action::Capture { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::RunRecovery { .. }
            | Action::Verify { .. }
            // Steps of rollbacks, which are not taken back.
            | Action::ShutDown { .. }
            | Action::StartSource { .. }
            | Action::CancelMovePlan { .. }
            | Action::ReleaseNics { .. }
            | Action::RemoveCopies { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(to: Option<&str>) -> Action {
        let target = |id: &str| TgwTarget::Attachment(id.into());
        Action::TgwRoute {
            region: "ap-northeast-1".into(),
            table: "tgw-rtb-1".into(),
            cidr: "172.30.1.0/24".parse().unwrap(),
            from: None,
            to: to.map(target),
        }
    }

    fn attempt<'a>(action: &'a Action, inverse: &'a Action, end: AttemptEnd) -> Attempted<'a> {
        Attempted {
            action,
            inverse: Some(inverse),
            at: "2026-11-23T00:00:00Z",
            end,
            job: None,
        }
    }

    #[test]
    fn the_state_before_the_first_write_of_a_route_is_kept() {
        let mut record = RunRecord::default();
        let (old, new, newer) = (route(Some("ec2")), route(Some("nc2")), route(None));
        record.add(attempt(&new, &old, AttemptEnd::Failed));
        assert!(!record.routes[0].is_written);
        record.add(attempt(&new, &new, AttemptEnd::MayBeDone));
        record.add(attempt(&newer, &new, AttemptEnd::Unchanged));
        let [found] = record.routes.as_slice() else {
            panic!("{record:?}")
        };
        assert_eq!(found.before, Some(TgwTarget::Attachment("ec2".into())));
        assert_eq!(found.written.len(), 2);
        assert!(found.is_written);
    }

    #[test]
    fn what_was_so_already_is_not_taken_back() {
        let mut record = RunRecord::default();
        let new = route(Some("nc2"));
        record.add(attempt(&new, &new, AttemptEnd::Unchanged));
        let prefix = Action::Erp {
            site: "tokyo".into(),
            scope: ErpScope::Transit,
            cidr: "172.30.1.0/24".parse().unwrap(),
            present: true,
        };
        record.add(attempt(&prefix, &new, AttemptEnd::Unchanged));
        assert_eq!(record, RunRecord::default());
        record.add(attempt(&prefix, &new, AttemptEnd::MayBeDone));
        assert_eq!(record.prefixes.len(), 1);
    }
}
