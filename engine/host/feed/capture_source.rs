//! Captures as a source of packets: several files merged by time, at a pace.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tezi_feed_handler::capture::{CaptureError, CaptureReader, CapturedUdp, FrameError};
use tezi_model::Nanos;
use tezi_receive::{GROUP_NONE, PacketSource, ReceiveError, Received, SourceCounters, Stamp};

use super::run::{Duties, Silence};
use super::{EventSink, FeedReport};
use crate::error::Error;
use crate::mapped::MappedFile;

/// One file; its reader holds its next datagram.
struct OpenCapture<'a> {
    path: &'a PathBuf,
    reader: CaptureReader<'a>,
}

impl OpenCapture<'_> {
    /// Reads on; what ends the file early is noted, and everything before it kept.
    fn advance(&mut self, faults: &mut Vec<String>) {
        if let Err(error) = self.reader.advance() {
            faults.push(format!("{}: {error}", self.path.display()));
        }
    }
}

/// Capture files in place of the wire.
pub(crate) struct CaptureSource<'a> {
    captures: Vec<OpenCapture<'a>>,
    pace: Pace,
    counters: SourceCounters,
    faults: Vec<String>,
    pub(crate) is_at_end: bool,
}

impl<'a> CaptureSource<'a> {
    /// Opens the files.
    pub(crate) fn open(
        paths: &'a [PathBuf],
        files: &'a [MappedFile],
        speed: Option<f64>,
    ) -> Result<Self, Error> {
        let mut faults = Vec::new();
        let open = |(path, file): (&'a PathBuf, &'a MappedFile)| {
            let failed = |source: CaptureError| Error::Capture { path: path.clone(), source };
            let reader = CaptureReader::new(file.bytes()).map_err(failed)?;
            let mut capture = OpenCapture { path, reader };
            capture.advance(&mut faults);
            Ok(capture)
        };
        let captures = paths.iter().zip(files).map(open).collect::<Result<_, Error>>()?;
        Ok(Self {
            captures,
            pace: Pace::new(speed),
            counters: SourceCounters::default(),
            faults,
            is_at_end: false,
        })
    }

    /// Enters what only the files can tell.
    pub(crate) fn add_to(&mut self, report: &mut FeedReport) {
        report.skipped_frames = self.skipped();
        report.faults.append(&mut self.faults);
    }

    fn skipped(&self) -> Vec<(FrameError, u64)> {
        let of = |reason: FrameError| -> u64 {
            self.captures.iter().map(|it| it.reader.counters().skipped[reason as usize]).sum()
        };
        let counts = FrameError::ALL.iter().map(|&reason| (reason, of(reason)));
        counts.filter(|&(_, count)| count > 0).collect()
    }

    /// The capture whose next datagram is the earliest, and its time; of equal times, the first.
    fn earliest(&self) -> Option<(usize, Nanos)> {
        let current = |(index, capture): (usize, &OpenCapture<'_>)| {
            Some((index, capture.reader.current()?.time))
        };
        let next = self.captures.iter().enumerate().filter_map(current);
        next.min_by_key(|&(index, time)| (time, index))
    }
}

/// Captures are over when every file has been read to its end.
pub(crate) struct UntilEnd;

impl<O: EventSink> Duties<CaptureSource<'_>, O> for UntilEnd {
    fn is_over(&mut self, source: &CaptureSource<'_>, _silence: &Silence) -> bool {
        source.is_at_end
    }
}

/// Maps the files; fails before anything is run when one cannot be read.
pub(crate) fn map_files(files: &[PathBuf]) -> Result<Vec<MappedFile>, Error> {
    let open = |path: &PathBuf| {
        let file = File::open(path).map_err(|source| Error::file("open", path, source))?;
        if file.metadata().is_ok_and(|it| it.is_dir()) {
            let source = io::ErrorKind::IsADirectory.into();
            return Err(Error::file("read", path, source));
        }
        MappedFile::new(&file).map_err(|source| Error::file("read", path, source))
    };
    files.iter().map(open).collect()
}

/// Refuses what is no capture, before anything is run.
pub(crate) fn check_captures(paths: &[PathBuf], files: &[MappedFile]) -> Result<(), Error> {
    paths.iter().zip(files).try_for_each(|(path, file)| {
        let capture = |source: CaptureError| Error::Capture { path: path.clone(), source };
        CaptureReader::new(file.bytes()).map(|_| ()).map_err(capture)
    })
}

impl PacketSource for CaptureSource<'_> {
    /// Hands on what is due: everything there is, without a pace.
    fn poll(
        &mut self,
        max: usize,
        sink: &mut impl FnMut(&Received<'_>),
    ) -> Result<usize, ReceiveError> {
        self.counters.polls += 1;
        for count in 0..max {
            let Some((index, time)) = self.earliest() else {
                self.is_at_end = true;
                return Ok(count);
            };
            if !self.pace.is_due(time) {
                return Ok(count);
            }
            let Self { captures, counters, faults, .. } = self;
            let capture = &mut captures[index];
            if let Some(CapturedUdp { packet, .. }) = capture.reader.current() {
                counters.datagrams += 1;
                counters.bytes += packet.payload.len() as u64;
                sink(&Received {
                    payload: packet.payload,
                    source: packet.source,
                    destination: packet.destination,
                    group: GROUP_NONE,
                    time,
                    stamp: Stamp::Capture,
                    is_truncated: false,
                });
            }
            capture.advance(faults);
        }
        Ok(max)
    }

    fn wait(&mut self, timeout: Duration) -> Result<(), ReceiveError> {
        if let Some((_, time)) = self.earliest() {
            std::thread::sleep(self.pace.until(time).min(timeout));
        }
        Ok(())
    }

    fn counters(&self) -> SourceCounters {
        self.counters
    }

    fn notes(&self) -> &[String] {
        &[]
    }
}

/// Keeps the recorded distances in time, divided by the speed.
pub(super) struct Pace {
    speed: Option<f64>,
    start: Option<(Instant, Nanos)>,
}

impl Pace {
    pub(super) const fn new(speed: Option<f64>) -> Self {
        Self { speed, start: None }
    }

    /// Whether what was recorded at `time` is to go now. The first asked for sets the start.
    #[inline]
    pub(super) fn is_due(&mut self, time: Nanos) -> bool {
        self.speed.is_none() || self.until(time).is_zero()
    }

    /// How long it is until `time` goes.
    pub(super) fn until(&mut self, time: Nanos) -> Duration {
        let Some(speed) = self.speed else { return Duration::ZERO };
        let (start, first) = *self.start.get_or_insert_with(|| (Instant::now(), time));
        let due = Duration::from_nanos((time.since(first).max(0) as f64 / speed) as u64);
        due.saturating_sub(start.elapsed())
    }

    /// Sleeps, and spins the last of it, until `time` goes or `stop` is set.
    pub(super) fn wait(&mut self, time: Nanos, stop: &AtomicBool) {
        loop {
            let left = self.until(time);
            if left.is_zero() || stop.load(Ordering::Relaxed) {
                return;
            }
            if left > Duration::from_micros(200) {
                // Wakes a little early and spins the rest.
                let early = left - Duration::from_micros(100);
                std::thread::sleep(early.min(Duration::from_millis(50)));
            } else {
                std::hint::spin_loop();
            }
        }
    }
}
