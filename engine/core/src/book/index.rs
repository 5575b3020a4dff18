//! Finds an order's slot by its number: a table that the number itself points into.
//!
//! Exchanges number orders from a counter, so the last digits of a number are as good as a hash, and
//! better: orders that come one after the other lie side by side, so that a new order's place is in a
//! line that is in the cache already, and there is nothing to probe. The place is the number modulo
//! the length of the table, which is at least four times the bound on orders: an old order that is in the
//! way of a new one is then rare.
//!
//! An order whose place another holds goes to a hash table of all numbers, and the place counts it,
//! so that a search knows whether it has to look there. Numbers that are no counter at all cost what a
//! hash table costs, and nothing worse.
//!
//! The tables do not know the orders: the caller confirms a hit on the record that it reads next
//! anyway.

use core::ops::Range;

use tezi_model::OrderId;
use tezi_prefetch::prefetch_item;

use super::hash_index::{self, HashIndex};
use super::pool::byte_range;

/// Places for each order at the bound. With two in place of four, one event in ten of a book that is
/// four fifths full met a place that was taken.
const PLACES: usize = 4;
/// The bits of a place that name a slot; all of them set where there is none.
const SLOT: u32 = u32::MAX >> 1;
/// The bit of a place that says that others of this place are in the hash table.
const CROWDED: u32 = !SLOT;

/// The index of all orders.
///
/// # Invariants
///
/// - An order is at its place, or in the hash table and counted there by its place.
/// - A place is `CROWDED` exactly when its count is not 0; a count at its end stays.
#[derive(Clone)]
pub(super) struct OrderIndex {
    /// Slots by the end of the number. Length is a power of two.
    places: Box<[u32]>,
    /// How many orders of each place are in the hash table.
    crowds: Box<[u8]>,
    crowded: HashIndex,
    used: usize,
}

impl OrderIndex {
    /// An index for up to `orders_max` orders, at most 2³⁰.
    pub(super) fn new(orders_max: u32) -> Self {
        let length = (orders_max.max(8) as usize * PLACES).next_power_of_two();
        Self {
            places: vec![SLOT; length].into_boxed_slice(),
            crowds: vec![0; length].into_boxed_slice(),
            crowded: HashIndex::new(orders_max),
            used: 0,
        }
    }

    /// The slot of the order with this number, which `is_it` confirms.
    #[inline(always)]
    pub(super) fn find(
        &self,
        segment_code: u8,
        order_id: OrderId,
        is_it: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let entry = self.places[self.place(segment_code, order_id)];
        let slot = entry & SLOT;
        if slot != SLOT && is_it(slot) {
            return Some(slot);
        }
        if entry & CROWDED == 0 { None } else { self.find_crowded(segment_code, order_id, is_it) }
    }

    #[inline(never)]
    fn find_crowded(
        &self,
        segment_code: u8,
        order_id: OrderId,
        is_it: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        self.crowded.find(hash_index::hash(segment_code, order_id), is_it).map(|found| found.1)
    }

    /// Adds a slot whose order is not in the index.
    #[inline]
    pub(super) fn insert(&mut self, segment_code: u8, order_id: OrderId, slot: u32) {
        let place = self.place(segment_code, order_id);
        let entry = &mut self.places[place];
        self.used += 1;
        if *entry & SLOT == SLOT {
            *entry = *entry & CROWDED | slot;
        } else {
            self.crowd(place, hash_index::hash(segment_code, order_id), slot);
        }
    }

    /// Removes an order that is in the index, with its slot.
    #[inline]
    pub(super) fn remove(&mut self, segment_code: u8, order_id: OrderId, slot: u32) {
        let place = self.place(segment_code, order_id);
        let entry = &mut self.places[place];
        self.used -= 1;
        if *entry & SLOT == slot {
            *entry |= SLOT;
        } else {
            self.thin_out(place, hash_index::hash(segment_code, order_id), slot);
        }
    }

    /// Asks for the place of a number, and says where that is.
    #[inline]
    pub(super) fn prefetch(&self, segment_code: u8, order_id: OrderId) -> u32 {
        let place = self.place(segment_code, order_id);
        prefetch_item(&self.places, place);
        place as u32
    }

    /// The slot at a place, most likely that of the order asked for; where there is none, a number that
    /// is no slot.
    #[inline]
    pub(super) fn guess(&self, place: u32) -> u32 {
        self.places[place as usize] & SLOT
    }

    /// Where the tables are.
    pub(super) const fn memory(&self) -> [Range<*const u8>; 2] {
        [byte_range(&self.places), self.crowded.memory()]
    }

    /// Entries in use.
    #[inline]
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// The end of a number. Segments begin at places of their own, all over the table.
    #[inline]
    const fn place(&self, segment_code: u8, order_id: OrderId) -> usize {
        let start = (segment_code as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        order_id.0.wrapping_add(start) as usize & (self.places.len() - 1)
    }

    /// Files an order whose place is taken.
    #[inline(never)]
    fn crowd(&mut self, place: usize, hash: u64, slot: u32) {
        self.crowded.insert(hash, slot);
        self.crowds[place] = self.crowds[place].saturating_add(1);
        self.places[place] |= CROWDED;
    }

    /// Removes an order that did not lie at its place.
    #[inline(never)]
    fn thin_out(&mut self, place: usize, hash: u64, slot: u32) {
        let found = self.crowded.find(hash, |other| other == slot);
        assert!(found.is_some(), "an order that is not at its place is in the hash table");
        if let Some((entry, _)) = found {
            self.crowded.remove(hash, entry);
        }
        let crowd = &mut self.crowds[place];
        if *crowd < u8::MAX {
            *crowd -= 1;
        }
        if *crowd == 0 {
            self.places[place] &= !CROWDED;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = *state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    /// Random orders come and go; each is found where the model says, and no other is.
    fn compare_with_map(seed: u64, orders_max: u32, id_of: impl Fn(u64) -> u64) {
        let mut state = seed;
        let mut index = OrderIndex::new(orders_max);
        let mut model = BTreeMap::<(u8, u64), u32>::new();
        let mut keys = vec![(0, 0); orders_max as usize];
        let mut free: Vec<u32> = (0..orders_max).collect();
        for step in 0..20_000 {
            let key = (random(&mut state) as u8 % 2, id_of(random(&mut state)));
            let id = OrderId(key.1);
            let found = index.find(key.0, id, |slot| keys[slot as usize] == key);
            let at = format!("seed {seed} step {step}: {key:?}");
            assert_eq!(found, model.get(&key).copied(), "{at}");
            match (found, free.pop()) {
                (Some(slot), room) => {
                    index.remove(key.0, id, slot);
                    keys[slot as usize] = (0, 0);
                    model.remove(&key);
                    free.extend(room);
                    free.push(slot);
                }
                (None, Some(slot)) => {
                    index.insert(key.0, id, slot);
                    keys[slot as usize] = key;
                    model.insert(key, slot);
                }
                (None, None) => {}
            }
            assert_eq!(index.used(), model.len(), "{at}");
        }
        for ((code, id), slot) in model {
            index.remove(code, OrderId(id), slot);
        }
        let is_quiet = |(&place, &crowd): (&u32, &u8)| (place, crowd) == (SLOT, 0);
        let is_empty = index.places.iter().zip(&index.crowds).all(is_quiet);
        assert!((is_empty, index.crowded.used()) == (true, 0), "counts come back to 0");
    }

    #[test]
    fn numbers_of_a_counter_are_found() {
        compare_with_map(1, 64, |drawn| 1_100_000_000_000_000 + drawn % 90);
    }

    #[test]
    fn numbers_that_share_their_places_are_found() {
        compare_with_map(2, 64, |drawn| (drawn % 90) * 64);
        compare_with_map(3, 200, |drawn| 7 + (drawn % 250) * 512);
        compare_with_map(4, 64, |drawn| (drawn % 90).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    }

    #[test]
    fn a_count_at_its_end_stays_and_loses_nothing() {
        let mut index = OrderIndex::new(400);
        let ids: Vec<_> = (1..=400).map(|number| OrderId(number << 32)).collect();
        for (slot, &id) in (0..).zip(&ids) {
            index.insert(1, id, slot);
        }
        for (slot, &id) in (0..).zip(&ids) {
            assert_eq!(index.find(1, id, |found| found == slot), Some(slot));
            index.remove(1, id, slot);
            assert!(index.find(1, id, |found| found == slot).is_none());
        }
        assert_eq!((index.used(), index.crowded.used()), (0, 0));
        assert_eq!(index.places.iter().filter(|&&place| place == SLOT | CROWDED).count(), 1);
    }
}
