//! Positions and profit, by average cost and first in first out, in exact integers.

mod holdings;
#[cfg(test)]
#[path = "tests.rs"]
mod holdings_tests;
mod lots;
mod opening;
mod ratio;
mod snapshot;

pub use holdings::{Holding, HoldingError, HoldingKey, Holdings};
pub use lots::{Lot, Lots};
pub use opening::{
    CARRIED_UNITS_MAX, CarriedLot, CorporateAction, CorporateActionKind, Opening, OpeningError,
    OpeningRecord,
};
pub use ratio::{AdjustError, Ratio};

use tezi_model::{InstrumentId, Money, Px, Qty, Side, StateHasher};

/// The position in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Units held: positive long, negative short.
    pub net: i64,
    /// What the units held cost: negative for a short position (money received).
    pub cost: Money,
    /// Profit of what was closed, before charges.
    pub realised: Money,
    /// Units bought since the start.
    pub bought: u64,
    /// Units sold since the start.
    pub sold: u64,
    /// Value traded, both sides.
    pub turnover: Money,
    /// The price the units held are valued at; `None` before the first mark.
    pub mark: Option<Px>,
}

impl Position {
    /// Profit of the units held at their mark, before charges; nought without a mark.
    #[must_use]
    pub fn unrealised(&self) -> Money {
        self.mark.map_or(Money::ZERO, |mark| mark.value(self.net) - self.cost)
    }

    /// The average price paid (or received) for the units held, `None` when flat.
    #[must_use]
    pub fn average_price(&self) -> Option<Px> {
        if self.net == 0 {
            return None;
        }
        i64::try_from(self.cost.0 / i128::from(self.net)).ok().map(Px)
    }

    /// Takes back a trade out of what was traded. Units, cash and total profit are as if it had never
    /// been. While its units are held and nothing later closed against them, so is the cost of the
    /// rest; what closed against it stays realised at the prices of then.
    fn take_back(&mut self, side: Side, quantity: Qty, price: Px) {
        let Self { bought, sold, turnover, .. } = *self;
        let signed = side.sign() * i64::from(quantity.0);
        let (net, cost) = (self.net - signed, self.cost - price.value(signed));
        // What is left must be a position of the same side at a cost of the same side, or nothing.
        let is_held = self.net.signum() == signed.signum() && net.signum() * signed.signum() >= 0;
        if is_held && i128::from(net.signum()) == cost.0.signum() {
            (self.net, self.cost) = (net, cost);
        } else {
            self.apply(side.opposite(), quantity, price);
        }
        let units = u64::from(quantity.0);
        (self.bought, self.sold) = match side {
            Side::Buy => (bought.saturating_sub(units), sold),
            Side::Sell => (bought, sold.saturating_sub(units)),
        };
        self.turnover = turnover - price.value(i64::from(quantity.0));
    }

    /// Whether anything was traded since the start.
    fn has_traded(&self) -> bool {
        self.bought + self.sold > 0 || self.turnover != Money::ZERO
    }

    /// Adds units to the position at what they cost, on either side, without a trade.
    fn add(&mut self, net: i64, price: Px) {
        self.net += net;
        self.cost += price.value(net);
    }

    /// Takes in units held since an earlier day, from whose mark their profit counts; `false`, and nothing
    /// is changed, when the position has traded, is marked otherwise, or would be too large.
    fn carry(&mut self, net: i64, mark: Px) -> bool {
        let held = self.net.checked_add(net).filter(|it| it.abs() <= CARRIED_UNITS_MAX);
        let is_free = !self.has_traded() && self.mark.is_none_or(|known| known == mark);
        if held.is_none() || !is_free {
            return false;
        }
        self.add(net, mark);
        self.mark = Some(mark);
        true
    }

    /// Changes units and mark by a corporate action; the cost stays.
    fn adjust(&mut self, ratio: Ratio) -> Result<(), AdjustError> {
        let net = ratio.units(self.net)?;
        let adjusted = |mark| ratio.price(mark).ok_or(AdjustError::Overflow);
        self.mark = self.mark.map(adjusted).transpose()?;
        self.net = net;
        Ok(())
    }

    fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write_i64(self.net);
        hasher.write_i128(self.cost.0);
        hasher.write_i128(self.realised.0);
        hasher.write(self.bought);
        hasher.write(self.sold);
    }

    /// Books a fill.
    fn apply(&mut self, side: Side, quantity: Qty, price: Px) {
        let signed = side.sign() * i64::from(quantity.0);
        self.turnover += price.value(i64::from(quantity.0));
        match side {
            Side::Buy => self.bought += u64::from(quantity.0),
            Side::Sell => self.sold += u64::from(quantity.0),
        }
        let closing = if self.net.signum() * signed.signum() < 0 {
            signed.abs().min(self.net.abs()) * signed.signum()
        } else {
            0
        };
        if closing != 0 {
            // The part of the cost that leaves with the closed units; rounding stays in the rest,
            // so that cost and realised profit always add up to the cash that moved.
            let released = Money(self.cost.0 * i128::from(-closing) / i128::from(self.net));
            self.realised += price.value(-closing) - released;
            self.cost -= released;
            self.net += closing;
        }
        let opening = signed - closing;
        self.cost += price.value(opening);
        self.net += opening;
    }
}

/// The positions in all instruments.
///
/// # Invariants
///
/// - `profit` is the sum of realised and unrealised profit over all instruments.
/// - For each instrument: realised + unrealised = cash received − cash paid + net × mark.
pub struct Positions {
    positions: Box<[Position]>,
    profit: Money,
}

impl Positions {
    /// Flat positions in `instruments_max` instruments.
    #[must_use]
    pub fn new(instruments_max: u32) -> Self {
        let positions = vec![Position::default(); instruments_max as usize].into_boxed_slice();
        Self { positions, profit: Money::ZERO }
    }

    /// The position in an instrument; flat for a number not given out.
    #[inline]
    #[must_use]
    pub fn get(&self, instrument: InstrumentId) -> Position {
        self.positions.get(instrument.index()).copied().unwrap_or_default()
    }

    /// Books a fill.
    pub fn on_fill(&mut self, instrument: InstrumentId, side: Side, quantity: Qty, price: Px) {
        let Some(position) = self.positions.get_mut(instrument.index()) else { return };
        let before = position.realised + position.unrealised();
        position.apply(side, quantity, price);
        if position.mark.is_none() {
            position.mark = Some(price);
        }
        self.profit += position.realised + position.unrealised() - before;
    }

    /// Takes back a trade of the same side, quantity and price, which the exchange annulled.
    pub fn on_trade_canceled(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        quantity: Qty,
        price: Px,
    ) {
        let Some(position) = self.positions.get_mut(instrument.index()) else { return };
        let before = position.realised + position.unrealised();
        position.take_back(side, quantity, price);
        self.profit += position.realised + position.unrealised() - before;
    }

    /// Takes in units held since an earlier day, from whose mark (the price they were settled at) the
    /// profit counts. For the start of a session, before the instrument trades; several times for one
    /// instrument, with one mark. `false`, and nothing is changed, when it has traded or is marked
    /// otherwise, when more than [`CARRIED_UNITS_MAX`] units would be held, or when its number was never
    /// given out.
    pub fn carry(&mut self, instrument: InstrumentId, net: i64, mark: Px) -> bool {
        let position = self.positions.get_mut(instrument.index());
        position.is_some_and(|position| position.carry(net, mark))
    }

    /// Changes a position by a corporate action: units by the ratio, mark against it; cost and
    /// realised profit stay.
    ///
    /// # Errors
    ///
    /// [`AdjustError`]: nothing is changed.
    pub fn adjust(&mut self, instrument: InstrumentId, ratio: Ratio) -> Result<(), AdjustError> {
        let unknown = AdjustError::UnknownHolding;
        let position = self.positions.get_mut(instrument.index()).ok_or(unknown)?;
        let before = position.unrealised();
        position.adjust(ratio)?;
        self.profit += position.unrealised() - before;
        Ok(())
    }

    /// Values an instrument at `price` from now on.
    #[inline]
    pub fn on_mark(&mut self, instrument: InstrumentId, price: Px) {
        let Some(position) = self.positions.get_mut(instrument.index()) else { return };
        if position.net != 0 {
            let before = position.unrealised();
            position.mark = Some(price);
            self.profit += position.unrealised() - before;
        } else {
            position.mark = Some(price);
        }
    }

    /// Realised and unrealised profit of everything, before charges.
    #[inline]
    #[must_use]
    pub const fn profit(&self) -> Money {
        self.profit
    }

    /// Positions ever touched, in order of instrument.
    pub fn iter(&self) -> impl Iterator<Item = (InstrumentId, &Position)> {
        (0..)
            .map(InstrumentId)
            .zip(&self.positions)
            .filter(|(_, p)| p.bought + p.sold > 0 || p.net != 0)
    }

    /// Folds every position into the state hash.
    pub fn hash_into(&self, hasher: &mut StateHasher) {
        for (instrument, position) in self.iter() {
            hasher.write(u64::from(instrument.0));
            position.hash_into(hasher);
        }
        hasher.write_i128(self.profit.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_testing::Random;

    const NIFTY: InstrumentId = InstrumentId(1);

    fn fills(fills: &[(Side, u32, i64)]) -> Position {
        let mut positions = Positions::new(4);
        for &(side, quantity, paise) in fills {
            positions.on_fill(NIFTY, side, Qty(quantity), Px::from_paise(paise));
        }
        positions.get(NIFTY)
    }

    #[test]
    fn closing_realises_against_the_average_price() {
        let position =
            fills(&[(Side::Buy, 100, 1000), (Side::Buy, 100, 2000), (Side::Sell, 50, 1600)]);
        assert_eq!(position.average_price(), Some(Px::from_paise(1500)));
        assert_eq!(position.realised, Px::from_paise(100).value(50));
        assert_eq!(position.net, 150);
    }

    #[test]
    fn a_fill_through_zero_closes_then_opens() {
        let position = fills(&[(Side::Sell, 65, 10_000), (Side::Buy, 130, 9_000)]);
        assert_eq!(position.net, 65);
        assert_eq!(position.realised, Px::from_paise(1_000).value(65));
        assert_eq!(position.average_price(), Some(Px::from_paise(9_000)));
    }

    #[test]
    fn profit_is_cash_plus_value_whatever_the_order_of_fills() {
        let mut random = Random(11);
        let mut positions = Positions::new(4);
        let (mut cash, mut net) = ([Money::ZERO; 4], [0_i64; 4]);
        let mut marks = [Px::ZERO; 4];
        for step in 0..20_000 {
            let instrument = random.below(4) as usize;
            let price = Px(1 + random.below(1_000_000) as i64);
            if random.below(3) == 0 {
                positions.on_mark(InstrumentId(instrument as u32), price);
                marks[instrument] = price;
                continue;
            }
            let side = Side::BOTH[random.below(2) as usize];
            let quantity = 1 + random.below(500) as i64;
            if positions.get(InstrumentId(instrument as u32)).mark.is_none() {
                marks[instrument] = price;
            }
            positions.on_fill(InstrumentId(instrument as u32), side, Qty(quantity as u32), price);
            cash[instrument] -= price.value(side.sign() * quantity);
            net[instrument] += side.sign() * quantity;
            let expected: Money = (0..4).map(|i| cash[i] + marks[i].value(net[i])).sum();
            assert_eq!(positions.profit(), expected, "seed 11, step {step}");
        }
    }
}
