//! The demo over real multicast on the loopback interface: what is sent arrives, once and in order,
//! and what was saved and journaled of it tells the same session.
//!
//! A machine too busy to empty a socket's buffer in time loses datagrams, and then the report says
//! so; such a run is repeated, at most twice.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{Scratch, assert_same_book, captures, host, read};
use tezi::feed_handler::feed::StreamCounts;
use tezi::model::InstrumentKind;
use tezi::strategy::{OptionQuoter, OptionQuoterConfig, Watch};
use tezi::{CaptureSession, DemoConfig, DemoSession, Report, Session};
use tezi::{replay_journal, replay_recorded};

/// One demo at a time: the tests of a file share the machine's cores.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn demo_config(seed: u64) -> DemoConfig {
    DemoConfig {
        seed,
        seconds: 1.5,
        rate: 3_000.0,
        loss: 0.05,
        reorder: 0.05,
        duplicate: 0.02,
        lose_both: 0,
        recovery: false,
        ..DemoConfig::default()
    }
}

fn quoter() -> OptionQuoter {
    OptionQuoter::new(OptionQuoterConfig { edge_ticks: 3.0, ..OptionQuoterConfig::default() })
}

/// Runs a demo; its files are `book.csv`, `demo.pcap` and `journal` in the scratch returned.
fn run(config: DemoConfig) -> (Scratch, Report) {
    for attempt in 1.. {
        let scratch = Scratch::new();
        let save_pcap = Some(scratch.path("demo.pcap"));
        let session = Session::Demo(DemoSession { config, save_pcap });
        let report = host()
            .book_csv(scratch.path("book.csv"))
            .journal(scratch.path("journal"))
            .run(&session, quoter())
            .unwrap();
        let expected = u64::from(config.lose_both);
        if report.feed.lost() <= expected || attempt == 3 {
            return (scratch, report);
        }
        println!("attempt {attempt}: {} messages lost, once more", report.feed.lost());
    }
    unreachable!("three attempts at most")
}

/// The book and report of what the demo saved.
fn replay_saved(scratch: &Scratch) -> (String, Report) {
    let book = scratch.path("replayed.csv");
    let session = captures([scratch.path("demo.pcap")]);
    let session = Session::Capture(CaptureSession { instruments: Vec::new(), ..session });
    let report = host().book_csv(&book).run(&session, Watch).unwrap();
    (read(&book), report)
}

#[test]
fn a_live_session_over_bad_lines_is_whole_and_can_be_told_again() {
    let _alone = alone();
    let (scratch, report) = run(demo_config(1));
    assert!(report.is_fine(), "{:?}", report.problems());
    let injected = report.injected.unwrap();
    assert_eq!(injected.dropped_on_both, 0);
    for line in 0..2 {
        assert!(injected.dropped[line] > 50 && injected.duplicated[line] > 20);
        assert!(injected.reordered[line] > 50);
    }
    // Both lines' datagrams came; the heartbeats are not messages.
    let delivered = report.feed.delivered();
    let sent = 2 * delivered + injected.duplicated.iter().sum::<u64>()
        - injected.dropped.iter().sum::<u64>();
    let received: u64 = report.feed.counters.lines.iter().map(|line| line.messages).sum();
    assert_eq!(received, sent);
    assert!(report.feed.counters.lines.iter().all(|line| line.heartbeats > 0));
    assert_eq!(report.feed.counters.streams.len(), 2);
    assert_eq!(report.core.counters.events, delivered);
    assert!(report.core.counters.new_orders > 0, "{:?}", report.core.counters);
    assert_eq!(report.orders_not_encoded, 0);
    let kinds: Vec<_> = report.core.positions.iter().map(|p| p.instrument.kind()).collect();
    assert!(kinds.iter().all(|kind| *kind != InstrumentKind::Unknown));

    let (book, saved) = replay_saved(&scratch);
    assert!(saved.is_fine(), "{:?}", saved.problems());
    assert_eq!(saved.feed.delivered(), delivered);
    assert!(book.lines().count() > 100);
    assert_same_book(&book, &read(&scratch.path("book.csv")), "the saved session");

    let journal = scratch.path("journal");
    for replay in [replay_journal(&journal, quoter()).unwrap(), replay_recorded(&journal).unwrap()]
    {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        assert_eq!(replay.core.counters, report.core.counters);
    }
}

#[test]
fn what_both_lines_lose_is_asked_for_over_tcp_and_the_books_are_whole_again() {
    let _alone = alone();
    let (scratch, report) = run(DemoConfig { lose_both: 4, recovery: true, ..demo_config(3) });
    assert_eq!(report.injected.unwrap().dropped_on_both, 4);
    assert!(report.is_fine(), "{:?}", report.problems());
    let sum = |count: fn(&StreamCounts) -> u64| {
        report.feed.counters.streams.iter().map(count).sum::<u64>()
    };
    assert!(sum(|stream| stream.gaps.recovered) >= 4);
    assert!(sum(|stream| stream.recovery.stale) >= 1);
    assert_eq!(sum(|stream| stream.recovery.stale), sum(|stream| stream.recovery.whole));
    assert_eq!(report.core.stale_instruments, 0);
    // The capture of the lines has the holes; the live session has not.
    let (_, saved) = replay_saved(&scratch);
    assert_eq!(saved.feed.lost(), 4);
    assert_eq!(saved.feed.delivered() + 4, report.feed.delivered());
    let replay = replay_recorded(&scratch.path("journal")).unwrap();
    assert!(replay.is_fine(), "{:?}", replay.problems());
    assert_eq!(replay.core.state_hash, report.core.state_hash);
}

#[test]
fn what_both_lines_lose_is_lost_and_said_to_be() {
    let _alone = alone();
    let config = DemoConfig { lose_both: 3, recovery: false, ..demo_config(2) };
    let (scratch, report) = run(config);
    assert_eq!(report.injected.unwrap().dropped_on_both, 3);
    assert_eq!(report.feed.lost(), 3);
    let listed = report.feed.counters.streams.iter().flat_map(|stream| &stream.lost);
    assert_eq!(listed.map(|range| range.last - range.first + 1).sum::<u64>(), 3);
    assert!(!report.is_fine());
    assert!(report.problems().iter().any(|p| p.starts_with("3 messages were lost on every line")));
    assert!(report.core.stale_instruments > 0);
    // The same holes, the same book: nothing is guessed.
    let (book, saved) = replay_saved(&scratch);
    assert_eq!(saved.feed.lost(), 3);
    assert_same_book(&book, &read(&scratch.path("book.csv")), "the saved session");
    let replay = replay_recorded(&scratch.path("journal")).unwrap();
    assert!(replay.is_fine(), "{:?}", replay.problems());
    assert_eq!(replay.core.state_hash, report.core.state_hash);
}

#[test]
fn two_demos_at_once_do_not_disturb_each_other() {
    let _alone = alone();
    let runs = std::thread::scope(|scope| {
        let threads = [3, 4].map(|seed| {
            let config = DemoConfig { rate: 1_500.0, ..demo_config(seed) };
            scope.spawn(move || run(config))
        });
        threads.map(|thread| thread.join().unwrap())
    });
    let books = runs.map(|(scratch, report)| {
        assert!(report.is_fine(), "{:?}", report.problems());
        let (book, saved) = replay_saved(&scratch);
        assert_eq!(saved.feed.delivered(), report.feed.delivered());
        assert_same_book(&book, &read(&scratch.path("book.csv")), "the saved session");
        book
    });
    assert_ne!(books[0], books[1]);
}
