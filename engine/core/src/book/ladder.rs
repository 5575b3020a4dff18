//! The price levels of each side, in order: an array near the touch, a B+ tree beyond it.
//!
//! Most events are near the touch, where a short sorted array with the best price at its end is
//! unbeaten; a side with a thousand levels needs better than an array. A ladder is a B+ tree
//! (D. Comer, "The Ubiquitous B-Tree", 1979) with nodes of 46 keys, and it remembers the leaf
//! with the best prices and the least key that leaf may hold. A side of up to 46 levels is that
//! one leaf; of a deeper one, events near the touch still go to the leaf without a descent.
//!
//! Keys are *ranks*, not prices: higher is better on both sides, so bid and ask are one algorithm.

use core::ops::Range;

use tezi_model::{Px, Side};
use tezi_prefetch::{prefetch, prefetch_item};

use super::node::{FANOUT, KEYS_MIN, Node};
use super::pool::{NONE, Pool};

/// Higher than a tree of 2³⁰ levels can be: 11⁹ is more.
const HEIGHT_MAX: usize = 9;

/// The order of a price on its side: the better price ranks higher.
///
/// `!x` is `-x - 1`: it turns the order round as negation does, and exists for every integer.
#[inline]
pub(super) const fn rank(side: Side, price: Px) -> i64 {
    match side {
        Side::Buy => price.0,
        Side::Sell => !price.0,
    }
}

/// One side of one book.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
struct Ladder {
    /// The least rank that belongs to `best_leaf`.
    floor: i64,
    root: u32,
    best_leaf: u32,
    /// The slot of the best level, `NONE` when there is none.
    best: u32,
    levels: u32,
    /// Inner nodes above a leaf.
    height: u32,
}

impl Ladder {
    const ABSENT: Self =
        Self { floor: i64::MIN, root: NONE, best_leaf: NONE, best: NONE, levels: 0, height: 0 };
}

/// The ladders of all sides over one pool of nodes.
///
/// # Invariants
///
/// - The leaves of a ladder hold its ranks once each, ascending; all are at the same depth.
/// - A node that is not a root has at least `KEYS_MIN` keys; a root that is no leaf has two.
/// - The first key of an inner node is its key in its parent; at the worst end, where that is the
///   least integer, no key is below it.
/// - `best_leaf` is the leaf with the best ranks, `best` its last slot.
#[derive(Clone)]
pub(super) struct Ladders {
    /// Behind the last is a spare that is never opened, as in a pool.
    ladders: Box<[Ladder]>,
    nodes: Pool<Node>,
}

impl Ladders {
    /// Room for `ladders_max` ladders with `levels_max` levels among them.
    ///
    /// The pool cannot run dry: beside one root a ladder, a leaf stands for at least 11 levels and
    /// an inner node for at least 11 nodes: levels/11 · (1 + 1/11 + 1/121 + …) = levels/10.
    pub(super) fn new(ladders_max: u32, levels_max: u32) -> Self {
        let nodes_max = ladders_max + levels_max.div_ceil(10) + HEIGHT_MAX as u32 + 1;
        Self {
            ladders: vec![Ladder::ABSENT; ladders_max as usize + 1].into_boxed_slice(),
            nodes: Pool::new(nodes_max, Node::EMPTY),
        }
    }

    /// Where the nodes are. The headers are few.
    pub(super) fn memory(&self) -> Range<*const u8> {
        self.nodes.memory()
    }

    /// Gives a ladder its first leaf. `None` when there is no such ladder.
    pub(super) fn open(&mut self, ladder: u32) -> Option<()> {
        let header = self.ladders.get_mut(ladder as usize)?;
        if header.root == NONE {
            let root = self.nodes.take()?;
            self.nodes[root] = Node::EMPTY;
            *header = Ladder { root, best_leaf: root, ..Ladder::ABSENT };
        }
        Some(())
    }

    /// The slot of the best level, `NONE` when the side is empty or not there.
    #[inline]
    pub(super) fn best(&self, ladder: u32) -> u32 {
        self.ladders.get(ladder as usize).map_or(NONE, |header| header.best)
    }

    /// The slot of the level with this rank.
    #[inline]
    pub(super) fn find(&self, ladder: u32, rank: i64) -> Option<u32> {
        let leaf = &self.nodes[self.leaf(ladder, rank)];
        let position = leaf.position(rank);
        (leaf.keys().get(position) == Some(&rank)).then(|| leaf.slots[position])
    }

    /// Whether the pool has the nodes that one more level may need.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.nodes.available() > HEIGHT_MAX
    }

    /// Adds a level whose rank is not there. [`Self::has_room`] must hold.
    #[inline]
    pub(super) fn insert(&mut self, ladder: u32, rank: i64, level: u32) {
        let mut leaf = self.leaf(ladder, rank);
        if self.nodes[leaf].len() == FANOUT {
            self.make_room(ladder, rank);
            leaf = self.leaf(ladder, rank);
        }
        let node = &mut self.nodes[leaf];
        let position = node.position(rank);
        node.insert(position, rank, level);
        let header = &mut self.ladders[ladder as usize];
        header.levels += 1;
        if leaf == header.best_leaf {
            header.best = node.last();
        }
    }

    /// Removes a level whose rank is there.
    #[inline]
    pub(super) fn remove(&mut self, ladder: u32, rank: i64) {
        let leaf = self.leaf(ladder, rank);
        let node = &mut self.nodes[leaf];
        let position = node.position(rank);
        assert!(node.keys().get(position) == Some(&rank), "an occupied level is in its ladder");
        node.remove(position);
        let header = &mut self.ladders[ladder as usize];
        header.levels -= 1;
        if leaf == header.best_leaf {
            header.best = node.last();
        }
        if node.len() < KEYS_MIN && header.height > 0 {
            self.restore_minimum(ladder, rank);
        }
    }

    /// Gives a level another rank that is not there. [`Self::has_room`] must hold.
    #[inline]
    pub(super) fn rekey(&mut self, ladder: u32, rank: i64, rank_new: i64) {
        let leaf = self.leaf(ladder, rank);
        let node = &mut self.nodes[leaf];
        let position = node.position(rank);
        assert!(node.keys().get(position) == Some(&rank), "an occupied level is in its ladder");
        let level = node.slots[position];
        if leaf != self.leaf(ladder, rank_new) {
            self.remove(ladder, rank);
            self.insert(ladder, rank_new, level);
            return;
        }
        let node = &mut self.nodes[leaf];
        node.rekey(position, rank_new);
        let header = &mut self.ladders[ladder as usize];
        if leaf == header.best_leaf {
            header.best = node.last();
        }
    }

    /// Removes every level. O(nodes).
    pub(super) fn clear(&mut self, ladder: u32) {
        let Some(&header) = self.ladders.get(ladder as usize).filter(|header| header.root != NONE)
        else {
            return;
        };
        let mut top = header.root;
        for _ in 0..=header.height {
            let below = self.nodes[top].last();
            while top != NONE {
                self.nodes.give_back(top);
                top = self.nodes[top].worse;
            }
            top = below;
        }
        self.ladders[ladder as usize] = Ladder::ABSENT;
        let opened = self.open(ladder);
        assert!(opened.is_some(), "a root was given back just now");
    }

    /// Slots of all levels, best first.
    #[inline]
    pub(super) fn iter(&self, ladder: u32) -> LadderIter<'_> {
        let leaf = self.ladders.get(ladder as usize).map_or(NONE, |header| header.best_leaf);
        let left = if leaf == NONE { 0 } else { self.nodes[leaf].len() };
        LadderIter { nodes: &self.nodes, leaf, left }
    }

    /// The leaf that may hold `rank`.
    #[inline]
    fn leaf(&self, ladder: u32, rank: i64) -> u32 {
        let header = &self.ladders[ladder as usize];
        if rank >= header.floor {
            return header.best_leaf;
        }
        let mut node = header.root;
        for _ in 0..header.height {
            let inner = &self.nodes[node];
            node = inner.slots[inner.child_position(rank)];
        }
        node
    }

    /// Splits every full node from the root to the leaf of `rank`, so that one key fits in.
    #[cold]
    fn make_room(&mut self, ladder: u32, rank: i64) {
        let header = self.ladders[ladder as usize];
        let mut node = header.root;
        let mut height = header.height;
        if self.nodes[node].len() == FANOUT {
            let root = self.take_node();
            self.nodes[root] = Node::EMPTY;
            self.nodes[root].insert(0, i64::MIN, node);
            self.ladders[ladder as usize].root = root;
            node = root;
            height += 1;
            self.ladders[ladder as usize].height = height;
        }
        for _ in 0..height {
            let position = self.nodes[node].child_position(rank);
            if self.nodes[self.nodes[node].slots[position]].len() == FANOUT {
                self.split_child(node, position);
            }
            let parent = &self.nodes[node];
            node = parent.slots[parent.child_position(rank)];
        }
        self.find_touch(ladder);
    }

    /// Splits a full child in two; the better half becomes a node of its own.
    fn split_child(&mut self, parent: u32, position: usize) {
        let left_slot = self.nodes[parent].slots[position];
        let right_slot = self.take_node();
        let mut left = self.nodes[left_slot];
        let mut right = Node { better: left.better, worse: left_slot, ..Node::EMPTY };
        left.move_tail(FANOUT / 2, &mut right);
        left.better = right_slot;
        if right.better != NONE {
            self.nodes[right.better].worse = right_slot;
        }
        self.nodes[parent].insert(position + 1, right.keys[0], right_slot);
        self.nodes[left_slot] = left;
        self.nodes[right_slot] = right;
    }

    /// Refills every node from the root to the leaf of `rank` that is at its minimum, so that the
    /// leaf and all above it keep theirs.
    #[cold]
    fn restore_minimum(&mut self, ladder: u32, rank: i64) {
        let header = self.ladders[ladder as usize];
        let mut node = header.root;
        for _ in 0..header.height {
            let position = self.nodes[node].child_position(rank);
            if self.nodes[self.nodes[node].slots[position]].len() <= KEYS_MIN {
                self.refill_child(node, position);
            }
            let parent = &self.nodes[node];
            node = parent.slots[parent.child_position(rank)];
        }
        if self.nodes[header.root].len() == 1 {
            let header = &mut self.ladders[ladder as usize];
            self.nodes.give_back(header.root);
            header.root = self.nodes[header.root].slots[0];
            header.height -= 1;
        }
        self.find_touch(ladder);
    }

    /// Joins a child with a neighbour when both fit into one node, else shares out evenly.
    fn refill_child(&mut self, parent: u32, position: usize) {
        let right_position = position.max(1);
        let left_slot = self.nodes[parent].slots[right_position - 1];
        let right_slot = self.nodes[parent].slots[right_position];
        let mut left = self.nodes[left_slot];
        let mut right = self.nodes[right_slot];
        let total = left.len() + right.len();
        if total <= FANOUT {
            left.move_head(right.len(), &mut right);
            left.better = right.better;
            if right.better != NONE {
                self.nodes[right.better].worse = left_slot;
            }
            self.nodes[parent].remove(right_position);
            self.nodes.give_back(right_slot);
        } else {
            let half = total / 2;
            if left.len() < half {
                left.move_head(half - left.len(), &mut right);
            } else {
                left.move_tail(half, &mut right);
            }
            self.nodes[parent].keys[right_position] = right.keys[0];
            self.nodes[right_slot] = right;
        }
        self.nodes[left_slot] = left;
    }

    /// Finds the best leaf and its floor again, after the tree changed its shape.
    fn find_touch(&mut self, ladder: u32) {
        let header = &mut self.ladders[ladder as usize];
        let mut node = header.root;
        header.floor = i64::MIN;
        for _ in 0..header.height {
            let inner = &self.nodes[node];
            if let [_, .., last] = inner.keys() {
                header.floor = *last;
            }
            node = inner.last();
        }
        header.best_leaf = node;
        header.best = self.nodes[node].last();
    }

    /// A node of the pool, whose size makes sure that there is one.
    fn take_node(&mut self) -> u32 {
        let node = self.nodes.take();
        assert!(node.is_some(), "the pool holds a node for every split");
        node.unwrap_or(NONE)
    }

    /// Asks for the headers of both sides of an instrument: the two may lie in different lines, and
    /// not every event says its side.
    #[inline]
    pub(super) fn prefetch(&self, ladder: u32) {
        let last = self.ladders.len() - 1;
        prefetch_item(&self.ladders, (ladder as usize).min(last));
        prefetch_item(&self.ladders, (ladder as usize ^ 1).min(last));
    }

    /// The header of a ladder, or the spare for a number that is none.
    #[inline]
    fn header(&self, ladder: u32) -> &Ladder {
        &self.ladders[(ladder as usize).min(self.ladders.len() - 1)]
    }

    /// Asks for what a change in the best leaf reads and writes: its head, its keys from the touch on,
    /// the middle one, and the end of its slots. For a ladder that is none it asks for a spare.
    #[inline]
    pub(super) fn prefetch_leaf(&self, ladder: u32) {
        let header = self.header(ladder);
        let node = self.nodes.or_spare(header.best_leaf);
        let last = (header.levels as usize).min(FANOUT - 1);
        prefetch(node);
        for index in [last, last.saturating_sub(8), last.saturating_sub(16), last / 2] {
            prefetch_item(&node.keys, index);
        }
        prefetch_item(&node.slots, last);
    }

    /// Checks the invariants by brute force.
    pub(super) fn is_consistent(&self) -> bool {
        let mut nodes = 0;
        for (ladder, header) in (0u32..).zip(&self.ladders) {
            if header.root == NONE {
                continue;
            }
            match self.count_nodes(header) {
                Some(count) => nodes += count,
                None => return false,
            }
            let best = self.iter(ladder).next().unwrap_or(NONE);
            if header.best != best || self.iter(ladder).count() != header.levels as usize {
                return false;
            }
        }
        nodes == self.nodes.used()
    }

    /// Nodes of a ladder, `None` when its tree is out of shape.
    fn count_nodes(&self, header: &Ladder) -> Option<usize> {
        let mut nodes = 0;
        let mut top = header.root;
        for depth in 0..=header.height {
            let mut node = top;
            let mut bound = None;
            let mut better = NONE;
            while node != NONE {
                let this = &self.nodes[node];
                let is_leaf = depth == header.height;
                let keys_min = if depth > 0 {
                    KEYS_MIN
                } else if is_leaf {
                    0
                } else {
                    2
                };
                let own = if is_leaf { this.keys() } else { this.keys().get(1..)? };
                let is_sorted = own.is_sorted_by(|a, b| a < b)
                    && own.last().is_none_or(|&last| bound.is_none_or(|bound| last < bound));
                if this.len() < keys_min || this.better != better || !is_sorted {
                    return None;
                }
                bound = own.first().copied().or(bound);
                (better, node) = (node, this.worse);
                nodes += 1;
            }
            if depth == header.height && top != header.best_leaf {
                return None;
            }
            top = self.nodes[top].last();
        }
        Some(nodes)
    }
}

/// Slots of levels, best first.
#[derive(Clone)]
pub(super) struct LadderIter<'a> {
    nodes: &'a Pool<Node>,
    leaf: u32,
    /// Keys of the leaf not yet given out.
    left: usize,
}

impl Iterator for LadderIter<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            if self.leaf == NONE {
                return None;
            }
            self.leaf = self.nodes[self.leaf].worse;
            if self.leaf == NONE {
                return None;
            }
            self.left = self.nodes[self.leaf].len();
        }
        self.left -= 1;
        Some(self.nodes[self.leaf].slots[self.left])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ranks 0..count in an order that is scattered, ascending or descending.
    fn ranks(count: i64, order: usize) -> Vec<i64> {
        let scattered = |index| index * 7_919 % count;
        match order {
            0 => (0..count).collect(),
            1 => (0..count).rev().collect(),
            _ => (0..count).map(scattered).collect(),
        }
    }

    #[test]
    fn a_tree_of_three_heights_fills_to_the_bound_and_drains_in_any_order() {
        const COUNT: i64 = 20_000;
        let mut ladders = Ladders::new(2, COUNT as u32);
        ladders.open(1).unwrap();
        let empty = ladders.nodes.available();
        for (fill, drain) in (0..3).flat_map(|fill| (0..3).map(move |drain| (fill, drain))) {
            for (count, rank) in (1..).zip(ranks(COUNT, fill)) {
                assert!(ladders.has_room());
                ladders.insert(1, rank, rank as u32);
                assert!(count % 1_000 != 0 || ladders.is_consistent(), "fill {fill} at {count}");
            }
            assert!(ladders.ladders[1].height >= 2);
            assert!(ladders.iter(1).eq((0..COUNT as u32).rev()));
            for (count, rank) in (1..).zip(ranks(COUNT, drain)) {
                assert_eq!(ladders.find(1, rank), Some(rank as u32));
                ladders.remove(1, rank);
                assert_eq!(ladders.find(1, rank), None);
                assert!(count % 1_000 != 0 || ladders.is_consistent(), "drain {drain} at {count}");
            }
            assert_eq!((ladders.best(1), ladders.nodes.available()), (NONE, empty));
        }
    }

    #[test]
    fn a_level_takes_a_new_rank_within_its_leaf_and_beyond_it() {
        let mut ladders = Ladders::new(1, 1_000);
        ladders.open(0).unwrap();
        let mut ranks: Vec<i64> = (0..500).map(|index| index * 10).collect();
        for (slot, &rank) in (0..).zip(&ranks) {
            ladders.insert(0, rank, slot);
        }
        for step in 0..5_000_usize {
            let slot = step * 31 % ranks.len();
            let reach = if step % 2 == 0 { 40 } else { 5_000 };
            let rank = ranks[slot] + (step as i64 * 37 % (2 * reach)) - reach;
            if !ranks.contains(&rank) {
                ladders.rekey(0, ranks[slot], rank);
                ranks[slot] = rank;
            }
        }
        let mut slots: Vec<u32> = (0..500).collect();
        slots.sort_by_key(|&slot| core::cmp::Reverse(ranks[slot as usize]));
        assert!(ladders.is_consistent() && ladders.iter(0).eq(slots));
    }
}
