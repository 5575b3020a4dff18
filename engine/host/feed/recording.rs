//! Reading recorded order-by-order data that is no capture: Databento DBN and raw ITCH files.
//!
//! A recording has one line and nothing to arbitrate: its messages are decoded in order and go on as
//! they are.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tezi_feed_handler::wire::dbn::{self, Metadata, Record, RecordError, Records};
use tezi_feed_handler::wire::itch::{self, FileReader, SessionDate};
use tezi_model::{Event, Instrument, Nanos, Segment};
use tezi_receive::{PacketSource, ReceiveError, Received, SourceCounters};

use super::capture_source::{Pace, UntilEnd};
use super::{Duties, EventSink, Feed, FeedReport, Silence};
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
        Protocol::Packets(_) => false,
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
pub(crate) fn run_recordings<O: EventSink>(
    feed: Feed<'_, O>,
    recordings: &[Recording<'_>],
    speed: Option<f64>,
    stop: &AtomicBool,
    duties: &mut impl Duties<NoPackets, O>,
) -> FeedReport {
    let mut faults = Vec::new();
    let (pace, tally) = (Pace::new(speed), Tally::default());
    let mut replay = Replay { feed, pace, tally, stop, duties };
    for recording in recordings {
        let fault = match &recording.form {
            Form::Dbn { metadata, bytes } => replay.run_dbn(segment_of(metadata), bytes),
            Form::Itch { date, bytes } => replay.run_itch(*date, bytes),
        };
        faults.extend(fault.map(|fault| format!("{}: {fault}", recording.path.display())));
    }
    let mut report = replay.feed.finish(replay.tally.last);
    replay.duties.on_end(&NoPackets, &replay.feed);
    report.recorded = Some(replay.tally.counts);
    report.faults.append(&mut faults);
    report
}

/// The source of packets of a recording: there are none.
pub(crate) struct NoPackets;

impl PacketSource for NoPackets {
    fn poll(
        &mut self,
        _max: usize,
        _sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        Ok(0)
    }

    fn wait(&mut self, _timeout: Duration) -> Result<(), ReceiveError> {
        Ok(())
    }

    fn counters(&self) -> SourceCounters {
        SourceCounters::default()
    }

    fn notes(&self) -> &[String] {
        &[]
    }
}

/// A recording is over at its end.
impl<O> Duties<NoPackets, O> for UntilEnd {
    fn is_over(&mut self, _source: &NoPackets, _silence: &Silence) -> bool {
        false
    }
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
    fn refuse(&mut self, reason: &'static str) {
        match self.counts.refused.iter_mut().find(|(name, _)| *name == reason) {
            Some((_, count)) => *count += 1,
            None => self.counts.refused.push((reason, 1)),
        }
    }
}

/// Recordings on their way into a feed.
struct Replay<'a, 'd, O, D> {
    feed: Feed<'a, O>,
    pace: Pace,
    tally: Tally,
    stop: &'a AtomicBool,
    duties: &'d mut D,
}

impl<O: EventSink, D: Duties<NoPackets, O>> Replay<'_, '_, O, D> {
    /// Events between two turns of the duties.
    const TURN: u64 = 64;

    /// Hands an event on at its time.
    fn deliver(&mut self, event: &Event) {
        self.tally.counts.events += 1;
        self.tally.last = self.tally.last.max(event.receive_time);
        self.pace.wait(event.receive_time, self.stop);
        self.feed.on_recorded(event);
        if self.tally.counts.events.is_multiple_of(Self::TURN) {
            self.duties.on_turn(&NoPackets, &mut self.feed);
            if self.feed.is_due(self.feed.raw()) {
                self.feed.publish(&SourceCounters::default(), 0);
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.feed.is_abandoned()
    }

    fn run_dbn(&mut self, segment: Segment, bytes: &[u8]) -> Option<String> {
        let records = match Records::open(bytes) {
            Ok((_, records)) => records,
            Err(error) => return Some(error.to_string()),
        };
        let mut decoder = dbn::Decoder::new(segment);
        for record in records {
            if self.is_stopped() {
                return None;
            }
            self.tally.counts.records += 1;
            let message = match record {
                Ok(Record::Mbo(message)) => message,
                Ok(Record::Other(_)) => {
                    self.tally.counts.other += 1;
                    continue;
                }
                Err(error) => return Some(error.to_string()),
            };
            if let Err(error) = decoder.on_record(message, |event| self.deliver(event)) {
                self.tally.refuse(RecordError::name(error));
            }
        }
        decoder.finish(|event| self.deliver(event));
        None
    }

    fn run_itch(&mut self, date: SessionDate, bytes: &[u8]) -> Option<String> {
        let mut decoder = itch::Decoder::new(date, 1);
        for message in FileReader::new(bytes) {
            if self.is_stopped() {
                return None;
            }
            self.tally.counts.records += 1;
            let message = match message {
                Ok(message) => message,
                Err(error) => return Some(error.to_string()),
            };
            match decoder.on_message(message.bytes, message.index + 1, Nanos::ZERO, 0) {
                Ok(Some(event)) => self.deliver(&event),
                Ok(None) => self.tally.counts.other += 1,
                Err(error) => self.tally.refuse(error.name()),
            }
        }
        None
    }
}
