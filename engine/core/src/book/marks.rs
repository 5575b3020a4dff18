//! Places in long queues: what is ahead of any order, without a walk along the queue.
//!
//! A queue of two hundred orders is walked from its nearer end. One of twenty thousand has *marks*:
//! its orders in groups of up to 32, in the order in which they trade, and over the groups a B+ tree
//! whose entries know how many orders and how much quantity is below them (an order-statistic tree:
//! Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", chapter 14). Keys are priorities,
//! which ascend along a queue, so an order needs no reference to its group. Orders join at the end only:
//! the last group, the *tail*, stays beside the tree until it is full, so that most arrivals change one
//! sum, and a full node gets an empty neighbour instead of being split. Where orders leave, neighbours
//! that fit into one are joined.
//!
//! A queue has marks from [`LONG_BUILD`] orders until it has fewer than [`LONG_MIN`], so a book of
//! short queues pays one comparison an event. When the pool of nodes should run dry, groups grow
//! instead: a place then takes longer to find, and is right all the same.

use core::hint::select_unpredictable;

use super::mark_node::{Entry, FANOUT, GROUP_MAX, Node, Place};
use super::pool::{NONE, Pool};

/// A queue of this many orders gets marks: from here on they find a place sooner than a walk does.
pub(super) const LONG_BUILD: u32 = 256;
/// A queue of fewer orders has none.
pub(super) const LONG_MIN: u32 = 128;
/// Orders that a node stands for at least, on average over a tree.
const NODE_ORDERS: u32 = 64;
/// Higher than a tree of 2³⁰ orders can be: two neighbours share at least 17 entries, 8⁹ · 16 is more.
const HEIGHT_MAX: usize = 10;

/// The marks of one queue.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Tree {
    root: u32,
    /// The group behind all others, which is not in the tree yet.
    tail: Entry,
}

const _: () = assert!(size_of::<Tree>() == 64);

impl Tree {
    const EMPTY: Self =
        Self { root: NONE, tail: Entry { key: u64::MAX, sum: Place::NOTHING, child: NONE } };
}

/// The marks of all queues over one pool of nodes.
///
/// # Invariants
///
/// - Every order of a queue with marks is counted in the tail, or in one entry of each height.
/// - No order from the key of the tail on is in the tree; without a tail that key is `u64::MAX`.
/// - Two neighbours in a node have more orders (groups) or entries (nodes) than fit into one.
/// - A root that is no leaf has two entries.
#[derive(Clone)]
pub(super) struct Marks {
    /// The tree of each queue, by its slot; `NONE` where it has no marks.
    owned: Box<[u32]>,
    trees: Pool<Tree>,
    nodes: Pool<Node>,
}

/// The nodes from the root down to a leaf, and the entry taken in each.
struct Path {
    steps: [(u32, usize); HEIGHT_MAX],
    length: usize,
}

impl Marks {
    /// Room for the marks of `orders_max` orders in `levels_max` queues: two leaves under one parent
    /// stand for 264 orders or more, a leaf alone for 128.
    pub(super) fn new(orders_max: u32, levels_max: u32) -> Self {
        Self {
            owned: vec![NONE; levels_max as usize].into_boxed_slice(),
            trees: Pool::new(orders_max / LONG_MIN + 1, Tree::EMPTY),
            nodes: Pool::new(orders_max / NODE_ORDERS + HEIGHT_MAX as u32, Node::EMPTY),
        }
    }

    /// Whether a queue has marks.
    #[inline]
    pub(super) fn has(&self, queue: u32) -> bool {
        self.owned[queue as usize] != NONE
    }

    /// Gives a queue without marks a tree with nothing in it. False when there is no node left.
    pub(super) fn open(&mut self, queue: u32) -> bool {
        let Some(tree) = self.trees.take() else { return false };
        let Some(root) = self.nodes.take() else {
            self.trees.give_back(tree);
            return false;
        };
        self.nodes[root] = Node::EMPTY;
        self.trees[tree] = Tree { root, ..Tree::EMPTY };
        self.owned[queue as usize] = tree;
        true
    }

    /// Takes the marks of a queue away.
    pub(super) fn clear(&mut self, queue: u32) {
        let tree = core::mem::replace(&mut self.owned[queue as usize], NONE);
        if tree != NONE {
            self.trees.give_back(tree);
            self.give_back(self.trees[tree].root);
        }
    }

    fn give_back(&mut self, node: u32) {
        let Node { height, children, .. } = self.nodes[node];
        if height > 0 {
            let count = self.nodes[node].len();
            children[..count].iter().for_each(|&child| self.give_back(child));
        }
        self.nodes.give_back(node);
    }

    /// An order joined the end of a queue.
    pub(super) fn push(&mut self, queue: u32, priority: u64, slot: u32, quantity: u32) {
        let tree = self.owned[queue as usize];
        let tail = &mut self.trees[tree].tail;
        if 0 < tail.sum.orders && tail.sum.orders < GROUP_MAX {
            tail.sum.orders += 1;
            tail.sum.quantity += u64::from(quantity);
            return;
        }
        let sum = Place { orders: 1, quantity: u64::from(quantity) };
        let full = core::mem::replace(tail, Entry { key: priority, sum, child: slot });
        if full.sum.orders > 0 {
            self.file(tree, full);
        }
    }

    /// Takes a group that was the tail into the tree.
    #[inline(never)]
    fn file(&mut self, tree: u32, group: Entry) {
        let root = self.trees[tree].root;
        let path = self.path(root, Node::last);
        let is_empty = self.nodes[root].count == 0;
        if is_empty || self.nodes.available() >= self.nodes_needed(&path) {
            self.open_group(tree, &path, group);
        } else {
            self.recount(root, Node::last, Place::NOTHING, group.sum);
        }
    }

    /// Nodes that one more group at the end takes: one beside each full node, and a root above a full
    /// root.
    fn nodes_needed(&self, path: &Path) -> usize {
        let full = path.steps[..path.length].iter().rev();
        let full = full.take_while(|step| self.nodes[step.0].len() == FANOUT).count();
        full + usize::from(full == path.length)
    }

    /// Puts a group behind all others: into the lowest node at the end that has room, through new
    /// nodes below it.
    fn open_group(&mut self, tree: u32, path: &Path, group: Entry) {
        let mut pending = Some(group);
        for &(slot, last) in path.steps[..path.length].iter().rev() {
            let node = &mut self.nodes[slot];
            let Some(entry) = pending else {
                node.orders[last] += group.sum.orders;
                node.quantities[last] += group.sum.quantity;
                continue;
            };
            if node.len() < FANOUT {
                node.push(entry);
                pending = None;
            } else {
                let height = node.height;
                pending = Some(Entry { child: self.node_of(height, &[entry]), ..entry });
            }
        }
        if let Some(entry) = pending {
            let root = self.trees[tree].root;
            let Node { height, keys, .. } = self.nodes[root];
            let old = Entry { key: keys[0], sum: self.nodes[root].sum(FANOUT), child: root };
            self.trees[tree].root = self.node_of(height + 1, &[old, entry]);
        }
    }

    /// A new node. The caller has made sure that the pool has one.
    fn node_of(&mut self, height: u32, entries: &[Entry]) -> u32 {
        let slot = self.nodes.take();
        assert!(slot.is_some(), "nodes are counted before a group is opened");
        let slot = slot.unwrap_or(NONE);
        self.nodes[slot] = Node { height, ..Node::EMPTY };
        entries.iter().for_each(|&entry| self.nodes[slot].push(entry));
        slot
    }

    /// An order has another quantity.
    pub(super) fn change(&mut self, queue: u32, priority: u64, before: u32, after: u32) {
        let [before, after] =
            [before, after].map(|quantity| Place { orders: 0, quantity: u64::from(quantity) });
        let Tree { root, tail } = &mut self.trees[self.owned[queue as usize]];
        if priority >= tail.key {
            tail.sum = tail.sum.without(before).with(after);
        } else {
            let root = *root;
            self.recount(root, |node| node.position(priority), before, after);
        }
    }

    /// An order left a queue; `later` came after it.
    pub(super) fn remove(
        &mut self,
        queue: u32,
        priority: u64,
        slot: u32,
        later: u32,
        quantity: u32,
    ) {
        let sum = Place { orders: 1, quantity: u64::from(quantity) };
        let tree = self.owned[queue as usize];
        let Tree { root, tail } = &mut self.trees[tree];
        if priority >= tail.key {
            tail.sum = tail.sum.without(sum);
            tail.child = select_unpredictable(tail.child == slot, later, tail.child);
            if tail.sum.orders == 0 {
                // The last order may get more quantity, and with it a later place: it is in the tree.
                tail.key = u64::MAX;
            }
            return;
        }
        let root = *root;
        let (leaf, at) = self.recount(root, |node| node.position(priority), sum, Place::NOTHING);
        let node = &mut self.nodes[leaf];
        if node.children[at] == slot {
            node.children[at] = later; // of the same group, or the group is empty
        }
        if !node.may_join(at) || !self.join_neighbours(leaf, at) {
            return;
        }
        // The leaf has an entry less: it, and then the nodes above, may fit beside a neighbour.
        let path = self.path(root, |node| node.position(priority));
        for &(slot, at) in path.steps[..path.length - 1].iter().rev() {
            if !self.join_neighbours(slot, at) {
                break;
            }
        }
        self.lower_root(tree);
    }

    /// Drops an entry that has nothing below it any more, or joins it with a neighbour. Whether the
    /// node has one entry less.
    fn join_neighbours(&mut self, slot: u32, at: usize) -> bool {
        let (height, count) = (self.nodes[slot].height, self.nodes[slot].len());
        let size_max = if height == 0 { GROUP_MAX } else { FANOUT as u32 };
        let size = self.size(slot, at);
        if size == 0 {
            self.drop_entry(slot, at);
            return true;
        }
        let fits = |other: usize| size + self.size(slot, other) <= size_max;
        let left = if at > 0 && fits(at - 1) {
            at - 1
        } else if at + 1 < count && fits(at + 1) {
            at
        } else {
            return false;
        };
        if height > 0 {
            let children = self.nodes[slot].children;
            let behind = self.nodes[children[left + 1]];
            let seam = self.nodes[children[left]].len();
            self.nodes[children[left]].append(&behind);
            self.nodes.give_back(children[left + 1]);
            self.join_neighbours(children[left], seam);
        }
        self.nodes[slot].fold(left + 1);
        true
    }

    /// Takes out an entry with nothing below it.
    fn drop_entry(&mut self, slot: u32, at: usize) {
        let node = &mut self.nodes[slot];
        let (height, child) = (node.height, node.children[at]);
        node.fold(at);
        if height > 0 {
            self.nodes.give_back(child);
        }
    }

    /// Orders of a group, entries of a node.
    #[inline]
    fn size(&self, slot: u32, at: usize) -> u32 {
        let node = &self.nodes[slot];
        if node.height == 0 { node.orders[at] } else { self.nodes[node.children[at]].count }
    }

    /// A root with one node below it gives way to that.
    fn lower_root(&mut self, tree: u32) {
        let root = &mut self.trees[tree].root;
        while self.nodes[*root].height > 0 && self.nodes[*root].count == 1 {
            let below = self.nodes[*root].children[0];
            self.nodes.give_back(*root);
            *root = below;
        }
    }

    /// What is ahead of the group in which an order of this priority is or would be, and the first
    /// order of that group. O(log orders).
    pub(super) fn before(&self, queue: u32, priority: u64) -> (Place, u32) {
        let Tree { root, tail } = &self.trees[self.owned[queue as usize]];
        let node = &self.nodes[*root];
        if priority >= tail.key {
            return (node.sum(node.len()), tail.child);
        }
        let mut place = Place::NOTHING;
        let mut slot = *root;
        loop {
            let node = &self.nodes[slot];
            let at = node.position(priority);
            place = place.with(node.sum(at));
            slot = node.children[at];
            if node.height == 0 {
                return (place, slot);
            }
        }
    }

    #[inline]
    fn path(&self, root: u32, choose: impl Fn(&Node) -> usize) -> Path {
        let mut path = Path { steps: [(NONE, 0); HEIGHT_MAX], length: 0 };
        let mut slot = root;
        for step in &mut path.steps {
            let node = &self.nodes[slot];
            let at = choose(node);
            *step = (slot, at);
            path.length += 1;
            slot = node.children[at];
            if node.height == 0 {
                break;
            }
        }
        path
    }

    /// Counts less and more below every entry down to a group, and says where that is.
    #[inline]
    fn recount(
        &mut self,
        root: u32,
        choose: impl Fn(&Node) -> usize,
        less: Place,
        more: Place,
    ) -> (u32, usize) {
        let mut slot = root;
        loop {
            let node = &mut self.nodes[slot];
            let at = choose(node);
            node.orders[at] = node.orders[at] - less.orders + more.orders;
            node.quantities[at] = node.quantities[at] - less.quantity + more.quantity;
            if node.height == 0 {
                return (slot, at);
            }
            slot = node.children[at];
        }
    }

    /// How many nodes a queue has, `None` when its tree is out of shape. Checks by brute force what the
    /// tree says of itself; the books check it against the orders.
    pub(super) fn count_nodes(&self, queue: u32) -> Option<usize> {
        let Tree { root, tail } = self.trees[*self.owned.get(queue as usize)?];
        if tail.sum.orders > GROUP_MAX || (tail.sum.orders == 0) != (tail.key == u64::MAX) {
            return None;
        }
        let is_low = self.nodes[root].height == 0 || self.nodes[root].count > 1;
        self.count_below(root).filter(|_| is_low)
    }

    fn count_below(&self, slot: u32) -> Option<usize> {
        let node = &self.nodes[slot];
        let size_max = if node.height == 0 { GROUP_MAX } else { FANOUT as u32 };
        let is_dense =
            (1..node.len()).all(|at| self.size(slot, at - 1) + self.size(slot, at) > size_max);
        let is_sorted = node.keys[..node.len()].is_sorted_by(|a, b| a < b);
        let has_more = node.keys[node.len()..].iter().any(|&key| key != u64::MAX);
        if !is_dense || node.count == 0 || !is_sorted || has_more {
            return None;
        }
        let mut nodes = 1;
        for at in 0..if node.height == 0 { 0 } else { node.len() } {
            let below = &self.nodes[node.children[at]];
            let sum = Place { orders: node.orders[at], quantity: node.quantities[at] };
            if below.height + 1 != node.height || below.sum(below.len()) != sum {
                return None;
            }
            nodes += self.count_below(node.children[at])?;
        }
        Some(nodes)
    }

    /// Trees in use.
    pub(super) fn trees(&self) -> usize {
        self.trees.used()
    }

    /// Nodes in use.
    pub(super) fn used(&self) -> usize {
        self.nodes.used()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_node_left_groups_grow_and_sums_stay_right() {
        let mut marks = Marks::new(0, 2);
        assert!(marks.open(1));
        let nodes = marks.nodes.available() + 1;
        let count = nodes as u32 * FANOUT as u32 * GROUP_MAX + 5_000;
        for slot in 0..count {
            marks.push(1, u64::from(slot) * 3, slot, 2);
        }
        assert!((marks.used(), marks.open(0)) == (nodes, false));
        for slot in (0..count).step_by(97) {
            let (place, first) = marks.before(1, u64::from(slot) * 3);
            assert_eq!(place, Place { orders: first, quantity: u64::from(first) * 2 });
            assert!(first <= slot && (slot - first < GROUP_MAX || slot > count - 6_000));
        }
        for slot in 0..count {
            marks.remove(1, u64::from(slot) * 3, slot, slot + 1, 2);
        }
        marks.clear(1);
        assert_eq!(marks.used(), 0);
    }
}
