//! A running host observed: its metrics by a real request, its latency log, its log of events; and
//! nothing allocated on the core meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what is not so")]

mod common;
#[path = "common/exposition.rs"]
mod exposition;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::{Scratch, host, quoter};
use exposition::{Samples, parse};
use tezi::latency::log;
use tezi::model::RejectReason;
use tezi::strategy::{
    BookUpdate, Context, FeedUpdate, Fill, OptionQuoter, OrderUpdate, Strategy, TimerId,
};
use tezi::{DemoConfig, DemoSession, Host, Observation, PathStage, Session};
use tezi_testing::allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// A test that comes to nothing ends here.
const PATIENCE: Duration = Duration::from_secs(20);

/// A quoter that watches its thread's allocations, from its first book on.
struct Witness {
    quoter: OptionQuoter,
    first: Option<u64>,
    allocations: Arc<AtomicU64>,
}

impl Strategy for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.quoter.on_start(ctx);
    }
    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        self.quoter.on_book(ctx, update);
        let count = allocation::count();
        let first = *self.first.get_or_insert(count);
        self.allocations.store(count - first, Ordering::Relaxed);
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        self.quoter.on_order(ctx, update);
    }
    fn on_fill(&mut self, ctx: &mut Context<'_>, fill: &Fill) {
        self.quoter.on_fill(ctx, fill);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, timer: TimerId) {
        self.quoter.on_timer(ctx, timer);
    }
    fn on_feed(&mut self, ctx: &mut Context<'_>, update: &FeedUpdate) {
        self.quoter.on_feed(ctx, update);
    }
}

fn demo(seconds: f64) -> Session {
    let config = DemoConfig { seconds, rate: 3_000.0, lose_both: 3, ..DemoConfig::default() };
    Session::Demo(DemoSession { config, save_pcap: None })
}

/// The demo's instruments do not fit the bounds of the other tests.
fn roomy() -> Host {
    host().config(tezi::CoreConfig::default())
}

/// Asks once; the status line and the body.
fn get(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), body.len());
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Where the log says that metrics are served.
fn metrics_address(events: &Path) -> SocketAddr {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = std::fs::read_to_string(events).unwrap_or_default();
        if let Some((_, rest)) = text.split_once("\"metrics\":\"") {
            return rest.split_once('"').unwrap().0.parse().unwrap();
        }
        assert!(Instant::now() < deadline, "the host told no address: {text}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Scrapes until events and latencies are there.
fn scrape(address: SocketAddr) -> Samples {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = "GET /metrics HTTP/1.1\r\nHost: tezi\r\n\r\n";
        let (status, body) = get(address, request);
        assert_eq!(status, "HTTP/1.1 200 OK");
        let samples = parse(&body).unwrap_or_else(|why| panic!("{why}"));
        let is_there = |key: &str| samples.get(key).is_some_and(|value| *value > 0.0);
        if is_there("tezi_events_total")
            && is_there("tezi_stage_latency_seconds_count{stage=\"ring\"}")
        {
            return samples;
        }
        assert!(Instant::now() < deadline, "{body}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_host_is_observed_and_its_core_allocates_nothing() {
    let scratch = Scratch::new();
    let [events, hlog] = ["events.jsonl", "run.hlog"].map(|name| scratch.path(name));
    let observation = Observation {
        latency_log: Some(hlog.clone()),
        latency_interval: Duration::from_millis(10),
        hiccups: true,
        metrics: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        event_log: Some(events.clone()),
        ..Observation::default()
    };
    let allocations = Arc::new(AtomicU64::new(u64::MAX));
    let witness = Witness { quoter: quoter(), first: None, allocations: Arc::clone(&allocations) };
    let host = roomy().journal(scratch.path("journal")).observe(observation);
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| host.run(&demo(4.0), witness).unwrap());
        let address = metrics_address(&events);
        let samples = scrape(address);
        for reason in RejectReason::ALL {
            let key = format!("tezi_refusals_total{{reason=\"{}\"}}", reason.name());
            assert!(samples.contains_key(&key), "{key}");
        }
        assert!(samples.keys().any(|key| key.starts_with("tezi_info{version=\"")));
        assert!(!samples.contains_key("tezi_order_session_live"), "no session, no figure");
        running.join().unwrap()
    });
    assert!(report.core.counters.events > 1_000, "{:?}", report.core.counters);
    assert_eq!(allocations.load(Ordering::Relaxed), 0, "on the core's thread");
    // Every latency is in the log exactly once.
    let mut counts = [0; PathStage::ALL.len()];
    let file = std::io::BufReader::new(std::fs::File::open(&hlog).unwrap());
    let (bad, why) = log::read(file, 5, |interval| {
        counts[PathStage::of_name(&interval.tag).unwrap() as usize] +=
            interval.distribution.count();
    })
    .unwrap();
    assert_eq!(bad, 0, "{why:?}");
    for stage in PathStage::ALL {
        let reported = report.latencies.stage(stage).count();
        assert_eq!(counts[stage as usize], reported, "{stage:?}");
    }
    for stage in [PathStage::Receive, PathStage::Decode, PathStage::Ring, PathStage::TickToOrder] {
        assert!(counts[stage as usize] > 0, "{stage:?}");
    }
    assert_eq!(counts[PathStage::Ring as usize], report.core.counters.events);
    check_events(&events, &format!("{:016x}", report.core.state_hash));
}

/// The log of events begins with the start, ends with the stop, and tells what happened between.
fn check_events(path: &Path, state_hash: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let has = |line: &str, key: &str, value: &str| line.contains(&format!("\"{key}\":{value}"));
    assert!(lines.iter().all(|line| line.starts_with("{\"time_ns\":") && line.ends_with('}')));
    assert!(has(lines[0], "event", "\"start\"") && has(lines[0], "settings_digest", "\""));
    let last = lines.last().unwrap();
    assert!(has(last, "event", "\"stop\"") && has(last, "problems", "["), "{last}");
    assert!(has(last, "state_hash", &format!("\"{state_hash}\"")), "{last}");
    // What both lines lose is missing until the recovery server has sent it.
    for event in ["\"stream_stale\"", "\"stream_whole\""] {
        assert!(lines.iter().any(|line| has(line, "event", event)), "{event} in {text}");
    }
}

#[test]
fn what_cannot_be_observed_is_told_before_the_session() {
    let scratch = Scratch::new();
    let nowhere = scratch.path("missing/run.hlog");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let observations = [
        (Observation { latency_log: Some(nowhere.clone()), ..Observation::default() }, "run.hlog"),
        (Observation { event_log: Some(nowhere), ..Observation::default() }, "run.hlog"),
        (
            Observation { metrics: Some(taken.local_addr().unwrap()), ..Observation::default() },
            "cannot serve metrics on 127.0.0.1:",
        ),
        (
            Observation {
                hiccups: true,
                latency_interval: Duration::from_millis(1),
                ..Observation::default()
            },
            "a latency interval is 10 ms to an hour",
        ),
    ];
    for (observation, says) in observations {
        let journal = scratch.path("journal");
        let host = roomy().journal(&journal).observe(observation);
        let error = host.run(&demo(0.1), quoter()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert!(!journal.exists(), "a session that did not start leaves no journal");
    }
}

#[test]
fn the_strict_reader_refuses_what_is_not_the_format() {
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"\\\\\"} 1\na_total 2\n";
    assert_eq!(parse(good).unwrap().len(), 2);
    for (from, to) in [
        ("a_total 2", "a_total{b=\"c\\\"\\\\\"} 2"),
        ("a_total 2", "a_total -2"),
        ("a_total 2", "b_total 2"),
        ("a_total 2", "a_total 2 "),
        ("a_total 2", "a_total{} 2"),
        ("a_total 2\n", "a_total 2"),
        ("b=\"c", "b=\"c\\x"),
        ("# TYPE a_total counter\n", ""),
        ("counter", "gauge"),
        ("# HELP a_total x\n", ""),
    ] {
        assert!(parse(&good.replacen(from, to, 1)).is_err(), "{from} as {to}");
    }
}
