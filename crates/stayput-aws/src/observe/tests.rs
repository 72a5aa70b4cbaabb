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
        .observe(&server.region(), &Known::default())
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
        .observe(&server.region(), &Known::default())
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
        .observe(&server.region(), &Known::default())
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
        .observe(&server.region(), &Known::default())
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
        .observe(&server.region(), &Known::default())
        .await
        .unwrap_err();
    assert!(error.is_permission());
    assert!(
        error.to_string().contains("GetManagedPrefixListEntries"),
        "{error}"
    );
}

#[tokio::test]
async fn whoever_has_no_prefix_lists_is_never_asked_about_them() {
    let server = Server::start(|seen| region(seen, false)).await;
    server
        .client()
        .observe(&server.region(), &Known::default())
        .await
        .unwrap();
    assert!(
        !server
            .operations()
            .iter()
            .any(|operation| operation.contains("PrefixList"))
    );
}

/// A region of one VPC with two machines, whose lists an edit may change. Asked for by id everything is there.
#[derive(Clone)]
struct Machines {
    /// Changes the answer to a list call: operation, whether it is by id, the entries.
    edit: fn(&str, bool, &str) -> String,
}

const ALL_THERE: fn(&str, bool, &str) -> String = |_, _, entries| entries.to_owned();

fn instance_entry(id: &str, eni: &str) -> String {
    format!(
        "<item><instancesSet><item><instanceId>{id}</instanceId><instanceState><name>running</name></instanceState>\
         <instanceType>m5.large</instanceType><architecture>x86_64</architecture><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId>\
         <networkInterfaceSet><item><networkInterfaceId>{eni}</networkInterfaceId><attachment><deviceIndex>0</deviceIndex></attachment>\
         </item></networkInterfaceSet></item></instancesSet></item>"
    )
}

fn eni_entry(id: &str, instance: &str, address: &str) -> String {
    format!(
        "<item><networkInterfaceId>{id}</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><status>in-use</status>\
         <macAddress>06:1a:2b:3c:4d:5e</macAddress><privateIpAddress>{address}</privateIpAddress><attachment>\
         <instanceId>{instance}</instanceId><deviceIndex>0</deviceIndex></attachment></item>"
    )
}

/// The ids of this kind that exist, each with its entry.
fn existing(operation: &str) -> Vec<(&'static str, &'static str, String)> {
    match operation {
        "DescribeVpcs" => vec![(
            "VpcId",
            "vpc-1",
            "<item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item>".to_owned(),
        )],
        "DescribeSubnets" => vec![(
            "SubnetId",
            "subnet-1",
            "<item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock>\
             <availabilityZone>a</availabilityZone></item>"
                .to_owned(),
        )],
        "DescribeInstances" => ["1", "2"]
            .map(|n| {
                let (id, entry) = match n {
                    "1" => ("i-1", instance_entry("i-1", "eni-1")),
                    _ => ("i-2", instance_entry("i-2", "eni-2")),
                };
                ("InstanceId", id, entry)
            })
            .to_vec(),
        "DescribeNetworkInterfaces" => vec![
            (
                "NetworkInterfaceId",
                "eni-1",
                eni_entry("eni-1", "i-1", "10.0.0.4"),
            ),
            (
                "NetworkInterfaceId",
                "eni-2",
                eni_entry("eni-2", "i-2", "10.0.0.5"),
            ),
        ],
        _ => Vec::new(),
    }
}

impl Machines {
    fn reply(&self, seen: &Seen) -> Reply {
        let operation = seen.operation();
        if operation == "GetCallerIdentity" {
            return Reply::ec2_error(500, "InternalFailure");
        }
        if operation == "DescribeRouteTables" {
            return Reply::entries(
                seen,
                "<item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet/><associationSet><item><main>true</main></item>\
                 </associationSet></item>",
            );
        }
        let all = existing(&operation);
        let parameter = all.first().map_or("", |(parameter, ..)| parameter);
        let asked: Vec<String> = (1..)
            .map_while(|number| seen.form(&format!("{parameter}.{number}")))
            .collect();
        let unknown = asked
            .iter()
            .find(|asked| !all.iter().any(|(_, id, _)| id == asked));
        if let Some(unknown) = unknown {
            let code = match parameter {
                "InstanceId" => "InvalidInstanceID.NotFound",
                "NetworkInterfaceId" => "InvalidNetworkInterfaceID.NotFound",
                "VpcId" => "InvalidVpcID.NotFound",
                _ => "InvalidSubnetID.NotFound",
            };
            return Reply::not_found(code, &format!("The ID '{unknown}' does not exist"));
        }
        let wanted = all
            .iter()
            .filter(|(_, id, _)| asked.is_empty() || asked.iter().any(|asked| asked == id));
        let entries: String = wanted.map(|(_, _, entry)| entry.as_str()).collect();
        Reply::entries(seen, &(self.edit)(&operation, !asked.is_empty(), &entries))
    }

    async fn observe(&self, known: &Known) -> (AwsRegion, Vec<String>) {
        let machines = self.clone();
        let server = Server::start(move |seen| machines.reply(seen)).await;
        let region = server.region();
        let world = server.client().observe(&region, known).await.unwrap();
        (world, server.operations())
    }
}

fn everything() -> Known {
    Known {
        instances: ["i-1", "i-2"].map(Into::into).into(),
        enis: ["eni-1", "eni-2"].map(Into::into).into(),
        vpcs: ["vpc-1".into()].into(),
        subnets: ["subnet-1".into()].into(),
        ..Known::default()
    }
}

#[tokio::test]
async fn lists_that_agree_cost_no_further_call() {
    let machines = Machines { edit: ALL_THERE };
    let (world, asked) = machines.observe(&everything()).await;
    assert_eq!((world.instances.len(), world.enis.len()), (2, 2));
    assert!(world.absent.is_empty() && world.unreadable.is_empty());
    let once: BTreeSet<&String> = asked.iter().collect();
    let twice = asked.len() - once.len();
    // STS is down and retried.
    assert_eq!(twice, 2, "{asked:?}");
}

#[tokio::test]
async fn what_one_list_names_and_another_lacks_is_found_by_id() {
    let edits: [fn(&str, bool, &str) -> String; 6] = [
        // One interface is missing, all are, and one instance, and all.
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeNetworkInterfaces", false) => eni_entry("eni-1", "i-1", "10.0.0.4"),
            _ => entries.to_owned(),
        },
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeNetworkInterfaces", false) => String::new(),
            _ => entries.to_owned(),
        },
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeInstances", false) => instance_entry("i-1", "eni-1"),
            _ => entries.to_owned(),
        },
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeInstances", false) => String::new(),
            _ => entries.to_owned(),
        },
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeVpcs" | "DescribeSubnets", false) => String::new(),
            _ => entries.to_owned(),
        },
        // The two lists disagree for a moment.
        |operation, by_id, entries| match (operation, by_id) {
            ("DescribeInstances", false) => entries.replace(
                "<networkInterfaceId>eni-2</networkInterfaceId>",
                "<networkInterfaceId>eni-1</networkInterfaceId>",
            ),
            _ => entries.to_owned(),
        },
    ];
    let (whole, _) = Machines { edit: ALL_THERE }.observe(&everything()).await;
    for (number, edit) in edits.into_iter().enumerate() {
        for known in [Known::default(), everything()] {
            let (world, _) = Machines { edit }.observe(&known).await;
            assert_eq!(world, whole, "edit {number}");
        }
    }
}

#[tokio::test]
async fn what_the_caller_expects_is_asked_for_before_it_counts_as_absent() {
    // Nothing names the second machine any more.
    let machines = Machines {
        edit: |operation, by_id, entries| match (operation, by_id) {
            ("DescribeInstances", false) => instance_entry("i-1", "eni-1"),
            ("DescribeNetworkInterfaces", false) => eni_entry("eni-1", "i-1", "10.0.0.4"),
            _ => entries.to_owned(),
        },
    };
    let (blind, _) = machines.observe(&Known::default()).await;
    assert_eq!(blind.instances.len(), 1);
    assert!(!blind.is_confirmed_gone(&"i-2".into()), "nobody asked");
    let mut known = everything();
    known.instances.insert("i-9".into());
    known.enis.insert("eni-9".into());
    known.vpcs.insert("vpc-9".into());
    known.subnets.insert("subnet-9".into());
    let (world, _) = machines.observe(&known).await;
    assert_eq!((world.instances.len(), world.enis.len()), (2, 2));
    assert_eq!(world.gone(&"i-9".into()), Some(Gone::NotFound));
    assert_eq!(world.absent.instances.len(), 1);
    assert_eq!(world.absent.enis, ["eni-9".into()].into());
    assert_eq!(world.absent.vpcs, ["vpc-9".into()].into());
    assert_eq!(world.absent.subnets, ["subnet-9".into()].into());
}

#[tokio::test]
async fn an_empty_list_is_read_again_where_something_is_expected() {
    let count = |known: Known| async move {
        let machines = Machines {
            edit: |operation, by_id, entries| match (operation, by_id) {
                ("DescribeInstances", false) => String::new(),
                _ => entries.to_owned(),
            },
        };
        let (world, asked) = machines.observe(&known).await;
        assert_eq!(world.instances.len(), 2);
        asked
            .iter()
            .filter(|operation| *operation == "DescribeInstances")
            .count()
    };
    // The list, and then by id, for the interfaces name the instances.
    assert_eq!(count(Known::default()).await, 2);
    assert_eq!(count(everything()).await, 3);
}

#[tokio::test]
async fn what_aws_says_nothing_about_is_noted_and_neither_there_nor_absent() {
    let machines = Machines {
        edit: |operation, _, entries| match operation {
            "DescribeInstances" => instance_entry("i-1", "eni-1"),
            _ => entries.to_owned(),
        },
    };
    let (world, _) = machines.observe(&everything()).await;
    assert_eq!(world.instances.len(), 1);
    assert!(!world.is_confirmed_gone(&"i-2".into()));
    let noted: Vec<(&str, &str)> = world
        .unreadable
        .iter()
        .map(|noted| (noted.kind.as_str(), noted.id.as_str()))
        .collect();
    assert_eq!(noted, [("instance", "i-2")]);
}

#[tokio::test]
async fn an_instance_that_was_terminated_between_two_lists_is_gone() {
    let machines = Machines {
        edit: |operation, by_id, entries| match (operation, by_id) {
            // By the time it is asked for its interface is gone too.
            ("DescribeNetworkInterfaces", false) => {
                eni_entry("eni-1", "i-1", "10.0.0.4") + &eni_entry("eni-2", "i-1", "10.0.0.5")
            }
            ("DescribeInstances", true) => {
                "<item><instancesSet><item><instanceId>i-2</instanceId><instanceState>\
                <name>terminated</name></instanceState></item></instancesSet></item>"
                    .to_owned()
            }
            ("DescribeInstances", false) => instance_entry("i-1", "eni-1"),
            _ => entries.to_owned(),
        },
    };
    let (world, _) = machines.observe(&everything()).await;
    assert_eq!(world.gone(&"i-2".into()), Some(Gone::Terminated));
}

#[tokio::test]
async fn an_odd_object_of_a_stranger_is_noted_and_one_of_ours_is_an_error() {
    let odd = |vpc: &'static str| {
        move |seen: &Seen| match seen.operation().as_str() {
            "DescribeNetworkInterfaces" => Reply::entries(
                seen,
                &format!(
                    "<item><networkInterfaceId>eni-odd</networkInterfaceId><vpcId>{vpc}</vpcId><subnetId>subnet-1</subnetId></item>"
                ),
            ),
            _ => Machines { edit: ALL_THERE }.reply(seen),
        }
    };
    let known = Known {
        vpcs: ["vpc-1".into()].into(),
        ..Known::default()
    };
    let server = Server::start(odd("vpc-2")).await;
    let world = server.client().observe(&server.region(), &known).await;
    let unreadable = world.unwrap().unreadable;
    assert!(
        unreadable.iter().any(|noted| noted.id == "eni-odd"),
        "{unreadable:?}"
    );
    let server = Server::start(odd("vpc-1")).await;
    let error = server
        .client()
        .observe(&server.region(), &known)
        .await
        .unwrap_err();
    let AwsError::Parse { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(source.place.starts_with("eni-odd: "), "{source}");
}

#[tokio::test]
async fn a_vpc_whose_main_table_is_not_shown_is_an_error_if_it_is_ours() {
    let without = |seen: &Seen| match seen.operation().as_str() {
        "DescribeRouteTables" => Reply::nothing(seen),
        _ => Machines { edit: ALL_THERE }.reply(seen),
    };
    let server = Server::start(without).await;
    let (client, region) = (server.client(), server.region());
    let error = client.observe(&region, &everything()).await.unwrap_err();
    assert!(error.to_string().contains("DescribeRouteTables"), "{error}");
    let world = client.observe(&region, &Known::default()).await.unwrap();
    assert_eq!(world.unreadable[0].id, "vpc-1");
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
    let known = Known {
        attachments: ["tgw-attach-9".into()].into(),
        ..Known::default()
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
async fn an_sts_that_answers_nonsense_leaves_only_the_account_unknown() {
    let sts = |reply: Reply| {
        move |seen: &Seen| match seen.operation().as_str() {
            "GetCallerIdentity" => reply.clone(),
            _ => Machines { edit: ALL_THERE }.reply(seen),
        }
    };
    let html = Reply::Answer(200, "<html/>".to_owned());
    let server = Server::start(sts(html)).await;
    let (client, region) = (server.client(), server.region());
    let world = client.observe(&region, &Known::default()).await.unwrap();
    assert_eq!(world.account, None);
    let server = Server::start(sts(Reply::ec2_error(403, "ExpiredToken"))).await;
    let (client, region) = (server.client(), server.region());
    let error = client.observe(&region, &Known::default()).await;
    assert!(error.unwrap_err().is_credentials());
}

#[tokio::test]
async fn a_peering_whose_ends_nobody_says_is_noted_and_no_known_one() {
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
    let world = server.client().observe(&region, &Known::default()).await;
    let world = world.unwrap();
    let kind = &world.attachments[&"tgw-attach-peer".into()].kind;
    assert!(matches!(kind, AttachmentKind::Unknown { .. }), "{kind:?}");
    assert_eq!(world.unreadable[0].id, "tgw-attach-peer");
}
