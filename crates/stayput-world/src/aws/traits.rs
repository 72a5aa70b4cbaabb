//! What decides whether an instance can be moved, beside its interfaces.

use serde::Deserialize;
use serde::Serialize;

/// What decides whether an instance can be moved, beside its interfaces. As reported by `DescribeInstances`; what is absent there is `None`
/// or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// `ebs` or `instance-store`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_device_type: Option<String>,
    /// `spot`, `scheduled` or `capacity-block`; absent for an On-Demand Instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// ARN of its instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,
    /// The boot mode it has (`currentInstanceBootMode`): `legacy-bios` or `uefi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_mode: Option<String>,
    /// Product codes of its image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub product_codes: Vec<String>,
}
