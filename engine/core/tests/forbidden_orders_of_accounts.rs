//! Two strategies, each for an account of its own, over a venue that answers late, twice and across
//! requests, while limits change and accounts are paused, restricted, killed and released, and the
//! process dies and is rebuilt: nothing that an account may not send leaves, and with everything in flight
//! filled no account is above a limit of its own, by the venue's own books.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeSet;

use common::late_venue::{Asker, INSTRUMENTS, Venue, definitions};
use tezi_core::control::{Control, Limit};
use tezi_core::pricing::Reference;
use tezi_core::roster::Roster;
use tezi_core::{Capacity, Core, CoreConfig, Output, Restriction, RiskLimits, VenueMode};
use tezi_model::{
    AccountDefinition, AccountId, CommandKind, Event, ExecutionReport, InstrumentId, Money, Nanos,
    OrderCommand, RejectReason, Side, StrategyId,
};
use tezi_testing::Random;

const STEPS: u64 = if cfg!(debug_assertions) { 300_000 } else { 3_000_000 };
/// Until this step the process dies now and then; each death costs all inputs so far once more.
const RESTARTS_UNTIL: u64 = 40_000;
const TRADED: [AccountId; 2] = [AccountId(1), AccountId(2)];
const POSITION_MAX: i64 = 70;
const ORDERS_MAX: i64 = 12;

/// What an account may do, as the test knows it.
#[derive(Clone, Copy, Debug)]
struct Rules {
    is_stopped: bool,
    is_paused: bool,
    restriction: Restriction,
    position_max: i64,
    orders_max: i64,
    order_value_max: i64,
    open_value_max: i64,
}

const FREE: Rules = Rules {
    is_stopped: false,
    is_paused: false,
    restriction: Restriction::None,
    position_max: 0,
    orders_max: 0,
    order_value_max: 0,
    open_value_max: 0,
};

impl Rules {
    /// Whether a command may leave. `venue` has it on its way already.
    fn check(&self, command: &OrderCommand, venue: &Venue) -> Result<(), String> {
        if command.kind() == Some(CommandKind::Cancel) {
            return Ok(());
        }
        if self.is_stopped || self.is_paused {
            return Err(format!("{self:?}"));
        }
        let side = command.side();
        let (net, buy, sell) = venue.worst_of(command.account, command.instrument.index());
        let towards = if side == Side::Buy { net + buy } else { sell - net };
        let is_barred = match self.restriction {
            Restriction::None => false,
            Restriction::ReduceOnly => towards > 0,
            Restriction::NoBuys => side == Side::Buy,
            Restriction::NoSells => side == Side::Sell,
            Restriction::Nothing => true,
        };
        if is_barred {
            return Err(format!("{:?} with {towards} open and held", self.restriction));
        }
        let open = i64::from(command.quantity.0 - command.filled.0);
        let value = command.price.value(open);
        if self.order_value_max > 0 && value > Money::from_rupees(self.order_value_max) {
            return Err(format!("worth {value}"));
        }
        Ok(())
    }
}

fn started(seed: u64) -> Core<Roster, Reference> {
    let config = CoreConfig {
        limits: RiskLimits {
            order_value_max: 0,
            open_order_value_max: 0,
            loss_max: 0,
            position_max: 0,
            open_orders_max: 0,
            messages_per_second_max: 0,
            fat_finger_bps: 0,
            trade_on_stale: 0,
            trade_when_halted: 0,
        },
        capacity: Capacity {
            instruments_max: INSTRUMENTS as u32,
            market_orders_max: 64,
            levels_max: 64,
            own_orders_max: 256,
            timers_max: 4,
            outputs_max: 64,
        },
        venue_mode: VenueMode::External as u32,
        ..CoreConfig::default()
    };
    let mut roster = Roster::new();
    for (name, more) in [("a", 1), ("b", 2)] {
        let asker = Asker { random: Random(seed + more), ids: Vec::new() };
        roster.add(name, Box::new(asker), None).unwrap();
    }
    let mut core = Core::new(&config, roster, Reference).unwrap();
    for definition in definitions() {
        core.define(&definition).unwrap();
    }
    let lines = ["own=pro", "alpha=client:C1,pan:ABCDE1234F"];
    for (account, line) in TRADED.into_iter().zip(lines) {
        let definition = AccountDefinition::parse(line).unwrap();
        let strategy = StrategyId(account.0);
        for control in [
            Control::DeclareAccount { account, definition },
            Control::AssignAccount { strategy, account },
        ] {
            core.on_control(Nanos(1), &control).unwrap();
        }
    }
    core.on_start(Nanos(1));
    core
}

/// An action on one account, which `rules` know of from then on.
fn change_rules(random: &mut Random, rules: &mut [Rules; 2]) -> Control {
    let place = random.below(2) as usize;
    let (account, rules) = (TRADED[place], &mut rules[place]);
    match random.below(16) {
        0 if !rules.is_stopped => {
            rules.is_stopped = true;
            Control::KillAccount { account }
        }
        _ if rules.is_stopped => {
            (rules.is_stopped, rules.is_paused) = (false, true);
            Control::ReleaseAccount { account }
        }
        1 => {
            rules.is_paused = true;
            Control::PauseAccount { account }
        }
        _ if rules.is_paused => {
            rules.is_paused = false;
            Control::ResumeAccount { account }
        }
        2 => Control::CancelAccount { account },
        3 | 4 => {
            rules.restriction = Restriction::from_code(random.below(5) as u8).unwrap();
            Control::RestrictAccount { account, restriction: rules.restriction }
        }
        5 | 6 => {
            rules.restriction = Restriction::None;
            Control::RestrictAccount { account, restriction: Restriction::None }
        }
        _ => {
            let (limit, value, set) = match random.below(4) {
                0 => (Limit::Position, POSITION_MAX, &mut rules.position_max),
                1 => (Limit::OpenOrders, ORDERS_MAX, &mut rules.orders_max),
                2 => (Limit::OrderValue, 2_400, &mut rules.order_value_max),
                _ => (Limit::OpenOrderValue, 14_000, &mut rules.open_value_max),
            };
            let value = value * (20 + random.below(100) as i64) / 100;
            *set = value;
            Control::SetAccountLimit { account, limit, value }
        }
    }
}

/// What of an account must stay within limits: positions by instrument, open orders, their value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    positions: [i64; INSTRUMENTS],
    orders: i64,
    value: Money,
}

impl Used {
    const NONE: Self = Self { positions: [0; INSTRUMENTS], orders: 0, value: Money::ZERO };

    fn of_core(core: &Core<Roster, Reference>, account: AccountId) -> Self {
        let view = core.accounts().find(|view| view.id == account).unwrap();
        let positions = std::array::from_fn(|at| {
            let id = InstrumentId(at as u32);
            let exposure = core.orders().exposure_of_account(account, id);
            let net = view.positions.get(id).net;
            (net + exposure.buy).abs().max((net - exposure.sell).abs())
        });
        Self { positions, orders: view.open_orders.into(), value: view.open_value }
    }

    fn of_venue(venue: &Venue, account: AccountId) -> [i64; INSTRUMENTS] {
        std::array::from_fn(|at| {
            let (net, buy, sell) = venue.worst_of(account, at);
            (net + buy).abs().max((net - sell).abs())
        })
    }

    /// Whether it is within the limits or, beyond one that was lowered, does not grow.
    fn is_within(&self, rules: &Rules, before: &Self) -> bool {
        let is_fine = |now: i64, most: i64, before: i64| most == 0 || now <= most.max(before);
        let positions = self.positions.iter().zip(&before.positions);
        let most = Money::from_rupees(rules.open_value_max);
        positions.into_iter().all(|(&now, &before)| is_fine(now, rules.position_max, before))
            && is_fine(self.orders, rules.orders_max, before.orders)
            && (rules.open_value_max == 0 || self.value <= most.max(before.value))
    }
}

/// What the core was told.
#[derive(Clone, Copy, Debug)]
enum Input {
    Clock,
    Report(ExecutionReport),
    Control(Control),
}

fn feed(core: &mut Core<Roster, Reference>, now: Nanos, input: &Input) -> bool {
    match input {
        Input::Clock => core.on_event(now, &Event::clock(now)),
        Input::Report(report) => return core.on_report(now, report).is_ok(),
        Input::Control(control) => core.on_control(now, control).unwrap(),
    }
    true
}

/// The process dies, and another begins where its inputs end.
fn restart(
    seed: u64,
    inputs: &[(Nanos, Input)],
    died: &Core<Roster, Reference>,
) -> Core<Roster, Reference> {
    let mut core = started(seed);
    for (now, input) in inputs {
        feed(&mut core, *now, input);
    }
    assert_eq!(core.state_hash(), died.state_hash());
    core
}

#[test]
fn no_account_sends_what_it_may_not_or_is_above_its_limits_with_everything_in_flight_filled() {
    let seed = 4_052;
    let mut random = Random(seed);
    let mut core = started(seed);
    let mut venue = Venue::new(seed + 3);
    let (mut rules, mut inputs) = ([FREE; 2], Vec::new());
    let mut before = [Used::NONE; 2];
    let (mut now, mut left) = (Nanos(1), [0_u64; 2]);
    for step in 0..STEPS {
        now = now.plus(random.below(4_000_000) as i64);
        let input = match random.below(64) {
            0 => Some(Input::Control(change_rules(&mut random, &mut rules))),
            // For a while the venue takes nothing in.
            1..=15 if step / 2_000 % 4 > 0 => {
                venue.take_command();
                None
            }
            16..=25 => {
                venue.act();
                None
            }
            26..=45 => venue.reports.pop_front().map(Input::Report),
            _ => Some(Input::Clock),
        };
        let is_input = input.is_some_and(|input| {
            if step < RESTARTS_UNTIL {
                inputs.push((now, input));
            }
            feed(&mut core, now, &input)
        });
        for emitted in core.outputs().iter().filter(|_| is_input) {
            let Output::Command(command) = &emitted.output else { continue };
            venue.commands.push_back(*command);
            assert_eq!(command.account.0, command.strategy.0, "seed {seed}, step {step}");
            let place = command.account.index().unwrap();
            left[place] += 1;
            let checked = rules[place].check(command, &venue);
            assert_eq!(checked, Ok(()), "seed {seed}, step {step}: {command:?}");
        }
        for (place, account) in TRADED.into_iter().enumerate() {
            let (used, truth) = (Used::of_core(&core, account), Used::of_venue(&venue, account));
            let all = truth.iter().zip(&used.positions);
            let is_known = all.into_iter().all(|(truth, known)| truth <= known);
            assert!(is_known, "seed {seed}, step {step}: {truth:?}, {used:?}");
            let is_within = used.is_within(&rules[place], &before[place]);
            assert!(is_within, "seed {seed}, step {step}: {used:?}, {:?}", rules[place]);
            before[place] = used;
        }
        if step < RESTARTS_UNTIL && step % 3_001 == 3_000 {
            core = restart(seed, &inputs, &core);
        }
        if step % 1_024 == 0 {
            assert!(core.is_consistent(), "seed {seed}, step {step}");
            venue.forget_closed();
        }
    }
    let counted: Vec<_> = core.refusals().collect();
    println!("{left:?} commands left, {} trades, refused: {counted:?}", venue.fill_id);
    let given: BTreeSet<RejectReason> = counted.iter().map(|(reason, _)| *reason).collect();
    let of_accounts = RejectReason::AccountStopped..=RejectReason::AccountPosition;
    let mut tried = RejectReason::ALL.iter().filter(|it| of_accounts.contains(it));
    assert!(tried.all(|reason| given.contains(reason)), "{given:?}");
    assert!(left.iter().all(|left| *left > STEPS / 100) && u64::from(venue.fill_id) > STEPS / 100);
    assert_eq!(core.orders().counters().refused, 0, "the venue kept its protocol");
}
