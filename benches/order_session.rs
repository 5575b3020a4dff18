//! An order over loopback TCP: the host's way out and the whole round trip, beside a bare TCP echo of
//! as many bytes in the same run.
//!
//! Regimes: *host* (a live session whose strategy sends, changes and cancels against the small exchange
//! of the tests: market data over UDP, orders over NNF with AES-256-GCM and in plain), *echo* (two
//! threads that poll their sockets like the host's and the exchange's, and do nothing else). A trader
//! in colocation waits for the result. The exchange's own matching and answering are in the round trip.

#![allow(dead_code, reason = "the exchange of the tests has more than a bench needs")]
#![allow(clippy::unwrap_used, reason = "a bench may stop at a broken set-up")]

#[path = "../tests/order_session/exchange.rs"]
mod exchange;
#[path = "../tests/order_session/rounds.rs"]
mod rounds;

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use exchange::{Exchange, Faults};
use rounds::Rounds;
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::gateway::nnf::{DynamicIvOrder, Encryption};
use tezi::model::{Instrument, InstrumentKind, Nanos, Px, Qty, Segment, Symbol, Token};
use tezi::{
    CoreConfig, FeedGroup, Host, Idle, LatencyHistogram, LiveSession, OrderSessionConfig,
    PathStage, RiskLimits, Session,
};

pub(crate) const TOKEN: u32 = 50_001;
pub(crate) const LOT: u32 = 65;

/// A trimmed new order, and its confirmation, with their envelopes.
const ASKED_BYTES: usize = 158;
const ANSWERED_BYTES: usize = 224;

fn main() {
    let is_measuring = std::env::args().any(|argument| argument == "--bench");
    let (length, echoes) = if is_measuring {
        (Duration::from_secs(8), 20_000)
    } else {
        (Duration::from_millis(300), 200)
    };
    println!("{:<34} {:>8} {:>9} {:>9} {:>9}", "nanoseconds", "count", "p50", "p99", "max");
    show("bare TCP echo", &echo(echoes));
    for encryption in [Encryption::Plain, Encryption::New(DynamicIvOrder::LittleEndian)] {
        let report = trade(encryption, length);
        println!("{encryption:?}");
        for stage in [
            PathStage::Order,
            PathStage::TickToOrder,
            PathStage::Wire,
            PathStage::TickToWire,
            PathStage::RoundTrip,
        ] {
            show(stage.title(), report.latencies.stage(stage));
        }
    }
    show("bare TCP echo", &echo(echoes));
}

fn show(what: &str, histogram: &LatencyHistogram) {
    let [p50, p99] = [0.5, 0.99].map(|quantile| histogram.quantile(quantile));
    println!("  {what:<32} {:>8} {p50:>9} {p99:>9} {:>9}", histogram.count(), histogram.max());
}

/// A host against the small exchange.
fn trade(encryption: Encryption, length: Duration) -> tezi::Report {
    let lines = [(); 2].map(|()| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        address(socket.local_addr().unwrap())
    });
    let mut exchange = Exchange::new(&lines, encryption, Faults::default());
    exchange.pause = Duration::ZERO;
    let groups = lines.into_iter().zip(Line::BOTH);
    let groups = groups.map(|(address, line)| FeedGroup::new(address, Channel::Line(line)));
    let feed = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    let mut session = LiveSession::new(feed, groups.collect());
    let mut future = Instrument::unknown(Segment::NseFo, Token(TOKEN));
    future.symbol = Symbol::new("NIFTY");
    future.expiry = Nanos::from_ist(2026, 12, 29, 15, 30, 0);
    (future.tick, future.lot) = (Px::from_paise(10), Qty(LOT));
    future.kind_code = InstrumentKind::Future as u8;
    session.instruments = vec![future];
    (session.idle, session.duration_max) = (Idle::Spin, Some(length));
    let router = exchange.router();
    let mut orders = OrderSessionConfig::new(router, 123, "90001", 678, "secret1");
    orders.encryption = encryption;
    session.orders = Some(orders);
    let limits = RiskLimits { messages_per_second_max: 0, loss_max: 0, ..RiskLimits::default() };
    let host = Host::new().config(CoreConfig { limits, ..CoreConfig::default() });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let report = host.run(&Session::Live(session), Rounds::new().0).unwrap();
        over.store(true, Ordering::Relaxed);
        report
    })
}

/// Round trips of two threads that poll.
fn echo(count: usize) -> LatencyHistogram {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let there = address(listener.local_addr().unwrap());
    let mut histogram = LatencyHistogram::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            prepare(&stream);
            for _ in 0..count {
                read_whole(&mut stream, ASKED_BYTES);
                stream.write_all(&[0; ANSWERED_BYTES]).unwrap();
            }
        });
        let mut stream = TcpStream::connect(there).unwrap();
        prepare(&stream);
        for _ in 0..count {
            let begun = Instant::now();
            stream.write_all(&[0; ASKED_BYTES]).unwrap();
            read_whole(&mut stream, ANSWERED_BYTES);
            histogram.record(begun.elapsed().as_nanos() as u64);
        }
    });
    histogram
}

fn prepare(stream: &TcpStream) {
    stream.set_nodelay(true).unwrap();
    stream.set_nonblocking(true).unwrap();
}

fn read_whole(stream: &mut TcpStream, size: usize) {
    let (mut buffer, mut got) = ([0; 256], 0);
    while got < size {
        match stream.read(&mut buffer[got..size]) {
            Ok(more) => got += more,
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            Err(error) => {
                println!("the echo ended: {error}");
                return;
            }
        }
    }
}

fn address(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
    }
}
