//! CRC32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, appendix B.4).
//!
//! One record is a few words long, so what counts is the first word, not the gigabyte: the SSE4.2
//! instruction inlined beats every library below about 256 bytes. Other processors take
//! slicing-by-8 tables, which are also the oracle of the tests. The choice is made once, when a
//! [`Crc32c`] is made, and both give the same numbers.
#![allow(unsafe_code, reason = "calls functions compiled for SSE4.2, behind a check for it")]

use crate::{RECORD_HEADER_BYTES, format::RecordHeader, mapping::WriteHalf};

/// Payloads from here on are written eight words at a time.
const LONG_BYTES: usize = 128;

/// Reflected Castagnoli polynomial.
const POLYNOMIAL: u32 = 0x82F6_3B78;

/// `TABLES[k][b]`: the register after byte `b` and `k` zero bytes.
static TABLES: [[u32; 256]; 8] = tables();

/// Computes CRC32C with the best means this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c {
    hardware: bool,
}

impl Crc32c {
    /// The table version, on every processor.
    pub const TABLE: Self = Self { hardware: false };

    /// The fastest version of this processor.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        let hardware = is_x86_feature_detected!("sse4.2");
        #[cfg(not(target_arch = "x86_64"))]
        let hardware = false;
        Self { hardware }
    }

    /// The CRC32C of `bytes` as everyone computes it: register of ones, result inverted.
    #[must_use]
    pub fn checksum(self, bytes: &[u8]) -> u32 {
        !self.update(!0, bytes)
    }

    /// The register after `bytes`; `register` is not inverted on the way in or out.
    #[inline]
    #[must_use]
    pub fn update(self, register: u32, bytes: &[u8]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.hardware {
            // SAFETY: `hardware` is set by `detect` alone, where SSE4.2 was found.
            return unsafe { update_sse42(register, bytes) };
        }
        debug_assert!(!self.hardware);
        update_table(register, bytes)
    }

    /// The checksum of a record: its header as four words and the payload with its padding.
    #[inline]
    pub(crate) fn record(self, seed: u32, words: [u64; 4], payload: &[u8]) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.hardware {
            // SAFETY: `hardware` is set by `detect` alone, where SSE4.2 was found.
            return unsafe { record_sse42(seed, words, payload) };
        }
        let register = words.iter().fold(seed, |sum, word| update_table(sum, &word.to_le_bytes()));
        !update_table(register, payload)
    }

    /// Appends a record, its payload `head`, then `tail`; false, and nothing done, when it finds no
    /// room before the limit. One pass: the bytes are in registers when they are stored, so the
    /// checksum costs no second read.
    #[inline]
    pub(crate) fn append(
        self,
        half: &mut WriteHalf,
        seed: u32,
        header: RecordHeader,
        head: &[u8],
        tail: &[u8],
    ) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self.hardware && tail.is_empty() {
            let [_, sequence, time, kind] = header.words(0);
            if head.len() < LONG_BYTES {
                // SAFETY: `hardware` is set by `detect` alone, where SSE4.2 was found.
                return unsafe { append_sse42::<false>(half, seed, sequence, time, kind, head) };
            }
            // SAFETY: as above.
            return unsafe { append_sse42::<true>(half, seed, sequence, time, kind, head) };
        }
        self.append_slowly(half, seed, header, head, tail)
    }

    /// As [`Crc32c::append`], the checksum after the copy.
    fn append_slowly(
        self,
        half: &mut WriteHalf,
        seed: u32,
        header: RecordHeader,
        head: &[u8],
        tail: &[u8],
    ) -> bool {
        let length = RECORD_HEADER_BYTES + head.len().saturating_add(tail.len());
        let Some(reserved) = half.reserve(length) else { return false };
        let words = header.words(length as u32); // a segment has at most SEGMENT_BYTES_MAX
        let (places, payload) = reserved.body.split_at_mut(3);
        for (place, word) in places.iter_mut().zip(&words[1..]) {
            *place = word.to_le_bytes();
        }
        let payload = payload.as_flattened_mut();
        payload[..head.len()].copy_from_slice(head);
        payload[head.len()..head.len() + tail.len()].copy_from_slice(tail);
        let crc = self.record(seed, words, payload);
        reserved.commit(crc);
        true
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn update_sse42(register: u32, bytes: &[u8]) -> u32 {
    use core::arch::x86_64::_mm_crc32_u8;
    let (words, rest) = bytes.as_chunks::<8>();
    let wide = update_words(u64::from(register), words);
    rest.iter().fold(wide as u32, |register, &byte| _mm_crc32_u8(register, byte))
}

/// Eight words at a time, and what is left without a loop: most payloads are that short.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn update_words(wide: u64, words: &[[u8; 8]]) -> u64 {
    let (eights, words) = words.as_chunks::<8>();
    let mut wide = eights.iter().fold(wide, |wide, words| update_all(wide, words));
    let words = update_some::<4>(&mut wide, words);
    let words = update_some::<2>(&mut wide, words);
    update_some::<1>(&mut wide, words);
    wide
}

/// Takes the first `N` words in, when there are as many, and returns what is left.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn update_some<'a, const N: usize>(wide: &mut u64, words: &'a [[u8; 8]]) -> &'a [[u8; 8]] {
    let Some((first, words)) = words.split_first_chunk::<N>() else { return words };
    *wide = update_all(*wide, first);
    words
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn update_all<const N: usize>(wide: u64, words: &[[u8; 8]; N]) -> u64 {
    use core::arch::x86_64::_mm_crc32_u64;
    words.iter().fold(wide, |wide, word| _mm_crc32_u64(wide, u64::from_le_bytes(*word)))
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn record_sse42(seed: u32, words: [u64; 4], payload: &[u8]) -> u32 {
    use core::arch::x86_64::_mm_crc32_u64;
    let wide = words.iter().fold(u64::from(seed), |wide, &word| _mm_crc32_u64(wide, word));
    !update_sse42(wide as u32, payload)
}

/// Appends a record, the checksum along with it. The header's words come in registers: through memory
/// they would be read back, wider than they were stored, before the stores are done.
///
/// A short append is bound by the number of its instructions, not by the checksum, of which several
/// are under way at once. So this calls nothing, and for less than [`LONG_BYTES`] has no loop: there is
/// little to save and restore.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn append_sse42<const LONG: bool>(
    half: &mut WriteHalf,
    seed: u32,
    sequence: u64,
    time: u64,
    kind: u64,
    payload: &[u8],
) -> bool {
    use core::arch::x86_64::_mm_crc32_u64;
    let length = RECORD_HEADER_BYTES + payload.len();
    let Some(reserved) = half.reserve(length) else { return false };
    let Some(([first, second, third], places)) = reserved.body.split_first_chunk_mut::<3>() else {
        return false; // no record is that short
    };
    let mut wide = _mm_crc32_u64(u64::from(seed), length as u64);
    for (place, word) in [(first, sequence), (second, time), (third, kind)] {
        *place = word.to_le_bytes();
        wide = _mm_crc32_u64(wide, word);
    }
    let (words, rest) = payload.as_chunks::<8>();
    let Some((places, last)) = places.split_at_mut_checked(words.len()) else {
        return false; // what was reserved is as long as the payload
    };
    let (mut words, mut places) = (words, places);
    if LONG {
        let ((eights, left), (eight_places, left_places)) =
            (words.as_chunks(), places.as_chunks_mut());
        for (place, words) in eight_places.iter_mut().zip(eights) {
            wide = write_words::<8>(wide, words, place);
        }
        (words, places) = (left, left_places);
    }
    // Without a loop: of a short payload it would cost more than the words.
    let (words, places) = write_some::<8>(&mut wide, words, places);
    let (words, places) = write_some::<4>(&mut wide, words, places);
    let (words, places) = write_some::<2>(&mut wide, words, places);
    write_some::<1>(&mut wide, words, places);
    if let Some(place) = last.first_mut() {
        let word = last_word(payload, rest);
        *place = word.to_le_bytes();
        wide = _mm_crc32_u64(wide, word);
    }
    reserved.commit(!(wide as u32));
    true
}

/// The last bytes of a payload as a word, zeros behind them. `rest` is less than a word.
#[cfg(target_arch = "x86_64")]
#[inline]
fn last_word(payload: &[u8], rest: &[u8]) -> u64 {
    match payload.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last) >> (64 - 8 * rest.len().clamp(1, 8)),
        None => only_word(rest),
    }
}

/// As [`last_word`], of a payload that is less than a word.
#[cfg(target_arch = "x86_64")]
#[cold]
fn only_word(payload: &[u8]) -> u64 {
    payload.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// Stores the first `N` words, when there are as many, and returns what is left of both.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn write_some<'a, 'b, const N: usize>(
    wide: &mut u64,
    words: &'a [[u8; 8]],
    places: &'b mut [[u8; 8]],
) -> (&'a [[u8; 8]], &'b mut [[u8; 8]]) {
    // Asked once, so that the places need no question of their own.
    let Some((first, words)) = words.split_first_chunk::<N>() else { return (words, places) };
    if places.len() < N {
        return (words, places); // there are as many places as words
    }
    let (first_places, places) = places.split_at_mut(N);
    if let Some(place) = first_places.first_chunk_mut() {
        *wide = write_words(*wide, first, place);
    }
    (words, places)
}

/// Stores words, the checksum along with them.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn write_words<const N: usize>(wide: u64, words: &[[u8; 8]; N], places: &mut [[u8; 8]; N]) -> u64 {
    *places = *words;
    update_all(wide, words)
}

/// Slicing-by-8 (M. Kounavis, F. Berry, "A systematic approach to building high performance
/// software-based CRC generators", 2005).
fn update_table(mut register: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = (u64::from_le_bytes(*word) ^ u64::from(register)).to_le_bytes();
        register = word
            .iter()
            .zip(TABLES.iter().rev())
            .fold(0, |sum, (&byte, table)| sum ^ table[usize::from(byte)]);
    }
    rest.iter().fold(register, |register, &byte| {
        TABLES[0][usize::from(register as u8 ^ byte)] ^ (register >> 8)
    })
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut register = byte as u32;
        let mut slice = 0;
        while slice < 8 {
            let mut bit = 0;
            while bit < 8 {
                register = (register >> 1) ^ (POLYNOMIAL * (register & 1));
                bit += 1;
            }
            tables[slice][byte] = register;
            slice += 1;
        }
        byte += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mapping::Mapping,
        tests::{Random, TempDir},
    };
    use std::fs::File;
    use tezi_model::Nanos;

    #[test]
    fn golden_vectors() {
        // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
        let ascending: Vec<u8> = (0..32).collect();
        let descending: Vec<u8> = (0..32).rev().collect();
        let vectors: [(&[u8], u32); 6] = [
            (b"", 0),
            (b"123456789", 0xE306_9283),
            (&[0; 32], 0x8A91_36AA),
            (&[0xFF; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
            (&descending, 0x113F_DB5C),
        ];
        for crc in [Crc32c::TABLE, Crc32c::detect()] {
            for (bytes, expected) in vectors {
                assert_eq!(crc.checksum(bytes), expected, "{crc:?} {bytes:?}");
            }
        }
    }

    #[test]
    fn hardware_and_table_agree_on_every_length_and_split() {
        let mut random = Random(0xC3C3);
        let bytes: Vec<u8> = (0..300).map(|_| random.next() as u8).collect();
        for length in 0..bytes.len() {
            let register = random.next() as u32;
            let (head, tail) = bytes[..length].split_at(random.below(length as u64 + 1) as usize);
            let expected = update_bitwise(register, &bytes[..length]);
            for crc in [Crc32c::TABLE, Crc32c::detect()] {
                assert_eq!(crc.update(register, &bytes[..length]), expected, "length {length}");
                assert_eq!(crc.update(crc.update(register, head), tail), expected);
                let words = [random.next(), 1, 2, 3];
                let mut whole: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                whole.extend_from_slice(&bytes[..length]);
                whole.resize(whole.len().next_multiple_of(8), 0);
                let expected = !update_bitwise(register, &whole);
                assert_eq!(crc.record(register, words, &whole[32..]), expected, "length {length}");
            }
        }
    }

    #[test]
    fn what_is_appended_is_the_record_whichever_way_it_was_written() {
        let dir = TempDir::new("append-ways");
        let file = File::create_new(dir.0.join("file")).unwrap();
        let bytes_max = 1 << 20;
        file.set_len(bytes_max).unwrap();
        let file = File::options().read(true).write(true).open(dir.0.join("file")).unwrap();
        let (mut half, mut reader) = Mapping::new(&file, bytes_max).unwrap().split(0);
        half.begin(&[7; crate::SEGMENT_HEADER_BYTES]);
        assert!(reader.look_for_header() && half.look_beyond(bytes_max as usize / 2));
        let (mut random, mut expected) = (Random(0xA99E), vec![7; 64]);
        let bytes: Vec<u8> = (0..300).map(|_| random.next() as u8).collect();
        for length in 0..bytes.len() {
            let (head, tail) = bytes[..length].split_at(random.below(length as u64 + 1) as usize);
            let (record_type, flags) = (random.next() as u16, random.next() as u16);
            let (sequence, seed) = (random.next(), random.next() as u32);
            let time = Nanos(random.next() as i64);
            let header = RecordHeader { sequence, time, record_type, flags };
            let words = header.words(32 + length as u32);
            let mut whole: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            whole.extend_from_slice(&bytes[..length]);
            whole.resize(whole.len().next_multiple_of(8), 0);
            let crc32c = !update_bitwise(seed, &whole);
            whole[4..8].copy_from_slice(&crc32c.to_le_bytes());
            for crc in [Crc32c::TABLE, Crc32c::detect()] {
                for (head, tail) in [(head, tail), (&bytes[..length], &[][..])] {
                    assert!(crc.append(&mut half, seed, header, head, tail));
                    expected.extend_from_slice(&whole);
                }
            }
        }
        assert_eq!(reader.look(bytes_max as usize), 4 * bytes.len() as u64);
        assert!(reader.committed() == expected, "every byte is as the format says");
    }

    fn update_bitwise(register: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(register, |register, &byte| {
            (0..8).fold(register ^ u32::from(byte), |register, _| {
                (register >> 1) ^ (POLYNOMIAL * (register & 1))
            })
        })
    }
}
