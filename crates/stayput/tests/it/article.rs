//! The article's order compared with stayput's, on the same machines.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lab::Answer;
use crate::lab::stayput;

/// What stays in the EC2 VPC of the scenario.
const STAYING: [&str; 4] = ["172.30.2.10", "172.30.2.20", "172.30.2.21", "172.30.2.22"];

fn demo(args: &[&str]) -> Value {
    let output = stayput()
        .args(["demo", "--json", "--quiet"])
        .args(args)
        .output()
        .unwrap();
    Answer::new(format!("demo {}", args.join(" ")), output)
        .exits(0)
        .json()
}

fn list(value: &Value) -> BTreeSet<&str> {
    let list = value.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

fn steps(chapter: &Value) -> Vec<(&str, &Value)> {
    let steps = chapter["steps"].as_array().unwrap().iter();
    steps
        .map(|step| (step["title"].as_str().unwrap(), step))
        .collect()
}

fn says(step: &Value, text: &str) -> bool {
    let says = step["says"].as_array().unwrap().iter();
    says.map(|line| line.as_str().unwrap())
        .any(|line| line.contains(text))
}

#[test]
fn the_articles_order_loses_staying_addresses_and_ours_keeps_all() {
    let report = demo(&["--order", "article"]);
    assert_eq!(report["ok"], true);
    assert_eq!(report["kept"], 12);
    let article = &report["article"];
    let [moving, failing_over] = article["chapters"].as_array().unwrap().as_slice() else {
        panic!("{}", article["chapters"]);
    };

    // Both models agree on every address after every step, and the fabric predicted the effect of each call.
    for chapter in [moving, failing_over] {
        for (title, step) in steps(chapter) {
            assert_eq!(step["disagreements"], serde_json::json!([]), "{title}");
            assert_ne!(step["foreseen"], false, "{title}");
            assert_eq!(step["addresses"].as_object().unwrap().len(), 19, "{title}");
        }
    }

    // Detaching the VPC cuts off the subnet that stays; no plan of stayput can contain that.
    let (title, detached) = steps(moving)[1];
    assert!(title.starts_with("detach the EC2 VPC"), "{title}");
    assert_eq!(detached["call"], "DeleteTransitGatewayVpcAttachment");
    assert!(
        says(
            detached,
            "cuts 4 addresses that stay in EC2 off from on-prem (not part of the goal)"
        ),
        "{detached}"
    );
    assert_eq!(detached["counts"]["delivered"], 0);
    // Another VPC, or the VPC of an NC2 cluster, cannot reach it either.
    for source in ["VPC shared", "NC2 VPC of tokyo", "NC2 VPC of osaka"] {
        assert_eq!(detached["elsewhere"][source]["staying"], 0, "{detached}");
    }
    assert_eq!(list(&moving["prover"]["unsaid"]), [title].into());
    let (_, last) = *steps(moving).last().unwrap();
    assert_eq!(last["counts"]["delivered"], 15);
    assert_eq!(last["counts"]["lost"], 4);

    // Tokyo's table first: packets go between the two regions until Osaka's is written, and the /16 there takes in what stays.
    assert_eq!(failing_over["prover"]["proof"], Value::Null);
    let refusals = failing_over["prover"]["refusals"].as_array().unwrap();
    let loops = |refusal: &Value| {
        let harm = &refusal["obstacle"]["harm"];
        harm["settled"]["not-delivered"]["loop"].is_object()
            || harm["in-flight"]["verdict"]["loop"].is_object()
    };
    assert!(refusals.iter().any(loops), "{refusals:?}");
    let looping = steps(failing_over)
        .iter()
        .filter(|(title, _)| title.contains("tokyo-default"))
        .map(|(_, step)| step["counts"]["looping"].as_u64().unwrap())
        .collect::<Vec<_>>();
    assert_eq!(looping, [9, 15]);
    let (title, last) = *steps(failing_over).last().unwrap();
    assert!(title.contains("172.30.0.0/16"), "{title}");
    assert_eq!(last["counts"]["looping"], 4);
    assert!(
        says(last, "packets to 4 addresses that stay in EC2 loop"),
        "{last}"
    );

    for comparison in article["comparison"].as_array().unwrap() {
        let (ours, theirs) = (&comparison["ours"], &comparison["article"]);
        assert_eq!(ours["broken_at_end"], serde_json::json!([]), "{comparison}");
        assert_eq!(ours["staying_longest"], Value::Null, "{comparison}");
        assert_eq!(ours["looped"], serde_json::json!([]), "{comparison}");
        assert_eq!(ours["moving_longest"]["goes_on"], false, "{comparison}");
        assert_eq!(list(&theirs["broken_at_end"]), STAYING.into());
        assert_eq!(theirs["staying_longest"]["goes_on"], true, "{comparison}");
    }
    let [moved, failed_over] = article["comparison"].as_array().unwrap().as_slice() else {
        panic!("{}", article["comparison"]);
    };
    assert_eq!(list(&moved["article"]["staying_lost"]), STAYING.into());
    assert_eq!(list(&failed_over["article"]["looped"]).len(), 19);
}
