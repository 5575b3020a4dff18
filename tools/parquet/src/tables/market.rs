//! `market.parquet`: market events, as decoded.

use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type};
use tezi::journal::Record;
use tezi::model::{Event, EventKind, MarketFlags, Px, Segment, Side};

use super::columns;
use crate::column::{Id, Label, MaybeName, Name, Number, Price, Serial, Time};
use crate::names::Names;
use crate::words;

columns! {
    Market, MarketRow {
        sequence: Serial,
        time: Time,
        kind: Name,
        segment: MaybeName,
        token: Number<UInt32Type>,
        instrument: MaybeName,
        side: MaybeName,
        price: Price,
        quantity: Number<UInt32Type>,
        order_id: Id,
        sell_order_id: Id,
        stream: Number<UInt16Type>,
        stream_sequence: Number<UInt32Type>,
        exchange_time: Time,
        receive_time: Time,
        flags: Number<UInt8Type>,
    }
}

impl<'a> MarketRow<'a> {
    /// The row of an event. `names` knows it already.
    pub(crate) fn new(record: &Record<'_>, event: &Event, names: &'a Names) -> Self {
        let kind = event.kind();
        Self {
            sequence: record.sequence,
            time: record.time,
            kind: Label::of(kind.map(EventKind::name), event.kind_code),
            segment: segment(event),
            token: event.token.0,
            instrument: names.of_event(event).map(Label::Text),
            side: has_side(event).then(|| Label::Text(words::side(event.side()))),
            price: event.price,
            quantity: event.quantity.0,
            order_id: event.order_id.0,
            sell_order_id: event.sell_order_id.0,
            stream: event.stream.number(),
            stream_sequence: event.sequence,
            exchange_time: event.exchange_time,
            receive_time: event.receive_time,
            flags: event.flags,
        }
    }
}

/// The segment of an event; what has no stream, the clock above all, has none.
fn segment(event: &Event) -> Option<Label<'static>> {
    let code = event.stream.0 >> 8 & 0xF;
    (event.stream.0 != 0).then(|| Label::of(event.stream.segment().map(Segment::name), code))
}

/// Whether an event names a side. A cancel that says neither side, price nor quantity of its order
/// comes from a feed that leaves them out.
fn has_side(event: &Event) -> bool {
    use EventKind as K;
    let is_bare =
        event.price == Px::ZERO && event.quantity.is_zero() && event.flags & MarketFlags::SELL == 0;
    match event.kind() {
        Some(K::OrderNew | K::OrderModify | K::SpreadOrderNew | K::SpreadOrderModify) => true,
        Some(K::OrderCancel | K::SpreadOrderCancel) => !is_bare,
        _ => false,
    }
}

/// The word of a code, or the code.
pub(super) fn side_of(code: u8) -> Label<'static> {
    Label::of(Side::from_code(code).map(words::side), code)
}
