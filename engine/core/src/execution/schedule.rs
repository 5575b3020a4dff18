//! When how much of a parent is released: slices of time along a volume curve.

use tezi_model::Nanos;

use super::draw;
use super::state::ParentError;
use super::volume_curve::VolumeCurve;

/// A delay of each slice, drawn from a seed, so that the schedule is not read from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jitter {
    /// Each slice is late by less than this, in nanoseconds; never by a whole slice.
    pub most_ns: i64,
    /// What the delays are drawn from.
    pub seed: u64,
}

/// Slices of equal length from a start to an end.
///
/// Slice `k` is released at its beginning, with its jitter, and brings the volume that the curve
/// expects until the slice's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    curve: VolumeCurve,
    start: Nanos,
    end: Nanos,
    slices: u32,
    jitter: Jitter,
}

impl Schedule {
    /// A schedule of so many slices. The curve may span more time than it.
    ///
    /// # Errors
    ///
    /// [`ParentError::NoTime`] when it does not end after it begins; [`ParentError::Parameter`] when
    /// there is no slice, a slice is shorter than a nanosecond, the jitter is negative or as long as a
    /// slice, or the curve expects nothing between start and end.
    pub fn new(
        curve: VolumeCurve,
        start: Nanos,
        end: Nanos,
        slices: u32,
        jitter: Jitter,
    ) -> Result<Self, ParentError> {
        let span = end.since(start);
        if span <= 0 {
            return Err(ParentError::NoTime);
        }
        if slices == 0 || i64::from(slices) > span {
            return Err(ParentError::Parameter(
                "there must be at least one slice, of a nanosecond",
            ));
        }
        if jitter.most_ns < 0 || jitter.most_ns > span / i64::from(slices) {
            return Err(ParentError::Parameter("the jitter must be shorter than a slice"));
        }
        if curve.until(end) == curve.until(start) {
            return Err(ParentError::Parameter("the curve expects no volume in this time"));
        }
        Ok(Self { curve, start, end, slices, jitter })
    }

    /// How many slices there are.
    #[must_use]
    pub const fn slices(&self) -> u32 {
        self.slices
    }

    /// When it ends.
    #[must_use]
    pub const fn end(&self) -> Nanos {
        self.end
    }

    /// When slice `slice` begins, jitter left out; of the one behind the last, the end.
    #[must_use]
    pub fn begins(&self, slice: u32) -> Nanos {
        let span = i128::from(self.end.since(self.start));
        let gone = span * i128::from(slice.min(self.slices)) / i128::from(self.slices);
        self.start.plus(gone as i64)
    }

    /// When slice `slice` is released: its beginning and its jitter.
    #[must_use]
    pub fn released_at(&self, slice: u32) -> Nanos {
        let most = self.jitter.most_ns.unsigned_abs();
        let late = if most == 0 { 0 } else { draw(self.jitter.seed, u64::from(slice)) % most };
        self.begins(slice).plus(late as i64)
    }

    /// What of `units` the first `slices` slices bring, in whole lots, rounded down; all with the last.
    #[must_use]
    pub fn released(&self, units: u64, lot: u32, slices: u32) -> u64 {
        self.share(units, lot, 0, slices)
    }

    /// What of `units`, all that is left for slices from `from` on, those before `to` bring: whole
    /// lots, rounded down; all when `to` is the last.
    #[must_use]
    pub fn share(&self, units: u64, lot: u32, from: u32, to: u32) -> u64 {
        if to >= self.slices {
            return units;
        }
        let [before, until, all] =
            [from, to, self.slices].map(|slice| self.curve.until(self.begins(slice)));
        let lot = u64::from(lot.max(1));
        // Lots below 2³², times a curve of 96 weights of 32 bits over 2⁶³ ns, would leave 128 bits:
        // both parts of the ratio lose low bits until the product fits.
        let (part, whole) = (until - before, all - before);
        let shift = (128 - whole.leading_zeros()).saturating_sub(90);
        let (part, whole) = (part >> shift, whole >> shift);
        let lots = u128::from(units / lot) * part / whole.max(1);
        (lots as u64).min(units / lot) * lot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(slices: u32, most_ns: i64) -> Schedule {
        let (start, end) = (Nanos(1_000), Nanos(2_000));
        let curve = VolumeCurve::flat(start, end).unwrap();
        Schedule::new(curve, start, end, slices, Jitter { most_ns, seed: 7 }).unwrap()
    }

    #[test]
    fn an_even_schedule_is_that_of_a_naive_model() {
        for (slices, lots, lot) in [(1, 5, 65), (3, 10, 65), (7, 100, 1), (10, 3, 30), (999, 50, 5)]
        {
            let schedule = flat(slices, 0);
            let (mut sum, mut naive) = (Vec::new(), Vec::new());
            for slice in 0..=slices {
                sum.push(schedule.released(lots * u64::from(lot), lot, slice));
                naive.push(lots * u64::from(slice) / u64::from(slices) * u64::from(lot));
                let begins = 1_000 + 1_000 * i64::from(slice) / i64::from(slices);
                assert_eq!(schedule.begins(slice), Nanos(begins));
                assert_eq!(schedule.released_at(slice), Nanos(begins), "no jitter");
            }
            // Where slices fall between nanoseconds the curve has the same roundings of time.
            let off = sum.iter().zip(&naive).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            let most = if 1_000 % slices == 0 { 0 } else { u64::from(lot) };
            assert!(off <= most, "{slices} slices: {sum:?} and {naive:?}");
            assert_eq!(sum.last(), naive.last());
            assert!(sum.is_sorted());
        }
    }

    #[test]
    fn a_curve_gives_each_slice_its_share() {
        let (start, end) = (Nanos(0), Nanos(4_000));
        let curve = VolumeCurve::new(&[4, 1, 1, 2], start, end).unwrap();
        let schedule = Schedule::new(curve, start, end, 8, Jitter::default()).unwrap();
        let all: Vec<_> = (0..=8).map(|slice| schedule.released(1_600, 1, slice)).collect();
        assert_eq!(all, [0, 400, 800, 900, 1_000, 1_100, 1_200, 1_400, 1_600]);
        // In the middle of the curve what is left is all there is.
        let late = Schedule::new(curve, Nanos(1_000), end, 3, Jitter::default()).unwrap();
        let all: Vec<_> = (0..=3).map(|slice| late.released(400, 100, slice)).collect();
        assert_eq!(all, [0, 100, 200, 400]);
        assert_eq!(schedule.share(700, 100, 4, 5), 100);
        assert_eq!(schedule.share(700, 100, 4, 8), 700);
    }

    #[test]
    fn jitter_delays_by_less_than_it_may_and_the_same_for_one_seed() {
        let schedule = flat(10, 100);
        let late: Vec<_> =
            (0..10).map(|k| schedule.released_at(k).since(schedule.begins(k))).collect();
        assert!(late.iter().all(|late| (0..100).contains(late)), "{late:?}");
        assert!(late.iter().any(|&late| late != late.min(late / 2)), "{late:?}");
        assert_eq!(schedule.released_at(3), flat(10, 100).released_at(3));
        assert!((0..9).all(|k| schedule.released_at(k) < schedule.begins(k + 1)));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (start, end) = (Nanos(0), Nanos(100));
        let curve = VolumeCurve::new(&[1, 0], start, end).unwrap();
        let new = |start, end, slices, most_ns| {
            Schedule::new(curve, Nanos(start), Nanos(end), slices, Jitter { most_ns, seed: 1 })
        };
        assert!(new(0, 100, 4, 25).is_ok());
        assert_eq!(new(10, 10, 1, 0), Err(ParentError::NoTime));
        for wrong in [new(0, 100, 0, 0), new(0, 3, 4, 0), new(0, 100, 4, 26), new(50, 100, 4, 0)] {
            assert!(matches!(wrong, Err(ParentError::Parameter(_))), "{wrong:?}");
        }
    }

    #[test]
    fn the_largest_numbers_fit() {
        let (start, end) = (Nanos(0), Nanos(i64::MAX));
        let curve = VolumeCurve::new(&[u32::MAX; 96], start, end).unwrap();
        let schedule = Schedule::new(curve, start, end, 2, Jitter::default()).unwrap();
        let half = schedule.released(u64::from(u32::MAX), 1, 1);
        assert!(half.abs_diff(u64::from(u32::MAX) / 2) <= 1, "{half}");
    }
}
