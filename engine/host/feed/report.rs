//! What the feed thread found, as plain data for summaries and programs.

use tezi_feed_handler::capture::FrameError;
use tezi_feed_handler::feed::FeedCounters;
use tezi_receive::SourceCounters;

use super::recording::RecordingCounts;
use crate::latency::LatencyHistogram;

/// What the feed thread found.
#[derive(Clone, Debug)]
pub struct FeedReport {
    /// Lines, streams, gaps and refusals.
    pub counters: FeedCounters,
    /// Events made.
    pub events: u64,
    /// How often the ring was found full.
    pub ring_stalls: u64,
    /// Events dropped on a full ring; the core was told which streams lost them.
    pub ring_dropped: u64,
    /// What the source of packets took in and lost; `None` when recordings were read.
    pub source: Option<SourceCounters>,
    /// Records of captures that hold no UDP datagram for us, by reason.
    pub skipped_frames: Vec<(FrameError, u64)>,
    /// What recordings held, `None` when packets were read.
    pub recorded: Option<RecordingCounts>,
    /// Datagrams to other groups than the feed's.
    pub foreign_datagrams: u64,
    /// Packets written to the file of a session that records.
    pub packets_recorded: u64,
    /// What went wrong on the way and did not stop it: a capture that ends early, a stream on three
    /// groups. Empty when all was well.
    pub faults: Vec<String>,
    /// What could not be had and was done without.
    pub notes: Vec<String>,
    pub(crate) decode: LatencyHistogram,
}

impl FeedReport {
    /// Numbers lost on every line, over all streams.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counters.lost()
    }

    /// Messages delivered, over all streams.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.counters.delivered()
    }

    /// Everything the decoders refused, over all lines and streams.
    #[must_use]
    pub fn decode_errors(&self) -> u64 {
        self.counters.refused()
    }

    /// Datagrams that lay ready and were lost in the kernel.
    #[must_use]
    pub fn dropped_by_kernel(&self) -> u64 {
        self.source.map_or(0, |source| source.dropped_by_kernel)
    }

    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.faults.clone();
        let protocol = self.counters.protocol;
        if self.lost() > 0 {
            let lost = self.lost();
            problems
                .push(format!("{lost} messages were lost on every line; their books are stale"));
        }
        if let Some(recorded) = &self.recorded {
            let refused: u64 = recorded.refused.iter().map(|(_, count)| count).sum();
            if refused > 0 {
                problems.push(format!("{refused} records were refused by the decoder"));
            }
            if recorded.events == 0 {
                problems.push(format!("no order or trade in {} records", recorded.records));
            }
        } else if self.delivered() == 0 {
            let datagrams: u64 = self.counters.lines.iter().map(|line| line.packets).sum();
            problems.push(format!("no {protocol} message in {datagrams} datagrams"));
        }
        if self.decode_errors() > 0 {
            let errors = self.decode_errors();
            problems.push(format!("{errors} messages were refused by the decoder"));
        }
        if self.ring_dropped > 0 {
            let dropped = self.ring_dropped;
            problems.push(format!(
                "{dropped} events were dropped for the core was behind by a whole ring; the books \
                 of their streams are stale"
            ));
        }
        problems
    }
}
