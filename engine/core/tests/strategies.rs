//! Several strategies on one core: who is told what, what one may do to another, and what stops one
//! while the others go on. `strategies_at_random.rs` does everything at any time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::sync::{Arc, Mutex};

use bytemuck::Zeroable;
use common::market::{LOT, contracts, open};
use common::puppets::{Bench, FUTURE, Puppet};
use common::{core, external_config};
use tezi_core::Output;
use tezi_core::control::{Assignment, Control, ControlError, Limit, ParameterError};
use tezi_core::roster::{Budget, Hours, Roster, RosterError, StopCause, StrategyEvent};
use tezi_core::strategy::{Strategy, Watch};
use tezi_model::{
    CommandKind, Event, EventKind, ExecutionKind, Nanos, OrderStatus, Px, Qty, RejectReason, Side,
    StrategyId, StreamId, TimeInForce,
};

const FIRST: StrategyId = StrategyId(1);
const SECOND: StrategyId = StrategyId(2);
const THIRD: StrategyId = StrategyId(3);

const fn stop(strategy: StrategyId) -> Control {
    Control::StopStrategy { strategy, cause: StopCause::Operator }
}

const fn start(strategy: StrategyId) -> Control {
    Control::StartStrategy { strategy }
}

#[test]
fn each_hears_of_the_market_and_of_its_own_orders_alone() {
    let mut bench = Bench::new();
    let order = bench.hold(1, Side::Buy, 24_000.0);
    assert_eq!(order.strategy, SECOND);
    bench.puppets[1].with(|it| it.timer = Some(5_000));
    bench.book();
    bench.now = bench.now.plus(10_000);
    bench.core.on_event(bench.now, &Event::clock(bench.now));
    let logs = bench.puppets.each_ref().map(Puppet::log);
    assert_eq!(logs[0], ["book", "book"]);
    assert_eq!(logs[1], ["book", "order new", "order filled", "fill 65", "book", "timer"]);
    assert_eq!(logs[2], ["book", "book"]);
    // The position is the second's and the desk's, and none of the others'.
    let nets = bench.puppets.each_ref().map(|it| it.with(|it| it.seen.unwrap().0));
    assert_eq!(nets, [0, 65, 0]);
    let held: Vec<_> = bench.core.strategies().map(|it| it.positions.get(FUTURE).net).collect();
    assert_eq!((held, bench.core.positions().get(FUTURE).net), (vec![0, 65, 0], 65));
}

#[test]
fn no_strategy_touches_or_trades_with_an_order_of_another() {
    let mut bench = Bench::new();
    let order = bench.rest(0, Side::Buy, 24_000.0);
    bench.puppets[1].with(|it| it.cancel = Some(order.client_order_id));
    assert_eq!(bench.book(), []);
    assert_eq!(bench.puppets[1].log(), ["book", "book", "unknown_order"]);
    bench.puppets[2].with(|it| it.orders.push((Side::Sell, 24_000.0, LOT)));
    assert_eq!(bench.book(), []);
    assert_eq!(bench.puppets[2].log(), ["book", "book", "book", "self_trade"]);
    let refusal = bench.core.outputs().iter().find_map(|emitted| match &emitted.output {
        Output::Refusal(refusal) => Some(refusal.request.strategy),
        _ => None,
    });
    assert_eq!(refusal, Some(THIRD));
}

#[test]
fn a_panic_stops_one_and_cancels_its_orders() {
    let mut bench = Bench::new();
    let (first, second) = (bench.rest(0, Side::Buy, 24_000.0), bench.rest(1, Side::Buy, 23_990.0));
    bench.puppets[0].with(|it| {
        it.orders.push((Side::Buy, 23_900.0, LOT));
        it.panics = true;
    });
    let [new, cancel] = bench.book()[..] else { panic!("{:?}", bench.core.outputs()) };
    assert_eq!((new.kind(), new.strategy), (Some(CommandKind::New), FIRST));
    assert_eq!(cancel.client_order_id, first.client_order_id);
    let panicked = (FIRST, StrategyEvent::Stopped(StopCause::Panic));
    assert_eq!(bench.events(), [panicked]);
    // What was in flight is cancelled when it is confirmed.
    let [late] = bench.report(&new, ExecutionKind::Accepted, new.price)[..] else {
        panic!("one cancel")
    };
    assert_eq!((late.kind(), late.client_order_id), (cancel.kind(), new.client_order_id));
    assert_eq!(bench.status(&second), OrderStatus::New);
    bench.puppets.iter().for_each(|it| drop(it.log()));
    bench.rest(1, Side::Buy, 23_980.0);
    assert_eq!(bench.puppets[0].log(), Vec::<String>::new(), "it is never called again");
    assert_eq!(bench.control(start(FIRST)), Err(ControlError::StrategyPanicked));
    assert_eq!(bench.core.strategy().remarks(), "a: panicked: meant to");
    assert_eq!(bench.core.stopped(), None);
}

#[test]
fn a_stopped_strategy_hears_of_its_orders_and_may_go_on() {
    let mut bench = Bench::new();
    let order = bench.rest(0, Side::Buy, 24_000.0);
    bench.puppets[0].log();
    let [cancel] = bench.control(stop(FIRST)).unwrap()[..] else { panic!("one cancel") };
    assert_eq!(cancel.client_order_id, order.client_order_id);
    // Refused once: again a second later, not before.
    bench.report(&order, ExecutionKind::CancelRejected, order.price);
    assert_eq!(bench.book(), []);
    assert_eq!(bench.core.next_due().map(|due| due.0 > bench.now.0), Some(true));
    bench.now = bench.now.plus(1_000_000_000);
    assert_eq!(bench.book().len(), 1);
    bench.report(&order, ExecutionKind::Canceled, order.price);
    assert_eq!(
        bench.puppets[0].log(),
        ["active false", "order pending_cancel", "order canceled"]
            .map(|it| it.replace("pending_cancel", "new")),
    );
    bench.puppets[0].with(|it| it.orders.push((Side::Buy, 24_000.0, LOT)));
    assert_eq!(bench.book(), [], "it has no books while it is stopped");
    assert_eq!(bench.control(start(SECOND)), Err(ControlError::StrategyNotStopped));
    bench.control(start(FIRST)).unwrap();
    assert_eq!(bench.book().len(), 1);
    assert_eq!(bench.puppets[0].log(), ["active true", "book"]);
    for unknown in [StrategyId(0), StrategyId(4), StrategyId(255)] {
        assert_eq!(bench.control(stop(unknown)), Err(ControlError::UnknownStrategy));
    }
}

#[test]
fn a_loss_stops_the_one_that_made_it() {
    let mut bench = Bench::new();
    let limit = |limit, value| Control::SetStrategyLimit { strategy: FIRST, limit, value };
    bench.control(limit(Limit::Loss, 3_000)).unwrap();
    assert_eq!(
        bench.control(limit(Limit::Drawdown, 1)),
        Err(ControlError::NotOfStrategies(Limit::Drawdown))
    );
    let value = ControlError::Value { limit: Limit::Loss, value: -1 };
    assert_eq!(bench.control(limit(Limit::Loss, -1)), Err(value));
    bench.hold(0, Side::Buy, 24_000.0);
    bench.hold(1, Side::Buy, 24_000.0);
    let other = bench.rest(0, Side::Buy, 23_000.0);
    // The last trade is the mark: 46 rupees below, 65 units of each lose 2,990.
    let trade = |price: f64| {
        let (contract, _) = contracts()[0];
        Event {
            kind_code: EventKind::Trade as u8,
            stream: StreamId::new(contract.segment().unwrap(), 1),
            token: contract.token,
            price: Px::from_rupees(price),
            quantity: Qty(LOT),
            ..Event::zeroed()
        }
    };
    bench.core.on_event(bench.now, &trade(23_954.0));
    assert_eq!(bench.commands(), []);
    bench.core.on_event(bench.now, &trade(23_953.0));
    let [cancel] = bench.commands()[..] else { panic!("one cancel") };
    assert_eq!(cancel.client_order_id, other.client_order_id);
    assert_eq!(bench.events(), [(FIRST, StrategyEvent::Stopped(StopCause::Loss))]);
    // After a start its loss counts from here.
    bench.control(start(FIRST)).unwrap();
    bench.core.on_event(bench.now, &trade(23_950.0));
    assert_eq!(bench.events(), []);
    // A limit that is passed when it is set stops at once.
    let second = Control::SetStrategyLimit { strategy: SECOND, limit: Limit::Loss, value: 100 };
    bench.control(second).unwrap();
    assert_eq!(bench.events(), [(SECOND, StrategyEvent::Stopped(StopCause::Loss))]);
}

#[test]
fn limits_of_a_strategy_hold_beside_the_desks() {
    let mut bench = Bench::new();
    let limit = |limit, value| Control::SetStrategyLimit { strategy: FIRST, limit, value };
    bench.control(limit(Limit::OpenOrders, 1)).unwrap();
    bench.control(limit(Limit::Position, i64::from(2 * LOT))).unwrap();
    bench.rest(0, Side::Buy, 24_000.0);
    bench.rest(1, Side::Buy, 24_000.0);
    bench.puppets.iter().for_each(|it| drop(it.log()));
    bench.puppets[0].with(|it| it.orders = vec![(Side::Buy, 24_000.0, LOT)]);
    assert_eq!(bench.book(), []);
    assert_eq!(bench.puppets[0].log(), ["book", "strategy_orders"]);
    bench.control(limit(Limit::OpenOrders, 0)).unwrap();
    bench.puppets[0].with(|it| it.orders = vec![(Side::Buy, 24_000.0, 2 * LOT)]);
    assert_eq!(bench.book(), []);
    assert_eq!(bench.puppets[0].log(), ["book", "strategy_position"]);
    bench.puppets[0].with(|it| it.orders = vec![(Side::Buy, 24_000.0, LOT)]);
    assert_eq!(bench.book().len(), 1);
    let reasons: Vec<_> = bench.core.refusals().collect();
    assert_eq!(reasons, [(RejectReason::StrategyOrders, 1), (RejectReason::StrategyPosition, 1)]);
}

#[test]
fn one_strategy_is_flattened_on_its_own_book() {
    let mut bench = Bench::new();
    bench.hold(0, Side::Buy, 24_000.0);
    bench.hold(1, Side::Sell, 24_000.0);
    let resting = bench.rest(1, Side::Sell, 24_150.0);
    let instrument = resting.instrument;
    let flatten = |strategy| Control::FlattenStrategy { strategy, through_bps: 50 };
    bench.control(flatten(SECOND)).unwrap();
    // First what is open of it, and nothing of the other's.
    let cancels = bench.commands();
    assert_eq!(cancels.len(), 1);
    assert_eq!(cancels[0].client_order_id, resting.client_order_id);
    assert_eq!(bench.control(flatten(FIRST)), Err(ControlError::Busy));
    let closing = bench.report(&resting, ExecutionKind::Canceled, Px::ZERO);
    let [closing] = closing[..] else { panic!("one order: {closing:?}") };
    assert_eq!((closing.side(), closing.strategy), (Side::Buy, SECOND));
    assert_eq!((closing.quantity, closing.time_in_force()), (Qty(LOT), TimeInForce::Ioc));
    assert!(bench.core.operator_work().is_flattening);
    bench.report(&closing, ExecutionKind::Accepted, closing.price);
    bench.report(&closing, ExecutionKind::Fill, closing.price);
    // It looks again after a round of orders, and finds nothing.
    bench.now = bench.now.plus(5_000_000);
    bench.book();
    assert!(!bench.core.operator_work().is_flattening);
    let nets: Vec<_> = bench.core.strategies().map(|it| it.positions.get(instrument).net).collect();
    assert_eq!(nets, [i64::from(LOT), 0, 0]);
    let views: Vec<_> = bench.core.strategies().map(|it| it.stopped).collect();
    assert_eq!(views, [None, Some(StopCause::Operator), None]);
    assert!(!bench.core.is_paused(), "the others trade on");
    bench.control(start(SECOND)).unwrap();
    bench.rest(1, Side::Sell, 24_150.0);
}

#[test]
fn a_flattening_stops_short_of_the_orders_of_others() {
    let mut bench = Bench::new();
    bench.hold(1, Side::Sell, 24_000.0);
    let flatten = Control::FlattenStrategy { strategy: SECOND, through_bps: 100 };
    // The market offers at 24,100; the order of another just behind it is not traded with.
    let behind = bench.rest(0, Side::Sell, 24_100.5);
    let closing = bench.control(flatten).unwrap();
    let [closing] = closing[..] else { panic!("one order: {closing:?}") };
    let contract = bench.core.instruments().get(closing.instrument).unwrap().definition;
    assert_eq!(closing.price, Px(behind.price.0 - contract.tick.0));
    bench.report(&closing, ExecutionKind::Canceled, closing.price);
    bench.report(&behind, ExecutionKind::Canceled, behind.price);
    // At the touch it leaves no room.
    bench.rest(0, Side::Sell, 24_100.0);
    bench.now = bench.now.plus(1_000_000_000);
    assert_eq!(bench.book(), []);
    assert!(bench.core.operator_work().is_flattening);
}

#[test]
fn a_start_ends_the_flattening_of_a_strategy() {
    let mut bench = Bench::new();
    bench.hold(1, Side::Sell, 24_000.0);
    let flatten = Control::FlattenStrategy { strategy: SECOND, through_bps: 50 };
    bench.control(flatten).unwrap();
    let [closing] = bench.commands()[..] else { panic!("{:?}", bench.core.outputs()) };
    bench.report(&closing, ExecutionKind::Canceled, closing.price);
    assert!(bench.core.operator_work().is_flattening);
    bench.control(start(SECOND)).unwrap();
    assert!(!bench.core.operator_work().is_flattening);
    let later = bench.now.plus(1_000_000_000);
    bench.core.on_event(later, &Event::clock(later));
    assert_eq!(bench.commands(), []);
    let too_far = Control::FlattenStrategy { strategy: SECOND, through_bps: 10_001 };
    assert_eq!(bench.control(too_far), Err(ControlError::Through));
}

#[test]
fn hours_begin_and_end() {
    let hours = Hours::parse("09:20..09:30").unwrap();
    let mut bench = Bench::with_hours(Some(hours));
    bench.book();
    assert_eq!(bench.puppets[2].log(), ["active false"]);
    bench.now = Nanos::from_ist(2026, 11, 20, 9, 20, 0);
    assert_eq!(bench.core.next_due(), Some(bench.now));
    bench.core.on_event(bench.now, &Event::clock(bench.now));
    assert_eq!(bench.events(), [(THIRD, StrategyEvent::Woke)]);
    let order = bench.rest(2, Side::Buy, 24_000.0);
    assert_eq!(bench.puppets[2].log(), ["active true", "book", "order new"]);
    // A stop outlasts the end of the hours, and the other way round.
    bench.control(stop(THIRD)).unwrap();
    bench.now = Nanos::from_ist(2026, 11, 20, 9, 30, 0);
    bench.core.on_event(bench.now, &Event::clock(bench.now));
    assert_eq!(bench.events(), [(THIRD, StrategyEvent::Slept)]);
    bench.control(start(THIRD)).unwrap();
    assert_eq!(bench.status(&order), OrderStatus::PendingCancel);
    let view = bench.core.strategies().nth(2).unwrap();
    assert_eq!((view.is_asleep, view.stopped), (true, None));
}

#[test]
fn hours_follow_the_session_of_the_day() {
    // Derivatives close at 15:40 on this day: rows `session.continuous`.
    let hours = Hours::parse("open+10m..close-15m").unwrap();
    let mut bench = Bench::with_hours(Some(hours));
    bench.book();
    assert_eq!(bench.puppets[2].log(), ["active false"]);
    for (hour, minute, event) in [(9, 25, StrategyEvent::Woke), (15, 25, StrategyEvent::Slept)] {
        bench.now = Nanos::from_ist(2026, 11, 20, hour, minute, 0);
        assert_eq!(bench.core.next_due(), Some(bench.now));
        bench.core.on_event(bench.now, &Event::clock(bench.now));
        assert_eq!(bench.events(), [(THIRD, event)]);
    }
    assert_eq!(bench.core.strategy().remarks(), "");
}

#[test]
fn without_a_session_hours_of_it_never_begin() {
    let hours = Hours::parse("NSE/cm:open..close").unwrap();
    // A Sunday.
    let mut bench = Bench::begun(Nanos::from_ist(2026, 11, 22, 10, 0, 0), Some(hours));
    bench.book();
    assert_eq!(bench.puppets[2].log(), ["active false"]);
    let remarks = bench.core.strategy().remarks();
    assert!(remarks.contains("c: did not trade, for the rules know no session"), "{remarks}");
}

#[test]
fn parameters_reach_the_one_they_are_for() {
    let mut bench = Bench::new();
    let set = |strategy, text| {
        let assignment = Assignment::parse(text).unwrap();
        Control::SetParameter { strategy, assignment }
    };
    bench.control(set(SECOND, "vol=0.25")).unwrap();
    let vols = bench.puppets.each_ref().map(|it| it.with(|it| it.vol));
    assert_eq!(vols, [0.0, 0.25, 0.0]);
    let wrong = |error| Err(ControlError::Parameter(error));
    assert_eq!(bench.control(set(SECOND, "vol=high")), wrong(ParameterError::Value));
    assert_eq!(bench.control(set(SECOND, "size=2")), wrong(ParameterError::Unknown));
    assert_eq!(bench.control(set(StrategyId(9), "vol=1")), Err(ControlError::UnknownStrategy));
    // The only strategy of a core has no number.
    let mut alone = core(&external_config(), Puppet::default());
    alone.on_start(open());
    alone.on_control(open(), &set(StrategyId::NONE, "vol=0.5")).unwrap();
    assert!((alone.strategy().with(|it| it.vol) - 0.5).abs() < 1e-12);
    assert_eq!(alone.on_control(open(), &set(FIRST, "vol=1")), Err(ControlError::UnknownStrategy));
}

#[test]
fn who_takes_too_long_too_often_is_named() {
    let budget = Budget { call_ns: 50, overruns_max: 3 };
    let time = Arc::new(Mutex::new((0, 0)));
    let stopwatch = {
        let time = Arc::clone(&time);
        // Every second reading is `step` after the one before it.
        move || {
            let mut time = time.lock().unwrap();
            time.0 += time.1;
            time.0
        }
    };
    let mut roster = Roster::new().with_budget(budget, stopwatch);
    roster.add("only", Box::new(Watch), None).unwrap();
    let mut core = core(&external_config(), roster);
    core.on_start(open());
    let mut calls = |step, count: usize| {
        time.lock().unwrap().1 = step;
        for _ in 0..count {
            core.on_session(open(), tezi_core::oms::OrderSessionState::Live);
            core.on_session(open(), tezi_core::oms::OrderSessionState::Down);
        }
        core.strategy_mut().take_over_budget()
    };
    assert_eq!(calls(50, 10), None);
    assert_eq!(calls(51, 1), None);
    assert_eq!(calls(51, 1), Some(FIRST));
    assert_eq!(calls(50, 10), None);
}

#[test]
fn members_have_names_of_their_own() {
    let mut roster = Roster::new();
    for wrong in ["", "A", "a b", "ä", &"a".repeat(33)] {
        let error = RosterError::Name(wrong.into());
        assert_eq!(roster.add(wrong, Box::new(Watch), None), Err(error));
    }
    assert_eq!(roster.add("watch-1", Box::new(Watch), None), Ok(FIRST));
    assert_eq!(
        roster.add("watch-1", Box::new(Watch), None),
        Err(RosterError::Twice("watch-1".into()))
    );
    for number in 1..64 {
        roster.add(&format!("w{number}"), Box::new(Watch), None).unwrap();
    }
    assert_eq!(roster.add("more", Box::new(Watch), None), Err(RosterError::Full));
    let told = Roster::members_told(&roster.parameters());
    let members = roster.members().map(|(_, name, kind)| (name.to_string(), kind.to_string()));
    assert_eq!(told, members.collect::<Vec<_>>());
    assert_eq!(Roster::members_told("vol=0.2"), []);
    let hours = Some(Hours::parse("09:20..15:15").unwrap());
    let mut two = Roster::new();
    two.add("x", Box::new(Watch), hours).unwrap();
    two.add("y", Box::new(Watch), None).unwrap();
    assert_eq!(two.parameters(), "x=watch{}@09:20:00..15:15:00; y=watch{}");
}
