//! Loom's models: every interleaving of small programs, and every value each atomic may show.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p tezi-ring --lib --release
//! ```

#![allow(clippy::unwrap_used, reason = "a model reports by panicking")]

use loom::thread;

use super::*;

/// The payload shows when it is read before it is written, or a lap too late.
fn item(number: u64) -> Item<[u64; 2]> {
    Item { payload: [number + 1, !number], tag: number }
}

fn pop_or_yield(consumer: &mut Consumer<[u64; 2]>) -> Option<Item<[u64; 2]>> {
    let taken = consumer.pop();
    if taken.is_none() {
        thread::yield_now();
    }
    taken
}

/// Runs a producer and a consumer of a ring of two places in every way there is.
fn model(
    produce: fn(&mut Producer<[u64; 2]>),
    consume: fn(&mut Consumer<[u64; 2]>),
    is_producer_kept: bool,
) {
    loom::model(move || {
        let (mut producer, mut consumer) = ring(2).unwrap();
        let other = thread::spawn(move || {
            produce(&mut producer);
            is_producer_kept.then_some(producer)
        });
        consume(&mut consumer);
        drop(other.join().unwrap());
    });
}

#[test]
fn items_come_out_whole_and_in_order_beyond_a_lap() {
    model(
        |producer| {
            for number in 0..3 {
                let Item { payload, tag } = item(number);
                while producer.try_push(payload, tag).is_err() {
                    thread::yield_now();
                }
            }
        },
        |consumer| {
            for number in 0..3 {
                let taken = loop {
                    if let Some(taken) = pop_or_yield(consumer) {
                        break taken;
                    }
                };
                assert_eq!(taken, item(number));
            }
            assert_eq!(consumer.pop(), None);
        },
        true,
    );
}

#[test]
fn a_full_ring_refuses_and_overwrites_nothing() {
    model(
        |producer| {
            let pushes = (0..4).map(|number| {
                let Item { payload, tag } = item(number);
                producer.try_push(payload, tag).is_ok()
            });
            let pushed = pushes.filter(|&is_ok| is_ok).count();
            assert!((2..=4).contains(&pushed));
            assert_eq!(producer.full_count(), 4 - pushed as u64);
        },
        |consumer| {
            // What comes is whole, and later than what came before.
            let mut last = None;
            for _ in 0..3 {
                if let Some(taken) = consumer.pop() {
                    assert_eq!(taken, item(taken.tag));
                    assert!(last < Some(taken.tag));
                    last = Some(taken.tag);
                }
            }
        },
        true,
    );
}

#[test]
fn what_was_pushed_before_the_producer_went_is_read() {
    model(
        |producer| {
            for number in 0..2 {
                let Item { payload, tag } = item(number);
                producer.try_push(payload, tag).unwrap();
            }
        },
        |consumer| {
            let mut next = 0;
            loop {
                // Asked before looking, as the core does.
                let is_last = consumer.is_abandoned();
                match pop_or_yield(consumer) {
                    Some(taken) => {
                        assert_eq!(taken, item(next));
                        next += 1;
                    }
                    None if is_last => break,
                    None => {}
                }
            }
            assert_eq!(next, 2);
        },
        false,
    );
}

#[test]
fn batches_are_whole_though_their_first_item_is_published_last() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2).unwrap();
        // One place on, so that the batch goes over the end of the slots.
        producer.push_batch(&[item(0)]);
        assert_eq!(consumer.pop(), Some(item(0)));
        let other = thread::spawn(move || {
            assert_eq!(producer.push_batch(&[item(1), item(2)]), 2);
            producer
        });
        let mut next = 1;
        while next < 3 {
            let count = consumer.drain(2, |payload, tag| {
                assert_eq!(Item { payload: *payload, tag }, item(next));
                next += 1;
            });
            if count == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(other.join().unwrap().len(), 0);
    });
}

#[test]
fn a_producer_sees_its_consumer_gone() {
    loom::model(|| {
        let (mut producer, mut consumer) = ring(2).unwrap();
        let other = thread::spawn(move || {
            let taken = consumer.pop();
            assert!(taken.is_none_or(|taken| taken == item(0)));
            taken.is_some()
        });
        let Item { payload, tag } = item(0);
        producer.try_push(payload, tag).unwrap();
        let seen = producer.is_abandoned().then(|| producer.len());
        let is_taken = other.join().unwrap();
        assert!(producer.is_abandoned());
        // Whoever sees the consumer gone sees all it gave back.
        assert!(seen.is_none_or(|length| length == usize::from(!is_taken)));
        assert_eq!(producer.len(), usize::from(!is_taken));
    });
}
