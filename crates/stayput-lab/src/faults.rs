//! Faults on request: rules that say which calls of the emulated services fail, and how.
//!
//! A rule is written as a [`RuleForm`] and checked into a [`Rule`]. `Faults` counts the calls that a rule matches and chooses what
//! becomes of each; the gate (`gate.rs`) carries it out. Nothing here depends on chance or on the machine's clock: the same calls at
//! the same virtual times have the same faults.

mod call;
mod form;
mod policy;
mod refusal;
mod rule;
mod spoil;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use stayput_messages::Message;
use stayput_messages::list::commas;

pub use self::call::Call;
pub(crate) use self::call::path_name;
pub(crate) use self::call::signed_service;
pub use self::form::CallKind;
pub use self::form::Fate;
pub use self::form::RuleForm;
pub use self::policy::Denial;
pub use self::policy::Policy;
pub(crate) use self::policy::dynamodb_actions;
pub(crate) use self::refusal::expired;
pub(crate) use self::refusal::refuse;
pub(crate) use self::refusal::throttle;
pub use self::rule::Applied;
pub use self::rule::Connection;
pub use self::rule::Effect;
pub use self::rule::Refusal;
pub use self::rule::Replacement;
pub use self::rule::Rule;
pub use self::rule::RuleError;
pub(crate) use self::spoil::drop_element;
pub(crate) use self::spoil::replacement;
use crate::clock::VTime;
use crate::http::Request;
use crate::state::LabState;

/// Number of a rule, from 1 in the order in which rules were added; never used again.
pub type RuleId = u64;

/// The rules of a lab, and what they have done.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: BTreeMap<RuleId, Active>,
    veils: Vec<Veil>,
    last_id: RuleId,
}

/// A rule with its counts.
#[derive(Debug)]
struct Active {
    rule: Rule,
    until: Option<VTime>,
    matched: u64,
    hits: u64,
    last: Option<LastCall>,
}

/// A past state that reads see instead of the present one.
#[derive(Debug)]
struct Veil {
    rule: RuleId,
    call: Call,
    until: VTime,
    snapshot: LabState,
}

/// The last call that a rule applied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastCall {
    /// Service.
    pub service: String,
    /// Site, for Prism Central and Move.
    pub site: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Name of the call.
    pub call: String,
    /// Virtual time, RFC 3339.
    pub virtual_time: String,
}

/// A rule and what it has done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// Number of the rule.
    pub id: RuleId,
    /// The rule as it was written.
    pub rule: RuleForm,
    /// How many calls it has matched.
    pub matched: u64,
    /// How many of them it has applied to.
    pub hits: u64,
    /// Whether it can still apply to a call.
    pub active: bool,
    /// The last call it applied to.
    pub last: Option<LastCall>,
}

/// What becomes of one call.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How long the request is held on its way, on the caller's clock.
    pub request_delay: Duration,
    /// How long the answer is held on its way, on the caller's clock.
    pub answer_delay: Duration,
    /// What else becomes of it, and the rule that says so.
    pub effect: Option<(RuleId, Effect)>,
}

impl Faults {
    /// Adds a rule that has been checked.
    pub fn add(&mut self, rule: Rule, now: VTime) -> RuleId {
        self.last_id += 1;
        let active = Active {
            until: rule.lasts().map(|lasts| now.after(lasts)),
            rule,
            matched: 0,
            hits: 0,
            last: None,
        };
        self.rules.insert(self.last_id, active);
        self.last_id
    }

    /// Removes a rule, or all; also the past states that reads see because of it. Returns how many rules were removed.
    pub fn clear(&mut self, id: Option<RuleId>) -> usize {
        let before = self.rules.len();
        match id {
            Some(id) => {
                self.rules.remove(&id);
                self.veils.retain(|veil| veil.rule != id);
            }
            None => {
                self.rules.clear();
                self.veils.clear();
            }
        }
        before - self.rules.len()
    }

    /// Returns the rules by number.
    pub fn reports(&self, now: VTime) -> Vec<FaultReport> {
        self.rules
            .iter()
            .map(|(id, active)| FaultReport {
                id: *id,
                rule: active.rule.form().clone(),
                matched: active.matched,
                hits: active.hits,
                active: active.exists(now) && active.rule.applies(u64::MAX, active.hits),
                last: active.last.clone(),
            })
            .collect()
    }

    /// Decides what becomes of a call. Delays of several rules add up; of the other effects, the rule with the lowest number has
    /// priority. A rule that another one preceded is not used up.
    pub fn decide(&mut self, call: &Call, request: &Request, now: VTime) -> Verdict {
        self.veils.retain(|veil| now < veil.until);
        let mut verdict = Verdict::default();
        for (id, active) in &mut self.rules {
            if !active.exists(now) || !active.rule.matches(call, request) {
                continue;
            }
            active.matched += 1;
            if !active.rule.applies(active.matched, active.hits) {
                continue;
            }
            let effect = active.rule.effect();
            if let Effect::DelayAnswer(by) = effect {
                verdict.answer_delay = verdict.answer_delay.saturating_add(*by);
            } else if let Effect::DelayRequest(by) = effect {
                verdict.request_delay = verdict.request_delay.saturating_add(*by);
            } else if verdict.effect.is_some() {
                continue;
            } else {
                verdict.effect = Some((*id, effect.clone()));
            }
            active.hits += 1;
            active.last = Some(LastCall {
                service: call.service.clone(),
                site: call.site.clone(),
                region: call.region.clone(),
                call: call.name.clone(),
                virtual_time: now.rfc3339(),
            });
        }
        verdict
    }

    /// Lets reads of what a call sees show this state for a while.
    pub fn veil(&mut self, rule: RuleId, call: Call, lasts: Duration, snapshot: LabState) {
        let until = snapshot.now().after(lasts);
        self.veils.push(Veil {
            rule,
            call,
            until,
            snapshot,
        });
    }

    /// Returns the state that a read sees, if it is a past one.
    pub fn past(&mut self, call: &Call) -> Option<&mut LabState> {
        match call.kind {
            CallKind::Read => self
                .veils
                .iter_mut()
                .find(|veil| veil.call.sees_what(call))
                .map(|veil| &mut veil.snapshot),
            CallKind::Change | CallKind::Session => None,
        }
    }
}

impl Active {
    fn exists(&self, now: VTime) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Checks that a name is one of those known.
///
/// # Errors
/// What to tell: the nearest of the known names, or all of them.
pub(crate) fn known<'n>(
    kind: Message,
    name: &str,
    names: impl Iterator<Item = &'n str>,
) -> Result<(), Message> {
    let names: Vec<&str> = names.collect();
    if names.contains(&name) {
        return Ok(());
    }
    let nearest = names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    Err(match nearest {
        Some((_, known)) => Message::new("lab-unknown-near")
            .part("kind", kind)
            .with("name", name)
            .with("known", known),
        None if names.is_empty() => Message::new("lab-unknown-none")
            .part("kind", kind)
            .with("name", name),
        None => {
            let list = names.iter().map(|name| format!("`{name}`"));
            Message::new("lab-unknown-of")
                .part("kind", kind)
                .with("name", name)
                .with("known", commas(list))
        }
    })
}
