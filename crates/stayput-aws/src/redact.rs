//! Secrets stay out of texts: whatever an endpoint sends back, what it was sent as proof of who we are is not repeated.
//!
//! By value: the credentials in use, and the signature headers of the call. AWS itself quotes them, for it answers a wrong signature with
//! the request as it saw it. Also pieces of a value count, because an endpoint may cut or break what it quotes.
//! By shape, as a second net: what is as long and as dense as a token names nothing a person needs. It catches the credentials of a role's
//! source profile, which only the SDK's own chain sees.

use std::collections::BTreeSet;
use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::future;

use crate::error::BoxError;
use crate::error::chain;

/// What stands where a secret was.
const MARK: &str = "[redacted]";
/// Bytes in a row that a text must share with a secret to count as a piece of it.
const PIECE: usize = 12;
/// Secrets shorter than this are none: the `test` of a lab would black out half of every message.
const SHORTEST: usize = 8;
/// A run of this many characters of base64 or hexadecimal is a token or a signature, if so many of them are digits: names of elements that
/// stand for a place in an answer have none.
const TOKEN: usize = 64;
const TOKEN_DIGITS: usize = 3;
/// Values remembered: credentials of roles are replaced every hour, and a late answer may quote the last ones.
const REMEMBERED: usize = 16;
/// How much of a text of the endpoint's is repeated, in characters.
const LONGEST: usize = 2000;
/// How much of a text is looked at, in bytes. An error message may be as long as a body.
const LOOKED_AT: usize = 64 * 1024;

/// The secrets that this client has been given, newest last.
#[derive(Default)]
pub(crate) struct Secrets {
    values: Mutex<VecDeque<String>>,
}

impl Secrets {
    fn remember(&self, credentials: &Credentials) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let given = [
            Some(credentials.secret_access_key()),
            credentials.session_token(),
        ];
        for value in given.into_iter().flatten() {
            if !values.iter().any(|known| known == value) {
                values.push_back(value.to_owned());
            }
        }
        while values.len() > REMEMBERED {
            values.pop_front();
        }
    }

    /// What takes these secrets, and those of one call, out of texts.
    pub(crate) fn redactor(&self, of_call: &[String]) -> Redactor {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        Redactor::new(values.iter().chain(of_call))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

/// A credentials provider that keeps what it hands out in mind.
#[derive(Debug)]
struct Remembering {
    provider: SharedCredentialsProvider,
    secrets: Arc<Secrets>,
}

impl ProvideCredentials for Remembering {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let credentials = self.provider.provide_credentials().await?;
            self.secrets.remember(&credentials);
            Ok(credentials)
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        let provider: &dyn ProvideCredentials = &self.provider;
        let credentials = provider.fallback_on_interrupt()?;
        self.secrets.remember(&credentials);
        Some(credentials)
    }
}

/// Wraps a provider so that whatever it gives can be redacted.
pub(crate) fn remembering(
    provider: SharedCredentialsProvider,
    secrets: Arc<Secrets>,
) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Remembering { provider, secrets })
}

/// Takes secrets out of texts.
pub(crate) struct Redactor {
    /// Whole values, for those too short to be cut into pieces.
    whole: BTreeSet<String>,
    /// Every piece of every value, in each spelling an answer may have.
    pieces: BTreeSet<[u8; PIECE]>,
}

impl Redactor {
    fn new<'a>(values: impl Iterator<Item = &'a String>) -> Self {
        let mut redactor = Self {
            whole: BTreeSet::new(),
            pieces: BTreeSet::new(),
        };
        for value in values.filter(|value| value.len() >= SHORTEST) {
            for spelt in spellings(value) {
                redactor
                    .pieces
                    .extend(spelt.as_bytes().windows(PIECE).filter_map(|piece| {
                        let piece: Option<[u8; PIECE]> = piece.try_into().ok();
                        piece
                    }));
                redactor.whole.insert(spelt);
            }
        }
        redactor
    }

    /// The text without secrets, and no longer than a person reads.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut end = text.len().min(LOOKED_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text.get(..end).unwrap_or(text);
        let bytes = text.as_bytes();
        let mut secret = vec![false; bytes.len()];
        let mut mark = |start: usize, length: usize| {
            if let Some(run) = secret.get_mut(start..start + length) {
                run.fill(true);
            }
        };
        for (start, window) in bytes.windows(PIECE).enumerate() {
            if self.pieces.contains(window) {
                mark(start, PIECE);
            }
        }
        for whole in self.whole.iter().filter(|whole| whole.len() < PIECE) {
            for (start, _) in text.match_indices(whole.as_str()) {
                mark(start, whole.len());
            }
        }
        let mut start = 0;
        for run in bytes.split(|byte| !is_dense(*byte)) {
            let digits = run.iter().filter(|byte| byte.is_ascii_digit());
            if run.len() >= TOKEN && digits.count() >= TOKEN_DIGITS {
                mark(start, run.len());
            }
            start += run.len() + 1;
        }
        shown(text, &secret)
    }

    /// An error chain as text without secrets.
    pub(crate) fn clean_chain(&self, error: &(dyn StdError + 'static)) -> BoxError {
        let mut texts: Vec<String> = chain(error)
            .map(|cause| self.clean(&cause.to_string()))
            .collect();
        let mut source: Option<Box<Told>> = None;
        while let Some(text) = texts.pop() {
            source = Some(Box::new(Told { text, source }));
        }
        match source {
            Some(told) => told,
            None => Box::new(Told {
                text: String::new(),
                source: None,
            }),
        }
    }
}

/// The text with a mark for each run of secret bytes, cut to [`LONGEST`].
fn shown(text: &str, secret: &[bool]) -> String {
    let mut shown = String::new();
    let mut count = 0;
    let mut inside = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let hidden = secret.get(at..end).is_some_and(|run| run.contains(&true));
        match (hidden, inside) {
            (true, true) => {}
            (true, false) => shown.push_str(MARK),
            (false, _) => shown.push(character),
        }
        inside = hidden;
        count += 1;
        if count >= LONGEST {
            shown.push('…');
            break;
        }
    }
    shown
}

/// What base64 and hexadecimal are made of, percent-encoded included.
fn is_dense(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'%')
}

/// A value as it is, in a form, in XML and in JSON.
fn spellings(value: &str) -> BTreeSet<String> {
    let form: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let replaced = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .fold(value.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    [
        value.to_owned(),
        form.to_ascii_lowercase(),
        form,
        replaced(&[("/", "%2F")]),
        replaced(&[("+", "%2B"), ("=", "%3D")]),
        replaced(&[("/", "\\/")]),
        replaced(&[("/", "\\u002f"), ("+", "\\u002b"), ("=", "\\u003d")]),
        replaced(&[("+", "\\u002B"), ("=", "\\u003D")]),
        replaced(&[("/", "&#x2F;"), ("=", "&#x3D;")]),
        replaced(&[("/", "&#47;"), ("+", "&#43;"), ("=", "&#61;")]),
    ]
    .into()
}

/// An error reduced to what it says.
#[derive(Debug)]
struct Told {
    text: String,
    source: Option<Box<Told>>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Told {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn redactor(values: &[&str]) -> Redactor {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        Redactor::new(values.iter())
    }

    #[test]
    fn a_secret_is_taken_out_in_every_spelling_and_when_cut() {
        let redactor = redactor(&[KEY]);
        for quoted in [
            KEY.to_owned(),
            KEY.replace('/', "%2F"),
            KEY.replace('/', "\\/"),
            KEY.replace('/', "&#x2F;"),
            KEY.replace('/', "&#47;"),
            KEY[..20].to_owned(),
            format!("{}\n{}", &KEY[..19], &KEY[19..]),
        ] {
            let clean = redactor.clean(&format!("the key is <{quoted}>, sorry"));
            for piece in ["wJalrXUt", "K7MDENG", "bPxRfi", "EXAMPLE"] {
                assert!(!clean.contains(piece), "{quoted}: {clean}");
            }
            assert!(
                clean.starts_with("the key is <") && clean.ends_with(">, sorry"),
                "{clean}"
            );
        }
    }

    #[test]
    fn a_short_secret_is_taken_out_whole_and_a_shorter_one_is_none() {
        let redactor = redactor(&["very-secret", "test"]);
        assert_eq!(redactor.clean("a very-secret test"), "a [redacted] test");
        assert_eq!(redactor.clean("very-secre"), "very-secre");
    }

    #[test]
    fn what_looks_like_a_token_is_taken_out_too() {
        let token = "IQoJb3JpZ2luX2VjE".repeat(8);
        let redactor = redactor(&[]);
        assert_eq!(
            redactor.clean(&format!("token {token} of")),
            "token [redacted] of"
        );
        let place =
            "DescribeTransitGatewayVpcAttachmentsResponse/transitGatewayVpcAttachments/item";
        assert_eq!(redactor.clean(place), place);
        let plain = "ec2 DescribeVpcs in ap-northeast-1 (https://ec2.ap-northeast-1.amazonaws.com/a/b): 東京";
        assert_eq!(redactor.clean(plain), plain);
    }

    #[test]
    fn a_text_without_an_end_is_cut_after_it_is_cleaned() {
        let redactor = redactor(&[KEY]);
        let long = format!("{} {KEY}", "ab ".repeat(665));
        let clean = redactor.clean(&long);
        assert!(clean.chars().count() <= LONGEST + MARK.len() + 1);
        assert!(!clean.contains("wJalr"), "{clean}");
    }

    #[test]
    fn a_chain_of_errors_keeps_its_texts_and_loses_its_secrets() {
        let inner = std::io::Error::other(format!("header {KEY}"));
        let outer = std::io::Error::other(inner);
        let told = redactor(&[KEY]).clean_chain(&outer);
        let texts: Vec<String> = chain(told.as_ref()).map(ToString::to_string).collect();
        assert!(texts.len() >= 2, "{texts:?}");
        assert!(
            texts.iter().all(|text| text == "header [redacted]"),
            "{texts:?}"
        );
        assert!(!format!("{told:?}").contains("wJalr"));
    }
}
