//! Volumes: every instance has one root volume of `disk_bytes`.

use std::collections::BTreeMap;

use super::Answer;
use super::Call;
use super::derived_id;
use super::instances;
use super::list::Field;
use super::list::Kind;
use super::list::one;
use super::list::rule;
use super::list::select;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::xml::Xml;

/// An instance and its id; the volume is derived from it.
#[derive(Debug)]
struct Volume {
    instance_id: String,
    instance: Instance,
}

const FIELDS: &[Field<Volume>] = &[
    ("volume-id", |i| one(i.id)),
    ("attachment.instance-id", |i| one(&i.resource.instance_id)),
    ("attachment.device", |i| {
        one(instances::root_device(&i.resource.instance))
    }),
    ("attachment.status", |_| one("attached")),
    ("attachment.delete-on-termination", |_| one(true)),
    ("status", |_| one("in-use")),
    ("size", |i| one(gib(&i.resource.instance))),
    ("volume-type", |_| one("gp3")),
];

const KIND: Kind<Volume> = Kind {
    ids: "VolumeId",
    id: rule::VOLUME,
    fields: FIELDS,
    tags: None,
};

/// Returns the id of an instance's root volume.
pub(super) fn volume_id(instance: &str) -> String {
    derived_id("vol-", instance)
}

fn gib(instance: &Instance) -> u64 {
    instance.disk_bytes.div_ceil(1 << 30).max(1)
}

pub(super) fn describe(call: &mut Call<'_>) -> Answer {
    let volumes: BTreeMap<String, Volume> = call
        .region_state()
        .instances
        .iter()
        .filter(|(_, instance)| instance.state != InstanceState::Terminated)
        .map(|(id, instance)| {
            let volume = Volume {
                instance_id: id.clone(),
                instance: instance.clone(),
            };
            (volume_id(id), volume)
        })
        .collect();
    let (page, token) = select(call, &KIND, &volumes)?;
    let mut xml = Xml::new();
    xml.list("volumeSet", &page, |xml, found| {
        let instance = &found.resource.instance;
        let zone = instance
            .enis
            .values()
            .filter_map(|eni| found.region.enis.get(eni))
            .find_map(|eni| found.region.subnets.get(&eni.subnet))
            .map(|subnet| &subnet.az);
        xml.text("volumeId", found.id)
            .text("size", gib(instance))
            .text("snapshotId", "")
            .maybe("availabilityZone", zone)
            .text("status", "in-use")
            .text("createTime", instance.launched.rfc3339())
            .list("attachmentSet", [()], |xml, ()| {
                xml.text("volumeId", found.id)
                    .text("instanceId", &found.resource.instance_id)
                    .text("device", instances::root_device(instance))
                    .text("status", "attached")
                    .text("attachTime", instance.launched.rfc3339())
                    .text("deleteOnTermination", true);
            })
            .text("volumeType", "gp3")
            .text("iops", 3000)
            .text("throughput", 125)
            .text("encrypted", false)
            .text("multiAttachEnabled", false);
    })
    .maybe("nextToken", token);
    Ok(xml)
}
