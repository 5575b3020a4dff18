//! Changes of an order, and what they do to its place (NNF capital market 6.1; rule 2.1):
//!
//! | change | place |
//! |---|---|
//! | price | lost |
//! | less quantity | kept |
//! | more quantity | lost |
//! | any quantity of a market order | lost |
//! | a disclosed quantity that shows more | lost |
//! | anything of a stop-loss order | lost |
//!
//! An order that loses its place arrives again, as a new one would: it may trade at once.

use tezi_model::{Nanos, Qty, TimeInForce};

use super::checks::check_order;
use super::matcher::{Matcher, check_target};
use super::order::{Order, Target};
use super::refusal::Refusal;
use super::report::{Report, RequestKind, Sink};
use super::state::{Active, Detail};
use crate::book::RestingOrder;
use crate::venue::session::{OrderAction, OrderType};

/// Where an order that is to change was found.
#[derive(Clone, Copy)]
enum Place {
    Resting(u32),
    Stop(u32),
}

impl Matcher {
    /// Changes an order to what `order` says of it; `quantity` is the total, what has traded
    /// included. Its side, instrument, owner and self-trade bit must be as they are.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], which is reported as well.
    pub fn modify<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        if self.blocks.position(target.order_id).is_some() {
            return self.modify_block(now, target, order, sink);
        }
        self.try_modify(now, target, order, sink).map_err(|refusal| {
            self.refuse_order(now, RequestKind::Modify, target.order_id, order, refusal, sink)
        })
    }

    fn try_modify<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let place = self.find(target, order)?;
        let total = self.detail_at(place).quantity;
        let is_frozen = self.markets[order.instrument.index()].freeze < order.quantity.0;
        if is_frozen && order.quantity.0 > total {
            if !self.freezer.has_room() {
                return Err(Refusal::Capacity);
            }
            self.freezer.keep(target.order_id, order, RequestKind::Modify);
            let traded = self.detail_at(place).traded;
            let form = self.detail_at(place).form;
            let wanted = Active::new(now, target.order_id, order, form, traded);
            sink.on_report(&Report::Frozen(wanted.state(now)));
            return Ok(());
        }
        self.change(now, place, target, order, sink);
        Ok(())
    }

    /// Applies a change that the exchange released from the freeze: checked again, because the order
    /// may have traded or gone meanwhile.
    pub(super) fn modify_released<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let place = self.find(target, order)?;
        self.change(now, place, target, order, sink);
        Ok(())
    }

    /// Finds the order and checks everything about the change but the freeze.
    fn find(&self, target: Target, order: &Order) -> Result<Place, Refusal> {
        let code = self.segment as u8;
        let place = if let Some(slot) = self.rest.books.slot_of(code, target.order_id) {
            Place::Resting(slot)
        } else if let Some(slot) = self.stops.books.slot_of(code, target.order_id) {
            Place::Stop(slot)
        } else if self.freezer.holds(target.order_id) {
            return Err(Refusal::Undecided);
        } else {
            return Err(Refusal::UnknownOrder);
        };
        let detail = self.detail_at(place);
        check_target(target, detail.member, detail.activity)?;
        if self.freezer.holds(target.order_id) {
            return Err(Refusal::Undecided);
        }
        let (instrument, side) = match place {
            Place::Resting(slot) => {
                let resting = self.rest.books.at(slot);
                (resting.instrument, resting.side)
            }
            Place::Stop(slot) => {
                let waiting = self.stops.books.at(slot);
                (waiting.instrument, waiting.side.opposite())
            }
        };
        let is_same = instrument == order.instrument
            && side == order.side
            && detail.owner == order.owner
            && detail.self_trade == order.self_trade
            && detail.member == order.member;
        if !is_same || (matches!(place, Place::Resting(_)) && order.is_stop()) {
            return Err(Refusal::FixedField);
        }
        let market = &self.markets[instrument.index()];
        let action = OrderAction::Modify { resting: detail.order_type, terms: order.terms() };
        market.phase.check(market.terms.orders, action)?;
        check_order(market, &self.rest.books, order, detail.traded)?;
        let shelf = if order.is_stop() { &self.stops } else { &self.rest };
        // The order gives back its own place only when it leaves the same shelf.
        let has_room = match place {
            Place::Stop(_) if !order.is_stop() => shelf.books.has_room(),
            _ => shelf.books.has_level_room(),
        };
        if has_room { Ok(place) } else { Err(Refusal::Capacity) }
    }

    fn detail_at(&self, place: Place) -> &Detail {
        match place {
            Place::Resting(slot) => self.rest.detail(slot),
            Place::Stop(slot) => self.stops.detail(slot),
        }
    }

    fn change<S: Sink>(
        &mut self,
        now: Nanos,
        place: Place,
        target: Target,
        order: &Order,
        sink: &mut S,
    ) {
        let Detail { traded, form, .. } = *self.detail_at(place);
        match place {
            Place::Resting(slot) => {
                let resting = self.rest.books.at(slot);
                if let Some(shown) = shown_in_place(self.rest.detail(slot), &resting, order) {
                    return self.change_in_place(now, slot, shown, order, sink);
                }
                self.rest.books.remove_at(slot);
            }
            Place::Stop(slot) => self.stops.books.remove_at(slot),
        }
        let active = Active::new(now, target.order_id, order, form, traded);
        sink.on_report(&Report::Modified(active.state(now)));
        self.enter(now, active, sink);
    }

    /// Cuts an order, which keeps its place.
    fn change_in_place<S: Sink>(
        &mut self,
        now: Nanos,
        slot: u32,
        shown: u32,
        order: &Order,
        sink: &mut S,
    ) {
        let before = self.rest.books.at(slot).quantity;
        if shown < before.0 {
            self.rest.books.reduce_at(slot, Qty(before.0 - shown));
        }
        let detail = self.rest.detail_mut(slot);
        detail.quantity = order.quantity.0;
        detail.disclosed = order.disclosed.0;
        detail.reference = order.reference;
        detail.hidden = detail.open() - shown;
        detail.activity = now;
        sink.on_report(&Report::Modified(self.rest.state(slot, now)));
    }
}

/// What a resting order shows after a change that leaves it its place; `None` when it loses it.
fn shown_in_place(detail: &Detail, resting: &RestingOrder, order: &Order) -> Option<u32> {
    let is_limit = detail.order_type == OrderType::Limit && order.order_type == OrderType::Limit;
    let is_kept = is_limit
        && order.time_in_force == TimeInForce::Day
        && resting.price == order.price
        && order.quantity.0 <= detail.quantity;
    // Nothing changes of a market order but perhaps its sender's number.
    let is_same_market = detail.order_type == OrderType::Market
        && order.order_type == OrderType::Market
        && order.quantity.0 == detail.quantity;
    if is_same_market {
        return Some(resting.quantity.0);
    }
    if !is_kept {
        return None;
    }
    let open = order.quantity.0 - detail.traded;
    let shown = resting.quantity.0.min(open);
    if order.disclosed.0 == detail.disclosed {
        return Some(shown);
    }
    let wanted = if order.disclosed == Qty::ZERO { open } else { open.min(order.disclosed.0) };
    (wanted <= resting.quantity.0).then_some(wanted)
}
