//! The monitor's strategy: it watches, counts what happens to each instrument, and keeps when its book
//! last changed.

use std::cmp::Reverse;

use tezi_core::strategy::{BookUpdate, Context, Strategy, Trade};
use tezi_model::{InstrumentId, Nanos};

/// What happened to one instrument.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    updates: u64,
    changed: Nanos,
}

/// By instrument number.
pub(super) struct Activity(Box<[Seen]>);

impl Activity {
    pub(super) fn new(instruments_max: u32) -> Self {
        Self(vec![Seen::default(); instruments_max as usize].into_boxed_slice())
    }

    /// Book changes and trades of an instrument.
    pub(super) fn updates(&self, instrument: InstrumentId) -> u64 {
        self.0.get(instrument.index()).map_or(0, |seen| seen.updates)
    }

    /// The exchange's time of the last change of an instrument's book; [`Nanos::ZERO`] without one.
    pub(super) fn changed(&self, instrument: InstrumentId) -> Nanos {
        self.0.get(instrument.index()).map_or(Nanos::ZERO, |seen| seen.changed)
    }

    /// The `count` instruments with the most updates, the busiest first; those without any left out.
    pub(super) fn busiest(&self, count: usize) -> Vec<InstrumentId> {
        let active = (0..).map(InstrumentId).zip(&*self.0).filter(|&(_, seen)| seen.updates > 0);
        let mut ranked: Vec<_> = active.map(|(id, seen)| (Reverse(seen.updates), id)).collect();
        ranked.sort_unstable();
        ranked.into_iter().take(count).map(|(_, id)| id).collect()
    }

    fn note(&mut self, instrument: InstrumentId) {
        if let Some(seen) = self.0.get_mut(instrument.index()) {
            seen.updates += 1;
        }
    }
}

impl Strategy for Activity {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.note(update.instrument);
        if let Some(seen) = self.0.get_mut(update.instrument.index()) {
            seen.changed = ctx.exchange_time();
        }
    }

    fn on_trade(&mut self, _ctx: &mut Context<'_>, trade: &Trade) {
        self.note(trade.instrument);
    }
}
