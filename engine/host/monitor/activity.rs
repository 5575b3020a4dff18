//! The monitor's strategy: it watches, and counts what happens to each instrument.

use std::cmp::Reverse;

use tezi_core::strategy::{BookUpdate, Context, Strategy, Trade};
use tezi_model::InstrumentId;

/// Updates by instrument number.
pub(super) struct Activity(Box<[u64]>);

impl Activity {
    pub(super) fn new(instruments_max: u32) -> Self {
        Self(vec![0; instruments_max as usize].into_boxed_slice())
    }

    /// Book changes and trades of an instrument.
    pub(super) fn updates(&self, instrument: InstrumentId) -> u64 {
        self.0.get(instrument.index()).copied().unwrap_or_default()
    }

    /// The `count` instruments with the most updates, the busiest first; those without any left out.
    pub(super) fn busiest(&self, count: usize) -> Vec<InstrumentId> {
        let active = (0..).map(InstrumentId).zip(&*self.0).filter(|&(_, &updates)| updates > 0);
        let mut ranked: Vec<_> = active.map(|(id, &updates)| (Reverse(updates), id)).collect();
        ranked.sort_unstable();
        ranked.into_iter().take(count).map(|(_, id)| id).collect()
    }

    fn note(&mut self, instrument: InstrumentId) {
        if let Some(updates) = self.0.get_mut(instrument.index()) {
            *updates += 1;
        }
    }
}

impl Strategy for Activity {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn on_book(&mut self, _ctx: &mut Context<'_>, update: BookUpdate) {
        self.note(update.instrument);
    }

    fn on_trade(&mut self, _ctx: &mut Context<'_>, trade: &Trade) {
        self.note(trade.instrument);
    }
}
