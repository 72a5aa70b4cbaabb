//! Identifiers. Every remote id and every name has its own type, so that a subnet id in place of a VPC id does not compile.
//!
//! Ids of remote systems are opaque: they are kept as received. The prefix of AWS ids is checked only in the estate file (see
//! [`AwsId`]). Prism ids are lower-cased UUID-shaped strings whose version nibble is *not* checked (cluster ids are not RFC 4122
//! UUIDs, Prism reference §1.3).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::Serialize;
use smol_str::SmolStr;
use stayput_messages::Message;

macro_rules! text_newtype {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Wraps a value as received from its system.
            pub fn new(value: impl Into<SmolStr>) -> Self {
                Self(value.into())
            }

            /// Returns the text as the owning system spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.into())
            }
        }
    };
}

/// An AWS resource id whose prefix identifies its kind.
pub trait AwsId: Sized {
    /// The prefix every id of this kind starts with, with its dash.
    const PREFIX: &'static str;
}

/// The text does not start with the prefix of the required kind of AWS id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Message::new("aws-id-syntax").with("text", .text).with("prefix", .prefix))]
pub struct WrongIdKind {
    /// What was given.
    pub text: String,
    /// The required prefix.
    pub prefix: &'static str,
}

macro_rules! aws_id {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        text_newtype!($(#[$meta])* $name);

        impl AwsId for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl FromStr for $name {
            type Err = WrongIdKind;

            fn from_str(text: &str) -> Result<Self, WrongIdKind> {
                match text.strip_prefix($prefix) {
                    Some(rest) if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                        Ok(Self(text.into()))
                    }
                    _ => Err(WrongIdKind { text: text.to_owned(), prefix: $prefix }),
                }
            }
        }
    };
}

aws_id!(/// An EC2 instance, `i-…`.
    InstanceId, "i-");
aws_id!(/// An elastic network interface, `eni-…`.
    EniId, "eni-");
aws_id!(/// A VPC subnet, `subnet-…`.
    SubnetId, "subnet-");
aws_id!(/// A VPC, `vpc-…`.
    VpcId, "vpc-");
aws_id!(/// A VPC route table, `rtb-…`.
    RouteTableId, "rtb-");
aws_id!(/// A Transit Gateway, `tgw-…`.
    TgwId, "tgw-");
aws_id!(/// A Transit Gateway attachment of any kind, `tgw-attach-…`. A peering attachment has one id seen from both sides.
    AttachmentId, "tgw-attach-");
aws_id!(/// A Transit Gateway route table, `tgw-rtb-…`.
    TgwRouteTableId, "tgw-rtb-");
aws_id!(/// A managed prefix list, `pl-…`.
    PrefixListId, "pl-");
aws_id!(/// A Site-to-Site VPN connection, `vpn-…`.
    VpnId, "vpn-");

text_newtype!(/// A Direct Connect gateway (a bare UUID).
    DxGatewayId);
text_newtype!(/// A twelve-digit AWS account number.
    AccountId);
text_newtype!(/// An AWS region name such as `ap-northeast-1`.
    Region);

text_newtype!(/// A VM in Prism Central (`extId` in v4, `uuid` in v3).
    VmExtId);
text_newtype!(/// A NIC of a VM in Prism Central.
    NicExtId);
text_newtype!(/// A subnet in Prism Central.
    SubnetExtId);
text_newtype!(/// A Flow VPC in Prism Central.
    FlowVpcExtId);
text_newtype!(/// A Prism Element cluster. Not an RFC 4122 UUID.
    ClusterExtId);
text_newtype!(/// A Prism Central instance (its "domain manager"); equals the v3 availability-zone URL.
    DomainManagerId);
text_newtype!(/// A category: one key/value pair.
    CategoryExtId);
text_newtype!(/// A protection policy.
    PolicyExtId);
text_newtype!(/// A recovery plan.
    RecoveryPlanExtId);
text_newtype!(/// A recovery plan job.
    RecoveryJobExtId);
text_newtype!(/// A v4 task: `base64(service):uuid`. Never parse it as a UUID.
    TaskExtId);

text_newtype!(/// A provider registered in Nutanix Move.
    MoveProviderId);
text_newtype!(/// Move's own key of a source workload (`VMUuid`), used in plans and workload URLs.
    MoveVmId);
text_newtype!(/// A migration plan in Nutanix Move.
    MovePlanId);

text_newtype!(/// The name of a site in `stayput.toml`.
    SiteName);
text_newtype!(/// The name of a network in `stayput.toml`.
    NetworkName);
text_newtype!(/// The name of a wave in `stayput.toml`.
    WaveName);
text_newtype!(/// The name of an edge in `stayput.toml`.
    EdgeName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_kind_is_refused() {
        assert!("vpc-0123".parse::<SubnetId>().is_err());
        assert!("tgw-attach-1".parse::<AttachmentId>().is_ok());
        assert!("i-".parse::<InstanceId>().is_err());
    }
}
