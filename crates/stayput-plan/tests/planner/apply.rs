//! What a step makes true, done in the data: the engine and the remote systems in one function.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::*;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_plan::NicChange;
use stayput_plan::OverlayKind;
use stayput_plan::PowerAfter;
use stayput_plan::RecoveryRun;
use stayput_plan::SeenNic;
use stayput_plan::Step;
use stayput_plan::WantedNic;
use stayput_world::aws::*;
use stayput_world::mv::*;
use stayput_world::prism::*;

use crate::fixture::*;

impl Setup {
    /// Makes the step true. Panics where a real system would refuse.
    pub fn apply(&mut self, step: &Step) {
        match &step.action {
            Action::Capture { machines } => {
                self.facts.machines.extend(machines.clone());
            }
            Action::EnsureFlowVpc { site, name } => {
                let vpc = FlowVpc {
                    name: name.clone(),
                    transit: false,
                    external_subnets: BTreeSet::new(),
                    erps: BTreeSet::new(),
                };
                let id = FlowVpcExtId::new(format!("flow-{name}"));
                assert_eq!(
                    self.prism(site.as_str()).vpcs.insert(id, vpc),
                    None,
                    "{}",
                    step.id
                );
            }
            Action::EnsureSubnet {
                site,
                kind,
                network,
                cidr,
                gateway,
                pools,
                ..
            } => {
                let mut subnet = flow_subnet(network.as_str(), flow_id(*kind), *cidr);
                subnet.gateway = Some(*gateway);
                subnet.pools = pools.clone();
                let prism = self.prism(site.as_str());
                assert!(
                    prism.vpcs.contains_key(&FlowVpcExtId::from(flow_id(*kind))),
                    "{}",
                    step.id
                );
                let id = subnet_id(*kind, network);
                assert_eq!(prism.subnets.insert(id, subnet), None, "{}", step.id);
            }
            Action::Erp {
                site,
                scope,
                cidr,
                present,
            } => self.erp(site, *scope, *cidr, *present),
            Action::Replicate {
                move_plan,
                machines,
                ..
            } => self.replicate(move_plan, machines),
            Action::Cutover {
                site,
                move_plan,
                machine,
            } => self.cutover(site, move_plan, machine),
            Action::RestoreNics {
                site,
                machine,
                nics,
                power,
            } => {
                self.restore(site, machine, nics);
                if *power == PowerAfter::On {
                    self.vm_of(machine, site).power = PowerState::On;
                }
            }
            Action::TgwRoute {
                region,
                table,
                cidr,
                from,
                to,
            } => {
                let aws = self.aws(region.as_str());
                let statics = &mut aws.tgw_route_tables.get_mut(table).unwrap().static_routes;
                assert_eq!(statics.get(cidr), from.as_ref(), "{}", step.id);
                match to {
                    Some(to) => statics.insert(*cidr, to.clone()),
                    None => statics.remove(cidr),
                };
            }
            Action::Categorize {
                site,
                key,
                value,
                machines,
            } => {
                for machine in machines {
                    let category = self.category(site, key, value);
                    self.vm_of(machine, site).categories.insert(category);
                }
            }
            Action::ProtectionPolicy {
                site,
                recovery,
                name,
                key,
                value,
                rpo_seconds,
                retention,
            } => {
                let ends =
                    [site, recovery].map(|site| self.prism(site.as_str()).domain_manager.clone());
                let one_way = |source: &DomainManagerId, target: &DomainManagerId| Replication {
                    source: source.clone(),
                    target: target.clone(),
                    rpo_seconds: Some(*rpo_seconds),
                    retention: Some(*retention),
                    local_retention: Some(*retention),
                };
                let replications = vec![one_way(&ends[0], &ends[1]), one_way(&ends[1], &ends[0])];
                // Paired Prism Centrals show each other's policies and plans.
                for at in [site, recovery] {
                    let policy = ProtectionPolicy {
                        name: name.clone(),
                        categories: [self.category(at, key, value)].into(),
                        locations: ends.to_vec(),
                        replications: replications.clone(),
                    };
                    let id = PolicyExtId::new(format!("policy-{name}"));
                    self.prism(at.as_str()).policies.insert(id, policy);
                }
            }
            Action::RecoveryPlan {
                site,
                recovery,
                name,
                key,
                value,
                networks,
            } => {
                let [primary, secondary] =
                    [site, recovery].map(|site| self.prism(site.as_str()).domain_manager.clone());
                let mapped = |network: &NetworkName| NetworkMapping {
                    primary: Some(subnet_id(OverlayKind::Production, network)),
                    recovery: Some(subnet_id(OverlayKind::Production, network)),
                    primary_test: Some(subnet_id(OverlayKind::Test, network)),
                    recovery_test: Some(subnet_id(OverlayKind::Test, network)),
                    keeps_addresses: Some(true),
                };
                for at in [site, recovery] {
                    let plan = RecoveryPlan {
                        name: name.clone(),
                        primary: primary.clone(),
                        recovery: secondary.clone(),
                        categories: [self.category(at, key, value)].into(),
                        in_several_stages: BTreeSet::new(),
                        mappings: networks.iter().map(mapped).collect(),
                    };
                    let id = RecoveryPlanExtId::new(format!("plan-{name}"));
                    self.prism(at.as_str()).recovery_plans.insert(id, plan);
                }
            }
            Action::AwaitRecoveryPoints {
                site,
                recovery,
                machines,
            } => {
                for machine in machines {
                    let vm = self.facts.vms[machine][site].clone();
                    let at = "2026-01-01T00:00:00Z".to_owned();
                    self.prism(recovery.as_str()).recovery_points.insert(vm, at);
                }
            }
            Action::RunRecovery {
                plan,
                run: RecoveryRun::Planned,
                from,
                to,
                machines,
            } => {
                self.fail_over(plan, from, to, machines);
            }
            Action::RunRecovery {
                run: RecoveryRun::Unplanned,
                to,
                machines,
                ..
            } => {
                for machine in machines {
                    self.recover(to, machine);
                }
            }
            Action::RunRecovery {
                run: RecoveryRun::Validate | RecoveryRun::Test | RecoveryRun::CleanUp,
                ..
            }
            | Action::Verify { .. } => {}
            Action::PowerOff { former } => {
                let prism = self.prism(former.site.as_str());
                let vm = prism.vms.get_mut(&former.vm).unwrap();
                assert_ne!(vm.power, PowerState::Off, "{}", step.id);
                vm.power = PowerState::Off;
            }
            Action::DeleteVm { former } => {
                let prism = self.prism(former.site.as_str());
                let vm = prism.vms.remove(&former.vm).unwrap();
                assert_eq!(vm.power, PowerState::Off, "{}", step.id);
            }
            Action::ShutDown { site, vm, .. } => {
                let vm = self.prism(site.as_str()).vms.get_mut(vm).unwrap();
                assert_ne!(vm.power, PowerState::Off, "{}", step.id);
                vm.power = PowerState::Off;
            }
            Action::StartSource {
                machine,
                was,
                start,
                ..
            } => {
                for (site, vm) in was {
                    let vm = &self.prism(site.as_str()).vms[vm];
                    assert_eq!(vm.power, PowerState::Off, "{}", step.id);
                }
                let instance = self.tokyo().instances.get_mut(machine).unwrap();
                assert_eq!(instance.state, InstanceState::Stopped, "{}", step.id);
                if *start {
                    instance.state = InstanceState::Running;
                }
                if !was.is_empty() {
                    self.facts.returned(machine, was.clone());
                }
            }
            Action::CancelMovePlan { move_plan, .. } => {
                let plans = &mut self.mv().plans;
                let plan = plans.get_mut(&MovePlanId::new(move_plan)).unwrap();
                plan.state = MovePlanState::Aborted;
                for vm in plan.vms.values_mut().filter(|vm| !vm.completed) {
                    vm.state = "ABORTED".into();
                    vm.actions.clear();
                }
            }
            Action::ReleaseNics {
                site, machine, vm, ..
            } => {
                assert!(self.facts.has_returned(machine), "{}", step.id);
                let vm = self.prism(site.as_str()).vms.get_mut(vm).unwrap();
                assert_eq!(vm.power, PowerState::Off, "{}", step.id);
                vm.nics.clear();
            }
            Action::RemoveCopies { site, jobs, .. } => {
                let prism = self.prism(site.as_str());
                for job in jobs {
                    let copies = prism.jobs[job].recovered.values();
                    for copy in copies {
                        prism.vms.remove(copy);
                    }
                }
            }
        }
    }

    /// NC2 writes what the transit VPC has into its AWS VPC's main table (AWS reference §4).
    pub fn erp(&mut self, site: &SiteName, scope: ErpScope, cidr: Cidr, present: bool) {
        let prism = self.prism(site.as_str());
        let id = match scope {
            ErpScope::User => "flow-prod",
            ErpScope::Transit => "flow-transit",
        };
        let erps = &mut prism.vpcs.get_mut(&FlowVpcExtId::from(id)).unwrap().erps;
        let changed = if present {
            erps.insert(cidr)
        } else {
            erps.remove(&cidr)
        };
        assert!(changed, "{site}: {cidr} twice");
        if scope == ErpScope::User {
            return;
        }
        let nc2 = self.estate.sites[site].clone();
        let letter = nc2.vpc.as_str().trim_start_matches("vpc-nc2").to_owned();
        let aws = self.aws(nc2.region.as_str());
        let tables = aws.route_tables.values_mut();
        for table in tables.filter(|table| table.vpc == nc2.vpc && table.main) {
            table
                .routes
                .retain(|route| route.destination != RouteDestination::Cidr(cidr));
            if present {
                let host = VpcRouteTarget::Eni(EniId::new(format!("eni-gateway-{letter}")));
                table.routes.push(vpc_route(cidr, host));
            }
        }
    }

    fn replicate(&mut self, name: &str, machines: &BTreeSet<InstanceId>) {
        let mv = self.mv();
        let vms: Vec<_> = machines
            .iter()
            .map(|id| mv.workloads[id].id.clone())
            .collect();
        for vm in &vms {
            let mut others = mv.plans.values().filter(|plan| plan.name != name);
            let is_in_another = others.any(|plan| {
                let ended = [MovePlanState::Completed, MovePlanState::Aborted];
                let cut_over = plan.vms.get(vm).is_some_and(|vm| vm.completed);
                !ended.contains(&plan.state) && cut_over
            });
            assert!(!is_in_another, "{vm} is in another plan than {name}");
        }
        // Move makes a plan once; a name that is taken gives the plan that has it.
        let plan = mv.plans.entry(MovePlanId::new(name)).or_insert_with(|| {
            let ready = |id: MoveVmId| {
                let vm = MoveVm {
                    state: "READY".into(),
                    actions: vec!["CUTOVER".into()],
                    progress: Some(100),
                    vm: None,
                    error: None,
                    completed: false,
                };
                (id, vm)
            };
            MovePlan {
                name: name.into(),
                state: MovePlanState::InProgress,
                vms: vms.iter().cloned().map(ready).collect(),
            }
        });
        for vm in vms {
            assert!(plan.vms.contains_key(&vm), "{vm} is not in {name}");
        }
    }

    /// Every interface arrives on the first one's network, with an address from the pool.
    fn cutover(&mut self, site: &SiteName, move_plan: &str, machine: &InstanceId) {
        let facts = self.facts.machines[machine].clone();
        let subnet = subnet_id(OverlayKind::Production, &facts.nics[0].network);
        let times = self.facts.was.get(machine).map_or(0, BTreeSet::len);
        let id = match times {
            0 => VmExtId::new(format!("vm-{site}-{machine}")),
            times => VmExtId::new(format!("vm-{site}-{machine}-again{times}")),
        };
        let prism = self.prism(site.as_str());
        let taken: BTreeSet<_> = prism
            .vms
            .values()
            .flat_map(|vm| &vm.nics)
            .filter_map(|nic| nic.address)
            .collect();
        let pools = &prism.subnets[&subnet].pools;
        let pool = pools
            .iter()
            .flat_map(|pool| u32::from(pool.first)..=u32::from(pool.last));
        let free = pool
            .map(std::net::Ipv4Addr::from)
            .filter(|address| !taken.contains(address));
        let nics: Vec<_> = free
            .take(facts.nics.len())
            .map(|address| nic(subnet.as_str(), address, &[]))
            .collect();
        assert_eq!(
            nics.len(),
            facts.nics.len(),
            "the pool of {subnet} is empty"
        );
        let vm = Vm {
            name: facts.label(machine),
            cluster: Some("cluster-t".into()),
            power: if facts.was_running {
                PowerState::On
            } else {
                PowerState::Off
            },
            categories: BTreeSet::new(),
            nics,
        };
        assert_eq!(prism.vms.insert(id.clone(), vm), None);
        self.tokyo().instances.get_mut(machine).unwrap().state = InstanceState::Stopped;
        let mv = self.mv();
        let workload = mv.workloads[machine].id.clone();
        let plan = mv.plans.get_mut(&MovePlanId::new(move_plan)).unwrap();
        let moved = plan.vms.get_mut(&workload).unwrap();
        assert_eq!(moved.actions, ["CUTOVER"]);
        *moved = MoveVm {
            state: "COMPLETED".into(),
            actions: Vec::new(),
            vm: Some(id.clone()),
            completed: true,
            ..moved.clone()
        };
        if plan.vms.values().all(|vm| vm.completed) {
            plan.state = MovePlanState::Completed;
        }
        self.facts.became(machine.clone(), site.clone(), id);
    }

    /// What the plan has not announced is not removed.
    fn restore(&mut self, site: &SiteName, machine: &InstanceId, change: &NicChange) {
        let region = self.world.aws.get(&"ap-northeast-1".into());
        let source = region
            .and_then(|region| region.instances.get(machine))
            .map(|instance| instance.state.clone());
        assert!(
            matches!(source, None | Some(InstanceState::Stopped)),
            "{machine} is {source:?}"
        );
        let nics = self.facts.machines[machine].nics.clone();
        let wanted: Vec<_> = nics.iter().map(WantedNic::from).collect();
        assert_eq!(change.wanted, wanted, "{machine}");
        for nic in &self.vm_of(machine, site).nics {
            let stays = nics.iter().any(|of| Some(of.primary) == nic.address);
            let seen = SeenNic::of(nic).unwrap();
            assert!(stays || change.may_remove(&seen), "{machine}: {seen:?}");
        }
        self.vm_of(machine, site).nics = nics
            .iter()
            .map(|of| {
                let subnet = subnet_id(OverlayKind::Production, &of.network);
                nic(subnet.as_str(), of.primary, &of.secondary)
            })
            .collect();
    }

    /// An unplanned failover makes VMs of recovery points and leaves the source as it is (Prism reference §6.4).
    fn recover(&mut self, to: &SiteName, machine: &InstanceId) {
        let facts = self.facts.machines[machine].clone();
        let of = |of: &stayput_world::NicFacts| {
            let subnet = subnet_id(OverlayKind::Production, &of.network);
            nic(subnet.as_str(), of.primary, &of.secondary)
        };
        let mut recovered = vm(&facts.label(machine), "overlay", "0.0.0.0");
        recovered.nics = facts.nics.iter().map(of).collect();
        let id = VmExtId::new(format!("vm-{to}-{machine}"));
        let vms = &mut self.prism(to.as_str()).vms;
        assert_eq!(vms.insert(id.clone(), recovered), None);
        self.facts.became(machine.clone(), to.clone(), id);
    }

    /// A planned failover takes the VMs from the source; every NIC keeps its address (Prism reference §6.6).
    fn fail_over(
        &mut self,
        plan: &str,
        from: &SiteName,
        to: &SiteName,
        machines: &BTreeSet<InstanceId>,
    ) {
        let ends = [from, to].map(|site| self.prism(site.as_str()).domain_manager.clone());
        let plan = RecoveryPlanExtId::new(format!("plan-{plan}"));
        let mut recovered = BTreeMap::new();
        for machine in machines {
            // The ledger keeps who the machine was; the source site no longer has that VM.
            let old = self.facts.vms[machine][from].clone();
            let mut vm = self.prism(from.as_str()).vms.remove(&old).unwrap();
            let carried = std::mem::take(&mut vm.categories);
            for category in carried {
                let Category { key, value } =
                    self.prism(from.as_str()).categories[&category].clone();
                vm.categories.insert(self.category(to, &key, &value));
            }
            let new = VmExtId::new(format!("vm-{to}-{machine}"));
            assert_eq!(self.prism(to.as_str()).vms.insert(new.clone(), vm), None);
            self.facts.became(machine.clone(), to.clone(), new.clone());
            recovered.insert(old, new);
        }
        let job = RecoveryJob {
            plan: plan.clone(),
            action: RecoveryAction::PlannedFailover,
            status: JobStatus::Succeeded,
            source: Some(ends[0].clone()),
            target: Some(ends[1].clone()),
            started: None,
            ended: None,
            name: None,
            recovered,
        };
        let id = RecoveryJobExtId::new(format!("job-{plan}-{to}"));
        self.prism(to.as_str()).jobs.insert(id, job);
    }

    fn vm_of(&mut self, machine: &InstanceId, site: &SiteName) -> &mut Vm {
        let id = self.facts.vms[machine][site].clone();
        self.prism(site.as_str()).vms.get_mut(&id).unwrap()
    }

    fn category(&mut self, site: &SiteName, key: &str, value: &str) -> CategoryExtId {
        let id = CategoryExtId::new(format!("category-{key}-{value}"));
        let category = Category {
            key: key.into(),
            value: value.into(),
        };
        self.prism(site.as_str())
            .categories
            .insert(id.clone(), category);
        id
    }
}

fn flow_id(kind: OverlayKind) -> &'static str {
    match kind {
        OverlayKind::Production => "flow-prod",
        OverlayKind::Test => "flow-test",
    }
}

fn subnet_id(kind: OverlayKind, network: &NetworkName) -> SubnetExtId {
    match kind {
        OverlayKind::Production => SubnetExtId::new(format!("overlay-{network}")),
        OverlayKind::Test => SubnetExtId::new(format!("overlay-test-{network}")),
    }
}
