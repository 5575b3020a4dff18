//! The published crates.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lobster::{OrderEvent, OrderType};
use orderbook_rs::{DefaultOrderBook, Id, TimeInForce};
use tezi::model::Side;

use crate::flow::{Contestant, Order, Outcome, Step};

/// `orderbook-rs`, with a listener to its trades.
pub(crate) struct OrderbookRs {
    book: DefaultOrderBook,
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
        let added =
            self.book.add_limit_order(id, price, order.quantity.into(), side, time_in_force, None);
        std::hint::black_box(added.is_ok());
    }

    fn cancel(&self, id: u64) {
        let canceled = self.book.cancel_order(Id::Sequential(id));
        std::hint::black_box(canceled.is_ok());
    }
}

impl Contestant for OrderbookRs {
    fn new() -> Self {
        let (trades, traded) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let (trade_count, trade_sum) = (Arc::clone(&trades), Arc::clone(&traded));
        let listener = move |result: &orderbook_rs::TradeResult| {
            for trade in result.match_result.trades().as_vec() {
                trade_count.fetch_add(1, Ordering::Relaxed);
                trade_sum.fetch_add(trade.quantity().as_u64(), Ordering::Relaxed);
            }
        };
        let book = DefaultOrderBook::with_trade_listener("TEZI", Arc::new(listener));
        Self { book, trades, traded }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => self.add(order, TimeInForce::Gtc),
            Step::Take { order, .. } => self.add(order, TimeInForce::Ioc),
            Step::Cancel(id) => self.cancel(*id),
            Step::Replace(id, order) => {
                self.cancel(*id);
                self.add(order, TimeInForce::Gtc);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let snapshot = self.book.create_snapshot(usize::MAX).expect("a snapshot");
        let bids = snapshot.bids.iter().map(|level| (Side::Buy, level));
        let asks = snapshot.asks.iter().map(|level| (Side::Sell, level));
        let level = |ticks: u128, quantity: u64, side: Side| (side as u8, ticks as i64, quantity);
        let mut levels: Vec<_> = bids
            .chain(asks)
            .map(|(side, at)| level(at.price().as_u128(), at.visible_quantity().as_u64(), side))
            .collect();
        levels.sort_unstable();
        let [trades, traded] =
            [&self.trades, &self.traded].map(|count| count.load(Ordering::Relaxed));
        Outcome { levels, trades, traded }
    }
}

/// `lobster`, whose answers say what traded.
pub(crate) struct Lobster {
    book: lobster::OrderBook,
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
        match self.book.execute(limit) {
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

    fn cancel(&mut self, id: u64) {
        std::hint::black_box(self.book.execute(OrderType::Cancel { id: id.into() }));
    }
}

impl Contestant for Lobster {
    fn new() -> Self {
        Self { book: lobster::OrderBook::new(1 << 16, 64, false), trades: 0, traded: 0 }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::New(order) => _ = self.add(order),
            Step::Take { order, .. } => {
                if self.add(order) {
                    self.cancel(order.id);
                }
            }
            Step::Cancel(id) => self.cancel(*id),
            Step::Replace(id, order) => {
                self.cancel(*id);
                self.add(order);
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        let depth = self.book.depth(usize::from(u16::MAX));
        let of = |side: Side, levels: &[lobster::BookLevel]| -> Vec<_> {
            // Levels whose orders are all gone stay in its tree with nothing in them.
            let filled = levels.iter().filter(|level| level.qty > 0);
            filled.map(|level| (side as u8, level.price.cast_signed(), level.qty)).collect()
        };
        let mut levels = of(Side::Buy, &depth.bids);
        levels.extend(of(Side::Sell, &depth.asks));
        levels.sort_unstable();
        Outcome { levels, trades: self.trades, traded: self.traded }
    }
}
