//! A leader and its follower on the loopback interface, and a network between them that fails.

#![allow(unreachable_pub, reason = "a module of a test binary")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tezi::gateway::nnf::Encryption;
use tezi::journal::{JournalReader, Promise};
use tezi::model::OrderCommand;
use tezi::replication::{FollowConfig, FollowReport, FollowUpdate, Follower};
use tezi::{Emitted, Entry, Error, Host, Output, Report, Session, StopSwitch};

use super::common::{Random, host};
use super::exchange::{Exchange, Faults};
use super::rounds::{Rounds, STEPS};
use super::setup::{PATIENCE, core_config, free_line, live, order_session};

pub const SEGMENT_BYTES: u64 = 64 << 10;

/// An address that nobody has.
pub fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// A follower on a thread.
pub struct Following {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<FollowReport, Error>>,
}

impl Following {
    pub fn start(listen: SocketAddr, journal: &Path) -> Self {
        let follower = Follower::bind(&FollowConfig::new(listen, journal)).unwrap();
        let (address, stop) = (follower.address().unwrap(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || follower.run(&stopped, &mut |_: &FollowUpdate| {}));
        Self { address, stop, thread }
    }

    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    pub fn stop(self) -> Result<FollowReport, Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// A host of a journal of small segments.
pub fn journaling(journal: &Path) -> Host {
    host().config(core_config()).journal(journal).segment_bytes(SEGMENT_BYTES)
}

/// Trades until `until` says so, told how many steps were done; the report, and the exchange after it.
pub fn trade(
    host: &Host,
    wait: Promise,
    until: &(dyn Fn(u32, &Exchanged) -> bool + Sync),
) -> (Report, Exchange) {
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    let mut orders = order_session(exchange.router(), Encryption::Plain);
    (orders.wait_for, orders.stop_timeout) = (wait, Duration::from_secs(1));
    let mut session = live(lines);
    session.orders = Some(orders);
    let heard = Exchanged(exchange.heard.clone());
    let (strategy, done) = Rounds::new();
    let (stop, over) = (session.stop.clone(), AtomicBool::new(false));
    let report = thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        scope.spawn(|| stop_when(&stop, &over, &|| until(done.load(Ordering::Relaxed), &heard)));
        let report = host.run(&Session::Live(session), strategy).unwrap();
        over.store(true, Ordering::Relaxed);
        report
    });
    exchange.hear_out();
    (report, exchange)
}

/// What the exchange heard so far.
pub struct Exchanged(Arc<std::sync::Mutex<Vec<super::exchange::Heard>>>);

impl Exchanged {
    pub fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn stop_when(stop: &StopSwitch, over: &AtomicBool, is_enough: &(dyn Fn() -> bool + Sync)) {
    let begun = Instant::now();
    while !is_enough() && !over.load(Ordering::Relaxed) && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
    }
    stop.set();
}

/// So many rounds.
pub fn rounds(count: u32) -> impl Fn(u32, &Exchanged) -> bool + Sync {
    move |done, _| done >= count * STEPS
}

/// The commands of a journal, in order.
pub fn commands(journal: &Path) -> Vec<OrderCommand> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut commands = Vec::new();
    while let Some(record) = reader.next_record() {
        if let Ok(Entry::Output(Emitted { output: Output::Command(command), .. })) =
            Entry::read(&record)
        {
            commands.push(command);
        }
    }
    commands
}

/// A record as it is compared: sequence, type, flags, time, payload.
pub type Said = (u64, u16, u16, i64, Vec<u8>);

/// The records of a journal.
pub fn records(journal: &Path) -> Vec<Said> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut records = Vec::new();
    while let Some(it) = reader.next_record() {
        records.push((it.sequence, it.record_type, it.flags, it.time.0, it.payload.to_vec()));
    }
    records
}

/// The segment files of a journal.
pub fn segments(journal: &Path) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|it| it == "tzj")).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// How a network between the two fails.
#[derive(Clone, Copy)]
pub enum Fault {
    /// Each connection is cut after so many bytes to the follower, drawn from this seed.
    Cut { seed: u64 },
    /// So many bytes at a time to the follower, and a pause after each.
    Slow { bytes: usize, pause: Duration },
}

/// A network that stands between leader and follower, until `stop` is set. It counts what it cut.
pub fn network(
    to: SocketAddr,
    fault: Fault,
    stop: &Arc<AtomicBool>,
) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (address, cuts) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let (stop, counted) = (Arc::clone(stop), Arc::clone(&cuts));
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let mut random = Random(if let Fault::Cut { seed } = fault { seed } else { 0 });
        while !stop.load(Ordering::Relaxed) {
            let Ok((leader, _)) = listener.accept() else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            let Ok(follower) = TcpStream::connect(to) else { continue };
            leader.set_nonblocking(false).unwrap();
            follower.set_nodelay(true).unwrap();
            let back = (follower.try_clone().unwrap(), leader.try_clone().unwrap());
            thread::spawn(move || carry(back, usize::MAX, usize::MAX, Duration::ZERO));
            let (most, piece, pause) = match fault {
                Fault::Cut { .. } => (1 + random.below(20_000) as usize, 700, Duration::ZERO),
                Fault::Slow { bytes, pause } => (usize::MAX, bytes, pause),
            };
            let is_cut = carry((leader, follower), most, piece, pause);
            counted.fetch_add(u32::from(is_cut), Ordering::Relaxed);
        }
    });
    (address, cuts)
}

/// Carries bytes one way until an end closes or `most` went; whether it was that.
fn carry(
    (mut from, mut to): (TcpStream, TcpStream),
    most: usize,
    piece: usize,
    pause: Duration,
) -> bool {
    let mut buffer = vec![0; piece.min(64 << 10)];
    let mut carried = 0;
    while carried < most {
        let room = buffer.len().min(most - carried);
        let Ok(count @ 1..) = from.read(&mut buffer[..room]) else { break };
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        carried += count;
        thread::sleep(pause);
    }
    for end in [from, to] {
        // Both ends see it at once, whatever was under way.
        let _ = end.shutdown(Shutdown::Both);
    }
    carried >= most
}
