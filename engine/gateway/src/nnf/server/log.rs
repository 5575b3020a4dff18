//! What the exchange told a user today, to be told again.

use super::super::envelope::PACKET_SIZE_MAX;
use super::super::wire::{Envelope, MessageHeader, MsOeRequest, MsSpdOeRequest, MsTradeConfirm};

/// Bytes of a message kept in its record: all of any order in one contract.
const RECORD_SIZE_MAX: usize = MsOeRequest::SIZE;

/// Bytes of a message of several legs that its record does not hold.
const REST_SIZE_MAX: usize = MsSpdOeRequest::SIZE - RECORD_SIZE_MAX;

const _: () = assert!(MsTradeConfirm::SIZE <= RECORD_SIZE_MAX);
// A kept message goes out behind a header of its own.
const _: () =
    assert!(Envelope::SIZE + MessageHeader::SIZE + MsSpdOeRequest::SIZE <= PACKET_SIZE_MAX);

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
    /// What the records do not hold, by place. Apart from them, since nearly all messages are short: with
    /// longer records every answer took some 60 ns more for the memory that it walks through.
    rests: Box<[[u8; REST_SIZE_MAX]]>,
    /// Messages ever appended.
    end: u64,
}

impl Log {
    pub(super) fn new(messages: usize) -> Self {
        let empty = Record { jiffies: 0, stream: 0, size: 0, bytes: [0; RECORD_SIZE_MAX] };
        Self {
            records: vec![empty; messages].into_boxed_slice(),
            rests: vec![[0; REST_SIZE_MAX]; messages].into_boxed_slice(),
            end: 0,
        }
    }

    /// Keeps a full-size message.
    pub(super) fn append(&mut self, stream: u8, jiffies: i64, message: &[u8]) {
        let index = (self.end % self.records.len() as u64) as usize;
        let record = &mut self.records[index];
        let kept = message.len().min(MsSpdOeRequest::SIZE);
        let (head, rest) = message[..kept].split_at(kept.min(RECORD_SIZE_MAX));
        (record.stream, record.jiffies, record.size) = (stream, jiffies, kept as u16);
        record.bytes[..head.len()].copy_from_slice(head);
        if !rest.is_empty() {
            self.rests[index][..rest.len()].copy_from_slice(rest);
        }
        self.end += 1;
    }

    /// The first message of the stream behind `jiffies`, at or behind position `from`, in the two parts in
    /// which it is kept, and the position behind it.
    pub(super) fn next(&self, from: u64, stream: u8, jiffies: i64) -> Option<(u64, [&[u8]; 2])> {
        let length = self.records.len() as u64;
        let oldest = self.end.saturating_sub(length);
        (from.max(oldest)..self.end).find_map(|position| {
            let index = (position % length) as usize;
            let record = &self.records[index];
            let size = usize::from(record.size);
            let head = &record.bytes[..size.min(RECORD_SIZE_MAX)];
            let rest = &self.rests[index][..size.saturating_sub(RECORD_SIZE_MAX)];
            (record.stream == stream && record.jiffies > jiffies)
                .then_some((position + 1, [head, rest]))
        })
    }

    /// Messages that were forgotten for want of room.
    pub(super) const fn forgotten(&self) -> u64 {
        self.end.saturating_sub(self.records.len() as u64)
    }
}
