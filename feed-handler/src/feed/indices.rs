//! Indices: names on the wire, tokens in events.

use bytemuck::Zeroable;
use tezi_model::{Event, EventKind, Nanos, Px, Symbol, Token};

use super::levels::{LevelContext, LevelOutcome};

/// Set in the token of an index, and of no instrument: exchanges' tokens are positive in 32 bits
/// with a sign.
const INDEX_BIT: u32 = 1 << 31;

/// The token that stands for an index in [`EventKind::IndexValue`] events: a hash of its name,
/// bit 31 set.
///
/// A function of the name alone, so a strategy knows it beforehand and a journal read years later
/// says the same. FNV-1a (Fowler, Noll, Vo) of the name's bytes without blanks at its ends, letters
/// in lower case; two of 200 names share one with a chance of about 10⁻⁵, which is then told
/// ([`LevelOutcome::Refused`] for the second).
///
/// ```
/// use tezi_feed_handler::feed::index_token;
/// assert_eq!(index_token("Nifty 50"), index_token(" NIFTY 50 "));
/// assert_ne!(index_token("Nifty 50"), index_token("Nifty Bank"));
/// ```
#[must_use]
pub fn index_token(name: &str) -> Token {
    token_of(name.trim().as_bytes())
}

fn token_of(name: &[u8]) -> Token {
    let fold = |hash: u32, byte: &u8| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    };
    Token(name.iter().fold(0x811C_9DC5, fold) | INDEX_BIT)
}

/// An index seen on a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexName {
    /// Its token in events.
    pub token: Token,
    /// Its name, the first 24 bytes, padded with NUL; longer than any name on the wire.
    name: [u8; 24],
    /// When the exchange wrote the last value.
    time: Nanos,
    /// The last value.
    value: Px,
}

impl IndexName {
    /// Its name, as the exchange writes it.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.name.iter().position(|&byte| byte == 0).unwrap_or(self.name.len());
        core::str::from_utf8(&self.name[..length]).unwrap_or("?")
    }

    /// Its name cut to a symbol.
    #[must_use]
    pub fn symbol(&self) -> Symbol {
        Symbol::new(self.name())
    }

    /// Its last value, in points.
    #[must_use]
    pub const fn value(&self) -> Px {
        self.value
    }
}

/// The indices of a feed and their last values.
#[derive(Clone, Debug)]
pub(super) struct Indices {
    /// In the order in which they were seen; room for a fixed number.
    seen: Vec<IndexName>,
    bound: usize,
}

impl Indices {
    pub(super) fn new(bound: usize) -> Self {
        Self { seen: Vec::with_capacity(bound), bound }
    }

    pub(super) fn seen(&self) -> &[IndexName] {
        &self.seen
    }

    /// Takes a value and makes the event of one that is new.
    ///
    /// An industry's index has no time of its own; what is no later than the last one, and another
    /// value at the same time, are taken as they come.
    pub(super) fn on_value(
        &mut self,
        name: &[u8],
        time: Nanos,
        value: Px,
        context: &LevelContext,
    ) -> Result<Event, LevelOutcome> {
        let token = token_of(name);
        let mut padded = [0; 24];
        for (to, from) in padded.iter_mut().zip(name) {
            let is_plain = from.is_ascii_graphic() || *from == b' ';
            *to = if is_plain { *from } else { b'?' };
        }
        let known = self.seen.iter().position(|index| index.token == token);
        let Some(index) = known.and_then(|at| self.seen.get_mut(at)) else {
            if self.seen.len() == self.bound {
                return Err(LevelOutcome::Refused);
            }
            self.seen.push(IndexName { token, name: padded, time, value });
            return Ok(event(token, time, value, context));
        };
        if !index.name.eq_ignore_ascii_case(&padded) {
            return Err(LevelOutcome::Refused);
        }
        if time < index.time {
            return Err(LevelOutcome::Older);
        }
        let before = core::mem::replace(&mut index.value, value);
        index.time = time;
        if before == value {
            return Err(LevelOutcome::Unchanged);
        }
        Ok(event(token, time, value, context))
    }
}

fn event(token: Token, time: Nanos, value: Px, context: &LevelContext) -> Event {
    Event {
        kind_code: EventKind::IndexValue as u8,
        flags: super::line_flag(context.line),
        stream: context.stream,
        token,
        exchange_time: time,
        receive_time: context.receive_time,
        price: value,
        ..Event::zeroed()
    }
}
