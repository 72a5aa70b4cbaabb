//! Reading lists to their end (Prism reference §1.2): pages, totals, and what to make of those that do not add up.

use std::collections::BTreeSet;

use futures::StreamExt;
use reqwest::Method;
use reqwest::Url;
use serde_json::Value;
use stayput_messages::Message;
use stayput_world::Unreadable;

use super::api::Api;
use super::api::Path;
use super::envelope::Page;
use crate::error::Ambiguous;
use crate::error::Call;
use crate::error::DecodeError;
use crate::error::ListError;
use crate::error::ListProblem;
use crate::prism::error::PrismError;
use crate::tolerant::Entry;
use crate::tolerant::Listed;
use crate::transport;
use crate::transport::AT_ONCE;
use crate::transport::Answer;
use crate::transport::Reply;

/// Objects asked for per page; the most that is allowed.
const PAGE: u64 = 100;

/// Objects of one list that are read; the largest Prism Central manages some tens of thousands of VMs.
const MOST_OBJECTS: u64 = 1_000_000;

/// Pages of one list that are read; a server may give pages shorter than asked for.
const MOST_PAGES: u64 = 20_000;

/// How often a list is read when it changes while it is read.
const LIST_READS: u32 = 5;

/// One page, its objects read one by one.
struct Part<T> {
    entries: Vec<Entry<T>>,
    total: Option<u64>,
    has_next: bool,
}

/// A list as read once.
struct Reading<T> {
    entries: Vec<Entry<T>>,
    /// Objects without those given twice.
    got: u64,
    /// How many there were said to be, at most; `None` when it was not told.
    expected: Option<u64>,
    /// Whether the total was the same on every page.
    is_steady: bool,
    /// Whether one answer had all of it.
    is_one_answer: bool,
}

/// A list that was read to its end, or several times with the same objects.
#[derive(Debug)]
pub(super) struct Entries<T> {
    pub(super) entries: Vec<Entry<T>>,
    /// How many objects it is said to have and never gave. They are not absent.
    pub(super) lacks: Option<Lacking>,
}

/// What a list never gave.
#[derive(Debug)]
pub(super) struct Lacking {
    pub(super) count: u64,
    call: Box<Call>,
    problem: ListProblem,
}

impl Lacking {
    /// The error for a list that must be whole.
    pub(super) fn into_error(self) -> PrismError {
        list_error(self.call, self.problem)
    }
}

impl<T> Reading<T> {
    /// Whether what was read is the whole list, each object once.
    fn is_whole(&self) -> bool {
        let given = self.entries.len() as u64;
        self.is_steady && self.got == given && self.expected.is_none_or(|total| total == given)
    }

    /// The ids in it, if every object has one and is given once.
    fn keys(&self) -> Option<BTreeSet<String>> {
        let keys: Option<BTreeSet<String>> =
            self.entries.iter().map(|entry| entry.key.clone()).collect();
        keys.filter(|keys| keys.len() == self.entries.len())
    }
}

/// What a list has, as far as it could be read.
#[derive(Debug)]
pub(super) struct Whole<T> {
    pub(super) objects: Vec<T>,
    pub(super) unreadable: Vec<Unreadable>,
}

impl<T> Whole<T> {
    pub(super) fn of(entries: Vec<Entry<T>>) -> Self {
        let mut whole = Self {
            objects: Vec::new(),
            unreadable: Vec::new(),
        };
        for entry in entries {
            whole.objects.extend(entry.value);
            whole.unreadable.extend(entry.notes);
        }
        whole
    }
}

impl Api {
    /// Reads a list: the first page, then the others side by side, and all again if the list changed meanwhile or does not have
    /// as many objects as it says.
    pub(super) async fn list_entries<T: Listed>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &Message,
    ) -> Result<Entries<T>, PrismError> {
        let url = self.url(path).await?;
        let mut before = None;
        let mut reads = 0;
        loop {
            reads += 1;
            let reading = self.list_once(&url, query, what).await?;
            if reading.is_whole() {
                return Ok(Entries {
                    entries: reading.entries,
                    lacks: None,
                });
            }
            let keys = reading.keys();
            if reads == LIST_READS {
                let call = self.call(&Method::GET, &url, what);
                let got = reading.got;
                let Some(expected) = reading.expected else {
                    return Err(list_error(call, ListProblem::Repeats { got }));
                };
                let problem = ListProblem::Unsettled {
                    reads,
                    got,
                    expected,
                };
                // The same objects twice in a row: it does not change, it is incomplete.
                if keys.is_some() && keys == before && got < expected {
                    let count = expected - got;
                    let lacks = Some(Lacking {
                        count,
                        call,
                        problem,
                    });
                    return Ok(Entries {
                        entries: reading.entries,
                        lacks,
                    });
                }
                return Err(list_error(call, problem));
            }
            before = keys;
            self.pause(reads).await;
        }
    }

    /// Reads a list whose objects are made and deleted all the time, so that its pages shift while they are read, also when the total
    /// stays the same. Unless it came in one answer it is read again until `has_enough` of what was read; everything that any reading
    /// showed counts.
    pub(super) async fn list_shifting<T: Listed>(
        &self,
        path: &Path,
        what: &Message,
        mut has_enough: impl FnMut(&[T]) -> bool,
    ) -> Result<Whole<T>, PrismError> {
        let url = self.url(path).await?;
        let mut all = Whole::of(Vec::new());
        let mut distinct = Distinct::default();
        for reads in 1.. {
            let reading = self.list_once::<T>(&url, &[], what).await?;
            let is_whole = reading.is_whole();
            distinct.add(&reading.entries);
            let read = Whole::of(reading.entries);
            let is_enough = has_enough(&read.objects);
            all.objects.extend(read.objects);
            all.unreadable.extend(read.unreadable);
            if is_enough || is_whole && reading.is_one_answer {
                break;
            }
            if reads < LIST_READS {
                self.pause(reads).await;
                continue;
            }
            let (got, expected) = (distinct.count, reading.expected.unwrap_or_default());
            if got < expected {
                let problem = ListProblem::Unsettled {
                    reads,
                    got,
                    expected,
                };
                return Err(list_error(self.call(&Method::GET, &url, what), problem));
            }
            break;
        }
        all.unreadable.sort();
        all.unreadable.dedup();
        Ok(all)
    }

    /// Reads a whole list, object by object.
    async fn whole_entries<T: Listed>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &Message,
    ) -> Result<Vec<Entry<T>>, PrismError> {
        let list = self.list_entries(path, query, what).await?;
        match list.lacks {
            None => Ok(list.entries),
            Some(lacking) => Err(lacking.into_error()),
        }
    }

    /// Reads a whole list of which every object must be understood.
    pub(super) async fn list<T: Listed>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &Message,
    ) -> Result<Vec<T>, PrismError> {
        let Whole {
            objects,
            unreadable,
        } = self.list_tolerant(path, query, what).await?;
        match unreadable.into_iter().next() {
            None => Ok(objects),
            Some(note) => Err(self.unreadable(path, what, &note).await),
        }
    }

    /// Reads a whole list; objects that are not understood are noted.
    pub(super) async fn list_tolerant<T: Listed>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &Message,
    ) -> Result<Whole<T>, PrismError> {
        let entries = self.whole_entries(path, query, what).await?;
        Ok(Whole::of(entries))
    }

    /// The one object of a list that has this name and matches otherwise; `None` if there is none.
    ///
    /// An object that is not understood and may be the one is an error, and so are several that match.
    pub(super) async fn find_one<T: Listed>(
        &self,
        path: &Path,
        query: &[(&str, &str)],
        what: &Message,
        name: &str,
        matches: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, PrismError> {
        let mut found = None;
        let mut ids = Vec::new();
        for entry in self.whole_entries::<T>(path, query, what).await? {
            if entry.value.as_ref().is_some_and(&matches) {
                ids.extend(entry.key);
                found = entry.value;
                continue;
            }
            // What is not understood of it may be why it does not match.
            if let Some(note) = entry.notes.first()
                && note.name.as_deref().is_none_or(|its| its == name)
            {
                return Err(self.unreadable(path, what, note).await);
            }
        }
        if ids.len() <= 1 {
            return Ok(found);
        }
        let url = self.url(path).await?;
        Err(PrismError::from(Box::new(Ambiguous {
            call: self.call(&Method::GET, &url, what),
            what: Message::new("thing-of-kind-named")
                .part("kind", T::KIND.message())
                .with("name", name),
            ids,
        })))
    }

    /// The error for an object of a list that is needed and not understood.
    async fn unreadable(&self, path: &Path, what: &Message, note: &Unreadable) -> PrismError {
        match self.url(path).await {
            Ok(url) => PrismError::Decode(transport::malformed(
                self.call(&Method::GET, &url, what),
                &self.redactor(),
                &note.path,
                &note.to_string(),
            )),
            Err(error) => error,
        }
    }

    async fn list_once<T: Listed>(
        &self,
        url: &Url,
        query: &[(&str, &str)],
        what: &Message,
    ) -> Result<Reading<T>, PrismError> {
        let first: Part<T> = self.page(url, query, 0, what).await?;
        let Some(total) = first.total else {
            return self.list_untold(url, query, first, what).await;
        };
        let call = || self.call(&Method::GET, url, what);
        if total > MOST_OBJECTS {
            let limit = MOST_OBJECTS;
            return Err(list_error(call(), ListProblem::TooLong { total, limit }));
        }
        // A server with a lower limit of its own gives shorter pages than asked for.
        let size = (first.entries.len() as u64).clamp(1, PAGE);
        let pages = if first.entries.is_empty() {
            1
        } else {
            total.div_ceil(size)
        };
        if pages > MOST_PAGES {
            return Err(list_error(call(), ListProblem::Endless { pages }));
        }
        let mut entries = first.entries;
        let mut expected = total;
        let mut is_steady = true;
        let mut rest = futures::stream::iter(1..pages)
            .map(|number| self.page::<T>(url, query, number, what))
            .buffered(AT_ONCE);
        while let Some(page) = rest.next().await {
            let page = page?;
            is_steady &= page.total == Some(total);
            expected = expected.max(page.total.unwrap_or(total));
            // An end before its time: the list has become shorter, and the other pages would be empty as well.
            if page.entries.is_empty() {
                break;
            }
            entries.extend(page.entries);
        }
        let mut distinct = Distinct::default();
        distinct.add(&entries);
        Ok(Reading {
            got: distinct.count,
            entries,
            expected: Some(expected),
            is_steady,
            is_one_answer: pages == 1,
        })
    }

    /// Reads the rest of a list whose length the server does not tell: until a page is not full and names no next one.
    async fn list_untold<T: Listed>(
        &self,
        url: &Url,
        query: &[(&str, &str)],
        first: Part<T>,
        what: &Message,
    ) -> Result<Reading<T>, PrismError> {
        let goes_on = |part: &Part<T>| part.entries.len() as u64 >= PAGE || part.has_next;
        let mut more = goes_on(&first) && !first.entries.is_empty();
        let mut distinct = Distinct::default();
        distinct.add(&first.entries);
        let mut entries = first.entries;
        let mut number = 1;
        while more {
            if number == MOST_PAGES {
                let call = self.call(&Method::GET, url, what);
                return Err(list_error(call, ListProblem::Endless { pages: number }));
            }
            let page: Part<T> = self.page(url, query, number, what).await?;
            // A page with nothing new: the server ignores which one is asked for.
            let is_new = distinct.add(&page.entries);
            more = is_new && goes_on(&page);
            entries.extend(page.entries);
            number += 1;
        }
        Ok(Reading {
            got: distinct.count,
            entries,
            expected: None,
            is_steady: true,
            is_one_answer: number == 1,
        })
    }

    async fn page<T: Listed>(
        &self,
        url: &Url,
        query: &[(&str, &str)],
        number: u64,
        what: &Message,
    ) -> Result<Part<T>, PrismError> {
        let mut url = url.clone();
        url.query_pairs_mut()
            .append_pair("$page", &number.to_string())
            .append_pair("$limit", &PAGE.to_string())
            .extend_pairs(query);
        let outgoing = self.reading(Method::GET, url, what);
        match self
            .read(outgoing, |reply| part::<T>(reply, number))
            .await?
        {
            Answer::Understood(part, _) => Ok(part),
            Answer::Refused(reply) => Err(super::api::refusal(&reply)),
        }
    }
}

impl<T: Listed> Page<T> {
    /// Whether an object has an empty id, which is none.
    fn has_nameless(&self) -> bool {
        let objects = self.data.iter().flatten();
        objects.filter_map(T::key).any(str::is_empty)
    }
}

/// Reads a page: all at once, or object by object if one is odd.
fn part<T: Listed>(reply: &Reply, number: u64) -> Result<Part<T>, DecodeError> {
    if let Ok(page) = reply.decode::<Page<T>>()
        && !page.has_nameless()
    {
        let (objects, metadata) = page
            .objects(number)
            .map_err(|reason| reply.malformed(".", reason))?;
        return Ok(Part {
            entries: objects.into_iter().map(Entry::read).collect(),
            total: metadata.total,
            has_next: metadata.has_next(),
        });
    }
    let page: Page<Value> = reply.decode()?;
    let (objects, metadata) = page
        .objects(number)
        .map_err(|reason| reply.malformed(".", reason))?;
    let parse = |object| Entry::parse(object, &reply.redactor);
    Ok(Part {
        entries: objects.into_iter().map(parse).collect(),
        total: metadata.total,
        has_next: metadata.has_next(),
    })
}

/// Counts objects, each id once.
#[derive(Default)]
struct Distinct {
    keys: BTreeSet<String>,
    count: u64,
}

impl Distinct {
    /// Counts further objects; whether one of them is new.
    fn add<T>(&mut self, entries: &[Entry<T>]) -> bool {
        let before = self.count;
        for entry in entries {
            let is_new = match &entry.key {
                Some(key) => self.keys.insert(key.clone()),
                None => true,
            };
            self.count += u64::from(is_new);
        }
        self.count > before
    }
}

fn list_error(call: Box<Call>, problem: ListProblem) -> PrismError {
    PrismError::from(Box::new(ListError { call, problem }))
}
