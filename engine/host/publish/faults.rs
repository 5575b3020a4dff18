//! The faults of one line: what it loses, repeats and holds back, from its own random numbers.
//!
//! Faults count datagrams, not time, so that a line is the same at every speed. A datagram held back
//! is let go once as many later ones have come as was drawn, or at the first one more than
//! [`HOLD_NS_MAX`] later.

use tezi_model::Nanos;

use crate::random::Random;

/// How long a datagram is held back at most, in nanoseconds of recorded time: well within the time a
/// receiver waits for the other line.
const HOLD_NS_MAX: i64 = 20_000_000;
/// A second copy comes within this many later datagrams.
const COPY_WITHIN: u64 = 8;

/// The faults of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LineFaults {
    /// The part of the datagrams that is lost, 0 to 1.
    pub loss: f64,
    /// The part that comes twice, 0 to 1; the copy within 8 later datagrams.
    pub duplicate: f64,
    /// The part that is held back, 0 to 1.
    pub reorder: f64,
    /// The most later datagrams that overtake one that is held back; 0 holds nothing back.
    pub reorder_depth: u32,
    /// How far the line is behind, in nanoseconds of the sender's clock.
    pub lag_ns: u64,
}

/// What becomes of a datagram on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) is_dropped: bool,
    /// After how many later datagrams it is let go; 0 for at once.
    hold: u32,
    /// After how many later datagrams its copy is sent, when it has one.
    copy: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    handle: u32,
    /// Later datagrams still to come before it is let go.
    left: u32,
    deadline: Nanos,
}

/// What a line did with its datagrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FaultCounts {
    pub(super) dropped: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
}

/// One line and what it holds back. Datagrams are known by handles; what comes out is in the order
/// in which the line carries it.
#[derive(Clone, Debug)]
pub(super) struct FaultyLine {
    faults: LineFaults,
    random: Random,
    held: Vec<Held>,
    counts: FaultCounts,
}

impl FaultyLine {
    pub(super) const fn new(faults: LineFaults, seed: u64) -> Self {
        let counts = FaultCounts { dropped: 0, duplicated: 0, reordered: 0 };
        Self { faults, random: Random::new(seed), held: Vec::new(), counts }
    }

    pub(super) const fn counts(&self) -> &FaultCounts {
        &self.counts
    }

    /// The fate of the next datagram. Always the same number of draws, so that more of one fault
    /// does not move the others.
    pub(super) fn draw(&mut self) -> Fate {
        let faults = self.faults;
        let is_dropped = self.random.chance(faults.loss);
        let is_held = self.random.chance(faults.reorder) && faults.reorder_depth > 0;
        let is_copied = self.random.chance(faults.duplicate);
        let hold = 1 + self.random.below(u64::from(faults.reorder_depth.max(1))) as u32;
        let copy = self.random.below(COPY_WITHIN) as u32;
        Fate { is_dropped, hold: if is_held { hold } else { 0 }, copy: is_copied.then_some(copy) }
    }

    /// Takes a datagram; `out` gets what the line carries now. Each handle comes out once, or twice
    /// when it has a copy: [`Fate::uses`] says how often.
    pub(super) fn on_datagram(
        &mut self,
        handle: u32,
        fate: Fate,
        time: Nanos,
        out: &mut impl FnMut(u32),
    ) {
        self.release(out, |held| held.deadline < time);
        self.held.iter_mut().for_each(|held| held.left = held.left.saturating_sub(1));
        let deadline = time.plus(HOLD_NS_MAX);
        if fate.is_dropped {
            self.counts.dropped += 1;
        } else if fate.hold == 0 {
            out(handle);
        }
        self.release(out, |held| held.left == 0);
        if fate.is_dropped {
            return;
        }
        if fate.hold > 0 {
            self.counts.reordered += 1;
            self.held.push(Held { handle, left: fate.hold, deadline });
        }
        match fate.copy {
            Some(0) if fate.hold == 0 => out(handle),
            Some(after) => {
                // A copy of what is held back comes behind it.
                self.held.push(Held { handle, left: fate.hold + after, deadline });
            }
            None => {}
        }
        self.counts.duplicated += u64::from(fate.copy.is_some());
    }

    /// Lets everything go.
    pub(super) fn flush(&mut self, out: &mut impl FnMut(u32)) {
        self.release(out, |_| true);
    }

    fn release(&mut self, out: &mut impl FnMut(u32), is_due: impl Fn(&Held) -> bool) {
        self.held.retain(|held| {
            let is_due = is_due(held);
            if is_due {
                out(held.handle);
            }
            !is_due
        });
    }
}

impl Fate {
    /// Carried once and at once.
    pub(super) const CLEAN: Self = Self { is_dropped: false, hold: 0, copy: None };

    /// How often the datagram comes out of the line.
    pub(super) fn uses(&self) -> u32 {
        if self.is_dropped { 0 } else { 1 + u32::from(self.copy.is_some()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line carries of the datagrams 0 to `count` − 1, sent `spacing_ns` apart.
    fn carried(
        faults: LineFaults,
        seed: u64,
        count: u32,
        spacing_ns: i64,
    ) -> (Vec<u32>, FaultCounts) {
        let mut line = FaultyLine::new(faults, seed);
        let mut out = Vec::new();
        for handle in 0..count {
            let fate = line.draw();
            let time = Nanos(i64::from(handle) * spacing_ns);
            line.on_datagram(handle, fate, time, &mut |handle| out.push(handle));
        }
        line.flush(&mut |handle| out.push(handle));
        (out, *line.counts())
    }

    #[test]
    fn a_clean_line_changes_nothing() {
        let (out, counts) = carried(LineFaults::default(), 1, 100, 1);
        assert!(out.into_iter().eq(0..100));
        assert_eq!(counts, FaultCounts::default());
    }

    #[test]
    fn what_is_carried_is_what_came_less_the_lost_plus_the_copies() {
        let faults = LineFaults {
            loss: 0.2,
            duplicate: 0.1,
            reorder: 0.3,
            reorder_depth: 64,
            ..LineFaults::default()
        };
        for seed in 0..50 {
            let (mut out, counts) = carried(faults, seed, 5_000, 1_000);
            let overtaken = |at: usize, &handle: &u32| {
                out[..at].iter().filter(|&&before| before > handle).count()
            };
            let most = out.iter().enumerate().map(|(at, handle)| overtaken(at, handle)).max();
            // Those counted come after it, and at most 8 copies of earlier ones among them.
            assert!((20..=64 + 64 + 8).contains(&most.unwrap()), "seed {seed}: {most:?}");
            assert_eq!(out.len() as u64, 5_000 - counts.dropped + counts.duplicated);
            out.sort_unstable();
            let copies = out.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
            assert_eq!(copies, counts.duplicated, "seed {seed}: nothing comes three times");
            for (part, of) in [(counts.dropped, 0.2), (counts.reordered, 0.24)] {
                assert!((part as f64 / 5_000.0 - of).abs() < 0.04, "seed {seed}: {counts:?}");
            }
        }
    }

    #[test]
    fn one_seed_is_one_line_and_one_fault_does_not_move_another() {
        let lossy = LineFaults { loss: 0.3, ..LineFaults::default() };
        assert_eq!(carried(lossy, 5, 1_000, 1), carried(lossy, 5, 1_000, 1));
        assert_ne!(carried(lossy, 5, 1_000, 1), carried(lossy, 6, 1_000, 1));
        let both = LineFaults { duplicate: 0.5, ..lossy };
        let (mut with_copies, _) = carried(both, 5, 1_000, 1);
        with_copies.sort_unstable();
        with_copies.dedup();
        assert_eq!(with_copies, carried(lossy, 5, 1_000, 1).0);
    }

    #[test]
    fn nothing_is_held_back_for_long() {
        let faults = LineFaults { reorder: 1.0, reorder_depth: 64, ..LineFaults::default() };
        // A second apart: each is let go before the next, in order.
        let (out, counts) = carried(faults, 3, 50, 1_000_000_000);
        assert!(out.into_iter().eq(0..50));
        assert_eq!(counts.reordered, 50);
    }
}
