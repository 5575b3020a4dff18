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

/// One histogram of packets and one of nothing, in turn.
struct Shot {
    packet: LatencyHistogram,
    empty: LatencyHistogram,
    /// Means, exact where the clock's steps are coarse.
    packet_ns: f64,
    empty_ns: f64,
}

fn take_shot(stage: &mut Stage, clock: &Clock, packets: usize) -> Shot {
    let mut shot = Shot {
        packet: LatencyHistogram::new(),
        empty: LatencyHistogram::new(),
        packet_ns: 0.0,
        empty_ns: 0.0,
    };
    let (mut packet_sum, mut empty_sum) = (0, 0);
    for index in 0..packets {
        if index as u64 % BLOCK == 0 {
            stage.path.make_room(BLOCK);
        }
        stage.prepare();
        let start = clock.raw();
        let end = clock.raw();
        let empty = clock.between(start, end);
        let start = clock.raw();
        stage.measured();
        let end = clock.raw();
        let packet = clock.between(start, end);
        stage.acknowledge();
        shot.packet.record(packet);
        shot.empty.record(empty);
        // Stops of the machine are in the histogram; a mean would be nothing else.
        packet_sum += packet.min(5_000);
        empty_sum += empty.min(5_000);
    }
    shot.packet_ns = packet_sum as f64 / packets as f64;
    shot.empty_ns = empty_sum as f64 / packets as f64;
    shot
}

fn histograms() {
    let clock = Clock::start();
    let (shots, packets) = if is_measuring() { (SHOTS, 100_000) } else { (1, 2_000) };
    let mut stages: Vec<_> =
        Scenario::ALL.map(|it| (it, Stage::new(it, KernelTarget::best()))).into();
    stages.iter_mut().for_each(|(_, stage)| stage.check());
    let mut results = vec![Vec::new(); stages.len()];
    for _ in 0..shots {
        for ((_, stage), result) in stages.iter_mut().zip(&mut results) {
            // The first packets bring the caches back that the other scenarios have taken.
            take_shot(stage, &clock, packets / 10);
            let shot = take_shot(stage, &clock, packets);
            let quantiles =
                |it: &LatencyHistogram| [0.5, 0.99, 0.999].map(|q| it.quantile(q) as f64);
            result.push((
                shot.packet_ns - shot.empty_ns,
                quantiles(&shot.packet),
                quantiles(&shot.empty),
            ));
        }
    }
    println!(
        "\ntick_to_trade: median of {shots} shots of {packets} packets, ns; pricing by {}",
        KernelTarget::best().name()
    );
    println!("the mean is net of the empty pair's and leaves out what is above 5 us");
    println!(
        "{:<20}{:>8}{:>8}{:>8}{:>8}   empty pair:{:>6}{:>6}{:>8}",
        "", "mean", "p50", "p99", "p99.9", "p50", "p99", "p99.9"
    );
    for ((scenario, _), result) in stages.iter().zip(&results) {
        let middle = |pick: &dyn Fn(&(f64, [f64; 3], [f64; 3])) -> f64| {
            median(&mut result.iter().map(pick).collect::<Vec<_>>())
        };
        let [p50, p99, p999] = [0, 1, 2].map(|i| middle(&|shot| shot.1[i]));
        let [e50, e99, e999] = [0, 1, 2].map(|i| middle(&|shot| shot.2[i]));
        let mean = middle(&|shot| shot.0);
        println!(
            "{:<20}{mean:>8.1}{p50:>8}{p99:>8}{p999:>8}              {e50:>6}{e99:>6}{e999:>8}",
            scenario.name()
        );
    }
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
