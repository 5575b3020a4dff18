//! Done trades, kept so that the exchange can take one back.

use tezi_model::Nanos;

use super::matcher::Matcher;
use super::refusal::Refusal;
use super::report::{Report, Sink, Trade, TradeKind};

/// The latest trades, in a ring.
#[derive(Clone)]
pub(super) struct TradeLog {
    /// Length is a power of two. A trade that was taken back has number 0.
    trades: Box<[Trade]>,
    count: u64,
}

impl TradeLog {
    pub(super) fn new(trades_max: u32) -> Self {
        let length = trades_max.clamp(1, 1 << 30).next_power_of_two() as usize;
        Self { trades: vec![Trade::EMPTY; length].into_boxed_slice(), count: 0 }
    }

    /// The number of the next trade.
    #[inline]
    pub(super) const fn next_id(&self) -> u64 {
        self.count + 1
    }

    #[inline]
    pub(super) fn push(&mut self, trade: &Trade) {
        self.count += 1;
        let place = self.place(self.count);
        self.trades[place] = *trade;
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The trades that can still be taken back, those before them as numbers 0; oldest first.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Trade> {
        let length = self.trades.len() as u64;
        let first = self.count.saturating_sub(length) + 1;
        (first..=self.count).map(|trade_id| &self.trades[self.place(trade_id)])
    }

    #[inline]
    const fn place(&self, trade_id: u64) -> usize {
        trade_id as usize & (self.trades.len() - 1)
    }

    /// A trade that is kept.
    fn find(&self, trade_id: u64) -> Option<&Trade> {
        let kept = &self.trades[self.place(trade_id)];
        (trade_id > 0 && kept.trade_id == trade_id).then_some(kept)
    }

    /// The first and the count of the trades that go together with one: a spread's and its legs', or
    /// it alone. `None` when one of them is not there any more.
    fn family(&self, trade_id: u64) -> Option<(u64, u64)> {
        let (first, count) = match self.find(trade_id)?.kind {
            TradeKind::Regular | TradeKind::Block => (trade_id, 1),
            TradeKind::Spread => (trade_id, 3),
            TradeKind::NearLeg => (trade_id - 1, 3),
            TradeKind::FarLeg => (trade_id - 2, 3),
        };
        let is_whole = (first..first + count).all(|trade_id| self.find(trade_id).is_some());
        is_whole.then_some((first, count))
    }

    /// Takes a trade out, `None` when it is not there any more.
    fn take(&mut self, trade_id: u64) -> Option<Trade> {
        let place = self.place(trade_id);
        let kept = &mut self.trades[place];
        let trade = (trade_id > 0 && kept.trade_id == trade_id).then_some(*kept);
        if trade.is_some() {
            kept.trade_id = 0;
        }
        trade
    }
}

impl Matcher {
    /// The exchange takes a trade back (reversal trade cancellation, annulment: rules 1.11, 2.10).
    /// Neither order comes to life again and the last trade price stays: positions change, the book
    /// does not. A spread's trade and its two legs' go together, whichever is named.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownTrade`] when the trade never was, is older than those that are kept, or was
    /// taken back already.
    pub fn cancel_trade<S: Sink>(
        &mut self,
        now: Nanos,
        trade_id: u64,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let (first, count) = self.trades.family(trade_id).ok_or(Refusal::UnknownTrade)?;
        for trade_id in first..first + count {
            let trade = self.trades.take(trade_id).ok_or(Refusal::UnknownTrade)?;
            sink.on_report(&Report::TradeCanceled(Trade { time: now, ..trade }));
        }
        Ok(())
    }
}
