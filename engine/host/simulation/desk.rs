//! One process of the host in the simulated world: the core's loop, the feed and the order session,
//! the same code that their threads run, a turn at a time in an order that the seed draws.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tezi_feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi_feed_handler::recovery::RecoveryPolicy;
use tezi_gateway::nnf::Encryption;
use tezi_journal::JournalError;
use tezi_model::{Event, Instrument, Segment};
use tezi_ring::Consumer;

use super::disk::{self, SecondPlace};
use super::plan::LifePlan;
use super::restless::Restless;
use super::world::{RECOVERY, ROUTER, World};
use crate::assembly::Assembly;
use crate::clock::Clock;
use crate::core_loop::{Arrivals, CoreLoop, TimeSource, Turn};
use crate::error::Error;
use crate::feed::{Feed, FeedSetup, FullRing, RingFeed, Services, recovery_policy};
use crate::host::Host;
use crate::kernels::CppKernels;
use crate::latency::StageRecorder;
use crate::orders::{OrderSessionConfig, OrdersReport, OrdersThread};
use crate::pin::Pinning;
use crate::progress::Progress;
use crate::report::CoreReport;
use crate::tcp::Dialer;
use tezi_core::{Capacity, CoreConfig, RiskLimits, VenueMode};

const MS: i64 = 1_000_000;
/// Events between feed and core.
const RING_SLOTS: usize = 1 << 12;
/// The market is silent for so long before and after the session's end, and says this often which
/// message was its last.
const SILENCE_NS: u64 = 1_000_000_000;
const SAY_LAST_NS: u64 = 100_000_000;
/// How long the end of a session in order may take, in nanoseconds.
const END_NS_MAX: u64 = 20_000_000_000;

/// What a process left behind.
pub(super) enum Life {
    /// It was killed.
    Killed,
    /// It ended in order.
    Ended(Box<Ended>),
}

/// What a session that ended in order says of itself.
pub(super) struct Ended {
    pub(super) core: CoreReport,
    pub(super) orders: OrdersReport,
    /// The books, as CSV.
    pub(super) books: String,
    /// Whether a stream was stale at the end.
    pub(super) is_stale: bool,
    /// Orders of the core that were open at the end.
    pub(super) open: usize,
    /// Whether the session was not over in the time that there was.
    pub(super) is_late: bool,
}

/// The host of a simulation, whose journal lies in `journal`.
pub(super) fn host(plan: &super::plan::Plan, journal: &Path) -> Host {
    let limits = RiskLimits {
        messages_per_second_max: 0,
        position_max: plan.position_max,
        loss_max: 0,
        open_orders_max: 16,
        ..RiskLimits::default()
    };
    let capacity = Capacity {
        instruments_max: 16,
        market_orders_max: 1 << 14,
        levels_max: 1 << 12,
        own_orders_max: 1 << 12,
        timers_max: 64,
        outputs_max: 256,
    };
    let venue_mode = VenueMode::External as u32;
    let config = CoreConfig { limits, capacity, venue_mode, ..CoreConfig::default() };
    Host::new()
        .config(config)
        .pinning(Pinning::Off)
        .journal(journal)
        .segment_bytes(plan.segment_bytes)
        .journal_mode(crate::JournalMode::Mapped)
        .resume(true)
}

/// The session of its orders.
pub(super) fn order_session(world: &World<'_>, encryption: Encryption) -> OrderSessionConfig {
    let mut orders = OrderSessionConfig::new(ROUTER, 77, "90001", 77, "SECRET");
    orders.encryption = encryption;
    orders.cancel_on_logoff = world.plan.cancel_on_logoff;
    let limits = &mut orders.limits;
    (limits.orders, limits.orders_of_the_day) = (1 << 10, 1 << 14);
    (limits.answer_timeout_ns, limits.settle_ns) = (200 * MS, 100 * MS);
    (limits.reply_timeout_ns, limits.heartbeat_ns) = (300 * MS, 1_200 * MS);
    (limits.retry_ns, limits.retry_ns_max) = (20 * MS, 100 * MS);
    orders.stop_timeout = Duration::from_secs(3);
    orders
}

/// The feed, with waits that fit a day of seconds.
fn feed_setup() -> FeedSetup {
    let mut config = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    config.arbiter.recovery = Some(RecoveryPolicy {
        hold_max: 1 << 13,
        answer_ns: 2_000 * MS,
        refresh_ns: 200 * MS,
        pace_ns: 1_000 * MS,
        ..recovery_policy(true)
    });
    config.arbiter.silence_ns = 300 * MS; // three of the exchange's heartbeats
    let mut setup = FeedSetup::new(config, FullRing::Drop);
    let (recovery, snapshot) = (Some(RECOVERY), Some(RECOVERY));
    setup.services = Services { recovery, snapshot, ..Services::default() };
    setup
}

/// A process at work.
struct Desk<'a, 'w> {
    world: &'a mut World<'w>,
    clock: &'a Clock,
    core: CoreLoop<'a, Restless, CppKernels>,
    ring: Consumer<Event>,
    feed: RingFeed<'a>,
    orders: OrdersThread,
    second_place: Option<SecondPlace>,
    stop: &'a AtomicBool,
}

/// Runs one process until it is killed, or has ended in order. What a killed one has of its journal
/// at that moment is copied to `left_behind`: nothing it does while it is taken apart counts.
///
/// # Errors
///
/// What a session cannot begin or go on with: none that a world like this should bring about.
pub(super) fn live(
    world: &mut World<'_>,
    host: &Host,
    life: &LifePlan,
    (session, instruments): (&OrderSessionConfig, &[Instrument]),
    (seed, left_behind): (u64, &Path),
) -> Result<Life, Error> {
    let clock = Clock::driven(&world.driver, world.time().plus(life.clock_error_ns));
    let (progress, stop) = (Progress::default(), AtomicBool::new(false));
    let setup = feed_setup();
    let assembly = Assembly {
        host,
        feed: setup,
        instruments,
        time_source: TimeSource::Clock,
        orders: Some(session),
    };
    let begun = assembly.begin((Restless::new(seed), None), &clock)?;
    let dialer = Dialer::Simulated(world.network.clone());
    let Some(mut orders) = begun.orders_thread else {
        return Err(Error::Parameter("a host with an order session has its thread".into()));
    };
    orders.dialer = dialer.clone();
    let last = begun.recorder.stats().map_or(0, |stats| stats.sequence_last);
    let second_place = world.plan.second_place_ns.map(|lag_ns| SecondPlace::new(lag_ns, last));
    second_place.iter().for_each(|place| orders.wait_for(place.gate()));
    orders.start(&clock, StageRecorder::default());
    let (producer, ring) = tezi_ring::ring(RING_SLOTS)
        .map_err(|error| Error::Parameter(format!("ring to the core: {error}")))?;
    let feed = Feed::to_ring(&assembly.feed, producer, &clock, None)?.over(&dialer);
    let mut core = CoreLoop {
        core: begun.core,
        recorder: begun.recorder,
        orders: begun.orders,
        control: None,
        host,
        stages: StageRecorder::default(),
        watch: None,
        clock: &clock,
        progress: &progress,
        time_source: TimeSource::Clock,
        arrivals: Arrivals::default(),
    };
    core.begin(clock.now(), begun.beginning).map_err(journal)?;
    let desk = Desk { world, clock: &clock, core, ring, feed, orders, second_place, stop: &stop };
    desk.run(life, left_behind)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn journal(error: JournalError) -> Error {
    Error::Parameter(format!("the simulated host's journal: {error}"))
}

impl Desk<'_, '_> {
    fn run(mut self, life: &LifePlan, left_behind: &Path) -> Result<Life, Error> {
        let until = life.killed_at.unwrap_or(self.world.plan.end_ns);
        while self.world.now < until {
            self.turn(Self::core_turn)?;
        }
        if life.killed_at.is_some() {
            self.leave(left_behind, life.is_lost)?;
            return Ok(Life::Killed);
        }
        self.end().map(|ended| Life::Ended(Box::new(ended)))
    }

    /// What is left of the journal, now.
    fn leave(&mut self, left_behind: &Path, is_lost: bool) -> Result<(), Error> {
        let Some(journal) = self.core.recorder.path() else { return Ok(()) };
        disk::copy(journal, left_behind)?;
        match &self.second_place {
            Some(place) if is_lost => {
                let last = place.left(&mut self.world.random);
                disk::cut_behind(left_behind, last, &mut self.world.random)
            }
            _ => Ok(()),
        }
    }

    /// Lets the second place go on.
    fn step_second_place(&mut self) {
        let Some(place) = &mut self.second_place else { return };
        let written = self.core.recorder.stats().map_or(0, |stats| stats.sequence_last);
        place.step(self.world.now, written, &mut self.world.random);
    }

    /// Lets the world go on, then each thread that has its turn.
    fn turn(&mut self, core: impl Fn(&mut Self) -> Result<Turn, Error>) -> Result<Turn, Error> {
        self.world.step();
        self.step_second_place();
        let first = self.world.random.below(3) as usize;
        let mut turn = Turn::Idle;
        for place in 0..3 {
            let thread = (first + place) % 3;
            let passes_over = self.world.plan.passes_over;
            let is_passed_over = self.world.random.below(100) < passes_over;
            if is_passed_over || self.world.now < self.world.descheduled[thread] {
                continue;
            }
            match thread {
                0 => turn = core(self)?,
                1 => self.feed_turn(),
                _ => drop(self.orders.turn(self.clock)),
            }
        }
        Ok(turn)
    }

    fn core_turn(&mut self) -> Result<Turn, Error> {
        self.core.turn(&mut self.ring, self.stop).map_err(journal)
    }

    fn feed_turn(&mut self) {
        let mut is_idle = true;
        while let Some((line, payload)) = self.world.lines.next(self.world.now) {
            is_idle = false;
            let (now, raw) = (self.feed.now(), self.feed.raw());
            self.feed.on_datagram(Channel::Line(line), &payload, now, raw);
        }
        let now = self.feed.now();
        if is_idle {
            self.feed.on_time(now);
        }
        self.feed.on_recovery(now);
    }

    /// The market falls silent; the host takes in what there is, ends its session, signs off.
    fn end(mut self) -> Result<Ended, Error> {
        self.world.close_market();
        self.hear_out(SILENCE_NS)?;
        let late_at = self.world.now + END_NS_MAX;
        if let Some(ending) = self.core.begin_stop().map_err(journal)? {
            let ending = RefCell::new(ending);
            let stop_turn =
                |desk: &mut Self| desk.core.stop_turn(&mut ending.borrow_mut()).map_err(journal);
            while self.turn(stop_turn)? != Turn::Over && self.world.now < late_at {}
        }
        // What the cancels did to the books comes in as well.
        self.hear_out(SILENCE_NS)?;
        let books = self.books();
        let core = &self.core.core;
        let is_stale = core.instruments().iter().any(|(id, _)| core.is_stale(id));
        let Self { world, clock, core, ring, mut orders, mut second_place, .. } = self;
        let CoreLoop { core, recorder, orders: link, .. } = core;
        drop((link, ring));
        let written = recorder.stats().map_or(0, |stats| stats.sequence_last);
        while !orders.is_done() && world.now < late_at {
            world.step();
            if let Some(place) = &mut second_place {
                place.step(world.now, written, &mut world.random);
            }
            orders.turn(clock);
        }
        let report = CoreReport::new(&core, core.stopped());
        recorder.end(core.now(), report.state_hash).map_err(journal)?;
        let open = core.orders().open_count();
        let (orders, _) = orders.finish(clock);
        let is_late = world.now >= late_at;
        Ok(Ended { core: report, orders, books, is_stale, open, is_late })
    }

    /// Goes on for so long while nobody else trades, told again and again which message was the last.
    fn hear_out(&mut self, length_ns: u64) -> Result<(), Error> {
        let begun = self.world.now;
        let mut said = 0;
        while self.world.now < begun + length_ns {
            if self.world.now > begun + said * SAY_LAST_NS {
                said += 1;
                self.world.say_last();
            }
            self.turn(Self::core_turn)?;
        }
        Ok(())
    }

    fn books(&self) -> String {
        let mut text = Vec::new();
        let core = &self.core.core;
        // Memory takes everything.
        let _ = crate::csv::write_books(&mut text, core.instruments(), core.books());
        String::from_utf8_lossy(&text).into_owned()
    }
}
