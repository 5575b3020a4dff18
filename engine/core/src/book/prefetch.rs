//! Reads ahead what a batch of coming events will look up, so that its cache misses overlap.
//!
//! In books of thousands of instruments each event waits for half a dozen records, each named by
//! the one before: bucket, order, level, neighbours, ladder. Applied one by one, the waits add up.
//! Here all events of a batch take the same step together, so a step waits about once for all.
//!
//! These are ordinary reads, for which safe code needs no intrinsic; `black_box` keeps them. They
//! change nothing, so what an event does never depends on whether it was read ahead. No step asks
//! what kind an event is: a jump on that is mispredicted more often than not.

use core::hint::black_box;

use tezi_model::{InstrumentId, OrderId, Px, Side};

use super::books::Books;
use super::index;
use super::pool::NONE;
use super::record::{Order, ladder_of};

/// What a coming event names. Fields that it does not use are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The segment of both numbers.
    pub segment_code: u8,
    /// The order.
    pub order_id: OrderId,
    /// The number it goes on under, of an event that replaces it.
    pub order_id_new: OrderId,
    /// The instrument of a new order.
    pub instrument: InstrumentId,
    /// The side of a new order.
    pub side: Side,
    /// The price of a new or changed order.
    pub price: Px,
}

/// How far one event is.
#[derive(Clone, Copy)]
struct Step {
    order: Order,
    /// The level it is in, or that a new one may join.
    level: u32,
    /// The level a changed one may join.
    target: u32,
    ladder: u32,
    is_known: bool,
}

impl Step {
    const START: Self =
        Self { order: Order::EMPTY, level: NONE, target: NONE, ladder: NONE, is_known: false };
}

impl Books {
    /// Events of a batch that are looked at; those beyond are not.
    pub const BATCH_MAX: usize = 32;

    /// Books of fewer resting orders stay in the second-level cache, where reading ahead costs more
    /// than it saves.
    pub const PREFETCH_ORDERS_MIN: usize = 1 << 15;

    /// Brings what the next events will look up into the cache. Changes nothing, and does nothing
    /// while the books are [small](Self::PREFETCH_ORDERS_MIN).
    pub fn prefetch(&self, batch: impl Iterator<Item = Upcoming> + Clone) {
        if self.orders.used() < Self::PREFETCH_ORDERS_MIN {
            return;
        }
        let mut steps = [Step::START; Self::BATCH_MAX];
        let batch = batch.take(Self::BATCH_MAX);
        self.read_tables(batch.clone(), &mut steps);
        self.read_orders(batch.clone(), &mut steps);
        self.read_levels(batch, &mut steps);
        self.read_ladders(&steps);
    }

    /// What the event itself names: buckets, the place of the level, the ladder.
    #[inline]
    fn read_tables(&self, batch: impl Iterator<Item = Upcoming>, steps: &mut [Step]) {
        let mut read = 0_u64;
        for (event, step) in batch.zip(steps) {
            let ladder = ladder_of(event.instrument, event.side);
            read ^= self.index.word_of(index::hash(event.segment_code, event.order_id));
            read ^= self.index.word_of(index::hash(event.segment_code, event.order_id_new));
            read ^= u64::from(self.ladders.best(ladder));
            step.level = self.level_cache.guess_priced(ladder, event.price);
            step.ladder = ladder;
        }
        black_box(read);
    }

    /// The order, or the level that a new one may join.
    #[inline]
    fn read_orders(&self, batch: impl Iterator<Item = Upcoming>, steps: &mut [Step]) {
        let mut read = 0_u64;
        for (event, step) in batch.zip(steps) {
            let hash = index::hash(event.segment_code, event.order_id);
            let slot = self.index.first_of(hash);
            read ^= u64::from(self.orders.or_spare(slot).level);
            read ^= u64::from(self.queues.or_spare(step.level).orders);
            step.is_known = slot != NONE;
            step.target = slot;
        }
        black_box(read);
    }

    /// The level and the neighbours of an order; the last order of the level that one joins.
    #[inline]
    fn read_levels(&self, batch: impl Iterator<Item = Upcoming>, steps: &mut [Step]) {
        let mut read = 0_u64;
        for step in &mut *steps {
            step.order = *self.orders.or_spare(step.target);
            step.level = if step.is_known { step.order.level } else { step.level };
            let earlier = if step.is_known { step.order.earlier } else { NONE };
            let later = if step.is_known { step.order.later } else { NONE };
            read ^= u64::from(self.queues.or_spare(step.level).ladder);
            read ^= u64::from(self.orders.or_spare(earlier).quantity);
            read ^= u64::from(self.orders.or_spare(later).quantity);
        }
        black_box(read);
        for (event, step) in batch.zip(steps) {
            let queue = self.queues.or_spare(step.level);
            step.ladder = if step.is_known { queue.ladder } else { step.ladder };
            let last = if step.is_known { NONE } else { queue.last };
            let is_moved = step.is_known && event.price != Px::ZERO;
            let price = if is_moved { event.price } else { Px::ZERO };
            step.target = self.level_cache.guess_priced(step.ladder, price);
            read ^= u64::from(self.orders.or_spare(last).quantity);
            read ^= u64::from(self.ladders.best(step.ladder));
        }
        black_box(read);
    }

    /// The level that a changed order joins; the node of a level that comes or goes.
    #[inline]
    fn read_ladders(&self, steps: &[Step]) {
        let mut read = 0_u64;
        for step in steps {
            let queue = self.queues.or_spare(step.level);
            read ^= u64::from(self.queues.or_spare(step.target).last);
            // A guess of another ladder is no level to join: one will be opened.
            if queue.orders <= 1 || queue.ladder != step.ladder {
                read ^= self.ladders.read_leaf(step.ladder);
            }
        }
        black_box(read);
    }
}
