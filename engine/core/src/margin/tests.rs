//! Worked examples of the rules, and random portfolios against a naive model.

use tezi_model::{Money, Px};

use super::*;
use crate::pricing::{SpanGrid, SpanInput};
use crate::venue::Date;
use crate::venue::rules::Rules;
use tezi_testing::Random;

const SPOT: f64 = 23_547.75;
const LOT: i64 = 65;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn parameters(kind: UnderlyingKind, date: &str) -> MarginParameters {
    MarginParameters::of(&Rules::builtin().unwrap(), kind, day(date)).unwrap()
}

fn rupees(money: Money) -> f64 {
    money.0 as f64 / Px::SCALE as f64
}

fn assert_near(got: Money, want: f64, tolerance: f64) {
    let got = rupees(got);
    assert!((got - want).abs() <= tolerance, "{got} is not {want}");
}

fn nifty_option(strike: f64, is_call: bool, parameters: &MarginParameters) -> SpanInput {
    SpanInput {
        underlying: SPOT,
        strike,
        years: 30.0 / 365.0,
        vol: 0.13,
        rate: 0.0525,
        carry: 0.0525,
        price_scan: parameters.price_scan(Px::from_rupees(SPOT), 0.0, false, false).to_rupees(),
        vol_scan: parameters.vol_scan(0.13),
        is_call,
    }
}

struct Desk {
    portfolio: Portfolio,
    nifty: UnderlyingId,
    parameters: MarginParameters,
}

impl Desk {
    fn new(date: &str) -> Self {
        let parameters = parameters(UnderlyingKind::Index, date);
        let mut portfolio = Portfolio::new(PortfolioLimits::default());
        let price = Px::from_rupees(SPOT);
        let terms = UnderlyingTerms {
            rates: parameters.rates,
            price,
            previous_close: price,
            is_concentrated: false,
        };
        let nifty = portfolio.add_underlying(terms).unwrap();
        Self { portfolio, nifty, parameters }
    }

    fn future(&mut self, expiry: &str, price: f64) -> ContractId {
        let scan = self.parameters.price_scan(Px::from_rupees(SPOT), 0.0, false, false);
        let terms = ContractTerms {
            underlying: self.nifty,
            expiry: day(expiry),
            kind: ContractKind::Future,
            price: Px::from_rupees(price),
            array: RiskArray::of_future(&self.parameters.grid, scan).unwrap(),
        };
        self.portfolio.add_contract(&terms).unwrap()
    }

    fn option(&mut self, expiry: &str, strike: f64, is_call: bool) -> ContractId {
        let value = nifty_option(strike, is_call, &self.parameters).array(&self.parameters.grid);
        let terms = ContractTerms {
            underlying: self.nifty,
            expiry: day(expiry),
            kind: ContractKind::Option { is_call, strike: Px::from_rupees(strike) },
            price: Px::from_rupees(value.value),
            array: RiskArray::from_rupees(&value.loss, value.delta).unwrap(),
        };
        self.portfolio.add_contract(&terms).unwrap()
    }

    fn breakdown(&self) -> SpanBreakdown {
        self.portfolio.breakdown(self.nifty).unwrap()[0]
    }
}

#[test]
fn section_4_3_scan_ranges_have_floors() {
    let price = Px::from_rupees(1_000.0);
    let index = parameters(UnderlyingKind::Index, "2026-06-01");
    let stock = parameters(UnderlyingKind::Stock, "2026-06-01");
    let scan = |rules: &MarginParameters, vol, illiquid, long| {
        rules.price_scan(price, vol, illiquid, long).to_rupees()
    };
    assert_eq!(scan(&index, 0.01, false, false), 93.0);
    assert_eq!(scan(&index, 0.01, false, true), 177.0);
    assert_eq!(scan(&stock, 0.01, false, false), 142.0);
    // Section 4.1: 6 sigma sqrt 2 of 1.206071 % is 10.233854 %.
    assert!((scan(&index, 0.012_060_71, false, false) - 102.338_54).abs() < 1e-4);
    assert!((scan(&index, 0.01, true, false) - 161.080_725_1).abs() < 1e-6); // 93 sqrt 3
    assert_eq!((index.vol_scan(0.13), stock.vol_scan(0.3), index.vol_scan(0.2)), (0.04, 0.1, 0.05));
    assert_eq!((index.long_dated_months, stock.long_dated_months), (Some(9), None));
    let sum: f64 = index.grid.delta_weights[1..].iter().sum();
    assert!((index.grid.delta_weights[0] + 2.0 * sum - 1.0).abs() < 1e-15);
}

#[test]
fn section_4_2_cash_margins() {
    let rules = Rules::builtin().unwrap();
    let rates = |group, vol| {
        let margin = CashMargin::of(&rules, group, vol, day("2026-06-01")).unwrap();
        (margin.var, margin.extreme_loss)
    };
    // Section 4.1: 6 sigma of 1.206071 % is 7.236427 %, below the floor.
    assert_eq!(rates(CashGroup::Group1, 0.012_060_71), (0.09, 0.035));
    assert_eq!(rates(CashGroup::Group1, 0.02), (0.12, 0.035));
    assert_eq!(rates(CashGroup::Group2, 0.02), (0.215, 0.035));
    assert_eq!(rates(CashGroup::Group3 { is_rare: false }, 0.2), (0.5, 0.035));
    assert_eq!(rates(CashGroup::Group3 { is_rare: true }, 0.2), (0.75, 0.035));
    assert_eq!(rates(CashGroup::BroadEtf, 0.005), (0.06, 0.02));
    assert!((rates(CashGroup::BroadEtf, 0.012_060_71).0 - 0.072_364_26).abs() < 1e-9);
}

#[test]
fn section_4_4_array_of_a_future() {
    let rules = parameters(UnderlyingKind::Index, "2026-06-01");
    let scan = rules.price_scan(Px::from_rupees(SPOT), 0.0, false, false);
    let array = RiskArray::of_future(&rules.grid, scan).unwrap();
    let want = [
        0, 0, -72_998, -72_998, 72_998, 72_998, -145_996, -145_996, 145_996, 145_996, -218_994,
        -218_994, 218_994, 218_994, -153_296, 153_296,
    ];
    assert_eq!((array.loss, array.delta), (want, RiskArray::DELTA_ONE));
}

#[test]
fn section_4_4_short_call() {
    let mut desk = Desk::new("2026-05-29");
    let call = desk.option("2026-06-30", 23_700.0, true);
    let margin = desk.portfolio.apply(call, -LOT).unwrap();
    let parts = desk.breakdown();
    assert_near(parts.scan, 118_748.50, 0.0);
    assert_eq!(parts.scenario, 11);
    assert_near(parts.net_option_value, -21_186.32, 0.005);
    assert_near(margin.span, 139_934.82, 0.005);
    assert_near(margin.exposure, 30_612.075, 1e-6);
    // A broker's published figure from the clearing house's file of the day: 141,673.
    assert!((rupees(margin.span) / 141_673.0 - 1.0).abs() < 0.015);
}

#[test]
fn section_4_4_long_future() {
    let mut desk = Desk::new("2026-05-29");
    let future = desk.future("2026-06-30", SPOT);
    let margin = desk.portfolio.apply(future, LOT).unwrap();
    assert_near(margin.span, 142_346.10, 0.0);
    assert_near(margin.exposure, 30_612.075, 1e-6);
    assert_eq!(desk.breakdown().scenario, 13);
    assert!((rupees(margin.span) / 143_720.0 - 1.0).abs() < 0.015); // published, as above
}

#[test]
fn section_4_4_long_future_and_short_call() {
    let mut desk = Desk::new("2026-05-29");
    let (future, call) =
        (desk.future("2026-06-30", SPOT), desk.option("2026-06-30", 23_700.0, true));
    desk.portfolio.apply(future, LOT).unwrap();
    let change = desk.portfolio.what_if(call, -LOT).unwrap();
    let margin = desk.portfolio.apply(call, -LOT).unwrap();
    assert_eq!((change.after, change.added()), (margin, margin.total() - change.before.total()));
    assert_near(desk.breakdown().scan, 121_631.90, 0.0);
    assert_eq!(desk.breakdown().scenario, 13);
    assert_near(margin.span, 142_818.22, 0.005);
    assert_near(margin.exposure, 61_224.15, 1e-6);
}

#[test]
fn section_4_4_a_long_option_needs_no_margin() {
    let mut desk = Desk::new("2026-05-29");
    let call = desk.option("2026-06-30", 23_700.0, true);
    assert_eq!(desk.portfolio.apply(call, LOT).unwrap(), Margin::default());
}

#[test]
fn section_4_3_calendar_spread_is_charged_on_the_far_month() {
    let mut desk = Desk::new("2026-05-29");
    // Added late month first: months stand in order whatever the order of arrival.
    let (far, near) = (desk.future("2026-07-28", 23_700.0), desk.future("2026-06-30", 23_600.0));
    desk.portfolio.apply(near, LOT).unwrap();
    let margin = desk.portfolio.apply(far, -LOT).unwrap();
    assert_near(desk.breakdown().scan, 0.0, 0.0);
    assert_near(margin.span, 65.0 * 23_700.0 * 0.0175, 0.01);
    assert_near(margin.exposure, 65.0 * 23_700.0 * 0.02 / 3.0, 0.01);
    let margin = desk.portfolio.apply(near, LOT).unwrap();
    assert_near(margin.exposure, 65.0 * 0.02 * (23_600.0 + 23_700.0 / 3.0), 0.01);
}

#[test]
fn section_4_3_no_benefit_on_the_last_day() {
    for (date, has_benefit) in [("2025-02-09", true), ("2025-02-10", false)] {
        let mut desk = Desk::new(date);
        let (near, far) = (desk.future(date, SPOT), desk.future("2025-03-27", SPOT));
        desk.portfolio.apply(near, LOT).unwrap();
        let margin = desk.portfolio.apply(far, -LOT).unwrap();
        let want = if has_benefit { 65.0 * SPOT * 0.0175 } else { 2.0 * 142_346.10 };
        assert_near(margin.span, want, 0.01);
    }
    let stock = |date| parameters(UnderlyingKind::Stock, date).rates.expiry_day_spread;
    assert_eq!((stock("2026-05-04"), stock("2026-05-05")), (true, false));
}

#[test]
fn section_4_3_exposure_of_short_index_options() {
    let exposure = |date: &str, expiry: &str, strike, is_call| {
        let mut desk = Desk::new(date);
        let option = desk.option(expiry, strike, is_call);
        rupees(desk.portfolio.apply(option, -LOT).unwrap().exposure) / (65.0 * SPOT)
    };
    for (date, expiry, strike, is_call, want) in [
        ("2024-11-19", "2024-11-19", 23_700.0, true, 0.02),
        ("2024-11-20", "2024-11-20", 23_700.0, true, 0.04),
        ("2024-11-20", "2024-11-21", 23_700.0, true, 0.02),
        ("2026-05-29", "2026-06-30", 25_900.0, true, 0.02),
        ("2026-05-29", "2026-06-30", 25_950.0, true, 0.05),
        ("2026-05-29", "2026-06-30", 21_150.0, false, 0.05),
        ("2026-05-29", "2026-06-30", 21_150.0, true, 0.02),
    ] {
        let got = exposure(date, expiry, strike, is_call);
        assert!((got - want).abs() < 1e-9, "{date} {strike}: {got} is not {want}");
    }
}

#[test]
fn section_4_3_concentrated_stocks_pay_more() {
    let terms = |is_concentrated| {
        let price = Px::from_rupees(1_000.0);
        let parameters = parameters(UnderlyingKind::Stock, "2026-06-01");
        UnderlyingTerms { rates: parameters.rates, price, previous_close: price, is_concentrated }
    };
    for (is_concentrated, want) in [(false, 35.0), (true, 185.0)] {
        let mut portfolio = Portfolio::new(PortfolioLimits::default());
        let underlying = portfolio.add_underlying(terms(is_concentrated)).unwrap();
        let future = ContractTerms {
            underlying,
            expiry: day("2026-06-30"),
            kind: ContractKind::Future,
            price: Px::from_rupees(1_000.0),
            array: RiskArray { loss: [0; 16], delta: RiskArray::DELTA_ONE },
        };
        let future = portfolio.add_contract(&future).unwrap();
        assert_near(portfolio.apply(future, 1).unwrap().exposure, want, 1e-9);
    }
}

/// W. Lawrence McMillan, Options as a Strategic Investment, chapter 34: S&P 500 futures and calls.
#[test]
fn published_arrays_give_the_published_scan_risk() {
    let call = [
        460, -610, 2640, 1730, -1270, -2340, 5210, 4540, -2540, -3430, 8060, 7640, -3380, -3990,
        3130, -1500,
    ];
    let future = [
        0, 0, 3330, 3330, -3330, -3330, 6670, 6670, -6670, -6670, 10_000, 10_000, -10_000, -10_000,
        7000, -7000,
    ];
    let mut desk = Desk::new("2026-05-29");
    let mut add = |profit: [i32; 16], kind| {
        let array = RiskArray { loss: profit.map(|profit| -profit * 100), delta: 0 };
        let (underlying, expiry) = (desk.nifty, day("2026-12-18"));
        let terms = ContractTerms { underlying, expiry, kind, price: Px(1), array };
        desk.portfolio.add_contract(&terms).unwrap()
    };
    let strike = Px::from_rupees(410.0);
    let call = add(call, ContractKind::Option { is_call: true, strike });
    let future = add(future, ContractKind::Future);
    desk.portfolio.apply(call, 1).unwrap();
    assert_near(desk.breakdown().scan, 3_990.0, 0.0);
    desk.portfolio.apply(call, -2).unwrap();
    desk.portfolio.apply(future, 1).unwrap();
    assert_near(desk.breakdown().scan, 6_620.0, 0.0);
    assert_eq!(desk.breakdown().scenario, 13);
}

#[test]
fn refusals_have_names_and_change_nothing() {
    let limits = PortfolioLimits { underlyings_max: 1, contracts_max: 3, expiries_max: 1 };
    let mut portfolio = Portfolio::new(limits);
    let parameters = parameters(UnderlyingKind::Index, "2026-06-01");
    let price = Px::from_rupees(100.0);
    let terms = UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    };
    let bad = UnderlyingTerms { price: Px::ZERO, ..terms };
    assert_eq!(portfolio.add_underlying(bad), Err(MarginRefusal::BadPrice));
    let underlying = portfolio.add_underlying(terms).unwrap();
    assert_eq!(portfolio.add_underlying(terms), Err(MarginRefusal::UnderlyingsFull));
    let future = ContractTerms {
        underlying,
        expiry: day("2026-06-30"),
        kind: ContractKind::Future,
        price,
        array: RiskArray { loss: [RiskArray::LOSS_MAX; 16], delta: 0 },
    };
    let refused = |portfolio: &mut Portfolio, terms: ContractTerms| portfolio.add_contract(&terms);
    for (terms, want) in [
        (ContractTerms { underlying: UnderlyingId(1), ..future }, MarginRefusal::UnknownUnderlying),
        (ContractTerms { price: Px::ZERO, ..future }, MarginRefusal::BadPrice),
        (ContractTerms { expiry: day("2026-05-31"), ..future }, MarginRefusal::Expired),
    ] {
        assert_eq!(refused(&mut portfolio, terms), Err(want));
    }
    let id = portfolio.add_contract(&future).unwrap();
    let later = ContractTerms { expiry: day("2026-07-28"), ..future };
    assert_eq!(refused(&mut portfolio, later), Err(MarginRefusal::ExpiriesFull));
    assert_eq!(portfolio.what_if(ContractId(7), 1), Err(MarginRefusal::UnknownContract));
    for change in [i64::MIN, i64::MAX, 1 << 40] {
        assert_eq!(portfolio.apply(id, change), Err(MarginRefusal::QuantityTooLarge));
    }
    assert_eq!((portfolio.margin(), portfolio.quantity(id)), (Margin::default(), Some(0)));
    for _ in 0..2 {
        portfolio.add_contract(&future).unwrap();
    }
    assert_eq!(refused(&mut portfolio, future), Err(MarginRefusal::ContractsFull));
    let nan = RiskArray::from_rupees(&[f64::NAN; 16], 0.0);
    assert_eq!(nan, Err(MarginRefusal::ArrayOutOfRange));
    assert_eq!(RiskArray::from_rupees(&[0.0; 16], 2.1), Err(MarginRefusal::ArrayOutOfRange));
}

/// SPAN the slow way, over every position, with the spread charge given.
fn naive_span(positions: &[(i64, RiskArray, Px, bool)], charge: i128) -> i128 {
    let loss = |k: usize| -> i128 {
        positions.iter().map(|(q, array, ..)| i128::from(*q) * i128::from(array.loss[k])).sum()
    };
    let scan = (0..16).map(loss).max().unwrap_or(0).max(0) * 1_000_000;
    let value = |(q, _, price, is_option): &(i64, RiskArray, Px, bool)| {
        if *is_option { i128::from(*q) * i128::from(price.0) } else { 0 }
    };
    (scan + charge - positions.iter().map(value).sum::<i128>()).max(0)
}

#[test]
fn the_incremental_margin_is_that_of_a_portfolio_made_anew() {
    for seed in 0..12 {
        let mut random = Random(seed);
        let mut desk = Desk::new("2026-06-30");
        // On the last day of the first month: both groups of the underlying are in use.
        let months = ["2026-06-30", "2026-07-28", "2026-08-25", "2026-09-29"];
        let mut held = Vec::new();
        for _ in 0..40 {
            let expiry = day(months[random.below(4) as usize]);
            let is_option = random.below(4) > 0;
            let strike = Px::from_rupees(SPOT + random.below(6_000) as f64 - 3_000.0);
            let mut loss = [0; 16].map(|_: i32| random.below(400_000) as i32 - 200_000);
            if !is_option {
                let scan = Px::from_rupees(2_190.0);
                loss = RiskArray::of_future(&desk.parameters.grid, scan).unwrap().loss;
            }
            let is_call = random.below(2) == 0;
            let kind = match is_option {
                true => ContractKind::Option { is_call, strike },
                false => ContractKind::Future,
            };
            let delta = random.below(2_000_000) as i32 - 1_000_000;
            let array = RiskArray { loss, delta };
            let price = Px::from_paise(1 + random.below(100_000) as i64);
            let terms = ContractTerms { underlying: desk.nifty, expiry, kind, price, array };
            let id = desk.portfolio.add_contract(&terms).unwrap();
            held.push((id, terms, 0_i64));
        }
        for step in 0..400 {
            let (id, _, quantity) = &mut held[random.below(40) as usize];
            let change = (random.below(41) as i64 - 20) * LOT;
            let told = desk.portfolio.what_if(*id, change).unwrap();
            let got = desk.portfolio.apply(*id, change).unwrap();
            *quantity += change;
            assert_eq!((told.after, got), (got, desk.portfolio.margin()), "{seed}/{step}");
            assert!(desk.portfolio.is_consistent(), "seed {seed}, step {step}");
        }
        // Both groups against plain sums. (`pair_spreads` has a test of its own.)
        for (group, parts) in desk.portfolio.breakdown(desk.nifty).unwrap().iter().enumerate() {
            let mine: Vec<_> = held
                .iter()
                .filter(|(_, terms, _)| (terms.expiry == day(months[0])) == (group == 1))
                .map(|(_, terms, q)| {
                    (*q, terms.array, terms.price, terms.kind != ContractKind::Future)
                })
                .collect();
            let span = naive_span(&mine, parts.spread_charge.0);
            assert_eq!(parts.margin.span.0, span, "seed {seed}, group {group}");
            assert!(group == 0 || parts.spread_charge == Money::ZERO, "seed {seed}");
        }
        let before = desk.portfolio.margin();
        assert_eq!(desk.portfolio.recompute(), before, "seed {seed}");
    }
}

#[test]
fn new_arrays_take_effect_together() {
    let mut desk = Desk::new("2026-05-29");
    let future = desk.future("2026-06-30", SPOT);
    desk.portfolio.apply(future, LOT).unwrap();
    let grid: SpanGrid = desk.parameters.grid;
    let array = RiskArray::of_future(&grid, Px::from_rupees(1_000.0)).unwrap();
    desk.portfolio.set_contract(future, Px::from_rupees(24_000.0), &array).unwrap();
    let margin = desk.portfolio.recompute();
    assert_near(margin.span, 65_000.0, 0.0);
    assert_near(margin.exposure, 65.0 * 480.0, 1e-6);
}
