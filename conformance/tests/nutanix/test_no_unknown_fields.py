"""Every field in the lab's answers is declared by the SDKs' models."""

import pytest


def undeclared(value, path="data"):
    """Paths of fields that are not declared, and of dictionaries instead of models."""
    if isinstance(value, list):
        return [found for number, one in enumerate(value) for found in undeclared(one, f"{path}[{number}]")]
    if isinstance(value, dict):
        # The only declared dictionary: the arguments of a message.
        return [] if path.endswith(".arguments_map") else [f"{path}: a dictionary {sorted(value)[:5]}"]
    if not hasattr(value, "get_object_type"):
        return []
    found = [f"{path}.{name}" for name in value.get_unknown_fields() or {}]
    for name in value.to_dict():
        if not name.startswith("_"):
            found += undeclared(getattr(value, name), f"{path}.{name}")
    return found


LISTS = {
    "vms": lambda pc: pc.vms.list_vms(_filter="startswith(name, 'mgmt-')"),
    "nics": lambda pc: pc.vms.list_nics_by_vm_id(pc.vms.list_vms(_filter="name eq 'mgmt-jump'").data[0].ext_id),
    "subnets": lambda pc: pc.subnets.list_subnets(_limit=100),
    "vnics": lambda pc: pc.subnets.list_vnics_by_subnet_id(
        pc.subnets.list_subnets(_filter="name eq 'mgmt'").data[0].ext_id
    ),
    "vpcs": lambda pc: pc.vpcs.list_vpcs(),
    "route tables": lambda pc: pc.route_tables.list_route_tables(),
    "routes": lambda pc: pc.routes.list_routes_by_route_table_id(pc.route_tables.list_route_tables().data[0].ext_id),
    "aws vpcs": lambda pc: pc.aws_vpcs.list_aws_vpcs(pc.vms.list_vms(_limit=1).data[0].cluster.ext_id),
    "aws subnets": lambda pc: pc.aws_subnets.list_aws_subnets(pc.vms.list_vms(_limit=1).data[0].cluster.ext_id),
    "categories": lambda pc: pc.categories.list_categories(_limit=5),
    "tasks": lambda pc: pc.tasks.list_tasks(_limit=100),
    "domain managers": lambda pc: pc.domain_managers.list_domain_managers(),
    "registrations": lambda pc: pc.registrations.list_registrations(pc.domain_manager),
    "policies": lambda pc: pc.policies.list_protection_policies(),
    "plans": lambda pc: pc.plans.list_recovery_plans(),
    "mappings": lambda pc: [
        pc.plans.list_network_mappings(plan.ext_id) for plan in pc.plans.list_recovery_plans().data
    ],
    "stages": lambda pc: [pc.plans.list_recovery_stages(plan.ext_id) for plan in pc.plans.list_recovery_plans().data],
    "jobs": lambda pc: pc.jobs.list_recovery_plan_jobs(),
    "steps": lambda pc: [
        pc.jobs.list_execution_steps_by_recovery_plan_job_id(job.ext_id)
        for job in pc.jobs.list_recovery_plan_jobs().data
    ],
    "findings": lambda pc: [
        pc.jobs.list_validation_errors_by_recovery_plan_job_id(job.ext_id)
        for job in pc.jobs.list_recovery_plan_jobs().data
    ],
    "recovery points": lambda pc: pc.points.list_recovery_points(),
}


@pytest.mark.parametrize("name", LISTS)
def test_every_field_is_declared_by_the_model(osaka, name):
    answers = LISTS[name](osaka)
    answers = answers if isinstance(answers, list) else [answers]
    if not any(answer.data for answer in answers):
        pytest.skip("skipped: nothing there to look at; the other tests of this group make it")
    for answer in answers:
        assert undeclared(answer.data or []) == []
        assert undeclared(answer.metadata, "metadata") == []
