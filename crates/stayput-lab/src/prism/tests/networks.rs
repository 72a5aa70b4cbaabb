//! Tests of subnets, reservations, Flow VPCs, routes, the view of AWS, and pairing.

use serde_json::Value;
use serde_json::json;

use super::fixture::*;
use crate::aws::model::RegionState;
use crate::aws::model::Subnet;
use crate::aws::model::Vpc;

fn overlay(name: &str, network: &str) -> Value {
    json!({
        "name": name, "subnetType": "OVERLAY", "vpcReference": id(TOKYO, "prod"),
        "ipConfig": [{"ipv4": {"ipSubnet": {"ip": {"value": network}, "prefixLength": 24}}}],
    })
}

fn prefix(network: &str, length: u8) -> Value {
    json!({"ipv4": {"ip": {"value": network}, "prefixLength": length}})
}

#[test]
fn an_overlay_subnet_is_created_read_back_changed_and_deleted() {
    let mut lab = Lab::new();
    let body = json!({
        "name": "db", "subnetType": "OVERLAY", "vpcReference": id(TOKYO, "prod"),
        "ipConfig": [{"ipv4": {
            "ipSubnet": {"ip": {"value": "172.30.3.0"}, "prefixLength": 24},
            "defaultGatewayIp": {"value": "172.30.3.1"},
            "poolList": [{"startIp": {"value": "172.30.3.200"}, "endIp": {"value": "172.30.3.250"}}],
        }}],
        "dhcpOptions": {"domainNameServers": [{"ipv4": {"value": "10.101.0.2"}}]},
    });
    let subnet = lab.create(TOKYO, SUBNETS, body);
    let of = format!("{SUBNETS}/{subnet}");
    let read = lab.get(TOKYO, &of).data().clone();
    assert_eq!(read["subnetType"], "OVERLAY");
    assert_eq!(read["ipPrefix"], "172.30.3.0/24");
    let config = &read["ipConfig"][0]["ipv4"];
    assert_eq!(config["ipSubnet"]["ip"]["value"], "172.30.3.0");
    assert_eq!(config["poolList"][0]["endIp"]["value"], "172.30.3.250");
    assert_eq!(read["ipUsage"]["ipPoolUsages"][0]["numTotalIPs"], 51);
    assert_eq!(
        read["dhcpOptions"]["domainNameServers"][0]["ipv4"]["value"],
        "10.101.0.2"
    );

    let mut changed = read;
    changed["name"] = json!("db2");
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(changed.clone()));
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(TOKYO, &of).data()["name"], "db2");
    assert_eq!(lab.call(TOKYO, "PUT", &of, Some(changed)).status, 428);
    let found = lab.get(
        TOKYO,
        &format!(
            "{SUBNETS}?$filter=name eq 'db2' and vpcReference eq '{}'",
            id(TOKYO, "prod")
        ),
    );
    assert_eq!(found.list().len(), 1);
    let reply = lab.call(TOKYO, "DELETE", &of, None);
    lab.done(TOKYO, &reply);
    assert_eq!(lab.get(TOKYO, &of).status, 404);
}

#[test]
fn an_overlapping_subnet_or_one_in_use_is_refused_in_the_task() {
    let mut lab = Lab::new();
    let reply = lab.call(TOKYO, "POST", SUBNETS, Some(overlay("x", "172.30.1.0")));
    assert!(
        lab.failed(TOKYO, &reply)
            .contains("overlaps with subnet app")
    );
    lab.vm(TOKYO, "app01", "172.30.1.10");
    let reply = lab.call(
        TOKYO,
        "DELETE",
        &format!("{SUBNETS}/{}", id(TOKYO, "app")),
        None,
    );
    assert!(lab.failed(TOKYO, &reply).contains("in use"));
    let mut host_bits = overlay("y", "172.30.7.0");
    host_bits["ipConfig"][0]["ipv4"]["ipSubnet"]["ip"]["value"] = json!("172.30.7.5");
    assert_eq!(
        lab.call(TOKYO, "POST", SUBNETS, Some(host_bits)).status,
        400
    );
}

#[test]
fn used_addresses_are_listed_as_vnics() {
    let mut lab = Lab::new();
    let vm = lab.vm(TOKYO, "app01", "172.30.1.10");
    let reply = lab.get(TOKYO, &format!("{SUBNETS}/{}/vnics", id(TOKYO, "app")));
    let vnic = &reply.list()[0];
    assert_eq!(vnic["vmReference"], json!(vm));
    assert_eq!(
        vnic["assignedIpv4Addresses"][0]["ipv4"]["value"],
        "172.30.1.10"
    );
}

#[test]
fn addresses_are_reserved_by_list_range_or_count_and_released_by_context() {
    let mut lab = Lab::new();
    lab.vm(TOKYO, "app01", "172.30.1.4");
    let of = format!("{SUBNETS}/{}", id(TOKYO, "app"));
    let reserve = |lab: &mut Lab, body: Value| {
        lab.call(
            TOKYO,
            "POST",
            &format!("{of}/addresses/$actions/reserve"),
            Some(body),
        )
    };
    let list = json!({"reserveType": "IP_ADDRESS_LIST", "clientContext": "wave-1",
        "ipAddresses": [{"ipv4": {"value": "172.30.1.34"}}]});
    let reply = reserve(&mut lab, list.clone());
    let task = lab.done(TOKYO, &reply);
    assert_eq!(task["completionDetails"][0]["value"], "172.30.1.34");
    let range = json!({"reserveType": "IP_ADDRESS_RANGE", "clientContext": "wave-2",
        "startIpAddress": {"ipv4": {"value": "172.30.1.50"}}, "count": 2});
    let reply = reserve(&mut lab, range);
    lab.done(TOKYO, &reply);
    let count = json!({"reserveType": "IP_ADDRESS_COUNT", "clientContext": "wave-3", "count": 3});
    let reply = reserve(&mut lab, count);
    let task = lab.done(TOKYO, &reply);
    assert_eq!(
        task["completionDetails"][0]["value"],
        "172.30.1.2,172.30.1.3,172.30.1.5"
    );
    let mut stolen = list.clone();
    stolen["clientContext"] = json!("thief");
    let reply = reserve(&mut lab, stolen);
    assert!(lab.failed(TOKYO, &reply).contains("already reserved"));
    let reply = reserve(&mut lab, list);
    lab.done(TOKYO, &reply);
    let used = json!({"reserveType": "IP_ADDRESS_LIST", "ipAddresses": [{"ipv4": {"value": "172.30.1.4"}}]});
    let reply = reserve(&mut lab, used);
    assert!(lab.failed(TOKYO, &reply).contains("in use"));

    let all = lab.get(TOKYO, &format!("{of}/reserved-ips"));
    assert_eq!(all.list().len(), 6);
    assert_eq!(all.list()[3]["clientContext"], "wave-1");
    let unreserve = json!({"unreserveType": "CONTEXT", "clientContext": "wave-3"});
    let path = format!("{of}/addresses/$actions/unreserve");
    let reply = lab.call(TOKYO, "POST", &path, Some(unreserve));
    lab.done(TOKYO, &reply);
    assert_eq!(
        lab.get(TOKYO, &format!("{of}/reserved-ips")).list().len(),
        3
    );
    assert_eq!(
        lab.call(
            TOKYO,
            "POST",
            &path,
            Some(json!({"unreserveType": "MAGIC"}))
        )
        .status,
        400
    );
}

#[test]
fn prefixes_are_set_by_a_put_of_the_whole_vpc() {
    let mut lab = Lab::new();
    for vpc in ["prod", "transit"] {
        let of = format!("{VPCS}/{}", id(TOKYO, vpc));
        let mut body = lab.get(TOKYO, &of).data().clone();
        body["externallyRoutablePrefixes"] = json!([prefix("172.30.1.0", 24)]);
        let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(body));
        lab.done(TOKYO, &reply);
        let read = lab.get(TOKYO, &of).data().clone();
        assert_eq!(
            read["externallyRoutablePrefixes"][0]["ipv4"]["ip"]["value"],
            "172.30.1.0"
        );
        assert!(!read["externalSubnets"].as_array().unwrap().is_empty());
    }
    let of = format!("{VPCS}/{}", id(TOKYO, "lab"));
    let mut body = lab.get(TOKYO, &of).data().clone();
    body["externallyRoutablePrefixes"] = json!([prefix("172.30.0.0", 16)]);
    let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(body.clone()));
    assert!(
        lab.failed(TOKYO, &reply)
            .contains("overlaps with 172.30.1.0/24 of VPC prod")
    );
    for (network, length) in [("172.0.0.0", 8), ("172.30.1.0", 29)] {
        body["externallyRoutablePrefixes"] = json!([prefix(network, length)]);
        let reply = lab.with_etag(TOKYO, "PUT", &of, &of, Some(body.clone()));
        assert_eq!(reply.status, 400);
    }
}

#[test]
fn vpcs_are_created_and_deleted_but_not_the_transit_vpc() {
    let mut lab = Lab::new();
    let body = json!({"name": "new", "externalSubnets": [{"subnetReference": id(TOKYO, "nonat")}]});
    let vpc = lab.create(TOKYO, VPCS, body);
    let reply = lab.call(TOKYO, "DELETE", &format!("{VPCS}/{vpc}"), None);
    lab.done(TOKYO, &reply);
    for (vpc, message) in [
        ("transit", "cannot be deleted"),
        ("prod", "still has subnets"),
    ] {
        let reply = lab.call(TOKYO, "DELETE", &format!("{VPCS}/{}", id(TOKYO, vpc)), None);
        assert!(lab.failed(TOKYO, &reply).contains(message));
    }
    let body = json!({"name": "lost", "externalSubnets": [{"subnetReference": id(9, "none")}]});
    let reply = lab.call(TOKYO, "POST", VPCS, Some(body));
    assert!(lab.failed(TOKYO, &reply).contains("was not found"));
}

#[test]
fn packets_leave_a_user_vpc_by_its_no_nat_external_subnet() {
    let mut lab = Lab::new();
    let tables = lab.get(
        TOKYO,
        &format!(
            "/api/networking/v4.2/config/route-tables?$filter=vpcReference eq '{}'",
            id(TOKYO, "prod")
        ),
    );
    let table = tables.list()[0]["extId"].as_str().unwrap().to_owned();
    let path = format!("/api/networking/v4.2/config/route-tables/{table}/routes");
    let routes = lab.get(TOKYO, &path);
    let default = routes
        .list()
        .iter()
        .find(|route| route["destination"]["ipv4"]["prefixLength"] == 0)
        .unwrap();
    assert_eq!(default["nexthop"]["nexthopType"], "EXTERNAL_SUBNET");
    assert_eq!(
        default["nexthop"]["nexthopReference"],
        json!(id(TOKYO, "nonat"))
    );
    assert_eq!(routes.list().len(), 3);
    assert_eq!(lab.call(TOKYO, "POST", &path, Some(json!({}))).status, 405);
}

#[test]
fn the_view_of_aws_needs_the_cluster_id_and_shows_its_vpc_only() {
    let mut lab = Lab::new();
    let mut region = RegionState::default();
    for vpc in ["vpc-0", "vpc-other"] {
        let cidr: stayput_estate::Cidr = "10.101.0.0/16".parse().unwrap();
        region.vpcs.insert(
            vpc.to_owned(),
            Vpc {
                cidrs: vec![cidr],
                tags: std::collections::BTreeMap::new(),
            },
        );
        region.subnets.insert(
            format!("subnet-{vpc}"),
            Subnet {
                vpc: vpc.to_owned(),
                cidr: "10.101.3.0/24".parse().unwrap(),
                az: "region-0a".to_owned(),
                tags: std::collections::BTreeMap::new(),
            },
        );
    }
    lab.state.aws.regions.insert("region-0".to_owned(), region);
    let path = "/api/networking/v4.2/aws/config/subnets";
    assert_eq!(lab.get(TOKYO, path).status, 400);
    let mut request = lab.request("GET", path, None);
    request
        .headers
        .insert("x-cluster-id".to_owned(), id(TOKYO, "cluster"));
    let reply = lab.send(TOKYO, &request);
    assert_eq!(reply.list().len(), 1);
    assert_eq!(reply.list()[0]["subnetId"], "subnet-vpc-0");
    assert_eq!(reply.list()[0]["gatewayIp"], "10.101.3.1");
}

#[test]
fn pairing_is_listed_on_both_sides_with_its_connectivity() {
    let mut lab = Lab::new();
    let path = format!(
        "/api/prism/v4.2/management/domain-managers/{}/registrations",
        manager(TOKYO)
    );
    let status = |lab: &mut Lab| {
        let reply = lab.get(TOKYO, &path);
        reply.list().first().map(|registration| {
            assert_eq!(registration["remoteClusterExtId"], json!(manager(OSAKA)));
            assert_eq!(
                registration["remoteClusterDetails"]["clusterType"],
                "DOMAIN_MANAGER"
            );
            registration["connectivityStatus"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    assert_eq!(status(&mut lab).as_deref(), Some("CONNECTED"));
    lab.state.pcs[OSAKA].cut_off.insert(manager(TOKYO));
    assert_eq!(status(&mut lab).as_deref(), Some("DISCONNECTED"));
    lab.state.pcs[OSAKA].cut_off.clear();
    let manage = format!(
        "/api/prism/v4.2/management/domain-managers/{}/$actions",
        manager(TOKYO)
    );
    let body = json!({"extId": manager(OSAKA)});
    let reply = lab.call(TOKYO, "POST", &format!("{manage}/unregister"), Some(body));
    lab.done(TOKYO, &reply);
    assert_eq!(status(&mut lab), None);
    assert!(lab.state.pcs[OSAKA].paired.is_empty());

    let register = |password: &str| {
        json!({"remoteCluster": {
            "$objectType": "prism.v4.management.DomainManagerRemoteClusterSpec",
            "remoteCluster": {"address": {"fqdn": {"value": "osaka"}},
                "credentials": {"authentication": {"username": "admin", "password": password}}},
            "cloudType": "ONPREM_CLOUD",
        }})
    };
    let path_register = format!("{manage}/register");
    let reply = lab.call(TOKYO, "POST", &path_register, Some(register("wrong")));
    assert!(lab.failed(TOKYO, &reply).contains("Authentication"));
    let reply = lab.call(TOKYO, "POST", &path_register, Some(register("secret")));
    lab.done(TOKYO, &reply);
    assert_eq!(status(&mut lab).as_deref(), Some("CONNECTED"));
    let managers = lab.get(TOKYO, "/api/prism/v4.2/config/domain-managers");
    assert_eq!(managers.list()[0]["extId"], json!(manager(TOKYO)));
}
