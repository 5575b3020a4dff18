//! A core saved at any moment and loaded into another does from there on what it would have done: the
//! same outputs, the same hash, and the same bytes when it is saved again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::{LOT, Market, open};
use common::trader::RandomTrader;
use common::{Input, core, external_config, feed, small_config};
use tezi_core::control::{Assignment, Control, Limit};
use tezi_core::execution::ParentState;
use tezi_core::oms::{OrderEvent, OrderSessionState};
use tezi_core::pricing::Reference;
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{
    AlgoConfig, AlgoKind, AlgoTrader, OptionQuoter, OptionQuoterConfig, Recorded, Strategy, Watch,
};
use tezi_core::{Core, CoreConfig, GuardLimits, Restriction};
use tezi_model::{
    ClientOrderId, Event, ExecutionKind, ExecutionReport, InstrumentId, Nanos, OrderId, Px, Qty,
    StrategyId,
};
use tezi_testing::Random;

type Trading = Core<RandomTrader, Reference>;

const SEEDS: u64 = 1_000;

/// Anything that a core can be told.
#[derive(Clone, Copy, Debug)]
enum Told {
    Input(Input),
    TradeCanceled(ExecutionReport),
    OrderEvent(ClientOrderId, OrderEvent),
    Session(OrderSessionState),
    Range(InstrumentId, Px, Px),
}

fn tell<S: Strategy>(core: &mut Core<S, Reference>, now: Nanos, told: &Told) {
    match told {
        Told::Input(input) => feed(core, now, input),
        Told::TradeCanceled(report) => drop(core.on_trade_canceled(now, report)),
        Told::OrderEvent(id, event) => drop(core.on_order_event(now, *id, *event)),
        Told::Session(state) => core.on_session(now, *state),
        Told::Range(id, low, high) => drop(core.set_price_range(now, *id, *low, *high)),
    }
}

/// A session that says everything there is to say to a core.
struct Session {
    seed: u64,
    config: CoreConfig,
    has_guards: bool,
    market: Market,
    random: Random,
    now: Nanos,
    fills: Vec<ExecutionReport>,
    fill_id: u32,
}

impl Session {
    fn new(seed: u64) -> Self {
        let latencies = [(0, 0), (20_000, 20_000), (30_000_000, 40_000_000)];
        let (out, back) = latencies[seed as usize % 3];
        let mut config =
            if seed.is_multiple_of(2) { external_config() } else { small_config(out, back) };
        config.client_order_id_base = (seed as u32 % 5) * 1_000;
        if seed % 4 < 2 {
            // So that more trades than are remembered are told.
            config.limits.open_order_value_max = 0;
            config.limits.position_max = 0;
        }
        Self {
            seed,
            config,
            has_guards: !seed.is_multiple_of(3),
            market: Market::new(seed),
            random: Random(seed ^ 0x5A5A),
            now: open(),
            fills: Vec::new(),
            fill_id: 0,
        }
    }

    /// A core of this session that has heard nothing. Instruments come with a snapshot, too.
    fn empty(&self) -> Trading {
        let mut trader = RandomTrader::new(self.seed, 40_000);
        trader.theoretical_percent = if self.has_guards { 1 } else { 0 };
        Core::new(&self.config, trader, Reference).unwrap()
    }

    fn begun(&self) -> Trading {
        let trader = self.empty().strategy().clone();
        let mut core = core(&self.config, trader);
        if self.has_guards {
            let limits = GuardLimits {
                duplicate_window_ns: 50_000_000,
                duplicates_max: 2,
                instrument_orders_max: 3,
                in_flight_max: 12,
                segment_orders_max: 30,
                theoretical_bps: 300,
                underlying_net_max: 2_000,
                underlying_gross_max: 4_000,
                drawdown_max: 100_000,
                minute_loss_max: 50_000,
                ..GuardLimits::default()
            };
            core.set_guards(&limits).unwrap();
        }
        core.on_start(self.now);
        core
    }

    /// What comes next, for a core in this state.
    fn next(&mut self, core: &Trading) -> Told {
        let is_external = self.seed.is_multiple_of(2);
        let random = &mut self.random;
        match random.below(100) {
            0..=24 if is_external => self.report(core),
            25..=26 if is_external => {
                let id = ClientOrderId(core.orders().entered().saturating_sub(random.below(9)));
                let events = [OrderEvent::Frozen, OrderEvent::Unfrozen, OrderEvent::Triggered];
                let open = core.orders().open().next().map_or(id, |it| it.client_order_id);
                Told::OrderEvent(open, random.pick(&events))
            }
            27 if is_external => {
                let states = [OrderSessionState::Live, OrderSessionState::Live];
                let state = random.pick(&states);
                Told::Session(if random.one_in(5) { OrderSessionState::Down } else { state })
            }
            28 if is_external && !self.fills.is_empty() => {
                let place = random.index(self.fills.len());
                Told::TradeCanceled(self.fills[place])
            }
            29 => Told::Input(Input::Control(control(random))),
            30 if random.one_in(4) => {
                let [low, high] = [0, 90_000].map(|least| least + random.below(2_000_000) as i64);
                Told::Range(InstrumentId(random.below(9) as u32), Px(low), Px(high))
            }
            _ => {
                let event = self.market.next().unwrap();
                self.now = self.now.max(event.receive_time);
                Told::Input(Input::Event(event))
            }
        }
    }

    /// A report of a venue that mostly keeps its protocol.
    fn report(&mut self, core: &Trading) -> Told {
        use ExecutionKind as K;
        let random = &mut self.random;
        let pick = random.index(8);
        let Some(order) = core.orders().open().nth(pick) else {
            return Told::Input(Input::Event(Event::clock(self.now)));
        };
        let kinds = [K::Accepted, K::Accepted, K::Fill, K::Fill, K::Replaced, K::Canceled];
        let rare = [K::Rejected, K::CancelRejected, K::ReplaceRejected];
        let kind = if random.one_in(6) { random.pick(&rare) } else { random.pick(&kinds) };
        self.fill_id += 1;
        // Now and then an old number: out of order, or once more.
        let back = if random.one_in(6) { random.below(9) as u32 } else { 0 };
        let (price, quantity) = order.pending.unwrap_or((order.price, order.quantity));
        let report = ExecutionReport {
            client_order_id: order.client_order_id,
            order_id: OrderId(1_000_000 + order.client_order_id.0),
            price,
            quantity: if kind == K::Fill { Qty(LOT) } else { quantity },
            fill_id: if kind == K::Fill { self.fill_id.saturating_sub(back) } else { 0 },
            kind_code: kind as u8,
            passive: 1,
            reason: 0,
            reserved: 0,
            venue_time: self.now,
        };
        if kind == K::Fill {
            self.fills.push(report);
        }
        Told::Input(Input::Report(report))
    }
}

fn control(random: &mut Random) -> Control {
    let instrument = InstrumentId(random.below(9) as u32);
    let some = random.one_in(2).then_some(instrument);
    match random.below(20) {
        0 => Control::Pause,
        1..=5 => Control::Resume,
        6..=8 => Control::CancelAll { instrument: some },
        9 => Control::Flatten { instrument: some, through_bps: random.below(300) as u32 },
        10 if random.one_in(8) => Control::Kill,
        11..=13 => Control::Release,
        14..=16 => {
            let limit = random.pick(&[Limit::Position, Limit::Drawdown, Limit::FatFinger]);
            Control::SetLimit { limit, value: random.pick(&[0, 400, 1_000_000]) }
        }
        _ => {
            let restriction = Restriction::from_code(random.below(5) as u8).unwrap();
            Control::Restrict { instrument, restriction }
        }
    }
}

fn saved<S: Strategy>(core: &Core<S, Reference>) -> Vec<u8> {
    let mut out = SnapshotWriter::new();
    core.save(&mut out).unwrap();
    out.bytes().to_vec()
}

fn load<S: Strategy>(core: &mut Core<S, Reference>, bytes: &[u8]) -> Result<(), SnapshotError> {
    core.load(&mut SnapshotReader::new(bytes))
}

/// What the runs together have met, so that none of it went untried.
#[derive(Debug, Default)]
struct Met {
    fills: u64,
    annulled: u64,
    reordered: u64,
    timers: u64,
    stopped: u64,
    paused: u64,
    sweeps: u64,
    flattening: u64,
    stale: u64,
    down: u64,
    refusals: u64,
    losses: u64,
}

impl Met {
    fn add(&mut self, core: &Trading) {
        let (orders, work) = (core.orders().counters(), core.operator_work());
        self.fills += core.counters().fills;
        self.annulled += orders.annulled;
        self.reordered += orders.reordered_fills;
        self.timers += u64::from(core.next_due().is_some());
        self.stopped += u64::from(core.stopped().is_some());
        self.paused += u64::from(core.is_paused());
        self.sweeps += work.sweeps as u64;
        self.flattening += u64::from(work.is_flattening);
        self.stale += u64::from((0..9).any(|id| core.is_stale(InstrumentId(id))));
        self.down += u64::from(core.session() == Some(OrderSessionState::Down));
        self.refusals += core.refusals().count() as u64;
        self.losses += u64::from(core.losses().1.0 > 0);
    }

    fn everything(&self) -> bool {
        let Self { fills, annulled, reordered, timers, stopped, paused, .. } = *self;
        let Self { sweeps, flattening, stale, down, refusals, losses, .. } = *self;
        let all = [fills, annulled, reordered, timers, stopped, paused];
        all.iter().chain(&[sweeps, flattening, stale, down, refusals, losses]).all(|&met| met > 5)
    }
}

/// Saves a session somewhere, and runs it and the one that was loaded on.
fn try_one(seed: u64, met: &mut Met) {
    let mut session = Session::new(seed);
    let mut core = session.begun();
    for _ in 0..session.random.below(1_500) {
        let told = session.next(&core);
        tell(&mut core, session.now, &told);
    }
    let bytes = saved(&core);
    let mut loaded = session.empty();
    assert_eq!(load(&mut loaded, &bytes), Ok(()), "seed {seed}");
    assert!(saved(&loaded) == bytes, "seed {seed}: other bytes when saved again");
    assert!(loaded.is_consistent(), "seed {seed}");
    met.add(&core);
    for step in 0..160 {
        let told = session.next(&core);
        tell(&mut core, session.now, &told);
        tell(&mut loaded, session.now, &told);
        let context = || format!("seed {seed}, step {step} behind the snapshot: {told:?}");
        assert_eq!(core.outputs(), loaded.outputs(), "{}", context());
        assert_eq!(core.next_due(), loaded.next_due(), "{}", context());
        if step % 8 == 7 {
            assert_eq!(core.state_hash(), loaded.state_hash(), "{}", context());
        }
    }
    assert!(saved(&core) == saved(&loaded), "seed {seed}: other bytes in the end");
    assert_eq!(core.counters(), loaded.counters(), "seed {seed}");
    assert_eq!(core.orders().counters(), loaded.orders().counters(), "seed {seed}");
    assert_eq!(core.books().counters(), loaded.books().counters(), "seed {seed}");
}

#[test]
fn a_loaded_core_does_what_the_saved_one_would_have_done() {
    let mut met = Met::default();
    (1..=SEEDS).for_each(|seed| try_one(seed, &mut met));
    println!("{SEEDS} seeds met {met:?}");
    assert!(met.everything(), "{met:?}");
}

/// A session's snapshot after so many inputs.
fn example(seed: u64, inputs: usize) -> (Session, Vec<u8>) {
    let mut session = Session::new(seed);
    let mut core = session.begun();
    for _ in 0..inputs {
        let told = session.next(&core);
        tell(&mut core, session.now, &told);
    }
    let bytes = saved(&core);
    (session, bytes)
}

#[test]
fn bytes_that_are_not_as_written_are_refused_or_change_nothing_that_is_checked_and_never_panic() {
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    for seed in [2, 5] {
        let (session, bytes) = example(seed, 900);
        let mut random = Random(seed);
        for place in 0..bytes.len() {
            let mut bad = bytes.clone();
            let bits = [1 << random.below(8), 0xFF, random.next() as u8 | 1];
            bad[place] ^= bits[place % 3];
            let error = load(&mut session.empty(), &bad).err();
            let kind = error.map_or("none".into(), |error| format!("{error:?}"));
            *kinds.entry(kind.split(' ').next().unwrap().into()).or_default() += 1;
        }
        for length in 0..bytes.len() {
            assert!(load(&mut session.empty(), &bytes[..length]).is_err(), "cut to {length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        let error = load(&mut session.empty(), &longer);
        assert_eq!(error, Err(SnapshotError::LeftOver { part: *b"TEZI" }));
    }
    println!("{kinds:?}");
    for kind in ["Version", "CutShort", "LeftOver", "Order", "Range", "Capacity", "Config", "Hash"]
    {
        assert!(kinds.contains_key(kind), "never refused for {kind}: {kinds:?}");
    }
}

#[test]
fn a_state_fits_a_core_of_its_configuration_only() {
    let (session, bytes) = example(5, 400);
    let tried = |change: fn(&mut CoreConfig)| {
        let mut config = session.config;
        change(&mut config);
        let trader = session.empty().strategy().clone();
        load(&mut Core::new(&config, trader, Reference).unwrap(), &bytes)
    };
    assert_eq!(tried(|_| ()), Ok(()));
    let smaller = tried(|config| config.capacity.levels_max -= 1);
    assert_eq!(smaller, Err(SnapshotError::Capacity { what: "levels_max" }));
    let larger = tried(|config| config.capacity.timers_max += 1);
    assert_eq!(larger, Err(SnapshotError::Config { what: "bounds" }));
    let limits = tried(|config| config.limits.fat_finger_bps += 1);
    assert_eq!(limits, Err(SnapshotError::Config { what: "limits" }));
    let base = tried(|config| config.client_order_id_base += 1);
    assert_eq!(base, Err(SnapshotError::Config { what: "first order number" }));
    let venue = tried(|config| config.venue.order_latency_ns += 1);
    assert_eq!(venue, Err(SnapshotError::Config { what: "venue" }));
}

#[test]
fn a_state_is_of_one_strategy_unless_that_keeps_none() {
    struct Silent;
    impl Strategy for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }
    }
    let (session, bytes) = example(9, 900);
    let mut watch = Core::new(&session.config, Watch, Reference).unwrap();
    assert_eq!(load(&mut watch, &bytes), Err(SnapshotError::Strategy));
    let mut used = session.begun();
    assert_eq!(load(&mut used, &bytes), Err(SnapshotError::NotNew));
    let silent = Core::new(&session.config, Silent, Reference).unwrap();
    let mut out = SnapshotWriter::new();
    out.u8(1);
    assert_eq!((silent.save(&mut out), out.bytes()), (Err(NoSnapshot), &[1][..]));

    // Without what a strategy says of theoretical prices, which no journal has, the recorded decisions lead on from any strategy's state, and from there to one of its own.
    let mut trading = session.empty();
    load(&mut trading, &bytes).unwrap();
    let mut recorded = Core::new(&session.config, Recorded::default(), Reference).unwrap();
    recorded.load_without_strategy(&mut SnapshotReader::new(&bytes)).unwrap();
    let (mut session, _) = example(9, 900);
    for step in 0..2_000 {
        let told = session.next(&trading);
        tell(&mut trading, session.now, &told);
        trading.outputs().iter().for_each(|it| recorded.strategy_mut().load(it));
        tell(&mut recorded, session.now, &told);
        assert_eq!(trading.outputs(), recorded.outputs(), "step {step}: {told:?}");
    }
    assert_eq!(trading.state_hash(), recorded.state_hash());
    let commands = trading.counters().new_orders;
    assert!(commands > 50, "{commands} orders are too few to have tried anything");
    let mut again = Core::new(&session.config, Recorded::default(), Reference).unwrap();
    load(&mut again, &saved(&recorded)).unwrap();
    assert_eq!(again.state_hash(), recorded.state_hash());
}

/// Saves a strategy that ships somewhere in a session, with parameters that were changed by then, and runs
/// it and the one that was loaded on; the orders that left before and behind the snapshot.
fn ship<S: Strategy>(seed: u64, make: impl Fn() -> S, changes: &[&str]) -> [u64; 2] {
    let mut random = Random(seed);
    let mut config = small_config(20_000, 20_000);
    (config.limits.open_order_value_max, config.limits.position_max) = (0, 0);
    (config.limits.order_value_max, config.capacity.timers_max) = (0, 64);
    let mut core = core(&config, make());
    let mut market = Market::new(seed);
    core.on_start(open());
    for event in market.by_ref().take(random.below(6_000) as usize) {
        core.on_event(event.receive_time, &event);
    }
    for change in changes {
        let assignment = Assignment::parse(change).unwrap();
        let strategy = StrategyId::NONE;
        let set = core.on_control(core.now(), &Control::SetParameter { strategy, assignment });
        let is_over = core.strategy().parents().first().is_some_and(|parent| {
            matches!(parent.state(), ParentState::Cancelling(_) | ParentState::Ended(_))
        });
        assert!(set.is_ok() || is_over, "seed {seed}: {change}: {set:?}");
    }
    let before = core.counters().new_orders;
    let bytes = saved(&core);
    let mut loaded = Core::new(&config, make(), Reference).unwrap();
    assert_eq!(load(&mut loaded, &bytes), Ok(()), "seed {seed}");
    assert!(saved(&loaded) == bytes, "seed {seed}: other bytes when saved again");
    for (step, event) in market.take(1_500).enumerate() {
        core.on_event(event.receive_time, &event);
        loaded.on_event(event.receive_time, &event);
        assert_eq!(core.outputs(), loaded.outputs(), "seed {seed}, step {step}: {event:?}");
    }
    assert!(saved(&core) == saved(&loaded), "seed {seed}: other bytes in the end");
    for length in (0..bytes.len()).step_by(97) {
        let mut cut = Core::new(&config, make(), Reference).unwrap();
        assert!(load(&mut cut, &bytes[..length]).is_err(), "seed {seed}, cut to {length}");
    }
    [before, core.counters().new_orders - before]
}

/// An algorithm with something to do in the market of the tests.
fn algorithm(kind: AlgoKind, seed: u64) -> AlgoTrader {
    let words = match kind {
        AlgoKind::Vwap => "curve=3,1,2 slices=40 jitter_ms=5 child_max=130",
        AlgoKind::Twap => "slices=40 catch_up=spread jitter_ms=5 child_max=130",
        AlgoKind::Pov => "rate_bps=3000",
        AlgoKind::Iceberg | AlgoKind::Peg => "display=130",
        AlgoKind::Spread => {
            "hedge=fo:102 price=25000.0 unhedged_max=130 hedge_limit=1000bps back_limit=1000bps"
        }
    };
    let side = if seed.is_multiple_of(3) { "sell" } else { "buy" };
    let limit = if kind == AlgoKind::Iceberg { 10 } else { 1_000 };
    let words = format!(
        "instrument=fo:101 side={side} limit={limit}bps quantity=6500 start=+10ms end=+60s \
         requote_ms=1 retry_ms=1 strikes=100000 {words}"
    );
    AlgoTrader::new(AlgoConfig::parse(kind, &words).unwrap())
}

#[test]
fn strategies_that_ship_go_on_from_their_state() {
    let sum = |one: [u64; 2], other: [u64; 2]| [one[0] + other[0], one[1] + other[1]];
    for kind in AlgoKind::ALL {
        let own = match kind {
            AlgoKind::Vwap | AlgoKind::Twap => "cross_ms=100",
            AlgoKind::Pov => "rate_bps=3500",
            AlgoKind::Iceberg => "display=195",
            AlgoKind::Peg => "offset_ticks=-1",
            AlgoKind::Spread => "slip_ticks=3",
        };
        let changes = ["requote_ms=2", "end=+50s", own];
        let orders = (1..=16)
            .map(|seed| ship(seed, || algorithm(kind, seed), &changes[..seed as usize % 4]));
        let orders = orders.fold([0; 2], sum);
        println!("{kind:?}: {orders:?} orders before and behind");
        assert!(orders.iter().all(|&count| count > 2), "{kind:?}: {orders:?}");
    }
    let config = OptionQuoterConfig { requote_ms: 2, edge_ticks: 1.0, ..Default::default() };
    let orders = (1..=16).map(|seed| ship(seed, || OptionQuoter::new(config), &["edge_ticks=2"]));
    let orders = orders.fold([0; 2], sum);
    assert!(orders.iter().all(|&count| count > 100), "quoter: {orders:?}");
}
