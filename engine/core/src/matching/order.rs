//! What a member sends: an order, whose it is, and which order a change is about.

use core::fmt;

use tezi_model::{InstrumentId, Nanos, OrderId, Px, Qty, Side, TimeInForce};

use crate::venue::session::{OrderTerms, OrderType};

/// A permanent account number: ten letters and digits, packed. The default is "not known", and is
/// nobody's: it never counts as the same owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pan(u64);

/// A custodial participant's code: up to twelve letters and digits, packed. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantCode(u64);

/// Letters and digits in base 37, so that no text is another's beginning; `None` for anything else.
fn pack(text: &str) -> Option<u64> {
    text.bytes().try_fold(0_u64, |sum, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0' + 1,
            b'A'..=b'Z' => byte - b'A' + 11,
            _ => return None,
        };
        Some(sum * 37 + u64::from(digit))
    })
}

fn unpack(mut packed: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0_u8; 13];
    let mut start = text.len();
    while packed > 0 && start > 0 {
        start -= 1;
        let digit = (packed % 37) as u8;
        text[start] = if digit < 11 { b'0' + digit - 1 } else { b'A' + digit - 11 };
        packed /= 37;
    }
    f.pad(core::str::from_utf8(&text[start..]).unwrap_or("?"))
}

impl Pan {
    pub(super) const NONE: Self = Self(0);

    /// Reads five letters, four digits and a letter, `ABCDE1234F`; empty text is "not known".
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_pan = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                5..=8 => byte.is_ascii_digit(),
                _ => byte.is_ascii_uppercase(),
            });
        if text.is_empty() || is_pan { pack(text).map(Self) } else { None }
    }

    pub(super) const fn packed(self) -> u64 {
        self.0
    }

    /// Whether it is known.
    #[inline]
    #[must_use]
    pub const fn is_known(self) -> bool {
        self.0 != 0
    }
}

impl ParticipantCode {
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn packed(self) -> u64 {
        self.0
    }

    /// Reads up to twelve letters and digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() <= 12 { pack(text).map(Self) } else { None }
    }
}

impl fmt::Display for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unpack(self.0, f)
    }
}

impl fmt::Display for ParticipantCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        unpack(self.0, f)
    }
}

/// Whose order it is, across members: what self-trade prevention compares (since 8 April 2019 with
/// the participant code).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// The client's PAN.
    pub pan: Pan,
    /// The custodial participant's code, where one is used.
    pub participant: ParticipantCode,
}

impl Owner {
    /// Whether two orders would be a self trade.
    #[inline]
    #[must_use]
    pub const fn is_same(self, other: Self) -> bool {
        self.pan.0 == other.pan.0
            && self.participant.0 == other.participant.0
            && self.pan.is_known()
    }
}

/// The self-trade bit of an order (`STPC`): which of the two orders leaves. The bit of the incoming
/// order decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SelfTrade {
    /// The exchange's default: the resting order.
    #[default]
    CancelPassive = 0,
    /// The incoming order.
    CancelActive = 1,
}

/// By which of the exchange's order messages an order came. Its confirmations are of the same form
/// (NNF F&O, chapters 4 to 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderForm {
    /// One instrument, its own book.
    #[default]
    Regular = 0,
    /// A calendar spread, in the spread's book.
    Spread = 1,
    /// Two legs, immediate or cancel, in the legs' books.
    TwoLegs = 2,
    /// Three legs, immediate or cancel, in the legs' books.
    ThreeLegs = 3,
    /// A block deal, in its window.
    Block = 4,
}

impl OrderForm {
    /// A name for people and programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Spread => "spread",
            Self::TwoLegs => "two_legs",
            Self::ThreeLegs => "three_legs",
            Self::Block => "block",
        }
    }
}

/// An order as a member sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// The instrument.
    pub instrument: InstrumentId,
    /// The side.
    pub side: Side,
    /// What it asks by its price.
    pub order_type: OrderType,
    /// How long it lives.
    pub time_in_force: TimeInForce,
    /// Limit price; not looked at in market orders.
    pub price: Px,
    /// Trigger price; not looked at in orders without stop-loss.
    pub trigger: Px,
    /// Total quantity, in units; in a change what has traded is included.
    pub quantity: Qty,
    /// How much of it is shown at a time; 0 for all.
    pub disclosed: Qty,
    /// Whose it is.
    pub owner: Owner,
    /// The self-trade bit.
    pub self_trade: SelfTrade,
    /// The member (broker) who sends it.
    pub member: u32,
    /// The sender's own number, said again in every report.
    pub reference: u64,
}

impl Order {
    /// A plain day order at a limit, of nobody in particular.
    #[must_use]
    pub fn limit(instrument: InstrumentId, side: Side, price: Px, quantity: Qty) -> Self {
        Self {
            instrument,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            price,
            trigger: Px::ZERO,
            quantity,
            disclosed: Qty::ZERO,
            owner: Owner::default(),
            self_trade: SelfTrade::default(),
            member: 0,
            reference: 0,
        }
    }

    /// A market order for the day, of nobody in particular.
    #[must_use]
    pub fn market(instrument: InstrumentId, side: Side, quantity: Qty) -> Self {
        let order_type = OrderType::Market;
        Self { order_type, ..Self::limit(instrument, side, Px::ZERO, quantity) }
    }

    /// What a session looks at.
    #[inline]
    pub(super) const fn terms(&self) -> OrderTerms {
        OrderTerms {
            order_type: self.order_type,
            immediate_or_cancel: matches!(self.time_in_force, TimeInForce::Ioc),
            disclosed: self.disclosed.0 != 0,
        }
    }

    /// Whether it waits for a trigger.
    #[inline]
    pub(super) const fn is_stop(&self) -> bool {
        matches!(self.order_type, OrderType::StopLimit | OrderType::StopMarket)
    }
}

/// The order that a change or a cancel is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its number.
    pub order_id: OrderId,
    /// The member who asks: must be the one who entered it.
    pub member: u32,
    /// The last change of it that the member knows (`LastActivityReference`), zero to skip the check.
    pub last_activity: Nanos,
}

impl Target {
    /// An order, whatever happened to it last.
    #[must_use]
    pub const fn new(order_id: OrderId, member: u32) -> Self {
        Self { order_id, member, last_activity: Nanos::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_and_printed() {
        assert_eq!(Pan::parse("ABCDE1234F").map(|pan| pan.to_string()), Some("ABCDE1234F".into()));
        assert_eq!(Pan::parse(""), Some(Pan::default()));
        for bad in
            ["ABCDE1234", "abcde1234f", "ABCDE12345", "1BCDE1234F", "ABCDE1234FX", "ÄBCDE1234"]
        {
            assert_eq!(Pan::parse(bad), None, "{bad}");
        }
        let code = ParticipantCode::parse("ZZZZZZZZZZZZ");
        assert_eq!(code.map(|code| code.to_string()), Some("ZZZZZZZZZZZZ".into()));
        assert_ne!(ParticipantCode::parse("0A"), ParticipantCode::parse("A"));
        assert_eq!(ParticipantCode::parse("ZZZZZZZZZZZZZ"), None);
    }

    #[test]
    fn an_unknown_account_is_nobodys() {
        let known = Owner { pan: Pan::parse("ABCDE1234F").unwrap(), ..Owner::default() };
        let other = Owner { participant: ParticipantCode::parse("CP1").unwrap(), ..known };
        assert!(known.is_same(known) && !known.is_same(other));
        assert!(!Owner::default().is_same(Owner::default()));
    }
}
