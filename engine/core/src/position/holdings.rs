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
    /// A position is carried in where the key has traded: what is held then is not known.
    Traded,
    /// Lots of one key are all long or all short.
    OtherSide,
    /// More lots of one key than there is room for.
    TooManyLots,
}

/// All holdings.
///
/// # Invariants
///
/// - `holdings` ascends by key, each key once.
/// - Units and total profit of a holding are the same by both methods.
pub struct Holdings {
    pub(super) holdings: Vec<Holding>,
    /// Lots made at construction for keys to come.
    pub(super) spare: Vec<Lots>,
    /// The day of lots that trades open.
    pub(super) day: i32,
}

impl Holdings {
    /// Room for `holdings_max` keys of `lots_max` lots each. What is traded is of `day`, counted from
    /// 1970-01-01 in India.
    #[must_use]
    pub fn new(holdings_max: usize, lots_max: usize, day: i32) -> Self {
        let spare = (0..holdings_max).map(|_| Lots::new(lots_max)).collect();
        Self { holdings: Vec::with_capacity(holdings_max), spare, day }
    }

    /// The day of lots that trades open.
    #[must_use]
    pub const fn day(&self) -> i32 {
        self.day
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
        let day = self.day;
        let holding = self.entry(key)?;
        holding.average.apply(side, quantity, price);
        holding.average.mark.get_or_insert(price);
        holding.lots.on_fill(side, quantity, price, day);
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
        let day = self.day;
        let holding = self.entry(key)?;
        holding.average.take_back(side, quantity, price);
        holding.lots.take_back(side, quantity, price, day);
        Ok(())
    }

    /// Takes in a lot held since an earlier day, at what it cost, behind those of the key that were taken
    /// in before. For the start of a session, before the key trades.
    ///
    /// # Errors
    ///
    /// [`HoldingError`]: nothing is changed.
    pub fn carry(
        &mut self,
        key: HoldingKey,
        net: i64,
        price: Px,
        day: i32,
    ) -> Result<(), HoldingError> {
        if net == 0 {
            return Err(HoldingError::OtherSide);
        }
        let holding = self.entry(key)?;
        if holding.average.has_traded() {
            return Err(HoldingError::Traded);
        }
        holding.lots.carry(net, price, day)?;
        holding.average.add(net, price);
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

    /// Changes every holding of an instrument by a corporate action, as [`Holdings::adjust`]; nought where
    /// there is none. How many were changed. O(holdings × lots).
    ///
    /// # Errors
    ///
    /// [`AdjustError`] of the first that cannot be: nothing is changed.
    pub fn adjust_all(
        &mut self,
        instrument: InstrumentId,
        ratio: Ratio,
    ) -> Result<usize, AdjustError> {
        for holding in self.holdings.iter().filter(|it| it.key.instrument == instrument) {
            holding.lots.check_adjust(ratio)?;
            let mut average = holding.average;
            average.adjust(ratio)?;
        }
        let mut changed = 0;
        for holding in self.holdings.iter_mut().filter(|it| it.key.instrument == instrument) {
            holding.average.adjust(ratio)?;
            holding.lots.adjust(ratio)?;
            changed += 1;
        }
        Ok(changed)
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

    /// Units held of an instrument, long and short together. O(holdings).
    #[must_use]
    pub fn units(&self, instrument: InstrumentId) -> u64 {
        let of = self.holdings.iter().filter(|holding| holding.key.instrument == instrument);
        of.fold(0, |sum, holding| sum.saturating_add(holding.average.net.unsigned_abs()))
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
            hasher.write_i64(self.day.into());
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
