//! A session that is killed at any instruction, and a journal cut at any byte: nothing the core had
//! acted on is lost, and the journal gives the state of the reference run up to there.
//!
//! The test runs itself again as a child (`TEZI_TEST_CHILD` names the directory to work in): the real
//! recorder on a real core, staged and mapped in turns, over small segments so that many kills fall
//! into a roll. `TEZI_KILL_POINTS` is how often a child is killed; a few dozen without it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::journal::Contents;
use common::tape::{Faults, both_lines, tape, write_capture};
use common::{Bidder, Random, Scratch, captures, config, host};
use tezi::journal::{JournalReader, JournalWriter, StageConfig, recover};
use tezi::strategy::{BookUpdate, Context, OrderUpdate, Strategy};
use tezi::{JournalMode, Session, replay_journal, replay_recorded};

const CHILD: &str = "TEZI_TEST_CHILD";
const MODE: &str = "TEZI_TEST_MODE";
const TEST: &str = "a_session_killed_anywhere_loses_nothing_it_acted_on";
const SEGMENT_BYTES: u64 = 64 << 10;
const MESSAGES: usize = 4_000;
const SEED: u64 = 71;

/// Bids, and says in a file which call it is in: the core has acted on the input behind it.
struct Teller {
    bidder: Bidder,
    told: Option<File>,
}

impl Teller {
    /// One that tells nobody.
    const fn quiet() -> Self {
        Self { bidder: Bidder { every: 4, calls: 0 }, told: None }
    }

    fn telling(path: &Path) -> Self {
        Self { told: Some(File::create(path).unwrap()), ..Self::quiet() }
    }
}

impl Strategy for Teller {
    fn name(&self) -> &'static str {
        "teller"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.bidder.on_book(ctx, update);
        if let Some(file) = &self.told {
            // In the page cache when it returns: a kill does not take it back.
            file.write_all_at(&self.bidder.calls.to_le_bytes(), 0).unwrap();
        }
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.bidder.on_order(ctx, update);
    }
}

/// The number of the last call that a child told of; `None` while it has told of none.
fn told(dir: &Path) -> Option<u32> {
    let bytes = fs::read(dir.join("told")).ok()?;
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

fn run_session(dir: &Path, mode: JournalMode, journal: &Path, strategy: Teller) {
    let session = Session::Capture(captures([dir.join("session.pcap")]));
    let host = host().journal(journal).segment_bytes(SEGMENT_BYTES).journal_mode(mode);
    let report = host.run(&session, strategy).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
}

/// What of a record is the same in every run.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    record_type: u16,
    flags: u16,
    time: i64,
    payload: Vec<u8>,
}

fn read(journal: &Path) -> Vec<Said> {
    let Ok(mut reader) = JournalReader::open(journal) else { return Vec::new() };
    let mut records = Vec::new();
    while let Some(record) = reader.next_record() {
        assert_eq!(record.sequence, records.len() as u64 + 1);
        let (record_type, flags, time) = (record.record_type, record.flags, record.time.0);
        records.push(Said { record_type, flags, time, payload: record.payload.to_vec() });
    }
    records
}

/// The run that nothing happens to.
struct Reference {
    records: Vec<Said>,
    contents: Contents,
    /// Calls of the strategy.
    calls: u32,
}

/// A child that runs the session in `dir`, or recovers its journal.
fn child(dir: &Path, mode: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture", "--test-threads=1"]);
    command.env(CHILD, dir).env(MODE, mode);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn work(dir: &Path) {
    let mode = std::env::var(MODE).unwrap();
    if mode == "recover" {
        return drop(recover(&dir.join("journal")));
    }
    let strategy = Teller::telling(&dir.join("told"));
    run_session(dir, JournalMode::of_name(&mode).unwrap(), &dir.join("journal"), strategy);
}

/// Waits for the child's call of that number, or its end.
fn await_call(dir: &Path, running: &mut Child, number: u32) {
    while told(dir) < Some(number) && running.try_wait().unwrap().is_none() {
        std::hint::spin_loop();
    }
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn reference(dir: &Path) -> Reference {
    assert!(child(dir, "staged").wait().unwrap().success());
    let journal = dir.join("journal");
    let records = read(&journal);
    let contents = Contents::read(&journal, &config(), Teller::quiet());
    let calls = Reference::calls(&journal);
    assert_eq!(told(dir), Some(calls));
    clear(dir);
    Reference { records, contents, calls }
}

/// Makes room for the next round.
fn clear(dir: &Path) {
    let memory = fs::read_link(dir.join("journal/memory"));
    drop(memory.map(fs::remove_dir_all));
    for name in ["journal", "cut"] {
        drop(fs::remove_dir_all(dir.join(name)));
    }
    drop(fs::remove_file(dir.join("told")));
}

impl Reference {
    /// What must hold of a journal that ends anywhere; how many records it has.
    fn check(&self, journal: &Path, what: &str) -> usize {
        let records = read(journal);
        let count = records.len();
        assert!(records[..] == self.records[..count.min(self.records.len())], "{what}: {count}");
        if count < 2 {
            assert!(replay_recorded(journal).is_err(), "{what}");
            return count;
        }
        let replay = replay_journal(journal, Teller::quiet()).unwrap();
        assert_eq!(replay.divergences, 0, "{what}: {:?}", replay.first_divergence);
        assert_eq!(replay.records as usize, count, "{what}");
        assert_eq!(replay.core.state_hash, self.contents.hash_after(count), "{what}");
        count
    }

    /// Calls of the strategy that a journal brings about.
    fn calls(journal: &Path) -> u32 {
        let mut calls = 0;
        let counter = Counter { teller: Teller::quiet(), calls: &mut calls };
        drop(replay_journal(journal, counter));
        calls
    }
}

/// Counts the calls of a replay.
struct Counter<'a> {
    teller: Teller,
    calls: &'a mut u32,
}

impl Strategy for Counter<'_> {
    fn name(&self) -> &'static str {
        "teller"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.teller.on_book(ctx, update);
        *self.calls = self.teller.bidder.calls;
    }

    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.teller.on_order(ctx, update);
    }
}

/// A copy of the journal on the disk, its last segment cut at any byte, is good up to there and goes on.
fn check_cut(dir: &Path, reference: &Reference, random: &mut Random, what: &str) {
    let cut = dir.join("cut");
    fs::create_dir(&cut).unwrap();
    let mut segments: Vec<PathBuf> = fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "tzj"))
        .collect();
    segments.sort();
    let kept = 1 + random.below(segments.len() as u64) as usize;
    for path in &segments[..kept] {
        fs::copy(path, cut.join(path.file_name().unwrap())).unwrap();
    }
    let last = cut.join(segments[kept - 1].file_name().unwrap());
    let file = File::options().write(true).open(&last).unwrap();
    file.set_len(random.below(file.metadata().unwrap().len() + 1)).unwrap();
    let count = reference.check(&cut, what);
    if kept == 1 && recover(&cut).is_err() {
        return; // nothing is left, not even a header
    }
    assert_eq!(recover(&cut).unwrap().sequence_last as usize, count, "{what}");
    let mut writer = JournalWriter::open_append(&cut, SEGMENT_BYTES).unwrap();
    assert_eq!(writer.append(999, 0, tezi::model::Nanos(1), b"x").unwrap(), count as u64 + 1);
}

/// One kill; how many records the child left.
fn kill_once(dir: &Path, round: u64, reference: &Reference) -> usize {
    let mut random = Random(SEED ^ round.wrapping_mul(0x9E37_79B9));
    let mode = if round % 3 == 2 { "mapped" } else { "staged" };
    let mut running = child(dir, mode);
    // One in sixteen while the session is being set up, another at its end, the others anywhere
    // behind any of its calls.
    let (calls, nanos) = match round % 16 {
        14 => (reference.calls, random.below(5_000_000)),
        15 => (0, random.below(300_000_000)),
        _ => (1 + random.below(u64::from(reference.calls)) as u32, random.below(40_000)),
    };
    if 0 < calls {
        await_call(dir, &mut running, calls);
    }
    spin(Duration::from_nanos(nanos));
    running.kill().unwrap();
    running.wait().unwrap();
    let what = format!("round {round}, {mode}, {nanos} ns after call {calls}");
    let journal = dir.join("journal");
    let acted = told(dir).unwrap_or(0);
    let count = reference.check(&journal, &what);
    let calls = if count < 2 { 0 } else { Reference::calls(&journal) };
    assert!(acted <= calls, "{what}: the core had made {acted} calls, {calls} are in the journal");
    if round % 4 == 1 {
        // Recovery is killed as well, and tried again.
        let mut recovering = child(dir, "recover");
        spin(Duration::from_nanos(random.below(12_000_000)));
        recovering.kill().unwrap();
        recovering.wait().unwrap();
        assert_eq!(reference.check(&journal, &what), count, "{what}: recovery was killed");
    }
    if count > 0 {
        assert_eq!(recover(&journal).unwrap().sequence_last as usize, count, "{what}");
        assert!(!journal.join("memory").exists(), "{what}: the memory is given back");
        assert_eq!(reference.check(&journal, &what), count, "{what}: recovered");
        check_cut(dir, reference, &mut random, &what);
    }
    count
}

#[test]
fn a_session_killed_anywhere_loses_nothing_it_acted_on() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return work(Path::new(&dir));
    }
    if StageConfig::default().check_room(SEGMENT_BYTES).is_err() {
        return println!("skipped: no memory file system at /dev/shm");
    }
    let points = std::env::var("TEZI_KILL_POINTS").ok().and_then(|it| it.parse().ok());
    let points: u64 = points.unwrap_or(40);
    let scratch = Scratch::new();
    let dir = scratch.path("");
    let tape = tape(SEED, MESSAGES);
    let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.05 };
    write_capture(&dir.join("session.pcap"), &tape, &both_lines(&tape, SEED, faults, |_| false));
    let reference = reference(&dir);
    let whole = reference.records.len();
    assert!(MESSAGES < whole, "{whole} records");
    let (mut on_the_way, mut done) = (0, 0);
    for round in 0..points {
        let count = kill_once(&dir, round, &reference);
        on_the_way += u64::from((2..whole).contains(&count));
        done += u64::from(count == whole);
        clear(&dir);
    }
    println!("{points} kills, {on_the_way} on the way, {done} when all {whole} records were there");
    assert!(points / 2 <= on_the_way, "kills fall while the session runs");
}
