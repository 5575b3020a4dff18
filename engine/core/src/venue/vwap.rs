//! Average prices weighted by volume, exact until they are asked for.

use tezi_model::{Nanos, Px};

use super::Date;
use super::rules::Window;

/// A running average. Value and volume are kept exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vwap {
    value: i128,
    volume: u128,
}

impl Vwap {
    /// Adds a trade.
    #[inline]
    pub fn add(&mut self, price: Px, quantity: u64) {
        let value = i128::from(price.0).saturating_mul(i128::from(quantity));
        self.value = self.value.saturating_add(value);
        self.volume = self.volume.saturating_add(u128::from(quantity));
    }

    /// The average rounded to the nearest multiple of `tick`, halves up; `None` without volume, or
    /// when the sums are beyond 128 bits. That averages round to the tick is a choice, no text was
    /// seen.
    #[must_use]
    pub fn price(&self, tick: Px) -> Option<Px> {
        let volume = i128::try_from(self.volume).ok().filter(|volume| *volume > 0)?;
        let tick = i128::from(tick.0.max(1));
        let unit = volume.checked_mul(tick)?;
        let ticks = self.value.checked_mul(2)?.checked_add(unit)?.div_euclid(unit.checked_mul(2)?);
        i64::try_from(ticks.checked_mul(tick)?).ok().map(Px)
    }
}

/// The average of the trades in a window of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowAverage {
    start: Nanos,
    end: Nanos,
    average: Vwap,
}

impl WindowAverage {
    /// An average over `window` on `date`.
    #[must_use]
    pub fn new(date: Date, window: Window) -> Self {
        let (start, end) = (date.at(window.start), date.at(window.end));
        Self { start, end, average: Vwap::default() }
    }

    /// Adds a trade if it lies in the window, start included, end not.
    #[inline]
    pub fn on_trade(&mut self, time: Nanos, price: Px, quantity: u64) {
        if self.start <= time && time < self.end {
            self.average.add(price, quantity);
        }
    }

    /// The average so far, rounded to the nearest tick; `None` without a trade.
    #[must_use]
    pub fn price(&self, tick: Px) -> Option<Px> {
        self.average.price(tick)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_weigh_by_volume_and_round_to_the_nearest_tick() {
        let mut vwap = Vwap::default();
        assert_eq!(vwap.price(Px(1)), None);
        vwap.add(Px::from_paise(10_000), 1);
        vwap.add(Px::from_paise(10_010), 3);
        for (tick, paise) in [(5, 10_010), (1, 10_008), (10, 10_010), (20, 10_000)] {
            assert_eq!(vwap.price(Px::from_paise(tick)), Some(Px::from_paise(paise)), "{tick}");
        }
        let time = |text| crate::venue::TimeOfDay::parse(text).unwrap();
        let window = Window { start: time("15:00"), end: time("15:15") };
        let date = Date::parse("2026-08-03").unwrap();
        let mut average = WindowAverage::new(date, window);
        let at = |minute, second| Nanos::from_ist(2026, 8, 3, 15, minute, second);
        for (time, paise) in
            [(at(0, 0).plus(-1), 1), (at(0, 0), 100), (at(14, 59), 300), (at(15, 0), 9)]
        {
            average.on_trade(time, Px::from_paise(paise), 10);
        }
        assert_eq!(average.price(Px(1)), Some(Px::from_paise(200)));
    }
}
