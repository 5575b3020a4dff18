//! Finds a level by its price without the tree: a table of where such a level last was.
//!
//! Most orders join a level that is there. The tree finds it in two or three searches of a node;
//! this table guesses its slot from ladder and price in one read, and the level itself, which is
//! read next anyway, says whether the guess is right. A wrong guess costs the search that it would
//! have saved. So the table has no invariant: entries may be old, lost or anybody's.

use core::ops::Range;

use tezi_model::Px;
use tezi_prefetch::prefetch_item;

use super::pool::{NONE, byte_range};

/// The table.
#[derive(Clone)]
pub(super) struct LevelCache {
    /// Slots of levels. Length is a power of two.
    slots: Box<[u32]>,
    /// 64 minus the binary logarithm of the length.
    shift: u32,
}

impl LevelCache {
    /// A table with a place for each of `levels_max` levels, or more.
    pub(super) fn new(levels_max: u32) -> Self {
        let length = (levels_max.max(8) as usize).next_power_of_two();
        Self { slots: vec![NONE; length].into_boxed_slice(), shift: 64 - length.trailing_zeros() }
    }

    /// Where the table is.
    pub(super) const fn memory(&self) -> Range<*const u8> {
        byte_range(&self.slots)
    }

    /// The slot of the level, if anything is known of it.
    #[inline]
    pub(super) fn guess(&self, ladder: u32, price: Px) -> u32 {
        self.slots[self.place(ladder, price)]
    }

    /// Asks for what [`Self::guess`] reads, and says where that is: the same place for everything
    /// without a price, so that asking costs nothing.
    #[inline]
    pub(super) fn prefetch(&self, ladder: u32, price: Px) -> u32 {
        let has_price = usize::from(price != Px::ZERO);
        let place = self.place(ladder, price) * has_price;
        prefetch_item(&self.slots, place);
        place as u32
    }

    /// The slot at a place.
    #[inline]
    pub(super) fn guess_at(&self, place: u32) -> u32 {
        self.slots[place as usize]
    }

    /// Remembers where a level is.
    #[inline]
    pub(super) fn note(&mut self, ladder: u32, price: Px, slot: u32) {
        let place = self.place(ladder, price);
        self.slots[place] = slot;
    }

    /// One multiplication, as in the index of orders, and the same on every machine. The side is
    /// left out: an event that replaces an order may not say it.
    #[inline]
    const fn place(&self, ladder: u32, price: Px) -> usize {
        let mixed = price.0.cast_unsigned() ^ (ladder as u64 >> 1).rotate_right(20);
        let mixed = mixed ^ (mixed >> 32);
        (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }
}
