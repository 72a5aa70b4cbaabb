//! Site-to-Site VPN connections.

use super::Answer;
use super::Call;
use super::derived_id;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::matching;
use super::list::one;
use super::list::rule;
use super::write_tags;
use crate::aws::model::Vpn;
use crate::aws::xml::Xml;

type Item<'a> = Listed<'a, Vpn>;

const FIELDS: &[Field<Vpn>] = &[
    ("vpn-connection-id", |i| one(i.id)),
    ("customer-gateway-id", |i| one(customer_gateway(i))),
    ("transit-gateway-id", |i| one(&i.resource.tgw)),
    ("option.static-routes-only", |i| one(i.resource.static_only)),
    ("state", |_| one("available")),
    ("type", |_| one("ipsec.1")),
];

const KIND: Kind<Vpn> = Kind {
    ids: "VpnConnectionId",
    id: rule::VPN,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

fn customer_gateway(vpn: &Item<'_>) -> String {
    derived_id("cgw-", &vpn.resource.customer_gateway)
}

/// Returns the outside addresses of the two tunnels, from the range for documentation.
fn outside(vpn: &str) -> [String; 2] {
    let byte = *uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, vpn.as_bytes())
        .as_bytes()
        .first()
        .unwrap_or(&0);
    let low = byte & 0xfe;
    [low, low | 1].map(|host| format!("203.0.113.{host}"))
}

fn write(xml: &mut Xml, vpn: &Item<'_>) {
    let it = vpn.resource;
    xml.text("vpnConnectionId", vpn.id)
        .text("state", "available")
        .text("type", "ipsec.1")
        .text("category", "VPN")
        .text("customerGatewayId", customer_gateway(vpn))
        .text("transitGatewayId", &it.tgw)
        .text("gatewayAssociationState", "associated")
        .node("options", |xml| {
            xml.text("enableAcceleration", false)
                .text("staticRoutesOnly", it.static_only)
                .text("localIpv4NetworkCidr", "0.0.0.0/0")
                .text("remoteIpv4NetworkCidr", "0.0.0.0/0")
                .text(
                    "outsideIpAddressType",
                    if it.private {
                        "PrivateIpv4"
                    } else {
                        "PublicIpv4"
                    },
                )
                .text("tunnelInsideIpVersion", "ipv4")
                .list("tunnelOptionSet", outside(vpn.id), |xml, address| {
                    xml.text("outsideIpAddress", address);
                });
        });
    // Static routes of a connection on a Transit Gateway are in the gateway's tables.
    xml.list("routes", None::<()>, |_, ()| {});
    write_tags(xml, &it.tags);
    let tunnels = (0u32..).zip(outside(vpn.id));
    xml.list("vgwTelemetry", tunnels, |xml, (index, address)| {
        let up = index < it.tunnels_up;
        let learned = if up && !it.static_only {
            it.on_prem.len()
        } else {
            0
        };
        xml.text("outsideIpAddress", address)
            .text("status", if up { "UP" } else { "DOWN" })
            .text(
                "statusMessage",
                if up && !it.static_only {
                    format!("{learned} BGP ROUTES")
                } else {
                    String::new()
                },
            )
            .text("acceptedRouteCount", learned);
    });
}

/// This list has no pages, as in the real API.
pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let all = matching(call, &KIND, &call.region_state().vpns)?;
    let mut xml = Xml::new();
    xml.list("vpnConnectionSet", &all, write);
    Ok(xml)
}
