//! Signing on, staying on and signing off (FO 9.48, chapters 3 and 11): one question at a time, each
//! with a deadline, and every end of a connection in one place.

use core::net::Ipv4Addr;

use bytemuck::{AnyBitPattern, Zeroable};
use tezi_model::{Nanos, Segment};

use super::super::header::header;
use super::super::link::{Cipher, Encryption, End, SessionKeys, jiffies_to_double};
use super::super::wire::{
    BeF64, BeI16, BeI32, BoxMessage, BoxSignOnRequestIn, CmSystemInformationOut, GrRequest,
    GrResponse, GrResponseNew, MessageDownload, MessageHeader, MsSignon, Secret, StreamOutage,
    SystemInformationIn, SystemInformationOut, Text, TransactionCode as Code, UpdateLocaldbIn,
};
use super::capital_market::cm_market_status;
use super::orders::Fate;
use super::{DisconnectReason, Download, Endpoint, Event, Phase, Session, Target};

/// Heartbeats in a row that may stay without an answer.
const HEARTBEATS_UNANSWERED_MAX: u32 = 2;

/// Later than every change of a master.
const NEVER: BeI32 = BeI32::new(i32::MAX);

/// How often the market status may turn out stale before signing on is given up.
const LOCAL_DATABASE_ATTEMPTS_MAX: u32 = 4;

impl Session {
    /// The connection that [`Event::Connect`] named is open.
    pub fn on_connected(&mut self, now: Nanos) {
        let Phase::Connecting(target) = self.phase else {
            self.counters.unexpected += 1;
            return;
        };
        self.framer.clear();
        self.outbox.clear();
        self.cipher = Cipher::PLAIN;
        self.last_traffic = now;
        self.heartbeats_unanswered = 0;
        self.local_database_attempts = 0;
        match target {
            Target::Router => {
                let message = GrRequest {
                    header: self.header(Code::GR_REQUEST, GrRequest::SIZE, now),
                    box_id: BeI16::new(self.member.box_id),
                    broker_id: self.member.broker_id,
                    filler: 0,
                };
                self.ask(Phase::RouterQuery, bytemuck::bytes_of(&message), now);
            }
            Target::Gateway => {
                self.connection += 1;
                let message = BoxMessage {
                    header: self.header(Code::SECURE_BOX_REGISTRATION_IN, BoxMessage::SIZE, now),
                    box_id: BeI16::new(self.member.box_id),
                };
                self.ask(Phase::Registration, bytemuck::bytes_of(&message), now);
            }
        }
    }

    /// The connection is closed, or could not be opened.
    pub fn on_disconnected(&mut self, now: Nanos) {
        if !matches!(self.phase, Phase::Idle | Phase::Waiting) {
            self.end(now, true);
        }
    }

    /// Signs the user off; the session does not come back by itself. What is in flight stays so
    /// until a later start.
    pub fn sign_off(&mut self, now: Nanos) {
        if self.is_signed_on() {
            let message = self.header(Code::SIGN_OFF_REQUEST_IN, MessageHeader::SIZE, now);
            self.ask(Phase::SigningOff, bytemuck::bytes_of(&message), now);
        } else if self.phase != Phase::SigningOff {
            let is_open = !matches!(self.phase, Phase::Idle | Phase::Waiting);
            self.end(now, false);
            if is_open {
                self.tell(Event::Disconnect(DisconnectReason::SignedOff));
            }
        }
    }

    /// Ends the connection from this side.
    pub(super) fn disconnect(&mut self, reason: DisconnectReason, now: Nanos) {
        self.tell(Event::Disconnect(reason));
        let is_final = matches!(reason, DisconnectReason::SignedOff);
        self.end(now, !is_final);
    }

    /// Everything that the end of a connection means, whichever side made it.
    fn end(&mut self, now: Nanos, again: bool) {
        self.counters.disconnects += 1;
        self.cursors.on_disconnect();
        self.download = None;
        self.live_after_fates = false;
        self.answer_check = Nanos::MAX;
        self.settle_check = Nanos::MAX;
        self.disconnected_at = now;
        self.framer.clear();
        // A request of which the connection never got the last byte cannot have been acted on.
        let (connection, mut any) = (self.connection, self.fates.is_some());
        for order in self.orders.open_mut() {
            let is_unsent = order.pending.is_some()
                && order.connection == connection
                && !self.outbox.has_given(order.sent_end);
            if is_unsent {
                order.fate = Fate::NotSent;
                any = true;
            }
        }
        self.outbox.clear();
        self.fates = any.then_some(0);
        if again {
            self.phase = Phase::Waiting;
            self.deadline = now.plus(self.retry_ns);
            self.retry_ns = (self.retry_ns * 2).min(self.limits.retry_ns_max);
        } else {
            self.phase = Phase::Idle;
            self.deadline = Nanos::MAX;
        }
    }

    pub(super) fn connect(&mut self, now: Nanos) {
        self.phase = Phase::Connecting(Target::Router);
        self.deadline = now.plus(self.limits.reply_timeout_ns);
        self.tell(Event::Connect(Endpoint::Router));
    }

    /// Nothing was heard for an interval.
    pub(super) fn on_silence(&mut self, now: Nanos) {
        if self.heartbeats_unanswered == HEARTBEATS_UNANSWERED_MAX {
            self.disconnect(DisconnectReason::HeartbeatMissed, now);
            return;
        }
        self.heartbeats_unanswered += 1;
        let message = self.header(Code::HEARTBEAT, MessageHeader::SIZE, now);
        self.say(bytemuck::bytes_of(&message), now);
    }

    pub(super) fn header(&self, code: i16, size: usize, now: Nanos) -> MessageHeader {
        header(code, self.member.user_id, size, now)
    }

    /// Sends a message whose answer brings the next phase.
    fn ask(&mut self, phase: Phase, message: &[u8], now: Nanos) {
        self.phase = phase;
        self.deadline = now.plus(self.limits.reply_timeout_ns);
        self.say(message, now);
    }

    fn say(&mut self, message: &[u8], now: Nanos) {
        if let Err(error) = self.queue(message, now) {
            self.disconnect(DisconnectReason::Cipher(error), now);
        }
    }

    /// An event of the session itself. These are few, and the queue keeps room for them.
    fn tell(&mut self, event: Event) {
        self.events_push(event);
    }

    /// Takes a whole message, in plain.
    pub(super) fn on_message(&mut self, sequence: u32, message: &[u8], now: Nanos) {
        let Some(code) = message.first_chunk().map(|code| i16::from_be_bytes(*code)) else {
            self.counters.malformed += 1;
            return;
        };
        if let Some(expected) = self.expected()
            && code == expected
            && self.is_refusal(code, message, now)
        {
            return;
        }
        match (self.phase, code) {
            (Phase::RouterQuery, Code::GR_RESPONSE) => self.on_router(message, now),
            (Phase::Registration, Code::SECURE_BOX_REGISTRATION_OUT) => self.on_registered(now),
            (Phase::BoxSignOn, Code::BOX_SIGN_ON_REQUEST_OUT) => self.on_box_signed_on(now),
            (Phase::SignOn, Code::SIGN_ON_REQUEST_OUT) => {
                self.tell(Event::SignedOn);
                self.ask_markets(now);
            }
            (Phase::SystemInformation, Code::SYSTEM_INFORMATION_OUT) => {
                self.on_markets(message, now);
            }
            (Phase::LocalDatabase, Code::UPDATE_LOCALDB_TRAILER) => self.on_masters(now),
            (Phase::LocalDatabase, Code::PARTIAL_SYSTEM_INFORMATION) => self.on_stale_status(now),
            (_, Code::UPDATE_LOCALDB_HEADER | Code::UPDATE_LOCALDB_DATA) => {
                self.deadline_again(now);
            }
            (_, Code::DOWNLOAD_HEADER | Code::DOWNLOAD_DATA | Code::DOWNLOAD_TRAILER) => {
                self.on_download(code, message, now);
            }
            (Phase::SigningOff, Code::SIGN_OFF_REQUEST_OUT) => {
                self.disconnect(DisconnectReason::SignedOff, now);
            }
            (_, Code::SECURE_BOX_SIGN_OFF) => {
                let error = view::<BoxMessage>(message).map_or(0, |m| m.header.error_code.get());
                self.disconnect(DisconnectReason::GatewaySignOff(error), now);
            }
            (_, Code::STREAM_OUTAGE) => self.on_outage(message),
            (_, Code::HEARTBEAT | Code::CONTROL_MESSAGE) => {}
            // The kill switch is accepted; what it cancels comes order by order.
            (_, Code::QUICK_CANCEL_OUT) if self.segment == Segment::NseCm => {}
            _ => self.on_order_message(sequence, message, super::Origin::Live, now),
        }
    }

    /// The code that answers the question asked last.
    const fn expected(&self) -> Option<i16> {
        Some(match self.phase {
            Phase::RouterQuery => Code::GR_RESPONSE,
            Phase::Registration => Code::SECURE_BOX_REGISTRATION_OUT,
            Phase::BoxSignOn => Code::BOX_SIGN_ON_REQUEST_OUT,
            Phase::SignOn => Code::SIGN_ON_REQUEST_OUT,
            Phase::SystemInformation => Code::SYSTEM_INFORMATION_OUT,
            _ => return None,
        })
    }

    /// Whether the answer is a refusal, or too short to be anything; then the connection ended.
    fn is_refusal(&mut self, code: i16, message: &[u8], now: Nanos) -> bool {
        let error_code = header_of(message).map(|header| header.error_code.get());
        if error_code == Some(0) {
            return false;
        }
        let error_code = error_code.unwrap_or_default();
        self.counters.malformed += u64::from(error_code == 0);
        self.disconnect(DisconnectReason::Refused { transaction_code: code, error_code }, now);
        true
    }

    fn deadline_again(&mut self, now: Nanos) {
        if self.phase != Phase::Live {
            self.deadline = now.plus(self.limits.reply_timeout_ns);
        }
    }

    fn on_router(&mut self, message: &[u8], now: Nanos) {
        let answer = match self.encryption {
            Encryption::New(_) => view::<GrResponseNew>(message).map(|m| {
                let mut iv = [0; 16];
                iv[..8].copy_from_slice(&m.static_iv.0);
                iv[8..].copy_from_slice(&m.dynamic_iv.0);
                let keys = SessionKeys {
                    key: m.cryptographic_key,
                    iv: Secret(iv),
                    additional: m.additional_key,
                };
                (m.ip_address, m.port, m.session_key, keys)
            }),
            Encryption::Plain | Encryption::Existing => view::<GrResponse>(message).map(|m| {
                let keys = SessionKeys {
                    key: m.cryptographic_key,
                    iv: m.cryptographic_iv,
                    additional: Secret([0; 12]),
                };
                (m.ip_address, m.port, m.session_key, keys)
            }),
        };
        let gateway = answer.and_then(|(address, port, session_key, keys)| {
            let address: Ipv4Addr =
                core::str::from_utf8(address.trimmed()).ok()?.trim().parse().ok()?;
            let port = u16::try_from(port.get()).ok().filter(|&port| port != 0)?;
            Some((address, port, session_key, keys))
        });
        let Some((address, port, session_key, keys)) = gateway else {
            self.counters.malformed += 1;
            self.disconnect(DisconnectReason::RouterAnswer, now);
            return;
        };
        (self.session_key, self.keys) = (session_key, keys);
        self.phase = Phase::Connecting(Target::Gateway);
        self.deadline = now.plus(self.limits.reply_timeout_ns);
        self.framer.clear();
        self.outbox.clear();
        self.tell(Event::Connect(Endpoint::Gateway { address, port }));
    }

    fn on_registered(&mut self, now: Nanos) {
        self.cipher = Cipher::new(self.encryption, &self.keys, End::Member);
        let message = BoxSignOnRequestIn {
            header: self.header(Code::BOX_SIGN_ON_REQUEST_IN, BoxSignOnRequestIn::SIZE, now),
            box_id: BeI16::new(self.member.box_id),
            broker_id: self.member.broker_id,
            reserved: [0; 5],
            session_key: self.session_key,
        };
        self.ask(Phase::BoxSignOn, bytemuck::bytes_of(&message), now);
    }

    fn on_box_signed_on(&mut self, now: Nanos) {
        if self.segment == Segment::NseCm {
            let message = self.cm_sign_on(now);
            self.ask(Phase::SignOn, bytemuck::bytes_of(&message), now);
            return;
        }
        let message = MsSignon {
            header: self.header(Code::SIGN_ON_REQUEST_IN, MsSignon::SIZE, now),
            user_id: BeI32::new(self.member.user_id),
            password: Secret(bytemuck::cast(self.member.password)),
            new_password: Secret([b' '; 8]),
            trader_name: Text::BLANK,
            broker_id: self.member.broker_id,
            branch_id: BeI16::new(self.member.branch_id),
            version_number: BeI32::new(self.member.version),
            host_switch_context: Text::BLANK,
            colour: Text::BLANK,
            ws_class_name: Text::BLANK,
            broker_status: Text::BLANK,
            show_index: Text::letter(b'T'),
            clearing_status: Text::BLANK,
            broker_name: Text::BLANK,
            ..MsSignon::zeroed()
        };
        self.ask(Phase::SignOn, bytemuck::bytes_of(&message), now);
    }

    fn ask_markets(&mut self, now: Nanos) {
        if self.segment == Segment::NseCm {
            let message = self.header(Code::SYSTEM_INFORMATION_IN, MessageHeader::SIZE, now);
            self.ask(Phase::SystemInformation, bytemuck::bytes_of(&message), now);
            return;
        }
        let message = SystemInformationIn {
            header: self.header(Code::SYSTEM_INFORMATION_IN, SystemInformationIn::SIZE, now),
            ..SystemInformationIn::zeroed()
        };
        self.ask(Phase::SystemInformation, bytemuck::bytes_of(&message), now);
    }

    fn on_markets(&mut self, message: &[u8], now: Nanos) {
        let market_status = match self.segment {
            Segment::NseCm => view::<CmSystemInformationOut>(message).map(cm_market_status),
            _ => view::<SystemInformationOut>(message)
                .map(|m| [m.st_market_status, m.st_ex_market_status, m.st_pl_market_status]),
        };
        let (Some(market_status), Some(header)) = (market_status, header_of(message)) else {
            self.counters.malformed += 1;
            let transaction_code = Code::SYSTEM_INFORMATION_OUT;
            let reason = DisconnectReason::Refused { transaction_code, error_code: 0 };
            self.disconnect(reason, now);
            return;
        };
        self.cursors.set_streams(usize::from(header.alpha_char[0]));
        self.market_status = market_status;
        self.tell(Event::MarketStatus(market_status[0].normal.get()));
        self.ask_masters(now);
    }

    /// The masters come from the exchange's files; asking for changes since the end of time
    /// keeps them out of an order session, whose business they are not.
    fn ask_masters(&mut self, now: Nanos) {
        if self.segment == Segment::NseCm {
            let message = self.cm_masters_request(NEVER, now);
            self.ask(Phase::LocalDatabase, bytemuck::bytes_of(&message), now);
            return;
        }
        let [st_market_status, st_ex_market_status, st_pl_market_status] = self.market_status;
        let message = UpdateLocaldbIn {
            header: self.header(Code::UPDATE_LOCALDB_IN, UpdateLocaldbIn::SIZE, now),
            last_update_security_time: NEVER,
            last_update_participant_time: NEVER,
            last_update_instrument_time: NEVER,
            last_update_index_time: NEVER,
            request_for_open_orders: Text::BLANK,
            reserved: 0,
            st_market_status,
            st_ex_market_status,
            st_pl_market_status,
        };
        self.ask(Phase::LocalDatabase, bytemuck::bytes_of(&message), now);
    }

    /// The markets changed between question and answer: ask for them again.
    fn on_stale_status(&mut self, now: Nanos) {
        self.local_database_attempts += 1;
        if self.local_database_attempts == LOCAL_DATABASE_ATTEMPTS_MAX {
            self.disconnect(DisconnectReason::LocalDatabase, now);
        } else {
            self.ask_markets(now);
        }
    }

    fn on_masters(&mut self, now: Nanos) {
        self.phase = Phase::Download;
        self.wants_download = true;
        self.download_if_wanted(now);
    }

    /// Begins a download of all streams, unless one is under way.
    pub(super) fn download_if_wanted(&mut self, now: Nanos) {
        if self.wants_download && self.download.is_none() && self.is_signed_on() {
            self.wants_download = false;
            self.download_began = now;
            self.counters.downloads += 1;
            self.ask_stream(1, now);
        }
    }

    /// Asks for a stream, or finishes when there is no such stream.
    pub(super) fn ask_stream(&mut self, stream: u8, now: Nanos) {
        if usize::from(stream) > self.cursors.streams() {
            self.download = None;
            self.on_downloaded(now);
            return;
        }
        let from = self.cursors.start(stream, self.orders.in_flight > 0);
        self.download = Some(Download { stream, from });
        let mut header = self.header(Code::MESSAGE_DOWNLOAD, MessageDownload::SIZE, now);
        header.alpha_char = [stream, b' '];
        let message =
            MessageDownload { header, sequence_number: BeF64::new(jiffies_to_double(from)) };
        self.deadline = now.plus(self.limits.reply_timeout_ns);
        self.say(bytemuck::bytes_of(&message), now);
    }

    fn on_outage(&mut self, message: &[u8]) {
        let outage = view::<StreamOutage>(message);
        let stream = outage.and_then(|m| u8::try_from(m.stream_number.get()).ok());
        let (Some(outage), Some(stream)) = (outage, stream) else {
            self.counters.malformed += 1;
            return;
        };
        let begins = outage.stream_status.get() == 1;
        self.tell(Event::StreamOutage { stream, begins });
        if !begins {
            return;
        }
        // The exchange cancels these without a word.
        let of_stream = self.orders.open_mut().filter(|order| {
            order.is_confirmed && order.stream == stream && order.fate == Fate::None
        });
        let mut any = self.fates.is_some();
        for order in of_stream {
            order.fate = Fate::StreamOutage;
            any = true;
        }
        self.fates = any.then_some(0);
    }
}

/// The header of a full-size message.
fn header_of(message: &[u8]) -> Option<&MessageHeader> {
    message.get(..MessageHeader::SIZE).and_then(view)
}

/// The message as a structure; `None` when its length is another's.
pub(super) fn view<T: AnyBitPattern>(message: &[u8]) -> Option<&T> {
    bytemuck::try_from_bytes(message).ok()
}
