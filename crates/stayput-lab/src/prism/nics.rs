//! JSON and API of NICs, in both shapes (Prism reference §2.2).

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Effect;
use crate::prism::ipam::AddressRequest;
use crate::prism::ipam::NicSpec;
use crate::prism::machines::NicChange;
use crate::prism::machines::VmEffect;
use crate::prism::model::Nic;
use crate::prism::tasks;
use crate::prism::vms::find;
use crate::state::LabState;

/// The first vmm minor with `nicBackingInfo` and `nicNetworkInfo`.
const NEW_SHAPE_SINCE: u32 = 1;

/// Serves `…/vms/{vm}/nics…`.
///
/// # Errors
/// An unknown VM, NIC or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, vm_id: &str, path: &[&str]) -> Answer {
    let vm = find(lab, pc, vm_id)?;
    let vm_etag = etag(vm_id, vm.version);
    let nic_of = |id: &str| {
        vm.nics
            .iter()
            .find(|nic| nic.id == id)
            .ok_or_else(|| Problem::not_found("NIC", id))
    };
    // The official collection sends the NIC's ETag on NIC calls, other clients the VM's: both are accepted (inferred).
    let either = |nic: &Nic| [etag(&nic.id, nic.version), vm_etag.clone()];
    let (operation, effect) = match (call.request.method.as_str(), path) {
        ("GET", []) => return call.list(vm.nics.iter().collect(), |nic| render(call, nic)),
        ("GET", [id]) => {
            let nic = nic_of(id)?;
            let tag = etag(&nic.id, nic.version);
            return Ok(call.entity(200, render(call, nic), Some(&tag)));
        }
        ("POST", []) => {
            let spec = parse(&call.body()?)?;
            call.if_match(std::slice::from_ref(&vm_etag))?;
            ("CreateNic", VmEffect::AddNic(spec))
        }
        ("PUT", [id]) => {
            let spec = parse(&call.body()?)?;
            call.if_match(&either(nic_of(id)?))?;
            ("UpdateNic", change(id, NicChange::Put(spec)))
        }
        ("DELETE", [id]) => {
            call.if_match(&either(nic_of(id)?))?;
            ("DeleteNic", VmEffect::RemoveNic((*id).to_owned()))
        }
        ("POST", [id, "$actions", "assign-ip"]) => {
            let body = call.optional_body()?.unwrap_or_default();
            let requested = requested(body.get("ipAddress"), AddressRequest::Any)?;
            call.if_match(&either(nic_of(id)?))?;
            ("AssignIp", change(id, NicChange::Assign(requested)))
        }
        ("POST", [id, "$actions", "release-ip"]) => {
            call.if_match(&either(nic_of(id)?))?;
            ("ReleaseIp", change(id, NicChange::Release))
        }
        ("POST", [id, "$actions", "migrate"]) => {
            let body = call.body()?;
            let subnet = body::reference(&body, "subnet")
                .ok_or_else(|| Problem::schema("subnet", "must not be null"))?;
            let requested = match body::text(&body, "migrateType") {
                Some("ASSIGN_IP") => requested(body.get("ipAddress"), AddressRequest::Any)?,
                Some("RELEASE_IP") => AddressRequest::None,
                _ => {
                    return Err(Problem::schema(
                        "migrateType",
                        "must be ASSIGN_IP or RELEASE_IP",
                    ));
                }
            };
            call.if_match(&either(nic_of(id)?))?;
            (
                "MigrateNic",
                change(id, NicChange::Migrate(subnet, requested)),
            )
        }
        (_, [] | [_] | [_, "$actions", "assign-ip" | "release-ip" | "migrate"]) => {
            return Err(Problem::method(&call.request.method));
        }
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    // The id of a created NIC is *not* in the task: a known issue that clients must handle (Prism reference §1.5).
    let mut entities = vec![(
        vm_id.to_owned(),
        "vmm:ahv:config:vm".to_owned(),
        Some(vm.name.clone()),
    )];
    if let [id, ..] = path {
        entities.push(((*id).to_owned(), "vmm:ahv:config:vm:nic".to_owned(), None));
    }
    let effect = Effect::Vm(vm_id.to_owned(), effect);
    let task = tasks::start(lab, pc, operation, entities, effect);
    Ok(call.task(&task))
}

fn change(id: &str, change: NicChange) -> VmEffect {
    VmEffect::ChangeNic(id.to_owned(), change)
}

fn requested(value: Option<&Value>, otherwise: AddressRequest) -> Result<AddressRequest, Problem> {
    Ok(body::address(value, "ipAddress")?.map_or(otherwise, AddressRequest::This))
}

/// Reads a NIC of either shape. When both are present, the new one wins.
///
/// # Errors
/// 400 when it has no subnet or an invalid address.
pub fn parse(nic: &Object) -> Result<NicSpec, Problem> {
    let empty = Object::new();
    let backing = body::object(nic, "nicBackingInfo")
        .or_else(|| body::object(nic, "backingInfo"))
        .unwrap_or(&empty);
    let network = body::object(nic, "nicNetworkInfo")
        .or_else(|| body::object(nic, "networkInfo"))
        .ok_or_else(|| Problem::schema("nicNetworkInfo", "must not be null"))?;
    let subnet = body::reference(network, "subnet")
        .ok_or_else(|| Problem::schema("nicNetworkInfo.subnet", "must not be null"))?;
    let mac = body::text(backing, "macAddress")
        .map(str::parse)
        .transpose()
        .map_err(|_| {
            Problem::schema(
                "nicBackingInfo.macAddress",
                "must match ^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2})$",
            )
        })?;
    let config = body::object(network, "ipv4Config").unwrap_or(&empty);
    let otherwise = if body::flag(config, "shouldAssignIp").unwrap_or(true) {
        AddressRequest::Any
    } else {
        AddressRequest::None
    };
    Ok(NicSpec {
        subnet,
        mac,
        // An address in the request is assigned even with `shouldAssignIp` false: clients send back that value, and it is known
        // to read as false.
        address: requested(config.get("ipAddress"), otherwise)?,
        secondary: body::addresses(config, "secondaryIpAddressList")?,
        connected: body::flag(backing, "isConnected").unwrap_or(true),
    })
}

/// Returns a NIC as JSON: v4.0 paths have the old shape only, later ones both (inferred).
pub fn render(call: &Call<'_>, nic: &Nic) -> Value {
    let backing = json!({
        "model": "VIRTIO",
        "macAddress": nic.mac,
        "isConnected": nic.connected,
        "numQueues": 1,
    });
    let mut config = json!({"shouldAssignIp": nic.address.is_some()});
    if let Some(address) = nic.address {
        config["ipAddress"] = body::ipv4(address);
    }
    if !nic.secondary.is_empty() {
        config["secondaryIpAddressList"] = nic.secondary.iter().map(|ip| body::ipv4(*ip)).collect();
    }
    let mut network = json!({
        "nicType": "NORMAL_NIC",
        "vlanMode": "ACCESS",
        "shouldAllowUnknownMacs": false,
    });
    let subnet = json!({"extId": nic.subnet});
    let info = json!({"learnedIpAddresses": []});
    // `json!` copies values that are in it.
    network["subnet"] = call.tag("vmm.v4.ahv.config.SubnetReference", subnet);
    network["ipv4Config"] = call.tag("vmm.v4.ahv.config.Ipv4Config", config);
    network["ipv4Info"] = call.tag("vmm.v4.ahv.config.Ipv4Info", info);
    let mut json = json!({"extId": nic.id});
    json["backingInfo"] = call.tag("vmm.v4.ahv.config.EmulatedNic", backing.clone());
    json["networkInfo"] = call.tag("vmm.v4.ahv.config.NicNetworkInfo", network.clone());
    if call.minor >= NEW_SHAPE_SINCE {
        json["nicBackingInfo"] = call.tag("vmm.v4.ahv.config.VirtualEthernetNic", backing);
        json["nicNetworkInfo"] =
            call.tag("vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo", network);
    }
    call.tag("vmm.v4.ahv.config.Nic", json)
}
