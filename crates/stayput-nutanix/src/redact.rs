//! Secrets do not get into error texts, also when the other side repeats what it was sent.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// What stands in place of a secret.
const MARK: &str = "[redacted]";

/// A secret shorter than this is only replaced where it stands alone: inside of words it would make texts unreadable.
const SHORT: usize = 4;

/// Lines of a secret of several lines (a private key) that are secret by themselves.
const LONG_LINE: usize = 16;

/// Replaces secrets by value, in every form they may be repeated in.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// Longest first, so that a part never hides the whole.
    needles: Arc<Vec<String>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hidden>")
    }
}

impl Redactor {
    /// One that knows these secrets besides those that this one knows; empty ones are left out.
    pub(crate) fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<String> = self.needles.to_vec();
        for secret in secrets {
            needles.extend(forms(secret));
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self {
            needles: Arc::new(needles),
        }
    }

    /// A text without the secrets.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for needle in self.needles.iter() {
            if text.contains(needle.as_str()) {
                text = if needle.len() < SHORT {
                    replace_alone(&text, needle)
                } else {
                    text.replace(needle.as_str(), MARK)
                };
            }
        }
        text
    }

    /// A body without the secrets, as text.
    pub(crate) fn clean_body(&self, body: &[u8]) -> Vec<u8> {
        self.clean(&String::from_utf8_lossy(body)).into_bytes()
    }
}

/// Replaces a text where no letter or digit touches it.
fn replace_alone(text: &str, needle: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(needle) {
        let (before, found) = rest.split_at(at);
        let after = &found[needle.len()..];
        out.push_str(before);
        let is_part =
            out.ends_with(char::is_alphanumeric) || after.starts_with(char::is_alphanumeric);
        out.push_str(if is_part { needle } else { MARK });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A secret as it is, and as JSON, HTML, a form and base64 have it.
fn forms(secret: &str) -> Vec<String> {
    let json = |text: &str| {
        let quoted = serde_json::Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let html = secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;");
    let mut forms = vec![
        secret.to_owned(),
        json(secret),
        // A request repeated inside a message is JSON inside JSON.
        json(&json(secret)),
        // Some servers escape the slash as well.
        json(secret).replace('/', "\\/"),
        html,
        form_encoded(secret),
        form_encoded(secret).replace('+', "%20"),
    ];
    for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
        forms.push(engine.encode(secret));
    }
    let lines: Vec<&str> = secret.lines().map(str::trim).collect();
    if lines.len() > 1 {
        let long = lines.iter().filter(|line| line.len() >= LONG_LINE);
        forms.extend(long.map(|line| (*line).to_owned()));
    }
    forms.retain(|form| !form.is_empty());
    forms
}

/// A text as a form of a page sends it.
fn form_encoded(text: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse("http://localhost/") else {
        return String::new();
    };
    url.query_pairs_mut().append_pair("", text);
    url.query()
        .unwrap_or_default()
        .trim_start_matches('=')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_removed_in_every_form_it_may_be_repeated_in() {
        let redactor = Redactor::default().with(["nut\"anix/4u &<x>", "admin:nut\"anix/4u &<x>"]);
        for text in [
            r#"nut"anix/4u &<x>"#.to_owned(),
            serde_json::json!({"Password": "nut\"anix/4u &<x>"}).to_string(),
            r#"{"p":"nut\"anix\/4u &<x>"}"#.to_owned(),
            "password=nut%22anix%2F4u+%26%3Cx%3E&a=b".to_owned(),
            "password=nut%22anix%2F4u%20%26%3Cx%3E".to_owned(),
            "<p>nut&quot;anix/4u &amp;&lt;x&gt;</p>".to_owned(),
            format!("Basic {}", STANDARD.encode("admin:nut\"anix/4u &<x>")),
            format!("Basic {}", URL_SAFE_NO_PAD.encode("nut\"anix/4u &<x>")),
        ] {
            let clean = redactor.clean(&text);
            assert!(clean.contains(MARK), "{text} became {clean}");
            assert!(!clean.contains("4u"), "{text} became {clean}");
        }
    }

    #[test]
    fn a_short_secret_is_removed_where_it_stands_alone() {
        let redactor = Redactor::default().with(["ab"]);
        assert_eq!(
            redactor.clean(r#"{"Password":"ab"} of table abab, ab"#),
            r#"{"Password":"[redacted]"} of table abab, [redacted]"#
        );
    }

    #[test]
    fn every_line_of_a_private_key_is_secret() {
        let redactor = Redactor::default()
            .with(["-----BEGIN X-----\nMIIEabcdefghijklmnop\n-----END X-----\n"]);
        assert_eq!(
            redactor.clean("line 2 is MIIEabcdefghijklmnop, not a key"),
            "line 2 is [redacted], not a key"
        );
    }

    #[test]
    fn a_json_body_stays_json_when_a_secret_is_removed() {
        let redactor = Redactor::default().with(["top\"secret"]);
        let body = serde_json::json!({"message": "refused: top\"secret"}).to_string();
        let clean = redactor.clean_body(body.as_bytes());
        let clean: serde_json::Value = serde_json::from_slice(&clean).unwrap();
        assert_eq!(clean["message"], "refused: [redacted]");
    }

    #[test]
    fn nothing_is_removed_without_secrets_and_empty_ones_are_none() {
        let redactor = Redactor::default().with(["", ""]);
        assert_eq!(redactor.clean("as it is"), "as it is");
        assert!(!format!("{:?}", redactor.with(["hush"])).contains("hush"));
    }
}
