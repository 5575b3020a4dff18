//! What a venue says of an order beside the reports: frozen, priced, triggered, a trade taken back.

use tezi_model::{ClientOrderId, Nanos, OrderId, Px, Qty, Segment};

use super::cm::{answer_of_notice, notice_of_trade};
use super::decode::{Answer, DecodeError, order_id, reason, venue_time, view};
use super::venue_state::VenueOrderState;
use super::wire::{BeI32, MsOeRequest, MsTradeConfirm, TransactionCode as Code};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The order waits for the exchange's approval; the reason is 17 for its price, 18 for its
    /// quantity. A confirmation or refusal follows.
    Frozen,
    /// A market order got this price and rests with it.
    MarketPrice,
    /// A stop-loss order went into the book.
    Triggered,
    /// The exchange took the trade `fill_id` back.
    TradeCanceled,
    /// The trade `fill_id` was modified.
    TradeModified,
}

/// One notice. None of them changes what is open of an order, except that a trade taken back has
/// to be taken out of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub kind: NoticeKind,
    /// The engine's number; 0 when the session does not know the order.
    pub client_order_id: ClientOrderId,
    /// The venue's number; none when the message has none.
    pub order_id: OrderId,
    /// The price now; of the trade, where it is about one. The documents give the price of a market
    /// buy order below zero; here it is positive.
    pub price: Px,
    /// Units of the order; of the trade, where it is about one.
    pub quantity: Qty,
    /// The venue's number of the trade, 0 otherwise.
    pub fill_id: u32,
    /// The venue's reason, 0 when there is none.
    pub reason: u16,
    /// The venue's time.
    pub venue_time: Nanos,
}

/// Whether a code is of a notice. Trimmed ones are of the capital market only.
pub(super) const fn is_notice(segment: Segment, code: i16) -> bool {
    let is_cm = matches!(segment, Segment::NseCm);
    kind_of(code).is_some() && (is_cm || code != Code::MARKET_PRICE_CONFIRMATION_TR)
}

/// Decodes a notice and what the next change of its order must echo.
///
/// # Errors
///
/// [`DecodeError::UnknownTransactionCode`] for a code of another message,
/// [`DecodeError::MessageLength`] for a length that its structure has not.
pub(super) fn decode_notice(
    segment: Segment,
    code: i16,
    message: &[u8],
) -> Result<(Notice, VenueOrderState), DecodeError> {
    let kind = kind_of(code).ok_or(DecodeError::UnknownTransactionCode { code })?;
    let is_of_order = matches!(kind, NoticeKind::Frozen | NoticeKind::MarketPrice);
    match (segment, is_of_order) {
        (Segment::NseCm, true) => Ok(of_order(kind, &answer_of_notice(code, message)?)),
        (Segment::NseCm, false) => Ok(of_trade(kind, &notice_of_trade(view(code, message)?))),
        (_, true) => Ok(of_order(kind, &Answer::from(view::<MsOeRequest>(code, message)?))),
        (_, false) => Ok(of_trade(kind, view(code, message)?)),
    }
}

const fn kind_of(code: i16) -> Option<NoticeKind> {
    Some(match code {
        Code::FREEZE_TO_CONTROL => NoticeKind::Frozen,
        Code::MARKET_PRICE_CONFIRMATION | Code::MARKET_PRICE_CONFIRMATION_TR => {
            NoticeKind::MarketPrice
        }
        Code::STOP_LOSS_TRIGGER => NoticeKind::Triggered,
        Code::TRADE_CANCEL_CONFIRM => NoticeKind::TradeCanceled,
        Code::TRADE_MOD_CONFIRM => NoticeKind::TradeModified,
        _ => return None,
    })
}

fn of_order(kind: NoticeKind, answer: &Answer) -> (Notice, VenueOrderState) {
    let notice = Notice {
        kind,
        client_order_id: ClientOrderId::default(),
        order_id: order_id(answer.order_number).unwrap_or_default(),
        price: Px::from_paise(i64::from(answer.price.get()).abs()),
        quantity: quantity(answer.volume),
        fill_id: 0,
        reason: reason(answer),
        venue_time: answer.time,
    };
    (notice, answer.venue)
}

fn of_trade(kind: NoticeKind, wire: &MsTradeConfirm) -> (Notice, VenueOrderState) {
    let notice = Notice {
        kind,
        client_order_id: ClientOrderId::default(),
        order_id: order_id(wire.response_order_number).unwrap_or_default(),
        price: Px::from_paise(i64::from(wire.fill_price.get())),
        quantity: quantity(wire.fill_quantity),
        fill_id: u32::try_from(wire.fill_number.get()).unwrap_or_default(),
        reason: wire.header.error_code.get().cast_unsigned(),
        venue_time: venue_time(wire.header.timestamp.get(), wire.header.log_time.get()),
    };
    let venue = VenueOrderState {
        last_activity_reference: wire.last_activity_reference.get(),
        entry_date_time: 0,
        last_modified: wire.activity_time.get(),
    };
    (notice, venue)
}

fn quantity(wire: BeI32) -> Qty {
    Qty(u32::try_from(wire.get()).unwrap_or_default())
}
