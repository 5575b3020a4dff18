//! What a publisher is to do, and which wishes cannot be.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use tezi_feed_handler::Line;
use tezi_feed_handler::recovery::ServerConfig;

use super::faults::LineFaults;
use crate::error::Error;

/// The longest lag of a line, in nanoseconds.
const LAG_NS_MAX: u64 = 60_000_000_000;
/// The most later datagrams that may overtake one.
const REORDER_DEPTH_MAX: u32 = 4_096;

/// When each datagram leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// At the recorded distances, divided by this. A sender that falls behind catches up: the
    /// distances are kept from the first datagram, not from the last.
    Speed(f64),
    /// This many datagrams of the source a second, evenly.
    Rate(f64),
    /// As fast as the socket takes them.
    Max,
}

/// The TCP services beside the lines (MTBT 6.7, chapters 7 to 9).
#[derive(Clone, Copy, Debug)]
pub struct ServiceConfig {
    /// Where tick recovery listens; port 0 takes a free one. `None` for no such service.
    pub recovery: Option<SocketAddrV4>,
    /// Where snapshots are served; the same address as `recovery` makes one port serve both.
    pub snapshot: Option<SocketAddrV4>,
    /// The time between two images. The exchange makes one every 30 s.
    pub snapshot_interval: Duration,
    /// Messages of a stream that can be asked for; older ones are forgotten. 48 bytes each.
    pub messages_max: usize,
    /// The limits on connections and requests.
    pub limits: ServerConfig,
}

impl Default for ServiceConfig {
    /// No service; the exchange's limits and interval, and 4,194,304 messages of each stream.
    fn default() -> Self {
        Self {
            recovery: None,
            snapshot: None,
            snapshot_interval: Duration::from_secs(30),
            messages_max: 1 << 22,
            limits: ServerConfig::default(),
        }
    }
}

impl ServiceConfig {
    /// Whether there is anything to serve.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.recovery.is_some() || self.snapshot.is_some()
    }
}

/// What a [`Publisher`](super::Publisher) does.
#[derive(Clone, Debug)]
pub struct PublishConfig {
    /// Where lines A and B go.
    pub groups: [SocketAddrV4; 2],
    /// Whether a group may be the address of one receiver.
    pub unicast: bool,
    /// The address of the interface that multicast leaves by.
    pub interface: Ipv4Addr,
    /// How many routers multicast may pass; 0 stays on this machine.
    pub ttl: u32,
    /// The faults of lines A and B.
    pub faults: [LineFaults; 2],
    /// When each datagram leaves.
    pub pace: Pace,
    /// How often the source is sent, one time after the other.
    pub passes: u32,
    /// One seed, one sequence of faults.
    pub seed: u64,
    /// After how long a silence a stream's heartbeat is sent; `None` for never. Streams of MTBT
    /// only (MTBT 6.7, chapter 10).
    pub heartbeat: Option<Duration>,
    /// Heartbeats of every stream after the last datagram, 20 ms apart, for receivers to see what
    /// is missing at the end.
    pub final_heartbeats: u32,
    /// How long the services go on after the last datagram.
    pub linger: Duration,
    /// The TCP services.
    pub services: ServiceConfig,
}

impl PublishConfig {
    /// Clean lines to these groups, once, at the recorded pace, on this machine only.
    #[must_use]
    pub fn new(a: SocketAddrV4, b: SocketAddrV4) -> Self {
        Self {
            groups: [a, b],
            unicast: false,
            interface: Ipv4Addr::LOCALHOST,
            ttl: 0,
            faults: [LineFaults::default(); 2],
            pace: Pace::Speed(1.0),
            passes: 1,
            seed: 1,
            heartbeat: None,
            final_heartbeats: 0,
            linger: Duration::ZERO,
            services: ServiceConfig::default(),
        }
    }

    /// Whether the messages sent must be known, for services or heartbeats.
    pub(super) const fn needs_history(&self) -> bool {
        self.services.is_any() || self.heartbeat.is_some() || self.final_heartbeats > 0
    }

    /// Refuses what cannot be.
    ///
    /// # Errors
    ///
    /// [`Error::Parameter`], with the value and the rule.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |what: String| Err(Error::Parameter(what));
        let [a, b] = self.groups;
        if a == b {
            return refuse(format!("lines A and B both go to {a}: they need two groups"));
        }
        for (line, group) in Line::BOTH.into_iter().zip(self.groups) {
            if group.port() == 0 {
                return refuse(format!("line {line:?} goes to {group}: port 0 is none"));
            }
            if !self.unicast && !group.ip().is_multicast() {
                return refuse(format!(
                    "line {line:?} goes to {group}, which is no multicast group (224.0.0.0 to \
                     239.255.255.255) and unicast was not asked for"
                ));
            }
        }
        let is_number = |value: f64| value.is_finite() && value > 0.0;
        match self.pace {
            Pace::Speed(speed) if !is_number(speed) => refuse(format!("a speed of {speed}")),
            Pace::Rate(rate) if !is_number(rate) => refuse(format!("a rate of {rate}")),
            _ if self.passes == 0 => refuse("the source is to be sent 0 times".into()),
            _ if self.ttl > 255 => refuse(format!("a time to live of {}: at most 255", self.ttl)),
            _ => self.faults.iter().try_for_each(check_faults),
        }
    }
}

fn check_faults(faults: &LineFaults) -> Result<(), Error> {
    let refuse = |what: String| Err(Error::Parameter(what));
    for part in [faults.loss, faults.duplicate, faults.reorder] {
        if !(0.0..=1.0).contains(&part) {
            return refuse(format!("{part} is no part of the datagrams: 0 to 1 is"));
        }
    }
    if faults.reorder_depth > REORDER_DEPTH_MAX {
        return refuse(format!(
            "{} datagrams overtake one: at most {REORDER_DEPTH_MAX}",
            faults.reorder_depth
        ));
    }
    if faults.lag_ns > LAG_NS_MAX {
        return refuse(format!("a line that lags {} ns: at most {LAG_NS_MAX}", faults.lag_ns));
    }
    Ok(())
}
