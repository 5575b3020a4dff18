//! Seeded ITCH 5.0 flow in the mix of a full day: 43.7 % new orders, 40.3 % deletes, 11.2 %
//! replaces, 2.0 % executions, 1.4 % partial cancels, 1.4 % trades of hidden orders.
//!
//! The population is held within a twentieth of its size by turning an order away or letting one
//! more in, so that a book keeps its shape however long the flow is. Any live order is as likely as
//! any other to be deleted or changed, which is harder on caches than a real day, where the young
//! die first. Symbols follow Zipf's law. New prices count from the best price of the other side,
//! most of them near it, and executions take the best level: the market walks, and never crosses.

use tezi::model::Side;

use super::Random;
use super::naive_book::{NaiveBook, NaiveOrder, Truth};

/// A cent.
const TICK: u32 = 100;
const PRICE_FIRST: u32 = 5_000_000;
const NANOS_BETWEEN: u64 = 1_000;
const OPEN_NANOS: u64 = 34_200_000_000_000;
/// Messages in a MoldUDP64 packet at most; 8 in the middle.
const PACKET_MESSAGES_MAX: usize = 15;

/// What a flow is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapeShape {
    pub(crate) name: &'static str,
    pub(crate) symbols: usize,
    pub(crate) live: usize,
    /// Ticks from the other side's best price within which orders come.
    pub(crate) reach: usize,
}

impl TapeShape {
    /// One tight book: about 95 levels a side.
    pub(crate) const SINGLE: Self = Self { name: "single", symbols: 1, live: 2_000, reach: 88 };
    /// One deep book: about 1,000 levels over both sides.
    pub(crate) const DEEP: Self = Self { name: "deep", symbols: 1, live: 11_000, reach: 500 };
    /// A whole market.
    pub(crate) const MULTI: Self = Self { name: "multi", symbols: 8_000, live: 400_000, reach: 88 };
}

/// Length-prefixed messages as in a file, and where in them MoldUDP64 packets begin.
#[derive(Default)]
pub(crate) struct Stretch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) messages: usize,
    /// Whole packets, back to back.
    packets: Vec<u8>,
    packet_ends: Vec<usize>,
}

impl Stretch {
    /// The packets, in order.
    pub(crate) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let starts = core::iter::once(0).chain(self.packet_ends.iter().copied());
        starts.zip(&self.packet_ends).map(|(start, &end)| &self.packets[start..end])
    }

    /// Cuts the messages into packets, the first of them numbered `sequence`.
    fn pack(&mut self, random: &mut Random, mut sequence: u64) {
        let mut rest = &self.bytes[..];
        while !rest.is_empty() {
            let (mut size, mut count) = (0, 0_u16);
            let wanted = 1 + random.below(PACKET_MESSAGES_MAX);
            while usize::from(count) < wanted && size < rest.len() {
                size += 2 + usize::from(u16::from_be_bytes([rest[size], rest[size + 1]]));
                count += 1;
            }
            let (blocks, behind) = rest.split_at(size);
            self.packets.extend_from_slice(b"0000000001");
            self.packets.extend_from_slice(&sequence.to_be_bytes());
            self.packets.extend_from_slice(&count.to_be_bytes());
            self.packets.extend_from_slice(blocks);
            self.packet_ends.push(self.packets.len());
            sequence += u64::from(count);
            rest = behind;
        }
    }
}

/// A flow: what fills the books, what is measured, and what they must hold then.
pub(crate) struct ItchTape {
    pub(crate) name: &'static str,
    pub(crate) symbols: usize,
    pub(crate) opening: Stretch,
    pub(crate) flow: Stretch,
    pub(crate) truth: Truth,
    /// Messages of the flow by kind: A or F, D, U, E, X, P.
    pub(crate) kinds: [usize; 6],
}

impl ItchTape {
    pub(crate) fn new(shape: TapeShape, seed: u64, messages: usize) -> Self {
        let mut maker = Maker::new(shape.symbols);
        let mut drawer = Drawer::new(shape, seed);
        for order in 0..shape.live {
            // Every symbol has an order a side before chance begins.
            let symbol =
                if order < shape.symbols * 2 { order % shape.symbols } else { drawer.symbol() };
            let side = Side::BOTH[order / shape.symbols % 2];
            drawer.enter(&mut maker, symbol as u16, side);
        }
        let opening = maker.cut();
        (0..messages).for_each(|_| drawer.step(&mut maker));
        maker.finish(shape.name, opening)
    }
}

/// Writes messages, and does to the naive book what they say.
pub(crate) struct Maker {
    pub(crate) book: NaiveBook,
    symbols: usize,
    stretch: Stretch,
    kinds: [usize; 6],
    nanos: u64,
}

impl Maker {
    pub(crate) fn new(symbols: usize) -> Self {
        let book = NaiveBook::new(symbols);
        Self { book, symbols, stretch: Stretch::default(), kinds: [0; 6], nanos: OPEN_NANOS }
    }

    /// What was written so far; the counts begin anew.
    pub(crate) fn cut(&mut self) -> Stretch {
        self.kinds = [0; 6];
        core::mem::take(&mut self.stretch)
    }

    pub(crate) fn finish(mut self, name: &'static str, mut opening: Stretch) -> ItchTape {
        let kinds = self.kinds;
        let mut flow = self.cut();
        let mut random = Random::new(7);
        opening.pack(&mut random, 1);
        flow.pack(&mut random, 1 + opening.messages as u64);
        ItchTape { name, symbols: self.symbols, opening, flow, truth: self.book.truth(), kinds }
    }

    /// `A`, or `F` for one number in eight.
    pub(crate) fn add(&mut self, order: NaiveOrder) -> u32 {
        let id = self.book.add(order);
        let is_attributed = id.is_multiple_of(8);
        let letter = if is_attributed { b'F' } else { b'A' };
        let side = if order.side == Side::Buy { b'B' } else { b'S' };
        let tail: &[u8] = if is_attributed { b"NSDQ" } else { b"" };
        self.put(
            letter,
            0,
            order.symbol,
            &[
                &u64::from(id).to_be_bytes(),
                &[side],
                &order.quantity.to_be_bytes(),
                b"TEZI    ",
                &order.price.to_be_bytes(),
                tail,
            ],
        );
        id
    }

    /// `D`.
    pub(crate) fn delete(&mut self, id: u32) {
        let symbol = self.book.order(id).symbol;
        self.book.remove(id);
        self.put(b'D', 1, symbol, &[&u64::from(id).to_be_bytes()]);
    }

    /// `U`; the new number.
    pub(crate) fn replace(&mut self, id: u32, price: u32, quantity: u32) -> u32 {
        let order = NaiveOrder { price, quantity, ..self.book.order(id) };
        self.book.remove(id);
        let id_new = self.book.add(order);
        self.put(
            b'U',
            2,
            order.symbol,
            &[
                &u64::from(id).to_be_bytes(),
                &u64::from(id_new).to_be_bytes(),
                &quantity.to_be_bytes(),
                &price.to_be_bytes(),
            ],
        );
        id_new
    }

    /// `E`; whether the order is gone.
    pub(crate) fn execute(&mut self, id: u32, quantity: u32) -> bool {
        let order = self.book.order(id);
        let is_gone = quantity >= order.quantity;
        if is_gone {
            self.book.remove(id);
        } else {
            self.book.reduce(id, quantity);
        }
        let traded = quantity.min(order.quantity).to_be_bytes();
        self.put(b'E', 3, order.symbol, &[&u64::from(id).to_be_bytes(), &traded, &[0; 8]]);
        is_gone
    }

    /// `X`, of less than the order holds.
    pub(crate) fn cancel(&mut self, id: u32, quantity: u32) {
        self.book.reduce(id, quantity);
        let symbol = self.book.order(id).symbol;
        self.put(b'X', 4, symbol, &[&u64::from(id).to_be_bytes(), &quantity.to_be_bytes()]);
    }

    /// `P`.
    pub(crate) fn trade(&mut self, symbol: u16, price: u32, quantity: u32) {
        self.put(
            b'P',
            5,
            symbol,
            &[&[0; 8], b"B", &quantity.to_be_bytes(), b"TEZI    ", &price.to_be_bytes(), &[0; 8]],
        );
    }

    fn put(&mut self, letter: u8, kind: usize, symbol: u16, fields: &[&[u8]]) {
        let size = 11 + fields.iter().map(|field| field.len()).sum::<usize>();
        let out = &mut self.stretch.bytes;
        out.extend_from_slice(&(size as u16).to_be_bytes());
        out.push(letter);
        out.extend_from_slice(&(symbol + 1).to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&self.nanos.to_be_bytes()[2..]);
        fields.iter().for_each(|field| out.extend_from_slice(field));
        self.nanos += NANOS_BETWEEN;
        self.stretch.messages += 1;
        self.kinds[kind] += 1;
    }
}

/// Draws what happens.
struct Drawer {
    shape: TapeShape,
    random: Random,
    /// For each symbol, the share of it and of those before it.
    zipf: Vec<f64>,
    live: Vec<u32>,
    /// By number, where in `live` an order is.
    places: Vec<u32>,
    last_price: Vec<u32>,
}

impl Drawer {
    fn new(shape: TapeShape, seed: u64) -> Self {
        let mut sum = 0.0;
        let mut zipf: Vec<f64> = (1..=shape.symbols)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        zipf.iter_mut().for_each(|share| *share /= sum);
        let last_price = vec![PRICE_FIRST; shape.symbols];
        let random = Random::new(seed);
        Self { shape, random, zipf, live: Vec::new(), places: vec![0], last_price }
    }

    fn step(&mut self, maker: &mut Maker) {
        let mut roll = self.random.below(1_000);
        if self.live.len() * 20 > self.shape.live * 21 && roll < 437 {
            roll = 437;
        } else if self.live.len() * 20 < self.shape.live * 19 && (437..840).contains(&roll) {
            roll = 0;
        }
        let id = self.live[self.random.below(self.live.len())];
        let order = maker.book.order(id);
        match roll {
            0..437 => {
                let symbol = self.symbol() as u16;
                let side = Side::BOTH[self.random.below(2)];
                self.enter(maker, symbol, side);
            }
            840..952 => {
                let (price, quantity) =
                    (self.price(maker, order.symbol, order.side), self.quantity());
                let id_new = maker.replace(id, price, quantity);
                let place = self.places[id as usize];
                self.live[place as usize] = id_new;
                self.places.push(place);
            }
            952..972 => {
                let side = Side::BOTH[self.random.below(2)];
                let Some((_, first)) = maker.book.first(order.symbol, side) else { return };
                if maker.execute(first, self.quantity()) {
                    self.forget(first);
                }
            }
            972..986 if order.quantity > 100 => maker.cancel(id, 100),
            986.. => maker.trade(order.symbol, order.price, self.quantity()),
            _ => {
                maker.delete(id);
                self.forget(id);
            }
        }
    }

    fn enter(&mut self, maker: &mut Maker, symbol: u16, side: Side) {
        let (price, quantity) = (self.price(maker, symbol, side), self.quantity());
        let id = maker.add(NaiveOrder { symbol, side, price, quantity });
        self.places.push(self.live.len() as u32);
        self.live.push(id);
    }

    fn forget(&mut self, id: u32) {
        let place = self.places[id as usize] as usize;
        self.live.swap_remove(place);
        if let Some(&moved) = self.live.get(place) {
            self.places[moved as usize] = place as u32;
        }
    }

    fn symbol(&mut self) -> usize {
        let share = self.random.below(1 << 52) as f64 / (1_u64 << 52) as f64;
        self.zipf.partition_point(|&below| below <= share).min(self.shape.symbols - 1)
    }

    /// Behind the best price of the other side, by the square of a chance.
    fn price(&mut self, maker: &Maker, symbol: u16, side: Side) -> u32 {
        let last = &mut self.last_price[usize::from(symbol)];
        let other = Side::BOTH[1 - side as usize];
        let best = maker.book.first(symbol, other).map_or(*last, |(price, _)| price);
        *last = best;
        let chance = self.random.below(1 << 16) as f64 / 65_536.0;
        let ticks = 1 + (self.shape.reach as f64 * chance * chance) as u32;
        match side {
            Side::Buy => best.saturating_sub(ticks * TICK).max(TICK),
            Side::Sell => best + ticks * TICK,
        }
    }

    fn quantity(&mut self) -> u32 {
        100 * (1 + self.random.below(5) as u32)
    }
}
