//! Where the matcher's reports go: to the market, to the members whose orders they are about, and to
//! the background.

mod legs;

use std::collections::VecDeque;

use tezi_core::matching::{
    CancelReason, OrderState, Report, RequestKind, Sink, Trade, TradeKind as MatchKind,
};
use tezi_core::venue::bands::Lpp;
use tezi_core::venue::session::OrderType;
use tezi_gateway::nnf::server::{AnswerKind, Fill, OrderImage, TradeKind};
use tezi_gateway::nnf::wire::{BeF64, BeI16, BeI32, StOrderFlags, Text};
use tezi_model::{Nanos, OrderId, Px, Segment, Side};

use crate::background::{BACKGROUND_MEMBERS, Background};
use crate::broadcast::Broadcast;
use crate::config::FreezePolicy;
use crate::images::Images;
use crate::index::Index;
use crate::members::{Member, Said};
use crate::tape::Tape;
use crate::view::Counters;

/// Why an order waits: its quantity (FO 9.48, chapter 4).
const REASON_QUANTITY_FREEZE: i16 = 18;

/// Cancelled by the system; what stands in where a reason has no number of its own.
pub(crate) const CANCELLED_BY_SYSTEM: i16 = 16_388;

/// Trades that an operator sees.
const TRADES_SHOWN: usize = 64;

/// The request that is at the matching engine.
pub(crate) struct Asked {
    /// Its order's place.
    pub(crate) place: Option<u32>,
    /// The envelope's number, until it is answered.
    pub(crate) sequence: u32,
    /// What a change asks for.
    pub(crate) change: OrderImage,
    /// What the order shows at a time, 0 for all.
    pub(crate) disclosed: u32,
    /// Whether the exchange decides on a frozen order.
    pub(crate) is_decision: bool,
    /// Whether what is cancelled now is cancelled in a batch: at the end of a session.
    pub(crate) is_batch: bool,
    /// Why the legs of an order left of which nothing has traded.
    pub(crate) legs_left: Option<CancelReason>,
}

/// A frozen request and when the exchange decides.
#[derive(Clone, Copy)]
pub(crate) struct Frozen {
    pub(crate) due: Nanos,
    pub(crate) order_id: OrderId,
    /// What a change asks for.
    pub(crate) change: OrderImage,
    /// What the order is to show at a time, 0 for all.
    pub(crate) disclosed: u32,
}

/// Everything beside the matcher that a report reaches.
pub(crate) struct Floor {
    pub(crate) segment: Segment,
    pub(crate) members: Box<[Member]>,
    pub(crate) images: Images,
    pub(crate) tape: Tape,
    pub(crate) broadcast: Option<Box<Broadcast>>,
    pub(crate) background: Box<dyn Background + Send>,
    pub(crate) protections: Box<[Option<Lpp>]>,
    pub(crate) freeze: FreezePolicy,
    pub(crate) frozen: VecDeque<Frozen>,
    pub(crate) trades: VecDeque<Trade>,
    pub(crate) counters: Counters,
    pub(crate) asked: Asked,
    /// What stop-loss orders that wait are to show at a time, by order number; not those that show all.
    pub(crate) stop_parts: Index,
}

impl Asked {
    pub(crate) const fn nothing(blank: OrderImage) -> Self {
        Self {
            place: None,
            sequence: 0,
            change: blank,
            disclosed: 0,
            is_decision: false,
            is_batch: false,
            legs_left: None,
        }
    }
}

impl Sink for Floor {
    #[inline]
    fn on_report(&mut self, report: &Report) {
        let disclosed = self.disclosed_of(report);
        self.tape.on_report(report, disclosed);
        if let Some(broadcast) = &mut self.broadcast {
            broadcast.on_report(report);
        }
        match report {
            Report::Traded(trade) => self.on_trade(trade),
            // Of a spread's trade members hear by its legs.
            Report::TradeCanceled(trade) if trade.kind != MatchKind::Spread => {
                for side in Side::BOTH {
                    self.tell_trade(TradeKind::Cancelled, trade, side);
                }
            }
            Report::TradeCanceled(_) => {}
            Report::Refused { .. } => self.on_refused(report),
            Report::Accepted(state) => self.on_state(report, state),
            Report::Modified(state)
            | Report::Canceled(state, _)
            | Report::Priced(state)
            | Report::Triggered(state)
            | Report::Frozen(state)
            | Report::Replenished(state) => self.on_state(report, state),
        }
        self.background.on_report(report);
    }
}

impl Floor {
    /// What the order of a report shows at a time. The matcher's reports do not say: of a request it is
    /// known from there, of a stop-loss order it is remembered until the trigger.
    #[inline]
    fn disclosed_of(&mut self, report: &Report) -> u32 {
        match report {
            Report::Triggered(state) => {
                let part = self.stop_parts.get(state.order_id.0);
                self.stop_parts.remove(state.order_id.0);
                return part.unwrap_or(0);
            }
            Report::Accepted(state) | Report::Modified(state) if state.trigger != Px::ZERO => {
                if self.asked.disclosed == 0 {
                    self.stop_parts.remove(state.order_id.0);
                } else {
                    self.stop_parts.insert(state.order_id.0, self.asked.disclosed);
                }
            }
            Report::Modified(state) | Report::Canceled(state, _) => {
                self.stop_parts.remove(state.order_id.0);
            }
            _ => {}
        }
        self.asked.disclosed
    }

    #[inline]
    fn on_state(&mut self, report: &Report, state: &OrderState) {
        if let Report::Frozen(state) = report {
            self.frozen.push_back(Frozen {
                due: state.time.plus(self.freeze.after_ns),
                order_id: state.order_id,
                change: self.asked.change,
                disclosed: self.asked.disclosed,
            });
        }
        if state.member < BACKGROUND_MEMBERS {
            return;
        }
        let Some(place) = self.images.place_of(state.reference) else { return };
        if self.images.form(place).is_some() {
            return self.on_legs_state(report, state, place);
        }
        match report {
            Report::Accepted(_) => self.on_accepted(place, state),
            Report::Modified(_) => self.on_modified(place, state),
            Report::Canceled(_, reason) => self.on_canceled(place, state, *reason),
            Report::Priced(_) => self.on_priced(place, state),
            Report::Triggered(_) => self.on_triggered(place, state),
            Report::Frozen(_) => self.on_frozen(place, state),
            _ => {}
        }
    }

    /// What an answer about an order says: of the request that is at work, its number, once.
    #[inline]
    fn said(&mut self, place: u32) -> Said {
        if self.asked.place != Some(place) {
            return Said::default();
        }
        let is_asked = !self.asked.is_decision;
        Said { is_asked, sequence: core::mem::take(&mut self.asked.sequence), ..Said::default() }
    }

    #[inline]
    fn answer(&mut self, kind: AnswerKind, place: u32, state: &OrderState, said: Said) {
        let member = &mut self.members[(state.member - BACKGROUND_MEMBERS) as usize];
        member.answer(kind, self.images.image_mut(place), said, state.time);
    }

    #[inline]
    fn on_accepted(&mut self, place: u32, state: &OrderState) {
        let mut said = self.said(place);
        if self.asked.is_decision {
            said.reason_code = REASON_QUANTITY_FREEZE;
        }
        self.images.admit(place, state.order_id);
        let order = &mut self.images.image_mut(place).order;
        order.order_number = BeF64::new(state.order_id.0 as f64);
        order.st_order_flags.state &= StOrderFlags::PRE_OPEN;
        if matches!(state.order_type, OrderType::Market | OrderType::StopMarket) {
            order.st_order_flags.terms |= StOrderFlags::MARKET;
        }
        lay_over(order, state);
        self.answer(AnswerKind::Confirmed, place, state, said);
    }

    #[inline]
    fn on_modified(&mut self, place: u32, state: &OrderState) {
        let mut said = self.said(place);
        if self.asked.is_decision {
            said.reason_code = REASON_QUANTITY_FREEZE;
        }
        if self.asked.place == Some(place) {
            take_over(self.images.image_mut(place), &self.asked.change);
        }
        let order = &mut self.images.image_mut(place).order;
        order.st_order_flags.state |= StOrderFlags::MODIFIED;
        order.st_order_flags.state &= !StOrderFlags::FROZEN;
        lay_over(order, state);
        self.answer(AnswerKind::Modified, place, state, said);
    }

    fn on_canceled(&mut self, place: u32, state: &OrderState, reason: CancelReason) {
        let is_asked = reason == CancelReason::Requested;
        let mut said = if is_asked { self.said(place) } else { Said::default() };
        if !is_asked {
            let code = reason.code(self.segment).and_then(|code| i16::try_from(code).ok());
            said.error_code = code.unwrap_or(CANCELLED_BY_SYSTEM);
        }
        if reason == CancelReason::FreezeRefused {
            said.reason_code = REASON_QUANTITY_FREEZE;
        }
        let order = &mut self.images.image_mut(place).order;
        order.modified_cancelled_by = Text::letter(if is_asked { b'T' } else { b'C' });
        lay_over(order, state);
        let kind = match reason {
            CancelReason::Session if self.asked.is_batch => AnswerKind::BatchCancelled,
            // A new order that the exchange does not let in was never one.
            CancelReason::FreezeRefused => AnswerKind::Refused,
            _ => AnswerKind::Cancelled,
        };
        self.answer(kind, place, state, said);
        self.images.release(place);
    }

    fn on_priced(&mut self, place: u32, state: &OrderState) {
        let order = &mut self.images.image_mut(place).order;
        lay_over(order, state);
        // The price of a buy goes out below zero.
        let price = order.price.get();
        order.price = BeI32::new(if state.side == Side::Buy { -price } else { price });
        self.answer(AnswerKind::MarketPrice, place, state, Said::default());
        self.images.image_mut(place).order.price = BeI32::new(price);
    }

    fn on_triggered(&mut self, place: u32, state: &OrderState) {
        let image = self.images.image_mut(place);
        image.order.book_type = BeI16::new(1);
        image.order.st_order_flags.terms &= !StOrderFlags::STOP_LOSS;
        let fill = Fill { number: 0, quantity: 0, price: 0 };
        let member = &mut self.members[(state.member - BACKGROUND_MEMBERS) as usize];
        member.tell_trade(TradeKind::Triggered, image, &fill, state.time);
    }

    fn on_frozen(&mut self, place: u32, state: &OrderState) {
        let said = Said { reason_code: REASON_QUANTITY_FREEZE, ..self.said(place) };
        let is_new = self.images.image(place).order.order_number.get() == 0.0;
        if is_new {
            self.images.admit(place, state.order_id);
            let order = &mut self.images.image_mut(place).order;
            order.order_number = BeF64::new(state.order_id.0 as f64);
            lay_over(order, state);
        }
        let live = *self.images.image(place);
        let image = self.images.image_mut(place);
        if !is_new {
            take_over(image, &self.asked.change);
            lay_over(&mut image.order, state);
        }
        image.order.st_order_flags.state |= StOrderFlags::FROZEN;
        self.answer(AnswerKind::Frozen, place, state, said);
        if !is_new {
            // The order is as it was; only what the next change must echo is new.
            let asked = *self.images.image(place);
            let image = self.images.image_mut(place);
            *image = live;
            image.order.last_modified = asked.order.last_modified;
            image.order.last_activity_reference = asked.order.last_activity_reference;
        }
    }

    /// Refusals are answered where the request is; only a change that was frozen is refused here.
    fn on_refused(&mut self, report: &Report) {
        let Report::Refused { request, time, member, reference, refusal, .. } = *report else {
            return;
        };
        let is_decided = self.asked.is_decision && request == RequestKind::Modify;
        if !is_decided || member < BACKGROUND_MEMBERS {
            return;
        }
        let Some(place) = self.images.place_of(reference) else { return };
        let mut image = *self.images.image(place);
        let error_code = refusal.code(self.segment).and_then(|code| i16::try_from(code).ok());
        let error_code = error_code.unwrap_or(CANCELLED_BY_SYSTEM);
        let said = Said { error_code, reason_code: REASON_QUANTITY_FREEZE, ..Said::default() };
        let member = &mut self.members[(member - BACKGROUND_MEMBERS) as usize];
        member.answer(AnswerKind::ModifyRefused, &mut image, said, time);
    }

    #[inline]
    fn on_trade(&mut self, trade: &Trade) {
        let is_leg = matches!(trade.kind, MatchKind::NearLeg | MatchKind::FarLeg);
        if trade.kind != MatchKind::Spread {
            self.counters.trades += 1;
            self.counters.quantity_traded += u64::from(trade.quantity.0);
        }
        // The legs of a spread's trade make no prices: an operator sees the difference.
        if !is_leg {
            if let Some(protection) = &mut self.protections[trade.instrument.index()] {
                protection.on_trade(trade.time, trade.price);
            }
            if self.trades.len() == TRADES_SHOWN {
                self.trades.pop_front();
            }
            self.trades.push_back(*trade);
        }
        if trade.kind != MatchKind::Spread {
            for side in Side::BOTH {
                self.tell_trade(TradeKind::Made, trade, side);
            }
        }
    }

    /// Tells the member of one side of a trade.
    #[inline]
    fn tell_trade(&mut self, kind: TradeKind, trade: &Trade, of: Side) {
        let side = of as usize;
        let Some(member) = trade.members[side].checked_sub(BACKGROUND_MEMBERS) else { return };
        let Some(place) = self.images.place_of(trade.references[side]) else {
            // Finished so long ago that its place is another order's.
            self.counters.untold += 1;
            return;
        };
        if self.images.form(place).is_some() {
            return self.tell_leg_trade(kind, trade, of, place);
        }
        let image = self.images.image_mut(place);
        image.order.st_order_flags.state |= StOrderFlags::TRADED;
        let fill = Fill {
            number: trade.trade_id as i32,
            quantity: trade.quantity.0.cast_signed(),
            price: paise(trade.price),
        };
        self.members[member as usize].tell_trade(kind, image, &fill, trade.time);
        if kind == TradeKind::Made && trade.open[side].0 == 0 {
            self.images.release(place);
        }
    }

    pub(crate) const fn trades_shown() -> usize {
        TRADES_SHOWN
    }
}

/// What the matching engine says of an order's quantities and price.
#[inline]
fn lay_over(order: &mut tezi_gateway::nnf::wire::MsOeRequest, state: &OrderState) {
    order.volume = BeI32::new(state.quantity.0.cast_signed());
    order.total_volume_remaining = BeI32::new(state.open().0.cast_signed());
    order.volume_filled_today = BeI32::new(state.traded.0.cast_signed());
    order.disclosed_volume_remaining = order.disclosed_volume;
    order.price = BeI32::new(paise(state.price));
}

/// What a member may change of an order.
#[inline]
fn take_over(image: &mut OrderImage, change: &OrderImage) {
    let (order, asked) = (&mut image.order, &change.order);
    order.modified_cancelled_by = asked.modified_cancelled_by;
    order.disclosed_volume = asked.disclosed_volume;
    order.trigger_price = asked.trigger_price;
    order.st_order_flags.terms = asked.st_order_flags.terms;
    order.book_type = asked.book_type;
    order.open_close = asked.open_close;
    order.pro_client_indicator = asked.pro_client_indicator;
    order.account_number = asked.account_number;
    order.nnf_field = asked.nnf_field;
    order.algo_id = asked.algo_id;
    image.filler = change.filler;
}

/// A price within the day's bands, which end where the wire does.
#[inline]
const fn paise(price: Px) -> i32 {
    (price.0 / Px::PAISA) as i32
}
