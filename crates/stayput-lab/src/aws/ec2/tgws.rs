//! Transit Gateways.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::Answer;
use super::Call;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::list::some;
use super::write_tags;
use crate::aws::model::RegionState;
use crate::aws::model::Tags;
use crate::aws::model::Tgw;
use crate::aws::model::TgwRouteTable;
use crate::aws::query::Fault;
use crate::aws::routing;
use crate::aws::xml::Xml;

type Item<'a> = Listed<'a, Tgw>;

/// Transit Gateways an account may have in a region (AWS reference §1.5).
const MOST: usize = 5;

/// ASN of Amazon's side when none is requested.
const DEFAULT_ASN: u64 = 64512;

const FIELDS: &[Field<Tgw>] = &[
    ("transit-gateway-id", |i| one(i.id)),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("state", |_| one("available")),
    ("options.amazon-side-asn", |i| one(i.resource.asn)),
    ("options.association-default-route-table-id", |i| {
        some(default_association(i))
    }),
    ("options.propagation-default-route-table-id", |i| {
        some(default_propagation(i))
    }),
    ("options.default-route-table-association", |i| {
        one(enabled(default_association(i).is_some()))
    }),
    ("options.default-route-table-propagation", |i| {
        one(enabled(default_propagation(i).is_some()))
    }),
    ("options.auto-accept-shared-attachments", |i| {
        one(option(
            i.region,
            i.id,
            "AutoAcceptSharedAttachments",
            "disable",
        ))
    }),
    ("options.dns-support", |i| {
        one(option(i.region, i.id, "DnsSupport", "enable"))
    }),
    ("options.vpn-ecmp-support", |i| {
        one(option(i.region, i.id, "VpnEcmpSupport", "enable"))
    }),
];

const KIND: Kind<Tgw> = Kind {
    ids: "TransitGatewayIds",
    id: rule::TGW,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// Returns an option as requested, or its default.
pub(super) fn option<'a>(
    region: &'a RegionState,
    id: &str,
    name: &str,
    default: &'a str,
) -> &'a str {
    region
        .tgw_options
        .get(id)
        .and_then(|options| options.get(name))
        .map_or(default, String::as_str)
}

fn enabled(on: bool) -> &'static str {
    if on { "enable" } else { "disable" }
}

/// Returns the default table, if attachments are to be associated with it.
pub(super) fn association_default<'a>(region: &'a RegionState, id: &str) -> Option<&'a str> {
    let table = region.tgws.get(id)?.default_table.as_deref()?;
    (option(region, id, "DefaultRouteTableAssociation", "enable") == "enable").then_some(table)
}

/// Returns the default table, if attachments are to propagate to it.
pub(super) fn propagation_default<'a>(region: &'a RegionState, id: &str) -> Option<&'a str> {
    let table = region.tgws.get(id)?.default_table.as_deref()?;
    (option(region, id, "DefaultRouteTablePropagation", "enable") == "enable").then_some(table)
}

fn default_association<'a>(tgw: &'a Item<'_>) -> Option<&'a str> {
    association_default(tgw.region, tgw.id)
}

fn default_propagation<'a>(tgw: &'a Item<'_>) -> Option<&'a str> {
    propagation_default(tgw.region, tgw.id)
}

fn write(xml: &mut Xml, tgw: &Item<'_>) {
    let account = &tgw.lab.aws.account;
    let asked = |name: &str, default| option(tgw.region, tgw.id, name, default).to_owned();
    xml.text("transitGatewayId", tgw.id)
        .text(
            "transitGatewayArn",
            format!(
                "arn:aws:ec2:{}:{account}:transit-gateway/{}",
                tgw.region_name, tgw.id
            ),
        )
        .text("state", "available")
        .text("ownerId", account)
        .text("description", asked("Description", ""))
        .node("options", |xml| {
            xml.text("amazonSideAsn", tgw.resource.asn)
                .text(
                    "autoAcceptSharedAttachments",
                    asked("AutoAcceptSharedAttachments", "disable"),
                )
                .text(
                    "defaultRouteTableAssociation",
                    enabled(default_association(tgw).is_some()),
                )
                .maybe("associationDefaultRouteTableId", default_association(tgw))
                .text(
                    "defaultRouteTablePropagation",
                    enabled(default_propagation(tgw).is_some()),
                )
                .maybe("propagationDefaultRouteTableId", default_propagation(tgw))
                .text("vpnEcmpSupport", asked("VpnEcmpSupport", "enable"))
                .text("dnsSupport", asked("DnsSupport", "enable"))
                .text(
                    "securityGroupReferencingSupport",
                    asked("SecurityGroupReferencingSupport", "disable"),
                )
                .text("multicastSupport", asked("MulticastSupport", "disable"));
        });
    write_tags(xml, &tgw.resource.tags);
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let (page, token) = select(call, &KIND, &call.region_state().tgws)?;
    let mut xml = Xml::new();
    xml.list("transitGatewaySet", &page, write)
        .maybe("nextToken", token);
    Ok(xml)
}

/// Returns the options that a call has under `Options.`, which must be `enable` or `disable`.
pub(super) fn switches(call: &Call<'_>, names: &[&str]) -> Result<BTreeMap<String, String>, Fault> {
    let mut options = BTreeMap::new();
    for name in names {
        match call.params.get(&format!("Options.{name}")) {
            None => {}
            Some(value @ ("enable" | "disable")) => {
                options.insert((*name).to_owned(), value.to_owned());
            }
            Some(other) => {
                return Err(Fault::invalid(format!(
                    "Value ({other}) for parameter {name} is invalid."
                )));
            }
        }
    }
    Ok(options)
}

pub(super) fn create(call: &mut Call<'_>) -> Answer {
    let mut options = switches(
        call,
        &[
            "AutoAcceptSharedAttachments",
            "DefaultRouteTableAssociation",
            "DefaultRouteTablePropagation",
            "VpnEcmpSupport",
            "DnsSupport",
            "SecurityGroupReferencingSupport",
            "MulticastSupport",
        ],
    )?;
    let asn = call
        .params
        .parsed("Options.AmazonSideAsn")?
        .unwrap_or(DEFAULT_ASN);
    call.dry_run()?;
    if call.region_state().tgws.len() >= MOST {
        return Err(Fault::bad(
            "TransitGatewayLimitExceeded",
            "You have reached the limit of Transit Gateways",
        ));
    }
    if let Some(description) = call.params.get("Description") {
        options.insert("Description".to_owned(), description.to_owned());
    }
    let id = call.lab.aws_id("tgw-");
    let wants_table = [
        "DefaultRouteTableAssociation",
        "DefaultRouteTablePropagation",
    ]
    .iter()
    .any(|name| options.get(*name).map(String::as_str) != Some("disable"));
    let table = wants_table.then(|| call.lab.aws_id("tgw-rtb-"));
    let tgw = Tgw {
        asn,
        default_table: table.clone(),
        tags: call.params.tags_for("transit-gateway"),
    };
    let region = call.region_state_mut();
    region.tgws.insert(id.clone(), tgw);
    region.tgw_options.insert(id.clone(), options);
    if let Some(table) = table {
        region
            .tgw_route_tables
            .insert(table, empty_table(&id, Tags::new()));
    }
    answer(call, &id)
}

/// Creates an empty route table.
pub(super) fn empty_table(tgw: &str, tags: Tags) -> TgwRouteTable {
    TgwRouteTable {
        tgw: tgw.to_owned(),
        associations: BTreeSet::new(),
        propagations: BTreeSet::new(),
        statics: BTreeMap::new(),
        prefix_lists: BTreeMap::new(),
        tags,
    }
}

fn answer(call: &Call<'_>, id: &str) -> Answer {
    let region = call.region_state();
    let mut xml = Xml::new();
    let it = rule::TGW.find(&region.tgws, id)?;
    xml.node("transitGateway", |xml| {
        let seen = Listed {
            lab: call.lab,
            region_name: &call.region,
            region,
            id,
            resource: it,
        };
        write(xml, &seen);
    });
    Ok(xml)
}

pub(super) fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.need("TransitGatewayId")?;
    let region = call.region_state();
    rule::TGW.find(&region.tgws, &id)?;
    call.dry_run()?;
    if let Some((attachment, _)) = region
        .attachments
        .iter()
        .find(|(_, attachment)| attachment.tgw == id && routing::forwards(attachment))
    {
        return Err(Fault::bad(
            "IncorrectState",
            format!("{id} has non-deleted Transit Gateway Attachments: {attachment}."),
        ));
    }
    let answer = answer(call, &id)?;
    let region = call.region_state_mut();
    region.tgws.remove(&id);
    region.tgw_options.remove(&id);
    region.tgw_route_tables.retain(|_, table| table.tgw != id);
    Ok(answer)
}
