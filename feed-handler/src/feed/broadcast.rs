//! NSE broadcast behind the boundary: pictures to levels, statuses and indices to events.

use tezi_model::{Event, Nanos, Px, Segment, StreamId, Token, TradingStatus};

use super::counters::occurred;
use super::indices::Indices;
use super::shown::Teller;
use super::{
    Channel, FeedConfig, FeedCounters, IndexName, LEVELS_MAX, LevelBooks, LevelContext,
    LevelOutcome, LineCounts, Picture, PriceLevel, Protocol, StreamCounts, UndecodedCode,
};
use crate::Line;
use crate::arbitration::StreamLineCounters;
use crate::arbitration::batch::Batch;
use crate::wire::nse_broadcast::{
    DEPTH, DecodeError, Level, MarketAction, MarketStatus, Reader, SecurityStatus, Update, packets,
};

/// Book types whose levels are the instrument's book: regular lots, and the two call auctions in
/// which the pre-open of CM is shown (CM 6.3).
const MAIN_BOOKS: [i16; 3] = [1, 11, 12];
/// The market type of regular trading.
const MARKET_NORMAL: i16 = 1;

const _: () = assert!(DEPTH == LEVELS_MAX);

/// The broadcast feed of one segment. It has no numbers, so events have sequence 0, and what is
/// lost shows only by the next picture.
#[derive(Clone, Debug)]
pub(super) struct BroadcastFeed {
    segment: Segment,
    /// A reader a line, for the counters.
    readers: [Reader; 2],
    lines: [LineTally; 2],
    market: Market,
}

/// What the readers do not count of a line.
#[derive(Clone, Copy, Debug, Default)]
struct LineTally {
    bytes: u64,
    heartbeats: u64,
    /// Datagrams of another segment.
    foreign: u64,
    outcomes: StreamLineCounters,
}

/// What both lines show.
#[derive(Clone, Debug)]
struct Market {
    stream: StreamId,
    books: LevelBooks,
    indices: Indices,
    /// The market's status as last told, and when the exchange wrote it.
    status: (TradingStatus, Nanos),
    others: Others,
}

/// What is counted beside the levels.
#[derive(Clone, Copy, Debug, Default)]
struct Others {
    /// Levels of books that are not the instrument's: odd lots, auctions of single trades.
    other_books: u64,
    /// Market statuses of another market than the normal one.
    other_markets: u64,
    /// Statuses of a symbol, which the event has no token for.
    statuses_without_token: u64,
    /// Values of indices, not new or not from the latest second.
    indices_unchanged: u64,
    /// Indices there was no room for, or whose token another one has.
    indices_refused: u64,
    /// Updates that have no event: open interest, price ranges, masters, spreads.
    without_event: u64,
}

impl BroadcastFeed {
    pub(super) fn new(config: &FeedConfig) -> Self {
        Self {
            segment: config.segment,
            readers: [Reader::new(), Reader::new()],
            lines: [LineTally::default(); 2],
            market: Market {
                stream: StreamId::new(config.segment, 0),
                books: LevelBooks::new(&config.levels),
                indices: Indices::new(config.levels.indices_max),
                status: (TradingStatus::Unknown, Nanos::ZERO),
                others: Others::default(),
            },
        }
    }

    pub(super) fn on_packet(
        &mut self,
        line: Line,
        datagram: &[u8],
        receive_time: Nanos,
        sink: &mut impl FnMut(&Event),
    ) {
        let (tally, market) = (&mut self.lines[line.index()], &mut self.market);
        tally.bytes += datagram.len() as u64;
        if packets(datagram).is_ok_and(|packets| packets.segment() != self.segment) {
            tally.foreign += 1;
            return;
        }
        let context = LevelContext { stream: market.stream, line, receive_time };
        let mut out = Batch::new(sink);
        self.readers[line.index()].on_datagram(datagram, &mut |update| {
            market.on_update(update, &context, tally, &mut out);
        });
        out.finish();
    }

    pub(super) fn indices(&self) -> &[IndexName] {
        self.market.indices.seen()
    }

    pub(super) const fn books(&self) -> &LevelBooks {
        &self.market.books
    }

    pub(super) fn report(&self) -> FeedCounters {
        let others = &self.market.others;
        let sum = |count: fn(&Reader) -> u64| self.readers.iter().map(count).sum();
        let stream = StreamCounts {
            stream: self.market.stream,
            name: self.market.stream.to_string(),
            is_whole: true,
            delivered: self.market.books.counters().shown,
            lines: self.lines.map(|tally| tally.outcomes),
            ..StreamCounts::default()
        };
        FeedCounters {
            lines: Line::BOTH.iter().map(|&line| self.line_counts(line)).collect(),
            streams: vec![stream],
            undecoded: self.undecoded(),
            levels: Some(*self.market.books.counters()),
            others: occurred([
                ("compressed", sum(|reader| reader.counters().compressed)),
                ("short", sum(|reader| reader.counters().short)),
                ("other_books", others.other_books),
                ("other_markets", others.other_markets),
                ("statuses_without_token", others.statuses_without_token),
                ("indices_unchanged", others.indices_unchanged),
                ("indices_refused", others.indices_refused),
                ("without_event", others.without_event),
            ]),
            ..FeedCounters::empty(Protocol::NseBroadcast)
        }
    }

    fn line_counts(&self, line: Line) -> LineCounts {
        let (counters, tally) = (self.readers[line.index()].counters(), &self.lines[line.index()]);
        let errors = DecodeError::ALL.iter();
        let refused = errors.map(|error| (error.name(), counters.refused[*error as usize]));
        LineCounts {
            channel: Channel::Line(line),
            packets: counters.datagrams + tally.foreign,
            bytes: tally.bytes,
            messages: counters.messages,
            heartbeats: tally.heartbeats,
            refused: occurred(refused.chain([("foreign_segment", tally.foreign)])),
        }
    }

    /// Codes that are not decoded, of both lines together.
    fn undecoded(&self) -> Vec<UndecodedCode> {
        let mut all: Vec<UndecodedCode> = Vec::new();
        let mut add = |segment, code, count| match all.iter_mut().find(|one| one.code == code) {
            Some(one) => one.count += count,
            None if count > 0 => all.push(UndecodedCode { segment, code, count }),
            None => {}
        };
        for reader in &self.readers {
            for code in reader.counters().undecoded() {
                add(code.segment, i32::from(code.transaction_code), code.count);
            }
        }
        for reader in &self.readers {
            add(self.segment, 0, reader.counters().undecoded_other);
        }
        all
    }
}

impl Market {
    #[inline]
    fn on_update<F: FnMut(&Event)>(
        &mut self,
        update: &Update<'_>,
        context: &LevelContext,
        tally: &mut LineTally,
        out: &mut Batch<'_, F>,
    ) {
        let outcome = match update {
            Update::MarketByPrice(update) if MAIN_BOOKS.contains(&update.book_type) => {
                let picture = Picture {
                    token: update.token,
                    time: update.time,
                    volume: update.trades.volume,
                    last_price: update.trades.last_price,
                    status: update.status.map(trading_status),
                    levels: [levels(&update.bids), levels(&update.asks)],
                };
                self.books.take_picture(&picture, context, out)
            }
            Update::CallAuction(update) if MAIN_BOOKS.contains(&update.book_type) => {
                let picture = Picture {
                    token: update.token,
                    time: update.time,
                    volume: update.trades.volume,
                    last_price: update.trades.last_price,
                    status: update.status.map(trading_status),
                    levels: [levels(&update.bids), levels(&update.asks)],
                };
                self.books.take_picture(&picture, context, out)
            }
            Update::MarketWatch(update) => {
                let [normal, ..] = &update.markets;
                let touch = [level(&normal.bid), level(&normal.ask)];
                self.books.take_touch(update.token, update.time, touch, context, out)
            }
            Update::AuctionWatch(update) => {
                let touch = [level(&update.market.bid), level(&update.market.ask)];
                self.books.take_touch(update.token, update.time, touch, context, out)
            }
            Update::Ticker(update) if update.market_type == MARKET_NORMAL => {
                let last = (update.price, update.quantity);
                self.books.take_last(update.token, update.time, last, context, out)
            }
            _ => return self.on_rare_update(update, context, tally, out),
        };
        let outcomes = &mut tally.outcomes;
        match outcome {
            LevelOutcome::Shown => outcomes.first += 1,
            LevelOutcome::Unchanged => outcomes.redundant += 1,
            LevelOutcome::Older => outcomes.late += 1,
            LevelOutcome::Refused => outcomes.implausible += 1,
            LevelOutcome::Unused => {}
        }
    }

    /// What is no picture.
    #[cold]
    fn on_rare_update<F: FnMut(&Event)>(
        &mut self,
        update: &Update<'_>,
        context: &LevelContext,
        tally: &mut LineTally,
        out: &mut Batch<'_, F>,
    ) {
        match update {
            Update::Index(index) => {
                self.on_index(index.name.as_bytes(), index.time, index.value, context, out);
            }
            Update::IndustryIndex(index) => {
                self.on_index(index.name.as_bytes(), Nanos::ZERO, index.value, context, out);
            }
            Update::MarketStatus(status) => self.on_market_status(status, context, out),
            Update::SecurityStatus(change) => {
                let [normal, ..] = change.markets;
                if let Some(status) = normal.map(trading_status) {
                    self.books.take_status(change.token, change.time, status, context, out);
                }
            }
            Update::CircuitCheck => tally.heartbeats += 1,
            Update::MarketByPrice(_) | Update::CallAuction(_) => self.others.other_books += 1,
            Update::Ticker(_) => self.others.other_markets += 1,
            // The orders of 7200, whose levels come with them.
            Update::MarketByOrder(_) => {}
            _ => self.others.without_event += 1,
        }
    }

    /// A market, or one contract of it, opens or closes. The copy of the other line tells nothing.
    fn on_market_status<F: FnMut(&Event)>(
        &mut self,
        update: &MarketStatus<'_>,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) {
        let status = action_status(update.action);
        if update.market_type != MARKET_NORMAL {
            self.others.other_markets += 1;
        } else if let Some(token) = update.token {
            self.books.take_status(token, update.time, status, context, out);
        } else if !update.symbol.as_bytes().is_empty() {
            self.others.statuses_without_token += 1;
        } else if self.books.admits(update.time)
            && self.status.1 <= update.time
            && self.status.0 != status
        {
            self.status = (status, update.time);
            out.push(&Teller { context, token: Token(0), time: update.time }.status(status));
        }
    }

    fn on_index<F: FnMut(&Event)>(
        &mut self,
        name: &[u8],
        time: Nanos,
        value: Px,
        context: &LevelContext,
        out: &mut Batch<'_, F>,
    ) {
        if !self.books.admits(time) {
            return;
        }
        match self.indices.on_value(name, time, value, context) {
            Ok(event) => out.push(&event),
            Err(LevelOutcome::Refused) => self.others.indices_refused += 1,
            Err(_) => self.others.indices_unchanged += 1,
        }
    }
}

#[inline]
fn level(level: &Level) -> PriceLevel {
    PriceLevel { price: level.price, quantity: level.quantity }
}

#[inline]
fn levels(side: &[Level; DEPTH]) -> [PriceLevel; LEVELS_MAX] {
    side.each_ref().map(level)
}

/// A status of an instrument in the model's terms. One that opens with the market waits for that.
const fn trading_status(status: SecurityStatus) -> TradingStatus {
    match status {
        SecurityStatus::PreOpen
        | SecurityStatus::PreOpenExtended
        | SecurityStatus::OpenWithMarket => TradingStatus::PreOpen,
        SecurityStatus::Open => TradingStatus::Open,
        SecurityStatus::Suspended => TradingStatus::Halted,
        SecurityStatus::PriceDiscovery => TradingStatus::Auction,
    }
}

/// What an announcement means for trading. Between the end of the pre-open and the open nothing
/// trades yet.
const fn action_status(action: MarketAction) -> TradingStatus {
    match action {
        MarketAction::Open => TradingStatus::Open,
        MarketAction::PreOpenShutdown | MarketAction::PreOpenEnd => TradingStatus::PreOpen,
        MarketAction::ClosingSessionStart => TradingStatus::Auction,
        MarketAction::Close | MarketAction::PostClose | MarketAction::ClosingSessionEnd => {
            TradingStatus::Closed
        }
    }
}
