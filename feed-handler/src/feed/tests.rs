//! The boundary from the outside: the same events as the protocols' own, statuses and indices,
//! requests and replies, counters that add up, and any bytes at all.

use std::collections::BTreeMap;

use tezi_model::{
    Event, EventKind, FeedFault, MarketFlags, Nanos, Px, Qty, Segment, Token, TradingStatus,
};

use super::samples::{
    Random, datagram, depth, index, itch, itch_add, market_by_price, market_picture, market_status,
    pictures, product_state, security_status, ten,
};
use super::*;
use crate::arbitration;
use crate::wire::bse_eobi::{Order, PacketBuilder};
use crate::wire::itch::SessionDate;
use crate::wire::mold_udp64::{
    self, MessageStore, Publisher, RequestServer, ServerConfig, Session, Start,
};
use crate::wire::nse_broadcast::MarketByPriceForm::{Cash, Wide};
use crate::wire::nse_mtbt::{encode_heartbeat, encode_order};

const A: Channel = Channel::Line(Line::A);
const B: Channel = Channel::Line(Line::B);

/// A handler and what it gave out.
struct Script {
    feed: FeedHandler,
    events: Vec<Event>,
}

impl Script {
    fn new(config: &FeedConfig) -> Self {
        Self { feed: FeedHandler::new(config).unwrap(), events: Vec::new() }
    }

    fn of(protocol: Protocol) -> Self {
        Self::new(&FeedConfig::new(protocol, protocol.segments()[0]))
    }

    fn packet(&mut self, channel: Channel, bytes: &[u8], now: Nanos) {
        let events = &mut self.events;
        let first = events.len();
        self.feed.on_packet(channel, bytes, now, &mut |event| events.push(*event));
        let more = events[first..].iter().map(|e| e.flags & MarketFlags::MORE_IN_PACKET != 0);
        let count = more.clone().filter(|&more| more).count();
        // The events of a timeout come first, and count apart.
        assert!(count + 2 >= more.len(), "all but the last of a call have more after them");
    }

    /// Kind, token, quantity and price of what came out since the last call.
    fn rows(&mut self) -> Vec<String> {
        let row = |event: Event| {
            let name = event.kind().unwrap().name();
            match event.kind() {
                Some(EventKind::TradingStatus) => {
                    let status = TradingStatus::from_code(event.quantity.0).unwrap();
                    format!("{} {}", event.token, status.name())
                }
                Some(EventKind::IndexValue) => format!("index {}", event.price),
                _ => format!("{name} {} {}x{}", event.token, event.quantity, event.price),
            }
        };
        self.events.drain(..).map(row).collect()
    }
}

#[test]
fn every_protocol_has_a_name_a_handler_and_its_own_segments() {
    for protocol in Protocol::ALL {
        assert_eq!(Protocol::parse(protocol.name()), Some(protocol));
        for segment in Segment::ALL {
            let feed = FeedHandler::new(&FeedConfig::new(protocol, segment));
            assert_eq!(feed.is_ok(), protocol.segments().contains(&segment), "{protocol}");
            let Ok(feed) = feed else {
                assert_eq!(feed.unwrap_err(), FeedConfigError::Segment);
                continue;
            };
            assert_eq!((feed.protocol(), feed.next_timeout()), (protocol, None));
            assert_eq!(feed.arbiter().is_some(), protocol == Protocol::NseMtbt);
            assert_eq!(feed.levels().is_some(), protocol.is_by_level());
        }
    }
    assert_eq!(Protocol::parse("MTBT"), None);
    let mut config = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    config.arbiter.wait_ns = -1;
    let error = FeedHandler::new(&config).unwrap_err();
    assert_eq!(error, FeedConfigError::Arbiter(arbitration::ConfigError::Wait));
    assert_eq!(error.name(), "wait_ns");
    let mut config = FeedConfig::new(Protocol::BseNfcast, Segment::BseCm);
    config.levels.instruments_max = 0;
    assert_eq!(FeedHandler::new(&config).unwrap_err(), FeedConfigError::Levels);
}

#[test]
fn tick_by_tick_is_the_arbiters_own() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let mut script = Script::of(Protocol::NseMtbt);
        let mut arbiter = Arbiter::new(crate::ArbiterConfig::new(Segment::NseFo)).unwrap();
        let mut expected = Vec::new();
        for sequence in 1..400_u32 {
            let now = ten().plus(i64::from(sequence) * 10_000_000);
            let order = crate::wire::nse_mtbt::Order {
                message_type: random.pick(b"NMX"),
                time: now,
                order_id: tezi_model::OrderId(1 + random.below(50)),
                token: 35_001,
                side: tezi_model::Side::Buy,
                price: 1 + random.below(100) as i32,
                quantity: 65,
            };
            let mut bytes = encode_order(2, sequence, &order).to_vec();
            if random.below(50) == 0 {
                bytes = encode_heartbeat(2, sequence).to_vec();
            }
            for line in Line::BOTH {
                if random.below(10) > 2 {
                    script.packet(Channel::Line(line), &bytes, now);
                    arbiter.on_packet(line, &bytes, now, &mut |event| expected.push(*event));
                }
            }
        }
        let Script { mut feed, mut events } = script;
        assert_eq!(feed.next_timeout(), arbiter.next_timeout());
        let end = ten().plus(10_000_000_000);
        feed.finish(end, &mut |event| events.push(*event));
        arbiter.finish(end, &mut |event| expected.push(*event));
        assert_eq!(events, expected, "seed {seed}");

        let (report, stream) = (feed.report(), arbiter.stream(2).unwrap());
        let [one] = &report.streams[..] else { panic!("one stream") };
        assert_eq!((one.stream, one.name.as_str()), (stream.id(), "fo/2"));
        assert_eq!((report.delivered(), report.lost()), (stream.delivered(), stream.gaps().lost));
        assert_eq!(one.lines, Line::BOTH.map(|line| *stream.line(line)));
        assert_eq!(one.missing, Line::BOTH.map(|line| stream.missing(line)));
        assert_eq!(one.lost.len(), stream.lost_ranges().len());
        assert!(one.gaps == *stream.gaps() && one.gaps.lost > 0 && !one.is_whole);
        let packets = report.line(Line::A).unwrap().packets;
        assert_eq!(packets, arbiter.line(Line::A).packets);
    }
}

#[test]
fn broadcast_pictures_become_levels_once_from_two_lines() {
    let mut script = Script::of(Protocol::NseBroadcast);
    let segment = Segment::NseFo;
    let first = market_by_price(segment, 7, ten(), 100, [&[(9_995, 50)], &[(10_005, 60)]]);
    let second = market_by_price(
        segment,
        7,
        ten().plus(1_000_000_000),
        175,
        [&[(9_995, 50)], &[(10_010, 1 << 40)]],
    );
    let [one, two] = [first, second].map(|record| depth(Wide, &[record]));
    script.packet(A, &one, Nanos(1));
    script.packet(B, &one, Nanos(2));
    assert_eq!(script.rows(), ["order_new 7 50x99.95", "order_new 7 60x100.05"]);
    script.packet(B, &two, Nanos(3));
    assert!(script.events.iter().all(|e| e.flags & MarketFlags::LINE_B != 0));
    let rows = ["trade 7 75x100.00", "order_cancel 7 60x100.05", "order_new 7 4294967295x100.10"];
    assert_eq!(script.rows(), rows);
    for late in [&one, &two] {
        script.packet(A, late, Nanos(4));
    }
    // CM on the F&O port, another book type, a channel that the feed does not have.
    let cash = market_by_price(Segment::NseCm, 7, ten(), 0, [&[], &[]]);
    script.packet(A, &depth(Cash, &[cash]), Nanos(5));
    let odd_lot = crate::wire::nse_broadcast::MarketByPrice { book_type: 5, ..second };
    script.packet(A, &depth(Wide, &[odd_lot]), Nanos(6));
    script.packet(Channel::Reply, &two, Nanos(7));
    assert_eq!(script.rows(), [""; 0]);

    let report = script.feed.report();
    let [a, b] = &report.lines[..] else { panic!("two lines") };
    assert_eq!((a.packets, b.packets, report.misdirected), (5, 2, 1));
    assert_eq!(a.refused, [("foreign_segment", 1)]);
    let [lines_a, lines_b] = report.streams[0].lines;
    assert_eq!((lines_a.first, lines_a.redundant, lines_a.late), (1, 1, 1));
    assert_eq!((lines_b.first, lines_b.redundant, lines_b.late), (1, 1, 0));
    assert_eq!((report.delivered(), report.levels.unwrap().saturated), (2, 2));
    assert!(report.others.contains(&("other_books", 1)));
}

#[test]
fn broadcast_statuses_and_indices_are_told_when_they_change() {
    let mut script = Script::of(Protocol::NseBroadcast);
    let second = |n: i64| ten().plus(n * 1_000_000_000);
    let both = |script: &mut Script, bytes: &[u8]| {
        script.packet(A, bytes, Nanos(1));
        script.packet(B, bytes, Nanos(2));
    };
    both(&mut script, &market_status(6571, second(0), 0));
    both(&mut script, &market_status(6511, second(1), 0));
    script.packet(B, &market_status(6571, second(0), 0), Nanos(3));
    both(&mut script, &security_status(second(2), 42, 3));
    both(&mut script, &market_status(6511, second(3), 42));
    assert_eq!(script.rows(), ["0 pre_open", "0 open", "42 halted", "42 open"]);

    both(&mut script, &index("Nifty 50", second(4), 2_512_345));
    both(&mut script, &index("Nifty Bank", second(4), 5_512_300));
    both(&mut script, &index("Nifty 50", second(5), 2_512_350));
    script.packet(A, &index("Nifty 50", second(4), 2_512_345), Nanos(3));
    let tokens: Vec<_> = script.events.iter().map(|event| event.token).collect();
    let [nifty, bank] = ["Nifty 50", "NIFTY BANK"].map(index_token);
    assert_eq!(tokens, [nifty, bank, nifty]);
    assert_eq!(script.rows(), ["index 25123.45", "index 55123.00", "index 25123.50"]);
    let indices = script.feed.indices();
    assert_eq!(indices.iter().map(IndexName::name).collect::<Vec<_>>(), ["Nifty 50", "Nifty Bank"]);
    assert_eq!((indices[0].token, indices[0].value()), (nifty, Px::from_paise(2_512_350)));
    assert!(nifty.0 >> 31 == 1, "no instrument has the token of an index");
    assert!(script.feed.report().others.contains(&("indices_unchanged", 4)));
}

#[test]
fn nfcast_pictures_and_sessions_take_their_day_from_the_date_or_the_receive_time() {
    let picture = |volume, session, bids: &[(i64, u64)]| {
        pictures(&[market_picture(9, volume, session, [bids, &[]])], [10, 0, 0, volume as i16])
    };
    for date in [None, SessionDate::new(2026, 9, 21)] {
        let mut config = FeedConfig::new(Protocol::BseNfcast, Segment::BseFo);
        config.session_date = date;
        let mut script = Script::new(&config);
        let receive_time = if date.is_some() { Nanos(5) } else { ten().plus(7) };
        script.packet(A, &picture(100, 1, &[(9_995, 50)]), receive_time);
        assert_eq!(script.events[0].exchange_time, ten().plus(100_000_000));
        script.packet(A, &picture(130, 3, &[(9_995, 20)]), receive_time);
        script.packet(B, &picture(100, 1, &[(9_995, 50)]), receive_time);
        let rows = [
            "9 pre_open",
            "order_new 9 50x99.95",
            "9 open",
            "trade 9 30x100.00",
            "order_modify 9 20x99.95",
        ];
        assert_eq!(script.rows(), rows);
        for (clock, session, flag) in [
            ([10, 0, 1, 0], 3, b'S'),
            ([10, 0, 1, 0], 3, b'S'),
            ([15, 30, 0, 0], 3, b'E'),
            ([15, 30, 0, 0], 4, b'S'),
            ([25, 30, 0, 0], 3, b'S'),
        ] {
            script.packet(A, &product_state(clock, session, flag), receive_time);
        }
        // More than an hour ahead of all before: the second one is believed.
        script.packet(A, &product_state([15, 30, 1, 0], 4, b'S'), receive_time);
        assert_eq!(script.rows(), ["0 open", "0 closed"]);
        let report = script.feed.report();
        assert_eq!(report.lines[0].refused, [("clock_out_of_range", 1)]);
        let [a, b] = report.streams[0].lines;
        assert_eq!((a.first, b.first, b.late), (2, 0, 1));
    }
}

#[test]
fn eobi_channels_are_apart_and_a_mass_delete_empties_one_book() {
    let mut script = Script::of(Protocol::BseEobi);
    let order = |number: i64| Order {
        side: tezi_model::Side::Sell,
        price: Some(Px::from_paise(10_000 + number)),
        priority_time: ten().plus(number),
        quantity: Qty(20),
    };
    let mut packet = PacketBuilder::new(900, 1, ten());
    packet.order_add(1, Token(5), &order(1)).order_add(2, Token(6), &order(2));
    script.packet(A, packet.bytes(), Nanos(1));
    packet.start(900, 2, ten());
    packet.order_mass_delete(3, Token(5));
    script.packet(B, packet.bytes(), Nanos(2));
    let rows = ["order_new 5 20x100.01", "order_new 6 20x100.02", "book_clear 5 0x0.00"];
    assert_eq!(script.rows(), rows);
    // A number is lost; the snapshot channel mends it.
    packet.start(900, 3, ten());
    packet.order_add(5, Token(5), &order(3));
    script.packet(A, packet.bytes(), Nanos(3));
    packet.start(900, 1, ten());
    packet.product_summary(1, 5).instrument_summary(2, Token(5), 0);
    script.packet(Channel::Snapshot(Line::A), packet.bytes(), Nanos(4));
    assert_eq!(script.rows(), ["stream_gap 0 0x0.00", "snapshot_start 0 0x0.00"]);
    script.packet(Channel::Reply, packet.bytes(), Nanos(5));

    let report = script.feed.report();
    let channels: Vec<_> = report.lines.iter().map(|line| line.channel).collect();
    let [snapshot_a, snapshot_b] = Line::BOTH.map(Channel::Snapshot);
    assert_eq!(channels, [A, B, snapshot_a, snapshot_b]);
    let messages: Vec<_> = report.lines.iter().map(|line| (line.packets, line.messages)).collect();
    assert_eq!(messages, [(2, 3), (1, 1), (1, 2), (0, 0)]);
    let [product] = &report.streams[..] else { panic!("one product") };
    assert_eq!((product.name.as_str(), product.joined_at, product.delivered), ("900", 1, 4));
    let lost = LostNumbers { first: 4, last: 4, restart_count: 0 };
    assert!(product.lost == [lost] && product.gaps.lost == 1 && !product.is_whole);
    assert_eq!(report.misdirected, 1);
}

/// A MoldUDP64 feed over a network that loses datagrams, with a server behind it.
struct Network {
    random: Random,
    loss: u64,
    script: Script,
    store: MessageStore,
    server: RequestServer,
    now: Nanos,
}

impl Network {
    fn new(seed: u64, loss: u64) -> Self {
        let mut config = FeedConfig::new(Protocol::MoldItch, Segment::NasdaqUs);
        config.mold = mold_udp64::SequencerConfig {
            start: Start::At(1),
            requests_max: 200,
            ..mold_udp64::SequencerConfig::default()
        };
        Self {
            random: Random(seed),
            loss,
            script: Script::new(&config),
            store: MessageStore::new(*b"000000001A", 10_000, 1 << 20),
            server: RequestServer::new(ServerConfig::default()).unwrap(),
            now: SessionDate::new(2026, 9, 21).unwrap().midnight().plus(34_200_000_000_000),
        }
    }

    fn is_lost(&mut self) -> bool {
        self.random.below(100) < self.loss
    }

    fn send(&mut self, datagram: &[u8]) {
        self.now = self.now.plus(100_000);
        for channel in [A, B] {
            if !self.is_lost() {
                self.script.packet(channel, datagram, self.now);
            }
        }
        self.ask();
    }

    fn ask(&mut self) {
        while let Some(request) = self.script.feed.poll_request(self.now) {
            if !self.is_lost() {
                let answer = self.server.on_request(&self.store, &request).unwrap().to_vec();
                if !self.is_lost() {
                    self.script.packet(Channel::Reply, &answer, self.now);
                }
            }
        }
    }

    /// One session of so many orders added, all of which arrive.
    fn run(&mut self, session: Session, count: u64) {
        self.store = MessageStore::new(session, 10_000, 1 << 20);
        let mut publisher = Publisher::new(session, 200).unwrap();
        for id in 1..=count {
            let mut sent = Vec::new();
            let mut keep = |datagram: &[u8]| sent.push(datagram.to_vec());
            let message = itch_add(id, 34_200_000_000_000 + id);
            self.store.push(&message).unwrap();
            publisher.push(&message, &mut keep).unwrap();
            if self.random.below(2) == 0 {
                publisher.flush(&mut keep);
            }
            sent.iter().for_each(|datagram| self.send(datagram));
        }
        let mut last = Vec::new();
        publisher.flush(&mut |datagram: &[u8]| last.push(datagram.to_vec()));
        last.iter().for_each(|datagram| self.send(datagram));
        for _ in 0..300 {
            self.now = self.now.plus(60_000_000);
            self.send(&publisher.end_of_session());
        }
    }
}

#[test]
fn mold_sessions_arrive_whole_over_lossy_lines_and_a_server() {
    for seed in 0..24 {
        let mut network = Network::new(seed, [0, 1, 10, 50][seed as usize % 4]);
        network.run(*b"000000001A", 200);
        network.run(*b"000000002A", 100);
        let (mut next, mut resets, mut is_stale) = (1, 0, false);
        for event in &network.script.events {
            match event.fault() {
                None => {
                    assert_eq!(event.kind(), Some(EventKind::OrderNew), "seed {seed}");
                    assert_eq!((event.order_id.0, event.sequence), (next, next as u32));
                    next += 1;
                }
                Some(FeedFault::Reset) => {
                    assert_eq!((next, is_stale), (201, false), "seed {seed}");
                    (next, resets) = (1, resets + 1);
                }
                Some(FeedFault::Stale { first }) => {
                    assert!(u64::from(first) == next && !is_stale, "seed {seed}");
                    is_stale = true;
                }
                Some(FeedFault::Whole) => is_stale = false,
                Some(fault) => panic!("seed {seed}: {fault:?}"),
            }
        }
        assert_eq!((next, resets, is_stale), (101, 1, false), "seed {seed}");
        let report = network.script.feed.report();
        let [session] = &report.streams[..] else { panic!("one session") };
        assert_eq!((session.name.as_str(), session.restarts), ("000000002A", 1));
        assert_eq!((session.delivered, session.gaps.lost, session.is_whole), (300, 0, true));
        assert_eq!(session.requests > 0, session.gaps.opened > 0 && session.gaps.recovered > 0);
        let recovered =
            network.script.events.iter().filter(|event| {
                event.fault().is_none() && event.flags & MarketFlags::RECOVERED != 0
            });
        assert_eq!(recovered.count() as u64, session.gaps.recovered, "seed {seed}");
    }
}

#[test]
fn without_a_server_a_gap_is_told_in_its_place_and_statuses_pass() {
    let mut config = FeedConfig::new(Protocol::MoldItch, Segment::NasdaqUs);
    config.session_date = SessionDate::new(2026, 9, 21);
    let mut script = Script::new(&config);
    let mut publisher = Publisher::new(*b"000000001A", 100).unwrap();
    let mut sent = Vec::new();
    let messages = [
        itch(b'S', 1, &[b"Q"]),
        itch_add(1, 2),
        itch(b'?', 3, &[]),
        itch(b'H', 4, &[b"ZVZZT   H T1  "]),
    ];
    for message in &messages {
        publisher.push(message, &mut |_: &[u8]| {}).unwrap();
        publisher.flush(&mut |datagram: &[u8]| sent.push(datagram.to_vec()));
    }
    for (now, at) in [(1, 0), (2, 2), (3, 3)] {
        script.packet(A, &sent[at], Nanos(now));
    }
    assert_eq!(script.rows(), ["0 open", "stream_stale 0 0x0.00"]);
    let due = script.feed.next_timeout().unwrap();
    assert_eq!(script.feed.poll_request(due), None);
    let events = &mut script.events;
    script.feed.on_timeout(due, &mut |event| events.push(*event));
    let gap = script.events[0].fault();
    assert_eq!(gap, Some(FeedFault::Gap { first: 2, last: 2 }));
    // Nothing is awaited any more, and what was lost stays lost: the books are not right again.
    assert_eq!(script.rows(), ["stream_gap 0 0x0.00", "13 halted"]);
    let report = script.feed.report();
    let [session] = &report.streams[..] else { panic!("one session") };
    assert_eq!(session.lost, [LostNumbers { first: 2, last: 2, restart_count: 0 }]);
    assert_eq!(session.refused, [("unknown_type", 1)]);
    assert_eq!((session.delivered, session.joined_at, report.refused()), (3, 1, 1));
    assert!(!session.is_whole);
}

#[test]
fn any_bytes_are_refused_or_keep_the_models_promises() {
    for protocol in Protocol::ALL {
        let mut random = Random(31 + protocol as u64);
        let mut script = Script::of(protocol);
        let mut sent = 0;
        for step in 0..6_000 {
            let of = if random.below(4) == 0 { random.pick(&Protocol::ALL) } else { protocol };
            let mut bytes = datagram(of, &mut random);
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = random.next() as u8;
            }
            let length = random.below(bytes.len() as u64 + 1) as usize;
            bytes.truncate(if random.below(6) == 0 { length } else { bytes.len() });
            let line = random.pick(&Line::BOTH);
            let channel =
                random.pick(&[A, B, Channel::Line(line), Channel::Snapshot(line), Channel::Reply]);
            sent += 1;
            script.packet(channel, &bytes, ten().plus(step * 1_000_000));
            for event in script.events.drain(..) {
                let segment = protocol.segments()[0];
                assert_eq!(event.stream.segment(), Some(segment));
                assert!(event.kind().is_some(), "{protocol} {step}");
            }
        }
        script.feed.finish(Nanos::MAX, &mut |_| {});
        let report = script.feed.report();
        let came: u64 = report.lines.iter().map(|line| line.packets).sum();
        assert_eq!(came + report.misdirected, sent, "{protocol}: every datagram is counted once");
        assert!(report.refused() > 100, "{protocol}");
        let names: BTreeMap<_, _> =
            report.lines.iter().flat_map(|line| line.refused.clone()).collect();
        assert!(names.len() > 2, "{protocol}: {names:?}");
        if let Some(books) = script.feed.levels() {
            assert!(books.is_consistent());
        }
    }
}
