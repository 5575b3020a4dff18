//! A maker and now and then a taker in calendar spreads, beside any other background.
//!
//! The maker keeps a bid and an offer of a few lots around the difference of its legs' middles, and
//! looks at each spread some times a second. The taker sends a limit at the maker's price every so
//! often, so that the feed has spread trades. Real spread flow is thin (0.2 % of the messages of a
//! captured session); so is this. It draws from one seed, and after `new` it does not allocate.

use tezi_core::matching::{Matcher, Order, OrderState, Report, Target, Trade, TradeKind};
use tezi_core::venue::bands::PriceBand;
use tezi_core::venue::session::Phase;
use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side};

use crate::background::{Action, BACKGROUND_MEMBERS, Background};
use crate::config::{ConfigError, ExchangeConfig};
use crate::random::Random;

/// Members of the background that no population numbers.
const MAKER: u32 = BACKGROUND_MEMBERS - 1;
const TAKER: u32 = BACKGROUND_MEMBERS - 2;
/// From one look at all spreads to the next.
const INTERVAL_NS: i64 = 250_000_000;
/// The maker's price is so many ticks from the middle.
const HALF_TICKS: i64 = 3;
/// Of the looks at a spread, those that bring a taker.
const TAKES_PER_MILLION: u32 = 60_000;
const MAKER_LOTS: u32 = 4;

/// One side of a spread's quote.
#[derive(Clone, Copy, Debug)]
enum Quote {
    /// No order.
    None,
    /// A request is with the exchange.
    Asked,
    /// It rests.
    Rests { order_id: OrderId, price: Px },
}

#[derive(Clone, Debug)]
struct Quoted {
    instrument: InstrumentId,
    legs: [InstrumentId; 2],
    tick: Px,
    lot: Qty,
    band: PriceBand,
    quotes: [Quote; 2],
}

/// What a look at a spread does: each side's quote, then perhaps a taker.
const STEPS: usize = 3;

/// Another background, and the spreads' maker and taker beside it.
#[derive(Debug)]
pub struct SpreadTraders<B> {
    inner: B,
    spreads: Box<[Quoted]>,
    random: Random,
    /// When all spreads are looked at again, and how far the look has come.
    due: Nanos,
    step: usize,
}

impl<B: Background> SpreadTraders<B> {
    /// The traders of an exchange's spreads, who begin at `start`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] of [`ExchangeConfig::spreads_of_the_day`].
    pub fn new(
        inner: B,
        config: &ExchangeConfig,
        seed: u64,
        start: Nanos,
    ) -> Result<Self, ConfigError> {
        let place = |token| config.listings.iter().position(|it| it.instrument.token == token);
        let first = config.listings.len();
        let spreads = config.spreads_of_the_day()?;
        let quoted = spreads.iter().enumerate().map(|(at, spread)| {
            let [low, high] = spread.range;
            let near = &spread.legs[0].instrument;
            Quoted {
                instrument: InstrumentId((first + at) as u32),
                legs: spread.listing.legs.map(|it| InstrumentId(place(it).unwrap_or(0) as u32)),
                tick: near.tick,
                lot: near.lot,
                band: PriceBand { low, high },
                quotes: [Quote::None; 2],
            }
        });
        let spreads = quoted.collect();
        Ok(Self { inner, spreads, random: Random::new(seed), due: start, step: 0 })
    }

    fn next_action(&mut self, matcher: &Matcher) -> Option<Action> {
        while self.step < self.spreads.len() * STEPS {
            let (at, part) = (self.step / STEPS, self.step % STEPS);
            self.step += 1;
            let action = match Side::BOTH.get(part) {
                Some(&side) => self.quote(at, side, matcher),
                None => self.take(at, matcher),
            };
            if action.is_some() {
                return action;
            }
        }
        None
    }

    /// A new quote, or one that follows the difference; `None` while it stands right.
    fn quote(&mut self, at: usize, side: Side, matcher: &Matcher) -> Option<Action> {
        let spread = &mut self.spreads[at];
        let price = spread.wanted(side, matcher)?;
        let quantity = Qty(spread.lot.0 * MAKER_LOTS);
        let order = Order {
            member: MAKER,
            reference: (at * 2 + side as usize) as u64,
            ..Order::limit(spread.instrument, side, price, quantity)
        };
        let quote = &mut spread.quotes[side as usize];
        let action = match *quote {
            Quote::None => Action::Submit(order),
            Quote::Rests { order_id, price: now } if now != price => {
                Action::Modify { target: Target::new(order_id, MAKER), order }
            }
            Quote::Rests { .. } | Quote::Asked => return None,
        };
        if matches!(action, Action::Submit(_)) {
            *quote = Quote::Asked;
        }
        Some(action)
    }

    fn take(&mut self, at: usize, matcher: &Matcher) -> Option<Action> {
        if !self.random.happens(TAKES_PER_MILLION) {
            return None;
        }
        let side = if self.random.happens(500_000) { Side::Buy } else { Side::Sell };
        let spread = &self.spreads[at];
        let best = matcher.books().touch(spread.instrument, side.opposite())?;
        let order = Order::limit(spread.instrument, side, best.price, spread.lot);
        Some(Action::Submit(Order { member: TAKER, ..order }))
    }

    fn quote_of(&mut self, member: u32, reference: u64) -> Option<&mut Quote> {
        let spread = self.spreads.get_mut(reference as usize / 2).filter(|_| member == MAKER)?;
        spread.quotes.get_mut(reference as usize % 2)
    }

    fn on_state(&mut self, state: &OrderState, lives: bool) {
        if let Some(quote) = self.quote_of(state.member, state.reference) {
            let rests = Quote::Rests { order_id: state.order_id, price: state.price };
            *quote = if lives { rests } else { Quote::None };
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        for side in Side::BOTH.map(|side| side as usize) {
            if trade.open[side] == Qty(0)
                && let Some(quote) = self.quote_of(trade.members[side], trade.references[side])
            {
                *quote = Quote::None;
            }
        }
    }
}

impl Quoted {
    /// Where the quote should stand: as far from the difference of the legs' middles as it ever is,
    /// on a tick, within the range; `None` where there is nothing to go by.
    fn wanted(&self, side: Side, matcher: &Matcher) -> Option<Px> {
        if matcher.phase(self.instrument) != Phase::Continuous {
            return None;
        }
        let middle = |leg: InstrumentId| {
            let [bid, ask] = Side::BOTH.map(|side| matcher.books().touch(leg, side));
            Some(Px((bid?.price.0 + ask?.price.0) / 2))
        };
        let [near, far] = self.legs;
        let tick = self.tick.0.max(1);
        let away = HALF_TICKS * if side == Side::Buy { -1 } else { 1 };
        // Both sides count from one middle, so that they are never crossed.
        let ticks = (middle(far)?.0 - middle(near)?.0).div_euclid(tick) + away;
        let price = Px(ticks * tick);
        self.band.contains(price).then_some(price)
    }
}

impl<B: Background> Background for SpreadTraders<B> {
    fn next_due(&self) -> Option<Nanos> {
        let own = (!self.spreads.is_empty()).then_some(self.due);
        [own, self.inner.next_due()].into_iter().flatten().min()
    }

    fn poll(&mut self, now: Nanos, matcher: &Matcher) -> Option<Action> {
        if self.due <= now && !self.spreads.is_empty() {
            let action = self.next_action(matcher);
            if action.is_some() {
                return action;
            }
            self.step = 0;
            self.due = now.plus(INTERVAL_NS);
        }
        let is_due = self.inner.next_due().is_some_and(|due| due <= now);
        if is_due { self.inner.poll(now, matcher) } else { None }
    }

    fn on_report(&mut self, report: &Report) {
        match report {
            Report::Accepted(state) | Report::Modified(state) => self.on_state(state, true),
            Report::Canceled(state, _) => self.on_state(state, false),
            Report::Traded(trade) if trade.kind == TradeKind::Spread => self.on_trade(trade),
            &Report::Refused { member, reference, order_id: OrderId(0), .. } => {
                if let Some(quote) = self.quote_of(member, reference) {
                    *quote = Quote::None;
                }
            }
            _ => {}
        }
        self.inner.on_report(report);
    }

    fn is_protected(&self) -> bool {
        self.inner.is_protected()
    }

    fn on_band(&mut self, instrument: InstrumentId, band: PriceBand) {
        self.inner.on_band(instrument, band);
    }
}
