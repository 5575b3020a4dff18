//! pcapng: each block by hand in both byte orders, each fault, every prefix, seeded files against
//! the list they were made from, and another parser's reading of our writer.

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{Block, PcapBlockOwned, PcapNGReader};

use super::*;

/// IPv4 and UDP of "hi", from 10.0.0.1:40000 to 239.0.0.1:17741: 30 bytes, and 2 of padding.
const DATA: &str = "4500001e 00000000 40110000 0a000001 ef000001 9c40454d 000a0000 6869 0000";

const LITTLE_SECTION: &str = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000";
/// Raw IP, no snaplen, times in nanoseconds.
const LITTLE_INTERFACE: &str =
    "01000000 20000000 6500 0000 00000000 0900 0100 09000000 0000 0000 20000000";
/// Raw IP, no snaplen, no options: microseconds.
const LITTLE_INTERFACE_MICROS: &str = "01000000 14000000 6500 0000 00000000 14000000";

const BIG_SECTION: &str = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c";
const BIG_INTERFACE: &str =
    "00000001 00000020 0065 0000 00000000 0009 0001 09000000 0000 0000 00000020";
const BIG_INTERFACE_MICROS: &str = "00000001 00000014 0065 0000 00000000 00000014";

fn little_enhanced() -> String {
    format!("06000000 40000000 00000000 15cdd618 05b00000 1e000000 1e000000 {DATA} 40000000")
}

fn big_enhanced() -> String {
    format!("00000006 00000040 00000000 18d6cd15 0000b005 0000001e 0000001e {DATA} 00000040")
}

fn little_simple() -> String {
    format!("03000000 30000000 1e000000 {DATA} 30000000")
}

fn big_simple() -> String {
    format!("00000003 00000030 0000001e {DATA} 00000030")
}

/// Of interface 1, with 3 packets dropped before it.
fn little_old() -> String {
    format!("02000000 40000000 0100 0300 00000000 07000000 1e000000 1e000000 {DATA} 40000000")
}

fn big_old() -> String {
    format!("00000002 00000040 0001 0003 00000000 00000007 0000001e 0000001e {DATA} 00000040")
}

/// One section with every kind of block that is read, and one that is not.
fn little() -> String {
    let [enhanced, simple, old] = [little_enhanced(), little_simple(), little_old()];
    let other = "0b000000 10000000 deadbeef 10000000";
    format!(
        "{LITTLE_SECTION}{LITTLE_INTERFACE}{other}{LITTLE_INTERFACE_MICROS}{enhanced}{simple}{old}"
    )
}

fn big() -> String {
    let [enhanced, simple, old] = [big_enhanced(), big_simple(), big_old()];
    let other = "0000000b 00000010 deadbeef 00000010";
    format!("{BIG_SECTION}{BIG_INTERFACE}{other}{BIG_INTERFACE_MICROS}{enhanced}{simple}{old}")
}

/// What the enhanced, the simple and the old packet of these files are.
fn expected() -> Vec<(Nanos, Vec<u8>)> {
    let time = Nanos(0x18D6_CD15_0000_B005);
    [time, time, Nanos(7_000)].map(|time| (time, b"hi".to_vec())).into()
}

#[test]
fn every_block_reads_in_both_byte_orders() {
    for text in [little(), big()] {
        let bytes = hex(&text);
        let mut reader = CaptureReader::new(&bytes).unwrap();
        assert_eq!(walk(&mut reader), (expected(), None));
        let mut reader = CaptureReader::new(&bytes).unwrap();
        let mut packets = Vec::new();
        while let Some(packet) = reader.next_packet() {
            let packet = packet.unwrap();
            assert_eq!((packet.link_type, packet.data.len()), (Some(LinkType::RawIp), 30));
            packets.push((packet.index, packet.offset));
        }
        let first = 28 + 32 + 16 + 20;
        assert_eq!(packets, [(0, first), (1, first + 64), (2, first + 64 + 48)]);
        assert_eq!(*reader.counters(), CaptureCounters::default(), "packets are not counted");
    }
}

#[test]
fn each_section_has_its_own_byte_order_and_interfaces() {
    let (little, big) = (little(), big());
    let bytes = hex(&format!("{little}{big}{big}{little}"));
    let (datagrams, error) = walk(&mut CaptureReader::new(&bytes).unwrap());
    assert_eq!((datagrams.len(), error), (12, None));
    assert!(datagrams.chunks(3).all(|section| section == expected()));
    // An interface of the section before is not one of this section.
    let bytes = hex(&format!("{little}{BIG_SECTION}{}", big_enhanced()));
    let (datagrams, error) = walk(&mut CaptureReader::new(&bytes).unwrap());
    let offset = (hex(&little).len() + 28) as u64;
    let fault = BlockFault::UnknownInterface;
    assert_eq!(datagrams, expected());
    assert_eq!(error, Some(CaptureError::Block { index: 8, offset, fault }));
}

#[test]
fn every_prefix_gives_the_packets_it_holds_and_says_where_it_ends() {
    for bytes in [hex(&little()), hex(&big()), ng_file(&[b"", b"one", b"two!", b"three"])] {
        let mut ends = vec![0];
        let word = |at: usize| <[u8; 4]>::try_from(&bytes[at..at + 4]).unwrap();
        let is_little = word(8) == 0x1A2B_3C4D_u32.to_le_bytes();
        while let Some(&end) = ends.last().filter(|&&end| end < bytes.len()) {
            let length = word(end + 4);
            let length =
                if is_little { u32::from_le_bytes(length) } else { u32::from_be_bytes(length) };
            ends.push(end + length as usize);
        }
        let whole = payloads(&bytes).0;
        for length in 4..bytes.len() {
            let index = ends.iter().filter(|&&end| end <= length).count() - 1;
            let (offset, available) = (ends[index], length - ends[index]);
            let needed = if available < 12 { 12 } else { ends[index + 1] - offset };
            let (index, offset) = (index as u64, offset as u64);
            let expected = CaptureError::TruncatedBlock { index, offset, needed, available };
            let mut reader = match CaptureReader::new(&bytes[..length]) {
                Ok(reader) => reader,
                Err(error) => {
                    assert!(length < 28 && error == expected, "{length}: {error}");
                    continue;
                }
            };
            let (datagrams, error) = walk(&mut reader);
            assert_eq!(error, (available > 0).then_some(expected), "cut to {length}");
            let count = datagrams.len();
            assert!(datagrams.iter().map(|(_, payload)| payload).eq(&whole[..count]));
            // Packets stand at the end of these files, so the blocks missing are packets missing.
            assert_eq!(whole.len() - count, (ends.len() - 1 - index as usize).min(whole.len()));
        }
    }
}

/// The error of a file with `bytes` written over it at `at`.
fn error_with(at: usize, bytes: &[u8]) -> CaptureError {
    let mut file = hex(&little());
    file[at..at + bytes.len()].copy_from_slice(bytes);
    match CaptureReader::new(&file) {
        Ok(mut reader) => walk(&mut reader).1.unwrap(),
        Err(error) => error,
    }
}

#[test]
fn every_damaged_block_is_named_and_located() {
    use BlockFault::*;
    let blocks = [0, 28, 60, 76, 96, 160, 208];
    let fault_with = |index: usize, at: usize, bytes: &[u8], fault| {
        let expected =
            CaptureError::Block { index: index as u64, offset: blocks[index] as u64, fault };
        assert_eq!(error_with(blocks[index] + at, bytes), expected, "block {index}, byte {at}");
    };
    fault_with(0, 8, &[0x4E], ByteOrderMagic);
    fault_with(0, 12, &[2], Version);
    fault_with(0, 4, &[8], LengthTooSmall);
    fault_with(2, 4, &[0], LengthTooSmall);
    fault_with(3, 4, &[0x13], LengthUnaligned);
    fault_with(3, 4, &[0x04, 0, 0, 0x01], LengthTooLarge);
    fault_with(3, 4, &[0xFC, 0xFF, 0xFF, 0xFF], LengthTooLarge);
    for index in 0..6 {
        fault_with(index, blocks[index + 1] - blocks[index] - 4, &[0x44], LengthsDiffer);
    }
    fault_with(1, 18, &[0xFF], OptionLength);
    fault_with(1, 20, &[20], TimeResolution);
    fault_with(4, 8, &[2], UnknownInterface);
    fault_with(4, 20, &[37], CapturedLength);
    fault_with(4, 20, &[0xFF, 0xFF, 0xFF, 0xFF], CapturedLength);
    fault_with(4, 15, &[0x80], TimeRange);
    fault_with(5, 8, &[37], CapturedLength);
    fault_with(6, 8, &[7], UnknownInterface);
    fault_with(6, 20, &[37], CapturedLength);
    // A block too short for its type: the interface, cut to its framing.
    for block_type in [1, 2, 3, 6] {
        let short = format!("{LITTLE_SECTION} 0{block_type}000000 0c000000 0c000000");
        let error = walk(&mut CaptureReader::new(&hex(&short)).unwrap()).1;
        let fault = LengthTooSmall;
        assert_eq!(error, Some(CaptureError::Block { index: 1, offset: 28, fault }));
    }
}

#[test]
fn interfaces_are_bounded() {
    let section =
        |count: usize| hex(&(LITTLE_SECTION.to_owned() + &LITTLE_INTERFACE.repeat(count)));
    assert_eq!(payloads(&section(INTERFACES_MAX)), (vec![], None));
    let (index, offset) = (1 + INTERFACES_MAX as u64, 28 + 32 * INTERFACES_MAX as u64);
    let error = CaptureError::Block { index, offset, fault: BlockFault::TooManyInterfaces };
    assert_eq!(payloads(&section(INTERFACES_MAX + 1)), (vec![], Some(error)));
}

#[test]
fn a_simple_packet_is_cut_to_the_snaplen_and_has_a_time_only_after_another() {
    let interface = "01000000 14000000 6500 0000 10000000 14000000";
    let short = "03000000 20000000 1e000000 00000000 00000000 00000000 00000000 20000000";
    let simple = little_simple();
    let bytes = hex(&format!("{LITTLE_SECTION}{interface}{short}"));
    let mut reader = CaptureReader::new(&bytes).unwrap();
    let packet = reader.next_packet().unwrap().unwrap();
    assert_eq!((packet.data.len(), packet.original_length, packet.time), (16, 30, Nanos::ZERO));
    assert_eq!(packet.udp(), Err(FrameError::CutBySnaplen));
    let bytes = hex(&format!("{LITTLE_SECTION}{LITTLE_INTERFACE}{simple}"));
    let (datagrams, error) = walk(&mut CaptureReader::new(&bytes).unwrap());
    assert_eq!((datagrams, error), (vec![(Nanos::ZERO, b"hi".to_vec())], None));
    let (_, error) = payloads_without_interface(&simple);
    let fault = BlockFault::UnknownInterface;
    assert_eq!(error, Some(CaptureError::Block { index: 1, offset: 28, fault }));
}

fn payloads_without_interface(block: &str) -> (Vec<Vec<u8>>, Option<CaptureError>) {
    payloads(&hex(&format!("{LITTLE_SECTION}{block}")))
}

#[test]
fn an_interface_of_another_link_layer_is_skipped_by_name() {
    let usb = "01000000 14000000 dc00 0000 00000000 14000000";
    let text =
        format!("{LITTLE_SECTION}{LITTLE_INTERFACE}{usb}{}{}", little_enhanced(), little_old());
    let bytes = hex(&text);
    let mut reader = CaptureReader::new(&bytes).unwrap();
    assert_eq!(walk(&mut reader), (expected()[..1].to_vec(), None));
    assert_eq!(reader.counters().skipped[FrameError::UnsupportedLinkType as usize], 1);
}

/// A file of random blocks, and what its packets are: time and payload.
fn random_file(random: &mut Random) -> (Vec<u8>, Vec<(Nanos, Vec<u8>)>) {
    let (mut file, mut expected, mut last) = (Vec::new(), Vec::new(), Nanos::ZERO);
    for _ in 0..1 + random.index(3) {
        let is_big = random.index(2) == 1;
        let word = |value: u32| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let half = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let mut block = |block_type: u32, body: &[u8]| {
            let body = [body, &[0; 3][..body.len().next_multiple_of(4) - body.len()]].concat();
            let length = word(body.len() as u32 + 12);
            file.extend([&word(block_type)[..], &length, &body, &length].concat());
        };
        let version = [half(1), half(0)].concat();
        block(0x0A0D_0D0A, &[&word(0x1A2B_3C4D)[..], &version, &[0xFF; 8]].concat());
        let mut resolutions = Vec::new();
        for step in 0..1 + random.index(20) {
            let exponent = [6, 9, 3, 0][random.index(4)];
            let units = random.index(1 << 30) as u64;
            let time = Nanos((units * 10_u64.pow(9 - exponent)) as i64);
            let size = random.index(60);
            let payload = random.bytes(size);
            let packet = &super::frame(&payload)[14..];
            let lengths = [word(packet.len() as u32); 2].concat();
            let stamp = [word((units >> 32) as u32), word(units as u32)].concat();
            let interface = resolutions.iter().rposition(|&known| known == exponent);
            match (random.index(5), interface) {
                (0, Some(index)) => {
                    block(6, &[&word(index as u32)[..], &stamp, &lengths, packet].concat());
                    last = time;
                }
                (1, Some(index)) => {
                    let head = [half(index as u16), half(step as u16)].concat();
                    block(2, &[&head[..], &stamp, &lengths, packet].concat());
                    last = time;
                }
                (2, _) if !resolutions.is_empty() => {
                    block(3, &[&word(packet.len() as u32)[..], packet].concat());
                }
                (3, _) => {
                    block(5 + random.index(9) as u32 * 7 + 5, &payload);
                    continue;
                }
                _ => {
                    let option = [&half(9)[..], &half(1), &[exponent as u8, 0, 0, 0]].concat();
                    let ip = [&half(101)[..], &half(0), &word(0), &option].concat();
                    block(1, &ip);
                    resolutions.push(exponent);
                    continue;
                }
            }
            expected.push((last, payload));
        }
    }
    (file, expected)
}

#[test]
fn random_files_read_as_they_were_made() {
    let mut packets = 0;
    for seed in 0..2_000 {
        let (file, expected) = random_file(&mut Random(seed));
        packets += expected.len();
        let read = walk(&mut CaptureReader::new(&file).unwrap());
        assert_eq!(read, (expected, None), "seed {seed}");
    }
    assert!(packets > 10_000, "{packets}");
}

#[test]
fn damaged_files_end_with_an_error_and_never_a_panic() {
    let (mut whole, mut ended) = (0, 0);
    for seed in 0..20_000 {
        let mut random = Random(1 << 40 | seed);
        let (mut file, _) = random_file(&mut random);
        for _ in 0..1 + random.index(4) {
            let at = random.index(file.len());
            match random.index(4) {
                0 => file.truncate(at.max(1)),
                1 => file[at] ^= 1 << random.index(8),
                2 => file[at] = [0, 0xFF, 0x7F, 0x80][random.index(4)],
                _ => file.insert(at, random.next() as u8),
            }
        }
        let Ok(mut reader) = CaptureReader::new(&file) else { continue };
        *(if walk(&mut reader).1.is_some() { &mut ended } else { &mut whole }) += 1;
    }
    assert!(whole > 1_000 && ended > 1_000, "{whole} whole, {ended} ended");
}

#[test]
fn the_writer_makes_what_both_parsers_read() {
    let texts: Vec<Vec<u8>> = (0..40).map(|size| Random(size).bytes(size as usize)).collect();
    let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    let bytes = ng_file(&texts);
    let (ours, error) = walk(&mut CaptureReader::new(&bytes).unwrap());
    assert_eq!(error, None);
    let expected = texts.iter().enumerate();
    let expected = expected.map(|(index, text)| (TIME.plus(index as i64 * 1_000), text.to_vec()));
    assert!(expected.eq(ours), "what was written is read");

    let mut theirs = PcapNGReader::new(1 << 16, &bytes[..]).unwrap();
    let mut packets = Vec::new();
    while let Ok((size, block)) = theirs.next() {
        match block {
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let time = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                packets.push((time as i64, packet.data[..packet.caplen as usize].to_vec()));
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                assert_eq!((interface.linktype.0, interface.if_tsresol), (1, 9));
            }
            _ => {}
        }
        theirs.consume(size);
    }
    let mut reader = CaptureReader::new(&bytes).unwrap();
    for (time, data) in &packets {
        let packet = reader.next_packet().unwrap().unwrap();
        assert_eq!((packet.time.0, packet.data), (*time, &data[..]));
    }
    assert!(reader.next_packet().is_none());
    assert_eq!(packets.len(), 40);
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
    assert!(writer.write_udp(TIME, SOURCE, GROUP, &[0; 65_508]).is_err());
    assert!(writer.write_udp(Nanos(-1), SOURCE, GROUP, b"").is_err());
    assert_eq!(writer.into_inner().len(), 60);
}
