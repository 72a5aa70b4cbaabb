//! The lab's data plane in the Linux kernel: a third implementation of routing, with real packets.
//!
//! Every router and every machine of the lab is a network namespace. Virtual Ethernet links join them. What a Transit Gateway
//! table, a subnet's table or a Flow VPC decides becomes routes of kernel tables, so the kernel does the lookup, forwards,
//! decrements the time to live and drops. [`Layout`] computes what must exist, and [`Plane`] applies it after each change of the
//! lab's state.
//!
//! The lab does not know this crate: the program that starts a lab passes [`Kernel`] to it as its [`stayput_lab::DataPlane`].
//!
//! Namespaces are held only by open file descriptors, so none is left when the lab's process ends, even when it is killed. They
//! cannot be reached from outside the lab.

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod control;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod control;
mod guests;
mod layout;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod losses;
mod privilege;
pub mod report;

pub use self::control::Kernel;
pub use self::guests::GuestMachines;
pub use self::layout::Hop;
pub use self::layout::Layout;
pub use self::layout::LinkId;
pub use self::layout::Match;
pub use self::layout::Node;
pub use self::layout::NodeId;
pub use self::layout::TableId;
#[cfg(target_os = "linux")]
pub use self::linux::Outcome;
#[cfg(target_os = "linux")]
pub use self::linux::Plane;
#[cfg(target_os = "linux")]
pub use self::linux::TestPacket;
pub use self::privilege::NoNamespaces;
pub use self::privilege::Privilege;
pub use self::privilege::enter;
