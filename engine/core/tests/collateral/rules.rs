//! Each rule by itself.

use tezi_core::collateral::{ContractValuation, Valuation, ValuationError};
use tezi_core::control::{Control, Limit};
use tezi_core::margin::MarginRefusal;
use tezi_core::pricing::Reference;
use tezi_core::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi_core::strategy::{Context, Recorded, Strategy};
use tezi_core::{CarriedLot, Core, GuardLimits, Opening, Output, UseLevel};
use tezi_model::{
    AccountId, ClientOrderId, ExecutionKind, ExecutionReport, InstrumentId, Money, Nanos, OrderId,
    Px, Qty, RejectReason, Side, StrategyId,
};

use super::setup::{LOT, config, new_core, valuations};

const FUTURE: InstrumentId = InstrumentId(0);
const CALL: InstrumentId = InstrumentId(2);

/// Asks for what it is told to.
#[derive(Default)]
struct Puppet {
    asks: Option<(InstrumentId, Side, Px, u32)>,
    answer: Option<Result<ClientOrderId, RejectReason>>,
}

impl Strategy for Puppet {
    fn name(&self) -> &'static str {
        "puppet"
    }

    fn save(&self, _out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        Ok(())
    }

    fn load(&mut self, _input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn on_control(&mut self, ctx: &mut Context<'_>, _control: &Control) {
        if let Some((instrument, side, price, lots)) = self.asks.take() {
            self.answer = Some(ctx.submit(instrument, side, price, Qty(lots * LOT)));
        }
    }
}

struct Bench {
    core: Core<Puppet, Reference>,
    now: Nanos,
    fills: u32,
}

impl Bench {
    fn new() -> Self {
        Self::carrying(&[])
    }

    /// Begins with lots of instruments, at what a unit is counted from.
    fn carrying(lots: &[(InstrumentId, i64, f64)]) -> Self {
        let mut core = new_core(Puppet::default());
        core.set_guards(&GuardLimits::OFF).unwrap();
        for valuation in valuations().0 {
            core.on_valuation(Nanos(1), &valuation).unwrap();
        }
        if !lots.is_empty() {
            let begin = Opening::Begin { day: 20_781, as_of: 20_780, lots: 0, actions: 0 };
            core.on_opening(Nanos(1), &begin).unwrap();
        }
        for &(instrument, lots, mark) in lots {
            let lot = CarriedLot {
                strategy: StrategyId::NONE,
                account: AccountId::NONE,
                instrument,
                net: lots * i64::from(LOT),
                price: Px::from_rupees(77.0),
                mark: Px::from_rupees(mark),
                day: 0,
            };
            core.on_opening(Nanos(1), &Opening::Lot(lot)).unwrap();
        }
        core.on_start(Nanos(1));
        Self { core, now: Nanos(1), fills: 0 }
    }

    fn set(&mut self, limit: Limit, value: i64) {
        self.now = self.now.plus(1);
        self.core.on_control(self.now, &Control::SetLimit { limit, value }).unwrap();
    }

    fn ask(
        &mut self,
        id: InstrumentId,
        side: Side,
        rupees: f64,
        lots: u32,
    ) -> Result<ClientOrderId, RejectReason> {
        self.core.strategy_mut().asks = Some((id, side, Px::from_rupees(rupees), lots));
        // Anything an operator does calls the strategy.
        self.set(Limit::Duplicates, 0);
        self.core.strategy_mut().answer.take().unwrap()
    }

    fn report(&mut self, id: ClientOrderId, kind: ExecutionKind, rupees: f64, lots: u32) {
        self.now = self.now.plus(1);
        self.fills += 1;
        let is_fill = kind == ExecutionKind::Fill;
        let report = ExecutionReport {
            client_order_id: id,
            order_id: OrderId(id.0 + 100),
            price: Px::from_rupees(rupees),
            quantity: Qty(lots * LOT),
            fill_id: if is_fill { self.fills } else { 0 },
            kind_code: kind as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: self.now,
        };
        self.core.on_report(self.now, &report).unwrap();
    }

    /// Trades at once.
    fn trade(&mut self, id: InstrumentId, side: Side, rupees: f64, lots: u32) {
        let order = self.ask(id, side, rupees, lots).unwrap();
        self.report(order, ExecutionKind::Accepted, rupees, lots);
        self.report(order, ExecutionKind::Fill, rupees, lots);
    }

    fn worst(&self) -> Money {
        self.core.collateral().unwrap().worst.total()
    }

    fn reductions(&self) -> Vec<u8> {
        let begins = |it: &tezi_core::Emitted| match &it.output {
            Output::RiskReduction(it) => Some(it.begins),
            _ => None,
        };
        self.core.outputs().iter().filter_map(begins).collect()
    }
}

/// Rupees, parts of one rounded up.
fn rupees_up(money: Money) -> i64 {
    let one = Money::from_rupees(1).0;
    i64::try_from((money.0 + one - 1) / one).unwrap()
}

#[test]
fn positions_carried_in_have_margin_and_their_premium_was_paid_before() {
    let mut bench = Bench::carrying(&[(FUTURE, 1, 23_600.0), (CALL, 2, 300.0)]);
    let mut traded = Bench::new();
    traded.trade(FUTURE, Side::Buy, 23_600.0, 1);
    traded.trade(CALL, Side::Buy, 300.0, 2);
    let [carried, paid] = [&bench, &traded].map(|it| it.core.collateral().unwrap());
    assert_eq!((carried.margin, carried.worst), (paid.margin, paid.worst));
    let rupees = |rupees: i64| Money::from_rupees(rupees * i64::from(LOT));
    assert_eq!((carried.premium, paid.premium), (Money::ZERO, rupees(600)));
    // One is sold for 500, and two are bought at 300: the day paid 100.
    bench.trade(CALL, Side::Sell, 500.0, 1);
    assert_eq!(bench.core.collateral().unwrap().premium, Money::ZERO);
    bench.trade(CALL, Side::Buy, 300.0, 2);
    assert_eq!(bench.core.collateral().unwrap().premium, rupees(100));
    let mut out = SnapshotWriter::new();
    bench.core.save(&mut out).unwrap();
    let mut again = Core::new(&config(), Puppet::default(), Reference).unwrap();
    again.load(&mut SnapshotReader::new(out.bytes())).unwrap();
    assert_eq!(again.collateral(), bench.core.collateral());
}

/// The collateral is enough for what it is enough for, and not for a rupee more.
#[test]
fn an_order_needs_margin_for_everything_open() {
    let mut bench = Bench::new();
    bench.ask(FUTURE, Side::Buy, 23_600.0, 2).unwrap();
    let two_lots = rupees_up(bench.worst());
    // Section 4.4: a long lot is some 142 thousand of SPAN, and 2 % of its value.
    assert!((330_000..350_000).contains(&two_lots), "{two_lots}");
    let mut bench = Bench::new();
    bench.set(Limit::MarginAvailable, two_lots - 1);
    bench.ask(FUTURE, Side::Buy, 23_600.0, 1).unwrap();
    assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(RejectReason::Margin));
    bench.set(Limit::MarginAvailable, two_lots);
    bench.ask(FUTURE, Side::Buy, 23_600.0, 1).unwrap();
    // Bought and sold cannot both be worst: the other side of what is open needs nothing more.
    bench.ask(FUTURE, Side::Sell, 23_700.0, 2).unwrap();
    assert_eq!(bench.ask(FUTURE, Side::Sell, 23_700.0, 1), Err(RejectReason::Margin));
}

#[test]
fn at_the_limit_a_position_can_be_taken_back() {
    let mut bench = Bench::new();
    bench.trade(FUTURE, Side::Buy, 23_600.0, 2);
    bench.set(Limit::MarginAvailable, 1_000);
    assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(RejectReason::Margin));
    assert_eq!(bench.ask(FUTURE, Side::Sell, 23_600.0, 5), Err(RejectReason::Margin));
    bench.ask(FUTURE, Side::Sell, 23_600.0, 2).unwrap();
    // With two lots more it could be as short as it is long, and not with a third.
    assert_eq!(bench.ask(FUTURE, Side::Sell, 23_600.0, 3), Err(RejectReason::Margin));
    bench.ask(FUTURE, Side::Sell, 23_600.0, 2).unwrap();
}

/// A bought option needs no margin, and its premium.
#[test]
fn options_are_paid_for_in_full() {
    let mut bench = Bench::new();
    bench.set(Limit::MarginAvailable, 65 * 400 - 1);
    assert_eq!(bench.ask(CALL, Side::Buy, 400.0, 1), Err(RejectReason::Margin));
    bench.set(Limit::MarginAvailable, 65 * 400);
    bench.trade(CALL, Side::Buy, 400.0, 1);
    let view = bench.core.collateral().unwrap();
    assert_eq!((view.margin.total(), view.premium), (Money::ZERO, Money::from_rupees(65 * 400)));
    assert_eq!(bench.ask(CALL, Side::Buy, 400.0, 1), Err(RejectReason::Margin));
}

#[test]
fn a_loss_leaves_less_collateral() {
    let mut bench = Bench::new();
    bench.trade(FUTURE, Side::Buy, 23_600.0, 1);
    bench.trade(FUTURE, Side::Sell, 23_500.0, 1);
    assert_eq!(bench.core.profit(), Money::from_rupees(-6_500));
    bench.ask(FUTURE, Side::Buy, 23_600.0, 1).unwrap();
    let one_lot = rupees_up(bench.worst());
    bench.set(Limit::MarginAvailable, one_lot + 6_499);
    assert_eq!(bench.ask(FUTURE, Side::Sell, 23_700.0, 1).map(drop), Ok(()));
    assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(RejectReason::Margin));
}

/// Section 1.8: 1,500 and 10,000 crore, here in small.
#[test]
fn positions_by_delta_have_limits_net_and_gross() {
    let mut bench = Bench::new();
    let lot: f64 = 23_547.75 * 65.0;
    bench.set(Limit::FutEqNet, (2.0 * lot).ceil() as i64);
    bench.ask(FUTURE, Side::Buy, 23_600.0, 2).unwrap();
    assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(RejectReason::FutEqNet));
    // A call counts for 0.52 of its units; sold, it goes the other way.
    assert_eq!(bench.ask(CALL, Side::Buy, 300.0, 1), Err(RejectReason::FutEqNet));
    bench.ask(CALL, Side::Sell, 300.0, 3).unwrap();
    assert_eq!(bench.ask(CALL, Side::Sell, 300.0, 1), Err(RejectReason::FutEqNet));
    bench.set(Limit::FutEqNet, 0);
    bench.set(Limit::FutEqGross, (2.1 * lot) as i64);
    assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(RejectReason::FutEqGross));
    bench.ask(CALL, Side::Sell, 300.0, 1).unwrap();
    assert_eq!(bench.ask(CALL, Side::Sell, 300.0, 1), Err(RejectReason::FutEqGross));
    let (net, gross) = bench.core.futeq(0).unwrap();
    assert_eq!((net, gross.0 > Money::from_rupees(2 * 1_530_000).0), (Money::ZERO, true));
}

/// NSE: at 90 % of the collateral everything open is cancelled and only what reduces risk leaves; below
/// 85 % that ends.
#[test]
fn risk_is_only_reduced_from_90_percent_until_85() {
    let mut bench = Bench::new();
    bench.trade(FUTURE, Side::Buy, 23_600.0, 2);
    let used = rupees_up(bench.core.collateral().unwrap().margin.total());
    let resting = bench.ask(FUTURE, Side::Buy, 23_000.0, 1).unwrap();
    bench.report(resting, ExecutionKind::Accepted, 23_000.0, 1);
    bench.set(Limit::ReductionAt, 9_000);
    bench.set(Limit::ReductionUntil, 8_500);
    let at = |bps: i64| used * 10_000 / bps;
    bench.set(Limit::MarginAvailable, at(8_900));
    assert!(!bench.core.collateral().unwrap().is_reducing);
    bench.set(Limit::MarginAvailable, at(9_010));
    assert_eq!(bench.reductions(), [1]);
    let cancelled =
        |it: &tezi_core::Emitted| matches!(&it.output, Output::Command(it) if it.kind_code == 3);
    assert_eq!(bench.core.outputs().iter().filter(|it| cancelled(it)).count(), 1);
    bench.report(resting, ExecutionKind::Canceled, 23_000.0, 1);
    // There is margin for a put bought back, but not in this mode.
    bench.set(Limit::MarginAvailable, at(8_600));
    assert_eq!(bench.ask(FUTURE, Side::Sell, 23_600.0, 3), Err(RejectReason::RiskReduction));
    bench.ask(FUTURE, Side::Sell, 23_600.0, 2).unwrap();
    bench.set(Limit::MarginAvailable, at(8_400));
    assert_eq!(bench.reductions(), [0]);
    bench.ask(CALL, Side::Buy, 300.0, 1).unwrap();
}

#[test]
fn what_nobody_valued_is_not_traded_under_such_limits() {
    let mut core = new_core(Puppet::default());
    core.set_guards(&GuardLimits::OFF).unwrap();
    core.on_start(Nanos(1));
    let mut bench = Bench { core, now: Nanos(1), fills: 0 };
    bench.ask(FUTURE, Side::Buy, 23_600.0, 1).unwrap();
    for (limit, reason) in [
        (Limit::FutEqGross, RejectReason::FutEqGross),
        (Limit::FutEqNet, RejectReason::FutEqNet),
        (Limit::MarginAvailable, RejectReason::Margin),
    ] {
        bench.set(limit, i64::MAX >> 1);
        assert_eq!(bench.ask(FUTURE, Side::Buy, 23_600.0, 1), Err(reason));
    }
}

#[test]
fn a_valuation_that_makes_no_sense_changes_nothing() {
    let (file, ..) = valuations();
    let mut core = new_core(Recorded::default());
    let now = Nanos(1);
    let Valuation::Contract(first) = file[1] else { panic!("the future") };
    // A contract before its underlying.
    let told = core.on_valuation(now, &file[1]);
    assert_eq!(told, Err(ValuationError::Margin(MarginRefusal::UnknownUnderlying)));
    core.on_valuation(now, &file[0]).unwrap();
    assert_eq!(core.on_valuation(now, &file[0]), Err(ValuationError::Number));
    core.on_valuation(now, &file[1]).unwrap();
    let hash = core.state_hash();
    let bad = [
        (ContractValuation { instrument: InstrumentId(7), ..first }, ValuationError::NotAContract),
        (ContractValuation { underlying: 1, ..first }, ValuationError::Moved),
        (ContractValuation { futeq_delta: 1_000_001, ..first }, ValuationError::OutOfRange),
        (ContractValuation { loss: [i32::MIN; 16], ..first }, ValuationError::OutOfRange),
        (
            ContractValuation { price: Px::ZERO, ..first },
            ValuationError::Margin(MarginRefusal::BadPrice),
        ),
    ];
    for (valuation, expected) in bad {
        let told = core.on_valuation(now, &Valuation::Contract(valuation));
        assert_eq!(told, Err(expected), "{valuation:?}");
        assert_eq!(core.state_hash(), hash, "{valuation:?}");
    }
}

/// What was told of limits by the last input: limit, instrument, level, use and limit.
fn told(core: &Core<Puppet, Reference>) -> Vec<(Limit, Option<u32>, UseLevel, i64, i64)> {
    let one = |it: &tezi_core::Emitted| match &it.output {
        Output::LimitUse(it) => {
            let instrument = it.instrument().map(|id| id.0);
            Some((it.limit().unwrap(), instrument, it.level().unwrap(), it.value, it.most))
        }
        _ => None,
    };
    core.outputs().iter().filter_map(one).collect()
}

#[test]
fn who_nears_a_limit_is_told_which_and_by_how_much() {
    let mut bench = Bench::new();
    bench.set(Limit::AlertAt, 8_000);
    bench.set(Limit::AlarmAt, 9_500);
    bench.set(Limit::Position, i64::from(10 * LOT));
    bench.set(Limit::UnderlyingNet, i64::from(16 * LOT));
    let lots = |lots: u32| i64::from(lots * LOT);
    // Open orders count before they fill.
    let order = bench.ask(FUTURE, Side::Buy, 23_600.0, 8).unwrap();
    let alert = (Limit::Position, Some(0), UseLevel::Alert, lots(8), lots(10));
    assert_eq!(told(&bench.core), [alert]);
    bench.report(order, ExecutionKind::Accepted, 23_600.0, 8);
    assert_eq!(told(&bench.core), []);
    bench.report(order, ExecutionKind::Fill, 23_600.0, 8);
    assert_eq!(told(&bench.core), []);
    // The underlying counts its other contracts as well; a jump passes levels over.
    bench.ask(InstrumentId(1), Side::Buy, 23_700.0, 8).unwrap();
    let both = [
        (Limit::Position, Some(1), UseLevel::Alert, lots(8), lots(10)),
        (Limit::UnderlyingNet, Some(1), UseLevel::Full, lots(16), lots(16)),
    ];
    assert_eq!(told(&bench.core), both);
    bench.trade(FUTURE, Side::Sell, 23_600.0, 8);
    let below = (Limit::Position, Some(0), UseLevel::Below, 0, lots(10));
    let net = (Limit::UnderlyingNet, Some(0), UseLevel::Below, lots(8), lots(16));
    assert_eq!(told(&bench.core), [below, net]);
}

#[test]
fn losses_and_margin_have_alerts_in_rupees() {
    let mut bench = Bench::new();
    bench.set(Limit::AlertAt, 8_000);
    bench.set(Limit::Loss, 10_000);
    bench.trade(FUTURE, Side::Buy, 23_600.0, 1);
    bench.trade(FUTURE, Side::Sell, 23_470.0, 1);
    let loss = i64::from(130 * LOT);
    assert_eq!(told(&bench.core), [(Limit::Loss, None, UseLevel::Alert, loss, 10_000)]);
    bench.set(Limit::Loss, 0);
    assert_eq!(told(&bench.core), [(Limit::Loss, None, UseLevel::Below, loss, 0)]);
    bench.ask(FUTURE, Side::Buy, 23_600.0, 2).unwrap();
    let needed = bench.worst() + Money::from_rupees(loss);
    let whole = (needed.0 / Money::from_rupees(1).0) as i64;
    // A limit that is set is looked at in the same input.
    bench.set(Limit::MarginAvailable, whole * 5 / 4 + 100);
    assert_eq!(told(&bench.core), []);
    bench.set(Limit::MarginAvailable, whole * 5 / 4);
    let alert = (Limit::MarginAvailable, None, UseLevel::Alert, whole, whole * 5 / 4);
    assert_eq!(told(&bench.core), [alert]);
}
