//! Flow VPCs and their routes, and the AWS side of the cluster (`networking`, Prism reference §3.2).

use serde_json::Value;
use serde_json::json;
use stayput_estate::Cidr;

use crate::nc2;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::etag;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::effects::Details;
use crate::prism::effects::Effect;
use crate::prism::model::Failure;
use crate::prism::model::FlowVpc;
use crate::prism::model::PcState;
use crate::prism::subnets;
use crate::prism::tasks;
use crate::state::LabState;

/// Prefix lengths an externally routable prefix may have.
const ERP_LENGTHS: std::ops::RangeInclusive<u8> = 16..=28;

/// A change of one Flow VPC.
#[derive(Debug, Clone)]
pub enum VpcEffect {
    /// Creates it.
    Create(FlowVpc),
    /// Replaces it, as a PUT does.
    Update(FlowVpc),
    /// Deletes it.
    Delete,
}

/// Serves `networking/v4.N/config/vpcs…`.
///
/// # Errors
/// An unknown VPC or path, an invalid body, or a stale or missing ETag.
pub fn serve(lab: &mut LabState, pc: usize, call: &Call<'_>, path: &[&str]) -> Answer {
    let method = call.request.method.as_str();
    let id = match path {
        [] => match method {
            "GET" => {
                return call.list(lab.pcs[pc].vpcs.iter().collect(), |(id, vpc)| {
                    render(call, id, vpc)
                });
            }
            "POST" => {
                let vpc = parse(&call.body()?)?;
                let id = lab.uuid();
                let name = vpc.name.clone();
                return start(
                    lab,
                    pc,
                    call,
                    "CreateVpc",
                    &id,
                    name,
                    VpcEffect::Create(vpc),
                );
            }
            other => return Err(Problem::method(other)),
        },
        [id] => *id,
        _ => return Err(Problem::no_route(&call.request.path)),
    };
    let vpc = lab.pcs[pc]
        .vpcs
        .get(id)
        .ok_or_else(|| Problem::not_found("VPC", id))?;
    let tag = etag(id, vpc.version);
    let name = vpc.name.clone();
    match method {
        "GET" => Ok(call.entity(200, render(call, id, vpc), Some(&tag))),
        "PUT" => {
            let new = parse(&call.body()?)?;
            call.if_match(&[tag])?;
            start(lab, pc, call, "UpdateVpc", id, name, VpcEffect::Update(new))
        }
        "DELETE" => {
            call.if_match(&[tag])?;
            start(lab, pc, call, "DeleteVpc", id, name, VpcEffect::Delete)
        }
        other => Err(Problem::method(other)),
    }
}

fn start(
    lab: &mut LabState,
    pc: usize,
    call: &Call<'_>,
    operation: &str,
    id: &str,
    name: String,
    effect: VpcEffect,
) -> Answer {
    let entities = vec![(
        id.to_owned(),
        "networking:config:vpc".to_owned(),
        Some(name),
    )];
    let task = tasks::start(
        lab,
        pc,
        operation,
        entities,
        Effect::Vpc(id.to_owned(), effect),
    );
    Ok(call.task(&task))
}

/// Applies a change of one Flow VPC.
///
/// # Errors
/// The reason why it is not possible; nothing has changed then.
pub fn apply(
    lab: &mut LabState,
    pc: usize,
    id: &str,
    effect: VpcEffect,
) -> Result<Details, Failure> {
    let state = &mut lab.pcs[pc];
    let failure = |group, message: String| Failure::new("NET-50201", group, message);
    let gone = || failure("VPC_NOT_FOUND", format!("VPC {id} was not found"));
    match effect {
        VpcEffect::Create(mut vpc) => {
            fits(state, id, &vpc)?;
            vpc.version = 1;
            state.vpcs.insert(id.to_owned(), vpc);
        }
        VpcEffect::Update(mut vpc) => {
            fits(state, id, &vpc)?;
            let before = state.vpcs.get(id).ok_or_else(gone)?;
            if before.transit != vpc.transit {
                return Err(failure(
                    "VPC_TYPE_IMMUTABLE",
                    "The type of a VPC cannot be changed".to_owned(),
                ));
            }
            vpc.version = before.version + 1;
            let changed: Vec<Cidr> = before
                .erps
                .symmetric_difference(&vpc.erps)
                .copied()
                .collect();
            let transit = vpc.transit;
            state.vpcs.insert(id.to_owned(), vpc);
            if transit {
                nc2::erps_changed(lab, pc, &changed);
            }
        }
        VpcEffect::Delete => {
            let vpc = state.vpcs.get(id).ok_or_else(gone)?;
            if vpc.transit {
                return Err(failure(
                    "VPC_BUILT_IN",
                    format!("VPC {} cannot be deleted", vpc.name),
                ));
            }
            if subnets::of_vpc(&state.subnets, id).next().is_some() {
                return Err(failure(
                    "VPC_IN_USE",
                    format!("VPC {} still has subnets", vpc.name),
                ));
            }
            state.vpcs.remove(id);
        }
    }
    Ok(Vec::new())
}

/// Checks that the external subnets exist and that the prefixes of user VPCs do not overlap. The transit VPC has the prefixes of
/// the user VPCs too, so it is left out.
fn fits(state: &PcState, id: &str, vpc: &FlowVpc) -> Result<(), Failure> {
    for uplink in &vpc.external {
        if !state
            .subnets
            .get(uplink)
            .is_some_and(|subnet| subnet.external)
        {
            return Err(Failure::new(
                "NET-50202",
                "VPC_EXTERNAL_SUBNET_NOT_FOUND",
                format!("External subnet {uplink} was not found"),
            ));
        }
    }
    if vpc.transit {
        return Ok(());
    }
    for (other_id, other) in &state.vpcs {
        if other_id == id || other.transit {
            continue;
        }
        let clash = other
            .erps
            .iter()
            .find(|erp| vpc.erps.iter().any(|mine| mine.overlaps(**erp)));
        if let Some(erp) = clash {
            return Err(Failure::new(
                "NET-50203",
                "VPC_ERP_OVERLAP",
                format!(
                    "Externally routable prefix overlaps with {erp} of VPC {}",
                    other.name
                ),
            ));
        }
    }
    Ok(())
}

fn parse(vpc: &Object) -> Result<FlowVpc, Problem> {
    let empty = Object::new();
    let transit = match body::text(vpc, "vpcType") {
        None | Some("REGULAR") => false,
        Some("TRANSIT") => true,
        Some(_) => return Err(Problem::schema("vpcType", "must be REGULAR or TRANSIT")),
    };
    let mut parsed = FlowVpc {
        name: body::required_text(vpc, "name", 128)?,
        description: body::text(vpc, "description")
            .unwrap_or_default()
            .to_owned(),
        transit,
        dns: body::addresses(
            body::object(vpc, "commonDhcpOptions").unwrap_or(&empty),
            "domainNameServers",
        )?,
        ..FlowVpc::default()
    };
    for uplink in body::list(vpc, "externalSubnets") {
        let reference = uplink
            .get("subnetReference")
            .and_then(Value::as_str)
            .ok_or_else(|| {
                Problem::schema("externalSubnets.subnetReference", "must not be null")
            })?;
        parsed.external.insert(reference.to_owned());
    }
    for erp in body::list(vpc, "externallyRoutablePrefixes") {
        let cidr = body::prefix(erp, "externallyRoutablePrefixes")?;
        if !ERP_LENGTHS.contains(&cidr.len()) {
            return Err(Problem::argument(format!(
                "Externally routable prefix {cidr} must be /16 to /28"
            )));
        }
        if let Some(other) = parsed.erps.iter().find(|other| other.overlaps(cidr)) {
            return Err(Problem::argument(format!(
                "Externally routable prefix {cidr} overlaps with {other}"
            )));
        }
        parsed.erps.insert(cidr);
    }
    Ok(parsed)
}

fn render(call: &Call<'_>, id: &str, vpc: &FlowVpc) -> Value {
    let mut json = json!({
        "extId": id,
        "name": vpc.name,
        "description": vpc.description,
        "vpcType": if vpc.transit { "TRANSIT" } else { "REGULAR" },
    });
    if !vpc.external.is_empty() {
        json["externalSubnets"] = vpc
            .external
            .iter()
            .map(|uplink| {
                call.tag(
                    "networking.v4.config.ExternalSubnet",
                    json!({"subnetReference": uplink, "activeGatewayCount": 1}),
                )
            })
            .collect();
    }
    if !vpc.erps.is_empty() {
        json["externallyRoutablePrefixes"] =
            vpc.erps.iter().map(|erp| ip_subnet(call, *erp)).collect();
    }
    if !vpc.dns.is_empty() {
        let servers: Vec<Value> = vpc.dns.iter().map(|address| body::ip(*address)).collect();
        json["commonDhcpOptions"] = call.tag(
            "networking.v4.config.VpcDhcpOptions",
            json!({"domainNameServers": servers}),
        );
    }
    call.tag("networking.v4.config.Vpc", json)
}

/// Returns `IPSubnet` JSON of a prefix.
pub fn ip_subnet(call: &Call<'_>, cidr: Cidr) -> Value {
    call.tag(
        "networking.v4.config.IPSubnet",
        json!({"ipv4": subnets::subnet_json(call, cidr)}),
    )
}
