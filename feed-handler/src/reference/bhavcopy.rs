//! A day's prices in the unified format (UDiFF), `BhavCopy_NSE_FO_0_0_0_YYYYMMDD_F_0000.csv`, since
//! 8 July 2024: contract master and option chain in one.
//!
//! Columns are found by name, prices are rupees, dates ISO. One format serves all segments; the
//! columns `Src` and `Sgmt` say which.

use tezi_model::{Instrument, InstrumentKind, Nanos, Px, Segment};

use super::dates;
use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::{DailyPrices, InstrumentRecord, UnderlyingKind};
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};
use super::terms::isin;

struct Columns {
    count: usize,
    trade_date: Column,
    segment: Column,
    source: Column,
    instrument_type: Column,
    token: Column,
    isin: Column,
    symbol: Column,
    series: Column,
    expiry: Column,
    actual_expiry: Column,
    strike: Column,
    option_type: Column,
    name: Column,
    open: Column,
    high: Column,
    low: Column,
    close: Column,
    last: Column,
    previous_close: Column,
    underlying: Column,
    settlement: Column,
    open_interest: Column,
    volume: Column,
    lot: Column,
}

impl Columns {
    fn of(header: &Row<'_>) -> Result<Self, LineFault> {
        Ok(Self {
            count: header.count(),
            trade_date: header.column("TradDt")?,
            segment: header.column("Sgmt")?,
            source: header.column("Src")?,
            instrument_type: header.column("FinInstrmTp")?,
            token: header.column("FinInstrmId")?,
            isin: header.column("ISIN")?,
            symbol: header.column("TckrSymb")?,
            series: header.column("SctySrs")?,
            expiry: header.column("XpryDt")?,
            actual_expiry: header.column("FininstrmActlXpryDt")?,
            strike: header.column("StrkPric")?,
            option_type: header.column("OptnTp")?,
            name: header.column("FinInstrmNm")?,
            open: header.column("OpnPric")?,
            high: header.column("HghPric")?,
            low: header.column("LwPric")?,
            close: header.column("ClsPric")?,
            last: header.column("LastPric")?,
            previous_close: header.column("PrvsClsgPric")?,
            underlying: header.column("UndrlygPric")?,
            settlement: header.column("SttlmPric")?,
            open_interest: header.column("OpnIntrst")?,
            volume: header.column("TtlTradgVol")?,
            lot: header.column("NewBrdLotQty")?,
        })
    }
}

pub(super) fn read(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let columns = Columns::of(&loader.header(b',')).map_err(LoadError::Header)?;
    let mut day = Nanos::ZERO;
    loader.read(b',', columns.count, |row| {
        let record = instrument(row, &columns)?;
        day = day.max(record.details.prices.map_or(Nanos::ZERO, |prices| prices.date));
        Ok(Parsed::Instrument(record))
    })?;
    loader.set_time(day);
    Ok(())
}

fn instrument(row: &Row<'_>, columns: &Columns) -> Result<InstrumentRecord, LineFault> {
    let segment = segment(row, columns)?;
    let mut record =
        InstrumentRecord::unknown(segment, row.token(columns.token)?, FileKind::Bhavcopy);
    let (kind, underlying) = match row.text(columns.instrument_type) {
        b"STF" => (InstrumentKind::Future, UnderlyingKind::Stock),
        b"STO" => (InstrumentKind::Option, UnderlyingKind::Stock),
        b"IDF" => (InstrumentKind::Future, UnderlyingKind::Index),
        b"IDO" => (InstrumentKind::Option, UnderlyingKind::Index),
        b"STK" => (InstrumentKind::Equity, UnderlyingKind::Unknown),
        _ => return Err(row.fault(columns.instrument_type, FaultReason::UnknownCode)),
    };
    let (instrument, details) = (&mut record.instrument, &mut record.details);
    instrument.kind_code = kind as u8;
    instrument.symbol = row.symbol_needed(columns.symbol)?;
    instrument.lot = row.quantity(columns.lot)?;
    if kind != InstrumentKind::Equity {
        derivative(row, columns, segment, instrument)?;
    }
    details.underlying = underlying;
    details.series = row.symbol(columns.series)?;
    details.isin = isin(row, columns.isin)?;
    details.name = row.name(columns.name);
    details.prices = Some(prices(row, columns)?);
    Ok(record)
}

fn derivative(
    row: &Row<'_>,
    columns: &Columns,
    segment: Segment,
    instrument: &mut Instrument,
) -> Result<(), LineFault> {
    // A holiday moves the actual expiry, not the nominal one.
    let day = match row.date(columns.actual_expiry)? {
        Some(day) => Some(day),
        None => row.date(columns.expiry)?,
    };
    let day = day.ok_or_else(|| row.fault(columns.expiry, FaultReason::Missing))?;
    instrument.expiry = dates::expiry_of(day, segment);
    if instrument.lot.0 == 0 {
        return Err(row.fault(columns.lot, FaultReason::Missing));
    }
    if instrument.kind() == InstrumentKind::Option {
        instrument.option_code = row.option_type(columns.option_type)? as u8;
        instrument.strike = row.rupees(columns.strike)?;
        if instrument.strike <= Px::ZERO {
            return Err(row.fault(columns.strike, FaultReason::OutOfRange));
        }
    }
    Ok(())
}

fn prices(row: &Row<'_>, columns: &Columns) -> Result<DailyPrices, LineFault> {
    let date = row.date(columns.trade_date)?;
    Ok(DailyPrices {
        date: date.ok_or_else(|| row.fault(columns.trade_date, FaultReason::Missing))?,
        open: row.rupees(columns.open)?,
        high: row.rupees(columns.high)?,
        low: row.rupees(columns.low)?,
        last: row.rupees(columns.last)?,
        close: row.rupees(columns.close)?,
        previous_close: row.rupees(columns.previous_close)?,
        settlement: row.rupees(columns.settlement)?,
        underlying: row.rupees(columns.underlying)?,
        open_interest: row.natural(columns.open_interest, i64::MAX as u64)?,
        volume: row.natural(columns.volume, i64::MAX as u64)?,
    })
}

/// The segment by exchange and market. NSE's F&O was read in real files; the other pairs follow the
/// format's one rule.
fn segment(row: &Row<'_>, columns: &Columns) -> Result<Segment, LineFault> {
    match (row.text(columns.source), row.text(columns.segment)) {
        (b"NSE", b"FO") => Ok(Segment::NseFo),
        (b"NSE", b"CM") => Ok(Segment::NseCm),
        (b"NSE", b"CD") => Ok(Segment::NseCd),
        (b"NSE", b"CO") => Ok(Segment::NseCo),
        (b"BSE", b"FO") => Ok(Segment::BseFo),
        (b"BSE", b"CM") => Ok(Segment::BseCm),
        (b"BSE", b"CD") => Ok(Segment::BseCd),
        (b"NSE" | b"BSE", _) => Err(row.fault(columns.segment, FaultReason::UnknownCode)),
        _ => Err(row.fault(columns.source, FaultReason::UnknownCode)),
    }
}
