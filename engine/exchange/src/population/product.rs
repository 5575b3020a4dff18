//! One instrument as its makers see it: what it is worth, how wide they quote it, how busy it is.

use tezi_core::matching::InstrumentTerms;
use tezi_core::pricing::Black76Input;
use tezi_model::{InstrumentId, Nanos, Px};

use super::config::{Contract, Listed, PopulationConfig};

const NANOS_PER_YEAR: f64 = 365.0 * 86_400.0 * 1e9;
/// Trading seconds of a year: 252 days of 375 minutes.
pub(super) const TRADING_SECONDS_PER_YEAR: f64 = 252.0 * 375.0 * 60.0;
/// A value found once serves this long …
const CACHE_NS: i64 = 10_000_000_000;
/// … and within this part of a deviation of the forward until expiry.
const CACHE_REACH: f64 = 0.1;
/// A future is this much busier than the option at the money.
const FUTURE_ACTIVITY: f64 = 5.0;

/// Ticks that the tolerance of a quote has more, when it follows the price once a second or less.
const QUIET_TICKS: f64 = 5.0;

/// A value and how it moves with the forward, in rupees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    pub(super) price: f64,
    pub(super) delta: f64,
}

/// The last full valuation of an option.
#[derive(Clone, Copy, Debug)]
struct Valued {
    at: Nanos,
    forward: f64,
    reach: f64,
    price: f64,
    delta: f64,
    gamma: f64,
}

impl Valued {
    const NEVER: Self =
        Self { at: Nanos(i64::MIN), forward: 0.0, reach: -1.0, price: 0.0, delta: 0.0, gamma: 0.0 };
}

/// An instrument, and what the population works out of it once.
#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) instrument: InstrumentId,
    pub(super) contract: Contract,
    pub(super) terms: InstrumentTerms,
    /// In rupees.
    pub(super) tick: f64,
    /// The most lots one order may have.
    pub(super) lots_max: u32,
    /// Half the spread of the tightest maker, in rupees.
    pub(super) half: f64,
    /// How far a quote may be off before its maker changes it, in rupees.
    pub(super) tolerance: f64,
    /// Share of the messages of its underlying.
    pub(super) activity: f64,
    valued: Valued,
}

impl Product {
    pub(super) fn new(listed: &Listed, config: &PopulationConfig) -> Self {
        let lots_max = listed.terms.freeze.map_or(u32::MAX, |freeze| freeze.0) / listed.terms.lot.0;
        let mut product = Self {
            instrument: listed.instrument,
            contract: listed.contract,
            terms: listed.terms,
            tick: listed.terms.tick.to_rupees(),
            lots_max: lots_max.max(1),
            half: 0.0,
            tolerance: 0.0,
            activity: 0.0,
            valued: Valued::NEVER,
        };
        let spot = listed.spot.to_rupees();
        product.activity = product.weight(spot, config.start, config);
        product
    }

    pub(super) const fn is_option(&self) -> bool {
        matches!(self.contract, Contract::Option { .. })
    }

    /// Years to expiry; none of a share.
    pub(super) fn years(&self, now: Nanos) -> f64 {
        let expiry = match self.contract {
            Contract::Cash => return 0.0,
            Contract::Future { expiry } | Contract::Option { expiry, .. } => expiry,
        };
        (expiry.since(now) as f64 / NANOS_PER_YEAR).max(0.0)
    }

    /// How busy it is beside an option at the money: less the farther from it, and in the money.
    fn weight(&self, spot: f64, now: Nanos, config: &PopulationConfig) -> f64 {
        let Contract::Option { strike, is_call, .. } = self.contract else {
            return FUTURE_ACTIVITY;
        };
        let years = self.years(now).max(1e-4);
        let deviation = spot * config.implied_volatility * years.sqrt();
        let away = (strike.to_rupees() - spot) / deviation;
        let out = if is_call { away } else { -away };
        let near = 1.0 / (1.0 + away * away);
        near * if out < 0.0 { 0.6 } else { 1.0 } + 0.02
    }

    /// What it is worth for a spot that carries interest, or of an option a forward of its expiry.
    #[inline]
    pub(super) fn worth(&mut self, forward: f64, now: Nanos, config: &PopulationConfig) -> Worth {
        let Contract::Option { strike, is_call, .. } = self.contract else {
            return Worth { price: forward, delta: 1.0 };
        };
        let moved = forward - self.valued.forward;
        let is_near = moved.abs() <= self.valued.reach && now.since(self.valued.at) < CACHE_NS;
        if !is_near {
            self.value(forward, strike.to_rupees(), is_call, now, config);
        }
        let Valued { price, delta, gamma, forward: from, .. } = self.valued;
        let moved = forward - from;
        let price = (price + moved * (delta + 0.5 * gamma * moved)).max(0.0);
        Worth { price, delta: delta + gamma * moved }
    }

    /// Values the option here and at both ends of the reach: the parabola through them is what the
    /// cache gives, so that the smile, which moves with the money, is in its slope too.
    #[cold]
    fn value(
        &mut self,
        forward: f64,
        strike: f64,
        is_call: bool,
        now: Nanos,
        config: &PopulationConfig,
    ) {
        let years = self.years(now);
        let deviation = |forward: f64| forward * config.implied_volatility * years.sqrt();
        let price_at = |forward: f64| {
            let away = ((strike - forward) / deviation(forward).max(1e-9)).clamp(-4.0, 4.0);
            let smile = 1.0 - config.smile_skew * away + config.smile_curvature * away * away;
            let vol = config.implied_volatility * smile.max(0.3);
            let input = Black76Input { forward, strike, years, vol, rate: config.rate, is_call };
            let price = input.value().price;
            if price.is_finite() { price } else { 0.0 }
        };
        let reach = (deviation(forward) * CACHE_REACH).max(self.tick);
        let [down, price, up] = [forward - reach, forward, forward + reach].map(price_at);
        self.valued = Valued {
            at: now,
            forward,
            reach,
            price,
            delta: (up - down) / (2.0 * reach),
            gamma: (up - 2.0 * price + down) / (reach * reach),
        };
    }

    /// Sets how wide makers quote: as wide as they are slow. `changes_per_second` is what one quote
    /// gets to follow the price with. A value that moves by s in a second leaves a tolerance t after
    /// (t/s)² seconds on average, and no sooner than its underlying moves.
    pub(super) fn set_width(
        &mut self,
        spot: f64,
        changes_per_second: f64,
        config: &PopulationConfig,
    ) {
        let worth = self.worth(spot, config.start, config);
        let move_per_second =
            worth.delta.abs() * spot * config.volatility / TRADING_SECONDS_PER_YEAR.sqrt();
        let seconds = 1.0 / changes_per_second.max(1e-3);
        let wait = (seconds - 1.0 / config.moves_per_second).max(0.0);
        // What hardly ever trades is quoted a few ticks wide even where nothing moves.
        let least = self.tick * (1.0 + QUIET_TICKS * seconds.min(1.0));
        self.tolerance = (move_per_second * wait.sqrt()).max(least);
        self.half = self.tolerance * 1.4 + self.tick;
    }

    /// The price in whole ticks, down for a buy and up for a sell, within the band.
    #[inline]
    pub(super) fn on_tick(&self, rupees: f64, is_buy: bool) -> Px {
        let px = Px::from_rupees(rupees);
        let tick = self.terms.tick;
        let px = if is_buy { px.floor_to(tick) } else { px.ceil_to(tick) };
        let band = self.terms.band;
        // Not `clamp`, which panics where a band holds no tick.
        px.min(band.high.floor_to(tick)).max(band.low.max(tick).ceil_to(tick))
    }
}

#[cfg(test)]
mod tests {
    use tezi_model::Qty;

    use super::*;

    const DAY: i64 = 86_400_000_000_000;

    fn option(strike: i64, is_call: bool, config: &PopulationConfig) -> Product {
        let strike = Px::from_paise(strike * 100);
        let listed = Listed {
            instrument: InstrumentId(0),
            underlying: 0,
            spot: Px::from_paise(2_500_000),
            contract: Contract::Option { expiry: Nanos(5 * DAY), strike, is_call },
            terms: InstrumentTerms::new(Px::from_paise(5), Qty(65)),
        };
        Product::new(&listed, config)
    }

    #[test]
    fn a_value_from_the_cache_is_the_full_value_to_half_a_tick() {
        let config = PopulationConfig::default();
        for strike in [24_000, 24_700, 25_000, 25_400] {
            for is_call in [true, false] {
                let mut kept = option(strike, is_call, &config);
                for step in 0..400 {
                    let forward = 25_000.0 + f64::from(step) * 0.7;
                    let fresh = option(strike, is_call, &config).worth(
                        forward,
                        Nanos(step.into()),
                        &config,
                    );
                    let near = kept.worth(forward, Nanos(step.into()), &config);
                    let off = (near.price - fresh.price).abs();
                    // The volatility moves with the money, which Greeks at one volatility miss.
                    assert!(
                        off < 0.025 + 0.006 * fresh.price,
                        "{strike} {is_call} {forward}: {off}"
                    );
                }
            }
        }
    }

    #[test]
    fn quotes_are_wide_where_they_are_slow_and_prices_lie_in_the_band() {
        let config = PopulationConfig::default();
        let mut product = option(25_000, true, &config);
        product.set_width(25_000.0, 5.0, &config);
        let fast = product.half;
        product.set_width(25_000.0, 0.1, &config);
        assert!(product.half > 3.0 * fast && product.half > product.tolerance);
        product.terms.band.low = Px::from_paise(103);
        product.terms.band.high = Px::from_paise(208);
        for (rupees, is_buy, paise) in
            [(1.58, true, 155), (1.58, false, 160), (0.5, true, 105), (9.0, false, 205)]
        {
            assert_eq!(product.on_tick(rupees, is_buy), Px::from_paise(paise), "{rupees}");
        }
    }
}
