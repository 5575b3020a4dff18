//! From checked wire fields to the model's event. After this, nobody looks at wire bytes again.

use bytemuck::Zeroable;
use tezi_model::{
    Event, EventKind, MarketFlags, Nanos, NseTime, OrderId, Px, Qty, Segment, StreamId, Token,
};

use super::layout::{OrderMessage, SnapshotOrder, StreamHeader, TradeMessage};
use super::{DecodeError, Message, message_type as kind};
use crate::Line;

/// Doubles are exact integers up to here.
const ORDER_ID_MAX: u64 = 1 << 53;

/// What a packet does not say of itself.
#[derive(Clone, Copy, Debug)]
pub struct PacketContext {
    /// The segment whose port it came on: it names the stream and scales the price.
    pub segment: Segment,
    /// The line it came on.
    pub line: Line,
    /// When it arrived, UTC nanoseconds.
    pub receive_time: Nanos,
}

impl PacketContext {
    /// The flags of every event of the packet.
    #[inline]
    const fn flags(&self) -> u8 {
        match self.line {
            Line::A => 0,
            Line::B => MarketFlags::LINE_B,
        }
    }
}

impl Message<'_> {
    /// The event the message stands for; `None` for heartbeats and old in-band masters, which say
    /// nothing of the market.
    ///
    /// # Errors
    ///
    /// The reasons of [`DecodeError`] from [`DecodeError::UnexpectedReply`] on.
    #[inline]
    pub fn to_event(&self, context: &PacketContext) -> Result<Option<Event>, DecodeError> {
        match self {
            Message::Order(message) => message.to_event(context).map(Some),
            Message::Trade(message) => message.to_event(context).map(Some),
            Message::Heartbeat(_) | Message::OldContract(_) | Message::OldCount(_) => Ok(None),
            Message::Reply(_) => Err(DecodeError::UnexpectedReply),
        }
    }
}

impl StreamHeader {
    /// The stream's number.
    ///
    /// # Errors
    ///
    /// [`DecodeError::StreamOutOfRange`].
    #[inline]
    pub fn stream_number(&self) -> Result<u8, DecodeError> {
        u8::try_from(self.stream_id.get()).map_err(|_| DecodeError::StreamOutOfRange)
    }

    /// An event with what the header says of it.
    #[inline]
    fn sequenced(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let number = self.stream_number()?;
        let sequence = self.seq_no.get();
        if sequence == 0 {
            return Err(DecodeError::SequenceZero);
        }
        Ok(Event {
            flags: context.flags(),
            stream: StreamId::new(context.segment, number.into()),
            sequence,
            receive_time: context.receive_time,
            ..Event::zeroed()
        })
    }
}

impl OrderMessage {
    /// The event of an order message.
    ///
    /// A cancel may carry any price and quantity (MTBT 6.7, chapter 6): they are passed on, a
    /// negative quantity as 0, and mean nothing.
    ///
    /// # Errors
    ///
    /// The header and field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let event = Event {
            kind_code: order_kind(self.message_type)? as u8,
            ..self.header.sequenced(context)?
        };
        OrderFields {
            timestamp: self.timestamp.get(),
            order_id: self.order_id.get(),
            token: self.token.get(),
            side: self.order_type,
            price: self.price.get(),
            quantity: self.quantity.get(),
        }
        .fill(event, context.segment)
    }
}

impl SnapshotOrder {
    /// The event of one order of a snapshot that covers the stream up to `last_sequence`: a new
    /// order, with that number as its sequence.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownType`] when it is neither `N` nor `G`; the field reasons.
    pub fn to_event(
        &self,
        stream: StreamId,
        segment: Segment,
        last_sequence: u32,
        receive_time: Nanos,
    ) -> Result<Event, DecodeError> {
        if !matches!(self.message_type, kind::ORDER_NEW | kind::SPREAD_ORDER_NEW) {
            return Err(DecodeError::UnknownType);
        }
        let event = Event {
            kind_code: order_kind(self.message_type)? as u8,
            stream,
            sequence: last_sequence,
            receive_time,
            ..Event::zeroed()
        };
        OrderFields {
            timestamp: self.timestamp.get(),
            order_id: self.order_id.get(),
            token: self.token.get(),
            side: self.order_type,
            price: self.price.get(),
            quantity: self.quantity.get(),
        }
        .fill(event, segment)
    }
}

/// The kind of event an order's type byte stands for.
#[inline]
const fn order_kind(message_type: u8) -> Result<EventKind, DecodeError> {
    Ok(match message_type {
        kind::ORDER_NEW => EventKind::OrderNew,
        kind::ORDER_MODIFY => EventKind::OrderModify,
        kind::ORDER_CANCEL => EventKind::OrderCancel,
        kind::SPREAD_ORDER_NEW => EventKind::SpreadOrderNew,
        kind::SPREAD_ORDER_MODIFY => EventKind::SpreadOrderModify,
        kind::SPREAD_ORDER_CANCEL => EventKind::SpreadOrderCancel,
        _ => return Err(DecodeError::UnknownType),
    })
}

/// The fields that an order has on the multicast and in a snapshot.
struct OrderFields {
    timestamp: i64,
    order_id: f64,
    token: i32,
    side: u8,
    price: i32,
    quantity: i32,
}

impl OrderFields {
    /// `event`, whose kind is set, with the fields in; each checked, in wire order.
    #[inline]
    fn fill(&self, mut event: Event, segment: Segment) -> Result<Event, DecodeError> {
        const NEW: u8 = EventKind::OrderNew as u8;
        const MODIFY: u8 = EventKind::OrderModify as u8;
        const CANCEL: u8 = EventKind::OrderCancel as u8;
        const SPREAD_CANCEL: u8 = EventKind::SpreadOrderCancel as u8;

        event.exchange_time = time(self.timestamp)?;
        event.order_id = order_id(self.order_id)?;
        if event.order_id.is_none() {
            return Err(DecodeError::OrderIdZero);
        }
        event.token = token(self.token)?;
        match self.side {
            b'B' => {}
            b'S' => event.flags |= MarketFlags::SELL,
            _ => return Err(DecodeError::UnknownSide),
        }
        event.price = Px(i64::from(self.price) * segment.wire_price_units());
        event.quantity = Qty(self.quantity.max(0).cast_unsigned());
        match event.kind_code {
            NEW | MODIFY if self.price <= 0 => Err(DecodeError::PriceNotPositive),
            CANCEL | SPREAD_CANCEL => Ok(event),
            _ if self.quantity <= 0 => Err(quantity_error(self.quantity)),
            _ => Ok(event),
        }
    }
}

impl TradeMessage {
    /// The event of a trade, a spread trade's leg or a cancelled trade.
    ///
    /// # Errors
    ///
    /// The header and field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &PacketContext) -> Result<Event, DecodeError> {
        let kind = match self.message_type {
            kind::TRADE => EventKind::Trade,
            kind::SPREAD_TRADE => EventKind::SpreadTrade,
            kind::TRADE_CANCEL => EventKind::TradeCancel,
            _ => return Err(DecodeError::UnknownType),
        };
        let event = self.header.sequenced(context)?;
        let exchange_time = time(self.timestamp.get())?;
        let buy = order_id(self.buy_order_id.get())?;
        let sell = order_id(self.sell_order_id.get())?;
        if buy.is_none() && sell.is_none() && !matches!(kind, EventKind::SpreadTrade) {
            return Err(DecodeError::TradeWithoutOrders);
        }
        let token = token(self.token.get())?;
        let (price, quantity) = (self.trade_price.get(), self.trade_quantity.get());
        if price <= 0 {
            return Err(DecodeError::PriceNotPositive);
        }
        if quantity <= 0 {
            return Err(quantity_error(quantity));
        }
        Ok(Event {
            kind_code: kind as u8,
            token,
            exchange_time,
            quantity: Qty(quantity.cast_unsigned()),
            price: Px(i64::from(price) * context.segment.wire_price_units()),
            order_id: buy,
            sell_order_id: sell,
            ..event
        })
    }
}

#[inline]
const fn time(timestamp: i64) -> Result<Nanos, DecodeError> {
    if timestamp < 0 {
        return Err(DecodeError::TimeNegative);
    }
    Ok(NseTime(timestamp).to_nanos())
}

/// The id a double stands for. Exact: what does not survive the way there and back is refused.
#[inline]
fn order_id(wire: f64) -> Result<OrderId, DecodeError> {
    let id = wire as i64; // saturates; not-a-number becomes 0
    if id as f64 == wire && 0 <= id && id.cast_unsigned() <= ORDER_ID_MAX {
        Ok(OrderId(id.cast_unsigned()))
    } else {
        Err(order_id_error(wire))
    }
}

#[cold]
fn order_id_error(wire: f64) -> DecodeError {
    if wire.fract() == 0.0 {
        DecodeError::OrderIdOutOfRange
    } else {
        DecodeError::OrderIdNotInteger // the fraction of infinities and not-a-number is NaN
    }
}

#[inline]
const fn token(wire: i32) -> Result<Token, DecodeError> {
    if wire <= 0 {
        return Err(DecodeError::TokenNotPositive);
    }
    Ok(Token(wire.cast_unsigned()))
}

#[cold]
const fn quantity_error(quantity: i32) -> DecodeError {
    if quantity < 0 { DecodeError::QuantityNegative } else { DecodeError::QuantityZero }
}
