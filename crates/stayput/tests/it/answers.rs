//! Answers that are not what they should be: nothing in them is taken for absence, and nothing that was recorded is lost.

use serde_json::json;

use crate::lab::Lab;
use crate::world::addresses;
use crate::world::assert_kept;

const MOVE: [&str; 4] = ["plan", "move", "app", "db"];

#[test]
fn answers_in_no_known_form_are_never_taken_for_empty_lists() {
    let lab = Lab::fast();
    lab.json(&["capture"]);
    let (facts, plan) = (lab.facts(), lab.json(&MOVE));
    assert_eq!(facts.machines.len(), 12);
    for (system, call, effect) in [
        (
            "AWS ap-northeast-1",
            json!({ "service": "ec2", "call": "DescribeNetworkInterfaces" }),
            "html",
        ),
        (
            "AWS ap-northeast-1",
            json!({ "service": "ec2", "call": "DescribeInstances" }),
            "empty",
        ),
        (
            "AWS ap-northeast-1",
            json!({ "service": "ec2", "call": "DescribeRouteTables" }),
            "garbage",
        ),
        (
            "Prism Central of tokyo",
            json!({ "service": "prism", "call": "GET *config/vms" }),
            "html",
        ),
        (
            "Move of tokyo",
            json!({ "service": "move", "kind": "read" }),
            "empty",
        ),
    ] {
        let mut rule = call.clone();
        rule[effect] = json!(true);
        // The client asks again: one such answer makes no difference.
        lab.fault(&rule);
        assert_eq!(lab.json(&MOVE), plan, "{rule}");
        lab.clear_faults();

        rule["forever"] = json!(true);
        lab.fault(&rule);
        let refused = lab.run(&MOVE).exits(4);
        refused.says(&[system, "was not observed", "nothing was changed"]);
        if system.starts_with("AWS") {
            lab.run(&["capture"]).exits(4);
        }
        lab.clear_faults();
        assert_eq!(lab.facts(), facts, "{rule}");
    }
}

#[test]
fn what_a_list_lacks_is_asked_for_and_keeps_its_machine() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    lab.json(&["capture"]);
    let plan = lab.json(&MOVE);
    for call in ["DescribeNetworkInterfaces", "DescribeInstances"] {
        for element in [1, 3] {
            lab.fault(&json!({ "service": "ec2", "region": "ap-northeast-1", "call": call, "drop": element }));
            assert_eq!(lab.json(&MOVE), plan, "element {element} of {call}");
            lab.clear_faults();
        }
    }
    lab.apply(&["move"]);
    // Whichever VM is missing from a list of them: its machine is not in EC2 again.
    for element in [1, 4, 7, 10] {
        let list = json!({ "service": "prism", "site": "tokyo", "call": "GET *config/vms", "drop": element });
        lab.fault(&list);
        let again = lab.run(&MOVE).exits(0);
        assert!(again.out.contains("Nothing to do"), "{}", again.out);
        lab.clear_faults();
    }
    assert_kept(&lab.status(), "tokyo", &original);
}

#[test]
fn errors_on_the_way_are_repeated_and_do_not_end_a_move() {
    let lab = Lab::fast();
    let original = addresses(&lab.status());
    // Each of these once ended a run, some of them while machines were stopped.
    for rule in [
        json!({ "service": "ec2", "kind": "read", "refuse": 503, "nth": 30, "times": 2 }),
        json!({ "service": "ec2", "call": "*TransitGatewayRoute", "kind": "change", "throttle": true, "times": 2 }),
        json!({ "service": "prism", "kind": "read", "refuse": 500, "nth": 40, "times": 2 }),
        json!({ "service": "prism", "call": "GET *vms/{id}", "cut": 40, "nth": 2 }),
        json!({ "service": "prism", "call": "POST *vms/{id}/nics", "refuse": 412, "nth": 2, "times": 2 }),
        json!({ "service": "move", "kind": "read", "not-sent": true, "nth": 20, "times": 3 }),
        json!({ "service": "move", "kind": "read", "refuse": 502, "nth": 30, "times": 2 }),
    ] {
        lab.fault(&rule);
    }
    lab.apply(&["move"]);
    lab.clear_faults();
    assert_kept(&lab.status(), "tokyo", &original);
}
