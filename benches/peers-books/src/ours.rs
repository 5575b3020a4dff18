//! This project's book and matcher.

use tezi::book::{Books as L3Books, BooksConfig};
use tezi::model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};
use tezi_core::matching::{
    InstrumentTerms, Matcher as Engine, MatcherConfig, Order as Request, Owner, Pan, Report, Target,
};
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::Phase;

use crate::flow::{Contestant, LOT, Order, Outcome, Step};

const CODE: u8 = Segment::NseFo as u8;
const AT: InstrumentId = InstrumentId(0);
const TICK: Px = Px::from_paise(5);
const BOUNDS: BooksConfig =
    BooksConfig { instruments_max: 1, orders_max: 1 << 16, levels_max: 1 << 14 };

fn price(order: &Order) -> Px {
    Px(TICK.0 * order.ticks)
}

fn levels(books: &L3Books) -> Vec<(u8, i64, u64)> {
    let mut levels: Vec<_> = Side::BOTH
        .iter()
        .flat_map(|&side| {
            books
                .levels(AT, side)
                .map(move |level| (side as u8, level.price.0 / TICK.0, level.quantity))
        })
        .collect();
    levels.sort_unstable();
    levels
}

/// The book of market data, told of each touch.
pub(crate) struct Books {
    books: L3Books,
    sum: u64,
}

impl Contestant for Books {
    fn new() -> Self {
        let mut books = L3Books::new(&BOUNDS);
        books.add_instrument().expect("one has room");
        Self { books, sum: 0 }
    }

    fn step(&mut self, step: &Step) {
        let books = &mut self.books;
        let applied = match step {
            Step::New(order) => {
                let (id, quantity) = (OrderId(order.id), Qty(order.quantity));
                books.on_new(AT, CODE, id, order.side, price(order), quantity)
            }
            Step::Take { order, resting } => {
                Ok(books.on_reduce(CODE, OrderId(*resting), Qty(order.quantity)))
            }
            Step::Cancel(id) => Ok(books.on_cancel(CODE, OrderId(*id))),
            Step::Replace(id, order) => {
                let (id_new, quantity) = (OrderId(order.id), Qty(order.quantity));
                books.on_replace(CODE, OrderId(*id), id_new, price(order), quantity)
            }
        };
        for change in applied.expect("there is room").changes.iter().flatten() {
            let touch = books.touch(change.instrument, change.side).filter(|_| change.touch);
            self.sum ^= touch.map_or(0, |level| level.quantity ^ level.price.0.cast_unsigned());
        }
    }

    fn outcome(&mut self) -> Outcome {
        std::hint::black_box(self.sum);
        Outcome { levels: levels(&self.books), trades: 0, traded: 0 }
    }
}

/// The matcher, with an owner of its own for every order, and every check.
pub(crate) struct Matcher {
    engine: Engine,
    /// The exchange's numbers, by the flow's.
    ids: Vec<OrderId>,
    owners: Vec<Owner>,
    trades: u64,
    traded: u64,
}

impl Matcher {
    fn submit(&mut self, order: &Order, time_in_force: TimeInForce) {
        let request = Request {
            owner: self.owners[order.id as usize % self.owners.len()],
            member: 7,
            reference: order.id,
            time_in_force,
            ..Request::limit(AT, order.side, price(order), Qty(order.quantity))
        };
        let Self { engine, trades, traded, .. } = self;
        let mut sink = |report: &Report| {
            if let Report::Traded(trade) = report {
                *trades += 1;
                *traded += u64::from(trade.quantity.0);
            }
        };
        let id = engine.submit(Nanos(1), &request, &mut sink).expect("a sound order");
        self.ids.resize(self.ids.len().max(order.id as usize + 1), OrderId(0));
        self.ids[order.id as usize] = id;
    }

    fn cancel(&mut self, id: u64) {
        let target = Target::new(self.ids[id as usize], 7);
        let done = self.engine.cancel(Nanos(1), target, &mut |_: &Report| {});
        done.expect("the order rests");
    }
}

impl Contestant for Matcher {
    fn new() -> Self {
        let config = MatcherConfig { books: BOUNDS, ..MatcherConfig::small(Segment::NseFo) };
        let mut engine = Engine::new(&config);
        let terms = InstrumentTerms {
            band: PriceBand { low: TICK, high: Px(TICK.0 * 900_000) },
            freeze: Some(Qty(1_800)),
            ..InstrumentTerms::new(TICK, Qty(LOT))
        };
        let instrument = engine.add_instrument(&terms).expect("one instrument has room");
        let opened =
            engine.set_phase(Nanos(1), instrument, Phase::Continuous, &mut |_: &Report| {});
        opened.expect("the instrument is there");
        // More owners than orders that rest at a time: nobody trades with himself.
        let letter = |index: usize| (b'A' + (index % 26) as u8) as char;
        let pan = |index: usize| {
            let (upper, lower) = (index / 10_000, index % 10_000);
            format!("AA{}{}C{lower:04}F", letter(upper), letter(upper / 26))
        };
        let owner =
            |index| Owner { pan: Pan::parse(&pan(index)).expect("a PAN"), ..Owner::default() };
        let owners = (0..1_000_000).map(owner).collect();
        Self { engine, ids: Vec::new(), owners, trades: 0, traded: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => self.submit(order, TimeInForce::Day),
            Step::Take { order, .. } => self.submit(order, TimeInForce::Ioc),
            Step::Cancel(id) => self.cancel(*id),
            Step::Replace(id, order) => {
                self.cancel(*id);
                self.submit(order, TimeInForce::Day);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let levels = levels(self.engine.books());
        Outcome { levels, trades: self.trades, traded: self.traded }
    }
}
