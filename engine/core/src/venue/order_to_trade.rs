//! The order-to-trade ratio of a day and what it costs (SEBI 24 June 2020; rows `otr.charge`,
//! `otr.exempt`).
//!
//! Per segment and day: counted messages (entries, changes, cancels) to trades. Entries and changes near
//! the last trade are not counted; cancels always are. The charge is by slab, each slab's rate for
//! the messages within it. Without a trade the ratio is taken as if there had been one: the circulars do
//! not say, and so nothing is told too low.

use tezi_model::{Money, Px};

use super::Width;
use super::rules::Steps;

/// Messages and trades of a day in one segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderToTrade {
    /// Messages that count.
    pub counted: u64,
    /// Messages near the last trade, which do not.
    pub exempt: u64,
    /// Trades.
    pub trades: u64,
}

impl OrderToTrade {
    /// A new order or a change at `price`, the last trade at `last`; `width` is the row `otr.exempt`, `None`
    /// where there is none. Without a last trade nothing is near it.
    pub fn on_order(&mut self, price: Px, last: Option<Px>, width: Option<&Width>) {
        let is_near = match (last, width) {
            (Some(last), Some(width)) => {
                price.0.abs_diff(last.0) <= width.of(last).0.unsigned_abs()
            }
            _ => false,
        };
        if is_near {
            self.exempt += 1;
        } else {
            self.counted += 1;
        }
    }

    /// A cancel.
    pub const fn on_cancel(&mut self) {
        self.counted += 1;
    }

    /// A trade.
    pub const fn on_trade(&mut self) {
        self.trades += 1;
    }

    /// Counted messages for each trade, in millionths.
    #[must_use]
    pub const fn ratio_millionths(&self) -> u64 {
        let trades = if self.trades == 0 { 1 } else { self.trades };
        self.counted.saturating_mul(1_000_000) / trades
    }

    /// What the day costs so far. `slabs` is the row `otr.charge`: paise a message, by ratio.
    #[must_use]
    pub fn charge(&self, slabs: &Steps) -> Money {
        let trades = i128::from(self.trades.max(1));
        let counted = i128::from(self.counted);
        let scale = i128::from(Px::SCALE);
        let mut charge = 0;
        let mut from = 0;
        for (bound, paise) in slabs.steps() {
            // Messages up to the slab's upper end; the last slab has none.
            let to =
                bound.map_or(counted, |bound| (i128::from(bound.0) * trades / scale).min(counted));
            charge += (to - from).max(0) * i128::from(paise.0) / 100;
            from = to.max(from);
        }
        Money(charge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::rules::{Rules, key};
    use crate::venue::{Date, Rate};

    /// The worked examples: 1,000 trades, and so many counted messages.
    #[test]
    fn the_charge_is_by_slab_for_the_messages_within_it() {
        let rules = Rules::builtin().unwrap();
        let date = Date::parse("2026-11-20").unwrap();
        let slabs = rules.get(key::OTR_CHARGE, "*", date).unwrap();
        let examples = [(49_000, 0), (600_000, 44_000), (2_500_000, 429_000), (50_000, 0)];
        for (counted, rupees) in examples {
            let day = OrderToTrade { counted, exempt: 0, trades: 1_000 };
            assert_eq!(day.charge(slabs), Money::from_rupees(rupees), "{counted}");
        }
        let one_more = OrderToTrade { counted: 50_001, exempt: 0, trades: 1_000 };
        assert_eq!(one_more.charge(slabs), Money(Px::from_paise(2).0.into()));
        assert_eq!(one_more.ratio_millionths(), 50_001_000);
        let idle = OrderToTrade { counted: 60, exempt: 0, trades: 0 };
        assert_eq!(idle.charge(slabs), Money(Px::from_paise(20).0.into()), "as if one trade");
    }

    #[test]
    fn what_is_near_the_last_trade_is_not_counted_on_either_side_of_6_april_2026() {
        let rules = Rules::builtin().unwrap();
        let on = |day: &str| {
            let date = Date::parse(day).unwrap();
            rules.find(key::OTR_EXEMPT, "NSE/fo/option", date)
        };
        let (before, since) = (on("2026-04-05"), on("2026-04-06"));
        let last = Some(Px::from_rupees(100.0));
        let mut day = OrderToTrade::default();
        day.on_order(Px::from_rupees(140.0), last, since);
        assert_eq!((day.exempt, day.counted), (1, 0), "40 % of the last trade");
        day.on_order(Px::from_rupees(140.05), last, since);
        day.on_order(Px::from_rupees(60.0), last, since);
        assert_eq!((day.exempt, day.counted), (2, 1));
        // Of a cheap option the width is twenty rupees.
        day.on_order(Px::from_rupees(21.0), Some(Px::from_rupees(1.0)), since);
        day.on_order(Px::from_rupees(140.0), last, before);
        day.on_order(Px::from_rupees(100.0), None, since);
        day.on_cancel();
        assert_eq!((day.exempt, day.counted), (3, 4));
        let narrow = Width { rate: Rate::parse("0.75%").unwrap(), min: Px::ZERO };
        day.on_order(Px::from_rupees(100.75), last, Some(&narrow));
        day.on_order(Px::from_rupees(100.76), last, Some(&narrow));
        assert_eq!((day.exempt, day.counted), (4, 5));
    }
}
