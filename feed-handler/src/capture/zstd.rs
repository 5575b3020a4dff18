//! Zstandard, frame by frame and block by block, with the checks of RFC 8878: the framing of
//! blocks, the size of the content, its checksum.
//!
//! `ruzstd` decodes the blocks. The window a frame asks for is allocated when the frame begins, so
//! it is bounded here; the decoder's buffer is at most twice as large.

use std::io::Read;

use ruzstd::decoding::errors::{FrameDecoderError, FrameHeaderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::error::StreamFault;
use super::window::Decoded;

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
const SKIPPABLE_HEADER_SIZE: usize = 8;
const BLOCK_HEADER_SIZE: usize = 3;
/// The most bytes a block may hold or become (section 3.1.1.2).
const BLOCK_SIZE_MAX: usize = 128 << 10;

/// Whether a skippable frame begins with these bytes (section 3.1.2).
pub(super) const fn is_skippable(magic: [u8; 4]) -> bool {
    matches!(magic, [0x50..=0x5F, 0x2A, 0x4D, 0x18])
}

/// Decompresses a file of one frame or several.
pub(super) struct Zstd<'a> {
    input: &'a [u8],
    position: usize,
    is_in_frame: bool,
    /// Bytes that came out of this frame.
    given: u64,
    decoder: FrameDecoder,
    fault: Option<StreamFault>,
}

impl<'a> Zstd<'a> {
    pub(super) fn new(input: &'a [u8], window_size_max: u64) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(window_size_max);
        Self { input, position: 0, is_in_frame: false, given: 0, decoder, fault: None }
    }

    /// How many bytes of the input were taken.
    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// Decompresses the next bytes into `out`, which must not be empty.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Decoded {
        loop {
            if self.is_in_frame && self.decoder.can_collect() > 0 {
                let size = self.decoder.read(out).unwrap_or(0);
                if size > 0 {
                    self.given += size as u64;
                    return Decoded::Bytes(size);
                }
                self.fault = self.fault.or(Some(StreamFault::Corrupt));
            }
            if let Some(fault) = self.fault {
                return Decoded::Fault(fault);
            }
            if !self.is_in_frame {
                if self.position == self.input.len() {
                    return Decoded::End;
                }
                self.fault = self.begin_frame().err();
            } else if self.decoder.is_finished() {
                self.is_in_frame = false;
                self.fault = self.check_frame().err();
            } else if let Err(fault) = self.decode_block() {
                self.fault = Some(fault);
                self.close_frame();
            }
        }
    }

    /// Reads a frame's header, or passes over a skippable frame.
    fn begin_frame(&mut self) -> Result<(), StreamFault> {
        use ReadFrameHeaderError as Header;
        let rest = &self.input[self.position..];
        let mut source = rest;
        match self.decoder.reset(&mut source) {
            Ok(()) => {
                self.position = self.input.len() - source.len();
                (self.is_in_frame, self.given) = (true, 0);
                Ok(())
            }
            Err(FrameDecoderError::ReadFrameHeaderError(Header::SkipFrame { length, .. })) => {
                let size = SKIPPABLE_HEADER_SIZE + length as usize;
                self.position += rest.get(..size).ok_or(StreamFault::Truncated)?.len();
                Ok(())
            }
            Err(error) => Err(header_fault(&error)),
        }
    }

    /// Looks at the framing first, so that a file cut short is told from a damaged one.
    fn decode_block(&mut self) -> Result<(), StreamFault> {
        const TYPE_RLE: u32 = 1;
        const TYPE_RESERVED: u32 = 3;
        let rest = &self.input[self.position..];
        let &[low, middle, high] =
            rest.first_chunk::<BLOCK_HEADER_SIZE>().ok_or(StreamFault::Truncated)?;
        let header = u32::from_le_bytes([low, middle, high, 0]);
        let (block_type, size) = (header >> 1 & 3, (header >> 3) as usize);
        if block_type == TYPE_RESERVED || size > BLOCK_SIZE_MAX {
            return Err(StreamFault::Corrupt);
        }
        let size = if block_type == TYPE_RLE { 1 } else { size };
        if rest.len() - BLOCK_HEADER_SIZE < size {
            return Err(StreamFault::Truncated);
        }
        let mut source = rest;
        let outcome = self.decoder.decode_blocks(&mut source, BlockDecodingStrategy::UptoBlocks(1));
        match outcome {
            Ok(_) => {
                self.position = self.input.len() - source.len();
                Ok(())
            }
            Err(FrameDecoderError::FailedToReadChecksum(_)) => Err(StreamFault::Truncated),
            Err(_) => Err(StreamFault::Corrupt),
        }
    }

    /// Makes the decoder give out the window it holds back for blocks that will not come: an empty
    /// last block, and a checksum that is not looked at, end the frame for it.
    fn close_frame(&mut self) {
        const EMPTY_LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let once = BlockDecodingStrategy::UptoBlocks(1);
        // It cannot fail; if it did, only the bytes held back would be lost.
        let _ = self.decoder.decode_blocks(&EMPTY_LAST_BLOCK[..], once);
    }

    /// After the last byte: what the frame says about its content.
    fn check_frame(&self) -> Result<(), StreamFault> {
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(StreamFault::Checksum);
        }
        // 0 stands for "not said".
        let size = self.decoder.content_size();
        if size == 0 || size == self.given { Ok(()) } else { Err(StreamFault::Size) }
    }
}

fn header_fault(error: &FrameDecoderError) -> StreamFault {
    use ReadFrameHeaderError as Header;
    match error {
        FrameDecoderError::WindowSizeTooBig { .. }
        | FrameDecoderError::FrameHeaderError(FrameHeaderError::WindowTooBig { .. }) => {
            StreamFault::WindowTooLarge
        }
        FrameDecoderError::DictNotProvided { .. } => StreamFault::Dictionary,
        FrameDecoderError::ReadFrameHeaderError(
            Header::MagicNumberReadError(_)
            | Header::FrameDescriptorReadError(_)
            | Header::WindowDescriptorReadError(_)
            | Header::DictionaryIdReadError(_)
            | Header::FrameContentSizeReadError(_),
        ) => StreamFault::Truncated,
        _ => StreamFault::Header,
    }
}
