//! JSON and API of VMs (`vmm`, Prism reference §2.2).

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Effect;
use crate::prism::machines::NewVm;
use crate::prism::machines::PowerAction;
use crate::prism::machines::VmEffect;
use crate::prism::model::PcState;
use crate::prism::model::Vm;
use crate::prism::nics;
use crate::prism::protection;
use crate::prism::tasks;
use crate::state::LabState;

/// Serves `vmm/v4.N/…`.
///
/// # Errors
/// An unknown VM or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    match call.path.as_slice() {
        ["ahv", "config", "vms"] => collection(lab, pc, call),
        ["ahv", "config", "vms", vm, "nics", rest @ ..] => nics::serve(lab, pc, call, vm, rest),
        ["ahv", "config", "vms", vm, "$actions", action] => act(lab, pc, call, vm, action),
        ["ahv", "config", "vms", vm] => one(lab, pc, call, vm),
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

/// Returns the VM with this id.
///
/// # Errors
/// 404.
pub fn find<'a>(lab: &'a LabState, pc: usize, id: &str) -> Result<&'a Vm, Problem> {
    lab.pcs[pc]
        .vms
        .get(id)
        .ok_or_else(|| Problem::not_found("VM", id))
}

fn collection(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    match call.request.method.as_str() {
        "GET" => {
            let state = &lab.pcs[pc];
            let peek = |(id, vm): &(&String, &Vm), path: &str| match path {
                "extId" => Some(json!(id)),
                "name" => Some(json!(vm.name)),
                "powerState" => Some(json!(power_state(vm))),
                _ => None,
            };
            call.list_by(state.vms.iter().collect(), peek, |(id, vm)| {
                render(state, call, id, vm)
            })
        }
        "POST" => {
            let new = parse(&lab.pcs[pc], &call.body()?, None)?;
            let id = lab.uuid();
            let name = new.name.clone();
            start(lab, pc, call, "CreateVm", &id, name, VmEffect::Create(new))
        }
        other => Err(Problem::method(other)),
    }
}

fn one(lab: &mut LabState, pc: usize, call: &Call<'_>, id: &str) -> Answer {
    let vm = find(lab, pc, id)?;
    let tag = etag(id, vm.version);
    let name = vm.name.clone();
    match call.request.method.as_str() {
        "GET" => Ok(call.entity(200, render(&lab.pcs[pc], call, id, vm), Some(&tag))),
        "PUT" => {
            let new = parse(&lab.pcs[pc], &call.body()?, Some(vm))?;
            call.if_match(&[tag])?;
            start(lab, pc, call, "UpdateVm", id, name, VmEffect::Update(new))
        }
        "DELETE" => {
            call.if_match(&[tag])?;
            start(lab, pc, call, "DeleteVm", id, name, VmEffect::Delete)
        }
        other => Err(Problem::method(other)),
    }
}

fn act(lab: &mut LabState, pc: usize, call: &Call<'_>, id: &str, action: &str) -> Answer {
    let categories = || -> Result<_, Problem> {
        let body = call.body()?;
        let categories = body::references(&body, "categories");
        if categories.is_empty() {
            return Err(Problem::schema("categories", "must not be empty"));
        }
        Ok(categories.into_iter().collect())
    };
    let (operation, effect) = match action {
        "power-on" => ("PowerOnVm", VmEffect::Power(PowerAction::On)),
        "power-off" => ("PowerOffVm", VmEffect::Power(PowerAction::Off)),
        "shutdown" => ("ShutdownVm", VmEffect::Power(PowerAction::Off)),
        "power-cycle" => ("PowerCycleVm", VmEffect::Power(PowerAction::Cycle)),
        "reset" => ("ResetVm", VmEffect::Power(PowerAction::Cycle)),
        "reboot" => ("RebootVm", VmEffect::Power(PowerAction::Cycle)),
        "guest-shutdown" => ("GuestShutdownVm", VmEffect::Power(PowerAction::Guest)),
        "guest-reboot" => ("GuestRebootVm", VmEffect::Power(PowerAction::Guest)),
        "associate-categories" => ("AssociateCategories", VmEffect::Associate(categories()?)),
        "disassociate-categories" => (
            "DisassociateCategories",
            VmEffect::Disassociate(categories()?),
        ),
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    if call.request.method != "POST" {
        return Err(Problem::method(&call.request.method));
    }
    let vm = find(lab, pc, id)?;
    call.if_match(&[etag(id, vm.version)])?;
    let name = vm.name.clone();
    start(lab, pc, call, operation, id, name, effect)
}

fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    id: &str,
    name: String,
    effect: VmEffect,
) -> Answer {
    let entities = vec![(id.to_owned(), "vmm:ahv:config:vm".to_owned(), Some(name))];
    let effect = Effect::Vm(id.to_owned(), effect);
    let task = tasks::start(lab, pc, operation, entities, effect);
    Ok(call.task(&task))
}

/// Reads a VM. A PUT replaces the VM's own properties; NICs and disks are sub-resources that it does not change (inferred).
fn parse(pc: &PcState, vm: &Object, before: Option<&Vm>) -> Result<NewVm, Problem> {
    if let Some(cluster) = body::reference(vm, "cluster")
        && cluster != pc.cluster.0
    {
        return Err(Problem::argument(format!(
            "Cluster {cluster} was not found"
        )));
    }
    let sockets = match body::number(vm, "numSockets") {
        None => before.map_or(1, |vm| vm.shape.0),
        Some(number) => u32::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| Problem::schema("numSockets", "is out of range"))?,
    };
    let memory = body::number(vm, "memorySizeBytes")
        .unwrap_or_else(|| before.map_or(1 << 30, |vm| vm.shape.1));
    let nics = match before {
        Some(_) => Vec::new(),
        None => body::list(vm, "nics")
            .iter()
            .map(|nic| match nic {
                Value::Object(nic) => nics::parse(nic),
                _ => Err(Problem::schema("nics", "must be objects")),
            })
            .collect::<Result<_, _>>()?,
    };
    Ok(NewVm {
        name: body::required_text(vm, "name", 80)?,
        description: body::text(vm, "description").unwrap_or_default().to_owned(),
        categories: body::references(vm, "categories").into_iter().collect(),
        shape: (sockets, memory),
        nics,
    })
}

fn render(pc: &PcState, call: &Call<'_>, id: &str, vm: &Vm) -> Value {
    let reference = |kind: &str, id: &str| {
        call.tag(
            &format!("vmm.v4.ahv.config.{kind}Reference"),
            json!({"extId": id}),
        )
    };
    let policy = protection::policies_of(pc, id, vm).next();
    let mut json = json!({
        "extId": id,
        "name": vm.name,
        "description": vm.description,
        "createTime": vm.created.rfc3339(),
        "powerState": power_state(vm),
        "numSockets": vm.shape.0,
        "numCoresPerSocket": 1,
        "numThreadsPerCore": 1,
        "memorySizeBytes": vm.shape.1,
        "machineType": "PC",
        "hardwareClockTimezone": "UTC",
        "biosUuid": id,
        "generationUuid": id,
        "disks": [],
        "protectionType": if policy.is_some() { "RULE_PROTECTED" } else { "UNPROTECTED" },
    });
    // `json!` copies values that are in it.
    let categories = vm.categories.iter();
    json["cluster"] = reference("Cluster", &pc.cluster.0);
    json["categories"] = categories
        .map(|category| reference("Category", category))
        .collect();
    json["nics"] = vm.nics.iter().map(|nic| nics::render(call, nic)).collect();
    if let Some(policy) = policy {
        json["protectionPolicyState"] = call.tag(
            "vmm.v4.ahv.config.ProtectionPolicyState",
            json!({"policy": reference("Policy", policy)}),
        );
    }
    call.tag("vmm.v4.ahv.config.Vm", json)
}

fn power_state(vm: &Vm) -> &'static str {
    if vm.on { "ON" } else { "OFF" }
}
