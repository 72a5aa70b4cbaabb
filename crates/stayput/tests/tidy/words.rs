//! Checks that comments, messages, names and documents are in plain technical English.
//!
//! Engineers in many countries read these texts, sometimes in the middle of an outage. Write as the documents of kubectl, Terraform and AWS do:
//! name the actor, use short sentences and standard terms. This test finds some words that are literary, archaic or vague; it cannot find all.

use std::fs;

use crate::files::files;
use crate::files::line_of;
use crate::files::without_comment_marks;

/// Folders that are checked, with all their subfolders, and the files of the root. Add a folder when its texts have been reworded.
const FOLDERS: &[&str] = &[
    "conformance",
    "crates/stayput",
    "crates/stayput-aws",
    "crates/stayput-dataplane",
    "crates/stayput-engine",
    "crates/stayput-estate",
    "crates/stayput-fabric",
    "crates/stayput-fuzz",
    "crates/stayput-guest",
    "crates/stayput-lab",
    "crates/stayput-ledger",
    "crates/stayput-messages",
    "crates/stayput-nutanix",
    "crates/stayput-plan",
    "crates/stayput-rehearsal",
    "crates/stayput-simulator",
    "crates/stayput-world",
    "docs",
    "fuzz",
];

/// Kinds of files that are checked.
const EXTENSIONS: &[&str] = &["ftl", "md", "py", "rs", "snap", "toml"];

/// Words and phrases that are not used, each with what to write instead. They match whole words, without regard to case, also in
/// identifiers such as `a_mended_route`.
const BANNED: &[(&str, &str)] = &[
    ("a stranger", "name who it is"),
    ("anew", "again, new"),
    ("anybody", "name who it is"),
    ("astray", "to the wrong site"),
    ("belief", "assumption"),
    ("beliefs", "assumptions"),
    ("bystander", "other network, other machine"),
    ("bystanders", "other networks, other machines"),
    ("everybody", "name who it is"),
    ("comes to be", "is created"),
    ("for ever", "always, permanently"),
    ("goes in circles", "loops"),
    ("go in circles", "loop"),
    ("in life", "in the real service"),
    ("in vain", "without success"),
    ("in words", "as text"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mending", "fixing"),
    ("mends", "fixes"),
    ("no one", "no client, no operator"),
    ("nobody", "no client, no operator, no machine"),
    ("otherwise than", "different from"),
    ("soil", "mark as changed"),
    ("soiled", "marked as changed"),
    ("somebody", "a client, an operator"),
    ("someone", "a client, an operator"),
    ("whoever", "name who it is"),
    ("whom", "name who it is"),
    ("whosoever", "name who it is"),
];

/// Names that contain a banned word and cannot change here: files of other folders, and names in other systems.
const EXCEPTIONS: &[&str] = &[];

/// The most words of the name of a test.
const MOST_WORDS_OF_A_TEST: usize = 14;

/// Finds banned words in a text: line, word, and what to write instead.
fn problems(text: &str) -> Vec<String> {
    let mut plain = without_comment_marks(text).to_lowercase().replace('_', " ");
    // A letter may change its length in lower case; then positions are not those of the text.
    if plain.len() != text.len() {
        plain = without_comment_marks(text)
            .to_ascii_lowercase()
            .replace('_', " ");
    }
    for exception in EXCEPTIONS {
        plain = plain.replace(exception, &" ".repeat(exception.len()));
    }
    let is_word = |c: char| c.is_alphanumeric();
    let mut found = Vec::new();
    for (banned, instead) in BANNED {
        // A phrase may be broken over lines, so each of its words is looked for in turn.
        let words: Vec<&str> = banned.split(' ').collect();
        for (start, _) in plain.match_indices(words[0]) {
            if plain[..start].ends_with(is_word) {
                continue;
            }
            let mut rest = &plain[start + words[0].len()..];
            let mut matches = true;
            for word in &words[1..] {
                let trimmed = rest.trim_start();
                matches &= trimmed.len() < rest.len() && trimmed.starts_with(word);
                rest = trimmed.strip_prefix(word).unwrap_or(trimmed);
            }
            if matches && !rest.starts_with(is_word) {
                let line = line_of(text, start);
                found.push((line, format!("line {line}: \"{banned}\": write {instead}")));
            }
        }
    }
    found.sort();
    found.into_iter().map(|(_, problem)| problem).collect()
}

/// The names of the tests in a Rust source.
fn tests(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let signature = line.strip_prefix("async ").unwrap_or(line);
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = signature.strip_prefix("fn ") {
            if is_test {
                found.extend(rest.split('(').next());
            }
            is_test = false;
        }
    }
    found
}

/// A document with its fenced blocks replaced by spaces: they show output, whose words are checked in the source that prints it.
fn without_fenced_blocks(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.split_inclusive('\n') {
        let is_fence = line.trim_start().starts_with("```");
        if fenced || is_fence {
            prose.push_str(&" ".repeat(line.trim_end_matches('\n').len()));
            prose.push_str(if line.ends_with('\n') { "\n" } else { "" });
        } else {
            prose.push_str(line);
        }
        fenced ^= is_fence;
    }
    prose
}

#[test]
fn texts_have_no_banned_words() {
    let mut all = Vec::new();
    for path in files(FOLDERS, EXTENSIONS) {
        // This file has the banned words on purpose.
        if path.ends_with("tidy/words.rs") {
            continue;
        }
        let mut text = fs::read_to_string(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "md") {
            text = without_fenced_blocks(&text);
        }
        all.extend(
            problems(&text)
                .into_iter()
                .map(|problem| format!("{}: {problem}", path.display())),
        );
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn names_of_tests_are_short() {
    let mut long = Vec::new();
    for path in files(FOLDERS, &["rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        for name in tests(&text) {
            let words = name.split('_').count();
            if words > MOST_WORDS_OF_A_TEST {
                long.push(format!("{}: {words} words: {name}", path.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn banned_words_are_found_in_comments_strings_names_and_across_lines() {
    for (text, line) in [
        ("/// Mended by the next run.", 1),
        ("let text = \"Nobody answers\";", 1),
        ("\nfn is_mended() {}", 2),
        ("/// It stays for\n/// ever.", 1),
        ("| it was | whom |", 1),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("line {line}: ")), "{found:?}");
    }
}

#[test]
fn a_word_that_contains_a_banned_word_is_allowed() {
    for text in ["amended", "recommend", "for everything"] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn output_in_fenced_blocks_of_a_document_is_not_checked() {
    let document = "Whom?\n```text\nnobody\n```\nNobody.\n";
    let found = problems(&without_fenced_blocks(document));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[1].starts_with("line 5: "), "{found:?}");
}

#[test]
fn the_names_of_tests_are_found_in_a_source() {
    let source = "#[test]\nfn one() {}\n\nfn helper() {}\n\n#[tokio::test]\n#[cfg(unix)]\nasync fn two() {}\n";
    assert_eq!(tests(source), ["one", "two"]);
}
