//! Any bytes as requests to a MoldUDP64 server: no panic, answers that are the messages kept, and
//! counters that add up.
//!
//! The input is how many messages are kept (one byte), then requests of 20 bytes each; the session
//! of every other one is made right.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::wire::mold_udp64::{MessageStore, RequestServer, ServerConfig, decode};

fuzz_target!(|data: &[u8]| {
    let [kept, requests @ ..] = data else { return };
    let mut store = MessageStore::new(*b"000000001A", 200, 4_096);
    for number in 0..*kept {
        let message = vec![number; usize::from(number % 60)];
        let is_kept = store.push(&message).is_ok();
        assert!(is_kept || store.next_sequence() > 1);
    }
    let config = ServerConfig { datagram_max: 64, messages_max: 100 };
    let mut server = RequestServer::new(config).expect("a right configuration");
    for (index, request) in requests.chunks(20).enumerate() {
        let mut request = request.to_vec();
        if index % 2 == 0 && request.len() == 20 {
            request[..10].copy_from_slice(store.session());
            request[10..17].fill(0);
            request[18] = 0;
        }
        let Ok(answer) = server.on_request(&store, &request) else { continue };
        assert!(answer.len() <= 64);
        let packet = decode(answer).expect("an answer is a packet");
        assert!(packet.count() > 0);
        for (sequence, message) in (packet.sequence()..).zip(packet.messages()) {
            assert_eq!(store.message(sequence), Some(message));
        }
    }
    let counters = server.counters();
    let refused: u64 = counters.refused.iter().sum();
    assert_eq!(counters.requests, counters.answered + refused);
});
