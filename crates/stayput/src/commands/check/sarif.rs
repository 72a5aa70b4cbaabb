//! The findings as SARIF 2.1.0 (OASIS), which code scanning services take.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use stayput_estate::Rule;
use stayput_plan::CheckFinding;

use super::report::docs;
use crate::ui;

/// The log of one run. Each finding names its object as a logical location, and the estate file as the file.
pub(super) fn log(file: &Path, found: &BTreeSet<CheckFinding>) -> String {
    let used: BTreeSet<Rule> = found.iter().map(|finding| finding.rule).collect();
    let rules: Vec<Value> = used
        .iter()
        .filter_map(|rule| found.iter().find(|finding| finding.rule == *rule))
        .map(|finding| {
            json!({
                "id": finding.rule,
                "shortDescription": { "text": finding.why },
                "helpUri": help(finding.rule),
                "defaultConfiguration": { "level": finding.severity.as_str() },
            })
        })
        .collect();
    let results: Vec<Value> = found.iter().map(|finding| result(file, finding)).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "stayput",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "results": results,
        }],
    });
    format!("{}\n", ui::clean_json(log.to_string()))
}

fn result(file: &Path, finding: &CheckFinding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.severity.as_str(),
        "message": { "text": format!("{}. {}.", finding.what, finding.remedy) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
            },
            "logicalLocations": [{
                "fullyQualifiedName": finding.object,
                "kind": "resource",
            }],
        }],
        // The same finding of the next run, also if there are several about one object.
        "partialFingerprints": { "ruleAndObject/v1": format!("{}/{}/{}", finding.rule, finding.object, finding.what) },
    });
    if let Some(accepted) = &finding.accepted {
        result["suppressions"] = json!([{
            "kind": "external",
            "justification": format!("{} (until {})", accepted.reason, accepted.until),
        }]);
    }
    result
}

/// A path as the relative or absolute reference that SARIF wants.
fn uri(file: &Path) -> String {
    let text = file.display().to_string();
    let text = text
        .replace('%', "%25")
        .replace(' ', "%20")
        .replace('#', "%23");
    match file.is_absolute() {
        true => format!("file://{text}"),
        false => text,
    }
}

fn help(rule: Rule) -> String {
    format!("{}/blob/main/{}", env!("CARGO_PKG_REPOSITORY"), docs(rule))
}
