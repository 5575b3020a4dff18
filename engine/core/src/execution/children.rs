//! The child orders of a parent: the open ones, and the last that closed.

mod snapshot;

use tezi_model::{ClientOrderId, Nanos, OrderStatus, Qty};

use crate::oms::Order;

/// Children a parent may have open at once.
pub const CHILDREN_MAX: usize = 16;
/// Closed children remembered, for fills that are told late.
const CLOSED_MAX: usize = 48;

/// One child order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Child {
    /// The order as it was last told, or as the last request left it.
    pub order: Order,
    /// When it was sent or its price last changed.
    pub(super) moved_at: Nanos,
    /// Before this no cancel is tried again.
    pub(super) cancel_at: Nanos,
    /// Whether its cancel was asked for.
    pub(super) is_cancel_asked: bool,
}

impl Child {
    /// Whether a request for it may leave.
    pub(super) const fn is_stable(&self) -> bool {
        matches!(self.order.status, OrderStatus::New | OrderStatus::PartiallyFilled)
    }
}

/// See the module. No heap: a parent is made while orders fly.
///
/// # Invariants
///
/// - `open[..open_count]` are not terminal, oldest first.
/// - An order is among the open or the closed, never both.
#[derive(Clone, Debug)]
pub(super) struct Children {
    open: [Option<Child>; CHILDREN_MAX],
    open_count: usize,
    closed: [Option<(ClientOrderId, Qty)>; CLOSED_MAX],
    closed_next: usize,
}

impl Children {
    pub(super) const fn new() -> Self {
        Self {
            open: [None; CHILDREN_MAX],
            open_count: 0,
            closed: [None; CLOSED_MAX],
            closed_next: 0,
        }
    }

    /// The open children, oldest first.
    pub(super) fn open(&self) -> impl DoubleEndedIterator<Item = &Child> {
        self.open[..self.open_count].iter().flatten()
    }

    pub(super) fn open_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Child> {
        self.open[..self.open_count].iter_mut().flatten()
    }

    pub(super) const fn count(&self) -> usize {
        self.open_count
    }

    pub(super) const fn is_full(&self) -> bool {
        self.open_count == CHILDREN_MAX
    }

    /// What may still trade, every change in flight at the larger of both versions.
    pub(super) fn leaves(&self) -> u64 {
        self.open().map(|child| u64::from(child.order.leaves_worst().0)).sum()
    }

    /// Adds a child just sent. The caller looked whether there is room.
    pub(super) fn push(&mut self, order: Order, now: Nanos) {
        if let Some(place) = self.open.get_mut(self.open_count) {
            let cancel_at = Nanos::ZERO;
            *place = Some(Child { order, moved_at: now, cancel_at, is_cancel_asked: false });
            self.open_count += 1;
        }
    }

    /// Whether the order is a child.
    pub(super) fn is_known(&self, id: ClientOrderId) -> bool {
        self.open().any(|child| child.order.client_order_id == id) || self.closed_at(id).is_some()
    }

    /// Takes in an order as it is now; `None` when it is no child.
    pub(super) fn update(&mut self, order: &Order) -> Option<Updated> {
        let id = order.client_order_id;
        let at = self.open().position(|child| child.order.client_order_id == id);
        let Some(at) = at else {
            let seen = self.closed_at(id).and_then(|at| self.closed[at].as_mut())?;
            let filled = order.filled.saturating_sub(core::mem::replace(&mut seen.1, order.filled));
            return Some(Updated { filled, before: None });
        };
        let child = self.open[at].as_mut()?;
        let before = *child;
        child.order = *order;
        if order.status.is_terminal() {
            self.close(at, order);
        }
        let filled = order.filled.saturating_sub(before.order.filled);
        Some(Updated { filled, before: Some(before) })
    }

    fn closed_at(&self, id: ClientOrderId) -> Option<usize> {
        self.closed.iter().position(|seen| seen.is_some_and(|(known, _)| known == id))
    }

    /// Moves a child to the closed ones; the others keep their order.
    fn close(&mut self, at: usize, order: &Order) {
        self.open[at..self.open_count].rotate_left(1);
        self.open_count -= 1;
        self.open[self.open_count] = None;
        self.closed[self.closed_next] = Some((order.client_order_id, order.filled));
        self.closed_next = (self.closed_next + 1) % CLOSED_MAX;
    }
}

/// What an update of a child changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Updated {
    /// Executed since the last.
    pub(super) filled: Qty,
    /// The child as it was; `None` when it was closed already.
    pub(super) before: Option<Child>,
}
