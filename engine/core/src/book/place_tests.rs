//! Places in long queues, against queues that are counted through.

use tezi_model::{InstrumentId, OrderId, Px, Qty, Side};

use super::marks::{LONG_BUILD, LONG_MIN};
use super::{Books, BooksConfig, Place};

const A: InstrumentId = InstrumentId(0);
const CODE: u8 = 1;

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) as usize % bound
    }
}

/// The real books beside three queues of orders and quantities.
struct Pair {
    books: Books,
    queues: [Vec<(u64, u32)>; 3],
    next: u64,
}

impl Pair {
    fn new(orders_max: u32) -> Self {
        let config = BooksConfig { instruments_max: 1, orders_max, levels_max: 8 };
        let mut books = Books::new(&config);
        books.add_instrument().unwrap();
        Self { books, queues: [const { Vec::new() }; 3], next: 1 }
    }

    fn join(&mut self, queue: usize, quantity: u32) {
        let (id, price) = (self.next, Px(queue as i64));
        self.next += 1;
        self.books.on_new(A, CODE, OrderId(id), Side::Sell, price, Qty(quantity)).unwrap();
        self.queues[queue].push((id, quantity));
    }

    fn leave(&mut self, queue: usize, at: usize) {
        let (id, _) = self.queues[queue].remove(at);
        self.books.on_cancel(CODE, OrderId(id));
    }

    /// Another quantity: less keeps the place, more goes to the end.
    fn modify(&mut self, queue: usize, at: usize, quantity: u32) {
        let (id, before) = self.queues[queue][at];
        let price = Px(queue as i64);
        self.books.on_modify(A, CODE, OrderId(id), Side::Sell, price, Qty(quantity)).unwrap();
        self.queues[queue][at].1 = quantity;
        if quantity > before {
            let moved = self.queues[queue].remove(at);
            self.queues[queue].push(moved);
        }
    }

    /// Another number, queue and quantity.
    fn replace(&mut self, queue: usize, at: usize, to: usize, quantity: u32) {
        let (id, _) = self.queues[queue].remove(at);
        let (id, id_new) = (OrderId(id), OrderId(self.next));
        self.next += 1;
        self.books.on_replace(CODE, id, id_new, Px(to as i64), Qty(quantity)).unwrap();
        self.queues[to].push((id_new.0, quantity));
    }

    fn trade(&mut self, queue: usize, at: usize, quantity: u32) {
        let order = &mut self.queues[queue][at];
        self.books.on_reduce(CODE, OrderId(order.0), Qty(quantity));
        order.1 = order.1.saturating_sub(quantity);
        if order.1 == 0 {
            self.queues[queue].remove(at);
        }
    }

    /// Compares the place of one order with a count.
    fn check(&self, queue: usize, at: usize, when: &str) {
        let (ahead, own) = (&self.queues[queue][..at], self.queues[queue][at].0);
        let quantity = ahead.iter().map(|order| u64::from(order.1)).sum();
        let place = Place { orders: at as u32, quantity };
        let found = self.books.queue_position(CODE, OrderId(own));
        assert_eq!(found, Some(place), "{when}: {at} of {queue}");
    }

    fn check_all(&self, when: &str) {
        for queue in 0..self.queues.len() {
            (0..self.queues[queue].len()).for_each(|at| self.check(queue, at, when));
        }
        assert!(self.books.is_consistent(), "{when}");
    }
}

#[test]
fn places_in_long_queues_equal_a_count_whatever_happens_to_them() {
    for seed in 1..=3 {
        let mut random = Random(seed);
        let mut pair = Pair::new(6_000);
        for step in 0..60_000_usize {
            let when = format!("seed {seed} step {step}");
            let queue = random.below(20) % 3;
            let length = pair.queues[queue].len();
            // The queues fill and drain in turn, from the front, the back or anywhere.
            let drains = (step / 7_500) % 2 == 1;
            let at = match (step / 2_500) % 3 {
                _ if length == 0 => 0,
                0 => random.below(length),
                1 => random.below(length.min(40)),
                _ => length - 1 - random.below(length.min(40)),
            };
            let quantity = 1 + random.below(1_000) as u32;
            let roll = random.below(100);
            if length == 0
                || (roll < if drains { 25 } else { 70 } && pair.books.orders_count() < 6_000)
            {
                pair.join(queue, quantity);
            } else if roll < 88 {
                pair.leave(queue, at);
            } else if roll < 92 {
                pair.trade(queue, at, quantity);
            } else if roll < 96 {
                pair.modify(queue, at, quantity);
            } else {
                pair.replace(queue, at, random.below(3), quantity);
            }
            if let Some(length) = pair.queues[queue].len().checked_sub(1) {
                pair.check(queue, random.below(length + 1), &when);
            }
            if step % 5_000 == 0 {
                pair.check_all(&when);
            }
        }
        pair.check_all("at the end");
    }
}

#[test]
fn a_queue_of_which_every_fortieth_order_stays_is_packed_again() {
    let mut pair = Pair::new(40_000);
    (0..40_000).for_each(|number| pair.join(0, 1 + number % 7));
    assert!(pair.books.is_consistent());
    let nodes = pair.books.marks.used();
    for at in 0..1_000 {
        (0..39).for_each(|_| pair.leave(0, at));
        assert!(at % 100 != 0 || pair.books.is_consistent());
    }
    pair.check_all("of 40,000");
    assert!(nodes > 80 && pair.books.marks.used() < 8, "{}", pair.books.marks.used());
    (LONG_MIN - 1..1_000).for_each(|_| pair.leave(0, 0));
    pair.check_all("a short queue");
    assert_eq!(pair.books.marks.used(), 0);
}

#[test]
fn groups_that_meet_where_two_leaves_become_one_are_joined_too() {
    let mut pair = Pair::new(1_024); // two leaves of sixteen groups of 32
    (0..1_024).for_each(|_| pair.join(0, 3));
    (0..448).for_each(|_| pair.leave(0, 576)); // the last groups of the second leaf
    (0..26).for_each(|_| pair.leave(0, 512)); // six are left of its first
    (0..27).for_each(|_| pair.leave(0, 480)); // five of the last of the first leaf
    for _ in 0..352 {
        pair.leave(0, 0);
        assert!(pair.books.is_consistent());
    }
    pair.check_all("of 1,024");
    assert_eq!(pair.books.marks.used(), 1);
}

#[test]
fn marks_come_and_go_with_the_length_of_a_queue() {
    let mut pair = Pair::new(600);
    let mut marked = Vec::new();
    for _ in 1..LONG_BUILD {
        pair.join(0, 5);
    }
    marked.push(pair.books.marks.used());
    pair.join(0, 5);
    marked.push(pair.books.marks.used());
    (LONG_MIN..LONG_BUILD).for_each(|_| pair.leave(0, 10));
    marked.push(pair.books.marks.used());
    pair.leave(0, 10);
    marked.push(pair.books.marks.used());
    assert_eq!(marked, [0, 1, 1, 0]);
    (0..300).for_each(|_| pair.join(0, 5));
    assert!(pair.books.marks.used() > 0);
    pair.books.clear(A);
    assert!((pair.books.marks.used(), pair.books.is_consistent()) == (0, true));
    assert_eq!(pair.books.queue_position(CODE, OrderId(1)), None);
}

#[test]
fn the_last_order_of_the_tree_takes_a_later_place_when_the_tail_is_empty() {
    let mut pair = Pair::new(600);
    (0..300).for_each(|_| pair.join(0, 5)); // nine groups of 32, and 12 in the tail
    (288..300).rev().for_each(|at| pair.leave(0, at));
    pair.modify(0, 287, 9);
    pair.check_all("one order with more quantity");
    pair.leave(0, 287);
    pair.check_all("without it");
    pair.join(0, 5);
    pair.check_all("with another");
}
