//! The documents are correct: every command in them is accepted by the program, every link has a target, every crate is on the map, and
//! every key of the estate file is explained.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value;
use stayput_estate::Rule;
use stayput_plan::Severity;

/// Commands that stop at once when there is no estate file, so that they can be run whole, without `--help`.
const NEED_AN_ESTATE: &[&str] = &[
    "capture", "plan", "apply", "status", "trace", "adopt", "retire", "expect", "journal", "world",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The documents of the repository, by path relative to its root.
fn documents() -> Vec<(PathBuf, String)> {
    let markdown = |dir: &str| -> Vec<PathBuf> {
        let entries = fs::read_dir(root().join(dir)).unwrap();
        let names = entries.map(|entry| Path::new(dir).join(entry.unwrap().file_name()));
        names
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .collect()
    };
    let mut paths = markdown("");
    paths.extend(markdown("docs"));
    paths.extend(markdown("docs/reference"));
    paths.sort();
    assert!(paths.contains(&PathBuf::from("README.md")));
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

/// Lines with whether they are in a fenced block, and of which language.
fn lines(text: &str) -> Vec<(Option<&str>, &str)> {
    let mut fence = None;
    let mut lines = Vec::new();
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), fence) {
            (Some(language), None) => fence = Some(language.trim()),
            (Some(_), Some(_)) => fence = None,
            (None, _) => lines.push((fence, line)),
        }
    }
    lines
}

/// Words as a shell would see them: single and double quotes, no expansion.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The arguments of every `stayput …` that a console block shows, up to what belongs to the shell. A line that ends with a backslash goes on.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", "");
    let shown = lines(&text)
        .into_iter()
        .filter(|(fence, _)| *fence == Some("console"));
    let typed = shown.filter_map(|(_, line)| line.strip_prefix("$ "));
    let mut commands = Vec::new();
    for line in typed {
        let line = match line.split_once("$(stayput ") {
            Some((_, rest)) => rest.split_once(')').unwrap().0,
            None => match line.strip_prefix("stayput ") {
                Some(rest) => rest,
                None => continue,
            },
        };
        let words = words(line);
        let own = words
            .into_iter()
            .take_while(|word| !["|", ">", "2>", "&", "&&", ";", "#"].contains(&word.as_str()));
        commands.push(own.collect());
    }
    commands
}

fn stayput(arguments: &[String], more: &[&str]) -> Output {
    let nowhere = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_stayput"))
        .args(arguments)
        .args(more)
        .current_dir(nowhere.path())
        .env_remove("STAYPUT_FILE")
        .output()
        .unwrap()
}

#[test]
fn the_program_accepts_every_command_in_the_documents() {
    let mut seen = 0;
    for (path, text) in documents() {
        for arguments in commands(&text) {
            let shown = format!("{}: stayput {}", path.display(), arguments.join(" "));
            let help = stayput(&arguments, &["--help"]);
            let said = String::from_utf8_lossy(&help.stderr).into_owned();
            assert!(help.status.success(), "{shown}\n{said}");
            // Help hides what is missing; these can be run, as there is no estate here for them to touch.
            if NEED_AN_ESTATE.contains(&arguments[0].as_str()) {
                let run = stayput(&arguments, &[]);
                let said = String::from_utf8_lossy(&run.stderr).into_owned();
                assert!(
                    run.status.code() == Some(2) && said.contains("cannot be read"),
                    "{shown}\n{said}"
                );
            }
            seen += 1;
        }
    }
    assert!(
        seen > 20,
        "only {seen} commands were found: are the blocks still called `console`?"
    );
}

/// The anchor a heading gets: lower case, blanks to dashes, nothing but letters, digits and dashes.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let prose = lines(text).into_iter().filter(|(fence, _)| fence.is_none());
    prose
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(_, line)| anchor(line.trim_start_matches('#')))
        .collect()
}

/// Targets of `](…)`, `src="…"` and `srcset="…"` outside of code.
fn links(text: &str) -> Vec<String> {
    let prose = lines(text).into_iter().filter(|(fence, _)| fence.is_none());
    let mut links = Vec::new();
    for (_, line) in prose {
        for (open, close) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')] {
            let mut rest = line;
            while let Some((_, after)) = rest.split_once(open) {
                let (target, after) = after.split_once(close).unwrap();
                links.push(target.to_owned());
                rest = after;
            }
        }
    }
    links
}

#[test]
fn every_relative_link_has_an_existing_file_and_heading() {
    for (path, text) in documents() {
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = link
                .split_once('#')
                .map_or((link.as_str(), None), |(file, anchor)| (file, Some(anchor)));
            let target = match file {
                "" => root().join(&path),
                file => root().join(path.parent().unwrap()).join(file),
            };
            assert!(target.exists(), "{}: {link} has no target", path.display());
            if let Some(fragment) = fragment {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(
                    there.contains(fragment),
                    "{}: {link}: the headings there are {there:?}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_crate_is_on_the_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            map.contains(&format!("`{name}`")),
            "ARCHITECTURE.md does not name `{name}`"
        );
    }
}

/// Every file the map names in code marks, such as `crates/stayput-plan/src/proof.rs`.
#[test]
fn every_source_file_the_documents_name_exists() {
    for (path, text) in documents() {
        let prose = lines(&text)
            .into_iter()
            .filter(|(fence, _)| fence.is_none());
        for (_, line) in prose {
            for code in line
                .split('`')
                .skip(1)
                .step_by(2)
                .filter(|code| code.starts_with("crates/"))
            {
                assert!(
                    root().join(code).exists(),
                    "{}: there is no {code}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let page = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let mut seen = 0;
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let named = row.split('`').skip(1).step_by(2);
        let mut in_row = 0;
        for (path, name) in named.filter_map(|code| code.split_once("::")) {
            let file = root().join("crates").join(path);
            let source = fs::read_to_string(&file);
            let source = source.unwrap_or_else(|error| panic!("crates/{path}: {error}"));
            assert!(
                source.contains(&format!("fn {name}(")),
                "there is no {name} in crates/{path}"
            );
            in_row += 1;
        }
        let is_heading = row.starts_with("| what ") || row.starts_with("| --- ");
        assert!(in_row > 0 || is_heading, "no test in: {row}");
        seen += in_row;
    }
    assert!(seen > 100, "only {seen} tests are named");
}

/// Every key of a schema, wherever it is.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                found.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| keys(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_of_the_estate_file_is_explained() {
    let output = stayput(&["config".to_owned(), "schema".to_owned()], &[]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeSet::new();
    keys(&schema, &mut found);
    assert!(found.contains("local-preference"), "{found:?}");
    let text = fs::read_to_string(root().join("docs/configuration.md")).unwrap();
    for key in found {
        let is_there = text.contains(&format!("`{key}`")) || text.contains(&format!("`[{key}"));
        assert!(is_there, "docs/configuration.md does not explain `{key}`");
    }
}

/// The texts of the messages whose ids start with a prefix, in the catalogue, with `…` for variable parts. Of a message with forms,
/// each form.
fn errors(prefix: &str) -> Vec<String> {
    let file = format!("crates/stayput-messages/messages/en/{prefix}.ftl");
    let text = fs::read_to_string(root().join(file)).unwrap();
    let mut errors = Vec::new();
    let mut is_one = false;
    for line in text.lines() {
        let form = line.trim_start().trim_start_matches('*');
        let text = if let Some((id, text)) = line.split_once(" = ") {
            is_one = id.starts_with(&format!("{prefix}-"));
            text
        } else if let Some((_, text)) = form
            .strip_prefix('[')
            .and_then(|form| form.split_once("] "))
        {
            text
        } else {
            continue;
        };
        if !is_one || text.ends_with("->") {
            continue;
        }
        let mut pieces = vec![String::new()];
        let mut inside = false;
        for c in text.chars() {
            match c {
                '{' => inside = true,
                '}' => {
                    inside = false;
                    pieces.push(String::new());
                }
                _ if inside => {}
                c => pieces.last_mut().unwrap().push(c),
            }
        }
        errors.push(pieces.join("…"));
    }
    errors
}

/// Whether a document's short form of an error is one: its pieces come in the error, in this order.
fn is_short_for(short: &str, error: &str) -> bool {
    let mut rest = error;
    short.split('…').map(str::trim).all(|piece| {
        let found = rest.split_once(piece);
        rest = found.map_or(rest, |(_, after)| after);
        found.is_some()
    })
}

#[test]
fn every_obstacle_and_finding_is_in_the_runbook() {
    let runbook = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows = runbook.lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" |").next()?;
        // Names a state, which in the error is a part that differs.
        Some(cell.trim_start_matches("after step "))
    });
    let shorts = rows.flat_map(|cell| cell.split("; "));
    // Words that not every error has.
    let shorts: Vec<_> = shorts.filter(|short| short.len() > 8).collect();
    for source in ["obstacle", "finding"] {
        let errors = errors(source);
        assert!(errors.len() > 10, "{errors:?}");
        let untold: Vec<_> = errors
            .iter()
            .filter(|error| *error != "…")
            .filter(|error| !shorts.iter().any(|short| is_short_for(short, error)))
            .collect();
        assert!(
            untold.is_empty(),
            "no rows of docs/operations.md: {untold:#?}"
        );
    }
}

#[test]
fn every_rule_of_check_is_explained_with_its_severity() {
    let page = fs::read_to_string(root().join("docs/checks.md")).unwrap();
    let mut told = BTreeSet::new();
    for section in page.split("\n#### ").skip(1) {
        let (id, text) = section.split_once("\n\n").unwrap();
        let rule = Rule::of_id(id).unwrap_or_else(|| panic!("docs/checks.md: no rule {id}"));
        let severity = Severity::of(rule).as_str();
        assert!(
            text.starts_with(&format!("**{severity}** ·")),
            "docs/checks.md: {id} is {severity}"
        );
        told.insert(rule);
    }
    assert_eq!(told, Rule::ALL.into(), "docs/checks.md lacks rules");
}

#[test]
fn every_exit_code_of_the_help_is_in_the_readme() {
    let help = stayput(&[], &["--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, codes) = help.split_once("Exit codes:").unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for code in codes
        .split(|c: char| !c.is_ascii_digit())
        .filter(|code| !code.is_empty())
    {
        assert!(
            readme.contains(&format!("| {code} |")),
            "README.md does not explain exit code {code}"
        );
    }
}
