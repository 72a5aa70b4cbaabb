//! Tests of secondary addresses of interfaces.

use super::ok;
use super::refused;
use crate::aws::fixture::*;
use crate::state::LabState;

/// The interface of an instance.
fn eni(lab: &mut LabState, instance: &str) -> String {
    let filter = [
        ("Filter.1.Name", "attachment.instance-id"),
        ("Filter.1.Value.1", instance),
    ];
    ok(lab, TOKYO, "DescribeNetworkInterfaces", &filter).one("networkInterfaceId")
}

fn addresses(lab: &mut LabState, eni: &str) -> Vec<String> {
    let id = [("NetworkInterfaceId.1", eni)];
    let shown = ok(lab, TOKYO, "DescribeNetworkInterfaces", &id);
    let mut all = shown.all("privateIpAddress");
    all.dedup();
    all
}

#[test]
fn an_assigned_address_is_there_until_it_is_unassigned() {
    let mut lab = estate();
    let app = eni(&mut lab, APP);
    let before = addresses(&mut lab, &app);
    let params = [
        ("NetworkInterfaceId", app.as_str()),
        ("PrivateIpAddress.1", "172.30.1.99"),
    ];
    let answer = ok(&mut lab, TOKYO, "AssignPrivateIpAddresses", &params);
    assert_eq!(answer.all("privateIpAddress"), ["172.30.1.99"]);
    assert!(addresses(&mut lab, &app).contains(&"172.30.1.99".to_owned()));
    // What the interface has already stays, once.
    ok(&mut lab, TOKYO, "AssignPrivateIpAddresses", &params);
    assert_eq!(addresses(&mut lab, &app).len(), before.len() + 1);
    ok(&mut lab, TOKYO, "UnassignPrivateIpAddresses", &params);
    assert_eq!(addresses(&mut lab, &app), before);
    let code = refused(&mut lab, TOKYO, "UnassignPrivateIpAddresses", &params);
    assert_eq!(code, "InvalidParameterValue");
}

#[test]
fn ec2_chooses_free_addresses() {
    let mut lab = estate();
    let app = eni(&mut lab, APP);
    let params = [
        ("NetworkInterfaceId", app.as_str()),
        ("SecondaryPrivateIpAddressCount", "2"),
    ];
    let chosen = ok(&mut lab, TOKYO, "AssignPrivateIpAddresses", &params);
    let chosen = chosen.all("privateIpAddress");
    assert_eq!(chosen.len(), 2);
    let has = addresses(&mut lab, &app);
    assert!(
        chosen.iter().all(|address| has.contains(address)),
        "{has:?}"
    );
}

#[test]
fn an_address_of_another_interface_is_taken_over_only_if_asked() {
    let mut lab = estate();
    let [app, dmz] = [APP, DMZ].map(|instance| eni(&mut lab, instance));
    lab.region(TOKYO).enis.get_mut(&dmz).unwrap().subnet = EC2_APP.to_owned();
    let of = |eni: &str| {
        [
            ("NetworkInterfaceId".to_owned(), eni.to_owned()),
            ("PrivateIpAddress.1".to_owned(), "172.30.1.99".to_owned()),
            ("AllowReassignment".to_owned(), "false".to_owned()),
        ]
    };
    let texts = |params: &[(String, String); 3], may: &str| {
        let mut params = params.clone();
        params[2].1 = may.to_owned();
        params
    };
    let call = |lab: &mut LabState, params: &[(String, String); 3]| {
        let params: Vec<_> = params
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        super::call(lab, TOKYO, "AssignPrivateIpAddresses", &params).status
    };
    assert_eq!(call(&mut lab, &of(&app)), 200);
    assert_eq!(call(&mut lab, &of(&dmz)), 400);
    assert_eq!(call(&mut lab, &texts(&of(&dmz), "true")), 200);
    assert!(!addresses(&mut lab, &app).contains(&"172.30.1.99".to_owned()));
    assert!(addresses(&mut lab, &dmz).contains(&"172.30.1.99".to_owned()));
}

/// Call, parameters, and the code of the refusal.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn wrong_addresses_and_interfaces_are_refused() {
    let mut lab = estate();
    let app = eni(&mut lab, APP);
    let primary = ADDRESS.to_string();
    let service = lab.region(TOKYO).enis.get_mut(NC2_T_ENI).unwrap();
    service.requester_managed = true;
    let cases: [Case<'_>; 7] = [
        (
            "Assign",
            &[
                ("NetworkInterfaceId", &app),
                ("PrivateIpAddress.1", "10.0.0.1"),
            ],
            "InvalidParameterValue",
        ),
        (
            "Assign",
            &[("NetworkInterfaceId", &app), ("PrivateIpAddress.1", "x")],
            "InvalidParameterValue",
        ),
        (
            "Assign",
            &[("NetworkInterfaceId", &app)],
            "MissingParameter",
        ),
        (
            "Assign",
            &[
                ("NetworkInterfaceId", "eni-0bad0bad"),
                ("PrivateIpAddress.1", "172.30.1.99"),
            ],
            "InvalidNetworkInterfaceID.NotFound",
        ),
        (
            "Assign",
            &[
                ("NetworkInterfaceId", NC2_T_ENI),
                ("SecondaryPrivateIpAddressCount", "1"),
            ],
            "AuthFailure",
        ),
        (
            "Assign",
            &[
                ("NetworkInterfaceId", &app),
                ("PrivateIpAddress.1", "172.30.1.99"),
                ("DryRun", "true"),
            ],
            "DryRunOperation",
        ),
        (
            "Unassign",
            &[
                ("NetworkInterfaceId", &app),
                ("PrivateIpAddress.1", &primary),
            ],
            "InvalidParameterValue",
        ),
    ];
    let before = addresses(&mut lab, &app);
    for (verb, params, expected) in cases {
        let action = format!("{verb}PrivateIpAddresses");
        assert_eq!(
            refused(&mut lab, TOKYO, &action, params),
            expected,
            "{params:?}"
        );
    }
    assert_eq!(addresses(&mut lab, &app), before);
}
