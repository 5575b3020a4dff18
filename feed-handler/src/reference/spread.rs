//! `spd_contract.txt`, NSE's F&O spreads (NNF F&O 9.48, spread master).
//!
//! Lines of 29 fields between bars after a header of segment and version. The document numbers the
//! fields from 1; the places here are from 0. All prices are differences or paise of a leg.

use tezi_model::{Instrument, InstrumentKind, Px, Segment, Token};

use super::kind::FileKind;
use super::loader::{Loader, Parsed};
use super::record::SpreadRecord;
use super::report::{FaultReason, LineFault, LoadError};
use super::row::{Column, Row};
use super::terms::derivative_terms;

/// Where the fields of a leg are.
struct LegColumns {
    token: Column,
    instrument: Column,
    symbol: Column,
    terms: [Column; 3],
    board_lot: Column,
    tick: Column,
}

const LEGS: [LegColumns; 2] = [
    LegColumns {
        token: Column::new(0, "token 1"),
        instrument: Column::new(2, "instrument 1"),
        symbol: Column::new(3, "symbol 1"),
        terms: [
            Column::new(5, "expiry 1"),
            Column::new(6, "strike 1"),
            Column::new(7, "option type 1"),
        ],
        board_lot: Column::new(21, "board lot 1"),
        tick: Column::new(23, "tick 1"),
    },
    LegColumns {
        token: Column::new(1, "token 2"),
        instrument: Column::new(9, "instrument 2"),
        symbol: Column::new(10, "symbol 2"),
        terms: [
            Column::new(12, "expiry 2"),
            Column::new(13, "strike 2"),
            Column::new(14, "option type 2"),
        ],
        board_lot: Column::new(24, "board lot 2"),
        tick: Column::new(26, "tick 2"),
    },
];

const REFERENCE_PRICE: Column = Column::new(16, "reference price");
const DAY_RANGE: [Column; 2] = [Column::new(17, "day low"), Column::new(18, "day high")];
const OPERATING_RANGE: [Column; 2] =
    [Column::new(19, "operating low"), Column::new(20, "operating high")];
const ELIGIBLE: Column = Column::new(27, "eligible");
const DELETE_FLAG: Column = Column::new(28, "delete flag");

const FIELDS: usize = 29;
const UNIT: i64 = Px::PAISA;

impl SpreadRecord {
    /// The spread as an instrument: the legs' tokens, and what is known beside them. Its lowest and
    /// highest price are differences: the operating range of an order, else zero.
    #[must_use]
    pub fn instrument(&self) -> Instrument {
        let [near, far] = &self.legs;
        let [price_low, price_high] = self.operating_range;
        Instrument { price_low, price_high, ..Instrument::spread(near, far.token) }
    }
}

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
        spread(row).map(Parsed::Spread)
    })
}

fn spread(row: &Row<'_>) -> Result<SpreadRecord, LineFault> {
    let legs = [leg(row, &LEGS[0])?, leg(row, &LEGS[1])?];
    let mut record =
        SpreadRecord::unknown(Segment::NseFo, [Token(0), Token(0)], FileKind::SpreadContract);
    record.legs = legs;
    record.reference_price = row.price(REFERENCE_PRICE, UNIT)?;
    record.day_range = range(row, DAY_RANGE)?;
    record.operating_range = range(row, OPERATING_RANGE)?;
    record.is_eligible = Some(row.choice_needed(ELIGIBLE, b'1', b'0')?);
    Ok(record)
}

fn leg(row: &Row<'_>, columns: &LegColumns) -> Result<Instrument, LineFault> {
    let mut leg = Instrument::unknown(Segment::NseFo, row.token(columns.token)?);
    let (kind, _) = row.instrument_name(columns.instrument)?;
    if kind == InstrumentKind::Equity {
        return Err(row.fault(columns.instrument, FaultReason::UnknownCode));
    }
    leg.kind_code = kind as u8;
    leg.symbol = row.symbol_needed(columns.symbol)?;
    derivative_terms(row, &mut leg, columns.terms, UNIT)?;
    leg.lot = row.quantity_needed(columns.board_lot)?;
    leg.tick = row.price_not_negative(columns.tick, UNIT)?;
    Ok(leg)
}

/// Lowest and highest difference, with signs.
fn range(row: &Row<'_>, ends: [Column; 2]) -> Result<[Px; 2], LineFault> {
    let [low, high] = [row.price(ends[0], UNIT)?, row.price(ends[1], UNIT)?];
    if low > high {
        return Err(row.fault(ends[0], FaultReason::InvertedRange));
    }
    Ok([low, high])
}
