//! Files as they are delivered: Zstandard frames (RFC 8878), or plain.

use std::borrow::Cow;
use std::io::Read;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::FileError;

const FRAME_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// The least that leads a skippable frame: magic and length.
const SKIPPABLE_HEADER_SIZE: usize = 8;

/// The file's bytes, decompressed when they are compressed.
///
/// **Bound**: at most `size_max` bytes come out. For a file at once; it allocates.
///
/// # Errors
///
/// [`FileError::Compression`], [`FileError::TooLarge`].
pub fn decompress(file: &[u8], size_max: usize) -> Result<Cow<'_, [u8]>, FileError> {
    if file.first_chunk() != Some(&FRAME_MAGIC) {
        return Ok(Cow::Borrowed(file));
    }
    let mut out = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let offset = file.len() - rest.len();
        rest = frame(rest, size_max, &mut out).map_err(|error| match error {
            FrameFault::TooLarge => FileError::TooLarge { size_max },
            FrameFault::Damaged => FileError::Compression { offset },
        })?;
    }
    Ok(Cow::Owned(out))
}

enum FrameFault {
    Damaged,
    TooLarge,
}

/// Decompresses the first frame of `bytes` behind `out`; the rest of them.
fn frame<'a>(bytes: &'a [u8], size_max: usize, out: &mut Vec<u8>) -> Result<&'a [u8], FrameFault> {
    let mut decoder = match StreamingDecoder::new(bytes) {
        Ok(decoder) => decoder,
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => {
            return bytes.get(SKIPPABLE_HEADER_SIZE + length as usize..).ok_or(FrameFault::Damaged);
        }
        Err(_) => return Err(FrameFault::Damaged),
    };
    let room = size_max - out.len();
    let limit = (room as u64).saturating_add(1);
    let read = decoder.by_ref().take(limit).read_to_end(out).map_err(|_| FrameFault::Damaged)?;
    if read > room {
        return Err(FrameFault::TooLarge);
    }
    let (rest, decoder): (&[u8], FrameDecoder) = decoder.into_parts();
    let (expected, found) = (decoder.get_checksum_from_data(), decoder.get_calculated_checksum());
    if expected.is_some() && expected != found { Err(FrameFault::Damaged) } else { Ok(rest) }
}
