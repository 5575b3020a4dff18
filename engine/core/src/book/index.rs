//! Finds an order's slot by its number: a fixed open-addressing table.
//!
//! Linear probing, at most half full, deletion by shifting back (D. Knuth, The Art of Computer
//! Programming, volume 3, section 6.4, algorithm R), so there are no tombstones and a day of
//! churn leaves it as fast as the first minute. An entry is eight bytes: the hash, which also
//! tells where the entry wants to be, and the slot. The table does not know the orders: the
//! caller confirms a hit on the record that it reads next anyway.

use tezi_model::OrderId;

/// An unused entry. Not zero: a table of zeroes would be pages that do not exist yet.
const EMPTY: u64 = u64::MAX;

/// The upper half of an entry: 32 hash bits of a number within its segment.
///
/// One multiplication (Knuth's multiplicative hashing) spreads consecutive order numbers over the
/// table. It is the same on every machine, so a replay probes as the live engine did.
#[inline]
pub(super) const fn hash(segment_code: u8, order_id: OrderId) -> u32 {
    let mixed = order_id.0 ^ (segment_code as u64).rotate_right(8);
    let mixed = mixed ^ (mixed >> 32);
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32
}

/// The table.
///
/// # Invariants
///
/// - At most half of the entries are used.
/// - No unused entry lies between an entry and the place its hash names.
#[derive(Clone)]
pub(super) struct OrderIndex {
    /// `hash << 32 | slot`, or [`EMPTY`]. Length is a power of two.
    entries: Box<[u64]>,
    /// 32 minus the binary logarithm of the length.
    shift: u32,
    used: usize,
}

impl OrderIndex {
    /// A table for up to `orders_max` orders, at most 2³⁰.
    pub(super) fn new(orders_max: u32) -> Self {
        let length = (orders_max.max(8) as usize * 2).next_power_of_two();
        Self {
            entries: vec![EMPTY; length].into_boxed_slice(),
            shift: 32 - length.trailing_zeros(),
            used: 0,
        }
    }

    /// The slot with this hash that `is_it` confirms.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.entries.len() - 1;
        let mut position = self.home(hash);
        loop {
            let entry = self.entries[position & mask];
            if entry == EMPTY {
                return None;
            }
            if (entry >> 32) as u32 == hash && is_it(entry as u32) {
                return Some(entry as u32);
            }
            position += 1;
        }
    }

    /// Adds a slot that is not in the table.
    #[inline]
    pub(super) fn insert(&mut self, hash: u32, slot: u32) {
        assert!(self.used * 2 < self.entries.len(), "the order index is at most half full");
        let mask = self.entries.len() - 1;
        let mut position = self.home(hash);
        while self.entries[position & mask] != EMPTY {
            position += 1;
        }
        self.entries[position & mask] = u64::from(hash) << 32 | u64::from(slot);
        self.used += 1;
    }

    /// Removes a slot that is in the table.
    #[inline]
    pub(super) fn remove(&mut self, hash: u32, slot: u32) {
        let mask = self.entries.len() - 1;
        let wanted = u64::from(hash) << 32 | u64::from(slot);
        let mut hole = self.home(hash);
        while self.entries[hole & mask] != wanted {
            assert!(self.entries[hole & mask] != EMPTY, "a resting order is in the index");
            hole += 1;
        }
        let mut position = hole;
        loop {
            position += 1;
            let entry = self.entries[position & mask];
            if entry == EMPTY {
                break;
            }
            // The entry may fill the hole unless that lies before the place it wants to be.
            let from_home = position.wrapping_sub(self.home((entry >> 32) as u32)) & mask;
            if from_home >= position - hole {
                self.entries[hole & mask] = entry;
                hole = position;
            }
        }
        self.entries[hole & mask] = EMPTY;
        self.used -= 1;
    }

    /// Entries in use.
    #[inline]
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    #[inline]
    const fn home(&self, hash: u32) -> usize {
        (hash >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_one_home_are_found_after_any_of_them_is_removed() {
        for removed in 0..5 {
            // Three that want the last place and two that want the first: the run wraps around.
            let hashes = [u32::MAX, u32::MAX - 1, u32::MAX - 2, 0, 1];
            let mut index = OrderIndex::new(8);
            for (slot, &hash) in (0u32..).zip(&hashes) {
                index.insert(hash, slot);
            }
            index.remove(hashes[removed], removed as u32);
            assert_eq!(index.used(), 4);
            for (slot, &hash) in (0u32..).zip(&hashes) {
                let expected = (slot as usize != removed).then_some(slot);
                assert_eq!(index.find(hash, |found| found == slot), expected);
            }
        }
    }

    #[test]
    fn segments_are_spaces_of_their_own() {
        let id = OrderId(1_100_000_002_381_272);
        assert_ne!(hash(1, id), hash(2, id));
    }
}
