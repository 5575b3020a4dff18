//! One stage over time as an SVG: median, 99th percentile and maximum of each block of intervals.

use std::fmt::Write;

use super::series::{Block, Series};
use crate::percentile_plot::{
    BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, document_head, duration, legend, stroke,
};

/// The lines: name, and what it is of a block.
type Line = (&'static str, fn(&Block) -> u64);
const LINES: [Line; 3] = [
    ("p50", |block| block.distribution.quantile(0.5)),
    ("p99", |block| block.distribution.quantile(0.99)),
    ("max", |block| block.distribution.max()),
];
/// Marks on the axis of time, about.
const MARKS: f64 = 8.0;

/// A complete SVG document; `seconds` is where the axis of time ends.
pub(super) fn over_time(series: &Series, seconds: f64) -> String {
    let intervals = match series.intervals_per_block() {
        1 => "interval".to_owned(),
        many => format!("{many} intervals"),
    };
    let mut svg = document_head(&format!("{}, by {intervals}", series.title()));
    let blocks = &series.blocks;
    let begin = blocks.first().map_or(0.0, |block| block.start);
    let span = (seconds - begin).max(1e-3);
    let lowest = blocks.iter().map(LINES[0].1).min().unwrap_or(1).max(1).ilog10();
    let highest = blocks.iter().map(LINES[2].1).max().unwrap_or(1).max(1).ilog10() + 1;
    let x = |at: f64| LEFT + (WIDTH - LEFT - RIGHT) * (at - begin) / span;
    let y = |ns: u64| {
        let part = ((ns.max(1) as f64).log10() - f64::from(lowest)) / f64::from(highest - lowest);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    };
    for decade in lowest..=highest {
        let ns = 10_u64.saturating_pow(decade);
        let (at, right) = (y(ns), WIDTH - RIGHT);
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            duration(ns)
        );
    }
    for at in marks(begin, span) {
        let (x, below) = (x(at), HEIGHT - BOTTOM + 20.0);
        let _ =
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{at} s</text>");
    }
    for (place, (_, of)) in LINES.iter().enumerate() {
        let mut points = String::new();
        for block in blocks {
            let _ = write!(points, "{:.1},{:.1} ", x(block.start), y(of(block)));
        }
        let (points, style) = (points.trim_end(), stroke(place));
        let _ = writeln!(svg, "<polyline class=\"curve\" {style} points=\"{points}\"/>");
    }
    legend(&mut svg, &LINES.map(|(name, _)| name));
    svg.push_str("</svg>\n");
    svg
}

/// Round times within a span: steps of 1, 2 or 5 and zeros.
fn marks(begin: f64, span: f64) -> impl Iterator<Item = f64> {
    let rough = span / MARKS;
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|it| it * decade);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(decade);
    let first = (begin / step).ceil() as u64;
    let last = ((begin + span) / step).floor() as u64;
    // Steps below a second are shown to the digit they have.
    (first..=last).map(move |count| (count as f64 * step * 1e3).round() / 1e3)
}
