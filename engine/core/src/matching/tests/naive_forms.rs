//! The naive matcher on what is beside one order in one book: what an order may be, spreads, orders
//! of several legs, block deals, and what is asked of many orders at once.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use super::super::{
    BlockTerms, CancelReason, InstrumentTerms, Leg, LegPriceRule, LegsFill, LegsOrder, Order,
    OrderForm, Refusal, Report, RequestKind, SelfTrade, Target, Trade, TradeKind,
};
use super::naive::{Naive, NaiveOrder, in_order_of_trading, in_order_of_trigger};
use crate::venue::session::{OrderAction, OrderType, Phase};

fn must(holds: bool, refusal: Refusal) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

/// A limit for the day that shows all of itself.
fn is_plain(order: &Order) -> bool {
    order.order_type == OrderType::Limit
        && order.time_in_force == TimeInForce::Day
        && order.disclosed == Qty::ZERO
}

impl Naive {
    pub(super) fn check(
        &self,
        order: &Order,
        resting: Option<OrderType>,
        traded: u32,
    ) -> Result<(), Refusal> {
        let market =
            self.markets.get(order.instrument.index()).ok_or(Refusal::UnknownInstrument)?;
        let InstrumentTerms { tick, lot, band, .. } = market.terms;
        let terms = order.terms();
        market.phase.check(
            market.terms.orders,
            match resting {
                None => OrderAction::New(terms),
                Some(resting) => OrderAction::Modify { resting, terms },
            },
        )?;
        if market.spread.is_some() {
            return self.check_spread(order, traded);
        }
        let (quantity, disclosed) = (order.quantity.0, order.disclosed.0);
        must(quantity > traded, Refusal::InvalidQuantity)?;
        must(quantity % lot.0 == 0, Refusal::LotSize)?;
        must(disclosed <= quantity, Refusal::DisclosedTooLarge)?;
        must(disclosed == 0 || disclosed * 10 >= quantity, Refusal::DisclosedTooSmall)?;
        must(disclosed % lot.0 == 0, Refusal::DisclosedLotSize)?;
        let is_stop = matches!(order.order_type, OrderType::StopLimit | OrderType::StopMarket);
        if matches!(order.order_type, OrderType::Limit | OrderType::StopLimit) {
            must(order.price > Px::ZERO, Refusal::InvalidPrice)?;
            must(order.price.0 % tick.0 == 0, Refusal::TickSize)?;
            must(band.contains(order.price), Refusal::PriceBand)?;
        }
        if is_stop {
            let (trigger, sign) = (order.trigger, order.side.sign());
            must(trigger > Px::ZERO, Refusal::InvalidTrigger)?;
            must(trigger.0 % tick.0 == 0, Refusal::TriggerTickSize)?;
            if order.order_type == OrderType::StopLimit {
                must(sign * (order.price.0 - trigger.0) >= 0, Refusal::TriggerBeyondLimit)?;
            }
            let is_ahead = market.last.is_none_or(|last| sign * (trigger.0 - last.0) > 0);
            must(is_ahead, Refusal::TriggerPassed)?;
        }
        if market.phase == Phase::PostClose {
            if order.order_type == OrderType::Market {
                return must(market.close.is_some(), Refusal::MarketClosed);
            }
            must(Some(order.price) == market.close, Refusal::InvalidPrice)?;
        }
        Ok(())
    }

    // Spreads.

    fn check_spread(&self, order: &Order, traded: u32) -> Result<(), Refusal> {
        let market = &self.markets[order.instrument.index()];
        let InstrumentTerms { tick, lot, band, freeze, .. } = market.terms;
        must(market.phase == Phase::Continuous, Refusal::MarketClosed)?;
        must(is_plain(order), Refusal::SpreadTermsNotAllowed)?;
        must(order.quantity.0 > traded, Refusal::InvalidQuantity)?;
        must(order.quantity.0.is_multiple_of(lot.0), Refusal::LotSize)?;
        must(freeze.is_none_or(|freeze| order.quantity < freeze), Refusal::FreezeQuantity)?;
        must(order.price.0 % tick.0 == 0, Refusal::TickSize)?;
        must(band.contains(order.price), Refusal::SpreadRange)
    }

    /// The trades of the legs of a spread trade: near, then far.
    pub(super) fn book_legs(&mut self, trade: Trade) {
        let spread = self.markets[trade.instrument.index()].spread.unwrap();
        let [near_market, far_market] =
            [spread.near, spread.far].map(|leg| &self.markets[leg.index()]);
        let own_price = |market: &super::naive::NaiveMarket| {
            let price = market.last.unwrap_or(market.terms.reference);
            price.clamp(market.terms.band.low, market.terms.band.high)
        };
        let possible = |market: &super::naive::NaiveMarket, price: Px| {
            let InstrumentTerms { band, tick, .. } = market.terms;
            price.clamp(band.low.ceil_to(tick), band.high.floor_to(tick))
        };
        let (near_price, far_price) = match spread.leg_price {
            LegPriceRule::Near => {
                let far = possible(far_market, own_price(near_market) + trade.price);
                (far - trade.price, far)
            }
            LegPriceRule::Far => {
                let near = possible(near_market, own_price(far_market) - trade.price);
                (near, near + trade.price)
            }
        };
        let swapped = |mut trade: Trade| {
            trade.order_ids.reverse();
            trade.references.reverse();
            trade.members.reverse();
            trade.open.reverse();
            trade.aggressor = trade.aggressor.map(Side::opposite);
            trade
        };
        let legs = [
            (swapped(trade), TradeKind::NearLeg, spread.near, near_price),
            (trade, TradeKind::FarLeg, spread.far, far_price),
        ];
        for (trade, kind, instrument, price) in legs {
            let trade_id = self.trades.len() as u64 + 1;
            let leg = Trade { trade_id, kind, instrument, price, ..trade };
            self.trades.push(Some(leg));
            self.reports.push(Report::Traded(leg));
        }
    }

    // Orders of several legs.

    pub(super) fn submit_legs(&mut self, now: Nanos, order: &LegsOrder) {
        let form = if order.legs[2].is_some() { OrderForm::ThreeLegs } else { OrderForm::TwoLegs };
        let legs: Vec<Leg> = order.legs.into_iter().flatten().collect();
        let orders: Vec<Order> = legs
            .iter()
            .map(|leg| Order {
                time_in_force: TimeInForce::Ioc,
                owner: order.owner,
                self_trade: order.self_trade,
                member: order.member,
                reference: order.reference,
                ..Order::limit(leg.instrument, leg.side, leg.price, leg.quantity)
            })
            .collect();
        if let Err(refusal) = self.check_legs(&orders) {
            return self.refuse_form(now, RequestKind::New, form, OrderId(0), &orders[0], refusal);
        }
        let id = OrderId(self.id_next);
        self.id_next += 1;
        let mut legs: Vec<NaiveOrder> = orders
            .iter()
            .map(|order| NaiveOrder { form, ..self.fresh(now, id, order, 0) })
            .collect();
        for leg in &legs {
            self.reports.push(Report::Accepted(leg.state(now, leg.open())));
        }
        // The largest number of equal parts for which every leg's book holds enough: tried out.
        let lots = |leg: &NaiveOrder| {
            leg.order.quantity.0 / self.markets[leg.order.instrument.index()].terms.lot.0
        };
        let is_common = |parts: &u32| legs.iter().all(|leg| lots(leg) % parts == 0);
        let whole = (1..=lots(&legs[0])).rev().find(is_common).unwrap();
        let held: Vec<(u32, bool)> = legs.iter().map(|leg| self.held(leg)).collect();
        let is_there = |parts: &u32| {
            let mut both = legs.iter().zip(&held);
            both.all(|(leg, (held, _))| leg.order.quantity.0 / whole * parts <= *held)
        };
        let mut parts = (0..=whole).rev().find(is_there).unwrap();
        if self.legs_fill == LegsFill::AllOrNone && parts < whole {
            parts = 0;
        }
        for leg in &mut legs {
            let wanted = leg.order.quantity.0 / whole * parts;
            self.trade_leg(now, leg, wanted);
        }
        for (leg, (held, is_stopped)) in legs.iter().zip(&held) {
            if leg.open() == 0 {
                continue;
            }
            let by_owner = *is_stopped && *held < leg.order.quantity.0;
            let reason =
                if by_owner { CancelReason::SelfTrade } else { CancelReason::ImmediateOrCancel };
            self.reports.push(Report::Canceled(leg.state(now, leg.open()), reason));
        }
        for leg in &legs {
            self.trigger(now, leg.order.instrument);
        }
    }

    fn check_legs(&self, legs: &[Order]) -> Result<(), Refusal> {
        let is_twice = |leg: &Order| {
            legs.iter().filter(|other| other.instrument == leg.instrument).count() > 1
        };
        must(legs.len() > 1 && !legs.iter().any(is_twice), Refusal::LegsInvalid)?;
        for leg in legs {
            let market = self.markets.get(leg.instrument.index()).ok_or(Refusal::LegRefused)?;
            let freeze = market.terms.freeze;
            must(freeze.is_none_or(|freeze| leg.quantity < freeze), Refusal::FreezeQuantity)?;
            let is_open = market.phase == Phase::Continuous && market.spread.is_none();
            must(is_open && self.check(leg, None, 0).is_ok(), Refusal::LegRefused)?;
        }
        Ok(())
    }

    /// What a leg would trade if it were an order of its own, found by trading it in a copy of the
    /// book; and whether an order of its owner stopped it.
    fn held(&self, leg: &NaiveOrder) -> (u32, bool) {
        let mut orders: Vec<NaiveOrder> = in_order_of_trading(&self.resting, leg.order.instrument);
        orders.retain(|other| other.order.side != leg.order.side && leg.accepts(other.order.price));
        let mut left = leg.open();
        while left > 0 && !orders.is_empty() {
            let mut next = orders.remove(0);
            if next.order.owner.is_same(leg.order.owner) {
                if leg.order.self_trade == SelfTrade::CancelActive {
                    return (leg.open() - left, true);
                }
                continue;
            }
            let taken = left.min(next.shown);
            left -= taken;
            next.traded += taken;
            next.shown -= taken;
            if next.open() > 0 && next.shown == 0 {
                next.shown = next.slice();
                let behind = |other: &NaiveOrder| other.order.price != next.order.price;
                let at = orders.iter().position(behind).unwrap_or(orders.len());
                orders.insert(at, next);
            }
        }
        (leg.open() - left, false)
    }

    fn trade_leg(&mut self, now: Nanos, leg: &mut NaiveOrder, wanted: u32) {
        while leg.traded < wanted {
            let orders = in_order_of_trading(&self.resting, leg.order.instrument);
            let next = orders.into_iter().find(|other| other.order.side != leg.order.side).unwrap();
            if next.order.owner.is_same(leg.order.owner) {
                self.drop(now, next.id, CancelReason::SelfTrade);
            } else {
                let most = wanted - leg.traded;
                self.trade(now, leg, next.id, most);
            }
        }
    }

    // Block deals.

    pub(super) fn set_blocks(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        terms: Option<BlockTerms>,
    ) {
        if terms.is_none() {
            let (gone, stay) = self.blocks.iter().partition(|it| it.order.instrument == instrument);
            self.blocks = stay;
            let gone: Vec<NaiveOrder> = gone;
            for block in gone {
                let state = block.state(now, block.open());
                self.reports.push(Report::Canceled(state, CancelReason::BlockWindow));
            }
        }
        let market = &mut self.markets[instrument.index()];
        if market.spread.is_none() {
            market.block = terms;
        }
    }

    pub(super) fn submit_block(&mut self, now: Nanos, order: &Order) {
        if let Err(refusal) = self.check_block(order) {
            let (kind, form) = (RequestKind::New, OrderForm::Block);
            return self.refuse_form(now, kind, form, OrderId(0), order, refusal);
        }
        let id = OrderId(self.id_next);
        self.id_next += 1;
        let block = NaiveOrder { form: OrderForm::Block, ..self.fresh(now, id, order, 0) };
        self.reports.push(Report::Accepted(block.state(now, block.open())));
        self.enter_block(now, block);
    }

    pub(super) fn modify_block(&mut self, now: Nanos, target: Target, order: &Order) {
        let at = self.blocks.iter().position(|block| block.id == target.order_id).unwrap();
        let old = self.blocks[at].order;
        let refusal = if old.member != target.member {
            Some(Refusal::NotYourOrder)
        } else if old.instrument != order.instrument
            || old.side != order.side
            || old.owner != order.owner
            || old.self_trade != order.self_trade
            || old.member != order.member
        {
            Some(Refusal::FixedField)
        } else {
            self.check_block(order).err()
        };
        if let Some(refusal) = refusal {
            let (kind, form) = (RequestKind::Modify, OrderForm::Block);
            return self.refuse_form(now, kind, form, target.order_id, order, refusal);
        }
        let id = self.blocks.remove(at).id;
        let block = NaiveOrder { form: OrderForm::Block, ..self.fresh(now, id, order, 0) };
        self.reports.push(Report::Modified(block.state(now, block.open())));
        self.enter_block(now, block);
    }

    pub(super) fn cancel_block(
        &mut self,
        now: Nanos,
        target: Target,
        at: usize,
    ) -> Result<(), Refusal> {
        must(self.blocks[at].order.member == target.member, Refusal::NotYourOrder)?;
        let block = self.blocks.remove(at);
        let state = block.state(now, block.open());
        self.reports.push(Report::Canceled(state, CancelReason::Requested));
        Ok(())
    }

    fn check_block(&self, order: &Order) -> Result<(), Refusal> {
        let market =
            self.markets.get(order.instrument.index()).ok_or(Refusal::UnknownInstrument)?;
        let InstrumentTerms { tick, lot, .. } = market.terms;
        let terms = market.block.ok_or(Refusal::BlockClosed)?;
        must(market.phase != Phase::Halted, Refusal::MarketHalted)?;
        must(is_plain(order), Refusal::BlockTermsNotAllowed)?;
        must(order.quantity.0 > 0, Refusal::InvalidQuantity)?;
        must(order.quantity.0.is_multiple_of(lot.0), Refusal::LotSize)?;
        must(order.price > Px::ZERO, Refusal::InvalidPrice)?;
        must(order.price.0 % tick.0 == 0, Refusal::TickSize)?;
        must(terms.range.contains(order.price), Refusal::BlockRange)?;
        let value = order.price.value(i64::from(order.quantity.0));
        must(value >= terms.value_min, Refusal::BlockValue)
    }

    fn enter_block(&mut self, now: Nanos, mut block: NaiveOrder) {
        loop {
            let order = block.order;
            let is_counterpart = |other: &NaiveOrder| {
                let Order { instrument, side, price, quantity, .. } = other.order;
                (instrument, price, quantity) == (order.instrument, order.price, order.quantity)
                    && side != order.side
            };
            let Some(at) = self.blocks.iter().position(is_counterpart) else { break };
            let mut other = self.blocks[at];
            if other.order.owner.is_same(order.owner) {
                let is_active = order.self_trade == SelfTrade::CancelActive;
                let gone = if is_active { block } else { self.blocks.remove(at) };
                let state = gone.state(now, gone.open());
                self.reports.push(Report::Canceled(state, CancelReason::SelfTrade));
                if is_active {
                    return;
                }
                continue;
            }
            self.blocks.remove(at);
            (block.traded, other.traded) = (order.quantity.0, order.quantity.0);
            let pair = if order.side == Side::Buy { [block, other] } else { [other, block] };
            return self.book_trade(now, order.price, order.quantity.0, pair, Some(order.side));
        }
        self.blocks.push(block);
    }

    // Many orders at once.

    pub(super) fn set_phase_all(&mut self, now: Nanos, phase: Phase) {
        for index in 0..self.markets.len() as u32 {
            self.set_phase(now, InstrumentId(index), phase);
        }
    }

    pub(super) fn cancel_member(
        &mut self,
        now: Nanos,
        member: u32,
        instrument: Option<InstrumentId>,
    ) {
        let all = (0..self.markets.len() as u32).map(InstrumentId);
        for here in all.filter(|&here| instrument.is_none_or(|one| one == here)) {
            let market = &self.markets[here.index()];
            let is_free = |order: &NaiveOrder| {
                let action = OrderAction::Cancel { resting: order.order.order_type };
                let allowed = market.phase.check(market.terms.orders, action).is_ok();
                order.order.member == member && allowed
            };
            let mut leaving = in_order_of_trading(&self.resting, here);
            for side in Side::BOTH {
                leaving.extend(in_order_of_trigger(&self.stops, here, side));
            }
            leaving.retain(is_free);
            for order in leaving {
                self.drop(now, order.id, CancelReason::Requested);
            }
            let is_waiting =
                |order: &NaiveOrder| order.order.instrument == here && order.order.member == member;
            let frozen = self.frozen.iter().filter(|(_, request)| *request == RequestKind::New);
            let frozen = frozen.map(|(order, _)| order);
            let waiting: Vec<OrderId> = frozen
                .chain(&self.blocks)
                .filter(|order| is_waiting(order))
                .map(|order| order.id)
                .collect();
            for id in waiting {
                self.cancel(now, Target::new(id, member));
            }
        }
    }

    fn refuse_form(
        &mut self,
        now: Nanos,
        request: RequestKind,
        form: OrderForm,
        order_id: OrderId,
        order: &Order,
        refusal: Refusal,
    ) {
        let Order { member, reference, .. } = *order;
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
}
