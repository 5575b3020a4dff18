//! What an export came to, for people and for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tezi_parquet::{ExportReport, TableReport};

use super::quoted;

/// The summary for people.
pub(super) fn text(path: &Path, to: &Path, report: &ExportReport, elapsed: Duration) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut text, path, to, report, elapsed);
    text
}

fn write_text(
    out: &mut String,
    path: &Path,
    to: &Path,
    report: &ExportReport,
    elapsed: Duration,
) -> std::fmt::Result {
    writeln!(out, "Journal {}", path.display())?;
    writeln!(out, "  session   {:016x}", report.session_id)?;
    writeln!(out, "  segments  {}", report.segments)?;
    let seconds = elapsed.as_secs_f64();
    writeln!(out, "  records   {}, read in {seconds:.1} s", grouped(report.records))?;
    writeln!(out, "\n{:<20} {:>13} {:>15} {:>10}", "file", "rows", "bytes", "row groups")?;
    for TableReport { table, rows, bytes, row_groups, .. } in &report.tables {
        let (rows, bytes) = (grouped(*rows), grouped(*bytes));
        writeln!(out, "{:<20} {rows:>13} {bytes:>15} {row_groups:>10}", table.file_name())?;
    }
    writeln!(out)?;
    for problem in report.problems() {
        writeln!(out, "NOT FINE: {problem}")?;
    }
    if 0 < report.damage_count {
        writeln!(out, "NOT FINE: {}; everything else is in the files", lost(report))?;
    }
    if report.stopped_early {
        writeln!(out, "What lies behind the last record asked for was not looked at.")?;
    }
    writeln!(out, "Written to {}; docs/wire/parquet.md has every column.", quoted(to))
}

fn lost(report: &ExportReport) -> String {
    let records = grouped(report.records_lost);
    match report.losses_unknown {
        0 => format!("{records} records lost in all"),
        _ => format!("{records} records and more lost: not every damage tells how many"),
    }
}

/// The summary for programs.
pub(super) fn json(path: &Path, report: &ExportReport) -> Value {
    let table = |it: &TableReport| {
        json!({
            "table": it.table.name(),
            "path": it.path.display().to_string(),
            "rows": it.rows,
            "bytes": it.bytes,
            "row_groups": it.row_groups,
        })
    };
    json!({
        "path": path.display().to_string(),
        "is_fine": report.is_fine(),
        "session_id": format!("{:016x}", report.session_id),
        "segments": report.segments,
        "records": report.records,
        "tables": report.tables.iter().map(table).collect::<Vec<_>>(),
        "journal_end": report.end().to_string(),
        "damage_places": report.damage_count,
        "records_lost": (report.losses_unknown == 0).then_some(report.records_lost),
        "unreadable": report.unreadable,
        "unknown": report.unknown,
        "problems": report.problems(),
    })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
