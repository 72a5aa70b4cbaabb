//! Providers: sources and targets of workloads.

use serde_json::Value as Json;
use serde_json::json;

use super::inventory;
use super::model::Provider;
use super::model::ProviderKind;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::state::LabState;

/// `Status.State` of a provider that works (inferred: the real values are unknown).
const HEALTHY: &str = "Healthy";

/// `POST /providers`.
pub fn create(lab: &mut LabState, mv: usize, body: &Json) -> Result<Answer, Fault> {
    let provider = read(lab, mv, body)?;
    if lab.moves[mv]
        .providers
        .values()
        .any(|other| other.name == provider.name)
    {
        return Err(Fault::conflict(format!(
            "a provider named {} exists",
            provider.name
        )));
    }
    let id = lab.uuid();
    let entity = entity(lab, mv, &id, &provider);
    lab.moves[mv].providers.insert(id, provider);
    Ok(Answer::created(entity))
}

/// `POST /providers/list`.
pub fn list(lab: &LabState, mv: usize) -> Answer {
    let entities: Vec<Json> = lab.moves[mv]
        .providers
        .iter()
        .map(|(id, provider)| entity(lab, mv, id, provider))
        .collect();
    Answer::ok(json!({
        "MetaData": { "Count": entities.len() },
        "Entities": wire::null_if_empty(entities),
    }))
}

/// `GET /providers/{id}`.
pub fn get(lab: &LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    find(lab, mv, id).map(|provider| Answer::ok(entity(lab, mv, id, provider)))
}

/// `PUT /providers/{id}` (inferred).
pub fn update(lab: &mut LabState, mv: usize, id: &str, body: &Json) -> Result<Answer, Fault> {
    find(lab, mv, id)?;
    let provider = read(lab, mv, body)?;
    let entity = entity(lab, mv, id, &provider);
    lab.moves[mv].providers.insert(id.to_owned(), provider);
    Ok(Answer::ok(entity))
}

/// `DELETE /providers/{id}` (inferred).
pub fn delete(lab: &mut LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    find(lab, mv, id)?;
    let used = lab.moves[mv].plans.values().any(|plan| {
        ["SourceInfo", "TargetInfo"]
            .iter()
            .any(|side| wire::text(&plan.spec, &[side, "ProviderUUID"]) == Some(id))
    });
    if used {
        return Err(Fault::conflict("the provider is used by a migration plan"));
    }
    lab.moves[mv].providers.remove(id);
    Ok(Answer::ok(json!({})))
}

/// `POST /providers/{id}/validate`: checks that the AWS keys are still accepted.
pub fn validate(lab: &LabState, mv: usize, id: &str) -> Result<Answer, Fault> {
    match &find(lab, mv, id)?.kind {
        ProviderKind::Aws { access_key } if !lab.aws.keys.contains_key(access_key) => Err(
            Fault::unprocessable("AWS was not able to validate the provided access credentials"),
        ),
        ProviderKind::Aws { .. } | ProviderKind::Aos { .. } => Ok(Answer::ok(json!({}))),
    }
}

/// Returns a provider.
pub fn find<'a>(lab: &'a LabState, mv: usize, id: &str) -> Result<&'a Provider, Fault> {
    lab.moves[mv]
        .providers
        .get(id)
        .ok_or_else(|| Fault::not_found(format!("provider {id} does not exist")))
}

/// Returns the id of the only storage container of a cluster.
pub fn container(cluster: &str) -> String {
    let name = format!("{cluster}/default");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// Reads a provider and checks its credentials.
fn read(lab: &LabState, mv: usize, body: &Json) -> Result<Provider, Fault> {
    let spec = wire::spec(body)?;
    let name = wire::need(spec, &["Name"])?.to_owned();
    let kind = match wire::need(spec, &["Type"])? {
        "AWS" => {
            let key = wire::need(spec, &["AWSAccessInfo", "AccessKey"])?;
            let secret = wire::need(spec, &["AWSAccessInfo", "SecretKey"])?;
            if lab.aws.keys.get(key).map(String::as_str) != Some(secret) {
                return Err(Fault::unprocessable(
                    "AWS was not able to validate the provided access credentials",
                ));
            }
            ProviderKind::Aws {
                access_key: key.to_owned(),
            }
        }
        "AOS" => {
            let address = wire::need(spec, &["AOSAccessInfo", "IPorFQDN"])?;
            let user = wire::need(spec, &["AOSAccessInfo", "Username"])?;
            let password = wire::need(spec, &["AOSAccessInfo", "Password"])?;
            let pc = lab
                .pcs
                .get(lab.moves[mv].pc)
                .ok_or_else(|| Fault::unprocessable(format!("{address} cannot be reached")))?;
            if (user, password) != (pc.credentials.0.as_str(), pc.credentials.1.as_str()) {
                return Err(Fault::unprocessable(format!(
                    "{address} refused user name and password"
                )));
            }
            ProviderKind::Aos {
                address: address.to_owned(),
            }
        }
        other => {
            return Err(Fault::unprocessable(format!(
                "providers of type {other} are not supported"
            )));
        }
    };
    Ok(Provider { name, kind })
}

/// Returns a provider as JSON. Secrets are not included.
fn entity(lab: &LabState, mv: usize, id: &str, provider: &Provider) -> Json {
    let mut spec = json!({ "UUID": id, "Name": provider.name, "Version": "" });
    let workloads = match &provider.kind {
        ProviderKind::Aws { access_key } => {
            spec["Type"] = json!("AWS");
            spec["TypeDescription"] = json!("Amazon Web Services");
            spec["AWSAccessInfo"] = json!({ "AccessKey": access_key });
            inventory::all(lab, None).len()
        }
        ProviderKind::Aos { address } => {
            spec["Type"] = json!("AOS");
            spec["TypeDescription"] = json!("Nutanix AOS");
            let (user, clusters) = match lab.pcs.get(lab.moves[mv].pc) {
                Some(pc) => {
                    // Overlay subnets are listed like VLANs (inferred, Move reference §3). External subnets are not networks for
                    // VMs.
                    let networks: Vec<Json> = pc
                        .subnets
                        .iter()
                        .filter(|(_, subnet)| !subnet.external)
                        .map(|(id, subnet)| json!({ "UUID": id, "Name": subnet.name }))
                        .collect();
                    let cluster = json!({
                        "UUID": pc.cluster.0,
                        "Name": pc.cluster.1,
                        "Containers": [{ "UUID": container(&pc.cluster.0), "Name": "default" }],
                        "Networks": wire::null_if_empty(networks),
                    });
                    (pc.credentials.0.clone(), vec![cluster])
                }
                None => (String::new(), Vec::new()),
            };
            spec["AOSAccessInfo"] = json!({
                "IPorFQDN": address, "Username": user, "Port": 9440, "RegisteredVCAccessInfo": null,
            });
            spec["AOSProperties"] = json!({ "Clusters": wire::null_if_empty(clusters) });
            0
        }
    };
    json!({
        "MetaData": { "UUID": id, "NumDiscoveredWorkloads": workloads },
        "Spec": spec,
        "Status": { "State": HEALTHY },
    })
}
