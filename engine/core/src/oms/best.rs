//! The best price of the own open orders, per instrument and side, for self-trade prevention.
//!
//! A treap (Seidel and Aragon 1996) of each instrument and side over one pool of nodes: the best
//! price is read at once, an order comes and goes in O(log orders) expected steps, however many
//! rest. Its priorities are a hash of the node's number, so that the same orders give the same tree.

use tezi_model::{InstrumentId, Px, Side};

const NONE: u32 = u32::MAX;

/// An open order: its place in the order table is its place here.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Ascends from the best price on: the price of a sell, the negated price of a buy.
    key: i64,
    left: u32,
    right: u32,
}

/// The open orders of an instrument and side.
#[derive(Clone, Copy, Debug)]
struct Tree {
    root: u32,
    /// The leftmost node.
    best: u32,
}

/// Every open order by price.
///
/// # Invariants
///
/// - Keys ascend from left to right, of equal keys the node's number; priorities descend downwards.
/// - `best` is the leftmost node of a tree, `NONE` exactly when it has none.
pub(super) struct BestPrices {
    trees: Box<[[Tree; 2]]>,
    nodes: Box<[Node]>,
}

impl BestPrices {
    /// No orders; places for `orders_max` of them.
    pub(super) fn new(orders_max: usize, instruments_max: usize) -> Self {
        let empty = [Tree { root: NONE, best: NONE }; 2];
        let node = Node { key: 0, left: NONE, right: NONE };
        Self {
            trees: vec![empty; instruments_max].into_boxed_slice(),
            nodes: vec![node; orders_max].into_boxed_slice(),
        }
    }

    /// The best price of a side, `None` when no order of it is open.
    #[inline]
    pub(super) fn best(&self, instrument: InstrumentId, side: Side) -> Option<Px> {
        let best = self.trees.get(instrument.index())?[index(side)].best;
        self.nodes.get(best as usize).map(|node| Px(signed(node.key, side)))
    }

    /// Takes in the order of a place.
    pub(super) fn insert(&mut self, place: usize, instrument: InstrumentId, side: Side, price: Px) {
        let Some(trees) = self.trees.get_mut(instrument.index()) else { return };
        let tree = &mut trees[index(side)];
        let (new, key) = (place as u32, signed(price.0, side));
        let nodes = &mut self.nodes;
        if tree.best == NONE || (key, new) < rank(nodes, tree.best) {
            tree.best = new;
        }
        // Down to where the new node's priority belongs; what hangs there is split around its key.
        let (mut at, mut parent, mut is_left) = (tree.root, NONE, false);
        while at != NONE && priority(at) > priority(new) {
            is_left = (key, new) < rank(nodes, at);
            parent = at;
            at = if is_left { nodes[at as usize].left } else { nodes[at as usize].right };
        }
        let (left, right) = split(nodes, at, (key, new));
        nodes[place] = Node { key, left, right };
        match nodes.get_mut(parent as usize) {
            None => tree.root = new,
            Some(above) if is_left => above.left = new,
            Some(above) => above.right = new,
        }
    }

    /// Takes out the order of a place, which was taken in with the same price.
    pub(super) fn remove(&mut self, place: usize, instrument: InstrumentId, side: Side) {
        let Some(trees) = self.trees.get_mut(instrument.index()) else { return };
        let tree = &mut trees[index(side)];
        let nodes = &mut self.nodes;
        let gone = place as u32;
        let wanted = rank(nodes, gone);
        let (mut at, mut parent, mut is_left) = (tree.root, NONE, false);
        while at != gone {
            assert!(at != NONE, "an order that is taken out was taken in");
            is_left = wanted < rank(nodes, at);
            parent = at;
            at = if is_left { nodes[at as usize].left } else { nodes[at as usize].right };
        }
        let Node { left, right, .. } = nodes[place];
        let rest = merge(nodes, left, right);
        match nodes.get_mut(parent as usize) {
            None => tree.root = rest,
            Some(above) if is_left => above.left = rest,
            Some(above) => above.right = rest,
        }
        if tree.best == gone {
            tree.best = leftmost(nodes, tree.root);
        }
    }
}

const fn index(side: Side) -> usize {
    match side {
        Side::Buy => 0,
        Side::Sell => 1,
    }
}

/// A price as key and back: the best first.
const fn signed(value: i64, side: Side) -> i64 {
    match side {
        Side::Buy => value.wrapping_neg(),
        Side::Sell => value,
    }
}

fn rank(nodes: &[Node], at: u32) -> (i64, u32) {
    (nodes[at as usize].key, at)
}

/// A mix of the number's bits (Fibonacci hashing); distinct for distinct numbers.
const fn priority(at: u32) -> u32 {
    let mixed = at.wrapping_mul(0x9E37_79B1);
    (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA77)
}

/// Splits a tree into what ranks before `by` and what ranks behind it.
fn split(nodes: &mut [Node], root: u32, by: (i64, u32)) -> (u32, u32) {
    let (mut before, mut behind) = (NONE, NONE);
    // The nodes whose right (left) link the next part of either side hangs on.
    let (mut before_last, mut behind_last) = (NONE, NONE);
    let mut at = root;
    while at != NONE {
        let Node { left, right, .. } = nodes[at as usize];
        if rank(nodes, at) < by {
            match nodes.get_mut(before_last as usize) {
                None => before = at,
                Some(last) => last.right = at,
            }
            before_last = at;
            at = right;
        } else {
            match nodes.get_mut(behind_last as usize) {
                None => behind = at,
                Some(last) => last.left = at,
            }
            behind_last = at;
            at = left;
        }
    }
    if let Some(last) = nodes.get_mut(before_last as usize) {
        last.right = NONE;
    }
    if let Some(last) = nodes.get_mut(behind_last as usize) {
        last.left = NONE;
    }
    (before, behind)
}

/// Joins two trees of which all of the first ranks before all of the second.
fn merge(nodes: &mut [Node], mut before: u32, mut behind: u32) -> u32 {
    let mut root = NONE;
    let (mut parent, mut is_left) = (NONE, false);
    loop {
        let takes_before =
            behind == NONE || (before != NONE && priority(before) > priority(behind));
        let next = if takes_before { before } else { behind };
        match nodes.get_mut(parent as usize) {
            None => root = next,
            Some(above) if is_left => above.left = next,
            Some(above) => above.right = next,
        }
        if before == NONE || behind == NONE {
            return root;
        }
        (parent, is_left) = (next, !takes_before);
        if takes_before {
            before = nodes[next as usize].right;
        } else {
            behind = nodes[next as usize].left;
        }
    }
}

fn leftmost(nodes: &[Node], mut at: u32) -> u32 {
    while let Some(node) = nodes.get(at as usize)
        && node.left != NONE
    {
        at = node.left;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tezi_testing::Random;

    fn depth(nodes: &[Node], at: u32) -> usize {
        nodes
            .get(at as usize)
            .map_or(0, |node| 1 + depth(nodes, node.left).max(depth(nodes, node.right)))
    }

    #[test]
    fn the_best_price_is_that_of_a_plain_list() {
        let mut random = Random(9);
        let mut best = BestPrices::new(256, 2);
        let mut open: BTreeMap<usize, (InstrumentId, Side, Px)> = BTreeMap::new();
        for step in 0..100_000 {
            let place = random.below(256) as usize;
            if let Some((instrument, side, _)) = open.remove(&place) {
                best.remove(place, instrument, side);
            } else {
                let instrument = InstrumentId(random.below(2) as u32);
                let side = Side::BOTH[random.below(2) as usize];
                let price = Px(random.below(64) as i64 - 8);
                best.insert(place, instrument, side, price);
                open.insert(place, (instrument, side, price));
            }
            for instrument in [InstrumentId(0), InstrumentId(1)] {
                let prices = |of| {
                    let its =
                        move |it: &&(InstrumentId, Side, Px)| (it.0, it.1) == (instrument, of);
                    open.values().filter(its).map(|it| it.2)
                };
                let context = format!("seed 9, step {step}");
                let bests = Side::BOTH.map(|side| best.best(instrument, side));
                let naive = [prices(Side::Buy).max(), prices(Side::Sell).min()];
                assert_eq!(bests, naive, "{context}");
            }
        }
    }

    #[test]
    fn orders_that_come_in_order_of_price_make_no_list() {
        let mut best = BestPrices::new(1 << 14, 1);
        let it = InstrumentId(0);
        for place in 0..10_000 {
            best.insert(place, it, Side::Buy, Px(place as i64));
        }
        let root = best.trees[0][0].root;
        assert!(depth(&best.nodes, root) < 60, "{}", depth(&best.nodes, root));
        for place in (0..10_000).rev() {
            assert_eq!(best.best(it, Side::Buy), Some(Px(place as i64)));
            best.remove(place, it, Side::Buy);
        }
        assert_eq!(best.best(it, Side::Buy), None);
    }
}
