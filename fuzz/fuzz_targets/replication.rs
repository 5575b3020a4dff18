//! Bytes of any kind into both halves of a replica's connection, in pieces: no panic, a message that is
//! understood is written again as it was read, and no record is appended that is not the next one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_journal::SegmentHeader;
use tezi_journal::replication::{
    BatchFrame, Decoder, FollowerSession, Held, LeaderSession, Message, RefusalReason,
    ReplicaStore, Timing,
};
use tezi_model::Nanos;

const SESSION: u64 = 7;

/// A store that takes every record that is the next one.
#[derive(Default)]
struct Counting {
    has_begun: bool,
    sequence_last: u64,
}

impl ReplicaStore for Counting {
    fn held(&self) -> Option<Held> {
        let held = Held { session_id: SESSION, sequence_last: self.sequence_last, crc_last: 0 };
        self.has_begun.then_some(held)
    }

    fn durable(&self) -> u64 {
        self.sequence_last / 2
    }

    fn begin(&mut self, _: &SegmentHeader) -> Result<(), RefusalReason> {
        self.has_begun = true;
        Ok(())
    }

    fn append(&mut self, batch: &BatchFrame<'_>) -> Result<(), RefusalReason> {
        if !self.has_begun || batch.first != self.sequence_last + 1 {
            return Err(RefusalReason::Gap);
        }
        self.sequence_last += u64::from(batch.count);
        Ok(())
    }

    fn complete(&mut self) -> Result<(), RefusalReason> {
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| {
    let [size, bytes @ ..] = data else { return };
    let piece = 1 + usize::from(*size);
    let mut decoder = Decoder::default();
    let (mut read, mut written) = (0, Vec::new());
    for piece in bytes.chunks(piece) {
        decoder.push(piece);
        while let Ok(Some(message)) = decoder.next_message() {
            written.clear();
            Message::encode(&message, &mut written);
            assert_eq!(written, bytes[read..read + written.len()]);
            read += written.len();
        }
    }
    let (mut store, now) = (Counting::default(), Nanos(1));
    let mut follower = FollowerSession::new(Timing::default(), now);
    let mut leader = LeaderSession::new(SESSION, 9, Timing::default(), now);
    for piece in bytes.chunks(piece) {
        follower.on_bytes(piece, &mut store, now);
        follower.on_turn(&store, now);
        leader.on_bytes(piece, now);
        leader.on_located(0);
        leader.on_turn(now);
        while leader.poll_event().is_some() {}
    }
});
