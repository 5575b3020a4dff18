//! Numbers to places, in a table of a fixed size.
//!
//! Open addressing with linear probing, and deletion that moves later entries back (Knuth, The Art
//! of Computer Programming 3, 6.4, algorithm R), so that a table in use for a day is as quick as a
//! new one. The hash is a fixed multiplication: the same day gives the same table.

/// From numbers that are not 0 to places.
pub(in super::super) struct Index {
    /// 0 where nothing is. At most half are taken.
    keys: Box<[u64]>,
    places: Box<[u32]>,
    shift: u32,
    count: usize,
    count_max: usize,
}

impl Index {
    pub(in super::super) fn new(count_max: usize) -> Self {
        let slots = (count_max.max(4) * 2).next_power_of_two();
        Self {
            keys: vec![0; slots].into_boxed_slice(),
            places: vec![0; slots].into_boxed_slice(),
            shift: 64 - slots.trailing_zeros(),
            count: 0,
            count_max,
        }
    }

    #[inline]
    pub(in super::super) fn get(&self, key: u64) -> Option<u32> {
        let at = self.find(key);
        (key != 0 && self.keys[at] == key).then(|| self.places[at])
    }

    /// Whether the number found room; one that is there already gets the new place.
    #[inline]
    pub(in super::super) fn insert(&mut self, key: u64, place: u32) -> bool {
        let at = self.find(key);
        if key == 0 || (self.keys[at] == 0 && self.count == self.count_max) {
            return false;
        }
        if self.keys[at] == 0 {
            self.keys[at] = key;
            self.count += 1;
        }
        self.places[at] = place;
        true
    }

    #[inline]
    pub(in super::super) fn remove(&mut self, key: u64) {
        let mut hole = self.find(key);
        if key == 0 || self.keys[hole] != key {
            return;
        }
        self.count -= 1;
        let mask = self.keys.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let key = self.keys[at];
            if key == 0 {
                break;
            }
            // An entry may move into the hole unless its home lies behind the hole.
            let home = self.home(key);
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.keys[hole] = key;
                self.places[hole] = self.places[at];
                hole = at;
            }
        }
        self.keys[hole] = 0;
    }

    /// Where the number is, or the free slot where it would go.
    #[inline]
    fn find(&self, key: u64) -> usize {
        let mask = self.keys.len() - 1;
        let mut at = self.home(key);
        while self.keys[at] != key && self.keys[at] != 0 {
            at = (at + 1) & mask;
        }
        at
    }

    #[inline]
    const fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> self.shift) as usize
    }
}

/// Numbers that were seen. Nothing is ever taken out.
pub(in super::super) struct NumberSet(Index);

impl NumberSet {
    pub(in super::super) fn new(count_max: usize) -> Self {
        Self(Index::new(count_max))
    }

    #[inline]
    pub(in super::super) fn contains(&self, number: u64) -> bool {
        self.0.get(number).is_some()
    }

    /// Whether the number found room.
    #[inline]
    pub(in super::super) fn insert(&mut self, number: u64) -> bool {
        self.0.insert(number, 0)
    }

    /// How many more find room.
    #[inline]
    pub(in super::super) const fn room(&self) -> usize {
        self.0.count_max - self.0.count
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::tests::Rng;
    use super::*;

    #[test]
    fn it_agrees_with_a_map() {
        const SEED: u64 = 0x1d;
        let (mut rng, mut index, mut map) = (Rng(SEED), Index::new(50), BTreeMap::new());
        for step in 0..200_000 {
            let key = rng.below(90) as u64;
            match rng.below(5) {
                0..=1 => {
                    let place = rng.below(1000) as u32;
                    let fits = key != 0 && (map.contains_key(&key) || map.len() < 50);
                    assert_eq!(index.insert(key, place), fits, "seed {SEED:#x}, step {step}");
                    if fits {
                        map.insert(key, place);
                    }
                }
                2..=3 => {
                    index.remove(key);
                    map.remove(&key);
                }
                _ => {}
            }
            assert_eq!(index.get(key), map.get(&key).copied(), "seed {SEED:#x}, step {step}");
            assert_eq!(index.count, map.len());
        }
        for key in 0..90 {
            assert_eq!(index.get(key), map.get(&key).copied());
        }
    }
}
