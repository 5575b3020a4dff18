//! The hash that names a state.

/// A 64-bit hash over integers, the same on every machine and in every release of one format.
///
/// Each word is folded in by the finaliser of SplitMix64 (Steele, Lea, Flood 2014), which mixes
/// every input bit into every output bit. It guards against divergence, not against an adversary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateHasher(u64);

impl Default for StateHasher {
    fn default() -> Self {
        Self(0x7465_7A69_0000_0001) // "tezi", format 1
    }
}

impl StateHasher {
    /// Folds one word in. Order matters.
    #[inline]
    pub const fn write(&mut self, word: u64) {
        let mut x = self.0.rotate_left(23) ^ word;
        x = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.0 = x ^ (x >> 31);
    }

    /// Folds a signed word in.
    #[inline]
    pub const fn write_i64(&mut self, word: i64) {
        self.write(word.cast_unsigned());
    }

    /// Folds a wide word in.
    #[inline]
    pub const fn write_i128(&mut self, word: i128) {
        self.write(word as u64);
        self.write((word >> 64) as u64);
    }

    /// Folds bytes in, their length included.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        self.write(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write(u64::from_le_bytes(word));
        }
    }

    /// The hash of what was folded in so far.
    #[must_use]
    pub const fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_length_and_every_word_matter() {
        let hash = |words: &[u64]| {
            let mut hasher = StateHasher::default();
            words.iter().for_each(|&word| hasher.write(word));
            hasher.finish()
        };
        let all = [hash(&[]), hash(&[0]), hash(&[0, 0]), hash(&[1, 2]), hash(&[2, 1])];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one));
        }
        let (mut a, mut b) = (StateHasher::default(), StateHasher::default());
        a.write_bytes(b"abc");
        b.write_bytes(b"abc\0");
        assert_ne!(a, b);
    }
}
