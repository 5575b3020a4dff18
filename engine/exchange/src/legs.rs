//! What members ask in several contracts at once: spread orders, and orders of two and three legs (FO
//! 9.48, chapters 5 and 6).
//!
//! A spread order names its near leg, then its far leg, on opposite sides and of one quantity; its price
//! is the difference, and who buys the far leg buys the spread. It rests in the spread's own book. The
//! legs of the other orders go in the legs' books at once, together or not at all, and what is left
//! of them leaves.

use bytemuck::Zeroable;
use tezi_core::matching::{CancelReason, Leg, LegsOrder, Order, Refusal, Target};
use tezi_core::venue::session::OrderType;
use tezi_gateway::nnf::server::{AnswerKind, LegsRequest, RequestKind};
use tezi_gateway::nnf::wire::{BeF64, BeI32, MsSpdLegInfo};
use tezi_gateway::nnf::{ErrorCode, LegsForm};
use tezi_model::{InstrumentId, Nanos, Px, Qty, Side, TimeInForce};

use crate::background::BACKGROUND_MEMBERS;
use crate::check::{Sender, check_legs_book, sender_of, side_of, units};
use crate::exchange::Exchange;
use crate::floor::CANCELLED_BY_SYSTEM;
use crate::images::LegsImage;
use crate::members::Said;
use crate::requests::Why;

impl Exchange {
    /// A request of several legs reaches the matching engine.
    pub(crate) fn on_legs_request(&mut self, member: u32, request: &LegsRequest, now: Nanos) {
        self.floor.counters.requests += 1;
        self.floor.counters.legs_requests += 1;
        self.floor.members[member as usize].on_request(now);
        let (result, refused) = match (request.form, request.kind) {
            (LegsForm::Spread, RequestKind::New) => {
                (self.on_new_spread(member, request, now), AnswerKind::Refused)
            }
            (LegsForm::Spread, RequestKind::Modify) => {
                (self.on_modify_spread(member, request, now), AnswerKind::ModifyRefused)
            }
            (LegsForm::Spread, RequestKind::Cancel) => {
                (self.on_cancel_spread(member, request, now), AnswerKind::CancelRefused)
            }
            (LegsForm::TwoLegs | LegsForm::ThreeLegs, _) => {
                (self.on_new_legs(member, request, now), AnswerKind::Refused)
            }
        };
        self.settle(now);
        if let Err(why) = result {
            self.floor.counters.refused += 1;
            let error_code = why.number(self.segment);
            let sequence = request.sequence;
            let said = Said { is_asked: true, sequence, error_code, ..Said::default() };
            let (mut image, form) = (request.order, request.form);
            let own = &mut self.floor.members[member as usize];
            own.answer_legs(refused, form, (&mut image, &request.legs), said, now);
        }
    }

    fn on_new_spread(&mut self, member: u32, request: &LegsRequest, now: Nanos) -> Result<(), Why> {
        let (mut order, legs) = self.spread_order(member, request)?;
        // What a new order says of the past is nothing.
        order.quantity = units(request.order.order.volume.get())?;
        let place = self.reserve_legs(member, request, legs)?;
        order.reference = self.floor.images.reference(place);
        self.ask(Some(place), request.sequence, order.disclosed.0);
        if let Err(refusal) = self.matcher.submit(now, &order, &mut self.floor) {
            self.floor.images.release(place);
            return Err(refusal.into());
        }
        Ok(())
    }

    fn on_modify_spread(
        &mut self,
        member: u32,
        request: &LegsRequest,
        now: Nanos,
    ) -> Result<(), Why> {
        let place = self.find_own(member, &request.order, Some(request.form))?;
        let (mut order, _) = self.spread_order(member, request)?;
        order.reference = self.floor.images.reference(place);
        let target = Target::new(self.floor.images.order_id(place), order.member);
        self.ask(Some(place), request.sequence, order.disclosed.0);
        self.floor.asked.change = request.order;
        Ok(self.modify(now, target, &order)?)
    }

    fn on_cancel_spread(
        &mut self,
        member: u32,
        request: &LegsRequest,
        now: Nanos,
    ) -> Result<(), Why> {
        let place = self.find_own(member, &request.order, Some(request.form))?;
        let target = Target::new(self.floor.images.order_id(place), BACKGROUND_MEMBERS + member);
        self.ask(Some(place), request.sequence, 0);
        Ok(self.matcher.cancel(now, target, &mut self.floor)?)
    }

    fn on_new_legs(&mut self, member: u32, request: &LegsRequest, now: Nanos) -> Result<(), Why> {
        let (mut order, legs) = self.legs_order(member, request, now)?;
        let place = self.reserve_legs(member, request, legs)?;
        order.reference = self.floor.images.reference(place);
        self.ask(Some(place), request.sequence, 0);
        self.floor.asked.legs_left = None;
        if let Err(refusal) = self.matcher.submit_legs(now, &order, &mut self.floor) {
            self.floor.images.release(place);
            return Err(refusal.into());
        }
        if let Some(reason) = self.floor.asked.legs_left.take() {
            self.tell_nothing_traded(member, request.form, place, reason, now);
        }
        self.floor.images.release(place);
        Ok(())
    }

    /// The whole of an order of two or three legs leaves.
    fn tell_nothing_traded(
        &mut self,
        member: u32,
        form: LegsForm,
        place: u32,
        reason: CancelReason,
        now: Nanos,
    ) {
        let code = reason.code(self.segment).and_then(|code| i16::try_from(code).ok());
        let error_code = code.unwrap_or(CANCELLED_BY_SYSTEM);
        let said = Said { error_code, ..Said::default() };
        let (image, legs) = self.floor.images.with_legs_mut(place);
        image.order.modified_cancelled_by = tezi_gateway::nnf::wire::Text::letter(b'C');
        let own = &mut self.floor.members[member as usize];
        own.answer_legs(AnswerKind::Cancelled, form, (image, &legs.legs), said, now);
    }

    /// A place for a new order, its image as the exchange keeps it: the contracts by their numbers,
    /// nothing traded.
    fn reserve_legs(
        &mut self,
        member: u32,
        request: &LegsRequest,
        instruments: [InstrumentId; 3],
    ) -> Result<u32, Why> {
        let (mut image, mut legs) = (request.order, request.legs);
        let token = |id: InstrumentId| {
            BeI32::new(self.contracts.listings()[id.index()].instrument.token.0.cast_signed())
        };
        image.order.order_number = BeF64::new(0.0);
        image.order.token_no = token(instruments[0]);
        for (leg, id) in instruments.into_iter().enumerate().take(request.form.count()) {
            let volume = legs.leg(&image.order, leg).volume.get();
            legs.set_quantities(&mut image.order, leg, volume, 0);
            if leg > 0 {
                legs.further_mut(leg).token2 = token(id);
            }
        }
        if request.form.count() < 3 {
            legs.third = MsSpdLegInfo::zeroed();
        }
        let legs = LegsImage { legs, instruments };
        let reserved = self.floor.images.reserve_legs(member, &image, request.form, &legs);
        let (place, _) = reserved.ok_or(Refusal::Capacity)?;
        Ok(place)
    }

    /// The contracts that the legs of a request name.
    fn legs_of(&self, request: &LegsRequest) -> Result<[InstrumentId; 3], ErrorCode> {
        let mut instruments = [InstrumentId(0); 3];
        for (leg, instrument) in instruments.iter_mut().enumerate().take(request.form.count()) {
            let said = request.legs.leg(&request.order.order, leg);
            let found = self.contracts.find(said.token.get(), &said.contract_desc);
            *instrument = found.ok_or(ErrorCode::InvalidSymbol)?;
        }
        Ok(instruments)
    }

    /// The order in the spread's book that a request describes, and its legs.
    fn spread_order(
        &mut self,
        member: u32,
        request: &LegsRequest,
    ) -> Result<(Order, [InstrumentId; 3]), ErrorCode> {
        let (order, legs) = (&request.order.order, &request.legs);
        let instruments = self.legs_of(request)?;
        let (near, far) = (legs.leg(order, 0), legs.leg(order, 1));
        let spread = self.spread_of(instruments)?;
        if (near.volume, near.remaining) != (far.volume, far.remaining) {
            return Err(ErrorCode::LegQuantities);
        }
        let (near_side, side) = (side_of(near.buy_sell.get())?, side_of(far.buy_sell.get())?);
        if near_side == side {
            return Err(ErrorCode::InvalidBuySell);
        }
        if near.price.get() != 0 || far.price.get() != 0 {
            return Err(ErrorCode::InvalidPrice);
        }
        check_legs_book(order)?;
        let phase = self.matcher.phase(spread);
        let own = &mut self.floor.members[member as usize];
        let Sender { owner, self_trade, time_in_force } = sender_of(own, order, phase)?;
        if time_in_force != TimeInForce::Day {
            return Err(ErrorCode::InvalidData);
        }
        let open = near.remaining.get().saturating_add(near.filled.get());
        let order = Order {
            instrument: spread,
            side,
            order_type: OrderType::Limit,
            time_in_force,
            price: Px::from_paise(i64::from(legs.price_diff.get())),
            trigger: Px::ZERO,
            quantity: units(near.volume.get().max(open))?,
            disclosed: units(order.disclosed_volume.get())?,
            owner,
            self_trade,
            member: BACKGROUND_MEMBERS + member,
            reference: 0,
        };
        Ok((order, instruments))
    }

    /// The spread of two contracts, near before far.
    fn spread_of(&self, [near, far, _]: [InstrumentId; 3]) -> Result<InstrumentId, ErrorCode> {
        let leg = |id: InstrumentId| &self.contracts.listings()[id.index()].instrument;
        if leg(near).symbol != leg(far).symbol {
            return Err(ErrorCode::LegUnderlyings);
        }
        if leg(near).expiry >= leg(far).expiry {
            return Err(ErrorCode::LegExpiries);
        }
        let pair = pair_key([leg(near).token.0, leg(far).token.0]);
        self.pairs.get(pair).map(InstrumentId).ok_or(ErrorCode::SpreadUnknown)
    }

    /// The order of two or three legs that a request describes, and its legs.
    fn legs_order(
        &mut self,
        member: u32,
        request: &LegsRequest,
        now: Nanos,
    ) -> Result<(LegsOrder, [InstrumentId; 3]), ErrorCode> {
        let order = &request.order.order;
        let instruments = self.legs_of(request)?;
        let count = request.form.count();
        let is_twice = |at: usize| instruments[..at].contains(&instruments[at]);
        if (1..count).any(is_twice) {
            return Err(ErrorCode::OtherLegFailed);
        }
        check_legs_book(order)?;
        let phase = self.matcher.phase(instruments[0]);
        let own = &mut self.floor.members[member as usize];
        let Sender { owner, self_trade, time_in_force } = sender_of(own, order, phase)?;
        if time_in_force != TimeInForce::Ioc {
            return Err(ErrorCode::InvalidData);
        }
        let mut legs = [None; 3];
        for (at, place) in legs.iter_mut().enumerate().take(count) {
            let leg = self.leg_of(request, at, instruments[at])?;
            let alone = Order::limit(leg.instrument, leg.side, leg.price, leg.quantity);
            if !self.is_protected(&alone, now) {
                return Err(ErrorCode::OtherLegFailed);
            }
            *place = Some(leg);
        }
        let member = BACKGROUND_MEMBERS + member;
        Ok((LegsOrder { legs, owner, self_trade, member, reference: 0 }, instruments))
    }

    fn leg_of(
        &self,
        request: &LegsRequest,
        at: usize,
        instrument: InstrumentId,
    ) -> Result<Leg, ErrorCode> {
        let said = request.legs.leg(&request.order.order, at);
        let (side, quantity): (Side, Qty) =
            (side_of(said.buy_sell.get())?, units(said.volume.get())?);
        let price = Px::from_paise(i64::from(said.price.get()));
        Ok(Leg { instrument, side, price, quantity })
    }
}

/// The tokens of a spread's legs as one number.
pub(crate) const fn pair_key([near, far]: [u32; 2]) -> u64 {
    (near as u64) << 32 | far as u64
}
