//! One thread against a naive model, two threads against each other, and every way an end can go.
//! Small enough for Miri: `cargo +nightly miri test -p tezi-ring`.

#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use tezi_testing::Random;

/// Less of everything under Miri, which is a thousand times slower.
const fn steps(count: u64) -> u64 {
    if cfg!(miri) { count / 500 } else { count }
}

type Payload = [u64; 7];

/// The item of a number: each word differs, so that a torn or stale payload shows.
fn item(number: u64) -> Item<Payload> {
    let payload = core::array::from_fn(|word| number.wrapping_mul(8) + word as u64);
    Item { payload, tag: number & TAG_MAX }
}

fn small(capacity: usize) -> (Producer<Payload>, Consumer<Payload>) {
    ring(capacity).unwrap()
}

#[test]
fn only_powers_of_two_make_a_ring() {
    for capacity in [0, 3, 6, 1_000, CAPACITY_MAX + 1, CAPACITY_MAX * 2, usize::MAX] {
        assert_eq!(ring::<u64>(capacity).unwrap_err(), CapacityError { capacity });
    }
    let text = CapacityError { capacity: 3 }.to_string();
    assert_eq!(text, "the capacity of a ring is a power of two from 1 to 1073741824, not 3");
    for capacity in [1, 2, 64] {
        let (producer, consumer) = small(capacity);
        assert_eq!((producer.capacity(), consumer.capacity()), (capacity, capacity));
    }
}

#[test]
fn a_new_ring_is_empty_whatever_zero_means() {
    let (mut producer, mut consumer) = small(4);
    assert_eq!((consumer.pop(), consumer.len(), producer.len()), (None, 0, 0));
    assert!(consumer.is_empty() && producer.is_empty());
    // Zeros are an item like any other.
    producer.try_push([0; 7], 0).unwrap();
    assert_eq!(consumer.pop(), Some(Item { payload: [0; 7], tag: 0 }));
    assert_eq!(consumer.pop(), None);
}

#[test]
fn every_place_is_used_on_every_lap() {
    for capacity in [1, 2, 8] {
        let (mut producer, mut consumer) = small(capacity);
        for lap in 0..5 {
            let first = lap * capacity as u64;
            for number in first..first + capacity as u64 {
                let Item { payload, tag } = item(number);
                assert_eq!(consumer.len() as u64, number - first);
                producer.try_push(payload, tag).unwrap();
            }
            assert_eq!((producer.len(), consumer.len()), (capacity, capacity));
            assert_eq!(producer.try_push([0; 7], 0), Err(Full));
            for number in first..first + capacity as u64 {
                assert_eq!(consumer.pop(), Some(item(number)), "lap {lap}");
            }
            assert_eq!(consumer.pop(), None, "lap {lap}");
        }
        assert_eq!(producer.full_count(), 5);
    }
}

#[test]
fn a_tag_keeps_63_bits() {
    let (mut producer, mut consumer) = small(1);
    for tag in [0, 1, TAG_MAX, TAG_MAX + 1, u64::MAX, 0x8000_0000_0000_1234] {
        producer.try_push([9; 7], tag).unwrap();
        assert_eq!(consumer.pop().map(|item| item.tag), Some(tag & TAG_MAX));
        assert_eq!(consumer.pop(), None);
    }
}

#[test]
fn payloads_of_any_size_go_through() {
    fn one<P: Copy + Zeroable + Send + PartialEq + core::fmt::Debug>(payload: P, size: usize) {
        assert_eq!(slot_size::<P>(), size);
        let (mut producer, mut consumer) = ring::<P>(2).unwrap();
        for tag in 0..5 {
            producer.try_push(payload, tag).unwrap();
            assert_eq!(consumer.pop(), Some(Item { payload, tag }));
        }
    }
    one((), 64);
    one(7_u8, 64);
    one([3_u8; 55], 64);
    one([3_u8; 57], 128);
    one(u128::MAX, 64);
    one([1_u64; 8], 128);
    one([1_u64; 15], 128);
}

#[test]
fn a_reserved_place_holds_nothing_until_it_is_published() {
    let (mut producer, mut consumer) = small(2);
    let mut place = producer.reserve().unwrap();
    place[3] = 5;
    assert_eq!(*place, [0, 0, 0, 5, 0, 0, 0]);
    drop(place);
    assert_eq!((consumer.pop(), producer.len()), (None, 0));
    let mut place = producer.reserve().unwrap();
    place[0] = 1;
    place.publish(8);
    assert_eq!(consumer.pop(), Some(Item { payload: [1, 0, 0, 5, 0, 0, 0], tag: 8 }));
}

#[test]
fn a_panic_while_writing_pushes_nothing() {
    let (mut producer, mut consumer) = small(2);
    let push = AssertUnwindSafe(|| producer.push_with(1, |_| panic!("on purpose")));
    assert!(catch_unwind(push).is_err());
    assert_eq!((consumer.pop(), producer.len()), (None, 0));
    producer.try_push([4; 7], 2).unwrap();
    assert_eq!(consumer.pop(), Some(Item { payload: [4; 7], tag: 2 }));
}

#[test]
fn a_batch_takes_the_room_there_is() {
    let (mut producer, mut consumer) = small(4);
    let items: Vec<_> = (0..10).map(item).collect();
    assert_eq!(producer.push_batch(&[]), 0);
    assert_eq!(producer.push_batch(&items[..3]), 3);
    assert_eq!((producer.push_batch(&items[3..]), producer.full_count()), (1, 1));
    assert_eq!((producer.push_batch(&items[4..]), producer.full_count()), (0, 2));
    assert_eq!(consumer.pop(), Some(items[0]));
    assert_eq!(producer.push_batch(&items[4..5]), 1);
    let mut seen = Vec::new();
    assert_eq!(consumer.drain(2, |payload, tag| seen.push(Item { payload: *payload, tag })), 2);
    assert_eq!(consumer.drain(9, |payload, tag| seen.push(Item { payload: *payload, tag })), 2);
    assert_eq!(consumer.drain(9, |_, _| {}), 0);
    assert_eq!(seen, items[1..5]);
    assert_eq!(producer.full_count(), 2);
}

#[test]
fn a_drain_that_ends_early_leaves_the_item_that_ended_it() {
    let (mut producer, mut consumer) = small(4);
    producer.push_batch(&[item(0), item(1), item(2)]);
    let refuse = |_: &Payload, tag| if tag == 1 { Err("no") } else { Ok(()) };
    assert_eq!(consumer.try_drain(9, refuse), Err("no"));
    assert_eq!((producer.len(), consumer.len()), (2, 2));
    let drain = AssertUnwindSafe(|| consumer.drain(9, |_, tag| assert_ne!(tag, 2)));
    assert!(catch_unwind(drain).is_err());
    assert_eq!((consumer.pop(), producer.len()), (Some(item(2)), 0));
}

#[test]
fn each_end_sees_the_other_go() {
    let (mut producer, mut consumer) = small(2);
    assert!(!producer.is_abandoned() && !consumer.is_abandoned());
    producer.push_batch(&[item(0), item(1)]);
    drop(producer);
    assert!(consumer.is_abandoned());
    assert_eq!([consumer.pop(), consumer.pop()], [Some(item(0)), Some(item(1))]);
    assert_eq!(consumer.pop(), None);

    let (mut producer, consumer) = small(2);
    drop(consumer);
    assert!(producer.is_abandoned());
    assert_eq!(producer.push_batch(&[item(0), item(1), item(2)]), 2);
    assert_eq!(producer.try_push([0; 7], 0), Err(Full));
}

/// Every operation, in random order, against a queue; the counts are checked after each.
#[test]
fn it_does_what_a_queue_does() {
    for seed in 0..if cfg!(miri) { 3 } else { 20 } {
        let mut random = Random(seed);
        let capacity = 1 << random.below(5);
        let (mut producer, mut consumer) = small(capacity);
        let (mut queue, mut next, mut refused) = (VecDeque::new(), 0, 0);
        for step in 0..steps(20_000) {
            let context = format!("seed {seed} step {step}");
            let room = capacity - queue.len();
            match random.below(5) {
                0 => {
                    let Item { payload, tag } = item(next);
                    let pushed = producer.push_with(tag, |place| *place = payload);
                    assert_eq!(pushed.is_ok(), room > 0, "{context}");
                    queue.extend(pushed.ok().map(|()| item(next)));
                    next += u64::from(pushed.is_ok());
                    refused += u64::from(pushed.is_err());
                }
                1 => {
                    let items: Vec<_> = (next..next + random.below(9)).map(item).collect();
                    let count = producer.push_batch(&items);
                    assert_eq!(count, items.len().min(room), "{context}");
                    queue.extend(&items[..count]);
                    next += count as u64;
                    refused += u64::from(count < items.len());
                }
                2 | 3 => assert_eq!(consumer.pop(), queue.pop_front(), "{context}"),
                _ => {
                    let max = random.below(9) as usize;
                    let expected = max.min(queue.len());
                    let count = consumer.drain(max, |payload, tag| {
                        let taken = Item { payload: *payload, tag };
                        assert_eq!(Some(taken), queue.pop_front(), "{context}");
                    });
                    assert_eq!(count, expected, "{context}");
                }
            }
            let lengths = (producer.len(), consumer.len(), producer.full_count());
            assert_eq!(lengths, (queue.len(), queue.len(), refused), "{context}");
            assert_eq!(consumer.is_empty(), queue.is_empty(), "{context}");
        }
    }
}

/// Two threads, each taking and giving in its own random portions: everything arrives once, whole
/// and in order, however small the ring.
#[test]
fn two_threads_lose_nothing_and_keep_the_order() {
    for (seed, capacity) in [1, 2, 4, 64, 1_024].into_iter().enumerate() {
        let total = steps(100_000);
        let (mut producer, mut consumer) = small(capacity);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut random = Random(seed as u64);
                let mut next = 0;
                while next < total {
                    let wanted = random.below(40).min(total - next);
                    let pushed = if wanted < 8 {
                        let Item { payload, tag } = item(next);
                        usize::from(producer.try_push(payload, tag).is_ok())
                    } else {
                        producer.push_batch(&(next..next + wanted).map(item).collect::<Vec<_>>())
                    };
                    next += pushed as u64;
                    if pushed == 0 {
                        std::thread::yield_now();
                    }
                }
            });
            let mut random = Random(!(seed as u64));
            let mut next = 0;
            loop {
                let is_last = consumer.is_abandoned();
                let before = next;
                let max = random.below(40) as usize;
                assert!(consumer.len() <= capacity);
                if max < 8 {
                    if let Some(taken) = consumer.pop() {
                        assert_eq!(taken, item(next), "capacity {capacity}");
                        next += 1;
                    }
                } else {
                    consumer.drain(max, |payload, tag| {
                        let taken = Item { payload: *payload, tag };
                        assert_eq!(taken, item(next), "capacity {capacity}");
                        next += 1;
                    });
                }
                if next == before {
                    if is_last {
                        break;
                    }
                    std::thread::yield_now();
                }
            }
            assert_eq!(next, total, "capacity {capacity}");
        });
    }
}

/// The producer stops when it sees the consumer gone, and what it pushed until then fits the ring.
#[test]
fn a_consumer_that_goes_stops_a_producer_that_waits() {
    let (mut producer, mut consumer) = small(4);
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let taken = &taken;
        let pushing = scope.spawn(move || {
            let mut pushed = 0;
            while !producer.is_abandoned() {
                pushed += usize::from(producer.try_push([1; 7], 1).is_ok());
                std::thread::yield_now();
            }
            pushed
        });
        while taken.load(Ordering::Relaxed) < 100 {
            taken.fetch_add(consumer.drain(3, |_, _| {}), Ordering::Relaxed);
            std::thread::yield_now();
        }
        drop(consumer);
        let pushed = pushing.join().unwrap();
        let taken = taken.load(Ordering::Relaxed);
        assert!((taken..=taken + 4).contains(&pushed), "{pushed} pushed, {taken} taken");
    });
}
