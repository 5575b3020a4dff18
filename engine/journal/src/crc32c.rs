//! CRC32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, appendix B.4).
//!
//! One record is a few words long, so what counts is the first word, not the gigabyte: the SSE4.2
//! instruction inlined beats every library below about 256 bytes. Other processors take
//! slicing-by-8 tables, which are also the oracle of the tests. The choice is made once, when a
//! [`Crc32c`] is made, and both give the same numbers.
#![allow(unsafe_code, reason = "calls functions compiled for SSE4.2, behind a check for it")]

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

    /// Writes a record behind the word that commits it, and returns its checksum. One pass: the
    /// bytes are in registers when they are stored, so the checksum costs no second read.
    ///
    /// Shape: `body` has room for three header words and the payload, padded to a multiple of 8
    /// with zeros that are there already. The payload is `head`, then `tail`.
    #[inline]
    pub(crate) fn write_record(
        self,
        seed: u32,
        words: [u64; 4],
        head: &[u8],
        tail: &[u8],
        body: &mut [u8],
    ) -> u32 {
        let (places, _) = body.as_chunks_mut::<8>();
        #[cfg(target_arch = "x86_64")]
        if self.hardware && tail.is_empty() {
            let [length, sequence, time, kind] = words;
            // SAFETY: `hardware` is set by `detect` alone, where SSE4.2 was found.
            return unsafe { write_sse42(seed, length, sequence, time, kind, head, places) };
        }
        let (header, payload) = places.split_at_mut(3);
        for (place, word) in header.iter_mut().zip(&words[1..]) {
            *place = word.to_le_bytes();
        }
        let payload = payload.as_flattened_mut();
        payload[..head.len()].copy_from_slice(head);
        payload[head.len()..head.len() + tail.len()].copy_from_slice(tail);
        self.record(seed, words, payload)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn update_sse42(register: u32, bytes: &[u8]) -> u32 {
    use core::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u64};
    let (words, rest) = bytes.as_chunks::<8>();
    let mut wide = u64::from(register);
    for word in words {
        wide = _mm_crc32_u64(wide, u64::from_le_bytes(*word));
    }
    rest.iter().fold(wide as u32, |register, &byte| _mm_crc32_u8(register, byte))
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn record_sse42(seed: u32, words: [u64; 4], payload: &[u8]) -> u32 {
    use core::arch::x86_64::_mm_crc32_u64;
    let wide = words.iter().fold(u64::from(seed), |wide, &word| _mm_crc32_u64(wide, word));
    !update_sse42(wide as u32, payload)
}

/// Stores header words and payload, the checksum along with it. The words come in registers: through
/// memory they would be read back, wider than they were stored, before the stores are done.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn write_sse42(
    seed: u32,
    length: u64,
    sequence: u64,
    time: u64,
    kind: u64,
    payload: &[u8],
    places: &mut [[u8; 8]],
) -> u32 {
    use core::arch::x86_64::_mm_crc32_u64;
    let Some(([first, second, third], places)) = places.split_first_chunk_mut::<3>() else {
        return 0; // no record is that short
    };
    let mut wide = _mm_crc32_u64(u64::from(seed), length);
    for (place, word) in [(first, sequence), (second, time), (third, kind)] {
        *place = word.to_le_bytes();
        wide = _mm_crc32_u64(wide, word);
    }
    let (whole, rest) = payload.as_chunks::<8>();
    let (whole_places, last) = places.split_at_mut(whole.len());
    for (place, word) in whole_places.iter_mut().zip(whole) {
        *place = *word;
        wide = _mm_crc32_u64(wide, u64::from_le_bytes(*word));
    }
    if let Some(place) = last.first_mut() {
        place[..rest.len()].copy_from_slice(rest);
        wide = _mm_crc32_u64(wide, u64::from_le_bytes(*place));
    }
    !(wide as u32)
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
    use crate::tests::Random;

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
                for (head, tail) in [(head, tail), (&bytes[..length], &[][..])] {
                    let mut body = vec![0; whole.len() - 8];
                    let written = crc.write_record(register, words, head, tail, &mut body);
                    assert_eq!((written, &body[..]), (expected, &whole[8..]), "length {length}");
                }
            }
        }
    }

    fn update_bitwise(register: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(register, |register, &byte| {
            (0..8).fold(register ^ u32::from(byte), |register, _| {
                (register >> 1) ^ (POLYNOMIAL * (register & 1))
            })
        })
    }
}
