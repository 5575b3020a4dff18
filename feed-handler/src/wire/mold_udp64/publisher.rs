//! The sending side: messages into packets, with the heartbeats and the end of a session.

use bytemuck::bytes_of;

use super::error::PublishError;
use super::layout::{COUNT_END_OF_SESSION, COUNT_HEARTBEAT, DownstreamHeader, Session};
use crate::wire::big_endian::{BeU16, BeU64};

const HEADER_SIZE: usize = size_of::<DownstreamHeader>();
/// Bytes before each message: its length.
const LENGTH_SIZE: usize = 2;

/// One downstream packet under construction, in memory taken at start.
///
/// # Invariants
///
/// The first `length` bytes are a whole packet of `count` messages, and are no longer than the
/// buffer.
#[derive(Clone, Debug)]
pub(super) struct PacketBuffer {
    bytes: Box<[u8]>,
    length: usize,
    count: u16,
}

impl PacketBuffer {
    /// A buffer for packets of up to `size_max` bytes, which has room for a header.
    pub(super) fn new(size_max: usize) -> Self {
        assert!(HEADER_SIZE <= size_max, "a packet has a header");
        Self { bytes: vec![0; size_max].into(), length: HEADER_SIZE, count: 0 }
    }

    /// Whether a message fits behind those that are there.
    pub(super) const fn fits(&self, message: &[u8]) -> bool {
        self.count < COUNT_END_OF_SESSION - 1
            && message.len() <= u16::MAX as usize
            && LENGTH_SIZE + message.len() <= self.bytes.len() - self.length
    }

    /// Adds a message that [fits](Self::fits).
    pub(super) fn push(&mut self, message: &[u8]) {
        assert!(self.fits(message), "only messages that fit are added");
        let start = self.length + LENGTH_SIZE;
        self.bytes[self.length..start].copy_from_slice(&(message.len() as u16).to_be_bytes());
        self.bytes[start..start + message.len()].copy_from_slice(message);
        self.length = start + message.len();
        self.count += 1;
    }

    pub(super) const fn count(&self) -> u16 {
        self.count
    }

    /// The packet, its first message being number `sequence`.
    pub(super) fn close(&mut self, session: &Session, sequence: u64) -> &[u8] {
        let header = header(session, sequence, self.count);
        self.bytes[..HEADER_SIZE].copy_from_slice(&header);
        &self.bytes[..self.length]
    }

    pub(super) const fn clear(&mut self) {
        self.length = HEADER_SIZE;
        self.count = 0;
    }
}

fn header(session: &Session, sequence: u64, count: u16) -> [u8; HEADER_SIZE] {
    let header = DownstreamHeader {
        session: *session,
        sequence_number: BeU64::new(sequence),
        message_count: BeU16::new(count),
    };
    let mut bytes = [0; HEADER_SIZE];
    bytes.copy_from_slice(bytes_of(&header));
    bytes
}

/// Numbers the messages of a session and packs them into datagrams.
///
/// ```
/// use tezi_feed_handler::wire::mold_udp64::{Publisher, decode};
/// let mut publisher = Publisher::new(*b"000000001A", 64)?;
/// let mut sent = Vec::new();
/// let mut send = |datagram: &[u8]| sent.push(datagram.to_vec());
/// publisher.push(b"one", &mut send)?;
/// publisher.push(b"two", &mut send)?;
/// publisher.flush(&mut send);
/// let packet = decode(&sent[0])?;
/// assert_eq!((packet.sequence(), packet.count()), (1, 2));
/// assert_eq!(decode(&publisher.heartbeat())?.sequence(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Publisher {
    session: Session,
    /// The number of the first message in the buffer.
    first: u64,
    buffer: PacketBuffer,
}

impl Publisher {
    /// A publisher of a session whose first message is number 1; its datagrams have up to
    /// `datagram_max` bytes.
    ///
    /// # Errors
    ///
    /// [`PublishError::DatagramMax`] outside 22 to 65,507, what a header and an empty message
    /// need, and what UDP carries.
    pub fn new(session: Session, datagram_max: usize) -> Result<Self, PublishError> {
        if !(HEADER_SIZE + LENGTH_SIZE..=super::DATAGRAM_MAX).contains(&datagram_max) {
            return Err(PublishError::DatagramMax);
        }
        Ok(Self { session, first: 1, buffer: PacketBuffer::new(datagram_max) })
    }

    /// Adds a message and says its number. A datagram that it does not fit any more is given to
    /// `send` first.
    ///
    /// # Errors
    ///
    /// [`PublishError::MessageTooLong`] when it fits no datagram; it has no number then.
    pub fn push(
        &mut self,
        message: &[u8],
        send: &mut impl FnMut(&[u8]),
    ) -> Result<u64, PublishError> {
        if !self.buffer.fits(message) {
            self.flush(send);
            if !self.buffer.fits(message) {
                return Err(PublishError::MessageTooLong);
            }
        }
        self.buffer.push(message);
        Ok(self.next_sequence() - 1)
    }

    /// Gives the messages added since the last datagram to `send`; nothing when there are none.
    pub fn flush(&mut self, send: &mut impl FnMut(&[u8])) {
        if self.buffer.count() > 0 {
            let next = self.next_sequence();
            send(self.buffer.close(&self.session, self.first));
            self.buffer.clear();
            self.first = next;
        }
    }

    /// The datagram that says which number is due next, to be sent once a second when nothing else
    /// is. Messages not flushed are not in it.
    #[must_use]
    pub fn heartbeat(&self) -> [u8; HEADER_SIZE] {
        header(&self.session, self.first, COUNT_HEARTBEAT)
    }

    /// The datagram that says that the session is over, to be sent for a while. Flush first.
    #[must_use]
    pub fn end_of_session(&self) -> [u8; HEADER_SIZE] {
        header(&self.session, self.first, COUNT_END_OF_SESSION)
    }

    /// The number the next message will have.
    #[must_use]
    pub const fn next_sequence(&self) -> u64 {
        self.first + self.buffer.count() as u64
    }
}
