//! What the exchange told a user today, to be told again.

use super::super::envelope::PACKET_SIZE_MAX;
use super::super::wire::{Envelope, MessageHeader, MsOeRequest, MsSpdOeRequest, MsTradeConfirm};

/// Bytes of the longest message kept.
const RECORD_SIZE_MAX: usize = MsSpdOeRequest::SIZE;

const _: () =
    assert!(MsTradeConfirm::SIZE <= RECORD_SIZE_MAX && MsOeRequest::SIZE <= RECORD_SIZE_MAX);
// A kept message goes out behind a header of its own.
const _: () = assert!(Envelope::SIZE + MessageHeader::SIZE + RECORD_SIZE_MAX <= PACKET_SIZE_MAX);

#[derive(Clone, Copy)]
struct Record {
    jiffies: i64,
    stream: u8,
    size: u16,
    bytes: [u8; RECORD_SIZE_MAX],
}

/// Messages in the order in which they were made, the oldest forgotten when there is no room.
pub(super) struct Log {
    records: Box<[Record]>,
    /// Messages ever appended.
    end: u64,
}

impl Log {
    pub(super) fn new(messages: usize) -> Self {
        let empty = Record { jiffies: 0, stream: 0, size: 0, bytes: [0; RECORD_SIZE_MAX] };
        Self { records: vec![empty; messages].into_boxed_slice(), end: 0 }
    }

    /// Keeps a full-size message.
    pub(super) fn append(&mut self, stream: u8, jiffies: i64, message: &[u8]) {
        let index = (self.end % self.records.len() as u64) as usize;
        let record = &mut self.records[index];
        let size = message.len().min(RECORD_SIZE_MAX);
        (record.stream, record.jiffies, record.size) = (stream, jiffies, size as u16);
        record.bytes[..size].copy_from_slice(&message[..size]);
        self.end += 1;
    }

    /// The first message of the stream behind `jiffies`, at or behind position `from`, and the
    /// position behind it.
    pub(super) fn next(&self, from: u64, stream: u8, jiffies: i64) -> Option<(u64, &[u8])> {
        let oldest = self.end.saturating_sub(self.records.len() as u64);
        (from.max(oldest)..self.end).find_map(|position| {
            let record = &self.records[(position % self.records.len() as u64) as usize];
            let bytes = &record.bytes[..usize::from(record.size)];
            (record.stream == stream && record.jiffies > jiffies).then_some((position + 1, bytes))
        })
    }

    /// Messages that were forgotten for want of room.
    pub(super) const fn forgotten(&self) -> u64 {
        self.end.saturating_sub(self.records.len() as u64)
    }
}
