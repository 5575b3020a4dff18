//! Every check of one request with what it found and what it allows: for people who ask why, long after.
//!
//! The checks themselves stop at the first that fails and say no more than its code. Here each is made
//! once more by itself and told; the first that fails is the one of [`Risk::check`] and the guards, and
//! a test holds the two against each other over everything that can be asked.

use tezi_model::{Instrument, InstrumentKind, Money, Nanos, Px, RejectReason, Side, TradingStatus};

use super::{Market, Proposal, Risk};
use crate::oms::OrderSessionState;

/// One side of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// There is none: the limit is off, or nothing is known to compare with.
    None,
    /// In the unit of prices.
    Price(Px),
    /// Money.
    Money(Money),
    /// Units, orders, messages.
    Count(i64),
    /// A word.
    Word(&'static str),
}

/// One check of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// The reason that a failure gives.
    pub reason: RejectReason,
    /// What the request comes to.
    pub found: Measure,
    /// What is allowed.
    pub limit: Measure,
    /// Whether it passes.
    pub passed: bool,
}

/// Collects checks in order of precedence.
pub(crate) struct Checks(pub(crate) Vec<Check>);

impl Checks {
    pub(crate) fn add(
        &mut self,
        reason: RejectReason,
        passed: bool,
        found: Measure,
        limit: Measure,
    ) {
        self.0.push(Check { reason, found, limit, passed });
    }

    /// A number that must not be above another; nought switches the limit off.
    pub(crate) fn at_most(&mut self, reason: RejectReason, found: i64, most: i64) {
        let limit = if most > 0 { Measure::Count(most) } else { Measure::None };
        self.add(reason, most <= 0 || found <= most, Measure::Count(found), limit);
    }

    /// The same of money against a limit in rupees.
    pub(crate) fn at_most_money(&mut self, reason: RejectReason, found: Money, most: i64) {
        let limit = Money::from_rupees(most);
        let passed = most <= 0 || found <= limit;
        let limit = if most > 0 { Measure::Money(limit) } else { Measure::None };
        self.add(reason, passed, Measure::Money(found), limit);
    }
}

impl Risk {
    /// Tells every check of [`Risk::check`], whether or not an earlier one fails.
    pub(crate) fn explain(
        &self,
        now: Nanos,
        instrument: &Instrument,
        market: &Market,
        proposal: &Proposal,
        checks: &mut Checks,
    ) {
        use RejectReason as R;
        let word = |is: bool, yes, no| Measure::Word(if is { yes } else { no });
        let limits = &self.limits;
        for reason in [R::Killed, R::LossLimit, R::Drawdown, R::MinuteLoss] {
            let stopped = self.stop == Some(reason);
            checks.add(reason, !stopped, word(stopped, "stopped", "trading"), Measure::None);
        }
        let state = word(self.is_paused, "paused", "trading");
        checks.add(R::Paused, !self.is_paused, state, Measure::None);
        let may = |is: bool| word(is, "either way", "whole");
        let may_be_stale = limits.trade_on_stale != 0;
        checks.add(
            R::StaleMarketData,
            !market.is_stale || may_be_stale,
            word(market.is_stale, "stale", "whole"),
            may(may_be_stale),
        );
        let is_halted = matches!(market.status, TradingStatus::Halted | TradingStatus::Closed);
        checks.add(
            R::NotTrading,
            !is_halted || limits.trade_when_halted != 0,
            Measure::Word(market.status.name()),
            word(limits.trade_when_halted != 0, "either way", "not halted, not closed"),
        );
        let is_none = instrument.kind() == InstrumentKind::Index || instrument.legs().is_some();
        let what = word(is_none, "an index or a spread of two legs", "a contract");
        checks.add(R::NotTradable, !is_none, what, Measure::Word("a contract"));
        explain_quantity(instrument, proposal, checks);
        explain_price(instrument, limits.fat_finger_bps, market, proposal, checks);
        self.explain_value(market, proposal, checks);
        let own = market.own_opposite;
        checks.add(
            R::SelfTrade,
            own.is_none_or(|own| !proposal.side.crosses(proposal.price, own)),
            Measure::Price(proposal.price),
            own.map_or(Measure::None, Measure::Price),
        );
        let towards = self.towards(market, proposal);
        checks.at_most(R::PositionLimit, towards, limits.position_max);
        let sent = if now.second() == self.second { i64::from(self.messages) } else { 0 };
        checks.at_most(R::MessageRate, sent + 1, i64::from(limits.messages_per_second_max));
        let is_down = self.session == Some(OrderSessionState::Down);
        let state = self.session.map_or(Measure::None, |state| Measure::Word(state.name()));
        checks.add(R::SessionDown, !is_down, state, Measure::Word("live"));
    }

    fn explain_value(&self, market: &Market, proposal: &Proposal, checks: &mut Checks) {
        use RejectReason as R;
        let value = proposal.price.value(i64::from(proposal.open_quantity.0)).abs();
        let had = proposal.replaces.map_or(Money::ZERO, |(_, value)| value);
        let total = market.open_value - had + value.max(had);
        let pairs = [
            (R::OrderValue, value, self.limits.order_value()),
            (R::OpenOrderValue, total, self.limits.open_order_value()),
        ];
        for (reason, found, most) in pairs {
            let limit = most.map_or(Measure::None, Measure::Money);
            checks.add(reason, most.is_none_or(|most| found <= most), Measure::Money(found), limit);
        }
        let is_new = proposal.replaces.is_none();
        let open = market.open_orders as i64 + i64::from(is_new);
        let most = if is_new { i64::from(self.limits.open_orders_max) } else { 0 };
        checks.at_most(R::OpenOrders, open, most);
    }

    /// What the position would be on the order's side with everything open there filled.
    fn towards(&self, market: &Market, proposal: &Proposal) -> i64 {
        let had = proposal.replaces.map_or(0, |(quantity, _)| i64::from(quantity.0));
        let open = match proposal.side {
            Side::Buy => market.exposure.buy,
            Side::Sell => market.exposure.sell,
        };
        let added = i64::from(proposal.open_quantity.0).max(had) - had;
        market.net * proposal.side.sign() + open + added
    }
}

fn explain_quantity(instrument: &Instrument, proposal: &Proposal, checks: &mut Checks) {
    use RejectReason as R;
    let count = |quantity: u32| Measure::Count(i64::from(quantity));
    let open = proposal.open_quantity;
    checks.add(R::InvalidQuantity, !open.is_zero(), count(open.0), Measure::Word("more than 0"));
    let (quantity, lot) = (proposal.quantity, instrument.lot.0);
    let in_lots = lot <= 1 || quantity.0.is_multiple_of(lot);
    let limit = if lot > 1 { count(lot) } else { Measure::None };
    checks.add(R::LotSize, in_lots, count(quantity.0), limit);
    let freeze = i64::from(instrument.freeze_quantity.0);
    checks.at_most(R::FreezeQuantity, i64::from(quantity.0), freeze);
}

fn explain_price(
    instrument: &Instrument,
    fat_finger_bps: u32,
    market: &Market,
    proposal: &Proposal,
    checks: &mut Checks,
) {
    use RejectReason as R;
    let (price, found) = (proposal.price, Measure::Price(proposal.price));
    let known = |price: Px| if price.0 > 0 { Measure::Price(price) } else { Measure::None };
    checks.add(R::InvalidPrice, price.0 > 0, found, Measure::None);
    let tick = instrument.tick;
    checks.add(R::TickSize, price.0 <= 0 || price.is_multiple_of(tick), found, known(tick));
    let (low, high) = (instrument.price_low, instrument.price_high);
    let is_below = low.0 > 0 && price < low;
    let is_inside = !is_below && (high.0 <= 0 || price <= high);
    checks.add(R::PriceBand, is_inside, found, known(if is_below { low } else { high }));
    let reference = market.opposite_touch.or(market.last_trade);
    checks.add(
        R::FatFinger,
        reference.is_none_or(|it| {
            fat_finger_bps == 0 || !super::through_by(proposal, it, fat_finger_bps)
        }),
        found,
        match reference {
            Some(it) if fat_finger_bps > 0 => {
                Measure::Price(furthest(proposal, it, fat_finger_bps))
            }
            _ => Measure::None,
        },
    );
}

/// The furthest price through `reference` that so many basis points allow.
pub(super) fn furthest(proposal: &Proposal, reference: Px, bps: u32) -> Px {
    let by = i128::from(reference.0).abs() * i128::from(bps) / 10_000;
    let price = i128::from(reference.0) + by * i128::from(proposal.side.sign());
    Px(i64::try_from(price).unwrap_or(i64::MAX))
}
