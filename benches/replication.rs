//! Replication over the loopback interface: what an order's record waits for, and catching up.
//!
//! Regimes: *one record at a time*, 88 bytes with its header, every 200 µs: from the append to the
//! leader's hearing that the follower has it, beside the same record's way to the leader's own disk;
//! and *catching up*: a follower that holds nothing and a journal of 64 MiB. The leader's session is
//! turned by hand on this thread, as the host's thread does it; the follower is the host's own. Nobody
//! but an order that waits for the promise waits for either.
//!
//! Journals lie in the system's temporary folder, staged where there is memory for them; `TEZI_BENCH_DIR`
//! names another place. Printed, not sampled by criterion: the times are of threads, sockets and disks.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use support::is_measuring;
use tezi::journal::replication::{LeaderEvent, LeaderSession, Timing};
use tezi::journal::{
    JournalFollower, JournalWriter, SEGMENT_BYTES_MIN, Sought, StageConfig, WriterConfig,
};
use tezi::model::Nanos;
use tezi::replication::{FollowConfig, FollowUpdate, Follower};
use tezi::{Clock, LatencyHistogram};

const BATCH_BYTES: usize = 64 << 10;
const RECORD_BYTES: u64 = 88;

/// A place for journals, gone at the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let base =
            std::env::var_os("TEZI_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = base.join(format!("tezi-bench-replication-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A follower on a thread of its own.
struct Following {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Following {
    fn start(journal: &Path, stage: Option<StageConfig>) -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = FollowConfig { stage, ..FollowConfig::new(listen, journal) };
        let follower = Follower::bind(&config).expect("a follower can listen on loopback");
        let address = follower.address().expect("it has an address");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let followed = follower.run(&stopped, &mut |_: &FollowUpdate| {});
            followed.expect("the journal takes every record");
        });
        Self { address, stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the follower ends in order");
    }
}

/// The leader's half, turned by hand.
struct Leading {
    journal: PathBuf,
    stream: TcpStream,
    session: LeaderSession,
    source: JournalFollower,
    buffer: Vec<u8>,
    appended: u64,
}

impl Leading {
    fn start(journal: &Path, follower: SocketAddr, clock: &Clock) -> Self {
        let stream = TcpStream::connect(follower).expect("the follower listens");
        stream.set_nodelay(true).expect("the socket takes it");
        stream.set_nonblocking(true).expect("the socket takes it");
        let source = JournalFollower::open(journal).expect("the journal is there");
        let session_id = source.segment().session_id;
        let session = LeaderSession::new(session_id, 0, Timing::default(), clock.now());
        let (journal, buffer) = (journal.to_path_buf(), vec![0; 64 << 10]);
        Self { journal, stream, session, source, buffer, appended: 0 }
    }

    fn turn(&mut self, clock: &Clock) {
        let now = clock.now();
        if self.session.wants_batch()
            && let Some(batch) = self.source.poll_batch(BATCH_BYTES).expect("it can be read")
        {
            self.session.on_batch(&batch, now);
        }
        self.session.on_turn(now);
        while !self.session.unsent().is_empty() {
            match self.stream.write(self.session.unsent()) {
                Ok(count) => self.session.on_sent(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic_of(&error.to_string()),
            }
        }
        match self.stream.read(&mut self.buffer) {
            Ok(count) => self.session.on_bytes(&self.buffer[..count], now),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            Err(error) => panic_of(&error.to_string()),
        }
        while let Some(event) = self.session.poll_event() {
            match event {
                LeaderEvent::Wanted { sequence_next } => self.locate(sequence_next),
                LeaderEvent::Acknowledged(ack) => self.appended = ack.appended,
                LeaderEvent::Over(ending) => panic_of(&ending.to_string()),
            }
        }
    }

    fn locate(&mut self, sequence_next: u64) {
        let sought = JournalFollower::seek(&self.journal, sequence_next);
        if let Sought::Found { follower, crc_before } = sought.expect("it can be read") {
            self.source = follower;
            self.session.on_located(crc_before);
        }
    }
}

#[allow(clippy::panic, reason = "a bench may stop at a broken set-up")]
fn panic_of(what: &str) -> ! {
    panic!("{what}")
}

fn stage() -> Option<StageConfig> {
    let stage = StageConfig::default();
    stage.check_room(64 << 20).is_ok().then_some(stage)
}

fn writer(journal: &Path, segment_bytes: u64) -> JournalWriter {
    let config = WriterConfig { segment_bytes, session_id: 7, created: Nanos(1) };
    let made = match stage() {
        Some(stage) => JournalWriter::create_staged(journal, &config, &stage),
        None => JournalWriter::create(journal, &config),
    };
    made.expect("the journal can be made")
}

/// Each record's way to the follower and to the own disk.
fn one_at_a_time(count: u32, segment_bytes: u64) {
    let (own, copy, clock) = (Place::new("own"), Place::new("copy"), Clock::start());
    let mut writer = writer(&own.0, segment_bytes);
    let following = Following::start(&copy.0, stage());
    let mut leading = Leading::start(&own.0, following.address, &clock);
    let mut told = [LatencyHistogram::new(), LatencyHistogram::new()];
    for _ in 0..count {
        let begun = Instant::now();
        let sequence = writer.append(5, 0, clock.now(), &[7; 56]).expect("there is room");
        let appended = clock.raw();
        let mut waits = [true; 2];
        while waits != [false; 2] {
            leading.turn(&clock);
            let is_durable = writer.durable().is_none() || sequence <= writer.durable_watermark();
            for (place, is_there) in
                [sequence <= leading.appended, is_durable].into_iter().enumerate()
            {
                if is_there && waits[place] {
                    waits[place] = false;
                    told[place].record(clock.between(appended, clock.raw()));
                }
            }
        }
        while begun.elapsed() < Duration::from_micros(200) {
            leading.turn(&clock);
        }
    }
    for (name, histogram) in ["replicated", "durable"].into_iter().zip(&told) {
        let us = |quantile| histogram.quantile(quantile) as f64 / 1e3;
        let (p50, p99, most) = (us(0.5), us(0.99), us(0.999));
        println!("append to {name}: p50 {p50:.1} µs, p99 {p99:.1} µs, p99.9 {most:.1} µs");
    }
    following.stop();
}

/// A journal that is there already, brought to a follower that has nothing.
fn catch_up(bytes: u64, segment_bytes: u64, is_staged: bool) {
    let (own, copy, clock) = (Place::new("own"), Place::new("copy"), Clock::start());
    let mut writer = writer(&own.0, segment_bytes);
    for _ in 0..bytes / RECORD_BYTES {
        writer.append(5, 0, Nanos(1), &[7; 56]).expect("there is room");
    }
    let last = writer.sequence_last();
    let following = Following::start(&copy.0, if is_staged { stage() } else { None });
    let begun = Instant::now();
    let mut leading = Leading::start(&own.0, following.address, &clock);
    while leading.appended < last {
        leading.turn(&clock);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let how = if is_staged { "staged" } else { "mapped" };
    let mib = bytes as f64 / 1_048_576.0;
    println!(
        "catching up, follower {how}: {mib:.1} MiB in {:.0} ms, {:.0} MB/s, {:.2} million records/s",
        seconds * 1e3,
        bytes as f64 / seconds / 1e6,
        last as f64 / seconds / 1e6
    );
    following.stop();
}

fn main() {
    let (count, bytes, segment_bytes) = if is_measuring() {
        (20_000, 64 << 20, 64 << 20)
    } else {
        (20, 1 << 20, SEGMENT_BYTES_MIN)
    };
    one_at_a_time(count, segment_bytes);
    for is_staged in [true, false] {
        catch_up(bytes, segment_bytes, is_staged);
    }
}
