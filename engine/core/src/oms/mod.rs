//! Order management: every own order from request to end, and the exposure it makes.
//!
//! An order counts as exposure from the moment it is sent: what is unconfirmed is live until the
//! venue says otherwise, and a change in flight counts at the worse of both versions. Orders are
//! never forgotten while open; a closed one is remembered until a newer order needs its place.

mod session;
mod state;
#[cfg(test)]
mod tests;

pub use session::OrderSessionState;
pub use state::{Transition, transition};

use tezi_model::{
    ClientOrderId, ExecutionKind, ExecutionReport, InstrumentId, Money, OrderId, OrderStatus, Px,
    Qty, Side, StateHasher, TimeInForce,
};

/// An own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The engine's number.
    pub client_order_id: ClientOrderId,
    /// The venue's number, none before it is confirmed.
    pub order_id: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Where it stands.
    pub status: OrderStatus,
    /// Limit price, as the venue has confirmed it (as sent, before that).
    pub price: Px,
    /// Total quantity, what is filled included.
    pub quantity: Qty,
    /// Executed so far.
    pub filled: Qty,
    /// What a change in flight asks for.
    pub pending: Option<(Px, Qty)>,
    /// The venue's number of the last fill, to know a repeat by.
    last_fill_id: u32,
    /// Place in the list of open orders.
    open_index: u32,
}

impl Order {
    /// What may still trade as the venue has it.
    #[must_use]
    pub const fn leaves(&self) -> Qty {
        self.quantity.saturating_sub(self.filled)
    }

    /// What may still trade at most, a change in flight included.
    #[must_use]
    pub fn leaves_worst(&self) -> Qty {
        let pending = self.pending.map_or(Qty::ZERO, |(_, quantity)| quantity);
        self.quantity.max(pending).saturating_sub(self.filled)
    }

    /// The most the open part can cost, a change in flight included.
    #[must_use]
    pub fn open_value(&self) -> Money {
        let value = |price: Px, quantity: Qty| {
            price.value(i64::from(quantity.saturating_sub(self.filled).0)).abs()
        };
        let now = value(self.price, self.quantity);
        self.pending.map_or(now, |(price, quantity)| now.max(value(price, quantity)))
    }

    /// `New` or `PartiallyFilled`, by what is filled.
    const fn open_status(&self) -> OrderStatus {
        if self.filled.is_zero() { OrderStatus::New } else { OrderStatus::PartiallyFilled }
    }
}

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The order as it is now.
    pub order: Order,
    /// The state before.
    pub status_before: OrderStatus,
    /// What traded by this report.
    pub filled: Option<(Px, Qty)>,
}

/// Why a report was refused. The state is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportError {
    /// No order of ours has this number (or it was closed and forgotten).
    UnknownOrder,
    /// The report's kind is no known code.
    UnknownKind,
    /// The venue may not say this in this state.
    Impossible,
    /// A fill for more than the order had left.
    Overfill,
    /// A fill of no quantity.
    EmptyFill,
}

/// Open orders of one instrument, per side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// Units that may still be bought.
    pub buy: i64,
    /// Units that may still be sold.
    pub sell: i64,
    /// Open orders.
    pub orders: u32,
}

/// Counters of what happened to reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportCounters {
    /// Reports that changed an order.
    pub applied: u64,
    /// Reports that repeated what was known.
    pub repeats: u64,
    /// Fills booked on orders already closed.
    pub late_fills: u64,
    /// Reports refused.
    pub refused: u64,
}

/// All own orders.
///
/// # Invariants
///
/// - `open` holds exactly the orders that are not terminal, each at its `open_index`.
/// - `exposures` and `open_value` are the sums over `open`.
/// - An order lies in slot `client_order_id & (capacity − 1)`.
pub struct Orders {
    slots: Box<[Option<Order>]>,
    open: Vec<ClientOrderId>,
    exposures: Box<[Exposure]>,
    open_value: Money,
    next_id: u64,
    entered: u64,
    counters: ReportCounters,
}

impl Orders {
    /// No orders. `own_orders_max` is a power of two.
    #[must_use]
    pub fn new(own_orders_max: u32, instruments_max: u32) -> Self {
        assert!(own_orders_max.is_power_of_two(), "the order table is a power of two");
        Self {
            slots: vec![None; own_orders_max as usize].into_boxed_slice(),
            open: Vec::with_capacity(own_orders_max as usize),
            exposures: vec![Exposure::default(); instruments_max as usize].into_boxed_slice(),
            open_value: Money::ZERO,
            next_id: 1,
            entered: 0,
            counters: ReportCounters::default(),
        }
    }

    /// The same with numbers that begin behind `base`.
    #[must_use]
    pub fn numbered_from(mut self, base: u32) -> Self {
        assert!(self.entered == 0, "numbers begin before the first order");
        self.next_id = u64::from(base) + 1;
        self
    }

    /// The number the next order will have, `None` while as many orders are open as there are
    /// places. Numbers whose place an open order still has are passed over, so that an order that
    /// rests all day does not stand in the way of others. O(open orders) at worst, mostly O(1).
    #[must_use]
    pub fn next_id(&self) -> Option<ClientOrderId> {
        if self.open.len() == self.slots.len() {
            return None;
        }
        let is_free = |&id: &ClientOrderId| {
            self.slots[self.slot(id)].is_none_or(|order| order.status.is_terminal())
        };
        // One of as many numbers in a row as there are places has a free one.
        (self.next_id..).map(ClientOrderId).take(self.slots.len()).find(is_free)
    }

    /// Enters an order as sent. The caller has its number from [`Orders::next_id`].
    pub fn enter(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Option<Order> {
        let client_order_id = self.next_id()?;
        self.next_id = client_order_id.0 + 1;
        self.entered += 1;
        let order = Order {
            client_order_id,
            order_id: OrderId(0),
            instrument,
            side,
            time_in_force,
            status: OrderStatus::PendingNew,
            price,
            quantity,
            filled: Qty::ZERO,
            pending: None,
            last_fill_id: 0,
            open_index: self.open.len() as u32,
        };
        self.open.push(client_order_id);
        let slot = self.slot(client_order_id);
        self.slots[slot] = Some(order);
        self.count_in(&order);
        Some(order)
    }

    /// Marks a change as sent. The caller has checked that the order is open and not in flight.
    pub fn mark_replace(&mut self, id: ClientOrderId, price: Px, quantity: Qty) -> Option<Order> {
        let mut order = self.get(id)?;
        if order.status.is_terminal() {
            return None;
        }
        self.count_out(&order);
        order.status = OrderStatus::PendingReplace;
        order.pending = Some((price, quantity));
        self.count_in(&order);
        self.put(order);
        Some(order)
    }

    /// Marks a cancel as sent. The caller has checked that the order is open.
    pub fn mark_cancel(&mut self, id: ClientOrderId) -> Option<Order> {
        let mut order = self.get(id)?;
        if order.status.is_terminal() {
            return None;
        }
        order.status = OrderStatus::PendingCancel;
        self.put(order);
        Some(order)
    }

    /// Applies a report of the venue; `None` when it only repeats what was known.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the report is counted and changes nothing.
    pub fn on_report(&mut self, report: &ExecutionReport) -> Result<Option<Applied>, ReportError> {
        let outcome = self.apply(report);
        match outcome {
            Ok(Some(_)) => self.counters.applied += 1,
            Ok(None) => self.counters.repeats += 1,
            Err(_) => self.counters.refused += 1,
        }
        outcome
    }

    /// An order, open or closed, `None` when it was never given out or is forgotten.
    #[inline]
    #[must_use]
    pub fn get(&self, id: ClientOrderId) -> Option<Order> {
        self.slots[self.slot(id)].filter(|order| order.client_order_id == id)
    }

    /// Open orders, in no stated but always the same order.
    pub fn open(&self) -> impl Iterator<Item = Order> + '_ {
        self.open.iter().filter_map(|&id| self.get(id))
    }

    /// How many orders are open.
    #[must_use]
    pub const fn open_count(&self) -> usize {
        self.open.len()
    }

    /// What the open orders of an instrument may still trade.
    #[inline]
    #[must_use]
    pub fn exposure(&self, instrument: InstrumentId) -> Exposure {
        self.exposures.get(instrument.index()).copied().unwrap_or_default()
    }

    /// The value of all open orders.
    #[must_use]
    pub const fn open_value(&self) -> Money {
        self.open_value
    }

    /// How many orders were entered.
    #[must_use]
    pub const fn entered(&self) -> u64 {
        self.entered
    }

    /// What happened to reports.
    #[must_use]
    pub const fn counters(&self) -> ReportCounters {
        self.counters
    }

    /// Folds every remembered order into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.next_id);
        hasher.write_i128(self.open_value.0);
        for order in self.slots.iter().flatten() {
            let (pending_price, pending_quantity) = order.pending.unwrap_or_default();
            hasher.write(order.client_order_id.0);
            hasher.write(order.order_id.0);
            hasher.write(u64::from(order.instrument.0) << 32 | (order.side as u64) << 16);
            hasher.write((order.status as u64) << 8 | order.time_in_force as u64);
            hasher.write_i64(order.price.0);
            hasher.write(u64::from(order.quantity.0) << 32 | u64::from(order.filled.0));
            hasher.write_i64(pending_price.0);
            hasher.write(u64::from(pending_quantity.0) << 32 | u64::from(order.last_fill_id));
        }
    }

    /// Checks every invariant by brute force. For tests and replays; O(orders + instruments).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let mut exposures = vec![Exposure::default(); self.exposures.len()];
        let mut value = Money::ZERO;
        for (index, order) in self.open().enumerate() {
            let exposure = &mut exposures[order.instrument.index()];
            add_exposure(exposure, &order, 1);
            value += order.open_value();
            if order.status.is_terminal() || order.open_index as usize != index {
                return false;
            }
        }
        let live = self.slots.iter().flatten().filter(|order| !order.status.is_terminal()).count();
        live == self.open.len() && exposures[..] == self.exposures[..] && value == self.open_value
    }

    fn apply(&mut self, report: &ExecutionReport) -> Result<Option<Applied>, ReportError> {
        let kind = report.kind().ok_or(ReportError::UnknownKind)?;
        let before = self.get(report.client_order_id).ok_or(ReportError::UnknownOrder)?;
        let change = transition(before.status, kind);
        let mut order = before;
        let mut filled = None;
        if kind == ExecutionKind::Fill {
            if report.fill_id != 0 && report.fill_id <= before.last_fill_id {
                return Ok(None);
            }
            if report.quantity.is_zero() {
                return Err(ReportError::EmptyFill);
            }
            if report.quantity > before.leaves_worst() {
                return Err(ReportError::Overfill);
            }
            order.filled = Qty(order.filled.0 + report.quantity.0);
            order.last_fill_id = report.fill_id;
            filled = Some((report.price, report.quantity));
        }
        match change {
            Transition::Repeat => return Ok(None),
            Transition::Impossible => return Err(ReportError::Impossible),
            Transition::LateFill => {
                self.counters.late_fills += 1;
                self.put(order);
                return Ok(Some(Applied { order, status_before: before.status, filled }));
            }
            Transition::Open | Transition::Stay | Transition::To(_) => {}
        }
        if !report.order_id.is_none() {
            order.order_id = report.order_id;
        }
        if kind == ExecutionKind::Replaced {
            order.price = report.price;
            order.quantity = report.quantity;
        }
        if matches!(kind, ExecutionKind::Replaced | ExecutionKind::ReplaceRejected) {
            order.pending = None;
        }
        order.status = match change {
            _ if kind != ExecutionKind::Canceled && order.leaves_worst().is_zero() => {
                OrderStatus::Filled
            }
            Transition::Open => order.open_status(),
            Transition::To(status) => status,
            _ => before.status,
        };
        if order.status.is_terminal() {
            order.pending = None;
        }
        self.count_out(&before);
        if order.status.is_terminal() {
            self.close(&order);
        } else {
            self.count_in(&order);
        }
        self.put(order);
        Ok(Some(Applied { order, status_before: before.status, filled }))
    }

    /// Takes an order off the open list; the last one moves into its place.
    fn close(&mut self, order: &Order) {
        let index = order.open_index as usize;
        assert!(self.open.get(index) == Some(&order.client_order_id), "open list holds the order");
        self.open.swap_remove(index);
        if let Some(&moved) = self.open.get(index) {
            let slot = self.slot(moved);
            if let Some(moved) = &mut self.slots[slot] {
                moved.open_index = order.open_index;
            }
        }
    }

    fn count_in(&mut self, order: &Order) {
        self.open_value += order.open_value();
        if let Some(exposure) = self.exposures.get_mut(order.instrument.index()) {
            add_exposure(exposure, order, 1);
        }
    }

    fn count_out(&mut self, order: &Order) {
        self.open_value -= order.open_value();
        if let Some(exposure) = self.exposures.get_mut(order.instrument.index()) {
            add_exposure(exposure, order, -1);
        }
    }

    fn put(&mut self, order: Order) {
        let slot = self.slot(order.client_order_id);
        self.slots[slot] = Some(order);
    }

    const fn slot(&self, id: ClientOrderId) -> usize {
        id.0 as usize & (self.slots.len() - 1)
    }
}

fn add_exposure(exposure: &mut Exposure, order: &Order, sign: i64) {
    let leaves = sign * i64::from(order.leaves_worst().0);
    match order.side {
        Side::Buy => exposure.buy += leaves,
        Side::Sell => exposure.sell += leaves,
    }
    exposure.orders = exposure.orders.wrapping_add_signed(sign as i32);
}
