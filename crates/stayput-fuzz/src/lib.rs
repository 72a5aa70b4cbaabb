//! Fuzz targets: bytes from outside are given to the code of the other crates that reads them.
//!
//! Each target is one function that takes bytes and panics when something is wrong. `fuzz/` at the root calls them from libFuzzer, and
//! `tests/corpus.rs` with the files of `fuzz/corpus` and a bounded number of mutations of each. Every target checks that the code does not
//! panic; what else it checks is in the documentation of its function. The clients and the lab run in one process, over their seams, and in
//! virtual time: nothing waits, and no socket is opened.

mod clients;
mod config;
mod lab;
mod ledger;
mod mutate;
mod recorded;
mod requests;
mod rule;
mod saved;
mod scenario;
mod stage;
mod text;
mod wires;

pub use clients::aws::aws;
pub use clients::mv::mv;
pub use clients::prism::prism;
pub use config::config;
pub use lab::lab_aws;
pub use lab::lab_move;
pub use lab::lab_prism;
pub use ledger::ledger;
pub use mutate::mutate;
pub use recorded::Seed;
pub use recorded::recorded;
pub use rule::rule;
pub use saved::plan;
pub use saved::world;
pub use scenario::scenario;

/// A fuzz target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name: of the function, of the file in `fuzz/fuzz_targets`, and of the folder in `fuzz/corpus`.
    pub name: &'static str,
    /// Gives it bytes; panics when something is wrong.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "aws",
        run: aws,
    },
    Target {
        name: "config",
        run: config,
    },
    Target {
        name: "lab_aws",
        run: lab_aws,
    },
    Target {
        name: "lab_move",
        run: lab_move,
    },
    Target {
        name: "lab_prism",
        run: lab_prism,
    },
    Target {
        name: "ledger",
        run: ledger,
    },
    Target {
        name: "mv",
        run: mv,
    },
    Target {
        name: "plan",
        run: plan,
    },
    Target {
        name: "prism",
        run: prism,
    },
    Target {
        name: "rule",
        run: rule,
    },
    Target {
        name: "scenario",
        run: scenario,
    },
    Target {
        name: "world",
        run: world,
    },
];
