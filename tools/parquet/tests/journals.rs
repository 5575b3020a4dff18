//! Journals that are empty, cut or damaged, files that are there already, exports that end early, and
//! the bounds of row groups.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use common::engine::Scratch;
use common::{Cell, exported, hosted, metadata, names, raw, row_groups, rows, written};
use tezi::journal;
use tezi_parquet::{ExportError, ExportOptions, RowGroups, Table, export};

const FIRST: &str = "00000000.tzj";

/// Changes the file of a segment.
fn change(journal: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = journal.join(name);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// The sequences in the table of records.
fn sequences(dir: &Path) -> Vec<u64> {
    let sequence = |row: &common::Row| match row["sequence"] {
        Cell::Int(sequence) => sequence as u64,
        ref other => panic!("{other:?}"),
    };
    rows(dir, Table::Records).iter().map(sequence).collect()
}

#[test]
fn an_empty_journal_gives_every_file_without_rows() {
    let scratch = Scratch::new();
    let to = scratch.path("deep/out");
    let journal = written(&scratch, &[]);
    let report = exported(&journal, &to, &ExportOptions::default()).unwrap();
    assert!(report.is_fine() && report.records == 0, "{report:?}");
    assert_eq!(names(&to).len(), Table::ALL.len());
    for table in Table::ALL {
        assert_eq!(rows(&to, table), []);
        assert_eq!(row_groups(&to, table), []);
    }
    let said = metadata(&to, Table::Market);
    assert_eq!(said["tezi.session_id"], "000000000000abcd");
    assert_eq!(
        (said["tezi.journal_end"].as_str(), said["tezi.table"].as_str()),
        ("clean", "market")
    );
    assert!(!said.contains_key("tezi.segments"), "no record, no segment of one");
}

#[test]
fn a_file_says_where_its_rows_come_from() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 81, 2_000);
    let to = scratch.path("out");
    let report = exported(&journal, &to, &ExportOptions::default()).unwrap();
    let checked = journal::verify(&journal).unwrap();
    for table in Table::ALL {
        let said = metadata(&to, table);
        let expected = [
            ("schema_version", "1".to_string()),
            ("version", env!("CARGO_PKG_VERSION").to_string()),
            ("table", table.name().to_string()),
            ("session_id", format!("{:016x}", checked.session_id)),
            ("segments", format!("0-{}", checked.segments - 1)),
            ("sequences", format!("1-{}", checked.records)),
            ("journal_end", "clean".to_string()),
            ("damage_places", "0".to_string()),
            ("records_lost", "0".to_string()),
            ("strategy", "option-quoter".to_string()),
        ];
        for (key, value) in expected {
            assert_eq!(said[&format!("tezi.{key}")], value, "{table:?} {key}");
        }
        assert!(said["tezi.engine"].starts_with("tezi"), "{said:?}");
    }
    assert_eq!((report.records, report.segments), (checked.records, checked.segments));
}

#[test]
fn a_torn_tail_is_told_and_every_record_before_it_is_there() {
    let scratch = Scratch::new();
    let records: Vec<_> = (0..100).map(|index| (20, index, 5, vec![])).collect();
    let journal = written(&scratch, &records);
    // The last record is 32 bytes: its header loses its second half.
    change(&journal, FIRST, |bytes| bytes.truncate(bytes.len() - 16));
    let to = scratch.path("out");
    let report = exported(&journal, &to, &ExportOptions::default()).unwrap();
    let checked = journal::verify(&journal).unwrap();
    assert_eq!(report.torn_tail, checked.torn_tail);
    assert!(report.torn_tail.is_some() && !report.is_fine());
    assert_eq!((report.records, report.damage_count), (99, 0));
    assert_eq!(sequences(&to), (1..=99).collect::<Vec<_>>());
    assert_eq!(metadata(&to, Table::Records)["tezi.journal_end"], "torn_tail");
}

#[test]
fn what_lies_behind_damage_is_exported_and_what_is_lost_is_told() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 82, 6_000);
    let whole = raw(&journal);
    // A flipped bit in the middle of one segment, a run of noughts in another, and one missing.
    let middle = |bytes: &mut Vec<u8>| {
        let place = bytes.len() / 2;
        bytes[place] ^= 4;
    };
    change(&journal, "00000001.tzj", middle);
    change(&journal, "00000003.tzj", |bytes| bytes[20_000..20_500].fill(0));
    fs::remove_file(journal.join("00000004.tzj")).unwrap();
    let checked = journal::verify(&journal).unwrap();
    assert_eq!(checked.findings_count, 3, "{checked}");

    let to = scratch.path("out");
    let report = exported(&journal, &to, &ExportOptions::default()).unwrap();
    let damage: Vec<_> = checked.findings.iter().map(|finding| finding.damage.clone()).collect();
    assert_eq!((&report.damage, report.damage_count), (&damage, 3));
    assert_eq!(report.records, checked.records);
    assert_eq!(report.records_lost, whole.len() as u64 - checked.records);
    let kept: Vec<_> = raw(&journal).iter().map(|record| record.sequence).collect();
    assert_eq!(sequences(&to), kept);
    assert!(kept.last() == whole.last().map(|it| &it.sequence) && kept.len() < whole.len());
    let said = metadata(&to, Table::Fills);
    assert_eq!(
        (said["tezi.journal_end"].as_str(), said["tezi.damage_places"].as_str()),
        ("damaged", "3")
    );
    assert_eq!(said["tezi.records_lost"], report.records_lost.to_string());
    let problems = report.problems().join("\n");
    assert!(problems.contains("00000001.tzj") && problems.contains("is missing"), "{problems}");
}

#[test]
fn a_segment_alone_names_no_instrument_it_cannot_know() {
    let scratch = Scratch::new();
    let journal = hosted(&scratch, 83, 6_000);
    let to = scratch.path("out");
    let segment = journal.join("00000003.tzj");
    let report = exported(&segment, &to, &ExportOptions::default()).unwrap();
    assert!(report.records > 100 && report.segments == 1);
    let orders = rows(&to, Table::Orders);
    assert!(!orders.is_empty());
    // By number they would be others than the session's; by token they are what they are.
    assert!(orders.iter().all(|row| row["instrument"] == Cell::Null && row["token"] == Cell::Null));
    let market = rows(&to, Table::Market);
    assert!(market.iter().any(|row| row["instrument"] == Cell::Text("fo:50001".into())));
    assert_eq!(metadata(&to, Table::Market)["tezi.segments"], "3-3");
}

#[test]
fn files_that_are_there_are_replaced_only_when_asked() {
    let scratch = Scratch::new();
    let journal = written(&scratch, &[(20, 0, 5, vec![]), (20, 0, 6, vec![])]);
    let to = scratch.path("out");
    fs::create_dir(&to).unwrap();
    fs::write(to.join("fills.parquet"), "mine").unwrap();
    let refused = exported(&journal, &to, &ExportOptions::default());
    let Err(ExportError::Exists { path }) = refused else { panic!("{refused:?}") };
    assert_eq!((path, names(&to)), (to.join("fills.parquet"), vec!["fills.parquet".to_string()]));
    assert_eq!(fs::read(to.join("fills.parquet")).unwrap(), b"mine");

    // Tables that are not asked for are in nobody's way.
    let options = ExportOptions { tables: vec![Table::Records], ..ExportOptions::default() };
    assert!(exported(&journal, &to, &options).unwrap().is_fine());
    assert_eq!(names(&to), ["fills.parquet", "records.parquet"]);
    assert!(matches!(exported(&journal, &to, &options), Err(ExportError::Exists { .. })));

    let options = ExportOptions { force: true, ..ExportOptions::default() };
    exported(&journal, &to, &options).unwrap();
    assert_eq!(names(&to).len(), Table::ALL.len());
    assert_eq!((rows(&to, Table::Fills), sequences(&to)), (vec![], vec![1, 2]));
}

#[test]
fn an_export_that_does_not_come_to_its_end_leaves_nothing() {
    let scratch = Scratch::new();
    let records: Vec<_> = (0..70_000).map(|_| (20, 0, 5, vec![])).collect();
    let journal = written(&scratch, &records);
    let to = scratch.path("out");
    let mut seen = 0;
    let result = export(&journal, &to, &ExportOptions::default(), |progress| {
        seen = progress.records;
        assert!(0 < progress.bytes && progress.bytes <= progress.bytes_total, "{progress:?}");
        ControlFlow::Break(())
    });
    assert!(matches!(result, Err(ExportError::Interrupted)), "{result:?}");
    assert_eq!((seen, names(&to)), (65_536, vec![]));

    // A directory that holds no journal, and a place that takes no files.
    let missing = exported(&scratch.path("none"), &to, &ExportOptions::default());
    assert!(matches!(missing, Err(ExportError::Journal(_))), "{missing:?}");
    fs::write(scratch.path("file"), "").unwrap();
    let nowhere = exported(&journal, &scratch.path("file"), &ExportOptions::default());
    assert!(matches!(nowhere, Err(ExportError::Io { .. })), "{nowhere:?}");
}

#[test]
fn no_row_group_is_larger_than_its_bounds() {
    let scratch = Scratch::new();
    // Payloads that no codec makes smaller.
    let mut random = common::engine::Random(7);
    let records: Vec<_> = (0..40_000).map(|_| (99, 0, 5, random.bytes(100))).collect();
    let journal = written(&scratch, &records);
    let group = |rows_max, bytes_max, name: &str| {
        let row_groups = RowGroups { rows_max, bytes_max };
        let tables = vec![Table::Records];
        let options =
            ExportOptions { tables, payload: true, row_groups, ..ExportOptions::default() };
        let to = scratch.path(name);
        let report = exported(&journal, &to, &options).unwrap();
        let groups = self::row_groups(&to, Table::Records);
        assert_eq!(groups.len(), report.tables[0].row_groups);
        assert_eq!(groups.iter().sum::<i64>(), 40_000);
        assert_eq!(sequences(&to), (1..=40_000).collect::<Vec<_>>());
        groups
    };
    assert_eq!(group(1 << 20, 64 << 20, "one"), [40_000]);
    let by_rows = group(15_000, 64 << 20, "rows");
    assert_eq!(by_rows, [15_000, 15_000, 10_000]);
    // One batch is 32,768 rows of some 100 bytes: what comes behind it is cut to the bound.
    let by_bytes = group(1 << 20, 1 << 20, "bytes");
    assert_eq!(by_bytes, [32_768, 7_232]);
    // Long payloads make smaller batches: 8 MiB are 128 of these, and a batch is the least that a bound of
    // bytes leaves together.
    let records: Vec<_> = (0..300).map(|_| (99, 0, 5, random.bytes(64 << 10))).collect();
    let scratch = Scratch::new();
    let row_groups = RowGroups { rows_max: 1 << 20, bytes_max: 1 };
    let options = ExportOptions { payload: true, row_groups, ..ExportOptions::default() };
    let to = scratch.path("out");
    exported(&written(&scratch, &records), &to, &options).unwrap();
    assert_eq!(self::row_groups(&to, Table::Records), [128, 128, 44]);
    // A bound of nought is one of one.
    let records: Vec<_> = (0..3).map(|_| (20, 0, 5, vec![])).collect();
    let scratch = Scratch::new();
    let row_groups = RowGroups { rows_max: 0, bytes_max: 0 };
    let options = ExportOptions { row_groups, ..ExportOptions::default() };
    let to = scratch.path("out");
    exported(&written(&scratch, &records), &to, &options).unwrap();
    assert_eq!(self::row_groups(&to, Table::Records), [1, 1, 1]);
}
