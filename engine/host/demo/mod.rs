//! The demo: a seeded NSE F&O session, as real MTBT bytes on two multicast lines of this machine.

mod market;
mod publisher;

pub(crate) use market::{make_tape, session_start};
pub use publisher::InjectedFaults;
pub(crate) use publisher::{Published, TapeDatagrams, losses, publish_config, rehearse};

/// What the demo session is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemoConfig {
    /// One seed, one session: messages, faults and all.
    pub seed: u64,
    /// Length of the session, in seconds of the exchange's clock.
    pub seconds: f64,
    /// Messages a second, both streams together.
    pub rate: f64,
    /// How much faster than the exchange's clock it is played; 1 is real time.
    pub speed: f64,
    /// Part of the messages lost on each line.
    pub loss: f64,
    /// Part of the messages sent twice on each line.
    pub duplicate: f64,
    /// Part of the messages on each line that later ones overtake.
    pub reorder: f64,
    /// How far line B is behind line A, in nanoseconds of the sender's clock.
    pub lag_b_ns: i64,
    /// Messages lost on both lines.
    pub lose_both: u32,
    /// Whether there is a tick-recovery server to ask for them.
    pub recovery: bool,
    /// Whether there is a snapshot server beside it.
    pub snapshot: bool,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            seconds: 12.0,
            rate: 12_000.0,
            speed: 1.0,
            loss: 0.005,
            duplicate: 0.002,
            reorder: 0.004,
            lag_b_ns: 1_500_000,
            lose_both: 5,
            recovery: true,
            snapshot: true,
        }
    }
}
