//! Security groups and network ACLs: every VPC has only its default ones. The lab does not filter packets.

use std::collections::BTreeMap;

use super::Answer;
use super::Call;
use super::derived_id;
use super::list::Kind;
use super::list::one;
use super::list::rule;
use super::list::select;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

/// The default objects of a VPC.
#[derive(Debug)]
struct OfVpc {
    vpc: String,
}

/// Returns the id of a VPC's default security group.
pub(super) fn group_id(vpc: &str) -> String {
    derived_id("sg-", vpc)
}

fn acl_id(vpc: &str) -> String {
    derived_id("acl-", vpc)
}

const GROUPS: Kind<OfVpc> = Kind {
    ids: "GroupId",
    id: rule::GROUP,
    fields: &[
        ("group-id", |i| one(i.id)),
        ("group-name", |_| one("default")),
        ("description", |_| one(GROUP_DESCRIPTION)),
        ("owner-id", |i| one(&i.lab.aws.account)),
        ("vpc-id", |i| one(&i.resource.vpc)),
    ],
    tags: None,
};

const GROUP_DESCRIPTION: &str = "default VPC security group";

fn of_vpcs(call: &Call<'_>, id: fn(&str) -> String) -> BTreeMap<String, OfVpc> {
    call.region_state()
        .vpcs
        .keys()
        .map(|vpc| (id(vpc), OfVpc { vpc: vpc.clone() }))
        .collect()
}

pub(super) fn describe_groups(call: &mut Call<'_>) -> Answer {
    let groups = of_vpcs(call, group_id);
    if let Some(name) = call
        .params
        .list("GroupName")
        .into_iter()
        .find(|name| *name != "default")
    {
        return Err(Fault::bad(
            "InvalidGroup.NotFound",
            format!("The security group '{name}' does not exist"),
        ));
    }
    let (page, token) = select(call, &GROUPS, &groups)?;
    let mut xml = Xml::new();
    xml.list("securityGroupInfo", &page, |xml, found| {
        let account = &found.lab.aws.account;
        xml.text("ownerId", account)
            .text("groupId", found.id)
            .text(
                "securityGroupArn",
                format!(
                    "arn:aws:ec2:{}:{account}:security-group/{}",
                    found.region_name, found.id
                ),
            )
            .text("groupName", "default")
            .text("groupDescription", GROUP_DESCRIPTION)
            .text("vpcId", &found.resource.vpc)
            .list("ipPermissions", [()], |xml, ()| {
                xml.text("ipProtocol", "-1")
                    .list("groups", [()], |xml, ()| {
                        xml.text("userId", account).text("groupId", found.id);
                    })
                    .list("ipRanges", None::<()>, |_, ()| {});
            })
            .list("ipPermissionsEgress", [()], |xml, ()| {
                xml.text("ipProtocol", "-1")
                    .list("groups", None::<()>, |_, ()| {})
                    .list("ipRanges", [()], |xml, ()| {
                        xml.text("cidrIp", "0.0.0.0/0");
                    });
            })
            .list("tagSet", None::<()>, |_, ()| {});
    })
    .maybe("nextToken", token);
    Ok(xml)
}

#[derive(Debug)]
struct Rule {
    group: String,
    egress: bool,
}

const RULES: Kind<Rule> = Kind {
    ids: "SecurityGroupRuleId",
    id: rule::GROUP,
    fields: &[
        ("group-id", |i| one(&i.resource.group)),
        ("security-group-rule-id", |i| one(i.id)),
    ],
    tags: None,
};

pub(super) fn describe_rules(call: &mut Call<'_>) -> Answer {
    let rules: BTreeMap<String, Rule> = call
        .region_state()
        .vpcs
        .keys()
        .flat_map(|vpc| {
            let group = group_id(vpc);
            [false, true].map(|egress| {
                let id = derived_id("sgr-", &format!("{group}{egress}"));
                let group = group.clone();
                (id, Rule { group, egress })
            })
        })
        .collect();
    let (page, token) = select(call, &RULES, &rules)?;
    let mut xml = Xml::new();
    xml.list("securityGroupRuleSet", &page, |xml, found| {
        let account = &found.lab.aws.account;
        xml.text("securityGroupRuleId", found.id)
            .text("groupId", &found.resource.group)
            .text("groupOwnerId", account)
            .text("isEgress", found.resource.egress)
            .text("ipProtocol", "-1")
            .text("fromPort", -1)
            .text("toPort", -1);
        if found.resource.egress {
            xml.text("cidrIpv4", "0.0.0.0/0");
        } else {
            xml.node("referencedGroupInfo", |xml| {
                xml.text("groupId", &found.resource.group)
                    .text("userId", account);
            });
        }
    })
    .maybe("nextToken", token);
    Ok(xml)
}

const ACLS: Kind<OfVpc> = Kind {
    ids: "NetworkAclId",
    id: rule::ACL,
    fields: &[
        ("network-acl-id", |i| one(i.id)),
        ("vpc-id", |i| one(&i.resource.vpc)),
        ("default", |_| one(true)),
        ("owner-id", |i| one(&i.lab.aws.account)),
        ("association.subnet-id", |i| {
            i.region
                .subnets
                .iter()
                .filter(|(_, subnet)| subnet.vpc == i.resource.vpc)
                .map(|(id, _)| id.clone())
                .collect()
        }),
    ],
    tags: None,
};

pub(super) fn describe_acls(call: &mut Call<'_>) -> Answer {
    let acls = of_vpcs(call, acl_id);
    let (page, token) = select(call, &ACLS, &acls)?;
    let mut xml = Xml::new();
    xml.list("networkAclSet", &page, |xml, found| {
        let subnets = found
            .region
            .subnets
            .iter()
            .filter(|(_, subnet)| subnet.vpc == found.resource.vpc);
        xml.text("networkAclId", found.id)
            .text("vpcId", &found.resource.vpc)
            .text("ownerId", &found.lab.aws.account)
            .text("default", true)
            .list(
                "entrySet",
                [
                    (100, "allow", false),
                    (32767, "deny", false),
                    (100, "allow", true),
                    (32767, "deny", true),
                ],
                |xml, (number, action, egress)| {
                    xml.text("ruleNumber", number)
                        .text("protocol", "-1")
                        .text("ruleAction", action)
                        .text("egress", egress)
                        .text("cidrBlock", "0.0.0.0/0");
                },
            )
            .list("associationSet", subnets, |xml, (subnet, _)| {
                xml.text("networkAclAssociationId", derived_id("aclassoc-", subnet))
                    .text("networkAclId", found.id)
                    .text("subnetId", subnet);
            })
            .list("tagSet", None::<()>, |_, ()| {});
    })
    .maybe("nextToken", token);
    Ok(xml)
}
