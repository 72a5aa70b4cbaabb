//! Source workloads: the instances of a region as Move lists them (Move reference §4).

use serde_json::Value as Json;
use serde_json::json;

use super::model::ProviderKind;
use super::model::VmFault;
use super::providers;
use super::wire;
use super::wire::Answer;
use super::wire::Fault;
use crate::aws::model::Instance;
use crate::aws::model::InstanceState;
use crate::aws::model::RegionState;
use crate::aws::ssm::Platform;
use crate::state::LabState;

/// Most workloads in one answer.
const MAX_LIMIT: usize = 100;

/// An instance as a workload.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'a> {
    /// Region.
    pub region: &'a str,
    /// Instance id.
    pub id: &'a str,
    /// The instance.
    pub instance: &'a Instance,
    place: &'a RegionState,
}

/// Returns Move's key of an instance. It is derived from its id, so it stays the same over refreshes (Move reference §4,
/// inferred).
pub fn key(instance: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, instance.as_bytes()).to_string()
}

/// Returns all workloads, or those of one region.
pub fn all<'a>(lab: &'a LabState, region: Option<&str>) -> Vec<Workload<'a>> {
    lab.aws
        .regions
        .iter()
        .filter(|(name, _)| region.is_none_or(|region| region == name.as_str()))
        .flat_map(|(region, place)| {
            place
                .instances
                .iter()
                .filter(|(_, instance)| instance.state != InstanceState::Terminated)
                .map(move |(id, instance)| Workload {
                    region,
                    id,
                    instance,
                    place,
                })
        })
        .collect()
}

impl<'a> Workload<'a> {
    /// Returns the `Name` tag, or the id without one.
    pub fn name(&self) -> &'a str {
        self.instance
            .tags
            .get("Name")
            .map_or(self.id, String::as_str)
    }

    /// Returns the VPC of each interface, in order.
    pub fn networks(&self) -> Vec<&'a str> {
        self.instance
            .enis
            .values()
            .filter_map(|eni| self.place.enis.get(eni))
            .map(|eni| eni.vpc.as_str())
            .collect()
    }

    /// Whether AHV on x86 can run the instance.
    pub fn eligible(&self) -> bool {
        !self.instance.architecture.starts_with("arm")
    }

    /// Returns vCPUs and memory in bytes, by the instance type's size and family.
    pub fn shape(&self) -> (u32, u64) {
        const GIB: u64 = 1024 * 1024 * 1024;
        let (family, size) = self
            .instance
            .instance_type
            .split_once('.')
            .unwrap_or(("", "large"));
        match size {
            "nano" => (2, GIB / 2),
            "micro" => (2, GIB),
            "small" => (2, 2 * GIB),
            "medium" => (2, 4 * GIB),
            _ => {
                let vcpus = match size.strip_suffix("xlarge") {
                    None => 2,
                    Some("") => 4,
                    Some(times) => times.parse::<u32>().unwrap_or(1).min(48) * 4,
                };
                let gib = match family.chars().next() {
                    Some('c') => 2,
                    Some('r' | 'x' | 'z') => 8,
                    _ => 4,
                };
                (vcpus, u64::from(vcpus) * gib * GIB)
            }
        }
    }

    fn json(&self, number: usize) -> Json {
        let mut networks: Vec<Json> = Vec::new();
        for vpc in self.networks() {
            let name = self
                .place
                .vpcs
                .get(vpc)
                .and_then(|vpc| vpc.tags.get("Name"))
                .map_or(vpc, String::as_str);
            let network = json!({ "ID": vpc, "Name": name });
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        let (vcpus, memory) = self.shape();
        let on = self.instance.state == InstanceState::Running;
        json!({
            "VMUuid": key(self.id),
            "VmID": self.id,
            "VMName": self.name(),
            "PowerState": if on { "ON" } else { "OFF" },
            "OSType": Platform::of(&self.instance.platform_details).name(),
            "ClusterName": "",
            "DatacenterName": self.region,
            "HostName": "",
            "NumEthernetCards": self.instance.enis.len(),
            "Networks": wire::null_if_empty(networks),
            "NumCPU": vcpus,
            "MemoryMB": memory / (1024 * 1024),
            "RecID": number,
        })
    }
}

/// Returns one page of the workloads sorted by name. Only the page is sorted: a client asks for one page after the other, and sorting a
/// hundred thousand workloads for each takes minutes.
fn page_by_name(
    found: Vec<Workload<'_>>,
    skip: usize,
    limit: usize,
    descending: bool,
) -> Vec<Workload<'_>> {
    let mut named: Vec<_> = found
        .into_iter()
        .map(|workload| ((workload.name(), workload.id), workload))
        .collect();
    if skip >= named.len() {
        return Vec::new();
    }
    let order = |(a, _): &((&str, &str), Workload<'_>), (b, _): &((&str, &str), Workload<'_>)| {
        if descending { b.cmp(a) } else { a.cmp(b) }
    };
    named.select_nth_unstable_by(skip, order);
    let mut page = named.split_off(skip);
    if limit < page.len() {
        page.select_nth_unstable_by(limit, order);
        page.truncate(limit);
    }
    page.sort_unstable_by(order);
    page.into_iter().map(|(_, workload)| workload).collect()
}

/// `POST /providers/{id}/workloads/list`.
///
/// `AfterOffset` skips that many of the filtered entries; `MetaData.Count` counts all of them (inferred).
pub fn list(lab: &LabState, mv: usize, provider: &str, body: &Json) -> Result<Answer, Fault> {
    match providers::find(lab, mv, provider)?.kind {
        ProviderKind::Aws { .. } => {}
        ProviderKind::Aos { .. } => {
            return Err(Fault::unprocessable(
                "the lab lists workloads of AWS providers only",
            ));
        }
    }
    // Clients send both the plain form and one wrapped in `Spec`.
    let wanted = wire::field(body, "Spec").unwrap_or(body);
    let regions: Vec<&str> = wire::list(wanted, &["Filter", "Datacenter"])
        .iter()
        .filter_map(Json::as_str)
        .collect();
    if let Some(unknown) = regions
        .iter()
        .find(|region| !lab.aws.regions.contains_key(**region))
    {
        return Err(Fault::unprocessable(format!("unknown region {unknown}")));
    }
    let query = wire::text(wanted, &["Query"])
        .unwrap_or_default()
        .to_lowercase();
    let show = wire::text(wanted, &["ShowVMS"])
        .unwrap_or("all")
        .to_ascii_lowercase();
    let mut found: Vec<Workload<'_>> = all(lab, None)
        .into_iter()
        .filter(|workload| lab.moves[mv].faults.get(workload.id) != Some(&VmFault::NotListed))
        .filter(|workload| regions.is_empty() || regions.contains(&workload.region))
        .filter(|workload| {
            query.is_empty()
                || workload.name().to_lowercase().contains(&query)
                || workload.id.contains(&query)
        })
        .filter(|workload| match show.as_str() {
            "eligiblevms" => workload.eligible(),
            "ineligiblevms" => !workload.eligible(),
            _ => true,
        })
        .collect();
    let number = |name| {
        wire::field(wanted, name)
            .and_then(Json::as_u64)
            .and_then(|number| usize::try_from(number).ok())
    };
    let limit = match number("Limit") {
        None | Some(0) => MAX_LIMIT,
        Some(limit) if limit <= MAX_LIMIT => limit,
        Some(limit) => {
            return Err(Fault::unprocessable(format!(
                "Limit {limit} is above {MAX_LIMIT}"
            )));
        }
    };
    let count = found.len();
    let skip = number("AfterOffset").unwrap_or(0);
    let by_name =
        wire::text(wanted, &["SortBy"]).is_some_and(|by| by.eq_ignore_ascii_case("VMName"));
    let descending = wire::field(wanted, "SortOrderDesc").and_then(Json::as_bool) == Some(true);
    if descending {
        found.reverse();
    }
    if by_name {
        found = page_by_name(found, skip, limit, descending);
    } else {
        found = found.into_iter().skip(skip).take(limit).collect();
    }
    let entities: Vec<Json> = found
        .iter()
        .zip(skip + 1..)
        .map(|(workload, number)| workload.json(number))
        .collect();
    Ok(Answer::ok(json!({
        "MetaData": { "Count": count },
        "Entities": wire::null_if_empty(entities),
    })))
}
