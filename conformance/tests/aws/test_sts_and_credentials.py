"""STS, and the error of each service for wrong keys."""

import os

import pytest


def test_the_caller_is_an_iam_user_of_the_account(aws):
    who = aws.client("sts").get_caller_identity()
    assert len(who["Account"]) == 12 and who["Account"].isdigit()
    assert who["Arn"].startswith(f"arn:aws:iam::{who['Account']}:user/")
    assert who["UserId"]


def test_sts_answers_in_every_region(aws):
    assert aws.client("sts", aws.osaka).get_caller_identity()["Account"]


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "unknown", "wrong"),
    [
        ("sts", "get_caller_identity", {}, {"InvalidClientTokenId"}, {"SignatureDoesNotMatch"}),
        ("ec2", "describe_vpcs", {}, {"AuthFailure"}, {"AuthFailure", "SignatureDoesNotMatch"}),
        ("dynamodb", "list_tables", {}, {"UnrecognizedClientException"}, {"InvalidSignatureException"}),
        ("ssm", "list_commands", {}, {"UnrecognizedClientException"}, {"InvalidSignatureException"}),
        (
            "directconnect",
            "describe_direct_connect_gateways",
            {},
            {"UnrecognizedClientException"},
            {"InvalidSignatureException"},
        ),
    ],
)
def test_wrong_keys_are_refused_with_the_services_own_error(aws, refuse, service, operation, arguments, unknown, wrong):
    client = aws.client(
        service, aws_access_key_id="AKIANOSUCHKEYEXAMPLE", aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"]
    )
    with refuse(*unknown):
        getattr(client, operation)(**arguments)
    wrong_secret = aws.client(
        service,
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key="not/the/secret/of/that/key/at/all",
    )
    with refuse(*wrong):
        getattr(wrong_secret, operation)(**arguments)


def test_ec2_answers_an_unknown_access_key_with_status_401(aws, refuse):
    client = aws.client("ec2", aws_access_key_id="AKIANOSUCHKEYEXAMPLE", aws_secret_access_key="whatever")
    with refuse("AuthFailure") as refusal:
        client.describe_instances()
    assert refusal.status == 401
    assert refusal.response["ResponseMetadata"]["RequestId"]
