//! What is told of limits under a random market and a random strategy: always what is used.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;

use common::market::{Market, open};
use common::trader::RandomTrader;
use common::{Input, core, feed, small_config};
use tezi_core::control::{Control, Limit};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{Recorded, Strategy};
use tezi_core::{Core, CoreConfig, Output, RiskLimits, UseLevel};
use tezi_model::{Event, InstrumentId, Money, Nanos};

const ALERT: i64 = 5_000;
const ALARM: i64 = 8_000;

/// What was told last, by limit and instrument.
type Told = BTreeMap<(Limit, Option<InstrumentId>), UseLevel>;

fn config() -> CoreConfig {
    let mut config = small_config(20_000, 20_000);
    config.limits = RiskLimits { loss_max: 30_000, ..config.limits };
    // Nothing that is told may lack room here.
    config.capacity.outputs_max = 4_096;
    config
}

/// The level of so much of a limit: of whole numbers, as a person would say it.
fn reached(used: f64, most: f64) -> UseLevel {
    let part = used / most * 10_000.0;
    if part >= 10_000.0 {
        UseLevel::Full
    } else if part >= ALARM as f64 {
        UseLevel::Alarm
    } else if part >= ALERT as f64 {
        UseLevel::Alert
    } else {
        UseLevel::Below
    }
}

/// What there is to tell: the limit, whose, how much, and the limit's value.
fn uses<S: Strategy>(core: &Core<S, Reference>) -> Vec<(Limit, Option<InstrumentId>, f64, f64)> {
    let limits = config().limits;
    let orders = core.orders();
    let loss = (Money::ZERO - core.profit()).to_rupees();
    let mut uses = vec![
        (Limit::OpenOrders, None, orders.open_count() as f64, f64::from(limits.open_orders_max)),
        (
            Limit::OpenOrderValue,
            None,
            orders.open_value().to_rupees(),
            limits.open_order_value_max as f64,
        ),
        (Limit::Loss, None, loss, limits.loss_max as f64),
    ];
    for (id, _) in core.instruments().iter() {
        let (net, exposure) = (core.positions().get(id).net, orders.exposure(id));
        let worst = (net + exposure.buy).abs().max((net - exposure.sell).abs());
        uses.push((Limit::Position, Some(id), worst as f64, limits.position_max as f64));
    }
    uses
}

fn learn<S: Strategy>(told: &mut Told, core: &Core<S, Reference>) -> usize {
    let mut news = 0;
    for emitted in core.outputs() {
        if let Output::LimitUse(it) = &emitted.output {
            let before = told.insert((it.limit().unwrap(), it.instrument()), it.level().unwrap());
            assert_ne!(before, it.level(), "told twice: {it:?}");
            news += 1;
        }
    }
    news
}

#[test]
fn what_is_told_is_what_is_used() {
    let mut seen = BTreeMap::new();
    for seed in 1..=6 {
        let mut core = core(&config(), RandomTrader::new(seed, 0));
        let mut copy = common::core(&config(), Recorded::default());
        let mut told = Told::new();
        let set = |limit, value| Input::Control(Control::SetLimit { limit, value });
        let mut inputs = vec![
            (open(), set(Limit::AlertAt, ALERT)),
            (open(), set(Limit::AlarmAt, ALARM)),
            (open(), Input::Start),
        ];
        let events = Market::new(seed).take(12_000);
        inputs.extend(events.map(|event: Event| (event.receive_time, Input::Event(event))));
        for (step, (now, input)) in inputs.iter().enumerate() {
            take(&mut core, &mut copy, *now, input);
            learn(&mut told, &core);
            let near = told.values().filter(|level| **level > UseLevel::Below).count();
            assert_eq!(core.limits_near() as usize, near, "seed {seed}, step {step}");
            for (limit, whose, used, most) in uses(&core) {
                let level = told.get(&(limit, whose)).copied().unwrap_or(UseLevel::Below);
                let (least, highest) =
                    (reached(used, most), reached(used + most * (0.05 + 1e-9), most));
                assert!(
                    (least..=highest).contains(&level),
                    "seed {seed}, step {step}: {limit:?} of {whose:?} is {level:?}, {used} of {most}"
                );
                if step % 100 == 0 {
                    *seen.entry((limit, level)).or_insert(0) += 1;
                }
            }
        }
        assert_eq!(copy.state_hash(), core.state_hash(), "seed {seed}");
    }
    for limit in [Limit::OpenOrders, Limit::OpenOrderValue, Limit::Position] {
        for level in [UseLevel::Below, UseLevel::Alert, UseLevel::Alarm] {
            assert!(seen.contains_key(&(limit, level)), "{limit:?} was never {level:?}: {seen:?}");
        }
    }
    assert!(seen.contains_key(&(Limit::Loss, UseLevel::Alert)), "{seen:?}");
}

/// Gives both cores the input; the copy takes the decisions from the first, and says the same.
fn take<S: Strategy>(
    core: &mut Core<S, Reference>,
    copy: &mut Core<Recorded, Reference>,
    now: Nanos,
    input: &Input,
) {
    feed(core, now, input);
    for emitted in core.outputs() {
        copy.strategy_mut().load(emitted);
    }
    feed(copy, now, input);
    assert_eq!(copy.outputs(), core.outputs(), "{input:?}");
}
