//! Everything `stayput-world` wants to know of a Move appliance, and its inventory.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::try_join;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_world::mv::MoveAppliance;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MoveProvider;
use stayput_world::mv::MoveProviderKind;
use stayput_world::mv::MoveVm;
use stayput_world::mv::MoveWorkload;

use super::MoveClient;
use super::api::Ask;
use super::error::MoveError;
use super::wire::List;
use super::wire::WirePlan;
use super::wire::WireProvider;
use super::wire::WireWorkload;
use super::wire::WorkloadStatus;

/// Workloads asked for per page; the most that is allowed (Move reference §4).
const PAGE: u64 = 100;

/// How long Move may take to read its providers again (Move reference §4 says at least 120 s).
const REFRESH: Duration = Duration::from_secs(180);

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct WorkloadsAsked<'a> {
    filter: WorkloadFilter<'a>,
    #[serde(rename = "ShowVMS")]
    show_vms: &'static str,
    sort_by: &'static str,
    sort_order_desc: bool,
    limit: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_offset: Option<u64>,
    refresh_inventory: bool,
}

/// For AWS the region is passed as data centre (Move reference §4).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct WorkloadFilter<'a> {
    datacenter: [&'a Region; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProvidersAsked {
    refresh_inventory: bool,
    entity_type: &'static str,
}

/// Both ways to ask for the VMs of plans, for older and newer versions (Move reference §6).
const WITH_VMS: &[(&str, &str)] = &[
    ("IncludeVMDetails", "true"),
    ("IncludeEntityDetails", "True"),
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PlansAsked {
    spec: PlansSpec,
}

#[derive(Debug, Serialize)]
struct PlansSpec {
    #[serde(rename = "IncludeVMDetails")]
    vms: bool,
}

impl MoveClient {
    /// Observes providers, the source's workloads in a region, and all plans with their VMs.
    ///
    /// Providers go by their names in Move. If there is no AWS provider of the source's name there are no workloads; the providers
    /// show why. Move's inventory is as Move last read it: see [`refresh_inventory`](Self::refresh_inventory).
    ///
    /// # Errors
    /// [`MoveError::Incomplete`] when Move gives fewer workloads than it says there are; otherwise those of any read.
    pub async fn observe(
        &self,
        source_provider: &str,
        target_provider: &str,
        region: &Region,
    ) -> Result<MoveAppliance, MoveError> {
        let (mut providers, plans) = try_join!(self.providers(false), self.plans())?;
        let source = named(&providers, source_provider, &MoveProviderKind::Aws);
        let workloads = match &source {
            Some(source) => self.workloads(source, region).await?,
            None => BTreeMap::new(),
        };
        // Some versions list providers without their inventory.
        let target = named(&providers, target_provider, &MoveProviderKind::Aos);
        if let Some(target) = target.filter(|id| providers[id].clusters.is_empty()) {
            let ask = Ask::get(
                &["providers", target.as_str()],
                format!("read the inventory of provider `{target_provider}`"),
            );
            let provider: WireProvider = self.api.call(&ask).await?.decode()?;
            providers.insert(target, provider.into());
        }
        Ok(MoveAppliance {
            providers,
            workloads,
            plans,
        })
    }

    /// Makes Move read its providers again: new subnets of the target, new instances of the source. Takes up to minutes.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn refresh_inventory(
        &self,
        source_provider: &str,
        region: &Region,
    ) -> Result<(), MoveError> {
        let providers = self.providers(true).await?;
        if let Some(source) = named(&providers, source_provider, &MoveProviderKind::Aws) {
            self.workload_page(&source, region, 0, true).await?;
        }
        Ok(())
    }

    async fn providers(
        &self,
        refresh: bool,
    ) -> Result<BTreeMap<MoveProviderId, MoveProvider>, MoveError> {
        let body = ProvidersAsked {
            refresh_inventory: refresh,
            entity_type: "VM",
        };
        let mut ask = Ask::post(&["providers", "list"], "list providers").body(&body);
        if refresh {
            ask = ask.timeout(REFRESH);
        }
        let list: List<WireProvider> = self.api.call(&ask).await?.decode()?;
        Ok(list
            .entities
            .into_iter()
            .filter_map(|wire| Some((wire.id()?, wire.into())))
            .collect())
    }

    /// Reads workloads page by page. How `AfterOffset` counts is not documented; that it is the number of entries before the page is
    /// (inferred), so that the count Move gives has the last word.
    async fn workloads(
        &self,
        source: &MoveProviderId,
        region: &Region,
    ) -> Result<BTreeMap<InstanceId, MoveWorkload>, MoveError> {
        let mut workloads: BTreeMap<MoveVmId, WireWorkload> = BTreeMap::new();
        loop {
            let before = workloads.len() as u64;
            let (call, page) = self.workload_page(source, region, before, false).await?;
            let size = page.entities.len() as u64;
            for workload in page.entities {
                workloads.insert(workload.id.clone(), workload);
            }
            let got = workloads.len() as u64;
            // Done when the page is not full, or has nothing new because the offset is not honoured.
            if size < PAGE || got == before {
                let expected = page.meta_data.count.unwrap_or(0);
                if got < expected {
                    return Err(MoveError::Incomplete {
                        call,
                        expected,
                        got,
                    });
                }
                break;
            }
        }
        Ok(workloads
            .into_values()
            .map(|wire| (wire.instance.clone(), wire.into()))
            .collect())
    }

    async fn workload_page(
        &self,
        source: &MoveProviderId,
        region: &Region,
        offset: u64,
        refresh: bool,
    ) -> Result<(Box<crate::error::Call>, List<WireWorkload>), MoveError> {
        let body = WorkloadsAsked {
            filter: WorkloadFilter {
                datacenter: [region],
            },
            show_vms: "all",
            sort_by: "VMName",
            sort_order_desc: false,
            limit: PAGE,
            after_offset: (offset > 0).then_some(offset),
            refresh_inventory: refresh,
        };
        let path = ["providers", source.as_str(), "workloads", "list"];
        let mut ask = Ask::post(&path, format!("list the workloads of {region}")).body(&body);
        if refresh {
            ask = ask.timeout(REFRESH);
        }
        let reply = self.api.call(&ask).await?;
        let page = reply.decode()?;
        Ok((reply.call, page))
    }

    /// Every plan as received.
    pub(super) async fn plan_list(&self) -> Result<Vec<WirePlan>, MoveError> {
        let mut ask = Ask::post(&["plans", "list"], "list migration plans").body(&PlansAsked {
            spec: PlansSpec { vms: true },
        });
        ask.query = WITH_VMS;
        let list: List<WirePlan> = self.api.call(&ask).await?.decode()?;
        Ok(list.entities)
    }

    async fn plans(&self) -> Result<BTreeMap<MovePlanId, MovePlan>, MoveError> {
        let mut plans = BTreeMap::new();
        for wire in self.plan_list().await? {
            if let Some(id) = wire.id() {
                let plan = self.with_vms(&id, wire).await?;
                plans.insert(id, plan);
            }
        }
        Ok(plans)
    }

    /// A plan with its VMs, asked for where it did not tell.
    pub(super) async fn with_vms(
        &self,
        id: &MovePlanId,
        wire: WirePlan,
    ) -> Result<MovePlan, MoveError> {
        let (mut plan, told) = wire.into_plan();
        if !told {
            plan.vms = self.plan_vms(id).await?;
        }
        Ok(plan)
    }

    async fn plan_vms(&self, plan: &MovePlanId) -> Result<BTreeMap<MoveVmId, MoveVm>, MoveError> {
        let path = ["plans", plan.as_str(), "workloads", "list"];
        let ask = Ask::post(&path, format!("read the VMs of migration plan {plan}"));
        let status: WorkloadStatus = self.api.call(&ask).await?.decode()?;
        Ok(status.vms())
    }
}

/// The provider of a name and kind.
fn named(
    providers: &BTreeMap<MoveProviderId, MoveProvider>,
    name: &str,
    kind: &MoveProviderKind,
) -> Option<MoveProviderId> {
    providers
        .iter()
        .find(|(_, provider)| provider.name == name && provider.kind == *kind)
        .map(|(id, _)| id.clone())
}
