//! From an exchange's number to a place in a table: tokens to instruments, order numbers to images.

/// Takes the place of a key where there is none. Order numbers and tokens are never 0.
const EMPTY: u64 = 0;

/// A hash table of a fixed size: open addressing, linear probing, deletion by moving back what
/// follows (D. Knuth, The Art of Computer Programming 6.4, algorithm R), so that it does not age.
///
/// # Invariants
///
/// - At most half of the places are taken.
/// - No place between a key's home and its place is empty.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    /// Length is a power of two.
    places: Box<[(u64, u32)]>,
    count: usize,
    shift: u32,
}

impl Index {
    /// Room for so many keys.
    pub(crate) fn new(keys_max: usize) -> Self {
        let length = (keys_max.max(1) * 2).next_power_of_two();
        Self {
            places: vec![(EMPTY, 0); length].into_boxed_slice(),
            count: 0,
            shift: u64::BITS - length.trailing_zeros(),
        }
    }

    #[inline]
    pub(crate) fn get(&self, key: u64) -> Option<u32> {
        let (found, value) = self.places[self.find(key)];
        (found == key && key != EMPTY).then_some(value)
    }

    /// Puts a key in, or gives it another value; whether there was room.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, value: u32) -> bool {
        if key == EMPTY {
            return false;
        }
        let at = self.find(key);
        if self.places[at].0 == EMPTY {
            if self.count * 2 >= self.places.len() {
                return false;
            }
            self.count += 1;
        }
        self.places[at] = (key, value);
        true
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: u64) {
        let mut hole = self.find(key);
        if key == EMPTY || self.places[hole].0 == EMPTY {
            return;
        }
        self.count -= 1;
        let mask = self.places.len() - 1;
        let mut next = (hole + 1) & mask;
        while self.places[next].0 != EMPTY {
            let home = self.home(self.places[next].0);
            // What is at `next` may move to the hole when the hole is on its way from home.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.places[hole] = self.places[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.places[hole] = (EMPTY, 0);
    }

    /// The place of a key, or the empty one where it would go.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.places.len() - 1;
        let mut at = self.home(key);
        while self.places[at].0 != key && self.places[at].0 != EMPTY {
            at = (at + 1) & mask;
        }
        at
    }

    /// Fibonacci hashing: numbers that follow each other lie apart.
    #[inline]
    const fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn it_is_a_map_of_bounded_size() {
        const SEED: u64 = 0x1de0;
        let (mut index, mut model, mut x) = (Index::new(40), BTreeMap::new(), SEED);
        for step in 0..200_000 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Few keys, far apart or close together, so that they crowd.
            let key = ((x >> 33) % 90) << (((x >> 60) & 1) * 40);
            if x >> 63 == 0 {
                let fits = key != 0 && (model.contains_key(&key) || model.len() < 64);
                assert_eq!(index.insert(key, step), fits, "seed {SEED:#x}, step {step}");
                if fits {
                    model.insert(key, step);
                }
            } else {
                index.remove(key);
                model.remove(&key);
            }
            assert_eq!(index.get(key), model.get(&key).copied(), "seed {SEED:#x}, step {step}");
            if step % 1_000 == 0 {
                let all = (0..90_u64).flat_map(|key| [key, key << 40]);
                assert!(all.into_iter().all(|key| index.get(key) == model.get(&key).copied()));
            }
        }
    }
}
