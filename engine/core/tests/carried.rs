//! Sessions that begin with random positions and corporate actions, and trade at random, against a plain
//! list of lots; told again, and taken up from a snapshot, they are the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;

use common::market::{LOT, Market, open};
use common::trader::RandomTrader;
use common::{Input, core, external_config, feed, small_config};
use tezi_core::control::Control;
use tezi_core::pricing::Reference;
use tezi_core::roster::Roster;
use tezi_core::snapshot::{SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{Strategy, Watch};
use tezi_core::{
    AdjustError, CarriedLot, Core, CorporateAction, CorporateActionKind, HoldingError, HoldingKey,
    Opening, OpeningError, Output, Positions, Ratio,
};
use tezi_model::{
    AccountDefinition, AccountId, CommandKind, Event, EventKind, ExecutionKind, InstrumentId,
    MarketFlags, Money, Nanos, OrderCommand, OrderId, Px, Qty, RejectReason, Segment, Side,
    StrategyId, StreamId,
};
use tezi_testing::Random;

const SEEDS: u64 = 120;
const TODAY: i32 = 20_781;
const BEGIN: Opening = Opening::Begin { day: TODAY, as_of: TODAY - 1, lots: 0, actions: 0 };
/// Of each strategy, by number; the desk's own for none.
const ACCOUNT_OF: [u8; 3] = [2, 1, 2];

fn lot(strategy: u8, instrument: u32, net: i64, price: i64, mark: i64) -> CarriedLot {
    CarriedLot {
        strategy: StrategyId(strategy),
        account: AccountId(0),
        instrument: InstrumentId(instrument),
        net,
        price: Px::from_paise(price),
        mark: Px::from_paise(mark),
        day: TODAY - 5,
    }
}

fn action(instrument: u32, after: u32, before: u32) -> Opening {
    Opening::Action(CorporateAction {
        instrument: InstrumentId(instrument),
        kind: CorporateActionKind::Split,
        ratio: Ratio::new(after, before).unwrap(),
        ex_day: TODAY,
    })
}

/// Three strategies' worth of accounts.
fn declarations() -> [Control; 4] {
    let declare = |account, line| {
        let definition = AccountDefinition::parse(line).unwrap();
        Control::DeclareAccount { account: AccountId(account), definition }
    };
    let assign = |strategy: u8| Control::AssignAccount {
        strategy: StrategyId(strategy),
        account: AccountId(ACCOUNT_OF[usize::from(strategy)]),
    };
    let alpha = "alpha=client:C1,pan:ABCDE1234F";
    [declare(1, "own=pro"), declare(2, alpha), assign(1), assign(2)]
}

fn roster(seed: u64) -> Roster {
    let mut roster = Roster::new();
    for (name, number) in [("a", 1), ("b", 2)] {
        let trader = RandomTrader::new(seed ^ number << 32, 0);
        roster.add(name, Box::new(trader), None).unwrap();
    }
    roster
}

/// What one key holds, and what came of it.
#[derive(Clone, Debug, Default)]
struct Naive {
    /// Units, what they cost, and the day.
    lots: Vec<(i64, Money, i32)>,
    realised: Money,
    carried: i64,
    traded: i64,
    /// From the marks that the day began with.
    cash: Money,
}

impl Naive {
    fn carry(&mut self, lot: &CarriedLot) {
        self.lots.push((lot.net, lot.price.value(lot.net), lot.day));
        self.carried += lot.net;
        self.cash -= lot.mark.value(lot.net);
    }

    fn adjust(&mut self, ratio: (i64, i64)) {
        self.lots.iter_mut().for_each(|lot| lot.0 = lot.0 * ratio.0 / ratio.1);
        self.carried = self.carried * ratio.0 / ratio.1;
    }

    fn trade(&mut self, side: Side, quantity: u32, price: Px) {
        let mut rest = side.sign() * i64::from(quantity);
        self.cash -= price.value(rest);
        self.traded += rest;
        while rest != 0 && self.lots.first().is_some_and(|lot| lot.0.signum() != rest.signum()) {
            let (net, cost, _) = &mut self.lots[0];
            let closed = net.signum() * net.abs().min(rest.abs());
            let part = Money(cost.0 * i128::from(closed) / i128::from(*net));
            self.realised += price.value(closed) - part;
            (*net, *cost) = (*net - closed, *cost - part);
            rest += closed;
            if *net == 0 {
                self.lots.remove(0);
            }
        }
        if rest != 0 {
            self.lots.push((rest, price.value(rest), TODAY));
        }
    }
}

/// A session and the books beside it.
struct Day {
    openings: Vec<Opening>,
    keys: BTreeMap<HoldingKey, Naive>,
    orders: BTreeMap<u64, OrderCommand>,
}

impl Day {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut day =
            Self { openings: vec![BEGIN], keys: BTreeMap::new(), orders: BTreeMap::new() };
        let marks: Vec<i64> = (0..9).map(|_| 9_000 + random.below(3_000) as i64).collect();
        for _ in 0..random.below(14) {
            let (strategy, instrument) = (random.below(3) as u8, random.below(6) as usize);
            let sign = [-1, 1][(strategy as usize + instrument + seed as usize) % 2];
            // Twice a lot, so that a bonus of one for two leaves whole units.
            let net = sign * 2 * i64::from(LOT) * (1 + random.below(2) as i64);
            let price = 8_000 + random.below(4_000) as i64;
            let mut lot = lot(strategy, instrument as u32, net, price, marks[instrument]);
            lot.account = AccountId(ACCOUNT_OF[usize::from(strategy)]);
            day.keys.entry(lot.key()).or_default().carry(&lot);
            day.openings.push(Opening::Lot(lot));
        }
        for instrument in 0..6 {
            if random.one_in(4) {
                let ratio = random.pick(&[(2, 1), (3, 2), (1, 2)]);
                let of = |key: &HoldingKey| key.instrument == InstrumentId(instrument);
                let held = day.keys.iter_mut().filter(|(key, _)| of(key));
                held.for_each(|(_, naive)| naive.adjust((ratio.0.into(), ratio.1.into())));
                day.openings.push(action(instrument, ratio.0, ratio.1));
            }
        }
        day
    }

    fn take(&mut self, core: &Core<Roster, Reference>) {
        for emitted in core.outputs() {
            match &emitted.output {
                Output::Command(command) if command.kind() == Some(CommandKind::New) => {
                    self.orders.insert(command.client_order_id.0, *command);
                }
                Output::Report(report) if report.kind() == Some(ExecutionKind::Fill) => {
                    let order = self.orders[&report.client_order_id.0];
                    let key = HoldingKey {
                        account: order.account.0.into(),
                        strategy: order.strategy.0.into(),
                        instrument: order.instrument,
                    };
                    let naive = self.keys.entry(key).or_default();
                    naive.trade(order.side(), report.quantity.0, report.price);
                }
                _ => {}
            }
        }
    }

    /// The profit that some keys have of the day, and what they hold, at the marks of `positions`.
    fn day_of(&self, positions: &Positions, of: impl Fn(&HoldingKey) -> bool) -> (Money, bool) {
        let mut profit = Money::ZERO;
        let mut nets: BTreeMap<InstrumentId, i64> = BTreeMap::new();
        for (key, naive) in self.keys.iter().filter(|(key, _)| of(key)) {
            let net = naive.carried + naive.traded;
            profit += naive.cash;
            *nets.entry(key.instrument).or_default() += net;
        }
        for (&id, &net) in &nets {
            profit += positions.get(id).mark.unwrap_or_default().value(net);
        }
        let is_held = nets.iter().all(|(id, net)| positions.get(*id).net == *net);
        (profit, is_held)
    }

    fn check(&self, core: &Core<Roster, Reference>, context: &str) {
        let holdings = core.holdings().unwrap();
        for (key, naive) in &self.keys {
            let holding = holdings.get(*key).unwrap();
            let lots: Vec<_> = holding.lots.iter().map(|it| (it.net, it.cost, it.day)).collect();
            assert_eq!(lots, naive.lots, "{context}: {key:?}");
            assert_eq!(holding.lots.realised(), naive.realised, "{context}: {key:?}");
            let traded = holding.average.bought as i64 - holding.average.sold as i64;
            assert_eq!((holding.average.net - traded, traded), (naive.carried, naive.traded));
        }
        assert_eq!(holdings.iter().count(), self.keys.len(), "{context}");
        // What the marks were divided by a corporate action is rounded to a price.
        let is_near = |found: Money, wanted: (Money, bool)| {
            wanted.1 && (found - wanted.0).abs() < Money(100_000)
        };
        let desk = self.day_of(core.positions(), |_| true);
        assert!(is_near(core.profit(), desk), "{context}: {:?}, {desk:?}", core.profit());
        for view in core.strategies() {
            let wanted = self.day_of(view.positions, |key| key.strategy == view.id.0.into());
            assert!(is_near(view.positions.profit(), wanted), "{context}: {:?}", view.id);
        }
        for view in core.accounts() {
            let wanted = self.day_of(view.positions, |key| key.account == view.id.0.into());
            assert!(is_near(view.positions.profit(), wanted), "{context}: {:?}", view.id);
        }
        assert!(core.is_consistent(), "{context}");
    }
}

fn begun(seed: u64, openings: &[Opening]) -> Core<Roster, Reference> {
    let mut config = small_config(20_000, 20_000);
    config.limits.position_max = 5_000;
    let mut core = core(&config, roster(seed));
    for control in declarations() {
        core.on_control(open(), &control).unwrap();
    }
    for opening in openings {
        core.on_opening(open(), opening).unwrap();
    }
    core.on_start(open());
    core
}

#[test]
fn days_that_begin_with_positions_agree_with_lists_of_lots() {
    let mut fills = 0;
    for seed in 0..SEEDS {
        let mut random = Random(seed ^ 0xCA44);
        let mut day = Day::new(seed);
        let mut first = begun(seed, &day.openings);
        let mut again = begun(seed, &day.openings);
        day.take(&first);
        day.check(&first, &format!("seed {seed}, at the start"));
        let mut market = Market::new(seed);
        let mut now = open();
        let taken_up_at = random.below(1_500);
        for step in 0..1_500_u64 {
            let event = market.next().unwrap();
            now = now.max(event.receive_time);
            let input = match random.below(500) {
                0 => Input::Control(Control::Flatten { instrument: None, through_bps: 50 }),
                1 | 2 => Input::Control(Control::Resume),
                _ => Input::Event(event),
            };
            feed(&mut first, now, &input);
            feed(&mut again, now, &input);
            assert_eq!(first.outputs(), again.outputs(), "seed {seed}, step {step}");
            day.take(&first);
            if step % 50 == 0 {
                day.check(&first, &format!("seed {seed}, step {step}"));
                assert_eq!(first.state_hash(), again.state_hash(), "seed {seed}, step {step}");
            }
            if step == taken_up_at {
                again = taken_up(seed, &again);
            }
        }
        day.check(&first, &format!("seed {seed}, at the end"));
        assert_eq!(first.state_hash(), again.state_hash(), "seed {seed}");
        fills += first.counters().fills;
    }
    assert!(fills > 4_000, "{fills} fills");
}

/// Another core, of a snapshot of this one.
fn taken_up(seed: u64, of: &Core<Roster, Reference>) -> Core<Roster, Reference> {
    let mut out = SnapshotWriter::new();
    of.save(&mut out).unwrap();
    let mut config = small_config(20_000, 20_000);
    config.limits.position_max = 5_000;
    let mut core = Core::new(&config, roster(seed), Reference).unwrap();
    core.load(&mut SnapshotReader::new(out.bytes())).unwrap();
    let mut once_more = SnapshotWriter::new();
    core.save(&mut once_more).unwrap();
    assert!(out.bytes() == once_more.bytes(), "seed {seed}: other bytes");
    core
}

fn watching(limit: i64) -> Core<Watch, Reference> {
    let mut config = external_config();
    config.limits.position_max = limit;
    config.limits.loss_max = 950;
    core(&config, Watch)
}

/// Another's order comes to rest in the book of the first instrument.
fn rest(core: &mut Core<Watch, Reference>, number: u32, side: Side, paise: i64) {
    let event = Event {
        kind_code: EventKind::OrderNew as u8,
        flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
        stream: StreamId::new(Segment::NseFo, 1),
        token: core.instruments().get(InstrumentId(0)).unwrap().definition.token,
        sequence: number,
        quantity: Qty(LOT),
        price: Px::from_paise(paise),
        order_id: OrderId(number.into()),
        ..Event::clock(open())
    };
    core.on_event(open().plus(number.into()), &event);
}

#[test]
fn an_operator_closes_what_was_carried_in() {
    let mut core = watching(5_000);
    core.on_opening(open(), &BEGIN).unwrap();
    let price = common::market::contracts()[0].1.to_paise().unwrap();
    for (units, paise) in [(65, price), (130, price + 500)] {
        core.on_opening(open(), &Opening::Lot(lot(0, 0, units, paise, price))).unwrap();
    }
    core.on_start(open());
    rest(&mut core, 1, Side::Buy, price);
    let flatten = Control::Flatten { instrument: None, through_bps: 50 };
    core.on_control(open().plus(2), &flatten).unwrap();
    let sent: Vec<_> = core
        .outputs()
        .iter()
        .filter_map(|it| match &it.output {
            Output::Command(command) => {
                Some((command.side(), command.quantity, command.instrument))
            }
            _ => None,
        })
        .collect();
    assert_eq!(sent, [(Side::Sell, Qty(195), InstrumentId(0))]);
}

#[test]
fn a_loss_limit_counts_from_the_mark_and_not_from_what_was_paid() {
    let mut core = watching(5_000);
    core.on_opening(open(), &BEGIN).unwrap();
    // Bought at 150 and worth 100 when the day begins: 5,000 rupees were lost before it.
    core.on_opening(open(), &Opening::Lot(lot(0, 0, 100, 15_000, 10_000))).unwrap();
    core.on_start(open());
    core.on_event(open(), &Event::clock(open()));
    assert_eq!((core.profit(), core.stopped()), (Money::ZERO, None));
    let average = core.holdings().unwrap().iter().next().unwrap().average;
    assert_eq!(average.average_price(), Some(Px::from_paise(15_000)));
    // A book whose middle is at 91, then one at 90.
    let orders = [(Side::Buy, 9_000), (Side::Sell, 9_200), (Side::Sell, 9_000 + 5)];
    let stopped = [None, None, Some(RejectReason::LossLimit)];
    for (number, ((side, paise), stopped)) in (1..).zip(orders.into_iter().zip(stopped)) {
        rest(&mut core, number, side, paise);
        assert_eq!(core.stopped(), stopped, "at {paise}: {}", core.profit());
    }
    assert_eq!(core.profit(), Px(-Px::SCALE).value(1_000) + Px::from_paise(250).value(1));
}

#[test]
fn what_cannot_be_carried_in_changes_nothing() {
    let mut core = watching(5_000);
    let tell = |core: &mut Core<Watch, Reference>, opening| core.on_opening(Nanos(1), &opening);
    let good = lot(0, 1, 500, 10_000, 10_000);
    assert_eq!(tell(&mut core, Opening::Lot(good)), Err(OpeningError::Order));
    assert_eq!(core.openings(), 0);
    tell(&mut core, BEGIN).unwrap();
    tell(&mut core, Opening::Lot(good)).unwrap();
    let hash = core.state_hash();
    let holding = OpeningError::Holding;
    let cases = [
        (BEGIN, OpeningError::Order),
        (Opening::Lot(lot(0, 99, 50, 1, 1)), OpeningError::UnknownInstrument),
        (Opening::Lot(lot(1, 0, 50, 1, 1)), OpeningError::UnknownOwner),
        (Opening::Lot(CarriedLot { account: AccountId(1), ..good }), OpeningError::UnknownOwner),
        (Opening::Lot(lot(0, 0, 0, 1, 1)), OpeningError::OutOfRange),
        (Opening::Lot(lot(0, 0, i64::MIN, 1, 1)), OpeningError::OutOfRange),
        (Opening::Lot(lot(0, 0, 1, 0, 1)), OpeningError::OutOfRange),
        (Opening::Lot(lot(0, 0, 1, 1, -1)), OpeningError::OutOfRange),
        (Opening::Lot(lot(0, 1, 1 << 40, 1, 10_000)), OpeningError::OutOfRange),
        (Opening::Lot(lot(0, 1, 1, 1, 10_001)), OpeningError::OtherMark),
        (Opening::Lot(lot(0, 1, -1, 1, 10_000)), holding(HoldingError::OtherSide)),
        (action(99, 2, 1), OpeningError::UnknownInstrument),
        (action(1, 1, 3), OpeningError::Adjust(AdjustError::Fraction)),
        (action(1, u32::MAX, 1), OpeningError::OutOfRange),
        (action(1, 1, u32::MAX), OpeningError::OutOfRange),
    ];
    for (opening, error) in cases {
        let told = core.openings();
        assert_eq!(tell(&mut core, opening), Err(error), "{opening:?}");
        assert_eq!(core.openings(), told + 1);
        assert!(core.is_consistent());
    }
    let told = core.openings();
    // Refused, they are counted, and nothing else.
    let mut other = watching(5_000);
    [BEGIN, Opening::Lot(good)].into_iter().for_each(|it| tell(&mut other, it).unwrap());
    assert_eq!(other.state_hash(), hash);
    for _ in 2..told {
        let _ = tell(&mut other, BEGIN);
    }
    assert_eq!(other.state_hash(), core.state_hash());
    core.on_start(Nanos(1));
    assert_eq!(tell(&mut core, Opening::Lot(good)), Err(OpeningError::Begun));
}

#[test]
fn a_core_that_was_told_of_no_positions_has_the_hash_of_before() {
    let mut core = watching(5_000);
    core.on_start(open());
    assert!(core.holdings().is_none());
    assert_eq!((core.openings(), core.unbooked_fills()), (0, 0));
    assert_eq!(core.strategy().name(), "watch");
}
