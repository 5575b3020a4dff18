//! Snapshots: the whole state of a core as bytes, and back, so that a restart need not act on a whole
//! day again.
//!
//! Numbers are little-endian. A snapshot is a row of *parts*, each with its name and length, and each
//! written and read by the module that owns the state (`oms/snapshot.rs`, `book/snapshot.rs`, …). What
//! follows from other state (sums, indices, trees) is left out and made again. `docs/wire/snapshot.md`
//! has the bytes.
//!
//! Reading checks every length, code and bound, allocates nothing beyond the core's own bounds, and
//! ends with the state hash: bytes of any kind give a core that is the one saved, or an error that
//! names what is wrong. It never panics.

mod error;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use error::{NoSnapshot, SnapshotError};
pub use reader::SnapshotReader;
pub use writer::SnapshotWriter;

/// The version of what parts hold. One more with every change of any part's bytes.
pub const SNAPSHOT_VERSION: u32 = 5;

/// The names of parts, as their first four bytes.
pub(crate) mod part {
    /// A part's name.
    pub(crate) type Name = [u8; 4];

    pub(crate) const DESK: Name = *b"DESK";
    pub(crate) const INSTRUMENTS: Name = *b"INST";
    pub(crate) const LEGS: Name = *b"LEGS";
    pub(crate) const BOOKS: Name = *b"BOOK";
    pub(crate) const TAPE: Name = *b"TAPE";
    pub(crate) const STATUSES: Name = *b"STAT";
    pub(crate) const ORDERS: Name = *b"ORDR";
    pub(crate) const POSITIONS: Name = *b"POSN";
    pub(crate) const CARRIED: Name = *b"HELD";
    pub(crate) const RISK: Name = *b"RISK";
    pub(crate) const GUARDS: Name = *b"GARD";
    pub(crate) const UNDERLYINGS: Name = *b"UNDL";
    pub(crate) const LOSSES: Name = *b"LOSS";
    pub(crate) const USAGE: Name = *b"USED";
    pub(crate) const COLLATERAL: Name = *b"COLL";
    pub(crate) const OPERATOR: Name = *b"OPER";
    pub(crate) const TIMERS: Name = *b"TIMR";
    pub(crate) const ACCOUNTS: Name = *b"ACCT";
    pub(crate) const LEDGERS: Name = *b"LEDG";
    pub(crate) const MEMBER: Name = *b"MEMB";
    pub(crate) const VENUE: Name = *b"VENU";
    pub(crate) const STRATEGY: Name = *b"STRA";
}
