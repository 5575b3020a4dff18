//! A packet taken apart: header checked, messages counted out.

use super::PacketError;
use super::layout::{COUNT_END_OF_SESSION, COUNT_HEARTBEAT, DownstreamHeader, Session};

const LENGTH_SIZE: usize = 2;

/// What a downstream packet brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// Messages, in order from the packet's number on.
    Messages,
    /// Nothing new: the packet's number is due next.
    Heartbeat,
    /// The session is over; the packet's number would have been next. Requests are still answered
    /// while these packets come.
    EndOfSession,
}

/// A downstream packet whose framing holds.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a DownstreamHeader,
    blocks: &'a [u8],
}

/// The packet that `bytes` are: header and all message blocks, and nothing else.
///
/// ```
/// use tezi_feed_handler::wire::mold_udp64::{PacketKind, decode};
/// let bytes = *b"000000001A\0\0\0\0\0\0\0\x07\0\x02\0\x01a\0\x02bc";
/// let packet = decode(&bytes).unwrap();
/// assert_eq!((packet.kind(), packet.sequence(), packet.count()), (PacketKind::Messages, 7, 2));
/// assert!(packet.messages().eq([&b"a"[..], &b"bc"[..]]));
/// ```
///
/// # Errors
///
/// The reasons of [`PacketError`] up to [`PacketError::TrailingBytes`].
#[inline]
pub fn decode(bytes: &[u8]) -> Result<Packet<'_>, PacketError> {
    let Some((header, blocks)) = bytes.split_at_checked(size_of::<DownstreamHeader>()) else {
        return Err(PacketError::TruncatedHeader);
    };
    let header: &DownstreamHeader =
        bytemuck::try_from_bytes(header).map_err(|_| PacketError::TruncatedHeader)?;
    let packet = Packet { header, blocks };
    if packet.sequence() == 0 {
        return Err(PacketError::SequenceZero);
    }
    if packet.sequence().checked_add(packet.count()).is_none() {
        return Err(PacketError::SequenceOverflow);
    }
    let mut messages = packet.messages();
    for _ in 0..packet.count() {
        messages.next().ok_or(PacketError::TruncatedMessage)?;
    }
    if messages.rest.is_empty() { Ok(packet) } else { Err(PacketError::TrailingBytes) }
}

impl<'a> Packet<'a> {
    /// What it brings.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> PacketKind {
        match self.header.message_count.get() {
            COUNT_HEARTBEAT => PacketKind::Heartbeat,
            COUNT_END_OF_SESSION => PacketKind::EndOfSession,
            _ => PacketKind::Messages,
        }
    }

    /// The session its numbers belong to.
    #[inline]
    #[must_use]
    pub const fn session(&self) -> &'a Session {
        &self.header.session
    }

    /// The number of its first message, or the number due next when it has none. From 1.
    #[inline]
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.header.sequence_number.get()
    }

    /// The messages in it.
    #[inline]
    #[must_use]
    pub const fn count(&self) -> u64 {
        match self.header.message_count.get() {
            COUNT_HEARTBEAT | COUNT_END_OF_SESSION => 0,
            count => count as u64,
        }
    }

    /// The number after its last message. Fits: [`decode`] checked it.
    #[inline]
    #[must_use]
    pub const fn sequence_end(&self) -> u64 {
        self.sequence() + self.count()
    }

    /// Its messages, [`Packet::count`] of them.
    #[inline]
    #[must_use]
    pub const fn messages(&self) -> Messages<'a> {
        Messages { rest: self.blocks }
    }
}

/// The messages of a packet, in order.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (&length, rest) = self.rest.split_first_chunk::<LENGTH_SIZE>()?;
        let (message, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(length)))?;
        self.rest = rest;
        Some(message)
    }
}
