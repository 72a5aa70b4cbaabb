//! `stayput trace`: a packet's path there and back, hop by hop, with reasons; now, after a step of a plan, or in two states side by side.

mod draw;
mod ends;
mod states;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

use serde_json::Value;
use serde_json::json;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;
use stayput_fabric::RoundTrip;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_messages::Message;
use stayput_plan::Survey;
use stayput_plan::which;

use self::draw::draw;
use self::draw::draw_difference;
use self::ends::Destination;
use self::states::State;
use self::states::States;
use crate::cli::Global;
use crate::cli::TraceArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::reach::Reach;

pub async fn run(global: &Global, args: &TraceArgs) -> Result<Output, CommandError> {
    let states = states::states(global, args).await?;
    let destination = ends::destination(&states.facts, &args.destination)?;
    let everything = states.estate.networks.keys().cloned().collect();
    let survey = Survey::new(
        &states.estate,
        &states.shown.world,
        &states.facts,
        &everything,
    );
    let view = View::new(&states, &args.source, Reach::new(&survey))?;
    Ok(match destination {
        Destination::Address(address) => view.one(address),
        Destination::Prefix(prefix) => view.each_class(prefix),
    })
}

/// States, with the sender in each.
struct View<'a> {
    shown: (&'a State, Source),
    before: Option<(&'a State, Source)>,
    /// As the user wrote it.
    source: &'a str,
    reach: Reach,
}

impl<'a> View<'a> {
    /// A machine that does not run in one of the states sends from its location in the other.
    fn new(states: &'a States, source: &'a str, reach: Reach) -> Result<Self, CommandError> {
        let of = |state: &State| {
            ends::source(
                &states.estate,
                &state.world,
                &states.facts,
                &state.fabric,
                source,
            )
        };
        let shown = of(&states.shown);
        let before = states.before.as_ref().map(|state| (state, of(state)));
        let (shown, before) = match (shown, before) {
            (Ok(shown), None) => (shown, None),
            (Ok(shown), Some((state, before))) => {
                let before = before.unwrap_or_else(|_| shown.clone());
                (shown, Some((state, before)))
            }
            (Err(_), Some((state, Ok(before)))) => (before.clone(), Some((state, before))),
            (Err(error), _) => return Err(error),
        };
        Ok(Self {
            shown: (&states.shown, shown),
            before,
            source,
            reach,
        })
    }

    /// The trips to an address in the state shown and in the one before.
    fn trips(&self, to: Ipv4Addr) -> (RoundTrip, Option<RoundTrip>) {
        let trip = |(state, source): &(&State, Source)| state.fabric.round_trip(source, to);
        (trip(&self.shown), self.before.as_ref().map(trip))
    }

    fn one(&self, to: Ipv4Addr) -> Output {
        let (after, before) = self.trips(to);
        let doubt = self.doubt(&after);
        let delivered = after.forward.verdict.is_delivered() && doubt.is_none();
        let mut text = format!(
            "{}\n{}",
            self.title(&to.to_string()),
            drawn(before.as_ref(), &after)
        );
        if let Some(doubt) = doubt {
            let _ = writeln!(text, "! {doubt}");
        }
        let mut json = self.json(before.as_ref(), &after);
        json["ok"] = json!(delivered);
        Output {
            text,
            json: json.into(),
            failure: (!delivered).then_some(Kind::Failed),
        }
    }

    /// One trace for each class of addresses that behave alike.
    fn each_class(&self, prefix: Cidr) -> Output {
        let mut text = format!("{}\n", self.title(&prefix.to_string()));
        let mut classes = Vec::new();
        let mut ok = true;
        for addresses in self.classes(prefix) {
            let Some(first) = addresses.first() else {
                continue;
            };
            let (after, before) = self.trips(*first);
            let doubt = self.doubt(&after);
            ok &= is_fine(&after.forward.verdict) && doubt.is_none();
            let ranges = AddrRange::covering(&addresses);
            let class = Message::new("trace-class")
                .with("ranges", which(&ranges))
                .count("addresses", addresses.len());
            let drawn = drawn(before.as_ref(), &after);
            let _ = write!(text, "\n{class}\n{drawn}");
            if let Some(doubt) = doubt {
                let _ = writeln!(text, "! {doubt}");
            }
            let mut class = self.json(before.as_ref(), &after);
            class["representative"] = json!(first);
            class["addresses"] = json!(addresses.len());
            class["ranges"] = json!(ranges);
            classes.push(class);
        }
        let json = json!({ "ok": ok, "prefix": prefix, "classes": classes });
        Output {
            text,
            json: json.into(),
            failure: (!ok).then_some(Kind::Failed),
        }
    }

    /// Addresses that behave alike in every state looked at.
    fn classes(&self, prefix: Cidr) -> Vec<BTreeSet<Ipv4Addr>> {
        let states = self.before.iter().chain([&self.shown]);
        let mut alike: BTreeMap<Ipv4Addr, Vec<Ipv4Addr>> = BTreeMap::new();
        for (state, _) in states {
            let all = (0..=u32::MAX).map_while(|offset| prefix.nth(offset));
            for class in state.fabric.classes(all) {
                for member in class.members {
                    alike.entry(member).or_default().push(class.representative);
                }
            }
        }
        let mut classes: BTreeMap<Vec<Ipv4Addr>, BTreeSet<Ipv4Addr>> = BTreeMap::new();
        for (address, of) in alike {
            classes.entry(of).or_default().insert(address);
        }
        let mut classes: Vec<_> = classes.into_values().collect();
        classes.sort();
        classes
    }

    fn title(&self, to: &str) -> String {
        let states = match &self.before {
            None => self.shown.0.called.clone(),
            Some((before, _)) => format!("- {}\n+ {}", before.called, self.shown.0.called),
        };
        format!("{} → {to}\n{states}", self.source)
    }

    /// Why the path that is shown is not the answer.
    fn doubt(&self, after: &RoundTrip) -> Option<String> {
        self.reach.doubt(&after.forward.verdict)
    }

    fn json(&self, before: Option<&RoundTrip>, after: &RoundTrip) -> Value {
        let mut shown = of_trip(&self.shown.0.called, after);
        let doubt = self.doubt(after);
        let is_delivered = after.forward.verdict.is_delivered() && doubt.is_none();
        if let Some(doubt) = doubt {
            shown["works"] = json!(false);
            shown["doubts"] = json!([doubt]);
        }
        if let (Some((state, _)), Some(before)) = (&self.before, before) {
            return json!({
                "before": of_trip(&state.called, before),
                "after": shown,
                "changed": before != after,
            });
        }
        shown["ok"] = json!(is_delivered);
        shown
    }
}

fn of_trip(state: &str, trip: &RoundTrip) -> Value {
    let hops = trip.forward.hops.iter();
    let path: Vec<_> = hops.map(|hop| hop.at.to_string()).collect();
    json!({
        "state": state,
        "path": path,
        "verdict": trip.forward.verdict.to_string(),
        "symmetric": trip.symmetric,
        "works": trip.works(),
        "trip": trip,
    })
}

fn drawn(before: Option<&RoundTrip>, after: &RoundTrip) -> String {
    match before {
        None => draw(after),
        Some(before) if before == after => {
            format!("{}\n{}", Message::new("trace-unchanged"), draw(after))
        }
        Some(before) => draw_difference(before, after),
    }
}

/// For a whole prefix, addresses that no machine has are not a failure.
fn is_fine(verdict: &Verdict) -> bool {
    verdict.is_delivered() || matches!(verdict, Verdict::NoMachine { .. })
}
