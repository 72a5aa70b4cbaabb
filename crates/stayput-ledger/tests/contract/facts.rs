//! Facts: versions, order, retirement.

use std::sync::Arc;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_ledger::By;
use stayput_ledger::Ledger;
use stayput_ledger::LedgerError;
use stayput_ledger::MachineChange;
use stayput_world::GuestCapture;

use crate::fixture::at;
use crate::fixture::facts;
use crate::fixture::kim;
use crate::fixture::one;

fn web() -> InstanceId {
    "i-1".into()
}

async fn became(ledger: &dyn Ledger, site: &str, vm: &str, second: i64) {
    ledger
        .put_vm(&web(), &site.into(), &vm.into(), at(second), &kim())
        .await
        .unwrap();
}

pub async fn captured_facts_are_read_again_by_the_next_process(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let mut machines = one("i-1", "172.30.1.10");
    machines.extend(one("i-2", "172.30.1.11"));
    let ledger = open();
    ledger.put_machines(&machines, at(0), &kim()).await.unwrap();
    became(&*ledger, "tokyo", "vm-a", 1).await;
    drop(ledger);
    let ledger = open();
    let found = ledger.facts().await.unwrap();
    assert_eq!(found.machines, machines);
    assert_eq!(
        found.vms[&web()][&SiteName::from("tokyo")],
        VmExtId::from("vm-a")
    );
    assert_eq!(
        ledger.machine(&"i-2".into()).await.unwrap(),
        Some(facts("172.30.1.11"))
    );
    assert_eq!(ledger.machine(&"i-3".into()).await.unwrap(), None);
}

pub async fn capturing_again_keeps_the_earlier_version_in_the_history(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    // The second writer's clock is slow.
    for (address, second) in [("172.30.1.10", 9), ("172.30.1.11", 3)] {
        ledger
            .put_machines(&one("i-1", address), at(second), &kim())
            .await
            .unwrap();
    }
    let now = facts("172.30.1.11");
    assert_eq!(
        ledger.facts().await.unwrap().machines[&web()],
        now.clone().into()
    );
    assert_eq!(ledger.machine(&web()).await.unwrap().as_ref(), Some(&now));
    let history = ledger.machine_history(&web()).await.unwrap();
    let versions: Vec<_> = history.iter().map(|record| &record.change).collect();
    let captured = |address| MachineChange::Captured {
        facts: facts(address),
    };
    assert_eq!(
        versions,
        [&captured("172.30.1.10"), &captured("172.30.1.11")]
    );
}

pub async fn the_newest_vm_is_the_last_written_whatever_the_clocks(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    for (site, vm, second) in [
        ("tokyo", "vm-a", 50),
        ("osaka", "vm-b", 20),
        ("tokyo", "vm-c", 30),
        ("osaka", "vm-d", 10),
    ] {
        became(&*ledger, site, vm, second).await;
        let found = ledger.facts().await.unwrap();
        assert_eq!(found.newest[&web()], SiteName::from(site));
        assert_eq!(found.vms[&web()][&site.into()], VmExtId::from(vm));
    }
    // Its VMs at other sites stay known.
    let found = ledger.facts().await.unwrap();
    assert_eq!(found.vms[&web()][&"tokyo".into()], VmExtId::from("vm-c"));
}

pub async fn a_machine_that_returned_to_ec2_is_no_vm_that_it_ever_was(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    for (site, vm) in [("tokyo", "vm-a"), ("osaka", "vm-b"), ("tokyo", "vm-c")] {
        became(&*ledger, site, vm, 0).await;
    }
    let by_move = [("tokyo".into(), "vm-m".into())].into();
    ledger
        .put_returned(&web(), &by_move, at(1), &kim())
        .await
        .unwrap();
    drop(ledger);
    let ledger = open();
    let found = ledger.facts().await.unwrap();
    assert!(found.has_returned(&web()));
    assert!(found.vms.is_empty(), "{found:?}");
    assert!(found.newest.is_empty(), "{found:?}");
    let was: Vec<_> = found.was[&web()]
        .iter()
        .map(|(_, vm)| vm.as_str())
        .collect();
    assert_eq!(was, ["vm-b", "vm-a", "vm-c", "vm-m"]);
    // It moves again, and then a person finds that an old VM is the right one.
    became(&*ledger, "tokyo", "vm-n", 2).await;
    let found = ledger.facts().await.unwrap();
    assert!(!found.has_returned(&web()));
    assert_eq!(found.vms[&web()][&"tokyo".into()], VmExtId::from("vm-n"));
    assert_eq!(found.was[&web()].len(), 4);
    became(&*ledger, "tokyo", "vm-a", 3).await;
    let found = ledger.facts().await.unwrap();
    assert_eq!(found.vms[&web()][&"tokyo".into()], VmExtId::from("vm-a"));
    assert_eq!(found.was[&web()].len(), 3);
    let history = ledger.machine_history(&web()).await.unwrap();
    assert_eq!(history.len(), 6);
    assert_eq!(
        history[3].change,
        MachineChange::ReturnedToEc2 { was: by_move }
    );
}

pub async fn the_last_capture_of_a_guest_is_read_until_its_machine_is_retired(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    let (web, db) = (web(), InstanceId::from("i-2"));
    let both = [web.clone(), db.clone(), "i-3".into()].into();
    let captured = |output: &str| GuestCapture {
        document: "AWS-RunShellScript".to_owned(),
        version: "1".to_owned(),
        hash: "c0ffee".to_owned(),
        output: output.to_owned(),
    };
    let put = async |machine: &InstanceId, output, second| {
        let guests = [(machine.clone(), captured(output))].into();
        let ledger = open();
        ledger.put_guests(&guests, at(second), &kim()).await
    };
    put(&web, "first", 9).await.unwrap();
    put(&db, "other", 2).await.unwrap();
    // The second writer's clock is slow.
    put(&web, "second", 3).await.unwrap();
    let found = ledger.guests(&both).await.unwrap();
    let expected = [
        (web.clone(), (at(3), captured("second"))),
        (db.clone(), (at(2), captured("other"))),
    ];
    assert_eq!(found, expected.clone().into());
    let one = ledger.guests(&[db.clone()].into()).await.unwrap();
    assert_eq!(one.keys().collect::<Vec<_>>(), [&db]);
    let history = ledger.machine_history(&web).await.unwrap();
    let changes: Vec<_> = history.into_iter().map(|record| record.change).collect();
    let records = ["first", "second"].map(|output| MachineChange::GuestCaptured {
        guest: captured(output),
    });
    assert_eq!(changes, records);
    // What a guest printed is no fact of its machine.
    assert_eq!(
        ledger.facts().await.unwrap(),
        stayput_world::Facts::default()
    );
    ledger.retire(&web, at(4), &kim(), "gone").await.unwrap();
    let found = ledger.guests(&both).await.unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), [&db]);
}

pub async fn a_retired_machine_leaves_the_facts_and_stays_in_the_history(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    ledger
        .put_machines(&one("i-1", "172.30.1.10"), at(0), &kim())
        .await
        .unwrap();
    became(&*ledger, "tokyo", "vm-a", 1).await;
    let lee = By::person("lee@desk");
    for second in [2, 3] {
        // The second time changes nothing.
        ledger
            .retire(&web(), at(second), &lee, "terminated")
            .await
            .unwrap();
    }
    let found = ledger.facts().await.unwrap();
    assert!(found.machines.is_empty(), "{found:?}");
    assert!(found.vms.is_empty(), "{found:?}");
    assert!(found.newest.is_empty(), "{found:?}");
    // A reader that still observes it must be able to see that it is retired.
    assert_eq!(found.retired, [web()].into());
    assert_eq!(ledger.machine(&web()).await.unwrap(), None);
    let history = ledger.machine_history(&web()).await.unwrap();
    assert_eq!(history.len(), 3);
    assert_eq!(history[2].by, lee);
    assert_eq!(
        history[2].change,
        MachineChange::Retired {
            why: "terminated".to_owned()
        }
    );
}

pub async fn capturing_a_retired_machine_again_restores_its_vms(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    // Known only by its VM, for example linked by a person.
    became(&*ledger, "tokyo", "vm-a", 0).await;
    ledger.retire(&web(), at(1), &kim(), "").await.unwrap();
    assert!(ledger.facts().await.unwrap().vms.is_empty());
    ledger
        .put_machines(&one("i-1", "172.30.1.10"), at(2), &kim())
        .await
        .unwrap();
    let found = ledger.facts().await.unwrap();
    assert_eq!(*found.machines[&web()], facts("172.30.1.10"));
    assert_eq!(found.newest[&web()], SiteName::from("tokyo"));
    assert!(found.retired.is_empty(), "{found:?}");
}

pub async fn retiring_an_unknown_machine_is_refused(open: &dyn Fn() -> Arc<dyn Ledger>) {
    let error = open()
        .retire(&"i-9".into(), at(0), &kim(), "gone")
        .await
        .unwrap_err();
    assert!(
        matches!(&error, LedgerError::NoSuchMachine { machine } if machine.as_str() == "i-9"),
        "{error:?}"
    );
}

pub async fn every_record_of_a_machine_names_its_author_and_time(
    open: &dyn Fn() -> Arc<dyn Ledger>,
) {
    let ledger = open();
    let lee = By::person("lee@desk");
    ledger
        .put_machines(&one("i-1", "172.30.1.10"), at(7), &kim())
        .await
        .unwrap();
    ledger
        .put_vm(&web(), &"tokyo".into(), &"vm-a".into(), at(8), &lee)
        .await
        .unwrap();
    let history = ledger.machine_history(&web()).await.unwrap();
    assert_eq!((history[0].at, &history[0].by), (at(7), &kim()));
    assert_eq!((history[1].at, &history[1].by), (at(8), &lee));
    assert!(history[0].sequence < history[1].sequence);
    assert_eq!(
        history[1].change,
        MachineChange::BecameVm {
            site: "tokyo".into(),
            vm: "vm-a".into()
        }
    );
}
