//! Answers of remote systems, given to the real clients.
//!
//! The first line of an input is `OPERATION STATUS CALL`, and the rest is the body with which every such call of the operation is answered.
//! Other calls are answered by the lab. `CALL` is an AWS action, or `METHOD /path` with `{id}` instead of ids; `*` is every call.

pub(crate) mod aws;
pub(crate) mod mv;
pub(crate) mod prism;

use bytes::Bytes;

use crate::wires::Spoiled;

/// The longest body that a target sends. More is one limit of the clients, which their own tests check.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// An input.
pub(crate) struct Input {
    pub(crate) operation: String,
    pub(crate) spoiled: Spoiled,
}

impl Input {
    /// Reads an input; `None` when it is not one.
    pub(crate) fn read(data: &[u8]) -> Option<Self> {
        let end = data.iter().position(|byte| *byte == b'\n')?;
        let (line, body) = (&data[..end], &data[end + 1..]);
        let mut parts = std::str::from_utf8(line).ok()?.splitn(3, ' ');
        let operation = parts.next()?.to_owned();
        let status = parts.next()?.parse().ok()?;
        let call = parts.next()?.to_owned();
        let is_answer = (200..600).contains(&status) && body.len() <= BODY_BYTES_MAX;
        is_answer.then(|| Self {
            operation,
            spoiled: Spoiled {
                call,
                status,
                body: Bytes::copy_from_slice(body),
            },
        })
    }

    /// An input as bytes.
    pub(crate) fn write(operation: &str, status: u16, call: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = format!("{operation} {status} {call}\n").into_bytes();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Whether the body is of a success, and is no JSON object: such an answer says nothing.
    pub(crate) fn is_success_without_object(&self) -> bool {
        let is_object = serde_json::from_slice::<serde_json::Map<_, serde_json::Value>>;
        self.spoiled.status < 300
            && self.spoiled.status != 204
            && is_object(&self.spoiled.body).is_err()
    }
}
