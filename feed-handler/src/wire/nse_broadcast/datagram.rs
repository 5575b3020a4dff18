//! Framing: the packed messages of one datagram, and each one's bytes in the clear.

use tezi_model::Segment;

use super::layout::{DatagramHeader, MessageHeader};
use super::{DecodeError, decompress};

/// Bytes before the header of every message that are not used; byte 0 is the market type.
pub const LEAD_SIZE: usize = 8;
/// No message is longer in the clear, its eight leading bytes included. The longest documented one
/// is 574 bytes; NNF bounds its packets by 1,024.
pub const MESSAGE_SIZE_MAX: usize = 1024;
/// Bytes that lead every message in the clear.
pub(super) const HEAD_SIZE: usize = LEAD_SIZE + size_of::<MessageHeader>();

/// `cNetId` of F&O.
pub(super) const NETWORK_FO: u8 = 2;
/// `cNetId` of CM.
pub(super) const NETWORK_CM: u8 = 4;
/// `cNetId` of currency derivatives.
const NETWORK_CD: u8 = 6;

/// One packed message, still in the bytes it came in. Eight unused bytes lead it in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// An LZO1Z stream.
    Compressed(&'a [u8]),
    /// The message itself.
    Plain(&'a [u8]),
}

impl<'a> Packet<'a> {
    /// The message in the clear: the packet's own bytes, or decompressed into `scratch`.
    ///
    /// # Errors
    ///
    /// The LZO reasons of [`DecodeError`].
    #[inline]
    pub fn unpack<'s>(
        self,
        scratch: &'s mut [u8; MESSAGE_SIZE_MAX],
    ) -> Result<&'s [u8], DecodeError>
    where
        'a: 's,
    {
        match self {
            Self::Plain(bytes) => Ok(bytes),
            Self::Compressed(stream) => {
                let length = decompress(stream, scratch)?;
                Ok(&scratch[..length])
            }
        }
    }
}

/// The packed messages of one datagram, in order; see [`packets`].
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    segment: Segment,
    rest: &'a [u8],
    /// Messages still promised.
    left: u16,
}

/// Reads a datagram's header (FO 9.48, chapter 9). Bytes behind the last promised message are
/// padding and not looked at.
///
/// An error of the iterator itself means that framing is lost: it is the last item.
///
/// # Errors
///
/// [`DecodeError::TruncatedDatagram`], [`DecodeError::UnknownNetwork`],
/// [`DecodeError::UnsupportedNetwork`], [`DecodeError::PacketCountNotPositive`].
#[inline]
pub fn packets(datagram: &[u8]) -> Result<Packets<'_>, DecodeError> {
    let (header, rest) =
        prefix::<DatagramHeader>(datagram).ok_or(DecodeError::TruncatedDatagram)?;
    let segment = match header.net_id[0] {
        NETWORK_FO => Segment::NseFo,
        NETWORK_CM => Segment::NseCm,
        NETWORK_CD => return Err(DecodeError::UnsupportedNetwork),
        _ => return Err(DecodeError::UnknownNetwork),
    };
    match u16::try_from(header.no_packets.get()) {
        Ok(left) if left > 0 => Ok(Packets { segment, rest, left }),
        _ => Err(DecodeError::PacketCountNotPositive),
    }
}

impl<'a> Packets<'a> {
    /// The segment the datagram is of.
    #[inline]
    #[must_use]
    pub const fn segment(&self) -> Segment {
        self.segment
    }

    /// The bytes not yet read: behind the last promised message, padding.
    #[inline]
    #[must_use]
    pub const fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self) -> Result<Packet<'a>, DecodeError> {
        let rest = self.rest;
        let (&length, rest) = rest.split_first_chunk().ok_or(DecodeError::TruncatedPacket)?;
        let length = usize::try_from(i16::from_be_bytes(length))
            .map_err(|_| DecodeError::CompressedLengthNegative)?;
        let size = if length == 0 { plain_size(rest)? } else { length };
        let (bytes, rest) = rest.split_at_checked(size).ok_or(DecodeError::TruncatedPacket)?;
        self.rest = rest;
        Ok(if length == 0 { Packet::Plain(bytes) } else { Packet::Compressed(bytes) })
    }
}

/// The size of an uncompressed message: its `MessageLength` and the bytes that lead it.
fn plain_size(bytes: &[u8]) -> Result<usize, DecodeError> {
    let message = bytes.get(LEAD_SIZE..).and_then(prefix::<MessageHeader>);
    let (header, _) = message.ok_or(DecodeError::TruncatedPacket)?;
    match usize::try_from(header.message_length.get()) {
        Ok(length) if length >= size_of::<MessageHeader>() => Ok(LEAD_SIZE + length),
        _ => Err(DecodeError::ImpossibleLength),
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let packet = self.take();
        if packet.is_err() {
            self.left = 0;
        }
        Some(packet)
    }
}

/// The first bytes as their layout, and the rest.
#[inline]
pub(super) fn prefix<T: bytemuck::Pod>(bytes: &[u8]) -> Option<(&T, &[u8])> {
    let (head, rest) = bytes.split_at_checked(size_of::<T>())?;
    bytemuck::try_from_bytes(head).ok().map(|layout| (layout, rest))
}
