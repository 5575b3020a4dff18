//! The log of a run for machines: one JSON object a line, one line a notable event.
//!
//! ```text
//! {"time_ns":1795406400000000000,"time":"2026-11-23 10:00:00.000000000","event":"stream_gap", …}
//! ```
//!
//! Every line has `time_ns` (UTC, since the UNIX epoch), `time` (the clock of India) and `event`; what
//! else is in it depends on the event and is listed in `docs/operating/metrics.md`. Written by the
//! observer's thread; the first error ends the log and is told once.

use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tezi_core::UseLevel;
use tezi_core::control::{ControlRecord, Limit};
use tezi_model::{Nanos, RejectReason};

use crate::error::Error;
use crate::observer::{Notice, NoticeKind, open_lines};
use crate::report::Report;

/// Where notable events are written.
pub(crate) struct EventLog {
    path: PathBuf,
    out: Option<Box<dyn Write + Send>>,
    line: String,
    fault: Option<String>,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A line being made.
struct Line<'a>(&'a mut String);

impl Line<'_> {
    fn text(&mut self, key: &str, text: &str) -> &mut Self {
        // Writing to a string does not fail, here and below.
        let _ = write!(self.0, ",\"{key}\":");
        write_string(self.0, text);
        self
    }

    fn number(&mut self, key: &str, number: impl std::fmt::Display) -> &mut Self {
        let _ = write!(self.0, ",\"{key}\":{number}");
        self
    }
}

impl EventLog {
    /// Begins a log in a new file; `-` is standard error.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let out = Some(open_lines(path)?);
        Ok(Self { path: path.to_path_buf(), out, line: String::new(), fault: None })
    }

    /// The run begins. The digest is of `session`, the text of the journal's first record: two runs
    /// with the same one were told the same.
    pub(crate) fn start(
        &mut self,
        now: Nanos,
        session: &str,
        instruments: usize,
        metrics: Option<SocketAddr>,
    ) {
        self.write(now, "start", |line| {
            for (key, value) in session.lines().filter_map(|line| line.split_once(' ')) {
                if ["engine", "strategy", "parameters", "kernel"].contains(&key) {
                    line.text(key, value);
                }
            }
            line.text("settings_digest", &format!("{:016x}", digest(session.as_bytes())));
            line.number("instruments", instruments).number("process", std::process::id());
            if let Some(address) = metrics {
                line.text("metrics", &address.to_string());
            }
        });
    }

    /// Something notable happened on the core.
    pub(crate) fn notice(&mut self, notice: &Notice) {
        let Some(kind) = notice.kind() else { return };
        self.write(notice.time, kind.name(), |line| match kind {
            NoticeKind::SessionUp | NoticeKind::SessionDown => {}
            NoticeKind::Control => {
                line.text("action", ControlRecord::kind_name(notice.code).unwrap_or("unknown"));
                line.number("sequence", notice.first);
            }
            NoticeKind::ReplicaUp | NoticeKind::ReplicaLost | NoticeKind::ReplicaDurableOnly => {
                line.number("sequence", notice.last);
            }
            NoticeKind::SnapshotWritten => {
                line.number("sequence", notice.last);
            }
            NoticeKind::SnapshotFailed => {
                if let Some(code) = i32::try_from(notice.first).ok().filter(|code| *code > 0) {
                    line.text("says", &std::io::Error::from_raw_os_error(code).to_string());
                }
            }
            NoticeKind::Stale => {
                line.text("stream", &notice.stream.to_string()).number("first", notice.first);
            }
            NoticeKind::Whole | NoticeKind::Reset => {
                line.text("stream", &notice.stream.to_string());
            }
            NoticeKind::Gap => {
                line.text("stream", &notice.stream.to_string());
                line.number("first", notice.first).number("last", notice.last);
            }
            NoticeKind::Kill | NoticeKind::Refused => {
                let reason = RejectReason::from_code(notice.code);
                line.text("reason", reason.map_or("unknown", RejectReason::name));
                line.text("says", reason.map_or("", RejectReason::message));
            }
            NoticeKind::LimitUse => {
                let limit = Limit::from_code(notice.code & 0xff);
                let level = UseLevel::from_code((notice.code >> 8) as u8);
                line.text("limit", limit.map_or("unknown", Limit::name));
                line.text("level", level.map_or("unknown", UseLevel::name));
                line.number("value", notice.first.cast_signed());
                line.number("most", notice.last.cast_signed());
            }
            NoticeKind::JournalRoll => {
                line.number("segment", notice.first).number("sequence", notice.last);
            }
        });
    }

    /// The run has ended; the last line.
    pub(crate) fn stop(mut self, now: Nanos, report: &Report) -> Option<String> {
        let core = &report.core;
        self.write(now, "stop", |line| {
            let counters = &core.counters;
            line.number("is_fine", report.is_fine());
            line.number("elapsed_ns", report.elapsed.as_nanos());
            line.number("events", counters.events).number("lost", report.feed.lost());
            line.number("orders_new", counters.new_orders);
            line.number("orders_replace", counters.replaces);
            line.number("orders_cancel", counters.cancels).number("fills", counters.fills);
            line.number("refusals", core.refusals.iter().map(|(_, count)| count).sum::<u64>());
            line.text("profit_rupees", &core.profit.to_string().replace(',', ""));
            line.text("state_hash", &format!("{:016x}", core.state_hash));
            if let Some(stats) = &report.journal_stats {
                line.number("journal_records", stats.records);
            }
            let _ = write!(line.0, ",\"problems\":[");
            for (place, problem) in report.problems().iter().enumerate() {
                line.0.push_str(if place > 0 { "," } else { "" });
                write_string(line.0, problem);
            }
            line.0.push(']');
        });
        self.flush();
        self.fault
    }

    pub(crate) fn flush(&mut self) {
        if let Some(out) = &mut self.out
            && let Err(error) = out.flush()
        {
            self.fail(&error);
        }
    }

    fn write(&mut self, time: Nanos, event: &str, fill: impl FnOnce(&mut Line<'_>)) {
        let Some(out) = &mut self.out else { return };
        self.line.clear();
        let _ = write!(self.line, "{{\"time_ns\":{}", time.0);
        let mut line = Line(&mut self.line);
        line.text("time", &time.to_string()).text("event", event);
        fill(&mut line);
        self.line.push_str("}\n");
        if let Err(error) = out.write_all(self.line.as_bytes()) {
            self.fail(&error);
        }
    }

    #[cold]
    fn fail(&mut self, error: &std::io::Error) {
        self.fault = Some(format!("the log {} stopped: {error}", self.path.display()));
        self.out = None;
    }
}

/// A JSON string (RFC 8259, section 7).
fn write_string(line: &mut String, text: &str) {
    line.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => line.extend(['\\', letter]),
            '\0'..='\x1F' => {
                let _ = write!(line, "\\u{:04x}", u32::from(letter));
            }
            _ => line.push(letter),
        }
    }
    line.push('"');
}

/// FNV-1a of 64 bits (Fowler, Noll, Vo): no secret is kept by it, it only tells texts apart.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_told_apart() {
        let mut line = String::new();
        write_string(&mut line, "a \"b\" \\ \n \u{1} é");
        assert_eq!(line, "\"a \\\"b\\\" \\\\ \\u000a \\u0001 é\"");
        // The published test value of the hash.
        assert_eq!(digest(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
