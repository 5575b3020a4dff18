//! What an algorithm may see and ask for, and what it is told.

use tezi_model::{
    ClientOrderId, InstrumentId, Nanos, OrderStatus, Px, Qty, RejectReason, Side, TimeInForce,
};

use crate::book::Level;
use crate::oms::{Order, OrderSessionState};
use crate::timers::TimerId;

/// The market and the way to it. A strategy's `Context` is one.
pub trait MarketAccess {
    /// The time of this input.
    fn now(&self) -> Nanos;

    /// The levels of a side, best first.
    fn levels(&self, instrument: InstrumentId, side: Side) -> impl Iterator<Item = Level>;

    /// The best level of a side.
    fn touch(&self, instrument: InstrumentId, side: Side) -> Option<Level> {
        self.levels(instrument, side).next()
    }

    /// The last trade of the market.
    fn last_trade(&self, instrument: InstrumentId) -> Option<Px>;

    /// Whether own orders show in the books and own trades on the tape: at an exchange they do, with
    /// the venue inside the core they do not.
    fn shows_own(&self) -> bool;

    /// An own order, `None` when it is not known.
    fn order(&self, id: ClientOrderId) -> Option<Order>;

    /// Sends a limit order.
    ///
    /// # Errors
    ///
    /// The reason it was refused; nothing has left.
    fn submit(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        price: Px,
        quantity: Qty,
        time_in_force: TimeInForce,
    ) -> Result<ClientOrderId, RejectReason>;

    /// Sends a change of price and total quantity, what is filled included.
    ///
    /// # Errors
    ///
    /// The reason it was refused; the order stands as it was.
    fn replace(
        &mut self,
        id: ClientOrderId,
        price: Px,
        quantity: Qty,
    ) -> Result<ClientOrderId, RejectReason>;

    /// Sends a cancel.
    ///
    /// # Errors
    ///
    /// The reason it was refused; the order stands as it was.
    fn cancel(&mut self, id: ClientOrderId) -> Result<ClientOrderId, RejectReason>;

    /// Sets a timer.
    ///
    /// # Errors
    ///
    /// [`RejectReason::Capacity`] when no more may be pending.
    fn set_timer(&mut self, at: Nanos) -> Result<TimerId, RejectReason>;
}

/// Something an algorithm is told. A strategy passes on every call it gets; those of other
/// instruments and orders are passed over cheaply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The touch of a book changed.
    Book(InstrumentId),
    /// The market traded.
    Trade {
        /// The instrument.
        instrument: InstrumentId,
        /// The price.
        price: Px,
        /// The quantity.
        quantity: Qty,
    },
    /// The exchange took a trade of the market back.
    TradeCanceled {
        /// The instrument.
        instrument: InstrumentId,
        /// The price it was at.
        price: Px,
        /// The quantity.
        quantity: Qty,
    },
    /// An own order changed.
    Order {
        /// The order as it is now.
        order: Order,
        /// Its state before.
        status_before: OrderStatus,
    },
    /// An own order traded; its [`Input::Order`] came before.
    Fill {
        /// The order.
        client_order_id: ClientOrderId,
        /// The price.
        price: Px,
        /// The quantity.
        quantity: Qty,
    },
    /// The exchange took an own trade back.
    FillCanceled {
        /// The order.
        client_order_id: ClientOrderId,
        /// The price it was at.
        price: Px,
        /// The quantity.
        quantity: Qty,
    },
    /// A timer is due.
    Timer(TimerId),
    /// The way to the exchange opened or closed.
    Session(OrderSessionState),
    /// Something else changed that may let orders out again: a status, a stream.
    Look,
}
