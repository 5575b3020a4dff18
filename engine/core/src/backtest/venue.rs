//! A venue that fills own orders against the market's own order-by-order book.
//!
//! Own orders are shadows: the market does not see them, but they stand in its queues. A shadow
//! takes its place behind every order then at its price (price, then time; NSE protocol 6.1,
//! chapter 4) and trades exactly when the market's flow would have reached it:
//!
//! - an incoming order that crosses its price and is larger than everything ahead of it;
//! - a trade of an order never shown (market order) against something behind it or at a worse price.
//!
//! An own order that crosses takes what the book holds, at the resting prices. What own orders took
//! from a market order is remembered, so that nothing is traded with twice. The market is assumed
//! not to react; impact is not modelled.
//!
//! Commands and reports travel for a configured time each. Everything happens inside events, so a
//! replay fills the same.
//!
//! Reports on their way are bounded: while as many wait as there is room for, nothing more fills. An
//! order that takes is cancelled for the rest, one that rests is passed over.

mod snapshot;

use std::collections::VecDeque;

use tezi_model::{
    CommandKind, Event, ExecutionKind, ExecutionReport, InstrumentId, Nanos, OrderCommand, OrderId,
    Px, Qty, Side, StateHasher, TimeInForce,
};

use crate::book::{Books, RestingOrder};
use crate::config::SimulatedVenueConfig;

/// The venue's reason for a refusal: the order is not (or no longer) in its book.
const REASON_NOT_IN_BOOK: u16 = 1;
/// The venue's reason for an unasked cancel: too many market orders are partly taken, or too many
/// reports on their way, to go on.
const REASON_CAPACITY: u16 = 2;

/// The first order number: two digits of prefix and fourteen of sequence, as the exchange numbers
/// orders; prefix 89 is the highest whose numbers a double holds exactly, as NNF sends them.
const FIRST_ORDER_ID: u64 = 8_900_000_000_000_001;

/// An own order in the venue's book.
#[derive(Clone, Copy, Debug)]
struct Shadow {
    command: OrderCommand,
    order_id: OrderId,
    leaves: Qty,
    /// Its place in time among the orders of the market's book.
    priority: u64,
}

impl Shadow {
    const fn side(&self) -> Side {
        self.command.side()
    }

    /// Whether it trades before another order of its side.
    fn is_before(&self, price: Px, priority: u64) -> bool {
        self.side().is_better(self.command.price, price)
            || (self.command.price == price && self.priority < priority)
    }
}

/// What own orders took from one order of the market.
#[derive(Clone, Copy, Debug)]
struct Taken {
    segment_code: u8,
    order_id: OrderId,
    quantity: u32,
}

/// A venue inside the core. See the module.
///
/// # Invariants
///
/// - `shadows` is sorted by instrument, then side, then price-time priority.
/// - `commands` and `reports` are in order of time.
/// - `reports` never outgrows what was allocated: `fills_max` fills, and on top of them what the
///   commands themselves are answered (an acceptance or refusal and a cancel for each order, and
///   the same for the order whose place it took).
pub struct SimulatedVenue {
    config: SimulatedVenueConfig,
    commands: VecDeque<(Nanos, OrderCommand)>,
    reports: VecDeque<(Nanos, ExecutionReport)>,
    shadows: Vec<Shadow>,
    taken: Vec<Taken>,
    /// Reports on their way beyond which nothing fills.
    fills_max: usize,
    next_order_id: u64,
    next_fill_id: u32,
}

impl SimulatedVenue {
    /// Market orders that may be partly taken at once.
    const TAKEN_MAX: usize = 1_024;

    /// An empty venue for at most `own_orders_max` own orders.
    #[must_use]
    pub fn new(config: SimulatedVenueConfig, own_orders_max: u32) -> Self {
        let orders = own_orders_max as usize;
        Self {
            config,
            commands: VecDeque::with_capacity(orders * 2),
            reports: VecDeque::with_capacity(orders * 8),
            shadows: Vec::with_capacity(orders),
            taken: Vec::with_capacity(Self::TAKEN_MAX),
            fills_max: orders * 4,
            next_order_id: FIRST_ORDER_ID,
            next_fill_id: 1,
        }
    }

    /// Sends a command on its way.
    pub fn send(&mut self, now: Nanos, command: &OrderCommand) {
        self.commands.push_back((now.plus(self.config.order_latency_ns), *command));
    }

    /// When the venue next does something, `None` when nothing is on its way.
    #[inline]
    #[must_use]
    pub fn next_due(&self) -> Option<Nanos> {
        match (self.commands.front(), self.reports.front()) {
            (Some(&(command, _)), Some(&(report, _))) => Some(command.min(report)),
            (command, report) => command.map(|c| c.0).or(report.map(|r| r.0)),
        }
    }

    /// Works off what is due: matches commands that arrived, and returns the next report that has
    /// reached the core. `None` when nothing more is due.
    pub fn poll(
        &mut self,
        now: Nanos,
        books: &mut Books,
        segment: impl Fn(InstrumentId) -> u8,
    ) -> Option<ExecutionReport> {
        loop {
            let command_due = self.commands.front().map(|&(due, _)| due).filter(|&due| due <= now);
            let report_due = self.reports.front().map(|&(due, _)| due).filter(|&due| due <= now);
            match (command_due, report_due) {
                (Some(command), report) if report.is_none_or(|report| command <= report) => {
                    let (due, command) = self.commands.pop_front()?;
                    self.execute(due, &command, books, segment(command.instrument));
                }
                (_, Some(_)) => return self.reports.pop_front().map(|(_, report)| report),
                _ => return None,
            }
        }
    }

    /// Sees an order of an image of the book, after the book has it and before
    /// [`Self::on_order`]: it was there before, so own orders at its price go behind it.
    ///
    /// The book was emptied for the image, and the place in its queue that an own order had against
    /// this one is not known any more; the worse is assumed.
    pub fn give_way(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        order_id: OrderId,
        books: &mut Books,
    ) {
        if self.shadows.is_empty() {
            return;
        }
        let Some(order) = books.order(segment_code, order_id) else { return };
        let (start, end) = self.range(instrument, order.side);
        for shadow in &mut self.shadows[start..end] {
            if shadow.command.price == order.price {
                shadow.priority = books.priority_next();
            }
        }
    }

    /// Sees an order that arrived in the market or changed, after the book has it.
    pub fn on_order(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        order_id: OrderId,
        time: Nanos,
        books: &Books,
    ) {
        if self.shadows.is_empty() {
            return;
        }
        let Some(order) = books.order(segment_code, order_id) else { return };
        let (start, end) = self.range(instrument, order.side.opposite());
        let mut index = start;
        for _ in start..end {
            let shadow = self.shadows[index];
            if !order.side.crosses(order.price, shadow.command.price) {
                break;
            }
            let price = shadow.command.price;
            let ahead = books.quantity_ahead(instrument, shadow.side(), price, shadow.priority);
            let used = u64::from(self.taken_from(segment_code, order_id));
            let left = u64::from(order.quantity.0).saturating_sub(ahead).saturating_sub(used);
            let quantity = left.min(u64::from(shadow.leaves.0)) as u32;
            if quantity == 0 || !self.take(segment_code, order_id, quantity, books) {
                break;
            }
            let gone = self.fill_shadow(index, Qty(quantity), time);
            index += usize::from(!gone);
        }
    }

    /// Sees a trade of the market, before the book has it: of two orders, or of one resting order.
    pub fn on_trade(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        event: &Event,
        books: &Books,
    ) {
        if self.shadows.is_empty() {
            return;
        }
        let buy = books.order(segment_code, event.order_id);
        let sell = books.order(segment_code, event.sell_order_id);
        // The side whose resting order was hit, and that order's place in the queue. When both are
        // in the book the aggressor was seen coming, and `on_order` has dealt with it.
        match (buy, sell) {
            (Some(_), Some(_)) => {}
            (Some(resting), None) | (None, Some(resting)) => {
                let RestingOrder { side, price, priority, .. } = resting;
                self.fill_before(instrument, side, price, priority, event);
            }
            (None, None) => self.on_trade_through(instrument, event),
        }
    }

    /// Whether no own order is in the venue or on its way.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.shadows.is_empty() && self.commands.is_empty() && self.reports.is_empty()
    }

    /// Folds the venue's state into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.next_order_id);
        hasher.write(u64::from(self.next_fill_id));
        for shadow in &self.shadows {
            hasher.write(shadow.order_id.0);
            hasher.write(u64::from(shadow.leaves.0));
            hasher.write_bytes(bytemuck::bytes_of(&shadow.command));
        }
        for taken in &self.taken {
            hasher.write(taken.order_id.0);
            hasher.write(u64::from(taken.segment_code) << 32 | u64::from(taken.quantity));
        }
        for (due, command) in &self.commands {
            hasher.write_i64(due.0);
            hasher.write_bytes(bytemuck::bytes_of(command));
        }
        for (due, report) in &self.reports {
            hasher.write_i64(due.0);
            hasher.write_bytes(bytemuck::bytes_of(report));
        }
    }

    fn execute(&mut self, due: Nanos, command: &OrderCommand, books: &mut Books, segment_code: u8) {
        match command.kind() {
            Some(CommandKind::New) => {
                let order_id = OrderId(self.next_order_id);
                self.next_order_id += 1;
                let shadow =
                    Shadow { command: *command, order_id, leaves: command.quantity, priority: 0 };
                self.report(due, &shadow, ExecutionKind::Accepted, command.price, command.quantity);
                self.enter(due, shadow, books, segment_code);
            }
            Some(CommandKind::Replace) => self.replace(due, command, books, segment_code),
            Some(CommandKind::Cancel) => match self.position(command) {
                Some(index) => {
                    let shadow = self.shadows.remove(index);
                    let filled = shadow.command.quantity.saturating_sub(shadow.leaves);
                    self.report(
                        due,
                        &shadow,
                        ExecutionKind::Canceled,
                        shadow.command.price,
                        filled,
                    );
                }
                None => self.refuse(due, command, ExecutionKind::CancelRejected),
            },
            None => {}
        }
    }

    /// Takes what crosses, then rests or cancels what is left.
    fn enter(&mut self, due: Nanos, mut shadow: Shadow, books: &mut Books, segment_code: u8) {
        let (instrument, side) = (shadow.command.instrument, shadow.side());
        let limit = shadow.command.price;
        let mut full = false;
        for resting in books.orders(instrument, side.opposite()) {
            if shadow.leaves.is_zero() || !side.crosses(limit, resting.price) {
                break;
            }
            let taken = self.taken_from(segment_code, resting.order_id);
            let quantity = resting.quantity.0.saturating_sub(taken).min(shadow.leaves.0);
            if quantity == 0 {
                continue;
            }
            if !self.take(segment_code, resting.order_id, quantity, books) {
                full = true;
                break;
            }
            shadow.leaves = shadow.leaves.saturating_sub(Qty(quantity));
            self.report_fill(due, &shadow, resting.price, Qty(quantity), false);
        }
        if shadow.leaves.is_zero() {
            return;
        }
        if full || shadow.command.time_in_force() == TimeInForce::Ioc {
            let filled = shadow.command.quantity.saturating_sub(shadow.leaves);
            self.report(due, &shadow, ExecutionKind::Canceled, limit, filled);
            if full && let Some((_, report)) = self.reports.back_mut() {
                report.reason = REASON_CAPACITY;
            }
            return;
        }
        shadow.priority = books.priority_next();
        self.rest(shadow);
    }

    /// A change of price, or more quantity, gives up the place in the queue; less keeps it.
    fn replace(&mut self, due: Nanos, command: &OrderCommand, books: &mut Books, segment_code: u8) {
        let Some(index) = self.position(command) else {
            return self.refuse(due, command, ExecutionKind::ReplaceRejected);
        };
        let old = self.shadows.remove(index);
        let filled = old.command.quantity.saturating_sub(old.leaves);
        let mut shadow = old;
        shadow.command.price = command.price;
        // Fills may have overtaken the change: an order cannot be for less than has traded.
        shadow.command.quantity = command.quantity.max(filled);
        shadow.leaves = shadow.command.quantity.saturating_sub(filled);
        let quantity = shadow.command.quantity;
        self.report(due, &shadow, ExecutionKind::Replaced, command.price, quantity);
        if shadow.leaves.is_zero() {
            return;
        }
        if command.price == old.command.price && command.quantity <= old.command.quantity {
            self.rest(shadow);
        } else {
            self.enter(due, shadow, books, segment_code);
        }
    }

    /// A trade whose orders were never shown: fills what it went strictly through.
    fn on_trade_through(&mut self, instrument: InstrumentId, event: &Event) {
        for side in Side::BOTH {
            self.fill_before(instrument, side, event.price, 0, event);
        }
    }

    /// Fills shadows that stood before a place in the queue, up to the traded quantity.
    fn fill_before(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        priority: u64,
        event: &Event,
    ) {
        let (start, end) = self.range(instrument, side);
        let mut left = event.quantity;
        let mut index = start;
        for _ in start..end {
            let shadow = self.shadows[index];
            if left.is_zero() || !shadow.is_before(price, priority) || !self.can_report_fill() {
                break;
            }
            let quantity = left.min(shadow.leaves);
            left = left.saturating_sub(quantity);
            let gone = self.fill_shadow(index, quantity, event.receive_time);
            index += usize::from(!gone);
        }
    }

    /// Fills a resting shadow at its own price; whether it is gone.
    fn fill_shadow(&mut self, index: usize, quantity: Qty, time: Nanos) -> bool {
        self.shadows[index].leaves = self.shadows[index].leaves.saturating_sub(quantity);
        let shadow = self.shadows[index];
        self.report_fill(time, &shadow, shadow.command.price, quantity, true);
        if shadow.leaves.is_zero() {
            self.shadows.remove(index);
        }
        shadow.leaves.is_zero()
    }

    fn rest(&mut self, shadow: Shadow) {
        let key = |s: &Shadow| (s.command.instrument, s.command.side_code);
        let place = self.shadows.partition_point(|other| {
            key(other) < key(&shadow)
                || (key(other) == key(&shadow)
                    && other.is_before(shadow.command.price, shadow.priority))
        });
        self.shadows.insert(place, shadow);
    }

    /// The shadows of one side of one instrument, best first.
    fn range(&self, instrument: InstrumentId, side: Side) -> (usize, usize) {
        let key = (instrument, side as u8);
        let of = |shadow: &Shadow| (shadow.command.instrument, shadow.command.side_code);
        let start = self.shadows.partition_point(|shadow| of(shadow) < key);
        let end = self.shadows.partition_point(|shadow| of(shadow) <= key);
        (start, end)
    }

    fn position(&self, command: &OrderCommand) -> Option<usize> {
        self.shadows.iter().position(|s| s.command.client_order_id == command.client_order_id)
    }

    fn can_report_fill(&self) -> bool {
        self.reports.len() < self.fills_max
    }

    fn taken_from(&self, segment_code: u8, order_id: OrderId) -> u32 {
        let same =
            |taken: &&Taken| taken.order_id == order_id && taken.segment_code == segment_code;
        self.taken.iter().find(same).map_or(0, |taken| taken.quantity)
    }

    /// Remembers what was taken from a market order; `false` when too many are partly taken, or the
    /// fill's report finds no room.
    fn take(&mut self, segment_code: u8, order_id: OrderId, quantity: u32, books: &Books) -> bool {
        if !self.can_report_fill() {
            return false;
        }
        let same =
            |taken: &&mut Taken| taken.order_id == order_id && taken.segment_code == segment_code;
        if let Some(taken) = self.taken.iter_mut().find(same) {
            taken.quantity += quantity;
            return true;
        }
        if self.taken.len() == Self::TAKEN_MAX {
            self.taken.retain(|taken| books.order(taken.segment_code, taken.order_id).is_some());
        }
        if self.taken.len() == Self::TAKEN_MAX {
            return false;
        }
        self.taken.push(Taken { segment_code, order_id, quantity });
        true
    }

    fn report(
        &mut self,
        due: Nanos,
        shadow: &Shadow,
        kind: ExecutionKind,
        price: Px,
        quantity: Qty,
    ) {
        let report = ExecutionReport {
            client_order_id: shadow.command.client_order_id,
            order_id: shadow.order_id,
            price,
            quantity,
            fill_id: 0,
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: due,
        };
        self.push_report(due, report);
    }

    fn report_fill(
        &mut self,
        due: Nanos,
        shadow: &Shadow,
        price: Px,
        quantity: Qty,
        passive: bool,
    ) {
        let fill_id = self.next_fill_id;
        self.next_fill_id += 1;
        let report = ExecutionReport {
            client_order_id: shadow.command.client_order_id,
            order_id: shadow.order_id,
            price,
            quantity,
            fill_id,
            kind_code: ExecutionKind::Fill as u8,
            passive: u8::from(passive),
            reason: 0,
            reserved: 0,
            venue_time: due,
        };
        self.push_report(due, report);
    }

    fn refuse(&mut self, due: Nanos, command: &OrderCommand, kind: ExecutionKind) {
        let shadow = Shadow {
            command: *command,
            order_id: command.order_id,
            leaves: Qty::ZERO,
            priority: 0,
        };
        self.report(due, &shadow, kind, command.price, command.quantity);
        if let Some((_, report)) = self.reports.back_mut() {
            report.reason = REASON_NOT_IN_BOOK;
        }
    }

    /// Reports are kept in order of time even when the clock of events steps back.
    fn push_report(&mut self, due: Nanos, report: ExecutionReport) {
        let arrival = due.plus(self.config.report_latency_ns);
        let last = self.reports.back().map_or(Nanos::ZERO, |&(arrival, _)| arrival);
        self.reports.push_back((arrival.max(last), report));
    }
}
