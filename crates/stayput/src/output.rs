//! What a command has to say: the same as text and as JSON.

/// A command's result.
#[derive(Debug, Default)]
pub struct Output {
    /// For people, with its line ends.
    pub text: String,
    /// For programs.
    pub json: serde_json::Value,
    /// Whether the command reached what it was for.
    pub ok: bool,
}

impl Output {
    /// A result that is well.
    pub fn new(text: impl Into<String>, json: serde_json::Value) -> Self {
        Self {
            text: text.into(),
            json,
            ok: true,
        }
    }
}
