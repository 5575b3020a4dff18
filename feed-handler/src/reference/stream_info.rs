//! MTBT stream information (MTBT 6.7, chapter 5): which stream carries which contract.
//!
//! A header `<seconds since 1980>,<records>,`; contracts
//! `C,<stream>,<token>,<instrument>,<symbol>,<expiry>,<strike>,<option type>`, in the cash segment
//! with the series last; and spreads `P,<stream>,<token 1>,<token 2>`. The file does not say its
//! segment, and neither lot nor tick.

use tezi_model::{Instrument, InstrumentKind, Segment, StreamId};

use super::kind::FileKind;
use super::loader::{LoadOptions, Loader, Parsed, load_as};
use super::record::{InstrumentRecord, SpreadRecord};
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};
use super::terms::derivative_terms;

const FILE_TIME: Column = Column::new(0, "file time");
const RECORD_COUNT: Column = Column::new(1, "record count");

const RECORD: Column = Column::new(0, "record");
const STREAM: Column = Column::new(1, "stream");
const TOKEN: Column = Column::new(2, "token");
const INSTRUMENT: Column = Column::new(3, "instrument");
const SYMBOL: Column = Column::new(4, "symbol");
const EXPIRY: Column = Column::new(5, "expiry");
const STRIKE: Column = Column::new(6, "strike");
const OPTION_TYPE: Column = Column::new(7, "option type");
const SERIES: Column = Column::new(7, "series");

const TOKEN_1: Column = Column::new(2, "token 1");
const TOKEN_2: Column = Column::new(3, "token 2");

const CONTRACT_FIELDS: usize = 8;
const SPREAD_FIELDS: usize = 4;

/// Reads the instruments of a stream-information text; spreads are passed over.
///
/// # Errors
///
/// A sentence that names the first line that is wrong.
pub fn parse_stream_info(text: &str, segment: Segment) -> Result<Vec<Instrument>, String> {
    let options = LoadOptions::of_segment(segment);
    let file = load_as(FileKind::StreamInfo, text.as_bytes(), &options);
    let records = file.map_err(|error| error.to_string())?.instruments;
    Ok(records.into_iter().map(|record| record.instrument).collect())
}

pub(super) fn read(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    let is_nse = |segment: &Segment| {
        matches!(segment, Segment::NseFo | Segment::NseCm | Segment::NseCd | Segment::NseCo)
    };
    let segment = loader.segment().filter(is_nse).ok_or(LoadError::SegmentNeeded)?;
    let header = loader.header(b',');
    let time = header.seconds(FILE_TIME).map_err(LoadError::Header)?;
    let count = match header.integer(RECORD_COUNT).map_err(LoadError::Header)? {
        None => return Err(LoadError::Header(header.fault(RECORD_COUNT, FaultReason::Missing))),
        Some(_) => header.natural(RECORD_COUNT, u32::MAX.into()).map_err(LoadError::Header)?,
    };
    loader.set_time(time);
    loader.set_declared(count);
    loader.read(b',', SPREAD_FIELDS, |row| match row.text(RECORD) {
        b"C" => contract(row, segment).map(Parsed::Instrument),
        b"P" => spread(row, segment).map(Parsed::Spread),
        _ => Err(row.fault(RECORD, FaultReason::UnknownRecord)),
    })
}

fn contract(row: &Row<'_>, segment: Segment) -> Result<InstrumentRecord, LineFault> {
    row.at_least(CONTRACT_FIELDS)?;
    let mut record = InstrumentRecord::unknown(segment, row.token(TOKEN)?, FileKind::StreamInfo);
    record.details.stream = Some(stream(row, segment)?);
    let (kind, underlying) = row.instrument_name(INSTRUMENT)?;
    record.details.underlying = underlying;
    record.instrument.kind_code = kind as u8;
    record.instrument.symbol = row.symbol_needed(SYMBOL)?;
    if kind == InstrumentKind::Equity {
        record.details.series = row.symbol(SERIES)?;
        return Ok(record);
    }
    let unit = segment.wire_price_units();
    derivative_terms(row, &mut record.instrument, [EXPIRY, STRIKE, OPTION_TYPE], unit)?;
    Ok(record)
}

fn spread(row: &Row<'_>, segment: Segment) -> Result<SpreadRecord, LineFault> {
    let tokens = [row.token(TOKEN_1)?, row.token(TOKEN_2)?];
    let mut record = SpreadRecord::unknown(segment, tokens, FileKind::StreamInfo);
    record.stream = Some(stream(row, segment)?);
    Ok(record)
}

fn stream(row: &Row<'_>, segment: Segment) -> Result<StreamId, LineFault> {
    let number = row.natural(STREAM, u8::MAX.into())? as u8;
    if number == 0 {
        return Err(row.fault(STREAM, FaultReason::OutOfRange));
    }
    Ok(StreamId::new(segment, number.into()))
}
