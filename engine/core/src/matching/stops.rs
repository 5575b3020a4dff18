//! Stop-loss orders: where they wait, and when they come in.
//!
//! A trade at or through the trigger lets a stop-loss in, with the time of that moment. All that one
//! request sets off come in one after another: buys before sells, the trigger that is reached
//! first before the others, and at one trigger first come. What each of them trades counts at
//! once. (That trades trigger is NNF capital market 6.1; the order among several was not seen and is
//! chosen here.)

use tezi_model::{InstrumentId, Nanos, Px, Qty, Side};

use super::matcher::Matcher;
use super::report::{CancelReason, Report, Sink};
use super::state::{Active, Reach, market_price};
use crate::venue::session::{OrderType, Phase};

impl Matcher {
    /// Puts a stop-loss order where it waits.
    #[cold]
    pub(super) fn park<S: Sink>(&mut self, now: Nanos, active: &Active, sink: &mut S) {
        let Active { order_id, instrument, side, trigger, mut detail, .. } = *active;
        detail.limit = active.price;
        detail.hidden = 0;
        // What traded before it came does not reach it.
        self.markets[instrument.index()].reach = Reach::NONE;
        let (code, open) = (self.segment as u8, Qty(detail.open()));
        match self.stops.books.rest(instrument, code, order_id, side.opposite(), trigger, open) {
            Ok(slot) => *self.stops.detail_mut(slot) = detail,
            Err(_) => {
                sink.on_report(&Report::Canceled(active.state(now), CancelReason::Capacity));
            }
        }
    }

    /// Lets in every stop-loss order that trades have reached.
    #[inline]
    pub(super) fn trigger_stops<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        sink: &mut S,
    ) {
        if self.markets[instrument.index()].phase != Phase::Continuous {
            return;
        }
        while let Some(slot) = self.reached(instrument) {
            self.trigger(now, slot, sink);
        }
        self.markets[instrument.index()].reach = Reach::NONE;
    }

    /// The stop-loss order that comes in next.
    #[inline]
    fn reached(&self, instrument: InstrumentId) -> Option<u32> {
        let reach = self.markets[instrument.index()].reach;
        let buy = self.stops.books.front(instrument, Side::Sell);
        if let Some(front) = buy.filter(|front| front.price <= reach.high) {
            return Some(front.slot);
        }
        let sell = self.stops.books.front(instrument, Side::Buy);
        sell.filter(|front| front.price >= reach.low).map(|front| front.slot)
    }

    #[cold]
    fn trigger<S: Sink>(&mut self, now: Nanos, slot: u32, sink: &mut S) {
        let mut active = self.take_stop(slot);
        active.trigger = Px::ZERO;
        active.detail.activity = now;
        active.detail.order_type = match active.detail.order_type {
            OrderType::StopMarket => OrderType::Market,
            _ => OrderType::Limit,
        };
        sink.on_report(&Report::Triggered(active.state(now)));
        self.work(now, &mut active, sink);
    }

    /// Takes a stop-loss order from where it waits.
    pub(super) fn take_stop(&mut self, slot: u32) -> Active {
        let order = self.stops.books.at(slot);
        let mut detail = *self.stops.detail(slot);
        let side = order.side.opposite();
        let is_market = detail.order_type == OrderType::StopMarket;
        let price = if is_market { market_price(side) } else { detail.limit };
        detail.limit = Px::ZERO;
        self.stops.books.remove_at(slot);
        let (order_id, instrument, trigger) = (order.order_id, order.instrument, order.price);
        Active { order_id, instrument, side, price, trigger, detail }
    }
}
