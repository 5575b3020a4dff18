//! Iceberg: a part of the parent shows at its limit, and the next when that is gone.

use super::access::MarketAccess;
use super::draw;
use super::parent::Parent;
use super::tactic::{Plan, Tactic};

/// The tactic of an iceberg; of other tactics, how much they show at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Iceberg {
    /// Units shown; zero shows as much as one child may have.
    display: u64,
    /// Each part is smaller than that by up to so many lots.
    jitter_lots: u32,
    seed: u64,
}

impl Iceberg {
    /// Shows `display` units at a time, each part smaller by up to `jitter_lots` lots drawn from
    /// `seed`, and never less than a lot.
    #[must_use]
    pub const fn new(display: u64, jitter_lots: u32, seed: u64) -> Self {
        Self { display, jitter_lots, seed }
    }

    /// Units that should show now: the next part when nothing is open, else what is.
    pub(super) fn shown(&self, parent: &Parent) -> u64 {
        let open = parent.open();
        if open > 0 {
            return open;
        }
        let lot = u64::from(parent.lot());
        let display = match self.display {
            0 => u64::from(parent.child_max()),
            display => display,
        };
        // The same part again after a refusal, another after each child.
        let part = u64::from(parent.counters().children);
        let less = draw(self.seed, part) % (u64::from(self.jitter_lots) + 1) * lot;
        display.saturating_sub(less).max(lot)
    }
}

impl Tactic for Iceberg {
    fn plan(&mut self, parent: &Parent, _access: &impl MarketAccess) -> Plan {
        let price = Some(parent.spec().limit);
        Plan { open: self.shown(parent), price, is_urgent: false, look_at: None }
    }
}
