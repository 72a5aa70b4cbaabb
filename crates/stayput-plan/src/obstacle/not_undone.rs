//! Why a run cannot be rolled back, each with what a person can do about it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_messages::list::arguments;
use stayput_messages::list::commas;
use stayput_messages::list::first_of;
use stayput_world::aws::TgwTarget;

use super::SaidByEc2;
use crate::RunId;

/// Things named one by one before the rest is only counted.
const NAMED: usize = 5;

/// Why a run cannot be rolled back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum NotUndone {
    /// A later run concerns the same networks.
    LaterRun {
        /// That run.
        later: RunId,
        /// Its goal.
        goal: String,
    },
    /// The run is a rollback itself.
    IsRollback {
        /// The goal of the run that it rolled back.
        of: String,
    },
    /// Move cuts the machine over now.
    CutOverNow {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// To this site.
        site: SiteName,
    },
    /// A recovery plan runs now.
    RecoveryRuns {
        /// The Prism Central that reports it.
        site: SiteName,
        /// The recovery plan.
        plan: String,
    },
    /// The machine's EC2 instance does not exist any more.
    SourceGone {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Region of the instance.
        region: Region,
        /// What EC2 says of it.
        ec2: SaidByEc2,
    },
    /// The machine's EC2 instance has other addresses than those that were captured.
    SourceDiffers {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// What the instance has.
        has: BTreeSet<Ipv4Addr>,
        /// What was captured.
        wants: BTreeSet<Ipv4Addr>,
    },
    /// A recovery plan would start the machine's VM again.
    Protected {
        /// The machine.
        machine: InstanceId,
        /// Its name.
        label: String,
        /// Where its VM is.
        site: SiteName,
        /// Its VM.
        vm: VmExtId,
        /// The category that it carries, as `key=value`.
        category: String,
    },
    /// A route is neither what the run wrote nor what was there before.
    RouteChanged {
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// The prefix.
        cidr: Cidr,
        /// What is there.
        found: Option<TgwTarget>,
        /// What was there before the run.
        before: Option<TgwTarget>,
    },
    /// An unplanned failover has started machines from recovery points: what is at the old site is older.
    OldSiteLost {
        /// The old site.
        site: SiteName,
        /// Where the machines are.
        at: SiteName,
        /// The networks.
        networks: BTreeSet<NetworkName>,
    },
    /// What was made for protection is not removed: other goals build on it.
    Protection {
        /// What was made, one line each.
        made: BTreeSet<String>,
    },
    /// Former VMs were powered off or deleted: started again they would serve addresses twice, and disks are gone.
    PutAway {
        /// Which, one line each.
        vms: BTreeSet<String>,
    },
}

impl NotUndone {
    /// Why, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::LaterRun { later, goal } => Message::new("not-undone-later-run")
                .with("later", later)
                .with("goal", goal),
            Self::IsRollback { .. } => Message::new("not-undone-is-rollback"),
            Self::CutOverNow {
                machine,
                label,
                site,
            } => Message::new("not-undone-cut-over-now")
                .with("label", label)
                .with("machine", machine)
                .with("site", site),
            Self::RecoveryRuns { site, plan } => Message::new("not-undone-recovery-runs")
                .with("plan", plan)
                .with("site", site),
            Self::SourceGone {
                machine,
                label,
                region,
                ec2,
            } => Message::new("not-undone-source-gone")
                .with("label", label)
                .with("machine", machine)
                .with("region", region)
                .part("ec2", ec2.message()),
            Self::SourceDiffers {
                machine,
                label,
                has,
                wants,
            } => Message::new("not-undone-source-differs")
                .with("label", label)
                .with("machine", machine)
                .part("has", addresses(has))
                .part("wants", addresses(wants)),
            Self::Protected {
                machine,
                label,
                site,
                vm,
                category,
            } => Message::new("not-undone-protected")
                .with("label", label)
                .with("machine", machine)
                .with("vm", vm)
                .with("site", site)
                .with("category", category),
            Self::RouteChanged {
                region,
                table,
                cidr,
                found,
                ..
            } => Message::new("not-undone-route-changed")
                .with("cidr", cidr)
                .with("table", table)
                .with("region", region)
                .part("found", target(found.as_ref())),
            Self::OldSiteLost { site, at, .. } => Message::new("not-undone-old-site-lost")
                .with("site", site)
                .with("at", at),
            Self::Protection { made } => {
                Message::new("not-undone-protection").part("made", first_of(NAMED, made))
            }
            Self::PutAway { vms } => {
                Message::new("not-undone-put-away").part("vms", first_of(NAMED, vms))
            }
        }
    }

    /// What a person can do about it, as a message of the catalogue.
    pub fn remedy_message(&self, run: &RunId) -> Message {
        match self {
            Self::LaterRun { later, .. } => {
                Message::new("remedy-not-undone-later-run").with("later", later)
            }
            Self::IsRollback { of } => Message::new("remedy-not-undone-is-rollback").with("of", of),
            Self::CutOverNow { .. } => {
                Message::new("remedy-not-undone-cut-over-now").with("run", run)
            }
            Self::RecoveryRuns { .. } => {
                Message::new("remedy-not-undone-recovery-runs").with("run", run)
            }
            Self::SourceGone { machine, .. } => {
                Message::new("remedy-not-undone-source-gone").with("machine", machine)
            }
            Self::SourceDiffers { machine, wants, .. } => {
                Message::new("remedy-not-undone-source-differs")
                    .with("machine", machine)
                    .part("wants", addresses(wants))
            }
            Self::Protected {
                site, vm, category, ..
            } => Message::new("remedy-not-undone-protected")
                .with("category", category)
                .with("vm", vm)
                .with("site", site),
            Self::RouteChanged {
                region,
                table,
                cidr,
                before,
                ..
            } => Message::new("remedy-not-undone-route-changed")
                .with("cidr", cidr)
                .with("table", table)
                .with("region", region)
                .part("before", target(before.as_ref())),
            Self::OldSiteLost { site, networks, .. } => {
                Message::new("remedy-not-undone-old-site-lost")
                    .with("networks", arguments(networks))
                    .with("site", site)
            }
            Self::Protection { .. } => Message::new("remedy-not-undone-protection"),
            Self::PutAway { .. } => Message::new("remedy-not-undone-put-away"),
        }
    }
}

/// Where a route leads.
fn target(target: Option<&TgwTarget>) -> Message {
    match target {
        None => Message::new("route-absent"),
        Some(target) => Message::new("list-one").with("item", target),
    }
}

fn addresses(addresses: &BTreeSet<Ipv4Addr>) -> Message {
    match addresses.is_empty() {
        true => Message::new("no-address"),
        false => Message::new("list-one").with("item", commas(addresses)),
    }
}
