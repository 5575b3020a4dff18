//! Any bytes between the recovery client and the server: no panic, each request ends once, the
//! items a client passes on are in order, and a server keeps its own counts.
//!
//! The first byte chooses. A client reads an answer in chunks: range or snapshot (one bit), the
//! size of the chunks (five bits), a true reply first (one bit), then the bytes. A server reads
//! requests: for each, the pieces it comes in and the milliseconds passed (one byte each), and
//! eleven bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::recovery::{
    ClientConfig, MessageStore, RecoveryClient, RecoveryReply, RecoveryRequest, RecoveryServer,
    ServerConfig, Wanted,
};
use tezi_feed_handler::wire::nse_mtbt::{
    encode_heartbeat, encode_recovery_reply, encode_snapshot_header, encode_snapshot_reply,
};
use tezi_model::{Nanos, Segment, StreamId};

const NOW: Nanos = Nanos(1_000_000_000);

fuzz_target!(|data: &[u8]| {
    match data {
        [choice, rest @ ..] if choice & 0x80 == 0 => read_answer(*choice, rest),
        [_, rest @ ..] => read_requests(rest),
        [] => {}
    }
});

fn read_answer(choice: u8, bytes: &[u8]) {
    let is_range = choice & 1 == 0;
    let wanted = if is_range { Wanted::Messages { first: 5, last: 9 } } else { Wanted::Snapshot };
    let request = RecoveryRequest { id: 1, stream: StreamId::new(Segment::NseFo, 2), wanted };
    let mut client = RecoveryClient::new(ClientConfig::default()).expect("a right configuration");
    let (mut items, mut ends) = (0_u32, 0);
    let mut sink = |of: &RecoveryRequest, reply: RecoveryReply<'_>| {
        assert!(*of == request && ends == 0, "nothing follows the end");
        match reply {
            RecoveryReply::Message(message) => {
                assert!(is_range && message[4..8] == (5 + items).to_le_bytes());
            }
            RecoveryReply::SnapshotHeader(header) => {
                assert!(!is_range && items == 0 && header.stream_id.get() == 2);
            }
            RecoveryReply::SnapshotOrder(_) => assert!(!is_range && items > 0),
            RecoveryReply::Done => ends += 1,
            RecoveryReply::Failed(_) => ends += 1,
        }
        items += 1;
        true
    };
    assert!(client.request(request) && client.poll_action(NOW).is_some());
    client.on_connected(0, NOW);
    assert_eq!(client.poll_transmit(0, NOW, &mut [0; 64]), 11);
    if choice & 2 != 0 {
        let granted = [encode_recovery_reply(2, true), encode_snapshot_reply(2, true)];
        client.on_bytes(0, &granted[usize::from(!is_range)], NOW, &mut sink);
    }
    for chunk in bytes.chunks(1 + usize::from(choice >> 2 & 31)) {
        client.on_bytes(0, chunk, NOW, &mut sink);
    }
    client.on_timeout(Nanos::MAX, &mut sink);
    client.on_closed(0, &mut sink);
    assert_eq!((client.connections(), ends), (0, 1), "a request ends once");
}

/// Messages 1 to 1,000 of stream 2 and its image.
struct Store {
    message: [u8; 13],
    snapshot: Vec<u8>,
}

impl MessageStore for Store {
    fn message(&self, stream: u8, sequence: u32) -> Option<&[u8]> {
        (stream == 2 && (1..=1_000).contains(&sequence)).then_some(&self.message)
    }

    fn last(&self, stream: u8) -> u32 {
        if stream == 2 { 1_000 } else { 0 }
    }

    fn snapshot(&self, stream: u8) -> Option<&[u8]> {
        (stream == 2).then_some(&self.snapshot)
    }
}

fn read_requests(mut data: &[u8]) {
    let store =
        Store { message: encode_heartbeat(2, 1), snapshot: encode_snapshot_header(2, 9, 0).into() };
    let mut server = RecoveryServer::new(ServerConfig::default());
    let mut now = NOW;
    let (mut open, mut asked) = (0_u64, 0_u64);
    while let [size, passed, rest @ ..] = data {
        let (request, after) = rest.split_at(rest.len().min(11));
        data = after;
        now = now.plus(i64::from(*passed) * 1_000_000);
        server.on_timeout(now);
        while server.poll_close().is_some() {}
        let Some(slot) = server.on_connected(now) else { continue };
        open += 1;
        for piece in request.chunks(1 + usize::from(size % 16)) {
            server.on_bytes(slot, piece, now, &store);
        }
        asked += u64::from(request.len() == 11);
        let mut buffer = [0; 700];
        for _ in 0..8 {
            let sent = server.poll_transmit(slot, &mut buffer, &store);
            assert!(sent <= buffer.len());
        }
        if size & 0x80 != 0 {
            server.on_closed(slot);
        }
    }
    let counters = server.counters();
    assert_eq!(counters.connections, open);
    assert_eq!(counters.granted + counters.refused + counters.malformed, asked);
    assert!(counters.hung_up <= open - asked && counters.too_fast <= asked);
}
