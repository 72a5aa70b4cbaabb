//! The planner judged from outside: what plans say, what they may never do, and that planning again is resuming.
//!
//! [`fixture`] builds estate, world and facts; [`apply`] makes a step true in them, so whole runs, killed runs and runs in other
//! orders happen as data. After a wanted change of a text: `INSTA_UPDATE=always cargo test -p stayput-plan --test planner`,
//! then read the difference.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod apply;
mod captured;
mod check;
mod clean_up;
mod existence;
mod fixture;
mod identity;
mod invariants;
mod leave_out;
mod leaving;
mod left_over;
mod nics;
mod obstacles;
mod orders;
mod partial;
mod places;
mod plans;
mod preflight;
mod repairs;
mod resume;
mod rollback;
mod search;
mod verified;
mod ways;

use proptest::test_runner::Config;

/// So many cases as a rule, as many as `PROPTEST_CASES` says for a long look.
fn cases(usual: u32) -> Config {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        Config::default()
    } else {
        Config::with_cases(usual)
    }
}
