//! The orders of a session: which are open, what each waits for, and which are done for the day.

use tezi_model::{
    ClientOrderId, CommandKind, ExecutionKind, Nanos, OrderCommand, OrderId, Px, Qty, Side, Token,
};

use super::super::attributes::{Book, OrderAttributes};
use super::super::decode::Reply;
use super::super::legs::LegsKey;
use super::super::link::{Index, NumberSet, Stamp};
use super::super::venue_state::VenueOrderState;
use super::resume::Resumed;

/// What the session has to say about an order itself, as soon as events are polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing.
    None,
    /// Its request was never handed to the connection that ended.
    NotSent,
    /// Its request never got to the exchange.
    NotAtExchange,
    /// Its stream failed.
    StreamOutage,
    /// The exchange has no such order.
    NotInDay,
}

/// Of most orders.
const PLAIN: OrderAttributes = OrderAttributes {
    book: Book::RegularLot,
    is_market: false,
    disclosed: Qty(0),
    trigger: Px::ZERO,
};

/// One order, open or in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// 0 for an order that this session did not send.
    pub(super) client_order_id: ClientOrderId,
    /// None until the venue gave one.
    pub(super) order_id: OrderId,
    /// What a change must echo.
    pub(super) venue: VenueOrderState,
    /// `TimeStamp1` of its latest message.
    pub(super) jiffies: i64,
    /// What an earlier process knew of it; none for an order of this one.
    pub(super) resumed: Option<Resumed>,
    /// The stream it is in, 0 until the venue said.
    pub(super) stream: u8,
    pub(super) is_open: bool,
    pub(super) is_confirmed: bool,
    pub(super) token: Token,
    pub(super) side: Side,
    pub(super) price: Px,
    pub(super) quantity: Qty,
    pub(super) filled: Qty,
    pub(super) attributes: OrderAttributes,
    /// The attributes that the modification in flight asks for.
    pub(super) attributes_next: OrderAttributes,
    /// The request that is not answered.
    pub(super) pending: Option<CommandKind>,
    /// Which request of the session that is, from 1.
    pub(super) request: u64,
    /// Its envelope's number.
    pub(super) sequence: u32,
    /// The position behind its last byte among all bytes ever sent.
    pub(super) sent_end: u64,
    pub(super) sent_at: Nanos,
    /// The connection it left on, from 1.
    pub(super) connection: u32,
    /// `TimeStamp1` of the order's latest message when the request left: its answer is later.
    pub(super) checkpoint: i64,
    pub(super) fate: Fate,
    /// What else it is in; none for an order in one contract. Its legs are then in [`Orders::legs`], and
    /// token, price, quantity and what is filled are as [`LegsReply`](super::super::LegsReply) has them.
    pub(super) legs: Option<LegsKey>,
}

/// One leg of an order of several.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LegState {
    /// The contract, 0 of a leg that is not there.
    pub(super) token: Token,
    pub(super) quantity: Qty,
    pub(super) filled: Qty,
    /// Whether what was left of it has left.
    pub(super) is_closed: bool,
}

impl Order {
    const VACANT: Self = Self {
        attributes: PLAIN,
        attributes_next: PLAIN,
        client_order_id: ClientOrderId(0),
        order_id: OrderId(0),
        venue: VenueOrderState { last_activity_reference: 0, entry_date_time: 0, last_modified: 0 },
        jiffies: 0,
        resumed: None,
        stream: 0,
        is_open: false,
        is_confirmed: false,
        token: Token(0),
        side: Side::Buy,
        price: Px::ZERO,
        quantity: Qty(0),
        filled: Qty(0),
        pending: None,
        request: 0,
        sequence: 0,
        sent_end: 0,
        sent_at: Nanos::ZERO,
        connection: 0,
        checkpoint: 0,
        fate: Fate::None,
        legs: None,
    };

    /// Takes over when and with what marks the venue last spoke of the order; an older message,
    /// heard late, changes neither.
    pub(super) fn absorb(&mut self, venue: VenueOrderState, stamp: Stamp) {
        if stamp.jiffies >= self.jiffies {
            self.venue.absorb(venue);
            self.jiffies = stamp.jiffies;
        }
        if stamp.stream != 0 {
            self.stream = stamp.stream;
        }
    }

    /// Whether an earlier process heard what the venue said at `time`.
    pub(super) fn was_heard(&self, time: Nanos) -> bool {
        self.resumed.is_some_and(|resumed| time <= resumed.heard_until)
    }

    /// Whether a message with this stamp can be the answer to what is pending.
    pub(super) const fn awaits(&self, kind: CommandKind, stamp: Stamp) -> bool {
        let pending = match self.pending {
            Some(pending) => pending as u8 == kind as u8,
            None => false,
        };
        pending && (stamp.jiffies == 0 || stamp.jiffies > self.checkpoint)
    }
}

/// # Invariants
///
/// - `by_client`, `by_number` and `by_sequence` name exactly the open orders that have an own
///   number, a venue's number, and a pending request with a sequence.
/// - `in_flight` counts the pending requests.
/// - Every place of `orders` is open or in `vacant`.
pub(super) struct Orders {
    orders: Box<[Order]>,
    /// By place, of orders of several legs; of others without meaning.
    legs: Box<[[LegState; 3]]>,
    vacant: Vec<u32>,
    by_client: Index,
    by_number: Index,
    by_sequence: Index,
    /// Numbers of orders that are done, and marks of refusals that have no number.
    done: NumberSet,
    pub(super) in_flight: u32,
}

impl Orders {
    pub(super) fn new(orders: usize, orders_of_the_day: usize) -> Self {
        Self {
            orders: vec![Order::VACANT; orders].into_boxed_slice(),
            legs: vec![[LegState::default(); 3]; orders].into_boxed_slice(),
            vacant: (0..orders as u32).rev().collect(),
            by_client: Index::new(orders),
            by_number: Index::new(orders),
            by_sequence: Index::new(orders),
            done: NumberSet::new(orders_of_the_day * 2),
            in_flight: 0,
        }
    }

    pub(super) fn get(&self, place: u32) -> Option<&Order> {
        self.orders.get(place as usize).filter(|order| order.is_open)
    }

    pub(super) fn get_mut(&mut self, place: u32) -> Option<&mut Order> {
        self.orders.get_mut(place as usize).filter(|order| order.is_open)
    }

    /// The legs of an order of several.
    pub(super) fn legs(&self, place: u32) -> &[LegState; 3] {
        &self.legs[place as usize]
    }

    pub(super) fn set_legs(&mut self, place: u32, legs: [LegState; 3]) {
        self.legs[place as usize] = legs;
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (u32, &Order)> {
        self.orders
            .iter()
            .enumerate()
            .filter(|(_, order)| order.is_open)
            .map(|(place, order)| (place as u32, order))
    }

    pub(super) fn open_mut(&mut self) -> impl Iterator<Item = &mut Order> {
        self.orders.iter_mut().filter(|order| order.is_open)
    }

    pub(super) const fn len(&self) -> usize {
        self.orders.len()
    }

    pub(super) fn has_room(&self) -> bool {
        !self.vacant.is_empty()
    }

    /// Whether the day has room for one more order: its number, or the mark of its refusal, must be
    /// kept beside those of all that are open.
    pub(super) fn has_room_today(&self) -> bool {
        self.done.room() > 2 * (self.orders.len() - self.vacant.len())
    }

    pub(super) fn by_client(&self, client_order_id: ClientOrderId) -> Option<u32> {
        self.by_filler(client_order_id.0 as i32)
    }

    /// The place of the order whose own number has this low half.
    pub(super) fn by_filler(&self, filler: i32) -> Option<u32> {
        self.by_client.get(filler_key(filler))
    }

    pub(super) fn by_number(&self, order_id: OrderId) -> Option<u32> {
        self.by_number.get(order_id.0)
    }

    pub(super) fn by_sequence(&self, sequence: u32) -> Option<u32> {
        self.by_sequence.get(u64::from(sequence))
    }

    pub(super) fn is_done(&self, number: u64) -> bool {
        self.done.contains(number)
    }

    /// Remembers a number for the rest of the day.
    pub(super) fn set_done(&mut self, number: u64) {
        let is_kept = number == 0 || self.done.insert(number);
        debug_assert!(is_kept || self.done.room() == 0);
    }

    /// Makes a place for an order; `None` when there is none.
    pub(super) fn add(&mut self, client_order_id: ClientOrderId) -> Option<u32> {
        let place = self.vacant.pop()?;
        let order = &mut self.orders[place as usize];
        *order = Order { client_order_id, is_open: true, ..Order::VACANT };
        if client_order_id.0 != 0 {
            self.by_client.insert(filler_key(client_order_id.0 as i32), place);
        }
        Some(place)
    }

    /// Says that a request on the order left.
    pub(super) fn set_pending(&mut self, place: u32, kind: CommandKind, sent: Sent) {
        let order = &mut self.orders[place as usize];
        debug_assert!(order.is_open && order.pending.is_none());
        order.pending = Some(kind);
        order.request = sent.request;
        order.sequence = sent.sequence;
        order.sent_end = sent.end;
        order.sent_at = sent.at;
        order.connection = sent.connection;
        order.checkpoint = order.jiffies;
        self.by_sequence.insert(u64::from(sent.sequence), place);
        self.in_flight += 1;
    }

    /// Says that nothing is awaited any more; the number of the request that was.
    pub(super) fn clear_pending(&mut self, place: u32) -> Option<u64> {
        let order = &mut self.orders[place as usize];
        order.pending.take()?;
        self.by_sequence.remove(u64::from(order.sequence));
        self.in_flight -= 1;
        Some(order.request)
    }

    /// Gives the order the venue's number.
    pub(super) fn set_number(&mut self, place: u32, order_id: OrderId, stamp: Stamp) {
        let order = &mut self.orders[place as usize];
        if order.order_id.is_none() && !order_id.is_none() {
            order.order_id = order_id;
            order.stream = stamp.stream;
            self.by_number.insert(order_id.0, place);
        }
    }

    /// Ends an order. Nothing of it may be pending.
    pub(super) fn remove(&mut self, place: u32) {
        let order = &mut self.orders[place as usize];
        debug_assert!(order.is_open && order.pending.is_none());
        let (client_order_id, order_id) = (order.client_order_id, order.order_id);
        *order = Order::VACANT;
        self.vacant.push(place);
        if client_order_id.0 != 0 {
            self.by_client.remove(filler_key(client_order_id.0 as i32));
        }
        self.by_number.remove(order_id.0);
        self.set_done(order_id.0);
    }

    /// The oldest new order in flight that asks for what the message describes. Of two alike, the
    /// exchange has the older one first: requests of one connection arrive in order, and whatever is
    /// in one contract is in one stream. Of all the day's refusals, one that names no order is no
    /// answer to an order of an earlier process. Requests of `connection` come first, where there is one.
    pub(super) fn oldest_like(&self, reply: &Reply, connection: Option<u32>) -> Option<u32> {
        let is_refusal = reply.report.kind() == Some(ExecutionKind::Rejected);
        let alike = |order: &Order| {
            !(is_refusal && order.resumed.is_some())
                && order.pending == Some(CommandKind::New)
                && order.order_id.is_none()
                && order.fate == Fate::None
                && order.legs == reply.legs
                && order.token == reply.token
                && Some(order.side) == reply.side
                && (order.attributes.is_market || order.price == reply.report.price)
                && order.quantity == reply.report.quantity
        };
        let candidates = self.open().filter(|(_, order)| alike(order));
        let is_earlier = |order: &Order| connection.is_some_and(|it| it != order.connection);
        let first = candidates.min_by_key(|(_, order)| (is_earlier(order), order.request));
        first.map(|(place, _)| place)
    }

    /// Checks every invariant by brute force. For tests; O(orders).
    pub(super) fn is_consistent(&self) -> bool {
        let pending = self.open().filter(|(_, order)| order.pending.is_some()).count();
        let named = self.open().all(|(place, order)| {
            let client = order.client_order_id;
            (client.0 == 0 || self.by_client(client) == Some(place))
                && (order.order_id.is_none() || self.by_number(order.order_id) == Some(place))
                && !self.is_done(order.order_id.0)
        });
        named
            && pending == self.in_flight as usize
            && self.open().count() + self.vacant.len() == self.orders.len()
    }
}

/// How a request left.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) request: u64,
    pub(super) sequence: u32,
    pub(super) end: u64,
    pub(super) at: Nanos,
    pub(super) connection: u32,
}

/// What a request asks, as far as the order remembers it.
pub(super) fn lay_down(order: &mut Order, command: &OrderCommand, token: Token) {
    order.token = token;
    order.side = command.side();
    order.price = command.price;
    order.quantity = command.quantity;
}

/// The low half of an own number as a key, which must not be 0.
const fn filler_key(filler: i32) -> u64 {
    filler.cast_unsigned() as u64 | 1 << 32
}
