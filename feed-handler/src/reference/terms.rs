//! What several formats write the same way.

use tezi_model::{Instrument, InstrumentKind, Px, Token};

use super::record::{Isin, TradingPermission};
use super::report::{FaultReason, LineFault};
use super::row::{Column, Row, rupees};

/// Fills expiry, strike and option type of a derivative whose kind is set: `columns` in this order.
///
/// Futures have a strike of 0 or −1 and an option type of `XX`, which say nothing.
pub(super) fn derivative_terms(
    row: &Row<'_>,
    instrument: &mut Instrument,
    columns: [Column; 3],
    unit: i64,
) -> Result<(), LineFault> {
    let [expiry, strike, option_type] = columns;
    instrument.expiry = row.seconds(expiry)?;
    if instrument.expiry.0 == 0 {
        return Err(row.fault(expiry, FaultReason::Missing));
    }
    if instrument.kind() == InstrumentKind::Option {
        instrument.option_code = row.option_type(option_type)? as u8;
        instrument.strike = row.price(strike, unit)?;
        if instrument.strike <= Px::ZERO {
            return Err(row.fault(strike, FaultReason::OutOfRange));
        }
    }
    Ok(())
}

/// The token of the underlying; none when it is 0, −1 or empty.
pub(super) fn asset_token(row: &Row<'_>, column: Column) -> Result<Option<Token>, LineFault> {
    match row.integer(column)? {
        None | Some(-1 | 0) => Ok(None),
        Some(_) => row.token(column).map(Some),
    }
}

/// Lowest and highest price, both 0 when the file has none.
pub(super) fn range(row: &Row<'_>, ends: [Column; 2], unit: i64) -> Result<[Px; 2], LineFault> {
    let [low, high] =
        [row.price_not_negative(ends[0], unit)?, row.price_not_negative(ends[1], unit)?];
    if low > high {
        return Err(row.fault(ends[0], FaultReason::InvertedRange));
    }
    Ok([low, high])
}

/// Whether the exchange lets the instrument trade.
pub(super) fn permission(
    row: &Row<'_>,
    column: Column,
) -> Result<Option<TradingPermission>, LineFault> {
    match row.text(column) {
        b"" => Ok(None),
        b"0" => Ok(Some(TradingPermission::Forbidden)),
        b"1" => Ok(Some(TradingPermission::Permitted)),
        b"2" => Ok(Some(TradingPermission::OutageBackup)),
        _ => Err(row.fault(column, FaultReason::UnknownCode)),
    }
}

/// The range `low-high` in rupees; both 0 when the field is empty or a dash.
pub(super) fn price_range(row: &Row<'_>, column: Column) -> Result<[Px; 2], LineFault> {
    let text = row.text(column);
    if text.is_empty() || text == b"-" {
        return Ok([Px::ZERO; 2]);
    }
    let dash = text.iter().position(|&byte| byte == b'-').unwrap_or(0);
    let (low, high) = (text[..dash].trim_ascii(), text[dash + 1..].trim_ascii());
    if low.is_empty() || high.is_empty() {
        return Err(row.fault(column, FaultReason::NotANumber));
    }
    let end = |text| rupees(text).map_err(|reason| row.fault(column, reason));
    let [low, high] = [end(low)?, end(high)?];
    if high < Px::ZERO {
        return Err(row.fault(column, FaultReason::NotANumber));
    }
    if low > high { Err(row.fault(column, FaultReason::InvertedRange)) } else { Ok([low, high]) }
}

/// The international number, `None` when the field is empty.
pub(super) fn isin(row: &Row<'_>, column: Column) -> Result<Option<Isin>, LineFault> {
    match row.text(column) {
        b"" => Ok(None),
        text => match Isin::new(text) {
            Some(isin) => Ok(Some(isin)),
            None => Err(row.fault(column, FaultReason::UnknownCode)),
        },
    }
}
