//! What replicating a session's journal came to.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::latency::LatencyHistogram;

/// What became of a session's journal on its way to the follower.
#[derive(Clone, Debug)]
pub struct ReplicationReport {
    /// Where the follower was.
    pub follower: SocketAddr,
    /// Times that the follower took the journal.
    pub connections: u64,
    /// Why connections ended or could not be had, the latest last.
    pub endings: Vec<String>,
    /// Records sent.
    pub records: u64,
    /// Bytes of records sent.
    pub bytes: u64,
    /// The last sequence in the journal.
    pub sequence_last: u64,
    /// The last sequence in the follower's journal.
    pub replicated: u64,
    /// The last sequence on the follower's disk; 0 where it does not say.
    pub durable: u64,
    /// The most records that the follower lacked at once.
    pub lag_max: u64,
    /// Times that orders went on with what was durable, and how long in all.
    pub degraded: (u64, Duration),
    /// From sending a record to hearing that it is in the follower's journal, ns; one at a time.
    pub round_trip: LatencyHistogram,
    /// What could not be had and was done without.
    pub notes: Vec<String>,
}

impl ReplicationReport {
    /// What is not fine, a sentence each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.replicated < self.sequence_last {
            let lacking = self.sequence_last - self.replicated;
            let why = self.endings.last().map_or("it did not answer", String::as_str);
            problems.push(format!(
                "the follower lacks the last {lacking} records of the journal: {why}"
            ));
        }
        let (times, long) = self.degraded;
        if times > 0 {
            problems.push(format!(
                "orders went on without the follower {times} times, for {:.3} s in all",
                long.as_secs_f64()
            ));
        }
        problems
    }
}

impl fmt::Display for ReplicationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { follower, connections, records, replicated, durable, lag_max, .. } = self;
        let mib = self.bytes as f64 / 1_048_576.0;
        write!(
            f,
            "  replicated to {follower}: {records} records, {mib:.1} MiB over {connections} connections; \
             the follower has {replicated} of {} (at most {lag_max} behind)",
            self.sequence_last
        )?;
        match durable {
            0 => write!(f, ", its disk is not known")?,
            durable => write!(f, ", {durable} on its disk")?,
        }
        let trip = &self.round_trip;
        if trip.count() > 0 {
            let (p50, p99) = (trip.quantile(0.5), trip.quantile(0.99));
            write!(
                f,
                "\n    sent to acknowledged: p50 {:.1} µs, p99 {:.1} µs, highest {:.1} µs",
                p50 as f64 / 1e3,
                p99 as f64 / 1e3,
                trip.max() as f64 / 1e3
            )?;
        }
        for ending in &self.endings {
            write!(f, "\n    a connection ended: {ending}")?;
        }
        Ok(())
    }
}
