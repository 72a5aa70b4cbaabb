//! Recovery plans (Prism reference §6.5): a plan, its network mappings and its stages, each with a task of its own.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::version::Minor;
use super::version::Namespace;
use super::wire::Ref;
use super::wire::recovery::MappedNetwork;
use super::wire::recovery::WireMapping;
use super::wire::recovery::WirePlan;
use super::wire::recovery::WireStage;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::spec::MappedSubnet;
use crate::prism::spec::MappingSpec;
use crate::prism::spec::PlanSpec;

/// The first minor with recovery plans, and with what runs them (Prism reference §0).
pub(super) const RECOVERY: Minor = Minor(2);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPlan<'a> {
    name: &'a str,
    primary_location: NewPlanLocation<'a>,
    recovery_location: NewPlanLocation<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewPlanLocation<'a> {
    domain_manager_ext_id: &'a DomainManagerId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMapping<'a> {
    primary_network: NewNetwork<'a>,
    recovery_network: NewNetwork<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary_test_network: Option<NewNetwork<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_test_network: Option<NewNetwork<'a>>,
    is_ip_mapping_enabled: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewNetwork<'a> {
    subnet_ext_id: &'a SubnetExtId,
    vpc: Ref<&'a FlowVpcExtId>,
    ip_config: NewIpConfig,
}

#[derive(Debug, Serialize)]
struct NewIpConfig {
    ipv4: NewIpv4Config,
}

/// Here the gateway is a plain text, unlike anywhere else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewIpv4Config {
    default_gateway_ip: Ipv4Addr,
    prefix_length: u8,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewStage<'a> {
    entity_type: &'static str,
    category_ext_ids: Vec<&'a CategoryExtId>,
    priority: u32,
}

impl<'a> From<&'a MappedSubnet> for NewNetwork<'a> {
    fn from(mapped: &'a MappedSubnet) -> Self {
        Self {
            subnet_ext_id: &mapped.subnet,
            vpc: Ref {
                ext_id: &mapped.vpc,
            },
            ip_config: NewIpConfig {
                ipv4: NewIpv4Config {
                    default_gateway_ip: mapped.gateway,
                    prefix_length: mapped.prefix_len,
                },
            },
        }
    }
}

fn new_mapping(spec: &MappingSpec) -> NewMapping<'_> {
    NewMapping {
        primary_network: (&spec.primary).into(),
        recovery_network: (&spec.recovery).into(),
        primary_test_network: spec.primary_test.as_ref().map(NewNetwork::from),
        recovery_test_network: spec.recovery_test.as_ref().map(NewNetwork::from),
        // Without it a VM may get any address of the target subnet (Prism reference §6.5).
        is_ip_mapping_enabled: true,
    }
}

/// Whether a mapping maps these two subnets and keeps addresses.
fn is_as_specified(wire: &WireMapping, spec: &MappingSpec) -> bool {
    let is = |side: &Option<MappedNetwork>, subnet: &MappedSubnet| {
        side.as_ref()
            .and_then(|network| network.subnet_ext_id.as_ref())
            == Some(&subnet.subnet)
    };
    wire.is_ip_mapping_enabled
        && is(&wire.primary_network, &spec.primary)
        && is(&wire.recovery_network, &spec.recovery)
}

pub(super) fn plans() -> Path {
    Path::new(Namespace::Datapolicies, &["config", "recovery-plans"])
}

pub(super) fn mappings(plan: &RecoveryPlanExtId) -> Path {
    plans().join(plan.as_str()).join("network-mappings")
}

pub(super) fn stages(plan: &RecoveryPlanExtId) -> Path {
    plans().join(plan.as_str()).join("stages")
}

impl PrismClient {
    async fn plan_like(
        &self,
        spec: &PlanSpec,
        what: &str,
    ) -> Result<Option<RecoveryPlanExtId>, PrismError> {
        let filter = format!("name eq {}", quoted(&spec.name));
        let found: Vec<WirePlan> = self
            .v4
            .list(&plans(), &[("$filter", &filter)], what)
            .await?;
        Ok(found
            .into_iter()
            .find(|plan| {
                plan.name == spec.name
                    && plan.primary_location.domain_manager_ext_id == spec.primary
                    && plan.recovery_location.domain_manager_ext_id == spec.recovery
            })
            .map(|plan| plan.ext_id))
    }

    /// Makes a recovery plan: the plan, then its network mappings, then one stage with its categories.
    ///
    /// A plan of that name between these Prism Centrals is completed: parts that are there are left as they are, so that one
    /// half made by a run that was killed becomes whole.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before datapolicies v4.2; those of any change; [`PrismError::Missing`] when it cannot be found
    /// afterwards, or a mapping is not there once it was made (Prism reference §7 item 18).
    pub async fn create_recovery_plan(
        &self,
        spec: &PlanSpec,
        id: RequestId,
    ) -> Result<RecoveryPlanExtId, PrismError> {
        let what = format!("make recovery plan `{}`", spec.name);
        self.v4
            .need(Namespace::Datapolicies, RECOVERY, &what)
            .await?;
        let plan = match self.plan_like(spec, &what).await? {
            Some(there) => there,
            None => self.create_empty_plan(spec, id, &what).await?,
        };
        self.complete_mappings(&plan, spec, id, &what).await?;
        self.complete_stages(&plan, spec, id, &what).await?;
        Ok(plan)
    }

    async fn create_empty_plan(
        &self,
        spec: &PlanSpec,
        id: RequestId,
        what: &str,
    ) -> Result<RecoveryPlanExtId, PrismError> {
        let body = NewPlan {
            name: &spec.name,
            primary_location: NewPlanLocation {
                domain_manager_ext_id: &spec.primary,
            },
            recovery_location: NewPlanLocation {
                domain_manager_ext_id: &spec.recovery,
            },
        };
        let made = self
            .v4
            .apply(&id.part("plan"), what, || async {
                Ok(Some(Change::post(plans()).body(&body)))
            })
            .await?;
        if let Some(id) = made.as_ref().and_then(|made| made.made("recovery-plan")) {
            return Ok(RecoveryPlanExtId::new(id));
        }
        match self.plan_like(spec, what).await? {
            Some(id) => Ok(id),
            None => {
                let name = format!("recovery plan `{}`", spec.name);
                Err(self.v4.missing(&plans(), what, &name).await)
            }
        }
    }

    async fn complete_mappings(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &PlanSpec,
        id: RequestId,
        what: &str,
    ) -> Result<(), PrismError> {
        let path = mappings(plan);
        let there: Vec<WireMapping> = self.v4.list(&path, &[], what).await?;
        let missing = |there: &[WireMapping], mapping: &&MappingSpec| {
            !there.iter().any(|wire| is_as_specified(wire, mapping))
        };
        let mut made = false;
        for mapping in spec.mappings.iter().filter(|one| missing(&there, one)) {
            let part = format!("mapping {}", mapping.primary.subnet);
            self.v4
                .apply(&id.part(&part), what, || async {
                    Ok(Some(Change::post(path.clone()).body(&new_mapping(mapping))))
                })
                .await?;
            made = true;
        }
        if made {
            let there: Vec<WireMapping> = self.v4.list(&path, &[], what).await?;
            if let Some(lost) = spec.mappings.iter().find(|one| missing(&there, one)) {
                let name = format!("the network mapping of subnet {}", lost.primary.subnet);
                return Err(self.v4.missing(&path, what, &name).await);
            }
        }
        Ok(())
    }

    async fn complete_stages(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &PlanSpec,
        id: RequestId,
        what: &str,
    ) -> Result<(), PrismError> {
        let path = stages(plan);
        let there: Vec<WireStage> = self.v4.list(&path, &[], what).await?;
        let staged: BTreeSet<CategoryExtId> = there
            .into_iter()
            .flat_map(|stage| stage.category_ext_ids)
            .collect();
        let missing: Vec<&CategoryExtId> = spec.categories.difference(&staged).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let body = NewStage {
            entity_type: "VM",
            category_ext_ids: missing,
            priority: 1,
        };
        self.v4
            .apply(&id.part("stage"), what, || async {
                Ok(Some(Change::post(path.clone()).body(&body)))
            })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mapping_is_written_as_the_reference_shows_it() {
        let mapped = |subnet: &str, vpc: &str| MappedSubnet {
            subnet: subnet.into(),
            vpc: vpc.into(),
            gateway: "10.0.1.1".parse().unwrap(),
            prefix_len: 24,
        };
        let spec = MappingSpec {
            primary: mapped("s1", "v1"),
            recovery: mapped("s2", "v2"),
            primary_test: None,
            recovery_test: Some(mapped("t2", "w2")),
        };
        let side = |subnet: &str, vpc: &str| {
            json!({"subnetExtId": subnet, "vpc": {"extId": vpc},
                   "ipConfig": {"ipv4": {"defaultGatewayIp": "10.0.1.1", "prefixLength": 24}}})
        };
        assert_eq!(
            serde_json::to_value(new_mapping(&spec)).unwrap(),
            json!({
                "primaryNetwork": side("s1", "v1"),
                "recoveryNetwork": side("s2", "v2"),
                "recoveryTestNetwork": side("t2", "w2"),
                "isIpMappingEnabled": true,
            })
        );
    }
}
