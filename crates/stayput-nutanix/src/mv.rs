//! Nutanix Move.
