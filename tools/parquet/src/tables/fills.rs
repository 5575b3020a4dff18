//! `fills.parquet`: own trades, and own trades that the exchange took back.

use arrow_array::types::{UInt16Type, UInt32Type};
use tezi::journal::Record;
use tezi::model::ExecutionReport;

use super::columns;
use super::orders::{of_order, reporter};
use crate::column::{Flag, Id, Label, MaybeName, MaybeNumber, Name, Number, Price, Serial, Time};
use crate::names::Names;

columns! {
    Fills, FillRow {
        sequence: Serial,
        time: Time,
        event: Name,
        source: Name,
        client_order_id: Id,
        order_id: Id,
        fill_id: Number<UInt32Type>,
        instrument_id: MaybeNumber<UInt32Type>,
        instrument: MaybeName,
        segment: MaybeName,
        token: MaybeNumber<UInt32Type>,
        side: MaybeName,
        price: Price,
        quantity: Number<UInt32Type>,
        is_passive: Flag,
        reason_code: MaybeNumber<UInt16Type>,
        venue_time: Time,
    }
}

/// What a row of fills tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FillEvent {
    /// A trade, by the venue inside the core or by one outside.
    Fill { is_simulated: bool },
    /// A trade that the exchange took back.
    TakenBack,
}

impl<'a> FillRow<'a> {
    /// The row of a report.
    pub(crate) fn new(
        record: &Record<'_>,
        report: &ExecutionReport,
        what: FillEvent,
        names: &'a Names,
    ) -> Self {
        let (known, side) = of_order(report.client_order_id, names);
        let (event, is_simulated) = match what {
            FillEvent::Fill { is_simulated } => ("fill", is_simulated),
            FillEvent::TakenBack => ("trade_cancel", false),
        };
        Self {
            sequence: record.sequence,
            time: record.time,
            event: Label::Text(event),
            source: reporter(is_simulated),
            client_order_id: report.client_order_id.0,
            order_id: report.order_id.0,
            fill_id: report.fill_id,
            instrument_id: known.id,
            instrument: known.name,
            segment: known.segment,
            token: known.token,
            side,
            price: report.price,
            quantity: report.quantity.0,
            is_passive: report.passive != 0,
            reason_code: (report.reason != 0).then_some(report.reason),
            venue_time: report.venue_time,
        }
    }
}
