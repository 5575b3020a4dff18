//! LZO1Z: the compression of the broadcast feed, decoded without trust in a single byte of it.
//!
//! A stream is a list of instructions that copy literals from the input or earlier output to the
//! end of the output. LZO1Z is LZO1X with other distance bits, and an instruction that reuses the
//! last distance. The format has no specification; the instruction table, and how it was checked
//! against liblzo2 (whose code is not used here), is in `docs/wire/nse_broadcast.md`.
//!
//! [`decompress`] never reads outside its input, never writes outside its output, and ends: every
//! instruction takes at least one byte of input. [`compress`] serves the simulated exchange.

use super::DecodeError;

/// Distances of a two-byte match end here; a match right after a literal run counts from here.
const SHORT_DISTANCE_MAX: usize = 0x700;
/// Distances of the farthest kind of match begin behind this.
const FAR_DISTANCE_BASE: usize = 0x4000;
/// The low six bits of a distance share a byte with the literal count.
const DISTANCE_LOW_BITS: usize = 6;
/// "The last literals were a run": told from the 0 to 3 that follow a match.
const AFTER_RUN: usize = 4;
/// Short copies move this many bytes at once where there is room: what is too many is written over
/// by what follows. A copy of known size is two instructions, one of unknown size is a call.
const CHUNK: usize = 16;
/// The far match of distance zero that ends a stream.
const END_MARKER: [u8; 3] = [17, 0, 0];

/// Decompresses one whole stream to the start of `output`; returns how many bytes that is.
///
/// What `output` holds behind them, and on an error all of it, is unspecified.
///
/// # Errors
///
/// [`DecodeError::LzoInputOverrun`], [`DecodeError::LzoOutputOverrun`],
/// [`DecodeError::LzoLookbehind`], [`DecodeError::LzoTrailingInput`].
pub fn decompress(input: &[u8], output: &mut [u8]) -> Result<usize, DecodeError> {
    let mut stream = Stream { input, output, length: 0, distance_last: 0 };
    let mut literals = stream.leading_literals()?;
    loop {
        let instruction = usize::from(stream.byte()?);
        let (distance, length, tail) = match instruction {
            0..16 if literals == 0 => {
                let count = stream.extended(instruction, 15)? + 3;
                stream.copy_literals(count)?;
                literals = AFTER_RUN;
                continue;
            }
            0..16 => {
                let (low, tail) = split(stream.byte()?);
                let distance = 1 + (instruction << DISTANCE_LOW_BITS) + low;
                if literals == AFTER_RUN {
                    (distance + SHORT_DISTANCE_MAX, 3, tail)
                } else {
                    (distance, 2, tail)
                }
            }
            16..32 => {
                let length = stream.extended(instruction & 7, 7)? + 2;
                let (distance, tail) = stream.long_distance()?;
                let distance = ((instruction & 8) << 11) + distance;
                if distance == 0 {
                    return stream.end();
                }
                (distance + FAR_DISTANCE_BASE, length, tail)
            }
            32..64 => {
                let length = stream.extended(instruction & 31, 31)? + 2;
                let (distance, tail) = stream.long_distance()?;
                (distance + 1, length, tail)
            }
            _ => stream.short_match(instruction)?,
        };
        stream.copy_match(distance, length)?;
        stream.copy_literals(tail)?;
        literals = tail;
    }
}

/// The low bits of a distance, and the number of literals that follow the match.
#[inline]
const fn split(byte: u8) -> (usize, usize) {
    ((byte >> 2) as usize, (byte & 3) as usize)
}

/// A stream half decoded. `output[..length]` is what is made so far.
struct Stream<'i, 'o> {
    input: &'i [u8],
    output: &'o mut [u8],
    length: usize,
    /// Zero before the first match, which no match may have.
    distance_last: usize,
}

impl Stream<'_, '_> {
    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&byte, rest) = self.input.split_first().ok_or(DecodeError::LzoInputOverrun)?;
        self.input = rest;
        Ok(byte)
    }

    /// A first byte above 17 is a count of literals, which only the start of a stream has.
    fn leading_literals(&mut self) -> Result<usize, DecodeError> {
        match self.input.first() {
            Some(&first) if first > 17 => {
                self.byte()?;
                let count = usize::from(first) - 17;
                self.copy_literals(count)?;
                Ok(count.min(AFTER_RUN))
            }
            _ => Ok(0),
        }
    }

    /// A length: `bits`, or when these are zero, `base` and the bytes that follow up to the first
    /// that is not zero, each zero standing for 255.
    #[inline]
    fn extended(&mut self, bits: usize, base: usize) -> Result<usize, DecodeError> {
        if bits != 0 {
            return Ok(bits);
        }
        let mut length = base;
        loop {
            match self.byte()? {
                0 => length += 255,
                last => return Ok(length + usize::from(last)),
            }
        }
    }

    /// The two bytes of a long distance, and the literals after it.
    #[inline]
    fn long_distance(&mut self) -> Result<(usize, usize), DecodeError> {
        let high = usize::from(self.byte()?);
        let (low, tail) = split(self.byte()?);
        Ok(((high << DISTANCE_LOW_BITS) + low, tail))
    }

    /// Three bits of length, five of distance; the four highest distances mean "the last one", with
    /// the literal count in their low bits.
    #[inline]
    fn short_match(&mut self, instruction: usize) -> Result<(usize, usize, usize), DecodeError> {
        let length = (instruction >> 5) + 1;
        let high = instruction & 31;
        if high >= SHORT_DISTANCE_MAX >> DISTANCE_LOW_BITS {
            return Ok((self.distance_last, length, instruction & 3));
        }
        let (low, tail) = split(self.byte()?);
        Ok((1 + (high << DISTANCE_LOW_BITS) + low, length, tail))
    }

    #[inline]
    fn copy_literals(&mut self, count: usize) -> Result<(), DecodeError> {
        if count == 0 {
            return Ok(());
        }
        if count <= CHUNK
            && let Some(chunk) = self.input.first_chunk::<CHUNK>()
            && let Some(to) = self.output[self.length..].first_chunk_mut()
        {
            *to = *chunk;
            self.input = &self.input[count..];
            self.length += count;
            return Ok(());
        }
        let (from, rest) =
            self.input.split_at_checked(count).ok_or(DecodeError::LzoInputOverrun)?;
        let to = self.output.get_mut(self.length..self.length + count);
        to.ok_or(DecodeError::LzoOutputOverrun)?.copy_from_slice(from);
        self.input = rest;
        self.length += count;
        Ok(())
    }

    /// Copies from `distance` back. Source and target may overlap: the copied bytes then repeat.
    #[inline]
    fn copy_match(&mut self, distance: usize, length: usize) -> Result<(), DecodeError> {
        if distance == 0 || self.length < distance {
            return Err(DecodeError::LzoLookbehind);
        }
        let start = self.length - distance;
        let end = self.length + length;
        if self.output.len() < end {
            return Err(DecodeError::LzoOutputOverrun);
        }
        let (made, to) = self.output.split_at_mut(self.length);
        if length <= CHUNK
            && let Some(chunk) = made[start..].first_chunk::<CHUNK>()
            && let Some(to) = to.first_chunk_mut()
        {
            *to = *chunk;
        } else if length <= distance {
            self.output.copy_within(start..start + length, self.length);
        } else if distance == 1 {
            let byte = self.output[start];
            self.output[self.length..end].fill(byte);
        } else {
            for index in start..start + length {
                self.output[index + distance] = self.output[index];
            }
        }
        self.length = end;
        self.distance_last = distance;
        Ok(())
    }

    fn end(&self) -> Result<usize, DecodeError> {
        if self.input.is_empty() { Ok(self.length) } else { Err(DecodeError::LzoTrailingInput) }
    }
}

/// The longest input [`compress`] takes: its distances stay within those of a short match.
pub const COMPRESS_SIZE_MAX: usize = SHORT_DISTANCE_MAX;

/// Compresses `input` to the start of `output`; returns how many bytes that is, `None` when
/// `output` is too small or `input` longer than [`COMPRESS_SIZE_MAX`].
///
/// Greedy, with one candidate for each hash of three bytes: about as good as the messages of this
/// feed need. `input.len() + input.len() / 16 + 67` bytes of output always suffice, as for LZO.
#[must_use]
pub fn compress(input: &[u8], output: &mut [u8]) -> Option<usize> {
    if input.len() > COMPRESS_SIZE_MAX {
        return None;
    }
    let mut writer = Writer { output, length: 0, distance_last: 0 };
    let mut candidates = [u16::MAX; 1 << HASH_BITS];
    let (mut pending, mut at) = (0, 0);
    while let Some(window) = input.get(at..).and_then(<[u8]>::first_chunk::<3>) {
        let candidate = &mut candidates[hash(window)];
        let earlier = usize::from(*candidate);
        *candidate = at as u16;
        let length = match_length(input, earlier, at);
        if length < 3 {
            at += 1;
            continue;
        }
        writer.literals(&input[pending..at])?;
        writer.copy(at - earlier, length)?;
        at += length;
        pending = at;
    }
    writer.literals(&input[pending..])?;
    writer.bytes(&END_MARKER)?;
    Some(writer.length)
}

const HASH_BITS: u32 = 9;

/// Fibonacci hashing (Knuth, volume 3, section 6.4) of three bytes.
#[inline]
const fn hash(window: &[u8; 3]) -> usize {
    let word = u32::from_le_bytes([window[0], window[1], window[2], 0]);
    (word.wrapping_mul(0x9E37_79B1) >> (u32::BITS - HASH_BITS)) as usize
}

/// How many bytes at `at` repeat those at `earlier`; 0 when `earlier` is not before `at`.
fn match_length(input: &[u8], earlier: usize, at: usize) -> usize {
    if earlier >= at {
        return 0;
    }
    input[at..].iter().zip(&input[earlier..]).take_while(|(a, b)| a == b).count()
}

/// A stream half encoded.
struct Writer<'o> {
    output: &'o mut [u8],
    length: usize,
    distance_last: usize,
}

impl Writer<'_> {
    fn bytes(&mut self, bytes: &[u8]) -> Option<()> {
        self.output.get_mut(self.length..self.length + bytes.len())?.copy_from_slice(bytes);
        self.length += bytes.len();
        Some(())
    }

    /// A length above `base`: zeros of 255 each, then what is left, 1 to 255.
    fn extension(&mut self, mut rest: usize) -> Option<()> {
        while rest > 255 {
            self.bytes(&[0])?;
            rest -= 255;
        }
        self.bytes(&[rest as u8])
    }

    /// Up to three literals share the last byte of the match before them.
    fn literals(&mut self, literals: &[u8]) -> Option<()> {
        match literals.len() {
            0 => return Some(()),
            count @ 1..=238 if self.length == 0 => self.bytes(&[17 + count as u8])?,
            count @ 1..=3 => self.output[self.length - 1] |= count as u8,
            count @ 4..=18 => self.bytes(&[count as u8 - 3])?,
            count => {
                self.bytes(&[0])?;
                self.extension(count - 18)?;
            }
        }
        self.bytes(literals)
    }

    /// A match of at least three bytes, `distance` of 1 to [`COMPRESS_SIZE_MAX`] back.
    fn copy(&mut self, distance: usize, length: usize) -> Option<()> {
        debug_assert!(3 <= length && (1..=COMPRESS_SIZE_MAX).contains(&distance));
        let (high, low) = ((distance - 1) >> DISTANCE_LOW_BITS, ((distance - 1) & 63) << 2);
        match length {
            3..=8 if distance == self.distance_last => {
                self.bytes(&[((length - 1) << 5 | 0x1C) as u8])?;
            }
            3..=8 => self.bytes(&[((length - 1) << 5 | high) as u8, low as u8])?,
            9..=33 => self.bytes(&[(32 | (length - 2)) as u8, high as u8, low as u8])?,
            _ => {
                self.bytes(&[32])?;
                self.extension(length - 33)?;
                self.bytes(&[high as u8, low as u8])?;
            }
        }
        self.distance_last = distance;
        Some(())
    }
}
