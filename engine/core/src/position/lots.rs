//! What a position consists of, first in first out, as tax and settlement count it.
//!
//! The total of realised and unrealised profit is the same by any method, for it is cash and value;
//! only its division differs from the average cost of [`super::Position`]. Lots are bounded: past
//! the bound the two newest become one, which keeps units and cost exact, and is counted.

use std::collections::VecDeque;

use tezi_model::{Money, Px, Qty, Side, StateHasher};

use super::{AdjustError, HoldingError, Ratio};

/// Units that came in together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Positive long, negative short; never nought.
    pub net: i64,
    /// What they cost: negative when short.
    pub cost: Money,
    /// The day they were traded on, counted from 1970-01-01 in India; 0 when that is not known. Of lots
    /// that became one, the older one's.
    pub day: i32,
}

/// The lots of one position, oldest first.
///
/// # Invariants
///
/// - All lots have the same sign.
/// - No more than `lots_max` lots, so nothing is allocated after construction.
#[derive(Clone, Debug)]
pub struct Lots {
    pub(super) lots: VecDeque<Lot>,
    pub(super) lots_max: usize,
    pub(super) realised: Money,
    pub(super) merged: u64,
}

impl Lots {
    /// None; `lots_max` (at least 2) bounds them.
    #[must_use]
    pub fn new(lots_max: usize) -> Self {
        assert!(lots_max >= 2, "two lots can become one");
        let lots = VecDeque::with_capacity(lots_max);
        Self { lots, lots_max, realised: Money::ZERO, merged: 0 }
    }

    /// Books a trade of a day: it closes the oldest lots of the other side, and the rest opens a lot.
    pub fn on_fill(&mut self, side: Side, quantity: Qty, price: Px, day: i32) {
        let mut rest = side.sign() * i64::from(quantity.0);
        while rest != 0
            && let Some(oldest) = self.lots.front_mut()
            && oldest.net.signum() != rest.signum()
        {
            let closed = oldest.net.signum() * oldest.net.abs().min(rest.abs());
            // Rounding of a merged lot stays in the rest of it, so that no cost is lost.
            let released = Money(oldest.cost.0 * i128::from(closed) / i128::from(oldest.net));
            self.realised += price.value(closed) - released;
            oldest.net -= closed;
            oldest.cost -= released;
            rest += closed;
            if oldest.net == 0 {
                self.lots.pop_front();
            }
        }
        if rest != 0 {
            self.open(Lot { net: rest, cost: price.value(rest), day });
        }
    }

    /// Takes back a trade of a day: out of the newest lots of its side and price, as far as they are held. What
    /// was closed since is made good by the opposite trade at its own price, so that units, cash and
    /// total profit are as if it had never been. O(lots).
    pub fn take_back(&mut self, side: Side, quantity: Qty, price: Px, day: i32) {
        let mut rest = quantity.0;
        let mut index = self.lots.len();
        while rest > 0 && index > 0 {
            index -= 1;
            let Some(lot) = self.lots.get_mut(index) else { continue };
            if lot.net.signum() != side.sign() || lot.cost != price.value(lot.net) {
                continue;
            }
            let taken = lot.net.unsigned_abs().min(u64::from(rest));
            lot.net -= side.sign() * taken as i64;
            lot.cost = price.value(lot.net);
            rest -= taken as u32;
            if lot.net == 0 {
                self.lots.remove(index);
            }
        }
        if rest > 0 {
            self.on_fill(side.opposite(), Qty(rest), price, day);
        }
    }

    /// Takes in units held since an earlier day, as the newest lot.
    ///
    /// # Errors
    ///
    /// [`HoldingError`]: lots of the other side, no units, or no place. Nothing is changed.
    pub fn carry(&mut self, net: i64, price: Px, day: i32) -> Result<(), HoldingError> {
        let is_other = self.lots.front().is_some_and(|lot| lot.net.signum() != net.signum());
        if is_other || net == 0 {
            return Err(HoldingError::OtherSide);
        }
        if self.lots.len() == self.lots_max {
            return Err(HoldingError::TooManyLots);
        }
        self.lots.push_back(Lot { net, cost: price.value(net), day });
        Ok(())
    }

    /// What every lot would be after a corporate action: whether all of them are whole.
    ///
    /// # Errors
    ///
    /// [`AdjustError`] of the first that is not.
    pub fn check_adjust(&self, ratio: Ratio) -> Result<(), AdjustError> {
        self.lots.iter().try_for_each(|lot| ratio.units(lot.net).map(|_| ()))
    }

    /// Changes units by a corporate action; the cost stays.
    ///
    /// # Errors
    ///
    /// [`AdjustError::Fraction`] when a lot would not be whole: nothing is changed.
    pub fn adjust(&mut self, ratio: Ratio) -> Result<(), AdjustError> {
        self.check_adjust(ratio)?;
        for lot in &mut self.lots {
            lot.net = ratio.units(lot.net)?;
        }
        Ok(())
    }

    /// The lots, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Lot> {
        self.lots.iter()
    }

    /// Units held.
    #[must_use]
    pub fn net(&self) -> i64 {
        self.lots.iter().map(|lot| lot.net).sum()
    }

    /// What the units held cost.
    #[must_use]
    pub fn cost(&self) -> Money {
        self.lots.iter().map(|lot| lot.cost).sum()
    }

    /// Profit of what was closed, before charges.
    #[must_use]
    pub const fn realised(&self) -> Money {
        self.realised
    }

    /// How often two lots became one at the bound.
    #[must_use]
    pub const fn merged(&self) -> u64 {
        self.merged
    }

    /// Folds the lots into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        for lot in &self.lots {
            hasher.write_i64(lot.net);
            hasher.write_i128(lot.cost.0);
            hasher.write_i64(lot.day.into());
        }
        hasher.write_i128(self.realised.0);
        hasher.write(self.merged);
    }

    fn open(&mut self, lot: Lot) {
        if self.lots.len() == self.lots_max
            && let Some(newest) = self.lots.back_mut()
        {
            newest.net += lot.net;
            newest.cost += lot.cost;
            self.merged += 1;
        } else {
            self.lots.push_back(lot);
        }
    }
}
