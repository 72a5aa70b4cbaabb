//! Tests of expressions: by examples, and against a simple model.

use proptest::prelude::*;
use serde_json::Map;
use serde_json::json;

use super::*;
use crate::aws::dynamodb::value::item_from_json;
use crate::aws::dynamodb::value::item_to_json;
use serde_json::Value as Json;

fn object(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(map) => map,
        other => panic!("{other} is not an object"),
    }
}

fn item(json: Json) -> Item {
    item_from_json(&object(json)).unwrap()
}

fn sample() -> Item {
    item(json!({
        "pk": {"S": "web-01"},
        "epoch": {"N": "7"},
        "idle": {"BOOL": true},
        "tags": {"SS": ["a", "b"]},
        "nics": {"L": [{"M": {"ip": {"S": "172.30.1.10"}}}, {"M": {"ip": {"S": "172.30.3.20"}}}]},
        "place": {"M": {"region": {"S": "tokyo"}, "deep": {"N": "2"}}},
    }))
}

fn args(expression: &str, kind: Kind, values: Json, names: Json) -> Map<String, Json> {
    let mut members = Map::new();
    members.insert(kind.member().to_owned(), json!(expression));
    members.insert("ExpressionAttributeValues".to_owned(), values);
    members.insert("ExpressionAttributeNames".to_owned(), names);
    members
}

fn condition(expression: &str, values: Json) -> Result<bool, Fault> {
    let members = args(
        expression,
        Kind::Condition,
        values,
        json!({"#n": "pk", "#r": "region"}),
    );
    let mut bindings = Bindings::of(Args(&members))?;
    let condition = bindings
        .condition(Args(&members), Kind::Condition)?
        .unwrap();
    Ok(condition.holds(&sample()))
}

fn updated(expression: &str, values: Json) -> Result<Json, Fault> {
    let members = args(expression, Kind::Update, values, json!({"#r": "region"}));
    let mut bindings = Bindings::of(Args(&members))?;
    let update = bindings.update(Args(&members))?.unwrap();
    update.apply(&sample()).map(|item| item_to_json(&item))
}

#[test]
fn conditions_evaluate_as_documented() {
    for (expression, values, expected) in [
        ("#n = :v", json!({":v": {"S": "web-01"}}), true),
        ("#n <> :v", json!({":v": {"S": "web-01"}}), false),
        ("epoch = :v", json!({":v": {"N": "7.0"}}), true),
        ("epoch < :v", json!({":v": {"N": "10"}}), true),
        ("epoch < :v", json!({":v": {"S": "9"}}), false),
        ("absent = :v", json!({":v": {"S": ""}}), false),
        ("absent <> :v", json!({":v": {"S": ""}}), true),
        ("absent < :v", json!({":v": {"N": "1"}}), false),
        ("attribute_not_exists(absent)", json!({}), true),
        ("attribute_exists(place.#r)", json!({}), true),
        ("attribute_exists(nics[2])", json!({}), false),
        ("nics[1].ip = :v", json!({":v": {"S": "172.30.3.20"}}), true),
        (
            "epoch BETWEEN :a AND :b AND idle = :t",
            json!({":a": {"N": "7"}, ":b": {"N": "8"}, ":t": {"BOOL": true}}),
            true,
        ),
        (
            "epoch IN (:a, :b)",
            json!({":a": {"N": "1"}, ":b": {"N": "7"}}),
            true,
        ),
        ("NOT epoch = :v", json!({":v": {"N": "7"}}), false),
        (
            "not (epoch = :v or epoch = :w) and idle = :t",
            json!({":v": {"N": "1"}, ":w": {"N": "2"}, ":t": {"BOOL": true}}),
            true,
        ),
        ("begins_with(#n, :v)", json!({":v": {"S": "web"}}), true),
        ("contains(tags, :v)", json!({":v": {"S": "b"}}), true),
        ("contains(#n, :v)", json!({":v": {"S": "b-0"}}), true),
        ("size(nics) = :v", json!({":v": {"N": "2"}}), true),
        ("size(#n) > :v", json!({":v": {"N": "6"}}), false),
        ("size(epoch) > :v", json!({":v": {"N": "0"}}), false),
        ("attribute_type(tags, :v)", json!({":v": {"S": "SS"}}), true),
        // AND binds tighter than OR.
        (
            "idle = :t OR idle = :f AND idle = :f",
            json!({":t": {"BOOL": true}, ":f": {"BOOL": false}}),
            true,
        ),
    ] {
        assert_eq!(condition(expression, values), Ok(expected), "{expression}");
    }
}

#[test]
fn invalid_conditions_are_refused_with_dynamodbs_messages() {
    for (expression, values, message) in [
        (
            "owner = :v",
            json!({":v": {"S": "me"}}),
            "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: owner",
        ),
        (
            "epoch = :w",
            json!({":v": {"S": "me"}}),
            "Invalid ConditionExpression: An expression attribute value used in expression is not defined; attribute value: :w",
        ),
        (
            "#x = :v",
            json!({":v": {"S": "me"}}),
            "Invalid ConditionExpression: An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "epoch = ",
            json!({}),
            "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"= \"",
        ),
        (
            "epoch = :v )",
            json!({":v": {"N": "1"}}),
            "Invalid ConditionExpression: Syntax error; token: \")\", near: \":v )\"",
        ),
        (
            "exists(epoch)",
            json!({}),
            "Invalid ConditionExpression: Invalid function name; function: exists",
        ),
        (
            "list_append(epoch, epoch)",
            json!({}),
            "Invalid ConditionExpression: The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "attribute_exists(:v)",
            json!({":v": {"N": "1"}}),
            "Invalid ConditionExpression: Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "epoch BETWEEN :v AND :w",
            json!({":v": {"N": "2"}, ":w": {"N": "1"}}),
            "Invalid ConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower bound",
        ),
        (
            "  ",
            json!({}),
            "Invalid ConditionExpression: The expression can not be empty;",
        ),
    ] {
        let fault = condition(expression, values).unwrap_err();
        assert_eq!(
            (fault.code, fault.message.as_str()),
            ("ValidationException", message)
        );
    }
}

#[test]
fn placeholders_that_no_expression_uses_are_refused() {
    let members = object(json!({"ExpressionAttributeValues": {":a": {"N": "1"}}}));
    let fault = Bindings::of(Args(&members))
        .unwrap()
        .all_used()
        .unwrap_err();
    assert_eq!(
        fault.message,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a}"
    );
}

#[test]
fn updates_read_the_old_item_and_write_the_new_one() {
    let after = updated(
        "SET epoch = epoch + :one, old_epoch = epoch, place.#r = :r, nics[0].ip = :ip, nics[9] = :new, \
         seen = if_not_exists(seen, :zero), joined = list_append(:list, nics) \
         REMOVE place.deep, absent ADD tags :more DELETE gone :more",
        json!({
            ":one": {"N": "1"}, ":r": {"S": "osaka"}, ":ip": {"S": "x"}, ":new": {"S": "end"},
            ":zero": {"N": "0"}, ":list": {"L": [{"N": "1"}]}, ":more": {"SS": ["b", "c"]},
        }),
    )
    .unwrap();
    assert_eq!(after["epoch"], json!({"N": "8"}));
    assert_eq!(after["old_epoch"], json!({"N": "7"}));
    assert_eq!(after["place"], json!({"M": {"region": {"S": "osaka"}}}));
    assert_eq!(after["nics"]["L"][0], json!({"M": {"ip": {"S": "x"}}}));
    assert_eq!(after["nics"]["L"][2], json!({"S": "end"}));
    assert_eq!(after["seen"], json!({"N": "0"}));
    assert_eq!(after["joined"]["L"].as_array().unwrap().len(), 3);
    assert_eq!(after["tags"], json!({"SS": ["a", "b", "c"]}));
}

#[test]
fn removing_several_list_elements_uses_their_old_indices() {
    let after = updated("REMOVE nics[0], nics[1]", json!({})).unwrap();
    assert_eq!(after["nics"], json!({"L": []}));
}

#[test]
fn deleting_the_last_element_of_a_set_deletes_the_attribute() {
    let after = updated("DELETE tags :all", json!({":all": {"SS": ["a", "b", "z"]}})).unwrap();
    assert_eq!(after.get("tags"), None);
}

#[test]
fn invalid_updates_are_refused() {
    for (expression, values, part) in [
        ("SET a = :v, a.b = :v", json!({":v": {"N": "1"}}), "overlap"),
        (
            "SET a.b = :v, a[1] = :v",
            json!({":v": {"N": "1"}}),
            "conflict",
        ),
        (
            "SET x = :v SET y = :v",
            json!({":v": {"N": "1"}}),
            "can only be used once",
        ),
        ("SET x = absent", json!({}), "does not exist in the item"),
        (
            "SET absent.x = :v",
            json!({":v": {"N": "1"}}),
            "invalid for update",
        ),
        (
            "SET epoch = epoch + :v",
            json!({":v": {"S": "1"}}),
            "incorrect data type",
        ),
        (
            "ADD idle :v",
            json!({":v": {"N": "1"}}),
            "incorrect data type",
        ),
        (
            "ADD idle :v",
            json!({":v": {"S": "1"}}),
            "Incorrect operand type",
        ),
        (
            "SET name = :v",
            json!({":v": {"S": "1"}}),
            "reserved keyword: name",
        ),
        ("epoch = :v", json!({":v": {"S": "1"}}), "Syntax error"),
    ] {
        let fault = updated(expression, values).unwrap_err();
        assert!(fault.message.contains(part), "{expression}: {fault}");
    }
}

#[test]
fn a_projection_keeps_the_structure_of_the_item() {
    let members = args(
        "pk, place.#r, nics[1].ip, absent",
        Kind::Projection,
        json!({}),
        json!({"#r": "region"}),
    );
    let mut bindings = Bindings::of(Args(&members)).unwrap();
    let projection = bindings.projection(Args(&members)).unwrap().unwrap();
    assert_eq!(
        item_to_json(&projection.item(&sample())),
        json!({
            "pk": {"S": "web-01"},
            "place": {"M": {"region": {"S": "tokyo"}}},
            "nics": {"L": [{"M": {"ip": {"S": "172.30.3.20"}}}]},
        })
    );
}

#[test]
fn the_list_of_reserved_words_is_complete() {
    assert_eq!(RESERVED.lines().count(), 573);
    assert!(reserved("Name") && reserved("owner") && !reserved("epoch"));
}

/// Text made of tokens, so that random expressions resemble real ones.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("("),
        Just(")"),
        Just("AND"),
        Just("or"),
        Just("NOT"),
        Just("="),
        Just("<>"),
        Just("<="),
        Just(","),
        Just("BETWEEN"),
        Just("IN"),
        Just("size"),
        Just("contains"),
        Just("attribute_exists"),
        Just("a"),
        Just("#n"),
        Just(":v"),
        Just("."),
        Just("["),
        Just("]"),
        Just("3"),
        Just("+"),
        Just("SET"),
        Just("REMOVE"),
        Just("ADD"),
        Just("DELETE"),
        Just("if_not_exists"),
        Just("list_append"),
        Just("attribute_type"),
        Just("begins_with"),
    ];
    proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.join(" "))
}

fn parse_all(text: &str) {
    for kind in [Kind::Condition, Kind::Update, Kind::Projection] {
        let members = args(text, kind, json!({":v": {"N": "1"}}), json!({"#n": "name"}));
        let mut bindings = Bindings::of(Args(&members)).unwrap();
        match kind {
            Kind::Update => {
                if let Ok(Some(update)) = bindings.update(Args(&members)) {
                    let _ = update.apply(&sample());
                }
            }
            Kind::Projection => {
                if let Ok(Some(projection)) = bindings.projection(Args(&members)) {
                    projection.item(&sample());
                }
            }
            Kind::Condition | Kind::Filter | Kind::KeyCondition => {
                if let Ok(Some(condition)) = bindings.condition(Args(&members), kind) {
                    condition.holds(&sample());
                    let _ = key_condition::KeyCondition::of(condition, "a", Some("b"));
                }
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused_before_the_stack_overflows() {
    for text in ["(".repeat(4000), "NOT ".repeat(1000), "size(".repeat(800)] {
        assert!(condition(&text, json!({})).is_err());
    }
    let nested = format!("SET a = {}a", "list_append(".repeat(300));
    assert!(updated(&nested, json!({})).is_err());
}

proptest! {
    #[test]
    fn parsing_never_panics_on_any_text(text in "\\PC{0,60}") {
        parse_all(&text);
    }

    #[test]
    fn parsing_never_panics_on_any_tokens(text in tokens()) {
        parse_all(&text);
    }

    #[test]
    fn comparisons_of_numbers_agree_with_those_of_integers(a in -1000_i32..1000, b in -1000_i32..1000) {
        let values = json!({":a": {"N": a.to_string()}, ":b": {"N": format!("{b}.0")}});
        for (operator, expected) in [
            ("=", a == b), ("<>", a != b), ("<", a < b), ("<=", a <= b), (">", a > b), (">=", a >= b),
        ] {
            prop_assert_eq!(condition(&format!(":a {operator} :b"), values.clone()), Ok(expected));
        }
        let values = json!({":a": {"N": a.to_string()}, ":b": {"N": b.to_string()}, ":c": {"N": (b + 10).to_string()}});
        prop_assert_eq!(condition(":a BETWEEN :b AND :c", values), Ok((b..=b + 10).contains(&a)));
    }

    #[test]
    fn comparisons_of_texts_agree_with_those_of_their_bytes(a in "\\PC{0,6}", b in "\\PC{0,6}") {
        let values = json!({":a": {"S": a}, ":b": {"S": b}});
        let order = a.as_bytes().cmp(b.as_bytes());
        prop_assert_eq!(condition(":a < :b", values.clone()), Ok(order.is_lt()));
        prop_assert_eq!(condition(":a >= :b", values.clone()), Ok(order.is_ge()));
        prop_assert_eq!(condition("begins_with(:a, :b)", values.clone()), Ok(a.starts_with(&b)));
        prop_assert_eq!(condition("contains(:a, :b)", values), Ok(a.contains(&b)));
    }

    #[test]
    fn connectives_agree_with_those_of_rust(a: bool, b: bool, c: bool) {
        let values = json!({":a": {"BOOL": a}, ":b": {"BOOL": b}, ":c": {"BOOL": c}, ":t": {"BOOL": true}});
        prop_assert_eq!(
            condition(":a = :t OR :b = :t AND NOT :c = :t", values.clone()),
            Ok(a || b && !c)
        );
        prop_assert_eq!(condition("NOT (:a = :t OR :b = :t) AND :c = :t", values), Ok(!(a || b) && c));
    }
}
