//! The served exchange beside its members: an operator's commands, the sign-off at the end, the
//! five-level feed on its group, a day recorded and played back, TLS to the router.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "exchange/traders.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod traders;

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, config, host};
use tezi::exchange::{
    BroadcastConfig, Exchange, ExchangeServer, ExchangeServerConfig, ExchangeView, Limits,
    OperatorCommand, Scenario, read_recording,
};
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::feed_handler::wire::nse_broadcast::{Reader, Update};
use tezi::model::{Px, Segment, Side};
use tezi::receive::Interface;
use tezi::venue::session::Phase;
use tezi::{
    CoreConfig, FeedGroup, Idle, LiveSession, OrderSessionConfig, Report, RiskLimits, Session,
};
use traders::Party;

/// A test that comes to nothing ends here.
const PATIENCE: Duration = Duration::from_secs(15);
const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A future and a box; what a test adds comes behind.
fn market(more: &str) -> Scenario {
    let mut text = String::from(
        "[exchange]\nsegment = \"fo\"\ndate = \"2026-11-20\"\nstart = \"09:15:00\"\n\
         heartbeat = \"100ms\"\n[[instrument]]\nsymbol = \"NIFTY\"\ntoken = 35001\n\
         kind = \"future\"\nexpiry = \"2026-11-24\"\nreference = 24500\ntick = 0.10\n\
         [[box]]\nid = 77\nbroker = \"90001\"\nuser = 77\npassword = \"SECRET\"\n\
         gateway = { address = \"127.0.0.1\", port = 0 }\n",
    );
    text += more;
    Scenario::parse(&text).unwrap()
}

fn free_port() -> u16 {
    UdpSocket::bind((LOCAL, 0)).and_then(|it| it.local_addr()).unwrap().port()
}

fn settings(scenario: &Scenario) -> ExchangeServerConfig {
    let mut config = ExchangeServerConfig::new(scenario, &[]).unwrap();
    let group = |last| SocketAddrV4::new(Ipv4Addr::new(239, 255, 73, last), free_port());
    (config.groups, config.broadcast) = ([group(1), group(2)], group(3));
    config.router = SocketAddrV4::new(LOCAL, 0);
    (config.services.recovery, config.services.snapshot) = (None, None);
    (config.linger, config.view_interval) = (Duration::ZERO, Duration::from_millis(20));
    config.exchange.limits = Limits { orders: 1 << 16, ..Limits::small() };
    config
}

/// A host's session that ends when the exchange has gone silent.
fn session(server: &ExchangeServer) -> LiveSession {
    let groups = server.config().groups.into_iter().zip(Line::BOTH).map(|(address, line)| {
        let interface = Interface::Address(LOCAL);
        FeedGroup { interface, ..FeedGroup::new(address, Channel::Line(line)) }
    });
    let feed = FeedConfig::new(Protocol::NseMtbt, Segment::NseFo);
    let mut session = LiveSession::new(feed, groups.collect());
    let listings = server.config().exchange.listings_of_the_day().unwrap();
    session.instruments = listings.iter().map(|listing| listing.instrument).collect();
    (session.idle, session.silence_max) = (Idle::Wait, Some(Duration::from_millis(900)));
    session.duration_max = Some(2 * PATIENCE);
    let mut orders = OrderSessionConfig::new(server.router_address(), 77, "90001", 77, "SECRET");
    orders.encryption = server.config().exchange.boxes[0].encryption;
    orders.limits.retry_ns = 20_000_000;
    orders.stop_timeout = Duration::from_millis(300);
    session.orders = Some(orders);
    session
}

/// A host that rests an offer, and the exchange, while `act` looks at views and asks for more.
fn beside(
    server: &mut ExchangeServer,
    session: LiveSession,
    act: impl FnOnce(&dyn Fn(&dyn Fn(&ExchangeView) -> bool)),
) -> Report {
    let limits =
        RiskLimits { messages_per_second_max: 0, fat_finger_bps: 0, ..RiskLimits::default() };
    let core = CoreConfig { limits, ..config() };
    let (stop, last) = (AtomicBool::new(false), Mutex::new(None));
    thread::scope(|scope| {
        let host = scope.spawn(|| {
            let seller = Party::Seller(Px::from_rupees(24_600.0));
            host().config(core).run(&Session::Live(session), seller).unwrap()
        });
        let serving = scope
            .spawn(|| server.run(&stop, &mut |view| *last.lock().unwrap() = Some(view)).unwrap());
        let wait = |is_so: &dyn Fn(&ExchangeView) -> bool| {
            let begun = Instant::now();
            while !last.lock().unwrap().as_ref().is_some_and(is_so) {
                let view = last.lock().unwrap();
                assert!(begun.elapsed() < PATIENCE, "it never came: {view:?}");
                drop(view);
                thread::sleep(Duration::from_millis(5));
            }
        };
        act(&wait);
        stop.store(true, Ordering::Relaxed);
        serving.join().unwrap();
        host.join().unwrap()
    })
}

#[test]
fn an_operator_halts_resumes_cancels_and_signs_everybody_off() {
    let mut server = ExchangeServer::new(settings(&market(""))).unwrap();
    let (operator, session) = (server.operator(), session(&server));
    let report = beside(&mut server, session, |wait| {
        let orders = |view: &ExchangeView| view.boxes[0].0.orders;
        let phase = |view: &ExchangeView| view.instruments[0].phase;
        wait(&|view| orders(view) == 1);
        operator.send(OperatorCommand::Halt).unwrap();
        wait(&|view| view.is_halted && phase(view) == Phase::Halted);
        operator.send(OperatorCommand::Resume).unwrap();
        wait(&|view| !view.is_halted && phase(view) == Phase::Continuous);
        // One key for both.
        operator.send(OperatorCommand::HaltOrResume).unwrap();
        wait(&|view| view.is_halted && phase(view) == Phase::Halted);
        operator.send(OperatorCommand::HaltOrResume).unwrap();
        wait(&|view| !view.is_halted && phase(view) == Phase::Continuous);
        operator.send(OperatorCommand::CancelAll(5)).unwrap();
        operator.send(OperatorCommand::CancelAll(0)).unwrap();
        wait(&|view| orders(view) == 0 && view.counters.kill_switches == 1);
    });
    let orders = report.orders.unwrap();
    assert_eq!(orders.counts.signed_on, 1, "{orders}");
    assert!(orders.open_at_end.is_empty(), "{orders}");
    // The sign-off, before the connection went.
    assert!(orders.endings[0].contains("signed"), "{:?}", orders.endings);
    assert_eq!(server.exchange().matcher().books().orders_count(), 0);
}

#[test]
fn five_levels_arrive_on_their_group() {
    let crowd = "[broadcast]\ninterval = \"50ms\"\n[population]\nseed = 3\nintensity = 30.0\n";
    let config = settings(&market(crowd));
    assert_eq!(config.exchange.broadcast.map(|it| it.interval_ns), Some(50_000_000));
    let socket = UdpSocket::bind(config.broadcast).unwrap();
    socket.join_multicast_v4(config.broadcast.ip(), &LOCAL).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut server = ExchangeServer::new(config).unwrap();
    let stop = AtomicBool::new(false);
    let report = thread::scope(|scope| {
        let serving = scope.spawn(|| server.run(&stop, &mut |_| {}).unwrap());
        let (mut reader, mut buffer, mut full) = (Reader::new(), [0; 1_024], 0);
        while full < 5 {
            let size = socket.recv(&mut buffer).unwrap();
            reader.on_datagram(&buffer[..size], &mut |update| {
                let Update::MarketByPrice(record) = update else { panic!("{update:?}") };
                let has_all = record.bids.iter().chain(&record.asks).all(|it| !it.is_empty());
                full += u32::from(has_all);
            });
        }
        stop.store(true, Ordering::Relaxed);
        serving.join().unwrap()
    });
    assert!(report.last.counters.broadcast_datagrams >= 5);
    assert_eq!(report.problems(), [""; 0]);
    let mut wrong = settings(&market(""));
    wrong.exchange.broadcast = Some(BroadcastConfig::default());
    wrong.broadcast = SocketAddrV4::new(LOCAL, 9);
    assert!(ExchangeServer::new(wrong).is_err(), "no group");
}

#[test]
fn a_day_that_was_recorded_is_played_back_to_the_same_books() {
    let scratch = Scratch::new();
    let scenario = market("[population]\nseed = 3\nintensity = 40.0\n");
    let mut config = settings(&scenario);
    (config.speed, config.duration_max) = (2.0, Some(Duration::from_millis(1_500)));
    config.record = Some(scratch.path("day.pcapng"));
    let mut server = ExchangeServer::new(config).unwrap();
    let report = server.run(&AtomicBool::new(false), &mut |_| {}).unwrap();
    assert!(report.last.counters.trades > 5, "{report}");

    let mut again = settings(&scenario);
    again.recording = read_recording(&scratch.path("day.pcapng"), again.exchange.date).unwrap();
    assert!(again.recording.len() > 500, "{}", again.recording.len());
    let mut played = Exchange::new(&again.exchange, again.background().unwrap()).unwrap();
    for tenth in 0..100 {
        played.on_time(again.start.plus(tenth * 100_000_000));
        while played.poll_datagram(&mut [0; 64]).is_some() {}
    }
    let rows = |exchange: &Exchange, side| -> Vec<_> {
        let id = exchange.instrument(exchange.listings()[0].instrument.token).unwrap();
        let orders = exchange.books().orders(id, side);
        orders.map(|order| (order.price, order.quantity)).collect()
    };
    for side in Side::BOTH {
        let recorded = rows(server.exchange(), side);
        assert!(recorded.len() > 10, "{report}");
        assert_eq!(rows(&played, side), recorded, "{side:?}");
    }
    assert_eq!(played.counters().background_refused, 0);
}

/// The whole way with the exchange's own TLS, its certificate made here.
#[cfg(feature = "tls")]
#[test]
fn the_router_speaks_tls_with_a_certificate_of_ones_own() {
    use rcgen::{CertificateParams, KeyPair, SanType};
    use tezi::exchange::TlsFiles;
    use tezi::orders::RouterTls;
    let scratch = Scratch::new();
    let write = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = vec![SanType::IpAddress(LOCAL.into())];
        let key = KeyPair::generate().unwrap();
        let files = [format!("{name}.pem"), format!("{name}.key")].map(|it| scratch.path(&it));
        std::fs::write(&files[0], params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&files[1], key.serialize_pem()).unwrap();
        files
    };
    let [[certificate, key], [other, other_key]] = [write("router"), write("other")];
    for (ca_file, is_trusted) in [(&certificate, true), (&other, false)] {
        let mut config = settings(&market(""));
        config.tls = Some(TlsFiles { certificate: certificate.clone(), key: key.clone() });
        let mut server = ExchangeServer::new(config).unwrap();
        let mut session = session(&server);
        let tls = RouterTls { ca_file: ca_file.clone(), server_name: None };
        session.orders.as_mut().unwrap().tls = Some(tls);
        let report = beside(&mut server, session, |wait| {
            wait(&|view| {
                if is_trusted { view.boxes[0].0.orders == 1 } else { view.connections.accepted > 0 }
            });
            thread::sleep(Duration::from_millis(100));
        });
        let orders = report.orders.unwrap();
        assert_eq!(orders.counts.signed_on, u64::from(is_trusted), "{orders}");
        if !is_trusted {
            assert!(orders.endings[0].contains("TLS: invalid peer certificate"), "{orders}");
        }
    }
    let mut config = settings(&market(""));
    config.tls = Some(TlsFiles { certificate: other.clone(), key: key.clone() });
    let error = ExchangeServer::new(config).map(drop).unwrap_err().to_string();
    assert!(error.contains("TLS of the router"), "{error}");
    let mut config = settings(&market(""));
    config.tls = Some(TlsFiles { certificate: other_key, key: scratch.path("nothing") });
    assert!(ExchangeServer::new(config).is_err());
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_in_the_build_the_router_says_so() {
    use tezi::exchange::TlsFiles;
    let mut config = settings(&market(""));
    config.tls = Some(TlsFiles { certificate: "a.pem".into(), key: "a.key".into() });
    let error = ExchangeServer::new(config).map(drop).unwrap_err().to_string();
    assert!(error.contains("without the feature tls"), "{error}");
}
