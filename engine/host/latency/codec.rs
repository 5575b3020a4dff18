//! One histogram as the text of an interval log: HdrHistogram's V2 encoding, compressed, in base 64.
//!
//! A header of 40 bytes in network order says bounds and precision; behind it stand the counts in
//! order of value, zigzag and LEB128 (at most nine bytes), a negative number for a run of zeros. All
//! of it is compressed by zlib behind a cookie and a length. What is read may come from anyone: its
//! size is bounded, every number is checked, and nothing panics.
//!
//! Source: HdrHistogram, `AbstractHistogram.encodeIntoByteBuffer` and `ZigZagLEB128Codec` (V2).

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::LatencyHistogram;
use super::distribution::Distribution;

const COOKIE: u32 = 0x1c84_9313;
const COOKIE_COMPRESSED: u32 = 0x1c84_9314;
const HEADER_SIZE: usize = 40;
/// The largest encoding taken, not compressed: more than any histogram of five digits has.
const ENCODED_SIZE_MAX: u64 = 64 << 20;

/// Why the text of a histogram cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecFault {
    /// Not base 64.
    Base64,
    /// The cookie is not that of a V2 histogram.
    Cookie,
    /// Shorter than it says, or than a header.
    Short,
    /// The compressed bytes are damaged, or too many.
    Compression,
    /// Bounds, digits or ratio that no histogram of integers has.
    Bounds,
    /// Counts beyond the bounds of values or of numbers.
    Counts,
}

impl CodecFault {
    /// What people read.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Base64 => "the histogram is not in base 64",
            Self::Cookie => "the histogram is not of the V2 format",
            Self::Short => "the histogram is cut short",
            Self::Compression => "the compressed histogram is damaged",
            Self::Bounds => "the histogram's bounds cannot be",
            Self::Counts => "the histogram's counts do not fit its bounds",
        }
    }
}

/// How values map to places, as HdrHistogram has it.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// Power of two of the lowest value told from 0.
    unit: u32,
    /// Power of two of half the places of a bucket.
    half: u32,
}

impl Shape {
    fn new(low: u64, digits: u32) -> Option<Self> {
        if low == 0 || digits > 5 {
            return None;
        }
        let unit = low.ilog2();
        let places = (2 * 10_u64.pow(digits)).next_power_of_two();
        let half = places.ilog2() - 1;
        (unit + half < 62).then_some(Self { unit, half })
    }

    /// The place of a value.
    fn index(self, value: u64) -> usize {
        let Self { unit, half } = self;
        let mask = ((2_u64 << half) - 1) << unit;
        let bucket = 63 - (value | mask).leading_zeros() - unit - half;
        let within = value >> (bucket + unit);
        (((u64::from(bucket) + 1) << half) + within - (1 << half)) as usize
    }

    /// The highest value of a place, `None` where no 64 bits hold it.
    fn value_highest(self, index: usize) -> Option<u64> {
        let Self { unit, half } = self;
        let (bucket, places) = (index >> half, 1_u64 << half);
        let within = index as u64 & (places - 1);
        let (bucket, within) = match bucket {
            0 => (0, within),
            bucket => (bucket - 1, within + places),
        };
        let shift = u32::try_from(bucket).ok()?.checked_add(unit)?;
        let width = 1_u64.checked_shl(shift)?;
        within.checked_mul(width)?.checked_add(width - 1)
    }
}

/// Appends the text of a histogram. `scratch` is only memory, kept between calls.
pub(super) fn encode(histogram: &LatencyHistogram, scratch: &mut Vec<u8>, text: &mut String) {
    let (low, high, digits) = histogram.bounds();
    scratch.clear();
    scratch.resize(HEADER_SIZE, 0);
    // The bounds are those of `LatencyHistogram`, which have a shape.
    let Some(shape) = Shape::new(low, digits) else { return };
    let mut next = 0;
    for (value, count) in histogram.recorded() {
        let index = shape.index(value);
        if index > next {
            write_number(scratch, -((index - next) as i64));
        }
        write_number(scratch, i64::try_from(count).unwrap_or(i64::MAX));
        next = index + 1;
    }
    let payload = (scratch.len() - HEADER_SIZE) as u32;
    let header = [COOKIE, payload, 0, digits].map(u32::to_be_bytes).concat();
    let bounds = [low, high, 1.0_f64.to_bits()].map(u64::to_be_bytes).concat();
    scratch[..16].copy_from_slice(&header);
    scratch[16..HEADER_SIZE].copy_from_slice(&bounds);
    let mut encoder = ZlibEncoder::new(vec![0; 8], Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(scratch);
    let Ok(mut packed) = encoder.finish() else { return };
    let size = (packed.len() - 8) as u32;
    packed[..4].copy_from_slice(&COOKIE_COMPRESSED.to_be_bytes());
    packed[4..8].copy_from_slice(&size.to_be_bytes());
    write_base64(&packed, text);
}

/// Reads the text of a histogram.
///
/// # Errors
///
/// [`CodecFault`] says what is wrong with it.
pub(super) fn decode(text: &str) -> Result<Distribution, CodecFault> {
    let packed = read_base64(text.trim_end()).ok_or(CodecFault::Base64)?;
    let encoded = unpack(&packed)?;
    let (header, counts) = encoded.split_at_checked(HEADER_SIZE).ok_or(CodecFault::Short)?;
    let number = |at: usize| be_u64(&header[at..at + 8]);
    let word = |at: usize| be_u64(&header[at..at + 4]);
    if word(0) != u64::from(COOKIE) {
        return Err(CodecFault::Cookie);
    }
    // An offset or a ratio belongs to histograms of fractions.
    let is_integral = word(8) == 0 && f64::from_bits(number(32)) == 1.0;
    let shape = u32::try_from(word(12)).ok().and_then(|digits| Shape::new(number(16), digits));
    let shape = shape.filter(|_| is_integral).ok_or(CodecFault::Bounds)?;
    let counts = counts.get(..word(4) as usize).ok_or(CodecFault::Short)?;
    read_counts(counts, shape)
}

/// What is behind the compressed cookie; bytes that are not compressed are taken as they are.
fn unpack(packed: &[u8]) -> Result<Vec<u8>, CodecFault> {
    let (cookie, rest) = packed.split_at_checked(4).ok_or(CodecFault::Short)?;
    match u32::try_from(be_u64(cookie)) {
        Ok(COOKIE) => return Ok(packed.to_vec()),
        Ok(COOKIE_COMPRESSED) => {}
        _ => return Err(CodecFault::Cookie),
    }
    let (size, rest) = rest.split_at_checked(4).ok_or(CodecFault::Short)?;
    let rest = rest.get(..be_u64(size) as usize).ok_or(CodecFault::Short)?;
    let mut encoded = Vec::new();
    let mut decoder = ZlibDecoder::new(rest).take(ENCODED_SIZE_MAX + 1);
    let read = decoder.read_to_end(&mut encoded).map_err(|_| CodecFault::Compression)?;
    if read as u64 > ENCODED_SIZE_MAX { Err(CodecFault::Compression) } else { Ok(encoded) }
}

fn read_counts(mut bytes: &[u8], shape: Shape) -> Result<Distribution, CodecFault> {
    let (mut values, mut index, mut total) = (Vec::new(), 0_usize, 0_u64);
    while !bytes.is_empty() {
        let number = read_number(&mut bytes).ok_or(CodecFault::Short)?;
        if number > 0 {
            let value = shape.value_highest(index).ok_or(CodecFault::Counts)?;
            total = total.checked_add(number.unsigned_abs()).ok_or(CodecFault::Counts)?;
            values.push((value, number.unsigned_abs()));
        }
        let step = if number < 0 { number.unsigned_abs() } else { 1 };
        let step = usize::try_from(step).map_err(|_| CodecFault::Counts)?;
        index = index.checked_add(step).ok_or(CodecFault::Counts)?;
    }
    Ok(Distribution::of_sorted(values))
}

fn be_u64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Zigzag, then seven bits a byte, low ones first; a ninth byte has eight.
fn write_number(bytes: &mut Vec<u8>, number: i64) {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        if left < 0x80 {
            bytes.push(left as u8);
            return;
        }
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

fn read_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for place in 0..9 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let is_last = place == 8 || byte < 0x80;
        let low = if place == 8 { byte } else { byte & 0x7F };
        number |= u64::from(low) << (7 * place);
        if is_last {
            break;
        }
    }
    Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base 64 with padding (RFC 4648, section 4).
pub(super) fn write_base64(bytes: &[u8], text: &mut String) {
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|place| u32::from(chunk.get(place).copied().unwrap_or(0)));
        let word = a << 16 | b << 8 | c;
        for place in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
}

pub(super) fn read_base64(text: &str) -> Option<Vec<u8>> {
    let digit = |letter: u8| {
        Some(u32::from(match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let letters = text.as_bytes();
    let padding = letters.iter().rev().take_while(|letter| **letter == b'=').count();
    if !letters.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3);
    for chunk in letters[..letters.len() - padding].chunks(4) {
        let mut word = 0;
        for place in 0..4 {
            word = word << 6 | chunk.get(place).map_or(Some(0), |letter| digit(*letter))?;
        }
        bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(histogram: &LatencyHistogram) -> String {
        let mut text = String::new();
        encode(histogram, &mut Vec::new(), &mut text);
        text
    }

    #[test]
    fn what_is_written_is_read_value_by_value() {
        let mut random = 7_u64;
        for count in [0, 1, 2, 100, 10_000] {
            let mut histogram = LatencyHistogram::new();
            for _ in 0..count {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                histogram.record(random >> (28 + (random >> 8) % 36));
            }
            let read = decode(&text(&histogram)).unwrap();
            assert_eq!(read.count(), histogram.count());
            for quantile in [0.1, 0.5, 0.9, 0.99, 0.999, 1.0] {
                assert_eq!(read.quantile(quantile), histogram.quantile(quantile), "{quantile}");
            }
            assert_eq!(read.max(), histogram.max());
        }
    }

    #[test]
    fn numbers_and_letters_lead_back() {
        for number in [0, 1, -1, 63, 64, -64, -65, i64::MAX, i64::MIN, 1 << 55, -(1 << 56)] {
            let mut bytes = Vec::new();
            write_number(&mut bytes, number);
            assert!(bytes.len() <= 9);
            let mut left = &bytes[..];
            assert_eq!((read_number(&mut left), left.len()), (Some(number), 0));
        }
        // RFC 4648, section 10.
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foobar", "Zm9vYmFy")] {
            let mut text = String::new();
            write_base64(plain.as_bytes(), &mut text);
            assert_eq!(text, coded);
            assert_eq!(read_base64(coded).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn what_is_damaged_is_refused_by_name_and_never_panics() {
        let mut histogram = LatencyHistogram::new();
        (1..2_000).for_each(|ns| histogram.record(ns * 37));
        let good = text(&histogram);
        for cut in 0..good.len() {
            assert!(decode(&good[..cut]).is_err(), "{cut}");
        }
        let bytes = read_base64(&good).unwrap();
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[place] ^= 1 << bit;
                let mut text = String::new();
                write_base64(&damaged, &mut text);
                // Zlib's checksum covers what it holds; bits that say nothing may be anything.
                let read = decode(&text);
                assert!(read.is_err() || read == decode(&good), "byte {place}");
            }
        }
        let mut plain = unpack(&bytes).unwrap();
        for (at, byte, fault) in [
            (0, 0, CodecFault::Cookie),
            (11, 1, CodecFault::Bounds),
            (15, 6, CodecFault::Bounds),
            (23, 0, CodecFault::Bounds),
            (32, 0, CodecFault::Bounds),
            (4, 1, CodecFault::Short),
        ] {
            let before = std::mem::replace(&mut plain[at], byte);
            let mut text = String::new();
            write_base64(&plain, &mut text);
            let found = decode(&text).unwrap_err();
            plain[at] = before;
            // A plain encoding with another cookie is no histogram at all.
            assert_eq!(found, fault, "byte {at}");
        }
        // A count beyond every value, and a run of zeros as long as numbers go.
        let shape = Shape::new(1, 2).unwrap();
        for run in [-1_000_000, i64::MIN] {
            let mut counts = Vec::new();
            write_number(&mut counts, run);
            write_number(&mut counts, 1);
            assert_eq!(read_counts(&counts, shape), Err(CodecFault::Counts));
        }
    }
}
