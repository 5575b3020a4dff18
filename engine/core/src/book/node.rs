//! A node of a ladder's tree: a short sorted array of keys, each with a slot.
//!
//! Keys and slots are two arrays, so that a search reads keys only.

use super::pool::NONE;

/// Keys in a node: with its header, nine cache lines. More (62) is no faster on a book of 1,000
/// levels, fewer (30) a tenth slower there, and neither gains on a book of 100.
pub(super) const FANOUT: usize = 46;
/// The fewest keys in a node that is not a root.
pub(super) const KEYS_MIN: usize = FANOUT / 4;
/// A leaf holds ranks and the slots of their levels; an inner node holds, for each child, the
/// least rank that may be in it (that of the first child is not looked at) and the child.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Node {
    pub(super) count: u32,
    /// The neighbour at the same depth with better ranks.
    pub(super) better: u32,
    /// The neighbour at the same depth with worse ranks.
    pub(super) worse: u32,
    /// Ascending: the best is the last.
    pub(super) keys: [i64; FANOUT],
    pub(super) slots: [u32; FANOUT],
}

const _: () = assert!(size_of::<Node>() == 576);

impl Node {
    pub(super) const EMPTY: Self =
        Self { count: 0, better: NONE, worse: NONE, keys: [0; FANOUT], slots: [NONE; FANOUT] };

    #[inline]
    pub(super) fn len(&self) -> usize {
        (self.count as usize).min(FANOUT)
    }

    #[inline]
    pub(super) fn keys(&self) -> &[i64] {
        &self.keys[..self.len()]
    }

    /// How many keys are below `rank`: where it is, or would be put.
    #[inline]
    pub(super) fn position(&self, rank: i64) -> usize {
        self.keys().partition_point(|&key| key < rank)
    }

    /// The position of the child that may hold `rank`.
    #[inline]
    pub(super) fn child_position(&self, rank: i64) -> usize {
        self.keys().partition_point(|&key| key <= rank).saturating_sub(1)
    }

    #[inline]
    pub(super) fn insert(&mut self, position: usize, key: i64, slot: u32) {
        let count = self.len();
        self.keys.copy_within(position..count, position + 1);
        self.slots.copy_within(position..count, position + 1);
        self.keys[position] = key;
        self.slots[position] = slot;
        self.count += 1;
    }

    #[inline]
    pub(super) fn remove(&mut self, position: usize) {
        let count = self.len();
        self.keys.copy_within(position + 1..count, position);
        self.slots.copy_within(position + 1..count, position);
        self.count -= 1;
    }

    /// Gives the slot at a position another key that belongs in this node.
    #[inline]
    pub(super) fn rekey(&mut self, from: usize, key: i64) {
        let slot = self.slots[from];
        let mut to = self.position(key);
        if from < to {
            to -= 1; // its own key goes from before it
            self.keys.copy_within(from + 1..to + 1, from);
            self.slots.copy_within(from + 1..to + 1, from);
        } else {
            self.keys.copy_within(to..from, to + 1);
            self.slots.copy_within(to..from, to + 1);
        }
        self.keys[to] = key;
        self.slots[to] = slot;
    }

    /// The slot of the greatest key.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        self.slots[..self.len()].last().copied().unwrap_or(NONE)
    }

    /// Moves the keys from `position` on to the front of `right`.
    pub(super) fn move_tail(&mut self, position: usize, right: &mut Self) {
        let (moved, kept) = (self.len() - position, right.len());
        right.keys.copy_within(..kept, moved);
        right.slots.copy_within(..kept, moved);
        right.keys[..moved].copy_from_slice(&self.keys[position..][..moved]);
        right.slots[..moved].copy_from_slice(&self.slots[position..][..moved]);
        right.count += moved as u32;
        self.count -= moved as u32;
    }

    /// Moves the first `moved` keys of `right` to the end.
    pub(super) fn move_head(&mut self, moved: usize, right: &mut Self) {
        let (count, kept) = (self.len(), right.len());
        self.keys[count..][..moved].copy_from_slice(&right.keys[..moved]);
        self.slots[count..][..moved].copy_from_slice(&right.slots[..moved]);
        right.keys.copy_within(moved..kept, 0);
        right.slots.copy_within(moved..kept, 0);
        self.count += moved as u32;
        right.count -= moved as u32;
    }
}
