//! Rules: which calls, and what becomes of them.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::Serialize;
use stayput_messages::Message;
use stayput_messages::list::text;
use wildmatch::WildMatch;

use super::call::Call;
use super::form::CallKind;
use super::form::Fate;
use super::form::RuleForm;
use super::known;
use crate::http::Request;
use crate::state::LabState;

/// A rule that is read from an inline table.
#[derive(Debug, Deserialize)]
struct OneLine {
    rule: Rule,
}

/// Names that `service` can have.
const SERVICES: [&str; 8] = [
    "aws",
    "ec2",
    "ssm",
    "dynamodb",
    "sts",
    "directconnect",
    "prism",
    "move",
];

/// A rule: a matcher, an effect, and how often it applies. It is made from a [`RuleForm`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RuleForm", into = "RuleForm")]
pub struct Rule {
    form: RuleForm,
    effect: Effect,
    lasts: Option<Duration>,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An error is answered.
    Refuse(Refusal),
    /// The service's error for too many requests is answered, with this `Retry-After` in seconds; not applied.
    Throttle(Option<u32>),
    /// The connection is refused before the request is sent.
    NotSent,
    /// Applied at once, answered after this time on the caller's clock.
    DelayAnswer(Duration),
    /// Applied and answered after this time on the caller's clock.
    DelayRequest(Duration),
    /// Never answered; applied after this virtual time, if any.
    Hang(Option<Duration>),
    /// Not applied, not answered.
    LoseRequest(Connection),
    /// Applied, not answered.
    LoseAnswer(Connection),
    /// Applied twice; the second answer is sent.
    Twice,
    /// Applied; the body of the answer ends after this many bytes, with the connection.
    Cut(usize),
    /// Another answer is sent instead of the service's.
    Replace(Replacement, Applied),
    /// Reads show the state before this call for this virtual time.
    Stale(Duration),
    /// The answer's list lacks this element, from 1.
    Drop(usize),
    /// Lists have at most this many elements in a page.
    Page(usize),
    /// What becomes of the tasks that the call starts.
    Task(Fate),
    /// The caller's token or credentials have expired.
    ExpireToken,
    /// A site goes down with the call, for this virtual time or until it is brought up.
    SiteDown(String, Option<Duration>),
    /// A region goes down with the call, for this virtual time or until it is brought up.
    RegionDown(String, Option<Duration>),
}

/// An error that is answered instead of the service's own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Error code; `None`: the service's own for this status.
    pub code: Option<String>,
    /// Message; `None`: the service's own for this status.
    pub message: Option<String>,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// Whether the request is applied before.
    pub applied: Applied,
}

/// Whether a request takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// What becomes of the connection of a call without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// It stays open and silent.
    Open,
    /// It is closed after the request was sent.
    Closed,
}

/// An answer with status 200 that no service sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// Bytes in no format.
    Garbage,
    /// An HTML page.
    Html,
    /// No body.
    Empty,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No effect is given.
    #[error("{}", Message::new("rule-no-effect").with("effects", .0))]
    NoEffect(String),
    /// More than one effect is given.
    #[error("{}", Message::new("rule-two-effects").with("first", .0).with("second", .1))]
    TwoEffects(&'static str, &'static str),
    /// A key is given that belongs to another effect.
    #[error("{}", Message::new("rule-no-meaning").with("key", key).part("needs", needs.clone()))]
    Alone {
        /// The key.
        key: &'static str,
        /// The effects it belongs to.
        needs: Message,
    },
    /// Two keys exclude each other.
    #[error("{}", Message::new("rule-exclude").with("first", .0).with("second", .1))]
    Both(&'static str, &'static str),
    /// A value is not possible.
    #[error("{}", Message::new("rule-bad-value").with("key", key).part("must", must.clone()).part("found", found.clone()))]
    Value {
        /// The key.
        key: &'static str,
        /// What it must be.
        must: Message,
        /// What it is.
        found: Message,
    },
    /// A name that the lab does not have.
    #[error("{}", Message::new("rule-unknown-name").with("key", key).part("what", what.clone()))]
    Unknown {
        /// The key.
        key: &'static str,
        /// What is wrong, with the known names.
        what: Message,
    },
}

impl Rule {
    /// Returns the rule as it is written.
    pub fn form(&self) -> &RuleForm {
        &self.form
    }

    /// Reads a rule in TOML: the lines of a `[[faults]]` table, or all of it in one line, separated by commas.
    ///
    /// # Errors
    /// What is wrong, for the author of the text.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let read = if text.contains('\n') {
            toml::from_str(text)
        } else {
            toml::from_str(&format!("rule = {{ {text} }}")).map(|OneLine { rule }| rule)
        };
        read.map_err(|wrong| wrong.message().to_owned())
    }

    /// Returns what becomes of the calls.
    pub fn effect(&self) -> &Effect {
        &self.effect
    }

    /// Returns how long the rule exists, in virtual time; `None`: until it is cleared.
    pub fn lasts(&self) -> Option<Duration> {
        self.lasts
    }

    /// Checks the names in the rule against a lab.
    ///
    /// # Errors
    /// [`RuleError::Unknown`] for a site or region that the lab does not have.
    pub fn check(&self, lab: &LabState) -> Result<(), RuleError> {
        let sites = || lab.pcs.iter().map(|pc| pc.name.as_str());
        let regions = || lab.aws.regions.keys().map(String::as_str);
        let form = &self.form;
        for (key, name) in [("site", &form.site), ("site-down", &form.site_down)] {
            if let Some(name) = name {
                let found = known(Message::new("lab-kind-site"), name, sites());
                found.map_err(|what| RuleError::Unknown { key, what })?;
            }
        }
        for (key, name) in [("region", &form.region), ("region-down", &form.region_down)] {
            if let Some(name) = name {
                let found = known(Message::new("lab-kind-region"), name, regions());
                found.map_err(|what| RuleError::Unknown { key, what })?;
            }
        }
        Ok(())
    }

    /// Whether the rule is about this call.
    pub fn matches(&self, call: &Call, request: &Request) -> bool {
        let form = &self.form;
        let is = |wanted: &Option<String>, found: Option<&str>| match wanted {
            Some(wanted) => found == Some(wanted.as_str()),
            None => true,
        };
        let service = match form.service.as_deref() {
            None => true,
            Some("aws") => call.service != "prism" && call.service != "move",
            Some(service) => call.service == service,
        };
        service
            && is(&form.site, call.site.as_deref())
            && is(&form.region, call.region.as_deref())
            && form.kind.is_none_or(|kind| kind == call.kind)
            && form
                .call
                .as_deref()
                .is_none_or(|wanted| WildMatch::new(wanted).matches(&call.name))
            && form
                .object
                .as_deref()
                .is_none_or(|wanted| super::call::mentions(request, wanted))
    }

    /// Whether the rule applies to its matching call with this number, from 1, when it has applied `hits` times.
    pub fn applies(&self, number: u64, hits: u64) -> bool {
        number >= self.form.nth.unwrap_or(1)
            && (self.form.forever || hits < self.form.times.unwrap_or(1))
    }
}

impl From<Rule> for RuleForm {
    fn from(rule: Rule) -> Self {
        rule.form
    }
}

impl TryFrom<RuleForm> for Rule {
    type Error = RuleError;

    fn try_from(form: RuleForm) -> Result<Self, RuleError> {
        if let Some(service) = &form.service {
            let kind = Message::new("lab-kind-service");
            let found = known(kind, service, SERVICES.into_iter());
            found.map_err(|what| RuleError::Unknown {
                key: "service",
                what,
            })?;
        }
        for (key, value) in [("nth", form.nth), ("times", form.times)] {
            if value == Some(0) {
                return Err(RuleError::Value {
                    key,
                    must: Message::new("rule-must-be-positive"),
                    found: text("0"),
                });
            }
        }
        if form.forever && form.times.is_some() {
            return Err(RuleError::Both("times", "forever"));
        }
        let lasts = span("lasts", form.lasts)?;
        let effect = effect(&form)?;
        belongs(&form, &effect)?;
        Ok(Self {
            effect,
            lasts,
            form,
        })
    }
}

fn span(key: &'static str, given: Option<SignedDuration>) -> Result<Option<Duration>, RuleError> {
    given
        .map(|given| {
            Duration::try_from(given).map_err(|_| RuleError::Value {
                key,
                must: Message::new("rule-must-be-duration"),
                found: text(format_args!("{given:#}")),
            })
        })
        .transpose()
}

fn at_least_one(key: &'static str, value: usize) -> Result<usize, RuleError> {
    if value == 0 {
        return Err(RuleError::Value {
            key,
            must: Message::new("rule-must-be-positive"),
            found: text("0"),
        });
    }
    Ok(value)
}

/// Returns the one effect of a form.
fn effect(form: &RuleForm) -> Result<Effect, RuleError> {
    let refusal = |status: u16, key: &'static str, applied: Applied| {
        if !(400..600).contains(&status) {
            return Err(RuleError::Value {
                key,
                must: Message::new("rule-must-be-status"),
                found: text(status),
            });
        }
        Ok(Effect::Refuse(Refusal {
            status,
            code: form.code.clone(),
            message: form.message.clone(),
            retry_after: form.retry_after,
            applied,
        }))
    };
    let connection = if form.close {
        Connection::Closed
    } else {
        Connection::Open
    };
    let applied = if form.unapplied {
        Applied::No
    } else {
        Applied::Yes
    };
    let refuse = form
        .refuse
        .map(|status| refusal(status, "refuse", Applied::No));
    let refuse_after = form
        .refuse_after
        .map(|status| refusal(status, "refuse-after", Applied::Yes));
    let drop = form.drop.map(|n| at_least_one("drop", n).map(Effect::Drop));
    let page = form.page.map(|n| at_least_one("page", n).map(Effect::Page));
    let applied_after = span("applied-after", form.applied_after)?;
    let down_for = span("down-for", form.down_for)?;
    let flag = |given: bool, effect: Effect| given.then_some(Ok(effect));
    let timed = |key, given, make: fn(Duration) -> Effect| {
        span(key, given)
            .transpose()
            .map(|duration| duration.map(make))
    };
    let down = |name: &Option<String>, make: fn(String, Option<Duration>) -> Effect| {
        name.clone().map(|name| Ok(make(name, down_for)))
    };
    let given: [(&'static str, Option<Result<Effect, RuleError>>); 21] = [
        ("refuse", refuse),
        ("refuse-after", refuse_after),
        (
            "throttle",
            flag(form.throttle, Effect::Throttle(form.retry_after)),
        ),
        ("not-sent", flag(form.not_sent, Effect::NotSent)),
        ("delay", timed("delay", form.delay, Effect::DelayAnswer)),
        (
            "delay-request",
            timed("delay-request", form.delay_request, Effect::DelayRequest),
        ),
        ("hang", flag(form.hang, Effect::Hang(applied_after))),
        (
            "lose-request",
            flag(form.lose_request, Effect::LoseRequest(connection)),
        ),
        (
            "lose-answer",
            flag(form.lose_answer, Effect::LoseAnswer(connection)),
        ),
        ("twice", flag(form.twice, Effect::Twice)),
        ("cut", form.cut.map(|bytes| Ok(Effect::Cut(bytes)))),
        (
            "garbage",
            flag(form.garbage, Effect::Replace(Replacement::Garbage, applied)),
        ),
        (
            "html",
            flag(form.html, Effect::Replace(Replacement::Html, applied)),
        ),
        (
            "empty",
            flag(form.empty, Effect::Replace(Replacement::Empty, applied)),
        ),
        ("stale", timed("stale", form.stale, Effect::Stale)),
        ("drop", drop),
        ("page", page),
        ("task", form.task.map(|fate| Ok(Effect::Task(fate)))),
        ("expire-token", flag(form.expire_token, Effect::ExpireToken)),
        ("site-down", down(&form.site_down, Effect::SiteDown)),
        ("region-down", down(&form.region_down, Effect::RegionDown)),
    ];
    let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
    let mut chosen: Option<(&'static str, Result<Effect, RuleError>)> = None;
    for (name, effect) in given {
        if let Some(effect) = effect {
            if let Some((before, _)) = chosen {
                return Err(RuleError::TwoEffects(before, name));
            }
            chosen = Some((name, effect));
        }
    }
    match chosen {
        Some((_, effect)) => effect,
        None => Err(RuleError::NoEffect(names.join(", "))),
    }
}

/// Refuses keys that belong to another effect, and a page limit where nothing is paged.
fn belongs(form: &RuleForm, effect: &Effect) -> Result<(), RuleError> {
    let refuses = matches!(effect, Effect::Refuse(_));
    let waits = refuses || matches!(effect, Effect::Throttle(_));
    let loses = matches!(effect, Effect::LoseRequest(_) | Effect::LoseAnswer(_));
    let checks = [
        (
            "code",
            form.code.is_some(),
            refuses,
            Message::new("rule-needs-refusal"),
        ),
        (
            "message",
            form.message.is_some(),
            refuses,
            Message::new("rule-needs-refusal"),
        ),
        (
            "retry-after",
            form.retry_after.is_some(),
            waits,
            Message::new("rule-needs-refusal-or-throttle"),
        ),
        (
            "applied-after",
            form.applied_after.is_some(),
            matches!(effect, Effect::Hang(_)),
            Message::new("rule-needs-hang"),
        ),
        ("close", form.close, loses, Message::new("rule-needs-loss")),
        (
            "unapplied",
            form.unapplied,
            matches!(effect, Effect::Replace(..)),
            Message::new("rule-needs-replacement"),
        ),
        (
            "down-for",
            form.down_for.is_some(),
            matches!(effect, Effect::SiteDown(..) | Effect::RegionDown(..)),
            Message::new("rule-needs-down"),
        ),
    ];
    for (key, given, has_meaning, needs) in checks {
        if given && !has_meaning {
            return Err(RuleError::Alone { key, needs });
        }
    }
    if matches!(effect, Effect::Page(_)) && form.service.as_deref() == Some("move") {
        return Err(RuleError::Value {
            key: "page",
            must: Message::new("rule-must-be-of-paged"),
            found: Message::new("rule-is-of-move"),
        });
    }
    if form.kind == Some(CallKind::Session) {
        return Err(RuleError::Value {
            key: "kind",
            must: Message::new("rule-must-be-read-or-change"),
            found: text("session"),
        });
    }
    Ok(())
}
