//! NSE tick-by-tick data behind the boundary: the arbiter is the handler; this is its report.

use super::counters::occurred;
use super::{Channel, FeedCounters, LineCounts, LostNumbers, Protocol, StreamCounts};
use crate::arbitration::Stream;
use crate::wire::nse_mtbt::DecodeError;
use crate::{Arbiter, Line};

pub(super) fn report(arbiter: &Arbiter) -> FeedCounters {
    let lines = Line::BOTH.map(|line| arbiter.line(line));
    let sum = |[a, b]: [u64; 2]| a + b;
    FeedCounters {
        lines: Line::BOTH.iter().map(|&line| line_counts(arbiter, line)).collect(),
        streams: arbiter.streams().iter().map(stream_counts).collect(),
        others: occurred([
            ("unsequenced", sum(lines.map(|line| line.unsequenced))),
            ("streams_refused", sum(lines.map(|line| line.streams_refused))),
        ]),
        ..FeedCounters::empty(Protocol::NseMtbt)
    }
}

fn line_counts(arbiter: &Arbiter, line: Line) -> LineCounts {
    let counters = arbiter.line(line);
    let errors = DecodeError::ALL.iter();
    LineCounts {
        channel: Channel::Line(line),
        packets: counters.packets,
        bytes: counters.bytes,
        messages: counters.messages,
        heartbeats: counters.heartbeats,
        refused: occurred(errors.map(|error| (error.name(), counters.errors[*error as usize]))),
    }
}

fn stream_counts(stream: &Stream) -> StreamCounts {
    let lost = stream.lost_ranges().iter().map(|range| LostNumbers {
        first: u64::from(range.first),
        last: u64::from(range.last),
        restart_count: range.restart_count,
    });
    StreamCounts {
        stream: stream.id(),
        name: stream.id().to_string(),
        is_whole: !stream.is_stale(),
        delivered: stream.delivered(),
        joined_at: u64::from(stream.joined_at()),
        lines: Line::BOTH.map(|line| *stream.line(line)),
        missing: Line::BOTH.map(|line| stream.missing(line)),
        gaps: *stream.gaps(),
        lost: lost.collect(),
        lost_unlisted: stream.lost_ranges_unlisted(),
        restarts: u64::from(stream.restart_count()),
        silences: stream.silences(),
        recovery: stream.recovery(),
        lead: Some(stream.lead_times().clone()),
        ..StreamCounts::default()
    }
}
