//! Wire fields to the model's numbers, each with the reason it may be refused for.

use tezi_model::{IST_OFFSET_NS, NSE_EPOCH_UNIX_SECONDS, Nanos, Px, Token};

use super::DecodeError;
use crate::wire::big_endian::{BeF64, BeI16, BeI32};

const NANOS_PER_SECOND: i64 = 1_000_000_000;

#[inline]
pub(super) const fn token(wire: BeI32) -> Result<Token, DecodeError> {
    match wire.get() {
        token @ 1.. => Ok(Token(token.cast_unsigned())),
        _ => Err(DecodeError::TokenNotPositive),
    }
}

/// A token that may be absent.
pub(super) const fn token_or_none(wire: BeI32) -> Result<Option<Token>, DecodeError> {
    match wire.get() {
        0 => Ok(None),
        token @ 1.. => Ok(Some(Token(token.cast_unsigned()))),
        _ => Err(DecodeError::TokenNotPositive),
    }
}

/// Seconds since 1980-01-01 00:00:00 on the wall clock in India; zero stays zero.
#[inline]
pub(super) const fn time(wire: BeI32) -> Result<Nanos, DecodeError> {
    match wire.get() {
        0 => Ok(Nanos::ZERO),
        seconds @ 1.. => {
            let unix = seconds as i64 + NSE_EPOCH_UNIX_SECONDS;
            Ok(Nanos(unix * NANOS_PER_SECOND - IST_OFFSET_NS))
        }
        _ => Err(DecodeError::TimeNegative),
    }
}

/// The wire value of a time, rounded down; what does not fit saturates.
pub(super) fn wire_time(time: Nanos) -> BeI32 {
    if time == Nanos::ZERO {
        return BeI32::new(0);
    }
    let seconds = time.plus(IST_OFFSET_NS).second() - NSE_EPOCH_UNIX_SECONDS;
    BeI32::new(seconds.clamp(0, i64::from(i32::MAX)) as i32)
}

#[inline]
pub(super) const fn price(wire: BeI32) -> Result<Px, DecodeError> {
    match wire.get() {
        paise @ 0.. => Ok(Px::from_paise(paise as i64)),
        _ => Err(DecodeError::PriceNegative),
    }
}

/// A difference of prices.
#[inline]
pub(super) const fn difference(wire: BeI32) -> Px {
    Px::from_paise(wire.get() as i64)
}

/// A change whose sign is a character of its own; one that is blank leaves the number's.
#[inline]
pub(super) const fn signed_change(indicator: u8, wire: BeI32) -> Px {
    let paise = wire.get() as i64;
    Px::from_paise(match indicator {
        b'+' => paise.abs(),
        b'-' => -paise.abs(),
        _ => paise,
    })
}

#[inline]
pub(super) fn quantity(wire: impl Into<i64>) -> Result<u64, DecodeError> {
    u64::try_from(wire.into()).map_err(|_| DecodeError::QuantityNegative)
}

/// A quantity sent as a double; a fraction is cut.
#[inline]
pub(super) fn quantity_float(wire: BeF64) -> Result<u64, DecodeError> {
    let value = finite(wire)?;
    if value < 0.0 {
        return Err(DecodeError::QuantityNegative);
    }
    Ok(value as u64)
}

#[inline]
pub(super) fn finite(wire: BeF64) -> Result<f64, DecodeError> {
    let value = wire.get();
    if value.is_finite() { Ok(value) } else { Err(DecodeError::NumberNotFinite) }
}

#[inline]
pub(super) fn count(wire: impl Into<i64>) -> Result<u64, DecodeError> {
    u64::try_from(wire.into()).map_err(|_| DecodeError::CountNegative)
}

#[inline]
pub(super) fn order_count(wire: BeI16) -> Result<u32, DecodeError> {
    u32::try_from(wire.get()).map_err(|_| DecodeError::CountNegative)
}
