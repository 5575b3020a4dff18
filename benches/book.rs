//! The L3 book: one event applied and the touch read after it.
//!
//! Regimes: *tight* (a liquid future: 2,000 orders on 100 levels a side), *deep* (10,000 orders on
//! 1,000 levels a side, 80 % of events within ten levels of the touch), *even* (the same, every
//! event behind those ten levels, on all alike: the worst case), *wide* (1,000 contracts of 40
//! orders). The mix is 81 % `M`, 10 % `N`, 8 % `X` and 1 % trades; each pass of 100,000 events
//! begins with a copy of the same used book. The core waits for the result before it asks the
//! strategy.
//!
//! *place*: what is ahead of an order anywhere in a queue of 1 to 1,000,000 orders, which a strategy
//! asks for its own; *queue*: such a queue loses an order anywhere and gets one at its end.

mod support;

use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use support::flow::{Flow, FlowShape};
use support::long_queue::LongQueue;

const EVENTS: usize = 100_000;

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/book");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, shape) in [
        ("tight", FlowShape::TIGHT),
        ("deep", FlowShape::DEEP),
        ("even", FlowShape::EVEN),
        ("wide", FlowShape::WIDE),
    ] {
        let flow = Flow::new(shape, 1, EVENTS);
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || flow.books.clone(),
                |books| flow.steps.iter().map(|step| step.apply(books)).sum::<u64>(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn queues(criterion: &mut Criterion) {
    for orders in [1, 100, 1_000, 20_000, 1_000_000] {
        let mut queue = LongQueue::new(orders);
        criterion.bench_function(&format!("core/place/{orders}"), |bencher| {
            bencher.iter(|| queue.place());
        });
        criterion.bench_function(&format!("core/queue/{orders}"), |bencher| {
            bencher.iter(|| queue.pair());
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = apply, queues
}
criterion_main!(benches);
