//! Recovery plans (Prism reference §6.5): a plan, its network mappings and its stages, each with a task of its own.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use serde::Serialize;
use stayput_estate::CategoryExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::change::Next;
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
use crate::retry::Looks;

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

/// How a mapping that exists compares with one that is to be.
#[derive(Debug, PartialEq, Eq)]
enum Match {
    /// It maps another subnet.
    Other,
    /// It maps the same subnet as specified.
    Same,
    /// It maps the same subnet, but otherwise: a second one beside it would double it.
    Differs(Message),
}

/// Compares both sides, the test networks that are specified, and whether addresses are kept.
fn compare(wire: &WireMapping, spec: &MappingSpec) -> Match {
    fn subnet(side: Option<&MappedNetwork>) -> Option<&SubnetExtId> {
        side?.subnet_ext_id.as_ref()
    }
    let shown = |side: Option<&MappedNetwork>| match side {
        None => Message::new("mapped-none"),
        Some(side) => match (&side.subnet_ext_id, &side.subnet_name) {
            (Some(id), _) => Message::new("mapped-subnet").with("subnet", id),
            (None, Some(name)) => Message::new("mapped-subnet-named").with("name", name),
            (None, None) => Message::new("mapped-no-subnet"),
        },
    };
    if subnet(wire.primary_network.as_ref()) != Some(&spec.primary.subnet) {
        return Match::Other;
    }
    let test = |spec: &Option<MappedSubnet>| spec.as_ref().map(|mapped| mapped.subnet.clone());
    let sides = [
        (
            Message::new("mapping-recovery-network"),
            wire.recovery_network.as_ref(),
            Some(spec.recovery.subnet.clone()),
        ),
        (
            Message::new("mapping-primary-test-network"),
            wire.primary_test_network.as_ref(),
            test(&spec.primary_test),
        ),
        (
            Message::new("mapping-recovery-test-network"),
            wire.recovery_test_network.as_ref(),
            test(&spec.recovery_test),
        ),
    ];
    for (name, has, wanted) in sides {
        // A test network that is not specified may be any.
        let Some(wanted) = wanted else { continue };
        if subnet(has) != Some(&wanted) {
            let difference = Message::new("difference-mapping")
                .part("network", name)
                .part("has", shown(has))
                .with("wanted", &wanted);
            return Match::Differs(difference);
        }
    }
    match wire.is_ip_mapping_enabled {
        Some(true) => Match::Same,
        Some(false) => Match::Differs(Message::new("difference-no-ip-mapping")),
        None => Match::Differs(Message::new("difference-unknown-ip-mapping")),
    }
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
    /// The plan of a specification: of that name between these Prism Centrals; `None` if there is none.
    async fn plan_like(
        &self,
        spec: &PlanSpec,
        what: &Message,
    ) -> Result<Option<RecoveryPlanExtId>, PrismError> {
        let filter = format!("name eq {}", quoted(&spec.name));
        let is_taken = AtomicBool::new(false);
        let found = self
            .v4
            .find_one::<WirePlan>(
                &plans(),
                &[("$filter", &filter)],
                what,
                &spec.name,
                |plan| {
                    let is_named = plan.name == spec.name;
                    let is_like = plan.primary_location.domain_manager_ext_id == spec.primary
                        && plan.recovery_location.domain_manager_ext_id == spec.recovery;
                    if is_named && !is_like {
                        is_taken.store(true, Ordering::Relaxed);
                    }
                    is_named && is_like
                },
            )
            .await?;
        // One made for the other direction: a second one of the name would serve nothing.
        if found.is_none() && is_taken.into_inner() {
            let name = Message::new("thing-recovery-plan-named").with("name", &spec.name);
            let difference = Message::new("difference-locations");
            return Err(self.v4.differs(&plans(), what, name, difference).await);
        }
        Ok(found.map(|plan| plan.ext_id))
    }

    /// Makes a recovery plan: the plan, then its network mappings, then one stage with its categories.
    ///
    /// A plan of that name between these Prism Centrals is completed: parts that are there are left as they are, so that one
    /// half made by a run that was killed becomes whole.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before datapolicies v4.2; [`PrismError::Differs`] when the name is that of a plan with other
    /// locations, or a subnet is mapped already, but otherwise; those of any change; [`PrismError::InDoubt`] when something that was made cannot be found afterwards (Prism
    /// reference §7 item 18).
    pub async fn create_recovery_plan(
        &self,
        spec: &PlanSpec,
        id: RequestId,
    ) -> Result<RecoveryPlanExtId, PrismError> {
        let what = Message::new("call-make-recovery-plan").with("name", &spec.name);
        self.v4
            .need(Namespace::Datapolicies, RECOVERY, &what)
            .await?;
        let body = NewPlan {
            name: &spec.name,
            primary_location: NewPlanLocation {
                domain_manager_ext_id: &spec.primary,
            },
            recovery_location: NewPlanLocation {
                domain_manager_ext_id: &spec.recovery,
            },
        };
        let find = || async {
            let found = self.plan_like(spec, &what).await?;
            Ok(found.map(|id| id.as_str().to_owned()))
        };
        let name = Message::new("thing-recovery-plan-named").with("name", &spec.name);
        let change = Change::post(plans()).body(&body);
        let made = self
            .v4
            .create(
                &id.part("plan"),
                &what,
                ("recovery-plan", &name),
                &change,
                find,
            )
            .await?;
        let plan = RecoveryPlanExtId::new(made);
        for mapping in &spec.mappings {
            self.complete_mapping(&plan, mapping, id, &what).await?;
        }
        self.complete_stages(&plan, spec, id, &what).await?;
        Ok(plan)
    }

    /// Makes a network mapping that is not there.
    async fn complete_mapping(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &MappingSpec,
        id: RequestId,
        what: &Message,
    ) -> Result<(), PrismError> {
        let path = mappings(plan);
        let find = || self.mapping_like(plan, spec, what);
        let part = format!("mapping {}", spec.primary.subnet);
        let name = Message::new("thing-mapping").with("subnet", &spec.primary.subnet);
        let change = Change::post(path.clone()).body(&new_mapping(spec));
        self.v4
            .create(&id.part(&part), what, ("", &name), &change, find)
            .await?;
        // Seen to be there whatever the task says: mappings were known to be dropped (Prism reference §7 item 18).
        match self.v4.look(Looks::Several, find).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.v4.not_found(&path, what, &name).await),
            Err(error @ PrismError::Differs(_)) => Err(error),
            Err(error) => Err(self.v4.not_looked_up(what, error)),
        }
    }

    async fn mapping_like(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &MappingSpec,
        what: &Message,
    ) -> Result<Option<String>, PrismError> {
        let path = mappings(plan);
        let there: Vec<WireMapping> = self.v4.list(&path, &[], what).await?;
        let mut found = None;
        for wire in there {
            match compare(&wire, spec) {
                Match::Other => {}
                Match::Same => found = Some(wire.ext_id.unwrap_or_default()),
                Match::Differs(difference) => {
                    let name = Message::new("thing-mapping").with("subnet", &spec.primary.subnet);
                    return Err(self.v4.differs(&path, what, name, difference).await);
                }
            }
        }
        Ok(found)
    }

    /// Adds a stage with the categories that no stage has.
    async fn complete_stages(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &PlanSpec,
        id: RequestId,
        what: &Message,
    ) -> Result<(), PrismError> {
        let path = stages(plan);
        self.v4
            .apply(&id.part("stage"), what, |_| {
                let path = &path;
                async move {
                    // Also before the first request: one of an attempt that was killed may not be listed yet.
                    let staged = || async {
                        let missing = self.unstaged(plan, spec, what).await?;
                        Ok(missing.is_empty().then_some(()))
                    };
                    if self.v4.look(Looks::Several, staged).await?.is_some() {
                        return Ok(Next::There(()));
                    }
                    let missing = self.unstaged(plan, spec, what).await?;
                    let body = NewStage {
                        entity_type: "VM",
                        category_ext_ids: missing.iter().collect(),
                        priority: 1,
                    };
                    Ok(Next::send_if(!missing.is_empty(), || {
                        Change::post(path.clone()).body(&body)
                    }))
                }
            })
            .await?;
        Ok(())
    }

    /// The categories of a specification that no stage of the plan has.
    async fn unstaged(
        &self,
        plan: &RecoveryPlanExtId,
        spec: &PlanSpec,
        what: &Message,
    ) -> Result<BTreeSet<CategoryExtId>, PrismError> {
        let there: Vec<WireStage> = self.v4.list(&stages(plan), &[], what).await?;
        let staged: BTreeSet<CategoryExtId> = there
            .into_iter()
            .flat_map(|stage| stage.category_ext_ids)
            .collect();
        Ok(spec.categories.difference(&staged).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mapping_of_the_same_subnet_that_is_otherwise_is_told_apart_from_another() {
        let mapped = |subnet: &str| MappedSubnet {
            subnet: subnet.into(),
            vpc: "w".into(),
            gateway: "10.0.1.1".parse().unwrap(),
            prefix_len: 24,
        };
        let spec = MappingSpec {
            primary: mapped("a1"),
            recovery: mapped("a2"),
            primary_test: None,
            recovery_test: Some(mapped("t2")),
        };
        let compared = |wire: serde_json::Value| {
            let wire: WireMapping = serde_json::from_value(wire).unwrap();
            compare(&wire, &spec)
        };
        let side = |subnet: &str| json!({"subnetExtId": subnet});
        let mut wire = json!({"primaryNetwork": side("a1"), "recoveryNetwork": side("a2"),
            "primaryTestNetwork": side("x"), "recoveryTestNetwork": side("t2"), "isIpMappingEnabled": true});
        assert_eq!(compared(wire.clone()), Match::Same);
        let other = json!({"primaryNetwork": side("b1"), "recoveryNetwork": side("b2")});
        assert_eq!(compared(other), Match::Other);
        for (key, value, difference) in [
            (
                "isIpMappingEnabled",
                json!(false),
                "it does not keep addresses",
            ),
            (
                "isIpMappingEnabled",
                json!(null),
                "it does not tell whether it keeps addresses",
            ),
            (
                "recoveryTestNetwork",
                json!({"subnetName": "test"}),
                "its recovery test network is subnet `test` instead of subnet t2",
            ),
            (
                "recoveryNetwork",
                side("b2"),
                "its recovery network is subnet b2 instead of subnet a2",
            ),
        ] {
            let mut odd = wire.clone();
            odd[key] = value;
            match compared(odd) {
                Match::Differs(its) => assert_eq!(its.to_string(), difference),
                other => panic!("{other:?}"),
            }
        }
        wire["recoveryTestNetwork"] = json!(null);
        assert!(matches!(compared(wire), Match::Differs(_)));
    }

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
