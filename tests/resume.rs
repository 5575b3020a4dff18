//! A day of a trading host that is killed again and again, each process taking up the session of the
//! one before: in the end host and exchange agree on every trade, and the one journal of all of them
//! gives the state again.
//!
//! The test runs itself again as a child that hosts a strategy (`TEZI_TEST_CHILD` names the directory
//! to work in). `TEZI_KILL_POINTS` is how often a child is killed; a dozen times without it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "order_session/exchange.rs"]
mod exchange;
#[path = "order_session/rounds.rs"]
mod rounds;
#[path = "order_session/setup.rs"]
mod setup;

use std::collections::HashSet;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Random, Scratch, host, read};
use exchange::{Exchange, Faults};
use rounds::{Rounds, STEPS, stranger};
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::gateway::nnf::Encryption;
use tezi::gateway::nnf::server::RequestKind;
use tezi::journal::{JournalReader, StageConfig};
use tezi::{
    CoreConfig, Entry, Host, JournalMode, ReplayFrom, Report, Session, SnapshotConfig,
    SnapshotWhen, StopSwitch, write_snapshots,
};
use tezi::{replay_journal, replay_recorded};

const CHILD: &str = "TEZI_TEST_CHILD";
const PLACE: &str = "TEZI_TEST_PLACE";
const TEST: &str = "host_and_exchange_agree_after_a_day_of_many_lives";
const SEGMENT_BYTES: u64 = 64 << 10;
const SEED: u64 = 17;

fn core() -> CoreConfig {
    let mut config = core_config();
    config.limits.trade_on_stale = 1;
    // A loss of the day's trades must not stop the rounds.
    config.limits.loss_max = 0;
    config
}

/// Held when the day begins. Every life finds the same file.
const CARRIED: i64 = 2 * LOT as i64;

fn resuming(journal: &Path, mode: JournalMode) -> Host {
    let host = host().config(core()).journal(journal).segment_bytes(SEGMENT_BYTES);
    let beside = |name: &str| journal.with_file_name(name);
    let host = host.positions(beside("positions.csv")).write_positions(beside("carried.csv"));
    host.journal_mode(mode).resume(true)
}

fn write_positions(scratch: &Scratch, units: i64) {
    let text = format!("segment,token,quantity,price,close\nfo,{TOKEN},{units},24000.05,24100\n");
    std::fs::write(scratch.path("positions.csv"), text).unwrap();
}

fn session(places: &[SocketAddrV4], stop: &StopSwitch) -> Session {
    let [router, a, b] = places else { panic!("three places") };
    let mut orders = order_session(*router, Encryption::Plain);
    orders.cancel_on_logoff = false;
    let mut session = live([*a, *b]);
    session.orders = Some(orders);
    session.stop = stop.clone();
    Session::Live(session)
}

/// The staged journal where there is memory for it, else the mapped one.
fn mode() -> JournalMode {
    let has_room = StageConfig::default().check_room(SEGMENT_BYTES).is_ok();
    if has_room { JournalMode::Staged } else { JournalMode::Mapped }
}

/// The child: trades until it is killed.
fn trade(dir: &Path) {
    let places = std::env::var(PLACE).unwrap();
    let places: Vec<SocketAddrV4> = places.split(',').map(|it| it.parse().unwrap()).collect();
    let session = session(&places, &StopSwitch::default());
    // Killed while it writes a snapshot as well as at any other moment.
    let every = Duration::from_millis(20);
    let host = resuming(&dir.join("journal"), mode()).snapshots(SnapshotConfig::new(every));
    let [strategy, twin] = [(); 2].map(|()| Rounds::new().0);
    drop(host.run_with_twin(&session, strategy, twin, &mut |_| {}).unwrap());
}

fn child(dir: &Path, places: &[SocketAddrV4]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture", "--test-threads=1"]);
    let places: Vec<String> = places.iter().map(ToString::to_string).collect();
    command.env(CHILD, dir).env(PLACE, places.join(","));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// One life: a host that goes on where the last one was killed, and is killed somewhere behind one of
/// its requests.
fn live_once(dir: &Path, exchange: &mut Exchange, places: &[SocketAddrV4], round: u64) {
    let mut random = Random(SEED ^ round.wrapping_mul(0x9E37_79B9));
    let (heard, over) = (exchange.heard.clone(), AtomicBool::new(false));
    let before = heard.lock().unwrap().len();
    let requests = before + 1 + random.below(8) as usize;
    let nanos = random.below(400_000);
    exchange.begin_again();
    let mut running = child(dir, places);
    thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let begun = Instant::now();
        while heard.lock().unwrap().len() < requests {
            assert!(begun.elapsed() < 2 * PATIENCE, "round {round}: the child sends no orders");
            assert!(running.try_wait().unwrap().is_none(), "round {round}: the child has ended");
            thread::sleep(Duration::from_micros(20));
        }
        let moment = Instant::now();
        while moment.elapsed() < Duration::from_nanos(nanos) {
            std::hint::spin_loop();
        }
        running.kill().unwrap();
        running.wait().unwrap();
        over.store(true, Ordering::Relaxed);
    });
    exchange.hear_out();
}

/// The last life: some more requests, and an end in order.
fn end_in_order(journal: &Path, exchange: &mut Exchange, places: &[SocketAddrV4]) -> Report {
    let (stop, over) = (StopSwitch::default(), AtomicBool::new(false));
    let heard = exchange.heard.clone();
    let enough = heard.lock().unwrap().len() + 2 * STEPS as usize;
    exchange.begin_again();
    thread::scope(|scope| {
        let serving = scope.spawn(|| exchange.run(&over));
        let watch = scope.spawn(|| {
            let begun = Instant::now();
            while heard.lock().unwrap().len() < enough && begun.elapsed() < 2 * PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
            stop.set();
        });
        let report = resuming(journal, mode()).run(&session(places, &stop), Rounds::new().0);
        over.store(true, Ordering::Relaxed);
        watch.join().unwrap();
        serving.join().unwrap();
        report.unwrap()
    })
}

fn net(report: &Report) -> i64 {
    report.core.positions.iter().map(|it| it.position.net).sum()
}

/// How often the journal was taken up.
fn resumptions(journal: &Path) -> u64 {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut count = 0;
    while let Some(record) = reader.next_record() {
        count += u64::from(matches!(Entry::read(&record), Ok(Entry::Resume(_))));
    }
    count
}

#[test]
fn host_and_exchange_agree_after_a_day_of_many_lives() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return trade(Path::new(&dir));
    }
    assert_eq!((TOKEN, LOT), (50_001, 65), "the contract of the small exchange");
    let points = std::env::var("TEZI_KILL_POINTS").ok().and_then(|it| it.parse().ok());
    let points: u64 = points.unwrap_or(12);
    let scratch = Scratch::new();
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let places = [exchange.router(), lines[0], lines[1]];
    let journal = scratch.path("journal");
    write_positions(&scratch, CARRIED);
    for round in 0..points {
        live_once(&scratch.path(""), &mut exchange, &places, round);
        // Every other life begins from a state that was written down, the last one too.
        if (points - round) % 2 == 1 {
            let written = write_snapshots(
                &journal,
                Rounds::new().0,
                SnapshotWhen::default(),
                ReplayFrom::Snapshot,
            );
            // None where the host itself wrote that of its last input.
            assert!(written.unwrap().written.len() <= 1, "round {round}");
        }
    }
    let report = end_in_order(&journal, &mut exchange, &places);
    let orders = report.orders.as_ref().unwrap();
    let mut problems = report.problems();
    // On a busy machine the market is on before the host listens, and nobody can be asked.
    problems.retain(|problem| !problem.contains("lost on every line"));
    assert_eq!(problems, Vec::<String>::new(), "{report}");
    let resumption = report.resumption.unwrap();
    assert!(resumption.snapshot.is_some() && resumption.passed_over == 0, "{resumption}");
    let held = (net(&report) - CARRIED, report.core.counters.fills);
    assert_eq!(held, (exchange.net, exchange.trades));
    check_holdings(&report, &read(&scratch.path("carried.csv")));
    assert!(exchange.trades > 0 && orders.unknown_orders.is_empty() && exchange.open() == 0);
    assert_eq!(resumptions(&journal), points);
    let mut new_orders = HashSet::new();
    for sent in exchange.heard.lock().unwrap().iter() {
        let is_first = sent.kind != RequestKind::New || new_orders.insert(sent.client_order_id);
        assert!(is_first, "{sent:?} was sent twice");
    }
    for replay in [replay_journal(&journal, Rounds::new().0), replay_recorded(&journal)] {
        let replay = replay.unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
    }
    println!("{points} kills, {} trades, {} orders", exchange.trades, new_orders.len());
}

/// What was carried in and traded is what is held, and what the file says that was written.
fn check_holdings(report: &Report, written: &str) {
    let [holding] = &report.core.holdings[..] else { panic!("{:?}", report.core.holdings) };
    assert_eq!((holding.carried_in(), holding.average.net), (CARRIED, net(report)));
    assert_eq!(holding.lots.iter().map(|lot| lot.net).sum::<i64>(), net(report));
    let lots = written.lines().skip(1).map(|line| line.split(',').nth(5).unwrap());
    let units: i64 = lots.map(|units| units.parse::<i64>().unwrap()).sum();
    assert_eq!(units, net(report), "{written}");
}

#[test]
fn what_cannot_be_taken_up_is_refused_by_name() {
    let scratch = Scratch::new();
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let places = [exchange.router(), lines[0], lines[1]];
    let journal = scratch.path("journal");
    write_positions(&scratch, CARRIED);
    let report = end_in_order(&journal, &mut exchange, &places);
    assert!(report.resumption.is_none(), "nothing was there to be taken up");
    let session = session(&places, &StopSwitch::default());
    let refused = |host: &Host| host.run(&session, Rounds::new().0).unwrap_err().to_string();
    let ended = refused(&resuming(&journal, mode()));
    assert!(ended.contains("ended in order"), "{ended}");
    // The same journal without its last record: as if the process had been killed there.
    let cut = scratch.path("cut");
    copy_without_end(&journal, &cut);
    let mut other = core();
    other.limits.open_orders_max += 1;
    let what = refused(&resuming(&cut, JournalMode::Mapped).config(other));
    assert!(what.contains("other limits"), "{what}");
    let rester = rounds::Rester::new(false, StopSwitch::default());
    let what = resuming(&cut, JournalMode::Mapped).run(&session, rester).unwrap_err().to_string();
    assert!(what.contains("rounds") && what.contains("rester"), "{what}");
    write_positions(&scratch, CARRIED + i64::from(LOT));
    let what = refused(&resuming(&cut, JournalMode::Mapped));
    assert!(what.contains("other positions"), "{what}");
    write_positions(&scratch, CARRIED + 1);
    let what = refused(&resuming(&cut, JournalMode::Mapped));
    assert!(what.contains("positions.csv, line 2: quantity: 131 units"), "{what}");
    assert!(!scratch.path("carried.csv.new").exists(), "nothing is left of what was not written");
    let none = host().config(core()).resume(true);
    assert!(refused(&none).contains("name one"));
    let captures = Session::captures(["day.pcap"]);
    let what = resuming(&cut, JournalMode::Mapped).run(&captures, Rounds::new().0).unwrap_err();
    assert!(what.to_string().contains("only a live session"), "{what}");
    assert_eq!(stranger().filler, 0, "no order of ours");
}

/// A journal of all records but the last.
fn copy_without_end(from: &Path, to: &Path) {
    use tezi::journal::{JournalWriter, WriterConfig};
    let config = WriterConfig { segment_bytes: 4 << 20, ..WriterConfig::default() };
    let mut writer = JournalWriter::create(to, &config).unwrap();
    let mut reader = JournalReader::open(from).unwrap();
    let mut held: Option<(u16, u16, tezi::model::Nanos, Vec<u8>)> = None;
    while let Some(record) = reader.next_record() {
        if let Some((record_type, flags, time, payload)) = held.take() {
            writer.append(record_type, flags, time, &payload).unwrap();
        }
        held = Some((record.record_type, record.flags, record.time, record.payload.to_vec()));
    }
    writer.close().unwrap();
}
