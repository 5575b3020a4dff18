//! The report of a session for people.

use std::fmt::{self, Write as _};

use tezi_feed_handler::Line;
use tezi_model::Nanos;

use crate::feed::{FeedReport, RecordingCounts, StreamReport};
use crate::latency::PathStage;
use crate::report::Report;

/// Lost ranges printed for each stream; the rest is counted.
const LOST_SHOWN: usize = 16;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_feed(f)?;
        self.write_core(f)?;
        self.write_positions(f)?;
        self.write_latency(f)?;
        self.write_journal(f)?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for problem in self.problems() {
            writeln!(f, "NOT FINE: {problem}")?;
        }
        Ok(())
    }
}

impl Report {
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

    fn write_feed(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(recorded) = &self.feed.recorded {
            return Self::write_recorded(f, recorded);
        }
        writeln!(f, "Feed")?;
        writeln!(
            f,
            "  {:<6} {:>11} {:>11} {:>11} {:>11} {:>10} {:>8} {:>8}",
            "line", "packets", "messages", "first", "missing", "duplicate", "late", "refused"
        )?;
        for line in Line::BOTH {
            let report = &self.feed.lines[line.index()];
            let of = |count: fn(&StreamReport, usize) -> u64| -> u64 {
                self.feed.streams.iter().map(|stream| count(stream, line.index())).sum()
            };
            let refused: u64 = report.errors.iter().map(|(_, count)| count).sum();
            writeln!(
                f,
                "  {:<6} {:>11} {:>11} {:>11} {:>11} {:>10} {:>8} {:>8}",
                format!("{line:?}"),
                grouped(report.packets),
                grouped(report.messages),
                grouped(of(|stream, line| stream.lines[line].first)),
                grouped(of(|stream, line| stream.missing[line])),
                grouped(of(|stream, line| stream.lines[line].duplicates)),
                grouped(of(|stream, line| stream.lines[line].late)),
                grouped(refused),
            )?;
            for (error, count) in &report.errors {
                writeln!(f, "         {} x {}", grouped(*count), error.message())?;
            }
        }
        write_streams(f, &self.feed)?;
        if let Some(injected) = &self.injected {
            writeln!(
                f,
                "  put in by the demo: dropped A {} B {} (both {}), duplicated A {} B {}, \
                 held back A {} B {}",
                injected.dropped[0],
                injected.dropped[1],
                injected.dropped_on_both,
                injected.duplicated[0],
                injected.duplicated[1],
                injected.reordered[0],
                injected.reordered[1]
            )?;
        }
        for (reason, count) in &self.feed.skipped_frames {
            writeln!(f, "  {} frames skipped: {}", grouped(*count), reason.message())?;
        }
        if self.feed.foreign_datagrams > 0 {
            let foreign = grouped(self.feed.foreign_datagrams);
            writeln!(f, "  {foreign} datagrams to other groups left out")?;
        }
        if self.feed.ring_stalls > 0 {
            let stalls = grouped(self.feed.ring_stalls);
            writeln!(f, "  the ring to the core was full {stalls} times; the feed waited")?;
        }
        Ok(())
    }

    fn write_core(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &self.core;
        let counters = &core.counters;
        let rate = counters.events as f64 / self.elapsed.as_secs_f64().max(1e-9);
        writeln!(f, "\n{}", format!("Core: {} {}", self.strategy, self.parameters).trim_end())?;
        writeln!(
            f,
            "  events  {} in {:.2} s ({} a second), {} trades, {} spread, until {}",
            grouped(counters.events),
            self.elapsed.as_secs_f64(),
            grouped(rate as u64),
            grouped(counters.trades),
            grouped(counters.spread_events),
            clock_of(core.exchange_time),
        )?;
        writeln!(
            f,
            "  books   {} instruments, {} live orders, {} stale; {} events named unknown orders",
            grouped(core.instruments as u64),
            grouped(core.book_orders),
            core.stale_instruments,
            grouped(counters.orders_unknown),
        )?;
        writeln!(
            f,
            "  orders  {} new, {} changes, {} cancels; at most {} messages in one second",
            grouped(counters.new_orders),
            grouped(counters.replaces),
            grouped(counters.cancels),
            core.messages_peak,
        )?;
        let refused: u64 = core.refusals.iter().map(|(_, count)| count).sum();
        writeln!(
            f,
            "  fills   {} ({} passive), {} requests refused before they left",
            grouped(counters.fills),
            grouped(counters.passive_fills),
            grouped(refused)
        )?;
        for (reason, count) in &core.refusals {
            writeln!(f, "          {:>7} x {}", grouped(*count), reason.message())?;
        }
        if let Some(reason) = core.stopped {
            writeln!(f, "  trading was stopped before the end: {}", reason.message())?;
        }
        Ok(())
    }

    fn write_positions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.core.positions.is_empty() {
            return writeln!(f, "\nProfit and loss: nothing was traded");
        }
        writeln!(f, "\nProfit and loss, in rupees, before charges")?;
        writeln!(
            f,
            "  {:<28} {:>8} {:>8} {:>8} {:>14} {:>14}",
            "instrument", "bought", "sold", "net", "realised", "unrealised"
        )?;
        for line in &self.core.positions {
            let position = &line.position;
            writeln!(
                f,
                "  {:<28} {:>8} {:>8} {:>8} {:>14} {:>14}",
                line.instrument.to_string(),
                position.bought,
                position.sold,
                position.net,
                position.realised,
                position.unrealised()
            )?;
        }
        writeln!(f, "  {:<28} {:>56}", "total", self.core.profit.to_string())
    }

    fn write_latency(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nLatency in nanoseconds (pricing kernel {})", self.kernel)?;
        writeln!(
            f,
            "  {:<24} {:>10} {:>9} {:>9} {:>9} {:>11}",
            "stage", "count", "p50", "p99", "p99.9", "max"
        )?;
        for stage in PathStage::ALL {
            let histogram = self.latencies.stage(stage);
            if histogram.count() == 0 {
                continue;
            }
            writeln!(
                f,
                "  {:<24} {:>10} {:>9} {:>9} {:>9} {:>11}",
                stage.title(),
                grouped(histogram.count()),
                grouped(histogram.quantile(0.5)),
                grouped(histogram.quantile(0.99)),
                grouped(histogram.quantile(0.999)),
                grouped(histogram.max())
            )?;
        }
        if !self.is_paced {
            writeln!(
                f,
                "  At full speed packets queue: latency from the packet on is that of the queue."
            )?;
        }
        Ok(())
    }

    fn write_journal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nState {:016x}", self.core.state_hash)?;
        let Some(path) = &self.journal else {
            return writeln!(f, "No journal was kept.");
        };
        let path = path.display();
        if let Some(stats) = &self.journal_stats {
            let (records, mib) = (grouped(stats.records), stats.bytes as f64 / 1_048_576.0);
            writeln!(f, "Journal {path}: {records} records, {mib:.1} MiB")?;
        } else {
            writeln!(f, "Journal {path}")?;
        }
        Ok(())
    }
}

fn write_streams(f: &mut fmt::Formatter<'_>, feed: &FeedReport) -> fmt::Result {
    for stream in &feed.streams {
        let gaps = &stream.gaps;
        writeln!(
            f,
            "  stream {}: {} delivered; {} gaps of {} messages: {} came late, {} from the other \
             line, {} by recovery, {} lost",
            stream.stream,
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
        if stream.restarts > 0 {
            writeln!(f, "    began again at 1 {} times", stream.restarts)?;
        }
        if !stream.lost.is_empty() {
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
            let more = if hidden > 0 { format!(" and {hidden} more") } else { String::new() };
            writeln!(f, "    lost on both lines: {list}{more}")?;
        }
    }
    Ok(())
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time to the millisecond, or a dash for one not known.
fn clock_of(time: Nanos) -> String {
    if time == Nanos::ZERO {
        return "-".into();
    }
    let text = time.to_string();
    text.get(..text.len() - 6).unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_times_cut_to_milliseconds() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let time = Nanos::from_ist(2026, 11, 20, 9, 15, 0).plus(1_234_567);
        assert_eq!(clock_of(time), "2026-11-20 09:15:00.001");
    }
}
