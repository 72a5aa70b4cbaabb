//! Asking for objects by id: the only way to learn that one does not exist. What a list lacks may have been cut, delayed or filtered away.

use std::collections::BTreeSet;
use std::fmt::Display;

use stayput_estate::Region;
use stayput_world::aws::Unreadable;

use crate::client::AwsClient;
use crate::error::AwsError;
use crate::list::ById;
use crate::parse::Entry;
use crate::parse::Sorted;
use crate::xml::Element;
use crate::xml::Malformed;

/// Ids of one request. Small, because one that is unknown refuses them all.
const BATCH: usize = 100;

/// Ids without an answer after which no more are asked one by one: the endpoint does not answer such questions.
const SILENT_MAX: usize = 20;

/// What became of ids that were asked for.
#[derive(Debug)]
pub(crate) struct Asked<K, V> {
    /// Those that exist, are gone, or cannot be held.
    pub(crate) seen: Sorted<K, V>,
    /// Those of which AWS says that there is none.
    pub(crate) not_found: BTreeSet<K>,
    /// Those of which it said nothing, asked twice: neither there nor absent.
    pub(crate) silent: BTreeSet<K>,
}

impl<K: Ord, V> Asked<K, V> {
    fn new() -> Self {
        Self {
            seen: Sorted::default(),
            not_found: BTreeSet::new(),
            silent: BTreeSet::new(),
        }
    }
}

impl AwsClient {
    /// Asks for objects by id.
    ///
    /// AWS refuses a whole request for one id that it does not know. It names the ones it means in most cases: those are known not to exist,
    /// and the others are asked for again. Where it names none the request is split until it is about one id. That makes at most two
    /// requests an id.
    pub(crate) async fn ask<K, V>(
        &self,
        region: &Region,
        how: ById,
        ids: BTreeSet<K>,
        read: impl Fn(Element<'_, '_>) -> Result<Vec<Entry<K, V>>, Malformed>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Result<Asked<K, V>, AwsError>
    where
        K: Ord + Clone + Display + Send + Sync + 'static,
        V: Send + 'static,
    {
        let mut asked = Asked::new();
        let mut waiting: Vec<Vec<K>> = batches(ids);
        while let Some(batch) = waiting.pop() {
            if batch.len() == 1 && asked.silent.len() >= SILENT_MAX {
                asked.silent.extend(batch);
                continue;
            }
            match self.ask_once(region, how, &batch, read.clone()).await {
                Ok(entries) => {
                    let mut missing: BTreeSet<K> = batch.iter().cloned().collect();
                    for entry in entries {
                        // An endpoint that ignores the ids shows more than was asked for.
                        if let Some(id) = named(&entry, &batch) {
                            missing.remove(&id);
                            asked.seen.extend([entry]);
                        }
                    }
                    if asked.silent.len() >= SILENT_MAX {
                        asked.silent.extend(missing);
                    } else if batch.len() > 1 {
                        waiting.extend(missing.into_iter().map(|id| vec![id]));
                    } else if !missing.is_empty() {
                        self.ask_again(region, how, batch, read.clone(), &mut asked)
                            .await?;
                    }
                }
                Err(error) if says_unknown(how, &error) => {
                    let (unknown, others) = split(batch, &error);
                    asked.not_found.extend(unknown);
                    waiting.extend(others);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(asked)
    }

    /// Asks once more for the one id that an answer about it lacked.
    async fn ask_again<K, V>(
        &self,
        region: &Region,
        how: ById,
        id: Vec<K>,
        read: impl Fn(Element<'_, '_>) -> Result<Vec<Entry<K, V>>, Malformed>
        + Clone
        + Send
        + Sync
        + 'static,
        asked: &mut Asked<K, V>,
    ) -> Result<(), AwsError>
    where
        K: Ord + Clone + Display + Send + Sync + 'static,
        V: Send + 'static,
    {
        match self.ask_once(region, how, &id, read).await {
            Ok(entries) => {
                let mut about_it = entries
                    .into_iter()
                    .filter(|entry| named(entry, &id).is_some())
                    .peekable();
                if about_it.peek().is_some() {
                    asked.seen.extend(about_it);
                } else {
                    asked.silent.extend(id);
                }
                Ok(())
            }
            Err(error) if says_unknown(how, &error) => {
                asked.not_found.extend(id);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn ask_once<K, V>(
        &self,
        region: &Region,
        how: ById,
        ids: &[K],
        read: impl Fn(Element<'_, '_>) -> Result<Vec<Entry<K, V>>, Malformed>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Result<Vec<Entry<K, V>>, AwsError>
    where
        K: Display,
        Entry<K, V>: Send + 'static,
    {
        // Without a page size: the two exclude each other, and what is asked for by id comes in one piece.
        let query = how.listing.unpaged().with_list(how.parameter, ids);
        let found = self.list(region, how.listing, query, read).await?;
        Ok(found.into_iter().flatten().collect())
    }
}

fn batches<K: Clone>(ids: BTreeSet<K>) -> Vec<Vec<K>> {
    let ids: Vec<K> = ids.into_iter().collect();
    ids.chunks(BATCH).map(<[K]>::to_vec).collect()
}

/// Which of the ids asked for an entry is about.
fn named<K: PartialEq + Clone + Display, V>(entry: &Entry<K, V>, ids: &[K]) -> Option<K> {
    ids.iter()
        .find(|asked| match entry {
            Entry::Here(id, _) | Entry::Gone(id) => id == *asked,
            Entry::Unreadable(Unreadable { id, .. }) => *id == asked.to_string(),
        })
        .cloned()
}

/// Whether AWS says that an id asked for does not exist, or could not.
fn says_unknown(how: ById, error: &AwsError) -> bool {
    let Some((what, why)) = error.code().and_then(|code| code.split_once('.')) else {
        return false;
    };
    what.eq_ignore_ascii_case(how.fault) && matches!(why, "NotFound" | "Malformed")
}

/// Parts a refused batch into ids known not to exist and batches to ask for again.
fn split<K: Clone + Display>(batch: Vec<K>, error: &AwsError) -> (Vec<K>, Vec<Vec<K>>) {
    if batch.len() == 1 {
        return (batch, Vec::new());
    }
    let message = match error {
        AwsError::Service { message, .. } => message.as_str(),
        AwsError::Config { .. }
        | AwsError::Credentials { .. }
        | AwsError::Timeout { .. }
        | AwsError::Connect { .. }
        | AwsError::Parse { .. } => "",
    };
    let words: BTreeSet<&str> = message
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '-'))
        .collect();
    let (unknown, others): (Vec<K>, Vec<K>) = batch
        .iter()
        .cloned()
        .partition(|id| words.contains(id.to_string().as_str()));
    match (unknown.is_empty(), others.is_empty()) {
        (false, true) => (unknown, Vec::new()),
        (false, false) => (unknown, vec![others]),
        (true, _) => {
            let (low, high) = batch.split_at(batch.len() / 2);
            (Vec::new(), vec![low.to_vec(), high.to_vec()])
        }
    }
}

#[cfg(test)]
mod tests;
