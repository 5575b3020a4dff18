//! Any packets on two lines: no panic, each number once and in order between restarts, counters
//! that add up.
//!
//! The input is a list of packets: line and milliseconds passed (one byte), size (one byte), bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::{Arbiter, ArbiterConfig, Line};
use tezi_model::{Event, FeedFault, Nanos, Segment};

fuzz_target!(|data: &[u8]| {
    let config = ArbiterConfig {
        reorder_window: 64,
        jump_max: 1 << 16,
        streams_max: 2,
        lead_window: 64,
        ..ArbiterConfig::new(Segment::NseFo)
    };
    let mut arbiter = Arbiter::new(config).expect("a right configuration");
    let mut next = [0_u64; 4_096];
    let mut sink = |event: &Event| {
        let (first, last) = match event.fault() {
            Some(FeedFault::Gap { first, last }) => (first, last),
            Some(FeedFault::Reset) => {
                next[usize::from(event.stream.number())] = 1;
                return;
            }
            Some(fault) => unreachable!("no recovery is configured, but {fault:?}"),
            None => (event.sequence, event.sequence),
        };
        let next = &mut next[usize::from(event.stream.number())];
        // Records of old in-band masters take a number and give out nothing.
        assert!(*next <= u64::from(first) && first <= last);
        *next = u64::from(last) + 1;
    };
    let mut now = Nanos(1_000_000_000);
    let mut rest = data;
    while let [head, size, tail @ ..] = rest {
        let (packet, after) = tail.split_at(tail.len().min(usize::from(*size)));
        let line = if head & 1 == 0 { Line::A } else { Line::B };
        now = now.plus(i64::from(head >> 1) * 1_000_000);
        arbiter.on_packet(line, packet, now, &mut sink);
        rest = after;
    }
    assert!(arbiter.is_consistent());
    arbiter.finish(now, &mut sink);
    assert!(arbiter.is_consistent() && arbiter.next_timeout().is_none());
});
