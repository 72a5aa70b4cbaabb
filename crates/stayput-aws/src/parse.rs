//! EC2's XML entries as the world's types. One function per kind of entry.
//!
//! What an entry must have and lacks is an error that names it; what is not understood is an `Unknown` or kept as unreadable; nothing is
//! dropped but what AWS itself says is gone. Members that AWS leaves out are named where they are read.

pub(crate) mod tgw;
pub(crate) mod vpc;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_world::aws::Unreadable;

use crate::xml::Element;
use crate::xml::Malformed;

/// One entry of a list of things with ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry<K, V> {
    /// It exists.
    Here(K, V),
    /// It is in a state without return: terminated, deleted. AWS lists such for hours (AWS reference §1.1).
    Gone(K),
    /// It exists and cannot be held in the world's terms.
    Unreadable(Unreadable),
}

/// The entries of a list, sorted by what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sorted<K, V> {
    pub(crate) here: BTreeMap<K, V>,
    pub(crate) gone: BTreeSet<K>,
    pub(crate) unreadable: BTreeSet<Unreadable>,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self {
            here: BTreeMap::new(),
            gone: BTreeSet::new(),
            unreadable: BTreeSet::new(),
        }
    }
}

impl<K: Ord, V> Extend<Entry<K, V>> for Sorted<K, V> {
    fn extend<I: IntoIterator<Item = Entry<K, V>>>(&mut self, entries: I) {
        for entry in entries {
            match entry {
                Entry::Here(id, value) => {
                    self.here.insert(id, value);
                }
                Entry::Gone(id) => {
                    self.gone.insert(id);
                }
                Entry::Unreadable(what) => {
                    self.unreadable.insert(what);
                }
            }
        }
    }
}

impl<K: Ord, V> FromIterator<Entry<K, V>> for Sorted<K, V> {
    fn from_iter<I: IntoIterator<Item = Entry<K, V>>>(entries: I) -> Self {
        let mut sorted = Self::default();
        sorted.extend(entries);
        sorted
    }
}

/// Keeps an entry that cannot be read as a note, where it is certainly not of the estate: its own VPC is readable and none of those that the
/// caller names. An odd object elsewhere in the account must not hide everything else; one of the estate must not be left out.
pub(crate) fn unless_foreign<K, V>(
    kind: &Message,
    entry: Element<'_, '_>,
    id: &str,
    ours: &BTreeSet<VpcId>,
    read: Result<Entry<K, V>, Malformed>,
) -> Result<Entry<K, V>, Malformed> {
    read.or_else(|error| match (entry.text(id), entry.text("vpcId")) {
        (Some(id), Some(vpc)) if !ours.is_empty() && !ours.contains(&VpcId::new(vpc)) => {
            Ok(Entry::Unreadable(Unreadable {
                kind: kind.to_string(),
                id: id.to_owned(),
                why: Message::new("answer-of-foreign-vpc")
                    .with("problem", error)
                    .with("vpc", vpc)
                    .to_string(),
            }))
        }
        _ => Err(error),
    })
}

/// Tags of an entry: `tagSet/item/{key,value}`. EC2 leaves the list out of entries without tags in some calls, and sends an empty value as an
/// empty element.
pub(crate) fn tags(entry: Element<'_, '_>) -> Result<BTreeMap<String, String>, Malformed> {
    entry
        .optional_items("tagSet")?
        .into_iter()
        .map(|tag| {
            let key = tag.required("key")?;
            Ok((key.to_owned(), tag.text("value").unwrap_or("").to_owned()))
        })
        .collect()
}

/// Attachments, connections and gateways that stay listed for hours after they are gone (AWS reference §1.1).
pub(crate) fn is_gone(state: &str) -> bool {
    matches!(state, "deleted" | "failed" | "rejected")
}
