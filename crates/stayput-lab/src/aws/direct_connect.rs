//! Direct Connect gateways and their associations with Transit Gateways (AWS reference §2.1, §2.2).
//!
//! Global: the answer is the same in every region. An association announces
//! [`DxAssociation::allowed`](super::model::DxAssociation::allowed) to on-prem. A change is accepted at once and takes effect
//! when the association settles.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;
use stayput_estate::Cidr;

use super::json::Args;
use super::json::Fault;
use super::json::JsonServiceEvent;
use super::json::structure;
use super::json::unknown_operation;
use super::model::Attachment;
use super::model::AttachmentKind;
use super::model::DxAssociation;
use super::model::DxGateway;
use crate::state::LabState;

/// Most prefixes announced towards on-prem for one Transit Gateway.
const MAX_PREFIXES: usize = 200;
/// Most Transit Gateways of one Direct Connect gateway.
const MAX_ASSOCIATIONS: usize = 6;
/// ASN of a gateway created without one.
const DEFAULT_ASN: i64 = 64_512;
/// Most entries in one page.
const MAX_RESULTS: usize = 100;

/// Answers one operation.
///
/// # Errors
/// `DirectConnectClientException` for every error of the client.
pub fn handle(lab: &mut LabState, operation: &str, args: Args<'_>) -> Result<Json, Fault> {
    match operation {
        "CreateDirectConnectGateway" => create_gateway(lab, args),
        "DeleteDirectConnectGateway" => delete_gateway(lab, args),
        "DescribeDirectConnectGateways" => gateways(lab, args),
        "DescribeDirectConnectGatewayAssociations" => associations(lab, args),
        "DescribeDirectConnectGatewayAttachments" => attachments(lab, args),
        "CreateDirectConnectGatewayAssociation" => create(lab, args),
        "UpdateDirectConnectGatewayAssociation" => update(lab, args),
        "DeleteDirectConnectGatewayAssociation" => delete(lab, args),
        _ => Err(unknown_operation()),
    }
}

fn client(message: impl Into<String>) -> Fault {
    Fault::new("DirectConnectClientException", message)
}

fn page(lab: &LabState, args: Args<'_>, member: &str, entries: Vec<Json>) -> Result<Json, Fault> {
    let size = args
        .integer("maxResults")?
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(MAX_RESULTS)
        .clamp(1, MAX_RESULTS)
        .min(lab.aws.page_cap.unwrap_or(MAX_RESULTS));
    let start: usize = match args.text("nextToken")? {
        None => 0,
        Some(token) => token
            .strip_prefix("page-")
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| client("Invalid pagination token"))?,
    };
    let next = start.saturating_add(size);
    let more = next < entries.len();
    let entries: Vec<Json> = entries.into_iter().skip(start).take(size).collect();
    let mut answer = json!({ member: entries });
    if more {
        answer["nextToken"] = json!(format!("page-{next}"));
    }
    Ok(answer)
}

fn gateways(lab: &LabState, args: Args<'_>) -> Result<Json, Fault> {
    let only = args.text("directConnectGatewayId")?;
    let entries = lab
        .aws
        .dx_gateways
        .iter()
        .filter(|(id, _)| only.is_none_or(|only| only == id.as_str()))
        .map(|(id, gateway)| gateway_json(lab, id, gateway, "available"))
        .collect();
    page(lab, args, "directConnectGateways", entries)
}

fn gateway_json(lab: &LabState, id: &str, gateway: &DxGateway, state: &str) -> Json {
    json!({
        "directConnectGatewayId": id,
        "directConnectGatewayName": gateway.name,
        "amazonSideAsn": gateway.asn,
        "ownerAccount": lab.aws.account,
        "directConnectGatewayState": state,
        "tags": [],
    })
}

/// On-prem announces nothing over a new gateway: it has no virtual interface yet.
fn create_gateway(lab: &mut LabState, args: Args<'_>) -> Result<Json, Fault> {
    let name = args.need_text("directConnectGatewayName")?.to_owned();
    let asn = args.integer("amazonSideAsn")?.unwrap_or(DEFAULT_ASN);
    let asn = u64::try_from(asn)
        .ok()
        .filter(|asn| {
            (64_512..=65_534).contains(asn) || (4_200_000_000..=4_294_967_294).contains(asn)
        })
        .ok_or_else(|| client(format!("The ASN {asn} is not in a private range")))?;
    let id = lab.uuid();
    let gateway = DxGateway {
        name,
        asn,
        on_prem: BTreeSet::new(),
        local_preference: 100,
    };
    let answer = gateway_json(lab, &id, &gateway, "available");
    lab.aws.dx_gateways.insert(id, gateway);
    Ok(json!({ "directConnectGateway": answer }))
}

fn delete_gateway(lab: &mut LabState, args: Args<'_>) -> Result<Json, Fault> {
    let id = args.need_text("directConnectGatewayId")?;
    let mut associations = lab.aws.dx_associations.values();
    if associations.any(|association| association.gateway == id) {
        return Err(client(format!(
            "The Direct Connect gateway {id} still has associations"
        )));
    }
    let gateway = lab.aws.dx_gateways.remove(id).ok_or_else(|| {
        client(format!(
            "Direct Connect Gateway with ID {id} could not be found."
        ))
    })?;
    Ok(json!({ "directConnectGateway": gateway_json(lab, id, &gateway, "deleted") }))
}

fn associations(lab: &LabState, args: Args<'_>) -> Result<Json, Fault> {
    let association = args.text("associationId")?;
    let gateway = args.text("directConnectGatewayId")?;
    let associated = args.text("associatedGatewayId")?;
    // The lab has no virtual private gateways.
    let virtual_gateway = args.text("virtualGatewayId")?;
    if association
        .or(gateway)
        .or(associated)
        .or(virtual_gateway)
        .is_none()
    {
        return Err(client(
            "At least one of associationId, associatedGatewayId, directConnectGatewayId and virtualGatewayId must be \
             specified",
        ));
    }
    let entries = lab
        .aws
        .dx_associations
        .iter()
        .filter(|(id, found)| {
            association.is_none_or(|wanted| wanted == id.as_str())
                && gateway.is_none_or(|wanted| wanted == found.gateway)
                && associated.is_none_or(|wanted| wanted == found.tgw)
                && virtual_gateway.is_none()
        })
        .map(|(id, found)| association_json(lab, id, found))
        .collect();
    page(lab, args, "directConnectGatewayAssociations", entries)
}

/// Returns one transit virtual interface for each gateway.
fn attachments(lab: &LabState, args: Args<'_>) -> Result<Json, Fault> {
    let gateway = args.text("directConnectGatewayId")?;
    let interface = args.text("virtualInterfaceId")?;
    if gateway.or(interface).is_none() {
        return Err(client(
            "At least one of directConnectGatewayId and virtualInterfaceId must be specified",
        ));
    }
    let region = lab.aws.regions.keys().next().cloned().unwrap_or_default();
    let entries = lab
        .aws
        .dx_gateways
        .keys()
        .map(|id| (id, virtual_interface(id)))
        .filter(|(id, vif)| {
            gateway.is_none_or(|wanted| wanted == id.as_str())
                && interface.is_none_or(|wanted| wanted == vif)
        })
        .map(|(id, vif)| {
            json!({
                "directConnectGatewayId": id,
                "virtualInterfaceId": vif,
                "virtualInterfaceRegion": region,
                "virtualInterfaceOwnerAccount": lab.aws.account,
                "attachmentState": "attached",
                "attachmentType": "TransitVirtualInterface",
            })
        })
        .collect();
    page(lab, args, "directConnectGatewayAttachments", entries)
}

fn virtual_interface(gateway: &str) -> String {
    let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, gateway.as_bytes());
    format!("dxvif-{}", &id.simple().to_string()[..8])
}

/// While a change is in progress, the answer has the requested prefixes (inferred: its state says that they are not announced
/// yet).
fn association_json(lab: &LabState, id: &str, association: &DxAssociation) -> Json {
    let allowed: Vec<Json> = lab
        .aws
        .dx_pending
        .get(id)
        .unwrap_or(&association.allowed)
        .iter()
        .map(|cidr| json!({ "cidr": cidr.to_string() }))
        .collect();
    json!({
        "directConnectGatewayId": association.gateway,
        "directConnectGatewayOwnerAccount": lab.aws.account,
        "associationState": association.state,
        "associatedGateway": {
            "id": association.tgw,
            "type": "transitGateway",
            "ownerAccount": lab.aws.account,
            "region": association.region,
        },
        "associationId": id,
        "allowedPrefixesToDirectConnectGateway": allowed,
    })
}

fn prefixes(args: Args<'_>, member: &str) -> Result<BTreeSet<Cidr>, Fault> {
    args.list(member)?
        .iter()
        .map(|prefix| {
            let text = structure(prefix, member)?.need_text("cidr")?;
            text.parse()
                .map_err(|error: stayput_estate::CidrError| client(error.to_string()))
        })
        .collect()
}

/// Checks the overlap rule: on one gateway no prefix of one association may overlap one of another, neither as announced now nor
/// as requested (AWS reference §2.2).
fn check_overlap(
    lab: &LabState,
    gateway: &str,
    this: &str,
    allowed: &BTreeSet<Cidr>,
) -> Result<(), Fault> {
    if allowed.len() > MAX_PREFIXES {
        return Err(client(format!(
            "The number of allowed prefixes exceeds the limit of {MAX_PREFIXES}"
        )));
    }
    for (id, other) in &lab.aws.dx_associations {
        if id == this || other.gateway != gateway {
            continue;
        }
        let taken = other
            .allowed
            .iter()
            .chain(lab.aws.dx_pending.get(id).into_iter().flatten());
        for taken in taken {
            if let Some(prefix) = allowed.iter().find(|prefix| prefix.overlaps(*taken)) {
                return Err(client(format!(
                    "The CIDR {prefix} overlaps with the CIDR {taken} of the association {id} with {} on the Direct \
                     Connect gateway {gateway}",
                    other.tgw
                )));
            }
        }
    }
    Ok(())
}

fn create(lab: &mut LabState, args: Args<'_>) -> Result<Json, Fault> {
    let gateway = args.need_text("directConnectGatewayId")?;
    let Some(tgw) = args.text("gatewayId")? else {
        return Err(client("gatewayId must be specified"));
    };
    let allowed = prefixes(args, "addAllowedPrefixesToDirectConnectGateway")?;
    let dx = lab.aws.dx_gateways.get(gateway).ok_or_else(|| {
        client(format!(
            "Direct Connect Gateway with ID {gateway} could not be found."
        ))
    })?;
    let (region, found) = lab
        .aws
        .regions
        .iter()
        .find_map(|(name, region)| Some((name.clone(), region.tgws.get(tgw)?)))
        .ok_or_else(|| client(format!("Gateway with ID {tgw} could not be found.")))?;
    if found.asn == dx.asn {
        return Err(client(format!(
            "The ASN {} of the Transit Gateway is also that of the Direct Connect gateway",
            dx.asn
        )));
    }
    if allowed.is_empty() {
        return Err(client(
            "Allowed prefixes are required for an association with a Transit Gateway",
        ));
    }
    let of_gateway = || {
        lab.aws
            .dx_associations
            .values()
            .filter(|association| association.gateway == gateway)
    };
    if of_gateway().any(|association| association.tgw == tgw) {
        return Err(client(format!(
            "The Direct Connect gateway {gateway} is already associated with {tgw}"
        )));
    }
    if of_gateway().count() >= MAX_ASSOCIATIONS {
        return Err(client(format!(
            "The Direct Connect gateway {gateway} has {MAX_ASSOCIATIONS} associations, which is the limit"
        )));
    }
    check_overlap(lab, gateway, "", &allowed)?;
    let id = lab.uuid();
    let association = DxAssociation {
        gateway: gateway.to_owned(),
        region,
        tgw: tgw.to_owned(),
        state: "associating".to_owned(),
        allowed: BTreeSet::new(),
    };
    lab.aws.dx_associations.insert(id.clone(), association);
    begin(lab, id, "associating", allowed)
}

fn update(lab: &mut LabState, args: Args<'_>) -> Result<Json, Fault> {
    let Some(id) = args.text("associationId")? else {
        return Err(client("associationId must be specified"));
    };
    let add = prefixes(args, "addAllowedPrefixesToDirectConnectGateway")?;
    let remove = prefixes(args, "removeAllowedPrefixesToDirectConnectGateway")?;
    let association = settled(lab, id)?;
    if let Some(prefix) = remove.difference(&association.allowed).next() {
        return Err(client(format!(
            "The CIDR {prefix} is not an allowed prefix of the association {id}"
        )));
    }
    let allowed: BTreeSet<Cidr> = association
        .allowed
        .difference(&remove)
        .copied()
        .chain(add)
        .collect();
    if allowed.is_empty() {
        return Err(client(format!(
            "The association {id} must keep at least one allowed prefix"
        )));
    }
    check_overlap(lab, &association.gateway, id, &allowed)?;
    begin(lab, id.to_owned(), "updating", allowed)
}

fn delete(lab: &mut LabState, args: Args<'_>) -> Result<Json, Fault> {
    let id = match args.text("associationId")? {
        Some(id) => id.to_owned(),
        None => {
            let gateway = args.text("directConnectGatewayId")?;
            let virtual_gateway = args.text("virtualGatewayId")?;
            return Err(client(format!(
                "No association of {} with {} could be found.",
                gateway.unwrap_or("no gateway"),
                virtual_gateway.unwrap_or("no virtual private gateway")
            )));
        }
    };
    settled(lab, &id)?;
    begin(lab, id, "disassociating", BTreeSet::new())
}

/// Returns an association without a change in progress.
fn settled<'a>(lab: &'a LabState, id: &str) -> Result<&'a DxAssociation, Fault> {
    let association = lab.aws.dx_associations.get(id).ok_or_else(|| {
        client(format!(
            "Direct Connect Gateway Association with ID {id} could not be found."
        ))
    })?;
    if association.state == "associated" {
        Ok(association)
    } else {
        Err(client(format!(
            "The association {id} is in the state {} and cannot be changed now",
            association.state
        )))
    }
}

fn begin(
    lab: &mut LabState,
    id: String,
    state: &str,
    allowed: BTreeSet<Cidr>,
) -> Result<Json, Fault> {
    lab.aws.dx_pending.insert(id.clone(), allowed);
    if let Some(association) = lab.aws.dx_associations.get_mut(&id) {
        association.state = state.to_owned();
    }
    lab.after(
        lab.timing.dx_update,
        crate::state::LabEvent::Aws(super::AwsEvent::Json(JsonServiceEvent::AssociationSettles(
            id.clone(),
        ))),
    );
    let answer = lab
        .aws
        .dx_associations
        .get(&id)
        .map(|association| association_json(lab, &id, association));
    Ok(json!({ "directConnectGatewayAssociation": answer }))
}

/// A change takes effect.
pub fn settle(lab: &mut LabState, id: &str) {
    let Some(allowed) = lab.aws.dx_pending.remove(id) else {
        return;
    };
    let Some(mut association) = lab.aws.dx_associations.remove(id) else {
        return;
    };
    match association.state.as_str() {
        "disassociating" => {
            detach(lab, &association);
            return;
        }
        "associating" => attach(lab, &association),
        _ => {}
    }
    association.allowed = allowed;
    association.state = "associated".to_owned();
    lab.aws.dx_associations.insert(id.to_owned(), association);
}

/// Adds an attachment to the Transit Gateway, in its default table if it has one.
fn attach(lab: &mut LabState, association: &DxAssociation) {
    let id = lab.aws_id("tgw-attach-");
    let created = lab.now();
    let Some(region) = lab.aws.regions.get_mut(&association.region) else {
        return;
    };
    region.attachments.insert(
        id.clone(),
        Attachment {
            tgw: association.tgw.clone(),
            kind: AttachmentKind::DirectConnect(association.gateway.clone()),
            state: "available".to_owned(),
            created,
            tags: std::collections::BTreeMap::new(),
        },
    );
    let table = region
        .tgws
        .get(&association.tgw)
        .and_then(|tgw| tgw.default_table.as_ref())
        .and_then(|table| region.tgw_route_tables.get_mut(table));
    if let Some(table) = table {
        table.associations.insert(id.clone());
        table.propagations.insert(id);
    }
}

/// Deletes the attachment. Static routes that name it remain as blackholes.
fn detach(lab: &mut LabState, association: &DxAssociation) {
    let Some(region) = lab.aws.regions.get_mut(&association.region) else {
        return;
    };
    for (id, attachment) in &mut region.attachments {
        let of_gateway = matches!(
            &attachment.kind,
            AttachmentKind::DirectConnect(gateway) if *gateway == association.gateway
        );
        if of_gateway && attachment.tgw == association.tgw {
            attachment.state = "deleted".to_owned();
            for table in region.tgw_route_tables.values_mut() {
                table.associations.remove(id);
                table.propagations.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
