//! The clients against a server on loopback that plays one scene each.

mod move_client;
mod prism_changes;
mod prism_reads;
mod prism_recovery;
mod server;
mod tls;
