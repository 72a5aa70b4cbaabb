//! VPCs, their attributes and DHCP options.

use std::collections::BTreeMap;

use stayput_estate::Cidr;

use super::Answer;
use super::Call;
use super::derived_id;
use super::done;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::write_tags;
use crate::aws::model::AttachmentKind;
use crate::aws::model::RouteTable;
use crate::aws::model::Tags;
use crate::aws::model::Vpc;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Vpc>] = &[
    ("vpc-id", |i| one(i.id)),
    ("cidr", |i| {
        i.resource
            .cidrs
            .iter()
            .take(1)
            .map(Cidr::to_string)
            .collect()
    }),
    ("cidr-block-association.cidr-block", |i| {
        i.resource.cidrs.iter().map(Cidr::to_string).collect()
    }),
    ("cidr-block-association.association-id", |i| {
        i.resource
            .cidrs
            .iter()
            .map(|cidr| cidr_association(i.id, *cidr))
            .collect()
    }),
    ("cidr-block-association.state", |_| one("associated")),
    ("dhcp-options-id", |i| one(dhcp_options(i.region_name))),
    ("is-default", |_| one(false)),
    ("isDefault", |_| one(false)),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("state", |_| one("available")),
];

const KIND: Kind<Vpc> = Kind {
    ids: "VpcId",
    id: rule::VPC,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// Attributes and their defaults in a VPC that is not the default VPC.
const ATTRIBUTES: [(&str, bool); 3] = [
    ("enableDnsSupport", true),
    ("enableDnsHostnames", false),
    ("enableNetworkAddressUsageMetrics", false),
];

fn cidr_association(vpc: &str, cidr: Cidr) -> String {
    derived_id("vpc-cidr-assoc-", &format!("{vpc}{cidr}"))
}

/// Every region has one set of DHCP options, Amazon's.
fn dhcp_options(region: &str) -> String {
    derived_id("dopt-", region)
}

fn write(xml: &mut Xml, vpc: &Listed<'_, Vpc>) {
    xml.text("vpcId", vpc.id)
        .text("ownerId", &vpc.lab.aws.account)
        .text("state", "available")
        .maybe("cidrBlock", vpc.resource.cidrs.first())
        .list(
            "cidrBlockAssociationSet",
            &vpc.resource.cidrs,
            |xml, cidr| {
                xml.text("associationId", cidr_association(vpc.id, *cidr))
                    .text("cidrBlock", cidr)
                    .node("cidrBlockState", |xml| {
                        xml.text("state", "associated");
                    });
            },
        )
        .text("dhcpOptionsId", dhcp_options(vpc.region_name))
        .text("instanceTenancy", "default")
        .text("isDefault", false);
    write_tags(xml, &vpc.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().vpcs)?;
    let mut xml = Xml::new();
    xml.list("vpcSet", &page, write).maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let cidr = call.params.cidr("CidrBlock")?;
    if !(16..=28).contains(&cidr.len()) {
        return Err(Fault::bad(
            "InvalidVpc.Range",
            format!("The CIDR '{cidr}' is invalid."),
        ));
    }
    call.dry_run()?;
    let id = call.lab.aws_id("vpc-");
    let table = call.lab.aws_id("rtb-");
    let vpc = Vpc {
        cidrs: vec![cidr],
        tags: call.params.tags_for("vpc"),
    };
    let main = RouteTable {
        vpc: id.clone(),
        main: true,
        associations: BTreeMap::new(),
        routes: BTreeMap::new(),
        list_routes: BTreeMap::new(),
        propagated: BTreeMap::new(),
        tags: Tags::new(),
    };
    let region = call.region_state_mut();
    region.vpcs.insert(id.clone(), vpc);
    region.route_tables.insert(table, main);
    let region = call.region_state();
    let mut xml = Xml::new();
    xml.node("vpc", |xml| {
        if let Some(it) = region.vpcs.get(&id) {
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
    let id = call.need("VpcId")?;
    let region = call.region_state();
    rule::VPC.find(&region.vpcs, &id)?;
    call.dry_run()?;
    let attached = region.attachments.values().any(|attachment| {
        routing::forwards(attachment)
            && matches!(&attachment.kind, AttachmentKind::Vpc { vpc, .. } if *vpc == id)
    });
    let further_table = |table: &RouteTable| table.vpc == id && !table.main;
    if attached
        || region.subnets.values().any(|subnet| subnet.vpc == id)
        || region.route_tables.values().any(further_table)
    {
        return Err(Fault::bad(
            "DependencyViolation",
            format!("The vpc '{id}' has dependencies and cannot be deleted."),
        ));
    }
    let region = call.region_state_mut();
    region.vpcs.remove(&id);
    region.vpc_attributes.remove(&id);
    region.route_tables.retain(|_, table| table.vpc != id);
    done()
}

pub(super) fn describe_attribute(call: &mut Call<'_>) -> Answer {
    let id = call.need("VpcId")?;
    let attribute = call.need("Attribute")?;
    rule::VPC.find(&call.region_state().vpcs, &id)?;
    let (_, default) = ATTRIBUTES
        .into_iter()
        .find(|(name, _)| *name == attribute)
        .ok_or_else(|| {
            Fault::invalid(format!(
                "Value ({attribute}) for parameter attribute is invalid. Unknown attribute."
            ))
        })?;
    call.dry_run()?;
    let set = call
        .region_state()
        .vpc_attributes
        .get(&id)
        .and_then(|attributes| attributes.get(&attribute))
        .copied();
    let mut xml = Xml::new();
    xml.text("vpcId", &id).node(&attribute, |xml| {
        xml.text("value", set.unwrap_or(default));
    });
    Ok(xml)
}

pub(super) fn modify_attribute(call: &mut Call<'_>) -> Answer {
    let id = call.need("VpcId")?;
    rule::VPC.find(&call.region_state().vpcs, &id)?;
    for (name, _) in ATTRIBUTES {
        let mut parameter = format!("{name}.Value");
        parameter.replace_range(..1, "E");
        if call.params.sent(&parameter) {
            let value = call.params.flag(&parameter)?;
            call.region_state_mut()
                .vpc_attributes
                .entry(id.clone())
                .or_default()
                .insert(name.to_owned(), value);
        }
    }
    done()
}

/// A region's DHCP options.
#[derive(Debug)]
struct DhcpOptions {
    domain: String,
}

const DHCP_KIND: Kind<DhcpOptions> = Kind {
    ids: "DhcpOptionsId",
    id: rule::DHCP,
    fields: &[
        ("dhcp-options-id", |i| one(i.id)),
        ("owner-id", |i| one(&i.lab.aws.account)),
        ("key", |_| {
            vec!["domain-name".to_owned(), "domain-name-servers".to_owned()]
        }),
        ("value", |i| {
            vec![i.resource.domain.clone(), "AmazonProvidedDNS".to_owned()]
        }),
    ],
    tags: None,
};

pub(super) fn describe_dhcp_options(call: &mut Call<'_>) -> Answer {
    let options = BTreeMap::from([(
        dhcp_options(&call.region),
        DhcpOptions {
            domain: format!("{}.compute.internal", call.region),
        },
    )]);
    let (page, token) = select(call, &DHCP_KIND, &options)?;
    let mut xml = Xml::new();
    xml.list("dhcpOptionsSet", &page, |xml, found| {
        let configurations = [
            ("domain-name", found.resource.domain.as_str()),
            ("domain-name-servers", "AmazonProvidedDNS"),
        ];
        xml.text("dhcpOptionsId", found.id)
            .text("ownerId", &found.lab.aws.account)
            .list(
                "dhcpConfigurationSet",
                configurations,
                |xml, (key, value)| {
                    xml.text("key", key)
                        .list("valueSet", [value], |xml, value| {
                            xml.text("value", value);
                        });
                },
            )
            .list("tagSet", None::<()>, |_, ()| {});
    })
    .maybe("nextToken", token);
    Ok(xml)
}
