//! The feed's reader: datagrams in, updates out, and a count of everything that was not one.

use super::datagram::{MESSAGE_SIZE_MAX, Packet, packets};
use super::message::{Body, decode};
use super::{DecodeError, Update};
use tezi_model::Segment;

/// Different transaction codes that are counted each; what comes after them is counted together.
const CODES_MAX: usize = 64;

/// How often messages of one transaction code came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// The segment, since F&O and CM use some codes for different messages.
    pub segment: Segment,
    /// The transaction code.
    pub transaction_code: i16,
    /// Messages.
    pub count: u64,
}

/// What came.
///
/// # Invariants
///
/// `messages` is `decoded` plus all `undecoded` plus the refused: every message is one of them.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Datagrams, bad ones included.
    pub datagrams: u64,
    /// Messages that framing gave out.
    pub messages: u64,
    /// Those of them that were compressed.
    pub compressed: u64,
    /// Messages whose layout held. Their records may still have been refused.
    pub decoded: u64,
    /// Records given out.
    pub updates: u64,
    /// Messages whose `MessageLength` is more than the bytes that came. They are decoded when their
    /// layout holds; a feed where this grows has a length this reader does not know.
    pub short: u64,
    /// Refused datagrams, messages and records, indexed by the code of the reason.
    pub refused: [u64; DecodeError::COUNT],
    undecoded: [CodeCount; CODES_MAX],
    undecoded_codes: usize,
    /// Messages of codes that are not decoded, beyond those counted by code.
    pub undecoded_other: u64,
}

impl Counters {
    /// Messages of codes that are not decoded, by code, in the order they first came.
    #[must_use]
    pub fn undecoded(&self) -> &[CodeCount] {
        &self.undecoded[..self.undecoded_codes]
    }

    #[cold]
    fn refuse(&mut self, error: DecodeError) {
        self.refused[error as usize] += 1;
    }

    #[cold]
    fn skip(&mut self, segment: Segment, transaction_code: i16) {
        let known = &mut self.undecoded[..self.undecoded_codes];
        let is_it = |code: &&mut CodeCount| {
            code.segment == segment && code.transaction_code == transaction_code
        };
        if let Some(code) = known.iter_mut().find(is_it) {
            code.count += 1;
        } else if let Some(slot) = self.undecoded.get_mut(self.undecoded_codes) {
            *slot = CodeCount { segment, transaction_code, count: 1 };
            self.undecoded_codes += 1;
        } else {
            self.undecoded_other += 1;
        }
    }
}

/// Reads datagrams of any segment. Holds the buffer that messages are decompressed into; the
/// updates borrow from it, so they live for one call of the sink.
///
/// ```
/// use tezi_feed_handler::wire::nse_broadcast::{Reader, Update};
/// let mut reader = Reader::new();
/// let mut datagram = vec![2, 0, 0, 1, 0, 0]; // F&O, one message, not compressed
/// datagram.extend([0; 8]);
/// let mut header = [0; 40];
/// header[10..12].copy_from_slice(&6541_i16.to_be_bytes()); // circuit check
/// header[38..].copy_from_slice(&40_i16.to_be_bytes());
/// datagram.extend(header);
/// let mut alive = 0;
/// reader.on_datagram(&datagram, &mut |update| {
///     alive += u32::from(matches!(update, Update::CircuitCheck));
/// });
/// assert_eq!((alive, reader.counters().updates), (1, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Reader {
    scratch: Box<[u8; MESSAGE_SIZE_MAX]>,
    counters: Counters,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// A reader that has seen nothing. Allocates its one buffer.
    #[must_use]
    pub fn new() -> Self {
        let none = CodeCount { segment: Segment::NseFo, transaction_code: 0, count: 0 };
        let counters = Counters {
            datagrams: 0,
            messages: 0,
            compressed: 0,
            decoded: 0,
            updates: 0,
            short: 0,
            refused: [0; DecodeError::COUNT],
            undecoded: [none; CODES_MAX],
            undecoded_codes: 0,
            undecoded_other: 0,
        };
        Self { scratch: Box::new([0; MESSAGE_SIZE_MAX]), counters }
    }

    /// What came so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Gives every update of a datagram to `sink`, in order. What is refused is counted by reason,
    /// and what follows it is read as far as the framing holds.
    pub fn on_datagram(&mut self, datagram: &[u8], sink: &mut impl FnMut(&Update<'_>)) {
        self.counters.datagrams += 1;
        let packets = match packets(datagram) {
            Ok(packets) => packets,
            Err(error) => return self.counters.refuse(error),
        };
        let segment = packets.segment();
        for packet in packets {
            match packet {
                Ok(packet) => self.on_packet(segment, packet, sink),
                Err(error) => self.counters.refuse(error),
            }
        }
    }

    fn on_packet(
        &mut self,
        segment: Segment,
        packet: Packet<'_>,
        sink: &mut impl FnMut(&Update<'_>),
    ) {
        let counters = &mut self.counters;
        counters.messages += 1;
        counters.compressed += u64::from(matches!(packet, Packet::Compressed(_)));
        let message = packet.unpack(&mut self.scratch).and_then(|clear| decode(segment, clear));
        let message = match message {
            Ok(message) => message,
            Err(error) => return counters.refuse(error),
        };
        if matches!(message.body, Body::Other) {
            return counters.skip(segment, message.header.transaction_code.get());
        }
        counters.decoded += 1;
        counters.short += u64::from(message.is_short);
        message.for_each_update(&mut |update| match update {
            Ok(update) => {
                counters.updates += 1;
                sink(&update);
            }
            Err(error) => counters.refuse(error),
        });
    }
}
