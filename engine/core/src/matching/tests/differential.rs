//! Random requests over all order types and forms, phases and instruments, spreads and what is asked of
//! the whole market: the matcher and the naive one must say the same, report by report, and end in the
//! same books. A failing case shrinks before it is shown.
//!
//! The short run is 60,000 requests; the long one, three million, is asked for with `--ignored`. The
//! environment variable `TEZI_DIFFERENTIAL_CASES` sets the number of cases of 300 requests each, and
//! `TEZI_DIFFERENTIAL_SEED` the first seed, so that a failing case is run again alone.

use std::fmt::Write;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tezi_model::{InstrumentId, Money, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};

use super::super::{
    BlockTerms, InstrumentTerms, Leg, LegPriceRule, LegsFill, LegsOrder, Matcher, MatcherConfig,
    Order, OrderForm, OrderState, Owner, Pan, Refusal, Report, SelfTrade, Spread, Target,
    TradeKind,
};
use super::naive::{Naive, in_order_of_trading};
use crate::venue::Rate;
use crate::venue::bands::PriceBand;
use crate::venue::rules::AllocationOrder;
use crate::venue::session::{OrderType, Phase};
use tezi_testing::Random;

/// Three contracts and two spreads between them.
const INSTRUMENTS: u32 = 5;
const CONTRACTS: u32 = 3;
const TICK: i64 = 5;
const LOT: u32 = 10;
const OPERATIONS: usize = 300;

const BLOCKS: BlockTerms =
    BlockTerms { range: PriceBand { low: Px(970), high: Px(1_030) }, value_min: Money(45_000) };

#[derive(Clone, Copy, Debug)]
enum Operation {
    Submit(Order),
    SubmitLegs(LegsOrder),
    SubmitBlock(Order),
    Modify(Target, Order),
    Cancel(Target),
    Phase(InstrumentId, Phase),
    Band(InstrumentId, PriceBand),
    Close(InstrumentId, Px),
    Decide(OrderId, bool),
    CancelTrade(u64),
    Blocks(InstrumentId, Option<BlockTerms>),
    PhaseAll(Phase),
    CancelMember(u32, Option<InstrumentId>),
}

fn terms() -> Vec<InstrumentTerms> {
    let base = InstrumentTerms {
        reference: Px(1_000),
        freeze: Some(Qty(300)),
        disclosed_min: Some(Rate(Rate::ONE / 10)),
        ..InstrumentTerms::new(Px(TICK), Qty(LOT))
    };
    (0..CONTRACTS)
        .map(|index| InstrumentTerms {
            opening_allocation: if index == 1 {
                AllocationOrder::MarketFirst
            } else {
                AllocationOrder::LimitFirst
            },
            ..base
        })
        .collect()
}

/// The spreads: one of each way to price legs.
fn spreads() -> [(InstrumentTerms, Spread); 2] {
    let terms =
        InstrumentTerms { freeze: Some(Qty(100)), ..InstrumentTerms::spread(Px(TICK), Qty(LOT)) };
    let spread = |near, far, leg_price| {
        (terms, Spread { near: InstrumentId(near), far: InstrumentId(far), leg_price })
    };
    [spread(0, 1, LegPriceRule::Near), spread(1, 2, LegPriceRule::Far)]
}

fn naive(legs_fill: LegsFill) -> Naive {
    let spreads = spreads();
    let mut terms = terms();
    terms.extend(spreads.iter().map(|(terms, _)| *terms));
    let mut naive = Naive::new(&terms);
    for (market, (_, spread)) in naive.markets[CONTRACTS as usize..].iter_mut().zip(spreads) {
        market.spread = Some(spread);
    }
    naive.legs_fill = legs_fill;
    naive
}

/// A plain order of a spread, most of the time, at a difference around zero.
fn random_spread_order(random: &mut Random) -> Order {
    let order = random_order(random);
    let is_plain = random.below(10) > 0;
    let instrument = InstrumentId(CONTRACTS + random.below(2) as u32);
    let price = order.price - Px(1_000);
    let order = Order { instrument, price, ..order };
    if !is_plain {
        return order;
    }
    let quantity = Qty(LOT * (1 + random.below(10) as u32));
    Order {
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        disclosed: Qty::ZERO,
        quantity,
        ..order
    }
}

fn random_legs(random: &mut Random) -> LegsOrder {
    let count = 2 + random.below(2) as usize;
    let start = random.below(u64::from(CONTRACTS)) as u32;
    let template = random_order(random);
    let mut legs = [None; 3];
    for (index, leg) in (0..).zip(&mut legs[..count]) {
        let order = random_order(random);
        // Now and then a contract twice, or a spread.
        let turn = (start + index) % CONTRACTS;
        let instrument = if random.below(12) == 0 { random.below(5) as u32 } else { turn };
        let better = TICK * (5 + random.below(6) as i64);
        let is_odd = random.below(12) == 0;
        let lots = 2 * (1 + random.below(4) as u32);
        *leg = Some(Leg {
            instrument: InstrumentId(instrument),
            side: order.side,
            price: Px(1_000 + order.side.sign() * better),
            quantity: if is_odd { order.quantity } else { Qty(LOT * lots) },
        });
    }
    let Order { owner, self_trade, member, reference, .. } = template;
    LegsOrder { legs, owner, self_trade, member, reference }
}

/// An order of one of few prices and quantities, so that counterparts come.
fn random_block(random: &mut Random) -> Order {
    let order = random_order(random);
    let is_plain = random.below(8) > 0;
    let price = Px(1_000 + TICK * random.below(2) as i64);
    let quantity = Qty(LOT * (4 + random.below(2) as u32));
    if !is_plain {
        return Order { price, ..order };
    }
    let instrument = InstrumentId(1 + random.below(2) as u32);
    let order = Order { instrument, ..order };
    let (order_type, time_in_force) = (OrderType::Limit, TimeInForce::Day);
    Order { price, quantity, order_type, time_in_force, disclosed: Qty::ZERO, ..order }
}

fn random_order(random: &mut Random) -> Order {
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    let order_type = match random.below(20) {
        0..13 => OrderType::Limit,
        13..16 => OrderType::Market,
        16..18 => OrderType::StopLimit,
        _ => OrderType::StopMarket,
    };
    let price = 1_000 + TICK * (random.below(21) as i64 - 10);
    let trigger = price - side.sign() * TICK * (random.below(4) as i64 - 1);
    let odd = i64::from(random.below(40) == 0);
    let quantity = LOT * (1 + random.below(12) as u32) + u32::from(random.below(60) == 0);
    let is_large = random.below(40) == 0;
    let is_hidden = random.below(5) == 0;
    // Now and then a spread, or one that is not there.
    let others = u64::from(INSTRUMENTS - CONTRACTS + 1);
    let instruments = u64::from(CONTRACTS) + if random.below(50) == 0 { others } else { 0 };
    let pans = ["", "", "", "AAAAA1111A", "BBBBB2222B"];
    let pan = Pan::parse(pans[random.below(5) as usize]).unwrap();
    Order {
        instrument: InstrumentId(random.below(instruments) as u32),
        side,
        order_type,
        time_in_force: if random.below(8) == 0 { TimeInForce::Ioc } else { TimeInForce::Day },
        price: Px(price + odd),
        trigger: Px(trigger),
        quantity: Qty(if is_large { 310 } else { quantity }),
        disclosed: Qty(if is_hidden { LOT * (1 + random.below(3) as u32) } else { 0 }),
        owner: Owner { pan, ..Owner::default() },
        self_trade: if random.below(2) == 0 {
            SelfTrade::CancelActive
        } else {
            SelfTrade::CancelPassive
        },
        member: 1 + random.below(2) as u32,
        reference: random.below(1_000),
    }
}

fn random_phase(random: &mut Random) -> Phase {
    if random.below(3) == 0 { Phase::Continuous } else { Phase::ALL[random.below(13) as usize] }
}

/// A request that makes sense in the state of the naive matcher, most of the time.
fn random_operation(random: &mut Random, naive: &Naive) -> Operation {
    let known: Vec<_> = naive.resting.iter().chain(&naive.stops).chain(&naive.blocks).collect();
    let instrument = InstrumentId(random.below(u64::from(INSTRUMENTS)) as u32);
    let is_open = naive.phase(instrument) == Phase::Continuous;
    let any_id = OrderId(random.below(200));
    match random.below(100) {
        0..5 if !is_open || random.below(4) == 0 => {
            Operation::Phase(instrument, random_phase(random))
        }
        5 => {
            let middle = if instrument.0 < CONTRACTS { 940 } else { -60 };
            let low = middle + TICK * random.below(8) as i64;
            Operation::Band(instrument, PriceBand { low: Px(low), high: Px(low + 80) })
        }
        6 => Operation::Close(instrument, Px(1_000)),
        7..10 => {
            let at = random.below(naive.frozen.len().max(1) as u64) as usize;
            let id = naive.frozen.get(at).map_or(any_id, |(frozen, _)| frozen.id);
            Operation::Decide(id, random.below(3) > 0)
        }
        10 => Operation::CancelTrade(random.below(60)),
        _ if random.below(60) == 0 => random_of_all(random),
        11..35 if !known.is_empty() => {
            let old = known[random.below(known.len() as u64) as usize];
            let target = Target::new(old.id, old.order.member);
            Operation::Modify(target, random_change(random, old.order))
        }
        35..50 => {
            let old = known.get(random.below(known.len().max(1) as u64) as usize);
            let target =
                old.map_or(Target::new(any_id, 1), |old| Target::new(old.id, old.order.member));
            let member = if random.below(30) == 0 { 9 } else { target.member };
            Operation::Cancel(Target { member, ..target })
        }
        50..60 => Operation::Submit(random_spread_order(random)),
        60..67 => Operation::SubmitLegs(random_legs(random)),
        67..72 => Operation::SubmitBlock(random_block(random)),
        _ => Operation::Submit(random_order(random)),
    }
}

/// What the exchange does to many orders, or a member to all of its own.
fn random_of_all(random: &mut Random) -> Operation {
    let instrument = InstrumentId(random.below(u64::from(INSTRUMENTS)) as u32);
    match random.below(8) {
        0..4 => Operation::Blocks(instrument, Some(BLOCKS)),
        4 => Operation::Blocks(instrument, None),
        5 if random.below(4) > 0 => Operation::PhaseAll(Phase::Continuous),
        5 => Operation::PhaseAll(random_phase(random)),
        6 => Operation::CancelMember(1 + random.below(2) as u32, None),
        _ => Operation::CancelMember(1 + random.below(2) as u32, Some(instrument)),
    }
}

fn random_change(random: &mut Random, old: Order) -> Order {
    let fresh = random_order(random);
    match random.below(9) {
        0 => Order { price: fresh.price, ..old },
        1 | 2 => Order { quantity: Qty(old.quantity.0.saturating_sub(LOT)), ..old },
        3 => Order { quantity: Qty(old.quantity.0 + LOT * (random.below(30) as u32)), ..old },
        4 => Order { disclosed: fresh.disclosed, ..old },
        5 => Order { trigger: fresh.trigger, price: fresh.price, ..old },
        6 => Order {
            order_type: fresh.order_type,
            price: fresh.price,
            trigger: fresh.trigger,
            ..old
        },
        7 => Order { time_in_force: fresh.time_in_force, reference: fresh.reference, ..old },
        _ => fresh,
    }
}

fn apply_naive(naive: &mut Naive, now: Nanos, operation: Operation) {
    match operation {
        Operation::Submit(order) => naive.submit(now, &order),
        Operation::Modify(target, order) => naive.modify(now, target, &order),
        Operation::Cancel(target) => naive.cancel(now, target),
        Operation::Phase(instrument, phase) => naive.set_phase(now, instrument, phase),
        Operation::Band(instrument, band) => naive.set_band(now, instrument, band),
        Operation::Close(instrument, price) => naive.set_close(instrument, price),
        Operation::Decide(id, is_released) => naive.decide_freeze(now, id, is_released),
        Operation::CancelTrade(trade_id) => naive.cancel_trade(now, trade_id),
        Operation::SubmitLegs(order) => naive.submit_legs(now, &order),
        Operation::SubmitBlock(order) => naive.submit_block(now, &order),
        Operation::Blocks(instrument, terms) => naive.set_blocks(now, instrument, terms),
        Operation::PhaseAll(phase) => naive.set_phase_all(now, phase),
        Operation::CancelMember(member, one) => naive.cancel_member(now, member, one),
    }
}

/// What is refused stands in the reports, apart from what only the exchange's operator asks.
fn apply(
    matcher: &mut Matcher,
    now: Nanos,
    operation: Operation,
    reports: &mut Vec<Report>,
) -> Result<(), Refusal> {
    match operation {
        Operation::Submit(order) => matcher.submit(now, &order, reports).map(|_| ()),
        Operation::Modify(target, order) => matcher.modify(now, target, &order, reports),
        Operation::Cancel(target) => matcher.cancel(now, target, reports),
        Operation::Phase(instrument, phase) => matcher.set_phase(now, instrument, phase, reports),
        Operation::Band(instrument, band) => matcher.set_band(now, instrument, band, reports),
        Operation::Close(instrument, price) => matcher.set_close(instrument, price),
        Operation::Decide(id, is_released) => matcher.decide_freeze(now, id, is_released, reports),
        Operation::CancelTrade(trade_id) => matcher.cancel_trade(now, trade_id, reports),
        Operation::SubmitLegs(order) => matcher.submit_legs(now, &order, reports).map(|_| ()),
        Operation::SubmitBlock(order) => matcher.submit_block(now, &order, reports).map(|_| ()),
        Operation::Blocks(instrument, Some(terms)) => matcher.open_blocks(instrument, terms),
        Operation::Blocks(instrument, None) => matcher.close_blocks(now, instrument, reports),
        Operation::PhaseAll(phase) => {
            matcher.set_phase_all(now, phase, reports);
            Ok(())
        }
        Operation::CancelMember(member, one) => {
            matcher.cancel_member(now, member, one, reports).map(|_| ())
        }
    }
}

/// What must hold whatever the rules say.
fn check_reports(reports: &[Report], matcher: &Matcher) -> Result<(), String> {
    for report in reports {
        if let Report::Traded(trade) = report {
            let [buy, sell] = trade.order_ids;
            if trade.quantity == Qty::ZERO || buy == sell {
                return Err(format!("a trade of nothing or with itself: {trade:?}"));
            }
        }
    }
    if matcher.is_consistent() { Ok(()) } else { Err("the matcher is not consistent".into()) }
}

/// Runs operations through both; says how they differ.
fn run(operations: &[Operation], legs_fill: LegsFill) -> Result<(), String> {
    let mut naive = naive(legs_fill);
    let mut matcher = matcher(legs_fill);
    let mut reports = Vec::new();
    for (index, &operation) in operations.iter().enumerate() {
        step(&mut naive, &mut matcher, &mut reports, index, operation)?;
    }
    Ok(())
}

pub(super) fn matcher(legs_fill: LegsFill) -> Matcher {
    let mut matcher = Matcher::new(&MatcherConfig {
        legs_fill,
        blocks_max: 512,
        trades_max: 1 << 12,
        ..MatcherConfig::small(Segment::NseFo)
    });
    for terms in terms() {
        matcher.add_instrument(&terms).unwrap();
    }
    for (terms, spread) in spreads() {
        matcher.add_spread(&terms, spread).unwrap();
    }
    matcher
}

fn step(
    naive: &mut Naive,
    matcher: &mut Matcher,
    reports: &mut Vec<Report>,
    index: usize,
    operation: Operation,
) -> Result<(), String> {
    let now = Nanos(1 + index as i64);
    naive.reports.clear();
    reports.clear();
    apply_naive(naive, now, operation);
    let result = apply(matcher, now, operation, reports);
    let is_refused = matches!(reports.last(), Some(Report::Refused { .. }));
    if is_refused && result.is_ok() != matches!(operation, Operation::Decide(_, false)) {
        return Err(format!("a refusal that is not returned: {result:?}"));
    }
    if naive.reports != *reports {
        return Err(format!("expected {:#?}\nfound {reports:#?}", naive.reports));
    }
    check_reports(reports, matcher)?;
    for instrument in (0..INSTRUMENTS).map(InstrumentId) {
        let expected = in_order_of_trading(&naive.resting, instrument);
        let expected = expected.iter().map(|order| (order.id, order.shown));
        let found =
            Side::BOTH.into_iter().flat_map(|side| matcher.books().orders(instrument, side));
        let found: Vec<_> = found.map(|order| (order.order_id, order.quantity.0)).collect();
        let expected: Vec<_> = expected.collect();
        if expected != found {
            return Err(format!("books differ: expected {expected:?}, found {found:?}"));
        }
    }
    let is_same = naive.stops.len() == matcher.stops().orders_count()
        && naive.blocks.len() == matcher.blocks_count();
    if is_same { Ok(()) } else { Err("stop-loss or block orders differ".into()) }
}

/// As [`run`]; a stop of either matcher is a difference too.
fn fails(operations: &[Operation], legs_fill: LegsFill) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| run(operations, legs_fill)))
        .unwrap_or_else(|_| Err("stopped".into()))
        .err()
}

/// Leaves out parts of a failing case as long as it still fails.
fn shrink(mut operations: Vec<Operation>, legs_fill: LegsFill) -> Vec<Operation> {
    let mut size = operations.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < operations.len() {
            let mut shorter = operations.clone();
            shorter.drain(start..operations.len().min(start + size));
            if fails(&shorter, legs_fill).is_some() {
                operations = shorter;
            } else {
                start += size;
            }
        }
        size /= 2;
    }
    operations
}

fn generate(seed: u64) -> Vec<Operation> {
    let mut random = Random(seed);
    let mut naive = naive(fill_of(seed));
    let mut operations: Vec<Operation> = (0..INSTRUMENTS)
        .map(|index| Operation::Phase(InstrumentId(index), Phase::Continuous))
        .chain([Operation::Blocks(InstrumentId(1), Some(BLOCKS))])
        .collect();
    for (index, &operation) in operations.iter().enumerate() {
        apply_naive(&mut naive, Nanos(1 + index as i64), operation);
    }
    while operations.len() < OPERATIONS {
        let operation = random_operation(&mut random, &naive);
        apply_naive(&mut naive, Nanos(1 + operations.len() as i64), operation);
        operations.push(operation);
    }
    operations
}

/// Each seed has its way to fill orders of several legs.
const fn fill_of(seed: u64) -> LegsFill {
    if seed.is_multiple_of(4) { LegsFill::AllOrNone } else { LegsFill::Proportional }
}

/// Runs the cases of these seeds; how many reports of each kind there were.
fn compare(seeds: Range<u64>) -> [u64; 16] {
    let mut kinds = [0_u64; 16];
    for seed in seeds {
        let (operations, legs_fill) = (generate(seed), fill_of(seed));
        if fails(&operations, legs_fill).is_some() {
            let small = shrink(operations, legs_fill);
            let mut text = String::new();
            for operation in &small {
                writeln!(text, "  {operation:?}").unwrap();
            }
            let why = fails(&small, legs_fill).unwrap();
            panic!("seed {seed}, {} operations:\n{text}{why}", small.len());
        }
        let mut naive = naive(legs_fill);
        for (index, &operation) in operations.iter().enumerate() {
            naive.reports.clear();
            apply_naive(&mut naive, Nanos(1 + index as i64), operation);
            for report in &naive.reports {
                kinds[kind(report)] += 1;
            }
        }
    }
    kinds
}

const fn kind(report: &Report) -> usize {
    match report {
        Report::Accepted(_) => 0,
        Report::Modified(_) => 1,
        // Of several legs, whose rest leaves after a part has traded.
        Report::Canceled(OrderState { form: OrderForm::TwoLegs, traded, .. }, _)
            if traded.0 > 0 =>
        {
            14
        }
        Report::Canceled(OrderState { form: OrderForm::ThreeLegs, traded, .. }, _)
            if traded.0 > 0 =>
        {
            15
        }
        Report::Canceled(..) => 2,
        Report::Priced(_) => 3,
        Report::Triggered(_) => 4,
        Report::Frozen(_) => 5,
        Report::Replenished(_) => 6,
        Report::TradeCanceled(_) => 7,
        Report::Refused { .. } => 8,
        Report::Traded(trade) => match trade.kind {
            TradeKind::Regular => 9,
            TradeKind::Spread => 10,
            TradeKind::NearLeg => 11,
            TradeKind::FarLeg => 12,
            TradeKind::Block => 13,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number from the environment.
    fn setting(name: &str, default: u64) -> u64 {
        let text = std::env::var(name).unwrap_or_default();
        text.parse().unwrap_or(default)
    }

    /// The seeds to run: these many from 0, unless the environment says otherwise.
    fn seeds(cases: u64) -> Range<u64> {
        let first = setting("TEZI_DIFFERENTIAL_SEED", 0);
        first..first + setting("TEZI_DIFFERENTIAL_CASES", cases)
    }

    #[test]
    fn it_does_what_the_naive_matcher_does() {
        let kinds = compare(seeds(200));
        assert!(
            kinds.iter().all(|&count| count > 20),
            "every kind of report was compared: {kinds:?}"
        );
    }

    #[test]
    #[ignore = "a minute: cargo test --release -p tezi-core --lib naive -- --ignored"]
    fn it_does_what_the_naive_matcher_does_for_long() {
        compare(seeds(10_000));
    }
}
