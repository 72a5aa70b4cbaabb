//! Everything `stayput-world` wants to know of a Prism Central, in one go.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::TryStreamExt;
use futures::try_join;
use jiff::Timestamp;
use stayput_estate::DomainManagerId;
use stayput_estate::FlowVpcExtId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_world::prism::Connectivity;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::JobStatus;
use stayput_world::prism::NetworkMapping;
use stayput_world::prism::Prism;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;
use stayput_world::prism::RecoveryPlan;
use stayput_world::prism::Vm;

use super::api::Path;
use super::categories;
use super::categories::WireCategory;
use super::failover;
use super::networks;
use super::protection;
use super::recovery;
use super::recovery::RECOVERY;
use super::version::Minor;
use super::version::Namespace;
use super::vms;
use super::wire::network::WireSubnet;
use super::wire::network::WireVpc;
use super::wire::recovery::MappedNetwork;
use super::wire::recovery::WireDomainManager;
use super::wire::recovery::WireJob;
use super::wire::recovery::WireMapping;
use super::wire::recovery::WirePlan;
use super::wire::recovery::WirePoint;
use super::wire::recovery::WirePolicy;
use super::wire::recovery::WireRegistration;
use super::wire::recovery::WireStage;
use super::wire::vm::WireVm;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;

/// The first minor that lists registrations (Prism reference §0).
const REGISTRATIONS: Minor = Minor(2);

/// Things whose sub-lists are read side by side.
const THINGS_AT_ONCE: usize = 8;

/// A recovery plan with its parts as received.
type WholePlan = (WirePlan, Vec<WireMapping>, Vec<WireStage>);

impl PrismClient {
    /// Observes everything, all pages, lists side by side.
    ///
    /// Not one moment: each list is as it was when it was read.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] when prism, datapolicies or dataprotection is older than v4.2: without pairing and recovery plans
    /// the picture would be incomplete without saying so. Otherwise those of any read.
    pub async fn observe(&self) -> Result<Prism, PrismError> {
        try_join!(
            self.v4.need(
                Namespace::Prism,
                REGISTRATIONS,
                "list paired Prism Centrals"
            ),
            self.v4
                .need(Namespace::Datapolicies, RECOVERY, "list recovery plans"),
            self.v4.need(
                Namespace::Dataprotection,
                RECOVERY,
                "list recovery plan jobs"
            ),
        )?;
        let (manager, vpcs, subnets, vms, categories, policies, plans, jobs, points) = try_join!(
            self.observe_manager(),
            self.observe_list::<WireVpc>(networks::vpcs(), "list Flow VPCs"),
            self.observe_subnets(),
            self.observe_list::<WireVm>(vms::vms(), "list VMs"),
            self.observe_list::<WireCategory>(categories::categories(), "list categories"),
            self.observe_list::<WirePolicy>(protection::policies(), "list protection policies"),
            self.observe_plans(),
            self.observe_jobs(),
            self.observe_list::<WirePoint>(recovery_points(), "list recovery points"),
        )?;
        let (domain_manager, registrations) = manager;
        let vms: BTreeMap<VmExtId, Vm> = vms
            .into_iter()
            .map(|vm| (vm.ext_id.clone(), vm.into()))
            .collect();
        Ok(Prism {
            recovery_points: newest_points(points, &domain_manager, &vms),
            recovery_plans: plans
                .into_iter()
                .map(|plan| (plan.0.ext_id.clone(), recovery_plan(plan, &subnets)))
                .collect(),
            domain_manager,
            registrations,
            vpcs: vpcs
                .into_iter()
                .map(|vpc| (vpc.ext_id.clone(), vpc.into()))
                .collect(),
            subnets,
            vms,
            categories: categories
                .into_iter()
                .map(|category| (category.ext_id.clone(), category.into()))
                .collect(),
            policies: policies
                .into_iter()
                .map(|policy| (policy.ext_id.clone(), policy.into()))
                .collect(),
            jobs,
        })
    }

    /// Of every VM of elsewhere with a complete recovery point here, when the newest was made (RFC 3339).
    ///
    /// # Errors
    /// Those of any read.
    pub async fn recovery_points(&self) -> Result<BTreeMap<VmExtId, String>, PrismError> {
        let (manager, points) = try_join!(
            self.observe_manager(),
            self.observe_list::<WirePoint>(recovery_points(), "list recovery points"),
        )?;
        // Points that do not tell where they were made are taken for received ones: the caller asks for VMs of elsewhere.
        Ok(newest_points(points, &manager.0, &BTreeMap::new()))
    }

    async fn observe_list<T: serde::de::DeserializeOwned>(
        &self,
        path: Path,
        what: &str,
    ) -> Result<Vec<T>, PrismError> {
        self.v4.list(&path, &[], what).await
    }

    /// This Prism Central's own id, and those it is paired with.
    async fn observe_manager(
        &self,
    ) -> Result<(DomainManagerId, BTreeMap<DomainManagerId, Connectivity>), PrismError> {
        let what = "find this Prism Central's own id";
        let path = Path::new(Namespace::Prism, &["config", "domain-managers"]);
        let managers: Vec<WireDomainManager> = self.v4.list(&path, &[], what).await?;
        let Some(manager) = managers.into_iter().next() else {
            return Err(self.v4.missing(&path, what, "a domain manager").await);
        };
        let manager = manager.ext_id;
        let segments = [
            "management",
            "domain-managers",
            manager.as_str(),
            "registrations",
        ];
        let path = Path::new(Namespace::Prism, &segments);
        let registrations: Vec<WireRegistration> = self
            .v4
            .list(&path, &[], "list paired Prism Centrals")
            .await?;
        let paired = registrations
            .into_iter()
            .filter_map(WireRegistration::paired)
            .collect();
        Ok((manager, paired))
    }

    /// Subnets; those of a Flow VPC with the addresses reserved since they were made, which only a list of their own tells.
    async fn observe_subnets(&self) -> Result<BTreeMap<SubnetExtId, FlowSubnet>, PrismError> {
        let wires: Vec<WireSubnet> = self
            .observe_list(networks::subnets(), "list subnets")
            .await?;
        futures::stream::iter(wires)
            .map(|wire| async move {
                let id = wire.ext_id.clone();
                let mut subnet = FlowSubnet::from(wire);
                if subnet.vpc.is_some() && !subnet.external {
                    subnet.reserved.extend(self.reserved_addresses(&id).await?);
                }
                Ok((id, subnet))
            })
            .buffered(THINGS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn observe_jobs(&self) -> Result<BTreeMap<RecoveryJobExtId, RecoveryJob>, PrismError> {
        let wires: Vec<WireJob> = self
            .observe_list(failover::jobs(), "list recovery plan jobs")
            .await?;
        futures::stream::iter(wires)
            .map(|wire| async move {
                let id = wire.ext_id.clone();
                let mut job = RecoveryJob::from(wire);
                if has_recovered(&job) {
                    job.recovered = self.recovered(&id).await?;
                }
                Ok((id, job))
            })
            .buffered(THINGS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn observe_plans(&self) -> Result<Vec<WholePlan>, PrismError> {
        let plans: Vec<WirePlan> = self
            .observe_list(recovery::plans(), "list recovery plans")
            .await?;
        futures::stream::iter(plans)
            .map(|plan| async move {
                let id: &RecoveryPlanExtId = &plan.ext_id;
                let what = "read the parts of a recovery plan";
                let (mappings, stages) = try_join!(
                    self.observe_list(recovery::mappings(id), what),
                    self.observe_list(recovery::stages(id), what),
                )?;
                Ok((plan, mappings, stages))
            })
            .buffered(THINGS_AT_ONCE)
            .try_collect()
            .await
    }
}

/// Whether a job has brought up what it will, or may have.
fn has_recovered(job: &RecoveryJob) -> bool {
    let recovers = match &job.action {
        RecoveryAction::Validate => false,
        RecoveryAction::PlannedFailover
        | RecoveryAction::UnplannedFailover
        | RecoveryAction::TestFailover
        | RecoveryAction::Unknown(_) => true,
    };
    let over = match &job.status {
        JobStatus::Queued | JobStatus::Running => false,
        JobStatus::Succeeded
        | JobStatus::SucceededWithWarnings
        | JobStatus::Failed
        | JobStatus::Aborted
        | JobStatus::Unknown(_) => true,
    };
    recovers && over
}

fn recovery_points() -> Path {
    Path::new(Namespace::Dataprotection, &["config", "recovery-points"])
}

fn recovery_plan(
    (plan, mappings, stages): WholePlan,
    subnets: &BTreeMap<SubnetExtId, FlowSubnet>,
) -> RecoveryPlan {
    let subnet = |side: Option<MappedNetwork>| mapped_subnet(side?, subnets);
    RecoveryPlan {
        name: plan.name,
        primary: plan.primary_location.domain_manager_ext_id,
        recovery: plan.recovery_location.domain_manager_ext_id,
        categories: stages
            .into_iter()
            .flat_map(|stage| stage.category_ext_ids)
            .collect(),
        mappings: mappings
            .into_iter()
            .map(|mapping| NetworkMapping {
                primary: subnet(mapping.primary_network),
                recovery: subnet(mapping.recovery_network),
                primary_test: subnet(mapping.primary_test_network),
                recovery_test: subnet(mapping.recovery_test_network),
                keeps_addresses: mapping.is_ip_mapping_enabled,
            })
            .collect(),
    }
}

/// The subnet of one side. A name is resolved among the subnets here, if it is the only one in its Flow VPC; one of the other Prism
/// Central cannot be.
fn mapped_subnet(
    side: MappedNetwork,
    subnets: &BTreeMap<SubnetExtId, FlowSubnet>,
) -> Option<SubnetExtId> {
    if side.subnet_ext_id.is_some() {
        return side.subnet_ext_id;
    }
    let name = side.subnet_name?;
    let vpc: Option<FlowVpcExtId> = side.vpc.map(|vpc| vpc.ext_id);
    let mut named = subnets
        .iter()
        .filter(|(_, subnet)| subnet.name == name && subnet.vpc == vpc)
        .map(|(id, _)| id);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

/// Of every VM that lives elsewhere, when its newest complete recovery point here was made.
///
/// Before v4.2 a point does not tell where it was made; then a VM that is not here lives elsewhere.
fn newest_points(
    points: Vec<WirePoint>,
    here: &DomainManagerId,
    vms: &BTreeMap<VmExtId, Vm>,
) -> BTreeMap<VmExtId, String> {
    let mut newest: BTreeMap<VmExtId, (Timestamp, String)> = BTreeMap::new();
    for point in points {
        if point.status.as_deref() != Some("COMPLETE") {
            continue;
        }
        let Some(created) = &point.creation_time else {
            continue;
        };
        // A time we cannot read cannot be compared; such a point does not count as there.
        let Ok(time) = created.parse::<Timestamp>() else {
            continue;
        };
        let made_here = point.source().map(|source| source == here);
        for vm in point
            .vm_recovery_points
            .iter()
            .filter_map(|one| one.vm_ext_id.as_ref())
        {
            if made_here.unwrap_or_else(|| vms.contains_key(vm)) {
                continue;
            }
            match newest.get(vm) {
                Some((known, _)) if *known >= time => {}
                _ => {
                    newest.insert(vm.clone(), (time, created.clone()));
                }
            }
        }
    }
    newest
        .into_iter()
        .map(|(vm, (_, text))| (vm, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn point(status: &str, created: &str, source: Option<&str>, vm: &str) -> WirePoint {
        serde_json::from_value(json!({
            "extId": "p", "status": status, "creationTime": created,
            "sourceLocation": source.map(|id| json!({"domainManagerExtId": id})),
            "vmRecoveryPoints": [{"extId": "q", "vmExtId": vm}],
        }))
        .unwrap()
    }

    #[test]
    fn the_newest_complete_point_of_a_vm_from_elsewhere_counts() {
        let points = vec![
            point("COMPLETE", "2026-11-20T09:00:00Z", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T11:00:00+01:00", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T10:30:00.5Z", Some("pc1"), "a"),
            point("RUNNING", "2026-11-20T12:00:00Z", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T12:00:00Z", Some("pc2"), "b"),
            point("COMPLETE", "2026-11-20T12:00:00Z", None, "c"),
        ];
        let newest = newest_points(points, &"pc2".into(), &BTreeMap::new());
        assert_eq!(
            newest,
            BTreeMap::from([
                ("a".into(), "2026-11-20T10:30:00.5Z".to_owned()),
                ("c".into(), "2026-11-20T12:00:00Z".to_owned()),
            ])
        );
    }

    #[test]
    fn a_mapped_subnet_named_twice_is_not_guessed() {
        let subnet = || FlowSubnet {
            name: "test".to_owned(),
            vpc: Some("v".into()),
            cidr: None,
            gateway: None,
            pools: Vec::new(),
            external: false,
            nat: false,
            reserved: Default::default(),
        };
        let side = || -> MappedNetwork {
            serde_json::from_value(json!({"subnetName": "test", "vpc": {"extId": "v"}})).unwrap()
        };
        let one = BTreeMap::from([("s".into(), subnet())]);
        assert_eq!(mapped_subnet(side(), &one), Some("s".into()));
        let two = BTreeMap::from([("s".into(), subnet()), ("t".into(), subnet())]);
        assert_eq!(mapped_subnet(side(), &two), None);
    }
}
