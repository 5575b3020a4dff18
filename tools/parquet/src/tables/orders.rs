//! `orders.parquet`: the life of own orders, fills apart.

use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type};
use tezi::journal::Record;
use tezi::model::{
    ClientOrderId, CommandKind, ExecutionKind, ExecutionReport, OrderCommand, RejectReason,
};
use tezi::{Origin, Refusal};

use super::columns;
use super::market::side_of;
use crate::column::{Id, Label, MaybeName, MaybeNumber, Name, Number, Price, Serial, Time};
use crate::names::{Known, Names};
use crate::words;

columns! {
    Orders, OrderRow {
        sequence: Serial,
        time: Time,
        event: Name,
        request: MaybeName,
        source: Name,
        call: MaybeNumber<UInt16Type>,
        strategy: MaybeNumber<UInt8Type>,
        account: MaybeNumber<UInt8Type>,
        client_order_id: Id,
        order_id: Id,
        instrument_id: MaybeNumber<UInt32Type>,
        instrument: MaybeName,
        segment: MaybeName,
        token: MaybeNumber<UInt32Type>,
        side: MaybeName,
        time_in_force: MaybeName,
        price: Price,
        quantity: Number<UInt32Type>,
        filled: MaybeNumber<UInt32Type>,
        reason_code: MaybeNumber<UInt16Type>,
        reason: MaybeName,
        venue_time: Time,
    }
}

/// Who said it: `core`, the `venue`, or the `simulated_venue` inside the core.
pub(crate) const CORE: Label<'static> = Label::Text("core");
const VENUE: Label<'static> = Label::Text("venue");
const SIMULATED_VENUE: Label<'static> = Label::Text("simulated_venue");

/// Who made a report.
pub(crate) const fn reporter(is_simulated: bool) -> Label<'static> {
    if is_simulated { SIMULATED_VENUE } else { VENUE }
}

impl<'a> OrderRow<'a> {
    /// A request that left.
    pub(crate) fn sent(
        record: &Record<'_>,
        origin: Origin,
        command: &OrderCommand,
        names: &'a Names,
    ) -> Self {
        let tif = command.time_in_force_code;
        Self {
            event: Label::Text("sent"),
            request: Some(request(command.kind(), command.kind_code)),
            call: Some(origin.0),
            strategy: nonzero(command.strategy.0),
            account: nonzero(command.account.0),
            client_order_id: command.client_order_id.0,
            order_id: command.order_id.0,
            side: Some(side_of(command.side_code)),
            time_in_force: Some(Label::of(words::time_in_force(tif), tif)),
            price: command.price,
            quantity: command.quantity.0,
            filled: Some(command.filled.0),
            ..Self::begin(record, names.instrument(command.instrument))
        }
    }

    /// A request that did not leave.
    pub(crate) fn refused(
        record: &Record<'_>,
        origin: Origin,
        refusal: &Refusal,
        names: &'a Names,
    ) -> Self {
        let asked = &refusal.request;
        let is_new = asked.kind() == Some(CommandKind::New);
        let (known, side) = if is_new {
            (names.instrument(asked.instrument), Some(side_of(asked.side_code)))
        } else {
            of_order(asked.client_order_id, names)
        };
        let tif = asked.time_in_force_code;
        Self {
            event: Label::Text("refused"),
            request: Some(request(asked.kind(), asked.kind_code)),
            call: Some(origin.0),
            strategy: nonzero(asked.strategy.0),
            account: nonzero(asked.account.0),
            client_order_id: asked.client_order_id.0,
            side,
            time_in_force: is_new.then(|| Label::of(words::time_in_force(tif), tif)),
            price: asked.price,
            quantity: asked.quantity.0,
            reason_code: Some(refusal.reason_code),
            reason: Some(Label::of(refusal.reason().map(RejectReason::name), refusal.reason_code)),
            ..Self::begin(record, known)
        }
    }

    /// An answer of the venue that is no fill.
    pub(crate) fn reported(
        record: &Record<'_>,
        report: &ExecutionReport,
        is_simulated: bool,
        names: &'a Names,
    ) -> Self {
        let (known, side) = of_order(report.client_order_id, names);
        Self {
            event: Label::of(report.kind().map(ExecutionKind::name), report.kind_code),
            source: reporter(is_simulated),
            client_order_id: report.client_order_id.0,
            order_id: report.order_id.0,
            side,
            price: report.price,
            quantity: report.quantity.0,
            reason_code: (report.reason != 0).then_some(report.reason),
            venue_time: report.venue_time,
            ..Self::begin(record, known)
        }
    }

    fn begin(record: &Record<'_>, known: Known<'a>) -> Self {
        Self {
            sequence: record.sequence,
            time: record.time,
            source: CORE,
            instrument_id: known.id,
            instrument: known.name,
            segment: known.segment,
            token: known.token,
            ..Self::default()
        }
    }
}

fn request(kind: Option<CommandKind>, code: u8) -> Label<'static> {
    Label::of(kind.map(words::command), code)
}

/// Instrument and side of an order, as the command that entered it had them.
pub(super) fn of_order(id: ClientOrderId, names: &Names) -> (Known<'_>, Option<Label<'static>>) {
    match names.order(id) {
        Some((instrument, side_code)) => (names.instrument(instrument), Some(side_of(side_code))),
        None => (Known::default(), None),
    }
}

/// A number that names something unless it is nought.
pub(super) fn nonzero(number: u8) -> Option<u8> {
    (number != 0).then_some(number)
}
