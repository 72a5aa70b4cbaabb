//! Answers of Prism Central.

use std::time::Duration;

use stayput_ambient::Entropy;
use stayput_nutanix::Direction;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::Looks;
use stayput_nutanix::MappedSubnet;
use stayput_nutanix::MappingSpec;
use stayput_nutanix::NicSpec;
use stayput_nutanix::OnWarnings;
use stayput_nutanix::PlanSpec;
use stayput_nutanix::PolicyLocation;
use stayput_nutanix::PolicySpec;
use stayput_nutanix::PrismClient;
use stayput_nutanix::PrismError;
use stayput_nutanix::RequestId;
use stayput_nutanix::SubnetSpec;
use stayput_nutanix::VpcSpec;
use stayput_world::Prism;
use stayput_world::prism::RecoveryAction;

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
    "vm",
    "subnet",
    "vpc",
    "in-use",
    "find-subnet",
    "create-subnet",
    "find-vpc",
    "create-vpc",
    "set-erp",
    "category",
    "create-nic",
    "delete-nic",
    "find-nic",
    "power",
    "associate",
    "policy",
    "create-policy",
    "plan",
    "create-plan",
    "validate",
    "failover",
    "clean-up",
    "find-job",
    "job",
    "findings",
    "points",
    "delete-vm",
];

/// Gives an answer to the client of Prism Central.
///
/// Checked: an answer that is no JSON object is an error of the observation, or noted in it as unreadable; the observation can be saved;
/// errors are short and have no secrets.
pub fn prism(data: &[u8]) {
    let Some(input) = Input::read(data) else {
        return;
    };
    let stage = Stage::get();
    let secret = stage.endpoints.credentials.prism.as_ref();
    let secret = secret.map_or("", |(_, password)| password);
    in_virtual_time(async {
        let systems = Systems::new(stage.after.lab(), Some(input.spoiled.clone()));
        let (service, _) = stage.services(systems.lab());
        let client = systems.prism(service, &stage.home, &stage.endpoints, &ambient());
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
            Err(error) => check_error(&error, &[secret]),
        }
    });
}

/// The calls that an operation makes.
pub(crate) fn calls(stage: &Stage, operation: &str) -> Vec<Recorded> {
    of_operation(stage, async |systems, ambient| {
        let (service, _) = stage.services(systems.lab());
        let client = systems.prism(service, &stage.home, &stage.endpoints, &ambient);
        let _ = call(stage, &client, operation).await;
    })
}

async fn call(
    stage: &Stage,
    client: &PrismClient,
    operation: &str,
) -> Result<Option<Prism>, PrismError> {
    let seen = &stage.after.world.prism[&stage.home];
    let id = RequestId::new(&Entropy::seeded(1));
    let vms = stage.after.facts.vms.values();
    let vm_id = vms
        .filter_map(|at| at.get(&stage.home))
        .next()
        .expect("one");
    let vm = &seen.vms[vm_id];
    let nic = vm.nics.first().expect("one");
    let subnet_id = nic.subnet.clone().expect("it has one");
    let subnet = &seen.subnets[&subnet_id];
    let vpc_id = subnet.vpc.clone().expect("it has one");
    let (plan_id, plan) = seen.recovery_plans.first_key_value().expect("one");
    // The drill's job is at the other site, if the lab keeps it there.
    let mut jobs = stage
        .after
        .world
        .prism
        .values()
        .flat_map(|pc| pc.jobs.keys());
    let job_id = jobs.next().expect("the drill's");
    let (policy_id, policy) = seen.policies.first_key_value().expect("one");
    let category = seen.categories.keys().next().expect("one").clone();
    let direction = Direction {
        source: plan.primary.clone(),
        target: plan.recovery.clone(),
    };
    let nic_spec = NicSpec {
        subnet: subnet_id.clone(),
        address: nic.address.unwrap_or(std::net::Ipv4Addr::LOCALHOST),
        secondary: Vec::new(),
        mac: None,
    };
    let subnet_spec = SubnetSpec {
        name: subnet.name.clone(),
        vpc: vpc_id.clone(),
        cidr: subnet.cidr.expect("it has one"),
        gateway: subnet.gateway.expect("it has one"),
        pools: subnet.pools.clone(),
        dns: Vec::new(),
    };
    let location = |domain_manager| PolicyLocation {
        domain_manager,
        clusters: Default::default(),
    };
    let policy_spec = PolicySpec {
        name: policy.name.clone(),
        categories: [category.clone()].into(),
        primary: location(plan.primary.clone()),
        recovery: location(plan.recovery.clone()),
        rpo: Duration::from_secs(3600),
        retention: 2,
    };
    let mapped = MappedSubnet {
        subnet: subnet_id.clone(),
        vpc: vpc_id.clone(),
        gateway: subnet_spec.gateway,
        prefix_len: 24,
    };
    let plan_spec = PlanSpec {
        name: plan.name.clone(),
        primary: plan.primary.clone(),
        recovery: plan.recovery.clone(),
        mappings: vec![MappingSpec {
            primary: mapped.clone(),
            recovery: mapped,
            primary_test: None,
            recovery_test: None,
        }],
        categories: [category.clone()].into(),
    };
    let directions = std::slice::from_ref(&direction);
    let several = Looks::Several;
    match operation {
        "vm" => client.vm(vm_id).await.map(drop),
        "subnet" => client.subnet(&subnet_id).await.map(drop),
        "vpc" => client.flow_vpc(&vpc_id).await.map(drop),
        "in-use" => client.subnet_addresses_in_use(&subnet_id).await.map(drop),
        "find-subnet" => client.find_subnet(&subnet_spec, several).await.map(drop),
        "create-subnet" => client.create_subnet(&subnet_spec, id).await.map(drop),
        "find-vpc" => client.find_vpc("prod", several).await.map(drop),
        "create-vpc" => {
            let spec = VpcSpec {
                name: "another".to_owned(),
                external_subnets: Default::default(),
                erps: Default::default(),
                dns: Vec::new(),
            };
            client.create_vpc(&spec, id).await.map(drop)
        }
        "set-erp" => {
            let set = client.set_erp(&vpc_id, subnet_spec.cidr, false, id);
            set.await.map(drop)
        }
        "category" => client.ensure_category("stayput", "new").await.map(drop),
        "create-nic" => client.create_nic(vm_id, &nic_spec, id).await.map(drop),
        "delete-nic" => client.delete_nic(vm_id, &nic.id, id).await,
        "find-nic" => client.find_nic(vm_id, &nic_spec, several).await.map(drop),
        "power" => client.power_off(vm_id, id).await,
        "associate" => client
            .associate_category(vm_id, &category, id)
            .await
            .map(drop),
        "policy" => client.protection_policy(policy_id).await.map(drop),
        "create-policy" => client
            .create_protection_policy(&policy_spec, id)
            .await
            .map(drop),
        "plan" => client.recovery_plan(plan_id).await.map(drop),
        "create-plan" => client.create_recovery_plan(&plan_spec, id).await.map(drop),
        "validate" => client.validate(plan_id, directions, id).await.map(drop),
        "failover" => {
            let run = client.planned_failover(plan_id, directions, OnWarnings::Proceed, id);
            run.await.map(drop)
        }
        "clean-up" => client.clean_up(plan_id, id).await,
        "find-job" => {
            let found = client.find_job(plan_id, &RecoveryAction::TestFailover, id, several);
            found.await.map(drop)
        }
        "job" => client.job(job_id).await.map(drop),
        "findings" => client.validation_errors(job_id).await.map(drop),
        "points" => client
            .recovery_points(&[vm_id.clone()].into())
            .await
            .map(drop),
        "delete-vm" => client.delete_vm(vm_id, id).await,
        _ => {
            let known = KnownPrismObjects {
                vms: [vm_id.clone()].into(),
                ..KnownPrismObjects::default()
            };
            return client.observe(&known).await.map(Some);
        }
    }?;
    Ok(None)
}
