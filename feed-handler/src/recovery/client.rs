//! The client of the recovery and snapshot services: requests in, connections and answers out.
//!
//! Sans-I/O: the host connects, closes, sends and receives as it is told, and says what happened
//! and when. Each connection carries one request (MTBT 6.7, chapter 13, speaks of one a session).
//! The limits hold by construction: connections begin at least the pause between requests apart,
//! which at 10 ms is also 100 a second; at most 13 are open; requests are sent as soon as their
//! connections stand, the pause apart, which for 13 is well within the second that the server
//! allows. The server counts when they arrive, so the usual pause is longer by the network's jitter.
//!
//! The answer is checked as it streams by, whatever the chunks: reply, stream, every number, the
//! snapshot's size. Never here: retries, which are the arbiter's.

use std::collections::VecDeque;

use tezi_model::Nanos;

use super::session::{Session, State};
use super::{RecoveryFailure, RecoveryReply, RecoveryRequest, Wanted};
use crate::named::named_reasons;

/// The bounds of a [`RecoveryClient`], for one segment and one address of ours.
#[derive(Clone, Copy, Debug)]
pub struct ClientConfig {
    /// Connections at a time, 1 to 13.
    pub connections_max: usize,
    /// Requests that may wait for a connection.
    pub queue_max: usize,
    /// The least time between two connections, and so between two requests, in nanoseconds: the
    /// exchange's 10 ms, and what the network may shorten it by.
    pub spacing_ns: i64,
    /// How long a connection may take to stand, in nanoseconds.
    pub connect_ns: i64,
    /// How long the server may be silent while an answer is due, in nanoseconds.
    pub silence_ns: i64,
    /// The most orders a snapshot may have.
    pub orders_max: u32,
}

impl Default for ClientConfig {
    /// 13 connections, 256 waiting requests, 12 ms apart; 1 s to connect, 3 s of silence; 4 million
    /// orders (120 MB, where the document speaks of 75).
    fn default() -> Self {
        Self {
            connections_max: 13,
            queue_max: 256,
            spacing_ns: 12_000_000,
            connect_ns: 1_000_000_000,
            silence_ns: 3_000_000_000,
            orders_max: 4_000_000,
        }
    }
}

named_reasons! {
    /// Why a [`ClientConfig`] cannot be.
    ClientConfigError {
        /// None, or more than the exchange allows.
        ConnectionsMax = 0, "connections_max", "connections_max must be 1 to 13";
        /// None.
        QueueMax = 1, "queue_max", "queue_max must be at least 1";
        /// Faster than the exchange allows.
        Spacing = 2, "spacing_ns", "spacing_ns must be at least 10 ms";
        /// Zero or negative.
        Times = 3, "times", "connect_ns and silence_ns must be positive";
    }
}

/// Which of the two servers of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Tick recovery.
    Recovery,
    /// Snapshots.
    Snapshot,
}

/// What the host is to do. `slot` names the connection, 0 and up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Connect, and say [`RecoveryClient::on_connected`] or [`RecoveryClient::on_closed`].
    Connect {
        /// The connection.
        slot: usize,
        /// Where to.
        service: Service,
    },
    /// Close at once. The slot is free again; nothing needs to be said.
    Close {
        /// The connection.
        slot: usize,
    },
}

/// The connections of one segment.
///
/// The sinks take a request and a piece of its answer, in order, [`RecoveryReply::Done`] or
/// [`RecoveryReply::Failed`] last, and return whether they want more; [`Arbiter::on_recovery`](crate::Arbiter::on_recovery)
/// is such a function. Every request that was taken ends once,
/// unless its sink wants no more or it is canceled.
#[derive(Clone, Debug)]
pub struct RecoveryClient {
    config: ClientConfig,
    sessions: Box<[Session]>,
    queue: VecDeque<RecoveryRequest>,
    /// No connection begins before.
    connect_from: Nanos,
    /// No request is sent before: connections may stand sooner after each other than they began.
    send_from: Nanos,
}

impl RecoveryClient {
    /// A client without connections.
    ///
    /// # Errors
    ///
    /// [`ClientConfigError`] names the field that is out of range.
    pub fn new(config: ClientConfig) -> Result<Self, ClientConfigError> {
        if !(1..=13).contains(&config.connections_max) {
            return Err(ClientConfigError::ConnectionsMax);
        }
        if config.queue_max == 0 {
            return Err(ClientConfigError::QueueMax);
        }
        if config.spacing_ns < 10_000_000 {
            return Err(ClientConfigError::Spacing);
        }
        if config.connect_ns <= 0 || config.silence_ns <= 0 {
            return Err(ClientConfigError::Times);
        }
        Ok(Self {
            config,
            sessions: vec![Session::NEW; config.connections_max].into(),
            queue: VecDeque::with_capacity(config.queue_max),
            connect_from: Nanos(i64::MIN),
            send_from: Nanos(i64::MIN),
        })
    }

    /// Whether another request can be taken.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.len() < self.config.queue_max
    }

    /// Takes a request; `false` when the queue is full.
    pub fn request(&mut self, request: RecoveryRequest) -> bool {
        let has_room = self.has_room();
        if has_room {
            self.queue.push_back(request);
        }
        has_room
    }

    /// Forgets a request: its connection is closed, its sink hears no more.
    pub fn cancel(&mut self, id: u64) {
        self.queue.retain(|request| request.id != id);
        for session in &mut self.sessions {
            if session.is_waiting() && session.request.is_some_and(|request| request.id == id) {
                session.state = State::Closing;
            }
        }
    }

    /// What the host is to do now; `None` when there is nothing (more).
    pub fn poll_action(&mut self, now: Nanos) -> Option<ClientAction> {
        for (slot, session) in self.sessions.iter_mut().enumerate() {
            if session.state == State::Closing {
                *session = Session::NEW;
                return Some(ClientAction::Close { slot });
            }
        }
        if self.connect_from > now || self.queue.is_empty() {
            return None;
        }
        let slot = self.sessions.iter().position(|one| one.state == State::Idle)?;
        let request = self.queue.pop_front()?;
        self.sessions[slot].start(request, now.plus(self.config.connect_ns));
        self.connect_from = now.plus(self.config.spacing_ns);
        let service = match request.wanted {
            Wanted::Messages { .. } => Service::Recovery,
            Wanted::Snapshot => Service::Snapshot,
        };
        Some(ClientAction::Connect { slot, service })
    }

    /// The connection stands: the request can be sent.
    pub fn on_connected(&mut self, slot: usize, now: Nanos) {
        if let Some(session) = self.sessions.get_mut(slot)
            && session.state == State::Connecting
        {
            session.state = State::Connected;
            session.deadline = now.plus(self.config.silence_ns);
        }
    }

    /// Writes what is to be sent on a connection at `now`; the number of bytes, 0 for none (yet).
    pub fn poll_transmit(&mut self, slot: usize, now: Nanos, buffer: &mut [u8]) -> usize {
        match self.sessions.get_mut(slot) {
            Some(session) if session.state == State::Connected => {
                if session.is_unsent() && now < self.send_from {
                    return 0;
                }
                self.send_from = now.plus(self.config.spacing_ns);
                session.transmit(buffer)
            }
            _ => 0,
        }
    }

    /// Takes bytes of a connection, in any chunks. Their complete items go to the sink.
    pub fn on_bytes(
        &mut self,
        slot: usize,
        bytes: &[u8],
        now: Nanos,
        sink: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) {
        if let Some(session) = self.sessions.get_mut(slot)
            && session.is_waiting()
        {
            session.deadline = now.plus(self.config.silence_ns);
            session.on_bytes(bytes, self.config.orders_max, sink);
        }
    }

    /// The connection ended, or could not be made. The slot is free again.
    pub fn on_closed(
        &mut self,
        slot: usize,
        sink: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) {
        let Some(session) = self.sessions.get_mut(slot) else { return };
        let reason = match session.state {
            State::Connecting => RecoveryFailure::ConnectFailed,
            _ => RecoveryFailure::Truncated,
        };
        if session.is_waiting()
            && let Some(request) = session.request
        {
            sink(&request, RecoveryReply::Failed(reason));
        }
        *session = Session::NEW;
    }

    /// Gives up the connections that are silent for too long.
    pub fn on_timeout(
        &mut self,
        now: Nanos,
        sink: &mut impl FnMut(&RecoveryRequest, RecoveryReply<'_>) -> bool,
    ) {
        for session in &mut self.sessions {
            if session.is_waiting()
                && session.deadline <= now
                && let Some(request) = session.request
            {
                sink(&request, RecoveryReply::Failed(RecoveryFailure::TimedOut));
                session.state = State::Closing;
            }
        }
    }

    /// When [`RecoveryClient::on_timeout`], [`RecoveryClient::poll_action`] or
    /// [`RecoveryClient::poll_transmit`] next has something to do; `None` when nothing is under way.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Nanos> {
        let waiting = self.sessions.iter().filter(|session| session.is_waiting());
        let has_slot = self.sessions.iter().any(|session| session.state == State::Idle);
        let connect = (has_slot && !self.queue.is_empty()).then_some(self.connect_from);
        let has_unsent = self.sessions.iter().any(|session| session.state == State::Connected);
        let send = has_unsent.then_some(self.send_from);
        waiting.map(|session| session.deadline).chain(connect).chain(send).min()
    }

    /// Connections under way.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.sessions.iter().filter(|session| session.state != State::Idle).count()
    }
}
