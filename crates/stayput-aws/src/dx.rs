//! Direct Connect gateways, as far as they are associated with Transit Gateways.

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::DxGatewayId;
use stayput_estate::Region;
use stayput_estate::TgwId;
use stayput_world::aws::DxAssociation;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    associated_gateway_id: String,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    direct_connect_gateway_associations: Vec<Association>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Association {
    association_id: String,
    direct_connect_gateway_id: String,
    association_state: String,
    #[serde(default)]
    allowed_prefixes_to_direct_connect_gateway: Vec<Prefix>,
}

#[derive(Deserialize)]
struct Prefix {
    cidr: Option<String>,
}

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
                |page: Page| (page.direct_connect_gateway_associations, page.next_token),
            )
            .await?;
        associations
            .into_iter()
            .filter(|association| association.association_state != "disassociated")
            .map(|association| {
                let allowed_prefixes = association
                    .allowed_prefixes_to_direct_connect_gateway
                    .into_iter()
                    .filter_map(|prefix| prefix.cidr)
                    .filter(|cidr| !cidr.contains(':'))
                    .map(|cidr| {
                        cidr.parse()
                            .map_err(|error| (association.association_id.clone(), error))
                    })
                    .collect::<Result<_, (String, stayput_estate::CidrError)>>()
                    .map_err(|(id, error)| {
                        self.unexpected(
                            region,
                            Service::DirectConnect,
                            OPERATION,
                            &format!("{id}/allowedPrefixesToDirectConnectGateway"),
                            &error.to_string(),
                        )
                    })?;
                Ok(DxAssociation {
                    id: association.association_id,
                    gateway: DxGatewayId::new(association.direct_connect_gateway_id),
                    tgw: tgw.clone(),
                    state: association.association_state,
                    allowed_prefixes,
                })
            })
            .collect()
    }
}
