//! The findings as SARIF 2.1.0 (OASIS), which code scanning services take.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use stayput_estate::Rule;
use stayput_plan::CheckFinding;

use super::report::docs;

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
    format!("{log:#}\n")
}

fn result(file: &Path, finding: &CheckFinding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.severity.as_str(),
        "message": { "text": format!("{}. {}.", finding.what, finding.remedy) },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": file.display().to_string() },
            },
            "logicalLocations": [{
                "fullyQualifiedName": finding.object,
                "kind": "resource",
            }],
        }],
        // The same finding of the next run, whatever its words.
        "partialFingerprints": { "ruleAndObject/v1": format!("{}/{}", finding.rule, finding.object) },
    });
    if let Some(accepted) = &finding.accepted {
        result["suppressions"] = json!([{
            "kind": "external",
            "justification": format!("{} (until {})", accepted.reason, accepted.until),
        }]);
    }
    result
}

fn help(rule: Rule) -> String {
    format!("{}/blob/main/{}", env!("CARGO_PKG_REPOSITORY"), docs(rule))
}
