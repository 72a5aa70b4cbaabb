//! A Transit Gateway: one kernel table for each of its route tables, selected by the attachment a packet enters by.

use stayput_lab::aws::model::Attachment;
use stayput_lab::aws::model::AttachmentKind;
use stayput_lab::aws::model::RegionState;
use stayput_lab::aws::routing;
use stayput_lab::aws::routing::Forward;
use stayput_lab::state::LabState;

use super::Hop;
use super::Layout;
use super::LinkId;
use super::Match;
use super::NodeId;
use super::TableId;

pub(super) fn build(lab: &LabState, place: &str, region: &RegionState, layout: &mut Layout) {
    for (id, table) in &region.tgw_route_tables {
        let node = layout.node(NodeId::Tgw(table.tgw.clone()));
        let name = TableId::Tgw(id.clone());
        for (prefix, forward) in routing::data_plane(lab, place, id) {
            let attachment = match &forward {
                Forward::Blackhole => None,
                Forward::To(attachments) => attachments.first(),
            };
            let hop = attachment
                .and_then(|id| Some((id, region.attachments.get(id)?)))
                .filter(|(id, attachment)| leads_on(lab, place, region, id, attachment))
                .map_or(Hop::Drop, |(id, _)| {
                    Hop::Over(LinkId::Attachment(id.clone()))
                });
            node.route(name.clone(), prefix, hop);
        }
        for attachment in &table.associations {
            node.rule(
                Match::In(LinkId::Attachment(attachment.clone())),
                name.clone(),
            );
        }
    }
}

/// Whether an attachment can carry packets.
fn leads_on(
    lab: &LabState,
    place: &str,
    region: &RegionState,
    id: &str,
    attachment: &Attachment,
) -> bool {
    match &attachment.kind {
        AttachmentKind::Vpc { subnets, .. } => !subnets.is_empty(),
        AttachmentKind::Vpn(vpn) => region.vpns.get(vpn).is_some_and(|vpn| vpn.tunnels_up > 0),
        AttachmentKind::DirectConnect(gateway) => {
            routing::dx_associated(lab, gateway, place, &attachment.tgw)
        }
        AttachmentKind::Peering { region: far, .. } => lab
            .aws
            .regions
            .get(far)
            .and_then(|region| region.attachments.get(id))
            .is_some_and(routing::forwards),
    }
}
