//! Direct Connect gateways, as far as they are associated with Transit Gateways.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::Cidr;
use stayput_estate::CidrError;
use stayput_estate::DxGatewayId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_messages::Message;
use stayput_world::aws::DxAssociation;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::xml::Malformed;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    associated_gateway_id: String,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// `directConnectGatewayAssociations` is in every answer: services of this protocol send an empty list where there is nothing, as botocore's
/// and moto's recorded answers show. Without it the answer is not the list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    direct_connect_gateway_associations: Vec<Association>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    association_id: String,
    direct_connect_gateway_id: String,
    association_state: String,
    /// Should the endpoint not filter.
    associated_gateway: Option<Gateway>,
    /// Absent only while the association is being made or undone.
    allowed_prefixes_to_direct_connect_gateway: Option<Vec<Prefix>>,
}

#[derive(Deserialize)]
struct Gateway {
    id: String,
}

#[derive(Deserialize)]
struct Prefix {
    cidr: String,
}

/// States in which an association has allowed prefixes, whatever they are.
const IN_FORCE: [&str; 2] = ["associated", "updating"];

impl AwsClient {
    /// Associations of one Transit Gateway, without those that have ended. IPv6 prefixes are left out.
    pub(crate) async fn dx_associations(
        &self,
        region: &Region,
        tgw: &TgwId,
    ) -> Result<Vec<DxAssociation>, AwsError> {
        const OPERATION: &str = "DescribeDirectConnectGatewayAssociations";
        let associations = self
            .json_list(
                region,
                Service::DirectConnect,
                OPERATION,
                |next_token| Input {
                    associated_gateway_id: tgw.to_string(),
                    max_results: 100,
                    next_token,
                },
                |page: Page| {
                    let associations = page.direct_connect_gateway_associations;
                    let read = associations
                        .into_iter()
                        .map(read)
                        .collect::<Result<_, _>>()?;
                    Ok((read, page.next_token))
                },
            )
            .await?;
        Ok(associations
            .into_iter()
            .flatten()
            .filter(|association| association.tgw.as_ref().is_none_or(|of| of == tgw))
            .map(|association| DxAssociation {
                id: association.id,
                gateway: association.gateway,
                tgw: tgw.clone(),
                state: association.state,
                allowed_prefixes: association.allowed_prefixes,
            })
            .collect())
    }
}

/// An association as it is read.
struct Read {
    id: String,
    gateway: DxGatewayId,
    tgw: Option<TgwId>,
    state: String,
    allowed_prefixes: BTreeSet<Cidr>,
}

/// Reads an association; one that has ended is none.
fn read(association: Association) -> Result<Option<Read>, Malformed> {
    const PREFIXES: &str = "allowedPrefixesToDirectConnectGateway";
    let Association {
        association_id: id,
        direct_connect_gateway_id: gateway,
        association_state: state,
        associated_gateway: tgw,
        allowed_prefixes_to_direct_connect_gateway: prefixes,
    } = association;
    if state == "disassociated" {
        return Ok(None);
    }
    let prefixes = match prefixes {
        Some(prefixes) => prefixes,
        None if IN_FORCE.contains(&state.as_str()) => {
            return Err(Malformed::new(PREFIXES, Message::new("answer-missing")).of(id));
        }
        None => Vec::new(),
    };
    let allowed_prefixes = prefixes
        .into_iter()
        .filter(|prefix| !prefix.cidr.contains(':'))
        .map(|prefix| {
            let cidr: Result<Cidr, CidrError> = prefix.cidr.parse();
            cidr.map_err(|error| Malformed::new(PREFIXES, error).of(&id))
        })
        .collect::<Result<_, _>>()?;
    Ok(Some(Read {
        id,
        gateway: DxGatewayId::new(gateway),
        tgw: tgw.map(|tgw| TgwId::new(tgw.id)),
        state,
        allowed_prefixes,
    }))
}

#[cfg(test)]
mod tests;
