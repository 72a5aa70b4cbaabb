//! The errors of an invalid `stayput.toml`: one broken file and one snapshot for each kind of error.
//!
//! After an intended change of a message: `INSTA_UPDATE=always cargo test -p stayput-estate --test config_errors`, then review
//! the difference.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::path::Path;

use insta::assert_snapshot;
use miette::GraphicalReportHandler;
use miette::GraphicalTheme;

use stayput_estate::ConfigErrors;
use stayput_estate::Reason;
use stayput_estate::ShapeFault;
use stayput_estate::TextFault;

/// A small estate without errors.
const GOOD: &str = include_str!("good.toml");

#[track_caller]
fn errors(text: &str) -> ConfigErrors {
    stayput_estate::parse("stayput.toml", text, Path::new("/etc/stayput"))
        .expect_err("the file was accepted")
}

#[track_caller]
fn rendered(text: &str) -> String {
    let mut out = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .with_links(false)
        .render_report(&mut out, &errors(text))
        .unwrap();
    out
}

/// Returns the good file with one text replaced, which must occur once.
#[track_caller]
fn with(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "`{from}` in good.toml");
    GOOD.replace(from, to)
}

/// Returns the errors of a file with the given replacement.
#[track_caller]
fn reasons(text: &str) -> Vec<Reason> {
    errors(text)
        .errors()
        .iter()
        .map(|error| error.reason().clone())
        .collect()
}

#[test]
fn the_good_file_is_valid() {
    stayput_estate::parse("stayput.toml", GOOD, Path::new("/etc/stayput")).unwrap();
}

/// One test and one snapshot for each broken file.
macro_rules! refused {
    ($($name:ident: $text:expr;)+) => {
        $(
            #[test]
            fn $name() {
                assert_snapshot!(rendered(&$text));
            }
        )+
    };
}

// Shape.
refused! {
    an_unclosed_string: with("name = \"small\"", "name = \"small");
    a_key_given_twice: with("retention = 2", "retention = 2\nretention = 3");
    a_missing_key: with("cidr = \"172.30.1.0/24\"\n", "");
    a_missing_table: with("[on-prem]\nprefixes = [\"10.0.0.0/16\"]\n", "");
    an_empty_file: "";
    a_missing_key_of_an_inline_table: with("source-provider = \"aws\", ", "");
    an_unknown_key: with("retention = 2", "retention = 2\nretension-days = 3");
    an_unknown_key_like_nothing: with("retention = 2", "retention = 2\nzzz = 3");
    an_unknown_table: with("[protection]", "[egde.x]\nkind = \"bgp-vpn\"\n[protection]");
    a_misspelt_required_key_once: with("cidr = \"172.30.1", "cdir = \"172.30.1");
    a_misspelt_wave_criterion_once: with("names = [\"web-*\"]", "name = [\"web-*\"]");
    an_unknown_key_of_an_inline_table: with("container = \"default\"", "contianer = \"default\"");
    a_wrong_type: with("rpo = \"1h\"", "rpo = 60");
    a_wrong_type_in_a_list: with("prefixes = [\"10.0.0.0/16\"]", "prefixes = [\"10.0.0.0/16\", 7]");
    a_string_where_a_table_is_wanted: with("prism = { url = \"https://prism.osaka.example:9440\" }", "prism = \"https://prism.osaka.example:9440\"");
    a_value_that_is_not_of_the_enum: with("kind = \"bgp-vpn\"", "kind = \"bpg-vpn\"");
    no_recovery_points: with("retention = 2", "retention = 0");
    a_number_too_large: with("retention = 2", "retention = 99_999_999_999_999_999_999");
    a_number_where_a_table_of_tables_is_wanted: with("[networks.app]", "[waves]\nfirst = 1\n[networks.app]").replace("[waves.first]\nids = [\"i-0a1\"]\n", "");
    a_number_as_the_value_of_a_tag: with("names = [\"web-*\"]", "tags = { Wave = 1 }");
    a_negative_number: with("retention = 2", "retention = -1");
}

// One value.
refused! {
    a_name_with_capitals: with("name = \"small\"", "name = \"Small Estate\"");
    a_network_name_with_a_dot: with("[networks.app]", "[networks.\"app.1\"]");
    an_empty_text: with("flow-vpc = \"prod-tokyo\"", "flow-vpc = \"\"");
    not_a_prefix: with("cidr = \"172.30.1.0/24\"", "cidr = \"172.30.1.0\"");
    host_bits: with("cidr = \"172.30.1.0/24\"", "cidr = \"172.30.1.34/24\"");
    a_prefix_with_leading_zeros: with("cidr = \"172.30.1.0/24\"", "cidr = \"172.030.010.0/24\"");
    an_address_with_leading_zeros: with("dns-servers = [\"10.101.0.2\"]", "dns-servers = [\"10.101.0.010\"]");
    a_name_as_dns_server: with("dns-servers = [\"10.101.0.2\"]", "dns-servers = [\"dns.example\"]");
    a_vpc_given_for_a_subnet: with("ec2-subnet = \"subnet-0a1\"", "ec2-subnet = \"vpc-0a1\"");
    an_attachment_given_for_a_transit_gateway: with("tgw = \"tgw-0a3\"\nflow", "tgw = \"tgw-attach-0a3\"\nflow");
    not_an_instance_id: with("ids = [\"i-0a1\"]", "ids = [\"web-server-1\"]");
    not_a_gateway_id: with("8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7", "dxgw-1");
    a_zone_given_for_a_region: with("region = \"ap-northeast-1\"\nvpc = \"vpc-0a1\"", "region = \"ap-northeast-1a\"\nvpc = \"vpc-0a1\"");
    not_a_region: with("region = \"ap-northeast-1\"\nvpc = \"vpc-0a1\"", "region = \"Tokyo\"\nvpc = \"vpc-0a1\"");
    a_url_without_tls: with("https://prism.osaka.example:9440", "http://prism.osaka.example:9440");
    a_url_with_a_path: with("https://prism.osaka.example:9440", "https://prism.osaka.example:9440/console");
    a_url_with_a_password: with("https://prism.osaka.example:9440", "https://admin:secret@prism.osaka.example:9440");
    an_rpo_below_a_minute: with("rpo = \"1h\"", "rpo = \"30s\"");
    an_rpo_of_zero: with("rpo = \"1h\"", "rpo = \"0m\"");
    an_rpo_that_is_no_duration: with("rpo = \"1h\"", "rpo = \"hourly\"");
    a_pause_in_hours: with("[protection]", "[engine]\npoll-interval = \"1h\"\n[protection]");
    a_category_prism_central_refuses: with("retention = 2", "retention = 2\ncategory = \"App/DR\"");
}

// Values with others.
refused! {
    no_network: with(networks(), "[networks]\n");
    no_source: with(source(), "[source]\n");
    two_sources: with(source(), &format!("{}\n[source.other]\nregion = \"ap-northeast-1\"\nvpc = \"vpc-0b1\"\ntgw = \"tgw-0a1\"\n", source()));
    a_source_named_like_a_site: with("[source.ec2]", "[source.tokyo]");
    no_on_prem_prefix: with("prefixes = [\"10.0.0.0/16\"]", "prefixes = []");
    on_prem_in_the_no_nat_subnet: with("prefixes = [\"10.0.0.0/16\"]", "prefixes = [\"100.64.0.0/10\"]");
    a_network_too_large: with("cidr = \"172.30.1.0/24\"", "cidr = \"172.28.0.0/15\"");
    a_network_too_small: with("cidr = \"172.30.1.0/24\"", "cidr = \"172.30.1.0/29\"");
    overlapping_networks: with("cidr = \"172.30.2.0/24\"", "cidr = \"172.30.0.0/16\"");
    a_network_that_overlaps_on_prem: with("cidr = \"172.30.1.0/24\"", "cidr = \"10.0.1.0/24\"");
    a_network_that_overlaps_the_no_nat_subnet: with("cidr = \"172.30.1.0/24\"", "cidr = \"100.64.0.0/16\"");
    one_subnet_for_two_networks: with("ec2-subnet = \"subnet-0a2\"", "ec2-subnet = \"subnet-0a1\"");
    an_unknown_site: with("primary = \"tokyo\"\nrecovery", "primary = \"tokio\"\nrecovery");
    the_source_as_primary: with("primary = \"tokyo\"\nrecovery", "primary = \"ec2\"\nrecovery");
    a_recovery_site_that_is_the_primary: with("recovery = \"osaka\"", "recovery = \"tokyo\"");
    a_recovery_site_on_the_same_transit_gateway: with("region = \"ap-northeast-3\"\nvpc = \"vpc-0a3\"\ntgw = \"tgw-0a3\"", "region = \"ap-northeast-1\"\nvpc = \"vpc-0a3\"\ntgw = \"tgw-0a1\"")
        .replace("tgw = \"tgw-0a3\"", "tgw = \"tgw-0a1\"").replace("ap-northeast-3", "ap-northeast-1");
    two_sites_in_one_vpc: with("vpc = \"vpc-0a3\"", "vpc = \"vpc-0a1\"");
    one_transit_gateway_in_two_regions: with("region = \"ap-northeast-3\"\nvpc", "region = \"ap-northeast-2\"\nvpc");
    a_test_vpc_that_is_productions: with("flow-vpc = \"prod-tokyo\"", "flow-vpc = \"prod-tokyo\"\ntest-vpc = \"prod-tokyo\"");
    a_flow_vpc_that_is_the_default_transit_vpc: with("flow-vpc = \"prod-tokyo\"", "flow-vpc = \"transit-vpc\"");
    a_wave_that_selects_nothing: with("names = [\"web-*\"]", "names = []");
    an_instance_in_two_waves: with("names = [\"web-*\"]", "ids = [\"i-0a1\"]");
    an_edge_on_a_transit_gateway_of_no_site: with("tgw = \"tgw-0a3\"\nattachment", "tgw = \"tgw-0a9\"\nattachment");
    two_edges_on_one_attachment: with("attachment = \"tgw-attach-0a3\"", "attachment = \"tgw-attach-0a1\"");
    a_key_of_another_kind_of_edge: with("kind = \"bgp-vpn\"", "kind = \"bgp-vpn\"\non-prem-routes = [\"172.30.0.0/16\"]");
    a_direct_connect_without_gateway: with("gateway = \"8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7\"\n", "");
    a_static_vpn_without_routes: with("kind = \"bgp-vpn\"", "kind = \"static-vpn\"");
}

const MOVE: &str = "move = { url = \"https://move.tokyo.example\", source-provider = \"aws\", target-provider = \"nc2-tokyo\", container = \"default\" }\n";

fn section(from: &str, to: &str) -> &'static str {
    &GOOD[GOOD.find(from).unwrap()..GOOD.find(to).unwrap()]
}

fn networks() -> &'static str {
    section("[networks.app]", "[waves.first]")
}

fn source() -> &'static str {
    section("[source.ec2]", "[sites.tokyo]")
}

#[test]
fn all_errors_are_reported_at_once_in_the_order_of_the_file() {
    let text = GOOD
        .replace("name = \"small\"", "nmae = \"small\"")
        .replace("10.0.0.0/16", "10.0.0.1/16")
        .replace("ec2-subnet = \"subnet-0a1\"", "ec2-subnet = 5")
        .replace("recovery = \"osaka\"", "recovery = \"kyoto\"")
        .replace("rpo = \"1h\"", "rpo = \"0m\"");
    assert_snapshot!(rendered(&text));
}

#[test]
fn errors_have_their_reason_as_data() {
    assert!(matches!(
        reasons(&with("rpo = \"1h\"", "rpo = 60")).as_slice(),
        [Reason::Shape(ShapeFault::WrongType { found, .. })] if found.id() == "type-integer"
    ));
    assert!(matches!(
        reasons(&with("cidr = \"172.30.1.0/24\"", "cidr = \"172.30.1.34/24\"")).as_slice(),
        [Reason::Text(TextFault::HostBits { meant, .. })] if meant.to_string() == "172.30.1.0/24"
    ));
}

#[test]
fn a_site_whose_machines_have_moved_needs_no_move_any_more() {
    let estate = stayput_estate::parse("stayput.toml", &with(MOVE, ""), Path::new("/work"));
    let estate = estate.unwrap();
    assert!(estate.sites[&"tokyo".into()].mv.is_none());
}

#[test]
fn a_position_is_what_an_editor_shows() {
    let errors = errors(&with("rpo = \"1h\"", "rpo = 60"));
    let position = errors.position(&errors.errors()[0]);
    let line = GOOD.lines().nth(position.line - 1).unwrap();
    assert_eq!((line, position.column), ("rpo = \"1h\"", 7));
}

#[test]
fn a_password_is_never_shown() {
    for scheme in ["https", "http"] {
        let url = format!("{scheme}://admin:secret@prism.osaka.example:9440");
        let text = with("https://prism.osaka.example:9440", &url);
        let shown = rendered(&text);
        assert!(!shown.contains("secret"), "{shown}");
    }
}

#[test]
fn a_misspelt_table_is_one_error() {
    for table in [
        "estate",
        "on-prem",
        "source",
        "sites",
        "networks",
        "waves",
        "edges",
        "protection",
    ] {
        let text = GOOD
            .replace(&format!("[{table}]"), &format!("[x{table}]"))
            .replace(&format!("[{table}."), &format!("[x{table}."));
        let reasons = reasons(&text);
        assert!(
            matches!(
                reasons.as_slice(),
                [Reason::Shape(ShapeFault::UnknownKey { .. })]
            ),
            "{reasons:#?}"
        );
    }
}

#[test]
fn an_absent_table_is_one_error() {
    for table in [
        "[estate]",
        "[on-prem]",
        "[source.",
        "[sites.",
        "[networks.",
        "[protection]",
    ] {
        let kept = GOOD.split("\n\n").filter(|part| !part.starts_with(table));
        let text = kept.collect::<Vec<_>>().join("\n\n");
        let reasons = reasons(&text);
        assert!(
            matches!(
                reasons.as_slice(),
                [Reason::Shape(ShapeFault::MissingKey { .. })]
            ),
            "{reasons:#?}"
        );
    }
}

#[test]
fn a_misspelt_move_is_not_also_reported_as_missing() {
    let text = with("move = {", "mvoe = {");
    assert!(matches!(
        reasons(&text).as_slice(),
        [Reason::Shape(ShapeFault::UnknownKey { .. })]
    ));
}

#[test]
fn a_site_of_a_wrong_type_does_not_make_its_name_unknown() {
    let text = with("recovery = \"osaka\"", "recovery = \"kyoto\"")
        .replace("[waves.first]", "[sites]\nkyoto = 3\n[waves.first]");
    assert!(matches!(
        reasons(&text).as_slice(),
        [Reason::Shape(ShapeFault::WrongType { .. })]
    ));
}
