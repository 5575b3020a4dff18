//! The table of instruments: dense numbers, and the way there from an exchange's token.

use tezi_model::{Instrument, InstrumentId, Segment, StateHasher, StreamId, Token};

/// What happens to be known of one instrument during the session.
#[derive(Clone, Copy, Debug)]
pub struct InstrumentState {
    /// The definition; of an instrument seen first in market data only segment and token.
    pub definition: Instrument,
    /// The stream it was last seen on, none before its first event.
    pub stream: Option<StreamId>,
}

/// All instruments, indexed by [`InstrumentId`], found by segment and token.
///
/// # Invariants
///
/// - `find(segment, token)` of each entry gives its own number.
/// - Never more than the capacity given at the start; nothing allocates afterwards.
pub struct InstrumentTable {
    entries: Vec<InstrumentState>,
    /// Open addressing, at most half full: entry number plus one, zero when empty.
    slots: Box<[u32]>,
    capacity: usize,
}

impl InstrumentTable {
    /// An empty table for at most `capacity` instruments.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let capacity = capacity as usize;
        Self {
            entries: Vec::with_capacity(capacity),
            slots: vec![0; (capacity * 2).next_power_of_two()].into_boxed_slice(),
            capacity,
        }
    }

    /// Adds an instrument, or replaces the definition of the one with its segment and token.
    /// `None` when the table is full or the definition has no known segment.
    pub fn define(&mut self, definition: &Instrument) -> Option<InstrumentId> {
        let segment = definition.segment()?;
        if let Some(id) = self.find(segment, definition.token) {
            self.entries[id.index()].definition = *definition;
            return Some(id);
        }
        self.insert(segment, definition)
    }

    /// The instrument of a token, added as unknown when it was never seen. `None` when full.
    #[inline]
    pub fn find_or_insert(&mut self, segment: Segment, token: Token) -> Option<InstrumentId> {
        match self.find(segment, token) {
            Some(id) => Some(id),
            None => self.insert(segment, &Instrument::unknown(segment, token)),
        }
    }

    /// The instrument of a token.
    #[inline]
    #[must_use]
    pub fn find(&self, segment: Segment, token: Token) -> Option<InstrumentId> {
        let mut slot = self.home(segment, token);
        loop {
            let entry = self.slots[slot];
            if entry == 0 {
                return None;
            }
            let definition = &self.entries[entry as usize - 1].definition;
            if definition.token == token && definition.segment_code == segment as u8 {
                return Some(InstrumentId(entry - 1));
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// The state of an instrument, `None` for a number not given out.
    #[inline]
    #[must_use]
    pub fn get(&self, id: InstrumentId) -> Option<&InstrumentState> {
        self.entries.get(id.index())
    }

    /// Notes on which stream an instrument was seen.
    #[inline]
    pub(crate) fn set_stream(&mut self, id: InstrumentId, stream: StreamId) {
        if let Some(entry) = self.entries.get_mut(id.index()) {
            entry.stream = Some(stream);
        }
    }

    /// How many instruments there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All instruments with their numbers, in order of number.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &InstrumentState)> {
        (0..).map(InstrumentId).zip(&self.entries)
    }

    /// Folds every definition into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.entries.len() as u64);
        for entry in &self.entries {
            hasher.write_bytes(bytemuck::bytes_of(&entry.definition));
            hasher.write(entry.stream.map_or(0, |stream| u64::from(stream.0)));
        }
    }

    fn insert(&mut self, segment: Segment, definition: &Instrument) -> Option<InstrumentId> {
        if self.entries.len() == self.capacity {
            return None;
        }
        let id = u32::try_from(self.entries.len()).ok()?;
        let mut slot = self.home(segment, definition.token);
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = id + 1;
        self.entries.push(InstrumentState { definition: *definition, stream: None });
        Some(InstrumentId(id))
    }

    /// Fibonacci hashing (Knuth, volume 3, 6.4) of segment and token.
    #[inline]
    fn home(&self, segment: Segment, token: Token) -> usize {
        let key = (segment as u64) << 32 | u64::from(token.0);
        let shift = 64 - self.slots.len().trailing_zeros();
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_find_their_instrument_and_the_bound_is_kept() {
        let mut table = InstrumentTable::new(100);
        for token in 0..50 {
            for segment in [Segment::NseFo, Segment::NseCm] {
                let id = table.find_or_insert(segment, Token(token * 4096)).unwrap();
                assert_eq!(table.find(segment, Token(token * 4096)), Some(id));
            }
        }
        assert_eq!(table.len(), 100);
        assert_eq!(table.find_or_insert(Segment::NseFo, Token(1)), None);
        assert_eq!(table.find_or_insert(Segment::NseFo, Token(0)), Some(InstrumentId(0)));
    }

    #[test]
    fn a_definition_that_comes_late_keeps_the_number() {
        let mut table = InstrumentTable::new(4);
        let id = table.find_or_insert(Segment::NseFo, Token(7)).unwrap();
        let mut definition = Instrument::unknown(Segment::NseFo, Token(7));
        definition.lot = tezi_model::Qty(65);
        assert_eq!(table.define(&definition), Some(id));
        assert_eq!(table.get(id).unwrap().definition.lot, tezi_model::Qty(65));
    }
}
