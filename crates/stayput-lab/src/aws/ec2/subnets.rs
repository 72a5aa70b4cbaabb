//! VPC subnets.

use super::Answer;
use super::Call;
use super::derived_id;
use super::done;
use super::launch;
use super::list::Field;
use super::list::Kind;
use super::list::Seen;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::places;
use super::write_tags;
use crate::aws::model::AttachmentKind;
use crate::aws::model::Subnet;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Subnet>] = &[
    ("subnet-id", |i| one(i.id)),
    ("subnet-arn", |i| one(arn(i))),
    ("vpc-id", |i| one(&i.it.vpc)),
    ("cidr-block", |i| one(i.it.cidr)),
    ("cidr", |i| one(i.it.cidr)),
    ("cidrBlock", |i| one(i.it.cidr)),
    ("availability-zone", |i| one(&i.it.az)),
    ("availabilityZone", |i| one(&i.it.az)),
    ("availability-zone-id", |i| one(places::zone_id(&i.it.az))),
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

fn arn(subnet: &Seen<'_, Subnet>) -> String {
    format!(
        "arn:aws:ec2:{}:{}:subnet/{}",
        subnet.place, subnet.lab.aws.account, subnet.id
    )
}

fn available(subnet: &Seen<'_, Subnet>) -> u64 {
    let taken = launch::taken(subnet.region, subnet.id).len();
    subnet
        .it
        .cidr
        .size()
        .saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX))
}

fn write(xml: &mut Xml, subnet: &Seen<'_, Subnet>) {
    xml.text("subnetId", subnet.id)
        .text("subnetArn", arn(subnet))
        .text("state", "available")
        .text("ownerId", &subnet.lab.aws.account)
        .text("vpcId", &subnet.it.vpc)
        .text("cidrBlock", subnet.it.cidr)
        .list("ipv6CidrBlockAssociationSet", None::<()>, |_, ()| {})
        .text("assignIpv6AddressOnCreation", false)
        .text("ipv6Native", false)
        .text("enableDns64", false)
        .text("availableIpAddressCount", available(subnet))
        .text("availabilityZone", &subnet.it.az)
        .text("availabilityZoneId", places::zone_id(&subnet.it.az))
        .text("defaultForAz", false)
        .text("mapPublicIpOnLaunch", false)
        .text("mapCustomerOwnedIpOnLaunch", false)
        .node("privateDnsNameOptionsOnLaunch", |xml| {
            xml.text("hostnameType", "ip-name")
                .text("enableResourceNameDnsARecord", false)
                .text("enableResourceNameDnsAAAARecord", false);
        });
    write_tags(xml, &subnet.it.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.here().subnets)?;
    let mut xml = Xml::new();
    xml.list("subnetSet", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let vpc = call.need("VpcId")?;
    let cidr = call.params.cidr("CidrBlock")?;
    let region = call.here();
    let inside = rule::VPC.find(&region.vpcs, &vpc)?;
    if !(16..=28).contains(&cidr.len()) || !inside.cidrs.iter().any(|range| range.covers(cidr)) {
        return Err(Fault::bad(
            "InvalidSubnet.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    let zones = places::zone_names(&call.region);
    let az = match (
        call.params.get("AvailabilityZone"),
        call.params.get("AvailabilityZoneId"),
    ) {
        (Some(name), _) => zones.iter().find(|zone| *zone == name),
        (None, Some(id)) => zones.iter().find(|zone| places::zone_id(zone) == id),
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
    call.here_mut().subnets.insert(id.clone(), subnet);
    let region = call.here();
    let mut xml = Xml::new();
    xml.node("subnet", |xml| {
        if let Some(it) = region.subnets.get(&id) {
            let made = Seen {
                lab: call.lab,
                place: &call.region,
                region,
                id: &id,
                it,
            };
            write(xml, &made);
        }
    });
    Ok(xml)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("SubnetId")?;
    let region = call.here();
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
    let region = call.here_mut();
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
