//! EC2 over the Query protocol, version 2016-11-15.
//!
//! One module for each family of resources. A handler reads its parameters, answers `DryRunOperation` when requested, changes the
//! region's state and writes the elements of its response. The envelope and the errors are written here.

mod addresses;
mod attachments;
mod instance_attributes;
mod instances;
mod interfaces;
mod launch;
mod list;
mod peerings;
mod prefix_list_references;
mod prefix_lists;
mod regions;
mod route_tables;
mod routes;
mod search;
mod secondary;
mod security;
mod subnets;
mod tags;
mod tgw_routes;
mod tgw_tables;
mod tgws;
mod volumes;
mod vpc_attachments;
mod vpcs;
mod vpns;

#[cfg(test)]
mod tests;

pub(super) use self::attachments::attachment_settles;
use super::model::RegionState;
use super::model::Tags;
use super::query::Fault;
use super::query::Params;
use super::query::document;
use super::xml::Xml;
use crate::http::Response;
use crate::state::LabState;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Result of a handler: the elements inside the response element.
type Answer = Result<Xml, Fault>;

/// The call to answer.
struct Call<'a> {
    lab: &'a mut LabState,
    region: String,
    params: Params,
}

impl Call<'_> {
    /// Returns the state of the called region. [`handle`] has created it.
    fn region_state(&self) -> &RegionState {
        &self.lab.aws.regions[&self.region]
    }

    /// Returns the state of the called region, mutable.
    fn region_state_mut(&mut self) -> &mut RegionState {
        self.lab.aws.regions.entry(self.region.clone()).or_default()
    }

    /// Ends the call if it is a dry run. Called when the parameters are valid, before the state is checked: a dry run proves
    /// permission, not success (inferred, AWS reference §1.4).
    fn dry_run(&self) -> Result<(), Fault> {
        if self.params.flag("DryRun")? {
            Err(Fault::with_status(
                412,
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            ))
        } else {
            Ok(())
        }
    }

    /// Returns a required parameter as an owned text.
    fn need(&self, name: &str) -> Result<String, Fault> {
        self.params.need(name).map(str::to_owned)
    }
}

/// Answers an authenticated EC2 request.
pub fn handle(lab: &mut LabState, params: Params, region: &str, request_id: &str) -> Response {
    // AWS has every region, also those without any resource.
    lab.aws.regions.entry(region.to_owned()).or_default();
    let action = params.get("Action").unwrap_or_default().to_owned();
    let mut call = Call {
        lab,
        region: region.to_owned(),
        params,
    };
    match dispatch(&action, &mut call) {
        Ok(inside) => {
            let mut xml = Xml::new();
            xml.node(&format!("{action}Response xmlns=\"{NAMESPACE}\""), |xml| {
                xml.text("requestId", request_id).append(&inside);
            });
            document(200, &xml, request_id)
        }
        Err(fault) => fault.ec2(request_id),
    }
}

fn dispatch(action: &str, call: &mut Call<'_>) -> Answer {
    match action {
        "DescribeInstances" => instances::describe(call),
        "DescribeInstanceStatus" => instances::describe_status(call),
        "StartInstances" => instances::start(call),
        "StopInstances" => instances::stop(call),
        "RunInstances" => launch::run(call),
        "TerminateInstances" => launch::terminate(call),
        "DescribeInstanceAttribute" => instance_attributes::describe(call),
        "DescribeInstanceTypes" => instance_attributes::describe_types(call),
        "DescribeInstanceCreditSpecifications" => instance_attributes::describe_credits(call),
        "DescribeVolumes" => volumes::describe(call),
        "DescribeNetworkInterfaces" => interfaces::describe(call),
        "AssignPrivateIpAddresses" => secondary::assign(call),
        "UnassignPrivateIpAddresses" => secondary::unassign(call),
        "DescribeAddresses" => addresses::describe(call),
        "DescribeAddressesAttribute" => addresses::describe_attribute(call),
        "DescribeVpcs" => vpcs::describe(call),
        "CreateVpc" => vpcs::create(call),
        "DeleteVpc" => vpcs::delete(call),
        "DescribeVpcAttribute" => vpcs::describe_attribute(call),
        "ModifyVpcAttribute" => vpcs::modify_attribute(call),
        "DescribeDhcpOptions" => vpcs::describe_dhcp_options(call),
        "DescribeSecurityGroups" => security::describe_groups(call),
        "DescribeSecurityGroupRules" => security::describe_rules(call),
        "DescribeNetworkAcls" => security::describe_acls(call),
        "DescribeSubnets" => subnets::describe(call),
        "CreateSubnet" => subnets::create(call),
        "DeleteSubnet" => subnets::delete(call),
        "DescribeRouteTables" => route_tables::describe(call),
        "CreateRouteTable" => route_tables::create(call),
        "DeleteRouteTable" => route_tables::delete(call),
        "AssociateRouteTable" => route_tables::associate(call),
        "DisassociateRouteTable" => route_tables::disassociate(call),
        "CreateRoute" => routes::create(call),
        "ReplaceRoute" => routes::replace(call),
        "DeleteRoute" => routes::delete(call),
        "DescribeTransitGateways" => tgws::describe(call),
        "CreateTransitGateway" => tgws::create(call),
        "DeleteTransitGateway" => tgws::delete(call),
        "DescribeTransitGatewayAttachments" => attachments::describe(call),
        "DescribeTransitGatewayVpcAttachments" => vpc_attachments::describe(call),
        "CreateTransitGatewayVpcAttachment" => vpc_attachments::create(call),
        "ModifyTransitGatewayVpcAttachment" => vpc_attachments::modify(call),
        "DeleteTransitGatewayVpcAttachment" => vpc_attachments::delete(call),
        "DescribeTransitGatewayPeeringAttachments" => peerings::describe(call),
        "CreateTransitGatewayPeeringAttachment" => peerings::create(call),
        "AcceptTransitGatewayPeeringAttachment" => peerings::accept(call),
        "RejectTransitGatewayPeeringAttachment" => peerings::reject(call),
        "DeleteTransitGatewayPeeringAttachment" => peerings::delete(call),
        "DescribeTransitGatewayRouteTables" => tgw_tables::describe(call),
        "CreateTransitGatewayRouteTable" => tgw_tables::create(call),
        "DeleteTransitGatewayRouteTable" => tgw_tables::delete(call),
        "AssociateTransitGatewayRouteTable" => tgw_tables::associate(call),
        "DisassociateTransitGatewayRouteTable" => tgw_tables::disassociate(call),
        "EnableTransitGatewayRouteTablePropagation" => tgw_tables::enable_propagation(call),
        "DisableTransitGatewayRouteTablePropagation" => tgw_tables::disable_propagation(call),
        "GetTransitGatewayRouteTableAssociations" => tgw_tables::associations(call),
        "GetTransitGatewayRouteTablePropagations" => tgw_tables::propagations(call),
        "GetTransitGatewayAttachmentPropagations" => attachments::propagations(call),
        "GetTransitGatewayPrefixListReferences" => prefix_list_references::list(call),
        "CreateTransitGatewayPrefixListReference" => prefix_list_references::create(call),
        "ModifyTransitGatewayPrefixListReference" => prefix_list_references::modify(call),
        "DeleteTransitGatewayPrefixListReference" => prefix_list_references::delete(call),
        "DescribeManagedPrefixLists" => prefix_lists::describe(call),
        "CreateManagedPrefixList" => prefix_lists::create(call),
        "ModifyManagedPrefixList" => prefix_lists::modify(call),
        "DeleteManagedPrefixList" => prefix_lists::delete(call),
        "GetManagedPrefixListEntries" => prefix_lists::entries(call),
        "SearchTransitGatewayRoutes" => search::search(call),
        "CreateTransitGatewayRoute" => tgw_routes::create(call),
        "ReplaceTransitGatewayRoute" => tgw_routes::replace(call),
        "DeleteTransitGatewayRoute" => tgw_routes::delete(call),
        "DescribeVpnConnections" => vpns::describe(call),
        "DescribeTags" => tags::describe(call),
        "CreateTags" => tags::create(call),
        "DeleteTags" => tags::delete(call),
        "DescribeRegions" => regions::regions(call),
        "DescribeAvailabilityZones" => regions::zones(call),
        "DescribeAccountAttributes" => regions::account_attributes(call),
        "" => Err(Fault::missing("Action")),
        other => Err(Fault::bad(
            "InvalidAction",
            format!("The action {other} is not valid for this web service."),
        )),
    }
}

/// Writes `tagSet`.
fn write_tags(xml: &mut Xml, tags: &Tags) {
    xml.list("tagSet", tags, |xml, (key, value)| {
        xml.text("key", key).text("value", value);
    });
}

/// Answer of calls that return only success.
fn done() -> Answer {
    let mut xml = Xml::new();
    xml.text("return", true);
    Ok(xml)
}

/// Returns an id that is derived from another, for objects that the lab does not store: the default security group of a VPC, the
/// association of its first CIDR, ….
fn derived_id(prefix: &str, of: &str) -> String {
    let uuid = uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_OID,
        format!("{prefix}{of}").as_bytes(),
    );
    format!("{prefix}{}", &uuid.simple().to_string()[..17])
}

/// Returns the private DNS name of an address.
fn private_dns(address: std::net::Ipv4Addr, region: &str) -> String {
    let [a, b, c, d] = address.octets();
    format!("ip-{a}-{b}-{c}-{d}.{region}.compute.internal")
}
