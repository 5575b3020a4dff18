//! tezi
fn main() {}
