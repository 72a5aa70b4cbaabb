# ruff: noqa: E501
"""The row that a guest writes for itself: PutItem to a DynamoDB that is not real, with signatures checked by other implementations."""

import hashlib
import hmac
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import capturing as guest
import trees

OK = (200, "{}")
TABLE = {"STAYPUT_TABLE": "stayput-guests", "STAYPUT_TABLE_REGION": "ap-northeast-3"}
# Programs that see arguments: each is replaced by one that notes them, with its environment, and then starts the real one.
NOTED = ("curl", "openssl", "od", "awk", "sed", "tr", "head", "sha256sum", "date", "sleep", "cat")


def expected_signature(request):
    """Signature Version 4, from its documentation, with Python's own functions."""
    headers = {name.lower(): value for name, value in request["headers"]}
    scheme, fields = headers["authorization"].split(" ", 1)
    fields = dict(field.split("=", 1) for field in fields.split(", "))
    assert scheme == "AWS4-HMAC-SHA256"
    key, day, region, service, end = fields["Credential"].split("/")
    assert (key, region, service, end) == (guest.ACCESS_KEY, "ap-northeast-3", "dynamodb", "aws4_request"), fields
    names = fields["SignedHeaders"].split(";")
    assert names == sorted(names) and {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(names)
    assert headers["x-amz-date"].startswith(day)
    lines = ["POST", "/", "", *(f"{name}:{headers[name].strip()}" for name in names), "", ";".join(names)]
    lines.append(hashlib.sha256(request["body"].encode()).hexdigest())
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{day}/{region}/{service}/{end}", digest])
    secret = ("AWS4" + guest.SECRET_KEY).encode()
    for part in (day, region, service, end, text):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return fields["Signature"], secret.hex()


def note_arguments(root):
    folder = root.parent / "bin"
    for name in NOTED:
        (folder / name).write_text(
            "#!/bin/bash\nfolder=${BASH_SOURCE[0]%/*}\n"
            f'printf "%s\\n" "$0" "$@" >>"$folder/../log/arguments"; export -p >>"$folder/../log/environment"\n'
            f'PATH=${{PATH#*:}} exec {name} "$@"\n'
        )
        (folder / name).chmod(0o755)


def put(tree=None, answers=(OK,), **options):
    options.setdefault("environment", TABLE)
    return guest.capture(trees.RHEL8_IFCFG if tree is None else tree, table=list(answers), **options)


class Row(unittest.TestCase):
    def test_the_row_has_the_attributes_and_the_captured_json(self):
        outcome = put()
        assert outcome.data["row"] == {
            "written": True,
            "table": "stayput-guests",
            "region": "ap-northeast-3",
            "name_from": "tag",
        }
        [request] = outcome.table
        headers = {name.lower(): value for name, value in request["headers"]}
        assert headers["x-amz-target"] == "DynamoDB_20120810.PutItem"
        assert headers["content-type"] == "application/x-amz-json-1.0"
        body = json.loads(request["body"])
        assert body["TableName"] == "stayput-guests"
        item = body["Item"]
        assert item["InstanceId"] == {"S": "i-00f14272f95c75b08"}
        assert item["InstanceName"] == {"S": "web-01"}
        assert item["PrivateIp"] == {"S": "172.30.1.10"}
        captured = json.loads(item["Captured"]["S"])
        printed = outcome.data
        del printed["row"]
        assert captured == printed

    def test_two_other_implementations_compute_the_same_signature(self):
        hosts = '10.0.0.1 caf\u00e9 "x" \\\\ \U0001f680 $(id) % !\n'
        for tools in ({}, {"hidden": ["openssl"]}, {"shell": "sh"}):
            with self.subTest(tools=tools):
                if tools.get("hidden") and guest.REASON:
                    continue
                [request] = put({**trees.UBUNTU_NETPLAN, "etc/hosts": hosts}, **tools).table
                found, expected = expected_signature(request)
                assert found == expected
                try:
                    from botocore.auth import SigV4Auth
                    from botocore.awsrequest import AWSRequest
                    from botocore.credentials import Credentials
                except ImportError:
                    print(
                        "botocore is not installed: signatures were checked by the test's own implementation only",
                        file=sys.stderr,
                    )
                    continue
                headers = {name.lower(): value for name, value in request["headers"]}
                signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
                sent = AWSRequest(
                    "POST",
                    f"http://{headers['host']}/",
                    {name: headers[name] for name in signed},
                    request["body"].encode(),
                )
                sent.context["timestamp"] = headers["x-amz-date"]
                auth = SigV4Auth(
                    Credentials(guest.ACCESS_KEY, guest.SECRET_KEY, guest.SESSION), "dynamodb", "ap-northeast-3"
                )
                expected = auth.signature(auth.string_to_sign(sent, auth.canonical_request(sent)), sent)
                assert found == expected

    def test_no_secret_is_an_argument_in_the_environment_or_in_the_output(self):
        outcome = put(prepare=note_arguments)
        assert outcome.data["row"]["written"]
        assert b"--data-binary" in outcome.logs
        assert b"declare -x PATH" in outcome.logs
        for secret in (guest.SECRET_KEY, guest.SESSION, guest.TOKEN, guest.ACCESS_KEY):
            assert secret.encode() not in outcome.logs
            assert secret.encode().hex().encode() not in outcome.logs
            assert secret not in outcome.out.decode()

    def test_without_a_tag_the_name_is_the_name_of_the_host(self):
        metadata = dict(guest.METADATA)
        del metadata["/latest/meta-data/tags/instance/Name"]
        outcome = put(metadata=metadata)
        assert outcome.data["row"]["name_from"] == "hostname"
        item = json.loads(outcome.table[0]["body"])["Item"]
        assert item["InstanceName"]["S"] == outcome.data["system"]["hostname"]
        assert outcome.data["failed"] == []

    def test_a_hostile_name_is_sent_as_it_is(self):
        name = 'na"me\\ \t\u00e9 $(id) `id` %s'
        outcome = put(metadata={**guest.METADATA, "/latest/meta-data/tags/instance/Name": name})
        assert json.loads(outcome.table[0]["body"])["Item"]["InstanceName"]["S"] == name
        found, expected = expected_signature(outcome.table[0])
        assert found == expected

    def test_a_refusal_is_reported_with_its_type_and_message(self):
        answer = json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": 'not "allowed"'})
        plain = json.dumps(
            {
                "__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
                "message": "Requested resource not found",
            }
        )
        outcome = put(answers=[(400, plain)])
        why = "HTTP 400 ResourceNotFoundException Requested resource not found"
        assert outcome.data["row"] == {"written": False, "why": why}
        assert outcome.failed("row") == [why]
        assert len(outcome.table) == 1
        assert "AccessDeniedException" in put(answers=[(400, answer)]).data["row"]["why"]

    def test_an_internal_error_is_tried_once_more(self):
        outcome = put(answers=[(500, "{}"), OK])
        assert outcome.data["row"]["written"]
        assert len(outcome.table) == 2
        outcome = put(answers=[(503, "")])
        assert outcome.data["row"]["why"].startswith("HTTP 503")
        assert len(outcome.table) == 2

    def test_a_missing_role_identity_or_table_is_a_reason_and_no_request(self):
        def without(part):
            return {path: text for path, text in guest.METADATA.items() if part not in path}

        cases = {
            "the instance has no role": {"metadata": without("iam/")},
            "credentials: HTTP 404": {"metadata": without("credentials/stayput-guest")},
            "the instance id is not known": {"metadata": without("document")},
            "STAYPUT_TABLE is not the name of a table": {"environment": {**TABLE, "STAYPUT_TABLE": 'a","b'}},
            "the region of the table is not known": {"environment": {**TABLE, "STAYPUT_TABLE_REGION": "x/../y"}},
        }
        for why, options in cases.items():
            with self.subTest(why=why):
                outcome = put(**options)
                assert outcome.data["row"] == {"written": False, "why": why}
                assert outcome.table == []
        expired = {**guest.CREDENTIALS, "SecretAccessKey": ""}
        outcome = put(
            metadata={**guest.METADATA, "/latest/meta-data/iam/security-credentials/stayput-guest": json.dumps(expired)}
        )
        assert outcome.failed("row") == ["the credentials of the role are not complete"]

    def test_without_a_table_nothing_is_written_and_no_credentials_are_read(self):
        outcome = put(environment={})
        assert outcome.data["row"] is None
        assert outcome.table == []
        assert not [path for _, path, _ in outcome.imds if "credentials" in path]

    def test_the_region_of_the_guest_is_the_default(self):
        outcome = put(environment={"STAYPUT_TABLE": "t"})
        assert outcome.data["row"]["region"] == "ap-northeast-1"

    def test_a_large_capture_is_written_whole(self):
        tree = {**trees.RHEL8_IFCFG, "etc/hosts": "".join(f"10.0.0.{i % 250} {'h' * 90}{i}\n" for i in range(900))}
        tree |= {
            f"etc/sysconfig/network-scripts/ifcfg-eth0:{i}": f'DEVICE="eth0:{i}"\n' + '# \\ "\n' * 200
            for i in range(30)
        }
        outcome = put(tree)
        assert len(outcome.out) > 20000
        assert (
            json.loads(json.loads(outcome.table[0]["body"])["Item"]["Captured"]["S"])["hosts"] == outcome.data["hosts"]
        )
        found, expected = expected_signature(outcome.table[0])
        assert found == expected


if __name__ == "__main__":
    unittest.main()
