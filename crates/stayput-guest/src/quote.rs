//! Parts of command lines.

/// Quotes a text for a POSIX shell.
pub(crate) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Returns a line that keeps a copy of a file or folder, unless there is one already. It is not beside the file: some programs would read it
/// there.
pub(crate) fn keep(path: &str) -> String {
    let name = path.trim_start_matches('/').replace('/', "_");
    let (from, to) = (shell(path), shell(&format!("/var/lib/stayput/{name}")));
    format!("install -d -m 700 /var/lib/stayput && {{ test -e {to} || cp -a {from} {to}; }}")
}

/// Quotes a text for PowerShell, which also takes typographic quotation marks for the end of a text.
pub(crate) fn powershell(text: &str) -> String {
    let mut quoted = String::from("'");
    for letter in text.chars() {
        if matches!(letter, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(letter);
        }
        quoted.push(letter);
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_quotation_marks_stays_one_word() {
        assert_eq!(shell("a'; reboot"), "'a'\\''; reboot'");
        assert_eq!(powershell("a'b\u{2019}c"), "'a''b\u{2019}\u{2019}c'");
    }
}
