//! Recovery points: what is the newest of each VM.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use stayput_estate::DomainManagerId;
use stayput_estate::VmExtId;
use stayput_messages::Message;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;
use stayput_world::prism::Vm;

use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::prism::v4::api::Path;
use crate::prism::v4::list::Whole;
use crate::prism::v4::version::Namespace;
use crate::prism::v4::wire::recovery::WirePoint;
use crate::tolerant::Listed;

impl PrismClient {
    /// Recovery points here. Points are made and expire all the time, so that pages shift while they are read: while a VM of
    /// `expected` has none and the list has several pages, it is read again, and what either reading shows counts.
    pub(super) async fn observe_points(
        &self,
        expected: &BTreeSet<VmExtId>,
    ) -> Result<Whole<WirePoint>, PrismError> {
        let what = Message::new("call-list-recovery-points");
        let collection = Path::new(Namespace::Dataprotection, &["config", "recovery-points"]);
        let mut lacking: BTreeSet<&VmExtId> = expected.iter().collect();
        let has_enough = |points: &[WirePoint]| {
            let of_vms = points.iter().flat_map(|point| &point.vm_recovery_points);
            for vm in of_vms.filter_map(|one| one.vm_ext_id.as_ref()) {
                lacking.remove(vm);
            }
            lacking.is_empty() && !expected.is_empty()
        };
        self.v4.list_shifting(&collection, &what, has_enough).await
    }
}

/// Of every VM that lives elsewhere, when its newest complete recovery point here was made; and points of which that is not
/// understood.
///
/// Before v4.2 a point does not tell where it was made; then a VM that is not here lives elsewhere.
pub(super) fn newest_points(
    points: Whole<WirePoint>,
    here: &DomainManagerId,
    vms: &BTreeMap<VmExtId, Vm>,
) -> (BTreeMap<VmExtId, String>, Vec<Unreadable>) {
    let mut odd = points.unreadable;
    let mut newest: BTreeMap<VmExtId, (Timestamp, String)> = BTreeMap::new();
    for point in points.objects {
        if point.status.as_deref() != Some("COMPLETE") {
            continue;
        }
        // A time that cannot be read cannot be compared; such a point does not count as there.
        let created = point.creation_time.as_deref().unwrap_or_default();
        let time = match created.parse::<Timestamp>() {
            Ok(time) => time,
            Err(error) => {
                odd.push(Unreadable {
                    kind: WirePoint::KIND,
                    ext_id: point.ext_id.clone(),
                    name: None,
                    path: "creationTime".to_owned(),
                    reason: error.to_string(),
                    extent: UnreadableExtent::Whole,
                });
                continue;
            }
        };
        let made_here = point.source().map(|source| source == here);
        for vm in point
            .vm_recovery_points
            .iter()
            .filter_map(|one| one.vm_ext_id.as_ref())
        {
            if made_here.unwrap_or_else(|| vms.contains_key(vm)) {
                continue;
            }
            match newest.get(vm) {
                Some((known, _)) if *known >= time => {}
                _ => {
                    newest.insert(vm.clone(), (time, created.to_owned()));
                }
            }
        }
    }
    let newest = newest
        .into_iter()
        .map(|(vm, (_, text))| (vm, text))
        .collect();
    (newest, odd)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn point(status: &str, created: &str, source: Option<&str>, vm: &str) -> WirePoint {
        serde_json::from_value(json!({
            "extId": "p", "status": status, "creationTime": created,
            "sourceLocation": source.map(|id| json!({"domainManagerExtId": id})),
            "vmRecoveryPoints": [{"extId": "q", "vmExtId": vm}],
        }))
        .unwrap()
    }

    #[test]
    fn the_newest_complete_point_of_a_vm_from_elsewhere_counts() {
        let points = vec![
            point("COMPLETE", "2026-11-20T09:00:00Z", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T11:00:00+01:00", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T10:30:00.5Z", Some("pc1"), "a"),
            point("COMPLETE", "yesterday", Some("pc1"), "d"),
            point("RUNNING", "2026-11-20T12:00:00Z", Some("pc1"), "a"),
            point("COMPLETE", "2026-11-20T12:00:00Z", Some("pc2"), "b"),
            point("COMPLETE", "2026-11-20T12:00:00Z", None, "c"),
        ];
        let points = Whole {
            objects: points,
            unreadable: Vec::new(),
        };
        let (newest, odd) = newest_points(points, &"pc2".into(), &BTreeMap::new());
        assert_eq!(odd.len(), 1);
        assert_eq!(odd[0].path, "creationTime");
        assert_eq!(
            newest,
            BTreeMap::from([
                ("a".into(), "2026-11-20T10:30:00.5Z".to_owned()),
                ("c".into(), "2026-11-20T12:00:00Z".to_owned()),
            ])
        );
    }
}
