//! Each check behind those of the configuration, by its reason and at its bound.

use super::*;
use tezi_model::{InstrumentId, Segment, Token};

const NEAR: InstrumentId = InstrumentId(0);
const FAR: InstrumentId = InstrumentId(1);
const OTHER: InstrumentId = InstrumentId(2);

fn limits() -> GuardLimits {
    GuardLimits {
        underlying_net_max: 100,
        underlying_gross_max: 150,
        duplicate_window_ns: 1_000,
        duplicates_max: 2,
        instrument_orders_max: 4,
        in_flight_max: 8,
        segment_orders_max: 6,
        theoretical_bps: 100,
        ..GuardLimits::OFF
    }
}

fn guards() -> Guards {
    let mut guards = Guards::new(4);
    for (id, symbol) in [(NEAR, "NIFTY"), (FAR, "NIFTY"), (OTHER, "BANKNIFTY")] {
        let mut definition = Instrument::unknown(Segment::NseFo, Token(1 + id.0));
        definition.symbol = tezi_model::Symbol::new(symbol);
        guards.on_define(id, &definition);
    }
    guards.set_limits(limits());
    guards
}

fn order(side: Side, price: i64, quantity: u32) -> Proposal {
    let quantity = Qty(quantity);
    Proposal { side, price: Px(price), open_quantity: quantity, quantity, replaces: None }
}

fn ask(instrument: InstrumentId, now: i64, proposal: &Proposal) -> Ask<'_> {
    Ask { now: Nanos(now), instrument, proposal, in_flight: 0 }
}

fn verdict(guards: &Guards, id: InstrumentId, proposal: &Proposal) -> Result<(), RejectReason> {
    guards.check(&ask(id, 0, proposal))
}

fn open(buy: i64, sell: i64) -> Exposure {
    Exposure { buy, sell, orders: 1 }
}

#[test]
fn nothing_is_refused_before_a_limit_is_set() {
    let guards = Guards::new(4);
    assert_eq!(verdict(&guards, NEAR, &order(Side::Buy, 1, u32::MAX)), Ok(()));
    let mut off = Guards::new(4);
    off.set_limits(GuardLimits::default());
    assert_eq!(verdict(&off, NEAR, &order(Side::Buy, 1, u32::MAX)), Ok(()));
}

#[test]
fn a_price_outside_the_moving_range_is_refused() {
    let mut guards = guards();
    assert!(guards.set_range(NEAR, Px(90), Px(110)));
    assert!(!guards.set_range(InstrumentId(9), Px(90), Px(110)));
    let at = |side| [89, 90, 110, 111].map(|price| verdict(&guards, NEAR, &order(side, price, 1)));
    let refused = Err(RejectReason::PriceProtection);
    assert_eq!(at(Side::Sell), [refused, Ok(()), Ok(()), Ok(())]);
    assert_eq!(at(Side::Buy), [Ok(()), Ok(()), Ok(()), refused]);
}

#[test]
fn a_price_through_the_theoretical_one_is_refused() {
    let mut guards = guards();
    guards.set_theoretical(NEAR, Px(10_000));
    let at = |guards: &Guards, side, price| verdict(guards, NEAR, &order(side, price, 1));
    let refused = Err(RejectReason::TheoreticalPrice);
    assert_eq!(at(&guards, Side::Buy, 10_100), Ok(()));
    assert_eq!(at(&guards, Side::Buy, 10_101), refused);
    assert_eq!(at(&guards, Side::Sell, 9_900), Ok(()));
    assert_eq!(at(&guards, Side::Sell, 9_899), refused);
    guards.set_theoretical(NEAR, Px::ZERO);
    assert_eq!(at(&guards, Side::Buy, 10_101), Ok(()));
}

#[test]
fn the_net_position_of_an_underlying_counts_all_its_instruments() {
    let mut guards = guards();
    guards.note(NEAR, 30, open(20, 0));
    guards.note(FAR, 20, open(0, 40));
    let buy = |quantity| order(Side::Buy, 1, quantity);
    let refused = Err(RejectReason::UnderlyingPosition);
    // Held and open to buy: 70, whatever may be sold.
    assert_eq!(verdict(&guards, FAR, &buy(30)), Ok(()));
    assert_eq!(verdict(&guards, FAR, &buy(31)), refused);
    assert_eq!(verdict(&guards, OTHER, &buy(100)), Ok(()));
    // A change of an order that has 20 open counts only what it adds.
    let change = Proposal { replaces: Some((Qty(20), Money::ZERO)), ..buy(50) };
    assert_eq!(verdict(&guards, NEAR, &change), Ok(()));
    assert!(guards.is_consistent());
    // Beyond the limit the way back stays open.
    guards.note(NEAR, 300, open(0, 0));
    guards.note(FAR, 0, open(0, 0));
    assert_eq!(verdict(&guards, NEAR, &order(Side::Sell, 1, 50)), Ok(()));
}

#[test]
fn the_gross_position_of_an_underlying_knows_no_hedge() {
    let mut guards = guards();
    guards.note(NEAR, 80, open(0, 0));
    guards.note(FAR, -60, open(0, 0));
    let refused = Err(RejectReason::GrossPosition);
    assert_eq!(verdict(&guards, FAR, &order(Side::Sell, 1, 10)), Ok(()));
    assert_eq!(verdict(&guards, FAR, &order(Side::Sell, 1, 11)), refused);
    assert_eq!(verdict(&guards, FAR, &order(Side::Buy, 1, 60)), Ok(()));
}

#[test]
fn in_a_ban_only_what_reduces_the_position_leaves() {
    let mut guards = guards();
    assert!(guards.restrict(NEAR, Restriction::ReduceOnly));
    guards.note(NEAR, 50, open(0, 20));
    let refused = Err(RejectReason::Banned);
    assert_eq!(verdict(&guards, NEAR, &order(Side::Sell, 1, 30)), Ok(()));
    assert_eq!(verdict(&guards, NEAR, &order(Side::Sell, 1, 31)), refused);
    assert_eq!(verdict(&guards, NEAR, &order(Side::Buy, 1, 1)), refused);
    guards.note(NEAR, 0, open(0, 0));
    assert_eq!(verdict(&guards, NEAR, &order(Side::Sell, 1, 1)), refused);
}

#[test]
fn the_restricted_list_knows_sides() {
    let mut guards = guards();
    let sides =
        |guards: &Guards| Side::BOTH.map(|side| verdict(guards, NEAR, &order(side, 1, 1)).is_ok());
    for (restriction, allowed) in [
        (Restriction::NoBuys, [false, true]),
        (Restriction::NoSells, [true, false]),
        (Restriction::Nothing, [false, false]),
        (Restriction::None, [true, true]),
    ] {
        assert!(guards.restrict(NEAR, restriction));
        assert_eq!(sides(&guards), allowed, "{restriction:?}");
        assert_eq!(Restriction::from_code(restriction as u8), Some(restriction));
    }
    guards.restrict(NEAR, Restriction::Nothing);
    let refusal = verdict(&guards, NEAR, &order(Side::Buy, 1, 1));
    assert_eq!(refusal, Err(RejectReason::Restricted));
}

#[test]
fn the_same_order_in_a_row_is_a_duplicate() {
    let mut guards = guards();
    let same = order(Side::Buy, 100, 1);
    for now in [0, 900] {
        assert_eq!(guards.check(&ask(NEAR, now, &same)), Ok(()));
        guards.count(&ask(NEAR, now, &same));
    }
    let refused = Err(RejectReason::DuplicateOrder);
    assert_eq!(guards.check(&ask(NEAR, 1_899, &same)), refused);
    // Another one, or the same one later, is none; nor is a change.
    assert_eq!(guards.check(&ask(NEAR, 1_900, &same)), Ok(()));
    assert_eq!(guards.check(&ask(NEAR, 1_000, &order(Side::Buy, 101, 1))), Ok(()));
    assert_eq!(guards.check(&ask(FAR, 1_000, &same)), Ok(()));
    let change = Proposal { replaces: Some((Qty(1), Money::ZERO)), ..same };
    assert_eq!(guards.check(&ask(NEAR, 1_000, &change)), Ok(()));
}

#[test]
fn a_loop_is_stopped_per_instrument_and_tops_per_segment_on_the_clock_second() {
    let mut guards = guards();
    let send = |guards: &mut Guards, id, index: i64| {
        let proposal = order(Side::Buy, 100 + index, 1);
        let ask = ask(id, 5_000_000_000 + index, &proposal);
        let result = guards.check(&ask);
        if result.is_ok() {
            guards.count(&ask);
        }
        result
    };
    for index in 0..4 {
        assert_eq!(send(&mut guards, NEAR, index), Ok(()));
    }
    assert_eq!(send(&mut guards, NEAR, 4), Err(RejectReason::RunawayOrders));
    for index in 5..7 {
        assert_eq!(send(&mut guards, FAR, index), Ok(()));
    }
    assert_eq!(send(&mut guards, OTHER, 7), Err(RejectReason::OrderRate));
    assert_eq!(send(&mut guards, NEAR, 999_999_999), Err(RejectReason::RunawayOrders));
    assert_eq!(send(&mut guards, NEAR, 1_000_000_000), Ok(()));
}

#[test]
fn requests_without_an_answer_are_bounded() {
    let guards = guards();
    let proposal = order(Side::Buy, 1, 1);
    let waiting = |in_flight| guards.check(&Ask { in_flight, ..ask(NEAR, 0, &proposal) });
    assert_eq!([7, 8].map(waiting), [Ok(()), Err(RejectReason::InFlight)]);
}

#[test]
fn an_underlying_has_its_instruments_whenever_their_symbol_becomes_known() {
    let mut guards = Guards::new(2);
    guards.set_limits(GuardLimits { underlying_net_max: 10, ..GuardLimits::default() });
    guards.note(NEAR, 6, open(0, 0));
    guards.note(FAR, 4, open(0, 0));
    let one = order(Side::Buy, 1, 1);
    assert_eq!(verdict(&guards, NEAR, &one), Ok(()));
    for (symbol, expected) in [("A", Err(RejectReason::UnderlyingPosition)), ("B", Ok(()))] {
        let mut definition = Instrument::unknown(Segment::NseFo, Token(1));
        definition.symbol = tezi_model::Symbol::new("A");
        guards.on_define(NEAR, &definition);
        definition.symbol = tezi_model::Symbol::new(symbol);
        guards.on_define(FAR, &definition);
        assert_eq!(verdict(&guards, NEAR, &one), expected, "{symbol}");
        assert!(guards.is_consistent());
    }
}
