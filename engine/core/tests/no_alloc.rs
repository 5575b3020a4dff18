//! Nothing allocates after the start: an allocator that counts, around long runs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use bytemuck::Zeroable;
use common::market::{Market, contracts, open};
use common::trader::RandomTrader;
use common::{core, small_config};
use tezi_core::control::{Control, Limit};
use tezi_core::roster::{Hours, Roster, StopCause};
use tezi_core::strategy::{
    AlgoConfig, AlgoKind, AlgoTrader, BookUpdate, Context, OptionQuoter, OptionQuoterConfig,
    Strategy,
};
use tezi_core::{Capacity, CoreConfig};
use tezi_model::{Event, EventKind, MarketFlags, Nanos, OrderId, Qty, Side, StrategyId, StreamId};
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// Runs a session and fails at the first input that allocates.
fn run<S: Strategy>(what: &str, config: &CoreConfig, strategy: S, events: &[Event]) -> (u64, u64) {
    let mut core = core(config, strategy);
    core.on_start(open());
    let mut now = open();
    for (step, event) in events.iter().enumerate() {
        let before = allocation::count();
        core.on_event(event.receive_time, event);
        let allocations = allocation::count() - before;
        assert_eq!(allocations, 0, "{what}, step {step}: {event:?} allocated");
        now = now.max(event.receive_time);
    }
    let before = allocation::count();
    core.on_stop(now);
    assert_eq!(allocation::count(), before, "{what}: the stop allocated");
    let counters = core.counters();
    (counters.new_orders + counters.replaces, counters.fills)
}

#[test]
fn the_counter_counts() {
    let before = allocation::count();
    let some = std::hint::black_box(Box::new(1));
    assert!(allocation::count() > before);
    drop(some);
}

#[test]
fn the_option_quoter_trades_without_allocating() {
    let config = CoreConfig {
        capacity: Capacity {
            instruments_max: 16,
            market_orders_max: 256,
            levels_max: 128,
            own_orders_max: 64,
            timers_max: 16,
            outputs_max: 256,
        },
        ..CoreConfig::default()
    };
    let quoter = OptionQuoterConfig { requote_ms: 1, edge_ticks: 3.0, ..Default::default() };
    let events: Vec<_> = Market::new(3).take(60_000).collect();
    let (orders, fills) = run("quoter", &config, OptionQuoter::new(quoter), &events);
    println!("{orders} orders and changes, {fills} fills");
    assert!(orders > 500 && fills > 50, "{orders} orders and {fills} fills are too few");
}

#[test]
fn the_core_at_its_bounds_does_not_allocate() {
    // The slow ways back let reports and commands pile up: the worst for every queue.
    for (seed, back) in (1..).zip([0, 20_000, 3_000_000_000]) {
        let events: Vec<_> = Market::new(seed).take(30_000).collect();
        let config = small_config(back / 2, back);
        let trader = RandomTrader::new(seed, 0);
        let (orders, fills) = run(&format!("seed {seed}"), &config, trader, &events);
        println!("seed {seed}: {orders} orders and changes, {fills} fills");
        assert!(orders > 50 && fills > 10);
    }
}

#[test]
fn execution_algorithms_trade_without_allocating() {
    let common = "instrument=fo:101 side=buy quantity=3250 limit=500bps end=+30s requote_ms=1";
    for (seed, (kind, own)) in (1..).zip([
        (AlgoKind::Twap, "slices=20 catch_up=cross"),
        (AlgoKind::Vwap, "curve=1,2,3 slices=9 cross_ms=5000"),
        (AlgoKind::Pov, "rate_bps=2000 rate_min_bps=1900"),
        (AlgoKind::Iceberg, "display=130"),
        (AlgoKind::Peg, "reference=opposite display=130"),
        (AlgoKind::Spread, "hedge=fo:102 price=24000 hedge_limit=9000bps"),
    ]) {
        let config = AlgoConfig::parse(kind, &format!("{common} {own}")).unwrap();
        let events: Vec<_> = Market::new(seed).take(30_000).collect();
        let mut roomy = small_config(20_000, 20_000);
        roomy.limits.position_max = 0;
        let (orders, fills) = run(kind.name(), &roomy, AlgoTrader::new(config), &events);
        println!("{}: {orders} orders and changes, {fills} fills", kind.name());
        assert!(orders > 1 && fills > 0, "{}: {orders} orders, {fills} fills", kind.name());
    }
}

#[test]
fn operators_act_without_allocating() {
    let controls = [
        Control::Pause,
        Control::CancelAll { instrument: None },
        Control::Resume,
        Control::Flatten { instrument: None, through_bps: 100 },
        Control::Resume,
        Control::SetLimit { limit: Limit::MinuteLoss, value: 1_000_000_000 },
        Control::Kill,
        Control::Release,
        Control::Resume,
    ];
    let config = small_config(20_000, 20_000);
    let mut core = core(&config, RandomTrader::new(5, 0));
    core.on_start(open());
    for (step, event) in Market::new(5).take(30_000).enumerate() {
        let before = allocation::count();
        core.on_event(event.receive_time, &event);
        if step % 40 == 0 {
            let _ = core.on_control(event.receive_time, &controls[step / 40 % controls.len()]);
        }
        assert_eq!(allocation::count(), before, "step {step}: {event:?} allocated");
    }
    assert!(core.controls() > 700 && core.counters().fills > 10);
}

#[test]
fn strategies_are_told_apart_and_stopped_without_allocating() {
    let strategies = [1, 2, 3].map(StrategyId);
    let mut controls = Vec::new();
    for strategy in strategies {
        let limit = |limit, value| Control::SetStrategyLimit { strategy, limit, value };
        controls.extend([limit(Limit::Loss, 500), limit(Limit::Position, 200)]);
        controls.push(Control::StopStrategy { strategy, cause: StopCause::Operator });
        controls.push(Control::StartStrategy { strategy });
    }
    let mut roster = Roster::new();
    let hours = Hours::parse("09:15:01..09:15:05").unwrap();
    for (name, seed) in [("a", 3), ("b", 4), ("c", 5)] {
        let trader = Box::new(RandomTrader::new(seed, 0));
        roster.add(name, trader, (name == "c").then_some(hours)).unwrap();
    }
    let mut core = core(&small_config(20_000, 20_000), roster);
    // The day is known with the first event only, as in a replay.
    core.on_start(Nanos::ZERO);
    for (step, event) in Market::new(5).take(30_000).enumerate() {
        let before = allocation::count();
        core.on_event(event.receive_time, &event);
        if step % 60 == 0 {
            let _ = core.on_control(event.receive_time, &controls[step / 60 % controls.len()]);
        }
        assert_eq!(allocation::count(), before, "step {step}: {event:?} allocated");
    }
    let fills: Vec<u64> = core.strategies().map(|it| it.counts.fills).collect();
    assert!(fills.iter().all(|&fills| fills > 5), "{fills:?}");
}

/// Takes all it is offered, now and then.
struct Sweeper {
    calls: u32,
}

impl Strategy for Sweeper {
    fn name(&self) -> &'static str {
        "sweeper"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        let Some(ask) = ctx.book(update.instrument).ask() else { return };
        if !self.calls.is_multiple_of(100) {
            return;
        }
        let _ = ctx.submit_ioc(update.instrument, Side::Buy, ask.price, Qty(50));
    }
}

#[test]
fn fills_that_pile_up_on_their_way_back_do_not_allocate() {
    // Sixty orders of one unit each, renewed all the time, and an hour until a report arrives.
    let mut config = small_config(0, 3_600_000_000_000);
    config.limits.position_max = 0;
    config.limits.open_orders_max = 0;
    let (share, price) = contracts()[5];
    let new = |index: u64| Event {
        kind_code: EventKind::OrderNew as u8,
        flags: MarketFlags::SELL,
        stream: StreamId::new(share.segment().unwrap(), 1),
        token: share.token,
        price,
        quantity: Qty(1),
        order_id: OrderId(1 + index),
        receive_time: open().plus(index as i64 * 1_000),
        ..Event::zeroed()
    };
    let cancel = |index: u64| Event { kind_code: EventKind::OrderCancel as u8, ..new(index) };
    let events: Vec<_> = (0..3_000)
        .flat_map(|index| [Some(new(index)), index.checked_sub(60).map(cancel)])
        .flatten()
        .collect();
    let (orders, fills) = run("sweeper", &config, Sweeper { calls: 0 }, &events);
    assert_eq!((orders, fills), (16, 0), "as many orders as may be open, and no report yet");
}

/// Fills, questions and a new reckoning of a portfolio, and the risk measures of the day.
#[test]
fn margins_and_risk_measures_do_not_allocate() {
    use tezi_core::margin::{
        ContractKind, ContractTerms, MarginParameters, Portfolio, PortfolioLimits, RiskArray,
        UnderlyingKind, UnderlyingTerms,
    };
    use tezi_core::risk_measures::{Confidence, HistoricalVar, Quantile};
    use tezi_core::venue::{Date, rules::Rules};

    let date = Date::parse("2026-06-01").unwrap();
    let rules = Rules::builtin().unwrap();
    let parameters = MarginParameters::of(&rules, UnderlyingKind::Index, date).unwrap();
    let price = tezi_model::Px::from_rupees(24_000.0);
    let mut portfolio = Portfolio::new(PortfolioLimits::default());
    let terms = UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    };
    let underlying = portfolio.add_underlying(terms).unwrap();
    let array = RiskArray::of_future(&parameters.grid, price).unwrap();
    let contracts: Vec<_> = (0..8)
        .map(|month| {
            let (expiry, kind) = (date.plus_days(7 * month), ContractKind::Future);
            let terms = ContractTerms { underlying, expiry, kind, price, array };
            portfolio.add_contract(&terms).unwrap()
        })
        .collect();
    let mut var = HistoricalVar::new(100, &[0.01; 800]).unwrap();
    let before = allocation::count();
    for step in 0..800_i64 {
        let contract = contracts[step as usize % 8];
        portfolio.what_if(contract, step - 400).unwrap();
        portfolio.apply(contract, step - 400).unwrap();
        portfolio.recompute();
        var.set_position(step as usize % 8, step as f64).unwrap();
        for confidence in [Confidence::P99, Confidence::from_bps(5_000).unwrap()] {
            var.measure(confidence, Quantile::Type7).unwrap();
        }
    }
    assert_eq!(allocation::count(), before);
}
