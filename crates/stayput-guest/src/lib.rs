//! What a guest says about its own network, and what it loses when its interfaces change.
//!
//! [`GuestReport::parse`] reads what `guest/capture.sh` and `guest/capture.ps1` print. [`compare`] tells where EC2 and the guest differ.
//! [`advise`] tells what the guest loses after the move, when each interface has another MAC address, another PCI path, the driver
//! `virtio_net` and perhaps another name, and how to prevent it. Addresses are those of IPv4: the networks that move have no others.
//!
//! What is not read is never taken for fine: it is a [`Difference`] or an [`Advice`] whose consequence is [`Consequence::Unknown`].
//! Commands are text for a person or another program; nothing here runs them. Pure: no IO, no clock.

mod advice;
mod compare;
mod drivers;
mod linux;
mod parse;
mod quote;
mod report;
mod unread;
mod uses;
mod windows;
mod wire;
mod yaml;

pub use advice::Advice;
pub use advice::Consequence;
pub use advice::Fix;
pub use advice::Kind;
pub use advice::When;
pub use advice::advise;
pub use compare::Difference;
pub use compare::compare;
pub use parse::ReportError;
pub use report::Address;
pub use report::Binding;
pub use report::ConfigFile;
pub use report::Dns;
pub use report::Drivers;
pub use report::Dropped;
pub use report::Failed;
pub use report::GuestReport;
pub use report::Identity;
pub use report::Initramfs;
pub use report::Interface;
pub use report::Kernel;
pub use report::Origin;
pub use report::Os;
pub use report::Problem;
pub use report::StaticProfile;
pub use report::System;
pub use report::Use;
pub use report::WindowsDriver;
