//! The host: what a strategy is run with, and against which session.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tezi_core::control::{Control, ControlError, Limit};
use tezi_core::strategy::Strategy;
use tezi_core::{CoreConfig, VenueMode};
use tezi_feed_handler::Line;
use tezi_feed_handler::feed::{Channel, FeedConfig, Protocol as PacketProtocol};
use tezi_journal::StageConfig;
use tezi_model::{Segment, StrategyId};
use tezi_receive::Interface;

use crate::assembly::{Assembly, Sides, WithTwin};
use crate::carried::CarriedFiles;
use crate::clock::Clock;
use crate::control::ControlConfig;
use crate::core_loop::TimeSource;
use crate::demo::{self, Published};
use crate::error::Error;
use crate::feed::{
    self, CaptureSource, Duties, FeedSetup, FeedTime, FullRing, Idle, Listening, LiveSource,
    RingFeed, Run, Silence, Tap, UntilEnd, UntilOver,
};
use crate::journaling::JournalMode;
use crate::mapped::MappedFile;
use crate::margin::RiskFile;
use crate::observer::Observation;
use crate::orders::client_order_id_base;
use crate::pin::Pinning;
use crate::progress::ProgressUpdate;
use crate::publish::{PublishUpdate, Publisher};
use crate::replication::ReplicationConfig;
use crate::report::Report;
use crate::session::{CaptureSession, DemoSession, FeedGroup, LiveSession, Session};
use crate::snapshots::{ReplayFrom, SnapshotConfig};

/// A line of the demo. The port is the kernel's choice, so that two demos do not mix.
const fn demo_group(line: Line) -> FeedGroup {
    let last = match line {
        Line::A => 41,
        Line::B => 31,
    };
    let address = SocketAddrV4::new(Ipv4Addr::new(239, 255, 70, last), 0);
    let interface = Interface::Address(Ipv4Addr::LOCALHOST);
    FeedGroup { address, channel: Channel::Line(line), interface, source: None }
}

/// The demo's feed is over when everything is sent and nothing more can come.
struct UntilSent<'a>(&'a AtomicBool);

impl<S, O> Duties<S, O> for UntilSent<'_> {
    fn is_over(&mut self, _source: &S, silence: &Silence) -> bool {
        // Longer than any gap is waited for; a recovery may take its time.
        let wait = Duration::from_millis(if silence.is_recovering { 5_000 } else { 300 });
        self.0.load(Ordering::Acquire) && silence.since >= wait
    }
}

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
    pub(crate) resume: bool,
    pub(crate) resume_from: ReplayFrom,
    pub(crate) segment_bytes: u64,
    pub(crate) journal_mode: JournalMode,
    pub(crate) journal_stage: StageConfig,
    pub(crate) replication: Option<ReplicationConfig>,
    pub(crate) snapshots: Option<SnapshotConfig>,
    pub(crate) pinning: Pinning,
    pub(crate) decoded_csv: Option<PathBuf>,
    pub(crate) book_csv: Option<PathBuf>,
    pub(crate) settings: Vec<String>,
    pub(crate) observation: Observation,
    pub(crate) control: Option<ControlConfig>,
    /// What is set before sessions begin: limits, accounts and who trades for them.
    pub(crate) limits: Vec<Control>,
    pub(crate) risk_file: Option<RiskFile>,
    pub(crate) carried: CarriedFiles,
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
            resume: false,
            resume_from: ReplayFrom::Snapshot,
            segment_bytes: 64 << 20,
            journal_mode: JournalMode::Auto,
            journal_stage: StageConfig::default(),
            replication: None,
            snapshots: None,
            pinning: Pinning::Auto,
            decoded_csv: None,
            book_csv: None,
            settings: Vec::new(),
            observation: Observation::default(),
            control: None,
            limits: Vec::new(),
            risk_file: None,
            carried: CarriedFiles::default(),
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

    /// Takes up the session of the journal, where there is one that did not end: the core is rebuilt
    /// from it, and orders that are open at the exchange stay the strategy's. A journal of another day,
    /// strategy or configuration is an error; without one, a session begins. For live sessions.
    #[must_use]
    pub const fn resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Says whether a session that is taken up begins from the newest snapshot that fits, which it does
    /// unless told otherwise, or from the first record of its journal, whatever snapshots there are.
    #[must_use]
    pub const fn resume_from(mut self, from: ReplayFrom) -> Self {
        self.resume_from = from;
        self
    }

    /// Sets the size of the journal's segments, in bytes.
    #[must_use]
    pub const fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes;
        self
    }

    /// Says how the journal is written: staged in memory with a thread that brings it to the disk, or
    /// mapped.
    #[must_use]
    pub const fn journal_mode(mut self, mode: JournalMode) -> Self {
        self.journal_mode = mode;
        self
    }

    /// Says where and how a staged journal is kept in memory.
    #[must_use]
    pub fn journal_stage(mut self, stage: StageConfig) -> Self {
        self.journal_stage = stage;
        self
    }

    /// Replicates the journal to a follower in a second host while the session runs.
    #[must_use]
    pub const fn replicate(mut self, replication: ReplicationConfig) -> Self {
        self.replication = Some(replication);
        self
    }

    /// Writes snapshots beside the journal while a session runs, so that it is resumed in a moment. A second
    /// core follows the journal for it, on a thread and in memory of its own; what fails there is in the
    /// report and stops nothing. For a strategy's own state use [`Host::run_with_twin`].
    #[must_use]
    pub const fn snapshots(mut self, snapshots: SnapshotConfig) -> Self {
        self.snapshots = Some(snapshots);
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

    /// Notes settings, a line each (`name value`), in the first record of the journal: whoever reads it
    /// years later sees under which configuration it was written. Nothing secret belongs here.
    #[must_use]
    pub fn settings(mut self, lines: &[String]) -> Self {
        self.settings = lines.to_vec();
        self
    }

    /// Says what is observed while a session runs: latency log, metrics, log of events.
    #[must_use]
    pub fn observe(mut self, observation: Observation) -> Self {
        self.observation = observation;
        self
    }

    /// Lets operators act on sessions while they run.
    #[must_use]
    pub fn control(mut self, control: ControlConfig) -> Self {
        self.control = Some(control);
        self
    }

    /// Sets a limit before sessions begin, in its [`Limit::unit`]: those that the configuration of the
    /// core has no place for, above all. The journal has it as an operator's action, by "configuration".
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] when the limit cannot have this value.
    pub fn limit(mut self, limit: Limit, value: i64) -> Result<Self, Error> {
        limit.check(value).map_err(|error| Error::Parameter(error.to_string()))?;
        let is_same = |set: &Control| matches!(set, Control::SetLimit { limit: other, .. } if *other == limit);
        self.limits.retain(|set| !is_same(set));
        self.limits.push(Control::SetLimit { limit, value });
        Ok(self)
    }

    /// As [`Host::limit`], of one strategy of several: `loss-max`, `position-max` or `open-orders-max`,
    /// beside the desk's. Sessions of a strategy without this member end with an error before they begin.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`] when strategies have no such limit, or it cannot have this value.
    pub fn strategy_limit(
        mut self,
        strategy: StrategyId,
        limit: Limit,
        value: i64,
    ) -> Result<Self, Error> {
        let known = if limit.is_of_strategies() {
            limit.check(value)
        } else {
            Err(ControlError::NotOfStrategies(limit))
        };
        known.map_err(|error| Error::Parameter(error.to_string()))?;
        let is_same = |set: &Control| {
            matches!(set, Control::SetStrategyLimit { strategy: whose, limit: other, .. }
                if (*whose, *other) == (strategy, limit))
        };
        self.limits.retain(|set| !is_same(set));
        self.limits.push(Control::SetStrategyLimit { strategy, limit, value });
        Ok(self)
    }

    /// Says what margin is reckoned with: for the limits `margin-available`, `futeq-net-max` and
    /// `futeq-gross-max`. The journal has its lines before the session begins.
    #[must_use]
    pub fn risk_file(mut self, file: RiskFile) -> Self {
        self.risk_file = Some(file);
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
        self.run_both(session, (strategy, None), progress)
    }

    /// As [`Host::run_with_progress`], with a second strategy of the same kind and parameters for the core
    /// that [`Host::snapshots`] are taken of: what it keeps is then in them, and the session can be resumed
    /// from one. Without it they serve replays alone, and the session is resumed from its whole journal.
    ///
    /// # Errors
    ///
    /// As [`Host::run`], and [`Error::Parameter`] when the two are not of one name and parameters.
    pub fn run_with_twin<S: Strategy + Send>(
        &self,
        session: &Session,
        strategy: S,
        twin: S,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let of = |strategy: &S| (strategy.name().to_string(), strategy.parameters());
        if of(&strategy) != of(&twin) {
            let what = "the second strategy has another name or other parameters than the first";
            return Err(Error::Parameter(what.into()));
        }
        self.run_both(session, (strategy, Some(twin)), progress)
    }

    fn run_both<S: Strategy + Send>(
        &self,
        session: &Session,
        strategies: WithTwin<S>,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        if self.resume && !matches!(session, Session::Live(_)) {
            let what = "only a live session can be taken up again";
            return Err(Error::Parameter(what.into()));
        }
        if self.snapshots.is_some() && self.journal.is_none() {
            let what = "snapshots are of a journal, and none is kept";
            return Err(Error::Parameter(what.into()));
        }
        self.check_strategies(strategies.0.strategies())?;
        self.check_accounts(strategies.0.strategies())?;
        match session {
            Session::Demo(demo) => self.run_demo(demo, strategies, progress),
            Session::Capture(capture) => self.run_captures(capture, strategies, progress),
            Session::Live(live) => self.run_live(live, strategies, progress),
        }
    }

    /// Whether every limit of a strategy is one of those that run.
    fn check_strategies(&self, count: u8) -> Result<(), Error> {
        let named = self.limits.iter().filter_map(Control::strategy);
        match named.into_iter().find(|id| !(1..=count).contains(&id.0)) {
            None => Ok(()),
            Some(id) => Err(Error::Parameter(format!(
                "limits are set of strategy {}, and there are {count}",
                id.0
            ))),
        }
    }

    fn run_demo<S: Strategy + Send>(
        &self,
        session: &DemoSession,
        strategies: WithTwin<S>,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let config = &session.config;
        let tape = demo::make_tape(config.seed, config.seconds, config.rate);
        let save_pcap = session.save_pcap.as_deref();
        let (total, injected) = demo::rehearse(&tape, config, save_pcap).map_err(|source| {
            Error::file("write", save_pcap.unwrap_or(Path::new("the demo's capture")), source)
        })?;
        let mut live = LiveSession::new(
            FeedConfig::new(PacketProtocol::NseMtbt, Segment::NseFo),
            Line::BOTH.map(demo_group).into(),
        );
        // A slow machine makes a slow demo, not a lossy one.
        live.full_ring = FullRing::Wait;
        let mut source = LiveSource::open(&live)?;
        let &[a, b] = source.groups() else {
            return Err(Error::Parameter("the demo needs two groups".into()));
        };
        let publisher = Publisher::new(demo::publish_config(config, [a, b]))?;
        live.services.recovery = publisher.recovery_address();
        live.services.snapshot = publisher.snapshot_address();
        let published = Published::default();
        let assembly = Assembly {
            host: self,
            feed: FeedSetup::of_live(&live),
            instruments: &tape.instruments,
            time_source: TimeSource::Clock,
            orders: None,
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
        let (live, is_done) = (&live, &published.is_done);
        let feeder = move |feed: RingFeed<'_>, stop: &AtomicBool| {
            let listening = Listening { session: live, tap: None, stop };
            Ok(source.run(feed, listening, &mut UntilSent(is_done)))
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
            feed: Box::new(feeder),
            done: &done,
            injected: Some(injected),
            is_paced: true,
            orders: None,
            replica: None,
        };
        assembly.run(strategies, sides, progress)
    }

    fn run_captures<S: Strategy + Send>(
        &self,
        session: &CaptureSession,
        strategies: WithTwin<S>,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let files: Vec<MappedFile> = feed::map_files(&session.files)?;
        let recordings = feed::recognise(session.protocol, &session.files, &files)?;
        let Some(recordings) = recordings else {
            return self.run_packets(session, &files, strategies, progress);
        };
        let named = recordings.iter().flat_map(feed::Recording::instruments);
        let instruments: Vec<_> = session.instruments.iter().copied().chain(named).collect();
        let none = FeedConfig::new(PacketProtocol::NseMtbt, Segment::NseFo);
        let assembly = Assembly {
            host: self,
            feed: FeedSetup::new(none, FullRing::Wait),
            instruments: &instruments,
            time_source: TimeSource::Events,
            orders: None,
        };
        let feeder = |feed: RingFeed<'_>, stop: &AtomicBool| {
            Ok(feed::run_recordings(feed, &recordings, session.speed, stop, &mut UntilEnd))
        };
        assembly.run(strategies, Sides::receiving(feeder, session.speed.is_some()), progress)
    }

    /// Replays captured packets.
    fn run_packets<S: Strategy + Send>(
        &self,
        session: &CaptureSession,
        files: &[MappedFile],
        strategies: WithTwin<S>,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        let found = feed::find_feed(session, files)?;
        let assembly = Assembly {
            host: self,
            feed: FeedSetup::new(found.config, FullRing::Wait),
            instruments: &session.instruments,
            time_source: TimeSource::Events,
            orders: None,
        };
        let mut placement = found.placement;
        let feeder = move |feed: RingFeed<'_>, stop: &AtomicBool| {
            let mut source = CaptureSource::open(&session.files, files, session.speed)?;
            let run = Run {
                source: &mut source,
                placement: &mut placement,
                tap: None,
                idle: Idle::Wait,
                time: FeedTime::Packets,
                stop,
            };
            let mut report = run.receive(feed, &mut UntilEnd);
            source.add_to(&mut report);
            report.notes.extend(found.note);
            Ok(report)
        };
        assembly.run(strategies, Sides::receiving(feeder, session.speed.is_some()), progress)
    }

    fn run_live<S: Strategy + Send>(
        &self,
        session: &LiveSession,
        strategies: WithTwin<S>,
        progress: ProgressSink<'_>,
    ) -> Result<Report, Error> {
        // Opened before any thread runs, so that what is wrong is told at once.
        let mut source = LiveSource::open(session)?;
        let tap = session.record.as_deref().map(Tap::create).transpose()?;
        let trading = session.orders.is_some().then(|| self.trading());
        let assembly = Assembly {
            host: trading.as_ref().unwrap_or(self),
            feed: FeedSetup::of_live(session),
            instruments: &session.instruments,
            time_source: TimeSource::Clock,
            orders: session.orders.as_ref(),
        };
        let feeder = move |feed: RingFeed<'_>, stop: &AtomicBool| {
            let listening = Listening { session, tap, stop };
            Ok(source.run(feed, listening, &mut UntilOver::new(session)))
        };
        assembly.run(strategies, Sides::receiving(feeder, true), progress)
    }

    /// The same host with its venue outside the core and order numbers of its own.
    fn trading(&self) -> Self {
        let mut host = self.clone();
        host.config.venue_mode = VenueMode::External as u32;
        if host.config.client_order_id_base == 0 {
            host.config.client_order_id_base = client_order_id_base(Clock::start().now());
        }
        host
    }
}
