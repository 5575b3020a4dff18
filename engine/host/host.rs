//! The host: what a strategy is run with, and against which session.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tezi_core::CoreConfig;
use tezi_core::strategy::Strategy;
use tezi_model::Segment;

use crate::assembly::{Assembly, Sides};
use crate::clock::Clock;
use crate::core_loop::TimeSource;
use crate::demo::{self, Published};
use crate::error::Error;
use crate::feed::{self, CaptureOptions, Feed, Lines, RecoveryServices};
use crate::mapped::MappedFile;
use crate::pin::Pinning;
use crate::progress::ProgressUpdate;
use crate::publish::{PublishUpdate, Publisher};
use crate::report::Report;
use crate::session::{CaptureSession, DemoSession, Session};

/// The groups of the demo's lines; ports are the kernel's choice, so that two demos do not mix.
const DEMO_GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, 41), 0),
    SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, 31), 0),
];

/// Told how far a session is, some times a second, on the thread that called [`Host::run`].
pub type ProgressSink<'a> = &'a mut dyn FnMut(&ProgressUpdate);

/// Hosts one strategy against a session.
///
/// ```no_run
/// use tezi::{Host, Session};
/// use tezi::strategy::Watch;
///
/// let report = Host::new().run(&Session::captures(["day.pcap"]), Watch)?;
/// println!("{} events, state {:016x}", report.core.counters.events, report.core.state_hash);
/// # Ok::<(), tezi::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) config: CoreConfig,
    pub(crate) journal: Option<PathBuf>,
    pub(crate) segment_bytes: u64,
    pub(crate) pinning: Pinning,
    pub(crate) decoded_csv: Option<PathBuf>,
    pub(crate) book_csv: Option<PathBuf>,
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A host with the default configuration, no journal, and threads pinned where it can.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: CoreConfig::default(),
            journal: None,
            segment_bytes: 64 << 20,
            pinning: Pinning::Auto,
            decoded_csv: None,
            book_csv: None,
        }
    }

    /// Sets the configuration of the core.
    #[must_use]
    pub const fn config(mut self, config: CoreConfig) -> Self {
        self.config = config;
        self
    }

    /// Keeps a journal in a directory, which must not hold one yet.
    #[must_use]
    pub fn journal(mut self, dir: impl Into<PathBuf>) -> Self {
        self.journal = Some(dir.into());
        self
    }

    /// Sets the size of the journal's segments, in bytes.
    #[must_use]
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Says which cores the feed's and the core's threads are pinned to.
    #[must_use]
    pub const fn pinning(mut self, pinning: Pinning) -> Self {
        self.pinning = pinning;
        self
    }

    /// Writes every message, once and in order, as CSV.
    #[must_use]
    pub fn decoded_csv(mut self, path: impl Into<PathBuf>) -> Self {
        self.decoded_csv = Some(path.into());
        self
    }

    /// Writes the books at the end as CSV.
    #[must_use]
    pub fn book_csv(mut self, path: impl Into<PathBuf>) -> Self {
        self.book_csv = Some(path.into());
        self
    }

    /// Runs a strategy against a session, to its end.
    ///
    /// # Errors
    ///
    /// [`Error`] when the session could not start, or an output file could not be written. What
    /// goes wrong on the way and loses nothing is in the report: see [`Report::problems`].
    pub fn run<S: Strategy + Send>(&self, session: &Session, strategy: S) -> Result<Report, Error> {
        self.run_with_progress(session, strategy, &mut |_| {})
    }

    /// As [`Host::run`], telling `progress` how far it is.
    ///
    /// # Errors
    ///
    /// As [`Host::run`].
    pub fn run_with_progress<S: Strategy + Send>(
        &self,
        session: &Session,
        strategy: S,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        match session {
            Session::Demo(demo) => self.run_demo(demo, strategy, progress),
            Session::Capture(capture) => self.run_captures(capture, strategy, progress),
        }
    }

    fn run_demo<S: Strategy + Send>(
        &self,
        session: &DemoSession,
        strategy: S,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let config = &session.config;
        let tape = demo::make_tape(config.seed, config.seconds, config.rate);
        let save_pcap = session.save_pcap.as_deref();
        let (total, injected) = demo::rehearse(&tape, config, save_pcap).map_err(|source| {
            Error::file("write", save_pcap.unwrap_or(Path::new("the demo's capture")), source)
        })?;
        let lines = Lines::join(DEMO_GROUPS, Ipv4Addr::LOCALHOST)?;
        let publisher = Publisher::new(demo::publish_config(config, lines.groups))?;
        let published = Published::default();
        let assembly = Assembly {
            host: self,
            segment: Segment::NseFo,
            recovery: publisher.recovery_address().map(|recovery| RecoveryServices {
                recovery,
                snapshot: publisher.snapshot_address(),
            }),
            instruments: &tape.instruments,
            time_source: TimeSource::Clock,
        };
        let sender = |stop: &AtomicBool| {
            let source = demo::TapeDatagrams::new(&tape);
            let mut progress =
                |update: &PublishUpdate| published.datagrams.store(update.sent, Ordering::Relaxed);
            let sent = publisher.send(source, demo::losses(&tape, config), stop, &mut progress);
            // What was not sent cannot be waited for.
            stop.fetch_or(sent.is_err(), Ordering::Relaxed);
            published.is_done.store(true, Ordering::Release);
            sent.map(|_| ())
        };
        let feeder = |feed: Feed<'_>, stop: &AtomicBool| {
            Ok(feed::run_sockets(feed, &lines, &published.is_done, stop))
        };
        let done = || {
            let sent = published.datagrams.load(Ordering::Relaxed);
            Some((sent * 1000 / total.max(1)) as u32)
        };
        let server = |clock: &Clock, stop: &AtomicBool| {
            if config.recovery {
                publisher.serve(clock, stop);
            }
        };
        let sides = Sides {
            publish: Some(&sender),
            serve: Some(&server),
            feed: &feeder,
            done: &done,
            injected: Some(injected),
            is_paced: true,
        };
        assembly.run(strategy, &sides, progress)
    }

    fn run_captures<S: Strategy + Send>(
        &self,
        session: &CaptureSession,
        strategy: S,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let options = CaptureOptions {
            files: session.files.clone(),
            speed: session.speed,
            groups: session.groups,
        };
        let files: Vec<MappedFile> = feed::map_files(&options.files)?;
        let recordings = feed::recognise(session.protocol, &options.files, &files)?;
        let mut instruments = session.instruments.clone();
        match &recordings {
            Some(recordings) => {
                instruments.extend(recordings.iter().flat_map(feed::Recording::instruments));
            }
            None => feed::check_captures(&options.files, &files)?,
        }
        let assembly = Assembly {
            host: self,
            segment: session.segment,
            recovery: None,
            instruments: &instruments,
            time_source: TimeSource::Events,
        };
        let feeder = |feed: Feed<'_>, stop: &AtomicBool| match &recordings {
            Some(recordings) => Ok(feed::run_recordings(feed, recordings, options.speed, stop)),
            None => feed::run_capture(feed, &options, &files, stop),
        };
        let is_paced = session.speed.is_some();
        let sides = Sides {
            publish: None,
            serve: None,
            feed: &feeder,
            done: &|| None,
            injected: None,
            is_paced,
        };
        assembly.run(strategy, &sides, progress)
    }
}
