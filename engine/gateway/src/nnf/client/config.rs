//! What a member's session is told at the start.

use core::fmt;

use super::super::identity::{IdentityError, SessionIdentity};
use super::super::link::Encryption;
use super::super::wire::Text;

/// What is fixed for the life of a session.
#[derive(Clone, Copy, Debug)]
pub struct Config<'a> {
    /// Who trades.
    pub identity: SessionIdentity<'a>,
    /// The box, positive.
    pub box_id: i16,
    /// The user's password, 1 to 8 characters.
    pub password: &'a str,
    /// Of the protocol, as VVRRSS: 94800 for 9.48.
    pub version: i32,
    /// What was agreed with the exchange for this box.
    pub encryption: Encryption,
    /// Whether the gateway is to acknowledge each order request at once.
    pub immediate_acknowledgement: bool,
    /// Bounds and waits.
    pub limits: Limits,
}

/// Bounds of a session, all of them allocated at the start, and its waits in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instruments that orders may be in.
    pub instruments: usize,
    /// Orders open or in flight at a time.
    pub orders: usize,
    /// Orders of one day, finished ones included: what tells a message heard again from a new one.
    pub orders_of_the_day: usize,
    /// Bytes that may wait to be sent.
    pub outbox_bytes: usize,
    /// Events that may wait to be polled, at least [`EVENTS_MIN`].
    pub events: usize,
    /// Order messages in any second, as subscribed; 0 for no limit.
    pub messages_per_second: u32,
    /// Without traffic for so long, a heartbeat leaves.
    pub heartbeat_ns: i64,
    /// A step of signing on must be answered within this.
    pub reply_timeout_ns: i64,
    /// An order request not answered within this is looked for by a message download.
    pub answer_timeout_ns: i64,
    /// After a connection was lost, the exchange may still act on what it received for so long; only
    /// a download that began later proves that a request never got there.
    pub settle_ns: i64,
    /// The first wait before signing on again; it doubles up to `retry_ns_max`.
    pub retry_ns: i64,
    /// The longest wait before signing on again.
    pub retry_ns_max: i64,
}

/// Events that one packet may bring about, with room to spare.
pub const EVENTS_MIN: usize = 16;

const SECOND_NS: i64 = 1_000_000_000;

impl Default for Limits {
    /// As the exchange's documents have them where they say, otherwise generous for one box.
    fn default() -> Self {
        Self {
            instruments: 16_384,
            orders: 16_384,
            orders_of_the_day: 1 << 20,
            outbox_bytes: 1 << 16,
            events: 1_024,
            messages_per_second: 0,
            heartbeat_ns: 30 * SECOND_NS,
            reply_timeout_ns: 10 * SECOND_NS,
            answer_timeout_ns: 5 * SECOND_NS,
            settle_ns: SECOND_NS,
            retry_ns: SECOND_NS,
            retry_ns_max: 60 * SECOND_NS,
        }
    }
}

/// Why a session cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// A part of the identity cannot go onto the wire.
    Identity(IdentityError),
    /// A segment without NNF sessions here.
    Segment,
    /// The box is not positive.
    BoxId,
    /// The password is empty, too long, or not printable.
    Password,
    /// A bound is too small to work with, or a wait is not positive.
    Limit(&'static str),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(error) => error.fmt(f),
            Self::Segment => {
                f.write_str("sessions are of NSE futures and options or capital market")
            }
            Self::BoxId => f.write_str("the box id must be positive"),
            Self::Password => f.write_str("the password must have 1 to 8 printable characters"),
            Self::Limit(name) => write!(f, "the limit {name} is too small"),
        }
    }
}

impl core::error::Error for ConfigError {}

impl From<IdentityError> for ConfigError {
    fn from(error: IdentityError) -> Self {
        Self::Identity(error)
    }
}

impl Config<'_> {
    /// The password as it goes onto the wire, everything else checked.
    pub(super) fn check(&self) -> Result<Text<8>, ConfigError> {
        if self.box_id <= 0 {
            return Err(ConfigError::BoxId);
        }
        let limits = &self.limits;
        let rules = [
            (limits.instruments > 0, "instruments"),
            (limits.orders > 0 && u32::try_from(limits.orders).is_ok(), "orders"),
            (limits.orders_of_the_day >= limits.orders, "orders_of_the_day"),
            (limits.outbox_bytes >= 4_096, "outbox_bytes"),
            (limits.events >= EVENTS_MIN, "events"),
            (limits.heartbeat_ns > 0, "heartbeat_ns"),
            (limits.reply_timeout_ns > 0, "reply_timeout_ns"),
            (limits.answer_timeout_ns > 0, "answer_timeout_ns"),
            (limits.settle_ns >= 0, "settle_ns"),
            (limits.retry_ns > 0 && limits.retry_ns <= limits.retry_ns_max, "retry_ns"),
        ];
        if let Some((_, name)) = rules.iter().find(|(holds, _)| !holds) {
            return Err(ConfigError::Limit(name));
        }
        let password = Text::new(self.password).map_err(|_| ConfigError::Password)?;
        if password.trimmed().is_empty() {
            return Err(ConfigError::Password);
        }
        Ok(password)
    }
}
