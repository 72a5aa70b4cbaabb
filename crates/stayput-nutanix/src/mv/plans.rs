//! Migration plans: making, starting, watching, cutting over, removing (Move reference §6, §7).

use serde::Serialize;
use stayput_estate::ClusterExtId;
use stayput_estate::InstanceId;
use stayput_estate::MovePlanId;
use stayput_estate::MoveProviderId;
use stayput_estate::MoveVmId;
use stayput_estate::Region;
use stayput_estate::SubnetExtId;
use stayput_world::mv::MovePlan;

use super::MoveClient;
use super::api::Ask;
use super::error::MoveError;
use super::error::NotOffered;
use super::spec::MovePlanSpec;
use super::wire::Created;
use super::wire::WirePlan;

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
struct ActionAsked {
    spec: ActionSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ActionSpec {
    action: &'static str,
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

/// Whether an error of an action means that the thing is already so.
fn is_conflict(error: &MoveError) -> bool {
    matches!(error, MoveError::Api(error) if error.status == 409)
}

impl MoveClient {
    async fn plan_named(&self, name: &str) -> Result<Option<MovePlanId>, MoveError> {
        let plans = self.plan_list().await?;
        Ok(plans
            .into_iter()
            .find(|plan| plan.name() == name)
            .and_then(|plan| plan.id()))
    }

    /// Makes a migration plan. One of that name is taken as it is; that is also how a plan is found whose answer was lost, as Move has
    /// no request ids.
    ///
    /// # Errors
    /// Those of any change; [`MoveError::Missing`] when Move accepts it but it cannot be found.
    pub async fn create_plan(&self, spec: &MovePlanSpec) -> Result<MovePlanId, MoveError> {
        if let Some(there) = self.plan_named(&spec.name).await? {
            return Ok(there);
        }
        let ask = Ask::post(&["plans"], format!("make migration plan `{}`", spec.name))
            .body(&new_plan(spec))
            .once();
        let (call, made) = match self.api.call(&ask).await {
            Ok(reply) => {
                let made: Created = reply.decode()?;
                (reply.call, made.meta_data.and_then(|meta| meta.uuid))
            }
            Err(error) if error.is_ambiguous() || is_conflict(&error) => {
                return self.plan_named(&spec.name).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        match made {
            Some(id) => Ok(MovePlanId::new(id)),
            None => self
                .plan_named(&spec.name)
                .await?
                .ok_or_else(|| MoveError::Missing {
                    call,
                    what: format!("migration plan `{}`", spec.name),
                }),
        }
    }

    /// Starts seeding; a plan that is started already is fine.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn start(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "start"];
        let ask = Ask::post(&path, format!("start migration plan {plan}")).body(&StartAsked {
            spec: StartSpec { time: 0 },
        });
        match self.api.call(&ask).await {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A plan as it is now, with its VMs.
    ///
    /// # Errors
    /// [`MoveError::Api`] with status 404 when there is no such plan; otherwise those of any read.
    pub async fn plan_status(&self, plan: &MovePlanId) -> Result<MovePlan, MoveError> {
        let ask = Ask::get(
            &["plans", plan.as_str()],
            format!("look at migration plan {plan}"),
        );
        let wire: WirePlan = self.api.call(&ask).await?.decode()?;
        self.with_vms(plan, wire).await
    }

    /// Asks for the cutover of one VM: Move stops the instance, copies the rest and makes the VM. Returns once it is asked for; look at
    /// [`plan_status`](Self::plan_status) until the VM is completed. One that is on its way or over is fine.
    ///
    /// # Errors
    /// [`MoveError::NotOffered`] when Move does not offer it now; [`MoveError::Missing`] when the VM is not in the plan; those of any
    /// change.
    pub async fn cutover(&self, plan: &MovePlanId, vm: &MoveVmId) -> Result<(), MoveError> {
        let look = Ask::get(
            &["plans", plan.as_str()],
            format!("cut VM {vm} of migration plan {plan} over"),
        );
        let reply = self.api.call(&look).await?;
        let status = self.with_vms(plan, reply.decode()?).await?;
        let Some(now) = status.vms.get(vm) else {
            return Err(MoveError::Missing {
                call: reply.call,
                what: format!("VM {vm}"),
            });
        };
        if !now.actions.iter().any(|action| action == "CUTOVER") {
            // `CutoverInProgress` and `CutoverLastSync` are the words seen (Move reference §7).
            let is_under_way = now.state.to_ascii_lowercase().contains("cutover");
            if now.completed || (is_under_way && now.error.is_none()) {
                return Ok(());
            }
            return Err(MoveError::from(Box::new(NotOffered {
                call: reply.call,
                vm: vm.clone(),
                state: now.state.clone(),
                offered: now.actions.clone(),
            })));
        }
        let path = ["plans", plan.as_str(), "workloads", vm.as_str(), "action"];
        let ask = Ask::post(&path, look.what)
            .body(&ActionAsked {
                spec: ActionSpec { action: "cutover" },
            })
            .once();
        self.api.call(&ask).await?;
        Ok(())
    }

    /// Cancels a plan; what was cut over stays. One that is over already is fine.
    ///
    /// # Errors
    /// Those of any change.
    pub async fn cancel_plan(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let path = ["plans", plan.as_str(), "cancel"];
        let ask = Ask::post(&path, format!("cancel migration plan {plan}"));
        match self.api.call(&ask).await {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes a plan; one that is gone already is fine.
    ///
    /// # Errors
    /// [`MoveError::Api`] while it is running; those of any change.
    pub async fn delete_plan(&self, plan: &MovePlanId) -> Result<(), MoveError> {
        let ask = Ask::delete(
            &["plans", plan.as_str()],
            format!("delete migration plan {plan}"),
        );
        match self.api.call(&ask).await {
            Ok(_) => Ok(()),
            Err(MoveError::Api(error)) if error.status == 404 => Ok(()),
            Err(error) => Err(error),
        }
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
