//! Exchange margins of a derivatives portfolio: SPAN and exposure, whole and by the order.
//!
//! [`MarginParameters`] are a day's rows for an index or a stock; with them a kernel of `pricing`
//! (or the clearing house's file) makes a [`RiskArray`] a contract, and a [`Portfolio`] keeps what
//! the positions lose in each scenario. One order changes one row of sums, so what it would add is
//! known without looking at the other positions. All sums are integers: a portfolio that was
//! changed a million times has the margin of one made anew. Nothing allocates after construction.
//!
//! Our own arrays approximate the clearing house's; where its file is at hand, its arrays win.
//!
//! Source: SEBI/HO/MRD2/DCAP/CIR/P/2020/27; NSE Clearing, SPAN risk parameters; CME SPAN.

mod array;
mod open;
#[cfg(test)]
mod open_tests;
mod parameters;
mod portfolio;
mod spreads;
mod terms;
#[cfg(test)]
mod tests;

pub use array::RiskArray;
pub use open::{Open, WorstChange};
pub use parameters::{CashGroup, CashMargin, MarginParameters, MarginRates, UnderlyingKind};
pub use portfolio::{Margin, MarginChange, Portfolio, PortfolioLimits, SpanBreakdown};
pub use terms::{ContractId, ContractKind, ContractTerms, UnderlyingId, UnderlyingTerms};

/// Why a portfolio refuses. State is then as it was; the caller counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarginRefusal {
    /// No underlying has this number.
    UnknownUnderlying,
    /// No contract has this number.
    UnknownContract,
    /// [`PortfolioLimits::underlyings_max`] is reached.
    UnderlyingsFull,
    /// [`PortfolioLimits::contracts_max`] is reached.
    ContractsFull,
    /// [`PortfolioLimits::expiries_max`] of one underlying is reached.
    ExpiriesFull,
    /// A price is not positive, or an option's is negative.
    BadPrice,
    /// A loss or a delta is no number or too large for an array.
    ArrayOutOfRange,
    /// The contract expired before the day of the parameters.
    Expired,
    /// The position would exceed what sums are sure to hold.
    QuantityTooLarge,
}

impl MarginRefusal {
    /// The reason in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownUnderlying => "unknown_underlying",
            Self::UnknownContract => "unknown_contract",
            Self::UnderlyingsFull => "underlyings_full",
            Self::ContractsFull => "contracts_full",
            Self::ExpiriesFull => "expiries_full",
            Self::BadPrice => "bad_price",
            Self::ArrayOutOfRange => "array_out_of_range",
            Self::Expired => "expired",
            Self::QuantityTooLarge => "quantity_too_large",
        }
    }
}

impl core::fmt::Display for MarginRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for MarginRefusal {}
