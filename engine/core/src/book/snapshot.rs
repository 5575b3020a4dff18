//! Books in a snapshot: orders in the order in which they trade, each with its place in time.
//!
//! Not an image of the pools: which slot an order has, the shape of a tree of levels and the tables
//! that find an order show in nothing that the books answer, only in how fast. So each order joins
//! its queue again, by the code that has an order of the feed join it; 20 bytes an order instead of
//! more than a hundred, and nothing in the bytes can break an invariant of the pools.

use tezi_model::{InstrumentId, OrderId, Px, Side};

use super::books::Books;
use super::pool::NONE;
use super::record::ladder_of;
use super::types::BookCounters;
use crate::snapshot::{SnapshotError, SnapshotReader, SnapshotWriter, part};

/// Priorities have 56 bits.
const PRIORITY_MAX: u64 = u64::MAX >> 8;

impl Books {
    /// Writes every book: bids then asks, levels best first, orders by priority.
    pub(crate) fn save(&self, out: &mut SnapshotWriter) {
        // The tables are made again of what the queues hold.
        let Self {
            orders: _,
            queues,
            index: _,
            ladders,
            level_cache: _,
            marks: _,
            instruments,
            instruments_max: _,
            priority,
            counters,
        } = self;
        out.part(part::BOOKS, |out| {
            save_counters(counters, out);
            out.u64(*priority);
            out.u32(*instruments);
            for ladder in 0..2 * *instruments {
                out.count(ladders.iter(ladder).count());
                for queue in ladders.iter(ladder) {
                    let queue = &queues[queue];
                    out.price(queue.price);
                    out.u32(queue.orders);
                    self.save_queue(queue.first, out);
                }
            }
        });
    }

    fn save_queue(&self, first: u32, out: &mut SnapshotWriter) {
        let mut slot = first;
        while slot != NONE {
            let order = &self.orders[slot];
            out.u64(order.order_id.0);
            out.u64(order.ticket);
            out.u32(order.quantity);
            slot = order.later;
        }
    }

    /// Reads them into books without orders or instruments.
    pub(crate) fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        input.part(part::BOOKS, |input| {
            let counters = load_counters(input)?;
            let priority = input.u64()?;
            input.ensure(priority <= PRIORITY_MAX, "priority")?;
            let instruments = input.count(self.instruments_max as usize, "instruments_max")?;
            for _ in 0..instruments {
                let instrument = self.add_instrument();
                let instrument = input.known(instrument.ok(), "instrument")?;
                for side in Side::BOTH {
                    self.load_side(instrument, side, priority, input)?;
                }
            }
            (self.counters, self.priority) = (counters, priority);
            Ok(())
        })
    }

    fn load_side(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        priority_last: u64,
        input: &mut SnapshotReader<'_>,
    ) -> Result<(), SnapshotError> {
        let mut better: Option<Px> = None;
        for _ in 0..input.count(self.queues.available(), "levels_max")? {
            let price = input.price()?;
            let in_order = better.is_none_or(|better| side.is_better(better, price));
            input.ensure(in_order, "price of a level")?;
            let orders = input.count(self.orders.available(), "market_orders_max")?;
            input.ensure(orders > 0, "level without orders")?;
            let mut priority = 0;
            for _ in 0..orders {
                priority = self.load_order(instrument, side, price, priority, input)?;
            }
            input.ensure(priority <= priority_last, "priority")?;
            better = Some(price);
        }
        Ok(())
    }

    /// Reads an order and has it join its queue; its priority.
    fn load_order(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        priority_before: u64,
        input: &mut SnapshotReader<'_>,
    ) -> Result<u64, SnapshotError> {
        let order_id = OrderId(input.u64()?);
        let ticket = input.u64()?;
        let (priority, segment_code) = (ticket >> 8, (ticket & 0xFF) as u8);
        let quantity = input.quantity()?;
        let is_one = !order_id.is_none() && !quantity.is_zero();
        let is_new = is_one && self.find(segment_code, order_id).is_none();
        input.ensure(is_new && priority_before < priority, "order")?;
        // The order that joins next takes the next place in time.
        self.priority = priority - 1;
        let ladder = ladder_of(instrument, side);
        match self.place(ladder, segment_code, order_id, price, quantity) {
            Ok(_) => Ok(priority),
            Err(_) => Err(SnapshotError::Capacity { what: "market_orders_max" }),
        }
    }
}

fn save_counters(counters: &BookCounters, out: &mut SnapshotWriter) {
    let BookCounters {
        new_live,
        modify_unknown,
        cancel_unknown,
        trade_unknown,
        moved,
        overfilled,
        side_mismatched,
        refused,
    } = *counters;
    let first = [new_live, modify_unknown, cancel_unknown, trade_unknown];
    let rest = [moved, overfilled, side_mismatched, refused];
    first.into_iter().chain(rest).for_each(|count| out.u64(count));
}

fn load_counters(input: &mut SnapshotReader<'_>) -> Result<BookCounters, SnapshotError> {
    Ok(BookCounters {
        new_live: input.u64()?,
        modify_unknown: input.u64()?,
        cancel_unknown: input.u64()?,
        trade_unknown: input.u64()?,
        moved: input.u64()?,
        overfilled: input.u64()?,
        side_mismatched: input.u64()?,
        refused: input.u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::{Applied, BooksConfig};
    use tezi_model::Qty;
    use tezi_testing::Random;

    const CONFIG: BooksConfig =
        BooksConfig { instruments_max: 4, orders_max: 4_096, levels_max: 512 };

    /// One event; of few prices, so that queues grow long enough for marks, and of many.
    fn step(books: &mut Books, random: &Random, wide: bool) -> (Applied, Random) {
        let mut random = random.clone();
        let (id, other) = (OrderId(1 + random.below(6_000)), OrderId(1 + random.below(6_000)));
        let instrument = InstrumentId(random.below(3) as u32);
        let code = 1 + (random.below(2) as u8) * 128;
        let side = Side::BOTH[random.below(2) as usize];
        let price = Px(random.below(if wide { 400 } else { 3 }) as i64 - 1);
        let quantity = Qty(1 + random.below(50) as u32);
        let refused = |_| Applied::IGNORED;
        let applied = match random.below(10) {
            0..=4 => {
                books.on_new(instrument, code, id, side, price, quantity).unwrap_or_else(refused)
            }
            5 | 6 => {
                books.on_modify(instrument, code, id, side, price, quantity).unwrap_or_else(refused)
            }
            7 => books.on_cancel(code, id),
            8 => books.on_trade(code, id, other, quantity),
            _ => books.on_replace(code, id, other, price, quantity).unwrap_or_else(refused),
        };
        (applied, random)
    }

    fn saved(books: &Books) -> Vec<u8> {
        let mut out = SnapshotWriter::new();
        books.save(&mut out);
        out.bytes().to_vec()
    }

    #[test]
    fn loaded_books_answer_and_go_on_as_those_saved() {
        let mut marked = 0;
        for seed in 1..=8 {
            let (wide, mut random) = (seed % 2 == 0, Random(seed));
            let mut books = Books::new(&CONFIG);
            for _ in 0..3 {
                books.add_instrument().unwrap();
            }
            for _ in 0..random.below(20_000) {
                random = step(&mut books, &random, wide).1;
            }
            let bytes = saved(&books);
            let mut loaded = Books::new(&CONFIG);
            loaded.load(&mut SnapshotReader::new(&bytes)).unwrap();
            assert!(loaded.is_consistent() && saved(&loaded) == bytes, "seed {seed}");
            marked += (0..CONFIG.levels_max).filter(|&queue| loaded.marks.has(queue)).count();
            for at in 0..3_000 {
                let ((one, next), (other, _)) =
                    (step(&mut books, &random, wide), step(&mut loaded, &random, wide));
                assert_eq!(one, other, "seed {seed}, step {at}");
                let id = OrderId(1 + next.clone().below(6_000));
                for code in [1, 129] {
                    let [one, other] = [&books, &loaded].map(|it| it.queue_position(code, id));
                    assert_eq!(one, other, "seed {seed}, step {at}");
                    let [one, other] = [&books, &loaded].map(|it| it.order(code, id));
                    assert_eq!(one, other, "seed {seed}, step {at}");
                }
                random = next;
            }
            assert!(saved(&books) == saved(&loaded) && loaded.is_consistent(), "seed {seed}");
        }
        assert!(marked > 0, "no queue was long enough to have marks");
    }

    #[test]
    fn books_without_room_for_them_refuse() {
        let mut books = Books::new(&CONFIG);
        let future = books.add_instrument().unwrap();
        for number in 1..=40 {
            let price = Px(number as i64 / 4);
            books.on_new(future, 1, OrderId(number), Side::Buy, price, Qty(1)).unwrap();
        }
        let bytes = saved(&books);
        let load = |config| Books::new(&config).load(&mut SnapshotReader::new(&bytes));
        let small = |what| Err(SnapshotError::Capacity { what });
        assert_eq!(load(BooksConfig { orders_max: 39, ..CONFIG }), small("market_orders_max"));
        assert_eq!(load(BooksConfig { levels_max: 10, ..CONFIG }), small("levels_max"));
        assert_eq!(load(BooksConfig { instruments_max: 0, ..CONFIG }), small("instruments_max"));
        assert_eq!(
            load(BooksConfig { orders_max: 40, levels_max: 11, instruments_max: 1 }),
            Ok(())
        );
    }
}
