//! Seeded damage: mutated packets and captures through decoder, arbiter and reader. Nothing panics,
//! and every packet is accounted for. The fuzz targets do the same without end.

use crate::common::{Random, capture, message, replay, sent};
use tezi_feed_handler::capture::{CaptureReader, PcapFormat};
use tezi_feed_handler::wire::nse_mtbt::{PacketContext, encode_heartbeat, messages};
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{Event, Nanos, Segment};

/// Changes, cuts or lengthens bytes in a few places.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.index(4) {
        let at = random.index(bytes.len().max(1));
        match random.index(6) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.index(8),
            2 => bytes.truncate(at),
            3 => bytes.insert(at, random.next() as u8),
            4 => bytes[at] = [0, 0xFF, 0x7F, 0x80][random.index(4)],
            _ => {
                let copy = bytes[at..].to_vec();
                bytes.extend(copy);
            }
        }
        bytes.truncate(2_000);
    }
}

/// A datagram of one to three messages, every third one damaged.
fn datagram(random: &mut Random, sequence: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for offset in 0..1 + random.index(3) as u32 {
        if random.index(8) == 0 {
            bytes.extend(encode_heartbeat(2, sequence + offset));
        } else {
            bytes.extend(message(sequence + offset));
        }
    }
    if random.index(3) == 0 {
        mutate(random, &mut bytes);
    }
    bytes
}

#[test]
fn decoder_and_arbiter_survive_a_hundred_thousand_damaged_packets() {
    let mut random = Random(2026);
    let config = ArbiterConfig { reorder_window: 256, ..ArbiterConfig::new(Segment::NseFo) };
    let mut arbiter = Arbiter::new(config).unwrap();
    let (mut decoded, mut refused, mut given) = (0, 0, 0_u64);
    let mut sink = |event: &Event| {
        assert!(event.kind().is_some());
        given += 1;
    };
    for step in 0..100_000_u32 {
        let sequence = 1 + step / 2 + random.index(20) as u32;
        let bytes = datagram(&mut random, sequence);
        let line = Line::BOTH[random.index(2)];
        let now = sent(step / 2).plus(random.index(1_000_000) as i64);
        let context = PacketContext { segment: Segment::NseFo, line, receive_time: now };
        for message in messages(&bytes) {
            let outcome = message.and_then(|message| {
                message.header().stream_number()?;
                message.to_event(&context)
            });
            *(if outcome.is_ok() { &mut decoded } else { &mut refused }) += 1;
        }
        arbiter.on_packet(line, &bytes, now, &mut sink);
        if step % 1_000 == 0 {
            assert!(arbiter.is_consistent(), "step {step}");
        }
    }
    arbiter.finish(Nanos::MAX, &mut sink);
    assert!(arbiter.is_consistent());
    let lines = Line::BOTH.map(|line| *arbiter.line(line));
    assert_eq!(lines.iter().map(|line| line.packets).sum::<u64>(), 100_000);
    let taken = lines.iter().map(|line| line.messages + line.heartbeats + line.unsequenced);
    assert_eq!(taken.sum::<u64>(), decoded);
    assert_eq!(lines.iter().map(|line| line.errors_total()).sum::<u64>(), refused);
    println!("decoded {decoded}, refused {refused}, given {given}");
    assert!(decoded > 50_000 && refused > 10_000 && given > 10_000);
    let streams = arbiter.streams();
    assert!(streams.iter().all(|stream| stream.held() == 0));
}

#[test]
fn the_reader_survives_damaged_captures() {
    let packets: Vec<_> =
        (1..=40).map(|number| (Line::A, sent(number), vec![number, number + 1])).collect();
    let mut random = Random(7);
    let mut whole = 0;
    for seed in 0..5_000 {
        let format = PcapFormat { nanoseconds: seed % 2 == 0, big_endian: seed % 3 == 0 };
        let mut bytes = capture(format, &packets[..1 + random.index(packets.len())]);
        let size = bytes.len();
        mutate(&mut random, &mut bytes);
        let Ok(mut reader) = CaptureReader::new(&bytes) else { continue };
        let mut error = None;
        let mut datagrams = 0;
        while let Some(datagram) = reader.next_udp() {
            assert!(error.is_none(), "nothing follows an error");
            match datagram {
                Ok(_) => datagrams += 1,
                Err(found) => error = Some(found),
            }
        }
        let counters = reader.counters();
        assert_eq!(counters.datagrams, datagrams);
        let skipped = counters.skipped.iter().sum::<u64>();
        assert_eq!(counters.packets, datagrams + skipped + counters.fragments.kept);
        whole += usize::from(error.is_none() && bytes.len() == size);
    }
    assert!(whole > 100);
    let (events, _) = replay(&capture(PcapFormat::default(), &packets));
    assert_eq!(events.len(), 41);
}
