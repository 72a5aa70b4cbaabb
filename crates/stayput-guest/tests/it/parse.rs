//! Reading the output of a command.

use crate::common;
use proptest::prelude::*;
use stayput_guest::Difference;
use stayput_guest::GuestReport;
use stayput_guest::ReportError;
use stayput_guest::advise;
use stayput_guest::compare;

const SMALL: &str = r#"{"stayput_guest":1,"os":"linux"}"#;

#[test]
fn a_report_is_found_between_other_lines_and_line_ends_of_windows() {
    let plain = GuestReport::parse(SMALL).unwrap();
    for output in [
        format!("\u{feff}{SMALL}\r\n"),
        format!("Warning: a\r\nb\r\n{SMALL}\r\n\r\nprofile loaded\n"),
        format!("prompt> {SMALL} trailing\n"),
        format!("{SMALL}\n{SMALL}\n"),
        "  {\"os\":\"linux\",\"stayput_guest\":1}".to_owned(),
    ] {
        assert_eq!(GuestReport::parse(&output).as_ref(), Ok(&plain), "{output}");
    }
}

#[test]
fn outputs_without_a_report_are_told_apart() {
    let error = |output: &str| GuestReport::parse(output).unwrap_err();
    assert_eq!(error(""), ReportError::Empty);
    assert_eq!(error("\u{feff} \r\n"), ReportError::Empty);
    let first = "bash: not found".to_owned();
    assert_eq!(error("bash: not found\n"), ReportError::NoReport { first });
    let found = "2".to_owned();
    assert_eq!(
        error(r#"{"stayput_guest":2}"#),
        ReportError::Version { found }
    );
    let found = "\"1\"".to_owned();
    assert_eq!(
        error(r#"{"stayput_guest":"1"}"#),
        ReportError::Version { found }
    );
    let other = r#"{"stayput_guest":1,"os":"windows"}"#;
    assert_eq!(
        error(&format!("{SMALL}\n{other}")),
        ReportError::Several { reports: 2 }
    );
    assert!(matches!(
        error(r#"{"stayput_guest":1,x}"#),
        ReportError::NotJson { .. }
    ));
}

#[test]
fn an_output_that_is_cut_off_is_said_to_be_cut() {
    let whole = common::output("ubuntu-22.04-cloud-init");
    let half = &whole[..whole.len() / 2];
    let characters = half.len();
    assert_eq!(
        GuestReport::parse(half),
        Err(ReportError::Cut { characters })
    );
    // Systems Manager puts a mark of its own behind the first 24,000 characters.
    let long = format!("{{\"stayput_guest\":1,\"hosts\":[\"{}", "x".repeat(24_000));
    let marked = format!("{}---Output truncated---", &long[..24_000]);
    assert!(matches!(
        GuestReport::parse(&marked),
        Err(ReportError::Cut { .. })
    ));
    let marked = format!("{}\n---Output truncated---\n", &long[..24_000]);
    assert!(matches!(
        GuestReport::parse(&marked),
        Err(ReportError::Cut { .. })
    ));
}

#[test]
fn values_that_are_not_valid_become_problems_and_the_rest_is_read() {
    let output = r#"{"stayput_guest":1,"os":"linux","new_member":[1],
        "identity":{"instance_id":"vpc-1","region":"ap-northeast-1","private_ip":"10.0.0.256"},
        "interfaces":[
            {"name":"ens5","mac":"06:93:3d","device":"x","addresses":[{"address":"10.0.0.4/24"},{"address":"nothing"}]},
            {"name":"ens6","mac":"","device":"y","addresses":[{"address":"10.0.1.4","origin":"odd"}]}],
        "routes":["default via 10.0.0.1",7],"files":null}"#;
    let report = GuestReport::parse(&output.replace('\n', "")).unwrap();
    let members: Vec<_> = report
        .problems
        .iter()
        .map(|problem| problem.member.as_str())
        .collect();
    for member in [
        "identity.instance_id",
        "identity.private_ip",
        "interfaces[0].mac",
        "interfaces[0].addresses[1].address",
        "routes[1]",
        "files",
    ] {
        assert!(members.contains(&member), "{member} in {members:?}");
    }
    let identity = report.identity.as_ref().unwrap();
    assert_eq!(identity.region, Some("ap-northeast-1".into()));
    assert_eq!(
        (identity.instance_id.as_ref(), identity.private_ip),
        (None, None)
    );
    assert_eq!(report.interfaces[0].ipv4().count(), 1);
    assert_eq!(report.interfaces[1].ipv4().count(), 1);
    assert_eq!(report.routes, ["default via 10.0.0.1"]);
    // Each is also an advice: nothing is fine that was not read.
    assert!(
        advise(&report)
            .iter()
            .any(|advice| advice.path.as_deref() == Some("files"))
    );
}

#[test]
fn a_report_that_only_says_why_it_is_empty_is_not_taken_for_fine() {
    let output =
        r#"{"stayput_guest":1,"os":"linux","failed":[{"part":"all","why":"awk was not found"}]}"#;
    let report = GuestReport::parse(output).unwrap();
    let found: Vec<_> = advise(&report).iter().map(common::shown).collect();
    for part in ["all", "interfaces", "drivers"] {
        assert!(
            found.contains(&format!("NotRead Unknown {part}")),
            "{part} in {found:?}"
        );
    }
}

#[test]
fn a_stored_report_is_the_same_when_it_is_read_again() {
    for name in common::LINUX {
        let report = common::linux(name);
        let stored = serde_json::to_string(&report).unwrap();
        assert_eq!(
            serde_json::from_str::<GuestReport>(&stored).unwrap(),
            report
        );
        assert_eq!(GuestReport::parse(&stored).unwrap(), report);
    }
}

/// Changes one byte, removes a part, or repeats one.
fn mutated(text: &str, at: usize, length: usize, kind: u8, byte: u8) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = at % bytes.len();
    let end = (at + length).min(bytes.len());
    match kind {
        0 => bytes[at] = byte,
        1 => drop(bytes.drain(at..end)),
        _ => {
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_panic(text in ".*") {
        let _ = GuestReport::parse(&text);
        let _ = GuestReport::parse(&format!("{{\"stayput_guest\":1,{text}"));
    }

    #[test]
    fn changed_reports_are_read_judged_or_refused_without_panic(
        fixture in 0..common::LINUX.len(),
        at: usize,
        length in 1usize..200,
        kind in 0u8..3,
        byte: u8,
    ) {
        let text = mutated(&common::output(common::LINUX[fixture]), at, length, kind, byte);
        if let Ok(report) = GuestReport::parse(&text) {
            for advice in advise(&report) {
                prop_assert!(!advice.message().to_string().is_empty());
            }
            let facts = common::facts();
            for difference in compare(&common::id(), &facts, &report) {
                prop_assert!(!difference.message().to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_text_of_a_configuration_file_is_judged_without_panic(
        kind in prop::sample::select(&["netplan", "networkd", "ifcfg", "wicked", "keyfile", "ifupdown", "udev", "cloud-init"][..]),
        path in prop::sample::select(&["/etc/x", "/etc/ifcfg-a", "/run/a.network", "/etc/a.link", "/etc/a.network.d/b.conf", "/etc/iftab"][..]),
        text in "([\\[\\]{}&*:=,.'\"\\\\ \n\t/!#-]|[a-z]{1,9}|[0-9]{1,3}|iface|up ip route add|network:\n|NAME=)*",
    ) {
        let report = common::with_files(&[(kind, path, &text)]);
        for advice in advise(&report) {
            prop_assert!(!advice.fix.note.to_string().is_empty());
        }
    }

    #[test]
    fn the_case_of_mac_addresses_does_not_change_anything(fixture in 0..common::LINUX.len()) {
        let lower = common::output(common::LINUX[fixture]);
        let upper = lower.replace("06:93:3d:7a:be", "06:93:3D:7A:BE");
        prop_assert_ne!(&upper, &lower);
        let judged = |text: &str| {
            let report = GuestReport::parse(text).unwrap();
            let shown: Vec<_> = advise(&report).iter().map(common::shown).collect();
            let differences: Vec<Difference> = compare(&common::id(), &common::facts(), &report);
            (shown, differences)
        };
        prop_assert_eq!(judged(&lower), judged(&upper));
    }
}
