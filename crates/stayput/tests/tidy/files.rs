//! The files of the repository, and their text without comment marks.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns all files in these folders of the repository that have one of these extensions, and such files in the root itself, sorted.
/// Build output and hidden folders, such as the Python environments of the conformance suite, are left out.
pub(crate) fn files(folders: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), extensions, true, &mut found);
    }
    collect(&root(), extensions, false, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(folder: &Path, extensions: &[&str], recursive: bool, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if path.is_dir() {
            if recursive {
                collect(&path, extensions, true, found);
            }
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|known| extension == *known))
        {
            found.push(path);
        }
    }
}

/// Returns a text with comment marks and line ends replaced by spaces, so that a phrase or a citation may span two lines. Byte positions stay the same.
pub(crate) fn without_comment_marks(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start();
        let mut mark = line.len() - rest.len();
        for prefix in ["//!", "///", "//", "#"] {
            if rest.starts_with(prefix) {
                mark += prefix.len();
                break;
            }
        }
        plain.push_str(&" ".repeat(mark));
        plain.push_str(&line[mark..].replace('\n', " "));
    }
    plain
}

/// Returns the number of the line, from 1, in which a byte of a text is.
pub(crate) fn line_of(text: &str, position: usize) -> usize {
    text[..position].matches('\n').count() + 1
}
