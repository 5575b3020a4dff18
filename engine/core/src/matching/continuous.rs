//! An order arrives: it trades with what rests, best price first and then first come, at the
//! resting price; what is left rests, or leaves.

use tezi_model::{InstrumentId, Nanos, Px, Qty, Side, TimeInForce};

use super::matcher::Matcher;
use super::order::{OrderForm, SelfTrade};
use super::report::{CancelReason, Report, Sink, Trade, TradeKind};
use super::state::{Active, market_price};
use crate::book::Front;
use crate::venue::session::{OrderType, Phase};

/// Whether the incoming order goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Going {
    On,
    Stopped,
}

impl Matcher {
    /// Acknowledges a new order and lets it in.
    #[inline]
    pub(super) fn admit<S: Sink>(&mut self, now: Nanos, active: Active, sink: &mut S) {
        sink.on_report(&Report::Accepted(active.state(now)));
        self.enter(now, active, sink);
    }

    /// Lets an order in that is acknowledged, and what it sets off.
    #[inline]
    pub(super) fn enter<S: Sink>(&mut self, now: Nanos, mut active: Active, sink: &mut S) {
        if active.trigger != Px::ZERO {
            self.park(now, &active, sink);
            return;
        }
        self.work(now, &mut active, sink);
        if self.stops.books.orders_count() > 0 {
            self.trigger_stops(now, active.instrument, sink);
        }
    }

    /// Trades an order as far as it goes, and lets the rest of it rest or leave.
    #[inline]
    pub(super) fn work<S: Sink>(&mut self, now: Nanos, active: &mut Active, sink: &mut S) {
        if self.markets[active.instrument.index()].phase != Phase::Continuous {
            return self.work_elsewhere(now, active, sink);
        }
        if self.trade_through(now, active, sink) == Going::Stopped {
            let reason = CancelReason::SelfTrade;
            return sink.on_report(&Report::Canceled(active.state(now), reason));
        }
        if active.detail.open() > 0 {
            self.settle(now, active, sink);
        }
    }

    /// What an order does outside continuous trading.
    #[cold]
    fn work_elsewhere<S: Sink>(&mut self, now: Nanos, active: &mut Active, sink: &mut S) {
        let market = &self.markets[active.instrument.index()];
        if market.is_auction_entry() {
            if self.would_trade_with_itself(active) {
                let reason = CancelReason::SelfTrade;
                return sink.on_report(&Report::Canceled(active.state(now), reason));
            }
            return self.rest(now, active, sink);
        }
        // After the close, everything is at the closing price.
        active.price = market.close.unwrap_or(active.price);
        active.detail.order_type = OrderType::Limit;
        if self.trade_through(now, active, sink) == Going::Stopped {
            let reason = CancelReason::SelfTrade;
            return sink.on_report(&Report::Canceled(active.state(now), reason));
        }
        if active.detail.open() > 0 {
            self.rest(now, active, sink);
        }
    }

    /// Trades while the other side meets the price.
    #[inline]
    fn trade_through<S: Sink>(&mut self, now: Nanos, active: &mut Active, sink: &mut S) -> Going {
        let opposite = active.side.opposite();
        let mut first = None;
        let mut last = Px::ZERO;
        let mut going = Going::On;
        while active.detail.open() > 0 {
            let Some(front) = self.rest.books.front(active.instrument, opposite) else { break };
            if !active.side.crosses(active.price, front.price) {
                break;
            }
            if active.detail.owner.is_same(self.rest.detail(front.slot).owner) {
                if active.detail.self_trade == SelfTrade::CancelActive {
                    going = Going::Stopped;
                    break;
                }
                self.drop_resting(now, front.slot, CancelReason::SelfTrade, sink);
                continue;
            }
            self.trade(now, active, front, active.detail.open(), sink);
            first = first.or(Some(front.price));
            last = front.price;
        }
        if let Some(first) = first {
            self.note_prices(active.instrument, first, last);
        }
        going
    }

    /// Remembers what an order traded at. Prices of one pass run one way: the first and the last
    /// are its bounds.
    #[inline]
    pub(super) fn note_prices(&mut self, instrument: InstrumentId, first: Px, last: Px) {
        let market = &mut self.markets[instrument.index()];
        market.reach.add(first);
        market.reach.add(last);
        market.last = Some(last);
    }

    /// One trade with the order that is next, of `most` at most.
    #[inline]
    pub(super) fn trade<S: Sink>(
        &mut self,
        now: Nanos,
        active: &mut Active,
        front: Front,
        most: u32,
        sink: &mut S,
    ) {
        let taken = most.min(front.quantity.0);
        active.detail.traded += taken;
        let detail = self.rest.detail_mut(front.slot);
        detail.traded += taken;
        detail.activity = now;
        let order_ids = [active.order_id, front.order_id];
        let references = [active.detail.reference, detail.reference];
        let members = [active.detail.member, detail.member];
        let open = [Qty(active.detail.open()), Qty(detail.open())];
        let is_sell = active.side == Side::Sell;
        let is_spread = active.detail.form == OrderForm::Spread;
        let trade = Trade {
            trade_id: self.trades.next_id(),
            time: now,
            price: front.price,
            quantity: Qty(taken),
            instrument: active.instrument,
            order_ids: turned(order_ids, is_sell),
            references: turned(references, is_sell),
            members: turned(members, is_sell),
            open: turned(open, is_sell),
            aggressor: Some(active.side),
            kind: if is_spread { TradeKind::Spread } else { TradeKind::Regular },
        };
        self.trades.push(&trade);
        sink.on_report(&Report::Traded(trade));
        if is_spread {
            self.trade_legs(now, &trade, sink);
        }
        self.take_from(now, front.slot, taken, sink);
    }

    /// Takes a traded quantity from a resting order, and shows its next part when there is one. What
    /// was replenished stands at the end of its queue: no rule that says otherwise was seen.
    #[inline]
    pub(super) fn take_from<S: Sink>(&mut self, now: Nanos, slot: u32, taken: u32, sink: &mut S) {
        let hidden = self.rest.detail(slot).hidden;
        if hidden == 0 || taken < self.rest.books.at(slot).quantity.0 {
            self.rest.books.reduce_at(slot, Qty(taken));
            return;
        }
        let detail = self.rest.detail_mut(slot);
        let slice = detail.slice(hidden);
        detail.hidden = hidden - slice;
        self.rest.books.requeue_at(slot, Qty(slice));
        sink.on_report(&Report::Replenished(self.rest.state(slot, now)));
    }

    /// What is left after trading: an immediate order leaves, a market order gets a limit, at which
    /// the exchange confirms it (2012), and rests.
    #[inline]
    fn settle<S: Sink>(&mut self, now: Nanos, active: &mut Active, sink: &mut S) {
        if active.detail.time_in_force == TimeInForce::Ioc {
            let reason = CancelReason::ImmediateOrCancel;
            return sink.on_report(&Report::Canceled(active.state(now), reason));
        }
        if active.price == market_price(active.side) {
            active.price = self.markets[active.instrument.index()].prevailing();
            active.detail.order_type = OrderType::Limit;
            sink.on_report(&Report::Priced(active.state(now)));
        }
        self.rest(now, active, sink);
    }

    /// Puts an order at the end of the queue at its price.
    #[inline]
    pub(super) fn rest<S: Sink>(&mut self, now: Nanos, active: &mut Active, sink: &mut S) {
        let open = active.detail.open();
        let shown = active.detail.slice(open);
        active.detail.hidden = open - shown;
        let Active { instrument, order_id, side, price, .. } = *active;
        let segment_code = self.segment as u8;
        let shown = Qty(shown);
        match self.rest.books.rest(instrument, segment_code, order_id, side, price, shown) {
            Ok(slot) => *self.rest.detail_mut(slot) = active.detail,
            // A stop-loss came in where orders had taken all room meanwhile.
            Err(_) => {
                sink.on_report(&Report::Canceled(active.state(now), CancelReason::Capacity));
            }
        }
    }
}

/// A pair, turned round for a sell.
#[inline]
fn turned<T: Copy>(pair: [T; 2], turn: bool) -> [T; 2] {
    if turn { [pair[1], pair[0]] } else { pair }
}
