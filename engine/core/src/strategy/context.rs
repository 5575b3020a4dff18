//! A strategy's hands and eyes during one call.

use tezi_model::{
    ClientOrderId, InstrumentId, InstrumentKind, Money, Nanos, Px, Qty, RejectReason, Segment,
    Side, StrategyId, TimeInForce, Token, TradingStatus,
};

use crate::book::{Level, RestingOrder};
use crate::desk::{Desk, Explanation};
use crate::instruments::InstrumentState;
use crate::oms::{Exposure, Order};
use crate::output::{Output, Request, Theoretical};
use crate::position::Position;
use crate::pricing::PricingKernel;
use crate::timers::TimerId;

/// What a strategy may see and do. Nothing here blocks, allocates or fails silently.
pub struct Context<'a> {
    pub(crate) desk: &'a mut Desk,
    pub(crate) kernel: &'a dyn PricingKernel,
}

impl Context<'_> {
    /// The time of this call: when the input reached the machine.
    #[must_use]
    pub const fn now(&self) -> Nanos {
        self.desk.now
    }

    /// The latest time of the exchange seen in market data; use it for time to expiry, so that a
    /// replay prices as the day did.
    #[must_use]
    pub const fn exchange_time(&self) -> Nanos {
        self.desk.exchange_time
    }

    /// All instruments known now, in order of number.
    pub fn instruments(&self) -> impl Iterator<Item = (InstrumentId, &InstrumentState)> {
        self.desk.instruments.iter()
    }

    /// One instrument, `None` for a number not given out.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> Option<&InstrumentState> {
        self.desk.instruments.get(id)
    }

    /// The first instrument of a kind whose definition satisfies `accept`.
    pub fn find(
        &self,
        kind: InstrumentKind,
        accept: impl Fn(&InstrumentState) -> bool,
    ) -> Option<InstrumentId> {
        let matches = |state: &InstrumentState| state.definition.kind() == kind && accept(state);
        self.instruments().find(|(_, state)| matches(state)).map(|(id, _)| id)
    }

    /// The spread of two legs of a segment, by their tokens; `None` before it is defined or seen.
    #[must_use]
    pub fn spread(&self, segment: Segment, near: Token, far: Token) -> Option<InstrumentId> {
        self.desk.instruments.find_spread(segment, near, far)
    }

    /// An index, by the number the feed of a segment gives it; `None` before it is defined or seen.
    #[must_use]
    pub fn index(&self, segment: Segment, number: Token) -> Option<InstrumentId> {
        self.desk.instruments.find_index(segment, number)
    }

    /// The book of an instrument.
    #[must_use]
    pub const fn book(&self, instrument: InstrumentId) -> BookView<'_> {
        BookView { desk: self.desk, instrument }
    }

    /// What every check says of a new order now, without sending it.
    ///
    /// # Errors
    ///
    /// The refusal of highest precedence. It is neither said nor counted.
    pub fn check(
        &self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<(), RejectReason> {
        self.desk.check_new(instrument, side, price, quantity)
    }

    /// What a request would meet now: the market, the position, and every check with what it finds and
    /// what it allows. It allocates: for audits, not for trading.
    #[must_use]
    pub fn explain(&self, request: &Request) -> Explanation {
        self.desk.explain(request)
    }

    /// Says what an instrument is worth in theory, `None` when that is not known any more: orders too
    /// far through it are refused, where the desk has a limit for it. The journal gets a record of
    /// each change.
    ///
    /// # Errors
    ///
    /// [`RejectReason::UnknownInstrument`] for a number beyond those there is room for;
    /// [`RejectReason::Capacity`] when this input has caused as many outputs as configured.
    pub fn set_theoretical(
        &mut self,
        instrument: InstrumentId,
        price: Option<Px>,
    ) -> Result<(), RejectReason> {
        let price = price.unwrap_or(Px::ZERO);
        let before = self.desk.guards.theoretical(instrument);
        if before.ok_or(RejectReason::UnknownInstrument)? == price {
            return Ok(());
        }
        if !self.desk.has_room(1) {
            return Err(RejectReason::Capacity);
        }
        self.desk.guards.set_theoretical(instrument, price);
        let said = Theoretical { price, instrument, reserved: 0 };
        self.desk.emit(self.desk.origin, Output::Theoretical(said));
        Ok(())
    }

    /// The last trade of the market; of an index, its last value.
    #[must_use]
    pub fn last_trade(&self, instrument: InstrumentId) -> Option<Px> {
        self.desk.tape.get(instrument.index()).and_then(|tape| tape.last_trade)
    }

    /// Units the market traded since the start, as far as seen, less what was taken back.
    #[must_use]
    pub fn volume(&self, instrument: InstrumentId) -> u64 {
        self.desk.tape.get(instrument.index()).map_or(0, |tape| tape.volume)
    }

    /// Whether the instrument's book may be wrong because messages are lost.
    #[must_use]
    pub fn is_stale(&self, instrument: InstrumentId) -> bool {
        self.desk.is_stale(instrument)
    }

    /// Whether and how an instrument trades: a halt or close, its own before its segment's; else the
    /// later of what the exchange said of it and of its segment. Orders are refused while it is
    /// halted or closed.
    #[must_use]
    pub fn status(&self, instrument: InstrumentId) -> TradingStatus {
        self.desk.status(instrument)
    }

    /// The last status the exchange said of a whole segment.
    #[must_use]
    pub const fn segment_status(&self, segment: Segment) -> TradingStatus {
        self.desk.statuses.of_segment(segment)
    }

    /// The number of the strategy that is called, where there are several on this core.
    #[must_use]
    pub const fn strategy(&self) -> StrategyId {
        self.desk.strategy
    }

    /// The strategy's position in an instrument.
    #[must_use]
    pub fn position(&self, instrument: InstrumentId) -> Position {
        let own = self.desk.ledgers.position(self.desk.strategy, instrument);
        own.unwrap_or_else(|| self.desk.positions.get(instrument))
    }

    /// The strategy's profit of the session, realised and not, before charges.
    #[must_use]
    pub fn profit(&self) -> Money {
        self.desk.ledgers.profit(self.desk.strategy).unwrap_or_else(|| self.desk.profit())
    }

    /// Why trading is stopped for good, `None` while it is not.
    #[must_use]
    pub const fn stopped(&self) -> Option<RejectReason> {
        self.desk.risk.stopped()
    }

    /// An order of the strategy, `None` when it was never given out or is long closed and forgotten.
    #[must_use]
    pub fn order(&self, id: ClientOrderId) -> Option<Order> {
        self.desk.orders.get(id).filter(|order| order.strategy == self.desk.strategy)
    }

    /// All open orders of the strategy.
    pub fn open_orders(&self) -> impl Iterator<Item = Order> + '_ {
        self.desk.orders.open().filter(|order| order.strategy == self.desk.strategy)
    }

    /// What open orders of the strategy in an instrument may still trade.
    #[must_use]
    pub fn exposure(&self, instrument: InstrumentId) -> Exposure {
        let Desk { orders, strategy, .. } = &*self.desk;
        match strategy.is_none() {
            true => orders.exposure(instrument),
            false => orders.exposure_of(*strategy, instrument),
        }
    }

    /// Sends a limit order for the day.
    ///
    /// # Errors
    ///
    /// The reason it was refused; nothing has left.
    pub fn submit(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<ClientOrderId, RejectReason> {
        self.request(&Request::new_order(instrument, side, price, quantity, TimeInForce::Day))
    }

    /// Sends a limit order of which what does not trade at once is cancelled.
    ///
    /// # Errors
    ///
    /// The reason it was refused; nothing has left.
    pub fn submit_ioc(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
    ) -> Result<ClientOrderId, RejectReason> {
        self.request(&Request::new_order(instrument, side, price, quantity, TimeInForce::Ioc))
    }

    /// Sends a change of price and total quantity (what is filled included).
    ///
    /// # Errors
    ///
    /// The reason it was refused; the order stands as it was.
    pub fn replace(
        &mut self,
        id: ClientOrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<ClientOrderId, RejectReason> {
        self.request(&Request::replace(id, price, quantity))
    }

    /// Sends a cancel.
    ///
    /// # Errors
    ///
    /// The reason it was refused; the order stands as it was.
    pub fn cancel(&mut self, id: ClientOrderId) -> Result<ClientOrderId, RejectReason> {
        self.request(&Request::cancel(id))
    }

    /// Sends any request.
    ///
    /// # Errors
    ///
    /// The reason it was refused; nothing has changed.
    pub fn request(&mut self, request: &Request) -> Result<ClientOrderId, RejectReason> {
        self.desk.request(request)
    }

    /// Stops trading for good and cancels everything open: of every strategy of this core.
    pub fn kill(&mut self) {
        let origin = self.desk.origin;
        self.desk.is_entered = true;
        // Without room an earlier kill of this input took the last place: this one changes nothing.
        if self.desk.has_room_for_kill() {
            self.desk.emit(origin, Output::Kill);
        }
        self.desk.stop_trading(RejectReason::Killed);
        self.desk.is_entered = false;
    }

    /// Sets a timer; the call comes with the first input at or after `at`.
    ///
    /// # Errors
    ///
    /// [`RejectReason::Capacity`] when as many timers as configured are pending, or this input has
    /// caused as many outputs as configured.
    pub fn set_timer(&mut self, at: Nanos) -> Result<TimerId, RejectReason> {
        if !self.desk.has_room(1) {
            return Err(RejectReason::Capacity);
        }
        let timer = self.desk.timers.set(at, self.desk.strategy).ok_or(RejectReason::Capacity)?;
        self.desk.emit(self.desk.origin, Output::Timer(at));
        Ok(timer)
    }

    /// The pricing kernel of this host.
    #[must_use]
    pub const fn pricing(&self) -> &dyn PricingKernel {
        self.kernel
    }
}

/// The book of one instrument, to look at.
#[derive(Clone, Copy)]
pub struct BookView<'a> {
    desk: &'a Desk,
    instrument: InstrumentId,
}

impl<'a> BookView<'a> {
    /// The best level of a side.
    #[inline]
    #[must_use]
    pub fn touch(&self, side: Side) -> Option<Level> {
        self.desk.books.touch(self.instrument, side)
    }

    /// The best bid.
    #[inline]
    #[must_use]
    pub fn bid(&self) -> Option<Level> {
        self.touch(Side::Buy)
    }

    /// The best ask.
    #[inline]
    #[must_use]
    pub fn ask(&self) -> Option<Level> {
        self.touch(Side::Sell)
    }

    /// The middle of the touch in rupees; `None` while a side is empty or the book is crossed.
    #[must_use]
    pub fn mid(&self) -> Option<f64> {
        let (bid, ask) = (self.bid()?, self.ask()?);
        (bid.price < ask.price).then(|| f64::midpoint(bid.price.to_rupees(), ask.price.to_rupees()))
    }

    /// Whether the best bid is at or above the best ask: trades are on their way.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        self.desk.books.is_crossed(self.instrument)
    }

    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = Level> + 'a {
        self.desk.books.levels(self.instrument, side)
    }

    /// The orders of a side in the order in which they trade.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = RestingOrder> + 'a {
        self.desk.books.orders(self.instrument, side)
    }
}
