//! Formats of lines: sections with keys, and variables of a shell.

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Section, without brackets.
    pub(crate) section: String,
    /// Line of the section's head: a name may stand at several sections.
    pub(crate) section_line: u32,
    pub(crate) key: String,
    pub(crate) value: String,
    /// Line of the text, from 1.
    pub(crate) line: u32,
}

/// Reads sections with `key=value`, as systemd and NetworkManager do. A backslash at the end joins lines.
pub(crate) fn sections(text: &str) -> Vec<Entry> {
    let mut section = String::new();
    let mut section_line = 0;
    let mut found: Vec<Entry> = Vec::new();
    let mut joined = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if joined {
            joined = line.ends_with('\\');
            if let Some(last) = found.last_mut() {
                last.value.push(' ');
                last.value.push_str(line.trim_end_matches('\\').trim());
            }
            continue;
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.clone_into(&mut section);
            section_line = number;
        } else if let Some((key, value)) = line.split_once('=') {
            joined = value.ends_with('\\');
            found.push(Entry {
                section: section.clone(),
                section_line,
                key: key.trim().to_owned(),
                value: value.trim_end_matches('\\').trim().to_owned(),
                line: number,
            });
        }
    }
    found
}

/// Reads variables of a shell script that only sets some, as files in `/etc/sysconfig` do.
pub(crate) fn variables(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        found.push(Entry {
            section: String::new(),
            section_line: 0,
            key: key.trim().to_owned(),
            value: unquoted(value),
            line: number,
        });
    }
    found
}

/// The value without quotation marks and without a comment behind it.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    for mark in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(mark) {
            return rest.split(mark).next().unwrap_or(rest).to_owned();
        }
    }
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim().to_owned()
}

/// The length of the prefix that a mask such as `255.255.255.0`, or a number, stands for.
pub(crate) fn prefix_length(text: &str) -> Option<u8> {
    match text.parse::<u8>() {
        Ok(length) => (length <= 32).then_some(length),
        Err(_) => ipnet::ipv4_mask_to_prefix(text.parse().ok()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_and_comments_are_not_part_of_a_value() {
        let text = "A='x y' # z\n# B=1\nexport C=\"d\"\nE=f # g\nH='open\n";
        let found: Vec<_> = variables(text)
            .into_iter()
            .map(|entry| (entry.key, entry.value, entry.line))
            .collect();
        let wanted = [
            ("A", "x y", 1),
            ("C", "d", 3),
            ("E", "f", 4),
            ("H", "open", 5),
        ];
        let wanted = wanted.map(|(key, value, line)| (key.to_owned(), value.to_owned(), line));
        assert_eq!(found, wanted);
    }

    #[test]
    fn lines_that_a_backslash_joins_are_one_value() {
        let found = sections("[Match]\nName=a \\\n  b\nDriver=c\n");
        assert_eq!(found[0].value, "a b");
        assert_eq!((found[1].section.as_str(), found[1].line), ("Match", 4));
    }

    #[test]
    fn masks_and_numbers_give_the_same_prefix_length() {
        assert_eq!(prefix_length("255.255.255.0"), Some(24));
        assert_eq!(prefix_length("24"), Some(24));
        assert_eq!(prefix_length("255.0.255.0"), None);
        assert_eq!(prefix_length("33"), None);
    }
}
