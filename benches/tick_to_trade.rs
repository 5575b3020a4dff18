//! Packet to order: a datagram's bytes in, the bytes of the orders it causes out, on one thread,
//! everything on.
//!
//! In it: arbitration and decode, journal append of the input, L3 book, strategy, C++ pricing,
//! every pre-trade check, order management, journal append of the commands, NNF packets. Not in it:
//! the ring between two cores (`benches/ring.rs`), sockets, and the seal of the packet. The session
//! seals it by AES-GCM after the encoder, so the encoder runs with `Checksum::None`; the older
//! method's MD5 is in `benches/orders.rs`.
//!
//! Regimes: `no_order/depth` (the commonest packet: the book changes behind the touch),
//! `no_order/priced_N` (the future's touch moves, N options are priced, no quote needs to move),
//! `orders/N` (N quotes move). Every packet of a regime does the same, which is checked. Answers of
//! the venue come between the packets and are not in the histogram; criterion's figures are a
//! closed loop in bulk without a clock, and contain them. All is warm: every packet meets a cache
//! that the one before has filled.
//!
//! Beside each histogram stands that of an empty pair of clock reads, taken in turn with it: what
//! both show is the machine's.

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use support::scenario::{BLOCK, Scenario, Stage};
use support::{is_measuring, median};
use tezi::kernels::KernelTarget;
use tezi::{Clock, LatencyHistogram};

const SHOTS: usize = 7;

fn closed_loop(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick_to_trade/closed_loop");
    for scenario in Scenario::ALL {
        let mut stage = Stage::new(scenario, KernelTarget::best());
        stage.check();
        group.bench_function(scenario.name(), |bencher| {
            bencher.iter_custom(|count| run(&mut stage, count));
        });
    }
    group.finish();
}

/// The time of `count` packets and their answers; new journals are made outside of it.
fn run(stage: &mut Stage, count: u64) -> Duration {
    let mut spent = Duration::ZERO;
    let mut left = count;
    while left > 0 {
        let block = left.min(BLOCK);
        stage.path.make_room(block);
        let start = Instant::now();
        for _ in 0..block {
            black_box(stage.step());
        }
        spent += start.elapsed();
        left -= block;
    }
    spent
}

/// What a shot gives, in nanoseconds: the mean net of the empty pair's; p50, p99 and p99.9 of the
/// packets; the same of the empty pairs.
type Figures = [f64; 7];

/// Measures packets, an empty pair of clock reads before each.
fn take_shot(stage: &mut Stage, clock: &Clock, packets: u64) -> Figures {
    /// Stops of the machine count as this in the mean, which would else show nothing but them.
    const MEAN_CAP_NS: u64 = 5_000;
    let (mut packet, mut empty) = (LatencyHistogram::new(), LatencyHistogram::new());
    let (mut packet_sum, mut empty_sum) = (0, 0);
    for index in 0..packets {
        if index.is_multiple_of(BLOCK) {
            stage.path.make_room(BLOCK);
        }
        stage.prepare();
        let start = clock.raw();
        let end = clock.raw();
        let empty_ns = clock.between(start, end);
        let start = clock.raw();
        stage.measured();
        let end = clock.raw();
        let packet_ns = clock.between(start, end);
        stage.acknowledge();
        packet.record(packet_ns);
        empty.record(empty_ns);
        packet_sum += packet_ns.min(MEAN_CAP_NS);
        empty_sum += empty_ns.min(MEAN_CAP_NS);
    }
    let mean = (packet_sum as f64 - empty_sum as f64) / packets as f64;
    let [p50, p99, p999] = quantiles(&packet);
    let [empty_p50, empty_p99, empty_p999] = quantiles(&empty);
    [mean, p50, p99, p999, empty_p50, empty_p99, empty_p999]
}

fn quantiles(histogram: &LatencyHistogram) -> [f64; 3] {
    [0.5, 0.99, 0.999].map(|quantile| histogram.quantile(quantile) as f64)
}

/// Shots of all scenarios in turn, and the median of each figure over the shots.
fn histograms() {
    let clock = Clock::start();
    let (shots, packets) = if is_measuring() { (SHOTS, 100_000) } else { (1, 2_000) };
    let mut stages = Scenario::ALL.map(|scenario| Stage::new(scenario, KernelTarget::best()));
    stages.iter_mut().for_each(Stage::check);
    let mut results = Scenario::ALL.map(|_| Vec::new());
    for _ in 0..shots {
        for (stage, result) in stages.iter_mut().zip(&mut results) {
            // The first packets bring the caches back that the other scenarios have taken.
            take_shot(stage, &clock, packets / 10);
            result.push(take_shot(stage, &clock, packets));
        }
    }
    let kernel = KernelTarget::best().name();
    println!("\ntick_to_trade: median of {shots} shots of {packets} packets, ns; {kernel}");
    println!("the mean is net of the empty pair's and counts what is above 5 us as 5 us");
    println!("{:<20}{:>33}{:>24}", "", "packet: mean, p50, p99, p99.9", "empty: p50, p99, p99.9");
    for (scenario, result) in Scenario::ALL.iter().zip(&results) {
        print_row(scenario.name(), result);
    }
}

fn print_row(name: &str, shots: &[Figures]) {
    print!("{name:<20}");
    for column in 0..7 {
        let mut values: Vec<_> = shots.iter().map(|figures| figures[column]).collect();
        print!("{:>8.0}", median(&mut values));
    }
    println!();
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
