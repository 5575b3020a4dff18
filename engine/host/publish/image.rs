//! The live orders of a stream, rebuilt from its messages, and snapshots of them.
//!
//! A snapshot lists orders by the time they took their place in the queue: a new order, a higher
//! quantity or another price goes to the back, a lower quantity keeps its place. So a reader that
//! enters them in order has the exchange's queues. A message that the history lacks is waited for
//! until much later ones are there, and then done without: an image is only as whole as what was
//! published.

use std::collections::BTreeMap;

use tezi_feed_handler::wire::little_endian::LeI32;
use tezi_feed_handler::wire::nse_mtbt::{
    Message, OrderMessage, SnapshotOrder, TradeMessage, decode, encode_snapshot_header,
    message_type as kind,
};

use super::history::StreamHistory;

/// How many later messages must be there for a missing one to be done without.
const HOLE_WAIT: u32 = 4_096;
/// Live orders of a stream; beyond, there is no image rather than a wrong one.
const ORDERS_MAX: usize = 1 << 22;
/// Messages taken in a go, so that the publisher is never kept waiting for long.
const BATCH: u32 = 2_048;

/// An order by its id, as on the wire, and its contract: the legs of a spread order share an id.
type Key = (u64, i32);

#[derive(Clone, Copy, Debug)]
struct Live {
    order: SnapshotOrder,
    /// The message by which it took its place in the queue.
    place: u64,
}

/// The orders of one stream.
#[derive(Debug, Default)]
pub(super) struct Image {
    run: u32,
    /// The next message to take; 0 before the first.
    next: u32,
    orders: BTreeMap<Key, Live>,
    places: u64,
    is_overfull: bool,
    /// The current snapshot, header and orders; empty before the first.
    bytes: Vec<u8>,
}

impl Image {
    /// Takes the next messages of the stream, at most a batch; whether there were any.
    pub(super) fn follow(&mut self, stream: &StreamHistory) -> bool {
        if self.next == 0 || self.run != stream.run {
            let bytes = std::mem::take(&mut self.bytes);
            *self = Self { run: stream.run, next: stream.first, bytes, ..Self::default() };
            self.bytes.clear();
        }
        let start = self.next;
        while self.next <= stream.last() && self.next - start < BATCH {
            match stream.message(self.next).map(decode) {
                Some(Ok((message, _))) => self.apply(&message),
                // Kept by the history, so it was decoded before.
                Some(Err(_)) => {}
                None if stream.last() - self.next < HOLE_WAIT => break,
                None => {}
            }
            self.next += 1;
        }
        self.next > start
    }

    /// The current snapshot; `None` before the first.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.bytes.is_empty() && !self.is_overfull).then_some(&self.bytes)
    }

    /// Whether a snapshot was made of this run.
    pub(super) const fn is_made(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Makes the snapshot anew.
    pub(super) fn refresh(&mut self, stream: u8) {
        let mut orders: Vec<&Live> = self.orders.values().collect();
        orders.sort_unstable_by_key(|live| live.place);
        let last = self.next.saturating_sub(1);
        self.bytes.clear();
        self.bytes.extend(encode_snapshot_header(stream, last, orders.len() as u32));
        orders.iter().for_each(|live| self.bytes.extend(bytemuck::bytes_of(&live.order)));
    }

    fn apply(&mut self, message: &Message<'_>) {
        match message {
            Message::Order(order) => match order.message_type {
                kind::ORDER_CANCEL | kind::SPREAD_ORDER_CANCEL => {
                    _ = self.orders.remove(&key(order));
                }
                kind::SPREAD_ORDER_NEW | kind::SPREAD_ORDER_MODIFY => {
                    self.enter(order, kind::SPREAD_ORDER_NEW);
                }
                _ => self.enter(order, kind::ORDER_NEW),
            },
            Message::Trade(trade) if trade.message_type != kind::TRADE_CANCEL => self.trade(trade),
            // A cancelled trade does not bring its orders back.
            _ => {}
        }
    }

    /// A new order, or a changed one; one never seen is new (MTBT 6.7, chapter 6).
    fn enter(&mut self, message: &OrderMessage, message_type: u8) {
        if message.quantity.get() <= 0 {
            self.orders.remove(&key(message));
            return;
        }
        let order = SnapshotOrder {
            message_type,
            timestamp: message.timestamp,
            order_id: message.order_id,
            token: message.token,
            order_type: message.order_type,
            price: message.price,
            quantity: message.quantity,
        };
        self.places += 1;
        let new = Live { order, place: self.places };
        let live = self.orders.entry(key(message)).or_insert(new);
        let keeps_place = live.order.price == order.price
            && live.order.order_type == order.order_type
            && order.quantity.get() <= live.order.quantity.get();
        *live = if keeps_place { Live { order, place: live.place } } else { new };
        self.is_overfull |= self.orders.len() > ORDERS_MAX;
    }

    /// Takes what was traded from both orders, where they are shown.
    fn trade(&mut self, trade: &TradeMessage) {
        for id in [trade.buy_order_id, trade.sell_order_id] {
            let key = (id.get().to_bits(), trade.token.get());
            let Some(live) = self.orders.get_mut(&key) else { continue };
            let left = live.order.quantity.get().saturating_sub(trade.trade_quantity.get());
            if left > 0 {
                live.order.quantity = LeI32::new(left);
            } else {
                self.orders.remove(&key);
            }
        }
    }
}

fn key(order: &OrderMessage) -> Key {
    (order.order_id.get().to_bits(), order.token.get())
}
