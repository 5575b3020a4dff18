//! Files against a session: what can be is what the core is told, what cannot be is a fault with its line.

use std::path::Path;

use tezi_core::{CarriedLot, CorporateActionKind, InstrumentTable, Opening};
use tezi_model::{
    AccountId, Instrument, InstrumentKind, Nanos, OptionType, Px, Qty, Segment, StrategyId, Symbol,
    Token,
};

use super::resolve::{Owners, Session};
use super::*;

const HEADER: &str = "segment,token,instrument,strategy,account,quantity,price,close,date,as_of";

fn instruments() -> InstrumentTable {
    let named = |segment, token, symbol, kind, lot| {
        let mut it = Instrument::unknown(segment, Token(token));
        (it.symbol, it.kind_code, it.lot) = (Symbol::new(symbol), kind as u8, Qty(lot));
        it
    };
    let mut future = named(Segment::NseFo, 7, "INFY", InstrumentKind::Future, 400);
    future.expiry = Nanos::from_ist(2026, 12, 29, 15, 30, 0);
    let mut call = named(Segment::NseFo, 8, "INFY", InstrumentKind::Option, 400);
    (call.expiry, call.strike) = (future.expiry, Px::from_rupees(750.0));
    call.option_code = OptionType::Call as u8;
    let mut gone = named(Segment::NseFo, 9, "NIFTY", InstrumentKind::Future, 65);
    gone.expiry = Nanos::from_ist(2026, 11, 23, 15, 30, 0);
    let all = [
        named(Segment::NseCm, 3, "INFY", InstrumentKind::Equity, 1),
        named(Segment::BseCm, 5, "INFY", InstrumentKind::Equity, 1),
        future,
        call,
        gone,
        named(Segment::NseCm, 4, "TCS", InstrumentKind::Equity, 1),
        Instrument::spread(&future, Token(11)),
    ];
    let mut table = InstrumentTable::new(16);
    for it in &all {
        table.define(it).unwrap();
    }
    table
}

/// Two strategies for two accounts.
fn two() -> Owners {
    Owners {
        alone: None,
        strategies: vec![("a".into(), AccountId(1)), ("b".into(), AccountId(2))],
        accounts: vec!["own".into(), "alpha".into()],
        account_of_alone: AccountId::NONE,
    }
}

fn alone() -> Owners {
    Owners { alone: Some("watch".into()), ..Owners::default() }
}

fn told(owners: &Owners, positions: &str, actions: &str) -> Result<Vec<Opening>, String> {
    let said = |path: &str, faults: Vec<table::Fault>| {
        table::refused(Path::new(path), &faults).to_string()
    };
    let positions = if positions.starts_with("segment") || positions.starts_with("instrument") {
        positions.to_string()
    } else {
        format!("{HEADER}\n{positions}")
    };
    let rows = table::of_text(&positions, &file::POSITIONS, file::position);
    let rows = rows.map_err(|faults| said("p", faults))?;
    let columns = ["instrument", "ex_date", "ratio", "kind"];
    let actions = format!("{}\n{actions}", columns.join(","));
    let actions = table::of_text(&actions, &columns, file::action);
    let actions = actions.map_err(|faults| said("c", faults))?;
    let session = Session {
        instruments: &instruments(),
        owners,
        day: Date::parse("2026-11-24").unwrap(),
        positions: (Path::new("p"), &rows),
        actions: (Path::new("c"), &actions),
    };
    session.openings().map_err(|error| error.to_string())
}

fn day(text: &str) -> i32 {
    Date::parse(text).unwrap().number()
}

#[test]
fn lots_come_in_order_with_one_mark_for_an_instrument() {
    let lines = "\
        cm,3,,a,own,10,100,,2026-11-19,2026-11-23\n\
        cm,3,INFY EQ,a,own,30,110.5,,2026-11-20,2026-11-23\n\
        cm,,INFY EQ,b,alpha,-20,120,115,,2026-11-23\n\
        ,,INFY 2026-12-29 FUT,,alpha,-400,1500,,,2026-11-23\n\
        ,,INFY 2026-12-29 FUT,b,alpha,800,1503,,2026-11-23,2026-11-23\n";
    let told = told(&two(), lines, "").unwrap();
    let as_of = day("2026-11-23");
    let begin = Opening::Begin { day: as_of + 1, as_of, lots: 5, actions: 0 };
    assert_eq!(told[0], begin);
    let lots: Vec<CarriedLot> = told[1..]
        .iter()
        .map(|opening| match opening {
            Opening::Lot(lot) => *lot,
            other => panic!("{other:?}"),
        })
        .collect();
    let whose: Vec<_> =
        lots.iter().map(|it| (it.strategy.0, it.account.0, it.instrument.0)).collect();
    assert_eq!(whose, [(1, 1, 0), (1, 1, 0), (2, 2, 0), (0, 2, 2), (2, 2, 2)]);
    let numbers: Vec<_> = lots.iter().map(|it| (it.net, it.price.0, it.mark.0, it.day)).collect();
    let rupee = Px::SCALE;
    let expected = [
        (10, 100 * rupee, 115 * rupee, as_of - 4),
        (30, 1_105 * rupee / 10, 115 * rupee, as_of - 3),
        (-20, 120 * rupee, 115 * rupee, 0),
        // Without a close, what all units of the instrument cost on average.
        (-400, 1_500 * rupee, 1_502 * rupee, 0),
        (800, 1_503 * rupee, 1_502 * rupee, as_of),
    ];
    assert_eq!(numbers, expected);
}

#[test]
fn the_only_strategy_has_a_name_or_none() {
    for name in ["", "watch"] {
        let line = format!("instrument,strategy,quantity,price\nTCS EQ,{name},5,3000\n");
        let told = told(&alone(), &line, "").unwrap();
        assert_eq!(
            told[0],
            Opening::Begin { day: day("2026-11-24"), as_of: 0, lots: 1, actions: 0 }
        );
        let Opening::Lot(lot) = told[1] else { panic!("{told:?}") };
        assert_eq!((lot.strategy, lot.account, lot.day), (StrategyId::NONE, AccountId::NONE, 0));
    }
}

#[test]
fn actions_between_the_positions_and_the_session_are_told_behind_the_lots() {
    let lines = "\
        cm,3,INFY EQ,,,100,1500,1510,,2026-11-20\n\
        fo,8,INFY 2026-12-29 1500 CE,,,200,20,,,2026-11-20\n\
        cm,4,TCS EQ,,,7,3000,,,2026-11-20\n";
    let actions = "\
        INFY,2026-11-24,1:1,bonus\n\
        INFY,2026-11-20,5:1,split\n\
        INFY,2026-11-25,5:1,split\n\
        cm:4,2026-11-23,3:1,split\n\
        HDFC,2026-11-24,2:1,split\n";
    let told = told(&alone(), lines, actions).unwrap();
    let told: Vec<_> = told
        .iter()
        .filter_map(|opening| match opening {
            Opening::Action(it) => Some((it.instrument.0, it.kind, it.ratio.terms(), it.ex_day)),
            _ => None,
        })
        .collect();
    let (split, bonus) = (CorporateActionKind::Split, CorporateActionKind::Bonus);
    let [on_23, on_24] = ["2026-11-23", "2026-11-24"].map(day);
    // Of what is held, the earliest first. That of the 20th is in the positions, that of the 25th to come.
    let expected =
        [(5, split, (3, 1), on_23), (0, bonus, (2, 1), on_24), (3, bonus, (2, 1), on_24)];
    assert_eq!(told, expected);
}

#[test]
fn what_cannot_be_names_its_line() {
    let lot = "cm,3,,a,own,10,100,,2026-11-19,2026-11-23\n";
    let cases = [
        ("cm,99,,a,own,10,100,,,", "line 2: token: cm:99 is not known"),
        (",,NIFTY,a,own,10,100,,,", "line 2: instrument: `NIFTY` is not known"),
        (",,INFY EQ,a,own,10,100,,,", "line 2: instrument: 2 are called `INFY EQ`"),
        ("cm,3,TCS EQ,a,own,10,100,,,", "line 2: instrument: token 3 is INFY EQ, not `TCS EQ`"),
        (",3,,a,own,10,100,,,", "line 2: segment: is missing"),
        ("nse,3,,a,own,10,100,,,", "line 2: segment: `nse` is no segment"),
        ("cm,,,a,own,10,100,,,", "line 2: names no instrument"),
        ("fo,9,,a,own,65,100,,,", "line 2: instrument: NIFTY 2026-11-23 FUT has expired"),
        (",,fo:7/11,a,own,400,100,,,", "line 2: instrument: fo:7/11 cannot be held"),
        ("fo,7,,a,own,401,100,,,", "line 2: quantity: 401 units of INFY 2026-12-29 FUT are no"),
        ("cm,3,,a,own,0,100,,,", "line 2: quantity: `0` is no whole number of units"),
        ("cm,3,,a,own,1.5,100,,,", "line 2: quantity: `1.5`"),
        ("cm,3,,a,own,1099511627777,1,,,", "line 2: more than 1099511627776 units"),
        ("cm,3,,a,own,10,-1,,,", "line 2: price: `-1` is no price"),
        ("cm,3,,a,own,10,,,,", "line 2: price: is missing"),
        ("cm,3,,a,own,10,100,0,,", "line 2: close: `0` is no price"),
        ("cm,3,,a,own,10,100,,24-11-2026,", "line 2: date: `24-11-2026` is no date"),
        ("cm,3,,a,own,10,100,,2026-11-25,", "line 2: date: is after the day"),
        ("cm,3,,a,own,10,100,,,2026-11-25", "line 2: as_of: is after the session's day"),
        ("cm,3,,c,own,10,100,,,", "line 2: strategy: `c` is none of this session"),
        ("cm,3,,a,beta,10,100,,,", "line 2: account: `beta` is not declared"),
        ("cm,3,,a,,10,100,,,", "line 2: account: is missing"),
        ("cm,3,,a,alpha,10,100,,,", "line 2: account: strategy `a` trades for own"),
    ];
    for (line, expected) in cases {
        let said = told(&two(), &format!("{line}\n"), "").unwrap_err();
        assert!(said.contains(expected), "{line}: {said}");
    }
    let behind = [
        (lot, "line 3: the position of line 2 once more"),
        ("cm,3,,a,own,10,101,,2026-11-18,2026-11-23\n", "line 3: date: the lot is older than"),
        ("cm,3,,a,own,-10,101,,2026-11-20,2026-11-23\n", "line 3: quantity: lots of one position"),
        ("cm,4,,a,own,10,101,,2026-11-20,2026-11-22\n", "line 3: as_of: is another day"),
        ("cm,4,,a,own,10,101,,2026-11-24,2026-11-23\n", "line 3: date: is after the day"),
        ("cm,4,,a,own\n", "line 3: has 5 fields, and the header 10"),
    ];
    for (line, expected) in behind {
        let said = told(&two(), &format!("{lot}{line}"), "").unwrap_err();
        assert!(said.contains(expected), "{line}: {said}");
    }
    let closes = "cm,3,,,,1,100,90,,\ncm,3,,,,2,101,91,2026-11-20,\n";
    assert!(told(&alone(), closes, "").unwrap_err().contains("line 3: close: is 90.00 in another"));
    assert!(told(&alone(), "cm,3,,a,,1,100,,,\n", "").is_err(), "the only strategy is watch");
}

#[test]
fn actions_that_cannot_be_name_their_line() {
    let cases = [
        ("INFY,2026-11-24,1:2,split", "c, line 2: ratio: 1:2 is no split"),
        ("INFY,2026-11-24,2:1,consolidation", "c, line 2: ratio: 2:1 is no consolidation"),
        ("INFY,2026-11-24,0:1,bonus", "c, line 2: ratio: `0:1` is no ratio"),
        ("INFY,2026-11-24,2,split", "c, line 2: ratio: `2` is no ratio"),
        ("INFY,2026-11-24,2:1,demerger", "c, line 2: kind: `demerger` is no kind"),
        ("INFY,24-11-2026,2:1,split", "c, line 2: ex_date:"),
        (",2026-11-24,2:1,split", "c, line 2: instrument: is missing"),
        (
            "INFY,2026-11-24,1:3,consolidation",
            "p, line 2: quantity: 10 units after the consolidation 1:3 of 2026-11-24 is no whole",
        ),
        ("INFY,2026-11-24,4294967295:1,split", "p, line 2: cannot be carried over"),
        (
            "INFY,2026-11-24,2:1,split\ncm:3,2026-11-24,2:1,split",
            "c, line 3: the action of line 2 once more",
        ),
    ];
    for (actions, expected) in cases {
        let lines = "cm,3,,,,10,1,,,2026-11-23\ncm,3,,,,2000,1.5,,2026-11-23,2026-11-23\n";
        let said = told(&alone(), lines, &format!("{actions}\n")).unwrap_err();
        assert!(said.contains(expected), "{actions}: {said}");
    }
    let undated = told(&alone(), "cm,3,,,,10,1,,,\n", "INFY,2026-11-24,2:1,split\n").unwrap_err();
    assert!(undated.contains("c, line 2: is of something held"), "{undated}");
    assert!(told(&alone(), "cm,4,,,,10,1,,,\n", "INFY,2026-11-24,2:1,split\n").is_ok());
    // The old lot of a contract, and the new one after the split.
    let future = "fo,7,,,,80,1,,,2026-11-23\n";
    assert!(told(&alone(), future, "").is_err());
    assert!(told(&alone(), future, "INFY,2026-11-24,5:1,split\n").is_ok());
}

#[test]
fn a_session_taken_up_again_has_what_its_journal_says() {
    let openings = told(&alone(), "cm,3,,,,10,1,,,\ncm,4,,,,10,1,,,\n", "").unwrap();
    let other = told(&alone(), "cm,3,,,,10,1,,,\ncm,4,,,,11,1,,,\n", "").unwrap();
    let begin = told(&alone(), "", "").unwrap();
    let named = CarriedFiles { positions: Some("p".into()), ..CarriedFiles::default() };
    let none = CarriedFiles::default();
    let left = |recorded: &[Opening], wanted: &[Opening], files, has_begun| {
        left_to_tell(recorded, wanted.to_vec(), files, has_begun).ok()
    };
    // Begun: the same, or no file.
    assert_eq!(left(&openings, &openings, &named, true), Some(vec![]));
    assert_eq!(left(&openings, &other, &named, true), None);
    assert_eq!(left(&openings[..2], &openings, &named, true), None);
    assert_eq!(left(&openings, &[], &none, true), Some(vec![]));
    assert_eq!(left(&openings, &begin, &none, true), Some(vec![]));
    assert_eq!(left(&[], &begin, &none, true), None);
    assert_eq!(left(&[], &openings, &named, true), None);
    assert_eq!(left(&[], &[], &none, true), Some(vec![]));
    // Ended before the start: the rest of the same.
    assert_eq!(left(&openings[..2], &openings, &named, false), Some(openings[2..].to_vec()));
    assert_eq!(left(&openings[..2], &begin, &none, false), None);
    assert_eq!(left(&openings, &[], &none, false), Some(vec![]));
    assert_eq!(left(&[], &begin, &none, false), Some(begin.clone()));
    assert_eq!(left(&openings[..3], &other, &named, false), None);
}
