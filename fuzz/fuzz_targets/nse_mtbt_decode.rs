//! Any bytes as a datagram: no panic, the walk ends, and what decodes keeps the model's promises.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::Line;
use tezi_feed_handler::wire::nse_mtbt::{PacketContext, messages};
use tezi_model::{EventKind, Nanos, Segment};

fuzz_target!(|data: &[u8]| {
    for segment in Segment::ALL {
        let context = PacketContext { segment, line: Line::A, receive_time: Nanos(1) };
        let mut count = 0;
        for message in messages(data) {
            count += 1;
            let Ok(Ok(Some(event))) = message.map(|message| message.to_event(&context)) else {
                continue;
            };
            assert!(event.sequence > 0 && event.token.0 > 0);
            match event.kind() {
                Some(EventKind::OrderNew | EventKind::OrderModify | EventKind::Trade) => {
                    assert!(event.price.0 > 0 && !event.quantity.is_zero());
                }
                kind => assert!(kind.is_some()),
            }
        }
        assert!(count <= 1 + data.len() / 9, "each message takes a header and a type");
    }
});
