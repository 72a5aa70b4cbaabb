"""Nutanix's own v4 SDKs, one set for each Prism Central of the lab."""

import os
import uuid

import ntnx_datapolicies_py_client as datapolicies
import ntnx_dataprotection_py_client as dataprotection
import ntnx_networking_py_client as networking
import ntnx_prism_py_client as prism
import ntnx_vmm_py_client as vmm
import pytest

from lab_control import port_of
from lab_control import until

SDKS = {
    "vmm": vmm,
    "networking": networking,
    "prism": prism,
    "datapolicies": datapolicies,
    "dataprotection": dataprotection,
}
ENDED = {"SUCCEEDED", "FAILED", "CANCELED"}


def ipv4(sdk, address):
    """An address as a model of an SDK."""
    return sdk.IPv4Address(value=address, prefix_length=32)


class Prism:
    """One Prism Central through all five SDKs."""

    def __init__(self, url, ca):
        self.host, self.port = port_of(url)
        self.ca = ca
        self.clients = {name: self.client(name) for name in SDKS}
        self.vms = vmm.VmApi(self.clients["vmm"])
        self.subnets = networking.SubnetsApi(self.clients["networking"])
        self.addresses = networking.SubnetIPReservationApi(self.clients["networking"])
        self.vpcs = networking.VpcsApi(self.clients["networking"])
        self.route_tables = networking.RouteTablesApi(self.clients["networking"])
        self.routes = networking.RoutesApi(self.clients["networking"])
        self.aws_vpcs = networking.AwsVpcsApi(self.clients["networking"])
        self.aws_subnets = networking.AwsSubnetsApi(self.clients["networking"])
        self.tasks = prism.TasksApi(self.clients["prism"])
        self.categories = prism.CategoriesApi(self.clients["prism"])
        self.domain_managers = prism.DomainManagerApi(self.clients["prism"])
        self.registrations = prism.RegistrationApi(self.clients["prism"])
        self.policies = datapolicies.ProtectionPoliciesApi(self.clients["datapolicies"])
        self.plans = datapolicies.RecoveryPlansApi(self.clients["datapolicies"])
        self.actions = dataprotection.RecoveryPlanActionsApi(self.clients["dataprotection"])
        self.jobs = dataprotection.RecoveryPlanJobsApi(self.clients["dataprotection"])
        self.points = dataprotection.RecoveryPointsApi(self.clients["dataprotection"])
        self.protected = dataprotection.ProtectedResourcesApi(self.clients["dataprotection"])

    def configuration(self, namespace):
        """The configuration of an SDK for this Prism Central: certificates verified, no retries."""
        made = SDKS[namespace].Configuration()
        made.host = self.host
        made.port = self.port
        made.username = os.environ["PRISM_CENTRAL_USERNAME"]
        made.password = os.environ["PRISM_CENTRAL_PASSWORD"]
        made.verify_ssl = True
        made.root_ca_certificate_file = self.ca
        made.max_retry_attempts = 0
        return made

    def client(self, namespace):
        """A new client of an SDK."""
        return SDKS[namespace].ApiClient(configuration=self.configuration(namespace))

    @property
    def domain_manager(self):
        """Id of this Prism Central."""
        (own,) = self.domain_managers.list_domain_managers().data
        return own.ext_id

    def look(self, reference):
        """The current state of a task, from the answer of an action."""
        return self.tasks.get_task_by_id(reference.data.ext_id).data

    def ended(self, reference):
        """The task, once it has ended."""
        return until(lambda: (task := self.look(reference)).status in ENDED and task, "the task to end")

    def done(self, reference):
        """The task, which must succeed."""
        task = self.ended(reference)
        assert task.status == "SUCCEEDED", (task.operation, task.error_messages)
        return task

    def failed(self, reference):
        """Code, group and message of a task that must fail."""
        task = self.ended(reference)
        assert task.status == "FAILED", task
        (error,) = task.error_messages
        assert type(error).__name__ == "AppMessage" and task.legacy_error_message
        return error

    @staticmethod
    def affected(task, rel):
        """Id of the affected entity of one kind of a task."""
        found = [entity.ext_id for entity in task.entities_affected or [] if entity.rel == rel]
        assert len(found) == 1, task.entities_affected
        return found[0]

    @staticmethod
    def everything(list_call, *arguments, limit=100, **options):
        """All pages of a list."""
        page, found = 0, []
        while True:
            answer = list_call(*arguments, _page=page, _limit=limit, **options)
            page, found = page + 1, found + (answer.data or [])
            if len(found) >= answer.metadata.total_available_results or not answer.data:
                return found

    def one(self, list_call, expression):
        """The only entity that matches a filter."""
        (found,) = list_call(_filter=expression).data
        return found

    def vpc(self, name):
        return self.one(self.vpcs.list_vpcs, f"name eq '{name}'")

    def make_subnet(self, name, cidr, vpc, pool=(200, 250)):
        """An overlay subnet with a pool: its id."""
        network = cidr.split("/")[0].rsplit(".", 1)[0]

        def ip(last):
            return ipv4(networking, f"{network}.{last}")

        body = networking.Subnet(
            name=name,
            subnet_type=networking.SubnetType.OVERLAY,
            vpc_reference=vpc,
            ip_config=[
                networking.IPConfig(
                    ipv4=networking.IPv4Config(
                        ip_subnet=networking.IPv4Subnet(ip=ip(0), prefix_length=int(cidr.split("/")[1])),
                        default_gateway_ip=ip(1),
                        pool_list=[networking.IPv4Pool(start_ip=ip(pool[0]), end_ip=ip(pool[1]))],
                    )
                )
            ],
        )
        return self.affected(self.done(self.subnets.create_subnet(body)), "networking:config:subnet")

    def drop_subnet(self, ident):
        etag = self.etag("networking", self.subnets.get_subnet_by_id(ident))
        self.done(self.subnets.delete_subnet_by_id(ident, if_match=etag))

    @staticmethod
    def etag(namespace, response):
        """The ETag that an SDK has read from a response."""
        found = SDKS[namespace].ApiClient.get_etag(response)
        assert found
        return found

    def vm_etag(self, vm):
        return self.etag("vmm", self.vms.get_vm_by_id(vm))

    @staticmethod
    def nic(subnet, address=None, mac=None, secondary=()):
        """A NIC of the newest shape."""
        config = vmm.Ipv4Config(should_assign_ip=True)
        if address:
            config.ip_address = ipv4(vmm, address)
        if secondary:
            config.secondary_ip_address_list = [ipv4(vmm, one) for one in secondary]
        backing = vmm.VirtualEthernetNic(is_connected=True)
        if mac:
            backing.mac_address = mac
        network = vmm.VirtualEthernetNicNetworkInfo(subnet=vmm.SubnetReference(ext_id=subnet), ipv4_config=config)
        return vmm.AhvConfigNic(nic_backing_info=backing, nic_network_info=network)

    def make_vm(self, name, *nics, on=False):
        """A VM: its id."""
        body = vmm.AhvConfigVm(
            name=name, num_sockets=2, num_cores_per_socket=1, memory_size_bytes=4 << 30, nics=list(nics) or None
        )
        made = self.affected(self.done(self.vms.create_vm(body)), "vmm:ahv:config:vm")
        if on:
            self.done(self.vms.power_on_vm(made, if_match=self.vm_etag(made)))
        return made

    def drop_vm(self, vm):
        self.done(self.vms.delete_vm_by_id(vm, if_match=self.vm_etag(vm)))

    def nics(self, vm):
        return self.vms.list_nics_by_vm_id(vm).data or []

    def add_nic(self, vm, nic):
        """Starts adding a NIC; returns the answer."""
        return self.vms.create_nic(vm, nic, if_match=self.vm_etag(vm))

    def remove_nic(self, vm, nic):
        """Starts deleting a NIC; returns the answer."""
        etag = self.etag("vmm", self.vms.get_nic_by_id(vm, nic))
        return self.vms.delete_nic_by_id(vm, nic, if_match=etag)

    def make_category(self, key, value):
        """A category: its id."""
        return self.categories.create_category(prism.Category(key=key, value=value)).data.ext_id

    def associate(self, vm, *categories):
        references = [vmm.AhvConfigCategoryReference(ext_id=one) for one in categories]
        params = vmm.AhvConfigAssociateVmCategoriesParams(categories=references)
        return self.done(self.vms.associate_categories(vm, params, if_match=self.vm_etag(vm)))


def address_of(nic):
    """Primary address of a NIC."""
    config = nic.nic_network_info.ipv4_config
    return config.ip_address.value if config and config.ip_address else None


class refused:
    """Expects the block to be refused by an SDK's ApiException with this status; `.body` has the reason."""

    def __init__(self, status):
        self.status = status
        self.body = ""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert error is not None, f"expected status {self.status}, but the call succeeded"
        if kind.__name__ != "ApiException":
            return False
        assert error.status == self.status, f"expected {self.status}, got {error.status}: {error.body}"
        self.body = error.body.decode() if isinstance(error.body, bytes) else str(error.body)
        return True


@pytest.fixture(scope="session")
def refuse():
    return refused


@pytest.fixture(scope="session")
def tokyo(lab):
    return Prism(lab.prism["tokyo"], lab.ca)


@pytest.fixture(scope="session")
def osaka(lab):
    return Prism(lab.prism["osaka"], lab.ca)


@pytest.fixture
def fresh_name():
    """A unique name."""
    return f"conf-{uuid.uuid4().hex[:10]}"


@pytest.fixture(scope="session")
def read_address():
    return address_of
