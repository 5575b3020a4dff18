//! Order management: every own order from request to end, and the exposure it makes.
//!
//! An order counts as exposure from the moment it is sent: what is unconfirmed is live until the
//! venue says otherwise, and a change in flight counts at the worse of both versions. Orders are
//! never forgotten while open; a closed one is remembered until a newer order needs its place.

mod annulled;
mod best;
mod fills;
#[cfg(test)]
mod model_tests;
mod order;
mod places;
mod session;
mod shares;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

pub use order::{Applied, Exposure, Order, ReportCounters, ReportError};
pub use session::OrderSessionState;
pub use state::{OrderEvent, Transition, transition};

use annulled::AnnulledTrades;
use best::BestPrices;
use fills::{FillMemory, Recall, Trade};
use places::Places;
use shares::Shares;

use tezi_model::{
    AccountId, ClientOrderId, ExecutionKind, ExecutionReport, InstrumentId, Money, OrderId,
    OrderStatus, Px, Qty, Side, StateHasher, StrategyId, TimeInForce,
};

/// Room for at least so many trades taken back. An order may have many.
const ANNULLED_MIN: usize = 1_024;

/// All own orders.
///
/// # Invariants
///
/// - `open` holds exactly the orders that are not terminal, each at its `open_index`.
/// - `taken` holds exactly the slots of the orders of `open`.
/// - `exposures` and `open_value` are the sums over `open`, `shares` those of each strategy and account.
/// - `best` holds the best price of each order of `open`, changes in flight included.
/// - An order lies in slot `client_order_id & (capacity − 1)`.
pub struct Orders {
    slots: Box<[Option<Order>]>,
    taken: Places,
    open: Vec<ClientOrderId>,
    exposures: Box<[Exposure]>,
    shares: Shares,
    open_value: Money,
    best: BestPrices,
    fills: FillMemory,
    annulled: AnnulledTrades,
    in_flight: u32,
    next_id: u64,
    entered: u64,
    counters: ReportCounters,
}

impl Orders {
    /// No orders. `own_orders_max` is a power of two; as many fills are remembered.
    #[must_use]
    pub fn new(own_orders_max: u32, instruments_max: u32) -> Self {
        assert!(own_orders_max.is_power_of_two(), "the order table is a power of two");
        let orders_max = own_orders_max as usize;
        Self {
            slots: vec![None; orders_max].into_boxed_slice(),
            taken: Places::new(orders_max),
            open: Vec::with_capacity(orders_max),
            exposures: vec![Exposure::default(); instruments_max as usize].into_boxed_slice(),
            shares: Shares::default(),
            open_value: Money::ZERO,
            best: BestPrices::new(orders_max, instruments_max as usize),
            fills: FillMemory::new(orders_max),
            annulled: AnnulledTrades::new(orders_max.max(ANNULLED_MIN)),
            in_flight: 0,
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

    /// Tells the exposure of so many strategies and accounts apart as well.
    pub(crate) fn share_among(&mut self, strategies: usize, accounts: usize) {
        assert!(self.entered == 0, "strategies and accounts are there before the first order");
        self.shares = Shares::new(strategies, accounts, self.exposures.len());
    }

    /// The number the next order will have, `None` while as many orders are open as there are
    /// places. Numbers whose place an open order still has are passed over, so that an order that
    /// rests all day does not stand in the way of others. O(places / 64) at worst, mostly O(1).
    #[must_use]
    pub fn next_id(&self) -> Option<ClientOrderId> {
        let wanted = self.slot(ClientOrderId(self.next_id));
        let free = self.taken.next_free(wanted)?;
        let passed = free.wrapping_sub(wanted) & (self.slots.len() - 1);
        Some(ClientOrderId(self.next_id + passed as u64))
    }

    /// Enters an order of no strategy in particular as sent, with the number of [`Orders::next_id`];
    /// `None` while there is no room.
    pub fn enter(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Option<Order> {
        let of = (StrategyId::NONE, AccountId::NONE);
        self.enter_for(of, instrument, side, price, quantity, time_in_force)
    }

    /// As [`Orders::enter`], for a strategy and an account.
    #[inline]
    pub fn enter_for(
        &mut self,
        (strategy, account): (StrategyId, AccountId),
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Option<Order> {
        let client_order_id = self.next_id()?;
        self.next_id = client_order_id.0 + 1;
        self.entered += 1;
        self.in_flight += 1;
        let order = Order {
            client_order_id,
            order_id: OrderId(0),
            instrument,
            side,
            time_in_force,
            status: OrderStatus::PendingNew,
            strategy,
            account,
            price,
            quantity,
            filled: Qty::ZERO,
            annulled: Qty::ZERO,
            pending: None,
            last_fill_id: 0,
            open_index: self.open.len() as u32,
            fills_before: self.fills.count(),
        };
        self.open.push(client_order_id);
        let slot = self.slot(client_order_id);
        self.slots[slot] = Some(order);
        self.taken.take(slot);
        self.best.insert(slot, instrument, side, price);
        self.count_in(&order);
        Some(order)
    }

    /// Marks a change as sent; `None` when the order is closed or has a request in flight.
    pub fn mark_replace(&mut self, id: ClientOrderId, price: Px, quantity: Qty) -> Option<Order> {
        let mut order = self.get(id)?;
        let Transition::To(status) = transition(order.status, OrderEvent::ReplaceSent) else {
            return None;
        };
        let before = order;
        order.status = status;
        order.pending = Some((price, quantity));
        self.in_flight += 1;
        self.recount(&before, &order);
        self.rank(&before, &order);
        self.put(order);
        Some(order)
    }

    /// Marks a cancel as sent; `None` when the order is closed or has a request in flight.
    pub fn mark_cancel(&mut self, id: ClientOrderId) -> Option<Order> {
        let mut order = self.get(id)?;
        let Transition::To(status) = transition(order.status, OrderEvent::CancelSent) else {
            return None;
        };
        order.status = status;
        self.in_flight += 1;
        self.put(order);
        Some(order)
    }

    /// Applies a report of the venue; `None` when it only repeats what was known.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the report is counted and changes nothing.
    pub fn on_report(&mut self, report: &ExecutionReport) -> Result<Option<Applied>, ReportError> {
        let outcome = self.apply_report(report);
        self.count(outcome)
    }

    /// Applies an event that brings no numbers: a freeze or trigger, the connection's fate, or what
    /// the download says. `None` when it only repeats what was known.
    ///
    /// # Errors
    ///
    /// [`ReportError::UnknownOrder`], or [`ReportError::Impossible`] for an event that needs numbers
    /// (see [`OrderEvent::is_bare`]) or cannot be in this state.
    pub fn on_event(
        &mut self,
        id: ClientOrderId,
        event: OrderEvent,
    ) -> Result<Option<Applied>, ReportError> {
        let outcome = match self.get(id) {
            None => Err(ReportError::UnknownOrder),
            Some(_) if !event.is_bare() => Err(ReportError::Impossible),
            Some(before) => self.settle(&before, before, event, None),
        };
        self.count(outcome)
    }

    /// Takes back a trade that was told: `report` carries its number, price and quantity, and the
    /// venue's number of the order where it does not know ours. The order keeps its state and what is left of it; it is returned, `None` when the trade was taken back
    /// before.
    ///
    /// # Errors
    ///
    /// [`ReportError::UnknownTrade`] when the trade was never told or the order has no such quantity,
    /// [`ReportError::Capacity`] when no more trades taken back can be remembered.
    #[cold]
    pub fn on_trade_canceled(
        &mut self,
        report: &ExecutionReport,
    ) -> Result<Option<Order>, ReportError> {
        let outcome = self.annul(report);
        self.count(outcome)
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

    /// As [`Orders::exposure`], of one strategy of several.
    #[inline]
    #[must_use]
    pub fn exposure_of(&self, strategy: StrategyId, instrument: InstrumentId) -> Exposure {
        self.shares.exposure(strategy, instrument)
    }

    /// How many orders of one strategy of several are open.
    #[inline]
    #[must_use]
    pub fn open_count_of(&self, strategy: StrategyId) -> u32 {
        self.shares.open_orders(strategy)
    }

    /// As [`Orders::exposure`], of one account.
    #[inline]
    #[must_use]
    pub fn exposure_of_account(&self, account: AccountId, instrument: InstrumentId) -> Exposure {
        self.shares.account_exposure(account, instrument)
    }

    /// How many orders of one account are open.
    #[inline]
    #[must_use]
    pub fn open_count_of_account(&self, account: AccountId) -> u32 {
        self.shares.account_open_orders(account)
    }

    /// The value of all open orders of one account.
    #[inline]
    #[must_use]
    pub fn open_value_of_account(&self, account: AccountId) -> Money {
        self.shares.account_open_value(account)
    }

    /// The best price of the open orders of an instrument and side, changes in flight included;
    /// `None` when none is open.
    #[inline]
    #[must_use]
    pub fn best_price(&self, instrument: InstrumentId, side: Side) -> Option<Px> {
        self.best.best(instrument, side)
    }

    /// The value of all open orders.
    #[must_use]
    pub const fn open_value(&self) -> Money {
        self.open_value
    }

    /// How many requests wait for an answer of the venue.
    #[inline]
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
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
            let whose = u64::from(order.account.0) << 24 | u64::from(order.strategy.0) << 16;
            hasher.write(whose | (order.status as u64) << 8 | order.time_in_force as u64);
            hasher.write_i64(order.price.0);
            hasher.write(u64::from(order.quantity.0) << 32 | u64::from(order.filled.0));
            hasher.write_i64(pending_price.0);
            hasher.write(u64::from(pending_quantity.0) << 32 | u64::from(order.last_fill_id));
            // Folded in only where it occurred, so that older journals keep their hash.
            if !order.annulled.is_zero() {
                hasher.write(u64::from(order.annulled.0));
            }
        }
        self.annulled.hash_into(hasher);
    }

    /// Checks every invariant by brute force. For tests and replays; O(orders + instruments).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let mut exposures = vec![Exposure::default(); self.exposures.len()];
        let mut bests = vec![[None::<Px>; 2]; self.exposures.len()];
        let mut shares = self.shares.empty();
        let (mut value, mut in_flight) = (Money::ZERO, 0);
        for (index, order) in self.open().enumerate() {
            let exposure = &mut exposures[order.instrument.index()];
            add_exposure(exposure, &order, 1);
            shares.add(&order, 1);
            let best = &mut bests[order.instrument.index()][order.side as usize];
            let price = order.price_best();
            if best.is_none_or(|best| order.side.is_better(price, best)) {
                *best = Some(price);
            }
            value += order.open_value();
            in_flight += u32::from(order.status.is_in_flight());
            if order.status.is_terminal() || order.open_index as usize != index {
                return false;
            }
        }
        let is_live = |slot: &Option<Order>| slot.is_some_and(|it| !it.status.is_terminal());
        let live = self.slots.iter().filter(|slot| is_live(slot)).count();
        let mut places = self.slots.iter().enumerate();
        let are_taken = places
            .all(|(place, slot)| (self.taken.next_free(place) != Some(place)) == is_live(slot));
        let ids = (0..).map(InstrumentId);
        let best = |id| Side::BOTH.map(|side| self.best_price(id, side));
        are_taken
            && live == self.open.len()
            && exposures[..] == self.exposures[..]
            && shares == self.shares
            && (value, in_flight) == (self.open_value, self.in_flight)
            && ids.zip(&bests).all(|(id, naive)| best(id) == *naive)
    }

    #[inline]
    fn count<T>(
        &mut self,
        outcome: Result<Option<T>, ReportError>,
    ) -> Result<Option<T>, ReportError> {
        match &outcome {
            Ok(Some(_)) => self.counters.applied += 1,
            Ok(None) => self.counters.repeats += 1,
            Err(_) => self.counters.refused += 1,
        }
        outcome
    }

    #[inline]
    fn apply_report(&mut self, report: &ExecutionReport) -> Result<Option<Applied>, ReportError> {
        let kind = report.kind().ok_or(ReportError::UnknownKind)?;
        let before = self.get(report.client_order_id).ok_or(ReportError::UnknownOrder)?;
        let mut order = before;
        let mut event = OrderEvent::of_report(kind);
        let mut filled = None;
        if kind == ExecutionKind::Fill {
            event = self.fill(&mut order, report)?;
            filled = Some((report.price, report.quantity));
        }
        if !report.order_id.is_none() {
            order.order_id = report.order_id;
        }
        if kind == ExecutionKind::Replaced {
            order.price = report.price;
            order.quantity = report.quantity;
        }
        self.settle(&before, order, event, filled)
    }

    /// Gives an order, its numbers as `event` brings them, the state of the table.
    #[inline]
    fn settle(
        &mut self,
        before: &Order,
        mut order: Order,
        event: OrderEvent,
        filled: Option<(Px, Qty)>,
    ) -> Result<Option<Applied>, ReportError> {
        let applied = |order| Applied { order, status_before: before.status, filled };
        order.status = match transition(before.status, event) {
            Transition::Repeat => {
                // The venue's number may come late, behind a trigger or an approval.
                if before.order_id.is_none() {
                    self.put(Order { order_id: order.order_id, ..*before });
                }
                return Ok(None);
            }
            Transition::Impossible | Transition::Annul => return Err(ReportError::Impossible),
            Transition::LateFill => {
                // The venue's number stays that of the order's life.
                order.order_id = before.order_id;
                self.counters.late_fills += 1;
                self.put(order);
                return Ok(Some(applied(order)));
            }
            Transition::To(status) => status,
            Transition::Open => {
                order.pending = None;
                order.open_status()
            }
            Transition::Stay => before.status,
        };
        if !order.status.is_terminal() && order.leaves_worst().is_zero() {
            order.status = OrderStatus::Filled;
        }
        self.in_flight -= u32::from(before.status.is_in_flight());
        self.in_flight += u32::from(order.status.is_in_flight());
        if order.status.is_terminal() {
            order.pending = None;
            self.count_out(before);
            self.close(&order);
        } else {
            self.recount(before, &order);
            self.rank(before, &order);
        }
        self.put(order);
        Ok(Some(applied(order)))
    }

    /// An order by the venue's number: looked for everywhere, some times a year.
    fn by_venue_number(&self, order_id: OrderId) -> Option<Order> {
        let is_it = |order: &&Order| order.order_id == order_id;
        self.slots.iter().flatten().find(is_it).filter(|_| order_id.0 != 0).copied()
    }

    fn annul(&mut self, report: &ExecutionReport) -> Result<Option<Order>, ReportError> {
        let known = match report.client_order_id {
            ClientOrderId(0) => self.by_venue_number(report.order_id),
            id => self.get(id),
        };
        let mut order = known.ok_or(ReportError::UnknownOrder)?;
        if transition(order.status, OrderEvent::TradeCanceled) != Transition::Annul {
            return Err(ReportError::Impossible);
        }
        let trade = (order.client_order_id, report.fill_id);
        if self.annulled.holds(trade) {
            return Ok(None);
        }
        let is_told = match self.fills.recall(trade.0, order.fills_before, trade.1) {
            Recall::Told(told) => (told.quantity, told.price) == (report.quantity, report.price),
            Recall::New => false,
            Recall::Forgotten => report.fill_id != 0 && report.fill_id <= order.last_fill_id,
        };
        let most = order.filled.saturating_sub(order.annulled);
        if !is_told || report.quantity.is_zero() || report.quantity > most {
            return Err(ReportError::UnknownTrade);
        }
        if self.annulled.is_full() {
            let Self { slots, annulled, .. } = self;
            let place = |id: ClientOrderId| id.0 as usize & (slots.len() - 1);
            annulled.forget(|id| slots[place(id)].is_some_and(|it| it.client_order_id == id));
        }
        if !self.annulled.push(trade) {
            return Err(ReportError::Capacity);
        }
        order.annulled = Qty(order.annulled.0 + report.quantity.0);
        self.counters.annulled += 1;
        self.put(order);
        Ok(Some(order))
    }

    /// Books a trade on an order and remembers it; which event it is.
    #[inline]
    fn fill(
        &mut self,
        order: &mut Order,
        report: &ExecutionReport,
    ) -> Result<OrderEvent, ReportError> {
        let &ExecutionReport { client_order_id, fill_id, quantity, price, .. } = report;
        if fill_id != 0 && fill_id <= order.last_fill_id {
            match self.fills.recall(client_order_id, order.fills_before, fill_id) {
                Recall::Told(_) => return Ok(OrderEvent::RepeatedFill),
                Recall::Forgotten => return Err(ReportError::ForgottenFill),
                Recall::New => {}
            }
        }
        if quantity.is_zero() {
            return Err(ReportError::EmptyFill);
        }
        if quantity > order.leaves_worst() {
            return Err(ReportError::Overfill);
        }
        if fill_id != 0 {
            self.fills.push(Trade { order: client_order_id, fill_id, quantity, price });
        }
        self.counters.reordered_fills += u64::from(fill_id != 0 && fill_id < order.last_fill_id);
        order.filled = Qty(order.filled.0 + quantity.0);
        // A fill without a number must not make the ones before it look new.
        order.last_fill_id = order.last_fill_id.max(fill_id);
        Ok(if order.leaves_worst().is_zero() { OrderEvent::Fill } else { OrderEvent::PartialFill })
    }

    /// Moves an open order to where its best price ranks now.
    #[inline]
    fn rank(&mut self, before: &Order, now: &Order) {
        if now.price_best() != before.price_best() {
            let slot = self.slot(now.client_order_id);
            self.best.remove(slot, now.instrument, now.side);
            self.best.insert(slot, now.instrument, now.side, now.price_best());
        }
    }

    /// Takes an order off the open list; the last one moves into its place.
    fn close(&mut self, order: &Order) {
        let index = order.open_index as usize;
        assert!(self.open.get(index) == Some(&order.client_order_id), "open list holds the order");
        let slot = self.slot(order.client_order_id);
        self.best.remove(slot, order.instrument, order.side);
        self.taken.free(slot);
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
        if order.is_shared() {
            self.shares.add(order, 1);
        }
    }

    /// As out and in, for an order that stays open.
    #[inline]
    fn recount(&mut self, before: &Order, now: &Order) {
        self.open_value += now.open_value() - before.open_value();
        if let Some(exposure) = self.exposures.get_mut(now.instrument.index()) {
            let more = i64::from(now.leaves_worst().0) - i64::from(before.leaves_worst().0);
            match now.side {
                Side::Buy => exposure.buy += more,
                Side::Sell => exposure.sell += more,
            }
        }
        if now.is_shared() {
            self.shares.add(before, -1);
            self.shares.add(now, 1);
        }
    }

    fn count_out(&mut self, order: &Order) {
        self.open_value -= order.open_value();
        if let Some(exposure) = self.exposures.get_mut(order.instrument.index()) {
            add_exposure(exposure, order, -1);
        }
        if order.is_shared() {
            self.shares.add(order, -1);
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
