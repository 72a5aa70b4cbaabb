//! Sites and regions that go down and return, and what people do.

use std::time::Duration;

use serde_json::json;
use stayput_lab::Availability;
use stayput_lab::Exchange;
use stayput_lab::OperatorError;
use stayput_lab::Power;
use stayput_lab::Service;

use crate::fixture::MOVE_TOKYO;
use crate::fixture::OSAKA;
use crate::fixture::PRISM_OSAKA;
use crate::fixture::PRISM_TOKYO;
use crate::fixture::TOKYO;
use crate::fixture::VMS;
use crate::fixture::answer;
use crate::fixture::ec2;
use crate::fixture::lab;
use crate::fixture::lab_with;
use crate::fixture::mv;
use crate::fixture::pass;
use crate::fixture::prism;
use crate::fixture::vm_names;

#[tokio::test(start_paused = true)]
async fn a_site_that_is_down_is_silent_and_returns_with_its_old_state() {
    let lab = lab();
    let vms = vm_names(&lab, PRISM_TOKYO).await;
    let before = lab.with(|state| state.set_site("tokyo", Availability::Down));
    assert_eq!(before, Ok(Availability::Up));
    let list = prism("GET", VMS, &json!(null));
    assert_eq!(lab.exchange(PRISM_TOKYO, &list).await, Exchange::Silent);
    let login = mv("POST", "/users/login", &json!({}));
    assert_eq!(lab.exchange(MOVE_TOKYO, &login).await, Exchange::Silent);
    assert!(!vm_names(&lab, PRISM_OSAKA).await.is_empty());
    // AWS in the region of the site is up.
    answer(&lab, Service::Aws, &ec2(TOKYO, "Action=DescribeVpcs")).await;

    let before = lab.with(|state| state.set_site("tokyo", Availability::Up));
    assert_eq!(before, Ok(Availability::Down));
    assert_eq!(vm_names(&lab, PRISM_TOKYO).await, vms);
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_down_is_silent_with_its_sites() {
    let lab = lab();
    lab.with(|state| state.set_region(OSAKA, Availability::Down))
        .unwrap();
    let list = prism("GET", VMS, &json!(null));
    assert_eq!(lab.exchange(PRISM_OSAKA, &list).await, Exchange::Silent);
    let describe = |region| ec2(region, "Action=DescribeVpcs");
    let exchange = lab.exchange(Service::Aws, &describe(OSAKA)).await;
    assert_eq!(exchange, Exchange::Silent);
    answer(&lab, Service::Aws, &describe(TOKYO)).await;
    lab.with(|state| state.set_region(OSAKA, Availability::Up))
        .unwrap();
    answer(&lab, Service::Aws, &describe(OSAKA)).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_in_a_region_that_is_down_waits_until_it_is_up() {
    let lab = lab();
    let (id, _) = lab
        .with(|state| state.set_vm_power("mgmt-monitor", Some("tokyo"), Power::On))
        .unwrap();
    let path = format!("{VMS}/{}", id.vm);
    let read = answer(&lab, PRISM_TOKYO, &prism("GET", &path, &json!(null))).await;
    let mut off = prism("POST", &format!("{path}/$actions/power-off"), &json!({}));
    let etag = read.header("etag").unwrap().to_owned();
    off.headers.insert("if-match".to_owned(), etag);
    assert_eq!(answer(&lab, PRISM_TOKYO, &off).await.status, 202);
    let is_on = || lab.with(|state| state.pcs[1].vms[&id.vm].on);
    lab.with(|state| state.set_region(TOKYO, Availability::Down))
        .unwrap();
    pass(Duration::from_secs(3600)).await;
    assert!(is_on());
    lab.with(|state| state.set_region(TOKYO, Availability::Up))
        .unwrap();
    pass(Duration::from_secs(120)).await;
    assert!(!is_on());
}

#[tokio::test(start_paused = true)]
async fn an_instance_in_a_region_that_is_down_stops_when_it_is_up() {
    let lab = lab();
    let (instance, _) = lab
        .with(|state| state.set_instance("web-01", Power::Off))
        .unwrap();
    lab.with(|state| state.set_region(TOKYO, Availability::Down))
        .unwrap();
    pass(Duration::from_secs(3600)).await;
    let state_of = || {
        lab.with(|state| {
            state.aws.regions[TOKYO].instances[&instance.instance]
                .state
                .name()
        })
    };
    assert_eq!(state_of(), "stopping");
    lab.with(|state| state.set_region(TOKYO, Availability::Up))
        .unwrap();
    pass(Duration::from_secs(120)).await;
    assert_eq!(state_of(), "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_hangs_is_lost_when_its_site_is_down_then() {
    let lab = lab_with("call = 'POST *'\nhang = true\napplied-after = '10s'");
    let create = json!({ "key": "owner", "value": "us" });
    let create = prism("POST", crate::fixture::CATEGORIES, &create);
    assert_eq!(lab.exchange(PRISM_TOKYO, &create).await, Exchange::Silent);
    lab.with(|state| state.set_region(TOKYO, Availability::Down))
        .unwrap();
    pass(Duration::from_secs(20)).await;
    lab.with(|state| state.set_region(TOKYO, Availability::Up))
        .unwrap();
    assert!(!crate::fixture::has_category(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_a_site_or_region_down_for_a_time() {
    let lab = lab_with("site = 'tokyo'\nnth = 2\nsite-down = 'tokyo'\ndown-for = '10m'");
    let list = prism("GET", VMS, &json!(null));
    answer(&lab, PRISM_TOKYO, &list).await;
    assert_eq!(lab.exchange(PRISM_TOKYO, &list).await, Exchange::Silent);
    pass(Duration::from_secs(599)).await;
    assert_eq!(lab.exchange(PRISM_TOKYO, &list).await, Exchange::Silent);
    pass(Duration::from_secs(1)).await;
    answer(&lab, PRISM_TOKYO, &list).await;

    // A call to another place is answered; the region then stays down.
    let lab = lab_with("site = 'tokyo'\nregion-down = 'ap-northeast-3'");
    answer(&lab, PRISM_TOKYO, &list).await;
    pass(Duration::from_secs(86_400)).await;
    assert_eq!(lab.exchange(PRISM_OSAKA, &list).await, Exchange::Silent);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_delayed_into_an_outage_is_not_applied() {
    let lab = lab_with("call = 'POST *'\ndelay-request = '10s'");
    let create = prism(
        "POST",
        crate::fixture::CATEGORIES,
        &json!({ "key": "owner", "value": "us" }),
    );
    let outage = async {
        pass(Duration::from_secs(5)).await;
        lab.with(|state| state.set_site("tokyo", Availability::Down))
    };
    let (exchange, _) = tokio::join!(lab.exchange(PRISM_TOKYO, &create), outage);
    assert_eq!(exchange, Exchange::Silent);
    lab.with(|state| state.set_site("tokyo", Availability::Up))
        .unwrap();
    assert!(!crate::fixture::has_category(&lab).await);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_place_or_machine_is_refused_with_the_known_names() {
    let lab = lab();
    lab.with(|state| {
        let wrong = state.set_site("tokio", Availability::Down).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "no site is called `tokio`; did you mean `tokyo`?"
        );
        let wrong = state.set_site(TOKYO, Availability::Down).unwrap_err();
        assert!(wrong.to_string().contains("it is a region"), "{wrong}");
        let wrong = state.set_region("tokyo", Availability::Down).unwrap_err();
        assert!(wrong.to_string().contains("there are `ap-"), "{wrong}");
        let wrong = state
            .set_vm_power("absent-01", None, Power::On)
            .unwrap_err();
        assert!(matches!(wrong, OperatorError::Unknown(_)));
        let wrong = state.set_instance("absent-01", Power::On).unwrap_err();
        assert!(matches!(wrong, OperatorError::Unknown(_)));
        // Both sites have a VM of this name.
        let wrong = state.set_vm_power("mgmt-monitor", None, Power::Off);
        assert!(matches!(wrong, Err(OperatorError::Ambiguous { .. })));
    });
}

#[tokio::test(start_paused = true)]
async fn a_person_switches_vms_and_starts_instances() {
    let lab = lab();
    let (vm, before) = lab
        .with(|state| state.set_vm_power("mgmt-monitor", Some("osaka"), Power::Off))
        .unwrap();
    assert_eq!((vm.site.as_str(), before), ("osaka", Power::On));
    assert!(!lab.with(|state| state.pcs[0].vms[&vm.vm].on));
    let (_, before) = lab
        .with(|state| state.set_vm_power(&vm.vm, None, Power::On))
        .unwrap();
    assert_eq!(before, Power::Off);

    let (instance, before) = lab
        .with(|state| state.set_instance("web-01", Power::Off))
        .unwrap();
    assert_eq!(before.name(), "running");
    let state_of = || {
        lab.with(|state| {
            let region = &state.aws.regions[&instance.region];
            region.instances[&instance.instance].state.name()
        })
    };
    assert_eq!(state_of(), "stopping");
    pass(Duration::from_secs(60)).await;
    assert_eq!(state_of(), "stopped");
    let again = lab.with(|state| state.set_instance(&instance.instance, Power::On));
    assert_eq!(again.unwrap().1.name(), "stopped");

    lab.with(|state| state.set_site("osaka", Availability::Down))
        .unwrap();
    let refused = lab.with(|state| state.set_vm_power(&vm.vm, None, Power::Off));
    assert!(matches!(refused, Err(OperatorError::Refused(_))));
}
