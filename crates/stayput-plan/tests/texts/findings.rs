//! Findings in every form that their texts have.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;
use serde_json::Value;
use serde_json::json;
use stayput_messages::Catalogue;
use stayput_plan::Finding;

/// How many variants [`Finding`] has.
const VARIANTS: usize = 11;

/// Every finding as JSON; the first is used where any will do.
pub fn all() -> Vec<Value> {
    let verdict = json!({"no-route": {"at": "on-prem"}});
    let no_return = |table: Option<&str>| json!({"finding": "no-return-route", "network": "app", "site": "tokyo", "vpc": "vpc-1", "table": table, "on_prem": "10.0.0.0/8", "verdict": verdict});
    let wide = |name: Option<&str>| json!({"finding": "wide-summary", "region": "ap-northeast-1", "table": "tgw-rtb-1", "name": name, "prefix": "172.30.0.0/16", "site": "tokyo", "captured": ["172.30.1.0/24", "172.30.2.0/24"]});
    let lose = |canaries: Value| json!({"finding": "neighbours-lose", "network": "app", "canaries": canaries, "subnets": ["subnet-1", "subnet-2"], "hosts": 1284});
    let overlapping = |site: Option<&str>| json!({"finding": "overlapping-cidr", "network": "app", "vpc": "vpc-1", "cidr": "172.30.0.0/16", "site": site});
    vec![
        no_return(Some("rtb-1")),
        no_return(None),
        json!({"finding": "prefix-not-in-table", "network": "app", "site": "tokyo", "vpc": "vpc-1", "table": "rtb-1", "prefix": "172.30.1.0/24", "verdict": verdict}),
        json!({"finding": "looping-aggregate", "network": "app", "site": "tokyo", "table": "rtb-1", "aggregate": "172.16.0.0/12", "toward": {"tgw": "tgw-1"}}),
        wide(Some("edges")),
        wide(None),
        json!({"finding": "asymmetric-return", "ranges": [{"first": "172.30.1.4", "last": "172.30.1.9"}], "there": [{"edge": "dx"}, {"tgw": "tgw-1"}], "back": [{"tgw": "tgw-2"}]}),
        json!({"finding": "dx-overlap", "network": "app", "gateway": "dxgw-1", "site": "osaka", "held_by": "tgw-1", "prefix": "172.30.0.0/16"}),
        lose(json!([])),
        lose(json!(["api", "web"])),
        overlapping(Some("tokyo")),
        overlapping(None),
        json!({"finding": "peering-not-associated", "region": "ap-northeast-1", "tgw": "tgw-1", "attachment": "tgw-attach-1", "cut_off": ["app"]}),
        json!({"finding": "too-many-routes", "region": "ap-northeast-1", "tgw": "tgw-1", "routes": 12345, "allowed": 10000}),
        json!({"finding": "full-vpc-table", "site": "tokyo", "table": "rtb-1", "routes": 1234, "allowed": 50}),
    ]
}

#[test]
fn every_finding_has_its_text_in_every_form() {
    let mut shown = String::new();
    let mut variants = BTreeSet::new();
    for json in all() {
        variants.insert(json["finding"].to_string());
        let finding: Finding =
            serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(
            Catalogue::english().render(&finding.message()),
            Ok(finding.to_string())
        );
        assert_eq!(
            Catalogue::english().render(&finding.remedy_message()),
            Ok(finding.remedy())
        );
        let _ = writeln!(shown, "{finding}\n  → {}", finding.remedy());
    }
    assert_eq!(variants.len(), VARIANTS, "{variants:?}");
    assert_snapshot!(shown);
}
