//! What really happened on a stream, and a checker that holds every event against it.

use std::collections::BTreeMap;

use tezi_feed_handler::Line;
use tezi_feed_handler::wire::nse_mtbt::{
    Order, PacketContext, Trade, decode, encode_order, encode_snapshot_header,
    encode_snapshot_order, encode_trade, message_type,
};
use tezi_model::{Event, EventKind, FeedFault, MarketFlags, Nanos, OrderId, Segment, Side};
pub(crate) use tezi_testing::Random;

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// Live orders of a stream by id, and a digest of them.
#[derive(Clone, Default)]
pub(crate) struct Books {
    orders: BTreeMap<u64, Event>,
    digest: u64,
}

impl Books {
    fn digest_of(event: &Event) -> u64 {
        let side = u64::from(event.flags & MarketFlags::SELL);
        [event.order_id.0, event.price.0 as u64, event.quantity.0.into(), event.token.0.into()]
            .iter()
            .fold(side, |digest, &field| mix(digest ^ field))
    }

    fn remove(&mut self, id: u64) -> Option<Event> {
        let order = self.orders.remove(&id)?;
        self.digest ^= Self::digest_of(&order);
        Some(order)
    }

    fn insert(&mut self, order: Event) {
        self.remove(order.order_id.0);
        self.digest ^= Self::digest_of(&order);
        self.orders.insert(order.order_id.0, order);
    }

    fn reduce(&mut self, id: u64, by: u32) {
        if let Some(mut order) = self.remove(id)
            && order.quantity.0 > by
        {
            order.quantity.0 -= by;
            self.insert(order);
        }
    }

    fn apply(&mut self, event: &Event) {
        match event.kind() {
            Some(EventKind::OrderNew | EventKind::OrderModify) => self.insert(*event),
            Some(EventKind::OrderCancel) => _ = self.remove(event.order_id.0),
            Some(EventKind::Trade) => {
                self.reduce(event.order_id.0, event.quantity.0);
                self.reduce(event.sell_order_id.0, event.quantity.0);
            }
            other => panic!("no such message in the truth: {other:?}"),
        }
    }
}

/// One run of a stream from 1 on: bytes, events, and the digest of the books after each.
pub(crate) struct Run {
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) sent: Vec<Nanos>,
    events: Vec<Event>,
    digests: Vec<u64>,
}

impl Run {
    pub(crate) fn new(random: &mut Random, count: u32, start: Nanos, spacing_ns: u64) -> Self {
        let mut run =
            Self { bytes: Vec::new(), sent: Vec::new(), events: Vec::new(), digests: vec![0] };
        let mut books = Books::default();
        let mut live: Vec<Order> = Vec::new();
        let mut time = start;
        for sequence in 1..=count {
            time = time.plus(1 + random.below(2 * spacing_ns) as i64);
            let bytes = Self::message(random, &mut live, sequence, time);
            let context =
                PacketContext { segment: Segment::NseFo, line: Line::A, receive_time: Nanos::ZERO };
            let event = decode(&bytes).unwrap().0.to_event(&context).unwrap().unwrap();
            books.apply(&event);
            run.bytes.push(bytes);
            run.sent.push(time);
            run.events.push(event);
            run.digests.push(books.digest);
        }
        run
    }

    fn message(random: &mut Random, live: &mut Vec<Order>, sequence: u32, time: Nanos) -> Vec<u8> {
        let what = if live.len() < 3 { 0 } else { random.below(100) };
        if what < 45 {
            let order = Order {
                message_type: message_type::ORDER_NEW,
                time,
                order_id: OrderId(1_100_000_000_000_000 + u64::from(sequence)),
                token: 35_000 + random.below(3) as i32,
                side: random.pick(&Side::BOTH),
                price: 5 * (1 + random.below(200)) as i32,
                quantity: 65 * (1 + random.below(4)) as i32,
            };
            live.push(order);
            return encode_order(1, sequence, &order).to_vec();
        }
        let index = random.below(live.len() as u64) as usize;
        if what < 70 {
            let order = &mut live[index];
            order.price = 5 * (1 + random.below(200)) as i32;
            let order = Order { message_type: message_type::ORDER_MODIFY, time, ..*order };
            return encode_order(1, sequence, &order).to_vec();
        }
        let order = live.swap_remove(index);
        if what < 90 {
            let order = Order { message_type: message_type::ORDER_CANCEL, time, ..order };
            return encode_order(1, sequence, &order).to_vec();
        }
        let (buy, sell) = match order.side {
            Side::Buy => (order.order_id, OrderId(0)),
            Side::Sell => (OrderId(0), order.order_id),
        };
        let trade = Trade {
            message_type: message_type::TRADE,
            time,
            buy_order_id: buy,
            sell_order_id: sell,
            token: order.token,
            price: order.price,
            quantity: order.quantity,
        };
        encode_trade(1, sequence, &trade).to_vec()
    }

    pub(crate) fn count(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The bytes of a snapshot after message `last`.
    pub(crate) fn snapshot(&self, stream: u8, last: u32) -> Vec<u8> {
        let mut books = Books::default();
        self.events[..last as usize].iter().for_each(|event| books.apply(event));
        let count = books.orders.len() as u32;
        let mut bytes = encode_snapshot_header(stream, last, count).to_vec();
        for order in books.orders.values() {
            bytes.extend(encode_snapshot_order(&Order {
                message_type: message_type::ORDER_NEW,
                time: order.exchange_time,
                order_id: order.order_id,
                token: order.token.0 as i32,
                side: order.side(),
                price: (order.price.0 / Segment::NseFo.wire_price_units()) as i32,
                quantity: order.quantity.0 as i32,
            }));
        }
        bytes
    }
}

/// Holds events against the truth as they come.
pub(crate) struct Checker {
    run: usize,
    /// The number of the next message.
    expected: u32,
    books: Books,
    /// Whether an image is being given out: `expected` is the last number it covers.
    is_image: bool,
    pub(crate) is_stale: bool,
    pub(crate) delivered: u64,
    pub(crate) recovered: u64,
    pub(crate) digest: u64,
}

impl Checker {
    pub(crate) fn new() -> Self {
        Self {
            run: 0,
            expected: 1,
            books: Books::default(),
            is_image: false,
            is_stale: false,
            delivered: 0,
            recovered: 0,
            digest: 0,
        }
    }

    pub(crate) fn expected(&self) -> u32 {
        self.expected
    }

    pub(crate) fn run(&self) -> usize {
        self.run
    }

    pub(crate) fn on_event(&mut self, runs: &[Run], event: &Event) {
        self.digest =
            mix(self.digest ^ u64::from(event.sequence) ^ u64::from(event.kind_code) << 32);
        match event.fault() {
            None => self.on_message(runs, event),
            Some(FeedFault::Stale { first }) => {
                assert!(!self.is_stale && first == self.expected, "stale at {first}");
                self.is_stale = true;
            }
            Some(FeedFault::Whole) => {
                assert!(self.is_stale, "whole without stale");
                self.end_image();
                self.is_stale = false;
                self.check_books(runs);
            }
            Some(FeedFault::Snapshot) => {
                assert!(self.is_stale, "a snapshot for a stream that is whole");
                self.books = Books::default();
                (self.is_image, self.expected) = (true, event.sequence);
            }
            Some(FeedFault::Gap { first, last }) => {
                if self.is_image && first > self.expected {
                    self.end_image(); // whole, but what follows it is lost
                }
                assert!(first <= last && first == self.expected, "gap {first}..={last}");
                (self.is_stale, self.is_image, self.expected) = (true, false, last + 1);
            }
            Some(FeedFault::Reset) => {
                self.run += 1;
                (self.books, self.expected, self.is_image) = (Books::default(), 1, false);
            }
        }
    }

    fn on_message(&mut self, runs: &[Run], event: &Event) {
        if event.flags & MarketFlags::SNAPSHOT != 0 {
            assert!(self.is_image && event.sequence == self.expected);
            return self.books.insert(*event);
        }
        if self.is_image && event.sequence == self.expected + 1 {
            self.end_image();
            self.check_books(runs);
        }
        self.is_image = false; // an image that was cut is followed by a held message or a gap
        assert_eq!(event.sequence, self.expected, "each number once and in order");
        let truth = &runs[self.run].events[event.sequence as usize - 1];
        let own = MarketFlags::SELL;
        let masked = Event { flags: event.flags & own, receive_time: Nanos::ZERO, ..*event };
        assert_eq!(masked, *truth, "the event is the message");
        self.books.apply(event);
        self.expected += 1;
        self.delivered += 1;
        self.recovered += u64::from(event.flags & MarketFlags::RECOVERED != 0);
        if !self.is_stale {
            self.check_books(runs);
        }
    }

    fn end_image(&mut self) {
        if std::mem::take(&mut self.is_image) {
            self.expected += 1;
        }
    }

    pub(crate) fn check_books(&self, runs: &[Run]) {
        let truth = runs[self.run].digests[self.expected as usize - 1];
        assert_eq!(self.books.digest, truth, "the books before {}", self.expected);
    }
}
