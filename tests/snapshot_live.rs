//! Snapshots written beside a journal while its session runs: the session is what it is without them, each
//! is one that the journal gives, and what goes wrong with them is told and stops nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::tape::{single_line, tape, write_capture};
use common::{Bidder, Scratch, captures, host, quoter, quoter_with};
use tezi::model::{Qty, Side};
use tezi::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};
use tezi::strategy::{Context, Strategy, Trade};
use tezi::{
    Error, Host, ReplayFrom, Report, Session, SessionSnapshots, SnapshotConfig,
    replay_journal_from, replay_recorded_from,
};

/// A session's worth of capture, and hosts against it.
struct Day {
    scratch: Scratch,
    session: Session,
    /// About a tenth of the session.
    tenth: Duration,
}

impl Day {
    fn new() -> Self {
        let scratch = Scratch::new();
        let file = scratch.path("session.pcap");
        let tape = tape(31, 6_000);
        write_capture(&file, &tape, &single_line(&tape));
        let session = Session::Capture(captures([file]));
        let mut day = Self { scratch, session, tenth: Duration::ZERO };
        let span = day.plain("first", quoter()).core.exchange_time.0 - day.first_time();
        day.tenth = Duration::from_nanos(u64::try_from(span).unwrap() / 10);
        day
    }

    fn first_time(&self) -> i64 {
        let mut reader = tezi::journal::JournalReader::open(&self.journal("first")).unwrap();
        while let Some(record) = reader.next_record() {
            if record.time.0 > 0 {
                return record.time.0;
            }
        }
        panic!("no record has a time");
    }

    fn journal(&self, name: &str) -> PathBuf {
        self.scratch.path(name)
    }

    fn host(&self, name: &str) -> Host {
        host().journal(self.journal(name)).segment_bytes(64 << 10)
    }

    fn plain<S: Strategy + Send>(&self, name: &str, strategy: S) -> Report {
        self.host(name).run(&self.session, strategy).unwrap()
    }

    fn config(&self) -> SnapshotConfig {
        SnapshotConfig::new(self.tenth)
    }

    fn snapshotted<S: Strategy + Send>(&self, name: &str, strategies: [S; 2]) -> Report {
        let [strategy, twin] = strategies;
        let host = self.host(name).snapshots(self.config());
        host.run_with_twin(&self.session, strategy, twin, &mut |_| {}).unwrap()
    }
}

fn snapshots(journal: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths.filter(|it| it.to_string_lossy().contains(".tzs")).collect();
    found.sort();
    found
}

fn of(report: &Report) -> &SessionSnapshots {
    report.snapshots.as_ref().unwrap()
}

#[test]
fn a_session_with_snapshots_is_the_one_without_and_each_is_begun_from() {
    let day = Day::new();
    let plain = day.plain("plain", quoter());
    let report = day.snapshotted("live", [quoter(), quoter()]);
    assert_eq!(report.problems(), plain.problems());
    assert_eq!(report.core.state_hash, plain.core.state_hash);
    assert_eq!(report.journal_stats.unwrap().records, plain.journal_stats.unwrap().records);
    let live = of(&report);
    assert!((9..=12).contains(&live.written), "{live:?}");
    assert!(live.has_strategy && live.from.is_none() && live.failures == 0, "{live:?}");
    assert_eq!(live.followed, report.journal_stats.unwrap().sequence_last);

    let journal = day.journal("live");
    let kept = snapshots(&journal);
    assert_eq!(kept.len(), 3, "{kept:?}");
    assert_eq!(kept.last(), live.latest.as_ref().map(|it| &it.path));
    for newest in kept.iter().rev() {
        let replays = [
            replay_journal_from(&journal, quoter(), ReplayFrom::Snapshot).unwrap(),
            replay_recorded_from(&journal, None, ReplayFrom::Snapshot).unwrap(),
        ];
        for replay in replays {
            assert!(replay.is_fine() && replay.passed_over.is_empty(), "{:?}", replay.problems());
            let sequence = replay.snapshot.unwrap();
            assert!(newest.to_str().unwrap().contains(&format!("{sequence:012}")));
            assert_eq!(replay.core.state_hash, plain.core.state_hash);
        }
        fs::remove_file(newest).unwrap();
    }
    assert!(report.to_string().contains("snapshots (at most"), "{report}");
}

#[test]
fn one_that_cannot_be_written_is_told_and_the_others_are() {
    let day = Day::new();
    let good = day.snapshotted("good", [quoter(), quoter()]);
    let name = of(&good).latest.as_ref().unwrap().path.file_name().unwrap().to_owned();
    // What has the name of the last one and cannot be replaced.
    let in_the_way = day.journal("bad").join(name);
    fs::create_dir_all(in_the_way.join("x")).unwrap();
    let bad = day.snapshotted("bad", [quoter(), quoter()]);
    assert_eq!(bad.core.state_hash, good.core.state_hash, "trading went on");
    let live = of(&bad);
    assert_eq!((live.written, live.failures), (of(&good).written - 1, 1), "{live:?}");
    let problems = bad.problems();
    assert!(problems.len() == good.problems().len() + 1, "{problems:?}");
    let told = |it: &String| it.contains("1 snapshots could not be written, the latest: cannot");
    assert!(problems.iter().any(told), "{problems:?}");
    let left = snapshots(&day.journal("bad"));
    assert!(left.iter().all(|path| path.extension().unwrap() == "tzs"), "{left:?}");
}

/// Trades once; a second one like it does not.
struct Forgetful {
    calls: u32,
    acts: bool,
}

impl Strategy for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        out.u32(self.calls);
        Ok(())
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.calls = input.u32()?;
        Ok(())
    }

    fn on_trade(&mut self, ctx: &mut Context<'_>, trade: &Trade) {
        self.calls += 1;
        if self.calls == 30 && self.acts {
            let _ = ctx.submit(trade.instrument, Side::Buy, trade.price, Qty(1));
        }
    }
}

#[test]
fn a_strategy_that_does_otherwise_the_second_time_is_found_while_it_trades() {
    let day = Day::new();
    let twins = [true, false].map(|acts| Forgetful { calls: 0, acts });
    let report = day.snapshotted("forgetful", twins);
    let live = of(&report);
    let why = live.ended_early.as_ref().unwrap();
    assert!(why.contains("not what its inputs give again"), "{why}");
    assert!(report.problems().iter().any(|it| it.contains("no snapshots were written after")));
    // What there is lies before the difference.
    let journal = day.journal("forgetful");
    let again = Forgetful { calls: 0, acts: true };
    let replay = replay_journal_from(&journal, again, ReplayFrom::Snapshot).unwrap();
    assert_eq!(replay.core.state_hash, report.core.state_hash);
    assert!(replay.passed_over.is_empty() && replay.first_divergence.is_none());
}

#[test]
fn without_a_twin_they_serve_replays_alone() {
    let day = Day::new();
    let bidder = || Bidder { every: 400, calls: 0 };
    let host = day.host("bidder").snapshots(SnapshotConfig { kept: 1, ..day.config() });
    let report = host.run(&day.session, bidder()).unwrap();
    let live = of(&report);
    assert!(live.written > 5 && !live.has_strategy && live.failures == 0, "{live:?}");
    let journal = day.journal("bidder");
    assert_eq!(snapshots(&journal).len(), 1);
    let recorded = replay_recorded_from(&journal, None, ReplayFrom::Snapshot).unwrap();
    assert!(recorded.snapshot.is_some() && recorded.is_fine(), "{:?}", recorded.problems());
    assert_eq!(recorded.core.state_hash, report.core.state_hash);
}

#[test]
fn what_cannot_be_is_refused_before_anything_begins() {
    let day = Day::new();
    let error = |it: Result<Report, Error>| it.unwrap_err().to_string();
    let none = host().snapshots(day.config());
    assert!(error(none.run(&day.session, quoter())).contains("snapshots are of a journal"));
    let host = day.host("other").snapshots(day.config());
    let ran = host.run_with_twin(&day.session, quoter(), quoter_with(3.0), &mut |_| {});
    assert!(error(ran).contains("other parameters"));
    assert!(!day.journal("other").exists());
}
