//! Users of services that only EC2 has.

use std::collections::BTreeSet;
use std::net::IpAddr;

use stayput_messages::Message;
use stayput_messages::list;

use crate::GuestReport;
use crate::Use;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;
use crate::advice::When;

/// Returns one advice for each service that is used, with its users.
pub(crate) fn advise(report: &GuestReport) -> Vec<Advice> {
    let services = [
        (Kind::UsesMetadata, service(254)),
        (Kind::UsesResolver, service(253)),
        (Kind::UsesTime, service(123)),
        (Kind::UsesActivation, service(250)),
    ];
    let resolvers = report
        .dns
        .iter()
        .flat_map(|dns| dns.servers.iter().chain(&dns.upstream));
    let resolvers: Vec<IpAddr> = resolvers.filter_map(|server| server.parse().ok()).collect();
    let mut found = Vec::new();
    for (what, addresses) in services {
        let is_of = |one: &&Use| {
            one.addresses
                .iter()
                .any(|address| addresses.contains(address))
        };
        let users: Vec<_> = report.uses.iter().filter(is_of).collect();
        let resolves = resolvers.iter().any(|server| addresses.contains(server));
        if users.is_empty() && !resolves {
            continue;
        }
        let names: BTreeSet<String> = users.iter().map(|one| user(one)).collect();
        let file = users.iter().find(|one| one.path.is_some());
        found.push(Advice {
            what,
            consequence: if resolves {
                Consequence::LosesDns
            } else {
                Consequence::LosesService
            },
            interface: None,
            path: file.and_then(|one| one.path.clone()),
            line: file.and_then(|one| one.line),
            fix: Fix {
                when: When::BeforeMove,
                commands: Vec::new(),
                note: note(what, &names),
            },
        });
    }
    found
}

/// The addresses of a service. Activation has two of IPv4.
fn service(number: u8) -> Vec<IpAddr> {
    let last = u16::from_str_radix(&number.to_string(), 16).unwrap_or_default();
    let mut all = vec![
        IpAddr::from([169, 254, 169, number]),
        IpAddr::from([0xfd00, 0xec2, 0, 0, 0, 0, 0, last]),
    ];
    if number == 250 {
        all.push(IpAddr::from([169, 254, 169, 251]));
    }
    all
}

/// Who uses it: program, file or key.
fn user(one: &Use) -> String {
    match (&one.process, &one.path) {
        (Some(process), _) => process.clone(),
        (None, Some(path)) => path.clone(),
        (None, None) => one.place.clone(),
    }
}

fn note(what: Kind, users: &BTreeSet<String>) -> Message {
    let users = if users.is_empty() {
        "-".to_owned()
    } else {
        list::commas(users)
    };
    match what {
        Kind::UsesResolver => Message::new("guest-fix-resolver").with("users", users),
        Kind::UsesTime => Message::new("guest-fix-time").with("users", users),
        Kind::UsesActivation => Message::new("guest-fix-activation").with("users", users),
        _ => Message::new("guest-fix-metadata").with("users", users),
    }
}
