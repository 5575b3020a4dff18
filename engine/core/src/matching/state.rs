//! What a matcher keeps: of an order more than its book does, of an instrument its day.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use super::multiple::Multiple;
use super::order::{Order, OrderForm, Owner, SelfTrade};
use super::report::OrderState;
use super::spread::Spread;
use super::terms::InstrumentTerms;
use crate::book::{Books, BooksConfig};
use crate::venue::auction::Clearing;
use crate::venue::session::{OrderType, Phase};

/// Where market orders rest in an auction: ahead of every limit, and far from the ends of the range,
/// which the ladder may use itself.
const MARKET_PRICE: Px = Px(i64::MAX / 2);

/// The price of a market order of a side.
#[inline]
pub(super) const fn market_price(side: Side) -> Px {
    match side {
        Side::Buy => MARKET_PRICE,
        Side::Sell => Px(-MARKET_PRICE.0),
    }
}

/// Whether a place in the book is that of market orders.
#[inline]
pub(super) const fn is_market_price(price: Px) -> bool {
    price.0 == MARKET_PRICE.0 || price.0 == -MARKET_PRICE.0
}

/// What the book does not hold of an order. One cache line, indexed by the order's slot.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Detail {
    pub(super) owner: Owner,
    pub(super) reference: u64,
    /// When it last changed.
    pub(super) activity: Nanos,
    /// The limit of a stop-loss order, whose place is at its trigger; zero of all others.
    pub(super) limit: Px,
    pub(super) member: u32,
    /// In total, what has traded included.
    pub(super) quantity: u32,
    pub(super) traded: u32,
    /// What it shows at a time; 0 for all.
    pub(super) disclosed: u32,
    /// What is open and not shown.
    pub(super) hidden: u32,
    pub(super) order_type: OrderType,
    pub(super) time_in_force: TimeInForce,
    pub(super) self_trade: SelfTrade,
    pub(super) form: OrderForm,
}

const _: () = assert!(size_of::<Detail>() == 64);

impl Detail {
    const EMPTY: Self = Self {
        owner: Owner { pan: super::Pan::NONE, participant: super::ParticipantCode::NONE },
        reference: 0,
        activity: Nanos::ZERO,
        limit: Px::ZERO,
        member: 0,
        quantity: 0,
        traded: 0,
        disclosed: 0,
        hidden: 0,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        self_trade: SelfTrade::CancelPassive,
        form: OrderForm::Regular,
    };

    #[inline]
    fn new(now: Nanos, order: &Order, form: OrderForm, traded: u32) -> Self {
        Self {
            owner: order.owner,
            reference: order.reference,
            activity: now,
            limit: Px::ZERO,
            member: order.member,
            quantity: order.quantity.0,
            traded,
            disclosed: order.disclosed.0,
            hidden: 0,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            self_trade: order.self_trade,
            form,
        }
    }

    #[inline]
    pub(super) const fn open(&self) -> u32 {
        self.quantity - self.traded
    }

    /// What a fresh place in the queue shows of `open`.
    #[inline]
    pub(super) fn slice(&self, open: u32) -> u32 {
        if self.disclosed == 0 { open } else { open.min(self.disclosed) }
    }
}

/// An order that is not in the book: it arrives, or was taken out to arrive again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    pub(super) order_id: OrderId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    /// Its limit; of a market order one that everything meets.
    pub(super) price: Px,
    pub(super) trigger: Px,
    pub(super) detail: Detail,
}

impl Active {
    #[inline]
    pub(super) fn new(
        now: Nanos,
        order_id: OrderId,
        order: &Order,
        form: OrderForm,
        traded: u32,
    ) -> Self {
        let is_limit = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
        Self {
            order_id,
            instrument: order.instrument,
            side: order.side,
            price: if is_limit { order.price } else { market_price(order.side) },
            trigger: if order.is_stop() { order.trigger } else { Px::ZERO },
            detail: Detail::new(now, order, form, traded),
        }
    }

    #[inline]
    pub(super) fn state(&self, time: Nanos) -> OrderState {
        let shown = Qty(self.detail.open());
        state(
            self.order_id,
            self.instrument,
            self.side,
            &self.detail,
            time,
            shown,
            self.price,
            self.trigger,
        )
    }
}

#[inline]
#[allow(clippy::too_many_arguments, reason = "the fields of one record, from three places")]
fn state(
    order_id: OrderId,
    instrument: InstrumentId,
    side: Side,
    detail: &Detail,
    time: Nanos,
    shown: Qty,
    price: Px,
    trigger: Px,
) -> OrderState {
    OrderState {
        order_id,
        time,
        reference: detail.reference,
        member: detail.member,
        instrument,
        form: detail.form,
        side,
        order_type: detail.order_type,
        time_in_force: detail.time_in_force,
        price: if is_market_price(price) { Px::ZERO } else { price },
        trigger,
        quantity: Qty(detail.quantity),
        traded: Qty(detail.traded),
        shown,
    }
}

/// Books, and beside each order what they do not hold of it.
#[derive(Clone)]
pub(super) struct Shelf {
    pub(super) books: Books,
    pub(super) details: Box<[Detail]>,
}

impl Shelf {
    pub(super) fn new(config: &BooksConfig) -> Self {
        let orders = config.orders_max.min(BooksConfig::BOUND_MAX) as usize;
        Self { books: Books::new(config), details: vec![Detail::EMPTY; orders].into_boxed_slice() }
    }

    #[inline]
    pub(super) fn detail(&self, slot: u32) -> &Detail {
        &self.details[slot as usize]
    }

    #[inline]
    pub(super) fn detail_mut(&mut self, slot: u32) -> &mut Detail {
        &mut self.details[slot as usize]
    }

    /// An order that rests, as reports show it.
    #[inline]
    pub(super) fn state(&self, slot: u32, time: Nanos) -> OrderState {
        let order = self.books.at(slot);
        let (detail, id) = (self.detail(slot), order.order_id);
        state(id, order.instrument, order.side, detail, time, order.quantity, order.price, Px::ZERO)
    }

    /// A stop-loss order that waits, as reports show it: it stands at its trigger, on the other side.
    pub(super) fn stop_state(&self, slot: u32, time: Nanos) -> OrderState {
        let order = self.books.at(slot);
        let (detail, side) = (self.detail(slot), order.side.opposite());
        let (id, trigger) = (order.order_id, order.price);
        state(id, order.instrument, side, detail, time, Qty::ZERO, detail.limit, trigger)
    }
}

/// Lowest and highest price since stop-loss orders were last looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    pub(super) low: Px,
    pub(super) high: Px,
}

impl Reach {
    pub(super) const NONE: Self = Self { low: Px(i64::MAX), high: Px(i64::MIN) };

    #[inline]
    pub(super) fn add(&mut self, price: Px) {
        self.low = self.low.min(price);
        self.high = self.high.max(price);
    }
}

/// An instrument on its day.
#[derive(Clone, Debug)]
pub(super) struct Market {
    pub(super) terms: InstrumentTerms,
    pub(super) tick: Multiple,
    pub(super) lot: Multiple,
    pub(super) freeze: u32,
    /// Its legs, when it is a spread.
    pub(super) spread: Option<Spread>,
    pub(super) phase: Phase,
    pub(super) last: Option<Px>,
    pub(super) close: Option<Px>,
    pub(super) reach: Reach,
    /// Orders came in that an auction has yet to match: the book may be crossed.
    pub(super) owes_auction: bool,
    /// What the last auction found.
    pub(super) clearing: Option<Clearing>,
    /// The limit that market orders get which an auction left.
    pub(super) market_limit: Px,
}

impl Market {
    pub(super) fn new(terms: &InstrumentTerms) -> Self {
        Self {
            terms: *terms,
            tick: Multiple::of(terms.tick.0.max(0).cast_unsigned()),
            lot: Multiple::of(u64::from(terms.lot.0)),
            freeze: terms.freeze.map_or(u32::MAX, |freeze| freeze.0),
            spread: None,
            phase: Phase::Closed,
            last: None,
            close: None,
            reach: Reach::NONE,
            owes_auction: false,
            clearing: None,
            market_limit: terms.reference,
        }
    }

    /// The form of the orders in its book.
    #[inline]
    pub(super) const fn form(&self) -> OrderForm {
        if self.spread.is_some() { OrderForm::Spread } else { OrderForm::Regular }
    }

    /// The price that stands in for a limit where a market order needs one.
    #[inline]
    pub(super) fn prevailing(&self) -> Px {
        let price = self.last.unwrap_or(self.terms.reference);
        price.max(self.terms.band.low).min(self.terms.band.high)
    }

    #[inline]
    pub(super) fn is_auction_entry(&self) -> bool {
        matches!(
            self.phase,
            Phase::PreOpenEntry
                | Phase::PreOpenLimitOnly
                | Phase::ClosingEntry
                | Phase::ClosingLimitOnly
        )
    }
}
