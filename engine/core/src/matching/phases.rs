//! What a phase that begins, a new price band or a new reference does to resting orders.

use tezi_model::{InstrumentId, Nanos, Px, Side};

use super::matcher::Matcher;
use super::refusal::Refusal;
use super::report::{CancelReason, Report, Sink};
use super::state::{is_market_price, market_price};
use crate::venue::bands::PriceBand;
use crate::venue::session::{OrderType, Phase, PhaseTask};

impl Matcher {
    /// A phase begins: auctions match, what is left of them goes on, orders that cannot stay leave
    /// ([`Phase::task`]). The phase that holds already changes nothing.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`].
    pub fn set_phase<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        phase: Phase,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let market = self.market_mut(instrument)?;
        if market.phase == phase {
            return Ok(());
        }
        market.phase = phase;
        market.owes_auction |= market.is_auction_entry();
        match phase.task() {
            // Everything left the book before: a day goes there through the recess.
            PhaseTask::None if phase == Phase::PostClose => self.cancel_all(now, instrument, sink),
            PhaseTask::None => {}
            PhaseTask::RunAuction => self.run_auction(now, instrument, sink),
            PhaseTask::CarryOver => {
                // A day comes here from an auction that has matched, but a caller may not.
                if market.owes_auction {
                    self.run_auction(now, instrument, sink);
                }
                self.carry_over(now, instrument, sink);
                self.trigger_stops(now, instrument, sink);
            }
            PhaseTask::CancelStops => {
                self.cancel_stops(now, instrument, sink);
                self.cancel_hidden(now, instrument, sink);
            }
            PhaseTask::CancelAll => self.cancel_all(now, instrument, sink),
        }
        Ok(())
    }

    /// A new price band holds. Orders outside it leave: resting ones by their price, stop-loss orders
    /// by their limit (rule 1.7: a sliding band cancels orders left outside it).
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`].
    pub fn set_band<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        band: PriceBand,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        self.market_mut(instrument)?.terms.band = band;
        let is_outside = |price: Px| !is_market_price(price) && !band.contains(price);
        for side in Side::BOTH {
            self.collect(instrument, |matcher, slot| {
                let order = matcher.rest.books.at(slot);
                order.side == side && is_outside(order.price)
            });
            for index in 0..self.places.len() {
                self.drop_resting(now, self.places[index].1, CancelReason::PriceBand, sink);
            }
            self.collect_stops(instrument, side, |matcher, slot| {
                is_outside(matcher.stops.detail(slot).limit)
            });
            for index in 0..self.places.len() {
                self.drop_stop(now, self.places[index].1, CancelReason::PriceBand, sink);
            }
        }
        Ok(())
    }

    /// What the next auction refers to, and what stands in for the last trade before there is one: the
    /// previous close, or the reference price of the closing auction.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`].
    pub fn set_reference(&mut self, instrument: InstrumentId, price: Px) -> Result<(), Refusal> {
        self.market_mut(instrument)?.terms.reference = price;
        Ok(())
    }

    /// The closing price, at which everything after the close trades.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`].
    pub fn set_close(&mut self, instrument: InstrumentId, price: Px) -> Result<(), Refusal> {
        self.market_mut(instrument)?.close = Some(price);
        Ok(())
    }

    fn market_mut(
        &mut self,
        instrument: InstrumentId,
    ) -> Result<&mut super::state::Market, Refusal> {
        self.markets.get_mut(instrument.index()).ok_or(Refusal::UnknownInstrument)
    }

    fn cancel_all<S: Sink>(&mut self, now: Nanos, instrument: InstrumentId, sink: &mut S) {
        for side in Side::BOTH {
            while let Some(front) = self.rest.books.front(instrument, side) {
                self.drop_resting(now, front.slot, CancelReason::Session, sink);
            }
        }
        self.cancel_stops(now, instrument, sink);
        self.cancel_all_frozen(now, instrument, sink);
    }

    fn cancel_stops<S: Sink>(&mut self, now: Nanos, instrument: InstrumentId, sink: &mut S) {
        for side in Side::BOTH {
            // A stop-loss order stands on the side opposite to its own.
            while let Some(front) = self.stops.books.front(instrument, side.opposite()) {
                self.drop_stop(now, front.slot, CancelReason::Session, sink);
            }
        }
    }

    /// Cuts every order to what it shows (rule 2.4: before the closing auction).
    fn cancel_hidden<S: Sink>(&mut self, now: Nanos, instrument: InstrumentId, sink: &mut S) {
        self.collect(instrument, |matcher, slot| matcher.rest.detail(slot).hidden > 0);
        for index in 0..self.places.len() {
            let slot = self.places[index].1;
            let detail = self.rest.detail_mut(slot);
            detail.quantity -= detail.hidden;
            detail.hidden = 0;
            detail.disclosed = 0;
            detail.activity = now;
            sink.on_report(&Report::Modified(self.rest.state(slot, now)));
        }
    }

    /// Market orders that an auction left go on as limits at its price, with their time: the queue at
    /// that price is put in the order of time again (rule 2.3).
    fn carry_over<S: Sink>(&mut self, now: Nanos, instrument: InstrumentId, sink: &mut S) {
        let limit = self.markets[instrument.index()].market_limit;
        for side in Side::BOTH {
            let market = market_price(side);
            let has_market =
                self.rest.books.touch(instrument, side).is_some_and(|level| level.price == market);
            if !has_market {
                continue;
            }
            self.collect(instrument, |matcher, slot| {
                let order = matcher.rest.books.at(slot);
                order.side == side && (order.price == market || order.price == limit)
            });
            self.places.sort_unstable();
            for index in 0..self.places.len() {
                let slot = self.places[index].1;
                let order = self.rest.books.at(slot);
                if order.price == limit {
                    self.rest.books.requeue_at(slot, order.quantity);
                } else if self.rest.books.reprice_at(slot, limit).is_ok() {
                    let detail = self.rest.detail_mut(slot);
                    detail.order_type = OrderType::Limit;
                    detail.activity = now;
                    sink.on_report(&Report::Priced(self.rest.state(slot, now)));
                } else {
                    self.drop_resting(now, slot, CancelReason::Capacity, sink);
                }
            }
        }
    }

    /// Notes the orders of an instrument that `wanted` names, best first, with their priorities.
    pub(super) fn collect(
        &mut self,
        instrument: InstrumentId,
        wanted: impl Fn(&Self, u32) -> bool,
    ) {
        let mut places = core::mem::take(&mut self.places);
        places.clear();
        for side in Side::BOTH {
            let slots = self.rest.books.slots(instrument, side).filter(|&slot| wanted(self, slot));
            places.extend(slots.map(|slot| (self.rest.books.at(slot).priority, slot)));
        }
        self.places = places;
    }

    /// The same of stop-loss orders of a side, the first to be triggered first.
    pub(super) fn collect_stops(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        wanted: impl Fn(&Self, u32) -> bool,
    ) {
        let mut places = core::mem::take(&mut self.places);
        places.clear();
        let slots = self.stops.books.slots(instrument, side.opposite());
        places.extend(slots.filter(|&slot| wanted(self, slot)).map(|slot| (0, slot)));
        self.places = places;
    }

    /// Whether an order of an auction could trade with one of its owner: checked when it comes in, and
    /// then it is the incoming one that leaves, whatever its bit (rule 1.5). O(orders it crosses).
    pub(super) fn would_trade_with_itself(&self, active: &super::state::Active) -> bool {
        active.detail.owner.pan.is_known()
            && self
                .rest
                .books
                .slots(active.instrument, active.side.opposite())
                .take_while(|&slot| {
                    active.side.crosses(active.price, self.rest.books.at(slot).price)
                })
                .any(|slot| self.rest.detail(slot).owner.is_same(active.detail.owner))
    }
}
