//! Several accounts on one desk: whose an order is, what limits of an account refuse, what an operator
//! does to one while the others trade on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use common::market::LOT;
use common::puppets::{Bench, FUTURE};
use tezi_core::control::{Control, ControlError, Limit};
use tezi_core::roster::StopCause;
use tezi_core::snapshot::{SnapshotReader, SnapshotWriter};
use tezi_core::{AccountEvent, Output, Restriction, UseLevel};
use tezi_model::{
    AccountDefinition, AccountId, ExecutionKind, Money, OrderStatus, Px, Side, StrategyId,
};

const OWN: AccountId = AccountId(1);
const ALPHA: AccountId = AccountId(2);

/// The first puppet trades for one's own account, the others for a client's.
fn declarations() -> Vec<Control> {
    let declare = |account, line| {
        let definition = AccountDefinition::parse(line).unwrap();
        Control::DeclareAccount { account, definition }
    };
    let assign =
        |strategy, account| Control::AssignAccount { strategy: StrategyId(strategy), account };
    vec![
        declare(OWN, "own=pro"),
        declare(ALPHA, "alpha=client:C0042,pan:ABCDE1234F"),
        assign(1, OWN),
        assign(2, ALPHA),
        assign(3, ALPHA),
    ]
}

fn bench() -> Bench {
    Bench::with_controls(&declarations())
}

const fn limit(account: AccountId, limit: Limit, value: i64) -> Control {
    Control::SetAccountLimit { account, limit, value }
}

fn changes(bench: &Bench) -> Vec<(AccountId, AccountEvent)> {
    let outputs = bench.core.outputs().iter();
    let of = |output: &Output| match output {
        Output::Account(change) => Some((change.account, change.event().unwrap())),
        _ => None,
    };
    outputs.filter_map(|emitted| of(&emitted.output)).collect()
}

/// What a puppet is told when it asks for one order, `""` when the order leaves.
fn ask(bench: &mut Bench, puppet: usize, side: Side, rupees: f64, lots: u32) -> String {
    bench.puppets[puppet].log();
    bench.puppets[puppet].with(|it| it.orders.push((side, rupees, lots * LOT)));
    bench.book();
    let said = bench.puppets[puppet].log();
    said.into_iter()
        .find(|it| !it.starts_with("book") && !it.starts_with("active"))
        .unwrap_or_default()
}

fn nets(bench: &Bench) -> Vec<i64> {
    bench.core.accounts().map(|it| it.positions.get(FUTURE).net).collect()
}

#[test]
fn orders_and_fills_are_of_the_account_that_their_strategy_trades_for() {
    let mut bench = bench();
    let first = bench.hold(0, Side::Buy, 24_000.0);
    let second = bench.hold(1, Side::Sell, 24_050.0);
    let third = bench.rest(2, Side::Buy, 23_990.0);
    assert_eq!([first, second, third].map(|it| it.account), [OWN, ALPHA, ALPHA]);
    assert_eq!(nets(&bench), [65, -65]);
    assert_eq!(bench.core.positions().get(FUTURE).net, 0, "the desk holds nothing");
    let alpha = bench.core.accounts().nth(1).unwrap();
    assert_eq!((alpha.id, alpha.definition.client()), (ALPHA, Some("C0042")));
    assert_eq!((alpha.open_orders, alpha.counts.new_orders, alpha.counts.fills), (1, 2, 1));
    assert_eq!(alpha.open_value, Px::from_rupees(23_990.0).value(65));
    let cash: Money = bench.core.accounts().map(|it| it.positions.profit()).sum();
    assert_eq!(cash, bench.core.profit());
    assert!(bench.core.is_consistent());
}

#[test]
fn limits_of_an_account_hold_over_its_strategies_together() {
    let mut bench = bench();
    let on =
        |bench: &mut Bench, what, value| drop(bench.control(limit(ALPHA, what, value)).unwrap());
    on(&mut bench, Limit::Position, 65);
    bench.rest(1, Side::Buy, 23_900.0);
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_900.0, 1), "account_position");
    assert_eq!(ask(&mut bench, 0, Side::Buy, 23_900.0, 1), "", "another account");
    on(&mut bench, Limit::Position, 0);
    on(&mut bench, Limit::OpenOrders, 1);
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_900.0, 1), "account_orders");
    on(&mut bench, Limit::OpenOrders, 0);
    // One lot is worth 1,553,500 rupees.
    on(&mut bench, Limit::OrderValue, 1_553_500);
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_901.0, 1), "account_order_value");
    on(&mut bench, Limit::OpenOrderValue, 2 * 1_553_500 - 1);
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_900.0, 1), "account_open_value");
    on(&mut bench, Limit::OpenOrderValue, 2 * 1_553_500);
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_900.0, 1), "");
    let alpha = bench.core.accounts().nth(1).unwrap();
    assert_eq!((alpha.limits.order_value_max, alpha.counts.refusals), (1_553_500, 4));
    let unknown = AccountId(3);
    let errors = [
        (limit(unknown, Limit::Loss, 1), ControlError::UnknownAccount),
        (limit(AccountId::NONE, Limit::Loss, 1), ControlError::UnknownAccount),
        (limit(OWN, Limit::Drawdown, 1), ControlError::NotOfAccounts(Limit::Drawdown)),
        (limit(OWN, Limit::Loss, -1), ControlError::Value { limit: Limit::Loss, value: -1 }),
    ];
    for (control, error) in errors {
        assert_eq!(bench.control(control), Err(error));
    }
}

#[test]
fn an_account_is_paused_restricted_killed_and_released_alone() {
    let mut bench = bench();
    let own = bench.rest(0, Side::Buy, 23_900.0);
    let alpha = bench.rest(1, Side::Buy, 23_900.0);
    assert!(bench.control(Control::PauseAccount { account: ALPHA }).unwrap().is_empty());
    assert_eq!(ask(&mut bench, 2, Side::Buy, 23_900.0, 1), "account_paused");
    assert_eq!(bench.status(&alpha), OrderStatus::New, "what is open stays");
    bench.control(Control::ResumeAccount { account: ALPHA }).unwrap();
    let restrict = |restriction| Control::RestrictAccount { account: ALPHA, restriction };
    bench.control(restrict(Restriction::ReduceOnly)).unwrap();
    assert_eq!(ask(&mut bench, 2, Side::Sell, 24_050.0, 1), "account_restricted");
    bench.report(&alpha, ExecutionKind::Fill, alpha.price);
    assert_eq!(ask(&mut bench, 2, Side::Sell, 24_050.0, 1), "", "it reduces the position");
    assert_eq!(ask(&mut bench, 1, Side::Sell, 24_050.0, 1), "account_restricted", "twice does not");
    bench.control(restrict(Restriction::NoBuys)).unwrap();
    assert_eq!(ask(&mut bench, 1, Side::Buy, 23_900.0, 1), "account_restricted");
    bench.control(restrict(Restriction::None)).unwrap();
    let alpha = bench.rest(1, Side::Buy, 23_890.0);

    let left = bench.control(Control::KillAccount { account: ALPHA }).unwrap();
    assert_eq!(
        left.iter().map(|it| it.client_order_id).collect::<Vec<_>>(),
        [alpha.client_order_id]
    );
    assert_eq!(changes(&bench), [(ALPHA, AccountEvent::Stopped(StopCause::Operator))]);
    assert_eq!(bench.status(&own), OrderStatus::New, "the others trade on");
    assert_eq!(ask(&mut bench, 0, Side::Buy, 23_910.0, 1), "");
    // Who trades for it hears nothing of the market any more, and is told so.
    bench.puppets.iter().for_each(|it| drop(it.log()));
    bench.book();
    let logs = bench.puppets.each_ref().map(|it| it.log());
    assert_eq!(logs, [vec!["book".to_string()], Vec::new(), Vec::new()]);
    for control in
        [Control::PauseAccount { account: ALPHA }, Control::ResumeAccount { account: ALPHA }]
    {
        assert_eq!(bench.control(control), Err(ControlError::AccountStopped));
    }
    bench.control(Control::ReleaseAccount { account: ALPHA }).unwrap();
    assert_eq!(changes(&bench), [(ALPHA, AccountEvent::Released)]);
    assert_eq!(ask(&mut bench, 1, Side::Buy, 23_900.0, 1), "account_paused");
    bench.control(Control::ResumeAccount { account: ALPHA }).unwrap();
    assert_eq!(ask(&mut bench, 1, Side::Buy, 23_900.0, 1), "");
    let again = Control::ReleaseAccount { account: ALPHA };
    assert_eq!(bench.control(again), Err(ControlError::AccountNotStopped));
}

#[test]
fn the_loss_of_an_account_stops_it_and_nobody_else() {
    let mut bench = bench();
    bench.control(limit(ALPHA, Limit::Loss, 500)).unwrap();
    bench.control(Control::SetLimit { limit: Limit::AlertAt, value: 8_000 }).unwrap();
    bench.hold(0, Side::Buy, 24_000.0);
    bench.hold(1, Side::Buy, 24_000.0);
    let resting = bench.rest(2, Side::Buy, 23_000.0);
    // Sold for 455 rupees less: 91 parts in a hundred of what it may lose.
    bench.hold(1, Side::Sell, 23_993.0);
    let told = |bench: &Bench| {
        let outputs = bench.core.outputs().iter();
        let of = |output: &Output| match output {
            Output::LimitUse(told) => Some((told.account, told.limit(), told.level().unwrap())),
            _ => None,
        };
        outputs.filter_map(|it| of(&it.output)).collect::<Vec<_>>()
    };
    assert_eq!(told(&bench), [(ALPHA, Some(Limit::Loss), UseLevel::Alert)]);
    assert_eq!(bench.status(&resting), OrderStatus::New);
    bench.hold(1, Side::Buy, 24_000.0);
    let order = bench.rest(1, Side::Sell, 23_999.0);
    let left = bench.report(&order, ExecutionKind::Fill, order.price);
    assert_eq!(changes(&bench), [(ALPHA, AccountEvent::Stopped(StopCause::Loss))]);
    assert_eq!(left.len(), 1, "the resting order is cancelled");
    assert_eq!(left[0].client_order_id, resting.client_order_id);
    assert_eq!(bench.core.stopped(), None);
    assert_eq!(ask(&mut bench, 0, Side::Buy, 23_900.0, 1), "");
    // Released, its loss is counted anew.
    bench.control(Control::ReleaseAccount { account: ALPHA }).unwrap();
    bench.control(Control::ResumeAccount { account: ALPHA }).unwrap();
    bench.book();
    assert!(changes(&bench).is_empty());
}

#[test]
fn flattening_an_account_closes_what_it_holds_by_orders_of_its_own() {
    let mut bench = bench();
    bench.hold(0, Side::Sell, 24_050.0);
    bench.hold(1, Side::Sell, 24_060.0);
    bench.hold(2, Side::Sell, 24_070.0);
    let open = bench.rest(1, Side::Sell, 24_120.0);
    let flatten = Control::FlattenAccount { account: ALPHA, through_bps: 50 };
    let left = bench.control(flatten).unwrap();
    assert_eq!(left[0].client_order_id, open.client_order_id, "its orders first");
    assert!(bench.core.operator_work().is_flattening);
    assert_eq!(
        bench.control(Control::FlattenAccount { account: OWN, through_bps: 0 }),
        Err(ControlError::Busy)
    );
    let left = bench.report(&open, ExecutionKind::Canceled, open.price);
    let [closing] = left[..] else { panic!("{left:?}") };
    assert_eq!((closing.account, closing.strategy), (ALPHA, StrategyId::NONE));
    assert_eq!((closing.side(), closing.quantity.0), (Side::Buy, 130));
    bench.report(&closing, ExecutionKind::Fill, closing.price);
    bench.now = bench.now.plus(300_000_000);
    bench.book();
    assert_eq!(nets(&bench), [-65, 0]);
    assert!(!bench.core.operator_work().is_flattening);
    assert_eq!(ask(&mut bench, 2, Side::Sell, 24_150.0, 1), "account_paused", "it stays paused");
    assert_eq!(ask(&mut bench, 0, Side::Sell, 24_150.0, 1), "");
}

#[test]
fn flattening_the_desk_closes_every_account_though_the_desk_holds_nothing() {
    let mut bench = bench();
    // Two accounts against each other; a book of both sides.
    bench.hold(0, Side::Buy, 24_000.0);
    bench.hold(1, Side::Sell, 24_050.0);
    assert_eq!(bench.core.positions().get(FUTURE).net, 0);
    let left = bench.control(Control::Flatten { instrument: None, through_bps: 50 }).unwrap();
    // There are offers alone: only the short one finds a touch.
    let [closing] = left[..] else { panic!("{left:?}") };
    assert_eq!((closing.account, closing.side(), closing.quantity.0), (ALPHA, Side::Buy, LOT));
    bench.report(&closing, ExecutionKind::Fill, closing.price);
    assert_eq!(nets(&bench), [65, 0]);
    assert!(bench.core.operator_work().is_flattening, "one's own waits for a bid");
}

#[test]
fn accounts_are_the_same_all_session() {
    let declare = |account, line: &str| {
        let definition = AccountDefinition::parse(line).unwrap();
        Control::DeclareAccount { account: AccountId(account), definition }
    };
    let mut bench = bench();
    assert_eq!(bench.control(declare(3, "beta=pro")), Err(ControlError::Begun));
    let assign = Control::AssignAccount { strategy: StrategyId(1), account: ALPHA };
    assert_eq!(bench.control(assign), Err(ControlError::Begun));
    // Before the start: a number left out, a name twice, a strategy that there is not.
    let mut core = common::core(&common::external_config(), tezi_core::strategy::Watch);
    let now = common::market::open();
    core.on_control(now, &declare(1, "own=pro")).unwrap();
    core.on_control(now, &declare(1, "own=pro")).unwrap();
    for wrong in [declare(3, "beta=pro"), declare(2, "own=pro"), declare(1, "other=pro")] {
        assert_eq!(core.on_control(now, &wrong), Err(ControlError::AccountTwice), "{wrong:?}");
    }
    assert_eq!(core.on_control(now, &assign), Err(ControlError::UnknownAccount));
    let assign = |strategy| Control::AssignAccount { strategy: StrategyId(strategy), account: OWN };
    assert_eq!(core.on_control(now, &assign(1)), Err(ControlError::UnknownStrategy));
    core.on_control(now, &assign(0)).unwrap();
    let name = |number: u8| format!("a{number}=pro");
    for number in 2..=64 {
        core.on_control(now, &declare(number, &name(number))).unwrap();
    }
    assert_eq!(core.on_control(now, &declare(65, "b=pro")), Err(ControlError::AccountsFull));
    assert_eq!(core.accounts().count(), 64);
}

#[test]
fn a_snapshot_has_accounts_and_what_is_set_of_them() {
    let mut bench = bench();
    for control in [
        limit(ALPHA, Limit::Position, 650),
        limit(ALPHA, Limit::OrderValue, 9_000_000),
        Control::RestrictAccount { account: ALPHA, restriction: Restriction::NoSells },
        Control::PauseAccount { account: OWN },
    ] {
        bench.control(control).unwrap();
    }
    bench.hold(1, Side::Buy, 24_000.0);
    bench.rest(2, Side::Buy, 23_950.0);
    bench.control(Control::CancelAccount { account: ALPHA }).unwrap();
    let mut out = SnapshotWriter::default();
    bench.core.save(&mut out).unwrap();
    let mut fresh = Bench::fresh();
    fresh.load(&mut SnapshotReader::new(out.bytes())).unwrap();
    assert!(fresh.is_consistent());
    let stands = |it: &tezi_core::AccountView<'_>| {
        let position = it.positions.get(FUTURE);
        (
            it.limits,
            it.restriction,
            it.is_paused,
            it.counts,
            it.open_orders,
            it.open_value,
            position,
        )
    };
    let before: Vec<_> = bench.core.accounts().map(|it| stands(&it)).collect();
    let after: Vec<_> = fresh.accounts().map(|it| stands(&it)).collect();
    assert_eq!(before, after);
}
