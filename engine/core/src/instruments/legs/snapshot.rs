//! Waiting legs in a snapshot, each with its place: the state hash sees them in order of place.

use tezi_model::{Event, EventKind};

use super::SpreadLegs;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

impl SpreadLegs {
    /// Writes the legs that wait.
    pub(in crate::instruments) fn save(&self, out: &mut SnapshotWriter) {
        let Self { orders, orders_waiting, orders_max: _, trades, given_up } = self;
        out.part(part::LEGS, |out| {
            out.u64(*given_up);
            out.count(orders.len());
            out.count(*orders_waiting);
            for (place, leg) in orders.iter().enumerate().filter(|(_, leg)| leg.kind_code != 0) {
                out.count(place);
                out.record(leg);
            }
            out.count(trades.len());
            trades.iter().for_each(|leg| out.record(leg));
        });
    }

    /// Reads them into an empty one.
    pub(in crate::instruments) fn load(
        &mut self,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        input.part(part::LEGS, |input| {
            self.given_up = input.u64()?;
            let places = input.count(self.orders.len(), "instruments_max")?;
            input.ensure(places == self.orders.len(), "number of places")?;
            for _ in 0..input.count(self.orders_max, "instruments_max")? {
                let place = input.index(places, "place")?;
                let leg: Event = input.record()?;
                input.ensure(is_of_an_order(&leg) && self.is_empty(place), "leg")?;
                self.orders[place] = leg;
                self.orders_waiting += 1;
            }
            input.ensure((0..places).all(|place| self.is_found(place)), "place of a leg")?;
            for _ in 0..input.count(Self::TRADES_MAX, "legs of trades")? {
                let leg: Event = input.record()?;
                input.ensure(leg.kind() == Some(EventKind::SpreadTrade), "leg")?;
                self.trades.push(leg);
            }
            Ok(())
        })
    }

    /// Whether the leg of a place is found from its home: no empty place, and no other leg of its
    /// order, comes before it.
    fn is_found(&self, place: usize) -> bool {
        let leg = &self.orders[place];
        if self.is_empty(place) {
            return true;
        }
        let mut slot = self.home(leg);
        while slot != place {
            let other = &self.orders[slot];
            let is_same = (other.stream, other.order_id) == (leg.stream, leg.order_id);
            if self.is_empty(slot) || is_same {
                return false;
            }
            slot = self.after(slot);
        }
        true
    }
}

fn is_of_an_order(leg: &Event) -> bool {
    use EventKind::{SpreadOrderCancel, SpreadOrderModify, SpreadOrderNew};
    matches!(leg.kind(), Some(SpreadOrderNew | SpreadOrderModify | SpreadOrderCancel))
}
