//! The flows, in words that every contestant can act on.

use tezi::book::{Books, BooksConfig};
use tezi::model::{InstrumentId, OrderId, Px, Qty, Side};

use super::support::Random;

/// Units in a lot.
pub(crate) const LOT: u32 = 65;
/// The segment code of the maker's own books.
const CODE: u8 = 1;
const AT: InstrumentId = InstrumentId(0);
const MIDDLE: i64 = 450_000;

/// An order, its price in ticks. Numbers count from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) side: Side,
    pub(crate) ticks: i64,
    pub(crate) quantity: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Rests, or what is left after it has traded does.
    New(Order),
    /// Trades at once what it can, and never rests. In the flow of a book it takes from one order, this.
    Take {
        order: Order,
        resting: u64,
    },
    Cancel(u64),
    /// The old number, and the order that follows.
    Replace(u64, Order),
}

/// What is left at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Side, price in ticks and quantity, in that order.
    pub(crate) levels: Vec<(u8, i64, u64)>,
    pub(crate) trades: u64,
    pub(crate) traded: u64,
}

/// Whoever follows a flow.
pub(crate) trait Contestant {
    fn new() -> Self;
    fn step(&mut self, step: &Step);
    fn outcome(&mut self) -> Outcome;
}

/// What fills the book, and what is timed.
pub(crate) struct Flow {
    pub(crate) opening: Vec<Step>,
    pub(crate) steps: Vec<Step>,
}

impl Flow {
    /// An ITCH-like flow that never crosses: 44 % new, 41 % cancels, 11 % replacements, 3 % executions.
    pub(crate) fn book(count: usize) -> Self {
        let mut maker = Maker::new(2_000);
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
        Self { opening, steps: maker.steps }
    }

    /// A flow of requests to a matcher: those of `benches/matching.rs`, *calm*.
    pub(crate) fn matching(count: usize) -> Self {
        let mut maker = Maker::new(5_000);
        while maker.books.orders_count() < 5_000 {
            maker.request();
        }
        let opening = core::mem::take(&mut maker.steps);
        while maker.steps.len() < count {
            maker.request();
        }
        Self { opening, steps: maker.steps }
    }
}

/// Draws steps beside a book that shows what rests.
struct Maker {
    random: Random,
    books: Books,
    live: Vec<u64>,
    live_wanted: usize,
    next: u64,
    steps: Vec<Step>,
}

impl Maker {
    fn new(live_wanted: usize) -> Self {
        let config = BooksConfig { instruments_max: 1, orders_max: 1 << 16, levels_max: 1 << 14 };
        let mut books = Books::new(&config);
        books.add_instrument().expect("one has room");
        let random = Random::new(17);
        Self { random, books, live: Vec::new(), live_wanted, next: 1, steps: Vec::new() }
    }

    fn order(&mut self, side: Side, ticks: i64) -> Order {
        let id = self.next;
        self.next += 1;
        Order { id, side, ticks, quantity: LOT * (1 + self.random.below(4) as u32) }
    }

    fn side(&mut self) -> Side {
        Side::BOTH[self.random.below(2)]
    }

    /// Behind the best price of the other side, by the square of a chance.
    fn behind_the_touch(&mut self, side: Side) -> i64 {
        let best = self.books.touch(AT, side.opposite()).map_or(MIDDLE, |level| level.price.0);
        let chance = self.random.below(1 << 16) as f64 / 65_536.0;
        best - side.sign() * (1 + (88.0 * chance * chance) as i64)
    }

    fn rest(&mut self, order: &Order) {
        let (id, price, quantity) = (OrderId(order.id), Px(order.ticks), Qty(order.quantity));
        let done = self.books.on_new(AT, CODE, id, order.side, price, quantity);
        done.expect("there is room");
        self.live.push(order.id);
    }

    /// An order that still rests, drawn; it is not in `live` any more.
    fn draw(&mut self) -> Option<u64> {
        while !self.live.is_empty() {
            let place = self.random.below(self.live.len());
            let id = self.live.swap_remove(place);
            if self.books.order(CODE, OrderId(id)).is_some() {
                return Some(id);
            }
        }
        None
    }

    fn enter(&mut self) {
        if self.books.orders_count() * 20 > self.live_wanted * 21 {
            return;
        }
        let side = self.side();
        let ticks = self.behind_the_touch(side);
        let order = self.order(side, ticks);
        self.rest(&order);
        self.steps.push(Step::New(order));
    }

    fn cancel(&mut self) {
        if self.books.orders_count() * 20 < self.live_wanted * 19 {
            return;
        }
        if let Some(id) = self.draw() {
            self.books.on_cancel(CODE, OrderId(id));
            self.steps.push(Step::Cancel(id));
        }
    }

    fn replace(&mut self) {
        let Some(id) = self.draw() else { return };
        let resting = self.books.order(CODE, OrderId(id)).expect("it rests");
        let ticks = self.behind_the_touch(resting.side);
        let order = self.order(resting.side, ticks);
        self.books.on_cancel(CODE, OrderId(id));
        self.rest(&order);
        self.steps.push(Step::Replace(id, order));
    }

    fn execute(&mut self) {
        let side = self.side();
        let Some(first) = self.books.orders(AT, side.opposite()).next() else { return };
        let order = self.order(side, first.price.0);
        let order = Order { quantity: order.quantity.min(first.quantity.0), ..order };
        self.books.on_reduce(CODE, first.order_id, Qty(order.quantity));
        self.steps.push(Step::Take { order, resting: first.order_id.0 });
    }

    fn request(&mut self) {
        let is_full = self.books.orders_count() >= self.live_wanted;
        let turn = self.random.below(1_000);
        if turn < 385 && is_full {
            return self.cancel();
        }
        let is_taker = turn >= 965 || (is_full && self.random.below(100) < 40);
        let (side, away) = (self.side(), self.random.below(101) as i64);
        let away = if is_taker { -away.min(3) } else { away + 1 };
        let order = self.order(side, MIDDLE - side.sign() * away);
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
        while left > 0 {
            let Some(first) = self.books.orders(AT, order.side.opposite()).next() else { break };
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
