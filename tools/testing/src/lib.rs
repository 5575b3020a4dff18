//! What the tests of all crates share. No build of a user contains it.

pub mod allocation;
mod random;

pub use random::{Random, mix};
