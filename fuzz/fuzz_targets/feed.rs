//! Any datagrams to a handler of any protocol, and to the recognition of all: no panic, events of
//! known kinds, every datagram counted once, levels that keep their invariants.
//!
//! The input is the protocol (one byte) and a list of datagrams: channel and milliseconds passed
//! (one byte), size (one byte), bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tezi_feed_handler::Line;
use tezi_feed_handler::feed::{Candidates, Channel, FeedConfig, FeedHandler, Protocol, recognise};
use tezi_model::{Event, Nanos};

fuzz_target!(|data: &[u8]| {
    let [first, rest @ ..] = data else { return };
    let protocol = Protocol::ALL[usize::from(*first) % Protocol::ALL.len()];
    let segment = protocol.segments()[usize::from(*first >> 4) % protocol.segments().len()];
    let mut config = FeedConfig::new(protocol, segment);
    config.arbiter.reorder_window = 64;
    config.arbiter.streams_max = 4;
    config.eobi.products_max = 4;
    config.eobi.window_datagrams = 8;
    config.eobi.kept_max = 8;
    config.mold.window = 32;
    config.levels.instruments_max = 4;
    config.levels.indices_max = 2;
    let mut feed = FeedHandler::new(&config).expect("a right configuration");
    let mut sink = |event: &Event| {
        assert!(event.kind().is_some() && event.stream.segment() == Some(segment));
    };
    let (mut rest, mut now, mut sent) = (rest, Nanos(1_700_000_000_000_000_000), 0);
    while let [head, size, tail @ ..] = rest {
        let (datagram, after) = tail.split_at(tail.len().min(usize::from(*size)));
        rest = after;
        now = now.plus(i64::from(head >> 3) * 1_000_000);
        let channel = match head & 7 {
            0..=2 => Channel::Line(Line::A),
            3 | 4 => Channel::Line(Line::B),
            5 => Channel::Snapshot(Line::A),
            6 => Channel::Snapshot(Line::B),
            _ => Channel::Reply,
        };
        sent += 1;
        feed.on_packet(channel, datagram, now, &mut sink);
        assert_eq!(recognise(datagram), Candidates::of(datagram).only());
    }
    feed.finish(now, &mut sink);
    assert_eq!(feed.next_timeout(), None);
    let report = feed.report();
    let came: u64 = report.lines.iter().map(|line| line.packets).sum();
    assert_eq!(came + report.misdirected, sent);
    assert!(feed.levels().is_none_or(|levels| levels.is_consistent()));
});
