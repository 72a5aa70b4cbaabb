//! Ids of the objects at each site, by the names that a plan uses. Starts from the world that the plan was made from; steps add what
//! they create.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use stayput_estate::Estate;
use stayput_estate::FlowVpcExtId;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::NetworkName;
use stayput_estate::RecoveryPlanExtId;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_plan::OverlayKind;
use stayput_plan::Place;
use stayput_plan::Survey;
use stayput_plan::flow_vpc;
use stayput_plan::overlay_subnet;
use stayput_world::World;

use crate::StepError;

/// Ids by name.
#[derive(Debug, Default)]
pub struct Catalog {
    known: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    vpcs: BTreeMap<(SiteName, String), FlowVpcExtId>,
    subnets: BTreeMap<(SiteName, OverlayKind, NetworkName), SubnetExtId>,
    plans: BTreeMap<(SiteName, String), RecoveryPlanExtId>,
    vms: BTreeMap<(InstanceId, SiteName), VmExtId>,
    move_plans: BTreeMap<(SiteName, String), MovePlanId>,
}

impl Catalog {
    /// The ids of what the world already has.
    pub fn new(estate: &Estate, world: &World, survey: &Survey<'_>) -> Self {
        let mut known = Ids::default();
        for (site, prism) in &world.prism {
            let Some(config) = estate.sites.get(site) else {
                continue;
            };
            for name in [&config.flow_vpc, &config.transit_vpc, &config.test_vpc] {
                if let Ok(Some(id)) = flow_vpc(prism, name) {
                    known.vpcs.insert((site.clone(), name.clone()), id.clone());
                }
            }
            for network in estate.networks.keys() {
                for kind in [OverlayKind::Production, OverlayKind::Test] {
                    if let Ok(Some((id, _))) = overlay_subnet(estate, prism, site, kind, network) {
                        known
                            .subnets
                            .insert((site.clone(), kind, network.clone()), id.clone());
                    }
                }
            }
            for (id, plan) in &prism.recovery_plans {
                known
                    .plans
                    .insert((site.clone(), plan.name.clone()), id.clone());
            }
        }
        for (site, mv) in &world.moves {
            // A resumed run finds the Move plans of the earlier process by name. A name that two plans have is not used.
            let mut by_name: BTreeMap<&str, Vec<&MovePlanId>> = BTreeMap::new();
            for (id, plan) in &mv.plans {
                by_name.entry(&plan.name).or_default().push(id);
            }
            for (name, ids) in by_name {
                if let [id] = ids.as_slice() {
                    let key = (site.clone(), name.to_owned());
                    known.move_plans.insert(key, (*id).clone());
                }
            }
        }
        for (machine, place) in &survey.places {
            if let Place::At(site, vm) = place {
                known
                    .vms
                    .insert((machine.clone(), site.clone()), vm.clone());
            }
        }
        Self {
            known: Mutex::new(known),
        }
    }

    fn known(&self) -> MutexGuard<'_, Ids> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn vpc(&self, site: &SiteName, name: &str) -> Option<FlowVpcExtId> {
        self.known()
            .vpcs
            .get(&(site.clone(), name.to_owned()))
            .cloned()
    }

    pub fn put_vpc(&self, site: &SiteName, name: &str, id: FlowVpcExtId) {
        self.known()
            .vpcs
            .insert((site.clone(), name.to_owned()), id);
    }

    pub fn subnet(
        &self,
        site: &SiteName,
        kind: OverlayKind,
        network: &NetworkName,
    ) -> Result<SubnetExtId, StepError> {
        self.find_subnet(site, kind, network)
            .ok_or_else(|| StepError::Missing {
                what: Message::new("object-overlay-subnet")
                    .with("network", network)
                    .into(),
                site: site.clone(),
            })
    }

    pub fn find_subnet(
        &self,
        site: &SiteName,
        kind: OverlayKind,
        network: &NetworkName,
    ) -> Option<SubnetExtId> {
        self.known()
            .subnets
            .get(&(site.clone(), kind, network.clone()))
            .cloned()
    }

    pub fn put_subnet(
        &self,
        site: &SiteName,
        kind: OverlayKind,
        network: &NetworkName,
        id: SubnetExtId,
    ) {
        self.known()
            .subnets
            .insert((site.clone(), kind, network.clone()), id);
    }

    pub fn plan(&self, site: &SiteName, name: &str) -> Result<RecoveryPlanExtId, StepError> {
        let plan = self
            .known()
            .plans
            .get(&(site.clone(), name.to_owned()))
            .cloned();
        plan.ok_or_else(|| StepError::Missing {
            what: Message::new("object-recovery-plan")
                .with("name", name)
                .into(),
            site: site.clone(),
        })
    }

    pub fn put_plan(&self, site: &SiteName, name: &str, id: RecoveryPlanExtId) {
        self.known()
            .plans
            .insert((site.clone(), name.to_owned()), id);
    }

    pub fn move_plan(&self, site: &SiteName, name: &str) -> Result<MovePlanId, StepError> {
        let plan = self
            .known()
            .move_plans
            .get(&(site.clone(), name.to_owned()))
            .cloned();
        plan.ok_or_else(|| StepError::Missing {
            what: Message::new("object-move-plan").with("plan", name).into(),
            site: site.clone(),
        })
    }

    pub fn put_move_plan(&self, site: &SiteName, name: &str, id: MovePlanId) {
        self.known()
            .move_plans
            .insert((site.clone(), name.to_owned()), id);
    }

    pub fn vm(&self, machine: &InstanceId, site: &SiteName) -> Result<VmExtId, StepError> {
        let vm = self
            .known()
            .vms
            .get(&(machine.clone(), site.clone()))
            .cloned();
        vm.ok_or_else(|| StepError::Missing {
            what: Message::new("object-vm-of").with("machine", machine).into(),
            site: site.clone(),
        })
    }

    pub fn put_vm(&self, machine: &InstanceId, site: &SiteName, vm: VmExtId) {
        self.known().vms.insert((machine.clone(), site.clone()), vm);
    }
}
