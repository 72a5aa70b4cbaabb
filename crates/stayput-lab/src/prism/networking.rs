//! The `networking` namespace: dispatch to its modules, read-only Flow route tables, and the cluster's view of AWS.

use serde_json::Value;
use serde_json::json;
use stayput_estate::Cidr;

use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::model::PcState;
use crate::prism::subnets;
use crate::prism::vpcs;
use crate::state::LabState;

/// Serves `networking/v4.N/…`.
///
/// # Errors
/// An unknown entity or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>) -> Answer {
    match call.path.as_slice() {
        ["config", "subnets", rest @ ..] => subnets::serve(lab, pc, call, rest),
        ["config", "vpcs", rest @ ..] => vpcs::serve(lab, pc, call, rest),
        _ if call.request.method != "GET" => match call.path.as_slice() {
            ["config", "route-tables", ..] | ["aws", "config", _] => {
                Err(Problem::method(&call.request.method))
            }
            _ => Err(Problem::no_route(&call.request.path)),
        },
        ["config", "route-tables"] => call.list(lab.pcs[pc].vpcs.keys().collect(), |vpc| {
            route_table(call, vpc)
        }),
        ["config", "route-tables", table] => {
            let vpc = vpc_of_table(&lab.pcs[pc], table)?;
            Ok(call.entity(200, route_table(call, vpc), None))
        }
        ["config", "route-tables", table, "routes"] => {
            let vpc = vpc_of_table(&lab.pcs[pc], table)?;
            call.list(routes(&lab.pcs[pc], vpc), |route| {
                render_route(call, vpc, route)
            })
        }
        ["config", "route-tables", table, "routes", id] => {
            let vpc = vpc_of_table(&lab.pcs[pc], table)?;
            let route = routes(&lab.pcs[pc], vpc)
                .into_iter()
                .find(|route| route.id(vpc) == *id)
                .ok_or_else(|| Problem::not_found("Route", id))?;
            Ok(call.entity(200, render_route(call, vpc, &route), None))
        }
        ["aws", "config", kind] => aws(lab, pc, call, kind),
        _ => Err(Problem::no_route(&call.request.path)),
    }
}

/// A route of a Flow VPC.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    destination: Cidr,
    /// The external subnet, or the local subnet.
    subnet: String,
    local: bool,
}

impl Route {
    fn id(&self, vpc: &str) -> String {
        stable_id(&format!("route {vpc} {}", self.destination))
    }
}

/// Its own subnets are local. Everything else leaves by the no-NAT external subnet if there is one, else by the NAT one.
fn routes(pc: &PcState, vpc_id: &str) -> Vec<Route> {
    let mut routes: Vec<Route> = subnets::of_vpc(&pc.subnets, vpc_id)
        .map(|(id, cidr)| Route {
            destination: cidr,
            subnet: id.clone(),
            local: true,
        })
        .collect();
    let uplink = pc.vpcs.get(vpc_id).and_then(|vpc| {
        let nat = |id: &String| pc.subnets.get(id).is_none_or(|subnet| subnet.nat);
        vpc.external
            .iter()
            .find(|id| !nat(id))
            .or_else(|| vpc.external.first())
    });
    if let Some(uplink) = uplink {
        routes.push(Route {
            destination: Cidr::ALL,
            subnet: uplink.clone(),
            local: false,
        });
    }
    routes
}

fn render_route(call: &Call<'_>, vpc: &str, route: &Route) -> Value {
    let kind = if route.local {
        "LOCAL_SUBNET"
    } else {
        "EXTERNAL_SUBNET"
    };
    call.tag(
        "networking.v4.config.Route",
        json!({
            "extId": route.id(vpc),
            "routeTableReference": table_id(vpc),
            "vpcReference": vpc,
            "routeType": if route.local { "LOCAL" } else { "STATIC" },
            "isActive": true,
            "priority": 32768,
            "destination": vpcs::ip_subnet(call, route.destination),
            "nexthop": call.tag("networking.v4.config.Nexthop", json!({
                "nexthopType": kind,
                "nexthopReference": route.subnet,
            })),
        }),
    )
}

fn route_table(call: &Call<'_>, vpc: &str) -> Value {
    call.tag(
        "networking.v4.config.RouteTable",
        json!({"extId": table_id(vpc), "vpcReference": vpc}),
    )
}

fn table_id(vpc: &str) -> String {
    stable_id(&format!("route table {vpc}"))
}

fn vpc_of_table<'a>(pc: &'a PcState, table: &str) -> Result<&'a String, Problem> {
    pc.vpcs
        .keys()
        .find(|vpc| table_id(vpc) == table)
        .ok_or_else(|| Problem::not_found("Route table", table))
}

fn stable_id(name: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string()
}

/// Answers what the cluster sees of its AWS VPC. The cluster's id is required in a header (Prism reference §3.2).
fn aws(lab: &LabState, pc: usize, call: &Call<'_>, kind: &str) -> Answer {
    let state = &lab.pcs[pc];
    match call.request.header("x-cluster-id") {
        None => {
            return Err(Problem::schema(
                "X-Cluster-Id",
                "required header is missing",
            ));
        }
        Some(cluster) if cluster == state.cluster.0 => {}
        Some(cluster) => return Err(Problem::not_found("Cluster", cluster)),
    }
    let (region_name, vpc_id) = &state.aws;
    let region = lab.aws.regions.get(region_name);
    match kind {
        "vpcs" => {
            let vpcs = region
                .into_iter()
                .filter_map(|region| region.vpcs.get(vpc_id))
                .collect();
            call.list(vpcs, |vpc| {
                call.tag(
                    "networking.v4.aws.config.AwsVpc",
                    json!({
                        "extId": stable_id(vpc_id),
                        "vpcId": vpc_id,
                        "cidrs": vpc.cidrs,
                        "cloudType": "AWS",
                        "annotation": vpc.tags.get("Name").map_or("", String::as_str),
                    }),
                )
            })
        }
        "subnets" => {
            let subnets = region
                .into_iter()
                .flat_map(|region| region.subnets.iter())
                .filter(|(_, subnet)| subnet.vpc == *vpc_id)
                .collect();
            call.list(subnets, |(id, subnet)| {
                call.tag(
                    "networking.v4.aws.config.AwsSubnet",
                    json!({
                        "extId": stable_id(id),
                        "subnetId": id,
                        "vpcId": vpc_id,
                        "cidr": subnet.cidr,
                        "gatewayIp": subnet.cidr.nth(1),
                        "availabilityZone": subnet.az,
                        "cloudType": "AWS",
                        "annotation": subnet.tags.get("Name").map_or("", String::as_str),
                    }),
                )
            })
        }
        _ => Err(Problem::no_route(&call.request.path)),
    }
}
