//! Operators on a Unix socket, a host that trades with a small exchange over real sockets: what they ask
//! is done, is in the journal with who and why, and is done again by every replay.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "order_session/exchange.rs"]
mod exchange;
#[path = "order_session/setup.rs"]
mod setup;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::{Scratch, host};
use exchange::{Exchange, Faults};
use setup::{LOT, PATIENCE, TOKEN, core_config, free_line, live, order_session};
use tezi::control::{Control, ControlAnswer, ControlClient, ControlOutcome, Limit};
use tezi::day_report::{StopEvent, day_report};
use tezi::gateway::nnf::Encryption;
use tezi::gateway::nnf::server::RequestKind;
use tezi::journal::JournalReader;
use tezi::model::{InstrumentId, Px, Qty, RejectReason, Side, StrategyId};
use tezi::roster::{Roster, StopCause, StrategyEvent};
use tezi::strategy::{BookUpdate, Context, ParameterError, Strategy, Watch};
use tezi::venue::rules::Rules;
use tezi::{
    ControlConfig, ControlEntry, CoreReport, Entry, Error, Host, Report, Session, StrategyReport,
    replay_journal, replay_recorded,
};

/// Buys some lots once, and keeps twenty orders in the book, far from the touch.
#[derive(Clone, Debug, Default)]
struct Ladder {
    has_bought: bool,
}

const RUNGS: usize = 20;

impl Strategy for Ladder {
    fn name(&self) -> &'static str {
        "ladder"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        let future = update.instrument;
        let Some(ask) = ctx.book(future).ask() else { return };
        if !self.has_bought {
            self.has_bought = ctx.submit_ioc(future, Side::Buy, ask.price, Qty(4 * LOT)).is_ok();
        }
        let open = ctx.open_orders().count();
        if open < RUNGS {
            let price = Px::from_rupees(23_900.0 - open as f64);
            let _ = ctx.submit(future, Side::Buy, price, Qty(LOT));
        }
    }
}

/// Keeps some buys open, and panics when it is told to.
#[derive(Default)]
struct Wild {
    rungs: usize,
    panics: bool,
}

impl Strategy for Wild {
    fn name(&self) -> &'static str {
        "wild"
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        assert!(!self.panics, "it was told to");
        let open = ctx.open_orders().count();
        if open < self.rungs {
            let price = Px::from_rupees(23_900.0 - open as f64);
            let _ = ctx.submit(update.instrument, Side::Buy, price, Qty(LOT));
        }
    }

    fn set_parameter(
        &mut self,
        _ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        match (key, value) {
            ("panics", "yes") => self.panics = true,
            ("rungs", _) => self.rungs = value.parse().map_err(|_| ParameterError::Value)?,
            _ => return Err(ParameterError::Unknown),
        }
        Ok(())
    }
}

fn two_wild() -> Roster {
    let mut roster = Roster::new();
    for name in ["calm", "wild"] {
        roster.add(name, Box::new(Wild { rungs: 3, panics: false }), None).unwrap();
    }
    roster
}

/// Waits for what will come.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

struct Operator(ControlClient);

impl Operator {
    fn connect(socket: &Path) -> Self {
        Self(until("the control socket", || ControlClient::connect(socket).ok()))
    }

    fn ask(&mut self, line: &str) -> ControlAnswer {
        self.0.ask(line).unwrap()
    }

    /// Asks for what is done.
    fn done(&mut self, line: &str) -> ControlAnswer {
        let answer = self.ask(line);
        assert_eq!(answer.outcome, ControlOutcome::Done, "{line}");
        answer
    }

    fn value(&mut self, name: &str) -> String {
        let status = self.done("status");
        status.value(name).unwrap_or_else(|| panic!("no {name} in {status:?}")).to_string()
    }

    fn count(&mut self, name: &str) -> u64 {
        self.value(name).parse().unwrap()
    }

    fn until(&mut self, name: &str, value: &str) {
        let begun = Instant::now();
        while self.value(name) != value {
            assert!(begun.elapsed() < PATIENCE, "no {name} {value}: {:?}", self.done("status"));
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Runs a host and the exchange while an operator acts; the exchange thread leaves what it heard.
fn run<S: Strategy + Send>(
    strategy: S,
    control: ControlConfig,
    journal: PathBuf,
    limits: &[(StrategyId, Limit, i64)],
    operate: impl FnOnce(&mut Operator, &Exchange) + Send,
) -> Report {
    let lines = [free_line(), free_line()];
    let mut exchange = Exchange::new(&lines, Encryption::Plain, Faults::default());
    exchange.pause = Duration::ZERO;
    // What the operator sees of it: the requests it heard.
    let mut seen = Exchange::new(&lines, Encryption::Plain, Faults::default());
    seen.heard = exchange.heard.clone();
    let mut session = live(lines);
    session.orders = Some(order_session(exchange.router(), Encryption::Plain));
    let (stop, over) = (session.stop.clone(), AtomicBool::new(false));
    let socket = control.socket.clone();
    thread::scope(|scope| {
        scope.spawn(|| exchange.run(&over));
        let operator = scope.spawn(move || {
            // Whatever goes wrong, the session ends.
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                operate(&mut Operator::connect(&socket), &seen);
            }));
            stop.set();
            ended
        });
        let mut host = host().config(core_config()).journal(journal).control(control);
        for &(strategy, limit, value) in limits {
            host = match strategy {
                StrategyId::NONE => host.limit(limit, value).unwrap(),
                _ => host.strategy_limit(strategy, limit, value).unwrap(),
            };
        }
        let report = host.run(&Session::Live(session), strategy).unwrap();
        over.store(true, Ordering::Relaxed);
        operator.join().unwrap().unwrap();
        report
    })
}

fn controls(journal: &Path) -> Vec<ControlEntry> {
    let mut reader = JournalReader::open(journal).unwrap();
    let mut all = Vec::new();
    while let Some(record) = reader.next_record() {
        if let Entry::Control(entry) = Entry::read(&record).unwrap() {
            all.push(*entry);
        }
    }
    all
}

/// The session of the first test, as its operator lives it.
fn a_day(operator: &mut Operator, exchange: &Exchange) {
    operator.until("open-orders", &RUNGS.to_string());
    assert_eq!(operator.value("state"), "trading");
    assert_eq!(operator.value("order-session"), "live");
    let positions = operator.done("positions");
    let (name, held) = &positions.values[0];
    assert_eq!(name, "NIFTY_2026-12-29_FUT");
    assert_eq!(held.split(' ').next(), Some((4 * LOT).to_string().as_str()));

    operator.done("pause why: news at 10:00");
    operator.done(&format!("cancel fo:{TOKEN} why: news at 10:00"));
    operator.until("open-orders", "0");
    let refused = operator.count("refused");
    until("refusals", || (operator.count("refused") > refused).then_some(()));
    assert_eq!(operator.value("state"), "paused");
    let last = operator.value("last-action");
    assert!(last.starts_with("cancel by ") && last.ends_with(": news at 10:00"), "{last}");
    operator.done("limit position-max 650 why: half size");
    let limits = operator.done("limits");
    assert_eq!(limits.value("position-max"), Some("650"));
    operator.done("resume why: all is calm");
    // Four lots are held, six more may be.
    operator.until("open-orders", "6");
    operator.done("restrict no-buys NIFTY 2026-12-29 FUT why: restricted list");
    operator.done("unrestrict nifty 2026-12-29 fut why: a mistake");

    operator.done("flatten through=30 why: the day is over");
    operator.until("state", "paused");
    assert_eq!(operator.value("open-orders"), "0");
    let positions = operator.done("positions");
    assert!(positions.values[0].1.starts_with("0 - "), "{positions:?}");

    operator.done("limit position-max 0 why: full size");
    operator.done("resume why: once more");
    operator.until("open-orders", &RUNGS.to_string());
    let cancels = |exchange: &Exchange| {
        let heard = exchange.heard.lock().unwrap();
        heard.iter().filter(|it| it.kind == RequestKind::Cancel).count()
    };
    let before = cancels(exchange);
    let asked = Instant::now();
    operator.done("kill why: \"runaway\"");
    let answered = asked.elapsed();
    while cancels(exchange) < before + RUNGS {
        assert!(asked.elapsed() < PATIENCE, "the last cancel never left");
        thread::yield_now();
    }
    let last = asked.elapsed();
    println!("kill: answered in {answered:?}, the last of {RUNGS} cancels heard in {last:?}");
    operator.until("open-orders", "0");
    assert_eq!(operator.value("state"), "stopped killed");
    let refused = [
        ("resume why: again", "trading is stopped: a release comes first"),
        ("release why: again", "a stop is released by two users"),
        ("cancel fo:1 why: what", "no instrument is called 'fo:1'"),
    ];
    for (line, why) in refused {
        let ControlOutcome::Refused(said) = operator.ask(line).outcome else { panic!("{line}") };
        assert!(said.starts_with(why), "{line}: {said}");
    }
    let record = operator.done("rotate").value("journal-record").map(str::to_string);
    assert!(record.is_some() && operator.value("journal-segments") == "2");
}

#[test]
fn what_operators_do_is_done_journaled_and_replayed() {
    let scratch = Scratch::new();
    let (journal, socket) = (scratch.path("journal"), scratch.path("ctl"));
    let config = ControlConfig::new(&socket);
    let none = StrategyId::NONE;
    let limits = [(none, Limit::InFlight, 100), (none, Limit::Drawdown, 5_000_000)];
    let report = run(Ladder::default(), config, journal.clone(), &limits, a_day);
    assert!(!socket.exists(), "the socket goes with its host");
    assert_eq!(report.core.stopped, Some(RejectReason::Killed));

    let entries = controls(&journal);
    let names: Vec<&str> = entries.iter().map(|entry| entry.control.name()).collect();
    let expected = "limit limit pause cancel limit resume restrict restrict flatten limit resume \
                    kill resume";
    assert_eq!(names.join(" "), expected);
    assert_eq!(entries[0].who, "configuration");
    let (_, limit, value) = limits[0];
    assert_eq!(entries[0].control, Control::SetLimit { limit, value });
    let by_hand = &entries[2..];
    assert!(by_hand.iter().all(|entry| entry.who == by_hand[0].who && !entry.who.is_empty()));
    assert_eq!(
        (by_hand[0].why.as_str(), by_hand[9].why.as_str()),
        ("news at 10:00", "\"runaway\"")
    );
    let instrument = Some(InstrumentId(0));
    assert_eq!(by_hand[1].control, Control::CancelAll { instrument });

    let day = day_report(&journal, &Rules::builtin().unwrap()).unwrap();
    let told: Vec<_> = day.controls.iter().map(|row| row.entry.clone()).collect();
    assert_eq!(told, entries, "the evidence of the day has them");
    assert_eq!(
        day.controls[3].instrument.map(|it| it.to_string()),
        Some("NIFTY 2026-12-29 FUT".into())
    );
    let stops: Vec<_> = day.stops.iter().map(|row| row.event).collect();
    assert_eq!(stops, [StopEvent::Stopped(RejectReason::Killed)]);

    let recorded = replay_recorded(&journal).unwrap();
    let with_code = replay_journal(&journal, Ladder::default()).unwrap();
    for replay in [recorded, with_code] {
        assert!(replay.is_fine(), "{:?}", replay.problems());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
    }
    // Taken up again, the limits must be those it began with.
    let mut session = live([free_line(), free_line()]);
    session.orders = Some(order_session(free_line(), Encryption::Plain));
    let again = host().config(core_config()).journal(&journal).resume(true);
    let error = |host: Host| {
        let Err(Error::JournalContent { what, .. }) =
            host.run(&Session::Live(session.clone()), Ladder::default())
        else {
            panic!("it was taken up")
        };
        what
    };
    assert!(error(again.clone()).contains("other limits"));
    let same = limits.iter().try_fold(again, |host, &(_, limit, value)| host.limit(limit, value));
    assert!(error(same.unwrap()).contains("ended in order"));
}

/// Sends bytes and reads what comes back until nothing does.
fn raw(socket: &Path, bytes: &[u8]) -> Vec<String> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    BufReader::new(stream).lines().map_while(Result::ok).collect()
}

#[test]
fn what_is_no_request_is_answered_so_and_harms_nobody() {
    let scratch = Scratch::new();
    let socket = scratch.path("ctl");
    let config = ControlConfig { dual: true, ..ControlConfig::new(&socket) };
    let journal = scratch.path("journal");
    let drawdown = [(StrategyId::NONE, Limit::Drawdown, 500)];
    let report = run(Watch, config, journal.clone(), &drawdown, |operator, _| {
        assert_eq!(raw(&socket, b"\xff\xfe\n"), ["error a line is UTF-8"]);
        assert_eq!(raw(&socket, b"\0\n"), ["error a line of plain text is needed"]);
        let long = [b'x'; 4_000];
        assert_eq!(raw(&socket, &long), ["error a line has at most 1024 bytes"]);
        assert!(raw(&socket, b"kill why: half a li").is_empty(), "a line has an end");
        assert_eq!(raw(&socket, b"watch\nwatch\n").len(), 4, "two answers in their order");
        let said = raw(&socket, b"pause\n");
        assert!(said[0].starts_with("error say why"), "{said:?}");
        // More connections than there is room for: the silent ones give way, who asks gets in.
        let many: Vec<_> = (0..40).map(|_| UnixStream::connect(&socket).unwrap()).collect();
        assert_eq!(raw(&socket, b"watch\n").last().map(String::as_str), Some("ok"));
        let mut gone = 0;
        for mut stream in many {
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            let mut text = String::new();
            let _ = stream.read_to_string(&mut text);
            gone += usize::from(text == "error others need the place of this connection\n");
        }
        assert!(gone >= 24, "{gone} of 40 gave way");
        *operator = Operator::connect(&socket);
        // One user alone does not loosen what two must; tightening is for everyone.
        for line in ["limit drawdown-max 600 why: more", "limit drawdown-max off why: more"] {
            for _ in 0..2 {
                let outcome = operator.ask(line).outcome;
                assert!(matches!(outcome, ControlOutcome::Waiting(_)), "{line}: {outcome:?}");
            }
        }
        assert!(operator.value("waits-for-a-second-user").starts_with("limit asked for by "));
        operator.done("limit drawdown-max 400 why: less");
        operator.done("kill why: a test");
        let outcome = operator.ask("release why: a test").outcome;
        assert!(matches!(outcome, ControlOutcome::Waiting(_)), "{outcome:?}");
        assert_eq!(operator.value("state"), "stopped killed");
    });
    assert_eq!(report.core.stopped, Some(RejectReason::Killed));
    let entries = controls(&journal);
    let names: Vec<&str> = entries.iter().map(|entry| entry.control.name()).collect();
    assert_eq!(names, ["limit", "limit", "kill"], "nothing else reached the core");
}

#[test]
fn without_an_operator_the_dead_mans_switch_pauses() {
    let scratch = Scratch::new();
    let deadman = Some(Duration::from_millis(150));
    let config = ControlConfig { deadman, ..ControlConfig::new(scratch.path("ctl")) };
    let journal = scratch.path("journal");
    run(Ladder::default(), config, journal.clone(), &[], |operator, _| {
        until("the switch", || {
            thread::sleep(Duration::from_millis(300));
            (operator.value("state") == "paused").then_some(())
        });
        operator.done("resume why: I am here");
        assert_eq!(operator.value("state"), "trading");
    });
    let entries = controls(&journal);
    let pause = &entries[0];
    assert_eq!((pause.control, pause.who.as_str()), (Control::Pause, "dead-man switch"));
    assert_eq!(pause.why, "no operator was heard for 0.15 s");
    assert!(replay_journal(&journal, Ladder::default()).unwrap().is_fine());
}

/// State and open orders of a strategy, as an operator sees them.
fn stands(operator: &mut Operator, strategy: &str) -> (String, String) {
    // A panic writes its backtrace on the core's thread, which may take longer than an answer.
    let answer = until("an answer", || {
        let answer = operator.ask("strategies");
        (answer.outcome == ControlOutcome::Done).then_some(answer)
    });
    let mut words = answer.value(strategy).unwrap().split(' ').skip(1);
    let state = words.next().unwrap().into();
    (state, words.nth(1).unwrap().into())
}

fn until_stands(operator: &mut Operator, strategy: &str, state: &str, open: &str) {
    let wanted = (state.to_string(), open.to_string());
    until(strategy, || (stands(operator, strategy) == wanted).then_some(()));
}

/// Refused, for a reason that says so.
fn refused(operator: &mut Operator, line: &str, reason: &str) {
    let ControlOutcome::Refused(why) = operator.ask(line).outcome else { panic!("{line}") };
    assert!(why.contains(reason), "{line}: {why}");
}

#[test]
fn limits_are_of_strategies_that_run() {
    let known = host().strategy_limit(StrategyId(1), Limit::MarginAvailable, 5);
    assert!(known.unwrap_err().to_string().contains("is the desk's"));
    let host = host().strategy_limit(StrategyId(3), Limit::Loss, 5).unwrap();
    let lines = [free_line(), free_line()];
    let error = host.run(&Session::Live(live(lines)), two_wild()).unwrap_err();
    assert!(error.to_string().contains("limits are set of strategy 3, and there are 2"), "{error}");
}

#[test]
fn one_strategy_is_stopped_set_and_dies_and_the_other_trades_on() {
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let control = ControlConfig::new(scratch.path("socket"));
    let limits = [(StrategyId(2), Limit::OpenOrders, 2)];
    let report = run(two_wild(), control, journal.clone(), &limits, |operator, _| {
        until_stands(operator, "calm", "trading", "3");
        until_stands(operator, "wild", "trading", "2");
        operator.done("set calm rungs=5 why: more of it");
        until_stands(operator, "calm", "trading", "5");
        refused(operator, "set calm rungs=many why: a try", "did not take this value");
        refused(operator, "set calm depth=2 why: a try", "no such parameter");
        refused(operator, "set rungs=5 why: a try", "say whose parameter");
        refused(operator, "stop nobody why: a try", "there are calm, wild");
        operator.done("stop calm why: it is early");
        until_stands(operator, "calm", "stopped-operator", "0");
        assert_eq!(stands(operator, "wild"), ("trading".into(), "2".into()));
        operator.done("start calm why: it is time");
        until_stands(operator, "calm", "trading", "5");
        operator.done("limit of=calm open-orders-max 1 why: less");
        refused(operator, "limit of=calm drawdown-max 1 why: a try", "is the desk's");
        operator.done("set wild panics=yes why: to see it go");
        until_stands(operator, "wild", "stopped-panic", "0");
        refused(operator, "start wild why: again", "panicked");
        assert_eq!(stands(operator, "calm"), ("trading".into(), "5".into()));
        assert_eq!(operator.value("state"), "trading");
    });
    assert_eq!(report.problems(), Vec::<String>::new());
    let [calm, wild] = &report.core.strategies[..] else { panic!("{:?}", report.core.strategies) };
    assert_eq!((calm.stopped, wild.stopped), (None, Some(StopCause::Panic)));
    assert_eq!(report.core.remarks, "wild: panicked: it was told to");
    assert!(report.to_string().contains("wild             wild           stopped panic"));
    // The state comes back from the journal alone, and with the strategies' code.
    let replays =
        [replay_recorded(&journal).unwrap(), replay_journal(&journal, two_wild()).unwrap()];
    for replay in replays {
        assert_eq!(replay.problems(), Vec::<String>::new());
        assert_eq!(replay.core.state_hash, report.core.state_hash);
        let profits = |it: &CoreReport| -> Vec<_> {
            let one = |it: &StrategyReport| (it.name.clone(), it.profit, it.counts, it.stopped);
            it.strategies.iter().map(one).collect()
        };
        assert_eq!(profits(&replay.core), profits(&report.core));
    }
    let names: Vec<_> = controls(&journal).iter().map(|it| it.control.name()).collect();
    let asked = "strategy_limit set set set stop start strategy_limit strategy_limit set start";
    assert_eq!(names.join(" "), asked, "what the core refused is journaled too");
    let day = day_report(&journal, &Rules::builtin().unwrap()).unwrap();
    let stops: Vec<_> = day.stops.iter().map(|row| row.event).collect();
    let of = |number, event| StopEvent::Strategy(StrategyId(number), event);
    let expected = [
        of(1, StrategyEvent::Stopped(StopCause::Operator)),
        of(1, StrategyEvent::Started),
        of(2, StrategyEvent::Stopped(StopCause::Panic)),
        // The end of the session.
        StopEvent::Stopped(RejectReason::Killed),
    ];
    assert_eq!(stops, expected);
    assert!(day.orders.iter().all(|it| it.last.is_some_and(|it| !it.strategy.is_none())));
}
