//! The lab's data plane in the Linux kernel: a third opinion on routing, with real packets.
//!
//! Every router and every machine of the lab is a network namespace, joined to others by virtual Ethernet. What a Transit Gateway table, a
//! subnet's table or a Flow VPC decides stands as routes of kernel tables, so it is the kernel that looks up, forwards, counts down the
//! time to live and drops. [`Layout`] says what shall stand, [`Plane`] makes it so after each change of the lab's state.
//!
//! Namespaces are held by open descriptors only: when the lab's process ends, however it ends, nothing of them is left. They are reached by
//! nobody outside the lab.

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod control;
#[cfg(not(target_os = "linux"))]
#[path = "kernel/elsewhere.rs"]
mod control;
mod layout;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod losses;
mod privilege;
pub mod report;

pub(crate) use self::control::Kernel;
pub use self::layout::Hop;
pub use self::layout::Layout;
pub use self::layout::LinkId;
pub use self::layout::Match;
pub use self::layout::Node;
pub use self::layout::NodeId;
pub use self::layout::TableId;
#[cfg(target_os = "linux")]
pub use self::linux::Asked;
#[cfg(target_os = "linux")]
pub use self::linux::Outcome;
#[cfg(target_os = "linux")]
pub use self::linux::Plane;
pub use self::privilege::NoNamespaces;
pub use self::privilege::Privilege;
pub use self::privilege::enter;
