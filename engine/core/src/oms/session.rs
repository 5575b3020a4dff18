//! Whether orders can reach the venue at all.

/// How the session that carries orders to a venue outside the core stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderSessionState {
    /// Orders cannot leave: not signed on yet, or the connection is lost. What is in flight stays so.
    Down = 0,
    /// Orders can leave, and everything the venue said meanwhile is told.
    Live = 1,
}

impl OrderSessionState {
    /// The state a record's byte stands for.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Down),
            1 => Some(Self::Live),
            _ => None,
        }
    }

    /// A name for people and programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Live => "live",
        }
    }
}
