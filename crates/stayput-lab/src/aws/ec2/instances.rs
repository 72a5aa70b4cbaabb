//! Instances: listing, status, starting and stopping.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::Answer;
use super::Call;
use super::derived_id;
use super::interfaces;
use super::list::Field;
use super::list::Kind;
use super::list::Listed;
use super::list::one;
use super::list::rule;
use super::list::select;
use super::list::some;
use super::private_dns;
use super::write_tags;
use crate::aws::actors;
use crate::aws::model::Eni;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;
use crate::state::LabState;

type Item<'a> = Listed<'a, Instance>;

const FIELDS: &[Field<Instance>] = &[
    ("instance-id", |i| one(i.id)),
    ("instance-state-name", |i| one(name(i.resource.state))),
    ("instance-state-code", |i| one(code(i.resource.state))),
    ("instance-type", |i| one(&i.resource.instance_type)),
    ("architecture", |i| one(&i.resource.architecture)),
    ("image-id", |i| one(&i.resource.image)),
    ("platform", |i| some(platform(i.resource))),
    ("platform-details", |i| one(&i.resource.platform_details)),
    ("launch-time", |i| one(i.resource.launched.rfc3339())),
    ("owner-id", |i| one(&i.lab.aws.account)),
    ("reservation-id", |i| one(derived_id("r-", i.id))),
    ("root-device-name", |i| one(root_device(i.resource))),
    ("root-device-type", |_| one("ebs")),
    ("virtualization-type", |_| one("hvm")),
    ("metadata-options.http-tokens", |i| {
        one(http_tokens(i.resource))
    }),
    ("vpc-id", |i| some(primary(i).map(|(_, eni)| &eni.vpc))),
    ("subnet-id", |i| {
        some(primary(i).map(|(_, eni)| &eni.subnet))
    }),
    ("private-ip-address", |i| {
        some(primary(i).map(|(_, eni)| eni.primary))
    }),
    ("ip-address", |i| some(public(i))),
    ("private-dns-name", |i| {
        some(primary(i).map(|(_, eni)| private_dns(eni.primary, i.region_name)))
    }),
    ("availability-zone", |i| some(zone(i))),
    ("source-dest-check", |i| {
        some(primary(i).map(|(_, eni)| eni.source_dest_check))
    }),
    ("instance.group-id", groups),
    ("instance.group-name", |_| one("default")),
    ("network-interface.network-interface-id", |i| {
        i.resource.enis.values().cloned().collect()
    }),
    ("network-interface.subnet-id", |i| {
        each(i, |eni| vec![eni.subnet.clone()])
    }),
    ("network-interface.vpc-id", |i| {
        each(i, |eni| vec![eni.vpc.clone()])
    }),
    ("network-interface.mac-address", |i| {
        each(i, |eni| vec![eni.mac.to_string()])
    }),
    ("network-interface.addresses.private-ip-address", |i| {
        each(i, |eni| {
            interfaces::addresses(eni).map(|a| a.to_string()).collect()
        })
    }),
];

const KIND: Kind<Instance> = Kind {
    ids: "InstanceId",
    id: rule::INSTANCE,
    fields: FIELDS,
    tags: Some(|it| &it.tags),
};

fn each(instance: &Item<'_>, values: impl Fn(&Eni) -> Vec<String>) -> Vec<String> {
    enis(instance).flat_map(|(_, _, eni)| values(eni)).collect()
}

/// Returns the interfaces of an instance: device index, id, interface.
fn enis<'a>(instance: &'a Item<'_>) -> impl Iterator<Item = (u32, &'a str, &'a Eni)> {
    instance.resource.enis.iter().filter_map(|(index, id)| {
        let eni = instance.region.enis.get(id)?;
        Some((*index, id.as_str(), eni))
    })
}

fn primary<'a>(instance: &'a Item<'_>) -> Option<(&'a str, &'a Eni)> {
    enis(instance).next().map(|(_, id, eni)| (id, eni))
}

fn zone<'a>(instance: &'a Item<'_>) -> Option<&'a str> {
    let (_, eni) = primary(instance)?;
    let subnet = instance.region.subnets.get(&eni.subnet)?;
    Some(subnet.az.as_str())
}

fn public(instance: &Item<'_>) -> Option<Ipv4Addr> {
    let (id, eni) = primary(instance)?;
    interfaces::public_of(instance.region, id, eni.primary).map(|(_, address)| address.public)
}

fn groups(instance: &Item<'_>) -> Vec<String> {
    each(instance, |eni| vec![super::security::group_id(&eni.vpc)])
}

fn platform(instance: &Instance) -> Option<&'static str> {
    instance
        .platform_details
        .starts_with("Windows")
        .then_some("windows")
}

pub(super) fn root_device(instance: &Instance) -> &'static str {
    match platform(instance) {
        Some(_) => "/dev/sda1",
        None => "/dev/xvda",
    }
}

fn http_tokens(instance: &Instance) -> &'static str {
    if instance.metadata_token_required {
        "required"
    } else {
        "optional"
    }
}

/// Returns a state's name in the API.
pub(super) fn name(state: InstanceState) -> &'static str {
    state.name()
}

/// Returns a state's code in the API.
pub(super) fn code(state: InstanceState) -> u16 {
    match state {
        InstanceState::Pending => 0,
        InstanceState::Running => 16,
        InstanceState::Terminated => 48,
        InstanceState::Stopping => 64,
        InstanceState::Stopped => 80,
    }
}

fn write_state(xml: &mut Xml, element: &str, state: InstanceState) {
    xml.node(element, |xml| {
        xml.text("code", code(state)).text("name", name(state));
    });
}

fn write_groups(xml: &mut Xml, vpc: Option<&str>) {
    xml.list("groupSet", vpc, |xml, vpc| {
        xml.text("groupId", super::security::group_id(vpc))
            .text("groupName", "default");
    });
}

/// Writes an instance as in `instancesSet`.
pub(super) fn write(xml: &mut Xml, instance: &Item<'_>) {
    let it = instance.resource;
    xml.text("instanceId", instance.id)
        .text("imageId", &it.image);
    write_state(xml, "instanceState", it.state);
    let first = primary(instance);
    xml.text(
        "privateDnsName",
        first.map_or_else(String::new, |(_, eni)| {
            private_dns(eni.primary, instance.region_name)
        }),
    )
    .text("dnsName", "")
    .text("reason", "")
    .text("amiLaunchIndex", 0)
    .list("productCodes", &it.traits.product_codes, |xml, code| {
        xml.text("productCode", code).text("type", "marketplace");
    })
    .text("instanceType", &it.instance_type)
    .text("launchTime", it.launched.rfc3339())
    .node("placement", |xml| {
        xml.maybe("availabilityZone", zone(instance))
            .text("groupName", "")
            .text("tenancy", "default");
    })
    .maybe("platform", platform(it))
    .text("platformDetails", &it.platform_details)
    .node("monitoring", |xml| {
        xml.text("state", "disabled");
    });
    if let Some((_, eni)) = first {
        xml.text("subnetId", &eni.subnet)
            .text("vpcId", &eni.vpc)
            .text("privateIpAddress", eni.primary)
            .maybe("ipAddress", public(instance))
            .text("sourceDestCheck", eni.source_dest_check);
    }
    write_groups(xml, first.map(|(_, eni)| eni.vpc.as_str()));
    xml.text("architecture", &it.architecture)
        .text("rootDeviceType", root_device_type(it))
        .text("rootDeviceName", root_device(it));
    let volumes = (it.state != InstanceState::Terminated).then_some(());
    xml.list("blockDeviceMapping", volumes, |xml, ()| {
        xml.text("deviceName", root_device(it)).node("ebs", |xml| {
            xml.text("volumeId", super::volumes::volume_id(instance.id))
                .text("status", "attached")
                .text("attachTime", it.launched.rfc3339())
                .text("deleteOnTermination", true);
        });
    })
    .text("virtualizationType", "hvm")
    .text("clientToken", "");
    write_tags(xml, &it.tags);
    xml.maybe("instanceLifecycle", it.traits.lifecycle.as_ref());
    if let Some(profile) = &it.traits.instance_profile {
        let account = &instance.lab.aws.account;
        // A scenario gives the name, a saved world the ARN.
        let arn = match profile.starts_with("arn:") {
            true => profile.clone(),
            false => format!("arn:aws:iam::{account}:instance-profile/{profile}"),
        };
        xml.node("iamInstanceProfile", |xml| {
            xml.text("arn", arn)
                .text("id", derived_id("AIPA", instance.id));
        });
    }
    xml.text("hypervisor", "xen")
        .list(
            "networkInterfaceSet",
            enis(instance),
            |xml, (index, id, eni)| {
                interfaces::write_of_instance(xml, instance, index, id, eni);
            },
        )
        .text("ebsOptimized", false)
        .text("enaSupport", true)
        .text("currentInstanceBootMode", boot_mode(it))
        .node("cpuOptions", |xml| {
            xml.text("coreCount", 1).text("threadsPerCore", 2);
        })
        .node("metadataOptions", |xml| {
            xml.text("state", "applied")
                .text("httpTokens", http_tokens(it))
                .text("httpPutResponseHopLimit", 1)
                .text("httpEndpoint", "enabled")
                .text("httpProtocolIpv6", "disabled")
                .text("instanceMetadataTags", "disabled");
        })
        .node("enclaveOptions", |xml| {
            xml.text("enabled", false);
        });
}

fn root_device_type(instance: &Instance) -> &str {
    let said = instance.traits.root_device_type.as_deref();
    said.unwrap_or("ebs")
}

fn boot_mode(instance: &Instance) -> &str {
    let said = instance.traits.boot_mode.as_deref();
    said.unwrap_or("legacy-bios")
}

/// Writes a reservation of one instance.
fn write_reservation(xml: &mut Xml, instance: &Item<'_>) {
    xml.text("reservationId", derived_id("r-", instance.id))
        .text("ownerId", &instance.lab.aws.account)
        .list("groupSet", None::<()>, |_, ()| {})
        .list("instancesSet", [instance], write);
}

/// EC2 does not page a request by ids.
fn ids_exclude_pages(call: &Call<'_>) -> Result<(), Fault> {
    if call.params.list("InstanceId").is_empty() || !call.params.sent("MaxResults") {
        Ok(())
    } else {
        Err(Fault::bad(
            "InvalidParameterCombination",
            "The parameter instancesSet cannot be used with the parameter maxResults",
        ))
    }
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    ids_exclude_pages(call)?;
    let (page, token) = select(call, &KIND, &call.region_state().instances)?;
    let mut xml = Xml::new();
    xml.list("reservationSet", &page, write_reservation)
        .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn describe_status(call: &mut Call<'_>) -> Answer {
    ids_exclude_pages(call)?;
    let all = call.params.flag("IncludeAllInstances")?;
    let instances = &call.region_state().instances;
    let (page, token) = if all || !call.params.list("InstanceId").is_empty() {
        select(call, &KIND, instances)?
    } else {
        let running = instances
            .iter()
            .filter(|(_, it)| it.state == InstanceState::Running);
        select(call, &KIND, running)?
    };
    let shown = page
        .iter()
        .filter(|found| all || found.resource.state == InstanceState::Running);
    let mut xml = Xml::new();
    xml.list("instanceStatusSet", shown, |xml, found| {
        let running = found.resource.state == InstanceState::Running;
        let status = if running { "ok" } else { "not-applicable" };
        xml.text("instanceId", found.id)
            .maybe("availabilityZone", zone(found));
        write_state(xml, "instanceState", found.resource.state);
        for element in ["systemStatus", "instanceStatus"] {
            xml.node(element, |xml| {
                xml.text("status", status);
                xml.list("details", running.then_some(()), |xml, ()| {
                    xml.text("name", "reachability").text("status", "passed");
                });
            });
        }
    })
    .maybe("nextToken", token);
    Ok(xml)
}

/// Returns the instances that a call names, all of which exist.
pub(super) fn named(call: &Call<'_>) -> Result<Vec<String>, Fault> {
    let ids = call.params.list("InstanceId");
    if ids.is_empty() {
        return Err(Fault::missing("InstanceId"));
    }
    for id in &ids {
        rule::INSTANCE.find(&call.region_state().instances, id)?;
    }
    Ok(ids.into_iter().map(str::to_owned).collect())
}

/// Writes `instancesSet` of a state change: id, state before.
pub(super) fn write_changes(call: &Call<'_>, changes: &[(String, InstanceState)]) -> Xml {
    let instances = &call.region_state().instances;
    let mut xml = Xml::new();
    xml.list("instancesSet", changes, |xml, (id, before)| {
        xml.text("instanceId", id);
        let now = instances
            .get(id)
            .map_or(InstanceState::Terminated, |i| i.state);
        write_state(xml, "currentState", now);
        write_state(xml, "previousState", *before);
    });
    xml
}

type Change = fn(&mut LabState, &str, &str) -> Result<InstanceState, Fault>;

fn change_all(call: &mut Call<'_>, refused: &[InstanceState], change: Change) -> Answer {
    let ids = named(call)?;
    call.dry_run()?;
    // All or nothing: one instance in a wrong state refuses the whole call, so all are checked first.
    let states: BTreeMap<&String, InstanceState> = ids
        .iter()
        .filter_map(|id| Some((id, call.region_state().instances.get(id)?.state)))
        .collect();
    if let Some(id) = ids
        .iter()
        .find(|id| states.get(id).is_some_and(|state| refused.contains(state)))
    {
        // The called function returns the error message.
        return change(call.lab, &call.region, id).map(|_| Xml::new());
    }
    let mut changes = Vec::new();
    for id in ids {
        let before = change(call.lab, &call.region, &id)?;
        changes.push((id, before));
    }
    Ok(write_changes(call, &changes))
}

pub(super) fn start(call: &mut Call<'_>) -> Answer {
    let refused = [InstanceState::Stopping, InstanceState::Terminated];
    change_all(call, &refused, actors::start_instance)
}

pub(super) fn stop(call: &mut Call<'_>) -> Answer {
    let refused = [InstanceState::Pending, InstanceState::Terminated];
    change_all(call, &refused, actors::stop_instance)
}
