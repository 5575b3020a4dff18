//! Parameters of execution algorithms that change while they run: which may, what is refused, and that it
//! is so from that moment on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::{Market, open};
use common::{core, small_config};
use tezi_core::control::{Assignment, Control, ControlError, ParameterError};
use tezi_core::pricing::Reference;
use tezi_core::strategy::{AlgoConfig, AlgoKind, AlgoTrader, Strategy};
use tezi_core::{Core, Output};
use tezi_model::{CommandKind, OrderStatus, Px, StrategyId};

type Trading = Core<AlgoTrader, Reference>;

fn words(kind: AlgoKind) -> String {
    let own = match kind {
        AlgoKind::Vwap => "curve=3,1,2 slices=40",
        AlgoKind::Twap => "slices=40",
        AlgoKind::Pov => "rate_bps=3000 rate_max_bps=4000",
        AlgoKind::Iceberg | AlgoKind::Peg => "display=130",
        AlgoKind::Spread => {
            "hedge=fo:102 price=25000.0 unhedged_max=130 hedge_limit=1000bps back_limit=1000bps"
        }
    };
    // An iceberg lies at its limit, which must not be far through the market.
    let limit = if kind == AlgoKind::Iceberg { 10 } else { 1_000 };
    format!(
        "instrument=fo:101 side=buy limit={limit}bps quantity=6500 start=+10ms end=+60s requote_ms=100000 \
         retry_ms=1 strikes=100000 {own}"
    )
}

/// An algorithm after so many events of a market that goes on.
fn running(kind: AlgoKind, events: usize) -> (Trading, Market) {
    let mut config = small_config(0, 0);
    (config.limits.open_order_value_max, config.limits.position_max) = (0, 0);
    (config.limits.order_value_max, config.capacity.timers_max) = (0, 64);
    (config.limits.messages_per_second_max, config.limits.fat_finger_bps) = (0, 0);
    let trader = AlgoTrader::new(AlgoConfig::parse(kind, &words(kind)).unwrap());
    let (mut core, mut market) = (core(&config, trader), Market::new(5));
    core.on_start(open());
    for event in market.by_ref().take(events) {
        core.on_event(event.receive_time, &event);
    }
    (core, market)
}

fn set(core: &mut Trading, word: &str) -> Result<(), ControlError> {
    let assignment = Assignment::parse(word).unwrap();
    let strategy = StrategyId::NONE;
    core.on_control(core.now(), &Control::SetParameter { strategy, assignment })
}

const UNKNOWN: Result<(), ControlError> = Err(ControlError::Parameter(ParameterError::Unknown));
const VALUE: Result<(), ControlError> = Err(ControlError::Parameter(ParameterError::Value));

#[test]
fn every_parameter_may_change_or_is_refused_as_one_that_may_not() {
    for kind in AlgoKind::ALL {
        let (mut core, _) = running(kind, 3_000);
        assert!(core.counters().new_orders > 0, "{kind:?} does nothing");
        let parameters = core.strategy().parameters();
        let mut taken = 0;
        for word in parameters.split_whitespace() {
            let key = word.split_once('=').unwrap().0;
            let expected = if kind.may_change(key) { Ok(()) } else { UNKNOWN };
            assert_eq!(set(&mut core, word), expected, "{kind:?}, {word}");
            taken += u32::from(expected.is_ok());
        }
        assert!(taken >= 9, "{kind:?}: {taken}");
        assert_eq!(
            core.strategy().parameters(),
            parameters,
            "the journal's are those it began with"
        );
        assert_eq!(set(&mut core, "colour=red"), UNKNOWN);
        let of_pov: &[&str] = match kind {
            AlgoKind::Pov => {
                &["rate_bps=4100", "rate_min_bps=3100", "rate_max_bps=2900", "rate_bps=0"]
            }
            _ => &[],
        };
        for word in ["end=+1ms", "end=x", "limit=0", "limit=-3", "strikes=0", "child_max=1"]
            .iter()
            .chain(of_pov)
        {
            assert_eq!(set(&mut core, word), VALUE, "{kind:?}, {word}");
        }
        // Once it is ending nothing changes any more.
        core.on_stop(core.now());
        assert_eq!(set(&mut core, "requote_ms=3"), VALUE, "{kind:?}");
    }
}

#[test]
fn children_beyond_a_worse_limit_are_moved_at_once() {
    let (mut core, mut market) = running(AlgoKind::Peg, 500);
    let mut moved = 0;
    for _ in 0..4_000 {
        let event = market.next().unwrap();
        core.on_event(event.receive_time, &event);
        let resting = |core: &Trading| {
            let stable = |status| matches!(status, OrderStatus::New | OrderStatus::PartiallyFilled);
            core.orders()
                .open()
                .filter(|it| stable(it.status))
                .map(|it| it.price)
                .collect::<Vec<_>>()
        };
        let before = resting(&core);
        let Some(&highest) = before.iter().max() else { continue };
        let tick = core.strategy().parents()[0].instrument().tick;
        let limit = Px(highest.0 - 20 * tick.0);
        assert_eq!(set(&mut core, &format!("limit={limit}")), Ok(()));
        for emitted in core.outputs() {
            if let Output::Command(command) = &emitted.output {
                let is_within = command.price <= limit;
                assert!(is_within || command.kind() == Some(CommandKind::Cancel), "{command:?}");
                moved += 1;
            }
        }
        assert_eq!(core.strategy().parents()[0].spec().limit, limit);
        assert!(resting(&core).iter().all(|price| *price <= limit), "one still lies beyond");
        // And back, so that it goes on: a better limit moves nothing by itself.
        assert_eq!(set(&mut core, "limit=1000bps"), Ok(()));
    }
    assert!(moved > 20, "{moved} moves are too few to have tried anything");
}

#[test]
fn a_schedule_is_laid_to_its_new_end_and_takes_nothing_back() {
    let (mut core, mut market) = running(AlgoKind::Twap, 3_000);
    let end = core.strategy().parents()[0].spec().end;
    let began = end.plus(-60_000_000_000);
    assert_eq!(set(&mut core, "end=+2m"), Ok(()));
    assert_eq!(core.strategy().parents()[0].spec().end, began.plus(120_000_000_000));
    let soon = core.now().since(began) / 1_000_000_000 + 1;
    assert_eq!(set(&mut core, &format!("end=+{soon}s")), Ok(()));
    let end = began.plus(soon * 1_000_000_000);
    for event in market.by_ref() {
        core.on_event(event.receive_time, &event);
        let parent = &core.strategy().parents()[0];
        assert!(parent.executed() + parent.open() <= 6_500, "{parent}");
        if end.plus(1_000_000_000) < core.now() {
            break;
        }
    }
    let parent = &core.strategy().parents()[0];
    assert!(parent.state().is_ended() && parent.executed() > 0, "{parent}");
}
