//! Counts by value: what a histogram of a log holds, without its empty places.

/// How often each value occurred.
///
/// **Shape**: a value is the highest that its histogram does not tell from those in its place.
/// **Units**: those of the log; of ours, nanoseconds.
///
/// # Invariants
///
/// - Values ascend, no count is 0, and `count` is their sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    values: Vec<(u64, u64)>,
    count: u64,
}

impl Distribution {
    /// Values in ascending order with positive counts, whose sum has 64 bits.
    pub(super) fn of_sorted(values: Vec<(u64, u64)>) -> Self {
        debug_assert!(values.is_sorted_by(|a, b| a.0 < b.0), "values must ascend");
        let count = values.iter().map(|(_, count)| count).sum();
        Self { values, count }
    }

    /// How many values there are in all.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Each value with how often it occurred, ascending.
    #[must_use]
    pub fn values(&self) -> &[(u64, u64)] {
        &self.values
    }

    /// The value that this part of all did not exceed; `quantile` from 0 to 1. 0 without values.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> u64 {
        let wanted = rank(self.count, quantile);
        let mut seen = 0;
        let found = self.values.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        found.or(self.values.last()).map_or(0, |(value, _)| *value)
    }

    /// The highest value; 0 without values.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.values.last().map_or(0, |(value, _)| *value)
    }

    /// Adds another's counts; beyond 64 bits they saturate.
    pub fn add(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.values.len().max(other.values.len()));
        let (mut left, mut right) = (&self.values[..], &other.values[..]);
        while let (Some(&a), Some(&b)) = (left.first(), right.first()) {
            let is_same = a.0 == b.0;
            merged.push(match a.0 <= b.0 {
                true if is_same => (a.0, a.1.saturating_add(b.1)),
                true => a,
                false => b,
            });
            left = &left[usize::from(a.0 <= b.0)..];
            right = &right[usize::from(b.0 <= a.0)..];
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        self.values = merged;
        self.count = self.count.saturating_add(other.count);
    }
}

/// How many of `count` values lie at or below a quantile: at least one.
#[must_use]
pub fn rank(count: u64, quantile: f64) -> u64 {
    ((quantile.clamp(0.0, 1.0) * count as f64).ceil() as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn adding_is_what_a_map_would_do() {
        let mut random = 3_u64;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) % limit
        };
        let (mut all, mut model) = (Distribution::default(), BTreeMap::new());
        for step in 0..200 {
            let mut one = BTreeMap::new();
            (0..below(20)).for_each(|_| *one.entry(below(50)).or_insert(0) += 1 + below(3));
            one.iter().for_each(|(value, count)| *model.entry(*value).or_insert(0) += count);
            all.add(&Distribution::of_sorted(one.into_iter().collect()));
            assert!(all.values().iter().copied().eq(model.iter().map(|(v, c)| (*v, *c))), "{step}");
            assert_eq!(all.count(), model.values().sum());
        }
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let all = Distribution::of_sorted((1..=100).map(|value| (value, 1)).collect());
        let found = [0.0, 0.005, 0.5, 0.99, 0.995, 1.0].map(|it| all.quantile(it));
        assert_eq!(found, [1, 1, 50, 99, 100, 100]);
        let none = Distribution::default();
        assert_eq!((none.quantile(0.5), none.max(), none.count()), (0, 0, 0));
    }
}
