//! A whole day in one thread, from one seed: exchange, networks, and a host that is killed and comes
//! back.
//!
//! Host, order session, feed handler, journal, recovery service and exchange are the code that runs
//! in production; what is simulated is what lies between them (`network`, `lines`) and time. The seed
//! decides everything: what gets lost, when connections break or stall, when a process dies, how far
//! its clock is off, which thread has its turn. In the end the exchange's matcher says what really
//! happened, and everything else must agree with it ([`SimulationReport::faults`]).
//!
//! The same seed makes the same day. `tezi simulate --seed N` runs one, `--seeds N` many.

mod desk;
mod disk;
mod lines;
pub(crate) mod network;
mod plan;
mod restless;
#[cfg(test)]
mod tests;
mod truth;
mod verdict;
mod world;

use std::path::{Path, PathBuf};

use tezi_model::{Instrument, Nanos, StateHasher};

use crate::error::Error;
use desk::{Life, host, live, order_session};
use network::Network;
use plan::Plan;
use verdict::Judge;
use world::{World, server_config, services};

/// When the simulated day begins.
const START: Nanos = Nanos::from_ist(2026, 11, 20, 9, 15, 0);

/// What a simulated day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimulationReport {
    /// What it was made from.
    pub seed: u64,
    /// Processes of the host, the last of which ended in order.
    pub lives: usize,
    /// Simulated time, in nanoseconds.
    pub simulated_ns: u64,
    /// Datagrams that were lost, both lines together.
    pub datagrams_lost: u64,
    /// Connections asked for, refused, broken, stalled.
    pub connections: [u64; 4],
    /// Orders that the exchange accepted from the host.
    pub orders: usize,
    /// Trades of them.
    pub trades: usize,
    /// Trades that the exchange took back.
    pub trades_taken_back: u64,
    /// Whether the books were marked stale to the end.
    pub is_stale: bool,
    /// Records of the journal.
    pub records: u64,
    /// Of everything that came of the day: equal for equal seeds.
    pub digest: u64,
    /// What should hold and does not; empty when all is well.
    pub faults: Vec<String>,
}

impl std::fmt::Display for SimulationReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, lives, orders, trades, records, digest, .. } = self;
        let [asked, refused, broken, stalled] = self.connections;
        let seconds = self.simulated_ns as f64 / 1e9;
        write!(
            f,
            "seed {seed}: {seconds:.1} s, {lives} processes, {orders} orders, {trades} trades, {} \
             taken back, {} datagrams lost, {asked} connections ({refused} refused, {broken} \
             broken, {stalled} stalled), {records} records, {digest:016x}{}",
            self.trades_taken_back,
            self.datagrams_lost,
            if self.is_stale { ", stale to the end" } else { "" }
        )?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  FAULT: {fault}"))
    }
}

/// Runs the day of a seed. Journals are written below `directory`, which must not be there: it is
/// made, and left behind only when there are faults, with the last journal in it.
///
/// # Errors
///
/// [`Error::File`] when the directory is there already or cannot be made. What goes wrong later is a
/// fault of the day.
pub fn simulate(seed: u64, directory: &Path) -> Result<SimulationReport, Error> {
    std::fs::create_dir(directory).map_err(|source| Error::file("make", directory, source))?;
    let report = run_day(seed, directory).unwrap_or_else(|error| SimulationReport {
        seed,
        faults: vec![format!("the day ended early: {error}")],
        ..SimulationReport::default()
    });
    if report.faults.is_empty() {
        remove(directory);
    }
    Ok(report)
}

fn run_day(seed: u64, directory: &Path) -> Result<SimulationReport, Error> {
    let plan = Plan::new(seed, START);
    let config = server_config(seed, &plan)?;
    let network = Network::new(seed ^ 0x4E45_7450);
    let services = services(&network);
    let mut world = World::new(seed, &plan, &config, &network, &services)?;
    let session = order_session(&world, config.exchange.boxes[0].encryption);
    let listed = config.exchange.listings_of_the_day();
    let listed = listed.map_err(|error| Error::Parameter(error.to_string()))?;
    let instruments: Vec<Instrument> = listed.iter().map(|listing| listing.instrument).collect();
    let journal = |life: usize| directory.join(format!("journal-{life}"));
    let mut ended = None;
    let mut last = PathBuf::new();
    for (life, of_life) in plan.lives.iter().enumerate() {
        let host = host(&plan, &journal(life));
        last = journal(life);
        match live(
            &mut world,
            &host,
            of_life,
            (&session, &instruments),
            (seed, &journal(life + 1)),
        )? {
            Life::Killed => away(&mut world, of_life.away_ns),
            Life::Ended(report) => ended = Some(report),
        }
        if ended.is_none() {
            remove(&last);
        }
    }
    let Some(ended) = ended else {
        return Err(Error::Parameter("a plan without a process that ends".into()));
    };
    let judge = Judge { world: &world, ended: &ended, journal: &last, seed };
    let (faults, records) = judge.judge();
    let truth = world.truth.get();
    let counts = network.counts();
    let mut hasher = StateHasher::default();
    world.exchange.hash_into(&mut hasher);
    hasher.write(ended.core.state_hash);
    hasher.write(records);
    let report = SimulationReport {
        seed,
        lives: plan.lives.len(),
        simulated_ns: world.now,
        datagrams_lost: world.lines.lost,
        connections: [counts.asked, counts.refused, counts.broken, counts.stalled],
        orders: truth.orders.len(),
        trades: truth.trades.len(),
        trades_taken_back: truth.taken_back,
        is_stale: ended.is_stale,
        records,
        digest: hasher.finish(),
        faults,
    };
    drop(truth);
    Ok(report)
}

/// What the seed makes happen, for people: when processes die, what the networks and the exchange do.
#[must_use]
pub fn plan_of(seed: u64) -> String {
    format!("{:#?}", Plan::new(seed, START))
}

/// The world goes on while nobody is there.
fn away(world: &mut World<'_>, length_ns: u64) {
    let until = world.now + length_ns;
    while world.now < until {
        world.step();
        while world.lines.next(world.now).is_some() {}
    }
}

/// What is not there any more needs no removing.
fn remove(directory: &Path) {
    drop(std::fs::remove_dir_all(directory));
}
