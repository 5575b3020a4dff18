//! Which places of the order table an open order has: one bit each, so that the next free place is
//! a scan of words away, also when thousands of orders rest.

/// A set of places.
///
/// # Invariants
///
/// - The bits of the last word beyond the number of places are set.
pub(super) struct Places {
    words: Box<[u64]>,
}

impl Places {
    /// `count` places, all free.
    pub(super) fn new(count: usize) -> Self {
        let mut words = vec![0; count.div_ceil(64)].into_boxed_slice();
        if let Some(last) = words.last_mut()
            && !count.is_multiple_of(64)
        {
            *last = u64::MAX << (count % 64);
        }
        Self { words }
    }

    /// Marks a place as taken.
    #[inline]
    pub(super) fn take(&mut self, place: usize) {
        self.words[place / 64] |= 1 << (place % 64);
    }

    /// Marks a place as free.
    #[inline]
    pub(super) fn free(&mut self, place: usize) {
        self.words[place / 64] &= !(1 << (place % 64));
    }

    /// The first free place at or behind `place`, from the last place on with the first; `None` when
    /// all are taken. O(places / 64).
    #[inline]
    pub(super) fn next_free(&self, place: usize) -> Option<usize> {
        let first = place / 64;
        let bits = !self.words[first] & (u64::MAX << (place % 64));
        if bits != 0 {
            return Some(first * 64 + bits.trailing_zeros() as usize);
        }
        // In the end the first word again, for its places before `place`.
        (1..=self.words.len()).find_map(|step| {
            let word = (first + step) % self.words.len();
            let bits = !self.words[word];
            (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_testing::Random;

    #[test]
    fn the_next_free_place_is_that_of_a_plain_list() {
        let mut random = Random(3);
        for count in [1, 2, 16, 64, 128, 256] {
            let (mut places, mut taken) = (Places::new(count), vec![false; count]);
            for step in 0..2_000 {
                let at = random.below(count as u64) as usize;
                // Mostly full, now and then wholly.
                taken[at] = random.below(12) > 0;
                if taken[at] {
                    places.take(at);
                } else {
                    places.free(at);
                }
                let from = random.below(count as u64) as usize;
                let naive = (from..from + count).map(|it| it % count).find(|&it| !taken[it]);
                assert_eq!(places.next_free(from), naive, "seed 3, {count} places, step {step}");
            }
        }
    }
}
