//! What a session begins with: positions held since an earlier day, lot by lot, and the corporate
//! actions since. Told before the session's start, each an input and in the journal.

use bytemuck::{Pod, Zeroable};
use tezi_model::{AccountId, InstrumentId, Px, StrategyId};

use super::{AdjustError, HoldingError, HoldingKey, Ratio};

/// Units of one instrument that can be carried in at most, long and short together: sums of them and
/// of what they cost then never overflow.
pub const CARRIED_UNITS_MAX: i64 = 1 << 40;

/// One thing that a session begins with. Days are counted from 1970-01-01, in India.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// From here on what is held is kept by account, strategy and instrument, lot by lot. The first.
    Begin {
        /// The day of the session: the day of lots that are opened in it.
        day: i32,
        /// The day at whose end the positions were held; 0 when it is not known.
        as_of: i32,
        /// Lots that follow.
        lots: u32,
        /// Corporate actions behind them.
        actions: u32,
    },
    /// Units that are carried in.
    Lot(CarriedLot),
    /// A corporate action, on everything that was carried in of an instrument.
    Action(CorporateAction),
}

/// Units held since an earlier day, of one key at one price. Lots of a key come oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedLot {
    /// Who holds it: strategy 0 is the only strategy, or the desk itself.
    pub strategy: StrategyId,
    /// For whom; none where no account is declared.
    pub account: AccountId,
    /// What it is of.
    pub instrument: InstrumentId,
    /// Units: positive long, negative short; never nought.
    pub net: i64,
    /// What a unit cost, or brought when sold.
    pub price: Px,
    /// What the day's profit counts a unit from: one price for all lots of an instrument.
    pub mark: Px,
    /// The day it was traded on; 0 when that is not known.
    pub day: i32,
}

impl CarriedLot {
    /// Whose holding it belongs to.
    #[must_use]
    pub fn key(&self) -> HoldingKey {
        let (account, strategy) = (self.account.0.into(), self.strategy.0.into());
        HoldingKey { account, strategy, instrument: self.instrument }
    }
}

/// What a corporate action is called. The ratio alone says what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum CorporateActionKind {
    /// A share becomes several of a smaller face value.
    Split = 1,
    /// Shares are given to those who hold some.
    Bonus = 2,
    /// Several shares become one.
    Consolidation = 3,
}

impl CorporateActionKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Split, Self::Bonus, Self::Consolidation];

    /// As files and journals call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Bonus => "bonus",
            Self::Consolidation => "consolidation",
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| *it as u8 == code)
    }
}

/// A corporate action on one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorporateAction {
    /// What it is on.
    pub instrument: InstrumentId,
    /// What it is called.
    pub kind: CorporateActionKind,
    /// Units after to units before.
    pub ratio: Ratio,
    /// The first day on which the instrument trades without what is given.
    pub ex_day: i32,
}

/// Why the session does not begin with something. Nothing is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningError {
    /// The session has begun, or an order was entered.
    Begun,
    /// [`Opening::Begin`] did not come first, or came twice.
    Order,
    /// No number of an instrument that can be held.
    UnknownInstrument,
    /// No such strategy, or no such account.
    UnknownOwner,
    /// No units, too many, or a price that is not above nought.
    OutOfRange,
    /// Another price to count the day's profit from than other lots of the instrument have.
    OtherMark,
    /// See [`HoldingError`].
    Holding(HoldingError),
    /// See [`AdjustError`].
    Adjust(AdjustError),
}

impl From<HoldingError> for OpeningError {
    fn from(error: HoldingError) -> Self {
        Self::Holding(error)
    }
}

impl From<AdjustError> for OpeningError {
    fn from(error: AdjustError) -> Self {
        Self::Adjust(error)
    }
}

/// An [`Opening`] in 48 bytes (`docs/wire/session.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct OpeningRecord {
    /// Units of a lot.
    pub net: i64,
    /// Price of a lot, 10⁻⁸ rupees.
    pub price: i64,
    /// What the day's profit counts a unit of a lot from, 10⁻⁸ rupees.
    pub mark: i64,
    /// An [`InstrumentId`]; all ones for none.
    pub instrument: u32,
    /// Day of the session, of a lot's trade, or from which an action is in force.
    pub day: i32,
    /// Day of the positions.
    pub as_of: i32,
    /// Lots that follow; units after an action.
    pub first: u32,
    /// Actions that follow; units before an action.
    pub second: u32,
    /// 1 begin, 2 lot, 3 action.
    pub kind_code: u8,
    /// Strategy of a lot.
    pub strategy: u8,
    /// Account of a lot.
    pub account: u8,
    /// A [`CorporateActionKind`].
    pub action_code: u8,
}

const _: () = assert!(size_of::<OpeningRecord>() == 48);

impl From<&Opening> for OpeningRecord {
    fn from(opening: &Opening) -> Self {
        let none = Self { instrument: u32::MAX, ..Self::zeroed() };
        match *opening {
            Opening::Begin { day, as_of, lots, actions } => {
                Self { kind_code: 1, day, as_of, first: lots, second: actions, ..none }
            }
            Opening::Lot(lot) => Self {
                kind_code: 2,
                net: lot.net,
                price: lot.price.0,
                mark: lot.mark.0,
                instrument: lot.instrument.0,
                day: lot.day,
                strategy: lot.strategy.0,
                account: lot.account.0,
                ..none
            },
            Opening::Action(action) => {
                let (first, second) = action.ratio.terms();
                Self {
                    kind_code: 3,
                    instrument: action.instrument.0,
                    day: action.ex_day,
                    first,
                    second,
                    action_code: action.kind as u8,
                    ..none
                }
            }
        }
    }
}

impl OpeningRecord {
    /// What it says; `None` for a kind or a ratio that there is not.
    #[must_use]
    pub fn opening(&self) -> Option<Opening> {
        let Self { day, as_of, first, second, .. } = *self;
        let instrument = InstrumentId(self.instrument);
        Some(match self.kind_code {
            1 => Opening::Begin { day, as_of, lots: first, actions: second },
            2 => Opening::Lot(CarriedLot {
                strategy: StrategyId(self.strategy),
                account: AccountId(self.account),
                instrument,
                net: self.net,
                price: Px(self.price),
                mark: Px(self.mark),
                day,
            }),
            3 => Opening::Action(CorporateAction {
                instrument,
                kind: CorporateActionKind::from_code(self.action_code)?,
                ratio: Ratio::new(first, second)?,
                ex_day: day,
            }),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_comes_back_from_its_record() {
        let lot = CarriedLot {
            strategy: StrategyId(2),
            account: AccountId(1),
            instrument: InstrumentId(7),
            net: -65,
            price: Px::from_paise(10_005),
            mark: Px::from_paise(9_995),
            day: 20_780,
        };
        let action = CorporateAction {
            instrument: InstrumentId(7),
            kind: CorporateActionKind::Bonus,
            ratio: Ratio::new(3, 2).unwrap(),
            ex_day: 20_781,
        };
        let begin = Opening::Begin { day: 20_781, as_of: 20_780, lots: 1, actions: 1 };
        for opening in [begin, Opening::Lot(lot), Opening::Action(action)] {
            assert_eq!(OpeningRecord::from(&opening).opening(), Some(opening));
        }
        let mut record = OpeningRecord::from(&Opening::Action(action));
        for (kind_code, first, action_code) in [(0, 3, 2), (4, 3, 2), (3, 0, 2), (3, 3, 4)] {
            (record.kind_code, record.first, record.action_code) = (kind_code, first, action_code);
            assert_eq!(record.opening(), None);
        }
    }
}
