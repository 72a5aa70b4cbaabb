"""Protection policies, recovery plans and failovers: failover and failback, with the addresses kept."""

import ntnx_datapolicies_py_client as datapolicies
import ntnx_dataprotection_py_client as dataprotection
import ntnx_networking_py_client as networking
import pytest

from lab_control import until

CIDR = "10.251.1.0/24"
JOB_ENDED = {"SUCCEEDED", "SUCCEEDED_WITH_VALIDATION_WARNING", "FAILED", "ABORTED"}


class Site:
    """One side: its Prism Central, the overlay subnet, and the isolated subnet for tests."""

    def __init__(self, prism, name):
        self.prism = prism
        self.manager = prism.domain_manager
        self.vpc = prism.vpc("prod").ext_id
        self.subnet = prism.make_subnet("conf-dr", CIDR, self.vpc)
        made = prism.done(prism.vpcs.create_vpc(networking.Vpc(name="conf-dr-test")))
        self.test_vpc = prism.affected(made, "networking:config:vpc")
        self.test_subnet = prism.make_subnet("conf-dr-test", CIDR, self.test_vpc)
        self.name = name

    def machines(self, names):
        """The machines of these names in the overlay subnet: name to VM."""
        found = {}
        for name in names:
            for vm in self.prism.vms.list_vms(_filter=f"name eq '{name}'").data or []:
                if any(nic.nic_network_info.subnet.ext_id == self.subnet for nic in vm.nics or []):
                    assert name not in found, f"{name} exists twice"
                    found[name] = vm
        return found


@pytest.fixture(scope="module")
def sites(tokyo, osaka):
    return Site(tokyo, "tokyo"), Site(osaka, "osaka")


@pytest.fixture(scope="module")
def category(tokyo):
    return tokyo.make_category("ConfDR", "wave1")


@pytest.fixture(scope="module")
def machines(sites, category):
    """Two running machines and one that is off, with their addresses: name to list of addresses."""
    here, _ = sites
    wanted = {"conf-dr-1": ["10.251.1.10", "10.251.1.110"], "conf-dr-2": ["10.251.1.20"], "conf-dr-3": ["10.251.1.30"]}
    for name, (first, *rest) in wanted.items():
        vm = here.prism.make_vm(name, here.prism.nic(here.subnet, first, secondary=rest), on=name != "conf-dr-3")
        here.prism.associate(vm, category)
    return wanted


@pytest.fixture(scope="module")
def policy(sites, category):
    """A protection policy for both directions, every hour: its id."""
    here, there = sites

    def direction(source, target):
        return datapolicies.ReplicationConfiguration(
            source_location_label=source,
            remote_location_label=target,
            schedule=datapolicies.Schedule(
                recovery_point_type=datapolicies.RecoveryPointType.CRASH_CONSISTENT,
                recovery_point_objective_time_seconds=3600,
                start_time="00h:00m",
                retention=datapolicies.LinearRetention(local=2, remote=2),
            ),
        )

    body = datapolicies.ProtectionPolicy(
        name="conf-policy",
        category_ids=[category],
        replication_locations=[
            datapolicies.ReplicationLocation(label="tokyo", domain_manager_ext_id=here.manager, is_primary=True),
            datapolicies.ReplicationLocation(label="osaka", domain_manager_ext_id=there.manager, is_primary=False),
        ],
        replication_configurations=[direction("tokyo", "osaka"), direction("osaka", "tokyo")],
    )
    here.prism.done(here.prism.policies.create_protection_policy(body))
    return here.prism.one(here.prism.policies.list_protection_policies, "name eq 'conf-policy'").ext_id


def network(site, test=False):
    config = datapolicies.IPConfig(ipv4=datapolicies.IPv4Config(default_gateway_ip="10.251.1.1", prefix_length=24))
    return datapolicies.NetworkConfig(
        subnet_ext_id=site.test_subnet if test else site.subnet,
        vpc=datapolicies.EntityReference(ext_id=site.test_vpc if test else site.vpc),
        ip_config=config,
    )


@pytest.fixture(scope="module")
def plan(sites, category, machines, policy):
    """A recovery plan with its mapping and two stages: its id."""
    here, there = sites
    plans, prism = here.prism.plans, here.prism
    body = datapolicies.RecoveryPlan(
        name="conf-plan",
        description="",
        primary_location=datapolicies.DisasterRecoveryLocation(domain_manager_ext_id=here.manager),
        recovery_location=datapolicies.DisasterRecoveryLocation(domain_manager_ext_id=there.manager),
    )
    prism.done(plans.create_recovery_plan(body))
    ident = prism.one(plans.list_recovery_plans, "name eq 'conf-plan'").ext_id
    mapping = datapolicies.NetworkMapping(
        primary_network=network(here),
        recovery_network=network(there),
        primary_test_network=network(here, test=True),
        recovery_test_network=network(there, test=True),
        is_ip_mapping_enabled=True,
    )
    prism.done(plans.create_network_mapping(ident, mapping))
    stage = datapolicies.RecoveryStage(
        entity_type=datapolicies.RecoverableEntityType.VM,
        category_ext_ids=[category],
        priority=1,
        post_actions=[datapolicies.StageAction(config=datapolicies.DelayAction(delay_secs=30))],
    )
    prism.done(plans.create_recovery_stage(ident, stage))
    until(lambda: there.prism.one(there.prism.plans.list_recovery_plans, "name eq 'conf-plan'"), "the plan over there")
    return ident


def directions(source, target):
    return [
        dataprotection.FailoverDirection(
            source_domain_manager_ext_id=source.manager, target_domain_manager_ext_id=target.manager
        )
    ]


def job_of(site, reference):
    """The job an action has started, once it has ended."""
    prism = site.prism

    def found():
        task = prism.look(reference)
        ids = [one.ext_id for one in task.entities_affected or [] if one.rel.endswith("recovery-plan-job")]
        return ids and ids[0]

    ident = until(found, "the job of the task")
    return until(
        lambda: (job := prism.jobs.get_recovery_plan_job_by_id(ident).data).status in JOB_ENDED and job,
        "the job to end",
        timeout=40,
    )


def findings(site, job):
    found = site.prism.jobs.list_validation_errors_by_recovery_plan_job_id(job.ext_id).data or []
    return [(one.severity, one.error_group, one.message) for one in found]


def addresses(vm):
    found = []
    for nic in vm.nics:
        config = nic.nic_network_info.ipv4_config
        found += [config.ip_address.value] + [one.value for one in config.secondary_ip_address_list or []]
    return found


def newest_point(site, vm):
    """The newest recovery point of a VM at a site."""
    points = site.prism.everything(site.prism.points.list_recovery_points, _orderby="creationTime desc")
    return next((one for one in points if any(part.vm_ext_id == vm for part in one.vm_recovery_points or [])), None)


def replicated(source, target, names):
    """Waits until every machine of the source has a recovery point at the target."""
    for vm in source.machines(names).values():
        until(lambda vm=vm: newest_point(target, vm.ext_id), f"a recovery point of {vm.name} at {target.name}")


def test_a_policy_is_read_as_it_was_written(sites, policy, category):
    here, there = sites
    read = here.prism.policies.get_protection_policy_by_id(policy).data
    assert type(read).__name__ == "ProtectionPolicy"
    assert read.category_ids == [category]
    assert {one.domain_manager_ext_id: one.is_primary for one in read.replication_locations} == {
        here.manager: True,
        there.manager: False,
    }
    schedule = read.replication_configurations[0].schedule
    assert schedule.recovery_point_objective_time_seconds == 3600
    assert type(schedule.retention).__name__ == "LinearRetention" and schedule.retention.remote == 2
    copied = there.prism.policies.list_protection_policies(_filter="name eq 'conf-policy'").data
    assert len(copied) == 1, "the paired side has it too"


def test_a_policy_is_changed_with_its_etag_only(sites, policy, refuse):
    policies = sites[0].prism.policies
    first = policies.get_protection_policy_by_id(policy).data
    second = policies.get_protection_policy_by_id(policy).data
    first.description = "changed"
    sites[0].prism.done(policies.update_protection_policy_by_id(policy, first))
    assert policies.get_protection_policy_by_id(policy).data.description == "changed"
    second.description = "stale"
    with refuse(412):
        policies.update_protection_policy_by_id(policy, second)


def test_a_plan_is_read_with_its_parts(sites, plan, category):
    here, there = sites
    plans = here.prism.plans
    read = plans.get_recovery_plan_by_id(plan).data
    assert type(read).__name__ == "RecoveryPlan"
    assert read.primary_location.domain_manager_ext_id == here.manager
    assert read.recovery_location.domain_manager_ext_id == there.manager
    (mapping,) = plans.list_network_mappings(plan).data
    full = plans.get_network_mapping_by_id(plan, mapping.ext_id).data
    assert type(full).__name__ == "NetworkMapping" and full.is_ip_mapping_enabled is True
    assert (full.primary_network.subnet_ext_id, full.recovery_network.subnet_ext_id) == (here.subnet, there.subnet)
    assert full.recovery_test_network.vpc.ext_id == there.test_vpc
    (stage,) = plans.list_recovery_stages(plan).data
    full = plans.get_recovery_stage_by_id(plan, stage.ext_id).data
    assert type(full).__name__ == "RecoveryStage" and full.category_ext_ids == [category]
    assert type(full.post_actions[0].config).__name__ == "DelayAction" and full.post_actions[0].config.delay_secs == 30


def test_parts_of_a_plan_are_added_changed_and_deleted(sites, plan, machines, refuse):
    here, _ = sites
    plans, prism = here.prism.plans, here.prism
    vm = here.machines(machines)["conf-dr-2"].ext_id
    (mapping,) = plans.list_network_mappings(plan).data
    ip = datapolicies.IPAddress(ipv4=datapolicies.IPv4Address(value="10.251.1.20", prefix_length=32))
    setting = datapolicies.RecoverySetting(
        scope=datapolicies.RecoverySettingScope.VM,
        recovery_setting=datapolicies.VmRecoverySetting(
            vm=datapolicies.EntityReference(ext_id=vm),
            power_state=datapolicies.PowerState.ON,
            ip_mappings=[
                datapolicies.IpMapping(
                    network_mapping_ext_id=mapping.ext_id,
                    primary_ip=ip,
                    recovery_ip=ip,
                    primary_test_ip=ip,
                    recovery_test_ip=ip,
                )
            ],
        ),
    )
    prism.done(plans.create_recovery_setting(plan, setting))
    (made,) = plans.list_recovery_settings(plan).data
    answer = plans.get_recovery_setting_by_id(plan, made.ext_id)
    assert type(answer.data.recovery_setting).__name__ == "VmRecoverySetting"
    assert answer.data.recovery_setting.ip_mappings[0].recovery_ip.ipv4.value == "10.251.1.20"
    etag = prism.etag("datapolicies", answer)
    prism.done(plans.delete_recovery_setting_by_id(plan, made.ext_id, if_match=etag))
    assert not plans.list_recovery_settings(plan).data
    stage = datapolicies.RecoveryStage(entities=[datapolicies.EntityReference(ext_id=vm)], entity_type="VM", priority=2)
    prism.done(plans.create_recovery_stage(plan, stage))
    extra = next(one for one in plans.list_recovery_stages(plan).data if one.priority == 2)
    full = plans.get_recovery_stage_by_id(plan, extra.ext_id)
    full.data.priority = 3
    prism.done(plans.update_recovery_stage_by_id(plan, extra.ext_id, full.data))
    now = plans.get_recovery_stage_by_id(plan, extra.ext_id)
    assert now.data.priority == 3
    prism.done(plans.delete_recovery_stage_by_id(plan, extra.ext_id, if_match=prism.etag("datapolicies", now)))
    with refuse(404):
        plans.get_recovery_stage_by_id(plan, extra.ext_id)


def test_recovery_points_are_taken_replicated_and_retained(lab, sites, policy, machines):
    here, there = sites
    replicated(here, there, machines)
    vm = here.machines(machines)["conf-dr-1"].ext_id
    point = newest_point(there, vm)
    assert type(point).__name__ == "RecoveryPoint" and point.status == "COMPLETE"
    lab.pass_time(3 * 3600)
    later = until(
        lambda: (newer := newest_point(there, vm)).creation_time > point.creation_time and newer,
        "a newer recovery point",
    )
    read = there.prism.points.get_recovery_point_by_id(later.ext_id).data
    assert read.location_agnostic_id == later.location_agnostic_id
    points = there.prism.everything(there.prism.points.list_recovery_points)
    of_vm = [one for one in points if any(part.vm_ext_id == vm for part in one.vm_recovery_points or [])]
    assert len(of_vm) <= 2, "two are retained"


def test_a_protected_vm_lists_the_sites_that_can_recover_it(sites, policy, machines):
    here, there = sites
    replicated(here, there, machines)
    vm = here.machines(machines)["conf-dr-1"].ext_id
    resource = here.prism.protected.get_protected_resource_by_id(vm).data
    assert type(resource).__name__ == "ProtectedResource" and resource.entity_ext_id == vm
    assert resource.source_site_reference.domain_manager_ext_id == here.manager
    (state,) = resource.replication_states
    assert (state.protection_policy_ext_id, state.recovery_point_objective_seconds) == (policy, 3600)


def test_a_valid_plan_has_no_validation_errors(sites, plan, machines):
    here, there = sites
    replicated(here, there, machines)
    spec = dataprotection.BaseRecoveryPlanActionSpec(name="conf-validate", failover_directions=directions(here, there))
    job = job_of(there, there.prism.actions.validate_recovery_plan(plan, spec))
    assert type(job).__name__ == "RecoveryPlanJob"
    assert (job.action_type, job.status) == ("VALIDATE", "SUCCEEDED"), findings(there, job)
    assert findings(there, job) == []


def test_a_test_failover_keeps_the_originals_and_is_cleaned_up(sites, plan, machines):
    here, there = sites
    replicated(here, there, machines)
    before = {name: (vm.ext_id, vm.power_state) for name, vm in here.machines(machines).items()}
    spec = dataprotection.TestFailoverSpec(name="conf-test", failover_directions=directions(here, there))
    job = job_of(there, there.prism.actions.test_failover_recovery_plan(plan, spec))
    assert job.status == "SUCCEEDED", findings(there, job)
    vnics = there.prism.subnets.list_vnics_by_subnet_id(there.test_subnet).data
    assert sorted(one.assigned_ipv4_addresses[0].ipv4.value for one in vnics) == [
        "10.251.1.10",
        "10.251.1.20",
        "10.251.1.30",
    ]
    assert there.machines(machines) == {}, "no machine in the production subnet"
    assert {name: (vm.ext_id, vm.power_state) for name, vm in here.machines(machines).items()} == before
    there.prism.done(there.prism.actions.cleanup_recovery_plan_resources(plan))
    until(lambda: not there.prism.subnets.list_vnics_by_subnet_id(there.test_subnet).data, "the test machines to go")


def test_planned_failover_and_failback_keep_addresses_and_macs(sites, plan, machines, category):
    here, there = sites
    replicated(here, there, machines)
    for source, target in ((here, there), (there, here)):
        before = source.machines(machines)
        spec = dataprotection.PlannedFailoverSpec(
            name=f"conf-to-{target.name}", failover_directions=directions(source, target), should_ignore_warnings=False
        )
        reference = target.prism.actions.planned_failover_recovery_plan(plan, spec)
        job = job_of(target, reference)
        assert job.status == "SUCCEEDED", findings(target, job)
        assert (job.action_type, job.percentage_complete) == ("PLANNED_FAILOVER", 100)
        assert [phase.phase_type for phase in job.execution_phases] == [
            "PRE_PROCESSING",
            "ENTITY_RECOVERY",
            "POST_PROCESSING",
        ]
        assert {phase.status for phase in job.execution_phases} == {"SUCCEEDED"}
        assert target.prism.done(reference)
        after = target.machines(machines)
        assert {name: addresses(vm) for name, vm in after.items()} == machines
        assert {name: vm.power_state for name, vm in after.items()} == {
            "conf-dr-1": "ON",
            "conf-dr-2": "ON",
            "conf-dr-3": "OFF",
        }
        for name, vm in after.items():
            old = before[name].nics[0].nic_backing_info.mac_address
            assert vm.nics[0].nic_backing_info.mac_address == old, "a planned failover keeps the MAC"
        assert source.machines(machines) == {}, "the originals are deleted"
        steps = target.prism.everything(target.prism.jobs.list_execution_steps_by_recovery_plan_job_id, job.ext_id)
        results = [one.result for step in steps for one in step.execution_step_results or []]
        assert {type(one).__name__ for one in results} == {"EntityRecoveryResult"}
        recovered = {one.source_entity_ext_id: one.recovered_entity_ext_id for one in results}
        for name, vm in before.items():
            assert recovered[vm.ext_id] == after[name].ext_id
        labels = {one.ext_id for vm in after.values() for one in vm.categories or []}
        keys = {target.prism.categories.get_category_by_id(one).data.key for one in labels}
        assert keys == {"ConfDR"}
        until(
            lambda target=target, source=source: replicated(target, source, machines) is None,
            "replication to turn round",
        )


def test_a_second_failover_while_one_runs_is_refused(lab, sites, plan, machines):
    here, there = sites
    replicated(here, there, machines)
    spec = dataprotection.BaseRecoveryPlanActionSpec(name="conf-first", failover_directions=directions(here, there))
    with lab.frozen():
        first = there.prism.actions.validate_recovery_plan(plan, spec)
        try:
            second = there.prism.actions.validate_recovery_plan(plan, spec)
        except dataprotection.rest.ApiException as error:
            assert error.status in (409, 422), error.body
            second = None
    if second is not None:
        assert there.prism.failed(second).message
    job_of(there, first)


def test_a_target_subnet_with_another_prefix_is_a_warning(sites, category, machines, policy):
    here, there = sites
    replicated(here, there, machines)
    plans, prism = here.prism.plans, here.prism
    other = there.prism.make_subnet("conf-dr-other", "10.251.2.0/24", there.vpc)
    body = datapolicies.RecoveryPlan(
        name="conf-plan-2",
        primary_location=datapolicies.DisasterRecoveryLocation(domain_manager_ext_id=here.manager),
        recovery_location=datapolicies.DisasterRecoveryLocation(domain_manager_ext_id=there.manager),
    )
    prism.done(plans.create_recovery_plan(body))
    ident = prism.one(plans.list_recovery_plans, "name eq 'conf-plan-2'").ext_id
    elsewhere = network(there)
    elsewhere.subnet_ext_id = other
    elsewhere.ip_config.ipv4.default_gateway_ip = "10.251.2.1"
    mapping = datapolicies.NetworkMapping(
        primary_network=network(here), recovery_network=elsewhere, is_ip_mapping_enabled=True
    )
    prism.done(plans.create_network_mapping(ident, mapping))
    prism.done(
        plans.create_recovery_stage(ident, datapolicies.RecoveryStage(entity_type="VM", category_ext_ids=[category]))
    )
    spec = dataprotection.BaseRecoveryPlanActionSpec(name="conf-warn", failover_directions=directions(here, there))
    job = job_of(there, there.prism.actions.validate_recovery_plan(ident, spec))
    assert job.status == "SUCCEEDED_WITH_VALIDATION_WARNING"
    found = findings(there, job)
    assert {(severity, group) for severity, group, _ in found} == {("WARNING", "NETWORK")}
    assert "cannot be preserved" in found[0][2]
    strict = dataprotection.PlannedFailoverSpec(
        name="conf-refused", failover_directions=directions(here, there), should_ignore_warnings=False
    )
    job = job_of(there, there.prism.actions.planned_failover_recovery_plan(ident, strict))
    assert job.status == "FAILED"
    assert len(here.machines(machines)) == 3, "a warning that is not ignored stops the job before any machine moves"
    etag = prism.etag("datapolicies", plans.get_recovery_plan_by_id(ident))
    prism.done(plans.delete_recovery_plan_by_id(ident, if_match=etag))
    until(lambda: not plans.list_recovery_plans(_filter="name eq 'conf-plan-2'").data, "the plan to go")


def test_an_unplanned_failover_keeps_the_originals_and_changes_the_mac(sites, plan, machines):
    here, there = sites
    replicated(here, there, machines)
    before = here.machines(machines)
    spec = dataprotection.UnplannedFailoverSpec(
        name="conf-unplanned", failover_directions=directions(here, there), should_ignore_warnings=True
    )
    job = job_of(there, there.prism.actions.unplanned_failover_recovery_plan(plan, spec))
    assert job.status.startswith("SUCCEEDED"), findings(there, job)
    after = there.machines(machines)
    assert {name: addresses(vm) for name, vm in after.items()} == machines
    for name, vm in after.items():
        assert vm.nics[0].nic_backing_info.mac_address != before[name].nics[0].nic_backing_info.mac_address
    still = here.machines(machines)
    assert {name: vm.ext_id for name, vm in still.items()} == {name: vm.ext_id for name, vm in before.items()}


def test_jobs_are_listed_newest_first_for_one_plan(sites, plan):
    there = sites[1]
    found = there.prism.jobs.list_recovery_plan_jobs(
        _filter=f"recoveryPlanExtId eq '{plan}'", _orderby="startTime desc", _limit=100
    ).data
    assert len(found) >= 3
    assert {one.recovery_plan_ext_id for one in found} == {plan}
    starts = [one.start_time for one in found]
    assert starts == sorted(starts, reverse=True)
