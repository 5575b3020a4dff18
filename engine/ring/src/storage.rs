//! The memory both ends share, and the place an end has in it.
//!
//! Positions count items from 0 and never wrap (64 bits); a position modulo the capacity is an index
//! into the slots, and the bit above the index is the position's *turn*: 0 on the first lap, 1 on
//! the second, 0 on the third. A slot is published at a position when the top bit of its word is the
//! turn of that position. One bit is enough: the slot of position `p` can only hold what was
//! published at `p` or, a lap before it, at `p - capacity`, which has the other turn; `p + capacity`
//! is not written before the consumer has gone beyond `p`.
#![allow(unsafe_code, reason = "two threads share slots, each in its turn")]

use core::ptr::NonNull;

use bytemuck::Zeroable;

use crate::TAG_MAX;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, UnsafeCell};

/// The bit of a slot's word that says on which lap it was published.
const TURN_BIT: u64 = 1 << 63;

/// One place. The word is behind the payload, in the same cache line when there is room.
#[repr(C, align(64))]
pub(crate) struct Slot<P> {
    pub(crate) payload: UnsafeCell<P>,
    /// The tag, and the turn in [`TURN_BIT`].
    word: AtomicU64,
}

impl<P> Slot<P> {
    /// Stores the word: the payload before it is the consumer's now.
    #[inline]
    pub(crate) fn publish(&self, tag: u64, turn: u64) {
        self.word.store((tag & TAG_MAX) | turn, Ordering::Release);
    }

    /// The tag when the slot is published with this turn. Acquires: the payload is to be seen.
    #[inline]
    pub(crate) fn published(&self, turn: u64) -> Option<u64> {
        let word = self.word.load(Ordering::Acquire) ^ turn;
        (word <= TAG_MAX).then_some(word)
    }
}

#[cfg(not(all(test, loom)))]
const _: () = {
    assert!(size_of::<Slot<[u64; 7]>>() == 64 && size_of::<Slot<[u64; 8]>>() == 128);
    assert!(core::mem::offset_of!(Slot<[u64; 7]>, word) == 56);
};

/// Two lines of its own: processors fetch lines in pairs.
#[repr(align(128))]
struct Padded<T>(T);

/// What both ends hold.
pub(crate) struct Shared<P> {
    slots: Box<[Slot<P>]>,
    is_producer_gone: AtomicBool,
    is_consumer_gone: AtomicBool,
    /// Every position before it is the producer's again. The consumer writes it; the producer reads
    /// it only when the ring seems full, so the line rarely moves.
    head: Padded<AtomicU64>,
}

// SAFETY: a payload is reached by one end at a time (see `Cursor::slot`), which hands it from
// thread to thread: that takes `Send`. Everything else in here is atomic or never changes.
unsafe impl<P: Send> Sync for Shared<P> {}

/// Which end a cursor belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Producer,
    Consumer,
}

/// The place of one end.
pub(crate) struct Cursor<P> {
    shared: Arc<Shared<P>>,
    /// `shared.slots`, one load nearer.
    slots: NonNull<Slot<P>>,
    mask: u64,
    /// Moves the bit above the index to the top.
    turn_shift: u32,
    /// The next position to be published or taken.
    pub(crate) position: u64,
}

// SAFETY: the pointer leads into `shared`, which the cursor keeps alive, and `Shared` may be used
// from any thread when `P` may be sent to it.
unsafe impl<P: Send> Send for Cursor<P> {}

impl<P: Copy + Zeroable + Send> Cursor<P> {
    /// The cursors of both ends over new slots. The capacity is a power of two.
    pub(crate) fn pair(capacity: usize) -> (Self, Self) {
        assert!(capacity.is_power_of_two(), "a position's turn is the bit above its index");
        // Words begin with the turn that the first lap does not have. It is not zero, so making a
        // slot writes to its page and the first lap takes no page fault.
        let slot =
            || Slot { payload: UnsafeCell::new(P::zeroed()), word: AtomicU64::new(TURN_BIT) };
        let shared = Arc::new(Shared {
            slots: (0..capacity).map(|_| slot()).collect(),
            is_producer_gone: AtomicBool::new(false),
            is_consumer_gone: AtomicBool::new(false),
            head: Padded(AtomicU64::new(0)),
        });
        let cursor = |shared: Arc<Shared<P>>| Self {
            slots: NonNull::from(&*shared.slots).cast(),
            mask: capacity as u64 - 1,
            turn_shift: 63 - capacity.trailing_zeros(),
            position: 0,
            shared,
        };
        (cursor(Arc::clone(&shared)), cursor(shared))
    }
}

impl<P> Cursor<P> {
    #[inline]
    pub(crate) const fn capacity(&self) -> u64 {
        self.mask + 1
    }

    /// The slot `ahead` places from here.
    ///
    /// Whose payload it is: the producer's while its position is not published and is less than a
    /// capacity beyond [`Self::head`]; the consumer's from when its word shows the position's turn
    /// until the consumer moves the head beyond it.
    #[inline]
    pub(crate) const fn slot(&self, ahead: u64) -> &Slot<P> {
        let index = (self.position.wrapping_add(ahead) & self.mask) as usize;
        // SAFETY: the mask is the number of slots less one, so the index is of a slot.
        let slot = unsafe { self.slots.add(index) };
        // SAFETY: `self.shared` keeps the slots where they are; only their cells change.
        unsafe { slot.as_ref() }
    }

    /// The turn of the position `ahead` places from here, in [`TURN_BIT`].
    #[inline]
    pub(crate) const fn turn(&self, ahead: u64) -> u64 {
        (self.position.wrapping_add(ahead) << self.turn_shift) & TURN_BIT
    }

    /// The first position that is not the producer's yet. Acquires: what the consumer read before it
    /// is read.
    #[inline]
    pub(crate) fn head(&self) -> u64 {
        self.shared.head.0.load(Ordering::Acquire)
    }

    /// Gives everything before this position back to the producer. For the consumer.
    #[inline]
    pub(crate) fn release(&self) {
        self.shared.head.0.store(self.position, Ordering::Release);
    }

    fn gone(&self, end: End) -> &AtomicBool {
        match end {
            End::Producer => &self.shared.is_producer_gone,
            End::Consumer => &self.shared.is_consumer_gone,
        }
    }

    /// Whether an end has gone. Acquires: all it did is to be seen.
    #[inline]
    pub(crate) fn is_gone(&self, end: End) -> bool {
        self.gone(end).load(Ordering::Acquire)
    }

    /// Says that an end goes.
    pub(crate) fn leave(&self, end: End) {
        self.gone(end).store(true, Ordering::Release);
    }
}
