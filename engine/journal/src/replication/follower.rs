//! The follower's half of a connection: takes in what the leader sends, and says how far it came.

use tezi_model::Nanos;

use super::{
    Ending, Timing, is_past,
    outbox::Outbox,
    wire::{
        Ack, BatchFrame, Decoder, Hello, Message, PROTOCOL_VERSION, Refusal, RefusalReason, Welcome,
    },
};
use crate::{FORMAT_VERSION, SegmentHeader};

/// What a follower holds of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Names the journal.
    pub session_id: u64,
    /// The last sequence; 0 when there is no record.
    pub sequence_last: u64,
    /// That record's checksum; 0 when there is no record.
    pub crc_last: u32,
}

/// Where a follower keeps the journal. [`super::Replica`] is the one on disks.
pub trait ReplicaStore {
    /// What is there; `None` while there is no journal.
    fn held(&self) -> Option<Held>;

    /// The last sequence on the disk; 0 where the journal does not say.
    fn durable(&self) -> u64;

    /// Makes the segment the one that records come from: the present one, or the next.
    ///
    /// # Errors
    ///
    /// What the leader is told.
    fn begin(&mut self, header: &SegmentHeader) -> Result<(), RefusalReason>;

    /// Appends the records of a batch, each checked before it is.
    ///
    /// # Errors
    ///
    /// What the leader is told. Records before the fault are in the journal.
    fn append(&mut self, batch: &BatchFrame<'_>) -> Result<(), RefusalReason>;

    /// The leader's journal has ended and is here whole: nothing more will come. The journal is as a
    /// host leaves it, on the disk.
    ///
    /// # Errors
    ///
    /// What the leader is told.
    fn complete(&mut self) -> Result<(), RefusalReason>;
}

/// Where a follower's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The leader has not said who it is.
    Greeting,
    /// Records come.
    Following,
    /// Nothing more is taken in; what is to be sent still is.
    Over(Ending),
}

/// One connection of a follower.
///
/// # Invariants
///
/// - What was acknowledged as appended was in the store before.
#[derive(Debug)]
pub struct FollowerSession {
    state: State,
    timing: Timing,
    decoder: Decoder,
    out: Outbox,
    /// What the leader was told last.
    told: Ack,
    /// The last sequence of the leader's journal, as it last said.
    leader_last: u64,
    heard_at: Nanos,
}

impl FollowerSession {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(timing: Timing, now: Nanos) -> Self {
        Self {
            state: State::Greeting,
            timing,
            decoder: Decoder::default(),
            out: Outbox::default(),
            told: Ack::default(),
            leader_last: 0,
            heard_at: now,
        }
    }

    /// Takes in what was read, appends what came whole, and has one acknowledgement to send for it.
    pub fn on_bytes(&mut self, bytes: &[u8], store: &mut impl ReplicaStore, now: Nanos) {
        self.heard_at = now;
        self.decoder.push(bytes);
        let mut is_due = false;
        while !matches!(self.state, State::Over(_)) {
            let message = match self.decoder.next_message() {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(fault) => return self.refuse(fault.reason(), 0, 0),
            };
            match (self.state, message) {
                (State::Greeting, Message::Hello(hello)) => self.on_hello(&hello, store),
                (State::Following, Message::Segment(header)) => {
                    if let Err(reason) = store.begin(&header) {
                        return self.refuse(reason, header.base_sequence, next(store));
                    }
                }
                (State::Following, Message::Batch(batch)) => {
                    let (first, appended) = (batch.first, store.append(&batch));
                    is_due = true;
                    if let Err(reason) = appended {
                        return self.refuse(reason, first, next(store));
                    }
                }
                (State::Following, Message::Heartbeat { sequence }) => {
                    self.leader_last = sequence;
                    is_due = true;
                }
                (State::Following, Message::End { sequence }) => self.on_end(sequence, store),
                (_, Message::Refusal(refusal)) => {
                    self.state = State::Over(Ending::RefusedByPeer(refusal));
                }
                _ => return self.refuse(RefusalReason::Malformed, 0, 0),
            }
        }
        if is_due && self.state == State::Following {
            self.acknowledge(store);
        }
    }

    /// Lets time pass: tells what has reached the disk since, and ends a connection that is silent.
    pub fn on_turn(&mut self, store: &impl ReplicaStore, now: Nanos) {
        if self.state == State::Following && self.told.durable < store.durable() {
            self.acknowledge(store);
        }
        let is_running = !matches!(self.state, State::Over(_));
        if is_running && is_past(now, self.heard_at, self.timing.timeout_ns) {
            self.state = State::Over(Ending::Silent);
        }
    }

    /// Ends the connection in order; the leader is told.
    pub fn stop(&mut self, store: &impl ReplicaStore) {
        if matches!(self.state, State::Over(_)) {
            return;
        }
        if self.state == State::Following {
            self.acknowledge(store);
        }
        Message::End { sequence: self.told.appended }.encode(self.out.end());
        self.state = State::Over(Ending::Stopped);
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

    /// Why the connection is over, once it is. What is unsent is still worth sending.
    #[must_use]
    pub const fn ending(&self) -> Option<Ending> {
        match self.state {
            State::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// Whether records come.
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.state == State::Following
    }

    /// The last sequence of the leader's journal, as it last said.
    #[must_use]
    pub const fn leader_last(&self) -> u64 {
        self.leader_last
    }

    /// When the leader was last heard.
    #[must_use]
    pub const fn heard_at(&self) -> Nanos {
        self.heard_at
    }

    /// Refuses the leader for a reason that lies outside of the connection.
    pub fn refuse(&mut self, reason: RefusalReason, leader: u64, follower: u64) {
        let refusal = Refusal { reason, leader, follower };
        Message::Refusal(refusal).encode(self.out.end());
        self.state = State::Over(Ending::Refused(refusal));
    }

    fn on_hello(&mut self, hello: &Hello, store: &impl ReplicaStore) {
        if hello.protocol != PROTOCOL_VERSION {
            let (leader, own) = (u64::from(hello.protocol), u64::from(PROTOCOL_VERSION));
            return self.refuse(RefusalReason::Protocol, leader, own);
        }
        if hello.format != FORMAT_VERSION {
            let (leader, own) = (u64::from(hello.format), u64::from(FORMAT_VERSION));
            return self.refuse(RefusalReason::Format, leader, own);
        }
        let held = store.held();
        if let Some(other) = held.filter(|it| it.session_id != hello.session_id) {
            let reason = RefusalReason::OtherJournal;
            return self.refuse(reason, hello.session_id, other.session_id);
        }
        self.leader_last = hello.sequence_last;
        let sequence_last = held.map_or(0, |it| it.sequence_last);
        self.told = Ack { appended: sequence_last, durable: store.durable() };
        let welcome = Welcome {
            protocol: PROTOCOL_VERSION,
            format: FORMAT_VERSION,
            session_id: held.map_or(0, |it| it.session_id),
            sequence_next: sequence_last + 1,
            crc_last: held.map_or(0, |it| it.crc_last),
            durable: self.told.durable,
        };
        Message::Welcome(welcome).encode(self.out.end());
        self.state = State::Following;
    }

    fn on_end(&mut self, sequence: u64, store: &mut impl ReplicaStore) {
        self.leader_last = sequence;
        if next(store) != sequence + 1 {
            return self.refuse(RefusalReason::Gap, sequence, next(store));
        }
        if let Err(reason) = store.complete() {
            return self.refuse(reason, sequence, next(store));
        }
        self.acknowledge(store);
        Message::End { sequence }.encode(self.out.end());
        self.state = State::Over(Ending::Complete);
    }

    fn acknowledge(&mut self, store: &impl ReplicaStore) {
        self.told = Ack { appended: next(store) - 1, durable: store.durable() };
        Message::Ack(self.told).encode(self.out.end());
    }
}

/// The sequence that a store wants next.
fn next(store: &impl ReplicaStore) -> u64 {
    store.held().map_or(1, |held| held.sequence_last + 1)
}
