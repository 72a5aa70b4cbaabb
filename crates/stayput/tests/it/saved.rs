//! Saved plans and worlds: a plan is applied exactly as shown or not at all, and a world is read without contacting a system.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::lab::Lab;
use crate::lab::apply;
use crate::world::addresses;
use crate::world::assert_kept;

#[test]
fn a_saved_plan_is_applied_only_to_an_unchanged_world() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    let file = lab.folder().join("plan.json");
    let plan = file.to_str().unwrap();
    let apply = ["apply", "--plan", plan, "--yes"];

    lab.run(&[
        "plan",
        "move",
        "app",
        "db",
        "--out",
        plan,
        "--explain",
        "99",
    ])
    .exits(2)
    .says(&["has no step 99"]);
    assert!(!file.exists());
    let before = lab.requests();
    for no_step in ["0", "-1", "prepare", ""] {
        let option = format!("--explain={no_step}");
        lab.run(&["plan", "move", "app", "db", &option])
            .exits(2)
            .says(&["names no step of any plan", "nothing was contacted"]);
    }
    assert_eq!(lab.requests(), before);

    fs::write(&file, "{}").unwrap();
    lab.run(&apply)
        .exits(2)
        .says(&["plan.json", "is no saved plan"]);

    let shown = lab.json(&["plan", "move", "app", "db", "--out", plan]);
    // The plan starts with the capture, which is done now.
    lab.json(&["capture"]);
    let world = lab.observe();
    let journal = lab.journal();
    let stale = lab.run(&apply).exits(3);
    stale.says(&[
        "not what this plan was made for",
        "nothing was changed",
        "plan … --out FILE",
    ]);
    assert_eq!(lab.observe(), world);
    assert_eq!(lab.journal(), journal);

    let again = lab.json(&["plan", "move", "app", "db", "--out", plan]);
    assert_ne!(again, shown);
    let long_ago = ["--cutover-after", "2020-01-01T00:00:00Z"];
    lab.run(&[&apply[..], &long_ago].concat())
        .exits(2)
        .says(&["more than a day ago"]);
    assert_eq!(lab.journal(), journal);
    lab.run(&["apply", "--plan", plan])
        .exits(2)
        .says(&["no terminal to confirm on"]);
    let mut args = apply.to_vec();
    args.push("--json");
    let applied = lab.run(&args).exits(0).json();
    assert_eq!(applied["plan"], again["plan"]);
    assert_kept(&lab.status(), "tokyo", &original);
    let journal = lab.journal();
    let again = lab.run(&args).exits(0).json();
    assert_eq!(again["changed"], false);
    assert_eq!(lab.journal(), journal);
}

#[test]
fn a_saved_plan_that_was_begun_is_resumed_by_the_same_command() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    let file = lab.folder().join("plan.json");
    let plan = file.to_str().unwrap();
    lab.json(&["plan", "move", "app", "db", "--out", plan]);
    let apply = ["apply", "--plan", plan, "--yes"];

    let stopped = lab.run(&[&apply[..], &["--until", "cut-over"]].concat());
    let stopped = stopped.exits(0);
    for text in [
        "stopped after phase cut-over",
        "on-prem does not reach 15 addresses now",
    ] {
        assert!(stopped.out.contains(text), "{}", stopped.out);
    }
    // A phase that is over is no reason to stay silent about it.
    let passed = lab.run(&[&apply[..], &["--until", "prepare"]].concat());
    let passed = passed.exits(0);
    let text = "on-prem does not reach 15 addresses now";
    assert!(passed.out.contains(text), "{}", passed.out);
    let runs = || lab.json(&["journal"])["runs"].as_array().unwrap().len();
    assert_eq!(runs(), 1);

    lab.run(&apply).exits(0);
    assert_kept(&lab.status(), "tokyo", &original);
    assert_eq!(runs(), 1);
}

#[test]
fn a_saved_world_is_usable_when_no_system_is_reachable() {
    let mut lab = Lab::fast();
    lab.json(&["capture"]);
    let file = lab.folder().join("world.json");
    let world = file.to_str().unwrap();
    lab.run(&["world", "save", world]).exits(0);
    let questions: [&[&str]; 3] = [
        &["status", "--all"],
        &["trace", "on-prem", "172.30.1.34"],
        &["plan", "move", "app", "db"],
    ];
    let live = questions.map(|args| lab.json(args));
    lab.down();
    for (args, live) in questions.into_iter().zip(live) {
        lab.run(args).exits(1);
        let mut args = args.to_vec();
        args.extend(["--world", world]);
        assert_eq!(lab.json(&args), live, "{args:?}");
    }
}

#[test]
fn an_edge_that_could_not_be_read_makes_reaching_unknown() {
    let lab = Lab::fast();
    let file = lab.folder().join("world.json");
    let path = file.to_str().unwrap();
    lab.run(&["world", "save", path]).exits(0);
    let args = ["trace", "on-prem", "172.30.1.34", "--world", path];
    lab.run(&args).exits(0);

    let mut saved: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let world = &mut saved["world"];
    let aws = world["aws"].as_object_mut().unwrap();
    aws.remove("ap-northeast-3").unwrap();
    world["unobserved"] = json!([{
        "system": "aws",
        "of": "ap-northeast-3",
        "silence": "faulty",
        "why": "500",
    }]);
    fs::write(&file, saved.to_string()).unwrap();
    let trace = lab.run(&args).exits(1);
    assert!(trace.out.contains("edge osaka-vpn"), "{}", trace.out);
    let status = lab.json(&["status", "--world", path]);
    assert_eq!(status["networks"][0]["traces_known"], false);
}

#[test]
fn a_file_of_another_kind_format_or_estate_is_refused() {
    let lab = Lab::fast();
    let file = lab.folder().join("saved.json");
    let path = file.to_str().unwrap();
    let questions: [(&[&str], &[&str], &str, &str); 2] = [
        (
            &["world", "save", path],
            &["status", "--world", path],
            "world",
            "/world/version",
        ),
        (
            &["plan", "move", "app", "db", "--out", path],
            &["apply", "--yes", "--plan", path],
            "plan",
            "/version",
        ),
    ];
    for (save, read, what, version) in questions {
        let wrong = |content: &str, says: &[&str]| {
            fs::write(&file, content).unwrap();
            let answer = lab.run(read).exits(2);
            answer.says(says).says(&["saved.json ", "hint: stayput "]);
        };
        let none = format!("is no saved {what}");
        wrong("", &[&none]);
        wrong("no JSON", &[&none]);
        wrong(&json!({ "world": 7 }).to_string(), &[&none]);

        lab.run(save).exits(0);
        let saved: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let mut newer = saved.clone();
        *newer.pointer_mut(version).unwrap() = json!(99);
        // A newer format may have anything else in it.
        newer["facts"] = json!("elsewhere");
        newer["steps"] = json!("elsewhere");
        wrong(&newer.to_string(), &["has format 99", "this build reads"]);
        let mut other = saved;
        other["estate"] = json!("another-estate");
        let named = ["is of estate another-estate", "the estate file is of"];
        wrong(&other.to_string(), &named);

        fs::remove_file(&file).unwrap();
        lab.run(read).exits(2).says(&["saved.json cannot be read"]);
    }
    let nowhere = lab.folder().join("nowhere").join("saved.json");
    let nowhere = nowhere.to_str().unwrap();
    for save in [
        &["world", "save", nowhere][..],
        &["plan", "move", "app", "db", "--out", nowhere],
    ] {
        let before = lab.requests();
        lab.run(save)
            .exits(2)
            .says(&["there is no folder", "hint: create it: mkdir -p"]);
        assert_eq!(lab.requests(), before, "nothing was contacted");
    }
    // A folder in which no file can be made.
    for save in [
        &["world", "save", "/proc/saved.json"][..],
        &["plan", "move", "app", "db", "--out", "/proc/saved.json"],
    ] {
        let before = lab.requests();
        lab.run(save)
            .exits(2)
            .says(&["/proc/saved.json cannot be written"]);
        assert_eq!(lab.requests(), before, "nothing was contacted");
    }
}

#[test]
fn status_names_an_address_that_was_assigned_in_ec2_after_the_capture() {
    let lab = Lab::fast();
    lab.json(&apply(&["move"]));
    let file = lab.folder().join("world.json");
    let path = file.to_str().unwrap();
    lab.run(&["world", "save", path]).exits(0);
    let args = ["status", "--world", path];
    let before = lab.run(&args).exits(0).out;
    assert!(!before.contains("lacks"), "{before}");

    let mut saved: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let enis = &mut saved["world"]["aws"]["ap-northeast-1"]["enis"];
    let mut enis = enis.as_object_mut().unwrap().values_mut();
    let eni = enis.find(|eni| eni["primary"] == "172.30.1.10").unwrap();
    eni["secondary"] = json!(["172.30.1.99"]);
    fs::write(&file, saved.to_string()).unwrap();
    let shown = lab.run(&args).exits(0).out;
    for text in ["web-01", "lacks 172.30.1.99", "stayput capture --replace"] {
        assert!(shown.contains(text), "no `{text}` in\n{shown}");
    }
    let machines = lab.json(&args)["machines"].clone();
    let wrong = machines.as_array().unwrap().iter().flat_map(|machine| {
        let wrong = machine["wrong"].as_array().unwrap();
        wrong.iter().map(|text| text.as_str().unwrap().to_owned())
    });
    let wrong: Vec<_> = wrong.collect();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}
