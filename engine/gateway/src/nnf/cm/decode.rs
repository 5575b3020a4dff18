//! Messages of the capital market to execution reports.
//!
//! What an answer means is the same as in futures and options, so that each structure is read into
//! the terms that [`decode`](super::super::decode) judges. Confirmations and refusals come trimmed for
//! orders that left trimmed, and in the full structure for stop-loss orders and in downloads.

use bytemuck::Zeroable;
use tezi_model::{ClientOrderId, Token};

use super::super::decode::{
    Answer, DecodeError, OrderKey, Reply, answer, error_response, trade, venue_time, view,
};
use super::super::link::{Stamp, jiffies_from_wire};
use super::super::venue_state::VenueOrderState;
use super::super::wire::{
    BeI32, BeI64, CmErrorResponse, CmOrderEntryRequest, CmOrderOmResponseTr, CmTradeConfirm,
    CmTradeConfirmTr, MsTradeConfirm, MsTradeConfirmTr, SecInfo, TransactionCode as Code,
};

/// Decodes a message of the capital market, its envelope taken off and in plain.
///
/// `sequence` is the envelope's. `token_of` knows the session's securities; a message about another
/// one is decoded with token 0. `lookup` gives the engine's number of the order.
///
/// # Errors
///
/// [`DecodeError`]; `lookup` is then not called.
#[inline]
pub fn decode_cm(
    sequence: u32,
    message: &[u8],
    token_of: impl FnOnce(&SecInfo) -> Option<Token>,
    lookup: impl FnOnce(OrderKey) -> Option<ClientOrderId>,
) -> Result<Reply, DecodeError> {
    let Some((code, _)) = message.split_first_chunk() else {
        return Err(DecodeError::Truncated);
    };
    let code = i16::from_be_bytes(*code);
    let token = |sec_info: &SecInfo| Some(token_of(sec_info).unwrap_or_default());
    let (mut reply, tag) = match code {
        Code::TRADE_CONFIRMATION_TR => {
            let wire: &CmTradeConfirmTr = view(code, message)?;
            (trade(&of_trade(wire), token(&wire.sec_info))?, 0)
        }
        Code::TRADE_CONFIRMATION => {
            let wire: &CmTradeConfirm = view(code, message)?;
            (trade(&of_full_trade(wire), token(&wire.sec_info))?, 0)
        }
        _ if is_refusal(code) && message.len() == CmErrorResponse::SIZE => {
            (error_response(code, &view::<CmErrorResponse>(code, message)?.header), 0)
        }
        Code::ORDER_CONFIRMATION_TR
        | Code::ORDER_MOD_CONFIRMATION_TR
        | Code::ORDER_CXL_CONFIRMATION_TR
        | Code::ORDER_ERROR_TR
        | Code::ORDER_MOD_REJECT_TR
        | Code::ORDER_CXL_REJECT_TR => {
            let wire: &CmOrderOmResponseTr = view(code, message)?;
            let said = Answer { token: token(&wire.sec_info), ..Answer::from(wire) };
            (answer(code, &said)?, wire.transaction_id.get())
        }
        Code::ORDER_ERROR
        | Code::ORDER_MOD_REJECT
        | Code::ORDER_CXL_REJECT
        | Code::ORDER_CONFIRMATION
        | Code::ORDER_MOD_CONFIRMATION
        | Code::ORDER_CXL_CONFIRMATION
        | Code::BATCH_ORDER_CANCEL => {
            let wire: &CmOrderEntryRequest = view(code, message)?;
            let said = Answer { token: token(&wire.sec_info), ..Answer::from(wire) };
            (answer(code, &said)?, 0)
        }
        _ => return Err(DecodeError::UnknownTransactionCode { code }),
    };
    let key = OrderKey { sequence, order_id: reply.report.order_id, filler: tag };
    reply.report.client_order_id = lookup(key).unwrap_or_default();
    Ok(reply)
}

const fn is_refusal(code: i16) -> bool {
    matches!(
        code,
        Code::ORDER_ERROR
            | Code::ORDER_MOD_REJECT
            | Code::ORDER_CXL_REJECT
            | Code::ORDER_ERROR_TR
            | Code::ORDER_MOD_REJECT_TR
            | Code::ORDER_CXL_REJECT_TR
    )
}

/// What a frozen order or the price of a market order says, trimmed or in the full structure.
pub(in super::super) fn answer_of_notice(code: i16, message: &[u8]) -> Result<Answer, DecodeError> {
    if code == Code::MARKET_PRICE_CONFIRMATION_TR {
        return Ok(Answer::from(view::<CmOrderOmResponseTr>(code, message)?));
    }
    Ok(Answer::from(view::<CmOrderEntryRequest>(code, message)?))
}

/// What a notice about a trade says, in the structure of futures and options.
pub(in super::super) fn notice_of_trade(wire: &CmTradeConfirm) -> MsTradeConfirm {
    MsTradeConfirm {
        header: wire.header,
        response_order_number: wire.response_order_number,
        fill_number: wire.fill_number,
        fill_quantity: wire.fill_qty,
        fill_price: wire.fill_price,
        activity_time: wire.activity_time,
        last_activity_reference: wire.last_activity_reference,
        ..MsTradeConfirm::zeroed()
    }
}

/// The stamp of a trimmed message; `None` for a code that has a header to read it from, or a
/// message that is too short.
#[inline]
pub(in super::super) fn stamp_of_cm(code: i16, message: &[u8]) -> Option<Stamp> {
    match code {
        Code::ORDER_CONFIRMATION_TR
        | Code::ORDER_MOD_CONFIRMATION_TR
        | Code::ORDER_CXL_CONFIRMATION_TR
        | Code::ORDER_ERROR_TR
        | Code::ORDER_MOD_REJECT_TR
        | Code::ORDER_CXL_REJECT_TR
        | Code::MARKET_PRICE_CONFIRMATION_TR => {
            let wire: &CmOrderOmResponseTr = view(code, message).ok()?;
            Some(Stamp {
                jiffies: jiffies_from_wire(bytemuck::cast(wire.time_stamp1)),
                stream: wire.time_stamp2,
                nanos: wire.timestamp.get(),
            })
        }
        Code::TRADE_CONFIRMATION_TR => {
            let wire: &CmTradeConfirmTr = view(code, message).ok()?;
            Some(Stamp {
                jiffies: jiffies_from_wire(wire.time_stamp1),
                stream: wire.time_stamp2,
                nanos: wire.time_stamp.get(),
            })
        }
        _ => None,
    }
}

impl From<&CmOrderOmResponseTr> for Answer {
    #[inline]
    fn from(wire: &CmOrderOmResponseTr) -> Self {
        Self {
            order_number: wire.order_number,
            error_code: wire.error_code.get(),
            reason_code: wire.reason_code.get(),
            token: None,
            buy_sell_indicator: wire.buy_sell,
            volume: wire.volume,
            total_volume_remaining: wire.total_vol_remaining,
            volume_filled_today: wire.volume_filled_today,
            price: wire.price,
            time: venue_time(wire.timestamp.get(), wire.log_time.get()),
            venue: venue(wire.last_activity_reference, wire.entry_date_time, wire.last_modified),
        }
    }
}

impl From<&CmOrderEntryRequest> for Answer {
    #[inline]
    fn from(wire: &CmOrderEntryRequest) -> Self {
        Self {
            order_number: wire.order_number,
            error_code: wire.header.error_code.get(),
            reason_code: wire.reason_code.get(),
            token: None,
            buy_sell_indicator: wire.buy_sell,
            volume: wire.volume,
            total_volume_remaining: wire.total_vol_remaining,
            volume_filled_today: wire.volume_filled_today,
            price: wire.price,
            time: venue_time(wire.header.timestamp.get(), wire.header.log_time.get()),
            venue: venue(wire.last_activity_reference, wire.entry_date_time, wire.last_modified),
        }
    }
}

#[inline]
const fn venue(reference: BeI64, entry_date_time: BeI32, last_modified: BeI32) -> VenueOrderState {
    VenueOrderState {
        last_activity_reference: reference.get(),
        entry_date_time: entry_date_time.get(),
        last_modified: last_modified.get(),
    }
}

/// A trade in the structure of futures and options, as far as it is looked at.
#[inline]
fn of_trade(wire: &CmTradeConfirmTr) -> MsTradeConfirmTr {
    MsTradeConfirmTr {
        transaction_code: wire.transaction_code,
        log_time: wire.log_time,
        timestamp: wire.time_stamp,
        response_order_number: wire.response_order_number,
        buy_sell_indicator: wire.buy_sell,
        original_volume: wire.original_vol,
        remaining_volume: wire.remaining_vol,
        price: wire.price,
        fill_number: wire.fill_number,
        fill_quantity: wire.fill_qty,
        fill_price: wire.fill_price,
        volume_filled_today: wire.vol_filled_today,
        activity_time: wire.activity_time,
        last_activity_reference: wire.last_activity_reference,
        ..MsTradeConfirmTr::zeroed()
    }
}

/// A downloaded trade, which comes in the full structure.
#[cold]
fn of_full_trade(wire: &CmTradeConfirm) -> MsTradeConfirmTr {
    MsTradeConfirmTr {
        transaction_code: wire.header.transaction_code,
        log_time: wire.header.log_time,
        timestamp: wire.header.timestamp,
        response_order_number: wire.response_order_number,
        buy_sell_indicator: wire.buy_sell,
        original_volume: wire.original_vol,
        remaining_volume: wire.remaining_vol,
        price: wire.price,
        fill_number: wire.fill_number,
        fill_quantity: wire.fill_qty,
        fill_price: wire.fill_price,
        volume_filled_today: wire.vol_filled_today,
        activity_time: wire.activity_time,
        last_activity_reference: wire.last_activity_reference,
        ..MsTradeConfirmTr::zeroed()
    }
}
