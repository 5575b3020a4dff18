//! The follower: one leader at a time on a TCP port, its journal in a directory.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tezi_journal::StageConfig;
use tezi_journal::replication::{
    Ending, FollowerSession, RefusalReason, Replica, ReplicaStats, ReplicaStore, Timing,
};
use tezi_model::Nanos;

use super::socket::{Connection, Rest};
use crate::clock::Clock;
use crate::error::Error;

/// Reads of one turn, so that a leader that catches up does not keep other duties waiting.
const READS: usize = 16;
/// Time between looks for a leader while there is none.
const PAUSE: Duration = Duration::from_millis(1);
/// Time between two tellings of how far it is.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How long the last words to a leader are given.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Endings of connections remembered: of more, the latest.
const ENDINGS_MAX: usize = 16;

/// How a leader's journal is followed.
#[derive(Clone, Debug)]
pub struct FollowConfig {
    /// Where leaders connect to; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory of the journal.
    pub journal: PathBuf,
    /// How the journal is staged in memory where that has room; mapped when `None`, and then nothing
    /// says what of it is on the disk.
    pub stage: Option<StageConfig>,
    /// How long a connection may be silent.
    pub timing: Timing,
    /// Whether to end when a leader's journal has ended and is here whole.
    pub until_end: bool,
}

impl FollowConfig {
    /// Of any leader that connects, until it is stopped; staged.
    #[must_use]
    pub fn new(listen: SocketAddr, journal: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            journal: journal.into(),
            stage: Some(StageConfig::default()),
            timing: Timing::default(),
            until_end: false,
        }
    }
}

/// How far a follower is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FollowUpdate {
    /// The leader that is connected.
    pub leader: Option<SocketAddr>,
    /// The last sequence in the journal.
    pub sequence_last: u64,
    /// The last sequence on the disk; `None` of a mapped journal, which does not say.
    pub durable: Option<u64>,
    /// The last sequence of the leader's journal, as it last said.
    pub leader_last: u64,
    /// Bytes of records taken in.
    pub bytes: u64,
}

/// What following came to.
#[derive(Clone, Debug, Default)]
pub struct FollowReport {
    /// Where the journal lies.
    pub journal: PathBuf,
    /// Leaders that were heard.
    pub connections: u64,
    /// Why connections ended, the latest last.
    pub endings: Vec<String>,
    /// What was taken in.
    pub stats: ReplicaStats,
    /// The last sequence in the journal.
    pub sequence_last: u64,
    /// Whether the last leader's journal ended and is here whole.
    pub is_complete: bool,
}

/// A leader that is connected.
struct Link {
    connection: Connection,
    session: FollowerSession,
    address: SocketAddr,
}

/// A follower, ready to run.
pub struct Follower {
    config: FollowConfig,
    listener: TcpListener,
    replica: Replica,
    link: Option<Link>,
    report: FollowReport,
}

impl Follower {
    /// Takes up the journal, recovering what a killed process left of it, and listens.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when the journal cannot be continued, [`Error::Network`] when the address
    /// cannot be had.
    pub fn bind(config: &FollowConfig) -> Result<Self, Error> {
        let replica = Replica::open(&config.journal, config.stage.clone())?;
        let listen = || {
            let listener = TcpListener::bind(config.listen)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        let listener = listen().map_err(|source| Error::Network {
            doing: format!("listen for a leader at {}", config.listen),
            source,
        })?;
        let report = FollowReport { journal: config.journal.clone(), ..FollowReport::default() };
        Ok(Self { config: config.clone(), listener, replica, link: None, report })
    }

    /// Where leaders connect to.
    ///
    /// # Errors
    ///
    /// [`Error::Network`] when the system does not say.
    pub fn address(&self) -> Result<SocketAddr, Error> {
        self.listener.local_addr().map_err(|source| {
            let doing = "ask where a leader is listened for".into();
            Error::Network { doing, source }
        })
    }

    /// Follows until `stop` is set, telling `progress` some times a second how far it is.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] when the journal takes no more, a full disk above all. Everything before is
    /// in it, and what was acknowledged is among that.
    pub fn run(
        mut self,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(&FollowUpdate),
    ) -> Result<FollowReport, Error> {
        let clock = Clock::start();
        let (mut rest, mut told) = (Rest::default(), Instant::now());
        while !stop.load(Ordering::Relaxed) {
            let has_some = self.turn(clock.now());
            if self.replica.fault().is_some() || (self.config.until_end && self.is_whole()) {
                break;
            }
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                progress(&self.update());
            }
            match (has_some, &self.link) {
                (true, _) => rest.reset(),
                (false, Some(_)) => rest.wait(),
                (false, None) => std::thread::sleep(PAUSE),
            }
        }
        self.say_goodbye();
        progress(&self.update());
        self.report.sequence_last = sequence_last(&self.replica);
        self.report.stats = self.replica.close()?;
        Ok(self.report)
    }

    /// Whether a leader's journal has ended, and the leader has gone with all it wanted to hear.
    const fn is_whole(&self) -> bool {
        self.report.is_complete && self.link.is_none()
    }

    /// One turn; whether there was anything to do.
    fn turn(&mut self, now: Nanos) -> bool {
        let has_accepted = match self.listener.accept() {
            Ok((stream, address)) => {
                self.on_accepted(stream, address, now);
                true
            }
            // Of one that gave up again there is nothing to tell.
            Err(_) => false,
        };
        match self.exchange(now) {
            Ok(has_some) => has_some || has_accepted,
            Err(error) => {
                self.on_lost(&error);
                true
            }
        }
    }

    /// A leader comes: it is heard, unless another one is alive.
    fn on_accepted(&mut self, stream: TcpStream, address: SocketAddr, now: Nanos) {
        let Ok(connection) = Connection::over(stream) else { return };
        let mut session = FollowerSession::new(self.config.timing, now);
        let mut link = match &self.link {
            // A leader that was cut off may come again before its old connection is known to be lost.
            Some(present) if now.0 - present.session.heard_at().0 < self.patience_ns() => {
                session.refuse(RefusalReason::Busy, 0, 0);
                Link { connection, session, address }
            }
            _ => {
                if self.link.is_some() {
                    self.remember("a new connection took its place".into());
                }
                self.report.connections += 1;
                self.report.is_complete = false;
                self.link = Some(Link { connection, session, address });
                return;
            }
        };
        // A few bytes, and the socket is empty.
        let _ = link.connection.send(link.session.unsent());
    }

    /// How long a leader may be silent and still be taken for alive: two heartbeats.
    const fn patience_ns(&self) -> i64 {
        2 * self.config.timing.heartbeat_ns
    }

    fn exchange(&mut self, now: Nanos) -> io::Result<bool> {
        let Self { link, replica, .. } = self;
        let Some(Link { connection, session, .. }) = link else { return Ok(false) };
        let mut has_some = false;
        for _ in 0..READS {
            if session.ending().is_some() {
                break;
            }
            let received = connection.receive()?;
            if received.is_empty() {
                break;
            }
            has_some = true;
            session.on_bytes(received, replica, now);
            let sent = connection.send(session.unsent())?;
            session.on_sent(sent);
        }
        session.on_turn(replica, now);
        let sent = connection.send(session.unsent())?;
        session.on_sent(sent);
        if let Some(ending) = session.ending()
            && session.unsent().is_empty()
        {
            self.report.is_complete = ending == Ending::Complete;
            self.link = None;
            self.remember(ending.to_string());
        }
        Ok(has_some || 0 < sent)
    }

    fn on_lost(&mut self, error: &io::Error) {
        // The last word, when it was said, tells more than what happened to the connection then.
        let ending = self.link.take().and_then(|link| link.session.ending());
        let why = match (ending, error.kind()) {
            (Some(ending), _) => ending.to_string(),
            (None, ErrorKind::UnexpectedEof) => "the leader closed it".into(),
            (None, _) => error.to_string(),
        };
        self.remember(why);
    }

    fn remember(&mut self, why: String) {
        if self.report.endings.len() == ENDINGS_MAX {
            self.report.endings.remove(0);
        }
        self.report.endings.push(why);
    }

    /// Ends the connection there is in order.
    fn say_goodbye(&mut self) {
        let Some(Link { connection, session, .. }) = &mut self.link else { return };
        session.stop(&self.replica);
        let begun = Instant::now();
        while !session.unsent().is_empty() && begun.elapsed() < LAST_WORDS {
            match connection.send(session.unsent()) {
                Ok(sent) => session.on_sent(sent),
                Err(_) => break,
            }
            std::thread::yield_now();
        }
        if let Some(ending) = session.ending() {
            let why = match ending {
                Ending::Stopped => "stopped here".into(),
                other => other.to_string(),
            };
            self.remember(why);
        }
        self.link = None;
    }

    fn update(&self) -> FollowUpdate {
        let link = self.link.as_ref().filter(|link| link.session.is_following());
        FollowUpdate {
            leader: link.map(|link| link.address),
            sequence_last: sequence_last(&self.replica),
            durable: self.replica.is_staged().then(|| self.replica.durable()),
            leader_last: link.map_or(0, |link| link.session.leader_last()),
            bytes: self.replica.stats().bytes,
        }
    }
}

fn sequence_last(replica: &Replica) -> u64 {
    replica.held().map_or(0, |held| held.sequence_last)
}
