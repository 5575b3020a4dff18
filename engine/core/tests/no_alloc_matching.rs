//! The matcher does not allocate after its start: every kind of request, over every phase and at every
//! bound, under an allocator that counts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use tezi_core::book::BooksConfig;
use tezi_core::matching::{
    BlockTerms, InstrumentTerms, Leg, LegPriceRule, LegsOrder, Matcher, MatcherConfig, Order,
    Owner, Pan, Report, SelfTrade, Spread, Target, TradeKind,
};
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::{OrderType, Phase};
use tezi_model::{InstrumentId, Money, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};
use tezi_testing::Random;
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// Kinds of report, by which the test knows that it has seen them.
#[derive(Default)]
struct Seen([u64; 15]);

impl Seen {
    fn note(&mut self, report: &Report) {
        let kind = match report {
            Report::Accepted(_) => 0,
            Report::Modified(_) => 1,
            Report::Canceled(..) => 2,
            Report::Priced(_) => 3,
            Report::Triggered(_) => 4,
            Report::Frozen(_) => 5,
            Report::Replenished(_) => 6,
            Report::TradeCanceled(_) => 7,
            Report::Refused { refusal: tezi_core::matching::Refusal::Capacity, .. } => 8,
            Report::Refused { .. } => 9,
            Report::Traded(trade) => match trade.kind {
                TradeKind::Regular if trade.aggressor.is_none() => 10,
                TradeKind::Regular => 11,
                TradeKind::Spread => 12,
                TradeKind::NearLeg | TradeKind::FarLeg => 13,
                TradeKind::Block => 14,
            },
        };
        self.0[kind] += 1;
    }
}

const CONTRACTS: u64 = 3;

/// Small enough that every bound is met.
fn matcher() -> Matcher {
    let mut matcher = Matcher::new(&MatcherConfig {
        books: BooksConfig { instruments_max: 4, orders_max: 60, levels_max: 24 },
        stops_max: 8,
        frozen_max: 3,
        trades_max: 64,
        blocks_max: 4,
        ..MatcherConfig::small(Segment::NseFo)
    });
    let terms = InstrumentTerms {
        reference: Px(1_000),
        freeze: Some(Qty(120)),
        ..InstrumentTerms::new(Px(5), Qty(10))
    };
    for _ in 0..CONTRACTS {
        matcher.add_instrument(&terms).unwrap();
    }
    let spread =
        Spread { near: InstrumentId(0), far: InstrumentId(1), leg_price: LegPriceRule::Near };
    matcher.add_spread(&InstrumentTerms::spread(Px(5), Qty(10)), spread).unwrap();
    matcher
}

fn order(random: &mut Random) -> Order {
    let side = if random.below(2) == 0 { Side::Buy } else { Side::Sell };
    let is_spread = random.below(6) == 0;
    let types = [OrderType::Market, OrderType::StopLimit, OrderType::StopMarket];
    let order_type = match random.below(12) {
        kind @ 0..3 if !is_spread => types[kind as usize],
        _ => OrderType::Limit,
    };
    let away = 5 * (random.below(13) as i64 - 6);
    let price = if is_spread { away } else { 1_000 + away };
    let pans = ["", "", "AAAAA1111A", "BBBBB2222B"];
    let pan = Pan::parse(pans[random.below(4) as usize]).unwrap();
    let is_hidden = !is_spread && random.below(5) == 0;
    let is_immediate = !is_spread && random.below(8) == 0;
    let instrument = if is_spread { CONTRACTS } else { random.below(CONTRACTS) };
    Order {
        order_type,
        time_in_force: if is_immediate { TimeInForce::Ioc } else { TimeInForce::Day },
        trigger: Px(price - side.sign() * 5),
        disclosed: Qty(if is_hidden { 10 } else { 0 }),
        owner: Owner { pan, ..Owner::default() },
        self_trade: if random.below(2) == 0 {
            SelfTrade::CancelActive
        } else {
            SelfTrade::CancelPassive
        },
        member: 1 + random.below(2) as u32,
        ..Order::limit(
            InstrumentId(instrument as u32),
            side,
            Px(price),
            Qty(10 * (1 + random.below(13) as u32)),
        )
    }
}

/// One request. What it answers is in the reports, or not asked here.
fn step(random: &mut Random, matcher: &mut Matcher, now: Nanos, seen: &mut Seen) {
    let (ids, trades) = (seen.0[0], seen.0[10..].iter().sum::<u64>());
    let mut sink = |report: &Report| seen.note(report);
    let instrument = InstrumentId(random.below(CONTRACTS + 1) as u32);
    // Orders that are still there are among the latest.
    let id = OrderId(ids.saturating_sub(random.below(80)));
    let member = 1 + random.below(2) as u32;
    let order = order(random);
    let limit = |instrument: u64, random: &mut Random| Leg {
        instrument: InstrumentId(instrument as u32),
        side: if random.below(2) == 0 { Side::Buy } else { Side::Sell },
        price: Px(1_000 + 5 * (random.below(13) as i64 - 6)),
        quantity: Qty(10 * (1 + random.below(8) as u32)),
    };
    let window =
        BlockTerms { range: PriceBand { low: Px(900), high: Px(1_100) }, value_min: Money(0) };
    let _ = match random.below(64) {
        0..28 => matcher.submit(now, &order, &mut sink).map(|_| ()),
        28..38 => matcher.modify(now, Target::new(id, member), &order, &mut sink),
        38..48 => matcher.cancel(now, Target::new(id, member), &mut sink),
        48..52 => {
            let first = limit(0, random);
            let third = (random.below(2) == 0).then(|| limit(2, random));
            let legs = LegsOrder::new(first, limit(1, random), third);
            matcher.submit_legs(now, &legs, &mut sink).map(|_| ())
        }
        52..55 => {
            let plain = Order::limit(InstrumentId(0), order.side, Px(1_000), Qty(10));
            let block = Order { member, owner: order.owner, ..plain };
            matcher.submit_block(now, &block, &mut sink).map(|_| ())
        }
        55 => matcher.open_blocks(instrument, window),
        56 if random.below(10) == 0 => matcher.close_blocks(now, instrument, &mut sink),
        57 => matcher.decide_freeze(now, id, random.below(2) == 0, &mut sink),
        58 => matcher.cancel_trade(now, trades.saturating_sub(random.below(64)), &mut sink),
        59 => {
            let phase = Phase::ALL[random.below(13) as usize];
            matcher.set_phase(now, instrument, phase, &mut sink)
        }
        60 => {
            let middle = if u64::from(instrument.0) < CONTRACTS { 1_000 } else { 0 };
            let low = middle - 5 * (3 + random.below(10) as i64);
            let band = PriceBand { low: Px(low), high: Px(low + 70) };
            matcher.set_band(now, instrument, band, &mut sink)
        }
        61 if random.below(20) == 0 => matcher
            .cancel_member(now, member, (random.below(2) == 0).then_some(instrument), &mut sink)
            .map(|_| ()),
        62 => matcher.set_close(instrument, Px(1_000)),
        _ => {
            matcher.set_phase_all(now, Phase::Continuous, &mut sink);
            Ok(())
        }
    };
}

#[test]
fn no_request_allocates_in_any_phase_or_at_any_bound() {
    let (mut matcher, mut random) = (matcher(), Random(11));
    let mut seen = Seen::default();
    for index in 0..200_000_i64 {
        let before = allocation::count();
        step(&mut random, &mut matcher, Nanos(1 + index), &mut seen);
        let allocations = allocation::count() - before;
        assert_eq!(allocations, 0, "request {index} allocated");
    }
    assert!(matcher.is_consistent());
    assert!(seen.0.iter().all(|&count| count > 50), "every kind was seen: {:?}", seen.0);
}

#[test]
fn the_counter_counts() {
    let before = allocation::count();
    let some = std::hint::black_box(Box::new(1));
    assert!(allocation::count() > before);
    drop(some);
}
