//! Names of an estate from names of other systems.

use std::collections::BTreeSet;

use stayput_estate::Region;

/// Longest name in an estate file.
const MAX_NAME: usize = 40;

/// Cities of regions, for the names of sites. Of other regions it is the region's own name.
const CITIES: [(&str, &str); 20] = [
    ("ap-northeast-1", "tokyo"),
    ("ap-northeast-2", "seoul"),
    ("ap-northeast-3", "osaka"),
    ("ap-south-1", "mumbai"),
    ("ap-southeast-1", "singapore"),
    ("ap-southeast-2", "sydney"),
    ("ap-southeast-3", "jakarta"),
    ("ca-central-1", "montreal"),
    ("eu-central-1", "frankfurt"),
    ("eu-central-2", "zurich"),
    ("eu-north-1", "stockholm"),
    ("eu-south-1", "milan"),
    ("eu-west-1", "dublin"),
    ("eu-west-2", "london"),
    ("eu-west-3", "paris"),
    ("sa-east-1", "sao-paulo"),
    ("us-east-1", "virginia"),
    ("us-east-2", "ohio"),
    ("us-west-1", "california"),
    ("us-west-2", "oregon"),
];

/// The city of a region, or the region.
pub(crate) fn city(region: &Region) -> &str {
    let name = region.as_str();
    let city = CITIES.iter().find(|(region, _)| *region == name);
    city.map_or(name, |(_, city)| city)
}

/// A name of the file from any text: other characters become dashes. `None` if nothing is left.
pub(crate) fn name(text: &str) -> Option<String> {
    let mut name = String::new();
    for sign in text.chars().flat_map(char::to_lowercase) {
        match sign {
            'a'..='z' | '0'..='9' => name.push(sign),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    name.truncate(MAX_NAME);
    let name = name.trim_matches('-');
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name, with a number behind it if it is taken.
pub(crate) fn unique(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut unique = name.to_owned();
    let mut number = 1;
    while !taken.insert(unique.clone()) {
        number += 1;
        let end = format!("-{number}");
        let room = MAX_NAME.saturating_sub(end.len());
        let start: String = name.chars().take(room).collect();
        unique = format!("{start}{end}");
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_name_of_the_file_or_none() {
        assert_eq!(name("Legacy App/01").as_deref(), Some("legacy-app-01"));
        assert_eq!(name("  --x--  ").as_deref(), Some("x"));
        assert_eq!(name("アプリ"), None);
        assert_eq!(name(&"a".repeat(60)).map(|name| name.len()), Some(40));
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut taken = BTreeSet::new();
        assert_eq!(unique(&mut taken, "vpn"), "vpn");
        assert_eq!(unique(&mut taken, "vpn"), "vpn-2");
        let long = "a".repeat(40);
        unique(&mut taken, &long);
        assert_eq!(unique(&mut taken, &long).len(), 40);
    }
}
