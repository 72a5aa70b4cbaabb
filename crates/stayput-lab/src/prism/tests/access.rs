//! Tests of authentication, versions, envelopes, paging, idempotency and errors.

use serde_json::json;

use super::fixture::*;

#[test]
fn a_request_without_the_right_credentials_is_refused() {
    let mut lab = Lab::new();
    let mut request = lab.request("GET", VMS, None);
    request.headers.remove("authorization");
    assert_eq!(lab.send(TOKYO, &request).status, 401);
    request
        .headers
        .insert("x-ntnx-api-key".to_owned(), "secret".to_owned());
    assert_eq!(lab.send(TOKYO, &request).status, 200);
    request
        .headers
        .insert("x-ntnx-api-key".to_owned(), "guess".to_owned());
    assert_eq!(lab.send(TOKYO, &request).status, 401);
}

#[test]
fn each_namespace_serves_every_minor_up_to_its_highest() {
    let mut lab = Lab::new();
    lab.state.pcs[TOKYO].minors.insert("vmm".to_owned(), 1);
    let info = lab.call(TOKYO, "OPTIONS", "/api/vmm/unversioned/info", None);
    assert_eq!(info.body["data"], "v4.1");
    for (version, status) in [
        ("v4.0", 200),
        ("v4.0.b1", 200),
        ("v4.1", 200),
        ("v4.2", 404),
        ("v3.0", 404),
        ("v4.0.x1", 404),
    ] {
        let reply = lab.get(TOKYO, &format!("/api/vmm/{version}/ahv/config/vms"));
        assert_eq!(reply.status, status, "{version}");
    }
    assert_eq!(
        lab.get(TOKYO, "/api/clustermgmt/v4.0/config/hosts").status,
        404
    );
    assert_eq!(
        lab.get(TOKYO, "/api/datapolicies/v4.1/config/recovery-plans")
            .status,
        404,
        "recovery plans exist from v4.2 on"
    );
}

#[test]
fn a_list_is_paged_with_links_and_an_empty_one_has_no_data() {
    let mut lab = Lab::new();
    assert!(lab.get(TOKYO, VMS).body.get("data").is_none());
    for number in 0..5 {
        lab.category(TOKYO, &format!("w{number}"));
    }
    let reply = lab.get(TOKYO, &format!("{CATEGORIES}?$page=1&$limit=2"));
    assert_eq!(reply.list().len(), 2);
    assert_eq!(reply.body["metadata"]["totalAvailableResults"], 5);
    let rels: Vec<&str> = reply.body["metadata"]["links"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| link["rel"].as_str().unwrap())
        .collect();
    assert_eq!(rels, ["self", "first", "last", "next", "prev"]);
    assert!(
        lab.get(TOKYO, &format!("{CATEGORIES}?$page=9"))
            .list()
            .is_empty()
    );
    for bad in ["$limit=0", "$limit=101", "$limit=x", "$page=-1"] {
        let reply = lab.get(TOKYO, &format!("{CATEGORIES}?{bad}"));
        assert_eq!(reply.status, 400, "{bad}");
    }
}

#[test]
fn a_list_is_filtered_sorted_and_narrowed() {
    let mut lab = Lab::new();
    for value in ["b", "c", "a"] {
        lab.category(TOKYO, value);
    }
    let reply = lab.get(
        TOKYO,
        &format!(
            "{CATEGORIES}?$filter=key eq 'Wave' and value ne 'b'&$orderby=value desc&$select=value"
        ),
    );
    let values: Vec<&str> = reply
        .list()
        .iter()
        .map(|item| item["value"].as_str().unwrap())
        .collect();
    assert_eq!(values, ["c", "a"]);
    assert!(reply.list()[0].get("key").is_none());
    assert!(reply.list()[0]["extId"].is_string());
    assert_eq!(
        lab.get(TOKYO, &format!("{CATEGORIES}?$filter=key is 'x'"))
            .status,
        400
    );
}

#[test]
fn vms_can_be_filtered_by_name_and_by_properties_of_their_nics() {
    let mut lab = Lab::new();
    lab.vm(TOKYO, "app01", "172.30.1.10");
    lab.vm(TOKYO, "app02", "172.30.1.11");
    for filter in [
        "name eq 'app02'",
        "endswith(name,'02') and powerState eq 'ON'",
        "nics/any(n:n/networkInfo/ipv4Config/ipAddress/value eq '172.30.1.11')",
    ] {
        let reply = lab.get(TOKYO, &format!("{VMS}?$filter={filter}"));
        assert_eq!(reply.list().len(), 1, "{filter}");
        assert_eq!(reply.list()[0]["name"], "app02");
    }
}

#[test]
fn every_element_has_its_object_type() {
    let mut lab = Lab::new();
    lab.vm(TOKYO, "app01", "172.30.1.10");
    let reply = lab.get(TOKYO, VMS);
    let vm = &reply.list()[0];
    assert_eq!(vm["$objectType"], "vmm.v4.ahv.config.Vm");
    assert_eq!(vm["$reserved"]["$fv"], "v4.r2");
    let nic = &vm["nics"][0];
    assert_eq!(
        nic["nicBackingInfo"]["$objectType"],
        "vmm.v4.ahv.config.VirtualEthernetNic"
    );
}

#[test]
fn a_v4_0_path_answers_nics_in_the_old_shape_only() {
    let mut lab = Lab::new();
    lab.vm(TOKYO, "app01", "172.30.1.10");
    let old = lab.get(TOKYO, "/api/vmm/v4.0/ahv/config/vms");
    let nic = &old.list()[0]["nics"][0];
    assert_eq!(
        nic["networkInfo"]["ipv4Config"]["ipAddress"]["value"],
        "172.30.1.10"
    );
    assert!(nic.get("nicNetworkInfo").is_none());
}

#[test]
fn a_mutation_repeated_with_its_request_id_is_applied_once() {
    let mut lab = Lab::new();
    let request = lab.request("POST", VMS, Some(json!({"name": "once"})));
    let first = lab.send(TOKYO, &request);
    lab.pass(10);
    let second = lab.send(TOKYO, &request);
    assert_eq!(first.body, second.body);
    lab.done(TOKYO, &second);
    assert_eq!(lab.state.pcs[TOKYO].vms.len(), 1);

    let mut other = lab.request("POST", SUBNETS, Some(json!({})));
    other.headers = request.headers.clone();
    assert_eq!(lab.send(TOKYO, &other).status, 400);
}

#[test]
fn a_refusal_is_not_replayed() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let path = format!("{VMS}/{vm}");
    let etag = lab.get(TOKYO, &path).etag.unwrap();
    let mut request = lab.request("POST", &format!("{path}/$actions/power-off"), None);
    request
        .headers
        .insert("if-match".to_owned(), "\"stale\"".to_owned());
    assert_eq!(lab.send(TOKYO, &request).status, 412);
    request.headers.insert("if-match".to_owned(), etag);
    assert_eq!(lab.send(TOKYO, &request).status, 202);
}

#[test]
fn a_change_needs_the_current_etag() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let path = format!("{VMS}/{vm}");
    let before = lab.get(TOKYO, &path).etag.unwrap();
    let missing = lab.call(TOKYO, "POST", &format!("{path}/$actions/power-off"), None);
    assert_eq!(missing.status, 428);
    lab.power(TOKYO, &vm, "power-off");
    let mut request = lab.request("DELETE", &path, None);
    request.headers.insert("if-match".to_owned(), before);
    let stale = lab.send(TOKYO, &request);
    assert_eq!(stale.status, 412);
    assert_eq!(stale.error()["code"], "VMM-30303");
    assert_eq!(stale.error()["errorGroup"], "VM_ETAG_MISMATCH");
    assert!(
        stale.error()["message"]
            .as_str()
            .unwrap()
            .starts_with("If-Match header value passed")
    );
}

#[test]
fn a_bad_body_is_a_schema_error_of_the_namespace() {
    let mut lab = Lab::new();
    let reply = lab.call(TOKYO, "POST", SUBNETS, Some(json!({"name": "x"})));
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.body["data"]["error"]["$objectType"],
        "networking.v4.error.SchemaValidationError"
    );
    assert_eq!(
        reply.body["data"]["error"]["validationErrorMessages"][0]["attributePath"],
        "subnetType"
    );
    let mut request = lab.request("POST", VMS, None);
    request.body = b"{".to_vec();
    assert_eq!(lab.send(TOKYO, &request).status, 400);
}

#[test]
fn unknown_entities_return_404_and_unsupported_methods_405() {
    let mut lab = Lab::new();
    assert_eq!(
        lab.get(TOKYO, &format!("{VMS}/{}", id(9, "no"))).status,
        404
    );
    assert_eq!(
        lab.get(TOKYO, "/api/vmm/v4.2/ahv/config/nothing").status,
        404
    );
    assert_eq!(lab.call(TOKYO, "PATCH", VMS, None).status, 405);
    assert_eq!(
        lab.get(TOKYO, &format!("{TASKS}/{}", id(9, "no"))).status,
        404
    );
    assert_eq!(lab.get(TOKYO, "/api/nutanix/v3/vms/list").status, 404);
}

#[test]
fn a_task_goes_from_queued_through_running_to_succeeded() {
    let mut lab = Lab::new();
    let reply = lab.call(TOKYO, "POST", VMS, Some(json!({"name": "slow"})));
    let id = reply.data()["extId"].as_str().unwrap().to_owned();
    assert!(id.starts_with("ZXJnb24=:"));
    let path = format!("{TASKS}/{id}");
    assert_eq!(lab.get(TOKYO, &path).data()["status"], "QUEUED");
    lab.pass(1);
    assert_eq!(lab.get(TOKYO, &path).data()["status"], "RUNNING");
    assert!(lab.state.pcs[TOKYO].vms.is_empty());
    lab.pass(1);
    let task = lab.get(TOKYO, &path).data().clone();
    assert_eq!(task["status"], "SUCCEEDED");
    assert_eq!(task["progressPercentage"], 100);
    assert_eq!(task["entitiesAffected"][0]["rel"], "vmm:ahv:config:vm");
    assert_eq!(lab.state.pcs[TOKYO].vms.len(), 1);
}

#[test]
fn a_site_that_was_down_finishes_its_tasks_when_it_is_up() {
    let mut lab = Lab::new();
    let reply = lab.call(TOKYO, "POST", VMS, Some(json!({"name": "later"})));
    lab.state.pcs[TOKYO].down = true;
    lab.pass(600);
    assert_eq!(lab.get(TOKYO, VMS).status, 503);
    assert!(lab.state.pcs[TOKYO].vms.is_empty());
    lab.state.pcs[TOKYO].down = false;
    lab.done(TOKYO, &reply);
}
