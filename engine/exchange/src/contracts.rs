//! What is listed: instruments by number and by terms, and what the day's rules say of them.

use std::collections::BTreeMap;

use tezi_core::matching::InstrumentTerms;
use tezi_core::venue::bands::{Lpp, LppProduct, LppRules, PriceBand, future_operating_range};
use tezi_core::venue::rules::{Rules, key};
use tezi_core::venue::{Date, segment_scope};
use tezi_gateway::nnf::wire::{ContractDesc, ContractDescTr};
use tezi_gateway::nnf::{Contract, Underlying};
use tezi_model::{Instrument, InstrumentId, InstrumentKind, Nanos, Px, Qty, Segment};

use crate::config::{ConfigError, ExchangeConfig, Listing};
use crate::index::Index;

/// The highest price that order entry and market data can say: 2^31 - 1 paise.
const PRICE_MAX: Px = Px::from_paise(i32::MAX as i64);

/// All contracts of the day. Places are the matcher's instrument numbers.
pub(crate) struct Contracts {
    listings: Box<[Listing]>,
    descriptors: Box<[ContractDescTr]>,
    by_token: Index,
    /// By what names a share, which goes without a token.
    by_name: BTreeMap<([u8; 6], [u8; 10]), InstrumentId>,
}

impl Contracts {
    pub(crate) fn new(segment: Segment, listings: &[Listing]) -> Result<Self, ConfigError> {
        let mut by_name = BTreeMap::new();
        let mut by_token = Index::new(listings.len());
        let mut descriptors = Vec::with_capacity(listings.len());
        for (at, listing) in listings.iter().enumerate() {
            let token = listing.instrument.token;
            let contract = match segment {
                Segment::NseCm => Contract::of_share(&listing.instrument, listing.underlying),
                _ => Contract::new(&listing.instrument, listing.underlying),
            };
            let contract = contract.map_err(|error| ConfigError::Contract { token, error })?;
            if by_token.get(u64::from(token.0)).is_some() {
                return Err(ConfigError::TokenTwice(token));
            }
            by_token.insert(u64::from(token.0), at as u32);
            if segment == Segment::NseCm {
                by_name.insert(name_of(&contract.contract_desc), InstrumentId(at as u32));
            }
            descriptors.push(contract.contract_desc);
        }
        let (listings, descriptors) = (listings.into(), descriptors.into_boxed_slice());
        Ok(Self { listings, descriptors, by_token, by_name })
    }

    pub(crate) fn listings(&self) -> &[Listing] {
        &self.listings
    }

    #[inline]
    pub(crate) fn by_token(&self, token: u32) -> Option<InstrumentId> {
        self.by_token.get(u64::from(token)).map(InstrumentId)
    }

    /// The contract that a request names: by token and descriptor, which must agree, or with token -1
    /// by its descriptor alone (FO 9.48, chapter 4).
    #[inline]
    pub(crate) fn find(&self, token: i32, descriptor: &ContractDesc) -> Option<InstrumentId> {
        let named = ContractDescTr {
            instrument_name: descriptor.instrument_name,
            symbol: descriptor.symbol,
            expiry_date: descriptor.expiry_date,
            strike_price: descriptor.strike_price,
            option_type: descriptor.option_type,
        };
        if token == -1 && !self.by_name.is_empty() {
            return self.by_name.get(&name_of(&named)).copied();
        }
        if token == -1 {
            let found = self.descriptors.iter().position(|descriptor| *descriptor == named);
            return found.map(|at| InstrumentId(at as u32));
        }
        let id = u32::try_from(token).ok().and_then(|token| self.by_token(token))?;
        (self.descriptors[id.index()] == named).then_some(id)
    }
}

/// Series and symbol of a share.
fn name_of(descriptor: &ContractDescTr) -> ([u8; 6], [u8; 10]) {
    (bytemuck::cast(descriptor.instrument_name), bytemuck::cast(descriptor.symbol))
}

/// The rows' scope of a contract: `NSE/fo/option`, `NSE/fo/future`, `NSE/cm`.
fn product_scope(config: &ExchangeConfig, instrument: &Instrument) -> String {
    let segment = segment_scope(config.segment).unwrap_or("NSE/fo");
    match instrument.kind() {
        InstrumentKind::Option => format!("{segment}/option"),
        InstrumentKind::Equity => segment.to_owned(),
        _ => format!("{segment}/future"),
    }
}

/// Tick, lot, band, freeze quantity and order kinds of a contract on its day. What the instrument
/// itself says goes before the rows: the contract file of the day has the last word.
pub(crate) fn terms_of(
    config: &ExchangeConfig,
    listing: &Listing,
) -> Result<InstrumentTerms, ConfigError> {
    let Listing { instrument, reference, .. } = listing;
    let (rules, date) = (&config.rules, config.date);
    let tick = if instrument.tick > Px::ZERO { instrument.tick } else { Px::from_paise(5) };
    let lot = lot_of(rules, config, instrument);
    let band = band_of(rules, date, listing, tick)?;
    let terms = InstrumentTerms {
        band,
        freeze: freeze_of(rules, config, instrument),
        reference: *reference,
        ..InstrumentTerms::new(tick, lot)
    };
    Ok(terms.with_rules(rules, &product_scope(config, instrument), date)?)
}

impl ExchangeConfig {
    /// The listings with everything said: tick, lot, freeze quantity and price range of the day where
    /// the listing left them to the rules. What an exchange's contract file shows.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Rule`]: the day's rules lack one of them.
    pub fn listings_of_the_day(&self) -> Result<Vec<Listing>, ConfigError> {
        let say = |listing: &Listing| {
            let terms = terms_of(self, listing)?;
            let mut said = *listing;
            let it = &mut said.instrument;
            (it.tick, it.lot) = (terms.tick, terms.lot);
            (it.price_low, it.price_high) = (terms.band.low, terms.band.high);
            it.freeze_quantity = terms.freeze.unwrap_or(Qty(0));
            Ok(said)
        };
        self.listings.iter().map(say).collect()
    }
}

fn symbol_scope(config: &ExchangeConfig, instrument: &Instrument) -> String {
    let segment = segment_scope(config.segment).unwrap_or("NSE/fo");
    format!("{segment}/{}", instrument.symbol)
}

/// Lots go by the expiry date of the contract.
fn lot_of(rules: &Rules, config: &ExchangeConfig, instrument: &Instrument) -> Qty {
    let (scope, expiry) = (symbol_scope(config, instrument), Date::of(instrument.expiry));
    match instrument.lot {
        Qty(0) => rules.find(key::LOT, &scope, expiry).copied().unwrap_or(Qty(1)),
        lot => lot,
    }
}

fn freeze_of(rules: &Rules, config: &ExchangeConfig, instrument: &Instrument) -> Option<Qty> {
    match instrument.freeze_quantity {
        Qty(0) => {
            let scope = symbol_scope(config, instrument);
            rules.find(key::FREEZE_QUANTITY, &scope, config.date).copied()
        }
        freeze => Some(freeze),
    }
}

fn band_of(
    rules: &Rules,
    date: Date,
    listing: &Listing,
    tick: Px,
) -> Result<PriceBand, ConfigError> {
    let instrument = &listing.instrument;
    let high_max = PRICE_MAX.floor_to(tick);
    if instrument.price_high > Px::ZERO {
        let band = PriceBand::between(instrument.price_low, instrument.price_high, tick);
        return Ok(PriceBand { low: band.low, high: band.high.min(high_max) });
    }
    match instrument.kind() {
        InstrumentKind::Future => {
            Ok(future_operating_range(rules, "NSE/fo", date, listing.reference, tick)?)
        }
        // The range of an option, and of a share, stands in the master file only.
        _ => Ok(PriceBand { low: tick, high: high_max }),
    }
}

/// Limit price protection of a contract; `None` where there is none.
pub(crate) fn protection_of(
    config: &ExchangeConfig,
    listing: &Listing,
    tick: Px,
    open: Nanos,
) -> Result<Option<Lpp>, ConfigError> {
    let is_option = listing.instrument.kind() == InstrumentKind::Option;
    let product = match (is_option, listing.underlying) {
        (true, Underlying::Index) => LppProduct::IndexOption,
        (true, Underlying::Stock) => LppProduct::StockOption,
        (false, Underlying::Index) => LppProduct::IndexFuture,
        (false, Underlying::Stock) => LppProduct::StockFuture,
        // Shares have price bands and no limit price protection.
        (_, Underlying::Series(_)) => return Ok(None),
    };
    let scope = symbol_scope(config, &listing.instrument);
    let rules = LppRules::new(&config.rules, &scope, product, config.date)?;
    Ok(rules.map(|rules| {
        let mut protection = Lpp::new(rules, tick, open);
        // Until something trades, the base price is the theoretical one.
        if listing.reference > Px::ZERO {
            protection.on_theoretical(listing.reference);
        }
        protection
    }))
}
