//! Every pre-trade check of a new order, by a strategy in a core with a full desk.
//!
//! Regimes: 5,000 instruments with a touch on both sides, every limit on, and 8, 1,000 or 10,000
//! own orders open; *one* asks for the same instrument again and again, as a quoter does, *any* for
//! one of all in random order, so that its state comes from beyond the second-level cache. An order
//! waits for it. *margin* has SPAN, exposure, premium and positions by delta on as well, each instrument
//! valued: 200 underlyings with 25 options in two months each. The answer is that the order may leave, so that no check is left out.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytemuck::Zeroable;
use criterion::{Criterion, criterion_group, criterion_main};
use support::Random;
use tezi::RiskLimits;
use tezi::model::{
    Event, EventKind, Instrument, InstrumentId, InstrumentKind, MarketFlags, Nanos, OptionType,
    OrderId, Px, Qty, Segment, Side, StreamId, Symbol, Token,
};
use tezi::strategy::{Context, Strategy, TimerId};
use tezi_core::collateral::{ContractValuation, UnderlyingValuation, Valuation};
use tezi_core::margin::{MarginParameters, UnderlyingKind, UnderlyingTerms};
use tezi_core::pricing::Reference;
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_core::{Capacity, Core, CoreConfig, GuardLimits, VenueMode};

const INSTRUMENTS: u32 = 5_000;
const UNDERLYINGS: u32 = 200;
const PICKS: usize = 1 << 14;

/// Opens its orders at the start; at a timer, checks so many times and notes how long it took.
struct Checker {
    open: u32,
    picks: Vec<InstrumentId>,
    checks: u64,
    took: Duration,
}

impl Strategy for Checker {
    fn name(&self) -> &'static str {
        "checker"
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        for index in 0..core::mem::take(&mut self.open) {
            // Far from the market, on both sides; no two the same.
            let instrument = InstrumentId(index % INSTRUMENTS);
            let offset = Px::from_paise(5 * i64::from(index / INSTRUMENTS));
            let (side, price) = if index % 2 == 0 {
                (Side::Buy, Px::from_paise(9_000) - offset)
            } else {
                (Side::Sell, Px::from_paise(11_000) + offset)
            };
            ctx.submit(instrument, side, price, Qty(50)).expect("the order may leave");
        }
        let start = Instant::now();
        for check in 0..self.checks as usize {
            let instrument = self.picks[check % PICKS];
            let price = black_box(Px::from_paise(9_995));
            let verdict = ctx.check(instrument, Side::Buy, price, Qty(50));
            assert!(black_box(verdict).is_ok(), "the order may leave");
        }
        self.took = start.elapsed();
        ctx.set_timer(ctx.now().plus(1)).expect("a timer");
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(ctx.now().plus(1)).expect("a timer");
        for index in 0..INSTRUMENTS {
            let price = Some(Px::from_paise(10_000));
            ctx.set_theoretical(InstrumentId(index), price).expect("room for it");
        }
    }
}

fn config() -> CoreConfig {
    CoreConfig {
        limits: RiskLimits {
            open_order_value_max: 1_000_000_000,
            position_max: 100_000,
            open_orders_max: 20_000,
            messages_per_second_max: 1_000_000,
            ..RiskLimits::default()
        },
        capacity: Capacity { outputs_max: 1 << 15, ..Capacity::default() },
        venue_mode: VenueMode::External as u32,
        ..CoreConfig::default()
    }
}

const GUARDS: GuardLimits = GuardLimits {
    underlying_net_max: 1_000_000,
    underlying_gross_max: 1_000_000,
    duplicate_window_ns: 1_000_000,
    duplicates_max: 2,
    instrument_orders_max: 100_000,
    in_flight_max: 100_000,
    segment_orders_max: 1_000_000,
    theoretical_bps: 500,
    ..GuardLimits::OFF
};

const MARGINS: GuardLimits = GuardLimits {
    margin_available: 1_000_000_000_000,
    futeq_net_max: 1_000_000_000_000,
    futeq_gross_max: 1_000_000_000_000,
    reduction_at_bps: 9_000,
    reduction_until_bps: 8_500,
    ..GUARDS
};

fn instrument(index: u32) -> Instrument {
    let mut it = Instrument::unknown(Segment::NseFo, Token(40_000 + index));
    it.symbol = Symbol::new(&format!("UNDERLYING{}", index % UNDERLYINGS));
    it.kind_code = InstrumentKind::Option as u8;
    it.tick = Px::from_paise(5);
    it.lot = Qty(50);
    it.freeze_quantity = Qty(1_800);
    it.price_low = Px::from_paise(100);
    it.price_high = Px::from_paise(100_000);
    it.option_code = OptionType::Call as u8;
    it.strike = Px::from_paise(250_000);
    it.expiry = Nanos::from_ist(2026, 12 - i64::from(index / UNDERLYINGS % 2), 29, 15, 30, 0);
    it
}

/// A risk file of all of them, and limits on what it makes.
fn value(core: &mut Core<Checker, Reference>) {
    let rules = Rules::builtin().expect("the rules that come with it");
    let date = Date::parse("2026-11-23").expect("a date");
    let parameters =
        MarginParameters::of(&rules, UnderlyingKind::Index, date).expect("rows of the day");
    let price = Px::from_rupees(2_500.0);
    let terms = UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    };
    let underlyings =
        (0..UNDERLYINGS).map(|it| Valuation::Underlying(UnderlyingValuation::new(it, &terms)));
    let contracts = (0..INSTRUMENTS).map(|index| {
        Valuation::Contract(ContractValuation {
            price: Px::from_paise(10_000),
            instrument: InstrumentId(index),
            underlying: index % UNDERLYINGS,
            futeq_delta: 500_000,
            delta: 480_000,
            loss: std::array::from_fn(|it| 9_000 - 1_500 * it as i32),
        })
    });
    for line in underlyings.chain(contracts) {
        core.on_valuation(Nanos(1), &line).expect("a sound line");
    }
}

/// A core whose books have a touch on both sides, and so many own orders.
fn desk(open: u32, has_margin: bool) -> Core<Checker, Reference> {
    let checker = Checker { open, picks: Vec::new(), checks: 0, took: Duration::ZERO };
    let mut core = Core::new(&config(), checker, Reference).expect("the bounds hold");
    let now = Nanos::from_ist(2026, 11, 23, 10, 0, 0);
    for index in 0..INSTRUMENTS {
        core.define(&instrument(index)).expect("room");
    }
    core.set_guards(&GUARDS).expect("the limits hold");
    if has_margin {
        value(&mut core);
        core.set_guards(&MARGINS).expect("the limits hold");
    }
    core.on_start(now);
    for index in 0..INSTRUMENTS {
        let id = InstrumentId(index);
        let range = (Px::from_paise(5_000), Px::from_paise(20_000));
        core.set_price_range(now, id, range.0, range.1).expect("known");
    }
    for number in 0..2 * INSTRUMENTS {
        let is_sell = number % 2 == 1;
        let event = Event {
            kind_code: EventKind::OrderNew as u8,
            flags: if is_sell { MarketFlags::SELL } else { 0 },
            stream: StreamId::new(Segment::NseFo, 1),
            token: Token(40_000 + number / 2),
            sequence: 1 + number,
            quantity: Qty(500),
            price: Px::from_paise(if is_sell { 10_005 } else { 9_990 }),
            order_id: OrderId(1 + u64::from(number)),
            exchange_time: now,
            receive_time: now,
            ..Event::zeroed()
        };
        core.on_event(now, &event);
    }
    core.on_event(now.plus(1_000), &Event::clock(now.plus(1_000)));
    assert_eq!(core.orders().open_count(), open as usize, "every order left");
    core
}

fn checks(criterion: &mut Criterion) {
    let mut random = Random::new(17);
    let any: Vec<_> =
        (0..PICKS).map(|_| InstrumentId(random.below(INSTRUMENTS as usize) as u32)).collect();
    let regimes = [("one", vec![InstrumentId(2_500); PICKS]), ("any", any)];
    let mut group = criterion.benchmark_group("core/desk_check");
    for (open, has_margin) in
        [8, 1_000, 10_000].into_iter().flat_map(|it| [(it, false), (it, true)])
    {
        let mut core = desk(open, has_margin);
        for (name, picks) in &regimes {
            core.strategy_mut().picks.clone_from(picks);
            let margin = if has_margin { "_margin" } else { "" };
            group.bench_function(format!("{name}/{open}_open{margin}"), |bencher| {
                bencher.iter_custom(|checks| {
                    core.strategy_mut().checks = checks;
                    let now = core.now().plus(1_000);
                    core.on_event(now, &Event::clock(now));
                    core.strategy().took
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = checks
}
criterion_main!(benches);
