//! Why a state cannot be saved, and why a snapshot is refused.

use core::fmt;

/// The strategy keeps state that it cannot write down: a core with it has no snapshot, and its journal
/// is replayed from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSnapshot;

impl fmt::Display for NoSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the strategy has no snapshot of its state")
    }
}

impl core::error::Error for NoSnapshot {}

/// Why a snapshot is refused. The core that was to have it is not to be used after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// Written by a version with other bytes.
    Version {
        /// The version it says.
        found: u32,
    },
    /// A part ends before everything in it is read.
    CutShort {
        /// The part.
        part: [u8; 4],
    },
    /// A part has more bytes than anything reads.
    LeftOver {
        /// The part.
        part: [u8; 4],
    },
    /// Another part than the one that comes next.
    Order {
        /// The part that should be here.
        expected: [u8; 4],
        /// What is.
        found: [u8; 4],
    },
    /// A number, code or place that no state has.
    Range {
        /// The part.
        part: [u8; 4],
        /// What it is.
        what: &'static str,
    },
    /// More of something than the core has room for.
    Capacity {
        /// What there is too much of: a field of the configuration, where it is one.
        what: &'static str,
    },
    /// The core has other limits, another venue or larger bounds than the one that was saved.
    Config {
        /// What differs.
        what: &'static str,
    },
    /// The state of another strategy, of other parameters, or of none.
    Strategy,
    /// The strategy can save its state, and not read it.
    NotReadable,
    /// The core has acted already.
    NotNew,
    /// The state that was read is not the one that was saved.
    Hash {
        /// The hash that was saved.
        saved: u64,
        /// The hash of what was read.
        loaded: u64,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |part: &[u8; 4]| part.escape_ascii().to_string();
        match self {
            Self::Version { found } => {
                write!(f, "its state is of version {found}, this reads {}", super::SNAPSHOT_VERSION)
            }
            Self::CutShort { part } => write!(f, "part {} is cut short", name(part)),
            Self::LeftOver { part } => write!(f, "part {} has bytes left over", name(part)),
            Self::Order { expected, found } => {
                write!(f, "part {} is where {} should be", name(found), name(expected))
            }
            Self::Range { part, what } => {
                write!(f, "part {}: no state has such {what}", name(part))
            }
            Self::Capacity { what } => write!(f, "there is no room for so many: {what}"),
            Self::Config { what } => write!(f, "it is of a core with other {what}"),
            Self::Strategy => f.write_str("it is of another strategy, other parameters, or none"),
            Self::NotReadable => f.write_str("the strategy does not read snapshots"),
            Self::NotNew => f.write_str("a state can be loaded only before the first input"),
            Self::Hash { saved, loaded } => {
                write!(f, "the state read is {loaded:016x}, the one saved was {saved:016x}")
            }
        }
    }
}

impl core::error::Error for SnapshotError {}
