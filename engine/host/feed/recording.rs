//! Reading recorded order-by-order data that is no capture: Databento DBN and raw ITCH files.
//!
//! A recording has one line and nothing to arbitrate: its messages are decoded in order and go into
//! the ring as they are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tezi_feed_handler::wire::dbn::{self, Metadata, Record, RecordError, Records};
use tezi_feed_handler::wire::itch::{self, FileReader, SessionDate};
use tezi_model::{Event, Instrument, Nanos, Segment};

use super::capture::Pace;
use super::{Feed, FeedReport};
use crate::error::Error;
use crate::mapped::MappedFile;
use crate::session::Protocol;

/// What a recording may unpack to: a day of one busy venue.
const SIZE_MAX: usize = 16 << 30;

/// One recording, opened.
pub(crate) struct Recording<'a> {
    path: &'a Path,
    form: Form<'a>,
}

enum Form<'a> {
    Dbn { metadata: Box<Metadata>, bytes: Cow<'a, [u8]> },
    Itch { date: SessionDate, bytes: &'a [u8] },
}

/// Opens the files as recordings; `None` when the protocol is one of packets, or is to be found out
/// and the first file is no recording.
pub(crate) fn recognise<'a>(
    protocol: Protocol,
    paths: &'a [PathBuf],
    files: &'a [MappedFile],
) -> Result<Option<Vec<Recording<'a>>>, Error> {
    let open = |(path, file): (&'a PathBuf, &'a MappedFile)| {
        let bytes = file.bytes();
        let form = match protocol {
            Protocol::Itch(date) => Form::Itch { date, bytes },
            _ => open_dbn(bytes)
                .map_err(|error| Error::Parameter(format!("{}: {error}", path.display())))?,
        };
        Ok(Recording { path, form })
    };
    let is_recording = match protocol {
        Protocol::Mtbt => false,
        Protocol::Dbn | Protocol::Itch(_) => true,
        Protocol::Auto => files.first().is_some_and(|file| is_dbn(file.bytes())),
    };
    if !is_recording {
        return Ok(None);
    }
    paths.iter().zip(files).map(open).collect::<Result<_, _>>().map(Some)
}

fn open_dbn(bytes: &[u8]) -> Result<Form<'_>, dbn::FileError> {
    let bytes = dbn::decompress(bytes, SIZE_MAX)?;
    let (metadata, _) = Metadata::parse(&bytes)?;
    Ok(Form::Dbn { metadata: Box::new(metadata), bytes })
}

/// Whether bytes are DBN, plain or compressed. A compressed capture is none.
fn is_dbn(bytes: &[u8]) -> bool {
    const ZSTD: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
    if bytes.starts_with(&ZSTD) {
        // A capture is recognised by its own reader, which unpacks a window and no more.
        return tezi_feed_handler::capture::CaptureReader::new(bytes).is_err();
    }
    bytes.starts_with(b"DBN")
}

impl Recording<'_> {
    /// The instruments it names.
    pub(crate) fn instruments(&self) -> Vec<Instrument> {
        match &self.form {
            Form::Dbn { metadata, .. } => metadata.instruments(segment_of(metadata)).collect(),
            Form::Itch { .. } => Vec::new(),
        }
    }
}

fn segment_of(metadata: &Metadata) -> Segment {
    // Data sets the model has no segment for are research all the same: kept apart from India's.
    metadata.segment().unwrap_or(Segment::CmeGlobex)
}

/// Replays recordings into the feed, one after the other.
pub(crate) fn run_recordings(
    mut feed: Feed<'_>,
    recordings: &[Recording<'_>],
    speed: Option<f64>,
    stop: &AtomicBool,
) -> FeedReport {
    let mut pace = Pace::new(speed);
    let mut faults = Vec::new();
    let mut tally = Tally::default();
    for recording in recordings {
        let fault = match &recording.form {
            Form::Dbn { metadata, bytes } => {
                run_dbn(&mut feed, segment_of(metadata), bytes, &mut pace, &mut tally, stop)
            }
            Form::Itch { date, bytes } => {
                run_itch(&mut feed, *date, bytes, &mut pace, &mut tally, stop)
            }
        };
        faults.extend(fault.map(|fault| format!("{}: {fault}", recording.path.display())));
    }
    let mut report = feed.finish(tally.last);
    report.recorded = Some(tally.counts);
    report.faults.append(&mut faults);
    report
}

/// What a replay of recordings counts.
#[derive(Clone, Debug, Default)]
pub struct RecordingCounts {
    /// Records or messages read.
    pub records: u64,
    /// Events they became.
    pub events: u64,
    /// Records of types that are no order-by-order data, passed over.
    pub other: u64,
    /// Records refused, by reason.
    pub refused: Vec<(&'static str, u64)>,
}

#[derive(Default)]
struct Tally {
    counts: RecordingCounts,
    last: Nanos,
}

impl Tally {
    /// Hands an event to the core at its time.
    fn deliver(&mut self, feed: &mut Feed<'_>, pace: &mut Pace, event: &Event, stop: &AtomicBool) {
        self.counts.events += 1;
        self.last = self.last.max(event.receive_time);
        pace.wait(event.receive_time, stop);
        feed.on_recorded(event);
    }

    fn refuse(&mut self, reason: &'static str) {
        match self.counts.refused.iter_mut().find(|(name, _)| *name == reason) {
            Some((_, count)) => *count += 1,
            None => self.counts.refused.push((reason, 1)),
        }
    }
}

fn run_dbn(
    feed: &mut Feed<'_>,
    segment: Segment,
    bytes: &[u8],
    pace: &mut Pace,
    tally: &mut Tally,
    stop: &AtomicBool,
) -> Option<String> {
    let records = match Records::open(bytes) {
        Ok((_, records)) => records,
        Err(error) => return Some(error.to_string()),
    };
    let mut decoder = dbn::Decoder::new(segment);
    for record in records {
        if stop.load(Ordering::Relaxed) || feed.is_abandoned() {
            return None;
        }
        tally.counts.records += 1;
        let message = match record {
            Ok(Record::Mbo(message)) => message,
            Ok(Record::Other(_)) => {
                tally.counts.other += 1;
                continue;
            }
            Err(error) => return Some(error.to_string()),
        };
        let decoded = decoder.on_record(message, |event| tally.deliver(feed, pace, event, stop));
        if let Err(error) = decoded {
            tally.refuse(RecordError::name(error));
        }
    }
    decoder.finish(|event| tally.deliver(feed, pace, event, stop));
    None
}

fn run_itch(
    feed: &mut Feed<'_>,
    date: SessionDate,
    bytes: &[u8],
    pace: &mut Pace,
    tally: &mut Tally,
    stop: &AtomicBool,
) -> Option<String> {
    let mut decoder = itch::Decoder::new(date, 1);
    for message in FileReader::new(bytes) {
        if stop.load(Ordering::Relaxed) || feed.is_abandoned() {
            return None;
        }
        tally.counts.records += 1;
        let message = match message {
            Ok(message) => message,
            Err(error) => return Some(error.to_string()),
        };
        match decoder.on_message(message.bytes, message.index + 1, Nanos::ZERO, 0) {
            Ok(Some(event)) => tally.deliver(feed, pace, &event, stop),
            Ok(None) => tally.counts.other += 1,
            Err(error) => tally.refuse(error.name()),
        }
    }
    None
}
