//! Properties: a valid file is parsed as it was meant, and no text makes the parser panic.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use miette::GraphicalReportHandler;
use miette::GraphicalTheme;
use proptest::collection::btree_set;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::sample::select;

use stayput_estate::Cidr;
use stayput_estate::TEMPLATE;

/// The parts of a valid estate. Two sites are enough: checks between sites are between pairs.
#[derive(Debug, Clone)]
struct Pieces {
    name: String,
    sites: [String; 2],
    /// Names and lengths; each network is in a separate /16.
    networks: Vec<(String, u8, bool)>,
    waves: Vec<(String, u8)>,
    edges: Vec<(String, u8, u32)>,
    on_prem: Vec<u8>,
    rpo: (u32, &'static str),
    retention: u32,
    engine: Option<(u32, u32)>,
}

fn names(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    btree_set("[a-z0-9-]{1,40}", count)
        .prop_map(|names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

fn pieces() -> impl Strategy<Value = Pieces> {
    let sites = btree_set("[a-z0-9-]{1,39}", 2..3).prop_map(|names| {
        let names: Vec<String> = names.into_iter().collect();
        [names[0].clone(), names[1].clone()]
    });
    let networks = (names(1..6), vec((16u8..=28, any::<bool>()), 6));
    let waves = (names(0..5), vec(1u8..8, 5));
    let edges = (names(0..4), vec((0u8..3, any::<u32>()), 4));
    (
        "[a-z0-9-]{1,40}",
        sites,
        networks,
        waves,
        edges,
        vec(0u8..=255, 1..4),
        (1u32..10_000, select(vec!["m", "h", "d"])),
        1..=u32::MAX,
        prop::option::of((1u32..1000, 1u32..100_000)),
    )
        .prop_map(
            |(name, sites, networks, waves, edges, on_prem, rpo, retention, engine)| Pieces {
                name,
                sites,
                networks: zip(networks.0, networks.1)
                    .map(|(name, (len, recovers))| (name, len, recovers))
                    .collect(),
                waves: zip(waves.0, waves.1).collect(),
                edges: zip(edges.0, edges.1)
                    .map(|(name, (kind, preference))| (name, kind, preference))
                    .collect(),
                on_prem,
                rpo,
                retention,
                engine,
            },
        )
}

fn zip<A, B>(a: Vec<A>, b: Vec<B>) -> impl Iterator<Item = (A, B)> {
    a.into_iter().zip(b)
}

fn cidr(index: usize, len: u8) -> Cidr {
    Cidr::containing([172, 16 + u8::try_from(index).unwrap(), 77, 99].into(), len)
}

fn written(pieces: &Pieces) -> String {
    let mut text = String::new();
    let [first, second] = &pieces.sites;
    let prefixes: Vec<String> = pieces
        .on_prem
        .iter()
        .map(|b| format!("10.{b}.0.0/16"))
        .collect();
    writeln!(text, "[estate]\nname = {:?}", pieces.name).unwrap();
    writeln!(text, "[on-prem]\nprefixes = {prefixes:?}").unwrap();
    // The longest site name has 39 characters, so this one is unique.
    let source = format!("{first:x<40}");
    writeln!(
        text,
        "[source.{source}]\nregion = 'us-east-1'\nvpc = 'vpc-0'\ntgw = 'tgw-1'"
    )
    .unwrap();
    for (site, number, region) in [(first, 1, "us-east-1"), (second, 2, "eu-west-1")] {
        writeln!(
            text,
            "[sites.{site}]\nregion = '{region}'\nvpc = 'vpc-{number}'\ntgw = 'tgw-{number}'\nflow-vpc = 'prod'\n\
             prism = {{ url = 'https://pc{number}:9440' }}\n\
             move = {{ url = 'https://move', source-provider = 'a', target-provider = 'b' }}"
        )
        .unwrap();
    }
    for (index, (name, len, recovers)) in pieces.networks.iter().enumerate() {
        writeln!(
            text,
            "[networks.{name}]\ncidr = '{}'\nec2-subnet = 'subnet-{index}'\nprimary = '{first}'",
            cidr(index, *len)
        )
        .unwrap();
        if *recovers {
            writeln!(text, "recovery = '{second}'").unwrap();
        }
    }
    for (index, (name, criteria)) in pieces.waves.iter().enumerate() {
        writeln!(text, "[waves.{name}]").unwrap();
        if criteria & 1 != 0 {
            writeln!(text, "tags = {{ Wave = '{index}', \"a b\" = '' }}").unwrap();
        }
        if criteria & 2 != 0 {
            writeln!(text, "names = ['web-{index}*']").unwrap();
        }
        if criteria & 4 != 0 {
            writeln!(text, "ids = ['i-{index}']").unwrap();
        }
    }
    for (index, (name, kind, preference)) in pieces.edges.iter().enumerate() {
        let (number, region) = [(1, "us-east-1"), (2, "eu-west-1")][index % 2];
        writeln!(
            text,
            "[edges.{name}]\nregion = '{region}'\ntgw = 'tgw-{number}'\nattachment = 'tgw-attach-{index}'\n\
             local-preference = {preference}"
        )
        .unwrap();
        text.push_str(match kind {
            0 => "kind = 'bgp-vpn'\n",
            1 => "kind = 'static-vpn'\non-prem-routes = ['172.16.0.0/12']\n",
            _ => "kind = 'direct-connect'\ngateway = '8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7'\n",
        });
    }
    let (number, unit) = pieces.rpo;
    writeln!(
        text,
        "[protection]\nrpo = '{number}{unit}'\nretention = {}",
        pieces.retention
    )
    .unwrap();
    if let Some((concurrency, millis)) = pieces.engine {
        writeln!(
            text,
            "[engine]\nconcurrency = {concurrency}\npoll-interval = '{millis}ms'"
        )
        .unwrap();
    }
    text
}

/// Parses the text, and renders the errors.
fn parse_and_render(text: &str) {
    if let Err(errors) = stayput_estate::parse("stayput.toml", text, Path::new("")) {
        assert!(!errors.errors().is_empty());
        for error in errors.errors() {
            assert!(
                !error.to_string().contains("could not be read"),
                "{error}: {text}"
            );
            errors.position(error);
        }
        let mut out = String::new();
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .render_report(&mut out, &errors)
            .unwrap();
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, String),
    Remove(Index, usize),
    Repeat(Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bits = vec![
        "\"",
        "'",
        "[",
        "]",
        "[[",
        "{",
        "}",
        "=",
        ".",
        ",",
        "#",
        "\n",
        "é",
        "\u{feff}",
        "0x",
        "1e9",
        "true",
        "1979-05-27",
        "\"\"\"",
        "\\u0000",
        "name = 1\n",
        "[x]\n",
        "\"\" = 1\n",
        "[sites.\"a.b\"]\n",
        "@",
        "://",
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), select(bits)).prop_map(|(at, bit)| Mutation::Insert(at, bit.to_owned())),
        (any::<Index>(), 1usize..60).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

fn mutated(mut text: Vec<u8>, mutations: &[Mutation]) -> String {
    for mutation in mutations {
        if text.is_empty() {
            break;
        }
        match mutation {
            Mutation::Replace(at, byte) => {
                let at = at.index(text.len());
                text[at] = *byte;
            }
            Mutation::Insert(at, bit) => {
                let at = at.index(text.len());
                text.splice(at..at, bit.bytes());
            }
            Mutation::Remove(at, count) => {
                let at = at.index(text.len());
                let end = (at + count).min(text.len());
                text.drain(at..end);
            }
            Mutation::Repeat(from, to) => {
                let from = from.index(text.len());
                let to = to.index(text.len());
                let part = text[from..(from + 40).min(text.len())].to_vec();
                text.splice(to..to, part);
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The template without comments, in which nearly every byte has a meaning.
fn dense_template() -> String {
    let lines = TEMPLATE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn an_estate_of_valid_pieces_is_read_as_it_was_meant(pieces in pieces()) {
        let text = written(&pieces);
        let estate = stayput_estate::parse("stayput.toml", &text, Path::new("/etc"))
            .unwrap_or_else(|errors| panic!("{:#?}\n{text}", errors.errors()));
        prop_assert_eq!(&estate.name, &pieces.name);
        prop_assert_eq!(estate.sites.len(), 2);
        prop_assert_eq!(estate.on_prem.len(), pieces.on_prem.len());
        prop_assert_eq!(estate.networks.len(), pieces.networks.len());
        for (index, (name, len, recovers)) in pieces.networks.iter().enumerate() {
            let network = &estate.networks[&name.as_str().into()];
            prop_assert_eq!(network.cidr, cidr(index, *len));
            prop_assert_eq!(network.primary.as_str(), &pieces.sites[0]);
            prop_assert_eq!(network.recovery.is_some(), *recovers);
        }
        prop_assert_eq!(estate.waves.len(), pieces.waves.len());
        for (order, (name, _criteria)) in pieces.waves.iter().enumerate() {
            prop_assert_eq!(estate.waves[&name.as_str().into()].order, order);
        }
        prop_assert_eq!(estate.edges.len(), pieces.edges.len());
        for (name, _kind, preference) in &pieces.edges {
            prop_assert_eq!(estate.edges[&name.as_str().into()].local_preference, *preference);
        }
        prop_assert_eq!(estate.protection.retention, pieces.retention);
        prop_assert_eq!(estate.protection.rpo.as_secs() % 60, 0);
        prop_assert!(estate.protection.rpo.as_secs() >= u64::from(pieces.rpo.0) * 60);
    }

    #[test]
    fn a_mutilated_template_never_makes_the_parser_panic(mutations in vec(mutation(), 1..6), dense: bool) {
        let text = if dense { dense_template() } else { TEMPLATE.to_owned() };
        parse_and_render(&mutated(text.into_bytes(), &mutations));
    }

    #[test]
    fn a_changed_value_never_makes_the_parser_panic(line in any::<Index>(), value in "\\PC{0,30}") {
        let template = dense_template();
        let lines: Vec<&str> = template.lines().collect();
        let line = line.index(lines.len());
        let text: String = lines.iter().enumerate().fold(String::new(), |mut text, (index, old)| {
            match old.split_once(" = ") {
                Some((key, _)) if index == line => writeln!(text, "{key} = {value:?}").unwrap(),
                _ => writeln!(text, "{old}").unwrap(),
            }
            text
        });
        parse_and_render(&text);
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in "(?s).{0,200}") {
        parse_and_render(&text);
    }
}
