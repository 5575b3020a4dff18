//! Quotes options near the money around their Black-76 value and hedges the fills with the future.
//!
//! The forward is the middle of the future's book. Values come from a sheet: the kernel works price
//! and Greeks out for a forward, and small moves from there are answered by delta and gamma, which
//! cost a few nanoseconds instead of the kernel's latency. Volatility is tracked per option: each look at
//! the option's own market moves it towards what the market implies by one Newton step, whole at
//! first and damped more with every look, so quotes follow the smile without chasing each tick. An
//! option is quoted only after some looks, when its value is no longer a guess. Quotes lean against the position
//! held, never cross the market, and move only when they are off by enough to be worth a message.
//! Delta beyond a threshold is taken off with an order in the future that trades at once or not.

mod snapshot;

use tezi_model::{
    ClientOrderId, Instrument, InstrumentId, InstrumentKind, Nanos, OptionType, Px, Qty, Side,
};

use super::{BookUpdate, Context, Fill, ParameterError, Strategy};
use crate::pricing::{Black76Batch, Black76Greeks};
use crate::snapshot::{NoSnapshot, SnapshotError, SnapshotReader, SnapshotWriter};

const OPTIONS_MAX: usize = 8;
const NANOS_PER_YEAR: f64 = 365.0 * 86_400.0 * 1e9;
/// Looks at an option's market before it is quoted.
const LOOKS_MIN: u32 = 20;
/// The move, as a part of the forward, up to which a sheet is good. To second order the error at the
/// money is below a thousandth of a rupee: the third derivative is some 2e-7 for an index at 24,000
/// a month before expiry, and a sixth of it times the move cubed is 4e-6.
const SHEET_MOVE_MAX: f64 = 0.000_2;
/// How long a sheet is good, on the exchange's clock: 100 ms of theta are nothing.
const SHEET_NANOS_MAX: i64 = 100_000_000;

/// The parameters. Text form: `key=value` words, keys as the fields.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OptionQuoterConfig {
    /// Options quoted, nearest the money first; 1 to 8.
    pub options: usize,
    /// The volatility to begin with, as a fraction per year.
    pub vol: f64,
    /// Interest rate per year, continuously compounded.
    pub rate: f64,
    /// Half the quoted width, in ticks of the option.
    pub edge_ticks: f64,
    /// How far quotes move against the position, in ticks a lot held.
    pub skew_ticks: f64,
    /// Lots in one quote.
    pub lots: u32,
    /// Lots held of one option, long or short, beyond which that side is not quoted.
    pub lots_max: u32,
    /// A quote moves when it is off by this many ticks.
    pub requote_ticks: f64,
    /// Least time between two changes of one quote, in milliseconds.
    pub requote_ms: u32,
    /// Delta, in lots of the future, at which it is hedged.
    pub hedge_lots: f64,
}

impl Default for OptionQuoterConfig {
    fn default() -> Self {
        Self {
            options: 4,
            vol: 0.12,
            rate: 0.065,
            edge_ticks: 6.0,
            skew_ticks: 2.0,
            lots: 1,
            lots_max: 5,
            requote_ticks: 3.0,
            requote_ms: 100,
            hedge_lots: 1.0,
        }
    }
}

impl OptionQuoterConfig {
    /// The parameters that may change while it quotes.
    const RUNNING: [&str; 8] = [
        "rate",
        "edge_ticks",
        "skew_ticks",
        "lots",
        "lots_max",
        "requote_ticks",
        "requote_ms",
        "hedge_lots",
    ];

    /// Changes one parameter.
    ///
    /// # Errors
    ///
    /// A sentence that names the key and what it must be.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("option-quoter: {key}={value} is not a value it can have");
        let real = || value.parse::<f64>().ok().filter(|v| v.is_finite() && *v >= 0.0);
        let whole = || value.parse::<u32>().ok();
        match key {
            "options" => {
                let options = whole().map(|v| v as usize);
                self.options =
                    options.filter(|v| (1..=OPTIONS_MAX).contains(v)).ok_or_else(wrong)?;
            }
            "vol" => self.vol = real().filter(|v| *v > 0.0 && *v <= 10.0).ok_or_else(wrong)?,
            "rate" => self.rate = real().filter(|v| *v <= 1.0).ok_or_else(wrong)?,
            "edge_ticks" => self.edge_ticks = real().ok_or_else(wrong)?,
            "skew_ticks" => self.skew_ticks = real().ok_or_else(wrong)?,
            "lots" => self.lots = whole().filter(|v| *v > 0).ok_or_else(wrong)?,
            "lots_max" => self.lots_max = whole().ok_or_else(wrong)?,
            "requote_ticks" => self.requote_ticks = real().ok_or_else(wrong)?,
            "requote_ms" => self.requote_ms = whole().ok_or_else(wrong)?,
            "hedge_lots" => self.hedge_lots = real().filter(|v| *v > 0.0).ok_or_else(wrong)?,
            _ => {
                return Err(format!(
                    "option-quoter has no parameter {key}; it has options, vol, rate, edge_ticks, \
                     skew_ticks, lots, lots_max, requote_ticks, requote_ms, hedge_lots"
                ));
            }
        }
        Ok(())
    }

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// A sentence that names the first word that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut config = Self::default();
        for word in text.split_whitespace() {
            let (key, value) =
                word.split_once('=').ok_or_else(|| format!("{word} is not key=value"))?;
            config.set(key, value)?;
        }
        Ok(config)
    }
}

impl core::fmt::Display for OptionQuoterConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "options={} vol={} rate={} edge_ticks={} skew_ticks={} lots={} lots_max={} \
             requote_ticks={} requote_ms={} hedge_lots={}",
            self.options,
            self.vol,
            self.rate,
            self.edge_ticks,
            self.skew_ticks,
            self.lots,
            self.lots_max,
            self.requote_ticks,
            self.requote_ms,
            self.hedge_lots
        )
    }
}

/// One side of one option's quote.
#[derive(Clone, Copy, Debug, Default)]
struct Quote {
    order: Option<ClientOrderId>,
    moved_at: Nanos,
}

/// One option quoted.
#[derive(Clone, Copy, Debug)]
struct Quoted {
    instrument: InstrumentId,
    definition: Instrument,
    vol: f64,
    /// How often the market's middle has moved `vol`.
    looks: u32,
    quotes: [Quote; 2],
}

/// The options of the batch, by column, and what they are worth.
#[derive(Clone, Debug, Default)]
struct Sheet {
    forward: [f64; OPTIONS_MAX],
    strike: [f64; OPTIONS_MAX],
    years: [f64; OPTIONS_MAX],
    vol: [f64; OPTIONS_MAX],
    rate: [f64; OPTIONS_MAX],
    is_call: [u8; OPTIONS_MAX],
    price: [f64; OPTIONS_MAX],
    delta: [f64; OPTIONS_MAX],
    gamma: [f64; OPTIONS_MAX],
    vega: [f64; OPTIONS_MAX],
    theta: [f64; OPTIONS_MAX],
    status: [u8; OPTIONS_MAX],
}

/// See the module.
pub struct OptionQuoter {
    /// As it began.
    parameters: OptionQuoterConfig,
    /// As it is, with what was changed on the way.
    config: OptionQuoterConfig,
    future: Option<(InstrumentId, Instrument)>,
    options: Vec<Quoted>,
    sheet: Sheet,
    /// Whether the sheet has been worked out at least once.
    is_priced: bool,
    /// When it was.
    priced_at: Nanos,
    /// The latest forward.
    forward: f64,
    hedge: Option<ClientOrderId>,
}

impl OptionQuoter {
    /// A quoter that has not seen a market yet.
    #[must_use]
    pub fn new(config: OptionQuoterConfig) -> Self {
        Self {
            parameters: config,
            config,
            future: None,
            options: Vec::with_capacity(OPTIONS_MAX),
            sheet: Sheet::default(),
            is_priced: false,
            priced_at: Nanos::ZERO,
            forward: 0.0,
            hedge: None,
        }
    }

    /// Picks the options nearest the money of the nearest expiry of the future's underlying.
    fn pick_options(&mut self, ctx: &Context<'_>, forward: f64) {
        let Some((_, future)) = self.future else { return };
        let now = ctx.exchange_time();
        let candidate = |definition: &Instrument| {
            definition.kind() == InstrumentKind::Option
                && definition.symbol == future.symbol
                && definition.expiry > now
                && definition.option_type().is_some()
        };
        let expiries = ctx.instruments().map(|(_, state)| &state.definition);
        let Some(expiry) = expiries.filter(|d| candidate(d)).map(|d| d.expiry).min() else {
            return;
        };
        let nearest = |definition: &Instrument| (definition.strike.to_rupees() - forward).abs();
        for (instrument, state) in ctx.instruments() {
            let definition = state.definition;
            if !candidate(&definition) || definition.expiry != expiry {
                continue;
            }
            let place =
                self.options.partition_point(|o| nearest(&o.definition) <= nearest(&definition));
            if place < self.config.options {
                self.options.truncate(self.config.options - 1);
                let quotes = [Quote::default(); 2];
                let vol = self.config.vol;
                self.options
                    .insert(place, Quoted { instrument, definition, vol, looks: 0, quotes });
            }
        }
        for (lane, option) in self.options.iter().enumerate() {
            self.sheet.strike[lane] = option.definition.strike.to_rupees();
            self.sheet.rate[lane] = self.config.rate;
            self.sheet.is_call[lane] =
                u8::from(option.definition.option_type() == Some(OptionType::Call));
        }
    }

    /// Takes a new forward; the sheet is worked out anew when it is too far or too old.
    fn on_forward(&mut self, ctx: &Context<'_>, forward: f64) {
        self.forward = forward;
        let moved = (forward - self.sheet.forward[0]).abs();
        let age = ctx.exchange_time().since(self.priced_at);
        if !self.is_priced || moved > SHEET_MOVE_MAX * forward || age > SHEET_NANOS_MAX {
            self.price(ctx, forward);
        }
    }

    /// What an option is worth at the latest forward.
    #[inline]
    fn theo(&self, lane: usize) -> f64 {
        let moved = self.forward - self.sheet.forward[lane];
        let curve = 0.5 * self.sheet.gamma[lane] * moved;
        self.sheet.price[lane] + (self.sheet.delta[lane] + curve) * moved
    }

    /// Works the sheet out for a forward.
    fn price(&mut self, ctx: &Context<'_>, forward: f64) {
        let lanes = self.options.len();
        for (lane, option) in self.options.iter().enumerate() {
            let left = option.definition.expiry.since(ctx.exchange_time());
            self.sheet.forward[lane] = forward;
            self.sheet.years[lane] = left.max(0) as f64 / NANOS_PER_YEAR;
            self.sheet.vol[lane] = option.vol;
        }
        let sheet = &mut self.sheet;
        let batch = Black76Batch {
            forward: &sheet.forward[..lanes],
            strike: &sheet.strike[..lanes],
            years: &sheet.years[..lanes],
            vol: &sheet.vol[..lanes],
            rate: &sheet.rate[..lanes],
            is_call: &sheet.is_call[..lanes],
        };
        let mut out = Black76Greeks {
            price: &mut sheet.price[..lanes],
            delta: &mut sheet.delta[..lanes],
            gamma: &mut sheet.gamma[..lanes],
            vega: &mut sheet.vega[..lanes],
            theta: &mut sheet.theta[..lanes],
            status: &mut sheet.status[..lanes],
        };
        self.is_priced = ctx.pricing().black76(&batch, &mut out) == lanes;
        self.priced_at = ctx.exchange_time();
    }

    /// Moves an option's volatility a little towards what its market implies.
    fn track_vol(&mut self, ctx: &Context<'_>, lane: usize) {
        const GAIN_MIN: f64 = 0.02;
        let (theo, vega) = (self.theo(lane), self.sheet.vega[lane]);
        let option = &mut self.options[lane];
        let Some(mid) = ctx.book(option.instrument).mid() else { return };
        let step = (mid - theo) / vega;
        // Far from the money there is no vega to learn from.
        if vega > 1e-3 && step.is_finite() {
            option.looks = option.looks.saturating_add(1);
            let gain = f64::from(option.looks).recip().max(GAIN_MIN);
            let vol = (option.vol + gain * step.clamp(-0.05, 0.05)).clamp(0.01, 3.0);
            // Until the sheet is worked out anew, the next look must not learn from an error that
            // this one has taken in.
            self.sheet.price[lane] += vega * (vol - option.vol);
            option.vol = vol;
        }
    }

    fn quote(&mut self, ctx: &mut Context<'_>, lane: usize) {
        for side in Side::BOTH {
            let Some(price) = self.quote_price(ctx, lane, side) else { continue };
            self.work(ctx, lane, side, price);
        }
    }

    /// Where a side should be quoted; `None` while that cannot be said.
    fn quote_price(&self, ctx: &Context<'_>, lane: usize, side: Side) -> Option<Px> {
        let option = &self.options[lane];
        let tick = option.definition.tick;
        let (tick_rupees, lot) = (tick.to_rupees(), f64::from(option.definition.lot.0.max(1)));
        let theo = self.theo(lane);
        if option.looks < LOOKS_MIN || self.sheet.status[lane] > 1 || tick.0 <= 0 {
            return None;
        }
        let lots = ctx.position(option.instrument).net as f64 / lot;
        let lean = self.config.skew_ticks * tick_rupees * lots;
        let edge = self.config.edge_ticks * tick_rupees;
        let opposite = ctx.book(option.instrument).touch(side.opposite()).map(|l| l.price);
        let price = match side {
            Side::Buy => {
                let price = Px::from_rupees(theo - lean - edge).floor_to(tick);
                opposite.map_or(price, |ask| price.min(ask - tick))
            }
            Side::Sell => {
                let price = Px::from_rupees(theo - lean + edge).ceil_to(tick);
                opposite.map_or(price, |bid| price.max(bid + tick))
            }
        };
        Some(price)
    }

    /// Brings the working order of a side to `price`.
    fn work(&mut self, ctx: &mut Context<'_>, lane: usize, side: Side, price: Px) {
        let option = self.options[lane];
        let lot = option.definition.lot.0.max(1);
        let held = ctx.position(option.instrument).net * side.sign() / i64::from(lot);
        let wanted = held < i64::from(self.config.lots_max) && price.0 > 0;
        let quantity = Qty(lot * self.config.lots);
        let quote = &mut self.options[lane].quotes[side as usize];
        let working = quote.order.and_then(|id| ctx.order(id)).filter(|o| !o.status.is_terminal());
        let pause = i64::from(self.config.requote_ms) * 1_000_000;
        let Some(order) = working else {
            let is_due = ctx.now().since(quote.moved_at) >= pause;
            if wanted && is_due && !self.would_trade_with_own(ctx, lane, side, price) {
                let quote = &mut self.options[lane].quotes[side as usize];
                quote.order = ctx.submit(option.instrument, side, price, quantity).ok();
                quote.moved_at = ctx.now();
            }
            return;
        };
        if order.status.is_in_flight() {
            return;
        }
        // After a jump the other side is still where it was: it has to go first.
        if wanted && self.would_trade_with_own(ctx, lane, side, price) {
            return;
        }
        let quote = &mut self.options[lane].quotes[side as usize];
        let off = (price.0 - order.price.0).abs() as f64;
        // An order that the market is about to run over is pulled back at once.
        let is_exposed = side.is_better(order.price, price);
        let due = is_exposed || ctx.now().since(quote.moved_at) >= pause;
        if !wanted {
            let _ = ctx.cancel(order.client_order_id);
        } else if off >= self.config.requote_ticks * option.definition.tick.0 as f64 && due {
            quote.moved_at = ctx.now();
            let total = Qty(order.filled.0 + quantity.0);
            let _ = ctx.replace(order.client_order_id, price, total);
        }
    }

    /// Whether a quote at `price` would meet the other side's own order, where it is or goes.
    fn would_trade_with_own(&self, ctx: &Context<'_>, lane: usize, side: Side, price: Px) -> bool {
        let other = self.options[lane].quotes[side.opposite() as usize].order;
        let other = other.and_then(|id| ctx.order(id)).filter(|o| !o.status.is_terminal());
        other.is_some_and(|order| {
            let goes_to = order.pending.map_or(order.price, |(price, _)| price);
            side.crosses(price, order.price) || side.crosses(price, goes_to)
        })
    }

    /// Takes delta off with the future when there is enough of it.
    fn hedge(&mut self, ctx: &mut Context<'_>) {
        let Some((instrument, future)) = self.future else { return };
        let is_working = self.hedge.and_then(|id| ctx.order(id));
        if is_working.is_some_and(|order| !order.status.is_terminal()) || !self.is_priced {
            return;
        }
        let held = |option: &Quoted| ctx.position(option.instrument).net as f64;
        let delta = |lane: usize| {
            let moved = self.forward - self.sheet.forward[lane];
            self.sheet.delta[lane] + self.sheet.gamma[lane] * moved
        };
        let options: f64 =
            self.options.iter().enumerate().map(|(lane, option)| delta(lane) * held(option)).sum();
        let lot = f64::from(future.lot.0.max(1));
        let delta_lots = (options + ctx.position(instrument).net as f64) / lot;
        if delta_lots.abs() < self.config.hedge_lots {
            return;
        }
        let side = if delta_lots > 0.0 { Side::Sell } else { Side::Buy };
        let book = ctx.book(instrument);
        let Some(touch) = book.touch(side.opposite()).filter(|_| !book.is_crossed()) else {
            return;
        };
        let quantity = Qty((delta_lots.abs().round() as u32).max(1) * future.lot.0.max(1));
        let slip = Px(future.tick.0 * 2 * side.sign());
        self.hedge = ctx.submit_ioc(instrument, side, touch.price + slip, quantity).ok();
    }
}

impl Strategy for OptionQuoter {
    fn name(&self) -> &'static str {
        "option-quoter"
    }

    fn parameters(&self) -> String {
        self.parameters.to_string()
    }

    fn save(&self, out: &mut SnapshotWriter) -> Result<(), NoSnapshot> {
        self.save_state(out);
        Ok(())
    }

    fn load(&mut self, input: &mut SnapshotReader<'_>) -> Result<(), SnapshotError> {
        self.load_state(input)
    }

    fn on_start(&mut self, ctx: &mut Context<'_>) {
        // The nearest future of which options are known.
        let has_options = |symbol| {
            let of = |d: &Instrument| d.kind() == InstrumentKind::Option && d.symbol == symbol;
            ctx.instruments().any(|(_, state)| of(&state.definition))
        };
        self.future = ctx
            .instruments()
            .map(|(id, state)| (id, state.definition))
            .filter(|(_, d)| d.kind() == InstrumentKind::Future && has_options(d.symbol))
            .min_by_key(|(_, d)| d.expiry);
    }

    fn on_book(&mut self, ctx: &mut Context<'_>, update: BookUpdate) {
        let Some((future, _)) = self.future.filter(|_| update.touch_changed) else { return };
        if update.instrument == future {
            let Some(forward) = ctx.book(future).mid() else { return };
            if self.options.is_empty() {
                self.pick_options(ctx, forward);
            }
            self.on_forward(ctx, forward);
            for lane in 0..self.options.len() {
                self.quote(ctx, lane);
            }
            self.hedge(ctx);
        } else if self.is_priced
            && let Some(lane) = self.options.iter().position(|o| o.instrument == update.instrument)
        {
            self.track_vol(ctx, lane);
            self.quote(ctx, lane);
        }
    }

    fn on_fill(&mut self, ctx: &mut Context<'_>, _fill: &Fill) {
        self.hedge(ctx);
    }

    /// All but which options are quoted and the volatility it begins with.
    fn set_parameter(
        &mut self,
        _ctx: &mut Context<'_>,
        key: &str,
        value: &str,
    ) -> Result<(), ParameterError> {
        if !OptionQuoterConfig::RUNNING.contains(&key) {
            return Err(ParameterError::Unknown);
        }
        self.config.set(key, value).map_err(|_| ParameterError::Value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_round_trip_through_their_text() {
        let config = OptionQuoterConfig { vol: 0.173, options: 2, ..Default::default() };
        assert_eq!(OptionQuoterConfig::parse(&config.to_string()), Ok(config));
        for bad in ["vol=0", "options=9", "edge=1", "vol", "rate=nan", "lots=-1"] {
            assert!(OptionQuoterConfig::parse(bad).is_err(), "{bad}");
        }
    }
}
