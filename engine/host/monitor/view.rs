//! What a monitor shows: plain data, made some times a second, for a terminal or a program.

use std::time::Duration;

use tezi_core::book::Level;
use tezi_feed_handler::feed::FeedCounters;
use tezi_model::{Instrument, Nanos, Px, TradingStatus};
use tezi_receive::SourceCounters;

/// The state of a feed at one moment. Counts are from the start; rates are differences of two views.
#[derive(Clone, Debug)]
pub struct MonitorView {
    /// Since the start.
    pub elapsed: Duration,
    /// When the latest packet was received, [`Nanos::ZERO`] before the first.
    pub receive_time: Nanos,
    /// The exchange's latest time.
    pub exchange_time: Nanos,
    /// What the source took in and lost.
    pub source: SourceCounters,
    /// Lines, streams, gaps.
    pub feed: FeedCounters,
    /// Events the lines became.
    pub events: u64,
    /// Trades among them.
    pub trades: u64,
    /// Instruments seen or known.
    pub instruments: usize,
    /// Those of them whose book may be wrong.
    pub stale: usize,
    /// Orders resting, over all books.
    pub orders: usize,
    /// The books asked for, or the busiest.
    pub books: Vec<BookView>,
    /// What audits found so far, `None` where none is made.
    pub audit: Option<AuditView>,
    /// The moment asked for, `None` where none was.
    pub moment: Option<MomentView>,
}

/// A moment at which a monitor stops, and whether it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MomentView {
    /// The moment, by the exchange's clock; [`Nanos::ZERO`] while no message said its day.
    pub at: Nanos,
    /// The exchange's time of the first message; [`Nanos::ZERO`] before it.
    pub first: Nanos,
    /// Whether a message of a later time came: the books hold what was before, and nothing behind.
    pub is_past: bool,
}

/// One book.
#[derive(Clone, Debug)]
pub struct BookView {
    /// The instrument.
    pub instrument: Instrument,
    /// What the exchange says of its trading.
    pub status: TradingStatus,
    /// Whether the book may be wrong because messages are missing.
    pub is_stale: bool,
    /// Book changes and trades since the start.
    pub updates: u64,
    /// The exchange's time of the last change of the book; [`Nanos::ZERO`] without one.
    pub changed: Nanos,
    /// The last trade.
    pub last_trade: Option<Px>,
    /// Units traded, as far as seen.
    pub volume: u64,
    /// Bids, best first, as many as asked for.
    pub bids: Vec<Level>,
    /// Asks, best first.
    pub asks: Vec<Level>,
}

/// What comparing live books with the exchange's snapshots came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditView {
    /// Streams compared.
    pub compared: u64,
    /// Comparisons that could not be made.
    pub not_made: u64,
    /// Orders compared.
    pub orders: u64,
    /// Orders that differ.
    pub differences: u64,
    /// The latest differences and refusals, a sentence each.
    pub findings: Vec<String>,
}
