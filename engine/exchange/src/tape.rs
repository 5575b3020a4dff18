//! What the market sees: the matcher's reports as messages of MTBT 6.7, numbered by stream.
//!
//! - An order is shown as it arrives, with its limit, and trades follow; a resting order that trades
//!   gets no message beside the trade.
//! - Market orders and stop-loss orders are not shown. A market order's side of a trade has number
//!   0; a stop-loss order appears when it is triggered, as a modification of an order nobody knows
//!   (chapter 6), or if it is a market order then, not at all.
//! - Of a disclosed order its part shows. The next part is a new order of the same number.
//! - An order of a spread is two messages of one number, the near leg's first: sides opposite, both
//!   with the difference. Its trade is two `K`, each with its leg's price, buyer and seller swapped.
//!   All go out on the spread's stream.
//! - An order of two or three legs never rests and is not shown; as of a market order, its side of a
//!   trade has number 0.
//! - While an auction collects orders nothing is shown, its trades are, and what is left appears as
//!   new orders when continuous trading begins (chapter 11).
//!
//! Chosen, because the document is silent: an arriving disclosed order that trades more than its
//! part shows as much as it trades; a change that costs an order its place without showing it (more
//! that is hidden) is a cancel and a new order; orders that leave at the end of the session are cancelled on the
//! feed as well; before an auction within the day the book is taken off the feed; a stream that begins
//! anew says all orders that rest. Trading status is not in MTBT.

use tezi_core::book::{Books, RestingOrder};
use tezi_core::matching::{OrderForm, OrderState, Report, Trade, TradeKind};
use tezi_core::venue::session::OrderType;
use tezi_feed_handler::wire::nse_mtbt::{
    self as mtbt, encode_heartbeat, encode_order, encode_trade, message_type as kind,
};
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Segment, Side, Token};

use crate::datagrams::{Datagram, Datagrams, Lines};

/// Where an instrument is carried.
#[derive(Clone, Copy)]
pub(crate) struct Track {
    /// The contract, or the near leg of a spread.
    token: i32,
    /// The far leg of a spread; 0 of a contract.
    far: i32,
    stream: u8,
    /// Whether its orders show.
    is_shown: bool,
}

impl Track {
    /// Of a contract.
    pub(crate) const fn outright(token: Token, stream: u8) -> Self {
        Self { token: token.0.cast_signed(), far: 0, stream, is_shown: false }
    }

    /// Of a spread.
    pub(crate) const fn spread([near, far]: [Token; 2], stream: u8) -> Self {
        Self { far: far.0.cast_signed(), ..Self::outright(near, stream) }
    }
}

/// One stream.
#[derive(Clone, Copy)]
struct Stream {
    /// The last number used.
    sequence: u32,
    /// When it last said anything.
    last_sent: Nanos,
    /// The lines on which nothing arrives.
    lost: Lines,
}

/// The order that is at work: it arrived, or was changed, or triggered.
#[derive(Clone, Copy)]
struct Active {
    order_id: OrderId,
    instrument: InstrumentId,
    side: Side,
    price: Px,
    /// What it shows at a time; 0 for all.
    disclosed: u32,
    /// What has not traded.
    open: u32,
    /// What the feed has of it now.
    shown: u32,
    is_published: bool,
}

/// The order a change is about, as it rested before.
#[derive(Clone, Copy)]
struct Changed {
    order_id: OrderId,
    price: Px,
    quantity: u32,
    priority: u64,
    /// Its price stays, so that its message waits until its place is known.
    is_deferred: bool,
}

/// What both messages of a spread's order say.
struct SpreadOrder {
    /// As of an order of a contract.
    message_type: u8,
    order_id: OrderId,
    side: Side,
    price: Px,
    quantity: u32,
    time: Nanos,
}

/// Numbers of one stream, for masters and recovery services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// The stream.
    pub stream: u8,
    /// The number of the last message; 0 before the first.
    pub last_sequence: u32,
    /// The lines on which nothing arrives.
    pub lost: Lines,
}

/// All streams of the segment.
pub(crate) struct Tape {
    segment_code: u8,
    tracks: Box<[Track]>,
    streams: Box<[Stream]>,
    heartbeat_ns: i64,
    /// No stream is due before this.
    heartbeat_due: Nanos,
    datagrams: Datagrams,
    active: Option<Active>,
    changed: Option<Changed>,
    /// The stream of the spread whose trade is told now.
    spread_stream: u8,
    /// The request at work is a change, of a resting order or of one that waits.
    is_change: bool,
    /// New orders that wait for the exchange's decision: nobody has seen them.
    frozen: Vec<OrderId>,
    messages: u64,
}

impl Tape {
    /// A tape of instruments, none of them shown yet.
    pub(crate) fn new(
        segment: Segment,
        tracks: impl Iterator<Item = Track>,
        streams: u8,
        heartbeat_ns: i64,
        bounds: (u32, u32),
    ) -> Self {
        let stream = Stream { sequence: 0, last_sent: Nanos::ZERO, lost: Lines::NONE };
        let (datagrams, frozen) = bounds;
        Self {
            segment_code: segment as u8,
            tracks: tracks.collect(),
            streams: vec![stream; usize::from(streams)].into_boxed_slice(),
            heartbeat_ns,
            heartbeat_due: Nanos::MAX,
            datagrams: Datagrams::new(datagrams),
            active: None,
            changed: None,
            spread_stream: 1,
            is_change: false,
            frozen: Vec::with_capacity(frozen as usize),
            messages: 0,
        }
    }

    /// The day begins: silence is counted from here.
    pub(crate) fn start(&mut self, now: Nanos) {
        self.streams.iter_mut().for_each(|stream| stream.last_sent = now);
        self.heartbeat_due = now.plus(self.heartbeat_ns);
    }

    /// A change of an order begins, which rests so; `None` when it does not rest.
    #[inline]
    pub(crate) fn begin_change(&mut self, resting: Option<&RestingOrder>) {
        self.is_change = true;
        self.changed = resting.map(|order| Changed {
            order_id: order.order_id,
            price: order.price,
            quantity: order.quantity.0,
            priority: order.priority,
            is_deferred: false,
        });
    }

    /// Something happened. `disclosed` is what the order shows at a time, where the report is of one
    /// that arrives.
    #[inline]
    pub(crate) fn on_report(&mut self, report: &Report, disclosed: u32) {
        match report {
            Report::Accepted(state) => self.on_arrival(state, disclosed, kind::ORDER_NEW),
            Report::Triggered(state) => self.on_arrival(state, disclosed, kind::ORDER_MODIFY),
            Report::Traded(trade) => match trade.kind {
                TradeKind::Spread => self.on_spread_trade(trade),
                TradeKind::NearLeg | TradeKind::FarLeg => self.say_leg(kind::SPREAD_TRADE, trade),
                TradeKind::Regular | TradeKind::Block => self.on_trade(trade),
            },
            Report::Canceled(state, _) => self.on_cancel(state),
            Report::Modified(state) => self.on_change(state, disclosed),
            Report::Priced(state) => self.on_price(state),
            Report::Replenished(state) => {
                if self.is_shown(state.instrument) {
                    self.say_state(kind::ORDER_NEW, state, state.shown.0);
                }
            }
            // Of a frozen change the order itself stays as it is, and shows or not as before.
            Report::Frozen(state) => {
                if !self.is_change && self.frozen.len() < self.frozen.capacity() {
                    self.frozen.push(state.order_id);
                }
            }
            Report::TradeCanceled(trade) => match trade.kind {
                TradeKind::Spread => self.note_stream(trade),
                TradeKind::NearLeg | TradeKind::FarLeg => self.say_leg(kind::TRADE_CANCEL, trade),
                TradeKind::Regular | TradeKind::Block => {
                    self.say_trade(kind::TRADE_CANCEL, trade, trade.order_ids);
                }
            },
            Report::Refused { .. } => {}
        }
    }

    /// A request is done: what could not be said before is said, by how the order rests now.
    #[inline]
    pub(crate) fn settle(&mut self, books: &Books, now: Nanos) {
        self.is_change = false;
        if let Some(changed) = self.changed.take()
            && changed.is_deferred
        {
            self.settle_change(&changed, books, now);
        }
        self.finish(now);
    }

    #[inline]
    fn is_shown(&self, instrument: InstrumentId) -> bool {
        self.tracks[instrument.index()].is_shown
    }

    #[inline]
    fn on_arrival(&mut self, state: &OrderState, disclosed: u32, message_type: u8) {
        self.forget_frozen(state.order_id);
        self.finish(state.time);
        if state.trigger != Px::ZERO || !self.is_shown(state.instrument) {
            return;
        }
        let is_published = state.order_type == OrderType::Limit && !is_of_legs(state);
        let shown = part(state.open().0, disclosed);
        if is_published {
            self.say_state(message_type, state, shown);
        }
        self.active = Some(Active {
            order_id: state.order_id,
            instrument: state.instrument,
            side: state.side,
            price: state.price,
            disclosed,
            open: state.open().0,
            shown: if is_published { shown } else { 0 },
            is_published,
        });
    }

    #[inline]
    fn on_trade(&mut self, trade: &Trade) {
        let mut order_ids = trade.order_ids;
        let arrived = trade.aggressor.map(|side| (side, order_ids[side as usize]));
        if let (Some((side, id)), Some(mut active)) = (arrived, self.active)
            && active.order_id == id
        {
            if !active.is_published {
                order_ids[side as usize] = OrderId(0);
            } else if active.shown < trade.quantity.0 {
                self.say_part(&active, trade.quantity.0, trade.time);
                active.shown = 0;
            } else {
                active.shown -= trade.quantity.0;
            }
            active.open = trade.open[side as usize].0;
            self.active = Some(active);
        }
        self.say_trade(kind::TRADE, trade, order_ids);
    }

    /// Two orders of a spread trade: what is said of it are its legs, which come next.
    #[cold]
    fn on_spread_trade(&mut self, trade: &Trade) {
        self.note_stream(trade);
        if let (Some(side), Some(active)) = (trade.aggressor, &mut self.active)
            && active.order_id == trade.order_ids[side as usize]
        {
            active.shown -= trade.quantity.0.min(active.shown);
            active.open = trade.open[side as usize].0;
        }
    }

    fn note_stream(&mut self, trade: &Trade) {
        self.spread_stream = self.tracks[trade.instrument.index()].stream;
    }

    /// A leg of a spread's trade, on the spread's stream, whichever its own is.
    #[cold]
    fn say_leg(&mut self, message_type: u8, trade: &Trade) {
        let track = Track { stream: self.spread_stream, ..self.tracks[trade.instrument.index()] };
        self.say_trade_on(track, message_type, trade, trade.order_ids);
    }

    fn on_cancel(&mut self, state: &OrderState) {
        if self.forget_frozen(state.order_id) || state.trigger != Px::ZERO {
            return;
        }
        if is_of_legs(state) {
            self.active = None;
            return;
        }
        let mut quantity = state.shown.0;
        if let Some(active) = self.active.filter(|active| active.order_id == state.order_id) {
            self.active = None;
            if active.shown == 0 {
                return;
            }
            quantity = active.shown;
        }
        if let Some(changed) = &mut self.changed
            && changed.order_id == state.order_id
        {
            changed.is_deferred = false;
        }
        if self.is_shown(state.instrument) {
            self.say_state(kind::ORDER_CANCEL, state, quantity);
        }
    }

    fn on_change(&mut self, state: &OrderState, disclosed: u32) {
        self.active = None;
        if state.trigger != Px::ZERO || !self.is_shown(state.instrument) {
            return;
        }
        let shown = part(state.shown.0, disclosed);
        let mut active = Active {
            order_id: state.order_id,
            instrument: state.instrument,
            side: state.side,
            price: state.price,
            disclosed,
            open: state.open().0,
            shown,
            is_published: state.order_type == OrderType::Limit,
        };
        let before = self.changed.filter(|changed| changed.order_id == state.order_id);
        if !active.is_published {
            // A market order now: it trades, or rests at a limit that is still to come.
            active.shown = 0;
            if let Some(before) = before {
                let gone = Active { price: before.price, ..active };
                self.say_active(kind::ORDER_CANCEL, &gone, before.quantity, state.time);
            }
        } else if before.is_some_and(|before| before.price == state.price) {
            if let Some(changed) = &mut self.changed {
                changed.is_deferred = true;
            }
            active.shown = before.map_or(0, |before| before.quantity);
            // What settles the change knows how it rests.
            active.disclosed = 0;
        } else {
            self.say_state(kind::ORDER_MODIFY, state, shown);
        }
        self.active = Some(active);
    }

    fn on_price(&mut self, state: &OrderState) {
        if !self.is_shown(state.instrument) {
            return;
        }
        let shown = part(state.open().0, self.active.map_or(0, |active| active.disclosed));
        self.say_state(kind::ORDER_NEW, state, shown);
        if let Some(active) = &mut self.active
            && active.order_id == state.order_id
        {
            (active.price, active.shown, active.is_published) = (state.price, shown, true);
        }
    }

    /// Says a change that left the price: as such where that tells the place, else as a new order.
    #[cold]
    fn settle_change(&mut self, changed: &Changed, books: &Books, now: Nanos) {
        let Some(resting) = books.order(self.segment_code, changed.order_id) else { return };
        let has_place = resting.priority == changed.priority;
        if has_place || resting.quantity.0 > changed.quantity {
            self.say_resting(kind::ORDER_MODIFY, &resting, now);
        } else {
            self.say_resting(kind::ORDER_CANCEL, &resting, now);
            self.say_resting(kind::ORDER_NEW, &resting, now);
        }
    }

    /// The order at work has come to rest: of a disclosed one its part shows from now. One that left
    /// was forgotten before.
    #[inline]
    fn finish(&mut self, now: Nanos) {
        if let Some(active) = self.active.take()
            && active.disclosed != 0
            && active.is_published
        {
            let shown = part(active.open, active.disclosed);
            if shown != active.shown {
                self.say_part(&active, shown, now);
            }
        }
    }

    /// Says that another part of the order at work shows.
    #[cold]
    fn say_part(&mut self, active: &Active, quantity: u32, now: Nanos) {
        let message_type = if active.shown == 0 { kind::ORDER_NEW } else { kind::ORDER_MODIFY };
        self.say_active(message_type, active, quantity, now);
    }

    #[inline]
    fn forget_frozen(&mut self, order_id: OrderId) -> bool {
        let found = self.frozen.iter().position(|&frozen| frozen == order_id);
        found.map(|at| self.frozen.swap_remove(at)).is_some()
    }

    /// Continuous trading begins: the orders that rest appear, unless they are there already.
    pub(crate) fn show(&mut self, instrument: InstrumentId, books: &Books, now: Nanos) {
        if !self.is_shown(instrument) {
            self.tracks[instrument.index()].is_shown = true;
            self.say_book(kind::ORDER_NEW, instrument, books, now);
        }
    }

    /// An auction begins to collect orders: those that rest disappear.
    pub(crate) fn hide(&mut self, instrument: InstrumentId, books: &Books, now: Nanos) {
        if self.is_shown(instrument) {
            self.say_book(kind::ORDER_CANCEL, instrument, books, now);
            self.tracks[instrument.index()].is_shown = false;
        }
    }

    fn say_book(&mut self, message_type: u8, instrument: InstrumentId, books: &Books, now: Nanos) {
        for side in Side::BOTH {
            for order in books.orders(instrument, side) {
                self.say_resting(message_type, &order, now);
            }
        }
    }

    /// A stream begins again at 1.
    pub(crate) fn restart(&mut self, number: u8, books: &Books, now: Nanos) {
        let Some(stream) = self.stream_mut(number) else { return };
        stream.sequence = 0;
        for at in 0..self.tracks.len() {
            let Track { stream, is_shown, .. } = self.tracks[at];
            if stream == number && is_shown {
                self.say_book(kind::ORDER_NEW, InstrumentId(at as u32), books, now);
            }
        }
    }

    /// Adds to the lines on which nothing arrives, or takes from them.
    pub(crate) fn lose(&mut self, number: Option<u8>, lines: Lines, begins: bool) {
        for (at, stream) in self.streams.iter_mut().enumerate() {
            if number.is_none_or(|number| usize::from(number) == at + 1) {
                stream.lost =
                    if begins { stream.lost.with(lines) } else { stream.lost.without(lines) };
            }
        }
    }

    /// When a stream has been silent too long.
    #[inline]
    pub(crate) const fn next_due(&self) -> Nanos {
        self.heartbeat_due
    }

    /// Says that silent streams live.
    pub(crate) fn on_time(&mut self, now: Nanos) {
        if now < self.heartbeat_due {
            return;
        }
        let mut due = Nanos::MAX;
        for at in 0..self.streams.len() {
            let stream = &mut self.streams[at];
            if now.since(stream.last_sent) >= self.heartbeat_ns {
                stream.last_sent = now;
                let number = at as u8 + 1;
                let message = encode_heartbeat(number, stream.sequence);
                self.datagrams.push(number, Lines::BOTH.without(stream.lost), &message);
            }
            due = due.min(self.streams[at].last_sent.plus(self.heartbeat_ns));
        }
        self.heartbeat_due = due;
    }

    #[inline]
    pub(crate) fn poll(&mut self, buffer: &mut [u8]) -> Option<Datagram> {
        self.datagrams.pop(buffer)
    }

    pub(crate) const fn datagrams(&self) -> &Datagrams {
        &self.datagrams
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    /// The numbers of all streams.
    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamState> {
        self.streams.iter().zip(1..).map(|(stream, number)| StreamState {
            stream: number,
            last_sequence: stream.sequence,
            lost: stream.lost,
        })
    }

    fn stream_mut(&mut self, number: u8) -> Option<&mut Stream> {
        self.streams.get_mut(usize::from(number).checked_sub(1)?)
    }

    #[inline]
    fn say_state(&mut self, message_type: u8, state: &OrderState, quantity: u32) {
        let OrderState { order_id, instrument, side, price, time, .. } = *state;
        self.say_order(message_type, instrument, order_id, side, price, quantity, time);
    }

    fn say_active(&mut self, message_type: u8, active: &Active, quantity: u32, now: Nanos) {
        let Active { order_id, instrument, side, price, .. } = *active;
        self.say_order(message_type, instrument, order_id, side, price, quantity, now);
    }

    fn say_resting(&mut self, message_type: u8, order: &RestingOrder, now: Nanos) {
        let RestingOrder { order_id, instrument, side, price, quantity, .. } = *order;
        self.say_order(message_type, instrument, order_id, side, price, quantity.0, now);
    }

    #[inline]
    #[allow(clippy::too_many_arguments, reason = "the fields of one message, from three places")]
    fn say_order(
        &mut self,
        message_type: u8,
        instrument: InstrumentId,
        order_id: OrderId,
        side: Side,
        price: Px,
        quantity: u32,
        time: Nanos,
    ) {
        let track = self.tracks[instrument.index()];
        if track.far != 0 {
            let order = SpreadOrder { message_type, order_id, side, price, quantity, time };
            self.say_spread_order(track, &order);
            return;
        }
        let order = mtbt::Order {
            message_type,
            time,
            order_id,
            token: track.token,
            side,
            price: paise(price),
            quantity: quantity.cast_signed(),
        };
        self.say(track.stream, time, |sequence| encode_order(track.stream, sequence, &order));
    }

    /// Says an order of a spread: the near leg's message, then the far leg's. Who buys the difference
    /// buys the far leg.
    #[cold]
    fn say_spread_order(&mut self, track: Track, order: &SpreadOrder) {
        let message_type = match order.message_type {
            kind::ORDER_NEW => kind::SPREAD_ORDER_NEW,
            kind::ORDER_MODIFY => kind::SPREAD_ORDER_MODIFY,
            _ => kind::SPREAD_ORDER_CANCEL,
        };
        for (token, side) in [(track.token, order.side.opposite()), (track.far, order.side)] {
            let leg = mtbt::Order {
                message_type,
                time: order.time,
                order_id: order.order_id,
                token,
                side,
                price: paise(order.price),
                quantity: order.quantity.cast_signed(),
            };
            self.say(track.stream, order.time, |sequence| {
                encode_order(track.stream, sequence, &leg)
            });
        }
    }

    #[inline]
    fn say_trade(&mut self, message_type: u8, trade: &Trade, order_ids: [OrderId; 2]) {
        self.say_trade_on(self.tracks[trade.instrument.index()], message_type, trade, order_ids);
    }

    #[inline]
    fn say_trade_on(
        &mut self,
        track: Track,
        message_type: u8,
        trade: &Trade,
        order_ids: [OrderId; 2],
    ) {
        let message = mtbt::Trade {
            message_type,
            time: trade.time,
            buy_order_id: order_ids[Side::Buy as usize],
            sell_order_id: order_ids[Side::Sell as usize],
            token: track.token,
            price: paise(trade.price),
            quantity: trade.quantity.0.cast_signed(),
        };
        self.say(track.stream, trade.time, |sequence| {
            encode_trade(track.stream, sequence, &message)
        });
    }

    /// Numbers a message and lets it wait.
    #[inline]
    fn say<const N: usize>(&mut self, number: u8, now: Nanos, encode: impl FnOnce(u32) -> [u8; N]) {
        let stream = &mut self.streams[usize::from(number) - 1];
        stream.sequence = stream.sequence.wrapping_add(1);
        stream.last_sent = now;
        let lines = Lines::BOTH.without(stream.lost);
        self.messages += 1;
        self.datagrams.push(number, lines, &encode(stream.sequence));
    }
}

/// Whether an order is one of two or three legs, all under one number.
#[inline]
const fn is_of_legs(state: &OrderState) -> bool {
    matches!(state.form, OrderForm::TwoLegs | OrderForm::ThreeLegs)
}

/// What shows of `open` at a time.
#[inline]
fn part(open: u32, disclosed: u32) -> u32 {
    if disclosed == 0 { open } else { open.min(disclosed) }
}

/// A price within the day's bands, which end where the wire does.
#[inline]
const fn paise(price: Px) -> i32 {
    (price.0 / Px::PAISA) as i32
}

#[cfg(test)]
mod tests {
    use tezi_core::book::BooksConfig;
    use tezi_core::matching::TradeKind;
    use tezi_core::venue::session::OrderType;
    use tezi_model::{Qty, TimeInForce};

    use super::*;

    /// The synthetic vectors of the protocol reference: an order, its trade, a heartbeat.
    const GOLDEN: [&str; 3] = [
        "26000200010000004ee8cbd28dd34b76140400ec16930d1143b9880000428d41220041000000",
        "2d000200020000005470dfd28dd34b76140400ec16930d11430000ec16930d1143b988000088412200\
         41000000",
        "0d000200000000005a02000000",
    ];

    #[test]
    fn the_tape_gives_the_golden_bytes() {
        let open = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
        let tracks = [Track::outright(Token(35_001), 2)].into_iter();
        let mut tape = Tape::new(Segment::NseFo, tracks, 2, 2_000_000_000, (16, 1));
        tape.start(open);
        let bounds = BooksConfig { instruments_max: 1, orders_max: 2, levels_max: 2 };
        let mut books = Books::new(&bounds);
        let instrument = books.add_instrument().unwrap();
        tape.show(instrument, &books, open);
        let (buy, sell) = (OrderId(1_200_000_000_000_001), OrderId(1_200_000_000_000_000));
        let state = OrderState {
            form: OrderForm::Regular,
            order_id: buy,
            time: open.plus(1_000),
            reference: 0,
            member: 0,
            instrument,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            price: Px::from_paise(2_245_005),
            trigger: Px::ZERO,
            quantity: Qty(65),
            traded: Qty(0),
            shown: Qty(65),
        };
        tape.on_report(&Report::Accepted(state), 0);
        let trade = Trade {
            kind: TradeKind::Regular,
            trade_id: 1,
            time: open.plus(6_000),
            price: Px::from_paise(2_245_000),
            quantity: Qty(65),
            instrument,
            order_ids: [buy, sell],
            references: [0; 2],
            members: [0; 2],
            open: [Qty(0); 2],
            aggressor: Some(Side::Buy),
        };
        tape.on_report(&Report::Traded(trade), 0);
        tape.on_time(open.plus(10_000_000_000));
        let mut buffer = [0; 64];
        let mut found = Vec::new();
        while let Some(datagram) = tape.poll(&mut buffer) {
            if datagram.stream == 2 {
                let hex = buffer[..datagram.size].iter().map(|byte| format!("{byte:02x}"));
                found.push(hex.collect::<String>());
            }
        }
        assert_eq!(found, GOLDEN);
    }
}
