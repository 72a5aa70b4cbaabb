//! Transit Gateways of a scenario: attachments of every kind, then tables.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_messages::Message;
use stayput_messages::list::commas;

use super::Fault;
use super::build::Build;
use super::build::find;
use super::build::named;
use super::format::Text;
use super::ids;
use crate::aws::model::Attachment;
use crate::aws::model::AttachmentKind;
use crate::aws::model::DxAssociation;
use crate::aws::model::DxGateway;
use crate::aws::model::Eni;
use crate::aws::model::Tags;
use crate::aws::model::Tgw;
use crate::aws::model::TgwRouteTable;
use crate::aws::model::TgwStatic;
use crate::aws::model::Vpn;
use crate::clock::VTime;

/// Creates Transit Gateways, their attachments, and their tables.
pub(super) fn make(build: &mut Build<'_>) -> Result<(), Fault> {
    gateways(build)?;
    vpc_attachments(build)?;
    peerings(build)?;
    vpns(build)?;
    direct_connect(build)?;
    tables(build)
}

fn gateways(build: &mut Build<'_>) -> Result<(), Fault> {
    for (name, tgw) in &build.file.tgws {
        let region = build.known_region(&tgw.region)?;
        let default_table = match &tgw.default_table {
            Some(table) => {
                find(&tgw.tables, table, Message::new("lab-kind-table"))?;
                Some(ids::tgw_route_table(&format!("{name}/{}", table.get_ref())))
            }
            None => None,
        };
        build.region(&region)?.tgws.insert(
            ids::tgw(name),
            Tgw {
                asn: tgw.asn,
                default_table,
                tags: named(name),
            },
        );
    }
    Ok(())
}

fn vpc_attachments(build: &mut Build<'_>) -> Result<(), Fault> {
    for (name, vpc) in &build.file.vpcs {
        let Some(attach) = &vpc.attach else { continue };
        let tgw = find(&build.file.tgws, &attach.tgw, Message::new("lab-kind-tgw"))?;
        if tgw.region.get_ref() != vpc.region.get_ref() {
            let message = Message::new("scenario-attached-elsewhere");
            return Err(Fault::at(attach.tgw.span(), message));
        }
        if attach.subnets.is_empty() {
            let message = Message::new("scenario-attached-nowhere");
            return Err(Fault::at(attach.tgw.span(), message));
        }
        let mut subnets = Vec::new();
        for subnet in &attach.subnets {
            let cidr = find(&vpc.subnets, subnet, Message::new("lab-kind-subnet-of-vpc"))?;
            let id = ids::subnet(&format!("{name}/{}", subnet.get_ref()));
            subnets.push((id, *cidr.get_ref()));
        }
        attach_vpc(
            build,
            name,
            vpc.region.get_ref(),
            attach.tgw.get_ref(),
            &subnets,
        )?;
    }
    Ok(())
}

/// Attaches a VPC, with the interface that AWS creates in each attachment subnet.
pub(super) fn attach_vpc(
    build: &mut Build<'_>,
    vpc: &str,
    region: &str,
    tgw: &str,
    subnets: &[(String, stayput_estate::Cidr)],
) -> Result<(), Fault> {
    for (subnet, cidr) in subnets {
        let name = format!("tgw-attachment/{vpc}/{subnet}");
        let eni = Eni {
            vpc: ids::vpc(vpc),
            subnet: subnet.clone(),
            mac: ids::mac(&name),
            kind: "transit_gateway".to_owned(),
            description: format!(
                "Network Interface for Transit Gateway Attachment {}",
                ids::attachment(vpc)
            ),
            requester_managed: true,
            instance: None,
            source_dest_check: true,
            primary: build.take_highest(subnet, *cidr)?,
            secondary: Vec::new(),
            tags: Tags::new(),
        };
        build.region(region)?.enis.insert(ids::eni(&name), eni);
    }
    let kind = AttachmentKind::Vpc {
        vpc: ids::vpc(vpc),
        subnets: subnets.iter().map(|(id, _)| id.clone()).collect(),
    };
    attach(build, vpc, region, tgw, kind)
}

fn attach(
    build: &mut Build<'_>,
    name: &str,
    region: &str,
    tgw: &str,
    kind: AttachmentKind,
) -> Result<(), Fault> {
    let created = build.next_made();
    let on = build.attachments.entry(name.to_owned()).or_default();
    on.push(tgw.to_owned());
    if on.len() > 1 && !matches!(kind, AttachmentKind::Peering { .. }) {
        let message = Message::new("scenario-attachment-names-not-distinct").with("name", name);
        return Err(Fault::new(message));
    }
    let attachment = Attachment {
        tgw: ids::tgw(tgw),
        kind,
        state: "available".to_owned(),
        created,
        tags: named(name),
    };
    build
        .region(region)?
        .attachments
        .insert(ids::attachment(name), attachment);
    Ok(())
}

fn peerings(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (name, peering) in &file.peerings {
        if build.attachments.contains_key(name) {
            let message = Message::new("scenario-attachment-name-twice").with("name", name);
            return Err(Fault::at(peering.requester.span(), message));
        }
        let sides = [
            (&peering.requester, &peering.accepter, true),
            (&peering.accepter, &peering.requester, false),
        ];
        for (here, there, requester) in sides {
            let near = find(&file.tgws, here, Message::new("lab-kind-tgw"))?;
            let far = find(&file.tgws, there, Message::new("lab-kind-tgw"))?;
            let kind = AttachmentKind::Peering {
                region: far.region.get_ref().clone(),
                tgw: ids::tgw(there.get_ref()),
                requester,
            };
            attach(build, name, near.region.get_ref(), here.get_ref(), kind)?;
        }
    }
    Ok(())
}

fn vpns(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (name, vpn) in &file.vpns {
        let tgw = find(&file.tgws, &vpn.tgw, Message::new("lab-kind-tgw"))?;
        let region = tgw.region.get_ref();
        build.region(region)?.vpns.insert(
            ids::vpn(name),
            Vpn {
                tgw: ids::tgw(vpn.tgw.get_ref()),
                static_only: vpn.static_only,
                private: vpn.private,
                tunnels_up: vpn.tunnels_up.min(2),
                on_prem: vpn.on_prem.iter().copied().collect(),
                on_prem_statics: vpn.on_prem_statics.iter().copied().collect(),
                local_preference: vpn.local_preference,
                customer_gateway: vpn.customer_gateway.clone(),
                tags: named(name),
            },
        );
        let kind = AttachmentKind::Vpn(ids::vpn(name));
        attach(build, name, region, vpn.tgw.get_ref(), kind)?;
    }
    Ok(())
}

fn direct_connect(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (name, gateway) in &file.dx_gateways {
        let id = ids::dx_gateway(name);
        build.lab.aws.dx_gateways.insert(
            id.clone(),
            DxGateway {
                name: name.clone(),
                asn: gateway.asn,
                on_prem: gateway.on_prem.iter().copied().collect(),
                local_preference: gateway.local_preference,
            },
        );
        let mut announced: Vec<stayput_estate::Cidr> = Vec::new();
        for (association, described) in &gateway.associations {
            let tgw = find(&file.tgws, &described.tgw, Message::new("lab-kind-tgw"))?;
            for cidr in &described.allowed {
                if announced.iter().any(|other| other.overlaps(*cidr)) {
                    let message = Message::new("scenario-announced-twice").with("cidr", cidr);
                    return Err(Fault::at(described.tgw.span(), message));
                }
            }
            announced.extend(&described.allowed);
            let region = tgw.region.get_ref();
            build.lab.aws.dx_associations.insert(
                ids::uuid("dx-association", association),
                DxAssociation {
                    gateway: id.clone(),
                    region: region.clone(),
                    tgw: ids::tgw(described.tgw.get_ref()),
                    state: "associated".to_owned(),
                    allowed: described.allowed.iter().copied().collect(),
                },
            );
            let kind = AttachmentKind::DirectConnect(id.clone());
            attach(build, association, region, described.tgw.get_ref(), kind)?;
        }
    }
    Ok(())
}

fn tables(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (tgw_name, tgw) in &file.tgws {
        let mut associated = BTreeSet::new();
        for (table_name, table) in &tgw.tables {
            let mut associations = BTreeSet::new();
            for name in &table.associations {
                let id = attachment_on(build, name, tgw_name)?;
                if !associated.insert(id.clone()) {
                    let message = Message::new("scenario-attachment-of-two-tables")
                        .with("name", name.get_ref());
                    return Err(Fault::at(name.span(), message));
                }
                associations.insert(id);
            }
            let mut propagations = BTreeSet::new();
            for name in &table.propagations {
                propagations.insert(attachment_on(build, name, tgw_name)?);
            }
            let mut statics = BTreeMap::new();
            for (cidr, to) in &table.statics {
                let attachment = match to.get_ref().as_str() {
                    "blackhole" => None,
                    _ => Some(attachment_on(build, to, tgw_name)?),
                };
                statics.insert(*cidr, long_standing(attachment));
            }
            let path = format!("{tgw_name}/{table_name}");
            let made = TgwRouteTable {
                tgw: ids::tgw(tgw_name),
                associations,
                propagations,
                statics,
                prefix_lists: BTreeMap::new(),
                tags: named(&format!("{tgw_name}-{table_name}")),
            };
            build
                .region(tgw.region.get_ref())?
                .tgw_route_tables
                .insert(ids::tgw_route_table(&path), made);
        }
    }
    Ok(())
}

/// Creates a static route that is active already.
pub(super) fn long_standing(attachment: Option<String>) -> TgwStatic {
    TgwStatic {
        attachment,
        active_from: VTime(0),
        before: None,
    }
}

fn attachment_on(build: &Build<'_>, name: &Text, tgw: &str) -> Result<String, Fault> {
    let on = find(
        &build.attachments,
        name,
        Message::new("lab-kind-attachment"),
    )?;
    if on.iter().any(|on| on == tgw) {
        Ok(ids::attachment(name.get_ref()))
    } else {
        let message = Message::new("scenario-attachment-of-other-tgw")
            .with("name", name.get_ref())
            .with("on", commas(on))
            .with("tgw", tgw);
        Err(Fault::at(name.span(), message))
    }
}
