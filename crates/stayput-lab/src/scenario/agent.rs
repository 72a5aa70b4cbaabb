//! The key `ssm` of an instance.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;

use crate::aws::model::SsmAgent;

/// The SSM agent: a name, or whether there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agent(pub SsmAgent);

impl Default for Agent {
    fn default() -> Self {
        Self(SsmAgent::Online)
    }
}

impl<'de> Deserialize<'de> for Agent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader)
    }
}

struct Reader;

impl de::Visitor<'_> for Reader {
    type Value = Agent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"online\", \"offline\", \"none\", true or false")
    }

    fn visit_bool<E: de::Error>(self, yes: bool) -> Result<Agent, E> {
        Ok(Agent(if yes {
            SsmAgent::Online
        } else {
            SsmAgent::None
        }))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Agent, E> {
        match name {
            "online" => Ok(Agent(SsmAgent::Online)),
            "offline" => Ok(Agent(SsmAgent::Offline)),
            "none" => Ok(Agent(SsmAgent::None)),
            _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
        }
    }
}
