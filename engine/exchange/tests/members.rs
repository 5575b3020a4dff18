//! Two members with real sessions trade a day with each other and with the background: what each
//! believes of its orders must be what the exchange has.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use common::*;
use tezi_core::matching::Report;
use tezi_exchange::{
    Action, BoxConfig, Exchange, ExchangeConfig, GatewayFaults, TimedEvent, VenueEvent,
};
use tezi_gateway::nnf::client::{Config, Endpoint, Event, Limits, Session};
use tezi_gateway::nnf::server::Listener;
use tezi_gateway::nnf::{
    Account, DynamicIvOrder, Encryption, NoticeKind, SelfTrade, SessionIdentity, Underlying,
    UserRole,
};
use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, InstrumentId, Nanos, OrderCommand,
    OrderId, Px, Qty, Side, TimeInForce, Token,
};

const MILLISECOND: i64 = 1_000_000;

fn box_config(number: i16, encryption: Encryption) -> BoxConfig {
    BoxConfig {
        box_id: 70 + number,
        broker_id: format!("9000{number}"),
        user_id: 12_000 + i32::from(number),
        password: "SECRET".into(),
        version: 94_800,
        encryption,
        gateway: (Ipv4Addr::LOCALHOST, 9_600),
        messages_per_second: 0,
        faults: GatewayFaults::default(),
    }
}

fn client(own: &BoxConfig, cancel_on_logoff: bool, pan: &'static str) -> Session {
    let config = Config {
        identity: SessionIdentity {
            user_id: own.user_id,
            trader_id: own.user_id,
            role: UserRole::Dealer,
            branch_id: 1,
            broker_id: &own.broker_id,
            account: Account::Proprietary,
            settlor: "",
            pan,
            nnf_id: 111_111_111_111_100,
            algo_id: 0,
            self_trade: SelfTrade::ExchangeDefault,
            cancel_on_logoff,
        },
        box_id: own.box_id,
        password: &own.password,
        version: own.version,
        encryption: own.encryption,
        immediate_acknowledgement: false,
        limits: Limits {
            instruments: 4,
            orders: 256,
            orders_of_the_day: 8_192,
            events: 64,
            ..Limits::default()
        },
    };
    let mut session = Session::new(&config).unwrap();
    for (at, listing) in listings().iter().enumerate() {
        let id = InstrumentId(at as u32);
        session.define(id, &listing.instrument, Underlying::Index).unwrap();
    }
    session
}

/// What a member believes of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Belief {
    order_id: u64,
    price: i64,
    quantity: u32,
    filled: u32,
    is_open: bool,
    reason: u16,
}

/// One member: session, wires, beliefs.
struct Desk {
    session: Session,
    wanted: Option<Endpoint>,
    is_connected: bool,
    to_exchange: VecDeque<u8>,
    beliefs: BTreeMap<u64, Belief>,
    notices: Vec<NoticeKind>,
    next: u64,
}

struct World {
    exchange: Exchange,
    script: Script,
    reader: Reader,
    desks: Vec<Desk>,
    now: Nanos,
}

impl World {
    fn open(config: &ExchangeConfig, now: Nanos) -> Self {
        let (exchange, script) = common::open(config);
        let pans = ["ABCDE1234F", "VWXYZ9876K"];
        let desks = config.boxes.iter().zip(pans).map(|(own, pan)| Desk {
            session: client(own, pan.starts_with('A'), pan),
            wanted: None,
            is_connected: false,
            to_exchange: VecDeque::new(),
            beliefs: BTreeMap::new(),
            notices: Vec::new(),
            next: 1,
        });
        let desks = desks.collect();
        let mut world = Self { exchange, script, reader: Reader::new(config), desks, now };
        world.exchange.on_time(now);
        for desk in &mut world.desks {
            desk.session.start(now);
        }
        world.settle();
        world
    }

    /// Carries bytes both ways, and time, until nothing moves.
    fn settle(&mut self) {
        for _ in 0..400 {
            self.pass(MILLISECOND / 10);
        }
    }

    fn pass(&mut self, nanos: i64) {
        self.now = self.now.plus(nanos);
        if self.now >= self.exchange.next_due() {
            self.exchange.on_time(self.now);
        }
        for at in 0..self.desks.len() {
            self.carry(at);
        }
        self.reader.read(&mut self.exchange, self.now);
    }

    /// Time with nothing to do, in steps that heartbeats are content with.
    fn wait(&mut self, until: Nanos) {
        while self.now < until {
            let step = until.since(self.now).min(5_000 * MILLISECOND);
            self.pass(step);
            self.settle();
        }
    }

    fn carry(&mut self, at: usize) {
        let (now, desk) = (self.now, &mut self.desks[at]);
        if now >= desk.session.next_timeout() {
            desk.session.on_timeout(now);
        }
        if let Some(endpoint) = desk.wanted.take() {
            let listener = match endpoint {
                Endpoint::Router => Listener::Router,
                Endpoint::Gateway { .. } => Listener::Gateway,
            };
            self.exchange.on_connected(at, listener, now);
            desk.session.on_connected(now);
            desk.is_connected = true;
        }
        if desk.is_connected {
            let mut buffer = [0; 2_048];
            let size = desk.session.poll_transmit(&mut buffer);
            desk.to_exchange.extend(&buffer[..size]);
            let bytes: Vec<u8> = desk.to_exchange.iter().copied().collect();
            let taken = self.exchange.on_bytes(at, &bytes, now);
            desk.to_exchange.drain(..taken.min(bytes.len()));
            let size = self.exchange.poll_transmit(at, &mut buffer, now);
            assert_eq!(desk.session.on_bytes(&buffer[..size], now), size);
            if self.exchange.poll_close(at).is_some() {
                desk.is_connected = false;
                desk.to_exchange.clear();
                self.exchange.on_disconnected(at, now);
                desk.session.on_disconnected(now);
            }
        }
        self.take_events(at);
    }

    fn take_events(&mut self, at: usize) {
        let desk = &mut self.desks[at];
        while let Some(event) = desk.session.poll_event() {
            match event {
                Event::Connect(endpoint) => {
                    desk.is_connected = false;
                    desk.to_exchange.clear();
                    self.exchange.on_disconnected(at, self.now);
                    desk.wanted = Some(endpoint);
                }
                Event::Disconnect(_) => {
                    desk.is_connected = false;
                    self.exchange.on_disconnected(at, self.now);
                }
                Event::Report { report, .. } => desk.believe(&report),
                Event::Notice(notice) => desk.notices.push(notice.kind),
                _ => {}
            }
        }
    }

    /// What the exchange has of every order of a desk is what the desk believes.
    fn assert_agreed(&self, context: &str) {
        let books = self.exchange.matcher();
        let mut live = 0;
        for (at, desk) in self.desks.iter().enumerate() {
            for (id, belief) in &desk.beliefs {
                let resting = books.books().order(FO, OrderId(belief.order_id));
                let stop = books.stops().order(FO, OrderId(belief.order_id));
                if !belief.is_open {
                    assert!(resting.is_none() && stop.is_none(), "{context}: {at}/{id} {belief:?}");
                    continue;
                }
                live += 1;
                let resting = resting.unwrap_or_else(|| panic!("{context}: {at}/{id} {belief:?}"));
                assert_eq!(resting.price.0, belief.price, "{context}: {at}/{id} {belief:?}");
                let open = belief.quantity - belief.filled;
                assert_eq!(resting.quantity.0, open, "{context}: {at}/{id} {belief:?}");
            }
            assert_eq!(desk.session.in_flight(), 0, "{context}");
        }
        let held: u32 = self.exchange.boxes().map(|own| own.orders).sum();
        assert_eq!(held, live, "{context}: orders of boxes");
    }

    fn last(&self, desk: usize) -> Belief {
        *self.desks[desk].beliefs.values().last().unwrap()
    }
}

impl Desk {
    fn believe(&mut self, report: &ExecutionReport) {
        let belief = self.beliefs.entry(report.client_order_id.0).or_default();
        belief.reason = report.reason;
        match report.kind().unwrap() {
            ExecutionKind::Accepted => {
                belief.order_id = report.order_id.0;
                (belief.price, belief.quantity) = (report.price.0, report.quantity.0);
                belief.is_open = true;
            }
            ExecutionKind::Replaced => {
                (belief.price, belief.quantity) = (report.price.0, report.quantity.0);
            }
            ExecutionKind::Fill => {
                belief.filled += report.quantity.0;
                belief.is_open = belief.filled < belief.quantity;
            }
            ExecutionKind::Canceled | ExecutionKind::Rejected => belief.is_open = false,
            ExecutionKind::ReplaceRejected | ExecutionKind::CancelRejected => {}
        }
    }

    fn send(&mut self, command: OrderCommand, now: Nanos) {
        self.session.on_command(&command, now).unwrap();
    }

    fn enter(&mut self, instrument: u32, side: Side, price: i64, lots: u32, now: Nanos) -> u64 {
        let id = self.next;
        self.next += 1;
        let command = OrderCommand {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(0),
            price: Px::from_paise(price),
            quantity: Qty(65 * lots),
            filled: Qty(0),
            instrument: InstrumentId(instrument),
            kind_code: CommandKind::New as u8,
            side_code: side as u8,
            time_in_force_code: TimeInForce::Day as u8,
            strategy: tezi_model::StrategyId::NONE,
            reserved_tail: 0,
        };
        self.send(command, now);
        id
    }

    fn change(&mut self, id: u64, kind: CommandKind, side: Side, to: (i64, u32), now: Nanos) {
        let belief = self.beliefs[&id];
        let command = OrderCommand {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(belief.order_id),
            price: Px::from_paise(to.0),
            quantity: Qty(to.1),
            filled: Qty(belief.filled),
            instrument: InstrumentId(0),
            kind_code: kind as u8,
            side_code: side as u8,
            time_in_force_code: TimeInForce::Day as u8,
            strategy: tezi_model::StrategyId::NONE,
            reserved_tail: 0,
        };
        self.send(command, now);
    }
}

fn two_boxes(encryption: Encryption) -> ExchangeConfig {
    ExchangeConfig { boxes: vec![box_config(1, encryption), box_config(2, encryption)], ..config() }
}

#[test]
fn two_members_trade_with_each_other_in_every_encryption() {
    for encryption in
        [Encryption::Plain, Encryption::Existing, Encryption::New(DynamicIvOrder::BigEndian)]
    {
        let mut world = World::open(&two_boxes(encryption), at(9, 14, 0));
        assert!(world.desks.iter().all(|desk| desk.session.is_live()), "{encryption:?}");
        world.wait(at(9, 15, 1));
        let now = world.now;
        let sell = world.desks[0].enter(0, Side::Sell, 2_245_000, 2, now);
        world.settle();
        world.desks[1].enter(0, Side::Buy, 2_245_010, 3, world.now);
        world.settle();
        let (seller, buyer) = (world.desks[0].beliefs[&sell], world.last(1));
        assert_eq!((seller.filled, seller.is_open), (130, false));
        assert_eq!((buyer.filled, buyer.quantity, buyer.is_open), (130, 195, true));
        world.assert_agreed("after a trade");
        assert_same_books(&world.exchange, &world.reader, "after a trade");
        let trade = world.exchange.trades().next_back().unwrap();
        assert_eq!((trade.price, trade.quantity), (paise(2_245_000), Qty(130)));
        // The buyer changes what is left, then cancels it.
        let id = world.desks[1].next - 1;
        world.desks[1].change(id, CommandKind::Replace, Side::Buy, (2_244_000, 260), world.now);
        world.settle();
        assert_eq!((world.last(1).price, world.last(1).quantity), (paise(2_244_000).0, 260));
        world.assert_agreed("after a change");
        world.desks[1].change(id, CommandKind::Cancel, Side::Buy, (2_244_000, 260), world.now);
        world.settle();
        assert!(!world.last(1).is_open);
        world.assert_agreed("after a cancel");
        assert_same_books(&world.exchange, &world.reader, "after a cancel");
    }
}

#[test]
fn refusals_carry_the_exchanges_numbers() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    // Tick, lot price band, limit price protection.
    for (price, lots, code) in
        [(2_245_001, 1, 16_283), (2_480_000, 1, 17_070), (1_000_000, 1, 16_284)]
    {
        world.desks[0].enter(0, Side::Buy, price, lots, world.now);
        world.settle();
        assert_eq!((world.last(0).reason, world.last(0).is_open), (code, false), "{price}");
    }
    let views: Vec<_> = world.exchange.boxes().collect();
    assert_eq!((views[0].activity.requests, views[0].activity.refused), (3, 3));
    assert_eq!(world.exchange.counters().refused, 3);
    assert_eq!(world.reader.letters(), "");
}

#[test]
fn a_self_trade_cancels_the_resting_order_and_says_so() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    let first = world.desks[0].enter(0, Side::Sell, 2_245_000, 1, world.now);
    world.settle();
    world.desks[0].enter(0, Side::Buy, 2_245_000, 1, world.now);
    world.settle();
    let resting = world.desks[0].beliefs[&first];
    assert_eq!((resting.is_open, resting.reason), (false, 17_071));
    world.assert_agreed("after a self trade");
    assert_eq!(world.reader.letters(), "NNX");
}

#[test]
fn above_the_freeze_quantity_the_exchange_decides() {
    for approves in [true, false] {
        let mut day = two_boxes(Encryption::Plain);
        day.listings[0].instrument.freeze_quantity = Qty(65 * 10);
        (day.freeze.approves, day.freeze.after_ns) = (approves, 50 * MILLISECOND);
        let mut world = World::open(&day, at(9, 30, 0));
        let id = world.desks[0].enter(0, Side::Buy, 2_245_000, 11, world.now);
        world.settle();
        assert_eq!(world.desks[0].notices, [NoticeKind::Frozen]);
        assert_eq!(world.reader.letters(), "");
        world.settle();
        let belief = world.desks[0].beliefs[&id];
        assert_eq!(belief.is_open, approves);
        if !approves {
            assert_eq!(belief.reason, 16_307);
        }
        world.assert_agreed("after the decision");
        assert_same_books(&world.exchange, &world.reader, "after the decision");
    }
}

#[test]
fn kill_switch_logoff_and_the_close_cancel_orders() {
    let mut world = World::open(&two_boxes(Encryption::Plain), at(9, 30, 0));
    for desk in 0..2 {
        for (instrument, price) in [(0, 2_244_000), (0, 2_244_100), (1, 19_000)] {
            world.desks[desk].enter(instrument, Side::Buy, price, 1, world.now);
        }
    }
    world.settle();
    world.desks[1].session.kill_switch(Some(InstrumentId(0)), world.now).unwrap();
    world.settle();
    let open = |world: &World, desk: usize| {
        world.desks[desk].beliefs.values().filter(|belief| belief.is_open).count()
    };
    assert_eq!((open(&world, 0), open(&world, 1)), (3, 1));
    world.assert_agreed("after the kill switch");
    // The first desk's orders go when its user goes; it hears so when it is back.
    world.exchange.on_disconnected(0, world.now);
    world.desks[0].is_connected = false;
    world.desks[0].session.on_disconnected(world.now);
    assert_eq!(world.exchange.counters().canceled_on_logoff, 3);
    world.wait(world.now.plus(5_000 * MILLISECOND));
    assert!(world.desks[0].session.is_live());
    assert_eq!((open(&world, 0), open(&world, 1)), (0, 1));
    world.assert_agreed("after the logoff");
    world.desks[0].enter(0, Side::Buy, 2_244_000, 1, world.now);
    world.settle();
    // The close comes as an event here, so that the test need not live through the day.
    assert_eq!(world.exchange.books().orders_count(), 2);
    world.assert_agreed("before the close");
    assert_same_books(&world.exchange, &world.reader, "before the close");
}

#[test]
fn contracts_that_expire_end_with_a_batch_of_cancels() {
    let mut day = two_boxes(Encryption::Plain);
    day.listings[1].instrument.expiry = at(15, 30, 0);
    day.events = vec![TimedEvent { at: at(9, 30, 10), event: VenueEvent::Expiry }];
    let mut world = World::open(&day, at(9, 30, 0));
    // The client's own contract has another expiry: the exchange does not know it.
    world.desks[0].enter(1, Side::Buy, 19_000, 1, world.now);
    world.settle();
    assert_eq!(world.last(0).reason, 16_012);
    let listing = &day.listings[1];
    world.desks[0].session.define(InstrumentId(1), &listing.instrument, Underlying::Index).unwrap();
    world.desks[0].enter(1, Side::Buy, 19_000, 1, world.now);
    world.settle();
    assert!(world.last(0).is_open);
    world.wait(at(9, 30, 11));
    assert_eq!((world.last(0).is_open, world.last(0).reason), (false, 16_388));
    world.assert_agreed("after the expiry");
}

/// A day of random requests over gateways that lose answers, break, and are slow.
#[test]
fn members_learn_the_truth_through_faulty_gateways() {
    let faults = [
        GatewayFaults::default(),
        GatewayFaults { drop_answers_per_million: 100_000, ..GatewayFaults::default() },
        GatewayFaults { disconnect_after: 9, ..GatewayFaults::default() },
        GatewayFaults { delay_ns: 3 * MILLISECOND, ..GatewayFaults::default() },
        GatewayFaults { drop_answers_per_million: 50_000, disconnect_after: 17, delay_ns: 700_000 },
    ];
    for (seed, faults) in faults.into_iter().enumerate() {
        let mut rng = Random(seed as u64);
        let mut day =
            two_boxes(if seed % 2 == 0 { Encryption::Plain } else { Encryption::Existing });
        day.boxes.iter_mut().for_each(|own| own.faults = faults);
        let mut world = World::open(&day, at(9, 30, 0));
        for step in 0..400 {
            if step % 5 == 0 {
                let price = 2_245_000 + 5 * (rng.below(9) as i64 - 4);
                let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
                world.script.push(world.now, Action::Submit(order(0, side, price, 2)));
            }
            let now = world.now;
            let desk = &mut world.desks[rng.below(2) as usize];
            if desk.session.is_live() {
                let open: Vec<u64> = desk
                    .session
                    .open_orders()
                    .filter(|(_, order_id, _, waits)| order_id.0 != 0 && !waits)
                    .map(|(id, ..)| id.0)
                    .collect();
                let price = 2_245_000 + 5 * (rng.below(9) as i64 - 4);
                if open.is_empty() || rng.one_in(2) {
                    let side = if rng.one_in(2) { Side::Buy } else { Side::Sell };
                    desk.enter(0, side, price, 1 + rng.below(3) as u32, now);
                } else {
                    let id = open[rng.below(open.len() as u64) as usize];
                    let quantity = desk.beliefs[&id].filled + 65 * (1 + rng.below(3) as u32);
                    let kind =
                        if rng.one_in(2) { CommandKind::Replace } else { CommandKind::Cancel };
                    let side = side_of(&world.exchange, desk.beliefs[&id].order_id);
                    desk.change(id, kind, side, (price, quantity), now);
                }
            }
            for _ in 0..rng.below(30) {
                world.pass(MILLISECOND / 10);
            }
        }
        // Everything comes to rest: lost answers are looked for by download.
        for _ in 0..20 {
            let until = world.now.plus(3_000 * MILLISECOND);
            world.wait(until);
        }
        let context = format!("seed {seed}, {faults:?}");
        world.assert_agreed(&context);
        assert_same_books(&world.exchange, &world.reader, &context);
        let counters = world.exchange.counters();
        assert!(counters.trades > 20, "{context}: {counters:?}");
        let trades: Vec<_> = world.script.take_reports();
        let traded = trades.iter().filter(|report| matches!(report, Report::Traded(_))).count();
        assert_eq!(traded as u64, counters.trades, "{context}");
    }
}

fn side_of(exchange: &Exchange, order_id: u64) -> Side {
    let order = exchange.books().order(FO, OrderId(order_id));
    order.map_or(Side::Buy, |order| order.side)
}

#[test]
fn the_same_day_gives_the_same_bytes() {
    let run = || {
        let mut world = World::open(&two_boxes(Encryption::Existing), at(9, 30, 0));
        for step in 0..50_i64 {
            let side = if step % 2 == 0 { Side::Buy } else { Side::Sell };
            world.desks[(step % 3 % 2) as usize].enter(
                0,
                side,
                2_245_000 + 5 * (step % 7),
                1,
                world.now,
            );
            world.settle();
        }
        let mut hasher = tezi_model::StateHasher::default();
        world.exchange.hash_into(&mut hasher);
        (hasher.finish(), format!("{:?}", world.reader.events))
    };
    assert_eq!(run(), run());
    assert_eq!(Token(35_001), listings()[0].instrument.token);
}
