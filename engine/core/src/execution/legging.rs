//! Spread legging: one leg is worked passively, the other hedges it fill by fill.
//!
//! The first leg lies where the spread comes to its price with the second leg traded at the touch.
//! What of it is unhedged, were everything open filled, never goes beyond the most that is allowed: it
//! is shown no larger. Each fill is hedged at once by orders that trade or are cancelled, at most some
//! ticks beyond the touch. A hedge that is late stops the first leg, and the policy is due: the hedge
//! may trade anywhere within its limit, or what is unhedged is traded back and the spread fails. A
//! hedge that fails is traded back whatever the policy.

mod snapshot;

use tezi_model::{Instrument, Nanos, Px};

use super::access::{Input, MarketAccess};
use super::legging_spec::{LegPolicy, LeggingSpec};
use super::parent::{ChildPolicy, Parent};
use super::price;
use super::state::{DoneReason, Ending, FailReason, ParentError, ParentState};
use super::tactic::Plan;

const WORK: usize = 0;
const HEDGE: usize = 1;
const BACK: usize = 2;

/// A spread of two legs. See the module.
///
/// # Invariants
///
/// - Those of each of its three parents.
/// - `unhedged + open` of the first leg ≤ `unhedged_max`, as long as no trade of a hedge is taken back.
#[derive(Clone, Debug)]
pub struct Legging {
    spec: LeggingSpec,
    parents: [Parent; 3],
    /// Since when a hedge is missing.
    unhedged_since: Option<Nanos>,
    is_unwinding: bool,
}

impl Legging {
    /// A spread in two instruments of these terms.
    ///
    /// # Errors
    ///
    /// [`ParentError`] says what cannot be.
    pub fn new(
        spec: LeggingSpec,
        policy: ChildPolicy,
        terms: &[Instrument; 2],
    ) -> Result<Self, ParentError> {
        let parents = spec.parents(policy, terms)?;
        Ok(Self { spec, parents, unhedged_since: None, is_unwinding: false })
    }

    /// The parent orders: the first leg, its hedge, and the way back.
    #[must_use]
    pub const fn parents(&self) -> &[Parent; 3] {
        &self.parents
    }

    /// What is to be done.
    #[must_use]
    pub const fn spec(&self) -> &LeggingSpec {
        &self.spec
    }

    /// Where the spread stands: as its first leg, and not ended before its hedge is.
    #[must_use]
    pub fn state(&self) -> ParentState {
        match self.parents[WORK].state() {
            ParentState::Ended(ending) if !self.is_ended() => ParentState::Cancelling(ending),
            state => state,
        }
    }

    /// Units of the first leg that are executed, not traded back and not hedged.
    #[must_use]
    pub fn unhedged(&self) -> u64 {
        self.held().saturating_sub(self.spec.hedged_by(self.parents[HEDGE].executed()))
    }

    /// The price of the spread so far, per unit of the first leg, from the average prices of both legs;
    /// `None` before both traded.
    #[must_use]
    pub fn price(&self) -> Option<Px> {
        let [work, hedge, _] = &self.parents;
        let (work, hedge) = (work.average_price()?, hedge.average_price()?);
        let units = i128::from(self.spec.units[0].0.max(1));
        let part = i128::from(hedge.0) * i128::from(self.spec.units[1].0) / units;
        i64::try_from(part).ok().map(|part| work - Px(part))
    }

    /// Takes an input, and does what there is to do.
    pub fn on_input(&mut self, access: &mut impl MarketAccess, input: &Input) {
        let mut is_ours = false;
        for parent in &mut self.parents {
            is_ours |= parent.on_input(access, input);
        }
        if is_ours {
            self.step(access);
        }
    }

    /// Goes on as `to`, which is the same spread with other parameters and has not begun, would from here.
    pub fn retarget(&mut self, to: &Self, access: &mut impl MarketAccess) {
        self.spec = to.spec;
        for (parent, to) in self.parents.iter_mut().zip(&to.parents) {
            parent.retarget(to);
        }
        self.step(access);
    }

    /// Cancels the first leg; what it executed is still hedged.
    pub fn cancel(&mut self, access: &mut impl MarketAccess) {
        self.parents[WORK].end(Ending::Done(DoneReason::Canceled));
        self.step(access);
    }

    /// Pulls the first leg back; what it executed is still hedged.
    pub fn pause(&mut self, access: &mut impl MarketAccess) {
        self.parents[WORK].pause(access);
        self.step(access);
    }

    /// Goes on after a pause.
    pub fn resume(&mut self, access: &mut impl MarketAccess) {
        self.parents[WORK].resume();
        self.step(access);
    }

    /// Risk first: the hedge, the way back, and then more of the first leg.
    fn step(&mut self, access: &mut impl MarketAccess) {
        let is_late = self.hedge(access);
        if self.is_unwinding {
            self.unwind(access);
        }
        self.work(access, is_late);
        self.finish(access);
        for parent in &mut self.parents {
            parent.rest(access);
        }
    }

    /// Sends what hedge is missing; whether it is late.
    fn hedge(&mut self, access: &mut impl MarketAccess) -> bool {
        let now = access.now();
        let owed = self.owed();
        self.unhedged_since = if owed == 0 { None } else { self.unhedged_since.or(Some(now)) };
        let due = self.unhedged_since.map(|since| since.plus(self.spec.unhedged_ns));
        let is_late = due.is_some_and(|due| now >= due);
        let hedge = &mut self.parents[HEDGE];
        let may_send = hedge.advance(access);
        let is_broken = matches!(
            hedge.state(),
            ParentState::Cancelling(Ending::Failed(_)) | ParentState::Ended(Ending::Failed(_))
        );
        if owed > 0 && (is_broken || (is_late && self.spec.policy == LegPolicy::Unwind)) {
            self.is_unwinding = true;
            let failed = Ending::Failed(FailReason::LegRisk);
            self.parents[WORK].end(failed);
            self.parents[HEDGE].end(failed);
            self.parents[HEDGE].advance(access);
            return true;
        }
        let missing = owed.saturating_sub(hedge.open());
        if may_send && missing > 0 {
            let limit = hedge.spec().limit;
            let price =
                if is_late { Some(limit) } else { beyond(access, hedge, self.spec.slip_ticks) };
            if let Some(price) = price {
                hedge.take(access, price, missing);
            }
        }
        hedge.look(now, due.unwrap_or(Nanos::MAX));
        is_late
    }

    /// Trades back what is unhedged, once nothing of the legs is open any more.
    fn unwind(&mut self, access: &mut impl MarketAccess) {
        let is_quiet = self.parents[..BACK].iter().all(|parent| parent.children.count() == 0);
        let unhedged = self.unhedged();
        let back = &mut self.parents[BACK];
        if back.advance(access) && is_quiet {
            let missing = unhedged.saturating_sub(back.open());
            if let Some(price) = beyond(access, back, self.spec.slip_ticks) {
                back.take(access, price, missing);
            }
        }
    }

    /// Keeps as much of the first leg open as may be unhedged.
    fn work(&mut self, access: &mut impl MarketAccess, is_late: bool) {
        let room = u64::from(self.spec.unhedged_max.0).saturating_sub(self.unhedged());
        let (open, price) = match self.work_price(access) {
            Quote::At(price) if !is_late => (room, Some(price)),
            // Between an aggressor and its trades nothing can be said.
            Quote::Unknown if !is_late => (room.min(self.parents[WORK].open()), None),
            _ => (0, None),
        };
        let work = &mut self.parents[WORK];
        if work.advance(access) {
            work.work(access, &Plan { open, price, is_urgent: false, look_at: None });
            if !work.is_working() {
                work.advance(access);
            }
        }
    }

    /// Where the first leg has to lie for the spread to come to its price.
    fn work_price(&self, access: &impl MarketAccess) -> Quote {
        let [work, hedge, _] = &self.parents;
        let (side, taken) = (work.spec().side, hedge.spec().side.opposite());
        if access.touch(hedge.spec().instrument, taken).is_none() {
            return Quote::None;
        }
        let Some(touch) = price::touch(access, hedge, taken) else { return Quote::Unknown };
        // A hedge that its limit does not let through is none.
        if hedge.spec().side.is_better(touch, hedge.spec().limit) {
            return Quote::None;
        }
        let mut price = self.spec.work_price(touch);
        // Never dearer than what the market asks for.
        if let Some(opposite) = price::touch(access, work, side.opposite())
            && side.is_better(price, opposite)
        {
            price = opposite;
        }
        match price::within(work, price) {
            Some(within) if !side.is_better(within, price) => Quote::At(within),
            _ => Quote::None,
        }
    }

    /// Ends hedge and way back when nothing more can come of them.
    fn finish(&mut self, access: &mut impl MarketAccess) {
        let ParentState::Ended(ending) = self.parents[WORK].state() else { return };
        let left = self.unhedged();
        let lot = u64::from(self.parents[WORK].lot());
        // A way back that fails leaves what it leaves, and says so.
        let is_given_up = self.parents[BACK].state().is_ended();
        let is_settled =
            if self.is_unwinding { left < lot || is_given_up } else { self.owed() == 0 };
        if !is_settled {
            return;
        }
        for parent in &mut self.parents[HEDGE..] {
            if !parent.state().is_ended() {
                parent.end(if self.is_unwinding {
                    ending
                } else {
                    Ending::Done(DoneReason::Canceled)
                });
                parent.advance(access);
            }
        }
    }

    /// Units of the first leg executed and not traded back.
    fn held(&self) -> u64 {
        self.parents[WORK].executed().saturating_sub(self.parents[BACK].executed())
    }

    /// Units of the hedge that are missing and can be ordered, so in whole lots; what is open counts as
    /// missing.
    fn owed(&self) -> u64 {
        let hedge = &self.parents[HEDGE];
        let missing = self.spec.hedge_of(self.held()).saturating_sub(hedge.executed());
        missing - missing % u64::from(hedge.lot())
    }

    fn is_ended(&self) -> bool {
        self.parents.iter().all(|parent| parent.state().is_ended())
    }
}

/// What can be said of where the first leg should lie.
enum Quote {
    At(Px),
    /// Nowhere: the hedge has no market, or the price is out of bounds.
    None,
    /// The hedge's book is crossed.
    Unknown,
}

/// A price so many ticks beyond the touch that an order of the parent would trade with.
fn beyond(access: &impl MarketAccess, parent: &Parent, ticks: u32) -> Option<Px> {
    let side = parent.spec().side;
    let slip = parent.terms.tick.0.max(1).saturating_mul(i64::from(ticks)) * side.sign();
    price::touch(access, parent, side.opposite()).map(|touch| touch + Px(slip))
}
