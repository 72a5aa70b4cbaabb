//! Observes and acts on AWS.
