//! Two accounts of one host at the exchange: each order says for whom it is, the exchange prevents
//! self-trades by the account's PAN, and an operator stops one account alone.

use std::sync::atomic::AtomicBool;

use tezi::control::{ControlClient, ControlOutcome};
use tezi::model::{InstrumentId, OrderStatus, Qty, RejectReason, StrategyId, TimeInForce};
use tezi::roster::{Roster, StopCause};
use tezi::strategy::{Context, Fill, OrderUpdate, TimerId};
use tezi::{ControlConfig, Host};

use super::*;

const FUTURE: InstrumentId = InstrumentId(0);
const PRICE: f64 = 24_510.0;
const STEP_NS: i64 = 5_000_000;

/// What a strategy is asked from outside, and what it came to.
#[derive(Clone, Default)]
struct Wires {
    goes: Arc<AtomicBool>,
    fills: Arc<AtomicU32>,
    /// Orders that ended without being asked to.
    ended: Arc<AtomicU32>,
    /// Orders that rest.
    rests: Arc<AtomicU32>,
    refused: Arc<AtomicU32>,
}

impl Wires {
    fn go(&self) {
        self.goes.store(true, Ordering::Relaxed);
    }
}

/// Takes one lot whenever it is told to; or rests two lots whenever none is.
struct Party {
    side: Side,
    wires: Wires,
}

impl Strategy for Party {
    fn name(&self) -> &'static str {
        "party"
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(ctx.now().plus(STEP_NS)).unwrap();
    }

    fn on_timer(&mut self, ctx: &mut Context<'_>, _timer: TimerId) {
        let lot = ctx.instrument(FUTURE).unwrap().definition.lot;
        let price = Px::from_rupees(PRICE);
        let asked = match self.side {
            Side::Sell if ctx.open_orders().next().is_none() => {
                Some(ctx.submit(FUTURE, Side::Sell, price, Qty(2 * lot.0)))
            }
            Side::Buy if self.wires.goes.swap(false, Ordering::Relaxed) => {
                Some(ctx.submit_ioc(FUTURE, Side::Buy, price, lot))
            }
            _ => None,
        };
        match asked {
            // Not signed on yet: what was asked for is still to be done.
            Some(Err(RejectReason::SessionDown)) if self.side == Side::Buy => self.wires.go(),
            Some(Err(reason)) => self.wires.refused.store(reason as u32, Ordering::Relaxed),
            _ => {}
        }
        ctx.set_timer(ctx.now().plus(STEP_NS)).unwrap();
    }

    fn on_order(&mut self, _ctx: &mut Context<'_>, update: &OrderUpdate) {
        let rests = update.order.time_in_force == TimeInForce::Day;
        match update.order.status {
            OrderStatus::New if rests => drop(self.wires.rests.fetch_add(1, Ordering::Relaxed)),
            OrderStatus::Canceled => drop(self.wires.ended.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    fn on_fill(&mut self, _ctx: &mut Context<'_>, _fill: &Fill) {
        self.wires.fills.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends the exchange's run when a test gives up, which would otherwise wait for it for ever.
struct EndsRun<'a>(&'a AtomicBool);

impl Drop for EndsRun<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until a count is reached.
fn until(what: &str, count: &AtomicU32, wanted: u32) {
    let begun = Instant::now();
    while count.load(Ordering::Relaxed) < wanted {
        assert!(begun.elapsed() < PATIENCE, "{what}: waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

fn two_accounts(own: &Wires, alpha: &Wires) -> Roster {
    let mut roster = Roster::new();
    for (name, wires) in [("own-buyer", own), ("alpha-buyer", alpha)] {
        let party = Party { side: Side::Buy, wires: wires.clone() };
        roster.add(name, Box::new(party), None).unwrap();
    }
    roster
}

fn host_of_accounts() -> Host {
    let host = host().config(core_config()).account("own=pro,pan:BBBBB0002B").unwrap();
    let host = host.account("alpha=client:C0042,pan:AAAAA0001A").unwrap();
    let host = host.trade_for(StrategyId(1), "own").unwrap();
    host.trade_for(StrategyId(2), "alpha").unwrap()
}

#[test]
fn orders_are_for_their_accounts_at_the_exchange_and_one_account_is_stopped_alone() {
    let scenario = market(&(own_box(77, "") + &own_box(78, "")));
    let mut server = serve(&scenario);
    let (scratch, stop) = (Scratch::new(), AtomicBool::new(false));
    let (journal, socket) = (scratch.path("journal"), scratch.path("ctl"));
    let buying = session(&server, 77);
    let mut selling = session(&server, 78);
    // The seller has the PAN of one of the buyers.
    selling.orders.as_mut().unwrap().pan = "AAAAA0001A".into();
    let [own, alpha, seller] = [(); 3].map(|()| Wires::default());
    let report = thread::scope(|scope| {
        let buyers = two_accounts(&own, &alpha);
        let host_of_buyers =
            host_of_accounts().journal(&journal).control(ControlConfig::new(&socket));
        let buying =
            scope.spawn(move || host_of_buyers.run(&Session::Live(buying), buyers).unwrap());
        let party = Party { side: Side::Sell, wires: seller.clone() };
        let host_of_seller = host().config(core_config());
        let selling =
            scope.spawn(move || host_of_seller.run(&Session::Live(selling), party).unwrap());
        thread::sleep(Duration::from_millis(150));
        let (stop_it, server) = (&stop, &mut server);
        let serving = scope.spawn(move || server.run(stop_it, &mut |_| {}).unwrap());
        let ends_run = EndsRun(&stop);
        let mut ctl = connect(&socket);
        until("an offer", &seller.rests, 1);
        // Of the same PAN: the resting order goes, and nothing trades.
        alpha.go();
        until("the client's order", &alpha.ended, 1);
        until("the offer that it would have traded with", &seller.ended, 1);
        assert_eq!(alpha.fills.load(Ordering::Relaxed), 0);
        until("another offer", &seller.rests, 2);
        // Of another: they trade.
        own.go();
        until("a trade", &own.fills, 1);
        // One account is stopped, and the other trades on.
        let killed = ctl.ask("kill account=alpha why: a test").unwrap();
        assert_eq!(killed.outcome, ControlOutcome::Done);
        alpha.go();
        until("a refusal", &alpha.refused, RejectReason::AccountStopped as u32);
        own.go();
        until("another trade", &own.fills, 2);
        let accounts = ctl.ask("accounts").unwrap();
        assert!(accounts.value("own").unwrap().starts_with("own trading none "), "{accounts:?}");
        let told = accounts.value("alpha").unwrap();
        assert!(told.starts_with("C0042 stopped-operator none 0.00 0 0.00 1 0 "), "{told}");
        let unknown = ctl.ask("kill account=beta why: a test").unwrap();
        assert!(
            matches!(unknown.outcome, ControlOutcome::Refused(why) if why.contains("own, alpha"))
        );
        drop(ends_run);
        let exchange = serving.join().unwrap();
        assert_eq!(exchange.last.counters.trades, 2, "{exchange}");
        selling.join().unwrap();
        buying.join().unwrap()
    });
    let [own, alpha] = &report.core.accounts[..] else { panic!("{report}") };
    let held = |it: &tezi::AccountReport| -> Vec<i64> {
        it.positions.iter().map(|it| it.position.net).collect()
    };
    let lot = i64::from(report.core.positions[0].instrument.lot.0);
    assert_eq!((held(own), held(alpha)), (vec![2 * lot], Vec::new()));
    assert_eq!((own.stopped, alpha.stopped), (None, Some(StopCause::Operator)));
    assert_eq!((own.counts.fills, alpha.counts.new_orders), (2, 1));
    assert!(
        report.to_string().contains("alpha            C0042          stopped operator"),
        "{report}"
    );
    // The journal alone gives the same back.
    let replay = replay_recorded(&journal).unwrap();
    assert_eq!(replay.problems(), Vec::<String>::new());
    assert_eq!(replay.core.state_hash, report.core.state_hash);
    let again: Vec<_> = replay.core.accounts.iter().map(held).collect();
    assert_eq!(again, [held(own), held(alpha)]);
}

fn connect(socket: &std::path::Path) -> ControlClient {
    let begun = Instant::now();
    loop {
        match ControlClient::connect(socket) {
            Ok(client) => return client,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_session_in_which_somebody_trades_for_nobody_does_not_begin() {
    let server = serve(&market(&own_box(77, "")));
    let parties = || two_accounts(&Wires::default(), &Wires::default());
    let host = host().config(core_config()).account("own=pro").unwrap();
    let host = host.trade_for(StrategyId(1), "own").unwrap();
    let error = host.run(&Session::Live(session(&server, 77)), parties()).unwrap_err();
    assert!(error.to_string().contains("strategy 2 trades for none"), "{error}");
    // What the wire cannot hold is found before the session begins.
    let own = |line: &str| {
        let host = tezi::Host::new().account(line).unwrap();
        let host = host.trade_for(StrategyId(1), "own").unwrap();
        host.trade_for(StrategyId(2), "own").unwrap()
    };
    let mut client = session(&server, 77);
    let orders = client.orders.as_mut().unwrap();
    (orders.client, orders.pan) = (Some("C1".into()), "AAAAA0001A".into());
    let error = own("own=pro").run(&Session::Live(client), parties()).unwrap_err();
    assert!(error.to_string().contains("account own: the PAN"), "{error}");
}

#[test]
fn a_kill_of_the_user_is_the_exchanges_own_as_well() {
    let mut server = serve(&market(&own_box(77, "")));
    let (scratch, stop) = (Scratch::new(), AtomicBool::new(false));
    let (journal, socket) = (scratch.path("journal"), scratch.path("ctl"));
    let resting = session(&server, 77);
    let seller = Wires::default();
    let report = thread::scope(|scope| {
        let party = Party { side: Side::Sell, wires: seller.clone() };
        let host = host().config(core_config()).journal(&journal);
        let host = host.control(ControlConfig::new(&socket));
        let hosting = scope.spawn(move || host.run(&Session::Live(resting), party).unwrap());
        thread::sleep(Duration::from_millis(150));
        let (stop_it, server) = (&stop, &mut server);
        let serving = scope.spawn(move || server.run(stop_it, &mut |_| {}).unwrap());
        let ends_run = EndsRun(&stop);
        let mut ctl = connect(&socket);
        until("an offer", &seller.rests, 1);
        let killed = ctl.ask("kill user why: a test").unwrap();
        assert_eq!(killed.outcome, ControlOutcome::Done);
        until("its end", &seller.ended, 1);
        drop(ends_run);
        let exchange = serving.join().unwrap();
        assert_eq!(exchange.last.counters.kill_switches, 1, "{exchange}");
        hosting.join().unwrap()
    });
    assert_eq!(report.core.stopped, Some(RejectReason::Killed));
    let orders = report.orders.as_ref().unwrap();
    assert!(orders.open_at_end.is_empty(), "{orders}");
    let asked = "the exchange was asked to cancel every order of the user";
    assert!(report.notes.iter().any(|note| note.contains(asked)), "{:?}", report.notes);
    let replay = replay_recorded(&journal).unwrap();
    assert_eq!(replay.core.state_hash, report.core.state_hash);
}
