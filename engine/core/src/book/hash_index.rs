//! Finds an order's slot by a hash of its number: a fixed table of small buckets, for the orders whose
//! place in the direct table ([`super::index`]) is taken.
//!
//! A bucket is half a cache line: six one-byte tags in one word, compared all at once, and six
//! slots. An order lies in the bucket its hash names or, when that is full, in the next with room;
//! a bucket counts the orders that went past it, so that a search knows where to stop and nothing
//! moves when an order leaves (N. Bronson and X. Shi, "Open-sourcing F14", 2019). At the bound
//! a bucket of six holds three on average, and one in thirty was passed.
//!
//! The table does not know the orders: the caller confirms a hit on the record that it reads next
//! anyway.

use core::ops::Range;

use tezi_model::OrderId;

use super::pool::byte_range;

/// Orders in a bucket.
const WIDTH: usize = 6;
/// One in each byte of a tag.
const ONES: u64 = 0x0000_0101_0101_0101;
/// The highest bit of each tag.
const HIGHS: u64 = ONES << 7;
/// Where in its word a bucket counts the orders that went past it.
const PASSED_SHIFT: u32 = 48;
const PASSED_ONE: u64 = 1 << PASSED_SHIFT;
/// At this count it is not known any more, and stays.
const PASSED_MAX: u64 = (u16::MAX as u64) << PASSED_SHIFT;

/// 64 hash bits of a number within its segment: the upper name a bucket, the lowest are the tag.
///
/// One multiplication (Knuth's multiplicative hashing) spreads consecutive order numbers over the
/// table, and one fold makes the low bits depend on all. It is the same on every machine, so a
/// replay probes as the live engine did.
#[inline]
pub(super) const fn hash(segment_code: u8, order_id: OrderId) -> u64 {
    let mixed = order_id.0 ^ (segment_code as u64).rotate_right(8);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 28)
}

/// Half a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Bucket {
    /// Six tags, 0 where there is no order, and above them how many went past.
    word: u64,
    slots: [u32; WIDTH],
}

const _: () = assert!(size_of::<Bucket>() == 32);

impl Bucket {
    const EMPTY: Self = Self { word: 0, slots: [u32::MAX; WIDTH] };

    /// The high bit of each tag that equals `tag`, exact up to the first. Above that one a tag that
    /// differs in its lowest bit only may be named too: the borrow of the subtraction.
    #[inline]
    const fn matches(&self, tag: u64) -> u64 {
        let difference = self.word ^ (tag * ONES);
        difference.wrapping_sub(ONES) & !difference & HIGHS
    }

    #[inline]
    const fn has_passed(&self) -> bool {
        self.word >= PASSED_ONE
    }
}

/// The table.
///
/// # Invariants
///
/// - At most half of the places are used.
/// - Every bucket from the one an order's hash names up to the one before its own counts it,
///   unless its count is at its end, where it stays.
#[derive(Clone)]
pub(super) struct HashIndex {
    buckets: Box<[Bucket]>,
    used: usize,
}

/// Where in the table an order is.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    bucket: u32,
    place: u32,
}

impl HashIndex {
    /// A table for up to `orders_max` orders, at most 2³⁰.
    pub(super) fn new(orders_max: u32) -> Self {
        let length = (orders_max as usize).div_ceil(WIDTH / 2).max(4);
        Self { buckets: vec![Bucket::EMPTY; length].into_boxed_slice(), used: 0 }
    }

    /// The slot with this hash that `is_it` confirms, and where it is.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<(Entry, u32)> {
        let mut index = self.home(hash);
        loop {
            let bucket = &self.buckets[index];
            let mut matches = bucket.matches(tag(hash));
            while matches != 0 {
                let place = matches.trailing_zeros() / 8;
                let slot = bucket.slots[place as usize];
                if is_it(slot) {
                    return Some((Entry { bucket: index as u32, place }, slot));
                }
                matches &= matches - 1;
            }
            if !bucket.has_passed() {
                return None;
            }
            index = self.next(index);
        }
    }

    /// Adds a slot that is not in the table.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        assert!(self.used < self.buckets.len() * (WIDTH / 2), "the index is at most half full");
        let mut index = self.home(hash);
        while self.buckets[index].matches(0) == 0 {
            let word = &mut self.buckets[index].word;
            if *word < PASSED_MAX {
                *word += PASSED_ONE;
            }
            index = self.next(index);
        }
        let bucket = &mut self.buckets[index];
        let place = bucket.matches(0).trailing_zeros() / 8;
        bucket.word |= tag(hash) << (place * 8);
        bucket.slots[place as usize] = slot;
        self.used += 1;
    }

    /// Removes what [`Self::find`] found.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, entry: Entry) {
        let mut index = self.home(hash);
        while index != entry.bucket as usize {
            let word = &mut self.buckets[index].word;
            if *word < PASSED_MAX {
                *word -= PASSED_ONE;
            }
            index = self.next(index);
        }
        self.buckets[index].word &= !(0xFF << (entry.place * 8));
        self.used -= 1;
    }

    /// Where the buckets are.
    pub(super) const fn memory(&self) -> Range<*const u8> {
        byte_range(&self.buckets)
    }

    /// Entries in use.
    #[cfg(test)]
    pub(super) const fn used(&self) -> usize {
        self.used
    }

    /// The bucket a hash names: its upper half as a fraction of the table.
    #[inline]
    const fn home(&self, hash: u64) -> usize {
        (((hash >> 32) * self.buckets.len() as u64) >> 32) as usize
    }

    #[inline]
    const fn next(&self, index: usize) -> usize {
        if index + 1 < self.buckets.len() { index + 1 } else { 0 }
    }
}

/// Never 0, which stands for no order, and never 1, which a borrow could take for it.
#[inline]
const fn tag(hash: u64) -> u64 {
    let tag = hash & 0xFF;
    tag | ((tag < 2) as u64) << 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash that names a bucket of a table of four, with a tag.
    const fn hash_at(bucket: u64, tag: u64) -> u64 {
        bucket << 62 | tag
    }

    #[test]
    fn orders_of_one_bucket_are_found_after_any_of_them_is_removed() {
        // Twelve that want the last bucket, of which half go around, and two that want the first.
        let last = (0..10).map(|order| hash_at(3, order % 5));
        let hashes: Vec<u64> = last.chain([hash_at(0, 1), hash_at(0, 0)]).collect();
        for removed in 0..hashes.len() {
            let mut index = HashIndex::new(12);
            for (slot, &hash) in (0u32..).zip(&hashes) {
                index.insert(hash, slot);
            }
            let place = |index: &HashIndex, slot: u32| {
                index.find(hashes[slot as usize], |found| found == slot)
            };
            let (entry, slot) = place(&index, removed as u32).unwrap();
            assert_eq!(slot as usize, removed);
            index.remove(hashes[removed], entry);
            assert_eq!(index.used(), hashes.len() - 1);
            for slot in 0..hashes.len() as u32 {
                let expected = (slot as usize != removed).then_some(slot);
                assert_eq!(place(&index, slot).map(|found| found.1), expected);
            }
            for slot in (0..hashes.len() as u32).filter(|&slot| slot as usize != removed) {
                let (entry, _) = place(&index, slot).unwrap();
                index.remove(hashes[slot as usize], entry);
            }
            let is_empty = index.buckets.iter().all(|bucket| bucket.word == 0);
            assert!(is_empty && index.used() == 0, "counts of passing orders come back to 0");
        }
    }

    #[test]
    fn a_count_at_its_end_stays_and_loses_nothing() {
        let mut index = HashIndex::new(12);
        index.buckets[1].word = PASSED_MAX - PASSED_ONE;
        let hashes: Vec<u64> = (1..=8).map(|tag| hash_at(1, tag)).collect();
        for (slot, &hash) in (0u32..).zip(&hashes) {
            index.insert(hash, slot);
        }
        for (slot, &hash) in (0u32..).zip(&hashes) {
            let (entry, _) = index.find(hash, |found| found == slot).unwrap();
            index.remove(hash, entry);
            assert!(index.find(hash, |found| found == slot).is_none());
        }
        assert_eq!((index.buckets[1].word, index.used()), (PASSED_MAX, 0));
    }

    #[test]
    fn segments_are_spaces_of_their_own() {
        let id = OrderId(1_100_000_002_381_272);
        assert_ne!(hash(1, id), hash(2, id));
    }
}
