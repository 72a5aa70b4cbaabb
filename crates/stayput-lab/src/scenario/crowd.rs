//! VPCs of other teams in AWS, so that every list has more than one page and contains objects that stayput must not touch.

use stayput_messages::Message;

use super::Fault;
use super::build::Build;
use super::build::find;
use super::build::named;
use super::build::nth_sibling;
use super::format::Crowd;
use super::format::Platform;
use super::ids;
use super::instances::Simple;
use super::transit;
use super::vpc;
use crate::aws::model::RouteTarget;
use crate::aws::model::SsmAgent;
use crate::aws::model::Vpc;

/// First address of the instances in the subnet of such a VPC.
const FIRST_ADDRESS: u32 = 10;
const DISK_GIB: u64 = 8;
const SUBNET: &str = "app";

/// Creates the VPCs of other teams.
pub(super) fn make(build: &mut Build<'_>) -> Result<(), Fault> {
    for (name, crowd) in &build.file.crowds {
        let region = build.known_region(&crowd.region)?;
        let attached_to = attached_to(build, crowd)?;
        for number in 0..crowd.vpcs {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let cidr = nth_sibling(&crowd.first, index)?;
            let vpc_name = format!("other-team-{name}-{:02}", number + 1);
            build.region(&region)?.vpcs.insert(
                ids::vpc(&vpc_name),
                Vpc {
                    cidrs: vec![cidr],
                    tags: named(&vpc_name),
                },
            );
            vpc::add_subnet(build, &region, &vpc_name, SUBNET, cidr)?;
            let mut table = vpc::empty_table(&vpc_name, "main", true);
            let igw = RouteTarget::Igw(ids::internet_gateway(&vpc_name));
            table.routes.insert(stayput_estate::Cidr::ALL, igw);
            if let Some((tgw, tgw_table)) = &attached_to
                && number < crowd.attached
            {
                let subnet = ids::subnet(&format!("{vpc_name}/{SUBNET}"));
                transit::attach_vpc(build, &vpc_name, &region, tgw, &[(subnet, cidr)])?;
                if let Some(route) = crowd.route {
                    let target = RouteTarget::Tgw(ids::tgw(tgw));
                    table.routes.insert(route, target);
                }
                if let Some(tgw_table) = build.region(&region)?.tgw_route_tables.get_mut(tgw_table)
                {
                    let attachment = ids::attachment(&vpc_name);
                    tgw_table.associations.insert(attachment.clone());
                    tgw_table
                        .statics
                        .insert(cidr, transit::long_standing(Some(attachment)));
                }
            }
            let id = ids::route_table(&format!("{vpc_name}/main"));
            build.region(&region)?.route_tables.insert(id, table);
            for machine in 0..crowd.instances_per_vpc {
                let key = format!("{vpc_name}-{}", machine + 1);
                Simple {
                    region: &region,
                    vpc: &vpc_name,
                    subnet: SUBNET,
                    cidr,
                    offset: FIRST_ADDRESS.saturating_add(machine),
                    key: &key,
                    platform: Platform::Linux,
                    disk_gib: DISK_GIB,
                    ssm: SsmAgent::None,
                    guest: None,
                    tags: named(&key),
                }
                .make(build)?;
            }
        }
    }
    Ok(())
}

/// Returns the Transit Gateway's name and the id of the table that the attached VPCs use.
fn attached_to(build: &Build<'_>, crowd: &Crowd) -> Result<Option<(String, String)>, Fault> {
    let Some(tgw_name) = &crowd.tgw else {
        return Ok(None);
    };
    let tgw = find(&build.file.tgws, tgw_name, Message::new("lab-kind-tgw"))?;
    let Some(table) = &crowd.table else {
        let message = Message::new("scenario-crowd-without-table");
        return Err(Fault::at(tgw_name.span(), message));
    };
    find(&tgw.tables, table, Message::new("lab-kind-table"))?;
    if tgw.region.get_ref() != crowd.region.get_ref() {
        let message = Message::new("scenario-attached-elsewhere");
        return Err(Fault::at(tgw_name.span(), message));
    }
    let path = format!("{}/{}", tgw_name.get_ref(), table.get_ref());
    Ok(Some((
        tgw_name.get_ref().clone(),
        ids::tgw_route_table(&path),
    )))
}
