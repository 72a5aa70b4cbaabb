"""Providers and their inventory."""

import os


def test_the_providers_are_the_cloud_and_the_cluster(move):
    found = move.providers()
    assert found["aws"]["Spec"]["Type"] == "AWS" and found["nc2-tokyo"]["Spec"]["Type"] == "AOS"
    one = move.get(f"/providers/{found['aws']['MetaData']['UUID']}")
    assert one["Spec"]["UUID"] == one["MetaData"]["UUID"]
    assert "SecretKey" not in str(one)


def test_a_provider_is_validated(move):
    for provider in move.providers().values():
        move.post(f"/providers/{provider['MetaData']['UUID']}/validate", {}, status=(200, 202))


def test_the_target_lists_its_containers_and_networks(move, target):
    provider = move.get(f"/providers/{move.providers()['nc2-tokyo']['MetaData']['UUID']}")
    (cluster,) = provider["Spec"]["AOSProperties"]["Clusters"]
    assert cluster["Name"] == "nc2-tokyo-cluster"
    assert "default" in {one["Name"] for one in cluster["Containers"]}
    assert {"UUID": target, "Name": "mgmt"}.items() <= next(
        one for one in cluster["Networks"] if one["UUID"] == target
    ).items()


def test_a_provider_is_added_and_removed(move, fresh_name):
    access = {
        "IPorFQDN": "pc.example",
        "Username": os.environ["PRISM_CENTRAL_USERNAME"],
        "Password": os.environ["PRISM_CENTRAL_PASSWORD"],
    }
    body = {"Spec": {"Name": fresh_name, "Type": "AOS", "AOSAccessInfo": access}}
    made = move.post("/providers", body, status=(200, 201))["MetaData"]["UUID"]
    assert fresh_name in move.providers()
    move.call("DELETE", f"/providers/{made}", status=(200, 202, 204))
    assert fresh_name not in move.providers()
    move.get(f"/providers/{made}", status=404)


def test_a_provider_with_a_wrong_password_is_refused(move, fresh_name):
    access = {"IPorFQDN": "pc.example", "Username": os.environ["PRISM_CENTRAL_USERNAME"], "Password": "wrong"}
    body = {"Spec": {"Name": fresh_name, "Type": "AOS", "AOSAccessInfo": access}}
    assert move.post("/providers", body, status=422)["Message"]
    keys = {"AccessKey": "AKIANOSUCHKEYEXAMPLE", "SecretKey": "wrong"}
    body = {"Spec": {"Name": fresh_name, "Type": "AWS", "AWSAccessInfo": keys}}
    assert move.post("/providers", body, status=422)["Message"]
    assert fresh_name not in move.providers()


def test_workloads_are_the_instances_of_the_region_page_by_page(move, ec2):
    source = move.providers()["aws"]["MetaData"]["UUID"]
    seen = []
    while True:
        body = {
            "Filter": {"Datacenter": ["ap-northeast-1"]},
            "ShowVMS": "all",
            "SortBy": "VMName",
            "Limit": 50,
            "AfterOffset": len(seen),
        }
        answer = move.post(f"/providers/{source}/workloads/list", body, status=(200, 202))
        seen += answer["Entities"] or []
        if len(seen) >= answer["MetaData"]["Count"] or not answer["Entities"]:
            break
    pages = ec2.get_paginator("describe_instances").paginate()
    instances = {one["InstanceId"] for page in pages for found in page["Reservations"] for one in found["Instances"]}
    assert {one["VmID"] for one in seen} == instances and len(seen) == len(instances) > 100
    assert len({one["VMUuid"] for one in seen}) == len(seen)
    web = next(one for one in seen if one["VMName"] == "web-01")
    assert web["Networks"][0]["ID"].startswith("vpc-") and web["NumEthernetCards"] == 1


def test_a_query_filters_and_the_limit_has_a_maximum(move):
    source = move.providers()["aws"]["MetaData"]["UUID"]

    def ask(**body):
        return move.post(f"/providers/{source}/workloads/list", body, status=(200, 202))

    found = ask(Filter={"Datacenter": ["ap-northeast-1"]}, Query="batch", Limit=10)
    assert found["MetaData"]["Count"] == 2
    nothing = ask(Filter={"Datacenter": ["ap-northeast-1"]}, Query="no such machine")
    assert nothing["MetaData"]["Count"] == 0 and nothing["Entities"] is None
    move.post(f"/providers/{source}/workloads/list", {"Limit": 101}, status=422)
