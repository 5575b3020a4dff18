//! What members and the background ask, from request to answer.

use tezi_core::matching::{Order, OrderForm, Refusal, Report, RequestKind as Kind, Sink, Target};
use tezi_gateway::nnf::server::{AnswerKind, Event, OrderImage, Request, RequestKind};
use tezi_gateway::nnf::wire::{AdditionalOrderFlags, ContractDesc};
use tezi_gateway::nnf::{ErrorCode, LegsForm};
use tezi_model::{InstrumentId, Nanos, OrderId, Segment};

use crate::background::{Action, BACKGROUND_MEMBERS};
use crate::check::{contract_of, is_protected, number, order_of};
use crate::exchange::Exchange;
use crate::floor::Frozen;
use crate::images::Images;
use crate::members::Said;

/// Why a request is refused: before the matching engine, or by it.
pub(crate) enum Why {
    Code(ErrorCode),
    Refusal(Refusal),
}

impl From<ErrorCode> for Why {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<Refusal> for Why {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl Why {
    /// The exchange's number for it.
    pub(crate) fn number(&self, segment: Segment) -> i16 {
        match self {
            Self::Code(code) => number(segment, *code),
            Self::Refusal(refusal) => {
                let code = refusal.code(segment).and_then(|code| i16::try_from(code).ok());
                code.unwrap_or(number(segment, ErrorCode::RequestRejected))
            }
        }
    }
}

impl Exchange {
    /// Something of a box reaches the matching engine.
    #[inline]
    pub(crate) fn on_event(&mut self, member: u32, event: &Event, now: Nanos) {
        match event {
            Event::Request(request) => self.on_request(member, request, now),
            Event::LegsRequest => {
                let session = &mut self.floor.members[member as usize].session;
                if let Some(request) = session.poll_legs_request() {
                    self.on_legs_request(member, &request, now);
                }
            }
            Event::KillSwitch { token, descriptor } => {
                self.on_kill_switch(member, *token, descriptor, now);
            }
            Event::SignedOff => self.on_signed_off(member, now),
            Event::SignedOn => {}
            Event::Close(reason) => self.floor.members[member as usize].closing = Some(*reason),
        }
    }

    #[inline]
    fn on_request(&mut self, member: u32, request: &Request, now: Nanos) {
        self.floor.counters.requests += 1;
        self.floor.members[member as usize].on_request(now);
        let (result, refused) = match request.kind {
            RequestKind::New => (self.on_new(member, request, now), AnswerKind::Refused),
            RequestKind::Modify => {
                (self.on_modify(member, request, now), AnswerKind::ModifyRefused)
            }
            RequestKind::Cancel => {
                (self.on_cancel(member, request, now), AnswerKind::CancelRefused)
            }
        };
        self.settle(now);
        if let Err(why) = result {
            self.refuse(member, refused, request, &why, now);
        }
    }

    #[inline]
    fn on_new(&mut self, member: u32, request: &Request, now: Nanos) -> Result<(), Why> {
        let instrument = contract_of(&self.contracts, &request.order.order)?;
        let mut order = self.order_of(member, instrument, &request.order)?;
        // What a new order says of the past is nothing.
        let asked = request.order.order.volume.get();
        order.quantity.0 = u32::try_from(asked).map_err(|_| ErrorCode::InvalidData)?;
        if !self.is_protected(&order, now) {
            return Err(ErrorCode::OutsideExecutionRange.into());
        }
        let reserved = self.floor.images.reserve(member, &request.order);
        let Some((place, reference)) = reserved else { return Err(Refusal::Capacity.into()) };
        let image = self.floor.images.image_mut(place);
        image.order.order_number = tezi_gateway::nnf::wire::BeF64::new(0.0);
        order.reference = reference;
        self.ask(Some(place), request.sequence, order.disclosed.0);
        if let Err(refusal) = self.matcher.submit(now, &order, &mut self.floor) {
            self.floor.images.release(place);
            return Err(refusal.into());
        }
        Ok(())
    }

    #[inline]
    fn on_modify(&mut self, member: u32, request: &Request, now: Nanos) -> Result<(), Why> {
        let place = self.find_own(member, &request.order, None)?;
        let instrument = contract_of(&self.contracts, &request.order.order)?;
        let mut order = self.order_of(member, instrument, &request.order)?;
        if !self.is_protected(&order, now) {
            return Err(ErrorCode::OutsideExecutionRange.into());
        }
        order.reference = self.floor.images.reference(place);
        let target = Target::new(self.floor.images.order_id(place), order.member);
        self.ask(Some(place), request.sequence, order.disclosed.0);
        self.floor.asked.change = request.order;
        Ok(self.modify(now, target, &order)?)
    }

    #[inline]
    fn on_cancel(&mut self, member: u32, request: &Request, now: Nanos) -> Result<(), Why> {
        let place = self.find_own(member, &request.order, None)?;
        let target = Target::new(self.floor.images.order_id(place), BACKGROUND_MEMBERS + member);
        self.ask(Some(place), request.sequence, 0);
        Ok(self.matcher.cancel(now, target, &mut self.floor)?)
    }

    #[inline]
    pub(crate) fn modify(
        &mut self,
        now: Nanos,
        target: Target,
        order: &Order,
    ) -> Result<(), Refusal> {
        let resting = self.matcher.books().order(self.segment as u8, target.order_id);
        self.floor.tape.begin_change(resting.as_ref());
        self.matcher.modify(now, target, order, &mut self.floor)
    }

    /// The live order that a change is about, which must be the box's own, of the form of the change, and
    /// as the box knows it.
    #[inline]
    pub(crate) fn find_own(
        &self,
        member: u32,
        asked: &OrderImage,
        form: Option<LegsForm>,
    ) -> Result<u32, ErrorCode> {
        let named = asked.order.order_number.get();
        // What is no whole number in range saturates to one that no order has.
        let order_id = OrderId(named as u64);
        let found = self.floor.images.find(order_id).filter(|_| order_id.0 as f64 == named);
        let (place, owner) = found.ok_or(ErrorCode::OrderDoesNotExist)?;
        if owner != member {
            return Err(ErrorCode::NotYourOrder);
        }
        if self.floor.images.form(place) != form {
            return Err(ErrorCode::OrderDoesNotExist);
        }
        let is_current = self.floor.images.image(place).is_current(asked);
        if is_current { Ok(place) } else { Err(ErrorCode::OrderModifiedMeanwhile) }
    }

    #[inline]
    fn order_of(
        &mut self,
        member: u32,
        instrument: InstrumentId,
        image: &OrderImage,
    ) -> Result<Order, ErrorCode> {
        let phase = self.matcher.phase(instrument);
        let own = &mut self.floor.members[member as usize];
        order_of(own, BACKGROUND_MEMBERS + member, instrument, image, phase)
    }

    #[inline]
    pub(crate) fn is_protected(&mut self, order: &Order, now: Nanos) -> bool {
        let phase = self.matcher.phase(order.instrument);
        let Some(protection) = self.floor.protections.get_mut(order.instrument.index()) else {
            return true;
        };
        let passes = is_protected(protection, order, phase, now);
        self.floor.counters.protected += u64::from(!passes);
        passes
    }

    /// Notes the request that goes to the matching engine now.
    #[inline]
    pub(crate) fn ask(&mut self, place: Option<u32>, sequence: u32, disclosed: u32) {
        let asked = &mut self.floor.asked;
        (asked.place, asked.sequence, asked.disclosed) = (place, sequence, disclosed);
    }

    /// A request is done.
    #[inline]
    pub(crate) fn settle(&mut self, now: Nanos) {
        self.ask(None, 0, 0);
        self.floor.tape.settle(self.matcher.books(), now);
    }

    #[cold]
    fn refuse(&mut self, member: u32, kind: AnswerKind, request: &Request, why: &Why, now: Nanos) {
        self.floor.counters.refused += 1;
        let error_code = why.number(self.segment);
        let said =
            Said { is_asked: true, sequence: request.sequence, error_code, ..Said::default() };
        let mut image = request.order;
        self.floor.members[member as usize].answer(kind, &mut image, said, now);
    }

    /// Cancels every order of the user, or every one in a contract, spreads with a leg in it too. Each is confirmed by itself; no
    /// separate answer is known (FO 9.48, chapter 4).
    fn on_kill_switch(
        &mut self,
        member: u32,
        token: Option<i32>,
        descriptor: &ContractDesc,
        now: Nanos,
    ) {
        self.floor.counters.kill_switches += 1;
        // A share has no token: its name alone says which it is.
        let is_share = token == Some(-1);
        let is_listed = |token: i32| match u32::try_from(token) {
            Ok(token) => self.contracts.by_token(token).is_some(),
            Err(_) => self.contracts.find(token, descriptor).is_some(),
        };
        if token.is_some_and(|token| !is_listed(token)) {
            self.floor.counters.kill_switches_unknown += 1;
            return;
        }
        let is_in = |images: &Images, place: u32, token: i32| {
            images.image(place).order.token_no.get() == token
                || images.form(place).is_some_and(|form| {
                    let legs = &images.legs(place).legs;
                    (1..form.count()).any(|leg| legs.further(leg).token2.get() == token)
                })
        };
        let wanted = |images: &Images, place: u32| {
            token.is_none_or(|token| is_in(images, place, token))
                && (!is_share || images.image(place).order.contract_desc == *descriptor)
        };
        self.cancel_where(member, now, wanted);
    }

    /// The user is gone: orders that are to go with it do.
    fn on_signed_off(&mut self, member: u32, now: Nanos) {
        let wanted = |images: &Images, place: u32| {
            let flags = images.image(place).order.additional_order_flags;
            flags.bits & AdditionalOrderFlags::COL != 0
        };
        let count = self.cancel_where(member, now, wanted);
        self.floor.counters.canceled_on_logoff += count;
    }

    /// Cancels a box's orders that `wanted` names, the oldest first; how many. One that the phase
    /// holds fast (an auction matches) stays.
    pub(crate) fn cancel_where(
        &mut self,
        member: u32,
        now: Nanos,
        wanted: impl Fn(&Images, u32) -> bool,
    ) -> u64 {
        let (mut count, mut next) = (0, self.floor.images.first(member));
        while let Some(place) = next {
            next = self.floor.images.next(place);
            if !wanted(&self.floor.images, place) {
                continue;
            }
            let order_id = self.floor.images.order_id(place);
            let target = Target::new(order_id, BACKGROUND_MEMBERS + member);
            let done = self.matcher.cancel(now, target, &mut self.floor);
            count += u64::from(done.is_ok());
        }
        self.settle(now);
        count
    }

    /// The background acts.
    pub(crate) fn on_action(&mut self, action: &Action, now: Nanos) {
        self.floor.counters.background_requests += 1;
        let result = match action {
            Action::Submit(order) => self.on_background_order(None, order, now),
            Action::Modify { target, order } => self.on_background_order(Some(*target), order, now),
            Action::Cancel(target) if target.member < BACKGROUND_MEMBERS => {
                self.matcher.cancel(now, *target, &mut self.floor)
            }
            Action::Cancel(_) => Err(Refusal::NotYourOrder),
        };
        self.settle(now);
        self.floor.counters.background_refused += u64::from(result.is_err());
    }

    fn on_background_order(
        &mut self,
        target: Option<Target>,
        order: &Order,
        now: Nanos,
    ) -> Result<(), Refusal> {
        let is_own = |member: u32| member < BACKGROUND_MEMBERS;
        if !is_own(order.member) || !target.is_none_or(|target| is_own(target.member)) {
            return Err(Refusal::NotYourOrder);
        }
        if self.floor.background.is_protected() && !self.is_protected(order, now) {
            // The matching engine never sees it, so the background hears of it from here.
            self.floor.on_report(&Report::Refused {
                request: if target.is_some() { Kind::Modify } else { Kind::New },
                time: now,
                order_id: target.map_or(OrderId(0), |target| target.order_id),
                member: order.member,
                reference: order.reference,
                form: OrderForm::Regular,
                refusal: Refusal::PriceBand,
            });
            return Err(Refusal::PriceBand);
        }
        self.ask(None, 0, order.disclosed.0);
        match target {
            Some(target) => self.modify(now, target, order),
            None => self.matcher.submit(now, order, &mut self.floor).map(drop),
        }
    }

    /// The exchange decides on a frozen request that is still there.
    pub(crate) fn decide(&mut self, frozen: &Frozen, now: Nanos) {
        let place = self.floor.images.find(frozen.order_id).map(|(place, _)| place);
        self.ask(place, 0, frozen.disclosed);
        self.floor.asked.is_decision = true;
        self.floor.asked.change = frozen.change;
        let resting = self.matcher.books().order(self.segment as u8, frozen.order_id);
        self.floor.tape.begin_change(resting.as_ref());
        let approves = self.floor.freeze.approves;
        let decided = self.matcher.decide_freeze(now, frozen.order_id, approves, &mut self.floor);
        // It was cancelled meanwhile, or the change is not possible any more.
        self.floor.counters.frozen_gone += u64::from(decided.is_err());
        self.floor.asked.is_decision = false;
        self.settle(now);
    }
}
