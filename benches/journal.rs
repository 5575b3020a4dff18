//! The journal: records in, and all of them read back and checked.
//!
//! Regimes: *append* of an input (56 bytes, a market event) and of 256 bytes, in bulk, within one
//! segment whose pages are there already, as they are on the core's thread; *append while rolling*
//! the same over segments of 64 MiB as fast as it goes, which is faster than the helper thread can
//! have the next one ready: no core does this, it is the bound; *read* of a journal of a million
//! events, as replay does, and *verify*. The core waits for every append before it acts.
//!
//! On tmpfs where there is one; `TEZI_BENCH_DIR` names another place.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::is_measuring;
use support::scratch::ScratchJournal;
use tezi::journal::{JournalReader, record_bytes, verify};
use tezi::model::Nanos;

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

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = appends, reads
}
criterion_main!(benches);
