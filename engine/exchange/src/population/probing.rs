//! Probing: runs of changes by a tick or two, between moves.
//!
//! Quoting algorithms look for a better place in the queue all the time: in the real session 96 % of
//! the changes are of the price alone, half of them by one tick. A maker saves up its share of the
//! messages and spends what following the price left of it in runs, so that the whole comes to the
//! share that was asked for.

use tezi_core::matching::Matcher;
use tezi_core::venue::session::Phase;
use tezi_model::{Nanos, Px, Side};

use super::makers::{Aim, Firm};
use super::{Action, IDLE_NS, Population};

/// Changes in a run of probing, on average.
pub(super) const RUN: f64 = 16.0;
/// Times between the changes of a run: one of these means, so that some come back at once.
const RUN_GAPS_NS: [f64; 4] = [8e3, 50e3, 300e3, 3e6];
/// The probability that the next change of a run is of the same instrument.
const STAY: f64 = 0.45;
/// Ticks of a probing change, on average.
const STEP_TICKS: f64 = 2.2;
/// Of the probing changes, those that change the quantity as well.
const RESIZE_SHARE: f64 = 0.05;

impl Population {
    /// Begins a run when enough is saved up, or waits until it is.
    pub(super) fn begin_run(&mut self, actor: u32, number: u32, now: Nanos) {
        let Firm { credit, rate, .. } = self.firms[number as usize];
        let rate = rate.max(1e-12);
        if credit < RUN {
            let wait = ((RUN - credit) / rate).min(IDLE_NS as f64);
            let due = now.plus(self.random.gap(wait));
            self.agenda.set(actor, due);
            return;
        }
        let run = self.random.count(RUN);
        let gap = RUN_GAPS_NS[self.random.below(RUN_GAPS_NS.len() as u32) as usize];
        let firm = &mut self.firms[number as usize];
        firm.run = run;
        // A firm with much to say says it faster.
        firm.run_gap = gap.min(0.5 / rate);
        self.agenda.set(actor, now.plus(1));
    }

    /// One change of a run.
    pub(super) fn probe(
        &mut self,
        actor: u32,
        number: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        let Firm { underlying, ref pairs, probed, run_gap, .. } = self.firms[number as usize];
        let mut place = probed;
        if !self.random.chance(STAY) {
            let first = pairs.start;
            let picked = self.pick_product(underlying);
            place = first + picked - self.underlyings[underlying as usize].products.start;
        }
        let due = now.plus(self.random.gap(run_gap));
        self.agenda.set(actor, due);
        let firm = &mut self.firms[number as usize];
        firm.run -= 1;
        firm.probed = place;
        let pair = &self.pairs[place as usize];
        let instrument = self.products[pair.product as usize].instrument;
        if matcher.phase(instrument) != Phase::Continuous {
            // Nothing can be said now, and is not said later all at once.
            (firm.run, firm.credit) = (0, 0.0);
            return None;
        }
        let side = if self.random.chance(0.5) { Side::Buy } else { Side::Sell };
        let is_ready = self.orders.at(place * 2 + side as u32).is_settled();
        if !is_ready || now < pair.rests_until {
            return None;
        }
        let one = &self.underlyings[underlying as usize];
        let value = if pair.follows_market {
            one.market_value(matcher, &self.products, now, &self.config)
        } else {
            one.value
        };
        self.try_step(place, side, value, now, matcher)
    }

    /// A step of a quote that leaves it within its tolerance, if there is one.
    fn try_step(
        &mut self,
        place: u32,
        side: Side,
        value: f64,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        let Aim { targets, slack, tolerance, delta } = self.targets(place, value, now, matcher);
        let target = targets[side as usize]?;
        let slot = place * 2 + side as u32;
        let own = *self.orders.at(slot);
        let ticks = i64::from(self.random.count(STEP_TICKS));
        let lean = if self.random.chance(0.5) { ticks } else { -ticks };
        let product = &self.products[own.product as usize];
        let tick = product.terms.tick.0;
        let room = ((tolerance / product.tick) as i64).max(1) * tick;
        let other = matcher.books().touch(product.instrument, side.opposite());
        let is_fit = |&price: &Px| {
            (price.0 - target.0).abs() <= room
                && price.0 >= tick
                && product.terms.band.contains(price)
                && other.is_none_or(|level| !side.crosses(price, level.price))
        };
        let steps = [Px(own.price.0 + lean * tick), Px(own.price.0 - lean * tick)];
        let Some(price) = steps.into_iter().find(is_fit) else {
            self.pairs[place as usize].unsettle();
            return None;
        };
        let off = Px((price.0 - target.0).abs()).to_rupees();
        self.pairs[place as usize].settle(value, slack.min((tolerance - off).max(0.0) / delta));
        let is_resized = own.open == own.quantity && self.random.chance(RESIZE_SHARE);
        let quantity = if is_resized { self.draw_quantity(own.product) } else { own.quantity };
        Some(self.change_quote(slot, price, quantity))
    }
}
