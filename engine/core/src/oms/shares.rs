//! What open orders come to for each of several strategies.

use tezi_model::{InstrumentId, StrategyId};

use super::add_exposure;
use super::order::{Exposure, Order};

/// Exposure by strategy and instrument; empty where there is only one strategy.
///
/// # Invariants
///
/// - `exposures` has a row of `instruments` for each strategy, in order of strategy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    instruments: usize,
    exposures: Box<[Exposure]>,
    open_orders: Box<[u32]>,
}

impl Shares {
    pub(super) fn new(strategies: u8, instruments: usize) -> Self {
        let strategies = usize::from(strategies);
        Self {
            instruments,
            exposures: vec![Exposure::default(); strategies * instruments].into_boxed_slice(),
            open_orders: vec![0; strategies].into_boxed_slice(),
        }
    }

    /// The same room with nothing in it.
    pub(super) fn empty(&self) -> Self {
        Self::new(self.open_orders.len() as u8, self.instruments)
    }

    #[inline]
    pub(super) fn exposure(&self, strategy: StrategyId, instrument: InstrumentId) -> Exposure {
        let place = self.place(strategy, instrument);
        place.and_then(|place| self.exposures.get(place)).copied().unwrap_or_default()
    }

    #[inline]
    pub(super) fn open_orders(&self, strategy: StrategyId) -> u32 {
        let count = strategy.index().and_then(|index| self.open_orders.get(index));
        count.copied().unwrap_or_default()
    }

    /// Counts an open order in (`sign` 1) or out (−1).
    #[inline]
    pub(super) fn add(&mut self, order: &Order, sign: i64) {
        let Some(place) = self.place(order.strategy, order.instrument) else { return };
        if let Some(exposure) = self.exposures.get_mut(place) {
            add_exposure(exposure, order, sign);
        }
        let index = order.strategy.index();
        if let Some(count) = index.and_then(|index| self.open_orders.get_mut(index)) {
            *count = count.wrapping_add_signed(sign as i32);
        }
    }

    #[inline]
    fn place(&self, strategy: StrategyId, instrument: InstrumentId) -> Option<usize> {
        let is_known = instrument.index() < self.instruments;
        is_known.then(|| strategy.index())?.map(|row| row * self.instruments + instrument.index())
    }
}
