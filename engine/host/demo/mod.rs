//! The demo: a seeded NSE F&O session, as real MTBT bytes on two multicast lines of this machine.

mod market;
mod publisher;
mod random;
mod recovery;

pub(crate) use market::{Tape, make_tape, session_start};
pub use publisher::InjectedFaults;
pub(crate) use publisher::{Departure, Published, departure_time, plan, publish};
pub(crate) use recovery::{RecoveryListener, serve as serve_recovery};

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;

use tezi_feed_handler::capture::PcapWriter;

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
    /// How far line B is behind line A, in nanoseconds.
    pub lag_b_ns: i64,
    /// Messages lost on both lines.
    pub lose_both: u32,
    /// Whether there is a tick-recovery server to ask for them.
    pub recovery: bool,
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
        }
    }
}

/// The addresses a saved demo capture bears: source 1 and 2 of F&O, by circular MSD67677.
const CAPTURE_GROUPS: [SocketAddrV4; 2] = [
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 41), 17_741),
    SocketAddrV4::new(Ipv4Addr::new(239, 70, 70, 31), 10_831),
];

/// Writes what the demo sends as a capture of both lines.
///
/// # Errors
///
/// What making or writing the file gives.
pub(crate) fn save_capture(path: &Path, tape: &Tape, departures: &[Departure]) -> io::Result<()> {
    let mut writer = PcapWriter::new(BufWriter::new(File::create(path)?))?;
    let source = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 40_000);
    for departure in departures {
        let group = CAPTURE_GROUPS[usize::from(departure.line)];
        let message = &tape.messages[departure.message as usize];
        writer.write_udp(departure_time(departure), source, group, message.bytes())?;
    }
    writer.into_inner().flush()
}
