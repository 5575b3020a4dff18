//! Frames and files that are right, and each way in which they can be wrong.

use std::net::{Ipv4Addr, SocketAddrV4};

use tezi_model::Nanos;

use super::datagram::{fold, sum_words};
use super::record::RECORD_SIZE_MAX;
use super::*;
use tezi_testing::Random;

mod compressed;
mod fragments;
mod pcapng;

const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(172, 19, 43, 112), 57_484);
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), 17_741);
const TIME: Nanos = Nanos(1_789_962_300_123_456_789);

fn file(format: PcapFormat, payloads: &[&[u8]]) -> Vec<u8> {
    let mut writer = PcapWriter::with_format(Vec::new(), format).unwrap();
    for (index, payload) in payloads.iter().enumerate() {
        writer.write_udp(TIME.plus(index as i64 * 1_000), SOURCE, GROUP, payload).unwrap();
    }
    writer.into_inner()
}

/// A pcapng file of datagrams a microsecond apart.
fn ng_file(payloads: &[&[u8]]) -> Vec<u8> {
    let mut writer = PcapNgWriter::new(Vec::new()).unwrap();
    for (index, payload) in payloads.iter().enumerate() {
        writer.write_udp(TIME.plus(index as i64 * 1_000), SOURCE, GROUP, payload).unwrap();
    }
    writer.into_inner()
}

/// Bytes written in hexadecimal, blanks left out.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// Time and payload of every datagram, and the error that the capture ends with. Checks that the
/// counters add up and that nothing follows the end.
fn walk(reader: &mut CaptureReader<'_>) -> (Vec<(Nanos, Vec<u8>)>, Option<CaptureError>) {
    let (mut datagrams, mut error) = (Vec::new(), None);
    while let Some(datagram) = reader.next_udp() {
        assert_eq!(error, None, "nothing follows an error");
        match datagram {
            Ok(udp) => datagrams.push((udp.time, udp.packet.payload.to_vec())),
            Err(found) => error = Some(found),
        }
    }
    assert!(reader.next_udp().is_none() && reader.next_packet().is_none());
    let counters = reader.counters();
    let skipped: u64 = counters.skipped.iter().sum();
    assert_eq!(counters.datagrams, datagrams.len() as u64);
    assert_eq!(counters.packets, counters.datagrams + skipped + counters.fragments.kept);
    (datagrams, error)
}

/// The payloads of a capture that can be read, and the error it ends with.
fn payloads(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<CaptureError>) {
    let (datagrams, error) = walk(&mut CaptureReader::new(bytes).unwrap());
    (datagrams.into_iter().map(|(_, payload)| payload).collect(), error)
}

/// A frame as the writer makes it.
fn frame(payload: &[u8]) -> Vec<u8> {
    file(PcapFormat::default(), &[payload])[40..].to_vec()
}

#[test]
fn all_four_kinds_of_pcap_read_back() {
    for nanoseconds in [true, false] {
        for big_endian in [true, false] {
            let bytes = file(PcapFormat { nanoseconds, big_endian }, &[b"one", b"", b"three"]);
            let mut reader = CaptureReader::new(&bytes).unwrap();
            let expected = if nanoseconds { TIME } else { Nanos(TIME.0 / 1_000 * 1_000) };
            for (index, payload) in [&b"one"[..], b"", b"three"].into_iter().enumerate() {
                let udp = reader.next_udp().unwrap().unwrap();
                assert_eq!(udp.time, expected.plus(index as i64 * 1_000));
                assert_eq!(udp.index, index as u64);
                let packet = UdpPacket { source: SOURCE, destination: GROUP, payload };
                assert_eq!(udp.packet, packet);
            }
            assert_eq!(reader.next_udp(), None);
            assert_eq!((reader.counters().packets, reader.counters().datagrams), (3, 3));
        }
    }
}

#[test]
fn checksums_and_addresses_are_right() {
    for payload in [&b""[..], b"x", b"odd", b"even", &[0xFF; 1_000]] {
        let frame = frame(payload);
        assert_eq!(frame[..6], [0x01, 0x00, 0x5E, 70, 70, 41]);
        let (ip, udp) = frame[14..].split_at(20);
        assert_eq!(fold(sum_words(ip)), 0xFFFF, "a right header sums to all ones");
        let pseudo = sum_words(&ip[12..20]) + 17 + udp.len() as u32;
        assert_eq!(fold(pseudo + sum_words(udp)), 0xFFFF);
    }
}

#[test]
fn the_writer_refuses_what_the_format_cannot_hold() {
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    assert!(writer.write_udp(TIME, SOURCE, GROUP, &[0; 65_508]).is_err());
    assert!(writer.write_udp(Nanos(-1), SOURCE, GROUP, b"").is_err());
    assert_eq!(writer.into_inner().len(), 24);
}

#[test]
fn a_cut_file_keeps_what_came_before_and_says_where() {
    let bytes = file(PcapFormat::default(), &[b"one", b"two!"]);
    let second = 24 + 16 + 45;
    for length in 0..bytes.len() {
        let reader = CaptureReader::new(&bytes[..length]);
        if length < 24 {
            let expected = if length < 4 {
                let mut magic = [0; 4];
                magic[..length].copy_from_slice(&bytes[..length]);
                CaptureError::NotPcap { magic }
            } else {
                CaptureError::TruncatedHeader { size: length }
            };
            assert_eq!(reader.err(), Some(expected));
            continue;
        }
        let (whole, error) = walk(&mut reader.unwrap());
        assert_eq!(whole.len(), usize::from(length >= second) + usize::from(length == bytes.len()));
        let (index, offset) = if length < second { (0, 24) } else { (1, second) };
        let available = length - offset;
        let needed = match available {
            0..16 => 16,
            _ => 16 + 45 + index as usize,
        };
        let offset = offset as u64;
        let expected = CaptureError::Truncated { index, offset, needed, available };
        assert_eq!(error, (available > 0).then_some(expected));
    }
}

#[test]
fn damaged_files_are_refused_by_name() {
    let good = file(PcapFormat::default(), &[b"one"]);
    let text = |bytes: &[u8]| CaptureReader::new(bytes).unwrap_err().to_string();
    assert!(text(b"hello world").starts_with("not a pcap file: it begins with 68 65 6c 6c ("));
    assert!(text(b"").starts_with("not a pcap file: it begins with 00 00 00 00 ("));
    let mut other = good.clone();
    other[20] = 105; // 802.11
    assert!(text(&other).starts_with("link type 105 is not read"));
    for big_endian in [false, true] {
        let mut bytes = file(PcapFormat { nanoseconds: true, big_endian }, &[b"one", b"two"]);
        let length = RECORD_SIZE_MAX as u32 + 1;
        let length = if big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
        let offset = 24 + 16 + 45;
        bytes[offset + 8..offset + 12].copy_from_slice(&length);
        let mut reader = CaptureReader::new(&bytes).unwrap();
        assert!(reader.next_udp().unwrap().is_ok());
        let (index, offset) = (1, offset as u64);
        let error = CaptureError::ImpossibleRecordLength { index, offset, length: 262_145 };
        assert_eq!(reader.next_udp(), Some(Err(error)));
        assert_eq!(reader.next_udp(), None);
    }
}

#[test]
fn a_packet_cut_by_snaplen_is_counted_and_skipped() {
    let mut bytes = file(PcapFormat::default(), &[b"one", b"two"]);
    bytes[24 + 12] = 46; // one byte more on the wire than in the file
    let mut reader = CaptureReader::new(&bytes).unwrap();
    assert_eq!(reader.next_udp().unwrap().unwrap().packet.payload, b"two");
    assert_eq!(reader.counters().skipped[FrameError::CutBySnaplen as usize], 1);
}

#[test]
fn tags_options_padding_and_other_link_layers_are_seen_through() {
    let plain = frame(b"payload");
    let payload = |link, frame: &[u8]| parse_udp(link, frame).map(|udp| udp.payload.to_vec());
    let expected = Ok(b"payload".to_vec());
    let tagged = [&plain[..12], &[0x88, 0xA8, 0, 1, 0x81, 0, 0, 2], &plain[12..]].concat();
    let padded = [&plain[..], &[0; 9]].concat();
    let mut options = [&plain[..34], &[1; 8], &plain[34..]].concat();
    options[14] = 0x47;
    options[17] += 8;
    for frame in [&plain, &tagged, &padded, &options] {
        assert_eq!(payload(LinkType::Ethernet, frame), expected);
    }
    assert_eq!(payload(LinkType::RawIp, &plain[14..]), expected);
    let cooked = [&[0; 14], &plain[12..]].concat();
    assert_eq!(payload(LinkType::LinuxCooked, &cooked), expected);
    let cooked2 = [&[8, 0], &[0; 18][..], &plain[14..]].concat();
    assert_eq!(payload(LinkType::LinuxCooked2, &cooked2), expected);
    let tagged_cooked = [&[0; 14], &tagged[12..]].concat();
    assert_eq!(payload(LinkType::LinuxCooked, &tagged_cooked), expected);
    let tagged_cooked2 = [&[0x81, 0], &[0; 18][..], &[0, 1, 8, 0], &plain[14..]].concat();
    assert_eq!(payload(LinkType::LinuxCooked2, &tagged_cooked2), expected);
    let codes = [1, 101, 12, 228, 113, 276, 0x1000_0001].map(LinkType::from_code);
    assert!(codes.iter().all(Option::is_some));
    assert_eq!(LinkType::from_code(105), None);
}

#[test]
fn every_frame_that_is_not_ours_is_refused_by_name() {
    use FrameError::*;
    let plain = frame(b"payload");
    let with = |offset: usize, byte: u8| {
        let mut frame = plain.clone();
        frame[offset] = byte;
        parse_udp(LinkType::Ethernet, &frame).unwrap_err()
    };
    assert_eq!(with(13, 6), NotIpv4); // ARP
    assert_eq!(with(14, 0x65), NotIpv4); // version 6
    assert_eq!(with(14, 0x44), IpHeaderLength);
    assert_eq!(with(14, 0x4F), IpHeaderLength);
    assert_eq!(with(17, 36), IpTotalLength);
    assert_eq!(with(17, 19), IpTotalLength);
    assert_eq!(with(20, 0x20), IpFragment); // more fragments
    assert_eq!(with(21, 1), IpFragment); // offset
    assert_eq!(with(23, 6), NotUdp); // TCP
    assert_eq!(with(39, 7), UdpLength);
    assert_eq!(with(39, 16), UdpLength);
    for length in 0..plain.len() {
        let error = parse_udp(LinkType::Ethernet, &plain[..length]).unwrap_err();
        let expected = if length < 34 { TruncatedHeader } else { IpTotalLength };
        assert_eq!(error, expected, "cut to {length}");
    }
}
