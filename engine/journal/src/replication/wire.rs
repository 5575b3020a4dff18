//! Frames of the replication protocol: writing them, and finding them in a stream of bytes.
//!
//! Layout (little-endian; `docs/wire/replication.md`, "Frame"):
//!
//! ```text
//!  0 length u32  4 crc32c u32  8 kind u16  10 reserved u16  12 reserved u32  16 fields
//! ```
//!
//! The checksum covers the frame without itself; of a batch it covers the fields, since each record
//! has a checksum of its own.

use core::fmt;

use crate::{Crc32c, FORMAT_VERSION, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX, SegmentHeader};

/// Version of the protocol.
pub const PROTOCOL_VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"TEZIREPL";
const HEAD_BYTES: usize = 16;
/// A batch before its records.
const BATCH_HEAD_BYTES: usize = 32;
/// The longest frame: one batch with a record as long as the largest segment.
const FRAME_BYTES_MAX: usize = BATCH_HEAD_BYTES + SEGMENT_BYTES_MAX as usize;

/// Kinds of frames.
mod kind {
    pub(super) const HELLO: u16 = 1;
    pub(super) const WELCOME: u16 = 2;
    pub(super) const SEGMENT: u16 = 3;
    pub(super) const BATCH: u16 = 4;
    pub(super) const ACK: u16 = 5;
    pub(super) const HEARTBEAT: u16 = 6;
    pub(super) const END: u16 = 7;
    pub(super) const REFUSAL: u16 = 8;
}

/// The leader's first word: which journal it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Version of the protocol.
    pub protocol: u16,
    /// Version of the journal's format.
    pub format: u16,
    /// Names the journal.
    pub session_id: u64,
    /// The last sequence in it, as the leader knows it.
    pub sequence_last: u64,
}

impl Hello {
    /// Of this program's versions.
    #[must_use]
    pub const fn new(session_id: u64, sequence_last: u64) -> Self {
        Self { protocol: PROTOCOL_VERSION, format: FORMAT_VERSION, session_id, sequence_last }
    }
}

/// The follower's answer: what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// Version of the protocol.
    pub protocol: u16,
    /// Version of the journal's format.
    pub format: u16,
    /// The journal it holds; 0 while it holds none.
    pub session_id: u64,
    /// The first sequence it wants.
    pub sequence_next: u64,
    /// The checksum of the record before that, by which two journals of one session that went
    /// different ways are told apart; 0 when there is none.
    pub crc_last: u32,
    /// The last sequence on its disk.
    pub durable: u64,
}

/// Whole records of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchFrame<'a> {
    /// The sequence of the first.
    pub first: u64,
    /// The segment they are of.
    pub segment: u32,
    /// How many they are.
    pub count: u32,
    /// The records as they lie in the segment, one directly after the other.
    pub records: &'a [u8],
}

/// How far the follower is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ack {
    /// The last sequence in its journal: the end of its process does not take it.
    pub appended: u64,
    /// The last sequence on its disk; 0 where its journal does not say.
    pub durable: u64,
}

/// Why one side wants nothing of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum RefusalReason {
    /// Another version of the protocol.
    Protocol = 1,
    /// Another version of the journal's format.
    Format = 2,
    /// The follower holds another journal.
    OtherJournal = 3,
    /// The follower holds records that the leader does not have.
    FollowerAhead = 4,
    /// Both hold a record of that sequence, and they are not the same.
    Diverged = 5,
    /// A record or a segment is not the next one.
    Gap = 6,
    /// A checksum does not fit: of a frame, or of a record in it.
    Checksum = 7,
    /// A frame that cannot be, or not now.
    Malformed = 8,
    /// The follower cannot write: a full disk above all.
    Storage = 9,
    /// The follower has a leader already.
    Busy = 10,
}

impl RefusalReason {
    const ALL: [Self; 10] = [
        Self::Protocol,
        Self::Format,
        Self::OtherJournal,
        Self::FollowerAhead,
        Self::Diverged,
        Self::Gap,
        Self::Checksum,
        Self::Malformed,
        Self::Storage,
        Self::Busy,
    ];

    /// What people read.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Protocol => "another version of the protocol",
            Self::Format => "another version of the journal's format",
            Self::OtherJournal => "the follower holds another journal",
            Self::FollowerAhead => "the follower holds records that the leader does not have",
            Self::Diverged => "the two journals went different ways",
            Self::Gap => "a record or segment is not the next one",
            Self::Checksum => "a checksum does not fit",
            Self::Malformed => "a frame that cannot be",
            Self::Storage => "the follower cannot write its journal",
            Self::Busy => "the follower has a leader already",
        }
    }

    /// Whether the same two journals would meet with the same refusal again, so that a person must
    /// decide which one counts.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        matches!(
            self,
            Self::Protocol
                | Self::Format
                | Self::OtherJournal
                | Self::FollowerAhead
                | Self::Diverged
        )
    }
}

/// A refusal, with the two numbers that did not fit: sequences, versions or journals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// What the leader has or said.
    pub leader: u64,
    /// What the follower has or wanted.
    pub follower: u64,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, leader, follower } = *self;
        f.write_str(reason.message())?;
        match reason {
            RefusalReason::OtherJournal => {
                write!(f, " (leader {leader:016x}, follower {follower:016x})")
            }
            RefusalReason::Busy | RefusalReason::Storage | RefusalReason::Malformed => Ok(()),
            _ => write!(f, " (leader {leader}, follower {follower})"),
        }
    }
}

/// What one side says to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The leader's first word.
    Hello(Hello),
    /// The follower's answer.
    Welcome(Welcome),
    /// The leader's next records are of this segment.
    Segment(SegmentHeader),
    /// Records.
    Batch(BatchFrame<'a>),
    /// The follower's progress.
    Ack(Ack),
    /// The leader is there, and its journal ends with this sequence.
    Heartbeat {
        /// The last sequence of the leader's journal.
        sequence: u64,
    },
    /// Of the leader: the journal has ended. Of the follower: it has all, or stops.
    End {
        /// The last sequence.
        sequence: u64,
    },
    /// One side wants nothing of the other.
    Refusal(Refusal),
}

/// Why a stream of bytes is not one of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireFault {
    /// No frame has this kind.
    Kind(u16),
    /// No frame of its kind has this length.
    Length(u32),
    /// The checksum does not fit.
    Checksum,
    /// A field has a value that cannot be.
    Field(&'static str),
}

impl WireFault {
    /// What the other side is told.
    #[must_use]
    pub const fn reason(self) -> RefusalReason {
        match self {
            Self::Checksum => RefusalReason::Checksum,
            _ => RefusalReason::Malformed,
        }
    }
}

impl Message<'_> {
    /// Writes the frame behind what is there.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD_BYTES]);
        let (kind, records): (u16, &[u8]) = match self {
            Self::Hello(hello) => {
                out.extend_from_slice(&MAGIC);
                put_versions(out, hello.protocol, hello.format);
                put(out, hello.session_id);
                put(out, hello.sequence_last);
                (kind::HELLO, &[])
            }
            Self::Welcome(welcome) => {
                put_versions(out, welcome.protocol, welcome.format);
                put(out, welcome.session_id);
                put(out, welcome.sequence_next);
                put(out, u64::from(welcome.crc_last));
                put(out, welcome.durable);
                (kind::WELCOME, &[])
            }
            Self::Segment(header) => {
                out.extend_from_slice(&header.encode());
                (kind::SEGMENT, &[])
            }
            Self::Batch(batch) => {
                put(out, batch.first);
                put(out, u64::from(batch.segment) | u64::from(batch.count) << 32);
                (kind::BATCH, batch.records)
            }
            Self::Ack(ack) => {
                put(out, ack.appended);
                put(out, ack.durable);
                (kind::ACK, &[])
            }
            Self::Heartbeat { sequence } => {
                put(out, *sequence);
                (kind::HEARTBEAT, &[])
            }
            Self::End { sequence } => {
                put(out, *sequence);
                (kind::END, &[])
            }
            Self::Refusal(refusal) => {
                put(out, refusal.reason as u64);
                put(out, refusal.leader);
                put(out, refusal.follower);
                (kind::REFUSAL, &[])
            }
        };
        let length = (out.len() - start + records.len()) as u32;
        out[start..start + 4].copy_from_slice(&length.to_le_bytes());
        out[start + 8..start + 10].copy_from_slice(&kind.to_le_bytes());
        let crc = checksum(Crc32c::detect(), &out[start..]);
        out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(records);
    }
}

fn put(out: &mut Vec<u8>, word: u64) {
    out.extend_from_slice(&word.to_le_bytes());
}

fn put_versions(out: &mut Vec<u8>, protocol: u16, format: u16) {
    put(out, u64::from(protocol) | u64::from(format) << 16);
}

/// The checksum of a frame, or of a batch's fields, that has its length and kind.
fn checksum(crc: Crc32c, frame: &[u8]) -> u32 {
    !crc.update(crc.update(!0, &frame[..4]), &frame[8..])
}

/// Finds frames in a stream of bytes, however it is cut into pieces.
///
/// # Invariants
///
/// - It holds no more than what was pushed and not taken, and one frame at most is not taken when
///   [`Decoder::next_message`] has answered that there is none.
#[derive(Debug)]
pub struct Decoder {
    crc: Crc32c,
    bytes: Vec<u8>,
    taken: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { crc: Crc32c::detect(), bytes: Vec::new(), taken: 0 }
    }
}

impl Decoder {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if 0 < self.taken {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message; `None` until more bytes come. The records of a batch are not looked at.
    ///
    /// # Errors
    ///
    /// [`WireFault`]: nothing behind it can be understood.
    pub fn next_message(&mut self) -> Result<Option<Message<'_>>, WireFault> {
        let Self { crc, bytes, taken } = self;
        let rest = &bytes[*taken..];
        let Some(head) = rest.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let kind = u16::from_le_bytes([head[8], head[9]]);
        if head[10..].iter().any(|&byte| byte != 0) {
            return Err(WireFault::Field("reserved"));
        }
        let covered = covered_bytes(kind, length)?;
        // Checked before the rest of a batch is waited for: a wrong length asks for no memory.
        let Some(fields) = rest.get(..covered) else { return Ok(None) };
        let stored = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        if stored != checksum(*crc, fields) {
            return Err(WireFault::Checksum);
        }
        let Some(frame) = rest.get(..length as usize) else { return Ok(None) };
        *taken += frame.len();
        message(kind, &frame[HEAD_BYTES..covered], &frame[covered..]).map(Some)
    }
}

/// The bytes of a frame that its checksum covers.
fn covered_bytes(kind: u16, length: u32) -> Result<usize, WireFault> {
    let size = length as usize;
    let expected = match kind {
        kind::HELLO => 48,
        kind::WELCOME => 56,
        kind::SEGMENT => 80,
        kind::BATCH => {
            let has_records = BATCH_HEAD_BYTES + RECORD_HEADER_BYTES <= size;
            let is_possible = has_records && size <= FRAME_BYTES_MAX && size.is_multiple_of(8);
            return if is_possible { Ok(BATCH_HEAD_BYTES) } else { Err(WireFault::Length(length)) };
        }
        kind::ACK => 32,
        kind::HEARTBEAT | kind::END => 24,
        kind::REFUSAL => 40,
        other => return Err(WireFault::Kind(other)),
    };
    if size == expected { Ok(expected) } else { Err(WireFault::Length(length)) }
}

/// What the fields of a frame say. They have the length that the kind asks for.
fn message<'a>(kind: u16, fields: &[u8], records: &'a [u8]) -> Result<Message<'a>, WireFault> {
    let word =
        |index: usize| u64::from_le_bytes(core::array::from_fn(|byte| fields[index * 8 + byte]));
    let versions = |word: u64| {
        let is_known = word >> 32 == 0;
        is_known.then_some((word as u16, (word >> 16) as u16)).ok_or(WireFault::Field("version"))
    };
    Ok(match kind {
        kind::HELLO => {
            if fields[..8] != MAGIC {
                return Err(WireFault::Field("magic"));
            }
            let (protocol, format) = versions(word(1))?;
            let (session_id, sequence_last) = (word(2), word(3));
            Message::Hello(Hello { protocol, format, session_id, sequence_last })
        }
        kind::WELCOME => {
            let (protocol, format) = versions(word(0))?;
            let (session_id, sequence_next, durable) = (word(1), word(2), word(4));
            let crc_last = u32::try_from(word(3)).map_err(|_| WireFault::Field("crc_last"))?;
            if sequence_next == 0 {
                return Err(WireFault::Field("sequence_next"));
            }
            Message::Welcome(Welcome {
                protocol,
                format,
                session_id,
                sequence_next,
                crc_last,
                durable,
            })
        }
        kind::SEGMENT => {
            let header = fields.first_chunk().ok_or(WireFault::Field("segment header"))?;
            match SegmentHeader::decode(header) {
                Ok(read) if read.bit_mended.is_none() => Message::Segment(read.header),
                _ => return Err(WireFault::Field("segment header")),
            }
        }
        kind::BATCH => {
            let (first, segment, count) = (word(0), word(1) as u32, (word(1) >> 32) as u32);
            if first == 0 || count == 0 {
                return Err(WireFault::Field("batch"));
            }
            Message::Batch(BatchFrame { first, segment, count, records })
        }
        kind::ACK => Message::Ack(Ack { appended: word(0), durable: word(1) }),
        kind::HEARTBEAT => Message::Heartbeat { sequence: word(0) },
        kind::END => Message::End { sequence: word(0) },
        _ => {
            let reason = RefusalReason::ALL.into_iter().find(|it| *it as u64 == word(0));
            let reason = reason.ok_or(WireFault::Field("reason"))?;
            Message::Refusal(Refusal { reason, leader: word(1), follower: word(2) })
        }
    })
}
