//! A market of matcher and population alone, for tests.

#![allow(dead_code, reason = "each test uses a part")]

use tezi_core::book::BooksConfig;
use tezi_core::matching::{InstrumentTerms, Matcher, MatcherConfig, Report};
use tezi_core::venue::Rate;
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::Phase;
use tezi_exchange::population::statistics::Statistics;
use tezi_exchange::population::{Contract, Listed, Population, PopulationConfig};
use tezi_model::{InstrumentId, Nanos, Px, Qty, Segment};

const DAY: i64 = 86_400_000_000_000;
const TICK: Px = Px::from_paise(5);

/// Terms of an F&O contract.
fn terms(lot: u32, band: PriceBand) -> InstrumentTerms {
    let freeze = Some(Qty(lot * 27));
    InstrumentTerms { band, freeze, ..InstrumentTerms::new(TICK, Qty(lot)) }
}

/// A future and options on one underlying: `strikes` of them, `step` rupees apart, calls and puts.
pub(crate) fn chain(underlying: u32, spot: i64, strikes: i64, step: i64, lot: u32) -> Vec<Listed> {
    let spot_px = Px::from_paise(spot * 100);
    let near = PriceBand::around(spot_px, Rate::from_bps(1_000), TICK);
    let wide = PriceBand { low: TICK, high: Px(spot_px.0 * 2) };
    let one = |contract, band| Listed {
        instrument: InstrumentId(0),
        underlying,
        spot: spot_px,
        contract,
        terms: terms(lot, band),
    };
    let mut listed = vec![one(Contract::Future { expiry: Nanos(12 * DAY) }, near)];
    for index in 0..strikes {
        let rupees = spot / step * step + (index - strikes / 2) * step;
        for is_call in [true, false] {
            let (expiry, strike) = (Nanos(5 * DAY), Px::from_paise(rupees * 100));
            listed.push(one(Contract::Option { expiry, strike, is_call }, wide));
        }
    }
    listed
}

/// An index with its near options.
pub(crate) fn nifty() -> Vec<Listed> {
    numbered(chain(1, 25_000, 20, 50, 65))
}

/// Ten underlyings of 53 instruments, and one future more: 531 as in the real session.
pub(crate) fn stocks() -> Vec<Listed> {
    let spots = [300, 420, 560, 770, 1_100, 1_500, 2_300, 3_400, 7_700, 25_000];
    let mut listed = Vec::new();
    for (number, spot) in (0_u32..).zip(spots) {
        listed.extend(chain(number, spot, 26, (spot / 100).max(5), 700));
    }
    let mut last = listed[0];
    last.contract = Contract::Future { expiry: Nanos(40 * DAY) };
    listed.push(last);
    numbered(listed)
}

fn numbered(mut listed: Vec<Listed>) -> Vec<Listed> {
    for (number, one) in (0..).zip(&mut listed) {
        one.instrument = InstrumentId(number);
    }
    listed
}

/// A matcher, a population and the time.
pub(crate) struct Market<'a> {
    pub(crate) matcher: Matcher,
    pub(crate) population: Population,
    pub(crate) now: Nanos,
    pub(crate) statistics: Option<&'a mut Statistics>,
    pub(crate) reports: Vec<Report>,
    pub(crate) reports_count: u64,
    pub(crate) actions: u64,
}

impl<'a> Market<'a> {
    /// All instruments in continuous trading.
    pub(crate) fn new(config: &PopulationConfig, listed: &[Listed]) -> Self {
        let mut market = Self::closed(config, listed);
        for one in listed {
            market.set_phase(one.instrument, Phase::Continuous);
        }
        market
    }

    pub(crate) fn closed(config: &PopulationConfig, listed: &[Listed]) -> Self {
        let books = BooksConfig {
            instruments_max: listed.len() as u32,
            orders_max: 1 << 17,
            levels_max: 1 << 16,
        };
        let config_matcher = MatcherConfig { books, ..MatcherConfig::small(Segment::NseFo) };
        let mut matcher = Matcher::new(&config_matcher);
        for one in listed {
            assert_eq!(matcher.add_instrument(&one.terms), Ok(one.instrument));
        }
        Self {
            matcher,
            population: Population::new(config, listed).unwrap(),
            now: config.start,
            statistics: None,
            reports: Vec::new(),
            reports_count: 0,
            actions: 0,
        }
    }

    pub(crate) fn set_phase(&mut self, instrument: InstrumentId, phase: Phase) {
        self.matcher.set_phase(self.now, instrument, phase, &mut self.reports).unwrap();
        self.hand_on();
    }

    /// Hands reports on to whoever reads them.
    pub(crate) fn hand_on(&mut self) {
        self.reports_count += self.reports.len() as u64;
        for report in self.reports.drain(..) {
            self.population.on_report(&report);
            if let Some(statistics) = &mut self.statistics {
                statistics.on_report(&report);
            }
        }
    }

    /// One action, if one is due until `end`.
    pub(crate) fn step(&mut self, end: Nanos) -> bool {
        while let Some(due) = self.population.next_due().filter(|&due| due <= end) {
            self.now = due;
            if let Some(action) = self.population.poll(due, &self.matcher) {
                action.apply(due, &mut self.matcher, &mut self.reports);
                self.hand_on();
                self.actions += 1;
                return true;
            }
        }
        self.now = end;
        false
    }

    pub(crate) fn run(&mut self, milliseconds: i64) {
        let end = self.now.plus(milliseconds * 1_000_000);
        while self.step(end) {}
    }
}
