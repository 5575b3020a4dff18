//! A fixed set of slots, numbered, handed out and taken back in O(1).
//!
//! Slots refer to each other by 32-bit numbers instead of pointers: half the size, no lifetimes.
//! A slot is a plain record; the pool never looks into it.

use core::ops::{Index, IndexMut, Range};

use tezi_prefetch::prefetch_item;

/// The slot number that means "none".
pub(super) const NONE: u32 = u32::MAX;

/// Slots of one type.
///
/// Behind the last slot is a *spare*, which is never handed out: [`Self::or_spare`] names it in the
/// place of [`NONE`], so that links can be followed and written without asking whether they are
/// there. Whether an order has neighbours is close to random, and a jump on it would be too.
///
/// # Invariants
///
/// - `free[..free_count]` names each slot that is not in use, once.
#[derive(Clone)]
pub(super) struct Pool<T> {
    slots: Box<[T]>,
    free: Box<[u32]>,
    free_count: usize,
}

impl<T: Copy> Pool<T> {
    /// A pool of `count` slots. Every page is written now, so that no page fault comes later.
    pub(super) fn new(count: u32, empty: T) -> Self {
        Self {
            slots: vec![empty; count as usize + 1].into_boxed_slice(),
            // Backwards: slots are handed out in ascending order, neighbours in memory.
            free: (0..count).rev().collect(),
            free_count: count as usize,
        }
    }

    /// Hands out a slot, `None` when all are in use. The slot used last comes first: it is the
    /// one most likely still in the cache.
    #[inline]
    pub(super) fn take(&mut self) -> Option<u32> {
        let last = self.free_count.checked_sub(1)?;
        let slot = *self.free.get(last)?;
        self.free_count = last;
        Some(slot)
    }

    /// Takes back a slot that [`Self::take`] gave.
    #[inline]
    pub(super) fn give_back(&mut self, slot: u32) {
        self.free[self.free_count] = slot;
        self.free_count += 1;
    }

    /// The slot, or the spare for [`NONE`].
    #[inline]
    pub(super) fn or_spare(&self, slot: u32) -> &T {
        &self.slots[(slot as usize).min(self.slots.len() - 1)]
    }

    /// The slot, or the spare for [`NONE`].
    #[inline]
    pub(super) fn or_spare_mut(&mut self, slot: u32) -> &mut T {
        let spare = self.slots.len() - 1;
        &mut self.slots[(slot as usize).min(spare)]
    }

    /// Asks for a slot, or for the spare for anything that is no slot.
    #[inline]
    pub(super) fn prefetch(&self, slot: u32) {
        prefetch_item(&self.slots, (slot as usize).min(self.slots.len() - 1));
    }

    /// Where the slots are.
    pub(super) fn memory(&self) -> Range<*const u8> {
        byte_range(&self.slots)
    }

    /// Slots in use.
    #[inline]
    pub(super) fn used(&self) -> usize {
        self.free.len() - self.free_count
    }

    /// Slots that can be taken.
    #[inline]
    pub(super) fn available(&self) -> usize {
        self.free_count
    }
}

/// The addresses of a slice.
pub(super) const fn byte_range<T>(slice: &[T]) -> Range<*const u8> {
    let Range { start, end } = slice.as_ptr_range();
    start.cast()..end.cast()
}

impl<T> Index<u32> for Pool<T> {
    type Output = T;
    #[inline]
    fn index(&self, slot: u32) -> &T {
        &self.slots[slot as usize]
    }
}

impl<T> IndexMut<u32> for Pool<T> {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.slots[slot as usize]
    }
}
