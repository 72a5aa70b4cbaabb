//! Systems: whether each can be used, and the findings when it cannot.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde::Serialize;
use stayput_aws::Permission;
use stayput_aws::Right;
use stayput_engine::Access;
use stayput_engine::Clients;
use stayput_engine::ObjectRight;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::LedgerConfig;
use stayput_estate::NetworkName;
use stayput_estate::Region;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_plan::CheckFinding;
use stayput_world::Facts;
use stayput_world::GuestCapture;
use stayput_world::System;

use crate::error::CommandError;
use crate::session;

/// A clock that differs by more is worth a finding, in seconds: AWS refuses requests beyond 300, and an answer may be some seconds old.
const CLOCK_TOLERANCE_S: i64 = 60;

/// Calls that only `rollback` makes.
const OF_ROLLBACK: &str = "ec2:StartInstances";

/// A system as the table shows it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) system: String,
    pub(super) endpoint: String,
    /// The identity that it knows us by.
    pub(super) identity: Option<String>,
    pub(super) version: Option<String>,
    /// By how many seconds its clock is ahead of this computer's.
    pub(super) clock_ahead_s: Option<i64>,
    pub(super) rights_asked: usize,
    pub(super) rights_denied: BTreeSet<String>,
    /// Why it cannot be used.
    pub(super) problem: Option<String>,
    #[serde(skip)]
    pub(super) region: Option<Region>,
}

impl Row {
    /// Of what the engine was told.
    pub(super) fn of_system(access: Access) -> Self {
        let region = match &access.system {
            System::Aws(region) => Some(region.clone()),
            System::PrismCentral(_) | System::Move(_) => None,
        };
        let denied = access.rights.iter().filter(|right| is_denied(right));
        Self {
            identity: access.identity.or_else(|| user(&access.system)),
            clock_ahead_s: access.clock_ahead_s,
            rights_asked: access.rights.len(),
            rights_denied: denied.map(|right| right.action.clone()).collect(),
            system: access.system.to_string(),
            endpoint: access.endpoint,
            version: access.version,
            problem: access.problem,
            region,
        }
    }

    /// The name of a system that cannot be used.
    pub(super) fn unusable(&self) -> Option<String> {
        self.problem.as_ref().map(|_| self.system.clone())
    }

    /// What is wrong with it.
    pub(super) fn findings(&self) -> Vec<CheckFinding> {
        let mut found = Vec::new();
        if let Some(problem) = &self.problem {
            let what = Message::new("check-not-reached")
                .with("system", &self.system)
                .with("endpoint", &self.endpoint)
                .with("problem", problem);
            found.push(CheckFinding::new(Rule::NotReached, &self.system, what));
        }
        if let Some(ahead) = self.clock_ahead_s.filter(|s| s.abs() > CLOCK_TOLERANCE_S) {
            let what = Message::new("check-clock-skew")
                .with("system", &self.system)
                .with("seconds", ahead.abs())
                .with("side", if ahead > 0 { "ahead" } else { "behind" });
            found.push(CheckFinding::new(Rule::ClockSkew, &self.system, what));
        }
        for (action, region) in self.rights_denied.iter().zip(self.region.iter().cycle()) {
            let what = Message::new("check-missing-right")
                .with("action", action)
                .with("region", region);
            let object = format!("{region}/{action}");
            found.push(CheckFinding::new(Rule::MissingRight, object, what));
        }
        found
    }
}

/// Rights about objects that are missing, or of which AWS did not tell.
pub(super) fn of_objects(rights: &[ObjectRight]) -> impl Iterator<Item = CheckFinding> {
    rights.iter().filter_map(|of| {
        let action = &of.right.action;
        let (rule, what) = match &of.right.permission {
            Permission::Allowed => return None,
            Permission::Denied(_) => {
                let rule = match is_write(action) {
                    true => Rule::MissingWriteRight,
                    false => Rule::MissingRight,
                };
                let what = Message::new("check-missing-right-on")
                    .with("action", action)
                    .with("region", &of.region)
                    .with("resource", &of.resource);
                (rule, what)
            }
            Permission::Unknown(error) => {
                let what = Message::new("check-right-unknown")
                    .with("action", action)
                    .with("region", &of.region)
                    .with("resource", &of.resource)
                    .with("problem", error);
                (Rule::RightUnknown, what)
            }
        };
        let object = format!("{}/{action}/{}", of.region, of.resource);
        Some(CheckFinding::new(rule, object, what))
    })
}

/// Whether a call changes something, by the verbs of AWS.
pub(super) fn is_write(action: &str) -> bool {
    let verb = action.split_once(':').map_or(action, |(_, verb)| verb);
    let reads = ["Describe", "Get", "List", "Search"];
    action == OF_ROLLBACK || !reads.iter().any(|read| verb.starts_with(read))
}

pub(super) fn is_denied(right: &Right) -> bool {
    matches!(right.permission, Permission::Denied(_))
}

/// The ledger's row, its facts, and what was captured of the guests of these networks; nothing if it cannot be opened.
pub(super) async fn ledger(
    estate: &Estate,
    clients: &Clients,
    names: &BTreeSet<NetworkName>,
) -> (Row, Facts, BTreeMap<InstanceId, GuestCapture>) {
    let (system, endpoint) = match &estate.ledger {
        LedgerConfig::Sqlite { path } => {
            let name = Message::new("check-ledger-file").with("file", path.display());
            (name, String::new())
        }
        LedgerConfig::DynamoDb(table) => {
            let name = Message::new("check-ledger-table")
                .with("table", &table.name)
                .with("region", &table.region);
            (name, String::new())
        }
    };
    let read = async {
        let ledger = session::ledger_with(estate, clients).await?;
        let facts = ledger.facts().await?;
        let machines = stayput_plan::machines_in_ec2(&facts, names);
        let machines = machines.map(|(id, _)| id.clone()).collect();
        let guests = ledger.guests(&machines).await?.into_iter();
        let guests = guests.map(|(id, (_, guest))| (id, guest)).collect();
        Ok::<_, CommandError>((facts, guests))
    };
    let ((facts, guests), problem) = match read.await {
        Ok(read) => (read, None),
        Err(error) => {
            let causes = std::iter::once(error.message).chain(error.causes);
            let problem = causes.collect::<Vec<_>>().join(": ");
            ((Facts::default(), BTreeMap::new()), Some(problem))
        }
    };
    let row = Row {
        system: system.into(),
        endpoint,
        identity: None,
        version: None,
        clock_ahead_s: None,
        rights_asked: 0,
        rights_denied: BTreeSet::new(),
        problem,
        region: None,
    };
    (row, facts, guests)
}

/// The user name that is sent to an appliance.
fn user(system: &System) -> Option<String> {
    let (prefix, site) = match system {
        System::Aws(_) => return None,
        System::PrismCentral(site) => ("PRISM_CENTRAL", site),
        System::Move(site) => ("MOVE", site),
    };
    stayput_engine::username(&|name| std::env::var(name).ok(), prefix, site)
}
