//! Market makers: quotes around what an instrument is worth, that follow and probe.
//!
//! A firm sweeps over its quotes after a move, the busiest first, one message after another with
//! microseconds between, and changes those that are off by more than their tolerance. What is left
//! of its share of the messages goes into probing ([`super::probing`]). Makers never trade against
//! the touch: what is mispriced there is for others.

use core::ops::Range;

use tezi_core::matching::{Matcher, Order, Target};
use tezi_core::venue::session::Phase;
use tezi_model::{Nanos, Px, Qty, Side};

use super::config::PopulationConfig;
use super::orders::Stage;
use super::probing::RUN;
use super::product::Product;
use super::{Action, IDLE_NS, Population};

/// Each maker quotes wider than the one before it by this part.
const WIDTH_STEP: f64 = 0.35;
/// What a maker keeps of its inventory from one look to the next: it lays the rest off elsewhere.
const INVENTORY_KEPT: f64 = 0.995;
/// A quote that the exchange refused rests for this time.
pub(super) const REFUSED_NS: i64 = 1_000_000_000;

/// A maker of one underlying.
#[derive(Clone, Debug)]
pub(super) struct Firm {
    pub(super) underlying: u32,
    /// Its number among the makers of the underlying, and so its member.
    maker: u32,
    pub(super) pairs: Range<u32>,
    /// The next pair of a sweep, and how many are left to see.
    cursor: u32,
    left: u32,
    /// Sweeps still to come: options follow the future, which the first sweep moved.
    echoes: u8,
    /// The pair that is probed, and how many changes are left.
    pub(super) probed: u32,
    pub(super) run: u32,
    pub(super) run_gap: f64,
    /// Messages saved up, and when that was reckoned.
    pub(super) credit: f64,
    credited: Nanos,
    /// Messages a nanosecond.
    pub(super) rate: f64,
}

/// A maker's two quotes in one instrument. The slot of a quote is twice the pair's place, and one
/// more for the sell.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) firm: u32,
    pub(super) product: u32,
    /// Options follow what the market says of the underlying, the future and the share what it is.
    pub(super) follows_market: bool,
    /// While the market's value of the underlying stays between, no quote is off by too much.
    low: f64,
    high: f64,
    /// In lots, bought less sold.
    pub(super) inventory: f64,
    /// Beside 1: how much wider than the tightest maker.
    width: f64,
    /// Nothing is sent before.
    pub(super) rests_until: Nanos,
}

/// Where a pair's quotes should be.
pub(super) struct Aim {
    /// The bid and the offer; `None` where there should be none.
    pub(super) targets: [Option<Px>; 2],
    /// How far the underlying may move before a quote is off by more than its tolerance.
    pub(super) slack: f64,
    /// In rupees of the instrument.
    pub(super) tolerance: f64,
    /// How much the instrument moves with its underlying, never zero.
    pub(super) delta: f64,
}

impl Pair {
    /// The quotes are as they should be until the underlying moves so far from where it is.
    pub(super) const fn settle(&mut self, value: f64, slack: f64) {
        self.low = value - slack;
        self.high = value + slack;
    }

    /// Something happened to a quote: look at it in the next sweep.
    pub(super) const fn unsettle(&mut self) {
        self.low = f64::INFINITY;
        self.high = f64::NEG_INFINITY;
    }
}

impl Firm {
    pub(super) fn new(
        maker: u32,
        underlying: u32,
        range: &Range<u32>,
        products: &[Product],
        pairs: &mut Vec<Pair>,
        config: &PopulationConfig,
    ) -> Self {
        let first = pairs.len() as u32;
        let number = underlying * config.makers + maker;
        pairs.extend(range.clone().map(|product| Pair {
            firm: number,
            product,
            follows_market: products[product as usize].is_option(),
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            inventory: 0.0,
            width: 1.0 + WIDTH_STEP * f64::from(maker),
            rests_until: Nanos(i64::MIN),
        }));
        let messages = config.intensity * config.modify_share * range.len() as f64;
        Self {
            underlying,
            maker,
            pairs: first..pairs.len() as u32,
            cursor: 0,
            left: range.len() as u32,
            echoes: 0,
            probed: first,
            run: 0,
            run_gap: 0.0,
            credit: 0.0,
            credited: config.start,
            rate: messages / f64::from(config.makers) * 1e-9,
        }
    }
}

/// Shares the messages of an underlying out among its products, and sets how wide each is quoted.
/// Returns the shares, each with those before it.
pub(super) fn share_out(
    products: &mut [Product],
    spot: f64,
    config: &PopulationConfig,
) -> impl Iterator<Item = f64> {
    let total: f64 = products.iter().map(|product| product.activity).sum();
    let messages = config.intensity * config.modify_share * products.len() as f64;
    let per_quote = messages * config.tracking_share / f64::from(config.makers * 2);
    let mut sum = 0.0;
    products.iter_mut().map(move |product| {
        product.activity /= total;
        sum += product.activity;
        product.set_width(spot, per_quote * product.activity, config);
        sum
    })
}

impl Population {
    /// A move: the firm looks over its quotes, after the time it needs to react.
    pub(super) fn begin_sweep(&mut self, number: u32, now: Nanos) {
        let slowness = 1.0 + 0.5 * f64::from(self.firms[number as usize].maker);
        let due = now.plus(self.random.gap(self.config.reaction_ns * slowness));
        let firm = &mut self.firms[number as usize];
        let is_sweeping = firm.left > 0;
        firm.left = firm.pairs.end - firm.pairs.start;
        firm.cursor = 0;
        firm.echoes = 1;
        firm.run = 0;
        let actor = self.firm_actor(number);
        if is_sweeping { self.agenda.hasten(actor, due) } else { self.agenda.set(actor, due) }
    }

    /// A firm's turn.
    pub(super) fn on_firm(
        &mut self,
        actor: u32,
        number: u32,
        now: Nanos,
        matcher: &Matcher,
    ) -> Option<Action> {
        let firm = &mut self.firms[number as usize];
        let earned = now.since(firm.credited) as f64 * firm.rate;
        firm.credit = (firm.credit + earned).min(8.0 * RUN);
        firm.credited = now;
        let action = if firm.left > 0 {
            self.sweep(actor, number, now, matcher)
        } else if firm.run > 0 {
            self.probe(actor, number, now, matcher)
        } else {
            self.begin_run(actor, number, now);
            None
        };
        if action.is_some() {
            self.firms[number as usize].credit -= 1.0;
        }
        action
    }

    /// Looks over the quotes from the cursor on, up to the first that must change.
    fn sweep(&mut self, actor: u32, number: u32, now: Nanos, matcher: &Matcher) -> Option<Action> {
        let Firm { underlying, ref pairs, mut cursor, mut left, .. } = self.firms[number as usize];
        let first = pairs.start;
        let one = &self.underlyings[underlying as usize];
        let seen = one.market_value(matcher, &self.products, now, &self.config);
        let told = one.value;
        let mut action = None;
        while left > 0 {
            let pair = &self.pairs[(first + cursor) as usize];
            let value = if pair.follows_market { seen } else { told };
            if !(pair.low <= value && value <= pair.high) {
                action = self.visit(first + cursor, value, now, matcher);
                if action.is_some() {
                    break;
                }
            }
            cursor += 1;
            left -= 1;
        }
        let firm = &mut self.firms[number as usize];
        (firm.cursor, firm.left) = (cursor, left);
        let due = if left > 0 {
            now.plus(self.random.gap(self.config.pace_ns))
        } else if firm.echoes > 0 {
            firm.echoes -= 1;
            (firm.cursor, firm.left) = (0, firm.pairs.end - firm.pairs.start);
            now.plus(self.random.gap(self.config.reaction_ns * 4.0))
        } else {
            now.plus(self.random.gap(self.config.reaction_ns))
        };
        self.agenda.set(actor, due);
        action
    }

    /// Looks at one pair and sends the first thing it needs, if anything.
    fn visit(&mut self, place: u32, value: f64, now: Nanos, matcher: &Matcher) -> Option<Action> {
        let pair = &self.pairs[place as usize];
        let product = &self.products[pair.product as usize];
        let is_open = matcher.phase(product.instrument) == Phase::Continuous;
        if !is_open || now < pair.rests_until {
            return None;
        }
        let Aim { targets, slack, .. } = self.targets(place, value, now, matcher);
        // The side that makes room goes first: the sell when prices rise.
        let sell = self.orders.at(place * 2 + 1);
        let rises = targets[1].is_some_and(|target| target > sell.price);
        let sides = if rises { [Side::Sell, Side::Buy] } else { [Side::Buy, Side::Sell] };
        for side in sides {
            let action = self.settle_quote(place, side, targets[side as usize], now);
            if action.is_some() {
                return action;
            }
        }
        self.pairs[place as usize].settle(value, slack);
        None
    }

    /// Where a pair's quotes should be.
    pub(super) fn targets(&mut self, place: u32, value: f64, now: Nanos, matcher: &Matcher) -> Aim {
        let pair = &mut self.pairs[place as usize];
        let product = &mut self.products[pair.product as usize];
        let forward = value * (1.0 + self.config.rate * product.years(now));
        let worth = product.worth(forward, now, &self.config);
        pair.inventory *= INVENTORY_KEPT;
        let full = (pair.inventory / self.config.inventory_lots).clamp(-1.0, 1.0);
        let half = product.half * pair.width;
        let middle = worth.price - full * self.config.skew * half;
        let books = matcher.books();
        let mut targets = [None; 2];
        let mut off: f64 = 0.0;
        for side in Side::BOTH {
            let is_buy = side == Side::Buy;
            let wanted = middle - half * side.sign() as f64;
            // What is worth less than half a spread gets no bid.
            if is_buy && wanted < product.tick {
                continue;
            }
            let mut target = product.on_tick(wanted, is_buy);
            if let Some(other) = books.touch(product.instrument, side.opposite()) {
                let own = self.orders.at(place * 2 + side.opposite() as u32);
                let is_own =
                    own.stage == Stage::Open && own.price == other.price && other.orders == 1;
                // One tick before the other side; its own quote there is about to move.
                let bound = Px(other.price.0 - side.sign() * product.terms.tick.0);
                if !is_own && side.is_better(target, bound) {
                    target = bound;
                }
            }
            if target.0 < product.terms.tick.0 || !product.terms.band.contains(target) {
                continue;
            }
            targets[side as usize] = Some(target);
            let own = self.orders.at(place * 2 + side as u32);
            if own.stage == Stage::Open {
                off = off.max((own.price - target).to_rupees().abs());
            }
        }
        let tolerance = product.tolerance * pair.width;
        let delta = worth.delta.abs().max(1e-3);
        Aim { targets, slack: (tolerance - off).max(0.0) / delta, tolerance, delta }
    }

    /// Brings one quote to its target.
    fn settle_quote(
        &mut self,
        place: u32,
        side: Side,
        target: Option<Px>,
        now: Nanos,
    ) -> Option<Action> {
        let slot = place * 2 + side as u32;
        let pair = &self.pairs[place as usize];
        let tolerance = self.products[pair.product as usize].tolerance * pair.width;
        let own = *self.orders.at(slot);
        match (own.stage, target) {
            (Stage::Free, Some(price)) => Some(self.send_quote(place, slot, side, price)),
            (Stage::Open, None) if !own.is_changing => {
                self.pairs[place as usize].rests_until = now.plus(IDLE_NS);
                Some(Action::Cancel(Target::new(own.order_id, own.member)))
            }
            (Stage::Open, Some(price)) if !own.is_changing => {
                let off = (own.price - price).to_rupees().abs();
                (off > tolerance).then(|| self.change_quote(slot, price, own.quantity))
            }
            _ => None,
        }
    }

    fn send_quote(&mut self, place: u32, slot: u32, side: Side, price: Px) -> Action {
        let Pair { product, firm, .. } = self.pairs[place as usize];
        let quantity = self.draw_quantity(product);
        let maker = self.firms[firm as usize].maker;
        let draft =
            Order::limit(self.products[product as usize].instrument, side, price, Qty(quantity));
        Action::Submit(self.send(slot, product, maker, &draft))
    }

    pub(super) fn change_quote(&mut self, slot: u32, price: Px, quantity: u32) -> Action {
        self.orders.at_mut(slot).is_changing = true;
        let own = *self.orders.at(slot);
        let target = Target::new(own.order_id, own.member);
        let instrument = self.products[own.product as usize].instrument;
        let order = Order {
            member: own.member,
            owner: self.owners[(own.member - self.config.member_first) as usize],
            reference: self.orders.reference(slot),
            ..Order::limit(instrument, own.side, price, Qty(quantity))
        };
        Action::Modify { target, order }
    }
}
