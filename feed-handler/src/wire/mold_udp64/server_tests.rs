//! Publisher, lossy network, sequencer and server together: everything arrives in the end.

use tezi_model::Nanos;

use super::*;
use crate::Line;
use crate::wire::big_endian::{BeU16, BeU64};
use tezi_testing::Random;

const SESSION: Session = *b"000000001A";

fn request(session: Session, first: u64, count: u16) -> [u8; 20] {
    RequestPacket { session, sequence_number: BeU64::new(first), message_count: BeU16::new(count) }
        .to_bytes()
}

/// A store of the messages `1`, `22`, `333`, …
fn store(count: u8) -> MessageStore {
    let mut store = MessageStore::new(SESSION, 100, 10_000);
    for number in 1..=count {
        let message = vec![b'0' + number; usize::from(number)];
        assert_eq!(store.push(&message), Ok(u64::from(number)));
    }
    store
}

#[test]
fn a_store_keeps_what_fits_and_refuses_the_rest_by_name() {
    let mut store = MessageStore::new(SESSION, 3, 10);
    assert_eq!((store.next_sequence(), store.message(1)), (1, None));
    assert_eq!((store.push(b"abc"), store.push(b""), store.next_sequence()), (Ok(1), Ok(2), 3));
    assert_eq!(store.push(&[0; 8]), Err(StoreError::Full));
    assert_eq!(store.push(&[0; 65_536]), Err(StoreError::MessageTooLong));
    assert_eq!(store.push(&[7; 7]), Ok(3));
    assert_eq!(store.push(b""), Err(StoreError::Full));
    assert_eq!([1, 2, 3].map(|n| store.message(n).unwrap().len()), [3, 0, 7]);
    assert_eq!([0, 4, u64::MAX].map(|n| store.message(n)), [None; 3]);
}

#[test]
fn an_answer_holds_what_is_there_and_fits() {
    let store = store(9);
    let mut server =
        RequestServer::new(ServerConfig { datagram_max: 40, messages_max: 50 }).unwrap();
    let mut answer = |first, count| {
        let datagram = server.on_request(&store, &request(SESSION, first, count)).unwrap();
        assert!(datagram.len() <= 40);
        let packet = decode(datagram).unwrap();
        assert_eq!((packet.session(), packet.kind()), (&SESSION, PacketKind::Messages));
        let messages: Vec<_> = packet.messages().map(<[u8]>::to_vec).collect();
        for (sequence, message) in (packet.sequence()..).zip(&messages) {
            assert_eq!(store.message(sequence), Some(&message[..]));
        }
        (packet.sequence(), packet.count())
    };
    assert_eq!(answer(1, 2), (1, 2));
    assert_eq!(answer(1, 50), (1, 4), "3 + 4 + 5 + 6 bytes of 20 fit");
    assert_eq!(answer(9, 50), (9, 1), "there are no more");
    let counters = *server.counters();
    assert_eq!((counters.requests, counters.answered), (3, 3));
    assert_eq!((counters.partial, counters.messages), (2, 7));
}

#[test]
fn refused_requests_have_a_name_and_a_count() {
    let mut store = store(3);
    store.push(&[0; 100]).unwrap();
    let config = ServerConfig { datagram_max: 100, messages_max: 10 };
    let mut server = RequestServer::new(config).unwrap();
    let good = request(SESSION, 1, 1);
    let cases: [(&[u8], RequestError); 9] = [
        (&good[..19], RequestError::WrongSize),
        (&[&good[..], b"x"].concat(), RequestError::WrongSize),
        (&request(*b"000000002A", 1, 1), RequestError::UnknownSession),
        (&request(SESSION, 1, 0), RequestError::NothingAsked),
        (&request(SESSION, 1, 11), RequestError::TooMany),
        (&request(SESSION, 0, 1), RequestError::OutOfRange),
        (&request(SESSION, 5, 1), RequestError::OutOfRange),
        (&request(SESSION, u64::MAX, 10), RequestError::OutOfRange),
        (&request(SESSION, 4, 1), RequestError::MessageTooLong),
    ];
    let mut refused = [0; RequestError::COUNT];
    for (bytes, error) in cases {
        refused[error as usize] += 1;
        assert_eq!(server.on_request(&store, bytes), Err(error));
        assert_eq!(server.counters().refused, refused);
    }
    assert_eq!(refused.iter().sum::<u64>(), server.counters().requests);
    assert!(server.on_request(&store, &good).is_ok());
}

#[test]
fn a_publisher_fills_datagrams_and_numbers_its_messages() {
    let mut publisher = Publisher::new(SESSION, 30).unwrap();
    let mut sent = Vec::new();
    let mut send = |datagram: &[u8]| sent.push(datagram.to_vec());
    publisher.flush(&mut send);
    for (length, number) in [(2, 1), (3, 2), (0, 3), (8, 4)] {
        assert_eq!(publisher.push(&vec![0; length], &mut send), Ok(number));
    }
    assert_eq!(publisher.push(&[0; 9], &mut send), Err(PublishError::MessageTooLong));
    assert_eq!(publisher.push(b"ab", &mut send), Ok(5));
    assert_eq!(publisher.next_sequence(), 6);
    publisher.flush(&mut send);
    let packets: Vec<_> = sent.iter().map(|bytes| decode(bytes).unwrap()).collect();
    let ranges: Vec<_> = packets.iter().map(|p| (p.sequence(), p.count())).collect();
    assert_eq!(ranges, [(1, 2), (3, 1), (4, 1), (5, 1)]);
    let (heartbeat, end) = (publisher.heartbeat(), publisher.end_of_session());
    assert_eq!(decode(&heartbeat).unwrap().kind(), PacketKind::Heartbeat);
    assert_eq!(decode(&end).unwrap().kind(), PacketKind::EndOfSession);
    assert_eq!(decode(&end).unwrap().sequence(), 6);
}

#[test]
fn bounds_that_cannot_work_are_refused() {
    for size in [0, 21, 65_508] {
        assert_eq!(Publisher::new(SESSION, size).err(), Some(PublishError::DatagramMax));
        let config = ServerConfig { datagram_max: size, ..ServerConfig::default() };
        assert_eq!(RequestServer::new(config).err(), Some(PublishError::DatagramMax));
    }
    for messages_max in [0, 0xFFFF] {
        let config = ServerConfig { messages_max, ..ServerConfig::default() };
        assert_eq!(RequestServer::new(config).err(), Some(PublishError::MessagesMax));
    }
    assert!(RequestServer::new(ServerConfig::default()).is_ok());
}

/// Datagrams on their way: when each arrives, and how.
type Wire = Vec<(i64, Source, Vec<u8>)>;

/// The session as sent on two lines, with losses and delays.
fn network(random: &mut Random, store: &mut MessageStore, total: u64, loss: u64) -> Wire {
    let mut publisher = Publisher::new(SESSION, 80).unwrap();
    let (mut wire, mut now) = (Wire::new(), 0);
    let mut send = |random: &mut Random, now: i64, datagram: &[u8]| {
        for line in Line::BOTH {
            if random.below(100) >= loss {
                let at = now + random.below(60) as i64;
                wire.push((at, Source::Line(line), datagram.to_vec()));
            }
        }
    };
    for _ in 0..total {
        now += 10;
        let message = random.next().to_le_bytes()[..random.below(9) as usize].to_vec();
        let number = store.push(&message).unwrap();
        let mut sent = Vec::new();
        let mut keep = |datagram: &[u8]| sent.push(datagram.to_vec());
        assert_eq!(publisher.push(&message, &mut keep), Ok(number));
        if random.below(3) == 0 {
            publisher.flush(&mut keep);
        }
        sent.iter().for_each(|datagram| send(random, now, datagram));
    }
    let mut last = Vec::new();
    publisher.flush(&mut |datagram: &[u8]| last.push(datagram.to_vec()));
    last.iter().for_each(|datagram| send(random, now, datagram));
    for repeat in 0..40 {
        let datagram = if repeat < 3 { publisher.heartbeat() } else { publisher.end_of_session() };
        send(random, now + 100 * (1 + repeat), &datagram);
    }
    wire.sort_by_key(|datagram| datagram.0);
    wire
}

#[test]
fn everything_lost_is_asked_for_until_it_is_here() {
    let config = SequencerConfig {
        start: Start::At(1),
        window: 512,
        message_size_max: 8,
        jump_max: 1 << 20,
        request_after_ns: 30,
        retry_ns: 40,
        requests_max: 200,
        request_messages_max: 30,
    };
    let (mut asked, mut partial) = (0, 0);
    for seed in 0..200 {
        let loss = [1, 5, 20, 50][seed as usize % 4];
        let mut random = Random(seed);
        let mut store = MessageStore::new(SESSION, 300, 4_096);
        let mut wire = network(&mut random, &mut store, 300, loss);
        let mut sequencer = Sequencer::new(config).unwrap();
        let mut server =
            RequestServer::new(ServerConfig { datagram_max: 100, messages_max: 30 }).unwrap();
        let (mut next, mut has_ended) = (1, false);
        let mut sink = |delivery: Delivery<'_>| match delivery {
            Delivery::Message { sequence, bytes, .. } => {
                assert_eq!((sequence, Some(bytes)), (next, store.message(next)), "seed {seed}");
                next += 1;
            }
            Delivery::Gap { first, last } => panic!("seed {seed}: {first}..={last} is lost"),
            Delivery::EndOfSession { next: end } => {
                assert_eq!(end, 301, "seed {seed}");
                has_ended = true;
            }
            Delivery::Stale { .. } | Delivery::Whole { .. } => {}
        };
        let mut now = 0;
        while !wire.is_empty() || sequencer.next_timeout().is_some() {
            let timeout = sequencer.next_timeout().map_or(i64::MAX, |at| at.0);
            if wire.first().is_some_and(|datagram| datagram.0 <= timeout) {
                let (at, source, bytes) = wire.remove(0);
                now = at.max(now);
                sequencer.on_packet(source, &bytes, Nanos(now), &mut sink).unwrap();
                continue;
            }
            now = timeout.max(now);
            let Some(request) = sequencer.poll_request(Nanos(now)) else {
                sequencer.on_timeout(Nanos(now), &mut sink);
                continue;
            };
            if random.below(100) >= loss {
                let answer = server.on_request(&store, &request.to_bytes()).unwrap().to_vec();
                if random.below(100) >= loss {
                    let at = now + 5 + random.below(50) as i64;
                    let place = wire.partition_point(|datagram| datagram.0 <= at);
                    wire.insert(place, (at, Source::Recovery, answer));
                }
            }
        }
        assert!(next == 301 && has_ended, "seed {seed}: {next}");
        assert_eq!((sequencer.gaps().lost, sequencer.held()), (0, 0), "seed {seed}");
        asked += server.counters().requests;
        partial += server.counters().partial;
    }
    assert!(asked > 500 && partial > 0, "{asked} requests, {partial} answered in part");
}
