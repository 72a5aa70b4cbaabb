//! What several targets check of texts and values.

use std::error::Error;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest text of an error, in bytes. What a remote system sends is shortened before it is shown.
const ERROR_BYTES_MAX: usize = 64 * 1024;

/// An error with every cause as it is: the engine leaves out what it has said, which is not to be hidden from these checks.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Checks that an error of a client can be shown: it is not too long, and none of the secrets is in it.
pub(crate) fn check_error(error: &dyn Error, secrets: &[&str]) {
    let text = chain(error);
    assert!(
        text.len() <= ERROR_BYTES_MAX,
        "the error has {} bytes",
        text.len()
    );
    for secret in secrets {
        assert!(!text.contains(secret), "a secret is in the error: {text}");
    }
}

/// Checks that a value that is written reads back equal.
pub(crate) fn check_read_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_vec(value).expect("it was accepted, so it can be written");
    let again: Result<T, _> = serde_json::from_slice(&text);
    match again {
        Ok(again) => assert!(again == *value, "{again:?} was written as {value:?}"),
        Err(error) => panic!("{value:?} was written and is not accepted: {error}"),
    }
}
