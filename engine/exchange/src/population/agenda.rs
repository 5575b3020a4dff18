//! Who acts next: one due time for each actor, in a heap that can move any of them.

use tezi_model::Nanos;

const NOWHERE: u32 = u32::MAX;

/// At most one due time an actor. Equal times come in the order of the actors' numbers.
///
/// **Cost**: O(log n) to set or unset, O(1) to see the first. Nothing allocates after `new`.
///
/// # Invariants
///
/// - No entry of the heap is before its parent.
/// - `places[heap[i].1]` is `i`; of an actor without a due time it is `NOWHERE`.
#[derive(Clone, Debug)]
pub(super) struct Agenda {
    heap: Vec<(i64, u32)>,
    places: Box<[u32]>,
}

impl Agenda {
    /// An empty agenda of actors 0 to `actors` − 1.
    pub(super) fn new(actors: usize) -> Self {
        Self { heap: Vec::with_capacity(actors), places: vec![NOWHERE; actors].into_boxed_slice() }
    }

    /// The actor that is due first.
    #[inline]
    pub(super) fn first(&self) -> Option<(Nanos, u32)> {
        self.heap.first().map(|&(time, actor)| (Nanos(time), actor))
    }

    /// Sets or moves an actor's due time.
    #[inline]
    pub(super) fn set(&mut self, actor: u32, due: Nanos) {
        let place = self.places[actor as usize];
        if place == NOWHERE {
            self.heap.push((due.0, actor));
            self.rise(self.heap.len() - 1);
        } else {
            let place = place as usize;
            let is_earlier = (due.0, actor) < self.heap[place];
            self.heap[place].0 = due.0;
            if is_earlier { self.rise(place) } else { self.sink(place) }
        }
    }

    /// Brings an actor's due time forward; a due time that is earlier already stays.
    #[inline]
    pub(super) fn hasten(&mut self, actor: u32, due: Nanos) {
        let place = self.places[actor as usize];
        if place == NOWHERE || due.0 < self.heap[place as usize].0 {
            self.set(actor, due);
        }
    }

    /// Takes an actor's due time away, if it has one.
    #[inline]
    pub(super) fn unset(&mut self, actor: u32) {
        let place = self.places[actor as usize];
        if place == NOWHERE {
            return;
        }
        self.places[actor as usize] = NOWHERE;
        let place = place as usize;
        let Some(moved) = self.heap.pop() else { return };
        if place < self.heap.len() {
            let is_earlier = moved < self.heap[place];
            self.heap[place] = moved;
            self.places[moved.1 as usize] = place as u32;
            if is_earlier { self.rise(place) } else { self.sink(place) }
        }
    }

    fn rise(&mut self, mut place: usize) {
        let entry = self.heap[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= entry {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    fn sink(&mut self, mut place: usize) {
        let entry = self.heap[place];
        loop {
            let mut child = 2 * place + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && self.heap[child + 1] < self.heap[child] {
                child += 1;
            }
            if entry <= self.heap[child] {
                break;
            }
            self.put(place, self.heap[child]);
            place = child;
        }
        self.put(place, entry);
    }

    #[inline]
    fn put(&mut self, place: usize, entry: (i64, u32)) {
        self.heap[place] = entry;
        self.places[entry.1 as usize] = place as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn the_first_is_always_that_of_a_plain_list() {
        const ACTORS: u32 = 40;
        for seed in 0..20 {
            let mut random = Random::new(seed, 0);
            let mut agenda = Agenda::new(ACTORS as usize);
            let mut list: Vec<Option<i64>> = vec![None; ACTORS as usize];
            for step in 0..2_000 {
                let actor = random.below(ACTORS);
                let due = i64::from(random.below(100));
                match random.below(4) {
                    0 => {
                        agenda.unset(actor);
                        list[actor as usize] = None;
                    }
                    1 => {
                        agenda.hasten(actor, Nanos(due));
                        let kept = list[actor as usize].map_or(due, |old| old.min(due));
                        list[actor as usize] = Some(kept);
                    }
                    _ => {
                        agenda.set(actor, Nanos(due));
                        list[actor as usize] = Some(due);
                    }
                }
                let due = |actor: u32| list[actor as usize].map(|due| (Nanos(due), actor));
                let first = (0..ACTORS).filter_map(due).min();
                assert_eq!(agenda.first(), first, "seed {seed}, step {step}");
            }
        }
    }
}
