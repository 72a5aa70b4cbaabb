//! Fault rules of the lab.

use stayput_lab::faults::Rule;

use crate::lab;
use crate::text::check_read_back;

/// Gives a text to the reader of fault rules, as JSON of the control API and as TOML of a scenario file, and lets the lab apply what is
/// accepted to some calls.
///
/// Checked: a rule that is written reads back equal; as for [`crate::lab_aws`], for calls to which the rule applies.
pub fn rule(data: &[u8]) {
    let json = serde_json::from_slice::<Rule>(data).ok();
    let toml = std::str::from_utf8(data).ok();
    let toml = toml.and_then(|text| toml::from_str::<Rule>(text).ok());
    for rule in [json, toml].into_iter().flatten() {
        check_read_back(&rule);
        lab::with_fault(rule);
    }
}
