//! A run rebuilt from its inputs and outputs alone, without the strategy's code: the same outputs
//! at every input, and the same state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::{Market, open};
use common::trader::RandomTrader;
use common::{Input, core, external_config, feed, small_config};

use tezi_core::strategy::Recorded;
use tezi_core::{CoreConfig, Emitted, GuardLimits, Output};
use tezi_model::{Event, ExecutionKind, ExecutionReport, Nanos, RejectReason};

/// Orders are checked against the prices that the strategy says.
fn guards() -> GuardLimits {
    GuardLimits { theoretical_bps: 5, ..GuardLimits::OFF }
}

/// An input, what came of it, and the state after some of them.
struct Step {
    now: Nanos,
    input: Input,
    outputs: Vec<Emitted>,
    hash: Option<u64>,
}

/// A venue outside the core that accepts, and fills every third order.
fn answers(outputs: &[Emitted], now: Nanos) -> Vec<ExecutionReport> {
    let mut reports = Vec::new();
    for emitted in outputs {
        let Output::Command(command) = &emitted.output else { continue };
        let id = command.client_order_id;
        let kind = match command.kind_code {
            1 => ExecutionKind::Accepted,
            2 => ExecutionKind::Replaced,
            _ => ExecutionKind::Canceled,
        };
        let report = ExecutionReport {
            client_order_id: id,
            order_id: tezi_model::OrderId(1_000 + id.0),
            price: command.price,
            quantity: command.quantity,
            fill_id: 0,
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: now,
        };
        reports.push(report);
        if kind == ExecutionKind::Accepted && id.0.is_multiple_of(3) {
            let fill_id = id.0 as u32;
            reports.push(ExecutionReport {
                fill_id,
                kind_code: ExecutionKind::Fill as u8,
                ..report
            });
        }
    }
    reports
}

fn record(config: &CoreConfig, seed: u64, kill_one_in: u64, events: usize) -> Vec<Step> {
    let mut trader = RandomTrader::new(seed, kill_one_in);
    trader.theoretical_percent = 2;
    let mut core = core(config, trader);
    core.set_guards(&guards()).unwrap();
    let mut steps = Vec::with_capacity(events * 2);
    let mut take = |now: Nanos, input: Input| {
        feed(&mut core, now, &input);
        let outputs = core.outputs().to_vec();
        let hash = steps.len().is_multiple_of(20).then(|| core.state_hash());
        steps.push(Step { now, input, outputs: outputs.clone(), hash });
        (outputs, core.next_due())
    };
    take(open(), Input::Start);
    let mut now = open();
    for event in Market::new(seed).take(events) {
        now = now.max(event.receive_time);
        let (mut outputs, _) = take(event.receive_time, Input::Event(event));
        // Reports cause commands, and those reports; a few rounds are enough to try it.
        for _ in 0..3 {
            let reports = if config.venue_mode == 1 { answers(&outputs, now) } else { Vec::new() };
            outputs.clear();
            for report in reports {
                outputs.extend(take(now, Input::Report(report)).0);
            }
        }
    }
    let (_, mut due) = take(now, Input::Stop);
    for _ in 0..32 {
        let Some(at) = due else { break };
        now = now.max(at).plus(1);
        due = take(now, Input::Event(Event::clock(now))).1;
    }
    let last = core.state_hash();
    if let Some(step) = steps.last_mut() {
        step.hash = Some(last);
    }
    steps
}

fn rebuild(config: &CoreConfig, seed: u64, steps: &[Step]) {
    let mut core = core(config, Recorded::default());
    core.set_guards(&guards()).unwrap();
    for (index, step) in steps.iter().enumerate() {
        for emitted in &step.outputs {
            core.strategy_mut().load(emitted);
        }
        feed(&mut core, step.now, &step.input);
        let place = format!("seed {seed}, step {index}: {:?}", step.input);
        assert_eq!(core.outputs(), step.outputs, "{place}");
        assert_eq!(core.strategy().left(), 0, "{place}");
        if let Some(hash) = step.hash {
            assert_eq!(core.state_hash(), hash, "{place}");
        }
    }
}

#[test]
fn outputs_and_inputs_rebuild_the_state_without_the_strategy() {
    for (seed, latency) in (61..).zip([0, 20_000, 5_000_000]) {
        let config = small_config(latency, latency);
        let steps = record(&config, seed, 0, 12_000);
        assert!(steps.iter().map(|step| step.outputs.len()).sum::<usize>() > 3_000);
        let outputs = || steps.iter().flat_map(|step| &step.outputs).map(|it| &it.output);
        assert!(outputs().any(|it| matches!(it, Output::Theoretical(_))));
        let far = |it: &Output| matches!(it, Output::Refusal(it) if it.reason() == Some(RejectReason::TheoreticalPrice));
        assert!(outputs().any(far));
        rebuild(&config, seed, &steps);
    }
}

#[test]
fn a_session_that_was_stopped_is_rebuilt_as_well() {
    for seed in 71..77 {
        let mut config = small_config(5_000_000, 5_000_000);
        config.limits.loss_max = if seed % 2 == 0 { 3_000 } else { 0 };
        let steps = record(&config, seed, if seed % 2 == 0 { 0 } else { 300 }, 4_000);
        rebuild(&config, seed, &steps);
    }
}

#[test]
fn reports_of_a_venue_outside_are_inputs_like_any_other() {
    let config = external_config();
    let steps = record(&config, 81, 0, 6_000);
    assert!(steps.iter().any(|step| matches!(step.input, Input::Report(_))));
    rebuild(&config, 81, &steps);
}

#[test]
fn an_action_that_finds_no_call_is_left_over() {
    let config = small_config(20_000, 20_000);
    let steps = record(&config, 91, 0, 3_000);
    let (index, step) =
        steps.iter().enumerate().rfind(|(_, s)| s.outputs.iter().any(|o| o.origin.0 > 0)).unwrap();
    let mut core = core(&config, Recorded::default());
    for step in &steps[..index] {
        step.outputs.iter().for_each(|emitted| core.strategy_mut().load(emitted));
        feed(&mut core, step.now, &step.input);
    }
    step.outputs.iter().for_each(|emitted| core.strategy_mut().load(emitted));
    // The clock alone calls no strategy, so what the journal says it did cannot be done.
    let now = core.now();
    core.on_event(now, &Event::clock(now));
    assert!(core.strategy().left() > 0);
}
