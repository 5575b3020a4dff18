//! Framing by hand, sequencing by script and by seeded networks against the truth.

use tezi_model::Nanos;

use super::*;
use crate::Line;
use crate::wire::big_endian::{BeU16, BeU64};
use tezi_testing::Random;

const A: Source = Source::Line(Line::A);
const B: Source = Source::Line(Line::B);
const SESSION: &[u8; 10] = b"000000001A";

/// A packet of messages.
fn packet_of(session: &[u8; 10], sequence: u64, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = header(session, sequence, messages.len() as u16);
    for message in messages {
        bytes.extend((message.len() as u16).to_be_bytes());
        bytes.extend(message);
    }
    bytes
}

fn header(session: &[u8; 10], sequence: u64, count: u16) -> Vec<u8> {
    let header = DownstreamHeader {
        session: *session,
        sequence_number: BeU64::new(sequence),
        message_count: BeU16::new(count),
    };
    bytemuck::bytes_of(&header).to_vec()
}

/// What message `sequence` says: 0 to 12 bytes.
fn message(sequence: u64) -> Vec<u8> {
    let length = (sequence % 13) as usize;
    sequence.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes().repeat(2)[..length].to_vec()
}

fn packet(sequence: u64, count: u64) -> Vec<u8> {
    let messages: Vec<_> = (sequence..sequence + count).map(message).collect();
    packet_of(SESSION, sequence, &messages)
}

#[test]
fn golden_packet() {
    let bytes = *b"000000001A\x00\x00\x00\x00\x00\x01\xe2\x40\x00\x02\x00\x03abc\x00\x00";
    let packet = decode(&bytes).unwrap();
    assert_eq!((packet.session(), packet.kind()), (SESSION, PacketKind::Messages));
    assert_eq!((packet.sequence(), packet.count(), packet.sequence_end()), (123_456, 2, 123_458));
    assert!(packet.messages().eq([&b"abc"[..], b""]));
    for (count, kind) in [(0, PacketKind::Heartbeat), (0xFFFF, PacketKind::EndOfSession)] {
        let bytes = header(SESSION, 9, count);
        let packet = decode(&bytes).unwrap();
        assert_eq!((packet.kind(), packet.count(), packet.sequence_end()), (kind, 0, 9));
    }
    let request = RequestPacket::from_bytes(&header(SESSION, 7, 40)).unwrap();
    assert_eq!((request.sequence_number.get(), request.message_count.get()), (7, 40));
    assert_eq!(request.to_bytes().as_slice(), header(SESSION, 7, 40));
    assert_eq!(RequestPacket::from_bytes(&[0; 19]), None);
}

#[test]
fn every_shorter_prefix_and_every_rule_has_its_reason() {
    let whole = packet(10, 3);
    for length in 0..whole.len() {
        let expected =
            if length < 20 { PacketError::TruncatedHeader } else { PacketError::TruncatedMessage };
        assert_eq!(decode(&whole[..length]).unwrap_err(), expected);
    }
    assert_eq!(decode(&[&whole[..], b"x"].concat()).unwrap_err(), PacketError::TrailingBytes);
    assert_eq!(decode(&header(SESSION, 0, 0)).unwrap_err(), PacketError::SequenceZero);
    let last = packet_of(SESSION, u64::MAX, &[vec![]]);
    assert_eq!(decode(&last).unwrap_err(), PacketError::SequenceOverflow);
    assert!(decode(&header(SESSION, u64::MAX, 0)).is_ok());
    let end_with_data = [header(SESSION, 5, 0xFFFF), vec![0, 0]].concat();
    assert_eq!(decode(&end_with_data).unwrap_err(), PacketError::TrailingBytes);
}

/// What came out, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Message(u64),
    Stale(u64),
    Whole(u64),
    Gap(u64, u64),
    End(u64),
}
use Out::{End, Gap, Message, Stale, Whole};

struct Script {
    sequencer: Sequencer,
    outs: Vec<Out>,
}

impl Script {
    fn new(config: SequencerConfig) -> Self {
        Self { sequencer: Sequencer::new(config).unwrap(), outs: Vec::new() }
    }

    fn packet(&mut self, source: Source, bytes: &[u8], now: i64) -> Result<(), PacketError> {
        let outs = &mut self.outs;
        let result = self.sequencer.on_packet(source, bytes, Nanos(now), |d| outs.push(out(d)));
        assert!(self.sequencer.is_consistent());
        result
    }

    fn timeout(&mut self, now: i64) {
        let outs = &mut self.outs;
        self.sequencer.on_timeout(Nanos(now), |delivery| outs.push(out(delivery)));
        assert!(self.sequencer.is_consistent());
    }

    fn request(&mut self, now: i64) -> Option<(u64, u16)> {
        let request = self.sequencer.poll_request(Nanos(now))?;
        assert_eq!(&request.session, SESSION);
        Some((request.sequence_number.get(), request.message_count.get()))
    }

    fn outs(&mut self) -> Vec<Out> {
        std::mem::take(&mut self.outs)
    }
}

fn out(delivery: Delivery<'_>) -> Out {
    match delivery {
        Delivery::Message { sequence, bytes, .. } => {
            assert_eq!(bytes, message(sequence), "message {sequence} is as sent");
            Message(sequence)
        }
        Delivery::Stale { first } => Stale(first),
        Delivery::Whole { next } => Whole(next),
        Delivery::Gap { first, last } => Gap(first, last),
        Delivery::EndOfSession { next } => End(next),
    }
}

fn config(start: Start) -> SequencerConfig {
    SequencerConfig {
        start,
        window: 16,
        message_size_max: 12,
        jump_max: 100,
        request_after_ns: 10,
        retry_ns: 20,
        requests_max: 2,
        request_messages_max: 4,
    }
}

#[test]
fn the_other_line_fills_a_gap_and_copies_are_dropped() {
    let mut script = Script::new(config(Start::FirstSeen));
    script.packet(A, &packet(5, 2), 0).unwrap();
    script.packet(B, &packet(5, 2), 0).unwrap();
    script.packet(A, &packet(9, 2), 1).unwrap();
    assert_eq!(script.outs(), [Message(5), Message(6), Stale(7)]);
    script.packet(B, &packet(7, 2), 2).unwrap();
    assert_eq!(script.outs(), [Message(7), Message(8), Message(9), Message(10), Whole(11)]);
    assert_eq!(script.sequencer.next_timeout(), None);
    let [a, b] = [A, B].map(|source| *script.sequencer.source(source));
    assert_eq!((a.packets, a.first, a.redundant), (2, 4, 0));
    assert_eq!((b.packets, b.first, b.redundant), (2, 2, 2));
    assert_eq!(*script.sequencer.gaps(), GapCounters { opened: 1, lost: 0, requests: 0 });
}

#[test]
fn a_gap_is_asked_for_in_parts_and_progress_renews_the_wait() {
    let mut script = Script::new(config(Start::At(1)));
    script.packet(A, &packet(7, 1), 0).unwrap();
    assert_eq!((script.request(9), script.request(10)), (None, Some((1, 4))));
    assert_eq!((script.request(29), script.sequencer.next_timeout()), (None, Some(Nanos(30))));
    script.packet(Source::Recovery, &packet(1, 3), 29).unwrap();
    assert_eq!(script.outs(), [Stale(1), Message(1), Message(2), Message(3)]);
    assert_eq!((script.request(38), script.request(39)), (None, Some((4, 3))));
    script.packet(Source::Recovery, &packet(4, 3), 40).unwrap();
    assert_eq!(script.outs(), [Message(4), Message(5), Message(6), Message(7), Whole(8)]);
    assert_eq!(script.sequencer.source(Source::Recovery).first, 6);
    assert_eq!(script.sequencer.gaps().requests, 2);
}

#[test]
fn a_server_that_is_silent_costs_the_gap_and_nothing_else() {
    let mut script = Script::new(config(Start::At(1)));
    script.packet(A, &packet(1, 1), 0).unwrap();
    script.packet(A, &packet(4, 1), 0).unwrap();
    script.packet(A, &packet(6, 1), 0).unwrap();
    assert_eq!((script.request(10), script.request(30)), (Some((2, 2)), Some((2, 2))));
    script.timeout(49);
    assert_eq!(script.outs(), [Message(1), Stale(2)]);
    assert_eq!(script.request(50), None, "two requests were enough");
    script.timeout(50);
    assert_eq!(script.outs(), [Gap(2, 3), Message(4)]);
    assert_eq!((script.request(60), script.request(80)), (Some((5, 1)), Some((5, 1))));
    script.timeout(100);
    assert_eq!(script.outs(), [Gap(5, 5), Message(6), Whole(7)]);
    script.packet(B, &packet(2, 2), 101).unwrap();
    assert_eq!((script.outs(), script.sequencer.gaps().lost), (vec![], 3));
}

#[test]
fn without_a_server_the_wait_is_short() {
    let mut script = Script::new(SequencerConfig { requests_max: 0, ..config(Start::At(1)) });
    script.packet(A, &packet(3, 1), 0).unwrap();
    assert_eq!(script.request(100), None);
    script.timeout(10);
    assert_eq!(script.outs(), [Stale(1), Gap(1, 2), Message(3), Whole(4)]);
}

#[test]
fn heartbeats_show_a_lost_tail_and_the_end_waits_for_it() {
    let mut script = Script::new(config(Start::At(1)));
    script.packet(A, &packet(1, 2), 0).unwrap();
    script.packet(A, &header(SESSION, 3, COUNT_HEARTBEAT), 0).unwrap();
    assert_eq!(script.outs(), [Message(1), Message(2)]);
    script.packet(A, &header(SESSION, 5, COUNT_HEARTBEAT), 1).unwrap();
    script.packet(A, &header(SESSION, 5, COUNT_END_OF_SESSION), 2).unwrap();
    assert_eq!((script.outs(), script.request(11)), (vec![Stale(3)], Some((3, 2))));
    // Another session cannot begin before this one is complete.
    let other = packet_of(b"000000002A", 1, &[message(1)]);
    assert_eq!(script.packet(A, &other, 12), Err(PacketError::ForeignSession));
    script.packet(Source::Recovery, &packet(3, 2), 13).unwrap();
    assert_eq!(script.outs(), [Message(3), Message(4), Whole(5), End(5)]);
    script.packet(B, &header(SESSION, 5, COUNT_END_OF_SESSION), 14).unwrap();
    assert_eq!(script.outs(), []);
    script.packet(A, &other, 15).unwrap();
    assert_eq!(
        (script.outs(), script.sequencer.session()),
        (vec![Message(1)], Some(b"000000002A"))
    );
    assert_eq!(script.packet(A, &packet(5, 1), 16), Err(PacketError::ForeignSession));
}

#[test]
fn what_does_not_fit_the_window_gives_up_the_gap_before_it() {
    let mut script = Script::new(config(Start::At(1)));
    for sequence in [3, 5, 18] {
        script.packet(A, &packet(sequence, 1), 0).unwrap();
    }
    assert_eq!(script.outs(), [Stale(1), Gap(1, 2), Message(3)]);
    script.packet(A, &packet(25, 1), 0).unwrap();
    assert_eq!(script.outs(), [Gap(4, 4), Message(5), Gap(6, 17), Message(18)]);
    assert_eq!(script.sequencer.held(), 1);
    script.sequencer.finish(|delivery| script.outs.push(out(delivery)));
    assert_eq!(script.outs(), [Gap(19, 24), Message(25), Whole(26)]);
}

#[test]
fn a_wild_number_needs_a_witness() {
    let mut script = Script::new(config(Start::FirstSeen));
    script.packet(A, &packet(1, 1), 0).unwrap();
    let wild = Err(PacketError::ImplausibleSequence);
    assert_eq!(script.packet(A, &packet(1 << 60, 1), 0), wild);
    assert_eq!(script.packet(A, &packet(102, 1), 0), wild);
    script.packet(A, &packet(2, 1), 0).unwrap();
    script.packet(B, &packet(103, 1), 0).unwrap();
    assert_eq!(script.outs(), [Message(1), Message(2), Gap(3, 102), Message(103)]);
    let refused = script.sequencer.source(A).refused;
    assert_eq!(refused[PacketError::ImplausibleSequence as usize], 2);
}

#[test]
fn a_message_too_large_to_wait_is_asked_for_again() {
    let mut script = Script::new(config(Start::At(1)));
    let large = packet_of(SESSION, 2, &[vec![7; 13]]);
    script.packet(A, &large, 0).unwrap();
    assert_eq!(script.sequencer.source(A).unheld, 1);
    assert_eq!((script.outs(), script.request(10)), (vec![Stale(1)], Some((1, 2))));
}

#[test]
fn the_last_numbers_there_are_can_be_reached() {
    let mut script = Script::new(config(Start::FirstSeen));
    script.packet(A, &packet(u64::MAX - 3, 1), 0).unwrap();
    script.packet(A, &packet(u64::MAX - 1, 1), 0).unwrap();
    script.packet(B, &packet(u64::MAX - 3, 3), 0).unwrap();
    script.packet(B, &header(SESSION, u64::MAX, COUNT_HEARTBEAT), 0).unwrap();
    let [first, second, third] = [3, 2, 1].map(|below| u64::MAX - below);
    let messages = [first, second, third].map(Message);
    assert_eq!(
        script.outs(),
        [messages[0], Stale(second), messages[1], messages[2], Whole(u64::MAX)]
    );
}

#[test]
fn bounds_that_cannot_work_are_refused() {
    let good = config(Start::At(1));
    let cases = [
        (SequencerConfig { window: 0, ..good }, ConfigError::Window),
        (SequencerConfig { message_size_max: 1 << 16, ..good }, ConfigError::MessageSize),
        (SequencerConfig { jump_max: 15, ..good }, ConfigError::JumpMax),
        (SequencerConfig { retry_ns: -1, ..good }, ConfigError::Time),
        (SequencerConfig { request_messages_max: u16::MAX, ..good }, ConfigError::RequestMessages),
        (SequencerConfig { start: Start::At(0), ..good }, ConfigError::Start),
    ];
    for (config, error) in cases {
        assert_eq!(Sequencer::new(config).err(), Some(error), "{error}");
    }
    assert!(Sequencer::new(SequencerConfig::default()).is_ok());
}

/// Packets on their way: when they arrive, how, what.
fn network(random: &mut Random, total: u64, loss_percent: u64) -> Vec<(i64, Source, Vec<u8>)> {
    let mut packets = Vec::new();
    let (mut sequence, mut time) = (1, 0);
    while sequence <= total {
        let count = (1 + random.below(4)).min(total + 1 - sequence);
        for source in [A, B] {
            for _ in 0..1 + u64::from(random.below(20) == 0) {
                if random.below(100) >= loss_percent {
                    let delay = random.below(6) as i64 * 10;
                    packets.push((time + delay, source, packet(sequence, count)));
                }
            }
        }
        sequence += count;
        time += 10;
    }
    // The session's end is repeated for a while: the last chance to ask for the tail.
    for repeat in 0..20 {
        packets.push((
            time + 500 + 100 * repeat,
            A,
            header(SESSION, total + 1, COUNT_END_OF_SESSION),
        ));
    }
    packets.sort_by_key(|packet| packet.0);
    packets
}

/// Runs a network, with a server that answers `answers_percent` of the requests. The outs, and the
/// sequencer afterwards.
fn run(seed: u64, loss_percent: u64, answers_percent: u64) -> (Vec<Out>, Sequencer) {
    const TOTAL: u64 = 400;
    let mut random = Random(seed);
    let mut script = Script::new(SequencerConfig { window: 64, ..config(Start::At(1)) });
    let mut answers: Vec<(i64, Source, Vec<u8>)> = Vec::new();
    for (now, source, bytes) in network(&mut random, TOTAL, loss_percent) {
        // Answers and timeouts that are due before the packet.
        while let Some(timeout) = script.sequencer.next_timeout().filter(|at| at.0 <= now) {
            let answer = answers.iter().position(|answer| answer.0 <= timeout.0);
            if let Some((at, source, bytes)) = answer.map(|index| answers.remove(index)) {
                script.packet(source, &bytes, at).unwrap();
                continue;
            }
            if let Some((first, count)) = script.request(timeout.0) {
                if random.below(100) < answers_percent {
                    let part = 1 + random.below(u64::from(count));
                    answers.push((timeout.0 + 5, Source::Recovery, packet(first, part)));
                }
            } else {
                script.timeout(timeout.0);
            }
        }
        script.packet(source, &bytes, now).unwrap();
    }
    let mut outs = script.outs();
    script.sequencer.finish(|delivery| outs.push(out(delivery)));
    (outs, script.sequencer)
}

#[test]
fn each_number_comes_once_and_in_order_whatever_the_network_does() {
    for seed in 0..600 {
        let (loss, answers) = ([0, 1, 10, 50][seed as usize % 4], [100, 80, 0][seed as usize % 3]);
        let (outs, sequencer) = run(seed, loss, answers);
        let (mut next, mut lost, mut is_stale, mut has_ended) = (1, 0, false, false);
        for out in outs {
            match out {
                Message(sequence) => {
                    assert_eq!(sequence, next, "seed {seed}");
                    next += 1;
                }
                Gap(first, last) => {
                    assert!(first == next && first <= last, "seed {seed}");
                    lost += last + 1 - first;
                    next = last + 1;
                }
                Stale(first) => {
                    assert!(first == next && !is_stale, "seed {seed}");
                    is_stale = true;
                }
                Whole(at) => {
                    assert!(at == next && is_stale, "seed {seed}");
                    is_stale = false;
                }
                End(at) => {
                    assert!(at == next && !has_ended, "seed {seed}");
                    has_ended = true;
                }
            }
        }
        assert!(next == 401 && has_ended && !is_stale, "seed {seed}");
        assert_eq!((lost, sequencer.held()), (sequencer.gaps().lost, 0), "seed {seed}");
        let first: u64 = [A, B, Source::Recovery].map(|s| sequencer.source(s).first).iter().sum();
        assert_eq!(first + lost, 400, "seed {seed}: every message is first once or lost");
        if loss == 0 {
            assert_eq!(lost, 0, "seed {seed}");
        }
    }
}

#[test]
fn a_server_that_answers_leaves_nothing_lost() {
    let mut requests = 0;
    for seed in 0..200 {
        let (_, sequencer) = run(seed, 10, 100);
        assert_eq!(sequencer.gaps().lost, 0, "seed {seed}");
        requests += sequencer.gaps().requests;
    }
    assert!(requests > 100, "the network lost something on both lines");
}
