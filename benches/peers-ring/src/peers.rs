//! Peers that the engine itself does not use.

use std::hint::black_box;

use disruptor::{
    BusySpin, EventPoller, Producer as _, SingleConsumerBarrier, SingleProducer,
    SingleProducerBarrier, build_single_producer,
};
use ringbuf::traits::{Consumer as _, Producer as _, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

use crate::ring_peers::read;
use crate::shots::{Item, Ring};

/// ringbuf: indices in lines of their own.
pub(crate) struct Ringbuf;

impl Ring for Ringbuf {
    type Producer = HeapProd<Item>;
    type Consumer = HeapCons<Item>;
    type Message = Item;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        HeapRb::new(capacity).split()
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
        producer.try_push(item).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Item> {
        consumer.try_pop()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, items: &[Item]) -> usize {
        producer.push_slice(items)
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        let (first, second) = consumer.as_slices();
        first.iter().chain(second).take(256).for_each(read);
        let count = (first.len() + second.len()).min(256);
        consumer.skip(count)
    }
}

/// The LMAX disruptor in Rust, polled by the consumer's own thread.
pub(crate) struct Disruptor;

impl Ring for Disruptor {
    type Producer = SingleProducer<Item, SingleConsumerBarrier>;
    type Consumer = EventPoller<Item, SingleProducerBarrier>;
    type Message = Item;

    fn ring(capacity: usize) -> (Self::Producer, Self::Consumer) {
        let (poller, builder) =
            build_single_producer(capacity, || [0; 8], BusySpin).new_event_poller();
        (builder.build(), poller)
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
        producer.try_publish(|place| *place = item).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Item> {
        let mut events = consumer.take(1).ok()?;
        (&mut events).next().copied()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, items: &[Item]) -> usize {
        let count = items.len();
        let published = producer.try_batch_publish(count, |places| {
            places.zip(items).for_each(|(place, item)| *place = *item);
        });
        published.map_or(0, |_| count)
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        let Ok(mut events) = consumer.take(256) else { return 0 };
        let count = (&mut events).len();
        (&mut events).for_each(read);
        count
    }
}

/// heapless: indices beside the slots, `N - 1` of which hold items.
pub(crate) struct Heapless<const N: usize>;

impl<const N: usize> Ring for Heapless<N> {
    type Producer = heapless::spsc::Producer<'static, Item>;
    type Consumer = heapless::spsc::Consumer<'static, Item>;
    type Message = Item;

    fn ring(_: usize) -> (Self::Producer, Self::Consumer) {
        // Its ends borrow the queue; some megabytes in all are never given back.
        Box::leak(Box::new(heapless::spsc::Queue::<Item, N>::new())).split()
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
        producer.enqueue(item).is_ok()
    }

    #[inline]
    fn pop(consumer: &mut Self::Consumer) -> Option<Item> {
        consumer.dequeue()
    }

    #[inline]
    fn push_batch(producer: &mut Self::Producer, items: &[Item]) -> usize {
        usize::from(producer.enqueue(items[0]).is_ok())
    }

    #[inline]
    fn drain(consumer: &mut Self::Consumer) -> usize {
        consumer.dequeue().map(black_box).map_or(0, |_| 1)
    }
}
