//! A node of the marks of a long queue: up to 16 groups or nodes, each with the sums below it.
//!
//! Keys, sums and children are arrays of their own, so that a search reads keys only.

use core::hint::select_unpredictable;

use super::pool::NONE;

/// Orders in a group.
pub(super) const GROUP_MAX: u32 = 32;
/// Entries in a node.
pub(super) const FANOUT: usize = 16;

/// What is ahead of a place in a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Orders that trade before it.
    pub orders: u32,
    /// Their quantity, in units of the instrument.
    pub quantity: u64,
}

impl Place {
    /// The front of a queue.
    pub(super) const NOTHING: Self = Self { orders: 0, quantity: 0 };

    #[inline]
    pub(super) const fn with(self, more: Self) -> Self {
        Self { orders: self.orders + more.orders, quantity: self.quantity + more.quantity }
    }

    #[inline]
    pub(super) const fn without(self, less: Self) -> Self {
        Self { orders: self.orders - less.orders, quantity: self.quantity - less.quantity }
    }
}

/// A group in a leaf, a node below in an inner node.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    /// No order below has a lower priority.
    pub(super) key: u64,
    /// Of all orders below.
    pub(super) sum: Place,
    /// The first order of a group, or a node.
    pub(super) child: u32,
}

/// Groups in a leaf, nodes below in an inner node, in the order in which they trade.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Node {
    pub(super) count: u32,
    /// 0 is a leaf.
    pub(super) height: u32,
    /// Ascending, `u64::MAX` where there is no entry. No order is below the first.
    pub(super) keys: [u64; FANOUT],
    pub(super) quantities: [u64; FANOUT],
    pub(super) orders: [u32; FANOUT],
    pub(super) children: [u32; FANOUT],
}

impl Node {
    pub(super) const EMPTY: Self = Self {
        count: 0,
        height: 0,
        keys: [u64::MAX; FANOUT],
        quantities: [0; FANOUT],
        orders: [0; FANOUT],
        children: [NONE; FANOUT],
    };

    /// Entries there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        (self.count as usize).min(FANOUT)
    }

    /// The entry that an order of this priority is below.
    #[inline]
    pub(super) fn position(&self, priority: u64) -> usize {
        // Halving, but without a jump: which half it is, is random.
        let mut at = 0;
        for step in [8, 4, 2, 1] {
            let middle = at + step;
            at = select_unpredictable(self.keys[middle % FANOUT] <= priority, middle, at);
        }
        at
    }

    /// The entry that an order at the end of the queue is below.
    #[inline]
    pub(super) fn last(&self) -> usize {
        self.count.saturating_sub(1) as usize % FANOUT
    }

    /// Whether a group of this leaf may be empty, or fit into one with a neighbour. Where it has only
    /// one, the other is taken from the far end of the array: a false yes is looked into.
    #[inline]
    pub(super) fn may_join(&self, at: usize) -> bool {
        let [left, size, right] = [at + FANOUT - 1, at, at + 1].map(|at| self.orders[at % FANOUT]);
        (size == 0) | (size + left.min(right) <= GROUP_MAX)
    }

    /// Adds an entry at the end. There is room.
    pub(super) fn push(&mut self, entry: Entry) {
        let at = self.len();
        self.count += 1;
        self.keys[at] = entry.key;
        self.quantities[at] = entry.sum.quantity;
        self.orders[at] = entry.sum.orders;
        self.children[at] = entry.child;
    }

    /// What is below the first `count` entries.
    #[inline]
    pub(super) fn sum(&self, count: usize) -> Place {
        Place {
            orders: self.orders[..count].iter().sum(),
            quantity: self.quantities[..count].iter().sum(),
        }
    }

    /// Takes an entry out; what is below it now belongs to the entry before.
    pub(super) fn fold(&mut self, at: usize) {
        if at > 0 {
            self.orders[at - 1] += self.orders[at];
            self.quantities[at - 1] += self.quantities[at];
        }
        let count = self.len();
        self.keys.copy_within(at + 1..count, at);
        self.quantities.copy_within(at + 1..count, at);
        self.orders.copy_within(at + 1..count, at);
        self.children.copy_within(at + 1..count, at);
        self.keys[count - 1] = u64::MAX;
        self.count -= 1;
    }

    /// Takes over all entries of the node behind.
    pub(super) fn append(&mut self, behind: &Self) {
        let (at, more) = (self.len(), behind.len());
        self.keys[at..][..more].copy_from_slice(&behind.keys[..more]);
        self.quantities[at..][..more].copy_from_slice(&behind.quantities[..more]);
        self.orders[at..][..more].copy_from_slice(&behind.orders[..more]);
        self.children[at..][..more].copy_from_slice(&behind.children[..more]);
        self.count += behind.count;
    }
}
