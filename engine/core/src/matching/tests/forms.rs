//! Spreads, orders of several legs, block deals, and what is asked of many orders at once, a rule a
//! test (NNF F&O, chapters 5 and 6; rules 1.9 and 2.5).

use tezi_model::{InstrumentId, Money, Nanos, OrderId, Px, Qty, Segment, Side};

use super::super::{
    BlockTerms, CancelReason, InstrumentTerms, Leg, LegPriceRule, LegsFill, LegsOrder, Matcher,
    MatcherConfig, Order, OrderForm, Owner, Pan, Refusal, Report, SelfTrade, Spread, Target, Trade,
    TradeKind,
};
use crate::venue::Date;
use crate::venue::bands::PriceBand;
use crate::venue::rules::Rules;
use crate::venue::session::{BlockClass, BlockSession, Phase};

const NEAR: InstrumentId = InstrumentId(0);
const FAR: InstrumentId = InstrumentId(1);
const SPREAD: InstrumentId = InstrumentId(2);

/// Two contracts of one underlying and the spread between them.
struct Desk {
    matcher: Matcher,
    reports: Vec<Report>,
    now: i64,
}

impl Desk {
    fn new() -> Self {
        Self::of(LegPriceRule::Near, LegsFill::Proportional)
    }

    fn of(leg_price: LegPriceRule, legs_fill: LegsFill) -> Self {
        let config = MatcherConfig { legs_fill, ..MatcherConfig::small(Segment::NseFo) };
        let mut matcher = Matcher::new(&config);
        for reference in [1_000, 1_010] {
            let terms = InstrumentTerms {
                reference: Px(reference),
                freeze: Some(Qty(100)),
                band: PriceBand { low: Px(900), high: Px(1_100) },
                ..InstrumentTerms::new(Px(5), Qty(1))
            };
            matcher.add_instrument(&terms).unwrap();
        }
        let terms =
            InstrumentTerms { freeze: Some(Qty(100)), ..InstrumentTerms::spread(Px(5), Qty(1)) };
        let spread = Spread { near: NEAR, far: FAR, leg_price };
        assert_eq!(matcher.add_spread(&terms, spread), Ok(SPREAD));
        let mut reports = Vec::new();
        matcher.set_phase_all(Nanos(1), Phase::Continuous, &mut reports);
        Self { matcher, reports, now: 1 }
    }

    fn tick(&mut self) -> Nanos {
        self.now += 1;
        Nanos(self.now)
    }

    fn submit(&mut self, order: Order) -> Result<OrderId, Refusal> {
        let now = self.tick();
        self.matcher.submit(now, &order, &mut self.reports)
    }

    fn limit(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: i64,
        quantity: u32,
    ) -> OrderId {
        self.submit(Order::limit(instrument, side, Px(price), Qty(quantity))).unwrap()
    }

    fn legs(&mut self, order: LegsOrder) -> Result<OrderId, Refusal> {
        let now = self.tick();
        self.matcher.submit_legs(now, &order, &mut self.reports)
    }

    fn block(&mut self, side: Side, price: Px, quantity: u32) -> Result<OrderId, Refusal> {
        let now = self.tick();
        let order = Order::limit(NEAR, side, price, Qty(quantity));
        self.matcher.submit_block(now, &order, &mut self.reports)
    }

    fn trades(&self) -> Vec<Trade> {
        let trades = self.reports.iter().filter_map(|report| match report {
            Report::Traded(trade) => Some(*trade),
            _ => None,
        });
        trades.collect()
    }

    /// What the trades were: kind, instrument, price, quantity, buyer, seller.
    fn told(&self) -> Vec<(TradeKind, u32, i64, u32, u64, u64)> {
        let told = self.trades().into_iter().map(|trade| {
            let [buy, sell] = trade.order_ids;
            (trade.kind, trade.instrument.0, trade.price.0, trade.quantity.0, buy.0, sell.0)
        });
        told.collect()
    }

    fn cancels(&self) -> Vec<(u64, CancelReason, Option<u16>)> {
        let cancels = self.reports.iter().filter_map(|report| match report {
            Report::Canceled(state, reason) => {
                Some((state.order_id.0, *reason, report.transaction_code()))
            }
            _ => None,
        });
        cancels.collect()
    }

    fn codes(&self) -> Vec<Option<u16>> {
        self.reports.iter().map(Report::transaction_code).collect()
    }
}

fn leg(instrument: InstrumentId, side: Side, price: i64, quantity: u32) -> Leg {
    Leg { instrument, side, price: Px(price), quantity: Qty(quantity) }
}

#[test]
fn a_spread_trades_in_its_own_book_and_makes_two_leg_trades() {
    let mut desk = Desk::new();
    // The legs' books would meet the spread's price; they are not asked.
    desk.limit(NEAR, Side::Buy, 1_000, 5);
    desk.limit(FAR, Side::Sell, 1_005, 5);
    let sell = desk.limit(SPREAD, Side::Sell, 15, 4);
    let buy = desk.limit(SPREAD, Side::Buy, 20, 3);
    use TradeKind::{FarLeg, NearLeg, Spread};
    assert_eq!(
        desk.told(),
        [
            (Spread, SPREAD.0, 15, 3, buy.0, sell.0),
            (NearLeg, NEAR.0, 1_000, 3, sell.0, buy.0),
            (FarLeg, FAR.0, 1_015, 3, buy.0, sell.0),
        ]
    );
    let open: Vec<_> = desk.trades().iter().map(|trade| trade.open).collect();
    assert_eq!(open, [[Qty(0), Qty(1)], [Qty(1), Qty(0)], [Qty(0), Qty(1)]]);
    assert_eq!(desk.matcher.last_trade(SPREAD), Some(Px(15)));
    assert_eq!((desk.matcher.last_trade(NEAR), desk.matcher.last_trade(FAR)), (None, None));
    let codes = desk.codes();
    assert_eq!(
        codes[codes.len() - 5..],
        [2124, 2124, 0, 2222, 2222].map(|it| (it > 0).then_some(it))
    );
}

#[test]
fn differences_of_zero_and_below_are_prices_like_others() {
    let mut desk = Desk::new();
    for (price, quantity) in [(-5, 1), (0, 1), (-10, 1)] {
        desk.limit(SPREAD, Side::Buy, price, quantity);
    }
    desk.limit(SPREAD, Side::Sell, -10, 3);
    let prices: Vec<_> = desk
        .told()
        .into_iter()
        .filter(|told| told.0 == TradeKind::Spread)
        .map(|told| told.2)
        .collect();
    assert_eq!(prices, [0, -5, -10]);
    assert!(desk.matcher.is_consistent());
}

#[test]
fn legs_are_priced_from_the_chosen_leg_and_stay_in_their_bands() {
    let cases = [
        (LegPriceRule::Near, 20, [1_000, 1_020]),
        (LegPriceRule::Far, 20, [990, 1_010]),
        // The far leg cannot be above 1,100, the near leg not below 900.
        (LegPriceRule::Near, 150, [950, 1_100]),
        (LegPriceRule::Far, 150, [900, 1_050]),
        (LegPriceRule::Near, -120, [1_020, 900]),
    ];
    for (rule, difference, legs) in cases {
        let mut desk = Desk::of(rule, LegsFill::Proportional);
        desk.limit(SPREAD, Side::Buy, difference, 1);
        desk.limit(SPREAD, Side::Sell, difference, 1);
        let prices: Vec<_> = desk.trades()[1..].iter().map(|trade| trade.price.0).collect();
        assert_eq!(prices, legs, "{rule:?} {difference}");
    }
    let mut desk = Desk::new();
    desk.limit(NEAR, Side::Buy, 985, 1);
    desk.limit(NEAR, Side::Sell, 985, 1);
    desk.limit(SPREAD, Side::Buy, 10, 1);
    desk.limit(SPREAD, Side::Sell, 10, 1);
    let prices: Vec<_> = desk.trades()[2..].iter().map(|trade| trade.price.0).collect();
    assert_eq!(prices, [985, 995], "the near leg's last trade");
}

#[test]
fn spread_orders_are_plain_limits_for_the_day_below_the_freeze_quantity() {
    use tezi_model::TimeInForce;
    let mut desk = Desk::new();
    let order = Order::limit(SPREAD, Side::Buy, Px(5), Qty(10));
    let cases = [
        (Order { time_in_force: TimeInForce::Ioc, ..order }, Refusal::SpreadTermsNotAllowed),
        (Order::market(SPREAD, Side::Buy, Qty(10)), Refusal::SpreadTermsNotAllowed),
        (Order { disclosed: Qty(5), ..order }, Refusal::SpreadTermsNotAllowed),
        (Order { quantity: Qty(0), ..order }, Refusal::InvalidQuantity),
        (Order { quantity: Qty(100), ..order }, Refusal::FreezeQuantity),
        (Order { price: Px(-3), ..order }, Refusal::TickSize),
        (Order { price: Px::from_paise(999_999_990), ..order }, Refusal::SpreadRange),
    ];
    for (order, refusal) in cases {
        assert_eq!(desk.submit(order), Err(refusal));
        assert_eq!(desk.codes().pop().flatten(), Some(2154));
    }
    assert_eq!(Refusal::FreezeQuantity.code(Segment::NseFo), Some(16606));
    assert_eq!(Refusal::SpreadRange.code(Segment::NseFo), Some(16713));
    let now = desk.tick();
    desk.matcher.set_phase(now, SPREAD, Phase::PreOpenEntry, &mut desk.reports).unwrap();
    assert_eq!(desk.submit(order), Err(Refusal::MarketClosed), "no spreads in the pre-open");
}

#[test]
fn a_spread_is_between_two_known_contracts() {
    let mut desk = Desk::new();
    let terms = InstrumentTerms::spread(Px(5), Qty(1));
    let cases = [
        (NEAR, NEAR, Refusal::LegsInvalid),
        (NEAR, SPREAD, Refusal::LegsInvalid),
        (NEAR, InstrumentId(9), Refusal::UnknownInstrument),
    ];
    for (near, far, refusal) in cases {
        let spread = Spread { near, far, leg_price: LegPriceRule::Near };
        assert_eq!(desk.matcher.add_spread(&terms, spread), Err(refusal));
    }
    assert_eq!(desk.matcher.spread(SPREAD).map(|spread| spread.far), Some(FAR));
    assert_eq!(desk.matcher.spread(NEAR), None);
}

#[test]
fn spread_orders_are_changed_and_cancelled_by_their_own_messages() {
    let mut desk = Desk::new();
    let first = desk.limit(SPREAD, Side::Buy, 5, 10);
    let second = desk.limit(SPREAD, Side::Buy, 5, 10);
    let now = desk.tick();
    let less = Order::limit(SPREAD, Side::Buy, Px(5), Qty(4));
    desk.matcher.modify(now, Target::new(first, 0), &less, &mut desk.reports).unwrap();
    let front = desk.matcher.books().orders(SPREAD, Side::Buy).next();
    assert_eq!(front.map(|order| order.order_id), Some(first), "less quantity keeps the place");
    desk.matcher.cancel(now, Target::new(second, 0), &mut desk.reports).unwrap();
    let other = desk.matcher.cancel(now, Target::new(first, 7), &mut desk.reports);
    assert_eq!(other, Err(Refusal::NotYourOrder));
    let codes = desk.codes();
    assert_eq!(codes[codes.len() - 3..], [Some(2136), Some(2130), Some(2127)]);
}

#[test]
fn self_trades_are_prevented_in_spreads() {
    let pan = Pan::parse("AAAAA1111A").unwrap();
    let owner = Owner { pan, ..Owner::default() };
    for (self_trade, gone) in [(SelfTrade::CancelPassive, 1), (SelfTrade::CancelActive, 2)] {
        let mut desk = Desk::new();
        let order =
            |side| Order { owner, self_trade, ..Order::limit(SPREAD, side, Px(-5), Qty(1)) };
        desk.submit(order(Side::Buy)).unwrap();
        desk.submit(order(Side::Sell)).unwrap();
        assert_eq!(desk.cancels(), [(gone, CancelReason::SelfTrade, Some(2130))]);
    }
}

#[test]
fn a_spread_trade_is_taken_back_with_its_legs_whichever_is_named() {
    for named in 1..=3 {
        let mut desk = Desk::new();
        desk.limit(SPREAD, Side::Buy, 5, 1);
        desk.limit(SPREAD, Side::Sell, 5, 1);
        desk.reports.clear();
        desk.matcher.cancel_trade(Nanos(90), named, &mut desk.reports).unwrap();
        let ids = desk.reports.iter().map(|report| match report {
            Report::TradeCanceled(trade) => trade.trade_id,
            _ => 0,
        });
        assert_eq!(ids.collect::<Vec<_>>(), [1, 2, 3]);
        for again in 1..=3 {
            let refused = desk.matcher.cancel_trade(Nanos(91), again, &mut desk.reports);
            assert_eq!(refused, Err(Refusal::UnknownTrade));
        }
    }
}

#[test]
fn legs_trade_together_in_proportion_and_the_rest_leaves() {
    let order =
        LegsOrder::new(leg(NEAR, Side::Buy, 1_000, 4), leg(FAR, Side::Sell, 1_000, 2), None);
    let cases = [
        // What the books hold, what trades of each leg, how the rest leaves.
        (LegsFill::Proportional, [4, 2], [4, 2], None),
        (LegsFill::Proportional, [3, 2], [2, 1], Some(2075)),
        (LegsFill::Proportional, [4, 0], [0, 0], Some(2131)),
        (LegsFill::AllOrNone, [3, 2], [0, 0], Some(2131)),
        (LegsFill::AllOrNone, [9, 9], [4, 2], None),
    ];
    for (fill, [near, far], [near_traded, far_traded], code) in cases {
        let mut desk = Desk::of(LegPriceRule::Near, fill);
        desk.limit(NEAR, Side::Sell, 995, near);
        if far > 0 {
            desk.limit(FAR, Side::Buy, 1_005, far);
        }
        let id = desk.legs(order).unwrap();
        let traded = |instrument: InstrumentId| {
            let trades = desk.trades().into_iter();
            trades.filter(|it| it.instrument == instrument).map(|it| it.quantity.0).sum::<u32>()
        };
        assert_eq!([traded(NEAR), traded(FAR)], [near_traded, far_traded], "{fill:?}");
        let rest: Vec<_> = code
            .map(|code| (id.0, CancelReason::ImmediateOrCancel, Some(code)))
            .into_iter()
            .flat_map(|line| [line, line])
            .collect();
        assert_eq!(desk.cancels(), rest);
        let accepted = desk.codes().iter().filter(|code| **code == Some(2125)).count();
        assert_eq!(accepted, 2, "one acknowledgement a leg, under one number");
        assert!(desk.matcher.is_consistent());
    }
}

#[test]
fn a_leg_that_is_not_possible_refuses_the_whole_order() {
    let mut desk = Desk::new();
    let first = leg(NEAR, Side::Buy, 1_000, 1);
    let cases = [
        (leg(NEAR, Side::Sell, 1_000, 1), Refusal::LegsInvalid),
        (leg(SPREAD, Side::Sell, 10, 1), Refusal::LegRefused),
        (leg(FAR, Side::Sell, 1_001, 1), Refusal::LegRefused),
        (leg(FAR, Side::Sell, 1_200, 1), Refusal::LegRefused),
        (leg(InstrumentId(7), Side::Sell, 1_000, 1), Refusal::LegRefused),
        (leg(FAR, Side::Sell, 1_000, 100), Refusal::FreezeQuantity),
    ];
    for (second, refusal) in cases {
        assert_eq!(desk.legs(LegsOrder::new(first, second, None)), Err(refusal));
        assert_eq!(desk.codes().pop().flatten(), Some(2155));
    }
    let one = LegsOrder { legs: [Some(first), None, None], ..LegsOrder::new(first, first, None) };
    assert_eq!(desk.legs(one), Err(Refusal::LegsInvalid));
    assert_eq!(Refusal::LegRefused.code(Segment::NseFo), Some(16605));
    assert_eq!(desk.matcher.refused_count(), cases.len() as u64 + 1);
}

#[test]
fn a_leg_stops_at_an_order_of_its_owner_and_the_others_with_it() {
    let owner = Owner { pan: Pan::parse("AAAAA1111A").unwrap(), ..Owner::default() };
    let mut desk = Desk::new();
    desk.limit(NEAR, Side::Sell, 995, 1);
    let own = Order { owner, ..Order::limit(NEAR, Side::Sell, Px(1_000), Qty(1)) };
    desk.submit(own).unwrap();
    desk.limit(NEAR, Side::Sell, 1_000, 1);
    desk.limit(FAR, Side::Buy, 1_000, 5);
    let legs = LegsOrder {
        owner,
        self_trade: SelfTrade::CancelActive,
        ..LegsOrder::new(leg(NEAR, Side::Buy, 1_000, 2), leg(FAR, Side::Sell, 1_000, 2), None)
    };
    let id = desk.legs(legs).unwrap().0;
    assert_eq!(desk.trades().len(), 2, "one of each leg");
    assert_eq!(
        desk.cancels(),
        [
            (id, CancelReason::SelfTrade, Some(2075)),
            (id, CancelReason::ImmediateOrCancel, Some(2075)),
        ]
    );
    desk.reports.clear();
    let passive = LegsOrder { self_trade: SelfTrade::CancelPassive, ..legs };
    desk.legs(passive).unwrap();
    assert_eq!(desk.cancels()[0], (2, CancelReason::SelfTrade, Some(2075)), "the resting one left");
    assert_eq!(desk.trades().len(), 2);
}

#[test]
fn block_orders_trade_wholly_at_one_price_and_quantity() {
    let rules = Rules::builtin().unwrap();
    let date = Date::parse("2026-11-20").unwrap();
    let session = BlockSession::new(&rules, Segment::NseCm, BlockClass::Normal, date).unwrap();
    let rupees = |rupees: i64| Px(rupees * Px::SCALE);
    let mut matcher = Matcher::new(&MatcherConfig::small(Segment::NseCm));
    matcher.add_instrument(&InstrumentTerms::new(Px::from_paise(10), Qty(1))).unwrap();
    let mut desk = Desk { matcher, reports: Vec::new(), now: 0 };
    let (price, quantity) = (rupees(1_000), 250_000);
    assert_eq!(desk.block(Side::Buy, price, quantity), Err(Refusal::BlockClosed));
    // In the morning the normal market is closed.
    desk.matcher.open_blocks(NEAR, BlockTerms::new(&session, price)).unwrap();
    let cases = [
        (rupees(1_031), quantity, Refusal::BlockRange),
        (rupees(969), quantity * 2, Refusal::BlockRange),
        (price, quantity - 1, Refusal::BlockValue),
        (Px(price.0 + 1), quantity, Refusal::TickSize),
        (price, 0, Refusal::InvalidQuantity),
    ];
    for (price, quantity, refusal) in cases {
        assert_eq!(desk.block(Side::Buy, price, quantity), Err(refusal));
    }
    let market = Order::market(NEAR, Side::Buy, Qty(quantity));
    let refused = desk.matcher.submit_block(Nanos(50), &market, &mut desk.reports);
    assert_eq!(refused, Err(Refusal::BlockTermsNotAllowed));
    assert_eq!(Refusal::BlockTermsNotAllowed.code(Segment::NseCm), Some(16603));
    let first = desk.block(Side::Buy, price, quantity).unwrap();
    desk.block(Side::Buy, price, quantity).unwrap();
    desk.block(Side::Sell, price, quantity + 1).unwrap();
    desk.block(Side::Sell, Px(price.0 + Px::SCALE), quantity + 1).unwrap();
    assert_eq!(desk.trades(), [], "another price or quantity is no counterpart");
    let sell = desk.block(Side::Sell, price, quantity).unwrap();
    assert_eq!(
        desk.told(),
        [(TradeKind::Block, 0, price.0, quantity, first.0, sell.0)],
        "the earliest, wholly"
    );
    assert_eq!(desk.matcher.last_trade(NEAR), None, "no price of the normal market");
    desk.matcher.close_blocks(Nanos(99), NEAR, &mut desk.reports).unwrap();
    let reasons: Vec<_> = desk.cancels().iter().map(|cancel| (cancel.0, cancel.1)).collect();
    let timeout = CancelReason::BlockWindow;
    assert_eq!(reasons, [(2, timeout), (3, timeout), (4, timeout)]);
    assert_eq!((timeout.code(Segment::NseCm), desk.matcher.blocks_count()), (Some(16738), 0));
}

#[test]
fn a_halt_of_the_whole_market_stops_every_book_and_takes_cancels_only() {
    let mut desk = Desk::new();
    let id = desk.limit(NEAR, Side::Buy, 1_000, 5);
    let spread = desk.limit(SPREAD, Side::Buy, 5, 5);
    let now = desk.tick();
    desk.matcher.set_phase_all(now, Phase::Halted, &mut desk.reports);
    for instrument in [NEAR, FAR, SPREAD] {
        assert_eq!(desk.matcher.phase(instrument), Phase::Halted);
        let order = Order::limit(instrument, Side::Sell, Px(1_000), Qty(5));
        assert_eq!(desk.submit(order), Err(Refusal::MarketHalted));
    }
    assert_eq!(desk.matcher.books().orders_count(), 2, "orders stay");
    for id in [id, spread] {
        desk.matcher.cancel(now, Target::new(id, 0), &mut desk.reports).unwrap();
    }
    assert_eq!(desk.matcher.books().orders_count(), 0);
}

#[test]
fn the_kill_switch_takes_a_members_orders_and_no_others() {
    let mut desk = Desk::new();
    let block =
        BlockTerms { range: PriceBand { low: Px(900), high: Px(1_100) }, value_min: Money(0) };
    desk.matcher.open_blocks(NEAR, block).unwrap();
    for member in [1, 2] {
        for instrument in [NEAR, FAR] {
            let order = Order::limit(instrument, Side::Buy, Px(1_000), Qty(5));
            desk.submit(Order { member, ..order }).unwrap();
            desk.submit(Order { member, quantity: Qty(101), ..order }).unwrap();
        }
        let order = Order { member, ..Order::limit(SPREAD, Side::Buy, Px(5), Qty(5)) };
        desk.submit(order).unwrap();
        let order = Order { member, ..Order::limit(NEAR, Side::Buy, Px(1_000), Qty(5)) };
        desk.matcher.submit_block(Nanos(60), &order, &mut desk.reports).unwrap();
    }
    let mut kill =
        |member, one| desk.matcher.cancel_member(Nanos(70), member, one, &mut desk.reports);
    assert_eq!(kill(1, Some(FAR)), Ok(2));
    assert_eq!(kill(1, None), Ok(4));
    assert_eq!(kill(1, None), Ok(0));
    assert_eq!(kill(1, Some(InstrumentId(9))), Err(Refusal::UnknownInstrument));
    assert_eq!(desk.matcher.books().orders_count(), 3);
    let forms: Vec<_> = desk
        .reports
        .iter()
        .filter_map(|report| match report {
            Report::Canceled(state, CancelReason::Requested) => Some((state.member, state.form)),
            _ => None,
        })
        .collect();
    let (regular, spread, block) = (OrderForm::Regular, OrderForm::Spread, OrderForm::Block);
    assert_eq!(forms, [regular, regular, regular, regular, block, spread].map(|form| (1, form)));
}

#[test]
fn rule_1_5_self_trades_are_prevented_among_block_orders() {
    let owner = Owner { pan: Pan::parse("AAAAA1111A").unwrap(), ..Owner::default() };
    let window =
        BlockTerms { range: PriceBand { low: Px(900), high: Px(1_100) }, value_min: Money(0) };
    for (self_trade, gone, traded) in
        [(SelfTrade::CancelPassive, 1, true), (SelfTrade::CancelActive, 3, false)]
    {
        let mut desk = Desk::new();
        desk.matcher.open_blocks(NEAR, window).unwrap();
        let order = Order::limit(NEAR, Side::Buy, Px(1_000), Qty(5));
        let sell = Order { side: Side::Sell, owner, self_trade, ..order };
        for order in [Order { owner, ..order }, order, sell] {
            desk.matcher.submit_block(Nanos(5), &order, &mut desk.reports).unwrap();
        }
        assert_eq!(desk.cancels(), [(gone, CancelReason::SelfTrade, Some(2075))]);
        assert_eq!(desk.trades().len(), usize::from(traded), "with the other's order");
    }
}

#[test]
fn rule_1_9_an_auction_opens_the_books_again_after_a_halt() {
    let mut desk = Desk::new();
    desk.limit(NEAR, Side::Sell, 1_005, 5);
    desk.limit(SPREAD, Side::Buy, 5, 5);
    for phase in [Phase::Halted, Phase::PreOpenEntry] {
        let now = desk.tick();
        desk.matcher.set_phase_all(now, phase, &mut desk.reports);
    }
    desk.limit(NEAR, Side::Buy, 1_010, 8);
    assert_eq!(desk.trades(), [], "orders are collected");
    for phase in [Phase::PreOpenMatch, Phase::Continuous] {
        let now = desk.tick();
        desk.matcher.set_phase_all(now, phase, &mut desk.reports);
    }
    let trades = desk.trades();
    assert_eq!((trades.len(), trades[0].quantity, trades[0].aggressor), (1, Qty(5), None));
    let left = |instrument| desk.matcher.books().touch(instrument, Side::Buy);
    assert_eq!(left(NEAR).map(|level| level.quantity), Some(3));
    assert_eq!(left(SPREAD).map(|level| level.quantity), Some(5), "what rested goes on");
    assert!(desk.matcher.is_consistent());
}
