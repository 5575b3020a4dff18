//! Orders that wait for the disk, and the report of how the journal came to it; a disk that fails
//! while an order waits.

#![cfg(target_os = "linux")]
#![allow(unsafe_code, reason = "a child sets its limit on file sizes")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "order_session/exchange.rs"]
mod exchange;
#[path = "order_session/rounds.rs"]
mod rounds;
#[path = "order_session/setup.rs"]
mod setup;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, host};
use exchange::{Exchange, Faults};
use rounds::{Rounds, STEPS};
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::gateway::nnf::Encryption;
use tezi::journal::{Promise, StageConfig, WriteOut};
use tezi::model::Side;
use tezi::orders::LocalRefusal;
use tezi::strategy::{BookUpdate, Context, OrderUpdate, Strategy};
use tezi::{Host, JournalMode, PathStage, Report, Session, replay_journal};

const CHILD: &str = "TEZI_TEST_CHILD";
const SEGMENT_BYTES: u64 = 64 << 10;

fn has_memory() -> bool {
    let has = StageConfig::default().check_room(SEGMENT_BYTES).is_ok();
    if !has {
        println!("skipped: no memory file system at /dev/shm");
    }
    has
}

/// Trades `rounds` rounds, or until the session ends by itself; the report, and the requests that the
/// exchange heard.
fn trade<S: Strategy + Send>(
    host: &Host,
    wait: Promise,
    rounds: u32,
    (strategy, done): (S, Arc<AtomicU32>),
) -> (Report, u32) {
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let mut orders = order_session(exchange.router(), Encryption::Plain);
    orders.wait_for = wait;
    let mut session = live(lines);
    session.orders = Some(orders);
    let (stop, over) = (session.stop.clone(), AtomicBool::new(false));
    let report = thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        scope.spawn(|| {
            let begun = Instant::now();
            let is_on = || !over.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE;
            while done.load(Ordering::Relaxed) < rounds * STEPS && is_on() {
                thread::sleep(Duration::from_millis(1));
            }
            stop.set();
        });
        let report = host.run(&Session::Live(session), strategy).unwrap();
        over.store(true, Ordering::Relaxed);
        report
    });
    exchange.hear_out();
    (report, exchange.requests)
}

fn journaling(journal: &Path) -> Host {
    host().config(core_config()).journal(journal).segment_bytes(SEGMENT_BYTES)
}

#[test]
fn orders_leave_when_their_record_is_on_the_disk_and_the_report_says_what_that_cost() {
    if !has_memory() {
        return;
    }
    assert_eq!((TOKEN, LOT), (50_001, 65), "the contract of the small exchange");
    for wait in [Promise::Appended, Promise::Durable] {
        let scratch = Scratch::new();
        let journal = scratch.path("journal");
        let (report, requests) = trade(&journaling(&journal), wait, 20, Rounds::new());
        assert!(report.is_fine(), "{report}");
        let sent = report.orders.as_ref().unwrap().counts.sent;
        assert_eq!(u64::from(requests), sent, "{report}");
        let count = |stage| report.latencies.stage(stage).count();
        let held = if wait == Promise::Durable { sent } else { 0 };
        assert_eq!((count(PathStage::Held), count(PathStage::Wire)), (held, sent), "{report}");
        assert!(count(PathStage::ToDisk) > 10, "{report}");
        // Live, with room in memory, a journal is staged without being asked.
        let (stats, it) = (report.journal_stats.unwrap(), report.durability.unwrap());
        assert_ne!(it.write_out, WriteOut::PageCache);
        assert_eq!(it.watermark + it.lag_at_end, stats.records, "{report}");
        assert!(it.lag_at_end <= it.lag_max.max(1) && it.batches > 10, "{report}");
        assert_eq!((it.bytes_written, stats.durable), (stats.bytes, stats.sequence_last));
        assert!(!journal.join("memory").exists(), "the memory is given back");
        let replay = replay_journal(&journal, Rounds::new().0).unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
        println!("{wait:?}: {report}");
    }
}

#[test]
fn a_promise_that_the_journal_does_not_make_is_refused_at_the_start() {
    let scratch = Scratch::new();
    let start = |host: &Host| {
        let mut session = live([free_line(), free_line()]);
        let mut orders = order_session("127.0.0.1:1".parse().unwrap(), Encryption::Plain);
        orders.wait_for = Promise::Durable;
        session.orders = Some(orders);
        host.run(&Session::Live(session), Rounds::new().0).unwrap_err().to_string()
    };
    let mapped = journaling(&scratch.path("journal")).journal_mode(JournalMode::Mapped);
    let error = start(&mapped);
    assert_eq!(error, "orders wait for durable, which a mapped journal never promises");
    assert_eq!(start(&host()), "orders wait for durable, and no journal is kept");
    let nowhere = StageConfig { memory_dir: "/proc".into(), ..StageConfig::default() };
    let error = start(&journaling(&scratch.path("journal")).journal_stage(nowhere));
    assert_eq!(error, "/proc is not on a memory file system (tmpfs)");
    assert!(!scratch.path("journal").exists(), "no journal is left behind");
}

/// Goes its rounds, and late in them, before an order, takes every file's room: what is written to one
/// from then on fails, the segments that are there included.
struct Breaker {
    rounds: Rounds,
    calls: u32,
    /// Whether it has no order and will send one at the next chance.
    is_free: bool,
}

impl Strategy for Breaker {
    fn name(&self) -> &'static str {
        "breaker"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        let book = ctx.book(update.instrument);
        let (bid, ask) = (book.touch(Side::Buy), book.touch(Side::Sell));
        let is_open = bid.zip(ask).is_some_and(|(bid, ask)| bid.price < ask.price);
        if 100 < self.calls && self.is_free && is_open {
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: a plain call with a valid pointer to a limit that lives through it.
            let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) };
            assert_eq!(set, 0, "the limit can be lowered");
        }
        self.is_free &= !is_open;
        self.rounds.on_book(ctx, update);
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.rounds.on_order(ctx, update);
        self.is_free = update.order.status.is_terminal();
    }
}

/// The child of the test below.
fn break_the_disk(dir: &Path) {
    // SAFETY: setting a signal's disposition to "ignore" runs no code of ours; without it the
    // kernel would end the process instead of answering the write with an error.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let (rounds, done) = Rounds::new();
    let strategy = (Breaker { rounds, calls: 0, is_free: false }, done);
    let host = journaling(&dir.join("journal"));
    let (report, requests) = trade(&host, Promise::Durable, u32::MAX / STEPS, strategy);
    let error = report.journal_error.clone().unwrap();
    assert!(error.contains("cannot write out journal segment"), "{error}");
    let orders = report.orders.as_ref().unwrap();
    assert_eq!(u64::from(requests), orders.counts.sent, "{report}");
    println!("\nstopped after {requests} requests; not sent {:?}", orders.refused);
}

#[test]
fn an_order_whose_record_never_reaches_the_disk_never_leaves() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return break_the_disk(Path::new(&dir));
    }
    if !has_memory() {
        return;
    }
    for _ in 0..4 {
        let scratch = Scratch::new();
        let test = "an_order_whose_record_never_reaches_the_disk_never_leaves";
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
        let output = command.env(CHILD, scratch.path("")).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        let line = text.lines().find(|line| line.starts_with("stopped after"));
        let line = line.unwrap_or_else(|| panic!("{text}"));
        assert!(line.contains(&format!("{:?}", LocalRefusal::Journal)), "{line}");
        // What was on the disk and in memory is a journal all the same.
        let journal = scratch.path("journal");
        let replay = replay_journal(&journal, Rounds::new().0).unwrap();
        assert_eq!(replay.divergences, 0, "{:?}", replay.first_divergence);
        let memory = std::fs::read_link(journal.join("memory")).unwrap();
        std::fs::remove_dir_all(memory).unwrap();
    }
}
