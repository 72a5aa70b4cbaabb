//! Disagreements once found, by name.
