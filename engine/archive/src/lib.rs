//! Journals kept for years.
//!
//! An archive is a directory: each segment of a journal compressed (zstd), and a manifest that names
//! each with its SHA-256 and chains them, so that nothing can be changed, exchanged, left out or added
//! without the last link, the *seal*, becoming another one. Whoever keeps the seal elsewhere can prove
//! years later that the archive is what it was. What is restored is the journal byte for byte.
//! `docs/wire/archive.md` has the format.

mod digest;
mod error;
mod manifest;
mod pack;
#[cfg(test)]
mod tests;
mod unpack;

pub use digest::Digest;
pub use error::{ArchiveError, Fault};
pub use manifest::{MANIFEST_NAME, Manifest, Segment, Span};
pub use pack::{ArchiveConfig, archive};
pub use unpack::{restore, verify};

/// How far long work is, told after each segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Segments done.
    pub segments: u32,
    /// Segments in all.
    pub segments_all: u32,
    /// Bytes of the journal done.
    pub bytes: u64,
    /// Bytes in the archive for them.
    pub packed_bytes: u64,
}
