//! What the matching engine says of orders: stamped, kept for downloads, sent.

use tezi_model::{Nanos, Segment};

use super::super::header::header;
use super::super::wire::{
    BeI16, BeI32, BeI64, MsTradeConfirm, StreamOutage, TransactionCode as Code,
};
use super::config::{AnswerKind, TradeKind};
use super::image::{Fill, Mark, OrderImage};
use super::{Phase, Session};

/// What an answer says beside the order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The envelope's number of the request; 0 when nobody asked.
    pub sequence: u32,
    /// The stream of the matching engine, from 1.
    pub stream: u8,
    /// Why, 0 for no reason.
    pub error_code: i16,
    /// 17 price freeze, 18 quantity freeze, 0 for none.
    pub reason_code: i16,
}

impl Session {
    /// Answers a request, or tells of an order unasked. The image gets the stamps and marks of the
    /// message, which the next change of the order must echo.
    ///
    /// Confirmations go out trimmed, everything else in the full structure, which is also what a
    /// download has of all of them.
    pub fn on_answer(
        &mut self,
        kind: AnswerKind,
        image: &mut OrderImage,
        terms: Terms,
        now: Nanos,
    ) {
        let (trimmed, full) = codes(kind);
        let jiffies = self.stamp_answer(kind, full, image, terms, now);
        if self.segment == Segment::NseCm {
            self.on_cm_answer(kind, image, terms, now);
            return;
        }
        self.log.append(terms.stream, jiffies, bytemuck::bytes_of(&image.order));
        match trimmed {
            Some(code) => {
                let mut response = image.response();
                response.transaction_code = BeI16::new(code);
                self.send(terms.sequence, bytemuck::bytes_of(&response), now);
            }
            None => self.send(terms.sequence, bytemuck::bytes_of(&image.order), now),
        }
    }

    /// Stamps the image of an answered order; the time by which downloads know the message.
    #[inline]
    pub(super) fn stamp_answer(
        &mut self,
        kind: AnswerKind,
        code: i16,
        image: &mut OrderImage,
        terms: Terms,
        now: Nanos,
    ) -> i64 {
        let (jiffies, nanos, seconds) = self.tick(now);
        if kind == AnswerKind::Confirmed {
            image.order.entry_date_time = BeI32::new(seconds);
        }
        let is_refusal = matches!(
            kind,
            AnswerKind::Refused | AnswerKind::ModifyRefused | AnswerKind::CancelRefused
        );
        if !is_refusal {
            image.order.last_modified = BeI32::new(seconds);
            image.order.last_activity_reference = BeI64::new(nanos);
        }
        image.stamp(&Mark {
            code,
            user_id: self.user_id,
            error_code: terms.error_code,
            reason_code: terms.reason_code,
            stream: terms.stream,
            seconds,
            nanos,
            jiffies,
        });
        jiffies
    }

    /// Tells of a trade. For one that was made the image is laid over with it first.
    pub fn on_trade(
        &mut self,
        kind: TradeKind,
        image: &mut OrderImage,
        fill: &Fill,
        stream: u8,
        now: Nanos,
    ) {
        let code = match kind {
            TradeKind::Made => Code::TRADE_CONFIRMATION,
            TradeKind::Cancelled => Code::TRADE_CANCEL_CONFIRM,
            TradeKind::Triggered => Code::STOP_LOSS_TRIGGER,
        };
        let (jiffies, nanos, seconds) = self.tick(now);
        let user_id = self.user_id;
        if kind == TradeKind::Made {
            image.fill(fill);
        }
        image.order.last_modified = BeI32::new(seconds);
        image.order.last_activity_reference = BeI64::new(nanos);
        image.stamp(&Mark {
            code,
            user_id,
            error_code: 0,
            reason_code: 0,
            stream,
            seconds,
            nanos,
            jiffies,
        });
        if self.segment == Segment::NseCm {
            self.on_cm_trade(kind, image, fill, stream, now);
            return;
        }
        let mut full = image.trade(fill);
        full.header.message_length = BeI16::new(MsTradeConfirm::SIZE as i16);
        self.log.append(stream, jiffies, bytemuck::bytes_of(&full));
        if kind == TradeKind::Made {
            let mut trimmed = image.trade_tr(fill);
            trimmed.transaction_code = BeI16::new(Code::TRADE_CONFIRMATION_TR);
            self.send(0, bytemuck::bytes_of(&trimmed), now);
        } else {
            self.send(0, bytemuck::bytes_of(&full), now);
        }
    }

    /// Tells that a stream of the matching engine fails, or is back. The exchange cancels the orders
    /// of a failed one without a further word.
    pub fn on_outage(&mut self, stream: u8, begins: bool, now: Nanos) {
        let message = StreamOutage {
            header: header(Code::STREAM_OUTAGE, self.user_id, StreamOutage::SIZE, now),
            stream_number: BeI16::new(i16::from(stream)),
            stream_status: BeI16::new(i16::from(begins)),
            reserved: [0; 200],
        };
        self.send(0, bytemuck::bytes_of(&message), now);
    }

    /// Sends to a user who is signed on, unless a test has it dropped.
    pub(super) fn send(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        if self.phase != Phase::SignedOn {
            return;
        }
        if self.drop_answers > 0 {
            self.drop_answers -= 1;
            self.counters.dropped += 1;
            return;
        }
        if !self.say(sequence, message, now) {
            // The member does not read. What it misses it finds in a download, but only if it
            // learns that it missed something.
            self.counters.dropped += 1;
            self.close(super::Reason::INVALID_PACKET, now);
        }
    }
}

/// The code of the trimmed message, where there is one, and that of the full one.
pub(super) const fn codes(kind: AnswerKind) -> (Option<i16>, i16) {
    match kind {
        AnswerKind::Confirmed => (Some(Code::ORDER_CONFIRMATION_TR), Code::ORDER_CONFIRMATION),
        AnswerKind::Modified => {
            (Some(Code::ORDER_MOD_CONFIRMATION_TR), Code::ORDER_MOD_CONFIRMATION)
        }
        AnswerKind::Cancelled => {
            (Some(Code::ORDER_CXL_CONFIRMATION_TR), Code::ORDER_CXL_CONFIRMATION)
        }
        AnswerKind::Refused => (None, Code::ORDER_ERROR),
        AnswerKind::ModifyRefused => (None, Code::ORDER_MOD_REJECT),
        AnswerKind::CancelRefused => (None, Code::ORDER_CXL_REJECT),
        AnswerKind::Frozen => (None, Code::FREEZE_TO_CONTROL),
        AnswerKind::MarketPrice => (None, Code::MARKET_PRICE_CONFIRMATION),
        AnswerKind::BatchCancelled => (None, Code::BATCH_ORDER_CANCEL),
    }
}
