//! Addresses of a subnet that are held back from automatic allocation (Prism reference §3.2).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Serialize;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;
use stayput_world::Unreadable;

use super::subnets;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::v4::change::Change;
use crate::prism::v4::change::Next;
use crate::prism::v4::wire::Ip;
use crate::prism::v4::wire::network::ReservedIp;
use crate::prism::v4::wire::network::WireSubnet;

/// `$actions/reserve` and `$actions/unreserve` name the kind of list differently.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressList<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reserve_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreserve_type: Option<&'static str>,
    ip_addresses: Vec<Ip>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_context: Option<&'a str>,
}

impl PrismClient {
    /// Addresses held back from automatic allocation in a subnet.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn reserved_addresses(
        &self,
        subnet: &SubnetExtId,
    ) -> Result<BTreeSet<Ipv4Addr>, PrismError> {
        let what = Message::new("call-list-reserved").with("subnet", subnet);
        let path = subnets().join(subnet.as_str()).join("reserved-ips");
        let found: Vec<ReservedIp> = self.v4.list(&path, &[], &what).await?;
        Ok(found.iter().filter_map(ReservedIp::address).collect())
    }

    /// The same with entries that are not understood noted.
    pub(in crate::prism::v4) async fn reserved_tolerant(
        &self,
        subnet: &SubnetExtId,
    ) -> Result<(BTreeSet<Ipv4Addr>, Vec<Unreadable>), PrismError> {
        let what = Message::new("call-list-reserved").with("subnet", subnet);
        let path = subnets().join(subnet.as_str()).join("reserved-ips");
        let found = self
            .v4
            .list_tolerant::<ReservedIp>(&path, &[], &what)
            .await?;
        let addresses = found.objects.iter().filter_map(ReservedIp::address);
        Ok((addresses.collect(), found.unreadable))
    }

    /// Holds addresses back from automatic allocation; those that are held back already are left out.
    ///
    /// `context` says for what, 1 to 64 characters.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn reserve_addresses(
        &self,
        subnet: &SubnetExtId,
        addresses: &[Ipv4Addr],
        context: &str,
        id: RequestId,
    ) -> Result<(), PrismError> {
        self.change_reservations(subnet, addresses, Some(context), id)
            .await
    }

    /// Gives reserved addresses back to automatic allocation; those that are not reserved are left out.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn unreserve_addresses(
        &self,
        subnet: &SubnetExtId,
        addresses: &[Ipv4Addr],
        id: RequestId,
    ) -> Result<(), PrismError> {
        self.change_reservations(subnet, addresses, None, id).await
    }

    /// Reserves when there is a context, gives back when there is none.
    async fn change_reservations(
        &self,
        subnet: &SubnetExtId,
        addresses: &[Ipv4Addr],
        context: Option<&str>,
        id: RequestId,
    ) -> Result<(), PrismError> {
        const LIST: &str = "IP_ADDRESS_LIST";
        let reserve = context.is_some();
        let action = if reserve { "reserve" } else { "unreserve" };
        let what = if reserve {
            Message::new("call-reserve-addresses")
                .count("addresses", addresses.len())
                .with("subnet", subnet)
        } else {
            Message::new("call-unreserve-addresses")
                .count("addresses", addresses.len())
                .with("subnet", subnet)
        };
        let path = subnets().join(subnet.as_str());
        self.v4
            .apply(&id, &what, |_| async {
                let name = Message::new("thing-subnet").with("subnet", subnet);
                let entity = self.v4.get::<WireSubnet>(&path, &what, &name).await?;
                let reserved = self.reserved_addresses(subnet).await?;
                let body = AddressList {
                    reserve_type: reserve.then_some(LIST),
                    unreserve_type: (!reserve).then_some(LIST),
                    ip_addresses: addresses
                        .iter()
                        .filter(|address| reserved.contains(address) != reserve)
                        .map(|&address| address.into())
                        .collect(),
                    client_context: context,
                };
                let path = path.clone().join("addresses").join("$actions").join(action);
                Ok(Next::send_if(!body.ip_addresses.is_empty(), || {
                    Change::post(path).etag(entity.etag).body(&body)
                }))
            })
            .await?;
        Ok(())
    }
}
