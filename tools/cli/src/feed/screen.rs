//! The monitor's screen: one view and the one before it as lines of text, and how they reach a
//! terminal or a file.

use std::io::{self, IsTerminal, Write};

use tezi::feed_handler::feed::{Channel, StreamCounts};
use tezi::model::{Nanos, TradingStatus};
use tezi::monitor::{BookView, MonitorView};

use crate::text::{date_time, grouped};

/// Streams shown; those with the most messages come first.
const STREAMS_SHOWN: usize = 8;
/// Digits of a time of day that are shown: milliseconds.
const TIME_DIGITS_LEFT_OUT: usize = 6;

/// Rewrites a terminal in place, or prints a line a view elsewhere.
pub(super) struct Screen {
    is_quiet: bool,
    is_terminal: bool,
    last: Option<MonitorView>,
}

impl Screen {
    pub(super) fn new(is_quiet: bool) -> Self {
        Self { is_quiet, is_terminal: io::stdout().is_terminal(), last: None }
    }

    /// Shows a view. That nobody looks any more stops no feed.
    pub(super) fn show(&mut self, view: MonitorView) {
        if self.is_quiet {
            return;
        }
        let mut text = String::new();
        if self.is_terminal {
            // The first view clears the screen and hides the cursor; each goes home, and erases
            // what is right of its lines and below them.
            text += if self.last.is_none() { "\x1b[2J\x1b[?25l\x1b[H" } else { "\x1b[H" };
            for line in lines(&view, self.last.as_ref()) {
                text += &line;
                text += "\x1b[K\r\n";
            }
            text += "\x1b[J";
        } else {
            text += &summary_line(&view, self.last.as_ref());
            text.push('\n');
        }
        self.last = Some(view);
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Gives the terminal back.
    pub(super) fn close(&self) {
        if self.is_terminal && self.last.is_some() {
            let _ = io::stdout().write_all(b"\x1b[?25h\n");
        }
    }
}

/// How much a count grows in a second, between two views.
fn rate(view: &MonitorView, last: Option<&MonitorView>, count: fn(&MonitorView) -> u64) -> u64 {
    let before = last.map_or(0, count);
    let since = last.map_or(view.elapsed, |last| view.elapsed.saturating_sub(last.elapsed));
    (count(view).saturating_sub(before) as f64 / since.as_secs_f64().max(1e-3)) as u64
}

/// One view in one line.
fn summary_line(view: &MonitorView, last: Option<&MonitorView>) -> String {
    format!(
        "{}  {} packets ({}/s)  {} events ({}/s)  {} lost  {} dropped by the kernel  {} of {} \
         instruments stale",
        clock_of(view.exchange_time),
        grouped(view.source.datagrams),
        grouped(rate(view, last, |view| view.source.datagrams)),
        grouped(view.events),
        grouped(rate(view, last, |view| view.events)),
        grouped(view.feed.lost()),
        grouped(view.source.dropped_by_kernel),
        view.stale,
        view.instruments,
    )
}

/// One view as a screen of lines.
fn lines(view: &MonitorView, last: Option<&MonitorView>) -> Vec<String> {
    let mut lines = vec![
        format!(
            "tezi feed  {}  exchange {}  up {:.0} s",
            view.feed.protocol,
            clock_of(view.exchange_time),
            view.elapsed.as_secs_f64()
        ),
        format!(
            "  {} packets/s  {} MB/s  {} events/s  {} trades/s",
            grouped(rate(view, last, |view| view.source.datagrams)),
            rate(view, last, |view| view.source.bytes) / 1_000_000,
            grouped(rate(view, last, |view| view.events)),
            grouped(rate(view, last, |view| view.trades)),
        ),
        format!(
            "  {} instruments ({} stale)  {} orders  {} events  {} dropped by the kernel",
            grouped(view.instruments as u64),
            view.stale,
            grouped(view.orders as u64),
            grouped(view.events),
            grouped(view.source.dropped_by_kernel),
        ),
        String::new(),
    ];
    line_table(view, &mut lines);
    stream_table(view, &mut lines);
    if let Some(audit) = &view.audit {
        lines.push(format!(
            "  audit       {} comparisons of {} orders: {} differences; {} not made",
            audit.compared,
            grouped(audit.orders),
            audit.differences,
            audit.not_made
        ));
        lines.extend(audit.findings.iter().map(|finding| format!("    {finding}")));
        lines.push(String::new());
    }
    for book in &view.books {
        book_table(book, &mut lines);
    }
    lines
}

fn line_table(view: &MonitorView, lines: &mut Vec<String>) {
    lines.push(format!(
        "  {:<11} {:>12} {:>12} {:>11} {:>10} {:>8} {:>8}",
        "line", "packets", "messages", "missing", "duplicate", "late", "refused"
    ));
    for line in &view.feed.lines {
        let sum = |count: &dyn Fn(&StreamCounts, usize) -> u64| match line.channel {
            Channel::Line(it) => {
                let streams = view.feed.streams.iter();
                grouped(streams.map(|stream| count(stream, it.index())).sum())
            }
            Channel::Snapshot(_) | Channel::Reply => "-".into(),
        };
        let refused: u64 = line.refused.iter().map(|(_, count)| count).sum();
        lines.push(format!(
            "  {:<11} {:>12} {:>12} {:>11} {:>10} {:>8} {:>8}",
            line.channel,
            grouped(line.packets),
            grouped(line.messages),
            sum(&|stream, line| stream.missing[line]),
            sum(&|stream, line| stream.lines[line].duplicates),
            sum(&|stream, line| stream.lines[line].late),
            grouped(refused),
        ));
    }
    lines.push(String::new());
}

fn stream_table(view: &MonitorView, lines: &mut Vec<String>) {
    lines.push(format!(
        "  {:<11} {:>12} {:>8} {:>10} {:>10} {:>8}  {}",
        "stream", "delivered", "gaps", "recovered", "lost", "restarts", "state"
    ));
    let mut streams: Vec<&StreamCounts> = view.feed.streams.iter().collect();
    streams.sort_by_key(|stream| std::cmp::Reverse(stream.delivered));
    for stream in streams.iter().take(STREAMS_SHOWN) {
        lines.push(format!(
            "  {:<11} {:>12} {:>8} {:>10} {:>10} {:>8}  {}",
            stream.name,
            grouped(stream.delivered),
            grouped(stream.gaps.opened),
            grouped(stream.gaps.recovered),
            grouped(stream.gaps.lost),
            stream.restarts,
            if stream.is_whole { "whole" } else { "STALE" },
        ));
    }
    if streams.len() > STREAMS_SHOWN {
        lines.push(format!("  and {} more", streams.len() - STREAMS_SHOWN));
    }
    lines.push(String::new());
}

fn book_table(book: &BookView, lines: &mut Vec<String>) {
    let last = book.last_trade.map_or("-".into(), |price| price.to_string());
    let mut title = format!("  {}  last {last}  volume {}", book.instrument, grouped(book.volume));
    if book.status != TradingStatus::Unknown {
        title += &format!("  {}", book.status.name());
    }
    if book.is_stale {
        title += "  STALE";
    }
    lines.push(title);
    for index in 0..book.bids.len().max(book.asks.len()) {
        let bid = book.bids.get(index).map_or(format!("{:>34}", ""), |level| {
            format!("{:>6} {:>12} {:>14}", level.orders, level.quantity, level.price)
        });
        let ask = book.asks.get(index).map_or(String::new(), |level| {
            format!("{:<14} {:<12} {:<6}", level.price, level.quantity, level.orders)
        });
        lines.push(format!("  {bid}  |  {ask}"));
    }
    lines.push(String::new());
}

/// A time to the millisecond.
fn clock_of(time: Nanos) -> String {
    let text = date_time(time);
    let kept = text.len().saturating_sub(TIME_DIGITS_LEFT_OUT).max(1);
    text.get(..kept).unwrap_or(&text).to_string()
}
