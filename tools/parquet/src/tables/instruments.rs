//! `instruments.parquet`: what the session knew of instruments before it saw them.

use arrow_array::types::UInt32Type;
use tezi::journal::Record;
use tezi::model::{Instrument, InstrumentId, InstrumentKind, Px, Qty, Segment};

use super::columns;
use crate::column::{Label, MaybeName, MaybeNumber, MaybePrice, Name, Number, Serial, Time};
use crate::words;

columns! {
    Instruments, InstrumentRow {
        sequence: Serial,
        time: Time,
        instrument_id: MaybeNumber<UInt32Type>,
        instrument: Name,
        kind: Name,
        symbol: MaybeName,
        segment: Name,
        token: Number<UInt32Type>,
        far_token: MaybeNumber<UInt32Type>,
        expiry: Time,
        option_type: MaybeName,
        strike: MaybePrice,
        tick: MaybePrice,
        lot: MaybeNumber<UInt32Type>,
        freeze_quantity: MaybeNumber<UInt32Type>,
        price_low: MaybePrice,
        price_high: MaybePrice,
    }
}

impl<'a> InstrumentRow<'a> {
    /// The row of a definition; `name` is how dealers write it.
    pub(crate) fn new(
        record: &Record<'_>,
        instrument: &'a Instrument,
        id: Option<InstrumentId>,
        name: &'a str,
    ) -> Self {
        let legs = instrument.legs();
        let symbol = instrument.symbol.as_str();
        let option_code = instrument.option_code;
        let option = instrument.option_type().map(words::option);
        Self {
            sequence: record.sequence,
            time: record.time,
            instrument_id: id.map(|id| id.0),
            instrument: Label::Text(name),
            kind: kind(instrument),
            symbol: (!symbol.is_empty()).then_some(Label::Text(symbol)),
            segment: Label::of(instrument.segment().map(Segment::name), instrument.segment_code),
            token: instrument.token.0,
            far_token: legs.map(|[_, far]| far.0),
            expiry: instrument.expiry,
            option_type: (option_code != 0).then(|| Label::of(option, option_code)),
            // Where a spread's far token stands there is no strike.
            strike: known(instrument.strike).filter(|_| legs.is_none()),
            tick: known(instrument.tick),
            lot: known_quantity(instrument.lot),
            freeze_quantity: known_quantity(instrument.freeze_quantity),
            price_low: known(instrument.price_low),
            price_high: known(instrument.price_high),
        }
    }
}

fn kind(instrument: &Instrument) -> Label<'static> {
    let kind = instrument.kind();
    let is_known = kind as u8 == instrument.kind_code;
    debug_assert!(is_known || kind == InstrumentKind::Unknown);
    Label::of(is_known.then(|| words::instrument(kind)), instrument.kind_code)
}

/// Nought is "not known" in every number of an instrument.
fn known(price: Px) -> Option<Px> {
    (price != Px::ZERO).then_some(price)
}

fn known_quantity(quantity: Qty) -> Option<u32> {
    (!quantity.is_zero()).then_some(quantity.0)
}
