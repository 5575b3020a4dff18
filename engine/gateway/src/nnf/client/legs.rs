//! Spreads and orders of several legs in a member's session.
//!
//! A spread is an instrument like others once it is defined behind its legs: commands name it, their
//! price is a difference, and reports of the whole order come as of any order. What trades are its legs,
//! each in its own contract and at its own price, so that trades come as [`Event::Leg`]. An order of two
//! or three legs is sent with [`Session::on_legs`]; it is immediate, so that nothing of it rests. An order
//! has ended when every leg is filled, or its rest gone.

use tezi_model::{
    CommandKind, ExecutionKind, Instrument, InstrumentId, Nanos, OrderCommand, Qty, Segment, Side,
    TimeInForce, Token,
};

use super::super::attributes::OrderAttributes;
use super::super::contract::ContractError;
use super::super::decode::{OrderKey, Reply};
use super::super::decode_legs::{LegReply, LegsReply, decode_legs};
use super::super::encode::EncodeError;
use super::super::encode_legs::LegsCommand;
use super::super::legs::{LegsForm, LegsKey};
use super::super::link::Stamp;
use super::super::wire::{BeU16, BeU32, Envelope, MsSpdOeRequest};
use super::apply::Verdict;
use super::orders::{LegState, Order};
use super::{CommandError, Event, Origin, Outgoing, Phase, Session};

/// Bytes of a packet with an order of several legs.
const PACKET_SIZE: usize = Envelope::SIZE + MsSpdOeRequest::SIZE;

/// The spreads that are defined.
pub(super) struct Spreads {
    /// By instrument, near leg before far leg.
    legs: Box<[Option<[InstrumentId; 2]>]>,
    is_any: bool,
}

impl Spreads {
    pub(super) fn new(instruments: usize) -> Self {
        Self { legs: vec![None; instruments].into_boxed_slice(), is_any: false }
    }

    /// The legs of a spread; `None` of any other instrument.
    #[inline]
    pub(super) fn of(&self, id: InstrumentId) -> Option<[InstrumentId; 2]> {
        if self.is_any { self.legs.get(id.index()).copied().flatten() } else { None }
    }

    pub(super) fn set(&mut self, id: InstrumentId, legs: Option<[InstrumentId; 2]>) {
        self.is_any |= legs.is_some();
        if let Some(place) = self.legs.get_mut(id.index()) {
            *place = legs;
        }
    }
}

impl Session {
    /// Makes a spread known whose legs are.
    pub(super) fn define_spread(
        &mut self,
        id: InstrumentId,
        legs: [Token; 2],
        spread: &Instrument,
    ) -> Result<(), ContractError> {
        if self.segment != Segment::NseFo || spread.segment() != Some(Segment::NseFo) {
            return Err(ContractError::Segment);
        }
        if id.index() >= self.tokens.len() {
            return Err(ContractError::Capacity);
        }
        let find = |token: Token| {
            let found = self.tokens.iter().position(|&it| it != 0 && it == token.0.cast_signed());
            found.map(|at| InstrumentId(at as u32)).filter(|leg| *leg != id)
        };
        let [Some(near), Some(far)] = legs.map(find) else { return Err(ContractError::Leg) };
        self.spreads.set(id, Some([near, far]));
        // Contracts are found by their tokens, and a spread has none of its own.
        self.tokens[id.index()] = 0;
        Ok(())
    }

    /// Takes an order of two or three legs and, when it may leave, encodes it and lets it wait for
    /// [`Session::poll_transmit`].
    ///
    /// # Errors
    ///
    /// [`CommandError`]; the session is then as it was, and the order was not sent.
    pub fn on_legs(&mut self, command: &LegsCommand, now: Nanos) -> Result<(), CommandError> {
        let sent = self.send_legs(command, now);
        self.counters.commands_refused += u64::from(sent.is_err());
        sent
    }

    fn send_legs(&mut self, command: &LegsCommand, now: Nanos) -> Result<(), CommandError> {
        if self.phase != Phase::Live {
            return Err(CommandError::NotLive);
        }
        let place = self.place_for(CommandKind::New, command.client_order_id)?;
        let encoder = self.encoder.fo().ok_or(CommandError::Encode(EncodeError::Legs))?;
        let message = encoder.encode_legs(command, now).map_err(CommandError::Encode)?;
        let [Some(first), second, third] = command.legs else {
            return Err(CommandError::Encode(EncodeError::Legs));
        };
        let alone = OrderCommand {
            client_order_id: command.client_order_id,
            price: first.price,
            quantity: first.quantity,
            instrument: first.instrument,
            kind_code: CommandKind::New as u8,
            side_code: first.side as u8,
            time_in_force_code: TimeInForce::Ioc as u8,
            ..bytemuck::Zeroable::zeroed()
        };
        let mut legs = [LegState::default(); 3];
        for (state, leg) in legs.iter_mut().zip([Some(first), second, third]) {
            if let Some(leg) = leg {
                *state = LegState::new(self.token(leg.instrument), leg.quantity);
            }
        }
        let key = LegsKey { form: command.form(), further: [legs[1].token, legs[2].token] };
        let request = Outgoing {
            place,
            kind: CommandKind::New,
            command: alone,
            venue: Default::default(),
            attributes: OrderAttributes::default(),
            legs: Some(key),
        };
        let place = self.leave_legs(&request, &message, now)?;
        self.orders.set_legs(place, legs);
        Ok(())
    }

    /// Whether a command is about a spread, or about an order of several legs.
    #[inline]
    pub(super) fn is_of_legs(&self, command: &OrderCommand, place: Option<u32>) -> bool {
        let order = place.and_then(|place| self.orders.get(place));
        self.spreads.of(command.instrument).is_some()
            || order.is_some_and(|order| order.legs.is_some())
    }

    /// Sends a spread order, its change or its cancel.
    #[cold]
    pub(super) fn send_spread(
        &mut self,
        kind: CommandKind,
        place: Option<u32>,
        command: &OrderCommand,
        attributes: Option<&OrderAttributes>,
        now: Nanos,
    ) -> Result<(), CommandError> {
        let refused = |error| Err(CommandError::Encode(error));
        if attributes.is_some_and(|it| !it.is_plain()) {
            return refused(EncodeError::Legs);
        }
        // Orders of several legs are laid out for the session's account.
        if !command.account.is_none() {
            return refused(EncodeError::Account);
        }
        let Some(pair) = self.spreads.of(command.instrument) else {
            return refused(EncodeError::Legs);
        };
        let tokens = pair.map(|leg| self.token(leg));
        let key = LegsKey { form: LegsForm::Spread, further: [tokens[1], Token(0)] };
        let (mut command, mut venue) = (*command, Default::default());
        if let Some(order) = place.and_then(|place| self.orders.get(place)) {
            if order.legs != Some(key) || order.token != tokens[0] {
                return refused(EncodeError::UnknownInstrument);
            }
            venue = order.venue;
            command.order_id = order.order_id;
        }
        let Some(encoder) = self.encoder.fo() else { return refused(EncodeError::Legs) };
        let message =
            encoder.encode_spread(&command, pair, &venue, now).map_err(CommandError::Encode)?;
        let attributes = OrderAttributes::default();
        let request = Outgoing { place, kind, command, venue, attributes, legs: Some(key) };
        let place = self.leave_legs(&request, &message, now)?;
        if kind == CommandKind::New {
            let [near, far] = tokens.map(|token| LegState::new(token, command.quantity));
            self.orders.set_legs(place, [near, far, LegState::default()]);
        }
        Ok(())
    }

    fn leave_legs(
        &mut self,
        request: &Outgoing,
        message: &MsSpdOeRequest,
        now: Nanos,
    ) -> Result<u32, CommandError> {
        let mut packet = [0; PACKET_SIZE];
        let sequence = self.next_sequence();
        let envelope = Envelope {
            length: BeU16::new(PACKET_SIZE as u16),
            sequence: BeU32::new(sequence),
            checksum: [0; 16],
        };
        packet[..Envelope::SIZE].copy_from_slice(bytemuck::bytes_of(&envelope));
        packet[Envelope::SIZE..].copy_from_slice(bytemuck::bytes_of(message));
        self.leave(request, sequence, &mut packet, now)
    }

    fn token(&self, id: InstrumentId) -> Token {
        Token(self.tokens.get(id.index()).copied().unwrap_or_default().cast_unsigned())
    }

    /// Takes an answer on an order of several legs.
    #[cold]
    pub(super) fn on_legs_message(
        &mut self,
        sequence: u32,
        message: &[u8],
        stamp: Stamp,
        origin: Origin,
        now: Nanos,
    ) {
        match decode_legs(message) {
            Ok(read) => {
                let order_id = read.reply.report.order_id;
                let key = OrderKey { sequence, order_id, filler: 0 };
                let verdict = self.judge_legs(&read, key, stamp, origin);
                if let Verdict::New { place, .. } = verdict {
                    self.lay_legs(place, &read);
                }
                self.conclude(verdict, &read.reply, stamp, origin, now);
            }
            Err(error) => self.on_unreadable(error, stamp, origin, now),
        }
    }

    /// As of other orders, but more filled than was heard shows in any leg.
    fn judge_legs(
        &mut self,
        read: &LegsReply,
        key: OrderKey,
        stamp: Stamp,
        origin: Origin,
    ) -> Verdict {
        let place = self.orders.by_number(read.reply.report.order_id);
        let known = place.and_then(|place| Some((place, self.orders.get(place)?)));
        let kind = read.reply.report.kind();
        let tells_fills = matches!(kind, Some(ExecutionKind::Replaced | ExecutionKind::Canceled));
        if let Some((place, order)) = known
            && origin == Origin::Live
            && tells_fills
        {
            let states = self.orders.legs(place).iter();
            let is_ahead = states.zip(&read.legs).any(|(leg, said)| leg.filled < said.filled);
            if is_ahead {
                return Verdict::Gap { jiffies: order.jiffies };
            }
        }
        self.judge(&read.reply, key, stamp, origin)
    }

    /// Takes over what a message says of the legs of an order.
    fn lay_legs(&mut self, place: u32, read: &LegsReply) {
        let kind = read.reply.report.kind();
        if !matches!(kind, Some(ExecutionKind::Accepted | ExecutionKind::Replaced)) {
            return;
        }
        let Some(order) = self.orders.get_mut(place) else { return };
        let is_new = order.legs.is_none();
        if is_new {
            // An order that this session did not send.
            order.legs = read.reply.legs;
            order.token = read.reply.token;
            order.side = read.reply.side.unwrap_or(Side::Buy);
            order.filled = read.reply.filled;
        }
        let mut states = *self.orders.legs(place);
        for (state, said) in states.iter_mut().zip(&read.legs) {
            let LegReply { token, quantity, filled, .. } = *said;
            (state.token, state.quantity) = (token, quantity);
            if is_new {
                (state.filled, state.is_closed) = (filled, false);
            }
        }
        self.orders.set_legs(place, states);
    }

    /// A message about one leg of an order whose number the session knows: a trade, or its rest.
    #[cold]
    pub(super) fn judge_leg(
        &self,
        place: u32,
        order: &Order,
        reply: &Reply,
        origin: Origin,
    ) -> Verdict {
        let legs = self.orders.legs(place);
        let Some(at) = leg_at(legs, reply.token) else { return Verdict::Repeated };
        let (leg, is_live) = (&legs[at], origin == Origin::Live);
        let gap = Verdict::Gap { jiffies: order.jiffies };
        if is_live && !order.is_confirmed {
            return gap;
        }
        let others_end = legs.iter().enumerate().all(|(it, leg)| it == at || leg.has_ended());
        match reply.report.kind() {
            Some(ExecutionKind::Fill) if reply.filled <= leg.filled => Verdict::Repeated,
            Some(ExecutionKind::Fill) => {
                let total = reply.filled.0.saturating_add(reply.remaining.0);
                let filled = leg.filled.0.saturating_add(reply.report.quantity.0);
                let is_next = filled == reply.filled.0 && total == leg.quantity.0;
                if is_live && !is_next {
                    return gap;
                }
                Verdict::New { place, ends: reply.remaining == Qty::ZERO && others_end }
            }
            Some(ExecutionKind::Canceled) if leg.is_closed => Verdict::Repeated,
            Some(ExecutionKind::Canceled) if is_live && leg.filled < reply.filled => gap,
            Some(ExecutionKind::Canceled) => Verdict::New { place, ends: others_end },
            _ => Verdict::Repeated,
        }
    }

    /// Lays a message about one leg over its order and tells it.
    #[cold]
    pub(super) fn report_leg(
        &mut self,
        reply: &Reply,
        stamp: Stamp,
        place: u32,
        ends: bool,
        origin: Origin,
    ) {
        let mut legs = *self.orders.legs(place);
        let Some(order) = self.orders.get_mut(place) else { return };
        let Some(at) = leg_at(&legs, reply.token) else { return };
        order.absorb(reply.venue, stamp);
        order.is_confirmed = true;
        let mut report = reply.report;
        report.client_order_id = order.client_order_id;
        if report.kind() == Some(ExecutionKind::Fill) {
            legs[at].filled = reply.filled;
            if at == 0 {
                order.filled = reply.filled;
            }
        } else {
            legs[at].is_closed = true;
        }
        self.orders.set_legs(place, legs);
        if ends {
            self.resolve(place);
            self.orders.remove(place);
        }
        let side = reply.side.unwrap_or(Side::Buy);
        self.events_push(Event::Leg { report, token: reply.token, side, origin });
    }
}

impl LegState {
    fn new(token: Token, quantity: Qty) -> Self {
        Self { token, quantity, filled: Qty::ZERO, is_closed: false }
    }

    /// Whether nothing of it can trade any more; true of a leg that is not there.
    fn has_ended(&self) -> bool {
        self.is_closed || self.filled == self.quantity
    }
}

fn leg_at(legs: &[LegState; 3], token: Token) -> Option<usize> {
    legs.iter().position(|leg| leg.token == token && token != Token(0))
}
