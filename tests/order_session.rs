//! The host trades over real sockets: a small exchange on the loopback interface signs it on, matches
//! its orders, and fails in the ways exchanges do. Each journal rebuilds the same state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "order_session/exchange.rs"]
mod exchange;
#[path = "order_session/rounds.rs"]
mod rounds;
#[path = "order_session/setup.rs"]
mod setup;
#[cfg(feature = "tls")]
#[path = "order_session/tls_proxy.rs"]
mod tls_proxy;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, host};
use exchange::{Exchange, Faults};
use rounds::{Rester, Rounds, STEPS};
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::day_report::day_report;
use tezi::gateway::nnf::{DynamicIvOrder, Encryption};
use tezi::model::RejectReason;
use tezi::orders::{LocalRefusal, UnknownOrders};
use tezi::venue::rules::Rules;
use tezi::{
    OrderSessionConfig, OrdersReport, PathStage, Report, Session, replay_journal, replay_recorded,
};

/// What a session came to, its journal replayed both ways.
struct Ran {
    /// What the box holds, by the exchange.
    net: i64,
    /// Trades that the evidence of the day shows as taken back.
    taken_back: usize,
    report: Report,
    orders: OrdersReport,
    requests: u32,
    sign_ons: u32,
    /// The box's orders that the exchange has left.
    open: usize,
}

struct Case {
    encryption: Encryption,
    faults: Faults,
    /// Rounds of the strategy before the session is stopped.
    rounds: u32,
    change: fn(&mut OrderSessionConfig),
    prepare: fn(&mut Exchange),
}

impl Case {
    fn new(faults: Faults) -> Self {
        let encryption = Encryption::New(DynamicIvOrder::LittleEndian);
        Self { encryption, faults, rounds: 4, change: |_| {}, prepare: |_| {} }
    }

    fn run(&self) -> Ran {
        let (scratch, lines) = (Scratch::new(), [free_line(), free_line()]);
        let mut exchange = Exchange::new(&lines, self.encryption, self.faults);
        (self.prepare)(&mut exchange);
        let mut orders = order_session(exchange.router(), self.encryption);
        (self.change)(&mut orders);
        let (strategy, done) = Rounds::new();
        let wanted = self.rounds * STEPS;
        let mut session = live(lines);
        session.orders = Some(orders);
        let (stop, over) = (session.stop.clone(), AtomicBool::new(false));
        let journal = scratch.path("journal");
        let (report, exchange) = thread::scope(|scope| {
            let running = scope.spawn(|| {
                exchange.run(&over);
                exchange
            });
            scope.spawn(move || {
                let begun = Instant::now();
                while done.load(Ordering::Relaxed) < wanted && begun.elapsed() < PATIENCE {
                    thread::sleep(Duration::from_millis(1));
                }
                stop.set();
            });
            let host = host().config(core_config()).journal(&journal);
            let report = host.run(&Session::Live(session), strategy).unwrap();
            over.store(true, Ordering::Relaxed);
            (report, running.join().unwrap())
        });
        replays_to_the_same_state(&journal, &report);
        let day = day_report(&journal, &Rules::builtin().unwrap()).unwrap();
        let taken_back = day.trades.iter().filter(|row| row.taken_back.is_some()).count();
        let orders = report.orders.clone().unwrap();
        let Exchange { requests, sign_ons, net, .. } = exchange;
        Ran { net, taken_back, report, orders, requests, sign_ons, open: exchange.open() }
    }
}

fn replays_to_the_same_state(journal: &Path, report: &Report) {
    let again = [replay_journal(journal, Rounds::new().0), replay_recorded(journal)];
    for replay in again.map(Result::unwrap) {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        assert_eq!(replay.core.counters, report.core.counters);
    }
}

impl Ran {
    /// What every orderly session has in common, whatever went wrong on the way.
    fn check(&self, rounds: u32) {
        let Self { report, orders, .. } = self;
        let what = format!("{report}\n{:?}", orders.problems());
        let counters = &report.core.counters;
        assert!(report.core.is_consistent && orders.problems().is_empty(), "{what}");
        assert!(counters.fills >= u64::from(rounds), "{what}");
        assert_eq!(counters.fills, orders.counts.fills, "each trade is heard once: {what}");
        assert_eq!((self.open, report.core.reports.refused), (0, 0), "{what}");
        assert_eq!(orders.session.malformed, 0, "{what}");
    }
}

#[test]
fn orders_are_acknowledged_changed_cancelled_filled_and_rejected_in_every_encryption() {
    let new = [DynamicIvOrder::LittleEndian, DynamicIvOrder::BigEndian].map(Encryption::New);
    for encryption in [Encryption::Plain, Encryption::Existing].into_iter().chain(new) {
        let ran = Case { encryption, ..Case::new(Faults::default()) }.run();
        ran.check(4);
        let Ran { report, orders, requests, .. } = &ran;
        let counters = &report.core.counters;
        assert!(counters.replaces >= 4 && counters.cancels >= 4, "{counters:?}");
        assert!(orders.counts.rejected >= 4 && orders.counts.cancelled_unasked >= 4, "{orders}");
        assert_eq!((orders.counts.signed_on, orders.session.gaps), (1, 0), "{orders}");
        assert_eq!(u64::from(*requests), orders.counts.sent);
        let count = |stage| report.latencies.stage(stage).count();
        assert_eq!(count(PathStage::Wire), orders.counts.sent);
        assert_eq!(count(PathStage::RoundTrip), orders.counts.sent);
        assert!(count(PathStage::TickToWire) > 4);
        println!("{encryption:?}: {report}");
    }
}

#[test]
fn an_answer_cut_off_with_its_connection_is_heard_in_a_download() {
    for at in [1, 2, 3, 4, 5, 6] {
        let faults = Faults { cut_after: Some(at), ..Faults::default() };
        let ran = Case::new(faults).run();
        ran.check(4);
        assert_eq!((ran.sign_ons, ran.orders.counts.signed_on), (2, 2), "{}", ran.orders);
        assert!(ran.orders.counts.downloaded > 0, "request {at}: {}", ran.orders);
        assert_eq!(ran.orders.counts.resolved, 0, "request {at}: {}", ran.orders);
    }
}

#[test]
fn a_request_lost_with_its_connection_is_told_as_refused() {
    for at in [1, 2, 3, 4] {
        let faults = Faults { cut_before: Some(at), ..Faults::default() };
        // An order that the exchange cancels at the cut would take the lost request with it.
        let change: fn(&mut OrderSessionConfig) = |config| config.cancel_on_logoff = false;
        let ran = Case { change, ..Case::new(faults) }.run();
        ran.check(4);
        assert_eq!(ran.orders.counts.resolved, 1, "request {at}: {}", ran.orders);
    }
}

#[test]
fn answers_lost_on_an_open_connection_are_asked_for() {
    let faults = Faults { lose_answers: Some((3, 2)), ..Faults::default() };
    let ran = Case::new(faults).run();
    ran.check(4);
    let counts = &ran.orders.counts;
    assert!(counts.downloaded >= 1 && ran.orders.session.downloads >= 2, "{}", ran.orders);
    assert_eq!(counts.signed_on, 1);
}

#[test]
fn a_trade_that_the_exchange_takes_back_is_no_longer_held() {
    // The first trade is of a buy, the second of a sell; each order is closed by then.
    for takes_back in [1, 2] {
        let faults = Faults { takes_back: Some(takes_back), ..Faults::default() };
        let ran = Case::new(faults).run();
        ran.check(4);
        assert_eq!(ran.orders.counts.trades_canceled, 1, "{}", ran.orders);
        assert_eq!(ran.taken_back, 1, "{}", ran.report);
        let position = &ran.report.core.positions[0];
        assert_eq!(position.position.net, ran.net, "{}", ran.report);
        assert_ne!(ran.net, 0, "as many were bought as sold but for the one taken back");
    }
}

#[test]
fn while_the_exchange_is_away_orders_are_refused_and_then_trading_goes_on() {
    let away = Duration::from_millis(400);
    let faults = Faults { cut_answered: Some(4), away, ..Faults::default() };
    let ran = Case::new(faults).run();
    ran.check(4);
    let down = RejectReason::SessionDown;
    let refused = ran.report.core.refusals.iter().find(|(reason, _)| *reason == down);
    assert!(refused.is_some_and(|&(_, count)| count > 1), "{}", ran.report);
    assert!(ran.orders.endings.len() > 2, "{}", ran.orders);
}

#[test]
fn orders_the_core_does_not_know_are_told_and_cancelled_when_asked() {
    let plant: fn(&mut Exchange) = |exchange| {
        let image = rounds::stranger();
        exchange.plant(&image);
    };
    let kept = Case { prepare: plant, rounds: 1, ..Case::new(Faults::default()) }.run();
    assert_eq!((kept.orders.unknown_orders.len(), kept.open), (1, 1), "{}", kept.orders);
    assert!(kept.orders.problems()[0].starts_with("1 orders of the user"), "{}", kept.orders);
    let change: fn(&mut OrderSessionConfig) =
        |config| config.unknown_orders = UnknownOrders::Cancel;
    let case = Case { prepare: plant, change, rounds: 1, ..Case::new(Faults::default()) };
    let cancelled = case.run();
    cancelled.check(1);
    assert_eq!((cancelled.orders.unknown_cancelled, cancelled.open), (1, 0));
}

#[test]
fn at_the_end_and_at_a_kill_open_orders_are_cancelled_and_their_answers_awaited() {
    for kills in [false, true] {
        let lines = [free_line(), free_line()];
        let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
        let (scratch, mut session) = (Scratch::new(), live(lines));
        let mut orders = order_session(exchange.router(), Encryption::Plain);
        orders.cancel_on_logoff = false;
        session.orders = Some(orders);
        let (journal, over) = (scratch.path("journal"), AtomicBool::new(false));
        let strategy = Rester::new(kills, session.stop.clone());
        let report = thread::scope(|scope| {
            let running = scope.spawn(|| exchange.run(&over));
            let host = host().config(core_config()).journal(&journal);
            let report = host.run(&Session::Live(session), strategy).unwrap();
            over.store(true, Ordering::Relaxed);
            running.join().unwrap();
            report
        });
        let counters = &report.core.counters;
        assert_eq!((counters.new_orders, counters.cancels, exchange.open()), (3, 3, 0), "{report}");
        assert_eq!(report.orders.as_ref().unwrap().problems(), [""; 0], "{report}");
        assert_eq!(report.core.stopped.is_some(), kills);
        let replay = replay_recorded(&journal).unwrap();
        assert!(replay.is_fine(), "{:?}", replay.problems());
    }
}

#[test]
fn without_an_exchange_nothing_leaves_and_the_report_says_so() {
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let SocketAddr::V4(router) = closed.local_addr().unwrap() else { unreachable!() };
    drop(closed);
    let mut session = live([free_line(), free_line()]);
    session.orders = Some(order_session(router, Encryption::Plain));
    session.duration_max = Some(Duration::from_millis(200));
    let report = host().run(&Session::Live(session), Rounds::new().0).unwrap();
    let orders = report.orders.as_ref().unwrap();
    assert_eq!((orders.counts.sent, orders.counts.signed_on), (0, 0));
    assert!(orders.problems()[0].contains("never went live"), "{:?}", orders.problems());
    assert!(LocalRefusal::ALL.len() > orders.refused.len());
}

#[test]
fn a_wrong_password_and_an_impossible_identity_are_told() {
    let change: fn(&mut OrderSessionConfig) = |config| config.password.0 = "wrong".into();
    let mut exchange = Exchange::new(&[], Encryption::Plain, Faults::default());
    let over = AtomicBool::new(false);
    let mut session = live([free_line(), free_line()]);
    let mut orders = order_session(exchange.router(), Encryption::Plain);
    change(&mut orders);
    session.orders = Some(orders.clone());
    session.duration_max = Some(Duration::from_millis(300));
    let report = thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let report = host().run(&Session::Live(session.clone()), Rounds::new().0).unwrap();
        over.store(true, Ordering::Relaxed);
        report
    });
    let orders_report = report.orders.unwrap();
    let why = "the exchange refused step 2301 of signing on: 16006";
    assert!(orders_report.endings[0].starts_with(why), "{:?}", orders_report.endings);
    session.orders = Some(OrderSessionConfig { pan: "short".into(), ..orders });
    let error = host().run(&Session::Live(session), Rounds::new().0).unwrap_err().to_string();
    assert_eq!(error, "order session: the PAN must have exactly 10 printable characters");
}

/// The whole way with TLS to the router: a proxy in front of it ends the TLS.
#[cfg(feature = "tls")]
#[test]
fn the_router_is_reached_over_tls_of_a_trusted_authority_only() {
    use tezi::orders::RouterTls;
    let scratch = Scratch::new();
    let [trusted, other] = ["trusted.pem", "other.pem"].map(|name| scratch.path(name));
    let authority = tls_proxy::Authority::new();
    std::fs::write(&trusted, authority.pem()).unwrap();
    std::fs::write(&other, tls_proxy::Authority::new().pem()).unwrap();
    for (ca_file, is_trusted) in [(trusted, true), (other, false)] {
        let lines = [free_line(), free_line()];
        let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
        let proxy = authority.proxy(exchange.router());
        let mut session = live(lines);
        let mut orders = order_session(proxy, Encryption::Plain);
        orders.tls = Some(RouterTls { ca_file, server_name: None });
        session.orders = Some(orders);
        session.duration_max = Some(Duration::from_millis(600));
        let over = AtomicBool::new(false);
        let report = thread::scope(|scope| {
            scope.spawn(|| exchange.run(&over));
            let report = host().run(&Session::Live(session), Rounds::new().0).unwrap();
            over.store(true, Ordering::Relaxed);
            report
        });
        let orders = report.orders.unwrap();
        assert_eq!(orders.counts.signed_on, u64::from(is_trusted), "{orders}");
        if !is_trusted {
            assert!(orders.endings[0].contains("TLS: invalid peer certificate"), "{orders}");
        }
    }
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_in_the_build_asking_for_it_says_how_to_build() {
    use tezi::orders::RouterTls;
    let mut session = live([free_line(), free_line()]);
    let mut orders = order_session("127.0.0.1:1".parse().unwrap(), Encryption::Plain);
    orders.tls = Some(RouterTls { ca_file: "ca.pem".into(), server_name: None });
    session.orders = Some(orders);
    let error = host().run(&Session::Live(session), Rounds::new().0).unwrap_err().to_string();
    assert!(error.contains("build with `--features tls`"), "{error}");
}
