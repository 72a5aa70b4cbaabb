//! Attributes of instances that the Terraform provider reads one by one.

use super::Answer;
use super::Call;
use super::instances;
use super::list::page;
use super::list::rule;
use crate::aws::query::Fault;
use crate::aws::xml::Xml;

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let id = call.need("InstanceId")?;
    let attribute = call.need("Attribute")?;
    let instance = rule::INSTANCE.find(&call.region_state().instances, &id)?;
    call.dry_run()?;
    let mut xml = Xml::new();
    xml.text("instanceId", &id);
    let eni = instance
        .enis
        .values()
        .find_map(|eni| call.region_state().enis.get(eni));
    let value = match attribute.as_str() {
        "disableApiTermination" | "disableApiStop" | "ebsOptimized" => Some("false".to_owned()),
        "instanceInitiatedShutdownBehavior" => Some("stop".to_owned()),
        "instanceType" => Some(instance.instance_type.clone()),
        "rootDeviceName" => Some(instances::root_device(instance).to_owned()),
        "sourceDestCheck" => eni.map(|eni| eni.source_dest_check.to_string()),
        "enaSupport" => Some("true".to_owned()),
        // Not set: the element is present and empty.
        "userData" | "kernel" | "ramdisk" | "sriovNetSupport" => None,
        other => {
            return Err(Fault::invalid(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    };
    xml.node(&attribute, |xml| {
        xml.maybe("value", value);
    });
    Ok(xml)
}

/// Only types of the region's instances are known. The figures are those of a two-vCPU machine, since nothing in the lab depends
/// on them.
pub(super) fn describe_types(call: &mut Call<'_>) -> Answer {
    let known: std::collections::BTreeMap<&str, &str> = call
        .region_state()
        .instances
        .values()
        .map(|it| (it.instance_type.as_str(), it.architecture.as_str()))
        .collect();
    let wanted = call.params.list("InstanceType");
    if let Some(unknown) = wanted.iter().find(|name| !known.contains_key(*name)) {
        return Err(Fault::bad(
            "InvalidInstanceType",
            format!("The following supplied instance types do not exist: [{unknown}]"),
        ));
    }
    call.dry_run()?;
    let shown: Vec<(&str, &str)> = known
        .into_iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.contains(name))
        .collect();
    let (shown, token) = page(&call.params, call.lab.aws.page_cap, shown, |(name, _)| {
        (*name).to_owned()
    })?;
    let mut xml = Xml::new();
    xml.list("instanceTypeSet", shown, |xml, (name, architecture)| {
        xml.text("instanceType", name)
            .text("currentGeneration", true)
            .text("freeTierEligible", false)
            .text("bareMetal", name.contains(".metal"))
            .text("hypervisor", "nitro")
            .node("processorInfo", |xml| {
                xml.node("supportedArchitectures", |xml| {
                    xml.text("item", architecture);
                });
            })
            .node("vCpuInfo", |xml| {
                xml.text("defaultVCpus", 2)
                    .text("defaultCores", 1)
                    .text("defaultThreadsPerCore", 2);
            })
            .text("burstablePerformanceSupported", name.starts_with('t'));
    })
    .maybe("nextToken", token);
    Ok(xml)
}

pub(super) fn describe_credits(call: &mut Call<'_>) -> Answer {
    let ids = call.params.list("InstanceId");
    for id in &ids {
        rule::INSTANCE.find(&call.region_state().instances, id)?;
    }
    call.dry_run()?;
    let burstable = ids.into_iter().filter(|id| {
        call.region_state()
            .instances
            .get(*id)
            .is_some_and(|it| it.instance_type.starts_with('t'))
    });
    let mut xml = Xml::new();
    xml.list("instanceCreditSpecificationSet", burstable, |xml, id| {
        xml.text("instanceId", id).text("cpuCredits", "standard");
    });
    Ok(xml)
}
