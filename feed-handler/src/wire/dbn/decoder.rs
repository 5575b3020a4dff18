//! Records in, events out: what the model's event cannot say of an instrument's feed is said by
//! giving each instrument a stream of its own.

use bytemuck::Zeroable;
use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment, StreamId, Token,
};

use super::RecordError;
use super::record::{MboMessage, PRICE_UNDEFINED, TIME_UNDEFINED, flags};

/// Instruments that have a stream number of their own.
pub const INSTRUMENTS_MAX: usize = StreamId::NUMBER_MAX as usize + 1;

/// Wire price units in one unit of the model.
const PRICE_DIVISOR: i64 = 10;

/// What a decoder met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecoderCounters {
    /// Records, refused ones too.
    pub records: u64,
    /// Records without an event: `F`, which a `T` before and a `C` or `M` after it say again, and
    /// `N`.
    pub silent: u64,
    /// Snapshots begun.
    pub snapshots: u64,
    /// Records refused, indexed by the code of the [`RecordError`].
    pub refused: [u64; RecordError::COUNT],
}

/// How far the book of an instrument can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Trust {
    /// A snapshot is being read.
    is_in_snapshot: bool,
    /// Messages were lost.
    is_suspect: bool,
}

/// Decodes the market-by-order records of one file or stream.
///
/// Each instrument is a stream of its own, numbered from 0 as they come, so that the events about a
/// feed concern one book. All memory is allocated at start.
#[derive(Clone, Debug)]
pub struct Decoder {
    segment: Segment,
    /// The instruments seen, by stream number.
    instruments: Vec<(u32, Trust)>,
    /// The instruments and their stream numbers, in order of instrument.
    index: Vec<(u32, u16)>,
    /// The stream number of the last record: most follow one of the same instrument.
    last: usize,
    counters: DecoderCounters,
}

impl Decoder {
    /// A decoder for a segment's records.
    #[must_use]
    pub fn new(segment: Segment) -> Self {
        Self {
            segment,
            instruments: Vec::with_capacity(INSTRUMENTS_MAX),
            index: Vec::with_capacity(INSTRUMENTS_MAX),
            last: 0,
            counters: DecoderCounters::default(),
        }
    }

    /// Takes one record and gives out its events: none to four.
    ///
    /// # Errors
    ///
    /// A [`RecordError`], which is counted; nothing is given out.
    #[inline]
    pub fn on_record(
        &mut self,
        message: &MboMessage,
        mut sink: impl FnMut(&Event),
    ) -> Result<(), RecordError> {
        self.counters.records += 1;
        match self.decode(message) {
            Ok((event, body)) => {
                self.give_out(message, &event, body.as_ref(), &mut sink);
                Ok(())
            }
            Err(error) => {
                self.counters.refused[error as usize] += 1;
                Err(error)
            }
        }
    }

    /// Ends the snapshots that are still being read: no more records will come.
    pub fn finish(&mut self, mut sink: impl FnMut(&Event)) {
        for (number, (instrument, trust)) in self.instruments.iter_mut().enumerate() {
            if core::mem::take(&mut trust.is_in_snapshot) && !trust.is_suspect {
                sink(&Event {
                    kind_code: EventKind::StreamWhole as u8,
                    stream: StreamId::new(self.segment, number as u16),
                    token: Token(*instrument),
                    ..Event::zeroed()
                });
            }
        }
    }

    /// The instruments seen, as tokens, by stream number.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        self.instruments.iter().map(|&(instrument, _)| Token(instrument))
    }

    /// What it met so far.
    #[must_use]
    pub const fn counters(&self) -> &DecoderCounters {
        &self.counters
    }

    /// A record's own event, and one with what every record says. A refused record leaves no trace
    /// in the list of instruments: the number comes last.
    #[inline]
    fn decode(&mut self, message: &MboMessage) -> Result<(Event, Option<Event>), RecordError> {
        let event = header_event(message)?;
        let body = body_event(message, event)?;
        let number = self.stream_number(message.header.instrument_id.get())?;
        let stream = StreamId::new(self.segment, number);
        Ok((Event { stream, ..event }, body.map(|body| Event { stream, ..body })))
    }

    /// The number of an instrument's stream.
    #[inline]
    fn stream_number(&mut self, instrument: u32) -> Result<u16, RecordError> {
        if self.instruments.get(self.last).is_none_or(|known| known.0 != instrument) {
            let found = self.index.binary_search_by_key(&instrument, |&(id, _)| id);
            self.last = match found {
                Ok(place) => self.index[place].1.into(),
                Err(_) if self.instruments.len() == INSTRUMENTS_MAX => {
                    return Err(RecordError::InstrumentsFull);
                }
                Err(place) => {
                    let number = self.instruments.len();
                    self.index.insert(place, (instrument, number as u16));
                    self.instruments.push((instrument, Trust::default()));
                    number
                }
            };
        }
        Ok(self.last as u16)
    }

    /// Gives out a record's own event between those that say what its flags change.
    #[inline]
    fn give_out(
        &mut self,
        message: &MboMessage,
        event: &Event,
        body: Option<&Event>,
        sink: &mut impl FnMut(&Event),
    ) {
        let feed = |kind: EventKind| Event {
            kind_code: kind as u8,
            flags: event.flags | MarketFlags::MORE_IN_PACKET,
            ..*event
        };
        let trust = &mut self.instruments[self.last].1;
        let was_good = *trust == Trust::default();
        let (is_clear, is_snapshot) =
            (message.action == b'R', message.flags & flags::SNAPSHOT != 0);
        if is_clear || is_snapshot && !trust.is_in_snapshot {
            self.counters.snapshots += 1;
            sink(&feed(EventKind::SnapshotStart));
        }
        let was_suspect = trust.is_suspect;
        *trust = Trust {
            is_in_snapshot: is_clear || is_snapshot,
            is_suspect: message.flags & flags::MAYBE_BAD_BOOK != 0,
        };
        if trust.is_suspect && !was_suspect {
            sink(&feed(EventKind::StreamStale));
        }
        if !was_good && *trust == Trust::default() {
            sink(&feed(EventKind::StreamWhole));
        }
        match body {
            Some(body) => sink(body),
            None => self.counters.silent += u64::from(!is_clear),
        }
        let trust = &mut self.instruments[self.last].1;
        if trust.is_in_snapshot && message.flags & flags::LAST != 0 {
            trust.is_in_snapshot = false;
            if !trust.is_suspect {
                sink(&Event { flags: event.flags, ..feed(EventKind::StreamWhole) });
            }
        }
    }
}

/// An event with what every record says; its kind and stream are still to be set.
#[inline]
fn header_event(message: &MboMessage) -> Result<Event, RecordError> {
    if !matches!(message.action, b'A' | b'C' | b'M' | b'R' | b'T' | b'F' | b'N') {
        return Err(RecordError::UnknownAction);
    }
    if message.flags & (flags::TOP_OF_BOOK | flags::PRICE_LEVEL) != 0 {
        return Err(RecordError::NotAnOrder);
    }
    let is_last = message.flags & flags::LAST != 0;
    Ok(Event {
        flags: if is_last { 0 } else { MarketFlags::MORE_IN_PACKET },
        token: Token(message.header.instrument_id.get()),
        exchange_time: time(message.header.ts_event.get())?,
        receive_time: time(message.ts_recv.get())?,
        sequence: message.sequence.get(),
        ..Event::zeroed()
    })
}

/// The event of a record's action, `None` when it has none.
#[inline]
fn body_event(message: &MboMessage, event: Event) -> Result<Option<Event>, RecordError> {
    let kind = match message.action {
        b'A' => EventKind::OrderNew,
        b'M' => EventKind::OrderModify,
        b'C' => EventKind::OrderReduce,
        b'T' => EventKind::Trade,
        _ => return Ok(None),
    };
    let mut event = Event { kind_code: kind as u8, ..event };
    if kind != EventKind::Trade {
        event.order_id = OrderId(message.order_id.get());
        if event.order_id.is_none() {
            return Err(RecordError::OrderIdZero);
        }
    }
    if matches!(kind, EventKind::OrderNew | EventKind::OrderModify) {
        match message.side {
            b'B' => {}
            b'A' => event.flags |= MarketFlags::SELL,
            _ => return Err(RecordError::UnknownSide),
        }
        if message.flags & flags::SNAPSHOT != 0 {
            event.flags |= MarketFlags::SNAPSHOT;
        }
    }
    if kind != EventKind::OrderReduce {
        event.price = price(message.price.get())?;
    }
    event.quantity = Qty(message.size.get());
    if event.quantity.is_zero() { Err(RecordError::QuantityZero) } else { Ok(Some(event)) }
}

#[inline]
const fn price(wire: i64) -> Result<Px, RecordError> {
    if wire == PRICE_UNDEFINED {
        return Err(RecordError::PriceUndefined);
    }
    if wire % PRICE_DIVISOR != 0 {
        return Err(RecordError::PriceTooFine);
    }
    Ok(Px(wire / PRICE_DIVISOR))
}

/// A time, zero when it is not given.
#[inline]
const fn time(wire: u64) -> Result<Nanos, RecordError> {
    if wire == TIME_UNDEFINED {
        return Ok(Nanos::ZERO);
    }
    if wire > i64::MAX as u64 {
        return Err(RecordError::TimeOutOfRange);
    }
    Ok(Nanos(wire.cast_signed()))
}
