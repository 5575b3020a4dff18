//! What the feed found, for people.

use std::fmt::{self, Write as _};

use tezi_feed_handler::Line;
use tezi_feed_handler::arbitration::LeadTimes;
use tezi_feed_handler::feed::{Channel, FeedCounters, StreamCounts};

use super::grouped;
use crate::feed::{FeedReport, RecordingCounts};

/// Lost ranges printed for each stream; the rest is counted.
const LOST_SHOWN: usize = 16;

impl fmt::Display for FeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(recorded) = &self.recorded {
            return write_recorded(f, recorded);
        }
        let counters = &self.counters;
        writeln!(f, "Feed ({})", counters.protocol)?;
        write_lines(f, counters)?;
        write_streams(f, counters)?;
        write_others(f, counters)?;
        for (reason, count) in &self.skipped_frames {
            writeln!(f, "  {} frames skipped: {}", grouped(*count), reason.message())?;
        }
        if self.foreign_datagrams > 0 {
            let foreign = grouped(self.foreign_datagrams);
            writeln!(f, "  {foreign} datagrams to other groups left out")?;
        }
        if self.ring_stalls > 0 {
            let stalls = grouped(self.ring_stalls);
            writeln!(f, "  the ring to the core was full {stalls} times")?;
        }
        write_source(f, self)
    }
}

fn write_recorded(f: &mut fmt::Formatter<'_>, recorded: &RecordingCounts) -> fmt::Result {
    writeln!(
        f,
        "Recording\n  {} records, {} events, {} of other types",
        grouped(recorded.records),
        grouped(recorded.events),
        grouped(recorded.other)
    )?;
    for (reason, count) in &recorded.refused {
        writeln!(f, "  {} x refused: {reason}", grouped(*count))?;
    }
    Ok(())
}

/// What the source of packets lost, where it lost something, and what was kept.
fn write_source(f: &mut fmt::Formatter<'_>, feed: &FeedReport) -> fmt::Result {
    if let Some(source) = &feed.source {
        let counts = [
            (source.dropped_by_kernel, "datagrams dropped by the kernel: buffers too small"),
            (source.truncated, "datagrams cut short: longer than expected"),
            (source.malformed, "packets with lengths that contradict each other"),
            (source.checksum_wrong, "datagrams with a wrong checksum"),
        ];
        for (count, what) in counts.into_iter().filter(|&(count, _)| count > 0) {
            writeln!(f, "  {} {what}", grouped(count))?;
        }
    }
    if feed.packets_recorded > 0 {
        writeln!(f, "  {} packets recorded", grouped(feed.packets_recorded))?;
    }
    Ok(())
}

/// What each line brought.
fn write_lines(f: &mut fmt::Formatter<'_>, feed: &FeedCounters) -> fmt::Result {
    writeln!(
        f,
        "  {:<10} {:>11} {:>11} {:>11} {:>11} {:>10} {:>8} {:>8}",
        "line", "packets", "messages", "first", "missing", "duplicate", "late", "refused"
    )?;
    for line in &feed.lines {
        let of = |count: &dyn Fn(&StreamCounts, usize) -> u64| -> String {
            let Channel::Line(it) = line.channel else { return "-".into() };
            grouped(feed.streams.iter().map(|stream| count(stream, it.index())).sum())
        };
        let refused: u64 = line.refused.iter().map(|(_, count)| count).sum();
        writeln!(
            f,
            "  {:<10} {:>11} {:>11} {:>11} {:>11} {:>10} {:>8} {:>8}",
            line.channel,
            grouped(line.packets),
            grouped(line.messages),
            of(&|stream, line| stream.lines[line].first),
            of(&|stream, line| stream.missing[line]),
            of(&|stream, line| stream.lines[line].duplicates),
            of(&|stream, line| stream.lines[line].late),
            grouped(refused),
        )?;
        for (reason, count) in &line.refused {
            writeln!(f, "             {} x {}", grouped(*count), words(reason))?;
        }
    }
    Ok(())
}

/// What became of each stream.
fn write_streams(f: &mut fmt::Formatter<'_>, feed: &FeedCounters) -> fmt::Result {
    for stream in &feed.streams {
        let gaps = &stream.gaps;
        writeln!(
            f,
            "  stream {}: {} delivered; {} gaps of {} messages: {} came late, {} from the other \
             line, {} by recovery, {} lost",
            stream.name,
            grouped(stream.delivered),
            grouped(gaps.opened),
            grouped(gaps.numbers),
            grouped(gaps.filled_same_line),
            grouped(gaps.filled_other_line),
            grouped(gaps.recovered),
            grouped(gaps.lost)
        )?;
        if stream.joined_at > 1 {
            writeln!(
                f,
                "    joined at {}: older orders show in the book only once they change",
                stream.joined_at
            )?;
        }
        if let Some(lead) = stream.lead.as_ref().filter(|lead| lead.count() > 0) {
            write_lead(f, lead)?;
        }
        let recovery = &stream.recovery;
        if recovery.requests() > 0 {
            writeln!(
                f,
                "    asked the exchange {} times, {} in vain; stale {} times, whole again {} times",
                grouped(recovery.requests()),
                grouped(recovery.failures_total()),
                grouped(recovery.stale),
                grouped(recovery.whole)
            )?;
        }
        if stream.requests > 0 {
            writeln!(f, "    asked the exchange {} times", grouped(stream.requests))?;
        }
        if stream.snapshots > 0 {
            writeln!(f, "    made whole by {} snapshots", grouped(stream.snapshots))?;
        }
        if stream.restarts > 0 {
            writeln!(f, "    began again at 1 {} times", stream.restarts)?;
        }
        if stream.silences > 0 {
            writeln!(f, "    silent for too long {} times", stream.silences)?;
        }
        for (reason, count) in &stream.refused {
            writeln!(f, "    {} x {}", grouped(*count), words(reason))?;
        }
        write_lost(f, stream)?;
    }
    Ok(())
}

/// Which line was earlier, how often, and by how much.
fn write_lead(f: &mut fmt::Formatter<'_>, lead: &LeadTimes) -> fmt::Result {
    for line in Line::BOTH {
        let histogram = lead.first_on(line);
        let quantile = |part| grouped(histogram.quantile_ns(part).unwrap_or(0));
        if histogram.count() > 0 {
            writeln!(
                f,
                "    line {line:?} earlier {} times, by {} ns (p50), {} (p99), {} at most",
                grouped(histogram.count()),
                quantile(0.5),
                quantile(0.99),
                grouped(histogram.max_ns().unwrap_or(0))
            )?;
        }
    }
    Ok(())
}

fn write_lost(f: &mut fmt::Formatter<'_>, stream: &StreamCounts) -> fmt::Result {
    if stream.lost.is_empty() {
        return Ok(());
    }
    let mut list = String::new();
    for range in stream.lost.iter().take(LOST_SHOWN) {
        let separator = if list.is_empty() { "" } else { ", " };
        let (first, last) = (range.first, range.last);
        if first == last {
            write!(list, "{separator}{first}")?;
        } else {
            write!(list, "{separator}{first}-{last}")?;
        }
    }
    let hidden = stream.lost.len().saturating_sub(LOST_SHOWN) as u64 + stream.lost_unlisted;
    let more = if hidden > 0 { format!(" and {} more", grouped(hidden)) } else { String::new() };
    writeln!(f, "    lost on every line: {list}{more}")
}

/// What only this protocol counts, and what is framed right but not decoded.
fn write_others(f: &mut fmt::Formatter<'_>, feed: &FeedCounters) -> fmt::Result {
    for (name, count) in &feed.others {
        writeln!(f, "  {}: {}", words(name), grouped(*count))?;
    }
    for code in &feed.undecoded {
        let (segment, count) = (code.segment.name(), grouped(code.count));
        writeln!(f, "  {count} messages of code {} ({segment}) are not decoded", code.code)?;
    }
    if feed.misdirected > 0 {
        let count = grouped(feed.misdirected);
        writeln!(f, "  {count} datagrams came by a channel that {} does not have", feed.protocol)?;
    }
    Ok(())
}

/// A name for programs as people read it.
fn words(name: &str) -> String {
    name.replace('_', " ")
}
