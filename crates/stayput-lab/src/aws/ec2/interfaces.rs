//! Network interfaces.

use std::net::Ipv4Addr;

use super::Answer;
use super::Call;
use super::derived_id;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::list::some;
use super::private_dns;
use super::security;
use super::write_tags;
use crate::aws::model::Address;
use crate::aws::model::Eni;
use crate::aws::model::Instance;
use crate::aws::model::RegionState;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Eni>] = &[
    ("network-interface-id", |i| one(i.id)),
    ("vpc-id", |i| one(&i.resource.vpc)),
    ("subnet-id", |i| one(&i.resource.subnet)),
    ("availability-zone", |i| some(zone(i))),
    ("mac-address", |i| one(i.resource.mac)),
    ("description", |i| one(&i.resource.description)),
    ("interface-type", |i| one(&i.resource.kind)),
    ("requester-managed", |i| one(i.resource.requester_managed)),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("status", |_| one("in-use")),
    ("source-dest-check", |i| one(i.resource.source_dest_check)),
    ("private-ip-address", |i| {
        addresses(i.resource).map(|a| a.to_string()).collect()
    }),
    ("addresses.private-ip-address", |i| {
        addresses(i.resource).map(|a| a.to_string()).collect()
    }),
    ("addresses.association.public-ip", publics),
    ("association.public-ip", publics),
    ("private-dns-name", |i| {
        one(private_dns(i.resource.primary, i.region_name))
    }),
    ("group-id", |i| one(security::group_id(&i.resource.vpc))),
    ("group-name", |_| one("default")),
    ("attachment.attachment-id", |i| {
        one(derived_id("eni-attach-", i.id))
    }),
    ("attachment.instance-id", |i| {
        some(i.resource.instance.as_ref().map(|(id, _)| id))
    }),
    ("attachment.device-index", |i| {
        one(i.resource.instance.as_ref().map_or(1, |(_, index)| *index))
    }),
    ("attachment.instance-owner-id", |i| one(owner(i))),
    ("attachment.status", |_| one("attached")),
];

const KIND: Kind<Eni> = Kind {
    ids: "NetworkInterfaceId",
    id: rule::ENI,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// Returns the primary, then the secondary addresses.
pub(super) fn addresses(eni: &Eni) -> impl Iterator<Item = Ipv4Addr> {
    std::iter::once(eni.primary).chain(eni.secondary.iter().copied())
}

/// Returns the Elastic IP of one private address of an interface, with its allocation id.
pub(super) fn public_of<'a>(
    region: &'a RegionState,
    eni: &str,
    private: Ipv4Addr,
) -> Option<(&'a str, &'a Address)> {
    region.addresses.iter().find_map(|(id, address)| {
        let (holder, at) = address.association.as_ref()?;
        (holder == eni && *at == private).then_some((id.as_str(), address))
    })
}

fn publics(eni: &Listed<'_, Eni>) -> Vec<String> {
    addresses(eni.resource)
        .filter_map(|private| public_of(eni.region, eni.id, private))
        .map(|(_, address)| address.public.to_string())
        .collect()
}

fn zone<'a>(eni: &'a Listed<'_, Eni>) -> Option<&'a str> {
    eni.region
        .subnets
        .get(&eni.resource.subnet)
        .map(|subnet| subnet.az.as_str())
}

/// Interfaces of services are attached to an object in the service's account.
fn owner(eni: &Listed<'_, Eni>) -> String {
    match &eni.resource.instance {
        Some(_) => eni.lab.aws.account.clone(),
        None => "amazon-aws".to_owned(),
    }
}

fn write_association(
    xml: &mut Xml,
    region: &RegionState,
    region_name: &str,
    eni: &str,
    at: Ipv4Addr,
) {
    if let Some((allocation, address)) = public_of(region, eni, at) {
        let [a, b, c, d] = address.public.octets();
        xml.node("association", |xml| {
            xml.text("allocationId", allocation)
                .text(
                    "associationId",
                    super::addresses::association_id(allocation),
                )
                .text("ipOwnerId", "amazon")
                .text(
                    "publicDnsName",
                    format!("ec2-{a}-{b}-{c}-{d}.{region_name}.compute.amazonaws.com"),
                )
                .text("publicIp", address.public);
        });
    }
}

/// Writes the elements that an instance's `networkInterfaceSet` and an interface have in common.
fn write_common(xml: &mut Xml, region: &RegionState, region_name: &str, id: &str, eni: &Eni) {
    xml.text("networkInterfaceId", id)
        .text("subnetId", &eni.subnet)
        .text("vpcId", &eni.vpc)
        .text("description", &eni.description)
        .text("status", "in-use")
        .text("macAddress", eni.mac)
        .text("privateIpAddress", eni.primary)
        .text("privateDnsName", private_dns(eni.primary, region_name))
        .text("sourceDestCheck", eni.source_dest_check)
        .list("groupSet", [&eni.vpc], |xml, vpc| {
            xml.text("groupId", security::group_id(vpc))
                .text("groupName", "default");
        });
    write_association(xml, region, region_name, id, eni.primary);
    xml.list("privateIpAddressesSet", addresses(eni), |xml, address| {
        xml.text("privateIpAddress", address)
            .text("privateDnsName", private_dns(address, region_name))
            .text("primary", address == eni.primary);
        write_association(xml, region, region_name, id, address);
    })
    .list("ipv6AddressesSet", None::<()>, |_, ()| {})
    .text("interfaceType", &eni.kind);
}

/// Writes an interface inside its instance.
pub(super) fn write_of_instance(
    xml: &mut Xml,
    instance: &Listed<'_, Instance>,
    index: u32,
    id: &str,
    eni: &Eni,
) {
    write_common(xml, instance.region, instance.region_name, id, eni);
    xml.text("ownerId", &instance.lab.aws.account)
        .node("attachment", |xml| {
            xml.text("attachmentId", derived_id("eni-attach-", id))
                .text("deviceIndex", index)
                .text("networkCardIndex", 0)
                .text("status", "attached")
                .text("attachTime", instance.resource.launched.rfc3339())
                .text("deleteOnTermination", index == 0);
        });
}

fn write(xml: &mut Xml, found: &Listed<'_, Eni>) {
    let eni = found.resource;
    write_common(xml, found.region, found.region_name, found.id, eni);
    xml.text("ownerId", &found.lab.aws.account)
        .maybe("availabilityZone", zone(found))
        .text("requesterManaged", eni.requester_managed)
        .maybe("requesterId", eni.requester_managed.then(|| owner(found)))
        .node("attachment", |xml| {
            xml.text("attachmentId", derived_id("eni-attach-", found.id))
                .maybe("instanceId", eni.instance.as_ref().map(|(id, _)| id))
                .text("instanceOwnerId", owner(found))
                .text(
                    "deviceIndex",
                    eni.instance.as_ref().map_or(1, |(_, index)| *index),
                )
                .text("networkCardIndex", 0)
                .text("status", "attached")
                .text(
                    "deleteOnTermination",
                    eni.instance.as_ref().is_some_and(|(_, index)| *index == 0),
                );
        });
    write_tags(xml, &eni.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().enis)?;
    let mut xml = Xml::new();
    xml.list("networkInterfaceSet", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}
