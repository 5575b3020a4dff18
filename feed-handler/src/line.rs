//! The two lines of a feed.

/// One of the two multicast sources of a stream. Both are live; one lags the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// Source 1.
    A = 0,
    /// Source 2.
    B = 1,
}

impl Line {
    /// Both lines.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The position in a table of lines.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The line that is not this one.
    #[inline]
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}
