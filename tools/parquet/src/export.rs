//! The export: reads a journal once, behind damage too, and hands each record to the tables it is of.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use parquet::file::metadata::KeyValue;
use tezi::journal::{Damage, End, FINDINGS_MAX, JournalReader, Record};
use tezi::model::{IST_OFFSET_NS, Nanos};
use tezi::{Emitted, Entry, Output};

use crate::error::ExportError;
use crate::names::Names;
use crate::output::Outputs;
use crate::report::ExportReport;
use crate::tables::Table;

/// Records between two looks at the progress.
const PROGRESS_RECORDS: u64 = 1 << 16;

/// How the pages of a file are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, level 1.
    #[default]
    Zstd,
    /// Snappy: larger, for readers that have no Zstandard.
    Snappy,
    /// Not at all.
    None,
}

/// Bounds of a row group, and so of the memory a file takes while it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowGroups {
    /// Rows, never exceeded.
    pub rows_max: usize,
    /// Encoded bytes; exceeded by what one batch of rows brings beyond the estimate.
    pub bytes_max: usize,
}

impl Default for RowGroups {
    fn default() -> Self {
        Self { rows_max: 1 << 20, bytes_max: 64 << 20 }
    }
}

/// Which records become rows. The others are read all the same, for the names they tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first sequence.
    pub from: u64,
    /// The last sequence; the journal is not read beyond it.
    pub to: u64,
    /// The earliest time of day in India, nanoseconds since midnight.
    pub after: Option<i64>,
    /// The latest time of day in India.
    pub before: Option<i64>,
}

impl Default for Range {
    fn default() -> Self {
        Self { from: 0, to: u64::MAX, after: None, before: None }
    }
}

impl Range {
    fn holds(&self, sequence: u64, time: Nanos) -> bool {
        const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;
        if sequence < self.from || self.to < sequence {
            return false;
        }
        let time = time.plus(IST_OFFSET_NS).0.rem_euclid(NANOS_PER_DAY);
        self.after.is_none_or(|after| after <= time)
            && self.before.is_none_or(|before| time <= before)
    }
}

/// What is exported, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// The files to write.
    pub tables: Vec<Table>,
    /// Which records.
    pub range: Range,
    /// Whether `records` has the payloads.
    pub payload: bool,
    /// How pages are compressed.
    pub compression: Compression,
    /// Bounds of row groups.
    pub row_groups: RowGroups,
    /// Whether files that are there already are replaced.
    pub force: bool,
}

impl Default for ExportOptions {
    fn default() -> Self {
        Self {
            tables: Table::ALL.to_vec(),
            range: Range::default(),
            payload: false,
            compression: Compression::default(),
            row_groups: RowGroups::default(),
            force: false,
        }
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records read.
    pub records: u64,
    /// Bytes of them in the journal.
    pub bytes: u64,
    /// Bytes of all segment files; 0 when that is not known.
    pub bytes_total: u64,
}

/// Writes a journal, or one segment file of it, as Parquet files into a directory, which is made.
///
/// Reads on behind damage: what was lost is in the report, and the files have the rest. `progress` is
/// called every 65,536 records and may end the export. Files get their names when all of them are whole;
/// none is there after an error.
///
/// Cost: memory for a row group and a few batches of each table, whatever the size of the journal;
/// a thread a table.
///
/// # Errors
///
/// [`ExportError::Exists`] when a file is there already and may not be replaced, before anything is
/// read; [`ExportError::Journal`] when the journal cannot be opened; the others as their names say.
///
/// # Examples
///
/// ```no_run
/// use std::ops::ControlFlow;
/// use std::path::Path;
/// use tezi_parquet::{ExportOptions, export};
///
/// let [journal, to] = ["day.journal", "day-parquet"].map(Path::new);
/// let report = export(journal, to, &ExportOptions::default(), |_| ControlFlow::Continue(()))?;
/// assert!(report.is_fine(), "{:?}", report.problems());
/// # Ok::<(), tezi_parquet::ExportError>(())
/// ```
pub fn export(
    journal: &Path,
    dir: &Path,
    options: &ExportOptions,
    progress: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<ExportReport, ExportError> {
    let mut reader = JournalReader::open(journal)?;
    let report = ExportReport {
        session_id: reader.session_id(),
        segments: reader.segments(),
        ..ExportReport::default()
    };
    let mut export = Export {
        options,
        outputs: Outputs::begin(dir, options)?,
        names: Names::new(),
        report,
        head: Head::default(),
        bytes: 0,
        bytes_total: bytes_of(journal),
        progress,
    };
    while export.read(&mut reader)?.is_continue() {
        if !reader.skip_damage() {
            break;
        }
    }
    let Export { outputs, names, mut report, head, .. } = export;
    report.orders_forgotten = names.forgotten();
    report.tables = outputs.finish(dir, options.force, |table| about(table, &report, &head))?;
    Ok(report)
}

/// An export under way.
struct Export<'a, P> {
    options: &'a ExportOptions,
    outputs: Outputs,
    names: Names,
    report: ExportReport,
    head: Head,
    bytes: u64,
    bytes_total: u64,
    progress: P,
}

/// What the journal says of itself, for the metadata of its files.
#[derive(Default)]
struct Head {
    /// The first record of the journal's, cut to what is reasonable: lines of `key value`.
    session: String,
    /// Numbers of the segments that were read.
    segments: Option<(u32, u32)>,
    /// First and last record of the range.
    sequences: Option<(u64, u64)>,
}

impl<P: FnMut(&Progress) -> ControlFlow<()>> Export<'_, P> {
    /// Reads up to the end, to damage, or to the end of the range, where it breaks.
    fn read(&mut self, reader: &mut JournalReader) -> Result<ControlFlow<()>, ExportError> {
        while let Some(record) = reader.next_record() {
            if self.options.range.to < record.sequence {
                self.report.stopped_early = true;
                return Ok(ControlFlow::Break(()));
            }
            self.on_record(&record)?;
            if self.report.records.is_multiple_of(PROGRESS_RECORDS) {
                let Self { report, bytes, bytes_total, .. } = self;
                let (records, bytes, bytes_total) = (report.records, *bytes, *bytes_total);
                let progress = Progress { records, bytes, bytes_total };
                if (self.progress)(&progress).is_break() {
                    return Err(ExportError::Interrupted);
                }
            }
        }
        match reader.end() {
            Some(End::Damage(damage)) => self.on_damage(damage),
            Some(End::TornTail(tail)) => self.report.torn_tail = Some(tail.clone()),
            Some(End::Clean) | None => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    fn on_damage(&mut self, damage: &Damage) {
        self.names.on_damage();
        self.report.damage_count += 1;
        match damage.records_lost {
            Some(records) => self.report.records_lost += records,
            None => self.report.losses_unknown += 1,
        }
        if self.report.damage.len() < FINDINGS_MAX {
            self.report.damage.push(damage.clone());
        }
    }

    fn on_record(&mut self, record: &Record<'_>) -> Result<(), ExportError> {
        if self.report.records == 0 && record.sequence != 1 {
            // A segment by itself, or a journal without its beginning: instruments have numbers of
            // which nothing is known.
            self.names.on_damage();
        }
        self.report.records += 1;
        self.report.payload_bytes += record.payload.len() as u64;
        self.bytes += tezi::journal::record_bytes(record.payload.len()) as u64;
        let is_in_range = self.options.range.holds(record.sequence, record.time);
        self.head.see(record, is_in_range);
        if is_in_range {
            self.outputs.record(record)?;
        }
        match Entry::read(record) {
            Ok(entry) => {
                self.names.learn(&entry);
                if let (Entry::Session(text), true) = (&entry, self.head.session.is_empty()) {
                    self.head.session = text.chars().take(Head::SESSION_CHARS_MAX).collect();
                }
                if let Entry::Unknown(_) = entry {
                    self.report.unknown += 1;
                }
                if is_in_range { self.write(record, &entry) } else { Ok(()) }
            }
            Err(what) => {
                self.report.unreadable += 1;
                self.report.unreadable_first.get_or_insert((record.sequence, what));
                Ok(())
            }
        }
    }

    /// Writes what a record says to the one table that is about it.
    #[inline]
    fn write(&mut self, record: &Record<'_>, entry: &Entry) -> Result<(), ExportError> {
        let Self { outputs, names, .. } = self;
        match entry {
            Entry::Event(event) => outputs.event(record, event, names),
            Entry::Instrument(instrument) => outputs.instrument(record, instrument, names),
            Entry::Report(report) => outputs.report(record, report, false, names),
            Entry::TradeCanceled(report) => outputs.trade_canceled(record, report, names),
            Entry::Output(Emitted { origin, output }) => match output {
                Output::Command(command) => outputs.command(record, *origin, command, names),
                Output::Refusal(refusal) => outputs.refusal(record, *origin, refusal, names),
                Output::Report(report) => outputs.report(record, report, true, names),
                Output::Kill
                | Output::Strategy(_)
                | Output::Account(_)
                | Output::RiskReduction(_)
                | Output::LimitUse(_) => outputs.control(record, entry, names),
                Output::Timer(_) | Output::Theoretical(_) => Ok(()),
            },
            Entry::Control(_)
            | Entry::OrderSession(_)
            | Entry::Start
            | Entry::Stop
            | Entry::Resume(_) => outputs.control(record, entry, names),
            Entry::Session(_)
            | Entry::Config(_)
            | Entry::Valuation(_)
            | Entry::Opening(_)
            | Entry::End(_)
            | Entry::Unknown(_) => Ok(()),
        }
    }
}

impl Head {
    const SESSION_CHARS_MAX: usize = 16_384;
    const VALUE_CHARS_MAX: usize = 1_024;

    #[inline]
    fn see(&mut self, record: &Record<'_>, is_in_range: bool) {
        let segment = record.segment;
        self.segments = Some((self.segments.map_or(segment, |(first, _)| first), segment));
        if is_in_range {
            let last = record.sequence;
            self.sequences = Some((self.sequences.map_or(last, |(first, _)| first), last));
        }
    }

    /// A line of the session's record.
    fn value(&self, key: &str) -> Option<String> {
        let mut lines = self.session.lines().filter_map(|line| line.split_once(' '));
        let (_, value) = lines.find(|(name, _)| *name == key)?;
        Some(value.chars().take(Self::VALUE_CHARS_MAX).collect())
    }
}

/// The metadata of a file: `docs/wire/parquet.md` has the list.
fn about(table: Table, report: &ExportReport, head: &Head) -> Vec<KeyValue> {
    let range = |(first, last): (u64, u64)| format!("{first}-{last}");
    let segments = head.segments.map(|(first, last)| (u64::from(first), u64::from(last)));
    let entries = [
        ("schema_version", Some(crate::SCHEMA_VERSION.to_string())),
        ("version", Some(env!("CARGO_PKG_VERSION").into())),
        ("table", Some(table.name().into())),
        ("session_id", Some(format!("{:016x}", report.session_id))),
        ("segments", segments.map(range)),
        ("sequences", head.sequences.map(range)),
        ("journal_end", Some(report.end().to_string())),
        ("damage_places", Some(report.damage_count.to_string())),
        ("records_lost", (report.losses_unknown == 0).then(|| report.records_lost.to_string())),
        ("engine", head.value("engine")),
        ("strategy", head.value("strategy")),
        ("parameters", head.value("parameters")),
    ];
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    entries.map(|(key, value)| KeyValue::new(format!("tezi.{key}"), value)).collect()
}

/// Bytes of the segment files, for the progress; 0 when they cannot be told.
fn bytes_of(journal: &Path) -> u64 {
    let size = |path: &Path| fs::metadata(path).map_or(0, |it| it.len());
    let Ok(entries) = fs::read_dir(journal) else { return size(journal) };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|it| it == "tzj")).map(|it| size(&it)).sum()
}
