//! A bounded ring between two threads: one produces, one consumes, nothing waits and nothing locks.
//!
//! An item is a payload and a tag of 63 bits; both lie in one slot with the bit that publishes them.
//! A payload of up to 56 bytes makes a slot of one cache line, so that one line moves between the
//! cores for an item, where a ring with shared indices moves two. The design, its proof and what was
//! measured are in `docs/decisions/0010-ring.md`.
//!
//! After [`ring`] nothing allocates and no memory is touched for the first time. Items come out in
//! the order they went in, each exactly once; an item is never dropped by the ring: when it is full
//! the producer is told and counts it. Either end may go at any time: the other can tell, and what
//! was pushed before is still read.
//!
//! ```
//! use tezi_ring::{Full, ring};
//!
//! let (mut producer, mut consumer) = ring::<[u64; 7]>(2)?;
//! producer.try_push([1; 7], 100).unwrap();
//! producer.push_with(200, |payload| payload[6] = 2).unwrap();
//! assert_eq!(producer.try_push([3; 7], 300), Err(Full));
//!
//! let item = consumer.pop().unwrap();
//! assert_eq!((item.payload, item.tag), ([1; 7], 100));
//! let mut tags = Vec::new();
//! assert_eq!(consumer.drain(16, |_, tag| tags.push(tag)), 1);
//! assert_eq!((tags, producer.full_count()), (vec![200], 1));
//! # Ok::<(), tezi_ring::CapacityError>(())
//! ```

mod consumer;
mod error;
mod producer;
mod storage;
mod sync;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

pub use consumer::{Consumer, Item};
pub use error::{CapacityError, Full};
pub use producer::{Producer, Reservation};

use bytemuck::Zeroable;
use storage::Cursor;

/// The largest capacity of a ring, in items.
pub const CAPACITY_MAX: usize = 1 << 30;

/// The largest tag: 63 bits. The bit above it publishes the slot.
pub const TAG_MAX: u64 = u64::MAX >> 1;

/// Size of one place of a ring of `P`, in bytes: a multiple of 64.
///
/// ```
/// const _: () = assert!(tezi_ring::slot_size::<[u64; 7]>() == 64);
/// ```
#[must_use]
pub const fn slot_size<P>() -> usize {
    size_of::<storage::Slot<P>>()
}

/// A ring of `capacity` places, all allocated and touched here, and its two ends.
///
/// # Errors
///
/// [`CapacityError`] when `capacity` is no power of two from 1 to [`CAPACITY_MAX`].
pub fn ring<P: Copy + Zeroable + Send>(
    capacity: usize,
) -> Result<(Producer<P>, Consumer<P>), CapacityError> {
    if !capacity.is_power_of_two() || capacity > CAPACITY_MAX {
        return Err(CapacityError { capacity });
    }
    let (producer, consumer) = Cursor::pair(capacity);
    Ok((Producer::new(producer), Consumer::new(consumer)))
}
