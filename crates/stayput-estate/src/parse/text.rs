//! Converts one text to one value.

use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::AttachmentId;
use crate::AwsId;
use crate::Cidr;
use crate::CidrError;
use crate::DxGatewayId;
use crate::InstanceId;
use crate::Region;
use crate::SubnetId;
use crate::TgwId;
use crate::TgwRouteTableId;
use crate::VpcId;
use crate::error::IdKind;
use crate::error::TextFault;
use crate::error::UrlProblem;
use crate::net::without_leading_zeros;

/// Longest name in the file. Names become parts of object names in Prism Central and Move, and the value of a category, which has
/// 64 characters (Prism reference §5).
const MAX_NAME: usize = 40;
/// Longest category key (Prism reference §5).
const MAX_CATEGORY: usize = 64;
/// Characters that a category key cannot have (Prism reference §5).
const NOT_IN_CATEGORY: &str = "/,!\"#%'()*+:;=?\\|[]^&";

/// Kinds of AWS ids by prefix. A prefix comes before shorter ones that it starts with.
const ID_KINDS: [(&str, IdKind); 9] = [
    (AttachmentId::PREFIX, IdKind::Attachment),
    (TgwRouteTableId::PREFIX, IdKind::TgwRouteTable),
    (TgwId::PREFIX, IdKind::Tgw),
    (VpcId::PREFIX, IdKind::Vpc),
    (SubnetId::PREFIX, IdKind::Subnet),
    (InstanceId::PREFIX, IdKind::Instance),
    (crate::EniId::PREFIX, IdKind::Interface),
    (crate::RouteTableId::PREFIX, IdKind::RouteTable),
    (crate::VpnId::PREFIX, IdKind::Vpn),
];

/// Parses a text that is not empty.
pub(super) fn filled(text: &str) -> Result<String, TextFault> {
    if text.trim().is_empty() {
        Err(TextFault::Empty)
    } else {
        Ok(text.to_owned())
    }
}

/// Parses a name: 1 to 40 of a-z, 0-9 and dashes.
pub(super) fn name(text: &str) -> Result<String, TextFault> {
    let fits = (1..=MAX_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(text.to_owned())
    } else {
        Err(TextFault::Name {
            text: text.to_owned(),
        })
    }
}

/// Parses the name or ARN of a Systems Manager document (`SendCommand`, `DocumentName`).
pub(super) fn document(text: &str) -> Result<String, TextFault> {
    let fits = (3..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(TextFault::Document {
            text: text.to_owned(),
        })
    }
}

/// Parses a prefix without host bits.
pub(super) fn cidr(text: &str) -> Result<Cidr, TextFault> {
    text.parse().map_err(|error| match error {
        CidrError::Syntax(text) => TextFault::Prefix { text },
        CidrError::HostBits { text, meant } => TextFault::HostBits { text, meant },
        CidrError::LeadingZeros { text, meant } => TextFault::LeadingZeros { text, meant },
    })
}

/// Parses an IPv4 address.
pub(super) fn address(text: &str) -> Result<Ipv4Addr, TextFault> {
    text.parse().map_err(|_| {
        let text = text.to_owned();
        let meant = without_leading_zeros(&text);
        match meant.filter(|meant| meant.parse::<Ipv4Addr>().is_ok()) {
            Some(meant) => TextFault::LeadingZeros { text, meant },
            None => TextFault::Address { text },
        }
    })
}

/// Parses an AWS id of one kind. Stricter than the id's own parser, which accepts `tgw-attach-…` for a Transit Gateway.
pub(super) fn aws_id<T: AwsId + FromStr>(text: &str) -> Result<T, TextFault> {
    let kind_of = |text: &str| {
        ID_KINDS
            .iter()
            .find(|(prefix, _kind)| text.starts_with(prefix))
    };
    let wanted = kind_of(T::PREFIX).map_or(IdKind::Other, |(_prefix, kind)| *kind);
    match kind_of(text) {
        Some((prefix, found)) if *prefix != T::PREFIX => Err(TextFault::WrongIdKind {
            text: text.to_owned(),
            wanted,
            found: *found,
            prefix: T::PREFIX,
        }),
        Some(_) | None => text.parse().map_err(|_| TextFault::Id {
            text: text.to_owned(),
            wanted,
            prefix: T::PREFIX,
        }),
    }
}

/// Parses the id of a Direct Connect gateway: UUID-shaped.
pub(super) fn gateway(text: &str) -> Result<DxGatewayId, TextFault> {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if hex && lengths == [8, 4, 4, 4, 12] {
        Ok(DxGatewayId::new(text))
    } else {
        Err(TextFault::Gateway {
            text: text.to_owned(),
        })
    }
}

/// Parses an AWS region by its form: words, then a number, so that new regions need no new version of stayput.
pub(super) fn region(text: &str) -> Result<Region, TextFault> {
    let is_region = |text: &str| {
        let mut parts = text.rsplit('-');
        let number = parts.next().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let is_word =
            |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        is_number && words.len() >= 2 && words.iter().all(is_word)
    };
    if is_region(text) {
        return Ok(Region::new(text));
    }
    let text = text.to_owned();
    match text.strip_suffix(|last: char| last.is_ascii_lowercase()) {
        Some(region) if is_region(region) => Err(TextFault::Zone {
            region: region.to_owned(),
            text,
        }),
        Some(_) | None => Err(TextFault::Region { text }),
    }
}

/// Parses `https://host:port` or `https://host`; one slash at the end is removed.
pub(super) fn url(text: &str) -> Result<String, TextFault> {
    const SCHEME: &str = "https://";
    let Some(rest) = text.strip_prefix(SCHEME) else {
        let rest = text.split_once("://").map_or(text, |(_scheme, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_user, host)| host);
        return Err(bad_url(text, UrlProblem::NotHttps, host));
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((_user, host)) = authority.rsplit_once('@') {
        return Err(bad_url(text, UrlProblem::HasCredentials, host));
    }
    // An IPv6 address contains colons, so it is in brackets.
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if !is_host(host) {
        return Err(bad_url(text, UrlProblem::BadHost, ""));
    }
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && digits.parse::<u16>().is_ok_and(|number| number > 0)
        }
        None => port.is_empty(),
    };
    if !port_fits {
        return Err(bad_url(text, UrlProblem::BadPort, host));
    }
    if authority.len() != rest.len() {
        return Err(bad_url(text, UrlProblem::HasPath, authority));
    }
    Ok(format!("{SCHEME}{authority}"))
}

fn bad_url(text: &str, problem: UrlProblem, authority: &str) -> TextFault {
    let authority = if authority.is_empty() {
        "host:port"
    } else {
        authority
    };
    TextFault::Url {
        // A password must not reach a terminal or a log.
        text: crate::error::without_credentials(text),
        problem,
        meant: format!("https://{authority}"),
    }
}

fn is_host(host: &str) -> bool {
    match host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        }
    }
}

/// Parses a category key of Prism Central (Prism reference §5).
pub(super) fn category(text: &str) -> Result<String, TextFault> {
    let fits = (1..=MAX_CATEGORY).contains(&text.chars().count())
        && !text.starts_with('$')
        && !text.chars().any(|c| NOT_IN_CATEGORY.contains(c));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(TextFault::Category {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_id_is_not_accepted_as_a_transit_gateway_id() {
        let error = aws_id::<TgwId>("tgw-attach-01").unwrap_err();
        assert_eq!(
            error,
            TextFault::WrongIdKind {
                text: "tgw-attach-01".into(),
                wanted: IdKind::Tgw,
                found: IdKind::Attachment,
                prefix: "tgw-",
            }
        );
        assert!(aws_id::<AttachmentId>("tgw-attach-01").is_ok());
        assert!(matches!(aws_id::<VpcId>("prod"), Err(TextFault::Id { .. })));
        assert!(matches!(
            aws_id::<VpcId>("vpc-…"),
            Err(TextFault::Id { .. })
        ));
    }

    #[test]
    fn urls_are_https_with_host_and_port_only() {
        assert_eq!(url("https://pc:9440").unwrap(), "https://pc:9440");
        assert_eq!(url("https://pc/").unwrap(), "https://pc");
        assert_eq!(url("https://[::1]:9440").unwrap(), "https://[::1]:9440");
        let problem = |text| match url(text) {
            Err(TextFault::Url { problem, meant, .. }) => (problem, meant),
            other => panic!("{other:?}"),
        };
        let is = |problem, meant: &str| (problem, meant.to_owned());
        assert_eq!(
            problem("http://pc:9440/x"),
            is(UrlProblem::NotHttps, "https://pc:9440")
        );
        assert_eq!(
            problem("pc:9440"),
            is(UrlProblem::NotHttps, "https://pc:9440")
        );
        assert_eq!(
            problem("https://pc:9440/api"),
            is(UrlProblem::HasPath, "https://pc:9440")
        );
        assert_eq!(
            problem("https://pc?x"),
            is(UrlProblem::HasPath, "https://pc")
        );
        assert_eq!(
            problem("https://me:secret@pc"),
            is(UrlProblem::HasCredentials, "https://pc")
        );
        assert_eq!(
            problem("https://"),
            is(UrlProblem::BadHost, "https://host:port")
        );
        assert_eq!(
            problem("https://a b"),
            is(UrlProblem::BadHost, "https://host:port")
        );
        assert_eq!(
            problem("https://pc:99999"),
            is(UrlProblem::BadPort, "https://pc")
        );
        assert_eq!(
            problem("https://pc:"),
            is(UrlProblem::BadPort, "https://pc")
        );
        assert_eq!(
            problem("https://[::1]9440"),
            is(UrlProblem::BadPort, "https://[::1]")
        );
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let error = url("https://me:secret@pc").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn availability_zones_are_not_accepted_as_regions() {
        assert!(region("us-gov-west-1").is_ok());
        assert_eq!(
            region("ap-northeast-1a").unwrap_err(),
            TextFault::Zone {
                text: "ap-northeast-1a".into(),
                region: "ap-northeast-1".into(),
            }
        );
        for text in ["", "tokyo", "ap-northeast", "AP-NORTHEAST-1", "ap--1", "-1"] {
            assert!(
                matches!(region(text), Err(TextFault::Region { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn category_keys_have_only_characters_that_prism_central_accepts() {
        assert!(category("Stayput Network_1").is_ok());
        assert!(category(&"x".repeat(64)).is_ok());
        for text in ["", "$x", "a/b", "a&b", &"x".repeat(65)] {
            assert!(category(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_gateway_is_a_uuid() {
        assert!(gateway("8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7").is_ok());
        assert!(gateway("8f2a1c34-5b6d-4e7f-8091").is_err());
        assert!(gateway("dxgw-0a1b2c3d4e5f60001").is_err());
    }
}
