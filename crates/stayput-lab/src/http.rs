//! One request and one response of the emulated services. The body is already read; nothing here is async.

use std::collections::BTreeMap;

/// A request whose body has arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path, percent-decoded, without the query.
    pub path: String,
    /// Query parameters, percent-decoded (`+` is a space), in the order sent.
    pub query: Vec<(String, String)>,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Vec<u8>,
    /// `https://host:port` that the client called, for links in responses.
    pub base: String,
}

impl Request {
    /// Returns a request as a service reads it. `base` is `https://host:port` that the client called.
    pub fn new(parts: &hyper::http::request::Parts, body: Vec<u8>, base: &str) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &parts.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|all| {
                    all.push(',');
                    all.push_str(&value);
                })
                .or_insert(value);
        }
        // HTTP/2 has no Host header, but signatures cover it.
        if let Some(authority) = parts.uri.authority() {
            headers
                .entry("host".to_owned())
                .or_insert_with(|| authority.to_string());
        }
        let path = percent_encoding::percent_decode_str(parts.uri.path())
            .decode_utf8_lossy()
            .into_owned();
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes())
            .into_owned()
            .collect();
        Self {
            method: parts.method.as_str().to_owned(),
            path,
            query,
            headers,
            body,
            base: base.to_owned(),
        }
    }

    /// Returns a header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Returns the first query parameter with this name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the path's segments, without empty ones.
    pub fn segments(&self) -> Vec<&str> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect()
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Response {
    /// Creates a response with a JSON body (`application/json`).
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: value.to_string().into_bytes(),
        }
    }

    /// Creates a response with an XML body.
    pub fn xml(status: u16, text: String) -> Self {
        Self {
            status,
            headers: vec![(
                "content-type".to_owned(),
                "text/xml;charset=UTF-8".to_owned(),
            )],
            body: text.into_bytes(),
        }
    }

    /// Creates a response with an empty body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Returns the first header with this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
