//! A stream that neither line says anything of: its books may be wrong without a number missing.
//!
//! The exchange says a heartbeat when there is nothing else to say, so a silence that is longer than
//! that is a fault, of the lines or of the exchange. Looked at a few times within the limit, by what
//! was counted since: the path of a message knows nothing of it.

use tezi_model::{Event, EventKind, Nanos};

use super::batch::Batch;
use super::stream::Stream;

/// Looks within the limit: a silence is known this part of it late at most.
const LOOKS: i64 = 8;
/// While it is silent: how soon it is known to be heard again, in nanoseconds.
const SILENT_LOOK_NS: i64 = 1_000_000;

/// What was last heard of a stream, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// How long a stream may be silent, in nanoseconds; 0 for as long as it likes.
    limit_ns: i64,
    /// Heartbeats of it, on both lines.
    pub(super) heartbeats: u64,
    /// What both lines had said of it at the last look.
    said: u64,
    /// The first look at which they had said so much.
    since: Nanos,
    /// When to look next; [`Nanos::MAX`] for never.
    look_at: Nanos,
    /// Whether it was reported stale for its silence, and nothing else took that over.
    pub(super) is_silent: bool,
    /// How often it was.
    pub(super) silences: u64,
}

impl Watch {
    pub(super) const fn new(limit_ns: i64) -> Self {
        Self {
            limit_ns,
            heartbeats: 0,
            said: 0,
            since: Nanos::ZERO,
            // The first look is the beginning of the watch.
            look_at: if limit_ns > 0 { Nanos::ZERO } else { Nanos::MAX },
            is_silent: false,
            silences: 0,
        }
    }
}

impl Stream {
    /// When it is to be seen whether the stream is heard.
    pub(super) const fn look_at(&self) -> Nanos {
        self.watch.look_at
    }

    /// Whether the stream was heard of: stale when it was not for too long, whole when it is again and
    /// nothing is missing. What is missing makes it stale or whole by its own rules.
    #[cold]
    pub(super) fn look<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        let said = self.messages() + self.watch.heartbeats;
        let was_heard = said != self.watch.said || self.watch.since == Nanos::ZERO;
        if was_heard {
            (self.watch.said, self.watch.since) = (said, now);
        }
        let is_too_long = now.since(self.watch.since) >= self.watch.limit_ns;
        if self.watch.is_silent && was_heard {
            self.end_silence(now, out);
        } else if !self.watch.is_silent && is_too_long && self.next != 0 && !self.is_stale() {
            self.watch.is_silent = true;
            self.watch.silences += 1;
            out.push(&self.notice(EventKind::StreamStale, self.next, now));
        }
        let pause =
            if self.watch.is_silent { SILENT_LOOK_NS } else { self.watch.limit_ns / LOOKS + 1 };
        self.watch.look_at = now.plus(pause);
    }

    /// The stream is heard again. A number that shows missing now is waited for first.
    fn end_silence<F: FnMut(&Event)>(&mut self, now: Nanos, out: &mut Batch<'_, F>) {
        if !self.open_gaps.is_empty() {
            self.watch.said = 0; // looked at again
            return;
        }
        self.watch.is_silent = false;
        if !self.is_stale() {
            out.push(&self.notice(EventKind::StreamWhole, self.next - 1, now));
        }
    }
}
