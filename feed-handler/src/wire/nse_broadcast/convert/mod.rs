//! From wire records to updates: every field checked, in wire order.

mod depth;
mod master;
mod trade;

use super::message::{Body, Message};
use super::{DecodeError, Update};
use tezi_model::{Nanos, Segment};

/// What the message says for all its records.
#[derive(Clone, Copy)]
struct Context {
    segment: Segment,
    time: Nanos,
}

impl<'a> Message<'a> {
    /// Gives every record of the message to `sink`, in order; a bad one is an error in its place,
    /// and the records after it are read. A message that is not decoded gives nothing.
    ///
    /// The errors are those from [`DecodeError::TokenNotPositive`] on.
    #[inline]
    pub fn for_each_update(&self, sink: &mut impl FnMut(Result<Update<'a>, DecodeError>)) {
        let context = Context { segment: self.segment, time: self.time() };
        match self.body {
            Body::WideMarketByPrice(records) => each(records, sink, |r| r.update(&context)),
            Body::NarrowMarketByPrice(records) => each(records, sink, |r| r.update(&context)),
            Body::CashMarketByPrice(records) => each(records, sink, |r| r.update(&context)),
            Body::WideTicker(records) => each(records, sink, |r| r.update(&context)),
            Body::NarrowTicker(records) => each(records, sink, |r| r.update(&context)),
            Body::CashTicker(records) => each(records, sink, |r| r.update(&context)),
            Body::CallAuction(records) => each(records, sink, |r| r.update(&context)),
            Body::WideWatch(records) => each(records, sink, |r| r.update(&context)),
            Body::NarrowWatch(records) => each(records, sink, |r| r.update(&context)),
            Body::CashWatch(records) => each(records, sink, |r| r.update(&context)),
            Body::AuctionWatch(records) => each(records, sink, |r| r.update(&context)),
            _ => self.for_each_rare_update(&context, sink),
        }
    }

    /// What comes a few times a second or a day.
    fn for_each_rare_update(
        &self,
        context: &Context,
        sink: &mut impl FnMut(Result<Update<'a>, DecodeError>),
    ) {
        let pre_open = is_pre_open(self.header.transaction_code.get());
        match self.body {
            Body::MarketByOrderFo(message) => {
                sink(message.market_by_price(context));
                sink(message.market_by_order(context));
            }
            Body::MarketByOrderCm(message) => {
                sink(message.market_by_price(context));
                sink(message.market_by_order(context));
            }
            Body::NarrowSpread(message) => sink(message.update(context)),
            Body::WideSpread(message) => sink(message.update(context)),
            Body::AuctionCancels(records) => each(records, sink, |r| r.update()),
            Body::NarrowOpenInterest(records) => each(records, sink, |r| r.update()),
            Body::WideOpenInterest(records) => each(records, sink, |r| r.update()),
            Body::ExecutionRange(records) => each(records, sink, |r| r.update()),
            Body::Indices(records) => each(records, sink, |r| r.index(context)),
            Body::IndicativeIndices(records) => each(records, sink, |r| r.indicative(context)),
            Body::IndustryIndicesFo(records) => each(records, sink, |r| r.update(context)),
            Body::IndustryIndicesCm(records) => each(records, sink, |r| r.update(context)),
            Body::StatusFo(records) => each(records, sink, |r| r.update(context, pre_open)),
            Body::StatusCm(records) => each(records, sink, |r| r.update(context, pre_open)),
            Body::MarketStatusFo(action, message) => sink(message.update(context, action)),
            Body::MarketStatusCm(action, message) => sink(message.update(context, action)),
            Body::SymbolAction(message) => sink(Ok(message.update(context))),
            Body::Contract(message) => sink(message.update()),
            Body::SpreadContract(message) => sink(message.update()),
            Body::Security(message) => sink(message.update()),
            Body::CircuitCheck => sink(Ok(Update::CircuitCheck)),
            _ => {}
        }
    }
}

const fn is_pre_open(transaction: i16) -> bool {
    use super::transaction_code::{STATUS_PREOPEN, STATUS_PREOPEN_CM};
    matches!(transaction, STATUS_PREOPEN | STATUS_PREOPEN_CM)
}

#[inline]
fn each<'a, T>(
    records: &'a [T],
    sink: &mut impl FnMut(Result<Update<'a>, DecodeError>),
    convert: impl Fn(&'a T) -> Result<Update<'a>, DecodeError>,
) {
    for record in records {
        sink(convert(record));
    }
}
