//! Block deals (rule 2.5): a market beside the normal one, open in two windows of the day.
//!
//! An order trades with one of the other side that has the same price and the same quantity, the
//! earliest first, wholly or not at all; until one comes it waits, unseen. The prices make no last
//! trade and reach no stop-loss. When the window ends, what waits leaves. That price and quantity
//! must be the same is how the window is known to work; no text of it was seen.
//!
//! The windows, the price range and the least value are rows of a date
//! ([`BlockSession`](crate::venue::session::BlockSession)); whoever follows the clock opens and closes.

use tezi_model::{InstrumentId, Money, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use super::matcher::{Matcher, check_target};
use super::order::{Order, OrderForm, SelfTrade, Target};
use super::refusal::Refusal;
use super::report::{CancelReason, Report, RequestKind, Sink, Trade, TradeKind};
use super::state::{Active, Market};
use crate::venue::bands::PriceBand;
use crate::venue::session::{BlockSession, OrderType, Phase};

/// What a block window asks of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockTerms {
    /// Prices that orders may have.
    pub range: PriceBand,
    /// The least value of an order.
    pub value_min: Money,
}

impl BlockTerms {
    /// The terms of a day's window around its reference: the previous close in the morning, the
    /// average price of the reference window in the afternoon.
    #[must_use]
    pub fn new(session: &BlockSession, reference: Px) -> Self {
        let range = PriceBand::around(reference, session.range, Px(1));
        Self { range, value_min: session.value_min }
    }
}

/// An order that waits for its counterpart.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockOrder {
    pub(super) order_id: OrderId,
    pub(super) order: Order,
    pub(super) activity: Nanos,
}

impl BlockOrder {
    fn active(&self) -> Active {
        Active::new(self.activity, self.order_id, &self.order, OrderForm::Block, 0)
    }
}

/// The block orders of all instruments, in the order in which they came. There are few.
#[derive(Clone)]
pub(super) struct Blocks {
    orders: Vec<BlockOrder>,
    bound: usize,
    /// Of each instrument, while its window is open.
    terms: Vec<Option<BlockTerms>>,
}

impl Blocks {
    pub(super) fn new(bound: usize, instruments_max: usize) -> Self {
        let terms = Vec::with_capacity(instruments_max);
        Self { orders: Vec::with_capacity(bound), bound, terms }
    }

    pub(super) fn add_instrument(&mut self) {
        self.terms.push(None);
    }

    pub(super) fn orders(&self) -> &[BlockOrder] {
        &self.orders
    }

    pub(super) fn terms(&self) -> &[Option<BlockTerms>] {
        &self.terms
    }

    pub(super) fn position(&self, order_id: OrderId) -> Option<usize> {
        self.orders.iter().position(|waiting| waiting.order_id == order_id)
    }

    /// The earliest order that an order could trade with.
    fn counterpart(&self, order: &Order) -> Option<usize> {
        self.orders.iter().position(|BlockOrder { order: other, .. }| {
            other.instrument == order.instrument
                && other.side != order.side
                && other.price == order.price
                && other.quantity == order.quantity
        })
    }
}

impl Matcher {
    /// A block window opens for an instrument, or goes on under other terms.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`]; [`Refusal::LegsInvalid`] for a spread, which has no blocks.
    pub fn open_blocks(
        &mut self,
        instrument: InstrumentId,
        terms: BlockTerms,
    ) -> Result<(), Refusal> {
        let market = self.markets.get(instrument.index()).ok_or(Refusal::UnknownInstrument)?;
        if market.spread.is_some() {
            return Err(Refusal::LegsInvalid);
        }
        self.blocks.terms[instrument.index()] = Some(terms);
        Ok(())
    }

    /// The block window of an instrument ends: the orders that wait there leave.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownInstrument`].
    pub fn close_blocks<S: Sink>(
        &mut self,
        now: Nanos,
        instrument: InstrumentId,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let terms = self.blocks.terms.get_mut(instrument.index());
        *terms.ok_or(Refusal::UnknownInstrument)? = None;
        self.blocks.orders.retain(|waiting| {
            let is_here = waiting.order.instrument == instrument;
            if is_here {
                let state = waiting.active().state(now);
                sink.on_report(&Report::Canceled(state, CancelReason::BlockWindow));
            }
            !is_here
        });
        Ok(())
    }

    /// A block order. It is acknowledged first, and then trades or waits.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], which is reported as well.
    pub fn submit_block<S: Sink>(
        &mut self,
        now: Nanos,
        order: &Order,
        sink: &mut S,
    ) -> Result<OrderId, Refusal> {
        let has_room = self.blocks.orders.len() < self.blocks.bound;
        let capacity = if has_room { Ok(()) } else { Err(Refusal::Capacity) };
        if let Err(refusal) = self.check_block(order).and(capacity) {
            return Err(self.refuse_block(now, RequestKind::New, OrderId(0), order, refusal, sink));
        }
        let order_id = OrderId(self.order_id_next);
        self.order_id_next += 1;
        let waiting = BlockOrder { order_id, order: *order, activity: now };
        sink.on_report(&Report::Accepted(waiting.active().state(now)));
        self.enter_block(now, waiting, sink);
        Ok(order_id)
    }

    /// Block orders that wait for their counterpart, over all instruments.
    #[must_use]
    pub fn blocks_count(&self) -> usize {
        self.blocks.orders.len()
    }

    fn check_block(&self, order: &Order) -> Result<(), Refusal> {
        let market =
            self.markets.get(order.instrument.index()).ok_or(Refusal::UnknownInstrument)?;
        let terms = self.blocks.terms[order.instrument.index()].ok_or(Refusal::BlockClosed)?;
        check_terms(market, terms, order)
    }

    fn enter_block<S: Sink>(&mut self, now: Nanos, incoming: BlockOrder, sink: &mut S) {
        while let Some(position) = self.blocks.counterpart(&incoming.order) {
            let waiting = self.blocks.orders[position];
            if !incoming.order.owner.is_same(waiting.order.owner) {
                self.blocks.orders.remove(position);
                return self.trade_block(now, incoming, waiting, sink);
            }
            let reason = CancelReason::SelfTrade;
            if incoming.order.self_trade == SelfTrade::CancelActive {
                let state = incoming.active().state(now);
                return sink.on_report(&Report::Canceled(state, reason));
            }
            self.blocks.orders.remove(position);
            sink.on_report(&Report::Canceled(waiting.active().state(now), reason));
        }
        self.blocks.orders.push(incoming);
    }

    fn trade_block<S: Sink>(
        &mut self,
        now: Nanos,
        incoming: BlockOrder,
        waiting: BlockOrder,
        sink: &mut S,
    ) {
        let side = incoming.order.side;
        let pair = if side == Side::Buy { [incoming, waiting] } else { [waiting, incoming] };
        let trade = Trade {
            trade_id: self.trades.next_id(),
            time: now,
            price: incoming.order.price,
            quantity: incoming.order.quantity,
            instrument: incoming.order.instrument,
            order_ids: pair.map(|block| block.order_id),
            references: pair.map(|block| block.order.reference),
            members: pair.map(|block| block.order.member),
            open: [Qty::ZERO; 2],
            aggressor: Some(side),
            kind: TradeKind::Block,
        };
        self.trades.push(&trade);
        sink.on_report(&Report::Traded(trade));
    }

    /// Cancels a block order at its member's wish.
    pub(super) fn cancel_block<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        position: usize,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let waiting = self.blocks.orders[position];
        check_target(target, waiting.order.member, waiting.activity)?;
        self.blocks.orders.remove(position);
        let state = waiting.active().state(now);
        sink.on_report(&Report::Canceled(state, CancelReason::Requested));
        Ok(())
    }

    /// Changes a block order. It arrives again, as a new one would.
    pub(super) fn modify_block<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let position = self.blocks.position(target.order_id);
        let checked = position.ok_or(Refusal::UnknownOrder).and_then(|position| {
            let BlockOrder { order: old, activity, .. } = self.blocks.orders[position];
            check_target(target, old.member, activity)?;
            let is_same = old.instrument == order.instrument
                && old.side == order.side
                && old.owner == order.owner
                && old.self_trade == order.self_trade
                && old.member == order.member;
            if !is_same {
                return Err(Refusal::FixedField);
            }
            self.check_block(order)?;
            Ok(position)
        });
        let position = checked.map_err(|refusal| {
            self.refuse_block(now, RequestKind::Modify, target.order_id, order, refusal, sink)
        })?;
        self.blocks.orders.remove(position);
        let changed = BlockOrder { order_id: target.order_id, order: *order, activity: now };
        sink.on_report(&Report::Modified(changed.active().state(now)));
        self.enter_block(now, changed, sink);
        Ok(())
    }

    fn refuse_block<S: Sink>(
        &mut self,
        now: Nanos,
        request: RequestKind,
        order_id: OrderId,
        order: &Order,
        refusal: Refusal,
        sink: &mut S,
    ) -> Refusal {
        let Order { member, reference, .. } = *order;
        self.refuse(now, request, OrderForm::Block, order_id, member, reference, refusal, sink)
    }
}

/// Whether an order may be in a window.
fn check_terms(market: &Market, terms: BlockTerms, order: &Order) -> Result<(), Refusal> {
    if market.phase == Phase::Halted {
        return Err(Refusal::MarketHalted);
    }
    let is_plain = order.order_type == OrderType::Limit
        && order.time_in_force == TimeInForce::Day
        && order.disclosed == Qty::ZERO;
    if !is_plain {
        return Err(Refusal::BlockTermsNotAllowed);
    }
    if order.quantity == Qty::ZERO {
        return Err(Refusal::InvalidQuantity);
    }
    if !market.lot.divides(u64::from(order.quantity.0)) {
        return Err(Refusal::LotSize);
    }
    if order.price <= Px::ZERO {
        return Err(Refusal::InvalidPrice);
    }
    if !market.tick.divides(order.price.0.unsigned_abs()) {
        return Err(Refusal::TickSize);
    }
    if !terms.range.contains(order.price) {
        return Err(Refusal::BlockRange);
    }
    if order.price.value(i64::from(order.quantity.0)) < terms.value_min {
        return Err(Refusal::BlockValue);
    }
    Ok(())
}
