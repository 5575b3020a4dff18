//! What really happened: the messages of each stream, and the books after each of them.

use std::collections::BTreeMap;

use tezi::feed_handler::Line;
use tezi::feed_handler::wire::nse_mtbt::{
    Order, PacketContext, Trade, decode, encode_order, encode_snapshot_header,
    encode_snapshot_order, encode_trade, message_type,
};
use tezi::model::{Event, EventKind, Nanos, OrderId, Segment, Side};
pub use tezi_testing::Random;

pub fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// An order as books see it, folded into a number. Books are equal when the sums of it are.
pub fn order_digest(id: OrderId, token: u32, side: Side, price: i64, quantity: u32) -> u64 {
    [id.0, u64::from(token), price.cast_unsigned(), u64::from(quantity)]
        .iter()
        .fold(side as u64, |digest, &field| mix(digest ^ field))
}

/// The live orders of a stream, by the rules of MTBT 6.7, chapter 6, in the plainest way.
#[derive(Clone, Default)]
struct NaiveBooks(BTreeMap<u64, Event>);

impl NaiveBooks {
    fn apply(&mut self, event: &Event) {
        match event.kind() {
            Some(EventKind::OrderNew | EventKind::OrderModify) => {
                self.0.insert(event.order_id.0, *event);
            }
            Some(EventKind::OrderCancel) => _ = self.0.remove(&event.order_id.0),
            Some(EventKind::Trade) => {
                self.reduce(event.order_id.0, event.quantity.0);
                self.reduce(event.sell_order_id.0, event.quantity.0);
            }
            other => panic!("the market makes no such message: {other:?}"),
        }
    }

    fn reduce(&mut self, id: u64, by: u32) {
        if let Some(order) = self.0.get_mut(&id) {
            order.quantity.0 = order.quantity.0.saturating_sub(by);
            if order.quantity.is_zero() {
                self.0.remove(&id);
            }
        }
    }

    fn digest(&self) -> u64 {
        self.0.values().fold(0, |sum: u64, order| {
            let (price, quantity) = (order.price.0, order.quantity.0);
            sum.wrapping_add(order_digest(
                order.order_id,
                order.token.0,
                order.side(),
                price,
                quantity,
            ))
        })
    }
}

/// A stream from message 1 on, until it ends or restarts.
pub struct Run {
    pub bytes: Vec<Vec<u8>>,
    pub sent: Vec<Nanos>,
    pub events: Vec<Event>,
    /// Of the books after each message; the first is of empty ones.
    pub digests: Vec<u64>,
}

impl Run {
    /// `count` messages of `stream`, the first after `start`, `spacing_ns` apart on average.
    pub fn new(random: &mut Random, stream: u8, count: u32, start: Nanos, spacing_ns: u64) -> Self {
        let mut run =
            Self { bytes: Vec::new(), sent: Vec::new(), events: Vec::new(), digests: vec![0] };
        let mut maker = Maker { random, stream, live: Vec::new() };
        let mut books = NaiveBooks::default();
        let mut time = start;
        for sequence in 1..=count {
            time = time.plus(1 + maker.random.below(2 * spacing_ns).cast_signed());
            let bytes = maker.message(sequence, time);
            let context =
                PacketContext { segment: Segment::NseFo, line: Line::A, receive_time: Nanos::ZERO };
            let event = decode(&bytes).unwrap().0.to_event(&context).unwrap().unwrap();
            books.apply(&event);
            run.bytes.push(bytes);
            run.sent.push(time);
            run.events.push(event);
            run.digests.push(books.digest());
        }
        run
    }

    pub fn count(&self) -> u32 {
        self.bytes.len() as u32
    }

    pub fn end(&self) -> Nanos {
        self.sent[self.sent.len() - 1]
    }

    /// The bytes of the snapshot after message `last`, said to be of `stream`.
    pub fn snapshot(&self, stream: u8, last: u32) -> Vec<u8> {
        let mut books = NaiveBooks::default();
        self.events[..last as usize].iter().for_each(|event| books.apply(event));
        let mut bytes = encode_snapshot_header(stream, last, books.0.len() as u32).to_vec();
        for order in books.0.values() {
            bytes.extend(encode_snapshot_order(&Order {
                message_type: message_type::ORDER_NEW,
                time: order.exchange_time,
                order_id: order.order_id,
                token: order.token.0.cast_signed(),
                side: order.side(),
                price: (order.price.0 / Segment::NseFo.wire_price_units()) as i32,
                quantity: order.quantity.0.cast_signed(),
            }));
        }
        bytes
    }
}

/// Makes the messages of one stream: two contracts, orders that come, change, go and trade.
struct Maker<'a> {
    random: &'a mut Random,
    stream: u8,
    live: Vec<Order>,
}

impl Maker<'_> {
    fn message(&mut self, sequence: u32, time: Nanos) -> Vec<u8> {
        let what = if self.live.len() < 4 { 0 } else { self.random.below(100) };
        if what < 45 {
            // Numbers are unique within the day, over all streams.
            let number = u64::from(self.stream) * 1_000_000 + u64::from(sequence);
            let order = Order {
                message_type: message_type::ORDER_NEW,
                time,
                order_id: OrderId(1_100_000_000_000_000 + number),
                token: i32::from(self.stream) * 100 + self.random.below(2) as i32,
                side: self.random.pick(&Side::BOTH),
                price: self.price(),
                quantity: 65 * (1 + self.random.below(4)) as i32,
            };
            self.live.push(order);
            return encode_order(self.stream, sequence, &order).to_vec();
        }
        let index = self.random.below(self.live.len() as u64) as usize;
        if what < 65 {
            let price = self.price();
            let quantity = 65 * (1 + self.random.below(4)) as i32;
            let order = &mut self.live[index];
            (order.price, order.quantity) = (price, quantity);
            let order = Order { message_type: message_type::ORDER_MODIFY, time, ..*order };
            return encode_order(self.stream, sequence, &order).to_vec();
        }
        if what < 85 {
            let order = self.live.swap_remove(index);
            let order = Order { message_type: message_type::ORDER_CANCEL, time, ..order };
            return encode_order(self.stream, sequence, &order).to_vec();
        }
        self.trade(index, sequence, time)
    }

    fn price(&mut self) -> i32 {
        5 * (1 + self.random.below(200)) as i32
    }

    /// A trade of a live order with another one of the contract, or with one never shown.
    fn trade(&mut self, index: usize, sequence: u32, time: Nanos) -> Vec<u8> {
        let order = self.live[index];
        let is_match = |other: &Order| other.token == order.token && other.side != order.side;
        let other = self.live.iter().position(is_match);
        let quantity =
            other.map_or(order.quantity, |other| order.quantity.min(self.live[other].quantity));
        let quantity = if quantity > 65 && self.random.chance(50) { 65 } else { quantity };
        let other_id = other.map_or(OrderId(0), |other| self.live[other].order_id);
        for index in [Some(index), other].into_iter().flatten() {
            self.live[index].quantity -= quantity;
        }
        self.live.retain(|order| order.quantity > 0);
        let (buy, sell) = match order.side {
            Side::Buy => (order.order_id, other_id),
            Side::Sell => (other_id, order.order_id),
        };
        let trade = Trade {
            message_type: message_type::TRADE,
            time,
            buy_order_id: buy,
            sell_order_id: sell,
            token: order.token,
            price: order.price,
            quantity,
        };
        encode_trade(self.stream, sequence, &trade).to_vec()
    }
}
