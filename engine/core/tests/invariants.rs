//! The whole core under a random market and a random strategy, with bounds so small that each is
//! met: what must hold after every input, whatever came before it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use bytemuck::Zeroable;
use common::ledger::Ledger;
use common::market::{Market, contracts, definitions, open};
use common::trader::RandomTrader;
use common::{Input, core, external_config, feed, small_config};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{BookUpdate, Context, Strategy, Watch};
use tezi_core::{Core, CoreConfig, Emitted, InstrumentTable, Output};
use tezi_model::{
    ClientOrderId, Event, EventKind, ExecutionReport, InstrumentId, Nanos, OrderId, Px, Qty,
    RejectReason, Side, StreamId,
};
use tezi_testing::Random;

/// What a run left behind.
struct Run {
    core: Core<RandomTrader, Reference>,
    ledger: Ledger,
    hashes: Vec<u64>,
    /// Every output, folded into one number as text.
    outputs: u64,
}

/// Runs a session of `events` and checks every input.
fn run(seed: u64, config: &CoreConfig, market: Market, kill_one_in: u64, events: usize) -> Run {
    let mut run = Run {
        core: core(config, RandomTrader::new(seed ^ 0xA5A5, kill_one_in)),
        ledger: Ledger::new(config),
        hashes: Vec::new(),
        outputs: 0,
    };
    run.take(seed, 0, open(), &Input::Start);
    let mut now = open();
    for (step, event) in market.take(events).enumerate() {
        now = now.max(event.receive_time);
        run.take(seed, step + 1, event.receive_time, &Input::Event(event));
    }
    run.take(seed, events + 1, now, &Input::Stop);
    // What is on its way arrives, and what is open is cancelled.
    for step in 0..64 {
        let Some(due) = run.core.next_due() else { break };
        now = now.max(due).plus(1);
        run.take(seed, events + 2 + step, now, &Input::Event(Event::clock(now)));
    }
    let left = run.core.orders().open_count();
    assert_eq!(left, 0, "seed {seed}: orders are open after the session");
    run
}

impl Run {
    fn take(&mut self, seed: u64, step: usize, now: Nanos, input: &Input) {
        feed(&mut self.core, now, input);
        let checked = self.ledger.check(&self.core);
        assert_eq!(checked, Ok(()), "seed {seed}, step {step}: {input:?}");
        for emitted in self.core.outputs() {
            self.outputs = fold(self.outputs, emitted);
        }
        if step.is_multiple_of(50) {
            let checked = self.ledger.check_slowly(&self.core);
            assert_eq!(checked, Ok(()), "seed {seed}, step {step}: {input:?}");
            self.hashes.push(self.core.state_hash());
        }
    }
}

fn fold(hash: u64, emitted: &Emitted) -> u64 {
    let mut random = Random(hash ^ u64::from(emitted.origin.0));
    let bytes = match &emitted.output {
        Output::Command(command) => bytemuck::bytes_of(command).to_vec(),
        Output::Refusal(refusal) => bytemuck::bytes_of(refusal).to_vec(),
        Output::Report(report) => bytemuck::bytes_of(report).to_vec(),
        Output::Timer(at) => bytemuck::bytes_of(at).to_vec(),
        Output::Kill => vec![1],
        Output::Strategy(change) => bytemuck::bytes_of(change).to_vec(),
        Output::Theoretical(said) => bytemuck::bytes_of(said).to_vec(),
        Output::RiskReduction(change) => bytemuck::bytes_of(change).to_vec(),
        Output::Account(change) => bytemuck::bytes_of(change).to_vec(),
        Output::LimitUse(told) => bytemuck::bytes_of(told).to_vec(),
    };
    bytes.chunks(8).fold(random.next(), |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        Random(hash ^ u64::from_le_bytes(word)).next()
    })
}

/// One way and back: at once, a rack away, slower out than back, slower back than out.
const LATENCIES: [(i64, i64); 4] =
    [(0, 0), (20_000, 20_000), (30_000_000, 1_000_000), (1_000_000, 40_000_000)];

#[test]
fn every_limit_holds_after_every_input() {
    let (mut fills, mut refused) = (0, std::collections::BTreeSet::new());
    for (seed, &(out, back)) in (1..).zip(&LATENCIES) {
        let run = run(seed, &small_config(out, back), Market::new(seed), 0, 35_000);
        let counters = run.core.counters();
        println!(
            "seed {seed}: {} commands, {} fills ({} passive), {} refusals, {} outputs at most, {counters:?} {:?}",
            run.ledger.commands,
            run.ledger.fills,
            counters.passive_fills,
            run.ledger.refusals,
            run.ledger.outputs_peak,
            run.core.refusals().collect::<Vec<_>>(),
        );
        assert_eq!(run.ledger.fills, counters.fills);
        assert_eq!(run.ledger.outputs_peak, 63, "all places but that of a kill are used");
        assert!(counters.passive_fills > 0 && counters.passive_fills < counters.fills);
        assert!(counters.book_refusals > 0 && counters.malformed > 0 && counters.resets > 0);
        assert!(counters.spread_legs_given_up > 0 && counters.trade_cancels > 0);
        fills += run.ledger.fills;
        refused.extend(run.core.refusals().map(|(reason, _)| reason));
    }
    assert!(fills > 1_000, "{fills} fills are too few to have tried anything");
    let never: Vec<_> =
        RejectReason::ALL.iter().filter(|reason| !refused.contains(reason)).collect();
    println!("reasons never given: {never:?}");
    use RejectReason as R;
    // The venue inside the core has no session that could be down.
    // Nobody pauses, and no loss is limited: `operator.rs` does both.
    let rare = [R::Killed, R::LossLimit, R::Drawdown, R::MinuteLoss, R::Paused, R::SessionDown];
    // Limits behind those of the configuration are tried in `forbidden_orders.rs`.
    let is_tried = |reason: &R| *reason < R::PriceProtection && !rare.contains(reason);
    assert!(!never.iter().any(|reason| is_tried(reason)), "never refused for {never:?}");
}

#[test]
fn the_same_inputs_give_the_same_outputs_and_the_same_state() {
    for seed in [11, 12] {
        let config = small_config(2_000_000, 3_000_000);
        let [a, b] = [(); 2].map(|()| run(seed, &config, Market::new(seed), 0, 12_000));
        assert_eq!(a.hashes, b.hashes);
        assert_eq!(a.outputs, b.outputs);
        assert_eq!(a.core.state_hash(), b.core.state_hash());
        let other = run(seed, &config, Market::new(seed + 100), 0, 12_000);
        assert_ne!(a.core.state_hash(), other.core.state_hash());
    }
}

#[test]
fn after_a_stop_nothing_but_cancels_leaves() {
    let mut reasons = Vec::new();
    for seed in 21..29 {
        let mut config = small_config(3_000_000, 3_000_000);
        config.limits.loss_max = if seed % 2 == 0 { 3_000 } else { 0 };
        let kill_one_in = if seed % 2 == 0 { 0 } else { 600 };
        // The ledger refuses every command but cancels from the stop on.
        let run = run(seed, &config, Market::new(seed), kill_one_in, 6_000);
        let refused = run.core.refusals().map(|(reason, _)| reason);
        reasons.extend(refused.filter(|&r| r <= RejectReason::LossLimit));
    }
    for reason in [RejectReason::Killed, RejectReason::LossLimit] {
        assert!(reasons.contains(&reason), "no run was stopped by {reason:?}");
    }
}

#[test]
fn values_at_the_ends_of_their_types_break_nothing() {
    for seed in 31..37 {
        run(seed, &small_config(20_000, 20_000), Market::hostile(seed), 0, 8_000);
    }
}

#[test]
fn who_follows_the_inputs_knows_the_same_instruments() {
    for (seed, market) in [(91, Market::new(91)), (92, Market::new(92)), (93, Market::hostile(93))]
    {
        let config = small_config(20_000, 20_000);
        let mut core = core(&config, Watch);
        let mut follower = InstrumentTable::new(config.capacity.instruments_max);
        for definition in definitions() {
            follower.define(&definition).unwrap();
        }
        for (step, event) in market.take(20_000).enumerate() {
            core.on_event(event.receive_time, &event);
            follower.follow(&event);
            let known = core.instruments();
            assert_eq!(follower.len(), known.len(), "seed {seed}, step {step}: {event:?}");
        }
        let names = |table: &InstrumentTable| -> Vec<_> {
            table.iter().map(|(_, state)| state.definition).collect()
        };
        assert_eq!(names(&follower), names(core.instruments()), "seed {seed}");
        assert_eq!(follower.legs_given_up(), core.counters().spread_legs_given_up);
        assert_eq!(follower.len(), 12, "seed {seed}: every place is taken");
    }
}

#[test]
fn the_market_does_not_see_own_orders() {
    for seed in [41, 42] {
        let config = small_config(20_000, 20_000);
        let mut trading = core(&config, RandomTrader::new(seed, 0));
        let mut watching = core(&config, Watch);
        for event in Market::new(seed).take(10_000) {
            trading.on_event(event.receive_time, &event);
            watching.on_event(event.receive_time, &event);
        }
        assert!(trading.counters().fills > 0);
        for id in (0..config.capacity.instruments_max).map(InstrumentId) {
            for side in Side::BOTH {
                let levels = trading.books().levels(id, side);
                assert!(levels.eq(watching.books().levels(id, side)), "{id:?} {side:?}");
            }
        }
    }
}

/// A report of a venue that keeps no protocol.
fn any_report(random: &mut Random, core: &Core<RandomTrader, Reference>) -> ExecutionReport {
    let entered = core.orders().entered();
    let open = core.orders().open().nth(random.below(12) as usize);
    let recent = open.map_or(entered.saturating_sub(random.below(20)), |o| o.client_order_id.0);
    let id = ClientOrderId(if random.one_in(20) { random.next() } else { recent });
    let order = core.orders().get(id);
    let quantity = match random.below(8) {
        0 => 0,
        1 => u32::MAX,
        2 => order.map_or(65, |order| order.leaves_worst().0),
        _ => 65,
    };
    ExecutionReport {
        client_order_id: id,
        order_id: OrderId(random.below(1 << 40)),
        price: order.map_or(Px(1), |order| order.price),
        quantity: Qty(quantity),
        fill_id: if random.one_in(4) { 0 } else { random.below(1 << 20) as u32 },
        kind_code: random.below(9) as u8,
        passive: random.below(3) as u8,
        reason: 0,
        reserved: 0,
        venue_time: core.now(),
    }
}

#[test]
fn no_report_of_a_venue_breaks_the_orders() {
    for seed in 51..55 {
        let mut random = Random(seed);
        let mut core = core(&external_config(), RandomTrader::new(seed, 0));
        let mut closed = std::collections::BTreeMap::new();
        for (step, event) in Market::new(seed).take(8_000).enumerate() {
            core.on_event(event.receive_time, &event);
            for _ in 0..random.below(3) {
                let report = any_report(&mut random, &core);
                let before = core.state_hash();
                if core.on_report(event.receive_time, &report).is_err() {
                    assert!(core.outputs().is_empty() || core.state_hash() != before);
                }
            }
            assert!(core.is_consistent(), "seed {seed}, step {step}");
            assert!(core.outputs().len() <= 64, "seed {seed}, step {step}");
            let last = core.orders().next_id().map_or(0, |id| id.0);
            for id in (last.saturating_sub(40)..last).map(ClientOrderId) {
                let Some(order) = core.orders().get(id) else { continue };
                assert!(order.leaves() <= order.quantity, "seed {seed}, step {step}: {order:?}");
                if order.status.is_terminal() {
                    let then = *closed.entry(id).or_insert(order.status);
                    assert_eq!(order.status, then, "seed {seed}, step {step}: {order:?}");
                }
            }
        }
        let reports = core.orders().counters();
        assert!(reports.applied > 100 && reports.refused > 100, "{reports:?}");
    }
}

/// Rests ten orders, then fills the outputs with refusals and stops trading.
struct Stopper {
    calls: u32,
}

impl Strategy for Stopper {
    fn name(&self) -> &'static str {
        "stopper"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        if self.calls <= 10 {
            let Some(bid) = ctx.book(update.instrument).bid() else { return };
            let _ = ctx.submit(update.instrument, Side::Buy, bid.price, Qty(1));
        }
        if self.calls == 20 {
            for _ in 0..100 {
                let _ = ctx.cancel(ClientOrderId(0));
            }
            ctx.kill();
            ctx.kill();
        }
    }
}

#[test]
fn a_kill_always_finds_room_and_what_it_could_not_cancel_is_cancelled_next() {
    let mut core = core(&small_config(20_000, 20_000), Stopper { calls: 0 });
    let (share, price) = contracts()[5];
    let bid = |index: i64| Event {
        kind_code: EventKind::OrderNew as u8,
        stream: StreamId::new(share.segment().unwrap(), 1),
        token: share.token,
        price,
        quantity: Qty(1),
        order_id: OrderId(1 + index.cast_unsigned()),
        receive_time: open().plus(index * 1_000_000),
        ..Event::zeroed()
    };
    for index in 0..20 {
        core.on_event(bid(index).receive_time, &bid(index));
    }
    assert_eq!(core.stopped(), Some(RejectReason::Killed));
    assert_eq!(core.outputs().len(), 64);
    assert_eq!(core.outputs().last().map(|emitted| emitted.output), Some(Output::Kill));
    assert_eq!((core.orders().open_count(), core.counters().cancels), (10, 0));
    for index in 20..23 {
        core.on_event(bid(index).receive_time, &bid(index));
    }
    assert_eq!((core.orders().open_count(), core.counters().cancels), (0, 10));
}
