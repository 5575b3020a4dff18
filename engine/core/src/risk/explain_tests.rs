//! What is told of a request against what the checks do with it.

use super::explain::Checks;
use super::*;
use tezi_model::{InstrumentId, Segment, Symbol, Token};
use tezi_testing::Random;

/// A random instrument, small enough that every bound is met now and then.
fn instrument(random: &mut Random) -> Instrument {
    let mut it = Instrument::unknown(Segment::NseFo, Token(1));
    it.symbol = Symbol::new("NIFTY");
    it.tick = px([0, 5, 10][random.below(3) as usize]);
    it.lot = Qty([0, 1, 25, 50][random.below(4) as usize]);
    it.freeze_quantity = Qty([0, 100][random.below(2) as usize]);
    it.price_low = px([0, 500][random.below(2) as usize]);
    it.price_high = px([0, 1_500][random.below(2) as usize]);
    if random.below(20) == 0 { Instrument::index(Segment::NseFo, Token(1)) } else { it }
}

/// Prices of a thousandth of a rupee and orders of a few rupees.
const fn px(units: i64) -> Px {
    Px(units * 100_000)
}

fn price(random: &mut Random) -> Px {
    px((400 + random.below(1_200) as i64) / 5 * 5 - i64::from(random.below(9) == 0) * 2_000)
}

fn limits(random: &mut Random) -> RiskLimits {
    let mut off = |value: i64| if random.below(3) == 0 { 0 } else { value };
    RiskLimits {
        order_value_max: off(100),
        open_order_value_max: off(200),
        loss_max: 0,
        position_max: off(120),
        open_orders_max: off(3) as u32,
        messages_per_second_max: off(3) as u32,
        fat_finger_bps: off(2_000) as u32,
        trade_on_stale: off(1) as u16,
        trade_when_halted: off(1) as u16,
    }
}

fn market(random: &mut Random) -> Market {
    let statuses = [TradingStatus::Open, TradingStatus::Halted, TradingStatus::Auction];
    let some = |random: &mut Random| (random.below(2) == 0).then(|| price(random));
    Market {
        opposite_touch: some(random),
        last_trade: some(random),
        own_opposite: (random.below(4) == 0).then(|| price(random)),
        is_stale: random.below(8) == 0,
        status: if random.below(4) == 0 { statuses[random.below(3) as usize] } else { statuses[0] },
        net: random.below(200) as i64 - 100,
        exposure: Exposure {
            buy: random.below(80) as i64,
            sell: random.below(80) as i64,
            orders: 1,
        },
        open_orders: random.below(4) as usize,
        open_value: Money::from_rupees(random.below(150) as i64),
    }
}

fn proposal(random: &mut Random) -> Proposal {
    let quantity = Qty(random.below(6) as u32 * 25);
    let filled = Qty(random.below(30) as u32);
    let side = Side::BOTH[random.below(2) as usize];
    let mut it = Proposal::new_order(side, price(random), quantity);
    if random.below(3) == 0 {
        it.open_quantity = quantity.saturating_sub(filled);
        let had = random.below(60) as u32;
        it.replaces = Some((Qty(had), price(random).value(i64::from(had)).abs()));
    }
    it
}

fn guards(random: &mut Random, definition: &Instrument) -> Guards {
    let mut guards = Guards::new(2);
    guards.on_define(InstrumentId(0), definition);
    if random.below(4) == 0 {
        return guards;
    }
    let mut off = |value: i64| if random.below(3) == 0 { 0 } else { value };
    guards.set_limits(GuardLimits {
        underlying_net_max: off(110),
        underlying_gross_max: off(130),
        duplicate_window_ns: off(1_000),
        duplicates_max: off(1) as u32,
        instrument_orders_max: off(3) as u32,
        in_flight_max: off(4) as u32,
        segment_orders_max: off(3) as u32,
        theoretical_bps: off(1_500) as u32,
        ..GuardLimits::OFF
    });
    let id = InstrumentId(0);
    if random.below(3) == 0 {
        let code = random.below(5) as u8;
        guards.restrict(id, Restriction::from_code(code).unwrap());
    }
    if random.below(3) == 0 {
        guards.set_range(id, px(600), px(1_300));
    }
    let is_known = random.below(2) == 0;
    guards.set_theoretical(id, if is_known { price(random) } else { Px::ZERO });
    guards
}

#[test]
fn the_first_check_told_as_failing_is_the_one_that_refuses() {
    let mut random = Random(0xE0);
    let mut seen = std::collections::BTreeMap::new();
    for round in 0..200_000_u64 {
        let definition = instrument(&mut random);
        let (market, proposal) = (market(&mut random), proposal(&mut random));
        let mut risk = Risk::new(limits(&mut random));
        let now = Nanos(5_000_000_000);
        (0..random.below(4)).for_each(|_| risk.count_message(now));
        match random.below(12) {
            0 => risk.stop(RejectReason::Killed),
            1 => risk.stop(RejectReason::LossLimit),
            2 => drop(risk.set_session(OrderSessionState::Down)),
            3 => drop(risk.set_session(OrderSessionState::Live)),
            _ => {}
        }
        let mut guards = guards(&mut random, &definition);
        let id = InstrumentId(0);
        guards.note(id, market.net, market.exposure);
        let in_flight = random.below(6) as u32;
        let ask = Ask { now, instrument: id, proposal: &proposal, in_flight };
        let earlier = Proposal::new_order(proposal.side, price(&mut random), proposal.quantity);
        for _ in 0..random.below(5) {
            let earlier = if random.below(2) == 0 { &proposal } else { &earlier };
            guards.count(&Ask { now, instrument: id, proposal: earlier, in_flight });
        }
        let verdict = risk.check(now, &definition, &market, &proposal);
        let verdict = verdict.and_then(|()| guards.check(&ask));
        let mut checks = Checks(Vec::new());
        risk.explain(now, &definition, &market, &proposal, &mut checks);
        guards.explain(&ask, &mut checks);
        let failing = checks.0.iter().find(|check| !check.passed).map(|check| check.reason);
        assert_eq!(failing, verdict.err(), "round {round}: {proposal:?} {market:?}");
        let reasons: Vec<_> = checks.0.iter().map(|check| check.reason).collect();
        assert!(reasons.is_sorted(), "told in order of precedence: {reasons:?}");
        *seen.entry(failing).or_insert(0) += 1;
    }
    // Every check refused something, and something passed all of them.
    assert!(seen[&None] > 1_000, "{seen:?}");
    assert_eq!(seen.len(), 1 + 29, "{seen:?}");
}
