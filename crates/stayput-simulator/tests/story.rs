//! The whole story in virtual time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use stayput_simulator::Disaster;
use stayput_simulator::Setting;
use stayput_simulator::tell;

fn setting(seed: u64) -> Setting {
    Setting {
        scenario: "tokyo-osaka".to_owned(),
        machines: None,
        seed,
    }
}

#[test]
fn the_whole_story_without_faults_keeps_every_promise() {
    let outcome = tell(&setting(1), &Disaster::default()).unwrap();
    for told in &outcome.told {
        println!("{} {} {:?}", told.at, told.command, told.end);
    }
    println!(
        "{} calls, {} writes, {} looks, {} virtual s",
        outcome.calls.len(),
        outcome.writes,
        outcome.looks,
        outcome.virtual_secs
    );
    assert_eq!(outcome.violations, []);
    assert_eq!(outcome.stuck, None);
}
