//! The risk file of a session: what its margin is reckoned with, made from prices that are known before
//! it begins.
//!
//! The prices are those of a bhavcopy of the day before, or the base prices of a contract master, which
//! are the same closes. Where no file names the price of an underlying, its nearest future's stands for
//! it. Arrays are [`MarginDay`]'s; the delta of position limits is the one that SEBI asks for: N(d1)
//! with the volatility of the day before, the rate given, and the time to 15:40 on the last day.

use std::collections::BTreeMap;

use tezi_core::InstrumentTable;
use tezi_core::collateral::{ContractValuation, UnderlyingValuation, Valuation};
use tezi_core::margin::ContractKind;
use tezi_core::venue::Date;
use tezi_core::venue::rules::Rules;
use tezi_feed_handler::reference::{DailyPrices, InstrumentRecord};
use tezi_model::{Instrument, InstrumentId, InstrumentKind, Nanos, Px, Segment, Token};

use super::contract::{ContractKey, PositionRefusal};
use super::day::{MarginDay, MarginDayError, MarginDayOptions};

/// A line for every contract of a session that could be valued.
#[derive(Clone, Debug, Default)]
pub struct RiskFile {
    underlyings: Vec<UnderlyingValuation>,
    /// Each with the contract it is of; [`ContractValuation::instrument`] is the session's to say.
    contracts: Vec<((Segment, Token), ContractValuation)>,
    left_out: Vec<(Instrument, PositionRefusal)>,
}

impl RiskFile {
    /// The file of `date` for the futures and options among `wanted`, from the prices of `records`.
    ///
    /// # Errors
    ///
    /// [`MarginDayError::NoPrices`] when no record has a price.
    pub fn new(
        records: &[InstrumentRecord],
        wanted: &[Instrument],
        date: Date,
        rules: &Rules,
        options: MarginDayOptions,
    ) -> Result<Self, MarginDayError> {
        let priced = priced(records, date);
        let mut day = MarginDay::new(&priced, rules, options)?;
        let mut file = Self::default();
        for instrument in wanted.iter().filter(|it| ContractKind::of(it).is_some()) {
            if let Err(refusal) = file.add(&mut day, instrument) {
                file.left_out.push((*instrument, refusal));
            }
        }
        file.underlyings = day.underlying_valuations();
        Ok(file)
    }

    fn add(
        &mut self,
        day: &mut MarginDay<'_>,
        instrument: &Instrument,
    ) -> Result<(), PositionRefusal> {
        let id = day.contract(&ContractKey::Token(instrument.token))?;
        let valuation = day.valuation(id).ok_or(PositionRefusal::UnknownContract)?;
        let segment = instrument.segment().ok_or(PositionRefusal::UnknownContract)?;
        self.contracts.push(((segment, instrument.token), valuation));
        Ok(())
    }

    /// Contracts that have a line.
    #[must_use]
    pub fn contracts(&self) -> usize {
        self.contracts.len()
    }

    /// Contracts without one, and why: under a limit on margin no order in them leaves.
    #[must_use]
    pub fn left_out(&self) -> &[(Instrument, PositionRefusal)] {
        &self.left_out
    }

    /// The lines, with the numbers that the session gave its instruments.
    pub(crate) fn lines(&self, instruments: &InstrumentTable) -> impl Iterator<Item = Valuation> {
        let underlyings = self.underlyings.iter().map(|it| Valuation::Underlying(*it));
        let known = self.contracts.iter().filter_map(|&((segment, token), valuation)| {
            let instrument: InstrumentId = instruments.find(segment, token)?;
            Some(Valuation::Contract(ContractValuation { instrument, ..valuation }))
        });
        underlyings.chain(known)
    }
}

/// The records with prices of `date`: a bhavcopy's own, else the base price of the contract.
fn priced(records: &[InstrumentRecord], date: Date) -> Vec<InstrumentRecord> {
    let mut nearest: BTreeMap<&str, (Nanos, Px)> = BTreeMap::new();
    for record in records.iter().filter(|it| it.instrument.kind() == InstrumentKind::Future) {
        let (symbol, expiry) = (record.instrument.symbol.as_str(), record.instrument.expiry);
        let price = record.details.base_price;
        if price <= Px::ZERO || Date::of(expiry) < date {
            continue;
        }
        let known = nearest.entry(symbol).or_insert((expiry, price));
        if expiry < known.0 {
            *known = (expiry, price);
        }
    }
    let day = date.midnight();
    let prices_of = |record: &InstrumentRecord| match record.details.prices {
        Some(prices) => Some(DailyPrices { date: day, ..prices }),
        None => {
            let base = record.details.base_price;
            let underlying = nearest.get(record.instrument.symbol.as_str())?.1;
            (base > Px::ZERO).then_some(DailyPrices {
                date: day,
                open: Px::ZERO,
                high: Px::ZERO,
                low: Px::ZERO,
                last: Px::ZERO,
                close: base,
                previous_close: Px::ZERO,
                settlement: base,
                underlying,
                open_interest: 0,
                volume: 0,
            })
        }
    };
    let mut all = records.to_vec();
    for record in &mut all {
        record.details.prices = prices_of(record);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_core::margin::RiskArray;
    use tezi_core::pricing::Black76Input;
    use tezi_feed_handler::reference::{FileKind, UnderlyingKind};
    use tezi_model::{OptionType, Qty, Symbol};

    const FUTURE: f64 = 24_500.0;

    /// A line of a contract master: no prices of a day, a base price.
    fn record(token: u32, strike: Option<(f64, OptionType)>, base: f64) -> InstrumentRecord {
        let mut it = InstrumentRecord::unknown(Segment::NseFo, Token(token), FileKind::Contract);
        it.instrument.symbol = Symbol::new("NIFTY");
        it.instrument.expiry = Nanos::from_ist(2026, 12, 29, 15, 30, 0);
        it.instrument.lot = Qty(65);
        it.instrument.kind_code = InstrumentKind::Future as u8;
        if let Some((strike, option)) = strike {
            it.instrument.kind_code = InstrumentKind::Option as u8;
            it.instrument.strike = Px::from_rupees(strike);
            it.instrument.option_code = option as u8;
        }
        it.details.underlying = UnderlyingKind::Index;
        it.details.base_price = Px::from_paise((base * 100.0).round() as i64);
        it
    }

    fn worth(strike: f64, is_call: bool) -> f64 {
        let years = 36.0 / 365.0;
        Black76Input { forward: FUTURE, strike, years, vol: 0.14, rate: 0.0525, is_call }
            .value()
            .price
    }

    fn file(records: &[InstrumentRecord]) -> Result<RiskFile, MarginDayError> {
        let wanted: Vec<Instrument> = records.iter().map(|it| it.instrument).collect();
        let date = Date::parse("2026-11-23").unwrap();
        let options = MarginDayOptions { rate: 0.0525, ..MarginDayOptions::default() };
        RiskFile::new(records, &wanted, date, &Rules::builtin().unwrap(), options)
    }

    #[test]
    fn base_prices_value_futures_and_options() {
        let strikes = [24_000.0, 24_500.0, 25_000.0];
        let mut records = vec![record(1, None, FUTURE)];
        for (place, strike) in strikes.into_iter().enumerate() {
            let token = 2 + 2 * place as u32;
            records.push(record(token, Some((strike, OptionType::Call)), worth(strike, true)));
            records.push(record(token + 1, Some((strike, OptionType::Put)), worth(strike, false)));
        }
        records.push(record(9, Some((30_000.0, OptionType::Call)), 0.0));
        let file = file(&records).unwrap();
        assert_eq!((file.underlyings.len(), file.contracts()), (1, 7));
        let [(left_out, refusal)] = file.left_out() else { panic!("{:?}", file.left_out()) };
        assert_eq!((left_out.token, refusal.name()), (Token(9), "no_price"));
        let deltas: Vec<f64> =
            file.contracts.iter().map(|(_, it)| f64::from(it.futeq_delta) / 1e6).collect();
        assert_eq!(deltas[0], 1.0);
        for (place, strike) in strikes.into_iter().enumerate() {
            // N(d1) at the spot that stands for the future, with the rate: above the forward delta.
            let years: f64 = 36.0 / 365.0;
            let d1 = ((FUTURE / strike).ln() + 0.0525 * years) / (0.14 * years.sqrt())
                + 0.07 * years.sqrt();
            let expected = 0.5 * tezi_core::pricing::erfc(-d1 / std::f64::consts::SQRT_2);
            let [call, put] = [deltas[1 + 2 * place], deltas[2 + 2 * place]];
            assert!((call - expected).abs() < 2e-3, "{strike}: {call} is not {expected}");
            assert!((call - put - 1.0).abs() < 2e-3, "{strike}: {call} and {put}");
        }
        // A sold call loses when it rises: the sixteen losses of a unit bought have both signs.
        let at_the_money = &file.contracts[3].1;
        assert!(
            at_the_money.loss.iter().any(|&it| it > 0)
                && at_the_money.loss.iter().any(|&it| it < 0)
        );
        assert!(
            at_the_money.loss.iter().all(|&it| it <= (worth(24_500.0, true) * 100.0).ceil() as i32)
        );
        assert!((0..=RiskArray::DELTA_ONE).contains(&at_the_money.delta));
    }

    #[test]
    fn a_file_without_a_price_is_none() {
        assert_eq!(file(&[record(1, None, 0.0)]).unwrap_err(), MarginDayError::NoPrices);
        assert_eq!(file(&[]).unwrap_err(), MarginDayError::NoPrices);
    }

    #[test]
    fn lines_have_the_numbers_of_the_session() {
        let file = file(&[record(1, None, FUTURE), record(2, None, FUTURE + 100.0)]).unwrap();
        let mut table = InstrumentTable::new(4);
        table.define(&Instrument::unknown(Segment::NseFo, Token(77))).unwrap();
        let id = table.define(&record(2, None, FUTURE).instrument).unwrap();
        let lines: Vec<Valuation> = file.lines(&table).collect();
        let [Valuation::Underlying(of), Valuation::Contract(contract)] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!((of.number, contract.instrument, contract.underlying), (0, id, 0));
    }
}
