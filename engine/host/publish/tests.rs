//! What leaves when on which line, and the images, against naive models.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use tezi_feed_handler::Line;
use tezi_feed_handler::wire::nse_mtbt::{
    Order, SnapshotHeader, SnapshotOrder, Trade, encode_order, encode_trade, message_type,
};
use tezi_model::{Nanos, OrderId, Side};

use super::history::History;
use super::image::Image;
use super::{Datagram, LineFaults, Losses, MemoryDatagrams, Pace, PublishConfig, Schedule, Wire};
use crate::random::Random;

const START: Nanos = Nanos::from_ist(2026, 11, 20, 9, 15, 0);

fn config() -> PublishConfig {
    let group = |last| SocketAddrV4::new(Ipv4Addr::new(239, 255, 0, last), 5_000);
    PublishConfig::new(group(1), group(2))
}

/// A wire that keeps what it carries: line, time and payload.
#[derive(Debug, Default, PartialEq)]
struct Kept(Vec<(usize, u64, Vec<u8>)>, u64);

impl Wire for Kept {
    fn on_published(&mut self, _: &Datagram<'_>) {
        self.1 += 1;
    }

    fn send(&mut self, line: Line, due_ns: u64, payload: &[u8]) -> io::Result<()> {
        self.0.push((line.index(), due_ns, payload.to_vec()));
        Ok(())
    }
}

fn rehearse(source: MemoryDatagrams, config: &PublishConfig) -> Kept {
    let mut schedule = Schedule::new(source, config, Losses::default());
    let mut kept = Kept::default();
    while let Some(due_ns) = schedule.next_ns() {
        schedule.step(due_ns, &mut kept).unwrap();
    }
    let report = schedule.report();
    for line in 0..2 {
        let counts = report.lines[line];
        let sent = kept.0.iter().filter(|it| it.0 == line).count() as u64;
        assert_eq!(sent, counts.read - counts.dropped + counts.duplicated);
    }
    assert_eq!(kept.1, report.datagrams);
    kept
}

/// So many datagrams a microsecond apart, each with its number as payload.
fn numbered(count: u32, line: Option<Line>) -> MemoryDatagrams {
    let datagram =
        |index: u32| (START.plus(i64::from(index) * 1_000), line, index.to_le_bytes().to_vec());
    MemoryDatagrams::new((0..count).map(datagram).collect())
}

#[test]
fn clean_lines_carry_everything_at_its_time_in_order() {
    let mut config = config();
    config.pace = Pace::Speed(2.0);
    config.faults[1].lag_ns = 700;
    config.passes = 2;
    let kept = rehearse(numbered(5, None), &config);
    let mut expected = Vec::new();
    for pass in 0..2 {
        for index in 0..5_u32 {
            // The second pass begins where the first ended.
            let due = pass * 2_000 + u64::from(index) * 500;
            for (line, lag) in [(0, 0), (1, 700)] {
                expected.push((line, due + lag, index.to_le_bytes().to_vec()));
            }
        }
    }
    let mut sent = kept.0.clone();
    assert!(sent.is_sorted_by_key(|it| it.1));
    sent.sort();
    expected.sort();
    assert_eq!(sent, expected);
}

#[test]
fn a_datagram_of_one_line_stays_on_it_and_a_rate_spaces_evenly() {
    let mut config = config();
    config.pace = Pace::Rate(1_000.0);
    let kept = rehearse(numbered(4, Some(Line::B)), &config);
    let due: Vec<_> = kept.0.iter().map(|it| (it.0, it.1)).collect();
    assert_eq!(due, [(1, 0), (1, 1_000_000), (1, 2_000_000), (1, 3_000_000)]);
}

#[test]
fn the_bytes_of_each_line_are_a_function_of_the_seed_alone() {
    let faults =
        LineFaults { loss: 0.1, duplicate: 0.1, reorder: 0.2, reorder_depth: 32, lag_ns: 0 };
    let of_line = |kept: &Kept, line: usize| -> Vec<Vec<u8>> {
        kept.0.iter().filter(|it| it.0 == line).map(|it| it.2.clone()).collect()
    };
    for seed in 0..20 {
        let mut config = PublishConfig { faults: [faults; 2], seed, ..config() };
        let once = rehearse(numbered(2_000, None), &config);
        assert_eq!(once, rehearse(numbered(2_000, None), &config), "seed {seed}");
        // Another pace, a lag, and other faults of line B: line A is the same.
        config.pace = Pace::Rate(1e6);
        config.faults[1] = LineFaults { loss: 0.5, lag_ns: 50_000, ..faults };
        let other = rehearse(numbered(2_000, None), &config);
        assert_eq!(of_line(&once, 0), of_line(&other, 0), "seed {seed}");
        assert_ne!(of_line(&once, 1), of_line(&other, 1), "seed {seed}");
        assert_ne!(of_line(&once, 0), of_line(&once, 1), "the lines have faults of their own");
    }
}

#[test]
fn losses_apart_lose_on_both_what_is_asked_for_and_nothing_else() {
    let faults = LineFaults { loss: 0.4, ..LineFaults::default() };
    let config = PublishConfig { faults: [faults; 2], ..config() };
    for both in [0, 3] {
        let losses = Losses::Apart { both, every: 1_000 / (both + 1), clean: 5 };
        let mut schedule = Schedule::new(numbered(1_000, None), &config, losses);
        let mut kept = Kept::default();
        while let Some(due_ns) = schedule.next_ns() {
            schedule.step(due_ns, &mut kept).unwrap();
        }
        let report = schedule.report();
        assert_eq!(report.dropped_on_both, both);
        let mut sent: Vec<_> = kept.0.iter().map(|it| it.2.clone()).collect();
        sent.sort();
        sent.dedup();
        assert_eq!(sent.len() as u64, 1_000 - both);
        assert!(report.lines.iter().all(|line| line.dropped > 200));
    }
}

#[test]
fn what_cannot_be_is_refused_with_its_reason() {
    type Change = fn(&mut PublishConfig);
    let cases: [(Change, &str); 8] = [
        (|it| it.groups[1] = it.groups[0], "two groups"),
        (|it| it.groups[0].set_ip(Ipv4Addr::LOCALHOST), "no multicast group"),
        (|it| it.groups[1].set_port(0), "port 0"),
        (|it| it.pace = Pace::Speed(0.0), "a speed of 0"),
        (|it| it.pace = Pace::Rate(f64::NAN), "a rate of NaN"),
        (|it| it.passes = 0, "0 times"),
        (|it| it.faults[1].loss = 1.5, "1.5 is no part"),
        (|it| it.faults[0].lag_ns = u64::MAX, "at most"),
    ];
    assert!(config().check().is_ok());
    for (change, says) in cases {
        let mut config = config();
        change(&mut config);
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// A stream's orders, kept the slow way: in the order of their places in the queue.
#[derive(Default)]
struct NaiveImage(Vec<Order>);

impl NaiveImage {
    fn enter(&mut self, order: Order) {
        let found = self.0.iter().position(|it| it.order_id == order.order_id);
        match found {
            Some(at)
                if self.0[at].price == order.price && order.quantity <= self.0[at].quantity =>
            {
                self.0[at] = order;
            }
            _ => {
                self.0.retain(|it| it.order_id != order.order_id);
                self.0.push(order);
            }
        }
    }

    fn reduce(&mut self, id: OrderId, by: i32) {
        self.0.iter_mut().filter(|it| it.order_id == id).for_each(|it| it.quantity -= by);
        self.0.retain(|it| it.quantity > 0);
    }
}

/// One random message, told to the model too.
fn message(random: &mut Random, sequence: u32, model: &mut NaiveImage) -> Vec<u8> {
    let ids = random.below(40);
    let id = OrderId(1_100_000_000_000_000 + ids);
    let side = Side::BOTH[(ids % 2) as usize];
    let order = Order {
        message_type: [message_type::ORDER_NEW, message_type::ORDER_MODIFY]
            [random.below(2) as usize],
        time: START.plus(i64::from(sequence)),
        order_id: id,
        token: 35_001,
        side,
        price: 100 + 5 * random.below(4) as i32,
        quantity: 65 * (1 + random.below(4) as i32),
    };
    match random.below(10) {
        0..=5 => {
            model.enter(order);
            encode_order(7, sequence, &order).to_vec()
        }
        6 | 7 => {
            model.0.retain(|it| it.order_id != id);
            let cancel = Order { message_type: message_type::ORDER_CANCEL, ..order };
            encode_order(7, sequence, &cancel).to_vec()
        }
        _ => {
            let other = OrderId(1_100_000_000_000_000 + random.below(40));
            let trade = Trade {
                message_type: message_type::TRADE,
                time: order.time,
                buy_order_id: id,
                sell_order_id: if other == id { OrderId(0) } else { other },
                token: 35_001,
                price: order.price,
                quantity: 65,
            };
            model.reduce(id, 65);
            model.reduce(trade.sell_order_id, 65);
            encode_trade(7, sequence, &trade).to_vec()
        }
    }
}

#[test]
fn an_image_has_the_orders_in_the_order_of_their_queues() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let mut history = History::new(1 << 16);
        let (mut image, mut model) = (Image::default(), NaiveImage::default());
        for sequence in 1..=300 {
            history.on_datagram(&message(&mut random, sequence, &mut model));
            let stream = history.stream(7).unwrap();
            while image.follow(stream) {}
            image.refresh(7);
            let bytes = image.bytes().unwrap();
            let (header, orders) = bytes.split_at(size_of::<SnapshotHeader>());
            let header: &SnapshotHeader = bytemuck::from_bytes(header);
            let count = header.checked_order_count().unwrap() as usize;
            assert_eq!((count, header.last_seq_no.get()), (model.0.len(), sequence));
            let orders: &[SnapshotOrder] = bytemuck::cast_slice(orders);
            let found: Vec<_> = orders
                .iter()
                .map(|it| (it.order_id.get() as u64, it.price.get(), it.quantity.get()))
                .collect();
            let expected: Vec<_> =
                model.0.iter().map(|it| (it.order_id.0, it.price, it.quantity)).collect();
            assert_eq!(found, expected, "seed {seed}, message {sequence}");
        }
    }
}

#[test]
fn the_legs_of_a_spread_order_are_two_orders_with_one_id() {
    let mut history = History::new(100);
    let leg = |message_type: u8, sequence: u32, token: i32, side: Side| {
        let (order_id, quantity, price) = (OrderId(1_100_000_000_000_001), 65, -20);
        let time = START;
        let order = Order { message_type, time, order_id, token, side, price, quantity };
        encode_order(1, sequence, &order)
    };
    history.on_datagram(&leg(message_type::SPREAD_ORDER_NEW, 1, 35_001, Side::Buy));
    history.on_datagram(&leg(message_type::SPREAD_ORDER_NEW, 2, 35_002, Side::Sell));
    history.on_datagram(&leg(message_type::SPREAD_ORDER_CANCEL, 3, 35_001, Side::Buy));
    let mut image = Image::default();
    while image.follow(history.stream(1).unwrap()) {}
    image.refresh(1);
    let orders: &[SnapshotOrder] = bytemuck::cast_slice(&image.bytes().unwrap()[16..]);
    let legs: BTreeMap<i32, u8> =
        orders.iter().map(|it| (it.token.get(), it.message_type)).collect();
    assert_eq!(legs, BTreeMap::from([(35_002, message_type::SPREAD_ORDER_NEW)]));
}
