//! Prices, quantities, money and sides, all integers.
//!
//! One price unit holds for every venue: 10⁻⁸ of the currency unit, the finest any of them sends
//! (BSE). A strategy over two segments compares prices without knowing their wire scales; the
//! reasons are in `docs/decisions/0002-price-unit.md`.

use core::fmt;
use core::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use bytemuck::{Pod, Zeroable};

/// A price, or a difference of prices.
///
/// Units: 10⁻⁸ of the currency unit (rupees for Indian segments). Range ±9.2·10¹⁰ rupees.
///
/// ```
/// use tezi_model::Px;
/// let price = Px::from_paise(2_245_005);
/// assert_eq!(price.to_string(), "22450.05");
/// assert_eq!(price.to_paise(), Some(2_245_005));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Px(pub i64);

impl Px {
    /// Units in one rupee (or other currency unit).
    pub const SCALE: i64 = 100_000_000;
    /// Units in one paisa.
    pub const PAISA: i64 = Self::SCALE / 100;
    /// The price nought.
    pub const ZERO: Self = Self(0);

    /// The price of a whole number of paise, the wire unit of NSE's CM, F&O and CO segments.
    #[inline]
    #[must_use]
    pub const fn from_paise(paise: i64) -> Self {
        Self(paise * Self::PAISA)
    }

    /// The price in paise, `None` when it is not a whole number of them.
    #[inline]
    #[must_use]
    pub const fn to_paise(self) -> Option<i64> {
        if self.0 % Self::PAISA == 0 { Some(self.0 / Self::PAISA) } else { None }
    }

    /// The price nearest to `rupees`. Not-a-number and values out of range saturate (NaN to 0).
    #[inline]
    #[must_use]
    pub fn from_rupees(rupees: f64) -> Self {
        Self((rupees * Self::SCALE as f64).round() as i64)
    }

    /// The price in rupees, for pricing and display.
    #[inline]
    #[must_use]
    pub fn to_rupees(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }

    /// The nearest multiple of `tick` not above this price. `tick` of zero or less leaves it as is.
    #[inline]
    #[must_use]
    pub const fn floor_to(self, tick: Self) -> Self {
        if tick.0 <= 0 { self } else { Self(self.0 - self.0.rem_euclid(tick.0)) }
    }

    /// The nearest multiple of `tick` not below this price. `tick` of zero or less leaves it as is.
    #[inline]
    #[must_use]
    pub const fn ceil_to(self, tick: Self) -> Self {
        if tick.0 <= 0 {
            self
        } else {
            let over = self.0.rem_euclid(tick.0);
            if over == 0 { self } else { Self(self.0 - over + tick.0) }
        }
    }

    /// Whether the price is a multiple of `tick`; any price is when `tick` is not positive.
    #[inline]
    #[must_use]
    pub const fn is_multiple_of(self, tick: Self) -> bool {
        tick.0 <= 0 || self.0 % tick.0 == 0
    }

    /// The value of `quantity` at this price. Never overflows.
    #[inline]
    #[must_use]
    pub const fn value(self, quantity: i64) -> Money {
        Money(self.0 as i128 * quantity as i128)
    }
}

impl Add for Px {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Px {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Px {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl fmt::Display for Px {
    /// Rupees with at least two decimals, and as many more as the price needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let (rupees, rest) = (units / Self::SCALE as u64, units % Self::SCALE as u64);
        if rest.is_multiple_of(Self::PAISA as u64) {
            let text = format_args!("{sign}{rupees}.{:02}", rest / Self::PAISA as u64).to_string();
            f.pad(&text)
        } else {
            let text = format!("{sign}{rupees}.{rest:08}");
            f.pad(text.trim_end_matches('0'))
        }
    }
}

/// A quantity in units of the instrument (shares, or units of the underlying), never in lots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
#[repr(transparent)]
pub struct Qty(pub u32);

impl Qty {
    /// No quantity.
    pub const ZERO: Self = Self(0);

    /// What is left after taking `other` away, zero when `other` is more.
    #[inline]
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Qty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An amount of money. Units: 10⁻⁸ of the currency unit, the price unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i128);

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// A whole number of rupees.
    #[inline]
    #[must_use]
    pub const fn from_rupees(rupees: i64) -> Self {
        Self(rupees as i128 * Px::SCALE as i128)
    }

    /// The amount in rupees, for display and ratios.
    #[inline]
    #[must_use]
    pub fn to_rupees(self) -> f64 {
        self.0 as f64 / Px::SCALE as f64
    }

    /// The amount without its sign.
    #[inline]
    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }
}

impl Add for Money {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Money {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for Money {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for Money {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Money {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl core::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// Rupees with two decimals, rounded half away from zero, digits grouped the Indian way
    /// (12,34,567.89).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paisa = i128::from(Px::PAISA);
        let paise = (self.0.unsigned_abs() + paisa.unsigned_abs() / 2) / paisa.unsigned_abs();
        let digits = (paise / 100).to_string();
        let mut grouped = String::with_capacity(digits.len() * 2);
        for (index, digit) in digits.chars().enumerate() {
            let left = digits.len() - index;
            if index > 0 && (left == 3 || (left > 3 && left % 2 == 1)) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 && paise > 0 { "-" } else { "" };
        f.pad(&format!("{sign}{grouped}.{:02}", paise % 100))
    }
}

/// The side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Buys: a bid in the book.
    Buy = 0,
    /// Sells: an ask in the book.
    Sell = 1,
}

impl Side {
    /// Both sides, bids first.
    pub const BOTH: [Self; 2] = [Self::Buy, Self::Sell];

    /// The side that trades with this one.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `+1` for a buy, `-1` for a sell: the sign of the position it makes.
    #[inline]
    #[must_use]
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }

    /// Whether `price` is strictly better than `other` for a resting order of this side.
    #[inline]
    #[must_use]
    pub const fn is_better(self, price: Px, other: Px) -> bool {
        match self {
            Self::Buy => price.0 > other.0,
            Self::Sell => price.0 < other.0,
        }
    }

    /// Whether an order of this side at `price` trades with a resting one at `resting`.
    #[inline]
    #[must_use]
    pub const fn crosses(self, price: Px, resting: Px) -> bool {
        match self {
            Self::Buy => price.0 >= resting.0,
            Self::Sell => price.0 <= resting.0,
        }
    }

    /// The side a record's byte stands for, `None` for any other value.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Buy),
            1 => Some(Self::Sell),
            _ => None,
        }
    }

    /// `B` or `S`, as the exchanges write it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Buy => 'B',
            Self::Sell => 'S',
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_print_in_rupees_with_the_decimals_they_need() {
        let cases = [(0, "0.00"), (Px::PAISA, "0.01"), (-Px::SCALE * 3 / 2, "-1.50")];
        for (units, text) in cases {
            assert_eq!(Px(units).to_string(), text);
        }
        assert_eq!(Px(250_000).to_string(), "0.0025");
        assert_eq!(Px(1).to_string(), "0.00000001");
    }

    #[test]
    fn rounding_to_a_tick_goes_the_stated_way_for_both_signs() {
        let tick = Px::from_paise(5);
        for (paise, floor, ceil) in [(12, 10, 15), (10, 10, 10), (-12, -15, -10), (0, 0, 0)] {
            assert_eq!(Px::from_paise(paise).floor_to(tick), Px::from_paise(floor));
            assert_eq!(Px::from_paise(paise).ceil_to(tick), Px::from_paise(ceil));
        }
    }

    #[test]
    fn money_groups_digits_the_indian_way() {
        assert_eq!(Money::from_rupees(123_456_789).to_string(), "12,34,56,789.00");
        assert_eq!(Money(-123_456_789_000).to_string(), "-1,234.57");
        assert_eq!(Money(1).to_string(), "0.00");
        assert_eq!(Px::from_paise(5).value(-65).to_string(), "-3.25");
    }
}
