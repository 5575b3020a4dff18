//! Watching a feed: lines, gaps, rates and the top of books, without a strategy or a journal.
//!
//! One thread receives, arbitrates and keeps the books; some times a second it makes a
//! [`MonitorView`] of them for whoever shows it. The bytes take the same way as under a host: the
//! same sources, the same handler, the same core.

mod activity;
mod audit;
mod moment;
mod view;

pub use view::{AuditView, BookView, MomentView, MonitorView};

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use tezi_core::pricing::Reference;
use tezi_core::{Core, CoreConfig};
use tezi_feed_handler::feed::{FeedConfig, Protocol};
use tezi_feed_handler::recovery::Audit;
use tezi_model::{Event, Instrument, InstrumentId, Nanos, Segment, Side};
use tezi_receive::PacketSource;

use crate::clock::Clock;
use crate::error::Error;
use crate::feed::{
    self, CaptureSource, Duties, EventSink, Feed, FeedReport, FeedSetup, FeedTime, FullRing, Idle,
    Listening, LiveSource, Recording, Run, Silence, SinkCounts, Tap, UntilEnd, UntilOver,
};
use crate::mapped::MappedFile;
use crate::session::{CaptureSession, LiveSession};
use activity::Activity;
use audit::Auditor;
use moment::Moment;

/// Which books a view shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookChoice {
    /// Every one.
    All,
    /// Those with the most updates.
    Busiest(usize),
    /// Those whose name or token is one of these; a name without expiry and strike stands for all
    /// of its contracts.
    Named(Vec<String>),
}

/// What a monitor shows, and how often.
#[derive(Clone, Debug)]
pub struct MonitorConfig {
    /// Which books.
    pub books: BookChoice,
    /// Levels of each side.
    pub depth: usize,
    /// Time between two views.
    pub interval: Duration,
    /// Where to write every datagram, as pcapng with times in nanoseconds.
    pub record: Option<PathBuf>,
    /// Compares the books with the exchange's snapshots, with this pause between two comparisons;
    /// needs a snapshot service.
    pub audit: Option<Duration>,
    /// Stops the books, and the feed, at this time of the exchange's day in India, since midnight:
    /// what is of a later time is not looked at.
    pub until: Option<Duration>,
    /// Bounds of the books.
    pub core: CoreConfig,
}

impl Default for MonitorConfig {
    /// The four busiest books, five levels deep, four times a second.
    fn default() -> Self {
        Self {
            books: BookChoice::Busiest(4),
            depth: 5,
            interval: Duration::from_millis(250),
            record: None,
            audit: None,
            until: None,
            core: CoreConfig::default(),
        }
    }
}

/// What watching came to.
#[derive(Clone, Debug)]
pub struct MonitorReport {
    /// The last view.
    pub view: MonitorView,
    /// Lines, gaps, faults.
    pub feed: FeedReport,
}

impl MonitorReport {
    /// What is not fine, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.feed.problems();
        let dropped = self.feed.dropped_by_kernel();
        if dropped > 0 {
            problems.push(format!("{dropped} datagrams were dropped by the kernel"));
        }
        if let Some(audit) = self.view.audit.as_ref().filter(|audit| audit.differences > 0) {
            let (differences, orders) = (audit.differences, audit.orders);
            problems.push(format!("{differences} of {orders} orders differ from the exchange's"));
        }
        problems
    }
}

impl fmt::Display for MonitorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = &self.view;
        write!(f, "{}", self.feed)?;
        writeln!(
            f,
            "Books\n  {} instruments ({} stale), {} orders; {} events, {} trades in {:.1} s",
            view.instruments,
            view.stale,
            view.orders,
            view.events,
            view.trades,
            view.elapsed.as_secs_f64()
        )?;
        if let Some(audit) = &view.audit {
            writeln!(
                f,
                "Audit\n  {} comparisons of {} orders: {} differences; {} not made",
                audit.compared, audit.orders, audit.differences, audit.not_made
            )?;
            audit.findings.iter().try_for_each(|finding| writeln!(f, "  {finding}"))?;
        }
        for note in &self.feed.notes {
            writeln!(f, "note: {note}")?;
        }
        for problem in self.problems() {
            writeln!(f, "NOT FINE: {problem}")?;
        }
        Ok(())
    }
}

/// Told of every view, on the thread that receives: what takes long here delays packets.
pub type ViewSink<'a> = &'a mut dyn FnMut(MonitorView);

/// Watches a feed.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    config: MonitorConfig,
}

impl Monitor {
    /// A monitor that shows what `config` says.
    #[must_use]
    pub const fn new(config: MonitorConfig) -> Self {
        Self { config }
    }

    /// Watches the wire until the session's end.
    ///
    /// # Errors
    ///
    /// [`Error`] when the session could not start. What goes wrong on the way is in the report.
    pub fn watch_live(
        &self,
        session: &LiveSession,
        sink: ViewSink<'_>,
    ) -> Result<MonitorReport, Error> {
        let clock = Clock::start();
        let setup = FeedSetup::of_live(session);
        let feed = Feed::new(&setup, self.books(&session.instruments)?, &clock)?;
        let mut source = LiveSource::open(session)?;
        let mut duties = Showing::new(&self.config, UntilOver::new(session), sink);
        let record = self.config.record.as_deref().or(session.record.as_deref());
        let tap = record.map(Tap::create).transpose()?;
        let stop = AtomicBool::new(false);
        let report = source.run(feed, Listening { session, tap, stop: &stop }, &mut duties);
        duties.finish(report)
    }

    /// Watches captures, at their pace or as fast as they go.
    ///
    /// # Errors
    ///
    /// [`Error`] when a file cannot be read or what is in it cannot be told. What goes wrong on the
    /// way is in the report.
    pub fn watch_captures(
        &self,
        session: &CaptureSession,
        stop: &AtomicBool,
        sink: ViewSink<'_>,
    ) -> Result<MonitorReport, Error> {
        let clock = Clock::start();
        let files: Vec<MappedFile> = feed::map_files(&session.files)?;
        if let Some(recordings) = feed::recognise(session.protocol, &session.files, &files)? {
            return self.watch_recordings(session, &recordings, stop, sink);
        }
        let found = feed::find_feed(session, &files)?;
        let setup = FeedSetup::new(found.config, FullRing::Wait);
        let feed = Feed::new(&setup, self.books(&session.instruments)?, &clock)?;
        let mut source = CaptureSource::open(&session.files, &files, session.speed)?;
        let mut placement = found.placement;
        let run = Run {
            source: &mut source,
            placement: &mut placement,
            tap: self.config.record.as_deref().map(Tap::create).transpose()?,
            idle: Idle::Wait,
            time: FeedTime::Packets,
            stop,
        };
        let mut duties = Showing::new(&self.config, UntilEnd, sink);
        let mut report = run.receive(feed, &mut duties);
        source.add_to(&mut report);
        report.notes.extend(found.note);
        duties.finish(report)
    }

    fn watch_recordings(
        &self,
        session: &CaptureSession,
        recordings: &[Recording<'_>],
        stop: &AtomicBool,
        sink: ViewSink<'_>,
    ) -> Result<MonitorReport, Error> {
        let clock = Clock::start();
        let named = recordings.iter().flat_map(Recording::instruments);
        let instruments: Vec<_> = session.instruments.iter().copied().chain(named).collect();
        let none = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
        let setup = FeedSetup::new(none, FullRing::Wait);
        let feed = Feed::new(&setup, self.books(&instruments)?, &clock)?;
        let mut duties = Showing::new(&self.config, UntilEnd, sink);
        let report = feed::run_recordings(feed, recordings, session.speed, stop, &mut duties);
        duties.finish(report)
    }

    fn books(&self, instruments: &[Instrument]) -> Result<BookSink, Error> {
        let activity = Activity::new(self.config.core.capacity.instruments_max);
        let mut core = Core::new(&self.config.core, activity, Reference)?;
        for definition in instruments {
            core.define(definition).map_err(|reason| {
                Error::Parameter(format!("instrument {definition}: {}", reason.message()))
            })?;
        }
        core.on_start(Nanos::ZERO);
        let auditor = self.config.audit.map(Auditor::new);
        let moment = self.config.until.map(Moment::new);
        Ok(BookSink { core, counts: SinkCounts::default(), auditor, moment })
    }
}

/// The books, as the end of a feed.
struct BookSink {
    core: Core<Activity, Reference>,
    counts: SinkCounts,
    auditor: Option<Auditor>,
    moment: Option<Moment>,
}

impl EventSink for BookSink {
    fn stamp(&mut self, _received_raw: u64) {}

    #[inline]
    fn push(&mut self, event: &Event) {
        if self.moment.as_mut().is_some_and(|moment| moment.is_past(event)) {
            return;
        }
        self.counts.events += 1;
        self.core.on_event(event.receive_time, event);
        if let Some(auditor) = &mut self.auditor {
            auditor.audit_mut().on_event(event);
        }
    }

    fn is_abandoned(&self) -> bool {
        false
    }

    fn finish(&mut self) -> Option<String> {
        None
    }

    fn counts(&self) -> SinkCounts {
        self.counts
    }

    fn audit(&mut self) -> Option<&mut Audit> {
        self.auditor.as_mut().map(Auditor::audit_mut)
    }
}

impl Feed<'_, BookSink> {
    /// Lets the auditor go on, where there is one.
    fn audit(&mut self) {
        let now = self.now();
        let (handler, sink) = self.parts_mut();
        let BookSink { core, auditor, .. } = sink;
        if let (Some(auditor), Some(arbiter)) = (auditor, handler.arbiter()) {
            auditor.on_turn(arbiter.streams(), now, core.instruments(), core.books());
        }
    }
}

impl BookSink {
    fn is_past(&self) -> bool {
        self.moment.as_ref().is_some_and(|moment| moment.view().is_past)
    }

    fn view_of(&self, id: InstrumentId, depth: usize) -> Option<BookView> {
        let core = &self.core;
        let levels = |side| core.books().levels(id, side).take(depth).collect();
        Some(BookView {
            instrument: core.instruments().get(id)?.definition,
            status: core.status(id),
            is_stale: core.is_stale(id),
            updates: core.strategy().updates(id),
            changed: core.strategy().changed(id),
            last_trade: core.last_trade(id),
            volume: core.volume(id),
            bids: levels(Side::Buy),
            asks: levels(Side::Sell),
        })
    }

    fn chosen(&self, choice: &BookChoice) -> Vec<InstrumentId> {
        match choice {
            BookChoice::All => self.core.instruments().iter().map(|(id, _)| id).collect(),
            BookChoice::Busiest(count) => self.core.strategy().busiest(*count),
            BookChoice::Named(names) => {
                let is_named = |definition: &Instrument| {
                    let (full, token) = (definition.to_string(), definition.token.to_string());
                    let symbol = definition.symbol.to_string();
                    names.iter().any(|name| *name == full || *name == token || *name == symbol)
                };
                let all = self.core.instruments().iter();
                all.filter(|(_, state)| is_named(&state.definition)).map(|(id, _)| id).collect()
            }
        }
    }
}

/// Makes views while the feed runs.
struct Showing<'a, U> {
    config: &'a MonitorConfig,
    /// Says when it is over.
    until: U,
    sink: ViewSink<'a>,
    started: Instant,
    shown: Instant,
    last: Option<MonitorView>,
    /// Whether the last view is of the moment asked for.
    is_past: bool,
}

impl<'a, U> Showing<'a, U> {
    fn new(config: &'a MonitorConfig, until: U, sink: ViewSink<'a>) -> Self {
        let now = Instant::now();
        Self { config, until, sink, started: now, shown: now, last: None, is_past: false }
    }

    fn view(&self, source: &impl PacketSource, feed: &Feed<'_, BookSink>) -> MonitorView {
        let out = feed.out();
        let core = &out.core;
        let stale = core.instruments().iter().filter(|&(id, _)| core.is_stale(id)).count();
        let books = out.chosen(&self.config.books);
        let books = books.into_iter().filter_map(|id| out.view_of(id, self.config.depth));
        MonitorView {
            elapsed: self.started.elapsed(),
            receive_time: core.now(),
            exchange_time: core.exchange_time(),
            source: source.counters(),
            feed: feed.handler().report(),
            events: out.counts.events,
            trades: core.counters().trades,
            instruments: core.instruments().len(),
            stale,
            orders: core.books().orders_count(),
            books: books.collect(),
            audit: out.auditor.as_ref().map(|auditor| auditor.view().clone()),
            moment: out.moment.as_ref().map(Moment::view),
        }
    }

    fn finish(self, mut feed: FeedReport) -> Result<MonitorReport, Error> {
        let view =
            self.last.ok_or_else(|| Error::Thread("the feed ended without a view".into()))?;
        if self.is_past {
            // What was missing at the moment was still being waited for; at the end it is given up.
            feed.counters = view.feed.clone();
        }
        Ok(MonitorReport { view, feed })
    }
}

impl<S: PacketSource, U: Duties<S, BookSink>> Duties<S, BookSink> for Showing<'_, U> {
    fn on_turn(&mut self, source: &S, feed: &mut Feed<'_, BookSink>) {
        feed.audit();
        if self.last.is_none() && feed.out().is_past() {
            self.is_past = true;
            self.last = Some(self.view(source, feed));
        }
        if self.shown.elapsed() >= self.config.interval {
            self.shown = Instant::now();
            let view = self.view(source, feed);
            (self.sink)(view);
        }
    }

    fn on_end(&mut self, source: &S, feed: &Feed<'_, BookSink>) {
        if !self.is_past {
            self.last = Some(self.view(source, feed));
        }
    }

    fn is_over(&mut self, source: &S, silence: &Silence) -> bool {
        self.is_past || self.until.is_over(source, silence)
    }
}
