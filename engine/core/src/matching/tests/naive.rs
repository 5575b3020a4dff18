//! The same rules, written to be read: orders in one list, every question a search through it.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use super::super::{BlockTerms, LegsFill};
use super::super::{
    CancelReason, InstrumentTerms, Order, OrderForm, OrderState, Refusal, Report, RequestKind,
    SelfTrade, Spread, Target, Trade, TradeKind,
};
use crate::venue::auction::{AuctionLevel, AuctionOrders, discover};
use crate::venue::bands::PriceBand;
use crate::venue::rules::AllocationOrder;
use crate::venue::session::{OrderAction, OrderType, Phase, PhaseTask};

#[derive(Clone, Copy, Debug)]
pub(super) struct NaiveOrder {
    pub(super) id: OrderId,
    pub(super) order: Order,
    pub(super) form: OrderForm,
    pub(super) traded: u32,
    pub(super) shown: u32,
    pub(super) activity: Nanos,
    /// Its place in time: lower is earlier.
    pub(super) rank: u64,
}

impl NaiveOrder {
    pub(super) fn open(&self) -> u32 {
        self.order.quantity.0 - self.traded
    }

    pub(super) fn slice(&self) -> u32 {
        if self.order.disclosed == Qty::ZERO {
            self.open()
        } else {
            self.open().min(self.order.disclosed.0)
        }
    }

    fn is_stop(&self) -> bool {
        matches!(self.order.order_type, OrderType::StopLimit | OrderType::StopMarket)
    }

    fn is_market(&self) -> bool {
        self.order.order_type == OrderType::Market
    }

    pub(super) fn accepts(&self, price: Px) -> bool {
        self.is_market() || self.order.side.crosses(self.order.price, price)
    }

    pub(super) fn state(&self, now: Nanos, shown: u32) -> OrderState {
        let order = self.order;
        let has_price = matches!(order.order_type, OrderType::Limit | OrderType::StopLimit);
        OrderState {
            order_id: self.id,
            time: now,
            reference: order.reference,
            member: order.member,
            instrument: order.instrument,
            form: self.form,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            price: if has_price { order.price } else { Px::ZERO },
            trigger: if self.is_stop() { order.trigger } else { Px::ZERO },
            quantity: order.quantity,
            traded: Qty(self.traded),
            shown: Qty(shown),
        }
    }
}

pub(super) struct NaiveMarket {
    pub(super) terms: InstrumentTerms,
    pub(super) spread: Option<Spread>,
    pub(super) block: Option<BlockTerms>,
    pub(super) phase: Phase,
    pub(super) last: Option<Px>,
    pub(super) close: Option<Px>,
    /// Prices of trades that stop-loss orders have not seen.
    unseen: Vec<Px>,
    owes_auction: bool,
    market_limit: Px,
}

pub(super) struct Naive {
    pub(super) markets: Vec<NaiveMarket>,
    pub(super) resting: Vec<NaiveOrder>,
    pub(super) stops: Vec<NaiveOrder>,
    pub(super) frozen: Vec<(NaiveOrder, RequestKind)>,
    /// Block orders, in the order in which they came.
    pub(super) blocks: Vec<NaiveOrder>,
    pub(super) legs_fill: LegsFill,
    pub(super) trades: Vec<Option<Trade>>,
    pub(super) id_next: u64,
    ranks: u64,
    pub(super) reports: Vec<Report>,
}

impl Naive {
    pub(super) fn new(terms: &[InstrumentTerms]) -> Self {
        let market = |terms: &InstrumentTerms| NaiveMarket {
            terms: *terms,
            spread: None,
            block: None,
            phase: Phase::Closed,
            last: None,
            close: None,
            unseen: Vec::new(),
            owes_auction: false,
            market_limit: terms.reference,
        };
        Self {
            markets: terms.iter().map(market).collect(),
            resting: Vec::new(),
            stops: Vec::new(),
            frozen: Vec::new(),
            blocks: Vec::new(),
            legs_fill: LegsFill::Proportional,
            trades: Vec::new(),
            id_next: 1,
            ranks: 0,
            reports: Vec::new(),
        }
    }

    pub(super) fn phase(&self, instrument: InstrumentId) -> Phase {
        self.markets[instrument.index()].phase
    }

    pub(super) fn submit(&mut self, now: Nanos, order: &Order) {
        if let Err(refusal) = self.check(order, None, 0) {
            return self.refuse(now, RequestKind::New, OrderId(0), order, refusal);
        }
        let id = OrderId(self.id_next);
        self.id_next += 1;
        let fresh = self.fresh(now, id, order, 0);
        if self.is_frozen(order) {
            self.frozen.push((fresh, RequestKind::New));
            return self.reports.push(Report::Frozen(fresh.state(now, fresh.open())));
        }
        self.reports.push(Report::Accepted(fresh.state(now, fresh.open())));
        self.enter(now, fresh);
    }

    pub(super) fn modify(&mut self, now: Nanos, target: Target, order: &Order) {
        if self.blocks.iter().any(|block| block.id == target.order_id) {
            return self.modify_block(now, target, order);
        }
        if let Err(refusal) = self.try_modify(now, target, order, true) {
            self.refuse(now, RequestKind::Modify, target.order_id, order, refusal);
        }
    }

    fn try_modify(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
        freezes: bool,
    ) -> Result<(), Refusal> {
        let is_undecided = self.frozen.iter().any(|(frozen, _)| frozen.id == target.order_id);
        let both = self.resting.iter().chain(&self.stops);
        let Some(&old) = both.into_iter().find(|old| old.id == target.order_id) else {
            return Err(if is_undecided { Refusal::Undecided } else { Refusal::UnknownOrder });
        };
        if old.order.member != target.member {
            return Err(Refusal::NotYourOrder);
        }
        if target.last_activity != Nanos::ZERO && target.last_activity != old.activity {
            return Err(Refusal::OrderChanged);
        }
        if is_undecided {
            return Err(Refusal::Undecided);
        }
        let new = self.fresh(now, old.id, order, old.traded);
        let is_fixed = old.order.instrument != order.instrument
            || old.order.side != order.side
            || old.order.owner != order.owner
            || old.order.self_trade != order.self_trade
            || old.order.member != order.member
            || (new.is_stop() && !old.is_stop());
        if is_fixed {
            return Err(Refusal::FixedField);
        }
        self.check(order, Some(old.order.order_type), old.traded)?;
        if freezes && self.is_frozen(order) && order.quantity > old.order.quantity {
            self.frozen.push((new, RequestKind::Modify));
            self.reports.push(Report::Frozen(new.state(now, new.open())));
            return Ok(());
        }
        if let Some(shown) = kept_place(&old, order) {
            let at = self.resting.iter().position(|resting| resting.id == old.id).unwrap();
            let resting = &mut self.resting[at];
            let order_price = resting.order.price;
            resting.order = Order { price: order_price, ..*order };
            resting.shown = shown;
            resting.activity = now;
            self.reports.push(Report::Modified(resting.state(now, shown)));
            return Ok(());
        }
        self.resting.retain(|resting| resting.id != old.id);
        self.stops.retain(|stop| stop.id != old.id);
        self.reports.push(Report::Modified(new.state(now, new.open())));
        self.enter(now, new);
        Ok(())
    }

    pub(super) fn cancel(&mut self, now: Nanos, target: Target) {
        if let Err(refusal) = self.try_cancel(now, target) {
            let (request, time) = (RequestKind::Cancel, now);
            let Target { order_id, member, .. } = target;
            let mut all = self.resting.iter().chain(&self.blocks);
            let form =
                all.find(|order| order.id == order_id).map_or(OrderForm::Regular, |it| it.form);
            self.reports.push(Report::Refused {
                request,
                form,
                time,
                order_id,
                member,
                reference: 0,
                refusal,
            });
        }
    }

    fn try_cancel(&mut self, now: Nanos, target: Target) -> Result<(), Refusal> {
        let id = target.order_id;
        let is_new = |(frozen, request): &&(NaiveOrder, RequestKind)| {
            frozen.id == id && *request == RequestKind::New
        };
        if let Some((frozen, _)) = self.frozen.iter().find(is_new).copied() {
            if frozen.order.member != target.member {
                return Err(Refusal::NotYourOrder);
            }
            self.frozen.retain(|(frozen, _)| frozen.id != id);
            let state = frozen.state(now, frozen.open());
            self.reports.push(Report::Canceled(state, CancelReason::Requested));
            return Ok(());
        }
        if let Some(at) = self.blocks.iter().position(|block| block.id == id) {
            return self.cancel_block(now, target, at);
        }
        let both = self.resting.iter().chain(&self.stops);
        let Some(&old) = both.into_iter().find(|old| old.id == id) else {
            return Err(Refusal::UnknownOrder);
        };
        if old.order.member != target.member {
            return Err(Refusal::NotYourOrder);
        }
        if target.last_activity != Nanos::ZERO && target.last_activity != old.activity {
            return Err(Refusal::OrderChanged);
        }
        let market = &self.markets[old.order.instrument.index()];
        let action = OrderAction::Cancel { resting: old.order.order_type };
        market.phase.check(market.terms.orders, action)?;
        self.drop(now, id, CancelReason::Requested);
        Ok(())
    }

    pub(super) fn decide_freeze(&mut self, now: Nanos, id: OrderId, is_released: bool) {
        let Some(at) = self.frozen.iter().position(|(frozen, _)| frozen.id == id) else { return };
        let (frozen, request) = self.frozen.remove(at);
        let order = frozen.order;
        if request == RequestKind::Modify {
            let result = if is_released {
                self.try_modify(now, Target::new(id, order.member), &order, false)
            } else {
                Err(Refusal::FreezeRefused)
            };
            if let Err(refusal) = result {
                self.refuse(now, RequestKind::Modify, id, &order, refusal);
            }
            return;
        }
        let fresh = self.fresh(now, id, &order, 0);
        let state = fresh.state(now, fresh.open());
        if !is_released {
            self.reports.push(Report::Canceled(state, CancelReason::FreezeRefused));
        } else if self.check(&order, None, 0).is_err() {
            self.reports.push(Report::Canceled(state, CancelReason::Session));
        } else {
            self.reports.push(Report::Accepted(state));
            self.enter(now, fresh);
        }
    }

    pub(super) fn cancel_trade(&mut self, now: Nanos, trade_id: u64) {
        let at = trade_id.wrapping_sub(1) as usize;
        let Some(Some(trade)) = self.trades.get(at) else { return };
        let all = match trade.kind {
            TradeKind::Regular | TradeKind::Block => at..at + 1,
            TradeKind::Spread => at..at + 3,
            TradeKind::NearLeg => at - 1..at + 2,
            TradeKind::FarLeg => at - 2..at + 1,
        };
        for at in all {
            let trade = self.trades[at].take().unwrap();
            self.reports.push(Report::TradeCanceled(Trade { time: now, ..trade }));
        }
    }

    pub(super) fn set_phase(&mut self, now: Nanos, instrument: InstrumentId, phase: Phase) {
        let market = &mut self.markets[instrument.index()];
        if market.phase == phase {
            return;
        }
        market.phase = phase;
        market.owes_auction |= is_entry(phase);
        let owes_auction = market.owes_auction;
        match phase.task() {
            PhaseTask::None if phase == Phase::PostClose => self.cancel_all(now, instrument),
            PhaseTask::None => {}
            PhaseTask::RunAuction => self.auction(now, instrument),
            PhaseTask::CarryOver => {
                if owes_auction {
                    self.auction(now, instrument);
                }
                self.carry_over(now, instrument);
                self.trigger(now, instrument);
            }
            PhaseTask::CancelStops => {
                self.cancel_stops(now, instrument);
                for order in in_order_of_trading(&self.resting, instrument) {
                    let at =
                        self.resting.iter().position(|resting| resting.id == order.id).unwrap();
                    let resting = &mut self.resting[at];
                    if resting.open() > resting.shown {
                        resting.order.quantity = Qty(resting.traded + resting.shown);
                        resting.order.disclosed = Qty::ZERO;
                        resting.activity = now;
                        self.reports.push(Report::Modified(resting.state(now, resting.shown)));
                    }
                }
            }
            PhaseTask::CancelAll => self.cancel_all(now, instrument),
        }
    }

    pub(super) fn set_band(&mut self, now: Nanos, instrument: InstrumentId, band: PriceBand) {
        self.markets[instrument.index()].terms.band = band;
        for side in Side::BOTH {
            let outside = |order: &&NaiveOrder| {
                let has_limit =
                    matches!(order.order.order_type, OrderType::Limit | OrderType::StopLimit);
                order.order.side == side && has_limit && !band.contains(order.order.price)
            };
            let resting = in_order_of_trading(&self.resting, instrument);
            let stops = in_order_of_trigger(&self.stops, instrument, side);
            let leaving: Vec<OrderId> =
                resting.iter().chain(&stops).filter(outside).map(|order| order.id).collect();
            for id in leaving {
                self.drop(now, id, CancelReason::PriceBand);
            }
        }
    }

    pub(super) fn set_close(&mut self, instrument: InstrumentId, price: Px) {
        self.markets[instrument.index()].close = Some(price);
    }

    // What an order may be: naive_checks.rs.

    pub(super) fn is_frozen(&self, order: &Order) -> bool {
        let freeze = self.markets[order.instrument.index()].terms.freeze;
        freeze.is_some_and(|freeze| order.quantity > freeze)
    }

    pub(super) fn fresh(
        &mut self,
        now: Nanos,
        id: OrderId,
        order: &Order,
        traded: u32,
    ) -> NaiveOrder {
        let (form, rank) = (self.form(order.instrument), self.rank());
        NaiveOrder { id, order: *order, form, traded, shown: 0, activity: now, rank }
    }

    fn form(&self, instrument: InstrumentId) -> OrderForm {
        let market = self.markets.get(instrument.index());
        let is_spread = market.is_some_and(|market| market.spread.is_some());
        if is_spread { OrderForm::Spread } else { OrderForm::Regular }
    }

    fn rank(&mut self) -> u64 {
        self.ranks += 1;
        self.ranks
    }

    fn refuse(
        &mut self,
        now: Nanos,
        request: RequestKind,
        order_id: OrderId,
        order: &Order,
        refusal: Refusal,
    ) {
        let Order { member, reference, .. } = *order;
        let form = self.form(order.instrument);
        self.reports.push(Report::Refused {
            request,
            form,
            time: now,
            order_id,
            member,
            reference,
            refusal,
        });
    }

    // Continuous trading.

    fn enter(&mut self, now: Nanos, order: NaiveOrder) {
        let instrument = order.order.instrument;
        if order.is_stop() {
            self.markets[instrument.index()].unseen.clear();
            let rank = self.rank();
            return self.stops.push(NaiveOrder { rank, ..order });
        }
        self.work(now, order);
        self.trigger(now, instrument);
    }

    fn work(&mut self, now: Nanos, mut order: NaiveOrder) {
        let instrument = order.order.instrument;
        let phase = self.phase(instrument);
        if is_entry(phase) {
            let is_self_trade = self.resting.iter().any(|other| {
                other.order.instrument == instrument
                    && other.order.side != order.order.side
                    && other.order.owner.is_same(order.order.owner)
                    && (other.is_market() || order.accepts(other.order.price))
            });
            let state = order.state(now, order.open());
            return if is_self_trade {
                self.reports.push(Report::Canceled(state, CancelReason::SelfTrade));
            } else {
                self.rest(order);
            };
        }
        if phase == Phase::PostClose {
            order.order.price = self.markets[instrument.index()].close.unwrap();
            order.order.order_type = OrderType::Limit;
        }
        while order.open() > 0 {
            let opposite = in_order_of_trading(&self.resting, instrument);
            let opposite = opposite.into_iter().find(|other| other.order.side != order.order.side);
            let Some(other) = opposite.filter(|other| order.accepts(other.order.price)) else {
                break;
            };
            if other.order.owner.is_same(order.order.owner) {
                if order.order.self_trade == SelfTrade::CancelActive {
                    let state = order.state(now, order.open());
                    return self.reports.push(Report::Canceled(state, CancelReason::SelfTrade));
                }
                self.drop(now, other.id, CancelReason::SelfTrade);
                continue;
            }
            let most = order.open();
            self.trade(now, &mut order, other.id, most);
        }
        if order.open() == 0 {
            return;
        }
        if order.order.time_in_force == TimeInForce::Ioc {
            let state = order.state(now, order.open());
            return self.reports.push(Report::Canceled(state, CancelReason::ImmediateOrCancel));
        }
        if order.is_market() {
            let market = &self.markets[instrument.index()];
            let price = market.last.unwrap_or(market.terms.reference);
            order.order.price = price.clamp(market.terms.band.low, market.terms.band.high);
            order.order.order_type = OrderType::Limit;
            self.reports.push(Report::Priced(order.state(now, order.open())));
        }
        self.rest(order);
    }

    fn rest(&mut self, mut order: NaiveOrder) {
        order.rank = self.rank();
        order.shown = order.slice();
        self.resting.push(order);
    }

    pub(super) fn trade(&mut self, now: Nanos, order: &mut NaiveOrder, other: OrderId, most: u32) {
        let at = self.resting.iter().position(|resting| resting.id == other).unwrap();
        let price = self.resting[at].order.price;
        let quantity = most.min(self.resting[at].shown);
        order.traded += quantity;
        let before = *order;
        self.resting[at].traded += quantity;
        self.resting[at].activity = now;
        let passive = self.resting[at];
        let (buy, sell) =
            if order.order.side == Side::Buy { (before, passive) } else { (passive, before) };
        self.book_trade(now, price, quantity, [buy, sell], Some(order.order.side));
        self.after_fill(now, at, quantity);
    }

    pub(super) fn book_trade(
        &mut self,
        now: Nanos,
        price: Px,
        quantity: u32,
        pair: [NaiveOrder; 2],
        aggressor: Option<Side>,
    ) {
        let trade = Trade {
            trade_id: self.trades.len() as u64 + 1,
            time: now,
            price,
            quantity: Qty(quantity),
            instrument: pair[0].order.instrument,
            order_ids: pair.map(|order| order.id),
            references: pair.map(|order| order.order.reference),
            members: pair.map(|order| order.order.member),
            open: pair.map(|order| Qty(order.open())),
            aggressor,
            kind: match pair[0].form {
                OrderForm::Spread => TradeKind::Spread,
                OrderForm::Block => TradeKind::Block,
                _ => TradeKind::Regular,
            },
        };
        self.trades.push(Some(trade));
        self.reports.push(Report::Traded(trade));
        if trade.kind == TradeKind::Block {
            return;
        }
        let market = &mut self.markets[trade.instrument.index()];
        market.last = Some(price);
        market.unseen.push(price);
        if trade.kind == TradeKind::Spread {
            self.book_legs(trade);
        }
    }

    /// Takes what traded from what an order shows; shows its next part, or lets it go.
    fn after_fill(&mut self, now: Nanos, at: usize, quantity: u32) {
        self.resting[at].shown -= quantity;
        let resting = self.resting[at];
        if resting.open() == 0 {
            self.resting.remove(at);
        } else if resting.shown == 0 {
            let rank = self.rank();
            let resting = &mut self.resting[at];
            resting.shown = resting.slice();
            resting.rank = rank;
            self.reports.push(Report::Replenished(resting.state(now, resting.shown)));
        }
    }

    pub(super) fn trigger(&mut self, now: Nanos, instrument: InstrumentId) {
        if self.phase(instrument) != Phase::Continuous {
            return;
        }
        loop {
            let unseen = &self.markets[instrument.index()].unseen;
            let reached = |stop: &&NaiveOrder| {
                unseen.iter().any(|price| match stop.order.side {
                    Side::Buy => *price >= stop.order.trigger,
                    Side::Sell => *price <= stop.order.trigger,
                })
            };
            let buys = in_order_of_trigger(&self.stops, instrument, Side::Buy);
            let sells = in_order_of_trigger(&self.stops, instrument, Side::Sell);
            let next = buys.iter().find(reached).or_else(|| sells.iter().find(reached)).copied();
            let Some(mut stop) = next else { break };
            self.stops.retain(|other| other.id != stop.id);
            stop.order.trigger = Px::ZERO;
            stop.order.order_type = match stop.order.order_type {
                OrderType::StopMarket => OrderType::Market,
                _ => OrderType::Limit,
            };
            stop.activity = now;
            self.reports.push(Report::Triggered(stop.state(now, stop.open())));
            self.work(now, stop);
        }
        self.markets[instrument.index()].unseen.clear();
    }

    // Leaving.

    pub(super) fn drop(&mut self, now: Nanos, id: OrderId, reason: CancelReason) {
        if let Some(at) = self.resting.iter().position(|resting| resting.id == id) {
            let gone = self.resting.remove(at);
            self.reports.push(Report::Canceled(gone.state(now, gone.shown), reason));
        }
        if let Some(at) = self.stops.iter().position(|stop| stop.id == id) {
            let gone = self.stops.remove(at);
            self.reports.push(Report::Canceled(gone.state(now, 0), reason));
        }
    }

    fn cancel_stops(&mut self, now: Nanos, instrument: InstrumentId) {
        for side in Side::BOTH {
            for stop in in_order_of_trigger(&self.stops, instrument, side) {
                self.drop(now, stop.id, CancelReason::Session);
            }
        }
    }

    fn cancel_all(&mut self, now: Nanos, instrument: InstrumentId) {
        for order in in_order_of_trading(&self.resting, instrument) {
            self.drop(now, order.id, CancelReason::Session);
        }
        self.cancel_stops(now, instrument);
        let frozen = core::mem::take(&mut self.frozen);
        for (frozen, request) in frozen {
            if frozen.order.instrument != instrument {
                self.frozen.push((frozen, request));
            } else if request == RequestKind::New {
                let state = frozen.state(now, frozen.open());
                self.reports.push(Report::Canceled(state, CancelReason::Session));
            }
        }
    }

    // Auctions.

    fn auction(&mut self, now: Nanos, instrument: InstrumentId) {
        let here = || self.resting.iter().filter(|order| order.order.instrument == instrument);
        let total = |side: Side, price: Option<Px>| {
            here()
                .filter(|order| order.order.side == side)
                .filter(|order| match price {
                    None => order.is_market(),
                    Some(price) => !order.is_market() && order.order.price == price,
                })
                .map(|order| u64::from(order.open()))
                .sum::<u64>()
        };
        let mut prices: Vec<Px> =
            here().filter(|order| !order.is_market()).map(|order| order.order.price).collect();
        prices.sort_unstable();
        prices.dedup();
        let level = |&price: &Px| AuctionLevel {
            price,
            buy: total(Side::Buy, Some(price)),
            sell: total(Side::Sell, Some(price)),
        };
        let levels: Vec<AuctionLevel> = prices.iter().map(level).collect();
        let (market_buy, market_sell) = (total(Side::Buy, None), total(Side::Sell, None));
        let market = &mut self.markets[instrument.index()];
        let reference = market.terms.reference;
        let orders = AuctionOrders { levels: &levels, market_buy, market_sell };
        let found = discover(orders, reference).unwrap();
        market.owes_auction = false;
        market.market_limit = found.market_order_limit(reference);
        let closing = market.phase == Phase::ClosingMatch;
        let terms = market.terms;
        let order = if closing { terms.closing_allocation } else { terms.opening_allocation };
        let Some(clearing) = found.clearing() else { return };
        // Buy side, sell side; true: market orders.
        let mut stages = [[false, false], [false, true], [true, false], [true, true]];
        if order == AllocationOrder::MarketFirst {
            stages = [[true, true], [false, true], [true, false], [false, false]];
        }
        let mut volume = 0;
        for kinds in stages {
            loop {
                let orders = in_order_of_trading(&self.resting, instrument);
                let next = |side: Side| {
                    orders.iter().find(|order| {
                        order.order.side == side
                            && order.is_market() == kinds[side as usize]
                            && order.accepts(clearing.price)
                    })
                };
                let (Some(buy), Some(sell)) = (next(Side::Buy), next(Side::Sell)) else { break };
                let quantity = buy.shown.min(sell.shown);
                volume += u64::from(quantity);
                let ids = [buy.id, sell.id];
                self.trade_in_auction(now, clearing.price, quantity, ids);
            }
        }
        assert_eq!(volume, clearing.volume(), "an auction trades all it can");
    }

    fn trade_in_auction(&mut self, now: Nanos, price: Px, quantity: u32, ids: [OrderId; 2]) {
        let pair = ids.map(|id| {
            let order = self.resting.iter_mut().find(|order| order.id == id).unwrap();
            order.traded += quantity;
            order.activity = now;
            *order
        });
        self.book_trade(now, price, quantity, pair, None);
        for id in ids {
            let at = self.resting.iter().position(|order| order.id == id).unwrap();
            self.after_fill(now, at, quantity);
        }
    }

    fn carry_over(&mut self, now: Nanos, instrument: InstrumentId) {
        let limit = self.markets[instrument.index()].market_limit;
        for side in Side::BOTH {
            for order in in_order_of_trading(&self.resting, instrument) {
                if order.order.side == side && order.is_market() {
                    let at = self.resting.iter().position(|other| other.id == order.id).unwrap();
                    let order = &mut self.resting[at];
                    order.order.order_type = OrderType::Limit;
                    order.order.price = limit;
                    order.activity = now;
                    self.reports.push(Report::Priced(order.state(now, order.shown)));
                }
            }
        }
    }
}

const fn is_entry(phase: Phase) -> bool {
    use Phase::{ClosingEntry, ClosingLimitOnly, PreOpenEntry, PreOpenLimitOnly};
    matches!(phase, PreOpenEntry | PreOpenLimitOnly | ClosingEntry | ClosingLimitOnly)
}

/// Buys and then sells: market orders, better prices, and at one price first come.
pub(super) fn in_order_of_trading(
    orders: &[NaiveOrder],
    instrument: InstrumentId,
) -> Vec<NaiveOrder> {
    let here = orders.iter().filter(|order| order.order.instrument == instrument);
    let mut sorted: Vec<NaiveOrder> = here.copied().collect();
    sorted.sort_by_key(|order| {
        let worse = -order.order.side.sign() * order.order.price.0;
        let price = if order.is_market() { i64::MIN } else { worse };
        (order.order.side as u8, price, order.rank)
    });
    sorted
}

/// Stop-loss orders of a side: the trigger that is reached first, and at one trigger first come.
pub(super) fn in_order_of_trigger(
    orders: &[NaiveOrder],
    instrument: InstrumentId,
    side: Side,
) -> Vec<NaiveOrder> {
    let here =
        |order: &&NaiveOrder| order.order.instrument == instrument && order.order.side == side;
    let mut sorted: Vec<NaiveOrder> = orders.iter().filter(here).copied().collect();
    sorted.sort_by_key(|order| (side.sign() * order.order.trigger.0, order.rank));
    sorted
}

/// The table of rule 2.1: what an order shows after a change that leaves it its place.
fn kept_place(old: &NaiveOrder, new: &Order) -> Option<u32> {
    if old.is_market() && new.order_type == OrderType::Market && new.quantity == old.order.quantity
    {
        return Some(old.shown);
    }
    let is_limit = old.order.order_type == OrderType::Limit && new.order_type == OrderType::Limit;
    let is_cut = new.price == old.order.price && new.quantity <= old.order.quantity;
    if !is_limit || !is_cut || new.time_in_force == TimeInForce::Ioc {
        return None;
    }
    let open = new.quantity.0 - old.traded;
    if new.disclosed == old.order.disclosed {
        return Some(old.shown.min(open));
    }
    let shown = if new.disclosed == Qty::ZERO { open } else { new.disclosed.0.min(open) };
    (shown <= old.shown).then_some(shown)
}
