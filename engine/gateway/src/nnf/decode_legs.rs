//! Answers on spreads and on orders of several legs (FO 9.48, chapters 5 and 6).
//!
//! They come in the full structure of 480 bytes, refusals also as a plain error response. Trades do not:
//! each leg's is a trade of its contract, which [`decode`](super::decode()) reads.

use tezi_model::{ExecutionKind, Px, Qty, Side, Token};

use super::decode::{
    Answer, DecodeError, Field, Reply, confirmation, error_response_of, quantity, refusal, side,
    strict_side, token, view,
};
use super::legs::{LegFields, Legs, LegsForm, LegsKey, split};
use super::wire::{ErrorResponse, MsOeRequest, MsSpdOeRequest, TransactionCode as Code};

/// One leg, as an answer has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegReply {
    /// The contract; 0 where a refusal does not say, and for a leg that is not there.
    pub token: Token,
    /// The side, where the message says it.
    pub side: Option<Side>,
    /// Units of the leg.
    pub quantity: Qty,
    /// Of them, filled.
    pub filled: Qty,
}

/// What a message says of an order of several legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsReply {
    /// The order as a whole. Of a spread the price is the difference and the side the spread's; of two
    /// and three legs both are the first leg's. Quantities are the first leg's.
    pub reply: Reply,
    /// The legs, as many as the form has.
    pub legs: [LegReply; 3],
}

/// Decodes an answer on an order of several legs, its envelope taken off and in plain.
///
/// # Errors
///
/// [`DecodeError::UnknownTransactionCode`] for the code of another message; as
/// [`decode`](super::decode()) otherwise.
pub fn decode_legs(message: &[u8]) -> Result<LegsReply, DecodeError> {
    let Some((code, _)) = message.split_first_chunk() else {
        return Err(DecodeError::Truncated);
    };
    let code = i16::from_be_bytes(*code);
    let form = LegsForm::of_answer(code).ok_or(DecodeError::UnknownTransactionCode { code })?;
    let refuses = refusal_of(code);
    if let Some(kind) = refuses
        && message.len() == ErrorResponse::SIZE
    {
        let reply = error_response_of(code, kind, &view::<ErrorResponse>(code, message)?.header);
        let key = LegsKey { form, further: [Token(0); 2] };
        return Ok(LegsReply {
            reply: Reply { legs: Some(key), ..reply },
            legs: [LegReply::default(); 3],
        });
    }
    let (order, legs) = split(view::<MsSpdOeRequest>(code, message)?);
    let kind = refuses.unwrap_or_else(|| confirmed(code, order.header.error_code.get()));
    let is_refusal = matches!(
        kind,
        ExecutionKind::Rejected | ExecutionKind::ReplaceRejected | ExecutionKind::CancelRejected
    );
    let reply = if is_refusal {
        refusal(code, kind, &Answer::from(&order))
    } else {
        confirmation(code, kind, &Answer::from(&order))?
    };
    let legs_read = read_legs(form, &order, &legs, is_refusal)?;
    Ok(LegsReply { reply: whole(form, reply, &legs, &legs_read), legs: legs_read })
}

/// The refusals.
const fn refusal_of(code: i16) -> Option<ExecutionKind> {
    Some(match code {
        Code::SPREAD_ERROR | Code::TWO_LEG_ERROR | Code::THREE_LEG_ERROR => ExecutionKind::Rejected,
        Code::SPREAD_MOD_REJECT => ExecutionKind::ReplaceRejected,
        Code::SPREAD_CXL_REJECT => ExecutionKind::CancelRejected,
        _ => return None,
    })
}

/// What another answer means. As of other orders, a confirmation with an error code is a refusal, and a
/// cancellation with one is a cancellation, the code its reason.
const fn confirmed(code: i16, error_code: i16) -> ExecutionKind {
    match (code, error_code) {
        (Code::SPREAD_MOD_CONFIRMATION, 0) => ExecutionKind::Replaced,
        (Code::SPREAD_MOD_CONFIRMATION, _) => ExecutionKind::ReplaceRejected,
        (
            Code::SPREAD_CONFIRMATION | Code::TWO_LEG_CONFIRMATION | Code::THREE_LEG_CONFIRMATION,
            0,
        ) => ExecutionKind::Accepted,
        (
            Code::SPREAD_CONFIRMATION | Code::TWO_LEG_CONFIRMATION | Code::THREE_LEG_CONFIRMATION,
            _,
        ) => ExecutionKind::Rejected,
        _ => ExecutionKind::Canceled,
    }
}

fn read_legs(
    form: LegsForm,
    order: &MsOeRequest,
    legs: &Legs,
    is_refusal: bool,
) -> Result<[LegReply; 3], DecodeError> {
    let mut read = [LegReply::default(); 3];
    for (at, place) in read.iter_mut().enumerate().take(form.count()) {
        let fields = legs.leg(order, at);
        *place = if is_refusal { echo(&fields) } else { strict(&fields)? };
    }
    Ok(read)
}

/// A leg that the venue confirms.
fn strict(leg: &LegFields) -> Result<LegReply, DecodeError> {
    let volume = quantity(leg.volume, Field::Volume)?;
    let remaining = quantity(leg.remaining, Field::RemainingVolume)?;
    let filled = quantity(leg.filled, Field::VolumeFilledToday)?;
    Ok(LegReply {
        token: token(leg.token).ok_or(DecodeError::OutOfRange(Field::TokenNo))?,
        side: Some(strict_side(leg.buy_sell)?),
        // The total in either reading of `Volume`.
        quantity: Qty(volume.0.max(remaining.0 + filled.0)),
        filled,
    })
}

/// A leg in a refusal, which only echoes the request.
fn echo(leg: &LegFields) -> LegReply {
    LegReply {
        token: token(leg.token).unwrap_or_default(),
        side: side(leg.buy_sell),
        quantity: quantity(leg.volume, Field::Volume).unwrap_or_default(),
        filled: Qty::ZERO,
    }
}

/// The reply of the first leg, made one of the whole order.
fn whole(form: LegsForm, first: Reply, legs: &Legs, read: &[LegReply; 3]) -> Reply {
    let mut reply = first;
    reply.legs = Some(LegsKey { form, further: [read[1].token, read[2].token] });
    if form == LegsForm::Spread {
        reply.report.price = Px::from_paise(i64::from(legs.price_diff.get()));
        reply.side = read[1].side;
    }
    reply
}
