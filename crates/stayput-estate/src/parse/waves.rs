//! `[waves.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;

use stayput_messages::Message;

use crate::InstanceId;
use crate::Selector;
use crate::Wave;
use crate::WaveName;
use crate::config::At;
use crate::config::Named;
use crate::config::RawWave;
use crate::error::ConfigError;
use crate::error::RelationFault;
use crate::shape;

use super::reader::Reader;
use super::reader::in_file_order;
use super::text;

/// The first wave that lists an instance, and the location.
type Listed = BTreeMap<InstanceId, (WaveName, Range<usize>)>;

pub(super) fn read(
    reader: &mut Reader<'_>,
    table: Option<&Named<RawWave>>,
) -> Option<BTreeMap<WaveName, Wave>> {
    let mut listed = Listed::new();
    let mut waves = Vec::new();
    let tables = table.map(in_file_order).unwrap_or_default();
    for (order, (name, raw)) in tables.into_iter().enumerate() {
        waves.push(wave(reader, order, name, raw, &mut listed));
    }
    waves
        .into_iter()
        .map(|wave| wave.map(|wave| (wave.name.clone(), wave)))
        .collect()
}

fn wave(
    reader: &mut Reader<'_>,
    order: usize,
    name: &At<String>,
    table: &At<RawWave>,
    listed: &mut Listed,
) -> Option<Wave> {
    let raw = table.value();
    let named = reader.read(name, text::name);
    let wave = WaveName::new(name.value());
    let tags = raw.tags.value().cloned().unwrap_or_default();
    let names = reader.list(&raw.names, text::filled);
    let ids = reader.list(&raw.ids, text::aws_id);

    let empty = |list: Option<&Vec<At<String>>>| list.is_none_or(Vec::is_empty);
    let selects_nothing = tags.is_empty() && empty(raw.names.value()) && empty(raw.ids.value());
    let path = shape::join("waves", wave.as_str());
    let is_whole = reader.is_whole(&path) && reader.is_whole(&shape::join(&path, "tags"));
    if selects_nothing && is_whole {
        let fault = RelationFault::EmptyWave { wave: wave.clone() };
        reader.report(ConfigError::new(
            name.span(),
            Message::new("estate-label-empty-wave"),
            fault,
        ));
    }
    for id in ids.iter().flatten() {
        match listed.get(id.value()) {
            Some((other, span)) if *other != wave => {
                let fault = RelationFault::InstanceInTwoWaves {
                    instance: id.value().clone(),
                    wave: wave.clone(),
                    other: other.clone(),
                };
                reader.report(
                    ConfigError::new(id.span(), Message::new("estate-label-listed-again"), fault)
                        .also(
                            span.clone(),
                            Message::new("estate-label-already-in-wave").with("other", other),
                        ),
                );
            }
            Some(_) => {}
            None => {
                listed.insert(id.value().clone(), (wave.clone(), id.span()));
            }
        }
    }
    let values = |list: Vec<At<String>>| list.into_iter().map(At::into_value).collect();
    named.and_then(|_name| {
        Some(Wave {
            name: wave,
            order,
            select: Selector {
                tags,
                names: names.map(values)?,
                ids: ids?.into_iter().map(At::into_value).collect(),
            },
        })
    })
}
