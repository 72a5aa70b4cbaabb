//! EC2's XML entries as the world's types. One function per kind of entry; `Ok(None)` leaves an entry out.
//!
//! Left out are things that are gone (terminated, deleted) and things that cannot hold an IPv4 address; everything else that
//! is not understood is an error or an `Unknown`, never dropped.

pub(crate) mod tgw;
pub(crate) mod vpc;

use std::collections::BTreeMap;

use crate::xml::Element;

/// Tags of an entry: `tagSet/item/{key,value}`; a tag without a value has an empty one.
pub(crate) fn tags(entry: Element<'_, '_>) -> BTreeMap<String, String> {
    entry
        .items("tagSet")
        .filter_map(|tag| {
            let key = tag.text("key")?;
            Some((key.to_owned(), tag.text("value").unwrap_or("").to_owned()))
        })
        .collect()
}

/// Attachments, connections and gateways that stay listed for hours after they are gone (AWS reference §1.1).
pub(crate) fn is_gone(state: &str) -> bool {
    matches!(state, "deleted" | "failed" | "rejected")
}
