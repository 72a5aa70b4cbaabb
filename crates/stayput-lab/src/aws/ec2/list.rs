//! Common parts of list calls: ids, filters, pages.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Call;
use crate::aws::model::RegionState;
use crate::aws::model::Tags;
use crate::aws::query::Fault;
use crate::aws::query::Filter;
use crate::aws::query::Params;
use crate::state::LabState;

/// Most results in a page when the request has no limit.
const PAGE: usize = 1000;

/// A resource with its region, for filters and writers.
#[derive(Debug)]
pub(super) struct Listed<'a, T> {
    /// The lab.
    pub lab: &'a LabState,
    /// Region name.
    pub region_name: &'a str,
    /// The region.
    pub region: &'a RegionState,
    /// Id of the resource.
    pub id: &'a str,
    /// The resource.
    pub resource: &'a T,
}

/// A filter's name, and the function that returns a resource's values for it.
pub(super) type Field<T> = (&'static str, fn(&Listed<'_, T>) -> Vec<String>);

/// How resources of one kind are selected.
pub(super) struct Kind<T: 'static> {
    /// Request parameter of the ids, such as `InstanceId`.
    pub ids: &'static str,
    /// Rules of the ids.
    pub id: IdRule,
    /// Filters other than those on tags.
    pub fields: &'static [Field<T>],
    /// Tags; enables `tag:KEY` and `tag-key`.
    pub tags: Option<fn(&T) -> &Tags>,
}

/// Rules of one kind of ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdRule {
    /// Prefix with dash.
    pub prefix: &'static str,
    /// Name in messages.
    pub noun: &'static str,
    /// Error code for an id of another form.
    pub malformed: &'static str,
    /// Error code for an id that does not exist.
    pub not_found: &'static str,
}

impl IdRule {
    /// Returns the error for an id that does not exist, or for one that is malformed.
    pub fn refuse(&self, id: &str) -> Fault {
        let well_formed = id.strip_prefix(self.prefix).is_some_and(|rest| {
            matches!(rest.len(), 8 | 17)
                && rest
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if well_formed {
            Fault::bad(
                self.not_found,
                format!("The {} '{id}' does not exist", self.noun),
            )
        } else {
            Fault::bad(self.malformed, format!("Invalid id: \"{id}\""))
        }
    }

    /// Returns the resource with this id.
    ///
    /// # Errors
    /// The kind's `…NotFound` or `…Malformed`.
    pub fn find<'a, T>(&self, map: &'a BTreeMap<String, T>, id: &str) -> Result<&'a T, Fault> {
        map.get(id).ok_or_else(|| self.refuse(id))
    }

    /// Returns the resource with this id, mutable.
    ///
    /// # Errors
    /// As [`IdRule::find`].
    pub fn find_mut<'a, T>(
        &self,
        map: &'a mut BTreeMap<String, T>,
        id: &str,
    ) -> Result<&'a mut T, Fault> {
        map.get_mut(id).ok_or_else(|| self.refuse(id))
    }
}

/// The id rules of every kind in the lab. The codes differ in case, as in the real API (AWS reference §1.4).
pub(super) mod rule {
    use super::IdRule;

    macro_rules! rules {
        ($($name:ident: $prefix:literal, $noun:literal, $malformed:literal, $not_found:literal;)*) => {
            $(pub const $name: IdRule = IdRule {
                prefix: $prefix,
                noun: $noun,
                malformed: $malformed,
                not_found: $not_found,
            };)*
        };
    }

    rules! {
        INSTANCE: "i-", "instance ID", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound";
        VOLUME: "vol-", "volume", "InvalidParameterValue", "InvalidVolume.NotFound";
        ENI: "eni-", "networkInterface ID", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound";
        VPC: "vpc-", "vpc ID", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound";
        SUBNET: "subnet-", "subnet ID", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound";
        ROUTE_TABLE: "rtb-", "routeTable ID", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound";
        ASSOCIATION: "rtbassoc-", "association ID", "InvalidAssociationID.Malformed", "InvalidAssociationID.NotFound";
        DHCP: "dopt-", "dhcpOption ID", "InvalidDhcpOptionsId.Malformed", "InvalidDhcpOptionID.NotFound";
        GROUP: "sg-", "security group", "InvalidGroupId.Malformed", "InvalidGroup.NotFound";
        ACL: "acl-", "networkAcl ID", "InvalidNetworkAclId.Malformed", "InvalidNetworkAclID.NotFound";
        ALLOCATION: "eipalloc-", "allocation ID", "InvalidAllocationID.Malformed", "InvalidAllocationID.NotFound";
        TGW: "tgw-", "transitGateway ID", "InvalidTransitGatewayID.Malformed", "InvalidTransitGatewayID.NotFound";
        TGW_ATTACHMENT: "tgw-attach-", "transitGatewayAttachment ID", "InvalidTransitGatewayAttachmentID.Malformed", "InvalidTransitGatewayAttachmentID.NotFound";
        TGW_TABLE: "tgw-rtb-", "transitGatewayRouteTable ID", "InvalidRouteTableId.Malformed", "InvalidRouteTableID.NotFound";
        PREFIX_LIST: "pl-", "prefix list ID", "InvalidPrefixListId.Malformed", "InvalidPrefixListID.NotFound";
        VPN: "vpn-", "vpnConnection ID", "InvalidVpnConnectionID.Malformed", "InvalidVpnConnectionID.NotFound";
    }
}

/// One page, and the token of the next.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// Returns the resources that a call without pages selects: ids, filters.
///
/// # Errors
/// Unknown ids and filters.
pub(super) fn matching<'a, T>(
    call: &'a Call<'_>,
    kind: &Kind<T>,
    items: impl IntoIterator<Item = (&'a String, &'a T)>,
) -> Result<Vec<Listed<'a, T>>, Fault> {
    let ids: BTreeSet<&str> = call.params.list(kind.ids).into_iter().collect();
    let items: BTreeMap<&str, &T> = items
        .into_iter()
        .map(|(id, it)| (id.as_str(), it))
        .filter(|(id, _)| ids.is_empty() || ids.contains(id))
        .collect();
    if let Some(unknown) = ids.iter().find(|id| !items.contains_key(*id)) {
        return Err(kind.id.refuse(unknown));
    }
    let filters = call.params.filters()?;
    for filter in &filters {
        known(kind, filter)?;
    }
    call.dry_run()?;
    let region = call.region_state();
    Ok(items
        .into_iter()
        .map(|(id, it)| Listed {
            lab: call.lab,
            region_name: &call.region,
            region,
            id,
            resource: it,
        })
        .filter(|item| filters.iter().all(|filter| passes(kind, filter, item)))
        .collect())
}

/// Returns the page that a list call selects: [`matching`], then `MaxResults` and `NextToken`. A request by ids is not paged, as
/// in the real API.
///
/// # Errors
/// Unknown ids and filters, invalid page sizes and tokens.
pub(super) fn select<'a, T>(
    call: &'a Call<'_>,
    kind: &Kind<T>,
    items: impl IntoIterator<Item = (&'a String, &'a T)>,
) -> Result<Page<Listed<'a, T>>, Fault> {
    let found = matching(call, kind, items)?;
    let params = &call.params;
    let by_id = !params.list(kind.ids).is_empty();
    if by_id && !params.sent("MaxResults") && !params.sent("NextToken") {
        Ok((found, None))
    } else {
        page(params, call.lab.aws.page_cap, found, |item| {
            item.id.to_owned()
        })
    }
}

fn known<T>(kind: &Kind<T>, filter: &Filter) -> Result<(), Fault> {
    let name = filter.name.as_str();
    let of_tags = kind.tags.is_some() && (name == "tag-key" || name.starts_with("tag:"));
    if of_tags || kind.fields.iter().any(|(field, _)| *field == name) {
        Ok(())
    } else {
        Err(unknown_filter(name))
    }
}

/// Returns the error for a filter that a call does not have.
pub(super) fn unknown_filter(name: &str) -> Fault {
    Fault::invalid(format!("The filter '{name}' is invalid"))
}

fn passes<T>(kind: &Kind<T>, filter: &Filter, item: &Listed<'_, T>) -> bool {
    let name = filter.name.as_str();
    if let Some(tags) = kind.tags.map(|tags| tags(item.resource)) {
        if name == "tag-key" {
            return filter.accepts(&tags.keys().collect::<Vec<_>>());
        }
        if let Some(key) = name.strip_prefix("tag:") {
            return tags.get(key).is_some_and(|value| filter.accepts(&[value]));
        }
    }
    kind.fields
        .iter()
        .filter(|(field, _)| *field == name)
        .any(|(_, values)| filter.accepts(&values(item)))
}

/// Returns one page of sorted items. A token names the last item of the page before, so that items created or deleted between two
/// pages do not make others repeat or disappear.
///
/// # Errors
/// `InvalidParameterValue` for a page size outside 5 to 1000 or an invalid token.
pub(super) fn page<T>(
    params: &Params,
    cap: Option<usize>,
    items: Vec<T>,
    key: impl Fn(&T) -> String,
) -> Result<Page<T>, Fault> {
    let wanted: Option<usize> = params.parsed("MaxResults")?;
    if let Some(wanted) = wanted.filter(|wanted| !(5..=PAGE).contains(wanted)) {
        return Err(Fault::invalid(format!(
            "Value ( {wanted} ) for parameter maxResults is invalid. Expecting a value between 5 and {PAGE}."
        )));
    }
    let size = wanted.unwrap_or(PAGE).min(cap.unwrap_or(PAGE).max(1));
    let start = match params.get("NextToken") {
        None => 0,
        Some(token) => {
            let (offset, last) = read_token(token).ok_or_else(|| {
                Fault::invalid(format!(
                    "Value ({token}) for parameter nextToken is invalid."
                ))
            })?;
            items
                .iter()
                .position(|item| key(item) == last)
                .map_or(offset, |found| found + 1)
        }
    };
    let more = items.len() > start.saturating_add(size);
    let page: Vec<T> = items.into_iter().skip(start).take(size).collect();
    let token = match page.last() {
        Some(last) if more => Some(write_token(start + size, &key(last))),
        Some(_) | None => None,
    };
    Ok((page, token))
}

fn write_token(offset: usize, last: &str) -> String {
    format!("{offset}:{last}")
        .bytes()
        .fold(String::new(), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        })
}

fn read_token(token: &str) -> Option<(usize, String)> {
    let bytes: Vec<u8> = (0..token.len())
        .step_by(2)
        .map(|at| {
            token
                .get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect::<Option<_>>()?;
    let text = String::from_utf8(bytes).ok()?;
    let (offset, last) = text.split_once(':')?;
    Some((offset.parse().ok()?, last.to_owned()))
}

/// Returns one value for a filter.
pub(super) fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

/// Returns no or one value for a filter.
pub(super) fn some(value: Option<impl ToString>) -> Vec<String> {
    value.into_iter().map(|value| value.to_string()).collect()
}
