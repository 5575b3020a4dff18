//! Pre-trade checks: one pass over an order before it leaves, one reason for a refusal.
//!
//! The order of the checks is the order of [`RejectReason`]'s codes, so the first that fails is the
//! one of highest precedence; `docs/compliance.md` lists them with their rules. The list follows the minimum controls of SEBI CIR/MRD/DP/09/2012
//! (price, quantity, order value, cumulative open order value, unconfirmed orders counted) and
//! NSE/INVG/69255 section VI. A cancel is never refused by a limit: it can only make things safer.

mod explain;
#[cfg(test)]
mod explain_tests;
mod guards;
#[cfg(test)]
mod guards_tests;
mod limits;
mod losses;
mod snapshot;
pub mod tags;
mod underlyings;

pub(crate) use explain::Checks;
pub use explain::{Check, Measure};
pub(crate) use guards::{Ask, Guards};
pub use limits::{GuardLimits, Restriction};
pub(crate) use losses::Losses;

use tezi_model::{
    Instrument, InstrumentKind, Money, Nanos, Px, Qty, RejectReason, Side, TradingStatus,
};

use crate::config::RiskLimits;
use crate::oms::{Exposure, OrderSessionState};

/// An order, or the changed version of one, as it would leave.
#[derive(Clone, Copy, Debug)]
pub struct Proposal {
    /// Buy or sell.
    pub side: Side,
    /// Limit price.
    pub price: Px,
    /// What would be open: total quantity less what is filled.
    pub open_quantity: Qty,
    /// Total quantity, as the exchange sees it.
    pub quantity: Qty,
    /// Exposure this order already has (zero for a new one): its quantity is in `Market::exposure`
    /// and its value in `Market::open_value`.
    pub replaces: Option<(Qty, Money)>,
}

impl Proposal {
    /// A new order.
    #[must_use]
    pub const fn new_order(side: Side, price: Px, quantity: Qty) -> Self {
        Self { side, price, open_quantity: quantity, quantity, replaces: None }
    }

    /// The position towards the order's side that `net` would become if everything open on that side
    /// filled, this too, and nothing on the other.
    #[inline]
    pub(crate) fn worst_towards(&self, net: i64, exposure: &Exposure) -> i64 {
        let had = self.replaces.map_or(0, |(quantity, _)| i64::from(quantity.0));
        let open = match self.side {
            Side::Buy => exposure.buy,
            Side::Sell => exposure.sell,
        };
        let added = i64::from(self.open_quantity.0).max(had) - had;
        net * self.side.sign() + open + added
    }
}

/// What the checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Market {
    /// The best price of the other side.
    pub opposite_touch: Option<Px>,
    /// The last trade.
    pub last_trade: Option<Px>,
    /// The best own open order of the other side.
    pub own_opposite: Option<Px>,
    /// Whether messages of the stream are lost.
    pub is_stale: bool,
    /// Whether and how the instrument trades.
    pub status: TradingStatus,
    /// Position held.
    pub net: i64,
    /// Own open orders of the instrument.
    pub exposure: Exposure,
    /// Own open orders, all instruments.
    pub open_orders: usize,
    /// Their value.
    pub open_value: Money,
}

/// Limits and what of them is used.
#[derive(Clone, Copy, Debug)]
pub struct Risk {
    limits: RiskLimits,
    stop: Option<RejectReason>,
    is_paused: bool,
    /// Why nothing new leaves at all: the stop, or the pause.
    refuses: Option<RejectReason>,
    /// `None` until it is said; the way is then taken to be open.
    session: Option<OrderSessionState>,
    second: i64,
    messages: u32,
    messages_peak: u32,
}

impl Risk {
    /// All limits unused.
    #[must_use]
    pub const fn new(limits: RiskLimits) -> Self {
        Self {
            limits,
            stop: None,
            is_paused: false,
            refuses: None,
            session: None,
            second: 0,
            messages: 0,
            messages_peak: 0,
        }
    }

    /// Checks a new order or a change.
    ///
    /// # Errors
    ///
    /// The reason of highest precedence. Nothing is counted for a refused order.
    #[inline]
    pub fn check(
        &self,
        now: Nanos,
        instrument: &Instrument,
        market: &Market,
        proposal: &Proposal,
    ) -> Result<(), RejectReason> {
        match self.refuses {
            Some(reason) => Err(reason),
            None => self.check_order(now, instrument, market, proposal),
        }
    }

    /// As [`Risk::check`], for an order of the core's own that leaves in spite of a stop or pause.
    ///
    /// # Errors
    ///
    /// As [`Risk::check`].
    #[inline]
    pub(crate) fn check_order(
        &self,
        now: Nanos,
        instrument: &Instrument,
        market: &Market,
        proposal: &Proposal,
    ) -> Result<(), RejectReason> {
        let limits = &self.limits;
        if market.is_stale && limits.trade_on_stale == 0 {
            return Err(RejectReason::StaleMarketData);
        }
        if matches!(market.status, TradingStatus::Halted | TradingStatus::Closed)
            && limits.trade_when_halted == 0
        {
            return Err(RejectReason::NotTrading);
        }
        if instrument.kind() == InstrumentKind::Index || instrument.legs().is_some() {
            return Err(RejectReason::NotTradable);
        }
        check_quantity(instrument, proposal)?;
        check_price(instrument, limits, market, proposal)?;
        self.check_value(market, proposal)?;
        if let Some(own) = market.own_opposite
            && proposal.side.crosses(proposal.price, own)
        {
            return Err(RejectReason::SelfTrade);
        }
        self.check_position(market, proposal)?;
        let rate = limits.messages_per_second_max;
        if rate > 0 && now.second() == self.second && self.messages >= rate {
            return Err(RejectReason::MessageRate);
        }
        if self.session == Some(OrderSessionState::Down) {
            return Err(RejectReason::SessionDown);
        }
        Ok(())
    }

    /// Counts a message that leaves.
    #[inline]
    pub const fn count_message(&mut self, now: Nanos) {
        if now.second() != self.second {
            self.second = now.second();
            self.messages = 0;
        }
        self.messages += 1;
        if self.messages > self.messages_peak {
            self.messages_peak = self.messages;
        }
    }

    /// Stops trading for good. The first reason stands.
    pub const fn stop(&mut self, reason: RejectReason) {
        if self.stop.is_none() {
            self.stop = Some(reason);
            self.refuses = Some(reason);
        }
    }

    /// Takes a stop back; trading is paused then.
    pub(crate) const fn release(&mut self) {
        self.stop = None;
        self.set_paused(true);
    }

    /// Begins or ends a pause. A stop goes before it.
    pub(crate) const fn set_paused(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
        if self.stop.is_none() {
            self.refuses = if is_paused { Some(RejectReason::Paused) } else { None };
        }
    }

    /// Whether an operator has paused trading.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Why nothing new leaves at all, `None` while it may.
    #[must_use]
    pub const fn refuses(&self) -> Option<RejectReason> {
        self.refuses
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &RiskLimits {
        &self.limits
    }

    /// Sets the limits in force.
    pub(crate) const fn set_limits(&mut self, limits: RiskLimits) {
        self.limits = limits;
    }

    /// Notes how the order session stands; how it stood before.
    pub const fn set_session(&mut self, state: OrderSessionState) -> Option<OrderSessionState> {
        self.session.replace(state)
    }

    /// How the order session stands, `None` while nobody said.
    #[must_use]
    pub const fn session(&self) -> Option<OrderSessionState> {
        self.session
    }

    /// Why trading is stopped, `None` while it is not.
    #[must_use]
    pub const fn stopped(&self) -> Option<RejectReason> {
        self.stop
    }

    /// Whether a profit (negative: loss) reaches the loss limit.
    #[inline]
    #[must_use]
    pub const fn is_loss_limit(&self, profit: Money) -> bool {
        self.limits.loss_max > 0 && profit.0 <= -Money::from_rupees(self.limits.loss_max).0
    }

    /// The most messages that left in one second of the clock.
    #[must_use]
    pub const fn messages_peak(&self) -> u32 {
        self.messages_peak
    }

    fn check_value(&self, market: &Market, proposal: &Proposal) -> Result<(), RejectReason> {
        let value = proposal.price.value(i64::from(proposal.open_quantity.0)).abs();
        if self.limits.order_value().is_some_and(|most| value > most) {
            return Err(RejectReason::OrderValue);
        }
        // A change in flight counts at the worse of both versions until the venue answers.
        let had = proposal.replaces.map_or(Money::ZERO, |(_, value)| value);
        let total = market.open_value - had + value.max(had);
        if self.limits.open_order_value().is_some_and(|most| total > most) {
            return Err(RejectReason::OpenOrderValue);
        }
        let most = self.limits.open_orders_max as usize;
        if most > 0 && proposal.replaces.is_none() && market.open_orders >= most {
            return Err(RejectReason::OpenOrders);
        }
        Ok(())
    }

    /// What the position would be if everything open on this side filled, and nothing on the other.
    fn check_position(&self, market: &Market, proposal: &Proposal) -> Result<(), RejectReason> {
        let most = self.limits.position_max;
        if most == 0 {
            return Ok(());
        }
        let towards = proposal.worst_towards(market.net, &market.exposure);
        // What only brings a position back towards zero is let out even beyond the limit.
        if towards > most { Err(RejectReason::PositionLimit) } else { Ok(()) }
    }
}

fn check_quantity(instrument: &Instrument, proposal: &Proposal) -> Result<(), RejectReason> {
    if proposal.open_quantity.is_zero() {
        return Err(RejectReason::InvalidQuantity);
    }
    let lot = instrument.lot.0;
    if lot > 1 && !proposal.quantity.0.is_multiple_of(lot) {
        return Err(RejectReason::LotSize);
    }
    let freeze = instrument.freeze_quantity;
    if !freeze.is_zero() && proposal.quantity > freeze {
        return Err(RejectReason::FreezeQuantity);
    }
    Ok(())
}

fn check_price(
    instrument: &Instrument,
    limits: &RiskLimits,
    market: &Market,
    proposal: &Proposal,
) -> Result<(), RejectReason> {
    let price = proposal.price;
    if price.0 <= 0 {
        return Err(RejectReason::InvalidPrice);
    }
    if !price.is_multiple_of(instrument.tick) {
        return Err(RejectReason::TickSize);
    }
    let (low, high) = (instrument.price_low, instrument.price_high);
    if (low.0 > 0 && price < low) || (high.0 > 0 && price > high) {
        return Err(RejectReason::PriceBand);
    }
    let Some(reference) = market.opposite_touch.or(market.last_trade) else { return Ok(()) };
    if limits.fat_finger_bps == 0 {
        return Ok(());
    }
    if through_by(proposal, reference, limits.fat_finger_bps) {
        return Err(RejectReason::FatFinger);
    }
    Ok(())
}

/// Whether a price lies further through `reference` than so many basis points of it.
#[inline]
fn through_by(proposal: &Proposal, reference: Px, bps: u32) -> bool {
    let through =
        (i128::from(proposal.price.0) - i128::from(reference.0)) * i128::from(proposal.side.sign());
    through * 10_000 > i128::from(reference.0).abs() * i128::from(bps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tezi_model::{Segment, Token};

    fn instrument() -> Instrument {
        let mut instrument = Instrument::unknown(Segment::NseFo, Token(1));
        instrument.tick = Px::from_paise(5);
        instrument.lot = Qty(65);
        instrument.freeze_quantity = Qty(650);
        instrument.price_low = Px::from_paise(100);
        instrument.price_high = Px::from_paise(20_000);
        instrument
    }

    fn market() -> Market {
        Market {
            opposite_touch: Some(Px::from_paise(10_000)),
            last_trade: None,
            own_opposite: None,
            is_stale: false,
            status: TradingStatus::Unknown,
            net: 0,
            exposure: Exposure::default(),
            open_orders: 0,
            open_value: Money::ZERO,
        }
    }

    fn limits() -> RiskLimits {
        RiskLimits {
            order_value_max: 20_000,
            open_order_value_max: 30_000,
            position_max: 195,
            open_orders_max: 2,
            messages_per_second_max: 3,
            ..RiskLimits::default()
        }
    }

    fn buy(paise: i64, quantity: u32) -> Proposal {
        Proposal {
            side: Side::Buy,
            price: Px::from_paise(paise),
            open_quantity: Qty(quantity),
            quantity: Qty(quantity),
            replaces: None,
        }
    }

    fn verdict(market: &Market, proposal: &Proposal) -> Result<(), RejectReason> {
        Risk::new(limits()).check(Nanos(1), &instrument(), market, proposal)
    }

    #[test]
    fn each_check_refuses_with_its_own_reason() {
        use RejectReason as R;
        let stale = Market { is_stale: true, ..market() };
        let [halted, closed, auction] =
            [TradingStatus::Halted, TradingStatus::Closed, TradingStatus::Auction]
                .map(|status| Market { status, ..market() });
        let own = Market { own_opposite: Some(Px::from_paise(10_000)), ..market() };
        let full = Market { open_orders: 2, ..market() };
        let open = Market { open_value: Money::from_rupees(25_000), ..market() };
        let long =
            Market { net: 130, exposure: Exposure { buy: 65, sell: 0, orders: 1 }, ..market() };
        let cases = [
            (market(), buy(10_000, 65), Ok(())),
            (stale, buy(10_000, 65), Err(R::StaleMarketData)),
            (halted, buy(10_000, 65), Err(R::NotTrading)),
            (closed, buy(10_000, 0), Err(R::NotTrading)),
            (auction, buy(10_000, 65), Ok(())),
            (market(), buy(10_000, 0), Err(R::InvalidQuantity)),
            (market(), buy(10_000, 66), Err(R::LotSize)),
            (market(), buy(100, 715), Err(R::FreezeQuantity)),
            (market(), buy(0, 65), Err(R::InvalidPrice)),
            (market(), buy(10_001, 65), Err(R::TickSize)),
            (market(), buy(95, 65), Err(R::PriceBand)),
            (market(), buy(10_505, 65), Err(R::FatFinger)),
            (market(), buy(10_500, 65), Ok(())),
            (market(), buy(10_000, 260), Err(R::OrderValue)),
            (open, buy(10_000, 65), Err(R::OpenOrderValue)),
            (full, buy(10_000, 65), Err(R::OpenOrders)),
            (own, buy(10_000, 65), Err(R::SelfTrade)),
            (own, buy(9_995, 65), Ok(())),
            (long, buy(10_000, 65), Err(R::PositionLimit)),
        ];
        for (market, proposal, expected) in cases {
            assert_eq!(verdict(&market, &proposal), expected, "{proposal:?}");
        }
    }

    #[test]
    fn what_cannot_be_ordered_is_refused_whatever_its_status() {
        let market = Market { status: TradingStatus::Open, ..market() };
        let spread = Instrument::spread(&instrument(), Token(2));
        let index = Instrument::index(Segment::NseCm, Token(1));
        for it in [spread, index] {
            let verdict = Risk::new(limits()).check(Nanos(1), &it, &market, &buy(10_000, 65));
            assert_eq!(verdict, Err(RejectReason::NotTradable), "{it}");
        }
        // A spread that the exchange lists as a contract of its own is one.
        let own = Instrument { strike: Px::ZERO, ..spread };
        let verdict = Risk::new(limits()).check(Nanos(1), &own, &market, &buy(10_000, 65));
        assert_eq!(verdict, Ok(()));
    }

    #[test]
    fn the_switch_lets_orders_out_in_what_is_halted() {
        let risk = Risk::new(RiskLimits { trade_when_halted: 1, ..limits() });
        let market = Market { status: TradingStatus::Halted, ..market() };
        assert_eq!(risk.check(Nanos(1), &instrument(), &market, &buy(10_000, 65)), Ok(()));
    }

    #[test]
    fn a_change_counts_at_the_worse_of_both_versions() {
        let had = (Qty(130), Px::from_paise(10_000).value(130));
        let market = Market {
            exposure: Exposure { buy: 130, sell: 0, orders: 1 },
            open_value: Money::from_rupees(30_000),
            ..market()
        };
        let change = Proposal { replaces: Some(had), ..buy(9_000, 195) };
        assert_eq!(verdict(&market, &change), Err(RejectReason::OpenOrderValue));
        let smaller = Proposal { replaces: Some(had), ..buy(9_000, 65) };
        assert_eq!(verdict(&market, &smaller), Ok(()));
    }

    #[test]
    fn beyond_the_limit_the_way_back_stays_open() {
        let market = Market { net: -390, ..market() };
        assert_eq!(verdict(&market, &buy(10_000, 65)), Ok(()));
    }

    #[test]
    fn messages_are_counted_on_the_clock_second() {
        let mut risk = Risk::new(limits());
        let second = |nanos: i64| Nanos(5_000_000_000 + nanos);
        for nanos in 0..3 {
            let check = risk.check(second(nanos), &instrument(), &market(), &buy(10_000, 65));
            assert_eq!(check, Ok(()));
            risk.count_message(second(nanos));
        }
        let late = |nanos| risk.check(second(nanos), &instrument(), &market(), &buy(10_000, 65));
        assert_eq!(late(999_999_999), Err(RejectReason::MessageRate));
        assert_eq!(late(1_000_000_000), Ok(()));
    }

    #[test]
    fn the_first_stop_stands() {
        let mut risk = Risk::new(limits());
        assert!(risk.is_loss_limit(Money::from_rupees(-1_000_000)));
        risk.stop(RejectReason::LossLimit);
        risk.stop(RejectReason::Killed);
        let check = risk.check(Nanos(1), &instrument(), &market(), &buy(10_000, 65));
        assert_eq!(check, Err(RejectReason::LossLimit));
    }
}
