//! The simulated exchange and hosts against each other in one process, over real multicast and TCP on
//! the loopback interface: what hosts end with is what the exchange has, whatever fails on the way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

#[path = "exchange/accounts.rs"]
mod accounts;
mod common;
#[path = "exchange/traders.rs"]
mod traders;

use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, assert_same_book, config, host, read};
use tezi::exchange::{
    Exchange, ExchangeReport, ExchangeServer, ExchangeServerConfig, Limits, Scenario,
};
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, FeedConfig, Protocol};
use tezi::model::{Px, Side};
use tezi::receive::Interface;
use tezi::strategy::Strategy;
use tezi::{
    CoreConfig, FeedGroup, Idle, LiveSession, OrderSessionConfig, Report, RiskLimits, Services,
    Session, replay_recorded,
};
use traders::{BOUGHT_MAX, Party, Rounds};

/// A test that comes to nothing ends here.
const PATIENCE: Duration = Duration::from_secs(15);
const LOCAL: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// A future with two boxes; what a test adds comes behind.
fn market(more: &str) -> Scenario {
    let mut text = String::from(
        "[exchange]\nsegment = \"fo\"\ndate = \"2026-11-20\"\nstart = \"09:15:00\"\nheartbeat = \
         \"100ms\"\n[[instrument]]\nsymbol = \"NIFTY\"\ntoken = 35001\nkind = \"future\"\nexpiry = \
         \"2026-11-24\"\nreference = 24500\ntick = 0.10\n",
    );
    text += more;
    Scenario::parse(&text).unwrap()
}

fn own_box(id: i16, faults: &str) -> String {
    format!(
        "[[box]]\nid = {id}\nbroker = \"90001\"\nuser = {id}\npassword = \"SECRET\"\nencryption = \
         \"new\"\ngateway = {{ address = \"127.0.0.1\", port = 0 }}\n{faults}\n"
    )
}

const CROWD: &str = "[population]\nseed = 3\nintensity = 30.0\n";

fn free_port() -> u16 {
    UdpSocket::bind((LOCAL, 0)).and_then(|it| it.local_addr()).unwrap().port()
}

fn serve(scenario: &Scenario) -> ExchangeServer {
    let mut config = ExchangeServerConfig::new(scenario, &[]).unwrap();
    let any = SocketAddrV4::new(LOCAL, 0);
    let group = |last| SocketAddrV4::new(Ipv4Addr::new(239, 255, 71, last), free_port());
    config.groups = [group(1), group(2)];
    config.router = any;
    (config.services.recovery, config.services.snapshot) = (Some(any), None);
    config.services.messages_max = 1 << 18;
    config.services.limits.connects_per_second = 100;
    config.services.limits.spacing_ns = 0;
    config.linger = Duration::from_millis(2_000);
    config.exchange.limits = Limits { orders: 1 << 16, ..Limits::small() };
    ExchangeServer::new(config).unwrap()
}

/// A host's session against the exchange, that ends when the exchange has gone silent.
fn session(server: &ExchangeServer, box_id: i16) -> LiveSession {
    const MS: i64 = 1_000_000;
    let groups = server.config().groups.into_iter().zip(Line::BOTH).map(|(address, line)| {
        let interface = Interface::Address(LOCAL);
        FeedGroup { interface, ..FeedGroup::new(address, Channel::Line(line)) }
    });
    let segment = server.config().exchange.segment;
    let feed = FeedConfig::new(Protocol::NseMtbt, segment);
    let mut session = LiveSession::new(feed, groups.collect());
    let listings = server.config().exchange.listings_of_the_day().unwrap();
    session.instruments = listings.iter().map(|listing| listing.instrument).collect();
    session.services = Services { recovery: server.recovery_address(), ..Services::default() };
    (session.idle, session.silence_max) = (Idle::Wait, Some(Duration::from_millis(1_800)));
    session.duration_max = Some(2 * PATIENCE);
    let mut orders =
        OrderSessionConfig::new(server.router_address(), box_id, "90001", box_id.into(), "SECRET")
            .in_segment(segment);
    orders.encryption = server.config().exchange.boxes[0].encryption;
    let limits = &mut orders.limits;
    (limits.orders, limits.orders_of_the_day) = (1 << 10, 1 << 14);
    (limits.answer_timeout_ns, limits.settle_ns) = (200 * MS, 100 * MS);
    (limits.retry_ns, limits.retry_ns_max) = (20 * MS, 100 * MS);
    orders.stop_timeout = Duration::from_millis(300);
    session.orders = Some(orders);
    session
}

fn core_config() -> CoreConfig {
    let limits =
        RiskLimits { messages_per_second_max: 0, fat_finger_bps: 0, ..RiskLimits::default() };
    CoreConfig { limits, ..config() }
}

/// The exchange's books as a host writes its own.
fn books_of(exchange: &Exchange) -> String {
    let mut text = String::from("token,side,level,price_paise,qty,orders\n");
    for listing in exchange.listings() {
        let token = listing.instrument.token;
        let id = exchange.instrument(token).unwrap();
        for side in Side::BOTH {
            for (index, level) in exchange.books().levels(id, side).enumerate() {
                let paise = level.price.to_paise().unwrap();
                let (letter, place) = (side.letter(), index + 1);
                writeln!(
                    text,
                    "{token},{letter},{place},{paise},{},{}",
                    level.quantity, level.orders
                )
                .unwrap();
            }
        }
    }
    text
}

/// What a run came to.
struct Ran {
    hosts: Vec<Report>,
    exchange: ExchangeReport,
}

/// Runs hosts against the exchange until `is_done`, and holds what each ends with against it.
fn run<S: Strategy + Send>(
    scenario: &Scenario,
    hosts: Vec<(i16, S)>,
    is_done: impl Fn() -> bool + Send,
) -> Ran {
    let mut server = serve(scenario);
    let (scratch, stop) = (Scratch::new(), AtomicBool::new(false));
    let sessions: Vec<_> = hosts.iter().map(|(box_id, _)| session(&server, *box_id)).collect();
    let (hosts, exchange) = thread::scope(|scope| {
        let running: Vec<_> = hosts
            .into_iter()
            .zip(sessions)
            .map(|((box_id, strategy), session)| {
                let journal = scratch.path(&format!("journal-{box_id}"));
                let book = scratch.path(&format!("book-{box_id}"));
                let host = host().config(core_config()).journal(&journal).book_csv(&book);
                scope.spawn(move || host.run(&Session::Live(session), strategy).unwrap())
            })
            .collect();
        // A host that joins late asks for what it missed: one packet more to go wrong in a test
        // of something else.
        thread::sleep(Duration::from_millis(150));
        let (stop_it, server) = (&stop, &mut server);
        let serving = scope.spawn(move || server.run(stop_it, &mut |_| {}).unwrap());
        let begun = Instant::now();
        while !is_done() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(2));
        }
        stop.store(true, Ordering::Relaxed);
        let exchange = serving.join().unwrap();
        let hosts: Vec<_> = running.into_iter().map(|it| it.join().unwrap()).collect();
        (hosts, exchange)
    });
    let expected = books_of(server.exchange());
    assert!(server.exchange().matcher().is_consistent());
    for (report, (own, _)) in hosts.iter().zip(&exchange.last.boxes) {
        let what = format!("{report}\n{exchange}");
        let book = read(&scratch.path(&format!("book-{}", own.box_id)));
        assert_same_book(&book, &expected, &what);
        assert_eq!(report.feed.lost(), 0, "{what}");
        let orders = report.orders.as_ref().unwrap();
        assert_eq!(report.core.counters.fills, own.activity.trades, "{what}");
        assert_eq!(orders.session.malformed, 0, "{what}");
        let replay = replay_recorded(&scratch.path(&format!("journal-{}", own.box_id))).unwrap();
        assert_eq!(replay.core.state_hash, report.core.state_hash, "{what}");
    }
    Ran { hosts, exchange }
}

fn rounds(scenario: &Scenario, steps: u32) -> Ran {
    let (strategy, progress) = Rounds::new();
    let ran = run(scenario, vec![(77, strategy)], {
        let progress = Arc::clone(&progress);
        move || progress.done() >= steps && progress.end()
    });
    let done = progress.done();
    assert!(done >= steps, "{done} of {steps} steps\n{}\n{}", ran.hosts[0], ran.exchange);
    ran
}

#[test]
fn a_host_trades_on_the_exchange_and_ends_with_its_books() {
    let ran = rounds(&market(&format!("{}{CROWD}", own_box(77, ""))), 60);
    let (report, exchange) = (&ran.hosts[0], &ran.exchange);
    assert!(report.core.counters.fills >= 20, "{report}");
    assert_eq!(exchange.problems(), [""; 0], "{exchange}");
    assert_eq!(exchange.last.counters.refused, 0, "{exchange}");
    let [a, b] = exchange.last.lines;
    assert!(a.sent == b.sent && a.sent >= exchange.last.counters.messages, "{exchange}");
}

#[test]
fn a_host_trades_shares_on_the_capital_market() {
    let mut text = String::from(
        "[exchange]\nsegment = \"cm\"\ndate = \"2026-11-20\"\nstart = \"09:15:00\"\nheartbeat = \
         \"100ms\"\n[[instrument]]\nsymbol = \"RELIANCE\"\ntoken = 2885\nkind = \"share\"\n\
         reference = 1540\ntick = 0.10\nlot = 1\n",
    );
    let faults = "faults = { drop_answers = 0.03, disconnect_after = 61 }";
    text += &format!("{}{CROWD}", own_box(77, faults));
    let ran = rounds(&Scenario::parse(&text).unwrap(), 60);
    let (report, (own, _)) = (&ran.hosts[0], &ran.exchange.last.boxes[0]);
    assert!(report.core.counters.fills >= 20, "{report}");
    assert_eq!((ran.exchange.last.counters.refused, own.activity.refused), (0, 0), "{report}");
    let orders = report.orders.as_ref().unwrap();
    assert!(orders.counts.signed_on > 1, "{orders}");
}

#[test]
fn what_both_lines_lose_comes_back_over_tcp() {
    let loss = "[[event]]\nat = \"09:15:01\"\nkind = \"feed-loss\"\nuntil = \"09:15:02\"\nlines = \
                \"both\"\n[[event]]\nat = \"09:15:02\"\nkind = \"feed-loss\"\nuntil = \
                \"09:15:03\"\nlines = \"b\"\n";
    let scenario = market(&format!("{}{CROWD}{loss}", own_box(77, "")));
    let (strategy, progress) = Rounds::new();
    let begun = Instant::now();
    let ran = run(&scenario, vec![(77, strategy)], move || {
        begun.elapsed().as_secs_f64() > 4.5 && progress.end()
    });
    let [a, b] = ran.exchange.last.lines;
    assert!(0 < a.lost && a.lost < b.lost, "{}", ran.exchange);
    let recovered: u64 =
        ran.hosts[0].feed.counters.streams.iter().map(|it| it.gaps.recovered).sum();
    assert!(recovered > 0, "{}", ran.hosts[0]);
    assert!(ran.exchange.recovery.is_some_and(|it| it.granted > 0), "{}", ran.exchange);
}

#[test]
fn lost_answers_and_broken_connections_cost_nothing_but_time() {
    let faults = "faults = { drop_answers = 0.05, disconnect_after = 37, delay = \"200us\" }";
    let ran = rounds(&market(&format!("{}{CROWD}", own_box(77, faults))), 60);
    let orders = ran.hosts[0].orders.as_ref().unwrap();
    assert!(orders.counts.signed_on > 1 && orders.counts.downloaded > 0, "{orders}");
    let (own, _) = ran.exchange.last.boxes[0];
    assert!(own.activity.requests >= 60, "{}", ran.exchange);
}

#[test]
fn two_hosts_trade_with_each_other() {
    let bought = Arc::new(AtomicU32::new(0));
    let seller = Party::Seller(Px::from_rupees(24_510.0));
    let buyer = Party::Buyer(None, Arc::clone(&bought));
    let scenario = market(&(own_box(77, "") + &own_box(78, "")));
    let ran = run(&scenario, vec![(77, seller), (78, buyer)], {
        let bought = Arc::clone(&bought);
        move || bought.load(Ordering::Relaxed) >= BOUGHT_MAX
    });
    let fills: Vec<_> = ran.hosts.iter().map(|it| it.core.counters.fills).collect();
    assert!(fills[0] == BOUGHT_MAX.into() && fills[0] == fills[1], "{fills:?}\n{}", ran.exchange);
    assert_eq!(ran.exchange.last.counters.trades, fills[0]);
}

#[test]
fn a_stranger_is_turned_away_and_counted() {
    use std::io::{Read, Write};
    let mut server = serve(&market(&own_box(77, "")));
    let (router, stop) = (server.router_address(), AtomicBool::new(false));
    let report = thread::scope(|scope| {
        let serving = scope.spawn(|| server.run(&stop, &mut |_| {}).unwrap());
        let mut stranger = std::net::TcpStream::connect(SocketAddr::V4(router)).unwrap();
        stranger.write_all(&[7; 2_000]).unwrap();
        stranger.set_read_timeout(Some(PATIENCE)).unwrap();
        // Closed: an end, or a reset where bytes were left unread.
        assert!(!matches!(stranger.read(&mut [0; 8]), Ok(1..)));
        stop.store(true, Ordering::Relaxed);
        serving.join().unwrap()
    });
    assert_eq!((report.last.connections.accepted, report.last.connections.unnamed), (1, 1));
}
