//! The stayput command line.
fn main() {}
