//! Faults of a lab, added with `stayput lab fault`, and what stayput does about them; sites, regions and machines that people switch.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::json;
use stayput_lab::prism::model::Nic;
use stayput_lab::prism::model::PcState;
use stayput_world::prism::PowerState;

use crate::lab::Answer;
use crate::lab::Lab;
use crate::lab::apply;
use crate::process::Waiting;
use crate::world::addresses;
use crate::world::assert_kept;
use crate::world::assert_one_vm_each;
use crate::world::texts;

/// Runs `stayput lab …` on this lab.
fn run(lab: &Lab, args: &[&str]) -> Answer {
    let dir = lab.lab_dir().to_str().unwrap();
    lab.run(&[&["lab"], args, &["--dir", dir]].concat())
}

/// The same, which must succeed, as JSON.
#[track_caller]
fn json_of(lab: &Lab, args: &[&str]) -> Value {
    run(lab, &[args, &["--json"]].concat()).exits(0).json()
}

#[test]
fn a_move_whose_answers_are_lost_ends_with_one_nic_and_route_each() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    for rule in [
        &[
            "--service=prism",
            "--call=POST */vms/{id}/nics",
            "--nth=2",
            "--times=3",
        ][..],
        &["--service=prism", "--kind=change", "--nth=5"],
        &["--service=move", "--kind=change", "--nth=2"],
        &["--service=ec2", "--kind=change"],
    ] {
        let add = [&["fault", "add", "--lose-answer", "--close"], rule].concat();
        run(&lab, &add).exits(0);
    }
    // As a person does: the same command again until it succeeds.
    let done = (0..6).any(|_| lab.run(&apply(&["move"])).code == 0);
    let faults = json_of(&lab, &["fault", "list"]);
    assert!(done, "{faults}");
    for fault in faults["faults"].as_array().unwrap() {
        assert!(fault["hits"].as_u64() > Some(0), "{fault}");
        assert!(fault["last"]["call"].is_string(), "{fault}");
    }
    assert_kept(&lab.status(), "tokyo", &original);
    let running = original
        .values()
        .flatten()
        .filter(|address| *address != "172.30.1.60");
    assert_one_vm_each(
        &lab.observe(),
        running.map(|address| address.parse().unwrap()),
    );
    let again = lab.run(&apply(&["move"])).exits(0);
    assert!(again.out.contains("Nothing to do"), "{}", again.out);
}

#[test]
fn a_site_that_goes_down_is_named_by_status_until_it_is_up() {
    let lab = Lab::fast();
    let hasty = [("[engine]\n", "[engine]\ncall-timeout = \"1s\"\n")];
    let file = lab.edited("hasty.toml", &hasty);
    let status = |lab: &Lab| {
        let mut command = lab.command(&["status"]);
        command.arg("--file").arg(&file);
        Answer::new("status".to_owned(), command.output().unwrap()).exits(0)
    };
    assert!(!status(&lab).out.contains("is unknown"));

    let down = run(&lab, &["site", "down", "osaka"]).exits(0);
    assert_eq!(down.out, "site osaka is now down\n");
    let again = json_of(&lab, &["site", "down", "osaka"]);
    assert_eq!(
        again,
        json!({ "ok": true, "site": "osaka", "state": "down", "before": "down" })
    );
    let of_lab = run(&lab, &["status"]).exits(0).out;
    assert!(of_lab.contains("site osaka is down"), "{of_lab}");
    let shown = status(&lab).out;
    assert!(
        shown.contains("Prism Central of osaka does not answer") && shown.contains("is unknown"),
        "{shown}"
    );
    // Named once: the error follows its name.
    let mut about = shown
        .lines()
        .filter(|line| line.contains("does not answer"));
    assert!(
        about.all(|line| line.matches("of osaka").count() == 1),
        "{shown}"
    );
    run(&lab, &["site", "up", "osaka"]).exits(0);
    assert!(!status(&lab).out.contains("is unknown"));

    let down = run(&lab, &["region", "down", "ap-northeast-3"]).exits(0);
    assert!(down.out.contains("with site osaka"), "{}", down.out);
    let shown = status(&lab).out;
    assert!(shown.contains("ap-northeast-3"), "{shown}");
    assert!(shown.contains("is unknown"), "{shown}");
    run(&lab, &["region", "up", "ap-northeast-3"]).exits(0);
    assert!(!status(&lab).out.contains("is unknown"));
}

#[test]
fn machines_are_switched_by_name_as_people_do() {
    let lab = Lab::fast();
    let stopped = json_of(&lab, &["instance", "stop", "web-01"]);
    assert_eq!(stopped["before"], "running");
    assert_eq!(stopped["name"], "web-01");
    // At this speed an instance stops within a few milliseconds.
    let id = stopped["instance"].as_str().unwrap();
    let stopped = crate::process::until(|| {
        let again = run(&lab, &["instance", "stop", id]).exits(0);
        again.out.contains("was already stopped")
    });
    assert!(stopped);
    let started = run(&lab, &["instance", "start", id]).exits(0);
    assert!(started.out.contains("is starting"), "{}", started.out);

    let off = json_of(&lab, &["vm", "off", "mgmt-monitor", "--site", "osaka"]);
    assert_eq!(off["before"], "on");
    let vm = off["vm"].as_str().unwrap();
    let off = run(&lab, &["vm", "off", vm]).exits(0);
    assert!(off.out.ends_with("was already off\n"), "{}", off.out);
    let on = run(&lab, &["vm", "on", vm]).exits(0);
    assert!(on.out.ends_with("is now on\n"), "{}", on.out);
}

#[test]
fn credentials_that_are_refused_for_a_moment_do_not_end_a_run() {
    let lab = Lab::fast();
    for (call, nth) in [("GET */vms*", "3"), ("POST */nics", "2")] {
        let nth = format!("--nth={nth}");
        let fault = [
            "fault",
            "add",
            "--refuse=401",
            "--times=2",
            &nth,
            "--call",
            call,
        ];
        run(&lab, &fault).exits(0);
    }
    lab.apply(&["move"]);
    let faults = json_of(&lab, &["fault", "list"]);
    for fault in faults["faults"].as_array().unwrap() {
        assert_eq!(fault["hits"], 2, "{fault}");
    }
}

#[test]
fn a_network_whose_recovery_fails_stays_reachable_where_it_is() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let world = lab.observe();
    let mut plans = world.prism[&"osaka".into()].recovery_plans.iter();
    let (db, _) = plans.find(|(_, plan)| plan.name.ends_with("-db")).unwrap();
    // Not that of app: app-01 has an address in both networks and is in its plan.
    let fault = [
        "fault",
        "add",
        "--refuse=403",
        "--call=POST */planned-failover",
        "--object",
        db.as_str(),
    ];
    run(&lab, &fault).exits(0);
    let failed = lab.run(&apply(&["failover", "--to", "osaka"])).exits(1);
    failed.says(&["172.30.3.20"]);
    let status = lab.status();
    let machines = status["machines"].as_array().unwrap();
    let (mut here, mut there) = (0, 0);
    for machine in machines {
        // `report` is off; a machine with an address in each network is at one site only.
        let addresses = texts(&machine["addresses"]);
        let networks: BTreeSet<_> = addresses.iter().map(|address| &address[..9]).collect();
        if machine["name"] == "report" || networks.len() > 1 {
            continue;
        }
        match machine["site"].as_str() {
            Some("tokyo") => here += 1,
            _ => there += 1,
        }
        for address in addresses {
            lab.run(&["trace", "on-prem", &address]).exits(0);
        }
    }
    assert!(here > 0 && there > 0, "{here} at tokyo, {there} at osaka");
    lab.apply(&["failover", "--to", "osaka"]);
}

#[test]
fn machines_that_a_failed_recovery_job_switched_off_run_after_the_next_attempt() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let fault = [
        "fault",
        "add",
        "--task=fails",
        "--call=POST */planned-failover",
        "--forever",
    ];
    run(&lab, &fault).exits(0);
    let failover = apply(&["failover", "--to", "osaka"]);
    lab.run(&failover).exits(1);
    let off = |site: &str| {
        let world = lab.observe();
        let vms = world.prism[&site.into()].vms.values();
        let off = vms.filter(|vm| vm.power == PowerState::Off && !vm.name.starts_with("other-"));
        off.map(|vm| vm.name.clone()).collect::<Vec<_>>()
    };
    assert!(off("tokyo").len() > 1);
    run(&lab, &["fault", "clear"]).exits(0);
    lab.run(&failover).exits(0);
    // It was captured stopped.
    assert_eq!(off("osaka"), ["report"]);
}

#[test]
fn a_validation_whose_task_vanished_is_asked_for_again() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let fault = ["fault", "add", "--task=vanishes", "--call=POST */validate"];
    run(&lab, &fault).exits(0);
    let failover = apply(&["failover", "--to", "osaka"]);
    lab.run(&failover).exits(1);
    lab.run(&failover).exits(0);
}

#[test]
fn machines_that_no_safe_step_reaches_are_named_with_the_way_back() {
    let lab = Lab::fast();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    let world = lab.observe();
    let mut plans = world.prism[&"osaka".into()].recovery_plans.iter();
    let (app, _) = plans.find(|(_, plan)| plan.name.ends_with("-app")).unwrap();
    let call = ["--call=POST */planned-failover", "--object", app.as_str()];
    let fault = [&["fault", "add", "--refuse=422", "--forever"][..], &call].concat();
    run(&lab, &fault).exits(0);
    // Routes of db would lead away from app-01, which has an address in db and stays.
    let failed = lab.run(&apply(&["failover", "--to", "osaka"])).exits(1);
    failed.says(&["on-prem does not reach 5 addresses", "stayput rollback "]);
    let runs = lab.json(&["journal"]);
    let id = runs["runs"][0]["id"].as_str().unwrap().to_owned();
    lab.run(&["rollback", &id, "--yes"]).exits(0);
    run(&lab, &["fault", "clear"]).exits(0);
    lab.apply(&["failover", "--to", "osaka"]);
}

#[test]
fn a_fault_is_added_listed_and_removed_by_its_number() {
    let lab = Lab::fast();
    let rule = "service = 'ec2', call = 'Describe*', refuse = 503";
    let added = json_of(&lab, &["fault", "add", "--rule", rule]);
    let rule = json!({ "service": "ec2", "call": "Describe*", "refuse": 503 });
    assert_eq!(added, json!({ "ok": true, "id": 1, "rule": rule }));
    let options = [
        "fault",
        "add",
        "--site=osaka",
        "--delay=1s500ms",
        "--forever",
        "--lasts=1h",
    ];
    let added = run(&lab, &options).exits(0);
    assert!(
        added.out.starts_with("fault 2 is in force: ")
            && added.out.contains("delay='1s 500ms'")
            && added.out.contains("forever"),
        "{}",
        added.out
    );
    let listed = run(&lab, &["fault", "list"]).exits(0).out;
    assert!(
        listed.starts_with("1   service=ec2 call=Describe* refuse=503  applied 0 of 0"),
        "{listed}"
    );
    run(&lab, &["fault", "clear", "1"]).exits(0);
    run(&lab, &["fault", "clear", "1"])
        .exits(2)
        .says(&["no fault has this number; there are 2"]);
    assert_eq!(json_of(&lab, &["fault", "clear"])["cleared"], 1);
    let listed = run(&lab, &["fault", "list"]).exits(0).out;
    assert_eq!(listed, "no faults\n");
}

#[test]
fn a_wrong_fault_or_name_exits_with_2_and_says_what_is_known() {
    let lab = Lab::fast();
    for (args, says) in [
        (&["fault", "add", "--site=osaka"][..], "give one of refuse"),
        (&["fault", "add", "--hang", "--twice"], "a rule has one"),
        (
            &["fault", "add", "--hang", "--site=kobe"],
            "there are `osaka`, `tokyo`",
        ),
        (
            &["fault", "add", "--hang", "--service=prisma"],
            "did you mean `prism`?",
        ),
        (
            &["fault", "add", "--rule=hung = true"],
            "unknown field `hung`",
        ),
        (&["site", "down", "kobe"], "there are `osaka`, `tokyo`"),
        (&["site", "down", "ap-northeast-1"], "it is a region"),
        (&["region", "up", "osaka"], "there are `ap-northeast-1`"),
        (&["vm", "off", "mgmt-monitor"], "give the UUID, or the site"),
        (&["vm", "off", "web-09"], "no VM has the name or UUID"),
        (&["instance", "stop", "web-09"], "no instance has the id"),
    ] {
        run(&lab, args).exits(2).says(&[says]);
    }
    for conflicting in [
        &["fault", "add", "--hang", "--rule=hang = true"][..],
        &["fault", "add", "--delay=soon"],
        &["fault", "add", "--hang", "--times=2", "--forever"],
    ] {
        run(&lab, conflicting).exits(2);
    }
    assert_eq!(run(&lab, &["fault", "list"]).exits(0).out, "no faults\n");
}

/// A failover of which `call` gets no answer at first; then a person changes Tokyo. Returns what it said, and how each attempt at a step like
/// `step` ended that had several.
fn changed_in_doubt(
    call: &str,
    step: &str,
    is_answered_then: bool,
    change: impl FnOnce(&mut [PcState]),
) -> (Answer, Vec<Value>) {
    let lab = Lab::inside();
    lab.apply(&["move"]);
    lab.apply(&["protect"]);
    lab.fault(&json!({
        "service": "prism", "site": "osaka", "call": call,
        "lose-request": true, "close": true, "forever": true,
    }));
    let failover = ["apply", "failover", "app", "db", "--to", "osaka", "--yes"];
    let failing = Waiting::start(lab.command(&failover));
    failing.until("; retrying");
    {
        let state = lab.running().state();
        let mut state = state.lock().unwrap();
        change(&mut state.pcs);
    }
    if is_answered_then {
        lab.clear_faults();
    }
    let failed = failing.end();
    let journal = lab.journal();
    let mut attempts: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for entry in &journal {
        let of = entry["step"].as_str().unwrap();
        let outcomes = attempts.entry(of).or_default();
        outcomes.push(entry["outcome"]["outcome"].clone());
    }
    let mut repeated = attempts.into_iter();
    let (_, outcomes) = repeated
        .find(|(of, outcomes)| of.ends_with(step) && outcomes.len() > 1)
        .expect("a step with several attempts");
    (failed, outcomes)
}

/// A check that fails after a request whose answer was lost hides neither: the request may still take effect, and keeps its id.
#[test]
fn a_check_that_fails_after_a_lost_answer_leaves_the_step_in_doubt() {
    let step = "planned/osaka";
    let (failed, outcomes) = changed_in_doubt("POST */planned-failover", step, false, |sites| {
        for vm in sites.iter_mut().flat_map(|pc| pc.vms.values_mut()) {
            vm.categories.clear();
            vm.version += 1;
        }
    });
    assert_eq!(failed.code, 1, "{}", failed.err);
    failed.says(&["planned-failover", "; then ", "without category"]);
    assert!(outcomes.iter().all(|one| one == "in-doubt"), "{outcomes:?}");
}

/// An answered request leaves no doubt: a validation that warns is made again by the next attempt, and not answered with the same job again.
#[test]
fn a_validation_that_warns_after_a_lost_answer_has_failed() {
    let step = "validate/osaka";
    let (failed, outcomes) = changed_in_doubt("POST */validate", step, true, |sites| {
        // Another VM of Osaka takes an address on each overlay subnet: a warning of the validation, which is an error for stayput.
        for (name, address) in [("app", "172.30.1.10"), ("db", "172.30.3.10")] {
            let nics = sites.iter().flat_map(|pc| pc.vms.values());
            let mut nics = nics.flat_map(|vm| vm.nics.clone());
            let nic = nics.find(|nic| nic.address == Some(address.parse().unwrap()));
            let nic = nic.unwrap();
            let osaka = sites.iter_mut().find(|pc| pc.name == "osaka").unwrap();
            // Production and isolated subnets have the same name.
            let subnets = osaka.subnets.iter();
            let own = subnets.filter(|(_, subnet)| subnet.name == name);
            let vm = osaka.vms.values_mut().next().unwrap();
            vm.nics.extend(own.map(|(id, _)| Nic {
                id: id.clone(),
                subnet: id.clone(),
                ..nic.clone()
            }));
        }
    });
    assert_eq!(failed.code, 1, "{}", failed.err);
    failed.says(&["IP address cannot be preserved"]);
    assert_eq!(outcomes.first().unwrap(), "in-doubt", "{}", failed.err);
    assert_eq!(outcomes.last().unwrap(), "failed", "{}", failed.err);
}
