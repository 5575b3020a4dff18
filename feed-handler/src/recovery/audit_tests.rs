//! Audits of a seeded stream: equal when equal, every corruption found, and never a difference
//! because of the server.

use std::collections::BTreeMap;

use tezi_model::{Event, EventKind, Nanos, OrderId, Px, Qty, Segment, Side, Token};

use super::*;
use crate::wire::nse_mtbt::{
    Order, Trade, encode_order, encode_snapshot_header, encode_snapshot_order, encode_trade,
    message_type,
};
use crate::{Arbiter, ArbiterConfig, Line};
use tezi_testing::Random;

const START: Nanos = Nanos::from_ist(2026, 9, 21, 9, 15, 0);
const MS: i64 = 1_000_000;

/// An engine's books, as a list.
type Books = Vec<AuditOrder>;

/// An exchange and a reader of one line: the messages, and the books after each.
struct Session {
    random: Random,
    arbiter: Arbiter,
    audit: Audit,
    live: Vec<Order>,
    /// After each message; the first is empty.
    books: Vec<Books>,
    now: Nanos,
}

impl Session {
    fn new(seed: u64, config: AuditConfig) -> Self {
        Self {
            random: Random(seed),
            arbiter: Arbiter::new(ArbiterConfig::new(Segment::NseFo)).unwrap(),
            audit: Audit::new(config),
            live: Vec::new(),
            books: vec![Vec::new()],
            now: START,
        }
    }

    fn last(&self) -> u32 {
        self.books.len() as u32 - 1
    }

    /// Sends `count` messages; the audit hears of each.
    fn send(&mut self, count: u32) {
        for _ in 0..count {
            self.now = self.now.plus(MS);
            let bytes = self.message();
            let books = self.live.iter().map(as_audited).collect();
            self.books.push(books);
            let Self { arbiter, audit, now, .. } = self;
            arbiter.on_packet(Line::A, &bytes, *now, &mut |event| audit.on_event(event));
        }
    }

    fn message(&mut self) -> Vec<u8> {
        let (sequence, time) = (self.last() + 1, self.now);
        let what = if self.live.len() < 5 { 0 } else { self.random.below(100) };
        let is_spread = self.random.below(5) == 0;
        if what < 45 {
            let order = Order {
                message_type: if is_spread {
                    message_type::SPREAD_ORDER_NEW
                } else {
                    message_type::ORDER_NEW
                },
                time,
                order_id: OrderId(u64::from(sequence)),
                token: 100 + self.random.below(3) as i32,
                side: Side::BOTH[self.random.below(2) as usize],
                price: 5 + self.random.below(50) as i32,
                quantity: 65 * (1 + self.random.below(4)) as i32,
            };
            self.live.push(order);
            return encode_order(1, sequence, &order).to_vec();
        }
        let index = self.random.below(self.live.len() as u64) as usize;
        let is_spread = self.live[index].message_type == message_type::SPREAD_ORDER_NEW;
        let as_kind = |plain, spread| if is_spread { spread } else { plain };
        if what < 65 {
            self.live[index].price = 5 + self.random.below(50) as i32;
            let kind = as_kind(message_type::ORDER_MODIFY, message_type::SPREAD_ORDER_MODIFY);
            let order = Order { message_type: kind, time, ..self.live[index] };
            return encode_order(1, sequence, &order).to_vec();
        }
        if what < 80 {
            let kind = as_kind(message_type::ORDER_CANCEL, message_type::SPREAD_ORDER_CANCEL);
            let order = Order { message_type: kind, time, ..self.live.swap_remove(index) };
            return encode_order(1, sequence, &order).to_vec();
        }
        let order = &mut self.live[index];
        let quantity = if what < 90 { 65.min(order.quantity) } else { order.quantity };
        order.quantity -= quantity;
        let (order, other) = (*order, OrderId(0));
        self.live.retain(|order| order.quantity > 0);
        let trade = Trade {
            message_type: as_kind(message_type::TRADE, message_type::SPREAD_TRADE),
            time,
            buy_order_id: if order.side == Side::Buy { order.order_id } else { other },
            sell_order_id: if order.side == Side::Sell { order.order_id } else { other },
            token: order.token,
            price: order.price,
            quantity,
        };
        encode_trade(1, sequence, &trade).to_vec()
    }

    fn start(&mut self) -> Result<(), NotAudited> {
        self.audit.start(self.arbiter.stream(1).unwrap(), self.now)
    }

    fn asked(&mut self) -> RecoveryRequest {
        let request = self.audit.poll_request(self.now).unwrap();
        assert!(Audit::owns(&request) && request.wanted == Wanted::Snapshot);
        request
    }

    /// The image after message `at`, `between` messages sent among its orders.
    fn image(&mut self, request: &RecoveryRequest, at: u32, between: u32) -> bool {
        let orders = self.books[at as usize].clone();
        let header = encode_snapshot_header(1, at, orders.len() as u32);
        let header = RecoveryReply::SnapshotHeader(bytemuck::cast_ref(&header));
        let mut wants_more = self.audit.on_reply(request, header, self.now);
        for order in orders {
            self.send(between);
            let bytes = as_sent(&order, START);
            let reply = RecoveryReply::SnapshotOrder(bytemuck::cast_ref(&bytes));
            wants_more = self.audit.on_reply(request, reply, self.now);
        }
        wants_more
    }

    fn compare(&self, at: u32, live: &Books) -> Result<AuditReport, NotAudited> {
        self.audit.compare(at, live.iter().copied(), 3)
    }

    /// A whole audit: some messages before, while, and after; the range it can compare.
    fn audited(seed: u64) -> (Self, u32, u32) {
        let mut session = Self::new(seed, AuditConfig { orders_max: 500, ..small() });
        let (before, since) = (10 + session.random.below(90), session.random.below(30));
        session.send(before as u32);
        session.start().unwrap();
        session.send(since as u32);
        let request = session.asked();
        let at = session.last() - session.random.below(since + 1) as u32;
        assert!(!session.image(&request, at, 1), "seed {seed}: nothing more is wanted");
        session.send(20);
        let (first, last) = session.audit.ready().unwrap();
        assert_eq!((first, last), (at, session.last()));
        (session, first, last)
    }
}

fn small() -> AuditConfig {
    AuditConfig {
        events_max: 1_000,
        orders_max: 100,
        tries_max: 3,
        retry_ns: 100 * MS,
        answer_ns: 500 * MS,
        spreads: true,
    }
}

fn as_audited(order: &Order) -> AuditOrder {
    AuditOrder {
        order_id: order.order_id,
        token: Token(order.token as u32),
        is_spread: order.message_type == message_type::SPREAD_ORDER_NEW,
        side: order.side,
        price: Px::from_paise(order.price.into()),
        quantity: Qty(order.quantity as u32),
    }
}

fn as_sent(order: &AuditOrder, time: Nanos) -> [u8; 30] {
    let (plain, spread) = (message_type::ORDER_NEW, message_type::SPREAD_ORDER_NEW);
    encode_snapshot_order(&Order {
        message_type: if order.is_spread { spread } else { plain },
        time,
        order_id: order.order_id,
        token: order.token.0 as i32,
        side: order.side,
        price: (order.price.0 / Px::PAISA) as i32,
        quantity: order.quantity.0 as i32,
    })
}

#[test]
fn equal_books_are_equal_at_every_moment_while_the_stream_moves_on() {
    for seed in 0..200 {
        let (session, first, last) = Session::audited(seed);
        for at in first..=last {
            let books = &session.books[at as usize];
            let report = session.compare(at, books).unwrap();
            assert!(report.is_equal(), "seed {seed} at {at}: {report:?}");
            assert_eq!(report.live_orders, books.len() as u64);
        }
        let out_of_range = [first.wrapping_sub(1), last + 1];
        for at in out_of_range {
            assert_eq!(session.compare(at, &Vec::new()), Err(NotAudited::OutOfRange));
        }
        assert!(!session.arbiter.stream(1).unwrap().is_stale());
    }
}

#[test]
fn every_corruption_is_found_and_named() {
    let mut found = BTreeMap::new();
    for seed in 0..400 {
        let (mut session, first, last) = Session::audited(seed);
        let at = first + session.random.below(u64::from(last - first) + 1) as u32;
        let mut books = session.books[at as usize].clone();
        let index = session.random.below(books.len() as u64) as usize;
        let order = &mut books[index];
        let kind = match session.random.below(7) {
            0 => {
                books.remove(index);
                DifferenceKind::Missing
            }
            1 => {
                order.order_id.0 += 1_000_000;
                DifferenceKind::Extra // and its old number is missing
            }
            2 => {
                let twice = *order;
                books.push(twice);
                DifferenceKind::Extra
            }
            3 => {
                order.side = if order.side == Side::Buy { Side::Sell } else { Side::Buy };
                DifferenceKind::WrongPlace
            }
            4 if !order.is_spread => {
                order.token.0 += 1;
                DifferenceKind::WrongPlace
            }
            5 => {
                order.price.0 += Px::PAISA;
                DifferenceKind::WrongPrice
            }
            _ => {
                order.quantity.0 += 1;
                DifferenceKind::WrongQuantity
            }
        };
        let report = session.compare(at, &books).unwrap();
        assert_eq!(report.counts[kind as usize], 1, "seed {seed}: {kind:?} in {report:?}");
        assert_eq!(report.differences[0].kind, kind);
        let total: u64 = report.counts.iter().sum();
        let is_renumbered =
            kind == DifferenceKind::Extra && books.len() as u64 == report.exchange_orders;
        assert_eq!(total, 1 + u64::from(is_renumbered));
        *found.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(found.len(), DifferenceKind::COUNT, "{found:?}");
    // The list is bounded, the counts are not.
    let (session, _, last) = Session::audited(1);
    let report = session.compare(last, &Vec::new()).unwrap();
    assert_eq!(report.differences.len(), 3);
    assert_eq!(report.counts[DifferenceKind::Missing as usize], report.exchange_orders);
}

#[test]
fn an_old_image_is_asked_for_again_and_one_ahead_is_not_believed() {
    let mut session = Session::new(7, small());
    session.send(40);
    session.start().unwrap();
    for (at, tries) in [(39, 1), (45, 2)] {
        let request = session.asked();
        session.books.resize(46, Vec::new());
        assert!(!session.image(&request, at, 0));
        session.books.truncate(41);
        assert_eq!(session.audit.ready(), Err(NotAudited::NotReady));
        assert!(session.audit.poll_request(session.now).is_none(), "a pause after try {tries}");
        session.now = session.now.plus(100 * MS);
    }
    let request = session.asked();
    assert!(!session.image(&request, 40, 0), "as old as the audit is new enough");
    assert_eq!(session.audit.ready(), Ok((40, 40)));
    assert!(session.compare(40, &session.books[40]).unwrap().is_equal());
}

#[test]
fn a_server_that_fails_is_no_difference() {
    let failures = [
        RecoveryFailure::Refused,
        RecoveryFailure::ConnectFailed,
        RecoveryFailure::TimedOut,
        RecoveryFailure::Truncated,
        RecoveryFailure::Garbage,
    ];
    for reason in failures {
        let mut session = Session::new(3, small());
        session.send(30);
        session.start().unwrap();
        for _ in 0..3 {
            let request = session.asked();
            session.send(5);
            let failed = RecoveryReply::Failed(reason);
            assert!(!session.audit.on_reply(&request, failed, session.now));
            session.now = session.now.plus(100 * MS);
        }
        assert_eq!(session.audit.ready(), Err(NotAudited::Server(reason)));
        assert_eq!(session.audit.next_timeout(), None);
    }
    // Stalled in the middle of the orders.
    let mut session = Session::new(4, AuditConfig { tries_max: 1, ..small() });
    session.send(30);
    session.start().unwrap();
    let request = session.asked();
    let header = encode_snapshot_header(1, 30, 9);
    let header = RecoveryReply::SnapshotHeader(bytemuck::cast_ref(&header));
    assert!(session.audit.on_reply(&request, header, session.now));
    let deadline = session.audit.next_timeout().unwrap();
    session.audit.on_timeout(deadline);
    let reason = NotAudited::Server(RecoveryFailure::Unanswered);
    assert_eq!(session.compare(30, &session.books[30]), Err(reason));
    assert!(!session.audit.on_reply(&request, header, deadline), "too late");
}

#[test]
fn a_stream_that_is_not_whole_is_not_audited() {
    let gap = |sequence| Event {
        kind_code: EventKind::StreamStale as u8,
        stream: tezi_model::StreamId::new(Segment::NseFo, 1),
        sequence,
        ..bytemuck::Zeroable::zeroed()
    };
    let (mut session, _, last) = Session::audited(5);
    session.audit.on_event(&gap(last + 1));
    assert_eq!(session.audit.ready(), Err(NotAudited::NotWhole));
    // Another stream's trouble is no concern.
    let (mut session, first, last) = Session::audited(5);
    let other = tezi_model::StreamId::new(Segment::NseFo, 2);
    session.audit.on_event(&Event { stream: other, ..gap(9) });
    assert_eq!(session.audit.ready(), Ok((first, last)));
    // One that is stale from the beginning.
    let order = session.live[0];
    let Session { arbiter, audit, now, .. } = &mut session;
    let bytes = encode_order(1, last + 2, &order);
    arbiter.on_packet(Line::A, &bytes, *now, &mut |event| audit.on_event(event));
    arbiter.on_timeout(now.plus(1_000 * MS), &mut |event| audit.on_event(event));
    assert_eq!(session.start(), Err(NotAudited::NotWhole));
    assert!(session.audit.poll_request(session.now).is_none());
}

#[test]
fn the_bounds_have_names() {
    let mut session = Session::new(9, AuditConfig { orders_max: 4, ..small() });
    session.send(100);
    session.start().unwrap();
    let request = session.asked();
    session.image(&request, 100, 0);
    assert_eq!(session.audit.ready(), Err(NotAudited::TooManyOrders));
    // Fewer events are remembered than follow the image.
    let mut session = Session::new(9, AuditConfig { events_max: 10, ..small() });
    session.send(30);
    session.start().unwrap();
    session.send(50);
    let request = session.asked();
    session.image(&request, 70, 0);
    assert_eq!(session.audit.ready(), Ok((70, 80)));
    session.send(1);
    assert_eq!(session.audit.ready(), Err(NotAudited::Overrun));
    assert_eq!(NotAudited::Overrun.name(), "overrun");
    session.audit.stop();
    assert_eq!(session.audit.ready(), Err(NotAudited::NotReady));
}
