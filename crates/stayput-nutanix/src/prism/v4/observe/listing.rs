//! Lists of which some objects are known to exist, and objects whose parts are lists of their own.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::TryStreamExt;
use serde_json::Value;
use stayput_messages::Message;
use stayput_world::ObjectKind;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;

use super::super::api::Path;
use super::super::list::Whole;
use crate::prism::PrismClient;
use crate::prism::error::PrismError;
use crate::retry::Looks;
use crate::tolerant::Listed;

/// Objects asked for, or whose parts are read, side by side.
const AT_ONCE: usize = 8;

/// A list, and what was asked for by id because it lacked it.
#[derive(Debug)]
pub(super) struct Listing<T> {
    pub(super) kind: ObjectKind,
    pub(super) objects: Vec<T>,
    pub(super) unreadable: Vec<Unreadable>,
    /// Ids that were asked for and do not exist.
    pub(super) absent: BTreeSet<String>,
}

/// An object whose parts are read.
pub(super) struct Object<'a> {
    pub(super) kind: ObjectKind,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

/// What asking for one object by id came to.
enum ById<T> {
    Found(T),
    Absent(String),
    Unreadable(Unreadable),
}

impl PrismClient {
    /// Reads a list, again while it is empty although something is known; then asks by id for what is known and not listed. A list
    /// that has fewer objects than it says is an error, unless those found by id make up for it.
    pub(super) async fn listing<T: Listed>(
        &self,
        collection: Path,
        what: Message,
        known: BTreeSet<String>,
    ) -> Result<Listing<T>, PrismError> {
        let mut reads = 1;
        let mut list = self.v4.list_entries::<T>(&collection, &[], &what).await?;
        while list.entries.is_empty() && !known.is_empty() && reads < Looks::Several.count() {
            self.v4.pause(reads).await;
            list = self.v4.list_entries::<T>(&collection, &[], &what).await?;
            reads += 1;
        }
        let whole = Whole::of(list.entries);
        let mut listing = Listing {
            kind: T::KIND,
            objects: whole.objects,
            unreadable: whole.unreadable,
            absent: BTreeSet::new(),
        };
        let mut lacking = known;
        for key in listing.objects.iter().filter_map(T::key) {
            lacking.remove(key);
        }
        for key in listing
            .unreadable
            .iter()
            .filter_map(|note| note.ext_id.as_deref())
        {
            lacking.remove(key);
        }
        let collection = &collection;
        let mut found = 0;
        let asked: Vec<ById<T>> = futures::stream::iter(lacking)
            .map(|id| self.by_id(collection, &what, id))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        for one in asked {
            match one {
                ById::Found(object) => {
                    listing.objects.push(object);
                    found += 1;
                }
                ById::Absent(id) => {
                    listing.absent.insert(id);
                }
                ById::Unreadable(note) => {
                    listing.unreadable.push(note);
                    found += 1;
                }
            }
        }
        match list.lacks {
            // What it lacks beyond those is not known by id.
            Some(lacking) if lacking.count > found => Err(lacking.into_error()),
            Some(_) | None => Ok(listing),
        }
    }

    async fn by_id<T: Listed>(
        &self,
        collection: &Path,
        what: &Message,
        id: String,
    ) -> Result<ById<T>, PrismError> {
        let unreadable = |id: String, path: String, reason: String| {
            ById::Unreadable(Unreadable {
                kind: T::KIND,
                ext_id: Some(id),
                name: None,
                path,
                reason,
                extent: UnreadableExtent::Whole,
            })
        };
        match self.v4.find::<T>(&collection.clone().join(&id), what).await {
            Ok(Some(found)) => {
                let is_it = |key: &str| key.eq_ignore_ascii_case(&id);
                if found.value.key().is_some_and(is_it) {
                    Ok(ById::Found(found.value))
                } else {
                    let reason = Message::new("malformed-another-object").to_string();
                    Ok(unreadable(id, "extId".to_owned(), reason))
                }
            }
            Ok(None) => Ok(ById::Absent(id)),
            Err(PrismError::Decode(error)) => {
                Ok(unreadable(id, error.path, error.source.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads the parts of every object of a listing side by side. `read` gives `None` for an object that is left out.
    pub(super) async fn with_parts<T, U, F>(
        &self,
        listing: Listing<T>,
        read: impl Fn(T) -> F,
    ) -> Result<Listing<U>, PrismError>
    where
        F: Future<Output = Result<(Option<U>, Vec<Unreadable>), PrismError>>,
    {
        let read: Vec<(Option<U>, Vec<Unreadable>)> = futures::stream::iter(listing.objects)
            .map(read)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut unreadable = listing.unreadable;
        let mut objects = Vec::new();
        for (object, notes) in read {
            objects.extend(object);
            unreadable.extend(notes);
        }
        Ok(Listing {
            kind: listing.kind,
            objects,
            unreadable,
            absent: listing.absent,
        })
    }

    /// The parts of one object as read. What is wrong with this object only is noted and does not stop the others; an object that
    /// was deleted meanwhile is left out. `None` in both cases.
    pub(super) async fn parts<T>(
        &self,
        collection: &Path,
        object: &Object<'_>,
        parts: Result<T, PrismError>,
        notes: &mut Vec<Unreadable>,
    ) -> Result<Option<T>, PrismError> {
        let error = match parts {
            Ok(parts) => return Ok(Some(parts)),
            Err(error @ (PrismError::Api(_) | PrismError::Decode(_) | PrismError::List(_))) => {
                error
            }
            Err(error) => return Err(error),
        };
        let what = Message::new("call-look-at-object")
            .part("kind", object.kind.message())
            .with("id", object.id);
        let path = collection.clone().join(object.id);
        if let Ok(None) = self.v4.find::<Value>(&path, &what).await {
            return Ok(None);
        }
        notes.push(Unreadable {
            kind: object.kind,
            ext_id: Some(object.id.to_owned()),
            name: Some(object.name.to_owned()).filter(|name| !name.is_empty()),
            path: ".".to_owned(),
            reason: error.to_string(),
            extent: UnreadableExtent::Whole,
        });
        Ok(None)
    }
}

/// The note of an object one of whose parts is not understood.
pub(super) fn note_of(object: &Object<'_>, list: &str, part: &Unreadable) -> Unreadable {
    Unreadable {
        kind: object.kind,
        ext_id: Some(object.id.to_owned()),
        name: Some(object.name.to_owned()).filter(|name| !name.is_empty()),
        path: format!("{list}: {}", part.path),
        reason: part.reason.clone(),
        extent: UnreadableExtent::Property,
    }
}
