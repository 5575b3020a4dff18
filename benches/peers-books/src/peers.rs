//! The published crates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lobster::{OrderEvent, OrderType};
use orderbook_rs::{DefaultOrderBook, Id, TimeInForce};
use tezi::model::Side;

use crate::flow::{Contestant, Order, Outcome, Size, Step};

/// `orderbook-rs`, with a listener to its trades.
pub(crate) struct OrderbookRs {
    books: Vec<DefaultOrderBook>,
    trades: Arc<AtomicU64>,
    traded: Arc<AtomicU64>,
}

impl OrderbookRs {
    fn add(&self, order: &Order, time_in_force: TimeInForce) {
        let side = match order.side {
            Side::Buy => orderbook_rs::Side::Buy,
            Side::Sell => orderbook_rs::Side::Sell,
        };
        let (id, price) = (Id::Sequential(order.id), order.ticks as u128);
        // An immediate order that finds nothing is an error there, and nothing has changed.
        let added = self.books[order.instrument as usize].add_limit_order(
            id,
            price,
            order.quantity.into(),
            side,
            time_in_force,
            None,
        );
        std::hint::black_box(added.is_ok());
    }

    fn cancel(&self, instrument: u32, id: u64) {
        let canceled = self.books[instrument as usize].cancel_order(Id::Sequential(id));
        std::hint::black_box(canceled.is_ok());
    }
}

impl Contestant for OrderbookRs {
    fn new(size: Size) -> Self {
        let (trades, traded) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (trade_count, trade_sum) = (Arc::clone(&trades), Arc::clone(&traded));
        let listener = move |result: &orderbook_rs::TradeResult| {
            for trade in result.match_result.trades().as_vec() {
                trade_count.fetch_add(1, Ordering::Relaxed);
                trade_sum.fetch_add(trade.quantity().as_u64(), Ordering::Relaxed);
            }
        };
        let listener = Arc::new(listener);
        let book = |_| DefaultOrderBook::with_trade_listener("TEZI", listener.clone());
        Self { books: (0..size.instruments).map(book).collect(), trades, traded }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => self.add(order, TimeInForce::Gtc),
            Step::Take { order, .. } => self.add(order, TimeInForce::Ioc),
            Step::Cancel(instrument, id) => self.cancel(*instrument, *id),
            Step::Replace(id, order) => {
                self.cancel(order.instrument, *id);
                self.add(order, TimeInForce::Gtc);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        for (instrument, book) in (0..).zip(&self.books) {
            let snapshot = book.create_snapshot(usize::MAX).expect("a snapshot");
            for (side, levels) in [(Side::Buy, &snapshot.bids), (Side::Sell, &snapshot.asks)] {
                for level in levels {
                    let quantity = level.visible_quantity().as_u64();
                    outcome.add(instrument, side, level.price().as_u128() as i64, quantity);
                }
            }
        }
        outcome.trades = self.trades.load(Ordering::Relaxed);
        outcome.traded = self.traded.load(Ordering::Relaxed);
        outcome
    }
}

/// `lobster`, whose answers say what traded.
pub(crate) struct Lobster {
    books: Vec<lobster::OrderBook>,
    trades: u64,
    traded: u64,
}

impl Lobster {
    /// Whether something of it rests.
    fn add(&mut self, order: &Order) -> bool {
        let limit = OrderType::Limit {
            id: order.id.into(),
            side: match order.side {
                Side::Buy => lobster::Side::Bid,
                Side::Sell => lobster::Side::Ask,
            },
            qty: order.quantity.into(),
            price: order.ticks.cast_unsigned(),
        };
        match self.books[order.instrument as usize].execute(limit) {
            OrderEvent::Filled { filled_qty, fills, .. } => {
                self.trades += fills.len() as u64;
                self.traded += filled_qty;
                false
            }
            OrderEvent::PartiallyFilled { filled_qty, fills, .. } => {
                self.trades += fills.len() as u64;
                self.traded += filled_qty;
                true
            }
            _ => true,
        }
    }

    fn cancel(&mut self, instrument: u32, id: u64) {
        let book = &mut self.books[instrument as usize];
        std::hint::black_box(book.execute(OrderType::Cancel { id: id.into() }));
    }
}

impl Contestant for Lobster {
    fn new(size: Size) -> Self {
        let room = size.live / size.instruments as usize * 5 / 4 + 64;
        let book = |_| lobster::OrderBook::new(room, 64, false);
        Self { books: (0..size.instruments).map(book).collect(), trades: 0, traded: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => _ = self.add(order),
            Step::Take { order, .. } => {
                if self.add(order) {
                    self.cancel(order.instrument, order.id);
                }
            }
            Step::Cancel(instrument, id) => self.cancel(*instrument, *id),
            Step::Replace(id, order) => {
                self.cancel(order.instrument, *id);
                self.add(order);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let mut outcome =
            Outcome { trades: self.trades, traded: self.traded, ..Outcome::default() };
        for (instrument, book) in (0..).zip(&self.books) {
            let depth = book.depth(usize::from(u16::MAX));
            for (side, levels) in [(Side::Buy, &depth.bids), (Side::Sell, &depth.asks)] {
                // Levels whose orders are all gone stay in its tree with nothing in them.
                for level in levels.iter().filter(|level| level.qty > 0) {
                    outcome.add(instrument, side, level.price.cast_signed(), level.qty);
                }
            }
        }
        outcome
    }
}
