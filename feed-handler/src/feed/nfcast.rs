//! BSE NFCAST behind the boundary: pictures to levels, sessions to statuses.

use tezi_model::{Event, Nanos, Segment, StreamId, Token, TradingStatus};

use super::counters::occurred;
use super::shown::Teller;
use super::{
    Channel, FeedConfig, FeedCounters, LEVELS_MAX, LevelBooks, LevelContext, LevelOutcome,
    LineCounts, Picture, PriceLevel, Protocol, StreamCounts, UndecodedCode,
};
use crate::Line;
use crate::arbitration::StreamLineCounters;
use crate::arbitration::batch::Batch;
use crate::wire::big_endian::BeI16;
use crate::wire::bse_nfcast::{
    self, DecodeError, Dialect, Levels, MarketPicture, MarketPictures, Message, message_type,
};

const _: () = assert!(bse_nfcast::LEVELS_MAX == LEVELS_MAX);

/// How many message types there are.
const TYPES: usize = (*message_type::RANGE.end() - *message_type::RANGE.start() + 1) as usize;

/// The NFCAST feed of one segment. It has no numbers, so events have sequence 0, and what is lost
/// shows only by the next picture.
#[derive(Clone, Debug)]
pub(super) struct NfcastFeed {
    segment: Segment,
    stream: StreamId,
    dialect: Dialect,
    /// The midnight in India that times count from; `None` takes that of the receive time.
    midnight: Option<Nanos>,
    books: LevelBooks,
    /// The market's status as last told, and when the exchange wrote it.
    status: (TradingStatus, Nanos),
    lines: [LineTally; 2],
    /// Messages without an event, by type.
    undecoded: [u64; TYPES],
}

#[derive(Clone, Copy, Debug, Default)]
struct LineTally {
    packets: u64,
    bytes: u64,
    messages: u64,
    heartbeats: u64,
    /// Datagrams whose wall clock shows no time.
    clock_refused: u64,
    errors: [u64; DecodeError::COUNT],
    outcomes: StreamLineCounters,
}

impl NfcastFeed {
    pub(super) fn new(config: &FeedConfig) -> Self {
        Self {
            segment: config.segment,
            stream: StreamId::new(config.segment, 0),
            dialect: config.nfcast,
            midnight: config.session_date.map(|date| date.midnight_in_india()),
            books: LevelBooks::new(&config.levels),
            status: (TradingStatus::Unknown, Nanos::ZERO),
            lines: [LineTally::default(); 2],
            undecoded: [0; TYPES],
        }
    }

    pub(super) fn on_packet(
        &mut self,
        line: Line,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        let tally = &mut self.lines[line.index()];
        tally.packets += 1;
        tally.bytes += datagram.len() as u64;
        let message = match bse_nfcast::decode(datagram, self.segment, self.dialect) {
            Ok(message) => message,
            Err(error) => {
                tally.errors[error as usize] += 1;
                return;
            }
        };
        tally.messages += 1;
        let context = LevelContext { stream: self.stream, line, receive_time };
        let mut out = Batch::new(sink);
        match message {
            Message::MarketPictures(header, pictures) => {
                let clock = [header.hour, header.minute, header.second, header.millisecond];
                if let Some(time) = self.time(clock, &context) {
                    self.on_pictures(pictures, time, &context, &mut out);
                }
            }
            Message::ProductState(state) => {
                let clock = [state.hour, state.minute, state.second, state.millisecond];
                let is_end = state.start_end_flag == b'E';
                let status = session_status(state.session_number.get()).filter(|_| !is_end);
                if let Some((time, status)) = self.time(clock, &context).zip(status) {
                    self.on_status(time, status, &context, &mut out);
                }
            }
            Message::Other(message_type::KEEP_ALIVE | message_type::TIME, _) => {
                tally.messages -= 1;
                tally.heartbeats += 1;
            }
            Message::ClosePrices(..) => self.skip(message_type::CLOSE_PRICE),
            Message::OpenInterests(..) => self.skip(message_type::OPEN_INTEREST),
            Message::LppRanges(..) => self.skip(message_type::LPP_RANGE),
            Message::Other(other, _) => self.skip(other),
        }
        out.finish();
    }

    pub(super) const fn books(&self) -> &LevelBooks {
        &self.books
    }

    pub(super) fn report(&self) -> FeedCounters {
        let stream = StreamCounts {
            stream: self.stream,
            name: self.stream.to_string(),
            is_whole: true,
            delivered: self.books.counters().shown,
            lines: self.lines.map(|tally| tally.outcomes),
            ..StreamCounts::default()
        };
        let codes = message_type::RANGE.zip(self.undecoded).filter(|&(_, count)| count > 0);
        let segment = self.segment;
        FeedCounters {
            lines: Line::BOTH.iter().map(|&line| self.line_counts(line)).collect(),
            streams: vec![stream],
            undecoded: codes.map(|(code, count)| UndecodedCode { segment, code, count }).collect(),
            levels: Some(*self.books.counters()),
            ..FeedCounters::empty(Protocol::BseNfcast)
        }
    }

    fn line_counts(&self, line: Line) -> LineCounts {
        let tally = &self.lines[line.index()];
        let errors = DecodeError::ALL.iter();
        let refused = errors.map(|error| (error.name(), tally.errors[*error as usize]));
        LineCounts {
            channel: Channel::Line(line),
            packets: tally.packets,
            bytes: tally.bytes,
            messages: tally.messages,
            heartbeats: tally.heartbeats,
            refused: occurred(refused.chain([("clock_out_of_range", tally.clock_refused)])),
        }
    }

    /// The time of a wall clock: hour, minute, second, millisecond. `None`, counted, when it shows
    /// none.
    fn time(&mut self, clock: [BeI16; 4], context: &LevelContext) -> Option<Nanos> {
        let [hour, minute, second, millisecond] = clock.map(|field| i64::from(field.get()));
        let is_time = (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second)
            && (0..1000).contains(&millisecond);
        if !is_time {
            self.lines[context.line.index()].clock_refused += 1;
            return None;
        }
        let midnight = self.midnight.unwrap_or_else(|| {
            let (year, month, day) = context.receive_time.ist_date();
            Nanos::from_ist(year, month, day, 0, 0, 0)
        });
        let milliseconds = ((hour * 60 + minute) * 60 + second) * 1_000 + millisecond;
        Some(midnight.plus(milliseconds * 1_000_000))
    }

    fn on_pictures<F: FnMut(&Event)>(
        &mut self,
        pictures: MarketPictures<'_>,
        time: Nanos,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) {
        for picture in pictures {
            let tally = &mut self.lines[context.line.index()];
            match picture {
                Ok(picture) => {
                    let outcomes = &mut tally.outcomes;
                    match self.books.take_picture(&shown(&picture, time), context, out) {
                        LevelOutcome::Shown => outcomes.first += 1,
                        LevelOutcome::Unchanged => outcomes.redundant += 1,
                        LevelOutcome::Older => outcomes.late += 1,
                        LevelOutcome::Refused => outcomes.implausible += 1,
                        LevelOutcome::Unused => {}
                    }
                }
                Err(error) => tally.errors[error as usize] += 1,
            }
        }
    }

    /// The segment's session changed; the other line's copy tells nothing.
    fn on_status<F: FnMut(&Event)>(
        &mut self,
        time: Nanos,
        status: TradingStatus,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) {
        if self.books.admits(time) && self.status.1 <= time && self.status.0 != status {
            self.status = (status, time);
            out.push(&Teller { context, token: Token(0), time }.status(status));
        }
    }

    fn skip(&mut self, message_type: i32) {
        let index = usize::try_from(message_type - message_type::RANGE.start());
        if let Some(count) = index.ok().and_then(|index| self.undecoded.get_mut(index)) {
            *count += 1;
        }
    }
}

/// A picture as the levels take it, written at `time`.
fn shown(picture: &MarketPicture, time: Nanos) -> Picture {
    let side = |levels: &Levels| {
        let mut side = [PriceLevel::default(); LEVELS_MAX];
        for (to, from) in side.iter_mut().zip(levels.as_slice()) {
            *to = PriceLevel { price: from.price, quantity: from.quantity };
        }
        side
    };
    Picture {
        token: picture.token,
        time,
        volume: picture.volume,
        last_price: picture.last_price,
        status: session_status(picture.session_number),
        levels: [side(&picture.bids), side(&picture.offers)],
    }
}

/// What a session number means for trading (NFCAST 5.0); `None` for 0, which is the logon and the
/// end of a session both, and for numbers that are not documented. In the post-closing session
/// orders trade at one price.
const fn session_status(session_number: i16) -> Option<TradingStatus> {
    Some(match session_number {
        1 | 2 | 10 | 11 | 13 => TradingStatus::PreOpen,
        3 => TradingStatus::Open,
        5 => TradingStatus::Auction,
        4 | 6 | 7 => TradingStatus::Closed,
        _ => return None,
    })
}
