//! The C interface of `include/tezi.h`: the host in a process of another language, and strategies in
//! shared objects. `include/tezi.hpp` wraps it for C++. A strategy in Rust pays nothing for it.
//!
//! What crosses is plain data by pointer and functions by table; the header and [`abi`] say the same, and
//! a test that compiles the header compares sizes and offsets.

pub mod abi;
mod calls;
pub mod host;
mod library;
mod strategy;

pub use library::{Library, LibraryError};
pub use strategy::{ForeignStrategy, StrategyError};
