//! Early messages, kept until those before them are here.

use super::Source;

/// Where in a slot's word the source stands; the length plus one is below.
const SOURCE_SHIFT: u32 = 24;

/// A ring of message slots, one for each number of the window.
///
/// # Invariants
///
/// - A slot holds at most one message; its number is the caller's, modulo the window.
/// - `held` is the number of slots in use.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    /// The slots, `slot_size` bytes each.
    bytes: Box<[u8]>,
    /// Length of the message in a slot plus one, and its source's index; 0 for an empty slot.
    words: Box<[u32]>,
    slot_size: usize,
    held: u64,
}

impl Hold {
    pub(super) fn new(window: usize, slot_size: usize) -> Self {
        Self {
            bytes: vec![0; window * slot_size].into(),
            words: vec![0; window].into(),
            slot_size,
            held: 0,
        }
    }

    /// Numbers that have a slot of their own.
    #[inline]
    pub(super) const fn window(&self) -> u64 {
        self.words.len() as u64
    }

    /// Messages held.
    #[inline]
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Whether a message fits a slot.
    #[inline]
    pub(super) const fn fits(&self, message: &[u8]) -> bool {
        message.len() <= self.slot_size
    }

    #[inline]
    fn slot(&self, sequence: u64) -> usize {
        (sequence % self.window()) as usize
    }

    #[inline]
    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.words[self.slot(sequence)] != 0
    }

    /// Keeps a message that [fits](Self::fits); `false` when its number is held already.
    pub(super) fn insert(&mut self, sequence: u64, source: Source, message: &[u8]) -> bool {
        assert!(self.fits(message), "only messages that fit are held");
        let slot = self.slot(sequence);
        if self.words[slot] != 0 {
            return false;
        }
        let start = slot * self.slot_size;
        self.bytes[start..start + message.len()].copy_from_slice(message);
        self.words[slot] = (source.index() as u32) << SOURCE_SHIFT | (message.len() as u32 + 1);
        self.held += 1;
        true
    }

    /// Gives out a message and how it came, after which its slot is empty; `None` when it is not
    /// held.
    pub(super) fn take(&mut self, sequence: u64) -> Option<(Source, &[u8])> {
        let slot = self.slot(sequence);
        let word = core::mem::take(&mut self.words[slot]);
        let length = (word & ((1 << SOURCE_SHIFT) - 1)).checked_sub(1)? as usize;
        self.held -= 1;
        let start = slot * self.slot_size;
        let source = Source::ALL[(word >> SOURCE_SHIFT) as usize];
        Some((source, &self.bytes[start..start + length]))
    }

    /// Forgets every message.
    pub(super) fn clear(&mut self) {
        self.words.fill(0);
        self.held = 0;
    }
}
