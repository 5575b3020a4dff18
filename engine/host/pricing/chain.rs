//! Option chains from a day's prices: per underlying and expiry the parity forward, and the implied
//! volatility of every option that traded.

use std::collections::BTreeMap;

use tezi_core::pricing::{DAYS_PER_YEAR, ParityForward, ParityPair, SmileFit, parity_forward};
use tezi_feed_handler::reference::InstrumentRecord;
use tezi_model::{Instrument, InstrumentKind, Nanos, OptionType};

use super::chain_smile::fit_smiles;
use super::sheet::{Basis, Contract, Quote, Sheet, Valued};

const NANOS_PER_DAY: f64 = 86_400e9;
/// Pairs and contracts traded of a forward that can be held against the listed future.
const LIQUID_PAIRS: usize = 10;
const LIQUID_CONTRACTS: f64 = 10_000.0;

/// What to make chains of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ChainOptions<'a> {
    /// Only this underlying.
    pub symbol: Option<&'a str>,
    /// Only this expiry: year, month, day.
    pub expiry: Option<(i64, i64, i64)>,
    /// The interest rate per year, continuously compounded.
    pub rate: f64,
}

/// The options on one underlying of one expiry.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionChain {
    /// The underlying.
    pub symbol: String,
    /// The end of trading.
    pub expiry: Nanos,
    /// From the close of the day to the expiry; 0 on the last day.
    pub years: f64,
    /// The close of the listed future of this expiry, and its contracts traded.
    pub future: Option<(f64, u64)>,
    /// What the options' own prices imply.
    pub parity: Option<ParityForward>,
    /// What volatilities are solved on: the parity forward where there is one, else the future, else
    /// NaN.
    pub forward: f64,
    /// By strike, the lowest first.
    pub strikes: Vec<StrikeRow>,
    /// The smile of what is out of the money, between those of the neighbouring expiries.
    pub smile: SmileFit,
}

/// The call and the put of one strike.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StrikeRow {
    /// In rupees.
    pub strike: f64,
    /// The call, where it is listed.
    pub call: Option<OptionSide>,
    /// The put, where it is listed.
    pub put: Option<OptionSide>,
}

/// One option of a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptionSide {
    /// The close.
    pub close: f64,
    /// Contracts traded.
    pub volume: u64,
    /// What the close came to; `None` for what did not trade, whose close is older than the day.
    pub valued: Option<Valued>,
}

impl OptionChain {
    /// Whether enough traded on both sides for the parity forward to be held against the future.
    #[must_use]
    pub fn is_liquid(&self) -> bool {
        self.parity.is_some_and(|parity| {
            parity.pairs >= LIQUID_PAIRS && parity.liquidity >= LIQUID_CONTRACTS
        })
    }

    /// Parity forward less future, where both are known.
    #[must_use]
    pub fn basis(&self) -> Option<f64> {
        Some(self.parity?.forward - self.future?.0)
    }

    /// Whether the future lies outside the middle half of what the pairs of premiums say: then no
    /// choice among them brings the parity forward to it.
    #[must_use]
    pub fn is_off_its_premiums(&self) -> bool {
        let (Some(parity), Some((future, _))) = (self.parity, self.future) else { return false };
        let [low, high] = parity.middle;
        future < low || high < future
    }

    /// The volatility of the smile at a strike, where there is a smile.
    #[must_use]
    pub fn smile_vol(&self, strike: f64) -> Option<f64> {
        let w = self.smile.smile?.total_variance((strike / self.forward).ln());
        Some((w / self.years).sqrt()).filter(|vol| vol.is_finite())
    }

    /// How far the volatilities of call and put at a strike, where both were solved.
    #[must_use]
    pub fn vol_gap(row: &StrikeRow) -> Option<f64> {
        let gap = row.call?.valued?.vol - row.put?.valued?.vol;
        gap.is_finite().then_some(gap)
    }

    /// Whether a gap of volatilities is more than ticks and closes at different times explain: more
    /// than two ticks of 0.05 and a move of the underlying of 0.1 %, in volatility by the vega of
    /// the pair.
    #[must_use]
    pub fn is_outlier(&self, row: &StrikeRow) -> bool {
        let (Some(gap), Some(call), Some(put)) = (Self::vol_gap(row), row.call, row.put) else {
            return false;
        };
        let vega = |side: OptionSide| side.valued.map_or(0.0, |valued| valued.value.first.vega);
        gap.abs() * vega(call).max(vega(put)) > 0.1 + 0.001 * self.forward
    }
}

/// The chains in the instruments of a bhavcopy, by symbol and expiry. What has no prices, or is no
/// future or option, takes no part.
#[must_use]
pub fn option_chains(records: &[InstrumentRecord], options: &ChainOptions<'_>) -> Vec<OptionChain> {
    let mut chains = BTreeMap::new();
    for record in records {
        let instrument = &record.instrument;
        let symbol = instrument.symbol.as_str();
        let is_wanted = options.symbol.is_none_or(|wanted| wanted == symbol)
            && options.expiry.is_none_or(|wanted| wanted == instrument.expiry.ist_date());
        if is_wanted {
            add(&mut chains, record);
        }
    }
    let mut sheet = Sheet::new();
    let mut chains: Vec<OptionChain> = chains
        .into_values()
        .filter(|builder| !builder.strikes.is_empty())
        .map(|builder| builder.finish(options.rate, &mut sheet))
        .collect();
    fit_smiles(&mut chains);
    chains
}

/// What is known of a chain before its volatilities. Strikes are keyed by their exact price.
#[derive(Default)]
struct Builder {
    symbol: String,
    expiry: Nanos,
    date: Nanos,
    future: Option<(f64, u64)>,
    strikes: BTreeMap<i64, StrikeRow>,
}

fn add(chains: &mut BTreeMap<(String, Nanos), Builder>, record: &InstrumentRecord) {
    let Instrument { symbol, expiry, strike, .. } = record.instrument;
    let Some(prices) = record.details.prices else { return };
    let kind = record.instrument.kind();
    if !matches!(kind, InstrumentKind::Future | InstrumentKind::Option) {
        return;
    }
    let key = (symbol.as_str().to_string(), expiry);
    let builder = chains.entry(key).or_default();
    builder.symbol = symbol.as_str().to_string();
    (builder.expiry, builder.date) = (expiry, prices.date);
    let close = prices.close.to_rupees();
    if kind == InstrumentKind::Future {
        builder.future = (close > 0.0).then_some((close, prices.volume));
        return;
    }
    let row = builder.strikes.entry(strike.0).or_default();
    row.strike = strike.to_rupees();
    let side = Some(OptionSide { close, volume: prices.volume, valued: None });
    match record.instrument.option_type() {
        Some(OptionType::Call) => row.call = side,
        Some(OptionType::Put) => row.put = side,
        None => {}
    }
}

impl Builder {
    fn finish(self, rate: f64, sheet: &mut Sheet) -> OptionChain {
        // Closes are of the end of trading, which is also when contracts expire.
        let (year, month, day) = self.expiry.ist_date();
        let midnight = Nanos::from_ist(year, month, day, 0, 0, 0);
        let days = midnight.since(self.date) as f64 / NANOS_PER_DAY;
        let years = days.max(0.0) / DAYS_PER_YEAR;
        let strikes: Vec<StrikeRow> = self.strikes.into_values().collect();
        let mut pairs: Vec<ParityPair> = strikes.iter().filter_map(pair).collect();
        let parity = parity_forward(&mut pairs, (-rate * years).exp());
        let future = self.future.map(|(close, _)| close);
        let forward = parity.map(|parity| parity.forward).or(future).unwrap_or(f64::NAN);
        let (symbol, expiry, future) = (self.symbol, self.expiry, self.future);
        let smile = SmileFit::EMPTY;
        let mut chain =
            OptionChain { symbol, expiry, years, future, parity, forward, strikes, smile };
        chain.value(rate, sheet);
        chain
    }
}

/// What trades on both sides of a strike says about the forward.
fn pair(row: &StrikeRow) -> Option<ParityPair> {
    let (call, put) = (row.call?, row.put?);
    let liquidity = call.volume.min(put.volume) as f64;
    Some(ParityPair { strike: row.strike, call: call.close, put: put.close, liquidity })
}

impl OptionChain {
    fn value(&mut self, rate: f64, sheet: &mut Sheet) {
        let (forward, years) = (self.forward, self.years);
        let mut contracts = Vec::new();
        for row in &self.strikes {
            for (side, is_call) in [(row.call, true), (row.put, false)] {
                let Some(side) = side.filter(|side| side.volume > 0) else { continue };
                let basis = Basis::Forward(forward);
                let quote = Quote::Price(side.close);
                let strike = row.strike;
                contracts.push(Contract { basis, strike, years, rate, is_call, quote });
            }
        }
        let mut results = Vec::with_capacity(contracts.len());
        sheet.value(&contracts, |_, valued| results.push(*valued));
        let traded = self.strikes.iter_mut().flat_map(|row| [&mut row.call, &mut row.put]);
        let traded = traded.flatten().filter(|side| side.volume > 0);
        for (side, valued) in traded.zip(results) {
            side.valued = Some(valued);
        }
    }
}
