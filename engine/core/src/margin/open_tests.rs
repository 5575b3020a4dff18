//! The margin with open orders against every way in which they can fill.

use tezi_model::{Px, Side};
use tezi_testing::Random;

use super::*;
use crate::pricing::SpanInput;
use crate::venue::Date;
use crate::venue::rules::Rules;

const SPOT: f64 = 23_547.75;
const LOT: i64 = 65;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// Two months of futures, and calls and puts of a third month and of today.
fn portfolio(months: usize) -> (Portfolio, Vec<ContractId>) {
    let rules = Rules::builtin().unwrap();
    let today = day("2026-06-02");
    let parameters = MarginParameters::of(&rules, UnderlyingKind::Index, today).unwrap();
    let mut portfolio = Portfolio::new(PortfolioLimits::default());
    let price = Px::from_rupees(SPOT);
    let (rates, previous_close) = (parameters.rates, price);
    let terms = UnderlyingTerms { rates, price, previous_close, is_concentrated: false };
    let underlying = portfolio.add_underlying(terms).unwrap();
    let scan = parameters.price_scan(price, 0.0, false, false);
    let mut ids = Vec::new();
    for (expiry, price) in [("2026-06-30", 23_600.0), ("2026-07-28", 23_720.0)] {
        let terms = ContractTerms {
            underlying,
            expiry: day(expiry),
            kind: ContractKind::Future,
            price: Px::from_rupees(price),
            array: RiskArray::of_future(&parameters.grid, scan).unwrap(),
        };
        ids.push(portfolio.add_contract(&terms).unwrap());
    }
    let options = [
        ("2026-06-30", 28.0, 23_500.0, true),
        ("2026-06-30", 28.0, 23_000.0, false),
        ("2026-06-02", 0.0, 23_500.0, true),
        ("2026-08-25", 84.0, 24_500.0, true),
    ];
    for (expiry, days, strike, is_call) in options {
        let input = SpanInput {
            underlying: SPOT,
            strike,
            years: days / 365.0,
            vol: 0.13,
            rate: 0.0525,
            carry: 0.0525,
            price_scan: scan.to_rupees(),
            vol_scan: parameters.vol_scan(0.13),
            is_call,
        };
        let value = input.array(&parameters.grid);
        let terms = ContractTerms {
            underlying,
            expiry: day(expiry),
            kind: ContractKind::Option { is_call, strike: Px::from_rupees(strike) },
            price: Px::from_paise((value.value * 100.0).round() as i64),
            array: RiskArray::from_rupees(&value.loss, value.delta).unwrap(),
        };
        ids.push(portfolio.add_contract(&terms).unwrap());
    }
    ids.truncate(months);
    (portfolio, ids)
}

fn lots(random: &mut Random, most: u64) -> i64 {
    random.below(most + 1) as i64 * LOT
}

/// The margin of the positions after the corner `fills` of what is open, of each contract one of four.
fn filled(portfolio: &mut Portfolio, ids: &[ContractId], mut fills: usize) -> Margin {
    let mut undo = Vec::new();
    for &id in ids {
        let open = portfolio.open(id).unwrap();
        let change = [0, open.buy, -open.sell, open.buy - open.sell][fills % 4];
        fills /= 4;
        portfolio.apply(id, change).unwrap();
        undo.push((id, -change));
    }
    let margin = portfolio.margin();
    for (id, change) in undo {
        portfolio.apply(id, change).unwrap();
    }
    margin
}

#[test]
fn no_way_of_filling_makes_a_margin_above_the_worst() {
    let mut random = Random(71);
    let (mut portfolio, ids) = portfolio(6);
    let (mut tight, mut cases) = (0, 0);
    for step in 0..120 {
        for &id in &ids {
            let quantity = lots(&mut random, 8) - 4 * LOT;
            let mut open = || if random.chance(50) { lots(&mut random, 6) } else { 0 };
            let open = Open { buy: open(), sell: open() };
            portfolio.note(id, quantity, open).unwrap();
        }
        let bound = portfolio.worst();
        let corners = 4_usize.pow(ids.len() as u32);
        let most = (0..corners).map(|fills| filled(&mut portfolio, &ids, fills).total());
        let most = most.max().unwrap();
        assert!(most <= bound.total(), "step {step}: {most:?} is above {bound:?}");
        // The parts are taken at their own worst, so it may be above, but not by much.
        cases += 1;
        tight += i32::from(bound.total().0 * 10 <= most.0 * 13);
        assert!(portfolio.is_consistent(), "step {step}");
    }
    assert!(tight * 100 >= cases * 85, "{tight} of {cases} within 30 %");
}

/// Of one month nothing is bounded by more than what can happen.
#[test]
fn the_worst_of_futures_of_one_month_is_exact() {
    let mut random = Random(72);
    let (mut portfolio, ids) = portfolio(1);
    for step in 0..500 {
        let quantity = lots(&mut random, 8) - 4 * LOT;
        let open = Open { buy: lots(&mut random, 6), sell: lots(&mut random, 6) };
        portfolio.note(ids[0], quantity, open).unwrap();
        let most = (0..4).map(|fills| filled(&mut portfolio, &ids, fills).total()).max().unwrap();
        assert_eq!(portfolio.worst().total(), most, "step {step}: {quantity} {open:?}");
    }
}

#[test]
fn an_order_asked_about_is_an_order_noted() {
    let mut random = Random(73);
    let (mut portfolio, ids) = portfolio(6);
    for step in 0..2_000 {
        let id = ids[random.below(6) as usize];
        if random.chance(40) {
            let quantity = lots(&mut random, 8) - 4 * LOT;
            portfolio.note(id, quantity, portfolio.open(id).unwrap()).unwrap();
        }
        let side = if random.chance(50) { Side::Buy } else { Side::Sell };
        let before = portfolio.open(id).unwrap();
        let open = if random.chance(50) { before.with(side, LOT) } else { Open::default() };
        let change = portfolio.worst_if(id, open).unwrap();
        assert_eq!(change.before, portfolio.worst(), "step {step}");
        portfolio.note(id, portfolio.quantity(id).unwrap(), open).unwrap();
        assert_eq!(change.after, portfolio.worst(), "step {step}");
    }
    for id in ids {
        portfolio.note(id, 0, Open::default()).unwrap();
    }
    assert_eq!((portfolio.worst(), portfolio.margin()), (Margin::default(), Margin::default()));
}

/// What only takes a position back asks for nothing more, so it can leave at the limit.
#[test]
fn an_order_that_closes_adds_nothing() {
    for index in [0, 2, 3] {
        for quantity in [-4 * LOT, 4 * LOT] {
            let (mut portfolio, ids) = portfolio(6);
            portfolio.note(ids[index], quantity, Open::default()).unwrap();
            let closes = Open { buy: (-quantity).max(0), sell: quantity.max(0) };
            let change = portfolio.worst_if(ids[index], closes).unwrap();
            let (before, after) = (change.before.total(), change.after.total());
            assert!(after <= before, "contract {index}, {quantity}: {before} {after}");
        }
    }
}

#[test]
fn what_is_too_large_for_the_sums_is_refused_and_counts_at_the_most_they_hold() {
    let (mut portfolio, ids) = portfolio(2);
    let most = Open { buy: i64::MAX, sell: 0 };
    assert_eq!(portfolio.worst_if(ids[0], most), Err(MarginRefusal::QuantityTooLarge));
    assert_eq!(portfolio.note(ids[0], i64::MAX, most), Err(MarginRefusal::QuantityTooLarge));
    assert!(portfolio.quantity(ids[0]).unwrap() > 10_000_000 && portfolio.is_consistent());
    let unknown = ContractId(99);
    assert_eq!(portfolio.worst_if(unknown, most), Err(MarginRefusal::UnknownContract));
    assert_eq!(portfolio.note(unknown, 1, most), Err(MarginRefusal::UnknownContract));
}
