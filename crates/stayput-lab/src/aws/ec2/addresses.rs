//! Elastic IP addresses.

use super::Answer;
use super::Call;
use super::derived_id;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::matching;
use super::list::one;
use super::list::rule;
use super::list::some;
use super::write_tags;
use crate::aws::model::Address;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

const FIELDS: &[Field<Address>] = &[
    ("allocation-id", |i| one(i.id)),
    ("association-id", |i| {
        some(
            i.resource
                .association
                .as_ref()
                .map(|_| association_id(i.id)),
        )
    }),
    ("domain", |_| one("vpc")),
    ("instance-id", |i| some(instance(i))),
    ("network-border-group", |i| one(i.region_name)),
    ("network-interface-id", |i| {
        some(i.resource.association.as_ref().map(|(eni, _)| eni))
    }),
    ("private-ip-address", |i| {
        some(i.resource.association.as_ref().map(|(_, at)| at))
    }),
    ("public-ip", |i| one(i.resource.public)),
];

const KIND: Kind<Address> = Kind {
    ids: "AllocationId",
    id: rule::ALLOCATION,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

/// Returns the id of an Elastic IP's association.
pub(super) fn association_id(allocation: &str) -> String {
    derived_id("eipassoc-", allocation)
}

fn instance<'a>(address: &'a Listed<'_, Address>) -> Option<&'a str> {
    let (eni, _) = address.resource.association.as_ref()?;
    let (instance, _) = address.region.enis.get(eni)?.instance.as_ref()?;
    Some(instance)
}

/// This list has no pages, as in the real API.
pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let wanted = call.params.list("PublicIp");
    for public in &wanted {
        let known = |it: &Address| it.public.to_string() == *public;
        if !call.region_state().addresses.values().any(known) {
            return Err(Fault::bad(
                "InvalidAddress.NotFound",
                format!("Address '{public}' not found."),
            ));
        }
    }
    let mut all = matching(call, &KIND, &call.region_state().addresses)?;
    all.retain(|found| {
        wanted.is_empty() || wanted.contains(&found.resource.public.to_string().as_str())
    });
    let mut xml = Xml::new();
    xml.list("addressesSet", &all, |xml, found| {
        xml.text("publicIp", found.resource.public)
            .text("allocationId", found.id)
            .text("domain", "vpc")
            .text("publicIpv4Pool", "amazon")
            .text("networkBorderGroup", found.region_name);
        if let Some((eni, private)) = &found.resource.association {
            xml.text("associationId", association_id(found.id))
                .text("networkInterfaceId", eni)
                .text("networkInterfaceOwnerId", &found.lab.aws.account)
                .text("privateIpAddress", private)
                .maybe("instanceId", instance(found));
        }
        write_tags(xml, &found.resource.tags);
    });
    Ok(xml)
}

/// Reverse DNS of addresses, which is never set in the lab.
pub(super) fn describe_attribute(call: &mut Call<'_>) -> Answer {
    call.dry_run()?;
    let mut xml = Xml::new();
    xml.list("addressSet", None::<()>, |_, ()| {});
    Ok(xml)
}
