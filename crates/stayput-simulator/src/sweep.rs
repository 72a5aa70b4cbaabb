//! Every single fault: each call of the story meets each fault that can befall it, and each place where a process can be killed.

use std::collections::BTreeMap;

use stayput_lab::faults::CallKind;
use stayput_lab::faults::Fate;
use stayput_lab::faults::Rule;
use stayput_lab::faults::RuleForm;
use stayput_ledger::Crash;
use stayput_messages::Message;

use crate::chapters::Chapter;
use crate::disaster::Disaster;
use crate::disaster::Kill;
use crate::gate::CallRecord;
use crate::gate::KillAt;
use crate::outcome::Outcome;
use crate::outcome::SimulationError;

/// One fault of one call, or one kill.
#[derive(Debug, Clone)]
pub struct Single {
    /// The chapter in which it happens.
    pub chapter: usize,
    /// The same for every time the call is made.
    pub kind: String,
    /// What happens, for people.
    pub what: String,
    /// The same as a disaster.
    pub disaster: Disaster,
}

impl Single {
    /// Tells the act in which it happens, and as many acts after it. Returns what befell it, too.
    pub fn tell(
        &self,
        chapters: &[Chapter],
        acts_after: usize,
    ) -> (String, Result<Outcome, SimulationError>) {
        let chapter = &chapters[self.chapter];
        let what = Message::new("simulate-act")
            .with("act", self.chapter + 1)
            .with("what", &self.what);
        (what.into(), chapter.tell(&self.disaster, acts_after + 1))
    }
}

/// Every single fault of these chapters. Equal calls in a row, which are polls, count as one: its first and its last are taken.
pub fn singles(chapters: &[Chapter]) -> Vec<Single> {
    let mut all = Vec::new();
    for (chapter, of) in chapters.iter().enumerate() {
        for (index, record) in of.calls.iter().enumerate() {
            let is_same =
                |other: Option<&CallRecord>| other.is_some_and(|other| other.call == record.call);
            let before = index.checked_sub(1).and_then(|before| of.calls.get(before));
            let after = of.calls.get(index + 1);
            if is_same(before) && is_same(after) {
                continue;
            }
            for (name, effect) in effects(record.call.kind) {
                let Some(rule) = rule_of(record, effect) else {
                    continue;
                };
                all.push(Single {
                    chapter,
                    kind: format!("{name}: {}", place(record)),
                    what: format!("{name}: {}, time {}", place(record), record.nth),
                    disaster: Disaster {
                        rules: vec![rule],
                        ..Disaster::default()
                    },
                });
            }
            let number = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
            for (name, kill) in [
                ("killed before", KillAt::BeforeCall(number)),
                ("killed after", KillAt::AfterCall(number)),
            ] {
                all.push(Single {
                    chapter,
                    kind: format!("{name}: {}", place(record)),
                    what: format!("{name}: {}, time {}", place(record), record.nth),
                    disaster: Disaster {
                        kills: vec![killed(kill)],
                        ..Disaster::default()
                    },
                });
            }
        }
        for write in 1..=of.writes {
            let kill = KillAt::BeforeWrite(write);
            all.push(Single {
                chapter,
                // Each write is one of its own.
                kind: format!("killed before write {write}"),
                what: format!("killed before write {write}"),
                disaster: Disaster {
                    kills: vec![killed(kill)],
                    ..Disaster::default()
                },
            });
        }
    }
    all
}

fn killed(at: KillAt) -> Kill {
    Kill {
        at,
        crash: Crash::ProcessKilled,
    }
}

/// One of each kind: a fault of a call in an act, whichever time the call is made there. Which one is taken differs from kind to kind.
pub fn kinds(singles: Vec<Single>) -> Vec<Single> {
    let mut kinds: BTreeMap<(usize, String), Vec<Single>> = BTreeMap::new();
    for single in singles {
        let kind = (single.chapter, single.kind.clone());
        kinds.entry(kind).or_default().push(single);
    }
    let chosen = kinds.into_values().enumerate();
    chosen
        .filter_map(|(number, mut of)| {
            // Any spread will do, the same every time.
            let take = number.wrapping_mul(7919) % of.len().max(1);
            (take < of.len()).then(|| of.swap_remove(take))
        })
        .collect()
}

/// The rule by which this call has this effect.
pub(crate) fn rule_of(record: &CallRecord, effect: RuleForm) -> Option<Rule> {
    let call = &record.call;
    let region = call.region.clone().filter(|_| call.site.is_none());
    Rule::try_from(RuleForm {
        service: Some(call.service.clone()),
        site: call.site.clone(),
        region,
        call: Some(call.name.replace('*', "?")),
        nth: Some(record.nth),
        ..effect
    })
    .ok()
}

fn place(record: &CallRecord) -> String {
    let call = &record.call;
    let at = call.site.as_ref().or(call.region.as_ref());
    format!(
        "{} {} at {}",
        call.service,
        call.name,
        at.map_or("?", String::as_str),
    )
}

/// The faults that can befall a call.
pub(crate) fn effects(kind: CallKind) -> Vec<(&'static str, RuleForm)> {
    let seconds = jiff::SignedDuration::from_secs;
    let none = RuleForm::default;
    let mut all = vec![
        (
            "refused with 500",
            RuleForm {
                refuse: Some(500),
                ..none()
            },
        ),
        (
            "refused with 503",
            RuleForm {
                refuse: Some(503),
                ..none()
            },
        ),
        (
            "refused with 403",
            RuleForm {
                refuse: Some(403),
                ..none()
            },
        ),
        (
            "throttled",
            RuleForm {
                throttle: true,
                ..none()
            },
        ),
        (
            "not sent",
            RuleForm {
                not_sent: true,
                ..none()
            },
        ),
        (
            "request lost",
            RuleForm {
                lose_request: true,
                ..none()
            },
        ),
        (
            "answer lost",
            RuleForm {
                lose_answer: true,
                ..none()
            },
        ),
        (
            "connection closed",
            RuleForm {
                lose_answer: true,
                close: true,
                ..none()
            },
        ),
        (
            "cut",
            RuleForm {
                cut: Some(40),
                ..none()
            },
        ),
        (
            "garbage",
            RuleForm {
                garbage: true,
                ..none()
            },
        ),
        (
            "HTML",
            RuleForm {
                html: true,
                ..none()
            },
        ),
        (
            "empty",
            RuleForm {
                empty: true,
                ..none()
            },
        ),
        (
            "token expired",
            RuleForm {
                expire_token: true,
                ..none()
            },
        ),
    ];
    match kind {
        CallKind::Read => all.extend([
            (
                "stale",
                RuleForm {
                    stale: Some(seconds(30)),
                    ..none()
                },
            ),
            (
                "first element missing",
                RuleForm {
                    drop: Some(1),
                    ..none()
                },
            ),
            (
                "second element missing",
                RuleForm {
                    drop: Some(2),
                    ..none()
                },
            ),
        ]),
        CallKind::Change => all.extend([
            (
                "refused with 500 after",
                RuleForm {
                    refuse_after: Some(500),
                    ..none()
                },
            ),
            (
                "applied twice",
                RuleForm {
                    twice: true,
                    ..none()
                },
            ),
            (
                "request delayed",
                RuleForm {
                    delay_request: Some(seconds(20)),
                    ..none()
                },
            ),
            (
                "hangs, applied later",
                RuleForm {
                    hang: true,
                    applied_after: Some(seconds(60)),
                    ..none()
                },
            ),
            (
                "task fails",
                RuleForm {
                    task: Some(Fate::Fails),
                    ..none()
                },
            ),
            (
                "task vanishes",
                RuleForm {
                    task: Some(Fate::Vanishes),
                    ..none()
                },
            ),
            (
                "reads stale after",
                RuleForm {
                    stale: Some(seconds(30)),
                    ..none()
                },
            ),
        ]),
        CallKind::Session => {}
    }
    all
}
