//! The template and the JSON Schema agree with each other and with the parser.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use stayput_estate::EdgeKind;
use stayput_estate::Estate;
use stayput_estate::LedgerConfig;
use stayput_estate::LedgerTable;
use stayput_estate::TEMPLATE;
use stayput_estate::Trust;

fn parse(text: &str) -> Estate {
    stayput_estate::parse("stayput.toml", text, Path::new("/etc/stayput"))
        .unwrap_or_else(|errors| panic!("{:#?}", errors.errors()))
}

/// Returns the template with every optional setting enabled.
fn full_template() -> String {
    let lines = TEMPLATE.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => setting,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_template_is_valid() {
    let estate = parse(TEMPLATE);
    assert_eq!(estate.name, "tokyo-osaka");
    assert_eq!(estate.source.name.as_str(), "ec2");
    let tokyo = &estate.sites[&"tokyo".into()];
    assert_eq!(tokyo.transit_vpc, "transit-vpc");
    assert_eq!(tokyo.test_vpc, "stayput-test");
    assert_eq!(
        tokyo.prism.trust,
        Trust::CaFile(PathBuf::from("/etc/stayput/ca.pem"))
    );
    assert!(tokyo.mv.is_some());
    let app = &estate.networks[&"app".into()];
    assert_eq!(app.recovery, Some("osaka".into()));
    let dx = &estate.edges[&"tokyo-dx".into()];
    assert!(matches!(dx.kind, EdgeKind::DirectConnect { .. }));
    assert_eq!(dx.local_preference, 200);
    assert_eq!(estate.edges[&"osaka-vpn".into()].local_preference, 100);
    assert_eq!(estate.protection.rpo, Duration::from_secs(3600));
    assert_eq!(estate.protection.category, "StayputNetwork");
    assert_eq!(
        estate.ledger,
        LedgerConfig::Sqlite {
            path: PathBuf::from("/etc/stayput/stayput.db")
        }
    );
}

#[test]
fn waves_are_in_the_order_of_the_file() {
    let text = TEMPLATE.replace("[waves.first]", "[waves.zeroth]");
    let estate = parse(&text);
    assert_eq!(estate.waves[&"zeroth".into()].order, 0);
    assert_eq!(estate.waves[&"second".into()].order, 1);
}

#[test]
fn the_template_with_all_settings_enabled_is_valid() {
    // A ledger is of one kind.
    let file = "kind = \"sqlite\"\npath = \"stayput.db\"\n";
    let estate = parse(&full_template().replace(file, "kind = \"dynamodb\"\n"));
    assert_eq!(
        estate.ledger,
        LedgerConfig::DynamoDb(LedgerTable {
            name: "stayput".to_owned(),
            region: "ap-northeast-1".into(),
            others: vec!["ap-northeast-3".into()],
        })
    );
    assert_eq!(estate.aws.profile.as_deref(), Some("production"));
    assert!(matches!(
        estate.edges[&"osaka-static".into()].kind,
        EdgeKind::StaticVpn { .. }
    ));
}

#[test]
fn optional_tables_have_their_defaults() {
    let cut = TEMPLATE.find("[ledger]").unwrap();
    assert_eq!(parse(&TEMPLATE[..cut]), parse(TEMPLATE));
}

#[test]
fn the_defaults_in_the_schema_are_the_ones_in_use() {
    let schema = stayput_estate::json_schema();
    let engine = resolve(&schema, &schema["properties"]["engine"]);
    let default = |key: &str| engine["properties"][key]["default"].to_string();
    let cut = TEMPLATE.find("[engine]").unwrap();
    let written = format!(
        "{}[engine]\nconcurrency = {}\npoll-interval = {}\ncall-timeout = {}\n",
        &TEMPLATE[..cut],
        default("concurrency"),
        default("poll-interval"),
        default("call-timeout"),
    );
    assert_eq!(parse(&written), parse(&TEMPLATE[..cut]));
}

/// Returns the schema of a value, following its reference.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap();
            resolve(root, root.pointer(pointer).unwrap())
        }
        None => schema,
    }
}

/// Compares a document with its schema: every key must be known. Returns the used keys, as schema paths.
fn used_keys(
    root: &Value,
    schema: &Value,
    value: &toml::Value,
    path: &str,
    used: &mut Vec<String>,
) {
    let schema = resolve(root, schema);
    let toml::Value::Table(table) = value else {
        return;
    };
    for (key, value) in table {
        let known = schema.get("properties").and_then(|keys| keys.get(key));
        let (inner, path) = match known {
            Some(inner) => (inner, format!("{path}.{key}")),
            None => (
                schema
                    .get("additionalProperties")
                    .filter(|inner| inner.is_object())
                    .unwrap_or_else(|| panic!("{path}.{key} is not in the schema")),
                format!("{path}.*"),
            ),
        };
        used.push(path.clone());
        used_keys(root, inner, value, &path, used);
    }
}

fn all_keys(root: &Value, schema: &Value, path: &str, all: &mut Vec<String>) {
    let schema = resolve(root, schema);
    let properties = schema.get("properties").and_then(Value::as_object);
    for (key, inner) in properties.into_iter().flatten() {
        let path = format!("{path}.{key}");
        all.push(path.clone());
        all_keys(root, inner, &path, all);
    }
    if let Some(inner) = schema
        .get("additionalProperties")
        .filter(|inner| inner.is_object())
    {
        all_keys(root, inner, &format!("{path}.*"), all);
    }
}

#[test]
fn the_template_has_exactly_the_keys_of_the_schema() {
    let schema = stayput_estate::json_schema();
    let document: toml::Value = toml::from_str(&full_template()).unwrap();
    let mut used = Vec::new();
    used_keys(&schema, &schema, &document, "", &mut used);
    let mut all = Vec::new();
    all_keys(&schema, &schema, "", &mut all);
    assert!(all.len() > 50, "{all:?}");
    for key in all {
        assert!(used.contains(&key), "{key} is not in the template");
    }
}

#[test]
fn the_schema_describes_every_key_and_whether_it_is_required() {
    let schema = stayput_estate::json_schema();
    let network = resolve(
        &schema,
        &resolve(&schema, &schema["properties"]["networks"])["additionalProperties"],
    );
    assert_eq!(
        network["required"],
        serde_json::json!(["cidr", "ec2-subnet", "primary"])
    );
    assert_eq!(network["additionalProperties"], false);
    fn explained(root: &Value, schema: &Value, path: &str) {
        let schema = resolve(root, schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, inner) in properties.into_iter().flatten() {
            assert!(inner["description"].is_string(), "{path}.{key}");
            explained(root, inner, &format!("{path}.{key}"));
        }
        if let Some(inner) = schema.get("additionalProperties") {
            explained(root, inner, path);
        }
    }
    explained(&schema, &schema, "");
}

#[test]
fn the_schema_is_unchanged() {
    insta::assert_json_snapshot!(stayput_estate::json_schema());
}
