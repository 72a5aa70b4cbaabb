//! VPC subnets.

use super::Answer;
use super::Call;
use super::derived_id;
use super::done;
use super::launch;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::regions;
use super::write_tags;
use crate::aws::model::AttachmentKind;
use crate::aws::model::Subnet;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Subnet>] = &[
    ("subnet-id", |i| one(i.id)),
    ("subnet-arn", |i| one(arn(i))),
    ("vpc-id", |i| one(&i.resource.vpc)),
    ("cidr-block", |i| one(i.resource.cidr)),
    ("cidr", |i| one(i.resource.cidr)),
    ("cidrBlock", |i| one(i.resource.cidr)),
    ("availability-zone", |i| one(&i.resource.az)),
    ("availabilityZone", |i| one(&i.resource.az)),
    ("availability-zone-id", |i| {
        one(regions::zone_id(&i.resource.az))
    }),
    ("available-ip-address-count", |i| one(available(i))),
    ("default-for-az", |_| one(false)),
    ("defaultForAz", |_| one(false)),
    ("map-public-ip-on-launch", |_| one(false)),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("state", |_| one("available")),
];

const KIND: Kind<Subnet> = Kind {
    ids: "SubnetId",
    id: rule::SUBNET,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

fn arn(subnet: &Listed<'_, Subnet>) -> String {
    format!(
        "arn:aws:ec2:{}:{}:subnet/{}",
        subnet.region_name, subnet.lab.aws.account, subnet.id
    )
}

fn available(subnet: &Listed<'_, Subnet>) -> u64 {
    let taken = launch::taken(subnet.region, subnet.id).len();
    subnet
        .resource
        .cidr
        .size()
        .saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX))
}

fn write(xml: &mut Xml, subnet: &Listed<'_, Subnet>) {
    xml.text("subnetId", subnet.id)
        .text("subnetArn", arn(subnet))
        .text("state", "available")
        .text("ownerId", &subnet.lab.aws.account)
        .text("vpcId", &subnet.resource.vpc)
        .text("cidrBlock", subnet.resource.cidr)
        .list("ipv6CidrBlockAssociationSet", None::<()>, |_, ()| {})
        .text("assignIpv6AddressOnCreation", false)
        .text("ipv6Native", false)
        .text("enableDns64", false)
        .text("availableIpAddressCount", available(subnet))
        .text("availabilityZone", &subnet.resource.az)
        .text("availabilityZoneId", regions::zone_id(&subnet.resource.az))
        .text("defaultForAz", false)
        .text("mapPublicIpOnLaunch", false)
        .text("mapCustomerOwnedIpOnLaunch", false)
        .node("privateDnsNameOptionsOnLaunch", |xml| {
            xml.text("hostnameType", "ip-name")
                .text("enableResourceNameDnsARecord", false)
                .text("enableResourceNameDnsAAAARecord", false);
        });
    write_tags(xml, &subnet.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().subnets)?;
    let mut xml = Xml::new();
    xml.list("subnetSet", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let vpc = call.need("VpcId")?;
    let cidr = call.params.cidr("CidrBlock")?;
    let region = call.region_state();
    let inside = rule::VPC.find(&region.vpcs, &vpc)?;
    if !(16..=28).contains(&cidr.len()) || !inside.cidrs.iter().any(|range| range.covers(cidr)) {
        return Err(Fault::bad(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let zones = regions::zone_names(&call.region);
    let az = match (
        call.params.get("AvailabilityZone"),
        call.params.get("AvailabilityZoneId"),
    ) {
        (Some(name), _) => zones.iter().find(|zone| *zone == name),
        (None, Some(id)) => zones.iter().find(|zone| regions::zone_id(zone) == id),
        (None, None) => zones.first(),
    }
    .cloned()
    .ok_or_else(|| Fault::invalid("Value for parameter availabilityZone is invalid."))?;
    call.dry_run()?;
    if let Some(other) = region
        .subnets
        .values()
        .find(|subnet| subnet.vpc == vpc && subnet.cidr.overlaps(cidr))
    {
        return Err(Fault::bad(
            "InvalidSubnet.Conflict",
            format!(
                "The CIDR '{cidr}' conflicts with another subnet ({})",
                other.cidr
            ),
        ));
    }
    let id = call.lab.aws_id("subnet-");
    let subnet = Subnet {
        vpc,
        cidr,
        az,
        tags: call.params.tags_for("subnet"),
    };
    call.region_state_mut().subnets.insert(id.clone(), subnet);
    let region = call.region_state();
    let mut xml = Xml::new();
    xml.node("subnet", |xml| {
        if let Some(it) = region.subnets.get(&id) {
            let made = Listed {
                lab: call.lab,
                region_name: &call.region,
                region,
                id: &id,
                resource: it,
            };
            write(xml, &made);
        }
    });
    Ok(xml)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("SubnetId")?;
    let region = call.region_state();
    rule::SUBNET.find(&region.subnets, &id)?;
    call.dry_run()?;
    let attached = region.attachments.values().any(|attachment| {
        routing::forwards(attachment)
            && matches!(&attachment.kind, AttachmentKind::Vpc { subnets, .. } if subnets.contains(&id))
    });
    if attached || region.enis.values().any(|eni| eni.subnet == id) {
        return Err(Fault::bad(
            "DependencyViolation",
            format!("The subnet '{id}' has dependencies and cannot be deleted."),
        ));
    }
    let region = call.region_state_mut();
    region.subnets.remove(&id);
    for table in region.route_tables.values_mut() {
        table.associations.retain(|_, subnet| *subnet != id);
    }
    done()
}

/// Returns the id of a subnet's association with its explicit route table, if neither scenario nor client set one.
pub(super) fn association_id(table: &str, subnet: &str) -> String {
    derived_id("rtbassoc-", &format!("{table}{subnet}"))
}
