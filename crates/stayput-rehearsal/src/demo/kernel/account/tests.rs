use std::collections::BTreeMap;

use stayput_dataplane::report::Changes;
use stayput_dataplane::report::Moment;
use stayput_dataplane::report::Report;
use stayput_dataplane::report::RouterDrops;
use stayput_dataplane::report::Status;
use stayput_dataplane::report::Target;
use stayput_estate::NetworkName;
use stayput_plan::Goal;
use stayput_plan::Names;
use stayput_plan::Plan;
use stayput_plan::Proof;

use super::*;
use crate::demo::chapter::Timed;
use crate::demo::watchlist::Member;
use crate::demo::watchlist::Part;

const MOVING: Ipv4Addr = Ipv4Addr::new(172, 30, 1, 10);
const STAYING: Ipv4Addr = Ipv4Addr::new(172, 30, 2, 20);

fn at(ms: u64) -> Moment {
    Moment {
        epoch_ms: ms,
        run_us: ms * 1000,
    }
}

fn run(first: u64, last: u64, count: u64) -> LossRun {
    LossRun {
        first: at(first),
        last: at(last),
        count,
        gap_ms: (last - first + 10) as f64,
    }
}

fn packets(losses: &[(Ipv4Addr, LossRun)], changes: &[(u64, u64)]) -> Packets {
    let mut targets: BTreeMap<Ipv4Addr, Target> = [MOVING, STAYING]
        .map(|address| {
            let target = Target {
                sent: 1000,
                ..Target::default()
            };
            (address, target)
        })
        .into();
    for (address, run) in losses {
        targets.get_mut(address).unwrap().losses.push(*run);
    }
    let lost = losses.iter().map(|(_, run)| run.count).sum();
    let sample = |at_ms, sent| Sample {
        at_ms,
        sent,
        ttl_exceeded: sent / 100,
    };
    Packets {
        report: Report {
            interval_ms: 10,
            timeout_ms: 1000,
            sent: 2000,
            answered: 2000 - lost,
            lost,
            in_flight: 0,
            worst_lateness_ms: 0.5,
            targets,
        },
        // Two packets every ten milliseconds, from 1000 to 11000.
        samples: vec![sample(1000, 0), sample(6000, 1000), sample(11_000, 2000)],
        changes: Changes {
            changes: changes
                .iter()
                .map(|(begun, done)| Change {
                    number: 1,
                    begun: at(*begun),
                    done: at(*done),
                    routes: 1,
                })
                .collect(),
        },
        status: Status {
            privilege: "root".to_owned(),
            namespaces: 30,
            delay_us: Delays {
                count: 1,
                median: 100,
                max: 200,
            },
            swallowed: RouterDrops { ttl_exceeded: 20 },
            ..Status::default()
        },
    }
}

fn timed(step: &str, began_ms: u64, ended_ms: u64) -> Timed {
    Timed {
        step: step.to_owned(),
        title: String::new(),
        began_ms,
        ended_ms,
    }
}

fn chapter(holes: &serde_json::Value) -> Chapter {
    let proof = serde_json::json!({ "addresses": 2, "classes": 2, "sources": [], "states": [], "holes": holes, "asymmetric": [] });
    let plan = Plan {
        outages: Vec::new(),
        version: 1,
        estate: "e".to_owned(),
        goal: Goal::Move {
            networks: [NetworkName::new("app")].into(),
            canaries: Default::default(),
            leave_out: Default::default(),
        },
        steps: Vec::new(),
        names: Names::default(),
        proof: serde_json::from_value::<Proof>(proof).unwrap(),
        warnings: Vec::new(),
        findings: Vec::new(),
    };
    let mut chapter = Chapter::begin("move", plan);
    (chapter.began_ms, chapter.ended_ms) = (1000, 11_000);
    chapter.steps = vec![
        timed("cutover/i-1", 2000, 3000),
        timed("route/a", 4000, 5000),
        timed("route/b", 5000, 6000),
    ];
    chapter
}

fn watchlist() -> Watchlist {
    let member = |name: &str, part| Member {
        name: name.to_owned(),
        part,
    };
    Watchlist(
        [
            (MOVING, member("web", Part::Moves(NetworkName::new("app")))),
            (
                STAYING,
                member("dmz", Part::Stays("172.30.2.0/24".to_owned())),
            ),
        ]
        .into(),
    )
}

fn hole(opens: &str, closes: &str) -> serde_json::Value {
    serde_json::json!([{ "source": "on-prem", "ranges": [{ "first": "172.30.1.0", "last": "172.30.1.255" }], "opens": opens, "closes": closes, "addresses": 1, "delivery": { "not-delivered": { "no-machine": { "place": { "site": "ec2" } } } } }])
}

#[test]
fn a_loss_between_the_opening_and_the_closing_step_is_announced() {
    let holes = hole("cutover/i-1", "route/b");
    let packets = packets(&[(MOVING, run(2000, 6000, 5))], &[]);
    let account = account(Judged::Stayput, &packets, &[chapter(&holes)], &watchlist());
    assert_eq!(account.lost, 5);
    assert_eq!(account.lost_outside_announced_holes, Some(0));
    let lost: Vec<_> = account
        .steps
        .iter()
        .map(|s| (s.lost, s.announced))
        .collect();
    // Sent at 2000, 3000, 4000, 5000 and 6000; a step's end is not in it.
    assert_eq!(lost, [(1, 1), (1, 1), (1, 1)]);
}

#[test]
fn a_loss_after_the_closer_or_to_another_address_is_not() {
    let holes = hole("cutover/i-1", "route/b");
    let losses = [(MOVING, run(6001, 6001, 1)), (STAYING, run(4500, 4520, 3))];
    let account = account(
        Judged::Stayput,
        &packets(&losses, &[]),
        &[chapter(&holes)],
        &watchlist(),
    );
    assert_eq!(account.lost_outside_announced_holes, Some(4));
    assert_eq!(account.outside[0].after.as_deref(), Some("route/b"));
    assert_eq!(account.switches[0].lost_to_staying, 3);
}

#[test]
fn a_loss_while_a_table_changes_counts_if_the_address_was_reached_around() {
    let losses = [
        (STAYING, run(4100, 4100, 1)),
        // Began long before the change: the address was not reached.
        (MOVING, run(2500, 4105, 100)),
    ];
    let account = account(
        Judged::Article,
        &packets(&losses, &[(4099, 4106)]),
        &[chapter(&serde_json::json!([]))],
        &watchlist(),
    );
    assert_eq!(account.lost_in_route_switch, 1);
    assert_eq!(account.lost_outside_announced_holes, None);
    assert_eq!(account.switches[0].lost_in_route_switch, 1);
}

#[test]
fn what_is_sent_while_the_clock_stands_still_is_not_counted() {
    let mut chapter = chapter(&serde_json::json!([]));
    chapter.stills = vec![(4500, 5500)];
    let packets = packets(&[(MOVING, run(4000, 6000, 201))], &[]);
    let account = account(Judged::Article, &packets, &[chapter], &watchlist());
    assert_eq!(account.sent, 1800);
    // Every ten milliseconds from 4000 to 4490 and from 5500 to 6000.
    assert_eq!(account.lost, 101);
    let switch = &account.switches[0];
    assert_eq!((switch.ms, switch.sent, switch.lost), (1000, 200, 100));
    assert_eq!(switch.longest_gap_ms, 1000);
    assert_eq!(switch.ttl_exceeded, 2);
}
