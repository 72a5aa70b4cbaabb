//! Instances with the SSM agent.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::json;

use super::Platform;
use super::page;
use super::seconds;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::model::RegionState;
use crate::aws::model::SsmAgent;
use crate::state::LabState;

/// Version of every agent in the lab.
const AGENT: &str = "3.3.1802.0";

/// Returns the instances that a command can reach now, with their platform.
pub fn online<'a>(lab: &'a LabState, region: &str) -> BTreeMap<&'a str, Platform> {
    lab.aws
        .regions
        .get(region)
        .into_iter()
        .flat_map(|region| &region.instances)
        .filter(|(_, instance)| ping(instance) == "Online")
        .map(|(id, instance)| (id.as_str(), Platform::of(&instance.platform_details)))
        .collect()
}

/// `DescribeInstanceInformation`.
///
/// # Errors
/// `InvalidFilterKey`, `InvalidInstanceInformationFilterValue`, `InvalidNextToken`.
pub fn describe(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let size = args.integer("MaxResults")?;
    if let Some(size) = size.filter(|size| !(5..=50).contains(size)) {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must \
             have value between 5 and 50"
        )));
    }
    let mut filters = Vec::new();
    for (member, key, values) in [
        ("Filters", "Key", "Values"),
        ("InstanceInformationFilterList", "key", "valueSet"),
    ] {
        for filter in args.list(member)? {
            let filter = structure(filter, member)?;
            filters.push(Filter::of(filter.need_text(key)?, filter.texts(values)?)?);
        }
    }
    let now = lab.now();
    let Some(place) = lab.aws.regions.get(region) else {
        return Ok(json!({ "InstanceInformationList": [] }));
    };
    let entries: Vec<Json> = place
        .instances
        .iter()
        .filter(|(_, instance)| {
            instance.ssm_agent != SsmAgent::None && instance.state != InstanceState::Terminated
        })
        .filter(|(id, instance)| filters.iter().all(|filter| filter.wants(id, instance)))
        .map(|(id, instance)| {
            let platform = Platform::of(&instance.platform_details);
            let (name, version) = match platform {
                Platform::Linux => ("Amazon Linux", "2023"),
                Platform::Windows => ("Microsoft Windows Server 2019 Datacenter", "10.0.17763"),
            };
            json!({
                "InstanceId": id,
                "PingStatus": ping(instance),
                "LastPingDateTime": seconds(now),
                "AgentVersion": AGENT,
                "IsLatestVersion": true,
                "PlatformType": platform.name(),
                "PlatformName": name,
                "PlatformVersion": version,
                "ResourceType": "EC2Instance",
                "IPAddress": primary(place, instance),
                "ComputerName": super::guest::hostname(place, region, id, instance),
                "SourceId": id,
                "SourceType": "AWS::EC2::Instance",
            })
        })
        .collect();
    let (entries, token) = page(entries, args, lab.aws.page_cap)?;
    let mut answer = json!({ "InstanceInformationList": entries });
    if let Some(token) = token {
        answer["NextToken"] = Json::from(token);
    }
    Ok(answer)
}

fn ping(instance: &Instance) -> &'static str {
    if instance.ssm_agent == SsmAgent::Online && instance.state == InstanceState::Running {
        "Online"
    } else {
        "ConnectionLost"
    }
}

fn primary(place: &RegionState, instance: &Instance) -> String {
    instance
        .enis
        .values()
        .next()
        .and_then(|eni| place.enis.get(eni))
        .map(|eni| eni.primary.to_string())
        .unwrap_or_default()
}

enum Filter<'a> {
    InstanceIds(Vec<&'a str>),
    PingStatus(Vec<&'a str>),
    PlatformTypes(Vec<&'a str>),
    ResourceType(Vec<&'a str>),
    AgentVersion(Vec<&'a str>),
    Tag(&'a str, Vec<&'a str>),
    TagKey(Vec<&'a str>),
}

impl<'a> Filter<'a> {
    fn of(key: &'a str, values: Vec<&'a str>) -> Result<Self, Fault> {
        let among = |allowed: &[&str]| -> Result<(), Fault> {
            match values.iter().find(|value| !allowed.contains(value)) {
                Some(value) => Err(Fault::new(
                    "InvalidInstanceInformationFilterValue",
                    format!("{value} is not valid for the filter {key}"),
                )),
                None => Ok(()),
            }
        };
        match key {
            "InstanceIds" => Ok(Self::InstanceIds(values)),
            "PingStatus" => {
                among(&["Online", "ConnectionLost", "Inactive"])?;
                Ok(Self::PingStatus(values))
            }
            "PlatformTypes" => {
                among(&["Windows", "Linux", "MacOS"])?;
                Ok(Self::PlatformTypes(values))
            }
            "ResourceType" => {
                among(&["EC2Instance", "ManagedInstance"])?;
                Ok(Self::ResourceType(values))
            }
            "AgentVersion" => Ok(Self::AgentVersion(values)),
            "tag-key" => Ok(Self::TagKey(values)),
            _ => match key.split_once(':') {
                Some(("tag", tag)) => Ok(Self::Tag(tag, values)),
                _ => Err(Fault::new(
                    "InvalidFilterKey",
                    format!("the filter key {key} is not valid"),
                )),
            },
        }
    }

    fn wants(&self, id: &str, instance: &Instance) -> bool {
        match self {
            Self::InstanceIds(values) => values.contains(&id),
            Self::PingStatus(values) => values.contains(&ping(instance)),
            Self::PlatformTypes(values) => {
                values.contains(&Platform::of(&instance.platform_details).name())
            }
            Self::ResourceType(values) => values.contains(&"EC2Instance"),
            Self::AgentVersion(values) => values.contains(&AGENT),
            Self::Tag(tag, values) => instance
                .tags
                .get(*tag)
                .is_some_and(|value| values.contains(&value.as_str())),
            Self::TagKey(values) => values.iter().any(|tag| instance.tags.contains_key(*tag)),
        }
    }
}
