//! Books as a snapshot and later messages make them, and their differences from others.
//!
//! The rules are those of the exchange for readers of the feed (MTBT 6.7, chapters 6 and 11), in
//! the plainest way: a sorted map by order. They are written apart from the engine's books on
//! purpose, since they are to find what is wrong there.

use std::collections::BTreeMap;

use tezi_model::{Event, EventKind, OrderId, Px, Qty, Side, Token};

/// An order as an audit sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditOrder {
    /// Its number.
    pub order_id: OrderId,
    /// Its contract.
    pub token: Token,
    /// Whether it is one leg of a spread order, whose number stands in two books.
    pub is_spread: bool,
    /// Its side.
    pub side: Side,
    /// Its price.
    pub price: Px,
    /// What is left of it.
    pub quantity: Qty,
}

/// Spread or not, number, and of a spread order the leg.
type Key = (bool, u64, u32);

impl AuditOrder {
    pub(super) fn of_event(event: &Event) -> Self {
        Self {
            order_id: event.order_id,
            token: event.token,
            is_spread: is_spread(event.kind()),
            side: event.side(),
            price: event.price,
            quantity: event.quantity,
        }
    }

    const fn key(&self) -> Key {
        key(self.is_spread, self.order_id, self.token)
    }
}

const fn key(is_spread: bool, order_id: OrderId, token: Token) -> Key {
    (is_spread, order_id.0, if is_spread { token.0 } else { 0 })
}

const fn is_spread(kind: Option<EventKind>) -> bool {
    matches!(
        kind,
        Some(
            EventKind::SpreadOrderNew
                | EventKind::SpreadOrderModify
                | EventKind::SpreadOrderCancel
                | EventKind::SpreadTrade
        )
    )
}

/// How an order differs. One that differs in several ways counts as the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DifferenceKind {
    /// The exchange has it, the live book does not.
    Missing = 0,
    /// The live book has it (or has it twice), the exchange does not.
    Extra = 1,
    /// It is in another contract or on another side.
    WrongPlace = 2,
    /// It has another price.
    WrongPrice = 3,
    /// It has another quantity.
    WrongQuantity = 4,
}

impl DifferenceKind {
    /// How many kinds: the length of a table of counts indexed by code.
    pub const COUNT: usize = 5;
}

/// One order that is not the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How it differs.
    pub kind: DifferenceKind,
    /// As the live book has it; `None` when it is missing.
    pub live: Option<AuditOrder>,
    /// As the exchange has it; `None` when it is extra.
    pub exchange: Option<AuditOrder>,
}

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// The last message that both sides contain.
    pub at: u32,
    /// Live orders looked at.
    pub live_orders: u64,
    /// Orders that the exchange has.
    pub exchange_orders: u64,
    /// Differences, indexed by the code of the [`DifferenceKind`].
    pub counts: [u64; DifferenceKind::COUNT],
    /// The first of them: those of live orders in the order given, then the missing by number.
    pub differences: Vec<Difference>,
}

impl AuditReport {
    /// Whether the books are what they must be.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    fn note(&mut self, difference: Difference, listed_max: usize) {
        self.counts[difference.kind as usize] += 1;
        if self.differences.len() < listed_max {
            self.differences.push(difference);
        }
    }
}

/// The orders of a stream.
pub(super) struct RebuiltBooks(BTreeMap<Key, AuditOrder>);

impl RebuiltBooks {
    pub(super) fn new(orders: &[AuditOrder]) -> Self {
        Self(orders.iter().map(|order| (order.key(), *order)).collect())
    }

    pub(super) fn apply(&mut self, event: &Event) {
        let kind = event.kind();
        let is_spread = is_spread(kind);
        match kind {
            Some(
                EventKind::OrderNew
                | EventKind::OrderModify
                | EventKind::SpreadOrderNew
                | EventKind::SpreadOrderModify,
            ) => {
                let order = AuditOrder::of_event(event);
                if order.quantity.is_zero() {
                    self.0.remove(&order.key());
                } else {
                    self.0.insert(order.key(), order);
                }
            }
            Some(EventKind::OrderCancel | EventKind::SpreadOrderCancel) => {
                self.0.remove(&key(is_spread, event.order_id, event.token));
            }
            Some(EventKind::Trade | EventKind::SpreadTrade) => {
                for (id, side) in [(event.order_id, Side::Buy), (event.sell_order_id, Side::Sell)] {
                    self.reduce(&key(is_spread, id, event.token), side, event.quantity);
                }
            }
            _ => {} // a trade taken back, a status: no order of the book changes
        }
    }

    /// Forgets the legs of spread orders.
    pub(super) fn leave_out_spreads(&mut self) {
        self.0.retain(|_, order| !order.is_spread);
    }

    /// A number that rests on the other side is another order's mistake: it is left alone.
    fn reduce(&mut self, key: &Key, side: Side, quantity: Qty) {
        let Some(order) = self.0.get_mut(key).filter(|order| order.side == side) else { return };
        order.quantity.0 = order.quantity.0.saturating_sub(quantity.0);
        if order.quantity.is_zero() {
            self.0.remove(key);
        }
    }

    pub(super) fn compare(
        mut self,
        at: u32,
        live: impl IntoIterator<Item = AuditOrder>,
        listed_max: usize,
    ) -> AuditReport {
        let exchange_orders = self.0.len() as u64;
        let mut report = AuditReport { at, exchange_orders, ..AuditReport::default() };
        for order in live {
            report.live_orders += 1;
            let exchange = self.0.remove(&order.key());
            if let Some(kind) = difference(&order, exchange.as_ref()) {
                report.note(Difference { kind, live: Some(order), exchange }, listed_max);
            }
        }
        for order in self.0.into_values() {
            let kind = DifferenceKind::Missing;
            report.note(Difference { kind, live: None, exchange: Some(order) }, listed_max);
        }
        report
    }
}

fn difference(live: &AuditOrder, exchange: Option<&AuditOrder>) -> Option<DifferenceKind> {
    let Some(exchange) = exchange else { return Some(DifferenceKind::Extra) };
    if (live.token, live.side) != (exchange.token, exchange.side) {
        Some(DifferenceKind::WrongPlace)
    } else if live.price != exchange.price {
        Some(DifferenceKind::WrongPrice)
    } else if live.quantity != exchange.quantity {
        Some(DifferenceKind::WrongQuantity)
    } else {
        None
    }
}
