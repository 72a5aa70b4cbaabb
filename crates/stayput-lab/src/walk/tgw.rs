//! A Transit Gateway: the table associated with the attachment a packet came in by decides (AWS reference §1.2).

use super::At;
use super::End;
use super::Walker;
use crate::aws::model::AttachmentKind;
use crate::aws::model::RegionState;
use crate::aws::routing;
use crate::aws::routing::Forward;

impl Walker<'_> {
    pub(super) fn tgw(&mut self, region_name: &str, tgw: &str, ingress: &str) -> Result<At, End> {
        let to = self.to;
        self.check_up(region_name)?;
        let Some(region) = self.lab.aws.regions.get(region_name) else {
            return Err(End::NoRoute);
        };
        let Some(table) = routing::associated_table(region, ingress) else {
            self.hop(format!("{tgw}: {ingress} has no route table"));
            return Err(End::NoRoute);
        };
        let routes = routing::data_plane(self.lab, region_name, table);
        match routing::longest_match(routes, to) {
            None => {
                self.hop(format!("{tgw} {table}: no route to {to}"));
                Err(End::NoRoute)
            }
            Some((prefix, Forward::Blackhole)) => {
                self.hop(format!("{tgw} {table}: {prefix} → blackhole"));
                Err(End::Blackhole)
            }
            Some((prefix, Forward::To(attachments))) => {
                let router = || format!("{region_name} {table}");
                let chosen = self.choices.of(attachments.len(), router);
                let attachment = attachments.get(chosen).ok_or(End::NoRoute)?;
                self.hop(format!("{tgw} {table}: {prefix} → {attachment}"));
                self.leave(region_name, region, table, attachment)
            }
        }
    }

    fn leave(
        &mut self,
        region_name: &str,
        region: &RegionState,
        table: &str,
        id: &str,
    ) -> Result<At, End> {
        let attachment = region.attachments.get(id).ok_or(End::Blackhole)?;
        match &attachment.kind {
            // Which subnet depends on zones: that of the sender, or the only one that the attachment has.
            AttachmentKind::Vpc { vpc, subnets } => {
                let router = || format!("{region_name} {table} {id}");
                let chosen = self.choices.of(subnets.len(), router);
                match subnets.iter().nth(chosen) {
                    Some(subnet) => Ok(At::Subnet {
                        region: region_name.to_owned(),
                        subnet: subnet.clone(),
                        starts: false,
                    }),
                    None => {
                        self.hop(format!("{vpc}: the attachment has no subnet"));
                        Err(End::NoRoute)
                    }
                }
            }
            AttachmentKind::Vpn(vpn) => {
                if region.vpns.get(vpn).is_some_and(|vpn| vpn.tunnels_up > 0) {
                    Ok(At::OnPrem)
                } else {
                    self.hop(format!("{vpn}: no tunnel is up"));
                    Err(End::NoRoute)
                }
            }
            AttachmentKind::DirectConnect(gateway) => {
                if routing::dx_associated(self.lab, gateway, region_name, &attachment.tgw) {
                    Ok(At::OnPrem)
                } else {
                    self.hop(format!("{gateway}: not associated"));
                    Err(End::NoRoute)
                }
            }
            AttachmentKind::Peering {
                region: far_region,
                tgw: far,
                ..
            } => {
                let other = self
                    .lab
                    .aws
                    .regions
                    .get(far_region)
                    .and_then(|region| region.attachments.get(id))
                    .filter(|attachment| routing::forwards(attachment));
                if other.is_some() {
                    Ok(At::Tgw {
                        region: far_region.clone(),
                        tgw: far.clone(),
                        ingress: id.to_owned(),
                    })
                } else {
                    self.hop(format!("{far}: the far side of the peering is not up"));
                    Err(End::NoRoute)
                }
            }
        }
    }
}
