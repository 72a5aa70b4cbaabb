//! `[accept.NAME]`.

use std::collections::BTreeMap;

use stayput_messages::Message;

use crate::Acceptance;
use crate::Date;
use crate::config::At;
use crate::config::Named;
use crate::config::RawAcceptance;
use crate::error::ConfigError;
use crate::error::RelationFault;
use crate::error::TextFault;

use super::reader::Reader;
use super::reader::in_file_order;
use super::text;

pub(super) fn read(
    reader: &mut Reader<'_>,
    tables: Option<&Named<RawAcceptance>>,
) -> Option<BTreeMap<String, Acceptance>> {
    let tables = tables.map(in_file_order).unwrap_or_default();
    let read: Vec<_> = tables
        .into_iter()
        .map(|(name, table)| {
            let named = reader.read(name, text::name);
            let accepted = acceptance(reader, table.value());
            Some((named?.into_value(), accepted?))
        })
        .collect();
    read.into_iter().collect()
}

fn acceptance(reader: &mut Reader<'_>, raw: &RawAcceptance) -> Option<Acceptance> {
    let objects = reader.list(&raw.objects, text::filled);
    let reason = reader.required(&raw.reason, text::filled);
    let until = reader.required(&raw.until, date);
    let rule = raw.rule.as_ref()?;
    if !rule.value().is_acceptable() {
        let label = Message::new("estate-label-not-acceptable");
        let rule_id = *rule.value();
        let fault = RelationFault::NotAcceptable { rule: rule_id };
        reader.report(ConfigError::new(rule.span(), label, fault));
        return None;
    }
    Some(Acceptance {
        rule: *rule.value(),
        objects: objects?.into_iter().map(At::into_value).collect(),
        reason: reason?.into_value(),
        until: until?.into_value(),
    })
}

fn date(text: &str) -> Result<Date, TextFault> {
    text.parse().map_err(|_| TextFault::Date {
        text: text.to_owned(),
    })
}
