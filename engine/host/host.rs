//! The host: threads, ring, clock, pinning, and their assembly around one strategy.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rtrb::{Consumer, Producer, RingBuffer};
use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_core::{Core, CoreConfig};
use tezi_model::{Instrument, Nanos, RejectReason, Segment};

use crate::clock::Clock;
use crate::core_loop::{CoreLoop, TimeSource};
use crate::csv::write_books;
use crate::demo::{self, InjectedFaults, Published};
use crate::error::Error;
use crate::feed::{self, CaptureOptions, Feed, FeedReport, Lines, Slot};
use crate::kernels::CppKernels;
use crate::latency::{Latencies, PathStage};
use crate::mapped::MappedFile;
use crate::order_path::OrderPath;
use crate::pin::Pinning;
use crate::progress::{Progress, ProgressUpdate};
use crate::recorder::Recorder;
use crate::report::{CoreReport, Report};
use crate::session::{CaptureSession, DemoSession, Session};

/// The groups of the demo's lines; ports are the kernel's choice, so that two demos do not mix.
const DEMO_GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, 41), 0),
    SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, 31), 0),
];

/// Events the ring between feed and core holds: 4 MiB.
const RING_SLOTS: usize = 1 << 16;

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
    config: CoreConfig,
    journal: Option<PathBuf>,
    segment_bytes: u64,
    pinning: Pinning,
    decoded_csv: Option<PathBuf>,
    book_csv: Option<PathBuf>,
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
        let (departures, injected) = demo::plan(&tape, config);
        if let Some(path) = &session.save_pcap {
            demo::save_capture(path, &tape, &departures)
                .map_err(|source| Error::file("write", path, source))?;
        }
        let lines = Lines::join(DEMO_GROUPS, Ipv4Addr::LOCALHOST)?;
        let published = Published::default();
        let assembly = Assembly {
            host: self,
            segment: Segment::NseFo,
            instruments: &tape.instruments,
            time_source: TimeSource::Clock,
        };
        let total = departures.len() as u64;
        let publisher = |stop: &AtomicBool| {
            let (groups, speed) = (lines.groups, config.speed);
            demo::publish(&tape, &departures, groups, speed, &published, stop).map_err(|source| {
                stop.store(true, Ordering::Relaxed);
                Error::Network { doing: "send to the multicast groups".into(), source }
            })
        };
        let feeder = |feed: Feed<'_>, stop: &AtomicBool| {
            Ok(feed::run_sockets(feed, &lines, &published.is_done, stop))
        };
        let done = || {
            let sent = published.datagrams.load(Ordering::Relaxed);
            Some((sent * 1000 / total.max(1)) as u32)
        };
        assembly.run(strategy, Some(&publisher), &feeder, &done, progress, Some(injected))
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
        let files: Vec<MappedFile> = feed::open_captures(&options.files)?;
        let assembly = Assembly {
            host: self,
            segment: session.segment,
            instruments: &session.instruments,
            time_source: TimeSource::Events,
        };
        let feeder =
            |feed: Feed<'_>, stop: &AtomicBool| feed::run_capture(feed, &options, &files, stop);
        assembly.run(strategy, None, &feeder, &|| None, progress, None)
    }
}

type Publisher<'p> = &'p (dyn Fn(&AtomicBool) -> Result<(), Error> + Sync);
type Feeder<'p> = &'p (dyn Fn(Feed<'_>, &AtomicBool) -> Result<FeedReport, Error> + Sync);

/// A host with its session, ready to start threads.
struct Assembly<'a> {
    host: &'a Host,
    segment: Segment,
    instruments: &'a [Instrument],
    time_source: TimeSource,
}

/// What the core's thread gives back.
struct Finished {
    core: CoreReport,
    latencies: Latencies,
    journal_stats: Option<tezi_journal::JournalStats>,
    journal_error: Option<String>,
    book_error: Option<Error>,
    unsaid: u64,
    notes: Vec<String>,
}

impl Assembly<'_> {
    fn run<S: Strategy + Send>(
        &self,
        strategy: S,
        publisher: Option<Publisher<'_>>,
        feeder: Feeder<'_>,
        done: &dyn Fn() -> Option<u32>,
        progress_sink: ProgressSink<'_>,
        injected: Option<InjectedFaults>,
    ) -> Result<Report, Error> {
        let clock = Clock::start();
        let (name, parameters) = (strategy.name().to_string(), strategy.parameters());
        let kernel = CppKernels;
        let kernel_name = kernel.name();
        let mut decoded = open_output(self.host.decoded_csv.as_deref())?;
        let book = open_output(self.host.book_csv.as_deref())?;
        let mut core = Core::new(&self.host.config, strategy, kernel)?;
        for definition in self.instruments {
            core.define(definition).map_err(|reason| {
                Error::Parameter(format!("instrument {definition}: {}", reason.message()))
            })?;
        }
        let recorder = self.begin_journal(&clock, &name, &parameters, kernel_name)?;
        let journal = recorder.path().map(Path::to_path_buf);
        let orders = OrderPath::new(self.host.config.capacity.instruments_max)?;
        let (producer, consumer) = RingBuffer::new(RING_SLOTS);
        let (progress, stop) = (Progress::default(), AtomicBool::new(false));
        let (feed_core, core_core) = self.host.pinning.cores();
        let started = Instant::now();
        let latencies = Latencies::default();
        let (clock, progress, stop) = (&clock, &progress, &stop);
        let core_loop = CoreLoop {
            core,
            recorder,
            orders,
            latencies,
            clock,
            progress,
            time_source: self.time_source,
        };
        let decoded = decoded.as_mut().map(|file| file as &mut (dyn Write + Send));
        let (feed, finished) = thread::scope(|scope| {
            let core = spawn(scope, "tezi-core", move || {
                run_core(core_loop, consumer, core_core, stop, book)
            })?;
            let feed = spawn(scope, "tezi-feed", move || {
                let note = crate::pin::pin(feed_core, "feed");
                let feed = self.feed(producer, clock, decoded)?;
                feeder(feed, stop).map(|mut report| {
                    report.notes.extend(note);
                    report
                })
            })?;
            let publisher = match publisher {
                Some(publish) => Some(spawn(scope, "tezi-demo", move || publish(stop))?),
                None => None,
            };
            watch(&core, progress, done, progress_sink);
            let published = publisher.map_or(Ok(()), |thread| join(thread, "publisher")?);
            let feed = join(feed, "feed");
            let finished = join(core, "core")?;
            published?;
            Ok::<_, Error>((feed??, finished))
        })?;
        if let Some(error) = finished.book_error {
            return Err(error);
        }
        Ok(assemble_report(
            Identity { name, parameters, kernel: kernel_name, journal, injected },
            feed,
            finished,
            started.elapsed(),
        ))
    }

    fn feed<'f>(
        &self,
        ring: Producer<Slot>,
        clock: &'f Clock,
        decoded: Option<&'f mut (dyn Write + Send)>,
    ) -> Result<Feed<'f>, Error> {
        Feed::new(self.segment, ring, clock, decoded)
    }

    /// Opens the journal and writes what a replay must know beforehand.
    fn begin_journal(
        &self,
        clock: &Clock,
        name: &str,
        parameters: &str,
        kernel: &str,
    ) -> Result<Recorder, Error> {
        let now = match self.time_source {
            TimeSource::Clock => clock.now(),
            TimeSource::Events => Nanos::ZERO,
        };
        let mut recorder = match &self.host.journal {
            Some(dir) => Recorder::create(dir, self.host.segment_bytes, clock.now())?,
            None => Recorder::off(),
        };
        let version = env!("CARGO_PKG_VERSION");
        let session = format!(
            "engine tezi {version}\nstrategy {name}\nparameters {parameters}\nkernel {kernel}\n"
        );
        recorder.session(now, &session)?;
        recorder.config(now, &self.host.config)?;
        for definition in self.instruments {
            recorder.instrument(now, definition)?;
        }
        Ok(recorder)
    }
}

/// Starts a named thread of the session.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    thread::Builder::new()
        .name(name.into())
        .spawn_scoped(scope, body)
        .map_err(|error| Error::Thread(format!("cannot start thread {name}: {error}")))
}

fn join<T>(thread: ScopedJoinHandle<'_, T>, name: &str) -> Result<T, Error> {
    thread.join().map_err(|panic| {
        let what = panic.downcast_ref::<&str>().map(ToString::to_string);
        let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Error::Thread(format!("the {name} thread stopped: {what}"))
    })
}

/// Tells the caller how far the session is until the core has finished.
fn watch<T>(
    core: &ScopedJoinHandle<'_, T>,
    progress: &Progress,
    done: &dyn Fn() -> Option<u32>,
    sink: ProgressSink<'_>,
) {
    const INTERVAL: Duration = Duration::from_millis(250);
    let mut shown = Instant::now();
    while !core.is_finished() {
        thread::sleep(Duration::from_millis(5));
        if shown.elapsed() >= INTERVAL {
            shown = Instant::now();
            sink(&progress.update(done()));
        }
    }
}

/// The body of the core's thread.
fn run_core<S: Strategy, K: PricingKernel>(
    mut core_loop: CoreLoop<'_, S, K>,
    mut ring: Consumer<Slot>,
    core_id: Option<usize>,
    stop: &AtomicBool,
    book: Option<OutputFile>,
) -> Finished {
    let mut notes: Vec<String> = crate::pin::pin(core_id, "core").into_iter().collect();
    let start = match core_loop.time_source {
        TimeSource::Clock => core_loop.clock.now(),
        TimeSource::Events => Nanos::ZERO,
    };
    let mut stopped: Option<RejectReason> = None;
    let ran = core_loop
        .start(start)
        .and_then(|()| core_loop.run(&mut ring, stop))
        .and_then(|()| core_loop.stop().map(|reason| stopped = reason));
    // Whatever comes now finds nobody: the feed sees that the ring is abandoned.
    drop(ring);
    let CoreLoop { core, recorder, orders, latencies, .. } = core_loop;
    let report = CoreReport::new(&core, stopped);
    let ended = ran.and_then(|()| recorder.end(core.now(), report.state_hash));
    let (journal_stats, journal_error) = match ended {
        Ok(stats) => (stats, None),
        Err(error) => (None, Some(format!("{error}; the session was stopped there"))),
    };
    if orders.unsaid > 0 {
        notes.push(format!(
            "{} order messages were for instruments without a contract and were not encoded",
            orders.unsaid
        ));
    }
    let book_error = book.and_then(|mut file| {
        let result = write_books(&mut file.out, core.instruments(), core.books());
        result.err().map(|source| Error::file("write", &file.path, source))
    });
    let unsaid = orders.unsaid;
    Finished { core: report, latencies, journal_stats, journal_error, book_error, unsaid, notes }
}

/// A file made before the session runs, so that a bad path costs no session.
struct OutputFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

fn open_output(path: Option<&Path>) -> Result<Option<OutputFile>, Error> {
    let open = |path: &Path| {
        let file = File::create(path).map_err(|source| Error::file("create", path, source))?;
        Ok(OutputFile { path: path.to_path_buf(), out: BufWriter::new(file) })
    };
    path.map(open).transpose()
}

/// What a report says of who ran.
struct Identity {
    name: String,
    parameters: String,
    kernel: &'static str,
    journal: Option<PathBuf>,
    injected: Option<InjectedFaults>,
}

fn assemble_report(who: Identity, feed: FeedReport, core: Finished, elapsed: Duration) -> Report {
    let mut latencies = core.latencies;
    latencies.set(PathStage::Decode, feed.decode.clone());
    let mut notes = core.notes;
    notes.extend(feed.notes.iter().cloned());
    Report {
        strategy: who.name,
        parameters: who.parameters,
        kernel: who.kernel,
        feed,
        injected: who.injected,
        core: core.core,
        latencies,
        elapsed,
        journal: who.journal,
        journal_stats: core.journal_stats,
        journal_error: core.journal_error,
        orders_not_encoded: core.unsaid,
        notes,
    }
}
