//! Corporate actions as exact ratios: a split, a bonus, a consolidation.

use tezi_model::Px;

/// Units after to units before: a 1:1 bonus is 2 to 1, a split of ₹10 into ₹2 is 5 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    after: i64,
    before: i64,
}

/// Why a position cannot be adjusted. It is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustError {
    /// The position would hold part of a unit: the exchange settles such a part in cash.
    Fraction,
    /// More units than can be counted.
    Overflow,
    /// No position of this key is held.
    UnknownHolding,
}

impl Ratio {
    /// A ratio of two positive numbers; `None` for any other.
    #[must_use]
    pub const fn new(after: u32, before: u32) -> Option<Self> {
        if after == 0 || before == 0 {
            return None;
        }
        Some(Self { after: after as i64, before: before as i64 })
    }

    /// Units after and units before.
    #[must_use]
    pub const fn terms(self) -> (u32, u32) {
        // Made of such numbers.
        (self.after as u32, self.before as u32)
    }

    /// What `units` become.
    ///
    /// # Errors
    ///
    /// [`AdjustError::Fraction`] when that is no whole number, [`AdjustError::Overflow`].
    pub const fn units(self, units: i64) -> Result<i64, AdjustError> {
        let Some(scaled) = units.checked_mul(self.after) else { return Err(AdjustError::Overflow) };
        if scaled % self.before == 0 {
            Ok(scaled / self.before)
        } else {
            Err(AdjustError::Fraction)
        }
    }

    /// What a price becomes, towards zero; `None` when it cannot be said.
    #[must_use]
    pub fn price(self, price: Px) -> Option<Px> {
        let scaled = i128::from(price.0) * i128::from(self.before) / i128::from(self.after);
        i64::try_from(scaled).ok().map(Px)
    }
}
