//! Positions from one day to the next: what a session writes at its end is what the next one begins with,
//! with a split between them, for strategies and accounts; journals of both give their states again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::tape::{single_line, tape, write_capture};
use common::{Bidder, Scratch, captures, config, host, quoter_with, read};
use tezi::control::Limit;
use tezi::day_report::day_report;
use tezi::journal::JournalReader;
use tezi::model::{Money, RejectReason, Side, StrategyId};
use tezi::roster::Roster;
use tezi::strategy::{BookUpdate, Context, Strategy};
use tezi::venue::Date;
use tezi::venue::rules::Rules;
use tezi::{
    Entry, Host, Opening, ReplayFrom, Report, Session, SnapshotWhen, replay_journal,
    replay_recorded, replay_recorded_from, write_snapshots_recorded,
};

/// Takes a lot at the touch, every so many changes of a book, more often bought than sold.
#[derive(Default)]
struct Taker {
    calls: u32,
}

impl Strategy for Taker {
    fn name(&self) -> &'static str {
        "taker"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.calls += 1;
        if !self.calls.is_multiple_of(300) {
            return;
        }
        let side = if self.calls.is_multiple_of(900) { Side::Sell } else { Side::Buy };
        let Some(touch) = ctx.book(update.instrument).touch(side.opposite()) else { return };
        let Some(state) = ctx.instrument(update.instrument) else { return };
        let lot = state.definition.lot;
        let _ = ctx.submit_ioc(update.instrument, side, touch.price, lot);
    }
}

fn roster() -> Roster {
    let mut roster = Roster::new();
    roster.add("quoter", Box::new(quoter_with(1.0)), None).unwrap();
    roster.add("taker", Box::new(Taker::default()), None).unwrap();
    roster
}

/// One day of two strategies, each for an account of its own.
fn day(date: &str, scratch: &Scratch) -> Host {
    let host = host().account("own=pro").unwrap();
    let host = host.account("alpha=client:C1,pan:ABCDE1234F").unwrap();
    let host = host.trade_for(StrategyId(1), "own").unwrap();
    let host = host.trade_for(StrategyId(2), "alpha").unwrap();
    host.positions_day(Date::parse(date).unwrap())
        .journal(scratch.path(&format!("journal-{date}")))
        .write_positions(scratch.path(&format!("{date}.csv")))
}

fn run(host: &Host, scratch: &Scratch, seed: u64) -> Report {
    let file = scratch.path(&format!("{seed}.pcap"));
    let tape = tape(seed, 6_000);
    write_capture(&file, &tape, &single_line(&tape));
    let report = host.run(&Session::Capture(captures([&file])), roster()).unwrap();
    assert!(report.is_fine(), "{:?}", report.problems());
    report
}

/// The journal gives the state again: with the strategies' code, without it, and from a snapshot.
fn check_replays(journal: &Path, report: &Report) {
    let when = SnapshotWhen { every: Some(1_000), ..SnapshotWhen::default() };
    let written = write_snapshots_recorded(journal, when, ReplayFrom::Start).unwrap();
    assert!(written.written.len() > 1);
    let replays = [
        replay_journal(journal, roster()),
        replay_recorded(journal),
        replay_recorded_from(journal, None, ReplayFrom::Snapshot),
    ];
    for replay in replays {
        let replay = replay.unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        assert_eq!(replay.core.holdings.len(), report.core.holdings.len());
    }
}

type Key = (String, String, String);

/// Units, and what they cost, of each strategy, account and instrument that holds any.
fn held(report: &Report) -> BTreeMap<Key, (i64, Money)> {
    let key = |it: &tezi::HoldingReport| {
        (it.strategy.clone(), it.account.clone(), it.instrument.to_string())
    };
    let held = report.core.holdings.iter().filter(|it| it.average.net != 0);
    let cost = |it: &tezi::HoldingReport| it.lots.iter().map(|lot| lot.cost).sum::<Money>();
    held.map(|it| (key(it), (it.average.net, cost(it)))).collect()
}

fn openings(journal: &Path) -> Vec<Opening> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut openings = Vec::new();
    let mut has_started = false;
    while let Some(record) = reader.next_record() {
        match Entry::read(&record).unwrap() {
            Entry::Opening(opening) => {
                assert!(!has_started, "openings come before the start");
                openings.push(opening);
            }
            Entry::Start => has_started = true,
            _ => {}
        }
    }
    openings
}

#[test]
fn two_days_in_a_row_with_a_split_between_them() {
    let scratch = Scratch::new();
    let first = run(&day("2026-11-20", &scratch), &scratch, 31);
    let journal = scratch.path("journal-2026-11-20");
    assert_eq!(openings(&journal).len(), 1, "nothing is carried into the first day");
    check_replays(&journal, &first);
    let out = held(&first);
    let owners: Vec<_> =
        out.keys().map(|(strategy, account, _)| (&**strategy, &**account)).collect();
    assert!(owners.contains(&("quoter", "own")) && owners.contains(&("taker", "alpha")), "{out:?}");
    let lots: usize = first.core.holdings.iter().map(|it| it.lots.len()).sum();
    assert!(lots > out.len(), "some positions are of several lots");

    let actions = scratch.path("actions.csv");
    // Over the week-end; one of before, and one to come.
    let text = "instrument,ex_date,ratio,kind\nNIFTY,2026-11-20,3:1,split\n\
                NIFTY,2026-11-23,2:1,split\nNIFTY,2026-11-24,5:1,split\n";
    std::fs::write(&actions, text).unwrap();
    let second = day("2026-11-23", &scratch).positions(scratch.path("2026-11-20.csv"));
    let second = run(&second.corporate_actions(&actions), &scratch, 32);
    let journal = scratch.path("journal-2026-11-23");
    check_replays(&journal, &second);
    let told = openings(&journal);
    let actions = told.iter().filter(|it| matches!(it, Opening::Action(_))).count();
    let instruments: std::collections::BTreeSet<_> = out.keys().map(|(_, _, name)| name).collect();
    assert_eq!(actions, instruments.len());

    let carried: BTreeMap<Key, i64> = second
        .core
        .holdings
        .iter()
        .filter(|it| it.carried_in() != 0)
        .map(|it| ((it.strategy.clone(), it.account.clone(), it.instrument.to_string()), it))
        .map(|(key, it)| (key, it.carried_in()))
        .collect();
    let doubled: BTreeMap<Key, i64> =
        out.iter().map(|(key, (net, _))| (key.clone(), 2 * net)).collect();
    assert_eq!(carried, doubled);
    check_report(&journal, &second);

    // The third day does nothing: what it is told is what the second day left, to the last decimal.
    let third = day("2026-11-24", &scratch).positions(scratch.path("2026-11-23.csv"));
    let empty = scratch.path("empty.pcap");
    write_capture(&empty, &[], &[]);
    let third = third.run(&Session::Capture(captures([&empty])), roster());
    let third = third.unwrap();
    let (left, found) = (held(&second), held(&third));
    assert_eq!(left.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    for (key, (net, cost)) in &left {
        let (found_net, found_cost) = found[key];
        assert_eq!(found_net, *net, "{key:?}");
        // A price in the file is rounded to half of 10⁻⁸ rupees a unit.
        assert!((found_cost - *cost).abs() <= Money(i128::from(net.abs())), "{key:?}");
    }
    assert_eq!(third.core.profit, Money::ZERO, "the day's profit counts from the marks carried");
    let [second, third] =
        ["2026-11-23", "2026-11-24"].map(|day| read(&scratch.path(&format!("{day}.csv"))));
    assert_eq!(
        second.replace(",2026-11-23\n", ",2026-11-24\n"),
        third.replace(",\n", ",2026-11-24\n")
    );
}

/// The day's report says what was carried in, traded and carried out.
fn check_report(journal: &Path, report: &Report) {
    let day = day_report(journal, &Rules::builtin().unwrap()).unwrap();
    let rows = |report: &tezi::CoreReport| {
        let of = |it: &tezi::HoldingReport| {
            let tezi::Position { bought, sold, net, .. } = it.average;
            assert_eq!(it.carried_in() + bought as i64 - sold as i64, net);
            (it.strategy.clone(), it.carried_in(), bought, sold, net, it.realised_fifo)
        };
        report.holdings.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(rows(&day.replay.core), rows(&report.core));
    assert!(rows(&report.core).iter().any(|row| row.2 + row.3 > 0 && row.1 != 0));
}

#[test]
fn a_position_at_its_limit_lets_out_only_what_takes_it_back() {
    let scratch = Scratch::new();
    let file = scratch.path("one.pcap");
    let tape = tape(33, 6_000);
    write_capture(&file, &tape, &single_line(&tape));
    let positions = scratch.path("positions.csv");
    // Bidders bid: they could not sell if they wanted to.
    let tokens = common::tape::contracts().into_iter().map(|it| it.token);
    let lines = tokens.map(|token| format!("fo,{token},650,100,90\n"));
    let text = format!("segment,token,quantity,price,close\n{}", lines.collect::<String>());
    std::fs::write(&positions, text).unwrap();
    let run = |limit: i64, has_positions: bool| {
        let mut config = config();
        config.limits.position_max = limit;
        let mut host = host().config(config).positions_day(Date::parse("2026-11-20").unwrap());
        if has_positions {
            host = host.positions(&positions);
        }
        let journal = scratch.path(&format!("journal-{limit}-{has_positions}"));
        let host = host.journal(&journal).limit(Limit::AlertAt, 7_000).unwrap();
        let bidder = || Bidder { every: 40, calls: 0 };
        let report = host.run(&Session::Capture(captures([&file])), bidder()).unwrap();
        // What positions use of a limit is told before the start, and told again.
        for replay in [replay_journal(&journal, bidder()), replay_recorded(&journal)] {
            let replay = replay.unwrap();
            assert!(replay.is_fine(), "{:?}", replay.problems());
        }
        report
    };
    let refused = |report: &Report| {
        let of = |it: &&(RejectReason, u64)| it.0 == RejectReason::PositionLimit;
        report.core.refusals.iter().find(of).map_or(0, |it| it.1)
    };
    let flat = run(650, false);
    assert!(flat.core.counters.new_orders > 10, "{:?}", flat.core.counters);
    let full = run(650, true);
    assert_eq!(full.core.counters.new_orders, 0, "{:?}", full.core.refusals);
    assert!(refused(&full) > 10, "{:?}", full.core.refusals);
    let roomy = run(6_500, true);
    assert!(roomy.core.counters.new_orders > 10, "{:?}", roomy.core.refusals);
}

#[test]
fn files_that_cannot_be_leave_no_journal_behind() {
    let scratch = Scratch::new();
    let file = scratch.path("one.pcap");
    let tape = tape(34, 100);
    write_capture(&file, &tape, &single_line(&tape));
    let session = Session::Capture(captures([&file]));
    let positions = scratch.path("positions.csv");
    std::fs::write(&positions, "segment,token,quantity,price\nfo,50001,65,100\nfo,1,65,100\n")
        .unwrap();
    let refused = |host: Host| {
        let journal = scratch.path("journal");
        let bidder = Bidder { every: 40, calls: 0 };
        let error = host.journal(&journal).run(&session, bidder).unwrap_err().to_string();
        assert!(!journal.exists(), "{error}");
        error
    };
    let dated = || host().positions_day(Date::parse("2026-11-20").unwrap());
    let unknown = refused(dated().positions(&positions));
    assert!(unknown.ends_with("positions.csv, line 3: token: fo:1 is not known"), "{unknown}");
    assert!(refused(host().positions(&positions)).contains("say which day"));
    assert!(refused(dated().positions(scratch.path("none.csv"))).contains("cannot read"));
    assert!(refused(dated().corporate_actions(&positions)).contains("name those"));
    let nowhere = scratch.path("no/such/place.csv");
    assert!(refused(dated().write_positions(nowhere)).contains("cannot create"));
    let limit = dated().positions(&positions).limit(Limit::Position, 1).unwrap();
    assert!(refused(limit).contains("line 3"));
}
