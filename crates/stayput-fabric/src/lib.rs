//! The routing model: trace, classes, proofs.
