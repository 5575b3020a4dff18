//! One queue at one price, as long as is asked for.

use tezi::book::{Books, BooksConfig, Place};
use tezi::model::{InstrumentId, OrderId, Px, Qty, Side};

use super::Random;

/// A queue whose orders leave from anywhere while others join.
pub(crate) struct LongQueue {
    books: Books,
    random: Random,
    /// The numbers of its orders, in no order.
    live: Vec<u64>,
    next: u64,
}

impl LongQueue {
    /// One queue of so many orders, numbered from 1.
    pub(crate) fn new(orders: u64) -> Self {
        let orders_max = orders as u32 + 1;
        let config = BooksConfig { instruments_max: 1, orders_max, levels_max: 1 };
        let mut books = Books::new(&config);
        books.add_instrument().expect("there is room for one");
        let mut queue = Self { books, random: Random::new(1), live: Vec::new(), next: 1 };
        for _ in 0..orders {
            let joined = queue.join();
            queue.live.push(joined);
        }
        queue
    }

    fn join(&mut self) -> u64 {
        let id = self.next;
        self.next += 1;
        let joined = self.books.on_new(InstrumentId(0), 1, OrderId(id), Side::Buy, Px(5), Qty(1));
        assert!(joined.is_ok(), "there is room in the queue");
        id
    }

    /// An order joins, and one from anywhere leaves.
    pub(crate) fn pair(&mut self) {
        let joined = self.join();
        let at = self.random.below(self.live.len());
        let left = core::mem::replace(&mut self.live[at], joined);
        self.books.on_cancel(1, OrderId(left));
    }

    /// What is ahead of an order anywhere.
    pub(crate) fn place(&mut self) -> Option<Place> {
        let at = self.random.below(self.live.len());
        self.books.queue_position(1, OrderId(self.live[at]))
    }
}
