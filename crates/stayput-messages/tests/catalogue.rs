//! Compares the catalogue with the code that uses it: each message that is built has an id of the catalogue and exactly the arguments that its
//! text needs, and each id is used.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use stayput_messages::Catalogue;

/// Where messages are built.
const USERS: &[&str] = &["stayput-plan", "stayput"];

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

fn built() -> Vec<Built> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    for user in USERS {
        for path in files(&crates.join(user).join("src"), "rs") {
            let text = fs::read_to_string(&path).expect("a text");
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

/// The variables that each message of the catalogue needs.
fn needed() -> BTreeMap<String, BTreeSet<String>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages/en");
    let mut needed: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(&dir, "ftl") {
        let text = fs::read_to_string(path).expect("a text");
        let mut id = String::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            if let (false, Some((name, _))) = (line.starts_with(' '), line.split_once(" = ")) {
                id = name.to_owned();
            }
            for variable in line.split('$').skip(1) {
                let end = variable.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
                let name = &variable[..end.unwrap_or(variable.len())];
                needed
                    .entry(id.clone())
                    .or_default()
                    .insert(name.to_owned());
            }
            needed.entry(id.clone()).or_default();
        }
    }
    needed.remove("");
    needed
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
        assert!(source.contains(&format!("messages/en/{name}")), "{name}");
    }
}

#[test]
fn every_message_that_is_built_has_a_text_and_exactly_its_arguments() {
    let needed = needed();
    for Built { at, id, arguments } in built() {
        let expected = needed.get(&id);
        assert_eq!(Some(&arguments), expected, "{at}: {id}");
    }
}

#[test]
fn every_message_of_the_catalogue_is_used_in_the_code() {
    let used: BTreeSet<_> = built().into_iter().map(|built| built.id).collect();
    let all: BTreeSet<_> = needed().into_keys().collect();
    assert_eq!(all.difference(&used).collect::<Vec<_>>(), [""; 0]);
}
