//! Compares the catalogue with the code that uses it: each message that is built has an id of the catalogue and exactly the arguments that its
//! text needs, and each id is used.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use stayput_messages::Catalogue;

const OPENING: &str = "Message::new(";
const ARGUMENTS: [&str; 3] = [".with(", ".count(", ".part("];

/// A message as it is built in the code.
struct Built {
    at: String,
    id: String,
    arguments: BTreeSet<String>,
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    found
}

/// The text of a literal at the beginning of code, and the code behind it.
fn literal(code: &str) -> Option<(&str, &str)> {
    code.trim_start().strip_prefix('"')?.split_once('"')
}

/// The code behind the parenthesis that closes what is open here. Strings and comments of an argument must not hold parentheses that do not match.
fn behind_closing(code: &str) -> &str {
    let mut open = 1;
    for (at, sign) in code.char_indices() {
        match sign {
            '(' => open += 1,
            ')' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return &code[at + 1..];
        }
    }
    panic!("a parenthesis is not closed: {code}");
}

/// Whether a file builds messages of the catalogue. Except for lists, those of the catalogue's own crate are examples.
fn builds_messages(path: &Path, text: &str) -> bool {
    path.ends_with("stayput-messages/src/list.rs") || text.contains("stayput_messages::Message;")
}

fn built() -> Vec<Built> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = crates.canonicalize().expect("a folder");
    let mut all = Vec::new();
    for user in fs::read_dir(crates).expect("a folder") {
        for path in files(&user.expect("a folder").path().join("src"), "rs") {
            let text = fs::read_to_string(&path).expect("a text");
            if !builds_messages(&path, &text) {
                continue;
            }
            let at = path.display().to_string();
            all.extend(
                text.match_indices(OPENING)
                    .map(|(start, _)| message(&at, &text[start + OPENING.len()..])),
            );
        }
    }
    all
}

/// The message whose construction goes on with this code.
fn message(at: &str, code: &str) -> Built {
    let literal_of = |code| {
        let (text, _) = literal(code)
            .unwrap_or_else(|| panic!("{at}: ids and names of arguments are literals: {code:.60}"));
        text.to_owned()
    };
    let id = literal_of(code);
    let mut arguments = BTreeSet::new();
    let mut rest = behind_closing(code).trim_start();
    while let Some(inside) = ARGUMENTS.iter().find_map(|call| rest.strip_prefix(call)) {
        arguments.insert(literal_of(inside));
        rest = behind_closing(inside).trim_start();
    }
    Built {
        at: at.to_owned(),
        id,
        arguments,
    }
}

/// A message as it stands in the catalogue.
#[derive(Default)]
struct Text {
    variables: BTreeSet<String>,
    /// Other messages that it quotes; they get the same variables.
    quotes: BTreeSet<String>,
}

/// The name at the beginning of a text.
fn name(text: &str) -> String {
    let is_of_name = |sign: &char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-');
    text.chars().take_while(is_of_name).collect()
}

/// A line without what stands in it as it is, such as `{"{"}`.
fn without_literals(line: &str) -> String {
    let mut parts = line.split("{\"");
    let first = parts.next().unwrap_or_default();
    let behind = |part| str::split_once(part, "\"}").map_or("", |(_, behind)| behind);
    std::iter::once(first).chain(parts.map(behind)).collect()
}

/// Every message of the catalogue.
fn texts() -> BTreeMap<String, Text> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages/en");
    let mut texts: BTreeMap<String, Text> = BTreeMap::new();
    for path in files(&dir, "ftl") {
        let file = fs::read_to_string(path).expect("a text");
        let mut id = String::new();
        for line in file.lines().filter(|line| !line.starts_with('#')) {
            if let (false, Some((name, _))) = (line.starts_with(' '), line.split_once(" =")) {
                id = name.to_owned();
            }
            let text = texts.entry(id.clone()).or_default();
            let variables = line.split('$').skip(1).map(name);
            text.variables
                .extend(variables.filter(|name| !name.is_empty()));
            let placed = without_literals(line);
            let placed = placed.split('{').skip(1).map(str::trim_start);
            let quotes =
                placed.filter(|inside| inside.starts_with(|c: char| c.is_ascii_lowercase()));
            text.quotes.extend(quotes.map(name));
        }
    }
    texts.remove("");
    texts
}

/// The variables that each message of the catalogue needs, with those of the messages that it quotes.
fn needed() -> BTreeMap<String, BTreeSet<String>> {
    let texts = texts();
    let of = |id: &String| {
        let (mut variables, mut open, mut seen) = (BTreeSet::new(), vec![id], BTreeSet::new());
        while let Some(id) = open.pop() {
            let text = texts.get(id).unwrap_or_else(|| panic!("no message {id}"));
            variables.extend(text.variables.iter().cloned());
            open.extend(text.quotes.iter().filter(|quoted| seen.insert(*quoted)));
        }
        (id.clone(), variables)
    };
    texts.keys().map(of).collect()
}

#[test]
fn the_english_catalogue_has_no_faults_and_reads_every_message() {
    let catalogue = Catalogue::english();
    assert_eq!(catalogue.faults(), [""; 0]);
    let ids: BTreeSet<_> = needed().into_keys().collect();
    assert_eq!(*catalogue.ids(), ids);
}

#[test]
fn every_file_of_the_catalogue_is_part_of_the_program() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages/en");
    let source = include_str!("../src/catalogue.rs");
    for path in files(&dir, "ftl") {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(source.contains(&format!("english!(\"{name}\")")), "{name}");
    }
}

#[test]
fn every_message_that_is_built_has_a_text_and_exactly_its_arguments() {
    let needed = needed();
    let is_wrong = |built: &Built| needed.get(&built.id) != Some(&built.arguments);
    let wrong: Vec<_> = built().into_iter().filter(is_wrong).collect();
    let wrong = wrong.iter().map(|Built { at, id, arguments }| {
        let expected = needed.get(id);
        format!("{at}: {id} with {arguments:?} instead of {expected:?}")
    });
    assert_eq!(wrong.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_message_of_the_catalogue_is_used_in_the_code() {
    let mut used: BTreeSet<_> = built().into_iter().map(|built| built.id).collect();
    let texts = texts();
    used.extend(texts.values().flat_map(|text| text.quotes.iter().cloned()));
    let all: BTreeSet<_> = texts.into_keys().collect();
    assert_eq!(all.difference(&used).collect::<Vec<_>>(), [""; 0]);
}
