//! A small exchange on the loopback interface: router and gateway on TCP, one contract in the
//! exchange's own matcher, its market on two UDP lines; one box, and faults by the number of a request.

#![allow(unreachable_pub, reason = "a module of test binaries")]
#![allow(dead_code, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tezi::Clock;
use tezi::feed_handler::wire::nse_mtbt::{
    Order as Quote, Trade as Print, encode_order, encode_trade, message_type,
};
use tezi::gateway::nnf::Encryption;
use tezi::gateway::nnf::server::{
    AnswerKind, Config, Event, Fill, Listener, OrderImage, Request, RequestKind, Session, Terms,
    TradeKind,
};
use tezi::gateway::nnf::wire::{AdditionalOrderFlags, BeF64, BeI32, BuySell, StOrderFlags};
use tezi::matching::{
    InstrumentTerms, Matcher, MatcherConfig, Order, OrderState, Report, RequestKind as Asked,
    Target, Trade,
};
use tezi::model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};
use tezi::venue::bands::PriceBand;
use tezi::venue::session::Phase;

use super::{LOT, TOKEN};

const MAKER: u32 = 1;
const HOST: u32 = 2;
const FUTURE: InstrumentId = InstrumentId(0);
const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// What goes wrong, each at the request of that number, from 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The connection is cut once the request is carried out, its answer unsent.
    pub cut_after: Option<u32>,
    /// The connection is cut and the request was never heard.
    pub cut_before: Option<u32>,
    /// The connection is cut once the answer is sent.
    pub cut_answered: Option<u32>,
    /// So many answers from the request on are lost on an open connection.
    pub lose_answers: Option<(u32, u32)>,
    /// The box's trade of this number, from 1, is taken back when the next request comes.
    pub takes_back: Option<u64>,
    /// After a cut nobody listens for so long: the exchange starts again.
    pub away: Duration,
}

/// A request as the exchange heard it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub kind: RequestKind,
    /// The member's own number of the order.
    pub client_order_id: u32,
    pub paise: i32,
    pub quantity: u32,
}

pub struct Exchange {
    router: Option<TcpListener>,
    gateway: Option<TcpListener>,
    addresses: [SocketAddrV4; 2],
    session: Session,
    matcher: Matcher,
    /// The box's orders as the exchange has them, and the maker's.
    images: BTreeMap<u64, OrderImage>,
    quotes: Vec<OrderId>,
    /// Orders never shown: immediate or cancel.
    hidden: Vec<u64>,
    /// The trade that will be taken back, with the box's order as it was.
    doubtful: Option<(Trade, OrderImage)>,
    client: Option<TcpStream>,
    lines: Vec<SocketAddrV4>,
    feed: UdpSocket,
    sequence: u32,
    turns: u32,
    pub faults: Faults,
    /// How long its thread sleeps when there is nothing to do; it yields when zero.
    pub pause: Duration,
    pub requests: u32,
    /// Every request that was heard, for who looks on meanwhile.
    pub heard: Arc<Mutex<Vec<Heard>>>,
    pub sign_ons: u32,
    /// What the box bought less what it sold, and in how many trades.
    pub net: i64,
    pub trades: u64,
    back_at: Option<Instant>,
    clock: Clock,
}

impl Exchange {
    pub fn new(lines: &[SocketAddrV4], encryption: Encryption, faults: Faults) -> Self {
        let listen = || TcpListener::bind((LOCAL, 0)).unwrap();
        let (router, gateway) = (listen(), listen());
        let address = |listener: &TcpListener| {
            listener.set_nonblocking(true).unwrap();
            let SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
            address
        };
        let addresses = [address(&router), address(&gateway)];
        let session = Session::new(&Config {
            box_id: 123,
            broker_id: "90001",
            user_id: 678,
            password: "secret1",
            version: 0,
            encryption,
            gateway: (LOCAL, addresses[1].port()),
            streams: 1,
            seed: 7,
            log_messages: 1 << 14,
            outbox_bytes: 1 << 16,
            events: 256,
            messages_per_second: 0,
            heartbeat_ns: 30_000_000_000,
            early_heartbeats: 8,
            inner_header: false,
        });
        let config = MatcherConfig {
            order_id_first: OrderId(11_00000000000001),
            ..MatcherConfig::small(Segment::NseFo)
        };
        let (mut matcher, mut none) = (Matcher::new(&config), Vec::new());
        let mut terms = InstrumentTerms::new(Px::from_paise(10), Qty(LOT));
        let band = |rupees| Px::from_rupees(rupees);
        terms.band = PriceBand { low: band(23_500.0), high: band(24_500.0) };
        matcher.add_instrument(&terms).unwrap();
        matcher.set_phase(Nanos(1), FUTURE, Phase::Continuous, &mut none).unwrap();
        Self {
            router: Some(router),
            gateway: Some(gateway),
            addresses,
            session: session.unwrap(),
            matcher,
            images: BTreeMap::new(),
            quotes: Vec::new(),
            hidden: Vec::new(),
            doubtful: None,
            client: None,
            lines: lines.to_vec(),
            feed: UdpSocket::bind((LOCAL, 0)).unwrap(),
            sequence: 0,
            turns: 0,
            faults,
            pause: Duration::from_micros(50),
            requests: 0,
            heard: Arc::default(),
            sign_ons: 0,
            net: 0,
            trades: 0,
            back_at: None,
            clock: Clock::start(),
        }
    }

    pub fn router(&self) -> SocketAddrV4 {
        self.addresses[0]
    }

    /// The box's open orders.
    pub fn open(&self) -> usize {
        self.images.len()
    }

    /// Enters an order of the box that no session of the host sent.
    pub fn plant(&mut self, request: &OrderImage) {
        let now = self.clock.now();
        self.enter(&Request { kind: RequestKind::New, sequence: 0, order: *request }, now);
        // Nobody listened; the market begins later.
        self.sequence = 0;
    }

    /// Runs until told to stop: once the host has signed on, and so listens, quotes move every
    /// millisecond.
    pub fn run(&mut self, stop: &AtomicBool) {
        let mut next_quote = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            if self.sign_ons > 0 && Instant::now() >= next_quote {
                next_quote = Instant::now() + Duration::from_millis(1);
                self.quote();
            }
            if !self.serve() {
                self.rest();
            }
        }
    }

    /// Counts the market's messages from the start, for a host that listens from now on.
    pub fn begin_again(&mut self) {
        self.sequence = 0;
    }

    /// Hears what a host said before it was gone, until its connection is.
    pub fn hear_out(&mut self) {
        while self.client.is_some() {
            self.serve();
        }
    }

    fn rest(&self) {
        if self.pause.is_zero() {
            std::thread::yield_now();
        } else {
            std::thread::sleep(self.pause);
        }
    }

    /// The maker's next quote, alternating sides around a price that moves little.
    fn quote(&mut self) {
        let now = self.clock.now();
        if self.quotes.len() >= 12 {
            let oldest = self.quotes.remove(0);
            let mut reports = Vec::new();
            let _ = self.matcher.cancel(now, Target::new(oldest, MAKER), &mut reports);
            self.publish(&reports, now);
        }
        self.turns += 1;
        let step = i64::from(self.turns / 2 % 5);
        let (side, paise) = match self.turns % 2 {
            0 => (Side::Buy, 2_400_000 - 10 * (1 + step)),
            _ => (Side::Sell, 2_400_000 + 10 * (1 + step)),
        };
        let mut order = Order::limit(FUTURE, side, Px::from_paise(paise), Qty(4 * LOT));
        order.member = MAKER;
        let mut reports = Vec::new();
        self.quotes.extend(self.matcher.submit(now, &order, &mut reports));
        self.tell(&reports, None, now);
    }

    /// One turn of the sockets; whether there was anything to do.
    fn serve(&mut self) -> bool {
        if let Some(at) = self.back_at {
            if Instant::now() < at {
                return false;
            }
            let again = |address: SocketAddrV4| {
                let listener = TcpListener::bind(address).unwrap();
                listener.set_nonblocking(true).unwrap();
                Some(listener)
            };
            [self.router, self.gateway] = self.addresses.map(again);
            self.back_at = None;
        }
        let now = self.clock.now();
        for (listener, which) in
            [(&self.router, Listener::Router), (&self.gateway, Listener::Gateway)]
        {
            let Some(Ok((stream, _))) = listener.as_ref().map(TcpListener::accept) else {
                continue;
            };
            stream.set_nonblocking(true).unwrap();
            stream.set_nodelay(true).unwrap();
            self.client = Some(stream);
            self.session.on_connected(which, now);
        }
        let mut buffer = [0; 4_096];
        let read = self.client.as_mut().map(|client| client.read(&mut buffer));
        match read {
            Some(Ok(0)) => self.disconnect(),
            Some(Ok(size)) => {
                let mut taken = 0;
                while taken < size {
                    taken += self.session.on_bytes(&buffer[taken..size], now);
                    self.events(now);
                }
            }
            Some(Err(ref error)) if error.kind() != ErrorKind::WouldBlock => self.disconnect(),
            _ => {}
        }
        self.events(now);
        self.send(now);
        matches!(read, Some(Ok(_)))
    }

    fn send(&mut self, now: Nanos) {
        let mut buffer = [0; 4_096];
        loop {
            let size = self.session.poll_transmit(&mut buffer, now);
            let Some(client) = self.client.as_mut().filter(|_| size > 0) else { return };
            client.set_nonblocking(false).unwrap();
            let sent = client.write_all(&buffer[..size]);
            client.set_nonblocking(true).unwrap();
            if sent.is_err() {
                return self.disconnect();
            }
        }
    }

    fn disconnect(&mut self) {
        self.client = None;
        self.session.on_disconnected();
        let now = self.clock.now();
        self.events(now);
    }

    /// Cuts the connection, and is away for a while.
    fn cut(&mut self) {
        self.disconnect();
        if !self.faults.away.is_zero() {
            (self.router, self.gateway) = (None, None);
            self.back_at = Some(Instant::now() + self.faults.away);
        }
    }

    fn events(&mut self, now: Nanos) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::SignedOn => self.sign_ons += 1,
                Event::SignedOff => self.cancel_all(true, now),
                Event::KillSwitch { .. } => self.cancel_all(false, now),
                Event::Close(_) => {
                    self.send(now);
                    self.client = None;
                }
                Event::Request(request) => self.on_request(&request, now),
                Event::LegsRequest => unreachable!("a host sends no orders of several legs"),
            }
        }
    }

    fn on_request(&mut self, request: &Request, now: Nanos) {
        self.requests += 1;
        let order = &request.order.order;
        self.heard.lock().unwrap().push(Heard {
            kind: request.kind,
            client_order_id: request.order.filler as u32,
            paise: order.price.get(),
            quantity: order.volume.get() as u32,
        });
        self.take_back(now);
        let is_now = |at: Option<u32>| at == Some(self.requests);
        if is_now(self.faults.cut_before) {
            return self.cut();
        }
        if let Some((at, count)) = self.faults.lose_answers
            && at == self.requests
        {
            self.session.drop_answers(count);
        }
        let cut = is_now(self.faults.cut_after);
        let is_answered = is_now(self.faults.cut_answered);
        if cut {
            // The answer is kept for the download and goes nowhere.
            self.session.drop_answers(u32::MAX);
        }
        match request.kind {
            RequestKind::New => self.enter(request, now),
            RequestKind::Modify | RequestKind::Cancel => self.change(request, now),
        }
        if cut {
            self.session.drop_answers(0);
        }
        if is_answered {
            self.send(now);
        }
        if cut || is_answered {
            self.cut();
        }
    }

    /// Annuls the trade in doubt.
    fn take_back(&mut self, now: Nanos) {
        let Some((trade, image)) = self.doubtful.take() else { return };
        self.matcher.cancel_trade(now, trade.trade_id, &mut Vec::new()).unwrap();
        let is_buy = image.order.buy_sell_indicator.get() != BuySell::SELL;
        self.net -= if is_buy { 1 } else { -1 } * i64::from(trade.quantity.0);
        let mut image = image;
        self.session.on_trade(TradeKind::Cancelled, &mut image, &fill_of(&trade), 1, now);
    }

    fn enter(&mut self, request: &Request, now: Nanos) {
        let order = order_of(&request.order);
        let mut reports = Vec::new();
        let _ = self.matcher.submit(now, &order, &mut reports);
        self.tell(&reports, Some(request), now);
    }

    fn change(&mut self, request: &Request, now: Nanos) {
        let order_id = OrderId(request.order.order.order_number.get() as u64);
        let refusal = match request.kind {
            RequestKind::Modify => AnswerKind::ModifyRefused,
            _ => AnswerKind::CancelRefused,
        };
        let is_current = |known: &OrderImage| known.is_current(&request.order);
        if !self.images.get(&order_id.0).is_some_and(is_current) {
            let terms =
                Terms { sequence: request.sequence, stream: 1, error_code: 16_044, reason_code: 0 };
            return self.session.on_answer(refusal, &mut request.order.clone(), terms, now);
        }
        let (target, mut reports) = (Target::new(order_id, HOST), Vec::new());
        let _ = match request.kind {
            RequestKind::Modify => {
                self.matcher.modify(now, target, &order_of(&request.order), &mut reports)
            }
            _ => self.matcher.cancel(now, target, &mut reports),
        };
        self.tell(&reports, Some(request), now);
    }

    /// Cancels what the box has open; only what asks for it when the session ended.
    fn cancel_all(&mut self, at_logoff: bool, now: Nanos) {
        let asks = |image: &OrderImage| {
            image.order.additional_order_flags.bits & AdditionalOrderFlags::COL != 0
        };
        let all: Vec<u64> = self
            .images
            .iter()
            .filter(|(_, it)| !at_logoff || asks(it))
            .map(|(id, _)| *id)
            .collect();
        for id in all {
            let mut reports = Vec::new();
            let _ = self.matcher.cancel(now, Target::new(OrderId(id), HOST), &mut reports);
            self.tell(&reports, None, now);
        }
    }

    /// Tells the box and the market what the matcher said.
    fn tell(&mut self, reports: &[Report], request: Option<&Request>, now: Nanos) {
        for report in reports {
            match report {
                Report::Accepted(state) if state.member == HOST => {
                    let mut image = request.unwrap().order;
                    image.order.order_number = BeF64::new(state.order_id.0 as f64);
                    if state.time_in_force == TimeInForce::Ioc {
                        self.hidden.push(state.order_id.0);
                    }
                    self.answer(AnswerKind::Confirmed, image, request, 0, now);
                }
                Report::Modified(state) if state.member == HOST => {
                    let mut image = self.images[&state.order_id.0];
                    image.order.price = BeI32::new(paise(state.price));
                    image.order.volume = BeI32::new(state.quantity.0 as i32);
                    image.order.total_volume_remaining = BeI32::new(state.open().0 as i32);
                    self.answer(AnswerKind::Modified, image, request, 0, now);
                }
                Report::Canceled(state, reason) if state.member == HOST => {
                    let image = self.images.remove(&state.order_id.0).unwrap();
                    let code = reason.code(Segment::NseFo).unwrap_or(0) as i16;
                    self.answer(AnswerKind::Cancelled, image, request, code, now);
                    self.images.remove(&state.order_id.0);
                }
                Report::Refused { member: HOST, request: asked, refusal, .. } => {
                    let kind = match asked {
                        Asked::New => AnswerKind::Refused,
                        Asked::Modify => AnswerKind::ModifyRefused,
                        Asked::Cancel => AnswerKind::CancelRefused,
                    };
                    let code = refusal.code(Segment::NseFo).unwrap_or(16_000) as i16;
                    let terms = Terms {
                        sequence: request.map_or(0, |it| it.sequence),
                        stream: 1,
                        error_code: code,
                        reason_code: 0,
                    };
                    if let Some(request) = request {
                        self.session.on_answer(kind, &mut request.order.clone(), terms, now);
                    }
                }
                Report::Traded(trade) => self.trade(trade, now),
                _ => {}
            }
        }
        self.publish(reports, now);
    }

    fn answer(
        &mut self,
        kind: AnswerKind,
        mut image: OrderImage,
        request: Option<&Request>,
        error_code: i16,
        now: Nanos,
    ) {
        let sequence = request.map_or(0, |request| request.sequence);
        let terms = Terms { sequence, stream: 1, error_code, reason_code: 0 };
        self.session.on_answer(kind, &mut image, terms, now);
        self.images.insert(image.order.order_number.get() as u64, image);
    }

    fn trade(&mut self, trade: &Trade, now: Nanos) {
        for side in 0..2 {
            let id = trade.order_ids[side].0;
            let Some(image) = self.images.get_mut(&id) else { continue };
            self.trades += 1;
            self.net += [1, -1][side] * i64::from(trade.quantity.0);
            self.session.on_trade(TradeKind::Made, image, &fill_of(trade), 1, now);
            if self.faults.takes_back == Some(self.trades) {
                self.doubtful = Some((*trade, *image));
            }
            if trade.open[side].is_zero() {
                self.images.remove(&id);
            }
        }
    }

    /// The market's view of the same, on every line.
    fn publish(&mut self, reports: &[Report], now: Nanos) {
        for report in reports {
            let message = match report {
                Report::Accepted(state) if state.time_in_force == TimeInForce::Day => {
                    self.shown(message_type::ORDER_NEW, state, now)
                }
                Report::Modified(state) => self.shown(message_type::ORDER_MODIFY, state, now),
                Report::Canceled(state, _) if state.time_in_force == TimeInForce::Day => {
                    self.shown(message_type::ORDER_CANCEL, state, now)
                }
                Report::Traded(trade) => {
                    let [buy, sell] = trade
                        .order_ids
                        .map(|id| if self.hidden.contains(&id.0) { OrderId(0) } else { id });
                    self.sequence += 1;
                    let print = Print {
                        message_type: message_type::TRADE,
                        time: now,
                        buy_order_id: buy,
                        sell_order_id: sell,
                        token: TOKEN as i32,
                        price: paise(trade.price),
                        quantity: trade.quantity.0 as i32,
                    };
                    encode_trade(1, self.sequence, &print).to_vec()
                }
                _ => continue,
            };
            for line in &self.lines {
                // Before the host listens, nobody hears.
                let _ = self.feed.send_to(&message, line);
            }
        }
    }

    fn shown(&mut self, message_type: u8, state: &OrderState, now: Nanos) -> Vec<u8> {
        self.sequence += 1;
        let order = Quote {
            message_type,
            time: now,
            order_id: state.order_id,
            token: TOKEN as i32,
            side: state.side,
            price: paise(state.price),
            quantity: state.open().0 as i32,
        };
        encode_order(1, self.sequence, &order).to_vec()
    }
}

fn fill_of(trade: &Trade) -> Fill {
    Fill {
        number: trade.trade_id as i32,
        quantity: trade.quantity.0 as i32,
        price: paise(trade.price),
    }
}

fn paise(price: Px) -> i32 {
    price.to_paise().unwrap() as i32
}

fn order_of(image: &OrderImage) -> Order {
    let order = &image.order;
    let side = if order.buy_sell_indicator.get() == BuySell::SELL { Side::Sell } else { Side::Buy };
    let price = Px::from_paise(i64::from(order.price.get()));
    let mut made = Order::limit(FUTURE, side, price, Qty(order.volume.get() as u32));
    made.member = HOST;
    if order.st_order_flags.terms & StOrderFlags::IOC != 0 {
        made.time_in_force = TimeInForce::Ioc;
    }
    made
}
