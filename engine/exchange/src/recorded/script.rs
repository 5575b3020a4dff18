//! A recording laid out to be played: its events with places for its orders in a table.

use std::collections::BTreeMap;

use tezi_model::{Event, EventKind, Nanos, OrderId, Px, Side, StreamId, Token};

use super::RecordedCounters;
use crate::config::Listing;

/// No order.
pub(super) const NONE: u32 = u32::MAX;
/// Every instrument.
pub(super) const ALL: u32 = u32::MAX;

/// One event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at: Nanos,
    pub(super) price: Px,
    pub(super) instrument: u32,
    pub(super) quantity: u32,
    /// Places of the order, or of buyer and seller, or of the old order and the new one.
    pub(super) orders: [u32; 2],
    pub(super) kind: EventKind,
    pub(super) side: Side,
    pub(super) stream: StreamId,
}

/// All events, in order of time.
pub(super) struct Script {
    pub(super) entries: Vec<Entry>,
    /// Different orders.
    pub(super) orders: u32,
}

impl Script {
    pub(super) fn new(
        events: &[Event],
        listings: &[Listing],
        start: Nanos,
    ) -> (Self, RecordedCounters) {
        let tokens = listings.iter().zip(0..).map(|(it, at)| (it.instrument.token, at));
        let mut laid_out = Layout {
            tokens: tokens.collect(),
            places: BTreeMap::new(),
            counters: RecordedCounters::default(),
        };
        let first = events.iter().map(time_of).find(|time| *time > Nanos::ZERO);
        let shift = start.since(first.unwrap_or(start));
        let mut entries = Vec::with_capacity(events.len());
        let mut reached = start;
        for event in events {
            let Some(mut entry) = laid_out.entry(event) else { continue };
            // Times of a recording may fall by the grain of its clock; those of a day do not.
            reached = reached.max(time_of(event).plus(shift));
            entry.at = reached;
            entries.push(entry);
        }
        let orders = laid_out.places.len() as u32;
        (Self { entries, orders }, laid_out.counters)
    }
}

/// The exchange's own time of an event, else when it was recorded.
pub(super) fn time_of(event: &Event) -> Nanos {
    if event.exchange_time > Nanos::ZERO { event.exchange_time } else { event.receive_time }
}

struct Layout {
    tokens: BTreeMap<Token, u32>,
    /// Places by instrument and number.
    places: BTreeMap<(u32, OrderId), u32>,
    counters: RecordedCounters,
}

impl Layout {
    /// The entry of an event, without its time; `None` of one that is not played.
    fn entry(&mut self, event: &Event) -> Option<Entry> {
        use EventKind as K;
        let kind = event.kind().filter(|kind| {
            let is_book = matches!(kind, K::OrderNew | K::OrderModify | K::OrderCancel | K::Trade);
            let is_research = matches!(kind, K::OrderReduce | K::OrderExecute | K::OrderReplace);
            let is_clear = matches!(kind, K::BookClear | K::SnapshotStart | K::StreamReset);
            is_book || is_research || is_clear
        });
        let Some(kind) = kind else {
            let is_gap = event.kind() == Some(K::StreamGap);
            *(if is_gap { &mut self.counters.gaps } else { &mut self.counters.passed_over }) += 1;
            return None;
        };
        let instrument = match event.token {
            Token(0) => ALL,
            token => match self.tokens.get(&token) {
                Some(&at) => at,
                None => {
                    self.counters.unlisted += 1;
                    return None;
                }
            },
        };
        let orders = match kind {
            K::Trade | K::OrderReplace => {
                [event.order_id, event.sell_order_id].map(|id| self.place(instrument, id))
            }
            K::BookClear | K::SnapshotStart | K::StreamReset => [NONE; 2],
            _ => [self.place(instrument, event.order_id), NONE],
        };
        let is_nobodys = match kind {
            K::BookClear | K::SnapshotStart | K::StreamReset => false,
            // Of two orders that were never shown.
            K::Trade => orders == [NONE; 2],
            K::OrderReplace => orders.contains(&NONE),
            _ => orders[0] == NONE,
        };
        if is_nobodys || (instrument == ALL && orders != [NONE; 2]) {
            self.counters.passed_over += 1;
            return None;
        }
        let (quantity, side) = (event.quantity.0, event.side());
        let Event { price, stream, .. } = *event;
        Some(Entry { at: Nanos::ZERO, price, instrument, quantity, orders, kind, side, stream })
    }

    /// The place of an order, a new one where it was never named; none of number 0.
    fn place(&mut self, instrument: u32, id: OrderId) -> u32 {
        if id == OrderId(0) {
            return NONE;
        }
        let next = self.places.len() as u32;
        *self.places.entry((instrument, id)).or_insert(next)
    }
}
