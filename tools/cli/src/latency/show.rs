//! A log as a table, as CSV and as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::series::{Log, Series};
use crate::text::{date_time, grouped};

/// Percentiles of a table: heading, name for programs, quantile.
pub(super) const COLUMNS: [(&str, &str, f64); 5] = [
    ("p50", "p50", 0.5),
    ("p90", "p90", 0.9),
    ("p99", "p99", 0.99),
    ("p99.9", "p99_9", 0.999),
    ("p99.99", "p99_99", 0.9999),
];

/// The values of a row, the maximum last.
pub(super) fn values(series: &Series) -> Vec<u64> {
    let quantiles = COLUMNS.iter().map(|(_, _, quantile)| series.total.quantile(*quantile));
    quantiles.chain([series.total.max()]).collect()
}

/// One line above a table: what it is of.
pub(super) fn about(log: &Log) -> String {
    let (path, seconds) = (log.path.display(), log.seconds);
    format!("{path}: {seconds:.1} s from {}, latency in nanoseconds", date_time(log.start))
}

pub(super) fn write_tables(out: &mut dyn Write, logs: &[Log]) -> io::Result<()> {
    for (place, log) in logs.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", about(log))?;
        write!(out, "  {:<24} {:>13}", "stage", "count")?;
        for (heading, ..) in COLUMNS {
            write!(out, " {heading:>11}")?;
        }
        writeln!(out, " {:>14}", "max")?;
        for series in &log.stages {
            write!(out, "  {:<24} {:>13}", series.title(), grouped(series.total.count()))?;
            let values = values(series);
            for (place, value) in values.iter().enumerate() {
                let width = if place == COLUMNS.len() { 14 } else { 11 };
                write!(out, " {:>width$}", grouped(*value))?;
            }
            writeln!(out)?;
        }
        if log.stages.is_empty() {
            writeln!(out, "  nothing there")?;
        }
    }
    Ok(())
}

/// A field of a CSV (RFC 4180).
pub(super) fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

pub(super) fn write_csv(out: &mut dyn Write, logs: &[Log]) -> io::Result<()> {
    write!(out, "file,stage,count")?;
    for (_, name, _) in COLUMNS {
        write!(out, ",{name}_ns")?;
    }
    writeln!(out, ",max_ns")?;
    for log in logs {
        let file = field(&log.path.display().to_string());
        for series in &log.stages {
            write!(out, "{file},{},{}", field(&series.tag), series.total.count())?;
            for value in values(series) {
                write!(out, ",{value}")?;
            }
            writeln!(out)?;
        }
    }
    Ok(())
}

pub(super) fn to_json(logs: &[Log]) -> Value {
    logs.iter().map(log_json).collect()
}

fn log_json(log: &Log) -> Value {
    let stages: serde_json::Map<String, Value> = log
        .stages
        .iter()
        .map(|series| {
            let mut row = json!({ "count": series.total.count() });
            let names = COLUMNS.iter().map(|(_, name, _)| *name).chain(["max"]);
            for (name, value) in names.zip(values(series)) {
                row[name] = json!(value);
            }
            (series.tag.clone(), row)
        })
        .collect();
    json!({
        "file": log.path.display().to_string(), "start_ns": log.start.0, "seconds": log.seconds,
        "bad_lines": log.bad_count, "latency_ns": stages,
    })
}
