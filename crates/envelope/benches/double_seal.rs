//! The cost of the double seal.
fn main() {}
