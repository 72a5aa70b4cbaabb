//! TOML with comments.

use std::fmt::Display;

use stayput_messages::Message;
use toml::Value;

/// A file being written.
#[derive(Default)]
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// A table, with a blank line before it.
    pub(crate) fn table(&mut self, name: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&format!("[{name}]"));
    }

    /// A comment before what follows.
    pub(crate) fn comment(&mut self, comment: &Message) {
        for line in comment.to_string().lines() {
            self.line(&format!("# {line}"));
        }
    }

    /// A comment with a blank line before it.
    pub(crate) fn remark(&mut self, comment: &Message) {
        self.text.push('\n');
        self.comment(comment);
    }

    /// A key with a text.
    pub(crate) fn text(&mut self, key: &str, value: impl Display) {
        self.value(key, &Value::String(value.to_string()));
    }

    /// A key with any value.
    pub(crate) fn value(&mut self, key: &str, value: &Value) {
        self.line(&format!("{key} = {value}"));
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// The file.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// A list of texts.
pub(crate) fn list<T: Display>(values: impl IntoIterator<Item = T>) -> Value {
    let values = values.into_iter();
    Value::Array(
        values
            .map(|value| Value::String(value.to_string()))
            .collect(),
    )
}
