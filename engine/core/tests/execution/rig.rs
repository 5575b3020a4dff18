//! A core with one execution strategy against the hostile venue, and what must hold after every input.

use std::collections::BTreeMap;

use bytemuck::Zeroable;
use tezi_core::execution::{Parent, ParentState};
use tezi_core::oms::{OrderEvent, OrderSessionState};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{AlgoConfig, AlgoKind, AlgoTrader, Strategy};
use tezi_core::{Capacity, Core, CoreConfig, Output, RiskLimits, VenueMode};
use tezi_model::{
    CommandKind, Event, EventKind, ExecutionKind, ExecutionReport, Instrument, InstrumentId,
    InstrumentKind, MarketFlags, Money, Nanos, OrderCommand, OrderId, Px, Qty, Segment, Side,
    StreamId, Symbol, Token,
};
use tezi_testing::Random;

use crate::driven::{Ask, Driven};
use crate::venue::Venue;

pub const LOT: u32 = 65;
/// The legs.
pub const LEGS: [InstrumentId; 2] = [InstrumentId(0), InstrumentId(1)];
const FREEZE: u32 = 6 * LOT;

/// The session's first moment.
pub fn open() -> Nanos {
    Nanos::from_ist(2026, 11, 20, 9, 15, 0)
}

/// Two futures.
pub fn definitions() -> [Instrument; 2] {
    [1, 2].map(|token| {
        let mut future = Instrument::unknown(Segment::NseFo, Token(token));
        future.symbol = Symbol::new("NIFTY");
        future.expiry = Nanos::from_ist(2026, 10 + i64::from(token), 24, 15, 40, 0);
        future.tick = Px::from_paise(5);
        future.lot = Qty(LOT);
        future.freeze_quantity = Qty(FREEZE);
        future.kind_code = InstrumentKind::Future as u8;
        future.price_low = Px::from_paise(90_000);
        future.price_high = Px::from_paise(110_000);
        future
    })
}

fn config(random: &mut Random) -> CoreConfig {
    let is_tight = random.one_in(3);
    CoreConfig {
        venue_mode: VenueMode::External as u32,
        limits: RiskLimits {
            order_value_max: 0,
            open_order_value_max: 0,
            loss_max: 0,
            position_max: 0,
            open_orders_max: if is_tight { 3 } else { 0 },
            messages_per_second_max: if is_tight { 4 } else { 0 },
            fat_finger_bps: 0,
            trade_on_stale: 1,
            trade_when_halted: 0,
        },
        capacity: Capacity {
            instruments_max: 4,
            market_orders_max: 64,
            levels_max: 64,
            own_orders_max: 64,
            timers_max: if is_tight { 8 } else { 64 },
            outputs_max: 128,
        },
        ..CoreConfig::default()
    }
}

/// What orders must keep to, on one side of one instrument.
struct Rule {
    instrument: InstrumentId,
    side: Side,
    limit: Px,
}

/// See the module.
pub struct Rig {
    pub core: Core<Driven, Reference>,
    pub venue: Venue,
    pub config: AlgoConfig,
    random: Random,
    now: Nanos,
    is_live: bool,
    /// Mid price in ticks of five paise, and the market's order of each side.
    mids: [i64; 2],
    shown: BTreeMap<(u32, u8), Event>,
    next_id: u64,
    /// Fills told, by instrument and side.
    told: BTreeMap<(u32, u8), (u64, Money)>,
    /// The last fill told, to be taken back.
    last_fill: Option<ExecutionReport>,
    /// Units of fills that were told after their order was closed.
    late: u64,
    /// Whether the venue tells some fills late, and whether the exchange takes trades back.
    is_late: bool,
    takes_back: bool,
    /// Units others traded, as the tape showed them.
    pub others: u64,
    /// Commands by kind.
    pub sent: [u64; 3],
    pub hashes: Vec<u64>,
    ended: bool,
    what: String,
    /// Whether a dealer changes parameters.
    pub changes: bool,
}

impl Rig {
    pub fn new(seed: u64, kind: AlgoKind, words: &str) -> Self {
        let mut random = Random(seed);
        let config = AlgoConfig::parse(kind, words).unwrap();
        let driven = Driven::new(AlgoTrader::new(config));
        let mut core = Core::new(&self::config(&mut random), driven, Reference).unwrap();
        for definition in definitions() {
            core.define(&definition).unwrap();
        }
        let refuses = [0, 5, 25][random.index(3)];
        // What an algorithm promises of the market's volume, or of another leg, holds for trades that
        // are told in order and stand.
        let is_strict = matches!(kind, AlgoKind::Pov | AlgoKind::Spread);
        Self {
            core,
            venue: Venue::new(seed ^ 0x5EED, refuses),
            config,
            random,
            now: open(),
            is_live: true,
            mids: [20_000, 20_100],
            shown: BTreeMap::new(),
            next_id: 0,
            told: BTreeMap::new(),
            last_fill: None,
            late: 0,
            is_late: seed % 4 == 3 && !is_strict,
            takes_back: seed % 4 == 2 && !is_strict,
            others: 0,
            sent: [0; 3],
            hashes: Vec::new(),
            ended: false,
            what: format!("seed {seed}, {} {words}", kind.name()),
            changes: false,
        }
    }

    /// Runs a day of hostile steps, and then until nothing is open any more.
    pub fn run(&mut self, steps: u32) {
        self.core.on_session(self.now, OrderSessionState::Live);
        self.settle();
        self.core.on_start(self.now);
        self.settle();
        for instrument in 0..2 {
            self.move_book(instrument);
        }
        for _ in 0..steps {
            self.step();
        }
        self.calm_down();
    }

    /// A parameter that a dealer changes.
    fn change(&mut self) -> &'static str {
        const COMMON: [&str; 12] = [
            "limit=5bps",
            "limit=80bps",
            "limit=500bps",
            "limit=1000.00",
            "limit=1.00",
            "end=+3s",
            "end=+6s",
            "child_max=130",
            "child_max=325",
            "requote_ms=5",
            "requote_ticks=2",
            "strikes=500",
        ];
        let own: &[&'static str] = match self.config.kind {
            AlgoKind::Twap | AlgoKind::Vwap => {
                &["catch_up=carry", "catch_up=cross", "cross_ms=900"]
            }
            AlgoKind::Pov => &[
                "rate_bps=500",
                "rate_bps=2800",
                "rate_max_bps=2900",
                "clip=65",
                "rate_min_bps=300",
            ],
            AlgoKind::Iceberg => &["display=65", "display=260", "jitter_lots=1"],
            AlgoKind::Peg => {
                &["offset_ticks=-1", "offset_ticks=2", "reference=middle", "display=195"]
            }
            AlgoKind::Spread => &[
                "price=5.00",
                "price=-20.00",
                "slip_ticks=1",
                "unhedged_ms=100",
                "hedge_limit=950bps",
            ],
        };
        let pick = self.random.index(COMMON.len() + own.len());
        COMMON.get(pick).copied().unwrap_or_else(|| own[pick - COMMON.len()])
    }

    /// Keeps the widest bounds that were ever in force: what was sent under them may still lie there.
    fn note_change(&mut self, word: &str) {
        let before = self.config;
        let (key, value) = word.split_once('=').unwrap();
        self.config.set(key, value).unwrap();
        if before.policy.quantity_max.0 == 0
            || self.config.policy.quantity_max < before.policy.quantity_max
        {
            self.config.policy.quantity_max = before.policy.quantity_max;
        }
        let most = |config: &AlgoConfig| config.rate_max_bps.unwrap_or(config.rate_bps);
        self.config.rate_max_bps = Some(most(&before).max(most(&self.config)));
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..=19 => self.venue_works(),
            20..=39 => self.report(),
            40..=54 => {
                let instrument = self.random.index(2);
                self.move_book(instrument);
            }
            55..=64 => self.others_trade(),
            65..=70 => self.own_trade(),
            71..=82 => self.fill(),
            83..=84 => {
                if let Some((id, _)) = self.venue.any_open().filter(|_| self.is_live) {
                    self.venue.end(id);
                }
            }
            85 if self.is_live => self.disconnect(),
            86..=90 if !self.is_live => self.reconnect(),
            91 => {
                let pick = self.random.below(24);
                let ask = match pick {
                    0 => Some(Ask::Cancel),
                    1..=7 => Some(Ask::Pause),
                    _ => Some(Ask::Resume),
                };
                self.core.strategy_mut().ask = ask;
                self.move_book(0);
            }
            93 if self.changes => {
                let word = self.change();
                let strategy = self.core.strategy_mut();
                (strategy.ask, strategy.taken) = (Some(Ask::Set(word)), None);
                // Noted before: what is sent in the same call lies under it.
                let before = self.config;
                self.note_change(word);
                self.move_book(0);
                if self.core.strategy().taken.is_none() {
                    self.config = before;
                }
            }
            92 => self.take_back(),
            _ => self.tick(),
        }
    }

    /// The venue is kind from here on, and the time comes when everything ends.
    fn calm_down(&mut self) {
        self.venue.refuses = 0;
        self.random = Random(7);
        if !self.is_live {
            self.reconnect();
        }
        self.core.strategy_mut().ask = Some(Ask::Resume);
        for round in 0..600 {
            self.move_book(round % 2);
            self.tick();
            while !self.venue.commands.is_empty() || !self.venue.reports.is_empty() {
                self.venue_works();
                self.report();
            }
        }
        let what = &self.what;
        let parents = self.core.strategy().parents();
        // A limit that was changed before the instrument was known may turn out to be beyond its band.
        let problem = self.core.strategy().algo.problem();
        let never_began = self.changes && problem.is_some() && self.sent == [0; 3];
        assert!(!parents.is_empty() || never_began, "{what}: {problem:?}");
        for parent in parents {
            assert!(parent.state().is_ended(), "{what}: {parent}");
        }
        assert_eq!(self.core.orders().open_count(), 0, "{what}: orphans");
        assert!(self.core.is_consistent(), "{what}");
    }

    fn venue_works(&mut self) {
        if self.is_live {
            self.venue.work();
        }
    }

    fn report(&mut self) {
        if !self.is_live {
            return;
        }
        if self.is_late {
            self.late += self.venue.delay_fill();
        }
        if let Some(report) = self.venue.reports.pop_front() {
            if report.kind() == Some(ExecutionKind::Fill) {
                let held = self.venue.orders[&report.client_order_id];
                let told = self.told.entry((held.instrument.0, held.side as u8)).or_default();
                told.0 += u64::from(report.quantity.0);
                told.1 += report.price.value(i64::from(report.quantity.0));
                self.last_fill = Some(report);
            }
            let before = self.core.orders().get(report.client_order_id);
            let taken = self.core.on_report(self.now, &report);
            assert_eq!(taken, Ok(()), "{}: {report:?} of {before:?}", self.what);
            self.settle();
        }
    }

    /// The exchange takes the last fill back.
    fn take_back(&mut self) {
        let Some(report) = self.last_fill.take().filter(|_| self.takes_back) else { return };
        let held = self.venue.orders.get_mut(&report.client_order_id).unwrap();
        held.annulled += report.quantity.0;
        let told = self.told.entry((held.instrument.0, held.side as u8)).or_default();
        told.0 -= u64::from(report.quantity.0);
        told.1 -= report.price.value(i64::from(report.quantity.0));
        assert_eq!(self.core.on_trade_canceled(self.now, &report), Ok(()), "{}", self.what);
        self.settle();
    }

    fn fill(&mut self) {
        let Some((id, held)) = self.venue.any_open() else { return };
        let left = u64::from(held.quantity - held.filled);
        // An odd lot now and then: nothing may rely on whole ones.
        let quantity = match self.random.below(3) {
            0 => left,
            1 => u64::from(LOT),
            _ => 1 + self.random.below(left),
        };
        self.venue.fill(id, quantity as u32);
    }

    fn disconnect(&mut self) {
        self.venue.disconnect();
        self.is_live = false;
        self.core.on_session(self.now, OrderSessionState::Down);
        self.settle();
    }

    /// The download tells what happened meanwhile, and is silent of what was lost.
    fn reconnect(&mut self) {
        self.is_live = true;
        while !self.venue.reports.is_empty() {
            self.is_live = true;
            self.report();
        }
        for id in core::mem::take(&mut self.venue.lost) {
            self.core.on_order_event(self.now, id, OrderEvent::DownloadedSilent).unwrap();
            self.settle();
        }
        self.core.on_session(self.now, OrderSessionState::Live);
        self.settle();
    }

    fn tick(&mut self) {
        let step = match self.random.below(4) {
            0 => 200_000_000,
            _ => self.random.below(30_000_000),
        };
        self.now = self.now.plus(step as i64);
        let mut due = self.core.next_due();
        while let Some(at) = due.filter(|&at| at <= self.now) {
            self.event(Event::clock(at.max(self.core.now())));
            due = self.core.next_due().filter(|&next| next > at);
        }
        self.event(Event::clock(self.now));
    }

    fn base(&self, instrument: usize, kind: EventKind) -> Event {
        Event {
            kind_code: kind as u8,
            stream: StreamId::new(Segment::NseFo, 1),
            token: Token(1 + instrument as u32),
            exchange_time: self.now,
            receive_time: self.now,
            ..Event::zeroed()
        }
    }

    /// The market's order of a side goes, and another comes, sometimes through the other side.
    fn move_book(&mut self, instrument: usize) {
        self.mids[instrument] += self.random.below(9) as i64 - 4;
        self.mids[instrument] = self.mids[instrument].clamp(18_500, 21_500);
        for side in Side::BOTH {
            if let Some(old) = self.shown.remove(&(instrument as u32, side as u8)) {
                let kind_code = EventKind::OrderCancel as u8;
                self.event(Event { kind_code, receive_time: self.now, ..old });
            }
        }
        let is_crossed = self.venue.refuses > 0 && self.random.one_in(12);
        for side in Side::BOTH {
            if self.venue.refuses > 0 && self.random.one_in(10) {
                continue;
            }
            self.next_id += 1;
            let away = if is_crossed { -1 } else { 1 + self.random.below(3) as i64 };
            let price = self.mids[instrument] - away * side.sign();
            let event = Event {
                flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
                price: Px::from_paise(5 * price),
                quantity: Qty(LOT * (1 + self.random.below(5) as u32)),
                order_id: OrderId(self.next_id),
                ..self.base(instrument, EventKind::OrderNew)
            };
            self.shown.insert((instrument as u32, side as u8), event);
            self.event(event);
        }
    }

    fn others_trade(&mut self) {
        let quantity = LOT * (1 + self.random.below(8) as u32);
        let event = self.base(0, EventKind::Trade);
        let price = Px::from_paise(5 * self.mids[0]);
        if self.now >= self.start() {
            self.others += u64::from(quantity);
        }
        self.event(Event { price, quantity: Qty(quantity), ..event });
    }

    fn own_trade(&mut self) {
        if let Some(own) = self.venue.tape.pop_front() {
            let event = self.base(own.instrument.index(), EventKind::Trade);
            self.event(Event { price: own.price, quantity: Qty(own.quantity), ..event });
        }
    }

    fn event(&mut self, event: Event) {
        self.core.on_event(self.now, &event);
        self.settle();
    }

    fn start(&self) -> Nanos {
        self.config.start.of(open())
    }

    /// Passes the commands on, and checks everything.
    fn settle(&mut self) {
        let commands: Vec<OrderCommand> = self
            .core
            .outputs()
            .iter()
            .filter_map(|emitted| match emitted.output {
                Output::Command(command) => Some(command),
                _ => None,
            })
            .collect();
        for command in &commands {
            self.check_command(command);
            self.venue.commands.push_back(*command);
        }
        if !commands.is_empty() {
            self.hashes.push(self.core.state_hash());
        }
        for parent in self.core.strategy().parents() {
            self.check_parent(parent);
        }
        self.check_legs();
        if commands.iter().any(|it| it.kind() != Some(CommandKind::Cancel)) {
            self.check_share();
        }
        let is_ended = self.is_ended();
        assert!(is_ended || !self.ended, "{}: back to life", self.what);
        self.ended = is_ended;
    }

    fn is_ended(&self) -> bool {
        let parents = self.core.strategy().parents();
        !parents.is_empty() && parents.iter().all(|it| it.state().is_ended())
    }

    fn rule_of(&self, command: &OrderCommand) -> Rule {
        let parents = self.core.strategy().parents().iter();
        let of = |it: &&Parent| {
            it.spec().instrument == command.instrument && it.spec().side == command.side()
        };
        let spec = parents.clone().find(of).unwrap().spec();
        Rule { instrument: spec.instrument, side: spec.side, limit: spec.limit }
    }

    fn check_command(&mut self, command: &OrderCommand) {
        let what = format!("{}, {command:?}", self.what);
        let kind = command.kind().unwrap();
        self.sent[kind as usize - 1] += 1;
        if kind == CommandKind::Cancel {
            return;
        }
        let rule = self.rule_of(command);
        assert_eq!((command.instrument, command.side()), (rule.instrument, rule.side));
        assert!(!self.ended, "{what}: after the end");
        assert!(self.is_live, "{what}: with no session");
        assert!(!rule.side.is_better(command.price, rule.limit), "{what}: beyond the limit");
        let terms = definitions()[command.instrument.index()];
        assert!(command.price.is_multiple_of(terms.tick), "{what}: off the tick");
        assert!(terms.price_low <= command.price && command.price <= terms.price_high, "{what}");
        assert!(command.quantity.0.is_multiple_of(LOT), "{what}: not whole lots");
        let most = match self.config.policy.quantity_max.0 {
            0 => FREEZE,
            most => most.min(FREEZE),
        };
        assert!((1..=most).contains(&command.quantity.0), "{what}: beyond the freeze quantity");
        assert!(self.now >= self.start(), "{what}: too early");
        // What a leg executed is hedged, or traded back, after the end as well.
        let is_first = command.instrument == LEGS[0] && Some(command.side()) == self.config.side;
        assert!(!is_first || self.now < self.config.end.of(open()), "{what}: too late");
    }

    fn check_parent(&self, parent: &Parent) {
        let what = || format!("{}: {parent}, {:?}", self.what, parent.state());
        let spec = parent.spec();
        let quantity = u64::from(spec.quantity.0);
        let (_, worst) = self.venue.truth(spec.instrument, spec.side);
        assert!(worst <= quantity + self.late, "{worst} of {quantity}, {}", what());
        assert!(parent.executed() + parent.open() <= quantity + self.late, "{}", what());
        let told = self.told.get(&(spec.instrument.0, spec.side as u8)).copied();
        let (executed, value) = told.unwrap_or_default();
        assert_eq!((parent.executed(), parent.value()), (executed, value), "{}", what());
        let orders = self.core.orders();
        let of =
            |it: &tezi_core::oms::Order| it.instrument == spec.instrument && it.side == spec.side;
        let open: u64 = orders.open().filter(of).map(|it| u64::from(it.leaves_worst().0)).sum();
        assert_eq!(parent.open(), open, "{}", what());
        match parent.state() {
            ParentState::Ended(_) | ParentState::Waiting => assert_eq!(open, 0, "{}", what()),
            _ => {}
        }
    }

    /// What of the first leg would be unhedged, with everything in flight granted.
    fn check_legs(&self) {
        let Some(legging) = self.core.strategy().algo.legging() else { return };
        let spec = legging.spec();
        let (_, worst) = self.venue.truth(spec.legs[0], spec.side);
        let (hedged, _) = self.venue.truth(spec.legs[1], spec.side.opposite());
        let (back, _) = self.venue.truth(spec.legs[0], spec.side.opposite());
        let hedges = hedged * u64::from(spec.units[0].0) / u64::from(spec.units[1].0);
        let unhedged = worst.saturating_sub(back).saturating_sub(hedges);
        assert!(unhedged <= u64::from(spec.unhedged_max.0), "{}: {unhedged}", self.what);
    }

    /// What is executed and open never leaves its share of what others traded.
    fn check_share(&self) {
        if self.config.kind != AlgoKind::Pov {
            return;
        }
        let most = self.config.rate_max_bps.unwrap_or(self.config.rate_bps);
        let side = self.config.side.unwrap();
        let (_, worst) = self.venue.truth(LEGS[0], side);
        let allowed = self.others * u64::from(most) / 10_000;
        assert!(worst <= allowed, "{}: {worst} of {allowed}", self.what);
    }
}
