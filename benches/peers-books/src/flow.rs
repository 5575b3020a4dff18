//! The flows, in words that every contestant can act on.

use tezi::book::{Books, BooksConfig};
use tezi::model::{InstrumentId, OrderId, Px, Qty, Side};

use super::support::Random;

/// Units in a lot.
pub(crate) const LOT: u32 = 65;
/// The segment code of the maker's own books.
const CODE: u8 = 1;
const MIDDLE: i64 = 450_000;

/// An order, its price in ticks. Numbers count from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) instrument: u32,
    pub(crate) side: Side,
    pub(crate) ticks: i64,
    pub(crate) quantity: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Rests, or what is left after it has traded does.
    New(Order),
    /// Trades at once what it can, and never rests. In the flow of a book it takes from one order, this.
    Take { order: Order, resting: u64 },
    /// The instrument, and the number.
    Cancel(u32, u64),
    /// The old number, and the order that follows.
    Replace(u64, Order),
}

/// What is left at the end: how many levels, and the sum of what each is, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) levels: u64,
    pub(crate) sum: u64,
    pub(crate) trades: u64,
    pub(crate) traded: u64,
}

impl Outcome {
    /// Counts a level in, its price in ticks.
    pub(crate) fn add(&mut self, instrument: u32, side: Side, ticks: i64, quantity: u64) {
        let words = [u64::from(instrument) * 2 + side as u64, ticks.cast_unsigned(), quantity];
        let mixed = words.iter().fold(1, |sum: u64, word| {
            let sum = (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            sum ^ (sum >> 29)
        });
        self.levels += 1;
        self.sum = self.sum.wrapping_add(mixed);
    }
}

/// What a contestant has to have room for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) instruments: u32,
    pub(crate) live: usize,
}

impl Size {
    /// Bounds of our books.
    pub(crate) fn books(self) -> BooksConfig {
        let orders_max = u32::try_from(self.live + self.live / 4 + (1 << 14)).expect("a u32");
        BooksConfig { instruments_max: self.instruments, orders_max, levels_max: orders_max }
    }
}

/// Whoever follows a flow.
pub(crate) trait Contestant {
    fn new(size: Size) -> Self;
    fn step(&mut self, step: &Step);
    fn outcome(&mut self) -> Outcome;
}

/// What fills the book, and what is timed.
pub(crate) struct Flow {
    pub(crate) size: Size,
    pub(crate) opening: Vec<Step>,
    pub(crate) steps: Vec<Step>,
}

impl Flow {
    /// An ITCH-like flow that never crosses: 44 % new, 41 % cancels, 11 % replacements, 3 % executions.
    pub(crate) fn book(count: usize) -> Self {
        let size = Size { instruments: 1, live: 2_000 };
        let mut maker = Maker::new(size);
        while maker.books.orders_count() < 2_000 {
            maker.enter();
        }
        let opening = core::mem::take(&mut maker.steps);
        while maker.steps.len() < count {
            match maker.random.below(1_000) {
                0..440 => maker.enter(),
                440..860 => maker.cancel(),
                860..970 => maker.replace(),
                _ => maker.execute(),
            }
        }
        Self { size, opening, steps: maker.steps }
    }

    /// A flow of requests to a matcher: those of `benches/matching.rs`, *calm*, each about an instrument
    /// drawn anew.
    pub(crate) fn matching(size: Size, count: usize) -> Self {
        let mut maker = Maker::new(size);
        while maker.books.orders_count() < size.live {
            maker.request();
        }
        let opening = core::mem::take(&mut maker.steps);
        while maker.steps.len() < count {
            maker.request();
        }
        Self { size, opening, steps: maker.steps }
    }
}

/// Draws steps beside a book that shows what rests.
struct Maker {
    random: Random,
    books: Books,
    /// Instruments and numbers of orders that rest, or did when they were noted.
    live: Vec<(u32, u64)>,
    size: Size,
    next: u64,
    steps: Vec<Step>,
}

impl Maker {
    fn new(size: Size) -> Self {
        let mut books = Books::new(&size.books());
        for _ in 0..size.instruments {
            books.add_instrument().expect("there is room");
        }
        let random = Random::new(17);
        Self { random, books, live: Vec::new(), size, next: 1, steps: Vec::new() }
    }

    fn order(&mut self, instrument: u32, side: Side, ticks: i64) -> Order {
        let id = self.next;
        self.next += 1;
        let quantity = LOT * (1 + self.random.below(4) as u32);
        Order { id, instrument, side, ticks, quantity }
    }

    /// One of the instruments; nothing is drawn where there is but one.
    fn instrument(&mut self) -> u32 {
        match self.size.instruments {
            1 => 0,
            count => self.random.below(count as usize) as u32,
        }
    }

    fn side(&mut self) -> Side {
        Side::BOTH[self.random.below(2)]
    }

    /// Behind the best price of the other side, by the square of a chance.
    fn behind_the_touch(&mut self, side: Side) -> i64 {
        let best = self
            .books
            .touch(InstrumentId(0), side.opposite())
            .map_or(MIDDLE, |level| level.price.0);
        let chance = self.random.below(1 << 16) as f64 / 65_536.0;
        best - side.sign() * (1 + (88.0 * chance * chance) as i64)
    }

    fn rest(&mut self, order: &Order) {
        let (id, price, quantity) = (OrderId(order.id), Px(order.ticks), Qty(order.quantity));
        let at = InstrumentId(order.instrument);
        let done = self.books.on_new(at, CODE, id, order.side, price, quantity);
        done.expect("there is room");
        self.live.push((order.instrument, order.id));
    }

    /// An order that still rests, drawn; it is not in `live` any more.
    fn draw(&mut self) -> Option<(u32, u64)> {
        while !self.live.is_empty() {
            let place = self.random.below(self.live.len());
            let (instrument, id) = self.live.swap_remove(place);
            if self.books.order(CODE, OrderId(id)).is_some() {
                return Some((instrument, id));
            }
        }
        None
    }

    fn enter(&mut self) {
        if self.books.orders_count() * 20 > self.size.live * 21 {
            return;
        }
        let side = self.side();
        let ticks = self.behind_the_touch(side);
        let order = self.order(0, side, ticks);
        self.rest(&order);
        self.steps.push(Step::New(order));
    }

    fn cancel(&mut self) {
        if self.books.orders_count() * 20 < self.size.live * 19 {
            return;
        }
        if let Some((instrument, id)) = self.draw() {
            self.books.on_cancel(CODE, OrderId(id));
            self.steps.push(Step::Cancel(instrument, id));
        }
    }

    fn replace(&mut self) {
        let Some((_, id)) = self.draw() else { return };
        let resting = self.books.order(CODE, OrderId(id)).expect("it rests");
        let ticks = self.behind_the_touch(resting.side);
        let order = self.order(0, resting.side, ticks);
        self.books.on_cancel(CODE, OrderId(id));
        self.rest(&order);
        self.steps.push(Step::Replace(id, order));
    }

    fn execute(&mut self) {
        let side = self.side();
        let Some(first) = self.books.orders(InstrumentId(0), side.opposite()).next() else {
            return;
        };
        let order = self.order(0, side, first.price.0);
        let order = Order { quantity: order.quantity.min(first.quantity.0), ..order };
        self.books.on_reduce(CODE, first.order_id, Qty(order.quantity));
        self.steps.push(Step::Take { order, resting: first.order_id.0 });
    }

    fn request(&mut self) {
        let is_full = self.books.orders_count() >= self.size.live;
        let turn = self.random.below(1_000);
        if turn < 385 && is_full {
            return self.cancel();
        }
        let is_taker = turn >= 965 || (is_full && self.random.below(100) < 40);
        let (side, away) = (self.side(), self.random.below(101) as i64);
        let away = if is_taker { -away.min(3) } else { away + 1 };
        let instrument = self.instrument();
        let order = self.order(instrument, side, MIDDLE - side.sign() * away);
        let left = Order { quantity: self.trade(&order), ..order };
        if turn >= 965 {
            return self.steps.push(Step::Take { order, resting: 0 });
        }
        if left.quantity > 0 {
            self.rest(&left);
        }
        self.steps.push(Step::New(order));
    }

    /// Trades an order against the book; what is left of it.
    fn trade(&mut self, order: &Order) -> u32 {
        let mut left = order.quantity;
        let at = InstrumentId(order.instrument);
        while left > 0 {
            let Some(first) = self.books.orders(at, order.side.opposite()).next() else { break };
            if !order.side.crosses(Px(order.ticks), first.price) {
                break;
            }
            let taken = left.min(first.quantity.0);
            self.books.on_reduce(CODE, first.order_id, Qty(taken));
            left -= taken;
        }
        left
    }
}
