//! The books and what events do to them.

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

use super::index::OrderIndex;
use super::ladder::Ladders;
use super::level_cache::LevelCache;
use super::marks::Marks;
use super::pool::{NONE, Pool};
use super::record::{Order, Queue, ladder_of};
use super::types::{Action, Applied, BookCounters, BookError, BooksConfig};

/// The L3 books of all instruments.
///
/// An order is known by a *segment code* and its number. Orders whose numbers may be those of others,
/// as a spread's are those of outright orders, come under a code of their own (decision 0009).
///
/// **Bounds**: see [`BooksConfig`]; an event that would pass one is refused and counted, and
/// everything is as it was. **Cost**: no allocation after `new`. Lookup by number, removal, the
/// touch: O(1). A new price: O(log levels), near the touch O(1).
///
/// # Invariants
///
/// - An order is in the index, in one queue, and counted in that queue's quantity and orders.
/// - A queue is in its ladder at its price and is not empty.
/// - Priorities ascend along a queue.
///
/// ```
/// use tezi_core::book::{Books, BooksConfig};
/// use tezi_model::{OrderId, Px, Qty, Segment, Side};
///
/// let mut books = Books::new(&BooksConfig { instruments_max: 1, orders_max: 8, levels_max: 8 });
/// let future = books.add_instrument()?;
/// let price = Px::from_paise(2_245_005);
/// books.on_new(future, Segment::NseFo as u8, OrderId(7), Side::Buy, price, Qty(65))?;
/// assert_eq!(books.touch(future, Side::Buy).map(|level| level.quantity), Some(65));
/// # Ok::<(), tezi_core::book::BookError>(())
/// ```
#[derive(Clone)]
pub struct Books {
    pub(super) orders: Pool<Order>,
    pub(super) queues: Pool<Queue>,
    pub(super) index: OrderIndex,
    pub(super) ladders: Ladders,
    pub(super) level_cache: LevelCache,
    pub(super) marks: Marks,
    pub(super) instruments: u32,
    pub(super) instruments_max: u32,
    pub(super) priority: u64,
    pub(super) counters: BookCounters,
}

impl Books {
    /// Empty books. Allocates and touches all memory they will ever use.
    #[must_use]
    pub fn new(config: &BooksConfig) -> Self {
        let bound = |value: u32| value.min(BooksConfig::BOUND_MAX);
        let (orders, levels) = (bound(config.orders_max), bound(config.levels_max));
        let instruments_max = bound(config.instruments_max);
        Self {
            orders: Pool::new(orders, Order::EMPTY),
            queues: Pool::new(levels, Queue::EMPTY),
            index: OrderIndex::new(orders),
            ladders: Ladders::new(instruments_max * 2, levels),
            level_cache: LevelCache::new(levels),
            marks: Marks::new(orders, levels),
            instruments: 0,
            instruments_max,
            priority: 0,
            counters: BookCounters::default(),
        }
    }

    /// Opens the book of one more instrument. Ids are 0, 1, 2, …
    ///
    /// # Errors
    ///
    /// [`BookError::InstrumentsFull`] at the bound.
    pub fn add_instrument(&mut self) -> Result<InstrumentId, BookError> {
        let instrument = InstrumentId(self.instruments);
        if self.instruments == self.instruments_max {
            return Err(self.refuse(BookError::InstrumentsFull));
        }
        for side in Side::BOTH {
            let opened = self.ladders.open(ladder_of(instrument, side));
            assert!(opened.is_some(), "every instrument within the bound has its ladders");
        }
        self.instruments += 1;
        Ok(instrument)
    }

    /// An order rests. A number that rests already is changed instead (a refilled disclosed
    /// quantity comes under the same number).
    ///
    /// # Errors
    ///
    /// [`BookError::UnknownInstrument`], [`BookError::NoOrderId`], and at a bound
    /// [`BookError::OrdersFull`] or [`BookError::LevelsFull`].
    #[inline]
    pub fn on_new(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        order_id: OrderId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        self.check(instrument, order_id)?;
        let ladder = ladder_of(instrument, side);
        if let Some(slot) = self.find(segment_code, order_id) {
            self.counters.new_live += 1;
            return self.amend(slot, ladder, price, quantity);
        }
        self.add(ladder, segment_code, order_id, price, quantity)
    }

    /// An order has this price and quantity now. One that does not rest is new (a stop-loss that
    /// was triggered, or an order from before a late join); quantity 0 removes it.
    ///
    /// It keeps its place when the price is the same and the quantity not larger (NNF capital
    /// market 6.1: a change of price or more quantity loses time priority).
    ///
    /// # Errors
    ///
    /// As [`Self::on_new`].
    #[inline]
    pub fn on_modify(
        &mut self,
        instrument: InstrumentId,
        segment_code: u8,
        order_id: OrderId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        self.check(instrument, order_id)?;
        let ladder = ladder_of(instrument, side);
        if let Some(slot) = self.find(segment_code, order_id) {
            return self.amend(slot, ladder, price, quantity);
        }
        self.counters.modify_unknown += 1;
        self.add(ladder, segment_code, order_id, price, quantity)
    }

    /// An order left the book. One that does not rest is ignored.
    #[inline]
    pub fn on_cancel(&mut self, segment_code: u8, order_id: OrderId) -> Applied {
        let Some(slot) = self.find(segment_code, order_id) else {
            self.counters.cancel_unknown += 1;
            return Applied::IGNORED;
        };
        Applied::one(Action::Removed, self.remove(slot))
    }

    /// Two orders traded. An id of 0 was never shown; one that does not rest is ignored (market
    /// and stop-loss orders are not sent). No change of a resting order follows a trade, so its
    /// quantity is reduced here.
    #[inline]
    pub fn on_trade(
        &mut self,
        segment_code: u8,
        buy_order_id: OrderId,
        sell_order_id: OrderId,
        quantity: Qty,
    ) -> Applied {
        let overfilled = self.counters.overfilled;
        let bid = self.fill(Side::Buy, segment_code, buy_order_id, quantity);
        let ask = self.fill(Side::Sell, segment_code, sell_order_id, quantity);
        let is_ignored = bid.is_none() && ask.is_none();
        Applied {
            action: if is_ignored { Action::Ignored } else { Action::Traded },
            overfilled: self.counters.overfilled != overfilled,
            changes: [bid, ask],
        }
    }

    /// A quantity left an order, by a trade or a partial cancel; what is left keeps its place. For
    /// feeds that name the order and not its side (ITCH 5.0: `E`, `C`, `X`). An order that does not
    /// rest is ignored.
    #[inline]
    pub fn on_reduce(&mut self, segment_code: u8, order_id: OrderId, quantity: Qty) -> Applied {
        let Some(slot) = self.find(segment_code, order_id) else {
            self.counters.trade_unknown += 1;
            return Applied::IGNORED;
        };
        if quantity.is_zero() {
            return Applied::unchanged(Action::Unchanged);
        }
        let overfilled = self.counters.overfilled;
        let change = self.reduce(slot, quantity);
        let overfilled = self.counters.overfilled != overfilled;
        Applied { overfilled, ..Applied::one(Action::Traded, change) }
    }

    /// An order goes on under another number, price and quantity, at the end of the queue, on the
    /// side it had (ITCH 5.0: `U`). An order that does not rest is ignored: its side is not known.
    ///
    /// # Errors
    ///
    /// [`BookError::NoOrderId`] for a new number of 0, [`BookError::LevelsFull`].
    #[inline]
    pub fn on_replace(
        &mut self,
        segment_code: u8,
        order_id: OrderId,
        order_id_new: OrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<Applied, BookError> {
        if order_id_new.is_none() {
            return Err(self.refuse(BookError::NoOrderId));
        }
        let Some(slot) = self.find(segment_code, order_id) else {
            self.counters.modify_unknown += 1;
            return Ok(Applied::IGNORED);
        };
        self.replace(slot, order_id_new, price, quantity)
    }

    /// Removes every order of an instrument: its stream began again. O(orders of it).
    pub fn clear(&mut self, instrument: InstrumentId) {
        for side in Side::BOTH {
            let ladder = ladder_of(instrument, side);
            for queue_slot in self.ladders.iter(ladder) {
                let mut slot = self.queues[queue_slot].first;
                while slot != NONE {
                    let order = self.orders[slot];
                    let (code, id) = (order.segment_code(), order.order_id);
                    self.index.remove(code, id, slot);
                    self.orders.give_back(slot);
                    slot = order.later;
                }
                self.marks.clear(queue_slot);
                self.queues[queue_slot].ladder = NONE;
                self.queues.give_back(queue_slot);
            }
            self.ladders.clear(ladder);
        }
    }

    /// Takes the next place in time, as an order that now joined a queue would: for an own order
    /// whose place among the real ones is followed.
    #[inline]
    pub const fn priority_next(&mut self) -> u64 {
        self.priority += 1;
        self.priority
    }

    /// The slot of a resting order.
    #[inline(always)]
    pub(super) fn find(&self, segment_code: u8, order_id: OrderId) -> Option<u32> {
        self.index.find(segment_code, order_id, |slot| {
            let order = &self.orders[slot];
            order.order_id == order_id && order.segment_code() == segment_code
        })
    }

    #[inline]
    fn check(&mut self, instrument: InstrumentId, order_id: OrderId) -> Result<(), BookError> {
        if instrument.0 >= self.instruments {
            return Err(self.refuse(BookError::UnknownInstrument));
        }
        if order_id.is_none() {
            return Err(self.refuse(BookError::NoOrderId));
        }
        Ok(())
    }

    #[cold]
    pub(super) const fn refuse(&mut self, error: BookError) -> BookError {
        self.counters.refused += 1;
        error
    }
}
