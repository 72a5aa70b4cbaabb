//! Subnets and Flow VPCs (Prism reference §3.2).

mod reservations;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use stayput_estate::Cidr;
use stayput_estate::FlowVpcExtId;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::FlowVpc;

use super::api::Path;
use super::api::quoted;
use super::change::Change;
use super::change::Finished;
use super::change::Next;
use super::version::Namespace;
use super::wire::network::Erp;
use super::wire::network::ExternalSubnet;
use super::wire::network::IpConfig;
use super::wire::network::Ipv4Config;
use super::wire::network::NewDhcpOptions;
use super::wire::network::WireSubnet;
use super::wire::network::WireVnic;
use super::wire::network::WireVpc;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::request_id::RequestId;
use crate::prism::spec::SubnetSpec;
use crate::prism::spec::SubnetVnic;
use crate::prism::spec::VpcSpec;
use crate::retry::Looks;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewSubnet<'a> {
    name: &'a str,
    subnet_type: &'static str,
    vpc_reference: &'a FlowVpcExtId,
    ip_config: [IpConfig; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    dhcp_options: Option<NewDhcpOptions>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct NewVpc<'a> {
    name: &'a str,
    vpc_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_subnets: Vec<ExternalSubnet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    externally_routable_prefixes: Vec<Erp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    common_dhcp_options: Option<NewDhcpOptions>,
}

pub(super) fn subnets() -> Path {
    Path::new(Namespace::Networking, &["config", "subnets"])
}

pub(super) fn vpcs() -> Path {
    Path::new(Namespace::Networking, &["config", "vpcs"])
}

/// Whether addresses can be held back from automatic allocation in a subnet, which only a list of their own tells.
pub(super) fn has_reservations(subnet: &FlowSubnet) -> bool {
    subnet.vpc.is_some() && !subnet.external
}

fn new_subnet(spec: &SubnetSpec) -> NewSubnet<'_> {
    NewSubnet {
        name: &spec.name,
        subnet_type: "OVERLAY",
        vpc_reference: &spec.vpc,
        ip_config: [IpConfig {
            ipv4: Some(Ipv4Config {
                ip_subnet: Some(spec.cidr.into()),
                default_gateway_ip: Some(spec.gateway.into()),
                pool_list: spec.pools.iter().map(|&pool| pool.into()).collect(),
            }),
        }],
        dhcp_options: NewDhcpOptions::servers(&spec.dns),
    }
}

/// The IPv4 externally routable prefixes of a Flow VPC as received.
fn erps_of(vpc: &Value) -> BTreeSet<Cidr> {
    let entries = vpc
        .get("externallyRoutablePrefixes")
        .and_then(Value::as_array);
    let cidr = |entry: &Value| Erp::deserialize(entry).ok().and_then(|erp| erp.cidr());
    entries.into_iter().flatten().filter_map(cidr).collect()
}

/// A Flow VPC as received with other externally routable prefixes; everything else, and entries that stay, as they were.
/// `None` if it has exactly these.
fn with_erps(mut vpc: Value, erps: &BTreeSet<Cidr>) -> Option<Value> {
    const KEY: &str = "externallyRoutablePrefixes";
    let cidr = |entry: &Value| Erp::deserialize(entry).ok().and_then(|erp| erp.cidr());
    let before: Vec<Value> = vpc
        .get(KEY)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let had: BTreeSet<Cidr> = before.iter().filter_map(cidr).collect();
    if had == *erps {
        return None;
    }
    // IPv6 prefixes are not ours to drop.
    let kept = before
        .into_iter()
        .filter(|entry| cidr(entry).is_none_or(|cidr| erps.contains(&cidr)));
    let added = erps
        .difference(&had)
        .filter_map(|&cidr| serde_json::to_value(Erp::from(cidr)).ok());
    let after: Vec<Value> = kept.chain(added).collect();
    vpc.as_object_mut()?.insert(KEY.to_owned(), after.into());
    Some(vpc)
}

impl PrismClient {
    /// One subnet as it is now, with its reserved addresses; `None` if Prism Central says that it does not exist.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn subnet(&self, subnet: &SubnetExtId) -> Result<Option<FlowSubnet>, PrismError> {
        let what = Message::new("call-look-at-subnet").with("subnet", subnet);
        let path = subnets().join(subnet.as_str());
        let Some(found) = self.v4.find::<WireSubnet>(&path, &what).await? else {
            return Ok(None);
        };
        let mut found = FlowSubnet::from(found.value);
        if has_reservations(&found) {
            found
                .reserved
                .extend(self.reserved_addresses(subnet).await?);
        }
        Ok(Some(found))
    }

    /// One Flow VPC as it is now; `None` if Prism Central says that it does not exist.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn flow_vpc(&self, vpc: &FlowVpcExtId) -> Result<Option<FlowVpc>, PrismError> {
        let what = Message::new("call-look-at-flow-vpc").with("vpc", vpc);
        let path = vpcs().join(vpc.as_str());
        let found = self.v4.find::<WireVpc>(&path, &what).await?;
        Ok(found.map(|entity| entity.value.into()))
    }

    /// The subnet of a specification: of that name with these addresses in that Flow VPC; `None` if there is none.
    ///
    /// # Errors
    /// Those of any read; [`PrismError::Decode`] when one that may be it is not understood; [`PrismError::Ambiguous`] when there
    /// are several.
    pub async fn find_subnet(
        &self,
        spec: &SubnetSpec,
        looks: Looks,
    ) -> Result<Option<SubnetExtId>, PrismError> {
        let what = Message::new("call-find-subnet")
            .with("name", &spec.name)
            .with("cidr", spec.cidr);
        self.v4.look(looks, || self.subnet_like(spec, &what)).await
    }

    async fn subnet_like(
        &self,
        spec: &SubnetSpec,
        what: &Message,
    ) -> Result<Option<SubnetExtId>, PrismError> {
        let filter = format!("name eq {}", quoted(&spec.name));
        let found = self
            .v4
            .find_one::<WireSubnet>(
                &subnets(),
                &[("$filter", &filter)],
                what,
                &spec.name,
                |wire| wire.is(&spec.name, &spec.vpc, spec.cidr),
            )
            .await?;
        Ok(found.map(|wire| wire.ext_id))
    }

    /// Makes an overlay subnet. One of that name with these addresses in that Flow VPC is taken as it is.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::InDoubt`] when it cannot be found afterwards.
    pub async fn create_subnet(
        &self,
        spec: &SubnetSpec,
        id: RequestId,
    ) -> Result<SubnetExtId, PrismError> {
        let what = Message::new("call-make-subnet")
            .with("name", &spec.name)
            .with("cidr", spec.cidr);
        let find = || async {
            let found = self.subnet_like(spec, &what).await?;
            Ok(found.map(|id| id.as_str().to_owned()))
        };
        let name = Message::new("thing-subnet-named").with("name", &spec.name);
        let change = Change::post(subnets()).body(&new_subnet(spec));
        let made = self
            .v4
            .create(&id, &what, ("subnet", &name), &change, find)
            .await?;
        Ok(SubnetExtId::new(made))
    }

    /// The Flow VPC of this name, transit VPCs aside; `None` if there is none.
    ///
    /// # Errors
    /// As [`find_subnet`](Self::find_subnet).
    pub async fn find_vpc(
        &self,
        name: &str,
        looks: Looks,
    ) -> Result<Option<FlowVpcExtId>, PrismError> {
        let what = Message::new("call-find-flow-vpc").with("name", name);
        self.v4.look(looks, || self.vpc_named(name, &what)).await
    }

    async fn vpc_named(
        &self,
        name: &str,
        what: &Message,
    ) -> Result<Option<FlowVpcExtId>, PrismError> {
        let filter = format!("name eq {}", quoted(name));
        let query = [("$filter", filter.as_str())];
        let found = self
            .v4
            .find_one::<WireVpc>(&vpcs(), &query, what, name, |wire| wire.is(name))
            .await?;
        Ok(found.map(|wire| wire.ext_id))
    }

    /// Makes a Flow VPC. One of that name is taken as it is, whatever it is attached to.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::InDoubt`] when it cannot be found afterwards.
    pub async fn create_vpc(
        &self,
        spec: &VpcSpec,
        id: RequestId,
    ) -> Result<FlowVpcExtId, PrismError> {
        let what = Message::new("call-make-flow-vpc").with("name", &spec.name);
        let body = NewVpc {
            name: &spec.name,
            vpc_type: "REGULAR",
            external_subnets: spec
                .external_subnets
                .iter()
                .map(|subnet| ExternalSubnet {
                    subnet_reference: subnet.clone(),
                })
                .collect(),
            externally_routable_prefixes: spec.erps.iter().map(|&cidr| cidr.into()).collect(),
            common_dhcp_options: NewDhcpOptions::servers(&spec.dns),
        };
        let find = || async {
            let found = self.vpc_named(&spec.name, &what).await?;
            Ok(found.map(|id| id.as_str().to_owned()))
        };
        let name = Message::new("thing-flow-vpc-named").with("name", &spec.name);
        let change = Change::post(vpcs()).body(&body);
        let made = self
            .v4
            .create(&id, &what, ("vpc", &name), &change, find)
            .await?;
        Ok(FlowVpcExtId::new(made))
    }

    /// Sets exactly these externally routable prefixes of a Flow VPC; everything else of it is sent back as received.
    ///
    /// On NC2 this makes Flow write or remove routes in the AWS VPC route tables.
    ///
    /// # Errors
    /// Those of any change; [`PrismError::Missing`] when there is no such Flow VPC.
    pub async fn set_erps(
        &self,
        vpc: &FlowVpcExtId,
        erps: &BTreeSet<Cidr>,
        id: RequestId,
    ) -> Result<(), PrismError> {
        let what = Message::new("call-set-prefixes").with("vpc", vpc);
        let path = vpcs().join(vpc.as_str());
        self.v4
            .apply(&id, &what, |_| async {
                let name = Message::new("thing-flow-vpc").with("vpc", vpc);
                let entity = self.v4.get::<Value>(&path, &what, &name).await?;
                Ok(match with_erps(entity.value, erps) {
                    Some(body) => {
                        Next::Send(Change::put(path.clone()).etag(entity.etag).body(&body))
                    }
                    None => Next::There(()),
                })
            })
            .await?;
        Ok(())
    }

    /// Puts one externally routable prefix on a Flow VPC, or takes it off; all others stay, also those that another client sets
    /// meanwhile. `true` if that was a change.
    ///
    /// # Errors
    /// Those of [`set_erps`](Self::set_erps).
    pub async fn set_erp(
        &self,
        vpc: &FlowVpcExtId,
        cidr: Cidr,
        present: bool,
        id: RequestId,
    ) -> Result<bool, PrismError> {
        let what = Message::new("call-set-prefix")
            .with("cidr", cidr)
            .with("vpc", vpc);
        let path = vpcs().join(vpc.as_str());
        let done = self
            .v4
            .apply(&id, &what, |_| async {
                let name = Message::new("thing-flow-vpc").with("vpc", vpc);
                let entity = self.v4.get::<Value>(&path, &what, &name).await?;
                let mut erps = erps_of(&entity.value);
                let changed = if present {
                    erps.insert(cidr)
                } else {
                    erps.remove(&cidr)
                };
                let body = changed.then(|| with_erps(entity.value, &erps)).flatten();
                Ok(match body {
                    Some(body) => {
                        Next::Send(Change::put(path.clone()).etag(entity.etag).body(&body))
                    }
                    None => Next::There(()),
                })
            })
            .await?;
        Ok(!matches!(done, Finished::There(())))
    }

    /// Who uses which addresses in a subnet, VMs and everything else with a virtual NIC.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn subnet_addresses_in_use(
        &self,
        subnet: &SubnetExtId,
    ) -> Result<Vec<SubnetVnic>, PrismError> {
        let what = Message::new("call-list-addresses").with("subnet", subnet);
        let path = subnets().join(subnet.as_str()).join("vnics");
        let found: Vec<WireVnic> = self.v4.list(&path, &[], &what).await?;
        let mut vnics: Vec<SubnetVnic> = found.into_iter().map(SubnetVnic::from).collect();
        vnics.sort();
        Ok(vnics)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cidrs(texts: &[&str]) -> BTreeSet<Cidr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn only_prefixes_change_and_those_that_stay_keep_their_entry() {
        let vpc = json!({
            "extId": "v", "name": "app-vpc", "somethingNew": [1, 2],
            "externallyRoutablePrefixes": [
                {"$reserved": {"$fv": "v4.r0"}, "ipv4": {"ip": {"value": "10.0.0.0"}, "prefixLength": 16}},
                {"ipv4": {"ip": {"value": "10.1.0.0"}, "prefixLength": 16}},
                {"ipv6": {"ip": {"value": "fd00::"}, "prefixLength": 48}},
            ],
        });
        let changed = with_erps(vpc, &cidrs(&["10.0.0.0/16", "10.2.0.0/24"])).unwrap();
        assert_eq!(
            changed,
            json!({
                "extId": "v", "name": "app-vpc", "somethingNew": [1, 2],
                "externallyRoutablePrefixes": [
                    {"$reserved": {"$fv": "v4.r0"}, "ipv4": {"ip": {"value": "10.0.0.0"}, "prefixLength": 16}},
                    {"ipv6": {"ip": {"value": "fd00::"}, "prefixLength": 48}},
                    {"ipv4": {"ip": {"value": "10.2.0.0"}, "prefixLength": 24}},
                ],
            })
        );
    }

    #[test]
    fn a_flow_vpc_with_the_right_prefixes_is_not_written() {
        let none = with_erps(json!({"extId": "v"}), &BTreeSet::new());
        assert_eq!(none, None);
    }

    #[test]
    fn a_subnet_is_written_as_the_reference_shows_it() {
        let spec = SubnetSpec {
            name: "app-subnet".to_owned(),
            vpc: "78de692d-750b-4206-8c08-ba26f39edc3d".into(),
            cidr: "10.0.1.0/24".parse().unwrap(),
            gateway: "10.0.1.1".parse().unwrap(),
            pools: vec![stayput_estate::AddrRange {
                first: "10.0.1.200".parse().unwrap(),
                last: "10.0.1.250".parse().unwrap(),
            }],
            dns: vec!["10.0.0.2".parse().unwrap()],
        };
        assert_eq!(
            serde_json::to_value(new_subnet(&spec)).unwrap(),
            json!({
                "name": "app-subnet", "subnetType": "OVERLAY",
                "vpcReference": "78de692d-750b-4206-8c08-ba26f39edc3d",
                "ipConfig": [{"ipv4": {
                    "ipSubnet": {"ip": {"value": "10.0.1.0"}, "prefixLength": 24},
                    "defaultGatewayIp": {"value": "10.0.1.1"},
                    "poolList": [{"startIp": {"value": "10.0.1.200"}, "endIp": {"value": "10.0.1.250"}}],
                }}],
                "dhcpOptions": {"domainNameServers": [{"ipv4": {"value": "10.0.0.2"}}]},
            })
        );
    }
}
