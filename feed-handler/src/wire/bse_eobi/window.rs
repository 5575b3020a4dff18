//! The datagrams of one channel, by `ApplSeqNum`: which is due, early, a copy, late or absurd.
//!
//! A ring of slots begins at the number due. A slot is empty, taken (its datagram was given out
//! ahead of time) or holds a datagram. Nothing is allocated after construction.

use tezi_model::Nanos;

use crate::Line;

/// Where a datagram's number lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The number due.
    Due,
    /// Ahead of it, within the ring, not seen yet.
    Early,
    /// Seen already, or of the run before the last restart.
    Late,
    /// Too far from the number due to be believed on its own.
    Implausible,
    /// Begins a new count: the first number of all, or a far one that a second confirmed.
    Jump,
    /// The exchange began again: the indicator says so, or the numbers fell while time rose.
    Restart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Taken,
    Held,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    state: State,
    line: Line,
    size: u32,
    receive_time: Nanos,
}

const EMPTY: Slot = Slot { state: State::Empty, line: Line::A, size: 0, receive_time: Nanos::ZERO };

/// A datagram that waited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'a> {
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
    pub(super) line: Line,
    pub(super) receive_time: Nanos,
}

/// # Invariants
///
/// - The slot of the number due is empty between calls.
/// - `early` is the number of slots that are not empty; none is at or beyond `end`.
#[derive(Clone, Debug)]
pub(super) struct Window {
    /// Slot of number `n` is at `n & mask`, for `due <= n < due + length`.
    slots: Box<[Slot]>,
    bytes: Box<[u8]>,
    datagram_max: usize,
    joined: bool,
    due: u64,
    early: usize,
    /// One past the highest number that is not empty; at least `due`.
    end: u64,
    /// The latest `TransactTime` taken, and the earliest of the present run.
    newest: Nanos,
    restarted: Nanos,
    restart_margin_ns: i64,
    /// The last number that was not believed.
    candidate: Option<u64>,
}

impl Window {
    pub(super) fn new(length: usize, datagram_max: usize, restart_margin_ns: i64) -> Self {
        assert!(length.is_power_of_two(), "the ring is a power of two long");
        Self {
            slots: vec![EMPTY; length].into_boxed_slice(),
            bytes: vec![0; length * datagram_max].into_boxed_slice(),
            datagram_max,
            joined: false,
            due: 0,
            early: 0,
            end: 0,
            newest: Nanos::ZERO,
            restarted: Nanos::ZERO,
            restart_margin_ns,
            candidate: None,
        }
    }

    /// Where a datagram lies. Changes nothing but the candidate.
    #[inline]
    pub(super) fn place(&mut self, number: u64, time: Nanos, is_reset: bool) -> Place {
        if !self.joined {
            return Place::Jump;
        }
        if number == self.due && !is_reset && self.restarted <= time {
            return Place::Due;
        }
        self.place_other(number, time, is_reset)
    }

    fn place_other(&mut self, number: u64, time: Nanos, is_reset: bool) -> Place {
        if time < self.restarted {
            return Place::Late;
        }
        // A copy of the datagram that restarted the run has its time, not a later one.
        if is_reset && self.restarted < time {
            return Place::Restart;
        }
        if number < self.due {
            let is_new = self.newest.plus(self.restart_margin_ns) < time;
            return if is_new { self.confirm(number, Place::Restart) } else { Place::Late };
        }
        if self.length() <= number - self.due {
            return self.confirm(number, Place::Jump);
        }
        match self.slots[self.index(number)].state {
            State::Empty if number == self.due => Place::Due,
            State::Empty => Place::Early,
            _ => Place::Late,
        }
    }

    /// Believes a far number when the one before it was near.
    #[cold]
    fn confirm(&mut self, number: u64, then: Place) -> Place {
        let is_near = self.candidate.is_some_and(|one| one.abs_diff(number) < self.length());
        self.candidate = if is_near { None } else { Some(number) };
        if is_near { then } else { Place::Implausible }
    }

    /// Begins to count at `number`, with nothing held.
    pub(super) fn begin(&mut self, number: u64) {
        self.slots.fill(EMPTY);
        self.joined = true;
        self.due = number;
        self.end = number;
        self.early = 0;
    }

    /// Begins a new run: what is older than `time` belongs to the one before.
    pub(super) fn restart(&mut self, number: u64, time: Nanos) {
        self.begin(number);
        self.restarted = time;
        self.newest = time;
    }

    /// The number due.
    pub(super) const fn due(&self) -> u64 {
        self.due
    }

    /// Whether any datagram is ahead of the number due.
    pub(super) const fn has_gap(&self) -> bool {
        0 < self.early
    }

    /// Notes the time of a datagram that was taken.
    #[inline]
    pub(super) fn note_time(&mut self, time: Nanos) {
        self.newest = self.newest.max(time);
    }

    /// The datagram due was given out.
    #[inline]
    pub(super) const fn pass_due(&mut self) {
        self.due += 1;
        if self.end < self.due {
            self.end = self.due;
        }
    }

    /// An early datagram was given out ahead of time.
    pub(super) fn take(&mut self, number: u64, receive_time: Nanos) {
        let slot = Slot { state: State::Taken, receive_time, ..EMPTY };
        self.set(number, slot);
    }

    /// Keeps an early datagram, which is not longer than `datagram_max`.
    pub(super) fn hold(&mut self, number: u64, bytes: &[u8], line: Line, receive_time: Nanos) {
        assert!(bytes.len() <= self.datagram_max, "a held datagram fits its slot");
        let start = self.index(number) * self.datagram_max;
        self.bytes[start..start + bytes.len()].copy_from_slice(bytes);
        let size = bytes.len() as u32;
        self.set(number, Slot { state: State::Held, line, size, receive_time });
    }

    /// A held datagram was given out ahead of time.
    pub(super) fn take_held(&mut self, number: u64) {
        let index = self.index(number);
        assert!(self.slots[index].state == State::Held, "only what is held can be taken");
        self.slots[index].state = State::Taken;
    }

    /// What lies at the number due when it is not empty: its datagram, or `None` when that was
    /// given out before.
    pub(super) fn at_due(&self) -> Option<Option<Held<'_>>> {
        match self.slots[self.index(self.due)].state {
            _ if self.early == 0 => None,
            State::Empty => None,
            State::Taken => Some(None),
            State::Held => Some(self.held(self.due)),
        }
    }

    /// The datagram held at `number`.
    pub(super) fn held(&self, number: u64) -> Option<Held<'_>> {
        let index = self.index(number);
        let slot = self.slots[index];
        let start = index * self.datagram_max;
        (slot.state == State::Held).then(|| Held {
            number,
            bytes: &self.bytes[start..start + slot.size as usize],
            line: slot.line,
            receive_time: slot.receive_time,
        })
    }

    /// The numbers that may be held, above the one due.
    pub(super) const fn early_numbers(&self) -> core::ops::Range<u64> {
        self.due..self.end
    }

    /// Clears the slot of the number due and moves on.
    pub(super) fn clear_due(&mut self) {
        let index = self.index(self.due);
        if self.slots[index].state != State::Empty {
            self.slots[index] = EMPTY;
            self.early -= 1;
        }
        self.pass_due();
    }

    /// The first number that is there, and when it came; `None` when none is.
    pub(super) fn first_early(&self) -> Option<(u64, Nanos)> {
        if self.early == 0 {
            return None;
        }
        let mut numbers = self.early_numbers();
        let number = numbers.find(|&n| self.slots[self.index(n)].state != State::Empty)?;
        Some((number, self.slots[self.index(number)].receive_time))
    }

    /// Gives up what is missing before `number`, which is there.
    pub(super) const fn skip_to(&mut self, number: u64) {
        self.due = number;
    }

    /// Checks the invariants by brute force. For tests.
    pub(super) fn is_consistent(&self) -> bool {
        let filled = self.slots.iter().filter(|slot| slot.state != State::Empty).count();
        let reachable = self
            .early_numbers()
            .filter(|&n| self.slots[self.index(n)].state != State::Empty)
            .count();
        filled == self.early
            && reachable == self.early
            && self.due <= self.end
            && self.slots[self.index(self.due)].state == State::Empty
    }

    fn set(&mut self, number: u64, slot: Slot) {
        let index = self.index(number);
        assert!(self.slots[index].state == State::Empty, "a slot is filled once");
        self.slots[index] = slot;
        self.early += 1;
        self.end = self.end.max(number + 1);
    }

    const fn length(&self) -> u64 {
        self.slots.len() as u64
    }

    #[inline]
    const fn index(&self, number: u64) -> usize {
        number as usize & (self.slots.len() - 1)
    }
}
