//! That so much of a limit is used.

use bytemuck::{Pod, Zeroable};
use tezi_model::{AccountId, InstrumentId};

/// How much of a limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum UseLevel {
    /// Less than the limit `alert-at-bps` says.
    Below = 0,
    /// As much as that.
    Alert = 1,
    /// As much as `alarm-at-bps` says.
    Alarm = 2,
    /// All of it.
    Full = 3,
}

impl UseLevel {
    /// A word for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Alert => "alert",
            Self::Alarm => "alarm",
            Self::Full => "full",
        }
    }

    /// The level a record's number stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Below,
            1 => Self::Alert,
            2 => Self::Alarm,
            3 => Self::Full,
            _ => return None,
        })
    }
}

/// The use of a limit reached a level, or fell back to one. 24 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct LimitUse {
    /// What is used, everything open counted as filled: in the unit of the limit, rupees without paise.
    pub value: i64,
    /// What there may be.
    pub most: i64,
    /// The instrument, or one of the underlying, whose limit it is; [`LimitUse::ALL`] for one of the desk.
    pub instrument: InstrumentId,
    /// The number of the limit, as journals have it.
    pub limit_code: u16,
    /// A [`UseLevel`] code.
    pub level_code: u8,
    /// Whose limit it is; [`AccountId::NONE`] for one of the desk.
    pub account: AccountId,
}

const _: () = assert!(size_of::<LimitUse>() == 24);

impl LimitUse {
    /// Stands for no single instrument.
    pub const ALL: InstrumentId = InstrumentId(u32::MAX);

    /// Whose limit it is; `None` for the desk's.
    #[must_use]
    pub fn instrument(&self) -> Option<InstrumentId> {
        (self.instrument != Self::ALL).then_some(self.instrument)
    }

    /// How much; `None` when the record holds no known code.
    #[must_use]
    pub const fn level(&self) -> Option<UseLevel> {
        UseLevel::from_code(self.level_code)
    }
}
