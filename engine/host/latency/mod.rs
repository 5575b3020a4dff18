//! Latency by stage, recorded without allocation.
//!
//! Threads of a session record into a `StageRecorder`; where somebody looks on, it hands what it
//! has to the observer's thread interval by interval. [`log`] keeps intervals in HdrHistogram's own
//! format.

mod codec;
mod distribution;
mod hiccups;
pub mod log;
mod recorder;

use std::fmt;

use hdrhistogram::Histogram;

pub use codec::CodecFault;
pub use distribution::{Distribution, rank};
pub(crate) use hiccups::measure_hiccups;
pub(crate) use recorder::{Interval, IntervalEnd, IntervalSource, StageRecorder, interval_link};

/// A stage of the path from packet to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStage {
    /// On the feed thread: decode, arbitrate, push into the ring. Per packet.
    Decode = 0,
    /// From receiving the packet to taking the event out of the ring on the core. Per event.
    Ring = 1,
    /// Appending the input to the journal. Per event.
    Journal = 2,
    /// Timers, simulated venue, book. Per event.
    Book = 3,
    /// The strategy with its pricing, pre-trade checks and order management. Per event.
    Strategy = 4,
    /// Journaling and encoding what leaves. Per event that made an order.
    Order = 5,
    /// From receiving the packet to the bytes of the order. Per event that made an order.
    TickToOrder = 6,
    /// From the core's command to the promise that it waits for, seen by the orders' thread: its record
    /// on the disk, or in the follower's journal. Per order message, where orders wait; it is part of
    /// what follows.
    Held = 7,
    /// From the core's command to its bytes in the socket: ring, encoding, encryption, system call.
    /// Per order message of an order session.
    Wire = 8,
    /// From receiving the packet to the bytes of the order in the socket. Per order message of an
    /// order session that a packet caused.
    TickToWire = 9,
    /// From the core's command to the exchange's answer, read. Per order message that was answered on
    /// the connection it left on.
    RoundTrip = 10,
    /// From appending a record to its mark on the disk, seen by the core. One record at a time, of a
    /// staged journal.
    ToDisk = 11,
    /// From the kernel's stamp of the packet to the feed's thread having it in hand: the wait in the
    /// receive buffer. Per packet, where the kernel stamps and the session is observed.
    Receive = 12,
    /// No stage of ours but what stands beside them: gaps in which a spinning thread of this machine
    /// did not run. Per gap over a microsecond.
    Hiccup = 13,
}

impl PathStage {
    /// Every stage, along the path; the machine's own stalls last.
    pub const ALL: [Self; 14] = [
        Self::Receive,
        Self::Decode,
        Self::Ring,
        Self::Journal,
        Self::Book,
        Self::Strategy,
        Self::Order,
        Self::TickToOrder,
        Self::Held,
        Self::Wire,
        Self::TickToWire,
        Self::RoundTrip,
        Self::ToDisk,
        Self::Hiccup,
    ];

    /// What a table calls it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Decode => "decode + arbitrate",
            Self::Ring => "packet to core",
            Self::Journal => "journal append",
            Self::Book => "venue + book",
            Self::Strategy => "strategy + checks",
            Self::Order => "order journal + encode",
            Self::TickToOrder => "packet to order bytes",
            Self::Held => "order waits for promise",
            Self::Wire => "order to socket",
            Self::TickToWire => "packet to socket",
            Self::RoundTrip => "order to answer",
            Self::ToDisk => "append to disk",
            Self::Receive => "kernel to feed",
            Self::Hiccup => "machine stalls",
        }
    }

    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Ring => "ring",
            Self::Journal => "journal",
            Self::Book => "book",
            Self::Strategy => "strategy",
            Self::Order => "order",
            Self::TickToOrder => "tick_to_order",
            Self::Held => "held",
            Self::Wire => "wire",
            Self::TickToWire => "tick_to_wire",
            Self::RoundTrip => "round_trip",
            Self::ToDisk => "to_disk",
            Self::Receive => "receive",
            Self::Hiccup => "hiccup",
        }
    }

    /// The stage of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// One histogram of nanoseconds, 1 ns to 100 s, to two digits. Values beyond saturate.
#[derive(Clone, PartialEq)]
pub struct LatencyHistogram(Histogram<u64>);

impl LatencyHistogram {
    const MOST_NS: u64 = 100_000_000_000;

    /// An empty histogram, all memory taken and touched: no value recorded later faults a page in.
    ///
    /// # Panics
    ///
    /// Never: the bounds are constants that the library accepts.
    #[must_use]
    #[expect(clippy::expect_used, reason = "constant bounds, checked by every test that records")]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, Self::MOST_NS, 2);
        let mut histogram = histogram.expect("the bounds of latency histograms are valid");
        // A value of each power of two is on every page; zeroed memory alone is not there yet.
        (0..u64::BITS).for_each(|shift| histogram.saturating_record(1 << shift));
        histogram.reset();
        Self(histogram)
    }

    /// Counts one latency.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        self.0.saturating_record(ns.max(1));
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this part of all did not exceed; `quantile` from 0 to 1.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }

    /// The highest.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The sum of all, ns, each as the middle of its place.
    #[must_use]
    pub fn sum(&self) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.mean() * self.0.len() as f64 }
    }

    /// Takes in another's values.
    ///
    /// # Panics
    ///
    /// Never: all have the same bounds.
    pub fn add(&mut self, other: &Self) {
        let added = self.0.add(&other.0);
        debug_assert!(added.is_ok(), "the bounds of all latency histograms are the same");
    }

    /// Forgets every value and keeps the memory.
    pub fn reset(&mut self) {
        self.0.reset();
    }

    /// Lowest and highest value, and decimal digits.
    fn bounds(&self) -> (u64, u64, u32) {
        (self.0.low(), self.0.high(), u32::from(self.0.sigfig()))
    }

    /// Values that occurred and how often, ascending.
    fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter_recorded().map(|it| (it.value_iterated_to(), it.count_at_value()))
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.quantile(0.5), self.quantile(0.99));
        write!(
            f,
            "LatencyHistogram({} values, p50 {p50}, p99 {p99}, max {})",
            self.count(),
            self.max()
        )
    }
}

/// The histograms of all stages.
#[derive(Clone, Debug)]
pub struct Latencies([LatencyHistogram; PathStage::ALL.len()]);

impl Default for Latencies {
    fn default() -> Self {
        Self(std::array::from_fn(|_| LatencyHistogram::new()))
    }
}

impl Latencies {
    /// The histogram of a stage.
    #[must_use]
    pub const fn stage(&self, stage: PathStage) -> &LatencyHistogram {
        &self.0[stage as usize]
    }

    /// Counts a latency of a stage.
    #[inline]
    pub fn record(&mut self, stage: PathStage, ns: u64) {
        self.0[stage as usize].record(ns);
    }

    /// Takes over another thread's histogram of a stage.
    pub(crate) fn set(&mut self, stage: PathStage, histogram: LatencyHistogram) {
        self.0[stage as usize] = histogram;
    }

    /// Takes in the values of every stage that has some.
    pub(crate) fn add(&mut self, other: &Self) {
        for (own, new) in self.0.iter_mut().zip(&other.0).filter(|(_, new)| new.count() > 0) {
            own.add(new);
        }
    }

    /// Forgets every value and keeps the memory.
    pub(crate) fn reset(&mut self) {
        self.0.iter_mut().filter(|it| it.count() > 0).for_each(LatencyHistogram::reset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_two_digits_and_outliers_saturate() {
        let mut latencies = Latencies::default();
        (1..=1000).for_each(|ns| latencies.record(PathStage::Book, ns));
        let book = latencies.stage(PathStage::Book);
        assert_eq!(book.count(), 1000);
        assert!(book.quantile(0.5).abs_diff(500) <= 5);
        latencies.record(PathStage::Book, u64::MAX);
        assert!(latencies.stage(PathStage::Book).max() >= 99_000_000_000);
    }
}
