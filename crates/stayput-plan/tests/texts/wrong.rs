//! What a verification finds wrong, in every form that its text has.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use insta::assert_snapshot;
use stayput_messages::Catalogue;
use stayput_plan::ExpectedRoute;
use stayput_plan::Obstacle;
use stayput_plan::Verification;
use stayput_plan::Wrong;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::Unobserved;
use stayput_world::aws::TgwTarget;

fn all() -> Vec<Wrong> {
    let (machine, label) = (|| "i-web".into(), || "web".to_owned());
    let network = "app".into();
    let not_running = |power: Option<&str>| Wrong::NotRunning {
        machine: machine(),
        label: label(),
        power: power.map(str::to_owned),
    };
    let addresses = |has: &[[u8; 4]]| Wrong::WrongAddresses {
        machine: machine(),
        label: label(),
        has: has.iter().copied().map(Into::into).collect(),
        wants: BTreeSet::from([[172, 30, 1, 4].into(), [172, 30, 1, 5].into()]),
    };
    let not_reached = |reply: bool| Wrong::NotReached {
        machine: machine(),
        label: label(),
        address: [172, 30, 1, 4].into(),
        verdict: "dropped".to_owned(),
        reply,
    };
    let no_route = |leads: Option<TgwTarget>| Wrong::NoRoute {
        route: ExpectedRoute {
            region: "ap-northeast-1".into(),
            table: "tgw-rtb-1".into(),
            cidr: "172.30.1.0/24".parse().expect("a prefix"),
            to: TgwTarget::Attachment("tgw-attach-1".into()),
        },
        leads,
    };
    vec![
        Wrong::Unobserved {
            system: Unobserved {
                system: System::PrismCentral("tokyo".into()),
                silence: Silence::Silent,
                why: "timed out".to_owned(),
            },
        },
        Wrong::NoMachines,
        Wrong::Unknown {
            obstacle: Box::new(Obstacle::NoMachines { network }),
        },
        Wrong::Elsewhere {
            machine: machine(),
            label: label(),
            at: "osaka".into(),
        },
        not_running(Some("off")),
        not_running(None),
        addresses(&[]),
        addresses(&[[172, 30, 1, 4], [172, 30, 1, 6]]),
        not_reached(false),
        not_reached(true),
        Wrong::ServedTwice {
            machine: machine(),
            label: label(),
            state: "running".to_owned(),
        },
        no_route(None),
        no_route(Some(TgwTarget::Blackhole)),
    ]
}

#[test]
fn everything_wrong_has_its_text_in_every_form() {
    let mut shown = String::new();
    for wrong in all() {
        assert_eq!(
            Catalogue::english().render(&wrong.message()),
            Ok(wrong.to_string())
        );
        let _ = writeln!(shown, "{wrong}");
    }
    let verification = Verification {
        machines: 1300,
        expected: 1284,
        found: 1200,
        addresses: 2000,
        delivered: 1,
        taken_as_down: ["tokyo-vpn".into()].into(),
        wrong: Vec::new(),
    };
    let _ = writeln!(shown, "{}", verification.summary());
    assert_snapshot!(shown);
}
