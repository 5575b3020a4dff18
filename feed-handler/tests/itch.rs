//! ITCH from bytes to events, whole: a session of our own on two lossy lines in a pcap against the
//! same session in a file, then real packets. The captures are private: without `TEZI_CAPTURES`
//! those tests say that they skip.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use tezi_feed_handler::Line;
use tezi_feed_handler::capture::{CaptureReader, PcapFormat, PcapWriter};
use tezi_feed_handler::wire::itch::{Decoder, FileReader, Message, SessionDate, decode};
use tezi_feed_handler::wire::mold_udp64::{
    self, Delivery, PacketKind, Sequencer, SequencerConfig, Source, Start,
};
use tezi_model::{Event, EventKind, MarketFlags, Nanos};
use tezi_testing::Random;

const LINES: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(233, 54, 12, 111), 26_477),
    SocketAddrV4::new(Ipv4Addr::new(233, 49, 196, 111), 26_477),
];
const SENDER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 40_000);

fn date() -> SessionDate {
    SessionDate::new(2019, 12, 30).unwrap()
}

/// A message of a type, its fields random but right.
fn message(random: &mut Random, message_type: u8, time: u64) -> Vec<u8> {
    let size = Message::size_of_type(message_type).unwrap();
    let mut bytes: Vec<u8> = (0..size).map(|_| 1 + (random.next() % 100) as u8).collect();
    bytes[0] = message_type;
    bytes[5..11].copy_from_slice(&time.to_be_bytes()[2..]);
    match message_type {
        b'A' | b'F' => bytes[19] = *b"BS".get(random.next() as usize % 2).unwrap(),
        b'C' => bytes[31] = *b"YN".get(random.next() as usize % 2).unwrap(),
        b'Q' => bytes[11..15].fill(0),
        _ => {}
    }
    bytes
}

fn session(messages: usize) -> Vec<Vec<u8>> {
    let mut random = Random(11);
    (0..messages)
        .map(|index| {
            let letter = Message::TYPES[random.next() as usize % Message::TYPES.len()];
            message(&mut random, letter, 34_200_000_000_000 + index as u64 * 1_000)
        })
        .collect()
}

/// The events of a file.
fn from_file(file: &[u8]) -> (Vec<Event>, Decoder) {
    let mut decoder = Decoder::new(date(), 1);
    let mut events = Vec::new();
    let mut reader = FileReader::new(file);
    for message in reader.by_ref() {
        let message = message.unwrap();
        events
            .extend(decoder.on_message(message.bytes, message.index + 1, Nanos::ZERO, 0).unwrap());
    }
    assert!(reader.is_complete());
    (events, decoder)
}

/// The events of a capture, and how many messages were given up.
fn from_capture(capture: &[u8]) -> (Vec<Event>, u64) {
    let config = SequencerConfig { start: Start::At(1), requests_max: 0, ..Default::default() };
    let mut sequencer = Sequencer::new(config).unwrap();
    let mut decoder = Decoder::new(date(), 1);
    let mut events = Vec::new();
    let mut reader = CaptureReader::new(capture).unwrap();
    let mut has_ended = false;
    while let Some(datagram) = reader.next_udp() {
        let datagram = datagram.unwrap();
        let is_a = datagram.packet.destination == LINES[0];
        let line = if is_a { Line::A } else { Line::B };
        let mut sink = |delivery: Delivery<'_>| match delivery {
            Delivery::Message { sequence, bytes, .. } => {
                events.extend(decoder.on_message(bytes, sequence, datagram.time, 0).unwrap());
            }
            Delivery::EndOfSession { .. } => has_ended = true,
            Delivery::Stale { .. } | Delivery::Whole { .. } | Delivery::Gap { .. } => {}
        };
        sequencer.on_timeout(datagram.time, &mut sink);
        sequencer
            .on_packet(Source::Line(line), datagram.packet.payload, datagram.time, &mut sink)
            .unwrap();
    }
    assert!(has_ended);
    (events, sequencer.gaps().lost)
}

/// Events without when and how they came.
fn market(events: &[Event]) -> Vec<Event> {
    let side = MarketFlags::SELL;
    events
        .iter()
        .map(|event| Event { receive_time: Nanos::ZERO, flags: event.flags & side, ..*event })
        .collect()
}

#[test]
fn two_lossy_lines_give_what_the_file_gives() {
    let messages = session(5_000);
    let mut file = Vec::new();
    for message in messages.iter().map(Vec::as_slice).chain([&[][..]]) {
        file.extend((message.len() as u16).to_be_bytes());
        file.extend(message);
    }
    let mut random = Random(3);
    let mut packets = Vec::new();
    let mut sent = 0;
    while sent < messages.len() {
        let count = (1 + random.next() as usize % 6).min(messages.len() - sent);
        let mut packet = b"20191230A ".to_vec();
        packet.extend((sent as u64 + 1).to_be_bytes());
        packet.extend((count as u16).to_be_bytes());
        for message in &messages[sent..sent + count] {
            packet.extend((message.len() as u16).to_be_bytes());
            packet.extend(message);
        }
        // One packet in five is lost on one of the lines, and B lags by one to three packets.
        let lost = random.next() % 10;
        let (time, lag) = (packets.len() as i64, 2 + random.next() as i64 % 4);
        for (line, at) in [(0, time), (1, time + lag)] {
            if lost != line as u64 {
                packets.push((at, line, packet.clone()));
            }
        }
        sent += count;
    }
    let end = [b"20191230A ".to_vec(), 5_001_u64.to_be_bytes().to_vec(), vec![0xFF; 2]].concat();
    packets.push((i64::MAX, 0, end));
    packets.sort_by_key(|packet| packet.0);
    let format = PcapFormat::default();
    let mut writer = PcapWriter::with_format(Vec::new(), format).unwrap();
    for (index, (_, line, payload)) in packets.iter().enumerate() {
        let time = date().midnight().plus(34_200_000_000_000 + index as i64 * 1_000);
        writer.write_udp(time, SENDER, LINES[*line], payload).unwrap();
    }
    let (events, lost) = from_capture(&writer.into_inner());
    let (expected, decoder) = from_file(&file);
    assert_eq!(lost, 0);
    assert_eq!(market(&events), market(&expected));
    let taken: u64 = decoder.counters().messages.iter().sum();
    assert_eq!((taken, decoder.counters().refused_count()), (5_000, 0));
}

/// A file of the captures, `None` when there are none here.
fn file(name: &str) -> Option<Vec<u8>> {
    let Some(root) = std::env::var_os("TEZI_CAPTURES") else {
        println!("skipped: TEZI_CAPTURES is not set, so {name} is not here");
        return None;
    };
    let path = PathBuf::from(root).join(name);
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

#[test]
fn every_captured_packet_is_the_message_its_name_says() {
    let cases = [
        ("AddOrderNoMpidAttributionMessage", "A"),
        ("MarketParticipantPositionMessage", "L"),
        ("NetOrderImbalanceIndicatorMessage", "I"),
        ("OrderDeleteMessage", "D"),
        ("OrderExecutedMessage", "E"),
        ("OrderReplaceMessage", "U"),
        ("StockTradingActionMessage", "H"),
        ("Multiple.Packets", ""),
    ];
    for (name, letter) in cases {
        let path = format!("omi/Nasdaq/Nasdaq.Equities.TotalView.Itch.v5.0/{name}.pcap");
        let Some(capture) = file(&path) else { return };
        let mut decoder = Decoder::new(SessionDate::new(2023, 8, 22).unwrap(), 1);
        let mut letters = String::new();
        let mut reader = CaptureReader::new(&capture).unwrap();
        while let Some(datagram) = reader.next_udp() {
            let datagram = datagram.unwrap();
            let packet = mold_udp64::decode(datagram.packet.payload).unwrap();
            assert_eq!(packet.kind(), PacketKind::Messages);
            for bytes in packet.messages() {
                letters.push(char::from(bytes[0]));
                let event = decoder.on_message(bytes, packet.sequence(), datagram.time, 0).unwrap();
                // The packets were captured within a second of when they were sent.
                if let Some(event) = event {
                    let age = datagram.time.since(event.exchange_time);
                    assert!(age.abs() < 1_000_000_000, "{name}: {age} ns");
                }
            }
        }
        println!("{name}: {letters}");
        assert!(letters == letter || letter.is_empty() && letters.len() > 10, "{name}: {letters}");
        assert_eq!(reader.counters().skipped.iter().sum::<u64>(), 0);
    }
}

#[test]
fn the_start_of_a_real_day_reads_without_an_error() {
    let Some(bytes) = file("itch/bbekele_sample.itch") else { return };
    let mut decoder = Decoder::new(date(), 1);
    let mut instruments = 0;
    let mut reader = FileReader::new(&bytes);
    for message in reader.by_ref() {
        let message = message.unwrap();
        let event = decoder.on_message(message.bytes, message.index + 1, Nanos::ZERO, 0).unwrap();
        assert!(event.is_none_or(|event| event.kind() != Some(EventKind::Trade)));
        if let Ok(Message::StockDirectory(stock)) = decode(message.bytes) {
            let instrument = stock.instrument().unwrap();
            assert!(!instrument.symbol.as_str().is_empty() && instrument.lot.0 == 1);
            instruments += 1;
        }
    }
    let counters = decoder.counters();
    let counts = [b'S', b'R', b'H', b'Y'].map(|letter| counters.of_type(letter));
    println!("{} messages: S, R, H, Y {counts:?}", reader.messages_read());
    assert_eq!((reader.messages_read(), instruments, counters.refused_count()), (1_000, 993, 0));
    assert!(!reader.is_complete(), "it is the start of a day");
}
