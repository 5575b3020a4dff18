//! HdrHistogram's interval log: one line for each stage and interval that had values.
//!
//! ```text
//! #[Histogram log format version 1.3]
//! #[StartTime: 1795406400.123 (seconds since epoch)]
//! #[BaseTime: 1795406400.123 (seconds since epoch)]
//! "StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"
//! Tag=ring,0.000,1.000,48639.000,HISTFAAAAE14nJNpmSzMwMDAwg...
//! ```
//!
//! Times are seconds, those of intervals behind the base time; values are nanoseconds, and the third
//! column their highest. Other tools read it: HdrHistogram's log analyzers and processors. The reader
//! here takes what they write too, with or without tags, and passes over lines it cannot read: each
//! with its number and the reason.

use std::fmt;
use std::io::{self, BufRead, Write};

use tezi_model::Nanos;

use super::codec::{self, CodecFault};
use super::distribution::Distribution;
use super::{LatencyHistogram, PathStage};

/// The longest line taken.
const LINE_SIZE_MAX: usize = 8 << 20;
/// The latest time taken, seconds: beyond it nanoseconds have no 64 bits.
const SECONDS_MAX: f64 = 9.2e9;

/// Writes intervals as they come.
#[derive(Debug)]
pub struct LogWriter<W> {
    out: W,
    base: Nanos,
    scratch: Vec<u8>,
    text: String,
}

impl<W: Write> LogWriter<W> {
    /// Begins a log; intervals are told from `start` on.
    ///
    /// # Errors
    ///
    /// Those of `out`, here and below.
    pub fn new(mut out: W, start: Nanos, about: &str) -> io::Result<Self> {
        let seconds = seconds(start);
        writeln!(out, "#[Histogram log format version 1.3]")?;
        for line in about.lines() {
            writeln!(out, "#{line}")?;
        }
        writeln!(out, "#[StartTime: {seconds:.3} (seconds since epoch)]")?;
        writeln!(out, "#[BaseTime: {seconds:.3} (seconds since epoch)]")?;
        let names = ["StartTimestamp", "Interval_Length", "Interval_Max"];
        let names = names.map(|name| format!("\"{name}\",")).concat();
        writeln!(out, "{names}\"Interval_Compressed_Histogram\"")?;
        // What the line says is what readers add to: to the millisecond.
        let base = Nanos(start.0 / 1_000_000 * 1_000_000);
        Ok(Self { out, base, scratch: Vec::new(), text: String::new() })
    }

    /// Writes what a stage came to from `start` to `end`; nothing when it has no values.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(
        &mut self,
        stage: PathStage,
        start: Nanos,
        end: Nanos,
        histogram: &LatencyHistogram,
    ) -> io::Result<()> {
        if histogram.count() == 0 {
            return Ok(());
        }
        self.text.clear();
        codec::encode(histogram, &mut self.scratch, &mut self.text);
        let (from, length) = (start.0 - self.base.0, (end.0 - start.0).max(0));
        writeln!(
            self.out,
            "Tag={},{:.3},{:.3},{:.3},{}",
            stage.name(),
            from as f64 / 1e9,
            length as f64 / 1e9,
            histogram.max() as f64,
            self.text
        )
    }

    /// Hands everything to the operating system.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn seconds(time: Nanos) -> f64 {
    // To the millisecond first: a double has no room for more behind seconds since 1970.
    (time.0 / 1_000_000) as f64 / 1e3
}

/// One interval of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogInterval {
    /// What it is of: the name of a [`PathStage`] in ours; empty without a tag.
    pub tag: String,
    /// When it began: UTC, or since an unknown beginning in a log that names no base and whose times
    /// are small.
    pub start: Nanos,
    /// How long it was, ns.
    pub length_ns: i64,
    /// What was counted.
    pub distribution: Distribution,
}

/// Why a line of a log was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFault {
    /// The line is longer than any histogram is, or no text.
    Line,
    /// Not the fields of an interval.
    Fields,
    /// A time that is no number, or none that can be.
    Time,
    /// The histogram.
    Histogram(CodecFault),
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line => "the line is too long or no text",
            Self::Fields => "the line is no interval of a histogram log",
            Self::Time => "the interval's times are no numbers",
            Self::Histogram(fault) => fault.message(),
        })
    }
}

/// A line passed over: its number, counted from 1, and why.
pub type BadLine = (u64, LogFault);

/// Reads a log to its end, handing over each interval in the order of the file.
///
/// # Errors
///
/// Those of `input`. Lines that cannot be read are counted and listed: the first of `bad_lines_max`.
pub fn read(
    mut input: impl BufRead,
    bad_lines_max: usize,
    mut each: impl FnMut(LogInterval),
) -> io::Result<(u64, Vec<BadLine>)> {
    let (mut bad, mut bad_count, mut base) = (Vec::new(), 0, 0.0);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let size = io::Read::take(&mut input, LINE_SIZE_MAX as u64).read_until(b'\n', &mut line)?;
        if size == 0 {
            break;
        }
        match read_line(&line, &mut base) {
            Ok(interval) => interval.into_iter().for_each(&mut each),
            Err(fault) => {
                bad_count += 1;
                if bad.len() < bad_lines_max {
                    bad.push((number, fault));
                }
            }
        }
        if size == LINE_SIZE_MAX {
            skip_line(&mut input)?;
        }
    }
    Ok((bad_count, bad))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        let is_over = end.is_some() || buffer.is_empty();
        input.consume(used);
        if is_over {
            return Ok(());
        }
    }
}

/// The interval of a line; `None` of a line that has none. A base time is remembered, in seconds.
fn read_line(line: &[u8], base: &mut f64) -> Result<Option<LogInterval>, LogFault> {
    let text = str::from_utf8(line).map_err(|_| LogFault::Line)?.trim_end();
    if let Some(comment) = text.strip_prefix('#') {
        if let Some(time) = comment.trim_start().strip_prefix("[BaseTime:") {
            let time = time.split_whitespace().next().ok_or(LogFault::Time)?;
            *base = read_seconds(time).ok_or(LogFault::Time)?;
        }
        return Ok(None);
    }
    if text.is_empty() || text.starts_with("\"StartTimestamp\"") {
        return Ok(None);
    }
    let (tag, rest) = match text.strip_prefix("Tag=") {
        Some(tagged) => tagged.split_once(',').ok_or(LogFault::Fields)?,
        None => ("", text),
    };
    let mut fields = rest.split(',');
    let mut field = || fields.next().ok_or(LogFault::Fields);
    let (start, length, _, histogram) = (field()?, field()?, field()?, field()?);
    let start = read_seconds(start).map(|start| start + *base).filter(|it| *it <= SECONDS_MAX);
    let (start, length) = start.zip(read_seconds(length)).ok_or(LogFault::Time)?;
    let distribution = codec::decode(histogram).map_err(LogFault::Histogram)?;
    // Whole milliseconds are what logs have: no error of a double remains.
    let start = Nanos((start * 1e3).round() as i64 * 1_000_000);
    let length_ns = (length * 1e9).round() as i64;
    Ok(Some(LogInterval { tag: tag.to_owned(), start, length_ns, distribution }))
}

fn read_seconds(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|seconds| (0.0..=SECONDS_MAX).contains(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = Nanos(1_795_406_400_123_456_789);

    fn histogram(values: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        values.into_iter().for_each(|ns| histogram.record(ns));
        histogram
    }

    fn sample() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut log = LogWriter::new(&mut bytes, START, "about\nthis").unwrap();
        let (from, to) = (START.plus(1_000_000_000), START.plus(2_000_000_000));
        log.write(PathStage::Ring, from, to, &histogram(1..1_000)).unwrap();
        log.write(PathStage::Book, from, to, &histogram([])).unwrap();
        log.write(PathStage::TickToOrder, from, to, &histogram([7])).unwrap();
        log.flush().unwrap();
        bytes
    }

    fn read_all(bytes: &[u8]) -> (Vec<LogInterval>, u64, Vec<BadLine>) {
        let mut intervals = Vec::new();
        let (count, bad) = read(bytes, 3, |interval| intervals.push(interval)).unwrap();
        (intervals, count, bad)
    }

    #[test]
    fn a_log_is_read_as_it_was_written() {
        let (intervals, bad, _) = read_all(&sample());
        assert_eq!((intervals.len(), bad), (2, 0));
        let ring = &intervals[0];
        assert_eq!(
            (&*ring.tag, ring.distribution.count(), ring.length_ns),
            ("ring", 999, 1_000_000_000)
        );
        assert!((ring.start.0 - START.0 - 1_000_000_000).abs() <= 2_000_000);
        assert_eq!((&*intervals[1].tag, intervals[1].distribution.max()), ("tick_to_order", 7));
    }

    /// The encoding is HdrHistogram's own: its port to Rust reads ours and we read what it writes.
    #[test]
    fn another_implementation_reads_it_and_is_read() {
        use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
        use hdrhistogram::serialization::{
            Deserializer, Serializer, V2DeflateSerializer, V2Serializer,
        };
        let bytes = sample();
        let entries: Vec<_> = IntervalLogIterator::new(&bytes).map(Result::unwrap).collect();
        let theirs: Vec<_> = entries
            .iter()
            .filter_map(|entry| match entry {
                LogEntry::Interval(interval) => Some(interval),
                _ => None,
            })
            .collect();
        assert_eq!(
            theirs.iter().map(|it| it.tag().unwrap().as_str()).collect::<Vec<_>>(),
            ["ring", "tick_to_order"]
        );
        for (it, values) in theirs.iter().zip([(1..1_000).collect::<Vec<u64>>(), vec![7]]) {
            let packed = tests_base64(it.encoded_histogram());
            let read: hdrhistogram::Histogram<u64> =
                Deserializer::new().deserialize(&mut &packed[..]).unwrap();
            assert_eq!(LatencyHistogram(read), histogram(values));
        }
        // Three digits and other bounds, compressed and not.
        let mut own =
            hdrhistogram::Histogram::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 3).unwrap();
        (1..5_000_u64).for_each(|value| own.record(value * value * 1_000).unwrap());
        for is_packed in [true, false] {
            let mut bytes = Vec::new();
            match is_packed {
                true => V2DeflateSerializer::new().serialize(&own, &mut bytes).unwrap(),
                false => V2Serializer::new().serialize(&own, &mut bytes).unwrap(),
            };
            let line = format!("1795406401.5,1.000,3.000,{}\r\n", base64_of(&bytes));
            let (intervals, bad, why) = read_all(line.as_bytes());
            assert_eq!((bad, &*why), (0, &[][..]));
            let read = &intervals[0].distribution;
            assert_eq!((read.count(), read.max()), (own.len(), own.max()));
            for quantile in [0.001, 0.5, 0.9, 0.99, 0.9999] {
                assert_eq!(read.quantile(quantile), own.value_at_quantile(quantile));
            }
            assert_eq!(
                (&*intervals[0].tag, intervals[0].start),
                ("", Nanos(1_795_406_401_500_000_000))
            );
        }
    }

    fn base64_of(bytes: &[u8]) -> String {
        let mut text = String::new();
        codec::write_base64(bytes, &mut text);
        text
    }

    fn tests_base64(text: &str) -> Vec<u8> {
        codec::read_base64(text).unwrap()
    }

    #[test]
    fn bad_lines_are_passed_over_by_number_and_reason() {
        let good = String::from_utf8(sample()).unwrap();
        let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
        let last = lines.len() - 1;
        let ring = lines[last - 1].clone();
        let cut = ring[..ring.len() - 40].to_owned();
        lines.splice(
            last..last,
            [
                "no log".into(),
                ring.replacen("1.0", "x", 1),
                ring.replace("HIST", "HIS!"),
                cut,
                ring.replacen("Tag=ring,", "Tag=ring,-", 1),
            ],
        );
        let (intervals, count, bad) = read_all(lines.join("\n").as_bytes());
        assert_eq!((intervals.len(), count), (2, 5));
        let first = last as u64 + 1;
        assert_eq!(bad[0], (first, LogFault::Fields));
        assert_eq!(bad[1], (first + 1, LogFault::Time));
        assert_eq!(bad[2], (first + 2, LogFault::Histogram(CodecFault::Base64)));
        assert_eq!(read_all(&[0xFF, b'\n']).2, [(1, LogFault::Line)]);
        let long = vec![b'a'; LINE_SIZE_MAX + 10];
        assert_eq!(read_all(&long).1, 1);
    }
}
