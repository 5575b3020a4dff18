//! What the feed thread found, as plain data for summaries and programs.

use tezi_feed_handler::arbitration::{GapCounters, LostRange, StreamLineCounters};
use tezi_feed_handler::capture::FrameError;
use tezi_feed_handler::recovery::RecoveryCounters;
use tezi_feed_handler::wire::nse_mtbt::DecodeError;
use tezi_feed_handler::{Arbiter, Line};
use tezi_model::StreamId;

use super::recording::RecordingCounts;
use crate::latency::LatencyHistogram;

/// What came on one line, over all streams.
#[derive(Clone, Debug, Default)]
pub struct LineReport {
    /// Datagrams.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Messages with a sequence number.
    pub messages: u64,
    /// Heartbeats.
    pub heartbeats: u64,
    /// Messages refused, by reason, reasons that did not occur left out.
    pub errors: Vec<(DecodeError, u64)>,
}

/// What became of one stream.
#[derive(Clone, Debug)]
pub struct StreamReport {
    /// The stream.
    pub stream: StreamId,
    /// Messages delivered in order, each once.
    pub delivered: u64,
    /// The first number delivered; above 1 the session was joined late, and orders older than that
    /// show in the book only once they change.
    pub joined_at: u32,
    /// Per line: what became of its messages.
    pub lines: [StreamLineCounters; 2],
    /// Per line: numbers it never brought.
    pub missing: [u64; 2],
    /// How gaps opened and ended.
    pub gaps: GapCounters,
    /// The ranges lost on every line.
    pub lost: Vec<LostRange>,
    /// Lost ranges beyond the list.
    pub lost_unlisted: u64,
    /// How often it began again at 1.
    pub restarts: u32,
    /// What recovery did.
    pub recovery: RecoveryCounters,
}

/// What the feed thread found.
#[derive(Clone, Debug)]
pub struct FeedReport {
    /// Lines A and B.
    pub lines: [LineReport; 2],
    /// Streams in the order in which they were seen.
    pub streams: Vec<StreamReport>,
    /// Events handed to the core.
    pub events: u64,
    /// How often the ring was found full.
    pub ring_stalls: u64,
    /// Records of captures that hold no UDP datagram for us, by reason.
    pub skipped_frames: Vec<(FrameError, u64)>,
    /// What recordings held, `None` when packets were read.
    pub recorded: Option<RecordingCounts>,
    /// Datagrams to other groups than the two lines.
    pub foreign_datagrams: u64,
    /// What went wrong on the way and did not stop it: a capture that ends early, a stream on three
    /// groups. Empty when all was well.
    pub faults: Vec<String>,
    /// What could not be had and was done without.
    pub notes: Vec<String>,
    pub(crate) decode: LatencyHistogram,
}

impl FeedReport {
    pub(super) fn new(
        arbiter: &Arbiter,
        decode: LatencyHistogram,
        events: u64,
        ring_stalls: u64,
        decoded_error: Option<String>,
    ) -> Self {
        let streams = arbiter.streams().iter().map(|stream| StreamReport {
            stream: stream.id(),
            delivered: stream.delivered(),
            joined_at: stream.joined_at(),
            lines: Line::BOTH.map(|line| *stream.line(line)),
            missing: Line::BOTH.map(|line| stream.missing(line)),
            gaps: *stream.gaps(),
            lost: stream.lost_ranges().to_vec(),
            lost_unlisted: stream.lost_ranges_unlisted(),
            restarts: stream.restart_count(),
            recovery: stream.recovery(),
        });
        Self {
            lines: Line::BOTH.map(|line| line_report(arbiter, line)),
            streams: streams.collect(),
            events,
            ring_stalls,
            skipped_frames: Vec::new(),
            recorded: None,
            foreign_datagrams: 0,
            faults: decoded_error.into_iter().collect(),
            notes: Vec::new(),
            decode,
        }
    }

    /// Numbers lost on every line, over all streams.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.streams.iter().map(|stream| stream.gaps.lost).sum()
    }

    /// Messages delivered, over all streams.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.streams.iter().map(|stream| stream.delivered).sum()
    }

    /// Refused messages, over both lines.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.lines.iter().flat_map(|line| &line.errors).map(|(_, count)| count).sum()
    }
}

fn line_report(arbiter: &Arbiter, line: Line) -> LineReport {
    let counters = arbiter.line(line);
    let errors = DecodeError::ALL.iter().map(|&error| (error, counters.errors[error as usize]));
    LineReport {
        packets: counters.packets,
        bytes: counters.bytes,
        messages: counters.messages,
        heartbeats: counters.heartbeats,
        errors: errors.filter(|&(_, count)| count > 0).collect(),
    }
}
