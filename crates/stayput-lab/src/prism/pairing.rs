//! Domain managers and their pairing (`prism`, Prism reference §4).

use serde_json::Value;
use serde_json::json;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Details;
use crate::prism::effects::Effect;
use crate::prism::model::Failure;
use crate::prism::tasks;
use crate::state::LabState;

/// Release that the lab reports for its Prism Centrals.
const BUILD: &str = "pc.7.5";

/// The first prism minor that lists registrations.
const REGISTRATIONS_SINCE: u32 = 2;

/// A change of the pairing.
#[derive(Debug, Clone)]
pub enum PairingEffect {
    /// Pairs with the Prism Central at an address, with a user name and password there.
    Register(String, (String, String)),
    /// Ends the pairing with this domain manager.
    Unregister(String),
}

/// Returns the paired Prism Central with this domain manager, if there is one.
pub fn peer(lab: &LabState, pc: usize, domain_manager: &str) -> Option<usize> {
    lab.pcs[pc]
        .paired
        .get(domain_manager)
        .copied()
        .filter(|peer| *peer < lab.pcs.len())
}

/// Whether two Prism Centrals reach each other now.
pub fn connected(lab: &LabState, a: usize, b: usize) -> bool {
    let up = !lab.is_site_down(a) && !lab.is_site_down(b);
    let (a, b) = (&lab.pcs[a], &lab.pcs[b]);
    up && !a.cut_off.contains(&b.domain_manager) && !b.cut_off.contains(&a.domain_manager)
}

/// Serves `prism/v4.N/config/domain-managers…` and `prism/v4.N/management/domain-managers…`.
///
/// # Errors
/// An unknown entity or path, or an invalid body.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    let own = lab.pcs[pc].domain_manager.clone();
    let known = |id: &str| {
        if id == own {
            Ok(())
        } else {
            Err(Problem::not_found("Domain manager", id))
        }
    };
    match (call.request.method.as_str(), call.path.as_slice()) {
        ("GET", ["config", "domain-managers"]) => call.list(vec![()], |()| render(lab, pc, call)),
        ("GET", ["config", "domain-managers", id]) => {
            known(id)?;
            Ok(call.entity(200, render(lab, pc, call), None))
        }
        (
            "GET",
            [
                "management",
                "domain-managers",
                id,
                "registrations",
                rest @ ..,
            ],
        ) if call.minor >= REGISTRATIONS_SINCE => {
            known(id)?;
            let remotes: Vec<&String> = lab.pcs[pc].paired.keys().collect();
            match rest {
                [] => call.list(remotes, |remote| registration(lab, pc, call, remote)),
                [id] => {
                    let remote = remotes
                        .into_iter()
                        .find(|remote| registration_id(&own, remote) == *id)
                        .ok_or_else(|| Problem::not_found("Registration", id))?;
                    Ok(call.entity(200, registration(lab, pc, call, remote), None))
                }
                _ => Err(Problem::no_route(&call.request.path)),
            }
        }
        ("POST", ["management", "domain-managers", id, "$actions", "register"]) => {
            known(id)?;
            let effect = register(&call.body()?)?;
            Ok(start(lab, pc, call, "RegisterDomainManager", effect))
        }
        (
            "POST",
            [
                "management",
                "domain-managers",
                id,
                "$actions",
                "unregister",
            ],
        ) => {
            known(id)?;
            let remote = body::required_text(&call.body()?, "extId", 36)?;
            let effect = PairingEffect::Unregister(remote);
            Ok(start(lab, pc, call, "UnregisterDomainManager", effect))
        }
        (
            method,
            ["config", "domain-managers", ..]
            | [
                "management",
                "domain-managers",
                _,
                "$actions",
                "register" | "unregister",
            ],
        ) => Err(Problem::method(method)),
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    effect: PairingEffect,
) -> crate::http::Response {
    let own = lab.pcs[pc].domain_manager.clone();
    let entities = vec![(own, "prism:management:domain_manager".to_owned(), None)];
    let task = tasks::start(lab, pc, operation, entities, Effect::Pairing(effect));
    call.task(&task)
}

fn register(sent: &Object) -> Result<PairingEffect, Problem> {
    let missing = |name: &str| Problem::schema(name, "must not be null");
    let spec = body::object(sent, "remoteCluster").ok_or_else(|| missing("remoteCluster"))?;
    let cluster = body::object(spec, "remoteCluster")
        .ok_or_else(|| missing("remoteCluster.remoteCluster"))?;
    let address = body::object(cluster, "address").ok_or_else(|| missing("address"))?;
    let host = ["fqdn", "ipv4"]
        .iter()
        .find_map(|kind| body::text(body::object(address, kind)?, "value"))
        .ok_or_else(|| missing("address"))?;
    let authentication = body::object(cluster, "credentials")
        .and_then(|credentials| body::object(credentials, "authentication"))
        .ok_or_else(|| missing("credentials.authentication"))?;
    let credential = |name: &str| body::required_text(authentication, name, 256);
    Ok(PairingEffect::Register(
        host.to_owned(),
        (credential("username")?, credential("password")?),
    ))
}

/// Applies a change of the pairing, on both sides.
///
/// # Errors
/// When the other side cannot be found or refuses the credentials.
pub fn apply(lab: &mut LabState, pc: usize, effect: PairingEffect) -> Result<Details, Failure> {
    let failure = |group, message: String| Failure::new("PRISM-50301", group, message);
    match effect {
        PairingEffect::Register(host, credentials) => {
            // In the lab every Prism Central is on loopback: it is identified by its site name, or as the only other one.
            let others: Vec<usize> = (0..lab.pcs.len()).filter(|other| *other != pc).collect();
            let found = others
                .iter()
                .copied()
                .find(|other| lab.pcs[*other].name == host)
                .or(match others.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                })
                .filter(|other| connected(lab, pc, *other))
                .ok_or_else(|| {
                    failure(
                        "REMOTE_UNREACHABLE",
                        format!("Remote domain manager {host} cannot be reached"),
                    )
                })?;
            if lab.pcs[found].credentials != credentials {
                return Err(failure(
                    "REMOTE_AUTHENTICATION_FAILED",
                    format!("Authentication at remote domain manager {host} failed"),
                ));
            }
            let (own, remote) = (
                lab.pcs[pc].domain_manager.clone(),
                lab.pcs[found].domain_manager.clone(),
            );
            if lab.pcs[pc].paired.contains_key(&remote) {
                return Err(failure(
                    "ALREADY_REGISTERED",
                    format!("Domain manager {remote} is already registered"),
                ));
            }
            lab.pcs[pc].paired.insert(remote, found);
            lab.pcs[found].paired.insert(own, pc);
        }
        PairingEffect::Unregister(remote) => {
            let Some(found) = lab.pcs[pc].paired.remove(&remote) else {
                return Err(failure(
                    "NOT_REGISTERED",
                    format!("Domain manager {remote} is not registered"),
                ));
            };
            let own = lab.pcs[pc].domain_manager.clone();
            if let Some(peer) = lab.pcs.get_mut(found) {
                peer.paired.remove(&own);
            }
        }
    }
    Ok(Vec::new())
}

fn registration_id(own: &str, remote: &str) -> String {
    let name = format!("registration {own} {remote}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

fn registration(lab: &LabState, pc: usize, call: &Call<'_>, remote: &str) -> Value {
    let state = &lab.pcs[pc];
    let there = peer(lab, pc, remote);
    let reachable = there.is_some_and(|there| connected(lab, pc, there));
    let name = there.map_or("", |there| lab.pcs[there].name.as_str());
    call.tag(
        "prism.v4.management.Registration",
        json!({
            "extId": registration_id(&state.domain_manager, remote),
            "remoteClusterExtId": remote,
            "connectivityStatus": if reachable { "CONNECTED" } else { "DISCONNECTED" },
            "remoteClusterDetails": call.tag("prism.v4.management.RemoteCluster", json!({
                "extId": remote,
                "name": name,
                "externalAddress": {"fqdn": {"value": name}},
                "clusterType": "DOMAIN_MANAGER",
                "clusterVersion": BUILD,
            })),
        }),
    )
}

fn render(lab: &LabState, pc: usize, call: &Call<'_>) -> Value {
    let state = &lab.pcs[pc];
    call.tag(
        "prism.v4.config.DomainManager",
        json!({
            "extId": state.domain_manager,
            "isRegisteredWithHostingCluster": true,
            "hostingClusterExtId": state.cluster.0,
            "shouldEnableHighAvailability": false,
            "config": call.tag("prism.v4.config.DomainManagerClusterConfig", json!({
                "name": state.name,
                "size": "SMALL",
                "buildInfo": {"$objectType": "clustermgmt.v4.config.BuildInfo", "version": BUILD},
            })),
            "network": call.tag("prism.v4.config.DomainManagerNetwork", json!({
                "externalAddress": {"ipv4": {"value": "127.0.0.1", "prefixLength": 32}},
            })),
        }),
    )
}
