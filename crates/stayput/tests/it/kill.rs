//! An apply that was killed at any point and run again ends like one that was never killed.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;

use crate::lab::Answer;
use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;
use crate::world::assert_one_vm_each;
use crate::world::shape;

/// Slow enough that a kill hits a running call, task or copy.
pub const SLOW: [&str; 4] = ["--speed", "2400", "--latency", "12"];
/// The least number of kills that a stage must survive.
const LEAST_KILLS: usize = 6;
/// The number of kills after which a stage runs to its end.
const MOST_KILLS: usize = 8;
/// The longest time that a command under test may print nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Points at which to kill, the same for the same seed.
struct KillPoints(u64);

impl KillPoints {
    /// The points of a test. `STAYPUT_SEED=n` gives other ones, for longer searches.
    fn seeded(seed: u64) -> Self {
        let other = std::env::var("STAYPUT_SEED")
            .ok()
            .and_then(|other| other.parse().ok());
        Self(seed + 1000 * other.unwrap_or(0))
    }

    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        // Knuth's MMIX generator; its low bits are poor.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// A running command whose progress is followed.
pub struct UnderWay {
    child: std::process::Child,
    lines: mpsc::Receiver<String>,
}

impl UnderWay {
    pub fn start(lab: &Lab, args: &[&str]) -> Self {
        let mut child = lab
            .command(args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits until the plan is shown and its first steps begin; `false` if the command ended before.
    pub fn begins(&self) -> bool {
        self.lines_like(1, |line| line.contains(" steps (run "))
    }

    /// Waits until so many steps are over; `false` if the command ended before.
    pub fn steps(&self, count: u64) -> bool {
        self.lines_like(count, |line| {
            line.contains("   ✓ ") || line.contains("   = ")
        })
    }

    fn lines_like(&self, count: u64, wanted: impl Fn(&str) -> bool) -> bool {
        let mut left = count;
        while left > 0 {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if wanted(&line) => left -= 1,
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("no more progress"),
            }
        }
        true
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", name, &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it ends; returns its exit code.
    pub fn ends(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// Kills it (SIGKILL); `false` if it had ended on its own.
    pub fn kill(mut self) -> bool {
        self.child.kill().unwrap();
        self.child.wait().unwrap().code().is_none()
    }
}

/// What must hold after every kill.
#[track_caller]
fn assert_sound(lab: &Lab, original: &BTreeMap<String, Vec<String>>) {
    assert_known(lab, original);
    let fabric = Fabric::new(&lab.estate(), &lab.observe());
    assert_eq!(fabric.served_twice(), BTreeMap::new());
}

/// The part of it that also holds while a cluster that was declared lost keeps running.
#[track_caller]
fn assert_known(lab: &Lab, original: &BTreeMap<String, Vec<String>>) {
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap();
    assert_eq!(machines.len(), original.len(), "{status}");
    for machine in machines {
        let mut captured = crate::world::texts(&machine["captured"]);
        captured.sort();
        assert_eq!(captured, original[machine["instance_id"].as_str().unwrap()]);
    }
    lab.journal();
}

/// Applies a goal, killed again and again with less than `steps` steps done, until it is reached.
fn killed_until_done(
    lab: &Lab,
    goal: &[&str],
    steps: u64,
    sound: impl Fn(),
    mut points: KillPoints,
) {
    let mut kills = 0;
    while kills < MOST_KILLS {
        let run = UnderWay::start(lab, &apply(goal));
        // The first is killed while it observes and plans, the others after some steps, in the middle of the next.
        let under_way = kills == 0 || run.begins() && run.steps(points.below(steps));
        let longest = if kills == 0 { 300 } else { 60 };
        std::thread::sleep(Duration::from_millis(points.below(longest)));
        if !under_way || !run.kill() {
            break;
        }
        kills += 1;
        sound();
    }
    assert!(
        kills >= LEAST_KILLS,
        "{goal:?} was over after {kills} kills"
    );
    lab.run(&apply(goal)).exits(0);
    let again = lab.run(&apply(goal)).exits(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
    let runs = lab.json(&["journal"]);
    for run in runs["runs"].as_array().unwrap() {
        assert_eq!(run["state"]["state"], "reached", "{run}");
    }
}

/// The ledger knows of every machine which VM it is at a site, and that it became this one last: also of those whose step was killed.
#[track_caller]
fn assert_recorded(lab: &Lab, site: &str) {
    let (facts, site) = (lab.facts(), SiteName::from(site));
    for machine in facts.machines.keys() {
        assert!(facts.vms[machine].contains_key(&site), "{machine}");
        assert_eq!(facts.newest[machine], site, "{machine}");
    }
}

/// The world after move, protect and failover without a kill.
fn undisturbed() -> &'static [Value; 3] {
    static SHAPES: OnceLock<[Value; 3]> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let lab = Lab::fast();
        [&["move"][..], &["protect"], &["failover", "--to", "osaka"]].map(|goal| {
            lab.apply(goal);
            shape(&lab.observe())
        })
    })
}

#[track_caller]
fn assert_same(mine: &Value, wanted: &Value) {
    // Part by part, so that a difference is readable.
    for (part, wanted) in wanted.as_object().unwrap() {
        match wanted.as_object() {
            Some(places) => {
                for (place, wanted) in places {
                    assert_eq!(mine[part][place], *wanted, "{part} of {place}");
                }
            }
            None => assert_eq!(mine[part], *wanted, "{part}"),
        }
    }
    assert_eq!(mine, wanted);
}

#[test]
fn a_move_killed_at_many_points_ends_like_an_undisturbed_one() {
    let lab = Lab::up(&SLOW);
    let original = addresses(&lab.status());
    let sound = || assert_sound(&lab, &original);
    killed_until_done(&lab, &["move"], 5, sound, KillPoints::seeded(7));
    assert_recorded(&lab, "tokyo");
    assert_kept(&lab.status(), "tokyo", &original);
    let running = original
        .values()
        .flatten()
        .filter(|address| *address != "172.30.1.60");
    assert_one_vm_each(
        &lab.observe(),
        running.map(|address| address.parse().unwrap()),
    );
    assert_same(&shape(&lab.observe()), &undisturbed()[0]);
}

#[test]
fn protection_and_failover_killed_at_many_points_end_as_planned() {
    let lab = Lab::up(&SLOW);
    let original = addresses(&lab.status());
    lab.tell("/speed", &json!({ "speed": 20000 }));
    lab.apply(&["move"]);
    lab.tell("/speed", &json!({ "speed": 2400 }));
    let sound = || assert_sound(&lab, &original);
    killed_until_done(&lab, &["protect"], 2, sound, KillPoints::seeded(11));
    assert_kept(&lab.status(), "tokyo", &original);
    assert_same(&shape(&lab.observe()), &undisturbed()[1]);

    killed_until_done(
        &lab,
        &["failover", "--to", "osaka"],
        3,
        sound,
        KillPoints::seeded(13),
    );
    assert_recorded(&lab, "osaka");
    assert_kept(&lab.status(), "osaka", &original);
    assert_same(&shape(&lab.observe()), &undisturbed()[2]);
}

#[test]
fn an_unplanned_failover_killed_at_many_points_recovers_all_once() {
    let lab = Lab::up(&SLOW);
    let original = addresses(&lab.status());
    lab.tell("/speed", &json!({ "speed": 20000 }));
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let vms = |site: &str| lab.observe().prism[&site.into()].vms.len();
    let (tokyo, osaka) = (vms("tokyo"), vms("osaka"));
    lab.tell("/speed", &json!({ "speed": 2400 }));
    // The cluster that was declared lost answers and keeps running.
    let goal = [
        "failover",
        "--to",
        "osaka",
        "--mode",
        "unplanned",
        "--lost",
        "tokyo",
    ];
    let known = || assert_known(&lab, &original);
    killed_until_done(&lab, &goal, 3, known, KillPoints::seeded(19));
    assert_recorded(&lab, "osaka");
    assert_eq!((vms("tokyo"), vms("osaka")), (tokyo, osaka + 12));
    let status = lab.status();
    assert_eq!(addresses(&status), original);
    for machine in status["machines"].as_array().unwrap() {
        assert_eq!(machine["site"], "osaka", "{machine}");
    }
    assert_eq!(status["traces_delivered"], 15);
}

#[test]
fn a_rehearsal_killed_at_many_points_leaves_no_copies() {
    let lab = Lab::up(&SLOW);
    lab.tell("/speed", &json!({ "speed": 20000 }));
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    lab.tell("/speed", &json!({ "speed": 2400 }));
    let before = lab.observe();
    let goal = ["failover", "--to", "osaka", "--mode", "test"];
    let mut points = KillPoints::seeded(17);
    for kill in 0..12 {
        let run = UnderWay::start(&lab, &apply(&goal));
        // Also after the last step, before the run is closed.
        if run.begins() && run.steps(kill % 7) {
            std::thread::sleep(Duration::from_millis(points.below(30)));
        }
        run.kill();
    }
    lab.run(&apply(&goal)).exits(0);
    let after = lab.observe();
    for (site, prism) in &before.prism {
        assert_eq!(prism.vms, after.prism[site].vms, "VMs of {site}");
    }
    assert_eq!(before.aws, after.aws);
}

#[test]
fn a_second_apply_names_the_holder_and_runs_after_its_kill() {
    // Copies take minutes at this speed.
    let lab = Lab::up(&["--speed", "60"]);
    let first = UnderWay::start(&lab, &apply(&["move"]));
    let pid = format!("process {}", first.child.id());
    assert!(first.steps(1));

    let changes_before = lab.journal().len();
    for args in [apply(&["move"]), apply(&["failback"]), vec!["capture"]] {
        let second = lab.run(&args).exits(5);
        second.says(&["another stayput is working on this estate", &pid, "@"]);
    }
    let mut args = apply(&["move"]);
    args.push("--json");
    let second: Answer = lab.run(&args).exits(5);
    assert_eq!(second.json()["error"]["kind"], "held");
    assert!(lab.journal().len() >= changes_before);
    // Reading needs no lock.
    lab.status();
    lab.run(&["plan", "move", "app", "db"]).exits(0);

    assert!(first.kill());
    lab.tell("/speed", &json!({ "speed": 20000 }));
    lab.run(&apply(&["move"])).exits(0);
}
