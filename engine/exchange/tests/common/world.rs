//! Two members with real sessions at an exchange, each with what it believes of its orders.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

use md5::{Digest, Md5};
use tezi_exchange::{BoxConfig, Exchange, ExchangeConfig, GatewayFaults, SpreadListing};
use tezi_gateway::nnf::client::{Config, Endpoint, Event, Limits, Session};
use tezi_gateway::nnf::server::Listener;
use tezi_gateway::nnf::{
    Account, Encryption, NoticeKind, Packet, SelfTrade, SessionIdentity, Underlying, UserRole,
};
use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, Instrument, InstrumentId, Nanos,
    OrderCommand, OrderId, Px, Qty, Side, TimeInForce,
};

use super::{FO, Reader, Script, config, listings};

pub const MILLISECOND: i64 = 1_000_000;

pub fn box_config(number: i16, encryption: Encryption) -> BoxConfig {
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

pub fn identity<'a>(
    own: &'a BoxConfig,
    cancel_on_logoff: bool,
    pan: &'static str,
) -> SessionIdentity<'a> {
    SessionIdentity {
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
    }
}

pub fn client(
    own: &BoxConfig,
    cancel_on_logoff: bool,
    pan: &'static str,
    spreads: &[SpreadListing],
) -> Session {
    let config = Config {
        identity: identity(own, cancel_on_logoff, pan),
        box_id: own.box_id,
        password: &own.password,
        version: own.version,
        encryption: own.encryption,
        immediate_acknowledgement: false,
        limits: Limits {
            instruments: 8,
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
    for (at, spread) in spreads.iter().enumerate() {
        let [near, far] = spread.legs;
        let near = listings().into_iter().find(|it| it.instrument.token == near).unwrap();
        let id = InstrumentId((listings().len() + at) as u32);
        let spread = Instrument::spread(&near.instrument, far);
        session.define(id, &spread, Underlying::Index).unwrap();
    }
    session
}

/// What a desk heard of one leg of an order: a trade at a price, or the rest gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegNews {
    pub id: u64,
    pub token: u32,
    pub side: Side,
    pub kind: ExecutionKind,
    pub price: i64,
    pub quantity: u32,
}

/// What a member believes of one order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Belief {
    pub order_id: u64,
    pub price: i64,
    pub quantity: u32,
    pub filled: u32,
    pub is_open: bool,
    pub reason: u16,
    pub instrument: u32,
    pub side_is_buy: bool,
}

/// One member: session, wires, beliefs.
pub struct Desk {
    pub session: Session,
    pub wanted: Option<Endpoint>,
    pub is_connected: bool,
    pub to_exchange: VecDeque<u8>,
    pub beliefs: BTreeMap<u64, Belief>,
    pub notices: Vec<NoticeKind>,
    pub legs: Vec<LegNews>,
    /// Whole messages of the exchange, as long as nothing is encrypted; and what of the next is here.
    pub heard: Vec<Vec<u8>>,
    from_exchange: Vec<u8>,
    pub next: u64,
}

pub struct World {
    pub exchange: Exchange,
    pub script: Script,
    pub reader: Reader,
    pub desks: Vec<Desk>,
    pub now: Nanos,
}

impl World {
    pub fn open(config: &ExchangeConfig, now: Nanos) -> Self {
        let (exchange, script) = super::open(config);
        let pans = ["ABCDE1234F", "VWXYZ9876K"];
        let desks = config.boxes.iter().zip(pans).map(|(own, pan)| Desk {
            session: client(own, pan.starts_with('A'), pan, &config.spreads),
            wanted: None,
            is_connected: false,
            to_exchange: VecDeque::new(),
            beliefs: BTreeMap::new(),
            notices: Vec::new(),
            legs: Vec::new(),
            heard: Vec::new(),
            from_exchange: Vec::new(),
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
    pub fn settle(&mut self) {
        for _ in 0..400 {
            self.pass(MILLISECOND / 10);
        }
    }

    pub fn pass(&mut self, nanos: i64) {
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
    pub fn wait(&mut self, until: Nanos) {
        while self.now < until {
            let step = until.since(self.now).min(5_000 * MILLISECOND);
            self.pass(step);
            self.settle();
        }
    }

    pub fn carry(&mut self, at: usize) {
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
            desk.hear(&buffer[..size]);
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

    pub fn take_events(&mut self, at: usize) {
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
                Event::Leg { report, token, side, .. } => desk.believe_leg(&report, token.0, side),
                Event::Notice(notice) => desk.notices.push(notice.kind),
                _ => {}
            }
        }
    }

    /// What the exchange has of every order of a desk is what the desk believes.
    pub fn assert_agreed(&self, context: &str) {
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

    pub fn last(&self, desk: usize) -> Belief {
        *self.desks[desk].beliefs.values().last().unwrap()
    }
}

impl Desk {
    pub fn believe(&mut self, report: &ExecutionReport) {
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

    /// A leg of an order traded, or left; whether anything of the order is open its session knows.
    pub fn believe_leg(&mut self, report: &ExecutionReport, token: u32, side: Side) {
        let id = report.client_order_id;
        let (kind, price) = (report.kind().unwrap(), report.price.to_paise().unwrap());
        let quantity = report.quantity.0;
        self.legs.push(LegNews { id: id.0, token, side, kind, price, quantity });
        let open = self.session.open_orders().find(|(own, ..)| *own == id);
        let belief = self.beliefs.entry(id.0).or_default();
        belief.is_open = open.is_some();
        belief.filled = open.map_or(belief.filled, |(_, _, filled, _)| filled);
    }

    /// Keeps what comes from the exchange, message by message.
    fn hear(&mut self, bytes: &[u8]) {
        self.from_exchange.extend(bytes);
        while let Ok(packet) = Packet::parse(&self.from_exchange) {
            let (message, size) = (packet.message.to_vec(), packet.size());
            self.heard.push(message);
            self.from_exchange.drain(..size);
        }
    }

    /// Sends a message that no session would, in plain.
    pub fn say(&mut self, message: &[u8]) {
        let length = (22 + message.len()) as u16;
        self.to_exchange.extend(length.to_be_bytes());
        self.to_exchange.extend([0; 4]);
        self.to_exchange.extend(Md5::digest(message));
        self.to_exchange.extend(message);
    }

    pub fn send(&mut self, command: OrderCommand, now: Nanos) {
        self.session.on_command(&command, now).unwrap();
    }

    pub fn enter(&mut self, instrument: u32, side: Side, price: i64, lots: u32, now: Nanos) -> u64 {
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
            account: tezi_model::AccountId::NONE,
            reserved_tail: [0; 7],
        };
        self.send(command, now);
        let belief = self.beliefs.entry(id).or_default();
        (belief.instrument, belief.side_is_buy) = (instrument, side == Side::Buy);
        id
    }

    pub fn change(&mut self, id: u64, kind: CommandKind, side: Side, to: (i64, u32), now: Nanos) {
        let belief = self.beliefs[&id];
        let command = OrderCommand {
            client_order_id: ClientOrderId(id),
            order_id: OrderId(belief.order_id),
            price: Px::from_paise(to.0),
            quantity: Qty(to.1),
            filled: Qty(belief.filled),
            instrument: InstrumentId(belief.instrument),
            kind_code: kind as u8,
            side_code: side as u8,
            time_in_force_code: TimeInForce::Day as u8,
            strategy: tezi_model::StrategyId::NONE,
            account: tezi_model::AccountId::NONE,
            reserved_tail: [0; 7],
        };
        self.send(command, now);
    }
}

pub fn two_boxes(encryption: Encryption) -> ExchangeConfig {
    ExchangeConfig { boxes: vec![box_config(1, encryption), box_config(2, encryption)], ..config() }
}
