//! Everything `stayput-world` wants to know of a Move appliance, and its inventory.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use futures::try_join;
use serde::Serialize;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_messages::Message;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;
use stayput_world::mv::MoveAppliance;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MoveProvider;
use stayput_world::mv::MoveProviderKind;
use stayput_world::mv::MoveVm;
use stayput_world::mv::MoveWorkload;

use super::MoveClient;
use super::api::Ask;
use super::error::MoveError;
use super::wire;
use super::wire::List;
use super::wire::WirePlan;
use super::wire::WireProvider;
use super::wire::WireWorkload;
use super::wire::WorkloadStatus;
use crate::error::Call;
use crate::error::ListError;
use crate::error::ListProblem;
use crate::tolerant::Listed;
use crate::transport::Reply;

/// Workloads asked for per page; the most that is allowed (Move reference §4).
const PAGE: u64 = 100;

/// Pages of workloads that are read.
const MOST_PAGES: u64 = 2_000;

/// Workloads that are read; what Move says beyond that is most likely a wrong figure.
const MOST_WORKLOADS: u64 = MOST_PAGES * PAGE;

/// How often a list is read that has fewer objects than it says.
const LIST_READS: u32 = 5;

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
    /// Objects that are not understood are noted and do not stop it.
    ///
    /// # Errors
    /// [`MoveError::List`] when Move gives fewer objects than it says there are; otherwise those of any read.
    pub async fn observe(
        &self,
        source_provider: &str,
        target_provider: &str,
        region: &Region,
    ) -> Result<MoveAppliance, MoveError> {
        let mut notes = Vec::new();
        let ((mut providers, odd_providers), (plans, odd_plans)) =
            try_join!(self.providers(false), self.plans())?;
        notes.extend(odd_providers);
        notes.extend(odd_plans);
        let source = named(&providers, source_provider, &MoveProviderKind::Aws);
        let workloads = match &source {
            Some(source) => {
                let (workloads, odd) = self.workloads(source, region).await?;
                notes.extend(odd);
                workloads
            }
            None => BTreeMap::new(),
        };
        // Some versions list providers without their inventory.
        let target = named(&providers, target_provider, &MoveProviderKind::Aos);
        if let Some(target) = target.filter(|id| providers[id].clusters.is_empty()) {
            let ask = Ask::get(
                &["providers", target.as_str()],
                Message::new("call-read-inventory").with("provider", target_provider),
            );
            let (provider, _) = self.api.read(&ask, wire::decode::<WireProvider>).await?;
            providers.insert(target, provider.into());
        }
        notes.sort();
        Ok(MoveAppliance {
            providers,
            workloads,
            plans,
            unreadable: notes,
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
        let (providers, _) = self.providers(true).await?;
        if let Some(source) = named(&providers, source_provider, &MoveProviderKind::Aws) {
            self.workload_page(&source, region, 0, true).await?;
        }
        Ok(())
    }

    /// Every provider that is registered in Move, as Move last read them.
    ///
    /// # Errors
    /// Those of any read.
    pub async fn registered_providers(&self) -> Result<Vec<MoveProvider>, MoveError> {
        let (providers, _) = self.providers(false).await?;
        Ok(providers.into_values().collect())
    }

    async fn providers(
        &self,
        refresh: bool,
    ) -> Result<(BTreeMap<MoveProviderId, MoveProvider>, Vec<Unreadable>), MoveError> {
        let body = ProvidersAsked {
            refresh_inventory: refresh,
            entity_type: "VM",
        };
        let mut ask =
            Ask::post(&["providers", "list"], Message::new("call-list-providers")).body(&body);
        if refresh {
            ask = ask.timeout(REFRESH);
        }
        let (list, _) = self.whole_list::<WireProvider>(&ask).await?;
        let providers = list
            .objects
            .into_iter()
            .filter_map(|wire| Some((wire.id()?, wire.into())))
            .collect();
        Ok((providers, list.unreadable))
    }

    /// Reads a list that comes in one piece, and again while it has fewer objects than it says.
    async fn whole_list<T: Listed>(&self, ask: &Ask) -> Result<(List<T>, Reply), MoveError> {
        let mut reads = 1;
        loop {
            let (list, reply) = self.api.read(ask, wire::list::<T>).await?;
            let expected = list.count.unwrap_or(list.given);
            if list.given >= expected {
                return Ok((list, reply));
            }
            if reads == LIST_READS {
                let problem = ListProblem::Unsettled {
                    reads,
                    got: list.given,
                    expected,
                };
                return Err(list_error(reply.call, problem));
            }
            self.api.pause(reads).await;
            reads += 1;
        }
    }

    async fn workloads(
        &self,
        source: &MoveProviderId,
        region: &Region,
    ) -> Result<(BTreeMap<InstanceId, MoveWorkload>, Vec<Unreadable>), MoveError> {
        let mut reads = 1;
        loop {
            let reading = self.read_workloads(source, region).await?;
            let Some(problem) = reading.problem(reads) else {
                let unreadable = reading.unreadable.into_iter().collect();
                let workloads = reading
                    .workloads
                    .into_values()
                    .map(|wire| (wire.instance.clone(), wire.into()))
                    .collect();
                return Ok((workloads, unreadable));
            };
            if reads == LIST_READS {
                let ask = self.workloads_asked(source, region, 0, false);
                return Err(list_error(self.api.call_of(&ask), problem));
            }
            self.api.pause(reads).await;
            reads += 1;
        }
    }

    /// Reads workloads page by page. How `AfterOffset` counts is not documented; that it is the number of entries before the page is
    /// (inferred), so that the count Move gives has the last word. Some versions repeat pages.
    async fn read_workloads(
        &self,
        source: &MoveProviderId,
        region: &Region,
    ) -> Result<WorkloadsRead, MoveError> {
        let mut read = WorkloadsRead::default();
        for _ in 0..MOST_PAGES {
            let before = read.got();
            let (page, reply) = self.workload_page(source, region, before, false).await?;
            let is_full = page.given >= PAGE;
            if let Some(total) = page.count.filter(|&count| count > MOST_WORKLOADS) {
                let limit = MOST_WORKLOADS;
                return Err(list_error(
                    reply.call,
                    ListProblem::TooLong { total, limit },
                ));
            }
            read.add(page);
            if is_full && read.got() > before {
                continue;
            }
            // The page is not full, or has nothing new because the offset is not honoured.
            read.is_repeating = is_full;
            return Ok(read);
        }
        let ask = self.workloads_asked(source, region, 0, false);
        let problem = ListProblem::Endless { pages: MOST_PAGES };
        Err(list_error(self.api.call_of(&ask), problem))
    }

    fn workloads_asked(
        &self,
        source: &MoveProviderId,
        region: &Region,
        offset: u64,
        refresh: bool,
    ) -> Ask {
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
        let ask = Ask::post(
            &path,
            Message::new("call-list-workloads").with("region", region),
        )
        .body(&body);
        if refresh { ask.timeout(REFRESH) } else { ask }
    }

    async fn workload_page(
        &self,
        source: &MoveProviderId,
        region: &Region,
        offset: u64,
        refresh: bool,
    ) -> Result<(List<WireWorkload>, Reply), MoveError> {
        let ask = self.workloads_asked(source, region, offset, refresh);
        self.api.read(&ask, wire::list::<WireWorkload>).await
    }

    /// Every plan as received.
    pub(super) async fn plan_list(&self) -> Result<(List<WirePlan>, Reply), MoveError> {
        let mut ask = Ask::post(
            &["plans", "list"],
            Message::new("call-list-migration-plans"),
        )
        .body(&PlansAsked {
            spec: PlansSpec { vms: true },
        });
        ask.query = WITH_VMS;
        self.whole_list(&ask).await
    }

    async fn plans(&self) -> Result<(BTreeMap<MovePlanId, MovePlan>, Vec<Unreadable>), MoveError> {
        let (list, _) = self.plan_list().await?;
        let mut unreadable = list.unreadable;
        let mut plans = BTreeMap::new();
        for wire in list.objects {
            let Some(id) = wire.id() else { continue };
            let name = wire.name().to_owned();
            match self.with_vms(&id, wire).await {
                Ok(plan) => {
                    plans.insert(id, plan);
                }
                // Removed since the list was read.
                Err(MoveError::Api(error)) if error.status == 404 => {}
                Err(MoveError::Decode(error)) => unreadable.push(Unreadable {
                    kind: WirePlan::KIND,
                    ext_id: Some(id.to_string()),
                    name: Some(name).filter(|name| !name.is_empty()),
                    path: error.path,
                    reason: error.source.to_string(),
                    extent: UnreadableExtent::Whole,
                }),
                Err(error) => return Err(error),
            }
        }
        Ok((plans, unreadable))
    }

    /// A plan with its VMs, asked for where it did not tell.
    pub(super) async fn with_vms(
        &self,
        id: &MovePlanId,
        wire: WirePlan,
    ) -> Result<MovePlan, MoveError> {
        let count = wire.vm_count();
        let (mut plan, told) = wire.into_plan();
        if !told {
            plan.vms = self.plan_vms(id, count).await?;
        }
        Ok(plan)
    }

    /// The VMs of a plan that has `count` of them, if told.
    async fn plan_vms(
        &self,
        plan: &MovePlanId,
        count: Option<u64>,
    ) -> Result<BTreeMap<MoveVmId, MoveVm>, MoveError> {
        let path = ["plans", plan.as_str(), "workloads", "list"];
        let ask = Ask::post(&path, Message::new("call-read-plan-vms").with("plan", plan));
        let understand = |reply: &Reply| {
            let vms = wire::decode::<WorkloadStatus>(reply)?.vms();
            match count {
                Some(count) if vms.is_empty() && count > 0 => {
                    let reason = Message::new("malformed-no-vms").with("count", count);
                    Err(reply.malformed("Status.VMStatus", reason))
                }
                _ => Ok(vms),
            }
        };
        Ok(self.api.read(&ask, understand).await?.0)
    }
}

/// Workloads as read once.
#[derive(Debug, Default)]
struct WorkloadsRead {
    workloads: BTreeMap<MoveVmId, WireWorkload>,
    unreadable: BTreeSet<Unreadable>,
    /// How many there are, if Move tells.
    count: Option<u64>,
    /// Whether the last page was full and had nothing new.
    is_repeating: bool,
}

impl WorkloadsRead {
    fn add(&mut self, page: List<WireWorkload>) {
        for workload in page.objects {
            self.workloads.insert(workload.id.clone(), workload);
        }
        self.unreadable.extend(page.unreadable);
        self.count = page.count.or(self.count);
    }

    /// How many there were, understood or not, each once.
    fn got(&self) -> u64 {
        let left_out = self.unreadable.iter().filter(|note| note.is_left_out());
        (self.workloads.len() + left_out.count()) as u64
    }

    /// Why these may not be all.
    fn problem(&self, reads: u32) -> Option<ListProblem> {
        let got = self.got();
        match self.count {
            Some(expected) if got < expected => Some(ListProblem::Unsettled {
                reads,
                got,
                expected,
            }),
            None if self.is_repeating => Some(ListProblem::Repeats { got }),
            Some(_) | None => None,
        }
    }
}

fn list_error(call: Box<Call>, problem: ListProblem) -> MoveError {
    MoveError::from(Box::new(ListError { call, problem }))
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
