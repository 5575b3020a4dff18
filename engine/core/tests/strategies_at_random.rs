//! Strategies that ask for anything, panic and keep hours, for accounts or for none, and an operator who
//! does anything to them: told apart, replayed with their code and without it, and taken up again from a snapshot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::ledger::Ledger;
use common::market::{Market, open};
use common::trader::RandomTrader;
use common::{Input, core, feed, hush, small_config};
use tezi_core::control::{Control, Limit};
use tezi_core::pricing::Reference;
use tezi_core::roster::{Hours, Roster, StopCause, StrategyEvent};
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{BookUpdate, Context, Fill, OrderUpdate, Recorded, Strategy, TimerId};
use tezi_core::{AccountEvent, Core, CoreConfig, Emitted, Output, Restriction};
use tezi_model::{
    AccountDefinition, AccountId, CommandKind, ExecutionKind, InstrumentId, OrderCommand,
    RejectReason, StrategyId,
};
use tezi_testing::Random;

const fn stop(strategy: StrategyId) -> Control {
    Control::StopStrategy { strategy, cause: StopCause::Operator }
}

const fn start(strategy: StrategyId) -> Control {
    Control::StartStrategy { strategy }
}

/// A trader that panics once in so many calls.
struct Faulty {
    trader: RandomTrader,
    left: u64,
}

impl Strategy for Faulty {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.trader.on_book(ctx, update);
        self.left = self.left.saturating_sub(1);
        assert!(self.left > 0, "meant to");
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.trader.on_order(ctx, update);
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.trader.on_fill(ctx, fill);
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        self.trader.on_timer(ctx, timer);
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        out.u64(self.left);
        self.trader.save(out)
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.left = input.u64()?;
        self.trader.load(input)
    }
}

fn random_roster(seed: u64) -> Roster {
    let mut random = Random(seed);
    let mut roster = Roster::new();
    let hours = Hours::parse("09:15:01..09:15:03").ok();
    let trader = |seed| RandomTrader::new(seed, 0);
    roster.add("a", Box::new(trader(random.next())), None).unwrap();
    let left = random.below(6_000);
    roster.add("b", Box::new(Faulty { trader: trader(random.next()), left }), None).unwrap();
    roster.add("c", Box::new(trader(random.next())), hours).unwrap();
    roster
}

/// Every other session has accounts: one for the first and the last strategy, one for the second.
fn declarations(seed: u64) -> Vec<Control> {
    let declare = |account, line| {
        let definition = AccountDefinition::parse(line).unwrap();
        Control::DeclareAccount { account: AccountId(account), definition }
    };
    let assign = |strategy, account| Control::AssignAccount {
        strategy: StrategyId(strategy),
        account: AccountId(account),
    };
    let all = [
        declare(1, "own=pro"),
        declare(2, "alpha=client:C1,pan:ABCDE1234F"),
        assign(1, 1),
        assign(2, 2),
        assign(3, 1),
    ];
    if seed % 2 == 1 { all.into() } else { Vec::new() }
}

/// What an operator does to an account, of which there may be none.
fn random_control_of_account(random: &mut Random) -> Control {
    let account = AccountId(random.below(4) as u8);
    match random.below(12) {
        0 => Control::KillAccount { account },
        1 | 2 => Control::ReleaseAccount { account },
        3 => Control::PauseAccount { account },
        4 | 5 => Control::ResumeAccount { account },
        6 => Control::CancelAccount { account },
        7 => Control::FlattenAccount { account, through_bps: 80 },
        8 => {
            let code = random.below(5) as u8;
            let restriction = Restriction::from_code(code).unwrap();
            Control::RestrictAccount { account, restriction }
        }
        9 => Control::RestrictAccount { account, restriction: Restriction::None },
        _ => {
            let limits = [
                Limit::Loss,
                Limit::Position,
                Limit::OpenOrders,
                Limit::OrderValue,
                Limit::OpenOrderValue,
                Limit::Drawdown,
            ];
            let limit = limits[random.below(6) as usize];
            let value = match limit {
                Limit::OpenOrders => random.below(3) as i64,
                Limit::OrderValue | Limit::OpenOrderValue => 2_000 * random.below(800) as i64,
                _ => random.below(400) as i64 - 20,
            };
            Control::SetAccountLimit { account, limit, value }
        }
    }
}

/// An operator who does anything to strategies and accounts, once in a while.
fn random_control(random: &mut Random) -> Option<Control> {
    let strategy = StrategyId(random.below(5) as u8);
    Some(match random.below(400) {
        9..=14 => random_control_of_account(random),
        15 => Control::SetLimit { limit: Limit::AlertAt, value: 7_000 },
        0 => stop(strategy),
        1 | 2 => start(strategy),
        3 => {
            let limit = [Limit::Loss, Limit::Position, Limit::OpenOrders, Limit::Drawdown]
                [random.below(4) as usize];
            let value = random.below(800) as i64 - 20;
            Control::SetStrategyLimit { strategy, limit, value }
        }
        4 => Control::CancelAll { instrument: None },
        5 => Control::Flatten { instrument: None, through_bps: 50 },
        6 => Control::Resume,
        7 | 8 => Control::FlattenStrategy { strategy, through_bps: 80 },
        _ => return None,
    })
}

/// What strategies hold, by the fills of their orders.
#[derive(Default)]
struct Naive {
    orders: BTreeMap<u64, OrderCommand>,
    fills: BTreeMap<StrategyId, u64>,
    fills_of_accounts: BTreeMap<AccountId, u64>,
    /// Of each account in each instrument.
    nets: BTreeMap<(AccountId, InstrumentId), i64>,
}

impl Naive {
    fn take(&mut self, outputs: &[Emitted], inactive: &[StrategyId], is_control: bool) {
        for emitted in outputs {
            match &emitted.output {
                Output::Command(command) if command.kind() == Some(CommandKind::New) => {
                    self.orders.insert(command.client_order_id.0, *command);
                    // Hours may begin within an input; an operator's start is one.
                    let woke = |it: &Emitted| match &it.output {
                        Output::Strategy(change) => {
                            change.strategy == command.strategy
                                && !matches!(change.event(), Some(StrategyEvent::Stopped(_)))
                        }
                        _ => false,
                    };
                    let is_allowed =
                        !inactive.contains(&command.strategy) || outputs.iter().any(woke);
                    assert!(is_allowed || is_control, "{command:?}");
                }
                Output::Command(command) => {
                    let order = self.orders[&command.client_order_id.0];
                    let whose = |it: &OrderCommand| (it.strategy, it.account);
                    assert_eq!(whose(&order), whose(command));
                }
                Output::Report(report) if report.kind() == Some(ExecutionKind::Fill) => {
                    let order = self.orders[&report.client_order_id.0];
                    *self.fills.entry(order.strategy).or_default() += 1;
                    *self.fills_of_accounts.entry(order.account).or_default() += 1;
                    let units = order.side().sign() * i64::from(report.quantity.0);
                    *self.nets.entry((order.account, order.instrument)).or_default() += units;
                }
                _ => {}
            }
        }
    }
}

/// Runs a random session, checks every input, and gives back what a replay must reproduce.
fn run<S: Strategy>(
    seed: u64,
    config: &CoreConfig,
    strategy: S,
    mut prepare: impl FnMut(&mut S, usize),
    mut see: impl FnMut(usize, &Core<S, Reference>),
) -> u64 {
    let mut core = core(config, strategy);
    let mut random = Random(seed ^ 0x51AE);
    let mut now = open();
    let mut inputs: Vec<_> =
        declarations(seed).into_iter().map(|it| (now, Input::Control(it))).collect();
    inputs.push((now, Input::Start));
    for event in Market::new(seed).take(6_000) {
        now = now.max(event.receive_time);
        inputs.push((now, Input::Event(event)));
        inputs.extend(random_control(&mut random).map(|control| (now, Input::Control(control))));
    }
    inputs.push((now, Input::Stop));
    for (step, (now, input)) in inputs.iter().enumerate() {
        prepare(core.strategy_mut(), step);
        feed(&mut core, *now, input);
        see(step, &core);
    }
    core.state_hash()
}

#[test]
fn random_strategies_are_told_apart_and_replay_from_their_outputs() {
    hush();
    let (mut panics, mut losses, mut slept, mut refused, mut fills) = (0, 0, 0, 0, 0);
    let (mut losses_of_accounts, mut reasons) = (0, BTreeSet::new());
    for seed in 1..=24 {
        let config = small_config(20_000 * (seed as i64 % 2), 20_000);
        let mut outputs: Vec<Vec<Emitted>> = Vec::new();
        let mut desk = Ledger::new(&config);
        let mut naive = Naive::default();
        let mut inactive = Vec::new();
        let hash = run(
            seed,
            &config,
            random_roster(seed),
            |_, _| {},
            |step, core| {
                assert_eq!(desk.check(core), Ok(()), "seed {seed}, step {step}");
                let is_control = core.operator_work().is_flattening;
                naive.take(core.outputs(), &inactive, is_control);
                for view in core.accounts() {
                    let told = naive.fills_of_accounts.get(&view.id).copied().unwrap_or_default();
                    assert_eq!(view.counts.fills, told, "seed {seed}, step {step}");
                    for instrument in (0..12).map(InstrumentId) {
                        let net = naive.nets.get(&(view.id, instrument)).copied();
                        let held = view.positions.get(instrument).net;
                        assert_eq!(held, net.unwrap_or_default(), "seed {seed}, step {step}");
                    }
                }
                for view in core.strategies() {
                    let told = naive.fills.get(&view.id).copied().unwrap_or_default();
                    assert_eq!(view.counts.fills, told, "seed {seed}, step {step}");
                }
                inactive.clear();
                for view in core.strategies() {
                    if view.is_asleep || view.stopped.is_some() {
                        inactive.push(view.id);
                    }
                }
                outputs.push(core.outputs().to_vec());
                reasons.extend(core.refusals().map(|(reason, _)| reason));
                if step.is_multiple_of(100) {
                    assert!(core.is_consistent(), "seed {seed}, step {step}");
                }
                if step == 6_000 {
                    panics +=
                        core.strategies().filter(|it| it.stopped == Some(StopCause::Panic)).count();
                    refused += core.strategies().map(|it| it.counts.refusals).sum::<u64>();
                    fills += core.strategies().map(|it| it.counts.fills).sum::<u64>();
                }
            },
        );
        let happened = |event| {
            let is_it = |it: &&Emitted| match &it.output {
                Output::Strategy(change) => change.event() == Some(event),
                _ => false,
            };
            outputs.iter().flatten().filter(is_it).count()
        };
        losses += happened(StrategyEvent::Stopped(StopCause::Loss));
        let of_account = |it: &&Emitted| match &it.output {
            Output::Account(change) => {
                change.event() == Some(AccountEvent::Stopped(StopCause::Loss))
            }
            _ => false,
        };
        losses_of_accounts += outputs.iter().flatten().filter(of_account).count();
        slept += happened(StrategyEvent::Slept);
        let again = run(
            seed,
            &config,
            random_roster(seed),
            |_, _| {},
            |step, core| {
                assert_eq!(
                    core.outputs(),
                    outputs[step],
                    "seed {seed}, step {step}: the same code"
                );
            },
        );
        assert_eq!(again, hash);
        let recorded = run(
            seed,
            &config,
            Recorded::of_strategies(3),
            |strategy, step| outputs[step].iter().for_each(|it| strategy.load(it)),
            |step, core| {
                assert_eq!(core.outputs(), outputs[step], "seed {seed}, step {step}: recorded");
                assert_eq!(core.strategy().left(), 0, "seed {seed}, step {step}");
            },
        );
        assert_eq!(recorded, hash, "seed {seed}: the state from the outputs alone");
    }
    println!(
        "{losses_of_accounts} loss stops of accounts, {panics} panics, {losses} loss stops, {refused} refused, {fills} fills, {slept} slept"
    );
    let of_accounts = RejectReason::AccountStopped..=RejectReason::AccountPosition;
    let mut given = RejectReason::ALL.iter().filter(|it| of_accounts.contains(it));
    assert!(given.all(|reason| reasons.contains(reason)), "{reasons:?}");
    assert!(losses_of_accounts > 2);
    assert!(panics > 5 && losses > 5 && refused > 1_000 && fills > 500 && slept > 24);
}

#[test]
fn positions_of_strategies_add_up_to_the_desks() {
    hush();
    for seed in 100..112 {
        let config = small_config(0, 0);
        run(
            seed,
            &config,
            random_roster(seed),
            |_, _| {},
            |step, core| {
                if !step.is_multiple_of(50) {
                    return;
                }
                for instrument in (0..12).map(InstrumentId) {
                    let desk = core.positions().get(instrument);
                    let mine: i64 =
                        core.strategies().map(|it| it.positions.get(instrument).net).sum();
                    let bought: u64 =
                        core.strategies().map(|it| it.positions.get(instrument).bought).sum();
                    // What an operator's flattening traded is the desk's own.
                    if core.controls() == 0 {
                        assert_eq!((mine, bought), (desk.net, desk.bought), "seed {seed}, {step}");
                    }
                    for view in core.strategies() {
                        let it = view.positions.get(instrument);
                        if it.net != 0 {
                            assert_eq!(it.mark, desk.mark, "seed {seed}, {step}");
                        }
                    }
                }
            },
        );
    }
}

#[test]
fn a_snapshot_has_every_strategy_and_its_ledger() {
    hush();
    let mut inactive = 0;
    for seed in 1..=40 {
        let config = small_config(20_000 * (seed as i64 % 2), 20_000);
        let mut random = Random(seed ^ 0x5A7E);
        let at = random.below(5_000) as usize;
        let mut again: Option<Core<Roster, Reference>> = None;
        let mut lived = core(&config, random_roster(seed));
        let mut now = open();
        for control in declarations(seed) {
            feed(&mut lived, now, &Input::Control(control));
        }
        feed(&mut lived, now, &Input::Start);
        for (step, event) in Market::new(seed).take(6_000).enumerate() {
            now = now.max(event.receive_time);
            let control = random_control(&mut random).map(Input::Control);
            for input in [Some(Input::Event(event)), control].into_iter().flatten() {
                feed(&mut lived, now, &input);
                if let Some(again) = &mut again {
                    feed(again, now, &input);
                    assert_eq!(lived.outputs(), again.outputs(), "seed {seed}, step {step}");
                }
            }
            if step == at {
                let mut out = SnapshotWriter::default();
                lived.save(&mut out).unwrap();
                let mut fresh = Core::new(&config, random_roster(seed), Reference).unwrap();
                fresh.load(&mut SnapshotReader::new(out.bytes())).unwrap();
                assert!(fresh.is_consistent());
                let stands = |it: &Core<Roster, Reference>| -> Vec<_> {
                    let each = it.strategies();
                    each.map(|it| (it.stopped, it.is_asleep, it.limits, it.counts)).collect()
                };
                assert_eq!(stands(&fresh), stands(&lived), "seed {seed}");
                inactive +=
                    lived.strategies().filter(|it| it.is_asleep || it.stopped.is_some()).count();
                again = Some(fresh);
            }
        }
        let again = again.unwrap();
        assert_eq!(again.state_hash(), lived.state_hash(), "seed {seed}");
        assert_eq!(again.strategy().remarks(), lived.strategy().remarks());
    }
    assert!(inactive > 20, "{inactive}");
}
