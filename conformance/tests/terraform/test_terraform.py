"""Terraform with the AWS provider: apply, an empty plan after it, a change, drift, destroy.

Skipped where Terraform or the provider is not installed. The provider is taken from a filesystem mirror: the folder in
`STAYPUT_TF_PLUGIN_MIRROR`, or one of the usual ones.
"""

import json
import os
import pathlib
import shutil
import subprocess

import boto3
import pytest

from lab_control import until

PROVIDER = pathlib.Path("registry.terraform.io/hashicorp/aws/5.100.0")
MIRRORS = ["~/.terraform.d/plugins", "/usr/local/share/terraform/plugins", "/opt/tf-plugins"]
SETTINGS = """\
provider_installation {{
  filesystem_mirror {{
    path = "{plugins}"
  }}
}}
disable_checkpoint = true
"""
ESTATE = pathlib.Path(__file__).with_name("estate")
REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


def mirror():
    """The directory with the provider, or None."""
    named = os.environ.get("STAYPUT_TF_PLUGIN_MIRROR")
    places = [pathlib.Path(place).expanduser() for place in ([named] if named else MIRRORS)]
    return next((place for place in places if (place / PROVIDER).is_dir()), None)


class Terraform:
    """Terraform in a separate directory."""

    def __init__(self, program, folder, environment):
        self.program = program
        self.folder = folder
        self.environment = environment

    def run(self, *words, codes=(0,)):
        """Runs a command; returns its output, or fails the test."""
        done = subprocess.run(
            [self.program, words[0], "-no-color", *words[1:]],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode in codes, f"terraform {words[0]}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self, **variables):
        self.run("apply", "-auto-approve", "-input=false", "-parallelism=20", *self._variables(variables))

    def plan(self, **variables):
        """Exit code of a plan: 0 no changes, 2 changes."""
        done = self.run(
            "plan", "-detailed-exitcode", "-input=false", "-parallelism=20", *self._variables(variables), codes=(0, 2)
        )
        return done.returncode, done.stdout

    @staticmethod
    def _variables(variables):
        return [f"-var={name}={json.dumps(value)}" for name, value in variables.items()]

    def outputs(self):
        done = self.run("output", "-json")
        return {name: output["value"] for name, output in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def terraform(tmp_path_factory):
    program = shutil.which("terraform")
    if not program:
        pytest.skip("skipped: terraform is not installed")
    plugins = mirror()
    if not plugins:
        pytest.skip(f"skipped: no filesystem mirror has the provider {PROVIDER}; name one in STAYPUT_TF_PLUGIN_MIRROR")
    folder = tmp_path_factory.mktemp("terraform")
    shutil.copy(ESTATE / "main.tf", folder)
    # The module of the landing zone, with the scripts of this repository.
    shutil.copytree(REPOSITORY / "infra/modules/capture-document", folder / "capture-document")
    for script in ("capture.sh", "capture.ps1"):
        shutil.copy(REPOSITORY / "guest" / script, folder)
    settings = folder / "terraform.rc"
    settings.write_text(SETTINGS.format(plugins=plugins))
    environment = dict(os.environ) | {
        "TF_CLI_CONFIG_FILE": str(settings),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }
    made = Terraform(program, folder, environment)
    made.run("init", "-input=false")
    made.apply()
    yield made
    if (folder / "terraform.tfstate").exists() and json.loads((folder / "terraform.tfstate").read_text())["resources"]:
        made.run("destroy", "-auto-approve", "-input=false", "-parallelism=20")


@pytest.fixture(scope="module")
def ec2():
    return boto3.client("ec2", region_name="ap-northeast-1")


def route(ec2, table, cidr):
    found = ec2.search_transit_gateway_routes(
        TransitGatewayRouteTableId=table, Filters=[{"Name": "route-search.exact-match", "Values": [cidr]}]
    )["Routes"]
    return found[0] if found else None


def test_data_sources_see_the_scenario(terraform):
    seen = terraform.outputs()
    assert len(seen["account"]) == 12
    assert seen["app_subnet"] == "172.30.1.0/24"
    assert seen["legacy_subnets"] == 4
    assert {"10.0.0.0/16", "10.101.0.0/16", "0.0.0.0/0"} <= set(seen["legacy_routes"])
    assert seen["web"] == {"address": "172.30.1.10", "secondaries": ["172.30.1.110", "172.30.1.111"]}
    assert "172.30.1.34" in seen["wave"] and "172.30.1.60" not in seen["wave"]


def test_the_plan_is_empty_after_apply(terraform):
    code, said = terraform.plan()
    assert code == 0, said


def test_the_applied_resources_exist(terraform, ec2):
    seen = terraform.outputs()
    static = until(lambda: route(ec2, seen["table"], "172.26.1.0/24"), "the route")
    assert static["TransitGatewayAttachments"][0]["ResourceType"] == "vpc"
    assert route(ec2, seen["table"], "172.26.0.0/16")["State"] == "blackhole"
    assert route(ec2, seen["table"], "172.30.0.0/16")["Type"] == "propagated"
    (peering,) = ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[seen["peering"]])[
        "TransitGatewayAttachments"
    ]
    assert peering["State"] == "available"


def test_the_capture_document_of_the_landing_zone_runs_in_a_guest(terraform, lab):
    seen = terraform.outputs()
    ssm = boto3.client("ssm", region_name="ap-northeast-1")
    described = ssm.describe_document(Name=seen["capture_document"])["Document"]
    assert described["PlatformTypes"] == ["Windows", "Linux"]
    assert described["LatestVersion"] == seen["capture_version"]
    about = {"CommandId": None, "InstanceId": seen["web_instance"], "PluginName": "captureLinux"}
    about["CommandId"] = ssm.send_command(
        DocumentName=described["Name"],
        DocumentVersion=described["DocumentVersion"],
        DocumentHash=described["Hash"],
        DocumentHashType=described["HashType"],
        InstanceIds=[seen["web_instance"]],
    )["Command"]["CommandId"]
    lab.pass_time(2)

    def ended():
        found = ssm.get_command_invocation(**about)
        return found if found["Status"] not in ("Pending", "InProgress") else None

    done = until(ended, "the capture", timeout=60)
    assert done["Status"] == "Success", done
    captured = json.loads(done["StandardOutputContent"])
    assert captured["identity"]["instance_id"] == seen["web_instance"]
    assert captured["interfaces"][0]["addresses"][0]["address"] == "172.30.1.10/24"
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.send_command(
            DocumentName=described["Name"],
            DocumentHash="0" * 64,
            DocumentHashType="Sha256",
            InstanceIds=[seen["web_instance"]],
        )


def test_a_changed_route_is_planned_applied_and_settled(terraform, ec2):
    code, said = terraform.plan(moved=True)
    assert code == 2, said
    terraform.apply(moved=True)
    assert route(ec2, terraform.outputs()["table"], "172.26.1.0/24")["State"] == "blackhole"
    code, said = terraform.plan(moved=True)
    assert code == 0, said


def test_a_route_deleted_outside_terraform_is_reported_as_drift(terraform, ec2):
    table = terraform.outputs()["table"]
    ec2.delete_transit_gateway_route(TransitGatewayRouteTableId=table, DestinationCidrBlock="172.26.0.0/16")
    until(lambda: route(ec2, table, "172.26.0.0/16") is None, "the route to go")
    code, said = terraform.plan(moved=True)
    assert code == 2 and "aws_ec2_transit_gateway_route.nowhere" in said, said
    terraform.apply(moved=True)
    assert route(ec2, table, "172.26.0.0/16")["State"] == "blackhole"


def test_destroy_deletes_all_resources(terraform, ec2):
    table = terraform.outputs()["table"]
    terraform.run("destroy", "-auto-approve", "-input=false", "-parallelism=20")
    left = ec2.describe_vpcs(Filters=[{"Name": "tag:Estate", "Values": ["conformance"]}])["Vpcs"]
    assert left == []
    with pytest.raises(ec2.exceptions.ClientError, match="InvalidRouteTableID.NotFound"):
        ec2.describe_transit_gateway_route_tables(TransitGatewayRouteTableIds=[table])
