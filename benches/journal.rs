//! The journal: records in, and all of them read back and checked.
//!
//! Regimes: *append* of an input (56 bytes, a market event) and of 256 bytes, in bulk, within one
//! segment whose pages are there already, as they are on the core's thread; *append while rolling*
//! the same over segments of 64 MiB as fast as it goes, which is faster than the helper thread can
//! have the next one ready: no core does this, it is the bound; *read* of a journal of a million
//! events, as replay does, and *verify*. The core waits for every append before it acts.
//!
//! *Staged* is the journal of a live session: segments in memory, a thread that writes them to the
//! disk beside. `append` as above; then, printed by itself, an append timed alone at 1,000,000 a
//! second, a roll, and the time from an append to its durable mark beside a bare write of 4 KiB that
//! is on the disk when it returns, taken in turns.
//!
//! On tmpfs where there is one, staged on the system's temporary folder; `TEZI_BENCH_DIR` names
//! another place.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use std::fs::File;
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::scratch::ScratchJournal;
use support::{is_measuring, median};
use tezi::journal::{
    Idle, JournalReader, JournalWriter, Promise, SEGMENT_BYTES_MIN, StageConfig, record_bytes,
    verify,
};
use tezi::model::Nanos;
use tezi::{Clock, LatencyHistogram};

const SEGMENT_BYTES: u64 = 64 << 20;

/// Appends `count` records and returns the time it took; new journals are made outside of it.
fn append(journal: &mut ScratchJournal, payload: &[u8], count: u64) -> Duration {
    let mut left = count;
    let mut spent = Duration::ZERO;
    while left > 0 {
        let room = journal.room(record_bytes(payload.len()));
        if room == 0 {
            journal.renew();
            continue;
        }
        let block = left.min(room);
        let writer = journal.writer();
        let start = Instant::now();
        for index in 0..block {
            let time = Nanos(index as i64);
            black_box(writer.append(5, 0, time, black_box(payload)).expect("there is room"));
        }
        spent += start.elapsed();
        left -= block;
    }
    spent
}

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("journal/append");
    for size in [56, 256] {
        let payload = vec![0xA5_u8; size];
        group.throughput(Throughput::Bytes(size as u64));
        let mut journal = ScratchJournal::new("append", SEGMENT_BYTES);
        group.bench_function(format!("{size}_bytes"), |bencher| {
            bencher.iter_custom(|count| append(&mut journal, &payload, count));
        });
    }
    let payload = [0xA5_u8; 56];
    let mut journal = ScratchJournal::new("rolling", SEGMENT_BYTES).rolling();
    group.throughput(Throughput::Bytes(56));
    group.bench_function("56_bytes_rolling", |bencher| {
        bencher.iter_custom(|count| append(&mut journal, &payload, count));
    });
    let mut journal = ScratchJournal::staged("staged", SEGMENT_BYTES, StageConfig::default());
    group.bench_function("56_bytes_staged", |bencher| {
        bencher.iter_custom(|count| append(&mut journal, &payload, count));
    });
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    let records: u64 = if is_measuring() { 1_000_000 } else { 1_000 };
    let mut journal = ScratchJournal::new("read", 256 << 20);
    append(&mut journal, &[0xA5; 56], records);
    let path = journal.close();
    let mut group = criterion.benchmark_group("journal/read");
    group.throughput(Throughput::Elements(records));
    group.bench_function("records", |bencher| {
        bencher.iter(|| {
            let mut reader = JournalReader::open(&path).expect("the journal is ours");
            let mut bytes = 0;
            while let Some(record) = reader.next_record() {
                bytes += black_box(record.payload).len() as u64;
            }
            assert!(bytes == records * 56, "every record comes back");
        });
    });
    group.bench_function("verify", |bencher| {
        bencher.iter(|| {
            let report = verify(&path).expect("the journal is ours");
            assert!(report.records == records && report.is_undamaged(), "the journal is good");
        });
    });
    group.finish();
}

/// A staged journal in a folder of its own, and the folder.
fn staged(name: &str, segment_bytes: u64) -> (ScratchJournal, Clock) {
    let stage = StageConfig { idle: Idle::Sleep, ..StageConfig::default() };
    (ScratchJournal::staged(name, segment_bytes, stage), Clock::start())
}

fn print_row(name: &str, histogram: &LatencyHistogram) {
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| histogram.quantile(quantile));
    println!("{name:<36}{p50:>9}{p99:>9}{p999:>9}{:>11}", histogram.max());
}

/// Appends at a steady million a second, each timed alone, beside an empty pair of clock reads.
fn paced_appends() {
    const INTERVAL_NS: u64 = 1_000;
    let (mut journal, clock) = staged("paced", SEGMENT_BYTES);
    let count = if is_measuring() { 300_000 } else { 1_000 };
    let (mut appends, mut empty) = (LatencyHistogram::new(), LatencyHistogram::new());
    let writer = journal.writer();
    let mut due = clock.raw();
    for index in 0..count {
        while clock.between(due, clock.raw()) < INTERVAL_NS {}
        due = clock.raw();
        let end = clock.raw();
        empty.record(clock.between(due, end));
        let start = clock.raw();
        black_box(
            writer.append(5, 0, Nanos(index), black_box(&[0xA5; 56])).expect("there is room"),
        );
        let end = clock.raw();
        appends.record(clock.between(start, end));
    }
    print_row("append, 56 bytes, 1 M/s", &appends);
    print_row("  empty pair", &empty);
}

/// Appends in shots short enough to fall between the machine's stops: the least and the middle one.
fn bulk_shots() {
    const APPENDS: u64 = 2_000;
    let stage = |name| ScratchJournal::staged(name, SEGMENT_BYTES, StageConfig::default());
    let clock = Clock::start();
    let count = if is_measuring() { 1_000 } else { 2 };
    for (name, payload) in
        [("32", vec![0xA5; 32]), ("56", vec![0xA5; 56]), ("256", vec![0xA5; 256])]
    {
        let mut journal = stage("bulk");
        let mut shots = Vec::new();
        for _ in 0..count {
            if journal.room(record_bytes(payload.len())) < APPENDS {
                journal.renew();
            }
            let writer = journal.writer();
            let start = clock.raw();
            for index in 0..APPENDS {
                let appended = writer.append(5, 0, Nanos(index as i64), black_box(&payload));
                black_box(appended.expect("there is room"));
            }
            shots.push(clock.between(start, clock.raw()) as f64 / APPENDS as f64);
        }
        let middle = median(&mut shots);
        println!("append in bulk, {name} bytes: least {:.1}, median {middle:.1}", shots[0]);
    }
}

/// Appends that begin a segment, in small segments, each with time to be ready.
fn rolls() {
    let (mut journal, clock) = staged("rolls", SEGMENT_BYTES_MIN);
    let count = if is_measuring() { 200 } else { 2 };
    let mut rolls = LatencyHistogram::new();
    let writer = journal.writer();
    while writer.stats().segments <= count {
        let (segment, waits) = (writer.stats().segments, writer.stats().waits);
        let start = clock.raw();
        black_box(writer.append(5, 0, Nanos(0), black_box(&[0xA5; 56])).expect("there is room"));
        let end = clock.raw();
        if segment < writer.stats().segments {
            if waits == writer.stats().waits {
                rolls.record(clock.between(start, end));
            }
            // The core spins; a sleep would be measured as cold caches.
            let pause = clock.raw();
            while clock.between(pause, clock.raw()) < 10_000_000 {}
        }
    }
    print_row("append that rolls, segment ready", &rolls);
    println!("  rolls that found none ready: {} of {count}", writer.stats().waits);
}

/// From an append to its durable mark, in turns with a bare durable write of one block.
fn durable_marks() {
    const BLOCK: usize = 4096;
    let (mut journal, clock) = staged("durable", SEGMENT_BYTES);
    let count = if is_measuring() { 2_000 } else { 5 };
    let memory = vec![0x5A; 2 * BLOCK];
    let start = memory.as_ptr().align_offset(BLOCK);
    let block = &memory[start..start + BLOCK];
    let path = std::env::temp_dir().join(format!("tezi-bench-bare-{}", std::process::id()));
    std::fs::write(&path, vec![0; 64 * BLOCK]).expect("the scratch folder takes a file");
    // O_DIRECT (0x4000) and O_DSYNC (0x1000) of Linux on x86-64.
    let open = |flags| File::options().write(true).custom_flags(flags).open(&path);
    let bare = open(0x5000).or_else(|_| open(0x1000)).expect("the file is there");
    bare.sync_all().expect("the file is there");
    let (mut marks, mut writes) = (LatencyHistogram::new(), LatencyHistogram::new());
    let writer: &mut JournalWriter = journal.writer();
    for index in 0..count {
        let start = clock.raw();
        let sequence = writer.append(5, 0, Nanos(0), &[0xA5; 56]).expect("there is room");
        writer.wait_for(Promise::Durable, sequence).expect("the disk takes it");
        marks.record(clock.between(start, clock.raw()));
        let start = clock.raw();
        bare.write_all_at(block, index % 64 * BLOCK as u64).expect("the disk takes it");
        writes.record(clock.between(start, clock.raw()));
    }
    print_row("append to durable mark", &marks);
    print_row("bare O_DIRECT|O_DSYNC write of 4 KiB", &writes);
    drop(std::fs::remove_file(&path));
}

fn latencies(_: &mut Criterion) {
    println!("\njournal, staged, ns{:>27}{:>9}{:>9}{:>11}", "p50", "p99", "p99.9", "max");
    bulk_shots();
    paced_appends();
    rolls();
    durable_marks();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = appends, reads, latencies
}
criterion_main!(benches);
