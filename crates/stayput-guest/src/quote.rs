//! Parts of command lines.

/// Quotes a text for a POSIX shell.
pub(crate) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Returns a line that keeps a copy of a file or folder. It is not beside the file: some programs would read it there.
pub(crate) fn keep(path: &str) -> String {
    let path = shell(path);
    format!("install -d -m 700 /var/lib/stayput && cp -a --parents {path} /var/lib/stayput/")
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
