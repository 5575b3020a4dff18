//! Messages to execution reports.
//!
//! Answers come trimmed or in the full structure, refusals usually in the full one or as a plain
//! error response; each shape is accepted for the codes that may have it. What an order depends on
//! is checked strictly where the venue confirms or fills, and leniently where it refuses: there the
//! numbers only echo the request, and a refusal must never be lost over an echo.

use core::fmt;

use bytemuck::{AnyBitPattern, Zeroable};
use tezi_model::{
    ClientOrderId, ExecutionKind, ExecutionReport, Nanos, NseTime, OrderId, Px, Qty, Side, Token,
};

use super::legs::LegsKey;
use super::venue_state::VenueOrderState;
use super::wire::{
    BeF64, BeI16, BeI32, BuySell, ErrorResponse, MessageHeader, MsOeRequest, MsOeResponseTr,
    MsTradeConfirm, MsTradeConfirmTr, TransactionCode as Code,
};

/// Why bytes are no answer on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end before the packet or the transaction code does.
    Truncated,
    /// The envelope's length cannot be.
    PacketLength {
        /// What it says.
        length: u16,
    },
    /// The message does not have the MD5 its envelope says.
    ChecksumMismatch,
    /// The message is not an answer on an order of the segment.
    UnknownTransactionCode {
        /// Its code.
        code: i16,
    },
    /// The message has not the length of a structure its code may come in.
    MessageLength {
        /// Its code.
        code: i16,
        /// Its length; no packet holds more than 1024 bytes.
        length: u16,
    },
    /// A field has a value that cannot be.
    OutOfRange(Field),
}

/// A field that [`DecodeError::OutOfRange`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `OrderNumber`: not a positive integer.
    OrderNumber,
    /// `Buy/SellIndicator`: neither 1 nor 2.
    BuySellIndicator,
    /// `TokenNo`: not positive.
    TokenNo,
    /// `Volume`: negative.
    Volume,
    /// `TotalVolumeRemaining` or `RemainingVolume`: negative.
    RemainingVolume,
    /// `VolumeFilledToday`: negative.
    VolumeFilledToday,
    /// `FillNumber`: negative.
    FillNumber,
    /// `FillQuantity`: not positive.
    FillQuantity,
    /// `FillPrice`: not positive.
    FillPrice,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end within the packet"),
            Self::PacketLength { length } => write!(f, "a packet cannot be {length} bytes long"),
            Self::ChecksumMismatch => f.write_str("the MD5 of the message is not the envelope's"),
            Self::UnknownTransactionCode { code } => {
                write!(f, "transaction code {code} is no answer on an order")
            }
            Self::MessageLength { code, length } => {
                write!(f, "a message {code} cannot be {length} bytes long")
            }
            Self::OutOfRange(field) => write!(f, "{field:?} has an impossible value"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// By what the session finds its own number of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderKey {
    /// Of the envelope; that of the request where this answers one in an encrypted session.
    pub sequence: u32,
    /// The venue's number; none when it never gave one, or the message has no place for it.
    pub order_id: OrderId,
    /// The filler of a trimmed confirmation, 0 in other messages. By its place that of the request.
    pub filler: i32,
}

/// What a message says of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The report for the core. Its `client_order_id` is 0 when the session does not know the
    /// order: it still is exposure. Its `passive` is 0, since NNF does not say who rested.
    pub report: ExecutionReport,
    /// What the next change of the order must echo; zeros where the message does not say, and
    /// throughout in a refusal, which leaves the order as it was.
    pub venue: VenueOrderState,
    /// The transaction code.
    pub transaction_code: i16,
    /// The contract, 0 when the message does not say; in the capital market also when its security is
    /// not defined.
    pub token: Token,
    /// The side, where the message says it.
    pub side: Option<Side>,
    /// Units still open after this, 0 in a refusal.
    pub remaining: Qty,
    /// Units filled in all after this, 0 in a refusal.
    pub filled: Qty,
    /// What else the order is in, where the message is about a whole order of several legs; contract,
    /// side and quantities are then those of the first leg, of a spread the side of the spread.
    pub legs: Option<LegsKey>,
}

/// Decodes a message of futures and options, its envelope taken off and in plain.
///
/// `sequence` is the envelope's. `lookup` gives the engine's number of the order.
///
/// # Errors
///
/// [`DecodeError`]; `lookup` is then not called.
#[inline]
pub fn decode(
    sequence: u32,
    message: &[u8],
    lookup: impl FnOnce(OrderKey) -> Option<ClientOrderId>,
) -> Result<Reply, DecodeError> {
    let Some((code, _)) = message.split_first_chunk() else {
        return Err(DecodeError::Truncated);
    };
    let code = i16::from_be_bytes(*code);
    let (mut reply, filler) = match code {
        Code::TRADE_CONFIRMATION_TR => {
            let wire: &MsTradeConfirmTr = view(code, message)?;
            (trade(wire, token(wire.token))?, 0)
        }
        Code::TRADE_CONFIRMATION => {
            let wire = trimmed(view(code, message)?);
            (trade(&wire, token(wire.token))?, 0)
        }
        Code::ORDER_CONFIRMATION_TR
        | Code::ORDER_MOD_CONFIRMATION_TR
        | Code::ORDER_CXL_CONFIRMATION_TR => {
            let response: &MsOeResponseTr = view(code, message)?;
            (answer(code, &Answer::from(response))?, response.filler.get())
        }
        Code::ORDER_ERROR | Code::ORDER_MOD_REJECT | Code::ORDER_CXL_REJECT
            if message.len() == ErrorResponse::SIZE =>
        {
            (error_response(code, &view::<ErrorResponse>(code, message)?.header), 0)
        }
        Code::ORDER_ERROR
        | Code::ORDER_MOD_REJECT
        | Code::ORDER_CXL_REJECT
        | Code::ORDER_CONFIRMATION
        | Code::ORDER_MOD_CONFIRMATION
        | Code::ORDER_CXL_CONFIRMATION
        | Code::BATCH_ORDER_CANCEL => {
            let response: &MsOeRequest = view(code, message)?;
            (answer(code, &Answer::from(response))?, 0)
        }
        _ => return Err(DecodeError::UnknownTransactionCode { code }),
    };
    let key = OrderKey { sequence, order_id: reply.report.order_id, filler };
    reply.report.client_order_id = lookup(key).unwrap_or_default();
    Ok(reply)
}

/// The message as the structure its code comes in.
#[inline]
pub(super) fn view<T: AnyBitPattern>(code: i16, message: &[u8]) -> Result<&T, DecodeError> {
    bytemuck::try_from_bytes(message).map_err(|_| {
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        DecodeError::MessageLength { code, length }
    })
}

/// What the trimmed and the full answer both say.
pub(super) struct Answer {
    pub(super) order_number: BeF64,
    pub(super) error_code: i16,
    pub(super) reason_code: i16,
    /// None for what cannot be one; 0 where the segment has none and the security is not known.
    pub(super) token: Option<Token>,
    pub(super) buy_sell_indicator: BeI16,
    pub(super) volume: BeI32,
    pub(super) total_volume_remaining: BeI32,
    pub(super) volume_filled_today: BeI32,
    pub(super) price: BeI32,
    pub(super) time: Nanos,
    pub(super) venue: VenueOrderState,
}

impl From<&MsOeResponseTr> for Answer {
    #[inline]
    fn from(wire: &MsOeResponseTr) -> Self {
        Self {
            order_number: wire.order_number,
            error_code: wire.error_code.get(),
            reason_code: wire.reason_code.get(),
            token: token(wire.token_no),
            buy_sell_indicator: wire.buy_sell_indicator,
            volume: wire.volume,
            total_volume_remaining: wire.total_volume_remaining,
            volume_filled_today: wire.volume_filled_today,
            price: wire.price,
            time: venue_time(wire.time_stamp.get(), wire.log_time.get()),
            venue: VenueOrderState {
                last_activity_reference: wire.last_activity_reference.get(),
                entry_date_time: wire.entry_date_time.get(),
                last_modified: wire.last_modified.get(),
            },
        }
    }
}

impl From<&MsOeRequest> for Answer {
    #[inline]
    fn from(wire: &MsOeRequest) -> Self {
        Self {
            order_number: wire.order_number,
            error_code: wire.header.error_code.get(),
            reason_code: wire.reason_code.get(),
            token: token(wire.token_no),
            buy_sell_indicator: wire.buy_sell_indicator,
            volume: wire.volume,
            total_volume_remaining: wire.total_volume_remaining,
            volume_filled_today: wire.volume_filled_today,
            price: wire.price,
            time: venue_time(wire.header.timestamp.get(), wire.header.log_time.get()),
            venue: VenueOrderState {
                last_activity_reference: wire.last_activity_reference.get(),
                entry_date_time: wire.entry_date_time.get(),
                last_modified: wire.last_modified.get(),
            },
        }
    }
}

/// What an answer means. A confirmation of entry or change that carries an error code is a
/// refusal; a cancellation with one is a cancellation and the code its reason (16388 for the rest
/// of an IOC order, 17071 for a self trade).
const fn kind_of(code: i16, error_code: i16) -> ExecutionKind {
    match code {
        Code::ORDER_MOD_REJECT | Code::ORDER_MOD_REJECT_TR => ExecutionKind::ReplaceRejected,
        Code::ORDER_CXL_REJECT | Code::ORDER_CXL_REJECT_TR => ExecutionKind::CancelRejected,
        Code::ORDER_CONFIRMATION_TR | Code::ORDER_CONFIRMATION if error_code == 0 => {
            ExecutionKind::Accepted
        }
        Code::ORDER_MOD_CONFIRMATION_TR | Code::ORDER_MOD_CONFIRMATION => {
            if error_code == 0 {
                ExecutionKind::Replaced
            } else {
                ExecutionKind::ReplaceRejected
            }
        }
        Code::ORDER_CXL_CONFIRMATION_TR
        | Code::ORDER_CXL_CONFIRMATION
        | Code::BATCH_ORDER_CANCEL => ExecutionKind::Canceled,
        _ => ExecutionKind::Rejected,
    }
}

#[inline]
pub(super) fn answer(code: i16, answer: &Answer) -> Result<Reply, DecodeError> {
    let kind = kind_of(code, answer.error_code);
    match kind {
        ExecutionKind::Accepted | ExecutionKind::Replaced | ExecutionKind::Canceled => {
            confirmation(code, kind, answer)
        }
        _ => Ok(refusal(code, kind, answer)),
    }
}

#[inline]
pub(super) fn confirmation(
    code: i16,
    kind: ExecutionKind,
    answer: &Answer,
) -> Result<Reply, DecodeError> {
    let remaining = quantity(answer.total_volume_remaining, Field::RemainingVolume)?;
    let filled = quantity(answer.volume_filled_today, Field::VolumeFilledToday)?;
    let volume = quantity(answer.volume, Field::Volume)?;
    // After a partial fill `Volume` is the total or the open quantity, depending on the reading.
    // The other two together are the total of a live order in both; a cancelled one may say that
    // nothing remains, and then the larger of both is nearest. Two i32 cannot overflow a u32.
    let total = volume.0.max(remaining.0 + filled.0);
    Ok(Reply {
        report: ExecutionReport {
            client_order_id: ClientOrderId::default(),
            order_id: order_id(answer.order_number)
                .ok_or(DecodeError::OutOfRange(Field::OrderNumber))?,
            price: Px::from_paise(i64::from(answer.price.get())),
            quantity: Qty(total),
            fill_id: 0,
            kind_code: kind as u8,
            passive: 0,
            reason: reason(answer),
            reserved: 0,
            venue_time: answer.time,
        },
        venue: answer.venue,
        transaction_code: code,
        token: answer.token.ok_or(DecodeError::OutOfRange(Field::TokenNo))?,
        side: Some(strict_side(answer.buy_sell_indicator)?),
        remaining,
        filled,
        legs: None,
    })
}

#[inline]
pub(super) fn refusal(code: i16, kind: ExecutionKind, answer: &Answer) -> Reply {
    Reply {
        report: ExecutionReport {
            client_order_id: ClientOrderId::default(),
            order_id: order_id(answer.order_number).unwrap_or_default(),
            price: Px::from_paise(i64::from(answer.price.get())),
            quantity: quantity(answer.volume, Field::Volume).unwrap_or_default(),
            fill_id: 0,
            kind_code: kind as u8,
            passive: 0,
            reason: reason(answer),
            reserved: 0,
            venue_time: answer.time,
        },
        venue: VenueOrderState::default(),
        transaction_code: code,
        token: answer.token.unwrap_or_default(),
        side: side(answer.buy_sell_indicator),
        remaining: Qty::ZERO,
        filled: Qty::ZERO,
        legs: None,
    }
}

/// A refusal that names nothing but its reason; the sequence number alone finds its order.
#[inline]
pub(super) fn error_response(code: i16, header: &MessageHeader) -> Reply {
    error_response_of(code, kind_of(code, header.error_code.get()), header)
}

/// The same of a kind that is known.
pub(super) fn error_response_of(code: i16, kind: ExecutionKind, header: &MessageHeader) -> Reply {
    let zero = BeI32::new(0);
    let answer = Answer {
        order_number: BeF64::new(0.0),
        error_code: header.error_code.get(),
        reason_code: 0,
        token: None,
        buy_sell_indicator: BeI16::new(0),
        volume: zero,
        total_volume_remaining: zero,
        volume_filled_today: zero,
        price: zero,
        time: venue_time(header.timestamp.get(), header.log_time.get()),
        venue: VenueOrderState::default(),
    };
    refusal(code, kind, &answer)
}

/// A downloaded trade, which comes in the full structure, as the trimmed one.
#[cold]
fn trimmed(wire: &MsTradeConfirm) -> MsTradeConfirmTr {
    MsTradeConfirmTr {
        transaction_code: wire.header.transaction_code,
        log_time: wire.header.log_time,
        timestamp: wire.header.timestamp,
        response_order_number: wire.response_order_number,
        buy_sell_indicator: wire.buy_sell_indicator,
        original_volume: wire.original_volume,
        remaining_volume: wire.remaining_volume,
        price: wire.price,
        fill_number: wire.fill_number,
        fill_quantity: wire.fill_quantity,
        fill_price: wire.fill_price,
        volume_filled_today: wire.volume_filled_today,
        activity_time: wire.activity_time,
        token: wire.token,
        last_activity_reference: wire.last_activity_reference,
        ..MsTradeConfirmTr::zeroed()
    }
}

#[inline]
pub(super) fn trade(wire: &MsTradeConfirmTr, token: Option<Token>) -> Result<Reply, DecodeError> {
    let fill_quantity = quantity(wire.fill_quantity, Field::FillQuantity)?;
    if fill_quantity.is_zero() {
        return Err(DecodeError::OutOfRange(Field::FillQuantity));
    }
    if wire.fill_price.get() <= 0 {
        return Err(DecodeError::OutOfRange(Field::FillPrice));
    }
    let timestamp = wire.timestamp.get();
    // The trade's own reference is what the next change must echo. One document reads as if the
    // nanoseconds took its place; they do where the field is empty.
    let last_activity_reference = match wire.last_activity_reference.get() {
        0 => timestamp,
        reference => reference,
    };
    Ok(Reply {
        report: ExecutionReport {
            client_order_id: ClientOrderId::default(),
            order_id: order_id(wire.response_order_number)
                .ok_or(DecodeError::OutOfRange(Field::OrderNumber))?,
            price: Px::from_paise(i64::from(wire.fill_price.get())),
            quantity: fill_quantity,
            fill_id: u32::try_from(wire.fill_number.get())
                .map_err(|_| DecodeError::OutOfRange(Field::FillNumber))?,
            kind_code: ExecutionKind::Fill as u8,
            passive: 0,
            reason: 0,
            reserved: 0,
            venue_time: venue_time(timestamp, wire.log_time.get()),
        },
        venue: VenueOrderState {
            last_activity_reference,
            entry_date_time: 0,
            last_modified: wire.activity_time.get(),
        },
        transaction_code: wire.transaction_code.get(),
        token: token.ok_or(DecodeError::OutOfRange(Field::TokenNo))?,
        side: Some(strict_side(wire.buy_sell_indicator)?),
        remaining: quantity(wire.remaining_volume, Field::RemainingVolume)?,
        filled: quantity(wire.volume_filled_today, Field::VolumeFilledToday)?,
        legs: None,
    })
}

#[inline]
pub(super) fn quantity(wire: BeI32, field: Field) -> Result<Qty, DecodeError> {
    u32::try_from(wire.get()).map(Qty).map_err(|_| DecodeError::OutOfRange(field))
}

/// The order number as an integer; `None` for what a positive integer below 2^64 is not.
#[inline]
pub(super) fn order_id(wire: BeF64) -> Option<OrderId> {
    let double = wire.get();
    let number = double as u64; // saturates, and makes 0 of what is no number
    (number != 0 && number != u64::MAX && number as f64 == double).then_some(OrderId(number))
}

#[inline]
pub(super) fn token(wire: BeI32) -> Option<Token> {
    u32::try_from(wire.get()).ok().filter(|&token| token != 0).map(Token)
}

#[inline]
pub(super) fn side(wire: BeI16) -> Option<Side> {
    match wire.get() {
        BuySell::BUY => Some(Side::Buy),
        BuySell::SELL => Some(Side::Sell),
        _ => None,
    }
}

#[inline]
pub(super) fn strict_side(wire: BeI16) -> Result<Side, DecodeError> {
    side(wire).ok_or(DecodeError::OutOfRange(Field::BuySellIndicator))
}

/// The error code, or the reason code where there is none.
#[inline]
pub(super) const fn reason(answer: &Answer) -> u16 {
    let reason = if answer.error_code != 0 { answer.error_code } else { answer.reason_code };
    reason.cast_unsigned()
}

/// The nanoseconds, or the seconds of the log where there are none.
#[inline]
pub(super) fn venue_time(timestamp: i64, log_time: i32) -> Nanos {
    match (timestamp, log_time) {
        (1.., _) => NseTime(timestamp).to_nanos(),
        (_, 1..) => NseTime(i64::from(log_time) * 1_000_000_000).to_nanos(),
        _ => Nanos::ZERO,
    }
}
