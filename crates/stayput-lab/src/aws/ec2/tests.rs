//! Tests of the EC2 calls, as a client sees them.

mod attachments;
mod instances;
mod lists;
mod prefix_lists;
mod secondary;
mod transit;
mod vpcs;

use std::collections::BTreeMap;

use crate::aws::query::Params;
use crate::http::Request;
use crate::state::LabState;

/// Answer of a call.
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    /// Returns the texts of all elements with this name, in order.
    fn all(&self, element: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.body).unwrap();
        document
            .descendants()
            .filter(|node| node.has_tag_name(element) || node.tag_name().name() == element)
            .map(|node| node.text().unwrap_or_default().to_owned())
            .collect()
    }

    /// Returns the text of the first element with this name.
    fn one(&self, element: &str) -> String {
        self.all(element).into_iter().next().unwrap_or_else(|| {
            panic!("no {element} in {}", self.body);
        })
    }
}

fn call(lab: &mut LabState, region: &str, action: &str, params: &[(&str, &str)]) -> Answer {
    lab.catch_up();
    let mut query = vec![
        ("Action".to_owned(), action.to_owned()),
        ("Version".to_owned(), "2016-11-15".to_owned()),
    ];
    query.extend(
        params
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
    );
    let request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query,
        headers: BTreeMap::new(),
        body: Vec::new(),
        base: String::new(),
    };
    let response = super::handle(lab, Params::of(&request), region, "request-1");
    Answer {
        status: response.status,
        body: String::from_utf8(response.body).unwrap(),
    }
}

/// Sends a call that must succeed.
fn ok(lab: &mut LabState, region: &str, action: &str, params: &[(&str, &str)]) -> Answer {
    let answer = call(lab, region, action, params);
    assert_eq!(answer.status, 200, "{action} {params:?} → {}", answer.body);
    answer
}

/// Sends a call that must fail, and returns its error code.
fn refused(lab: &mut LabState, region: &str, action: &str, params: &[(&str, &str)]) -> String {
    let answer = call(lab, region, action, params);
    assert_ne!(answer.status, 200, "{action} {params:?} → {}", answer.body);
    assert_eq!(answer.one("RequestID"), "request-1");
    answer.one("Code")
}
