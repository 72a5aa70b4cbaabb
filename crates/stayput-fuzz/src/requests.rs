//! Requests as text: a request line, headers, an empty line, a body; several of them are separated by a line `%%` or `%% SECONDS`, which
//! lets that much virtual time pass.

use std::time::Duration;

use http::Method;
use http::Uri;
use stayput_lab::http::Request;

/// The most requests of one input.
const REQUESTS_MAX: usize = 16;
/// The longest time between two requests, in seconds.
const PAUSE_MAX: u64 = 30 * 24 * 3600;

/// One request, and how long to wait before it.
pub(crate) struct Timed {
    pub(crate) pause: Duration,
    pub(crate) request: Request,
}

/// Reads requests. What HTTP does not allow is left out: the lab's server refuses it before the lab sees it.
pub(crate) fn read(data: &[u8], base: &str) -> Vec<Timed> {
    let mut requests = Vec::new();
    let (mut pause, mut rest) = (Duration::ZERO, data);
    while requests.len() < REQUESTS_MAX {
        let (one, next) = until_separator(rest);
        requests.extend(request(one, base).map(|request| Timed { pause, request }));
        match next {
            Some((seconds, after)) => {
                pause = Duration::from_secs(seconds.min(PAUSE_MAX));
                rest = after;
            }
            None => break,
        }
    }
    requests
}

/// The text of one request. Credentials are left out: the target adds its own.
pub(crate) fn write(request: &Request, scope: Option<(&str, &str)>) -> Vec<u8> {
    const KEPT: [&str; 5] = [
        "content-type",
        "if-match",
        "ntnx-request-id",
        "x-amz-target",
        "accept",
    ];
    let encode = |text: &str, kept: &[u8]| {
        let mut encoded = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    };
    let mut text = format!("{} {}", request.method, encode(&request.path, b"/-_.~"));
    for (at, (name, value)) in request.query.iter().enumerate() {
        text.push(if at == 0 { '?' } else { '&' });
        text.push_str(&encode(name, b"$-_.~"));
        text.push('=');
        text.push_str(&encode(value, b"-_.~,"));
    }
    text.push('\n');
    if let Some((region, service)) = scope {
        text.push_str(&format!("scope: {region}/{service}\n"));
    }
    for name in KEPT {
        if let Some(value) = request.header(name) {
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    text.push('\n');
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&request.body);
    bytes
}

/// Splits at the first separator: what is before it, its seconds, and what is after it.
fn until_separator(data: &[u8]) -> (&[u8], Option<(u64, &[u8])>) {
    const MARK: &[u8] = b"\n%%";
    let Some(at) = data.windows(MARK.len()).position(|window| window == MARK) else {
        return (data, None);
    };
    let after = &data[at + MARK.len()..];
    let end = after.iter().position(|byte| *byte == b'\n');
    let (line, rest) = match end {
        Some(end) => (&after[..end], &after[end + 1..]),
        None => (after, &after[after.len()..]),
    };
    let seconds = std::str::from_utf8(line).ok();
    let seconds = seconds.and_then(|text| text.trim().parse().ok());
    (&data[..at], Some((seconds.unwrap_or(0), rest)))
}

fn request(data: &[u8], base: &str) -> Option<Request> {
    let (head, body) = match data.windows(2).position(|window| window == b"\n\n") {
        Some(at) => (&data[..at], &data[at + 2..]),
        None => (data, &data[data.len()..]),
    };
    let mut lines = head.split(|byte| *byte == b'\n');
    let mut first = lines.next()?.splitn(2, |byte| *byte == b' ');
    let method = Method::from_bytes(first.next()?).ok()?;
    let path = std::str::from_utf8(first.next()?).ok()?;
    let uri: Uri = path.parse().ok()?;
    let mut built = http::Request::builder().method(method).uri(uri);
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        built = built.header(&line[..at], line[at + 1..].trim_ascii());
    }
    let (parts, ()) = built.body(()).ok()?.into_parts();
    Some(Request::new(&parts, body.to_vec(), base))
}
