//! Positions of an underlying as futures: what its options would be by their delta, at its price.
//!
//! Position limits on index options count so (SEBI 29 May 2025 /79 ¶5.5): net, and long and short
//! each by itself. What is open counts at the worst for each.

use tezi_model::{Money, Px};

use crate::margin::{Open, RiskArray};

/// What a contract has and could have, in 10⁻⁶ units of the underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) net: i128,
    low: i128,
    high: i128,
}

impl Range {
    pub(super) fn of(quantity: i64, open: Open, delta: i32) -> Self {
        let (quantity, delta) = (i128::from(quantity), i128::from(delta));
        let sold = (quantity - i128::from(open.sell)) * delta;
        let bought = (quantity + i128::from(open.buy)) * delta;
        Self { net: quantity * delta, low: sold.min(bought), high: sold.max(bought) }
    }

    fn long(&self) -> i128 {
        self.high.max(0)
    }

    fn short(&self) -> i128 {
        (-self.low).max(0)
    }
}

/// The sums of an underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FutEq {
    price: Px,
    net: i128,
    /// How far what is open could raise and lower `net`.
    up: i128,
    down: i128,
    long: i128,
    short: i128,
}

/// A value in parts of [`Money`]: a million of them. Dividing comes after comparing, for it is slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value(i128);

impl Value {
    /// Whether it is more than so many rupees.
    pub(super) fn is_above(self, rupees: i64) -> bool {
        self.0 > Money::from_rupees(rupees).0 * i128::from(RiskArray::DELTA_ONE)
    }

    pub(super) const fn money(self) -> Money {
        Money(self.0 / RiskArray::DELTA_ONE as i128)
    }
}

/// What a change would make of the sums it makes worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    /// The net position on the side that grows.
    pub(super) net: Option<Value>,
    /// The gross one.
    pub(super) gross: Option<Value>,
}

impl FutEq {
    pub(super) const fn new(price: Px) -> Self {
        Self { price, net: 0, up: 0, down: 0, long: 0, short: 0 }
    }

    /// Takes in what a contract became.
    pub(super) fn swap(&mut self, before: &Range, after: &Range) {
        self.net += after.net - before.net;
        self.up += (after.high - after.net) - (before.high - before.net);
        self.down += (after.net - after.low) - (before.net - before.low);
        self.long += after.long() - before.long();
        self.short += after.short() - before.short();
    }

    /// What a contract's becoming `after` with more open would make of what grows by it.
    pub(super) fn growth(&self, before: &Range, after: &Range) -> Growth {
        let mut it = *self;
        it.swap(before, after);
        let (rises, falls) = (after.high > before.high, after.low < before.low);
        let net = match (rises, falls) {
            (false, false) => None,
            (true, false) => Some(it.net + it.up),
            (false, true) => Some(it.down - it.net),
            (true, true) => Some((it.net + it.up).max(it.down - it.net)),
        };
        let long = (it.long > self.long).then_some(it.long);
        let short = (it.short > self.short).then_some(it.short);
        let value = |units| self.value(units);
        Growth { net: net.map(value), gross: long.max(short).map(value) }
    }

    /// The net position, at the price of the underlying; negative is short.
    pub(super) fn net(&self) -> Money {
        self.value(self.net).money()
    }

    /// The larger of what is long and what is short, with what is open.
    pub(super) fn gross(&self) -> Money {
        self.value(self.long.max(self.short)).money()
    }

    fn value(&self, units: i128) -> Value {
        Value(units.saturating_mul(self.price.0.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::Side;
    use tezi_testing::Random;

    const CRORE: i128 = 10_000_000 * Px::SCALE as i128;

    /// Section 1.8: FutEq value is the sum of delta, quantity and the underlying's price.
    #[test]
    fn options_count_by_their_delta() {
        let mut futeq = FutEq::new(Px::from_rupees(25_000.0));
        let none = Open::default();
        let positions = [(75_000, 1_000_000), (150_000, 500_000), (-300_000, -250_000)];
        for (quantity, delta) in positions {
            futeq.swap(&Range::default(), &Range::of(quantity, none, delta));
        }
        // 75,000 + 75,000 + 75,000 units at 25,000 rupees.
        assert_eq!(futeq.net(), Money(5_625 * CRORE / 10));
        assert_eq!(futeq.gross(), Money(5_625 * CRORE / 10));
        futeq.swap(&Range::default(), &Range::of(-75_000, none, 1_000_000));
        assert_eq!((futeq.net(), futeq.gross()), (Money(375 * CRORE), Money(5_625 * CRORE / 10)));
    }

    /// Sums that are kept are those of a list, and what may fill is counted at its worst.
    #[test]
    fn sums_are_those_of_every_way_of_filling() {
        let mut random = Random(81);
        for _ in 0..300 {
            let mut futeq = FutEq::new(Px::from_rupees(100.0));
            let mut parts = [Range::default(); 4];
            let mut ways = [(0_i128, 0_i128, 0_i128, 0_i128); 4];
            for step in 0..12 {
                let at = step % 4;
                let mut units = |most: u64| random.below(most) as i64;
                let (quantity, open) = (units(21) - 10, Open { buy: units(6), sell: units(6) });
                let delta = (units(2_000_001) - 1_000_000) as i32;
                let range = Range::of(quantity, open, delta);
                futeq.swap(&parts[at], &range);
                parts[at] = range;
                let mut way = (i128::MIN, i128::MAX, 0, 0);
                for bought in 0..=open.buy {
                    for sold in 0..=open.sell {
                        let held = i128::from(quantity + bought - sold) * i128::from(delta);
                        way = (way.0.max(held), way.1.min(held), way.2.max(held), way.3.max(-held));
                    }
                }
                ways[at] = way;
            }
            let sum = |of: fn(&(i128, i128, i128, i128)) -> i128| ways.iter().map(of).sum::<i128>();
            assert_eq!(futeq.net + futeq.up, sum(|it| it.0));
            assert_eq!(futeq.net - futeq.down, sum(|it| it.1));
            assert_eq!((futeq.long, futeq.short), (sum(|it| it.2), sum(|it| it.3)));
        }
    }

    #[test]
    fn only_what_grows_is_told() {
        let mut futeq = FutEq::new(Px::from_rupees(100.0));
        let of = |quantity, open| Range::of(quantity, open, 1_000_000);
        let held = of(10, Open::default());
        futeq.swap(&Range::default(), &held);
        let money = |rupees: i64| {
            Some(Value(Money::from_rupees(rupees).0 * i128::from(RiskArray::DELTA_ONE)))
        };
        let sells = of(10, Open::default().with(Side::Sell, 4));
        let growth = futeq.growth(&held, &sells);
        // The short side grows from −1,000 to −600, and nothing gross.
        assert_eq!(growth, Growth { net: money(-600), gross: None });
        let buys = of(10, Open::default().with(Side::Buy, 5));
        assert_eq!(futeq.growth(&held, &buys), Growth { net: money(1_500), gross: money(1_500) });
        assert_eq!(futeq.growth(&held, &held), Growth { net: None, gross: None });
    }
}
