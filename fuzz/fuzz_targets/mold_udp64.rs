//! Any packets from anywhere: no panic, each number once and in order, requests within bounds,
//! counters that add up.
//!
//! The input is a list of packets: how it comes and milliseconds passed (one byte), shape (one
//! byte), size (one byte), bytes. Half of them are made well-formed, so that the sequencer sees
//! some.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::mold_udp64::{Delivery, Sequencer, SequencerConfig, Source, Start};
use tezi_model::Nanos;

/// A packet of `count` messages of one byte each, from `sequence` on.
fn well_formed(session: u8, sequence: u64, count: u16) -> Vec<u8> {
    let mut packet = vec![b'A' + session; 10];
    packet.extend(sequence.to_be_bytes());
    packet.extend(count.to_be_bytes());
    if count < 0xFFFF {
        packet.extend([0, 1, 7].repeat(usize::from(count)));
    }
    packet
}

fuzz_target!(|data: &[u8]| {
    let config = SequencerConfig {
        start: if data.len() % 2 == 0 { Start::At(1) } else { Start::FirstSeen },
        window: 32,
        message_size_max: 8,
        jump_max: 256,
        requests_max: 2,
        ..SequencerConfig::default()
    };
    let mut sequencer = Sequencer::new(config).expect("a right configuration");
    let (mut next, mut messages, mut lost) = (0, 0_u64, 0_u64);
    let mut sink = |delivery: Delivery<'_>| match delivery {
        Delivery::Message { sequence, .. } => {
            assert!(next == 0 || sequence == next);
            next = sequence + 1;
            messages += 1;
        }
        Delivery::Gap { first, last } => {
            assert!((next == 0 || first == next) && first <= last);
            next = last + 1;
            lost = lost.saturating_add(last - first + 1);
        }
        Delivery::EndOfSession { .. } => next = 0,
        Delivery::Stale { first } | Delivery::Whole { next: first } => {
            assert!(next == 0 || first == next);
        }
    };
    let mut now = Nanos(1_000_000_000);
    let mut rest = data;
    while let [head, shape, size, tail @ ..] = rest {
        let (packet, after) = tail.split_at(tail.len().min(usize::from(*size)));
        let source = Source::ALL[usize::from(head % 3)];
        now = now.plus(i64::from(head >> 2) * 1_000_000);
        let count = if shape & 0x7E == 0x7E { 0xFFFF } else { u16::from(shape >> 4) };
        let made = well_formed(shape & 1, 1 + u64::from(*size), count);
        let bytes = if shape & 2 == 0 { &made } else { packet };
        let before = sequencer.next_sequence();
        if sequencer.on_packet(source, bytes, now, &mut sink).is_err() {
            assert_eq!(sequencer.next_sequence(), before);
        }
        if let Some(request) = sequencer.poll_request(now) {
            assert_eq!(Some(request.sequence_number.get()), sequencer.next_sequence());
            assert!((1..=1_000).contains(&request.message_count.get()));
        }
        sequencer.on_timeout(now, &mut sink);
        assert!(sequencer.is_consistent());
        rest = after;
    }
    sequencer.finish(&mut sink);
    assert!(sequencer.is_consistent() && sequencer.held() == 0);
    let first: u64 = Source::ALL.map(|source| sequencer.source(source).first).iter().sum();
    assert_eq!((first, lost), (messages, sequencer.gaps().lost));
});
