//! JSON of subnets.

use std::net::Ipv4Addr;

use serde_json::Value;
use serde_json::json;
use stayput_estate::AddrRange;
use stayput_estate::Cidr;

use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::body;
use crate::prism::body::Object;
use crate::prism::ipam;
use crate::prism::model::FlowSubnet;
use crate::prism::model::Nic;
use crate::prism::model::PcState;

/// `$objectType` of a subnet.
const SUBNET: &str = "networking.v4.config.Subnet";

pub(super) fn parse(subnet: &Object, before: Option<&FlowSubnet>) -> Result<FlowSubnet, Problem> {
    let empty = Object::new();
    let vpc = body::text(subnet, "vpcReference").map(str::to_owned);
    match body::text(subnet, "subnetType") {
        Some("OVERLAY") if vpc.is_none() && body::flag(subnet, "isExternal") != Some(true) => {
            return Err(Problem::schema(
                "vpcReference",
                "must not be null for an OVERLAY subnet",
            ));
        }
        Some("OVERLAY" | "VLAN") => {}
        _ => return Err(Problem::schema("subnetType", "must be OVERLAY or VLAN")),
    }
    let config = body::list(subnet, "ipConfig")
        .first()
        .and_then(|config| config.get("ipv4")?.as_object());
    let dhcp = body::object(subnet, "dhcpOptions").unwrap_or(&empty);
    let external = body::flag(subnet, "isExternal").unwrap_or(false);
    let mut parsed = FlowSubnet {
        name: body::required_text(subnet, "name", 128)?,
        description: body::text(subnet, "description")
            .unwrap_or_default()
            .to_owned(),
        vpc,
        dns: body::addresses(dhcp, "domainNameServers")?,
        domain: body::text(dhcp, "domainName")
            .unwrap_or_default()
            .to_owned(),
        search_domains: body::texts(dhcp, "searchDomains"),
        external,
        // NAT is on for external subnets unless it is switched off.
        nat: external && body::flag(subnet, "isNatEnabled").unwrap_or(true),
        network_id: body::number(subnet, "networkId")
            .and_then(|id| u32::try_from(id).ok())
            .or_else(|| before.map(|subnet| subnet.network_id))
            .unwrap_or_default(),
        ..FlowSubnet::default()
    };
    match config {
        Some(config) => addressing(&mut parsed, config)?,
        None if parsed.vpc.is_some() => {
            return Err(Problem::schema(
                "ipConfig",
                "must not be empty for an OVERLAY subnet",
            ));
        }
        None => {}
    }
    Ok(parsed)
}

fn addressing(subnet: &mut FlowSubnet, config: &Object) -> Result<(), Problem> {
    let cidr = body::prefix(
        config.get("ipSubnet").unwrap_or(&Value::Null),
        "ipConfig.ipv4.ipSubnet",
    )?;
    let inside = |address: Ipv4Addr, name: &str| {
        if cidr.contains(address) {
            Ok(address)
        } else {
            Err(Problem::argument(format!(
                "{name} {address} is not in {cidr}"
            )))
        }
    };
    subnet.cidr = Some(cidr);
    subnet.gateway = body::address(config.get("defaultGatewayIp"), "defaultGatewayIp")?
        .map(|address| inside(address, "defaultGatewayIp"))
        .transpose()?;
    subnet.dhcp_server = body::address(config.get("dhcpServerAddress"), "dhcpServerAddress")?
        .map(|address| inside(address, "dhcpServerAddress"))
        .transpose()?;
    for pool in body::list(config, "poolList") {
        let end = |name: &str| -> Result<Ipv4Addr, Problem> {
            let address = body::address(pool.get(name), name)?
                .ok_or_else(|| Problem::schema(name, "must not be null"))?;
            inside(address, name)
        };
        let pool = AddrRange {
            first: end("startIp")?,
            last: end("endIp")?,
        };
        if pool.first > pool.last {
            return Err(Problem::argument(format!(
                "pool {pool} ends before it starts"
            )));
        }
        subnet.pools.push(pool);
    }
    Ok(())
}

pub(super) fn render(state: &PcState, call: &Call<'_>, id: &str, subnet: &FlowSubnet) -> Value {
    let overlay = subnet.vpc.is_some();
    let mut json = json!({
        "extId": id,
        "name": subnet.name,
        "description": subnet.description,
        "subnetType": if overlay { "OVERLAY" } else { "VLAN" },
        "networkId": subnet.network_id,
        "isExternal": subnet.external,
        "isAdvancedNetworking": overlay || subnet.external,
        "hypervisorType": "acropolis",
        "reservedIpAddresses": subnet.reserved.keys().map(|address| body::ip(*address)).collect::<Vec<_>>(),
        "dhcpOptions": call.tag("networking.v4.config.DhcpOptions", dhcp_options(subnet)),
    });
    if let Some(vpc) = &subnet.vpc {
        json["vpcReference"] = json!(vpc);
    } else {
        json["clusterReference"] = json!(state.cluster.0);
        if call.minor >= 1 {
            json["clusterReferenceList"] = json!([state.cluster.0]);
        }
    }
    if subnet.external {
        json["isNatEnabled"] = json!(subnet.nat);
    }
    if let Some(cidr) = subnet.cidr {
        json["ipPrefix"] = json!(cidr);
        json["ipConfig"] = json!([call.tag(
            "networking.v4.config.IPConfig",
            json!({"ipv4": ip_config(call, subnet, cidr)})
        )]);
        json["ipUsage"] = usage(state, call, id, subnet, cidr);
    }
    call.tag(SUBNET, json)
}

fn dhcp_options(subnet: &FlowSubnet) -> Value {
    let mut options = json!({});
    if !subnet.dns.is_empty() {
        options["domainNameServers"] = subnet.dns.iter().map(|ip| body::ip(*ip)).collect();
    }
    if !subnet.domain.is_empty() {
        options["domainName"] = json!(subnet.domain);
    }
    if !subnet.search_domains.is_empty() {
        options["searchDomains"] = json!(subnet.search_domains);
    }
    options
}

fn ip_config(call: &Call<'_>, subnet: &FlowSubnet, cidr: Cidr) -> Value {
    let mut config = json!({
        "ipSubnet": subnet_json(call, cidr),
        "poolList": subnet.pools.iter().map(|range| pool(call, *range)).collect::<Vec<_>>(),
    });
    if let Some(gateway) = subnet.gateway {
        config["defaultGatewayIp"] = body::ipv4(gateway);
    }
    if let Some(server) = subnet.dhcp_server {
        config["dhcpServerAddress"] = body::ipv4(server);
    }
    call.tag("networking.v4.config.IPv4Config", config)
}

/// Returns `IPv4Subnet` JSON of a prefix.
pub fn subnet_json(call: &Call<'_>, cidr: Cidr) -> Value {
    call.tag(
        "networking.v4.config.IPv4Subnet",
        json!({"ip": body::ipv4(cidr.network()), "prefixLength": cidr.len()}),
    )
}

fn pool(call: &Call<'_>, range: AddrRange) -> Value {
    call.tag(
        "networking.v4.config.IPv4Pool",
        json!({"startIp": body::ipv4(range.first), "endIp": body::ipv4(range.last)}),
    )
}

fn usage(state: &PcState, call: &Call<'_>, id: &str, subnet: &FlowSubnet, cidr: Cidr) -> Value {
    let taken = ipam::taken(state, id, None);
    let usable = cidr.size().saturating_sub(2);
    let used = taken.len() as u64;
    let pools: Vec<Value> = subnet
        .pools
        .iter()
        .map(|range| {
            let busy = taken
                .iter()
                .filter(|address| range.contains(**address))
                .count() as u64;
            call.tag(
                "networking.v4.config.IPPoolUsage",
                json!({
                    "numTotalIPs": range.size(),
                    "numFreeIPs": range.size().saturating_sub(busy),
                    "range": pool(call, *range),
                }),
            )
        })
        .collect();
    call.tag(
        "networking.v4.config.IPUsage",
        json!({
            "numMacs": ipam::nics_on(state, id).count(),
            "numAssignedIPs": used,
            "numFreeIPs": usable.saturating_sub(used),
            "ipPoolUsages": pools,
        }),
    )
}

pub(super) fn vnic(call: &Call<'_>, vm: &str, nic: &Nic) -> Value {
    let mut json = json!({
        "extId": nic.id,
        "macAddress": nic.mac,
        "vmReference": vm,
    });
    if let Some(address) = nic.address {
        json["assignedIpv4Addresses"] = json!([body::ip(address)]);
    }
    if !nic.secondary.is_empty() {
        json["assignedSecondaryIpv4Addresses"] =
            nic.secondary.iter().map(|ip| body::ip(*ip)).collect();
    }
    call.tag("networking.v4.config.Vnic", json)
}

pub(super) fn reserved_ip(
    call: &Call<'_>,
    subnet: &str,
    address: Ipv4Addr,
    context: &str,
) -> Value {
    let id = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        format!("reserved {subnet} {address}").as_bytes(),
    );
    let mut json = json!({"extId": id, "ipv4Address": address});
    if !context.is_empty() {
        json["clientContext"] = json!(context);
    }
    call.tag("networking.v4.config.ReservedIp", json)
}
