//! Answers that are changed on their way: a missing element, a body that no service sends.

use serde_json::Value as Json;

use super::rule::Replacement;
use crate::http::Response;

/// What a proxy sends that asks for a login.
const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
<body><h1>Sign in to continue</h1></body></html>\n";
/// Bytes that are neither JSON, nor XML, nor UTF-8.
const NOISE: [u8; 16] = [
    0x1f, 0x8b, 0x00, 0xff, 0xfe, 0x7b, 0x22, 0xc3, 0x28, 0x3c, 0x2f, 0x00, 0xf0, 0x28, 0x8c, 0xbc,
];

/// Where the services state how many elements a list has.
const TOTALS: [&str; 4] = [
    "/metadata/totalAvailableResults",
    "/MetaData/Count",
    "/Count",
    "/ScannedCount",
];

/// Returns an answer with status 200 that no service sends.
pub(crate) fn replacement(kind: Replacement, usual_type: &str) -> Response {
    let (content_type, body) = match kind {
        Replacement::Garbage => (usual_type, NOISE.repeat(4)),
        Replacement::Html => ("text/html; charset=utf-8", PAGE.as_bytes().to_vec()),
        Replacement::Empty => (usual_type, Vec::new()),
    };
    Response {
        status: 200,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body,
    }
}

/// Removes the `n`th element, from 1, of the outermost list of an answer, and corrects the total that the answer states. An answer
/// without such an element is not changed.
pub(crate) fn drop_element(mut response: Response, n: usize) -> Response {
    let index = n.saturating_sub(1);
    if let Ok(mut body) = serde_json::from_slice::<Json>(&response.body) {
        if drop_of_json(&mut body, index) {
            response.body = body.to_string().into_bytes();
            restamp(&mut response);
        }
    } else if let Ok(text) = std::str::from_utf8(&response.body)
        && let Some(without) = drop_of_xml(text, index)
    {
        response.body = without.into_bytes();
    }
    response
}

/// Corrects the checksum that DynamoDB sends.
fn restamp(response: &mut Response) {
    let checksum = crc32fast::hash(&response.body).to_string();
    for (name, value) in &mut response.headers {
        if name == "x-amz-crc32" {
            value.clone_from(&checksum);
        }
    }
}

fn drop_of_json(body: &mut Json, index: usize) -> bool {
    let Json::Object(members) = &mut *body else {
        return false;
    };
    let list = members.values_mut().find_map(|value| match value {
        Json::Array(list) if index < list.len() => Some(list),
        _ => None,
    });
    let Some(list) = list else {
        return false;
    };
    list.remove(index);
    // As the services do for an empty list: Prism Central leaves `data` out, Move sends null.
    if members.get("data").is_some_and(is_empty_list) {
        members.remove("data");
    }
    if members.get("Entities").is_some_and(is_empty_list) {
        members.insert("Entities".to_owned(), Json::Null);
    }
    for total in TOTALS {
        if let Some(total) = body.pointer_mut(total)
            && let Some(count) = total.as_u64()
        {
            *total = Json::from(count.saturating_sub(1));
        }
    }
    true
}

fn is_empty_list(value: &Json) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// Removes the `index`th of the outermost `<item>` elements. The lab writes elements without attributes or comments inside lists.
fn drop_of_xml(text: &str, index: usize) -> Option<String> {
    let (mut depth, mut seen, mut start, mut at) = (0_usize, 0, 0, 0);
    while let Some(found) = text.get(at..)?.find('<') {
        let here = at + found;
        let rest = text.get(here..)?;
        if rest.starts_with("<item>") {
            if depth == 0 {
                start = here;
            }
            depth += 1;
        } else if rest.starts_with("</item>") {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                if seen == index {
                    let end = here + "</item>".len();
                    return Some(format!("{}{}", text.get(..start)?, text.get(end..)?));
                }
                seen += 1;
            }
        }
        at = here + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_outermost_items_of_xml_are_counted() {
        let text = "<a><set><item>1<in><item>x</item></in></item><item>2</item></set></a>";
        assert_eq!(
            drop_of_xml(text, 0).unwrap(),
            "<a><set><item>2</item></set></a>"
        );
        assert_eq!(
            drop_of_xml(text, 1).unwrap(),
            "<a><set><item>1<in><item>x</item></in></item></set></a>"
        );
        assert_eq!(drop_of_xml(text, 2), None);
    }

    #[test]
    fn totals_follow_the_list_and_an_empty_one_is_left_out() {
        let mut body = json!({ "data": ["a"], "metadata": { "totalAvailableResults": 1 } });
        assert!(drop_of_json(&mut body, 0));
        assert_eq!(body, json!({ "metadata": { "totalAvailableResults": 0 } }));
        let mut body = json!({ "Entities": ["a", "b"], "MetaData": { "Count": 2 } });
        assert!(drop_of_json(&mut body, 1));
        assert_eq!(
            body,
            json!({ "Entities": ["a"], "MetaData": { "Count": 1 } })
        );
        assert!(!drop_of_json(&mut body, 1));
    }
}
