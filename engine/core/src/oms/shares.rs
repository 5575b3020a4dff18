//! What open orders come to for each of several strategies, and for each account.

use tezi_model::{AccountId, InstrumentId, Money, StrategyId};

use super::add_exposure;
use super::order::{Exposure, Order};

/// Exposure by strategy and instrument, and by account and instrument; empty where there is only one
/// strategy and no account.
///
/// # Invariants
///
/// - `exposures` has a row of `instruments` for each strategy, in order of strategy, then one for each
///   account.
/// - `open_values` is the sum of [`Order::open_value`] of each account's open orders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    strategies: usize,
    instruments: usize,
    exposures: Box<[Exposure]>,
    open_orders: Box<[u32]>,
    open_values: Box<[Money]>,
}

impl Shares {
    pub(super) fn new(strategies: usize, accounts: usize, instruments: usize) -> Self {
        let rows = strategies + accounts;
        Self {
            strategies,
            instruments,
            exposures: vec![Exposure::default(); rows * instruments].into_boxed_slice(),
            open_orders: vec![0; rows].into_boxed_slice(),
            open_values: vec![Money::ZERO; accounts].into_boxed_slice(),
        }
    }

    /// The same room with nothing in it.
    pub(super) fn empty(&self) -> Self {
        Self::new(self.strategies, self.open_values.len(), self.instruments)
    }

    #[inline]
    pub(super) fn exposure(&self, strategy: StrategyId, instrument: InstrumentId) -> Exposure {
        self.exposure_at(strategy.index(), instrument)
    }

    #[inline]
    pub(super) fn open_orders(&self, strategy: StrategyId) -> u32 {
        self.open_orders_at(strategy.index())
    }

    #[inline]
    pub(super) fn account_exposure(
        &self,
        account: AccountId,
        instrument: InstrumentId,
    ) -> Exposure {
        self.exposure_at(self.account_row(account), instrument)
    }

    #[inline]
    pub(super) fn account_open_orders(&self, account: AccountId) -> u32 {
        self.open_orders_at(self.account_row(account))
    }

    #[inline]
    pub(super) fn account_open_value(&self, account: AccountId) -> Money {
        let value = account.index().and_then(|index| self.open_values.get(index));
        value.copied().unwrap_or_default()
    }

    /// Counts an open order in (`sign` 1) or out (−1), for its strategy and for its account.
    #[inline]
    pub(super) fn add(&mut self, order: &Order, sign: i64) {
        self.add_at(order.strategy.index(), order, sign);
        if let Some(index) = order.account.index() {
            self.add_at(self.account_row(order.account), order, sign);
            if let Some(value) = self.open_values.get_mut(index) {
                *value += Money(order.open_value().0 * i128::from(sign));
            }
        }
    }

    #[inline]
    fn add_at(&mut self, row: Option<usize>, order: &Order, sign: i64) {
        let Some(place) = self.place(row, order.instrument) else { return };
        if let Some(exposure) = self.exposures.get_mut(place) {
            add_exposure(exposure, order, sign);
        }
        if let Some(count) = row.and_then(|row| self.open_orders.get_mut(row)) {
            *count = count.wrapping_add_signed(sign as i32);
        }
    }

    #[inline]
    fn exposure_at(&self, row: Option<usize>, instrument: InstrumentId) -> Exposure {
        let place = self.place(row, instrument);
        place.and_then(|place| self.exposures.get(place)).copied().unwrap_or_default()
    }

    #[inline]
    fn open_orders_at(&self, row: Option<usize>) -> u32 {
        row.and_then(|row| self.open_orders.get(row)).copied().unwrap_or_default()
    }

    #[inline]
    fn account_row(&self, account: AccountId) -> Option<usize> {
        account.index().map(|index| self.strategies + index)
    }

    #[inline]
    fn place(&self, row: Option<usize>, instrument: InstrumentId) -> Option<usize> {
        let is_known = instrument.index() < self.instruments;
        is_known.then_some(row?)?.checked_mul(self.instruments).map(|at| at + instrument.index())
    }
}
