//! Calendar spreads: what is long in one month against what is short in a later one.
//!
//! Months are taken in order; each is set against the oldest still open on the other side. So every
//! unit is in one spread at most, and as much as possible is.

/// Pairs the amounts of `count` months, given in order of expiry: `pair(near, far, size)` with
/// sizes above zero.
///
/// The open amounts always have one sign and stand from month `first` on, `left` of them there.
/// What has the other sign between `first` and `far` is spent: it was paired when it came.
pub(super) fn pair_spreads(
    count: usize,
    amount: impl Fn(usize) -> i64,
    mut pair: impl FnMut(usize, usize, i64),
) {
    let (mut open, mut first, mut left) = (0_i64, 0, 0_i64);
    for far in 0..count {
        let mut rest = amount(far);
        while rest != 0 && open != 0 && (rest < 0) != (open < 0) {
            while left == 0 {
                first += 1;
                let next = amount(first);
                left = if (next < 0) == (open < 0) { next } else { 0 };
            }
            let size = left.abs().min(rest.abs());
            pair(first, far, size);
            let signed = size * open.signum();
            left -= signed;
            open -= signed;
            rest += signed;
        }
        if rest != 0 {
            if open == 0 {
                (first, left) = (far, rest);
            }
            open += rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pair_spreads;
    use tezi_testing::Random;

    fn pairs(amounts: &[i64]) -> Vec<(usize, usize, i64)> {
        let mut found = Vec::new();
        pair_spreads(
            amounts.len(),
            |i| amounts[i],
            |near, far, size| found.push((near, far, size)),
        );
        found
    }

    #[test]
    fn months_pair_with_the_oldest_open_one() {
        assert_eq!(pairs(&[]), []);
        assert_eq!(pairs(&[5, 0, 3]), []);
        assert_eq!(pairs(&[5, -5]), [(0, 1, 5)]);
        assert_eq!(pairs(&[5, 2, -6, -4]), [(0, 2, 5), (1, 2, 1), (1, 3, 1)]);
        assert_eq!(pairs(&[5, -8, 2, 4]), [(0, 1, 5), (1, 2, 2), (1, 3, 1)]);
        assert_eq!(pairs(&[3, -1, 0, 4, -6]), [(0, 1, 1), (0, 4, 2), (3, 4, 4)]);
    }

    /// Everything that can be paired is, nothing twice, and always with a later month.
    #[test]
    fn random_months_are_paired_as_far_as_they_go() {
        let mut random = Random(11);
        for step in 0..2_000 {
            let amounts: Vec<i64> =
                (0..random.below(9)).map(|_| random.below(13) as i64 - 6).collect();
            let mut rest = amounts.clone();
            for (near, far, size) in pairs(&amounts) {
                assert!(near < far && size > 0, "step {step}: {amounts:?}");
                for (month, sign) in [(near, amounts[near].signum()), (far, amounts[far].signum())]
                {
                    rest[month] -= sign * size;
                    assert!(rest[month] * amounts[month] >= 0, "step {step}: {amounts:?}");
                }
            }
            let total: i64 = amounts.iter().sum();
            let left: i64 = rest.iter().map(|left| left.abs()).sum();
            assert_eq!(left, total.abs(), "step {step}: {amounts:?}");
        }
    }
}
