//! The limits of both ends, every chunking of an answer, and every reason to refuse one.

use tezi_model::{Nanos, OrderId, Segment, Side, StreamId};

use super::*;
use crate::wire::nse_mtbt::{
    Order, encode_heartbeat, encode_order, encode_recovery_reply, encode_recovery_request,
    encode_snapshot_header, encode_snapshot_order, encode_snapshot_reply, message_type,
};

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;

fn order(sequence: u32) -> Order {
    Order {
        message_type: message_type::ORDER_NEW,
        time: START.plus(i64::from(sequence)),
        order_id: OrderId(u64::from(sequence)),
        token: 35_001,
        side: Side::Buy,
        price: 500,
        quantity: 65,
    }
}

fn message(stream: u8, sequence: u32) -> [u8; 38] {
    encode_order(stream, sequence, &order(sequence))
}

fn request(id: u64, wanted: Wanted) -> RecoveryRequest {
    RecoveryRequest { id, stream: StreamId::new(Segment::NseFo, 2), wanted }
}

const RANGE: Wanted = Wanted::Messages { first: 5, last: 7 };

fn client() -> RecoveryClient {
    let config = ClientConfig { orders_max: 10, spacing_ns: 10_000_000, ..ClientConfig::default() };
    RecoveryClient::new(config).unwrap()
}

/// What a sink was told, in short.
fn told(reply: RecoveryReply<'_>) -> String {
    match reply {
        RecoveryReply::Message(bytes) => format!("message {}", bytes[4]),
        RecoveryReply::SnapshotHeader(header) => format!("header {}", header.last_seq_no.get()),
        RecoveryReply::SnapshotOrder(order) => format!("order {}", order.order_id.get()),
        RecoveryReply::Done => "done".to_owned(),
        RecoveryReply::Failed(reason) => reason.name().to_owned(),
    }
}

/// What comes of an answer in chunks, followed by the end of the connection.
fn answer(wanted: Wanted, chunks: &[&[u8]]) -> Vec<String> {
    let mut client = client();
    let mut heard = Vec::new();
    let mut sink = |_: &RecoveryRequest, reply: RecoveryReply<'_>| {
        heard.push(told(reply));
        true
    };
    assert!(client.request(request(1, wanted)));
    assert!(matches!(client.poll_action(START), Some(ClientAction::Connect { slot: 0, .. })));
    client.on_connected(0, START);
    assert_eq!(client.poll_transmit(0, START, &mut [0; 64]), 11);
    for chunk in chunks {
        client.on_bytes(0, chunk, START, &mut sink);
    }
    if client.poll_action(START).is_none() {
        client.on_closed(0, &mut sink);
    }
    assert_eq!(client.connections(), 0);
    heard
}

fn range_answer() -> Vec<u8> {
    let messages = (5..=7).flat_map(|sequence| message(2, sequence));
    encode_recovery_reply(2, true).into_iter().chain(messages).collect()
}

fn snapshot(stream: u8) -> Vec<u8> {
    let orders = (1..=3).flat_map(|id| encode_snapshot_order(&order(id)));
    encode_snapshot_header(stream, 9, 3).into_iter().chain(orders).collect()
}

fn snapshot_answer() -> Vec<u8> {
    [&encode_snapshot_reply(2, true)[..], &snapshot(2)].concat()
}

#[test]
fn the_request_is_sent_at_once_and_byte_for_byte() {
    let mut client = client();
    let wanted = Wanted::Messages { first: 5, last: 9 };
    client.request(request(1, wanted));
    let action = ClientAction::Connect { slot: 0, service: Service::Recovery };
    assert_eq!(client.poll_action(START), Some(action));
    assert_eq!(client.poll_transmit(0, START, &mut [0; 64]), 0); // not connected yet
    client.on_connected(0, START);
    let mut bytes = Vec::<u8>::new();
    let mut buffer = [0; 4];
    while let size @ 1.. = client.poll_transmit(0, START, &mut buffer) {
        bytes.extend(&buffer[..size]);
    }
    assert_eq!(bytes, [0x52, 2, 0, 5, 0, 0, 0, 9, 0, 0, 0]);
}

#[test]
fn every_chunking_gives_the_same_items() {
    let cases = [
        (RANGE, range_answer(), &["message 5", "message 6", "message 7", "done"][..]),
        (
            Wanted::Snapshot,
            snapshot_answer(),
            &["header 9", "order 1", "order 2", "order 3", "done"],
        ),
    ];
    for (wanted, bytes, expected) in &cases {
        for size in 1..=bytes.len() {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(answer(*wanted, &chunks), *expected, "chunks of {size}");
        }
        // What follows the last item is not looked at.
        assert_eq!(answer(*wanted, &[bytes, b"more"]), *expected);
        for end in 0..bytes.len() {
            let heard = answer(*wanted, &[&bytes[..end]]);
            assert_eq!(heard.last().unwrap(), "truncated", "cut at {end}");
            assert_eq!(heard[..heard.len() - 1], expected[..heard.len() - 1]);
        }
    }
}

#[test]
fn each_wrong_answer_has_its_reason() {
    let granted = encode_recovery_reply(2, true);
    let with = |bytes: &[u8]| [&granted[..], bytes].concat();
    let image = |bytes: &[u8]| [&encode_snapshot_reply(2, true)[..], bytes].concat();
    let mut status = granted;
    status[9] = b'?';
    let mut size = encode_snapshot_header(2, 9, 3);
    size[2] ^= 1;
    let cases = [
        (RANGE, encode_recovery_reply(2, false).to_vec(), "refused"),
        (Wanted::Snapshot, encode_snapshot_reply(2, false).to_vec(), "refused"),
        (RANGE, encode_recovery_reply(3, true).to_vec(), "wrong_stream"),
        (RANGE, encode_snapshot_reply(2, true).to_vec(), "unexpected"),
        (RANGE, message(2, 5).to_vec(), "unexpected"),
        (RANGE, status.to_vec(), "garbage"),
        (RANGE, b"HTTP/1.1 400 Bad Request".to_vec(), "garbage"),
        (RANGE, with(&message(3, 5)), "wrong_stream"),
        (RANGE, with(&message(2, 6)), "wrong_sequence"),
        (RANGE, with(&encode_heartbeat(2, 9)), "unexpected"),
        (RANGE, with(&[0xFF; 9]), "garbage"),
        (Wanted::Snapshot, image(&encode_snapshot_header(2, 9, 11)), "snapshot_too_large"),
        (Wanted::Snapshot, image(&encode_snapshot_header(3, 9, 3)), "wrong_stream"),
        (Wanted::Snapshot, image(&size), "snapshot_mismatch"),
    ];
    for (wanted, bytes, expected) in &cases {
        assert_eq!(answer(*wanted, &[bytes]), [*expected], "{bytes:?}");
    }
}

#[test]
fn connections_are_paced_and_bounded() {
    let mut client = client();
    (0..20).for_each(|id| assert!(client.request(request(id, Wanted::Snapshot))));
    for slot in 0..13 {
        let now = START.plus(slot as i64 * 10 * MS);
        let action = ClientAction::Connect { slot, service: Service::Snapshot };
        assert_eq!(client.poll_action(now), Some(action));
        assert_eq!(client.poll_action(now.plus(10 * MS - 1)), None);
    }
    assert_eq!(client.poll_action(START.plus(500 * MS)), None); // all 13 are open
    assert_eq!(client.next_timeout(), Some(START.plus(1_000 * MS)));
    let mut failures = Vec::new();
    client.on_timeout(START.plus(1_000 * MS), &mut |request, reply| {
        failures.push((request.id, told(reply)));
        false
    });
    assert_eq!(failures, [(0, "timed_out".to_owned())]);
    let now = START.plus(1_000 * MS);
    assert_eq!(client.poll_action(now), Some(ClientAction::Close { slot: 0 }));
    assert!(matches!(client.poll_action(now), Some(ClientAction::Connect { slot: 0, .. })));
    client.on_closed(1, &mut |_, reply| {
        failures.push((1, told(reply)));
        false
    });
    assert_eq!(failures[1].1, "connect_failed");
    // Two connections stand at once: the second request waits.
    client.on_connected(3, now);
    client.on_connected(4, now);
    let sent = [(3, 0), (4, 0), (4, 9), (4, 10)]
        .map(|(slot, ms)| client.poll_transmit(slot, now.plus(ms * MS), &mut [0; 64]));
    assert_eq!(sent, [11, 0, 0, 11]);
    client.cancel(2);
    assert_eq!(client.poll_action(now), Some(ClientAction::Close { slot: 2 }));
    let refusals = [
        ClientConfig { connections_max: 14, ..ClientConfig::default() },
        ClientConfig { queue_max: 0, ..ClientConfig::default() },
        ClientConfig { spacing_ns: 9_999_999, ..ClientConfig::default() },
        ClientConfig { silence_ns: 0, ..ClientConfig::default() },
    ]
    .map(|config| RecoveryClient::new(config).unwrap_err().name());
    assert_eq!(refusals, ["connections_max", "queue_max", "spacing_ns", "times"]);
}

/// Messages 1 to 400,000 of stream 2, all the same bytes, and an image that can be replaced.
struct Store {
    message: [u8; 38],
    snapshot: Vec<u8>,
}

impl MessageStore for Store {
    fn message(&self, _: u8, _: u32) -> Option<&[u8]> {
        Some(&self.message)
    }

    fn last(&self, stream: u8) -> u32 {
        if stream == 2 { 400_000 } else { 0 }
    }

    fn snapshot(&self, stream: u8) -> Option<&[u8]> {
        (stream == 2).then_some(&self.snapshot)
    }
}

fn store() -> Store {
    Store { message: message(2, 1), snapshot: snapshot(2) }
}

/// The first bytes of the answer to a request, in a buffer of `size`.
fn ask(server: &mut RecoveryServer, now: Nanos, bytes: &[u8], size: usize) -> Vec<u8> {
    let slot = server.on_connected(now).unwrap();
    server.on_bytes(slot, bytes, now, &store());
    let mut buffer = vec![0; size];
    let size = server.poll_transmit(slot, &mut buffer, &store());
    server.on_closed(slot);
    buffer.truncate(size);
    buffer
}

#[test]
fn the_server_keeps_the_limits_of_the_exchange() {
    let mut server = RecoveryServer::new(ServerConfig::default());
    let mut now = START;
    let mut status = |first, last| {
        now = now.plus(10 * MS);
        ask(&mut server, now, &encode_recovery_request(2, first, last), 10)[9]
    };
    assert_eq!([status(1, 300_000), status(1, 300_001)], [b'S', b'E']);
    assert_eq!([status(400_000, 400_000), status(400_000, 400_001)], [b'S', b'E']);
    assert_eq!([status(0, 1), status(2, 1)], [b'E', b'E']);
    let soon = now.plus(9 * MS);
    assert_eq!(ask(&mut server, soon, &encode_recovery_request(2, 1, 1), 10)[9], b'E');
    assert_eq!(server.counters().too_fast, 1);

    let later = now.plus(5_000 * MS);
    let slots: Vec<_> = (0..14).map(|_| server.on_connected(later)).collect();
    assert_eq!((slots[12], slots[13]), (Some(12), None));
    server.on_timeout(later.plus(1_000 * MS - 1));
    assert_eq!(server.poll_close(), None);
    assert_eq!(server.next_timeout(), Some(later.plus(1_000 * MS)));
    server.on_timeout(later.plus(1_000 * MS));
    let closed: Vec<_> = std::iter::from_fn(|| server.poll_close()).collect();
    assert_eq!((closed.len(), server.counters().hung_up), (13, 13));

    let now = later.plus(5_000 * MS);
    let accepted = (0..120).filter(|_| match server.on_connected(now) {
        Some(slot) => {
            server.on_closed(slot);
            true
        }
        None => false,
    });
    assert_eq!(accepted.count(), 100);
    assert!(server.on_connected(now.plus(1_000 * MS)).is_some());
}

#[test]
fn a_refresh_during_the_read_cuts_the_connection() {
    let mut server = RecoveryServer::new(ServerConfig::default());
    let mut store = store();
    let slot = server.on_connected(START).unwrap();
    let asked = crate::wire::nse_mtbt::encode_snapshot_request(2);
    asked.iter().for_each(|&byte| server.on_bytes(slot, &[byte], START, &store));
    let mut bytes = vec![0; 40];
    assert_eq!(server.poll_transmit(slot, &mut bytes, &store), 40);
    assert_eq!(bytes, snapshot_answer()[..40]);
    store.snapshot = encode_snapshot_header(2, 10, 0).to_vec();
    assert_eq!(server.poll_transmit(slot, &mut bytes, &store), 0);
    assert_eq!(server.poll_close(), Some(slot));
}

#[test]
fn random_bytes_never_panic_a_server_or_a_client() {
    let mut state = 1_u64;
    let mut byte = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    for round in 0..2_000 {
        let mut bytes: Vec<u8> = if round % 2 == 0 { range_answer() } else { snapshot_answer() };
        for _ in 0..=byte() % 4 {
            let at = usize::from(byte()) % bytes.len();
            bytes[at] = byte();
        }
        let chunks: Vec<&[u8]> = bytes.chunks(1 + usize::from(byte() % 50)).collect();
        let wanted = if round % 2 == 0 { RANGE } else { Wanted::Snapshot };
        assert!(!answer(wanted, &chunks).is_empty());
        let request: Vec<u8> = (0..11).map(|_| byte()).collect();
        let mut server = RecoveryServer::new(ServerConfig::default());
        ask(&mut server, START, &request, 100);
    }
}
