//! BSE order-by-order data behind the boundary: the sequencer is the handler; this is its report.

use super::counters::occurred;
use super::{Channel, FeedCounters, LineCounts, LostNumbers, Protocol, StreamCounts};
use crate::Line;
use crate::arbitration::{GapCounters, StreamLineCounters};
use crate::wire::bse_eobi::{self, DecodeError, ProductStatus, Sequencer};

pub(super) fn report(sequencer: &Sequencer) -> FeedCounters {
    use bse_eobi::Channel::{Incremental, Snapshot};
    let counters = sequencer.counters();
    let mut streams: Vec<_> =
        sequencer.products().map(|product| stream_counts(sequencer, &product)).collect();
    if let Some(first) = streams.first_mut() {
        first.lines = Line::BOTH.map(|line| datagram_counts(sequencer, line));
    }
    let channels =
        [(Incremental, Channel::Line as fn(Line) -> Channel), (Snapshot, Channel::Snapshot)];
    let lines = channels.into_iter().flat_map(|(channel, name)| {
        Line::BOTH.map(|line| line_counts(sequencer, channel, line, name(line)))
    });
    FeedCounters {
        lines: lines.collect(),
        streams,
        others: occurred([
            ("datagrams_lost", counters.lost[Incremental as usize]),
            ("snapshot_datagrams_lost", counters.lost[Snapshot as usize]),
            ("channel_restarts", counters.restarts[Incremental as usize]),
            ("snapshot_channel_restarts", counters.restarts[Snapshot as usize]),
            ("given_out_ahead", counters.ahead),
            ("products_refused", counters.products_refused),
            ("instruments_refused", counters.instruments_refused),
            ("unknown_templates", counters.unknown_templates),
        ]),
        ..FeedCounters::empty(Protocol::BseEobi)
    }
}

fn line_counts(
    sequencer: &Sequencer,
    channel: bse_eobi::Channel,
    line: Line,
    name: Channel,
) -> LineCounts {
    let counters = sequencer.line(channel, line);
    let errors = DecodeError::ALL.iter();
    LineCounts {
        channel: name,
        packets: counters.datagrams,
        bytes: counters.bytes,
        messages: counters.messages,
        heartbeats: counters.heartbeats,
        refused: occurred(errors.map(|error| (error.name(), counters.errors[*error as usize]))),
    }
}

/// Datagrams of the incremental channel. Its copies are not told from those that came too late.
fn datagram_counts(sequencer: &Sequencer, line: Line) -> StreamLineCounters {
    let counters = sequencer.line(bse_eobi::Channel::Incremental, line);
    StreamLineCounters {
        first: counters.first,
        redundant: counters.late,
        implausible: counters.implausible,
        ..StreamLineCounters::default()
    }
}

fn stream_counts(sequencer: &Sequencer, product: &ProductStatus) -> StreamCounts {
    let counters = product.counters;
    let ranges = sequencer.lost_ranges(product.market_segment_id);
    let lost = ranges.iter().map(|&(first, last)| LostNumbers {
        first: u64::from(first),
        last: u64::from(last),
        restart_count: 0,
    });
    StreamCounts {
        stream: product.stream,
        name: product.market_segment_id.to_string(),
        is_whole: product.is_whole,
        delivered: counters.messages,
        joined_at: u64::from(product.joined_at),
        gaps: GapCounters {
            opened: counters.gaps,
            numbers: counters.lost,
            lost: counters.lost,
            ..GapCounters::default()
        },
        lost: lost.collect(),
        lost_unlisted: counters.gaps - ranges.len() as u64,
        restarts: counters.restarts,
        snapshots: counters.snapshots_used,
        ..StreamCounts::default()
    }
}
