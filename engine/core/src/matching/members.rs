//! What is asked of many orders or instruments at once: a member's kill switch, a market-wide phase.

use tezi_model::{InstrumentId, Nanos, OrderId, Side};

use super::matcher::Matcher;
use super::order::Target;
use super::refusal::Refusal;
use super::report::{CancelReason, RequestKind, Sink};
use crate::venue::session::{OrderAction, Phase};

impl Matcher {
    /// Every instrument goes into a phase, spreads included: a halt of the whole market (rule 1.9),
    /// or its end. By instrument, lowest number first.
    pub fn set_phase_all<S: Sink>(&mut self, now: Nanos, phase: Phase, sink: &mut S) {
        for instrument in (0..self.markets.len() as u32).map(InstrumentId) {
            let known = self.set_phase(now, instrument, phase, sink);
            debug_assert!(known.is_ok(), "an instrument below the count is known");
        }
    }

    /// A member's kill switch (NNF 2062): cancels every order of the member in one instrument or in
    /// all, apart from those that the phase keeps. Says how many left. By instrument; of each, what
    /// rests (bids and then asks, best first), stop-loss orders, frozen and block orders.
    ///
    /// O(orders of the instruments).
    pub fn cancel_member<S: Sink>(
        &mut self,
        now: Nanos,
        member: u32,
        instrument: Option<InstrumentId>,
        sink: &mut S,
    ) -> Result<u32, Refusal> {
        if instrument.is_some_and(|instrument| instrument.index() >= self.markets.len()) {
            return Err(Refusal::UnknownInstrument);
        }
        let instruments = match instrument {
            Some(InstrumentId(one)) => one..one + 1,
            None => 0..self.markets.len() as u32,
        };
        let mut count = 0;
        for instrument in instruments.map(InstrumentId) {
            count += self.cancel_member_in(now, member, instrument, sink);
        }
        Ok(count)
    }

    fn cancel_member_in<S: Sink>(
        &mut self,
        now: Nanos,
        member: u32,
        instrument: InstrumentId,
        sink: &mut S,
    ) -> u32 {
        let reason = CancelReason::Requested;
        self.collect(instrument, |matcher, slot| {
            let detail = matcher.rest.detail(slot);
            let action = OrderAction::Cancel { resting: detail.order_type };
            let market = &matcher.markets[instrument.index()];
            detail.member == member && market.phase.check(market.terms.orders, action).is_ok()
        });
        let mut count = self.places.len() as u32;
        for index in 0..self.places.len() {
            self.drop_resting(now, self.places[index].1, reason, sink);
        }
        for side in Side::BOTH {
            self.collect_stops(instrument, side, |matcher, slot| {
                let detail = matcher.stops.detail(slot);
                let action = OrderAction::Cancel { resting: detail.order_type };
                let market = &matcher.markets[instrument.index()];
                detail.member == member && market.phase.check(market.terms.orders, action).is_ok()
            });
            count += self.places.len() as u32;
            for index in 0..self.places.len() {
                self.drop_stop(now, self.places[index].1, reason, sink);
            }
        }
        while let Some(order_id) = self.waiting_of(member, instrument) {
            let done = self.cancel(now, Target::new(order_id, member), sink);
            assert!(done.is_ok(), "what waits at the exchange can be cancelled");
            count += 1;
        }
        count
    }

    /// A new order that is frozen, or a block order.
    fn waiting_of(&self, member: u32, instrument: InstrumentId) -> Option<OrderId> {
        let is_wanted =
            |order: &super::order::Order| order.member == member && order.instrument == instrument;
        let frozen = self
            .freezer
            .requests()
            .iter()
            .find(|frozen| frozen.request == RequestKind::New && is_wanted(&frozen.order));
        let block = self.blocks.orders().iter().find(|block| is_wanted(&block.order));
        frozen.map(|frozen| frozen.order_id).or_else(|| block.map(|block| block.order_id))
    }
}
