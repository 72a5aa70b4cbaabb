//! Errors of single values.

use miette::Diagnostic;
use stayput_messages::Message;

use crate::Cidr;

/// A text that is not a valid value of its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum TextFault {
    /// An empty text.
    #[error("{}", Message::new("estate-empty"))]
    #[diagnostic(code(config::empty), help("{}", Message::new("estate-empty-remedy")))]
    Empty,
    /// Not a name: other characters, or too long.
    #[error("{}", Message::new("estate-bad-name").with("text", .text))]
    #[diagnostic(
        code(config::bad_name),
        help("{}", Message::new("estate-bad-name-remedy"))
    )]
    Name {
        /// What was given.
        text: String,
    },
    /// Not the name of a Systems Manager document.
    #[error("{}", Message::new("estate-bad-document").with("text", .text))]
    #[diagnostic(
        code(config::bad_document),
        help("{}", Message::new("estate-bad-document-remedy"))
    )]
    Document {
        /// What was given.
        text: String,
    },
    /// Not `a.b.c.d/len`.
    #[error("{}", Message::new("estate-bad-prefix").with("text", .text))]
    #[diagnostic(
        code(config::bad_prefix),
        help("{}", Message::new("estate-bad-prefix-remedy"))
    )]
    Prefix {
        /// What was given.
        text: String,
    },
    /// A prefix with host bits.
    #[error("{}", Message::new("estate-host-bits").with("text", .text))]
    #[diagnostic(
        code(config::host_bits),
        help("{}", Message::new("estate-host-bits-remedy").with("meant", .meant))
    )]
    HostBits {
        /// What was given.
        text: String,
        /// The prefix with its host bits cleared.
        meant: Cidr,
    },
    /// An address or prefix with leading zeros in a number.
    #[error("{}", Message::new("estate-leading-zeros").with("text", .text))]
    #[diagnostic(
        code(config::leading_zeros),
        help("{}", Message::new("estate-leading-zeros-remedy").with("meant", .meant))
    )]
    LeadingZeros {
        /// What was given.
        text: String,
        /// The same without the zeros.
        meant: String,
    },
    /// Not an IPv4 address.
    #[error("{}", Message::new("estate-bad-address").with("text", .text))]
    #[diagnostic(
        code(config::bad_address),
        help("{}", Message::new("estate-bad-address-remedy"))
    )]
    Address {
        /// What was given.
        text: String,
    },
    /// The id of an object of another kind.
    #[error(
        "{}",
        Message::new("estate-wrong-id-kind")
            .with("text", .text)
            .part("found", .found.message())
            .part("wanted", .wanted.message())
    )]
    #[diagnostic(
        code(config::wrong_id_kind),
        help(
            "{}",
            Message::new("estate-wrong-id-kind-remedy")
                .part("wanted", .wanted.message())
                .with("prefix", .prefix)
        )
    )]
    WrongIdKind {
        /// What was given.
        text: String,
        /// The required kind.
        wanted: IdKind,
        /// The kind given.
        found: IdKind,
        /// Prefix of ids of the required kind.
        prefix: &'static str,
    },
    /// Not an AWS id.
    #[error(
        "{}",
        Message::new("estate-bad-id")
            .with("text", .text)
            .part("wanted", .wanted.message())
    )]
    #[diagnostic(
        code(config::bad_id),
        help("{}", Message::new("estate-bad-id-remedy").with("prefix", .prefix))
    )]
    Id {
        /// What was given.
        text: String,
        /// The required kind.
        wanted: IdKind,
        /// Prefix of ids of the required kind.
        prefix: &'static str,
    },
    /// Not a UUID.
    #[error("{}", Message::new("estate-bad-gateway").with("text", .text))]
    #[diagnostic(
        code(config::bad_gateway),
        help("{}", Message::new("estate-bad-gateway-remedy"))
    )]
    Gateway {
        /// What was given.
        text: String,
    },
    /// Not in the form of a region.
    #[error("{}", Message::new("estate-bad-region").with("text", .text))]
    #[diagnostic(
        code(config::bad_region),
        help("{}", Message::new("estate-bad-region-remedy"))
    )]
    Region {
        /// What was given.
        text: String,
    },
    /// An availability zone instead of a region.
    #[error("{}", Message::new("estate-zone-for-region").with("text", .text))]
    #[diagnostic(
        code(config::zone_for_region),
        help("{}", Message::new("estate-zone-for-region-remedy").with("region", .region))
    )]
    Zone {
        /// What was given.
        text: String,
        /// The region of the zone.
        region: String,
    },
    /// Not `https://host:port`.
    #[error("{}", .problem.of(.text))]
    #[diagnostic(
        code(config::bad_url),
        help("{}", Message::new("estate-bad-url-remedy").with("meant", .meant))
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
    #[error("{}", .problem.of(.text))]
    #[diagnostic(code(config::bad_duration), help("{remedy}"))]
    Duration {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: DurationProblem,
        /// What to write.
        remedy: Message,
    },
    /// Not a category key of Prism Central (Prism reference §5).
    #[error("{}", Message::new("estate-bad-category").with("text", .text))]
    #[diagnostic(
        code(config::bad_category),
        help("{}", Message::new("estate-bad-category-remedy"))
    )]
    Category {
        /// What was given.
        text: String,
    },
    /// Not a day of the calendar.
    #[error("{}", Message::new("estate-bad-date").with("text", .text))]
    #[diagnostic(
        code(config::bad_date),
        help("{}", Message::new("estate-bad-date-remedy"))
    )]
    Date {
        /// What was given.
        text: String,
    },
}

impl TextFault {
    /// Returns the short text at the location in the file.
    pub(crate) fn label(&self) -> Message {
        match self {
            Self::Empty => Message::new("estate-label-empty"),
            Self::Name { .. } => Message::new("estate-label-name"),
            Self::Document { .. } => Message::new("estate-label-document"),
            Self::Prefix { .. } => Message::new("estate-label-prefix"),
            Self::HostBits { .. } => Message::new("estate-label-host-bits"),
            Self::LeadingZeros { .. } => Message::new("estate-label-leading-zeros"),
            Self::Address { .. } => Message::new("estate-label-address"),
            Self::WrongIdKind { .. } => Message::new("estate-label-wrong-id-kind"),
            Self::Id { .. } => Message::new("estate-label-id"),
            Self::Gateway { .. } => Message::new("estate-label-gateway"),
            Self::Region { .. } | Self::Zone { .. } => Message::new("estate-label-region"),
            Self::Url { .. } => Message::new("estate-label-url"),
            Self::Duration { problem, .. } => match problem {
                DurationProblem::Syntax => Message::new("estate-label-duration-syntax"),
                DurationProblem::Unit => Message::new("estate-label-duration-unit"),
                DurationProblem::Zero => Message::new("estate-label-duration-zero"),
                DurationProblem::NotWholeMinutes => {
                    Message::new("estate-label-duration-not-whole-minutes")
                }
                DurationProblem::TooLong => Message::new("estate-label-duration-too-long"),
            },
            Self::Category { .. } => Message::new("estate-label-category"),
            Self::Date { .. } => Message::new("estate-label-date"),
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

impl UrlProblem {
    /// Returns what is wrong with this text.
    fn of(self, text: &str) -> Message {
        match self {
            Self::NotHttps => Message::new("estate-url-not-https").with("text", text),
            Self::HasPath => Message::new("estate-url-has-path").with("text", text),
            Self::HasCredentials => Message::new("estate-url-has-credentials").with("text", text),
            Self::BadHost => Message::new("estate-url-bad-host").with("text", text),
            Self::BadPort => Message::new("estate-url-bad-port").with("text", text),
        }
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

impl DurationProblem {
    /// Returns what is wrong with this text.
    fn of(self, text: &str) -> Message {
        match self {
            Self::Syntax => Message::new("estate-duration-syntax").with("text", text),
            Self::Unit => Message::new("estate-duration-unit").with("text", text),
            Self::Zero => Message::new("estate-duration-zero").with("text", text),
            Self::NotWholeMinutes => {
                Message::new("estate-duration-not-whole-minutes").with("text", text)
            }
            Self::TooLong => Message::new("estate-duration-too-long").with("text", text),
        }
    }
}

/// The kind of object that has an AWS id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// A Transit Gateway attachment.
    Attachment,
    /// A Transit Gateway route table.
    TgwRouteTable,
    /// A Transit Gateway.
    Tgw,
    /// A VPC.
    Vpc,
    /// A subnet.
    Subnet,
    /// An instance.
    Instance,
    /// A network interface.
    Interface,
    /// A VPC route table.
    RouteTable,
    /// A VPN connection.
    Vpn,
    /// A kind that is not in this list.
    Other,
}

impl IdKind {
    /// Returns its name, with its article.
    fn message(self) -> Message {
        match self {
            Self::Attachment => Message::new("id-kind-attachment"),
            Self::TgwRouteTable => Message::new("id-kind-tgw-route-table"),
            Self::Tgw => Message::new("id-kind-tgw"),
            Self::Vpc => Message::new("id-kind-vpc"),
            Self::Subnet => Message::new("id-kind-subnet"),
            Self::Instance => Message::new("id-kind-instance"),
            Self::Interface => Message::new("id-kind-interface"),
            Self::RouteTable => Message::new("id-kind-route-table"),
            Self::Vpn => Message::new("id-kind-vpn"),
            Self::Other => Message::new("id-kind-other"),
        }
    }
}
