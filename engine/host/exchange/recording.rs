//! A recorded market read for the exchange to play: captures, DBN, raw ITCH.

use std::path::{Path, PathBuf};

use tezi_core::venue::Date;
use tezi_feed_handler::Line;
use tezi_feed_handler::capture::CaptureReader;
use tezi_feed_handler::feed::{Channel, FeedConfig, FeedHandler, Recognised, recognise};
use tezi_feed_handler::wire::dbn::{self, Record, Records};
use tezi_feed_handler::wire::itch::{self, FileReader, SessionDate};
use tezi_model::{Event, Nanos, Segment};

use crate::error::Error;
use crate::feed::map_files;
use crate::publish::{Captures, DatagramSource};

/// What a recording may unpack to.
const SIZE_MAX: usize = 4 << 30;
/// Events of a recording, 56 bytes each; they are kept in memory.
const EVENTS_MAX: usize = 1 << 24;
/// Datagrams looked at to find the protocol.
const PROBES_MAX: usize = 1_000;

/// Reads a recording's events, in order: a capture of any protocol that is known by its datagrams, DBN
/// (plain or compressed), or raw ITCH, told apart by what is in the file. `date` is the day of ITCH, whose
/// messages do not say theirs.
///
/// # Errors
///
/// [`Error::File`] when it cannot be read; [`Error::Parameter`] when it is none of these, holds no order
/// by order data, or more than 16,777,216 events.
pub fn read_recording(path: &Path, date: Date) -> Result<Vec<Event>, Error> {
    let wrong = |what: String| Error::Parameter(format!("{}: {what}", path.display()));
    let paths = [path.to_path_buf()];
    let files = map_files(&paths)?;
    let bytes = files.first().map_or(&[][..], |file| file.bytes());
    let mut events = Events(Vec::new());
    if CaptureReader::new(bytes).is_ok() {
        read_capture(&paths, &mut events).map_err(|it| it.or_wrong(&wrong))?;
    } else if let Ok(plain) = dbn::decompress(bytes, SIZE_MAX)
        && let Ok((metadata, records)) = Records::open(&plain)
    {
        let segment = metadata.segment().unwrap_or(Segment::CmeGlobex);
        read_dbn(segment, records, &mut events).map_err(wrong)?;
    } else {
        read_itch(bytes, date, &mut events).map_err(wrong)?;
    }
    if events.0.len() > EVENTS_MAX {
        return Err(wrong(format!("more than {EVENTS_MAX} events")));
    }
    if events.0.is_empty() {
        return Err(wrong("no order-by-order data is in it".into()));
    }
    Ok(events.0)
}

/// What was read; one event too many tells that there are too many.
struct Events(Vec<Event>);

impl Events {
    fn push(&mut self, event: &Event) {
        if self.0.len() <= EVENTS_MAX {
            self.0.push(*event);
        }
    }
}

/// Why a capture gave nothing.
enum Failed {
    Error(Error),
    What(String),
}

impl Failed {
    fn or_wrong(self, wrong: &dyn Fn(String) -> Error) -> Error {
        match self {
            Self::Error(error) => error,
            Self::What(what) => wrong(what),
        }
    }
}

fn read_capture(paths: &[PathBuf], events: &mut Events) -> Result<(), Failed> {
    let captures = Captures::open(paths).map_err(Failed::Error)?;
    let mut datagrams = captures.datagrams(&[]);
    let mut found: Option<Recognised> = None;
    for _ in 0..PROBES_MAX {
        if found.is_some() || !datagrams.advance() {
            break;
        }
        found = datagrams.current().and_then(|datagram| recognise(datagram.payload));
    }
    let Some(found) = found else {
        return Err(Failed::What("its datagrams are of no protocol that is known".into()));
    };
    let segment = found.segment.or_else(|| found.protocol.segments().first().copied());
    let config = FeedConfig::new(found.protocol, segment.unwrap_or(Segment::NseFo));
    let mut feed = FeedHandler::new(&config).map_err(|error| Failed::What(error.to_string()))?;
    datagrams.rewind();
    let mut last = Nanos::ZERO;
    while datagrams.advance() {
        let Some(datagram) = datagrams.current() else { break };
        last = datagram.time;
        let channel = Channel::Line(datagram.line.unwrap_or(Line::A));
        feed.on_packet(channel, datagram.payload, last, &mut |event| events.push(event));
    }
    feed.finish(last, &mut |event| events.push(event));
    Ok(())
}

fn read_dbn(segment: Segment, records: Records<'_>, events: &mut Events) -> Result<(), String> {
    let mut decoder = dbn::Decoder::new(segment);
    for record in records {
        if let Record::Mbo(message) = record.map_err(|error| error.to_string())? {
            // What a record says wrongly is left out, as a feed does.
            let _ = decoder.on_record(message, |event| events.push(event));
        }
    }
    decoder.finish(|event| events.push(event));
    Ok(())
}

fn read_itch(bytes: &[u8], date: Date, events: &mut Events) -> Result<(), String> {
    let what = || "it is neither a capture nor DBN nor raw ITCH".to_string();
    let (year, month, day) = date.civil();
    let date = SessionDate::new(year, month, day).ok_or_else(what)?;
    let mut decoder = itch::Decoder::new(date, 1);
    for message in FileReader::new(bytes) {
        let message = message.map_err(|error| format!("{}: {error}", what()))?;
        match decoder.on_message(message.bytes, message.index + 1, Nanos::ZERO, 0) {
            Ok(Some(event)) => events.push(&event),
            Ok(None) => {}
            Err(_) if events.0.is_empty() => return Err(what()),
            Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_recording_is_named() {
        let dir = std::env::temp_dir().join(format!("tezi-recording-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let date = Date::parse("2026-11-20").unwrap();
        for (name, bytes, words) in [
            ("empty", &b""[..], "no order-by-order data"),
            ("text", b"GET / HTTP/1.1 and something more", "neither a capture"),
            ("short", &[0, 3, b'A', 1, 2], "neither a capture"),
        ] {
            let path = dir.join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = read_recording(&path, date).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains(name), "{error}");
        }
        assert!(read_recording(&dir.join("nothing"), date).is_err());
        std::fs::remove_dir_all(dir).unwrap();
    }
}
