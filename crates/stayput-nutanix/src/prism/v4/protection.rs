//! Protection policies (Prism reference §6.2).

use std::collections::BTreeSet;

use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_estate::ClusterExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::PolicyExtId;
use stayput_messages::Message;
use stayput_world::prism::ProtectionPolicy;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::version::Namespace;
use super::wire::recovery::WirePolicy;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::spec::PolicyLocation;
use crate::prism::spec::PolicySpec;

/// Labels that tie replications to locations inside one policy.
const PRIMARY: &str = "primary";
const RECOVERY: &str = "recovery";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPolicy<'a> {
    name: &'a str,
    category_ids: &'a BTreeSet<CategoryExtId>,
    replication_locations: [NewLocation<'a>; 2],
    replication_configurations: [NewReplication; 2],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewLocation<'a> {
    label: &'static str,
    domain_manager_ext_id: &'a DomainManagerId,
    is_primary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    replication_sub_location: Option<Clusters<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Clusters<'a> {
    #[serde(rename = "$objectType")]
    object_type: &'static str,
    cluster_ext_ids: &'a BTreeSet<ClusterExtId>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewReplication {
    source_location_label: &'static str,
    remote_location_label: &'static str,
    schedule: NewSchedule,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewSchedule {
    recovery_point_type: &'static str,
    recovery_point_objective_time_seconds: u64,
    start_time: &'static str,
    retention: NewRetention,
}

#[derive(Debug, Serialize)]
struct NewRetention {
    #[serde(rename = "$objectType")]
    object_type: &'static str,
    local: u32,
    remote: u32,
}

pub(super) fn policies() -> Path {
    Path::new(Namespace::Datapolicies, &["config", "protection-policies"])
}

fn new_policy(spec: &PolicySpec) -> NewPolicy<'_> {
    fn location<'a>(
        label: &'static str,
        is_primary: bool,
        at: &'a PolicyLocation,
    ) -> NewLocation<'a> {
        NewLocation {
            label,
            domain_manager_ext_id: &at.domain_manager,
            is_primary,
            replication_sub_location: (!at.clusters.is_empty()).then_some(Clusters {
                object_type: "datapolicies.v4.config.NutanixCluster",
                cluster_ext_ids: &at.clusters,
            }),
        }
    }
    let replication = |source, remote| NewReplication {
        source_location_label: source,
        remote_location_label: remote,
        schedule: NewSchedule {
            recovery_point_type: "CRASH_CONSISTENT",
            recovery_point_objective_time_seconds: spec.rpo.as_secs(),
            start_time: "00h:00m",
            retention: NewRetention {
                object_type: "datapolicies.v4.config.LinearRetention",
                local: spec.retention,
                remote: spec.retention,
            },
        },
    };
    NewPolicy {
        name: &spec.name,
        category_ids: &spec.categories,
        replication_locations: [
            location(PRIMARY, true, &spec.primary),
            location(RECOVERY, false, &spec.recovery),
        ],
        replication_configurations: [
            replication(PRIMARY, RECOVERY),
            replication(RECOVERY, PRIMARY),
        ],
    }
}

impl PrismClient {
    /// One protection policy as it is now; `None` if Prism Central says that it does not exist.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn protection_policy(
        &self,
        policy: &PolicyExtId,
    ) -> Result<Option<ProtectionPolicy>, PrismError> {
        let what = Message::new("call-look-at-policy").with("policy", policy);
        let path = policies().join(policy.as_str());
        let found = self.v4.find::<WirePolicy>(&path, &what).await?;
        Ok(found.map(|entity| entity.value.into()))
    }

    /// The policy of a specification: of that name for these categories, both ways between these Prism Centrals, whatever its schedule;
    /// `None` if there is none.
    async fn policy_like(
        &self,
        spec: &PolicySpec,
        what: &Message,
    ) -> Result<Option<PolicyExtId>, PrismError> {
        let filter = format!("name eq {}", quoted(&spec.name));
        let (here, there) = (&spec.primary.domain_manager, &spec.recovery.domain_manager);
        let found = self
            .v4
            .find_one::<WirePolicy>(
                &policies(),
                &[("$filter", &filter)],
                what,
                &spec.name,
                |wire| wire.name() == spec.name && wire.protects(&spec.categories, here, there),
            )
            .await?;
        Ok(found.map(|wire| wire.ext_id))
    }

    /// Makes a protection policy that replicates both ways. One of that name for these categories between these Prism
    /// Centrals is taken as it is, whatever its schedule.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::InDoubt`] when it cannot be found afterwards.
    pub async fn create_protection_policy(
        &self,
        spec: &PolicySpec,
        id: RequestId,
    ) -> Result<PolicyExtId, PrismError> {
        let what = Message::new("call-make-policy").with("name", &spec.name);
        let find = || async {
            let found = self.policy_like(spec, &what).await?;
            Ok(found.map(|id| id.as_str().to_owned()))
        };
        let name = Message::new("thing-policy-named").with("name", &spec.name);
        let change = Change::post(policies()).body(&new_policy(spec));
        let made = self
            .v4
            .create(&id, &what, ("protection-policy", &name), &change, find)
            .await?;
        Ok(PolicyExtId::new(made))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_written_as_the_reference_shows_it() {
        let spec = PolicySpec {
            name: "pp-app".to_owned(),
            categories: BTreeSet::from(["bbc3555a-133b-4348-9764-bfff196e84e4".into()]),
            primary: PolicyLocation {
                domain_manager: "11111111-1111-4111-8111-111111111111".into(),
                clusters: BTreeSet::from(["0006200e-fe43-236a-0000-00000000601e".into()]),
            },
            recovery: PolicyLocation {
                domain_manager: "22222222-2222-4222-8222-222222222222".into(),
                clusters: BTreeSet::new(),
            },
            rpo: Duration::from_secs(3600),
            retention: 2,
        };
        let schedule = json!({
            "recoveryPointType": "CRASH_CONSISTENT",
            "recoveryPointObjectiveTimeSeconds": 3600,
            "startTime": "00h:00m",
            "retention": {"$objectType": "datapolicies.v4.config.LinearRetention", "local": 2, "remote": 2},
        });
        assert_eq!(
            serde_json::to_value(new_policy(&spec)).unwrap(),
            json!({
                "name": "pp-app",
                "categoryIds": ["bbc3555a-133b-4348-9764-bfff196e84e4"],
                "replicationLocations": [
                    {"label": "primary", "domainManagerExtId": "11111111-1111-4111-8111-111111111111", "isPrimary": true,
                     "replicationSubLocation": {"$objectType": "datapolicies.v4.config.NutanixCluster",
                        "clusterExtIds": ["0006200e-fe43-236a-0000-00000000601e"]}},
                    {"label": "recovery", "domainManagerExtId": "22222222-2222-4222-8222-222222222222", "isPrimary": false},
                ],
                "replicationConfigurations": [
                    {"sourceLocationLabel": "primary", "remoteLocationLabel": "recovery", "schedule": schedule},
                    {"sourceLocationLabel": "recovery", "remoteLocationLabel": "primary", "schedule": schedule},
                ],
            })
        );
    }
}
