//! Two lines and a re-request server in, one sequence out.

use tezi_model::Nanos;

use super::PacketError;
use super::config::{ConfigError, GapCounters, SequencerConfig, Source, SourceCounters, Start};
use super::hold::Hold;
use super::layout::{RequestPacket, Session};
use super::packet::{Packet, PacketKind, decode};
use crate::wire::big_endian::{BeU16, BeU64};

/// What a sequencer gives out, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The next message.
    Message {
        /// Its number.
        sequence: u64,
        /// How its first copy came.
        source: Source,
        /// It.
        bytes: &'a [u8],
    },
    /// Messages are missing and awaited: what was built from the stream may be behind.
    Stale {
        /// The first of them.
        first: u64,
    },
    /// Nothing is missing any more; not said of what was lost before.
    Whole {
        /// The number due next.
        next: u64,
    },
    /// Messages are given up.
    Gap {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// The session is over, and everything of it was given out or given up.
    EndOfSession {
        /// The number that would have been next.
        next: u64,
    },
}

/// The wait for the message due next.
#[derive(Clone, Copy, Debug)]
struct Wait {
    /// When to ask, or to ask again, or to give up.
    deadline: Nanos,
    /// Requests made since the last progress.
    requests: u32,
    /// The number it is for.
    first: u64,
}

/// Orders the messages of one session. Sans-I/O: bytes and times in, messages and requests out.
///
/// Any packet of any source may come at any time, whole or overlapping others. Each number is given
/// out once and in order, as its message or within a [`Delivery::Gap`].
///
/// # Invariants
///
/// - Every number below `next` was given out, or precedes the start.
/// - `next <= end`; the numbers of `next..end` are held or missing, and `next` itself is not held.
/// - What is held is below `next + window`, so each has a slot of its own.
/// - `wait` is there exactly when `next < end`.
#[derive(Clone, Debug)]
pub struct Sequencer {
    config: SequencerConfig,
    session: Option<Session>,
    /// The number due next; 0 before the start is known.
    next: u64,
    /// The number after the last one known to have been sent.
    end: u64,
    /// An end-of-session packet came.
    is_ending: bool,
    /// The end of the session was given out.
    has_ended: bool,
    /// The last implausible number, 0 for none: a second one near it confirms it.
    suspect: u64,
    wait: Option<Wait>,
    hold: Hold,
    sources: [SourceCounters; Source::COUNT],
    gaps: GapCounters,
}

impl Sequencer {
    /// A sequencer for the session of the first packet that comes.
    ///
    /// # Errors
    ///
    /// A [`ConfigError`].
    pub fn new(config: SequencerConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let next = if let Start::At(first) = config.start { first } else { 0 };
        Ok(Self {
            config,
            session: None,
            next,
            end: next,
            is_ending: false,
            has_ended: false,
            suspect: 0,
            wait: None,
            hold: Hold::new(config.window, config.message_size_max),
            sources: [SourceCounters::default(); Source::COUNT],
            gaps: GapCounters::default(),
        })
    }

    /// Takes one packet, and gives out what is due now.
    ///
    /// # Errors
    ///
    /// A [`PacketError`], which is counted; the state is as before.
    #[inline]
    pub fn on_packet(
        &mut self,
        source: Source,
        bytes: &[u8],
        now: Nanos,
        mut sink: impl FnMut(Delivery<'_>),
    ) -> Result<(), PacketError> {
        self.sources[source.index()].packets += 1;
        let packet = match decode(bytes).and_then(|packet| self.admit(&packet).map(|()| packet)) {
            Ok(packet) => packet,
            Err(error) => {
                self.sources[source.index()].refused[error as usize] += 1;
                return Err(error);
            }
        };
        if packet.kind() == PacketKind::Messages {
            self.on_messages(source, &packet, &mut sink);
        } else {
            self.sources[source.index()].heartbeats += 1;
            self.end = self.end.max(packet.sequence());
            self.is_ending |= packet.kind() == PacketKind::EndOfSession;
        }
        self.settle(now, &mut sink);
        Ok(())
    }

    /// Gives up what was awaited too long, and gives out what that lets go.
    pub fn on_timeout(&mut self, now: Nanos, mut sink: impl FnMut(Delivery<'_>)) {
        while let Some(wait) = self.wait {
            if now < wait.deadline || wait.requests < self.config.requests_max {
                return;
            }
            self.give_up(&mut sink);
            self.settle(now, &mut sink);
        }
    }

    /// The request to send now, `None` when nothing is to be asked for.
    pub fn poll_request(&mut self, now: Nanos) -> Option<RequestPacket> {
        let (session, last) = (self.session?, self.missing_end());
        let wait = self.wait.as_mut()?;
        if now < wait.deadline || wait.requests >= self.config.requests_max {
            return None;
        }
        wait.requests += 1;
        wait.deadline = now.plus(self.config.retry_ns);
        self.gaps.requests += 1;
        let count = (last - self.next).min(u64::from(self.config.request_messages_max));
        Some(RequestPacket {
            session,
            sequence_number: BeU64::new(self.next),
            message_count: BeU16::new(count as u16),
        })
    }

    /// When [`Sequencer::poll_request`] or [`Sequencer::on_timeout`] will have something to do.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        self.wait.map(|wait| wait.deadline)
    }

    /// Gives up everything that is missing: no more packets will come.
    pub fn finish(&mut self, mut sink: impl FnMut(Delivery<'_>)) {
        while self.wait.is_some() {
            self.give_up(&mut sink);
            self.settle(Nanos::MAX, &mut sink);
        }
    }

    /// Forgets the session and begins anew with the next packet; counters go on.
    pub fn reset(&mut self) {
        self.hold.clear();
        self.next = if let Start::At(first) = self.config.start { first } else { 0 };
        self.end = self.next;
        (self.session, self.wait, self.suspect) = (None, None, 0);
        (self.is_ending, self.has_ended) = (false, false);
    }

    /// The session that is on, `None` before the first packet.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// The number due next, `None` before the start is known.
    #[must_use]
    pub const fn next_sequence(&self) -> Option<u64> {
        if self.next == 0 { None } else { Some(self.next) }
    }

    /// Messages that wait for an earlier one.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.hold.held()
    }

    /// What became of a source's packets.
    #[must_use]
    pub const fn source(&self, source: Source) -> &SourceCounters {
        &self.sources[source.index()]
    }

    /// How gaps opened and ended.
    #[must_use]
    pub const fn gaps(&self) -> &GapCounters {
        &self.gaps
    }

    /// Whether every invariant holds. For tests; O(window).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let ahead = self.end - self.next;
        let held = (self.next..self.end.min(self.next.saturating_add(self.hold.window())))
            .filter(|&sequence| self.hold.contains(sequence))
            .count() as u64;
        held == self.hold.held()
            && self.wait.is_some() == (ahead > 0)
            && self.wait.is_none_or(|wait| wait.first == self.next)
            && (ahead == 0 || !self.hold.contains(self.next))
    }

    /// Whether a packet belongs here; the first one says what the session is, and so does the
    /// first one after a session's end.
    #[inline]
    fn admit(&mut self, packet: &Packet<'_>) -> Result<(), PacketError> {
        if self.session.as_ref() == Some(packet.session()) {
            return self.check_jump(self.end, packet.sequence());
        }
        self.admit_session(packet)
    }

    #[cold]
    fn admit_session(&mut self, packet: &Packet<'_>) -> Result<(), PacketError> {
        if self.session.is_some() && !self.has_ended {
            return Err(PacketError::ForeignSession);
        }
        let first = match self.config.start {
            Start::At(first) => first,
            Start::FirstSeen => packet.sequence(),
        };
        self.check_jump(first, packet.sequence())?;
        self.reset();
        self.session = Some(*packet.session());
        (self.next, self.end) = (first, first);
        Ok(())
    }

    #[inline]
    fn check_jump(&mut self, end: u64, sequence: u64) -> Result<(), PacketError> {
        if sequence.saturating_sub(end) < self.config.jump_max {
            return Ok(());
        }
        self.confirm(sequence)
    }

    #[cold]
    fn confirm(&mut self, sequence: u64) -> Result<(), PacketError> {
        let before = core::mem::replace(&mut self.suspect, sequence);
        if before == 0 || before.abs_diff(sequence) >= self.config.jump_max {
            return Err(PacketError::ImplausibleSequence);
        }
        self.suspect = 0;
        Ok(())
    }

    #[inline]
    fn on_messages(
        &mut self,
        source: Source,
        packet: &Packet<'_>,
        sink: &mut impl FnMut(Delivery<'_>),
    ) {
        let counters = source.index();
        for (bytes, sequence) in packet.messages().zip(packet.sequence()..) {
            if sequence == self.next && self.hold.held() == 0 {
                self.next += 1;
                self.end = self.end.max(self.next);
                self.sources[counters].first += 1;
                sink(Delivery::Message { sequence, source, bytes });
            } else {
                self.on_message_out_of_order(source, sequence, bytes, sink);
            }
        }
    }

    #[cold]
    fn on_message_out_of_order(
        &mut self,
        source: Source,
        sequence: u64,
        bytes: &[u8],
        sink: &mut impl FnMut(Delivery<'_>),
    ) {
        let counters = source.index();
        if sequence < self.next {
            self.sources[counters].redundant += 1;
            return;
        }
        if sequence == self.next {
            self.next += 1;
            self.end = self.end.max(self.next);
            self.sources[counters].first += 1;
            sink(Delivery::Message { sequence, source, bytes });
            self.drain(sink);
            return;
        }
        self.end = self.end.max(sequence + 1);
        while sequence - self.next >= self.hold.window() {
            self.give_up_below(sequence, sink);
            self.drain(sink);
        }
        if sequence == self.next {
            // Everything before it is given up: it is due.
            self.on_message_out_of_order(source, sequence, bytes, sink);
        } else if !self.hold.fits(bytes) {
            self.sources[counters].unheld += 1;
        } else if self.hold.insert(sequence, source, bytes) {
            self.sources[counters].first += 1;
        } else {
            self.sources[counters].redundant += 1;
        }
    }

    /// Gives out the messages that waited for the one just given out.
    fn drain(&mut self, sink: &mut impl FnMut(Delivery<'_>)) {
        while let Some((source, bytes)) = self.hold.take(self.next) {
            sink(Delivery::Message { sequence: self.next, source, bytes });
            self.next += 1;
        }
    }

    /// Begins, keeps or ends the wait, as what is missing now asks for; then the session's end.
    #[inline]
    fn settle(&mut self, now: Nanos, sink: &mut impl FnMut(Delivery<'_>)) {
        if self.next < self.end || self.wait.is_some() || self.is_ending {
            self.settle_wait(now, sink);
        }
    }

    #[cold]
    fn settle_wait(&mut self, now: Nanos, sink: &mut impl FnMut(Delivery<'_>)) {
        let first = self.next;
        let was_waiting = self.wait.is_some();
        if first < self.end {
            if self.wait.is_none_or(|wait| wait.first != first) {
                // Progress: what is still missing may be on its way too.
                let deadline = now.plus(self.config.request_after_ns);
                self.wait = Some(Wait { deadline, requests: 0, first });
            }
            if !was_waiting {
                self.gaps.opened += 1;
                sink(Delivery::Stale { first });
            }
            return;
        }
        self.wait = None;
        if was_waiting {
            sink(Delivery::Whole { next: first });
        }
        if self.is_ending && !self.has_ended {
            self.has_ended = true;
            sink(Delivery::EndOfSession { next: first });
        }
    }

    /// The number after the missing ones that begin at `next`.
    fn missing_end(&self) -> u64 {
        if self.hold.held() == 0 {
            return self.end;
        }
        let mut sequence = self.next;
        while sequence < self.end && !self.hold.contains(sequence) {
            sequence += 1;
        }
        sequence
    }

    fn give_up(&mut self, sink: &mut impl FnMut(Delivery<'_>)) {
        self.give_up_below(self.end, sink);
        self.drain(sink);
    }

    /// Gives up the missing numbers from `next` on, as far as they are below `bound`.
    fn give_up_below(&mut self, bound: u64, sink: &mut impl FnMut(Delivery<'_>)) {
        let after = self.missing_end().min(bound);
        assert!(self.next < after, "only missing messages are given up");
        let (first, last) = (self.next, after - 1);
        // Sessions of a server that lies can each lose nearly all numbers there are.
        self.gaps.lost = self.gaps.lost.saturating_add(after - first);
        self.next = after;
        sink(Delivery::Gap { first, last });
    }
}

impl RequestPacket {
    /// The bytes to send.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
        bytemuck::cast(*self)
    }

    /// The request that a packet is, for a server; `None` when it has another size.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytemuck::try_from_bytes(bytes).ok().copied()
    }
}
