//! What members hear of spreads and of orders of several legs.
//!
//! The matching engine reports an order of two or three legs leg by leg. The member hears one
//! confirmation, a trade for each trade of a leg, and of what is left: once of the whole order when
//! nothing traded, else leg by leg.

use tezi_core::matching::{CancelReason, OrderState, Report, Trade, TradeKind as MatchKind};
use tezi_gateway::nnf::LegsForm;
use tezi_gateway::nnf::server::{AnswerKind, Fill, TradeKind};
use tezi_gateway::nnf::wire::{BeF64, BeI32, StOrderFlags, Text};
use tezi_model::{InstrumentId, Side};

use super::{CANCELLED_BY_SYSTEM, Floor, paise, take_over};
use crate::background::BACKGROUND_MEMBERS;
use crate::members::Said;

impl Floor {
    /// A report of an order of several legs of a box.
    #[cold]
    pub(super) fn on_legs_state(&mut self, report: &Report, state: &OrderState, place: u32) {
        let Some(form) = self.images.form(place) else { return };
        match report {
            Report::Accepted(_) => self.on_legs_accepted(form, place, state),
            Report::Modified(_) => self.on_spread_modified(place, state),
            Report::Canceled(_, reason) if form == LegsForm::Spread => {
                self.on_spread_canceled(place, state, *reason);
            }
            Report::Canceled(_, reason) => self.on_leg_canceled(place, state, *reason),
            _ => {}
        }
    }

    fn on_legs_accepted(&mut self, form: LegsForm, place: u32, state: &OrderState) {
        if self.images.is_live(place) {
            // The further legs of an order that is confirmed already.
            return;
        }
        let said = self.said(place);
        self.images.admit(place, state.order_id);
        let (image, _) = self.images.with_legs_mut(place);
        image.order.order_number = BeF64::new(state.order_id.0 as f64);
        image.order.st_order_flags.state &= StOrderFlags::PRE_OPEN;
        self.answer_legs(AnswerKind::Confirmed, form, place, state, said);
    }

    fn on_spread_modified(&mut self, place: u32, state: &OrderState) {
        let said = self.said(place);
        let is_asked = self.asked.place == Some(place);
        let change = self.asked.change;
        let (image, _) = self.images.with_legs_mut(place);
        if is_asked {
            take_over(image, &change);
        }
        image.order.st_order_flags.state |= StOrderFlags::MODIFIED;
        self.lay_over_spread(place, state);
        self.answer_legs(AnswerKind::Modified, LegsForm::Spread, place, state, said);
    }

    fn on_spread_canceled(&mut self, place: u32, state: &OrderState, reason: CancelReason) {
        let is_asked = reason == CancelReason::Requested;
        let mut said = if is_asked { self.said(place) } else { Said::default() };
        if !is_asked {
            said.error_code = self.code_of(reason);
        }
        self.lay_over_spread(place, state);
        let by = Text::letter(if is_asked { b'T' } else { b'C' });
        self.images.image_mut(place).order.modified_cancelled_by = by;
        let is_batch = reason == CancelReason::Session && self.asked.is_batch;
        let kind = if is_batch { AnswerKind::BatchCancelled } else { AnswerKind::Cancelled };
        self.answer_legs(kind, LegsForm::Spread, place, state, said);
        self.images.release(place);
    }

    /// What is left of one leg leaves. When nothing of the order has traded, whoever asked the matching
    /// engine tells so of all legs at once; a self trade is then the reason to name.
    fn on_leg_canceled(&mut self, place: u32, state: &OrderState, reason: CancelReason) {
        if state.traded.0 == 0 {
            if reason == CancelReason::SelfTrade || self.asked.legs_left.is_none() {
                self.asked.legs_left = Some(reason);
            }
            return;
        }
        let error_code = self.code_of(reason);
        let Some(leg) = self.leg_at(place, state.instrument) else { return };
        let (image, legs) = self.images.with_legs_mut(place);
        image.order.modified_cancelled_by = Text::letter(b'C');
        let member = &mut self.members[(state.member - BACKGROUND_MEMBERS) as usize];
        member.tell_leg_rest((image, &legs.legs), leg, error_code, state.time);
    }

    /// Tells the member of one side of a trade that its order, of several legs, has traded in one.
    #[cold]
    pub(super) fn tell_leg_trade(
        &mut self,
        kind: TradeKind,
        trade: &Trade,
        side: Side,
        place: u32,
    ) {
        let side = side as usize;
        let leg = self.leg_at(place, trade.instrument);
        let (Some(leg), Some(member)) = (leg, trade.members[side].checked_sub(BACKGROUND_MEMBERS))
        else {
            return;
        };
        let fill = Fill {
            number: trade.trade_id as i32,
            quantity: trade.quantity.0.cast_signed(),
            price: paise(trade.price),
        };
        let (image, legs) = self.images.with_legs_mut(place);
        image.order.st_order_flags.state |= StOrderFlags::TRADED;
        let own = &mut self.members[member as usize];
        own.tell_leg_trade(kind, (image, &mut legs.legs), leg, &fill, trade.time);
        // The far leg is the last that is told of a spread's trade.
        let is_last = kind == TradeKind::Made && trade.kind == MatchKind::FarLeg;
        if is_last && trade.open[side].0 == 0 {
            self.images.release(place);
        }
    }

    fn leg_at(&self, place: u32, instrument: InstrumentId) -> Option<usize> {
        let count = self.images.form(place)?.count();
        self.images.legs(place).instruments[..count].iter().position(|&leg| leg == instrument)
    }

    /// What the matching engine says of a spread order's quantities and difference.
    fn lay_over_spread(&mut self, place: u32, state: &OrderState) {
        let (image, legs) = self.images.with_legs_mut(place);
        let (volume, filled) = (state.quantity.0.cast_signed(), state.traded.0.cast_signed());
        for leg in 0..LegsForm::Spread.count() {
            legs.legs.set_quantities(&mut image.order, leg, volume, filled);
        }
        legs.legs.price_diff = BeI32::new(paise(state.price));
    }

    fn answer_legs(
        &mut self,
        kind: AnswerKind,
        form: LegsForm,
        place: u32,
        state: &OrderState,
        said: Said,
    ) {
        let (image, legs) = self.images.with_legs_mut(place);
        let member = &mut self.members[(state.member - BACKGROUND_MEMBERS) as usize];
        member.answer_legs(kind, form, (image, &legs.legs), said, state.time);
    }

    fn code_of(&self, reason: CancelReason) -> i16 {
        let code = reason.code(self.segment).and_then(|code| i16::try_from(code).ok());
        code.unwrap_or(CANCELLED_BY_SYSTEM)
    }
}
