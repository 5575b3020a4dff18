//! Packets out of a stream of bytes that may be cut anywhere.

use super::super::decode::DecodeError;
use super::super::envelope::PACKET_SIZE_MAX;
use super::super::wire::Envelope;

/// The fewest bytes of a packet: an envelope and a transaction code.
const PACKET_SIZE_MIN: usize = Envelope::SIZE + 2;

/// Collects one packet at a time; a packet is copied, since it is deciphered in place.
pub(in super::super) struct Framer {
    buffer: [u8; PACKET_SIZE_MAX],
    filled: usize,
}

impl Framer {
    pub(in super::super) const fn new() -> Self {
        Self { buffer: [0; PACKET_SIZE_MAX], filled: 0 }
    }

    /// Forgets a packet begun.
    pub(in super::super) const fn clear(&mut self) {
        self.filled = 0;
    }

    /// Takes bytes up to the end of one packet: how many, and whether the packet is whole.
    ///
    /// # Errors
    ///
    /// [`DecodeError::PacketLength`]: the stream is lost.
    #[inline]
    pub(in super::super) fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), DecodeError> {
        let mut taken = 0;
        if self.filled < 2 {
            taken = self.fill(bytes, 2);
            if self.filled < 2 {
                return Ok((taken, false));
            }
        }
        let length = u16::from_be_bytes([self.buffer[0], self.buffer[1]]);
        let size = usize::from(length);
        if !(PACKET_SIZE_MIN..=PACKET_SIZE_MAX).contains(&size) {
            return Err(DecodeError::PacketLength { length });
        }
        taken += self.fill(&bytes[taken..], size);
        Ok((taken, self.filled == size))
    }

    /// The packet that [`Self::take`] said is whole. The next call of it begins another.
    #[inline]
    pub(in super::super) fn packet(&mut self) -> &mut [u8] {
        let size = core::mem::take(&mut self.filled);
        &mut self.buffer[..size]
    }

    fn fill(&mut self, bytes: &[u8], upto: usize) -> usize {
        let size = bytes.len().min(upto.saturating_sub(self.filled));
        self.buffer[self.filled..self.filled + size].copy_from_slice(&bytes[..size]);
        self.filled += size;
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_whole_however_the_stream_is_cut() {
        let mut stream = Vec::new();
        for size in [24_usize, 1024, 25, 62, 180] {
            stream.extend((size as u16).to_be_bytes());
            stream.extend((2..size).map(|at| (at * size) as u8));
        }
        for step in [1, 2, 3, 23, 24, 25, 1024, stream.len()] {
            let (mut framer, mut found) = (Framer::new(), Vec::new());
            for mut chunk in stream.chunks(step) {
                while !chunk.is_empty() {
                    let (taken, whole) = framer.take(chunk).unwrap();
                    chunk = &chunk[taken..];
                    if whole {
                        found.extend_from_slice(framer.packet());
                    }
                }
            }
            assert_eq!(found, stream, "cut at every {step}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_loses_the_stream() {
        for length in [0_u16, 23, 1025, u16::MAX] {
            let error = Framer::new().take(&length.to_be_bytes());
            assert_eq!(error, Err(DecodeError::PacketLength { length }));
        }
    }
}
