//! The random close of an auction's entry, drawn from a seed.
//!
//! The exchange closes entry at an instant of its own choosing within a published window. Here it
//! is a pure function of seed, date, segment and auction, so that a day repeats exactly and every
//! instrument of a segment closes together, as on the exchange. The mixing is the output function
//! of SplitMix64 (Steele, Lea, Flood 2014).

use tezi_model::{Nanos, Segment};

use crate::venue::Date;

const NANOS_PER_MILLISECOND: i64 = 1_000_000;

/// Which auction of the day closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Draw {
    PreOpen = 1,
    Closing = 2,
    /// After a halt; the number of the halt is added.
    Reopen = 3,
}

/// A whole millisecond from `from` to just before `to`; `to` when the window is shorter than one.
pub(super) fn instant(
    seed: u64,
    date: Date,
    segment: Segment,
    draw: u8,
    window: [Nanos; 2],
) -> Nanos {
    let [from, to] = window;
    let choices = u64::try_from(to.since(from) / NANOS_PER_MILLISECOND).unwrap_or(0);
    if choices == 0 {
        return to;
    }
    let stream = u64::from(date.number().unsigned_abs()) << 16
        | u64::from(segment as u8) << 8
        | u64::from(draw);
    let number = mix(mix(seed).wrapping_add(stream));
    // The high bits of a 128-bit product spread evenly over the choices (Lemire 2019).
    let choice = (u128::from(number) * u128::from(choices)) >> 64;
    from.plus(choice as i64 * NANOS_PER_MILLISECOND)
}

const fn mix(state: u64) -> u64 {
    let mut x = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_fill_the_window_and_repeat() {
        let date = Date::parse("2026-09-07").unwrap();
        let (from, to) =
            (Nanos::from_ist(2026, 9, 7, 9, 8, 0), Nanos::from_ist(2026, 9, 7, 9, 10, 0));
        let draw = |seed| instant(seed, date, Segment::NseCm, Draw::PreOpen as u8, [from, to]);
        let mut quarters = [0; 4];
        for seed in 0..4_000 {
            let at = draw(seed);
            assert!(from <= at && at < to);
            assert_eq!(at, draw(seed));
            quarters[(at.since(from) / 30_000_000_000) as usize] += 1;
        }
        // Binomial with p = 1/4: the standard deviation is 27, six of them are 164.
        assert!(quarters.iter().all(|count: &i32| (count - 1_000).abs() < 164), "{quarters:?}");
        let other = instant(1, date, Segment::NseFo, Draw::PreOpen as u8, [from, to]);
        assert_ne!(draw(1), other);
        assert_eq!(instant(1, date, Segment::NseFo, 1, [to, to]), to);
    }
}
