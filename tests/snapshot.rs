//! Snapshots beside a journal: what begins from one ends as what begins at the first record does, and one
//! that does not fit is named and passed over.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::tape::{single_line, tape, write_capture};
use common::{Bidder, Scratch, captures, host, quoter, quoter_with};
use tezi::journal::{Crc32c, JournalReader};
use tezi::model::{IST_OFFSET_NS, Nanos};
use tezi::strategy::{Strategy, Watch};
use tezi::{
    Entry, ReplayFrom, ReplayReport, Report, Session, SnapshotReport, SnapshotWhen, replay_journal,
    replay_journal_from, replay_recorded_from, write_snapshots, write_snapshots_recorded,
};

/// A journal of many segments, and the session's report.
fn journaled<S: Strategy + Send>(
    scratch: &Scratch,
    count: usize,
    strategy: S,
) -> (PathBuf, Report) {
    let (file, journal) = (scratch.path("session.pcap"), scratch.path("journal"));
    let tape = tape(31, count);
    write_capture(&file, &tape, &single_line(&tape));
    let host = host().journal(&journal).segment_bytes(64 << 10);
    let report = host.run(&Session::Capture(captures([file])), strategy).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
    (journal, report)
}

fn write(journal: &Path, when: SnapshotWhen) -> SnapshotReport {
    write_snapshots(journal, quoter(), when, ReplayFrom::Snapshot).unwrap()
}

fn at_end() -> SnapshotWhen {
    SnapshotWhen::default()
}

fn from_snapshot(journal: &Path) -> ReplayReport {
    replay_journal_from(journal, quoter(), ReplayFrom::Snapshot).unwrap()
}

fn snapshots(journal: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        paths.filter(|it| it.extension().is_some_and(|it| it == "tzs")).collect();
    found.sort();
    found
}

#[test]
fn what_begins_from_a_snapshot_ends_as_what_begins_at_the_start() {
    let scratch = Scratch::new();
    let (journal, report) = journaled(&scratch, 6_000, quoter());
    assert!(report.core.counters.fills > 5 && report.journal_stats.unwrap().segments > 5);
    let full = replay_journal(&journal, quoter()).unwrap();
    assert_eq!(from_snapshot(&journal).snapshot, None, "there is none yet");
    let every = SnapshotWhen { every: Some(700), until: None };
    let written = write(&journal, every).written;
    assert!(written.len() > 5, "{written:?}");
    let [before, newest] = &snapshots(&journal)[..] else { panic!("the newest two are kept") };
    assert_eq!(
        [before, newest],
        [written.len() - 2, written.len() - 1].map(|at| &written[at].path)
    );

    // Each of them, one after the other, the oldest last.
    for taken in [newest, before] {
        let replays = [
            from_snapshot(&journal),
            replay_recorded_from(&journal, None, ReplayFrom::Snapshot).unwrap(),
        ];
        for replay in replays {
            assert!(replay.is_fine(), "{:?}", replay.problems());
            let sequence = replay.snapshot.unwrap();
            assert!(taken.to_str().unwrap().contains(&format!("{sequence:012}")));
            assert!(sequence > 2 && replay.records == full.records - (sequence - 1) + 2);
            assert_eq!(replay.core.state_hash, report.core.state_hash);
            assert_eq!(replay.core.counters, full.core.counters);
            assert_eq!(replay.core.refusals, full.core.refusals);
            assert_eq!(replay.core.profit, full.core.profit);
        }
        fs::remove_file(taken).unwrap();
    }
    assert!(from_snapshot(&journal).snapshot.is_none());
    // One more with the newest gone, and nothing to do when it is there.
    assert_eq!(write(&journal, at_end()).written.len(), 1);
    let again = write(&journal, at_end());
    assert!(again.written.is_empty() && again.from.is_some(), "{again:?}");
}

#[test]
fn a_moment_is_reached_from_the_newest_snapshot_that_is_not_behind_it() {
    let scratch = Scratch::new();
    let (journal, _) = journaled(&scratch, 4_000, quoter());
    let times = times_of_inputs(&journal);
    let moments = [1, 3, 5, 7, 9].map(|tenths| times[times.len() * tenths / 10]);
    for until in [moments[1], moments[3]] {
        let report = write(&journal, SnapshotWhen { every: None, until: Some(until) });
        assert_eq!(report.written.len(), 1, "{report:?}");
    }
    for (place, &moment) in moments.iter().enumerate() {
        let [slow, fast] = [ReplayFrom::Start, ReplayFrom::Snapshot]
            .map(|from| replay_recorded_from(&journal, Some(moment), from).unwrap());
        assert_eq!(slow.core.state_hash, fast.core.state_hash, "moment {place}");
        assert_eq!(slow.core.counters, fast.core.counters, "moment {place}");
        assert_eq!(fast.snapshot.is_some(), place > 0, "moment {place}");
        assert_eq!((slow.divergences, fast.divergences), (0, 0));
    }
}

/// The times of day of a journal's inputs that have one.
fn times_of_inputs(journal: &Path) -> Vec<i64> {
    const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;
    let mut reader = JournalReader::open(journal).unwrap();
    let mut times = Vec::new();
    while let Some(record) = reader.next_record() {
        if record.time > Nanos::ZERO && Entry::read(&record).unwrap().is_input() {
            times.push(record.time.plus(IST_OFFSET_NS).0.rem_euclid(NANOS_PER_DAY));
        }
    }
    times
}

#[test]
fn a_snapshot_that_does_not_fit_is_named_and_passed_over() {
    let scratch = Scratch::new();
    let (journal, report) = journaled(&scratch, 2_000, quoter());
    let first = write(&journal, SnapshotWhen { every: Some(1_500), until: None }).written;
    let [older, newest] = &snapshots(&journal)[..] else { panic!("two") };
    let (good, older_good) = (fs::read(newest).unwrap(), fs::read(older).unwrap());
    let sequence = first.last().unwrap().sequence;
    // What a writer leaves that is killed before it is done.
    fs::write(newest.with_extension("tzs-new"), &good[..good.len() / 2]).unwrap();
    let sealed = |mut bytes: Vec<u8>| {
        let end = bytes.len() - 4;
        let crc = Crc32c::detect().checksum(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        bytes
    };
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let mut cases: Vec<(Vec<u8>, &str)> = vec![
        (changed(good.len() / 2), "checksum"),
        (changed(0), "no snapshot"),
        (sealed(changed(8)), "version"),
        (sealed(changed(12)), "another way"),
        (sealed(changed(16)), "another journal"),
        (sealed(changed(24)), "name of another"),
        (sealed(changed(40)), "another state hash"),
        (older_good.clone(), "name of another"),
        (Vec::new(), "no snapshot"),
    ];
    for part in 1..20 {
        cases.push((good[..good.len() * part / 20].to_vec(), "cut short"));
    }
    // A strategy's state that is not what it says, in a file that is.
    let mut of_core = good.clone();
    let place = of_core.windows(4).position(|it| it == b"DESK").unwrap();
    of_core[place + 4] ^= 1;
    cases.push((sealed(of_core), "part"));
    for (bytes, why) in cases {
        fs::write(newest, bytes).unwrap();
        let replay = from_snapshot(&journal);
        let [passed_over] = &replay.passed_over[..] else {
            panic!("{why}: {:?}", replay.passed_over)
        };
        let name = newest.to_str().unwrap();
        assert!(passed_over.contains(name) && passed_over.contains(why), "{why}: {passed_over}");
        assert_eq!(replay.snapshot, Some(first[first.len() - 2].sequence), "{why}");
        assert_eq!(replay.core.state_hash, report.core.state_hash, "{why}");
    }
    // Of a record that the journal does not have, and left alone when the next one is written.
    let beyond = journal.join(format!("snapshot-{:012}.tzs", sequence + 100_000));
    let mut bytes = good.clone();
    bytes[24..32].copy_from_slice(&(sequence + 100_000).to_le_bytes());
    fs::write(&beyond, sealed(bytes)).unwrap();
    fs::remove_file(newest).unwrap();
    let again = write(&journal, at_end());
    assert!(again.passed_over[0].contains("has no record"), "{again:?}");
    assert_eq!(again.written.len(), 1);
    assert_eq!(snapshots(&journal), [older.clone(), newest.clone(), beyond]);
    assert_eq!(fs::read(newest).unwrap(), good, "the same state is the same bytes");
}

#[test]
fn a_journal_that_lost_its_last_segment_does_not_take_a_later_state() {
    let scratch = Scratch::new();
    let (journal, _) = journaled(&scratch, 3_000, quoter());
    write(&journal, SnapshotWhen { every: Some(2_000), until: None });
    let newest = snapshots(&journal).pop().unwrap();
    let newest_bytes = fs::read(&newest).unwrap();
    let mut segments: Vec<_> =
        fs::read_dir(&journal).unwrap().map(|it| it.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|it| it == "tzj"));
    segments.sort();
    // With a segment in the middle gone, nothing behind it may be taken for the next record.
    let middle = &segments[segments.len() - 2];
    let away = scratch.path("away");
    fs::rename(middle, &away).unwrap();
    fs::remove_file(&newest).unwrap();
    let replay = from_snapshot(&journal);
    assert!(replay.snapshot.is_some() && !replay.is_whole, "{}", replay.end);
    assert!(replay.end.contains("does not begin with record"), "{}", replay.end);
    fs::rename(&away, middle).unwrap();
    fs::write(&newest, newest_bytes).unwrap();
    fs::remove_file(segments.last().unwrap()).unwrap();
    let replay = from_snapshot(&journal);
    assert!(
        replay.passed_over[0].starts_with(newest.to_str().unwrap()),
        "{:?}",
        replay.passed_over
    );
    assert!(replay.snapshot.is_some() && replay.first_divergence.is_none());
}

#[test]
fn a_state_is_of_its_strategy_and_one_without_is_replayed_from_the_start() {
    let scratch = Scratch::new();
    let bidder = || Bidder { every: 400, calls: 0 };
    let (journal, report) = journaled(&scratch, 2_000, bidder());
    let why = write_snapshots(&journal, bidder(), at_end(), ReplayFrom::Snapshot).unwrap_err();
    assert!(why.to_string().contains("strategy bidder has no snapshot"), "{why}");
    assert_eq!(snapshots(&journal).len(), 0);
    let written =
        write_snapshots_recorded(&journal, at_end(), ReplayFrom::Snapshot).unwrap().written;
    let recorded = replay_recorded_from(&journal, None, ReplayFrom::Snapshot).unwrap();
    assert!(recorded.is_fine(), "{:?}", recorded.problems());
    assert_eq!(recorded.snapshot, Some(written[0].sequence));
    let anew = replay_journal_from(&journal, bidder(), ReplayFrom::Snapshot).unwrap();
    assert!(anew.is_fine() && anew.passed_over[0].contains("another strategy"), "{anew:?}");
    for replay in [recorded, anew] {
        assert_eq!(replay.core.state_hash, report.core.state_hash);
    }
    // Other code than that of the journal gives no snapshot.
    let other = write_snapshots(&journal, Watch, at_end(), ReplayFrom::Start).unwrap_err();
    assert!(other.to_string().contains("output"), "{other}");

    let scratch = Scratch::new();
    let (journal, _) = journaled(&scratch, 1_000, quoter());
    write(&journal, at_end());
    let other = replay_journal_from(&journal, quoter_with(3.0), ReplayFrom::Snapshot).unwrap();
    assert!(other.passed_over[0].contains("other parameters"), "{:?}", other.passed_over);
}
