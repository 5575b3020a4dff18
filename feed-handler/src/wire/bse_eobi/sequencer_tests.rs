//! The sequencer against an exchange that remembers every state its books were ever in.

use std::collections::BTreeMap;

use tezi_model::{
    Event, EventKind, FeedFault, MarketFlags, Nanos, Px, Qty, Segment, Side, StreamId, Token,
};

use super::*;
use crate::Line;
use tezi_testing::Random;

/// Orders of one product: id to token, side, price and quantity.
type Orders = BTreeMap<u64, (u32, Side, i64, u32)>;

/// What follows the events: the books of every stream, and whether they are to be trusted.
#[derive(Default)]
struct Reader {
    books: BTreeMap<u16, (Orders, bool)>,
}

impl Reader {
    fn on_event(&mut self, event: &Event) {
        let (orders, is_stale) = self.books.entry(event.stream.0).or_default();
        if let Some(fault) = event.fault() {
            match fault {
                FeedFault::Stale { .. } | FeedFault::Gap { .. } => *is_stale = true,
                FeedFault::Whole => *is_stale = false,
                FeedFault::Snapshot => orders.clear(),
                FeedFault::Reset => {
                    orders.clear();
                    *is_stale = false;
                }
            }
            return;
        }
        let id = event.order_id.0;
        let (price, quantity) = (event.price.0, event.quantity.0);
        match event.kind().unwrap() {
            EventKind::OrderNew => {
                assert!(*is_stale || event.flags & MarketFlags::SNAPSHOT == 0);
                let order = (event.token.0, event.side(), price, quantity);
                assert_eq!(orders.insert(id, order), None, "an id names one live order");
            }
            EventKind::OrderModify => orders.get_mut(&id).unwrap().3 = quantity,
            EventKind::OrderCancel => assert!(orders.remove(&id).is_some()),
            EventKind::BookClear => orders.retain(|_, order| order.0 != event.token.0),
            EventKind::OrderReplace => {
                let (token, side, ..) = orders.remove(&id).unwrap();
                orders.insert(event.sell_order_id.0, (token, side, price, quantity));
            }
            EventKind::OrderExecute => {
                let order = orders.get_mut(&id).unwrap();
                order.3 -= quantity;
                if order.3 == 0 {
                    orders.remove(&id);
                }
            }
            kind => panic!("{kind:?} is not of this test"),
        }
    }
}

/// One product of the exchange, and every state its books were in, by number.
struct Truth {
    live: Vec<(Token, Order)>,
    history: Vec<Orders>,
}

impl Truth {
    fn empty() -> Vec<Self> {
        (0..PRODUCTS).map(|_| Self { live: Vec::new(), history: vec![Orders::new()] }).collect()
    }

    fn last(&self) -> u32 {
        self.history.len() as u32 - 1
    }

    fn remember(&mut self) {
        let entry = |(token, order): &(Token, Order)| {
            let price = order.price.unwrap();
            let id = order_id(*token, order.side, price, order.priority_time).0;
            (id, (token.0, order.side, price.0, order.quantity.0))
        };
        self.history.push(self.live.iter().map(entry).collect());
    }
}

/// The exchange: three products on two channels.
struct Exchange {
    random: Random,
    now: Nanos,
    products: Vec<Truth>,
    numbers: [u32; 2],
    snapshot_numbers: u32,
    with_mass_delete: bool,
    /// The products as they were before the failover.
    before: Vec<Truth>,
    /// By channel: the next datagram is the first after a failover.
    is_reset: [bool; 2],
}

const PRODUCTS: usize = 3;

impl Exchange {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            now: Nanos::from_ist(2026, 9, 21, 9, 15, 0),
            products: Truth::empty(),
            before: Truth::empty(),
            is_reset: [false; 2],
            numbers: [0; 2],
            snapshot_numbers: 0,
            with_mass_delete: seed.is_multiple_of(2),
        }
    }

    fn packet(&mut self, channel: Channel, product: usize) -> PacketBuilder {
        self.now = self.now.plus(50_000);
        self.numbers[channel as usize] += 1;
        let number = self.numbers[channel as usize];
        let mut builder = PacketBuilder::new(100 + product as i32, number, self.now);
        if core::mem::take(&mut self.is_reset[channel as usize]) {
            builder.reset();
        }
        builder
    }

    /// The other site takes over: all books are empty and all numbers begin again.
    fn fail_over(&mut self) {
        self.now = self.now.plus(2_000_000_000);
        self.before = core::mem::replace(&mut self.products, Truth::empty());
        self.numbers = [0; 2];
        self.is_reset = [true; 2];
    }

    fn heartbeat(&mut self, product: usize) -> Vec<u8> {
        let last = self.products[product].last();
        self.packet(Channel::Incremental, product).heartbeat(last).bytes().to_vec()
    }

    /// A packet of one to four changes.
    fn changes(&mut self) -> Vec<u8> {
        let index = self.random.index(PRODUCTS);
        let mut builder = self.packet(Channel::Incremental, index);
        for _ in 0..1 + self.random.index(4) {
            self.change(index, &mut builder);
        }
        builder.bytes().to_vec()
    }

    fn change(&mut self, index: usize, builder: &mut PacketBuilder) {
        let (now, random) = (self.now, &mut self.random);
        let truth = &mut self.products[index];
        let sequence = truth.last() + 1;
        let count = truth.live.len();
        let choice = if count == 0 { 0 } else { random.index(if count > 12 { 12 } else { 20 }) };
        let at = random.index(count.max(1));
        let tick = |random: &mut Random| Px::from_paise(10_000 + 5 * random.index(20) as i64);
        match choice {
            0 | 12.. => {
                let token = Token(1000 * (index as u32 + 1) + random.index(2) as u32);
                let order = Order {
                    side: Side::BOTH[random.index(2)],
                    price: Some(tick(random)),
                    // Several orders of a packet may have one time, at prices apart.
                    priority_time: now.plus(sequence.into()),
                    quantity: Qty(1 + random.index(50) as u32),
                };
                builder.order_add(sequence, token, &order);
                truth.live.push((token, order));
            }
            1..=3 => {
                let (token, order) = truth.live.swap_remove(at);
                builder.order_delete(sequence, token, &order);
            }
            4..=6 => {
                let (token, order) = &mut truth.live[at];
                let traded = Qty(1 + random.index(order.quantity.0 as usize) as u32);
                builder.execution(sequence, *token, order, traded, order.price.unwrap());
                order.quantity = order.quantity.saturating_sub(traded);
                if order.quantity.is_zero() {
                    truth.live.swap_remove(at);
                }
            }
            7 | 8 => {
                let (token, order) = &mut truth.live[at];
                let before = *order;
                order.quantity = Qty(1 + random.index(50) as u32);
                builder.order_modify_same_priority(sequence, *token, before.quantity, order);
            }
            9 if self.with_mass_delete && random.chance(10) => {
                let token = truth.live[at].0;
                truth.live.retain(|(one, _)| *one != token);
                builder.order_mass_delete(sequence, token);
            }
            10 => {
                let (token, order) = truth.live[at];
                builder.execution_summary(sequence, token, order.side, Qty(1), Px(5));
            }
            _ => {
                let (token, order) = &mut truth.live[at];
                let before = *order;
                order.price = Some(tick(random));
                order.priority_time = now.plus(sequence.into());
                builder.order_modify(sequence, *token, &before, order);
            }
        }
        truth.remember();
    }

    /// One cycle of the snapshot channel: every product, three orders a datagram.
    fn snapshots(&mut self) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for index in 0..PRODUCTS {
            let (live, last) = (self.products[index].live.clone(), self.products[index].last());
            self.snapshot_numbers += 1;
            let number = self.snapshot_numbers;
            let mut builder = self.packet(Channel::Snapshot, index);
            builder.product_summary(number, last);
            for token in (0..2).map(|n| Token(1000 * (index as u32 + 1) + n)) {
                let orders: Vec<_> = live.iter().filter(|(one, _)| *one == token).collect();
                builder.instrument_summary(number, token, orders.len() as u32);
                for three in orders.chunks(3) {
                    for (_, order) in three {
                        builder.snapshot_order(number, order);
                    }
                    packets.push(builder.bytes().to_vec());
                    builder = self.packet(Channel::Snapshot, index);
                }
            }
            packets.push(builder.complete().bytes().to_vec());
        }
        packets
    }
}

/// One run: the wire between exchange and sequencer.
struct Run {
    random: Random,
    sequencer: Sequencer,
    reader: Reader,
    /// Datagrams on their way: when they arrive, channel, line, bytes.
    wire: Vec<(i64, Channel, Line, Vec<u8>)>,
    loss_percent: usize,
    checks: u64,
}

impl Run {
    fn new(seed: u64, loss_percent: usize, config: SequencerConfig) -> Self {
        Self {
            random: Random(seed ^ 0xABCD),
            sequencer: Sequencer::new(config).unwrap(),
            reader: Reader::default(),
            wire: Vec::new(),
            loss_percent,
            checks: 0,
        }
    }

    /// Puts a datagram on both lines: lost, doubled, delayed.
    fn send(&mut self, now: Nanos, channel: Channel, bytes: &[u8]) {
        for line in Line::BOTH {
            let copies = match self.random.index(100) {
                n if n < self.loss_percent => 0,
                99 => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let jitter = if self.random.chance(10) { 400_000 } else { 20_000 };
                let delay = self.random.index(jitter) as i64 + 30_000 * line.index() as i64;
                self.wire.push((now.0 + delay, channel, line, bytes.to_vec()));
            }
        }
    }

    /// Delivers what has arrived by `now`.
    fn deliver(&mut self, now: Nanos, exchange: &Exchange) {
        self.wire.sort_by_key(|(time, ..)| *time);
        let arrived = self.wire.partition_point(|(time, ..)| *time <= now.0);
        for (time, channel, line, bytes) in self.wire.drain(..arrived).collect::<Vec<_>>() {
            let reader = &mut self.reader;
            let mut sink = |event: &Event| reader.on_event(event);
            self.sequencer.on_packet(channel, line, &bytes, Nanos(time), &mut sink);
            self.check(exchange);
        }
    }

    /// Books that are trusted are what the exchange's were at the number they have reached.
    fn check(&mut self, exchange: &Exchange) {
        assert!(self.sequencer.is_consistent());
        for product in self.sequencer.products() {
            let Some((orders, is_stale)) = self.reader.books.get(&product.stream.0) else {
                continue;
            };
            assert_eq!(product.is_whole, !is_stale, "{product:?}");
            if product.is_whole {
                let index = product.market_segment_id as usize - 100;
                let truths = [&exchange.products[index], &exchange.before[index]];
                let at = product.last_sequence as usize;
                assert!(truths.iter().any(|truth| truth.history.get(at) == Some(orders)));
                self.checks += 1;
            }
        }
    }
}

/// A day with losses, then a quiet end in which everything must become whole.
fn day(seed: u64, loss_percent: usize, late_join: bool, snapshot_end: SnapshotEnd) -> Run {
    let config = SequencerConfig {
        products_max: PRODUCTS,
        window_datagrams: 64,
        wait_ns: 600_000,
        kept_max: 64,
        snapshot_end,
        ..SequencerConfig::new(Segment::BseFo)
    };
    let mut exchange = Exchange::new(seed);
    let mut run = Run::new(seed, loss_percent, config);
    let mut cycle = Vec::new();
    for step in 0..1200_usize {
        if step == 1000 {
            run.loss_percent = 0;
        }
        if step == 600 && seed % 4 == 3 {
            exchange.fail_over();
            cycle.clear();
        }
        let is_quiet = 1000 <= step;
        let listens = !late_join || 200 <= step;
        let packet = match step % 20 {
            _ if is_quiet => exchange.heartbeat(step % PRODUCTS),
            9 => exchange.heartbeat(step / 20 % PRODUCTS),
            _ => exchange.changes(),
        };
        let now = exchange.now;
        if listens {
            run.send(now, Channel::Incremental, &packet);
        }
        if cycle.is_empty() {
            cycle = exchange.snapshots();
            cycle.reverse();
        }
        let now = exchange.now;
        let snapshot = cycle.pop().unwrap();
        if listens {
            run.send(now, Channel::Snapshot, &snapshot);
            run.deliver(now, &exchange);
        }
    }
    let end = exchange.now.plus(10_000_000);
    run.deliver(end, &exchange);
    let reader = &mut run.reader;
    run.sequencer.finish(end, &mut |event: &Event| reader.on_event(event));
    run.check(&exchange);
    assert_eq!(run.sequencer.products().count(), PRODUCTS);
    for product in run.sequencer.products() {
        let truth = &exchange.products[product.market_segment_id as usize - 100];
        assert!(product.is_whole, "{loss_percent} % {snapshot_end:?}: {product:?}");
        assert_eq!(product.last_sequence, truth.last());
        assert_eq!(run.reader.books[&product.stream.0].0, *truth.history.last().unwrap());
    }
    assert_eq!(run.sequencer.counters().restarts[0], u64::from(seed % 4 == 3));
    run
}

#[test]
fn trusted_books_are_right_and_all_end_whole() {
    let mut lost = 0;
    for seed in 0..24 {
        for loss_percent in [0, 1, 10, 50] {
            for snapshot_end in [SnapshotEnd::NextSummary, SnapshotEnd::Completion] {
                let run = day(seed, loss_percent, seed % 3 == 1, snapshot_end);
                assert!(run.checks > 1000, "most of the day is checked");
                lost += run.sequencer.counters().lost[0];
                if loss_percent == 0 && seed % 3 != 1 && seed % 2 == 1 {
                    let gaps: u64 = run.sequencer.products().map(|p| p.counters.gaps).sum();
                    assert_eq!(gaps, 0, "no loss, no gap");
                }
            }
        }
    }
    assert!(lost > 1000, "something was lost: {lost}");
}

#[test]
fn the_same_day_gives_the_same_counters() {
    let one = day(7, 10, false, SnapshotEnd::NextSummary);
    let two = day(7, 10, false, SnapshotEnd::NextSummary);
    assert_eq!(one.sequencer.counters(), two.sequencer.counters());
    assert!(one.sequencer.products().eq(two.sequencer.products()));
}

const NOW: Nanos = Nanos(1_790_000_000_000_000_000);

fn order(number: i64) -> Order {
    Order {
        side: Side::Buy,
        price: Some(Px::from_paise(100 + number)),
        priority_time: NOW.plus(number),
        quantity: Qty(10),
    }
}

/// Feeds packets of one product and gives the events as "name sequence".
fn rows(sequencer: &mut Sequencer, packets: &[(Channel, Line, PacketBuilder)]) -> Vec<String> {
    let mut rows = Vec::new();
    let mut sink = |event: &Event| {
        rows.push(format!("{} {}", event.kind().unwrap().name(), event.sequence));
    };
    for (index, (channel, line, builder)) in packets.iter().enumerate() {
        let now = NOW.plus(index as i64 * 1000);
        sequencer.on_packet(*channel, *line, builder.bytes(), now, &mut sink);
    }
    sequencer.finish(NOW.plus(1_000_000_000), &mut sink);
    assert!(sequencer.is_consistent());
    rows
}

fn add(number: u32, sequence: u32) -> PacketBuilder {
    let mut builder = PacketBuilder::new(7, number, NOW.plus(number.into()));
    builder.order_add(sequence, Token(5), &order(sequence.into()));
    builder
}

fn sequencer() -> Sequencer {
    Sequencer::new(SequencerConfig {
        products_max: 2,
        kept_max: 16,
        ..SequencerConfig::new(Segment::BseFo)
    })
    .unwrap()
}

#[test]
fn a_gap_is_told_and_mended_by_the_snapshot() {
    use Channel::{Incremental, Snapshot};
    let mut image = PacketBuilder::new(7, 50, NOW.plus(50));
    image
        .product_summary(1, 3)
        .instrument_summary(2, Token(5), 2)
        .snapshot_order(3, &order(1))
        .snapshot_order(4, &order(3));
    let mut next_image = PacketBuilder::new(7, 51, NOW.plus(51));
    next_image.product_summary(5, 4);
    let packets = [
        (Incremental, Line::A, add(1, 1)),
        (Incremental, Line::A, add(3, 4)),
        (Incremental, Line::B, add(1, 1)),
        (Snapshot, Line::A, image),
    ];
    let mut it = sequencer();
    assert_eq!(
        rows(&mut it, &packets),
        // Nothing is given up before `finish`; the snapshot came too early to be of use.
        ["order_new 1", "stream_stale 2", "stream_gap 2"]
    );
    let mut image = PacketBuilder::new(7, 52, NOW.plus(50));
    image.product_summary(1, 3).instrument_summary(2, Token(5), 1).snapshot_order(3, &order(1));
    let packets = [
        (Snapshot, Line::A, next_image.clone()),
        (Snapshot, Line::B, image),
        (Snapshot, Line::A, {
            next_image.start(7, 53, NOW.plus(60));
            next_image.product_summary(9, 4);
            next_image
        }),
        (Incremental, Line::B, add(4, 5)),
    ];
    assert_eq!(
        rows(&mut it, &packets),
        [
            "snapshot_start 4", // ended by the next one: no order, and none kept
            "stream_whole 4",
            "order_new 5"
        ]
    );
    let status = it.products().next().unwrap();
    assert!(status.is_whole && status.last_sequence == 5);
    assert_eq!(it.counters().lost, [1, 0]);
}

#[test]
fn a_product_is_not_held_up_by_the_loss_of_another() {
    let other = |number: u32, sequence: u32| {
        let mut builder = PacketBuilder::new(8, number, NOW.plus(number.into()));
        builder.order_add(sequence, Token(6), &order(sequence.into()));
        (Channel::Incremental, Line::A, builder)
    };
    let mine = |number, sequence| (Channel::Incremental, Line::A, add(number, sequence));
    let mut it = sequencer();
    // Number 3 was of product 8; 7 goes on, and what it said proves that none of it was lost.
    let packets = [mine(1, 1), other(2, 1), mine(4, 2), mine(5, 3), other(6, 3)];
    assert_eq!(
        rows(&mut it, &packets),
        [
            "order_new 1",
            "order_new 1",
            "order_new 2",
            "order_new 3",
            "stream_stale 2",
            "stream_gap 2"
        ]
    );
    assert_eq!(it.counters().ahead, 2);
    let whole: Vec<_> = it.products().map(|product| product.is_whole).collect();
    assert_eq!(whole, [true, false]);
}

#[test]
fn a_failover_empties_the_books_once() {
    let mut it = sequencer();
    let reset = |line| {
        let mut builder = PacketBuilder::new(7, 1, NOW.plus(2_000_000_000));
        builder.reset().order_add(1, Token(5), &order(9));
        (Channel::Incremental, line, builder)
    };
    let packets = [
        (Channel::Incremental, Line::A, add(90, 1)),
        (Channel::Incremental, Line::A, add(91, 2)),
        reset(Line::A),
        (Channel::Incremental, Line::B, add(91, 2)),
        reset(Line::B),
    ];
    assert_eq!(
        rows(&mut it, &packets),
        [
            "order_new 1",
            "order_new 2",
            "stream_reset 0",
            "stream_stale 1",
            "stream_whole 0",
            "order_new 1"
        ]
    );
    assert_eq!(it.counters().restarts, [1, 0]);
    assert_eq!(it.line(Channel::Incremental, Line::B).late, 2);
}

#[test]
fn one_corrupt_number_is_not_believed() {
    let mut it = sequencer();
    let packets: Vec<_> = [(1, 1), (0x8000_0000, 2), (2, 2), (3, 3)]
        .map(|(number, sequence)| (Channel::Incremental, Line::A, add(number, sequence)))
        .into();
    assert_eq!(rows(&mut it, &packets), ["order_new 1", "order_new 2", "order_new 3"]);
    assert_eq!(it.line(Channel::Incremental, Line::A).implausible, 1);
}

#[test]
fn a_bad_datagram_is_refused_and_the_other_line_brings_it() {
    let mut it = sequencer();
    let mut bad = add(2, 2);
    let mut bytes = bad.bytes().to_vec();
    bytes[32 + 24 + 16] = 3; // the side
    let mut rows = Vec::new();
    let mut sink = |event: &Event| rows.push((event.sequence, event.flags));
    let now = NOW;
    it.on_packet(Channel::Incremental, Line::A, add(1, 1).bytes(), now, &mut sink);
    it.on_packet(Channel::Incremental, Line::A, &bytes, now, &mut sink);
    it.on_packet(Channel::Incremental, Line::A, add(3, 3).bytes(), now, &mut sink);
    it.on_packet(Channel::Incremental, Line::B, bad.bytes(), now, &mut sink);
    let more = MarketFlags::MORE_IN_PACKET;
    assert_eq!(rows, [(1, 0), (2, MarketFlags::LINE_B | more), (3, 0)]);
    let errors = it.line(Channel::Incremental, Line::A).errors;
    assert_eq!(errors[DecodeError::UnknownSide as usize], 1);
    // Messages on the wrong channel, without a number, or too long.
    let mut refuse = |channel, builder: &PacketBuilder, error: DecodeError| {
        it.on_packet(channel, Line::B, builder.bytes(), now, &mut |_: &Event| panic!("{error}"));
        assert_eq!(it.line(channel, Line::B).errors[error as usize], 1, "{error}");
    };
    bad.start(7, 4, NOW.plus(4));
    refuse(Channel::Incremental, bad.product_summary(1, 1), DecodeError::WrongChannel);
    bad.start(7, 4, NOW.plus(4));
    refuse(Channel::Incremental, bad.order_mass_delete(0, Token(5)), DecodeError::SequenceNull);
    refuse(Channel::Snapshot, &add(4, 4), DecodeError::WrongChannel);
    for _ in 0..40 {
        bad.heartbeat(1).order_add(4, Token(5), &order(4));
    }
    refuse(Channel::Incremental, &bad, DecodeError::OversizedDatagram);
}

#[test]
fn the_bounds_are_named() {
    let usual = SequencerConfig::new(Segment::BseFo);
    let error = |config| Sequencer::new(config).unwrap_err();
    assert_eq!(error(SequencerConfig { products_max: 0, ..usual }), ConfigError::ProductsMax);
    let config = SequencerConfig { products_max: 2, stream_first: StreamId::NUMBER_MAX, ..usual };
    assert_eq!(error(config), ConfigError::ProductsMax);
    let config = SequencerConfig { window_datagrams: 100, ..usual };
    assert_eq!(error(config), ConfigError::WindowDatagrams);
    assert_eq!(error(SequencerConfig { datagram_max: 63, ..usual }), ConfigError::DatagramMax);
    assert_eq!(error(SequencerConfig { wait_ns: -1, ..usual }), ConfigError::Wait);
    let config = SequencerConfig { restart_margin_ns: -1, ..usual };
    assert_eq!(error(config), ConfigError::RestartMargin);
    assert_eq!(error(SequencerConfig { kept_max: 1 << 25, ..usual }), ConfigError::KeptMax);

    // Products beyond the bound are counted, and claim nothing.
    let mut it = sequencer();
    for product in 1..=3 {
        let mut builder = PacketBuilder::new(product, product as u32, NOW);
        builder.heartbeat(0);
        it.on_packet(Channel::Incremental, Line::A, builder.bytes(), NOW, &mut |_: &Event| {});
    }
    assert_eq!(it.counters().products_refused, 1);
    assert_eq!(it.products().map(|p| p.market_segment_id).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_segment_of_thousands_of_products_has_a_stream_for_each() {
    let config = SequencerConfig {
        products_max: 4_096,
        kept_max: 4,
        ..SequencerConfig::new(Segment::BseFo)
    };
    let mut it = Sequencer::new(config).unwrap();
    // Each product joins whole, by a heartbeat that counts nothing; numbers neither dense nor sorted.
    for number in 1..=4_097_u32 {
        let mut builder = PacketBuilder::new(number.wrapping_mul(0x9E37_79B1) as i32, number, NOW);
        builder.heartbeat(0);
        let bytes = builder.bytes();
        it.on_packet(Channel::Incremental, Line::A, bytes, NOW, &mut |_: &Event| {});
    }
    assert_eq!(it.counters().products_refused, 1);
    let streams: Vec<_> = it.products().map(|product| product.stream).collect();
    assert_eq!(streams, (0..4_096).map(|n| StreamId::new(Segment::BseFo, n)).collect::<Vec<_>>());
    assert!(it.products().all(|product| product.is_whole));
    assert!(it.is_consistent());
}
