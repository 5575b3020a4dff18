//! Two messages made one: the legs of spread orders and of spread trades.
//!
//! The exchange says a spread order once for each leg: two messages of one id on one stream, each
//! with its leg's token, their sides opposite, both with the price difference. A spread trade is two
//! messages as well, each with its leg's price and with the ids of buyer and seller in that leg
//! (MTBT 6.7, chapter 6; the pairing as seen in captures). Neither names the other leg, so a leg
//! waits here until its other one comes.
//!
//! Never allocates after construction. A leg whose other one does not come is given up for the next
//! message of its order, or when messages of its stream are lost, and is counted.

mod snapshot;

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, StateHasher, StreamId};

/// What a leg found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairing {
    /// No other leg yet: it waits.
    Waits,
    /// The other leg, which had waited.
    Whole(Event),
    /// No other leg, and no room to wait.
    NoRoom,
}

/// Legs that wait.
///
/// # Invariants
///
/// - `orders` is a hash table by stream and order with linear probing, at most half full; the kind
///   of an empty slot is 0. Each waiting leg is found from its home without an empty slot between.
/// - `orders_waiting` slots are taken, never more than `orders_max`.
pub(super) struct SpreadLegs {
    orders: Box<[Event]>,
    orders_waiting: usize,
    orders_max: usize,
    /// The oldest first.
    trades: Vec<Event>,
    given_up: u64,
}

impl SpreadLegs {
    /// Legs of trades that may wait at once: those of one aggressor, if the exchange should say all
    /// its near legs before the far ones.
    const TRADES_MAX: usize = 64;

    /// Room for `orders_max` legs of orders.
    pub(super) fn new(orders_max: usize) -> Self {
        let slots = (orders_max * 2).next_power_of_two();
        Self {
            orders: vec![Event::zeroed(); slots].into_boxed_slice(),
            orders_waiting: 0,
            orders_max,
            trades: Vec::with_capacity(Self::TRADES_MAX),
            given_up: 0,
        }
    }

    /// Takes in one leg of an order or a trade.
    pub(super) fn pair(&mut self, event: &Event) -> Pairing {
        if event.kind() == Some(EventKind::SpreadTrade) {
            self.pair_trade(event)
        } else {
            self.pair_order(event)
        }
    }

    /// Gives up what waits of a stream: messages of it are lost, or it begins anew.
    pub(super) fn forget(&mut self, stream: StreamId) {
        let before = self.waiting();
        self.trades.retain(|leg| leg.stream != stream);
        if self.orders_waiting > 0 {
            for slot in 0..self.orders.len() {
                // A removal may bring the next one here.
                while !self.is_empty(slot) && self.orders[slot].stream == stream {
                    self.remove(slot);
                }
            }
        }
        self.given_up += (before - self.waiting()) as u64;
    }

    /// Legs that wait now.
    pub(super) fn waiting(&self) -> usize {
        self.orders_waiting + self.trades.len()
    }

    /// Legs given up so far.
    pub(super) const fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Folds the waiting legs into the state hash.
    pub(super) fn hash_into(&self, hasher: &mut StateHasher) {
        hasher.write(self.waiting() as u64);
        let orders = self.orders.iter().filter(|leg| leg.kind_code != 0);
        for leg in orders.chain(&self.trades) {
            hasher.write_bytes(bytemuck::bytes_of(leg));
        }
    }

    fn pair_order(&mut self, event: &Event) -> Pairing {
        let mut slot = self.home(event);
        while !self.is_empty(slot) {
            let leg = self.orders[slot];
            if (leg.stream, leg.order_id) == (event.stream, event.order_id) {
                if are_legs_of_an_order(&leg, event) {
                    self.remove(slot);
                    return Pairing::Whole(leg);
                }
                self.orders[slot] = *event;
                self.given_up += 1;
                return Pairing::Waits;
            }
            slot = self.after(slot);
        }
        if self.orders_waiting == self.orders_max {
            return Pairing::NoRoom;
        }
        self.orders[slot] = *event;
        self.orders_waiting += 1;
        Pairing::Waits
    }

    fn pair_trade(&mut self, event: &Event) -> Pairing {
        if let Some(place) = self.trades.iter().position(|leg| are_legs_of_a_trade(leg, event)) {
            return Pairing::Whole(self.trades.remove(place));
        }
        if self.trades.len() == Self::TRADES_MAX {
            self.trades.remove(0);
            self.given_up += 1;
        }
        self.trades.push(*event);
        Pairing::Waits
    }

    /// Empties a slot and moves back what probing went past it (Knuth, volume 3, 6.4, algorithm R).
    fn remove(&mut self, mut hole: usize) {
        let mask = self.orders.len() - 1;
        let mut next = self.after(hole);
        while !self.is_empty(next) {
            let distance = next.wrapping_sub(self.home(&self.orders[next])) & mask;
            if distance >= next.wrapping_sub(hole) & mask {
                self.orders[hole] = self.orders[next];
                hole = next;
            }
            next = self.after(next);
        }
        self.orders[hole] = Event::zeroed();
        self.orders_waiting -= 1;
    }

    fn is_empty(&self, slot: usize) -> bool {
        self.orders[slot].kind_code == 0
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.orders.len() - 1)
    }

    /// Fibonacci hashing of stream and order.
    fn home(&self, event: &Event) -> usize {
        let key = event.order_id.0 ^ u64::from(event.stream.0) << 48;
        let hash = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 32) as usize & (self.orders.len() - 1)
    }
}

/// Whether two messages of one order are its two legs. A cancel may bear any price and quantity.
fn are_legs_of_an_order(a: &Event, b: &Event) -> bool {
    let is_cancel = a.kind() == Some(EventKind::SpreadOrderCancel);
    a.kind_code == b.kind_code
        && a.token != b.token
        && a.side() != b.side()
        && (is_cancel || (a.price, a.quantity) == (b.price, b.quantity))
}

/// Whether two messages are the two legs of one trade: who buys one leg sells the other.
fn are_legs_of_a_trade(a: &Event, b: &Event) -> bool {
    a.stream == b.stream
        && a.token != b.token
        && a.quantity == b.quantity
        && (a.order_id, a.sell_order_id) == (b.sell_order_id, b.order_id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use tezi_model::{MarketFlags, OrderId, Px, Qty, Segment, Side, Token};
    use tezi_testing::Random;

    fn leg(kind: EventKind, id: u64, token: u32, side: Side, price: i64) -> Event {
        Event {
            kind_code: kind as u8,
            flags: if side == Side::Sell { MarketFlags::SELL } else { 0 },
            stream: StreamId::new(Segment::NseFo, 2),
            token: Token(token),
            order_id: OrderId(id),
            price: Px(price),
            quantity: Qty(10),
            ..Event::zeroed()
        }
    }

    fn new(id: u64, token: u32, side: Side, price: i64) -> Event {
        leg(EventKind::SpreadOrderNew, id, token, side, price)
    }

    #[test]
    fn a_leg_waits_for_its_other_one_and_for_no_one_elses() {
        let mut legs = SpreadLegs::new(4);
        let near = new(7, 1, Side::Sell, -5);
        assert_eq!(legs.pair(&near), Pairing::Waits);
        assert_eq!(legs.pair(&new(8, 2, Side::Buy, -5)), Pairing::Waits);
        let other_stream =
            Event { stream: StreamId::new(Segment::NseFo, 3), ..new(7, 2, Side::Buy, -5) };
        assert_eq!(legs.pair(&other_stream), Pairing::Waits);
        assert_eq!(legs.pair(&new(7, 2, Side::Buy, -5)), Pairing::Whole(near));
        assert_eq!((legs.waiting(), legs.given_up()), (2, 0));
    }

    #[test]
    fn a_leg_that_contradicts_takes_the_place_of_the_one_that_waited() {
        use EventKind::{SpreadOrderCancel as Cancel, SpreadOrderModify as Modify};
        let near = new(7, 1, Side::Sell, 50);
        let contradictions = [
            new(7, 1, Side::Sell, 50),
            new(7, 2, Side::Sell, 50),
            new(7, 2, Side::Buy, 55),
            Event { quantity: Qty(11), ..new(7, 2, Side::Buy, 50) },
            leg(Modify, 7, 2, Side::Buy, 50),
        ];
        for contradiction in contradictions {
            let mut legs = SpreadLegs::new(4);
            legs.pair(&near);
            assert_eq!(legs.pair(&contradiction), Pairing::Waits, "{contradiction:?}");
            assert_eq!((legs.waiting(), legs.given_up()), (1, 1));
        }
        let mut legs = SpreadLegs::new(4);
        let cancel = leg(Cancel, 7, 1, Side::Sell, 0);
        legs.pair(&cancel);
        assert_eq!(legs.pair(&leg(Cancel, 7, 2, Side::Buy, 99)), Pairing::Whole(cancel));
    }

    #[test]
    fn the_legs_of_trades_pair_by_swapped_ids_the_oldest_first() {
        let trade = |token, buy, sell, price| Event {
            sell_order_id: OrderId(sell),
            ..leg(EventKind::SpreadTrade, buy, token, Side::Buy, price)
        };
        let mut legs = SpreadLegs::new(4);
        let (first, second) = (trade(1, 5, 6, 100), trade(1, 0, 0, 101));
        for near in [first, second, trade(1, 0, 0, 102)] {
            assert_eq!(legs.pair(&near), Pairing::Waits);
        }
        assert_eq!(legs.pair(&trade(2, 5, 6, 110)), Pairing::Waits, "not swapped");
        assert_eq!(legs.pair(&trade(2, 6, 5, 110)), Pairing::Whole(first));
        assert_eq!(legs.pair(&trade(2, 0, 0, 111)), Pairing::Whole(second));
        for id in 100..200 {
            assert_eq!(legs.pair(&trade(1, id, 0, 1)), Pairing::Waits);
        }
        assert_eq!((legs.waiting(), legs.given_up()), (SpreadLegs::TRADES_MAX, 38));
    }

    #[test]
    fn what_waits_is_what_an_ordered_map_holds() {
        for seed in 1..40 {
            let mut random = Random(seed);
            let mut legs = SpreadLegs::new(24);
            let mut model: BTreeMap<(StreamId, OrderId), Event> = BTreeMap::new();
            for step in 0..3_000 {
                let stream = StreamId::new(Segment::NseFo, 1 + random.below(3) as u16);
                if random.below(200) == 0 {
                    legs.forget(stream);
                    model.retain(|key, _| key.0 != stream);
                }
                let side = Side::BOTH[random.below(2) as usize];
                let token = 1 + random.below(2) as u32;
                let event = Event { stream, ..new(random.below(40), token, side, 5) };
                let key = (stream, event.order_id);
                let expected = match model.get(&key) {
                    Some(leg) if are_legs_of_an_order(leg, &event) => {
                        Pairing::Whole(model.remove(&key).unwrap())
                    }
                    None if model.len() == 24 => Pairing::NoRoom,
                    _ => {
                        model.insert(key, event);
                        Pairing::Waits
                    }
                };
                assert_eq!(legs.pair(&event), expected, "seed {seed}, step {step}");
                assert_eq!(legs.waiting(), model.len(), "seed {seed}, step {step}");
            }
        }
    }
}
