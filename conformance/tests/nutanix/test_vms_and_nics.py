"""VMs and their NICs: ETags, tasks, addresses, and the errors of failed tasks."""

import uuid

import ntnx_vmm_py_client as vmm
import pytest

from lab_control import until

CIDR = "10.250.1.0/24"


@pytest.fixture(scope="module")
def subnet(tokyo):
    made = tokyo.make_subnet("conf-vms", CIDR, tokyo.vpc("prod").ext_id)
    yield made
    tokyo.drop_subnet(made)


@pytest.fixture
def vm(tokyo, fresh_name):
    made = tokyo.make_vm(fresh_name)
    yield made
    tokyo.drop_vm(made)


def test_a_vm_is_created_read_renamed_and_deleted(tokyo, refuse, fresh_name):
    ident = tokyo.make_vm(fresh_name)
    answer = tokyo.vms.get_vm_by_id(ident)
    assert type(answer.data).__name__ == "Vm"
    assert (answer.data.name, answer.data.power_state) == (fresh_name, "OFF")
    assert (answer.data.num_sockets, answer.data.memory_size_bytes) == (2, 4 << 30)
    answer.data.description = "renamed"
    tokyo.done(tokyo.vms.update_vm_by_id(ident, answer.data))
    assert tokyo.vms.get_vm_by_id(ident).data.description == "renamed"
    tokyo.drop_vm(ident)
    with refuse(404):
        tokyo.vms.get_vm_by_id(ident)


def test_a_vm_is_powered_on_and_off(tokyo, vm):
    tokyo.done(tokyo.vms.power_on_vm(vm, if_match=tokyo.vm_etag(vm)))
    assert tokyo.vms.get_vm_by_id(vm).data.power_state == "ON"
    error = tokyo.failed(tokyo.vms.power_on_vm(vm, if_match=tokyo.vm_etag(vm)))
    assert error.message
    tokyo.done(tokyo.vms.power_off_vm(vm, if_match=tokyo.vm_etag(vm)))
    assert tokyo.vms.get_vm_by_id(vm).data.power_state == "OFF"


def test_a_task_is_queued_then_runs_then_succeeds(lab, tokyo, vm, subnet):
    with lab.frozen():
        answer = tokyo.add_nic(vm, tokyo.nic(subnet))
        assert type(answer.data).__name__ == "TaskReference"
        assert tokyo.look(answer).status == "QUEUED"
        with lab.at_speed(1):
            running = until(lambda: (task := tokyo.look(answer)).status == "RUNNING" and task, "the task to run")
        assert 0 < running.progress_percentage < 100 and running.started_time
        assert not tokyo.nics(vm), "the change is applied when the task ends"
    task = tokyo.done(answer)
    assert type(task).__name__ == "Task"
    assert task.progress_percentage == 100 and task.completed_time >= task.started_time >= task.created_time
    assert {entity.rel for entity in task.entities_affected} == {"vmm:ahv:config:vm"}
    assert len(tokyo.nics(vm)) == 1


def test_a_nic_gets_the_requested_address_and_mac(tokyo, vm, subnet, read_address):
    mac = "50:6b:8d:aa:bb:01"
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet, "10.250.1.34", mac, secondary=["10.250.1.134"])))
    (nic,) = tokyo.nics(vm)
    assert read_address(nic) == "10.250.1.34"
    assert nic.nic_backing_info.mac_address == mac
    assert [one.value for one in nic.nic_network_info.ipv4_config.secondary_ip_address_list] == ["10.250.1.134"]
    assert type(nic.nic_network_info).__name__ == "VirtualEthernetNicNetworkInfo"
    assert nic.network_info.ipv4_config.ip_address.value == "10.250.1.34", "the answer has the old shape too"


def test_a_nic_without_an_address_gets_one_from_the_pool(tokyo, vm, subnet, read_address):
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet)))
    (nic,) = tokyo.nics(vm)
    assert 200 <= int(read_address(nic).rsplit(".", 1)[1]) <= 250
    assert nic.nic_backing_info.mac_address.startswith("50:6b:8d:")


def test_a_nic_is_replaced_by_one_with_the_original_address(tokyo, vm, subnet, read_address):
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet)))
    (old,) = tokyo.nics(vm)
    tokyo.done(tokyo.remove_nic(vm, old.ext_id))
    assert not tokyo.nics(vm)
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet, "10.250.1.10")))
    (new,) = tokyo.nics(vm)
    assert read_address(new) == "10.250.1.10" and new.ext_id != old.ext_id


def test_an_address_in_use_fails_the_task_and_leaves_no_nic(tokyo, vm, subnet, fresh_name):
    other = tokyo.make_vm(f"{fresh_name}-2", tokyo.nic(subnet, "10.250.1.20"))
    error = tokyo.failed(tokyo.add_nic(vm, tokyo.nic(subnet, "10.250.1.20")))
    assert "10.250.1.20" in error.message and error.severity == "ERROR" and error.code
    assert not tokyo.nics(vm)
    tokyo.drop_vm(other)


@pytest.mark.parametrize(
    "address",
    ["10.99.0.9", "10.250.1.0", "10.250.1.255", "10.250.1.1"],
    ids=["outside", "network", "broadcast", "gateway"],
)
def test_an_impossible_address_fails_the_task(tokyo, vm, subnet, address):
    assert address in tokyo.failed(tokyo.add_nic(vm, tokyo.nic(subnet, address))).message


def test_an_address_on_an_unmanaged_network_fails_the_task(tokyo, vm):
    unmanaged = next(
        one
        for one in tokyo.everything(
            tokyo.subnets.list_subnets, _filter="subnetType eq Networking.Config.SubnetType'VLAN'"
        )
        if not one.ip_config
    )
    error = tokyo.failed(tokyo.add_nic(vm, tokyo.nic(unmanaged.ext_id, "10.99.0.9")))
    assert "unmanaged network" in error.message


def test_the_same_request_id_gives_the_same_task(tokyo, vm, subnet):
    client = tokyo.client("vmm")
    api = vmm.VmApi(client)
    client.add_default_header("NTNX-Request-Id", str(uuid.uuid4()))
    etag = tokyo.vm_etag(vm)
    first = api.create_nic(vm, tokyo.nic(subnet), if_match=etag)
    again = api.create_nic(vm, tokyo.nic(subnet), if_match=etag)
    assert first.data.ext_id == again.data.ext_id
    tokyo.done(first)
    later = api.create_nic(vm, tokyo.nic(subnet), if_match=etag)
    assert later.data.ext_id == first.data.ext_id
    assert len(tokyo.nics(vm)) == 1


def test_a_stale_etag_is_refused(tokyo, vm, subnet, refuse):
    stale = tokyo.vm_etag(vm)
    tokyo.done(tokyo.vms.create_nic(vm, tokyo.nic(subnet), if_match=stale))
    assert tokyo.vm_etag(vm) != stale, "every NIC operation changes the VM's ETag"
    with refuse(412) as why:
        tokyo.vms.create_nic(vm, tokyo.nic(subnet), if_match=stale)
    assert "VM_ETAG_MISMATCH" in why.body and "VMM-30303" in why.body
    with refuse(412):
        tokyo.vms.power_on_vm(vm, if_match=stale)
    assert len(tokyo.nics(vm)) == 1


def test_a_missing_etag_is_refused(tokyo, vm, subnet, refuse):
    with refuse(428):
        tokyo.vms.create_nic(vm, tokyo.nic(subnet))
    with refuse(428):
        tokyo.vms.delete_vm_by_id(vm)


def test_an_address_is_assigned_and_released(tokyo, vm, subnet, read_address):
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet)))
    (nic,) = tokyo.nics(vm)
    etag = tokyo.etag("vmm", tokyo.vms.get_nic_by_id(vm, nic.ext_id))
    params = vmm.AssignIpParams(ip_address=vmm.IPv4Address(value="10.250.1.77", prefix_length=32))
    tokyo.done(tokyo.vms.assign_ip_by_id(vm, nic.ext_id, params, if_match=tokyo.vm_etag(vm)))
    (changed,) = tokyo.nics(vm)
    assert read_address(changed) == "10.250.1.77"
    assert changed.nic_backing_info.mac_address == nic.nic_backing_info.mac_address
    now = tokyo.etag("vmm", tokyo.vms.get_nic_by_id(vm, nic.ext_id))
    assert now != etag
    tokyo.done(tokyo.vms.release_ip_by_id(vm, nic.ext_id, if_match=now))
    assert read_address(tokyo.nics(vm)[0]) is None


def test_a_nic_migrates_to_another_subnet(tokyo, vm, subnet, read_address):
    other = tokyo.make_subnet("conf-vms-2", "10.250.2.0/24", tokyo.vpc("prod").ext_id)
    tokyo.done(tokyo.add_nic(vm, tokyo.nic(subnet)))
    (nic,) = tokyo.nics(vm)
    config = vmm.MigrateNicConfig(
        subnet=vmm.SubnetReference(ext_id=other),
        migrate_type=vmm.MigrateNicType.ASSIGN_IP,
        ip_address=vmm.IPv4Address(value="10.250.2.9", prefix_length=32),
    )
    etag = tokyo.etag("vmm", tokyo.vms.get_nic_by_id(vm, nic.ext_id))
    tokyo.done(tokyo.vms.migrate_nic_by_id(vm, nic.ext_id, config, if_match=etag))
    (moved,) = tokyo.nics(vm)
    assert (read_address(moved), moved.nic_network_info.subnet.ext_id) == ("10.250.2.9", other)
    tokyo.done(tokyo.remove_nic(vm, moved.ext_id))
    tokyo.drop_subnet(other)


def test_categories_are_attached_and_detached(tokyo, vm, fresh_name):
    one, two = tokyo.make_category(fresh_name, "one"), tokyo.make_category(fresh_name, "two")
    tokyo.associate(vm, one)
    tokyo.associate(vm, two)
    assert {found.ext_id for found in tokyo.vms.get_vm_by_id(vm).data.categories} == {one, two}
    params = vmm.AhvConfigDisassociateVmCategoriesParams(categories=[vmm.AhvConfigCategoryReference(ext_id=one)])
    tokyo.done(tokyo.vms.disassociate_categories(vm, params, if_match=tokyo.vm_etag(vm)))
    assert [found.ext_id for found in tokyo.vms.get_vm_by_id(vm).data.categories] == [two]
