//! `[edges.NAME]`.

use std::collections::BTreeMap;
use std::ops::Range;

use stayput_messages::Message;

use crate::AttachmentId;
use crate::Edge;
use crate::EdgeKind;
use crate::EdgeName;
use crate::config::At;
use crate::config::DEFAULT_LOCAL_PREFERENCE;
use crate::config::Named;
use crate::config::RawEdge;
use crate::config::RawEdgeKind;
use crate::error::Choices;
use crate::error::ConfigError;
use crate::error::RelationFault;
use crate::shape;

use super::reader::Reader;
use super::reader::in_file_order;
use super::sites::Sites;
use super::sites::check_tgw_region;
use super::text;

/// The edge that has an attachment, and the location of that key.
type Attached = BTreeMap<AttachmentId, (EdgeName, Range<usize>)>;

pub(super) fn read(
    reader: &mut Reader<'_>,
    table: Option<&Named<RawEdge>>,
    sites: &Sites,
) -> Option<BTreeMap<EdgeName, Edge>> {
    let mut attached = Attached::new();
    let mut edges = Vec::new();
    for (name, raw) in table.map(in_file_order).unwrap_or_default() {
        edges.push(edge(reader, name, raw.value(), sites, &mut attached));
    }
    edges
        .into_iter()
        .map(|edge| edge.map(|edge| (edge.name.clone(), edge)))
        .collect()
}

fn edge(
    reader: &mut Reader<'_>,
    name: &At<String>,
    raw: &RawEdge,
    sites: &Sites,
    attached: &mut Attached,
) -> Option<Edge> {
    let named = reader.read(name, text::name);
    let at = At::new(name.span(), EdgeName::new(name.value()));
    let region = reader.required(&raw.region, text::region);
    let tgw = reader.required(&raw.tgw, text::aws_id);
    let attachment = reader.required(&raw.attachment, text::aws_id);
    let kind = raw
        .kind
        .as_ref()
        .and_then(|kind| edge_kind(reader, &at, kind, raw));

    check_tgw_region(reader, &tgw, &region, &sites.locations);
    if let Some(tgw) = &tgw {
        let known: Option<Vec<_>> = sites
            .locations
            .iter()
            .map(|place| place.tgw.as_ref().map(At::value))
            .collect();
        // The Transit Gateway can be that of a site with an error.
        let all_read = sites.has_source()
            && sites.has_nc2()
            && reader.is_whole("sites")
            && reader.is_whole("source");
        let known = known.filter(|_| all_read);
        if let Some(mut known) = known
            && !known.contains(&tgw.value())
        {
            known.sort_unstable();
            known.dedup();
            let known = known.into_iter().map(|tgw| tgw.as_str());
            let fault = RelationFault::EdgeOnUnknownTgw {
                edge: at.value().clone(),
                tgw: tgw.value().clone(),
                known: Choices::new(
                    Message::new("estate-tgws-of-sites"),
                    tgw.value().as_str(),
                    known,
                ),
            };
            reader.report(ConfigError::new(
                tgw.span(),
                Message::new("estate-label-tgw-of-no-site"),
                fault,
            ));
        }
    }
    if let Some(attachment) = &attachment {
        match attached.get(attachment.value()) {
            Some((other, span)) => {
                let fault = RelationFault::AttachmentUsedTwice {
                    edge: at.value().clone(),
                    other: other.clone(),
                };
                reader.report(
                    ConfigError::new(
                        attachment.span(),
                        Message::new("estate-label-same-attachment"),
                        fault,
                    )
                    .also(
                        span.clone(),
                        Message::new("estate-label-attachment-of").with("other", other),
                    ),
                );
            }
            None => {
                let first = (at.value().clone(), attachment.span());
                attached.insert(attachment.value().clone(), first);
            }
        }
    }
    named.and_then(|_name| {
        Some(Edge {
            name: at.into_value(),
            region: region?.into_value(),
            tgw: tgw?.into_value(),
            attachment: attachment?.into_value(),
            kind: kind?,
            local_preference: raw
                .local_preference
                .value()
                .copied()
                .unwrap_or(DEFAULT_LOCAL_PREFERENCE),
        })
    })
}

/// Returns the kind with its keys. Keys of other kinds are refused, because they would have no effect.
fn edge_kind(
    reader: &mut Reader<'_>,
    edge: &At<EdgeName>,
    kind: &At<RawEdgeKind>,
    raw: &RawEdge,
) -> Option<EdgeKind> {
    let gateway = raw.gateway.as_ref().map(At::span);
    let on_prem_routes = raw.on_prem_routes.as_ref().map(At::span);
    let own_keys = [
        ("gateway", RawEdgeKind::DirectConnect, gateway),
        ("on-prem-routes", RawEdgeKind::StaticVpn, on_prem_routes),
    ];
    for (key, owner, span) in own_keys {
        if let Some(span) = span
            && owner != *kind.value()
        {
            let fault = RelationFault::KeyOfOtherKind {
                edge: edge.value().clone(),
                kind: kind.value().as_str(),
                key,
                owner: owner.as_str(),
            };
            let label =
                Message::new("estate-label-key-of-other-kind").with("owner", owner.as_str());
            reader.report(
                ConfigError::new(span, label, fault)
                    .also(kind.span(), Message::new("estate-label-kind")),
            );
        }
    }
    match kind.value() {
        RawEdgeKind::BgpVpn => Some(EdgeKind::BgpVpn),
        RawEdgeKind::DirectConnect => {
            if raw.gateway.as_ref().is_none() {
                let example = "gateway = \"8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7\"";
                missing(reader, edge, kind, "gateway", example);
            }
            let gateway = reader.required(&raw.gateway, text::gateway)?;
            Some(EdgeKind::DirectConnect {
                gateway: gateway.into_value(),
            })
        }
        RawEdgeKind::StaticVpn => {
            if raw.on_prem_routes.as_ref().is_none() {
                let example = "on-prem-routes = [\"172.30.0.0/16\"]";
                missing(reader, edge, kind, "on-prem-routes", example);
            }
            let routes = reader.list(&raw.on_prem_routes, text::cidr)?;
            Some(EdgeKind::StaticVpn {
                on_prem_routes: routes.into_iter().map(At::into_value).collect(),
            })
        }
    }
}

fn missing(
    reader: &mut Reader<'_>,
    edge: &At<EdgeName>,
    kind: &At<RawEdgeKind>,
    key: &'static str,
    example: &'static str,
) {
    if reader.is_whole(&shape::join("edges", edge.value().as_str())) {
        let fault = RelationFault::MissingKeyOfKind {
            edge: edge.value().clone(),
            kind: kind.value().as_str(),
            key,
            example,
        };
        let label = Message::new("estate-label-needs-key").with("key", key);
        reader.report(ConfigError::new(kind.span(), label, fault));
    }
}
