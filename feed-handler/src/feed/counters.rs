//! What came and what became of it, in terms that hold for every protocol. Plain data.

use tezi_model::{Segment, StreamId};

use super::{Channel, LevelCounters, Protocol};
use crate::Line;
use crate::arbitration::{GapCounters, LeadTimes, StreamLineCounters};
use crate::recovery::RecoveryCounters;

/// What a feed handler met. Made by [`FeedHandler::report`](super::FeedHandler::report).
#[derive(Clone, Debug)]
pub struct FeedCounters {
    /// The protocol.
    pub protocol: Protocol,
    /// What came by each channel: line A, line B, then those only this protocol has.
    pub lines: Vec<LineCounts>,
    /// Streams, products or sessions, in the order in which they were seen. A feed by price level
    /// is one stream.
    pub streams: Vec<StreamCounts>,
    /// Messages that are framed right and not decoded, by code, in the order in which they came.
    pub undecoded: Vec<UndecodedCode>,
    /// Of a feed by price level.
    pub levels: Option<LevelCounters>,
    /// Datagrams of a channel that the protocol does not have.
    pub misdirected: u64,
    /// What only this protocol counts, by name; what did not occur is left out.
    pub others: Vec<(&'static str, u64)>,
}

/// What came by one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCounts {
    /// The channel.
    pub channel: Channel,
    /// Datagrams.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Messages in them; for EOBI, in the first copies.
    pub messages: u64,
    /// Heartbeats, and what else only says that the feed is alive.
    pub heartbeats: u64,
    /// Refused datagrams, messages and records, by the name of the reason; reasons that did not
    /// occur are left out.
    pub refused: Vec<(&'static str, u64)>,
}

/// What became of one stream, product or session.
#[derive(Clone, Debug, Default)]
pub struct StreamCounts {
    /// The stream in events.
    pub stream: StreamId,
    /// What the exchange calls it: the stream, the product's number, the session.
    pub name: String,
    /// Whether its books are to be trusted now: nothing is missing, as far as the feed can tell.
    pub is_whole: bool,
    /// Messages delivered in order, each once; of a feed by price level, pictures shown.
    pub delivered: u64,
    /// The first number delivered since the last restart; 0 where there are no numbers.
    pub joined_at: u64,
    /// Per line: what became of its messages. EOBI counts datagrams, which are of all products, in
    /// its first stream; a feed by price level counts pictures: `redundant` changed nothing, `late`
    /// were older than the one shown.
    pub lines: [StreamLineCounters; 2],
    /// Per line: numbers it never brought. Zero where it is not counted.
    pub missing: [u64; 2],
    /// How gaps opened and ended. What a protocol does not count is zero.
    pub gaps: GapCounters,
    /// The ranges lost on every line, in order, up to a bound.
    pub lost: Vec<LostNumbers>,
    /// Ranges beyond those listed.
    pub lost_unlisted: u64,
    /// How often its numbers began again.
    pub restarts: u64,
    /// How often neither line said anything for too long (MTBT).
    pub silences: u64,
    /// What recovery over TCP did (MTBT).
    pub recovery: RecoveryCounters,
    /// How much earlier one line was than the other, where both brought a message (MTBT).
    pub lead: Option<LeadTimes>,
    /// Requests to a re-request server (MoldUDP64).
    pub requests: u64,
    /// Snapshots that made it whole (EOBI).
    pub snapshots: u64,
    /// Messages refused after they were put in order, by the name of the reason (ITCH).
    pub refused: Vec<(&'static str, u64)>,
}

/// Numbers that no line brought in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostNumbers {
    /// The first of them.
    pub first: u64,
    /// The last of them, included.
    pub last: u64,
    /// How often the stream had restarted before: numbers repeat after a restart.
    pub restart_count: u32,
}

/// Messages of a code that is not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UndecodedCode {
    /// The segment, since segments may use one code for different messages.
    pub segment: Segment,
    /// The code; 0 for all beyond those counted by code.
    pub code: i32,
    /// Messages.
    pub count: u64,
}

impl FeedCounters {
    /// Counters of a protocol before anything came.
    pub(super) const fn empty(protocol: Protocol) -> Self {
        Self {
            protocol,
            lines: Vec::new(),
            streams: Vec::new(),
            undecoded: Vec::new(),
            levels: None,
            misdirected: 0,
            others: Vec::new(),
        }
    }

    /// What came by a line of the feed itself.
    #[must_use]
    pub fn line(&self, line: Line) -> Option<&LineCounts> {
        self.lines.iter().find(|counts| counts.channel == Channel::Line(line))
    }

    /// Messages delivered, over all streams.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.streams.iter().map(|stream| stream.delivered).sum()
    }

    /// Numbers lost on every line, over all streams.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.streams.iter().map(|stream| stream.gaps.lost).fold(0, u64::saturating_add)
    }

    /// Everything refused by name, over all channels and streams.
    #[must_use]
    pub fn refused(&self) -> u64 {
        let lines = self.lines.iter().flat_map(|line| &line.refused);
        let streams = self.streams.iter().flat_map(|stream| &stream.refused);
        lines.chain(streams).map(|(_, count)| count).sum()
    }
}

/// Names and counts of what occurred.
pub(super) fn occurred(
    counts: impl IntoIterator<Item = (&'static str, u64)>,
) -> Vec<(&'static str, u64)> {
    counts.into_iter().filter(|&(_, count)| count > 0).collect()
}
