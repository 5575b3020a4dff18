//! How much of each limit is used, as levels that are told when they change.
//!
//! A level is reached at its part of the limit, and left when the use is five parts in a hundred of the
//! limit below it: what goes to and fro about a mark is told once.

use tezi_model::{AccountId, InstrumentId, StateHasher};

use crate::control::Limit;
use crate::output::UseLevel;
use crate::risk::GuardLimits;

/// Basis points of the whole.
const BASIS: i128 = 10_000;
/// How far below its mark a level is left, in basis points of the limit.
const CLEAR_BPS: i128 = 500;

/// Limits of an underlying, in the order of their places.
const OF_UNDERLYINGS: [Limit; 4] =
    [Limit::UnderlyingNet, Limit::UnderlyingGross, Limit::FutEqNet, Limit::FutEqGross];
/// Limits of the desk, in the order of their places.
const OF_THE_DESK: [Limit; 6] = [
    Limit::OpenOrders,
    Limit::OpenOrderValue,
    Limit::Loss,
    Limit::Drawdown,
    Limit::MinuteLoss,
    Limit::MarginAvailable,
];

/// Limits of an account, in the order of their places.
const OF_ACCOUNTS: [Limit; 3] = [Limit::OpenOrders, Limit::OpenOrderValue, Limit::Loss];

/// Where the level of a limit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::desk) enum Place {
    Desk(u8),
    /// Its position.
    Instrument(u32),
    /// Of an underlying: which, and which of its limits.
    Underlying(u32, u8),
    /// Of an account, by its index: which, and which of its limits.
    Account(u8, u8),
}

impl Place {
    /// The place of a limit of the desk, `None` for other limits.
    pub(in crate::desk) fn of_desk(limit: Limit) -> Option<Self> {
        let place = OF_THE_DESK.iter().position(|it| *it == limit)?;
        Some(Self::Desk(place as u8))
    }

    /// The place of a limit of an underlying, `None` for other limits.
    pub(in crate::desk) fn of_underlying(underlying: u32, limit: Limit) -> Option<Self> {
        let place = OF_UNDERLYINGS.iter().position(|it| *it == limit)?;
        Some(Self::Underlying(underlying, place as u8))
    }

    /// The place of a limit of an account, `None` for other limits.
    pub(in crate::desk) fn of_account(account: AccountId, limit: Limit) -> Option<Self> {
        let place = OF_ACCOUNTS.iter().position(|it| *it == limit)?;
        Some(Self::Account(account.index()? as u8, place as u8))
    }

    pub(in crate::desk) const fn of_position(instrument: InstrumentId) -> Self {
        Self::Instrument(instrument.0)
    }
}

/// The levels. Off, and without cost, until a mark is set.
pub(in crate::desk) struct Usage {
    alert_bps: u32,
    alarm_bps: u32,
    desk: [u8; OF_THE_DESK.len()],
    instruments: Box<[u8]>,
    underlyings: Box<[[u8; OF_UNDERLYINGS.len()]]>,
    accounts: Box<[[u8; OF_ACCOUNTS.len()]]>,
    /// Levels that are not [`UseLevel::Below`].
    near: u32,
}

impl Usage {
    pub(in crate::desk) fn new(instruments_max: u32) -> Self {
        let instruments = instruments_max as usize;
        Self {
            alert_bps: 0,
            alarm_bps: 0,
            desk: [0; OF_THE_DESK.len()],
            instruments: vec![0; instruments].into_boxed_slice(),
            // One for each instrument by itself, and one for each symbol.
            underlyings: vec![[0; OF_UNDERLYINGS.len()]; 2 * instruments].into_boxed_slice(),
            accounts: Box::default(),
            near: 0,
        }
    }

    /// Makes room for so many accounts, of which nothing was told yet.
    pub(in crate::desk) fn make_room_for_accounts(&mut self, accounts: usize) {
        self.accounts = vec![[0; OF_ACCOUNTS.len()]; accounts].into_boxed_slice();
    }

    /// Sets the marks.
    pub(in crate::desk) const fn set_limits(&mut self, limits: &GuardLimits) {
        self.alert_bps = limits.alert_at_bps;
        self.alarm_bps = limits.alarm_at_bps;
    }

    #[inline]
    pub(in crate::desk) const fn is_on(&self) -> bool {
        self.alert_bps | self.alarm_bps != 0
    }

    /// The level to tell when `value` of `most` is used: `None` while it is the level told last.
    pub(in crate::desk) fn change(
        &self,
        place: Place,
        value: i128,
        most: i128,
    ) -> Option<UseLevel> {
        let told = UseLevel::from_code(*self.get(place)?)?;
        let reached = self.level(value, most, 0);
        let level =
            if reached >= told { reached } else { told.min(self.level(value, most, CLEAR_BPS)) };
        (level != told).then_some(level)
    }

    /// Notes the level that was told.
    pub(in crate::desk) fn tell(&mut self, place: Place, level: UseLevel) {
        let told = match place {
            Place::Desk(place) => self.desk.get_mut(place as usize),
            Place::Instrument(id) => self.instruments.get_mut(id as usize),
            Place::Underlying(id, place) => {
                self.underlyings.get_mut(id as usize).and_then(|it| it.get_mut(place as usize))
            }
            Place::Account(id, place) => {
                self.accounts.get_mut(id as usize).and_then(|it| it.get_mut(place as usize))
            }
        };
        let Some(told) = told else { return };
        match (std::mem::replace(told, level as u8), level as u8) {
            (0, 1..) => self.near += 1,
            (1.., 0) => self.near -= 1,
            _ => {}
        }
    }

    /// How many limits are nearly used, or all used.
    pub(in crate::desk) const fn near(&self) -> u32 {
        self.near
    }

    fn get(&self, place: Place) -> Option<&u8> {
        match place {
            Place::Desk(place) => self.desk.get(place as usize),
            Place::Instrument(id) => self.instruments.get(id as usize),
            Place::Underlying(id, place) => self.underlyings.get(id as usize)?.get(place as usize),
            Place::Account(id, place) => self.accounts.get(id as usize)?.get(place as usize),
        }
    }

    /// The highest level whose mark is reached by so much more than `value`.
    fn level(&self, value: i128, most: i128, more_bps: i128) -> UseLevel {
        let used = value.saturating_mul(BASIS).saturating_add(most.saturating_mul(more_bps));
        let is_at = |bps: u32| used >= most.saturating_mul(i128::from(bps));
        match (most > 0, self.alert_bps, self.alarm_bps) {
            (false, ..) => UseLevel::Below,
            (true, ..) if is_at(BASIS as u32) => UseLevel::Full,
            (true, _, alarm) if alarm > 0 && is_at(alarm) => UseLevel::Alarm,
            (true, alert, _) if alert > 0 && is_at(alert) => UseLevel::Alert,
            _ => UseLevel::Below,
        }
    }

    /// Folds in what was told, where anything was.
    pub(in crate::desk) fn hash_into(&self, hasher: &mut StateHasher) {
        for (number, level) in (0..).zip(self.levels()).filter(|(_, level)| *level != 0) {
            hasher.write(number << 8 | u64::from(level));
        }
    }

    /// Every level, in one order.
    pub(super) fn levels(&self) -> impl Iterator<Item = u8> {
        let (underlyings, accounts) =
            (self.underlyings.iter().flatten(), self.accounts.iter().flatten());
        self.desk.iter().chain(&self.instruments).chain(underlyings).chain(accounts).copied()
    }

    /// Puts back a level that was told, by its place among [`Usage::levels`]; whether there is such a
    /// place, and none was told there.
    pub(super) fn restore(&mut self, place: usize, level: UseLevel) -> bool {
        let underlyings = self.underlyings.iter_mut().flatten();
        let accounts = self.accounts.iter_mut().flatten();
        let of_desk = self.desk.iter_mut().chain(&mut self.instruments);
        let mut all = of_desk.chain(underlyings).chain(accounts);
        let Some(told) = all.nth(place).filter(|told| **told == 0) else { return false };
        *told = level as u8;
        self.near += u32::from(level != UseLevel::Below);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(alert_at_bps: u32, alarm_at_bps: u32) -> Usage {
        let mut usage = Usage::new(4);
        usage.set_limits(&GuardLimits { alert_at_bps, alarm_at_bps, ..GuardLimits::OFF });
        usage
    }

    /// What is told as the use goes through `values` of 1,000.
    fn told(usage: &mut Usage, place: Place, values: &[i128]) -> Vec<(i128, UseLevel)> {
        let one = |&value: &i128| {
            let level = usage.change(place, value, 1_000)?;
            usage.tell(place, level);
            Some((value, level))
        };
        values.iter().filter_map(one).collect()
    }

    #[test]
    fn a_level_is_told_when_it_is_reached_and_when_it_is_clearly_left() {
        let values =
            [0, 799, 800, 799, 800, 751, 949, 950, 999, 1_000, 1_200, 951, 949, 900, 899, 749, 0];
        let expected = [
            (800, UseLevel::Alert),
            (950, UseLevel::Alarm),
            (1_000, UseLevel::Full),
            (949, UseLevel::Alarm),
            (899, UseLevel::Alert),
            (749, UseLevel::Below),
        ];
        for place in [Place::Desk(0), Place::Instrument(3), Place::Underlying(7, 3)] {
            assert_eq!(told(&mut usage(8_000, 9_500), place, &values), expected, "{place:?}");
        }
    }

    #[test]
    fn one_mark_alone_is_enough_and_levels_can_be_passed_over() {
        let place = Place::of_position(InstrumentId(1));
        let jump = [(1_500, UseLevel::Full), (0, UseLevel::Below)];
        assert_eq!(told(&mut usage(8_000, 9_500), place, &[1_500, 0]), jump);
        let alarm = [(950, UseLevel::Alarm), (899, UseLevel::Below)];
        assert_eq!(told(&mut usage(0, 9_500), place, &[900, 950, 899]), alarm);
        assert!(!usage(0, 0).is_on());
    }

    #[test]
    fn a_limit_that_is_switched_off_is_not_used() {
        let mut usage = usage(8_000, 0);
        let place = Place::of_desk(Limit::Loss).unwrap();
        assert_eq!(usage.change(place, 900, 1_000), Some(UseLevel::Alert));
        usage.tell(place, UseLevel::Alert);
        assert_eq!(usage.change(place, 900, 0), Some(UseLevel::Below));
        // A profit is no loss, and numbers from anywhere do no harm.
        assert_eq!(usage.change(place, -5, 1_000), Some(UseLevel::Below));
        assert_eq!(usage.change(place, i128::MAX, i128::MAX), Some(UseLevel::Full));
        assert_eq!(usage.change(Place::Instrument(99), 900, 1_000), None);
    }
}
