//! The matcher itself: its memory, new orders, cancels, and what it can be asked.

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Segment, Side};

use super::blocks::Blocks;
use super::checks::check_order;
use super::freeze::Freezer;
use super::order::{Order, OrderForm, Target};
use super::refusal::Refusal;
use super::report::{CancelReason, Report, RequestKind, Sink};
use super::state::{Active, Market, Shelf};
use super::terms::{InstrumentTerms, MatcherConfig};
use super::trades::TradeLog;
use crate::book::{Books, BooksConfig};
use crate::venue::auction::{AuctionLevel, Clearing};
use crate::venue::session::{OrderAction, OrderType, Phase};

/// The books of one segment's instruments, and the rules by which their orders trade.
///
/// **Bounds**: see [`MatcherConfig`]; a request that would pass one is refused as
/// [`Refusal::Capacity`]. **Cost**: no allocation after `new`; a new order or a cancel near the touch
/// O(1), a trade O(1), the phases of an auction O(orders).
///
/// # Invariants
///
/// - In continuous trading no book is crossed between two requests.
/// - What is shown and hidden of an order is its quantity less what has traded.
/// - Beside market orders in an auction, every resting price is a limit within the day's range.
#[derive(Clone)]
pub struct Matcher {
    pub(super) segment: Segment,
    /// Orders that can trade.
    pub(super) rest: Shelf,
    /// Stop-loss orders that wait: each stands at its trigger, on the side opposite to its own,
    /// because the *lowest* trigger of the buys is reached first.
    pub(super) stops: Shelf,
    pub(super) markets: Vec<Market>,
    pub(super) freezer: Freezer,
    pub(super) trades: TradeLog,
    pub(super) blocks: Blocks,
    pub(super) config: MatcherConfig,
    pub(super) order_id_next: u64,
    refused: u64,
    /// Room for what an auction or a new phase works on.
    pub(super) levels: Vec<AuctionLevel>,
    pub(super) places: Vec<(u64, u32)>,
}

impl Matcher {
    /// A matcher without instruments. Allocates all memory it will ever use.
    #[must_use]
    pub fn new(config: &MatcherConfig) -> Self {
        let stops = BooksConfig {
            instruments_max: config.books.instruments_max,
            orders_max: config.stops_max,
            levels_max: config.stops_max,
        };
        let bound = |value: u32| value.min(BooksConfig::BOUND_MAX) as usize;
        Self {
            segment: config.segment,
            rest: Shelf::new(&config.books),
            stops: Shelf::new(&stops),
            markets: Vec::with_capacity(bound(config.books.instruments_max)),
            freezer: Freezer::new(bound(config.frozen_max)),
            trades: TradeLog::new(config.trades_max),
            blocks: Blocks::new(bound(config.blocks_max), bound(config.books.instruments_max)),
            config: *config,
            order_id_next: config.order_id_first.0.max(1),
            refused: 0,
            levels: Vec::with_capacity(bound(config.books.levels_max)),
            places: Vec::with_capacity(bound(config.books.orders_max)),
        }
    }

    /// Opens the market of one more instrument, closed at first. Ids are 0, 1, 2, …
    ///
    /// # Errors
    ///
    /// [`Refusal::Capacity`] at the bound.
    pub fn add_instrument(&mut self, terms: &InstrumentTerms) -> Result<InstrumentId, Refusal> {
        let added = self.rest.books.add_instrument().and(self.stops.books.add_instrument());
        let Ok(instrument) = added else { return Err(Refusal::Capacity) };
        self.markets.push(Market::new(terms));
        self.blocks.add_instrument();
        Ok(instrument)
    }

    /// A new order. It is acknowledged first, under the number it gets, and then trades or rests.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], which is reported as well.
    #[inline]
    pub fn submit<S: Sink>(
        &mut self,
        now: Nanos,
        order: &Order,
        sink: &mut S,
    ) -> Result<OrderId, Refusal> {
        if let Err(refusal) = self.check_new(order) {
            return Err(self.refuse_order(now, RequestKind::New, OrderId(0), order, refusal, sink));
        }
        let order_id = OrderId(self.order_id_next);
        self.order_id_next += 1;
        let market = &self.markets[order.instrument.index()];
        let active = Active::new(now, order_id, order, market.form(), 0);
        if order.quantity.0 > market.freeze {
            self.freezer.keep(order_id, order, RequestKind::New);
            sink.on_report(&Report::Frozen(active.state(now)));
        } else {
            self.admit(now, active, sink);
        }
        Ok(order_id)
    }

    /// Cancels what is open of an order.
    ///
    /// # Errors
    ///
    /// The [`Refusal`], which is reported as well.
    #[inline]
    pub fn cancel<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let result = match self.rest.books.slot_of(self.segment as u8, target.order_id) {
            Some(slot) => self.cancel_resting(now, target, slot, sink),
            None => self.cancel_waiting(now, target, sink),
        };
        result.map_err(|refusal| {
            let Target { order_id, member, .. } = target;
            let form = self.form_of(order_id);
            self.refuse(now, RequestKind::Cancel, form, order_id, member, 0, refusal, sink)
        })
    }

    /// The books of all instruments. In an auction market orders stand in them too, at prices far
    /// beyond any limit.
    #[inline]
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.rest.books
    }

    /// Stop-loss orders that wait: each stands at its trigger, on the side opposite to its own.
    #[must_use]
    pub const fn stops(&self) -> &Books {
        &self.stops.books
    }

    /// The phase of an instrument; `Closed` when it is not known.
    #[must_use]
    pub fn phase(&self, instrument: InstrumentId) -> Phase {
        self.markets.get(instrument.index()).map_or(Phase::Closed, |market| market.phase)
    }

    /// The price of the last trade of the day.
    #[must_use]
    pub fn last_trade(&self, instrument: InstrumentId) -> Option<Px> {
        self.markets.get(instrument.index()).and_then(|market| market.last)
    }

    /// What the last auction of the instrument found; `None` when nothing could trade.
    #[must_use]
    pub fn clearing(&self, instrument: InstrumentId) -> Option<Clearing> {
        self.markets.get(instrument.index()).and_then(|market| market.clearing)
    }

    /// Requests refused so far.
    #[must_use]
    pub const fn refused_count(&self) -> u64 {
        self.refused
    }

    #[inline]
    pub(super) fn check_new(&self, order: &Order) -> Result<(), Refusal> {
        let Some(market) = self.markets.get(order.instrument.index()) else {
            return Err(Refusal::UnknownInstrument);
        };
        // Nearly all orders are this, and it is always allowed.
        let is_plain = order.order_type == OrderType::Limit && order.disclosed == Qty::ZERO;
        if !is_plain || market.phase != Phase::Continuous {
            market.phase.check(market.terms.orders, OrderAction::New(order.terms()))?;
        }
        check_order(market, &self.rest.books, order, 0)?;
        let is_frozen = order.quantity.0 > market.freeze;
        let has_room = self.rest.books.has_room()
            && (!order.is_stop() || self.stops.books.has_room())
            && (!is_frozen || self.freezer.has_room());
        if has_room { Ok(()) } else { Err(Refusal::Capacity) }
    }

    #[inline]
    fn cancel_resting<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        slot: u32,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let order = self.rest.books.at(slot);
        let detail = self.rest.detail(slot);
        check_target(target, detail.member, detail.activity)?;
        let market = &self.markets[order.instrument.index()];
        if market.phase != Phase::Continuous {
            let action = OrderAction::Cancel { resting: detail.order_type };
            market.phase.check(market.terms.orders, action)?;
        }
        self.drop_resting(now, slot, CancelReason::Requested, sink);
        Ok(())
    }

    /// A stop-loss or frozen order.
    #[cold]
    fn cancel_waiting<S: Sink>(
        &mut self,
        now: Nanos,
        target: Target,
        sink: &mut S,
    ) -> Result<(), Refusal> {
        let Some(slot) = self.stops.books.slot_of(self.segment as u8, target.order_id) else {
            return match self.blocks.position(target.order_id) {
                Some(position) => self.cancel_block(now, target, position, sink),
                None => self.cancel_frozen(now, target, sink),
            };
        };
        let instrument = self.stops.books.at(slot).instrument;
        let detail = self.stops.detail(slot);
        check_target(target, detail.member, detail.activity)?;
        let market = &self.markets[instrument.index()];
        let action = OrderAction::Cancel { resting: detail.order_type };
        market.phase.check(market.terms.orders, action)?;
        self.drop_stop(now, slot, CancelReason::Requested, sink);
        Ok(())
    }

    /// Takes an order out of the book and says why.
    #[inline]
    pub(super) fn drop_resting<S: Sink>(
        &mut self,
        now: Nanos,
        slot: u32,
        reason: CancelReason,
        sink: &mut S,
    ) {
        sink.on_report(&Report::Canceled(self.rest.state(slot, now), reason));
        self.rest.books.remove_at(slot);
    }

    /// The same of a stop-loss order that waits.
    pub(super) fn drop_stop<S: Sink>(
        &mut self,
        now: Nanos,
        slot: u32,
        reason: CancelReason,
        sink: &mut S,
    ) {
        sink.on_report(&Report::Canceled(self.stops.stop_state(slot, now), reason));
        self.stops.books.remove_at(slot);
    }

    #[cold]
    pub(super) fn refuse_order<S: Sink>(
        &mut self,
        now: Nanos,
        request: RequestKind,
        order_id: OrderId,
        order: &Order,
        refusal: Refusal,
        sink: &mut S,
    ) -> Refusal {
        let Order { member, reference, .. } = *order;
        let market = self.markets.get(order.instrument.index());
        let form = market.map_or(OrderForm::Regular, Market::form);
        self.refuse(now, request, form, order_id, member, reference, refusal, sink)
    }

    /// The form of an order that is still there.
    #[cold]
    fn form_of(&self, order_id: OrderId) -> OrderForm {
        let slot = self.rest.books.slot_of(self.segment as u8, order_id);
        let is_block = self.blocks.position(order_id).is_some();
        let other = if is_block { OrderForm::Block } else { OrderForm::Regular };
        slot.map_or(other, |slot| self.rest.detail(slot).form)
    }

    #[cold]
    #[allow(clippy::too_many_arguments, reason = "the fields of one report")]
    pub(super) fn refuse<S: Sink>(
        &mut self,
        time: Nanos,
        request: RequestKind,
        form: OrderForm,
        order_id: OrderId,
        member: u32,
        reference: u64,
        refusal: Refusal,
        sink: &mut S,
    ) -> Refusal {
        self.refused += 1;
        sink.on_report(&Report::Refused {
            request,
            form,
            time,
            order_id,
            member,
            reference,
            refusal,
        });
        refusal
    }

    /// Whether every invariant holds, by brute force. For tests and replays; O(everything).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let whole = self.rest.books.is_consistent() && self.stops.books.is_consistent();
        let instruments = (0..self.markets.len() as u32).map(InstrumentId);
        whole
            && instruments.zip(&self.markets).all(|(instrument, market)| {
                let open_market = market.phase == Phase::Continuous;
                let is_apart = !open_market || !self.rest.books.is_crossed(instrument);
                is_apart
                    && Side::BOTH.into_iter().all(|side| {
                        self.rest.books.orders(instrument, side).all(|order| {
                            let slot = self.rest.books.slot_of(self.segment as u8, order.order_id);
                            slot.is_some_and(|slot| {
                                let detail = self.rest.detail(slot);
                                detail.traded < detail.quantity
                                    && order.quantity.0 + detail.hidden == detail.open()
                            })
                        })
                    })
            })
    }
}

/// Whether a change names an order of the member's own, as it is.
#[inline]
pub(super) fn check_target(target: Target, member: u32, activity: Nanos) -> Result<(), Refusal> {
    if target.member != member {
        return Err(Refusal::NotYourOrder);
    }
    if target.last_activity != Nanos::ZERO && target.last_activity != activity {
        return Err(Refusal::OrderChanged);
    }
    Ok(())
}
