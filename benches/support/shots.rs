//! Rings between two threads, measured so that the machine does not decide who wins.
//!
//! A virtual machine's processors move between physical cores, and the same binary differs tenfold
//! with the distance between the two. So rings take turns in shots of a few milliseconds; each shot
//! stands between two *probes* (one cache line passed to and fro, the least any ring can cost);
//! a shot counts when both probes say the same distance and nothing took a processor away; and what
//! is reported is the median over the shots of one distance, with the probe beside it.
//!
//! Whoever waits, in rings and probes alike, puts the processor's pause between two looks. Without
//! it round trips are a third slower: looks that were begun too early are thrown away when the line
//! comes. Shots run best with `chrt -f 10` and the machine otherwise idle.

use std::fs;
use std::hint::{black_box, spin_loop};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use core_affinity::CoreId;
use quanta::Clock;

/// What goes through a ring: 64 bytes.
pub(crate) type Item = [u64; 8];

/// A ring under measurement.
pub(crate) trait Ring {
    type Producer: Send;
    type Consumer: Send;
    /// An [`Item`] as the ring takes and gives it.
    type Message: Copy;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer);
    fn message(item: Item) -> Self::Message;
    /// The first word of the item.
    fn first(message: &Self::Message) -> u64;
    fn push(producer: &mut Self::Producer, message: Self::Message) -> bool;
    fn pop(consumer: &mut Self::Consumer) -> Option<Self::Message>;
    /// Pushes some of the messages, from the first on, the best way the ring has; returns how many.
    fn push_batch(producer: &mut Self::Producer, messages: &[Self::Message]) -> usize;
    /// Reads up to 256 messages, the best way the ring has; returns how many.
    fn drain(consumer: &mut Self::Consumer) -> usize;
}

/// One shot of one kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// Nanoseconds of one item, round trip or way: of many at once where that is possible.
    pub(crate) typical: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// What a shot measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As fast as it goes, one at a time.
    Single,
    /// Batches of 32 in, all there are out.
    Batch,
    /// There and back through two rings.
    RoundTrip,
    /// An item each microsecond, stamped where it goes in.
    OneWay,
}

/// A row of the report: a ring of a capacity and a kind of shot.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) capacity: usize,
    pub(crate) kind: Kind,
    shot: fn(&Clock, usize, Kind, usize) -> Shot,
    kept: Vec<Shot>,
}

impl Row {
    pub(crate) fn new<R: Ring>(name: &'static str, capacity: usize, kind: Kind) -> Self {
        Self { name, capacity, kind, shot: shot::<R>, kept: Vec::new() }
    }
}

/// Figures of a shot and of the probes around it.
#[derive(Clone, Copy, Debug, Default)]
struct Shot {
    figures: Figures,
    /// Nanoseconds of a round trip of the probe, before and after.
    probes: [f64; 2],
    /// How often a thread was sent off its processor.
    switches: u64,
}

/// How far apart the processors are, as the probe's round trip shows it: shots of one class compare.
const CLASSES: [(&str, f64); 4] =
    [("0-92 ns", 92.0), ("92-180 ns", 180.0), ("180-450 ns", 450.0), ("above 450 ns", f64::MAX)];

impl Shot {
    fn class(&self) -> Option<usize> {
        let [before, after] = self.probes.map(|probe| {
            CLASSES.iter().position(|(_, bound)| probe < *bound).unwrap_or(CLASSES.len() - 1)
        });
        (before == after && self.switches == 0).then_some(before)
    }
}

/// A word in lines of its own.
#[repr(align(128))]
#[derive(Default)]
struct Line(AtomicU64);

const PROBE_BATCH: u64 = 100;
const PROBE_BATCHES: u64 = 15;

/// The nanoseconds of a round trip: the median of batches.
#[inline(never)]
fn lead(clock: &Clock, line: &Line, first: u64) -> f64 {
    let mut word = first;
    let mut batches = [0.0; PROBE_BATCHES as usize];
    for batch in &mut batches {
        let start = clock.raw();
        for _ in 0..PROBE_BATCH {
            line.0.store(word + 1, Ordering::Release);
            word += 2;
            while line.0.load(Ordering::Acquire) != word {
                spin_loop();
            }
        }
        *batch = clock.delta_as_nanos(start, clock.raw()) as f64 / PROBE_BATCH as f64;
    }
    median(&mut batches)
}

/// Never inlined, as `lead`: one copy of the loops, whatever ring is measured between them.
#[inline(never)]
fn follow(line: &Line, first: u64) {
    for turn in 0..PROBE_BATCH * PROBE_BATCHES {
        let word = first + turn * 2 + 1;
        while line.0.load(Ordering::Acquire) != word {
            spin_loop();
        }
        line.0.store(word + 1, Ordering::Release);
    }
}

/// Times this thread was sent off its processor against its will; 0 where the system does not say.
fn switches() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// The cores this process may use, as it was started: a pinned thread is told of its own only.
static CORES: LazyLock<Vec<CoreId>> =
    LazyLock::new(|| core_affinity::get_core_ids().unwrap_or_default());

/// Pins this thread to a core, where there is one of that number.
fn pin(core: usize) {
    if let Some(id) = CORES.get(core) {
        core_affinity::set_for_current(*id);
    }
}

/// Runs both halves at once, each on its core, between two probes.
fn between_probes(
    clock: &Clock,
    near: impl FnOnce() -> Figures,
    far: impl FnOnce() + Send,
) -> Shot {
    let line = Line::default();
    let second = PROBE_BATCH * PROBE_BATCHES * 2;
    std::thread::scope(|scope| {
        let line = &line;
        // A thread begins where its maker is: it could not move if this one spun on its core.
        pin(1);
        let other = scope.spawn(move || {
            let before = switches();
            follow(line, 0);
            far();
            follow(line, second);
            switches() - before
        });
        pin(0);
        let switches_before = switches();
        let first = lead(clock, line, 0);
        let figures = near();
        let probes = [first, lead(clock, line, second)];
        let own = switches() - switches_before;
        Shot { figures, probes, switches: own + other.join().unwrap_or(u64::MAX / 2) }
    })
}

fn shot<R: Ring>(clock: &Clock, capacity: usize, kind: Kind, count: usize) -> Shot {
    match kind {
        Kind::Single => single::<R>(clock, capacity, count),
        Kind::Batch => batch::<R>(clock, capacity, count),
        Kind::RoundTrip => round_trip::<R>(clock, capacity, count),
        Kind::OneWay => one_way::<R>(clock, capacity, count),
    }
}

/// Times `step`, which moves some items and says how many, until `count` are through.
fn bulk(clock: &Clock, count: usize, mut step: impl FnMut() -> usize) -> Figures {
    let start = clock.raw();
    let mut moved = 0;
    while moved < count {
        match step() {
            0 => spin_loop(),
            count => moved += count,
        }
    }
    let typical = clock.delta_as_nanos(start, clock.raw()) as f64 / moved as f64;
    Figures { typical, ..Figures::default() }
}

fn single<R: Ring>(clock: &Clock, capacity: usize, count: usize) -> Shot {
    let (mut producer, mut consumer) = R::ring(capacity);
    let far = move || {
        for index in 0..count as u64 {
            while !R::push(&mut producer, R::message([index; 8])) {
                spin_loop();
            }
        }
        producer
    };
    let pop = || R::pop(&mut consumer).map(black_box).map_or(0, |_| 1);
    between_probes(clock, || bulk(clock, count, pop), || drop(far()))
}

const BATCH: usize = 32;

fn batch<R: Ring>(clock: &Clock, capacity: usize, count: usize) -> Shot {
    let (mut producer, mut consumer) = R::ring(capacity);
    let count = count.next_multiple_of(BATCH);
    let far = move || {
        let mut items = [R::message([0; 8]); BATCH];
        for first in (0..count as u64).step_by(BATCH) {
            for (index, item) in (first..).zip(&mut items) {
                *item = R::message([index; 8]);
            }
            let mut left = &items[..];
            while !left.is_empty() {
                match R::push_batch(&mut producer, left) {
                    0 => spin_loop(),
                    count => left = &left[count..],
                }
            }
        }
        producer
    };
    let drain = || R::drain(&mut consumer);
    between_probes(clock, || bulk(clock, count, drain), || drop(far()))
}

fn take<R: Ring>(consumer: &mut R::Consumer) -> R::Message {
    loop {
        if let Some(item) = R::pop(consumer) {
            return item;
        }
        spin_loop();
    }
}

fn round_trip<R: Ring>(clock: &Clock, capacity: usize, count: usize) -> Shot {
    let (mut ping, mut pinged) = R::ring(capacity);
    let (mut pong, mut ponged) = R::ring(capacity);
    let batches = count.div_ceil(PROBE_BATCH as usize);
    let total = batches * PROBE_BATCH as usize + count;
    let far = move || {
        for _ in 0..total {
            let item = take::<R>(&mut pinged);
            while !R::push(&mut pong, item) {
                spin_loop();
            }
        }
        (pinged, pong)
    };
    let mut trip = |index: u64| {
        while !R::push(&mut ping, R::message([index; 8])) {
            spin_loop();
        }
        black_box(take::<R>(&mut ponged));
    };
    let near = || {
        let batch = |_| {
            let start = clock.raw();
            (0..PROBE_BATCH).for_each(&mut trip);
            clock.delta_as_nanos(start, clock.raw()) as f64 / PROBE_BATCH as f64
        };
        let mut batches: Vec<f64> = (0..batches).map(batch).collect();
        let trip = |index| {
            let start = clock.raw();
            trip(index);
            clock.delta_as_nanos(start, clock.raw()) as f64
        };
        let mut samples: Vec<f64> = (0..count as u64).map(trip).collect();
        Figures { typical: median(&mut batches), ..percentiles(&mut samples) }
    };
    between_probes(clock, near, || drop(far()))
}

fn one_way<R: Ring>(clock: &Clock, capacity: usize, count: usize) -> Shot {
    let (mut producer, mut consumer) = R::ring(capacity);
    let far = || {
        let start = clock.raw();
        for index in 0..count as u64 {
            // Open loop: an item late is not waited for by the next.
            while clock.delta_as_nanos(start, clock.raw()) < index * 1_000 {}
            let mut item = [index; 8];
            item[0] = clock.raw();
            while !R::push(&mut producer, R::message(item)) {
                spin_loop();
            }
        }
        producer
    };
    let near = || {
        let way = |_| {
            let stamp = R::first(&black_box(take::<R>(&mut consumer)));
            clock.delta_as_nanos(stamp, clock.raw().max(stamp)) as f64
        };
        let mut samples: Vec<f64> = (0..count).map(way).collect();
        let figures = percentiles(&mut samples);
        let middle = &samples[count / 10..count - count / 10];
        Figures { typical: middle.iter().sum::<f64>() / middle.len() as f64, ..figures }
    };
    between_probes(clock, near, || drop(far()))
}

/// Sorts and reads off.
fn percentiles(samples: &mut [f64]) -> Figures {
    let p50 = median(samples);
    let p99 = samples.get(samples.len() * 99 / 100).copied().unwrap_or(f64::NAN);
    Figures { p50, p99, typical: p50 }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Items of a shot: some milliseconds of each kind.
const fn shot_items(kind: Kind) -> usize {
    match kind {
        Kind::Single | Kind::Batch => 300_000,
        Kind::RoundTrip => 12_000,
        Kind::OneWay => 6_000,
    }
}

/// Takes `rounds` shots of each row in turn and prints the medians by class; one small round when
/// figures are not wanted.
pub(crate) fn run(rows: &mut [Row], rounds: usize, is_measuring: bool) {
    let clock = Clock::new();
    let rounds = if is_measuring { rounds } else { 1 };
    for _ in 0..rounds {
        for row in &mut *rows {
            let items = if is_measuring { shot_items(row.kind) } else { 500 };
            let shot = (row.shot)(&clock, row.capacity, row.kind, items);
            row.kept.push(shot);
        }
    }
    println!("{rounds} shots a row, in turn; nanoseconds; medians over the shots of a class.");
    println!("Probe: a cache line there and back. Typical: an item (single, batch), a round trip,");
    println!("a way; times the probe: per round trip, half of it per way.");
    for (class, (name, _)) in CLASSES.iter().enumerate() {
        report(rows, class, name);
    }
    let kept = |row: &Row| row.kept.iter().filter(|shot| shot.class().is_some()).count();
    let (kept, all) = (rows.iter().map(kept).sum::<usize>(), rounds * rows.len());
    println!("{kept} of {all} shots kept; the others moved or were sent off their processor");
}

fn report(rows: &[Row], class: usize, name: &str) {
    let shots = |row: &Row| -> Vec<Shot> {
        row.kept.iter().filter(|shot| shot.class() == Some(class)).copied().collect()
    };
    if rows.iter().all(|row| shots(row).len() < 3) {
        return;
    }
    println!("\nprobe {name}");
    println!(
        "{:<12}{:<28}{:>6}{:>7}{:>9}{:>9}{:>9}{:>7}{:>8}{:>8}",
        "kind", "ring", "shots", "probe", "p10", "typical", "p90", "x", "p50", "p99"
    );
    for row in rows {
        let shots = shots(row);
        let of = |figure: fn(&Shot) -> f64| {
            let mut values: Vec<f64> = shots.iter().map(figure).collect();
            let middle = median(&mut values);
            let at = |part: usize| values.get(values.len() * part / 10).copied();
            (at(1).unwrap_or(f64::NAN), middle, at(9).unwrap_or(f64::NAN))
        };
        let (low, typical, high) = of(|shot| shot.figures.typical);
        let ratio = match row.kind {
            Kind::Single | Kind::Batch => String::new(),
            Kind::RoundTrip => {
                format!("{:.2}", of(|shot| shot.figures.typical / probe_of(shot)).1)
            }
            Kind::OneWay => {
                format!("{:.2}", of(|shot| shot.figures.typical * 2.0 / probe_of(shot)).1)
            }
        };
        let mut probes: Vec<f64> = shots.iter().map(probe_of).collect();
        print!("{:<12}{:<28}{:>6}", format!("{:?}", row.kind), row.name, shots.len());
        print!("{:>7.0}{low:>9.1}{typical:>9.1}{high:>9.1}{ratio:>7}", median(&mut probes));
        match row.kind {
            Kind::Single | Kind::Batch => println!(),
            _ => println!("{:>8.0}{:>8.0}", of(|s| s.figures.p50).1, of(|s| s.figures.p99).1),
        }
    }
}

/// Nanoseconds of a round trip of the probe around this shot.
fn probe_of(shot: &Shot) -> f64 {
    (shot.probes[0] + shot.probes[1]) / 2.0
}
