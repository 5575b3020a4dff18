//! What the whole-core tests share: a seeded generator, a seeded market, and a strategy that asks
//! for anything at any time.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]
#![allow(unreachable_pub, reason = "a module of test binaries")]

pub mod late_venue;
pub mod ledger;
pub mod market;
pub mod puppets;
pub mod trader;

use std::sync::Once;

use tezi_core::control::Control;
use tezi_core::pricing::Reference;
use tezi_core::strategy::Strategy;
use tezi_core::{Capacity, Core, CoreConfig, RiskLimits, SimulatedVenueConfig, VenueMode};
use tezi_model::{Event, ExecutionReport, Nanos};

/// One input of the core.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    Start,
    Event(Event),
    Report(ExecutionReport),
    Control(Control),
    Stop,
}

/// Gives the core one input.
pub fn feed<S: Strategy>(core: &mut Core<S, Reference>, now: Nanos, input: &Input) {
    match input {
        Input::Start => core.on_start(now),
        Input::Event(event) => core.on_event(now, event),
        Input::Report(report) => drop(core.on_report(now, report)),
        Input::Control(control) => drop(core.on_control(now, control)),
        Input::Stop => core.on_stop(now),
    }
}

/// Bounds so small that a random run meets every one of them.
pub fn small_config(order_latency_ns: i64, report_latency_ns: i64) -> CoreConfig {
    CoreConfig {
        limits: RiskLimits {
            order_value_max: 5_000_000,
            open_order_value_max: 10_000_000,
            loss_max: 0,
            position_max: 325,
            open_orders_max: 12,
            messages_per_second_max: 40,
            fat_finger_bps: 500,
            trade_on_stale: 0,
            trade_when_halted: 0,
        },
        venue: SimulatedVenueConfig { order_latency_ns, report_latency_ns },
        capacity: Capacity {
            instruments_max: 12,
            market_orders_max: 64,
            levels_max: 48,
            own_orders_max: 16,
            timers_max: 4,
            outputs_max: 64,
        },
        ..CoreConfig::default()
    }
}

/// The same bounds, with reports from outside.
pub fn external_config() -> CoreConfig {
    CoreConfig { venue_mode: VenueMode::External as u32, ..small_config(0, 0) }
}

/// A core with the market's instruments defined.
pub fn core<S: Strategy>(config: &CoreConfig, strategy: S) -> Core<S, Reference> {
    let mut core = Core::new(config, strategy, Reference).unwrap();
    for definition in market::definitions() {
        core.define(&definition).unwrap();
    }
    core
}

/// Panics that are meant say nothing.
pub fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>();
            if text.is_none_or(|text| !text.contains("meant")) {
                before(info);
            }
        }));
    });
}
