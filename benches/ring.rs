//! The ring between two threads: one cache line an item, 1,024 places.
//!
//! Regimes: *pair* (one thread pushes and pops: what the instructions cost), and *two threads* (one
//! pushes, one pops, as fast as it goes), beside crossbeam's `ArrayQueue` as a peer. Between threads
//! the machine decides more than the ring does: two virtual cores move between physical ones, and
//! the same binary differs tenfold from run to run. So the rings run in turn, in short shots of one
//! pair of threads, and the median over the shots is reported with the best and the worst tenth.
//! The core waits for the ring after every packet.

mod support;

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use crossbeam_queue::ArrayQueue;
use rtrb::RingBuffer;
use support::{is_measuring, median};

const CAPACITY: usize = 1_024;
type Item = [u64; 8];
/// Moves that many items and returns the nanoseconds of one.
type RingShot = fn(usize) -> f64;

fn pair(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("host/ring_pair");
    let (mut producer, mut consumer) = RingBuffer::<Item>::new(CAPACITY);
    group.bench_function("rtrb", |bencher| {
        bencher.iter(|| {
            let pushed = producer.push(black_box([1; 8])).is_ok();
            (pushed, consumer.pop())
        });
    });
    let queue = ArrayQueue::<Item>::new(CAPACITY);
    group.bench_function("array_queue", |bencher| {
        bencher.iter(|| (queue.push(black_box([1; 8])).is_ok(), queue.pop()));
    });
    group.finish();
}

/// Nanoseconds an item of one shot: a thread pushes `count` items, this one pops them.
fn shot(
    count: usize,
    mut push: impl FnMut(Item) -> bool + Send,
    mut pop: impl FnMut() -> bool,
) -> f64 {
    let ready = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            ready.store(1, Ordering::Release);
            while ready.load(Ordering::Acquire) != 2 {
                std::hint::spin_loop();
            }
            for index in 0..count {
                while !push([index as u64; 8]) {
                    std::hint::spin_loop();
                }
            }
        });
        while ready.load(Ordering::Acquire) != 1 {
            std::hint::spin_loop();
        }
        ready.store(2, Ordering::Release);
        let start = Instant::now();
        let mut popped = 0;
        while popped < count {
            if pop() {
                popped += 1;
            } else {
                std::hint::spin_loop();
            }
        }
        start.elapsed().as_nanos() as f64 / count as f64
    })
}

fn shot_rtrb(count: usize) -> f64 {
    let (mut producer, mut consumer) = RingBuffer::<Item>::new(CAPACITY);
    shot(count, |item| producer.push(item).is_ok(), || consumer.pop().map(black_box).is_ok())
}

/// As the core takes them: all there are at once.
fn shot_rtrb_drained(count: usize) -> f64 {
    let (mut producer, mut consumer) = RingBuffer::<Item>::new(CAPACITY);
    let mut left = 0;
    let pop = || {
        if left == 0 {
            left = consumer.slots().min(256);
            if let Ok(chunk) = consumer.read_chunk(left) {
                let (first, second) = chunk.as_slices();
                first.iter().chain(second).for_each(|item| {
                    black_box(*item);
                });
                chunk.commit_all();
            }
        }
        let is_some = left > 0;
        left = left.saturating_sub(1);
        is_some
    };
    shot(count, |item| producer.push(item).is_ok(), pop)
}

fn shot_array_queue(count: usize) -> f64 {
    let queue = ArrayQueue::<Item>::new(CAPACITY);
    shot(count, |item| queue.push(item).is_ok(), || queue.pop().map(black_box).is_some())
}

fn two_threads() {
    let (shots, count) = if is_measuring() { (101, 200_000) } else { (1, 1_000) };
    let rings: [(&str, RingShot); 3] = [
        ("rtrb", shot_rtrb),
        ("rtrb, drained", shot_rtrb_drained),
        ("ArrayQueue", shot_array_queue),
    ];
    let mut results = [const { Vec::new() }; 3];
    for _ in 0..shots {
        for ((_, ring), result) in rings.iter().zip(&mut results) {
            result.push(ring(count));
        }
    }
    println!("host/ring_two_threads: {shots} shots of {count} items in turn, ns an item");
    println!("{:<16}{:>10}{:>10}{:>10}", "", "p10", "median", "p90");
    for ((name, _), result) in rings.iter().zip(&mut results) {
        let middle = median(result);
        let at = |part: usize| result[result.len() * part / 100];
        println!("{name:<16}{:>10.1}{middle:>10.1}{:>10.1}", at(10), at(90));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = pair
}

fn main() {
    benches();
    two_threads();
    Criterion::default().configure_from_args().final_summary();
}
