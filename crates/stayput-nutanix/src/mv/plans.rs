//! Migration plans: finding, making, starting, watching, removing (Move reference §6, §7).

use serde::Serialize;
use stayput_estate::ClusterExtId;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;
use stayput_world::mv::MovePlan;
use stayput_world::mv::MovePlanState;

use super::MoveClient;
use super::actions::Settled;
use super::api::Ask;
use super::error::MoveError;
use super::spec::MovePlanSpec;
use super::wire;
use super::wire::Created;
use super::wire::WirePlan;
use crate::error::Ambiguous;
use crate::error::DecodeError;
use crate::error::DoubtReason;
use crate::error::InDoubt;
use crate::retry::Looks;
use crate::transport::Reply;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewPlan<'a> {
    spec: NewPlanSpec<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewPlanSpec<'a> {
    name: &'a str,
    source_info: SourceInfo<'a>,
    target_info: TargetInfo<'a>,
    network_mappings: [NetworkMapping<'a>; 1],
    settings: Settings,
    workload: Workload<'a>,
}

#[derive(Debug, Serialize)]
struct SourceInfo<'a> {
    #[serde(rename = "ProviderUUID")]
    provider: &'a MoveProviderId,
    #[serde(rename = "AWSProviderAttrs")]
    aws: AwsAttributes<'a>,
}

#[derive(Debug, Serialize)]
struct AwsAttributes<'a> {
    #[serde(rename = "RegionID")]
    region: &'a Region,
}

#[derive(Debug, Serialize)]
struct TargetInfo<'a> {
    #[serde(rename = "ProviderUUID")]
    provider: &'a MoveProviderId,
    #[serde(rename = "AOSProviderAttrs")]
    aos: AosAttributes<'a>,
}

#[derive(Debug, Serialize)]
struct AosAttributes<'a> {
    #[serde(rename = "ClusterUUID")]
    cluster: &'a ClusterExtId,
    #[serde(rename = "ContainerUUID")]
    container: &'a str,
}

#[derive(Debug, Serialize)]
struct NetworkMapping<'a> {
    #[serde(rename = "SourceNetworkID")]
    source: &'a str,
    #[serde(rename = "TargetNetworkID")]
    target: &'a SubnetExtId,
    /// Empty: no test network. The same as the target is refused (error 20538).
    #[serde(rename = "TestNetworkID")]
    test: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    guest_prep_mode: &'static str,
    nic_config_mode: &'static str,
    schedule: Schedule,
}

/// Sources disagree about what positive values mean; `-1` is manual for all of them, so start and cutover are ours alone.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Schedule {
    schedule_at_epoch_sec: i64,
    #[serde(rename = "RWStartTimeAtEpochSec")]
    window_start: i64,
    #[serde(rename = "RWEndTimeAtEpochSec")]
    window_end: i64,
}

#[derive(Debug, Serialize)]
struct Workload<'a> {
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "VMs")]
    vms: Vec<NewVm<'a>>,
}

/// Neither MAC nor address can be kept for EC2 sources (Move reference §6), so neither is asked for.
#[derive(Debug, Serialize)]
struct NewVm<'a> {
    #[serde(rename = "AllowUVMOps")]
    allow_guest_operations: bool,
    #[serde(rename = "RetainMacAddress")]
    retain_mac: bool,
    #[serde(rename = "SkipIPRetention")]
    skip_address_retention: bool,
    #[serde(rename = "VMReference")]
    reference: VmReference<'a>,
}

#[derive(Debug, Serialize)]
struct VmReference<'a> {
    #[serde(rename = "UUID")]
    uuid: &'a MoveVmId,
    #[serde(rename = "VMID")]
    instance: &'a InstanceId,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartAsked {
    spec: StartSpec,
}

/// Minutes between snapshots; the appliance's own UI sends 0 (Move reference §6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StartSpec {
    time: u32,
}

fn new_plan(spec: &MovePlanSpec) -> NewPlan<'_> {
    NewPlan {
        spec: NewPlanSpec {
            name: &spec.name,
            source_info: SourceInfo {
                provider: &spec.source,
                aws: AwsAttributes {
                    region: &spec.region,
                },
            },
            target_info: TargetInfo {
                provider: &spec.target,
                aos: AosAttributes {
                    cluster: &spec.cluster,
                    container: &spec.container,
                },
            },
            network_mappings: [NetworkMapping {
                source: &spec.source_network,
                target: &spec.target_subnet,
                test: "",
            }],
            settings: Settings {
                guest_prep_mode: "auto",
                nic_config_mode: "dhcp",
                schedule: Schedule {
                    schedule_at_epoch_sec: -1,
                    window_start: 0,
                    window_end: 0,
                },
            },
            workload: Workload {
                kind: "VM",
                vms: spec
                    .vms
                    .iter()
                    .map(|(uuid, instance)| NewVm {
                        allow_guest_operations: true,
                        retain_mac: false,
                        skip_address_retention: true,
                        reference: VmReference { uuid, instance },
                    })
                    .collect(),
            },
        },
    }
}

/// Whether a plan has been started: seeding, over, or in a state that only comes after the start.
fn is_started(plan: &MovePlan) -> bool {
    plan.state != MovePlanState::NotStarted
}

/// Whether nothing of a plan will happen any more, or will have to be cancelled.
fn is_over(plan: &MovePlan) -> bool {
    match &plan.state {
        MovePlanState::NotStarted
        | MovePlanState::Completed
        | MovePlanState::Failed
        | MovePlanState::Aborted => true,
        MovePlanState::InProgress | MovePlanState::Paused => false,
        // The word for the way to `Aborted` (Move reference §7).
        MovePlanState::Unknown(word) => word.to_ascii_lowercase().contains("abort"),
    }
}

impl MoveClient {
    /// The migration plan of this name; `None` if there is none.
    ///
    /// # Errors
    /// Those of any read; [`MoveError::Decode`] when one that may be it is not understood; [`MoveError::Ambiguous`] when there are
    /// several.
    pub async fn find_plan(
        &self,
        name: &str,
        looks: Looks,
    ) -> Result<Option<MovePlanId>, MoveError> {
        self.api.look(looks, || self.plan_named(name)).await
    }

    async fn plan_named(&self, name: &str) -> Result<Option<MovePlanId>, MoveError> {
        let (plans, reply) = self.plan_list().await?;
        let is_named = |its: &Option<String>| its.as_deref().is_none_or(|its| its == name);
        if let Some(note) = plans.unreadable.iter().find(|note| is_named(&note.name)) {
            let error = reply.malformed(&note.path, note);
            return Err(MoveError::Decode(error));
        }
        let mut ids: Vec<MovePlanId> = plans
            .objects
            .iter()
            .filter(|plan| plan.name() == name)
            .filter_map(WirePlan::id)
            .collect();
        if ids.len() > 1 {
            return Err(MoveError::from(Box::new(Ambiguous {
                call: reply.call,
                what: Message::new("thing-migration-plan-named").with("name", name),
                ids: ids.iter().map(ToString::to_string).collect(),
            })));
        }
        Ok(ids.pop())
    }

    /// Makes a migration plan. One of that name is taken as it is; that is also how a plan is found whose answer was lost, as Move has
    /// no request ids.
    ///
    /// # Errors
    /// Those of any change; [`MoveError::InDoubt`] when Move accepts it but it cannot be found.
    pub async fn create_plan(&self, spec: &MovePlanSpec) -> Result<MovePlanId, MoveError> {
        if let Some(there) = self.plan_named(&spec.name).await? {
            return Ok(there);
        }
        let ask = Ask::post(
            &["plans"],
            Message::new("call-make-migration-plan").with("name", &spec.name),
        )
        .body(&new_plan(spec));
        let find = || self.plan_named(&spec.name);
        let reply = match self.settle(&ask, find).await? {
            Settled::There(plan) => return Ok(plan),
            Settled::Accepted(reply) => reply,
        };
        let told = wire::decode::<Created>(&reply).ok();
        let told = told
            .and_then(|made| made.meta_data)
            .and_then(|meta| meta.uuid);
        if let Some(id) = told.filter(|id| !id.is_empty()) {
            return Ok(MovePlanId::new(id));
        }
        match self.api.look(Looks::Several, find).await {
            Ok(Some(plan)) => Ok(plan),
            Ok(None) => Err(MoveError::from(Box::new(InDoubt {
                call: reply.call,
                reason: DoubtReason::NotFound {
                    what: Message::new("thing-migration-plan-named").with("name", &spec.name),
                },
                source: None,
            }))),
            Err(error) => Err(error.not_looked_up(&reply.call)),
        }
    }

    /// Starts seeding; a plan that is started already is fine.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn start(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "start"];
        let ask = Ask::post(
            &path,
            Message::new("call-start-migration-plan").with("plan", plan),
        )
        .body(&StartAsked {
            spec: StartSpec { time: 0 },
        });
        self.settle_plan(plan, &ask, is_started).await
    }

    /// Sends a change of a plan; after doubt or a conflict a plan of which `is_done` holds is fine.
    async fn settle_plan(
        &self,
        plan: &MovePlanId,
        ask: &Ask,
        is_done: impl Fn(&MovePlan) -> bool,
    ) -> Result<(), MoveError> {
        let done = || async {
            let (now, _) = self.look_at_plan(plan, &ask.what).await?;
            Ok(is_done(&now).then_some(()))
        };
        self.settle(ask, done).await?;
        Ok(())
    }

    /// A plan as it is now, with its VMs.
    ///
    /// # Errors
    /// [`MoveError::Api`] with status 404 when there is no such plan; otherwise those of any read.
    pub async fn plan_status(&self, plan: &MovePlanId) -> Result<MovePlan, MoveError> {
        let what = Message::new("call-look-at-migration-plan").with("plan", plan);
        Ok(self.look_at_plan(plan, &what).await?.0)
    }

    /// A plan as it is now. Patient: it is what is polled while machines are on their way.
    pub(super) async fn look_at_plan(
        &self,
        plan: &MovePlanId,
        what: &Message,
    ) -> Result<(MovePlan, Reply), MoveError> {
        let ask = Ask::get(&["plans", plan.as_str()], what.clone());
        let (wire, reply) = self.api.patient().read(&ask, plan_in).await?;
        Ok((self.patient().with_vms(plan, wire).await?, reply))
    }

    /// Cancels a plan; what was cut over stays. One that is over already, or was never started, is fine.
    ///
    /// # Errors
    /// [`MoveError::Api`] while a VM is being cut over; those of any change.
    pub async fn cancel_plan(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "cancel"];
        let ask = Ask::post(
            &path,
            Message::new("call-cancel-migration-plan").with("plan", plan),
        );
        self.settle_plan(plan, &ask, is_over).await
    }

    /// Removes a plan; one that is gone already is fine.
    ///
    /// # Errors
    /// [`MoveError::Api`] while it is running; those of any change.
    pub async fn delete_plan(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        fn is_gone(error: &MoveError) -> bool {
            matches!(error, MoveError::Api(error) if error.status == 404)
        }
        let ask = Ask::delete(
            &["plans", plan.as_str()],
            Message::new("call-delete-migration-plan").with("plan", plan),
        );
        let done = || async {
            match self.look_at_plan(plan, &ask.what).await {
                Ok(_) => Ok(None),
                Err(error) if is_gone(&error) => Ok(Some(())),
                Err(error) => Err(error),
            }
        };
        match self.settle(&ask, done).await {
            Ok(_) => Ok(()),
            Err(error) if is_gone(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Reads the answer of `/plans/{p}`, which must name the plan.
fn plan_in(reply: &Reply) -> Result<WirePlan, DecodeError> {
    let plan: WirePlan = wire::decode(reply)?;
    if plan.id().is_some() {
        Ok(plan)
    } else {
        Err(reply.malformed("MetaData", Message::new("malformed-no-uuid")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_written_as_the_reference_shows_it() {
        let spec = MovePlanSpec {
            name: "wave1-web".to_owned(),
            source: "aws".into(),
            region: "us-east-1".into(),
            target: "aos".into(),
            cluster: "c".into(),
            container: "k".to_owned(),
            source_network: "vpc-0abc".to_owned(),
            target_subnet: "s".into(),
            vms: BTreeMap::from([("w1".into(), "i-1".into())]),
        };
        assert_eq!(
            serde_json::to_value(new_plan(&spec)).unwrap(),
            json!({"Spec": {
                "Name": "wave1-web",
                "SourceInfo": {"ProviderUUID": "aws", "AWSProviderAttrs": {"RegionID": "us-east-1"}},
                "TargetInfo": {"ProviderUUID": "aos", "AOSProviderAttrs": {"ClusterUUID": "c", "ContainerUUID": "k"}},
                "NetworkMappings": [{"SourceNetworkID": "vpc-0abc", "TargetNetworkID": "s", "TestNetworkID": ""}],
                "Settings": {"GuestPrepMode": "auto", "NicConfigMode": "dhcp",
                    "Schedule": {"ScheduleAtEpochSec": -1, "RWStartTimeAtEpochSec": 0, "RWEndTimeAtEpochSec": 0}},
                "Workload": {"Type": "VM", "VMs": [
                    {"AllowUVMOps": true, "RetainMacAddress": false, "SkipIPRetention": true,
                     "VMReference": {"UUID": "w1", "VMID": "i-1"}}]},
            }})
        );
    }
}
