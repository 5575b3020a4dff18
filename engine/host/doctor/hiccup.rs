//! The machine's own stalls, as a spinning thread sees them.
//!
//! The meter reads the processor's counter without pause; two readings apart by more than the threshold
//! are a gap: time in which the thread could not have acted on a packet. There is no schedule to fall
//! behind and every gap is counted whole, so nothing is left out by coordinated omission.

use std::time::Duration;

use crate::latency::LatencyHistogram;
use crate::pin::pin;

/// Upper bounds of the classes of gaps, ns, with their names. The last has no bound.
pub const SIZE_CLASSES: [(&str, u64); 6] = [
    ("1 to 5 us", 5_000),
    ("5 to 20 us", 20_000),
    ("20 to 100 us", 100_000),
    ("100 us to 1 ms", 1_000_000),
    ("1 to 10 ms", 10_000_000),
    ("over 10 ms", u64::MAX),
];

/// Gaps longer than a threshold between readings of the clock.
///
/// # Invariants
///
/// - The classes' counts sum to the histogram's.
/// - `stolen_ns` is at most `elapsed_ns`.
#[derive(Clone, Debug)]
pub struct HiccupMeter {
    clock: quanta::Clock,
    threshold_ns: u64,
    gaps: LatencyHistogram,
    classes: [u64; SIZE_CLASSES.len()],
    stolen_ns: u64,
    elapsed_ns: u64,
    gap_ns_max: u64,
}

impl HiccupMeter {
    /// What a gap is longer than, by default.
    pub const THRESHOLD_NS: u64 = 1_000;
    /// Readings between looks at whether the time is over.
    pub(crate) const BATCH: u32 = 1024;

    /// A meter of gaps over 1 us, all memory taken. The first clock in a process calibrates, for up to
    /// 200 ms.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: quanta::Clock::new(),
            threshold_ns: Self::THRESHOLD_NS,
            gaps: LatencyHistogram::new(),
            classes: [0; SIZE_CLASSES.len()],
            stolen_ns: 0,
            elapsed_ns: 0,
            gap_ns_max: 0,
        }
    }

    /// Spins on the calling thread for a time and adds what it saw. Allocates nothing.
    pub fn spin(&mut self, time: Duration) {
        let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let start = self.clock.raw();
        let mut last = start;
        let mut elapsed_ns = 0;
        while elapsed_ns < time_ns {
            for _ in 0..Self::BATCH {
                let now = self.clock.raw();
                // A counter that steps back must not have its time counted twice.
                let now = now.max(last);
                let gap_ns = self.clock.delta_as_nanos(last, now);
                if gap_ns > self.threshold_ns {
                    self.on_gap(gap_ns);
                }
                last = now;
            }
            elapsed_ns = self.clock.delta_as_nanos(start, last);
        }
        self.elapsed_ns += elapsed_ns;
    }

    /// Spins on a thread of its own, pinned to a core, and waits for it. The text says why the thread
    /// could not be pinned or started, where it could not.
    #[must_use]
    pub fn measure(core: Option<usize>, time: Duration) -> (Self, Option<String>) {
        let mut meter = Self::new();
        let spinning = std::thread::Builder::new().name("tezi-hiccup".into()).spawn(move || {
            let warning = pin(core, "hiccup meter's");
            meter.spin(time);
            (meter, warning)
        });
        let ended = spinning.map_err(|error| error.to_string()).and_then(|thread| {
            thread.join().map_err(|_| "the hiccup meter's thread ended early".to_string())
        });
        ended.unwrap_or_else(|error| (Self::new(), Some(error)))
    }

    /// Counts one gap of this length.
    #[cold]
    fn on_gap(&mut self, gap_ns: u64) {
        self.gaps.record(gap_ns);
        self.stolen_ns += gap_ns;
        self.gap_ns_max = self.gap_ns_max.max(gap_ns);
        if let Some(class) = SIZE_CLASSES.iter().position(|&(_, bound)| gap_ns <= bound) {
            self.classes[class] += 1;
        }
    }

    /// How many gaps.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.gaps.count()
    }

    /// The gap that this part of all gaps did not exceed, ns; `quantile` from 0 to 1. 0 without gaps.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        // The histogram rounds up within its two digits.
        self.gaps.quantile(quantile).min(self.gap_ns_max)
    }

    /// The longest gap, ns, exact.
    #[must_use]
    pub const fn gap_ns_max(&self) -> u64 {
        self.gap_ns_max
    }

    /// All gaps together, ns.
    #[must_use]
    pub const fn stolen_ns(&self) -> u64 {
        self.stolen_ns
    }

    /// How long the meter has spun, ns.
    #[must_use]
    pub const fn elapsed_ns(&self) -> u64 {
        self.elapsed_ns
    }

    /// Gaps of each of the [`SIZE_CLASSES`].
    #[must_use]
    pub const fn classes(&self) -> &[u64; SIZE_CLASSES.len()] {
        &self.classes
    }

    /// Whether the core is fit for trading: it was measured, no gap was over 100 us, and the gaps took
    /// less than a thousandth of the time.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.elapsed_ns > 0
            && self.gap_ns_max <= 100_000
            && self.stolen_ns < self.elapsed_ns / 1_000
    }

    /// The verdict in plain words, one sentence.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (self.elapsed_ns, self.is_quiet(), self.gap_ns_max) {
            (0, ..) => "Nothing was measured.",
            (_, true, 0..=20_000) => "A quiet core: no stall was over 20 us.",
            (_, true, _) => "A usable core: stalls of tens of microseconds, and few of them.",
            (_, false, 0..=100_000) => "Short stalls, but many: interrupts or the timer tick.",
            (_, false, 0..=10_000_000) => {
                "The core was taken away for up to milliseconds: other threads ran on it."
            }
            _ => "The core was taken away for over 10 ms: not a machine to trade on.",
        }
    }
}

impl Default for HiccupMeter {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_is_in_one_class_and_in_the_sum() {
        let mut meter = HiccupMeter::new();
        let gaps = [1_001, 5_000, 5_001, 100_000, 100_001, 10_000_001, u64::MAX / 2];
        gaps.into_iter().for_each(|gap| meter.on_gap(gap));
        assert_eq!(meter.classes(), &[2, 1, 1, 1, 0, 2]);
        assert_eq!((meter.count(), meter.gap_ns_max()), (7, u64::MAX / 2));
        assert_eq!(meter.stolen_ns(), gaps.iter().sum::<u64>());
    }

    #[test]
    fn it_spins_as_long_as_asked_and_sees_no_more_than_there_was() {
        let (meter, warning) = HiccupMeter::measure(None, Duration::from_millis(20));
        assert_eq!(warning, None);
        assert!(meter.elapsed_ns() >= 20_000_000);
        assert!(meter.stolen_ns() <= meter.elapsed_ns());
        assert_eq!(meter.classes().iter().sum::<u64>(), meter.count());
    }

    #[test]
    fn what_was_not_measured_is_not_quiet() {
        assert!(!HiccupMeter::new().is_quiet());
        let mut meter = HiccupMeter { elapsed_ns: 1_000_000_000, ..HiccupMeter::new() };
        assert!(meter.is_quiet());
        meter.on_gap(100_001);
        assert!(!meter.is_quiet());
        assert!(meter.verdict().contains("milliseconds"));
    }
}
