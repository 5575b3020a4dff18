//! Looking on while a session runs: latency log, metrics, and the log of notable events.
//!
//! Threads of the session publish figures ([`Boards`]) and hand over their histograms interval by
//! interval ([`StageRecorder`]); one thread, `tezi-observer`, takes those, writes the files and keeps
//! what the metrics thread tells. Neither is ever waited for by the core, and a full disk costs the
//! session its log and nothing else.

mod figures;
mod threads;
mod watch;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tezi_ring::Consumer;

use crate::clock::Clock;
use crate::error::Error;
use crate::followers::FollowerStates;
use crate::latency::log::LogWriter;
use crate::latency::{
    Interval, IntervalEnd, IntervalSource, Latencies, PathStage, StageRecorder, interval_link,
};
use crate::log::EventLog;
use crate::metrics::{MetricsServer, Windows};
pub(crate) use figures::{
    Boards, Family, FeedFigures, Kind, OrdersFigures, ReplicaBoard, ReplicaFigures, SnapshotBoard,
    SnapshotFigures,
};
pub(crate) use threads::{Observables, Onlookers};
pub(crate) use watch::{CoreWatch, Notice, NoticeKind};

/// What to observe of a session, and where it goes. Nothing, by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Writes every stage's histograms, interval by interval, as a histogram log.
    pub latency_log: Option<PathBuf>,
    /// How long an interval is: 10 ms to an hour.
    pub latency_interval: Duration,
    /// Spins a thread beside the session and records the machine's own stalls. It takes a core whole.
    pub hiccups: bool,
    /// The core that thread is pinned to; `None` leaves it to the scheduler.
    pub hiccup_core: Option<usize>,
    /// Where metrics are served over HTTP; port 0 takes a free one.
    pub metrics: Option<SocketAddr>,
    /// Writes notable events, a line of JSON each; `-` is standard error.
    pub event_log: Option<PathBuf>,
}

impl Default for Observation {
    fn default() -> Self {
        Self {
            latency_log: None,
            latency_interval: Duration::from_secs(1),
            hiccups: false,
            hiccup_core: None,
            metrics: None,
            event_log: None,
        }
    }
}

impl Observation {
    /// Whether anything is observed.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.latency_log.is_some()
            || self.hiccups
            || self.metrics.is_some()
            || self.event_log.is_some()
    }
}

/// What threads publish and the metrics thread reads.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) boards: Boards,
    /// Between the observer and the metrics thread; no thread of the session touches it.
    pub(crate) windows: Mutex<Windows>,
    /// How far the wall clock is ahead of the session's, ns, as of the observer's last look.
    pub(crate) wall_ahead_ns: AtomicI64,
}

/// What each thread of a session is given to be observed by.
#[derive(Debug, Default)]
pub(crate) struct Seats<'a> {
    pub(crate) core: StageRecorder,
    pub(crate) watch: Option<CoreWatch<'a>>,
    pub(crate) feed: StageRecorder,
    pub(crate) orders: StageRecorder,
    pub(crate) hiccups: Option<StageRecorder>,
    /// Where feed and orders publish; `None` when nobody looks on.
    pub(crate) shared: Option<&'a Shared>,
    pub(crate) server: Option<MetricsServer>,
}

/// What the observer's thread owns.
pub(crate) struct Observer<'a> {
    clock: &'a Clock,
    shared: &'a Shared,
    sources: Vec<IntervalSource>,
    notices: Consumer<Notice>,
    totals: Latencies,
    log: Option<LatencyLog>,
    events: Option<EventLog>,
    has_metrics: bool,
}

impl Seats<'_> {
    /// Has the core tell of the journal's follower and of snapshots, where there are some.
    pub(crate) fn look_at(&mut self, followers: &FollowerStates) {
        let Some(watch) = &mut self.watch else { return };
        if let Some(replica) = &followers.replica {
            watch.look_at_replica(Arc::clone(replica));
        }
        if let Some(snapshots) = &followers.snapshots {
            watch.look_at_snapshots(Arc::clone(snapshots));
        }
    }

    /// Where metrics are served.
    pub(crate) fn metrics_address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(MetricsServer::address)
    }
}

/// What the observer saw.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    /// Everything that was handed over.
    pub(crate) latencies: Latencies,
    /// For the last word.
    pub(crate) events: Option<EventLog>,
    /// What went wrong with the files.
    pub(crate) notes: Vec<String>,
}

/// The file of a latency log. The first error ends it and is told once.
struct LatencyLog {
    path: PathBuf,
    writer: Option<LogWriter<BufWriter<File>>>,
    fault: Option<String>,
}

impl<'a> Observer<'a> {
    /// Time between looks when nothing is going on.
    const PAUSE: Duration = Duration::from_millis(20);
    /// How often the wall clock is looked at.
    const WALL_EVERY: Duration = Duration::from_millis(100);

    /// Opens files and socket before any thread runs, so that what is wrong is told at once, and takes
    /// the memory of everything. The run begins with what `session` says, the text of the journal's first
    /// record, and so many instruments: both logs begin with that.
    ///
    /// # Errors
    ///
    /// [`Error`] when a file cannot be made, an address cannot be bound, or the interval is out of
    /// bounds.
    pub(crate) fn open(
        observation: &Observation,
        clock: &'a Clock,
        shared: &'a Shared,
        (session, instruments): (&str, usize),
    ) -> Result<(Seats<'a>, Option<Self>), Error> {
        if !observation.is_on() {
            return Ok((Seats::default(), None));
        }
        let interval = observation.latency_interval;
        if !(Duration::from_millis(10)..=Duration::from_secs(3_600)).contains(&interval) {
            return Err(Error::Parameter("a latency interval is 10 ms to an hour".into()));
        }
        let server = observation.metrics.map(MetricsServer::bind).transpose()?;
        let events = observation.event_log.as_deref().map(EventLog::create).transpose()?;
        let log = observation.latency_log.as_deref();
        let log = log.map(|path| LatencyLog::create(path, clock, session)).transpose()?;
        let (watch, notices) = CoreWatch::new(&shared.boards)?;
        shared.wall_ahead_ns.store(clock.wall_ahead_ns(), Ordering::Relaxed);
        let mut sources = Vec::new();
        let mut link = || {
            let (recorder, source) = interval_link(clock, interval);
            sources.push(source);
            recorder
        };
        let seats = Seats {
            core: link(),
            feed: link(),
            orders: link(),
            hiccups: observation.hiccups.then(&mut link),
            watch: Some(watch),
            shared: Some(shared),
            server,
        };
        let has_metrics = observation.metrics.is_some();
        let totals = Latencies::default();
        let mut observer =
            Self { clock, shared, sources, notices, totals, log, events, has_metrics };
        observer.on_start(session, instruments, seats.metrics_address());
        Ok((seats, Some(observer)))
    }

    fn on_start(&mut self, session: &str, instruments: usize, metrics: Option<SocketAddr>) {
        if let Some(events) = &mut self.events {
            events.start(self.clock.now(), session, instruments, metrics);
            events.flush();
        }
    }

    /// Observes until every thread has handed over the last it had.
    pub(crate) fn run(mut self) -> Observed {
        let mut looked = Instant::now();
        loop {
            let has_notices = self.take_notices();
            let has_intervals = self.take_intervals();
            if looked.elapsed() >= Self::WALL_EVERY {
                looked = Instant::now();
                self.shared.wall_ahead_ns.store(self.clock.wall_ahead_ns(), Ordering::Relaxed);
            }
            if has_notices || has_intervals {
                continue;
            }
            // A ring that its producer left is empty now: it was before this turn's look.
            if self.sources.is_empty() && self.notices.is_abandoned() && !self.take_notices() {
                break;
            }
            self.flush();
            std::thread::sleep(Self::PAUSE);
        }
        self.finish()
    }

    fn take_notices(&mut self) -> bool {
        let mut has_some = false;
        while let Some(item) = self.notices.pop() {
            has_some = true;
            if let Some(events) = &mut self.events {
                events.notice(&item.payload);
            }
        }
        has_some
    }

    /// Takes the intervals that are over; a source that has ended is let go.
    fn take_intervals(&mut self) -> bool {
        let mut has_some = false;
        for place in (0..self.sources.len()).rev() {
            loop {
                match self.sources[place].next() {
                    Ok(interval) => {
                        has_some = true;
                        self.take(&interval);
                        self.sources[place].give_back(interval.latencies);
                    }
                    Err(IntervalEnd::Pending) => break,
                    Err(IntervalEnd::Ended) => {
                        drop(self.sources.swap_remove(place));
                        break;
                    }
                }
            }
        }
        has_some
    }

    fn take(&mut self, interval: &Interval) {
        self.totals.add(&interval.latencies);
        if self.has_metrics
            && let Ok(mut windows) = self.shared.windows.lock()
        {
            windows.add(&interval.latencies);
        }
        let Some(log) = &mut self.log else { return };
        let [start, end] = [interval.start_raw, interval.end_raw].map(|raw| self.clock.time(raw));
        log.write(|writer| {
            PathStage::ALL.into_iter().try_for_each(|stage| {
                writer.write(stage, start, end, interval.latencies.stage(stage))
            })
        });
    }

    /// What waits in buffers goes to the operating system: a session that is killed leaves it.
    fn flush(&mut self) {
        if let Some(log) = &mut self.log {
            log.write(LogWriter::flush);
        }
        if let Some(events) = &mut self.events {
            events.flush();
        }
    }

    fn finish(mut self) -> Observed {
        self.flush();
        let notes = self.log.and_then(|log| log.fault).into_iter().collect();
        Observed { latencies: self.totals, events: self.events, notes }
    }
}

impl LatencyLog {
    fn create(path: &Path, clock: &Clock, about: &str) -> Result<Self, Error> {
        let created = File::create(path)
            .and_then(|file| LogWriter::new(BufWriter::new(file), clock.now(), about));
        let writer = created.map_err(|source| Error::file("create", path, source))?;
        Ok(Self { path: path.to_path_buf(), writer: Some(writer), fault: None })
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut LogWriter<BufWriter<File>>) -> std::io::Result<()>,
    ) {
        let Some(writer) = &mut self.writer else { return };
        if let Err(error) = write(writer) {
            let path = self.path.display();
            self.fault = Some(format!("the latency log {path} stopped: {error}"));
            self.writer = None;
        }
    }
}

/// Opens a log for whoever appends lines to it; `-` is standard error.
pub(crate) fn open_lines(path: &Path) -> Result<Box<dyn Write + Send>, Error> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stderr()));
    }
    let file = File::create(path).map_err(|source| Error::file("create", path, source))?;
    Ok(Box::new(BufWriter::new(file)))
}
