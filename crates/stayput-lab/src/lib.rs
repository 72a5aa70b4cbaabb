//! The lab: AWS, two Prism Centrals and Move on loopback, over their real protocols, with TLS and virtual time.
//!
//! It keeps behaviour, not canned answers. It never uses the fabric or the planner: its own packet walk is a second,
//! independent implementation that tests compare with the fabric.

pub mod aws;
pub mod clock;
pub mod http;
pub mod mv;
pub mod prism;
pub mod state;
