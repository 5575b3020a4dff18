//! Any datagrams on two lines of two channels: no panic, invariants kept, and every product told
//! whole or stale as its status says.
//!
//! The input is a list of datagrams: channel, line and milliseconds passed (one byte), size (one
//! byte), bytes. The packet header is set right where the input leaves room for one, so that the
//! walk reaches the messages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::Line;
use tezi_feed_handler::wire::bse_eobi::{
    Channel, PacketContext, Sequencer, SequencerConfig, packet,
};
use tezi_model::{Event, EventKind, FeedFault, Nanos, Segment};

fuzz_target!(|data: &[u8]| {
    let config = SequencerConfig {
        products_max: 4,
        window_datagrams: 8,
        datagram_max: 256,
        kept_max: 8,
        ..SequencerConfig::new(Segment::BseFo)
    };
    let mut sequencer = Sequencer::new(config).expect("a right configuration");
    let context = PacketContext::new(Segment::BseFo, 0);
    let mut is_stale = [false; 4_096];
    let mut sink = |event: &Event| {
        assert_eq!(event.stream.segment(), Some(Segment::BseFo));
        let stale = &mut is_stale[usize::from(event.stream.number())];
        match event.fault() {
            Some(FeedFault::Stale { .. } | FeedFault::Gap { .. } | FeedFault::Snapshot) => {
                *stale = true;
            }
            Some(FeedFault::Whole | FeedFault::Reset) => *stale = false,
            None => {
                let is_status = event.kind() == Some(EventKind::TradingStatus);
                assert!(event.kind().is_some() && (is_status || event.token.0 > 0));
            }
        }
    };
    let mut now = Nanos(1_000_000_000);
    let mut rest = data;
    while let [head, size, tail @ ..] = rest {
        let (bytes, after) = tail.split_at(tail.len().min(usize::from(*size)));
        rest = after;
        let mut datagram = bytes.to_vec();
        if head & 4 != 0 && datagram.len() >= 32 {
            datagram[..4].copy_from_slice(&[32, 0, 0xCA, 0x32]);
        }
        if let Ok(packet) = packet(&datagram) {
            for (_, message) in packet.messages().flatten() {
                let _ = message.to_event(&context);
            }
        }
        let channel = if head & 1 == 0 { Channel::Incremental } else { Channel::Snapshot };
        let line = if head & 2 == 0 { Line::A } else { Line::B };
        now = now.plus(i64::from(head >> 3) * 1_000_000);
        sequencer.on_packet(channel, line, &datagram, now, &mut sink);
    }
    assert!(sequencer.is_consistent());
    sequencer.finish(now, &mut sink);
    assert!(sequencer.is_consistent() && sequencer.next_timeout().is_none());
    for product in sequencer.products() {
        let stale = is_stale[usize::from(product.stream.number())];
        assert!(!product.is_whole || !stale, "a whole product was told so");
    }
});
