mod settled;

use stayput_estate::AttachmentId;
use stayput_estate::DxGatewayId;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::AttachmentState;
use stayput_world::aws::TgwTarget;

use super::*;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

fn attachment(id: &str, kind: &str, resource: &str) -> String {
    format!(
        "<item><transitGatewayAttachmentId>{id}</transitGatewayAttachmentId><transitGatewayId>tgw-1</transitGatewayId>\
         <resourceType>{kind}</resourceType><resourceId>{resource}</resourceId><state>available</state></item>"
    )
}

fn route(of: &str, cidr: &str, id: &str, kind: &str) -> String {
    format!(
        "<item><destinationCidrBlock>{cidr}</destinationCidrBlock><transitGatewayAttachments><item>\
         <resourceType>{kind}</resourceType><transitGatewayAttachmentId>{id}</transitGatewayAttachmentId></item>\
         </transitGatewayAttachments><type>{of}</type><state>active</state></item>"
    )
}

/// A region with one Transit Gateway: a VPC, and Direct Connect if wanted.
fn region(seen: &Seen, dx: bool) -> Reply {
    match seen.operation().as_str() {
        "GetCallerIdentity" => Reply::ec2_error(500, "InternalFailure"),
        "DescribeTransitGateways" => Reply::ec2(
            "<transitGatewaySet><item><transitGatewayId>tgw-1</transitGatewayId><state>available</state></item>\
             </transitGatewaySet>",
        ),
        "DescribeTransitGatewayAttachments" => {
            let mut items = attachment("tgw-attach-vpc", "vpc", "vpc-1");
            if dx {
                items += &attachment("tgw-attach-dx", "direct-connect-gateway", "dxgw");
            }
            Reply::ec2(&format!(
                "<transitGatewayAttachments>{items}</transitGatewayAttachments>"
            ))
        }
        "DescribeTransitGatewayVpcAttachments" => Reply::ec2(
            "<transitGatewayVpcAttachments><item><transitGatewayAttachmentId>tgw-attach-vpc</transitGatewayAttachmentId>\
             <subnetIds><item>subnet-1</item><item>subnet-2</item></subnetIds></item></transitGatewayVpcAttachments>",
        ),
        "DescribeTransitGatewayRouteTables" => Reply::ec2(
            "<transitGatewayRouteTables><item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId>\
             <transitGatewayId>tgw-1</transitGatewayId><state>available</state><tagSet><item><key>Name</key>\
             <value>main</value></item></tagSet></item></transitGatewayRouteTables>",
        ),
        "GetTransitGatewayRouteTableAssociations" => Reply::ec2(
            "<associations><item><transitGatewayAttachmentId>tgw-attach-vpc</transitGatewayAttachmentId>\
             <state>associated</state></item></associations>",
        ),
        "SearchTransitGatewayRoutes" => match seen.form("Filter.1.Value.1").as_deref() {
            Some("static") => Reply::ec2(&format!(
                "<routeSet>{}</routeSet>",
                route("static", "172.30.1.0/24", "tgw-attach-vpc", "vpc")
            )),
            _ => Reply::ec2(
                &format!(
                    "<routeSet>{}{}</routeSet>",
                    route("propagated", "172.30.0.0/16", "tgw-attach-vpc", "vpc"),
                    route("propagated", "192.168.0.0/16", "tgw-attach-dx", "direct-connect-gateway"),
                )
                ,
            ),
        },
        "DescribeInstances" => Reply::ec2(
            "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>terminated</name>\
             </instanceState></item></instancesSet></item></reservationSet>",
        ),
        "DescribeDirectConnectGatewayAssociations" => Reply::Answer(
            200,
            r#"{"directConnectGatewayAssociations":[{"associationId":"a-1","directConnectGatewayId":"dxgw",
                "associationState":"updating","associatedGateway":{"id":"tgw-1","type":"transitGateway"},
                "allowedPrefixesToDirectConnectGateway":[{"cidr":"172.30.0.0/16"},{"cidr":"2001:db8::/32"}]}]}"#
                .to_owned(),
        ),
        "GetTransitGatewayPrefixListReferences" | "GetManagedPrefixListEntries" => {
            Reply::nothing(seen)
        }
        // What the fixture refers to is there when it is asked for by id.
        "DescribeVpcs" if seen.form("VpcId.1").is_some() => {
            Reply::entries(seen, "<item><vpcId>vpc-1</vpcId><cidrBlock>172.30.0.0/16</cidrBlock></item>")
        }
        "DescribeRouteTables" if seen.form("Filter.1.Name").is_some() => Reply::entries(
            seen,
            "<item><routeTableId>rtb-main</routeTableId><vpcId>vpc-1</vpcId><routeSet/><associationSet><item><main>true</main></item>\
             </associationSet></item>",
        ),
        "DescribeSubnets" if seen.form("SubnetId.1").is_some() => {
            Reply::not_found("InvalidSubnetID.NotFound", "The subnet IDs 'subnet-1, subnet-2' do not exist")
        }
        _ => Reply::nothing(seen),
    }
}

#[tokio::test]
async fn a_region_is_joined_from_its_lists() {
    let server = Server::start(|seen| region(seen, true)).await;
    let world = server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap();
    assert_eq!(world.account, None, "STS is down, the rest is not");
    assert!(world.instances.is_empty());
    assert_eq!(world.gone(&"i-1".into()), Some(Gone::Terminated));
    let vpc = &world.attachments[&AttachmentId::new("tgw-attach-vpc")];
    assert_eq!(vpc.state, AttachmentState::Available);
    assert_eq!(vpc.association, Some(TgwRouteTableId::new("tgw-rtb-1")));
    assert_eq!(
        vpc.kind,
        AttachmentKind::Vpc {
            vpc: VpcId::new("vpc-1"),
            subnets: ["subnet-1", "subnet-2"].map(Into::into).into(),
        }
    );
    let table = &world.tgw_route_tables[&TgwRouteTableId::new("tgw-rtb-1")];
    assert_eq!(table.name.as_deref(), Some("main"));
    assert_eq!(
        table.static_routes[&"172.30.1.0/24".parse().unwrap()],
        TgwTarget::Attachment(AttachmentId::new("tgw-attach-vpc"))
    );
    let learned: Vec<String> = table
        .learned_routes
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        learned,
        ["192.168.0.0/16"],
        "VPC propagations are computed instead"
    );
    let dx = &world.dx_associations[0];
    assert_eq!(dx.gateway, DxGatewayId::new("dxgw"));
    assert_eq!(dx.state, "updating");
    assert_eq!(dx.allowed_prefixes.len(), 1);
    let asked = server.seen();
    let dx_call = asked
        .iter()
        .find(|seen| seen.operation() == "DescribeDirectConnectGatewayAssociations")
        .unwrap();
    assert!(dx_call.headers["x-amz-target"].starts_with("OvertureService."));
    assert_eq!(
        dx_call.body,
        r#"{"associatedGatewayId":"tgw-1","maxResults":100}"#
    );
}

#[tokio::test]
async fn an_account_without_direct_connect_is_never_asked_about_it() {
    let server = Server::start(|seen| region(seen, false)).await;
    let world = server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap();
    assert!(world.dx_associations.is_empty());
    assert!(
        !server
            .operations()
            .contains(&"DescribeDirectConnectGatewayAssociations".to_owned())
    );
}

#[tokio::test]
async fn a_missing_right_fails_the_observation_and_is_named() {
    let server = Server::start(|seen| match seen.operation().as_str() {
        "DescribeVpnConnections" => Reply::ec2_error(403, "UnauthorizedOperation"),
        _ => region(seen, false),
    })
    .await;
    let error = server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap_err();
    assert!(error.is_permission());
    assert_eq!(error.call().unwrap().operation, "DescribeVpnConnections");
}

/// The same region with prefix lists: one the Transit Gateway's table refers to, one a VPC table routes by.
fn with_lists(seen: &Seen) -> Reply {
    match seen.operation().as_str() {
        "SearchTransitGatewayRoutes"
            if seen.form("Filter.1.Value.1").as_deref() == Some("static") =>
        {
            let written = route("static", "172.30.1.0/24", "tgw-attach-vpc", "vpc");
            let listed = route("static", "10.9.0.0/16", "tgw-attach-vpc", "vpc")
                .replace("<state>", "<prefixListId>pl-tgw</prefixListId><state>");
            Reply::ec2(&format!("<routeSet>{written}{listed}</routeSet>"))
        }
        "GetTransitGatewayPrefixListReferences" => Reply::ec2(
            "<transitGatewayPrefixListReferenceSet><item><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId>\
             <prefixListId>pl-tgw</prefixListId><state>available</state><blackhole>false</blackhole><transitGatewayAttachment>\
             <transitGatewayAttachmentId>tgw-attach-vpc</transitGatewayAttachmentId><resourceType>vpc</resourceType>\
             <resourceId>vpc-1</resourceId></transitGatewayAttachment></item>\
             <item><prefixListId>pl-drop</prefixListId><state>available</state><blackhole>true</blackhole></item>\
             <item><prefixListId>pl-old</prefixListId><state>deleting</state><blackhole>true</blackhole></item>\
             </transitGatewayPrefixListReferenceSet>",
        ),
        "GetManagedPrefixListEntries" => match seen.form("PrefixListId").as_deref() {
            Some("pl-vpc") => Reply::ec2_error(403, "UnauthorizedOperation"),
            Some("pl-tgw") => Reply::ec2(
                "<entrySet><item><cidr>10.9.0.0/16</cidr></item><item><cidr>2001:db8::/32</cidr></item>\
                 <item><cidr>172.30.1.0/24</cidr><description>hidden</description></item></entrySet>",
            ),
            _ => Reply::nothing(seen),
        },
        "DescribeRouteTables" => Reply::ec2(
            "<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><associationSet><item><main>true</main></item>\
             </associationSet><routeSet><item>\
             <destinationPrefixListId>pl-vpc</destinationPrefixListId><gatewayId>vpce-1</gatewayId><state>active</state>\
             </item></routeSet></item></routeTableSet>",
        ),
        _ => region(seen, false),
    }
}

#[tokio::test]
async fn a_prefix_list_is_told_from_static_routes_and_read_whole() {
    let server = Server::start(with_lists).await;
    let world = server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap();
    let table = &world.tgw_route_tables[&TgwRouteTableId::new("tgw-rtb-1")];
    let written: Vec<_> = table
        .static_routes
        .keys()
        .map(ToString::to_string)
        .collect();
    assert_eq!(written, ["172.30.1.0/24"]);
    let to_vpc = TgwTarget::Attachment(AttachmentId::new("tgw-attach-vpc"));
    let references = &table.prefix_list_references;
    assert_eq!(references[&"pl-tgw".into()], to_vpc);
    assert_eq!(references[&"pl-drop".into()], TgwTarget::Blackhole);
    assert_eq!(references.len(), 2, "one on its way out is left out");
    let entries: Vec<_> = world.prefix_lists[&"pl-tgw".into()]
        .entries
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(entries, ["10.9.0.0/16", "172.30.1.0/24"]);
    // The right for the endpoint's list is missing, and only traces past that table are the less certain for it.
    assert!(!world.prefix_lists.contains_key(&"pl-vpc".into()));
}

#[tokio::test]
async fn a_list_that_decides_in_a_transit_gateway_must_be_readable() {
    let server = Server::start(|seen| match seen.operation().as_str() {
        "GetManagedPrefixListEntries" => Reply::ec2_error(403, "UnauthorizedOperation"),
        _ => with_lists(seen),
    })
    .await;
    let error = server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap_err();
    assert!(error.is_permission());
    assert!(
        error.to_string().contains("GetManagedPrefixListEntries"),
        "{error}"
    );
}

#[tokio::test]
async fn prefix_lists_are_read_only_where_a_route_uses_one() {
    let server = Server::start(|seen| region(seen, false)).await;
    server
        .client()
        .observe(&server.region(), &KnownAwsObjects::default())
        .await
        .unwrap();
    assert!(
        !server
            .operations()
            .iter()
            .any(|operation| operation.contains("PrefixList"))
    );
}

#[tokio::test]
async fn attachments_and_tables_that_only_others_name_are_asked_for() {
    let server = Server::start(|seen| match seen.operation().as_str() {
        // Neither the Transit Gateway nor its table nor the attachment's details are listed; asked for by id they are there.
        "DescribeTransitGateways" | "DescribeTransitGatewayRouteTables" | "DescribeTransitGatewayVpcAttachments"
            if seen.form("MaxResults").is_some() =>
        {
            Reply::nothing(seen)
        }
        "DescribeTransitGatewayAttachments" if seen.form("MaxResults").is_some() => {
            let known = attachment("tgw-attach-vpc", "vpc", "vpc-1").replace(
                "<state>available</state>",
                "<state>available</state><association><transitGatewayRouteTableId>tgw-rtb-1</transitGatewayRouteTableId>\
                 <state>associated</state></association>",
            );
            Reply::entries(seen, &known)
        }
        _ => region(seen, false),
    })
    .await;
    let known = KnownAwsObjects {
        attachments: ["tgw-attach-9".into()].into(),
        ..KnownAwsObjects::default()
    };
    let region = server.region();
    let world = server.client().observe(&region, &known).await.unwrap();
    assert!(world.tgws.contains_key(&"tgw-1".into()));
    assert!(world.tgw_route_tables.contains_key(&"tgw-rtb-1".into()));
    let AttachmentKind::Vpc { subnets, .. } = &world.attachments[&"tgw-attach-vpc".into()].kind
    else {
        panic!("{:?}", world.attachments);
    };
    assert_eq!(subnets.len(), 2);
    let noted = &world.unreadable;
    assert!(
        noted.iter().any(|noted| noted.id == "tgw-attach-9"),
        "{noted:?}"
    );
}

#[tokio::test]
async fn a_peering_without_both_ends_is_noted_and_its_kind_is_unknown() {
    let server = Server::start(|seen| match seen.operation().as_str() {
        "DescribeTransitGatewayAttachments" => {
            Reply::entries(seen, &attachment("tgw-attach-peer", "peering", "tgw-2"))
        }
        "DescribeTransitGatewayPeeringAttachments" => Reply::entries(
            seen,
            "<item><transitGatewayAttachmentId>tgw-attach-peer</transitGatewayAttachmentId></item>",
        ),
        "GetTransitGatewayRouteTableAssociations" | "SearchTransitGatewayRoutes" => {
            Reply::nothing(seen)
        }
        _ => region(seen, false),
    })
    .await;
    let region = server.region();
    let world = server
        .client()
        .observe(&region, &KnownAwsObjects::default())
        .await;
    let world = world.unwrap();
    let kind = &world.attachments[&"tgw-attach-peer".into()].kind;
    assert!(matches!(kind, AttachmentKind::Unknown { .. }), "{kind:?}");
    assert_eq!(world.unreadable[0].id, "tgw-attach-peer");
}

#[tokio::test]
async fn a_region_is_judged_by_all_its_lists_not_by_the_first_failure() {
    let server = Server::start(|seen| match seen.operation().as_str() {
        "DescribeVpcs" => Reply::Close,
        "DescribeVpnConnections" => Reply::ec2_error(403, "UnauthorizedOperation"),
        _ => region(seen, false),
    })
    .await;
    let client = server.client();
    let region = server.region();
    let error = client
        .observe(&region, &KnownAwsObjects::default())
        .await
        .unwrap_err();
    assert_eq!(error.endpoint_state(), EndpointState::RefusesUs, "{error}");
    // DescribeVpcs and the refused one are the only two without an answer, also if DescribeVpcs fails first.
    assert_eq!(client.answers(&region), 9);
}
