//! Tests of rule 1.7: bands, limit price protection and limits of single orders.

use tezi_model::{Nanos, Px, Qty, Side};

use super::*;
use crate::venue::rules::{Rules, key};
use crate::venue::{Date, Rate, TimeOfDay, Width};
use tezi_testing::Random;

const TICK: Px = Px::from_paise(5);

const fn rupees(rupees: i64) -> Px {
    Px(rupees * Px::SCALE)
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// A time on 3 August 2026, the first day of the closing auction.
fn at(hour: i64, minute: i64, second: i64) -> Nanos {
    Nanos::from_ist(2026, 8, 3, hour, minute, second)
}

fn ends(band: PriceBand) -> (i64, i64) {
    (band.low.to_paise().unwrap(), band.high.to_paise().unwrap())
}

#[test]
fn bands_round_inwards_and_always_hold_a_price() {
    for (base, bps, tick, low, high) in [
        (10_003, 1_000, 5, 9_005, 11_000),
        (10_000, 200, 5, 9_800, 10_200),
        (7, 200, 5, 5, 10),  // no tick inside: the ones around it
        (3, 1_000, 5, 5, 5), // never below one tick
        (100, 10_000, 5, 5, 200),
    ] {
        let band =
            PriceBand::around(Px::from_paise(base), Rate::from_bps(bps), Px::from_paise(tick));
        assert_eq!(ends(band), (low, high), "{base}");
        assert!(band.contains(band.low) && band.contains(band.high));
        assert!(!band.contains(band.high + Px(1)) && !band.contains(band.low - Px(1)));
    }
}

#[test]
fn rule_1_7_fixed_bands_and_operating_range() {
    let rules = Rules::builtin().unwrap();
    let day = date("2026-11-20");
    let fixed = |bps| {
        fixed_band(&rules, "NSE/cm", day, rupees(100), Rate::from_bps(bps), TICK).unwrap().map(ends)
    };
    assert_eq!(fixed(200), Some((9_800, 10_200)));
    assert_eq!(fixed(500), Some((9_500, 10_500)));
    assert_eq!(fixed(1_000), Some((9_000, 11_000)));
    assert_eq!(fixed(2_000), Some((8_000, 12_000)));
    assert_eq!(fixed(300), None);
    let range = future_operating_range(&rules, "NSE/fo", day, rupees(23_000), TICK).unwrap();
    assert_eq!(ends(range), (2_070_000, 2_530_000));
}

#[test]
fn rule_2_4_stock_futures_have_the_closing_band_from_15_15_to_15_40() {
    let rules = Rules::builtin().unwrap();
    let scope = "NSE/fo/stock_future";
    assert_eq!(ClosingBand::new(&rules, scope, date("2026-08-02")), None);
    assert_eq!(ClosingBand::new(&rules, "NSE/fo/future", date("2026-08-03")), None);
    let band = ClosingBand::new(&rules, scope, date("2026-08-03")).unwrap();
    for (clock, edges) in [
        ("15:14:59", None),
        ("15:15", Some((97_000, 103_000))),
        ("15:39:59", Some((97_000, 103_000))),
        ("15:40", None),
    ] {
        let time = TimeOfDay::parse(clock).unwrap();
        assert_eq!(band.at(time, rupees(1_000), TICK).map(ends), edges, "{clock}");
    }
}

const BROAD: Turnover = Turnover { trades: 50, clients: [10, 10], members: [3, 3] };

fn flex(scope: &str, day: &str) -> FlexBand {
    let rules = Rules::builtin().unwrap();
    FlexBand::new(FlexRules::new(&rules, scope, date(day)).unwrap(), rupees(1_000), TICK)
}

#[test]
fn rule_1_7_a_band_flexes_on_50_trades_10_clients_and_3_members_each_side() {
    let mut band = flex("NSE/cm", "2026-08-03");
    assert_eq!(ends(band.band()), (90_000, 110_000));
    assert_eq!(band.trigger_price(Direction::Up), rupees(1_099));
    assert_eq!(band.trigger_price(Direction::Down), rupees(901));
    for thin in [
        Turnover { trades: 49, ..BROAD },
        Turnover { clients: [10, 9], ..BROAD },
        Turnover { clients: [9, 10], ..BROAD },
        Turnover { members: [3, 2], ..BROAD },
        Turnover { members: [2, 3], ..BROAD },
    ] {
        let refused = band.on_turnover(at(10, 0, 0), Direction::Up, &thin);
        assert_eq!(refused, Err(FlexRefusal::NotEnough));
    }
    let cooling = band.on_turnover(at(10, 0, 0), Direction::Up, &BROAD).unwrap();
    assert_eq!(cooling.until, at(10, 15, 0));
    assert_eq!(band.on_turnover(at(10, 1, 0), Direction::Down, &BROAD), Err(FlexRefusal::Cooling));
    assert_eq!(band.on_timer(at(10, 15, 0).plus(-1)), None);
    let moved = band.on_timer(at(10, 15, 0)).unwrap();
    assert_eq!((ends(moved.band), moved.number), ((95_000, 115_000), 1));
    assert_eq!(band.trigger_price(Direction::Up), rupees(1_149));
    assert_eq!((band.cooling(), band.on_timer(at(11, 0, 0))), (None, None));
}

#[test]
fn rule_1_7_steps_shrink_and_cooling_grows_with_every_flex() {
    let mut band = flex("NSE/cm", "2026-08-03");
    let mut now = at(9, 30, 0);
    let mut seen = Vec::new();
    for _ in 0..6 {
        let cooling = band.on_turnover(now, Direction::Up, &BROAD).unwrap();
        let minutes = cooling.until.since(now) / 60_000_000_000;
        now = cooling.until;
        let (low, high) = ends(band.on_timer(now).unwrap().band);
        seen.push((minutes, low / 100, high / 100));
    }
    assert_eq!(
        seen,
        [
            (15, 950, 1_150),
            (15, 1_000, 1_200),
            (30, 1_030, 1_230),
            (30, 1_060, 1_260),
            (60, 1_080, 1_280),
            (60, 1_100, 1_300),
        ]
    );
}

#[test]
fn rule_1_7_the_last_half_hour_is_short_and_moves_with_the_closing_auction() {
    let cooling = |day: &str, hour, minute| {
        let mut band = flex("NSE/cm", day);
        let now = date(day).at(TimeOfDay::new(hour, minute, 0).unwrap());
        band.on_turnover(now, Direction::Down, &BROAD).map(|c| c.until.since(now) / 60_000_000_000)
    };
    for (day, hour, minute, minutes) in [
        ("2026-07-31", 14, 50, Ok(15)),
        ("2026-07-31", 15, 0, Ok(5)),
        ("2026-07-31", 15, 20, Ok(5)),
        ("2026-08-03", 14, 44, Ok(15)),
        ("2026-08-03", 14, 45, Ok(5)),
        ("2026-08-03", 15, 14, Ok(5)),
        ("2026-08-03", 15, 15, Err(FlexRefusal::Suspended)),
        ("2026-08-03", 15, 39, Err(FlexRefusal::Suspended)),
    ] {
        assert_eq!(cooling(day, hour, minute), minutes, "{day} {hour}:{minute}");
    }
    // A cooling-off that ends while bands stand still moves nothing.
    let mut band = flex("NSE/cm", "2026-08-03");
    band.on_turnover(at(15, 14, 0), Direction::Up, &BROAD).unwrap();
    assert_eq!((band.on_timer(at(15, 19, 0)), band.cooling()), (None, None));
    assert_eq!(ends(band.band()), (90_000, 110_000));
}

#[test]
fn rule_1_7_bands_slide_from_18_november_2024() {
    for (day, edges) in [("2024-11-14", (90_000, 115_000)), ("2024-11-18", (95_000, 115_000))] {
        let mut band = flex("NSE/cm", day);
        let ten = date(day).at(TimeOfDay::new(10, 0, 0).unwrap());
        let until = band.on_notice(ten, Direction::Up).unwrap().until;
        assert_eq!(ends(band.on_timer(until).unwrap().band), edges, "{day}");
    }
}

#[test]
fn rule_1_7_etfs_flex_twice_in_one_direction_from_7_september_2026() {
    let rules = Rules::builtin().unwrap();
    // Before, ETFs have no rows of their own and no flexing of theirs.
    assert!(rules.row("band.dynamic.max", "NSE/cm/etf", date("2026-09-06")).is_none());
    let mut band = flex("NSE/cm/etf", "2026-09-07");
    assert_eq!(band.trigger_price(Direction::Up), rupees(1_099));
    let mut now = Nanos::from_ist(2026, 9, 7, 10, 0, 0);
    for high in [115_000, 120_000] {
        now = band.on_turnover(now, Direction::Up, &BROAD).unwrap().until;
        assert_eq!(ends(band.on_timer(now).unwrap().band), (90_000, high));
        if high == 115_000 {
            let turned = band.on_turnover(now, Direction::Down, &BROAD);
            assert_eq!(turned, Err(FlexRefusal::OtherDirection));
        }
    }
    assert_eq!(band.on_turnover(now, Direction::Up, &BROAD), Err(FlexRefusal::Exhausted));
    let mut overnight = flex("NSE/cm/etf/overnight", "2026-09-07");
    assert_eq!(ends(overnight.band()), (95_000, 105_000));
    assert_eq!(overnight.on_notice(now, Direction::Up), Err(FlexRefusal::Exhausted));
    let base = |average, last, nav| etf_base(average, last, nav);
    assert_eq!(base(Some(rupees(1)), Some(rupees(2)), None), Some(rupees(1)));
    assert_eq!(base(None, Some(rupees(2)), Some(rupees(3))), Some(rupees(2)));
    assert_eq!(base(None, None, Some(rupees(3))), Some(rupees(3)));
}

#[test]
fn random_flexing_keeps_the_invariants_of_the_band() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut band = flex("NSE/cm", "2026-08-03");
        let (mut now, mut offset, mut number) = (at(9, 15, 0), 0_i64, 0);
        while now < at(15, 40, 0) {
            let up = random.below(2) == 0;
            let direction = if up { Direction::Up } else { Direction::Down };
            let cooling = band.on_notice(now, direction).ok();
            now = now.plus(random.below(2_400) as i64 * 1_000_000_000);
            if let Some(moved) = band.on_timer(now) {
                number += 1;
                assert_eq!(moved.number, number, "seed {seed}");
                // The naive model: one shift of the whole band, in percent.
                let step = if number <= 2 {
                    5
                } else if number <= 4 {
                    3
                } else {
                    2
                };
                offset += if moved.direction == Direction::Up { step } else { -step };
                let expected = ((90 + offset) * 1_000, (110 + offset) * 1_000);
                assert_eq!(ends(moved.band), expected, "seed {seed}");
            }
            assert!(cooling.is_none_or(|cooling| cooling.until > at(9, 15, 0)));
        }
    }
}

fn lpp(product: LppProduct, day: &str) -> Option<LppRules> {
    LppRules::new(&Rules::builtin().unwrap(), "NSE/fo", product, date(day)).unwrap()
}

#[test]
fn rule_1_7_lpp_widths_by_product_exchange_and_date() {
    let rules = Rules::builtin().unwrap();
    let width = |scope: &str, product, day: &str, reference| {
        let found = LppRules::new(&rules, scope, product, date(day)).unwrap();
        found.map(|found| found.width.of(rupees(reference)).to_paise().unwrap())
    };
    use LppProduct::{IndexFuture, IndexOption, StockFuture, StockOption};
    for (scope, product, day, reference, paise) in [
        ("NSE/fo", IndexOption, "2022-10-30", 50, None),
        ("NSE/fo", IndexOption, "2022-10-31", 10, Some(2_000)),
        ("NSE/fo", IndexOption, "2022-10-31", 50, Some(2_000)),
        ("NSE/fo", IndexOption, "2022-10-31", 100, Some(4_000)),
        ("NSE/fo", StockOption, "2026-11-20", 100, Some(4_000)),
        ("NSE/fo", IndexFuture, "2026-11-20", 5_000, Some(20_000)),
        ("NSE/fo", IndexFuture, "2026-11-20", 23_000, Some(46_000)),
        ("NSE/fo", StockFuture, "2026-11-20", 40, Some(150)),
        ("NSE/fo", StockFuture, "2026-11-20", 1_000, Some(3_000)),
        ("BSE/fo", IndexOption, "2025-11-30", 100, None),
        ("BSE/fo", IndexOption, "2025-12-01", 100, Some(4_000)),
        ("BSE/fo", StockFuture, "2026-07-05", 1_000, None),
        ("BSE/fo", StockFuture, "2026-07-06", 1_000, Some(3_000)),
        ("BSE/fo/FOCUSED IT", IndexOption, "2026-05-10", 100, Some(4_000)),
        ("BSE/fo/FOCUSED IT", IndexOption, "2026-05-11", 100, Some(8_000)),
    ] {
        assert_eq!(width(scope, product, day, reference), paise, "{scope} {product:?} {day}");
    }
}

#[test]
fn rule_1_7_lpp_reference_is_theoretical_then_averages_then_theoretical_again() {
    let open = at(9, 15, 0);
    let mut protection = Lpp::new(lpp(LppProduct::IndexOption, "2026-08-03").unwrap(), TICK, open);
    assert_eq!(protection.check(Side::Buy, rupees(9_999)), Ok(()));
    protection.on_theoretical(rupees(100));
    assert_eq!(protection.check(Side::Buy, Px::from_paise(14_005)), Err(LppRefusal::BuyAbove));
    assert_eq!(protection.check(Side::Buy, rupees(140)), Ok(()));
    assert_eq!(protection.check(Side::Sell, Px::from_paise(5_995)), Err(LppRefusal::SellBelow));
    assert_eq!(protection.check(Side::Sell, rupees(60)), Ok(()));
    // A buy may be as low as it likes, a sell as high.
    assert_eq!(protection.check(Side::Buy, TICK), Ok(()));
    assert_eq!(protection.check(Side::Sell, rupees(9_999)), Ok(()));
    // The average of a stretch counts from its end, each trade once whatever its size.
    protection.on_trade(at(9, 15, 1), rupees(200));
    protection.on_trade(at(9, 15, 29), rupees(300));
    assert_eq!(protection.reference(), Some(rupees(100)));
    protection.on_timer(at(9, 15, 30));
    assert_eq!(protection.reference(), Some(rupees(250)));
    // A stretch without a trade leaves it; 15 minutes without one do not.
    protection.on_timer(at(9, 30, 0));
    assert_eq!(protection.reference(), Some(rupees(250)));
    protection.on_timer(at(9, 30, 30));
    assert_eq!(protection.reference(), Some(rupees(100)));
    // After a silence the first trade counts from the end of its own stretch.
    protection.on_trade(at(11, 0, 10), rupees(400));
    assert_eq!(protection.reference(), Some(rupees(100)));
    protection.on_timer(at(11, 0, 30));
    assert_eq!(protection.reference(), Some(rupees(400)));
    // Fifteen minutes to the second are enough.
    protection.on_trade(at(11, 1, 0), rupees(500));
    protection.on_timer(at(11, 15, 30));
    assert_eq!(protection.reference(), Some(rupees(500)));
    protection.on_timer(at(11, 16, 0));
    assert_eq!(protection.reference(), Some(rupees(100)));
}

#[test]
fn random_trades_give_the_reference_of_a_search_over_all_of_them() {
    let rules = lpp(LppProduct::StockOption, "2026-08-03").unwrap();
    let open = at(9, 15, 0);
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut protection = Lpp::new(rules, TICK, open);
        protection.on_theoretical(rupees(7));
        let mut trades: Vec<(i64, i64)> = Vec::new();
        let mut second = 0;
        for _ in 0..100 {
            let longest = if random.below(10) == 0 { 2_000 } else { 25 };
            second += random.below(longest) as i64;
            let now = open.plus(second * 1_000_000_000);
            if random.below(2) == 0 {
                let price = 100 + random.below(50) as i64;
                protection.on_trade(now, rupees(price));
                trades.push((second, price));
            } else {
                protection.on_timer(now);
            }
            // Walk back over the stretches that have ended to one with trades.
            let ended = second / 30 * 30;
            let last = trades.iter().rev().map(|trade| trade.0).find(|time| *time < ended);
            let naive = last.filter(|last| ended - last < 900).map(|last| {
                let start = last / 30 * 30;
                let inside = trades.iter().filter(|t| start <= t.0 && t.0 < start + 30);
                let prices: Vec<i128> = inside.map(|t| i128::from(rupees(t.1).0)).collect();
                Px((prices.iter().sum::<i128>() / prices.len() as i128) as i64)
            });
            let expected = naive.unwrap_or(rupees(7));
            assert_eq!(protection.reference(), Some(expected), "seed {seed}, second {second}");
        }
    }
}

#[test]
fn rule_1_7_market_orders_in_options_17181_and_17182() {
    let rules = Rules::builtin().unwrap();
    let width = *rules.get(key::MARKET_PROTECTION, "NSE/fo/option", date("2026-11-20")).unwrap();
    assert_eq!(width, Width { rate: Rate::from_bps(2_000), min: rupees(10) });
    let check = |side, price, last: Option<i64>| {
        check_market_order(side, rupees(price), last.map(rupees), width)
    };
    let refused = check(Side::Buy, 100, None).unwrap_err();
    assert_eq!(refused.exchange_code(), Some(17181));
    for (side, price, last, passes) in [
        (Side::Buy, 120, 100, true),
        (Side::Buy, 121, 100, false),
        (Side::Sell, 80, 100, true),
        (Side::Sell, 79, 100, false),
        (Side::Buy, 30, 20, true),
        (Side::Buy, 31, 20, false),
        (Side::Buy, 1, 100, true),
    ] {
        let code = check(side, price, Some(last)).err().and_then(LimitRefusal::exchange_code);
        assert_eq!(code, (!passes).then_some(17182), "{side} {price} {last}");
    }
}

#[test]
fn rule_1_7_quantity_freeze_of_the_day() {
    let rules = Rules::builtin().unwrap();
    let check = |quantity, day| {
        let freeze = rules.find(key::FREEZE_QUANTITY, "NSE/fo/NIFTY", date(day)).copied();
        check_freeze(Qty(quantity), freeze)
    };
    assert_eq!(check(1_800, "2026-10-04"), Ok(()));
    let frozen = check(1_801, "2026-10-04").unwrap_err();
    assert_eq!((frozen, frozen.exchange_code()), (LimitRefusal::QuantityFreeze, Some(2170)));
    assert_eq!(check(3_510, "2026-10-05"), Ok(()));
    assert!(check(3_511, "2026-10-05").is_err());
    assert_eq!(check_freeze(Qty(u32::MAX), None), Ok(()));
}

#[test]
fn rule_2_1_disclosed_quantity_is_a_tenth_in_cash_and_none_in_derivatives() {
    let rules = Rules::builtin().unwrap();
    let check = |scope, quantity, disclosed| {
        let min = rules.find(key::DISCLOSED_MIN, scope, date("2026-11-20")).copied();
        check_disclosed(Qty(quantity), Qty(disclosed), min)
    };
    assert_eq!(check("NSE/cm", 1_000, 100), Ok(()));
    assert_eq!(check("NSE/cm", 1_001, 100), Err(LimitRefusal::DisclosedTooSmall));
    assert_eq!(check("NSE/cm", 1_000, 1_001), Err(LimitRefusal::DisclosedTooLarge));
    assert_eq!(check("NSE/fo", 1_000, 500), Err(LimitRefusal::DisclosedNotAvailable));
    assert_eq!(check("NSE/fo", 1_000, 0), Ok(()));
    assert_eq!(check("NSE/cm", u32::MAX, u32::MAX), Ok(()));
}

#[test]
fn prices_round_to_the_tick_away_from_the_market() {
    let paise = Px::from_paise;
    assert_eq!(round_to_tick(Side::Buy, paise(1_004), TICK), paise(1_000));
    assert_eq!(round_to_tick(Side::Sell, paise(1_001), TICK), paise(1_005));
    assert_eq!(check_tick(paise(1_005), TICK), Ok(()));
    assert_eq!(check_tick(paise(1_004), TICK), Err(LimitRefusal::TickSize));
}
