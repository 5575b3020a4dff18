//! TWAP and VWAP: what is released by time lies at the touch, and crosses when it is late.
//!
//! Both are one tactic: a TWAP is released along a flat curve, a VWAP along the expected volume
//! (R. Kissell, "The Science of Algorithmic Trading and Portfolio Management", 2013, chapter 1).

mod snapshot;

use tezi_model::Px;

use super::access::MarketAccess;
use super::parent::Parent;
use super::price;
use super::schedule::Schedule;
use super::tactic::{Plan, Tactic};

/// What becomes of what a slice did not execute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// It stays open at the touch, and the next slice comes on top.
    #[default]
    Carry,
    /// It is spread over the slices that are left.
    Spread,
    /// It crosses as soon as the next slice is released.
    Cross,
}

/// The tactic of TWAP and VWAP.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled {
    schedule: Schedule,
    catch_up: CatchUp,
    /// So long before the end all that is left crosses; zero is never.
    cross_ns: i64,
    /// Slices released.
    slices: u32,
    /// Units released.
    released: u64,
    /// Units that should be executed by now.
    due: u64,
}

impl Scheduled {
    /// Nothing released.
    #[must_use]
    pub const fn new(schedule: Schedule, catch_up: CatchUp, cross_ns: i64) -> Self {
        Self { schedule, catch_up, cross_ns, slices: 0, released: 0, due: 0 }
    }

    /// The schedule.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Units released so far.
    #[must_use]
    pub const fn released(&self) -> u64 {
        self.released
    }

    /// Releases the slices up to `slices`.
    fn release(&mut self, parent: &Parent, slices: u32) {
        let (quantity, lot) = (u64::from(parent.spec().quantity.0), parent.lot());
        if self.catch_up == CatchUp::Spread {
            // What an odd lot executed is made up for by the last slice.
            let more = self.schedule.share(parent.remaining(), lot, self.slices, slices);
            self.due = parent.executed();
            self.released = parent.executed().saturating_add(more);
        } else {
            self.due = self.schedule.released(quantity, lot, slices - 1);
            self.released = self.schedule.released(quantity, lot, slices);
        }
        self.slices = slices;
    }
}

impl Tactic for Scheduled {
    /// What was released stays released; slices to come are those of the other schedule.
    fn retarget(&mut self, to: Self) {
        let Self { schedule, catch_up, cross_ns, .. } = to;
        (self.schedule, self.catch_up, self.cross_ns) = (schedule, catch_up, cross_ns);
    }

    fn plan(&mut self, parent: &Parent, access: &impl MarketAccess) -> Plan {
        let now = access.now();
        let mut next = self.slices;
        while next < self.schedule.slices() && self.schedule.released_at(next) <= now {
            next += 1;
        }
        if next > self.slices {
            self.release(parent, next);
        }
        let crosses_at = self.schedule.end().plus(-self.cross_ns);
        let is_last_call = self.cross_ns > 0 && now >= crosses_at;
        if is_last_call {
            self.released = u64::from(parent.spec().quantity.0);
        }
        let is_late = self.catch_up == CatchUp::Cross && parent.executed() < self.due;
        let is_urgent = is_last_call || is_late;
        let side = parent.spec().side;
        let from = if is_urgent { side.opposite() } else { side };
        let price: Option<Px> = price::touch(access, parent, from);
        let slice_at = (next < self.schedule.slices()).then(|| self.schedule.released_at(next));
        let cross_at = (self.cross_ns > 0 && !is_last_call).then_some(crosses_at);
        let look_at = match (slice_at, cross_at) {
            (Some(slice), Some(cross)) => Some(slice.min(cross)),
            (slice, cross) => slice.or(cross),
        };
        let open = self.released.saturating_sub(parent.executed());
        Plan { open, price, is_urgent, look_at }
    }
}
