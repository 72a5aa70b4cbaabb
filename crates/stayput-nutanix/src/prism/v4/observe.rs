//! Everything `stayput-world` wants to know of a Prism Central, in one go.

mod listing;
mod plans;
mod points;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use futures::try_join;
use stayput_estate::DomainManagerId;
use stayput_estate::RecoveryJobExtId;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::ObjectKind;
use stayput_world::Unreadable;
use stayput_world::prism::AbsentObject;
use stayput_world::prism::Connectivity;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::JobStatus;
use stayput_world::prism::Prism;
use stayput_world::prism::RecoveryAction;
use stayput_world::prism::RecoveryJob;
use stayput_world::prism::RecoveryPlan;
use stayput_world::prism::Vm;

use self::listing::Listing;
use self::listing::Object;
use self::listing::note_of;
use self::plans::WholePlan;
use self::plans::recovery_plan;
use self::points::newest_points;
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
use super::wire::recovery::WireDomainManager;
use super::wire::recovery::WireJob;
use super::wire::recovery::WireMapping;
use super::wire::recovery::WirePlan;
use super::wire::recovery::WirePolicy;
use super::wire::recovery::WireRegistration;
use super::wire::recovery::WireStage;
use super::wire::vm::WireVm;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::spec::KnownPrismObjects;

/// The first minor that lists registrations (Prism reference §0).
const REGISTRATIONS: Minor = Minor(2);

/// This Prism Central's own id, and those it is paired with.
type Manager = (DomainManagerId, BTreeMap<DomainManagerId, Connectivity>);

impl PrismClient {
    /// Observes everything, all pages, lists side by side.
    ///
    /// Not one moment: each list is as it was when it was read. What is `known` and not listed is asked for by id: it is then in
    /// its map, or confirmed as absent, or noted as unreadable. Objects that are not understood are noted and do not stop it.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] when prism, datapolicies or dataprotection is older than v4.2: without pairing and recovery plans
    /// the picture would be incomplete without saying so. [`PrismError::List`] when a list could not be read to its end.
    /// Otherwise those of any read.
    pub async fn observe(&self, known: &KnownPrismObjects) -> Result<Prism, PrismError> {
        let (paired, plans, jobs) = (
            Message::new("call-list-paired-prism-centrals"),
            Message::new("call-list-recovery-plans"),
            Message::new("call-list-recovery-plan-jobs"),
        );
        try_join!(
            self.v4.need(Namespace::Prism, REGISTRATIONS, &paired),
            self.v4.need(Namespace::Datapolicies, RECOVERY, &plans),
            self.v4.need(Namespace::Dataprotection, RECOVERY, &jobs),
        )?;
        let (manager, vpcs, subnets, vms, categories, policies, plans, jobs, points) = try_join!(
            self.observe_manager(),
            self.listing::<WireVpc>(
                networks::vpcs(),
                Message::new("call-list-flow-vpcs"),
                ids(&known.vpcs)
            ),
            self.observe_subnets(known),
            self.listing::<WireVm>(vms::vms(), Message::new("call-list-vms"), ids(&known.vms)),
            self.listing::<WireCategory>(
                categories::categories(),
                Message::new("call-list-categories"),
                BTreeSet::new()
            ),
            self.listing::<WirePolicy>(
                protection::policies(),
                Message::new("call-list-protection-policies"),
                ids(&known.policies)
            ),
            self.observe_plans(known),
            self.observe_jobs(),
            self.observe_points(&known.protected),
        )?;
        let (manager, registrations) = manager;
        let mut notes = registrations;
        let mut absent = BTreeSet::new();
        let vms_absent = vms.absent.clone();
        let vms: BTreeMap<VmExtId, Vm> = sorted(vms, &mut notes, &mut BTreeSet::new(), |wire| {
            (wire.ext_id.clone(), wire.into())
        });
        let subnets = sorted(subnets, &mut notes, &mut absent, |one| one);
        let (domain_manager, registrations) = manager;
        let points = {
            let (points, odd) = newest_points(points, &domain_manager, &vms);
            notes.extend(odd);
            points
        };
        let prism = Prism {
            recovery_points: points,
            recovery_plans: sorted(plans, &mut notes, &mut absent, |plan| {
                (plan.0.ext_id.clone(), recovery_plan(plan, &subnets))
            }),
            domain_manager,
            registrations,
            vpcs: sorted(vpcs, &mut notes, &mut absent, |wire| {
                (wire.ext_id.clone(), wire.into())
            }),
            subnets,
            vms,
            categories: sorted(categories, &mut notes, &mut absent, |wire| {
                (wire.ext_id.clone(), wire.into())
            }),
            policies: sorted(policies, &mut notes, &mut absent, |wire| {
                (wire.ext_id.clone(), wire.into())
            }),
            jobs: sorted(jobs, &mut notes, &mut absent, |one| one),
            unreadable: Vec::new(),
            confirmed_absent: vms_absent.into_iter().map(VmExtId::new).collect(),
            confirmed_absent_objects: absent,
        };
        notes.sort();
        Ok(Prism {
            unreadable: notes,
            ..prism
        })
    }

    /// Of every VM of elsewhere with a complete recovery point here, when the newest was made (RFC 3339). While one of `expected`
    /// has none, a list of several pages is read again: points that are made and expire move others past the reader.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn recovery_points(
        &self,
        expected: &BTreeSet<VmExtId>,
    ) -> Result<BTreeMap<VmExtId, String>, PrismError> {
        // Waited for, so that a short outage must not end it.
        let this = self.patient();
        let (manager, points) = try_join!(this.observe_manager(), this.observe_points(expected),)?;
        // Points that do not tell where they were made are taken for received ones: the caller asks for VMs of elsewhere.
        let (newest, _) = newest_points(points, &manager.0.0, &BTreeMap::new());
        Ok(newest)
    }

    /// One recovery plan as it is now, with its parts; `None` if Prism Central says that it does not exist.
    ///
    /// A side of a mapping that names its subnet instead of giving its id is resolved among the subnets here.
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] before datapolicies v4.2; those of any read.
    pub async fn recovery_plan(
        &self,
        plan: &RecoveryPlanExtId,
    ) -> Result<Option<RecoveryPlan>, PrismError> {
        let what = Message::new("call-look-at-recovery-plan").with("plan", plan);
        self.v4
            .need(Namespace::Datapolicies, RECOVERY, &what)
            .await?;
        let path = recovery::plans().join(plan.as_str());
        let Some(found) = self.v4.find::<WirePlan>(&path, &what).await? else {
            return Ok(None);
        };
        let (mappings_at, stages_at) = (recovery::mappings(plan), recovery::stages(plan));
        let (mappings, stages) = try_join!(
            self.v4.list::<WireMapping>(&mappings_at, &[], &what),
            self.v4.list::<WireStage>(&stages_at, &[], &what),
        )?;
        let names_subnets = mappings.iter().any(WireMapping::names_subnets);
        let subnets = if names_subnets {
            let found = self
                .v4
                .list_tolerant::<WireSubnet>(&networks::subnets(), &[], &what)
                .await?;
            let wires = found.objects.into_iter();
            wires
                .map(|wire| (wire.ext_id.clone(), FlowSubnet::from(wire)))
                .collect()
        } else {
            BTreeMap::new()
        };
        let whole = (found.value, mappings, stages);
        Ok(Some(recovery_plan(whole, &subnets)))
    }

    /// This Prism Central's own id, those it is paired with, and registrations that are not understood.
    async fn observe_manager(&self) -> Result<(Manager, Vec<Unreadable>), PrismError> {
        let what = Message::new("call-find-own-id");
        let path = Path::new(Namespace::Prism, &["config", "domain-managers"]);
        let managers: Vec<WireDomainManager> = self.v4.list(&path, &[], &what).await?;
        let Some(manager) = managers.into_iter().next() else {
            return Err(self
                .v4
                .missing(&path, &what, &Message::new("thing-domain-manager"))
                .await);
        };
        let manager = manager.ext_id;
        let segments = [
            "management",
            "domain-managers",
            manager.as_str(),
            "registrations",
        ];
        let path = Path::new(Namespace::Prism, &segments);
        let registrations = self
            .v4
            .list_tolerant::<WireRegistration>(
                &path,
                &[],
                &Message::new("call-list-paired-prism-centrals"),
            )
            .await?;
        let paired = registrations
            .objects
            .into_iter()
            .filter_map(WireRegistration::paired)
            .collect();
        Ok(((manager, paired), registrations.unreadable))
    }

    /// Subnets; those of a Flow VPC with the addresses reserved since they were made, which only a list of their own tells.
    async fn observe_subnets(
        &self,
        known: &KnownPrismObjects,
    ) -> Result<Listing<(SubnetExtId, FlowSubnet)>, PrismError> {
        let collection = networks::subnets();
        let found: Listing<WireSubnet> = self
            .listing(
                collection.clone(),
                Message::new("call-list-subnets"),
                ids(&known.subnets),
            )
            .await?;
        let collection = &collection;
        self.with_parts(found, |wire| async move {
            let mut notes = Vec::new();
            let id = wire.ext_id.clone();
            let mut subnet = FlowSubnet::from(wire);
            if !networks::has_reservations(&subnet) {
                return Ok((Some((id, subnet)), notes));
            }
            let object = Object {
                kind: ObjectKind::Subnet,
                id: id.as_str(),
                name: &subnet.name,
            };
            let reserved = self.reserved_tolerant(&id).await;
            let Some((reserved, odd)) = self
                .parts(collection, &object, reserved, &mut notes)
                .await?
            else {
                return Ok((None, notes));
            };
            notes.extend(odd.iter().map(|odd| note_of(&object, "reserved-ips", odd)));
            subnet.reserved.extend(reserved);
            Ok((Some((id, subnet)), notes))
        })
        .await
    }

    async fn observe_jobs(&self) -> Result<Listing<(RecoveryJobExtId, RecoveryJob)>, PrismError> {
        let collection = failover::jobs();
        let found: Listing<WireJob> = self
            .listing(
                collection.clone(),
                Message::new("call-list-recovery-plan-jobs"),
                BTreeSet::new(),
            )
            .await?;
        let collection = &collection;
        self.with_parts(found, |wire| async move {
            let mut notes = Vec::new();
            let id = wire.ext_id.clone();
            let mut job = RecoveryJob::from(wire);
            if !has_recovered(&job) {
                return Ok((Some((id, job)), notes));
            }
            let object = Object {
                kind: ObjectKind::RecoveryJob,
                id: id.as_str(),
                name: job.name.as_deref().unwrap_or_default(),
            };
            let recovered = self.recovered(&id).await;
            let Some((recovered, odd)) = self
                .parts(collection, &object, recovered, &mut notes)
                .await?
            else {
                return Ok((None, notes));
            };
            notes.extend(
                odd.iter()
                    .map(|odd| note_of(&object, "execution-steps", odd)),
            );
            job.recovered = recovered;
            Ok((Some((id, job)), notes))
        })
        .await
    }

    async fn observe_plans(
        &self,
        known: &KnownPrismObjects,
    ) -> Result<Listing<WholePlan>, PrismError> {
        let collection = recovery::plans();
        let known = ids(&known.recovery_plans);
        let found: Listing<WirePlan> = self
            .listing(
                collection.clone(),
                Message::new("call-list-recovery-plans"),
                known,
            )
            .await?;
        let collection = &collection;
        self.with_parts(found, |plan| async move {
            let mut notes = Vec::new();
            let id: &RecoveryPlanExtId = &plan.ext_id;
            let what = Message::new("call-read-plan-parts");
            let object = Object {
                kind: ObjectKind::RecoveryPlan,
                id: id.as_str(),
                name: &plan.name,
            };
            let (mappings_at, stages_at) = (recovery::mappings(id), recovery::stages(id));
            let both = futures::future::try_join(
                self.v4
                    .list_tolerant::<WireMapping>(&mappings_at, &[], &what),
                self.v4.list_tolerant::<WireStage>(&stages_at, &[], &what),
            )
            .await;
            let Some((mappings, stages)) =
                self.parts(collection, &object, both, &mut notes).await?
            else {
                return Ok((None, notes));
            };
            for odd in &mappings.unreadable {
                notes.push(note_of(&object, "network-mappings", odd));
            }
            for odd in &stages.unreadable {
                notes.push(note_of(&object, "stages", odd));
            }
            Ok((Some((plan, mappings.objects, stages.objects)), notes))
        })
        .await
    }
}

/// Known ids as texts.
fn ids<T: ToString>(known: &BTreeSet<T>) -> BTreeSet<String> {
    known.iter().map(ToString::to_string).collect()
}

/// The objects of a listing by id; what else it has goes where that is collected.
fn sorted<T, K: Ord, V>(
    listing: Listing<T>,
    notes: &mut Vec<Unreadable>,
    absent: &mut BTreeSet<AbsentObject>,
    entry: impl Fn(T) -> (K, V),
) -> BTreeMap<K, V> {
    notes.extend(listing.unreadable);
    absent.extend(listing.absent.into_iter().map(|ext_id| AbsentObject {
        kind: listing.kind,
        ext_id,
    }));
    listing.objects.into_iter().map(entry).collect()
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
