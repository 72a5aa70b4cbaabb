//! `stayput check`: can every system be used, and what would a move of the machines lose?

mod access;
mod policy;
pub(super) mod report;
mod sarif;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Zoned;
use stayput_ambient::Ambient;
use stayput_engine::Clients;
use stayput_engine::Events;
use stayput_engine::ObjectRight;
use stayput_estate::Date;
use stayput_estate::Estate;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::Rule;
use stayput_plan::CheckFinding;
use stayput_world::Facts;
use stayput_world::GuestCapture;
use stayput_world::World;

use crate::cli::CheckArgs;
use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::observed;
use crate::output::Output;
use crate::session;
use crate::ui;

/// What the check saw.
struct Seen {
    world: Arc<World>,
    facts: Arc<Facts>,
    /// Of each system; empty for a world on file.
    systems: Vec<access::Row>,
    /// Rights about objects.
    rights: Vec<ObjectRight>,
    /// What was captured of guests; `None` for a world on file.
    guests: Option<BTreeMap<InstanceId, GuestCapture>>,
}

pub async fn run(global: &Global, args: &CheckArgs) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let names = session::networks(&estate, &args.networks)?;
    let seen = match &args.world.world {
        Some(file) => {
            let seen = observed::observe(global, Arc::clone(&estate), Some(file)).await?;
            Seen {
                world: seen.world,
                facts: seen.facts,
                systems: Vec::new(),
                rights: Vec::new(),
                guests: None,
            }
        }
        None => look(global, &estate, &names).await?,
    };
    let mut found = stayput_plan::check(&estate, &seen.world, &seen.facts, &names);
    if let Some(guests) = &seen.guests {
        found.extend(stayput_plan::check_guests(&seen.facts, &names, guests));
    }
    let unusable: BTreeSet<_> = seen
        .systems
        .iter()
        .filter_map(access::Row::unusable)
        .collect();
    // Why a system is not usable says more than that it was not observed.
    found
        .retain(|finding| finding.rule != Rule::NotObserved || !unusable.contains(&finding.object));
    found.extend(seen.systems.iter().flat_map(access::Row::findings));
    found.extend(access::of_objects(&seen.rights));
    let is_blind = |finding: &CheckFinding| {
        matches!(
            finding.rule,
            Rule::NotObserved | Rule::NotReached | Rule::NotExamined
        )
    };
    let is_whole = args.networks.is_empty() && args.world.world.is_none();
    let is_whole = is_whole && !found.iter().any(is_blind);
    let found = stayput_plan::accept(&estate, today(), is_whole, found);
    let statements = policy::statements(&seen.world, &seen.systems, &seen.rights);
    let mut output = match args.sarif {
        true => Output::new(sarif::log(&global.file, &found), serde_json::Value::Null),
        false => report::output(&seen.systems, &found, &statements, args.all),
    };
    if found.iter().any(CheckFinding::stands) {
        output.failure = Some(Kind::Obstacles);
    }
    Ok(output)
}

/// Asks every system for what it is and what it lets us do, and reads the world.
async fn look(
    global: &Global,
    estate: &Arc<Estate>,
    names: &BTreeSet<NetworkName>,
) -> Result<Seen, CommandError> {
    session::ca_files_exist(estate)?;
    let clients = Clients::connect(estate, &|name| std::env::var(name).ok()).await?;
    let events = Events::none();
    let display = ui::show(events.listen(), global.quiet);
    let clock = Ambient::system().clock;
    let (ledger, facts, guests) = access::ledger(estate, &clients, names).await;
    let (systems, world) = tokio::join!(
        stayput_engine::access(estate, &clients, &clock),
        stayput_engine::observe(estate, &clients, &events, &facts, &[])
    );
    let rights = stayput_engine::rights_on_objects(estate, &clients, &world, &facts).await;
    events.close();
    // The display ends and leaves the terminal clean for what comes next.
    let _ = display.await;
    let rows = systems.into_iter().map(access::Row::of_system);
    Ok(Seen {
        world: Arc::new(world),
        facts: Arc::new(facts),
        systems: rows.chain([ledger]).collect(),
        rights,
        guests: Some(guests),
    })
}

/// The day at this computer.
pub(super) fn today() -> Date {
    let text = Zoned::now().date().to_string();
    // A calendar's own text is a date. If it were not, no acceptance would count.
    text.parse().unwrap_or(Date::LAST)
}
