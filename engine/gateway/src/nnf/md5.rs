//! MD5 (RFC 1321), which NNF's plain and older encrypted methods put before every message.
//!
//! A step of MD5 needs the one before it, so that a digest takes as long as its 64 steps a block wait for
//! each other: each is laid out so that as little as can be waits.
//!
//! MD5 guards against accidents, not against people: nothing else here may use it.

/// Bytes of a block.
const BLOCK: usize = 64;

/// Where every digest begins (RFC 1321, 3.3).
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// What each step adds: the first 32 bits of the fraction of its sine (RFC 1321, 3.4).
static CONSTANTS: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// The MD5 of a message.
#[inline]
pub(crate) fn digest(message: &[u8]) -> [u8; 16] {
    let (whole, rest) = message.as_chunks();
    let padding = Padding::new(rest, message.len());
    let mut state = START;
    for block in whole.iter().chain(padding.blocks()) {
        compress(&mut state, block);
    }
    bytes_of(state)
}

/// The last bytes of a message with what is put behind them (RFC 1321, 3.1 and 3.2): a one bit, zeros, and
/// the message's length in bits.
struct Padding {
    blocks: [[u8; BLOCK]; 2],
    count: usize,
}

impl Padding {
    #[inline]
    fn new(rest: &[u8], size: usize) -> Self {
        let mut blocks = [[0; BLOCK]; 2];
        blocks[0][..rest.len()].copy_from_slice(rest);
        blocks[0][rest.len()] = 0x80;
        let count = if rest.len() < BLOCK - 8 { 1 } else { 2 };
        blocks[count - 1][BLOCK - 8..].copy_from_slice(&(size as u64 * 8).to_le_bytes());
        Self { blocks, count }
    }

    #[inline]
    fn blocks(&self) -> &[[u8; BLOCK]] {
        &self.blocks[..self.count]
    }
}

#[inline]
fn bytes_of(state: [u32; 4]) -> [u8; 16] {
    bytemuck::cast(state.map(u32::to_le))
}

/// Four steps of one of the four rounds: the number of the first, the words and the turns.
macro_rules! steps {
    ($mix:ident, $lane:ident, $constants:ident, $words:ident, $step:literal, $($at:literal: $word:literal, $turn:literal);+) => {
        $(
            let [a, b, c, d] = $lane;
            let known = a.wrapping_add($constants[$step + $at]).wrapping_add($words[$word]);
            let mixed = $mix(known, b, c, d);
            $lane = [d, mixed.rotate_left($turn).wrapping_add(b), b, c];
        )+
    };
}

// The functions of the rounds, added to what is known early. `b` comes last, from the step before: everything
// that can be is done without it, and where two terms share no bit they are added one by one.

#[inline(always)]
const fn first(known: u32, b: u32, c: u32, d: u32) -> u32 {
    known.wrapping_add(((c ^ d) & b) ^ d)
}

#[inline(always)]
const fn second(known: u32, b: u32, c: u32, d: u32) -> u32 {
    known.wrapping_add(c & !d).wrapping_add(b & d)
}

#[inline(always)]
const fn third(known: u32, b: u32, c: u32, d: u32) -> u32 {
    known.wrapping_add((c ^ d) ^ b)
}

#[inline(always)]
const fn fourth(known: u32, b: u32, c: u32, d: u32) -> u32 {
    known.wrapping_add((b | !d) ^ c)
}

/// One block (RFC 1321, 3.4).
fn compress(state: &mut [u32; 4], block: &[u8; BLOCK]) {
    let (words, _) = block.as_chunks();
    let words: [u32; 16] = core::array::from_fn(|at| u32::from_le_bytes(words[at]));
    // Were the constants known here, the compiler would add each to the sum that waits for the step before, which
    // makes every step longer by one operation.
    let constants = core::hint::black_box(&CONSTANTS);
    let mut lane = *state;
    steps!(first, lane, constants, words, 0, 0: 0, 7; 1: 1, 12; 2: 2, 17; 3: 3, 22);
    steps!(first, lane, constants, words, 4, 0: 4, 7; 1: 5, 12; 2: 6, 17; 3: 7, 22);
    steps!(first, lane, constants, words, 8, 0: 8, 7; 1: 9, 12; 2: 10, 17; 3: 11, 22);
    steps!(first, lane, constants, words, 12, 0: 12, 7; 1: 13, 12; 2: 14, 17; 3: 15, 22);
    steps!(second, lane, constants, words, 16, 0: 1, 5; 1: 6, 9; 2: 11, 14; 3: 0, 20);
    steps!(second, lane, constants, words, 20, 0: 5, 5; 1: 10, 9; 2: 15, 14; 3: 4, 20);
    steps!(second, lane, constants, words, 24, 0: 9, 5; 1: 14, 9; 2: 3, 14; 3: 8, 20);
    steps!(second, lane, constants, words, 28, 0: 13, 5; 1: 2, 9; 2: 7, 14; 3: 12, 20);
    steps!(third, lane, constants, words, 32, 0: 5, 4; 1: 8, 11; 2: 11, 16; 3: 14, 23);
    steps!(third, lane, constants, words, 36, 0: 1, 4; 1: 4, 11; 2: 7, 16; 3: 10, 23);
    steps!(third, lane, constants, words, 40, 0: 13, 4; 1: 0, 11; 2: 3, 16; 3: 6, 23);
    steps!(third, lane, constants, words, 44, 0: 9, 4; 1: 12, 11; 2: 15, 16; 3: 2, 23);
    steps!(fourth, lane, constants, words, 48, 0: 0, 6; 1: 7, 10; 2: 14, 15; 3: 5, 21);
    steps!(fourth, lane, constants, words, 52, 0: 12, 6; 1: 3, 10; 2: 10, 15; 3: 1, 21);
    steps!(fourth, lane, constants, words, 56, 0: 8, 6; 1: 15, 10; 2: 6, 15; 3: 13, 21);
    steps!(fourth, lane, constants, words, 60, 0: 4, 6; 1: 11, 10; 2: 2, 15; 3: 9, 21);
    for (word, change) in state.iter_mut().zip(lane) {
        *word = word.wrapping_add(change);
    }
}

#[cfg(test)]
mod tests {
    use ::md5::{Digest, Md5};

    use super::super::tests::Rng;
    use super::*;

    fn hex(digest: [u8; 16]) -> String {
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_vectors_of_the_rfc() {
        // RFC 1321, A.5.
        let digits = "1234567890".repeat(8);
        let vectors = [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("a", "0cc175b9c0f1b6a831c399e269772661"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "d174ab98d277d9f5a5611c2c9f419d9f",
            ),
            (&digits, "57edf4a22be3c955ac49da2e2107b67a"),
        ];
        for (message, expected) in vectors {
            assert_eq!(hex(digest(message.as_bytes())), expected);
        }
    }

    #[test]
    fn every_length_agrees_with_another_implementation() {
        const SEED: u64 = 0x3d5;
        let mut rng = Rng(SEED);
        let message: Vec<u8> = (0..1_024).map(|_| rng.below(256) as u8).collect();
        for length in (0..=300).chain([1_000, 1_002, 1_024]) {
            let expected: [u8; 16] = Md5::digest(&message[..length]).into();
            assert_eq!(digest(&message[..length]), expected, "length {length}, seed {SEED:#x}");
        }
    }
}
