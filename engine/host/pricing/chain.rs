//! Option chains from a day's prices, or from books (`chain_books.rs`): per underlying and expiry the
//! parity forward, and the implied volatility of every option whose price is one of now.

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

/// What the prices of a chain are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriceSource {
    /// The closes of a day.
    #[default]
    Closes,
    /// The middles of books at one moment.
    Books,
}

/// The options on one underlying of one expiry.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionChain {
    /// The underlying.
    pub symbol: String,
    /// The end of trading.
    pub expiry: Nanos,
    /// What the prices are.
    pub source: PriceSource,
    /// From the close of the day, or the moment of the books, to the expiry; 0 on a bhavcopy's last day.
    pub years: f64,
    /// The price of the listed future of this expiry, and what traded of it: contracts of the day, or
    /// units that the feed showed.
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
    /// In rupees: the close, or the middle of the book; NaN where a side of the book is empty.
    pub price: f64,
    /// What traded: contracts of the day, or units that the feed showed.
    pub volume: u64,
    /// The best bid, in rupees; `None` for closes too.
    pub bid: Option<f64>,
    /// The best ask, likewise.
    pub ask: Option<f64>,
    /// Why the price says nothing of now, where it does not.
    pub left_out: Option<LeftOut>,
    /// What the price came to; `None` for what is left out.
    pub valued: Option<Valued>,
}

/// Why an option takes no part in its chain, in the order in which reasons are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It did not trade: its close is older than the day.
    Untraded,
    /// Messages of its stream are lost: the book may be wrong.
    Stale,
    /// The exchange says that it does not trade now.
    NotTrading,
    /// Its book is empty.
    Empty,
    /// Nobody bids, or nobody asks.
    OneSided,
    /// The bid is at the ask or above.
    Crossed,
    /// The book has not changed for longer than allowed.
    Unchanged,
    /// Bid and ask are further apart than allowed.
    TooWide,
}

impl LeftOut {
    /// The reasons that books have, in their order.
    pub const OF_BOOKS: [Self; 7] = [
        Self::Stale,
        Self::NotTrading,
        Self::Empty,
        Self::OneSided,
        Self::Crossed,
        Self::Unchanged,
        Self::TooWide,
    ];

    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Untraded => "untraded",
            Self::Stale => "stale",
            Self::NotTrading => "not_trading",
            Self::Empty => "empty",
            Self::OneSided => "one_sided",
            Self::Crossed => "crossed",
            Self::Unchanged => "unchanged",
            Self::TooWide => "too_wide",
        }
    }
}

impl OptionSide {
    /// One word for what became of the option: why it is left out, or what the solver said.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match (self.left_out, &self.valued) {
            (Some(reason), _) => reason.name(),
            (None, Some(valued)) => valued.status(),
            (None, None) => "invalid",
        }
    }

    /// Half the distance of bid and ask, where there are both: how far the middle may be off.
    #[must_use]
    pub fn half_spread(&self) -> Option<f64> {
        Some(0.5 * (self.ask? - self.bid?))
    }

    /// How much the price says beside others of its chain: contracts traded of a close; of a middle
    /// the inverse of half its spread.
    fn liquidity(&self) -> f64 {
        self.half_spread().map_or(self.volume as f64, |half| 1.0 / half)
    }
}

impl OptionChain {
    /// Whether enough traded on both sides for the parity forward to be held against the future; of
    /// books, whether enough strikes take part with both sides.
    #[must_use]
    pub fn is_liquid(&self) -> bool {
        let is_book = self.source == PriceSource::Books;
        self.parity.is_some_and(|parity| {
            parity.pairs >= LIQUID_PAIRS && (is_book || parity.liquidity >= LIQUID_CONTRACTS)
        })
    }

    /// Every option of the chain.
    pub fn sides(&self) -> impl Iterator<Item = &OptionSide> {
        self.strikes.iter().flat_map(|row| [&row.call, &row.put]).flatten()
    }

    /// How many options are left out, by reason; reasons without one are not listed.
    #[must_use]
    pub fn left_out(&self) -> BTreeMap<LeftOut, usize> {
        let mut counts = BTreeMap::new();
        for reason in self.sides().filter_map(|side| side.left_out) {
            *counts.entry(reason).or_default() += 1;
        }
        counts
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
    /// the pair. Of books, which are of one moment: more than half of both spreads and twice the
    /// pairs' median distance from the forward explain.
    #[must_use]
    pub fn is_outlier(&self, row: &StrikeRow) -> bool {
        let (Some(gap), Some(call), Some(put)) = (Self::vol_gap(row), row.call, row.put) else {
            return false;
        };
        let vega = |side: OptionSide| side.valued.map_or(0.0, |valued| valued.value.first.vega);
        let explained = match (call.half_spread(), put.half_spread()) {
            (Some(call), Some(put)) => call + put + 2.0 * self.parity.map_or(0.0, |it| it.spread),
            _ => 0.1 + 0.001 * self.forward,
        };
        gap.abs() * vega(call).max(vega(put)) > explained
    }
}

/// The chains in the instruments of a bhavcopy, by symbol and expiry. What has no prices, or is no
/// future or option, takes no part.
#[must_use]
pub fn option_chains(records: &[InstrumentRecord], options: &ChainOptions<'_>) -> Vec<OptionChain> {
    let mut builders = Builders::default();
    for record in records.iter().filter(|record| options.wants(&record.instrument)) {
        let Some(prices) = record.details.prices else { continue };
        // Closes are of the end of trading, which is also when contracts expire.
        let (year, month, day) = record.instrument.expiry.ist_date();
        let midnight = Nanos::from_ist(year, month, day, 0, 0, 0);
        let days = midnight.since(prices.date) as f64 / NANOS_PER_DAY;
        let years = days.max(0.0) / DAYS_PER_YEAR;
        let close = prices.close.to_rupees();
        let volume = prices.volume;
        let left_out = (volume == 0).then_some(LeftOut::Untraded);
        let (bid, ask, valued) = (None, None, None);
        let side = OptionSide { price: close, volume, bid, ask, left_out, valued };
        builders.of(&record.instrument, PriceSource::Closes, years).add(&record.instrument, side);
    }
    builders.finish(options.rate)
}

impl ChainOptions<'_> {
    /// Whether an instrument is a future or an option of the chains asked for.
    #[must_use]
    pub fn wants(&self, instrument: &Instrument) -> bool {
        matches!(instrument.kind(), InstrumentKind::Future | InstrumentKind::Option)
            && self.symbol.is_none_or(|wanted| wanted == instrument.symbol.as_str())
            && self.expiry.is_none_or(|wanted| wanted == instrument.expiry.ist_date())
    }
}

/// Chains in the making, by symbol and expiry.
#[derive(Default)]
pub(super) struct Builders(BTreeMap<(String, Nanos), Builder>);

impl Builders {
    /// The chain that an instrument belongs to.
    pub(super) fn of(
        &mut self,
        instrument: &Instrument,
        source: PriceSource,
        years: f64,
    ) -> &mut Builder {
        let key = (instrument.symbol.as_str().to_string(), instrument.expiry);
        let builder = self.0.entry(key).or_default();
        (builder.source, builder.years) = (source, years);
        builder
    }

    /// The chains that have options, valued and with their smiles.
    pub(super) fn finish(self, rate: f64) -> Vec<OptionChain> {
        let mut sheet = Sheet::new();
        let with_options = self.0.into_iter().filter(|(_, builder)| !builder.strikes.is_empty());
        let mut chains: Vec<OptionChain> =
            with_options.map(|(key, builder)| builder.finish(key, rate, &mut sheet)).collect();
        fit_smiles(&mut chains);
        chains
    }
}

/// What is known of a chain before its volatilities. Strikes are keyed by their exact price.
#[derive(Default)]
pub(super) struct Builder {
    source: PriceSource,
    years: f64,
    future: Option<(f64, u64)>,
    strikes: BTreeMap<i64, StrikeRow>,
}

impl Builder {
    /// Enters a future's or an option's price.
    pub(super) fn add(&mut self, instrument: &Instrument, side: OptionSide) {
        if instrument.kind() == InstrumentKind::Future {
            // A future that did not trade has a close all the same.
            let is_price = matches!(side.left_out, None | Some(LeftOut::Untraded));
            self.future = (is_price && side.price > 0.0).then_some((side.price, side.volume));
            return;
        }
        let row = self.strikes.entry(instrument.strike.0).or_default();
        row.strike = instrument.strike.to_rupees();
        match instrument.option_type() {
            Some(OptionType::Call) => row.call = Some(side),
            Some(OptionType::Put) => row.put = Some(side),
            None => {}
        }
    }

    fn finish(self, key: (String, Nanos), rate: f64, sheet: &mut Sheet) -> OptionChain {
        let ((symbol, expiry), Self { source, years, future, strikes }) = (key, self);
        let strikes: Vec<StrikeRow> = strikes.into_values().collect();
        let mut pairs: Vec<ParityPair> = strikes.iter().filter_map(pair).collect();
        let parity = parity_forward(&mut pairs, (-rate * years).exp());
        let of_future = future.map(|(price, _)| price);
        let forward = parity.map(|parity| parity.forward).or(of_future).unwrap_or(f64::NAN);
        let smile = SmileFit::EMPTY;
        let mut chain =
            OptionChain { symbol, expiry, source, years, future, parity, forward, strikes, smile };
        chain.value(rate, sheet);
        chain
    }
}

/// What trades on both sides of a strike says about the forward.
fn pair(row: &StrikeRow) -> Option<ParityPair> {
    let (call, put) = (row.call?, row.put?);
    if call.left_out.or(put.left_out).is_some() {
        return None;
    }
    let liquidity = call.liquidity().min(put.liquidity());
    Some(ParityPair { strike: row.strike, call: call.price, put: put.price, liquidity })
}

impl OptionChain {
    fn value(&mut self, rate: f64, sheet: &mut Sheet) {
        let (forward, years) = (self.forward, self.years);
        let mut contracts = Vec::new();
        for row in &self.strikes {
            for (side, is_call) in [(row.call, true), (row.put, false)] {
                let Some(side) = side.filter(|side| side.left_out.is_none()) else { continue };
                let basis = Basis::Forward(forward);
                let quote = Quote::Price(side.price);
                let strike = row.strike;
                contracts.push(Contract { basis, strike, years, rate, is_call, quote });
            }
        }
        let mut results = Vec::with_capacity(contracts.len());
        sheet.value(&contracts, |_, valued| results.push(*valued));
        let sides = self.strikes.iter_mut().flat_map(|row| [&mut row.call, &mut row.put]);
        let priced = sides.flatten().filter(|side| side.left_out.is_none());
        for (side, valued) in priced.zip(results) {
            side.valued = Some(valued);
        }
    }
}
