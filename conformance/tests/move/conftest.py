"""Nutanix Move over plain HTTPS, as the article's scripts do: there is no SDK."""

import os
import uuid

import boto3
import pytest
import requests

from lab_control import until


class Move:
    """One Move appliance; with `token` None requests are not authenticated."""

    def __init__(self, url, ca, token=None, scheme="Bearer "):
        self.base = f"{url.rstrip('/')}/move/v2"
        self.session = requests.Session()
        self.session.verify = ca
        if token:
            self.session.headers["Authorization"] = f"{scheme}{token}"

    def call(self, method, path, body=None, status=200, **options):
        """Sends a request; gives the answer's JSON after checking its status."""
        if body is not None:
            options["json"] = body
        answer = self.session.request(method, self.base + path, timeout=30, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def post(self, path, body=None, **options):
        return self.call("POST", path, body, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def providers(self):
        """Providers by name."""
        found = self.post("/providers/list", {})["Entities"]
        return {one["Spec"]["Name"]: one for one in found}

    def workload(self, name):
        """The one workload with exactly this name."""
        source = self.providers()["aws"]["MetaData"]["UUID"]
        body = {"Filter": {"Datacenter": ["ap-northeast-1"]}, "Query": name, "Limit": 100}
        found = self.post(f"/providers/{source}/workloads/list", body, status=(200, 202))["Entities"] or []
        exact = [one for one in found if one["VMName"] == name]
        assert len(exact) == 1, found
        return exact[0]

    def plan_body(self, name, target, *workloads):
        """A plan that maps the workloads' VPC to one target network."""
        providers = self.providers()
        target_provider = self.get(f"/providers/{providers['nc2-tokyo']['MetaData']['UUID']}")
        (cluster,) = target_provider["Spec"]["AOSProperties"]["Clusters"]
        return {
            "Spec": {
                "Name": name,
                "SourceInfo": {
                    "ProviderUUID": providers["aws"]["MetaData"]["UUID"],
                    "AWSProviderAttrs": {"RegionID": "ap-northeast-1"},
                },
                "TargetInfo": {
                    "ProviderUUID": target_provider["MetaData"]["UUID"],
                    "AOSProviderAttrs": {
                        "ClusterUUID": cluster["UUID"],
                        "ContainerUUID": cluster["Containers"][0]["UUID"],
                    },
                },
                "NetworkMappings": [
                    {
                        "SourceNetworkID": workloads[0]["Networks"][0]["ID"],
                        "TargetNetworkID": target,
                        "TestNetworkID": "",
                    }
                ],
                "Settings": {"GuestPrepMode": "auto"},
                "Workload": {
                    "Type": "VM",
                    "VMs": [
                        {
                            "AllowUVMOps": True,
                            "RetainMacAddress": False,
                            "VMReference": {"UUID": one["VMUuid"], "VMID": one["VmID"]},
                        }
                        for one in workloads
                    ],
                },
            }
        }

    def make_plan(self, name, target, *workloads):
        """Creates a plan: its id."""
        made = self.post("/plans", self.plan_body(name, target, *workloads), status=(200, 201))
        return made["MetaData"]["UUID"]

    def prepare(self, plan, *workloads):
        """One POST of the preparation: its result."""
        body = {
            "Spec": {
                "Region": "ap-northeast-1",
                "CommonCredentials": {"LinuxUserName": "ec2-user", "LinuxPassword": "", "PemFile": "PEM"},
                "VMs": [{"UUID": one["VMUuid"], "GuestPrepMode": "auto"} for one in workloads],
            }
        }
        return self.post(f"/plans/{plan}/prepare", body)["Status"]["Result"]

    def prepared(self, plan, *workloads):
        """Posts the preparation until it has a result, which must be success."""

        def result():
            found = self.prepare(plan, *workloads)
            return (found["Passed"] or found["Failed"]) and found

        found = until(result, "the guests to be prepared")
        assert found["Failed"] is None and len(found["Passed"]) == len(workloads)

    def status(self, plan):
        """Plan actions and VM states by key."""
        found = self.post(f"/plans/{plan}/workloads/list")["Status"]
        return found["Actions"] or [], {vm["UUID"]: vm for vm in found["VMStatus"]}

    def act(self, plan, workload, action, status=(200, 202)):
        body = {"Spec": {"Action": action}}
        return self.post(f"/plans/{plan}/workloads/{workload['VMUuid']}/action", body, status=status)

    def ready(self, plan, workload):
        """Waits until a VM can be cut over."""
        return until(
            lambda: "CUTOVER" in (self.status(plan)[1][workload["VMUuid"]]["Actions"] or []), "the VM to be ready"
        )


def login(url, ca):
    body = {"Spec": {"UserName": os.environ["MOVE_USERNAME"], "Password": os.environ["MOVE_PASSWORD"]}}
    return Move(url, ca).post("/users/login", body)["Status"]["Token"]


@pytest.fixture(scope="session")
def stranger(lab):
    """The appliance without a token."""
    return Move(lab.moves["tokyo"], lab.ca)


@pytest.fixture(scope="session")
def with_token(lab):
    """The appliance with a separate token."""
    return lambda token, scheme="Bearer ": Move(lab.moves["tokyo"], lab.ca, token, scheme)


@pytest.fixture(scope="session")
def move(lab):
    return Move(lab.moves["tokyo"], lab.ca, login(lab.moves["tokyo"], lab.ca))


@pytest.fixture(scope="session")
def prism(lab):
    """Prism Central in Tokyo, read-only: path to data."""
    session = requests.Session()
    session.verify = lab.ca
    session.auth = (os.environ["PRISM_CENTRAL_USERNAME"], os.environ["PRISM_CENTRAL_PASSWORD"])

    def get(path, **query):
        answer = session.get(f"{lab.prism['tokyo']}/api/{path}", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json().get("data")

    return get


@pytest.fixture(scope="session")
def target(prism):
    """An overlay subnet with free addresses in its pool: its id."""
    (found,) = prism("networking/v4.2/config/subnets", **{"$filter": "name eq 'mgmt'"})
    return found["extId"]


@pytest.fixture(scope="session")
def ec2():
    return boto3.client("ec2", region_name="ap-northeast-1")


@pytest.fixture
def fresh_name():
    return f"conf-{uuid.uuid4().hex[:8]}"
