//! A host that trades and is killed at any instruction, life after life against one exchange: every
//! order that the exchange heard is in the journal, none was sent twice, and the journal gives the
//! state again.
//!
//! The test runs itself again as a child that hosts a strategy (`TEZI_TEST_CHILD` names the directory
//! to work in). In two lives of three orders wait for the disk, and one of these ends by a power cut:
//! the memory of the journal is lost. `TEZI_KILL_POINTS` is how often a child is killed; a few dozen without it.

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
use std::fs;
use std::net::SocketAddrV4;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Random, Scratch, host};
use exchange::{Exchange, Faults, Heard};
use rounds::Rounds;
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::gateway::nnf::Encryption;
use tezi::gateway::nnf::server::RequestKind;
use tezi::journal::{JournalReader, Promise, StageConfig, recover};
use tezi::model::{CommandKind, OrderCommand};
use tezi::orders::UnknownOrders;
use tezi::{CoreConfig, Emitted, Entry, JournalMode, Output, Session};
use tezi::{replay_journal, replay_recorded};

const CHILD: &str = "TEZI_TEST_CHILD";
const PLACE: &str = "TEZI_TEST_PLACE";
const WAIT: &str = "TEZI_TEST_WAIT";
const TEST: &str = "no_order_of_a_killed_host_is_unknown_to_its_journal_or_sent_twice";
const SEGMENT_BYTES: u64 = 64 << 10;
const SEED: u64 = 91;

/// What an exchange heard, or a journal says was sent. The exchange's number of an order is the
/// session's to know, so a cancel says no more than whose order it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent {
    kind: u8,
    client_order_id: u32,
    paise: i64,
    quantity: u32,
}

impl From<&Heard> for Sent {
    fn from(heard: &Heard) -> Self {
        let kind = match heard.kind {
            RequestKind::New => CommandKind::New,
            RequestKind::Modify => CommandKind::Replace,
            RequestKind::Cancel => CommandKind::Cancel,
        };
        let (paise, quantity) = (i64::from(heard.paise), heard.quantity);
        Self::new(kind, heard.client_order_id, paise, quantity)
    }
}

impl From<&OrderCommand> for Sent {
    fn from(command: &OrderCommand) -> Self {
        let paise = command.price.to_paise().unwrap();
        let id = command.client_order_id.0 as u32;
        Self::new(command.kind().unwrap(), id, paise, command.quantity.0)
    }
}

impl Sent {
    fn new(kind: CommandKind, client_order_id: u32, paise: i64, quantity: u32) -> Self {
        let (paise, quantity) =
            if kind == CommandKind::Cancel { (0, 0) } else { (paise, quantity) };
        Self { kind: kind as u8, client_order_id, paise, quantity }
    }
}

/// The host's configuration: one life does not know the orders on which the market of the next builds.
fn core() -> CoreConfig {
    let mut config = core_config();
    config.limits.trade_on_stale = 1;
    config
}

/// The child: trades until it is killed.
fn trade(dir: &Path) {
    let place = std::env::var(PLACE).unwrap();
    let places: Vec<SocketAddrV4> = place.split(',').map(|it| it.parse().unwrap()).collect();
    let [router, a, b] = places[..] else { panic!("three places") };
    let mut orders = order_session(router, Encryption::Plain);
    orders.cancel_on_logoff = false;
    orders.unknown_orders = UnknownOrders::Cancel;
    orders.wait_for = Promise::of_name(&std::env::var(WAIT).unwrap()).unwrap();
    let mut session = live([a, b]);
    session.orders = Some(orders);
    let host = host().config(core()).journal(dir.join("journal")).segment_bytes(SEGMENT_BYTES);
    let host = host.journal_mode(JournalMode::Staged);
    drop(host.run(&Session::Live(session), Rounds::new().0).unwrap());
}

fn child(dir: &Path, places: [SocketAddrV4; 3], wait: Promise) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", TEST, "--nocapture", "--test-threads=1"]);
    let places = places.map(|place| place.to_string()).join(",");
    command.env(CHILD, dir).env(PLACE, places).env(WAIT, wait.name());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// The commands of a journal, in order.
fn commands(journal: &Path) -> Vec<Sent> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut commands = Vec::new();
    while let Some(record) = reader.next_record() {
        if let Ok(Entry::Output(Emitted { output: Output::Command(command), .. })) =
            Entry::read(&record)
        {
            commands.push(Sent::from(&command));
        }
    }
    commands
}

/// What a life came to.
struct Life {
    heard: Vec<Sent>,
    commands: usize,
}

/// One life: a host that trades, and is killed somewhere behind one of its requests.
fn live_once(dir: &Path, exchange: &mut Exchange, lines: [SocketAddrV4; 2], round: u64) -> Life {
    let mut random = Random(SEED ^ round.wrapping_mul(0x9E37_79B9));
    let is_power_cut = round % 3 == 2;
    let wait = if round.is_multiple_of(3) { Promise::Appended } else { Promise::Durable };
    let (heard, over) = (exchange.heard.clone(), AtomicBool::new(false));
    heard.lock().unwrap().clear();
    exchange.begin_again();
    let mut running = child(dir, [exchange.router(), lines[0], lines[1]], wait);
    let requests = 1 + random.below(10) as usize;
    let nanos = random.below(400_000);
    thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let begun = Instant::now();
        while heard.lock().unwrap().len() < requests {
            assert!(begun.elapsed() < PATIENCE, "round {round}: the child sends no orders");
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
    let (journal, what) =
        (dir.join("journal"), format!("round {round}, {wait:?}, power cut {is_power_cut}"));
    if is_power_cut {
        fs::remove_dir_all(fs::read_link(journal.join("memory")).unwrap()).unwrap();
    }
    let heard: Vec<Sent> = heard.lock().unwrap().iter().map(Sent::from).collect();
    let commands = check(&journal, &heard, &what);
    fs::remove_dir_all(&journal).unwrap();
    Life { heard, commands }
}

/// What must hold of a journal when the exchange heard this; how many commands are in it.
fn check(journal: &Path, heard: &[Sent], what: &str) -> usize {
    let before = replay_journal(journal, Rounds::new().0).unwrap();
    assert_eq!(before.divergences, 0, "{what}: {:?}", before.first_divergence);
    let recovery = recover(journal).unwrap();
    assert_eq!(recovery.sequence_last, before.records, "{what}");
    for replay in [replay_journal(journal, Rounds::new().0), replay_recorded(journal)] {
        let replay = replay.unwrap();
        assert_eq!(replay.divergences, 0, "{what}: {:?}", replay.first_divergence);
        if replay.with_strategy {
            assert_eq!(replay.core.state_hash, before.core.state_hash, "{what}");
        }
        assert!(replay.core.is_consistent, "{what}");
    }
    // Each request heard is a command of the journal, in its order, each command at most once.
    let commands = commands(journal);
    let mut left = commands.iter();
    for (index, sent) in heard.iter().enumerate() {
        let found = left.any(|command| command == sent);
        assert!(found, "{what}: request {index}, {sent:?}, is not in the journal's {commands:?}");
    }
    commands.len()
}

#[test]
fn no_order_of_a_killed_host_is_unknown_to_its_journal_or_sent_twice() {
    if let Some(dir) = std::env::var_os(CHILD) {
        return trade(Path::new(&dir));
    }
    if StageConfig::default().check_room(SEGMENT_BYTES).is_err() {
        return println!("skipped: no memory file system at /dev/shm");
    }
    assert_eq!((TOKEN, LOT), (50_001, 65), "the contract of the small exchange");
    let points = std::env::var("TEZI_KILL_POINTS").ok().and_then(|it| it.parse().ok());
    let points: u64 = points.unwrap_or(21);
    let (scratch, lines) = (Scratch::new(), [free_line(), free_line()]);
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let (mut new_orders, mut heard, mut unheard) = (HashSet::new(), 0, 0);
    for round in 0..points {
        let life = live_once(&scratch.path(""), &mut exchange, lines, round);
        heard += life.heard.len();
        unheard += life.commands - life.heard.len();
        for sent in life.heard.iter().filter(|sent| sent.kind == CommandKind::New as u8) {
            let is_new = new_orders.insert(sent.client_order_id);
            assert!(is_new, "round {round}: {sent:?} was sent in an earlier life");
        }
    }
    println!("{points} kills, {heard} requests heard, {unheard} more in journals");
}
