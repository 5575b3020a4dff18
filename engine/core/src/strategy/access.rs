//! A strategy's context is what execution algorithms see and ask through, and its calls are their
//! inputs.

use tezi_model::{ClientOrderId, InstrumentId, Nanos, Px, Qty, RejectReason, Side, TimeInForce};

use super::{BookUpdate, Context, Fill, OrderUpdate, Trade, TradeCancel};
use crate::book::Level;
use crate::execution::{Input, MarketAccess};
use crate::oms::Order;
use crate::output::Request;
use crate::timers::TimerId;

impl MarketAccess for Context<'_> {
    fn now(&self) -> Nanos {
        self.desk.now
    }

    fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level> {
        self.desk.books.levels(instrument, side)
    }

    fn touch(&self, instrument: InstrumentId, side: Side) -> Option<Level> {
        self.desk.books.touch(instrument, side)
    }

    fn last_trade(&self, instrument: InstrumentId) -> Option<Px> {
        Self::last_trade(self, instrument)
    }

    fn shows_own(&self) -> bool {
        self.desk.venue.is_none()
    }

    fn order(&self, id: ClientOrderId) -> Option<Order> {
        self.desk.orders.get(id)
    }

    fn submit(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Result<ClientOrderId, RejectReason> {
        self.request(&Request::new_order(instrument, side, price, quantity, time_in_force))
    }

    fn replace(
        &mut self,
        id: ClientOrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<ClientOrderId, RejectReason> {
        Self::replace(self, id, price, quantity)
    }

    fn cancel(&mut self, id: ClientOrderId) -> Result<ClientOrderId, RejectReason> {
        Self::cancel(self, id)
    }

    fn set_timer(&mut self, at: Nanos) -> Result<TimerId, RejectReason> {
        Self::set_timer(self, at)
    }
}

impl From<&Trade> for Input {
    fn from(trade: &Trade) -> Self {
        let &Trade { instrument, price, quantity, .. } = trade;
        Self::Trade { instrument, price, quantity }
    }
}

impl From<&TradeCancel> for Input {
    fn from(cancel: &TradeCancel) -> Self {
        let &TradeCancel { instrument, price, quantity, .. } = cancel;
        Self::TradeCanceled { instrument, price, quantity }
    }
}

impl From<&OrderUpdate> for Input {
    fn from(update: &OrderUpdate) -> Self {
        Self::Order { order: update.order, status_before: update.status_before }
    }
}

impl From<&Fill> for Input {
    fn from(fill: &Fill) -> Self {
        let &Fill { client_order_id, price, quantity, .. } = fill;
        Self::Fill { client_order_id, price, quantity }
    }
}

impl From<BookUpdate> for Input {
    /// What an algorithm looks at is the touch; a change behind it is [`Input::Book`] all the same.
    fn from(update: BookUpdate) -> Self {
        Self::Book(update.instrument)
    }
}
