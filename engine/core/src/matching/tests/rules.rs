//! A rule of the exchange, a test (rules 1.5, 1.11, 2.1, 2.3 and 2.4).

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};

use super::super::{
    CancelReason, InstrumentTerms, Matcher, MatcherConfig, Order, Owner, Pan, Refusal, Report,
    SelfTrade, Target, Trade,
};
use crate::book::BooksConfig;
use crate::venue::bands::PriceBand;
use crate::venue::rules::Rules;
use crate::venue::session::{OrderType, Phase};
use crate::venue::{Date, Rate, Width};

const INSTRUMENT: InstrumentId = InstrumentId(0);

/// A matcher of one instrument and everything it said.
struct Desk {
    matcher: Matcher,
    reports: Vec<Report>,
    now: i64,
}

impl Desk {
    fn new() -> Self {
        Self::of(InstrumentTerms { reference: Px(100), ..InstrumentTerms::new(Px(1), Qty(1)) })
    }

    fn of(terms: InstrumentTerms) -> Self {
        let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseFo));
        matcher.add_instrument(&terms).unwrap();
        let mut desk = Self { matcher, reports: Vec::new(), now: 0 };
        desk.phase(Phase::Continuous);
        desk
    }

    fn tick(&mut self) -> Nanos {
        self.now += 1;
        Nanos(self.now)
    }

    fn phase(&mut self, phase: Phase) {
        let now = self.tick();
        self.matcher.set_phase(now, INSTRUMENT, phase, &mut self.reports).unwrap();
    }

    fn submit(&mut self, order: Order) -> Result<OrderId, Refusal> {
        let now = self.tick();
        self.matcher.submit(now, &order, &mut self.reports)
    }

    fn limit(&mut self, side: Side, price: i64, quantity: u32) -> OrderId {
        self.submit(limit(side, price, quantity)).unwrap()
    }

    fn modify(&mut self, id: OrderId, order: Order) -> Result<(), Refusal> {
        let now = self.tick();
        self.matcher.modify(now, Target::new(id, 0), &order, &mut self.reports)
    }

    /// Numbers and shown quantities of a side.
    fn side(&self, side: Side) -> Vec<(u64, u32)> {
        let orders = self.matcher.books().orders(INSTRUMENT, side);
        orders.map(|order| (order.order_id.0, order.quantity.0)).collect()
    }

    fn trades(&self) -> Vec<Trade> {
        let trades = self.reports.iter().filter_map(|report| match report {
            Report::Traded(trade) => Some(*trade),
            _ => None,
        });
        trades.collect()
    }

    fn cancels(&self) -> Vec<(u64, CancelReason)> {
        let cancels = self.reports.iter().filter_map(|report| match report {
            Report::Canceled(state, reason) => Some((state.order_id.0, *reason)),
            _ => None,
        });
        cancels.collect()
    }
}

fn limit(side: Side, price: i64, quantity: u32) -> Order {
    Order::limit(INSTRUMENT, side, Px(price), Qty(quantity))
}

fn stop(side: Side, trigger: i64, price: i64, quantity: u32) -> Order {
    let order_type = OrderType::StopLimit;
    Order { order_type, trigger: Px(trigger), ..limit(side, price, quantity) }
}

fn owned(order: Order, self_trade: SelfTrade) -> Order {
    let pan = Pan::parse("AAAAA1111A").unwrap();
    Order { owner: Owner { pan, ..Owner::default() }, self_trade, ..order }
}

#[test]
fn price_then_time_at_the_resting_price() {
    let mut desk = Desk::new();
    for (price, quantity) in [(101, 5), (100, 5), (100, 7)] {
        desk.limit(Side::Sell, price, quantity);
    }
    desk.limit(Side::Buy, 101, 14);
    let trades = desk.trades().into_iter().map(|it| (it.order_ids[1].0, it.price.0, it.quantity.0));
    assert_eq!(trades.collect::<Vec<_>>(), [(2, 100, 5), (3, 100, 7), (1, 101, 2)]);
    assert_eq!(desk.trades()[2].open, [Qty(0), Qty(3)]);
    assert!(desk.matcher.is_consistent());
}

#[test]
fn the_table_of_places_after_a_change() {
    let order = limit(Side::Buy, 100, 10);
    let with = |quantity: u32, disclosed: u32| Order {
        quantity: Qty(quantity),
        disclosed: Qty(disclosed),
        ..order
    };
    // What is changed of the first of three orders, and whether it stays first.
    let cases = [
        (order, with(5, 0), true),
        (order, with(15, 0), false),
        (order, Order { reference: 9, ..order }, true),
        (with(10, 4), with(10, 2), true),
        (with(10, 4), with(10, 6), false),
        (with(10, 4), with(10, 0), false),
        (with(10, 4), with(8, 4), true),
        (order, with(10, 4), true),
    ];
    for (before, after, is_first) in cases {
        let mut desk = Desk::new();
        let id = desk.submit(before).unwrap();
        desk.limit(Side::Buy, 100, 10);
        desk.modify(id, after).unwrap();
        assert_eq!(desk.side(Side::Buy)[0].0 == id.0, is_first, "{before:?} to {after:?}");
        assert!(desk.matcher.is_consistent());
    }
    let mut desk = Desk::new();
    let id = desk.limit(Side::Buy, 100, 10);
    desk.limit(Side::Sell, 105, 4);
    desk.modify(id, limit(Side::Buy, 105, 10)).unwrap();
    assert_eq!(desk.trades()[0].price, Px(105), "another price arrives again, and may trade");
}

#[test]
fn what_cannot_change() {
    let mut desk = Desk::new();
    let order = owned(limit(Side::Buy, 100, 10), SelfTrade::CancelPassive);
    let id = desk.submit(order).unwrap();
    let changes = [
        Order { side: Side::Sell, ..order },
        Order { owner: Owner::default(), ..order },
        Order { self_trade: SelfTrade::CancelActive, ..order },
        Order { order_type: OrderType::StopLimit, trigger: Px(99), ..order },
    ];
    for change in changes {
        assert_eq!(desk.modify(id, change), Err(Refusal::FixedField));
    }
    assert_eq!(desk.modify(OrderId(77), order), Err(Refusal::UnknownOrder));
    let other = Target::new(id, 5);
    assert_eq!(desk.matcher.cancel(Nanos(9), other, &mut desk.reports), Err(Refusal::NotYourOrder));
    let stale = Target { last_activity: Nanos(77), ..Target::new(id, 0) };
    let refused = desk.matcher.modify(Nanos(9), stale, &order, &mut desk.reports);
    assert_eq!(refused, Err(Refusal::OrderChanged));
    assert_eq!(Refusal::OrderChanged.code(Segment::NseFo), Some(16044));
    assert_eq!(desk.side(Side::Buy), [(1, 10)]);
    assert_eq!(desk.matcher.refused_count(), 7);
}

#[test]
fn what_a_market_order_leaves_rests_at_the_last_trade() {
    let mut desk = Desk::new();
    desk.limit(Side::Sell, 103, 5);
    desk.submit(Order::market(INSTRUMENT, Side::Buy, Qty(8))).unwrap();
    assert!(matches!(desk.reports.last(), Some(Report::Priced(state)) if state.price == Px(103)));
    assert_eq!(desk.side(Side::Buy), [(2, 3)]);
    let ioc =
        Order { time_in_force: TimeInForce::Ioc, ..Order::market(INSTRUMENT, Side::Sell, Qty(5)) };
    desk.submit(ioc).unwrap();
    assert_eq!(desk.cancels(), [(3, CancelReason::ImmediateOrCancel)]);
    assert_eq!(CancelReason::ImmediateOrCancel.code(Segment::NseFo), Some(16388));
}

#[test]
fn a_disclosed_order_shows_its_next_part_behind_the_others() {
    let mut desk = Desk::new();
    desk.submit(Order { disclosed: Qty(4), ..limit(Side::Sell, 100, 10) }).unwrap();
    desk.limit(Side::Sell, 100, 5);
    desk.limit(Side::Buy, 100, 6);
    assert_eq!(desk.side(Side::Sell), [(2, 3), (1, 4)]);
    desk.limit(Side::Buy, 100, 9);
    assert_eq!(desk.side(Side::Sell), Vec::<(u64, u32)>::new());
    assert_eq!(desk.side(Side::Buy), Vec::<(u64, u32)>::new());
}

#[test]
fn a_stop_loss_comes_in_when_a_trade_reaches_it() {
    let mut desk = Desk::new();
    desk.limit(Side::Sell, 100, 1);
    desk.limit(Side::Buy, 100, 1);
    assert_eq!(desk.submit(stop(Side::Buy, 100, 101, 5)), Err(Refusal::TriggerPassed));
    assert_eq!(desk.submit(stop(Side::Buy, 103, 102, 5)), Err(Refusal::TriggerBeyondLimit));
    desk.submit(stop(Side::Buy, 102, 104, 5)).unwrap();
    desk.submit(stop(Side::Buy, 101, 101, 5)).unwrap();
    desk.limit(Side::Sell, 102, 1);
    desk.limit(Side::Sell, 104, 2);
    assert_eq!(desk.side(Side::Buy), []);
    desk.limit(Side::Buy, 102, 1);
    // The lower trigger is reached first, and rests; the other takes two and rests before it.
    assert_eq!(desk.side(Side::Buy), [(3, 3), (4, 5)]);
    assert_eq!(desk.matcher.last_trade(INSTRUMENT), Some(Px(104)));
}

#[test]
fn self_trades_are_prevented_by_the_bit_of_the_incoming_order() {
    for (bit, rests, cancelled) in
        [(SelfTrade::CancelPassive, vec![(2, 5)], 1), (SelfTrade::CancelActive, vec![], 2)]
    {
        let mut desk = Desk::new();
        desk.submit(owned(limit(Side::Sell, 100, 5), SelfTrade::CancelPassive)).unwrap();
        desk.submit(owned(limit(Side::Buy, 100, 5), bit)).unwrap();
        assert_eq!((desk.side(Side::Buy), desk.trades().len()), (rests, 0));
        assert_eq!(desk.cancels(), [(cancelled, CancelReason::SelfTrade)]);
    }
    let mut desk = Desk::new();
    desk.phase(Phase::PreOpenEntry);
    desk.submit(owned(limit(Side::Sell, 100, 5), SelfTrade::CancelPassive)).unwrap();
    desk.submit(owned(limit(Side::Buy, 99, 5), SelfTrade::CancelPassive)).unwrap();
    let market = Order::market(INSTRUMENT, Side::Buy, Qty(5));
    desk.submit(owned(market, SelfTrade::CancelPassive)).unwrap();
    assert_eq!(desk.cancels(), [(3, CancelReason::SelfTrade)], "in an auction the incoming one");
    assert_eq!(CancelReason::SelfTrade.code(Segment::NseFo), Some(17071));
}

#[test]
fn the_published_auction_trades_27500_at_105() {
    let mut desk = Desk::new();
    desk.phase(Phase::PreOpenEntry);
    let table = [
        (103, 13_500, 11_500),
        (104, 9_500, 9_800),
        (105, 12_000, 15_000),
        (106, 6_500, 12_000),
        (107, 5_000, 12_500),
        (108, 4_000, 0),
    ];
    for (price, buy, sell) in table {
        desk.limit(Side::Buy, price, buy);
        if sell > 0 {
            desk.limit(Side::Sell, price, sell);
        }
    }
    desk.phase(Phase::PreOpenMatch);
    let trades = desk.trades();
    assert!(trades.iter().all(|trade| trade.price == Px(105) && trade.aggressor.is_none()));
    assert_eq!(trades.iter().map(|trade| trade.quantity.0).sum::<u32>(), 27_500);
    desk.phase(Phase::Continuous);
    assert!(desk.matcher.is_consistent());
}

#[test]
fn market_orders_left_by_an_auction_keep_their_time_at_its_price() {
    let mut desk = Desk::new();
    desk.phase(Phase::PreOpenEntry);
    desk.limit(Side::Buy, 101, 5);
    desk.submit(Order::market(INSTRUMENT, Side::Buy, Qty(7))).unwrap();
    desk.limit(Side::Buy, 101, 9);
    desk.limit(Side::Sell, 101, 1);
    desk.phase(Phase::PreOpenMatch);
    desk.phase(Phase::Continuous);
    assert_eq!(desk.side(Side::Buy), [(1, 4), (2, 7), (3, 9)]);
}

#[test]
fn a_phase_or_a_band_takes_out_what_cannot_stay() {
    let mut desk = Desk::new();
    desk.limit(Side::Buy, 90, 5);
    desk.submit(Order { disclosed: Qty(4), ..limit(Side::Buy, 95, 10) }).unwrap();
    desk.submit(stop(Side::Buy, 110, 120, 5)).unwrap();
    desk.submit(stop(Side::Buy, 110, 112, 5)).unwrap();
    let band = PriceBand { low: Px(92), high: Px(115) };
    desk.matcher.set_band(Nanos(50), INSTRUMENT, band, &mut desk.reports).unwrap();
    assert_eq!(desk.cancels(), [(1, CancelReason::PriceBand), (3, CancelReason::PriceBand)]);
    desk.phase(Phase::ClosingReference);
    assert_eq!(desk.cancels()[2..], [(4, CancelReason::Session)]);
    assert_eq!(desk.side(Side::Buy), [(2, 4)]);
    assert_eq!(desk.submit(limit(Side::Buy, 95, 1)), Err(Refusal::MarketClosed));
    desk.phase(Phase::Recess);
    assert_eq!(desk.cancels()[3..], [(2, CancelReason::Session)]);
    assert!(desk.matcher.is_consistent());
}

#[test]
fn a_frozen_order_waits_for_the_exchange() {
    let freeze = Some(Qty(10));
    let mut desk = Desk::of(InstrumentTerms { freeze, ..InstrumentTerms::new(Px(1), Qty(1)) });
    let first = desk.limit(Side::Buy, 100, 11);
    let second = desk.limit(Side::Buy, 100, 12);
    assert_eq!((desk.side(Side::Buy), desk.matcher.books().orders_count()), (vec![], 0));
    assert_eq!(desk.modify(first, limit(Side::Buy, 101, 11)), Err(Refusal::Undecided));
    desk.matcher.decide_freeze(Nanos(50), second, true, &mut desk.reports).unwrap();
    desk.matcher.decide_freeze(Nanos(51), first, false, &mut desk.reports).unwrap();
    assert_eq!(desk.side(Side::Buy), [(2, 12)]);
    assert_eq!(desk.cancels(), [(1, CancelReason::FreezeRefused)]);
    let again = desk.matcher.decide_freeze(Nanos(52), first, true, &mut desk.reports);
    assert_eq!(again, Err(Refusal::UnknownOrder));
}

#[test]
fn options_follow_the_rows_of_their_date() {
    let date = Date::parse("2026-11-20").unwrap();
    let base = InstrumentTerms::new(Px::from_paise(5), Qty(65));
    let option = base.with_rules(&Rules::builtin().unwrap(), "NSE/fo/option", date).unwrap();
    assert!(matches!(option.market_protection, Some(Width { .. })));
    let mut desk = Desk::of(option);
    let market = Order::market(INSTRUMENT, Side::Buy, Qty(65));
    assert_eq!(desk.submit(market), Err(Refusal::NoTradeToday));
    let stop_market =
        Order { order_type: OrderType::StopMarket, trigger: Px::from_paise(100), ..market };
    assert_eq!(desk.submit(stop_market), Err(Refusal::StopMarketNotAllowed));
    let hidden = Order {
        disclosed: Qty(65),
        ..Order::limit(INSTRUMENT, Side::Buy, Px::from_paise(100), Qty(130))
    };
    assert_eq!(desk.submit(hidden), Err(Refusal::DisclosedNotAllowed));
    for (price, quantity) in [(10_000, 65), (13_000, 65)] {
        let sell = Order::limit(INSTRUMENT, Side::Sell, Px::from_paise(price), Qty(quantity));
        desk.submit(sell).unwrap();
    }
    desk.submit(Order::limit(INSTRUMENT, Side::Buy, Px::from_paise(10_000), Qty(65))).unwrap();
    assert_eq!(desk.submit(market), Err(Refusal::BeyondProtection));
}

#[test]
fn a_trade_is_taken_back_once_and_the_book_stays() {
    let mut desk = Desk::new();
    desk.limit(Side::Sell, 100, 5);
    desk.limit(Side::Buy, 100, 3);
    let before = desk.side(Side::Sell);
    desk.matcher.cancel_trade(Nanos(50), 1, &mut desk.reports).unwrap();
    assert!(
        matches!(desk.reports.last(), Some(Report::TradeCanceled(trade)) if trade.trade_id == 1)
    );
    for unknown in [0, 1, 2] {
        let refused = desk.matcher.cancel_trade(Nanos(51), unknown, &mut desk.reports);
        assert_eq!(refused, Err(Refusal::UnknownTrade));
    }
    assert_eq!((desk.side(Side::Sell), before), (vec![(1, 2)], vec![(1, 2)]));
}

#[test]
fn at_a_bound_a_request_is_refused_and_nothing_changes() {
    let mut matcher = Matcher::new(&MatcherConfig {
        books: BooksConfig { instruments_max: 1, orders_max: 2, levels_max: 2 },
        stops_max: 1,
        frozen_max: 0,
        ..MatcherConfig::small(Segment::NseCm)
    });
    let terms = InstrumentTerms { freeze: Some(Qty(9)), ..InstrumentTerms::new(Px(1), Qty(1)) };
    matcher.add_instrument(&terms).unwrap();
    assert_eq!(matcher.add_instrument(&terms), Err(Refusal::Capacity));
    let mut reports = Vec::new();
    matcher.set_phase(Nanos(1), INSTRUMENT, Phase::Continuous, &mut reports).unwrap();
    let frozen = limit(Side::Buy, 90, 10);
    assert_eq!(matcher.submit(Nanos(1), &frozen, &mut reports), Err(Refusal::Capacity));
    for (price, expected) in [(90, true), (91, true), (92, false)] {
        let order = limit(Side::Buy, price, 5);
        let result = matcher.submit(Nanos(2), &order, &mut reports);
        assert_eq!(result.is_ok(), expected, "{price}: {result:?}");
    }
    assert!(matcher.is_consistent());
    assert_eq!(matcher.books().orders_count(), 2);
}

#[test]
fn rule_1_5_a_triggered_stop_loss_keeps_its_bit() {
    for (bit, cancelled) in [(SelfTrade::CancelPassive, 1), (SelfTrade::CancelActive, 2)] {
        let mut desk = Desk::new();
        desk.submit(owned(limit(Side::Sell, 102, 5), SelfTrade::CancelPassive)).unwrap();
        desk.submit(owned(stop(Side::Buy, 101, 102, 5), bit)).unwrap();
        desk.limit(Side::Sell, 101, 1);
        desk.limit(Side::Buy, 101, 1);
        assert_eq!(desk.cancels(), [(cancelled, CancelReason::SelfTrade)], "{bit:?}");
    }
}

#[test]
fn rule_1_7_orders_outside_the_band_are_refused() {
    let band = PriceBand { low: Px(90), high: Px(110) };
    let mut desk = Desk::of(InstrumentTerms { band, ..InstrumentTerms::new(Px(1), Qty(1)) });
    for (price, passes) in [(89, false), (90, true), (110, true), (111, false)] {
        let expected = if passes { Ok(()) } else { Err(Refusal::PriceBand) };
        assert_eq!(desk.submit(limit(Side::Buy, price, 1)).map(|_| ()), expected, "{price}");
        for order in desk.matcher.books().orders(INSTRUMENT, Side::Buy).collect::<Vec<_>>() {
            let target = Target::new(order.order_id, 0);
            desk.matcher.cancel(Nanos(90), target, &mut desk.reports).unwrap();
        }
    }
    assert_eq!(Refusal::PriceBand.code(Segment::NseFo), Some(16284));
}

#[test]
fn rule_1_7_trigger_and_limit_are_not_too_far_apart() {
    let trigger_gap = Some(Width { rate: Rate(Rate::ONE / 10), min: Px(5) });
    let mut desk = Desk::of(InstrumentTerms { trigger_gap, ..InstrumentTerms::new(Px(1), Qty(1)) });
    assert_eq!(desk.submit(stop(Side::Buy, 100, 111, 1)), Err(Refusal::TriggerGap));
    assert!(desk.submit(stop(Side::Buy, 100, 110, 1)).is_ok());
    assert!(desk.submit(stop(Side::Sell, 20, 15, 1)).is_ok(), "the least width holds");
}

#[test]
fn rule_2_1_quantities_are_in_lots_and_prices_in_ticks() {
    let mut desk = Desk::of(InstrumentTerms::new(Px(5), Qty(65)));
    let cases = [
        (100, 65, Ok(())),
        (100, 66, Err(Refusal::LotSize)),
        (100, 0, Err(Refusal::InvalidQuantity)),
        (101, 65, Err(Refusal::TickSize)),
        (0, 65, Err(Refusal::InvalidPrice)),
        (-5, 65, Err(Refusal::InvalidPrice)),
    ];
    for (price, quantity, expected) in cases {
        let result = desk.submit(limit(Side::Buy, price, quantity)).map(|_| ());
        assert_eq!(result, expected, "{quantity} at {price}");
    }
}

#[test]
fn rule_2_1_every_report_has_its_transaction_code() {
    let freeze = Some(Qty(50));
    let mut desk = Desk::of(InstrumentTerms { freeze, ..InstrumentTerms::new(Px(1), Qty(1)) });
    let id = desk.submit(Order { disclosed: Qty(2), ..limit(Side::Sell, 100, 9) }).unwrap();
    desk.modify(id, Order { disclosed: Qty(2), ..limit(Side::Sell, 100, 8) }).unwrap();
    desk.limit(Side::Buy, 99, 51);
    desk.submit(stop(Side::Buy, 100, 100, 1)).unwrap();
    desk.limit(Side::Buy, 100, 2);
    desk.submit(Order::market(INSTRUMENT, Side::Buy, Qty(20))).unwrap();
    desk.matcher.cancel_trade(Nanos(90), 1, &mut desk.reports).unwrap();
    let refused = desk.matcher.cancel(Nanos(90), Target::new(id, 0), &mut desk.reports);
    assert_eq!(refused, Err(Refusal::UnknownOrder));
    desk.modify(id, limit(Side::Sell, 100, 1)).unwrap_err();
    desk.limit(Side::Buy, 90, 1);
    desk.matcher.cancel(Nanos(90), Target::new(OrderId(6), 0), &mut desk.reports).unwrap();
    desk.submit(limit(Side::Buy, 90, 0)).unwrap_err();
    let mut codes: Vec<_> = desk.reports.iter().map(Report::transaction_code).collect();
    codes.sort_unstable();
    codes.dedup();
    let expected = [0, 2012, 2042, 2072, 2073, 2074, 2075, 2170, 2212, 2222, 2231, 2282];
    assert_eq!(codes, expected.map(|code| (code > 0).then_some(code)));
}

#[test]
fn rule_2_4_market_orders_trade_first_at_the_close_and_the_rest_leaves() {
    let mut desk = Desk::new();
    desk.phase(Phase::ClosingReference);
    desk.matcher.set_reference(INSTRUMENT, Px(100)).unwrap();
    desk.phase(Phase::ClosingEntry);
    desk.limit(Side::Buy, 101, 5);
    let market = desk.submit(Order::market(INSTRUMENT, Side::Buy, Qty(5))).unwrap();
    desk.limit(Side::Sell, 100, 7);
    desk.phase(Phase::ClosingMatch);
    let trades = desk.trades();
    assert_eq!((trades[0].order_ids[0], trades[0].quantity), (market, Qty(5)), "it came second");
    assert_eq!((trades[1].quantity, trades[0].price == trades[1].price), (Qty(2), true));
    desk.phase(Phase::Recess);
    assert_eq!(desk.cancels(), [(1, CancelReason::Session)]);
}
