//! Reads ahead what coming events will look up, so that their cache misses overlap.
//!
//! In books of thousands of instruments each event waits for half a dozen records, each named by
//! the one before: bucket, order, level, neighbours, node. Applied one by one, the waits add up.
//! Here every event of a batch goes through the same steps some events ahead of the one that is
//! applied: while that works, the lines of those to come are on their way (software pipelining;
//! S. Chen, A. Ailamaki, P. Gibbons, T. Mowry, "Improving Hash Join Performance through
//! Prefetching", 2004).
//!
//! Prefetches change nothing, so what an event does never depends on whether it was read ahead. No
//! step asks what kind an event is: a jump on that is mispredicted more often than not.

use core::hint::select_unpredictable;

use tezi_model::{InstrumentId, OrderId, Px, Side};

use super::books::Books;
use super::pool::NONE;
use super::record::{Order, ladder_of};

/// What a coming event names. Fields that it does not use are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// The segment of both numbers.
    pub segment_code: u8,
    /// The order.
    pub order_id: OrderId,
    /// The number it goes on under, of an event that replaces it; the other order of a trade.
    pub order_id_new: OrderId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side, where the event says it.
    pub side: Side,
    /// The price of a new or changed order.
    pub price: Px,
}

/// How far one event is.
#[derive(Clone, Copy)]
struct Step {
    price: Px,
    ladder: u32,
    /// Where in the index of orders its number is, and where in the table of levels its price.
    order_place: u32,
    level_place: u32,
    /// The order it names, if that rests.
    slot: u32,
    /// The level at its price, if that is known.
    target: u32,
}

impl Step {
    const NOTHING: Self = Self {
        price: Px::ZERO,
        ladder: NONE,
        order_place: 0,
        level_place: 0,
        slot: NONE,
        target: NONE,
    };
}

/// Events on their way to the books.
///
/// Push the events of a batch [`Self::DISTANCE`] ahead of the one that is applied; when no more
/// come, [`Self::pass`] takes those before it further.
///
/// ```
/// # use tezi_core::book::{Books, BooksConfig, ReadAhead, Upcoming};
/// # use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};
/// # let mut books = Books::new(&BooksConfig { instruments_max: 1, orders_max: 64, levels_max: 64 });
/// # let instrument = books.add_instrument()?;
/// let side = Side::Buy;
/// let upcoming = |id: u64| Upcoming {
///     segment_code: 1,
///     order_id: OrderId(id),
///     order_id_new: OrderId(0),
///     instrument,
///     side,
///     price: Px::from_paise(5),
/// };
/// let batch: Vec<u64> = (1..=50).collect();
/// let mut ahead = ReadAhead::default();
/// for &id in batch.iter().take(ReadAhead::DISTANCE) {
///     ahead.push(&books, &upcoming(id));
/// }
/// for (place, &id) in batch.iter().enumerate() {
///     match batch.get(place + ReadAhead::DISTANCE) {
///         Some(&later) => ahead.push(&books, &upcoming(later)),
///         None => ahead.pass(&books),
///     }
///     books.on_new(instrument, 1, OrderId(id), side, Px::from_paise(5), Qty(1))?;
/// }
/// # Ok::<(), tezi_core::book::BookError>(())
/// ```
#[derive(Clone)]
pub struct ReadAhead {
    /// A ring: the latest is before `next`.
    steps: [Step; Self::RING],
    next: usize,
}

impl Default for ReadAhead {
    fn default() -> Self {
        Self { steps: [Step::NOTHING; Self::RING], next: 0 }
    }
}

impl ReadAhead {
    /// Events from one step of an event to its next.
    const STRIDE: usize = 4;
    /// Steps of an event, each of which looks at what the one before asked for.
    const STEPS: usize = 4;
    /// How many events before its own turn an event is to be pushed.
    pub const DISTANCE: usize = Self::STRIDE * Self::STEPS;
    const RING: usize = Self::DISTANCE.next_power_of_two();

    /// One more event comes.
    #[inline]
    pub fn push(&mut self, books: &Books, event: &Upcoming) {
        let step = books.read_tables(event);
        self.advance(books, step);
    }

    /// No more events come, but the next is applied.
    #[inline]
    pub fn pass(&mut self, books: &Books) {
        self.advance(books, Step::NOTHING);
    }

    #[inline]
    fn advance(&mut self, books: &Books, step: Step) {
        let place = |age: usize| self.next.wrapping_sub(age) % Self::RING;
        let [order, level, node] = [1, 2, 3].map(|steps| place(steps * Self::STRIDE));
        books.read_order(&mut self.steps[order]);
        books.read_level(&self.steps[level]);
        books.read_node(&self.steps[node]);
        self.steps[self.next % Self::RING] = step;
        self.next = self.next.wrapping_add(1);
    }
}

impl Books {
    /// Books of fewer resting orders stay in the second-level cache, where reading ahead costs more
    /// than it saves.
    pub const READ_AHEAD_ORDERS_MIN: usize = 1 << 15;

    /// Whether the books are so large that [`ReadAhead`] saves more than it costs.
    #[inline]
    #[must_use]
    pub fn is_worth_reading_ahead(&self) -> bool {
        self.orders.used() >= Self::READ_AHEAD_ORDERS_MIN
    }

    /// What the event itself names: places in the tables, the ladder.
    #[inline]
    fn read_tables(&self, event: &Upcoming) -> Step {
        let Upcoming { segment_code, order_id, order_id_new, price, .. } = *event;
        let ladder = ladder_of(event.instrument, event.side);
        let order_place = self.index.prefetch(segment_code, order_id);
        self.index.prefetch(segment_code, order_id_new);
        let level_place = self.level_cache.prefetch(ladder, price);
        self.ladders.prefetch(ladder);
        Step { price, ladder, order_place, level_place, slot: NONE, target: NONE }
    }

    /// The order, and the level that it may join.
    #[inline]
    fn read_order(&self, step: &mut Step) {
        step.slot = self.index.guess(step.order_place);
        step.target = self.level_cache.guess_at(step.level_place);
        self.orders.prefetch(step.slot);
        self.queues.prefetch(step.target);
    }

    /// The level and the neighbours of the order, and the last of the level it may join.
    ///
    /// Where no order rests this reads the spare, which has no level. Neighbours it may have, since
    /// links are written to it: a line more is asked for then, which costs less than to ask whether.
    #[inline]
    fn read_level(&self, step: &Step) {
        let Order { level, earlier, later, .. } = *self.orders.or_spare(step.slot);
        self.queues.prefetch(level);
        self.orders.prefetch(earlier);
        self.orders.prefetch(later);
        self.orders.prefetch(self.queues.or_spare(step.target).last);
    }

    /// The node of a level that comes or goes.
    #[inline]
    fn read_node(&self, step: &Step) {
        let level = self.queues.or_spare(self.orders.or_spare(step.slot).level);
        let target = self.queues.or_spare(step.target);
        let opens = (step.price != Px::ZERO)
            & ((target.price != step.price) | (target.ladder >> 1 != step.ladder >> 1));
        let ladder = select_unpredictable(level.ladder == NONE, step.ladder, level.ladder);
        // Close to random, so not a jump: the spare node is in the cache already.
        let is_wanted = opens | (level.orders == 1);
        self.ladders.prefetch_leaf(select_unpredictable(is_wanted, ladder, NONE));
    }
}
