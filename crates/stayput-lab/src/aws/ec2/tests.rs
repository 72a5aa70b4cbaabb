//! Tests of the EC2 calls, as a client sees them.
