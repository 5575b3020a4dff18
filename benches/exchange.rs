//! The exchange in the box: the NNF bytes of one request in, the bytes of its answers and of its
//! market data out, on one thread, every check on.
//!
//! In it: framing, the session's rate and form checks, contract and account, limit price protection,
//! matching, the answer stamped, kept for downloads and laid out, MTBT messages numbered and encoded,
//! all bytes copied out; and what guards the packets: MD5 of each (`plain`, the documents ask for it), or
//! AES-256-GCM (`gcm`). Not in it: sockets, and the member's half, which makes the requests and reads
//! the answers between the measurements. A member waits for all of it.
//!
//! Regimes, on a book of 2 × 400 orders: `new` (an order rests), `cancel` (it leaves), `replace` (another
//! price), `trade` (an order that trades at once with another box's: two answers to the box, one to the
//! other, two messages to the market). Memory is warm: what is kept for downloads wraps round.
//!
//! Beside each histogram stands that of an empty pair of clock reads: what both show is the machine's.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use support::path::identity;
use support::{is_measuring, median};
use tezi::gateway::nnf::client::{Config, Event, Limits, Session};
use tezi::gateway::nnf::server::Listener;
use tezi::gateway::nnf::{DynamicIvOrder, Encryption, SessionIdentity, Underlying};
use tezi::model::{
    ClientOrderId, CommandKind, Instrument, InstrumentId, InstrumentKind, Nanos, OrderCommand,
    OrderId, Px, Qty, Segment, Side, Symbol, TimeInForce, Token,
};
use tezi::{Clock, LatencyHistogram};
use tezi_core::venue::Date;
use tezi_exchange::{BoxConfig, Exchange, ExchangeConfig, GatewayFaults, Listing, NoBackground};

const SHOTS: usize = 7;
const REGIMES: [&str; 4] = ["new", "cancel", "replace", "trade"];
const METHODS: [(&str, Encryption); 2] =
    [("plain", Encryption::Plain), ("gcm", Encryption::New(DynamicIvOrder::LittleEndian))];
const MIDDLE: i64 = 2_245_000;
/// Orders on each side of the book, ten at a price.
const DEPTH: i64 = 400;
/// Requests before a fresh day, so that no bound of a day is reached.
const DAY: u64 = 20_000;

/// An exchange, two boxes signed on, and room for bytes.
struct Stage {
    exchange: Exchange,
    desks: [Session; 2],
    now: Nanos,
    id: u64,
    bytes: [u8; 512],
    answers: [u8; 2_048],
    datagram: [u8; 64],
    requests: u64,
    encryption: Encryption,
}

fn future() -> Instrument {
    let mut future = Instrument::unknown(Segment::NseFo, Token(35_001));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = Nanos::from_ist(2026, 11, 24, 15, 30, 0);
    future.kind_code = InstrumentKind::Future as u8;
    (future.tick, future.lot) = (Px::from_paise(5), Qty(65));
    future
}

fn box_config(number: i32, encryption: Encryption) -> BoxConfig {
    BoxConfig {
        box_id: 70 + number as i16,
        broker_id: identity().broker_id.to_string(),
        user_id: identity().user_id + number,
        password: "SECRET".into(),
        version: 0,
        encryption,
        gateway: (Ipv4Addr::LOCALHOST, 9_600),
        messages_per_second: 0,
        faults: GatewayFaults::default(),
    }
}

fn desk(own: &BoxConfig, pan: &str) -> Session {
    let identity = SessionIdentity { user_id: own.user_id, pan, ..identity() };
    let limits =
        Limits { orders: 4_096, orders_of_the_day: 1 << 17, instruments: 4, ..Limits::default() };
    let config = Config {
        identity,
        box_id: own.box_id,
        password: &own.password,
        version: 94_800,
        encryption: own.encryption,
        immediate_acknowledgement: false,
        limits,
    };
    let mut desk = Session::new(&config).expect("the member can be");
    desk.define(InstrumentId(0), &future(), Underlying::Index).expect("the contract can be named");
    desk
}

impl Stage {
    fn new(encryption: Encryption) -> Self {
        let date = Date::parse("2026-11-20").expect("a date");
        let reference = Px::from_paise(MIDDLE);
        let mut config = ExchangeConfig::new(date).expect("the rules are whole");
        config.listings = vec![Listing {
            instrument: future(),
            underlying: Underlying::Index,
            stream: 1,
            reference,
        }];
        config.boxes = vec![box_config(0, encryption), box_config(1, encryption)];
        (config.limits.datagrams, config.limits.log_messages) = (4_096, 4_096);
        let exchange = Exchange::new(&config, Box::new(NoBackground)).expect("a day");
        let desks = [desk(&config.boxes[0], "ABCDE1234F"), desk(&config.boxes[1], "VWXYZ9876K")];
        let mut stage = Self {
            exchange,
            desks,
            now: Nanos::from_ist(2026, 11, 20, 9, 30, 0),
            id: 0,
            bytes: [0; 512],
            answers: [0; 2_048],
            datagram: [0; 64],
            requests: 0,
            encryption,
        };
        stage.exchange.on_time(stage.now);
        (0..2).for_each(|at| stage.sign_on(at));
        for index in 0..DEPTH {
            let away = 5 * (index / 10 + 2);
            for (at, side, price) in [(0, Side::Buy, MIDDLE - away), (1, Side::Sell, MIDDLE + away)]
            {
                let size = stage.ask(at, side, price);
                let (answers, _) = stage.respond(at, size);
                stage.heard(at, answers);
            }
        }
        stage
    }

    fn sign_on(&mut self, at: usize) {
        self.desks[at].start(self.now);
        while !self.desks[at].is_live() {
            while let Some(event) = self.desks[at].poll_event() {
                let Event::Connect(endpoint) = event else { continue };
                let is_router = matches!(endpoint, tezi::gateway::nnf::client::Endpoint::Router);
                let listener = if is_router { Listener::Router } else { Listener::Gateway };
                self.exchange.on_connected(at, listener, self.now);
                self.desks[at].on_connected(self.now);
            }
            let size = self.desks[at].poll_transmit(&mut self.bytes);
            self.exchange.on_bytes(at, &self.bytes[..size], self.now);
            self.hear();
        }
    }

    /// Encodes a request; how many bytes wait in `bytes`.
    fn encode(&mut self, at: usize, command: &OrderCommand) -> usize {
        self.now = self.now.plus(1_000);
        self.desks[at].on_command(command, self.now).expect("the command can be sent");
        self.desks[at].poll_transmit(&mut self.bytes)
    }

    /// A new order of a desk.
    fn ask(&mut self, at: usize, side: Side, price: i64) -> usize {
        self.id += 1;
        let command = self.command(CommandKind::New, side, price);
        self.encode(at, &command)
    }

    /// A change of the latest order.
    fn change(&mut self, at: usize, kind: CommandKind, price: i64) -> usize {
        let command = self.command(kind, Side::Buy, price);
        self.encode(at, &command)
    }

    fn command(&self, kind: CommandKind, side: Side, price: i64) -> OrderCommand {
        OrderCommand {
            client_order_id: ClientOrderId(self.id),
            order_id: OrderId(u64::from(kind != CommandKind::New)),
            price: Px::from_paise(price),
            quantity: Qty(65),
            filled: Qty(0),
            instrument: InstrumentId(0),
            kind_code: kind as u8,
            side_code: side as u8,
            time_in_force_code: TimeInForce::Day as u8,
            strategy: tezi::model::StrategyId::NONE,
            account: tezi::model::AccountId::NONE,
            reserved_tail: [0; 7],
        }
    }

    /// What is measured: bytes in, answers out, market data out. Bytes of answers and datagrams.
    fn respond(&mut self, at: usize, size: usize) -> (usize, usize) {
        self.exchange.on_bytes(at, black_box(&self.bytes[..size]), self.now);
        let answers = self.exchange.poll_transmit(at, &mut self.answers, self.now);
        let mut messages = 0;
        while let Some(datagram) = self.exchange.poll_datagram(&mut self.datagram) {
            messages += datagram.size;
            black_box(&self.datagram);
        }
        (answers, messages)
    }

    /// The desk reads its answers.
    fn heard(&mut self, at: usize, size: usize) {
        let taken = self.desks[at].on_bytes(&self.answers[..size], self.now);
        assert_eq!(taken, size, "answers are read whole");
        while self.desks[at].poll_event().is_some() {}
    }

    /// Both desks read what waits for them.
    fn hear(&mut self) {
        for at in 0..2 {
            let size = self.exchange.poll_transmit(at, &mut self.answers, self.now);
            self.desks[at].on_bytes(&self.answers[..size], self.now);
        }
        while self.exchange.poll_datagram(&mut self.datagram).is_some() {}
    }

    /// One request of a regime, everything before it and after it outside `measure`.
    fn step(
        &mut self,
        regime: usize,
        measure: &mut impl FnMut(&mut Self, usize) -> (usize, usize),
    ) {
        self.requests += 1;
        if self.requests > DAY {
            *self = Self::new(self.encryption);
        }
        let price = MIDDLE - 5;
        let (answers, expected) = match REGIMES[regime] {
            "new" => {
                let size = self.ask(0, Side::Buy, price);
                let (answers, messages) = measure(self, size);
                assert_eq!(messages, 38, "one order message");
                self.heard(0, answers);
                let size = self.change(0, CommandKind::Cancel, price);
                (self.respond(0, size).0, 22 + 240)
            }
            "cancel" => {
                let size = self.ask(0, Side::Buy, price);
                let (answers, _) = self.respond(0, size);
                self.heard(0, answers);
                let size = self.change(0, CommandKind::Cancel, price);
                (measure(self, size).0, 22 + 240)
            }
            "replace" => {
                let size = self.ask(0, Side::Buy, price);
                let (answers, _) = self.respond(0, size);
                self.heard(0, answers);
                let size = self.change(0, CommandKind::Replace, price - 5);
                let (answers, messages) = measure(self, size);
                assert_eq!(messages, 38, "one order message");
                self.heard(0, answers);
                let size = self.change(0, CommandKind::Cancel, price);
                (self.respond(0, size).0, 22 + 240)
            }
            _ => {
                let size = self.ask(1, Side::Sell, price);
                let (answers, _) = self.respond(1, size);
                self.heard(1, answers);
                let size = self.ask(0, Side::Buy, price);
                (measure(self, size).0, 2 * 22 + 240 + 230)
            }
        };
        assert_eq!(answers, expected, "the regime's answers");
        self.heard(0, answers);
        self.hear();
        while self.desks[1].poll_event().is_some() {}
    }
}

/// Every regime in every method.
fn all() -> impl Iterator<Item = (usize, usize)> {
    (0..REGIMES.len()).flat_map(|regime| (0..METHODS.len()).map(move |method| (regime, method)))
}

fn closed_loop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exchange/closed_loop");
    for (regime, method) in all() {
        let (name, encryption) = METHODS[method];
        let mut stage = Stage::new(encryption);
        group.bench_function(format!("{}/{name}", REGIMES[regime]), |bencher| {
            bencher.iter_custom(|count| {
                let mut spent = Duration::ZERO;
                for _ in 0..count {
                    stage.step(regime, &mut |stage, size| {
                        let start = Instant::now();
                        let sizes = stage.respond(0, size);
                        spent += start.elapsed();
                        sizes
                    });
                }
                spent
            });
        });
    }
    group.finish();
}

/// p50, p99 and p99.9 of the requests and of the empty pairs, in nanoseconds.
type Figures = [f64; 6];

fn take_shot(stage: &mut Stage, clock: &Clock, regime: usize, requests: u64) -> Figures {
    let (mut request, mut empty) = (LatencyHistogram::new(), LatencyHistogram::new());
    for _ in 0..requests {
        stage.step(regime, &mut |stage, size| {
            let start = clock.raw();
            let end = clock.raw();
            empty.record(clock.between(start, end));
            let start = clock.raw();
            let sizes = stage.respond(0, size);
            let end = clock.raw();
            request.record(clock.between(start, end));
            sizes
        });
    }
    let [p50, p99, p999] = quantiles(&request);
    let [empty_p50, empty_p99, empty_p999] = quantiles(&empty);
    [p50, p99, p999, empty_p50, empty_p99, empty_p999]
}

fn quantiles(histogram: &LatencyHistogram) -> [f64; 3] {
    [0.5, 0.99, 0.999].map(|quantile| histogram.quantile(quantile) as f64)
}

fn histograms() {
    let clock = Clock::start();
    let (shots, requests) = if is_measuring() { (SHOTS, 50_000) } else { (1, 500) };
    println!("\nexchange: median of {shots} shots of {requests} requests, ns");
    println!("{:<16}{:>30}{:>26}", "", "request: p50, p99, p99.9", "empty: p50, p99, p99.9");
    for (regime, method) in all() {
        let (name, encryption) = METHODS[method];
        let name = format!("{}/{name}", REGIMES[regime]);
        let mut stage = Stage::new(encryption);
        take_shot(&mut stage, &clock, regime, requests / 10);
        let results: Vec<_> =
            (0..shots).map(|_| take_shot(&mut stage, &clock, regime, requests)).collect();
        print!("{name:<16}");
        for column in 0..6 {
            let mut values: Vec<_> = results.iter().map(|figures| figures[column]).collect();
            print!("{:>9.0}", median(&mut values));
        }
        println!();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = closed_loop
}

fn main() {
    benches();
    histograms();
    Criterion::default().configure_from_args().final_summary();
}
