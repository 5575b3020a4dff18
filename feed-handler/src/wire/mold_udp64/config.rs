//! The bounds of a sequencer, and what it counts.

use core::fmt;

use super::PacketError;
use crate::Line;

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// On a multicast line.
    Line(Line),
    /// From a re-request server.
    Recovery,
}

impl Source {
    /// Every source, by index.
    pub const ALL: [Self; 3] = [Self::Line(Line::A), Self::Line(Line::B), Self::Recovery];
    /// How many there are: the length of a table of them.
    pub const COUNT: usize = Self::ALL.len();

    /// The position in a table of sources.
    #[inline]
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Line(line) => line.index(),
            Self::Recovery => 2,
        }
    }
}

/// Where a sequencer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a number; what comes before the first packet seen is missing and asked for.
    At(u64),
    /// At the first number seen: a late join, with the books made whole by other means.
    FirstSeen,
}

/// The bounds of a [`Sequencer`](super::Sequencer). All memory is allocated at start:
/// `window` times (`message_size_max` + 4) bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerConfig {
    /// Where to begin.
    pub start: Start,
    /// Messages that can be waited behind a missing one. When a message does not fit, the gap
    /// before it is given up.
    pub window: usize,
    /// The largest message that can wait. A larger one that comes early is dropped and counted.
    pub message_size_max: usize,
    /// A number this far beyond the last known is believed when a second one near it comes.
    pub jump_max: u64,
    /// How long a missing message may still come on the other line before it is asked for.
    pub request_after_ns: i64,
    /// How long an answer may take.
    pub retry_ns: i64,
    /// Requests without any progress before a gap is given up; 0 when there is no server. When it
    /// is not 0, [`Sequencer::poll_request`](super::Sequencer::poll_request) must be called.
    pub requests_max: u32,
    /// Messages one request names at most.
    pub request_messages_max: u16,
}

impl SequencerConfig {
    /// The largest window and message that can be asked for.
    pub const WINDOW_MAX: usize = 1 << 24;
}

impl Default for SequencerConfig {
    /// For ITCH 5.0, whose longest message has 50 bytes: some 4.5 MB.
    fn default() -> Self {
        Self {
            start: Start::FirstSeen,
            window: 1 << 16,
            message_size_max: 64,
            jump_max: 1 << 20,
            request_after_ns: 5_000_000,
            retry_ns: 50_000_000,
            requests_max: 5,
            request_messages_max: 1_000,
        }
    }
}

/// Why a configuration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// `window` is 0 or above [`SequencerConfig::WINDOW_MAX`].
    Window,
    /// `message_size_max` is 0 or above 65,535.
    MessageSize,
    /// `jump_max` is below `window`.
    JumpMax,
    /// A negative time.
    Time,
    /// `request_messages_max` is 0 or 65,535, which is no count.
    RequestMessages,
    /// The start is number 0.
    Start,
}

impl ConfigError {
    /// A name for programs, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::MessageSize => "message_size",
            Self::JumpMax => "jump_max",
            Self::Time => "time",
            Self::RequestMessages => "request_messages",
            Self::Start => "start",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Window => "window must be within 1..=2^24",
            Self::MessageSize => "message_size_max must be within 1..=65,535",
            Self::JumpMax => "jump_max must be at least the window",
            Self::Time => "request_after_ns and retry_ns must not be negative",
            Self::RequestMessages => "request_messages_max must be within 1..=65,534",
            Self::Start => "the first sequence number is 1",
        })
    }
}

impl core::error::Error for ConfigError {}

impl SequencerConfig {
    /// Whether every bound is one that works.
    pub(super) const fn check(&self) -> Result<(), ConfigError> {
        if self.window == 0 || self.window > Self::WINDOW_MAX {
            return Err(ConfigError::Window);
        }
        if self.message_size_max == 0 || self.message_size_max > u16::MAX as usize {
            return Err(ConfigError::MessageSize);
        }
        if self.jump_max < self.window as u64 {
            return Err(ConfigError::JumpMax);
        }
        if self.request_after_ns < 0 || self.retry_ns < 0 {
            return Err(ConfigError::Time);
        }
        if self.request_messages_max == 0 || self.request_messages_max == u16::MAX {
            return Err(ConfigError::RequestMessages);
        }
        if matches!(self.start, Start::At(0)) {
            return Err(ConfigError::Start);
        }
        Ok(())
    }
}

/// What became of the packets and messages of one source. Each message of a packet that was not
/// refused is exactly one of `first`, `redundant` and `unheld`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounters {
    /// Packets, refused ones too.
    pub packets: u64,
    /// Heartbeats and ends of session among them.
    pub heartbeats: u64,
    /// Messages that were the first copy.
    pub first: u64,
    /// Messages that were here already, or given up, or from before the start.
    pub redundant: u64,
    /// Early messages too large to wait.
    pub unheld: u64,
    /// Packets refused, indexed by the code of the [`PacketError`].
    pub refused: [u64; PacketError::COUNT],
}

/// How gaps opened and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GapCounters {
    /// Times that a missing message held the stream up.
    pub opened: u64,
    /// Messages given up.
    pub lost: u64,
    /// Requests made.
    pub requests: u64,
}
