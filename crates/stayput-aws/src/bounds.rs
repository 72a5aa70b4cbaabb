//! Limits on what an endpoint may make us read. An answer beyond one is an error at once, and is not asked for again.

use stayput_messages::Message;

use crate::xml::Malformed;

/// The largest body, in bytes. A page of a thousand instances with all their tags stays under ten million.
pub(crate) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of all pages of one list: some hundred thousand objects.
pub(crate) const LIST_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Pages of one list: a million entries, at the usual thousand to a page.
pub(crate) const PAGES_MAX: usize = 1000;
/// Elements in elements. The deepest answer of EC2 that is read here has twelve.
const DEPTH_MAX: usize = 64;
/// Attributes of one element: EC2 has one, the namespace of the outermost.
const ATTRIBUTES_MAX: usize = 16;
/// Tags of one document. Beyond it a tree would take hundreds of megabytes.
const TAGS_MAX: usize = 2_000_000;

/// Checks a document's depth, its number of tags and their attributes, before a tree is made of it: the parser takes quadratic time for
/// attributes, and has no limit for depth.
///
/// Whether the document is well-formed is the parser's business.
pub(crate) fn check_document(text: &str) -> Result<(), Malformed> {
    let mut rest = text.as_bytes();
    let mut depth = 0_usize;
    let mut tags = 0_usize;
    while let Some(start) = rest.iter().position(|byte| *byte == b'<') {
        rest = rest.get(start..).unwrap_or_default();
        if let Some(after) = skipped(rest) {
            rest = after;
            continue;
        }
        let (tag, after) = one_tag(rest);
        rest = after;
        tags += 1;
        if tags > TAGS_MAX {
            return Err(too_large(
                &Message::new("answer-too-many-tags").with("limit", TAGS_MAX),
            ));
        }
        if tag.attributes > ATTRIBUTES_MAX {
            let problem = Message::new("answer-too-many-attributes").with("limit", ATTRIBUTES_MAX);
            return Err(too_large(&problem));
        }
        match tag.kind {
            TagKind::Opens => depth += 1,
            TagKind::Closes => depth = depth.saturating_sub(1),
            TagKind::Empty => {}
        }
        if depth > DEPTH_MAX {
            return Err(too_large(
                &Message::new("answer-too-deep").with("limit", DEPTH_MAX),
            ));
        }
    }
    Ok(())
}

/// What follows a comment, a CDATA section or a processing instruction that the text begins with.
fn skipped(text: &[u8]) -> Option<&[u8]> {
    let spans: [(&[u8], &[u8]); 3] = [(b"<!--", b"-->"), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")];
    let (begin, end) = spans
        .into_iter()
        .find(|(begin, _)| text.starts_with(begin))?;
    let inside = text.get(begin.len()..).unwrap_or_default();
    let length = inside
        .windows(end.len())
        .position(|window| window == end)
        .map_or(inside.len(), |at| at + end.len());
    Some(inside.get(length..).unwrap_or_default())
}

enum TagKind {
    Opens,
    Closes,
    Empty,
}

struct Tag {
    kind: TagKind,
    attributes: usize,
}

/// The tag that the text begins with, and what follows it. A `>` in quotes does not end a tag.
fn one_tag(text: &[u8]) -> (Tag, &[u8]) {
    let mut quote = None;
    let mut attributes = 0;
    let mut end = text.len();
    let mut last = 0;
    for (at, byte) in text.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'=') => attributes += 1,
            (None, b'>') => {
                end = at + 1;
                break;
            }
            (None, _) => {}
        }
        last = *byte;
    }
    let kind = if text.get(1) == Some(&b'/') {
        TagKind::Closes
    } else if last == b'/' {
        TagKind::Empty
    } else {
        TagKind::Opens
    };
    let after = text.get(end..).unwrap_or_default();
    (Tag { kind, attributes }, after)
}

fn too_large(problem: &Message) -> Malformed {
    Malformed::too_large(Message::new("answer-place"), problem)
}

/// The pages of one list: how many there were, and that no token comes twice.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    tokens: std::collections::BTreeSet<String>,
    bytes: usize,
}

impl Pages {
    /// The token of the next page, `None` at the end.
    ///
    /// # Errors
    /// The list has too many pages or bytes, or repeats a token.
    pub(crate) fn next(
        &mut self,
        token: Option<String>,
        bytes: usize,
    ) -> Result<Option<String>, Malformed> {
        let refused = |problem: &Message| Err(Malformed::too_large("NextToken", problem));
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > LIST_BYTES_MAX {
            return refused(&Message::new("answer-list-too-large").with("limit", LIST_BYTES_MAX));
        }
        if !self.tokens.insert(token.clone()) {
            return refused(&Message::new("answer-list-repeats"));
        }
        if self.tokens.len() >= PAGES_MAX {
            return refused(&Message::new("answer-list-too-long").with("limit", PAGES_MAX));
        }
        Ok(Some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_document_is_within_every_limit() {
        let text = "<?xml version=\"1.0\"?><!-- <<< --><R xmlns=\"a>b\" x='\"=\"'><a/><b>1 = 2</b><![CDATA[<<<]]></R>";
        check_document(text).unwrap();
    }

    #[test]
    fn depth_attributes_and_tags_beyond_the_limits_are_named() {
        let deep = "<a>".repeat(DEPTH_MAX + 1);
        let wide = format!("<a {}>", "b=\"c\" ".repeat(300_000));
        let many = "<a/>".repeat(TAGS_MAX + 1);
        for (text, said) in [(deep, "deep"), (wide, "attributes"), (many, "tags")] {
            let error = check_document(&text).unwrap_err();
            assert!(error.problem.contains(said), "{error}");
            assert!(error.is_too_large());
        }
    }

    #[test]
    fn siblings_are_no_depth() {
        check_document(&"<a></a><b/>".repeat(1000)).unwrap();
    }

    #[test]
    fn what_breaks_off_anywhere_ends_the_look() {
        for text in [
            "<",
            "<!--",
            "<![CDATA[<a",
            "<?x",
            "<a b='",
            "</",
            "<a b=\"c",
        ] {
            check_document(text).unwrap();
        }
    }

    #[test]
    fn a_token_that_comes_again_and_one_page_too_many_end_a_list() {
        let mut pages = Pages::default();
        assert_eq!(pages.next(None, 1), Ok(None));
        assert_eq!(pages.next(Some(String::new()), 1), Ok(None));
        assert_eq!(pages.next(Some("a".into()), 1), Ok(Some("a".into())));
        let again = pages.next(Some("a".into()), 1).unwrap_err();
        assert!(again.problem.contains("repeats"), "{again}");

        let mut pages = Pages::default();
        let last = (0..PAGES_MAX)
            .map(|number| pages.next(Some(number.to_string()), 1))
            .find_map(Result::err);
        assert!(last.unwrap().problem.contains("pages"));

        let mut pages = Pages::default();
        let large = pages
            .next(Some("a".into()), LIST_BYTES_MAX + 1)
            .unwrap_err();
        assert!(large.problem.contains("bytes"), "{large}");
    }
}
