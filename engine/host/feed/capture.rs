//! Reading one or more captures as if they were the wire.

use std::fs::File;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::{CaptureError, CaptureReader, CapturedUdp, FrameError};
use tezi_feed_handler::wire::nse_mtbt::messages;
use tezi_model::Nanos;

use super::{Feed, FeedReport};
use crate::error::Error;
use crate::mapped::MappedFile;

/// Captures to read and how.
#[derive(Clone, Debug)]
pub(crate) struct CaptureOptions {
    /// The files; several are merged by time.
    pub(crate) files: Vec<PathBuf>,
    /// How much faster than recorded; `None` is as fast as it goes.
    pub(crate) speed: Option<f64>,
    /// The groups of lines A and B; `None` finds them: of each stream the first group seen is A.
    pub(crate) groups: Option<[SocketAddrV4; 2]>,
}

/// Which line a datagram belongs to.
enum Placed {
    On(Line),
    /// To neither of the groups asked for.
    Foreign,
    /// To a third group of its stream.
    Third,
}

/// Finds the line of a datagram by its stream and destination.
struct LineFinder {
    groups: Option<[SocketAddrV4; 2]>,
    /// By stream number: the groups seen, in order.
    seen: Box<[[Option<SocketAddrV4>; 2]; 256]>,
}

impl LineFinder {
    fn new(groups: Option<[SocketAddrV4; 2]>) -> Self {
        Self { groups, seen: Box::new([[None; 2]; 256]) }
    }

    fn place(&mut self, payload: &[u8], destination: SocketAddrV4) -> Placed {
        if let Some(groups) = self.groups {
            let line = Line::BOTH.into_iter().find(|line| groups[line.index()] == destination);
            return line.map_or(Placed::Foreign, Placed::On);
        }
        // MTBT 6.7, chapter 3: the stream number is the second field of the header.
        let stream = payload.get(2).copied().unwrap_or(0);
        let seen = &mut self.seen[usize::from(stream)];
        for line in Line::BOTH {
            match &mut seen[line.index()] {
                Some(group) if *group == destination => return Placed::On(line),
                Some(_) => {}
                // Of something else on another group, its third byte is no stream: it takes no
                // line's place. Line A's decoder says what is wrong with it.
                None if !matches!(messages(payload).next(), Some(Ok(_))) => {
                    return Placed::On(Line::A);
                }
                free => {
                    *free = Some(destination);
                    return Placed::On(line);
                }
            }
        }
        Placed::Third
    }
}

/// One file; its reader holds its next datagram.
struct Source<'a> {
    path: &'a PathBuf,
    reader: CaptureReader<'a>,
}

impl Source<'_> {
    /// Reads on; what ends the file early is noted, and everything before it kept.
    fn advance(&mut self, faults: &mut Vec<String>) {
        if let Err(error) = self.reader.advance() {
            faults.push(format!("{}: {error}", self.path.display()));
        }
    }
}

/// Maps the files; fails before anything is run when one cannot be read.
pub(crate) fn map_files(files: &[PathBuf]) -> Result<Vec<MappedFile>, Error> {
    let open = |path: &PathBuf| {
        let file = File::open(path).map_err(|source| Error::file("open", path, source))?;
        let mapped = MappedFile::new(&file).map_err(|source| Error::file("read", path, source))?;
        Ok(mapped)
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

/// Replays the captures into the feed, in order of their time stamps.
pub(crate) fn run_capture(
    mut feed: Feed<'_>,
    options: &CaptureOptions,
    files: &[MappedFile],
    stop: &AtomicBool,
) -> Result<FeedReport, Error> {
    let mut faults = Vec::new();
    let mut sources = Vec::with_capacity(files.len());
    for (path, file) in options.files.iter().zip(files) {
        let capture = |source: CaptureError| Error::Capture { path: path.clone(), source };
        let reader = CaptureReader::new(file.bytes()).map_err(capture)?;
        let mut source = Source { path, reader };
        source.advance(&mut faults);
        sources.push(source);
    }
    let mut finder = LineFinder::new(options.groups);
    let mut pace = Pace::new(options.speed);
    let (mut foreign, mut third, mut last) = (0, 0, Nanos::ZERO);
    while let Some((index, packet)) = earliest(&sources) {
        if stop.load(Ordering::Relaxed) || feed.is_abandoned() {
            break;
        }
        last = last.max(packet.time);
        pace.wait(packet.time, stop);
        let datagram = packet.packet.payload;
        match finder.place(datagram, packet.packet.destination) {
            Placed::On(line) => {
                let raw = feed.clock.raw();
                feed.on_datagram(line, datagram, packet.time, raw);
            }
            Placed::Foreign => foreign += 1,
            Placed::Third => third += 1,
        }
        sources[index].advance(&mut faults);
    }
    if third > 0 {
        faults.push(format!(
            "{third} datagrams went to a third group of their stream and were left out: name the \
             groups of the two lines"
        ));
    }
    let mut report = feed.finish(last);
    report.foreign_datagrams = foreign + third;
    report.skipped_frames = skipped(&sources);
    report.faults.append(&mut faults);
    Ok(report)
}

/// The source whose next datagram is the earliest; of equal times, the first file.
fn earliest<'s>(sources: &'s [Source<'_>]) -> Option<(usize, CapturedUdp<'s>)> {
    let current =
        |(index, source): (usize, &'s Source<'_>)| Some((index, source.reader.current()?));
    let next = sources.iter().enumerate().filter_map(current);
    next.min_by_key(|(index, packet)| (packet.time, *index))
}

fn skipped(sources: &[Source<'_>]) -> Vec<(FrameError, u64)> {
    let of = |reason: FrameError| -> u64 {
        sources.iter().map(|s| s.reader.counters().skipped[reason as usize]).sum()
    };
    let counts = FrameError::ALL.iter().map(|&reason| (reason, of(reason)));
    counts.filter(|&(_, count)| count > 0).collect()
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

    pub(super) fn wait(&mut self, time: Nanos, stop: &AtomicBool) {
        let Some(speed) = self.speed else { return };
        let (start, first) = *self.start.get_or_insert_with(|| (Instant::now(), time));
        let due = Duration::from_nanos((time.since(first).max(0) as f64 / speed) as u64);
        while let Some(left) = due.checked_sub(start.elapsed()).filter(|left| !left.is_zero()) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            if left > Duration::from_micros(200) {
                // Wakes a little early and spins the rest.
                std::thread::sleep(
                    (left - Duration::from_micros(100)).min(Duration::from_millis(50)),
                );
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    use tezi_feed_handler::wire::nse_mtbt::encode_heartbeat;

    fn group(last: u8) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(239, 0, 0, last), 1)
    }

    fn place(finder: &mut LineFinder, stream: u8, last: u8) -> Option<Line> {
        match finder.place(&encode_heartbeat(stream, 1), group(last)) {
            Placed::On(line) => Some(line),
            Placed::Foreign | Placed::Third => None,
        }
    }

    #[test]
    fn of_each_stream_the_first_group_is_line_a() {
        let mut finder = LineFinder::new(None);
        let seen = [(1, 5), (1, 6), (2, 6), (1, 5), (2, 5), (1, 7)];
        let lines = seen.map(|(stream, last)| place(&mut finder, stream, last));
        let (a, b) = (Some(Line::A), Some(Line::B));
        assert_eq!(lines, [a, b, a, a, b, None]);
    }

    #[test]
    fn another_protocol_takes_no_lines_place() {
        let mut finder = LineFinder::new(None);
        for payload in [&[9, 9, 1, 9, 9][..], &[], &[38, 0, 1]] {
            assert!(matches!(finder.place(payload, group(8)), Placed::On(Line::A)));
        }
        let lines = [5, 6, 8].map(|last| place(&mut finder, 1, last));
        assert_eq!(lines, [Some(Line::A), Some(Line::B), None]);
    }

    #[test]
    fn groups_asked_for_are_the_only_ones_taken() {
        let mut finder = LineFinder::new(Some([group(9), group(8)]));
        let lines = [8, 9, 5].map(|last| place(&mut finder, 1, last));
        assert_eq!(lines, [Some(Line::B), Some(Line::A), None]);
    }
}
