//! How much earlier one line brought a message than the other, as a histogram.
//!
//! The first arrival of a number is remembered in a ring; the other line's copy measures against
//! it. A lead is a difference of receive times, so it is as good as the stamps are: in one clock,
//! of one card. Never here: an allocation after construction, a float on the way in.

use tezi_model::Nanos;

use crate::Line;

/// Buckets of a [`LeadHistogram`]: four for each power of two, up to 2³⁴ ns (17 s).
const BUCKETS: usize = 128;

/// Leads of one line over the other, in nanoseconds.
///
/// **Shape**: bucket `i` counts the values from [`LeadHistogram::bucket_start`] of `i` up to that
/// of `i + 1`: four buckets for each power of two (of the value plus 4, which makes the first four
/// 1 ns wide), so a value read back is at most a quarter too high. The last bucket takes all from
/// 15 s on; the least and the greatest value are exact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadHistogram {
    counts: [u64; BUCKETS],
    min_ns: u64,
    max_ns: u64,
}

impl LeadHistogram {
    const NONE: Self = Self { counts: [0; BUCKETS], min_ns: u64::MAX, max_ns: 0 };

    /// How many values. O(buckets).
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The least value, `None` when there is none.
    #[must_use]
    pub const fn min_ns(&self) -> Option<u64> {
        if self.max_ns < self.min_ns { None } else { Some(self.min_ns) }
    }

    /// The greatest value, `None` when there is none.
    #[must_use]
    pub const fn max_ns(&self) -> Option<u64> {
        if self.max_ns < self.min_ns { None } else { Some(self.max_ns) }
    }

    /// The value that this part of all values, 0.0 to 1.0, does not exceed: 0.5 gives the median.
    /// `None` when there is no value.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> Option<u64> {
        let count = self.count();
        (count > 0).then(|| self.at_rank(rank(count, quantile)))
    }

    /// The counts, by bucket.
    #[must_use]
    pub const fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The least value that bucket `index` counts.
    #[must_use]
    pub const fn bucket_start(index: usize) -> u64 {
        ((4 + index as u64 % 4) << (index / 4)) - 4
    }

    /// The value of a rank, which counts from 1 and is at most `count`.
    fn at_rank(&self, rank: u64) -> u64 {
        let mut below = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                let last = Self::bucket_start(index + 1) - 1;
                // The last bucket has no end.
                let last = if index + 1 == BUCKETS { self.max_ns } else { last };
                return last.clamp(self.min_ns, self.max_ns);
            }
        }
        self.max_ns
    }

    #[inline]
    fn record(&mut self, value: u64) {
        self.counts[bucket(value)] += 1;
        // Branches, not minima: after the first few values neither is ever taken.
        if value < self.min_ns {
            self.min_ns = value;
        }
        if value > self.max_ns {
            self.max_ns = value;
        }
    }

    fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }
}

#[inline]
fn bucket(value: u64) -> usize {
    let value = value.saturating_add(4);
    let power = 61 - value.leading_zeros() as usize; // how often four is doubled
    (power * 4 + (value >> power) as usize - 4).min(BUCKETS - 1)
}

/// The rank, counted from 1, of the value that `quantile` of `count` values do not exceed.
fn rank(count: u64, quantile: f64) -> u64 {
    ((quantile.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count)
}

/// Which line was first, and by how much, for every message that both lines brought.
///
/// Each message that counts as
/// [`redundant`](crate::arbitration::StreamLineCounters::redundant) is in one of the two histograms
/// or in `unmeasured`. A copy stamped before the first arrival leads by 0: the order in which the
/// packets were taken says which was first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadTimes {
    first_on: [LeadHistogram; 2],
    unmeasured: u64,
}

impl LeadTimes {
    pub(super) const NONE: Self =
        Self { first_on: [LeadHistogram::NONE, LeadHistogram::NONE], unmeasured: 0 };

    /// How much earlier `line` was, where it was first.
    #[must_use]
    pub const fn first_on(&self, line: Line) -> &LeadHistogram {
        &self.first_on[line.index()]
    }

    /// Messages that were measured.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.first_on[0].count() + self.first_on[1].count()
    }

    /// Copies without a measure: the first arrival was too long ago to be remembered, or the
    /// message came by recovery, or its number had been given up and the list of those was full.
    #[must_use]
    pub const fn unmeasured(&self) -> u64 {
        self.unmeasured
    }

    /// The lead of line A over line B that this part of all messages, 0.0 to 1.0, does not exceed,
    /// in nanoseconds; negative when B was first. `None` when nothing was measured.
    #[must_use]
    pub fn quantile_ns(&self, quantile: f64) -> Option<i64> {
        let [of_a, of_b] = &self.first_on;
        let of_b_count = of_b.count();
        let count = of_a.count() + of_b_count;
        if count == 0 {
            return None;
        }
        // In order: B's greatest lead to its least, then A's least to its greatest.
        let rank = rank(count, quantile);
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        Some(if rank <= of_b_count {
            -signed(of_b.at_rank(of_b_count + 1 - rank))
        } else {
            signed(of_a.at_rank(rank - of_b_count))
        })
    }

    /// Adds what another stream measured.
    pub fn add(&mut self, other: &Self) {
        for (histogram, more) in self.first_on.iter_mut().zip(&other.first_on) {
            histogram.add(more);
        }
        self.unmeasured += other.unmeasured;
    }
}

/// When and on which line a number came first.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    time: Nanos,
    /// Twice the number, plus the line; 0 for none.
    tag: u64,
}

/// The last first arrivals of a stream, and what copies measured against them.
#[derive(Clone, Debug)]
pub(super) struct FirstArrivals {
    /// At `sequence % length`; the length is a power of two.
    ring: Box<[Arrival]>,
    pub(super) times: LeadTimes,
}

impl FirstArrivals {
    pub(super) fn new(window: usize) -> Self {
        let none = Arrival { time: Nanos::ZERO, tag: 0 };
        Self { ring: vec![none; window].into(), times: LeadTimes::NONE }
    }

    /// Numbers come again from 1.
    pub(super) fn restart(&mut self) {
        self.ring.fill(Arrival { time: Nanos::ZERO, tag: 0 });
    }

    /// `line` brought `sequence` before the other.
    #[inline]
    pub(super) fn note(&mut self, line: Line, sequence: u64, time: Nanos) {
        let slot = self.slot(sequence);
        self.ring[slot] = Arrival { time, tag: tag(line, sequence) };
    }

    /// `line` brought `sequence` after the other.
    #[inline]
    pub(super) fn measure(&mut self, line: Line, sequence: u64, time: Nanos) {
        let first_on = line.other();
        let arrival = self.ring[self.slot(sequence)];
        if arrival.tag == tag(first_on, sequence) {
            let lead = time.since(arrival.time).max(0);
            self.times.first_on[first_on.index()].record(lead.cast_unsigned());
        } else {
            self.times.unmeasured += 1;
        }
    }

    #[inline]
    const fn slot(&self, sequence: u64) -> usize {
        sequence as usize & (self.ring.len() - 1)
    }
}

#[inline]
const fn tag(line: Line, sequence: u64) -> u64 {
    sequence << 1 | line as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_contiguous_and_a_quarter_wide() {
        assert_eq!([0, 1, 3, 4, 7, 8, 9, 10, 1_000].map(bucket), [0, 1, 3, 4, 5, 6, 6, 7, 31]);
        for index in 0..BUCKETS {
            let (start, next) =
                (LeadHistogram::bucket_start(index), LeadHistogram::bucket_start(index + 1));
            assert_eq!((bucket(start), bucket(next - 1)), (index, index));
            assert!((next - 1 - start) * 4 <= start, "at most a quarter too high");
        }
        assert!(LeadHistogram::bucket_start(BUCKETS - 1) > 10_000_000_000);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn both_signs_read_as_one_distribution() {
        let mut arrivals = FirstArrivals::new(64);
        let mut sequence = 0;
        // A first by 1 to 60 ns, B first by 1 to 40 ns.
        for (line, count) in [(Line::A, 60), (Line::B, 40)] {
            for lead in 1..=count {
                sequence += 1;
                arrivals.note(line, sequence, Nanos(1_000));
                arrivals.measure(line.other(), sequence, Nanos(1_000 + lead));
            }
        }
        let times = &arrivals.times;
        assert_eq!((times.count(), times.unmeasured()), (100, 0));
        let of_b = times.first_on(Line::B);
        assert_eq!((of_b.count(), of_b.min_ns(), of_b.max_ns()), (40, Some(1), Some(40)));
        let exact = |rank: i64| if rank <= 40 { rank - 41 } else { rank - 40 };
        for rank in 1..=100 {
            let read = times.quantile_ns((rank as f64 - 0.5) / 100.0).unwrap();
            let wanted = exact(rank);
            let off = (read.abs() - wanted.abs()) as f64 / wanted.abs() as f64;
            assert_eq!(read.signum(), wanted.signum(), "rank {rank}");
            assert!((0.0..=0.25).contains(&off), "rank {rank}: {read} for {wanted}");
        }
        assert_eq!((times.quantile_ns(0.0), times.quantile_ns(1.0)), (Some(-40), Some(60)));
        let mut both = times.clone();
        both.add(times);
        assert_eq!((both.count(), both.quantile_ns(1.0)), (200, Some(60)));
        assert_eq!(LeadTimes::NONE.quantile_ns(0.5), None);
    }

    #[test]
    fn what_is_not_remembered_is_unmeasured() {
        let mut arrivals = FirstArrivals::new(64);
        for sequence in 1..=65 {
            arrivals.note(Line::A, sequence, Nanos(10));
        }
        arrivals.measure(Line::B, 1, Nanos(20)); // 65 took its place
        arrivals.measure(Line::A, 2, Nanos(20)); // not the other line's copy
        arrivals.measure(Line::B, 3, Nanos(5)); // stamps that run backwards
        assert_eq!((arrivals.times.count(), arrivals.times.unmeasured()), (1, 2));
        assert_eq!(arrivals.times.first_on(Line::A).max_ns(), Some(0));
        arrivals.restart();
        arrivals.measure(Line::B, 4, Nanos(20));
        assert_eq!(arrivals.times.unmeasured(), 3);
    }
}
