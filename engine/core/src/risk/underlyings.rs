//! Positions and open orders of all instruments of an underlying, as sums that are kept.

mod snapshot;

use tezi_model::{Instrument, InstrumentId, Side, Symbol};

/// Units held, and units that may still be traded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exposed {
    pub(super) net: i64,
    pub(super) buy: i64,
    pub(super) sell: i64,
}

impl Exposed {
    /// The largest position of either sign if any part of what is open filled.
    pub(super) fn gross(self) -> i64 {
        (self.net + self.buy).abs().max((self.net - self.sell).abs())
    }

    /// The position of a side if everything open on it filled; negative is the other side's.
    pub(super) const fn towards(self, side: Side) -> i64 {
        match side {
            Side::Buy => self.net + self.buy,
            Side::Sell => self.sell - self.net,
        }
    }

    /// With more open on a side.
    pub(super) const fn with(self, side: Side, added: i64) -> Self {
        match side {
            Side::Buy => Self { buy: self.buy + added, ..self },
            Side::Sell => Self { sell: self.sell + added, ..self },
        }
    }
}

/// The sums of an underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    exposed: Exposed,
    /// Of each instrument's [`Exposed::gross`].
    pub(super) gross: i64,
}

impl Sums {
    /// As [`Exposed::towards`], over all instruments.
    pub(super) const fn towards(&self, side: Side) -> i64 {
        self.exposed.towards(side)
    }

    fn add(&mut self, part: Exposed, sign: i64) {
        self.exposed.net += sign * part.net;
        self.exposed.buy += sign * part.buy;
        self.exposed.sell += sign * part.sell;
        self.gross += sign * part.gross();
    }
}

/// All underlyings.
///
/// # Invariants
///
/// - `sums` of an underlying is the sum over `parts` of its instruments.
/// - An instrument whose symbol is not known is an underlying by itself.
pub(super) struct Underlyings {
    /// By instrument: the place of its underlying in `sums`.
    places: Box<[u32]>,
    parts: Box<[Exposed]>,
    /// First a place for each instrument by itself, then one for each of `symbols`.
    sums: Box<[Sums]>,
    symbols: Vec<Symbol>,
}

impl Underlyings {
    pub(super) fn new(instruments_max: usize) -> Self {
        Self {
            places: (0..instruments_max as u32).collect(),
            parts: vec![Exposed::default(); instruments_max].into_boxed_slice(),
            sums: vec![Sums::default(); 2 * instruments_max].into_boxed_slice(),
            symbols: Vec::with_capacity(instruments_max),
        }
    }

    /// Puts an instrument to those of its symbol. O(symbols): for the start of a session.
    pub(super) fn assign(&mut self, id: InstrumentId, definition: &Instrument) {
        let index = id.index();
        let Some(&place_before) = self.places.get(index) else { return };
        let place = self.place_of(&definition.symbol).unwrap_or(index);
        let part = self.parts[index];
        self.sums[place_before as usize].add(part, -1);
        self.sums[place].add(part, 1);
        self.places[index] = place as u32;
    }

    /// The place of a symbol, a new one when it was never seen; `None` for no symbol, and when there
    /// are more symbols than instruments.
    fn place_of(&mut self, symbol: &Symbol) -> Option<usize> {
        if *symbol == Symbol::default() {
            return None;
        }
        let known = self.symbols.iter().position(|other| other == symbol);
        let number = known.unwrap_or(self.symbols.len());
        if known.is_none() {
            if number == self.parts.len() {
                return None;
            }
            self.symbols.push(*symbol);
        }
        Some(self.parts.len() + number)
    }

    /// Notes what an instrument has now.
    #[inline]
    pub(super) fn note(&mut self, id: InstrumentId, now: Exposed) {
        let Some(part) = self.parts.get_mut(id.index()) else { return };
        let before = core::mem::replace(part, now);
        let sums = &mut self.sums[self.places[id.index()] as usize];
        sums.add(before, -1);
        sums.add(now, 1);
    }

    /// What an instrument has, and the sums of its underlying.
    #[inline]
    pub(super) fn get(&self, id: InstrumentId) -> (Exposed, Sums) {
        match (self.parts.get(id.index()), self.places.get(id.index())) {
            (Some(&part), Some(&place)) => (part, self.sums[place as usize]),
            _ => (Exposed::default(), Sums::default()),
        }
    }

    /// The place of an instrument's underlying: below twice the number of instruments there is room for.
    pub(super) fn place(&self, id: InstrumentId) -> u32 {
        self.places.get(id.index()).copied().unwrap_or(u32::MAX)
    }

    /// Checks the sums by brute force. O(instruments).
    pub(super) fn is_consistent(&self) -> bool {
        let mut naive = vec![Sums::default(); self.sums.len()];
        for (&place, &part) in self.places.iter().zip(&self.parts) {
            naive[place as usize].add(part, 1);
        }
        naive[..] == self.sums[..]
    }
}
