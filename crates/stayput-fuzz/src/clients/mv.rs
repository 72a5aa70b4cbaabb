//! Answers of Move.

use stayput_nutanix::Credentials;
use stayput_nutanix::GuestCredentials;
use stayput_nutanix::Looks;
use stayput_nutanix::MoveClient;
use stayput_nutanix::MoveError;
use stayput_nutanix::MovePlanSpec;
use stayput_nutanix::PrepareSpec;
use stayput_world::MoveAppliance;

use super::Input;
use crate::recorded::of_operation;
use crate::stage::Stage;
use crate::stage::ambient;
use crate::stage::in_virtual_time;
use crate::text::check_error;
use crate::text::check_read_back;
use crate::wires::Recorded;
use crate::wires::Systems;

/// Operations that an input can name.
pub(crate) const OPERATIONS: &[&str] = &[
    "observe",
    "refresh",
    "find-plan",
    "create-plan",
    "start",
    "status",
    "cutover",
    "retry",
    "discard",
    "abort",
    "cancel",
    "delete",
    "prepare",
    "readiness",
];

/// The password of the guests, which no error may have.
const GUEST_SECRET: &str = "guest-password-4711";

/// Gives an answer to the client of Move.
///
/// Checked: an answer that is no JSON object is an error of the observation, or noted in it as unreadable; the observation can be saved;
/// errors are short and have no secrets.
pub fn mv(data: &[u8]) {
    let Some(input) = Input::read(data) else {
        return;
    };
    let stage = Stage::get();
    let secret = stage.endpoints.credentials.mv.as_ref();
    let secret = secret.map_or("", |(_, password)| password);
    in_virtual_time(async {
        let systems = Systems::new(stage.after.lab(), Some(input.spoiled.clone()));
        let (_, service) = stage.services(systems.lab());
        let client = systems.mv(service, &stage.home, &stage.endpoints, &ambient());
        match call(stage, &client, &input.operation).await {
            Ok(Some(seen)) => {
                check_read_back(&seen);
                let is_nonsense = systems.spoiled_calls() > 0 && input.is_success_without_object();
                // What only one object needs does not stop the observation.
                let is_noted = !seen.unreadable.is_empty();
                assert!(
                    !is_nonsense || is_noted,
                    "nonsense was observed as {seen:?}"
                );
            }
            Ok(None) => {}
            Err(error) => check_error(&error, &[secret, GUEST_SECRET]),
        }
    });
}

/// The calls that an operation makes.
pub(crate) fn calls(stage: &Stage, operation: &str) -> Vec<Recorded> {
    of_operation(stage, async |systems, ambient| {
        let (_, service) = stage.services(systems.lab());
        let client = systems.mv(service, &stage.home, &stage.endpoints, &ambient);
        let _ = call(stage, &client, operation).await;
    })
}

async fn call(
    stage: &Stage,
    client: &MoveClient,
    operation: &str,
) -> Result<Option<MoveAppliance>, MoveError> {
    let seen = &stage.after.world.moves[&stage.home];
    let site = &stage.estate.sites[&stage.home];
    let config = site.mv.as_ref().expect("it has one");
    let region = &stage.estate.source.region;
    let (plan, details) = seen.plans.first_key_value().expect("one");
    let (vm, _) = details.vms.first_key_value().expect("one");
    match operation {
        "refresh" => {
            client
                .refresh_inventory(&config.source_provider, region)
                .await
        }
        "find-plan" => client
            .find_plan(&details.name, Looks::Several)
            .await
            .map(drop),
        "create-plan" => {
            let mut providers = seen.providers.keys().cloned();
            let source = providers.next().expect("one");
            let target = providers.next().expect("two");
            let spec = MovePlanSpec {
                name: "another".to_owned(),
                source,
                region: region.clone(),
                target,
                cluster: "cluster".into(),
                container: "container".to_owned(),
                source_network: "network".to_owned(),
                target_subnet: "subnet".into(),
                vms: [(vm.clone(), "i-1".into())].into(),
            };
            client.create_plan(&spec).await.map(drop)
        }
        "start" => client.start(plan).await,
        "status" => client.plan_status(plan).await.map(drop),
        "cutover" => client.cutover(plan, vm).await,
        "retry" => client.retry_vm(plan, vm).await,
        "discard" => client.discard_vm(plan, vm).await,
        "abort" => client.abort_vm(plan, vm).await,
        "cancel" => client.cancel_plan(plan).await,
        "delete" => client.delete_plan(plan).await,
        "prepare" => {
            let spec = PrepareSpec {
                region: region.clone(),
                credentials: GuestCredentials {
                    linux: Some(Credentials::new("root", GUEST_SECRET)),
                    windows: None,
                    pem: None,
                },
                vms: vec![vm.clone()],
            };
            client.prepare(plan, &spec).await
        }
        "readiness" => client.readiness(plan).await,
        _ => {
            let (source, target) = (&config.source_provider, &config.target_provider);
            return client.observe(source, target, region).await.map(Some);
        }
    }?;
    Ok(None)
}
