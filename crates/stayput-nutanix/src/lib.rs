//! Typed clients for Prism Central v4 and Move v2.
