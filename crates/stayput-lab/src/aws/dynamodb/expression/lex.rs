//! Tokens of an expression.

use super::Kind;
use crate::aws::json::Fault;

/// A token and its position, for errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexeme {
    /// What it is.
    pub token: Token,
    /// Byte offset of its start.
    pub start: usize,
    /// Byte offset of its end.
    pub end: usize,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Attribute name, keyword or function.
    Word(String),
    /// `#name`.
    Name(String),
    /// `:value`.
    Value(String),
    /// List index.
    Index(usize),
    /// Punctuation and comparators: `( ) [ ] . , + - = <> < <= > >=`.
    Sign(&'static str),
}

/// Longest first, so that `<=` is not read as `<`.
const SIGNS: [&str; 14] = [
    "<>", "<=", ">=", "(", ")", "[", "]", ".", ",", "+", "-", "=", "<", ">",
];

/// Splits an expression into tokens.
pub fn lex(text: &str, kind: Kind) -> Result<Vec<Lexeme>, Fault> {
    let mut lexemes = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let word = |from: usize| -> usize {
            from + rest[from..]
                .find(|char: char| !char.is_ascii_alphanumeric() && char != '_')
                .unwrap_or(rest.len() - from)
        };
        let wrong = || {
            kind.invalid(format_args!(
                "Syntax error; token: \"{first}\", near: \"{}\"",
                rest.chars().take(12).collect::<String>()
            ))
        };
        let (token, length) = match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                let end = word(0);
                (Token::Word(rest[..end].to_owned()), end)
            }
            '#' | ':' => {
                let end = word(1);
                if end == 1 {
                    return Err(wrong());
                }
                let text = rest[..end].to_owned();
                let token = if first == '#' {
                    Token::Name(text)
                } else {
                    Token::Value(text)
                };
                (token, end)
            }
            '0'..='9' => {
                let end = rest
                    .find(|char: char| !char.is_ascii_digit())
                    .unwrap_or(rest.len());
                (Token::Index(rest[..end].parse().map_err(|_| wrong())?), end)
            }
            _ => {
                let sign = SIGNS
                    .into_iter()
                    .find(|sign| rest.starts_with(sign))
                    .ok_or_else(wrong)?;
                (Token::Sign(sign), sign.len())
            }
        };
        lexemes.push(Lexeme {
            token,
            start: at,
            end: at + length,
        });
        at += length;
    }
    Ok(lexemes)
}
