//! Scenario files of the lab.

use std::path::Path;

use stayput_lab::Lab;
use stayput_lab::Scenario;
use stayput_lab::clock::VTime;

use crate::stage::in_virtual_time;
use crate::wires::url_of;

/// When the lab begins.
const START: VTime = VTime(1_780_000_000_000);

/// Gives a text to the reader of scenario files, and builds the lab and the estate file of what is accepted.
///
/// Checked: the estate file of a scenario that is accepted is TOML.
pub fn scenario(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let scenario = match Scenario::from_text("fuzz", text) {
        Ok(scenario) => scenario,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error without a text");
            return;
        }
    };
    in_virtual_time(async {
        let lab = match Lab::new(&scenario, START, 1.0, None) {
            Ok(lab) => lab,
            Err(error) => {
                assert!(!error.to_string().is_empty(), "an error without a text");
                return;
            }
        };
        let dir = Path::new("/stayput-fuzz");
        let endpoints = lab.endpoints(&scenario, dir, url_of);
        if let Ok(text) = lab.estate_text(&scenario, &endpoints) {
            let table = toml::from_str::<toml::Table>(&text);
            assert!(table.is_ok(), "the estate file is not TOML: {table:?}");
            // Whether it is a valid estate depends on what the scenario says.
            let _ = stayput_estate::parse("stayput.toml", &text, dir);
        }
    });
}
