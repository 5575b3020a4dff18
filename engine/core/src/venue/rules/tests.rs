//! Tests of the loader, of lookups, and of what the built-in rows say on both sides of their dates.

use tezi_model::{Money, Px, Qty};

use super::key::{self, Key};
use super::{Confidence, RuleFault, RuleValue, Rules, Steps};
use crate::venue::{Date, Rate, Weekday};
use tezi_testing::Random;

const HEADER: &str = "key,scope,value,effective_from,effective_to,source,confidence,note\n";

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// The message that refuses one file with these rows.
fn refusal(rows: &str) -> String {
    Rules::load(&[("my.csv", &format!("{HEADER}{rows}"))], &[]).unwrap_err().to_string()
}

fn on<T: RuleValue + Clone>(rules: &Rules, key: Key<T>, scope: &str, day: &str) -> T {
    rules.get(key, scope, date(day)).unwrap().clone()
}

#[test]
fn the_built_in_files_load_and_every_key_has_a_row() {
    let rules = Rules::builtin().unwrap();
    assert!(rules.is_consistent() && rules.rows().len() > 200);
    for spec in key::KEYS {
        assert!(rules.rows().iter().any(|row| row.key == spec.name), "{} has no row", spec.name);
    }
    let mut names: Vec<_> = key::KEYS.iter().map(|spec| spec.name).collect();
    names.sort_unstable();
    assert!(names.is_sorted_by(|a, b| a < b), "key names are unique");
}

#[test]
fn each_fault_names_file_line_and_field() {
    let cases = [
        ("lots,*,1,,,s,H,", "my.csv:2: key: no rule is called `lots`"),
        ("lot,NSE//X,1,,,s,H,", "my.csv:2: scope: `NSE//X` is no scope such as"),
        ("lot,,1,,,s,H,", "my.csv:2: scope:"),
        ("lot,*,0,,,s,H,", "my.csv:2: value: `0`, expected a quantity in units, positive"),
        ("lot,*,1,2026-02-30,,s,H,", "my.csv:2: effective_from: `2026-02-30` is no date"),
        ("lot,*,1,,soon,s,H,", "my.csv:2: effective_to: `soon` is no date"),
        ("lot,*,1,2026-02-02,2026-02-01,s,H,", "my.csv:2: effective_to: the row ends before"),
        ("lot,*,1,,,,H,", "my.csv:2: source: must not be empty"),
        ("lot,*,1,,,s,sure,", "my.csv:2: confidence: `sure` is not H, MH, M or L"),
        ("lot,*,1,,,s,H", "my.csv:2: row: 7 columns, there must be 8"),
        ("lot,*,1,,,\"s,H,", "my.csv:2: row: a quotation mark"),
        (
            "# comment\n\nlot,*,1,,2026-01-01,s,H,\nlot,*,2,2026-01-01,,s,H,",
            "my.csv:5: effective_from: the period overlaps that of my.csv:4",
        ),
        (
            "lot,*,1,,2026-01-01,s,H,\nlot,*,2,2026-01-05,,s,H,",
            "my.csv:2: effective_to: the rule must always have a value, and has none from \
             2026-01-02 to 2026-01-04",
        ),
        (
            "lot,*,1,,2026-01-01,s,H,",
            "my.csv:2: effective_to: the rule must always have a value, and has none from \
             2026-01-02 on",
        ),
    ];
    for (rows, message) in cases {
        let refused = refusal(rows);
        assert!(refused.starts_with(message), "{rows}\n{refused}");
    }
    let error = Rules::load(&[("my.csv", "key,scope\n")], &[]).unwrap_err();
    assert_eq!((error.line, error.fault), (1, RuleFault::Header));
}

#[test]
fn a_lookup_falls_back_from_the_special_scope_to_the_general_one() {
    let rows = "lot,*,1,,,s,H,\nlot,NSE/fo,2,,,s,M,\nlot,NSE/fo/NIFTY,3,2026-01-06,,s,L,\n";
    let rules = Rules::load(&[("my.csv", &format!("{HEADER}{rows}"))], &[]).unwrap();
    for (scope, day, lot) in [
        ("NSE/fo/NIFTY", "2026-01-06", 3),
        ("NSE/fo/NIFTY", "2026-01-05", 2),
        ("NSE/fo/BANKNIFTY", "2026-01-06", 2),
        ("NSE/fo", "2026-01-06", 2),
        ("NSE/cm", "2026-01-06", 1),
        ("*", "2026-01-06", 1),
    ] {
        assert_eq!(on(&rules, key::LOT, scope, day), Qty(lot), "{scope} {day}");
    }
    let row = rules.row("lot", "NSE/fo/NIFTY", date("2026-01-06")).unwrap();
    assert_eq!((row.line, row.confidence), (4, Confidence::Low));
    let missing = rules.get(key::TICK_CASH, "NSE", date("2026-01-06")).unwrap_err();
    assert_eq!(missing.to_string(), "no row of `tick.cash` holds for NSE on 2026-01-06");
}

#[test]
fn an_overlay_takes_the_days_it_holds_and_leaves_the_rest() {
    let overlay = format!(
        "\u{feff}{HEADER}freeze.quantity,NSE/fo/NIFTY,4000,2026-10-12,2026-10-16,desk,H,\n"
    );
    let later = format!("{HEADER}freeze.quantity,NSE/fo/NIFTY,5000,2026-10-14,2026-10-14,d,H,\n");
    let rules = Rules::with_overlays(&[("a.csv", &overlay), ("b.csv", &later)]).unwrap();
    for (day, quantity) in [
        ("2026-10-04", 1_800),
        ("2026-10-05", 3_510),
        ("2026-10-11", 3_510),
        ("2026-10-12", 4_000),
        ("2026-10-14", 5_000),
        ("2026-10-15", 4_000),
        ("2026-10-16", 4_000),
        ("2026-10-17", 3_510),
    ] {
        assert_eq!(on(&rules, key::FREEZE_QUANTITY, "NSE/fo/NIFTY", day), Qty(quantity), "{day}");
    }
    // One overlay may not contradict itself, though it may contradict what is below it.
    let twice = format!("{later}freeze.quantity,NSE/fo/NIFTY,1,2026-10-14,,d,H,\n");
    assert!(Rules::with_overlays(&[("b.csv", &twice)]).is_err());
}

#[test]
fn layers_of_random_rows_answer_as_a_naive_search_from_the_top() {
    let day = |number: i32| date("2026-01-01").plus_days(number);
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut layers: Vec<Vec<(i32, i32, u32)>> = Vec::new();
        for layer in 0..1 + random.below(4) {
            let (mut rows, mut start) = (Vec::new(), 0);
            while start < 30 {
                let from = start + random.below(6) as i32;
                let to = from + random.below(8) as i32;
                rows.push((from, to, 1 + layer as u32 * 100 + rows.len() as u32));
                start = to + 1;
            }
            layers.push(rows);
        }
        let texts: Vec<String> = layers
            .iter()
            .map(|rows| {
                let row = |(from, to, value): &(i32, i32, u32)| {
                    format!("otr.exempt,*,{value}%,{},{},s,H,\n", day(*from), day(*to))
                };
                format!("{HEADER}{}", rows.iter().map(row).collect::<String>())
            })
            .collect();
        let files: Vec<_> = texts.iter().map(|text| ("t.csv", text.as_str())).collect();
        let rules = Rules::load(&files[..1], &files[1..]).unwrap();
        for number in -2..50 {
            let naive = layers.iter().rev().find_map(|rows| {
                rows.iter().find(|(from, to, _)| *from <= number && number <= *to)
            });
            let found = rules.find(key::OTR_EXEMPT, "NSE/fo", day(number)).map(|width| width.rate);
            let expected = naive.map(|(_, _, value)| Rate::from_bps(i64::from(*value) * 100));
            assert_eq!(found, expected, "seed {seed}, day {number}");
        }
    }
}

#[test]
fn dated_rows_change_on_the_right_day() {
    let rules = Rules::builtin().unwrap();
    let rate = |text| Rate::parse(text).unwrap();
    let stt = |day| on(&rules, key::STT_FUTURE_SELL, "*", day);
    assert_eq!(
        ["2024-09-30", "2024-10-01", "2026-03-31", "2026-04-01"].map(stt),
        ["0.0125%", "0.02%", "0.02%", "0.05%"].map(rate)
    );
    let freeze = |symbol, day| on(&rules, key::FREEZE_QUANTITY, symbol, day).0;
    for (symbol, before, after) in [
        ("NSE/fo/NIFTY", 1_800, 3_510),
        ("NSE/fo/BANKNIFTY", 600, 1_440),
        ("NSE/fo/FINNIFTY", 1_800, 3_240),
        ("NSE/fo/MIDCPNIFTY", 2_800, 5_760),
        ("NSE/fo/NIFTYNXT50", 600, 1_125),
        ("NSE/fo/NIFTYFPI", 8_500, 53_900),
    ] {
        let found = (freeze(symbol, "2026-10-04"), freeze(symbol, "2026-10-05"));
        assert_eq!(found, (before, after), "{symbol}");
    }
    assert!(
        !rules.rows().iter().any(|row| row.key == "algo.tops" && row.from < date("2026-04-01"))
    );
    let block = |day| on(&rules, key::BLOCK_VALUE_MIN, "NSE/cm", day);
    assert_eq!(block("2025-12-07"), Money::from_rupees(100_000_000));
    assert_eq!(block("2025-12-08"), Money::from_rupees(250_000_000));
    let weekday = |day| on(&rules, key::EXPIRY_WEEKDAY, "NSE", day);
    assert_eq!(weekday("2025-08-31"), Weekday::Thursday);
    assert_eq!(weekday("2025-09-01"), Weekday::Tuesday);
    // The lot goes by the expiry of the contract.
    let lot = |expiry| on(&rules, key::LOT, "NSE/fo/NIFTY", expiry).0;
    assert_eq!((lot("2025-12-30"), lot("2026-01-06")), (75, 65));
}

#[test]
fn rule_2_6_ticks_go_by_price_and_date() {
    let rules = Rules::builtin().unwrap();
    let tick =
        |key: Key<Steps>, price: i64, day| on(&rules, key, "NSE", day).at(Px::from_paise(price));
    let now = "2026-11-20";
    for (paise, tick_paise) in [
        (24_999, 1),
        (25_000, 5),
        (100_000, 5),
        (100_010, 10),
        (500_000, 10),
        (500_050, 50),
        (1_000_000, 50),
        (1_000_100, 100),
        (2_000_000, 100),
        (2_000_500, 500),
    ] {
        assert_eq!(tick(key::TICK_CASH, paise, now), Px::from_paise(tick_paise), "{paise}");
    }
    assert_eq!(tick(key::TICK_CASH, 500_050, "2025-04-14"), Px::from_paise(5));
    for (index, tick_paise) in [(15_000, 5), (15_001, 10), (30_000, 10), (30_001, 20)] {
        let found = tick(key::TICK_INDEX_FUTURE, index * 100, now);
        assert_eq!(found, Px::from_paise(tick_paise), "{index}");
    }
    let option = |paise, day| tick(key::TICK_STOCK_OPTION, paise, day);
    assert_eq!(option(24_999, "2025-11-02"), Px::from_paise(5));
    assert_eq!(option(24_999, "2025-11-03"), Px::from_paise(1));
    assert_eq!(option(25_000, "2025-11-03"), Px::from_paise(5));
}

#[test]
fn rule_1_6_charges_go_by_slab_and_5_1_rates_are_those_a_crore() {
    let rules = Rules::builtin().unwrap();
    let slabs = on(&rules, key::OTR_CHARGE, "*", "2026-11-20");
    for (ratio, paise) in
        [(49, 0), (50, 2), (249, 2), (250, 10), (500, 15), (1_000, 20), (2_000, 25)]
    {
        assert_eq!(slabs.at(Px(ratio * Px::SCALE)), Px(paise * Px::SCALE), "{ratio}");
    }
    let crore = Px(10_000_000 * Px::SCALE);
    for (scope, rupees) in [("NSE/cash", 307), ("NSE/future", 183), ("NSE/option", 3_553)] {
        let charge = on(&rules, key::CHARGE_TRANSACTION, scope, "2026-11-20").of(crore);
        assert_eq!(charge, Px(rupees * Px::SCALE), "{scope}");
    }
    let ipft = |day| on(&rules, key::CHARGE_IPFT, "NSE/cash", day).of(crore);
    assert_eq!(ipft("2026-02-28"), Px(10 * Px::SCALE));
    assert_eq!(ipft("2026-03-01"), Px::from_paise(1));
}

#[test]
fn values_of_the_wrong_shape_are_refused() {
    let cases = [
        ("session.continuous", "15:30-09:15"),
        ("session.preopen", "start=09:00;limit_only=09:05;random=09:08;end=09:10;match=09:12"),
        (
            "session.preopen",
            "start=09:00;limit_only=09:11;random=09:08;end=09:10;match=09:12;open=09:15",
        ),
        (
            "session.closing",
            "start=15:15;entry=15:20;limit_only=15:25;random=15:31;end=15:30;match=15:35",
        ),
        ("tick.cash", "<250:0.01"),
        ("tick.cash", "<250:0.01;<250:0.05;else:1"),
        ("tick.cash", "else:-1"),
        ("tick.index_option", "0"),
        ("band.fixed", "5%;2%"),
        ("band.dynamic.steps", "<=2:5%:15m;else:2%:60m:60m"),
        ("band.dynamic.steps", "<=2:5%:15h:5m;else:2%:60m:60m"),
        ("band.dynamic.evidence", "trades=50;clients=10;clients=3"),
        ("breaker.level1", "10%;<14:30:15m;<13:00:45m;else:none"),
        ("breaker.level1", "10%;else:never"),
        ("limit.market_wide", "floor=20%;cap=15%;addv=65"),
        ("block.value_min", "-1cr"),
        ("order.stop_limit", "yes"),
        ("lot", "5000000000"),
        ("lpp.index_option", "40%;min="),
        ("expiry.weekday", "Tuesday"),
        ("algo.tops", "१०"),
    ];
    for (key, value) in cases {
        let refused = refusal(&format!("{key},*,{value},,,s,H,"));
        assert!(refused.starts_with("my.csv:2: value: "), "{key} {value}: {refused}");
    }
}
