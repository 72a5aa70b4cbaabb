"""Access of the SDKs: version negotiation, credentials, pages, filters."""

import certifi
import ntnx_vmm_py_client as vmm
import pytest
import urllib3.exceptions

LISTS = [
    ("vmm", "vms", "list_vms", "ntnx_vmm_py_client.models.vmm.v4.ahv.config.Vm"),
    ("networking", "subnets", "list_subnets", "ntnx_networking_py_client.models.networking.v4.config.Subnet"),
    ("prism", "categories", "list_categories", "ntnx_prism_py_client.models.prism.v4.config.Category"),
]


@pytest.mark.parametrize("namespace", ["vmm", "networking", "prism", "datapolicies", "dataprotection"])
def test_every_namespace_negotiates_the_labs_minor(tokyo, namespace):
    calls = {
        "vmm": lambda: tokyo.vms.list_vms(_limit=1),
        "networking": lambda: tokyo.vpcs.list_vpcs(_limit=1),
        "prism": lambda: tokyo.categories.list_categories(_limit=1),
        "datapolicies": lambda: tokyo.policies.list_protection_policies(_limit=1),
        "dataprotection": lambda: tokyo.jobs.list_recovery_plan_jobs(_limit=1),
    }
    calls[namespace]()
    assert tokyo.clients[namespace].get_negotiated_version() == "v4.2"


@pytest.mark.parametrize(("namespace", "api", "call", "model"), LISTS, ids=[one[0] for one in LISTS])
def test_paging_reaches_everything_as_model_objects(tokyo, namespace, api, call, model):
    ask = getattr(getattr(tokyo, api), call)
    everything = tokyo.everything(ask)
    assert len(everything) > 100, "more than the largest page"
    assert len({one.ext_id for one in everything}) == len(everything)
    module, _, name = model.rpartition(".")
    assert {(type(one).__module__, type(one).__name__) for one in everything} == {(f"{module}.{name}", name)}
    in_sevens = tokyo.everything(ask, limit=7)
    assert [one.ext_id for one in in_sevens] == [one.ext_id for one in everything]


def test_a_page_has_links_to_the_others(tokyo):
    answer = tokyo.vms.list_vms(_page=1, _limit=10)
    assert len(answer.data) == 10
    links = {link.rel: link.href for link in answer.metadata.links}
    assert {"self", "first", "next", "prev", "last"} <= set(links)
    assert "$page=2" in links["next"] or "%24page=2" in links["next"]
    flags = {flag.name: flag.value for flag in answer.metadata.flags}
    assert flags["isPaginated"] is True and flags["hasError"] is False


def test_a_page_after_the_last_one_is_empty(tokyo):
    assert not tokyo.vms.list_vms(_page=500, _limit=100).data


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_size_out_of_bounds_is_refused(tokyo, refuse, limit):
    with refuse(400):
        tokyo.vms.list_vms(_limit=limit)


def test_filters_select_and_orderby_sorts(tokyo):
    (jump,) = tokyo.vms.list_vms(_filter="name eq 'mgmt-jump'").data
    assert jump.name == "mgmt-jump" and jump.power_state == "ON"
    found = tokyo.vms.list_vms(_filter="startswith(name, 'mgmt-')", _orderby="name desc").data
    assert [one.name for one in found] == ["mgmt-monitor", "mgmt-jump", "mgmt-backup"]
    both = tokyo.vms.list_vms(_filter="startswith(name, 'mgmt-') and not (name eq 'mgmt-jump')").data
    assert {one.name for one in both} == {"mgmt-monitor", "mgmt-backup"}
    assert not tokyo.vms.list_vms(_filter="name eq 'it''s not there'").data


def test_a_wrong_filter_is_refused(tokyo, refuse):
    for wrong in ("name eq", "eq 'x'", "name eq 'x' or", "name like 'x'"):
        with refuse(400):
            tokyo.vms.list_vms(_filter=wrong)


def test_a_wrong_password_is_refused(tokyo, refuse):
    settings = tokyo.configuration("vmm")
    settings.password = "not the password"
    with refuse(401):
        vmm.VmApi(vmm.ApiClient(configuration=settings, allow_version_negotiation=False)).list_vms()


def test_an_untrusted_certificate_is_refused(tokyo):
    settings = tokyo.configuration("vmm")
    settings.root_ca_certificate_file = certifi.where()
    with pytest.raises((vmm.rest.ApiException, urllib3.exceptions.HTTPError)) as why:
        vmm.VmApi(vmm.ApiClient(configuration=settings, allow_version_negotiation=False)).list_vms()
    assert "certificate verify failed" in str(why.value).lower()


def test_an_unknown_entity_is_not_found_with_an_error_response(tokyo, refuse):
    with refuse(404) as why:
        tokyo.vms.get_vm_by_id("00000000-0000-4000-8000-000000000000")
    assert "vmm.v4.error.ErrorResponse" in why.body


def test_a_call_of_a_newer_minor_is_not_found(tokyo, refuse):
    with refuse(404):
        tokyo.actions.resume_protection("00000000-0000-4000-8000-000000000000")
