//! Threads, ring, clock and journal, put together around one strategy for one session.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use tezi_core::pricing::PricingKernel;
use tezi_core::strategy::Strategy;
use tezi_journal::JournalStats;
use tezi_model::{AccountDefinition, Event, Instrument, Nanos, RejectReason, StrategyId};
use tezi_ring::Consumer;

use crate::beginning::Begun;
use crate::carried::PositionsOut;
use crate::clock::Clock;
use crate::control::{Door, Known};
use crate::core_loop::{Arrivals, Beginning, CoreLoop, TimeSource};
use crate::csv::write_books;
use crate::demo::InjectedFaults;
use crate::error::Error;
use crate::feed::{Feed, FeedReport, FeedSetup, RingFeed};
use crate::followers::{Followed, FollowerStates};
use crate::host::{Host, ProgressSink};
use crate::journaling::DurabilityReport;
use crate::kernels::CppKernels;
use crate::latency::{Latencies, PathStage, StageRecorder};
use crate::metrics::Metrics;
use crate::observer::{Observables, Observed, Observer, Onlookers, Shared};
use crate::order_path::OrderWay;
use crate::orders::{OrderSessionConfig, OrdersReport, OrdersThread};
use crate::progress::Progress;
use crate::replication::{ReplicaState, ReplicaThread};
use crate::report::{CoreReport, Report};
use crate::resume::Resumption;
use crate::snapshots::SnapshotThread;

/// Events the ring between feed and core holds: 4 MiB.
const RING_SLOTS: usize = 1 << 16;

/// A strategy, and a second one like it for the core that snapshots are taken of.
pub(crate) type WithTwin<S> = (S, Option<S>);

type Publish<'p> = &'p (dyn Fn(&AtomicBool) -> Result<(), Error> + Sync);
type Serve<'p> = &'p (dyn Fn(&Clock, &AtomicBool) + Sync);
type Receive<'p> =
    Box<dyn FnOnce(RingFeed<'_>, &AtomicBool) -> Result<FeedReport, Error> + Send + 'p>;

/// Where a session's bytes come from and what is known of them.
pub(crate) struct Sides<'a> {
    /// Sends the market, where this process does that itself.
    pub(crate) publish: Option<Publish<'a>>,
    /// Serves what is asked for again, where this process does that itself.
    pub(crate) serve: Option<Serve<'a>>,
    /// Receives the market.
    pub(crate) feed: Receive<'a>,
    /// Part of the session that is sent, in thousandths, where that is known.
    pub(crate) done: &'a (dyn Fn() -> Option<u32> + Sync),
    /// Faults the demo puts in.
    pub(crate) injected: Option<InjectedFaults>,
    /// Whether the market keeps a pace of its own (rather than coming as fast as it is taken).
    pub(crate) is_paced: bool,
    /// Carries orders, where they leave the process.
    pub(crate) orders: Option<OrdersThread>,
    /// Brings the journal to a follower, where there is one.
    pub(crate) replica: Option<ReplicaThread>,
}

impl<'a> Sides<'a> {
    /// Nothing but a feed.
    pub(crate) fn receiving(
        feed: impl FnOnce(RingFeed<'_>, &AtomicBool) -> Result<FeedReport, Error> + Send + 'a,
        is_paced: bool,
    ) -> Self {
        Self {
            publish: None,
            serve: None,
            feed: Box::new(feed),
            done: &|| None,
            injected: None,
            is_paced,
            orders: None,
            replica: None,
        }
    }
}

/// A host with its session, ready to start threads.
pub(crate) struct Assembly<'a> {
    pub(crate) host: &'a Host,
    pub(crate) feed: FeedSetup,
    pub(crate) instruments: &'a [Instrument],
    pub(crate) time_source: TimeSource,
    /// Where orders go, unless the venue is inside the core.
    pub(crate) orders: Option<&'a OrderSessionConfig>,
}

/// The core with what it begins with, and what follows it.
type Trading<'c, S, K> = (CoreLoop<'c, S, K>, Option<Beginning>, Option<SnapshotThread<S>>);

/// What the core's thread gives back.
struct Finished {
    core: CoreReport,
    latencies: Latencies,
    journal_stats: Option<JournalStats>,
    durability: Option<DurabilityReport>,
    journal_error: Option<String>,
    book_error: Option<Error>,
    unsaid: u64,
    notes: Vec<String>,
    orders: Option<(OrdersReport, Latencies)>,
    followed: Followed,
}

impl Assembly<'_> {
    /// Runs the session to its end.
    pub(crate) fn run<S: Strategy + Send>(
        &self,
        strategies: WithTwin<S>,
        mut sides: Sides<'_>,
        progress_sink: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let clock = Clock::start();
        let strategy = &strategies.0;
        let (name, parameters) = (strategy.name().to_string(), strategy.parameters());
        let members = members_of(strategy);
        let mut decoded = open_output(self.host.decoded_csv.as_deref())?;
        let book = open_output(self.host.book_csv.as_deref())?;
        let session = self.session_text(strategy);
        let shared = Shared::default();
        let observation = &self.host.observation;
        let about = (session.as_str(), self.instruments.len());
        let (mut seats, observer) = Observer::open(observation, &clock, &shared, about)?;
        // Before the journal, so that a socket that cannot be leaves none behind.
        let door = Door::open(self.host.control.as_ref())?;
        let begun = self.begin(strategies, &clock)?;
        let Begun { core, recorder, orders, orders_thread, replica, .. } = begun;
        let Begun { beginning, notes, resumption, snapshots, positions, .. } = begun;
        let followers = FollowerStates::of(replica.as_ref(), snapshots.as_ref());
        (sides.orders, sides.replica) = (orders_thread, replica);
        seats.look_at(&followers);
        let journal = recorder.path().map(Path::to_path_buf);
        let (progress, stop) = (Progress::default(), AtomicBool::new(false));
        let started = Instant::now();
        let (name, parameters, replica) = (&*name, &*parameters, followers.replica.as_deref());
        let accounts = self.host.account_definitions();
        let known = self.known((name, parameters), &members, &accounts, replica);
        let (control_seat, controls) = Door::seats(door, known)?;
        let core_loop = CoreLoop {
            core,
            recorder,
            orders,
            control: control_seat,
            host: self.host,
            stages: std::mem::take(&mut seats.core),
            watch: seats.watch.take(),
            clock: &clock,
            progress: &progress,
            time_source: self.time_source,
            arrivals: Arrivals::default(),
        };
        let decoded = decoded.as_mut().map(|file| file as &mut (dyn Write + Send));
        let outputs = Outputs { decoded, book };
        let (injected, is_paced, done) = (sides.injected, sides.is_paced, sides.done);
        let watch = |thread: &dyn Fn() -> bool| watch(thread, &progress, done, progress_sink);
        let metrics = Metrics {
            shared: &shared,
            progress: &progress,
            instruments: self.instruments,
            strategy: name,
            kernel: CppKernels.name(),
            started,
            followers: &followers,
        };
        let (core, hiccup_core) = (self.host.pinning.cores().publisher, observation.hiccup_core);
        let onlookers = Onlookers { observer, seats, metrics, controls, hiccup_core, core };
        let trading = (core_loop, beginning, snapshots);
        let (feed, finished, mut observed) =
            self.run_threads(trading, outputs, sides, &stop, onlookers, watch)?;
        let (kernel, elapsed) = (CppKernels.name(), started.elapsed());
        let who = Identity { name, parameters, kernel, journal, resumption, injected, is_paced };
        let mut report = assemble_report(who, notes, feed, finished, &mut observed, elapsed)?;
        let fault = observed.events.and_then(|events| events.stop(clock.now(), &report));
        report.notes.extend(fault);
        PositionsOut::finish(positions, report)
    }

    /// Starts the threads, waits for them and collects what they found.
    fn run_threads<'c, S: Strategy + Send, K: PricingKernel + Send>(
        &self,
        (core_loop, beginning, snapshots): Trading<'c, S, K>,
        Outputs { decoded, book }: Outputs<'c>,
        sides: Sides<'c>,
        stop: &'c AtomicBool,
        onlookers: Onlookers<'c>,
        watch: impl FnOnce(&dyn Fn() -> bool),
    ) -> Result<(FeedReport, Finished, Observed), Error> {
        let (producer, consumer) = tezi_ring::ring(RING_SLOTS)
            .map_err(|error| Error::Parameter(format!("ring to the core: {error}")))?;
        let cores = self.host.pinning.cores();
        let (clock, progress) = (core_loop.clock, core_loop.progress);
        thread::scope(|scope| {
            let (looking, observables) = onlookers.start(scope, clock, stop)?;
            let Observables { feed: feed_stages, orders: orders_stages, shared } = observables;
            let core = spawn(scope, "tezi-core", move || {
                run_core((core_loop, beginning), consumer, cores.core, stop, book)
            })?;
            let feed = spawn(scope, "tezi-feed", move || {
                let note = crate::pin::pin(cores.feed, "feed");
                let feed = Feed::to_ring(&self.feed, producer, clock, decoded)?;
                let mut report = (sides.feed)(feed.observed(feed_stages, shared), stop)?;
                report.notes.extend(note);
                Ok::<_, Error>(report)
            })?;
            let core_id = self.orders.and_then(|config| config.core);
            // The observer waits for every recorder: without a thread its own goes with the closure.
            let carry = move |thread| {
                let run = move || run_orders(thread, core_id, clock, orders_stages, shared);
                spawn(scope, "tezi-orders", run)
            };
            let orders = sides.orders.map(carry).transpose()?;
            let send = |publish: Publish<'c>| {
                spawn(scope, "tezi-demo", move || {
                    // Not to be had, it sends from wherever it is: nothing to tell the user.
                    let _ = crate::pin::pin(cores.publisher, "publisher");
                    publish(stop)
                })
            };
            let publisher = sides.publish.map(send).transpose()?;
            let serve = |serve: Serve<'c>| {
                spawn(scope, "tezi-demo-tcp", move || {
                    let _ = crate::pin::pin(cores.publisher, "recovery server");
                    serve(clock, stop);
                })
            };
            let server = sides.serve.map(serve).transpose()?;
            // Last, for they run until they are told to end.
            let followers = self.follow(scope, (sides.replica, snapshots), clock, progress)?;
            watch(&|| core.is_finished());
            // Ended in order or by a panic: nobody is left to send to, and the journal takes no more.
            stop.store(true, Ordering::Relaxed);
            followers.end();
            // Every thread is joined before the first error is told.
            let published = publisher.map(|thread| join(thread, "publisher"));
            let served = server.map_or(Ok(()), |thread| join(thread, "recovery server"));
            let feed = join(feed, "feed");
            let orders = orders.map(|thread| join(thread, "orders"));
            let followed = followers.join();
            let core = join(core, "core");
            let observed = looking.join();
            let mut finished = core?;
            finished.orders = orders.transpose()?;
            finished.followed = followed?;
            published.transpose()?.transpose()?;
            served?;
            Ok((feed??, finished, observed?))
        })
    }
}

impl Assembly<'_> {
    /// What the control thread knows beforehand of a session, of a strategy by name and parameters.
    fn known<'k>(
        &'k self,
        (strategy, parameters): (&'k str, &'k str),
        members: &'k [(String, String)],
        accounts: &'k [AccountDefinition],
        replica: Option<&'k ReplicaState>,
    ) -> Known<'k> {
        let instruments = self.instruments;
        Known { instruments, strategy, parameters, members, accounts, replica }
    }
}

/// Names and kinds of several strategies, in order of number.
fn members_of<S: Strategy>(strategy: &S) -> Vec<(String, String)> {
    let members = (1..=strategy.strategies()).filter_map(|it| strategy.member(StrategyId(it)));
    members.map(|(name, kind)| (name.to_string(), kind.to_string())).collect()
}

/// Starts a named thread of the session.
pub(crate) fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: &str,
    body: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    thread::Builder::new()
        .name(name.into())
        .spawn_scoped(scope, body)
        .map_err(|error| Error::Thread(format!("cannot start thread {name}: {error}")))
}

pub(crate) fn join<T>(thread: ScopedJoinHandle<'_, T>, name: &str) -> Result<T, Error> {
    thread.join().map_err(|panic| {
        let what = panic.downcast_ref::<&str>().map(ToString::to_string);
        let what = what.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Error::Thread(format!("the {name} thread stopped: {what}"))
    })
}

/// Tells the caller how far the session is until the core has finished.
fn watch(
    is_finished: &dyn Fn() -> bool,
    progress: &Progress,
    done: &dyn Fn() -> Option<u32>,
    sink: ProgressSink<'_>,
) {
    const INTERVAL: Duration = Duration::from_millis(250);
    let mut shown = Instant::now();
    while !is_finished() {
        thread::sleep(Duration::from_millis(5));
        if shown.elapsed() >= INTERVAL {
            shown = Instant::now();
            sink(&progress.update(done()));
        }
    }
}

/// The body of the core's thread.
fn run_core<S: Strategy, K: PricingKernel>(
    (mut core_loop, beginning): (CoreLoop<'_, S, K>, Option<Beginning>),
    mut ring: Consumer<Event>,
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
        .begin(start, beginning)
        .and_then(|()| core_loop.run(&mut ring, stop))
        .and_then(|()| core_loop.stop().map(|reason| stopped = reason));
    // Whatever comes now finds nobody: the feed sees that the ring is abandoned.
    drop(ring);
    core_loop.publish_figures(core_loop.core.now());
    let CoreLoop { core, recorder, orders, stages, clock, .. } = core_loop;
    let latencies = stages.finish(clock);
    let mut unsaid = 0;
    match orders {
        OrderWay::Inside(path) => {
            unsaid = path.unsaid;
            notes.extend(path.note());
        }
        // Let go before the journal's end is written: the orders' thread signs off meanwhile.
        OrderWay::Session(link) => {
            let refused = link.refused_count;
            if refused > 0 {
                notes.push(format!("{refused} commands found no room on the way to their thread"));
            }
        }
    }
    let report = CoreReport::new(&core, stopped);
    let ended = ran.and_then(|()| recorder.end(core.now(), report.state_hash));
    let (recorded, journal_error) = match ended {
        Ok(recorded) => (recorded, None),
        Err(error) => (None, Some(format!("{error}; the session was stopped there"))),
    };
    let (journal_stats, durability) =
        recorded.as_ref().map_or((None, None), |it| (Some(it.stats), it.durability));
    let book_error = book.and_then(|mut file| {
        let result = write_books(&mut file.out, core.instruments(), core.books());
        result.err().map(|source| Error::file("write", &file.path, source))
    });
    Finished {
        core: report,
        latencies,
        journal_stats,
        durability,
        journal_error,
        book_error,
        unsaid,
        notes,
        orders: None,
        followed: Followed::default(),
    }
}

/// The body of the orders' thread.
fn run_orders(
    thread: OrdersThread,
    core_id: Option<usize>,
    clock: &Clock,
    stages: StageRecorder,
    shared: Option<&Shared>,
) -> (OrdersReport, Latencies) {
    let note = crate::pin::pin(core_id, "orders");
    let (mut report, latencies) = thread.run(clock, stages, shared);
    report.notes.extend(note);
    (report, latencies)
}

/// The files that threads of the session write.
struct Outputs<'a> {
    decoded: Option<&'a mut (dyn Write + Send)>,
    book: Option<OutputFile>,
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
struct Identity<'a> {
    name: &'a str,
    parameters: &'a str,
    kernel: &'static str,
    journal: Option<PathBuf>,
    resumption: Option<Resumption>,
    injected: Option<InjectedFaults>,
    is_paced: bool,
}

fn assemble_report(
    who: Identity<'_>,
    mut notes: Vec<String>,
    feed: FeedReport,
    core: Finished,
    observed: &mut Observed,
    elapsed: Duration,
) -> Result<Report, Error> {
    if let Some(error) = core.book_error {
        return Err(error);
    }
    let mut latencies = core.latencies;
    latencies.set(PathStage::Decode, feed.decode.clone());
    latencies.add(&observed.latencies);
    notes.extend(core.notes);
    notes.append(&mut observed.notes);
    notes.extend(feed.notes.iter().cloned());
    let orders = core.orders.map(|(report, stages)| {
        notes.extend(report.notes.iter().cloned());
        latencies.add(&stages);
        report
    });
    let Followed { replica, snapshots } = core.followed;
    notes.extend(replica.iter().flat_map(|it| it.notes.iter().cloned()));
    notes.extend(snapshots.iter().flat_map(|it| it.notes.iter().cloned()));
    Ok(Report {
        strategy: who.name.to_string(),
        parameters: who.parameters.to_string(),
        kernel: who.kernel,
        feed,
        injected: who.injected,
        core: core.core,
        latencies,
        elapsed,
        is_paced: who.is_paced,
        journal: who.journal,
        resumption: who.resumption,
        journal_stats: core.journal_stats,
        durability: core.durability,
        replication: replica,
        snapshots,
        journal_error: core.journal_error,
        orders_not_encoded: core.unsaid,
        orders,
        notes,
    })
}
