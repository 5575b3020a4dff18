//! LZO1Z: every instruction by hand, streams of liblzo2, and properties of our own encoder.

use super::{Bytes, Random, golden, unhex};
use crate::wire::nse_broadcast::DecodeError::{
    LzoInputOverrun, LzoLookbehind, LzoOutputOverrun, LzoTrailingInput,
};
use crate::wire::nse_broadcast::*;

fn decompressed(stream: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut output = vec![0xEE; MESSAGE_SIZE_MAX];
    decompress(stream, &mut output).map(|length| output[..length].to_vec())
}

/// `output` of a stream of the given parts and the end marker.
fn made(parts: &[&[u8]]) -> Result<Vec<u8>, DecodeError> {
    decompressed(&[&parts.concat()[..], &[17, 0, 0]].concat())
}

/// The compressed message, made by liblzo2 2.10 (`lzo1z_999_compress`) from `message_of_ours`.
const MESSAGE_COMPRESSED: &str = "1201c001005c0657e24f940000433800370002022e000803000088b90001601c090000b2d05e0000\
    22418d2b00200c00014140cf88000127003d825d83a1448001c3403f7e0003e03a0104403f790004\
    27003d455f74000527003d865f8d000627003dc75f920007fe02085f97000827003d495f9c000927\
    003d8a5fa1000a290287011170a01e38804016222e400e31e8000e5510000e2a184405ba20dd0404\
    110000";

/// A 17208 with its eight leading bytes.
fn message_of_ours() -> Vec<u8> {
    let record = |mut bytes: Bytes, at: usize, token| {
        bytes = bytes.i32(at, token).i16(at + 4, 1).i16(at + 6, 2).i64(at + 8, 3_000_000_000);
        bytes = bytes.i32(at + 16, 2_245_005).put(at + 20, b"+");
        for level in 0..10 {
            let entry = at + 60 + 16 * level as usize;
            let price = if level < 5 { 2_245_000 - 5 * level } else { 2_244_980 + 5 * level };
            bytes = bytes.i64(entry, 65 * (i64::from(level) + 1)).i32(entry + 8, price);
            bytes = bytes.i16(entry + 12, level as i16 + 1);
        }
        let prices = [2_240_000, 2_241_000, 2_250_000, 2_239_000];
        let bytes = bytes.i64(at + 224, 70_000).i64(at + 232, 80_000);
        (0..4).fold(bytes, |bytes, index| bytes.i32(at + 242 + 4 * index, prices[index]))
    };
    let message = record(Bytes::message(17208, 558).i16(40, 2), 42, 35_001);
    super::clear(&record(message, 300, 35_002))
}

#[test]
fn streams_of_liblzo2_decode() {
    assert_eq!(decompressed(&unhex(MESSAGE_COMPRESSED)), Ok(message_of_ours()));
    let two_runs: Vec<u8> = (0..240).chain(0..240).collect();
    let long_run = [&[0, 0xDE][..], &two_runs[..240], &unhex("20cf03bc110000")].concat();
    let text = b"tezitezi\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\
                 \x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1dtezitezi";
    let cases: [(Vec<u8>, Vec<u8>); 6] = [
        (unhex("110000"), Vec::new()),
        (unhex("1261110000"), b"a".to_vec()),
        (unhex("1561626364e00c110000"), b"abcdabcdabcd".to_vec()),
        (unhex("120020060000110000"), vec![0; 40]),
        (
            unhex(
                "1574657a69600c000c000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d\
                 e094110000",
            ),
            text.to_vec(),
        ),
        (long_run, two_runs),
    ];
    for (stream, expected) in cases {
        assert_eq!(decompressed(&stream), Ok(expected));
    }
}

/// Bytes that do not repeat within 251.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

/// `output` with `length` bytes from `distance` back, one by one, and a tail.
fn back(mut output: Vec<u8>, distance: usize, length: usize, tail: &[u8]) -> Vec<u8> {
    for _ in 0..length {
        output.push(output[output.len() - distance]);
    }
    output.extend(tail);
    output
}

#[test]
fn literals_and_short_matches_copy_what_they_say() {
    // Literal runs: the first byte of a stream, four bits, and extended, with a zero for 255.
    let eight = [&[25][..], &bytes(8)].concat();
    assert_eq!(made(&[&eight]), Ok(bytes(8)));
    assert_eq!(made(&[&[15], &bytes(18)]), Ok(bytes(18)));
    assert_eq!(made(&[&[0, 1], &bytes(19)]), Ok(bytes(19)));
    assert_eq!(made(&[&[0, 0, 1], &bytes(274)]), Ok(bytes(274)));
    // Two and three literals first, then a match of two bytes: distance - 1 = 4 bits, 6 bits.
    assert_eq!(made(&[&[19, 7, 8, 0, 1 << 2]]), Ok(vec![7, 8, 7, 8]));
    assert_eq!(made(&[&[20, 7, 8, 9, 0, 2 << 2 | 1, 5]]), Ok(vec![7, 8, 9, 7, 8, 5]));
    let long = [&[0, 0, 0, 0, 241][..], &bytes(1024)].concat();
    let mut output = vec![0; 4096];
    let two = [&long[..], &[32 | 1, 0, 1, 5, 15, 63 << 2, 17, 0, 0]].concat();
    let length = decompress(&two, &mut output).unwrap();
    let expected = back(back(bytes(1024), 1, 3, &[5]), 1024, 2, &[]);
    assert_eq!(output[..length], expected);
    // Right after a run of literals: three bytes, from 0x701 on.
    let long = [&[0, 0, 0, 0, 0, 0, 0, 0, 246][..], &bytes(2049)].concat();
    let three = [&long[..], &[0, 5 << 2 | 2, 1, 2, 17, 0, 0]].concat();
    let length = decompress(&three, &mut output).unwrap();
    assert_eq!(output[..length], back(bytes(2049), 0x701 + 5, 3, &[1, 2]));
    // Two-byte matches of 3 to 8 bytes, then the same distance again in one byte.
    for size in 3..=8_u8 {
        let short = [(size - 1) << 5, 3 << 2 | 1, 99];
        let expected = back(bytes(8), 4, size.into(), &[99]);
        assert_eq!(made(&[&eight, &short]), Ok(expected.clone()));
        for tail in 0..=3_u8 {
            let again = [&[(size - 1) << 5 | 0x1C | tail][..], &[1, 2, 3][..tail.into()]].concat();
            let expected = back(expected.clone(), 4, size.into(), &[1, 2, 3][..tail.into()]);
            assert_eq!(made(&[&eight, &short, &again]), Ok(expected));
        }
    }
}

#[test]
fn long_and_far_matches_copy_what_they_say() {
    let eight = [&[25][..], &bytes(8)].concat();
    // Three-byte matches: five bits of length, then extended with and without a zero.
    let near = |head: &[u8], length| {
        let expected = back(bytes(8), 7, length, &[42]);
        assert_eq!(made(&[&eight, head, &[0, 6 << 2 | 1, 42]]), Ok(expected));
    };
    near(&[32 | 1], 3);
    near(&[32 | 31], 33);
    near(&[32, 1], 34);
    near(&[32, 255], 288);
    near(&[32, 0, 1], 289);
    // Far matches: beyond 16,384, three bits of length and one of distance.
    let mut output = vec![0; 60_000];
    let mut run = vec![0];
    let extra = 50_000 - 18;
    run.extend(vec![0; extra / 255]);
    run.push((extra % 255) as u8);
    run.extend(bytes(50_000));
    for (head, distance, size) in [
        (&[16 | 1][..], 0x4000 + 1, 3),
        (&[16 | 7], 0x4000 + 1, 9),
        (&[16, 1], 0x4000 + 1, 10),
        (&[16, 0, 1], 0x4000 + 1, 265),
        (&[16 | 8 | 2], 0x8000 + 1, 4),
    ] {
        let stream = [&run[..], head, &[0, 1 << 2 | 3, 1, 2, 3, 17, 0, 0]].concat();
        let length = decompress(&stream, &mut output).unwrap();
        assert_eq!(output[..length], back(bytes(50_000), distance, size, &[1, 2, 3]));
    }
}

#[test]
fn bad_streams_are_refused_by_name() {
    let eight = [&[25][..], b"abcdefgh"].concat();
    let stream = |tail: &[u8]| decompressed(&[&eight[..], tail].concat());
    assert_eq!(decompressed(&[]), Err(LzoInputOverrun));
    assert_eq!(stream(&[]), Err(LzoInputOverrun));
    assert_eq!(stream(&[17]), Err(LzoInputOverrun));
    assert_eq!(stream(&[17, 0, 0, 0]), Err(LzoTrailingInput));
    assert_eq!(stream(&[32, 0, 0, 0]), Err(LzoInputOverrun));
    assert_eq!(stream(&[32 | 1, 0, 8 << 2, 17, 0, 0]), Err(LzoLookbehind));
    assert_eq!(stream(&[0, 0, 17, 0, 0]), Err(LzoLookbehind));
    assert_eq!(stream(&[0x5C, 17, 0, 0]), Err(LzoLookbehind), "no distance came before");
    assert_eq!(stream(&[16 | 1, 0, 4, 17, 0, 0]), Err(LzoLookbehind));
    let endless = [&[32][..], &[0; 4], &[1, 0, 0, 17, 0, 0]].concat();
    assert_eq!(stream(&endless), Err(LzoOutputOverrun));
    assert_eq!(decompress(&[21, 1, 2, 3, 4, 17, 0, 0], &mut [0; 3]), Err(LzoOutputOverrun));
    let whole = unhex(MESSAGE_COMPRESSED);
    for length in 0..whole.len() {
        assert_eq!(decompressed(&whole[..length]), Err(LzoInputOverrun), "cut to {length}");
    }
}

#[test]
fn output_is_what_was_compressed() {
    let mut random = Random(1);
    let (mut packed, mut output) = (vec![0; 4096], vec![0; 4096]);
    for step in 0..20_000 {
        // Few different bytes and repeats of what came before: every kind of match.
        let alphabet = 1 + random.index(if step % 3 == 0 { 256 } else { 4 });
        let mut input: Vec<u8> = Vec::new();
        let size = random.index(1 + COMPRESS_SIZE_MAX.min(1 << (step % 12)));
        while input.len() < size {
            if input.len() > 4 && random.index(3) == 0 {
                let from = random.index(input.len() - 1);
                let until = from + 1 + random.index((input.len() - from).min(60));
                input.extend_from_within(from..until.min(input.len()));
            }
            input.extend((0..random.index(30)).map(|_| random.index(alphabet) as u8));
        }
        input.truncate(size);
        let length = compress(&input, &mut packed).expect("the buffer is large enough");
        assert!(length <= size + size / 16 + 67, "step {step}");
        let made = decompress(&packed[..length], &mut output).unwrap();
        assert_eq!(output[..made], input, "step {step}");
        assert_eq!(compress(&input, &mut packed[..length - 1]), None, "step {step}");
    }
    assert_eq!(compress(&vec![0; COMPRESS_SIZE_MAX + 1], &mut packed), None);
}

#[test]
fn two_wide_records_fit_a_datagram() {
    let message = super::clear(&golden::wide_record(
        golden::wide_record(Bytes::message(17208, 558).i16(40, 2), 42),
        300,
    ));
    let mut packed = [0; 512];
    assert!(compress(&message, &mut packed).is_some_and(|length| length < 300));
}
