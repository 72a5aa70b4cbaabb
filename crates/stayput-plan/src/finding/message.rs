//! Which messages of the catalogue a finding and its remedy are.

use std::fmt;

use stayput_messages::Message;
use stayput_messages::list::commas;

use super::Finding;
use crate::render::which;

impl Finding {
    /// What is wrong and what comes of it, as a message of the catalogue.
    pub fn message(&self) -> Message {
        match self {
            Self::NoReturnRoute {
                site,
                network,
                on_prem,
                vpc,
                verdict,
                ..
            } => Message::new("finding-no-return-route")
                .with("site", site)
                .with("network", network)
                .with("on_prem", on_prem)
                .with("vpc", vpc)
                .with("verdict", verdict),
            Self::PrefixNotInTable {
                site,
                table,
                vpc,
                network,
                prefix,
                verdict,
                ..
            } => Message::new("finding-prefix-not-in-table")
                .with("site", site)
                .with("table", table)
                .with("vpc", vpc)
                .with("network", network)
                .with("prefix", prefix)
                .with("verdict", verdict),
            Self::LoopingAggregate {
                site,
                aggregate,
                toward,
                table,
                network,
                ..
            } => Message::new("finding-looping-aggregate")
                .with("site", site)
                .with("aggregate", aggregate)
                .with("toward", toward)
                .with("table", table)
                .with("network", network),
            Self::WideSummary {
                region,
                table,
                name,
                prefix,
                site,
                captured,
            } => Message::new("finding-wide-summary")
                .with("prefix", prefix)
                .with("site", site)
                .with("table", name.as_deref().unwrap_or(table.as_str()))
                .with("region", region)
                .with("captured", commas(captured)),
            Self::AsymmetricReturn {
                ranges,
                there,
                back,
                ..
            } => Message::new("finding-asymmetric-return")
                .with("ranges", which(ranges))
                .with("there", commas(there))
                .with("back", commas(back)),
            Self::DxOverlap {
                network,
                gateway,
                site,
                held_by,
                prefix,
                ..
            } => Message::new("finding-dx-overlap")
                .with("network", network)
                .with("gateway", gateway)
                .with("site", site)
                .with("held_by", held_by)
                .with("prefix", prefix),
            Self::NeighboursLose {
                network,
                hosts,
                subnets,
                canaries,
                ..
            } if canaries.is_empty() => Message::new("finding-neighbours-lose")
                .with("network", network)
                .with("hosts", hosts)
                .with("subnets", commas(subnets)),
            Self::NeighboursLose {
                canaries,
                hosts,
                subnets,
                ..
            } => Message::new("finding-neighbours-lose-canaries")
                .with("canaries", commas(canaries))
                .with("hosts", hosts)
                .with("subnets", commas(subnets)),
            Self::OverlappingCidr {
                network,
                cidr,
                vpc,
                site: Some(site),
                ..
            } => Message::new("finding-overlapping-cidr-of-site")
                .with("network", network)
                .with("cidr", cidr)
                .with("vpc", vpc)
                .with("site", site),
            Self::OverlappingCidr {
                network,
                cidr,
                vpc,
                site: None,
                ..
            } => Message::new("finding-overlapping-cidr")
                .with("network", network)
                .with("cidr", cidr)
                .with("vpc", vpc),
            Self::PeeringNotAssociated {
                attachment,
                tgw,
                region,
                ..
            } => Message::new("finding-peering-not-associated")
                .with("attachment", attachment)
                .with("tgw", tgw)
                .with("region", region),
            Self::TooManyRoutes {
                tgw,
                region,
                routes,
                allowed,
                ..
            } => Message::new("finding-too-many-routes")
                .with("tgw", tgw)
                .with("region", region)
                .with("routes", routes)
                .with("allowed", allowed),
            Self::FullVpcTable {
                site,
                table,
                routes,
                allowed,
                ..
            } => Message::new("finding-full-vpc-table")
                .with("site", site)
                .with("table", table)
                .with("routes", routes)
                .with("allowed", allowed),
        }
    }

    /// What a person can do about it, in English.
    pub fn remedy(&self) -> String {
        self.remedy_message().to_string()
    }

    /// What a person can do about it, as a message of the catalogue.
    pub fn remedy_message(&self) -> Message {
        match self {
            Self::NoReturnRoute {
                on_prem,
                table: Some(table),
                ..
            } => Message::new("remedy-no-return-route")
                .with("on_prem", on_prem)
                .with("table", table),
            Self::NoReturnRoute {
                on_prem,
                vpc,
                table: None,
                ..
            } => Message::new("remedy-no-return-route-in-unknown-table")
                .with("on_prem", on_prem)
                .with("vpc", vpc),
            Self::PrefixNotInTable { table, .. } => {
                Message::new("remedy-prefix-not-in-table").with("table", table)
            }
            Self::LoopingAggregate { aggregate, .. } => {
                Message::new("remedy-looping-aggregate").with("aggregate", aggregate)
            }
            Self::WideSummary { prefix, site, .. } => Message::new("remedy-wide-summary")
                .with("prefix", prefix)
                .with("site", site),
            Self::AsymmetricReturn { .. } => Message::new("remedy-asymmetric-return"),
            Self::DxOverlap {
                prefix, held_by, ..
            } => Message::new("remedy-dx-overlap")
                .with("prefix", prefix)
                .with("held_by", held_by),
            Self::NeighboursLose {
                network, canaries, ..
            } if canaries.is_empty() => {
                Message::new("remedy-neighbours-lose").with("network", network)
            }
            Self::NeighboursLose { .. } => Message::new("remedy-neighbours-lose-canaries"),
            Self::OverlappingCidr { site: Some(_), .. } => {
                Message::new("remedy-overlapping-cidr-of-site")
            }
            Self::OverlappingCidr {
                vpc, site: None, ..
            } => Message::new("remedy-overlapping-cidr").with("vpc", vpc),
            Self::PeeringNotAssociated { .. } => Message::new("remedy-peering-not-associated"),
            Self::TooManyRoutes { .. } => Message::new("remedy-too-many-routes"),
            Self::FullVpcTable { .. } => Message::new("remedy-full-vpc-table"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.message().fmt(f)
    }
}

impl std::error::Error for Finding {}
