//! The block deal windows (rule 2.5): a market of its own beside the normal one.

use core::fmt;

use tezi_model::{Money, Nanos, Px, Qty, Segment};

use super::SessionError;
use crate::venue::bands::PriceBand;
use crate::venue::calendar::Calendar;
use crate::venue::rules::{Rules, Window, key};
use crate::venue::{Date, Rate, TimeOfDay, segment_scope};

/// Shares that share a block price range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockClass {
    /// Most of them.
    Normal,
    /// Those with a price band of 2 %.
    TwoPercentBand,
    /// Series T0 and TL, which settle on the day.
    SameDay,
}

/// One of the two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockWindow {
    /// Before the open; its reference is the previous close.
    Morning,
    /// In the afternoon; its reference is the average price of [`BlockSession::reference_window`].
    Afternoon,
}

/// Why a block order is refused, the first that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum BlockRefusal {
    /// No block window is open.
    Closed = 1,
    /// The price is not positive or outside the range around the reference.
    OutsideRange = 2,
    /// The order is worth too little.
    BelowMinimum = 3,
}

impl fmt::Display for BlockRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "no block window is open",
            Self::OutsideRange => "the price is outside the range of block deals",
            Self::BelowMinimum => "the order is worth less than a block deal must be",
        })
    }
}

impl core::error::Error for BlockRefusal {}

/// The block windows of a class of shares on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSession {
    date: Date,
    is_open: bool,
    morning: Window,
    afternoon: Window,
    /// The stretch whose average price is the reference of the afternoon window.
    pub reference_window: Window,
    /// The least value of an order.
    pub value_min: Money,
    /// How far from the reference an order may be.
    pub range: Rate,
}

impl BlockSession {
    /// Reads the rows of a date. Rows of the price range begin on 8 December 2025.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the segment has no block windows or rows are missing.
    pub fn new(
        rules: &Rules,
        segment: Segment,
        class: BlockClass,
        date: Date,
    ) -> Result<Self, SessionError> {
        let scope = segment_scope(segment).ok_or(SessionError::Segment(segment))?;
        let suffix = match class {
            BlockClass::Normal => "",
            BlockClass::TwoPercentBand => "/2pct",
            BlockClass::SameDay => "/T0",
        };
        let exchange = scope.split('/').next().unwrap_or(scope);
        Ok(Self {
            date,
            is_open: Calendar::new(rules, exchange).is_trading_day(date),
            morning: *rules.get(key::BLOCK_MORNING, scope, date)?,
            afternoon: *rules.get(key::BLOCK_AFTERNOON, scope, date)?,
            reference_window: *rules.get(key::BLOCK_REFERENCE_WINDOW, scope, date)?,
            value_min: *rules.get(key::BLOCK_VALUE_MIN, scope, date)?,
            range: *rules.get(key::BLOCK_RANGE, &format!("{scope}{suffix}"), date)?,
        })
    }

    /// The window open at a point in time.
    #[must_use]
    pub fn window_at(&self, now: Nanos) -> Option<BlockWindow> {
        let time = TimeOfDay::of(now);
        if !self.is_open || Date::of(now) != self.date {
            None
        } else if self.morning.contains(time) {
            Some(BlockWindow::Morning)
        } else if self.afternoon.contains(time) {
            Some(BlockWindow::Afternoon)
        } else {
            None
        }
    }

    /// Whether a block order is taken now.
    ///
    /// # Errors
    ///
    /// The first [`BlockRefusal`] that applies.
    pub fn check(
        &self,
        now: Nanos,
        reference: Px,
        price: Px,
        quantity: Qty,
    ) -> Result<(), BlockRefusal> {
        if self.window_at(now).is_none() {
            return Err(BlockRefusal::Closed);
        }
        if price <= Px::ZERO || !PriceBand::around(reference, self.range, Px(1)).contains(price) {
            return Err(BlockRefusal::OutsideRange);
        }
        if price.value(i64::from(quantity.0)) < self.value_min {
            return Err(BlockRefusal::BelowMinimum);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn time(day: &str, clock: &str) -> Nanos {
        date(day).at(TimeOfDay::parse(clock).unwrap())
    }

    #[test]
    fn rule_2_5_block_windows_ranges_and_values() {
        let rules = Rules::builtin().unwrap();
        let day = "2026-11-20";
        let block = |class| BlockSession::new(&rules, Segment::NseCm, class, date(day)).unwrap();
        let normal = block(BlockClass::Normal);
        for (clock, window) in [
            ("08:44", None),
            ("08:45", Some(BlockWindow::Morning)),
            ("08:59", Some(BlockWindow::Morning)),
            ("09:00", None),
            ("14:05", Some(BlockWindow::Afternoon)),
            ("14:20", None),
        ] {
            assert_eq!(normal.window_at(time(day, clock)), window, "{clock}");
        }
        assert_eq!(normal.window_at(time("2026-11-23", "08:50")), None);
        let rupees = |rupees: i64| Px(rupees * Px::SCALE);
        let check = |session: &BlockSession, price, quantity| {
            session.check(time(day, "08:50"), rupees(1_000), rupees(price), Qty(quantity)).err()
        };
        assert_eq!(check(&normal, 1_000, 250_000), None);
        assert_eq!(check(&normal, 1_000, 249_999), Some(BlockRefusal::BelowMinimum));
        for (class, low, high) in [
            (BlockClass::Normal, 970, 1_030),
            (BlockClass::TwoPercentBand, 980, 1_020),
            (BlockClass::SameDay, 990, 1_010),
        ] {
            let session = block(class);
            for (price, passes) in [(low - 1, false), (low, true), (high, true), (high + 1, false)]
            {
                let expected = (!passes).then_some(BlockRefusal::OutsideRange);
                assert_eq!(check(&session, price, 400_000), expected, "{class:?} {price}");
            }
        }
        let closed = normal.check(time(day, "10:00"), rupees(1_000), rupees(1_000), Qty(1));
        assert_eq!(closed, Err(BlockRefusal::Closed));
        let early =
            BlockSession::new(&rules, Segment::NseCm, BlockClass::Normal, date("2025-12-05"));
        assert!(matches!(early, Err(SessionError::Missing(_))));
    }
}
