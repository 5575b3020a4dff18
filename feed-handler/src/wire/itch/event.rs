//! From checked wire fields to the model's event. After this, nobody looks at wire bytes again.

use bytemuck::Zeroable;
use tezi_model::{
    Event, EventKind, Instrument, InstrumentKind, MarketFlags, Nanos, OrderId, Px, Qty, Segment,
    StreamId, Symbol, Token, TradingStatus,
};

use super::decode::layout;
use super::field::text;
use super::layout::{
    AddOrder, AddOrderWithMpid, BrokenTrade, CrossTrade, Header, OrderCancel, OrderDelete,
    OrderExecuted, OrderExecutedWithPrice, OrderReplace, StockDirectory, StockTradingAction,
    SystemEvent, Trade,
};
use super::{DecodeError, Message};
use crate::wire::big_endian::{BeU32, BeU64};

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

/// What a message does not say of itself.
#[derive(Clone, Copy, Debug)]
pub struct MessageContext {
    /// The stream; its segment is [`Segment::NasdaqUs`].
    pub stream: StreamId,
    /// The midnight in New York that the times count from; see [`super::SessionDate`].
    pub midnight: Nanos,
    /// When the packet arrived, UTC nanoseconds; zero, in files, becomes the exchange's time.
    pub receive_time: Nanos,
    /// [`MarketFlags`] of how it came: line B, recovered, more in the packet.
    pub flags: u8,
    /// The message's number in the stream. MoldUDP64 has 64 bits, the model's event 32: the low 32
    /// are kept. A day has below 10⁹ messages.
    pub sequence: u32,
}

impl Message<'_> {
    /// The event the message stands for; `None` when it changes no book and no trading status and
    /// is no trade.
    ///
    /// An execution that is not printable becomes [`EventKind::OrderReduce`]: the book loses the
    /// shares now, and their volume comes with the cross.
    ///
    /// # Errors
    ///
    /// The reasons of [`DecodeError`] from [`DecodeError::TimeOutOfRange`] on.
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Option<Event>, DecodeError> {
        match self {
            Message::AddOrder(message) => message.to_event(context).map(Some),
            Message::AddOrderWithMpid(message) => message.order.to_event(context).map(Some),
            Message::OrderExecuted(message) => message.to_event(context).map(Some),
            Message::OrderExecutedWithPrice(message) => message.to_event(context).map(Some),
            Message::OrderCancel(message) => message.to_event(context).map(Some),
            Message::OrderDelete(message) => message.to_event(context).map(Some),
            Message::OrderReplace(message) => message.to_event(context).map(Some),
            Message::Trade(message) => message.to_event(context).map(Some),
            Message::CrossTrade(message) => message.to_event(context),
            Message::BrokenTrade(message) => message.to_event(context).map(Some),
            Message::SystemEvent(message) => message.to_event(context),
            Message::StockTradingAction(message) => message.to_event(context),
            _ => Ok(None),
        }
    }
}

/// The event that `bytes`, all of one message, stand for: [`super::decode`] and
/// [`Message::to_event`] in one step, with one jump on the type where those have two. `None` when
/// the message changes no book and no trading status and is no trade.
///
/// # Errors
///
/// A [`DecodeError`].
#[inline]
pub fn decode_event(bytes: &[u8], context: &MessageContext) -> Result<Option<Event>, DecodeError> {
    decode_event_with(bytes, context, |event| *event)
}

/// As [`decode_event`], with what is to be done about the event in the place of each type: the
/// kind of the event is a constant there, so one jump, on the type, serves decoding and whatever
/// `sink` does by kind. The next type is close to random, so a second jump costs a misprediction.
///
/// # Errors
///
/// A [`DecodeError`]; `sink` is not called.
#[inline]
pub fn decode_event_with<R>(
    bytes: &[u8],
    context: &MessageContext,
    sink: impl FnOnce(&Event) -> R,
) -> Result<Option<R>, DecodeError> {
    let event = match bytes.first() {
        Some(b'A') => return Ok(Some(sink(&layout::<AddOrder>(bytes)?.to_event(context)?))),
        Some(b'F') => {
            return Ok(Some(sink(&layout::<AddOrderWithMpid>(bytes)?.order.to_event(context)?)));
        }
        Some(b'D') => return Ok(Some(sink(&layout::<OrderDelete>(bytes)?.to_event(context)?))),
        Some(b'U') => return Ok(Some(sink(&layout::<OrderReplace>(bytes)?.to_event(context)?))),
        Some(b'E') => return Ok(Some(sink(&layout::<OrderExecuted>(bytes)?.to_event(context)?))),
        Some(b'X') => return Ok(Some(sink(&layout::<OrderCancel>(bytes)?.to_event(context)?))),
        _ => decode_rare(bytes, context)?,
    };
    Ok(event.as_ref().map(sink))
}

/// What is no order, or an execution at another price: a few messages in a hundred.
#[cold]
#[inline(never)]
fn decode_rare(bytes: &[u8], context: &MessageContext) -> Result<Option<Event>, DecodeError> {
    super::decode(bytes)?.to_event(context)
}

impl Header {
    /// When it happened, given the midnight it counts from.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TimeOutOfRange`].
    #[inline]
    pub fn time(&self, midnight: Nanos) -> Result<Nanos, DecodeError> {
        let timestamp = self.timestamp.get();
        if timestamp >= NANOS_PER_DAY {
            return Err(DecodeError::TimeOutOfRange);
        }
        Ok(midnight.plus(timestamp.cast_signed()))
    }

    /// An event of a stock with what the header says of it.
    #[inline]
    fn event(&self, kind: EventKind, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.market_event(kind, context)?;
        if event.token.0 == 0 {
            return Err(DecodeError::LocateZero);
        }
        Ok(event)
    }

    /// An event that may be of no stock.
    #[inline]
    fn market_event(
        &self,
        kind: EventKind,
        context: &MessageContext,
    ) -> Result<Event, DecodeError> {
        let exchange_time = self.time(context.midnight)?;
        let is_file = context.receive_time.0 == 0;
        Ok(Event {
            kind_code: kind as u8,
            flags: context.flags,
            stream: context.stream,
            token: Token(u32::from(self.stock_locate.get())),
            exchange_time,
            receive_time: if is_file { exchange_time } else { context.receive_time },
            sequence: context.sequence,
            ..Event::zeroed()
        })
    }
}

impl AddOrder {
    /// The event of a new order.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderNew, context)?;
        let order_id = order_id(self.order_reference_number)?;
        // Either side is as likely as the other, so no branch between them: an odd letter can only be
        // `S`, an even one only `B`. (Two comparisons are made into two jumps.)
        let is_sell = self.buy_sell_indicator & 1;
        if self.buy_sell_indicator != b'B' + is_sell * (b'S' - b'B') {
            return Err(DecodeError::UnknownSide);
        }
        Ok(Event {
            flags: event.flags | (MarketFlags::SELL * is_sell),
            quantity: quantity(self.shares)?,
            price: price(self.price)?,
            order_id,
            ..event
        })
    }
}

impl OrderExecuted {
    /// The event of an execution; its price is 0, which stands for the order's own.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderExecute, context)?;
        let order_id = order_id(self.order_reference_number)?;
        Ok(Event { order_id, quantity: quantity(self.executed_shares)?, ..event })
    }
}

impl OrderExecutedWithPrice {
    /// Whether the execution counts as volume; when not, a cross counts it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::UnknownPrintable`].
    #[inline]
    pub const fn is_printable(&self) -> Result<bool, DecodeError> {
        match self.printable {
            b'Y' => Ok(true),
            b'N' => Ok(false),
            _ => Err(DecodeError::UnknownPrintable),
        }
    }

    /// The event of an execution at a price of its own.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderExecute, context)?;
        let order_id = order_id(self.order_reference_number)?;
        let quantity = quantity(self.executed_shares)?;
        if self.is_printable()? {
            Ok(Event { order_id, quantity, price: price(self.execution_price)?, ..event })
        } else {
            Ok(Event { kind_code: EventKind::OrderReduce as u8, order_id, quantity, ..event })
        }
    }
}

impl OrderCancel {
    /// The event of a partial cancel.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderReduce, context)?;
        let order_id = order_id(self.order_reference_number)?;
        Ok(Event { order_id, quantity: quantity(self.canceled_shares)?, ..event })
    }
}

impl OrderDelete {
    /// The event of an order that left.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderCancel, context)?;
        Ok(Event { order_id: order_id(self.order_reference_number)?, ..event })
    }
}

impl OrderReplace {
    /// The event of an order that goes on under a new number.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::OrderReplace, context)?;
        Ok(Event {
            order_id: order_id(self.original_order_reference_number)?,
            sell_order_id: order_id(self.new_order_reference_number)?,
            quantity: quantity(self.shares)?,
            price: price(self.price)?,
            ..event
        })
    }
}

impl Trade {
    /// The event of a trade between orders that were not displayed: both ids are 0. The side is
    /// not passed on, the exchange no longer says it.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        let event = self.header.event(EventKind::Trade, context)?;
        Ok(Event { quantity: quantity(self.shares)?, price: price(self.price)?, ..event })
    }
}

impl CrossTrade {
    /// The event of a cross, as one trade without ids; `None` when nothing crossed.
    ///
    /// # Errors
    ///
    /// The field reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Option<Event>, DecodeError> {
        let event = self.header.event(EventKind::Trade, context)?;
        let shares =
            u32::try_from(self.shares.get()).map_err(|_| DecodeError::QuantityOutOfRange)?;
        if shares == 0 {
            return Ok(None);
        }
        Ok(Some(Event { quantity: Qty(shares), price: price(self.cross_price)?, ..event }))
    }
}

impl BrokenTrade {
    /// The event of a trade taken back. The model's event has no place for the match number: it
    /// says that one trade of the stock is no more, and the message says which.
    ///
    /// # Errors
    ///
    /// The header reasons of [`DecodeError`].
    #[inline]
    pub fn to_event(&self, context: &MessageContext) -> Result<Event, DecodeError> {
        self.header.event(EventKind::TradeCancel, context)
    }
}

impl SystemEvent {
    /// What the milestone means for trading; `None` when nothing yet, or for an unknown code.
    #[must_use]
    pub const fn trading_status(&self) -> Option<TradingStatus> {
        match self.event_code {
            b'S' => Some(TradingStatus::PreOpen),
            b'Q' => Some(TradingStatus::Open),
            b'M' | b'E' | b'C' => Some(TradingStatus::Closed),
            _ => None,
        }
    }

    /// The event of the market's status, with token 0.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TimeOutOfRange`].
    pub fn to_event(&self, context: &MessageContext) -> Result<Option<Event>, DecodeError> {
        let event = self.header.market_event(EventKind::TradingStatus, context)?;
        let status = self.trading_status();
        Ok(status.map(|status| Event { token: Token(0), quantity: Qty(status as u32), ..event }))
    }
}

impl StockTradingAction {
    /// What the state means for trading; `None` for an unknown code. While a stock is only quoted,
    /// orders are collected for the cross that releases it.
    #[must_use]
    pub const fn trading_status(&self) -> Option<TradingStatus> {
        match self.trading_state {
            b'H' | b'P' => Some(TradingStatus::Halted),
            b'Q' => Some(TradingStatus::Auction),
            b'T' => Some(TradingStatus::Open),
            _ => None,
        }
    }

    /// The event of the stock's status.
    ///
    /// # Errors
    ///
    /// The header reasons of [`DecodeError`].
    pub fn to_event(&self, context: &MessageContext) -> Result<Option<Event>, DecodeError> {
        let event = self.header.event(EventKind::TradingStatus, context)?;
        let status = self.trading_status();
        Ok(status.map(|status| Event { quantity: Qty(status as u32), ..event }))
    }
}

impl StockDirectory {
    /// The stock as an instrument: symbol, locate number as token, round lot.
    ///
    /// Orders need not be round lots on this exchange, so the lot is 1 unless the directory says
    /// that they must. The tick is left unknown: it depends on the price.
    ///
    /// # Errors
    ///
    /// [`DecodeError::LocateZero`], [`DecodeError::QuantityZero`] for a round lot of 0.
    pub fn instrument(&self) -> Result<Instrument, DecodeError> {
        let locate = self.header.stock_locate.get();
        if locate == 0 {
            return Err(DecodeError::LocateZero);
        }
        let round_lot = quantity(self.round_lot_size)?;
        Ok(Instrument {
            symbol: Symbol::new(text(&self.stock)),
            lot: if self.round_lots_only == b'Y' { round_lot } else { Qty(1) },
            kind_code: InstrumentKind::Equity as u8,
            ..Instrument::unknown(Segment::NasdaqUs, Token(u32::from(locate)))
        })
    }
}

#[inline]
const fn order_id(wire: BeU64) -> Result<OrderId, DecodeError> {
    match wire.get() {
        0 => Err(DecodeError::OrderIdZero),
        id => Ok(OrderId(id)),
    }
}

#[inline]
const fn quantity(wire: BeU32) -> Result<Qty, DecodeError> {
    match wire.get() {
        0 => Err(DecodeError::QuantityZero),
        shares => Ok(Qty(shares)),
    }
}

/// `Price(4)` in the model's units.
#[inline]
fn price(wire: BeU32) -> Result<Px, DecodeError> {
    match wire.get() {
        0 => Err(DecodeError::PriceZero),
        price => Ok(Px(i64::from(price) * Segment::NasdaqUs.wire_price_units())),
    }
}
