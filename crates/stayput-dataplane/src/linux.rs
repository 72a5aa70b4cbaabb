//! The Linux implementation: namespaces, netlink, sockets.

mod echo;
mod namespace;
mod netlink;
mod node;
mod plane;
mod prober;
mod shell;

pub use self::plane::Outcome;
pub use self::plane::Plane;
pub use self::plane::TestPacket;
pub(super) use self::prober::Prober;
pub(super) use self::shell::run as run_script;
