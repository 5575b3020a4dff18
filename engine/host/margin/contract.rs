//! How a position names its contract, and why one is refused.

use core::fmt;

use tezi_core::margin::{ContractKind, MarginRefusal};
use tezi_core::venue::Date;
use tezi_core::venue::rules::MissingRule;
use tezi_model::{Instrument, Token};

/// The name of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContractKey {
    /// The exchange's number of it.
    Token(Token),
    /// What it is.
    Named {
        /// The underlying.
        symbol: String,
        /// The last day.
        expiry: Date,
        /// Future, or option with its strike.
        kind: ContractKind,
    },
}

impl ContractKey {
    /// Whether an instrument is the one meant.
    #[must_use]
    pub fn is(&self, instrument: &Instrument) -> bool {
        match self {
            Self::Token(token) => *token == instrument.token,
            Self::Named { symbol, expiry, kind } => {
                instrument.symbol.as_str() == symbol
                    && Date::of(instrument.expiry) == *expiry
                    && ContractKind::of(instrument) == Some(*kind)
            }
        }
    }
}

impl fmt::Display for ContractKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => write!(f, "token {token}"),
            Self::Named { symbol, expiry, kind: ContractKind::Future } => {
                write!(f, "{symbol} {expiry} FUT")
            }
            Self::Named { symbol, expiry, kind: ContractKind::Option { is_call, strike } } => {
                let kind = if *is_call { "CE" } else { "PE" };
                write!(f, "{symbol} {expiry} {strike} {kind}")
            }
        }
    }
}

/// Why a position has no margin. The portfolio is then as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum PositionRefusal {
    /// The day's file has no such contract.
    UnknownContract,
    /// The contract is on neither an index nor a stock: no rows are known for it.
    NoIndexOrStock,
    /// The file has no price of it that day.
    NoPrice,
    /// The file has no price of the underlying.
    NoUnderlyingPrice,
    /// Neither its price nor the smile of its expiry gives a volatility.
    NoVolatility,
    /// A rule of the day is not known.
    NoRule(MissingRule),
    /// The portfolio refused.
    Margin(MarginRefusal),
}

impl PositionRefusal {
    /// The reason in a word, as reports count it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnknownContract => "unknown_contract",
            Self::NoIndexOrStock => "no_index_or_stock",
            Self::NoPrice => "no_price",
            Self::NoUnderlyingPrice => "no_underlying_price",
            Self::NoVolatility => "no_volatility",
            Self::NoRule(_) => "no_rule",
            Self::Margin(refusal) => refusal.name(),
        }
    }
}

impl fmt::Display for PositionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::NoRule(missing) => write!(f, ": {missing}"),
            _ => Ok(()),
        }
    }
}

impl core::error::Error for PositionRefusal {}

impl From<MarginRefusal> for PositionRefusal {
    fn from(refusal: MarginRefusal) -> Self {
        Self::Margin(refusal)
    }
}

impl From<MissingRule> for PositionRefusal {
    fn from(missing: MissingRule) -> Self {
        Self::NoRule(missing)
    }
}
