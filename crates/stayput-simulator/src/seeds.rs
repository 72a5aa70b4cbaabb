//! Many faults: what befalls the story of a seed is drawn from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use stayput_ambient::Entropy;
use stayput_lab::Scenario;
use stayput_lab::faults::CallKind;
use stayput_lab::faults::Rule;
use stayput_lab::faults::RuleForm;
use stayput_ledger::Crash;
use stayput_messages::Message;
use stayput_plan::Goal;

use crate::chapters::Chapter;
use crate::chapters::Setting;
use crate::chapters::chapters;
use crate::disaster::ClockStep;
use crate::disaster::Disaster;
use crate::disaster::Kill;
use crate::gate::CallRecord;
use crate::gate::KillAt;
use crate::hands::ByHand;
use crate::hands::Deed;
use crate::outcome::Outcome;
use crate::outcome::SimulationError;
use crate::story::Act;
use crate::sweep::effects;
use crate::sweep::rule_of;

/// Numbers of machines, and how many of a thousand stories have them.
const SIZES: [(usize, u64); 5] = [(1, 250), (3, 500), (12, 232), (40, 15), (200, 3)];

/// The acts of one number of machines, or why they cannot be told.
type Told = Arc<Result<Vec<Chapter>, SimulationError>>;

/// The stories of all seeds. Their beginnings are told once.
pub struct Seeds {
    scenario: String,
    /// Of [`SIZES`] those that the scenario has.
    sizes: Vec<(usize, u64)>,
    chapters: Mutex<BTreeMap<usize, Told>>,
}

/// What a seed stands for.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// How many machines move.
    pub machines: usize,
    /// The act with which the story begins, from 0.
    pub act: usize,
    /// How many acts are told.
    pub acts: usize,
    /// What befalls them.
    pub disaster: Disaster,
}

impl Seeds {
    /// Stories in a scenario of the lab.
    ///
    /// # Errors
    /// The scenario is not valid.
    pub fn new(scenario: &str) -> Result<Self, SimulationError> {
        let file = Scenario::load(scenario)?;
        let has = |machines: usize| file.check_machines(Some(machines)).is_ok();
        Ok(Self {
            sizes: SIZES
                .into_iter()
                .filter(|(machines, _)| has(*machines))
                .collect(),
            scenario: scenario.to_owned(),
            chapters: Mutex::default(),
        })
    }

    fn chapters(&self, machines: usize) -> Told {
        let mut known = self.chapters.lock().unwrap_or_else(PoisonError::into_inner);
        let told = known.entry(machines).or_insert_with(|| {
            let setting = Setting {
                scenario: self.scenario.clone(),
                machines: Some(machines),
                seed: 1,
            };
            Arc::new(chapters(&setting))
        });
        Arc::clone(told)
    }

    /// Tells the story of a seed once, and does not shrink it if it is bad. Returns what befell it, too.
    pub fn tell_once(&self, seed: u64) -> (String, Result<Outcome, SimulationError>) {
        self.tell_with(seed, |drawn, chapters| {
            chapters[drawn.act].tell(&drawn.disaster, drawn.acts)
        })
    }

    /// Tells the story of a seed; if it is bad, shrinks what befell it. Returns what befell it, too.
    pub fn tell(&self, seed: u64) -> (String, Result<Outcome, SimulationError>) {
        self.tell_with(seed, shrunk)
    }

    fn tell_with(
        &self,
        seed: u64,
        tell: impl Fn(&Drawn, &[Chapter]) -> Result<Outcome, SimulationError>,
    ) -> (String, Result<Outcome, SimulationError>) {
        let draw = Draw(Entropy::seeded(seed));
        let machines = draw.machines(&self.sizes);
        let told = self.chapters(machines);
        let chapters = match told.as_ref() {
            Ok(chapters) => chapters,
            Err(error) => {
                let what = Message::new("simulate-machines").count("machines", machines);
                return (
                    what.into(),
                    Err(SimulationError::Beginning(error.to_string())),
                );
            }
        };
        let drawn = draw.story(chapters, machines);
        let what = Message::new("simulate-disaster")
            .count("machines", machines)
            .with("first", drawn.act + 1)
            .with("last", drawn.act + drawn.acts)
            .with("disaster", format_args!("{:?}", drawn.disaster));
        let outcome = tell(&drawn, chapters);
        (what.into(), outcome)
    }

    /// What a seed stands for.
    ///
    /// # Errors
    /// The beginning of the story cannot be told.
    pub fn draw(&self, seed: u64) -> Result<Drawn, SimulationError> {
        let draw = Draw(Entropy::seeded(seed));
        let machines = draw.machines(&self.sizes);
        match self.chapters(machines).as_ref() {
            Ok(chapters) => Ok(draw.story(chapters, machines)),
            Err(error) => Err(SimulationError::Beginning(error.to_string())),
        }
    }
}

/// Tells a story; if it is bad, tells it again without one part of its disaster after the other, and returns the outcome with the fewest.
fn shrunk(drawn: &Drawn, chapters: &[Chapter]) -> Result<Outcome, SimulationError> {
    let tell = |disaster: &Disaster| chapters[drawn.act].tell(disaster, drawn.acts);
    let mut worst = tell(&drawn.disaster)?;
    if worst.is_fine() {
        return Ok(worst);
    }
    let mut disaster = drawn.disaster.clone();
    let mut again = true;
    while again {
        again = false;
        for smaller in disaster.smaller() {
            let outcome = tell(&smaller)?;
            if !outcome.is_fine() {
                (worst, disaster, again) = (outcome, smaller, true);
                break;
            }
        }
    }
    worst.shrunk = Some(format!("{disaster:?}"));
    Ok(worst)
}

/// Whether a call creates an object that Prism Central may have only once with its name.
fn creates(record: &CallRecord) -> bool {
    let name = &record.call.name;
    record.call.service == "prism"
        && name.starts_with("POST ")
        && name.contains("/config/")
        && !name.contains("{id}")
}

/// Draws from a seed.
struct Draw(Entropy);

impl Draw {
    fn below(&self, bound: u64) -> u64 {
        self.0.number() % bound.max(1)
    }

    fn index(&self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap_or_default()
    }

    fn machines(&self, sizes: &[(usize, u64)]) -> usize {
        let mut part = self.below(sizes.iter().map(|(_, weight)| weight).sum());
        for (machines, weight) in sizes {
            if part < *weight {
                return *machines;
            }
            part -= weight;
        }
        SIZES[0].0
    }

    fn story(&self, chapters: &[Chapter], machines: usize) -> Drawn {
        let forgets_requests = self.below(6) == 0;
        let act = match forgets_requests && self.below(2) == 0 {
            true => self.act_that_creates(chapters),
            false => None,
        };
        let is_chosen = act.is_some();
        let act = act.unwrap_or_else(|| self.act(chapters));
        let acts = 1 + self.index(3);
        let chapter = &chapters[act];
        let mut disaster = Disaster {
            forgets_requests,
            slower_nc2: [0, 0, 5, 20][self.index(4)],
            ..Disaster::default()
        };
        if is_chosen {
            disaster.rules.extend(self.lost_creation(chapter));
        }
        let faults = [0, 1, 1, 1, 2, 2, 2, 3, 4, 6][self.index(10)];
        for _ in 0..faults {
            disaster.rules.extend(self.fault(chapter, forgets_requests));
        }
        let kills = [0, 0, 1, 1, 2, 3][self.index(6)];
        for _ in 0..kills {
            disaster.kills.push(self.kill(chapter));
        }
        if self.below(3) == 0 {
            let times = 1 + self.index(2);
            for _ in 0..times {
                disaster.by_hand.push(self.by_hand(chapter));
            }
        }
        if self.below(10) == 0 {
            disaster.second = self.call(chapter).map(|(number, _)| number as u64 + 1);
        }
        if self.below(5) == 0 {
            disaster.rules.extend(self.outage(chapter));
        }
        if self.below(6) == 0 {
            let hours = self.below(48);
            let by = SignedDuration::from_hours(i64::try_from(hours).unwrap_or_default() - 24);
            let at_call = 1 + self.below(chapter.calls.len() as u64);
            disaster.clock_steps.push(ClockStep { at_call, by });
        }
        if self.below(6) == 0 {
            let kill = self.kill(chapter);
            disaster.rollback = match kill.at {
                KillAt::BeforeCall(call) | KillAt::AfterCall(call) => Some(call),
                KillAt::BeforeWrite(_) => Some(1),
            };
            // Mostly a run is taken back because something ended it.
            if self.below(4) > 0 {
                disaster.kills.push(kill);
            }
        }
        Drawn {
            machines,
            act,
            acts,
            disaster,
        }
    }

    /// The act with which the story begins: a move, in which most can go wrong, more often than any other.
    fn act(&self, chapters: &[Chapter]) -> usize {
        let is_move = |chapter: &Chapter| matches!(chapter.act, Act::Apply(Goal::Move { .. }));
        let moves: Vec<_> = (0..chapters.len())
            .filter(|act| chapters.get(*act).is_some_and(is_move))
            .collect();
        match moves.get(self.index(moves.len())) {
            Some(act) if self.below(5) == 0 => *act,
            Some(_) | None => self.index(chapters.len()),
        }
    }

    /// An act in which an object with a name is created.
    fn act_that_creates(&self, chapters: &[Chapter]) -> Option<usize> {
        let acts = chapters.iter().enumerate();
        let acts: Vec<_> = acts
            .filter(|(_, chapter)| chapter.calls.iter().any(creates))
            .map(|(act, _)| act)
            .collect();
        acts.get(self.index(acts.len())).copied()
    }

    /// The creation of an object is done, and its answer is lost.
    fn lost_creation(&self, chapter: &Chapter) -> Option<Rule> {
        let creations: Vec<_> = chapter.calls.iter().filter(|call| creates(call)).collect();
        let record = creations.get(self.index(creations.len()))?;
        let effect = RuleForm {
            lose_answer: true,
            close: self.below(2) == 0,
            ..RuleForm::default()
        };
        rule_of(record, effect)
    }

    /// A call of the act: half of the time of all calls, else of a kind that is drawn first, so that those that are made once are not lost among
    /// the polls.
    fn call<'c>(&self, chapter: &'c Chapter) -> Option<(usize, &'c CallRecord)> {
        let calls = chapter.calls.iter().enumerate();
        if self.below(2) == 0 {
            return calls.into_iter().nth(self.index(chapter.calls.len()));
        }
        let mut kinds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, record) in calls {
            let call = &record.call;
            let kind = (
                call.kind == CallKind::Change,
                &call.service,
                &call.site,
                &call.name,
            );
            kinds.entry(kind).or_default().push((number, record));
        }
        // A change half of the time.
        let only = self.below(2) == 0 && kinds.keys().any(|(is_change, ..)| *is_change);
        let kinds: Vec<_> = kinds
            .into_iter()
            .filter(|((is_change, ..), _)| *is_change || !only)
            .collect();
        let (_, of) = kinds.get(self.index(kinds.len()))?;
        of.get(self.index(of.len())).copied()
    }

    fn fault(&self, chapter: &Chapter, forgets_requests: bool) -> Option<Rule> {
        let (_, record) = self.call(chapter)?;
        let mut all = effects(record.call.kind);
        // A request that arrives twice, or late, is made twice where its id is not known again: no client can help that.
        all.retain(|(_, effect)| {
            let comes_again = effect.twice || effect.delay_request.is_some() || effect.hang;
            !(forgets_requests && comes_again)
        });
        // Half of the changes that go wrong leave it open whether they were made.
        if self.below(2) == 0 {
            let leaves_doubt = |effect: &RuleForm| {
                effect.lose_answer
                    || effect.refuse_after.is_some()
                    || effect.applied_after.is_some()
            };
            if all.iter().any(|(_, effect)| effect.refuse_after.is_some()) {
                all.retain(|(_, effect)| leaves_doubt(effect));
            }
        }
        let (_, mut effect) = all.swap_remove(self.index(all.len()));
        // A list that lacks an object again and again is no longer a fault that passes.
        let times: &[u64] = match effect.drop {
            Some(_) => &[1, 2],
            None => &[1, 1, 1, 2, 3, 8],
        };
        effect.times = Some(times[self.index(times.len())]);
        if effect.applied_after.is_some() {
            let seconds = [20, 60, 240][self.index(3)];
            effect.applied_after = Some(SignedDuration::from_secs(seconds));
        }
        rule_of(record, effect)
    }

    fn kill(&self, chapter: &Chapter) -> Kill {
        let number = match self.call(chapter) {
            Some((number, _)) => number as u64 + 1,
            None => 1,
        };
        let at = match self.below(3) {
            0 => KillAt::BeforeCall(number),
            1 => KillAt::AfterCall(number),
            _ => KillAt::BeforeWrite(1 + self.below(chapter.writes + 5)),
        };
        let crash = match self.below(3) {
            0 => Crash::PowerLost {
                surviving: self.index(4),
            },
            _ => Crash::ProcessKilled,
        };
        Kill { at, crash }
    }

    fn by_hand(&self, chapter: &Chapter) -> ByHand {
        // While machines leave EC2, what happens there matters most.
        let of_ec2 = [Deed::StartInstance, Deed::AssignAddress];
        let deeds: &[Deed] = match &chapter.act {
            Act::Apply(Goal::Move { .. } | Goal::Capture { .. }) if self.below(2) == 0 => &of_ec2,
            _ => &Deed::ALL,
        };
        let deed = deeds[self.index(deeds.len())];
        let calls = chapter.calls.iter().enumerate();
        let wronged: Vec<_> = calls
            .filter(|(_, record)| deed.makes_wrong(&record.call))
            .collect();
        let number = match wronged.get(self.index(wronged.len())) {
            Some((number, _)) if self.below(2) == 0 => number.saturating_sub(self.index(12)),
            Some(_) | None => self.call(chapter).map_or(0, |(number, _)| number),
        };
        ByHand {
            at_call: number as u64 + 1,
            machine: self.index(12),
            deed,
        }
    }

    fn outage(&self, chapter: &Chapter) -> Option<Rule> {
        if chapter.calls.is_empty() {
            return None;
        }
        let record = &chapter.calls[self.index(chapter.calls.len())];
        let minutes = [1, 3, 10, 30, 120][self.index(5)];
        let down_for = Some(SignedDuration::from_mins(minutes));
        let (site, region) = (record.call.site.clone(), record.call.region.clone());
        let effect = match site {
            Some(site) if self.below(2) == 0 => RuleForm {
                site_down: Some(site),
                down_for,
                ..RuleForm::default()
            },
            _ => RuleForm {
                region_down: Some(region?),
                down_for,
                ..RuleForm::default()
            },
        };
        rule_of(record, effect)
    }
}
