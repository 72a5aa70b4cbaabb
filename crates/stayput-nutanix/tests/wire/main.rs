//! The clients against a server on loopback that plays one scene each.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers here are part of the tests, where it is allowed"
)]

mod move_client;
mod move_doubt;
mod prism_absence;
mod prism_changes;
mod prism_doubt;
mod prism_lists;
mod prism_reads;
mod prism_recovery;
mod seam;
mod secrets;
mod server;
mod tls;

/// The engine runs calls of many machines side by side, on several threads.
#[test]
fn calls_can_be_made_from_any_thread() {
    use stayput_nutanix::KnownPrismObjects;
    use stayput_nutanix::Looks;
    use stayput_nutanix::MoveClient;
    use stayput_nutanix::NicSpec;
    use stayput_nutanix::PlanSpec;
    use stayput_nutanix::PrismClient;
    use stayput_nutanix::RequestId;

    fn is_send<T: Send>(_: T) {}
    // Never called: that it compiles is the test.
    let _ = |prism: PrismClient, nic: NicSpec, plan: PlanSpec, id: RequestId| {
        is_send(prism.observe(&KnownPrismObjects::default()));
        is_send(prism.find_nic(&"v".into(), &nic, Looks::Several));
        is_send(prism.delete_vm(&"v".into(), id));
        is_send(prism.create_nic(&"v".into(), &nic, id));
        is_send(prism.create_recovery_plan(&plan, id));
        is_send(prism.validate(&"p".into(), &[], id));
        is_send(prism.vms_by_ids(&Default::default()));
    };
    let _ = |mv: MoveClient| {
        is_send(mv.observe("a", "b", &"r".into()));
        is_send(mv.cutover(&"p".into(), &"v".into()));
        is_send(mv.find_plan("p", Looks::Several));
    };
}
