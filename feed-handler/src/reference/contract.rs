//! `contract.txt`, NSE's F&O contracts (NNF F&O 9.48, appendix; `contract.gz` is the same).
//!
//! Lines of 69 fields between bars after a header `NEATFO|<version>|`; times in seconds since 1980
//! on India's wall clock, prices in paise. Fields past the last are ignored: the exchange appends.
//! A line that is shifted is caught by the letters near the end, above all the delete flag.

use tezi_model::{InstrumentKind, Px, Segment};

use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::{InstrumentRecord, SettlementMethod};
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};
use super::terms::{asset_token, derivative_terms, permission, range};

const TOKEN: Column = Column::new(0, "token");
const ASSET_TOKEN: Column = Column::new(1, "asset token");
const INSTRUMENT: Column = Column::new(2, "instrument");
const SYMBOL: Column = Column::new(3, "symbol");
const SERIES: Column = Column::new(4, "series");
const EXPIRY: Column = Column::new(6, "expiry");
const STRIKE: Column = Column::new(7, "strike");
const OPTION_TYPE: Column = Column::new(8, "option type");
const PERMITTED: Column = Column::new(12, "permitted to trade");
const NORMAL_ELIGIBLE: Column = Column::new(15, "normal market eligibility");
const MINIMUM_LOT: Column = Column::new(30, "minimum lot");
const BOARD_LOT: Column = Column::new(31, "board lot");
const TICK: Column = Column::new(32, "tick");
const FREEZE: Column = Column::new(34, "freeze quantity");
const LOW_PRICE: Column = Column::new(42, "low price");
const HIGH_PRICE: Column = Column::new(43, "high price");
const NAME: Column = Column::new(53, "name");
const SETTLEMENT: Column = Column::new(63, "settlement");
const BASE_PRICE: Column = Column::new(67, "base price");
const DELETE_FLAG: Column = Column::new(68, "delete flag");

const FIELDS: usize = 69;
const SEGMENT: Segment = Segment::NseFo;
const UNIT: i64 = Px::PAISA;

pub(super) fn read(loader: &mut Loader<'_>) -> Result<(), LoadError> {
    const HEADER: Column = Column::new(0, "header");
    let header = loader.header(b'|');
    if header.text(HEADER) != b"NEATFO" {
        return Err(LoadError::Header(header.fault(HEADER, FaultReason::UnknownRecord)));
    }
    loader.read(b'|', FIELDS, |row| {
        if row.choice_needed(DELETE_FLAG, b'Y', b'N')? {
            return Ok(Parsed::SetAside);
        }
        contract(row).map(Parsed::Instrument)
    })
}

fn contract(row: &Row<'_>) -> Result<InstrumentRecord, LineFault> {
    let mut record = InstrumentRecord::unknown(SEGMENT, row.token(TOKEN)?, FileKind::Contract);
    let (kind, underlying) = row.instrument_name(INSTRUMENT)?;
    if kind == InstrumentKind::Equity {
        return Err(row.fault(INSTRUMENT, FaultReason::UnknownCode));
    }
    let instrument = &mut record.instrument;
    instrument.kind_code = kind as u8;
    instrument.symbol = row.symbol_needed(SYMBOL)?;
    derivative_terms(row, instrument, [EXPIRY, STRIKE, OPTION_TYPE], UNIT)?;
    instrument.tick = row.price_not_negative(TICK, UNIT)?;
    instrument.freeze_quantity = row.quantity(FREEZE)?;
    [instrument.price_low, instrument.price_high] = range(row, [LOW_PRICE, HIGH_PRICE], UNIT)?;

    let details = &mut record.details;
    details.quantity_min = row.quantity(MINIMUM_LOT)?;
    // Orders are multiples of the board lot; the minimum lot is the least of them.
    instrument.lot = match row.quantity(BOARD_LOT)? {
        lot if lot.0 > 0 => lot,
        _ if details.quantity_min.0 > 0 => details.quantity_min,
        _ => return Err(row.fault(BOARD_LOT, FaultReason::Missing)),
    };
    details.underlying = underlying;
    details.underlying_token = asset_token(row, ASSET_TOKEN)?;
    details.series = row.symbol(SERIES)?;
    details.permission = permission(row, PERMITTED)?;
    details.normal_market = row.choice(NORMAL_ELIGIBLE, b'1', b'0')?;
    details.name = row.name(NAME);
    let method =
        |is_cash| if is_cash { SettlementMethod::Cash } else { SettlementMethod::Physical };
    details.settlement = row.choice(SETTLEMENT, b'C', b'P')?.map(method);
    details.base_price = row.price_not_negative(BASE_PRICE, UNIT)?;
    Ok(record)
}
