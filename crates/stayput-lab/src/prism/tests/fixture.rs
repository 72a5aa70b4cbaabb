//! Two Prism Centrals, paired: Tokyo is primary, Osaka recovery. Both have the overlay subnet `app` with one CIDR.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use serde_json::json;
use stayput_estate::AddrRange;

use crate::clock::Clock;
use crate::clock::VTime;
use crate::http::Request;
use crate::http::Response;
use crate::prism::handle;
use crate::prism::model::FlowSubnet;
use crate::prism::model::FlowVpc;
use crate::prism::model::PcState;
use crate::state::LabState;
use crate::state::Timing;

pub const TOKYO: usize = 0;
pub const OSAKA: usize = 1;
pub const VMS: &str = "/api/vmm/v4.2/ahv/config/vms";
pub const SUBNETS: &str = "/api/networking/v4.2/config/subnets";
pub const VPCS: &str = "/api/networking/v4.2/config/vpcs";
pub const CATEGORIES: &str = "/api/prism/v4.2/config/categories";
pub const TASKS: &str = "/api/prism/v4.2/config/tasks";
pub const POLICIES: &str = "/api/datapolicies/v4.2/config/protection-policies";
pub const PLANS: &str = "/api/datapolicies/v4.2/config/recovery-plans";
pub const JOBS: &str = "/api/dataprotection/v4.2/config/recovery-plan-jobs";
pub const POINTS: &str = "/api/dataprotection/v4.2/config/recovery-points";

pub fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// Returns a readable id in the right format: `id(1, "app")`.
pub fn id(pc: usize, name: &str) -> String {
    uuid::Uuid::new_v5(
        &uuid::Uuid::NAMESPACE_DNS,
        format!("{pc} {name}").as_bytes(),
    )
    .to_string()
}

pub fn manager(pc: usize) -> String {
    id(pc, "domain manager")
}

pub struct Lab {
    pub state: LabState,
    requests: u64,
}

/// An answer.
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub etag: Option<String>,
}

impl Reply {
    fn of(response: &Response) -> Self {
        Self {
            status: response.status,
            body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
            etag: response
                .headers
                .iter()
                .find(|(name, _)| name == "ETag")
                .map(|(_, value)| value.clone()),
        }
    }

    pub fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub fn list(&self) -> &[Value] {
        self.data().as_array().map_or(&[], Vec::as_slice)
    }

    pub fn error(&self) -> &Value {
        &self.body["data"]["error"][0]
    }
}

impl Lab {
    pub fn new() -> Self {
        let clock = Clock::new(VTime(1_780_000_000_000), 0.0);
        let mut state = LabState::new(clock, Timing::default());
        for (pc, name) in ["tokyo", "osaka"].into_iter().enumerate() {
            state.pcs.push(site(pc, name));
        }
        for (pc, other) in [(TOKYO, OSAKA), (OSAKA, TOKYO)] {
            state.pcs[pc].paired.insert(manager(other), other);
        }
        Self { state, requests: 0 }
    }

    pub fn request(&mut self, method: &str, path: &str, body: Option<Value>) -> Request {
        self.requests += 1;
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (
                path,
                query
                    .split('&')
                    .map(|pair| {
                        let (key, value) = pair.split_once('=').unwrap();
                        (key.to_owned(), value.to_owned())
                    })
                    .collect(),
            ),
            None => (path, Vec::new()),
        };
        let basic = BASE64_STANDARD.encode("admin:secret");
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: BTreeMap::from([
                ("authorization".to_owned(), format!("Basic {basic}")),
                (
                    "ntnx-request-id".to_owned(),
                    format!("request-{}", self.requests),
                ),
            ]),
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
            base: "https://127.0.0.1:9440".to_owned(),
        }
    }

    pub fn send(&mut self, pc: usize, request: &Request) -> Reply {
        self.state.catch_up();
        Reply::of(&handle(&mut self.state, pc, request))
    }

    pub fn get(&mut self, pc: usize, path: &str) -> Reply {
        let request = self.request("GET", path, None);
        self.send(pc, &request)
    }

    pub fn call(&mut self, pc: usize, method: &str, path: &str, body: Option<Value>) -> Reply {
        let request = self.request(method, path, body);
        self.send(pc, &request)
    }

    /// Sends a call with the current ETag of the entity at `of`.
    pub fn with_etag(
        &mut self,
        pc: usize,
        method: &str,
        path: &str,
        of: &str,
        body: Option<Value>,
    ) -> Reply {
        let etag = self.get(pc, of).etag.expect("the entity has an ETag");
        let mut request = self.request(method, path, body);
        request.headers.insert("if-match".to_owned(), etag);
        self.send(pc, &request)
    }

    /// Waits for the task of a 202 answer and returns it.
    pub fn wait(&mut self, pc: usize, accepted: &Reply) -> Value {
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let id = accepted.data()["extId"].as_str().unwrap().to_owned();
        for _ in 0..10_000 {
            let task = self.get(pc, &format!("{TASKS}/{id}")).data().clone();
            if task["completedTime"].is_string() {
                return task;
            }
            self.pass(1);
        }
        panic!("task {id} does not end");
    }

    /// Waits for the task, which must succeed.
    pub fn done(&mut self, pc: usize, accepted: &Reply) -> Value {
        let task = self.wait(pc, accepted);
        assert_eq!(task["status"], "SUCCEEDED", "{task}");
        task
    }

    /// Waits for the task, which must fail; returns the first message.
    pub fn failed(&mut self, pc: usize, accepted: &Reply) -> String {
        let task = self.wait(pc, accepted);
        assert_eq!(task["status"], "FAILED", "{task}");
        task["errorMessages"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Creates an entity whose task names it first, and returns its id.
    pub fn create(&mut self, pc: usize, path: &str, body: Value) -> String {
        let reply = self.call(pc, "POST", path, Some(body));
        let task = self.done(pc, &reply);
        task["entitiesAffected"][0]["extId"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Advances virtual time by seconds.
    pub fn pass(&mut self, seconds: u64) {
        self.state.advance(Duration::from_secs(seconds));
    }

    /// Creates a VM on `app` with this address, powered on.
    pub fn vm(&mut self, pc: usize, name: &str, address: &str) -> String {
        let vm = self.create(
            pc,
            VMS,
            json!({"name": name, "nics": [nic(&id(pc, "app"), Some(address))]}),
        );
        self.power(pc, &vm, "power-on");
        vm
    }

    pub fn power(&mut self, pc: usize, vm: &str, action: &str) {
        let of = format!("{VMS}/{vm}");
        let reply = self.with_etag(pc, "POST", &format!("{of}/$actions/{action}"), &of, None);
        self.done(pc, &reply);
    }

    pub fn category(&mut self, pc: usize, value: &str) -> String {
        let reply = self.call(
            pc,
            "POST",
            CATEGORIES,
            Some(json!({"key": "Wave", "value": value})),
        );
        assert_eq!(reply.status, 201, "{}", reply.body);
        reply.data()["extId"].as_str().unwrap().to_owned()
    }

    pub fn categorise(&mut self, pc: usize, vm: &str, category: &str) {
        let of = format!("{VMS}/{vm}");
        let path = format!("{of}/$actions/associate-categories");
        let body = json!({"categories": [{"extId": category}]});
        let reply = self.with_etag(pc, "POST", &path, &of, Some(body));
        self.done(pc, &reply);
    }

    /// Returns all addresses of the VM with this name, or `None` when there is not exactly one such VM.
    pub fn addresses(&self, pc: usize, name: &str) -> Option<Vec<String>> {
        let vms: Vec<_> = self.state.pcs[pc]
            .vms
            .values()
            .filter(|vm| vm.name == name && vm.test_of.is_none())
            .collect();
        match vms.as_slice() {
            [vm] => Some(
                vm.nics
                    .iter()
                    .flat_map(|nic| nic.address.iter().chain(&nic.secondary))
                    .map(ToString::to_string)
                    .collect(),
            ),
            _ => None,
        }
    }
}

/// Returns a NIC in the shape of v4.1 and later.
pub fn nic(subnet: &str, address: Option<&str>) -> Value {
    let mut config = json!({"shouldAssignIp": true});
    if let Some(address) = address {
        config["ipAddress"] = json!({"value": address, "prefixLength": 32});
    }
    json!({
        "nicBackingInfo": {"$objectType": "vmm.v4.ahv.config.VirtualEthernetNic", "model": "VIRTIO"},
        "nicNetworkInfo": {
            "$objectType": "vmm.v4.ahv.config.VirtualEthernetNicNetworkInfo",
            "subnet": {"extId": subnet},
            "ipv4Config": config,
        },
    })
}

fn site(pc: usize, name: &str) -> PcState {
    let mut state = PcState {
        name: name.to_owned(),
        domain_manager: manager(pc),
        cluster: (id(pc, "cluster"), format!("nc2-{name}")),
        minors: [
            "vmm",
            "networking",
            "prism",
            "datapolicies",
            "dataprotection",
        ]
        .into_iter()
        .map(|namespace| (namespace.to_owned(), 2))
        .collect(),
        credentials: ("admin".to_owned(), "secret".to_owned()),
        aws: (format!("region-{pc}"), format!("vpc-{pc}")),
        ..PcState::default()
    };
    let vpc = |transit, external: &[&str]| FlowVpc {
        name: if transit { "transit-vpc" } else { "prod" }.to_owned(),
        transit,
        external: external.iter().map(|name| id(pc, name)).collect(),
        version: 1,
        ..FlowVpc::default()
    };
    state
        .vpcs
        .insert(id(pc, "transit"), vpc(true, &["nat", "nonat"]));
    state.vpcs.insert(id(pc, "prod"), vpc(false, &["nonat"]));
    state.vpcs.insert(id(pc, "lab"), vpc(false, &[]));
    for (name, nat) in [("nat", true), ("nonat", false)] {
        let uplink = FlowSubnet {
            name: format!("overlay-external-subnet-{name}"),
            external: true,
            nat,
            cidr: Some("100.64.10.0/24".parse().unwrap()),
            gateway: Some(ip("100.64.10.1")),
            version: 1,
            ..FlowSubnet::default()
        };
        state.subnets.insert(id(pc, name), uplink);
    }
    for (name, vpc, cidr) in [
        ("app", "prod", "172.30.1.0/24"),
        ("app-test", "lab", "172.30.1.0/24"),
        ("other", "prod", "172.31.0.0/23"),
    ] {
        state
            .subnets
            .insert(id(pc, name), overlay(name, &id(pc, vpc), cidr));
    }
    let vlan = FlowSubnet {
        name: "vlan".to_owned(),
        version: 1,
        ..FlowSubnet::default()
    };
    state.subnets.insert(id(pc, "vlan"), vlan);
    state
}

/// Returns an overlay subnet whose pool is .200 to .203.
fn overlay(name: &str, vpc: &str, cidr: &str) -> FlowSubnet {
    let cidr: stayput_estate::Cidr = cidr.parse().unwrap();
    FlowSubnet {
        name: name.to_owned(),
        vpc: Some(vpc.to_owned()),
        cidr: Some(cidr),
        gateway: cidr.nth(1),
        pools: vec![AddrRange {
            first: cidr.nth(200).unwrap(),
            last: cidr.nth(203).unwrap(),
        }],
        version: 1,
        ..FlowSubnet::default()
    }
}
