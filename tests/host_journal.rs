//! The journal of a session: rebuilt with and without the strategy, by other code, cut anywhere,
//! damaged anywhere.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::path::{Path, PathBuf};

use common::journal::{Contents, first_segment};
use common::tape::{Faults, both_lines, single_line, tape, write_capture};
use common::{Bidder, Random, Scratch, captures, config, host, quoter, quoter_with};
use tezi::journal::SEGMENT_HEADER_BYTES;
use tezi::model::RejectReason;
use tezi::strategy::{BookUpdate, Context, Strategy, TimerId, Watch};
use tezi::{CaptureSession, CoreConfig, Error, Report, Session, read_head};
use tezi::{replay_journal, replay_recorded};

/// A capture of two lines with `count` messages, and the session that replays it.
fn session(scratch: &Scratch, seed: u64, count: usize) -> CaptureSession {
    let file = scratch.path("session.pcap");
    let tape = tape(seed, count);
    let faults = Faults { loss: 0.05, duplicate: 0.02, reorder: 0.05 };
    write_capture(&file, &tape, &both_lines(&tape, seed, faults, |_| false));
    captures([file])
}

/// Runs the quoter over a session of `count` messages with a journal.
fn journaled(scratch: &Scratch, seed: u64, count: usize) -> (PathBuf, Report) {
    journaled_with(scratch, seed, count, quoter())
}

fn journaled_with<S: Strategy + Send>(
    scratch: &Scratch,
    seed: u64,
    count: usize,
    strategy: S,
) -> (PathBuf, Report) {
    let journal = scratch.path("journal");
    let session = Session::Capture(session(scratch, seed, count));
    let report = host().journal(&journal).run(&session, strategy).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
    (journal, report)
}

#[test]
fn a_journal_alone_rebuilds_the_state_with_the_strategy_and_without() {
    let scratch = Scratch::new();
    let (journal, report) = journaled(&scratch, 21, 6_000);
    assert!(report.core.counters.fills > 5, "{:?}", report.core.counters);
    let stats = report.journal_stats.unwrap();
    let replays = [replay_journal(&journal, quoter()).unwrap(), replay_recorded(&journal).unwrap()];
    for replay in replays {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        assert_eq!(replay.recorded_hash, Some(report.core.state_hash));
        assert_eq!(replay.core.profit, report.core.profit);
        assert_eq!(replay.core.counters, report.core.counters);
        assert_eq!(replay.core.refusals, report.core.refusals);
        assert_eq!(replay.records, stats.records);
        assert!(replay.outputs > 100);
    }
    let head = read_head(&journal).unwrap();
    assert_eq!((head.strategy.as_str(), head.parameters), ("option-quoter", report.parameters));
    let contents = Contents::read(&journal, &config(), quoter());
    assert_eq!(contents.hashes.last(), Some(&report.core.state_hash));
}

#[test]
fn a_journal_over_many_segments_is_one_journal() {
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let session = Session::Capture(session(&scratch, 22, 6_000));
    let host = host().journal(&journal).segment_bytes(64 << 10);
    let report = host.run(&session, quoter()).unwrap();
    assert!(report.journal_stats.unwrap().segments > 5);
    for replay in [replay_journal(&journal, quoter()).unwrap(), replay_recorded(&journal).unwrap()]
    {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
    }
}

/// Asks for more than any bound allows, and stops trading in the end.
#[derive(Default)]
struct Greedy {
    calls: u32,
}

impl Strategy for Greedy {
    fn name(&self) -> &'static str {
        "greedy"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        let Some(bid) = ctx.book(update.instrument).bid() else { return };
        let lot =
            ctx.instrument(update.instrument).map_or_else(Default::default, |s| s.definition.lot);
        let requests = if self.calls.is_multiple_of(500) { 400 } else { 1 };
        for _ in 0..requests {
            let side = tezi::model::Side::Buy;
            let _ = ctx.submit(update.instrument, side, bid.price, lot);
            let _ = ctx.set_timer(ctx.now().plus(1_000_000));
        }
        if self.calls == 1_500 {
            (0..3).for_each(|_| ctx.kill());
        }
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        let open: Option<_> = ctx.open_orders().next();
        let _ = open.map(|order| ctx.cancel(order.client_order_id));
    }
}

#[test]
fn a_session_at_its_bounds_is_rebuilt_as_well() {
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let session = Session::Capture(session(&scratch, 23, 4_000));
    let report = host().journal(&journal).run(&session, Greedy::default()).unwrap();
    let counters = report.core.counters;
    assert!(counters.requests_unsaid > 0, "{counters:?}");
    assert_eq!(report.core.stopped, Some(RejectReason::Killed));
    let replays =
        [replay_journal(&journal, Greedy::default()).unwrap(), replay_recorded(&journal).unwrap()];
    for replay in replays {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
    }
}

#[test]
fn other_code_diverges_and_the_first_difference_is_shown() {
    let scratch = Scratch::new();
    let (journal, report) = journaled(&scratch, 24, 3_000);
    let replay = replay_journal(&journal, quoter_with(5.0)).unwrap();
    assert!(!replay.is_fine() && replay.divergences > 0);
    assert_ne!(replay.core.state_hash, report.core.state_hash);
    let first = replay.first_divergence.clone().unwrap();
    assert!(first.starts_with("record ") && first.contains("the journal has"), "{first}");
    assert!(replay.problems().iter().any(|problem| problem.contains("the state differs")));
    let watching = replay_journal(&journal, Watch).unwrap();
    assert!(watching.divergences > 0 && !watching.is_fine());
}

#[test]
fn a_directory_with_a_journal_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new();
    let (journal, report) = journaled(&scratch, 25, 500);
    let file = scratch.path("other.pcap");
    let tape = tape(26, 500);
    write_capture(&file, &tape, &single_line(&tape));
    let session = Session::Capture(captures([file]));
    let error = host().journal(&journal).run(&session, quoter()).unwrap_err();
    assert!(matches!(error, Error::Journal(_)), "{error}");
    assert!(error.to_string().contains(&journal.display().to_string()), "{error}");
    let replay = replay_recorded(&journal).unwrap();
    assert!(replay.is_fine());
    assert_eq!(replay.core.state_hash, report.core.state_hash);
}

/// Busy enough that a short journal has every kind of neighbour.
fn bidder() -> Bidder {
    Bidder { every: 4, calls: 0 }
}

/// A journal of one segment with these bytes.
fn journal_of(scratch: &Scratch, bytes: &[u8]) -> PathBuf {
    let journal = scratch.path("changed");
    std::fs::create_dir_all(&journal).unwrap();
    std::fs::write(first_segment(&journal), bytes).unwrap();
    journal
}

/// What must hold of a journal of which the first `records` records are whole and the last is not.
fn check_prefix(journal: &Path, contents: &Contents, records: usize, what: &str) {
    for with_strategy in [true, false] {
        let replay = if with_strategy {
            replay_journal(journal, bidder())
        } else {
            replay_recorded(journal)
        };
        // Who ran and the configuration are what a replay cannot do without.
        if records < 2 {
            assert!(matches!(replay, Err(Error::JournalContent { .. })), "{what}");
            continue;
        }
        let replay = replay.unwrap();
        assert_eq!(replay.records as usize, records, "{what}");
        assert!(!replay.is_fine() && replay.recorded_hash.is_none(), "{what}");
        assert_eq!(replay.divergences, 0, "{what}: {:?}", replay.first_divergence);
        // Without the strategy the last input is acted on as far as its outputs are there.
        if with_strategy || contents.places.get(records).is_none_or(|next| next.is_input) {
            assert_eq!(replay.core.state_hash, contents.hash_after(records), "{what}");
        }
    }
}

#[test]
fn a_journal_cut_anywhere_replays_to_where_it_is_whole() {
    let scratch = Scratch::new();
    let (journal, _) = journaled_with(&scratch, 27, 250, bidder());
    let contents = Contents::read(&journal, &config(), bidder());
    let bytes = std::fs::read(first_segment(&journal)).unwrap();
    assert_eq!(contents.places.last().map(|place| place.end), Some(bytes.len() as u64));
    let outputs = contents.places.iter().filter(|place| !place.is_input).count();
    assert!(outputs > 20, "cuts between an input and its outputs are tried");
    let mut lengths: Vec<usize> = Vec::new();
    for place in &contents.places {
        let end = place.end as usize;
        lengths.extend([end - 1, end, end + 1, end + 8, end + 30]);
    }
    let mut random = Random(27);
    let first = SEGMENT_HEADER_BYTES as u64;
    lengths.extend((0..100).map(|_| (first + random.below(bytes.len() as u64 - first)) as usize));
    lengths.retain(|&length| length < bytes.len());
    for length in lengths {
        let whole = contents.places.iter().filter(|place| place.end <= length as u64).count();
        let cut = journal_of(&scratch, &bytes[..length]);
        check_prefix(&cut, &contents, whole, &format!("cut at {length}"));
        let is_boundary = contents.places.iter().any(|place| place.end == length as u64);
        if whole >= 2 {
            assert_eq!(replay_recorded(&cut).unwrap().is_whole, is_boundary, "cut at {length}");
        }
    }
    for length in 0..SEGMENT_HEADER_BYTES {
        let cut = journal_of(&scratch, &bytes[..length]);
        let error = replay_recorded(&cut).unwrap_err();
        assert!(matches!(error, Error::Journal(_) | Error::JournalContent { .. }), "{error}");
    }
}

#[test]
fn the_zeros_a_killed_writer_leaves_are_no_damage() {
    let scratch = Scratch::new();
    let (journal, _) = journaled_with(&scratch, 28, 250, bidder());
    let contents = Contents::read(&journal, &config(), bidder());
    let bytes = std::fs::read(first_segment(&journal)).unwrap();
    for (index, place) in contents.places.iter().enumerate().take(contents.places.len() - 1) {
        let mut killed = bytes[..place.end as usize].to_vec();
        killed.resize(64 << 10, 0);
        let killed = journal_of(&scratch, &killed);
        check_prefix(&killed, &contents, index + 1, &format!("killed after {}", index + 1));
    }
}

#[test]
fn a_changed_byte_is_found_or_changes_nothing() {
    let scratch = Scratch::new();
    let (journal, report) = journaled_with(&scratch, 29, 250, bidder());
    let bytes = std::fs::read(first_segment(&journal)).unwrap();
    let mut random = Random(29);
    let mut found = 0;
    for _ in 0..400 {
        let mut changed = bytes.clone();
        let place = random.below(bytes.len() as u64) as usize;
        changed[place] ^= 1 + random.below(255) as u8;
        let changed = journal_of(&scratch, &changed);
        match replay_recorded(&changed) {
            Err(error) => {
                found += 1;
                let named = matches!(error, Error::Journal(_) | Error::JournalContent { .. });
                assert!(named, "byte {place}: {error}");
            }
            Ok(replay) if replay.is_fine() => {
                assert_eq!(replay.core.state_hash, report.core.state_hash, "byte {place}");
            }
            Ok(replay) => {
                found += 1;
                assert!(!replay.is_whole, "byte {place}: {:?}", replay.problems());
                assert_eq!(replay.divergences, 0, "byte {place}");
            }
        }
    }
    // Only the padding of a record is in no checksum.
    assert!(found > 350, "{found} of 400 changes were found");
}

/// A journal whose bytes are sound and whose records make no session.
#[test]
fn records_that_are_no_session_are_named() {
    use tezi::journal::{JournalWriter, WriterConfig};
    use tezi::model::Nanos;
    let scratch = Scratch::new();
    let write = |name: &str, records: &[(u16, &[u8])]| {
        let journal = scratch.path(name);
        let config = WriterConfig { segment_bytes: 64 << 10, session_id: 9, created: Nanos(1) };
        let mut writer = JournalWriter::create(&journal, &config).unwrap();
        for (record_type, payload) in records {
            writer.append(*record_type, 0, Nanos(1), payload).unwrap();
        }
        writer.close().unwrap();
        journal
    };
    let config = CoreConfig { ..config() };
    let config_bytes = bytemuck::bytes_of(&config);
    let who = b"engine tezi 0\nstrategy x\nparameters \nkernel y\n".as_slice();
    let mut bad_config = config;
    bad_config.capacity.own_orders_max = 3;
    for (name, records) in [
        ("empty", &[][..]),
        ("no-config", &[(1, who)]),
        ("swapped", &[(2, config_bytes), (1, who)]),
        ("short-config", &[(1, who), (2, &config_bytes[..40])]),
    ] {
        let error = replay_recorded(&write(name, records)).unwrap_err();
        assert!(matches!(error, Error::JournalContent { .. }), "{name}: {error}");
    }
    let bad = write("bad-config", &[(1, who), (2, bytemuck::bytes_of(&bad_config))]);
    assert!(matches!(replay_recorded(&bad).unwrap_err(), Error::Config(_)));

    let good = [(1, who), (2, config_bytes), (4, &[][..])];
    let with = |name: &str, more: &[(u16, &[u8])]| {
        let records: Vec<_> = good.iter().chain(more).copied().collect();
        replay_recorded(&write(name, &records)).unwrap()
    };
    let short_event = with("short-event", &[(5, &[0; 55])]);
    assert!(!short_event.is_whole && short_event.end.contains("type 5 with 55 bytes"));
    let unknown = with("unknown-type", &[(999, b"x")]);
    assert_eq!((unknown.unknown_records, unknown.is_fine()), (1, false));
    let wrong_hash = with("wrong-hash", &[(7, &[]), (32, &7_u64.to_le_bytes())]);
    assert!(wrong_hash.problems().iter().any(|p| p.contains("recorded 0000000000000007")));
    let stray_output = with("stray-output", &[(20, &[]), (7, &[]), (32, &7_u64.to_le_bytes())]);
    assert!(stray_output.divergences > 0);
}
