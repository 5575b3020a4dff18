//! Every fault of a feed, by name: whatever the lines and the servers do, each book is the truth
//! after the last message delivered or its stream is marked stale, and every counter adds up.
//!
//! A run is drawn from its seed: an exchange of one to three streams, two lines, a recovery server,
//! a virtual clock, and the core behind it all. There is no socket and no thread in it. A run that
//! fails prints its seed and plan; `TEZI_FAULT_SEED=17 cargo test -p tezi --test feed_faults NAME`
//! repeats it alone, and `TEZI_FAULT_RUNS` sets how many runs each fault gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at what is not so"
)]
#![allow(unreachable_pub, reason = "modules of a test binary")]

#[path = "feed_faults/checker.rs"]
mod checker;
#[path = "feed_faults/market.rs"]
mod market;
#[path = "feed_faults/network.rs"]
mod network;
#[path = "feed_faults/plan.rs"]
mod plan;

use market::{Random, Run};
use network::Network;
use plan::{MS, Mangle, Mood, Plan, Services};
use tezi::feed_handler::Line;
use tezi::feed_handler::arbitration::Stream;

/// Runs of each fault when nothing else is asked for.
const RUNS: u64 = 250;

/// What must hold at the end of every run of a fault, beside what always must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// Nothing was ever missing for longer than the lines need.
    NeverStale,
    /// Where there are services, the last word on every stream is that it is whole.
    WholeWithServices,
    /// Stale is an answer.
    None,
}

/// What the runs of a fault came to, together.
#[derive(Debug, Default)]
struct Tally {
    compared: u64,
    filled: u64,
    recovered: u64,
    lost: u64,
    snapshots: u64,
    failures: u64,
    redundant: u64,
    duplicates: u64,
    errors: u64,
    stale: u64,
    resets: u64,
}

/// Says which run failed.
struct Blame<'a>(&'static str, u64, &'a Plan);

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(name, seed, plan) = self;
            eprintln!("{name} fails with {plan:?}\nto repeat it:");
            eprintln!("TEZI_FAULT_SEED={seed} cargo test -p tezi --test feed_faults {name}");
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn run_all(name: &'static str, promise: Promise, worsen: fn(&mut Plan, &mut Random)) -> Tally {
    let runs = number("TEZI_FAULT_RUNS").unwrap_or(RUNS);
    let seeds = number("TEZI_FAULT_SEED").map_or(0..runs, |seed| seed..seed + 1);
    let mut tally = Tally::default();
    for seed in seeds {
        let mut random = Random(seed);
        let mut plan = Plan::healthy(&mut random);
        worsen(&mut plan, &mut random);
        let _blame = Blame(name, seed, &plan);
        run(&plan, random, promise, &mut tally);
    }
    tally
}

fn run(plan: &Plan, mut random: Random, promise: Promise, tally: &mut Tally) {
    let truth: Vec<Vec<Run>> =
        (1..=plan.streams).map(|stream| plan.runs(&mut random, stream)).collect();
    let mut network = Network::new(plan, random, &truth);
    network.run(|network| {
        check_moment(network);
        for index in 0..truth.len() {
            network.checker.check_books(index, &truth);
        }
    });
    check_end(plan, &network, &truth, promise);
    add(tally, &network);
}

/// The equations that hold at every moment.
fn check_moment(network: &Network<'_>) {
    assert!(network.arbiter.is_consistent());
    network.checker.check_marks();
    for line in Line::BOTH {
        let (counters, ledger) = (network.arbiter.line(line), &network.lines[line.index()]);
        assert_eq!(counters.packets, ledger.packets);
        assert_eq!(counters.heartbeats, ledger.heartbeats);
        assert_eq!(counters.errors_total(), ledger.errors);
        assert_eq!((counters.unsequenced, counters.streams_refused), (0, 0));
        let arrived: u64 = network.ledgers.iter().map(|both| both[line.index()].arrived).sum();
        assert_eq!(counters.messages, arrived);
    }
    for stream in network.arbiter.streams() {
        let index = usize::from(stream.id().number()) - 1;
        let heard = &network.checker.streams[index];
        assert_eq!(stream.is_stale(), heard.is_stale, "stream {}", stream.id());
        assert_eq!(stream.delivered(), heard.delivered);
        assert_eq!(stream.gaps().recovered, heard.recovered);
        assert_eq!(stream.gaps().lost, heard.lost);
        assert_eq!(stream.restart_count(), heard.resets);
        assert_eq!(stream.recovery().snapshot_orders, heard.snapshot_orders);
        for line in Line::BOTH {
            let (counters, ledger) = (stream.line(line), &network.ledgers[index][line.index()]);
            // What arrived is first, a copy, late, from before the join, or not believed.
            assert_eq!(counters.messages(), ledger.arrived);
        }
        check_numbers(stream);
        let redundant: u64 = Line::BOTH.iter().map(|&line| stream.line(line).redundant).sum();
        let lead = stream.lead_times();
        assert_eq!(lead.count() + lead.unmeasured(), redundant);
    }
}

/// Each number is in one count, and so is each missing one.
fn check_numbers(stream: &Stream) {
    let (gaps, recovery) = (stream.gaps(), stream.recovery());
    let missing = gaps.numbers - gaps.ended();
    if stream.joined_at() == 1 {
        let known = stream.delivered() + stream.held() + gaps.lost + gaps.covered + missing;
        assert_eq!(stream.known() + recovery.rewound, known + recovery.superseded);
    }
    let first: u64 = Line::BOTH.iter().map(|&line| stream.line(line).first).sum();
    let delivered = stream.delivered() - gaps.recovered;
    assert_eq!(first, delivered + stream.held() + recovery.superseded);
    assert_eq!(recovery.messages, gaps.recovered + recovery.redundant);
    let ended = recovery.completed + recovery.canceled + recovery.failures_total();
    assert!(ended <= recovery.requests() && recovery.requests() <= ended + 1);
}

fn check_end(plan: &Plan, network: &Network<'_>, truth: &[Vec<Run>], promise: Promise) {
    for (index, both) in network.ledgers.iter().enumerate() {
        let heard = &network.checker.streams[index];
        let stream = network.arbiter.stream(index as u8 + 1).expect("a line brought something");
        for (line, ledger) in Line::BOTH.iter().zip(both) {
            // Sent, less what the network ate, is what the arbiter accounts for.
            let reached = ledger.sent + ledger.copies - ledger.dropped - ledger.mangled;
            assert_eq!(stream.line(*line).messages(), reached);
            let is_plain = !plan.restarts && plan.outage.is_empty() && stream.joined_at() == 1;
            if is_plain && stream.line(*line).implausible == 0 && plan.window >= 1_024 {
                assert_eq!(stream.missing(*line) + ledger.numbers.len() as u64, stream.known());
            }
        }
        let runs = &truth[index];
        if !heard.is_stale {
            let end = (runs.len() - 1, runs[runs.len() - 1].count());
            assert_eq!(heard.last(), end, "stream {}: whole is complete", index + 1);
        }
        match promise {
            Promise::NeverStale => assert!(!heard.was_stale, "stream {}", index + 1),
            Promise::WholeWithServices if plan.services != Services::None => {
                assert!(!heard.is_stale, "stream {}", index + 1);
            }
            _ => {}
        }
    }
    let server = network.server.counters();
    assert_eq!((server.too_fast, server.turned_away, server.malformed), (0, 0, 0));
    assert!(server.granted + server.refused + server.hung_up <= server.connections);
}

fn add(tally: &mut Tally, network: &Network<'_>) {
    tally.compared += network.checker.compared;
    tally.errors += network.lines.iter().map(|line| line.errors).sum::<u64>();
    for stream in network.arbiter.streams() {
        let (gaps, recovery) = (stream.gaps(), stream.recovery());
        tally.filled += gaps.filled_other_line + gaps.filled_same_line;
        tally.recovered += gaps.recovered;
        tally.lost += gaps.lost;
        tally.snapshots += recovery.snapshots;
        tally.failures += recovery.failures_total();
        tally.resets += u64::from(stream.restart_count());
        for line in Line::BOTH {
            tally.redundant += stream.line(line).redundant;
            tally.duplicates += stream.line(line).duplicates;
        }
    }
    tally.stale += network.checker.streams.iter().filter(|one| one.is_stale).count() as u64;
}

/// One test for each fault: its name, what it promises, how it worsens a plan, and what its runs
/// must have met for the test to mean anything.
macro_rules! faults {
    ($($name:ident, $promise:ident, $worsen:expr, $met:expr;)+) => {
        $(#[test]
        fn $name() {
            let tally = run_all(stringify!($name), Promise::$promise, $worsen);
            println!("{tally:?}");
            let met: fn(&Tally) -> bool = $met;
            let is_whole_matrix = number("TEZI_FAULT_SEED").is_none();
            assert!(!is_whole_matrix || tally.compared > 0 && met(&tally), "{tally:?}");
        })+
    };
}

faults! {
    nothing_wrong, NeverStale, |_, _| {}, |met| met.redundant > 0 && met.filled == 0;
    loss_of_1_percent_on_line_a, NeverStale, |plan, _| plan.loss = [1, 0], |met| met.filled > 0;
    loss_of_1_percent_on_line_b, NeverStale, |plan, _| plan.loss = [0, 1], |met| met.redundant > 0;
    loss_of_10_percent_on_line_a, NeverStale, |plan, _| plan.loss = [10, 0], |met| met.filled > 0;
    loss_of_10_percent_on_line_b, NeverStale, |plan, _| plan.loss = [0, 10], |met| met.redundant > 0;
    loss_of_50_percent_on_line_a, NeverStale, |plan, _| plan.loss = [50, 0], |met| met.filled > 0;
    loss_of_50_percent_on_line_b, NeverStale, |plan, _| plan.loss = [0, 50], |met| met.redundant > 0;
    loss_on_both_lines, WholeWithServices, loss_on_both, |met| met.recovered > 0 && met.lost > 0;
    reordering_up_to_64, NeverStale, |plan, _| plan.reorder = 30, |met| met.filled > 0;
    reordering_beyond_the_window, WholeWithServices, |plan, _| {
        (plan.reorder, plan.window, plan.wait_ms) = (50, 64, 2);
    }, |met| met.filled > 0 && met.recovered > 0;
    duplicates, NeverStale, |plan, _| plan.duplicates = 40, |met| met.duplicates > 0;
    line_b_late_by_50_ms, NeverStale, |plan, _| {
        (plan.lag_b_ns, plan.loss) = (50 * MS, [10, 0]);
    }, |met| met.filled > 0;
    line_a_dead_for_the_day, NeverStale, |plan, _| plan.dead = Some(Line::A), |met| met.redundant == 0;
    line_b_dead_for_the_day, NeverStale, |plan, _| plan.dead = Some(Line::B), |met| met.redundant == 0;
    one_line_dead_the_other_lossy, WholeWithServices, |plan, random| {
        (plan.dead, plan.loss) = (Some(random.pick(&Line::BOTH)), [10, 10]);
    }, |met| met.recovered > 0 && met.lost > 0;
    first_messages_lost_on_both_lines, WholeWithServices, |plan, random| {
        plan.outage = 1..2 + random.below(20) as u32;
    }, |met| met.recovered > 0 && met.lost > 0;
    joined_in_the_middle_of_the_day, WholeWithServices, |plan, random| {
        (plan.window, plan.outage) = (64, 1..66 + random.below(30) as u32);
        plan.services = random.pick(&[Services::Ticks, Services::All]);
    }, |met| met.recovered > 0 && met.snapshots > 0;
    restart_at_1, NeverStale, |plan, _| plan.restarts = true, |met| met.resets > 0;
    restart_at_1_with_loss, WholeWithServices, |plan, random| {
        loss_on_both(plan, random);
        plan.restarts = true;
    }, |met| met.resets > 0 && met.recovered > 0;
    server_refuses, None, |plan, random| broken(plan, random, Mood::Refuses), |met| met.failures > 0 && met.stale > 0;
    server_stalls, None, |plan, random| broken(plan, random, Mood::Stalls), |met| met.failures > 0 && met.stale > 0;
    server_truncates, None, |plan, random| broken(plan, random, Mood::Truncates), |met| met.failures > 0;
    server_lies, None, |plan, random| broken(plan, random, Mood::Lies), |met| met.failures > 0;
    server_recovers_itself, WholeWithServices, |plan, random| {
        let mood = random.pick(&[Mood::Refuses, Mood::Stalls, Mood::Truncates, Mood::Lies]);
        broken(plan, random, mood);
        plan.services = Services::All;
        plan.mood_ends_ms = 800;
    }, |met| met.failures > 0 && met.snapshots > 0;
    connections_break, WholeWithServices, |plan, random| {
        loss_on_both(plan, random);
        (plan.breaks, plan.services) = (3, Services::All);
    }, |met| met.failures > 0 && met.recovered > 0;
    truncated_last_packet, WholeWithServices, |plan, _| {
        plan.mangle = Mangle::TruncateLast;
    }, |met| met.errors > 0 && met.recovered > 0;
    corrupt_lengths, WholeWithServices, |plan, random| {
        plan.mangle = Mangle::Lengths(random.pick(&[2, 20]));
    }, |met| met.errors > 0 && met.recovered > 0;
    another_protocol_on_the_port, NeverStale, |plan, _| plan.foreign = 20, |met| met.errors > 0;
    everything_at_once, None, everything, |met| met.recovered > 0 && met.stale > 0 && met.snapshots > 0;
}

/// Both lines lose, apart and for a while together.
fn loss_on_both(plan: &mut Plan, random: &mut Random) {
    plan.loss = [random.pick(&[1, 10, 50]), random.pick(&[1, 10, 50])];
    if random.chance(50) {
        let first = 1 + random.below(u64::from(plan.messages)) as u32;
        plan.outage = first..first + 1 + random.below(60) as u32;
    }
}

fn broken(plan: &mut Plan, random: &mut Random, mood: Mood) {
    loss_on_both(plan, random);
    plan.loss = plan.loss.map(|loss| loss.max(10));
    plan.services = random.pick(&[Services::Ticks, Services::All]);
    plan.mood = mood;
    plan.mood_ends_ms = random.pick(&[300, i64::MAX]);
}

fn everything(plan: &mut Plan, random: &mut Random) {
    let mood =
        random.pick(&[Mood::Honest, Mood::Refuses, Mood::Stalls, Mood::Truncates, Mood::Lies]);
    broken(plan, random, mood);
    plan.services = random.pick(&[Services::None, Services::Ticks, Services::All]);
    plan.reorder = random.pick(&[0, 5, 30]);
    plan.duplicates = random.pick(&[0, 5]);
    plan.lag_b_ns = random.pick(&[20_000, MS, 50 * MS]);
    plan.dead = random.pick(&[None, None, None, Some(Line::A), Some(Line::B)]);
    plan.restarts = random.chance(30);
    plan.mangle = random.pick(&[Mangle::Nothing, Mangle::TruncateLast, Mangle::Lengths(5)]);
    plan.foreign = random.pick(&[0, 5]);
    plan.breaks = random.pick(&[0, 3]);
    plan.window = random.pick(&[64, 1_024]);
    plan.wait_ms = random.pick(&[1, 10, 200]);
}
