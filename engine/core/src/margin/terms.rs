//! What a portfolio must know of an underlying and of a contract.

use tezi_model::{Instrument, InstrumentKind, OptionType, Px};

use super::{MarginRates, RiskArray};
use crate::venue::Date;

/// The portfolio's number of an underlying: 0, 1, 2, … in the order they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnderlyingId(pub u32);

/// The portfolio's number of a contract: 0, 1, 2, … in the order they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContractId(pub u32);

/// An index or a stock with derivatives.
#[derive(Clone, Copy, Debug)]
pub struct UnderlyingTerms {
    /// The rates of the day.
    pub rates: MarginRates,
    /// Its price, which exposure on short options is reckoned from. Positive.
    pub price: Px,
    /// Its close of the day before: what is deep out of the money is so from there. Positive.
    pub previous_close: Px,
    /// Whether it is on the month's list of stocks that few clients hold much of.
    pub is_concentrated: bool,
}

/// What kind of contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractKind {
    /// A future.
    Future,
    /// An option, a call when `is_call`.
    Option {
        /// Call or put.
        is_call: bool,
        /// The strike.
        strike: Px,
    },
}

impl ContractKind {
    /// Future or option, `None` for what is neither.
    #[must_use]
    pub fn of(instrument: &Instrument) -> Option<Self> {
        match instrument.kind() {
            InstrumentKind::Future => Some(Self::Future),
            InstrumentKind::Option => {
                let is_call = instrument.option_type()? == OptionType::Call;
                Some(Self::Option { is_call, strike: instrument.strike })
            }
            _ => None,
        }
    }
}

/// A contract.
#[derive(Clone, Copy, Debug)]
pub struct ContractTerms {
    /// What it is on.
    pub underlying: UnderlyingId,
    /// Its last day.
    pub expiry: Date,
    /// Future or option.
    pub kind: ContractKind,
    /// Its price: the future's, or the option's (what net option value counts).
    pub price: Px,
    /// What a unit loses.
    pub array: RiskArray,
}

impl UnderlyingTerms {
    /// Exposure of one short unit of `contract`; of a future, of one unit on either side.
    pub(super) fn exposure_of(&self, contract: &ContractTerms) -> Px {
        let rules = &self.rates;
        let (base, mut rate) = (self.base(contract), rules.exposure);
        if self.is_concentrated {
            rate = rules.exposure_concentrated.max(rate);
        }
        let mut exposure = rate.of(base);
        if let ContractKind::Option { is_call, strike } = contract.kind {
            if self.is_deep_out(is_call, strike) {
                exposure = exposure.max(rules.exposure_deep_otm.of(base));
            }
            if contract.expiry == rules.date {
                exposure = exposure + rules.expiry_day_exposure.of(base);
            }
        }
        exposure
    }

    /// What exposure is a part of: a future's own price, for an option the underlying's.
    fn base(&self, contract: &ContractTerms) -> Px {
        match contract.kind {
            ContractKind::Future => contract.price,
            ContractKind::Option { .. } => self.price,
        }
    }

    fn is_deep_out(&self, is_call: bool, strike: Px) -> bool {
        let width = self.rates.deep_otm.of(self.previous_close);
        let beyond = strike - self.previous_close;
        if is_call { beyond > width } else { -beyond > width }
    }
}
