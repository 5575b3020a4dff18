//! The state hash: equal for the same requests, another for each thing that differs.

use tezi_model::{InstrumentId, Money, Nanos, OrderId, Px, Qty, Segment, Side, StateHasher};

use super::super::{
    BlockTerms, InstrumentTerms, LegPriceRule, LegsFill, Matcher, MatcherConfig, Order, Owner, Pan,
    ParticipantCode, Report, SelfTrade, Spread, Target,
};
use crate::venue::Rate;
use crate::venue::bands::PriceBand;
use crate::venue::session::{OrderType, Phase};

const INSTRUMENT: InstrumentId = InstrumentId(0);
const BAND: PriceBand = PriceBand { low: Px(10), high: Px(1_000) };

fn hash(matcher: &Matcher) -> u64 {
    let mut hasher = StateHasher::default();
    matcher.hash_into(&mut hasher);
    hasher.finish()
}

fn config() -> MatcherConfig {
    MatcherConfig::small(Segment::NseFo)
}

fn terms() -> InstrumentTerms {
    InstrumentTerms {
        band: BAND,
        freeze: Some(Qty(500)),
        reference: Px(100),
        ..InstrumentTerms::new(Px(1), Qty(1))
    }
}

/// A way to come to a state: what may differ, one thing at a time.
#[derive(Clone)]
struct Way {
    config: MatcherConfig,
    terms: InstrumentTerms,
    spread: Spread,
    first: Order,
    second: Order,
    stop: Order,
    frozen: Order,
    block: Order,
    window: BlockTerms,
    last: fn(&mut Matcher, &mut Vec<Report>),
}

fn way() -> Way {
    let order = Order::limit(INSTRUMENT, Side::Buy, Px(100), Qty(100));
    let spread = Spread { near: INSTRUMENT, far: InstrumentId(1), leg_price: LegPriceRule::Near };
    Way {
        config: config(),
        terms: terms(),
        spread,
        first: Order { disclosed: Qty(40), member: 3, reference: 5, ..order },
        second: Order { side: Side::Sell, quantity: Qty(10), ..order },
        stop: Order { order_type: OrderType::StopLimit, price: Px(120), trigger: Px(110), ..order },
        frozen: Order { quantity: Qty(501), ..order },
        block: order,
        window: BlockTerms { range: BAND, value_min: Money(5) },
        last: |_, _| {},
    }
}

fn run(way: &Way) -> u64 {
    let mut matcher = Matcher::new(&way.config);
    let mut out = Vec::new();
    matcher.add_instrument(&way.terms).unwrap();
    matcher.add_instrument(&terms()).unwrap();
    matcher.add_spread(&InstrumentTerms::spread(Px(1), Qty(1)), way.spread).unwrap();
    matcher.set_phase_all(Nanos(1), Phase::Continuous, &mut out);
    for order in [way.first, way.second, way.stop, way.frozen] {
        matcher.submit(Nanos(2), &order, &mut out).unwrap();
    }
    matcher.open_blocks(INSTRUMENT, way.window).unwrap();
    matcher.submit_block(Nanos(3), &way.block, &mut out).unwrap();
    (way.last)(&mut matcher, &mut out);
    hash(&matcher)
}

#[test]
fn the_same_requests_hash_equally() {
    assert_eq!(run(&way()), run(&way()));
    assert_eq!(hash(&Matcher::new(&config())), hash(&Matcher::new(&config())));
    let mut matcher = Matcher::new(&config());
    matcher.add_instrument(&terms()).unwrap();
    let before = hash(&matcher);
    let refused = matcher.cancel(Nanos(9), Target::new(OrderId(7), 0), &mut Vec::new());
    assert!(refused.is_err());
    assert_eq!(hash(&matcher), before, "what is refused changes nothing");
    assert_eq!(hash(&matcher.clone()), before);
}

/// Everything that may differ about orders.
fn order_ways() -> Vec<Way> {
    let base = way();
    let owner = |pan: &str, code: &str| Owner {
        pan: Pan::parse(pan).unwrap(),
        participant: ParticipantCode::parse(code).unwrap(),
    };
    let changes: [fn(Order) -> Order; 5] = [
        |order| Order { member: order.member + 1, ..order },
        |order| Order { reference: order.reference + 1, ..order },
        |order| Order { quantity: Qty(order.quantity.0 + 1), ..order },
        |order| Order { self_trade: SelfTrade::CancelActive, ..order },
        |order| Order { price: Px(order.price.0 + 2), ..order },
    ];
    let mut ways = Vec::new();
    for change in changes {
        for owner in [Owner::default(), owner("AAAAA1111A", ""), owner("AAAAA1111A", "X")] {
            let to = |order: Order| Order { owner, ..change(order) };
            ways.push(Way { first: to(base.first), ..base.clone() });
            ways.push(Way { stop: to(base.stop), ..base.clone() });
            ways.push(Way { frozen: to(base.frozen), ..base.clone() });
            ways.push(Way { block: to(base.block), ..base.clone() });
        }
    }
    // The same is shown, another part is hidden; the same is hidden, another part is shown next.
    ways.push(Way { first: Order { disclosed: Qty(41), ..base.first }, ..base.clone() });
    ways.push(Way { first: Order { disclosed: Qty(0), ..base.first }, ..base.clone() });
    ways.push(Way { second: Order { quantity: Qty(11), ..base.second }, ..base.clone() });
    ways.push(Way { stop: Order { trigger: Px(111), ..base.stop }, ..base.clone() });
    let kind = OrderType::StopMarket;
    ways.push(Way { stop: Order { order_type: kind, ..base.stop }, ..base });
    ways
}

/// Everything that may differ about instruments and bounds.
fn market_ways() -> Vec<Way> {
    let base = way();
    let changes: [fn(&mut Way); 17] = [
        |way| way.terms.band.low = Px(11),
        |way| way.terms.band.high = Px(999),
        |way| way.terms.freeze = Some(Qty(499)),
        |way| way.terms.reference = Px(101),
        |way| way.terms.orders.stop_market = false,
        |way| way.terms.orders.post_close_limit = false,
        |way| way.terms.opening_allocation = way.terms.closing_allocation,
        |way| way.terms.disclosed_min = Some(Rate(1)),
        |way| way.spread.leg_price = LegPriceRule::Far,
        |way| (way.spread.near, way.spread.far) = (way.spread.far, way.spread.near),
        |way| way.config.trades_max = 8_192,
        |way| way.config.frozen_max = 65,
        |way| way.config.blocks_max = 65,
        |way| way.config.order_id_first = OrderId(2),
        |way| way.config.legs_fill = LegsFill::AllOrNone,
        |way| way.window.value_min = Money(6),
        |way| way.window.range.low = Px(12),
    ];
    let ways = changes.into_iter().map(|change| {
        let mut way = base.clone();
        change(&mut way);
        way
    });
    ways.collect()
}

/// Everything that a last request may change.
fn event_ways() -> Vec<Way> {
    let base = way();
    let events: [fn(&mut Matcher, &mut Vec<Report>); 12] = [
        |matcher, out| matcher.set_phase(Nanos(8), INSTRUMENT, Phase::Halted, out).unwrap(),
        |matcher, out| matcher.set_phase(Nanos(8), INSTRUMENT, Phase::PreOpenEntry, out).unwrap(),
        |matcher, _| matcher.set_close(INSTRUMENT, Px(100)).unwrap(),
        |matcher, _| matcher.set_close(INSTRUMENT, Px(101)).unwrap(),
        |matcher, _| matcher.set_reference(INSTRUMENT, Px(103)).unwrap(),
        |matcher, out| {
            let band = PriceBand { low: Px(10), high: Px(998) };
            matcher.set_band(Nanos(8), INSTRUMENT, band, out).unwrap();
        },
        |matcher, out| matcher.cancel_trade(Nanos(8), 1, out).unwrap(),
        |matcher, out| matcher.decide_freeze(Nanos(8), OrderId(4), false, out).unwrap(),
        |matcher, out| matcher.decide_freeze(Nanos(8), OrderId(4), true, out).unwrap(),
        |matcher, out| matcher.close_blocks(Nanos(8), INSTRUMENT, out).unwrap(),
        |matcher, out| matcher.cancel(Nanos(8), Target::new(OrderId(3), 0), out).unwrap(),
        // The order is as it was, and was touched: its last activity is another.
        |matcher, out| {
            let order = Order { quantity: Qty(110), ..way().first };
            matcher.modify(Nanos(8), Target::new(OrderId(1), 3), &order, out).unwrap();
        },
    ];
    events.into_iter().map(|last| Way { last, ..base.clone() }).collect()
}

#[test]
fn whatever_differs_gives_another_hash() {
    let mut ways = vec![way()];
    ways.extend(order_ways());
    ways.extend(market_ways());
    ways.extend(event_ways());
    let mut hashes: Vec<u64> = ways.iter().map(run).collect();
    assert!(hashes.len() > 90, "{}", hashes.len());
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count, "some differences are not folded in");
}

#[test]
fn the_place_in_time_of_market_orders_and_limits_is_folded_in() {
    // After the auction both stand at one price, in the order in which they came.
    let hashes = [true, false].map(|market_first| {
        let mut matcher = Matcher::new(&config());
        matcher.add_instrument(&terms()).unwrap();
        let mut out = Vec::new();
        matcher.set_phase(Nanos(1), INSTRUMENT, Phase::PreOpenEntry, &mut out).unwrap();
        let market = Order::market(INSTRUMENT, Side::Buy, Qty(5));
        let limit = Order::limit(INSTRUMENT, Side::Buy, Px(100), Qty(5));
        let orders = if market_first { [market, limit] } else { [limit, market] };
        for order in orders {
            matcher.submit(Nanos(2), &order, &mut out).unwrap();
        }
        hash(&matcher)
    });
    assert_ne!(hashes[0], hashes[1]);
}
