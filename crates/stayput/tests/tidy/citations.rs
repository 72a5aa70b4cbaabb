//! Checks every citation of a reference page, such as "AWS reference §1.4": the section and the item that it names must exist.
//!
//! `docs/reference/README.md` says which forms a citation has. Sources, scripts and documents are all read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;

use crate::files::files;
use crate::files::line_of;
use crate::files::root;
use crate::files::without_comment_marks;

/// Reference pages: the name in citations, and the file in `docs/reference`.
const PAGES: &[(&str, &str)] = &[
    ("AWS", "aws-and-nc2-networking.md"),
    ("Prism", "prism-central.md"),
    ("Move", "move.md"),
    ("Figures", "figures.md"),
];

/// Folders that are read with all their subfolders. Files in the root are read as well.
const FOLDERS: &[&str] = &["crates", "docs", "conformance"];

/// Kinds of files that can hold citations.
const EXTENSIONS: &[&str] = &["rs", "ftl", "toml", "py", "md", "tf"];

/// The sections of one reference page.
#[derive(Debug, Default)]
struct Page {
    /// By number, such as `1.4`.
    sections: BTreeMap<String, Section>,
}

/// One section, up to the next heading that has a number.
#[derive(Debug, Default)]
struct Section {
    /// Numbers of the numbered list in it.
    items: BTreeSet<u32>,
    /// Its text in lower case, with its heading.
    text: String,
}

impl Page {
    /// Reads a page in Markdown. Headings start with the number of their section.
    fn parse(markdown: &str) -> Page {
        let mut page = Page::default();
        let mut current = None;
        for line in markdown.lines() {
            if line.starts_with("##") {
                let title = line.trim_start_matches('#').trim_start();
                let number = leading_number(title);
                if !number.is_empty() {
                    page.sections.entry(number.to_owned()).or_default();
                    current = Some(number.to_owned());
                }
            }
            if let Some(section) = current
                .as_ref()
                .and_then(|number| page.sections.get_mut(number))
            {
                section.text.push_str(&line.to_lowercase());
                section.text.push('\n');
                if let Some((number, _)) = line.split_once(". ") {
                    section.items.extend(number.parse::<u32>());
                }
            }
        }
        page
    }

    /// What is wrong with a citation of this page.
    fn check(&self, citation: &Citation) -> Result<(), String> {
        for number in &citation.sections {
            if !self.sections.contains_key(number) {
                return Err(format!("there is no section {number}"));
            }
        }
        let last = citation.sections.last().unwrap();
        let section = &self.sections[last];
        for item in &citation.items {
            if !section.items.contains(item) {
                return Err(format!("section {last} has no item {item}"));
            }
        }
        if let Some(quote) = &citation.quote
            && !section.text.contains(&quote.to_lowercase())
        {
            return Err(format!("section {last} does not say \"{quote}\""));
        }
        Ok(())
    }
}

/// The number at the start of a text, such as `1.4`, without a dot at its end.
fn leading_number(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// One `§`, read.
#[derive(Debug, PartialEq, Eq)]
struct Citation {
    /// The name of the page, such as `AWS`; `None` when no page is named before it in the file.
    page: Option<String>,
    /// The section, or the first and the last of a range.
    sections: Vec<String>,
    /// The item, or the first and the last of a range.
    items: Vec<u32>,
    /// Words that the section must contain.
    quote: Option<String>,
    /// Where it is in the text, from 0.
    position: usize,
}

/// All citations of a text. A `§` without a page belongs to the page named last before it, or to `own` on a reference page.
fn citations(text: &str, own: Option<&str>) -> Vec<Citation> {
    let text = without_comment_marks(text);
    let mut named = own.map(str::to_owned);
    let mut found = Vec::new();
    for (position, _) in text.match_indices('§') {
        let before = text[..position].trim_end();
        let words: Vec<&str> = before
            .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '"' | '`'))
            .filter(|word| !word.is_empty())
            .take(2)
            .collect();
        let mut page = named.clone();
        match words.as_slice() {
            ["reference", name, ..] => {
                named = Some((*name).to_owned());
                page.clone_from(&named);
            }
            // Another document, such as an RFC.
            [number, "RFC", ..] if number.parse::<u32>().is_ok() => continue,
            // A document that has no page, such as "design §3". "§1 and §2", "§1 to §4" and a `§` after punctuation go on with the last page.
            [word, ..]
                if own.is_none()
                    && !["and", "or", "to"].contains(word)
                    && before.ends_with(char::is_alphabetic) =>
            {
                page = Some((*word).to_owned());
            }
            _ => {}
        }
        let rest = &text[position + '§'.len_utf8()..];
        let first = leading_number(rest);
        if first.is_empty() {
            // The sign alone: a document that explains citations.
            continue;
        }
        let mut sections = vec![first.to_owned()];
        let mut rest = &rest[first.len()..];
        if let Some(range) = rest.strip_prefix(['–', '-']) {
            let last = leading_number(range);
            sections.push(last.to_owned());
            rest = &range[last.len()..];
        }
        let (items, rest) = items(rest);
        found.push(Citation {
            page,
            sections,
            items,
            quote: quote(rest),
            position,
        });
    }
    found
}

/// The numbers of ` item 2`, ` rule 2` or ` items 2–3`, and the text after them.
fn items(text: &str) -> (Vec<u32>, &str) {
    for word in [" items ", " item ", " rule "] {
        let Some(rest) = skip_word(text, word) else {
            continue;
        };
        let first = leading_number(rest);
        let mut items: Vec<u32> = first.parse().into_iter().collect();
        let mut rest = &rest[first.len()..];
        if let Some(range) = rest.strip_prefix(['–', '-']) {
            let last = leading_number(range);
            items.extend(last.parse::<u32>());
            rest = &range[last.len()..];
        }
        return (items, rest);
    }
    (Vec::new(), text)
}

/// The text after a word; a line end, now several spaces, counts as one space.
fn skip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(' ')?.trim_start();
    let rest = rest.strip_prefix(word.trim())?;
    rest.strip_prefix(' ').map(str::trim_start)
}

/// The words in quotation marks right after a citation.
fn quote(text: &str) -> Option<String> {
    let rest = text.strip_prefix(',').unwrap_or(text).trim_start();
    let (words, _) = rest.strip_prefix('"')?.split_once('"')?;
    Some(words.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn pages() -> BTreeMap<&'static str, Page> {
    let folder = root().join("docs/reference");
    PAGES
        .iter()
        .map(|(name, file)| {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            (*name, Page::parse(&text))
        })
        .collect()
}

/// What is wrong with the citations of one text, with the line of each.
fn problems(text: &str, own: Option<&str>, pages: &BTreeMap<&str, Page>) -> Vec<String> {
    citations(text, own)
        .into_iter()
        .filter_map(|citation| {
            let problem = match &citation.page {
                None => Some("no reference page is named before it".to_owned()),
                Some(name) => match pages.get(name.as_str()) {
                    None => Some(format!("there is no page called \"{name} reference\"")),
                    Some(page) => page.check(&citation).err(),
                },
            }?;
            let line = line_of(text, citation.position);
            Some(format!(
                "line {line}: §{}: {problem}",
                citation.sections.join("–")
            ))
        })
        .collect()
}

#[test]
fn every_cited_section_and_item_of_a_reference_page_exists() {
    let pages = pages();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for path in files(FOLDERS, EXTENSIONS) {
        // This file has wrong citations on purpose.
        if path.ends_with("tidy/citations.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let in_reference = path
            .parent()
            .is_some_and(|folder| folder.ends_with("docs/reference"));
        let own = PAGES
            .iter()
            .find(|(_, file)| in_reference && path.ends_with(file))
            .map(|(name, _)| *name);
        seen += citations(&text, own).len();
        let found = problems(&text, own, &pages);
        wrong.extend(
            found
                .into_iter()
                .map(|problem| format!("{}: {problem}", path.display())),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(
        seen > 250,
        "only {seen} citations were found: is the sign still §?"
    );
}

/// A small page for the tests of the checker.
const EXAMPLE: &str = "# AWS reference\n\n## 1. Transit Gateway\n\n### 1.2 Ranking\n1. Longest prefix\n2. Static first\n\
                       \n**Only the winner is visible.**\n\n## 3. VPCs\n1. Local\n";

fn problems_of(text: &str) -> Vec<String> {
    problems(text, None, &BTreeMap::from([("AWS", Page::parse(EXAMPLE))]))
}

#[test]
fn a_citation_of_an_existing_section_has_no_problem() {
    for text in [
        "(AWS reference §1)",
        "/// See AWS\n/// reference §1.2 rule 2, §3 item 1.",
        "AWS reference §1.2, \"only the winner is visible\"",
        "AWS reference §1–3",
        "AWS reference §1.2 items 1–2",
        "//! AWS reference §1: routes.\n\n// §1.2: ranking.",
        "RFC 4122 §9",
    ] {
        assert_eq!(problems_of(text), [""; 0], "{text}");
    }
}

#[test]
fn a_citation_of_a_missing_section_item_or_page_is_reported() {
    for (text, problem) in [
        (
            "(AWS reference §1.3)",
            "line 1: §1.3: there is no section 1.3",
        ),
        (
            "\nAWS reference §1.2, §4",
            "line 2: §4: there is no section 4",
        ),
        ("AWS reference §1–9", "line 1: §1–9: there is no section 9"),
        (
            "AWS reference §3 item 2",
            "line 1: §3: section 3 has no item 2",
        ),
        (
            "AWS reference §1.2 items 2–3",
            "line 1: §1.2: section 1.2 has no item 3",
        ),
        (
            "AWS reference §1.2 rule 3",
            "line 1: §1.2: section 1.2 has no item 3",
        ),
        (
            "/// AWS reference §1.2\n/// rule 3",
            "line 1: §1.2: section 1.2 has no item 3",
        ),
        (
            "AWS reference §1.2, \"the loser\"",
            "line 1: §1.2: section 1.2 does not say \"the loser\"",
        ),
        (
            "Cloud reference §1",
            "line 1: §1: there is no page called \"Cloud reference\"",
        ),
        (
            "AWS reference §1, design §3",
            "line 1: §3: there is no page called \"design reference\"",
        ),
        (
            "// §1.2: ranking",
            "line 1: §1.2: no reference page is named before it",
        ),
    ] {
        assert_eq!(problems_of(text), [problem], "{text}");
    }
}
