"""The prism namespace: tasks, categories, domain managers and their pairing."""

import os

import ntnx_prism_py_client as prism

from lab_control import until


def test_tasks_are_listed_filtered_and_read(tokyo, fresh_name):
    vm = tokyo.make_vm(fresh_name)
    done = tokyo.done(tokyo.vms.delete_vm_by_id(vm, if_match=tokyo.vm_etag(vm)))
    assert done.ext_id.startswith("ZXJnb24=:")
    recent = tokyo.tasks.list_tasks(
        _filter="status eq Prism.Config.TaskStatus'SUCCEEDED'", _orderby="createdTime desc", _limit=5
    ).data
    assert done.ext_id in [one.ext_id for one in recent]
    assert all(one.status == "SUCCEEDED" and type(one).__name__ == "Task" for one in recent)


def test_an_unknown_task_is_not_found(tokyo, refuse):
    with refuse(404):
        tokyo.tasks.get_task_by_id("ZXJnb24=:00000000-0000-4000-8000-000000000000")


def test_a_category_is_created_found_changed_and_deleted(tokyo, refuse, fresh_name):
    answer = tokyo.categories.create_category(prism.Category(key=fresh_name, value="wave1"))
    made = answer.data
    assert type(made).__name__ == "Category" and made.ext_id
    found = tokyo.one(tokyo.categories.list_categories, f"key eq '{fresh_name}' and value eq 'wave1'")
    assert (found.ext_id, found.type) == (made.ext_id, "USER")
    read = tokyo.categories.get_category_by_id(made.ext_id)
    read.data.description = "changed"
    tokyo.categories.update_category_by_id(made.ext_id, read.data)
    assert tokyo.categories.get_category_by_id(made.ext_id).data.description == "changed"
    etag = tokyo.etag("prism", tokyo.categories.get_category_by_id(made.ext_id))
    tokyo.categories.delete_category_by_id(made.ext_id, if_match=etag)
    with refuse(404):
        tokyo.categories.get_category_by_id(made.ext_id)


def test_a_duplicate_category_is_refused(tokyo, refuse, fresh_name):
    tokyo.make_category(fresh_name, "wave1")
    with refuse(409):
        tokyo.make_category(fresh_name, "wave1")
    tokyo.make_category(fresh_name, "wave2")


def test_a_category_with_a_forbidden_character_is_refused(tokyo, refuse):
    with refuse(400):
        tokyo.make_category("App:DR", "wave1")


def test_each_prism_central_lists_its_own_domain_manager(tokyo, osaka):
    assert tokyo.domain_manager != osaka.domain_manager
    own = tokyo.domain_managers.get_domain_manager_by_id(tokyo.domain_manager).data
    assert type(own).__name__ == "DomainManager"
    assert own.config.build_info.version.startswith("pc.")


def registration(here, there):
    found = here.registrations.list_registrations(here.domain_manager).data or []
    return next((one for one in found if one.remote_cluster_ext_id == there.domain_manager), None)


def test_the_two_are_paired_and_connected(tokyo, osaka):
    for here, there in ((tokyo, osaka), (osaka, tokyo)):
        found = registration(here, there)
        assert type(found).__name__ == "Registration"
        assert found.connectivity_status == "CONNECTED"
        assert found.remote_cluster_details.cluster_type == "DOMAIN_MANAGER"


def test_pairing_can_be_removed_and_created_again(tokyo, osaka):
    spec = prism.ClusterUnregistrationSpec(ext_id=osaka.domain_manager)
    own = tokyo.domain_manager
    etag = prism.ApiClient.get_etag(tokyo.domain_managers.get_domain_manager_by_id(own))
    condition = {"if_match": etag} if etag else {}
    tokyo.done(tokyo.domain_managers.unregister(own, spec, **condition))
    assert registration(tokyo, osaka) is None and registration(osaka, tokyo) is None
    remote = prism.DomainManagerRemoteClusterSpec(
        cloud_type=prism.DomainManagerCloudType.ONPREM_CLOUD,
        remote_cluster=prism.RemoteClusterSpec(
            address=prism.IPAddressOrFQDN(fqdn=prism.FQDN(value="osaka")),
            port=osaka.port,
            credentials=prism.Credentials(
                authentication=prism.BasicAuth(
                    username=os.environ["PRISM_CENTRAL_USERNAME"], password=os.environ["PRISM_CENTRAL_PASSWORD"]
                )
            ),
        ),
    )
    tokyo.done(tokyo.domain_managers.register(own, prism.ClusterRegistrationSpec(remote_cluster=remote), **condition))
    until(lambda: registration(osaka, tokyo).connectivity_status == "CONNECTED", "the pairing")
    assert tokyo.failed(
        tokyo.domain_managers.register(own, prism.ClusterRegistrationSpec(remote_cluster=remote), **condition)
    ).message
