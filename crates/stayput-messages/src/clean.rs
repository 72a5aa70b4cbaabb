//! Text of other systems in text for people.

/// Makes text of a remote system, a tag or a file safe to show: control characters and those that reorder or hide text are written as
/// escapes, so that a name cannot forge a line or move the cursor.
pub fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_harmful(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The same for a text in JSON, whose meaning is unchanged: there such characters can only be in strings.
pub fn clean_json(json: String) -> String {
    if !json.chars().any(is_harmful) {
        return json;
    }
    let mut shown = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_harmful(letter) {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(letter);
        }
    }
    shown
}

fn is_harmful(letter: char) -> bool {
    // C0, DEL and C1 controls; marks, embeddings, overrides and isolates of writing direction; line and paragraph separators; characters
    // without width that no script needs.
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_reordering_characters_are_shown_as_escapes() {
        assert_eq!(clean("web\u{1b}[2K-01"), "web\\u{1b}[2K-01");
        assert_eq!(clean("a\u{9b}31mb"), "a\\u{9b}31mb");
        assert_eq!(clean("a\nb"), "a\\u{a}b");
        assert_eq!(clean("evil\u{202e}exe"), "evil\\u{202e}exe");
        assert_eq!(clean("a\u{200b}b"), "a\\u{200b}b");
        assert_eq!(clean("本番/販売管理 🚀"), "本番/販売管理 🚀");
    }

    #[test]
    fn json_has_the_same_meaning_and_no_harmful_character() {
        assert_eq!(
            clean_json("{\"name\":\"web\u{9b}2K\u{202e}\"}".to_owned()),
            "{\"name\":\"web\\u009b2K\\u202e\"}"
        );
        assert_eq!(clean_json("[\"ü\"]".to_owned()), "[\"ü\"]");
    }
}
