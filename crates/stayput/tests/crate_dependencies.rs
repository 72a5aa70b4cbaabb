//! Checks the crate diagram of ARCHITECTURE.md: the dependencies between crates, and what the pure crates must not use.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;
use cargo_metadata::MetadataCommand;

/// The crates of this project that each crate may use. Dev-dependencies are not restricted.
const MAY_USE: &[(&str, &[&str])] = &[
    ("stayput-ambient", &[]),
    ("stayput-messages", &[]),
    ("stayput-estate", &["stayput-messages"]),
    ("stayput-world", &["stayput-estate", "stayput-messages"]),
    (
        "stayput-fabric",
        &["stayput-estate", "stayput-world", "stayput-messages"],
    ),
    (
        "stayput-plan",
        &[
            "stayput-estate",
            "stayput-world",
            "stayput-guest",
            "stayput-fabric",
            "stayput-messages",
        ],
    ),
    (
        "stayput-discovery",
        &["stayput-estate", "stayput-world", "stayput-messages"],
    ),
    (
        "stayput-guest",
        &["stayput-estate", "stayput-world", "stayput-messages"],
    ),
    (
        "stayput-ledger",
        &[
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
            "stayput-plan",
        ],
    ),
    (
        "stayput-aws",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
        ],
    ),
    (
        "stayput-dynamodb",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-messages",
            "stayput-ledger",
            "stayput-aws",
        ],
    ),
    (
        "stayput-nutanix",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
        ],
    ),
    (
        "stayput-engine",
        &[
            "stayput-guest",
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
            "stayput-fabric",
            "stayput-plan",
            "stayput-ledger",
            "stayput-aws",
            "stayput-nutanix",
        ],
    ),
    // Never fabric or plan: it is the second, independent implementation of routing.
    (
        "stayput-lab",
        &["stayput-estate", "stayput-world", "stayput-messages"],
    ),
    // Nor does the third implementation: it makes the lab's state true for real packets.
    ("stayput-dataplane", &["stayput-estate", "stayput-lab"]),
    // Rehearses the procedure in the lab: only here and in tests are both implementations of routing used together.
    (
        "stayput-rehearsal",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
            "stayput-fabric",
            "stayput-plan",
            "stayput-ledger",
            "stayput-aws",
            "stayput-nutanix",
            "stayput-engine",
            "stayput-lab",
            "stayput-dataplane",
        ],
    ),
    // Never fabric: its judge walks packets with the lab.
    (
        "stayput-simulator",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-messages",
            "stayput-plan",
            "stayput-ledger",
            "stayput-aws",
            "stayput-nutanix",
            "stayput-engine",
            "stayput-lab",
        ],
    ),
    // Reads with every crate that reads bytes from outside. No crate uses it.
    (
        "stayput-fuzz",
        &[
            "stayput-ambient",
            "stayput-estate",
            "stayput-world",
            "stayput-plan",
            "stayput-ledger",
            "stayput-aws",
            "stayput-nutanix",
            "stayput-engine",
            "stayput-lab",
        ],
    ),
];

const PURE: &[&str] = &[
    "stayput-estate",
    "stayput-messages",
    "stayput-world",
    "stayput-fabric",
    "stayput-plan",
    "stayput-discovery",
    "stayput-guest",
];

/// Crates that bring a runtime, a clock, randomness or IO.
const IMPURE: &[&str] = &[
    "tokio",
    "futures",
    "async-std",
    "smol",
    "mio",
    "hyper",
    "reqwest",
    "jiff",
    "chrono",
    "time",
    "rand",
    "getrandom",
    "uuid",
    "rusqlite",
    "tempfile",
    "socket2",
    "rustls",
    "ring",
];

#[test]
fn crates_use_only_the_dependencies_in_the_map() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let rules: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    for package in &metadata.packages {
        let Some(allowed) = rules.get(package.name.as_str()) else {
            assert_eq!(
                package.name.as_str(),
                "stayput",
                "a crate without a place on the map"
            );
            continue;
        };
        let ours = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| name.starts_with("stayput"));
        for used in ours {
            assert!(
                allowed.contains(&used),
                "{} must not use {used}",
                package.name
            );
        }
    }
}

#[test]
fn pure_crates_depend_on_no_runtime_clock_or_io_crate() {
    let metadata = MetadataCommand::new().exec().unwrap();
    let resolve = metadata.resolve.as_ref().unwrap();
    let name: BTreeMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package.name.as_str()))
        .collect();
    let uses: BTreeMap<_, Vec<_>> = resolve
        .nodes
        .iter()
        .map(|node| {
            let normal = node.deps.iter().filter(|dep| {
                dep.dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
            });
            (&node.id, normal.map(|dep| &dep.pkg).collect())
        })
        .collect();
    for pure in PURE {
        let start = name.iter().find(|(_, package)| *package == pure).unwrap().0;
        let (mut seen, mut open) = (BTreeSet::new(), vec![*start]);
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(uses.get(id).into_iter().flatten());
            }
        }
        for id in seen {
            assert!(!IMPURE.contains(&name[id]), "{pure} uses {}", name[id]);
        }
    }
}

#[test]
fn pure_crates_use_no_clock_file_network_or_environment() {
    const FORBIDDEN: &[&str] = &[
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "std::env",
        "SystemTime",
        "Instant::now",
        "std::thread",
        "std::process",
        "async fn",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for pure in PURE {
        let mut open = vec![root.join(pure).join("src")];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                for line in code {
                    for word in FORBIDDEN {
                        assert!(!line.contains(word), "{}: {line}", path.display());
                    }
                }
            }
        }
    }
}

#[test]
fn engine_and_clients_use_no_other_source_of_time_randomness_or_tasks() {
    const FORBIDDEN: &[&str] = &[
        "Timestamp::now",
        "SystemTime::now",
        "std::time::Instant",
        "Uuid::new_v4",
        "tokio::spawn",
        "spawn_blocking",
        "std::thread",
        "JoinSet",
    ];
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for simulated in ["stayput-aws", "stayput-nutanix", "stayput-engine"] {
        let mut open = vec![root.join(simulated).join("src")];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let inside = std::fs::read_dir(path).unwrap();
                open.extend(inside.map(|entry| entry.unwrap().path()));
                continue;
            }
            // The servers of tests spawn tasks.
            if path.ends_with("testing.rs") || path.ends_with("tests.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default();
            for word in FORBIDDEN {
                assert!(!code.contains(word), "{}: {word}", path.display());
            }
            for inside in code.split("select! {").skip(1) {
                let first = inside.lines().nth(1).unwrap_or_default();
                assert_eq!(first.trim(), "biased;", "{}", path.display());
            }
        }
    }
}
