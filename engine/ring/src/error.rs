//! What a ring refuses, and why.

use core::{error, fmt};

/// Every place holds an item the consumer has not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the ring is full")
    }
}

impl error::Error for Full {}

/// No ring can have that many places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapacityError {
    /// What was asked for.
    pub capacity: usize,
}

impl fmt::Display for CapacityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (capacity, max) = (self.capacity, crate::CAPACITY_MAX);
        write!(f, "the capacity of a ring is a power of two from 1 to {max}, not {capacity}")
    }
}

impl error::Error for CapacityError {}
