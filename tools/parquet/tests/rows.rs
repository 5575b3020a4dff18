//! Every row of an export is its record, of a hosted session and of records with extreme values.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeSet;

use common::engine::tape::contracts;
use common::engine::{Random, Scratch};
use common::{Cell, Row, expected, exported, hosted, metadata, raw, rows, written};
use tezi_parquet::{Compression, ExportOptions, Range, Table};

/// Fails with the first row that is not as its record's bytes have it.
#[track_caller]
fn assert_rows_are_records(dir: &std::path::Path, journal: &std::path::Path) {
    let records = raw(journal);
    for table in [Table::Records, Table::Market, Table::Orders, Table::Fills] {
        let found = rows(dir, table);
        let expected = expected::rows(table, &records);
        for (index, (row, expected)) in found.iter().zip(&expected).enumerate() {
            let row = expected::without_names(table, row.clone());
            assert_eq!(&row, expected, "{table:?}, row {index}");
        }
        assert_eq!(found.len(), expected.len(), "{table:?}");
    }
}

fn text<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    match &row[column] {
        Cell::Text(text) => Some(text),
        _ => None,
    }
}

fn int(row: &Row, column: &str) -> i128 {
    match row[column] {
        Cell::Int(number) => number,
        ref other => panic!("{column} is {other:?}"),
    }
}

#[test]
fn the_rows_of_a_hosted_session_are_its_records() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 71, 6_000);
    let to = scratch.path("out");
    let options = ExportOptions { payload: true, ..ExportOptions::default() };
    let report = exported(&journal, &to, &options).unwrap();
    assert!(report.is_fine() && report.segments > 5, "{report:?}");
    assert_rows_are_records(&to, &journal);

    // Records that are in no other table: session, config, timers, end.
    let of_type = |row: &Row| text(row, "record_type").unwrap().to_string();
    let all = rows(&to, Table::Records);
    let elsewhere = ["session", "config", "timer", "end"];
    let rest = all.iter().filter(|row| elsewhere.contains(&of_type(row).as_str())).count();
    let told: u64 = report.tables[1..].iter().map(|it| it.rows).sum();
    assert_eq!(told + rest as u64, report.records);
    assert!(report.tables.iter().all(|it| it.rows > 0), "{:?}", report.tables);
}

#[test]
fn instruments_are_named_the_way_dealers_write_them() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 72, 3_000);
    let to = scratch.path("out");
    exported(&journal, &to, &ExportOptions::default()).unwrap();
    let name = |token: i128| {
        let contracts = contracts();
        let contract = contracts.iter().find(|it| i128::from(it.token.0) == token).unwrap();
        contract.to_string()
    };
    let mut named = BTreeSet::new();
    for table in [Table::Market, Table::Orders, Table::Fills, Table::Instruments] {
        for row in rows(&to, table) {
            if int_or_zero(&row, "token") == 0 {
                continue;
            }
            let expected = name(int(&row, "token"));
            assert_eq!(text(&row, "instrument"), Some(expected.as_str()), "{table:?} {row:?}");
            assert_eq!(text(&row, "segment"), Some("fo"));
            named.insert((table, expected));
        }
    }
    // Options and futures in the market and among instruments, and some of them in own orders.
    assert!(named.len() >= 12, "{named:?}");
    // Each order's instrument and side, as the session says, hold for its fills too.
    let sent: Vec<_> = rows(&to, Table::Orders);
    for fill in rows(&to, Table::Fills) {
        let of_it = |row: &&Row| {
            text(row, "event") == Some("sent") && row["client_order_id"] == fill["client_order_id"]
        };
        let order = sent.iter().find(of_it).unwrap();
        for column in ["instrument_id", "instrument", "token", "side"] {
            assert_eq!(order[column], fill[column], "{fill:?}");
        }
    }
}

fn int_or_zero(row: &Row, column: &str) -> i128 {
    if row[column] == Cell::Null { 0 } else { int(row, column) }
}

#[test]
fn instruments_have_what_is_known_of_them() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 73, 2_000);
    let to = scratch.path("out");
    exported(&journal, &to, &ExportOptions::default()).unwrap();
    let found = rows(&to, Table::Instruments);
    assert_eq!(found.len(), contracts().len());
    for (index, (row, it)) in found.iter().zip(contracts()).enumerate() {
        assert_eq!(int(row, "instrument_id"), index as i128);
        assert_eq!(int(row, "token"), it.token.0.into());
        assert_eq!(int(row, "expiry"), it.expiry.0.into());
        assert_eq!(int(row, "tick"), it.tick.0.into());
        assert_eq!(int(row, "lot"), it.lot.0.into());
        assert_eq!(text(row, "symbol"), Some("NIFTY"));
        let option = match it.option_code {
            1 => (Some("option"), Some("call"), Cell::Int(it.strike.0.into())),
            2 => (Some("option"), Some("put"), Cell::Int(it.strike.0.into())),
            _ => (Some("future"), None, Cell::Null),
        };
        let found = (text(row, "kind"), text(row, "option_type"), row["strike"].clone());
        assert_eq!(found, option);
        for unknown in ["far_token", "freeze_quantity", "price_low", "price_high"] {
            assert_eq!(row[unknown], Cell::Null, "{unknown}");
        }
    }
}

/// Width of each field of an event, and of the records of orders, in order.
const EVENT: &[usize] = &[1, 1, 2, 4, 8, 8, 4, 4, 8, 8, 8];
const COMMAND: &[usize] = &[8, 8, 8, 4, 4, 4, 1, 1, 1, 1, 8];
const REPORT: &[usize] = &[8, 8, 8, 4, 4, 1, 1, 2, 4, 8];
const REFUSAL: &[usize] = &[8, 8, 4, 4, 1, 1, 1, 1, 4, 8, 2, 6];
const INSTRUMENT: &[usize] = &[16, 8, 8, 8, 8, 8, 4, 4, 4, 1, 1, 1, 1];

/// Noughts, ones, the ends of signed numbers, small numbers, or anything.
fn field(random: &mut Random, width: usize) -> Vec<u8> {
    let mut bytes = match random.below(6) {
        0 => vec![0; width],
        1 => vec![0xFF; width],
        2 => [vec![0xFF; width - 1], vec![0x7F]].concat(),
        3 => [vec![0; width - 1], vec![0x80]].concat(),
        4 => random.bytes(width),
        _ => vec![0; width],
    };
    if random.one_in(3) {
        bytes.fill(0);
        bytes[0] = random.below(22) as u8;
    }
    bytes
}

fn extreme(random: &mut Random) -> (u16, u16, i64, Vec<u8>) {
    let of = |random: &mut Random, widths: &[usize]| {
        widths.iter().flat_map(|&width| field(random, width)).collect::<Vec<u8>>()
    };
    let (record_type, mut payload) = match random.below(12) {
        0..=3 => (5, of(random, EVENT)),
        4 => (6, of(random, REPORT)),
        5 => (11, of(random, REPORT)),
        6 => (16, of(random, COMMAND)),
        7 => (17, of(random, REFUSAL)),
        8 => (18, of(random, REPORT)),
        9 => (3, of(random, INSTRUMENT)),
        10 => (random.below(40) as u16, random.bytes(7)),
        _ => (random.next() as u16, random.bytes(60)),
    };
    if random.one_in(50) {
        payload.pop(); // not what the type says any more
    }
    let time = random.pick(&[0, 1, -1, i64::MIN, i64::MAX, 1_790_000_000_000_000_000]);
    (record_type, random.pick(&[0, 1, u16::MAX]), time, payload)
}

#[test]
fn extreme_values_come_back_as_they_were() {
    for (seed, compression) in
        [(1, Compression::Zstd), (2, Compression::Snappy), (3, Compression::None)]
    {
        println!("seed {seed}");
        let scratch = Scratch::new();
        let mut random = Random(seed);
        let records: Vec<_> = (0..4_000).map(|_| extreme(&mut random)).collect();
        let journal = written(&scratch, &records);
        let to = scratch.path("out");
        let options = ExportOptions { payload: true, compression, ..ExportOptions::default() };
        let report = exported(&journal, &to, &options).unwrap();
        assert_eq!((report.records, report.damage_count), (4_000, 0));
        assert!(report.unreadable > 10 && report.unknown > 10, "{report:?}");
        assert!(!report.is_fine());
        assert_rows_are_records(&to, &journal);
        assert!(rows(&to, Table::Instruments).len() > 100);
    }
}

#[test]
fn long_texts_make_small_batches() {
    // A control of kind 1 (pause) by a user with a long name and a long reason: docs/wire/session.md.
    let long = |letter: u8| vec![letter; usize::from(u16::MAX)];
    let control = |letter: u8| {
        let mut head = vec![0; 32];
        head[16..20].fill(0xFF);
        head[20] = 1;
        head[24..28].copy_from_slice(&7_u32.to_le_bytes());
        head[28..32].fill(0xFF);
        [head, long(letter), long(letter + 1)].concat()
    };
    let scratch = Scratch::new();
    let records: Vec<_> = (0..150).map(|index| (9, 0, 5, control(b'a' + index % 20))).collect();
    let to = scratch.path("out");
    let options = ExportOptions { payload: true, ..ExportOptions::default() };
    let report = exported(&written(&scratch, &records), &to, &options).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
    let found = rows(&to, Table::Controls);
    assert_eq!(found.len(), 150);
    for (index, row) in found.iter().enumerate() {
        let letter = b'a' + index as u8 % 20;
        assert_eq!(row["who"], Cell::Text(String::from_utf8(long(letter)).unwrap()));
        assert_eq!(row["why"], Cell::Text(String::from_utf8(long(letter + 1)).unwrap()));
        assert_eq!((text(row, "event"), text(row, "source")), (Some("pause"), Some("operator")));
        assert_eq!((int(row, "uid"), &row["instrument_id"]), (7, &Cell::Null));
    }
}

#[test]
fn what_operators_and_the_host_do_is_told_by_its_fields() {
    let control = |first: i64, second: i64, instrument: u32, kind: u16, detail: u16, text: &str| {
        let mut bytes = Vec::new();
        bytes.extend(first.to_le_bytes());
        bytes.extend(second.to_le_bytes());
        bytes.extend(instrument.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(detail.to_le_bytes());
        bytes.extend(1_000_u32.to_le_bytes());
        bytes.extend([4, 0, 0, 0]);
        bytes.extend(b"asha");
        bytes.extend(text.as_bytes());
        (9, 0, 5, bytes)
    };
    let limit_use = |value: i64, instrument: u32, limit: u16, level: u8| {
        let mut bytes = Vec::new();
        bytes.extend(value.to_le_bytes());
        bytes.extend(10_000_i64.to_le_bytes());
        bytes.extend(instrument.to_le_bytes());
        bytes.extend(limit.to_le_bytes());
        bytes.extend([level, 0]);
        bytes
    };
    let all = u32::MAX;
    let records = [
        (4, 0, 5, vec![]),
        (8, 0, 5, vec![1, 0, 0, 0, 0, 0, 0, 0]),
        control(25, 0, all, 4, 0, ""),
        control(i64::MAX >> 1, 0, all, 7, 3, ""),
        control(0, 0, 4, 8, 1, ""),
        control(-5, i64::MAX, 4, 9, 0, ""),
        control(0, 2, all, 10, 3, ""),
        control(0, 2, all, 13, 0, "edge=2"),
        (20, 3, 5, vec![]),
        (21, 0, 5, vec![2, 20, 0, 0, 0, 0, 0, 0]),
        (23, 0, 5, vec![1, 0, 0, 0, 0, 0, 0, 0]),
        (23, 0, 5, vec![0; 8]),
        (24, 0, 5, limit_use(9_600, 4, 4, 2)),
        (24, 0, 5, limit_use(7, all, 5, 9)),
        (10, 0, 5, b"engine tezi".to_vec()),
        (7, 0, 5, vec![]),
    ];
    let scratch = Scratch::new();
    let to = scratch.path("out");
    let report = exported(&written(&scratch, &records), &to, &ExportOptions::default()).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
    // What each row has beside its sequence, time, source and user.
    let said = |row: Row| {
        let skip = ["sequence", "time", "uid", "who"];
        let cells = row
            .into_iter()
            .filter(|(name, cell)| *cell != Cell::Null && !skip.contains(&name.as_str()));
        let words = cells.map(|(name, cell)| match cell {
            Cell::Int(number) => format!("{name}={number}"),
            Cell::Text(text) => format!("{name}={text}"),
            other => panic!("{name} is {other:?}"),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    let found: Vec<_> = rows(&to, Table::Controls).into_iter().map(said).collect();
    let expected = [
        "event=session_start source=host",
        "event=order_session_live source=host",
        "event=flatten source=operator through_bps=25",
        "event=limit limit=loss-max source=operator value=4611686018427387903",
        "event=restrict instrument_id=4 restriction=reduce-only source=operator",
        "event=range instrument_id=4 price_high=9223372036854775807 price_low=-5 source=operator",
        "cause=loss event=stop source=operator strategy=2",
        "assignment=edge=2 event=set source=operator strategy=2",
        "call=3 event=kill source=strategy",
        "call=0 event=strategy_stopped_panic source=core strategy=2",
        "call=0 event=risk_reduction_begins source=core",
        "call=0 event=risk_reduction_ends source=core",
        "call=0 event=limit_use_alarm instrument_id=4 limit=position-max source=core value=9600",
        "call=0 event=unknown_9 limit=open-orders-max source=core value=7",
        "event=session_resume source=host",
        "event=session_stop source=host",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_range_keeps_the_names_that_were_told_before_it() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 74, 3_000);
    let to = scratch.path("out");
    let all = raw(&journal);
    let (from, until) = (all[1_000].sequence, all[1_999].sequence);
    let range = Range { from, to: until, ..Range::default() };
    let options = ExportOptions { range, ..ExportOptions::default() };
    let report = exported(&journal, &to, &options).unwrap();
    assert!(report.stopped_early && report.is_fine(), "{report:?}");
    let records = rows(&to, Table::Records);
    let sequences: Vec<_> = records.iter().map(|row| int(row, "sequence")).collect();
    assert_eq!(sequences, (i128::from(from)..=i128::from(until)).collect::<Vec<_>>());
    assert!(rows(&to, Table::Orders).iter().any(|row| text(row, "instrument").is_some()));
    let said = metadata(&to, Table::Records);
    assert_eq!(said["tezi.sequences"], format!("{from}-{until}"));
    assert_eq!(said["tezi.journal_end"], "not_read");

    // By the clock of India: the second quarter of the session.
    const DAY: i64 = 86_400_000_000_000;
    let clock = |time: i64| (time + 19_800_000_000_000).rem_euclid(DAY);
    let times: Vec<_> = all.iter().map(|it| clock(it.time)).collect();
    let (after, before) = (times[times.len() / 4], times[times.len() / 2]);
    let range = Range { after: Some(after), before: Some(before), ..Range::default() };
    let options = ExportOptions { range, force: true, ..ExportOptions::default() };
    let report = exported(&journal, &to, &options).unwrap();
    assert!(!report.stopped_early);
    let expected = times.iter().filter(|&&time| after <= time && time <= before).count();
    assert_eq!(report.tables[0].rows, expected as u64);
    assert!(100 < expected && expected < times.len() - 100);
}
