//! A host that trades, and a disk that fills up: no order leaves whose record the journal did not take,
//! the session stops, and what is open is cancelled.
//!
//! The test runs itself again in a mount namespace of its own, with a file system of a few segments
//! mounted for the journal (`TEZI_TEST_CHILD` names it). That takes a superuser; without one it says
//! that it skipped.

#![cfg(target_os = "linux")]
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::{Scratch, host};
use exchange::{Exchange, Faults};
use rounds::Rounds;
use setup::{LOT, TOKEN, core_config, free_line, live, order_session};
use tezi::gateway::nnf::Encryption;
use tezi::journal::{JournalReader, Promise, StageConfig};
use tezi::{Emitted, Entry, JournalMode, Output, Session, replay_journal, replay_recorded};

const CHILD: &str = "TEZI_TEST_CHILD";
const MODE: &str = "TEZI_TEST_MODE";
const WAIT: &str = "TEZI_TEST_WAIT";
const TEST: &str = "a_host_whose_disk_is_full_stops_trading";
const SEGMENT_BYTES: u64 = 64 << 10;
/// Four segments: the one that is written and those made ready ahead of it.
const DISK: &str = "size=256k";

/// Runs a child on a disk that small; `None` where that is not allowed.
fn on_a_small_disk(dir: &Path, mode: &str, wait: &str) -> Option<String> {
    // Private, so that nobody else sees the mount, and gone with the child.
    let script = "mount -t tmpfs -o $1 tmpfs $0 || exit 77; shift; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
    command.arg(dir).arg(DISK).arg(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture", "--test-threads=1"]);
    command.env(CHILD, dir).env(MODE, mode).env(WAIT, wait);
    let output = command.output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let is_refused = output.status.code() == Some(77) || text.contains("unshare failed");
    assert!(is_refused || output.status.success(), "{mode}, {wait}: {text}");
    (!is_refused).then_some(text)
}

/// Orders, changes and cancels in a journal.
fn commands(journal: &Path) -> u64 {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        let entry = Entry::read(&record).unwrap();
        let is_command = matches!(entry, Entry::Output(Emitted { output: Output::Command(_), .. }));
        count += u64::from(is_command);
    }
    count
}

/// The child: trades until its disk is full.
fn trade(dir: &Path) {
    let mode = JournalMode::of_name(&std::env::var(MODE).unwrap()).unwrap();
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let mut session = live(lines);
    let mut orders = order_session(exchange.router(), Encryption::Plain);
    orders.wait_for = Promise::of_name(&std::env::var(WAIT).unwrap()).unwrap();
    session.orders = Some(orders);
    let (journal, over) = (dir.join("journal"), AtomicBool::new(false));
    let host = host().config(core_config()).journal(&journal).segment_bytes(SEGMENT_BYTES);
    let host = host.journal_mode(mode);
    let report = thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let report = host.run(&Session::Live(session), Rounds::new().0).unwrap();
        over.store(true, Ordering::Relaxed);
        report
    });
    exchange.hear_out();
    let error = report.journal_error.clone().unwrap();
    assert!(report.problems().contains(&error), "{report}");
    assert!(error.contains("cannot create journal segment"), "{error}");
    assert!(error.ends_with("(needed 65536 bytes); the session was stopped there"), "{error}");
    assert_eq!(exchange.open(), 0, "what was open is cancelled: {report}");
    // The last input may have brought about orders whose own records found no room: none left.
    let orders = report.orders.as_ref().unwrap();
    let refused: u64 = orders.refused.iter().map(|(_, count)| count).sum();
    assert_eq!(orders.counts.sent + refused, commands(&journal), "{report}");
    assert_eq!(u64::from(exchange.requests), orders.counts.sent, "{report}");
    assert!(exchange.requests > 10, "it traded before: {report}");
    for replay in [replay_journal(&journal, Rounds::new().0), replay_recorded(&journal)] {
        let replay = replay.unwrap();
        assert!(replay.is_whole && replay.recorded_hash.is_none(), "{}", replay.end);
        assert_eq!(replay.divergences, 0, "{:?}", replay.first_divergence);
    }
    println!("stopped after {} requests: {error}", exchange.requests);
}

#[test]
fn a_host_whose_disk_is_full_stops_trading() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return trade(Path::new(&dir));
    }
    assert_eq!((TOKEN, LOT), (50_001, 65), "the contract of the small exchange");
    let mut cases = vec![("mapped", "appended")];
    if StageConfig::default().check_room(SEGMENT_BYTES).is_ok() {
        cases.extend([("staged", "appended"), ("staged", "durable")]);
    }
    for (mode, wait) in cases {
        let scratch = Scratch::new();
        let Some(said) = on_a_small_disk(&scratch.path(""), mode, wait) else {
            return println!("skipped: mounting a small file system is not allowed");
        };
        let start = said.find("stopped after").unwrap_or_else(|| panic!("{said}"));
        println!("{mode}, {wait}: {}", said[start..].lines().next().unwrap_or_default());
    }
}
