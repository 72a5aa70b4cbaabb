use serde_json::json;

use super::*;

fn holds(filter: &str) -> bool {
    let item = json!({
        "name": "it's app01",
        "count": 7,
        "on": true,
        "startTime": "2026-11-20T10:00:05.000Z",
        "cluster": {"extId": "c-1"},
        "ids": ["a", "b"],
        "nics": [{"mac": "x", "net": {"id": "n-1"}}],
    });
    parse(filter).unwrap().holds(&item)
}

#[test]
fn comparisons_of_text_numbers_times_and_paths_follow_odata() {
    assert!(holds("name eq 'it''s app01'"));
    assert!(holds("count gt 6 and count le 7 and count ne 8"));
    assert!(holds("on eq true"));
    assert!(holds("cluster/extId eq 'c-1'"));
    assert!(holds(
        "startTime gt 2026-11-20T10:00:04Z and startTime lt '2026-11-20T11:00:06+01:00'"
    ));
    assert!(holds("missing eq null"));
    assert!(!holds("missing gt 1"));
}

#[test]
fn and_binds_tighter_than_or_and_not_binds_tightest() {
    assert!(holds("on eq true or on eq false and count eq 0"));
    assert!(!holds("(on eq true or on eq false) and count eq 0"));
    assert!(holds("not count eq 0 and on eq true"));
}

#[test]
fn functions_lists_collections_and_enum_literals_are_evaluated() {
    assert!(holds(
        "startswith(name,'it') and contains(name, 'app') and endswith(name,'01')"
    ));
    assert!(holds("name in ('x','it''s app01')"));
    assert!(holds("ids eq 'b'"));
    assert!(holds("nics/any(n:n/net/id eq 'n-1')"));
    assert!(!holds("nics/any(n:n/net/id eq 'n-2')"));
    assert!(holds("name ne Vmm.Ahv.Config.PowerState'ON'"));
}

#[test]
fn an_invalid_filter_is_refused() {
    for text in [
        "name",
        "name eq",
        "name eq 'x",
        "name like 'x'",
        "eq 'x'",
        "(name eq 'x'",
        "name eq 'x') ",
        "upper(name) eq 'x'",
        "name in ()",
        "name eq 'a' 'b'",
        "#",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    assert_eq!(parse(&"(".repeat(1000)), Err(FilterError::TooDeep));
}
