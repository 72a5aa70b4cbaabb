//! Lists that disagree or lack what is expected, and what asking by id makes of it.

use std::collections::BTreeSet;

use stayput_world::AwsRegion;
use stayput_world::aws::Gone;

use crate::error::AwsError;
use crate::observe::KnownAwsObjects;
use crate::testing::Reply;
use crate::testing::Seen;
use crate::testing::Server;

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

    async fn observe(&self, known: &KnownAwsObjects) -> (AwsRegion, Vec<String>) {
        let machines = self.clone();
        let server = Server::start(move |seen| machines.reply(seen)).await;
        let region = server.region();
        let world = server.client().observe(&region, known).await.unwrap();
        (world, server.operations())
    }
}

fn everything() -> KnownAwsObjects {
    KnownAwsObjects {
        instances: ["i-1", "i-2"].map(Into::into).into(),
        enis: ["eni-1", "eni-2"].map(Into::into).into(),
        vpcs: ["vpc-1".into()].into(),
        subnets: ["subnet-1".into()].into(),
        ..KnownAwsObjects::default()
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
        for known in [KnownAwsObjects::default(), everything()] {
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
    let (blind, _) = machines.observe(&KnownAwsObjects::default()).await;
    assert_eq!(blind.instances.len(), 1);
    assert!(!blind.is_confirmed_gone(&"i-2".into()), "AWS was not asked");
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
    let count = |known: KnownAwsObjects| async move {
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
    assert_eq!(count(KnownAwsObjects::default()).await, 2);
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
async fn an_unreadable_interface_is_an_error_only_in_a_vpc_of_the_estate() {
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
    let known = KnownAwsObjects {
        vpcs: ["vpc-1".into()].into(),
        ..KnownAwsObjects::default()
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
async fn a_missing_main_table_is_an_error_in_a_vpc_of_the_estate() {
    let without = |seen: &Seen| match seen.operation().as_str() {
        "DescribeRouteTables" => Reply::nothing(seen),
        _ => Machines { edit: ALL_THERE }.reply(seen),
    };
    let server = Server::start(without).await;
    let (client, region) = (server.client(), server.region());
    let error = client.observe(&region, &everything()).await.unwrap_err();
    assert!(error.to_string().contains("DescribeRouteTables"), "{error}");
    let world = client
        .observe(&region, &KnownAwsObjects::default())
        .await
        .unwrap();
    assert_eq!(world.unreadable[0].id, "vpc-1");
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
    let world = client
        .observe(&region, &KnownAwsObjects::default())
        .await
        .unwrap();
    assert_eq!(world.account, None);
    let server = Server::start(sts(Reply::ec2_error(403, "ExpiredToken"))).await;
    let (client, region) = (server.client(), server.region());
    let error = client.observe(&region, &KnownAwsObjects::default()).await;
    assert!(error.unwrap_err().is_credentials());
}
