//! The way all formats share: unwrap, recognise, read line by line, count, and refuse by policy.

use tezi_model::{Nanos, Segment};

use super::kind::{FileKind, detect};
use super::record::{InstrumentRecord, SpreadRecord};
use super::report::{FaultReason, LineFault, LoadError, LoadReport, Policy};
use super::row::Row;
use super::unpack::unpack;
use super::{bhavcopy, broker_master, contract, mii, security, spread, stream_info};

/// How to load a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadOptions {
    /// The segment of a file that does not say its own: stream information, a broker's master.
    /// Others ignore it.
    pub segment: Option<Segment>,
    /// What to do with a line that is wrong.
    pub policy: Policy,
    /// Faults kept in the report of a lenient load. All are counted.
    pub faults_max: usize,
    /// Instruments and spreads a file may hold.
    pub records_max: usize,
    /// Bytes a wrapped file may unpack to.
    pub bytes_max: usize,
}

impl Default for LoadOptions {
    /// Strict, with bounds ten times the largest file of 2026.
    fn default() -> Self {
        Self {
            segment: None,
            policy: Policy::Strict,
            faults_max: 100,
            records_max: 2_000_000,
            bytes_max: 512 << 20,
        }
    }
}

impl LoadOptions {
    /// The default options for a file of `segment`.
    #[must_use]
    pub fn of_segment(segment: Segment) -> Self {
        Self { segment: Some(segment), ..Self::default() }
    }
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedFile {
    /// What kind of file it is.
    pub kind: FileKind,
    /// When the exchange made it, or the day it is of; zero when the file does not say.
    pub time: Nanos,
    /// The instruments, in the order of the file, no two with one key.
    pub instruments: Vec<InstrumentRecord>,
    /// The spreads, in the order of the file, no two with one key.
    pub spreads: Vec<SpreadRecord>,
    /// What became of the lines.
    pub report: LoadReport,
}

/// Loads a file of any kind, as downloaded: plain, gzip, or a zip of one file.
///
/// Cost: linear in the bytes, and a sort by token when the file is not in that order.
///
/// # Errors
///
/// A [`LoadError`]. With [`Policy::Lenient`] lines that are wrong are in the report instead.
pub fn load(bytes: &[u8], options: &LoadOptions) -> Result<LoadedFile, LoadError> {
    let text = unpack(bytes, options.bytes_max).map_err(LoadError::Unpack)?;
    load_text(&text, options)
}

pub(super) fn load_text(text: &[u8], options: &LoadOptions) -> Result<LoadedFile, LoadError> {
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
    let Some(kind) = detect(text) else {
        let start = &text[..text.len().min(40)];
        return Err(LoadError::UnknownKind(String::from_utf8_lossy(start).into()));
    };
    load_as(kind, text, options)
}

/// Loads a text known to be of a kind.
pub(super) fn load_as(
    kind: FileKind,
    text: &[u8],
    options: &LoadOptions,
) -> Result<LoadedFile, LoadError> {
    let mut loader = Loader::new(kind, text, options);
    match kind {
        FileKind::Contract => contract::read(&mut loader),
        FileKind::Security => security::read(&mut loader),
        FileKind::SpreadContract => spread::read(&mut loader),
        FileKind::MiiContract => mii::read_contracts(&mut loader),
        FileKind::MiiSecurity => mii::read_securities(&mut loader),
        FileKind::Bhavcopy => bhavcopy::read(&mut loader),
        FileKind::StreamInfo => stream_info::read(&mut loader),
        FileKind::BrokerMaster => broker_master::read(&mut loader),
    }?;
    loader.finish()
}

/// The lines that are not blank, with their numbers from 1, without line ends.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split(|&byte| byte == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.is_empty())
}

/// What a sound line stands for.
pub(super) enum Parsed {
    Instrument(InstrumentRecord),
    Spread(SpreadRecord),
    /// Nothing tradable.
    SetAside,
}

/// A file being read.
pub(super) struct Loader<'a> {
    text: &'a [u8],
    options: &'a LoadOptions,
    file: LoadedFile,
    /// The line of each instrument and of each spread, to name duplicates.
    instrument_lines: Vec<usize>,
    spread_lines: Vec<usize>,
}

impl<'a> Loader<'a> {
    fn new(kind: FileKind, text: &'a [u8], options: &'a LoadOptions) -> Self {
        let file = LoadedFile {
            kind,
            time: Nanos::ZERO,
            instruments: Vec::new(),
            spreads: Vec::new(),
            report: LoadReport::default(),
        };
        Self { text, options, file, instrument_lines: Vec::new(), spread_lines: Vec::new() }
    }

    /// The segment the caller says.
    pub(super) fn segment(&self) -> Option<Segment> {
        self.options.segment
    }

    /// Notes when the file was made.
    pub(super) fn set_time(&mut self, time: Nanos) {
        self.file.time = time;
    }

    /// Notes how many records the header promises.
    pub(super) fn set_declared(&mut self, count: u64) {
        self.file.report.declared = Some(usize::try_from(count).unwrap_or(usize::MAX));
    }

    /// The header, split. [`detect`] found one, so an empty row means an empty text.
    pub(super) fn header(&self, separator: u8) -> Row<'a> {
        let mut row = Row::default();
        if let Some((line, text)) = lines(self.text).next() {
            row.split(line, text, separator);
        }
        row
    }

    /// Reads every line after the header. A line of fewer than `fields_min` fields is refused
    /// before `parse` sees it.
    pub(super) fn read(
        &mut self,
        separator: u8,
        fields_min: usize,
        mut parse: impl FnMut(&Row<'a>) -> Result<Parsed, LineFault>,
    ) -> Result<(), LoadError> {
        let mut row = Row::default();
        for (line, text) in lines(self.text).skip(1) {
            row.split(line, text, separator);
            self.file.report.lines += 1;
            let parsed = row.at_least(fields_min).and_then(|()| parse(&row));
            self.take(line, parsed)?;
        }
        Ok(())
    }

    fn take(&mut self, line: usize, parsed: Result<Parsed, LineFault>) -> Result<(), LoadError> {
        let file = &mut self.file;
        match parsed {
            Ok(Parsed::Instrument(record)) => {
                file.report.loaded += 1;
                file.instruments.push(record);
                self.instrument_lines.push(line);
            }
            Ok(Parsed::Spread(record)) => {
                file.report.spreads += 1;
                file.spreads.push(record);
                self.spread_lines.push(line);
            }
            Ok(Parsed::SetAside) => file.report.set_aside += 1,
            Err(fault) => return self.refuse(fault),
        }
        let records_max = self.options.records_max;
        if file.instruments.len() > records_max || file.spreads.len() > records_max {
            return Err(LoadError::TooMany { records_max });
        }
        Ok(())
    }

    #[cold]
    fn refuse(&mut self, fault: LineFault) -> Result<(), LoadError> {
        if self.options.policy == Policy::Strict {
            return Err(LoadError::Line(fault));
        }
        let report = &mut self.file.report;
        report.skipped += 1;
        if report.faults.len() < self.options.faults_max {
            report.faults.push(fault);
        }
        Ok(())
    }

    /// Takes out what is there twice and checks the count.
    fn finish(mut self) -> Result<LoadedFile, LoadError> {
        let keys = self.file.instruments.iter().map(InstrumentRecord::key);
        let again = duplicates(keys.collect());
        for &index in &again {
            let token = self.file.instruments[index].instrument.token.to_string();
            self.refuse_duplicate(self.instrument_lines[index], &token)?;
            self.file.report.loaded -= 1;
        }
        remove(&mut self.file.instruments, &again);

        let again = duplicates(self.file.spreads.iter().map(SpreadRecord::key).collect());
        for &index in &again {
            let [near, far] = self.file.spreads[index].legs;
            let tokens = format!("{},{}", near.token, far.token);
            self.refuse_duplicate(self.spread_lines[index], &tokens)?;
            self.file.report.spreads -= 1;
        }
        remove(&mut self.file.spreads, &again);

        let report = &mut self.file.report;
        report.faults.sort_by_key(|fault| fault.line);
        debug_assert!(report.adds_up(), "every line is loaded, set aside or skipped");
        match report.declared {
            Some(declared) if !report.is_complete() && self.options.policy == Policy::Strict => {
                Err(LoadError::CountMismatch { declared, found: report.lines })
            }
            _ => Ok(self.file),
        }
    }

    fn refuse_duplicate(&mut self, line: usize, token: &str) -> Result<(), LoadError> {
        self.refuse(LineFault::new(line, "token", token.as_bytes(), FaultReason::Duplicate))
    }
}

/// The places of keys that stand earlier as well, ascending. The files are mostly in order, where
/// one pass is enough.
fn duplicates<K: Ord + Copy>(keys: Vec<K>) -> Vec<usize> {
    if keys.is_sorted_by(|a, b| a < b) {
        return Vec::new();
    }
    let mut places: Vec<(K, usize)> = keys.into_iter().zip(0..).collect();
    places.sort_unstable();
    let again = |pair: &[(K, usize)]| (pair[0].0 == pair[1].0).then_some(pair[1].1);
    let mut found: Vec<usize> = places.windows(2).filter_map(again).collect();
    found.sort_unstable();
    found
}

/// Removes the elements at `places`, which ascend.
fn remove<T>(from: &mut Vec<T>, places: &[usize]) {
    if places.is_empty() {
        return;
    }
    let (mut index, mut places) = (0, places.iter().copied().peekable());
    from.retain(|_| {
        let goes = places.next_if_eq(&index).is_some();
        index += 1;
        !goes
    });
}
