//! Ids derived from names: the same scenario has the same ids in every run and on every machine.

use stayput_estate::MacAddr;
use uuid::Uuid;

/// Returns an AWS id: prefix, a zero as in nearly all current ids, and 16 hex digits of the name's hash.
fn aws(prefix: &str, name: &str) -> String {
    let hash = hash(prefix, name);
    format!("{prefix}0{}", &hash.simple().to_string()[..16])
}

fn hash(kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{kind}{name}").as_bytes())
}

/// Returns the UUID of the object of this kind and name.
pub(crate) fn uuid(kind: &str, name: &str) -> String {
    hash(&format!("{kind}:"), name).to_string()
}

/// VPC `legacy`.
pub(crate) fn vpc(name: &str) -> String {
    aws("vpc-", name)
}

/// Subnet `legacy/app`.
pub(crate) fn subnet(path: &str) -> String {
    aws("subnet-", path)
}

/// VPC route table `legacy/main`.
pub(crate) fn route_table(path: &str) -> String {
    aws("rtb-", path)
}

/// Association of the subnet `legacy/app` with a route table.
pub(crate) fn route_table_association(path: &str) -> String {
    aws("rtbassoc-", path)
}

/// Internet gateway of VPC `legacy`.
pub(crate) fn internet_gateway(vpc: &str) -> String {
    aws("igw-", vpc)
}

/// NAT gateway of VPC `legacy`.
pub(crate) fn nat_gateway(vpc: &str) -> String {
    aws("nat-", vpc)
}

/// VPC peering connection.
pub(crate) fn vpc_peering(name: &str) -> String {
    aws("pcx-", name)
}

/// Instance `web-01`.
pub(crate) fn instance(key: &str) -> String {
    aws("i-", key)
}

/// Image.
pub(crate) fn image(name: &str) -> String {
    aws("ami-", name)
}

/// Interface: `web-01/0` of an instance, a name otherwise.
pub(crate) fn eni(name: &str) -> String {
    aws("eni-", name)
}

/// MAC address of an interface, in the locally administered range EC2 uses.
pub(crate) fn mac(name: &str) -> MacAddr {
    let bytes = *hash("mac:", name).as_bytes();
    MacAddr::new([0x06, bytes[0], bytes[1], bytes[2], bytes[3], bytes[4]])
}

/// Transit Gateway `tokyo`.
pub(crate) fn tgw(name: &str) -> String {
    aws("tgw-", name)
}

/// Transit Gateway route table `tokyo/default`.
pub(crate) fn tgw_route_table(path: &str) -> String {
    aws("tgw-rtb-", path)
}

/// Transit Gateway attachment `legacy`.
pub(crate) fn attachment(name: &str) -> String {
    aws("tgw-attach-", name)
}

/// VPN connection.
pub(crate) fn vpn(name: &str) -> String {
    aws("vpn-", name)
}

/// Direct Connect gateway: a bare UUID.
pub(crate) fn dx_gateway(name: &str) -> String {
    uuid("dx-gateway", name)
}

/// A cluster: shaped like a UUID, but not one (Prism reference §1.3).
pub(crate) fn cluster(name: &str) -> String {
    let hex = hash("cluster:", name).simple().to_string();
    format!("0006200e-{}-{}-0000-00000000601e", &hex[..4], &hex[4..8])
}
