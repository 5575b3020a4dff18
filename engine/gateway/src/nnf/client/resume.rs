//! Orders of an earlier process of the same day: what a journal knows of them, given to a session
//! before it signs on, so that the first message download tells what became of each.

use tezi_model::{ClientOrderId, CommandKind, InstrumentId, Nanos, OrderId, Px, Qty, Side, Token};

use super::orders::{Fate, Sent};
use super::{CommandError, Session};

/// An open order as an earlier process of the day left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResumedOrder {
    /// Its own number.
    pub client_order_id: ClientOrderId,
    /// The venue's number; none while the order itself is unanswered.
    pub order_id: OrderId,
    /// The instrument, which must be defined.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// The limit that the venue last confirmed, or was asked for.
    pub price: Px,
    /// The total quantity, what is filled included.
    pub quantity: Qty,
    /// What is filled.
    pub filled: Qty,
    /// The request that has no answer yet.
    pub pending: Option<CommandKind>,
    /// The venue's time of the last report of it, of those before the pending request left where there
    /// is one: no answer is at or before it. A trade may be heard live before the answer on a change.
    pub heard_until: Nanos,
}

impl Session {
    /// Takes over an open order. Before [`Session::start`].
    ///
    /// The first download then starts with the day. It brings the marks that a change must echo, and
    /// every report since `heard_until`; a request it says nothing of never got to the exchange, and
    /// an order of which it says nothing at all is not there.
    ///
    /// # Errors
    ///
    /// [`CommandError::Capacity`], [`CommandError::DayCapacity`] when there is no room,
    /// [`CommandError::DuplicateOrder`] for a number that is open, [`CommandError::NotResumable`] for an
    /// order of a spread.
    pub fn resume_order(&mut self, it: &ResumedOrder, now: Nanos) -> Result<(), CommandError> {
        if self.orders.by_client(it.client_order_id).is_some() {
            return Err(CommandError::DuplicateOrder);
        }
        if self.spreads.of(it.instrument).is_some() {
            return Err(CommandError::NotResumable);
        }
        if !self.orders.has_room_today() {
            return Err(CommandError::DayCapacity);
        }
        let place = self.orders.add(it.client_order_id).ok_or(CommandError::Capacity)?;
        let token = self.tokens.get(it.instrument.index()).copied().unwrap_or_default();
        if let Some(order) = self.orders.get_mut(place) {
            order.token = Token(token.cast_unsigned());
            order.side = it.side;
            (order.price, order.quantity, order.filled) = (it.price, it.quantity, it.filled);
            order.is_confirmed = !it.order_id.is_none();
            order.resumed = Some(Resumed { heard_until: it.heard_until, is_there: false });
        }
        self.orders.set_number(place, it.order_id, Default::default());
        if let Some(kind) = it.pending {
            self.requests += 1;
            self.cursors.on_request(self.requests, self.orders.in_flight);
            let sent = Sent { request: self.requests, sequence: 0, end: 0, at: now, connection: 0 };
            self.orders.set_pending(place, kind, sent);
        }
        // What the earlier process sent, the exchange may still act on.
        self.disconnected_at = now;
        Ok(())
    }

    /// Takes note of an order that ended before: what a download says of it was heard. `false` when
    /// the day has no room for it. Before [`Session::start`].
    pub fn resume_closed(&mut self, order_id: OrderId) -> bool {
        if order_id.is_none() || self.orders.is_done(order_id.0) {
            return true;
        }
        let has_room = self.orders.has_room_today();
        if has_room {
            self.orders.set_done(order_id.0);
        }
        has_room
    }

    /// Confirmed orders of an earlier process of which the whole day's messages say nothing are not
    /// at the exchange; whether there are any.
    pub(super) fn mark_missing(&mut self) -> bool {
        let mut any = false;
        for order in self.orders.open_mut() {
            let Some(resumed) = order.resumed.take_if(|it| !it.is_there) else { continue };
            if order.is_confirmed && order.fate == Fate::None {
                order.fate = Fate::NotInDay;
                any = true;
            } else {
                // In flight: a download that begins late enough decides.
                order.resumed = Some(resumed);
            }
        }
        any
    }
}

/// What an order of an earlier process has beyond others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resumed {
    /// What the venue said up to here was heard.
    pub(super) heard_until: Nanos,
    /// Whether a download named it.
    pub(super) is_there: bool,
}
