//! Direct Connect.
