//! The table of instruments: dense numbers, and the way there from an exchange's token.
//!
//! Most instruments have a token of their own. A spread of two legs is known by the tokens of both,
//! an index by a number that may be some contract's token as well: the two are kept apart, so that a
//! token finds its contract and nothing else. Instruments become known by definition or by the first
//! event that names them, always in the same order for the same inputs.

mod legs;
mod snapshot;

use tezi_model::{
    Event, EventKind, FeedFault, Instrument, InstrumentId, InstrumentKind, Nanos, Segment,
    StateHasher, StreamId, Token, TradingStatus,
};

use legs::{Pairing, SpreadLegs};

/// What happens to be known of one instrument during the session.
#[derive(Clone, Copy, Debug)]
pub struct InstrumentState {
    /// The definition; of an instrument seen first in market data only segment and token.
    pub definition: Instrument,
    /// The stream it was last seen on, none before its first event.
    pub stream: Option<StreamId>,
}

/// A spread order or trade, whole: what its two messages said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpreadPair {
    /// The spread.
    pub(crate) instrument: InstrumentId,
    /// The message of the near leg.
    pub(crate) near: Event,
    /// The message of the far leg. Its side is the order's own: who buys the far leg and sells the
    /// near one buys the difference.
    pub(crate) far: Event,
}

/// A bound is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// All instruments, indexed by [`InstrumentId`], found by segment and token.
///
/// # Invariants
///
/// - `find(segment, token)` of each entry with a token of its own gives its own number;
///   `find_spread` and `find_index` of the others.
/// - Never more than the capacity given at the start; nothing allocates afterwards.
pub struct InstrumentTable {
    entries: Vec<InstrumentState>,
    /// Instruments with a token of their own. Open addressing, at most half full: entry number plus
    /// one, zero when empty.
    slots: Box<[u32]>,
    /// Spreads of two legs, and indices. The same.
    derived: Box<[u32]>,
    capacity: usize,
    legs: SpreadLegs,
}

impl InstrumentTable {
    /// An empty table for at most `capacity` instruments. As many legs of spread orders may wait for
    /// their other one.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let capacity = capacity as usize;
        let slots = vec![0; (capacity * 2).next_power_of_two()].into_boxed_slice();
        Self {
            entries: Vec::with_capacity(capacity),
            derived: slots.clone(),
            slots,
            capacity,
            legs: SpreadLegs::new(capacity),
        }
    }

    /// Adds an instrument, or replaces the definition of the one with its segment and token (legs,
    /// number). `None` when the table is full or the definition has no known segment.
    pub fn define(&mut self, definition: &Instrument) -> Option<InstrumentId> {
        let segment = definition.segment()?;
        let known = match definition.legs() {
            Some([near, far]) => self.find_spread(segment, near, far),
            None if is_derived(definition) => self.find_index(segment, definition.token),
            None => self.find(segment, definition.token),
        };
        if let Some(id) = known {
            self.entries[id.index()].definition = *definition;
            return Some(id);
        }
        self.insert(definition)
    }

    /// The instrument of a token, added as unknown when it was never seen. `None` when full.
    #[inline]
    pub fn find_or_insert(&mut self, segment: Segment, token: Token) -> Option<InstrumentId> {
        match self.find(segment, token) {
            Some(id) => Some(id),
            None => self.insert(&Instrument::unknown(segment, token)),
        }
    }

    /// The index of a number, added when it was never seen. `None` when full.
    pub fn find_or_insert_index(
        &mut self,
        segment: Segment,
        number: Token,
    ) -> Option<InstrumentId> {
        match self.find_index(segment, number) {
            Some(id) => Some(id),
            None => self.insert(&Instrument::index(segment, number)),
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

    /// The spread of two legs, by their tokens.
    #[must_use]
    pub fn find_spread(&self, segment: Segment, near: Token, far: Token) -> Option<InstrumentId> {
        self.find_derived(segment, near, |definition| definition.legs() == Some([near, far]))
    }

    /// An index, by the number the feed gives it.
    #[must_use]
    pub fn find_index(&self, segment: Segment, number: Token) -> Option<InstrumentId> {
        self.find_derived(segment, number, |definition| definition.legs().is_none())
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

    /// Takes in one message of a spread order or trade. Both messages together make the order: the
    /// spread is then known, and added when it was never seen.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when the table is full, or as many legs wait as may.
    pub(crate) fn pair(
        &mut self,
        segment: Segment,
        event: &Event,
    ) -> Result<Option<SpreadPair>, NoRoom> {
        let first = match self.legs.pair(event) {
            Pairing::Waits => return Ok(None),
            Pairing::NoRoom => return Err(NoRoom),
            Pairing::Whole(first) => first,
        };
        let tokens = [first.token, event.token];
        let instrument = self.find_or_insert_spread(segment, tokens).ok_or(NoRoom)?;
        let is_first_near = self.entries[instrument.index()].definition.token == first.token;
        let (near, far) = if is_first_near { (first, *event) } else { (*event, first) };
        Ok(Some(SpreadPair { instrument, near, far }))
    }

    /// Gives up the legs of a stream that wait: their other ones may be lost.
    pub(crate) fn forget_legs(&mut self, stream: StreamId) {
        self.legs.forget(stream);
    }

    /// Legs of spread orders and trades given up without their other one.
    #[must_use]
    pub const fn legs_given_up(&self) -> u64 {
        self.legs.given_up()
    }

    /// Makes known what an event makes known in the core, and nothing else: whoever reads the inputs
    /// of a core and follows each so knows its instruments by the same numbers.
    pub fn follow(&mut self, event: &Event) {
        use EventKind as K;
        let (Some(kind), Some(segment)) = (event.kind(), event.stream.segment()) else { return };
        // No room is the core's refusal; here it only changes nothing.
        match kind {
            K::SpreadOrderNew | K::SpreadOrderModify | K::SpreadOrderCancel => {
                let _ = self.pair(segment, event);
            }
            K::SpreadTrade => {
                if self.find_or_insert(segment, event.token).is_some() {
                    let _ = self.pair(segment, event);
                }
            }
            K::IndexValue => drop(self.find_or_insert_index(segment, event.token)),
            K::TradingStatus => {
                let is_known = TradingStatus::from_code(event.quantity.0).is_some();
                if is_known && event.token != Token(0) {
                    let _ = self.find_or_insert(segment, event.token);
                }
            }
            K::StreamGap | K::StreamReset | K::SnapshotStart => {
                if event.fault().is_some_and(gives_up_legs) {
                    self.forget_legs(event.stream);
                }
            }
            K::StreamStale | K::StreamWhole | K::Clock => {}
            _ => drop(self.find_or_insert(segment, event.token)),
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

    /// Folds every definition, and the legs that wait, into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.entries.len() as u64);
        for entry in &self.entries {
            hasher.write_bytes(bytemuck::bytes_of(&entry.definition));
            hasher.write(entry.stream.map_or(0, |stream| u64::from(stream.0)));
        }
        self.legs.hash_into(hasher);
    }

    /// The spread of two legs in either order. One never seen before has its near leg first by
    /// expiry where both are known, else in the order of the messages, which is the exchange's.
    fn find_or_insert_spread(
        &mut self,
        segment: Segment,
        [a, b]: [Token; 2],
    ) -> Option<InstrumentId> {
        let known = self.find_spread(segment, a, b).or_else(|| self.find_spread(segment, b, a));
        if known.is_some() {
            return known;
        }
        let definition = |token| match self.find(segment, token) {
            Some(id) => self.entries[id.index()].definition,
            None => Instrument::unknown(segment, token),
        };
        let (mut near, mut far) = (definition(a), definition(b));
        if far.expiry < near.expiry && far.expiry != Nanos::ZERO {
            (near, far) = (far, near);
        }
        self.insert(&Instrument::spread(&near, far.token))
    }

    fn find_derived(
        &self,
        segment: Segment,
        token: Token,
        is_it: impl Fn(&Instrument) -> bool,
    ) -> Option<InstrumentId> {
        let mut slot = self.home(segment, token);
        loop {
            let entry = self.derived[slot].checked_sub(1)?;
            let definition = &self.entries[entry as usize].definition;
            let is_named = definition.token == token && definition.segment_code == segment as u8;
            if is_named && is_it(definition) {
                return Some(InstrumentId(entry));
            }
            slot = (slot + 1) & (self.derived.len() - 1);
        }
    }

    fn insert(&mut self, definition: &Instrument) -> Option<InstrumentId> {
        if self.entries.len() == self.capacity {
            return None;
        }
        let id = u32::try_from(self.entries.len()).ok()?;
        let mut slot = self.home(definition.segment()?, definition.token);
        let slots = if is_derived(definition) { &mut self.derived } else { &mut self.slots };
        while slots[slot] != 0 {
            slot = (slot + 1) & (slots.len() - 1);
        }
        slots[slot] = id + 1;
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

/// Whether an instrument has no token of its own.
fn is_derived(definition: &Instrument) -> bool {
    definition.kind() == InstrumentKind::Index || definition.legs().is_some()
}

/// Whether after this the other leg of one that waits may never come.
pub(crate) const fn gives_up_legs(fault: FeedFault) -> bool {
    match fault {
        FeedFault::Gap { .. } | FeedFault::Reset | FeedFault::Snapshot => true,
        FeedFault::Stale { .. } | FeedFault::Whole => false,
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

    #[test]
    fn a_token_finds_its_contract_and_no_spread_or_index_of_the_same_number() {
        let mut table = InstrumentTable::new(8);
        let future = Instrument {
            kind_code: InstrumentKind::Future as u8,
            ..Instrument::unknown(Segment::NseFo, Token(7))
        };
        let spread = Instrument::spread(&future, Token(8));
        let wide = Instrument::spread(&future, Token(9));
        let index = Instrument::index(Segment::NseFo, Token(7));
        let ids = [spread, index, future, wide].map(|it| table.define(&it).unwrap());
        assert_eq!(ids, [0, 1, 2, 3].map(InstrumentId));
        assert_eq!(table.find(Segment::NseFo, Token(7)), Some(InstrumentId(2)));
        assert_eq!(table.find_spread(Segment::NseFo, Token(7), Token(8)), Some(InstrumentId(0)));
        assert_eq!(table.find_spread(Segment::NseFo, Token(7), Token(9)), Some(InstrumentId(3)));
        assert_eq!(table.find_spread(Segment::NseFo, Token(8), Token(7)), None);
        assert_eq!(table.find_index(Segment::NseFo, Token(7)), Some(InstrumentId(1)));
        assert_eq!(table.find_index(Segment::NseCm, Token(7)), None);
        assert_eq!(table.find(Segment::NseFo, Token(8)), None);
        assert_eq!(table.define(&Instrument { lot: tezi_model::Qty(25), ..spread }), Some(ids[0]));
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn the_near_leg_is_the_one_that_expires_first_else_the_one_said_first() {
        let mut table = InstrumentTable::new(8);
        for (token, expiry) in [(20, 200), (30, 100)] {
            let mut leg = Instrument::unknown(Segment::NseFo, Token(token));
            leg.expiry = Nanos(expiry);
            table.define(&leg).unwrap();
        }
        let mut legs = |a, b| {
            let id = table.find_or_insert_spread(Segment::NseFo, [Token(a), Token(b)]).unwrap();
            table.get(id).unwrap().definition.legs().unwrap().map(|token| token.0)
        };
        assert_eq!(legs(20, 30), [30, 20]);
        assert_eq!(legs(30, 20), [30, 20]);
        assert_eq!(legs(50, 40), [50, 40]);
        assert_eq!(legs(40, 50), [50, 40]);
        assert_eq!(legs(20, 40), [20, 40]);
        assert_eq!(table.len(), 5);
    }
}
