//! Processes that end badly with a journal open: a disk that fills up, and a kill.
//!
//! Each test runs itself again as a child (`TEZI_TEST_CHILD` names the directory to work in), for
//! what it does to the process cannot be undone.

#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::journal::Contents;
use common::tape::{Faults, both_lines, tape, write_capture};
use common::{Bidder, Scratch, captures, config, host};
use tezi::journal::JournalReader;
use tezi::strategy::{BookUpdate, Context, OrderUpdate, Strategy};
use tezi::{CaptureSession, Session, replay_journal, replay_recorded};

const CHILD: &str = "TEZI_TEST_CHILD";

/// The directory to work in, when this process is a child.
fn child_dir() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// This test again, as a child that works in `dir`.
fn child(test: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, dir);
    command
}

fn write_session(dir: &Path, seed: u64, count: usize) {
    let tape = tape(seed, count);
    let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.05 };
    write_capture(&dir.join("session.pcap"), &tape, &both_lines(&tape, seed, faults, |_| false));
}

/// Bids, and once it has been called often enough lets no file grow any more.
struct DiskFiller {
    bidder: Bidder,
    /// Book changes until the disk is full; `u32::MAX` is never.
    full_after: u32,
}

impl DiskFiller {
    const fn new(full_after: u32) -> Self {
        Self { bidder: Bidder { every: 4, calls: 0 }, full_after }
    }
}

impl Strategy for DiskFiller {
    fn name(&self) -> &'static str {
        "disk-filler"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.bidder.on_book(ctx, update);
        if self.bidder.calls == self.full_after {
            let limit = libc::rlimit { rlim_cur: 4_096, rlim_max: 4_096 };
            // SAFETY: a plain call with a valid pointer to a limit that lives through it.
            let set = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) };
            assert_eq!(set, 0, "the limit can be lowered");
        }
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.bidder.on_order(ctx, update);
    }
}

/// The child of the test below: says its state hash and how the session ended.
fn fill_the_disk(dir: &Path) {
    // SAFETY: setting a signal's disposition to "ignore" runs no code of ours; without it the
    // kernel would end the process instead of answering the write with an error.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let session = Session::Capture(captures([dir.join("session.pcap")]));
    let host = host().journal(dir.join("journal")).segment_bytes(64 << 10);
    let report = host.run(&session, DiskFiller::new(3_000)).unwrap();
    assert!(!report.is_fine() && report.journal_stats.is_none());
    let error = report.journal_error.clone().unwrap();
    assert!(report.problems().contains(&error));
    assert!(error.contains("the session was stopped there"), "{error}");
    println!("\nerror {error}\nevents {}", report.core.counters.events);
    println!("hash {:016x}", report.core.state_hash);
}

#[test]
fn a_disk_that_fills_up_stops_the_session_and_loses_nothing_before() {
    if let Some(dir) = child_dir() {
        return fill_the_disk(&dir);
    }
    let scratch = Scratch::new();
    let dir = scratch.path("");
    write_session(&dir, 41, 12_000);
    let test = "a_disk_that_fills_up_stops_the_session_and_loses_nothing_before";
    let output = child(test, &dir).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key));
        line.unwrap_or_else(|| panic!("no {key}in {text}")).to_string()
    };
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let journal = dir.join("journal");
    assert!(said("error ").contains(&journal.display().to_string()), "{}", said("error "));
    let events: u64 = said("events ").parse().unwrap();
    assert!((3_000..11_000).contains(&events), "{events}: it stopped on the way");

    let replay = replay_journal(&journal, DiskFiller::new(u32::MAX)).unwrap();
    assert!(replay.is_whole && replay.recorded_hash.is_none(), "{}", replay.end);
    assert_eq!(replay.divergences, 0, "{:?}", replay.first_divergence);
    assert_eq!(format!("{:016x}", replay.core.state_hash), said("hash "));
    assert_eq!(replay.core.counters.events, events);
    let replay = replay_recorded(&journal).unwrap();
    assert_eq!(replay.divergences, 0, "{:?}", replay.first_divergence);
    assert_eq!(replay.problems().len(), 1, "{:?}", replay.problems());
}

/// The child of the test below: replays as slowly as the market was, and is killed on the way.
fn replay_slowly(dir: &Path) {
    let session = captures([dir.join("session.pcap")]);
    let session = Session::Capture(CaptureSession { speed: Some(1.0), ..session });
    let host = host().journal(dir.join("journal")).segment_bytes(64 << 10);
    drop(host.run(&session, Bidder { every: 4, calls: 0 }).unwrap());
}

/// Records that can be read now; none while there is no journal.
fn records(journal: &Path) -> usize {
    let Ok(mut reader) = JournalReader::open(journal) else { return 0 };
    let mut count = 0;
    while reader.next_record().is_some() {
        count += 1;
    }
    count
}

#[test]
fn a_killed_process_leaves_a_journal_that_replays() {
    if let Some(dir) = child_dir() {
        return replay_slowly(&dir);
    }
    // Killed early, in the first segment and in later ones.
    for (seed, records_min) in [(42, 20), (43, 700), (44, 2_500)] {
        let scratch = Scratch::new();
        let dir = scratch.path("");
        write_session(&dir, seed, 60_000);
        let test = "a_killed_process_leaves_a_journal_that_replays";
        let mut running = child(test, &dir).stdout(Stdio::null()).spawn().unwrap();
        let journal = dir.join("journal");
        let started = Instant::now();
        while records(&journal) < records_min {
            assert!(started.elapsed() < Duration::from_secs(20), "the child writes no journal");
            std::thread::sleep(Duration::from_millis(5));
        }
        // SIGKILL: nothing of the process runs after it.
        running.kill().unwrap();
        assert!(!running.wait().unwrap().success());

        let bidder = || Bidder { every: 4, calls: 0 };
        let contents = Contents::read(&journal, &config(), bidder());
        assert!(contents.places.len() >= records_min);
        for replay in [replay_journal(&journal, bidder()), replay_recorded(&journal)] {
            let replay = replay.unwrap();
            assert_eq!(replay.divergences, 0, "{:?}", replay.first_divergence);
            assert_eq!(replay.records as usize, contents.places.len());
            assert!(replay.recorded_hash.is_none() && !replay.is_fine());
            if replay.with_strategy {
                assert_eq!(Some(&replay.core.state_hash), contents.hashes.last());
            }
            assert!(replay.core.is_consistent);
        }
        // A new session does not write into it.
        let session = Session::Capture(captures([dir.join("session.pcap")]));
        assert!(host().journal(&journal).run(&session, bidder()).is_err());
    }
}
