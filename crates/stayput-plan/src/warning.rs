//! What the operator should know although it stops nothing.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::InstanceId;

/// What the operator should know although it stops nothing. `Display` is the sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// The machine it is about; `None`: it is about no single machine.
    pub machine: Option<InstanceId>,
    /// A sentence without a full stop.
    pub text: String,
}

impl Warning {
    /// A warning about one machine.
    pub fn of_machine(machine: &InstanceId, text: impl Into<String>) -> Self {
        Self {
            machine: Some(machine.clone()),
            text: text.into(),
        }
    }

    /// A warning about no single machine.
    pub fn general(text: impl Into<String>) -> Self {
        Self {
            machine: None,
            text: text.into(),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
