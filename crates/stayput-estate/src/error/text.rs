//! Errors of single values.

use std::fmt;

use miette::Diagnostic;

use crate::Cidr;

/// A text that is not a valid value of its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum TextFault {
    /// An empty text.
    #[error("this text is empty")]
    #[diagnostic(
        code(config::empty),
        help("write a value, or remove the key if it is optional")
    )]
    Empty,
    /// Not a name: other characters, or too long.
    #[error("`{text}` is not a name")]
    #[diagnostic(
        code(config::bad_name),
        help("a name is 1 to 40 lower-case letters, digits and dashes, for example `tokyo-1`")
    )]
    Name {
        /// What was given.
        text: String,
    },
    /// Not `a.b.c.d/len`.
    #[error("`{text}` is not an IPv4 prefix")]
    #[diagnostic(
        code(config::bad_prefix),
        help("write the network address and the length, for example `172.30.1.0/24`")
    )]
    Prefix {
        /// What was given.
        text: String,
    },
    /// A prefix with host bits.
    #[error("`{text}` has host bits set")]
    #[diagnostic(
        code(config::host_bits),
        help("the prefix it lies in is `{meant}`: write that if it was meant")
    )]
    HostBits {
        /// What was given.
        text: String,
        /// The prefix with its host bits cleared.
        meant: Cidr,
    },
    /// An address or prefix with leading zeros in a number.
    #[error("`{text}` has a number with leading zeros")]
    #[diagnostic(
        code(config::leading_zeros),
        help(
            "some programs read such a number as octal, others as decimal: write `{meant}` if it is decimal"
        )
    )]
    LeadingZeros {
        /// What was given.
        text: String,
        /// The same without the zeros.
        meant: String,
    },
    /// Not an IPv4 address.
    #[error("`{text}` is not an IPv4 address")]
    #[diagnostic(
        code(config::bad_address),
        help("write four numbers, for example `10.101.0.2`")
    )]
    Address {
        /// What was given.
        text: String,
    },
    /// The id of an object of another kind.
    #[error("`{text}` is the id of {found}, not of {wanted}")]
    #[diagnostic(
        code(config::wrong_id_kind),
        help("write the id of {wanted}, which starts with `{prefix}`")
    )]
    WrongIdKind {
        /// What was given.
        text: String,
        /// The required kind, with its article.
        wanted: &'static str,
        /// The kind given, with its article.
        found: &'static str,
        /// Prefix of ids of the required kind.
        prefix: &'static str,
    },
    /// Not an AWS id.
    #[error("`{text}` is not the id of {wanted}")]
    #[diagnostic(
        code(config::bad_id),
        help(
            "ids of this kind are `{prefix}` followed by letters and digits, for example `{prefix}0a1b2c3d4e5f60001`"
        )
    )]
    Id {
        /// What was given.
        text: String,
        /// The required kind, with its article.
        wanted: &'static str,
        /// Prefix of ids of the required kind.
        prefix: &'static str,
    },
    /// Not a UUID.
    #[error("`{text}` is not the id of a Direct Connect gateway")]
    #[diagnostic(
        code(config::bad_gateway),
        help("it is a UUID, for example `8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7`")
    )]
    Gateway {
        /// What was given.
        text: String,
    },
    /// Not in the form of a region.
    #[error("`{text}` is not an AWS region")]
    #[diagnostic(
        code(config::bad_region),
        help("write the name the AWS API uses, for example `ap-northeast-1`")
    )]
    Region {
        /// What was given.
        text: String,
    },
    /// An availability zone instead of a region.
    #[error("`{text}` is an availability zone, not a region")]
    #[diagnostic(code(config::zone_for_region), help("its region is `{region}`"))]
    Zone {
        /// What was given.
        text: String,
        /// The region of the zone.
        region: String,
    },
    /// Not `https://host:port`.
    #[error("`{text}` {problem}")]
    #[diagnostic(
        code(config::bad_url),
        help(
            "write `{meant}`; TLS is always used and always verified (`ca-file` trusts a private CA)"
        )
    )]
    Url {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: UrlProblem,
        /// What would be right.
        meant: String,
    },
    /// Not a valid duration, or not valid for this key.
    #[error("`{text}` {problem}")]
    #[diagnostic(code(config::bad_duration), help("{remedy}"))]
    Duration {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: DurationProblem,
        /// What to write.
        remedy: String,
    },
    /// Not a category key of Prism Central (Prism reference §5).
    #[error("`{text}` cannot be a category key in Prism Central")]
    #[diagnostic(
        code(config::bad_category),
        help(
            "it has 1 to 64 characters, does not start with `$` and has none of / , ! \" # % ' ( ) * + : ; = ? \\ | [ ] ^ &"
        )
    )]
    Category {
        /// What was given.
        text: String,
    },
}

impl TextFault {
    /// Returns the short text at the location in the file.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Empty => "must not be empty",
            Self::Name { .. } => "must be a name",
            Self::Prefix { .. } => "must be an IPv4 prefix",
            Self::HostBits { .. } => "not a network address",
            Self::LeadingZeros { .. } => "leading zeros",
            Self::Address { .. } => "must be an IPv4 address",
            Self::WrongIdKind { .. } => "id of another kind",
            Self::Id { .. } => "must be an AWS id",
            Self::Gateway { .. } => "must be a UUID",
            Self::Region { .. } | Self::Zone { .. } => "must be a region",
            Self::Url { .. } => "must be https://host:port",
            Self::Duration { problem, .. } => match problem {
                DurationProblem::Syntax => "must be a duration",
                DurationProblem::Unit => "in another unit",
                DurationProblem::Zero => "must be more than zero",
                DurationProblem::NotWholeMinutes => "must be whole minutes",
                DurationProblem::TooLong => "must be shorter",
            },
            Self::Category { .. } => "must be a category key",
        }
    }
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlProblem {
    /// Another scheme, or none.
    NotHttps,
    /// Something after host and port.
    HasPath,
    /// A user name before the host.
    HasCredentials,
    /// No host, or characters that a host name cannot have.
    BadHost,
    /// Not a port number.
    BadPort,
}

impl fmt::Display for UrlProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotHttps => "does not start with https://",
            Self::HasPath => "has something after host and port",
            Self::HasCredentials => "has a user name in it; credentials come from the environment",
            Self::BadHost => "has no valid host name",
            Self::BadPort => "has no valid port number",
        })
    }
}

/// What is wrong with a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationProblem {
    /// Not numbers with units.
    Syntax,
    /// A unit that is not valid for this key.
    Unit,
    /// Zero.
    Zero,
    /// Not a multiple of a minute (Prism reference §6.2).
    NotWholeMinutes,
    /// Too long to be represented.
    TooLong,
}

impl fmt::Display for DurationProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "is not a duration",
            Self::Unit => "has a unit that this key does not take",
            Self::Zero => "is zero",
            Self::NotWholeMinutes => "is not a whole number of minutes",
            Self::TooLong => "is too long",
        })
    }
}
