//! `security.txt`, NSE's cash instruments (NNF CM 6.3, appendix).
//!
//! Lines of 54 fields between bars after a header `NEATCM|<version>|<seconds since 1980>`. The day's
//! price range stands as text in rupees, `90.00-110.00`, in the field named credit rating.

use tezi_model::{InstrumentKind, Nanos, Px, Qty, Segment};

use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::{InstrumentRecord, SecurityType};
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row, integer};
use super::terms::{isin, permission, price_range};

const FILE_TIME: Column = Column::new(2, "file time");

const TOKEN: Column = Column::new(0, "token");
const SYMBOL: Column = Column::new(1, "symbol");
const SERIES: Column = Column::new(2, "series");
const INSTRUMENT_TYPE: Column = Column::new(3, "instrument type");
const ISSUED_CAPITAL: Column = Column::new(4, "issued capital");
const PERMITTED: Column = Column::new(5, "permitted to trade");
const PRICE_RANGE: Column = Column::new(6, "credit rating");
const NORMAL_ELIGIBLE: Column = Column::new(8, "normal market eligibility");
const CLOSING_ELIGIBLE: Column = Column::new(12, "third market eligibility");
const BOARD_LOT: Column = Column::new(19, "board lot");
const TICK: Column = Column::new(20, "tick");
const NAME: Column = Column::new(21, "name");
const FREEZE_PERCENT: Column = Column::new(26, "freeze percent");
const DELETE_FLAG: Column = Column::new(51, "delete flag");
const ISIN: Column = Column::new(53, "ISIN");

const FIELDS: usize = 54;
const UNIT: i64 = Px::PAISA;

/// From this day the third market's eligibility says whether there is a closing auction; before, it
/// was of a market for debt.
const CLOSING_AUCTION_FROM: Nanos = Nanos::from_ist(2026, 8, 3, 0, 0, 0);

/// The freeze field counts ten-thousandths of a percent of the issued capital: 41 is 0.0041 %.
const FREEZE_PARTS: u128 = 10_000 * 100;

pub(super) fn read(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let header = loader.header(b'|');
    let time = header.seconds(FILE_TIME).map_err(LoadError::Header)?;
    loader.set_time(time);
    loader.read(b'|', FIELDS, |row| {
        if row.choice_needed(DELETE_FLAG, b'Y', b'N')? {
            return Ok(Parsed::SetAside);
        }
        security(row, time).map(Parsed::Instrument)
    })
}

fn security(row: &Row<'_>, file_time: Nanos) -> Result<InstrumentRecord, LineFault> {
    let token = row.token(TOKEN)?;
    let mut record = InstrumentRecord::unknown(Segment::NseCm, token, FileKind::Security);
    let (instrument, details) = (&mut record.instrument, &mut record.details);
    instrument.kind_code = InstrumentKind::Equity as u8;
    instrument.symbol = row.symbol_needed(SYMBOL)?;
    instrument.tick = row.price_not_negative(TICK, UNIT)?;
    instrument.lot = row.quantity_needed(BOARD_LOT)?;
    [instrument.price_low, instrument.price_high] = price_range(row, PRICE_RANGE)?;
    details.issued_capital = issued_capital(row)?;
    let percent = row.natural(FREEZE_PERCENT, u32::MAX.into())?;
    instrument.freeze_quantity = freeze_quantity(details.issued_capital, percent);

    details.series = row.symbol(SERIES)?;
    details.security_type = security_type(row)?;
    details.permission = permission(row, PERMITTED)?;
    details.normal_market = row.choice(NORMAL_ELIGIBLE, b'1', b'0')?;
    let third_market = row.choice(CLOSING_ELIGIBLE, b'1', b'0')?;
    if CLOSING_AUCTION_FROM <= file_time {
        details.closing_auction = third_market;
    }
    details.name = row.name(NAME);
    details.isin = isin(row, ISIN)?;
    Ok(record)
}

fn security_type(row: &Row<'_>) -> Result<Option<SecurityType>, LineFault> {
    Ok(Some(match row.text(INSTRUMENT_TYPE) {
        b"" => return Ok(None),
        b"0" => SecurityType::Equity,
        b"1" => SecurityType::PreferenceShare,
        b"2" => SecurityType::Debenture,
        b"3" => SecurityType::Warrant,
        b"4" => SecurityType::Miscellaneous,
        _ => return Err(row.fault(INSTRUMENT_TYPE, FaultReason::UnknownCode)),
    }))
}

/// Units issued. A number sent as a double elsewhere, so decimals that are zero are taken.
fn issued_capital(row: &Row<'_>) -> Result<u64, LineFault> {
    let text = row.text(ISSUED_CAPITAL);
    let point = text.iter().position(|&byte| byte == b'.').unwrap_or(text.len());
    let (whole, decimals) = text.split_at(point);
    let zeros = decimals.iter().skip(1).all(|&byte| byte == b'0');
    if whole.is_empty() && decimals.is_empty() {
        return Ok(0);
    }
    let number = integer(whole).map_err(|reason| row.fault(ISSUED_CAPITAL, reason))?;
    match u64::try_from(number) {
        Ok(number) if zeros => Ok(number),
        Ok(_) => Err(row.fault(ISSUED_CAPITAL, FaultReason::NotANumber)),
        Err(_) => Err(row.fault(ISSUED_CAPITAL, FaultReason::OutOfRange)),
    }
}

/// The most units one order may have, 0 (not known) when either number is.
fn freeze_quantity(issued_capital: u64, percent: u64) -> Qty {
    if issued_capital == 0 || percent == 0 {
        return Qty::ZERO;
    }
    let units = u128::from(issued_capital) * u128::from(percent) / FREEZE_PARTS;
    // 0 would lift the limit that the exchange set.
    Qty(u32::try_from(units).unwrap_or(u32::MAX).max(1))
}
