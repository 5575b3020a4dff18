//! Spreads and orders of several legs at the gateway: their requests, and what the matching engine says
//! of them (FO 9.48, chapters 5 and 6).
//!
//! Requests and answers are full-size, so that what goes out at once is what a download brings again.
//! Trades are told leg by leg, in the trimmed structure as every trade, with the leg's own contract,
//! side and quantities.

use tezi_model::Nanos;

use super::super::legs::{Legs, LegsForm, join, split};
use super::super::wire::{
    BeI16, BeI32, BeI64, MsOeRequest, MsSpdOeRequest, MsTradeConfirm, TransactionCode as Code,
};
use super::config::{AnswerKind, Event, LegsRequest, RequestKind, TradeKind};
use super::gateway::view;
use super::image::{Fill, Mark, OrderImage};
use super::reply::Terms;
use super::{Reason, Session};

/// What a request of several legs asks, its form, the code that refuses it, and whether the gateway is to
/// acknowledge it; `None` for a code of other messages.
pub(super) const fn legs_request(code: i16) -> Option<(RequestKind, LegsForm, i16, bool)> {
    let (kind, form, reject) = match code {
        Code::SPREAD_IN | Code::SPREAD_ACK_IN => {
            (RequestKind::New, LegsForm::Spread, Code::SPREAD_ERROR)
        }
        Code::SPREAD_MOD_IN | Code::SPREAD_MOD_ACK_IN => {
            (RequestKind::Modify, LegsForm::Spread, Code::SPREAD_MOD_REJECT)
        }
        Code::SPREAD_CANCEL_IN | Code::SPREAD_CANCEL_ACK_IN => {
            (RequestKind::Cancel, LegsForm::Spread, Code::SPREAD_CXL_REJECT)
        }
        Code::TWO_LEG_IN | Code::TWO_LEG_ACK_IN => {
            (RequestKind::New, LegsForm::TwoLegs, Code::TWO_LEG_ERROR)
        }
        Code::THREE_LEG_IN | Code::THREE_LEG_ACK_IN => {
            (RequestKind::New, LegsForm::ThreeLegs, Code::THREE_LEG_ERROR)
        }
        _ => return None,
    };
    Some((kind, form, reject, code >= Code::SPREAD_ACK_IN))
}

/// The code of an answer. An order of two or three legs is immediate, so that nothing else than its
/// confirmation, refusal and end exists.
const fn answer_code(form: LegsForm, kind: AnswerKind) -> i16 {
    match (form, kind) {
        (LegsForm::Spread, AnswerKind::Confirmed) => Code::SPREAD_CONFIRMATION,
        (LegsForm::TwoLegs, AnswerKind::Confirmed) => Code::TWO_LEG_CONFIRMATION,
        (LegsForm::ThreeLegs, AnswerKind::Confirmed) => Code::THREE_LEG_CONFIRMATION,
        (LegsForm::Spread, AnswerKind::Refused) => Code::SPREAD_ERROR,
        (LegsForm::TwoLegs, AnswerKind::Refused) => Code::TWO_LEG_ERROR,
        (LegsForm::ThreeLegs, AnswerKind::Refused) => Code::THREE_LEG_ERROR,
        (_, AnswerKind::Modified) => Code::SPREAD_MOD_CONFIRMATION,
        (_, AnswerKind::ModifyRefused) => Code::SPREAD_MOD_REJECT,
        (_, AnswerKind::CancelRefused) => Code::SPREAD_CXL_REJECT,
        (LegsForm::Spread, AnswerKind::BatchCancelled) => Code::BATCH_SPREAD_CANCEL,
        (LegsForm::TwoLegs, _) => Code::TWO_LEG_CXL_CONFIRMATION,
        (LegsForm::ThreeLegs, _) => Code::THREE_LEG_CXL_CONFIRMATION,
        (LegsForm::Spread, _) => Code::SPREAD_CXL_CONFIRMATION,
    }
}

impl Session {
    /// The request that an [`Event::LegsRequest`] told of.
    pub fn poll_legs_request(&mut self) -> Option<LegsRequest> {
        self.legs_requests.pop_front()
    }

    /// Whether another request of several legs has a place to wait in.
    pub(super) fn has_legs_room(&self) -> bool {
        self.legs_requests.len() < self.events_max
    }

    /// A request of several legs: within the rate, of the user, of the right form.
    pub(super) fn on_legs_request(&mut self, code: i16, sequence: u32, message: &[u8], now: Nanos) {
        let Some((kind, form, reject, is_acknowledged)) = legs_request(code) else { return };
        if !self.rate.admit(now) {
            self.close(Reason::BOX_RATE, now);
            return;
        }
        let Some(message) = view::<MsSpdOeRequest>(message) else {
            self.refuse(reject, sequence, Reason::MESSAGE_LENGTH, now);
            return;
        };
        if message.header.trader_id.get() != self.user_id {
            self.refuse(reject, sequence, Reason::USER_MISMATCH, now);
            return;
        }
        if is_acknowledged {
            // The structure has no place for a number of the member's own.
            self.acknowledge(code + 1, sequence, 0, now);
        }
        let (order, legs) = split(message);
        let order = OrderImage { order, filler: 0 };
        if self.has_legs_room() && self.events.len() < self.events_max {
            self.legs_requests.push_back(LegsRequest { kind, form, sequence, order, legs });
            self.push(Event::LegsRequest);
        }
    }

    /// Answers a request of several legs, or tells of such an order unasked. The image gets the stamps and
    /// marks of the message, which the next change of the order must echo.
    pub fn on_legs_answer(
        &mut self,
        kind: AnswerKind,
        form: LegsForm,
        image: &mut OrderImage,
        legs: &Legs,
        terms: Terms,
        now: Nanos,
    ) {
        let jiffies = self.stamp_answer(kind, answer_code(form, kind), image, terms, now);
        image.order.header.message_length = BeI16::new(MsSpdOeRequest::SIZE as i16);
        let message = join(&image.order, legs);
        self.log.append(terms.stream, jiffies, bytemuck::bytes_of(&message));
        self.send(terms.sequence, bytemuck::bytes_of(&message), now);
    }

    /// Tells of a trade of one leg, 0 being the first. For one that was made the leg is laid over with
    /// it first.
    #[allow(clippy::too_many_arguments, reason = "an order of several legs is two records")]
    pub fn on_leg_trade(
        &mut self,
        kind: TradeKind,
        image: &mut OrderImage,
        legs: &mut Legs,
        leg: usize,
        fill: &Fill,
        stream: u8,
        now: Nanos,
    ) {
        if kind == TradeKind::Made {
            let said = legs.leg(&image.order, leg);
            let filled = said.filled.get().saturating_add(fill.quantity);
            legs.set_quantities(&mut image.order, leg, said.volume.get(), filled);
        }
        let (jiffies, nanos, seconds) = self.tick(now);
        image.order.last_modified = BeI32::new(seconds);
        image.order.last_activity_reference = BeI64::new(nanos);
        let is_made = kind == TradeKind::Made;
        let code = if is_made { Code::TRADE_CONFIRMATION } else { Code::TRADE_CANCEL_CONFIRM };
        let mut view = leg_view(image, legs, leg);
        view.stamp(&Mark {
            code,
            user_id: self.user_id,
            error_code: 0,
            reason_code: 0,
            stream,
            seconds,
            nanos,
            jiffies,
        });
        let mut full = view.trade(fill);
        full.header.message_length = BeI16::new(MsTradeConfirm::SIZE as i16);
        self.log.append(stream, jiffies, bytemuck::bytes_of(&full));
        if is_made {
            let mut trimmed = view.trade_tr(fill);
            trimmed.transaction_code = BeI16::new(Code::TRADE_CONFIRMATION_TR);
            self.send(0, bytemuck::bytes_of(&trimmed), now);
        } else {
            self.send(0, bytemuck::bytes_of(&full), now);
        }
    }

    /// Tells that the rest of one leg, of which a part has traded, leaves: 2075 in the structure of an
    /// order in one contract, which speaks of the leg alone.
    pub fn on_leg_rest(
        &mut self,
        image: &OrderImage,
        legs: &Legs,
        leg: usize,
        terms: Terms,
        now: Nanos,
    ) {
        let mut view = leg_view(image, legs, leg);
        let kind = AnswerKind::Cancelled;
        let code = Code::ORDER_CXL_CONFIRMATION;
        let jiffies = self.stamp_answer(kind, code, &mut view, terms, now);
        self.log.append(terms.stream, jiffies, bytemuck::bytes_of(&view.order));
        self.send(terms.sequence, bytemuck::bytes_of(&view.order), now);
    }
}

/// One leg as an order of its own.
fn leg_view(image: &OrderImage, legs: &Legs, leg: usize) -> OrderImage {
    let said = legs.leg(&image.order, leg);
    let order = MsOeRequest {
        token_no: said.token,
        contract_desc: said.contract_desc,
        buy_sell_indicator: said.buy_sell,
        volume: said.volume,
        total_volume_remaining: said.remaining,
        volume_filled_today: said.filled,
        price: said.price,
        open_close: said.open_close,
        ..image.order
    };
    OrderImage { order, filler: image.filler }
}
