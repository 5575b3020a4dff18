//! The rings both ring benches measure.

use std::hint::black_box;
use std::sync::Arc;

use crossbeam_queue::ArrayQueue;

use crate::shots::{Item, Ring};

/// Reads the whole of an item.
#[inline]
pub(crate) fn read(item: &Item) {
    black_box(*item);
}

/// This engine's own.
pub(crate) struct Tezi;

impl Ring for Tezi {
    type Producer = tezi_ring::Producer<[u64; 7]>;
    type Consumer = tezi_ring::Consumer<[u64; 7]>;
    type Message = tezi_ring::Item<[u64; 7]>;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        tezi_ring::ring(capacity).expect("a power of two")
    }

    #[inline]
    fn message([payload @ .., tag]: Item) -> Self::Message {
        tezi_ring::Item { payload, tag }
    }

    #[inline]
    fn first(message: &Self::Message) -> u64 {
        message.payload[0]
    }

    #[inline]
    fn push(producer: &mut Self::Producer, message: Self::Message) -> bool {
        producer.try_push(message.payload, message.tag).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Self::Message> {
        consumer.pop()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, messages: &[Self::Message]) -> usize {
        producer.push_batch(messages)
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        consumer.drain(256, |payload, tag| {
            black_box((*payload, tag));
        })
    }
}

/// rtrb: indices in lines of their own, each end remembers the other's.
pub(crate) struct Rtrb;

impl Ring for Rtrb {
    type Producer = rtrb::Producer<Item>;
    type Consumer = rtrb::Consumer<Item>;
    type Message = Item;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        rtrb::RingBuffer::new(capacity)
    }

    #[inline]
    fn message(item: Item) -> Item {
        item
    }

    #[inline]
    fn first(message: &Item) -> u64 {
        message[0]
    }

    #[inline]
    fn push(producer: &mut Self::Producer, item: Item) -> bool {
        producer.push(item).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Item> {
        consumer.pop().ok()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, items: &[Item]) -> usize {
        let count = producer.slots().min(items.len());
        let Ok(chunk) = producer.write_chunk_uninit(count) else { return 0 };
        chunk.fill_from_iter(items[..count].iter().copied())
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        let count = consumer.slots().min(256);
        let Ok(chunk) = consumer.read_chunk(count) else { return 0 };
        let (first, second) = chunk.as_slices();
        first.iter().chain(second).for_each(read);
        chunk.commit_all();
        count
    }
}

/// crossbeam: for many producers and consumers, a stamp in each slot.
pub(crate) struct Crossbeam;

impl Ring for Crossbeam {
    type Producer = Arc<ArrayQueue<Item>>;
    type Consumer = Arc<ArrayQueue<Item>>;
    type Message = Item;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let queue = Arc::new(ArrayQueue::new(capacity));
        (Arc::clone(&queue), queue)
    }

    #[inline]
    fn message(item: Item) -> Item {
        item
    }

    #[inline]
    fn first(message: &Item) -> u64 {
        message[0]
    }

    #[inline]
    fn push(producer: &mut Self::Producer, item: Item) -> bool {
        producer.push(item).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Item> {
        consumer.pop()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, items: &[Item]) -> usize {
        usize::from(producer.push(items[0]).is_ok())
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        consumer.pop().map(black_box).map_or(0, |_| 1)
    }
}
