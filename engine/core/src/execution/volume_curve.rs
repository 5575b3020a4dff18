//! How a day's volume spreads over time, and how to learn it from trades.

use tezi_model::{Nanos, Qty};

/// Buckets a curve may have: a session of 375 minutes in fives, and some.
pub const BUCKETS_MAX: usize = 96;

/// Expected volume over a span of time, in buckets of equal length; within one it flows evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeCurve {
    weights: [u32; BUCKETS_MAX],
    count: usize,
    start: Nanos,
    end: Nanos,
}

impl VolumeCurve {
    /// A curve of these weights from `start` to `end`. `None` of no bucket, of more than
    /// [`BUCKETS_MAX`], of no weight at all, or when it does not end after it begins.
    #[must_use]
    pub fn new(weights: &[u32], start: Nanos, end: Nanos) -> Option<Self> {
        let mut all = [0; BUCKETS_MAX];
        all.get_mut(..weights.len())?.copy_from_slice(weights);
        let is_able = weights.iter().any(|&weight| weight > 0) && start < end;
        is_able.then_some(Self { weights: all, count: weights.len(), start, end })
    }

    /// The same volume at every moment.
    #[must_use]
    pub fn flat(start: Nanos, end: Nanos) -> Option<Self> {
        Self::new(&[1], start, end)
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[u32] {
        &self.weights[..self.count]
    }

    /// Volume from the beginning to `at`, in weight times nanoseconds: exact, and comparable within
    /// one curve.
    #[must_use]
    pub fn until(&self, at: Nanos) -> u128 {
        let span = self.end.since(self.start).unsigned_abs();
        let gone = at.since(self.start).clamp(0, self.end.since(self.start)).unsigned_abs();
        let position = u128::from(gone) * self.count as u128;
        let (bucket, within) = (position / u128::from(span), position % u128::from(span));
        let bucket = bucket as usize;
        let whole: u64 = self.weights[..bucket].iter().map(|&weight| u64::from(weight)).sum();
        let part = self.weights.get(bucket).copied().unwrap_or(0);
        u128::from(whole) * u128::from(span) + u128::from(part) * within
    }
}

/// Learns a curve from the trades of one day or several.
#[derive(Clone, Debug)]
pub struct CurveLearner {
    volumes: [u64; BUCKETS_MAX],
    count: usize,
    start: Nanos,
    end: Nanos,
}

impl CurveLearner {
    /// Nothing learned, for `count` buckets from `start` to `end`. `None` like [`VolumeCurve::new`].
    #[must_use]
    pub fn new(count: usize, start: Nanos, end: Nanos) -> Option<Self> {
        let is_able = (1..=BUCKETS_MAX).contains(&count) && start < end;
        is_able.then_some(Self { volumes: [0; BUCKETS_MAX], count, start, end })
    }

    /// Takes in a trade; one outside the span counts for nothing. A trade of another day is given with
    /// its time moved by whole days.
    pub fn on_trade(&mut self, at: Nanos, quantity: Qty) {
        if self.start <= at && at < self.end {
            let span = u128::from(self.end.since(self.start).unsigned_abs());
            let gone = u128::from(at.since(self.start).unsigned_abs());
            let bucket = (gone * self.count as u128 / span) as usize;
            let volume = &mut self.volumes[bucket];
            *volume = volume.saturating_add(u64::from(quantity.0));
        }
    }

    /// The curve so far, its weights at most so exact as 32 bits are; `None` before the first trade.
    #[must_use]
    pub fn curve(&self) -> Option<VolumeCurve> {
        let volumes = &self.volumes[..self.count];
        let most = volumes.iter().copied().max().unwrap_or(0);
        let shift = (64 - most.leading_zeros()).saturating_sub(32);
        let mut weights = [0; BUCKETS_MAX];
        for (weight, volume) in weights.iter_mut().zip(volumes) {
            *weight = (volume >> shift) as u32;
        }
        VolumeCurve::new(&weights[..self.count], self.start, self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volume_flows_evenly_within_a_bucket() {
        let curve = VolumeCurve::new(&[1, 3], Nanos(100), Nanos(300)).unwrap();
        let parts = [0, 100, 150, 200, 250, 300, 999].map(|at| curve.until(Nanos(at)));
        assert_eq!(parts, [0, 0, 100, 200, 500, 800, 800]);
    }

    #[test]
    fn what_cannot_be_a_curve_is_none() {
        let (start, end) = (Nanos(1), Nanos(2));
        assert!(VolumeCurve::new(&[1; BUCKETS_MAX], start, end).is_some());
        assert!(VolumeCurve::new(&[1; BUCKETS_MAX + 1], start, end).is_none());
        assert!(VolumeCurve::new(&[], start, end).is_none());
        assert!(VolumeCurve::new(&[0, 0], start, end).is_none());
        assert!(VolumeCurve::new(&[1], end, end).is_none());
        assert!(CurveLearner::new(0, start, end).is_none());
    }

    #[test]
    fn a_learner_gives_back_the_volume_by_bucket() {
        let mut learner = CurveLearner::new(4, Nanos(0), Nanos(400)).unwrap();
        assert_eq!(learner.curve(), None);
        for (at, quantity) in [(-1, 9), (0, 5), (99, 6), (100, 7), (399, 8), (400, 9)] {
            learner.on_trade(Nanos(at), Qty(quantity));
        }
        assert_eq!(learner.curve().unwrap().weights(), [11, 7, 0, 8]);
        for _ in 0..4 {
            learner.on_trade(Nanos(0), Qty(u32::MAX));
        }
        // Twice as much as 32 bits hold, and some: three bits fewer.
        let curve = learner.curve().unwrap();
        assert_eq!(curve.weights(), [((4 * u64::from(u32::MAX) + 11) >> 3) as u32, 0, 0, 1]);
    }
}
