//! Calendar spreads of the day: two listed contracts that trade as one, at the difference of their
//! prices, far less near.
//!
//! A spread has no token of its own: on the wire it is the pair of its legs' (MTBT 6.7, chapters 5
//! and 6; the spread master of NNF F&O 9.48). In the matcher it is an instrument like the others,
//! numbered behind the listings in the order of [`ExchangeConfig::spreads`].

use tezi_core::matching::{InstrumentTerms, LegPriceRule, Matcher, Spread};
use tezi_core::venue::bands::PriceBand;
use tezi_model::{Instrument, InstrumentId, Nanos, Px, Qty, Token};

use crate::config::{ConfigError, ExchangeConfig, Listing};
use crate::contracts::terms_of;
use crate::index::Index;
use crate::legs::pair_key;

/// A spread of two listed contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpreadListing {
    /// The contract that expires first, and the one that expires last.
    pub legs: [Token; 2],
    /// The market-data stream that carries its messages, from 1.
    pub stream: u8,
    /// How far from the difference of the legs' references orders may lie; `None` for as far as the
    /// document lets any difference lie (NNF F&O 9.48, chapter 5).
    pub range: Option<Px>,
}

/// A spread and everything the day says of it.
#[derive(Clone, Copy, Debug)]
pub struct SpreadOfTheDay {
    /// The spread.
    pub listing: SpreadListing,
    /// Its legs, as [`ExchangeConfig::listings_of_the_day`] has them, near before far.
    pub legs: [Listing; 2],
    /// The difference of the legs' references.
    pub reference: Px,
    /// The lowest and the highest difference of an order.
    pub range: [Px; 2],
}

impl SpreadOfTheDay {
    /// The spread as an instrument: symbol, expiry, tick and lot are the near leg's.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        let [near, far] = &self.legs;
        let [price_low, price_high] = self.range;
        Instrument {
            price_low,
            price_high,
            ..Instrument::spread(&near.instrument, far.instrument.token)
        }
    }

    /// When the near leg expires, and with it the spread.
    #[must_use]
    pub const fn expiry(&self) -> Nanos {
        self.legs[0].instrument.expiry
    }
}

impl ExchangeConfig {
    /// The spreads with everything said. What an exchange's spread master shows.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Spread`] for two contracts that are no spread, [`ConfigError::Rule`] as
    /// [`ExchangeConfig::listings_of_the_day`].
    pub fn spreads_of_the_day(&self) -> Result<Vec<SpreadOfTheDay>, ConfigError> {
        if self.spreads.is_empty() {
            return Ok(Vec::new());
        }
        let listings = self.listings_of_the_day()?;
        let say = |(at, listing): (usize, &SpreadListing)| {
            let refused = |why| ConfigError::Spread { legs: listing.legs, why };
            if self.spreads[..at].iter().any(|other| other.legs == listing.legs) {
                return Err(refused("it is listed twice"));
            }
            if !(1..=self.streams).contains(&listing.stream) {
                return Err(refused("it is on a stream that is not there"));
            }
            let find = |token| listings.iter().find(|leg| leg.instrument.token == token).copied();
            let [Some(near), Some(far)] = listing.legs.map(find) else {
                return Err(refused("a leg is not listed"));
            };
            check_legs(&near.instrument, &far.instrument).map_err(refused)?;
            Ok(said(listing, [near, far]))
        };
        self.spreads.iter().enumerate().map(say).collect()
    }
}

/// Whether two contracts are a spread (NNF F&O 9.48, chapter 5: 16626, 16631, 16610).
fn check_legs(near: &Instrument, far: &Instrument) -> Result<(), &'static str> {
    let kind = |leg: &Instrument| (leg.symbol, leg.kind_code, leg.option_code, leg.strike);
    if kind(near) != kind(far) {
        return Err("its legs are not of one underlying, kind and strike");
    }
    if near.expiry >= far.expiry {
        return Err("its near leg must expire before its far leg");
    }
    if near.lot != far.lot || near.tick != far.tick {
        return Err("its legs differ in lot or tick");
    }
    Ok(())
}

fn said(listing: &SpreadListing, legs: [Listing; 2]) -> SpreadOfTheDay {
    let [near, far] = &legs;
    let reference = far.reference - near.reference;
    let widest = InstrumentTerms::spread(near.instrument.tick, near.instrument.lot).band;
    let range = listing.range.map_or([widest.low, widest.high], |range| {
        [(reference - range).max(widest.low), (reference + range).min(widest.high)]
    });
    SpreadOfTheDay { listing: *listing, legs, reference, range }
}

/// Adds the spreads of the day to a matcher that has the listings; their numbers by the tokens of their
/// legs.
pub(crate) fn add_spreads(
    config: &ExchangeConfig,
    spreads: &[SpreadOfTheDay],
    matcher: &mut Matcher,
) -> Result<Index, ConfigError> {
    let mut pairs = Index::new(spreads.len());
    let place = |token| config.listings.iter().position(|leg| leg.instrument.token == token);
    for spread in spreads {
        let [near, far] =
            spread.listing.legs.map(|token| InstrumentId(place(token).unwrap_or(0) as u32));
        let leg_terms = terms_of(config, &config.listings[near.index()])?;
        let [low, high] = spread.range;
        // At the freeze quantity a spread order is refused, so that none waits (16606).
        let freeze = spread.legs.iter().map(|leg| leg.instrument.freeze_quantity);
        let terms = InstrumentTerms {
            band: PriceBand { low, high },
            freeze: freeze.filter(|most| *most > Qty(0)).min(),
            orders: leg_terms.orders,
            reference: spread.reference,
            ..InstrumentTerms::spread(leg_terms.tick, leg_terms.lot)
        };
        let pair = Spread { near, far, leg_price: LegPriceRule::default() };
        let id = matcher.add_spread(&terms, pair).map_err(ConfigError::Capacity)?;
        let is_found = pairs.insert(pair_key(spread.listing.legs.map(|leg| leg.0)), id.0);
        debug_assert!(is_found, "the index has room for every spread");
    }
    Ok(pairs)
}
