//! Spread orders and trades: books of their own, never mixed with those of the legs.
//!
//! A spread's book is one book: who buys the far leg and sells the near one *buys* the difference,
//! far price less near price, which may be negative. Each order is in it once, though the exchange
//! says it once for each leg; it comes in with its second message. Numbers of spread orders are kept
//! apart from those of outright orders, whatever the exchange says of its numbering.
//!
//! A spread trade takes quantity from the spread's book only. Each leg's part adds to that leg's
//! volume, for contracts did change hands; it is not the leg's last trade, for its price follows
//! from the difference and was not made in the leg's book (MTBT 6.7 does not say; this is ours).

use tezi_model::{Event, EventKind, Segment};

use super::Desk;
use super::market::MarketChange;
use crate::instruments::SpreadPair;

/// The code under which the books know the spread orders of a segment.
pub(super) const fn spread_code(segment: Segment) -> u8 {
    const SPREAD: u8 = 1 << 7;
    segment as u8 | SPREAD
}

impl Desk {
    /// One leg's message of a spread order that came, changed or left.
    pub(super) fn on_spread_order(
        &mut self,
        kind: EventKind,
        segment: Segment,
        event: &Event,
    ) -> MarketChange {
        self.counters.spread_events += 1;
        self.exchange_time = self.exchange_time.max(event.exchange_time);
        let Some(SpreadPair { instrument, far, .. }) = self.pair(segment, event) else {
            return MarketChange::None;
        };
        let (id, side, price, quantity) = (far.order_id, far.side(), far.price, far.quantity);
        let (code, books) = (spread_code(segment), &mut self.books);
        let result = match kind {
            EventKind::SpreadOrderNew => books.on_new(instrument, code, id, side, price, quantity),
            EventKind::SpreadOrderModify => {
                books.on_modify(instrument, code, id, side, price, quantity)
            }
            _ => Ok(books.on_cancel(code, id)),
        };
        let Some(applied) = self.note(event.stream, result) else { return MarketChange::None };
        self.book_changed(instrument, &applied)
    }

    /// One leg of a spread trade.
    pub(super) fn on_spread_trade(&mut self, segment: Segment, event: &Event) -> MarketChange {
        self.counters.spread_events += 1;
        let Some(leg) = self.place(segment, event) else { return MarketChange::None };
        self.tape[leg.index()].volume += u64::from(event.quantity.0);
        let Some(SpreadPair { instrument, near, far }) = self.pair(segment, event) else {
            return MarketChange::None;
        };
        self.counters.trades += 1;
        let (buy, sell) = (far.order_id, far.sell_order_id);
        let applied = self.books.on_trade(spread_code(segment), buy, sell, far.quantity);
        self.note_trade(&applied, buy, sell);
        let price = far.price - near.price;
        self.on_tape(instrument, Some(price), far.quantity, &applied);
        MarketChange::Trade { instrument, price }
    }

    /// Both messages of a spread order or trade, with the second; `None` with the first, and when
    /// there is no room, which is counted.
    fn pair(&mut self, segment: Segment, event: &Event) -> Option<SpreadPair> {
        let known = self.instruments.len();
        let paired = self.instruments.pair(segment, event);
        self.counters.spread_legs_given_up = self.instruments.legs_given_up();
        let Ok(pair) = paired else {
            self.refuse_book(event.stream);
            return None;
        };
        let pair = pair?;
        self.seat(pair.instrument, known, event.stream).then_some(pair)
    }
}
