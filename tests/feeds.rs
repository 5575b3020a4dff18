//! Captures of every feed but MTBT (`host_capture.rs`) through the whole engine: found out by what is
//! in them, decoded to the row, ending in the reckoned book, the same every time; and captures of
//! several feeds, of two on one group, cut ones, and ones with garbage.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};

use common::feeds::{self, LINES, Market, Packet, SNAPSHOTS, group, orders, pictures};
use common::{Random, Scratch, assert_same_book, host, read};
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, Protocol};
use tezi::model::Segment;
use tezi::strategy::{Context, FeedUpdate, IndexUpdate, StatusUpdate, Strategy};
use tezi::{CaptureSession, Error, Report, Session};

/// Makes a market of a seed.
type Make = fn(u64) -> Market;

/// Protocols whose captures these are, and how they are made.
const FEEDS: [(Protocol, Segment, Make); 4] = [
    (Protocol::NseBroadcast, Segment::NseFo, |seed| pictures::broadcast(seed, 400)),
    (Protocol::BseEobi, Segment::BseFo, |seed| orders::eobi(seed, 600)),
    (Protocol::BseNfcast, Segment::BseFo, |seed| pictures::nfcast(seed, 500)),
    (Protocol::MoldItch, Segment::NasdaqUs, |seed| orders::itch(seed, 1_500).0),
];

/// Notes what it is told that is no order or trade.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

impl Listener {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

impl Strategy for Listener {
    fn name(&self) -> &'static str {
        "listener"
    }

    fn on_status(&mut self, ctx: &mut Context<'_>, update: &StatusUpdate) {
        let token =
            update.instrument.and_then(|id| ctx.instrument(id)).map(|it| it.definition.token);
        let whose = token.map_or("market".into(), |token| token.to_string());
        self.note(format!("{whose} {}", update.status.name()));
    }

    fn on_index(&mut self, ctx: &mut Context<'_>, update: &IndexUpdate) {
        assert_eq!(ctx.last_trade(update.instrument), Some(update.value));
        self.note(format!("index {}", update.value));
    }

    fn on_feed(&mut self, _ctx: &mut Context<'_>, update: &FeedUpdate) {
        self.note(format!("{:?}", update.fault).split(' ').next().unwrap().into());
    }
}

/// What a replay came to.
struct Replayed {
    report: Report,
    rows: Vec<String>,
    book: String,
    told: Vec<String>,
}

/// A session of one capture, whose feed is to be found out.
fn session(file: &Path) -> CaptureSession {
    let Session::Capture(session) = Session::captures([file]) else { unreachable!() };
    session
}

fn try_replay(scratch: &Scratch, session: CaptureSession) -> Result<Replayed, Error> {
    let [book, decoded] = ["book.csv", "decoded.csv"].map(|name| scratch.path(name));
    let listener = Listener::default();
    let host = host().book_csv(&book).decoded_csv(&decoded);
    let report = host.run(&Session::Capture(session), listener.clone())?;
    assert!(report.core.is_consistent);
    let rows = read(&decoded).lines().skip(1).map(String::from).collect();
    let told = std::mem::take(&mut *listener.0.lock().unwrap());
    Ok(Replayed { report, rows, book: read(&book), told })
}

fn replay(scratch: &Scratch, session: CaptureSession) -> Replayed {
    try_replay(scratch, session).unwrap()
}

/// Replays packets.
fn replay_packets(scratch: &Scratch, packets: &[Packet]) -> Replayed {
    let file = scratch.path("x.pcap");
    feeds::write_packets(&file, packets);
    replay(scratch, session(&file))
}

/// Fails with the first row that is not as reckoned. Pictures are told level by level, in an order
/// of their own and with order numbers of no meaning: their rows are compared sorted, without them.
fn assert_same_rows(protocol: Protocol, mut rows: Vec<String>, expected: &[String], what: &str) {
    let mut expected = expected.to_vec();
    if protocol.is_by_level() {
        for row in &mut rows {
            let fields: Vec<&str> = row.split(',').collect();
            *row = [&fields[..4], &fields[6..]].concat().join(",");
        }
        rows.sort();
        expected.sort();
    }
    let pairs = rows.iter().zip(&expected).enumerate();
    let first = pairs.into_iter().find(|(_, (row, other))| row != other);
    assert_eq!(first, None, "{what}: the first row that differs");
    assert_eq!(rows.len(), expected.len(), "{what}: rows");
}

#[test]
fn every_feed_is_found_out_and_decoded_to_the_row() {
    let scratch = Scratch::new();
    for (protocol, segment, make) in FEEDS {
        for seed in 1..4 {
            let what = format!("{protocol}, seed {seed}");
            let market = make(seed);
            let packets = market.packets(seed, 0.1, |_| false);
            let Replayed { report, rows, book, told } = replay_packets(&scratch, &packets);
            assert!(report.is_fine(), "{what}: {:?}", report.problems());
            let counters = &report.feed.counters;
            assert_eq!(counters.protocol, protocol, "{what}");
            assert_eq!(counters.streams[0].stream.segment(), Some(segment), "{what}");
            assert_same_rows(protocol, rows, &market.rows, &what);
            assert_same_book(&book, &market.book, &what);
            assert!(market.book.lines().count() > 4, "{what}: there is a book to compare");
            assert_eq!(told, market.told, "{what}");
            assert_eq!((report.feed.lost(), report.core.stale_instruments), (0, 0), "{what}");
            let taken: u64 = counters.lines.iter().map(|line| line.packets).sum();
            assert_eq!(taken, packets.len() as u64, "{what}: every datagram has a channel");
            let again = replay_packets(&scratch, &packets);
            assert_eq!(again.report.core.state_hash, report.core.state_hash, "{what}");
        }
    }
}

#[test]
fn a_feed_that_is_named_is_the_one_that_is_found() {
    let scratch = Scratch::new();
    let file = scratch.path("x.pcap");
    for (protocol, segment, make) in FEEDS {
        let market = make(7);
        feeds::write_packets(&file, &market.packets(7, 0.1, |_| false));
        let found = replay(&scratch, session(&file));
        let mut named = session(&file);
        named.protocol = tezi::Protocol::Packets(protocol);
        named.segment = Some(segment);
        named.groups = [LINES, SNAPSHOTS]
            .into_iter()
            .zip([Channel::Line as fn(Line) -> Channel, Channel::Snapshot])
            .flat_map(|(groups, channel)| groups.into_iter().zip(Line::BOTH.map(channel)))
            .collect();
        let named = replay(&scratch, named);
        assert_eq!(named.report.core.state_hash, found.report.core.state_hash, "{protocol}");
        assert!(named.rows == found.rows && named.report.is_fine(), "{protocol}");
    }
}

#[test]
fn of_order_by_order_feeds_what_no_line_brought_is_mended_by_a_snapshot_or_stays_stale() {
    let scratch = Scratch::new();
    for seed in 11..14 {
        let market = orders::eobi(seed, 600);
        let is_lost = |index: usize| matches!(index, 100..=104 | 333);
        let packets = market.packets(seed, 0.1, is_lost);
        let Replayed { report, book, told, .. } = replay_packets(&scratch, &packets);
        assert!(report.feed.lost() >= 6, "seed {seed}: {}", report.feed.lost());
        assert_eq!(report.problems().len(), 1, "seed {seed}: {:?}", report.problems());
        assert_same_book(&book, &market.book, &format!("seed {seed}"));
        assert_eq!(report.core.stale_instruments, 0, "seed {seed}");
        let count = |name: &str| told.iter().filter(|it| *it == name).count();
        assert!(count("Gap") >= 2 && count("Whole") >= 2, "seed {seed}: {told:?}");
        let product = &report.feed.counters.streams[0];
        assert!(product.is_whole && product.snapshots >= 2, "seed {seed}: {product:?}");

        let alone: Vec<_> =
            packets.into_iter().filter(|(_, group, _)| LINES.contains(group)).collect();
        let Replayed { report, told, .. } = replay_packets(&scratch, &alone);
        assert_eq!(report.core.stale_instruments, 3, "seed {seed}");
        assert!(!report.is_fine() && !told.contains(&"Whole".into()), "seed {seed}: {told:?}");
    }
}

#[test]
fn a_lost_itch_packet_leaves_its_books_stale() {
    let scratch = Scratch::new();
    let (market, _) = orders::itch(15, 1_500);
    let packets = market.packets(15, 0.1, |index| index == 200);
    let Replayed { report, told, rows, .. } = replay_packets(&scratch, &packets);
    let session = &report.feed.counters.streams[0];
    let [lost] = session.lost[..] else { panic!("{:?}", session.lost) };
    assert_eq!(lost.last - lost.first + 1, report.feed.lost());
    assert_eq!(rows.len() as u64 + report.feed.lost(), 1_500);
    // What was lost stays lost, though what came after it did.
    assert!(told.contains(&"Gap".into()) && !told.contains(&"Whole".into()), "{told:?}");
    assert!(report.core.stale_instruments == 3 && !session.is_whole);
    assert!(report.problems()[0].ends_with("lost on every line; their books are stale"));
}

/// Two markets in one capture: the second on groups of its own.
fn both(first: &Market, second: &Market) -> Vec<Packet> {
    let other = second.packets(2, 0.1, |_| false).into_iter().map(|(time, group, bytes)| {
        let mut address = group;
        address.set_port(group.port() + 100);
        (time, address, bytes)
    });
    let mut packets: Vec<_> = first.packets(1, 0.1, |_| false).into_iter().chain(other).collect();
    packets.sort_by_key(|(time, ..)| *time);
    packets
}

#[test]
fn of_two_feeds_in_a_capture_one_is_taken_and_the_other_counted() {
    let scratch = Scratch::new();
    let file = scratch.path("x.pcap");
    let (eobi, levels) = (orders::eobi(21, 400), pictures::broadcast(21, 300));
    feeds::write_packets(&file, &both(&eobi, &levels));
    // EOBI has four groups and the broadcast two.
    let count = |market: &Market, seed: u64| market.packets(seed, 0.1, |_| false).len() as u64;
    let named = CaptureSession {
        protocol: tezi::Protocol::Packets(Protocol::NseBroadcast),
        ..session(&file)
    };
    let sessions = [
        (session(&file), Protocol::BseEobi, &eobi, count(&levels, 2)),
        (named, Protocol::NseBroadcast, &levels, count(&eobi, 1)),
    ];
    for (session, protocol, market, foreign) in sessions {
        let Replayed { report, rows, book, .. } = replay(&scratch, session);
        assert!(report.is_fine(), "{protocol}: {:?}", report.problems());
        assert_eq!(report.feed.counters.protocol, protocol);
        assert_eq!(report.feed.foreign_datagrams, foreign, "{protocol}");
        assert_same_rows(protocol, rows, &market.rows, protocol.name());
        assert_same_book(&book, &market.book, protocol.name());
    }
}

#[test]
fn a_group_of_two_feeds_is_to_be_named() {
    let scratch = Scratch::new();
    let file = scratch.path("x.pcap");
    let (itch, levels) = (orders::itch(23, 400).0, pictures::nfcast(23, 300));
    let mut packets = itch.packets(1, 0.0, |_| false);
    packets.extend(levels.packets(2, 0.0, |_| false));
    // Alternating, so that what is looked at has both.
    let mut turn = [0_usize; 2];
    packets.sort_by_cached_key(|(_, _, bytes)| {
        let of = usize::from(bytes.starts_with(&orders::SESSION));
        turn[of] += 1;
        turn[of]
    });
    let start = packets[0].0;
    for (index, packet) in packets.iter_mut().enumerate() {
        packet.0 = start.plus(index as i64 * 100_000);
    }
    feeds::write_packets(&file, &packets);
    let error = try_replay(&scratch, session(&file)).err().unwrap().to_string();
    assert!(error.contains("nfcast or mold: say which"), "{error}");
    assert!(LINES.iter().any(|group| error.contains(&group.to_string())), "{error}");
    // Named, one is taken, and the other refused datagram by datagram.
    let named =
        CaptureSession { protocol: tezi::Protocol::Packets(Protocol::MoldItch), ..session(&file) };
    let Replayed { report, book, .. } = replay(&scratch, named);
    assert_same_book(&book, &itch.book, "itch");
    assert!(report.feed.decode_errors() >= 500, "{:?}", report.problems());
}

#[test]
fn a_cut_capture_is_everything_before_the_cut() {
    let scratch = Scratch::new();
    let file = scratch.path("x.pcap");
    for (protocol, _, make) in FEEDS {
        let market = make(31);
        let packets = market.packets(31, 0.1, |_| false);
        let kept = packets.len() / 2;
        feeds::write_packets(&file, &packets[..kept]);
        let before = replay(&scratch, session(&file));
        feeds::write_packets(&file, &packets[..kept + 1]);
        let mut bytes = std::fs::read(&file).unwrap();
        bytes.truncate(bytes.len() - 7);
        std::fs::write(&file, bytes).unwrap();
        let cut = replay(&scratch, session(&file));
        assert!(cut.rows == before.rows && cut.rows.len() > 100, "{protocol}");
        assert_eq!(cut.report.core.state_hash, before.report.core.state_hash, "{protocol}");
        let problems = cut.report.problems();
        assert!(problems.len() == 1 && problems[0].contains("x.pcap"), "{protocol}: {problems:?}");
    }
}

#[test]
fn garbage_is_refused_and_changes_nothing() {
    let scratch = Scratch::new();
    for (protocol, _, make) in FEEDS {
        let market = make(41);
        let mut random = Random(41);
        let mut packets = market.packets(41, 0.0, |_| false);
        let count = packets.len();
        for index in (0..count).step_by(10).rev() {
            let length = random.below(80) as usize;
            let bytes = (0..length).map(|_| random.next() as u8).collect();
            let to = [LINES[0], LINES[1], group(99)][random.below(3) as usize];
            packets.insert(index, (packets[index].0, to, bytes));
        }
        let Replayed { report, rows, book, told } = replay_packets(&scratch, &packets);
        assert_eq!(report.feed.counters.protocol, protocol);
        assert_same_rows(protocol, rows, &market.rows, protocol.name());
        assert_same_book(&book, &market.book, protocol.name());
        assert_eq!(told, market.told, "{protocol}");
        let [problem] = &report.problems()[..] else { panic!("{:?}", report.problems()) };
        assert!(problem.ends_with("were refused by the decoder"), "{protocol}: {problem}");
        let refused = report.feed.decode_errors() + report.feed.foreign_datagrams;
        assert!(refused >= count as u64 / 20, "{protocol}: {refused} of {count}");
    }
}

#[test]
fn random_bytes_in_a_capture_of_any_feed_never_stop_the_host() {
    let scratch = Scratch::new();
    let file = scratch.path("x.pcap");
    for (protocol, _, make) in FEEDS {
        let packets = make(51).packets(51, 0.1, |_| false);
        feeds::write_packets(&file, &packets[..300]);
        let bytes = std::fs::read(&file).unwrap();
        let mut random = Random(51);
        for _ in 0..12 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + random.below(40) {
                let place = random.below(damaged.len() as u64) as usize;
                damaged[place] = random.next() as u8;
            }
            std::fs::write(&file, damaged).unwrap();
            match try_replay(&scratch, session(&file)) {
                Ok(replayed) => assert!(replayed.report.core.is_consistent),
                Err(error) => {
                    let is_named = matches!(error, Error::Capture { .. } | Error::Parameter(_));
                    assert!(is_named, "{protocol}: {error}");
                }
            }
        }
    }
}
