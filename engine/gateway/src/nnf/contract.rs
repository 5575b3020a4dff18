//! An instrument as a request names it: token and descriptor, made once.

use core::fmt;

use bytemuck::{Pod, Zeroable};
use tezi_model::{Instrument, InstrumentKind, NseTime, OptionType, Segment};

use super::cm::{descriptor, sec_info};
use super::wire::{BeI32, ContractDescTr, Text};

/// What the wire says of an instrument beside its terms, and the model does not know: what a contract is
/// on, the series of a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Underlying {
    /// `FUTIDX`, `OPTIDX`.
    Index,
    /// `FUTSTK`, `OPTSTK`.
    Stock,
    /// In the capital market: the series, `EQ`, padded with blanks.
    Series([u8; 2]),
}

/// Why an instrument cannot be named in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContractError {
    /// The encoder's table has no place for its number.
    Capacity,
    /// Of another segment than the session.
    Segment,
    /// Neither a future nor an option, or an option that is neither call nor put; in the capital
    /// market no share, or without a series.
    Kind,
    /// Token zero or too large.
    Token,
    /// Underlying empty or longer than ten characters.
    Symbol,
    /// Expiry not known, not a whole second, or not within the wire's range.
    Expiry,
    /// Strike of an option not positive, not in whole paise, or too large.
    Strike,
    /// Series empty or not printable.
    Series,
    /// A leg of a spread that is not defined.
    Leg,
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Capacity => "the instrument's number is beyond the encoder's table",
            Self::Segment => "the instrument is of another segment",
            Self::Kind => "orders cannot be in an instrument of this kind",
            Self::Token => "the token must be positive and fit 31 bits",
            Self::Symbol => "the symbol must have 1 to 10 characters",
            Self::Expiry => "the expiry must be known, in whole seconds",
            Self::Strike => "the strike must be positive, in whole paise",
            Self::Series => "the series must have 1 or 2 characters",
            Self::Leg => "the legs of a spread must be defined before it",
        })
    }
}

impl core::error::Error for ContractError {}

/// Token and descriptor, which lie one behind the other in every trimmed request. All zeros in a
/// place of the table where no contract is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Contract {
    /// The contract's number.
    pub token_no: BeI32,
    /// The contract by its terms.
    pub contract_desc: ContractDescTr,
}

impl Contract {
    /// Names an instrument as requests do.
    ///
    /// # Errors
    ///
    /// [`ContractError`] when a request cannot name it.
    pub fn new(instrument: &Instrument, underlying: Underlying) -> Result<Self, ContractError> {
        if instrument.segment() != Some(Segment::NseFo) {
            return Err(ContractError::Segment);
        }
        let (name, option_type) = match (instrument.kind(), instrument.option_type(), underlying) {
            (InstrumentKind::Future, _, Underlying::Index) => ("FUTIDX", "XX"),
            (InstrumentKind::Future, _, Underlying::Stock) => ("FUTSTK", "XX"),
            (InstrumentKind::Option, Some(option), Underlying::Index) => {
                ("OPTIDX", letters(option))
            }
            (InstrumentKind::Option, Some(option), Underlying::Stock) => {
                ("OPTSTK", letters(option))
            }
            _ => return Err(ContractError::Kind),
        };
        let token = i32::try_from(instrument.token.0).ok().filter(|&token| token > 0);
        let symbol = instrument.symbol.as_str();
        let symbol = Text::new(symbol).ok().filter(|_| !symbol.is_empty());
        Ok(Self {
            token_no: BeI32::new(token.ok_or(ContractError::Token)?),
            contract_desc: ContractDescTr {
                instrument_name: Text::new(name).map_err(|_| ContractError::Kind)?,
                symbol: symbol.ok_or(ContractError::Symbol)?,
                expiry_date: expiry_date(instrument).ok_or(ContractError::Expiry)?,
                strike_price: strike_price(instrument).ok_or(ContractError::Strike)?,
                option_type: Text::new(option_type).map_err(|_| ContractError::Kind)?,
            },
        })
    }

    /// Names a share in the form of a contract, as images of the exchange's half have it: the series as
    /// the instrument name, without expiry, strike and option type.
    ///
    /// # Errors
    ///
    /// [`ContractError`] when a request cannot name it.
    pub fn of_share(
        instrument: &Instrument,
        underlying: Underlying,
    ) -> Result<Self, ContractError> {
        let sec_info = sec_info(instrument, underlying)?;
        let token_no = BeI32::new(instrument.token.0.cast_signed());
        Ok(Self { token_no, contract_desc: descriptor(&sec_info) })
    }

    /// Whether a contract was defined here.
    #[inline]
    pub(super) const fn is_defined(&self) -> bool {
        self.token_no.get() != 0
    }
}

const fn letters(option: OptionType) -> &'static str {
    match option {
        OptionType::Call => "CE",
        OptionType::Put => "PE",
    }
}

/// Seconds since 1980; the exchange compares with its contract file, so a rounded time would be
/// another contract.
fn expiry_date(instrument: &Instrument) -> Option<BeI32> {
    let nanos = NseTime::from_nanos(instrument.expiry).0;
    let seconds = i32::try_from(nanos / 1_000_000_000).ok()?;
    (nanos % 1_000_000_000 == 0 && seconds > 0).then(|| BeI32::new(seconds))
}

fn strike_price(instrument: &Instrument) -> Option<BeI32> {
    if instrument.kind() == InstrumentKind::Future {
        return Some(BeI32::new(-1));
    }
    let paise = i32::try_from(instrument.strike.to_paise()?).ok()?;
    (paise > 0).then(|| BeI32::new(paise))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{future, option};
    use super::*;
    use tezi_model::{Nanos, Px, Symbol, Token};

    #[test]
    fn futures_and_options_are_named_as_in_the_contract_file() {
        let name = |instrument: &Instrument, underlying| {
            let contract = Contract::new(instrument, underlying).unwrap().contract_desc;
            format!(
                "{} {} {} {:?} {}",
                contract.instrument_name,
                contract.symbol,
                contract.option_type,
                contract.strike_price,
                contract.expiry_date.get()
            )
        };
        let expiry = 1_474_731_000; // 2026-09-24 15:30:00, as `date -u` counts it from 1980
        assert_eq!(name(&future(), Underlying::Index), format!("FUTIDX NIFTY XX -1 {expiry}"));
        assert_eq!(name(&future(), Underlying::Stock), format!("FUTSTK NIFTY XX -1 {expiry}"));
        assert_eq!(name(&option(), Underlying::Index), format!("OPTIDX NIFTY PE 2480000 {expiry}"));
        assert_eq!(name(&option(), Underlying::Stock), format!("OPTSTK NIFTY PE 2480000 {expiry}"));
    }

    #[test]
    fn each_impossible_instrument_is_named() {
        let good = option();
        let cases = [
            (Instrument { segment_code: Segment::NseCm as u8, ..good }, ContractError::Segment),
            (Instrument { segment_code: 99, ..good }, ContractError::Segment),
            (Instrument { kind_code: InstrumentKind::Equity as u8, ..good }, ContractError::Kind),
            (Instrument { option_code: 0, ..good }, ContractError::Kind),
            (Instrument { token: Token(0), ..good }, ContractError::Token),
            (Instrument { token: Token(1 << 31), ..good }, ContractError::Token),
            (Instrument { symbol: Symbol::new(""), ..good }, ContractError::Symbol),
            (Instrument { symbol: Symbol::new("ELEVENCHARS"), ..good }, ContractError::Symbol),
            (Instrument { expiry: Nanos::ZERO, ..good }, ContractError::Expiry),
            (Instrument { expiry: good.expiry.plus(1), ..good }, ContractError::Expiry),
            (Instrument { expiry: Nanos::MAX, ..good }, ContractError::Expiry),
            (Instrument { strike: Px::ZERO, ..good }, ContractError::Strike),
            (Instrument { strike: Px(good.strike.0 + 1), ..good }, ContractError::Strike),
            (Instrument { strike: Px::from_paise(1 << 31), ..good }, ContractError::Strike),
        ];
        for (instrument, error) in cases {
            assert_eq!(Contract::new(&instrument, Underlying::Index), Err(error));
        }
    }
}
