//! What a member says, from the router to the last order: one arm for each message, and a reason
//! for whatever does not belong.

use bytemuck::{AnyBitPattern, Zeroable};
use tezi_model::{Nanos, Segment};

use super::super::header::header;
use super::super::link::{SessionKeys, jiffies_from_wire};
use super::super::wire::{
    BeI16, BeI32, BeI64, BoxMessage, BoxSignOnRequestIn, BoxSignOnRequestOut, CmOrderEntryRequest,
    CmSignon, CmUpdateLocaldbIn, ErrorResponse, GrRequest, GrResponse, GrResponseNew,
    InnerMessageHeader, LocaldbMark, MessageDownload, MessageHeader, MsAckResponse, MsOeRequest,
    MsOeRequestTr, MsOmRequestTr, MsSignon, Secret, SystemInformationOut, Text,
    TransactionCode as Code, UpdateLocaldbIn,
};
use super::super::{Encryption, envelope::PACKET_SIZE_MAX};
use super::capital_market::{cm_market_status, cm_request, is_trimmed_book, trimmed_reject};
use super::config::{Event, Request, RequestKind};
use super::image::OrderImage;
use super::legs::legs_request;
use super::{Download, Phase, Reason, Session};

impl Session {
    /// Takes a whole message, in plain. `silence` is how long nothing had passed before it.
    pub(super) fn on_message(&mut self, sequence: u32, message: &[u8], silence: i64, now: Nanos) {
        let code = message.first_chunk().map_or(0, |code| i16::from_be_bytes(*code));
        match (self.phase, code) {
            (Phase::Router, Code::GR_REQUEST) => self.on_router_query(sequence, message, now),
            (Phase::RouterAnswered, Code::GR_REQUEST) => self.close(Reason::ROUTER_REPEATED, now),
            (Phase::Registration, Code::SECURE_BOX_REGISTRATION_IN) => {
                self.on_registration(sequence, message, now);
            }
            (Phase::BoxSignOn, Code::BOX_SIGN_ON_REQUEST_IN) => {
                self.on_box_sign_on(sequence, message, now);
            }
            (Phase::SignOn, Code::SIGN_ON_REQUEST_IN) => self.on_sign_on(sequence, message, now),
            (Phase::SignOn | Phase::SignedOn, Code::HEARTBEAT) => {
                self.on_heartbeat(sequence, message, silence, now);
            }
            (Phase::SignedOn, _) => self.on_user_message(code, sequence, message, now),
            _ => {
                self.counters.refused += 1;
                self.close(Reason::INVALID_SIGN_ON, now);
            }
        }
    }

    fn on_user_message(&mut self, code: i16, sequence: u32, message: &[u8], now: Nanos) {
        match code {
            Code::SYSTEM_INFORMATION_IN if message.len() == self.system_information_size() => {
                self.say_markets(Code::SYSTEM_INFORMATION_OUT, sequence, now);
            }
            Code::UPDATE_LOCALDB_IN => self.on_local_database(sequence, message, now),
            Code::MESSAGE_DOWNLOAD => self.on_download(sequence, message, now),
            Code::SIGN_OFF_REQUEST_IN => {
                self.say_header(Code::SIGN_OFF_REQUEST_OUT, sequence, 0, now);
                self.close_quietly();
            }
            Code::SIGN_ON_REQUEST_IN => {
                self.refuse(Code::SIGN_ON_REQUEST_OUT, sequence, Reason::ALREADY_SIGNED_ON, now);
            }
            Code::BOX_SIGN_ON_REQUEST_IN => self.close(Reason::ALREADY_SIGNED_ON, now),
            Code::BOARD_LOT_IN_TR
            | Code::BOARD_LOT_ACK_IN
            | Code::ORDER_MOD_IN_TR
            | Code::ORDER_MOD_ACK_IN
            | Code::ORDER_CANCEL_IN_TR
            | Code::ORDER_CANCEL_ACK_IN
            | Code::ORDER_QUICK_CANCEL_IN_TR
            | Code::BOARD_LOT_IN
            | Code::ORDER_MOD_IN
            | Code::ORDER_CANCEL_IN
            | Code::KILL_SWITCH_IN => self.on_order(code, sequence, message, now),
            _ if self.segment == Segment::NseFo && legs_request(code).is_some() => {
                self.on_legs_request(code, sequence, message, now);
            }
            _ => self.refuse(code, sequence, Reason::BAD_TRANSACTION_CODE, now),
        }
    }

    fn on_router_query(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let error = match view::<GrRequest>(message) {
            Some(m) if m.broker_id != self.broker_id => Reason::INVALID_SIGN_ON,
            Some(m) if m.box_id.get() != self.box_id => Reason::INVALID_BOX,
            Some(_) => 0,
            None => Reason::MESSAGE_LENGTH,
        };
        if error != 0 {
            self.refuse(Code::GR_RESPONSE, sequence, error, now);
            self.close(error, now);
            return;
        }
        let (keys, session_key) = self.draw_keys();
        self.keys = Some((keys, session_key));
        self.phase = Phase::RouterAnswered;
        match self.encryption {
            Encryption::New(_) => {
                let answer = self.router_answer_new(&keys, session_key, now);
                self.say(sequence, bytemuck::bytes_of(&answer), now);
            }
            Encryption::Plain | Encryption::Existing => {
                let answer = GrResponse {
                    header: header(Code::GR_RESPONSE, self.user_id, GrResponse::SIZE, now),
                    box_id: BeI16::new(self.box_id),
                    broker_id: self.broker_id,
                    filler: 0,
                    ip_address: self.gateway.0,
                    port: BeI32::new(i32::from(self.gateway.1)),
                    session_key,
                    cryptographic_key: keys.key,
                    cryptographic_iv: keys.iv,
                };
                self.say(sequence, bytemuck::bytes_of(&answer), now);
            }
        }
    }

    fn router_answer_new(
        &self,
        keys: &SessionKeys,
        session_key: Secret<8>,
        now: Nanos,
    ) -> GrResponseNew {
        let [mut static_iv, mut dynamic_iv] = [Secret([0; 8]); 2];
        static_iv.0.copy_from_slice(&keys.iv.0[..8]);
        dynamic_iv.0.copy_from_slice(&keys.iv.0[8..]);
        GrResponseNew {
            header: header(Code::GR_RESPONSE, self.user_id, GrResponseNew::SIZE, now),
            box_id: BeI16::new(self.box_id),
            broker_id: self.broker_id,
            filler: 0,
            ip_address: self.gateway.0,
            port: BeI32::new(i32::from(self.gateway.1)),
            session_key,
            cryptographic_key: keys.key,
            static_iv,
            dynamic_iv,
            additional_key: keys.additional,
        }
    }

    /// The answer travels in plain still; everything behind it is encrypted.
    fn on_registration(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let is_ours = view::<BoxMessage>(message).is_some_and(|m| m.box_id.get() == self.box_id);
        let Some((keys, _)) = self.keys.filter(|_| is_ours) else {
            self.refuse(Code::SECURE_BOX_REGISTRATION_OUT, sequence, Reason::INVALID_BOX, now);
            self.close(Reason::INVALID_BOX, now);
            return;
        };
        self.say_header(Code::SECURE_BOX_REGISTRATION_OUT, sequence, 0, now);
        self.cipher = self.cipher_of(&keys);
        self.phase = Phase::BoxSignOn;
    }

    fn on_box_sign_on(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let is_ours = view::<BoxSignOnRequestIn>(message).is_some_and(|m| {
            m.box_id.get() == self.box_id
                && m.broker_id == self.broker_id
                && self.keys.is_some_and(|(_, session_key)| m.session_key == session_key)
        });
        // Keys are good for one session.
        self.keys = None;
        let error = if is_ours { 0 } else { Reason::INVALID_SIGN_ON };
        let mut answer = BoxSignOnRequestOut {
            header: header(
                Code::BOX_SIGN_ON_REQUEST_OUT,
                self.user_id,
                BoxSignOnRequestOut::SIZE,
                now,
            ),
            box_id: BeI16::new(self.box_id),
            reserved: [0; 10],
        };
        answer.header.error_code = BeI16::new(error);
        self.say(sequence, bytemuck::bytes_of(&answer), now);
        if is_ours {
            self.phase = Phase::SignOn;
        } else {
            self.close(error, now);
        }
    }

    fn on_sign_on(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let is_cm = self.segment == Segment::NseCm;
        let form = if is_cm {
            view::<CmSignon>(message).map(SignOn::from)
        } else {
            view::<MsSignon>(message).map(SignOn::from)
        };
        let error = self.sign_on_error(form);
        if error != 0 {
            self.refuse(Code::SIGN_ON_REQUEST_OUT, sequence, error, now);
            return;
        }
        if is_cm {
            let answer = self.cm_signed_on(now);
            self.say(sequence, bytemuck::bytes_of(&answer), now);
        } else {
            let answer = self.signed_on(now);
            self.say(sequence, bytemuck::bytes_of(&answer), now);
        }
        self.phase = Phase::SignedOn;
        self.push(Event::SignedOn);
    }

    /// What is wrong with a sign-on, 0 for nothing.
    fn sign_on_error(&self, form: Option<SignOn>) -> i16 {
        let Some(form) = form else { return Reason::MESSAGE_LENGTH };
        let password: [u8; 8] = bytemuck::cast(self.password);
        if self.version != 0 && form.version != self.version {
            Reason::WRONG_VERSION
        } else if form.user_id != self.user_id
            || form.broker_id != self.broker_id
            || form.password.0 != password
        {
            Reason::INVALID_SIGN_ON
        } else {
            0
        }
    }

    fn signed_on(&self, now: Nanos) -> MsSignon {
        MsSignon {
            header: header(Code::SIGN_ON_REQUEST_OUT, self.user_id, MsSignon::SIZE, now),
            user_id: BeI32::new(self.user_id),
            trader_name: Text::BLANK,
            broker_id: self.broker_id,
            host_switch_context: Text::BLANK,
            colour: Text::BLANK,
            ws_class_name: Text::BLANK,
            broker_status: Text::letter(b'A'),
            show_index: Text::letter(b'T'),
            clearing_status: Text::letter(b'A'),
            broker_name: Text::BLANK,
            ..MsSignon::zeroed()
        }
    }

    /// A heartbeat comes back as it came. One before its time is counted and otherwise ignored.
    fn on_heartbeat(&mut self, sequence: u32, message: &[u8], silence: i64, now: Nanos) {
        if silence < self.heartbeat_ns {
            self.counters.early_heartbeats += 1;
            self.early_heartbeats += 1;
            if self.early_heartbeats > self.early_heartbeats_max {
                self.close(Reason::HEARTBEAT_RATE, now);
            }
            return;
        }
        if message.len() == MessageHeader::SIZE {
            self.say(sequence, message, now);
        }
    }

    /// Market status and the number of streams.
    fn say_markets(&mut self, code: i16, sequence: u32, now: Nanos) {
        if self.segment == Segment::NseCm {
            let answer = self.cm_markets(code, now);
            self.say(sequence, bytemuck::bytes_of(&answer), now);
            return;
        }
        let mut head = header(code, self.user_id, SystemInformationOut::SIZE, now);
        head.alpha_char = [self.streams, b' '];
        let [st_market_status, st_ex_market_status, st_pl_market_status] = self.market_status;
        let answer = SystemInformationOut {
            header: head,
            st_market_status,
            st_ex_market_status,
            st_pl_market_status,
            update_portfolio: Text::letter(b'N'),
            board_lot_quantity: BeI32::new(1),
            tick_size: BeI32::new(5),
            ..SystemInformationOut::zeroed()
        };
        self.say(sequence, bytemuck::bytes_of(&answer), now);
    }

    /// There are no masters here to be brought up to date; a stale market status is told.
    fn on_local_database(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let status = if self.segment == Segment::NseCm {
            view::<CmUpdateLocaldbIn>(message).map(cm_market_status)
        } else {
            view::<UpdateLocaldbIn>(message)
                .map(|m| [m.st_market_status, m.st_ex_market_status, m.st_pl_market_status])
        };
        let Some(status) = status else {
            self.refuse(Code::UPDATE_LOCALDB_IN, sequence, Reason::MESSAGE_LENGTH, now);
            return;
        };
        if status != self.market_status {
            self.say_markets(Code::PARTIAL_SYSTEM_INFORMATION, sequence, now);
            return;
        }
        for code in [Code::UPDATE_LOCALDB_HEADER, Code::UPDATE_LOCALDB_TRAILER] {
            let mark = LocaldbMark {
                header: header(code, self.user_id, LocaldbMark::SIZE, now),
                reserved: [0; 2],
            };
            self.say(sequence, bytemuck::bytes_of(&mark), now);
        }
    }

    fn on_download(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let Some(m) = view::<MessageDownload>(message) else {
            self.refuse(Code::MESSAGE_DOWNLOAD, sequence, Reason::MESSAGE_LENGTH, now);
            return;
        };
        let jiffies = jiffies_from_wire(bytemuck::cast(m.sequence_number));
        let stream = m.header.alpha_char[0];
        self.say_header(Code::DOWNLOAD_HEADER, sequence, stream, now);
        self.download = Some(Download { stream, jiffies, position: 0, sequence });
    }

    /// Sends what of a download the outbox has room for.
    pub(super) fn go_on_with_download(&mut self, now: Nanos) {
        while let Some(download) = self.download {
            if self.outbox.room() < 2 * PACKET_SIZE_MAX {
                return;
            }
            let mut wrapped = [0; PACKET_SIZE_MAX];
            let Some((position, size)) = self.next_of_download(&download, &mut wrapped, now) else {
                self.download = None;
                self.say_header(Code::DOWNLOAD_TRAILER, download.sequence, download.stream, now);
                return;
            };
            self.say(download.sequence, &wrapped[..size], now);
            self.download = Some(Download { position, ..download });
        }
    }

    fn next_of_download(
        &self,
        download: &Download,
        wrapped: &mut [u8; PACKET_SIZE_MAX],
        now: Nanos,
    ) -> Option<(u64, usize)> {
        let (position, [head, rest]) =
            self.log.next(download.position, download.stream, download.jiffies)?;
        let behind = MessageHeader::SIZE + head.len();
        let size = behind + rest.len();
        let mut outer = header(Code::DOWNLOAD_DATA, self.user_id, size, now);
        outer.alpha_char[0] = download.stream;
        wrapped[..MessageHeader::SIZE].copy_from_slice(bytemuck::bytes_of(&outer));
        wrapped[MessageHeader::SIZE..behind].copy_from_slice(head);
        wrapped[behind..size].copy_from_slice(rest);
        if self.inner_header {
            let at = MessageHeader::SIZE..2 * MessageHeader::SIZE;
            let head: MessageHeader = bytemuck::pod_read_unaligned(&wrapped[at.clone()]);
            wrapped[at].copy_from_slice(bytemuck::bytes_of(&inner(&head)));
        }
        Some((position, size))
    }

    /// An order request: within the rate, of the user, of the right form. What it asks is the
    /// matching engine's to judge.
    fn on_order(&mut self, code: i16, sequence: u32, message: &[u8], now: Nanos) {
        if !self.rate.admit(now) {
            self.close(Reason::BOX_RATE, now);
            return;
        }
        let (kind, mut reject) = kind_of(code);
        let is_cm = self.segment == Segment::NseCm;
        let (order, user_id) = if is_cm {
            reject = if is_full(code) { reject } else { trimmed_reject(reject) };
            cm_request(code, kind, message)
        } else {
            (fo_request(code, kind, message), user_of(code, message))
        };
        let Some(order) = order else {
            self.refuse(reject, sequence, Reason::MESSAGE_LENGTH, now);
            return;
        };
        if user_id != Some(self.user_id) {
            let error = if is_cm { Reason::DEALER_UNKNOWN } else { Reason::USER_MISMATCH };
            self.refuse(reject, sequence, error, now);
            return;
        }
        if code == Code::KILL_SWITCH_IN {
            self.on_kill_switch(sequence, &order, now);
            return;
        }
        if is_cm && is_trimmed_book(order.order.book_type.get()) == is_full(code) {
            self.refuse(reject, sequence, Reason::CM_BOOK_TYPE, now);
            return;
        }
        if matches!(
            code,
            Code::BOARD_LOT_ACK_IN | Code::ORDER_MOD_ACK_IN | Code::ORDER_CANCEL_ACK_IN
        ) {
            self.acknowledge(code + 1, sequence, order.filler, now);
        }
        self.push(Event::Request(Request { kind, sequence, order }));
    }

    /// The capital market says that it has one; in futures and options only the cancellations tell.
    fn on_kill_switch(&mut self, sequence: u32, order: &OrderImage, now: Nanos) {
        let (token, descriptor) = (order.order.token_no.get(), order.order.contract_desc);
        if self.segment == Segment::NseCm {
            let mut answer = order.cm_full();
            answer.header =
                header(Code::QUICK_CANCEL_OUT, self.user_id, CmOrderEntryRequest::SIZE, now);
            self.say(sequence, bytemuck::bytes_of(&answer), now);
            let is_all = descriptor.symbol.trimmed().is_empty();
            self.push(Event::KillSwitch { token: (!is_all).then_some(token), descriptor });
        } else {
            self.push(Event::KillSwitch { token: (token != -1).then_some(token), descriptor });
        }
    }

    pub(super) fn acknowledge(&mut self, code: i16, sequence: u32, reference: i32, now: Nanos) {
        let answer = MsAckResponse {
            transaction_code: BeI16::new(code),
            trader_id: BeI32::new(self.user_id),
            time_stamp: BeI64::new(tezi_model::NseTime::from_nanos(now).0),
            reference: BeI32::new(reference),
            error_code: BeI16::new(0),
            message_length: BeI16::new(MsAckResponse::SIZE as i16),
        };
        self.say(sequence, bytemuck::bytes_of(&answer), now);
    }

    /// A bare header, with a stream where it is about one.
    fn say_header(&mut self, code: i16, sequence: u32, stream: u8, now: Nanos) {
        let mut message = header(code, self.user_id, MessageHeader::SIZE, now);
        if stream != 0 {
            message.alpha_char[0] = stream;
        }
        self.say(sequence, bytemuck::bytes_of(&message), now);
    }

    /// An error response under the code that would have answered.
    pub(super) fn refuse(&mut self, code: i16, sequence: u32, error: i16, now: Nanos) {
        self.counters.refused += 1;
        if self.segment == Segment::NseCm {
            let message = self.cm_refusal(code, error, now);
            self.say(sequence, bytemuck::bytes_of(&message), now);
            return;
        }
        let mut message = ErrorResponse {
            header: header(code, self.user_id, ErrorResponse::SIZE, now),
            key: Text::BLANK,
            error_message: Text::BLANK,
        };
        message.header.error_code = BeI16::new(error);
        self.say(sequence, bytemuck::bytes_of(&message), now);
    }

    /// The end that the user asked for.
    fn close_quietly(&mut self) {
        self.phase = Phase::Closed;
        self.download = None;
        self.push(Event::SignedOff);
        self.push(Event::Close(0));
    }
}

/// What a sign-on says of who the user is.
pub(super) struct SignOn {
    pub(super) user_id: i32,
    pub(super) version: i32,
    pub(super) broker_id: Text<5>,
    pub(super) password: Secret<8>,
}

impl From<&MsSignon> for SignOn {
    fn from(wire: &MsSignon) -> Self {
        Self {
            user_id: wire.user_id.get(),
            version: wire.version_number.get(),
            broker_id: wire.broker_id,
            password: wire.password,
        }
    }
}

/// The order of a request of futures and options; `None` when its length is another's.
fn fo_request(code: i16, kind: RequestKind, message: &[u8]) -> Option<OrderImage> {
    match kind {
        _ if is_full(code) => {
            view::<MsOeRequest>(message).map(|m| OrderImage { order: *m, filler: 0 })
        }
        RequestKind::New => view::<MsOeRequestTr>(message).map(OrderImage::of_entry),
        RequestKind::Modify | RequestKind::Cancel => {
            view::<MsOmRequestTr>(message).map(OrderImage::of_change)
        }
    }
}

/// What an order request asks, and the code that refuses it.
const fn kind_of(code: i16) -> (RequestKind, i16) {
    match code {
        Code::ORDER_MOD_IN_TR | Code::ORDER_MOD_ACK_IN | Code::ORDER_MOD_IN => {
            (RequestKind::Modify, Code::ORDER_MOD_REJECT)
        }
        Code::ORDER_CANCEL_IN_TR
        | Code::ORDER_CANCEL_ACK_IN
        | Code::ORDER_QUICK_CANCEL_IN_TR
        | Code::ORDER_CANCEL_IN => (RequestKind::Cancel, Code::ORDER_CXL_REJECT),
        _ => (RequestKind::New, Code::ORDER_ERROR),
    }
}

/// Whether a request comes in the full structure: stop-loss orders do, which the trimmed one has no
/// trigger for.
pub(super) const fn is_full(code: i16) -> bool {
    matches!(
        code,
        Code::KILL_SWITCH_IN | Code::BOARD_LOT_IN | Code::ORDER_MOD_IN | Code::ORDER_CANCEL_IN
    )
}

/// The user that an order request names.
fn user_of(code: i16, message: &[u8]) -> Option<i32> {
    let at = if is_full(code) { 8 } else { 2 };
    message.get(at..)?.first_chunk().map(|user| i32::from_be_bytes(*user))
}

/// The same header in the other order.
fn inner(header: &MessageHeader) -> InnerMessageHeader {
    InnerMessageHeader {
        trader_id: header.trader_id,
        log_time: header.log_time,
        alpha_char: header.alpha_char,
        transaction_code: header.transaction_code,
        error_code: header.error_code,
        timestamp: header.timestamp,
        time_stamp1: header.time_stamp1,
        time_stamp2: header.time_stamp2,
        message_length: header.message_length,
    }
}

/// The message as a structure; `None` when its length is another's.
pub(super) fn view<T: AnyBitPattern>(message: &[u8]) -> Option<&T> {
    bytemuck::try_from_bytes(message).ok()
}
