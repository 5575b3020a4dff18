//! What the population costs beside the matcher: the same actions with participants, and from a list.
//!
//! Regimes: one index of 41 instruments, 531 and 1,062 instruments. One pass lets participants act,
//! another gives the same actions to a fresh matcher; the difference is the participants' own time,
//! reports included. The best of three.

#![allow(clippy::unwrap_used, reason = "a bench may stop at a broken set-up")]

#[path = "../tests/crowd/mod.rs"]
mod crowd;

use std::fs;
use std::sync::LazyLock;
use std::time::Instant;

use crowd::{Market, nifty, stocks};
use tezi_core::matching::Report;
use tezi_exchange::Action;
use tezi_exchange::population::{Listed, PopulationConfig};
use tezi_model::{InstrumentId, Nanos};

const ACTIONS: usize = 400_000;

/// Nanoseconds this thread had a processor, so that neighbours on the machine do not count; where the
/// system does not tell, nanoseconds of the clock.
fn busy_ns() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let busy = told.and_then(|text| text.split(' ').next()?.parse().ok());
    busy.unwrap_or_else(|| START.elapsed().as_nanos() as u64)
}

/// Lets participants act, and hands each action to `seen`.
fn act(market: &mut Market<'_>, mut seen: impl FnMut(Nanos, &Action)) {
    let mut count = 0;
    while count < ACTIONS {
        let Some(due) = market.population.next_due() else { break };
        if let Some(action) = market.population.poll(due, &market.matcher) {
            seen(due, &action);
            count += 1;
            action.apply(due, &mut market.matcher, &mut market.reports);
            for report in market.reports.drain(..) {
                market.population.on_report(&report);
            }
        }
    }
}

/// Nanoseconds an action: with the participants, and of the matcher alone.
fn measure(listed: &[Listed]) -> [f64; 2] {
    let config = PopulationConfig::default();
    let mut actions: Vec<(Nanos, Action)> = Vec::with_capacity(ACTIONS);
    act(&mut Market::new(&config, listed), |due, action| actions.push((due, *action)));
    let mut market = Market::new(&config, listed);
    let begin = busy_ns();
    act(&mut market, |_, _| {});
    let whole = busy_ns() - begin;
    let mut alone = Market::new(&config, listed);
    let mut reports: Vec<Report> = Vec::with_capacity(1_024);
    let begin = busy_ns();
    for (due, action) in &actions {
        action.apply(*due, &mut alone.matcher, &mut reports);
        reports.clear();
    }
    [whole, busy_ns() - begin].map(|time| time as f64 / ACTIONS as f64)
}

fn main() {
    let mut thousand = stocks();
    thousand.extend((531..).zip(stocks()).map(|(number, one)| Listed {
        instrument: InstrumentId(number),
        underlying: one.underlying + 100,
        ..one
    }));
    for (name, listed) in [("41", nifty()), ("531", stocks()), ("1062", thousand)] {
        let mut runs: Vec<[f64; 2]> = (0..3).map(|_| measure(&listed)).collect();
        runs.sort_by(|left, right| left[0].total_cmp(&right[0]));
        let [whole, alone] = runs[0];
        println!(
            "population/{name} instruments: {whole:.0} ns an action, matcher alone {alone:.0}, \
             participants {:.0}",
            whole - alone
        );
    }
}
