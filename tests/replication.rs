//! A journal in a second host, over real sockets: an order that left under `replicated` is always in the
//! follower's journal, whoever is killed, whatever the network does, and a host goes on from there.
//!
//! The test of killed processes runs itself again as a child that leads or follows
//! (`TEZI_TEST_CHILD` says which). `TEZI_KILL_POINTS` is how many rounds it takes; a few without it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "order_session/exchange.rs"]
mod exchange;
#[path = "replication/pair.rs"]
mod pair;
#[path = "order_session/rounds.rs"]
mod rounds;
#[path = "order_session/setup.rs"]
mod setup;

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::journal::Contents;
use common::{Random, Scratch};
use exchange::{Exchange, Faults};
use pair::{
    Fault, Following, commands, free_address, journaling, network, records, segments, trade,
};
use rounds::Rounds;
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::gateway::nnf::Encryption;
use tezi::journal::{JournalReader, Promise, StageConfig, recover, verify};
use tezi::orders::LocalRefusal;
use tezi::replication::{FollowConfig, FollowUpdate, Follower};
use tezi::{
    Observation, OnReplicaLoss, PathStage, ReplicationConfig, Report, Session, StopSwitch,
    replay_journal,
};

const CHILD: &str = "TEZI_TEST_CHILD";
const PLACE: &str = "TEZI_TEST_PLACE";
const DIR: &str = "TEZI_TEST_DIR";
const KILLED: &str = "no_order_that_left_is_lost_when_either_side_is_killed_and_a_host_goes_on";
const FULL: &str = "a_follower_whose_disk_is_full_holds_every_order_that_left";
const SEED: u64 = 23;

fn has_memory() -> bool {
    let has = StageConfig::default().check_room(pair::SEGMENT_BYTES).is_ok();
    if !has {
        println!("skipped: no memory file system at /dev/shm");
    }
    has && (TOKEN, LOT) == (50_001, 65)
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn orders_leave_when_their_record_is_with_the_follower_and_both_journals_are_the_same() {
    if !has_memory() {
        return;
    }
    // More of them give the figures of `docs/benchmarks.md`.
    let rounds = std::env::var("TEZI_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(60);
    for wait in [Promise::Appended, Promise::Durable, Promise::Replicated] {
        let scratch = Scratch::new();
        let [journal, copy] = ["journal", "copy"].map(|name| scratch.path(name));
        let following = Following::start(any_port(), &copy);
        let host = journaling(&journal).replicate(ReplicationConfig::new(following.address));
        let (report, exchange) = trade(&host, wait, &pair::rounds(rounds));
        assert!(report.is_fine(), "{report}");
        let sent = report.orders.as_ref().unwrap().counts.sent;
        assert_eq!(u64::from(exchange.requests), sent);
        let held = report.latencies.stage(PathStage::Held);
        assert_eq!(held.count(), if wait == Promise::Appended { 0 } else { sent }, "{report}");
        let it = report.replication.as_ref().unwrap();
        let last = report.journal_stats.unwrap().sequence_last;
        assert_eq!((it.sequence_last, it.replicated, it.durable), (last, last, last), "{report}");
        assert_eq!((it.connections, it.records, it.degraded.0), (1, last, 0));
        let followed = following.stop().unwrap();
        assert!(followed.is_complete && followed.sequence_last == last);
        assert_eq!(followed.stats.records, last);
        assert!(segments(&journal) == segments(&copy), "byte for byte");
        assert!(verify(&copy).unwrap().is_undamaged());
        let replay = replay_journal(&copy, Rounds::new().0).unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        let us = |quantile| held.quantile(quantile) as f64 / 1e3;
        println!("{}: held p50 {:.1} µs, p99 {:.1} µs", wait.name(), us(0.5), us(0.99));
        println!("{it}");
    }
}

#[test]
fn a_promise_without_what_it_takes_is_refused_at_the_start() {
    let scratch = Scratch::new();
    let start = |host: tezi::Host| {
        let mut session = live([free_line(), free_line()]);
        let mut orders = order_session("127.0.0.1:1".parse().unwrap(), Encryption::Plain);
        orders.wait_for = Promise::Replicated;
        session.orders = Some(orders);
        host.run(&Session::Live(session), Rounds::new().0).unwrap_err().to_string()
    };
    let journal = scratch.path("journal");
    let to = ReplicationConfig::new(any_port());
    assert_eq!(start(journaling(&journal)), "orders wait for replicated, and no follower is named");
    let none = common::host().config(core_config()).replicate(to);
    assert_eq!(start(none), "orders wait for replicated, and no journal is kept");
    // To go on with what is durable takes a journal that says what is.
    let after = Duration::from_millis(5);
    let falls_back = ReplicationConfig { on_loss: OnReplicaLoss::Durable { after }, ..to };
    let mapped = journaling(&journal).journal_mode(tezi::JournalMode::Mapped).replicate(falls_back);
    assert_eq!(start(mapped), "orders wait for durable, which a mapped journal never promises");
    assert!(!journal.exists(), "no journal is left behind");
}

#[test]
fn orders_wait_for_a_follower_that_is_away() {
    if !has_memory() {
        return;
    }
    let scratch = Scratch::new();
    let [journal, copy] = ["journal", "copy"].map(|name| scratch.path(name));
    let address = free_address();
    let log = scratch.path("events.log");
    let host = journaling(&journal).replicate(ReplicationConfig::new(address));
    let host = host.observe(observed(&log));
    let (away_until, following) = (Instant::now(), std::sync::Mutex::new(None));
    let (report, exchange) = trade(&host, Promise::Replicated, &|done, heard| {
        let mut following = following.lock().unwrap();
        if following.is_none() && away_until.elapsed() > Duration::from_millis(700) {
            assert_eq!((done, heard.count()), (0, 0), "nothing leaves without the follower");
            *following = Some(Following::start(address, &copy));
        }
        done >= 20
    });
    let following = following.into_inner().unwrap().unwrap();
    assert!(report.is_fine(), "{report}");
    assert!(exchange.requests > 10, "{report}");
    assert_eq!(report.replication.as_ref().unwrap().endings, ["Connection refused (os error 111)"]);
    assert!(report.latencies.stage(PathStage::Held).max() > 100_000_000, "{report}");
    following.stop().unwrap();
    assert!(segments(&journal) == segments(&copy));
    assert!(std::fs::read_to_string(log).unwrap().contains("\"event\":\"replica_up\""));
}

/// A log of events that looks often.
fn observed(log: &Path) -> Observation {
    let latency_interval = Duration::from_millis(10);
    Observation { event_log: Some(log.to_path_buf()), latency_interval, ..Observation::default() }
}

#[test]
fn orders_that_never_came_to_the_follower_are_answered_at_the_end() {
    if !has_memory() {
        return;
    }
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let mut config = ReplicationConfig::new(free_address());
    config.stop_timeout = Duration::from_millis(100);
    let begun = Instant::now();
    let (report, exchange) =
        trade(&journaling(&journal).replicate(config), Promise::Replicated, &|_, _| {
            begun.elapsed() > Duration::from_millis(400)
        });
    assert_eq!(exchange.requests, 0, "{report}");
    let refused = &report.orders.as_ref().unwrap().refused;
    assert!(matches!(refused[..], [(LocalRefusal::Replica, 1..)]), "{report}");
    let problems = report.problems();
    assert!(problems.iter().any(|it| it.contains("the follower lacks the last")), "{problems:?}");
}

#[test]
fn orders_go_on_with_what_is_durable_where_that_is_configured() {
    if !has_memory() {
        return;
    }
    let scratch = Scratch::new();
    let [journal, copy] = ["journal", "copy"].map(|name| scratch.path(name));
    let address = free_address();
    let mut config = ReplicationConfig::new(address);
    config.on_loss = OnReplicaLoss::Durable { after: Duration::from_millis(50) };
    let following = std::sync::Mutex::new(None);
    let back_at = std::sync::Mutex::new(None);
    let log = scratch.path("events.log");
    // The log is written fifty times a second: what lasts less may not be in it.
    let is_told = |what: &str| std::fs::read_to_string(&log).is_ok_and(|log| log.contains(what));
    let (report, exchange) = trade(
        &journaling(&journal).replicate(config).observe(observed(&log)),
        Promise::Replicated,
        &|done, heard| {
            let mut following = following.lock().unwrap();
            if following.is_none() && heard.count() >= 10 && is_told("replica_durable_only") {
                *following = Some(Following::start(address, &copy));
                *back_at.lock().unwrap() = Some(done);
            }
            let is_back = following.is_some() && is_told("replica_up");
            is_back && done >= back_at.lock().unwrap().unwrap() + 30
        },
    );
    let it = report.replication.as_ref().unwrap();
    // A follower that stands still for 50 ms on a busy machine is done without again.
    assert!(it.degraded.0 >= 1 && it.connections >= 1, "{report}");
    assert!(it.degraded.1 > Duration::ZERO);
    let problems = report.problems();
    assert!(problems.len() == 1 && problems[0].contains("went on without the follower"));
    assert!(exchange.requests >= 10);
    let log = std::fs::read_to_string(&log).unwrap();
    let place = |what| log.find(what).unwrap_or_else(|| panic!("no {what} in {log}"));
    let [alone, again] = ["replica_durable_only", "replica_up"].map(place);
    assert!(alone < again, "{log}");
    // What had been missed came later.
    following.into_inner().unwrap().unwrap().stop().unwrap();
    assert!(segments(&journal) == segments(&copy));
}

#[test]
fn a_network_that_cuts_every_connection_or_is_slow_loses_nothing() {
    if !has_memory() {
        return;
    }
    let pause = Duration::from_millis(2);
    for fault in [Fault::Cut { seed: 5 }, Fault::Slow { bytes: 600, pause }] {
        let scratch = Scratch::new();
        let [journal, copy] = ["journal", "copy"].map(|name| scratch.path(name));
        let following = Following::start(any_port(), &copy);
        let stop = Arc::new(AtomicBool::new(false));
        let (between, cuts) = network(following.address, fault, &stop);
        let mut config = ReplicationConfig::new(between);
        config.timing.heartbeat_ns = 20_000_000;
        config.stop_timeout = PATIENCE;
        let host = journaling(&journal).replicate(config);
        let (report, exchange) = trade(&host, Promise::Replicated, &pair::rounds(12));
        stop.store(true, Ordering::Relaxed);
        assert!(report.is_fine(), "{report}");
        assert!(exchange.requests >= 60, "{report}");
        if matches!(fault, Fault::Cut { .. }) {
            assert!(cuts.load(Ordering::Relaxed) > 5, "nothing was cut");
            assert!(report.replication.as_ref().unwrap().connections > 3, "{report}");
        }
        following.stop().unwrap();
        assert!(segments(&journal) == segments(&copy));
        println!("{}", report.replication.unwrap());
    }
}

/// The child that leads: trades until it is killed.
fn lead(dir: &Path, places: &str) {
    let places: Vec<SocketAddr> = places.split(',').map(|it| it.parse().unwrap()).collect();
    let host = journaling(&dir.join("journal")).replicate(ReplicationConfig::new(places[3]));
    let session = session(&places, &StopSwitch::default());
    drop(host.config(core()).run(&session, Rounds::new().0).unwrap());
}

/// The child that follows until it is killed.
fn follow(dir: &Path, places: &str) {
    let listen = places.split(',').next_back().unwrap().parse().unwrap();
    let follower = Follower::bind(&FollowConfig::new(listen, dir.join("copy"))).unwrap();
    drop(follower.run(&AtomicBool::new(false), &mut |_: &FollowUpdate| {}).unwrap());
}

fn core() -> tezi::CoreConfig {
    let mut config = core_config();
    config.limits.trade_on_stale = 1;
    config
}

fn session(places: &[SocketAddr], stop: &StopSwitch) -> Session {
    let v4 = |address: SocketAddr| match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => unreachable!(),
    };
    let mut orders = order_session(v4(places[0]), Encryption::Plain);
    (orders.cancel_on_logoff, orders.wait_for) = (false, Promise::Replicated);
    if places.len() == 3 {
        orders.wait_for = Promise::Appended;
    }
    let mut session = live([v4(places[1]), v4(places[2])]);
    session.orders = Some(orders);
    session.stop = stop.clone();
    Session::Live(session)
}

fn child(what: &str, dir: &Path, places: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", KILLED, "--nocapture", "--test-threads=1"]);
    command.env(CHILD, what).env(DIR, dir).env(PLACE, places);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A pair at work until both are killed, the follower perhaps more than once before. The last kills are
/// as near to each other as two calls.
fn live_and_die(dir: &Path, exchange: &mut Exchange, places: &str, round: u64) {
    let mut random = Random(SEED ^ round.wrapping_mul(0x9E37_79B9));
    let (heard, over) = (exchange.heard.clone(), AtomicBool::new(false));
    let (mut following, leading) = (child("follow", dir, places), child("lead", dir, places));
    thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        for _ in 0..=random.below(3) {
            let enough = heard.lock().unwrap().len() + 1 + random.below(12) as usize;
            let begun = Instant::now();
            while heard.lock().unwrap().len() < enough {
                assert!(begun.elapsed() < 2 * PATIENCE, "round {round}: no orders come");
                thread::sleep(Duration::from_micros(20));
            }
            thread::sleep(Duration::from_nanos(random.below(400_000)));
            kill(following);
            following = child("follow", dir, places);
        }
        let enough = heard.lock().unwrap().len() + 1 + random.below(12) as usize;
        let begun = Instant::now();
        while heard.lock().unwrap().len() < enough {
            assert!(begun.elapsed() < 2 * PATIENCE, "round {round}: no orders come");
            thread::sleep(Duration::from_micros(20));
        }
        thread::sleep(Duration::from_nanos(random.below(400_000)));
        let both = if random.one_in(2) { [following, leading] } else { [leading, following] };
        both.into_iter().for_each(kill);
        over.store(true, Ordering::Relaxed);
    });
    exchange.hear_out();
}

/// What must hold of the follower's journal when the exchange heard this.
fn check(dir: &Path, exchange: &Exchange, round: u64) {
    let (journal, copy) = (dir.join("journal"), dir.join("copy"));
    recover(&copy).unwrap();
    let (own, copied) = (records(&journal), records(&copy));
    assert!(!copied.is_empty() && own.starts_with(&copied), "round {round}: a prefix");
    // As many as were heard, in their order.
    let sent = commands(&copy);
    let mut left = sent.iter();
    for (index, heard) in exchange.heard.lock().unwrap().iter().enumerate() {
        let id = u64::from(heard.client_order_id);
        let found = left.any(|command| command.client_order_id.0 == id);
        assert!(found, "round {round}: request {index}, {heard:?}, is not with the follower");
    }
    let replay = replay_journal(&copy, Rounds::new().0).unwrap();
    assert_eq!(replay.divergences, 0, "round {round}: {:?}", replay.first_divergence);
    let contents = Contents::read(&journal, &config_of(&journal), Rounds::new().0);
    let prefix = contents.hash_after(copied.len());
    assert_eq!(replay.core.state_hash, prefix, "round {round}: the state of the prefix");
}

/// The configuration in a journal: a host that trades draws numbers for its orders.
fn config_of(journal: &Path) -> tezi::CoreConfig {
    let mut reader = JournalReader::open(journal).unwrap();
    loop {
        let record = reader.next_record().unwrap();
        if let Ok(tezi::Entry::Config(config)) = tezi::Entry::read(&record) {
            return config;
        }
    }
}

/// Goes on from the follower's journal as from any other, to an end in order.
fn go_on(dir: &Path, exchange: &mut Exchange, places: &str) -> Report {
    let places: Vec<SocketAddr> = places.split(',').take(3).map(|it| it.parse().unwrap()).collect();
    let (stop, over) = (StopSwitch::default(), AtomicBool::new(false));
    let heard = exchange.heard.clone();
    let enough = heard.lock().unwrap().len() + 10;
    // Its market begins again when a host has signed on, and so listens.
    exchange.begin_again();
    exchange.sign_ons = 0;
    let host = journaling(&dir.join("copy")).config(core()).resume(true);
    thread::scope(|scope| {
        let serving = scope.spawn(|| exchange.run(&over));
        scope.spawn(|| {
            let begun = Instant::now();
            while heard.lock().unwrap().len() < enough && begun.elapsed() < 2 * PATIENCE {
                thread::sleep(Duration::from_millis(1));
            }
            stop.set();
        });
        let report = host.run(&session(&places, &stop), Rounds::new().0);
        over.store(true, Ordering::Relaxed);
        serving.join().unwrap();
        report.unwrap()
    })
}

#[test]
fn no_order_that_left_is_lost_when_either_side_is_killed_and_a_host_goes_on() {
    if let (Ok(what), Some(dir)) = (std::env::var(CHILD), std::env::var_os(DIR)) {
        let places = std::env::var(PLACE).unwrap();
        let role = if what == "lead" { lead } else { follow };
        return role(Path::new(&dir), &places);
    }
    if !has_memory() {
        return;
    }
    let points = std::env::var("TEZI_KILL_POINTS").ok().and_then(|it| it.parse().ok());
    let points: u64 = points.unwrap_or(6);
    let mut heard = 0;
    for round in 0..points {
        let (scratch, lines) = (Scratch::new(), [free_line(), free_line()]);
        let dir = scratch.path("");
        let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
        let [a, b] = lines;
        let places = format!("{},{a},{b},{}", exchange.router(), free_address());
        live_and_die(&dir, &mut exchange, &places, round);
        heard += exchange.heard.lock().unwrap().len();
        check(&dir, &exchange, round);
        // The leader's host is gone with all it had.
        let memory = std::fs::read_link(dir.join("journal/memory")).unwrap();
        std::fs::remove_dir_all(memory).unwrap();
        std::fs::remove_dir_all(dir.join("journal")).unwrap();
        let report = go_on(&dir, &mut exchange, &places);
        assert_eq!(report.problems(), Vec::<String>::new(), "round {round}: {report}");
        let net: i64 = report.core.positions.iter().map(|it| it.position.net).sum();
        assert_eq!((net, report.core.counters.fills), (exchange.net, exchange.trades));
        let replay = replay_journal(&dir.join("copy"), Rounds::new().0).unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
    }
    println!("{points} rounds, {heard} requests heard");
}

/// The child of the test below, whose follower has a file system of a few segments.
fn fill_the_disk(dir: &Path) {
    let scratch = Scratch::new();
    let (journal, copy) = (scratch.path("journal"), dir.join("copy"));
    let following = Following::start(any_port(), &copy);
    let mut config = ReplicationConfig::new(following.address);
    config.stop_timeout = Duration::from_millis(100);
    let full_since = std::sync::Mutex::new(None);
    let host = journaling(&journal).replicate(config);
    let (report, exchange) = trade(&host, Promise::Replicated, &|_, _| {
        let mut full_since = full_since.lock().unwrap();
        if following.is_over() && full_since.is_none() {
            *full_since = Some(Instant::now());
        }
        full_since.is_some_and(|since| since.elapsed() > Duration::from_millis(200))
    });
    let error = following.stop().unwrap_err().to_string();
    assert!(error.contains("cannot create journal segment"), "{error}");
    let held = commands(&copy).len();
    assert!(10 < exchange.requests && exchange.requests as usize <= held, "{report}");
    let problems = report.problems();
    assert!(problems.iter().any(|it| it.contains("the follower lacks the last")), "{problems:?}");
    assert!(records(&journal).starts_with(&records(&copy)));
    println!("stopped after {} requests: {error}", exchange.requests);
}

#[test]
fn a_follower_whose_disk_is_full_holds_every_order_that_left() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return fill_the_disk(Path::new(&dir));
    }
    if !has_memory() {
        return;
    }
    let scratch = Scratch::new();
    // Private, so that nobody else sees the mount, and gone with the child.
    let script = "mount -t tmpfs -o size=512k tmpfs $0 || exit 77; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", script]);
    command.arg(scratch.path("")).arg(std::env::current_exe().unwrap());
    command.args(["--exact", FULL, "--nocapture", "--test-threads=1"]);
    let Ok(output) = command.env(CHILD, scratch.path("")).output() else {
        return println!("skipped: there is no `unshare`");
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.code() == Some(77) || text.contains("unshare failed") {
        return println!("skipped: mounting a small file system is not allowed");
    }
    assert!(output.status.success(), "{text}");
    println!("{}", text.lines().find(|line| line.starts_with("stopped after")).unwrap_or(&text));
}
