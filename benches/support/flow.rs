//! A seeded flow of orders in the mix of a captured NSE F&O stream (May 2016: 81 % `M`, 10 % `N`,
//! 9 % `X`), with 1 % of trades, so that a book of steady size keeps its shape.
//!
//! Orders live in two populations: near the touch (the first ten levels) and behind it. An event
//! stays within its population, so that neither drains into the other however long the flow is.

use tezi::book::{Books, BooksConfig};
use tezi::model::{InstrumentId, OrderId, Px, Qty, Segment, Side};

use super::Random;

/// The segment of every order.
pub(crate) const SEGMENT: Segment = Segment::NseFo;
/// Units in a lot.
pub(crate) const LOT: u32 = 65;
const TICK_PAISE: i64 = 10;
const MID_PAISE: i64 = 2_400_000;
const NEAR_LEVELS: usize = 10;

/// How large the books are and where the events fall.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowShape {
    pub(crate) instruments: usize,
    /// Orders of one instrument, both sides.
    pub(crate) orders: usize,
    /// Levels of a side.
    pub(crate) levels: usize,
    /// Events within ten levels of the touch, per mille.
    pub(crate) near: usize,
}

impl FlowShape {
    /// One liquid future.
    pub(crate) const TIGHT: Self = Self { instruments: 1, orders: 2_000, levels: 100, near: 800 };
    /// A book as deep as a day makes it.
    pub(crate) const DEEP: Self = Self { instruments: 1, orders: 10_000, levels: 1_000, near: 800 };
    /// The same, events on all levels alike: the worst case of anything that walks from the touch.
    pub(crate) const EVEN: Self = Self { near: 0, ..Self::DEEP };
    /// A feed of a thousand option contracts.
    pub(crate) const WIDE: Self = Self { instruments: 1_000, orders: 40, levels: 10, near: 1_000 };
    /// Two futures and fourteen options, as in the demo.
    pub(crate) const DEMO: Self = Self { instruments: 16, orders: 60, levels: 30, near: 800 };
}

/// What happens to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepKind {
    New,
    Modify,
    Cancel,
    /// A market order, never shown, takes all of this order.
    Trade,
}

/// One event of the flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) side: Side,
    pub(crate) instrument: InstrumentId,
    pub(crate) quantity: Qty,
    pub(crate) price: Px,
    pub(crate) order_id: OrderId,
}

impl Step {
    /// Applies the event and looks at the touch, as whoever follows the book does.
    #[inline]
    pub(crate) fn apply(&self, books: &mut Books) -> u64 {
        let Self { side, instrument, quantity, price, order_id, .. } = *self;
        let code = SEGMENT as u8;
        let applied = match self.kind {
            StepKind::New => books.on_new(instrument, code, order_id, side, price, quantity),
            StepKind::Modify => books.on_modify(instrument, code, order_id, side, price, quantity),
            StepKind::Cancel => Ok(books.on_cancel(code, order_id)),
            StepKind::Trade => {
                let (buy, sell) = match side {
                    Side::Buy => (order_id, OrderId(0)),
                    Side::Sell => (OrderId(0), order_id),
                };
                Ok(books.on_trade(code, buy, sell, quantity))
            }
        };
        let changed = applied.is_ok_and(|applied| applied.is_touch_changed());
        let touch = books.touch(instrument, side).map_or(0, |level| level.quantity);
        touch + u64::from(changed)
    }
}

/// Books as they are before the flow, and the flow.
pub(crate) struct Flow {
    pub(crate) books: Books,
    pub(crate) steps: Vec<Step>,
}

impl Flow {
    /// `count` events on books of a shape. A tenth as many go before them, unrecorded, so that the
    /// books have been used when the flow begins.
    pub(crate) fn new(shape: FlowShape, seed: u64, count: usize) -> Self {
        let mut maker = Maker::new(shape, seed);
        maker.open();
        (0..count / 10).for_each(|_| maker.step());
        maker.steps.clear();
        let books = maker.books.clone();
        (0..count).for_each(|_| maker.step());
        assert!(maker.books.is_consistent(), "the flow keeps the books whole");
        Self { books, steps: maker.steps }
    }
}

#[derive(Clone, Copy)]
struct Live {
    order_id: OrderId,
    instrument: InstrumentId,
    side: Side,
}

struct Maker {
    shape: FlowShape,
    random: Random,
    books: Books,
    /// Near the touch, and behind.
    live: [Vec<Live>; 2],
    steady: [usize; 2],
    next_order: u64,
    steps: Vec<Step>,
}

impl Maker {
    fn new(shape: FlowShape, seed: u64) -> Self {
        let orders = shape.instruments * shape.orders;
        let levels = shape.instruments * shape.levels * 2;
        let mut books = Books::new(&BooksConfig {
            instruments_max: shape.instruments as u32,
            orders_max: (orders * 3).next_power_of_two() as u32,
            levels_max: levels as u32 + 64,
        });
        for _ in 0..shape.instruments {
            books.add_instrument().expect("there is room for every instrument");
        }
        Self {
            shape,
            random: Random::new(seed),
            books,
            live: [Vec::new(), Vec::new()],
            steady: [0; 2],
            next_order: 1_100_000_000_000_001,
            steps: Vec::new(),
        }
    }

    fn open(&mut self) {
        for order in 0..self.shape.orders {
            for instrument in 0..self.shape.instruments {
                let level = order / 2 % self.shape.levels;
                let behind = usize::from(level >= NEAR_LEVELS);
                let side = Side::BOTH[order % 2];
                self.enter(behind, InstrumentId(instrument as u32), side, level);
            }
        }
        self.steady = [self.live[0].len(), self.live[1].len()];
    }

    fn step(&mut self) {
        let is_near = self.live[1].is_empty() || self.random.happens(self.shape.near);
        let behind = usize::from(!is_near);
        let (live, steady) = (self.live[behind].len(), self.steady[behind]);
        let mut kind = match self.random.below(1_000) {
            0..=9 => StepKind::Trade,
            10..=814 => StepKind::Modify,
            815..=913 => StepKind::New,
            _ => StepKind::Cancel,
        };
        // The populations wander; far from their size they are pushed back.
        if live * 3 < steady * 2 && kind != StepKind::Modify {
            kind = StepKind::New;
        } else if live * 2 > steady * 3 && kind == StepKind::New {
            kind = StepKind::Cancel;
        }
        let pick = self.random.below(live);
        let Live { instrument, side, .. } = self.live[behind][pick];
        match kind {
            StepKind::New => {
                let level = self.level(behind);
                self.enter(behind, instrument, side, level);
            }
            StepKind::Modify => self.modify(behind, pick),
            StepKind::Cancel => {
                let gone = self.live[behind].swap_remove(pick);
                self.push_resting(StepKind::Cancel, gone);
            }
            StepKind::Trade => self.trade(instrument, side),
        }
    }

    fn level(&mut self, behind: usize) -> usize {
        let near = NEAR_LEVELS.min(self.shape.levels);
        if behind == 0 {
            self.random.below(near)
        } else {
            near + self.random.below(self.shape.levels - near)
        }
    }

    fn enter(&mut self, behind: usize, instrument: InstrumentId, side: Side, level: usize) {
        let order_id = OrderId(self.next_order);
        self.next_order += 1;
        self.live[behind].push(Live { order_id, instrument, side });
        let quantity = Qty(LOT * (1 + self.random.below(20) as u32));
        let price = price(side, level);
        self.push(Step { kind: StepKind::New, side, instrument, quantity, price, order_id });
    }

    /// Seven of ten changes are of the price.
    fn modify(&mut self, behind: usize, pick: usize) {
        let Live { order_id, instrument, side } = self.live[behind][pick];
        let Some(resting) = self.books.order(SEGMENT as u8, order_id) else { return };
        let (mut price_new, mut quantity) = (resting.price, resting.quantity);
        if self.random.happens(700) {
            let level = self.level(behind);
            price_new = price(side, level);
        } else {
            quantity = Qty(LOT * (1 + self.random.below(20) as u32));
        }
        let kind = StepKind::Modify;
        self.push(Step { kind, side, instrument, quantity, price: price_new, order_id });
    }

    fn trade(&mut self, instrument: InstrumentId, side: Side) {
        let best = self.books.orders(instrument, side).next();
        let Some(best) = best.map(|order| order.order_id) else { return };
        for live in &mut self.live {
            if let Some(place) = live.iter().position(|order| order.order_id == best) {
                let gone = live.swap_remove(place);
                return self.push_resting(StepKind::Trade, gone);
            }
        }
    }

    fn push_resting(&mut self, kind: StepKind, live: Live) {
        let Live { order_id, instrument, side } = live;
        let Some(resting) = self.books.order(SEGMENT as u8, order_id) else { return };
        let (price, quantity) = (resting.price, resting.quantity);
        self.push(Step { kind, side, instrument, quantity, price, order_id });
    }

    fn push(&mut self, step: Step) {
        step.apply(&mut self.books);
        self.steps.push(step);
    }
}

fn price(side: Side, level: usize) -> Px {
    Px::from_paise(MID_PAISE - (1 + level as i64) * TICK_PAISE * side.sign())
}
