//! Client against server: the whole sequence, each fault by itself, and long random days over a
//! channel that cuts, delays and loses.

mod accounts;
mod crossing;
mod resume;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, InstrumentId, Nanos, OrderCommand, OrderId, Px, Qty,
    Segment, Side,
};

use super::super::server::{
    self, AnswerKind, Fill, Listener, OrderImage, RequestKind, Terms, TradeKind,
};
use super::super::tests::{EQ, Rng, command, future, identity, option, share};
use super::super::wire::{BeF64, BeI32};
use super::super::{DynamicIvOrder, Encryption, Underlying};
use super::{
    CommandError, Config, DisconnectReason, Endpoint, Event, Limits, LocalReason, Origin, Session,
};

const SECOND: i64 = 1_000_000_000;
const SEGMENTS: [Segment; 2] = [Segment::NseFo, Segment::NseCm];
const METHODS: [Encryption; 4] = [
    Encryption::Plain,
    Encryption::Existing,
    Encryption::New(DynamicIvOrder::LittleEndian),
    Encryption::New(DynamicIvOrder::BigEndian),
];

fn client(segment: Segment, encryption: Encryption) -> Session {
    let limits = Limits {
        instruments: 4,
        orders: 64,
        orders_of_the_day: 4_096,
        events: 64,
        outbox_bytes: 8_192,
        ..Limits::default()
    };
    let config = Config {
        identity: identity(),
        box_id: 77,
        password: "secret",
        version: 94_800,
        encryption,
        immediate_acknowledgement: false,
        limits,
    };
    let mut session = Session::in_segment(&config, segment).unwrap();
    let (instruments, underlying) = match segment {
        Segment::NseCm => ([share("RELIANCE", 2885), share("M&M", 2031)], EQ),
        _ => ([future(), option()], Underlying::Index),
    };
    session.define(InstrumentId(0), &instruments[0], underlying).unwrap();
    session.define(InstrumentId(2), &instruments[1], underlying).unwrap();
    session
}

fn server_config(encryption: Encryption) -> server::Config<'static> {
    server::Config {
        box_id: 77,
        broker_id: "90001",
        user_id: 12345,
        password: "SECRET",
        version: 94_800,
        encryption,
        gateway: (Ipv4Addr::new(10, 0, 200, 7), 9602),
        streams: 3,
        seed: 1,
        log_messages: 100_000,
        outbox_bytes: 1 << 16,
        events: 64,
        messages_per_second: 0,
        heartbeat_ns: 30 * SECOND,
        early_heartbeats: 3,
        inner_header: false,
    }
}

/// The matching engine: every order and what became of it. The truth.
#[derive(Default)]
struct Exchange {
    orders: BTreeMap<u64, (OrderImage, bool)>,
    next: u64,
    fills: i32,
    /// Orders by the member's tag: none may come twice.
    by_filler: BTreeMap<i32, u32>,
    refuse_next: bool,
    drop_next: bool,
}

/// A future trades in stream 1, an option in stream 3; so do the two shares.
fn stream_of(image: &OrderImage) -> u8 {
    let is_share = image.order.contract_desc.symbol.trimmed() == b"RELIANCE";
    if image.order.token_no.get() == 35_001 || is_share { 1 } else { 3 }
}

impl Exchange {
    fn on_request(&mut self, session: &mut server::Session, request: &server::Request, now: Nanos) {
        let mut image = request.order;
        let stream = stream_of(&image);
        let mut terms = Terms { sequence: request.sequence, stream, ..Terms::default() };
        if request.kind == RequestKind::New {
            *self.by_filler.entry(image.filler).or_default() += 1;
            if std::mem::take(&mut self.refuse_next) {
                terms.error_code = 16_284;
                session.on_answer(AnswerKind::Refused, &mut image, terms, now);
                return;
            }
            self.next += 1;
            let number = u64::from(stream) * 100_000_000_000_000 + self.next;
            image.order.order_number = BeF64::new(number as f64);
            session.on_answer(AnswerKind::Confirmed, &mut image, terms, now);
            self.orders.insert(number, (image, true));
            return;
        }
        let is_modify = request.kind == RequestKind::Modify;
        let refused = if is_modify { AnswerKind::ModifyRefused } else { AnswerKind::CancelRefused };
        let number = image.order.order_number.get() as u64;
        let Some((held, is_open)) = self.orders.get_mut(&number).filter(|(_, open)| *open) else {
            terms.error_code = 16_013;
            session.on_answer(refused, &mut image, terms, now);
            return;
        };
        if !held.is_current(&request.order) || std::mem::take(&mut self.refuse_next) {
            terms.error_code = 16_044;
            session.on_answer(refused, &mut image, terms, now);
        } else if is_modify {
            held.order.price = image.order.price;
            held.order.total_volume_remaining = image.order.volume;
            let total = image.order.volume.get() + held.order.volume_filled_today.get();
            held.order.volume = BeI32::new(total);
            session.on_answer(AnswerKind::Modified, held, terms, now);
        } else {
            session.on_answer(AnswerKind::Cancelled, held, terms, now);
            *is_open = false;
        }
    }

    /// Trades part of an open order, or cancels it unasked.
    fn act(&mut self, session: &mut server::Session, rng: &mut Rng, now: Nanos) {
        let open: Vec<u64> =
            self.orders.iter().filter(|(_, (_, open))| *open).map(|(&number, _)| number).collect();
        if open.is_empty() {
            return;
        }
        let Some((image, is_open)) = self.orders.get_mut(&open[rng.below(open.len())]) else {
            return;
        };
        let stream = stream_of(image);
        if rng.below(5) == 0 {
            let terms = Terms { stream, error_code: 16_388, ..Terms::default() };
            session.on_answer(AnswerKind::Cancelled, image, terms, now);
            *is_open = false;
            return;
        }
        self.fills += 1;
        let remaining = image.order.total_volume_remaining.get();
        let quantity = 1 + rng.below(remaining as usize) as i32;
        let fill = Fill { number: self.fills, quantity, price: image.order.price.get() };
        session.on_trade(TradeKind::Made, image, &fill, stream, now);
        *is_open = image.order.total_volume_remaining.get() > 0;
    }
}

/// Both halves, the wires between them, and what the client's host has learned.
struct World {
    client: Session,
    server: server::Session,
    exchange: Exchange,
    now: Nanos,
    to_server: VecDeque<u8>,
    to_client: VecDeque<u8>,
    wanted: Option<Endpoint>,
    connected: bool,
    closing: bool,
    /// What the host believes of its orders by own number.
    believed: BTreeMap<u64, Belief>,
    events: Vec<Event>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Belief {
    order_id: u64,
    filled: u32,
    open: bool,
    rejected: bool,
    price: i64,
    quantity: u32,
    fills: u32,
}

impl World {
    fn new(encryption: Encryption, inner_header: bool) -> Self {
        Self::of(Segment::NseFo, encryption, inner_header)
    }

    fn of(segment: Segment, encryption: Encryption, inner_header: bool) -> Self {
        let config = server::Config { inner_header, ..server_config(encryption) };
        Self {
            client: client(segment, encryption),
            server: server::Session::in_segment(&config, segment).unwrap(),
            exchange: Exchange::default(),
            now: Nanos::from_ist(2026, 9, 21, 9, 15, 0),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            wanted: None,
            connected: false,
            closing: false,
            believed: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    fn disconnect(&mut self) {
        self.connected = false;
        self.closing = false;
        self.to_server.clear();
        self.to_client.clear();
        self.server.on_disconnected();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Connect(endpoint) => {
                    self.disconnect();
                    self.wanted = Some(endpoint);
                }
                Event::Disconnect(_) => self.disconnect(),
                Event::Report { report, origin } => self.believe(&report, origin),
                _ => {}
            }
            self.events.push(event);
        }
        while let Some(event) = self.server.poll_event() {
            match event {
                server::Event::Request(request) => {
                    let drop = std::mem::take(&mut self.exchange.drop_next);
                    self.server.drop_answers(u32::from(drop));
                    self.exchange.on_request(&mut self.server, &request, self.now);
                }
                server::Event::Close(_) => self.closing = true,
                _ => {}
            }
        }
    }

    fn believe(&mut self, report: &tezi_model::ExecutionReport, _origin: Origin) {
        let belief = self.believed.entry(report.client_order_id.0).or_default();
        match report.kind().unwrap() {
            ExecutionKind::Accepted => {
                assert!(!belief.open, "accepted twice: {report:?}");
                belief.open = true;
                belief.order_id = report.order_id.0;
                belief.price = report.price.0;
                belief.quantity = report.quantity.0;
            }
            ExecutionKind::Rejected => {
                assert!(!belief.open && !belief.rejected, "{report:?}");
                belief.rejected = true;
            }
            ExecutionKind::Replaced => {
                assert!(belief.open, "{report:?}");
                belief.price = report.price.0;
                belief.quantity = report.quantity.0;
            }
            ExecutionKind::Canceled => {
                // It says how the order was in the end, a change included that it overtook.
                assert!(belief.open, "{report:?}");
                belief.open = false;
                belief.price = report.price.0;
                belief.quantity = report.quantity.0;
            }
            ExecutionKind::Fill => {
                assert!(belief.open, "{report:?}");
                belief.filled += report.quantity.0;
                belief.fills += 1;
                belief.open = belief.filled < belief.quantity;
            }
            ExecutionKind::ReplaceRejected if report.reason == LocalReason::FILLED => {
                assert!(!belief.open && belief.filled == belief.quantity, "{report:?}");
            }
            ExecutionKind::ReplaceRejected | ExecutionKind::CancelRejected => {
                assert!(belief.open, "{report:?}");
            }
        }
    }

    /// Moves up to so many bytes each way.
    fn carry(&mut self, most: usize) {
        if let Some(endpoint) = self.wanted.take() {
            self.connected = true;
            let listener = match endpoint {
                Endpoint::Router => Listener::Router,
                Endpoint::Gateway { address, port } => {
                    assert_eq!((address, port), (Ipv4Addr::new(10, 0, 200, 7), 9602));
                    Listener::Gateway
                }
            };
            self.server.on_connected(listener, self.now);
            self.client.on_connected(self.now);
        }
        if !self.connected {
            return;
        }
        let mut buffer = vec![0; most];
        let size = self.client.poll_transmit(&mut buffer);
        self.to_server.extend(&buffer[..size]);
        let size = self.server.poll_transmit(&mut buffer, self.now);
        self.to_client.extend(&buffer[..size]);
        let bytes: Vec<u8> = self.to_server.iter().copied().take(most).collect();
        let taken = self.server.on_bytes(&bytes, self.now);
        self.to_server.drain(..taken.min(self.to_server.len()));
        let bytes: Vec<u8> = self.to_client.iter().copied().take(most).collect();
        let taken = self.client.on_bytes(&bytes, self.now);
        self.to_client.drain(..taken.min(self.to_client.len()));
        let is_drained = !self.server.has_transmit() && self.to_client.is_empty();
        if self.closing && is_drained && self.connected {
            self.disconnect();
            self.client.on_disconnected(self.now);
        }
    }

    fn pass(&mut self, nanos: i64) {
        self.now = self.now.plus(nanos);
        if self.now >= self.client.next_timeout() {
            self.client.on_timeout(self.now);
        }
        if self.now >= self.server.next_timeout() {
            self.server.on_timeout(self.now);
        }
    }

    /// Lets everything under way come to rest.
    fn settle(&mut self) {
        for _ in 0..4_000 {
            self.carry(1_500);
            self.take_events();
            self.pass(SECOND / 100);
            let is_quiet = self.to_client.is_empty()
                && self.to_server.is_empty()
                && !self.client.has_transmit()
                && !self.server.has_transmit();
            if self.client.is_live() && self.client.in_flight() == 0 && is_quiet {
                return;
            }
        }
        panic!("it does not settle: {:?}", self.events.iter().rev().take(20).collect::<Vec<_>>());
    }

    fn live(encryption: Encryption, inner_header: bool) -> Self {
        Self::live_in(Segment::NseFo, encryption, inner_header)
    }

    fn live_in(segment: Segment, encryption: Encryption, inner_header: bool) -> Self {
        let mut world = Self::of(segment, encryption, inner_header);
        world.client.start(world.now);
        world.take_events();
        world.settle();
        world
    }

    fn send(&mut self, command: &OrderCommand) -> Result<(), CommandError> {
        self.client.on_command(command, self.now)
    }

    /// Holds what the host believes against the exchange's books.
    fn check(&self, context: &str) {
        assert!(self.client.is_consistent(), "{context}");
        let mut known = 0;
        for (&number, (image, is_open)) in &self.exchange.orders {
            let belief = self.believed.values().find(|belief| belief.order_id == number);
            let belief = belief.unwrap_or_else(|| panic!("{context}: {number} is not known"));
            known += 1;
            let order = &image.order;
            assert_eq!(belief.open, *is_open, "{context}: {number} {belief:?}");
            assert_eq!(
                belief.filled,
                order.volume_filled_today.get() as u32,
                "{context}: {number}"
            );
            let price = Px::from_paise(i64::from(order.price.get()));
            // A change of price whose answer was lost, and which the last trade overtook, is not told.
            if *is_open {
                assert_eq!(belief.price, price.0, "{context}: {number}");
            }
            assert_eq!(
                belief.quantity,
                (order.total_volume_remaining.get() + order.volume_filled_today.get()) as u32,
                "{context}: {number}"
            );
        }
        let accepted = self.believed.values().filter(|belief| belief.order_id != 0).count();
        assert_eq!(known, accepted, "{context}: the host knows no order that is not there");
        assert!(!self.believed.contains_key(&0), "{context}: no order is a stranger");
        assert!(self.exchange.by_filler.values().all(|&times| times == 1), "{context}: sent twice");
    }
}

fn new_order(id: u64, instrument: u32, paise: i64, quantity: u32) -> OrderCommand {
    OrderCommand {
        client_order_id: ClientOrderId(id),
        instrument: InstrumentId(instrument),
        price: Px::from_paise(paise),
        quantity: Qty(quantity),
        ..command(CommandKind::New)
    }
}

fn change(kind: CommandKind, id: u64, belief: &Belief, quantity: u32, paise: i64) -> OrderCommand {
    OrderCommand {
        kind_code: kind as u8,
        order_id: OrderId(belief.order_id),
        filled: Qty(belief.filled),
        ..new_order(id, 0, paise, quantity)
    }
}

#[test]
fn each_method_signs_on_trades_and_signs_off() {
    for (segment, method) in SEGMENTS.into_iter().flat_map(|it| METHODS.map(|method| (it, method)))
    {
        let mut world = World::live_in(segment, method, false);
        assert!(world.events.contains(&Event::SignedOn), "{method:?}");
        assert!(world.events.contains(&Event::MarketStatus(1)));
        world.send(&new_order(1, 0, 2_500_000, 150)).unwrap();
        assert_eq!(world.client.in_flight(), 1);
        world.settle();
        let belief = world.believed[&1];
        assert_eq!((belief.open, belief.order_id), (true, 100_000_000_000_001));
        let again = world.send(&new_order(1, 0, 2_500_000, 150));
        assert_eq!(again, Err(CommandError::DuplicateOrder));
        world.send(&change(CommandKind::Replace, 1, &belief, 225, 2_500_100)).unwrap();
        world.settle();
        world.exchange.act(&mut world.server, &mut Rng(3), world.now);
        world.settle();
        let belief = world.believed[&1];
        assert!(belief.filled > 0 && belief.open, "{belief:?}");
        world.send(&change(CommandKind::Cancel, 1, &belief, 225, 2_500_100)).unwrap();
        let busy = world.send(&change(CommandKind::Cancel, 1, &belief, 225, 2_500_100));
        assert_eq!(busy, Err(CommandError::InFlight));
        world.settle();
        world.check("traded");
        assert!(!world.believed[&1].open);
        world.client.sign_off(world.now);
        for _ in 0..10 {
            world.carry(1_500);
            world.take_events();
        }
        assert!(world.events.contains(&Event::Disconnect(DisconnectReason::SignedOff)));
        assert_eq!(world.send(&new_order(2, 0, 5, 75)), Err(CommandError::NotLive));
        assert!(!world.server.is_signed_on());
        assert_eq!(world.client.counters().gaps, 0, "{method:?}");
        assert_eq!(world.client.counters().malformed, 0, "{method:?}");
    }
}

#[test]
fn a_wrong_password_version_or_box_is_refused_by_its_code() {
    let good = server_config(Encryption::Existing);
    let cases = [
        (server::Config { password: "OTHER", ..good }, 2301, 16_006),
        (server::Config { version: 95_000, ..good }, 2301, 16_100),
        (server::Config { box_id: 78, ..good }, 2401, 17_104),
        (server::Config { broker_id: "90002", ..good }, 2401, 16_006),
    ];
    for (config, transaction_code, error_code) in cases {
        let mut world = World::new(Encryption::Existing, false);
        world.server = server::Session::new(&config).unwrap();
        world.client.start(world.now);
        for _ in 0..20 {
            world.take_events();
            world.carry(1_500);
        }
        let refused = DisconnectReason::Refused { transaction_code, error_code };
        assert!(world.events.contains(&Event::Disconnect(refused)), "{:?}", world.events);
    }
}

#[test]
fn an_order_never_handed_out_is_reported_unsent() {
    let mut world = World::live(METHODS[2], false);
    world.send(&new_order(1, 0, 2_500_000, 150)).unwrap();
    let mut buffer = [0; 179]; // all of the packet but its last byte
    assert_eq!(world.client.poll_transmit(&mut buffer), 179);
    world.disconnect();
    world.client.on_disconnected(world.now);
    world.take_events();
    let reports = world.events.iter().filter_map(|event| match event {
        Event::Report { report, origin: Origin::Session } => Some((report.kind(), report.reason)),
        _ => None,
    });
    assert_eq!(
        reports.collect::<Vec<_>>(),
        [(Some(ExecutionKind::Rejected), LocalReason::NOT_SENT)]
    );
    assert_eq!(world.client.in_flight(), 0);
    world.settle();
    world.check("unsent");
}

#[test]
fn an_order_that_got_there_is_found_and_one_that_did_not_is_lost() {
    for (segment, method) in SEGMENTS.into_iter().flat_map(|it| METHODS.map(|method| (it, method)))
    {
        for inner_header in [false, true] {
            let mut world = World::live_in(segment, method, inner_header);
            world.send(&new_order(1, 0, 2_500_000, 150)).unwrap();
            world.send(&new_order(2, 0, 2_500_000, 150)).unwrap();
            let mut buffer = [0; 1_500];
            let size = world.client.poll_transmit(&mut buffer);
            assert_eq!(size, if segment == Segment::NseCm { 2 * 158 } else { 2 * 180 });
            // The exchange gets the first and all but a byte of the second; no answer gets back.
            world.server.on_bytes(&buffer[..size - 1], world.now);
            world.take_events();
            world.disconnect();
            world.client.on_disconnected(world.now);
            world.take_events();
            assert_eq!(world.client.in_flight(), 2);
            world.settle();
            world.check("lost");
            assert!(world.believed[&1].open, "{method:?}");
            assert!(world.believed[&2].rejected, "{method:?}");
        }
    }
}

#[test]
fn a_dropped_acknowledgement_is_found_without_a_new_connection() {
    for method in METHODS {
        let mut world = World::live(method, false);
        world.exchange.drop_next = true;
        world.send(&new_order(1, 0, 2_500_000, 150)).unwrap();
        world.send(&new_order(2, 0, 2_500_000, 150)).unwrap();
        for _ in 0..10 {
            world.carry(1_500);
            world.take_events();
        }
        assert_eq!(world.client.in_flight(), 1);
        world.pass(5 * SECOND);
        assert!(world.client.counters().downloads == 2);
        world.settle();
        world.check("found");
        assert_eq!(world.client.counters().disconnects, 0);
        assert!(world.events.contains(&Event::Unanswered(1)));
    }
}

#[test]
fn silence_brings_heartbeats_and_a_dead_peer_ends_the_connection() {
    let mut world = World::live(METHODS[1], false);
    let packets = world.client.counters().packets_in;
    for _ in 0..200 {
        world.pass(SECOND);
        world.carry(1_500);
        world.take_events();
    }
    let beats = world.client.counters().packets_in - packets;
    assert!((6..=7).contains(&beats), "{beats} heartbeats came back in 200 seconds");
    assert_eq!(world.client.counters().disconnects, 0);
    let start = world.now;
    while world.client.counters().disconnects == 0 {
        world.now = world.now.plus(SECOND);
        if world.now >= world.client.next_timeout() {
            world.client.on_timeout(world.now);
        }
        let mut lost = [0; 1_500];
        world.client.poll_transmit(&mut lost);
    }
    assert!((60..=100).contains(&(world.now.since(start) / SECOND)));
    world.take_events();
    assert!(world.events.contains(&Event::Disconnect(DisconnectReason::HeartbeatMissed)));
    world.settle();
}

#[test]
fn a_member_over_its_rate_or_with_a_changed_bit_is_signed_off_with_the_reason() {
    let mut world = World::new(METHODS[2], false);
    let config = server::Config { messages_per_second: 3, ..server_config(METHODS[2]) };
    world.server = server::Session::new(&config).unwrap();
    world.client.start(world.now);
    world.take_events();
    world.settle();
    for id in 1..=4 {
        world.send(&new_order(id, 0, 2_500_000, 75)).unwrap();
    }
    world.settle();
    let reason = Event::Disconnect(DisconnectReason::GatewaySignOff(17_106));
    assert!(world.events.contains(&reason));
    world.check("rate");
    world.send(&new_order(9, 0, 2_500_000, 75)).unwrap();
    let mut buffer = [0; 1_500];
    let size = world.client.poll_transmit(&mut buffer);
    buffer[50] ^= 1;
    world.server.on_bytes(&buffer[..size], world.now);
    world.settle();
    let reason = Event::Disconnect(DisconnectReason::GatewaySignOff(19_031));
    assert!(world.events.contains(&reason));
    world.check("tag");
}

#[test]
fn a_stream_outage_takes_its_orders_and_no_others() {
    let mut world = World::live(METHODS[2], false);
    world.send(&new_order(1, 0, 2_500_000, 75)).unwrap();
    world.send(&new_order(2, 2, 10_000, 75)).unwrap();
    world.settle();
    world.server.on_outage(1, true, world.now);
    world.settle();
    assert!(!world.believed[&1].open && world.believed[&2].open);
    assert!(world.events.contains(&Event::StreamOutage { stream: 1, begins: true }));
}

#[test]
fn random_days_end_in_what_the_exchange_has() {
    random_days(Segment::NseFo);
}

#[test]
fn random_days_of_the_capital_market_end_in_what_the_exchange_has() {
    random_days(Segment::NseCm);
}

fn random_days(segment: Segment) {
    let mut seen = [0; 5];
    for seed in 0..200 {
        let method = METHODS[seed as usize % METHODS.len()];
        for (seen, of_day) in seen.iter_mut().zip(random_day(segment, seed, method)) {
            *seen += of_day;
        }
    }
    // Days in which nothing happens prove nothing.
    let [orders, disconnects, duplicates, gaps, own] = seen;
    assert!(orders > 10_000 && disconnects > 800 && duplicates > 10_000, "{seen:?}");
    assert!(gaps > 500 && own > 200, "{seen:?}");
}

/// One day of orders, trades, cuts anywhere, losses and delays: how many orders got there,
/// disconnects, messages heard again, gaps, and fates that the session itself told.
fn random_day(segment: Segment, seed: u64, method: Encryption) -> [u64; 5] {
    let mut rng = Rng(seed);
    let mut world = World::live_in(segment, method, seed.is_multiple_of(3));
    let mut next = 1;
    for step in 0..1_500 {
        match rng.below(24) {
            0..=3 => {
                let (instrument, lots) = ([0, 2][rng.below(2)], 1 + rng.below(3) as u32);
                let order = new_order(next, instrument, 10_000 + rng.below(3) as i64, 75 * lots);
                if world.send(&order).is_ok() {
                    next += 1;
                }
            }
            4..=7 => random_change(&mut world, &mut rng, next),
            8..=9 => world.exchange.act(&mut world.server, &mut rng, world.now),
            10 if rng.below(3) == 0 => world.exchange.refuse_next = true,
            12 if rng.below(3) == 0 => world.exchange.drop_next = true,
            11 if rng.below(6) == 0 => {
                world.disconnect();
                world.client.on_disconnected(world.now);
            }
            _ => {
                let most = [40, 1_500, 1_500, 1_500][rng.below(4)];
                world.carry(1 + rng.below(most));
            }
        }
        world.take_events();
        world.pass(rng.below(20_000_000) as i64);
        assert!(world.client.is_consistent(), "seed {seed}, step {step}");
    }
    world.settle();
    world.check(&format!("seed {seed}"));
    let counters = world.client.counters();
    let own = |event: &&Event| matches!(event, Event::Report { origin: Origin::Session, .. });
    [
        world.exchange.orders.len() as u64,
        counters.disconnects,
        counters.duplicates,
        counters.gaps,
        world.events.iter().filter(own).count() as u64,
    ]
}

fn random_change(world: &mut World, rng: &mut Rng, next: u64) {
    let id = 1 + rng.below(next as usize) as u64;
    let Some(belief) = world.believed.get(&id).copied().filter(|belief| belief.open) else {
        return;
    };
    let kind = [CommandKind::Replace, CommandKind::Cancel][rng.below(2)];
    let (quantity, paise) = (belief.filled + 75, 10_000 + rng.below(3) as i64);
    let instrument = if belief.order_id < 200_000_000_000_000 { 0 } else { 2 };
    let command = OrderCommand {
        instrument: InstrumentId(instrument),
        side_code: Side::Buy as u8,
        ..change(kind, id, &belief, quantity, paise)
    };
    let _ = world.send(&command);
}
