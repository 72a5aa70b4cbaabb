//! Recovery plans put together from their parts.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::FlowVpcExtId;
use stayput_estate::SubnetExtId;
use stayput_world::prism::FlowSubnet;
use stayput_world::prism::NetworkMapping;
use stayput_world::prism::RecoveryPlan;

use crate::prism::v4::wire::recovery::MappedNetwork;
use crate::prism::v4::wire::recovery::WireMapping;
use crate::prism::v4::wire::recovery::WirePlan;
use crate::prism::v4::wire::recovery::WireStage;

/// A recovery plan with its parts as received.
pub(super) type WholePlan = (WirePlan, Vec<WireMapping>, Vec<WireStage>);

/// A recovery plan with its parts.
pub(super) fn recovery_plan(
    (plan, mappings, stages): WholePlan,
    subnets: &BTreeMap<SubnetExtId, FlowSubnet>,
) -> RecoveryPlan {
    let subnet = |side: Option<MappedNetwork>| mapped_subnet(side?, subnets);
    let (mut categories, mut in_several_stages) = (BTreeSet::new(), BTreeSet::new());
    for stage in stages {
        let of_stage: BTreeSet<_> = stage.category_ext_ids.into_iter().collect();
        in_several_stages.extend(categories.intersection(&of_stage).cloned());
        categories.extend(of_stage);
    }
    RecoveryPlan {
        name: plan.name,
        primary: plan.primary_location.domain_manager_ext_id,
        recovery: plan.recovery_location.domain_manager_ext_id,
        categories,
        in_several_stages,
        mappings: mappings
            .into_iter()
            .map(|mapping| NetworkMapping {
                primary: subnet(mapping.primary_network),
                recovery: subnet(mapping.recovery_network),
                primary_test: subnet(mapping.primary_test_network),
                recovery_test: subnet(mapping.recovery_test_network),
                keeps_addresses: mapping.is_ip_mapping_enabled,
            })
            .collect(),
    }
}

/// The subnet of one side. A name is resolved among the subnets here, if it is the only one in its Flow VPC; one of the other Prism
/// Central cannot be.
fn mapped_subnet(
    side: MappedNetwork,
    subnets: &BTreeMap<SubnetExtId, FlowSubnet>,
) -> Option<SubnetExtId> {
    if side.subnet_ext_id.is_some() {
        return side.subnet_ext_id;
    }
    let name = side.subnet_name?;
    let vpc: Option<FlowVpcExtId> = side.vpc.map(|vpc| vpc.ext_id);
    let mut named = subnets
        .iter()
        .filter(|(_, subnet)| subnet.name == name && subnet.vpc == vpc)
        .map(|(id, _)| id);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_mapped_subnet_named_twice_is_not_guessed() {
        let subnet = || FlowSubnet {
            name: "test".to_owned(),
            vpc: Some("v".into()),
            cidr: None,
            gateway: None,
            pools: Vec::new(),
            external: false,
            nat: false,
            reserved: Default::default(),
            dns: None,
        };
        let side = || -> MappedNetwork {
            serde_json::from_value(json!({"subnetName": "test", "vpc": {"extId": "v"}})).unwrap()
        };
        let one = BTreeMap::from([("s".into(), subnet())]);
        assert_eq!(mapped_subnet(side(), &one), Some("s".into()));
        let two = BTreeMap::from([("s".into(), subnet()), ("t".into(), subnet())]);
        assert_eq!(mapped_subnet(side(), &two), None);
    }
}
