//! What an operator sees of a served exchange, and what is left to say at its end.

use core::fmt;
use std::time::Duration;

use tezi_core::book::Level;
use tezi_core::matching::Trade;
use tezi_core::venue::session::Phase;
use tezi_exchange::{BoxView, Counters, StreamState};
use tezi_feed_handler::recovery::server::ServerCounters;
use tezi_model::{Instrument, Nanos, Px};

use super::members::ConnectionCounts;

/// What went out on one line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Datagrams sent.
    pub sent: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Datagrams that a fault of the scenario kept off the line.
    pub lost: u64,
}

/// One instrument.
#[derive(Clone, Debug)]
pub struct InstrumentView {
    /// The contract.
    pub instrument: Instrument,
    /// Its phase.
    pub phase: Phase,
    /// The last trade.
    pub last_trade: Option<Px>,
    /// Bids, best first, as many as asked for.
    pub bids: Vec<Level>,
    /// Asks, best first.
    pub asks: Vec<Level>,
}

/// The exchange at one moment. Counts are from the start.
#[derive(Clone, Debug)]
pub struct ExchangeView {
    /// The exchange's time.
    pub time: Nanos,
    /// Of our time, since the start.
    pub elapsed: Duration,
    /// What was counted.
    pub counters: Counters,
    /// Lines A and B.
    pub lines: [LineCounts; 2],
    /// The streams.
    pub streams: Vec<StreamState>,
    /// The boxes, and whether each is connected.
    pub boxes: Vec<(BoxView, bool)>,
    /// Connections.
    pub connections: ConnectionCounts,
    /// Every instrument, as listed, and the spreads behind them.
    pub instruments: Vec<InstrumentView>,
    /// The latest trades, the newest last.
    pub trades: Vec<Trade>,
    /// Whether trading was halted by hand.
    pub is_halted: bool,
    /// How often the machine was away for so long that the exchange's clock went on late, and by how
    /// much in all, in nanoseconds of the exchange's time.
    pub stalls: (u64, i64),
}

/// What a served exchange came to.
#[derive(Clone, Debug)]
pub struct ExchangeReport {
    /// The end.
    pub last: ExchangeView,
    /// What tick recovery did.
    pub recovery: Option<ServerCounters>,
    /// What the snapshot service did, where it has a port of its own.
    pub snapshot: Option<ServerCounters>,
    /// Hash of books and streams.
    pub state_hash: u64,
}

impl ExchangeReport {
    /// What was not as it should be, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let counters = &self.last.counters;
        let (stalls, slipped_ns) = self.last.stalls;
        let found = [
            (counters.datagrams_lost, "datagrams were lost for want of room"),
            (counters.events_refused, "events of the scenario were not possible"),
            (counters.broadcast_refused, "pictures of contracts did not fit the broadcast"),
            (counters.untold, "trades taken back could not be told"),
        ];
        let mut problems: Vec<String> = found
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        if stalls > 0 {
            let seconds = slipped_ns as f64 / 1e9;
            problems.push(format!("the clock went on late {stalls} times, by {seconds:.1} s"));
        }
        problems
    }
}

impl fmt::Display for ExchangeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ExchangeView { time, elapsed, counters, lines, boxes, connections, .. } = &self.last;
        writeln!(f, "Exchange closed at {time}, after {:.1} s", elapsed.as_secs_f64())?;
        writeln!(
            f,
            "  requests      {} of members ({} refused), {} of the population ({} refused)",
            counters.requests,
            counters.refused,
            counters.background_requests,
            counters.background_refused
        )?;
        if counters.legs_requests > 0 {
            writeln!(
                f,
                "  several legs  {} of the members' requests: spreads, two legs, three legs",
                counters.legs_requests
            )?;
        }
        writeln!(
            f,
            "  trades        {}, {} units; {} price-protected orders refused",
            counters.trades, counters.quantity_traded, counters.protected
        )?;
        for (name, line) in ["A", "B"].iter().zip(lines) {
            writeln!(
                f,
                "  line {name}        {} datagrams, {} bytes; {} kept off it by the scenario",
                line.sent, line.bytes, line.lost
            )?;
        }
        if counters.broadcast_datagrams > 0 {
            writeln!(
                f,
                "  broadcast     {} datagrams, {} pictures of contracts",
                counters.broadcast_datagrams, counters.broadcast_records
            )?;
        }
        for (own, _) in boxes {
            writeln!(
                f,
                "  box {:<9} {} requests ({} refused), {} trades, {} orders open; {} packets in, {} \
                 out",
                own.box_id,
                own.activity.requests,
                own.activity.refused,
                own.activity.trades,
                own.orders,
                own.session.packets_in,
                own.session.packets_out
            )?;
        }
        writeln!(
            f,
            "  connections   {} accepted, {} of boxes, {} of nobody, {} of unknown boxes; {} closed \
             here, {} by their members",
            connections.accepted,
            connections.named,
            connections.unnamed,
            connections.unknown_box,
            connections.closed,
            connections.lost
        )?;
        writeln!(f, "  state hash    {:016x}", self.state_hash)?;
        for problem in self.problems() {
            writeln!(f, "  NOT FINE      {problem}")?;
        }
        Ok(())
    }
}
