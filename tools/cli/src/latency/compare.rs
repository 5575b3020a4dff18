//! Two logs side by side: medians and 99th percentiles with confidence intervals, and a verdict.
//!
//! The intervals are of a bootstrap over blocks of time (Efron 1979; blocks: Künsch 1989): blocks are
//! drawn with replacement, as many as there are, put together, and the percentile taken of that; a
//! thousand times, from a fixed seed. Latencies close in time resemble each other, and a block keeps
//! them together, where an interval from the count of values alone would be far too narrow. Of the
//! thousand the middle 99 % are told, so that with a dozen stages a false verdict is rare.
//!
//! What is compared is these two runs. How much two runs of the same program differ only more runs
//! show.

use std::io::{self, Write};

use serde_json::{Value, json};
use tezi::latency::rank;

use super::series::{Log, Series};
use super::show::{about, field};
use crate::text::grouped;

/// Draws of a bootstrap.
const DRAWS: usize = 1_000;
/// Of the draws, left out at each end: 0.5 %.
const LEFT_OUT: usize = DRAWS / 200;
/// Fewer blocks say nothing about how much they differ.
const BLOCKS_MIN: usize = 8;
/// What the buckets of a histogram of two digits do not tell apart.
const RESOLUTION: f64 = 0.01;
const SEED: u64 = 1;
/// What is compared: name and quantile.
const MEASURES: [(&str, f64); 2] = [("p50", 0.5), ("p99", 0.99)];

/// What a comparison shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Faster,
    Slower,
    /// The interval contains no change, or the change is below the resolution.
    NoDifference,
    /// One of the logs has fewer than [`BLOCKS_MIN`] intervals of it.
    TooShort,
}

impl Shown {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Faster => "faster",
            Self::Slower => "slower",
            Self::NoDifference => "no difference shown",
            Self::TooShort => "too few intervals",
        }
    }
}

/// A value and the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// One percentile of one stage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) measure: &'static str,
    /// In ns.
    pub(super) before: Estimate,
    pub(super) after: Estimate,
    /// As a part of what it was before.
    pub(super) change: Estimate,
    pub(super) shown: Shown,
}

impl Row {
    pub(super) fn is_slower(&self) -> bool {
        self.shown == Shown::Slower
    }

    /// Percentile, both values with their intervals, and the change with its own.
    pub(super) fn texts(&self) -> [String; 4] {
        let ns = |it: Estimate| {
            let [value, low, high] = [it.value, it.low, it.high].map(|ns| grouped(ns as u64));
            format!("{value} ({low} to {high})")
        };
        let Estimate { value, low, high } = self.change;
        let [value, low, high] = [value, low, high].map(|part| 100.0 * part);
        let change = format!("{value:+.1} % ({low:+.1} to {high:+.1})");
        [self.measure.to_owned(), ns(self.before), ns(self.after), change]
    }
}

/// Compares every stage that both logs have.
pub(super) fn compare(before: &Log, after: &Log) -> Vec<Row> {
    let both = before.stages.iter().filter_map(|one| Some((one, after.stage(&one.tag)?)));
    both.flat_map(|(before, after)| rows(before, after)).collect()
}

fn rows(before: &Series, after: &Series) -> Vec<Row> {
    let mut random = SplitMix64(SEED);
    let draws = [before, after].map(|series| draw(series, &mut random));
    let is_short = before.blocks.len().min(after.blocks.len()) < BLOCKS_MIN;
    let row = |(place, (measure, quantile)): (usize, (&'static str, f64))| {
        let of = |side: usize| draws[side].iter().map(move |values| values[place]);
        let estimate = |series: &Series, side| {
            interval(series.total.quantile(quantile) as f64, of(side).map(|ns| ns as f64))
        };
        let (one, other) = (estimate(before, 0), estimate(after, 1));
        let part = |before: f64, after: f64| (after - before) / before.max(1.0);
        let parts = of(0).zip(of(1)).map(|(one, other)| part(one as f64, other as f64));
        let change = interval(part(one.value, other.value), parts);
        let shown = match change {
            _ if is_short => Shown::TooShort,
            Estimate { value, high, .. } if high < 0.0 && value < -RESOLUTION => Shown::Faster,
            Estimate { value, low, .. } if low > 0.0 && value > RESOLUTION => Shown::Slower,
            _ => Shown::NoDifference,
        };
        let (tag, title) = (before.tag.clone(), before.title().to_owned());
        Row { tag, title, measure, before: one, after: other, change, shown }
    };
    MEASURES.into_iter().enumerate().map(row).collect()
}

/// The middle of the draws, around the value itself.
fn interval(value: f64, draws: impl Iterator<Item = f64>) -> Estimate {
    let mut draws: Vec<f64> = draws.collect();
    draws.sort_by(f64::total_cmp);
    let end = |place: usize| draws.get(place).copied().unwrap_or(value);
    let high = draws.len().saturating_sub(1 + LEFT_OUT);
    Estimate { value, low: end(LEFT_OUT).min(value), high: end(high).max(value) }
}

/// The measures of each draw.
fn draw(series: &Series, random: &mut SplitMix64) -> Vec<[u64; MEASURES.len()]> {
    let values = series.total.values();
    let place = |value: u64| values.partition_point(|(known, _)| *known < value);
    let blocks: Vec<Vec<(usize, u64)>> = series
        .blocks
        .iter()
        .map(|block| {
            let counts = block.distribution.values().iter();
            counts.map(|(value, count)| (place(*value), *count)).collect()
        })
        .collect();
    let mut times = vec![0_u64; blocks.len()];
    let mut counts = vec![0_u64; values.len()];
    (0..DRAWS)
        .map(|_| {
            times.fill(0);
            counts.fill(0);
            (0..blocks.len()).for_each(|_| times[random.below(blocks.len())] += 1);
            for (block, times) in blocks.iter().zip(&times).filter(|(_, times)| **times > 0) {
                for (place, count) in block {
                    let more = count.saturating_mul(*times);
                    counts[*place] = counts[*place].saturating_add(more);
                }
            }
            let total = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
            MEASURES.map(|(_, quantile)| {
                let (wanted, mut seen) = (rank(total, quantile), 0_u64);
                let found = counts.iter().position(|count| {
                    seen = seen.saturating_add(*count);
                    seen >= wanted
                });
                found.and_then(|place| values.get(place)).map_or(0, |(value, _)| *value)
            })
        })
        .collect()
}

/// Steele, Lea and Flood 2014.
struct SplitMix64(u64);

impl SplitMix64 {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        let word = word ^ word >> 31;
        // The upper half of the product: no remainder, no bias that a few blocks could show.
        ((u128::from(word) * limit as u128) >> 64) as usize
    }
}

pub(super) fn write_table(out: &mut dyn Write, rows: &[Row], logs: &[Log]) -> io::Result<()> {
    for (name, log) in ["before", "after "].iter().zip(logs) {
        writeln!(out, "{name}  {}", about(log))?;
    }
    writeln!(out, "\nWith 99 % intervals of a bootstrap over blocks of intervals:\n")?;
    let head = ["stage", "", "before", "after", "change", "shown"].map(str::to_owned);
    let body = rows.iter().map(|row| {
        let [measure, before, after, change] = row.texts();
        [row.title.clone(), measure, before, after, change, row.shown.text().to_owned()]
    });
    let lines: Vec<[String; 6]> = [head].into_iter().chain(body).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    if rows.is_empty() {
        writeln!(out, "  the logs have no stage in common")?;
    }
    Ok(())
}

pub(super) fn write_csv(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    let names = ["before_ns", "after_ns", "change"];
    let names = names.map(|name| format!("{name},{name}_low,{name}_high")).join(",");
    writeln!(out, "stage,measure,{names},shown")?;
    for row in rows {
        write!(out, "{},{}", field(&row.tag), row.measure)?;
        for Estimate { value, low, high } in [row.before, row.after, row.change] {
            write!(out, ",{value},{low},{high}")?;
        }
        writeln!(out, ",{}", row.shown.text())?;
    }
    Ok(())
}

pub(super) fn to_json(rows: &[Row]) -> Value {
    let estimate = |it: Estimate| json!({ "value": it.value, "low": it.low, "high": it.high });
    rows.iter()
        .map(|row| {
            json!({
                "stage": row.tag, "measure": row.measure, "before_ns": estimate(row.before),
                "after_ns": estimate(row.after), "change": estimate(row.change),
                "shown": row.shown.text(),
            })
        })
        .collect()
}
