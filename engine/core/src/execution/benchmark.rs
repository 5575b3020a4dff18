//! What a parent's price is measured against: the market when it arrived, and while it worked.

mod snapshot;

use tezi_model::{Money, Px, Qty, Side};

/// The arrival price, and the market's trades from the start of a parent to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Benchmark {
    arrival: Option<Px>,
    volume: u64,
    turnover: Money,
}

impl Benchmark {
    /// The middle of the touch at the start, or the first known price after; `None` before.
    #[must_use]
    pub const fn arrival(&self) -> Option<Px> {
        self.arrival
    }

    /// Units the market traded.
    #[must_use]
    pub const fn volume(&self) -> u64 {
        self.volume
    }

    /// The average price of the market's trades by volume, rounded to the unit of prices towards
    /// zero; `None` before the first.
    #[must_use]
    pub fn vwap(&self) -> Option<Px> {
        average(self.turnover, self.volume)
    }

    pub(super) fn arrive(&mut self, price: Option<Px>) {
        self.arrival = self.arrival.or(price);
    }

    pub(super) fn trade(&mut self, price: Px, quantity: Qty) {
        self.volume = self.volume.saturating_add(u64::from(quantity.0));
        self.turnover += price.value(i64::from(quantity.0));
    }

    /// A trade is taken back; one from before the start counts for nothing.
    pub(super) fn trade_canceled(&mut self, price: Px, quantity: Qty) {
        let left = self.volume.checked_sub(u64::from(quantity.0));
        if let Some(left) = left.filter(|_| self.turnover >= price.value(i64::from(quantity.0))) {
            self.volume = left;
            self.turnover -= price.value(i64::from(quantity.0));
        }
    }

    /// What `executed` units for `value` cost beyond the arrival price: positive is worse. `None`
    /// before there is one.
    pub(super) fn shortfall(&self, side: Side, value: Money, executed: u64) -> Option<Money> {
        let paper = self.arrival?.value(i64::try_from(executed).ok()?);
        Some(Money((value - paper).0 * i128::from(side.sign())))
    }

    /// What they cost beyond the market's average while it worked: positive is worse. `None` before
    /// the market traded, or when the sums leave 128 bits.
    pub(super) fn slippage(&self, side: Side, value: Money, executed: u64) -> Option<Money> {
        let volume = i128::from(self.volume);
        let own = value.0.checked_mul(volume)?;
        let market = self.turnover.0.checked_mul(i128::from(executed))?;
        let beyond = own.checked_sub(market)?.checked_div(volume)?;
        Some(Money(beyond * i128::from(side.sign())))
    }
}

/// The average price of units for a value; `None` of no units.
pub(super) fn average(value: Money, units: u64) -> Option<Px> {
    i64::try_from(value.0.checked_div(i128::from(units))?).ok().map(Px)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn paise(paise: i64) -> Px {
        Px::from_paise(paise)
    }

    #[test]
    fn a_cost_is_positive_when_it_is_worse_for_the_side() {
        let mut it = Benchmark::default();
        let value = paise(10_010).value(100);
        assert_eq!(it.shortfall(Side::Buy, value, 100), None);
        assert_eq!(it.slippage(Side::Buy, value, 100), None);
        it.arrive(Some(paise(10_000)));
        it.arrive(Some(paise(9_000)));
        assert_eq!(it.shortfall(Side::Buy, value, 100), Some(paise(10).value(100)));
        assert_eq!(it.shortfall(Side::Sell, value, 100), Some(paise(-10).value(100)));
        it.trade(paise(10_000), Qty(100));
        it.trade(paise(10_040), Qty(300));
        assert_eq!((it.volume(), it.vwap()), (400, Some(paise(10_030))));
        assert_eq!(it.slippage(Side::Buy, value, 100), Some(paise(-20).value(100)));
    }

    #[test]
    fn a_trade_taken_back_was_never_there() {
        let mut it = Benchmark::default();
        it.trade(paise(10_000), Qty(100));
        let before = it;
        it.trade(paise(10_050), Qty(65));
        it.trade_canceled(paise(10_050), Qty(65));
        assert_eq!(it, before);
        it.trade_canceled(paise(10_050), Qty(101));
        assert_eq!(it, before, "one from before the start");
    }
}
