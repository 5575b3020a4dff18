//! Captures as a source: their UDP payloads, merged by time, each for the line it was recorded on.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::{CaptureReader, FrameError};
use tezi_feed_handler::wire::nse_mtbt::messages;

use super::report::SourceReport;
use super::{Datagram, DatagramSource};
use crate::error::Error;
use crate::feed::{check_captures, map_files};
use crate::mapped::MappedFile;

/// Datagrams looked at beforehand to find the lines.
const SCAN_MAX: usize = 1_000_000;
/// Where the groups of datagrams that are no MTBT are kept, behind those of the 256 streams.
const NO_STREAM: usize = 256;

/// Captures, opened.
pub struct Captures {
    paths: Vec<PathBuf>,
    files: Vec<MappedFile>,
}

impl Captures {
    /// Opens captures: pcap or pcapng, plain, gzip or zstd. Several (one a line, say) are merged by
    /// the time of their packets.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when one cannot be read, [`Error::Capture`] when one is no capture.
    pub fn open(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Self, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
        let files = map_files(&paths)?;
        check_captures(&paths, &files)?;
        Ok(Self { paths, files })
    }

    /// The datagrams of the groups named, one for both lines or two for A and B. Without a name the
    /// lines are found: of each stream of MTBT, and of all other datagrams together, the first group
    /// seen is line A's and the second line B's, and what has one group only is for both lines.
    #[must_use]
    pub fn datagrams(&self, from: &[SocketAddrV4]) -> CaptureDatagrams<'_> {
        let lines = match *from {
            [both] => LineMap::Named(both, None),
            [a, b, ..] => LineMap::Named(a, Some(b)),
            [] => LineMap::Found(self.scan()),
        };
        let mut datagrams = CaptureDatagrams {
            merged: Merged::new(self),
            lines,
            line: None,
            foreign: 0,
            notes: Vec::new(),
        };
        datagrams.notes = datagrams.lines.notes();
        datagrams
    }

    /// The first two groups of each stream.
    fn scan(&self) -> Vec<[Option<SocketAddrV4>; 2]> {
        let mut groups = vec![[None; 2]; NO_STREAM + 1];
        let mut merged = Merged::new(self);
        for _ in 0..SCAN_MAX {
            if !merged.advance() {
                break;
            }
            let Some((payload, group)) = merged.payload() else { break };
            let [a, b] = &mut groups[key(payload)];
            if *a.get_or_insert(group) != group {
                b.get_or_insert(group);
            }
        }
        groups
    }
}

/// The stream of a datagram of MTBT (6.7, chapter 3: the third byte), or that it is none.
fn key(payload: &[u8]) -> usize {
    match (messages(payload).next(), payload.get(2)) {
        (Some(Ok(_)), Some(&stream)) => usize::from(stream),
        _ => NO_STREAM,
    }
}

/// Which line a datagram belongs to.
enum LineMap {
    /// These groups; one alone is for both lines.
    Named(SocketAddrV4, Option<SocketAddrV4>),
    /// By stream, the groups found.
    Found(Vec<[Option<SocketAddrV4>; 2]>),
}

impl LineMap {
    /// The line, or both; `None` for neither.
    fn place(&self, payload: &[u8], group: SocketAddrV4) -> Option<Option<Line>> {
        let (a, b) = match self {
            Self::Named(a, b) => (*a, *b),
            Self::Found(groups) => match groups[key(payload)] {
                [Some(a), b] => (a, b),
                // Of a stream that begins after the scan.
                [None, _] => return Some(None),
            },
        };
        match b {
            None => (a == group).then_some(None),
            Some(_) if a == group => Some(Some(Line::A)),
            Some(b) => (b == group).then_some(Some(Line::B)),
        }
    }

    /// What was found, in a sentence.
    fn notes(&self) -> Vec<String> {
        let Self::Found(groups) = self else { return Vec::new() };
        let of = |line: Line| -> Vec<String> {
            let mut found: Vec<_> = groups.iter().filter_map(|it| it[line.index()]).collect();
            found.sort_unstable();
            found.dedup();
            found.iter().map(ToString::to_string).collect()
        };
        let (a, b) = (of(Line::A), of(Line::B));
        match (a.is_empty(), b.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => vec![format!("one line, {}: sent on both", a.join(" "))],
            (false, false) => vec![format!("line A is {}, line B {}", a.join(" "), b.join(" "))],
        }
    }
}

/// The datagrams of [`Captures`].
pub struct CaptureDatagrams<'a> {
    merged: Merged<'a>,
    lines: LineMap,
    /// Of the current datagram.
    line: Option<Line>,
    foreign: u64,
    notes: Vec<String>,
}

impl DatagramSource for CaptureDatagrams<'_> {
    fn advance(&mut self) -> bool {
        while self.merged.advance() {
            let Some((payload, group)) = self.merged.payload() else { return false };
            if let Some(line) = self.lines.place(payload, group) {
                self.line = line;
                return true;
            }
            self.foreign += 1;
        }
        false
    }

    fn current(&self) -> Option<Datagram<'_>> {
        let packet = self.merged.readers[self.merged.current?].current()?;
        Some(Datagram { time: packet.time, line: self.line, payload: packet.packet.payload })
    }

    fn rewind(&mut self) {
        self.merged = Merged::new(self.merged.captures);
        self.foreign = 0;
    }

    fn report(&self) -> SourceReport {
        let of = |reason: FrameError| -> u64 {
            let counters = self.merged.readers.iter().map(CaptureReader::counters);
            counters.map(|counters| counters.skipped[reason as usize]).sum()
        };
        let counts = FrameError::ALL.iter().map(|&reason| (reason.name(), of(reason)));
        SourceReport {
            foreign: self.foreign,
            skipped: counts.filter(|&(_, count)| count > 0).collect(),
            faults: self.merged.faults.clone(),
            notes: self.notes.clone(),
        }
    }
}

/// Several captures walked as one, in order of time.
struct Merged<'a> {
    captures: &'a Captures,
    readers: Vec<CaptureReader<'a>>,
    /// The reader whose datagram is current.
    current: Option<usize>,
    is_started: bool,
    /// What ended a file early.
    faults: Vec<String>,
}

impl<'a> Merged<'a> {
    fn new(captures: &'a Captures) -> Self {
        let readers = captures.files.iter().map(|file| CaptureReader::new(file.bytes()));
        // Each was opened once before, so none is left out here.
        let readers = readers.filter_map(Result::ok).collect();
        Self { captures, readers, current: None, is_started: false, faults: Vec::new() }
    }

    fn advance(&mut self) -> bool {
        if !self.is_started {
            self.is_started = true;
            (0..self.readers.len()).for_each(|index| self.advance_reader(index));
        } else if let Some(index) = self.current {
            self.advance_reader(index);
        }
        let times = self.readers.iter().enumerate();
        let times = times.filter_map(|(index, reader)| Some((reader.current()?.time, index)));
        self.current = times.min().map(|(_, index)| index);
        self.current.is_some()
    }

    /// Reads on; what ends the file early is noted, and everything before it kept.
    fn advance_reader(&mut self, index: usize) {
        if let Err(error) = self.readers[index].advance() {
            self.faults.push(format!("{}: {error}", self.captures.paths[index].display()));
        }
    }

    fn payload(&self) -> Option<(&[u8], SocketAddrV4)> {
        let packet = self.readers[self.current?].current()?.packet;
        Some((packet.payload, packet.destination))
    }
}
