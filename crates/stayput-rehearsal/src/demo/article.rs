//! The article's own order, really executed against a lab of its own with the same machines, and looked at after each step.
//!
//! Detach the EC2 VPC from its Transit Gateway, then add the static route; at failover Tokyo's table first, then Osaka's, with the whole
//! VPC's /16 there (AWS reference §0 item 4, §8.1, §8.4). What it does to machines is what stayput does to them, by the same engine: compared
//! is what is done to routing.

mod ec2;
mod elsewhere;
mod error;
mod prover;
mod script;
mod words;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use serde::Serialize;
use stayput_engine::Observation;
use stayput_engine::Session;
use stayput_engine::Stop;
use stayput_fabric::Fabric;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_plan::Names;
use stayput_plan::Plan;
use stayput_plan::Step;
use stayput_world::World;

use self::ec2::Console;
pub use self::ec2::Ec2Error;
use self::elsewhere::Elsewhere;
use self::elsewhere::Reached;
pub use self::error::ArticleError;
use self::prover::ProverReport;
use self::script::Operation;
use self::script::Script;
pub use self::script::ScriptError;
use super::chapter::Chapter;
use super::chapter::Timed;
use super::chapter::Watching;
use super::demo_lab::DemoLab;
use super::demo_lab::heading;
use super::look::Counts;
use super::look::Look;
use super::look::Observer;
use super::look::foreseen;
use super::watchlist::Member;
use crate::error::RehearsalError;
use stayput_plan::seconds;

/// How long a route or a detachment may take to have its effect, in wall time.
const EFFECT_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks for it.
const LOOK: Duration = Duration::from_millis(5);

/// What a step of the article's did.
#[derive(Debug, Clone, Serialize)]
pub struct ArticleStep {
    /// Its number in the chapter; 0: the machines have been moved and nothing of routing has been done.
    pub step: usize,
    /// What it does, for people.
    pub title: String,
    /// The EC2 call that was made.
    pub call: Option<&'static str>,
    /// Virtual time from the call to its effect.
    pub virtual_ms: u64,
    /// How many addresses have each fate after it, by the fabric.
    pub counts: Counts,
    /// Whether the fabric had said so before the call was made; `None` where nothing was asked.
    pub foreseen: Option<bool>,
    /// Addresses on which fabric and the lab's own walk differ.
    pub disagreements: Vec<Ipv4Addr>,
    /// What other sources than on-prem reach after it, by the fabric.
    pub elsewhere: BTreeMap<String, Reached>,
    /// What it did to the addresses, for people.
    pub says: Vec<String>,
    /// What is said of every address.
    pub addresses: Look,
}

/// One chapter of the article's.
#[derive(Debug, Clone, Serialize)]
pub struct ArticleChapter {
    /// `move` or `failover`.
    pub phase: &'static str,
    /// What the prover says before anything is done.
    pub prover: ProverReport,
    /// The steps.
    pub steps: Vec<ArticleStep>,
    /// Which addresses are not reached at its end, for people; `None` if all are.
    pub broken: Option<String>,
}

/// Everything that is told of the article's order.
#[derive(Debug, Clone, Serialize)]
pub struct ArticleReport {
    /// Who is watched, by address.
    pub addresses: BTreeMap<Ipv4Addr, Member>,
    /// The chapters.
    pub chapters: Vec<ArticleChapter>,
}

/// The article's operator in a lab.
pub struct Article<'a> {
    lab: &'a DemoLab<'a>,
    watching: &'a Watching,
    observer: Observer,
    console: Console,
    /// Everything as it was last looked at.
    world: Arc<World>,
    look: Look,
    sources: Elsewhere,
    elsewhere: BTreeMap<String, Reached>,
    /// Names for people of the ids in verdicts.
    names: Names,
    /// What happened when, for those who watch packets.
    pub chapters: Vec<Chapter>,
}

impl<'a> Article<'a> {
    /// Goes to a lab that has just been started.
    pub async fn begin(
        lab: &'a DemoLab<'a>,
        watching: &'a Watching,
    ) -> Result<Self, RehearsalError> {
        let observer = Observer::open(lab)?;
        let console = Console::open(lab.endpoints()).map_err(ArticleError::from)?;
        let (world, look) = observer.look(&watching.watchlist).await?;
        let estate = &observer.engine.estate;
        let sources = Elsewhere::find(estate, &world, &watching.watchlist);
        let elsewhere = sources.look(estate, &world, &watching.watchlist);
        Ok(Self {
            lab,
            watching,
            observer,
            console,
            world,
            look,
            sources,
            elsewhere,
            names: Names::default(),
            chapters: Vec::new(),
        })
    }

    /// The article from its beginning to its end, which is before any failback. `plans`: stayput's own, by chapter.
    pub async fn tell(
        &mut self,
        plans: &BTreeMap<&'static str, Plan>,
    ) -> Result<ArticleReport, RehearsalError> {
        let plan = |chapter: &str| {
            let plan = plans.get(chapter).cloned();
            plan.ok_or_else(|| ArticleError::NoPlan {
                chapter: chapter.to_owned(),
            })
        };
        let mut told = ArticleReport {
            addresses: self.watching.watchlist.0.clone(),
            chapters: Vec::new(),
        };
        self.lab
            .control()
            .set_speed(self.watching.pace.idle)
            .await?;
        let capture = plan("capture")?;
        self.apply(&capture, capture.steps.clone()).await?;

        let estate = self.observer.engine.estate.clone();
        let moving =
            Script::of_move(plan("move")?, &estate, &self.world).map_err(ArticleError::from)?;
        self.narrate(heading(&Message::new("demo-chapter-article-move")));
        told.chapters.push(self.chapter("move", moving).await?);

        let protect = plan("protect")?;
        self.narrate(heading(&Message::new("demo-chapter-article-protect")));
        self.apply(&protect, protect.steps.clone()).await?;

        let failover = plan("failover")?;
        let home = home_of(&failover, &estate)?;
        let failing_over = Script::of_failover(failover, &estate, &self.world, &home)
            .map_err(ArticleError::from)?;
        self.narrate(heading(&Message::new("demo-chapter-article-failover")));
        told.chapters
            .push(self.chapter("failover", failing_over).await?);
        self.narrate(format!("  {}", Message::new("demo-article-ends")));
        Ok(told)
    }

    async fn chapter(
        &mut self,
        phase: &'static str,
        script: Script,
    ) -> Result<ArticleChapter, RehearsalError> {
        let estate = self.observer.engine.estate.clone();
        let Observation { world, facts } = self.observer.engine.look().await?;
        let prover = ProverReport::of(&estate, &world, &facts, &script);
        self.names = script.plan.names.clone();
        for line in prover.lines() {
            self.narrate(format!("  {line}"));
        }
        let began = Instant::now();
        let mut chapter = Chapter::begin(phase, script.plan.clone());
        let watch = self.watching.watch(self.lab).await?;
        let pacer = self.watching.pace_by(self.lab)?;
        let mut worked = Ok(());
        for part in script.prepare.iter().chain([&script.machines]) {
            worked = match self.apply(&script.plan, part.clone()).await {
                Ok(steps) => {
                    chapter.steps.extend(steps);
                    Ok(())
                }
                Err(error) => Err(error),
            };
            if worked.is_err() {
                break;
            }
        }
        pacer.end().await?;
        worked?;

        let mut steps = Vec::new();
        let before = self.seen();
        self.still(&mut chapter).await?;
        let title = Message::new("demo-step-none");
        steps.push(self.told(0, title, None, &before));
        self.show(steps.last());
        for (number, (operation, title)) in (1..).zip(&script.operations) {
            let before = self.seen();
            let foreseen = self.foresee(operation);
            self.lab
                .control()
                .set_speed(self.watching.pace.switching)
                .await?;
            let since = self.lab.control().virtual_ms().await?;
            let mut timed = Timed::begin(format!("article/{phase}/{number}"), title.clone());
            let call = self.perform(operation).await?;
            timed.end();
            chapter.steps.push(timed);
            let virtual_ms = self.lab.control().virtual_ms().await?.saturating_sub(since);
            self.still(&mut chapter).await?;
            let mut step = self.told(number, title, Some(call), &before);
            step.virtual_ms = virtual_ms;
            step.foreseen = Some(foreseen.iter().all(|(address, verdict)| {
                let seen = self.look.0.get(address);
                seen.is_some_and(|sight| sight.verdict == *verdict)
            }));
            steps.push(step);
            self.show(steps.last());
        }
        self.lab
            .control()
            .set_speed(self.watching.pace.idle)
            .await?;
        chapter.end(watch.end().await?);
        self.chapters.push(chapter);
        let broken = words::broken(&self.watching.watchlist, &self.look);
        let end = match &broken {
            Some(what) => Message::new("demo-not-reached-at-end").with("addresses", what),
            None => Message::new("demo-all-reached-at-end"),
        };
        self.narrate(format!("  {end}"));
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let took = Message::new("demo-took").with("time", seconds(ms));
        self.narrate(format!("  {took}"));
        Ok(ArticleChapter {
            phase,
            prover,
            steps,
            broken,
        })
    }

    /// Does these steps of a plan, by stayput's engine.
    async fn apply(&self, plan: &Plan, steps: Vec<Step>) -> Result<Vec<Timed>, RehearsalError> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let plan = Plan {
            steps,
            ..plan.clone()
        };
        let engine = self.observer.engine.clone();
        let events = engine.events.clone();
        let display = self.lab.narrator().follow(events.listen());
        let operator = self.lab.options.operator.as_str();
        let session = Session::new(engine, operator, Stop::never());
        let applied = async {
            let locked = session.lock().await?;
            let seen = locked.look().await?;
            locked.rehearse_unproven(&plan, &seen).await
        };
        let applied = applied.await;
        events.close();
        let _ = display.await;
        Ok(applied?.iter().filter_map(Timed::of).collect())
    }

    /// Makes the call and waits until packets follow it.
    async fn perform(&self, operation: &Operation) -> Result<&'static str, ArticleError> {
        let console = &self.console;
        let begun = Instant::now();
        let made = match operation {
            Operation::Detach { region, attachment } => {
                let made = console.detach(region, attachment).await?;
                while !console.is_detached(region, attachment).await? {
                    pause(begun, Message::new("article-detachment")).await?;
                }
                made
            }
            Operation::Route {
                region,
                table,
                cidr,
                to,
            } => {
                let made = console.route(region, table, *cidr, to).await?;
                let aws = &self.observer.engine.clients.aws;
                let wanted = stayput_world::aws::TgwTarget::Attachment(to.clone());
                while aws.tgw_route_in_use(region, table, *cidr).await?.as_ref() != Some(&wanted) {
                    pause(begun, Message::new("article-route")).await?;
                }
                made
            }
        };
        Ok(made.0)
    }

    /// What the fabric says a operation would do, before it is done.
    fn foresee(&self, operation: &Operation) -> BTreeMap<Ipv4Addr, Verdict> {
        let mut fabric = Fabric::new(&self.observer.engine.estate, &self.world);
        fabric.apply(&operation.change());
        foreseen(&fabric, &self.watching.watchlist)
    }

    /// Looks at every address while the lab's time is stopped.
    async fn still(&mut self, chapter: &mut Chapter) -> Result<(), RehearsalError> {
        self.lab.control().set_speed(0.0).await?;
        let looking = chapter.stands_still();
        let watchlist = &self.watching.watchlist;
        (self.world, self.look) = self.observer.look(watchlist).await?;
        self.elsewhere = self
            .sources
            .look(&self.observer.engine.estate, &self.world, watchlist);
        chapter.goes_on(looking);
        Ok(())
    }

    /// What was seen at the last look.
    fn seen(&self) -> (Look, BTreeMap<String, Reached>) {
        (self.look.clone(), self.elsewhere.clone())
    }

    fn told(
        &self,
        step: usize,
        title: impl Display,
        call: Option<&'static str>,
        (look, elsewhere): &(Look, BTreeMap<String, Reached>),
    ) -> ArticleStep {
        let mut says = words::difference(&self.watching.watchlist, look, &self.look);
        says.extend(elsewhere::difference(elsewhere, &self.elsewhere));
        ArticleStep {
            step,
            title: title.to_string(),
            call,
            virtual_ms: 0,
            counts: self.look.counts(),
            foreseen: None,
            disagreements: self.look.disagreements(),
            elsewhere: self.elsewhere.clone(),
            says,
            addresses: self.look.clone(),
        }
    }

    fn show(&self, step: Option<&ArticleStep>) {
        let Some(step) = step else { return };
        let title = match step.call {
            Some(call) => Message::new("demo-step-with-call")
                .with("step", step.step)
                .with("title", &step.title)
                .with("call", call)
                .with("time", seconds(step.virtual_ms)),
            None => Message::new("demo-step")
                .with("step", step.step)
                .with("title", &step.title),
        };
        self.narrate(format!("\n  {title}"));
        for line in &step.says {
            self.narrate(format!("     {line}"));
        }
        self.narrate(format!("     {}", counts(step)));
        let rows = words::table(&self.watching.watchlist, &step.addresses);
        for line in rows {
            self.narrate(format!("       {line}"));
        }
    }

    fn narrate(&self, text: impl Display) {
        let mut text = text.to_string();
        for (id, name) in &self.names.0 {
            text = text.replace(id.as_str(), name);
        }
        self.lab.say(text);
    }
}

/// How many addresses have each fate after a step, and who says so.
fn counts(step: &ArticleStep) -> Message {
    let counts = step.counts;
    let walk = match step.disagreements.len() {
        0 => Message::new("demo-walk-agrees"),
        n => Message::new("demo-walk-differs").with("addresses", n),
    };
    match step.foreseen {
        None => Message::new("demo-counts")
            .with("delivered", counts.delivered)
            .with("lost", counts.lost)
            .with("looping", counts.looping)
            .with("wrong", counts.wrong_site)
            .part("walk", walk),
        Some(true) => Message::new("demo-counts-as-predicted")
            .with("delivered", counts.delivered)
            .with("lost", counts.lost)
            .with("looping", counts.looping)
            .with("wrong", counts.wrong_site)
            .part("walk", walk),
        Some(false) => Message::new("demo-counts-not-as-predicted")
            .with("delivered", counts.delivered)
            .with("lost", counts.lost)
            .with("looping", counts.looping)
            .with("wrong", counts.wrong_site)
            .part("walk", walk),
    }
}

/// The region a failover goes to.
fn home_of(
    plan: &Plan,
    estate: &stayput_estate::Estate,
) -> Result<stayput_estate::Region, ArticleError> {
    let site = match &plan.goal {
        stayput_plan::Goal::Failover { to, .. } => estate.sites.get(to),
        stayput_plan::Goal::Capture { .. }
        | stayput_plan::Goal::Move { .. }
        | stayput_plan::Goal::Protect { .. }
        | stayput_plan::Goal::Failback { .. }
        | stayput_plan::Goal::CleanUp { .. }
        | stayput_plan::Goal::Rollback { .. } => None,
    };
    site.map(|site| site.region.clone())
        .ok_or(ArticleError::NoSite)
}

async fn pause(begun: Instant, what: Message) -> Result<(), ArticleError> {
    if begun.elapsed() > EFFECT_WITHIN {
        return Err(ArticleError::NoEffect {
            what,
            limit: EFFECT_WITHIN,
        });
    }
    tokio::time::sleep(LOOK).await;
    Ok(())
}
