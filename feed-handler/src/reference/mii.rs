//! The public masters, `NSE_FO_contract_ddmmyyyy.csv` and `NSE_CM_security_ddmmyyyy.csv`.
//!
//! Commas, a header, and the values of `contract.txt` and `security.txt`. Only names of columns are
//! known, not their order, so columns are found by name and those that decide nothing may be
//! missing.

use tezi_model::{InstrumentKind, Px, Segment};

use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::InstrumentRecord;
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};
use super::terms::{asset_token, derivative_terms, isin, permission, price_range};

const UNIT: i64 = Px::PAISA;

struct ContractColumns {
    token: Column,
    underlying_token: Column,
    instrument: Column,
    symbol: Column,
    terms: [Column; 3],
    permitted: Column,
    minimum_lot: Column,
    board_lot: Column,
    tick: Column,
    name: Column,
    delete_flag: Column,
}

impl ContractColumns {
    fn of(header: &Row<'_>) -> Result<Self, LineFault> {
        Ok(Self {
            token: header.column("FinInstrmId")?,
            underlying_token: header.column_or_absent("UndrlygFinInstrmId"),
            instrument: header.column("FinInstrmNm")?,
            symbol: header.column("TckrSymb")?,
            terms: [header.column("XpryDt")?, header.column("StrkPric")?, header.column("OptnTp")?],
            permitted: header.column_or_absent("PrtdToTrad"),
            minimum_lot: header.column_or_absent("MinLot"),
            board_lot: header.column("NewBrdLotQty")?,
            tick: header.column_or_absent("BidIntrvl"),
            name: header.column_or_absent("StockNm"),
            delete_flag: header.column_or_absent("DelFlg"),
        })
    }
}

pub(super) fn read_contracts(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let header = loader.header(b',');
    let columns = ContractColumns::of(&header).map_err(LoadError::Header)?;
    loader.read(b',', header.count(), |row| {
        if row.choice(columns.delete_flag, b'Y', b'N')? == Some(true) {
            return Ok(Parsed::SetAside);
        }
        contract(row, &columns).map(Parsed::Instrument)
    })
}

fn contract(row: &Row<'_>, columns: &ContractColumns) -> Result<InstrumentRecord, LineFault> {
    let token = row.token(columns.token)?;
    let mut record = InstrumentRecord::unknown(Segment::NseFo, token, FileKind::MiiContract);
    let (instrument, details) = (&mut record.instrument, &mut record.details);
    let (kind, underlying) = row.instrument_name(columns.instrument)?;
    if kind == InstrumentKind::Equity {
        return Err(row.fault(columns.instrument, FaultReason::UnknownCode));
    }
    instrument.kind_code = kind as u8;
    instrument.symbol = row.symbol_needed(columns.symbol)?;
    derivative_terms(row, instrument, columns.terms, UNIT)?;
    instrument.tick = row.price_not_negative(columns.tick, UNIT)?;
    instrument.lot = row.quantity_needed(columns.board_lot)?;
    details.quantity_min = row.quantity(columns.minimum_lot)?;
    details.underlying = underlying;
    details.underlying_token = asset_token(row, columns.underlying_token)?;
    details.permission = permission(row, columns.permitted)?;
    details.name = row.name(columns.name);
    Ok(record)
}

struct SecurityColumns {
    token: Column,
    symbol: Column,
    series: Column,
    name: Column,
    isin: Column,
    board_lot: Column,
    tick: Column,
    permitted: Column,
    price_range: Column,
    delete_flag: Column,
}

impl SecurityColumns {
    fn of(header: &Row<'_>) -> Result<Self, LineFault> {
        Ok(Self {
            token: header.column("FinInstrmId")?,
            symbol: header.column("TckrSymb")?,
            series: header.column("SctySrs")?,
            name: header.column_or_absent("FinInstrmNm"),
            isin: header.column_or_absent("ISIN"),
            board_lot: header.column("NewBrdLotQty")?,
            tick: header.column("BidIntrvl")?,
            permitted: header.column_or_absent("PrtdToTrad"),
            price_range: header.column_or_absent("PricRg"),
            delete_flag: header.column_or_absent("DelFlg"),
        })
    }
}

pub(super) fn read_securities(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let header = loader.header(b',');
    let columns = SecurityColumns::of(&header).map_err(LoadError::Header)?;
    loader.read(b',', header.count(), |row| {
        if row.choice(columns.delete_flag, b'Y', b'N')? == Some(true) {
            return Ok(Parsed::SetAside);
        }
        security(row, &columns).map(Parsed::Instrument)
    })
}

fn security(row: &Row<'_>, columns: &SecurityColumns) -> Result<InstrumentRecord, LineFault> {
    let token = row.token(columns.token)?;
    let mut record = InstrumentRecord::unknown(Segment::NseCm, token, FileKind::MiiSecurity);
    let (instrument, details) = (&mut record.instrument, &mut record.details);
    instrument.kind_code = InstrumentKind::Equity as u8;
    instrument.symbol = row.symbol_needed(columns.symbol)?;
    instrument.tick = row.price_not_negative(columns.tick, UNIT)?;
    instrument.lot = row.quantity_needed(columns.board_lot)?;
    [instrument.price_low, instrument.price_high] = price_range(row, columns.price_range)?;
    details.series = row.symbol(columns.series)?;
    details.permission = permission(row, columns.permitted)?;
    details.name = row.name(columns.name);
    details.isin = isin(row, columns.isin)?;
    Ok(record)
}
