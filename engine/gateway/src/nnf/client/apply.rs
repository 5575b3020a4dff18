//! What the exchange says of orders, live or again, laid over what the session believes.
//!
//! Each message is new, or was heard before, or shows that an earlier one is missing. New ones
//! become reports; repeated ones are counted; a gap makes the session leave the message aside and ask
//! for a download that brings it again behind the missing one. So reports of an order always
//! come in the exchange's order, each once.

use tezi_model::{CommandKind, ExecutionKind, ExecutionReport, Nanos, OrderId, Px, Qty, Segment};

use super::super::attributes::Book;
use super::super::decode::{DecodeError, OrderKey, Reply};
use super::super::legs::LegsForm;
use super::super::link::{Encryption, Stamp, stamp_of};
use super::super::notice::{Notice, NoticeKind, decode_notice, is_notice};
use super::super::wire::{
    InnerMessageHeader, MessageHeader, MsAckResponse, TransactionCode as Code,
};
use super::orders::{Fate, Order};
use super::sign_on::view;
use super::{Event, LocalReason, Origin, Phase, Session};

/// What a message turned out to be.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
    /// Something new of the order at this place; it may have ended.
    New { place: u32, ends: bool },
    /// Heard before.
    Repeated,
    /// An earlier message of the order last heard of at this time is missing.
    Gap { jiffies: i64 },
    /// Of an order that this session did not send and cannot follow.
    Foreign,
}

/// Where the stream is now, or where open requests make a download start.
const NOW: i64 = i64::MAX;

impl Session {
    /// Takes a message about an order, the whole of it.
    pub(super) fn on_order_message(
        &mut self,
        sequence: u32,
        message: &[u8],
        origin: Origin,
        now: Nanos,
    ) {
        let code = message.first_chunk().map_or(0, |code| i16::from_be_bytes(*code));
        let stamp = stamp_of(self.segment, message);
        if is_acknowledgement(code) {
            self.on_acknowledgement(message);
            return;
        }
        if is_notice(self.segment, code) {
            self.on_notice(code, message, stamp, origin);
            return;
        }
        let mut key = OrderKey { sequence, order_id: OrderId(0), filler: 0 };
        let decoded = self.encoder.decode(sequence, message, |of| {
            key = of;
            None
        });
        match decoded {
            Ok(reply) => self.on_reply(&reply, key, stamp, origin, now),
            Err(DecodeError::UnknownTransactionCode { .. })
                if self.segment == Segment::NseFo && LegsForm::of_answer(code).is_some() =>
            {
                self.on_legs_message(sequence, message, stamp, origin, now);
            }
            Err(DecodeError::UnknownTransactionCode { .. }) => self.counters.unexpected += 1,
            Err(error) => self.on_unreadable(error, stamp, origin, now),
        }
    }

    /// An answer that cannot be read leaves its order unknown until a download.
    pub(super) fn on_unreadable(
        &mut self,
        error: DecodeError,
        stamp: Stamp,
        origin: Origin,
        now: Nanos,
    ) {
        self.counters.malformed += 1;
        self.events_push(Event::Malformed(error));
        self.on_gap(stamp.stream, NOW, origin, now);
    }

    fn on_reply(&mut self, reply: &Reply, key: OrderKey, stamp: Stamp, origin: Origin, now: Nanos) {
        let verdict = self.judge(reply, key, stamp, origin);
        self.conclude(verdict, reply, stamp, origin, now);
    }

    /// Does what the verdict on a message asks for.
    #[inline]
    pub(super) fn conclude(
        &mut self,
        verdict: Verdict,
        reply: &Reply,
        stamp: Stamp,
        origin: Origin,
        now: Nanos,
    ) {
        match verdict {
            Verdict::New { place, ends } => self.report(reply, stamp, place, ends, origin),
            Verdict::Repeated => {
                self.counters.duplicates += 1;
                self.absorb_resumed(reply, stamp);
            }
            Verdict::Gap { jiffies } => {
                self.on_gap(stamp.stream, jiffies, origin, now);
                return; // the download brings it again
            }
            Verdict::Foreign => {
                self.counters.foreign += 1;
                self.events_push(Event::Report { report: reply.report, origin });
            }
        }
        self.cursors.on_message(stamp.stream, stamp.jiffies, origin == Origin::Download);
    }

    pub(super) fn judge(
        &mut self,
        reply: &Reply,
        key: OrderKey,
        stamp: Stamp,
        origin: Origin,
    ) -> Verdict {
        let order_id = reply.report.order_id;
        if !order_id.is_none() {
            if let Some(place) = self.orders.by_number(order_id) {
                return self.judge_known(reply, stamp, place, origin);
            }
            if self.orders.is_done(order_id.0) {
                return Verdict::Repeated;
            }
        }
        match reply.report.kind() {
            Some(ExecutionKind::Accepted) => self.judge_accepted(reply, key, stamp, origin),
            Some(ExecutionKind::Rejected) => self.judge_rejected(reply, key, stamp, origin),
            Some(ExecutionKind::ReplaceRejected) => {
                self.judge_unnumbered(CommandKind::Replace, key, stamp, origin)
            }
            Some(ExecutionKind::CancelRejected) => {
                self.judge_unnumbered(CommandKind::Cancel, key, stamp, origin)
            }
            // A trade, change or end of an order whose confirmation is missing.
            _ if origin == Origin::Live => Verdict::Gap { jiffies: self.unknown_since() },
            _ => self.adopt(reply, stamp),
        }
    }

    /// A message of an order whose number the session knows.
    fn judge_known(&self, reply: &Reply, stamp: Stamp, place: u32, origin: Origin) -> Verdict {
        let Some(order) = self.orders.get(place) else { return Verdict::Repeated };
        if order.legs.is_some() && reply.legs.is_none() {
            return self.judge_leg(place, order, reply, origin);
        }
        let is_live = origin == Origin::Live;
        let gap = Verdict::Gap { jiffies: order.jiffies };
        let new = |ends| Verdict::New { place, ends };
        let was_heard = order.was_heard(reply.report.venue_time);
        match reply.report.kind() {
            // Trades are told apart by their numbers, ends by the order being open.
            Some(
                ExecutionKind::Replaced
                | ExecutionKind::ReplaceRejected
                | ExecutionKind::CancelRejected,
            ) if was_heard => Verdict::Repeated,
            Some(ExecutionKind::Accepted) if !order.is_confirmed => new(false),
            Some(ExecutionKind::Rejected) if !order.is_confirmed => new(true),
            // Trades before the confirmation: it is missing.
            _ if is_live && !order.is_confirmed => gap,
            Some(ExecutionKind::Fill) => {
                if reply.filled <= order.filled {
                    Verdict::Repeated
                } else if is_live && !is_next_fill(order, reply) {
                    gap
                } else {
                    new(reply.remaining == Qty::ZERO)
                }
            }
            // Says more filled than was heard: a trade is missing.
            Some(ExecutionKind::Replaced | ExecutionKind::Canceled)
                if is_live && order.filled < reply.filled =>
            {
                gap
            }
            Some(ExecutionKind::Canceled) => new(true),
            Some(ExecutionKind::Replaced)
                if order.awaits(CommandKind::Replace, stamp) || stamp.jiffies > order.jiffies =>
            {
                new(false)
            }
            Some(ExecutionKind::ReplaceRejected) if order.awaits(CommandKind::Replace, stamp) => {
                new(false)
            }
            Some(ExecutionKind::CancelRejected) if order.awaits(CommandKind::Cancel, stamp) => {
                new(false)
            }
            _ => Verdict::Repeated,
        }
    }

    fn judge_accepted(
        &mut self,
        reply: &Reply,
        key: OrderKey,
        stamp: Stamp,
        origin: Origin,
    ) -> Verdict {
        match self.find_new(reply, key, origin) {
            Some(place) => {
                self.orders.set_number(place, reply.report.order_id, stamp);
                Verdict::New { place, ends: false }
            }
            None => self.adopt(reply, stamp),
        }
    }

    /// A message that an earlier process heard still brings the marks that a change must echo.
    fn absorb_resumed(&mut self, reply: &Reply, stamp: Stamp) {
        let place = self.orders.by_number(reply.report.order_id);
        if let Some(order) = place.and_then(|place| self.orders.get_mut(place))
            && let Some(resumed) = &mut order.resumed
        {
            resumed.is_there = true;
            order.absorb(reply.venue, stamp);
        }
    }

    fn judge_rejected(
        &mut self,
        reply: &Reply,
        key: OrderKey,
        stamp: Stamp,
        origin: Origin,
    ) -> Verdict {
        let mark = refusal_mark(stamp);
        if self.orders.is_done(mark) {
            return Verdict::Repeated;
        }
        let Some(place) = self.find_new(reply, key, origin) else {
            // A refusal in plain mode may say nothing by which to find its order.
            if origin == Origin::Live && self.orders.in_flight > 0 {
                return Verdict::Gap { jiffies: NOW };
            }
            // Of an earlier process: a later download must not take it for another order's.
            self.orders.set_done(mark);
            return Verdict::Repeated;
        };
        self.orders.set_done(mark);
        self.orders.set_number(place, reply.report.order_id, stamp);
        Verdict::New { place, ends: true }
    }

    /// A refused change that does not name its order.
    fn judge_unnumbered(
        &self,
        kind: CommandKind,
        key: OrderKey,
        stamp: Stamp,
        origin: Origin,
    ) -> Verdict {
        let place = match origin {
            Origin::Live => self.orders.by_sequence(key.sequence),
            Origin::Download | Origin::Session => None,
        };
        let order = place.and_then(|place| Some((place, self.orders.get(place)?)));
        match order {
            Some((place, order)) if order.awaits(kind, stamp) => {
                Verdict::New { place, ends: false }
            }
            _ if origin == Origin::Live && self.orders.in_flight > 0 => {
                Verdict::Gap { jiffies: NOW }
            }
            _ => Verdict::Repeated,
        }
    }

    /// Since when messages of an order with an unknown number may be missing: since before a request
    /// that is open, where there is one, which every download then covers; else since the morning.
    const fn unknown_since(&self) -> i64 {
        if self.orders.in_flight > 0 { NOW } else { 0 }
    }

    /// The new order in flight that a first answer is about: by the envelope's number, where the
    /// encrypted methods echo it; by the filler, should it come back; by what the order asks for.
    fn find_new(&self, reply: &Reply, key: OrderKey, origin: Origin) -> Option<u32> {
        let is_new = |&place: &u32| {
            self.orders.get(place).is_some_and(|order| {
                order.pending == Some(CommandKind::New)
                    && order.order_id.is_none()
                    && order.fate == Fate::None
            })
        };
        if origin == Origin::Live && key.sequence != 0 {
            let by_sequence = self.orders.by_sequence(key.sequence).filter(is_new);
            if by_sequence.is_some() || self.encryption != Encryption::Plain {
                return by_sequence;
            }
        }
        let is_alike = |&place: &u32| {
            self.orders.get(place).is_some_and(|order| {
                order.token == reply.token
                    && Some(order.side) == reply.side
                    && order.legs == reply.legs
            })
        };
        if key.filler != 0 {
            let by_filler = self.orders.by_filler(key.filler).filter(is_new);
            return by_filler.filter(is_alike);
        }
        // Once the first download of a connection is complete, what is still in flight from before
        // most likely never got there.
        let connection = (self.phase == Phase::Live).then_some(self.connection);
        self.orders.oldest_like(reply, connection)
    }

    /// Follows an order that this session did not send, so that its reports come once.
    fn adopt(&mut self, reply: &Reply, stamp: Stamp) -> Verdict {
        let place = self.orders.has_room_today().then(|| self.orders.add(Default::default()));
        let Some(place) = place.flatten() else { return Verdict::Foreign };
        self.counters.foreign += 1;
        self.orders.set_number(place, reply.report.order_id, stamp);
        let ends = match reply.report.kind() {
            Some(ExecutionKind::Canceled) => true,
            Some(ExecutionKind::Fill) => reply.remaining == Qty::ZERO,
            _ => false,
        };
        Verdict::New { place, ends }
    }

    /// Lays a new message over its order and reports it.
    fn report(&mut self, reply: &Reply, stamp: Stamp, place: u32, ends: bool, origin: Origin) {
        let Some(order) = self.orders.get_mut(place) else { return };
        if order.legs.is_some() && reply.legs.is_none() {
            return self.report_leg(reply, stamp, place, ends, origin);
        }
        let report = ExecutionReport {
            client_order_id: order.client_order_id,
            order_id: if reply.report.order_id.is_none() {
                order.order_id
            } else {
                reply.report.order_id
            },
            ..reply.report
        };
        order.absorb(reply.venue, stamp);
        if let Some(resumed) = &mut order.resumed {
            resumed.is_there = true;
        }
        let (pending, price) = (order.pending, order.price);
        let mut answered = ends;
        match report.kind() {
            Some(ExecutionKind::Accepted) => {
                order.is_confirmed = true;
                order.price = report.price;
                order.quantity = report.quantity;
                answered |= pending == Some(CommandKind::New);
            }
            Some(ExecutionKind::Replaced) => {
                order.is_confirmed = true;
                order.price = report.price;
                order.quantity = report.quantity;
                if order.awaits(CommandKind::Replace, stamp) {
                    answered = true;
                    order.attributes = order.attributes_next;
                }
            }
            Some(ExecutionKind::Fill) => {
                order.is_confirmed = true;
                order.filled = reply.filled;
            }
            Some(ExecutionKind::ReplaceRejected | ExecutionKind::CancelRejected) => answered = true,
            _ => {}
        }
        if answered {
            self.resolve(place);
        }
        if ends {
            self.orders.remove(place);
        }
        self.events_push(Event::Report { report, origin });
        let is_filled = ends && report.kind() == Some(ExecutionKind::Fill);
        if is_filled && pending == Some(CommandKind::Replace) {
            // Its refusal, which may get lost and then comes about an order that is done. Without it
            // whoever sent the change would go on counting what it asked for.
            let kind_code = ExecutionKind::ReplaceRejected as u8;
            let (quantity, reason) = (reply.filled, LocalReason::FILLED);
            let report =
                ExecutionReport { kind_code, reason, price, quantity, fill_id: 0, ..report };
            self.events_push(Event::Report { report, origin: Origin::Session });
        }
    }

    /// Something is missing: hear the stream again from before it.
    fn on_gap(&mut self, stream: u8, jiffies: i64, origin: Origin, now: Nanos) {
        self.counters.gaps += 1;
        self.cursors.on_gap(stream, jiffies);
        // What a download itself cannot mend, another one at once would not either.
        if origin == Origin::Live {
            self.wants_download = true;
            self.download_if_wanted(now);
        }
    }

    fn on_acknowledgement(&mut self, message: &[u8]) {
        let Some(m) = view::<MsAckResponse>(message) else {
            self.counters.malformed += 1;
            return;
        };
        let place = self.orders.by_filler(m.reference.get());
        if let Some(order) = place.and_then(|place| self.orders.get(place)) {
            let client_order_id = order.client_order_id;
            let error_code = m.error_code.get();
            self.events_push(Event::Acknowledged { client_order_id, error_code });
        } else {
            self.counters.unexpected += 1;
        }
    }

    fn on_notice(&mut self, code: i16, message: &[u8], stamp: Stamp, origin: Origin) {
        match decode_notice(self.segment, code, message) {
            Ok((mut notice, venue)) => {
                let place = self.orders.by_number(notice.order_id);
                if let Some(order) = place.and_then(|place| self.orders.get_mut(place)) {
                    if stamp.jiffies > order.jiffies {
                        take_notice(order, &notice);
                    }
                    order.absorb(venue, stamp);
                    notice.client_order_id = order.client_order_id;
                }
                // A notice has no state to be checked against: it is told once, when it is live, and
                // from a download only when the stream had not got so far.
                let is_news =
                    origin == Origin::Live || !self.cursors.has_heard(stamp.stream, stamp.jiffies);
                self.cursors.on_message(stamp.stream, stamp.jiffies, origin == Origin::Download);
                if is_news {
                    self.events_push(Event::Notice(notice));
                } else {
                    self.counters.duplicates += 1;
                }
            }
            Err(error) => {
                self.counters.malformed += 1;
                self.events_push(Event::Malformed(error));
            }
        }
    }

    /// A piece of a message download.
    pub(super) fn on_download(&mut self, code: i16, message: &[u8], now: Nanos) {
        let Some(download) = self.download else {
            self.counters.unexpected += 1;
            return;
        };
        self.deadline = now.plus(self.limits.reply_timeout_ns);
        match code {
            Code::DOWNLOAD_DATA => self.on_downloaded_message(message, now),
            Code::DOWNLOAD_TRAILER => {
                self.cursors.on_download(download.stream, download.from);
                self.ask_stream(download.stream + 1, now);
            }
            _ => {}
        }
    }

    /// One message of a download: a header, and a complete message with a header of its own. Of
    /// which kind that one is the documents tell in two ways; the place of the code shows it.
    fn on_downloaded_message(&mut self, message: &[u8], now: Nanos) {
        let Some(inner) = message.get(MessageHeader::SIZE..) else {
            self.counters.malformed += 1;
            return;
        };
        let mut copy = [0; super::PACKET_SIZE_MAX];
        let inner_header: Option<&InnerMessageHeader> =
            inner.get(..InnerMessageHeader::SIZE).and_then(view);
        match inner_header {
            Some(header) if !is_downloaded(self.segment, first_code(inner)) => {
                if !is_downloaded(self.segment, header.transaction_code.get()) {
                    self.counters.unexpected += 1;
                    return;
                }
                let header = ordinary(header);
                copy[..MessageHeader::SIZE].copy_from_slice(bytemuck::bytes_of(&header));
                copy[MessageHeader::SIZE..inner.len()]
                    .copy_from_slice(&inner[MessageHeader::SIZE..]);
                let size = inner.len();
                self.on_order_message(0, &copy[..size], Origin::Download, now);
            }
            Some(_) => self.on_order_message(0, inner, Origin::Download, now),
            None => self.counters.malformed += 1,
        }
    }

    /// All streams are downloaded.
    pub(super) fn on_downloaded(&mut self, now: Nanos) {
        self.deadline = Nanos::MAX;
        self.retry_ns = self.limits.retry_ns;
        let is_missing = self.mark_missing();
        if self.mark_lost() || is_missing {
            self.fates = Some(0);
        }
        if self.phase == Phase::Download {
            if self.fates.is_none() {
                self.phase = Phase::Live;
                self.events_push(Event::Live);
            } else {
                self.live_after_fates = true;
            }
        }
        if self.orders.in_flight > 0 && self.answer_check == Nanos::MAX {
            self.answer_check = now.plus(self.limits.answer_timeout_ns);
        }
        self.download_if_wanted(now);
    }

    /// Requests of a connection that ended, of which a download that began late enough says
    /// nothing, never got to the exchange.
    fn mark_lost(&mut self) -> bool {
        let settled = self.disconnected_at.plus(self.limits.settle_ns);
        let (connection, is_settled) = (self.connection, self.download_began >= settled);
        let mut any = false;
        for order in self.orders.open_mut() {
            if order.pending.is_some() && order.connection != connection {
                any = true;
                if is_settled && order.fate == Fate::None {
                    order.fate = Fate::NotAtExchange;
                }
            }
        }
        if any && !is_settled {
            self.settle_check = settled;
        }
        any && is_settled
    }
}

/// What a notice changes of an order's attributes: a stop-loss order that was triggered is a regular
/// one, a market order that was priced a limit order.
fn take_notice(order: &mut Order, notice: &Notice) {
    match notice.kind {
        NoticeKind::Triggered => {
            order.attributes.book = Book::RegularLot;
            order.attributes.trigger = Px::ZERO;
        }
        NoticeKind::MarketPrice => {
            order.attributes.is_market = false;
            order.price = notice.price;
        }
        NoticeKind::Frozen | NoticeKind::TradeCanceled | NoticeKind::TradeModified => {}
    }
}

/// Whether a trade follows on what is believed of its order: nothing filled in between, and no
/// change of its quantity.
fn is_next_fill(order: &Order, reply: &Reply) -> bool {
    let total = u64::from(reply.filled.0) + u64::from(reply.remaining.0);
    let filled = u64::from(order.filled.0) + u64::from(reply.report.quantity.0);
    filled == u64::from(reply.filled.0) && total == u64::from(order.quantity.0)
}

/// The mark of a refusal that has no order number, by when and where it was made. The top bit
/// keeps it apart from order numbers; 0 when the message does not say when.
fn refusal_mark(stamp: Stamp) -> u64 {
    if stamp.jiffies == 0 {
        return 0;
    }
    let mixed = (stamp.jiffies.cast_unsigned() << 8 | u64::from(stamp.stream))
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ stamp.nanos.cast_unsigned();
    mixed | 1 << 63
}

const fn is_acknowledgement(code: i16) -> bool {
    Code::BOARD_LOT_ACK_OUT <= code && code <= Code::MULTI_LEG_ACK_OUT_LAST && code % 2 == 1
}

/// Whether a download may hold a message of this code.
const fn is_downloaded(segment: Segment, code: i16) -> bool {
    is_notice(segment, code)
        || matches!(
            code,
            Code::ORDER_CONFIRMATION
                | Code::ORDER_MOD_CONFIRMATION
                | Code::ORDER_CXL_CONFIRMATION
                | Code::ORDER_ERROR
                | Code::ORDER_MOD_REJECT
                | Code::ORDER_CXL_REJECT
                | Code::TRADE_CONFIRMATION
                | Code::BATCH_ORDER_CANCEL
        )
        || (matches!(segment, Segment::NseFo) && LegsForm::of_answer(code).is_some())
}

fn first_code(message: &[u8]) -> i16 {
    message.first_chunk().map_or(0, |code| i16::from_be_bytes(*code))
}

/// The same header in the order of the ordinary one.
fn ordinary(inner: &InnerMessageHeader) -> MessageHeader {
    MessageHeader {
        transaction_code: inner.transaction_code,
        log_time: inner.log_time,
        alpha_char: inner.alpha_char,
        trader_id: inner.trader_id,
        error_code: inner.error_code,
        timestamp: inner.timestamp,
        time_stamp1: inner.time_stamp1,
        time_stamp2: inner.time_stamp2,
        message_length: inner.message_length,
    }
}
