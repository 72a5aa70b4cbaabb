//! What of a machine's interfaces does not come along.

use std::collections::BTreeSet;

use stayput_estate::Cidr;
use stayput_estate::EniId;
use stayput_estate::Rule;
use stayput_messages::Message;
use stayput_world::AwsRegion;

use crate::capture::what;

/// What of these interfaces of a machine does not come along, each rule with what was found. An interface is looked at once.
pub(crate) fn interfaces<'a>(
    region: &AwsRegion,
    label: &str,
    of_machine: impl Iterator<Item = &'a EniId>,
) -> Vec<(Rule, Message)> {
    let mut lost = Vec::new();
    let mut seen = BTreeSet::new();
    for (eni_id, eni) in of_machine
        .filter(|eni| seen.insert(*eni))
        .filter_map(|eni| region.enis.get_key_value(eni))
    {
        for (private, public) in &eni.public {
            let found = Message::new("warning-public-address")
                .with("label", label)
                .with("public", public)
                .with("private", private);
            lost.push((Rule::PublicAddress, found));
        }
        for text in &eni.not_carried {
            let rule = match text.parse::<Cidr>() {
                Ok(_) => Rule::DelegatedPrefix,
                Err(_) => Rule::Ipv6,
            };
            let found = Message::new("warning-not-carried")
                .with("label", label)
                .with("lost", text);
            lost.push((rule, found));
        }
        match eni.interface_type.as_str() {
            "efa" | "efa-only" => {
                let found = Message::new("warning-efa")
                    .with("label", label)
                    .with("eni", eni_id);
                lost.push((Rule::ElasticFabricAdapter, found));
            }
            "trunk" => {
                let found = Message::new("warning-trunk")
                    .with("label", label)
                    .with("eni", eni_id);
                lost.push((Rule::TrunkInterface, found));
            }
            _ => {}
        }
        let Some(primary) = eni.primary else {
            let found = Message::new("warning-no-ipv4-address")
                .with("label", label)
                .with("eni", eni_id)
                .with("what", what(eni, None));
            lost.push((Rule::NoIpv4Address, found));
            continue;
        };
        if !eni.source_dest_check {
            let found = Message::new("warning-source-dest-check")
                .with("label", label)
                .with("address", primary);
            lost.push((Rule::SourceDestCheckOff, found));
        }
    }
    lost
}
