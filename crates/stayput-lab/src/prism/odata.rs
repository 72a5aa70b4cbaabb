//! List parameters: `$page`, `$limit`, `$filter`, `$orderby`, `$select` (Prism reference §1.2).
//!
//! The filter language is the part of OData that the official clients use: comparisons, `in`, `and`, `or`, `not`, `startswith`,
//! `endswith`, `contains`, paths with `/`, and `any` over collections. It is evaluated on the JSON of the answer, so a filter can
//! use every property that clients see.

mod filter;

use std::cmp::Ordering;

use serde_json::Value;
use serde_json::json;

use crate::http::Response;
use crate::prism::answer::Answer;
use crate::prism::answer::Call;
use crate::prism::answer::Problem;
use crate::prism::answer::flag;

use filter::compare;
use filter::parse;

/// Most entities in one page.
const MAX_LIMIT: usize = 100;
/// Entities in a page when the request has no limit.
const DEFAULT_LIMIT: usize = 50;

impl Call<'_> {
    /// Answers a list of the items with these keys.
    ///
    /// # Errors
    /// 400 for invalid parameters.
    pub fn list<K>(&self, keys: Vec<K>, render: impl Fn(&K) -> Value) -> Answer {
        self.list_by(keys, |_, _| None, render)
    }

    /// Answers a list of the items with these keys. `peek` returns properties without rendering an item, which makes filtering
    /// and sorting of tens of thousands of items fast.
    ///
    /// # Errors
    /// 400 for invalid parameters.
    pub fn list_by<K>(
        &self,
        mut keys: Vec<K>,
        peek: impl Fn(&K, &str) -> Option<Value>,
        render: impl Fn(&K) -> Value,
    ) -> Answer {
        let page = self.number("$page", 0, 0, usize::MAX)?;
        let limit = self.number("$limit", DEFAULT_LIMIT, 1, MAX_LIMIT)?;
        let filter = match self.request.param("$filter") {
            Some(text) if !text.trim().is_empty() => Some(parse(text).map_err(|error| {
                Problem::argument(format!("$filter cannot be parsed: {error}"))
            })?),
            Some(_) | None => None,
        };
        let order = self.order()?;
        let view = |key: &K, paths: &[&str]| {
            let known: Option<serde_json::Map<String, Value>> = paths
                .iter()
                .map(|path| Some(((*path).to_owned(), peek(key, path)?)))
                .collect();
            known.map_or_else(|| render(key), Value::Object)
        };

        if let Some(filter) = &filter {
            let paths = filter.paths();
            keys.retain(|key| filter.holds(&view(key, &paths)));
        }
        if !order.is_empty() {
            let paths: Vec<&str> = order.iter().map(|(path, _)| path.as_str()).collect();
            let mut viewed: Vec<(Value, K)> = keys
                .into_iter()
                .map(|key| (view(&key, &paths), key))
                .collect();
            viewed.sort_by(|a, b| sort(&a.0, &b.0, &order));
            keys = viewed.into_iter().map(|(_, key)| key).collect();
        }
        let total = keys.len();
        let mut items: Vec<Value> = keys
            .iter()
            .skip(page.saturating_mul(limit))
            .take(limit)
            .map(&render)
            .collect();
        if let Some(select) = self.request.param("$select") {
            let wanted: Vec<&str> = select.split(',').map(str::trim).collect();
            for item in &mut items {
                keep(item, &wanted);
            }
        }

        let mut body = json!({
            "metadata": {
                "flags": [flag("hasError", false), flag("isPaginated", true)],
                "links": self.links(page, limit, total),
                "totalAvailableResults": total,
            },
        });
        // An empty list has no `data` member.
        if !items.is_empty() {
            body["data"] = Value::Array(items);
        }
        Ok(Response::json(200, &body))
    }

    fn number(&self, name: &str, default: usize, min: usize, max: usize) -> Result<usize, Problem> {
        match self.request.param(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| (min..=max).contains(number))
                .ok_or_else(|| Problem::schema(name, &format!("{text} is out of range"))),
        }
    }

    /// Returns `$orderby` as path and whether it is descending.
    fn order(&self) -> Result<Vec<(String, bool)>, Problem> {
        let Some(text) = self.request.param("$orderby") else {
            return Ok(Vec::new());
        };
        text.split(',')
            .map(|part| {
                let mut words = part.split_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some(path), None | Some("asc"), None) => Ok((path.to_owned(), false)),
                    (Some(path), Some("desc"), None) => Ok((path.to_owned(), true)),
                    _ => Err(Problem::argument(format!(
                        "$orderby cannot be parsed: {text}"
                    ))),
                }
            })
            .collect()
    }

    fn links(&self, page: usize, limit: usize, total: usize) -> Value {
        let last = total.saturating_sub(1) / limit;
        let href = |page: usize| {
            format!(
                "{}{}?$page={page}&$limit={limit}",
                self.request.base, self.request.path
            )
        };
        let mut links = vec![
            json!({"href": href(page), "rel": "self"}),
            json!({"href": href(0), "rel": "first"}),
            json!({"href": href(last), "rel": "last"}),
        ];
        if page < last {
            links.push(json!({"href": href(page + 1), "rel": "next"}));
        }
        if page > 0 {
            links.push(json!({"href": href(page.min(last + 1) - 1), "rel": "prev"}));
        }
        Value::Array(links)
    }
}

/// Keeps the selected properties, and those that identify the object.
fn keep(item: &mut Value, wanted: &[&str]) {
    if let Value::Object(map) = item {
        map.retain(|key, _| {
            key.starts_with('$') || key == "extId" || wanted.contains(&key.as_str())
        });
    }
}

fn sort(a: &Value, b: &Value, order: &[(String, bool)]) -> Ordering {
    for (path, descending) in order {
        let left = filter::resolve(a, path);
        let right = filter::resolve(b, path);
        let by = match (left, right) {
            (Some(left), Some(right)) => compare(left, right).unwrap_or(Ordering::Equal),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let by = if *descending { by.reverse() } else { by };
        if by != Ordering::Equal {
            return by;
        }
    }
    Ordering::Equal
}
