//! A core of a million market orders: its snapshot written, and read into a new core.
//!
//! Regimes: 500 instruments, both sides, 20 levels of 50 orders each, numbers as an exchange gives them; *save*
//! into memory that is there, *load* into a core whose tables are made and touched, the state hash of both
//! in it. A restart waits for the load; a save is waited for by nobody who trades. The size is printed.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tezi::kernels::CppKernels;
use tezi::model::{
    Event, EventKind, Instrument, MarketFlags, Nanos, OrderId, Px, Qty, Segment, StreamId, Token,
};
use tezi::snapshot::{SnapshotReader, SnapshotWriter};
use tezi::strategy::Watch;
use tezi::{Core, CoreConfig};

const INSTRUMENTS: u32 = 500;
const LEVELS: u64 = 20;
const ORDERS: u64 = 1_000_000;

fn new() -> Core<Watch, CppKernels> {
    Core::new(&CoreConfig::default(), Watch, CppKernels).expect("the default bounds")
}

/// Orders come in turn to all books, as they do in a market.
fn filled() -> Core<Watch, CppKernels> {
    let mut core = new();
    for token in 1..=INSTRUMENTS {
        let instrument = Instrument::unknown(Segment::NseFo, Token(token));
        core.define(&instrument).expect("room for an instrument");
    }
    for number in 0..ORDERS {
        let is_sell = number & 1 == 1;
        let level = (number / 1_000 % LEVELS) as i64;
        let event = Event {
            kind_code: EventKind::OrderNew as u8,
            flags: if is_sell { MarketFlags::SELL } else { 0 },
            stream: StreamId::new(Segment::NseFo, 1),
            token: Token(1 + (number / 2) as u32 % INSTRUMENTS),
            order_id: OrderId(1_100_000_000_000_000 + number),
            price: Px::from_paise(10_000 + if is_sell { 5 + 5 * level } else { -5 * level }),
            quantity: Qty(65),
            ..Event::clock(Nanos(number as i64))
        };
        core.on_event(Nanos(number as i64), &event);
    }
    assert_eq!(core.books().orders_count() as u64, ORDERS);
    core
}

fn snapshots(criterion: &mut Criterion) {
    let core = filled();
    let mut out = SnapshotWriter::new();
    core.save(&mut out).expect("a strategy without a state");
    let bytes = out.bytes().to_vec();
    println!("a snapshot of {ORDERS} market orders: {} bytes", bytes.len());
    let mut group = criterion.benchmark_group("core/snapshot");
    group.sample_size(10).throughput(Throughput::Elements(ORDERS));
    group.bench_function("save", |bencher| {
        bencher.iter(|| {
            out.clear();
            core.save(&mut out).expect("a strategy without a state");
            black_box(out.bytes().len())
        });
    });
    group.bench_function("load", |bencher| {
        let load = |mut core: Core<Watch, CppKernels>| {
            core.load(&mut SnapshotReader::new(&bytes)).expect("what was saved");
            core
        };
        bencher.iter_batched(new, load, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, snapshots);
criterion_main!(benches);
