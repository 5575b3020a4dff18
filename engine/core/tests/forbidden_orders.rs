//! Tries to get a forbidden order out, over a venue that answers late, twice and across requests,
//! while limits change, trading is paused, and the process dies and is rebuilt from its inputs: none
//! leaves, and the venue's own books never go beyond a limit, whatever is in flight.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::late_venue::{Asker, INSTRUMENTS, Venue, definitions};
use tezi_core::control::{Control, Limit};
use tezi_core::pricing::Reference;
use tezi_core::{
    Capacity, CarriedLot, Core, CoreConfig, GuardLimits, Opening, Output, Restriction, RiskLimits,
    VenueMode,
};
use tezi_model::{
    AccountId, CommandKind, Event, ExecutionReport, InstrumentId, Nanos, OrderCommand, Px,
    RejectReason, Side, StrategyId,
};
use tezi_testing::Random;

/// More by the variable `TEZI_FORBIDDEN_STEPS`: 300 million take three minutes.
const STEPS: u64 = if cfg!(debug_assertions) { 1_000_000 } else { 10_000_000 };
/// Until this step the process dies now and then; each death costs all inputs so far once more.
const RESTARTS_UNTIL: u64 = 60_000;
const POSITION_MAX: i64 = 60;

const GUARDS: GuardLimits = GuardLimits {
    underlying_net_max: 80,
    underlying_gross_max: 100,
    duplicate_window_ns: 50_000_000,
    duplicates_max: 2,
    instrument_orders_max: 5,
    in_flight_max: 6,
    segment_orders_max: 9,
    theoretical_bps: 300,
    ..GuardLimits::OFF
};

/// What was allowed when an order left, and what left before it.
struct Rules {
    is_paused: bool,
    limits: Bounds,
    restrictions: [Restriction; INSTRUMENTS],
    ranges: [(Px, Px); INSTRUMENTS],
    /// By segment and second; by instrument and second.
    segments: BTreeMap<(u8, i64), u32>,
    instruments: BTreeMap<(usize, i64), u32>,
    lasts: [Option<(OrderCommand, Nanos, u32)>; INSTRUMENTS],
}

impl Rules {
    fn check(&mut self, now: Nanos, command: &OrderCommand, venue: &Venue) -> Result<(), String> {
        let kind = command.kind().unwrap();
        if kind == CommandKind::Cancel {
            return Ok(());
        }
        let at = command.instrument.index();
        if self.is_paused {
            return Err("in a pause".into());
        }
        let (side, price) = (command.side(), command.price);
        let (low, high) = self.ranges[at];
        let is_buy = side == Side::Buy;
        if (!is_buy && low.0 > 0 && price < low) || (is_buy && high.0 > 0 && price > high) {
            return Err(format!("outside {low} to {high}"));
        }
        let (net, buy, sell) = venue.worst(at);
        let towards = if side == Side::Buy { net + buy } else { sell - net };
        let is_banned = match self.restrictions[at] {
            Restriction::None => false,
            Restriction::ReduceOnly => towards > 0,
            Restriction::NoBuys => side == Side::Buy,
            Restriction::NoSells => side == Side::Sell,
            Restriction::Nothing => true,
        };
        if is_banned {
            return Err(format!("{:?} with {towards} open and held", self.restrictions[at]));
        }
        let segment = definitions()[at].segment_code;
        let of_segment = self.segments.entry((segment, now.second())).or_default();
        *of_segment += 1;
        if *of_segment > GUARDS.segment_orders_max {
            return Err(format!("order {of_segment} of its second"));
        }
        if kind == CommandKind::New {
            let of_instrument = self.instruments.entry((at, now.second())).or_default();
            *of_instrument += 1;
            if *of_instrument > GUARDS.instrument_orders_max {
                return Err(format!("new order {of_instrument} of its second"));
            }
            let key = |it: &OrderCommand| (it.side_code, it.price, it.quantity);
            let times = match &self.lasts[at] {
                Some((last, then, times))
                    if key(last) == key(command) && now.0 - then.0 < GUARDS.duplicate_window_ns =>
                {
                    times + 1
                }
                _ => 1,
            };
            self.lasts[at] = Some((*command, now, times));
            if times > GUARDS.duplicates_max {
                return Err(format!("the same order {times} times"));
            }
        }
        Ok(())
    }
}

/// What exposures must stay within: of each instrument, of each underlying net and gross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    instruments: [i64; INSTRUMENTS],
    nets: [i64; INSTRUMENTS / 2],
    grosses: [i64; INSTRUMENTS / 2],
}

impl Bounds {
    const fn of_limits(position: i64, net: i64, gross: i64) -> Self {
        let (nets, grosses) = ([net; INSTRUMENTS / 2], [gross; INSTRUMENTS / 2]);
        Self { instruments: [position; INSTRUMENTS], nets, grosses }
    }

    /// The venue's truth, with everything in flight filled.
    fn of_venue(venue: &Venue) -> Self {
        Self::of(&std::array::from_fn(|at| venue.worst(at)))
    }

    /// The same as far as the core knows.
    fn of_core(core: &Core<Asker, Reference>) -> Self {
        Self::of(&std::array::from_fn(|at| {
            let id = InstrumentId(at as u32);
            let exposure = core.orders().exposure(id);
            (core.positions().get(id).net, exposure.buy, exposure.sell)
        }))
    }

    /// Of what is held, may be bought and may be sold of each instrument.
    fn of(all: &[(i64, i64, i64); INSTRUMENTS]) -> Self {
        let gross = |&(net, buy, sell): &(i64, i64, i64)| (net + buy).abs().max((net - sell).abs());
        let add = |a: (i64, i64, i64), b: &(i64, i64, i64)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
        let its = |at: usize| &all[2 * at..2 * at + 2];
        Self {
            instruments: std::array::from_fn(|at| gross(&all[at])),
            nets: std::array::from_fn(|at| gross(&its(at).iter().fold((0, 0, 0), add))),
            grosses: std::array::from_fn(|at| its(at).iter().map(gross).sum()),
        }
    }

    fn with(mut self, other: &Self, choose: fn(i64, i64) -> i64) -> Self {
        let zip = |mine: &mut [i64], its: &[i64]| {
            mine.iter_mut().zip(its).for_each(|(a, b)| *a = choose(*a, *b));
        };
        zip(&mut self.instruments, &other.instruments);
        zip(&mut self.nets, &other.nets);
        zip(&mut self.grosses, &other.grosses);
        self
    }

    fn is_within(&self, bounds: &Self) -> bool {
        self.with(bounds, i64::max) == *bounds
    }
}

fn started(seed: u64, carried: &[i64; INSTRUMENTS]) -> Core<Asker, Reference> {
    let config = CoreConfig {
        limits: RiskLimits {
            order_value_max: 0,
            open_order_value_max: 0,
            loss_max: 0,
            position_max: POSITION_MAX,
            open_orders_max: 0,
            messages_per_second_max: 0,
            fat_finger_bps: 0,
            trade_on_stale: 0,
            trade_when_halted: 0,
        },
        capacity: Capacity {
            instruments_max: INSTRUMENTS as u32,
            market_orders_max: 64,
            levels_max: 64,
            own_orders_max: 256,
            timers_max: 4,
            outputs_max: 64,
        },
        venue_mode: VenueMode::External as u32,
        ..CoreConfig::default()
    };
    let asker = Asker { random: Random(seed), ids: Vec::new() };
    let mut core = Core::new(&config, asker, Reference).unwrap();
    for definition in definitions() {
        core.define(&definition).unwrap();
    }
    core.set_guards(&GUARDS).unwrap();
    if *carried != [0; INSTRUMENTS] {
        let begin = Opening::Begin { day: 20_781, as_of: 20_780, lots: 4, actions: 0 };
        core.on_opening(Nanos(1), &begin).unwrap();
    }
    for (id, &net) in (0..).map(InstrumentId).zip(carried).filter(|(_, net)| **net != 0) {
        let lot = CarriedLot {
            strategy: StrategyId::NONE,
            account: AccountId::NONE,
            instrument: id,
            net,
            price: Px::from_paise(9_000),
            mark: Px::from_paise(10_000),
            day: 0,
        };
        core.on_opening(Nanos(1), &Opening::Lot(lot)).unwrap();
    }
    core.on_start(Nanos(1));
    core
}

/// An operator: bans, lists, ranges, limits and pauses come and go. A ban does not undo what is open,
/// nor does a lower limit, so both are checked on what leaves from then on.
fn change_rules(random: &mut Random, rules: &mut Rules) -> Control {
    let at = random.index(INSTRUMENTS);
    let instrument = InstrumentId(at as u32);
    match random.below(8) {
        0..=2 => {
            let restriction = Restriction::from_code(random.below(10) as u8).unwrap_or_default();
            rules.restrictions[at] = restriction;
            Control::Restrict { instrument, restriction }
        }
        3..=5 => {
            let around = 9_800 + random.below(400) as i64;
            let [low, high] = [around - 250, around + 250].map(Px::from_paise);
            rules.ranges[at] = (low, high);
            Control::PriceRange { instrument, low, high }
        }
        6 => {
            rules.is_paused = random.one_in(8);
            if rules.is_paused { Control::Pause } else { Control::Resume }
        }
        _ => {
            let scale = [50, 75, 100][random.index(3)];
            let (limit, most, limits) = match random.below(3) {
                0 => (Limit::Position, POSITION_MAX, &mut rules.limits.instruments[..]),
                1 => {
                    let most = GUARDS.underlying_net_max;
                    (Limit::UnderlyingNet, most, &mut rules.limits.nets[..])
                }
                _ => {
                    let most = GUARDS.underlying_gross_max;
                    (Limit::UnderlyingGross, most, &mut rules.limits.grosses[..])
                }
            };
            let value = most * scale / 100;
            limits.fill(value);
            Control::SetLimit { limit, value }
        }
    }
}

/// What the core was told.
#[derive(Clone, Copy, Debug)]
enum Input {
    Clock,
    Report(ExecutionReport),
    Control(Control),
}

fn feed(core: &mut Core<Asker, Reference>, now: Nanos, input: &Input) -> bool {
    match input {
        Input::Clock => core.on_event(now, &Event::clock(now)),
        Input::Report(report) => return core.on_report(now, report).is_ok(),
        Input::Control(control) => core.on_control(now, control).unwrap(),
    }
    true
}

/// The process dies, and another begins where its inputs end.
fn restart(
    (seed, carried): (u64, &[i64; INSTRUMENTS]),
    inputs: &[(Nanos, Input)],
    died: &Core<Asker, Reference>,
) -> Core<Asker, Reference> {
    let mut core = started(seed, carried);
    for (now, input) in inputs {
        feed(&mut core, *now, input);
    }
    assert_eq!(core.state_hash(), died.state_hash());
    core
}

#[test]
fn no_forbidden_order_leaves_and_no_limit_is_passed_with_everything_in_flight_filled() {
    try_to_pass(2_026, &[0; INSTRUMENTS]);
}

/// Two instruments and both underlyings are at their limits before the first order.
#[test]
fn no_forbidden_order_leaves_where_positions_carried_in_are_at_their_limits() {
    try_to_pass(2_027, &[POSITION_MAX, 20, -POSITION_MAX, -20]);
}

fn try_to_pass(seed: u64, carried: &[i64; INSTRUMENTS]) {
    let mut random = Random(seed);
    let mut core = started(seed + 1, carried);
    let mut venue = Venue::new(seed + 2);
    venue.net[0] = *carried;
    let limits =
        Bounds::of_limits(POSITION_MAX, GUARDS.underlying_net_max, GUARDS.underlying_gross_max);
    let (mut bounds, mut inputs) = (limits, Vec::new());
    let mut rules = Rules {
        is_paused: false,
        limits,
        restrictions: [Restriction::None; INSTRUMENTS],
        ranges: [(Px::ZERO, Px::ZERO); INSTRUMENTS],
        segments: BTreeMap::new(),
        instruments: BTreeMap::new(),
        lasts: [None; INSTRUMENTS],
    };
    let (mut now, mut left) = (Nanos(1), 0_u64);
    let steps = std::env::var("TEZI_FORBIDDEN_STEPS").ok().and_then(|text| text.parse().ok());
    let steps = steps.unwrap_or(STEPS);
    for step in 0..steps {
        now = now.plus(random.below(4_000_000) as i64);
        let input = match random.below(64) {
            0 => Some(Input::Control(change_rules(&mut random, &mut rules))),
            // For a while the venue takes nothing in.
            1..=15 if step / 2_000 % 4 > 0 => {
                venue.take_command();
                None
            }
            16..=25 => {
                venue.act();
                None
            }
            26..=45 => venue.reports.pop_front().map(Input::Report),
            _ => Some(Input::Clock),
        };
        let is_input = input.is_some_and(|input| {
            if step < RESTARTS_UNTIL {
                inputs.push((now, input));
            }
            feed(&mut core, now, &input)
        });
        for emitted in core.outputs().iter().filter(|_| is_input) {
            let Output::Command(command) = &emitted.output else { continue };
            venue.commands.push_back(*command);
            left += 1;
            let checked = rules.check(now, command, &venue);
            assert_eq!(checked, Ok(()), "seed {seed}, step {step}: {command:?}");
        }
        // The core knows of all that could be; beyond a limit that was lowered, that only falls.
        let (exposed, known) = (Bounds::of_venue(&venue), Bounds::of_core(&core));
        let allowed = bounds.with(&rules.limits, i64::max);
        assert!(exposed.is_within(&known), "seed {seed}, step {step}: {exposed:?}, {known:?}");
        assert!(known.is_within(&allowed), "seed {seed}, step {step}: {known:?}, {allowed:?}");
        bounds = known;
        if step < RESTARTS_UNTIL && step % 3_001 == 3_000 {
            core = restart((seed + 1, carried), &inputs, &core);
        }
        if step % 1_024 == 0 {
            assert!(core.is_consistent(), "seed {seed}, step {step}");
            venue.forget_closed();
            // Nobody looks at seconds long gone.
            let is_present = |second: i64| second + 1 >= now.second();
            rules.segments.retain(|&(_, second), _| is_present(second));
            rules.instruments.retain(|&(_, second), _| is_present(second));
        }
    }
    let given: BTreeSet<RejectReason> = core.refusals().map(|(reason, _)| reason).collect();
    let counted: Vec<_> = core.refusals().collect();
    println!("{left} commands left, {} trades, refused: {counted:?}", venue.fill_id);
    // One strategy alone has no limits of its own: `strategies.rs` tries those.
    let is_tried = |reason| {
        (RejectReason::PriceProtection..=RejectReason::OrderRate).contains(&reason)
            || reason == RejectReason::Paused
    };
    let mut tried = RejectReason::ALL.iter().filter(|&&reason| is_tried(reason));
    assert!(tried.all(|reason| given.contains(reason)), "{given:?}");
    assert!(left > steps / 100 && u64::from(venue.fill_id) > steps / 100);
    assert_eq!(core.orders().counters().refused, 0, "the venue kept its protocol");
}
