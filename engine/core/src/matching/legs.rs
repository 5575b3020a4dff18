//! Orders of two or three legs: immediate or cancel, in the legs' own books, together or not at all.
//!
//! One number, one price and quantity a leg. What trades is the same part of every leg, so that the
//! proportion the member asked for holds; the rest leaves at once (NNF F&O, chapter 6: IOC only,
//! prices in the leg fields, no contract twice; a rest leaves as 2075). How a book that holds only a
//! part is dealt with was not seen in full: [`LegsFill`] chooses.
//!
//! Before anything trades the legs' books are looked through, so no leg trades without the others.
//! Self-trade prevention holds in every leg as for a single order.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use super::checks::check_order;
use super::matcher::Matcher;
use super::order::{Order, OrderForm, Owner, SelfTrade};
use super::refusal::Refusal;
use super::report::{CancelReason, Report, RequestKind, Sink};
use super::state::Active;
use crate::venue::session::{OrderAction, Phase};

/// How much of an order of several legs trades when the books do not hold all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LegsFill {
    /// The largest part that is the same in every leg, in whole lots.
    #[default]
    Proportional = 0,
    /// Nothing.
    AllOrNone = 1,
}

/// One leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side.
    pub side: Side,
    /// Limit price.
    pub price: Px,
    /// Quantity, in units.
    pub quantity: Qty,
}

/// An order of two or three legs as a member sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsOrder {
    /// The legs, the first two at least.
    pub legs: [Option<Leg>; 3],
    /// Whose it is.
    pub owner: Owner,
    /// The self-trade bit.
    pub self_trade: SelfTrade,
    /// The member (broker) who sends it.
    pub member: u32,
    /// The sender's own number, said again in every report.
    pub reference: u64,
}

impl LegsOrder {
    /// Two legs or three, of nobody in particular.
    #[must_use]
    pub fn new(first: Leg, second: Leg, third: Option<Leg>) -> Self {
        Self {
            legs: [Some(first), Some(second), third],
            owner: Owner::default(),
            self_trade: SelfTrade::default(),
            member: 0,
            reference: 0,
        }
    }

    const fn form(&self) -> OrderForm {
        if self.legs[2].is_some() { OrderForm::ThreeLegs } else { OrderForm::TwoLegs }
    }

    /// A leg as the order that it is in its own book.
    fn order(&self, leg: Leg) -> Order {
        Order {
            time_in_force: TimeInForce::Ioc,
            owner: self.owner,
            self_trade: self.self_trade,
            member: self.member,
            reference: self.reference,
            ..Order::limit(leg.instrument, leg.side, leg.price, leg.quantity)
        }
    }
}

/// What a leg's book holds within the leg's price.
#[derive(Clone, Copy)]
struct Available {
    quantity: u64,
    /// An order of the same owner stops the leg there.
    is_stopped: bool,
}

impl Matcher {
    /// An order of two or three legs. Each leg is acknowledged, under one number, then the legs trade
    /// one after the other, and what is left of each leaves.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], which is reported as well: [`Refusal::LegsInvalid`] for fewer than two legs or
    /// one contract twice, [`Refusal::FreezeQuantity`], [`Refusal::LegRefused`] for whatever else is
    /// wrong with a leg.
    pub fn submit_legs<S: Sink>(
        &mut self,
        now: Nanos,
        order: &LegsOrder,
        sink: &mut S,
    ) -> Result<OrderId, Refusal> {
        let form = order.form();
        if let Err(refusal) = self.check_legs(order) {
            let LegsOrder { member, reference, .. } = *order;
            let (kind, none) = (RequestKind::New, OrderId(0));
            return Err(self.refuse(now, kind, form, none, member, reference, refusal, sink));
        }
        let order_id = OrderId(self.order_id_next);
        self.order_id_next += 1;
        let mut active = order
            .legs
            .map(|leg| leg.map(|leg| Active::new(now, order_id, &order.order(leg), form, 0)));
        let available = active.map(|active| {
            active.map_or(Available { quantity: 0, is_stopped: false }, |it| self.available(&it))
        });
        let [parts, whole] = self.parts(order, available);
        for active in active.iter().flatten() {
            sink.on_report(&Report::Accepted(active.state(now)));
        }
        for active in active.iter_mut().flatten() {
            let wanted = u64::from(active.detail.quantity) * parts / whole;
            self.trade_leg(now, active, wanted as u32, sink);
        }
        for (active, available) in active.iter().zip(available) {
            let Some(active) = active.as_ref().filter(|active| active.detail.open() > 0) else {
                continue;
            };
            let is_stopped =
                available.is_stopped && u64::from(active.detail.quantity) > available.quantity;
            let reason =
                if is_stopped { CancelReason::SelfTrade } else { CancelReason::ImmediateOrCancel };
            sink.on_report(&Report::Canceled(active.state(now), reason));
        }
        if self.stops.books.orders_count() > 0 {
            for active in active.iter().flatten() {
                self.trigger_stops(now, active.instrument, sink);
            }
        }
        Ok(order_id)
    }

    fn check_legs(&self, order: &LegsOrder) -> Result<(), Refusal> {
        let [Some(first), Some(second), third] = order.legs else {
            return Err(Refusal::LegsInvalid);
        };
        let is_third = |other: Leg| third.is_some_and(|leg| leg.instrument == other.instrument);
        if first.instrument == second.instrument || is_third(first) || is_third(second) {
            return Err(Refusal::LegsInvalid);
        }
        for leg in order.legs.into_iter().flatten() {
            let market = self.markets.get(leg.instrument.index()).ok_or(Refusal::LegRefused)?;
            if leg.quantity.0 >= market.freeze {
                return Err(Refusal::FreezeQuantity);
            }
            let leg = order.order(leg);
            let action = OrderAction::New(leg.terms());
            let is_possible = market.spread.is_none()
                && market.phase == Phase::Continuous
                && market.phase.check(market.terms.orders, action).is_ok()
                && check_order(market, &self.rest.books, &leg, 0).is_ok();
            if !is_possible {
                return Err(Refusal::LegRefused);
            }
        }
        Ok(())
    }

    /// What a leg could trade, up to its quantity. O(orders it would meet).
    fn available(&self, active: &Active) -> Available {
        let wanted = u64::from(active.detail.quantity);
        // At the price where an order of the same owner stops the leg, what is hidden comes behind it.
        let (mut sum, mut hidden_here, mut price) = (0_u64, 0_u64, Px::ZERO);
        for slot in self.rest.books.slots(active.instrument, active.side.opposite()) {
            let order = self.rest.books.at(slot);
            if order.price != price {
                (price, hidden_here) = (order.price, 0);
            }
            let is_enough = sum - hidden_here >= wanted;
            if is_enough || !active.side.crosses(active.price, order.price) {
                break;
            }
            let detail = self.rest.detail(slot);
            if active.detail.owner.is_same(detail.owner) {
                if active.detail.self_trade == SelfTrade::CancelActive {
                    return Available { quantity: sum - hidden_here, is_stopped: true };
                }
                continue;
            }
            sum += u64::from(detail.open());
            hidden_here += u64::from(detail.hidden);
        }
        Available { quantity: sum.min(wanted), is_stopped: false }
    }

    /// Of how many equal parts, each a whole number of lots in every leg, how many trade.
    fn parts(&self, order: &LegsOrder, available: [Available; 3]) -> [u64; 2] {
        let legs = || order.legs.into_iter().zip(available);
        let lots = |leg: Leg| {
            let lot = self.markets[leg.instrument.index()].terms.lot.0.max(1);
            u64::from(leg.quantity.0 / lot)
        };
        let whole = legs().filter_map(|(leg, _)| leg).map(lots).fold(0, greatest_common_divisor);
        let whole = whole.max(1);
        let parts = legs().filter_map(|(leg, available)| {
            leg.map(|leg| available.quantity / (u64::from(leg.quantity.0) / whole).max(1))
        });
        let parts = parts.min().unwrap_or(0).min(whole);
        match self.config.legs_fill {
            LegsFill::AllOrNone if parts < whole => [0, whole],
            _ => [parts, whole],
        }
    }

    fn trade_leg<S: Sink>(&mut self, now: Nanos, active: &mut Active, wanted: u32, sink: &mut S) {
        let opposite = active.side.opposite();
        let (mut first, mut last) = (None, Px::ZERO);
        while active.detail.traded < wanted {
            let front = self.rest.books.front(active.instrument, opposite);
            let crosses =
                |front: &crate::book::Front| active.side.crosses(active.price, front.price);
            let Some(front) = front.filter(crosses) else { break };
            if active.detail.owner.is_same(self.rest.detail(front.slot).owner) {
                self.drop_resting(now, front.slot, CancelReason::SelfTrade, sink);
                continue;
            }
            let most = wanted - active.detail.traded;
            self.trade(now, active, front, most, sink);
            first = first.or(Some(front.price));
            last = front.price;
        }
        if let Some(first) = first {
            self.note_prices(active.instrument, first, last);
        }
        assert_eq!(active.detail.traded, wanted, "a leg trades what its book was found to hold");
    }
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
