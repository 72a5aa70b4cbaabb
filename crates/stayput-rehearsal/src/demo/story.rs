//! The chapters, in order, and what became of each machine in them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_messages::Message;

use super::Demo;
use super::chapter::Chapter;
use super::chapter::Timed;
use super::chapter::WallMs;
use super::chapter::wall_now;
use super::report::Stage;
use super::watch::Seen;
use crate::error::RehearsalError;

/// The five times a machine is looked at: keys of the JSON, and titles of the table's columns.
pub fn moments() -> [(&'static str, Message); 5] {
    [
        ("ec2", Message::new("demo-moment-ec2")),
        ("after_move", Message::new("demo-moment-after-move")),
        ("after_restore", Message::new("demo-moment-after-restore")),
        ("after_failover", Message::new("demo-moment-after-failover")),
        ("after_failback", Message::new("demo-moment-after-failback")),
    ]
}

/// One machine through the story.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Machine {
    pub name: Option<String>,
    pub instance_id: String,
    pub original_addresses: Vec<String>,
    pub addresses: BTreeMap<&'static str, Vec<String>>,
    pub macs: BTreeMap<&'static str, Vec<String>>,
    pub site: BTreeMap<&'static str, String>,
}

impl Machine {
    /// Whether the machine has exactly its original addresses wherever it was restored, failed over or failed back to.
    pub fn is_kept(&self) -> bool {
        let original: BTreeSet<_> = self.original_addresses.iter().collect();
        !original.is_empty()
            && ["after_restore", "after_failover", "after_failback"]
                .iter()
                .all(|moment| {
                    self.addresses.get(moment).is_some_and(|addresses| {
                        addresses.len() == original.len()
                            && addresses.iter().collect::<BTreeSet<_>>() == original
                    })
                })
    }
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| Some(text.as_str()?.to_owned()))
        .collect()
}

/// Addresses the second opinion is asked about at most, spread evenly: each is a request of its own.
const WALKS: usize = 256;

/// What happened when, as the command reported it.
fn chapter(
    name: &'static str,
    answer: &Value,
    began_ms: WallMs,
    seen: Seen,
) -> Result<Chapter, RehearsalError> {
    let plan =
        serde_json::from_value(answer["plan"].clone()).map_err(|source| RehearsalError::Form {
            what: Message::new("rehearsal-form-applied-plan"),
            source,
        })?;
    let mut chapter = Chapter::begin(name, plan);
    chapter.began_ms = began_ms;
    let reports = answer["steps"].as_array().into_iter().flatten();
    chapter.steps = reports.filter_map(Timed::of_json).collect();
    chapter.end(seen);
    Ok(chapter)
}

type Machines = BTreeMap<String, Machine>;

/// The title of a chapter in which the machines go from one site to another.
fn between_sites(from: &SiteName, to: &SiteName) -> Message {
    Message::new("demo-chapter-between-sites")
        .with("from", from)
        .with("to", to)
}

impl Demo<'_> {
    /// The whole story.
    pub(super) async fn tell(&mut self) -> Result<Vec<Machine>, RehearsalError> {
        let estate = &self.lab.estate;
        let networks = self.populated_networks().await?;
        let nets: Vec<&str> = networks.iter().map(NetworkName::as_str).collect();
        let first = networks.iter().find_map(|name| estate.networks.get(name));
        let recovery = first.and_then(|network| network.recovery.clone());
        let (Some(first), Some(recovery)) = (first, recovery) else {
            return Err(RehearsalError::NoRecoverySite);
        };
        let goal = |verb: &[&'static str], tail: &[&'static str]| -> Vec<String> {
            let nets = nets.iter().map(ToString::to_string);
            verb.iter()
                .map(ToString::to_string)
                .chain(nets)
                .chain(tail.iter().map(ToString::to_string))
                .collect()
        };
        let mut machines = Machines::new();

        self.lab
            .begin_chapter(&Message::new("demo-chapter-capture"));
        self.stage(
            "capture",
            &goal(&["capture"], &[]),
            Some(("ec2", &mut machines)),
        )
        .await?;
        for machine in machines.values_mut() {
            machine.original_addresses = machine.addresses.get("ec2").cloned().unwrap_or_default();
        }

        self.lab
            .begin_chapter(&Message::new("demo-chapter-move").with("site", &first.primary));
        let moved = self
            .stage(
                "move",
                &goal(&["apply", "move"], &["--yes"]),
                Some(("after_restore", &mut machines)),
            )
            .await?;
        for (id, nics) in moved["arrivals"].as_object().into_iter().flatten() {
            let Some(machine) = machines.get_mut(id) else {
                continue;
            };
            let nics = || nics.as_array().into_iter().flatten();
            let addresses = nics()
                .filter_map(|nic| Some(nic["address"].as_str()?.to_owned()))
                .collect();
            machine.addresses.insert("after_move", addresses);
            machine.macs.insert(
                "after_move",
                nics()
                    .filter_map(|nic| Some(nic["mac"].as_str()?.to_owned()))
                    .collect(),
            );
            machine.site.insert("after_move", first.primary.to_string());
        }

        self.lab
            .begin_chapter(&Message::new("demo-chapter-protect").with("site", &recovery));
        self.stage("protect", &goal(&["apply", "protect"], &["--yes"]), None)
            .await?;
        let to = |tail: &[&str]| {
            let mut args = goal(&["apply", "failover"], &[]);
            args.extend(["--to".to_owned(), recovery.to_string()]);
            args.extend(tail.iter().map(ToString::to_string));
            args
        };
        self.lab
            .begin_chapter(&Message::new("demo-chapter-test-failover"));
        self.stage("test-failover", &to(&["--mode", "test", "--yes"]), None)
            .await?;
        self.lab
            .begin_chapter(&between_sites(&first.primary, &recovery));
        self.stage(
            "failover",
            &to(&["--yes"]),
            Some(("after_failover", &mut machines)),
        )
        .await?;
        self.lab
            .begin_chapter(&between_sites(&recovery, &first.primary));
        self.stage(
            "failback",
            &goal(&["apply", "failback"], &["--yes"]),
            Some(("after_failback", &mut machines)),
        )
        .await?;
        Ok(machines.into_values().collect())
    }

    /// The networks that have machines: with few machines the scenario's last networks have none, and no plan moves such a network.
    async fn populated_networks(&self) -> Result<Vec<NetworkName>, RehearsalError> {
        let status = self.lab.ask(&["status"]).await?;
        let networks = status["networks"].as_array().into_iter().flatten();
        let populated = networks.filter(|network| network["machines"].as_u64() > Some(0));
        let names = populated.filter_map(|network| network["name"].as_str());
        Ok(names.map(NetworkName::new).collect())
    }

    /// One chapter: the command, then where everything is, and one packet's way.
    async fn stage(
        &mut self,
        name: &'static str,
        args: &[String],
        moment: Option<(&'static str, &mut Machines)>,
    ) -> Result<Value, RehearsalError> {
        let (wall, virtual_before) = (Instant::now(), self.lab.control().virtual_ms().await?);
        let watched = match self.watching {
            Some(watching) => {
                let watch = watching.watch(self.lab).await?;
                Some((watch, watching.pace_by(self.lab)?))
            }
            None => None,
        };
        let began = wall_now();
        let answer = self.lab.command(args).await;
        if let Some((watch, pacer)) = watched {
            pacer.end().await?;
            let seen = watch.end().await?;
            if let Ok(answer) = &answer {
                self.chapters.push(chapter(name, answer, began, seen)?);
            }
        }
        let answer = answer?;
        let wall_ms = u64::try_from(wall.elapsed().as_millis()).unwrap_or(u64::MAX);
        let virtual_ms = self
            .lab
            .control()
            .virtual_ms()
            .await?
            .saturating_sub(virtual_before);
        if let Some(proof) = answer["plan"]["proof"].as_object() {
            let count = |key: &str| proof.get(key).and_then(Value::as_array).map_or(0, Vec::len);
            let proven = Message::new("demo-proven")
                .count("states", count("states"))
                .count("holes", count("windows"));
            self.lab.say(format!("  {proven}"));
        }
        let status = self.lab.ask(&["status"]).await?;
        let seen = status["machines"].as_array().cloned().unwrap_or_default();
        let (walks_delivered, walks_total) = self.second_opinion(&seen).await?;
        let number = |key: &str| status[key].as_u64().unwrap_or(0);
        let stage = Stage {
            name,
            wall_ms,
            virtual_ms,
            steps: answer["steps"].as_array().map_or(0, Vec::len),
            traces_delivered: number("traces_delivered"),
            traces_total: number("traces_total"),
            walks_delivered,
            walks_total,
        };
        let reached = Message::new("demo-reached")
            .with("delivered", stage.traces_delivered)
            .count("total", stage.traces_total)
            .with("walked", walks_delivered)
            .with("walks", walks_total);
        self.lab.say(format!("  {reached}"));
        self.stages.push(stage);
        if let Some(sample) = seen.iter().find(|machine| machine["running"] == true)
            && let Some(address) = sample["captured"][0].as_str()
        {
            let trace = self.lab.ask(&["trace", "on-prem", address]).await?;
            self.lab
                .say(format!("  {}", texts(&trace["path"]).join(" → ")));
        }
        if let Some((moment, machines)) = moment {
            for seen in &seen {
                let Some(id) = seen["instance_id"].as_str() else {
                    continue;
                };
                let machine = machines.entry(id.to_owned()).or_default();
                machine.instance_id = id.to_owned();
                machine.name = seen["name"].as_str().map(str::to_owned);
                machine.addresses.insert(moment, texts(&seen["addresses"]));
                machine.macs.insert(moment, texts(&seen["macs"]));
                machine
                    .site
                    .insert(moment, seen["site"].as_str().unwrap_or("?").to_owned());
            }
        }
        Ok(answer)
    }

    /// The lab's own packet walk, a second implementation of routing: does it bring packets for these machines to them?
    async fn second_opinion(&self, seen: &[Value]) -> Result<(usize, usize), RehearsalError> {
        let running = seen.iter().filter(|machine| machine["running"] == true);
        let wanted: Vec<(String, String)> = running
            .flat_map(|machine| {
                let holder = machine["vm"]
                    .as_str()
                    .or(machine["instance_id"].as_str())
                    .unwrap_or("")
                    .to_owned();
                texts(&machine["captured"])
                    .into_iter()
                    .map(move |address| (address, holder.clone()))
            })
            .collect();
        let every = wanted.len().div_ceil(WALKS).max(1);
        let (mut delivered, mut total) = (0, 0);
        for (address, holder) in wanted.iter().step_by(every) {
            let walk = self
                .lab
                .control()
                .get(&format!("/walk?from=on-prem&to={address}"))
                .await?;
            total += 1;
            delivered +=
                usize::from(walk["end"] == "delivered" && walk["holder"] == holder.as_str());
        }
        Ok((delivered, total))
    }
}
