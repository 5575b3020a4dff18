//! Losses measured from a high: from the day's highest profit, and from that of the last minute.

mod snapshot;

use std::collections::VecDeque;

use tezi_model::{Money, Nanos, RejectReason};

use super::GuardLimits;

/// Seconds that count as the last minute, the present one among them.
const MINUTE: i64 = 60;

/// The profit's highs.
///
/// # Invariants
///
/// - `highs` holds profits of the past that were higher than every later one, falling, each with the
///   last second in which it was in force: at most one a second of the minute.
pub(crate) struct Losses {
    drawdown_max: Money,
    minute_max: Money,
    profit: Money,
    highest: Money,
    highs: VecDeque<(i64, Money)>,
}

impl Losses {
    /// No profit, no limits.
    pub(crate) fn new() -> Self {
        Self {
            drawdown_max: Money::ZERO,
            minute_max: Money::ZERO,
            profit: Money::ZERO,
            highest: Money::ZERO,
            highs: VecDeque::with_capacity(MINUTE as usize + 4),
        }
    }

    /// Sets the limits.
    pub(crate) fn set_limits(&mut self, limits: &GuardLimits) {
        self.drawdown_max = Money::from_rupees(limits.drawdown_max);
        self.minute_max = Money::from_rupees(limits.minute_loss_max);
    }

    /// Notes the profit of now.
    #[inline]
    pub(crate) fn note(&mut self, now: Nanos, profit: Money) {
        if profit != self.profit {
            self.change(now.second(), profit);
        }
    }

    fn change(&mut self, second: i64, profit: Money) {
        let before = std::mem::replace(&mut self.profit, profit);
        self.highest = self.highest.max(profit);
        while self.highs.front().is_some_and(|&(last, _)| second - last >= MINUTE) {
            self.highs.pop_front();
        }
        while self.highs.back().is_some_and(|&(_, high)| high <= before) {
            self.highs.pop_back();
        }
        if self.highs.back().is_none_or(|&(last, _)| last != second) {
            self.highs.push_back((second, before));
        }
    }

    /// The limit that is reached, if one is.
    #[inline]
    pub(crate) fn reached(&self, now: Nanos) -> Option<RejectReason> {
        let is_at = |loss: Money, most: Money| most > Money::ZERO && loss >= most;
        if is_at(self.drawdown(), self.drawdown_max) {
            return Some(RejectReason::Drawdown);
        }
        let is_limited = self.minute_max > Money::ZERO;
        let is_lost = is_limited && is_at(self.lost_in_minute(now), self.minute_max);
        is_lost.then_some(RejectReason::MinuteLoss)
    }

    /// The profit as it was noted last.
    #[inline]
    pub(crate) const fn profit(&self) -> Money {
        self.profit
    }

    /// How far the profit is below the day's highest.
    pub(crate) fn drawdown(&self) -> Money {
        self.highest - self.profit
    }

    /// How far the profit is below the highest of the last minute.
    pub(crate) fn lost_in_minute(&self, now: Nanos) -> Money {
        let second = now.second();
        let high = self.highs.iter().find(|&&(last, _)| second - last < MINUTE);
        high.map_or(Money::ZERO, |&(_, high)| (high - self.profit).max(Money::ZERO))
    }

    /// Begins again from the present profit: an operator has taken back a stop.
    pub(crate) fn restart(&mut self) {
        self.highest = self.profit;
        self.highs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Nanos {
        Nanos(second * 1_000_000_000)
    }

    /// Every profit there ever was, with the seconds in which it was in force.
    #[derive(Default)]
    struct Naive {
        past: Vec<(i64, i64, Money)>,
        since: i64,
        profit: Money,
    }

    impl Naive {
        fn note(&mut self, second: i64, profit: Money) {
            self.past.push((self.since, second, self.profit));
            (self.since, self.profit) = (second, profit);
        }

        fn lost_in_minute(&self, second: i64) -> Money {
            let in_minute = self.past.iter().filter(|(_, last, _)| second - last < 60);
            let high = in_minute.map(|&(_, _, profit)| profit).fold(self.profit, Ord::max);
            high - self.profit
        }

        fn drawdown(&self) -> Money {
            let high = self.past.iter().map(|&(_, _, profit)| profit).fold(self.profit, Ord::max);
            high - self.profit
        }
    }

    #[test]
    fn highs_are_those_of_a_plain_list() {
        for seed in 0..200_u64 {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
            let mut random = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            };
            let (mut losses, mut naive, mut second) = (Losses::new(), Naive::default(), 1_000);
            for _ in 0..300 {
                second += [0, 0, 1, 3, 20][(random() % 5) as usize];
                let profit = Money::from_rupees((random() % 2_001) as i64 - 1_000);
                losses.note(at(second), profit);
                naive.note(second, profit);
                second += [0, 0, 0, 59, 60][(random() % 5) as usize];
                assert_eq!(losses.lost_in_minute(at(second)), naive.lost_in_minute(second));
                assert_eq!(losses.drawdown(), naive.drawdown());
                assert!(losses.highs.len() <= MINUTE as usize + 1);
            }
        }
    }

    #[test]
    fn a_limit_is_reached_at_its_value_and_a_minute_ends() {
        let mut losses = Losses::new();
        let limits = GuardLimits { minute_loss_max: 100, ..GuardLimits::default() };
        losses.set_limits(&limits);
        losses.note(at(10), Money::from_rupees(500));
        losses.note(at(20), Money::from_rupees(401));
        assert_eq!(losses.reached(at(20)), None);
        losses.note(at(79), Money::from_rupees(400));
        assert_eq!(losses.reached(at(79)), Some(RejectReason::MinuteLoss));
        assert_eq!(losses.reached(at(80)), None, "what was in force at 20 is a minute old");
        losses.set_limits(&GuardLimits { drawdown_max: 100, ..limits });
        assert_eq!(losses.reached(at(80)), Some(RejectReason::Drawdown));
        losses.restart();
        assert_eq!(losses.reached(at(80)), None);
    }
}
