//! What is listed on an exchange, as the population sees it.

use tezi_model::{InstrumentId, InstrumentKind, OptionType, Px};

use super::config::{Contract, Listed};
use crate::config::{ConfigError, ExchangeConfig, Listing};
use crate::contracts::terms_of;

/// The listings of an exchange with their terms of the day.
///
/// Instruments with one symbol are of one underlying. It is worth what its share, or its first future with
/// a reference price is; without a future, the strike in the middle of its options. What has neither is
/// left out, so that nobody trades it.
///
/// # Errors
///
/// [`ConfigError::Rule`]: the day's rules lack what the terms need.
pub fn listed(config: &ExchangeConfig) -> Result<Vec<Listed>, ConfigError> {
    let mut symbols: Vec<&str> = Vec::new();
    let mut all = Vec::with_capacity(config.listings.len());
    for (listing, number) in config.listings.iter().zip(0..) {
        let symbol = listing.instrument.symbol.as_str();
        let underlying = symbols.iter().position(|known| *known == symbol).unwrap_or_else(|| {
            symbols.push(symbol);
            symbols.len() - 1
        });
        let (Some(spot), Some(contract)) = (spot_of(config, symbol), contract_of(listing)) else {
            continue;
        };
        all.push(Listed {
            instrument: InstrumentId(number),
            underlying: underlying as u32,
            spot,
            contract,
            terms: terms_of(config, listing)?,
        });
    }
    Ok(all)
}

fn contract_of(listing: &Listing) -> Option<Contract> {
    let it = &listing.instrument;
    match it.kind() {
        InstrumentKind::Future => Some(Contract::Future { expiry: it.expiry }),
        InstrumentKind::Option => Some(Contract::Option {
            expiry: it.expiry,
            strike: it.strike,
            is_call: it.option_type() == Some(OptionType::Call),
        }),
        InstrumentKind::Equity => Some(Contract::Cash),
        _ => None,
    }
}

fn spot_of(config: &ExchangeConfig, symbol: &str) -> Option<Px> {
    let own = || config.listings.iter().filter(|it| it.instrument.symbol.as_str() == symbol);
    let is_spot = |kind| matches!(kind, InstrumentKind::Future | InstrumentKind::Equity);
    let futures = own().filter(|it| is_spot(it.instrument.kind()));
    let near = futures.filter(|it| it.reference > Px::ZERO).min_by_key(|it| it.instrument.expiry);
    if let Some(near) = near {
        return Some(near.reference);
    }
    let mut strikes: Vec<Px> = own().map(|it| it.instrument.strike).collect();
    strikes.retain(|strike| *strike > Px::ZERO);
    strikes.sort_unstable();
    strikes.get(strikes.len() / 2).copied()
}
