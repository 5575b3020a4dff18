//! What a spread of two legs is to be, and what its legs owe each other.

use tezi_model::{Instrument, InstrumentId, Nanos, Px, Qty, Side};

use super::parent::{ChildPolicy, Parent, ParentId, ParentSpec};
use super::state::ParentError;

/// What happens to a leg that is unhedged for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LegPolicy {
    /// Its hedge may trade anywhere within the hedge's limit.
    #[default]
    Cross,
    /// It is traded back, and the spread fails.
    Unwind,
}

/// A spread to be worked: the first leg passively, the second as its hedge.
///
/// Who buys the spread buys the first leg and sells the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeggingSpec {
    /// The number of the first leg's parent; the hedge's is the next, the way back's the one after.
    pub id: ParentId,
    /// The legs: worked, and hedge.
    pub legs: [InstrumentId; 2],
    /// The side of the spread, and of its first leg.
    pub side: Side,
    /// Units of each leg in one spread, in whole lots.
    pub units: [Qty; 2],
    /// Spreads in all.
    pub spreads: u32,
    /// The worst price of the spread: that of a unit of the first leg, less that of the units of the
    /// second that go with it. May be negative.
    pub price: Px,
    /// The worst price of the first leg, of its hedge, and of the way back.
    pub limits: [Px; 3],
    /// Units of the first leg that may be unhedged, were everything open filled.
    pub unhedged_max: Qty,
    /// How long a hedge may be missing before the policy is due.
    pub unhedged_ns: i64,
    /// What is done then.
    pub policy: LegPolicy,
    /// Ticks beyond the touch that a hedge may pay before that.
    pub slip_ticks: u32,
    /// When work begins.
    pub start: Nanos,
    /// When it ends; hedges of what is executed by then go on.
    pub end: Nanos,
}

impl LeggingSpec {
    /// The parents: the first leg, its hedge, and the way back.
    pub(super) fn parents(
        &self,
        policy: ChildPolicy,
        terms: &[Instrument; 2],
    ) -> Result<[Parent; 3], ParentError> {
        if self.legs[0] == self.legs[1] {
            return Err(ParentError::Parameter("the legs must be two instruments"));
        }
        if self.unhedged_max.0 < terms[0].lot.0.max(1) {
            return Err(ParentError::Parameter(
                "at least a lot of the first leg must be let unhedged",
            ));
        }
        if self.unhedged_ns < 0 {
            return Err(ParentError::Parameter(
                "the time a leg may be unhedged cannot be negative",
            ));
        }
        let parent = |index: u32, leg: usize, side, end| {
            let units = self.units[leg].0.checked_mul(self.spreads);
            let units = units.ok_or(ParentError::Parameter("more units than an order can say"))?;
            let spec = ParentSpec {
                id: ParentId(self.id.0.wrapping_add(index)),
                instrument: self.legs[leg],
                side,
                quantity: Qty(units),
                limit: self.limits[index as usize],
                start: self.start,
                end,
            };
            if !self.units[leg].0.is_multiple_of(terms[leg].lot.0.max(1)) {
                return Err(ParentError::LotSize { lot: terms[leg].lot.0 });
            }
            Parent::new(spec, policy, &terms[leg])
        };
        let (side, back) = (self.side, self.side.opposite());
        // A hedge and a way back are never late.
        Ok([
            parent(0, 0, side, self.end)?,
            parent(1, 1, back, Nanos::MAX)?,
            parent(2, 0, back, Nanos::MAX)?,
        ])
    }

    /// Units of the second leg that hedge so many of the first, rounded down.
    pub(super) fn hedge_of(&self, worked: u64) -> u64 {
        scale(worked, self.units[1], self.units[0])
    }

    /// Units of the first leg that so many of the second hedge, rounded down.
    pub(super) fn hedged_by(&self, hedge: u64) -> u64 {
        scale(hedge, self.units[0], self.units[1])
    }

    /// The worst price of the first leg when the second trades at `hedge`.
    pub(super) fn work_price(&self, hedge: Px) -> Px {
        let units = i128::from(self.units[0].0.max(1));
        let part = i128::from(hedge.0) * i128::from(self.units[1].0);
        // Rounded to the worse price: a fraction of a unit must not make the spread dearer.
        let part = match self.side {
            Side::Buy => part.div_euclid(units),
            Side::Sell => -(-part).div_euclid(units),
        };
        self.price + Px(i64::try_from(part).unwrap_or(i64::MAX))
    }
}

fn scale(units: u64, by: Qty, of: Qty) -> u64 {
    (u128::from(units) * u128::from(by.0) / u128::from(of.0.max(1))) as u64
}
