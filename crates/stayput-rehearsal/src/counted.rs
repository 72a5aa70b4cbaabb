//! Numbers of things, as text.

/// So many of the noun, in the plural unless it is one, with thousands set apart: `1 state`, `1,284 addresses`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = match noun {
        _ if number == 1 => "",
        _ if noun.ends_with(['s', 'x']) => "es",
        _ => "s",
    };
    format!("{} {noun}{plural}", grouped(number))
}

fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!(counted(0, "hole"), "0 holes");
        assert_eq!(counted(1, "class"), "1 class");
        assert_eq!(counted(2, "class"), "2 classes");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(counted(1284, "state"), "1,284 states");
        assert_eq!(counted(1_234_567, "VM"), "1,234,567 VMs");
    }
}
