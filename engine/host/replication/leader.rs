//! The leader's thread: follows the live journal, sends what comes, and publishes how far the follower
//! is.
//!
//! It reads the journal as any follower of files does, so the core pays nothing for it. While there is
//! no connection it reads on, to know how much the follower lacks and for how long.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tezi_journal::replication::{Ack, Ending, LeaderEvent, LeaderSession};
use tezi_journal::{JournalFollower, Sought};
use tezi_model::Nanos;

use super::report::ReplicationReport;
use super::socket::{Connection, Rest};
use super::state::{ReplicaLink, ReplicaState};
use super::{OnReplicaLoss, ReplicationConfig};
use crate::clock::Clock;
use crate::error::Error;
use crate::latency::LatencyHistogram;
use crate::observer::ReplicaFigures;
use crate::progress::Progress;

/// Bytes of records in one batch, of a connection's first and at most. A batch counts when all of it is
/// there: where connections break again and again, small ones still come through.
const BATCH_BYTES_MIN: usize = 4 << 10;
const BATCH_BYTES_MAX: usize = 64 << 10;
/// Time between attempts to connect, first and at most, ns.
const RETRY_NS: i64 = 20_000_000;
const RETRY_NS_MAX: i64 = 1_000_000_000;
/// How often figures are told, ns.
const FIGURES_NS: i64 = 20_000_000;
/// Endings of connections remembered: of more, the latest.
const ENDINGS_MAX: usize = 16;

/// A record on its way, and since when.
#[derive(Clone, Copy)]
struct Mark {
    sequence: u64,
    since: Nanos,
}

/// A connection, from the attempt on.
struct Link {
    connection: Connection,
    /// What is said on it, once it is open.
    session: Option<LeaderSession>,
}

/// Everything the thread owns.
pub(crate) struct ReplicaThread {
    config: ReplicationConfig,
    journal: std::path::PathBuf,
    state: Arc<ReplicaState>,
    source: JournalFollower,
    batch_bytes: usize,
    link: Option<Link>,
    retry_at: Nanos,
    retry_ns: i64,
    /// Everything that the source has was handed to the session there is.
    is_read_out: bool,
    /// The last sequence of the journal as far as it was read.
    seen: u64,
    durable: u64,
    /// A record that the follower lacks: from when it was seen.
    lacking: Option<Mark>,
    /// A record that was sent: from when.
    sent: Option<Mark>,
    /// The follower refused for a reason that stays.
    is_barred: bool,
    degraded_since: Option<Nanos>,
    figures_at: Nanos,
    /// When the journal ended, once it has.
    ended_at: Option<Nanos>,
    is_done: bool,
    report: ReplicationReport,
}

impl ReplicaThread {
    /// A thread's worth of everything, for a journal that has begun.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when the journal cannot be read.
    pub(crate) fn new(config: &ReplicationConfig, journal: &Path) -> Result<Self, Error> {
        let report = ReplicationReport {
            follower: config.follower,
            connections: 0,
            endings: Vec::new(),
            records: 0,
            bytes: 0,
            sequence_last: 0,
            replicated: 0,
            durable: 0,
            lag_max: 0,
            degraded: (0, Duration::ZERO),
            round_trip: LatencyHistogram::new(),
            notes: Vec::new(),
        };
        Ok(Self {
            config: *config,
            journal: journal.to_path_buf(),
            state: Arc::default(),
            source: JournalFollower::open(journal)?,
            batch_bytes: BATCH_BYTES_MAX,
            link: None,
            retry_at: Nanos::ZERO,
            retry_ns: RETRY_NS,
            is_read_out: false,
            seen: 0,
            durable: 0,
            lacking: None,
            sent: None,
            is_barred: false,
            degraded_since: None,
            figures_at: Nanos::ZERO,
            ended_at: None,
            is_done: false,
            report,
        })
    }

    /// What it tells and is told.
    pub(crate) fn state(&self) -> Arc<ReplicaState> {
        Arc::clone(&self.state)
    }

    /// Runs until the journal has ended and the follower has all of it, or did not come to have it in
    /// time.
    pub(crate) fn run(mut self, clock: &Clock, progress: &Progress) -> ReplicationReport {
        let mut rest = Rest::default();
        while !self.is_done {
            let now = clock.now();
            if self.turn(now) {
                rest.reset();
            } else {
                rest.wait();
            }
            self.judge(now, progress);
        }
        self.publish(clock.now());
        // Before anything else: orders that still wait are answered.
        self.state.set_over();
        let (replicated, durable) = (self.state.replicated(), self.durable);
        if let Some(since) = self.degraded_since {
            self.report.degraded.1 += duration_between(since, clock.now());
        }
        ReplicationReport { sequence_last: self.seen, replicated, durable, ..self.report }
    }

    /// One turn; whether there was anything to do.
    fn turn(&mut self, now: Nanos) -> bool {
        // Asked before reading: what the journal still gets was appended by then.
        let is_ending = self.state.is_ending();
        let has_read = match self.read(now) {
            Ok(has_read) => has_read,
            Err(error) => return self.on_unreadable(&error.to_string()),
        };
        if is_ending && self.ended_at.is_none() {
            self.ended_at = Some(now);
        }
        let exchanged = match &mut self.link {
            None => {
                self.connect(now);
                Ok(false)
            }
            Some(_) => self.exchange(now),
        };
        let has_exchanged = exchanged.unwrap_or_else(|error| {
            self.on_lost(error.to_string(), now);
            true
        });
        if let Some(since) = self.ended_at {
            self.finish(since, now);
        }
        has_read || has_exchanged
    }

    /// Takes what the journal has: to send it, or to know how much there is.
    fn read(&mut self, now: Nanos) -> Result<bool, Error> {
        let session = self.link.as_mut().and_then(|link| link.session.as_mut());
        let session = session.filter(|it| it.is_sending());
        self.is_read_out = false;
        if session.as_ref().is_some_and(|it| !it.wants_batch()) {
            return Ok(false);
        }
        let Some(batch) = self.source.poll_batch(self.batch_bytes)? else {
            self.is_read_out = session.is_some();
            return Ok(false);
        };
        let last = batch.last;
        if let Some(session) = session {
            self.batch_bytes = (self.batch_bytes * 2).min(BATCH_BYTES_MAX);
            self.report.records += last - batch.first + 1;
            self.report.bytes += batch.records.len() as u64;
            session.on_batch(&batch, now);
            self.sent.get_or_insert(Mark { sequence: last, since: now });
        }
        if self.seen < last {
            self.seen = last;
            self.lacking.get_or_insert(Mark { sequence: last, since: now });
        }
        Ok(true)
    }

    #[cold]
    fn on_unreadable(&mut self, error: &str) -> bool {
        let what = format!("the journal cannot be read for the follower: {error}");
        self.report.notes.push(what.clone());
        self.remember(what);
        self.is_done = true;
        true
    }

    fn connect(&mut self, now: Nanos) {
        if now < self.retry_at {
            return;
        }
        match Connection::open(self.config.follower) {
            Ok(connection) => {
                self.retry_at = now.plus(nanos(Duration::from_secs(1)));
                self.link = Some(Link { connection, session: None });
            }
            Err(error) => self.on_lost(error.to_string(), now),
        }
    }

    /// Writes, reads, and acts on what was heard; whether anything was.
    fn exchange(&mut self, now: Nanos) -> io::Result<bool> {
        let Some(link) = &mut self.link else { return Ok(false) };
        let Some(session) = &mut link.session else {
            if link.connection.has_opened()? {
                let session_id = self.source.segment().session_id;
                let timing = self.config.timing;
                link.session = Some(LeaderSession::new(session_id, self.seen, timing, now));
                return Ok(true);
            }
            // Nobody answers at all: tried again rather than waited for as long as a kernel would.
            let is_late = self.retry_at <= now;
            return if is_late { Err(io::ErrorKind::TimedOut.into()) } else { Ok(false) };
        };
        session.on_turn(now);
        let sent = link.connection.send(session.unsent())?;
        session.on_sent(sent);
        let received = link.connection.receive()?;
        let has_received = !received.is_empty();
        if has_received {
            session.on_bytes(received, now);
        }
        while let Some(event) = self.link.as_mut().and_then(|it| it.session.as_mut()?.poll_event())
        {
            self.on_event(event, now);
        }
        Ok(has_received || 0 < sent)
    }

    fn on_event(&mut self, event: LeaderEvent, now: Nanos) {
        match event {
            LeaderEvent::Wanted { sequence_next } => self.on_wanted(sequence_next, now),
            LeaderEvent::Acknowledged(ack) => self.on_ack(ack, now),
            LeaderEvent::Over(ending) => {
                if let Ending::Refused(refusal) | Ending::RefusedByPeer(refusal) = ending {
                    self.is_barred = refusal.reason.is_lasting();
                }
                // What is to be said for the last time; nobody may be there to hear it.
                if let Some(Link { connection, session: Some(session) }) = &mut self.link {
                    let _ = connection.send(session.unsent());
                }
                if ending == Ending::Complete {
                    self.link = None;
                    self.is_done = true;
                } else {
                    self.on_lost(ending.to_string(), now);
                }
            }
        }
    }

    /// Finds the place in the journal that the follower wants to go on from.
    fn on_wanted(&mut self, sequence_next: u64, now: Nanos) {
        let sought = JournalFollower::seek(&self.journal, sequence_next);
        let session = self.link.as_mut().and_then(|link| link.session.as_mut());
        let Some(session) = session else { return };
        match sought {
            Ok(Sought::Found { follower, crc_before }) => {
                session.on_located(crc_before);
                if session.is_sending() {
                    self.source = follower;
                    self.is_read_out = false;
                    self.batch_bytes = BATCH_BYTES_MIN;
                    self.sent = None;
                    self.report.connections += 1;
                    self.is_barred = false;
                    self.retry_ns = RETRY_NS;
                    self.on_ack(Ack { appended: sequence_next - 1, durable: 0 }, now);
                }
            }
            Ok(Sought::Beyond { sequence_last }) => session.on_beyond(sequence_last),
            Err(error) => self.on_lost(error.to_string(), now),
        }
    }

    fn on_ack(&mut self, ack: Ack, now: Nanos) {
        self.state.set_replicated(ack.appended);
        self.durable = self.durable.max(ack.durable);
        if let Some(mark) = self.sent.filter(|mark| mark.sequence <= ack.appended) {
            let took = u64::try_from(now.0 - mark.since.0).unwrap_or(0);
            self.report.round_trip.record(took);
            self.sent = None;
        }
        if self.lacking.is_some_and(|mark| mark.sequence <= ack.appended) {
            let is_behind = ack.appended < self.seen;
            self.lacking = is_behind.then_some(Mark { sequence: self.seen, since: now });
        }
    }

    #[cold]
    fn on_lost(&mut self, why: String, now: Nanos) {
        self.link = None;
        self.sent = None;
        self.retry_at = now.plus(self.retry_ns);
        self.retry_ns = (self.retry_ns * 2).min(RETRY_NS_MAX);
        self.remember(why);
    }

    fn remember(&mut self, why: String) {
        // A follower that is away for an hour ends a thousand attempts the same way.
        if self.report.endings.last() == Some(&why) {
            return;
        }
        if self.report.endings.len() == ENDINGS_MAX {
            self.report.endings.remove(0);
        }
        self.report.endings.push(why);
    }

    /// The journal has ended. Says so to a follower that was sent all of it, or gives it up.
    fn finish(&mut self, since: Nanos, now: Nanos) {
        let segment = *self.source.segment();
        let session = self.link.as_mut().and_then(|link| link.session.as_mut());
        if let Some(session) = session.filter(|it| self.is_read_out && it.wants_batch()) {
            session.on_journal_end(&segment, now);
        }
        let is_late = since.plus(nanos(self.config.stop_timeout)) <= now;
        self.is_done |= is_late || self.is_barred;
    }

    /// Decides whether orders still wait for the follower, and tells how it stands.
    fn judge(&mut self, now: Nanos, progress: &Progress) {
        let lag = self.seen.saturating_sub(self.state.replicated());
        self.report.lag_max = self.report.lag_max.max(lag);
        if let OnReplicaLoss::Durable { after } = self.config.on_loss {
            self.judge_loss(nanos(after), now);
        }
        if now < self.figures_at {
            return;
        }
        self.figures_at = now.plus(FIGURES_NS);
        progress.set_replica(self.stands());
        self.publish(now);
    }

    fn judge_loss(&mut self, after_ns: i64, now: Nanos) {
        match self.degraded_since {
            None => {
                let waits = self.lacking.is_some_and(|mark| mark.since.plus(after_ns) <= now);
                if waits && !self.is_barred {
                    self.degraded_since = Some(now);
                    self.report.degraded.0 += 1;
                    self.figures_at = now;
                    self.state.set_degraded(true);
                }
            }
            Some(since) if self.lacking.is_none() || self.is_barred => {
                self.degraded_since = None;
                self.report.degraded.1 += duration_between(since, now);
                self.figures_at = now;
                self.state.set_degraded(false);
            }
            Some(_) => {}
        }
    }

    fn stands(&self) -> ReplicaLink {
        let session = self.link.as_ref().and_then(|link| link.session.as_ref());
        match session {
            _ if self.degraded_since.is_some() => ReplicaLink::DurableOnly,
            Some(session) if session.is_sending() => ReplicaLink::Up,
            _ => ReplicaLink::Lost,
        }
    }

    fn publish(&self, now: Nanos) {
        let stands = self.stands();
        self.state.set_link(stands);
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let replicated = self.state.replicated();
        self.state.board.store(&ReplicaFigures {
            is_up: i64::from(stands == ReplicaLink::Up),
            is_degraded: i64::from(stands == ReplicaLink::DurableOnly),
            connections: number(self.report.connections),
            degradations: number(self.report.degraded.0),
            records: number(self.report.records),
            bytes: number(self.report.bytes),
            lag: number(self.seen.saturating_sub(replicated)),
            disk_lag: number(self.seen.saturating_sub(self.durable)),
            waited_ms: self.lacking.map_or(0, |mark| (now.0 - mark.since.0) / 1_000_000),
        });
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX / 2)
}

fn duration_between(from: Nanos, to: Nanos) -> Duration {
    Duration::from_nanos(u64::try_from(to.0 - from.0).unwrap_or(0))
}
