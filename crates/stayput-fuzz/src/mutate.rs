//! A mutator for texts with structure: JSON, XML, TOML, requests.
//!
//! Random bytes end in the first parser. This one exchanges whole words, numbers and strings, and repeats or removes what is between two
//! brackets, so that most of its results are still accepted by the parser and reach what is behind it.

use std::ops::Range;

use stayput_ambient::Entropy;

/// Values that code often does not expect.
const ODD: &[&str] = &[
    "",
    "0",
    "-1",
    "1",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "1e400",
    "0.1",
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "\"\"",
    "\"x\"",
    "0.0.0.0",
    "255.255.255.255",
    "0.0.0.0/0",
    "10.0.0.0/31",
    "10.0.0.0/33",
    "172.30.1.10",
    "2001:db8::1",
    "9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "1s",
    "99999999999h",
    "\u{e9}",
    "\u{202e}",
    "\\u0000",
    "\\ud800",
    "&#0;",
    "%00",
    "%",
    "'",
    "../",
    "*",
    "$",
];

/// Changes an input in up to four places. The same bytes and seed always give the same result, of at most `longest` bytes.
#[must_use]
pub fn mutate(data: &[u8], seed: u64, longest: usize) -> Vec<u8> {
    let mut draw = Draw(Entropy::seeded(seed));
    let mut bytes = data.to_vec();
    for _ in 0..=draw.below(4) {
        bytes = change(&bytes, &mut draw);
    }
    bytes.truncate(longest);
    bytes
}

struct Draw(Entropy);

impl Draw {
    /// A number below the limit; 0 if the limit is 0.
    fn below(&mut self, limit: usize) -> usize {
        let number = self.0.number() >> 1;
        usize::try_from(number).unwrap_or(0) % limit.max(1)
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

fn change(bytes: &[u8], draw: &mut Draw) -> Vec<u8> {
    match draw.below(10) {
        // One byte.
        0 => {
            let mut bytes = bytes.to_vec();
            let at = draw.below(bytes.len());
            let bit = draw.below(8);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << bit;
            }
            bytes
        }
        // The end is missing.
        1 => bytes[..draw.below(bytes.len())].to_vec(),
        // A token is replaced by an odd value or by another token.
        2..=5 => {
            let tokens = tokens(bytes);
            let (Some(at), Some(other)) = (draw.one(&tokens), draw.one(&tokens)) else {
                return bytes.to_vec();
            };
            let odd = draw.one(ODD).copied().unwrap_or_default();
            let new = match draw.below(2) {
                0 => odd.as_bytes(),
                _ => &bytes[other.clone()],
            };
            spliced(bytes, at, new)
        }
        // What is between brackets is removed, repeated, or put elsewhere.
        6..=8 => {
            let groups = groups(bytes);
            let (Some(at), Some(other)) = (draw.one(&groups), draw.one(&groups)) else {
                return bytes.to_vec();
            };
            match draw.below(3) {
                0 => spliced(bytes, at, b""),
                1 => {
                    let twice = [&bytes[at.clone()], b",", &bytes[at.clone()]].concat();
                    spliced(bytes, at, &twice)
                }
                _ => spliced(bytes, at, &bytes[other.clone()]),
            }
        }
        // A line is removed or repeated.
        _ => {
            let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            let at = draw.below(lines.len());
            match draw.below(2) {
                0 => {
                    lines.remove(at);
                }
                _ => lines.insert(at, lines[at]),
            }
            lines.join(&b'\n')
        }
    }
}

fn spliced(bytes: &[u8], at: &Range<usize>, new: &[u8]) -> Vec<u8> {
    [&bytes[..at.start], new, &bytes[at.end..]].concat()
}

/// Runs of what words, numbers, addresses and ids consist of.
fn tokens(bytes: &[u8]) -> Vec<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:+".contains(byte);
    let (mut found, mut start) = (Vec::new(), None);
    for (at, byte) in bytes.iter().enumerate() {
        match (is_part(byte), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push(from..at);
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    found.extend(start.map(|from| from..bytes.len()));
    found
}

/// From a bracket or quote to its partner, both included; without regard to strings and escapes.
fn groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    let mut quote = None;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' | b'[' | b'<' | b'(' => open.push(at),
            b'}' | b']' | b'>' | b')' => found.extend(open.pop().map(|from: usize| from..at + 1)),
            b'"' => match quote.take() {
                Some(from) => found.push(from..at + 1),
                None => quote = Some(at),
            },
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_mutation_of_limited_length() {
        let text = br#"{"a": [1, "two"], "b": {"c": null}}"#;
        let all: Vec<_> = (0..200).map(|seed| mutate(text, seed, 40)).collect();
        assert!(all.iter().all(|bytes| bytes.len() <= 40));
        assert_eq!(mutate(text, 7, 40), all[7]);
        let is_read = |bytes: &&Vec<u8>| serde_json::from_slice::<serde_json::Value>(bytes).is_ok();
        let read = all.iter().filter(is_read).count();
        assert!(read > 20, "{read} of 200 are JSON");
    }

    #[test]
    fn nothing_and_one_byte_can_be_mutated_too() {
        for seed in 0..200 {
            let _ = mutate(b"", seed, 10);
            let _ = mutate(b"{", seed, 10);
        }
    }
}
