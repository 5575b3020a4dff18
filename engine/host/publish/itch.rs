//! Raw ITCH files as a source: messages put into MoldUDP64 packets, numbered from 1, for both lines.
//!
//! Messages that are less than 20 µs apart share a packet while it fits an Ethernet frame. A file
//! with its end mark ends in a packet that says that the session is over.

use std::path::PathBuf;

use tezi_feed_handler::wire::big_endian::{BeU16, BeU64};
use tezi_feed_handler::wire::itch::{FileMessage, FileReader};
use tezi_feed_handler::wire::mold_udp64::{COUNT_END_OF_SESSION, DownstreamHeader, Session};
use tezi_model::Nanos;

use super::report::SourceReport;
use super::{Datagram, DatagramSource};
use crate::error::Error;
use crate::feed::map_files;
use crate::mapped::MappedFile;

/// The name of the session, as every packet bears it.
const SESSION: Session = *b"TEZIREPLAY";
/// The most bytes of a packet: an Ethernet frame less the headers of IPv4 and UDP.
const PACKET_SIZE_MAX: usize = 1_472;
/// Messages farther apart than this are in packets of their own.
const TOGETHER_NS: i64 = 20_000;

/// Files of raw ITCH messages, opened.
pub struct ItchFiles {
    paths: Vec<PathBuf>,
    files: Vec<MappedFile>,
}

impl ItchFiles {
    /// Opens files of messages, each behind its length; they are sent one after the other, in one
    /// session.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when one cannot be read.
    pub fn open(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Self, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
        let files = map_files(&paths)?;
        Ok(Self { paths, files })
    }

    /// Their messages, as packets.
    #[must_use]
    pub fn datagrams(&self) -> ItchDatagrams<'_> {
        ItchDatagrams {
            files: self,
            reader: FileReader::new(&[]),
            next_file: 0,
            pending: None,
            sequence: 1,
            time: Nanos::ZERO,
            packet: Vec::with_capacity(PACKET_SIZE_MAX),
            is_complete: false,
            is_over: false,
            faults: Vec::new(),
        }
    }
}

/// The packets of [`ItchFiles`].
pub struct ItchDatagrams<'a> {
    files: &'a ItchFiles,
    reader: FileReader<'a>,
    next_file: usize,
    /// Read, and for the next packet.
    pending: Option<FileMessage<'a>>,
    /// The number of the next packet's first message.
    sequence: u64,
    /// Of the packet's first message, since midnight.
    time: Nanos,
    /// Empty before the first and after the last.
    packet: Vec<u8>,
    /// Whether the last file had its end mark.
    is_complete: bool,
    is_over: bool,
    faults: Vec<String>,
}

impl<'a> ItchDatagrams<'a> {
    fn next_message(&mut self) -> Option<FileMessage<'a>> {
        loop {
            match self.reader.next() {
                Some(Ok(message)) => return Some(message),
                Some(Err(error)) => {
                    let path = &self.files.paths[self.next_file - 1];
                    self.faults.push(format!("{}: {error}", path.display()));
                }
                None => {
                    self.is_complete = self.reader.is_complete();
                    let file = self.files.files.get(self.next_file)?;
                    self.reader = FileReader::new(file.bytes());
                    self.next_file += 1;
                }
            }
        }
    }

    /// When a message was sent: nanoseconds since midnight, 48 bits behind type, locate and tracking
    /// number (ITCH 5.0, section 4). What is too short for it has the time of the one before.
    fn time_of(&self, message: &FileMessage<'_>) -> Nanos {
        match message.bytes.get(5..11) {
            Some(&[a, b, c, d, e, f]) => Nanos(i64::from_be_bytes([0, 0, a, b, c, d, e, f])),
            _ => self.time,
        }
    }

    /// Puts the header of `count` messages in front.
    fn head(&mut self, count: u16) {
        let header = DownstreamHeader {
            session: SESSION,
            sequence_number: BeU64::new(self.sequence),
            message_count: BeU16::new(count),
        };
        self.packet[..size_of::<DownstreamHeader>()].copy_from_slice(bytemuck::bytes_of(&header));
    }
}

impl DatagramSource for ItchDatagrams<'_> {
    fn advance(&mut self) -> bool {
        self.packet.clear();
        if self.is_over {
            return false;
        }
        self.packet.resize(size_of::<DownstreamHeader>(), 0);
        let mut count = 0_u16;
        while let Some(message) = self.pending.take().or_else(|| self.next_message()) {
            let time = self.time_of(&message);
            let size = self.packet.len() + 2 + message.bytes.len();
            let is_apart = time.since(self.time) > TOGETHER_NS || size > PACKET_SIZE_MAX;
            if count > 0 && is_apart {
                self.pending = Some(message);
                break;
            }
            if count == 0 {
                self.time = time;
            }
            // A message's length has two bytes in the file too.
            self.packet.extend((message.bytes.len() as u16).to_be_bytes());
            self.packet.extend(message.bytes);
            count += 1;
        }
        if count == 0 {
            self.is_over = true;
            if !self.is_complete {
                self.packet.clear();
                return false;
            }
            self.head(COUNT_END_OF_SESSION);
            return true;
        }
        self.head(count);
        self.sequence += u64::from(count);
        true
    }

    fn current(&self) -> Option<Datagram<'_>> {
        let payload = &self.packet[..];
        (!payload.is_empty()).then_some(Datagram { time: self.time, line: None, payload })
    }

    fn rewind(&mut self) {
        *self = self.files.datagrams();
    }

    fn report(&self) -> SourceReport {
        SourceReport { faults: self.faults.clone(), ..SourceReport::default() }
    }
}
