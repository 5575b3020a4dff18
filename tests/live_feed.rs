//! The whole engine on the wire: markets published over multicast of the loopback interface, with
//! faults, and received by a live session; what is lost is recovered or told, what is received can be
//! recorded, and every way to end a session ends it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "live_feed/wire.rs"]
mod wire;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::feeds::orders;
use common::tape::{Faults, Message, book_csv, both_lines, contracts, tape};
use common::{Scratch, assert_same_book, captures, host, read};
use tezi::feed_handler::Line;
use tezi::feed_handler::feed::{Channel, Protocol};
use tezi::feed_handler::wire::itch::SessionDate;
use tezi::feed_handler::wire::mold_udp64::{RequestServer, ServerConfig, ServerCounters, Start};
use tezi::feed_handler::wire::nse_mtbt::{Order, encode_order, message_type};
use tezi::model::{OrderId, Segment, Side};
use tezi::monitor::{Monitor, MonitorConfig, MonitorReport};
use tezi::publish::{LineFaults, MemoryDatagrams, Publisher};
use tezi::receive::Interface;
use tezi::strategy::Watch;
use tezi::{LiveSession, ReceiveMethod, Session, StopSwitch};
use wire::{
    Lived, ask, datagrams, feed_group, free_port, fresh_group, live, live_mtbt, of_payloads,
    publish, publish_config, run_live, with_services,
};

fn fresh_lines() -> [SocketAddrV4; 2] {
    [fresh_group(), fresh_group()]
}

const COUNT: usize = 2_500;

/// A market over lines of these losses, recovered by the services.
fn recovered(loss: [f64; 2], seed: u64) {
    let (scratch, tape, lines) = (Scratch::new(), tape(seed, COUNT), fresh_lines());
    let mut config = with_services(publish_config(lines));
    config.seed = seed;
    for (faults, loss) in config.faults.iter_mut().zip(loss) {
        *faults = LineFaults { loss, duplicate: 0.02, reorder: 0.05, reorder_depth: 8, lag_ns: 0 };
    }
    let publisher = Publisher::new(config).unwrap();
    let mut session = live_mtbt(lines);
    ask(&mut session, &publisher);
    let Lived { report, book, sent, .. } =
        run_live(&scratch, &session, |over| publish(&publisher, datagrams(&tape), over));
    assert!(sent.dropped_on_both > 5, "{sent:?}");
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    assert_eq!((report.feed.lost(), report.core.stale_instruments), (0, 0));
    let recovered: u64 =
        report.feed.counters.streams.iter().map(|stream| stream.gaps.recovered).sum();
    let snapshots: u64 = report.feed.counters.streams.iter().map(|stream| stream.snapshots).sum();
    assert!(recovered + snapshots > 0, "{:?}", report.feed.counters.streams);
}

#[test]
fn what_both_lines_lose_is_recovered() {
    recovered([0.08, 0.08], 1);
}

#[test]
fn a_dead_line_is_as_good_as_its_services() {
    recovered([1.0, 0.02], 2);
}

#[test]
fn without_services_what_both_lines_lose_is_told() {
    let (scratch, tape, lines) = (Scratch::new(), tape(3, COUNT), fresh_lines());
    let mut config = publish_config(lines);
    config.faults = [LineFaults { loss: 0.1, ..LineFaults::default() }; 2];
    let publisher = Publisher::new(config).unwrap();
    let Lived { report, sent, rows, .. } =
        run_live(&scratch, &live_mtbt(lines), |over| publish(&publisher, datagrams(&tape), over));
    assert!(sent.dropped_on_both > 5 && report.feed.lost() >= sent.dropped_on_both);
    assert_eq!(report.feed.delivered() + report.feed.lost(), COUNT as u64);
    assert_eq!(rows.lines().count() as u64 - 1, report.feed.delivered());
    assert!(report.core.stale_instruments >= 5, "{}", report.core.stale_instruments);
    let lost = format!("{} messages were lost on every line", report.feed.lost());
    assert!(report.problems()[0].starts_with(&lost), "{:?}", report.problems());
}

/// The tape on both lines, each losing what the other brings.
fn lossy_lines(tape: &[Message], seed: u64) -> MemoryDatagrams {
    let faults = Faults { loss: 0.1, duplicate: 0.03, reorder: 0.05 };
    let sent = both_lines(tape, seed, faults, |_| false);
    let datagram =
        |it: &common::tape::Sent| (it.time, Some(Line::BOTH[it.line]), tape[it.index].bytes());
    MemoryDatagrams::new(sent.iter().map(datagram).collect())
}

#[test]
fn what_is_recorded_replays_to_the_same_rows_and_book() {
    let (scratch, tape, lines) = (Scratch::new(), tape(4, COUNT), fresh_lines());
    let publisher = Publisher::new(publish_config(lines)).unwrap();
    let mut session = live_mtbt(lines);
    session.record = Some(scratch.path("live.pcapng"));
    let Lived { report, book, rows, sent } =
        run_live(&scratch, &session, |over| publish(&publisher, lossy_lines(&tape, 4), over));
    let came: u64 = report.feed.counters.lines.iter().map(|line| line.packets).sum();
    assert_eq!(report.feed.packets_recorded, came);
    assert!(report.feed.delivered() > 0 && sent.sent() >= came / 2);
    let [again, decoded] = ["replayed.csv", "redecoded.csv"].map(|name| scratch.path(name));
    let session = captures([scratch.path("live.pcapng")]);
    let host = host().book_csv(&again).decoded_csv(&decoded);
    let replayed = host.run(&Session::Capture(session), Watch).unwrap();
    assert_eq!(replayed.feed.source.unwrap().datagrams, came);
    assert_same_book(&read(&decoded), &rows, "the decoded messages");
    assert_same_book(&read(&again), &book, "the book of the recording");
    if report.feed.lost() == 0 {
        assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    }
}

#[test]
fn every_way_to_receive_ends_in_the_book() {
    let methods = [ReceiveMethod::Recv, ReceiveMethod::RecvMmsg, ReceiveMethod::PacketRing];
    for (seed, method) in (5..).zip(methods) {
        let (scratch, tape, lines) = (Scratch::new(), tape(seed, 1_000), fresh_lines());
        let publisher = Publisher::new(with_services(publish_config(lines))).unwrap();
        let mut session = live_mtbt(lines);
        session.method = method;
        ask(&mut session, &publisher);
        if let Err(error) = host().run(&Session::Live(ended(&session)), Watch) {
            assert_eq!(method, ReceiveMethod::PacketRing, "{error}");
            println!("skipped: no packet ring without CAP_NET_RAW: {error}");
            continue;
        }
        let Lived { report, book, .. } =
            run_live(&scratch, &session, |over| publish(&publisher, datagrams(&tape), over));
        assert!(report.is_fine(), "{method:?}: {:?}", report.problems());
        assert_same_book(&book, &book_csv(&tape), "the reckoned book");
    }
}

/// The same session, stopped before it begins.
fn ended(session: &LiveSession) -> LiveSession {
    let session = LiveSession { stop: StopSwitch::default(), ..session.clone() };
    session.stop.set();
    session
}

#[test]
fn a_line_may_be_an_address_of_this_machine() {
    let (scratch, tape) = (Scratch::new(), tape(8, 1_000));
    let lines = [(); 2].map(|()| free_port(Ipv4Addr::LOCALHOST));
    let mut config = with_services(publish_config(lines));
    config.unicast = true;
    let publisher = Publisher::new(config).unwrap();
    let mut session = live_mtbt(lines);
    ask(&mut session, &publisher);
    let Lived { report, book, .. } =
        run_live(&scratch, &session, |over| publish(&publisher, datagrams(&tape), over));
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_same_book(&book, &book_csv(&tape), "the reckoned book");
}

#[test]
fn a_silent_session_ends_by_switch_by_time_and_by_silence() {
    let lines = fresh_lines();
    let mut by_switch = live_mtbt(lines);
    by_switch.silence_max = None;
    let mut by_time = by_switch.clone();
    by_time.duration_max = Some(Duration::from_millis(100));
    by_time.stop = StopSwitch::default();
    let mut by_silence = LiveSession { stop: StopSwitch::default(), ..by_switch.clone() };
    by_silence.silence_max = Some(Duration::from_millis(100));
    for (session, least_ms) in [(by_switch, 0), (by_time, 100), (by_silence, 100)] {
        let scratch = Scratch::new();
        let is_by_switch = least_ms == 0;
        let Lived { report, .. } = run_live(&scratch, &session, |_| {
            if is_by_switch {
                session.stop.set();
            }
        });
        assert_eq!(report.problems(), ["no mtbt message in 0 datagrams"]);
        assert!(report.elapsed >= Duration::from_millis(least_ms));
    }
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let unknown = [
        (Interface::Name("tezi-none0".into()), "tezi-none0"),
        (Interface::Address(Ipv4Addr::new(203, 0, 113, 7)), "203.0.113.7"),
    ];
    for (interface, name) in unknown {
        let mut session = live_mtbt(fresh_lines());
        session.groups[1].interface = interface;
        let error = host().run(&Session::Live(session.clone()), Watch).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        let watched = Monitor::default().watch_live(&session, &mut |_| {});
        assert!(watched.unwrap_err().to_string().contains(name));
    }
}

/// Answers re-requests until it is over, each but every third.
fn serve(socket: &UdpSocket, messages: &[Vec<u8>], over: &AtomicBool) -> ServerCounters {
    let store = orders::store(messages);
    let mut server = RequestServer::new(ServerConfig::default()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut request = [0; 64];
    while !over.load(Ordering::Relaxed) {
        let Ok((size, from)) = socket.recv_from(&mut request) else { continue };
        let is_lost = server.counters().requests % 3 == 2;
        let answer = server.on_request(&store, &request[..size]).unwrap();
        if !is_lost {
            socket.send_to(answer, from).unwrap();
        }
    }
    *server.counters()
}

#[test]
fn what_both_lines_of_an_itch_session_lose_is_requested_again() {
    let (scratch, lines) = (Scratch::new(), fresh_lines());
    let (market, messages) = orders::itch(9, 2_000);
    let mut config = publish_config(lines);
    config.faults = [LineFaults { loss: 0.2, ..LineFaults::default() }; 2];
    config.final_heartbeats = 0;
    let publisher = Publisher::new(config).unwrap();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let SocketAddr::V4(server) = socket.local_addr().unwrap() else { unreachable!() };
    let mut session = live(Protocol::MoldItch, Segment::NasdaqUs, lines);
    session.feed.session_date = SessionDate::new(2026, 11, 20);
    session.feed.mold.start = Start::At(1);
    session.services.requests = Some(server);
    // The end is said again and again, as the exchange does: it tells what is missing last.
    let (time, end) = market.datagrams.last().unwrap().clone();
    let payloads = market.datagrams.iter().cloned().chain((0..20).map(|_| (time, end.clone())));
    let source = of_payloads(payloads);
    let Lived { report, book, rows, sent } = run_live(&scratch, &session, |over| {
        std::thread::scope(|scope| {
            let serving = scope.spawn(|| serve(&socket, &messages, over));
            let sent = publish(&publisher, source, over);
            (sent, serving.join().unwrap())
        })
    });
    let (sent, served) = sent;
    assert!(sent.dropped_on_both > 5 && served.answered > 5, "{sent:?} {served:?}");
    assert!(report.is_fine(), "{:?}", report.problems());
    assert_same_book(&book, &market.book, "the reckoned book");
    let rows: Vec<&str> = rows.lines().skip(1).collect();
    assert!(rows == market.rows, "{} rows", rows.len());
    let session = &report.feed.counters.streams[0];
    assert!(session.gaps.recovered > 0 && session.requests > 0, "{session:?}");
    assert_eq!(report.core.stale_instruments, 0);
}

#[test]
fn the_snapshot_channel_mends_what_both_lines_of_eobi_lose() {
    let (scratch, lines, snapshots) = (Scratch::new(), fresh_lines(), fresh_lines());
    let market = orders::eobi(10, 800);
    let mut session = live(Protocol::BseEobi, Segment::BseFo, lines);
    for (address, line) in snapshots.into_iter().zip(Line::BOTH) {
        session.groups.push(feed_group(address, Channel::Snapshot(line)));
    }
    let [incremental, images] = [lines, snapshots].map(|groups| {
        let config = publish_config(groups);
        Publisher::new(tezi::publish::PublishConfig { final_heartbeats: 0, ..config }).unwrap()
    });
    let kept = market.datagrams.iter().enumerate().filter(|(index, _)| !(300..310).contains(index));
    let kept = of_payloads(kept.map(|(_, datagram)| datagram.clone()));
    // Those of the end: what they say is what the lines have brought by then.
    let last = market.snapshots[market.snapshots.len() - 8..].to_vec();
    let Lived { report, book, .. } = run_live(&scratch, &session, |over| {
        publish(&incremental, kept, over);
        std::thread::sleep(Duration::from_millis(100));
        publish(&images, of_payloads(last), over)
    });
    assert!(report.feed.lost() >= 10, "{:?}", report.problems());
    assert_same_book(&book, &market.book, "the reckoned book");
    assert_eq!(report.core.stale_instruments, 0);
    assert!(report.feed.counters.streams[0].snapshots > 0);
}

/// An order of stream 1 that rests at the end of a tape, of a quantity.
fn last_order(tape: &[Message], quantity: i32) -> (tezi::model::Nanos, Vec<u8>) {
    let last = tape.iter().filter(|message| message.stream == 1).map(|it| it.sequence).max();
    let (time, order_id) = (tape.last().unwrap().time, OrderId(77));
    let (token, side, price) = (contracts()[0].token.0 as i32, Side::Buy, 2_000_000);
    let message_type = message_type::ORDER_NEW;
    let order = Order { message_type, time, order_id, token, side, price, quantity };
    (time, encode_order(1, last.unwrap() + 1, &order).to_vec())
}

/// Watches a market beside the snapshots of another that differs in the last order's quantity, until
/// the audits have seen the end of it.
fn audited(quantity: i32, quantity_there: i32) -> MonitorReport {
    let (tape, lines) = (tape(12, 1_500), fresh_lines());
    let market = |quantity| {
        let all = tape.iter().map(|message| (message.time, message.bytes()));
        of_payloads(all.chain([last_order(&tape, quantity)]))
    };
    // The other market goes to groups that nobody hears.
    let publisher = Publisher::new(publish_config(lines)).unwrap();
    let exchange = Publisher::new(with_services(publish_config(fresh_lines()))).unwrap();
    let mut session = live_mtbt(lines);
    session.silence_max = None;
    ask(&mut session, &exchange);
    let config = MonitorConfig {
        interval: Duration::from_millis(20),
        audit: Some(Duration::from_millis(20)),
        ..MonitorConfig::default()
    };
    let (over, is_sent) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| publish(&exchange, market(quantity_there), &over));
        let (listening, is_listening) = std::sync::mpsc::channel();
        let (over, is_sent, session) = (&over, &is_sent, &session);
        scope.spawn(move || {
            is_listening.recv().unwrap();
            publish(&publisher, market(quantity), over);
            is_sent.store(true, Ordering::Release);
        });
        let mut compared_before = None;
        let report = Monitor::new(config).watch_live(session, &mut |view| {
            let _ = listening.send(());
            if is_sent.load(Ordering::Acquire) {
                let compared = view.audit.unwrap().compared;
                // Both streams, each begun after the end.
                if compared >= *compared_before.get_or_insert(compared) + 5 {
                    session.stop.set();
                }
            }
        });
        over.store(true, Ordering::Relaxed);
        report.unwrap()
    })
}

#[test]
fn an_audit_finds_no_difference_where_there_is_none() {
    let report = audited(65, 65);
    let audit = report.view.audit.as_ref().unwrap();
    assert!(audit.compared >= 5 && audit.orders > 100, "{audit:?}");
    assert_eq!(audit.differences, 0, "{audit:?}");
    assert!(report.problems().is_empty(), "{:?}", report.problems());
    let future = report.view.books.iter().find(|book| book.instrument == contracts()[0]);
    assert!(future.is_some_and(|book| !book.is_stale && book.bids.len() == 5));
}

#[test]
fn an_audit_finds_the_order_that_differs() {
    let report = audited(65, 130);
    let audit = report.view.audit.as_ref().unwrap();
    assert!(audit.differences > 0, "{audit:?}");
    let finding = audit.findings.iter().find(|finding| finding.contains("order 77")).unwrap();
    assert!(finding.contains("has another quantity"), "{finding}");
    let problem = report.problems().into_iter().find(|it| it.contains("differ from the exchange"));
    assert!(problem.is_some(), "{:?}", report.problems());
}
