//! This project's book and matcher.

use tezi::book::Books as L3Books;
use tezi::model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};
use tezi_core::matching::{
    InstrumentTerms, Matcher as Engine, MatcherConfig, Order as Request, Owner, Pan, Report, Target,
};
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::Phase;

use crate::flow::{Contestant, LOT, Order, Outcome, Size, Step};

const CODE: u8 = Segment::NseFo as u8;
const TICK: Px = Px::from_paise(5);

fn price(order: &Order) -> Px {
    Px(TICK.0 * order.ticks)
}

fn levels(books: &L3Books, size: Size) -> Outcome {
    let mut outcome = Outcome::default();
    for instrument in 0..size.instruments {
        for side in Side::BOTH {
            for level in books.levels(InstrumentId(instrument), side) {
                outcome.add(instrument, side, level.price.0 / TICK.0, level.quantity);
            }
        }
    }
    outcome
}

/// The book of market data, told of each touch.
pub(crate) struct Books {
    books: L3Books,
    size: Size,
    sum: u64,
}

impl Contestant for Books {
    fn new(size: Size) -> Self {
        let mut books = L3Books::new(&size.books());
        for _ in 0..size.instruments {
            books.add_instrument().expect("there is room");
        }
        Self { books, size, sum: 0 }
    }

    fn step(&mut self, step: &Step) {
        let books = &mut self.books;
        let applied = match step {
            Step::New(order) => {
                let (id, quantity) = (OrderId(order.id), Qty(order.quantity));
                books.on_new(
                    InstrumentId(order.instrument),
                    CODE,
                    id,
                    order.side,
                    price(order),
                    quantity,
                )
            }
            Step::Take { order, resting } => {
                Ok(books.on_reduce(CODE, OrderId(*resting), Qty(order.quantity)))
            }
            Step::Cancel(_, id) => Ok(books.on_cancel(CODE, OrderId(*id))),
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
        levels(&self.books, self.size)
    }
}

/// The matcher, with an owner of its own for every order, and every check.
pub(crate) struct Matcher {
    engine: Engine,
    size: Size,
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
            ..Request::limit(
                InstrumentId(order.instrument),
                order.side,
                price(order),
                Qty(order.quantity),
            )
        };
        let Self { engine, trades, traded, .. } = self;
        let mut sink = |report: &Report| {
            if let Report::Traded(trade) = report {
                *trades += 1;
                *traded += u64::from(trade.quantity.0);
            }
        };
        let id = engine.submit(Nanos(1), &request, &mut sink).expect("a sound order");
        // The exchange counts its orders from 1 as the flow does.
        assert!(id.0 == order.id, "the flow's number is the exchange's");
    }

    fn cancel(&mut self, id: u64) {
        let target = Target::new(OrderId(id), 7);
        let done = self.engine.cancel(Nanos(1), target, &mut |_: &Report| {});
        done.expect("the order rests");
    }
}

impl Contestant for Matcher {
    fn new(size: Size) -> Self {
        let config = MatcherConfig { books: size.books(), ..MatcherConfig::small(Segment::NseFo) };
        let mut engine = Engine::new(&config);
        let terms = InstrumentTerms {
            band: PriceBand { low: TICK, high: Px(TICK.0 * 900_000) },
            freeze: Some(Qty(1_800)),
            ..InstrumentTerms::new(TICK, Qty(LOT))
        };
        for _ in 0..size.instruments {
            engine.add_instrument(&terms).expect("there is room");
        }
        // As a host does at its start.
        tezi::advise_huge_pages(engine.books());
        engine.set_phase_all(Nanos(1), Phase::Continuous, &mut |_: &Report| {});
        // More owners than orders that rest at a time: nobody trades with himself.
        let letter = |index: usize| (b'A' + (index % 26) as u8) as char;
        let pan = |index: usize| {
            let (upper, lower) = (index / 10_000, index % 10_000);
            format!("AA{}{}C{lower:04}F", letter(upper), letter(upper / 26))
        };
        let owner =
            |index| Owner { pan: Pan::parse(&pan(index)).expect("a PAN"), ..Owner::default() };
        let owners = (0..1_000_000).map(owner).collect();
        Self { engine, size, owners, trades: 0, traded: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => self.submit(order, TimeInForce::Day),
            Step::Take { order, .. } => self.submit(order, TimeInForce::Ioc),
            Step::Cancel(_, id) => self.cancel(*id),
            Step::Replace(id, order) => {
                self.cancel(*id);
                self.submit(order, TimeInForce::Day);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let levels = levels(self.engine.books(), self.size);
        Outcome { trades: self.trades, traded: self.traded, ..levels }
    }
}
