//! The leader's half of a connection: says which journal it has, goes on where the follower ends, and
//! hears how far it came.

use std::collections::VecDeque;

use tezi_model::Nanos;

use super::{
    Ending, Timing, is_past,
    outbox::Outbox,
    wire::{
        Ack, BatchFrame, Decoder, Hello, Message, PROTOCOL_VERSION, Refusal, RefusalReason, Welcome,
    },
};
use crate::{Batch, FORMAT_VERSION, SegmentHeader};

/// What the leader's host is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderEvent {
    /// The follower wants records from this sequence on. The host finds the place in its journal and
    /// answers with [`LeaderSession::on_located`] or [`LeaderSession::on_beyond`].
    Wanted {
        /// The first sequence wanted.
        sequence_next: u64,
    },
    /// The follower came further.
    Acknowledged(Ack),
    /// The connection is over; what is unsent is still worth sending.
    Over(Ending),
}

/// Where a leader's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The follower has not answered.
    Greeting,
    /// The host looks for the place in its journal.
    Seeking { sequence_next: u64, crc_last: u32 },
    /// Records are sent.
    Sending,
    /// The journal has ended and everything was sent; the follower is to say that it has it.
    Ending,
    /// Nothing more is taken in.
    Over,
}

/// One connection of a leader.
///
/// # Invariants
///
/// - `sent` is the last sequence that was sent or that the follower held before; the next batch
///   begins behind it.
/// - `acknowledged.appended <= sent`.
#[derive(Debug)]
pub struct LeaderSession {
    state: State,
    timing: Timing,
    session_id: u64,
    decoder: Decoder,
    out: Outbox,
    events: VecDeque<LeaderEvent>,
    /// The segment of the last batch.
    segment: Option<SegmentHeader>,
    sent: u64,
    acknowledged: Ack,
    heard_at: Nanos,
    spoke_at: Nanos,
}

impl LeaderSession {
    /// A connection that was just opened, for the journal of that name and so many records.
    #[must_use]
    pub fn new(session_id: u64, sequence_last: u64, timing: Timing, now: Nanos) -> Self {
        let mut out = Outbox::default();
        Message::Hello(Hello::new(session_id, sequence_last)).encode(out.end());
        Self {
            state: State::Greeting,
            timing,
            session_id,
            decoder: Decoder::default(),
            out,
            events: VecDeque::new(),
            segment: None,
            sent: 0,
            acknowledged: Ack::default(),
            heard_at: now,
            spoke_at: now,
        }
    }

    /// Takes in what was read.
    pub fn on_bytes(&mut self, bytes: &[u8], now: Nanos) {
        self.heard_at = now;
        self.decoder.push(bytes);
        while self.state != State::Over {
            let message = match self.decoder.next_message() {
                Ok(Some(message)) => message,
                Ok(None) => return,
                Err(fault) => return self.refuse(fault.reason(), 0, 0),
            };
            match (self.state, message) {
                (State::Greeting, Message::Welcome(welcome)) => self.on_welcome(&welcome),
                (State::Sending | State::Ending, Message::Ack(ack)) => self.on_ack(ack),
                (State::Ending, Message::End { sequence }) if sequence == self.sent => {
                    self.over(Ending::Complete);
                }
                (_, Message::End { .. }) => self.over(Ending::Stopped),
                (_, Message::Refusal(refusal)) => self.over(Ending::RefusedByPeer(refusal)),
                _ => self.refuse(RefusalReason::Malformed, 0, 0),
            }
        }
    }

    /// The place that was wanted is found; `crc_before` is the checksum of the record before it, 0
    /// where there is none.
    pub fn on_located(&mut self, crc_before: u32) {
        let State::Seeking { sequence_next, crc_last } = self.state else { return };
        if crc_before != crc_last {
            let sequence = sequence_next - 1;
            return self.refuse(RefusalReason::Diverged, sequence, sequence);
        }
        self.state = State::Sending;
        self.sent = sequence_next - 1;
    }

    /// The journal ends with `sequence_last`, before the place that was wanted.
    pub fn on_beyond(&mut self, sequence_last: u64) {
        let State::Seeking { sequence_next, .. } = self.state else { return };
        self.refuse(RefusalReason::FollowerAhead, sequence_last, sequence_next - 1);
    }

    /// Whether the next batch can be sent: everything before it has left.
    #[must_use]
    pub fn wants_batch(&self) -> bool {
        self.state == State::Sending && self.out.unsent().is_empty()
    }

    /// Sends records.
    ///
    /// # Panics
    ///
    /// When they are not the next ones, or none were wanted: a bug of the host.
    pub fn on_batch(&mut self, batch: &Batch<'_>, now: Nanos) {
        assert!(self.state == State::Sending, "records are sent when they are wanted");
        assert!(batch.first == self.sent + 1, "records are sent in order");
        self.announce(&batch.segment);
        let Batch { first, last, records, .. } = *batch;
        let count = (last - first + 1) as u32;
        let frame = BatchFrame { first, segment: batch.segment.number, count, records };
        Message::Batch(frame).encode(self.out.end());
        self.sent = last;
        self.spoke_at = now;
    }

    /// The journal has ended, in that segment, and everything in it was sent.
    pub fn on_journal_end(&mut self, segment: &SegmentHeader, now: Nanos) {
        if self.state == State::Sending {
            // A journal may end with a segment that has no record.
            self.announce(segment);
            Message::End { sequence: self.sent }.encode(self.out.end());
            self.state = State::Ending;
            self.spoke_at = now;
        }
    }

    /// Lets time pass: says that the leader is there, and ends a connection that is silent.
    pub fn on_turn(&mut self, now: Nanos) {
        if self.state == State::Over {
            return;
        }
        if is_past(now, self.heard_at, self.timing.timeout_ns) {
            return self.over(Ending::Silent);
        }
        let is_due = is_past(now, self.spoke_at, self.timing.heartbeat_ns);
        if self.state == State::Sending && is_due && self.out.unsent().is_empty() {
            Message::Heartbeat { sequence: self.sent }.encode(self.out.end());
            self.spoke_at = now;
        }
    }

    /// What happened, in order.
    pub fn poll_event(&mut self) -> Option<LeaderEvent> {
        self.events.pop_front()
    }

    /// What is to be sent.
    #[must_use]
    pub fn unsent(&self) -> &[u8] {
        self.out.unsent()
    }

    /// The socket took so many bytes.
    pub fn on_sent(&mut self, count: usize) {
        self.out.on_sent(count);
    }

    /// The last sequence that was sent, or that the follower held before.
    #[must_use]
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether records are sent.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.state == State::Sending
    }

    fn on_welcome(&mut self, welcome: &Welcome) {
        let Welcome { protocol, format, session_id, sequence_next, crc_last, durable } = *welcome;
        let own = self.session_id;
        if protocol != PROTOCOL_VERSION {
            let (leader, follower) = (u64::from(PROTOCOL_VERSION), u64::from(protocol));
            return self.refuse(RefusalReason::Protocol, leader, follower);
        }
        if format != FORMAT_VERSION {
            let (leader, follower) = (u64::from(FORMAT_VERSION), u64::from(format));
            return self.refuse(RefusalReason::Format, leader, follower);
        }
        if session_id != own && (session_id, sequence_next) != (0, 1) {
            return self.refuse(RefusalReason::OtherJournal, own, session_id);
        }
        self.acknowledged = Ack { appended: sequence_next - 1, durable };
        self.state = State::Seeking { sequence_next, crc_last };
        self.events.push_back(LeaderEvent::Wanted { sequence_next });
    }

    fn announce(&mut self, segment: &SegmentHeader) {
        if self.segment != Some(*segment) {
            self.segment = Some(*segment);
            Message::Segment(*segment).encode(self.out.end());
        }
    }

    fn on_ack(&mut self, ack: Ack) {
        let before = self.acknowledged;
        let is_possible = before.appended <= ack.appended && ack.appended <= self.sent;
        if !is_possible || ack.durable < before.durable || ack.appended < ack.durable {
            return self.refuse(RefusalReason::Malformed, self.sent, ack.appended);
        }
        self.acknowledged = ack;
        self.events.push_back(LeaderEvent::Acknowledged(ack));
    }

    fn refuse(&mut self, reason: RefusalReason, leader: u64, follower: u64) {
        let refusal = Refusal { reason, leader, follower };
        Message::Refusal(refusal).encode(self.out.end());
        self.over(Ending::Refused(refusal));
    }

    fn over(&mut self, ending: Ending) {
        self.state = State::Over;
        self.events.push_back(LeaderEvent::Over(ending));
    }
}
