//! From checked wire fields to the model's event. After this, nobody looks at wire bytes again.

use bytemuck::Zeroable;
use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment, Side, StreamId, Token,
    TradingStatus,
};

use super::layout::{
    Execution, InstrumentState, OrderAdd, OrderDelete, OrderDetails, OrderMassDelete, OrderModify,
    OrderModifySamePriority, PRICE_NULL, ProductState, SnapshotOrder, TradeReversal,
};
use super::{DecodeError, Message};
use crate::Line;

/// What the packet says of all its messages.
#[derive(Clone, Copy, Debug)]
pub struct PacketContext {
    /// The stream that stands for the product.
    pub stream: StreamId,
    /// The line it came on.
    pub line: Line,
    /// When it came.
    pub receive_time: Nanos,
    /// `TransactTime` of the packet header: the time of messages without one of their own.
    pub transact_time: Nanos,
}

impl PacketContext {
    /// The context of a stream's packet without times, on line A.
    #[must_use]
    pub const fn new(segment: Segment, number: u16) -> Self {
        Self {
            stream: StreamId::new(segment, number),
            line: Line::A,
            receive_time: Nanos::ZERO,
            transact_time: Nanos::ZERO,
        }
    }

    #[inline]
    fn event(&self, kind: EventKind, sequence: u32, token: Token, side: Side) -> Event {
        let sell = if matches!(side, Side::Sell) { MarketFlags::SELL } else { 0 };
        let line = if matches!(self.line, Line::B) { MarketFlags::LINE_B } else { 0 };
        Event {
            kind_code: kind as u8,
            flags: sell | line,
            stream: self.stream,
            token,
            exchange_time: self.transact_time,
            receive_time: self.receive_time,
            sequence,
            ..Event::zeroed()
        }
    }

    /// The event of a trading status; a time that cannot be becomes the packet's.
    fn status_event(
        &self,
        sequence: u32,
        token: Token,
        wire_time: i64,
        status: TradingStatus,
    ) -> Event {
        let event = self.event(EventKind::TradingStatus, sequence, token, Side::Buy);
        let exchange_time = time(wire_time).unwrap_or(self.transact_time);
        Event { exchange_time, quantity: Qty(status as u32), ..event }
    }
}

/// The number that stands for an order in the model.
///
/// EOBI names an order by instrument, side, price and priority time. Each of them goes through a
/// bijection of 64-bit numbers before they are joined by exclusive-or: two keys that differ in one
/// of (side and time), price or instrument alone never have the same number, so orders of one
/// instrument and side with equal times cannot collide. Two live keys that differ in more do so
/// with a chance of about 2⁻⁶⁴. The number is a function of the key: the same from either line, a
/// snapshot or another run.
#[inline]
#[must_use]
pub const fn order_id(token: Token, side: Side, price: Px, priority_time: Nanos) -> OrderId {
    // Odd multipliers (of SplitMix64 and MurmurHash3) are bijections; times are below 2^63, which
    // leaves a bit for the side. The rotation keeps tokens out of the bits that times vary in.
    let time = priority_time.0.cast_unsigned() << 1 | matches!(side, Side::Sell) as u64;
    let price = price.0.cast_unsigned().wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let token = (token.0 as u64).wrapping_mul(0xFF51_AFD7_ED55_8CCD).rotate_left(29);
    let mixed = time.wrapping_mul(0x94D0_49BB_1331_11EB) ^ price ^ token;
    // 0 means "no order" in the model.
    OrderId(if mixed == 0 { 1 } else { mixed })
}

impl Message<'_> {
    /// The event of a message of the incremental channel; `None` when it changes no book and no
    /// trading status.
    ///
    /// Market orders, which have no price, are in no book: they make no event, except that a
    /// modification between market and limit is a new or a cancelled order, and an execution of one
    /// is a trade that names no order. The status of a product has token 0: it holds for the stream,
    /// which is the product.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        match self {
            Self::OrderAdd(message) => message.event(context),
            Self::OrderModify(message) => message.event(context),
            Self::OrderModifySamePriority(message) => message.event(context),
            Self::OrderDelete(message) => message.event(context),
            Self::Execution(message) => message.event(context).map(Some),
            Self::TradeReversal(message, _) => message.event(context).map(Some),
            Self::OrderMassDelete(message) => message.event(context).map(Some),
            Self::ProductState(message) => Ok(message.event(context)),
            Self::InstrumentState(message) => message.event(context),
            _ => Ok(None),
        }
    }
}

/// The checked fields of [`OrderDetails`].
struct Details {
    side: Side,
    priority_time: Nanos,
    /// `None` for a market order.
    price: Option<Px>,
}

impl OrderDetails {
    #[inline]
    fn checked(&self) -> Result<Details, DecodeError> {
        let priority_time = time(self.trd_reg_ts_time_priority.get())?;
        Ok(Details { side: side(self.side)?, priority_time, price: price(self.price.get()) })
    }
}

impl Details {
    #[inline]
    fn id(&self, token: Token, price: Px) -> OrderId {
        order_id(token, self.side, price, self.priority_time)
    }

    /// The event of the order as it stands, `None` for a market order.
    #[inline]
    fn event(
        &self,
        kind: EventKind,
        context: &PacketContext,
        sequence: u32,
        token: Token,
        quantity: Qty,
    ) -> Option<Event> {
        let price = self.price?;
        let event = context.event(kind, sequence, token, self.side);
        Some(Event { order_id: self.id(token, price), price, quantity, ..event })
    }
}

impl OrderAdd {
    #[inline]
    fn event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        let token = token(self.security_id.get())?;
        let details = self.order.checked()?;
        let quantity = positive(self.order.display_qty.get())?;
        let sequence = self.header.msg_seq_num.get();
        Ok(details.event(EventKind::OrderNew, context, sequence, token, quantity))
    }
}

impl OrderModify {
    /// A new key is a replacement, the old key a modification.
    #[inline]
    fn event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        let previous_time = time(self.trd_reg_ts_prev_time_priority.get())?;
        let token = token(self.security_id.get())?;
        let details = self.order.checked()?;
        let quantity = positive(self.order.display_qty.get())?;
        let sequence = self.header.msg_seq_num.get();
        let previous = price(self.prev_price.get())
            .map(|price| (price, order_id(token, details.side, price, previous_time)));
        let Some((old_price, old_id)) = previous else {
            return Ok(details.event(EventKind::OrderNew, context, sequence, token, quantity));
        };
        let event = context.event(EventKind::OrderCancel, sequence, token, details.side);
        let Some(price) = details.price else {
            return Ok(Some(Event { order_id: old_id, price: old_price, quantity, ..event }));
        };
        let new_id = details.id(token, price);
        let (kind, sell_order_id) = if new_id == old_id {
            (EventKind::OrderModify, OrderId::default())
        } else {
            (EventKind::OrderReplace, new_id)
        };
        let kind_code = kind as u8;
        Ok(Some(Event { kind_code, order_id: old_id, sell_order_id, price, quantity, ..event }))
    }
}

impl OrderModifySamePriority {
    #[inline]
    fn event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        let exchange_time = time(self.transact_time.get())?;
        let token = token(self.security_id.get())?;
        let details = self.order.checked()?;
        let quantity = positive(self.order.display_qty.get())?;
        let sequence = self.header.msg_seq_num.get();
        let event = details.event(EventKind::OrderModify, context, sequence, token, quantity);
        Ok(event.map(|event| Event { exchange_time, ..event }))
    }
}

impl OrderDelete {
    #[inline]
    fn event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        let exchange_time = time(self.transact_time.get())?;
        let token = token(self.security_id.get())?;
        let details = self.order.checked()?;
        // What was left of a deleted order means nothing any more; it is passed on where it fits.
        let quantity = Qty(u32::try_from(self.order.display_qty.get()).unwrap_or(0));
        let sequence = self.header.msg_seq_num.get();
        let event = details.event(EventKind::OrderCancel, context, sequence, token, quantity);
        Ok(event.map(|event| Event { exchange_time, ..event }))
    }
}

impl Execution {
    #[inline]
    fn event(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let side = side(self.side)?;
        let priority_time = time(self.trd_reg_ts_time_priority.get())?;
        let token = token(self.security_id.get())?;
        let quantity = positive(self.last_qty.get())?;
        let last = price(self.last_px.get()).ok_or(DecodeError::PriceNull)?;
        let sequence = self.header.msg_seq_num.get();
        let event = Event {
            price: last,
            quantity,
            ..context.event(EventKind::OrderExecute, sequence, token, side)
        };
        Ok(match price(self.price.get()) {
            Some(price) => Event { order_id: order_id(token, side, price, priority_time), ..event },
            None => Event {
                kind_code: EventKind::Trade as u8,
                flags: event.flags & !MarketFlags::SELL,
                ..event
            },
        })
    }
}

impl TradeReversal {
    fn event(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let token = token(self.security_id.get())?;
        let exchange_time = time(self.transact_time.get())?;
        let quantity = positive(self.last_qty.get())?;
        let price = price(self.last_px.get()).ok_or(DecodeError::PriceNull)?;
        let sequence = self.header.msg_seq_num.get();
        let event = context.event(EventKind::TradeCancel, sequence, token, Side::Buy);
        Ok(Event { exchange_time, quantity, price, ..event })
    }
}

impl OrderMassDelete {
    /// Every order of the instrument left at once.
    pub(super) fn event(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let token = token(self.security_id.get())?;
        let exchange_time = time(self.transact_time.get())?;
        let sequence = self.header.msg_seq_num.get();
        let event = context.event(EventKind::BookClear, sequence, token, Side::Buy);
        Ok(Event { exchange_time, ..event })
    }
}

impl ProductState {
    /// What the state means for trading; `None` for a code that is not documented.
    #[must_use]
    pub const fn trading_status(&self) -> Option<TradingStatus> {
        Some(match (self.trad_ses_status, self.trading_session_sub_id) {
            (1, _) => TradingStatus::Halted,
            (3, _) | (2, 5..=6) => TradingStatus::Closed,
            (2, 1 | 7) => TradingStatus::PreOpen,
            (2, 3) => TradingStatus::Open,
            (2, 4) => TradingStatus::Auction,
            _ => return None,
        })
    }

    fn event(&self, context: &PacketContext) -> Option<Event> {
        let sequence = self.header.msg_seq_num.get();
        let status = self.trading_status()?;
        Some(context.status_event(sequence, Token(0), self.transact_time.get(), status))
    }
}

impl InstrumentState {
    /// What the state means for trading; `None` for a code that is not documented.
    ///
    /// A circuit breaker's auction collects orders for one price, so it is an auction.
    #[must_use]
    pub const fn trading_status(&self) -> Option<TradingStatus> {
        Some(match (self.security_status, self.security_trading_status) {
            (9, _) => TradingStatus::Halted,
            (2 | 4, _) | (1, 200) => TradingStatus::Closed,
            (1, 201..=202) => TradingStatus::PreOpen,
            (1, 203) => TradingStatus::Open,
            (1, 204..=211) => TradingStatus::Auction,
            _ => return None,
        })
    }

    fn event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        let token = token(self.security_id.get())?;
        let sequence = self.header.msg_seq_num.get();
        let time = self.transact_time.get();
        Ok(self.trading_status().map(|status| context.status_event(sequence, token, time, status)))
    }
}

impl SnapshotOrder {
    /// The new order of a snapshot of `token` that contains the product's messages up to
    /// `last_sequence`; `None` for a market order. Its exchange time is its priority time.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    pub fn to_event(
        &self,
        context: &PacketContext,
        token: Token,
        last_sequence: u32,
    ) -> Result<Option<Event>, DecodeError> {
        let details = self.order.checked()?;
        let quantity = positive(self.order.display_qty.get())?;
        let event = details.event(EventKind::OrderNew, context, last_sequence, token, quantity);
        Ok(event.map(|event| Event {
            flags: event.flags | MarketFlags::SNAPSHOT,
            exchange_time: details.priority_time,
            ..event
        }))
    }
}

/// A time of the wire, read as signed: null and what is too late are negative.
#[inline]
pub(super) const fn time(wire: i64) -> Result<Nanos, DecodeError> {
    if wire < 0 { Err(DecodeError::TimeOutOfRange) } else { Ok(Nanos(wire)) }
}

/// `SecurityID` as a token.
#[inline]
pub(super) const fn token(wire: i64) -> Result<Token, DecodeError> {
    if 0 < wire && wire <= u32::MAX as i64 {
        Ok(Token(wire as u32))
    } else {
        Err(DecodeError::TokenOutOfRange)
    }
}

#[inline]
const fn side(wire: u8) -> Result<Side, DecodeError> {
    match wire {
        1 => Ok(Side::Buy),
        2 => Ok(Side::Sell),
        _ => Err(DecodeError::UnknownSide),
    }
}

/// The wire's unit is the model's; null is none. A strategy's price may be negative.
#[inline]
const fn price(wire: i64) -> Option<Px> {
    if wire == PRICE_NULL { None } else { Some(Px(wire)) }
}

#[inline]
const fn positive(wire: i64) -> Result<Qty, DecodeError> {
    if 0 < wire && wire <= u32::MAX as i64 {
        Ok(Qty(wire as u32))
    } else {
        Err(quantity_error(wire))
    }
}

#[cold]
const fn quantity_error(wire: i64) -> DecodeError {
    match wire {
        0 => DecodeError::QuantityZero,
        i64::MIN..0 => DecodeError::QuantityNegative,
        _ => DecodeError::QuantityOutOfRange,
    }
}
