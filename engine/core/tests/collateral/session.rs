//! A strategy that asks for anything, over a venue that answers late: what leaves never needs more than
//! the collateral, whichever part of the open orders fills, and all of it replays.

use std::collections::VecDeque;

use tezi_core::collateral::Valuation;
use tezi_core::control::{Control, Limit};
use tezi_core::margin::{ContractId, ContractTerms, Portfolio, PortfolioLimits, UnderlyingTerms};
use tezi_core::pricing::Reference;
use tezi_core::snapshot::{SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{Context, Recorded, Strategy, TimerId};
use tezi_core::{Core, Emitted, Explanation, Origin, Output};
use tezi_model::{
    ClientOrderId, CommandKind, Event, ExecutionKind, ExecutionReport, InstrumentId, Money, Nanos,
    OrderCommand, OrderId, Px, Qty, RejectReason, Side,
};
use tezi_testing::Random;

use super::setup::{AVAILABLE, CONTRACTS, GROSS_MAX, LOT, config, new_core, valuations};

/// Asks for one thing at every timer, and sets the next.
struct Asker {
    random: Random,
    ids: Vec<ClientOrderId>,
}

impl Asker {
    fn new(seed: u64) -> Self {
        Self { random: Random(seed), ids: Vec::new() }
    }
}

impl Strategy for Asker {
    fn name(&self) -> &'static str {
        "asker"
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(ctx.now().plus(1)).unwrap();
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        let random = &mut self.random;
        let instrument = InstrumentId(random.below(CONTRACTS as u64) as u32);
        let around = if instrument.index() < 2 { 2_360_000 } else { 25_000 };
        let price = Px::from_paise(around + 5 * random.below(400) as i64 - 1_000);
        let quantity = Qty(LOT * (1 + random.below(6) as u32));
        let side = Side::BOTH[random.below(2) as usize];
        let id = self.ids.get(random.below(12) as usize).copied().unwrap_or_default();
        match random.below(8) {
            0..=4 => {
                if let Ok(id) = ctx.submit(instrument, side, price, quantity) {
                    self.ids.insert(0, id);
                    self.ids.truncate(12);
                }
            }
            5 => drop(ctx.replace(id, price, quantity)),
            _ => drop(ctx.cancel(id)),
        }
        ctx.set_timer(ctx.now().plus(1 + self.random.below(20_000_000) as i64)).unwrap();
    }
}

/// An input of the session.
#[derive(Clone, Copy, Debug)]
enum Input {
    Valuation(Valuation),
    Start,
    Clock,
    Report(ExecutionReport),
    Control(Control),
}

fn feed<S: Strategy>(core: &mut Core<S, Reference>, now: Nanos, input: &Input) {
    match input {
        Input::Valuation(valuation) => drop(core.on_valuation(now, valuation)),
        Input::Start => core.on_start(now),
        Input::Clock => core.on_event(now, &Event::clock(now)),
        Input::Report(report) => drop(core.on_report(now, report)),
        Input::Control(control) => drop(core.on_control(now, control)),
    }
}

/// Answers each command once, some time later: with a refusal, an acknowledgement, or fills.
struct Venue {
    random: Random,
    commands: VecDeque<OrderCommand>,
    reports: VecDeque<ExecutionReport>,
    resting: Vec<(OrderCommand, u32)>,
    fill_id: u32,
}

impl Venue {
    fn report(&mut self, of: &OrderCommand, kind: ExecutionKind, price: Px, quantity: u32) {
        let is_fill = kind == ExecutionKind::Fill;
        self.fill_id += u32::from(is_fill);
        self.reports.push_back(ExecutionReport {
            client_order_id: of.client_order_id,
            order_id: OrderId(of.client_order_id.0 + 1_000_000),
            price,
            quantity: Qty(quantity),
            fill_id: if is_fill { self.fill_id } else { 0 },
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: Nanos::ZERO,
        });
    }

    fn take_command(&mut self) {
        use ExecutionKind as K;
        let Some(it) = self.commands.pop_front() else { return };
        let is_refused = self.random.one_in(6);
        let known =
            self.resting.iter().position(|(own, _)| own.client_order_id == it.client_order_id);
        match (it.kind().unwrap(), known) {
            (CommandKind::New, _) if is_refused => self.report(&it, K::Rejected, it.price, 0),
            (CommandKind::New, _) => {
                self.resting.push((it, 0));
                self.report(&it, K::Accepted, it.price, it.quantity.0);
            }
            (CommandKind::Replace, Some(at))
                if !is_refused && it.quantity.0 > self.resting[at].1 =>
            {
                self.resting[at].0.quantity = it.quantity;
                self.report(&it, K::Replaced, it.price, it.quantity.0);
            }
            (CommandKind::Replace, _) => self.report(&it, K::ReplaceRejected, it.price, 0),
            (CommandKind::Cancel, Some(at)) if !is_refused => {
                self.resting.swap_remove(at);
                self.report(&it, K::Canceled, it.price, 0);
            }
            (CommandKind::Cancel, _) => self.report(&it, K::CancelRejected, it.price, 0),
        }
    }

    fn trade(&mut self) {
        if self.resting.is_empty() {
            return;
        }
        let at = self.random.index(self.resting.len());
        let (order, filled) = self.resting[at];
        let lots = u64::from((order.quantity.0 - filled) / LOT);
        let quantity = LOT * (1 + self.random.below(lots) as u32);
        self.resting[at].1 += quantity;
        if filled + quantity == order.quantity.0 {
            self.resting.swap_remove(at);
        }
        self.report(&order, ExecutionKind::Fill, order.price, quantity);
    }
}

/// What the test reckons by itself: every corner of fills, each from nothing.
struct Oracle {
    terms: UnderlyingTerms,
    contracts: Vec<ContractTerms>,
    deltas: [i128; CONTRACTS],
}

/// The worst over all corners.
#[derive(Clone, Copy, Debug, Default)]
struct Worst {
    margin: Money,
    net: Money,
    gross: Money,
}

impl Oracle {
    fn margin(&self, positions: &[i64; CONTRACTS]) -> Money {
        let mut portfolio =
            Portfolio::new(PortfolioLimits { contracts_max: 8, ..Default::default() });
        portfolio.add_underlying(self.terms).unwrap();
        for (terms, &quantity) in self.contracts.iter().zip(positions) {
            let id: ContractId = portfolio.add_contract(terms).unwrap();
            portfolio.apply(id, quantity).unwrap();
        }
        portfolio.margin().total()
    }

    fn worst<S: Strategy>(&self, core: &Core<S, Reference>) -> Worst {
        let mut worst = Worst::default();
        for corner in 0..4_usize.pow(CONTRACTS as u32) {
            let positions = std::array::from_fn(|at| {
                let id = InstrumentId(at as u32);
                let (net, open) = (core.positions().get(id).net, core.orders().exposure(id));
                net + [0, open.buy, -open.sell, open.buy - open.sell][corner >> (2 * at) & 3]
            });
            worst.margin = worst.margin.max(self.margin(&positions));
            let held = |at: usize| i128::from(positions[at]) * self.deltas[at];
            let value = |units: i128| Money(units * i128::from(self.terms.price.0) / 1_000_000);
            let net = (0..CONTRACTS).map(held).sum::<i128>().abs();
            let long = (0..CONTRACTS).map(|at| held(at).max(0)).sum::<i128>();
            let short = (0..CONTRACTS).map(|at| (-held(at)).max(0)).sum::<i128>();
            worst.net = worst.net.max(value(net));
            worst.gross = worst.gross.max(value(long.max(short)));
        }
        worst
    }

    /// Premium paid for options, and with the open buys.
    fn premium<S: Strategy>(&self, core: &Core<S, Reference>) -> (Money, Money) {
        let (mut paid, mut to_pay) = (Money::ZERO, Money::ZERO);
        for (at, terms) in self.contracts.iter().enumerate().skip(2) {
            let id = InstrumentId(at as u32);
            let position = core.positions().get(id);
            paid += position.cost - position.realised;
            to_pay += terms.price.value(core.orders().exposure(id).buy);
        }
        (paid.max(Money::ZERO), (paid + to_pay).max(Money::ZERO))
    }
}

/// Whether an order only takes a position back, with everything open on its side filled.
fn takes_back<S: Strategy>(core: &Core<S, Reference>, command: &OrderCommand) -> bool {
    let (id, side) = (command.instrument, command.side());
    let (net, open) = (core.positions().get(id).net, core.orders().exposure(id));
    match side {
        Side::Buy => net + open.buy <= 0,
        Side::Sell => open.sell <= net,
    }
}

struct Step {
    now: Nanos,
    input: Input,
    outputs: Vec<Emitted>,
    hash: u64,
}

/// A session, looked at after every input; what happened in it.
#[derive(Default)]
struct Seen {
    left: u64,
    begun: u64,
    ended: u64,
    refusals: [u64; 4],
    is_reducing: bool,
}

fn look(core: &Core<Asker, Reference>, oracle: &Oracle, step: u64, seen: &mut Seen) {
    let place = format!("step {step}");
    let view = core.collateral().unwrap();
    let loss = (Money::ZERO - core.profit()).max(Money::ZERO);
    let (paid, premium) = oracle.premium(core);
    for emitted in core.outputs() {
        match &emitted.output {
            Output::Command(command) if command.kind() != Some(CommandKind::Cancel) => {
                seen.left += 1;
                let worst = oracle.worst(core);
                let may = takes_back(core, command);
                if !may {
                    let available = Money::from_rupees(AVAILABLE) - loss;
                    assert!(worst.margin + premium <= available, "{place}: {worst:?} {premium}");
                    assert!(!view.is_reducing, "{place}");
                }
                assert!(worst.margin <= view.worst.total(), "{place}");
                let is_new = command.kind() == Some(CommandKind::New);
                if is_new && !may {
                    assert!(worst.gross <= Money::from_rupees(GROSS_MAX), "{place}: {worst:?}");
                }
            }
            Output::Refusal(refusal) => {
                let reasons = [
                    RejectReason::Margin,
                    RejectReason::FutEqNet,
                    RejectReason::FutEqGross,
                    RejectReason::RiskReduction,
                ];
                let of = reasons.iter().position(|&it| refusal.reason() == Some(it));
                of.into_iter().for_each(|at| seen.refusals[at] += 1);
            }
            Output::RiskReduction(it) if it.begins == 1 => {
                seen.begun += 1;
                let mut open = core.orders().open();
                assert!(open.all(|order| order.status.is_in_flight()), "{place}: not cancelled");
            }
            Output::RiskReduction(_) => seen.ended += 1,
            _ => {}
        }
    }
    let used = view.margin.total() + paid + loss;
    let part = used.0 * 10_000 / Money::from_rupees(AVAILABLE).0;
    assert!(part < 9_000 || view.is_reducing, "{place}: {part}");
    assert!(part >= 8_500 || !view.is_reducing, "{place}: {part}");
    // In between it is as it was.
    let was = std::mem::replace(&mut seen.is_reducing, view.is_reducing);
    assert!(!(8_500..9_000).contains(&part) || was == view.is_reducing, "{place}: {part}");
    assert_eq!(paid, view.premium, "{place}");
    if step.is_multiple_of(16) {
        assert!(core.is_consistent(), "{place}");
    }
}

fn session(seed: u64, steps: u64, seen: &mut Seen) -> Vec<Step> {
    let (file, terms, contracts) = valuations();
    let oracle = Oracle { terms, contracts, deltas: [1_000_000, 1_000_000, 520_000, -380_000] };
    let mut random = Random(seed);
    let mut core = new_core(Asker::new(seed + 1));
    let mut venue = Venue {
        random: Random(seed + 2),
        commands: VecDeque::new(),
        reports: VecDeque::new(),
        resting: Vec::new(),
        fill_id: 0,
    };
    let mut taken = Vec::new();
    let mut now = Nanos::from_ist(2026, 6, 30, 9, 15, 0);
    let mut waiting: VecDeque<Input> =
        file.iter().map(|it| Input::Valuation(*it)).chain([Input::Start]).collect();
    for step in 0..steps {
        now = now.plus(1 + random.below(8_000_000) as i64);
        let input = match waiting.pop_front() {
            Some(input) => input,
            None => match random.below(10) {
                0..=3 => Input::Clock,
                4..=5 => {
                    venue.take_command();
                    Input::Clock
                }
                6 => {
                    venue.trade();
                    Input::Clock
                }
                7 if random.one_in(60) => Input::Valuation(file[1 + random.index(CONTRACTS)]),
                8 if random.one_in(40) => {
                    let value = AVAILABLE;
                    Input::Control(Control::SetLimit { limit: Limit::MarginAvailable, value })
                }
                _ => venue.reports.pop_front().map_or(Input::Clock, Input::Report),
            },
        };
        feed(&mut core, now, &input);
        if core.collateral().is_some() {
            look(&core, &oracle, step, seen);
        }
        for emitted in core.outputs() {
            if let Output::Command(command) = &emitted.output {
                venue.commands.push_back(*command);
            }
        }
        let (outputs, hash) = (core.outputs().to_vec(), core.state_hash());
        taken.push(Step { now, input, outputs, hash });
    }
    taken
}

#[test]
fn what_leaves_needs_no_more_than_the_collateral_whichever_part_of_it_fills() {
    let mut seen = Seen::default();
    for seed in [11, 12, 13] {
        seen.is_reducing = false;
        session(seed, 12_000, &mut seen);
    }
    assert!(seen.left > 1_000, "{} orders left", seen.left);
    assert!(seen.refusals.iter().all(|&count| count > 0), "{:?}", seen.refusals);
    assert!(seen.begun > 2 && seen.ended > 2, "reduced {} and {} times", seen.begun, seen.ended);
}

/// Without the strategy's code, and from a snapshot in the middle.
#[test]
fn inputs_and_outputs_rebuild_the_collateral() {
    let steps = session(21, 6_000, &mut Seen::default());
    let mut core = new_core(Recorded::default());
    let mut explained = 0;
    for (index, step) in steps.iter().enumerate() {
        for emitted in &step.outputs {
            core.strategy_mut().load(emitted);
        }
        core.strategy_mut().witness();
        feed(&mut core, step.now, &step.input);
        assert_eq!(core.outputs(), step.outputs, "step {index}: {:?}", step.input);
        explained += explain_refusals(&core.strategy_mut().take_witnessed(), &step.outputs);
        assert_eq!(core.state_hash(), step.hash, "step {index}: {:?}", step.input);
        if index % 977 == 976 {
            let mut out = SnapshotWriter::new();
            core.save(&mut out).unwrap();
            let bytes = out.bytes().to_vec();
            core = bare();
            core.load(&mut SnapshotReader::new(&bytes)).unwrap();
            assert_eq!(core.state_hash(), step.hash, "snapshot after step {index}");
            assert!(core.is_consistent());
        }
    }
    assert!(explained > 300, "{explained}");
}

/// An audit's first failing check is the one that refused; how many it was asked about.
fn explain_refusals(witnessed: &[Explanation], outputs: &[Emitted]) -> usize {
    let asked = outputs.iter().filter(|it| it.origin != Origin::CORE);
    let refusals: Vec<_> = asked
        .filter_map(|emitted| match &emitted.output {
            Output::Command(_) => Some(None),
            Output::Refusal(refusal) => Some(refusal.reason()),
            _ => None,
        })
        .collect();
    assert_eq!(witnessed.len(), refusals.len());
    for (explanation, refused) in witnessed.iter().zip(&refusals) {
        let first = explanation.checks.iter().find(|check| !check.passed);
        assert_eq!(first.map(|check| check.reason), *refused, "{explanation:?}");
    }
    refusals.iter().flatten().count()
}

/// A core that knows nothing.
fn bare() -> Core<Recorded, Reference> {
    Core::new(&config(), Recorded::default(), Reference).unwrap()
}
