//! Small values for the checks.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use stayput_estate::InstanceId;
use stayput_ledger::By;
use stayput_ledger::RunId;
use stayput_plan::Goal;
use stayput_plan::StepId;
use stayput_world::MachineFacts;
use stayput_world::NicFacts;

/// A time, in seconds.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub fn kim() -> By {
    By::run("kim@desk", RunId::from("run-1"))
}

pub fn facts(address: &str) -> MachineFacts {
    MachineFacts {
        name: Some("web-01".to_owned()),
        platform: "Linux/UNIX".to_owned(),
        instance_type: "m5.large".to_owned(),
        was_running: true,
        nics: vec![NicFacts {
            device_index: 0,
            eni: "eni-1".into(),
            mac: "06:00:00:00:00:01".parse().unwrap(),
            subnet: "subnet-1".into(),
            network: "app".into(),
            primary: address.parse().unwrap(),
            secondary: vec!["172.30.1.110".parse().unwrap()],
        }],
        tags: [("Wave".to_owned(), "1 \u{202e}\"x\"".to_owned())].into(),
    }
}

pub fn one(id: &str, address: &str) -> BTreeMap<InstanceId, Arc<MachineFacts>> {
    [(InstanceId::from(id), facts(address).into())].into()
}

pub fn goal(network: &str) -> Goal {
    Goal::Protect {
        networks: BTreeSet::from([network.into()]),
    }
}

pub fn step(name: &str) -> StepId {
    StepId(name.into())
}
