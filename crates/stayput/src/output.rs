//! What a command has to say: the same as text and as JSON.

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use stayput_messages::Message;
use stayput_plan::Plan;

use crate::error::Kind;

/// A command's result.
#[derive(Debug, Default)]
pub struct Output {
    /// For people, with its line ends.
    pub text: String,
    /// For programs.
    pub json: Json,
    /// How the command failed although it has a result; `None`: it succeeded.
    pub failure: Option<Kind>,
}

impl Output {
    /// A successful result.
    pub fn new(text: impl Into<String>, json: impl Into<Json>) -> Self {
        Self {
            text: text.into(),
            json: json.into(),
            failure: None,
        }
    }

    /// A successful result with one line for people.
    pub fn line(message: &Message, json: impl Into<Json>) -> Self {
        Self::new(format!("{message}\n"), json)
    }
}

/// A result for programs; displayed as one line of JSON.
#[derive(Debug)]
pub enum Json {
    /// Any result.
    Value(Value),
    /// A plan. Written from itself: a plan for ten thousand machines would take several times its size as a [`Value`].
    Plan(Box<Plan>),
}

impl Default for Json {
    fn default() -> Self {
        Self::Value(Value::Null)
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Plan> for Json {
    fn from(plan: Plan) -> Self {
        Self::Plan(Box::new(plan))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Serialize)]
        struct Answer<'p> {
            ok: bool,
            plan: &'p Plan,
        }
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Plan(plan) => {
                let text = serde_json::to_string(&Answer { ok: true, plan });
                f.write_str(&text.map_err(|_| fmt::Error)?)
            }
        }
    }
}
