//! A day's underlyings and contracts, made from a bhavcopy as positions ask for them.
//!
//! A contract's price is its close where it traded that day, else the settlement price, which the
//! exchange reckons. Its volatility is that of its price on the parity forward of its expiry; where
//! the price shows none, the smile's. Risk arrays come from the C++ kernel and approximate those of
//! the clearing house's file.

use std::collections::BTreeMap;

use tezi_core::collateral::{ContractValuation, UnderlyingValuation};
use tezi_core::margin::{
    ContractId, ContractKind, ContractTerms, Margin, MarginChange, MarginParameters, Portfolio,
    PortfolioLimits, RiskArray, SpanBreakdown, UnderlyingId, UnderlyingKind, UnderlyingTerms,
};
use tezi_core::pricing::{
    LaneStatus, PricingKernel, SCENARIO_COUNT, SpanArrays, SpanBatch, SpanInput, erfc,
};
use tezi_core::risk_measures::Ewma;
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_feed_handler::reference::{self, DailyPrices, InstrumentRecord};
use tezi_model::{InstrumentId, Money, Px, Token};

use super::contract::{ContractKey, PositionRefusal};
use crate::kernels::CppKernels;
use crate::pricing::{Basis, ChainOptions, Contract, OptionChain, Quote, Sheet, option_chains};

/// What a day is reckoned with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarginDayOptions {
    /// The interest rate per year, continuously compounded.
    pub rate: f64,
    /// Daily volatility by underlying, a fraction (the exchange's EWMA). Of what is not named here
    /// the scan ranges are the least of the rules.
    pub daily_vol: BTreeMap<String, f64>,
}

/// Why there is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarginDayError {
    /// No instrument has prices of a day: the file is no bhavcopy.
    NoPrices,
}

impl core::fmt::Display for MarginDayError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no contract has prices of a day: a bhavcopy is needed")
    }
}

impl core::error::Error for MarginDayError {}

/// An underlying's contracts that may offset each other, and their margin.
#[derive(Clone, Debug, PartialEq)]
pub struct MarginGroup {
    /// The underlying.
    pub symbol: String,
    /// Whether these are the contracts on their last day that may hedge no other month.
    pub is_last_day: bool,
    /// Contracts with a position.
    pub positions: usize,
    /// Price scan range of a unit.
    pub price_scan: Px,
    /// Whether a daily volatility was given, or the range is the least of the rules.
    pub has_volatility: bool,
    /// How the margin comes about.
    pub span: SpanBreakdown,
    /// The part of the exposure margin that short options bear for being on their last day.
    pub expiry_day: Money,
    /// Loss in each scenario, negative for a profit.
    pub losses: [Money; SCENARIO_COUNT],
}

struct Underlying {
    symbol: String,
    id: UnderlyingId,
    parameters: MarginParameters,
    price: Px,
    daily_vol: Option<f64>,
    chains: Vec<OptionChain>,
}

/// Where a contract is counted.
struct Known<'a> {
    record: &'a InstrumentRecord,
    underlying: usize,
    is_last_day: bool,
    valued: Valued,
}

/// What a contract's price says of it.
struct Valued {
    price: Px,
    array: RiskArray,
    /// N(d1) of a call, that less one of a put, 1 of a future.
    spot_delta: f64,
}

/// A portfolio over a bhavcopy. Underlyings and contracts are made when they are first asked for.
pub struct MarginDay<'a> {
    date: Date,
    rules: &'a Rules,
    options: MarginDayOptions,
    records: &'a [InstrumentRecord],
    /// Futures and options of each underlying.
    by_symbol: BTreeMap<&'a str, Vec<&'a InstrumentRecord>>,
    by_token: BTreeMap<Token, &'a InstrumentRecord>,
    portfolio: Portfolio,
    underlyings: Vec<Underlying>,
    /// By [`ContractId`].
    contracts: Vec<Known<'a>>,
    ids: BTreeMap<Token, ContractId>,
}

impl<'a> MarginDay<'a> {
    /// The day of a bhavcopy's contracts, without positions.
    ///
    /// # Errors
    ///
    /// [`MarginDayError::NoPrices`] when no record has prices.
    pub fn new(
        records: &'a [InstrumentRecord],
        rules: &'a Rules,
        options: MarginDayOptions,
    ) -> Result<Self, MarginDayError> {
        let dated = records.iter().find_map(|record| record.details.prices);
        let date = Date::of(dated.ok_or(MarginDayError::NoPrices)?.date);
        let mut by_symbol: BTreeMap<&str, Vec<&InstrumentRecord>> = BTreeMap::new();
        let mut by_token = BTreeMap::new();
        for record in records.iter().filter(|record| ContractKind::of(&record.instrument).is_some())
        {
            by_symbol.entry(record.instrument.symbol.as_str()).or_default().push(record);
            by_token.insert(record.instrument.token, record);
        }
        Ok(Self {
            date,
            rules,
            options,
            records,
            by_symbol,
            by_token,
            portfolio: Portfolio::new(PortfolioLimits::default()),
            underlyings: Vec::new(),
            contracts: Vec::new(),
            ids: BTreeMap::new(),
        })
    }

    /// The day.
    #[must_use]
    pub fn date(&self) -> Date {
        self.date
    }

    /// Positions and their margin.
    #[must_use]
    pub fn portfolio(&self) -> &Portfolio {
        &self.portfolio
    }

    /// The scenarios and the other parameters of an underlying that some position is on.
    #[must_use]
    pub fn parameters(&self, symbol: &str) -> Option<&MarginParameters> {
        self.underlyings.iter().find(|it| it.symbol == symbol).map(|it| &it.parameters)
    }

    /// The record of a contract that was asked for.
    #[must_use]
    pub fn record(&self, contract: ContractId) -> Option<&InstrumentRecord> {
        self.contracts.get(contract.0 as usize).map(|known| known.record)
    }

    /// The lines of a risk file for the underlyings so far, numbered as they were first asked for.
    #[must_use]
    pub fn underlying_valuations(&self) -> Vec<UnderlyingValuation> {
        let lines = self.underlyings.iter().enumerate();
        lines.map(|(number, of)| UnderlyingValuation::new(number as u32, &of.terms())).collect()
    }

    /// The line of a risk file for a contract that was asked for; its instrument is nought, for only a
    /// session numbers them.
    #[must_use]
    pub fn valuation(&self, contract: ContractId) -> Option<ContractValuation> {
        let Known { underlying, valued, .. } = self.contracts.get(contract.0 as usize)?;
        let Valued { price, array: RiskArray { loss, delta }, spot_delta } = *valued;
        let futeq_delta = (spot_delta * f64::from(RiskArray::DELTA_ONE)).round() as i32;
        let (instrument, underlying) = (InstrumentId(0), *underlying as u32);
        Some(ContractValuation { price, instrument, underlying, futeq_delta, delta, loss })
    }

    /// What a change of a position by `change` units (negative: sold) would make of the margin.
    ///
    /// # Errors
    ///
    /// [`PositionRefusal::Margin`].
    pub fn what_if(
        &self,
        contract: ContractId,
        change: i64,
    ) -> Result<MarginChange, PositionRefusal> {
        Ok(self.portfolio.what_if(contract, change)?)
    }

    /// Changes a position by `change` units (negative: sold) and returns the new margin.
    ///
    /// # Errors
    ///
    /// [`PositionRefusal::Margin`].
    pub fn apply(&mut self, contract: ContractId, change: i64) -> Result<Margin, PositionRefusal> {
        Ok(self.portfolio.apply(contract, change)?)
    }

    /// The contract of a name, made when it is first asked for. O(contracts of the underlying).
    ///
    /// # Errors
    ///
    /// [`PositionRefusal`]; nothing is then changed but for an underlying made known.
    pub fn contract(&mut self, key: &ContractKey) -> Result<ContractId, PositionRefusal> {
        let record = self.find(key).ok_or(PositionRefusal::UnknownContract)?;
        let token = record.instrument.token;
        if let Some(id) = self.ids.get(&token) {
            return Ok(*id);
        }
        let kind = ContractKind::of(&record.instrument).ok_or(PositionRefusal::UnknownContract)?;
        let prices = record.details.prices.ok_or(PositionRefusal::NoPrice)?;
        let price = price_of(&prices);
        let underlying = self.underlying(record, &prices)?;
        let of = &self.underlyings[underlying];
        let expiry = Date::of(record.instrument.expiry);
        let (array, spot_delta) = match kind {
            ContractKind::Future => {
                let scan = of.price_scan(self.date, None);
                (RiskArray::of_future(&of.parameters.grid, scan)?, 1.0)
            }
            ContractKind::Option { is_call, strike } => {
                let option = ListedOption { expiry, is_call, strike, price };
                of.array(self.date, &option, self.options.rate)?
            }
        };
        let terms = ContractTerms { underlying: of.id, expiry, kind, price, array };
        let is_last_day = expiry == self.date && !of.parameters.rates.expiry_day_spread;
        let id = self.portfolio.add_contract(&terms)?;
        let valued = Valued { price, array, spot_delta };
        self.contracts.push(Known { record, underlying, is_last_day, valued });
        self.ids.insert(token, id);
        Ok(id)
    }

    fn find(&self, key: &ContractKey) -> Option<&'a InstrumentRecord> {
        match key {
            ContractKey::Token(token) => self.by_token.get(token).copied(),
            ContractKey::Named { symbol, .. } => {
                let mut listed = self.by_symbol.get(symbol.as_str())?.iter().copied();
                listed.find(|record| key.is(&record.instrument))
            }
        }
    }

    /// Every group of contracts with a position, in the order underlyings were first asked for.
    #[must_use]
    pub fn groups(&self) -> Vec<MarginGroup> {
        let mut groups = Vec::new();
        for (index, underlying) in self.underlyings.iter().enumerate() {
            let Some(spans) = self.portfolio.breakdown(underlying.id) else { continue };
            let Some(losses) = self.portfolio.scenario_losses(underlying.id) else { continue };
            for (is_last_day, (span, losses)) in
                [false, true].into_iter().zip(spans.into_iter().zip(losses))
            {
                let here = (0..self.contracts.len()).filter(|&at| {
                    let known = &self.contracts[at];
                    (known.underlying, known.is_last_day) == (index, is_last_day)
                        && self.quantity(at) != 0
                });
                let positions = here.clone().count();
                if positions == 0 {
                    continue;
                }
                groups.push(MarginGroup {
                    symbol: underlying.symbol.clone(),
                    is_last_day,
                    positions,
                    price_scan: underlying.price_scan(self.date, None),
                    has_volatility: underlying.daily_vol.is_some(),
                    span,
                    expiry_day: self.expiry_day(underlying, here),
                    losses,
                });
            }
        }
        groups
    }

    fn quantity(&self, at: usize) -> i64 {
        self.portfolio.quantity(ContractId(at as u32)).unwrap_or(0)
    }

    /// What short options among some contracts bear for being on their last day.
    fn expiry_day(&self, of: &Underlying, contracts: impl Iterator<Item = usize>) -> Money {
        let unit = of.parameters.rates.expiry_day_exposure.of(of.price);
        let sold = contracts.filter(|&at| {
            let instrument = &self.contracts[at].record.instrument;
            matches!(ContractKind::of(instrument), Some(ContractKind::Option { .. }))
                && Date::of(instrument.expiry) == self.date
        });
        sold.map(|at| unit.value((-self.quantity(at)).max(0))).fold(Money::ZERO, |a, b| a + b)
    }

    /// The underlying of a record, made when it is first asked for.
    fn underlying(
        &mut self,
        record: &InstrumentRecord,
        prices: &DailyPrices,
    ) -> Result<usize, PositionRefusal> {
        let symbol = record.instrument.symbol.as_str();
        if let Some(at) = self.underlyings.iter().position(|it| it.symbol == symbol) {
            return Ok(at);
        }
        let kind = match record.details.underlying {
            reference::UnderlyingKind::Index => UnderlyingKind::Index,
            reference::UnderlyingKind::Stock => UnderlyingKind::Stock,
            _ => return Err(PositionRefusal::NoIndexOrStock),
        };
        let price = prices.underlying;
        if price <= Px::ZERO {
            return Err(PositionRefusal::NoUnderlyingPrice);
        }
        let parameters = MarginParameters::of(self.rules, kind, self.date)?;
        let id = self.portfolio.add_underlying(terms_of(&parameters, price))?;
        let wanted = ChainOptions { symbol: Some(symbol), expiry: None, rate: self.options.rate };
        self.underlyings.push(Underlying {
            symbol: symbol.to_string(),
            id,
            parameters,
            price,
            daily_vol: self.options.daily_vol.get(symbol).copied(),
            chains: option_chains(self.records, &wanted),
        });
        Ok(self.underlyings.len() - 1)
    }
}

/// The file has one price of the underlying; it stands for the close of the day before too.
const fn terms_of(parameters: &MarginParameters, price: Px) -> UnderlyingTerms {
    UnderlyingTerms {
        rates: parameters.rates,
        price,
        previous_close: price,
        is_concentrated: false,
    }
}

/// The close of what traded, else what the exchange reckoned; on a last day that is the underlying's
/// price and no premium, so the close it is.
fn price_of(prices: &DailyPrices) -> Px {
    let is_traded = prices.volume > 0;
    let is_final = prices.settlement == prices.underlying;
    if is_traded || is_final || prices.settlement <= Px::ZERO {
        prices.close
    } else {
        prices.settlement
    }
}

/// An option as the file lists it.
struct ListedOption {
    expiry: Date,
    is_call: bool,
    strike: Px,
    price: Px,
}

impl Underlying {
    const fn terms(&self) -> UnderlyingTerms {
        terms_of(&self.parameters, self.price)
    }

    /// Price scan range; of an option that expires on `expiry`, which may be long-dated.
    fn price_scan(&self, date: Date, expiry: Option<Date>) -> Px {
        let months = |date: Date| {
            let (year, month, day) = date.civil();
            (12 * year + month, day)
        };
        let is_long =
            expiry.zip(self.parameters.long_dated_months).is_some_and(|(expiry, most)| {
                let (month, day) = months(date);
                months(expiry) > (month + most as i64, day)
            });
        self.parameters.price_scan(self.price, self.daily_vol.unwrap_or(0.0), false, is_long)
    }

    /// An option's risk array, and its delta for position limits.
    fn array(
        &self,
        date: Date,
        option: &ListedOption,
        rate: f64,
    ) -> Result<(RiskArray, f64), PositionRefusal> {
        let chain = self.chains.iter().find(|chain| Date::of(chain.expiry) == option.expiry);
        let chain = chain.ok_or(PositionRefusal::NoPrice)?;
        let (spot, years) = (self.price.to_rupees(), chain.years);
        let forward = Some(chain.forward).filter(|forward| *forward > 0.0).unwrap_or(spot);
        let vol = volatility(chain, option, forward, rate).ok_or(PositionRefusal::NoVolatility)?;
        let annual = self.daily_vol.and_then(|vol| Ewma::new(1.0, vol)).map_or(0.0, |e| e.annual());
        let input = SpanInput {
            underlying: spot,
            strike: option.strike.to_rupees(),
            years,
            vol,
            rate,
            // What takes the spot to the forward of the expiry.
            carry: if years > 0.0 { (forward / spot).ln() / years } else { 0.0 },
            price_scan: self.price_scan(date, Some(option.expiry)).to_rupees(),
            vol_scan: self.parameters.vol_scan(annual),
            is_call: option.is_call,
        };
        Ok((revalue(&self.parameters, &input)?, spot_delta(&input)))
    }
}

/// The volatility of an option's price, else of its expiry's smile. On the last day none is needed.
fn volatility(chain: &OptionChain, option: &ListedOption, forward: f64, rate: f64) -> Option<f64> {
    if chain.years <= 0.0 {
        return Some(0.0);
    }
    let strike = option.strike.to_rupees();
    let contract = Contract {
        basis: Basis::Forward(forward),
        strike,
        years: chain.years,
        rate,
        is_call: option.is_call,
        quote: Quote::Price(option.price.to_rupees()),
    };
    let mut solved = None;
    Sheet::new().value(&[contract], |_, valued| {
        solved = (valued.status() == "ok").then_some(valued.vol);
    });
    solved.or_else(|| chain.smile_vol(strike))
}

/// N(d1) of a call and N(d1) − 1 of a put, at the rate and without dividends; on the last day what it
/// ends as (SEBI 29 May 2025 /79, annexure).
fn spot_delta(it: &SpanInput) -> f64 {
    let deviation = it.vol * it.years.max(0.0).sqrt();
    let distance = (it.underlying / it.strike).ln();
    let d1 = if deviation > 0.0 {
        (distance + it.rate * it.years) / deviation + 0.5 * deviation
    } else {
        distance * f64::INFINITY
    };
    // At the money with no time left the distance is nought, and nought times infinity no number.
    let call = if d1.is_nan() { 0.5 } else { 0.5 * erfc(-d1 * core::f64::consts::FRAC_1_SQRT_2) };
    if it.is_call { call } else { call - 1.0 }
}

/// One option through the kernel.
fn revalue(parameters: &MarginParameters, it: &SpanInput) -> Result<RiskArray, PositionRefusal> {
    let batch = SpanBatch {
        underlying: &[it.underlying],
        strike: &[it.strike],
        years: &[it.years],
        vol: &[it.vol],
        rate: &[it.rate],
        carry: &[it.carry],
        price_scan: &[it.price_scan],
        vol_scan: &[it.vol_scan],
        is_call: &[u8::from(it.is_call)],
    };
    let (mut value, mut loss) = ([0.0], [[0.0; SCENARIO_COUNT]]);
    let (mut delta, mut status) = ([0.0], [LaneStatus::Invalid as u8]);
    let mut out =
        SpanArrays { value: &mut value, loss: &mut loss, delta: &mut delta, status: &mut status };
    CppKernels.span_arrays(&parameters.grid, &batch, &mut out);
    // A lane that is no option has losses that are no numbers, which no array takes.
    Ok(RiskArray::from_rupees(&loss[0], delta[0])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::Nanos;

    #[test]
    fn a_price_is_the_close_of_what_traded_or_the_settlement_price() {
        let rupees = |rupees| Px::from_rupees(rupees);
        let prices = |close, settlement, volume| DailyPrices {
            date: Nanos::ZERO,
            open: Px::ZERO,
            high: Px::ZERO,
            low: Px::ZERO,
            last: Px::ZERO,
            close: rupees(close),
            previous_close: Px::ZERO,
            settlement: rupees(settlement),
            underlying: rupees(157.65),
            open_interest: 0,
            volume,
        };
        assert_eq!(price_of(&prices(32.70, 12.70, 428)), rupees(32.70));
        // Nothing traded: the close is one of an earlier day.
        assert_eq!(price_of(&prices(32.70, 12.70, 0)), rupees(12.70));
        assert_eq!(price_of(&prices(32.70, 0.0, 0)), rupees(32.70));
        // On the last day an option's settlement price is the underlying's.
        assert_eq!(price_of(&prices(0.80, 157.65, 0)), rupees(0.80));
    }
}
