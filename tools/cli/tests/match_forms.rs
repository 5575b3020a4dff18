//! `tezi match` on spreads, orders of several legs, block deals and the kill switch; and that it says
//! the same to the byte whenever it is asked.

mod common;

use std::fmt::Write;
use std::path::Path;

use common::Place;
use tezi_testing::Random;

const SETUP: &str = "\
action,order,member,instrument,side,type,price,quantity,flags
instrument,,,N,,,,,tick=0.05 lot=5 reference=100
instrument,,,F,,,,,tick=0.05 lot=5 reference=101
instrument,,,S,,,,,tick=0.05 lot=5 near=N far=F
";

#[test]
fn a_spread_trades_at_a_difference_and_its_legs_at_prices() {
    let place = Place::new("match-spread");
    let rows = "\
new,a,1,S,sell,,-0.50,10,
new,b,2,S,buy,,0,5,
new,c,2,S,buy,,0,5,ioc
modify,a,1,,,,0,10,
cancel,a,1,,,,,,
";
    place.write("x.csv", format!("{SETUP}{rows}").as_bytes());
    place
        .run("match x.csv")
        .exits(0)
        .says("accepted,2124,a,1,1,S,sell,limit,day,-0.50,,10,0,10,,,spread")
        .says("accepted,2124,b,2,2,S,buy,limit,day,0.00,,5,0,5,,,spread")
        .says(",1,S,-0.50,5,b,2,2,a,1,1,buy,,spread")
        .says(",2,N,100.00,5,a,1,1,b,2,2,sell,,near_leg")
        .says(",3,F,99.50,5,b,2,2,a,1,1,buy,,far_leg")
        .says("rejected,2154,c,,2,,,,,,,,,,spread_terms_not_allowed,,spread")
        .says("modified,2136,a")
        .says("canceled,2130,a");
}

#[test]
fn legs_trade_in_proportion_and_a_kill_switch_takes_the_rest() {
    let place = Place::new("match-legs");
    let rows = "\
new,a,1,N,sell,,100,20,
new,b,1,F,buy,,101,5,
legs,c,2,N+F,buy+sell,,100+101,20+10,
legs,d,2,N,buy,,100,20,
kill,,1,,,,,,
";
    place.write("x.csv", format!("{SETUP}{rows}").as_bytes());
    let ran = place.run("match x.csv").exits(1);
    ran.says("line 8, column instrument: two or three are needed");
    let rows: String = rows
        .lines()
        .filter(|row| !row.starts_with("legs,d"))
        .fold(String::new(), |text, row| text + row + "\n");
    place.write("x.csv", format!("{SETUP}{rows}").as_bytes());
    place
        .run("match x.csv")
        .exits(0)
        .says("accepted,2125,c,3,2,N,buy,limit,ioc,100.00,,20,0,20,,,two_legs")
        .says(",1,N,100.00,10,c,3,2,a,1,1,buy,,regular")
        .says(",2,F,101.00,5,b,2,1,c,3,2,sell,,regular")
        .says("canceled,2075,c,3,2,F,sell,limit,ioc,101.00,,10,5,5,ioc,16388,two_legs")
        .says("canceled,2075,a,1,1,N,sell,limit,day,100.00,,20,10,10,requested,,regular");
}

#[test]
fn block_orders_wait_for_their_counterpart_until_the_window_ends() {
    let place = Place::new("match-block");
    let rows = "\
block,a,1,N,buy,,100,250000,
open-blocks,,,N,,,,,band=97..103 value-min=20000000
block,b,1,N,buy,,100,250000,
block,c,1,N,buy,,100,255000,
block,d,1,N,buy,,104,250000,
block,e,1,N,buy,,100,5,
modify,b,1,,,,,260000,
block,f,2,N,sell,,100,260000,
close-blocks,,,N,,,,,
";
    place.write("x.csv", format!("{SETUP}{rows}").as_bytes());
    place
        .run("match x.csv --segment cm")
        .exits(0)
        .says("rejected,2231,a,,1,,,,,,,,,,block_closed,,block")
        .says("rejected,2231,d,,1,,,,,,,,,,block_range,,block")
        .says("rejected,2231,e,,1,,,,,,,,,,block_value,,block")
        .says("modified,2074,b")
        .says(",1,N,100.00,260000,b,1,1,f,3,2,sell,,block")
        .says(
            "canceled,2075,c,2,1,N,buy,limit,day,100.00,,255000,0,255000,block_window,16738,block",
        );
}

/// A day of 600 rows: an auction, continuous trading of every kind, a halt, a close.
fn day() -> String {
    let mut random = Random(2_026);
    let mut text = String::from(
        "action,order,member,pan,instrument,side,type,price,trigger,quantity,disclosed,flags\n\
         instrument,,,,N,,,,,,,tick=0.05 lot=5 freeze=200 reference=100 phase=pre_open_entry\n\
         instrument,,,,F,,,,,,,tick=0.05 lot=5 freeze=200 reference=101\n\
         instrument,,,,S,,,,,,,tick=0.05 lot=5 freeze=200 near=N far=F\n\
         open-blocks,,,,F,,,,,,,band=97..105\n",
    );
    let rupees = |paise: i64| {
        let sign = if paise < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}", paise.abs() / 100, paise.abs() % 100)
    };
    for index in 0..600_u64 {
        match index {
            80 => text.push_str("phase,,,,N,,,,,,,pre_open_match\nphase,,,,N,,,,,,,continuous\n"),
            300 => text.push_str("phase,,,,,,,,,,,halted\n"),
            310 => text.push_str("phase,,,,,,,,,,,pre_open_entry\n"),
            360 => text.push_str("phase,,,,,,,,,,,pre_open_match\nphase,,,,,,,,,,,continuous\n"),
            450 => text.push_str("band,,,,N,,,,,,,band=99.40..100.60\nkill,,3,,,,,,,,,\n"),
            500 => text.push_str("cancel-trade,,,,,,,,,,,trade=3\n"),
            _ => {}
        }
        let side = ["buy", "sell"][random.below(2) as usize];
        let away = 5 * (random.below(21) as i64 - 10);
        let (quantity, member) = (5 * (1 + random.below(20)), 1 + random.below(4));
        let pan = ["", "", "AAAAA1111A", "BBBBB2222B"][random.below(4) as usize];
        let (n, f) = (rupees(10_000 + away), rupees(10_100 + away));
        let _ = match random.below(16) {
            0..6 => writeln!(text, "new,o{index},{member},{pan},N,{side},,{n},,{quantity},,"),
            6..8 => writeln!(text, "new,o{index},{member},{pan},F,{side},,{f},,{quantity},,"),
            8 => writeln!(text, "new,o{index},{member},{pan},N,{side},market,,,{quantity},,"),
            9 => writeln!(text, "new,o{index},{member},{pan},F,{side},,{f},,{quantity},,ioc"),
            10 | 11 => {
                let difference = rupees(away);
                writeln!(text, "new,o{index},{member},{pan},S,{side},,{difference},,{quantity},,")
            }
            12 => writeln!(text, "new,o{index},{member},,N,{side},sl,{n},{n},{quantity},,"),
            13 => writeln!(
                text,
                "legs,o{index},{member},{pan},N+F,{side}+{side},,{n}+{f},,{quantity}+{quantity},,"
            ),
            14 => writeln!(text, "block,o{index},{member},,F,{side},,101.00,,50,,"),
            _ => writeln!(text, "new,o{index},{member},,N,{side},,{n},,205,,"),
        };
    }
    text.push_str("close-blocks,,,,F,,,,,,,\nphase,,,,,,,,,,,recess\n");
    text
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// `TEZI_BLESS=1 cargo test -p tezi-cli --test match_forms` writes the file anew.
#[test]
fn the_same_file_gives_the_same_bytes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/match_day.csv");
    if std::env::var_os("TEZI_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, day()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(committed, day(), "the committed day is the generator's");
    let place = Place::new("match-golden");
    place.write("day.csv", committed.as_bytes());
    let runs = [(); 2].map(|()| place.run("match day.csv").exits(0).out);
    assert_eq!(runs[0], runs[1]);
    for kind in ["regular", "spread", "near_leg", "far_leg", "block"] {
        let end = format!(",{kind}");
        let count = runs[0].lines().filter(|line| line.ends_with(&end)).count();
        assert!(count > 4, "{count} of {kind}");
    }
    assert_eq!((runs[0].lines().count(), digest(&runs[0])), (1_288, 16_810_184_459_321_712_706));
}
