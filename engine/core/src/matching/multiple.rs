//! Whether a number is a multiple of another that is known beforehand, without a division.
//!
//! For odd `d`, `n` is a multiple of `d` exactly when `n · d⁻¹ mod 2⁶⁴` is at most `(2⁶⁴ − 1) / d`; a
//! power of two in the divisor is a rotation (T. Granlund and P. Montgomery, "Division by
//! Invariant Integers using Multiplication", 1994, section 9). Two cycles in place of some twenty.

/// A divisor, prepared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiple {
    inverse: u64,
    limit: u64,
    shift: u32,
}

impl Multiple {
    /// Of 0 every number counts as a multiple: the divisor is not known.
    pub(super) const fn of(divisor: u64) -> Self {
        if divisor == 0 {
            return Self { inverse: 0, limit: u64::MAX, shift: 0 };
        }
        let shift = divisor.trailing_zeros();
        let odd = divisor >> shift;
        // Newton: each step doubles the correct low bits, of which `odd` itself has three.
        let mut inverse = odd;
        let mut bits = 3;
        while bits < 64 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
            bits *= 2;
        }
        Self { inverse, limit: u64::MAX / divisor, shift }
    }

    #[inline]
    pub(super) const fn divides(self, number: u64) -> bool {
        number.wrapping_mul(self.inverse).rotate_right(self.shift) <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_testing::Random;

    #[test]
    fn it_agrees_with_the_remainder() {
        let mut random = Random(7);
        for round in 0..200_000_u64 {
            let divisor = random.next() >> random.below(64);
            let number = match round % 3 {
                0 => random.next() >> random.below(64),
                1 => divisor.wrapping_mul(random.below(1 << 20)),
                _ => divisor.wrapping_mul(random.below(1 << 20)).wrapping_add(random.below(3)),
            };
            let expected = divisor == 0 || number.is_multiple_of(divisor);
            assert_eq!(Multiple::of(divisor).divides(number), expected, "{number} / {divisor}");
        }
        assert!(Multiple::of(5_000_000).divides(2_245_005_000_000));
        assert!(!Multiple::of(5_000_000).divides(2_245_006_000_000));
    }
}
