//! The boxes: each one's session, what goes wrong at its gateway, and what it has asked so far.

use std::collections::VecDeque;

use tezi_core::matching::{Owner, Pan, ParticipantCode};
use tezi_gateway::nnf::server::{
    self, AnswerKind, Event, Fill, OrderImage, Session, Terms, TradeKind,
};
use tezi_gateway::nnf::wire::Text;
use tezi_gateway::nnf::{Legs, LegsForm};
use tezi_model::Nanos;

use crate::config::{BoxConfig, ConfigError, ExchangeConfig, GatewayFaults};
use crate::random::Random;

/// The matching engine's stream that answers name. There is one matching engine.
const MATCHING_STREAM: u8 = 1;

/// Heartbeats ahead of their time before the box is thrown out.
const EARLY_HEARTBEATS: u32 = 5;

/// Events that may wait within a session.
const EVENTS_MAX: usize = 64;

/// One box.
pub(crate) struct Member {
    pub(crate) session: Session,
    pub(crate) box_id: i16,
    pub(crate) user_id: i32,
    pub(crate) broker_id: Text<5>,
    faults: GatewayFaults,
    /// Requests since the connection broke.
    requests_unbroken: u32,
    /// Why the connection is to be closed.
    pub(crate) closing: Option<i16>,
    /// Whose order the last one was, so that an account is read once.
    owner: ([u8; 10], [u8; 12], Owner),
    random: Random,
    pub(crate) activity: Activity,
}

/// What a box asked and was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Order requests.
    pub requests: u64,
    /// Of them, refused.
    pub refused: u64,
    /// Trades of its orders.
    pub trades: u64,
    /// Requests in the second that runs, which `second` names, and in the one before.
    pub rate: [u32; 2],
    /// The second that runs, since the UNIX epoch.
    pub second: i64,
}

impl Activity {
    fn on_request(&mut self, now: Nanos) {
        let second = now.second();
        if second != self.second {
            let before = if second == self.second + 1 { self.rate[0] } else { 0 };
            (self.rate, self.second) = ([0, before], second);
        }
        self.requests += 1;
        self.rate[0] += 1;
    }

    /// Requests in the last whole second before `now`.
    #[must_use]
    pub fn rate_at(&self, now: Nanos) -> u32 {
        match now.second() - self.second {
            0 => self.rate[1],
            1 => self.rate[0],
            _ => 0,
        }
    }
}

impl Member {
    pub(crate) fn new(
        config: &ExchangeConfig,
        own: &BoxConfig,
        number: u64,
    ) -> Result<Self, ConfigError> {
        let limits = &config.limits;
        let own_config = server::Config {
            box_id: own.box_id,
            broker_id: &own.broker_id,
            user_id: own.user_id,
            password: &own.password,
            version: own.version,
            encryption: own.encryption,
            gateway: own.gateway,
            streams: MATCHING_STREAM,
            seed: config.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(number),
            log_messages: limits.log_messages as usize,
            outbox_bytes: limits.outbox_bytes as usize,
            events: EVENTS_MAX,
            messages_per_second: own.messages_per_second,
            heartbeat_ns: config.member_heartbeat_ns,
            early_heartbeats: EARLY_HEARTBEATS,
            inner_header: false,
        };
        let session = Session::in_segment(&own_config, config.segment);
        let session = session.map_err(|error| ConfigError::Box(own.box_id, error))?;
        let broker_id = Text::new(&own.broker_id)
            .map_err(|_| ConfigError::Box(own.box_id, server::ConfigError::Text))?;
        Ok(Self {
            session,
            box_id: own.box_id,
            user_id: own.user_id,
            broker_id,
            faults: own.faults,
            requests_unbroken: 0,
            closing: None,
            owner: ([0; 10], [0; 12], Owner::default()),
            random: Random::new(config.seed ^ number.rotate_left(32)),
            activity: Activity::default(),
        })
    }

    /// Nothing goes wrong at its gateway from now on.
    pub(crate) fn mend(&mut self) {
        self.faults = GatewayFaults::default();
    }

    pub(crate) const fn delay_ns(&self) -> i64 {
        self.faults.delay_ns
    }

    /// Counts a request. Breaks the connection when it is the one at which it is to break: the
    /// request is acted on all the same.
    #[inline]
    pub(crate) fn on_request(&mut self, now: Nanos) {
        self.activity.on_request(now);
        if self.faults.disconnect_after == 0 {
            return;
        }
        self.requests_unbroken += 1;
        if self.requests_unbroken >= self.faults.disconnect_after && self.session.is_signed_on() {
            self.requests_unbroken = 0;
            self.session.on_disconnected();
            self.closing = Some(0);
        }
    }

    /// The account and participant of an order; `None` when the PAN is none. `PAN_EXEMPT` is an
    /// account that nobody else has.
    #[inline]
    pub(crate) fn owner_of(&mut self, pan: Text<10>, settlor: Text<12>) -> Option<Owner> {
        let key: ([u8; 10], [u8; 12]) = (bytemuck::cast(pan), bytemuck::cast(settlor));
        if (self.owner.0, self.owner.1) != key {
            let owner = read_owner(pan, settlor)?;
            self.owner = (key.0, key.1, owner);
        }
        Some(self.owner.2)
    }

    /// Answers a request, or says something unasked.
    #[inline]
    pub(crate) fn answer(
        &mut self,
        kind: AnswerKind,
        image: &mut OrderImage,
        said: Said,
        now: Nanos,
    ) {
        let terms = self.count_answer(kind, said);
        self.session.on_answer(kind, image, terms, now);
    }

    /// The same about an order of several legs.
    pub(crate) fn answer_legs(
        &mut self,
        kind: AnswerKind,
        form: LegsForm,
        (image, legs): (&mut OrderImage, &Legs),
        said: Said,
        now: Nanos,
    ) {
        let terms = self.count_answer(kind, said);
        self.session.on_legs_answer(kind, form, image, legs, terms, now);
    }

    /// Counts an answer, and lets a faulty gateway lose it.
    #[inline]
    fn count_answer(&mut self, kind: AnswerKind, said: Said) -> Terms {
        let loses = self.random.happens(self.faults.drop_answers_per_million);
        if said.is_asked && loses && self.session.is_signed_on() {
            self.session.drop_answers(1);
        }
        let refused = matches!(
            kind,
            AnswerKind::Refused | AnswerKind::ModifyRefused | AnswerKind::CancelRefused
        );
        self.activity.refused += u64::from(refused);
        let Said { sequence, error_code, reason_code, .. } = said;
        Terms { sequence, stream: MATCHING_STREAM, error_code, reason_code }
    }

    /// Tells that the rest of one leg leaves.
    pub(crate) fn tell_leg_rest(
        &mut self,
        (image, legs): (&OrderImage, &Legs),
        leg: usize,
        error_code: i16,
        now: Nanos,
    ) {
        let terms = Terms { stream: MATCHING_STREAM, error_code, ..Terms::default() };
        self.session.on_leg_rest(image, legs, leg, terms, now);
    }

    /// Tells of a trade of one leg.
    pub(crate) fn tell_leg_trade(
        &mut self,
        kind: TradeKind,
        (image, legs): (&mut OrderImage, &mut Legs),
        leg: usize,
        fill: &Fill,
        now: Nanos,
    ) {
        self.activity.trades += u64::from(kind == TradeKind::Made);
        self.session.on_leg_trade(kind, image, legs, leg, fill, MATCHING_STREAM, now);
    }

    /// Tells of a trade.
    #[inline]
    pub(crate) fn tell_trade(
        &mut self,
        kind: TradeKind,
        image: &mut OrderImage,
        fill: &Fill,
        now: Nanos,
    ) {
        self.activity.trades += u64::from(kind == TradeKind::Made);
        self.session.on_trade(kind, image, fill, MATCHING_STREAM, now);
    }
}

/// What an answer says beside the order.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said {
    /// Whether it answers a request: such answers a faulty gateway may lose.
    pub(crate) is_asked: bool,
    pub(crate) sequence: u32,
    pub(crate) error_code: i16,
    pub(crate) reason_code: i16,
}

fn read_owner(pan: Text<10>, settlor: Text<12>) -> Option<Owner> {
    let pan = match pan.trimmed() {
        b"PAN_EXEMPT" => Pan::default(),
        bytes => {
            let pan = core::str::from_utf8(bytes).ok().and_then(Pan::parse);
            pan.filter(|pan| pan.is_known())?
        }
    };
    let settlor = core::str::from_utf8(settlor.trimmed()).ok()?;
    Some(Owner { pan, participant: ParticipantCode::parse(settlor)? })
}

/// Something of a box that reaches the matching engine later.
pub(crate) struct Delayed {
    pub(crate) due: Nanos,
    pub(crate) member: u32,
    pub(crate) event: Event,
}

/// What is on its way through slow gateways, in order of arrival.
pub(crate) struct Slow {
    queue: VecDeque<Delayed>,
    bound: usize,
}

impl Slow {
    pub(crate) fn new(bound: u32) -> Self {
        let bound = bound.max(1) as usize;
        Self { queue: VecDeque::with_capacity(bound), bound }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.queue.len() < self.bound
    }

    /// Keeps an event in order of its time, behind those that are due when it is.
    pub(crate) fn push(&mut self, delayed: Delayed) {
        let at = self.queue.partition_point(|queued| queued.due <= delayed.due);
        self.queue.insert(at, delayed);
    }

    pub(crate) fn next_due(&self) -> Nanos {
        self.queue.front().map_or(Nanos::MAX, |delayed| delayed.due)
    }

    pub(crate) fn pop(&mut self) -> Option<Delayed> {
        self.queue.pop_front()
    }
}
