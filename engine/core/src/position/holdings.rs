//! Positions by account, strategy and instrument, each by average cost and first in first out.
//!
//! A key has its place from its first trade on; places are made at construction. What finds no
//! place is refused by name, and the caller counts it: the engine's own total in
//! [`super::Positions`] has it all the same.

use tezi_model::{InstrumentId, Money, Px, Qty, Side, StateHasher};

use super::{AdjustError, Lots, Position, Ratio};

/// Whose position in what. Sorted by account, then strategy, then instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HoldingKey {
    /// The client's or own account, by number.
    pub account: u32,
    /// The strategy, by number.
    pub strategy: u32,
    /// The instrument.
    pub instrument: InstrumentId,
}

/// One position, counted both ways.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Whose it is.
    pub key: HoldingKey,
    /// By average cost.
    pub average: Position,
    /// First in first out.
    pub lots: Lots,
}

/// Why a trade or position is not booked. Everything is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldingError {
    /// No place is left for a new key.
    Full,
    /// A position is carried in where one is held already: which of the two is right, or whether
    /// both are, is not known.
    AlreadyHeld,
}

/// All holdings.
///
/// # Invariants
///
/// - `holdings` ascends by key, each key once.
/// - Units and total profit of a holding are the same by both methods.
pub struct Holdings {
    holdings: Vec<Holding>,
    /// Lots made at construction for keys to come.
    spare: Vec<Lots>,
}

impl Holdings {
    /// Room for `holdings_max` keys of `lots_max` lots each.
    #[must_use]
    pub fn new(holdings_max: usize, lots_max: usize) -> Self {
        let spare = (0..holdings_max).map(|_| Lots::new(lots_max)).collect();
        Self { holdings: Vec::with_capacity(holdings_max), spare }
    }

    /// Books a trade. O(log holdings), a new key O(holdings).
    ///
    /// # Errors
    ///
    /// [`HoldingError::Full`] when a new key finds no place: nothing is changed.
    pub fn on_fill(
        &mut self,
        key: HoldingKey,
        side: Side,
        quantity: Qty,
        price: Px,
    ) -> Result<(), HoldingError> {
        let holding = self.entry(key)?;
        holding.average.apply(side, quantity, price);
        holding.average.mark.get_or_insert(price);
        holding.lots.on_fill(side, quantity, price);
        Ok(())
    }

    /// Takes back a trade of the same key, side, quantity and price.
    ///
    /// # Errors
    ///
    /// [`HoldingError::Full`] when the key is unknown and finds no place: nothing is changed.
    pub fn on_trade_canceled(
        &mut self,
        key: HoldingKey,
        side: Side,
        quantity: Qty,
        price: Px,
    ) -> Result<(), HoldingError> {
        let holding = self.entry(key)?;
        holding.average.take_back(side, quantity, price);
        holding.lots.take_back(side, quantity, price);
        Ok(())
    }

    /// Takes in a position held since an earlier day, at the price it was settled at. For the start
    /// of a session, before the key trades.
    ///
    /// # Errors
    ///
    /// [`HoldingError`]: nothing is changed.
    pub fn carry(&mut self, key: HoldingKey, net: i64, price: Px) -> Result<(), HoldingError> {
        let holding = self.entry(key)?;
        if !holding.average.carry(net, price) {
            return Err(HoldingError::AlreadyHeld);
        }
        holding.lots.carry(net, price);
        Ok(())
    }

    /// Changes a position by a corporate action: units by the ratio, cost and realised profit stay.
    ///
    /// # Errors
    ///
    /// [`AdjustError`]: nothing is changed.
    pub fn adjust(&mut self, key: HoldingKey, ratio: Ratio) -> Result<(), AdjustError> {
        let index = self.index(key).map_err(|_| AdjustError::UnknownHolding)?;
        let holding = &mut self.holdings[index];
        let mut average = holding.average;
        average.adjust(ratio)?;
        holding.lots.adjust(ratio)?;
        holding.average = average;
        Ok(())
    }

    /// Values an instrument at `price` in every holding of it. O(holdings).
    pub fn on_mark(&mut self, instrument: InstrumentId, price: Px) {
        for holding in self.holdings.iter_mut().filter(|it| it.key.instrument == instrument) {
            holding.average.mark = Some(price);
        }
    }

    /// The holding of a key, `None` before its first trade.
    #[must_use]
    pub fn get(&self, key: HoldingKey) -> Option<&Holding> {
        self.index(key).ok().and_then(|index| self.holdings.get(index))
    }

    /// All holdings, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter()
    }

    /// Realised and unrealised profit of what `of` picks, before charges.
    pub fn profit(&self, of: impl Fn(&HoldingKey) -> bool) -> Money {
        let picked = self.holdings.iter().filter(|holding| of(&holding.key));
        picked.map(|holding| holding.average.realised + holding.average.unrealised()).sum()
    }

    /// Folds every holding into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        for holding in &self.holdings {
            let HoldingKey { account, strategy, instrument } = holding.key;
            hasher.write(u64::from(account) << 32 | u64::from(strategy));
            hasher.write(u64::from(instrument.0));
            holding.average.hash_into(hasher);
            holding.lots.hash_into(hasher);
        }
    }

    /// Checks every invariant by brute force. For tests and replays; O(holdings × lots).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let ascends = self.holdings.windows(2).all(|pair| pair[0].key < pair[1].key);
        let agrees = self.holdings.iter().all(|Holding { average, lots, .. }| {
            // Cost is what was paid and not yet realised, by either method.
            average.net == lots.net()
                && average.cost - average.realised == lots.cost() - lots.realised()
        });
        ascends && agrees
    }

    fn index(&self, key: HoldingKey) -> Result<usize, usize> {
        self.holdings.binary_search_by_key(&key, |holding| holding.key)
    }

    fn entry(&mut self, key: HoldingKey) -> Result<&mut Holding, HoldingError> {
        let index = match self.index(key) {
            Ok(index) => index,
            Err(index) => {
                let lots = self.spare.pop().ok_or(HoldingError::Full)?;
                self.holdings.insert(index, Holding { key, average: Position::default(), lots });
                index
            }
        };
        self.holdings.get_mut(index).ok_or(HoldingError::Full)
    }
}
