//! What reports do to the population's own view of its orders.

use tezi_core::matching::{OrderState, Refusal, Report, RequestKind, Trade};
use tezi_model::{Nanos, OrderId, Side};

use super::Population;
use super::makers::REFUSED_NS;
use super::orders::Stage;

impl Population {
    /// A report of the matcher: of an order of the population or of anyone else.
    pub fn on_report(&mut self, report: &Report) {
        match report {
            Report::Accepted(state)
            | Report::Modified(state)
            | Report::Priced(state)
            | Report::Triggered(state)
            | Report::Replenished(state) => {
                if let Some(slot) = self.slot_of(state.member, state.reference) {
                    let own = self.orders.at(slot);
                    let is_asked = own.stage == Stage::Sent || own.is_changing;
                    self.orders.update(slot, state);
                    if !is_asked {
                        self.look_again(slot, None);
                    }
                }
            }
            // No participant asks for more than the freeze quantity, so this is somebody else's.
            Report::Frozen(_) => {}
            Report::Canceled(state, _) => self.on_canceled(state),
            Report::Traded(trade) => {
                for side in Side::BOTH {
                    self.on_trade(trade, side);
                }
            }
            Report::TradeCanceled(trade) => {
                for side in Side::BOTH {
                    self.take_inventory(trade, side, -1.0);
                }
            }
            &Report::Refused { request, time, order_id, member, reference, refusal, .. } => {
                if self.members().contains(&member) {
                    self.counters.refused += 1;
                    self.on_refused(request, time, order_id, reference, refusal);
                }
            }
        }
    }

    /// The slot of an order that is ours and open, by what came back in a report.
    #[inline]
    fn slot_of(&mut self, member: u32, reference: u64) -> Option<u32> {
        if !self.members().contains(&member) {
            return None;
        }
        let slot = self.orders.find(reference);
        self.counters.unmatched += u64::from(slot.is_none());
        slot
    }

    fn on_canceled(&mut self, state: &OrderState) {
        if let Some(slot) = self.slot_of(state.member, state.reference) {
            self.forget(slot);
            self.look_again(slot, Some(state.time));
        }
    }

    fn on_trade(&mut self, trade: &Trade, side: Side) {
        let (member, reference) = (trade.members[side as usize], trade.references[side as usize]);
        let Some(slot) = self.slot_of(member, reference) else { return };
        self.take_inventory(trade, side, 1.0);
        if !self.orders.fill(slot, trade, side) {
            self.forget(slot);
        }
        self.look_again(slot, Some(trade.time));
    }

    /// Counts a trade in the maker's inventory: `sign` is −1 when it is taken back.
    fn take_inventory(&mut self, trade: &Trade, side: Side, sign: f64) {
        if !self.members().contains(&trade.members[side as usize]) {
            return;
        }
        let slot = trade.references[side as usize] as u32;
        let Some(pair) = self.pairs.get_mut(slot as usize / 2) else { return };
        let product = &self.products[self.orders.at(slot).product as usize];
        let lots = f64::from(trade.quantity.0) / f64::from(product.terms.lot.0);
        pair.inventory += sign * lots * side.sign() as f64;
    }

    fn on_refused(
        &mut self,
        request: RequestKind,
        time: Nanos,
        order_id: OrderId,
        reference: u64,
        refusal: Refusal,
    ) {
        let slot = match request {
            RequestKind::New | RequestKind::Modify => self.orders.find(reference),
            RequestKind::Cancel if refusal == Refusal::UnknownOrder => {
                self.orders.find_number(order_id)
            }
            // The order stands as it was, and its cancel is due again.
            RequestKind::Cancel => return,
        };
        let Some(slot) = slot else {
            self.counters.unmatched += 1;
            return;
        };
        let is_gone = request == RequestKind::New || refusal == Refusal::UnknownOrder;
        if is_gone {
            self.forget(slot);
        } else {
            self.orders.at_mut(slot).is_changing = false;
        }
        if let Some(pair) = self.pairs.get_mut(slot as usize / 2) {
            pair.unsettle();
            pair.rests_until = time.plus(REFUSED_NS);
        }
    }

    /// An order is no more.
    fn forget(&mut self, slot: u32) {
        self.orders.release(slot);
        let actor = self.slot_actor(slot);
        self.agenda.unset(actor);
    }

    /// A quote is not as it was: its maker looks at it in its next sweep, or, when something was
    /// taken from it, soon.
    fn look_again(&mut self, slot: u32, taken: Option<Nanos>) {
        let Some(pair) = self.pairs.get_mut(slot as usize / 2) else { return };
        pair.unsettle();
        let firm = pair.firm;
        if let Some(time) = taken {
            self.begin_sweep(firm, time);
        }
    }
}
