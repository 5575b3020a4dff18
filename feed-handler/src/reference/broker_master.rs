//! Instruments of an exchange in the form a broker gives out: BSE derivatives and NSE cash.
//!
//! No exchange document stands behind it. The columns name themselves and are found by name:
//! `Token`, `Symbol`, `DisplayName`, `Series`, `LotSize`, `TickSize`, and of derivatives
//! `ExpiryDate` (`25MAR2026`), `StrikePrice`, `OptionType`, `UnderlyingSymbol`, `PriceBandHigh` and
//! `PriceBandLow`, prices in rupees. The price bands of cash files fit no unit and are left out.

use tezi_model::{Instrument, InstrumentKind, Px, Segment};

use super::dates;
use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::{InstrumentRecord, UnderlyingKind};
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};

struct Columns {
    count: usize,
    token: Column,
    symbol: Column,
    name: Column,
    series: Column,
    lot: Column,
    tick: Column,
    derivative: Option<DerivativeColumns>,
}

struct DerivativeColumns {
    expiry: Column,
    strike: Column,
    option_type: Column,
    underlying: Column,
    price_low: Column,
    price_high: Column,
}

impl Columns {
    fn of(header: &Row<'_>) -> Result<Self, LineFault> {
        Ok(Self {
            count: header.count(),
            token: header.column("Token")?,
            symbol: header.column("Symbol")?,
            name: header.column("DisplayName")?,
            series: header.column("Series")?,
            lot: header.column("LotSize")?,
            tick: header.column("TickSize")?,
            derivative: match header.find("ExpiryDate") {
                Some(expiry) => Some(DerivativeColumns::of(header, expiry)?),
                None => None,
            },
        })
    }
}

impl DerivativeColumns {
    fn of(header: &Row<'_>, expiry: Column) -> Result<Self, LineFault> {
        Ok(Self {
            expiry,
            strike: header.column("StrikePrice")?,
            option_type: header.column("OptionType")?,
            underlying: header.column("UnderlyingSymbol")?,
            price_low: header.column("PriceBandLow")?,
            price_high: header.column("PriceBandHigh")?,
        })
    }
}

pub(super) fn read(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let segment = loader.segment().ok_or(LoadError::SegmentNeeded)?;
    let columns = Columns::of(&loader.header(b',')).map_err(LoadError::Header)?;
    loader.read(b',', columns.count, |row| {
        let token = row.token(columns.token)?;
        let mut record = InstrumentRecord::unknown(segment, token, FileKind::BrokerMaster);
        let (instrument, details) = (&mut record.instrument, &mut record.details);
        instrument.symbol = row.symbol_needed(columns.symbol)?;
        instrument.tick = row.rupees(columns.tick)?;
        instrument.lot = row.quantity_needed(columns.lot)?;
        details.series = row.symbol(columns.series)?;
        details.name = row.name(columns.name);
        if instrument.tick < Px::ZERO {
            return Err(row.fault(columns.tick, FaultReason::OutOfRange));
        }
        let Some(columns) = &columns.derivative else {
            instrument.kind_code = InstrumentKind::Equity as u8;
            return Ok(Parsed::Instrument(record));
        };
        // The two legs of a spread are named only in a text for people.
        if row.text(columns.option_type) == b"SPD" {
            return Ok(Parsed::SetAside);
        }
        if matches!(details.series.as_str(), "IF" | "IO") {
            details.underlying = UnderlyingKind::Index;
        }
        derivative(row, columns, segment, instrument)?;
        Ok(Parsed::Instrument(record))
    })
}

fn derivative(
    row: &Row<'_>,
    columns: &DerivativeColumns,
    segment: Segment,
    instrument: &mut Instrument,
) -> Result<(), LineFault> {
    instrument.symbol = row.symbol_needed(columns.underlying)?;
    let day = row.date(columns.expiry)?;
    let day = day.ok_or_else(|| row.fault(columns.expiry, FaultReason::Missing))?;
    instrument.expiry = dates::expiry_of(day, segment);
    if row.text(columns.option_type) == b"FUT" {
        instrument.kind_code = InstrumentKind::Future as u8;
    } else {
        instrument.option_code = row.option_type(columns.option_type)? as u8;
        instrument.kind_code = InstrumentKind::Option as u8;
        instrument.strike = row.rupees(columns.strike)?;
        if instrument.strike <= Px::ZERO {
            return Err(row.fault(columns.strike, FaultReason::OutOfRange));
        }
    }
    instrument.price_low = row.rupees(columns.price_low)?;
    instrument.price_high = row.rupees(columns.price_high)?;
    if instrument.price_low > instrument.price_high {
        return Err(row.fault(columns.price_low, FaultReason::InvertedRange));
    }
    Ok(())
}
