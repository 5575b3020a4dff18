//! Logs made here, shown and compared.

use std::path::PathBuf;

use tezi::PathStage;
use tezi::latency::LatencyHistogram;
use tezi::latency::log::LogWriter;
use tezi::model::Nanos;

use super::compare::{Shown, compare};
use super::series::{BLOCKS_MAX, Log, Window};
use super::time_plot::over_time;
use super::{html, plot, show};

const START: Nanos = Nanos(1_795_406_400_000_000_000);

/// A file that is gone when the test ends.
struct Scratch(PathBuf);

impl Scratch {
    /// A log of a second's intervals: the ring's latencies in each, and one of the book's.
    fn log(name: &str, seconds: u32, ring: impl Fn(u32) -> Vec<u64>) -> Self {
        let path = std::env::temp_dir().join(format!("tezi-{}-{name}.hlog", std::process::id()));
        let mut bytes = Vec::new();
        let mut log = LogWriter::new(&mut bytes, START, "a test").unwrap();
        for second in 0..seconds {
            let at = |second: u32| START.plus(i64::from(second) * 1_000_000_000);
            let histogram = |values: Vec<u64>| {
                let mut histogram = LatencyHistogram::new();
                values.into_iter().for_each(|ns| histogram.record(ns));
                histogram
            };
            let (from, to) = (at(second), at(second + 1));
            log.write(PathStage::Ring, from, to, &histogram(ring(second))).unwrap();
            log.write(PathStage::Book, from, to, &histogram(vec![50])).unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn read(&self, window: Window) -> Log {
        Log::read(&self.0, window, &[]).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A hundred values around `middle`, not the same in every second.
fn around(middle: u64, second: u32) -> Vec<u64> {
    let shift = u64::from(second * 7 % 11);
    (0..100).map(|step| middle + step * middle / 100 + shift * middle / 50).collect()
}

#[test]
fn a_long_log_is_kept_whole_in_few_blocks() {
    let seconds = 3 * BLOCKS_MAX as u32 + 5;
    let file = Scratch::log("long", seconds, |second| vec![u64::from(second) + 1; 3]);
    let log = file.read(Window::default());
    let ring = log.stage("ring").unwrap();
    assert_eq!(ring.total.count(), 3 * u64::from(seconds));
    assert_eq!(ring.intervals_per_block(), 4);
    assert!(ring.blocks.len() <= BLOCKS_MAX && ring.blocks.len() > BLOCKS_MAX / 2);
    let in_blocks: u64 = ring.blocks.iter().map(|block| block.distribution.count()).sum();
    assert_eq!(in_blocks, ring.total.count());
    assert!(ring.blocks.windows(2).all(|it| it[1].start - it[0].start == 4.0));
    assert_eq!(log.seconds, f64::from(seconds));
    let svg = over_time(ring, log.seconds);
    assert_eq!(svg.matches("<polyline").count(), 3);
    assert!(svg.contains("by 4 intervals") && svg.contains(">200 s<"));
}

#[test]
fn a_window_takes_what_begins_in_it() {
    let file = Scratch::log("window", 10, |second| vec![u64::from(second) + 1]);
    let log = file.read(Window { from: Some(2.0), to: Some(5.0) });
    let values = log.stage("ring").unwrap().total.values().to_vec();
    assert_eq!(values, [(3, 1), (4, 1), (5, 1)]);
    let only = Log::read(&file.0, Window::default(), &["book".into()]).unwrap();
    assert_eq!(only.stages.len(), 1);
}

#[test]
fn a_difference_is_shown_where_there_is_one_and_only_there() {
    let before = Scratch::log("before", 40, |second| around(1_000, second));
    let logs = |name, middle: u64, seconds| {
        let after = Scratch::log(name, seconds, move |second| around(middle, second + 3));
        compare(&before.read(Window::default()), &after.read(Window::default()))
    };
    let shown = |rows: &[super::compare::Row]| -> Vec<Shown> {
        rows.iter().filter(|row| row.tag == "ring").map(|row| row.shown).collect()
    };
    assert_eq!(shown(&logs("slower", 1_300, 40)), [Shown::Slower; 2]);
    assert_eq!(shown(&logs("faster", 700, 40)), [Shown::Faster; 2]);
    assert_eq!(shown(&logs("same", 1_000, 40)), [Shown::NoDifference; 2]);
    assert_eq!(shown(&logs("short", 1_300, 7)), [Shown::TooShort; 2]);
    let rows = logs("again", 1_300, 40);
    for row in &rows {
        let estimates = [row.before, row.after, row.change];
        assert!(estimates.iter().all(|it| it.low <= it.value && it.value <= it.high));
    }
    // The book is the same in both, and the draws are the same each time.
    assert!(rows.iter().filter(|row| row.tag == "book").all(|row| row.change.value == 0.0));
    assert_eq!(rows, logs("again", 1_300, 40));
}

#[test]
fn a_spread_between_intervals_widens_the_interval() {
    // Half of the seconds are twice as slow: the median of a run of forty is uncertain.
    let rough = |second: u32| around(if second.is_multiple_of(2) { 1_000 } else { 2_000 }, second);
    let (one, other) = (
        Scratch::log("rough", 40, rough),
        Scratch::log("even", 40, |second| around(1_400, second)),
    );
    let rows = compare(&one.read(Window::default()), &other.read(Window::default()));
    let width = |it: super::compare::Estimate| (it.high - it.low) / it.value;
    assert!(width(rows[0].before) > 3.0 * width(rows[0].after), "{:?}", rows[0]);
}

#[test]
fn a_page_has_everything_and_asks_for_nothing() {
    let file = Scratch::log("page", 12, |second| around(1_000, second));
    let logs = [file.read(Window::default()), file.read(Window::default())];
    let rows = compare(&logs[0], &logs[1]);
    let page = html::page(&logs, Some(&rows));
    assert_eq!(page.matches("<svg").count(), 1 + 2 * 2);
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert_eq!(page.matches("<table").count(), 3);
    let links = ["src=", "href=", "@import", "url("];
    assert!(links.iter().all(|link| !page.contains(link)));
    assert!(plot(&logs[..1]).contains(">packet to core<"));
}

#[test]
fn tables_and_csv_have_a_row_for_each_stage() {
    let file = Scratch::log("table", 3, |_| (1..=100).collect());
    let log = file.read(Window::default());
    let mut table = Vec::new();
    show::write_tables(&mut table, std::slice::from_ref(&log)).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(
        table.lines().any(|line| line.starts_with("  packet to core") && line.contains(" 300 "))
    );
    let mut csv = Vec::new();
    show::write_csv(&mut csv, std::slice::from_ref(&log)).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    let row = csv.lines().nth(1).unwrap();
    assert!(row.ends_with(",ring,300,50,90,99,100,100,100"), "{row}");
    assert_eq!(show::to_json(&[log])[0]["latency_ns"]["ring"]["p99"], 99);
}
