//! The host on captures: one line, two lines, bad lines, cut files, and files of something else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use common::tape::{
    Faults, GROUPS, Message, book_csv, both_lines, single_line, tape, write_capture,
};
use common::{Bidder, Random, Scratch, assert_same_book, captures, host, quoter, read};
use tezi::feed_handler::Line;
use tezi::feed_handler::capture::PcapWriter;
use tezi::feed_handler::feed::{Channel, LostNumbers};
use tezi::model::{Nanos, RejectReason};
use tezi::strategy::{Strategy, Watch};
use tezi::{CaptureSession, Error, Report, Session};

/// Runs a session and returns its report and its final book.
fn run<S: Strategy + Send>(
    scratch: &Scratch,
    session: CaptureSession,
    strategy: S,
) -> (Report, String) {
    let book = scratch.path("book.csv");
    let report = host().book_csv(&book).run(&Session::Capture(session), strategy).unwrap();
    assert!(report.core.is_consistent);
    (report, read(&book))
}

/// The groups of both lines.
fn groups() -> Vec<(SocketAddrV4, Channel)> {
    Line::BOTH.map(|line| (GROUPS[line.index()], Channel::Line(line))).into()
}

const FAULTS: Faults = Faults { loss: 0.05, duplicate: 0.03, reorder: 0.05 };

#[test]
fn one_line_gives_the_book_and_the_same_state_twice() {
    let scratch = Scratch::new();
    let tape = tape(1, 6_000);
    let file = scratch.path("one.pcap");
    write_capture(&file, &tape, &single_line(&tape));
    let (report, book) = run(&scratch, captures([&file]), quoter());
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_eq!(report.feed.delivered(), 6_000);
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    let counters = report.core.counters;
    assert!(counters.new_orders > 20 && counters.fills > 5, "{counters:?}");
    let (again, book_again) = run(&scratch, captures([&file]), quoter());
    assert_eq!(again.core.state_hash, report.core.state_hash);
    assert_eq!(again.core.profit, report.core.profit);
    assert_same_book(&book_again, &book, "the second run");
}

#[test]
fn two_bad_lines_give_the_book_of_one_good_line() {
    let scratch = Scratch::new();
    for seed in 2..6 {
        let tape = tape(seed, 5_000);
        let file = scratch.path("both.pcap");
        write_capture(&file, &tape, &both_lines(&tape, seed, FAULTS, |_| false));
        let (report, book) = run(&scratch, captures([&file]), quoter());
        assert!(report.is_fine(), "seed {seed}: {:?}", report.problems());
        assert_same_book(&book, &book_csv(&tape), &format!("seed {seed}"));
        assert_eq!((report.feed.delivered(), report.feed.lost()), (5_000, 0), "seed {seed}");
        let filled =
            report.feed.counters.streams.iter().map(|stream| stream.gaps.filled_other_line);
        assert!(filled.sum::<u64>() > 50, "seed {seed}: the lines had gaps to fill");
        let (again, _) = run(&scratch, captures([&file]), quoter());
        assert_eq!(again.core.state_hash, report.core.state_hash, "seed {seed}");
    }
}

#[test]
fn a_file_for_each_line_is_the_same_as_one_file_of_both() {
    let scratch = Scratch::new();
    let tape = tape(7, 5_000);
    let sent = both_lines(&tape, 7, FAULTS, |_| false);
    let [both, a, b] = ["both", "a", "b"].map(|name| scratch.path(&format!("{name}.pcap")));
    write_capture(&both, &tape, &sent);
    for (line, file) in [&a, &b].into_iter().enumerate() {
        write_capture(file, &tape, sent.iter().filter(|sent| sent.line == line));
    }
    let (one, book) = run(&scratch, captures([&both]), quoter());
    let session = CaptureSession { groups: groups(), ..captures([&a, &b]) };
    for session in [session.clone(), captures([&a, &b])] {
        let (two, book_of_two) = run(&scratch, session, quoter());
        assert!(two.is_fine(), "{:?}", two.problems());
        assert_same_book(&book_of_two, &book, "two files");
        assert_eq!(two.core.state_hash, one.core.state_hash);
        assert_eq!(two.feed.counters.lines[0].packets, one.feed.counters.lines[0].packets);
    }
    // Files in another order, lines by name: the same session.
    let (two, _) = run(&scratch, CaptureSession { files: vec![b, a], ..session }, quoter());
    assert_eq!(two.core.state_hash, one.core.state_hash);
}

#[test]
fn what_no_line_brought_is_named_and_its_stream_is_not_traded() {
    let scratch = Scratch::new();
    let tape = tape(8, 6_000);
    let file = scratch.path("gaps.pcap");
    let is_lost = |message: &Message| {
        message.stream == 2 && matches!(message.sequence, 700..=704 | 1_500 | 1_600)
    };
    write_capture(&file, &tape, &both_lines(&tape, 8, FAULTS, is_lost));
    let (report, _) = run(&scratch, captures([&file]), Bidder { every: 20, calls: 0 });
    assert!(!report.is_fine());
    assert_eq!(report.feed.lost(), 7);
    let stream = |number: u16| {
        report.feed.counters.streams.iter().find(|stream| stream.stream.number() == number).unwrap()
    };
    let lost = |first, last| LostNumbers { first, last, restart_count: 0 };
    assert_eq!(stream(2).lost, [lost(700, 704), lost(1_500, 1_500), lost(1_600, 1_600)]);
    assert_eq!((stream(1).gaps.lost, stream(1).lost.len()), (0, 0));
    assert_eq!(report.core.counters.gaps, 3);
    assert_eq!(report.core.stale_instruments, 5, "the options and their spread, not the future");
    let stale = report.core.refusals.iter().find(|(r, _)| *r == RejectReason::StaleMarketData);
    assert!(stale.is_some_and(|&(_, count)| count > 50), "{:?}", report.core.refusals);
    assert!(report.core.counters.new_orders > 10, "before the gap, and in the future after it");
    assert!(report.problems().iter().any(|problem| problem.starts_with("7 messages were lost")));
}

#[test]
fn a_late_join_ends_in_what_can_be_known() {
    let scratch = Scratch::new();
    let tape = tape(9, 6_000);
    let late = &tape[2_500..];
    let file = scratch.path("late.pcap");
    write_capture(&file, late, &both_lines(late, 9, Faults { reorder: 0.0, ..FAULTS }, |_| false));
    let (report, book) = run(&scratch, captures([&file]), quoter());
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_same_book(&book, &book_csv(late), "what came after the join");
    for stream in &report.feed.counters.streams {
        let of_stream = late.iter().filter(|m| u16::from(m.stream) == stream.stream.number());
        assert_eq!(stream.joined_at, of_stream.map(|m| u64::from(m.sequence)).min().unwrap());
    }
    assert!(report.core.counters.orders_unknown > 0);
}

#[test]
fn a_capture_cut_anywhere_keeps_what_was_good() {
    let scratch = Scratch::new();
    let tape = tape(10, 300);
    let file = scratch.path("whole.pcap");
    write_capture(&file, &tape, &single_line(&tape));
    let bytes = std::fs::read(&file).unwrap();
    // A file header of 24 bytes; 16 of each record, and the headers of Ethernet, IPv4 and UDP.
    let ends: Vec<usize> = tape
        .iter()
        .scan(24, |end, message| {
            *end += 16 + 14 + 20 + 8 + message.bytes().len();
            Some(*end)
        })
        .collect();
    assert_eq!(ends.last(), Some(&bytes.len()));
    let mut random = Random(10);
    let cut = scratch.path("cut.pcap");
    let mut lengths: Vec<usize> =
        (0..60).map(|_| 24 + random.below(bytes.len() as u64 - 24) as usize).collect();
    lengths.extend([24, ends[0], ends[0] + 1, ends[149] - 1, ends[149], bytes.len()]);
    for length in lengths {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let (report, book) = run(&scratch, captures([&cut]), Watch);
        let whole = ends.iter().filter(|&&end| end <= length).count();
        assert_eq!(report.feed.delivered(), whole as u64, "{length} bytes");
        assert_same_book(&book, &book_csv(&tape[..whole]), &format!("{length} bytes"));
        let is_cut = length > 24 && !ends.contains(&length);
        assert_eq!(!report.feed.faults.is_empty(), is_cut, "{length}: {:?}", report.feed.faults);
        assert!(report.feed.faults.iter().all(|fault| fault.contains("cut.pcap")));
    }
    for length in 0..24 {
        std::fs::write(&cut, &bytes[..length]).unwrap();
        let error = host().run(&Session::Capture(captures([&cut])), Watch).unwrap_err();
        assert!(matches!(error, Error::Capture { .. }), "{length} bytes: {error}");
        assert!(error.to_string().contains("cut.pcap"));
    }
}

/// Writes messages with foreign datagrams between them.
fn write_with_foreign(
    path: &Path,
    tape: &[Message],
    mut foreign: impl FnMut(usize) -> Option<(SocketAddrV4, Vec<u8>)>,
) {
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    for (index, message) in tape.iter().enumerate() {
        for group in GROUPS {
            writer.write_udp(message.time, source, group, &message.bytes()).unwrap();
        }
        if let Some((group, bytes)) = foreign(index) {
            writer.write_udp(message.time, source, group, &bytes).unwrap();
        }
    }
    std::fs::write(path, writer.into_inner()).unwrap();
}

#[test]
fn a_foreign_protocol_on_the_lines_is_counted_and_changes_nothing() {
    let scratch = Scratch::new();
    let tape = tape(11, 2_000);
    let file = scratch.path("foreign.pcap");
    let mut random = Random(11);
    write_with_foreign(&file, &tape, |index| {
        let bytes = match index % 50 {
            10 => b"GET / HTTP/1.1\r\nHost: example\r\n\r\n".to_vec(),
            20 => Vec::new(),
            30 => vec![38],
            // A message of the right length and an unknown type.
            40 => [[38, 0, 1, 0, 1, 0, 0, 0, b'?'].as_slice(), &[0; 29]].concat(),
            _ => return None,
        };
        Some((GROUPS[random.below(2) as usize], bytes))
    });
    let session = CaptureSession { groups: groups(), ..captures([&file]) };
    let (report, book) = run(&scratch, session, quoter());
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    assert_eq!((report.feed.delivered(), report.feed.lost()), (2_000, 0));
    assert!(report.feed.decode_errors() >= 80, "{:?}", report.feed.counters.lines);
    assert!(report.problems().iter().any(|p| p.contains("refused by the decoder")));
}

#[test]
fn other_groups_are_left_out_and_said_to_be() {
    let scratch = Scratch::new();
    let tape = tape(12, 1_000);
    let file = scratch.path("third.pcap");
    let third = SocketAddrV4::new(Ipv4Addr::new(239, 9, 9, 9), 9);
    write_with_foreign(&file, &tape, |index| {
        (index % 10 == 5).then(|| (third, tape[index / 2].bytes()))
    });
    let named = CaptureSession { groups: groups(), ..captures([&file]) };
    let (report, book) = run(&scratch, named, quoter());
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_eq!(report.feed.foreign_datagrams, 100);
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    let (report, book) = run(&scratch, captures([&file]), quoter());
    assert_eq!(report.feed.foreign_datagrams, 100);
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    assert!(report.problems().iter().any(|p| p.starts_with("100 datagrams went to a third group")));
}

#[test]
fn another_protocol_seen_first_takes_no_lines_place() {
    let scratch = Scratch::new();
    let tape = tape(14, 1_000);
    let file = scratch.path("first.pcap");
    let other = SocketAddrV4::new(Ipv4Addr::new(239, 9, 9, 9), 9);
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
    let mut writer = PcapWriter::new(Vec::new()).unwrap();
    // Its third byte could be taken for a stream number.
    for stream in [1, 2] {
        writer.write_udp(tape[0].time, source, other, &[9, 9, stream, 9, 9]).unwrap();
    }
    for sent in both_lines(&tape, 14, FAULTS, |_| false) {
        let bytes = tape[sent.index].bytes();
        writer.write_udp(sent.time, source, GROUPS[sent.line], &bytes).unwrap();
    }
    std::fs::write(&file, writer.into_inner()).unwrap();
    let (report, book) = run(&scratch, captures([&file]), Watch);
    assert_eq!((report.feed.lost(), report.feed.foreign_datagrams), (0, 0));
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    assert_eq!(report.problems(), ["2 messages were refused by the decoder"]);
}

#[test]
fn random_bytes_in_a_capture_never_stop_the_host() {
    let scratch = Scratch::new();
    let tape = tape(13, 400);
    let file = scratch.path("damaged.pcap");
    write_capture(&file, &tape, &both_lines(&tape, 13, FAULTS, |_| false));
    let bytes = std::fs::read(&file).unwrap();
    let mut random = Random(13);
    for _ in 0..60 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + random.below(20) {
            let place = random.below(damaged.len() as u64) as usize;
            damaged[place] = random.next() as u8;
        }
        std::fs::write(&file, damaged).unwrap();
        match host().run(&Session::Capture(captures([&file])), quoter()) {
            Ok(report) => assert!(report.core.is_consistent),
            Err(error) => assert!(matches!(error, Error::Capture { .. }), "{error}"),
        }
    }
}

#[test]
fn a_missing_file_and_an_empty_session_are_named() {
    let scratch = Scratch::new();
    let missing = scratch.path("no-such.pcap");
    let error = host().run(&Session::Capture(captures([&missing])), Watch).unwrap_err();
    assert!(matches!(error, Error::File { .. }) && error.to_string().contains("no-such.pcap"));
    let empty = scratch.path("empty.pcap");
    write_capture(&empty, &[], &[]);
    let (report, _) = run(&scratch, captures([&empty]), Watch);
    assert_eq!(report.problems(), ["no mtbt message in 0 datagrams"]);
    assert_eq!(report.core.exchange_time, Nanos::ZERO);
}
