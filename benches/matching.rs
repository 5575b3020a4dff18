//! The matcher: every check on, a report for every event, on one instrument.
//!
//! Workloads, of 400,000 requests each on a book that is used already: *calm* (58 % limit orders,
//! 3.5 % immediate or cancel, 38 % cancels, about 5,000 live orders), *swing* (the same while the
//! price goes up and down by 40 %), *crash* (it falls by a third within a twentieth of the run, and
//! comes back), *level* (20,000 orders at one price, and all requests there). Every order has an
//! owner among a thousand, so self trades happen.
//!
//! `curve` (only when it is named): the calm mix over many instruments, up to 10 million live orders in
//! 100,000 of them, where each request is about another book. A minute, 4 GB.
//!
//! Figures: requests a second over whole passes (the best and the median of nine), and the time of
//! single requests, with the pair of clock reads around them beside it.

#![allow(clippy::expect_used, reason = "a bench may stop at a broken set-up")]

mod support;

use std::f64::consts::TAU;
use std::hint::black_box;

use hdrhistogram::Histogram;
use quanta::Clock;
use support::Random;
use tezi_core::book::BooksConfig;
use tezi_core::matching::{
    InstrumentTerms, Matcher, MatcherConfig, Order, Owner, Pan, Report, Target,
};
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::Phase;
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side, TimeInForce};

const REQUESTS: usize = 400_000;
const PASSES: usize = 9;
const TICK: Px = Px::from_paise(5);
const LOT: u32 = 65;
const MIDDLE: i64 = 450_000;

#[derive(Clone, Copy)]
enum Request {
    Submit(Order),
    Cancel(Target),
}

/// How the price moves over a run, and where orders are put around it.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    live: usize,
    /// The middle, in ticks, as a factor of [`MIDDLE`], at a part of the run.
    factor: fn(f64) -> f64,
    /// Orders lie within so many ticks of the middle.
    width: usize,
}

const SHAPES: [Shape; 4] = [
    Shape { name: "calm", live: 5_000, factor: |_| 1.0, width: 100 },
    Shape { name: "swing", live: 5_000, factor: |part| 1.0 + 0.4 * (part * TAU).sin(), width: 100 },
    Shape { name: "crash", live: 5_000, factor: crash, width: 100 },
    Shape { name: "level", live: 20_000, factor: |_| 1.0, width: 0 },
];

fn crash(part: f64) -> f64 {
    let depth = if part < 0.5 { (part - 0.45) / 0.05 } else { (0.6 - part) / 0.1 };
    1.0 - 0.33 * depth.clamp(0.0, 1.0)
}

/// A used matcher, and the requests that follow.
struct Workload {
    matcher: Matcher,
    requests: Vec<Request>,
}

struct Maker {
    random: Random,
    shape: Shape,
    matcher: Matcher,
    live: Vec<OrderId>,
    owners: Vec<Owner>,
}

impl Maker {
    fn new(shape: Shape) -> Self {
        let books = BooksConfig { instruments_max: 1, orders_max: 1 << 16, levels_max: 1 << 14 };
        let mut matcher =
            Matcher::new(&MatcherConfig { books, ..MatcherConfig::small(Segment::NseFo) });
        let terms = InstrumentTerms {
            band: PriceBand { low: TICK, high: Px(TICK.0 * MIDDLE * 2) },
            freeze: Some(Qty(1_800)),
            ..InstrumentTerms::new(TICK, Qty(LOT))
        };
        let instrument = matcher.add_instrument(&terms).expect("one instrument has room");
        let opened =
            matcher.set_phase(Nanos(1), instrument, Phase::Continuous, &mut |_: &Report| {});
        opened.expect("the instrument is there");
        let letter = |index: usize| (b'A' + (index % 26) as u8) as char;
        let pan = |index: usize| format!("AA{}{}C{:04}F", letter(index), letter(index / 26), index);
        let owner = |index| Owner {
            pan: Pan::parse(&pan(index)).expect("it is a PAN"),
            ..Owner::default()
        };
        let owners = (0..1_000).map(owner).collect();
        Self { random: Random::new(11), shape, matcher, live: Vec::new(), owners }
    }

    fn order(&mut self, part: f64, is_taker: bool) -> Order {
        let middle = (MIDDLE as f64 * (self.shape.factor)(part)) as i64;
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        // A level has one side that waits and one that comes.
        let side = match (self.shape.width, is_taker) {
            (0, false) => Side::Buy,
            (0, true) => Side::Sell,
            _ => side,
        };
        let away = self.random.below(self.shape.width + 1) as i64;
        let away = if is_taker { -away.min(3) } else { away + i64::from(self.shape.width > 0) };
        let price = Px(TICK.0 * (middle - side.sign() * away));
        let lots = 1 + self.random.below(4) as u32;
        Order {
            owner: self.owners[self.random.below(1_000)],
            member: 7,
            reference: self.random.next(),
            ..Order::limit(InstrumentId(0), side, price, Qty(LOT * lots))
        }
    }

    /// An order that still rests, by its number.
    fn resting(&mut self) -> Option<OrderId> {
        while !self.live.is_empty() {
            let at = self.random.below(self.live.len());
            let id = self.live.swap_remove(at);
            if self.matcher.books().order(Segment::NseFo as u8, id).is_some() {
                return Some(id);
            }
        }
        None
    }

    fn next(&mut self, part: f64) -> Request {
        let is_full = self.matcher.books().orders_count() >= self.shape.live;
        let turn = self.random.below(1_000);
        if turn < 385
            && is_full
            && let Some(order_id) = self.resting()
        {
            return Request::Cancel(Target::new(order_id, 7));
        }
        if turn >= 965 {
            let order = self.order(part, true);
            return Request::Submit(Order { time_in_force: TimeInForce::Ioc, ..order });
        }
        let is_taker = is_full && self.random.below(100) < 40;
        Request::Submit(self.order(part, is_taker))
    }

    fn apply(&mut self, request: &Request) {
        let mut sink = |_: &Report| {};
        match request {
            Request::Submit(order) => {
                let id = self.matcher.submit(Nanos(1), order, &mut sink);
                self.live.push(id.expect("the bench's orders are sound"));
            }
            Request::Cancel(target) => {
                let done = self.matcher.cancel(Nanos(1), *target, &mut sink);
                done.expect("the order rests");
            }
        }
    }

    fn make(mut self) -> Workload {
        for _ in 0..REQUESTS / 4 {
            let request = self.next(0.0);
            self.apply(&request);
        }
        let matcher = self.matcher.clone();
        let requests = (0..REQUESTS)
            .map(|index| {
                let request = self.next(index as f64 / REQUESTS as f64);
                self.apply(&request);
                request
            })
            .collect();
        Workload { matcher, requests }
    }
}

/// What a gateway would read of every report.
#[derive(Default)]
struct Counts {
    reports: u64,
    trades: u64,
    sum: u64,
}

#[inline]
fn run(matcher: &mut Matcher, request: &Request, now: Nanos, counts: &mut Counts) {
    let mut sink = |report: &Report| {
        counts.reports += 1;
        match report {
            Report::Traded(trade) => {
                counts.trades += 1;
                counts.sum ^= trade.order_ids[0].0 ^ u64::from(trade.quantity.0);
            }
            Report::Accepted(state) | Report::Canceled(state, _) => {
                counts.sum ^= state.order_id.0 ^ state.reference;
            }
            _ => counts.sum ^= 1,
        }
    };
    let result = match request {
        Request::Submit(order) => matcher.submit(now, order, &mut sink).map(|_| ()),
        Request::Cancel(target) => matcher.cancel(now, *target, &mut sink),
    };
    debug_assert!(result.is_ok(), "the bench's requests are sound");
}

fn measure(shape: Shape) {
    let workload = Maker::new(shape).make();
    let clock = Clock::new();
    let mut passes: Vec<f64> = (0..PASSES)
        .map(|_| {
            let mut matcher = workload.matcher.clone();
            let mut counts = Counts::default();
            let start = clock.raw();
            for (index, request) in workload.requests.iter().enumerate() {
                run(&mut matcher, request, Nanos(index as i64), &mut counts);
            }
            let nanos = clock.delta_as_nanos(start, clock.raw()) as f64 / REQUESTS as f64;
            black_box(counts.sum);
            nanos
        })
        .collect();
    passes.sort_by(f64::total_cmp);
    let mut single = Histogram::<u64>::new(3).expect("three digits are possible");
    let mut pair = single.clone();
    let mut matcher = workload.matcher.clone();
    let mut counts = Counts::default();
    for (index, request) in workload.requests.iter().enumerate() {
        let start = clock.raw();
        run(&mut matcher, request, Nanos(index as i64), &mut counts);
        let end = clock.raw();
        single.saturating_record(clock.delta_as_nanos(start, end));
        let empty = clock.raw();
        pair.saturating_record(clock.delta_as_nanos(empty, clock.raw()));
    }
    let best = passes[0];
    let quantiles = |histogram: &Histogram<u64>| {
        [0.5, 0.99, 0.999].map(|part| histogram.value_at_quantile(part))
    };
    println!(
        "matching/{:<6} {:6.1} ns/request best, {:6.1} median ({:5.1} M/s best); \
         single p50/p99/p99.9 {:?} ns, clock pair {:?} ns; {:.2} reports and {:.2} trades a request, \
         {} live at the end",
        shape.name,
        best,
        passes[PASSES / 2],
        1e3 / best,
        quantiles(&single),
        quantiles(&pair),
        counts.reports as f64 / REQUESTS as f64,
        counts.trades as f64 / REQUESTS as f64,
        matcher.books().orders_count(),
    );
}

/// Live orders and instruments of the curve.
const CURVE: [(usize, u32); 5] =
    [(5_000, 1), (100_000, 100), (1_000_000, 1_000), (1_000_000, 10_000), (10_000_000, 100_000)];
const CHUNK: usize = 2_000;
const CHUNKS: usize = 200;

/// The calm mix over many instruments. Requests are made a chunk at a time, so that cancels are of
/// orders that rest.
struct Crowd {
    random: Random,
    matcher: Matcher,
    instruments: u32,
    /// Numbers of orders that rest, or did when they were noted.
    live: Vec<OrderId>,
    target: usize,
    submitted: u64,
}

impl Crowd {
    fn new(target: usize, instruments: u32) -> Self {
        let room = u32::try_from(target + target / 4 + 4 * CHUNK).expect("the bound is a u32");
        let books =
            BooksConfig { instruments_max: instruments, orders_max: room, levels_max: room };
        let small = MatcherConfig::small(Segment::NseFo);
        let mut matcher = Matcher::new(&MatcherConfig { books, ..small });
        let terms = InstrumentTerms {
            band: PriceBand { low: TICK, high: Px(TICK.0 * MIDDLE * 2) },
            freeze: Some(Qty(1_800)),
            ..InstrumentTerms::new(TICK, Qty(LOT))
        };
        for _ in 0..instruments {
            matcher.add_instrument(&terms).expect("there is room");
        }
        matcher.set_phase_all(Nanos(1), Phase::Continuous, &mut |_: &Report| {});
        let (random, live) = (Random::new(13), Vec::new());
        Self { random, matcher, instruments, live, target, submitted: 0 }
    }

    fn order(&mut self, is_taker: bool) -> Order {
        let side = if self.random.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away = if is_taker { -100 } else { 1 + self.random.below(100) as i64 };
        let price = Px(TICK.0 * (MIDDLE - side.sign() * away));
        let instrument = InstrumentId(self.random.below(self.instruments as usize) as u32);
        let quantity = Qty(LOT * (1 + self.random.below(4) as u32));
        Order { member: 7, ..Order::limit(instrument, side, price, quantity) }
    }

    fn fill(&mut self) {
        while self.matcher.books().orders_count() < self.target {
            let order = self.order(false);
            let id = self.matcher.submit(Nanos(1), &order, &mut |_: &Report| {});
            self.live.push(id.expect("the bench's orders are sound"));
            self.submitted += 1;
        }
    }

    /// Notes the orders of a chunk that was run: all are accepted, so their numbers are known.
    fn note(&mut self, requests: &[Request]) {
        for request in requests {
            let Request::Submit(order) = request else { continue };
            self.submitted += 1;
            if order.time_in_force == TimeInForce::Day {
                self.live.push(OrderId(self.submitted));
            }
        }
    }

    fn chunk(&mut self) -> Vec<Request> {
        let mut requests = Vec::with_capacity(CHUNK);
        // More of them while the book is above its size, so that it stays there.
        let is_over = self.matcher.books().orders_count() > self.target;
        let cancels = if is_over { 500 } else { 385 };
        while requests.len() < CHUNK {
            if self.random.below(1_000) < cancels && !self.live.is_empty() {
                let at = self.random.below(self.live.len());
                let order_id = self.live.swap_remove(at);
                if self.matcher.books().order(Segment::NseFo as u8, order_id).is_some() {
                    requests.push(Request::Cancel(Target::new(order_id, 7)));
                }
                continue;
            }
            let is_taker = self.random.below(100) < 25;
            let order = self.order(is_taker);
            let time_in_force = if is_taker { TimeInForce::Ioc } else { TimeInForce::Day };
            requests.push(Request::Submit(Order { time_in_force, ..order }));
        }
        requests
    }
}

fn measure_curve(live: usize, instruments: u32) {
    let mut crowd = Crowd::new(live, instruments);
    // As a host does at its start; the tables beside the books keep ordinary pages.
    let huge = tezi::advise_huge_pages(crowd.matcher.books());
    crowd.fill();
    let clock = Clock::new();
    let mut chunks = Vec::with_capacity(CHUNKS);
    let mut counts = Counts::default();
    for _ in 0..CHUNKS {
        let requests = crowd.chunk();
        let start = clock.raw();
        for request in &requests {
            run(&mut crowd.matcher, request, Nanos(2), &mut counts);
        }
        let nanos = clock.delta_as_nanos(start, clock.raw()) as f64 / CHUNK as f64;
        chunks.push(nanos);
        crowd.note(&requests);
        crowd.fill();
    }
    black_box(counts.sum);
    // A cancel of an order that a trade of the same chunk took is refused, and there are few.
    let refused = crowd.matcher.refused_count() as f64 / (CHUNK * CHUNKS) as f64;
    chunks.sort_by(f64::total_cmp);
    println!(
        "matching/curve {live:>8} live in {instruments:>6} instruments: {:6.1} ns/request best, \
         {:6.1} median of {CHUNKS} chunks; {:.2} trades a request, {:.3} refused, {} MB in huge pages",
        chunks[0],
        chunks[CHUNKS / 2],
        counts.trades as f64 / (CHUNK * CHUNKS) as f64,
        refused,
        huge >> 20,
    );
}

fn main() {
    // `cargo test --benches` asks only whether it runs.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if wanted.iter().any(|word| word == "curve") {
        for (live, instruments) in CURVE {
            measure_curve(live, instruments);
        }
    }
    for shape in SHAPES {
        if wanted.is_empty() || wanted.iter().any(|word| word == shape.name) {
            measure(shape);
        }
    }
}
