//! The market-wide circuit breaker (SEBI 3 September 2013; rule 1.9).
//!
//! When the NIFTY 50 or the SENSEX, whichever is first, has moved 10, 15 or 20 % from its previous
//! close, all equity and equity derivative markets stop; how long depends on the level and the
//! time. Each level counts once a day. After the halt a call auction opens the market again.

use tezi_model::{Nanos, Px};

use super::rules::{BreakerLevel, HaltLength, MissingRule, Rules, key};
use super::{Date, TimeOfDay};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// An index that the circuit breaker watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerIndex {
    /// NIFTY 50, of NSE.
    Nifty50 = 0,
    /// SENSEX, of BSE.
    Sensex = 1,
}

/// How trading begins again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reopening {
    /// The halt is over and the call auction begins.
    pub halt_end: Nanos,
    /// The auction is over and continuous trading may begin.
    pub auction_end: Nanos,
}

/// All trading stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The level, from 1 to 3.
    pub level: u8,
    /// The index that reached it first.
    pub index: BreakerIndex,
    /// When.
    pub from: Nanos,
    /// How trading begins again; `None` when the day is over.
    pub reopen: Option<Reopening>,
}

/// The circuit breaker of one day.
///
/// # Invariants
///
/// - `reached` only grows: a level that was reached, even at a time when it stops nothing, is spent,
///   and so are those below it.
#[derive(Clone, Debug)]
pub struct Breaker {
    levels: [BreakerLevel; 3],
    auction_ns: i64,
    /// Points of each level, for each index; nought where the previous close is not known.
    points: [[Px; 3]; 2],
    closes: [Px; 2],
    reached: u8,
    /// Index values before this say nothing: the market is halted or reopening.
    quiet_until: Nanos,
}

impl Breaker {
    /// The breaker of a day, from the previous closes of NIFTY 50 and SENSEX. An index without a
    /// positive close never triggers. Levels are so many points from the close, rounded to the
    /// nearest tick.
    ///
    /// # Errors
    ///
    /// [`MissingRule`] when a row that must be there is not.
    pub fn new(rules: &Rules, date: Date, closes: [Px; 2]) -> Result<Self, MissingRule> {
        let level = |key| rules.get(key, "*", date).cloned();
        let levels =
            [level(key::BREAKER_LEVEL1)?, level(key::BREAKER_LEVEL2)?, level(key::BREAKER_LEVEL3)?];
        let tick = *rules.get(key::BREAKER_TICK, "*", date)?;
        let seconds = *rules.get(key::BREAKER_AUCTION_SECONDS, "*", date)?;
        let points = closes.map(|close| {
            levels.each_ref().map(|level| nearest(level.rate.of(close.max(Px::ZERO)), tick))
        });
        Ok(Self {
            levels,
            auction_ns: i64::try_from(seconds.min(86_400)).unwrap_or(0) * NANOS_PER_SECOND,
            points,
            closes,
            reached: 0,
            quiet_until: Nanos(i64::MIN),
        })
    }

    /// The values of an index at which a level (1 to 3) is reached, falling and rising. `None` for
    /// another level, or when the close is not known.
    #[must_use]
    pub fn trigger_values(&self, index: BreakerIndex, level: u8) -> Option<(Px, Px)> {
        let points = *self.points[index as usize].get(usize::from(level).checked_sub(1)?)?;
        let close = self.closes[index as usize];
        (close > Px::ZERO && points > Px::ZERO).then(|| (close - points, close + points))
    }

    /// The highest level reached so far, 0 for none.
    #[must_use]
    pub const fn reached(&self) -> u8 {
        self.reached
    }

    /// An index has a new value during continuous trading. Gives the halt it causes, if any. Values
    /// during a halt and the auction after it say nothing: no trade made them.
    pub fn on_index(&mut self, now: Nanos, index: BreakerIndex, value: Px) -> Option<Halt> {
        if now < self.quiet_until {
            return None;
        }
        let hit = |level: &u8| {
            let values = self.trigger_values(index, *level);
            values.is_some_and(|(low, high)| value <= low || high <= value)
        };
        let level = (self.reached + 1..=3).rev().find(hit)?;
        self.reached = level;
        let reopen = match self.levels[usize::from(level) - 1].halt_at(TimeOfDay::of(now)) {
            HaltLength::None => return None,
            HaltLength::Day => None,
            HaltLength::Seconds(seconds) => {
                let halt_end = now.plus(i64::from(seconds) * NANOS_PER_SECOND);
                Some(Reopening { halt_end, auction_end: halt_end.plus(self.auction_ns) })
            }
        };
        self.quiet_until = reopen.map_or(Nanos::MAX, |reopen| reopen.auction_end);
        Some(Halt { level, index, from: now, reopen })
    }
}

/// The nearest multiple of `tick`, halves up.
fn nearest(points: Px, tick: Px) -> Px {
    (points + Px(tick.0 / 2)).floor_to(tick)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIFTY: BreakerIndex = BreakerIndex::Nifty50;
    const SENSEX: BreakerIndex = BreakerIndex::Sensex;

    fn at(hour: i64, minute: i64) -> Nanos {
        Nanos::from_ist(2026, 11, 20, hour, minute, 0)
    }

    /// NIFTY closed at 20,000, SENSEX at 60,000.
    fn breaker() -> Breaker {
        let closes = [20_000, 60_000].map(|rupees| Px(rupees * Px::SCALE));
        let date = Date::parse("2026-11-20").unwrap();
        Breaker::new(&Rules::builtin().unwrap(), date, closes).unwrap()
    }

    fn rupees(rupees: i64) -> Px {
        Px(rupees * Px::SCALE)
    }

    #[test]
    fn rule_1_9_halts_by_level_and_time() {
        let second_before = |time: Nanos| time.plus(-NANOS_PER_SECOND);
        // Level and time of the trigger; minutes of the halt: 0 none, `None` the rest of the day.
        for (value, time, minutes) in [
            (18_000, second_before(at(13, 0)), Some(45)),
            (18_000, at(13, 0), Some(15)),
            (18_000, second_before(at(14, 30)), Some(15)),
            (18_000, at(14, 30), Some(0)),
            (17_000, second_before(at(13, 0)), Some(105)),
            (17_000, at(13, 0), Some(45)),
            (17_000, second_before(at(14, 0)), Some(45)),
            (17_000, at(14, 0), None),
            (16_000, at(9, 20), None),
            (16_000, at(15, 0), None),
            // Either way.
            (22_000, at(9, 20), Some(45)),
            (24_000, at(9, 20), None),
        ] {
            let halt = breaker().on_index(time, NIFTY, rupees(value));
            let Some(halt) = halt else {
                assert_eq!(minutes, Some(0), "{value} at {time}");
                continue;
            };
            let length = halt.reopen.map(|reopen| {
                assert_eq!(reopen.auction_end.since(reopen.halt_end), 15 * 60 * NANOS_PER_SECOND);
                reopen.halt_end.since(time) / (60 * NANOS_PER_SECOND)
            });
            assert_eq!((length, halt.from), (minutes, time), "{value} at {time}");
        }
    }

    #[test]
    fn rule_1_9_a_level_counts_once_a_day_and_whichever_index_is_first() {
        let mut breaker = breaker();
        assert_eq!(breaker.on_index(at(10, 0), NIFTY, rupees(18_001)), None);
        let first = breaker.on_index(at(10, 0), SENSEX, rupees(54_000)).unwrap();
        assert_eq!((first.level, first.index), (1, SENSEX));
        // Halted to 10:45, auction to 11:00: values say nothing.
        assert_eq!(breaker.on_index(at(10, 59), NIFTY, rupees(10_000)), None);
        assert_eq!(breaker.on_index(at(11, 0), NIFTY, rupees(18_000)), None);
        let second = breaker.on_index(at(11, 1), NIFTY, rupees(17_000)).unwrap();
        assert_eq!((second.level, breaker.reached()), (2, 2));
        let third = breaker.on_index(at(13, 30), SENSEX, rupees(48_000)).unwrap();
        assert_eq!((third.level, third.reopen), (3, None));
        assert_eq!(breaker.on_index(at(13, 31), NIFTY, rupees(1)), None);
    }

    #[test]
    fn rule_1_9_a_level_that_stops_nothing_is_spent_and_a_jump_spends_those_below() {
        let mut late = breaker();
        assert_eq!(late.on_index(at(14, 31), NIFTY, rupees(17_999)), None);
        assert_eq!(late.reached(), 1);
        assert_eq!(late.on_index(at(14, 32), NIFTY, rupees(17_000)).unwrap().level, 2);
        let mut jump = breaker();
        assert_eq!(jump.on_index(at(9, 16), NIFTY, rupees(16_900)).unwrap().level, 2);
        assert_eq!(jump.on_index(at(12, 0), NIFTY, rupees(18_000)), None);
    }

    #[test]
    fn rule_1_9_levels_are_rounded_to_the_nearest_tick() {
        let date = Date::parse("2026-11-20").unwrap();
        let close = Px::from_paise(2_354_775);
        let breaker = Breaker::new(&Rules::builtin().unwrap(), date, [close, Px::ZERO]).unwrap();
        // 10 % of 23,547.75 is 2,354.775, at a tick of 0.05 that is 2,354.80.
        let expected = (Px::from_paise(2_119_295), Px::from_paise(2_590_255));
        assert_eq!(breaker.trigger_values(NIFTY, 1), Some(expected));
        assert_eq!(breaker.trigger_values(SENSEX, 1), None);
        assert_eq!(
            (breaker.trigger_values(NIFTY, 0), breaker.trigger_values(NIFTY, 4)),
            (None, None)
        );
        let early = Date::parse("2013-09-30").unwrap();
        assert!(Breaker::new(&Rules::builtin().unwrap(), early, [close; 2]).is_err());
    }
}
