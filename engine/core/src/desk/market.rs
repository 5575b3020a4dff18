//! Market events: what they do to books, tape, streams and marks.

use tezi_model::{
    Event, EventKind, FeedFault, InstrumentId, MarketFlags, OrderId, Px, Qty, Segment, Side,
    StreamId, Token, TradingStatus,
};

use super::Desk;
use crate::book::{Action, Applied, BookError, Upcoming};
use crate::instruments::gives_up_legs;

/// What a market event changed, for the strategy to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarketChange {
    /// Nothing a strategy can see.
    None,
    /// A book changed.
    Book { instrument: InstrumentId, touch_changed: bool },
    /// A trade, which may have changed the book too.
    Trade { instrument: InstrumentId, price: Px },
    /// The exchange took a trade back.
    TradeCancel { instrument: InstrumentId },
    /// The status of an instrument, or of a whole segment, is another.
    Status { segment: Segment, instrument: Option<InstrumentId>, status: TradingStatus },
    /// An index has a value.
    Index { instrument: InstrumentId },
    /// The feed of a stream broke, or began again.
    Feed { stream: StreamId, fault: FeedFault },
}

impl Desk {
    /// Applies one market event.
    #[inline]
    pub(crate) fn on_market(&mut self, event: &Event) -> MarketChange {
        let (Some(kind), Some(segment)) = (event.kind(), event.stream.segment()) else {
            if event.kind() != Some(EventKind::Clock) {
                self.counters.malformed += 1;
            }
            return MarketChange::None;
        };
        self.counters.events += 1;
        match kind {
            EventKind::OrderNew | EventKind::OrderModify | EventKind::OrderCancel => {
                self.on_order_event(kind, segment, event)
            }
            EventKind::Trade | EventKind::OrderExecute => self.on_trade_event(kind, segment, event),
            EventKind::OrderReduce | EventKind::OrderReplace => {
                self.on_order_event(kind, segment, event)
            }
            EventKind::SpreadOrderNew
            | EventKind::SpreadOrderModify
            | EventKind::SpreadOrderCancel => self.on_spread_order(kind, segment, event),
            EventKind::SpreadTrade => self.on_spread_trade(segment, event),
            EventKind::TradeCancel => self.on_trade_cancel(segment, event),
            EventKind::BookClear => self.on_book_clear(segment, event),
            EventKind::TradingStatus => self.on_status(segment, event),
            EventKind::IndexValue => self.on_index(segment, event),
            EventKind::StreamGap
            | EventKind::StreamReset
            | EventKind::StreamStale
            | EventKind::StreamWhole
            | EventKind::SnapshotStart => self.on_feed_fault(event),
            EventKind::Clock => MarketChange::None,
        }
    }

    /// What an event will look up in the books.
    #[inline]
    pub(crate) fn upcoming(&self, event: &Event) -> Upcoming {
        let segment = event.stream.segment();
        let instrument = segment.and_then(|segment| self.instruments.find(segment, event.token));
        Upcoming {
            segment_code: segment.map_or(0, |segment| segment as u8),
            order_id: event.order_id,
            order_id_new: event.sell_order_id,
            // One that has no book is no ladder's: nothing is read for it.
            instrument: instrument.unwrap_or(InstrumentId(u32::MAX)),
            side: event.side(),
            price: event.price,
        }
    }

    fn on_order_event(&mut self, kind: EventKind, segment: Segment, event: &Event) -> MarketChange {
        let Some(instrument) = self.place(segment, event) else { return MarketChange::None };
        let code = segment as u8;
        let books = &mut self.books;
        let (id, side, price, quantity) =
            (event.order_id, event.side(), event.price, event.quantity);
        let result = match kind {
            EventKind::OrderNew => books.on_new(instrument, code, id, side, price, quantity),
            EventKind::OrderModify => books.on_modify(instrument, code, id, side, price, quantity),
            EventKind::OrderReduce => Ok(books.on_reduce(code, id, quantity)),
            EventKind::OrderReplace => {
                books.on_replace(code, id, event.sell_order_id, price, quantity)
            }
            _ => Ok(books.on_cancel(code, id)),
        };
        let Some(applied) = self.note(event.stream, result) else { return MarketChange::None };
        if let Some(venue) = &mut self.venue
            && applied.action != Action::Ignored
        {
            let arrived = match kind {
                EventKind::OrderNew | EventKind::OrderModify => Some(id),
                EventKind::OrderReplace => Some(event.sell_order_id),
                _ => None,
            };
            if let Some(id) = arrived {
                if event.flags & MarketFlags::SNAPSHOT != 0 {
                    venue.give_way(instrument, code, id, &mut self.books);
                }
                venue.on_order(instrument, code, id, event.receive_time, &self.books);
            }
        }
        self.book_changed(instrument, &applied)
    }

    /// Counts and values an event applied to a book, and says where it changed what.
    #[inline]
    pub(super) fn book_changed(
        &mut self,
        instrument: InstrumentId,
        applied: &Applied,
    ) -> MarketChange {
        if applied.action == Action::Ignored {
            self.counters.orders_unknown += 1;
            return MarketChange::None;
        }
        self.counters.orders_applied += 1;
        self.mark_changed(applied);
        // A cancel may bear another token than its order: the book says where the order was.
        let changed = applied.changes[1].or(applied.changes[0]);
        let instrument = changed.map_or(instrument, |change| change.instrument);
        MarketChange::Book { instrument, touch_changed: applied.is_touch_changed() }
    }

    fn on_trade_event(&mut self, kind: EventKind, segment: Segment, event: &Event) -> MarketChange {
        let Some(instrument) = self.place(segment, event) else { return MarketChange::None };
        let code = segment as u8;
        self.counters.trades += 1;
        if let Some(venue) = &mut self.venue {
            venue.on_trade(instrument, code, event, &self.books);
        }
        // An execution may leave the price to the order it names; an unknown order has none to give.
        let price = if event.price == Px::ZERO && kind == EventKind::OrderExecute {
            self.books.order(code, event.order_id).map(|order| order.price)
        } else {
            Some(event.price)
        };
        let applied = if kind == EventKind::OrderExecute {
            self.books.on_reduce(code, event.order_id, event.quantity)
        } else {
            self.books.on_trade(code, event.order_id, event.sell_order_id, event.quantity)
        };
        self.note_trade(&applied, event.order_id, event.sell_order_id);
        self.on_tape(instrument, price, event.quantity, &applied);
        MarketChange::Trade { instrument, price: price.unwrap_or(event.price) }
    }

    /// Counts a trade that names orders of which none rests.
    #[inline]
    pub(super) fn note_trade(&mut self, applied: &Applied, buy: OrderId, sell: OrderId) {
        let is_named = !buy.is_none() || !sell.is_none();
        if is_named && applied.action == Action::Ignored {
            self.counters.orders_unknown += 1;
        }
    }

    /// Puts a trade on the tape, and values anew what it changed.
    #[inline]
    pub(super) fn on_tape(
        &mut self,
        instrument: InstrumentId,
        price: Option<Px>,
        quantity: Qty,
        applied: &Applied,
    ) {
        let tape = &mut self.tape[instrument.index()];
        tape.last_trade = price.or(tape.last_trade);
        tape.volume += u64::from(quantity.0);
        self.mark_changed(applied);
        self.mark(instrument);
    }

    /// Takes the quantity off the tape. The last trade stays: the one before it is not known.
    fn on_trade_cancel(&mut self, segment: Segment, event: &Event) -> MarketChange {
        self.counters.trade_cancels += 1;
        let Some(instrument) = self.place(segment, event) else { return MarketChange::None };
        let tape = &mut self.tape[instrument.index()];
        tape.volume = tape.volume.saturating_sub(u64::from(event.quantity.0));
        MarketChange::TradeCancel { instrument }
    }

    fn on_status(&mut self, segment: Segment, event: &Event) -> MarketChange {
        let Some(status) = TradingStatus::from_code(event.quantity.0) else {
            self.counters.malformed += 1;
            return MarketChange::None;
        };
        self.counters.status_events += 1;
        self.exchange_time = self.exchange_time.max(event.exchange_time);
        let (instrument, is_another) = if event.token == Token(0) {
            (None, self.statuses.set_segment(segment, status, &self.instruments))
        } else {
            let known = self.instruments.len();
            let instrument = self.instruments.find_or_insert(segment, event.token);
            let Some(instrument) = instrument.filter(|&id| self.open(id, known)) else {
                // No book is behind for it: what has no number here cannot be ordered either.
                self.counters.book_refusals += 1;
                return MarketChange::None;
            };
            (Some(instrument), self.statuses.set(instrument, status))
        };
        if !is_another {
            return MarketChange::None;
        }
        MarketChange::Status { segment, instrument, status }
    }

    fn on_index(&mut self, segment: Segment, event: &Event) -> MarketChange {
        self.counters.status_events += 1;
        self.exchange_time = self.exchange_time.max(event.exchange_time);
        let known = self.instruments.len();
        let instrument = self.instruments.find_or_insert_index(segment, event.token);
        let Some(instrument) = instrument.filter(|&id| self.open(id, known)) else {
            self.counters.book_refusals += 1;
            return MarketChange::None;
        };
        self.instruments.set_stream(instrument, event.stream);
        self.tape[instrument.index()].last_trade = Some(event.price);
        MarketChange::Index { instrument }
    }

    fn on_book_clear(&mut self, segment: Segment, event: &Event) -> MarketChange {
        let Some(instrument) = self.place(segment, event) else { return MarketChange::None };
        self.books.clear(instrument);
        self.mark(instrument);
        MarketChange::Book { instrument, touch_changed: true }
    }

    fn on_feed_fault(&mut self, event: &Event) -> MarketChange {
        let Some(fault) = event.fault() else { return MarketChange::None };
        let stream = event.stream;
        if gives_up_legs(fault) {
            self.instruments.forget_legs(stream);
            self.counters.spread_legs_given_up = self.instruments.legs_given_up();
        }
        match fault {
            FeedFault::Gap { .. } => {
                self.counters.gaps += 1;
                self.set_stale(stream, true);
            }
            FeedFault::Stale { .. } => self.set_stale(stream, true),
            FeedFault::Whole => self.set_stale(stream, false),
            FeedFault::Snapshot => {
                self.clear_stream(stream);
                self.set_stale(stream, true);
            }
            FeedFault::Reset => {
                self.counters.resets += 1;
                self.clear_stream(stream);
                self.set_stale(stream, false);
            }
        }
        MarketChange::Feed { stream, fault }
    }

    /// Empties the books of a stream's instruments. Own orders are not the feed's to cancel: they keep
    /// their place before whatever comes new, and give way to what an image says was there.
    fn clear_stream(&mut self, stream: StreamId) {
        for (instrument, state) in self.instruments.iter() {
            if state.stream == Some(stream) {
                self.books.clear(instrument);
            }
        }
    }

    /// The instrument of an event, with a book of its own; `None` when there is no room for one.
    #[inline]
    pub(super) fn place(&mut self, segment: Segment, event: &Event) -> Option<InstrumentId> {
        let known = self.instruments.len();
        let Some(instrument) = self.instruments.find_or_insert(segment, event.token) else {
            self.refuse_book(event.stream);
            return None;
        };
        self.exchange_time = self.exchange_time.max(event.exchange_time);
        self.seat(instrument, known, event.stream).then_some(instrument)
    }

    /// Gives an instrument its book when it is one more than the `known` ones, and notes its stream;
    /// `false` when there is no room, which makes the stream stale.
    #[inline]
    pub(super) fn seat(
        &mut self,
        instrument: InstrumentId,
        known: usize,
        stream: StreamId,
    ) -> bool {
        if !self.open(instrument, known) {
            self.refuse_book(stream);
            return false;
        }
        self.instruments.set_stream(instrument, stream);
        true
    }

    /// Gives an instrument its book when it is one more than the `known` ones.
    #[inline]
    fn open(&mut self, instrument: InstrumentId, known: usize) -> bool {
        self.instruments.len() == known || self.add_book(instrument)
    }

    /// Gives the newest instrument its book; `false` when there is no room.
    pub(crate) fn add_book(&mut self, instrument: InstrumentId) -> bool {
        let added = self.books.add_instrument();
        debug_assert!(added.is_err() || added == Ok(instrument), "books follow instruments");
        added.is_ok()
    }

    pub(super) fn note(
        &mut self,
        stream: StreamId,
        result: Result<Applied, BookError>,
    ) -> Option<Applied> {
        if result.is_err() {
            self.refuse_book(stream);
        }
        result.ok()
    }

    /// An event that found no room: the books of its stream can no longer be trusted.
    #[cold]
    pub(super) fn refuse_book(&mut self, stream: StreamId) {
        self.counters.book_refusals += 1;
        self.set_stale(stream, true);
    }

    /// Values anew what has another touch.
    #[inline]
    fn mark_changed(&mut self, applied: &Applied) {
        for change in applied.changes.iter().flatten() {
            if change.touch {
                self.mark(change.instrument);
            }
        }
    }

    /// Values the position at the middle of the touch; with a side empty or the book crossed (an
    /// order has arrived, its trades have not), at the last trade.
    #[inline]
    fn mark(&mut self, instrument: InstrumentId) {
        let bid = self.books.touch(instrument, Side::Buy);
        let ask = self.books.touch(instrument, Side::Sell);
        let price = match (bid, ask) {
            (Some(bid), Some(ask)) if bid.price < ask.price => {
                Some(Px(i64::midpoint(bid.price.0, ask.price.0)))
            }
            _ => self.tape[instrument.index()].last_trade,
        };
        if let Some(price) = price {
            self.positions.on_mark(instrument, price);
            self.ledgers.on_mark(instrument, price);
        }
    }
}
