"""A migration from start to end, and refused requests."""

import re

import pytest

from lab_control import until

VM_IN_LINK = re.compile(r"vm/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/proxy")


def instance_state(ec2, ident):
    found = ec2.describe_instances(InstanceIds=[ident])["Reservations"][0]["Instances"][0]
    return found["State"]["Name"], found["NetworkInterfaces"][0]["MacAddress"], found["PrivateIpAddress"]


def test_a_machine_moves_from_ec2_to_the_cluster(lab, move, prism, ec2, target, fresh_name):
    web = move.workload("web-02")
    _, mac, _ = instance_state(ec2, web["VmID"])
    plan = move.make_plan(fresh_name, target, web)
    first = move.prepare(plan, web)
    assert first["Passed"] is None and first["Failed"] is None and first["InstallationInProgress"]
    assert move.post(f"/plans/{plan}/readiness")["Status"]["VMChecksResult"]["Failed"]
    move.prepared(plan, web)
    ready = move.post(f"/plans/{plan}/readiness")["Status"]
    assert ready["Failed"] is None and ready["VMChecksResult"]["Failed"] is None
    with lab.frozen():
        move.post(f"/plans/{plan}/start", status=(200, 202))
        assert "Progress" not in move.status(plan)[1][web["VMUuid"]], "nothing is copied yet"
    seen = []

    def copied():
        vm = move.status(plan)[1][web["VMUuid"]]
        if "Progress" in vm:
            seen.append((vm["Progress"], vm["CopiedDataSizeInBytes"]))
        return "CUTOVER" in (vm["Actions"] or [])

    with lab.at_speed(600):
        until(copied, "the data to be copied", timeout=30)
    assert seen == sorted(seen) and 0 <= seen[0][0] < 100 and seen[-1][0] == 100
    shown = move.get(f"/plans/{plan}")["MetaData"]
    assert shown["StateString"] == "MigrationPlanStateInProgress" and shown["State"] == 4, (
        "ready is of a VM, not of a plan"
    )
    assert shown["VMStateCounts"] == {"ReadyToCutover": 1}
    assert instance_state(ec2, web["VmID"])[0] == "running"
    move.act(plan, web, "cutover")
    until(lambda: "DELETE" in move.status(plan)[0], "the plan to end")
    actions, vms = move.status(plan)
    done = vms[web["VMUuid"]]
    assert done["StateString"] == "Completed" and "DELETE" in actions
    final = move.get(f"/plans/{plan}")["MetaData"]
    assert (final["State"], final["StateString"]) == (7, "MigrationPlanStateCompleted")
    assert instance_state(ec2, web["VmID"])[0] == "stopped", "stopped, never terminated"
    (ident,) = VM_IN_LINK.findall(done["VmConsoleLink"])
    vm = prism(f"vmm/v4.2/ahv/config/vms/{ident}")
    assert (vm["name"], vm["powerState"]) == ("web-02", "ON")
    (nic,) = vm["nics"]
    network = nic["nicNetworkInfo"]
    assert network["subnet"]["extId"] == target
    assert network["ipv4Config"]["ipAddress"]["value"].startswith("192.168.50."), (
        "an address of the pool, not the old one"
    )
    assert nic["nicBackingInfo"]["macAddress"] != mac and nic["nicBackingInfo"]["macAddress"].startswith("50:6b:8d:")
    names = [
        one["Event"]["EventName"] for one in move.post("/events", {})["Events"] if one["Event"]["MpName"] == fresh_name
    ]
    assert names
    move.call("DELETE", f"/plans/{plan}", status=(200, 202, 204))
    move.get(f"/plans/{plan}", status=404)


def test_a_stopped_machine_becomes_a_powered_off_vm(move, prism, target, fresh_name):
    report = move.workload("report")
    plan = move.make_plan(fresh_name, target, report)
    move.prepared(plan, report)
    move.post(f"/plans/{plan}/start", status=(200, 202))
    move.ready(plan, report)
    move.act(plan, report, "cutover")
    until(lambda: "DELETE" in move.status(plan)[0], "the plan to end")
    (ident,) = VM_IN_LINK.findall(move.status(plan)[1][report["VMUuid"]]["VmConsoleLink"])
    assert prism(f"vmm/v4.2/ahv/config/vms/{ident}")["powerState"] == "OFF"


@pytest.fixture
def running(move, target, fresh_name):
    """A plan that has been started: plan and workload."""
    workload = move.workload("cache-01")
    plan = move.make_plan(fresh_name, target, workload)
    move.prepared(plan, workload)
    move.post(f"/plans/{plan}/start", status=(200, 202))
    yield plan, workload
    if "CANCEL" in move.status(plan)[0]:
        move.post(f"/plans/{plan}/cancel")
    until(lambda: "DELETE" in move.status(plan)[0], "the plan to end")
    move.call("DELETE", f"/plans/{plan}", status=(200, 202, 204))


def test_a_second_start_is_refused(move, running):
    assert move.post(f"/plans/{running[0]}/start", status=409)["Message"]


def test_there_is_no_cutover_of_a_whole_plan(move, running):
    move.post(f"/plans/{running[0]}/cutover", status=404)


def test_an_action_that_is_not_advertised_is_refused(lab, move, target, fresh_name):
    workload = move.workload("db-02")
    plan = move.make_plan(fresh_name, target, workload)
    move.prepared(plan, workload)
    with lab.frozen():
        move.post(f"/plans/{plan}/start", status=(200, 202))
        assert move.act(plan, workload, "cutover", status=409)["Message"]
        move.act(plan, workload, "undotest", status=409)
    move.post(f"/plans/{plan}/cancel")


def test_a_running_plan_cannot_be_edited_or_deleted(move, running, target, fresh_name):
    body = move.plan_body(f"{fresh_name}-2", target, running[1])
    assert "not allowed" in move.call("PUT", f"/plans/{running[0]}", body, status=(409, 422))["Message"]
    move.call("DELETE", f"/plans/{running[0]}", status=(409, 422))


def test_a_plan_is_suspended_resumed_and_cancelled(move, running):
    plan, workload = running
    move.ready(plan, workload)
    move.post(f"/plans/{plan}/suspend")
    assert move.get(f"/plans/{plan}")["MetaData"]["StateString"] == "MigrationPlanStatePaused"
    move.act(plan, workload, "cutover", status=409)
    move.post(f"/plans/{plan}/resume")
    move.ready(plan, workload)
    move.post(f"/plans/{plan}/cancel")
    until(lambda: move.get(f"/plans/{plan}")["MetaData"]["State"] == 6, "the plan to be aborted")


def test_a_machine_is_in_one_active_plan_only(move, running, target, fresh_name):
    body = move.plan_body(f"{fresh_name}-2", target, running[1])
    assert move.post("/plans", body, status=409)["Message"]


def test_plans_are_listed_with_and_without_their_machines(move, running):
    bare = {one["MetaData"]["UUID"]: one for one in move.post("/plans/list")["Entities"]}
    assert running[0] in bare and not bare[running[0]]["MetaData"].get("VMStatus")
    full = move.post("/plans/list?IncludeVMDetails=true&IncludeEntityDetails=True")["Entities"]
    one = next(plan for plan in full if plan["MetaData"]["UUID"] == running[0])
    assert one["MetaData"]["VMStatus"][0]["UUID"] == running[1]["VMUuid"]


def test_a_plan_with_unknown_objects_is_refused(move, target, fresh_name):
    workload = move.workload("db-01")
    nowhere = "00000000-0000-4000-8000-000000000000"
    move.post("/plans", move.plan_body(fresh_name, nowhere, workload), status=422)
    for path in (
        ("TargetInfo", "AOSProviderAttrs", "ClusterUUID"),
        ("TargetInfo", "AOSProviderAttrs", "ContainerUUID"),
    ):
        body = move.plan_body(fresh_name, target, workload)
        inner = body["Spec"]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = nowhere
        move.post("/plans", body, status=422)


def test_a_test_network_equal_to_the_target_has_its_own_code(move, target, fresh_name):
    body = move.plan_body(fresh_name, target, move.workload("db-01"))
    body["Spec"]["NetworkMappings"][0]["TestNetworkID"] = target
    assert move.post("/plans", body, status=422)["Code"] == 20538


def test_a_plan_has_at_most_fifty_machines(move, target, fresh_name):
    body = move.plan_body(fresh_name, target, move.workload("db-01"))
    body["Spec"]["Workload"]["VMs"] *= 51
    move.post("/plans", body, status=422)


def test_a_plan_is_not_started_before_its_guests_are_prepared(move, target, fresh_name):
    plan = move.make_plan(fresh_name, target, move.workload("db-01"))
    assert move.post(f"/plans/{plan}/start", status=(409, 422))["Message"]
    move.call("DELETE", f"/plans/{plan}", status=(200, 202, 204))
