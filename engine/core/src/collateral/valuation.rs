//! What a day's risk file, or the host's own kernels, say of an underlying and of a contract: inputs of
//! the core, so that a replay reckons with the same numbers.

use bytemuck::{Pod, Zeroable};
use tezi_model::{InstrumentId, Px};

use crate::margin::{MarginRates, MarginRefusal, RiskArray, UnderlyingTerms};
use crate::pricing::SCENARIO_COUNT;
use crate::venue::{Date, Rate};

/// An index or a stock with derivatives, and the rates of the day. 96 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct UnderlyingValuation {
    /// Its price.
    pub price: Px,
    /// Its close of the day before.
    pub previous_close: Px,
    /// [`MarginRates::calendar_spread`], in units of [`Rate`]; so are all that follow.
    pub calendar_spread: i64,
    /// [`MarginRates::short_option_min`].
    pub short_option_min: i64,
    /// [`MarginRates::exposure`].
    pub exposure: i64,
    /// [`MarginRates::exposure_deep_otm`].
    pub exposure_deep_otm: i64,
    /// [`MarginRates::exposure_concentrated`].
    pub exposure_concentrated: i64,
    /// [`MarginRates::deep_otm`].
    pub deep_otm: i64,
    /// [`MarginRates::exposure_spread_share`].
    pub exposure_spread_share: i64,
    /// [`MarginRates::expiry_day_exposure`].
    pub expiry_day_exposure: i64,
    /// The day, in days since 1970-01-01.
    pub date: i32,
    /// The underlying: 0, 1, 2, … in the order in which they are first told.
    pub number: u32,
    /// 1 for a stock that few clients hold much of.
    pub is_concentrated: u8,
    /// 1 when a contract on its last day may hedge other months.
    pub expiry_day_spread: u8,
    /// Zero.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<UnderlyingValuation>() == 96);

/// A contract on one of them: its price, its deltas and its risk array. 88 bytes.
///
/// Its underlying's valuation comes first; its kind, strike and expiry are those of its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ContractValuation {
    /// The price: the future's, or the option's.
    pub price: Px,
    /// Which contract.
    pub instrument: InstrumentId,
    /// [`UnderlyingValuation::number`].
    pub underlying: u32,
    /// Delta of a long unit for position limits (SEBI 29 May 2025 /79), in 10⁻⁶: 1 of a future, below
    /// nought of a put.
    pub futeq_delta: i32,
    /// Composite delta of the risk file, in 10⁻⁶ ([`RiskArray::delta`]).
    pub delta: i32,
    /// What a long unit loses by scenario, in paise ([`RiskArray::loss`]).
    pub loss: [i32; SCENARIO_COUNT],
}

const _: () = assert!(size_of::<ContractValuation>() == 88);

/// One line of a risk file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Valuation {
    /// Of an underlying, once.
    Underlying(UnderlyingValuation),
    /// Of a contract, new or once more.
    Contract(ContractValuation),
}

/// Why a valuation changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValuationError {
    /// The instrument was never given out, or is neither a future nor an option.
    NotAContract,
    /// Underlyings are numbered in the order in which they are first told, and each but once.
    Number,
    /// A contract on another underlying than before.
    Moved,
    /// A delta for position limits beyond ±1, or a loss or composite delta out of range.
    OutOfRange,
    /// The portfolio refuses.
    Margin(MarginRefusal),
}

impl core::fmt::Display for ValuationError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotAContract => f.write_str("neither a future nor an option that is known"),
            Self::Number => f.write_str("underlyings are numbered in the order they are told"),
            Self::Moved => f.write_str("the contract was on another underlying before"),
            Self::OutOfRange => f.write_str("a delta or a loss out of range"),
            Self::Margin(refusal) => write!(f, "{refusal}"),
        }
    }
}

impl core::error::Error for ValuationError {}

impl From<MarginRefusal> for ValuationError {
    fn from(refusal: MarginRefusal) -> Self {
        Self::Margin(refusal)
    }
}

impl UnderlyingValuation {
    /// The record of an underlying.
    #[must_use]
    pub const fn new(number: u32, terms: &UnderlyingTerms) -> Self {
        let MarginRates {
            date,
            calendar_spread,
            short_option_min,
            exposure,
            exposure_deep_otm,
            exposure_concentrated,
            deep_otm,
            exposure_spread_share,
            expiry_day_exposure,
            expiry_day_spread,
        } = terms.rates;
        Self {
            price: terms.price,
            previous_close: terms.previous_close,
            calendar_spread: calendar_spread.0,
            short_option_min: short_option_min.0,
            exposure: exposure.0,
            exposure_deep_otm: exposure_deep_otm.0,
            exposure_concentrated: exposure_concentrated.0,
            deep_otm: deep_otm.0,
            exposure_spread_share: exposure_spread_share.0,
            expiry_day_exposure: expiry_day_exposure.0,
            date: date.number(),
            number,
            is_concentrated: terms.is_concentrated as u8,
            expiry_day_spread: expiry_day_spread as u8,
            reserved: [0; 6],
        }
    }

    /// What a portfolio must know.
    #[must_use]
    pub const fn terms(&self) -> UnderlyingTerms {
        UnderlyingTerms {
            rates: MarginRates {
                date: Date::of_number(self.date),
                calendar_spread: Rate(self.calendar_spread),
                short_option_min: Rate(self.short_option_min),
                exposure: Rate(self.exposure),
                exposure_deep_otm: Rate(self.exposure_deep_otm),
                exposure_concentrated: Rate(self.exposure_concentrated),
                deep_otm: Rate(self.deep_otm),
                exposure_spread_share: Rate(self.exposure_spread_share),
                expiry_day_exposure: Rate(self.expiry_day_exposure),
                expiry_day_spread: self.expiry_day_spread != 0,
            },
            price: self.price,
            previous_close: self.previous_close,
            is_concentrated: self.is_concentrated != 0,
        }
    }

    /// Whether every rate is a part of a whole, as a journal's bytes need not be.
    pub(super) fn is_sound(&self) -> bool {
        let rates = [
            self.calendar_spread,
            self.short_option_min,
            self.exposure,
            self.exposure_deep_otm,
            self.exposure_concentrated,
            self.deep_otm,
            self.exposure_spread_share,
            self.expiry_day_exposure,
        ];
        rates.iter().all(|rate| (0..=Rate::ONE).contains(rate))
    }
}

impl ContractValuation {
    /// Its risk array.
    #[must_use]
    pub const fn array(&self) -> RiskArray {
        RiskArray { loss: self.loss, delta: self.delta }
    }

    /// Whether every number is one that an array may have.
    pub(super) fn is_sound(&self) -> bool {
        let most = RiskArray::LOSS_MAX.unsigned_abs();
        self.futeq_delta.unsigned_abs() <= RiskArray::DELTA_ONE.unsigned_abs()
            && self.delta.unsigned_abs() <= 2 * RiskArray::DELTA_ONE.unsigned_abs()
            && self.loss.iter().all(|loss| loss.unsigned_abs() <= most)
    }
}
