//! What operators do to a running core: pauses, cancels, the way out of positions, stops and their
//! release, limits; one by one, and at any time under a random market and strategy.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use bytemuck::Zeroable;
use common::market::{LOT, Market, contracts, open};
use common::trader::RandomTrader;
use common::{Input, core, external_config, feed, small_config};
use tezi_core::control::{Control, ControlError, Limit};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{Recorded, Strategy, Watch};
use tezi_core::{Core, CoreConfig, Emitted, Origin, Output, Restriction};
use tezi_model::{
    CommandKind, Event, EventKind, ExecutionKind, ExecutionReport, InstrumentId, MarketFlags,
    Nanos, OrderCommand, OrderId, OrderStatus, Px, Qty, RejectReason, Side, StreamId, TimeInForce,
};
use tezi_testing::Random;

const FUTURE: InstrumentId = InstrumentId(0);
const OPTION: InstrumentId = InstrumentId(1);
const ALL: Control = Control::CancelAll { instrument: None };
const FLATTEN: Control = Control::Flatten { instrument: None, through_bps: 50 };

/// An order of the market.
fn resting(number: u64, side: Side, rupees: f64, quantity: u32) -> Event {
    let (contract, _) = contracts()[0];
    Event {
        kind_code: EventKind::OrderNew as u8,
        flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
        stream: StreamId::new(contract.segment().unwrap(), 1),
        token: contract.token,
        order_id: OrderId(number),
        price: Px::from_rupees(rupees),
        quantity: Qty(quantity),
        ..Event::zeroed()
    }
}

fn report(command: &OrderCommand, kind: ExecutionKind, quantity: u32) -> ExecutionReport {
    let is_fill = kind == ExecutionKind::Fill;
    ExecutionReport {
        client_order_id: command.client_order_id,
        order_id: OrderId(1_000 + command.client_order_id.0),
        price: command.price,
        quantity: Qty(quantity),
        fill_id: if is_fill { command.client_order_id.0 as u32 } else { 0 },
        kind_code: kind as u8,
        ..ExecutionReport::zeroed()
    }
}

/// Asks for what the test tells it, at the next clock.
#[derive(Default)]
struct Puppet {
    orders: Vec<(Side, f64, u32)>,
    told: Vec<Control>,
}

impl Strategy for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn on_start(&mut self, ctx: &mut tezi_core::strategy::Context<'_>) {
        ctx.set_timer(ctx.now().plus(1)).unwrap();
    }

    fn on_timer(
        &mut self,
        ctx: &mut tezi_core::strategy::Context<'_>,
        _timer: tezi_core::strategy::TimerId,
    ) {
        for (side, rupees, quantity) in self.orders.drain(..) {
            let _ = ctx.submit(FUTURE, side, Px::from_rupees(rupees), Qty(quantity));
        }
        ctx.set_timer(ctx.now().plus(1)).unwrap();
    }

    fn on_control(&mut self, _ctx: &mut tezi_core::strategy::Context<'_>, control: &Control) {
        self.told.push(*control);
    }
}

/// A desk whose venue is the test.
struct Bench {
    core: Core<Puppet, Reference>,
    now: Nanos,
}

impl Bench {
    fn new() -> Self {
        let mut config = external_config();
        config.limits.order_value_max = 0;
        config.limits.open_order_value_max = 0;
        config.limits.position_max = 0;
        Self::with(&config)
    }

    fn with(config: &CoreConfig) -> Self {
        let mut core = core(config, Puppet::default());
        core.on_start(open());
        Self { core, now: open() }
    }

    fn commands(&self) -> Vec<OrderCommand> {
        let of = |emitted: &Emitted| match emitted.output {
            Output::Command(command) => Some(command),
            _ => None,
        };
        self.core.outputs().iter().filter_map(of).collect()
    }

    fn control(&mut self, control: Control) -> Vec<OrderCommand> {
        self.now = self.now.plus(1_000);
        self.core.on_control(self.now, &control).unwrap();
        self.commands()
    }

    fn event(&mut self, event: &Event) -> Vec<OrderCommand> {
        self.now = self.now.plus(1_000);
        self.core.on_event(self.now, event);
        self.commands()
    }

    fn report(
        &mut self,
        command: &OrderCommand,
        kind: ExecutionKind,
        quantity: u32,
    ) -> Vec<OrderCommand> {
        self.now = self.now.plus(1_000);
        self.core.on_report(self.now, &report(command, kind, quantity)).unwrap();
        self.commands()
    }

    /// What leaves when the strategy asks for these.
    fn ask(&mut self, orders: &[(Side, f64, u32)]) -> Vec<OrderCommand> {
        self.core.strategy_mut().orders = orders.to_vec();
        self.event(&Event::clock(Nanos::ZERO))
    }

    /// Buys and is filled.
    fn hold(&mut self, side: Side, rupees: f64, quantity: u32) {
        let order = self.ask(&[(side, rupees, quantity)])[0];
        self.report(&order, ExecutionKind::Accepted, quantity);
        self.report(&order, ExecutionKind::Fill, quantity);
    }
}

#[test]
fn during_a_pause_only_cancels_leave() {
    let mut bench = Bench::new();
    let order = bench.ask(&[(Side::Buy, 24_000.0, LOT)])[0];
    bench.report(&order, ExecutionKind::Accepted, LOT);
    assert_eq!(bench.control(Control::Pause), []);
    assert!(bench.core.is_paused() && bench.core.stopped().is_none());
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT), (Side::Sell, 24_100.0, LOT)]), []);
    assert_eq!(bench.core.refusals().collect::<Vec<_>>(), [(RejectReason::Paused, 2)]);
    let [cancel] = bench.control(ALL)[..] else { panic!("one cancel") };
    assert_eq!(cancel.kind(), Some(CommandKind::Cancel));
    bench.control(Control::Resume);
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]).len(), 1);
    assert_eq!(bench.core.strategy().told, [Control::Pause, ALL, Control::Resume]);
    assert_eq!(bench.core.controls(), 3);
}

#[test]
fn a_sweep_waits_for_answers_and_spares_what_comes_after_it() {
    let mut bench = Bench::new();
    let orders = bench.ask(&[(Side::Buy, 24_000.0, LOT), (Side::Buy, 23_990.0, LOT)]);
    bench.report(&orders[0], ExecutionKind::Accepted, LOT);
    let cancels = bench.control(ALL);
    assert_eq!(cancels.len(), 1, "the second is not answered yet");
    let later = bench.ask(&[(Side::Buy, 23_980.0, LOT)])[0];
    assert_eq!(bench.report(&later, ExecutionKind::Accepted, LOT), []);
    let [cancel] = bench.report(&orders[1], ExecutionKind::Accepted, LOT)[..] else {
        panic!("the sweep goes on")
    };
    assert_eq!(cancel.client_order_id, orders[1].client_order_id);
    // Refused: tried again a second later, and not before.
    bench.report(&orders[1], ExecutionKind::CancelRejected, LOT);
    assert_eq!(bench.event(&Event::clock(Nanos::ZERO)), []);
    assert!(bench.core.next_due().is_some());
    bench.now = bench.now.plus(1_000_000_000);
    assert_eq!(bench.event(&Event::clock(Nanos::ZERO)).len(), 1);
    assert_eq!(bench.core.operator_work().sweeps, 1);
    for order in &orders {
        bench.report(order, ExecutionKind::Canceled, 0);
    }
    assert_eq!(bench.core.operator_work().sweeps, 0);
    let left = bench.core.orders().get(later.client_order_id).unwrap();
    assert_eq!(left.status, OrderStatus::New);
}

#[test]
fn flattening_closes_in_slices_and_stays_paused() {
    let mut bench = Bench::new();
    // Eight lots are the freeze quantity; ten lots and five units are held.
    bench.hold(Side::Buy, 24_000.0, LOT * 8);
    bench.hold(Side::Buy, 24_000.0, LOT * 2);
    bench.event(&resting(1, Side::Buy, 24_010.0, LOT * 100));
    let open = bench.ask(&[(Side::Sell, 24_100.0, LOT)])[0];
    bench.report(&open, ExecutionKind::Accepted, LOT);
    let [cancel] = bench.control(FLATTEN)[..] else { panic!("what is open is cancelled first") };
    assert_eq!(cancel.client_order_id, open.client_order_id);
    let [first] = bench.report(&open, ExecutionKind::Canceled, 0)[..] else { panic!("a slice") };
    assert_eq!((first.quantity, first.side()), (Qty(LOT * 8), Side::Sell));
    assert_eq!(first.time_in_force(), TimeInForce::Ioc);
    // 50 basis points through 24,010 are 120.05, which is 1,200 ticks of 10 paise.
    assert_eq!(first.price, Px::from_rupees(23_890.0));
    assert!(bench.core.is_paused());
    bench.report(&first, ExecutionKind::Accepted, LOT * 8);
    assert_eq!(bench.report(&first, ExecutionKind::Fill, LOT * 3), []);
    assert_eq!(bench.report(&first, ExecutionKind::Canceled, 0), [], "the next round is due later");
    bench.now = bench.core.next_due().unwrap().max(bench.now.plus(5_000_000));
    let [second] = bench.event(&Event::clock(Nanos::ZERO))[..] else { panic!("a second round") };
    assert_eq!(second.quantity, Qty(LOT * 7));
    bench.report(&second, ExecutionKind::Accepted, LOT * 7);
    bench.report(&second, ExecutionKind::Fill, LOT * 7);
    bench.now = bench.now.plus(5_000_000);
    assert_eq!(bench.event(&Event::clock(Nanos::ZERO)), []);
    assert_eq!(bench.core.positions().get(FUTURE).net, 0);
    assert!(!bench.core.operator_work().is_flattening && bench.core.is_paused());
}

#[test]
fn without_a_market_positions_wait_and_the_fat_finger_limit_holds() {
    let mut bench = Bench::new();
    bench.hold(Side::Sell, 24_000.0, LOT);
    assert_eq!(bench.control(Control::Flatten { instrument: None, through_bps: 10_000 }), []);
    bench.event(&resting(1, Side::Sell, 24_000.0, LOT));
    bench.now = bench.now.plus(250_000_000);
    let [order] = bench.event(&Event::clock(Nanos::ZERO))[..] else { panic!("an order") };
    assert_eq!((order.side(), order.price), (Side::Buy, Px::from_rupees(25_200.0)), "500 bps");
    // Resuming ends it.
    bench.report(&order, ExecutionKind::Rejected, LOT);
    bench.control(Control::Resume);
    bench.now = bench.now.plus(1_000_000_000);
    assert_eq!(bench.event(&Event::clock(Nanos::ZERO)), []);
    assert_eq!(bench.core.positions().get(FUTURE).net, -i64::from(LOT));
    let refused = bench
        .core
        .on_control(bench.now, &Control::Flatten { instrument: None, through_bps: 10_001 });
    assert_eq!(refused, Err(ControlError::Through));
    assert!(!bench.core.is_paused(), "an error changes nothing");
}

#[test]
fn a_stop_is_one_way_until_it_is_released_and_positions_can_be_closed_in_it() {
    let mut bench = Bench::new();
    bench.hold(Side::Buy, 24_000.0, LOT);
    bench.event(&resting(1, Side::Buy, 24_000.0, LOT * 9));
    bench.control(Control::Kill);
    assert_eq!(bench.core.stopped(), Some(RejectReason::Killed));
    for control in [Control::Pause, Control::Resume] {
        let refused = bench.core.on_control(bench.now, &control);
        assert_eq!(refused, Err(ControlError::Stopped));
    }
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]), []);
    let [order] = bench.control(FLATTEN)[..] else { panic!("a closing order") };
    assert_eq!(bench.report(&order, ExecutionKind::Accepted, LOT), [], "it cancels itself");
    bench.report(&order, ExecutionKind::Fill, LOT);
    bench.now = bench.now.plus(5_000_000);
    bench.event(&Event::clock(Nanos::ZERO));
    assert!(!bench.core.operator_work().is_flattening);
    bench.control(Control::Release);
    assert_eq!((bench.core.stopped(), bench.core.is_paused()), (None, true));
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]), []);
    bench.control(Control::Resume);
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]).len(), 1);
    let refused = bench.core.on_control(bench.now, &Control::Release);
    assert_eq!(refused, Err(ControlError::NotStopped));
}

#[test]
fn a_limit_holds_from_its_change_on() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT * 2)]).len(), 1);
    let limit = |limit, value| Control::SetLimit { limit, value };
    bench.control(limit(Limit::Position, i64::from(LOT) * 2));
    assert_eq!(bench.core.limit(Limit::Position), i64::from(LOT) * 2);
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]), []);
    bench.control(limit(Limit::Position, 0));
    bench.control(limit(Limit::InstrumentOrders, 1));
    assert_eq!(bench.ask(&[(Side::Buy, 24_000.0, LOT)]), [], "the second of its second");
    let counts: Vec<_> = bench.core.refusals().collect();
    assert_eq!(counts, [(RejectReason::PositionLimit, 1), (RejectReason::RunawayOrders, 1)]);
    let unknown = InstrumentId(99);
    for control in [
        Control::CancelAll { instrument: Some(unknown) },
        Control::Restrict { instrument: unknown, restriction: Restriction::Nothing },
    ] {
        let refused = bench.core.on_control(bench.now, &control);
        assert_eq!(refused, Err(ControlError::UnknownInstrument));
    }
    let (low, high) = (Px(2), Px(1));
    let refused =
        bench.core.on_control(bench.now, &Control::PriceRange { instrument: FUTURE, low, high });
    assert_eq!(refused, Err(ControlError::Range));
}

/// A desk that has lost some rupees on one unit of 65, from a profit of as many.
fn loser(limit: Limit) -> Bench {
    let mut bench = Bench::new();
    bench.control(Control::SetLimit { limit, value: 65_000 });
    bench.hold(Side::Buy, 24_000.0, LOT);
    // The mark moves with the market's middle: up by 500, then down by 999.
    for (number, rupees) in [(1, 24_500.0), (2, 23_501.0)] {
        bench.event(&resting(number, Side::Buy, rupees - 1.0, LOT));
        bench.event(&resting(number + 10, Side::Sell, rupees + 1.0, LOT));
        for number in [number, number + 10] {
            let mut cancel = resting(number, Side::Buy, 0.0, 0);
            cancel.kind_code = EventKind::OrderCancel as u8;
            bench.event(&cancel);
        }
    }
    bench
}

#[test]
fn a_drawdown_and_a_loss_in_a_minute_stop_trading() {
    for (limit, reason) in
        [(Limit::Drawdown, RejectReason::Drawdown), (Limit::MinuteLoss, RejectReason::MinuteLoss)]
    {
        let mut bench = loser(limit);
        let (drawdown, lost) = bench.core.losses();
        assert_eq!(bench.core.stopped(), None, "{drawdown} and {lost} below the highs");
        // Lowering a limit below what is lost stops at once.
        let rupees = drawdown.0 / 100_000_000;
        assert!(drawdown == lost && rupees > 0, "{drawdown} {lost}");
        bench.control(Control::SetLimit { limit, value: rupees as i64 });
        assert_eq!(bench.core.stopped(), Some(reason));
        bench.control(Control::Release);
        assert_eq!(bench.core.losses().0.0, 0, "a release begins again from here");
        bench.control(Control::Resume);
        assert_eq!(bench.core.stopped(), None);
    }
}

/// One input and what came of it.
struct Step {
    now: Nanos,
    input: Input,
    outputs: Vec<Emitted>,
}

fn random_control(random: &mut Random) -> Control {
    let instrument = InstrumentId(random.below(9) as u32);
    let some = random.one_in(2).then_some(instrument);
    match random.below(16) {
        0..=2 => Control::Pause,
        3..=6 => Control::Resume,
        7 | 8 => Control::CancelAll { instrument: some },
        9 | 10 => Control::Flatten { instrument: some, through_bps: random.below(300) as u32 },
        11 if random.one_in(4) => Control::Kill,
        11 | 12 => Control::Release,
        13 => {
            let limit = Limit::ALL[random.index(Limit::ALL.len())];
            Control::SetLimit { limit, value: [-1, 0, 1, 100, 1_000_000][random.index(5)] }
        }
        14 => {
            let restriction = Restriction::from_code(random.below(5) as u8).unwrap();
            Control::Restrict { instrument, restriction }
        }
        _ => {
            let [low, high] = [(); 2].map(|()| Px::from_rupees(random.below(30_000) as f64));
            Control::PriceRange { instrument, low, high }
        }
    }
}

/// What must hold of an input that came when trading was paused or stopped, or not.
fn check(
    core: &Core<RandomTrader, Reference>,
    was_shut: bool,
    input: &Input,
) -> Result<(), String> {
    let is_shut = core.is_paused() || core.stopped().is_some();
    for emitted in core.outputs() {
        let Output::Command(command) = &emitted.output else { continue };
        if command.kind() == Some(CommandKind::Cancel) {
            continue;
        }
        if emitted.origin != Origin::CORE {
            // Only what opens trading lets orders of the strategy out.
            if is_shut && (was_shut || matches!(input, Input::Control(_))) {
                return Err(format!("{command:?} leaves during a pause or stop"));
            }
            continue;
        }
        let net = core.positions().get(command.instrument).net;
        let definition = core.instruments().get(command.instrument).unwrap().definition;
        let freeze = definition.freeze_quantity;
        let is_closing = command.kind() == Some(CommandKind::New)
            && command.time_in_force() == TimeInForce::Ioc
            && command.side().sign() * net < 0
            && i64::from(command.quantity.0) <= net.abs()
            && (freeze.is_zero() || command.quantity <= freeze)
            && command.quantity.0.is_multiple_of(definition.lot.0.max(1))
            && core.orders().exposure(command.instrument).orders == 1;
        if !is_closing || !is_shut {
            return Err(format!("{command:?} with {net} held, after {input:?}"));
        }
    }
    if core.is_consistent() { Ok(()) } else { Err("inconsistent".into()) }
}

/// A session with an operator who does anything, then closes everything; its steps and last state.
fn run(seed: u64) -> (Vec<Step>, Core<RandomTrader, Reference>) {
    let config = small_config(20_000, 20_000);
    let mut core = core(&config, RandomTrader::new(seed, 0));
    let (mut random, mut steps, mut now) = (Random(seed), Vec::new(), open());
    let mut take = |core: &mut Core<_, _>, now, input: Input| {
        let was_shut = core.is_paused() || core.stopped().is_some();
        feed(core, now, &input);
        let checked = check(core, was_shut, &input);
        assert_eq!(checked, Ok(()), "seed {seed}, step {}: {input:?}", steps.len());
        steps.push(Step { now, input, outputs: core.outputs().to_vec() });
    };
    take(&mut core, now, Input::Start);
    for (number, event) in Market::new(seed).take(6_000).enumerate() {
        now = now.max(event.receive_time);
        if random.one_in(60) {
            take(&mut core, now, Input::Control(random_control(&mut random)));
        }
        if number == 3_000 {
            // With nothing in the way, everything is closed from here on.
            for limit in Limit::ALL {
                let value =
                    i64::from(matches!(limit, Limit::TradeOnStale | Limit::TradeWhenHalted));
                take(&mut core, now, Input::Control(Control::SetLimit { limit: *limit, value }));
            }
            for index in 0..9 {
                let instrument = InstrumentId(index);
                let restriction = Restriction::None;
                take(&mut core, now, Input::Control(Control::Restrict { instrument, restriction }));
                let (low, high) = (Px::ZERO, Px::ZERO);
                take(&mut core, now, Input::Control(Control::PriceRange { instrument, low, high }));
            }
            take(&mut core, now, Input::Control(FLATTEN));
            random = Random(0);
        }
        if number > 3_000 {
            // Nothing else but time and the market.
            random = Random(1);
        }
        take(&mut core, event.receive_time, Input::Event(event));
    }
    (steps, core)
}

#[test]
fn whatever_an_operator_does_nothing_leaves_in_a_pause_and_a_way_out_ends_flat() {
    assert!(!Random(1).one_in(60), "the draw that keeps the operator quiet");
    let (mut flat, mut paused, mut closing) = (0, 0, 0);
    const SEEDS: u64 = 24;
    for seed in 1..=SEEDS {
        let (steps, core) = run(seed);
        let nets = (0..9).map(|index| core.positions().get(InstrumentId(index)).net);
        let is_flat = nets.clone().all(|net| net.unsigned_abs() < u64::from(LOT));
        // Not flat, it says that it is still at it: a book without the other side.
        assert!(
            is_flat || core.operator_work().is_flattening,
            "seed {seed}: {:?}",
            nets.collect::<Vec<_>>()
        );
        flat += u64::from(is_flat);
        let outputs = steps.iter().flat_map(|step| &step.outputs);
        closing += outputs
            .filter(|it| it.origin == Origin::CORE && matches!(it.output, Output::Command(command) if command.kind() == Some(CommandKind::New)))
            .count();
        paused += core.refusals().filter(|(reason, _)| *reason == RejectReason::Paused).count();
        let mut again = common::core(&small_config(20_000, 20_000), RandomTrader::new(seed, 0));
        let mut rebuilt = common::core(&small_config(20_000, 20_000), Recorded::default());
        for step in &steps {
            feed(&mut again, step.now, &step.input);
            assert_eq!(again.outputs(), step.outputs);
            step.outputs.iter().for_each(|it| rebuilt.strategy_mut().load(it));
            feed(&mut rebuilt, step.now, &step.input);
            assert_eq!((rebuilt.outputs(), rebuilt.strategy().left()), (&step.outputs[..], 0));
        }
        assert_eq!([again.state_hash(), rebuilt.state_hash()], [core.state_hash(); 2]);
    }
    println!("{flat} of {SEEDS} flat, {closing} closing orders, {paused} runs refused in a pause");
    assert!(flat > SEEDS / 2 && closing > 100 && paused > SEEDS as usize / 2);
}

#[test]
fn what_operators_did_is_in_the_state() {
    let hash = |controls: &[Control]| {
        let mut core = core(&external_config(), Watch);
        for control in controls {
            let _ = core.on_control(open(), control);
        }
        core.state_hash()
    };
    let limit = |value| Control::SetLimit { limit: Limit::Loss, value };
    let states = [
        hash(&[]),
        hash(&[Control::Pause]),
        hash(&[Control::Resume]),
        hash(&[limit(5)]),
        hash(&[limit(6)]),
        hash(&[Control::Restrict { instrument: OPTION, restriction: Restriction::NoBuys }]),
    ];
    for (place, state) in states.iter().enumerate() {
        assert!(!states[..place].contains(state), "state {place}");
    }
}
