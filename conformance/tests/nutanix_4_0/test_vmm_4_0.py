"""The first generation of the vmm SDK: it does not negotiate, uses v4.0 and has only the old shape of a NIC."""

import os
import uuid

import ntnx_vmm_py_client as vmm
import pytest
import requests

from lab_control import port_of
from lab_control import until


@pytest.fixture(scope="module")
def api(lab):
    settings = vmm.Configuration()
    settings.host, settings.port = port_of(lab.prism["tokyo"])
    settings.username = os.environ["PRISM_CENTRAL_USERNAME"]
    settings.password = os.environ["PRISM_CENTRAL_PASSWORD"]
    settings.verify_ssl = True
    settings.root_ca_certificate_file = lab.ca
    settings.max_retry_attempts = 0
    return vmm.VmApi(vmm.ApiClient(configuration=settings))


@pytest.fixture(scope="module")
def rest(lab):
    """Prism Central without an SDK, for other namespaces: path to data."""
    session = requests.Session()
    session.verify = lab.ca
    session.auth = (os.environ["PRISM_CENTRAL_USERNAME"], os.environ["PRISM_CENTRAL_PASSWORD"])

    def get(path, **query):
        answer = session.get(f"{lab.prism['tokyo']}/api/{path}", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json().get("data")

    return get


@pytest.fixture
def done(rest):
    """Waits for the end of a task, which must succeed."""

    def done(answer):
        task = until(
            lambda: (
                (found := rest(f"prism/v4.0/config/tasks/{answer.data.ext_id}"))["status"] in ("SUCCEEDED", "FAILED")
                and found
            ),
            "the task to end",
        )
        assert task["status"] == "SUCCEEDED", task
        return task

    return done


@pytest.fixture(scope="module")
def subnet(rest):
    (found,) = rest("networking/v4.0/config/subnets", **{"$filter": "name eq 'mgmt'"})
    return found["extId"]


def etag(api, vm):
    found = vmm.ApiClient.get_etag(api.get_vm_by_id(vm))
    assert found
    return found


def test_vms_are_listed_page_by_page(api):
    found, page = [], 0
    while True:
        answer = api.list_vms(_page=page, _limit=50)
        found += answer.data or []
        page += 1
        if len(found) >= answer.metadata.total_available_results:
            break
    assert len(found) > 100 and {type(one).__name__ for one in found} == {"Vm"}


def test_a_nic_has_the_old_shape_only(api, rest):
    (vm,) = api.list_vms(_filter="name eq 'mgmt-jump'").data
    (nic,) = api.list_nics_by_vm_id(vm.ext_id).data
    assert nic.network_info.ipv4_config.ip_address.value == "192.168.50.10"
    assert type(nic.backing_info).__name__ == "EmulatedNic"
    (raw,) = rest(f"vmm/v4.0/ahv/config/vms/{vm.ext_id}/nics")
    assert "nicBackingInfo" not in raw and "nicNetworkInfo" not in raw
    (newer,) = rest(f"vmm/v4.1/ahv/config/vms/{vm.ext_id}/nics")
    assert "nicBackingInfo" in newer and "backingInfo" in newer


def test_a_nic_is_created_and_deleted_in_the_old_shape(api, done, subnet):
    body = vmm.AhvConfigVm(
        name=f"conf-{uuid.uuid4().hex[:8]}", num_sockets=1, num_cores_per_socket=1, memory_size_bytes=1 << 30
    )
    vm = next(
        one["extId"] for one in done(api.create_vm(body))["entitiesAffected"] if one["rel"] == "vmm:ahv:config:vm"
    )
    nic = vmm.AhvConfigNic(
        backing_info=vmm.EmulatedNic(mac_address="50:6b:8d:00:40:01"),
        network_info=vmm.AhvConfigNicNetworkInfo(
            subnet=vmm.SubnetReference(ext_id=subnet),
            ipv4_config=vmm.Ipv4Config(
                should_assign_ip=True, ip_address=vmm.IPv4Address(value="192.168.50.40", prefix_length=32)
            ),
        ),
    )
    done(api.create_nic(vm, nic, if_match=etag(api, vm)))
    (made,) = api.list_nics_by_vm_id(vm).data
    assert made.backing_info.mac_address == "50:6b:8d:00:40:01"
    assert made.network_info.ipv4_config.ip_address.value == "192.168.50.40"
    stale = etag(api, vm)
    done(api.delete_nic_by_id(vm, made.ext_id, if_match=stale))
    with pytest.raises(vmm.rest.ApiException) as refused:
        api.power_on_vm(vm, if_match=stale)
    assert refused.value.status == 412
    assert not api.list_nics_by_vm_id(vm).data
    done(api.delete_vm_by_id(vm, if_match=etag(api, vm)))
