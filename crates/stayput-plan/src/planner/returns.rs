//! Machines that go back to EC2: their VMs are shut down, their instances start, and their addresses at the site are free for another move.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::InstanceId;
use stayput_estate::SiteName;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_world::System;
use stayput_world::aws::InstanceState;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MoveVm;
use stayput_world::prism::Vm;

use super::Draft;
use super::machines::has_failed;
use super::machines::is_alive;
use super::rollback::Undo;
use crate::Action;
use crate::NotUndone;
use crate::Obstacle;
use crate::Phase;
use crate::StepId;
use crate::Warning;
use crate::obstacle::SaidByEc2;
use crate::survey::Place;
use crate::survey::Power;
use crate::survey::VmSight;
use crate::survey::is_being_cut_over;
use crate::survey::power_of;

/// Move plans of a run that a rollback ends, with their sites.
#[derive(Default)]
struct EndingPlans {
    /// Before anything else: Move was asked for a cutover that it has not made, and may begin it at any time.
    now: BTreeSet<(SiteName, String)>,
    /// When the machines are back: the plans have done their work.
    closing: BTreeSet<(SiteName, String)>,
}

impl Draft<'_> {
    /// The machines whose cutover the run began go back to EC2.
    pub(super) fn return_to_ec2(&mut self, undo: &Undo<'_>) {
        let survey = self.survey;
        let source = &survey.estate.source.name;
        let machines = survey.moving.iter();
        let machines: Vec<_> = machines
            .filter(|id| survey.machines.contains_key(*id))
            .collect();
        for id in &machines {
            self.can_return(undo, id);
        }
        let ended = self.plans_to_end(undo);
        self.phase = Phase::Prepare;
        self.cancel(ended.now, &Message::new("why-cancel-asked-cutover"));
        self.phase = Phase::CutOver;
        let mut off = BTreeMap::new();
        for id in &machines {
            off.extend(self.shut_down(undo, id));
        }
        for id in &machines {
            self.start(id, &off);
        }
        self.routes_back(undo);
        self.phase = Phase::Verify;
        let released: Vec<_> = machines.iter().flat_map(|id| self.to_release(id)).collect();
        // Also when only that is left: a killed run may not have looked.
        let has_work = !(self.steps.is_empty() && released.is_empty() && ended.closing.is_empty());
        if !machines.is_empty() && has_work {
            let networks = survey.networks.iter();
            let networks = networks.map(|network| network.name.clone()).collect();
            self.verify_at(source, networks, survey.moving.clone(), undo.did);
        }
        self.phase = Phase::Close;
        self.cancel(ended.closing, &Message::new("why-cancel-move-plan"));
        for (id, action) in released {
            let why = Message::new("why-release-nics");
            self.step(id, &BTreeSet::new(), action, why);
        }
        if !machines.is_empty() || !undo.did.move_plans.is_empty() {
            self.made_stays(undo.did);
        }
    }

    /// Steps that cancel Move plans in the present phase.
    fn cancel(&mut self, plans: BTreeSet<(SiteName, String)>, why: &Message) {
        for (site, move_plan) in plans {
            let id = format!("cancel/{move_plan}");
            let action = Action::CancelMovePlan { site, move_plan };
            self.step(id, &BTreeSet::new(), action, why.clone());
        }
    }

    /// Refuses what cannot be a machine in EC2 again.
    fn can_return(&mut self, undo: &Undo<'_>, id: &InstanceId) {
        let survey = self.survey;
        let label = survey.label(id);
        let machine = id.clone();
        if let Some(site) = survey.is_cut_over_at(id) {
            let site = site.clone();
            let why = NotUndone::CutOverNow {
                machine,
                label,
                site,
            };
            return self.not_undone(undo, why);
        }
        let Some(region) = survey.world.aws.get(&survey.estate.source.region) else {
            return;
        };
        let state = region.instances.get(id).map(|instance| &instance.state);
        let is_gone = match state {
            Some(InstanceState::ShuttingDown | InstanceState::Terminated) => true,
            Some(
                InstanceState::Pending
                | InstanceState::Running
                | InstanceState::Stopping
                | InstanceState::Stopped
                | InstanceState::Unknown(_),
            ) => false,
            None if region.is_confirmed_gone(id) => true,
            None => {
                return self.obstacle(Obstacle::NotListed {
                    machine,
                    label,
                    system: System::Aws(survey.estate.source.region.clone()),
                    what: "its instance".to_owned(),
                });
            }
        };
        if is_gone {
            let ec2 = match state {
                Some(_) => SaidByEc2::Terminated,
                None => SaidByEc2::of(Some(region), id),
            };
            let why = NotUndone::SourceGone {
                machine,
                label,
                region: survey.estate.source.region.clone(),
                ec2,
            };
            return self.not_undone(undo, why);
        }
        let facts = survey.machines.get(id).into_iter();
        let wants = facts.flat_map(|facts| facts.addresses()).collect();
        let has = survey.addresses_in_ec2(id);
        if has != wants {
            let why = NotUndone::SourceDiffers {
                machine,
                label,
                has,
                wants,
            };
            return self.not_undone(undo, why);
        }
        if let Some(Place::At(site, vm)) = survey.places.get(id)
            && let Some(category) = self.carries_category(id, site, vm)
        {
            let why = NotUndone::Protected {
                machine,
                label,
                site: site.clone(),
                vm: vm.clone(),
                category,
            };
            self.not_undone(undo, why);
        }
    }

    /// The category of a network of the machine that its VM carries, as `key=value`.
    fn carries_category(&self, id: &InstanceId, site: &SiteName, vm: &VmExtId) -> Option<String> {
        let prism = self.survey.world.prism.get(site)?;
        let vm = prism.vms.get(vm)?;
        let networks = self.survey.networks_of(id).into_iter();
        let mut carried = networks.filter(|network| {
            let category = self.category_id(prism, network);
            category.is_some_and(|category| vm.categories.contains(category))
        });
        carried.next().map(|network| self.category_of(&network))
    }

    /// The step that shuts the VM of a machine down, unless it is off.
    fn shut_down<'i>(
        &mut self,
        undo: &Undo<'_>,
        id: &'i InstanceId,
    ) -> Option<(&'i InstanceId, StepId)> {
        let survey = self.survey;
        let Some(Place::At(site, vm)) = survey.places.get(id) else {
            return None;
        };
        let time = undo.did.machines.get(id);
        self.warnings.push(Warning::of_machine(
            id,
            Message::new("warning-data-stays-on-vm")
                .with("label", survey.label(id))
                .with("machine", id)
                .with("time", time.map_or("", String::as_str))
                .with("vm", vm)
                .with("site", site),
        ));
        let VmSight::Seen(seen) = survey.vm_sight(site, vm) else {
            return None;
        };
        if power_of(&seen.power) == Power::Off {
            return None;
        }
        let nics = seen.nics.iter();
        let action = Action::ShutDown {
            site: site.clone(),
            machine: id.clone(),
            vm: vm.clone(),
            name: seen.name.clone(),
            addresses: nics
                .flat_map(|nic| nic.address.iter().chain(&nic.secondary).copied())
                .collect(),
        };
        let why = Message::new("why-shut-down");
        let step = self.step(
            format!("shut-down/{site}/{vm}"),
            &BTreeSet::new(),
            action,
            why,
        );
        Some((id, step))
    }

    /// The step that makes a machine its EC2 instance again, unless it is and runs if it ran.
    fn start(&mut self, id: &InstanceId, off: &BTreeMap<&InstanceId, StepId>) {
        let survey = self.survey;
        let start = survey
            .machines
            .get(id)
            .is_some_and(|facts| facts.was_running);
        let is_back = survey.places.get(id) == Some(&Place::Ec2);
        if is_back && (!start || survey.power_in_ec2(id) == Power::On) {
            return;
        }
        let action = Action::StartSource {
            region: survey.estate.source.region.clone(),
            machine: id.clone(),
            was: survey.vms_of(id),
            start,
        };
        let needs = off.get(id).cloned().into_iter().collect();
        let why = Message::new("why-start-source");
        self.step(format!("start-source/{id}"), &needs, action, why);
    }

    /// The run's Move plans that cut over machines which go back, or may do so at any time; says of the others that they go on.
    fn plans_to_end(&mut self, undo: &Undo<'_>) -> EndingPlans {
        let survey = self.survey;
        let (mut ended, mut stay) = (EndingPlans::default(), BTreeSet::new());
        for (site, mv) in &survey.world.moves {
            let workload = |id| mv.workloads.get(id).map(|workload| &workload.id);
            let returning = survey.returning.iter().filter_map(workload).collect();
            let asked = undo.did.asked.iter().filter_map(workload).collect();
            // An inventory that lacks a machine says nothing about it: a VM of the plan that it does not explain may be that machine.
            let is_unlisted = |id: &InstanceId| {
                let in_ec2 = survey.places.get(id) == Some(&Place::Ec2);
                in_ec2 && !mv.workloads.contains_key(id)
            };
            let some_unlisted = undo.did.asked.iter().any(is_unlisted);
            let listed: BTreeSet<_> = mv.workloads.values().map(|workload| &workload.id).collect();
            for plan in mv.plans.values().filter(|plan| is_alive(&plan.state)) {
                let own = (site.clone(), plan.name.clone());
                if !undo.did.move_plans.contains(&own) {
                    continue;
                }
                let has = |machines: &BTreeSet<_>, is: &dyn Fn(&MoveVm) -> bool| {
                    let mut vms = plan.vms.iter();
                    vms.any(|(id, vm)| machines.contains(id) && is(vm))
                };
                let may_begin = |vm: &MoveVm| !vm.completed && !has_failed(vm);
                let mut unexplained = plan.vms.iter().filter(|(id, _)| !listed.contains(id));
                let may_be_asked = some_unlisted && unexplained.any(|(_, vm)| may_begin(vm));
                if may_be_asked || has(&asked, &may_begin) {
                    ended.now.insert(own);
                } else if has(&returning, &|vm| vm.completed) {
                    ended.closing.insert(own);
                } else {
                    stay.insert(plan.name.clone());
                }
            }
        }
        if !ended.now.is_empty() {
            let plans = and(ended.now.iter().map(|(_, plan)| plan));
            let text = Message::new("warning-move-plans-end-now").part("plans", plans);
            self.warnings.push(Warning::general(text));
        }
        if !ended.closing.is_empty() {
            let plans = and(ended.closing.iter().map(|(_, plan)| plan));
            let text = Message::new("warning-move-plans-end").part("plans", plans);
            self.warnings.push(Warning::general(text));
        }
        if !stay.is_empty() {
            let text = Message::new("warning-move-plans-stay").part("plans", and(&stay));
            self.warnings.push(Warning::general(text));
        }
        ended
    }

    /// Ends what a rollback that was cut short has left of machines which move again: Move plans that go on, and addresses of the VMs that
    /// they were.
    pub(super) fn finish_returns(&mut self, sites: impl Iterator<Item = SiteName>) {
        for site in sites {
            let left: Vec<_> = self.plans_left_over(&site);
            if left.is_empty() {
                continue;
            }
            let names: BTreeSet<_> = left.iter().map(|plan| plan.name.clone()).collect();
            let text =
                Message::new("warning-move-plans-left-over").part("plans", and(names.iter()));
            self.warnings.push(Warning::general(text));
            let plans = names.into_iter().map(|name| (site.clone(), name)).collect();
            self.cancel(plans, &Message::new("why-cancel-move-plan"));
        }
        self.free_returned();
    }

    /// Move plans of a site that are not over although machines which they cut over have returned to EC2 and move again: Move takes those
    /// machines into no other plan meanwhile. None in which Move cuts a machine over now.
    pub(super) fn plans_left_over(&self, site: &SiteName) -> Vec<&MovePlan> {
        let survey = self.survey;
        let Some(mv) = survey.world.moves.get(site) else {
            return Vec::new();
        };
        let returned = survey.returned_workloads(mv);
        let moving = survey.moving.iter();
        let again: BTreeSet<_> = moving
            .filter_map(|id| mv.workloads.get(id).map(|workload| &workload.id))
            .filter(|workload| returned.contains(workload))
            .collect();
        let is_left_over = |plan: &&MovePlan| {
            let mut vms = plan.vms.iter();
            let has_returned = vms.any(|(id, vm)| vm.completed && again.contains(id));
            let mut vms = plan.vms.values();
            let cuts_over = vms.any(|vm| !vm.completed && !has_failed(vm) && is_being_cut_over(vm));
            is_alive(&plan.state) && has_returned && !cuts_over
        };
        mv.plans.values().filter(is_left_over).collect()
    }

    /// Frees the addresses which VMs still have that machines were before they returned to EC2: the VMs that a move makes would not get
    /// them.
    fn free_returned(&mut self) {
        let survey = self.survey;
        let is_back = |id: &&InstanceId| survey.places.get(*id) == Some(&Place::Ec2);
        let moving = survey.moving.iter().filter(is_back);
        let held: Vec<_> = moving.flat_map(|id| self.to_release(id)).collect();
        for (id, action) in held {
            let why = Message::new("why-release-nics-for-move");
            self.step(id, &BTreeSet::new(), action, why);
        }
    }

    /// Steps that free the addresses which VMs of a machine have on the overlay, with their ids.
    fn to_release(&self, id: &InstanceId) -> Vec<(String, Action)> {
        let survey = self.survey;
        let mut found = Vec::new();
        for (site, vm) in survey.vms_of(id) {
            if let VmSight::Seen(seen) = survey.vm_sight(&site, &vm)
                && self.has_overlay_nic(&site, seen)
            {
                let action = Action::ReleaseNics {
                    site: site.clone(),
                    machine: id.clone(),
                    vm: vm.clone(),
                    name: seen.name.clone(),
                };
                found.push((format!("release/{site}/{vm}"), action));
            }
        }
        found
    }

    fn has_overlay_nic(&self, site: &SiteName, vm: &Vm) -> bool {
        let mut subnets = vm.nics.iter().filter_map(|nic| nic.subnet.as_ref());
        subnets.any(|subnet| self.survey.overlay_network(site, subnet).is_some())
    }
}
