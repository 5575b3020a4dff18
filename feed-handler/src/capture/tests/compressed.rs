//! gzip and zstd: captures that come out as they went in, in pieces, cut short and damaged.

use std::io::Write;

use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// A capture of `count` datagrams whose payloads say their number.
fn sample(count: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let texts: Vec<Vec<u8>> =
        (0..count).map(|index| format!("datagram {index:>6}").into_bytes()).collect();
    let slices: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    (file(PcapFormat::default(), &slices), texts)
}

fn ends_with(bytes: &[u8]) -> (usize, Option<(Compression, StreamFault)>) {
    let (datagrams, error) = match CaptureReader::new(bytes) {
        Ok(mut reader) => walk(&mut reader),
        Err(error) => (vec![], Some(error)),
    };
    let fault = error.map(|error| match error {
        CaptureError::Compressed { compression, fault, offset, .. } => {
            assert!(offset <= bytes.len() as u64);
            (compression, fault)
        }
        other => panic!("{other}"),
    });
    (datagrams.len(), fault)
}

#[test]
fn compressed_captures_read_like_plain_ones() {
    // Larger than the window several times over.
    let (pcap, texts) = sample(60_000);
    assert!(pcap.len() > 4 << 20);
    let slices: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    for plain in [pcap, ng_file(&slices)] {
        let whole = walk(&mut CaptureReader::new(&plain).unwrap());
        for (bytes, compression) in
            [(gzip(&plain), Compression::Gzip), (zstd(&plain), Compression::Zstd)]
        {
            assert!(bytes.len() < plain.len() / 2);
            let mut reader = CaptureReader::new(&bytes).unwrap();
            assert_eq!(reader.compression(), Some(compression));
            assert!(walk(&mut reader) == whole, "the {} reads differently", compression.name());
            let mut packed = CaptureReader::new(&bytes).unwrap();
            let mut direct = CaptureReader::new(&plain).unwrap();
            while let Some(packet) = direct.next_packet() {
                assert_eq!(packed.next_packet(), Some(packet), "offsets included");
            }
        }
    }
}

#[test]
fn members_and_frames_follow_each_other_and_may_be_cut_anywhere() {
    let (plain, texts) = sample(20);
    let whole = (texts, None);
    for cut in 0..=plain.len() {
        let (front, back) = plain.split_at(cut);
        assert_eq!(payloads(&[gzip(front), gzip(back)].concat()), whole);
        let skippable = hex("5a2a4d18 03000000 010203");
        let frames = [&skippable[..], &zstd(front), &skippable, &zstd(back), &skippable].concat();
        assert_eq!(payloads(&frames), whole);
    }
}

#[test]
fn a_block_larger_than_the_window_is_read() {
    let start = ng_file(&[]);
    let mut large = [&[0x0A_u8, 0, 0, 0][..], &[0; 4], &vec![7; (3 << 20) - 12], &[0; 4]].concat();
    let length = (large.len() as u32).to_le_bytes();
    let end = large.len() - 4;
    large[4..8].copy_from_slice(&length);
    large[end..].copy_from_slice(&length);
    let packet = &ng_file(&[b"behind"])[start.len()..];
    let plain = [&start[..], &large, packet, &large, packet].concat();
    let expected = (vec![b"behind".to_vec(), b"behind".to_vec()], None);
    for bytes in [plain.clone(), gzip(&plain), zstd(&plain)] {
        assert_eq!(payloads(&bytes), expected);
    }
}

#[test]
fn a_stream_cut_short_gives_what_came_out_of_it() {
    let (plain, texts) = sample(400);
    for (bytes, compression) in
        [(gzip(&plain), Compression::Gzip), (zstd(&plain), Compression::Zstd)]
    {
        let mut count_last = 0;
        for length in 4..bytes.len() {
            let (count, fault) = ends_with(&bytes[..length]);
            assert_eq!(fault, Some((compression, StreamFault::Truncated)), "cut to {length}");
            assert!(count >= count_last, "more bytes give no fewer packets");
            count_last = count;
        }
        assert_eq!(count_last, texts.len(), "only the trailer is missing");
    }
}

/// The blocks before the one that is cut are given out whole, though the decoder holds back a
/// window for blocks to come.
#[test]
fn zstd_gives_out_its_window_when_it_ends_early() {
    let (plain, _) = sample(4_000);
    let packed = zstd(&plain);
    let (count, fault) = ends_with(&packed[..packed.len() - 5]);
    assert_eq!(fault, Some((Compression::Zstd, StreamFault::Truncated)));
    // The largest block holds 128 KiB.
    let record = (plain.len() - 24) / 4_000;
    assert!(count > 0 && count >= 4_000 - (128 << 10) / record - 1, "{count}");
}

/// Of `zstd --ultra -22` and of `zstd -1 --no-check`, version 1.5: two datagrams, "one" and "two".
const ZSTD_CHECKED: &str = "\
    28b52ffd2476ed0100e2030c15d0670c00a0ac2ec83c3b47b82d03266cd3c8df \
    32056929fcf1a0f4625396e13ffcf063fff58bfefff89ff31c34474c03002455 \
    795c576110072411d466";
const ZSTD_UNCHECKED: &str = "\
    28b52ffd0048650200c4034d3cb2a10200040004006500000001001f0000001f \
    0000004500001f00000000401100000a000001ef0000019c40454d000b00006f \
    6e65011f74776f0500523100f9c2aa5cc0881b8803";
/// Of `gzip -9`, with a file name.
const GZIP_NAMED: &str = "\
    1f8b08083726036b0203732e7063617000f3b5d9b49089818501015818528124 \
    2394270fc5ae108ac1419081810b28fd1e88e738b8fa32703330e4e7a53242b5 \
    10a3bca43c1f001ae625d776000000";

#[test]
fn the_common_tools_files_are_read() {
    for text in [ZSTD_CHECKED, ZSTD_UNCHECKED, GZIP_NAMED] {
        assert_eq!(payloads(&hex(text)), (vec![b"one".to_vec(), b"two".to_vec()], None));
    }
    let checked = hex(ZSTD_CHECKED);
    let mut wrong = checked.clone();
    wrong[checked.len() - 1] ^= 1;
    assert_eq!(ends_with(&wrong), (2, Some((Compression::Zstd, StreamFault::Checksum))));
    let (count, fault) = ends_with(&checked[..checked.len() - 2]);
    assert_eq!((count, fault), (2, Some((Compression::Zstd, StreamFault::Truncated))));
}

#[test]
fn each_fault_of_gzip_is_named() {
    let (plain, _) = sample(3);
    let good = gzip(&plain);
    let size = good.len();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        let (count, fault) = ends_with(&bytes);
        (count, fault.unwrap().1)
    };
    assert_eq!(with(2, 7), (0, StreamFault::Header));
    assert_eq!(with(3, 0x20), (0, StreamFault::Header));
    assert_eq!(with(10, 7), (0, StreamFault::Corrupt)); // a reserved block type
    assert_eq!(with(size - 8, !good[size - 8]), (3, StreamFault::Checksum));
    assert_eq!(with(size - 1, 1), (3, StreamFault::Size));
    let garbage = [&good[..], b"garbage"].concat();
    assert_eq!(ends_with(&garbage), (3, Some((Compression::Gzip, StreamFault::Header))));
    // Every optional field of a header, then cut inside it, then with a wrong header checksum.
    let mut fields = [&good[..10], &[2, 0, 9, 9], b"name\0", b"comment\0"].concat();
    fields[3] = 0b1_1110;
    let mut crc = flate2::Crc::new();
    crc.update(&fields);
    let header = [&fields[..], &(crc.sum() as u16).to_le_bytes()].concat();
    let bytes = [&header[..], &good[10..]].concat();
    assert_eq!(payloads(&bytes).0.len(), 3);
    for length in 2..header.len() {
        assert_eq!(ends_with(&header[..length]).1.unwrap().1, StreamFault::Truncated);
    }
    let mut wrong = bytes;
    wrong[fields.len()] ^= 1;
    assert_eq!(ends_with(&wrong).1.unwrap().1, StreamFault::Header);
}

#[test]
fn each_fault_of_zstd_is_named() {
    let fault = |text: &str| ends_with(&hex(text)).1.unwrap();
    let named = |text: &str| {
        let (compression, fault) = fault(text);
        assert_eq!(compression, Compression::Zstd);
        fault
    };
    assert_eq!(named("28b52ffd"), StreamFault::Truncated);
    assert_eq!(named("28b52ffd 00"), StreamFault::Truncated);
    assert_eq!(named("28b52ffd 00 98 010000"), StreamFault::WindowTooLarge); // 512 MiB
    assert_eq!(named("28b52ffd 00 f8 010000"), StreamFault::WindowTooLarge);
    assert_eq!(named("28b52ffd e0 ffffffffffffff7f 010000"), StreamFault::WindowTooLarge);
    assert_eq!(named("28b52ffd 01 48 07 010000"), StreamFault::Dictionary);
    assert_eq!(named("28b52ffd 00 48 070000"), StreamFault::Corrupt); // a reserved block type
    assert_eq!(named("28b52ffd 00 48 fcffff"), StreamFault::Corrupt); // two mebibytes
    assert_eq!(named("28b52ffd 00 48 840000"), StreamFault::Truncated);
    assert_eq!(named("5a2a4d18 ffffffff 00"), StreamFault::Truncated);
    assert_eq!(named("5a2a4d18 00000000 01020304"), StreamFault::Header);
    let (plain, _) = sample(3);
    let raw = ((plain.len() as u32) << 3 | 1).to_le_bytes();
    // A raw block in a frame that claims one byte more than there is.
    let size = (plain.len() as u32 + 1).to_le_bytes();
    let bytes = [&hex("28b52ffd a0")[..], &size, &raw[..3], &plain].concat();
    assert_eq!(ends_with(&bytes), (3, Some((Compression::Zstd, StreamFault::Size))));
}

#[test]
fn a_stream_without_end_is_ended() {
    let plain = [&file(PcapFormat::default(), &[b"one"])[..], &vec![0; 1 << 22]].concat();
    let limit = 1 << 20;
    let config = CaptureConfig { decompressed_size_max: limit, ..CaptureConfig::default() };
    for bytes in [gzip(&plain), zstd(&plain)] {
        let mut reader = CaptureReader::with_config(&bytes, &config).unwrap();
        let (datagrams, error) = walk(&mut reader);
        assert_eq!(datagrams.len(), 1);
        // Records of nothing: 16 bytes each, up to the limit.
        assert_eq!(reader.counters().packets, 1 + (limit - 24 - 61) / 16);
        let Some(CaptureError::Compressed { decompressed, fault, .. }) = error else {
            panic!("{error:?}");
        };
        assert_eq!((decompressed, fault), (limit, StreamFault::TooLarge));
    }
}

#[test]
fn damaged_streams_end_with_an_error_and_never_a_panic() {
    let (plain, _) = sample(60);
    let noise = file(PcapFormat::default(), &[&Random(1).bytes(900), &[5; 900]]);
    let samples = [gzip(&plain), zstd(&plain), hex(ZSTD_CHECKED), gzip(&noise), zstd(&noise)];
    let (mut refused, mut ended, mut whole) = (0, 0, 0);
    for seed in 0..30_000 {
        let mut random = Random(seed);
        let mut bytes = samples[random.index(samples.len())].clone();
        for _ in 0..1 + random.index(3) {
            let at = random.index(bytes.len());
            match random.index(4) {
                0 => bytes.truncate(at.max(4)),
                1 => bytes[at] = random.next() as u8,
                2 => bytes[at] ^= 1 << random.index(8),
                _ => bytes.insert(at, random.next() as u8),
            }
        }
        let config = CaptureConfig { zstd_window_size_max: 1 << 23, ..CaptureConfig::default() };
        let Ok(mut reader) = CaptureReader::with_config(&bytes, &config) else {
            refused += 1;
            continue;
        };
        *(if walk(&mut reader).1.is_some() { &mut ended } else { &mut whole }) += 1;
    }
    println!("refused {refused}, ended {ended}, whole {whole}");
    assert!(refused > 1_000 && ended > 1_000);
}
