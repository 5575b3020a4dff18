//! The 22 bytes before every message: length, sequence, checksum (FO 9.48, chapter 11).

use super::decode::DecodeError;
use super::md5;
use super::wire::{BeU16, BeU32, Envelope};

/// The most bytes a packet may have, its envelope included.
pub(super) const PACKET_SIZE_MAX: usize = 1024;

/// The fewest bytes: an envelope and a transaction code.
const PACKET_SIZE_MIN: usize = Envelope::SIZE + 2;

/// Who guards the message against change on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The envelope carries the MD5 of the plain message: the plain method, and the older
    /// encrypted one.
    Md5,
    /// The encryption layer writes and checks its own tag; the encoder leaves sixteen zeros.
    None,
}

/// Writes the envelope of a message.
#[inline]
pub(super) fn seal(envelope: &mut Envelope, message: &[u8], sequence: u32, checksum: Checksum) {
    debug_assert!(Envelope::SIZE + message.len() <= PACKET_SIZE_MAX);
    envelope.length = BeU16::new((Envelope::SIZE + message.len()) as u16);
    envelope.sequence = BeU32::new(sequence);
    envelope.checksum = match checksum {
        Checksum::Md5 => md5::digest(message),
        Checksum::None => [0; 16],
    };
}

/// A packet with its envelope taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The sequence number; an answer carries that of its request in the encrypted methods.
    pub sequence: u32,
    /// MD5 of the plain message, or the tag of the encrypted one.
    pub checksum: [u8; 16],
    /// The message, encrypted if it came so.
    pub message: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Takes the first packet off a stream of bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] when the packet is not complete yet: read more and ask again.
    /// [`DecodeError::PacketLength`] when the length cannot be: the stream is lost.
    #[inline]
    pub fn parse(stream: &'a [u8]) -> Result<Self, DecodeError> {
        let Some((length, _)) = stream.split_first_chunk() else {
            return Err(DecodeError::Truncated);
        };
        let length = u16::from_be_bytes(*length);
        let size = usize::from(length);
        if !(PACKET_SIZE_MIN..=PACKET_SIZE_MAX).contains(&size) {
            return Err(DecodeError::PacketLength { length });
        }
        let Some((head, message)) =
            stream.get(..size).and_then(|packet| packet.split_at_checked(Envelope::SIZE))
        else {
            return Err(DecodeError::Truncated);
        };
        let envelope: Envelope = bytemuck::pod_read_unaligned(head);
        Ok(Self { sequence: envelope.sequence.get(), checksum: envelope.checksum, message })
    }

    /// Bytes the packet takes in the stream.
    #[inline]
    #[must_use]
    pub const fn size(&self) -> usize {
        Envelope::SIZE + self.message.len()
    }

    /// Checks the plain message against its checksum, where this layer has one.
    ///
    /// # Errors
    ///
    /// [`DecodeError::ChecksumMismatch`]: the rule is to drop the packet.
    #[inline]
    pub fn verify(&self, checksum: Checksum) -> Result<(), DecodeError> {
        match checksum {
            Checksum::Md5 if md5::digest(self.message) != self.checksum => {
                Err(DecodeError::ChecksumMismatch)
            }
            Checksum::Md5 | Checksum::None => Ok(()),
        }
    }
}
