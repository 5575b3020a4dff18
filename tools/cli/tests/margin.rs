//! `tezi margin` and `tezi var`: worked examples through files, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, which clippy takes for code

mod common;

use std::path::PathBuf;

use common::{Place, Ran};
use serde_json::Value;
use tezi::pricing::Black76Input;

const SPOT: f64 = 23_547.75;
const RATE: f64 = 0.0525;

/// A bhavcopy of the day: (kind, symbol, expiry, strike, option, close, units traded).
fn bhavcopy(date: &str, rows: &[(&str, &str, &str, &str, &str, f64, u32)]) -> String {
    let mut text = "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,\
        FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,\
        PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,\
        TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n"
        .to_string();
    for (token, (kind, symbol, expiry, strike, option, close, volume)) in (1_001..).zip(rows) {
        text.push_str(&format!(
            "{date},{date},FO,NSE,{kind},{token},,{symbol},,{expiry},{expiry},{strike},{option},\
             {symbol},{close:.2},{close:.2},{close:.2},{close:.2},{close:.2},{close:.2},{SPOT:.2},\
             {close:.2},0,0,{volume},0.00,1,F1,65,,,,,\n"
        ));
    }
    text
}

/// The worked example of the rules: a call on NIFTY of 13 % volatility and 30 days, and its put.
fn worked_example() -> String {
    let years = 30.0 / 365.0;
    let forward = SPOT * (RATE * years).exp();
    let close = |is_call| {
        let strike = 23_700.0;
        Black76Input { forward, strike, years, vol: 0.13, rate: RATE, is_call }.value().price
    };
    let expiry = "2026-06-28";
    bhavcopy(
        "2026-05-29",
        &[
            ("IDF", "NIFTY", expiry, "", "", SPOT, 9_000),
            ("IDO", "NIFTY", expiry, "23700.00", "CE", close(true), 9_000),
            ("IDO", "NIFTY", expiry, "23700.00", "PE", close(false), 9_000),
            ("IDF", "NIFTY", "2026-07-28", "", "", 23_700.0, 900),
        ],
    )
}

fn amount(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

#[track_caller]
fn assert_near(value: &Value, want: f64, tolerance: f64) {
    assert!((amount(value) - want).abs() <= tolerance, "{value} is not {want}");
}

const LINE: &str = "--bhavcopy fo.csv --rate 0.0525";

#[test]
fn the_worked_example_of_the_rules_comes_out_of_files() {
    let place = Place::new("margin");
    place.write("fo.csv", worked_example().as_bytes());
    // By name and by token, in two rows that add up.
    place.write(
        "call.csv",
        b"token,symbol,expiry,strike,type,quantity\n,NIFTY,2026-06-28,23700,CE,-130\n1002,,,,,65\n",
    );
    let whole = place.run(&format!("margin call.csv {LINE} --json")).exits(0).json();
    let nifty = &whole["underlyings"][0];
    assert_eq!((&nifty["symbol"], &nifty["worst_scenario"]), (&"NIFTY".into(), &11.into()));
    assert_eq!(nifty["worst_scenario_name"], "price +3/3, volatility up");
    // Closes are rounded to paise, which 65 units and the volatility show.
    assert_near(&nifty["scan_loss"], 118_748.50, 2.0);
    assert_near(&nifty["net_option_value"], -21_186.32, 0.5);
    assert_near(&whole["portfolio"]["span"], 139_934.82, 2.0);
    assert_near(&whole["portfolio"]["exposure"], 30_612.075, 1e-6);
    assert_near(&nifty["price_scan"], 2_189.940_75, 1e-6);

    let mut command = place.command();
    command.args(["margin", "call.csv", "--json"]).args(LINE.split(' '));
    command.args(["--what-if", "NIFTY 2026-06-28 FUT 65", "--what-if", "1002 65"]);
    let whole = Ran::new(command.output().unwrap()).exits(0).json();
    let orders = &whole["what_if"];
    assert_near(&orders[0]["after"]["span"], 142_818.22, 2.0);
    assert_near(&orders[0]["after"]["exposure"], 61_224.15, 1e-6);
    assert_near(&orders[1]["after"]["span"], 142_346.10, 0.01);
    let added = amount(&orders[1]["after"]["total"]) - amount(&orders[1]["before"]["total"]);
    assert_near(&orders[1]["added"], added, 1e-6);
    // The positions' own margin is as it was.
    assert_near(&whole["portfolio"]["span"], 139_934.82, 2.0);

    let ran = place.run(&format!("margin call.csv {LINE} --scenarios")).exits(0);
    ran.says("scenario 11: price +3/3, volatility up").says("price -2 ranges, 35 % of it");
    let csv = place.run(&format!("margin call.csv {LINE} --csv")).exits(0).out;
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((lines.len(), lines[0].len(), lines[1].len()), (2, 30, 30));
}

#[test]
fn a_volatility_given_widens_the_scan_ranges() {
    let place = Place::new("vol");
    place.write("fo.csv", worked_example().as_bytes());
    place.write("p.csv", b"symbol,expiry,type,quantity\nNIFTY,2026-06-28,FUT,65\n");
    // 6 sigma root 2 of 1.206071 % is 10.233854 %, above the least of 9.3 %.
    let line = format!("margin p.csv {LINE} --daily-vol NIFTY=0.01206071 --json");
    let whole = place.run(&line).exits(0).json();
    assert_near(&whole["underlyings"][0]["price_scan"], SPOT * 0.102_338_54, 0.01);
    assert_near(&whole["portfolio"]["span"], 65.0 * SPOT * 0.102_338_54, 0.65);
    assert_eq!(whole["underlyings"][0]["has_volatility"], true);
}

#[test]
fn calendar_spreads_are_charged_and_a_last_day_stands_alone() {
    let place = Place::new("spread");
    place.write("fo.csv", worked_example().as_bytes());
    place.write(
        "p.csv",
        b"symbol,expiry,type,quantity\nNIFTY,2026-06-28,FUT,65\nNIFTY,2026-07-28,FUT,-65\n",
    );
    let whole = place.run(&format!("margin p.csv {LINE} --json")).exits(0).json();
    let nifty = &whole["underlyings"][0];
    assert_near(&nifty["scan_loss"], 0.0, 0.0);
    assert_near(&nifty["spread_charge"], 65.0 * 23_700.0 * 0.0175, 0.01);

    let rows = [
        ("IDF", "NIFTY", "2026-05-29", "", "", SPOT, 900),
        ("IDO", "NIFTY", "2026-05-29", "23500.00", "CE", 47.75, 900),
        ("IDF", "NIFTY", "2026-06-30", "", "", 23_600.0, 900),
    ];
    place.write("fo.csv", bhavcopy("2026-05-29", &rows).as_bytes());
    place.write(
        "p.csv",
        b"symbol,expiry,strike,type,quantity\n\
          NIFTY,2026-05-29,23500,CE,-65\nNIFTY,2026-06-30,,FUT,65\n",
    );
    let whole = place.run(&format!("margin p.csv {LINE} --json")).exits(0).json();
    let groups = whole["underlyings"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    assert_eq!([&groups[0]["contracts"], &groups[1]["contracts"]], ["all", "last_day"]);
    // Two hundredths of the underlying more for the short option on its last day.
    assert_near(&groups[1]["expiry_day"], 65.0 * SPOT * 0.02, 1e-6);
    assert_near(&groups[1]["exposure"], 65.0 * SPOT * 0.04, 1e-6);
    assert_near(&groups[0]["expiry_day"], 0.0, 0.0);
    assert_near(&groups[0]["span"], 65.0 * SPOT * 0.093, 0.65);
    place.run(&format!("margin p.csv {LINE}")).exits(0).says("on their last day, alone");
}

#[test]
fn what_has_no_margin_is_refused_with_its_line() {
    let place = Place::new("refusals");
    place.write("fo.csv", worked_example().as_bytes());
    place.write("none.csv", b"");
    let header = "symbol,expiry,strike,type,quantity\n";
    for (rows, said) in [
        (
            "NIFTY,2026-06-28,23700,CE,-65\nNIFTY,2026-06-28,23750,CE,1\n",
            "line 3, symbol: NIFTY 2026-06-28 23750.00 CE: unknown_contract",
        ),
        ("NIFTY,28-06-2026,23700,CE,-65\n", "line 2, expiry: `28-06-2026` is not YYYY-MM-DD"),
        ("NIFTY,2026-06-28,x,CE,-65\n", "line 2, strike: is no price"),
        ("NIFTY,2026-06-28,23700,CE,1.5\n", "line 2, quantity: `1.5`"),
        ("NIFTY,2026-06-28,23700,CE\n", "line 2, row: 4 fields"),
        ("NIFTY,2026-06-28,,FUT,9223372036854775807\n", "quantity_too_large"),
    ] {
        place.write("p.csv", format!("{header}{rows}").as_bytes());
        let ran = place.run(&format!("margin p.csv {LINE}")).exits(1).says(said);
        assert_eq!(ran.out, "", "a margin that leaves a row out is none");
    }
    place.write("p.csv", b"symbol,quantity\nNIFTY,1\n");
    place.run(&format!("margin p.csv {LINE}")).exits(1).says("no column expiry");
    place.write("p.csv", format!("{header}NIFTY,2026-06-28,23700,CE,-64\n").as_bytes());
    place.run(&format!("margin p.csv {LINE}")).exits(0).says("no whole lots of 65");
    for (line, code, said) in [
        ("margin p.csv", 2, "--bhavcopy"),
        ("margin --bhavcopy fo.csv", 2, "POSITIONS.csv"),
        ("margin none.csv --bhavcopy fo.csv", 1, "the file is empty"),
        ("margin p.csv --bhavcopy none.csv", 1, "none.csv"),
        ("margin p.csv --bhavcopy fo.csv --daily-vol NIFTY", 2, "SYMBOL=VOL"),
        ("margin p.csv --bhavcopy fo.csv --what-if 7", 2, "is not SYMBOL"),
        ("margin --bhavcopy fo.csv --what-if=7,5", 2, "is not SYMBOL"),
    ] {
        place.run(line).exits(code).says(said);
    }
}

/// Every contract that traded on a real day gets a margin; a short straddle and its hedge are as
/// they should be.
#[test]
fn real_positions_have_margins() {
    let Some(captures) = std::env::var_os("TEZI_CAPTURES") else {
        eprintln!("skipped: TEZI_CAPTURES names no directory of captures");
        return;
    };
    let file = PathBuf::from(captures)
        .join("nse_bhavcopy_fo/BhavCopy_NSE_FO_0_0_0_20250227_F_0000.csv.zip");
    let place = Place::new("real-margin");
    place.write(
        "p.csv",
        b"symbol,expiry,strike,type,quantity\n\
          NIFTY,2025-03-27,22500,CE,-75\nNIFTY,2025-03-27,22500,PE,-75\n\
          NIFTY,2025-02-27,22500,CE,-75\nRELIANCE,2025-03-27,,FUT,500\n",
    );
    let mut command = place.command();
    command.args(["margin", "p.csv", "--json", "--rate", "0.065", "--bhavcopy"]).arg(&file);
    command.args(["--what-if", "NIFTY 2025-03-27 21500 PE 75"]);
    let whole = Ran::new(command.output().unwrap()).exits(0).json();
    let groups = whole["underlyings"].as_array().unwrap();
    assert_eq!(groups.len(), 3);
    let scan = amount(&groups[0]["scan_loss"]) / 75.0;
    let range = amount(&groups[0]["price_scan"]);
    assert!(0.5 * range < scan && scan < range, "a straddle loses less than the whole range");
    let added = amount(&whole["what_if"][0]["added"]);
    assert!(added < 0.0, "a bought wing frees margin, {added}");
    assert!(amount(&groups[1]["expiry_day"]) > 0.0);
}

#[test]
fn value_at_risk_by_hand() {
    let place = Place::new("var");
    // Twenty days of A: it falls by 1 %, 2 %, ... 20 % of its close; B stands still.
    let mut closes = "date,symbol,close\n".to_string();
    let mut a = 1_000.0;
    for day in 0..=20 {
        a *= 1.0 - 0.01 * f64::from(day);
        closes.push_str(&format!("2026-03-{:02},A,{a}\n2026-03-{:02},B,50\n", day + 1, day + 1));
    }
    place.write("closes.csv", closes.as_bytes());
    place.write("p.csv", b"symbol,value,quantity\nA,10000,\nB,,-10\n");
    let whole = place.run("var closes.csv p.csv --confidence 90 --json").exits(0).json();
    // The 20 % is near a split of 4:5 and left out: worst are 19 and 18, of which the second counts.
    assert_eq!(whole["left_out"][0]["date"], "2026-03-21");
    let near = |value: &Value, want: f64| {
        let got = value.as_f64().unwrap();
        assert!((got - want).abs() < 1e-3 * want.abs().max(1.0), "{got} is not {want}");
    };
    near(&whole["historical"]["var"], 1_800.0);
    near(&whole["historical"]["expected_shortfall"], 1_850.0);
    near(&whole["positions"][0]["shortfall_part"], 1_850.0);
    near(&whole["positions"][1]["value"], -500.0);
    // Mean square of 1 % to 19 % and a nought, the quantile of the normal law at 90 %.
    let deviation = ((1..20).map(|i| f64::from(i * i)).sum::<f64>() / 20.0).sqrt();
    near(&whole["parametric"]["var"], 1.281_551_565_5 * 100.0 * deviation);
    // B never moves, so the covariance has no factor: said, not invented.
    assert!(whole["monte_carlo"]["error"].as_str().unwrap().contains("positive definite"));
    assert_eq!(whole["backtest"], Value::Null);

    // A row says that the fall was true, and then the worst two are 20 and 19.
    place.write("actions.csv", b"date,symbol,factor\n2026-03-21,A,1\n");
    let line = "var closes.csv p.csv --confidence 90 --actions actions.csv";
    let whole = place.run(&format!("{line} --json")).exits(0).json();
    near(&whole["historical"]["var"], 1_900.0);
    assert_eq!(whole["left_out"].as_array().unwrap().len(), 0);
    // Type 7: (20 - 1) * 0.1 = 1.9 from the worst, between 19 and 18.
    let whole = place.run(&format!("{line} --quantile type7 --json")).exits(0).json();
    near(&whole["historical"]["var"], 1_810.0);
    place.run(line).exits(0).says("loss number 2 of 20 days").says("back-test: none");
    place.run("var closes.csv p.csv").exits(0).says("left out").says("near 0.8000");
    let csv = place.run("var closes.csv p.csv --csv").exits(0).out;
    assert_eq!(csv.lines().count(), 3);
}

#[test]
fn a_back_test_and_refusals_of_var() {
    let place = Place::new("backtest");
    let mut closes = "date,symbol,close\n".to_string();
    let (mut close, mut state) = (100.0_f64, 7_u64);
    for day in 0..100 {
        // Any numbers that come and go: a small generator.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        close *= 1.0 + 0.02 * ((state >> 40) as f64 / f64::from(1 << 24) - 0.5);
        closes.push_str(&format!("2026-{:02}-{:02},A,{close}\n", 1 + day / 25, 1 + day % 25));
    }
    place.write("closes.csv", closes.as_bytes());
    place.write("p.csv", b"symbol,quantity\nA,100\n");
    let line = "var closes.csv p.csv --confidence 95 --window 40";
    let whole = place.run(&format!("{line} --json")).exits(0).json();
    let test = &whole["backtest"];
    assert_eq!(test["days"], 59);
    assert!(test["exceptions"].as_u64().unwrap() < 12, "{test}");
    assert!(["green", "yellow"].contains(&test["traffic_light"].as_str().unwrap()), "{test}");
    let again = place.run(&format!("{line} --json")).exits(0);
    assert_eq!(again.json(), whole);
    let drawn = whole["monte_carlo"]["var"].as_f64().unwrap();
    let exact = whole["parametric"]["var"].as_f64().unwrap();
    assert!((drawn / exact - 1.0).abs() < 0.01, "{drawn} is not {exact}");
    place.run(line).exits(0).says("Kupiec").says("traffic light");
    for (file, text, said) in [
        ("p.csv", "symbol,quantity\nB,1\n", "line 2, symbol: B has no close"),
        ("p.csv", "symbol,quantity\nA,x\n", "line 2, quantity: `x` is no number"),
        ("p.csv", "symbol\nA\n", "no column quantity"),
        ("p.csv", "symbol,quantity\n", "no positions"),
        (
            "closes.csv",
            "date,symbol,close\n2026-01-01,A,1\n2026-01-01,A,2\n",
            "line 3, date: a second close",
        ),
        ("closes.csv", "date,symbol,close\nnever,A,1\n", "line 2, date: `never`"),
        ("closes.csv", "date,symbol,close\n2026-01-01,A,1\n", "fewer than two days"),
    ] {
        place.write("closes.csv", closes.as_bytes());
        place.write("p.csv", b"symbol,quantity\nA,100\n");
        place.write(file, text.as_bytes());
        place.run(line).exits(1).says(said);
    }
    place.run("var closes.csv p.csv --confidence 100").exits(2).says("from 50 to 99.99");
    place.run("var closes.csv p.csv --lambda 2").exits(2).says("no weight");
    place.run("var nothing.csv nothing.csv").exits(1).says("cannot open nothing.csv");
}

/// On the real panel of shares, the splits of 2025 are listed and the rest is measured.
#[test]
fn real_closes_give_a_value_at_risk() {
    let Some(captures) = std::env::var_os("TEZI_CAPTURES") else {
        eprintln!("skipped: TEZI_CAPTURES names no directory of captures");
        return;
    };
    let file =
        PathBuf::from(captures).join("nse_cm_panel/nse_fno_stocks_daily_20250101_20250829.csv");
    let place = Place::new("real-var");
    place.write("p.csv", b"symbol,value\nHDFCBANK,1000000\nRELIANCE,1000000\nTCS,-500000\n");
    let mut command = place.command();
    command.arg("var").arg(&file).args(["p.csv", "--window", "100", "--json"]);
    let whole = Ran::new(command.output().unwrap()).exits(0).json();
    let var = whole["historical"]["var"].as_f64().unwrap();
    assert!((10_000.0..100_000.0).contains(&var), "{var}");
    // HDFCBANK's bonus of 1:1 in August is no fall of a half.
    let left_out = whole["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert_eq!(
        (&left_out[0]["symbol"], &left_out[0]["nearest"]),
        (&"HDFCBANK".into(), &0.5.into())
    );
}
